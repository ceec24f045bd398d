/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A notification's message authentication code: to check it, and to put it. Include msg.h. */
#ifndef FANTEL_MSG_AUTH_H
#define FANTEL_MSG_AUTH_H

#include "mac.h"
#include "msg_types.h"

/*
 * The MAC's input is the originator's address, TYPE, CODE, Tunnel Info and Options in one row, with
 * the MAC itself and a relay's hop count as zero. The first 18 bytes are put in front of Tunnel
 * Info for the time of the computation; then the buffer is as it was.
 *
 *	b:  | UDP header | first word | Tunnel Info ...        (what is there)
 *	       | address | TYPE | CODE | Tunnel Info ...       (what is hashed)
 */
#define MSG_MAC_HEAD 18

FN int msg_mac(struct mac *out, const struct mac_key *key, struct msg_buf *buf,
	       const struct msg_envelope *e, __u32 len, __u32 auth_at, __u32 scope_at)
{
	__u32 body = msg_body(e->transport), place = MSG_BUF_FRONT + body - MSG_MAC_HEAD;
	__u8 *head = msg_buf_place(buf, place, MSG_MAC_HEAD);
	__u8 *mac = msg_buf_at(buf, auth_at + WIRE_AUTH_OFF_MAC, WIRE_MAC_LEN);
	__u8 *hops = scope_at ? msg_buf_at(buf, scope_at + WIRE_SCOPE_OFF_HOPS, 1) : NULL;
	__u64 *kept = buf->work.kept;
	__u16 kept_end;
	__u8 kept_hops = 0, *first;
	__u32 word;
	int ret;

	first = msg_buf_at(buf, body - WIRE_HDR_LEN, 4);
	if (!head || !mac || !first)
		return -1;
	word = be32(load32(first));
	word = e->transport == TRANSPORT_UDP ? word >> WIRE_UDP_CODE_SHIFT : word >> 16;

	kept[0] = load64(head);
	kept[1] = load64(head + 8);
	kept_end = load16(head + 16);
	kept[2] = load64(mac);
	kept[3] = load64(mac + 8);
	if (hops) {
		kept_hops = *hops;
		*hops = 0;
	}
	store64(mac, 0);
	store64(mac + 8, 0);
	addr_store(head, &e->src);
	store16(head + 16, be16(word));

	ret = mac_compute(out, key, buf, place, MSG_BUF_FRONT + len);

	store64(head, kept[0]);
	store64(head + 8, kept[1]);
	store16(head + 16, kept_end);
	store64(mac, kept[2]);
	store64(mac + 8, kept[3]);
	if (hops)
		*hops = kept_hops;
	return ret;
}

/* Does a parsed message carry the right MAC? REASON_NONE, or REASON_AUTH for a wrong or missing one
 * or one of another algorithm. */
SUBPROG enum reason msg_auth(const struct msg *m, const struct mac_key *key,
			     const struct msg_envelope *e, struct msg_buf *buf)
{
	struct mac mac = {};

	if (!m || !key || !e || !buf)
		return REASON_INTERNAL;
	if (!msg_has(m, TLVI_AUTH) || m->auth_algorithm != key->algorithm)
		return REASON_AUTH;
	if (msg_mac(&mac, key, buf, e, m->len, m->at[TLVI_AUTH], m->at[TLVI_SCOPE]))
		return REASON_AUTH;
	return mac_equal(&mac, m->auth_mac) ? REASON_NONE : REASON_AUTH;
}

/*
 * Put the MAC into the AUTH TLV of a message that msg_finish has finished, and the checksum once
 * more. `auth_at`, `scope_at`: where the values of these TLVs start in the message; scope_at 0: it
 * has none. 0, or -1 where they can't start.
 */
FN int msg_sign(struct msg_buf *buf, const struct msg_envelope *e, __u32 len,
		const struct mac_key *key, __u32 auth_at, __u32 scope_at)
{
	__u8 *sum_at = buf->b + (e->transport == TRANSPORT_UDP ? UDP_OFF_SUM : ICMP_OFF_SUM);
	__u8 *p = msg_buf_at(buf, auth_at + WIRE_AUTH_OFF_MAC, WIRE_MAC_LEN);
	struct mac mac = {};

	if (!p || msg_mac(&mac, key, buf, e, len, auth_at, scope_at))
		return -1;
	store64(p, mac.q[0]);
	store64(p + 8, mac.q[1]);
	store16(sum_at, 0);
	store16(sum_at, msg_checksum(buf, e, len));
	return 0;
}

#endif
