/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Flows that keep their order: in a group whose ordering is not `any`, a flow stays on its path while
 * that is usable and a member, though others now come first: until a gap (flowlet), or until it was
 * idle so long that it counts as new (strict). steer asks before it picks, and notes what it picked.
 * What is not usable is left at once, whatever the ordering; what is congested, unless it is strict.
 */
#ifndef FLOWS_BPF_H
#define FLOWS_BPF_H

#include "fantel/path.h"
#include "maps.bpf.h"

struct keeping {
	struct flow *flow; /* NULL: any order will do */
	bool strictly;	   /* it has a path to keep until that fails */
	__u32 now;
};

FN __u32 flow_clock(const struct rank *rank)
{
	if (rank->ordering == ORDERING_STRICT)
		return bpf_jiffies64();
	return bpf_ktime_get_ns() >> FLOW_TICK_SHIFT;
}

/* The members in the order in which they may serve the flow: the slot's own, but with the path that
 * it has to keep in front. */
FN __u64 flow_order(struct keeping *k, const struct rank *rank, __u32 group, __u32 slot)
{
	__u64 order = rank->order[slot];
	__u32 at = group * RANK_SLOTS + slot, path;

	*k = (struct keeping){};
	if (LIKELY(rank->ordering == ORDERING_ANY))
		return order;
	k->flow = bpf_map_lookup_elem(&fantel_flows, &at);
	if (!k->flow)
		return order;
	k->now = flow_clock(rank);
	if (!k->flow->path_plus_1 || k->now - k->flow->last >= rank->idle)
		return order;
	path = k->flow->path_plus_1 - 1;
	k->strictly = rank->ordering == ORDERING_STRICT;
	return LIKELY(path == rank->path[order & 15]) ? order : rank_first(rank, order, path);
}

FN void flow_took(const struct keeping *k, __u32 path)
{
	if (!k->flow)
		return;
	k->flow->path_plus_1 = path + 1;
	k->flow->last = k->now;
}

#endif
