// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Slots for paths and groups, and for next hops. Called by push; touches nothing but its arguments.
 */
#include <errno.h>
#include <stdlib.h>

#include "assign.h"
#include "own.h"

#define NONE (~0U)

/* ---- by name --------------------------------------------------------------------------------- */

struct named {
	const char *name;
	__u32 slot;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static __u32 read_names(const struct assign *a, struct named *named)
{
	__u32 n = 0;

	for (__u32 slot = 0; slot < a->n_slots; slot++) {
		named[n].name = a->have(a->arg, slot);
		named[n].slot = slot;
		n += named[n].name != NULL;
	}
	qsort(named, n, sizeof(*named), by_name);
	return n;
}

/* Where wanted item i is already; NONE: nowhere. After a push that did not come to its end the old one and the
 * new one of a name may both be there. */
static __u32 slot_of(const struct assign *a, const struct named *named, __u32 n, __u32 i)
{
	struct named key = { .name = a->want(a->arg, i) };
	const struct named *at = bsearch(&key, named, n, sizeof(*named), by_name);

	while (at && at > named && !by_name(at - 1, &key))
		at--;
	for (; at && at < named + n && !by_name(at, &key); at++)
		if (a->same(a->arg, at->slot, i))
			return at->slot;
	return NONE;
}

static __u32 next_slot(const struct assign *a, const bool *taken, bool free_only, __u32 from)
{
	while (from < a->n_slots && (taken[from] || (free_only && a->have(a->arg, from))))
		from++;
	return from < a->n_slots ? from : NONE;
}

int assign_slots(const struct assign *a, __u32 *slot, bool *kept)
{
	struct named *named OWN_MEM = calloc(a->n_slots + 1, sizeof(*named));
	bool *taken OWN_MEM = calloc(a->n_slots, sizeof(*taken));
	__u32 n, at = 0;

	if (!named || !taken)
		return -ENOMEM;
	n = read_names(a, named);
	memset(kept, 0, a->n_slots * sizeof(*kept));
	for (__u32 i = 0; i < a->n_want; i++) {
		slot[i] = slot_of(a, named, n, i);
		if (slot[i] != NONE)
			kept[slot[i]] = taken[slot[i]] = true;
	}
	for (int free_only = 1; free_only >= 0; free_only--, at = 0)
		for (__u32 i = 0; i < a->n_want; i++) {
			if (slot[i] != NONE)
				continue;
			at = next_slot(a, taken, free_only, at);
			if (at == NONE)
				break;
			slot[i] = at;
			taken[at] = true;
		}
	return 0;
}

/* ---- by destination -------------------------------------------------------------------------- */

/* Labels are for a neighbour only, other packets for whoever leads to the address. */
struct dst {
	struct addr addr;
	bool labels;
	__u32 nexthop;
};

static struct dst dst_of(const struct path *path)
{
	return (struct dst){ path->dst, path->outer == OUTER_MPLS, path->nexthop };
}

static int by_dst(const void *a, const void *b)
{
	const struct dst *x = a, *y = b;
	int order = memcmp(&x->addr, &y->addr, sizeof(x->addr));

	return order ? order : x->labels - y->labels;
}

/* Destinations in order, each once; the first of equals stays. */
static __u32 unique(struct dst *dst, __u32 n)
{
	__u32 kept = 0;

	qsort(dst, n, sizeof(*dst), by_dst);
	for (__u32 i = 0; i < n; i++)
		if (!kept || by_dst(&dst[kept - 1], &dst[i]))
			dst[kept++] = dst[i];
	return kept;
}

static struct dst *find_dst(struct dst *dst, __u32 n, const struct dst *key)
{
	return bsearch(key, dst, n, sizeof(*dst), by_dst);
}

int assign_nexthops(const struct path *have, __u32 n_have, struct path *want, __u32 n_want,
		    __u32 room)
{
	struct dst *old OWN_MEM = calloc(n_have + 1, sizeof(*old));
	struct dst *new OWN_MEM = calloc(n_want + 1, sizeof(*new));
	bool *busy OWN_MEM = calloc(room, sizeof(*busy));
	__u32 n_old = 0, n_new = 0, next = 0;

	if (!old || !new || !busy)
		return -ENOMEM;
	for (__u32 i = 0; i < n_have; i++)
		if (have[i].tunnel != TUNNEL_NONE && have[i].nexthop < room)
			old[n_old++] = dst_of(&have[i]);
	n_old = unique(old, n_old);
	for (__u32 i = 0; i < n_want; i++) {
		new[n_new] = dst_of(&want[i]);
		new[n_new++].nexthop = NONE;
	}
	n_new = unique(new, n_new);

	/* Entries of the old policy stay untouched while its paths may still be met, unless there
	 * are so many that the new ones would not find room. */
	for (__u32 i = 0; i < n_old; i++) {
		struct dst *kept = find_dst(new, n_new, &old[i]);

		if (kept)
			kept->nexthop = old[i].nexthop;
		busy[old[i].nexthop] = kept || n_old + n_new <= room;
	}
	for (__u32 i = 0; i < n_new; i++) {
		if (new[i].nexthop != NONE)
			continue;
		while (busy[next])
			next++;
		new[i].nexthop = next++;
	}
	for (__u32 i = 0; i < n_want; i++) {
		struct dst key = dst_of(&want[i]);

		want[i].nexthop = find_dst(new, n_new, &key)->nexthop;
	}
	return 0;
}
