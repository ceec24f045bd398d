// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* See learned.h. In batches, because packets are being lost: the whole map in a few system calls. */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "learned.h"
#include "own.h"

#define BATCH 1024 /* more than any bucket of the map holds */

static int keep(struct learned_tunnels *t, const struct told_key *key, const struct learned *learned)
{
	/* Room is there for a power of two. */
	if (!(t->n & (t->n - 1))) {
		void *new = reallocarray(t->tunnel, t->n ? 2 * t->n : 1, sizeof(*t->tunnel));

		if (!new)
			return -ENOMEM;
		t->tunnel = new;
	}
	t->tunnel[t->n++] = (struct learned_tunnel){ *key, *learned };
	return 0;
}

static bool is_about(const struct told_key *key, const struct sensed_key *about)
{
	bool both = about->trouble != TROUBLE_NONE && about->trouble != TROUBLE_ERRORS;

	return (!about->ifindex || key->ifindex == about->ifindex) &&
	       (both || key->trouble == about->trouble);
}

int learned_read(struct learned_tunnels *t, int map, const struct sensed_key *about, __u64 since_ns)
{
	struct told_key *key OWN_MEM = calloc(BATCH, sizeof(*key));
	struct learned *value OWN_MEM = calloc(BATCH, sizeof(*value));
	__u32 place, n, *from = NULL;
	bool last = false;

	*t = (struct learned_tunnels){};
	if (!key || !value)
		return -ENOMEM;
	for (; !last; from = &place) {
		n = BATCH;
		last = bpf_map_lookup_batch(map, from, &place, key, value, &n, NULL);
		if (last && errno != ENOENT)
			return -errno;
		for (__u32 i = 0; i < n; i++)
			if (is_about(&key[i], about) && value[i].seen_ns >= since_ns &&
			    keep(t, &key[i], &value[i]))
				return -ENOMEM;
	}
	return 0;
}

void learned_free(struct learned_tunnels *t)
{
	free(t->tunnel);
}

static int compare_ingress(const void *a, const void *b)
{
	const struct learned_tunnel *x = a, *y = b;

	return memcmp(&x->key.ingress, &y->key.ingress, sizeof(x->key.ingress));
}

static int compare_age(const void *a, const void *b)
{
	const struct learned_tunnel *x = a, *y = b;

	return (x->learned.seen_ns < y->learned.seen_ns) - (x->learned.seen_ns > y->learned.seen_ns);
}

void learned_by_ingress(struct learned_tunnels *t)
{
	if (t->n)
		qsort(t->tunnel, t->n, sizeof(*t->tunnel), compare_ingress);
}

void learned_by_age(struct learned_tunnels *t)
{
	if (t->n)
		qsort(t->tunnel, t->n, sizeof(*t->tunnel), compare_age);
}
