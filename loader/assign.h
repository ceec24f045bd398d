/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which slot of an array map does each object of a policy get? What is the same as before keeps its
 * slot; what changed gets a free one, so that no packet ever meets half of the old and half of the
 * new. Pure.
 */
#ifndef ASSIGN_H
#define ASSIGN_H

#include "fantel/abi.h"

/* What is in the map, and what is wanted; at most as many as there are slots. */
struct assign {
	__u32 n_slots, n_want;
	const char *(*have)(void *arg, __u32 slot); /* name of what is there; NULL = free */
	const char *(*want)(void *arg, __u32 i);
	bool (*same)(void *arg, __u32 slot, __u32 i); /* asked of equal names only */
	void *arg;
};

/*
 * Fill slot[i] for each wanted object and kept[s] for each slot: true where what is there stays as
 * it is. Only where no slot is free is one used again in place. Returns 0 or -ENOMEM.
 */
int assign_slots(const struct assign *assign, __u32 *slot, bool *kept);

/*
 * Next hops by outer destination, those of MPLS apart: paths with the same one share an entry, which
 * an address keeps as long as any path uses it. have: n_have paths as the map has them, tunnel 0 = none. Sets
 * want[i].nexthop, below `room`, which is n_want at least. Returns 0 or -ENOMEM.
 */
int assign_nexthops(const struct path *have, __u32 n_have, struct path *want, __u32 n_want,
		    __u32 room);

#endif
