/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Message authentication codes: those of what is received (notify), and those that what we send in a
 * packet's place gets (detect, tell). Keys are fantel_keys; the loader signs what it sends itself.
 * Where policy asks for none of it, config says so, and nothing of this is in the program.
 */
#ifndef AUTH_BPF_H
#define AUTH_BPF_H

#include "account.bpf.h"
#include "fantel/msg.h"
#include "scratch.bpf.h"

/* CLOCK_TAI at now_ns, with what it was ahead at the beginning of this tick (1-10 ms): in a storm of
 * notifications a second clock would be dear. */
FN __u64 auth_tai(struct scratch *s, __u64 now_ns)
{
	__u64 jiffies = bpf_jiffies64();

	if (s->tai_jiffies != jiffies) {
		s->tai_ahead_ns = bpf_ktime_get_tai_ns() - now_ns;
		s->tai_jiffies = jiffies;
	}
	return now_ns + s->tai_ahead_ns;
}

/*
 * The notification in scratch, from a source whose MAC is looked at: REASON_NONE when it has shown what
 * it must; s->proven: with a MAC. After all that is cheap was checked, and before anything is
 * remembered.
 */
SUBPROG int auth_check(struct scratch *s, __u64 now_ns)
{
	struct msg_envelope from = {};
	enum reason reason;
	struct key *key;
	__u64 now;
	__u32 id;

	if (!s)
		return REASON_INTERNAL;
	if (!msg_has(&s->msg, TLVI_AUTH))
		return s->authentication == AUTHENTICATION_REQUIRE ? REASON_AUTH_MISSING :
								     REASON_NONE;
	id = s->msg.auth_key_id;
	key = bpf_map_lookup_elem(&fantel_keys, &id);
	if (!key || key->mac.algorithm != s->msg.auth_algorithm)
		return REASON_AUTH_KEY;
	now = auth_tai(s, now_ns);
	if (now < key->from_ns)
		return REASON_AUTH_EARLY;
	if (now >= key->until_ns)
		return REASON_AUTH_EXPIRED;
	from.src = s->outer.src;
	from.dst = s->outer.dst;
	from.transport = s->outer.proto == PROTO_UDP ? TRANSPORT_UDP : TRANSPORT_ICMPV6;
	reason = msg_auth(&s->msg, &key->mac, &from, &s->buf);
	s->proven = reason == REASON_NONE;
	return reason;
}

#define AUTH_ALGORITHM_SHIFT 32

/* Of the keys that policy signs with, the one that became active last: its algorithm, shifted, and its
 * id; 0 if none is active. */
SUBPROG __u64 auth_choose(void)
{
	__u64 now = bpf_ktime_get_tai_ns(), latest_ns = 0, chosen = 0;

	for (__u32 i = 0; i < MAX_SIGN_KEYS && i < config.n_sign_keys; i++) {
		__u32 id = config.sign_key[i];
		struct key *key = bpf_map_lookup_elem(&fantel_keys, &id);

		if (!key || now < key->from_ns || now >= key->until_ns)
			continue;
		if (chosen && key->from_ns <= latest_ns)
			continue;
		latest_ns = key->from_ns;
		chosen = (__u64)key->mac.algorithm << AUTH_ALGORITHM_SHIFT | id;
	}
	return chosen;
}

/* Put the MAC into a message of `len` bytes in scratch that ends with its AUTH TLV. 0, or -1. */
SUBPROG int auth_sign(struct scratch *s, const struct msg_envelope *from, __u32 key_id, __u32 len)
{
	__u32 id = key_id;
	struct key *key;

	if (!s || !from || len > WIRE_MSG_MAX)
		return -1;
	key = bpf_map_lookup_elem(&fantel_keys, &id);
	if (!key)
		return -1;
	return msg_sign(&s->buf, from, len, &key->mac, len - WIRE_AUTH_LEN, 0);
}

/* msg_finish for the message in scratch, with a MAC where policy says so. */
FN __u32 auth_finish(struct scratch *s, struct writer *w, const struct msg_rules *rules,
		     const struct msg_envelope *from, enum kind kind, __u32 code)
{
	__u64 key = 0;
	__u32 len;

	if (config.n_sign_keys) {
		key = auth_choose();
		if (key)
			msg_put_auth(w, rules, key, key >> AUTH_ALGORITHM_SHIFT);
		else
			count(REASON_UNSIGNED, 0);
	}
	len = msg_finish(w, rules, from, kind, code);
	return len && key && auth_sign(s, from, key, len) ? 0 : len;
}

#endif
