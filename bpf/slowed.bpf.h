/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Ingress PE: single flows that a notification asks to send less, where policy has such a flow held back
 * and not its path. notify makes the entries, in fantel_transit beside those of others' traffic; steer asks
 * for each packet while there are any. A flow is found whatever path it takes.
 */
#ifndef SLOWED_BPF_H
#define SLOWED_BPF_H

#include "transit.bpf.h"

FN __u64 slowed_hash(const struct addr *src, const struct addr *dst, __u32 ports, __u32 proto)
{
	return flow_hash(src, dst, ports, proto, 0, SLOWED_SEED) | 1;
}

/* The entry of a flow; -1: there is none. */
FN int slowed_lookup(const struct addr *src, const struct addr *dst, __u32 ports, __u32 proto)
{
	__u64 hash = slowed_hash(src, dst, ports, proto);

	for (__u32 i = 0; i < TRANSIT_PLACES; i++) {
		__u32 place = (hash + i) % MAX_TRANSIT;
		struct transit *t = bpf_map_lookup_elem(&fantel_transit, &place);

		if (t && t->hash == hash && t->ports == ports && t->proto == proto &&
		    addr_equal(&t->src, src) && addr_equal(&t->dst, dst))
			return place;
	}
	return -1;
}

/* Of the flow that the notification in scratch names; -1: it is not there, or there is no room to make
 * it. Its own function, for its part of the stack. */
SUBPROG int slowed_find(bool make)
{
	struct scratch *s = scratch();
	const struct msg *m;
	__u32 ports;
	int place;

	if (!s || !msg_has(&s->msg, TLVI_FLOW))
		return -1;
	m = &s->msg;
	ports = be32((__u32)m->flow_sport << 16 | m->flow_dport);
	place = slowed_lookup(&m->flow_src, &m->flow_dst, ports, m->flow_protocol);
	if (place >= 0 || !make)
		return place;
	return transit_make(s, slowed_hash(&m->flow_src, &m->flow_dst, ports, m->flow_protocol), true);
}

/* What its flow's rate leaves to a packet: an enum pace_verdict, as pace_packet. Its own function: few
 * packets need it. */
SUBPROG int slowed_packet(struct xdp_md *ctx, bool waits)
{
	struct scratch *s = scratch();
	int place;

	if (!s || !scratch_frame(ctx, s))
		return PACE_PASS;
	place = slowed_lookup(&s->outer.src, &s->outer.dst, s->outer.ports, s->outer.proto);
	return place < 0 ? PACE_PASS : pace_packet(place, s->outer.len, waits);
}

#endif
