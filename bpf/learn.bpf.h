/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * P node, core port: which tunnels, from which ingress PEs, leave by which core port, and where errors
 * of links are watched, by which they come. When one fails, or breaks packets, the loader tells them
 * all, whether or not a packet comes by then (recover_failed, recover_trouble).
 *
 * One packet in so many is looked at, by chance, so that no rhythm of the traffic hides a tunnel. What
 * was not seen for long counts no more, and makes room for what is.
 */
#ifndef LEARN_BPF_H
#define LEARN_BPF_H

#include "detect.bpf.h"

/* How many packets to let pass before the next is looked at. learn only. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} fantel_skip SEC(".maps");

/* Is this somebody who could be told? */
FN bool learn_source(const struct addr *src)
{
	struct addr loopback4 = config.loopback4;
	struct prefix_key source;

	if (addr_is_v4(src) && addr_is_unspecified(&loopback4))
		return false;
	prefix_key_full(&source, src);
	return bpf_map_lookup_elem(&fantel_sources, &source);
}

/* The tunnel in scratch, and its ingress PE, on this link. */
SUBPROG int learn_tunnel(__u32 ifindex, enum trouble trouble)
{
	struct scratch *s = scratch();
	struct learned *learned;

	if (!s)
		return 0;
	told_key(s, ifindex, trouble);
	learned = bpf_map_lookup_elem(&fantel_learned, &s->told_key);
	if (learned) {
		learned->seen_ns = bpf_ktime_get_ns();
		return 0;
	}
	s->learned.seen_ns = bpf_ktime_get_ns();
	memcpy(&s->learned.tunnel, &s->told.tunnel, sizeof(s->learned.tunnel));
	bpf_map_update_elem(&fantel_learned, &s->told_key, &s->learned, BPF_ANY);
	return 0;
}

/* Of the packet at hand. A global function: rarely called, and large. */
SUBPROG int learn_packet(struct xdp_md *ctx)
{
	struct scratch *s = scratch();
	struct route *r;
	__u32 ifindex;

	if (!s || detect_tunnel(ctx, s) != REASON_NONE || !detect_may_tell(ctx, s) ||
	    !learn_source(&s->outer.src))
		return 0;
	if (config.learn_arrivals)
		learn_tunnel(ctx->ingress_ifindex, TROUBLE_ERRORS);
	r = route_lookup(ctx, &s->outer.src, &s->next, s->outer.flowinfo_be, s->outer.proto);
	if (!r)
		return 0;
	ifindex = r->ifindex;
	if (bpf_map_lookup_elem(&fantel_links, &ifindex))
		learn_tunnel(ifindex, TROUBLE_NONE);
	return 0;
}

FN void learn(struct xdp_md *ctx)
{
	__u32 zero = 0, *skip, every = config.learn_every;

	if (!every)
		return;
	skip = bpf_map_lookup_elem(&fantel_skip, &zero);
	if (!skip)
		return;
	if (LIKELY(*skip)) {
		--*skip;
		return;
	}
	*skip = bpf_get_prandom_u32() % (2 * every - 1);
	learn_packet(ctx);
}

#endif
