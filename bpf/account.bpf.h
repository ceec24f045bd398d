/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The one place where a reason becomes a counter and a verdict, and where events go out.
 */
#ifndef ACCOUNT_BPF_H
#define ACCOUNT_BPF_H

#include "fantel/bucket.h"
#include "maps.bpf.h"

static const enum fate fate_of[REASON_COUNT] = {
#define X(NAME, word, fate, sentence) [REASON_##NAME] = FATE_##fate,
	REASONS(X)
#undef X
};

FN void count(enum reason reason, __u64 bytes)
{
	__u32 key = reason;
	struct traffic *t = bpf_map_lookup_elem(&fantel_stats, &key);

	if (t) {
		t->packets++;
		t->bytes += bytes;
	}
}

/* Count, and say what XDP does with the packet. What is DONE has been consumed. A reason that a
 * global function returned could be any number to the verifier: "R2 unbounded memory access". */
FN int verdict(enum reason reason, __u64 bytes)
{
	count(reason, bytes);
	if (reason >= REASON_COUNT)
		return XDP_DROP;
	return fate_of[reason] == FATE_PASS ? XDP_PASS : XDP_DROP;
}

/* May `messages` more of this kind go to this destination now? */
FN bool bucket_allows(const struct bucket_key *key, __u32 messages, __u64 now_ns)
{
	static const struct bucket full = { .credit_ns = BUCKET_FULL };
	struct bucket *b = bpf_map_lookup_elem(&fantel_buckets, key);
	__u32 kind;

	if (!b) {
		bpf_map_update_elem(&fantel_buckets, key, &full, BPF_NOEXIST);
		b = bpf_map_lookup_elem(&fantel_buckets, key);
		if (!b)
			return false;
	}
	/* Read where it is used: spilled, Linux 6.1 would forget its bound. */
	kind = key->kind;
	if (kind >= BUCKET_COUNT)
		return false;
	return bucket_take(b, config.rate[kind].interval_ns, config.rate[kind].burst_ns,
			   messages, now_ns);
}

/* Begin an event: time and type set, the rest zero; NULL (counted) when the ring is full. */
FN struct event *event_begin(enum event_type type, __u64 now_ns)
{
	struct event *e = bpf_ringbuf_reserve(&fantel_events, sizeof(*e), 0);

	if (!e) {
		count(REASON_EVENT_LOST, 0);
		return NULL;
	}
	memset(e, 0, sizeof(*e));
	e->time_ns = now_ns;
	e->type = type;
	e->index = ~0U;
	return e;
}

FN void event_end(struct event *e)
{
	bpf_ringbuf_submit(e, 0);
}

#endif
