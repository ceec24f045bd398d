/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * P node, core port: traffic in tunnels of others, at the rate that a notification to this node asks for
 * (draft-hzh §4.2: "the upstream nodes to the congested node should reduce the transmission rate of
 * corresponding traffic"). It names a tunnel, and perhaps one flow inside; exactly that is held back.
 * notify makes the entries, the timer of their rate removes them. Without entries it is a load.
 */
#ifndef TRANSIT_BPF_H
#define TRANSIT_BPF_H

#include "detect.bpf.h"
#include "pace.bpf.h"

/* Never 0. */
FN __u64 transit_hash(const struct tunnel_key *tunnel)
{
	return hash_tunnel(tunnel) | 1;
}

FN __u64 transit_flow_hash(__u64 tunnel_hash, const struct addr *src, const struct addr *dst,
			   __u32 ports, __u32 proto)
{
	return flow_hash(src, dst, ports, proto, 0, tunnel_hash) | 1;
}

/* The entry of this hash, for the tunnel in scratch; -1: there is none. Its own function: it is
 * verified once. */
SUBPROG int transit_lookup(__u64 hash)
{
	struct scratch *s = scratch();

	for (__u32 i = 0; s && i < TRANSIT_PLACES; i++) {
		__u32 place = (hash + i) % MAX_TRANSIT;
		struct transit *t = bpf_map_lookup_elem(&fantel_transit, &place);

		if (t && t->hash == hash && tunnel_equal(&t->tunnel, &s->told.tunnel))
			return place;
	}
	return -1;
}

/* A new one, for what the notification in scratch names; -1: no room. */
FN int transit_make(const struct scratch *s, __u64 hash, bool flowed)
{
	struct node_state *node = node_state();
	const struct msg *m = &s->msg;

	for (__u32 i = 0; node && i < TRANSIT_PLACES; i++) {
		__u32 place = (hash + i) % MAX_TRANSIT;
		struct transit *t = bpf_map_lookup_elem(&fantel_transit, &place);

		if (!t || __sync_val_compare_and_swap(&t->hash, 0, hash))
			continue;
		t->flowed = flowed;
		words_copy(&t->tunnel, &s->told.tunnel, sizeof(t->tunnel));
		t->src = m->flow_src;
		t->dst = m->flow_dst;
		t->ports = be32((__u32)m->flow_sport << 16 | m->flow_dport);
		t->proto = m->flow_protocol;
		__sync_fetch_and_add(&node->transit, 1);
		return place;
	}
	return -1;
}

/* What the notification in scratch names; -1: it is not there, or there is no room to make it. Its own
 * function, for its part of the stack. */
SUBPROG int transit_find(bool make)
{
	struct scratch *s = scratch();
	const struct msg *m;
	bool flowed;
	__u64 hash;
	int place;

	if (!s)
		return -1;
	m = &s->msg;
	flowed = msg_has(m, TLVI_FLOW);
	hash = transit_hash(&s->told.tunnel);
	if (flowed)
		hash = transit_flow_hash(hash, &m->flow_src, &m->flow_dst,
					 be32((__u32)m->flow_sport << 16 | m->flow_dport),
					 m->flow_protocol);
	place = transit_lookup(hash);
	return place < 0 && make ? transit_make(s, hash, flowed) : place;
}

/* The entry that the packet in scratch belongs to: its flow's, else its tunnel's. */
FN int transit_of_packet(struct xdp_md *ctx, struct scratch *s)
{
	__u64 hash;
	int place;

	if (detect_tunnel(ctx, s) != REASON_NONE)
		return -1;
	hash = transit_hash(&s->told.tunnel);
	place = transit_lookup(hash);
	if (place >= 0 || !detect_inner(ctx, s))
		return place;
	return transit_lookup(transit_flow_hash(hash, &s->inner.src, &s->inner.dst, s->inner.ports,
						s->inner.proto));
}

SUBPROG int transit_packet(struct xdp_md *ctx)
{
	struct scratch *s = scratch();
	enum pace_verdict pace;
	int place;
	__u8 *ip;

	if (!s)
		return NOT_OURS;
	place = transit_of_packet(ctx, s);
	/* What tells of congestion must not wait for it. */
	if (place < 0 || is_notification(&s->outer, packet_start(ctx), packet_end(ctx)))
		return NOT_OURS;
	pace = pace_packet(place, s->outer.len, false);
	if (pace == PACE_DROP)
		return verdict(REASON_PACED, s->outer.len);
	ip = packet_start(ctx) + ETH_LEN;
	if (pace == PACE_MARK && ip + IPV4_LEN <= (__u8 *)packet_end(ctx))
		pace_mark(ip, &s->outer);
	return NOT_OURS;
}

/* XDP_DROP, or NOT_OURS for a packet that goes on. */
FN int transit(struct xdp_md *ctx)
{
	struct node_state *node;

	if (!config.pacing.transit)
		return NOT_OURS;
	node = node_state();
	return LIKELY(!node || !node->transit) ? NOT_OURS : transit_packet(ctx);
}

#endif
