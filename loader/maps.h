/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The maps that the loader writes, as file descriptors: attach opens them, push, links, nexthops,
 * routes and recover use them. Their contents: fantel/abi.h and the list of writers in bpf/.
 */
#ifndef MAPS_H
#define MAPS_H

#include "policy_limits.h"

#define MAPS(X)                                                                                    \
	X(classes)                                                                                 \
	X(groups)                                                                                  \
	X(ranks)                                                                                   \
	X(paths)                                                                                   \
	X(nexthops)                                                                                \
	X(traffic)                                                                                 \
	X(health)                                                                                  \
	X(pace)                                                                                    \
	X(location)                                                                                \
	X(resource)                                                                                \
	X(failed)                                                                                  \
	X(metrics)                                                                                 \
	X(tunnels)                                                                                 \
	X(keys)                                                                                    \
	X(sources)                                                                                 \
	X(ends)                                                                                    \
	X(links)                                                                                   \
	X(bfd_set)                                                                                 \
	X(bfd)                                                                                     \
	X(bfd_echo)                                                                                \
	X(bfd_news)                                                                                \
	X(devices)                                                                                 \
	X(link_news)                                                                               \
	X(routes)                                                                                  \
	X(watches)                                                                                 \
	X(sensed)                                                                                  \
	X(gauges)                                                                                  \
	X(told)                                                                                    \
	X(learned)                                                                                 \
	X(lsps)                                                                                    \
	X(buckets)                                                                                 \
	X(stats)                                                                                   \
	X(events)

struct maps {
#define X(name) int name;
	MAPS(X)
#undef X
	__u32 room[LIMIT_COUNT]; /* by enum policy_limit */
	struct node_state *node; /* fantel_node, shared with the packet path */
};

/* The next sequence number of this node, for a notification of the loader's own. */
static inline __u64 maps_next_sequence(const struct maps *maps)
{
	return __atomic_add_fetch(&maps->node->sequence, 1, __ATOMIC_RELAXED);
}

#endif
