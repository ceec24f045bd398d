/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where paths leave: the route of each path's first hop, and the MAC of its neighbour. The only
 * writer of fantel_nexthops, at the indices that push gave out. Entries are good for a few seconds
 * and are renewed each second; when nobody renews them, the packet path asks the FIB itself.
 */
#ifndef NEXTHOPS_H
#define NEXTHOPS_H

#include "links.h"
#include "maps.h"
#include "qdiscs.h"

struct nexthops;

/* What push decided: paths with the same outer destination share an entry. */
struct nexthop_use {
	__u32 index; /* in fantel_nexthops */
	struct addr dst;
	bool labels; /* dst must be a neighbour: to anyone else they would mean something else */
};

/*
 * Listen for routes and neighbours, resolve all `uses` (copied) and write them. `clock_fd` is the
 * program fantel_clock. links, qdiscs (NULL: as below) and maps must live as long. Returns 0 or a negative errno, reported;
 * an address that nothing leads to is no error: its paths are not usable until a route appears.
 */
int nexthops_open(struct nexthops **nexthops, const struct maps *maps, const struct links *links,
		  const struct qdiscs *qdiscs, int clock_fd, const struct nexthop_use *uses, __u32 n_uses);
void nexthops_free(struct nexthops *nexthops);

int nexthops_fd(const struct nexthops *nexthops);
void nexthops_read(struct nexthops *nexthops);

/* An interface changed: what leaves by it and can't any more is marked down at once, the rest when
 * nexthops_tick comes. */
void nexthops_link(struct nexthops *nexthops, const struct interface *interface);

/* From now on each says whether packets can wait on its way out; NULL: none can. To be told again when
 * that has changed. */
void nexthops_qdiscs(struct nexthops *nexthops, const struct qdiscs *qdiscs);

/* When nexthops_tick has something to do: at once after news, else a second after the last time. */
__u64 nexthops_due(const struct nexthops *nexthops);
void nexthops_tick(struct nexthops *nexthops, __u64 now_ns);

/* How many lead nowhere now. */
__u32 nexthops_down(const struct nexthops *nexthops);

#endif
