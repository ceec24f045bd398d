// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A hash table of prefixes; each has the ways that are there, and the port that was decided last.
 */
#include <errno.h>
#include <stdlib.h>

#include "route_table.h"

#define BUCKETS (1 << 14)
#define NEVER (~0ULL)

struct way {
	__u32 metric;
	__u32 ifindex;
	__u32 sweep; /* the last one that saw it */
};

struct entry {
	struct entry *next;
	struct prefix_key prefix;
	__u32 decided;	/* ifindex as written; 0 = none */
	__u64 judge_ns; /* NEVER: nothing to judge */
	__u32 n;
	struct way *way;
};

struct route_table {
	struct route_ops ops;
	__u64 due_ns;
	__u32 sweep;
	struct entry *bucket[BUCKETS];
};

struct route_table *route_table_new(const struct route_ops *ops)
{
	struct route_table *table = calloc(1, sizeof(*table));

	if (table) {
		table->ops = *ops;
		table->due_ns = NEVER;
	}
	return table;
}

static void free_entry(struct entry *e)
{
	free(e->way);
	free(e);
}

void route_table_free(struct route_table *table)
{
	if (!table)
		return;
	for (__u32 b = 0; b < BUCKETS; b++)
		while (table->bucket[b]) {
			struct entry *e = table->bucket[b];

			table->bucket[b] = e->next;
			free_entry(e);
		}
	free(table);
}

/* ---- entries --------------------------------------------------------------------------------- */

static struct entry **bucket_of(struct route_table *table, const struct prefix_key *prefix)
{
	__u64 h = prefix->plen;

	for (int i = 0; i < 4; i++)
		h = (h ^ prefix->addr_be[i]) * 0x9e3779b97f4a7c15ULL;
	return &table->bucket[(h >> 40) & (BUCKETS - 1)];
}

static struct entry *find(struct route_table *table, const struct prefix_key *prefix)
{
	struct entry *e = *bucket_of(table, prefix);

	while (e && memcmp(&e->prefix, prefix, sizeof(*prefix)))
		e = e->next;
	return e;
}

static struct entry *add_entry(struct route_table *table, const struct prefix_key *prefix)
{
	struct entry **bucket = bucket_of(table, prefix);
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->prefix = *prefix;
	e->judge_ns = NEVER;
	e->next = *bucket;
	*bucket = e;
	return e;
}

static int add_way(struct entry *e, const struct way *way)
{
	struct way *new = reallocarray(e->way, e->n + 1, sizeof(*way));

	if (!new)
		return -ENOMEM;
	e->way = new;
	e->way[e->n++] = *way;
	return 0;
}

static void remove_way(struct entry *e, __u32 at)
{
	e->way[at] = e->way[--e->n];
}

/* ---- decisions ------------------------------------------------------------------------------- */

static void decide(struct route_table *table, struct entry *e, __u32 ifindex)
{
	if (e->decided == ifindex)
		return;
	e->decided = ifindex;
	table->ops.write(table->ops.arg, &e->prefix, ifindex);
}

/* The way with the lowest metric; of several, the one that was decided for. */
static const struct way *best_way(const struct entry *e)
{
	const struct way *best = NULL;

	for (__u32 i = 0; i < e->n; i++) {
		const struct way *way = &e->way[i];

		if (!best || way->metric < best->metric ||
		    (way->metric == best->metric && way->ifindex == e->decided))
			best = way;
	}
	return best;
}

/* After a change. Without a way the old decision stands until it is judged. */
static void consider(struct route_table *table, struct entry *e, __u64 judge_ns)
{
	const struct way *best = best_way(e);

	if (best) {
		enum route_port port = table->ops.port(table->ops.arg, best->ifindex);

		e->judge_ns = NEVER;
		decide(table, e, port == ROUTE_NOT_CORE ? 0 : best->ifindex);
		return;
	}
	e->judge_ns = MIN(e->judge_ns, judge_ns);
	table->due_ns = MIN(table->due_ns, e->judge_ns);
}

/* A prefix without a way: did it lose its port, or just its route? True: it leaves the table. */
static bool judge(struct route_table *table, struct entry *e)
{
	e->judge_ns = NEVER;
	if (e->decided && table->ops.port(table->ops.arg, e->decided) == ROUTE_CORE_DOWN)
		return false;
	decide(table, e, 0);
	return true;
}

/* ---- news ------------------------------------------------------------------------------------ */

static void drop_metric(struct entry *e, __u32 metric)
{
	for (__u32 i = e->n; i-- > 0;)
		if (e->way[i].metric == metric)
			remove_way(e, i);
}

int route_table_add(struct route_table *table, const struct prefix_key *prefix, __u32 metric,
		    __u32 ifindex, bool replace)
{
	struct way way = { metric, ifindex, table->sweep };
	struct entry *e = find(table, prefix);
	int r;

	if (!e && table->ops.port(table->ops.arg, ifindex) == ROUTE_NOT_CORE)
		return 0;
	if (!e)
		e = add_entry(table, prefix);
	if (!e)
		return -ENOMEM;
	if (replace)
		drop_metric(e, metric);
	for (__u32 i = e->n; i-- > 0;)
		if (e->way[i].metric == metric && e->way[i].ifindex == ifindex)
			remove_way(e, i);
	r = add_way(e, &way);
	consider(table, e, 0);
	return r;
}

void route_table_remove(struct route_table *table, const struct prefix_key *prefix, __u32 metric,
			__u32 ifindex, __u64 now_ns)
{
	struct entry *e = find(table, prefix);

	if (!e)
		return;
	for (__u32 i = e->n; i-- > 0;)
		if (e->way[i].metric == metric && (!ifindex || e->way[i].ifindex == ifindex))
			remove_way(e, i);
	consider(table, e, now_ns + ROUTE_PATIENCE_NS);
}

int route_table_inherit(struct route_table *table, const struct prefix_key *prefix, __u32 ifindex)
{
	struct entry *e = find(table, prefix) ?: add_entry(table, prefix);

	if (!e)
		return -ENOMEM;
	e->decided = ifindex;
	return 0;
}

void route_table_write(struct route_table *table)
{
	for (__u32 b = 0; b < BUCKETS; b++)
		for (const struct entry *e = table->bucket[b]; e; e = e->next)
			table->ops.write(table->ops.arg, &e->prefix, e->decided);
}

void route_table_sweep_begin(struct route_table *table)
{
	table->sweep++;
}

void route_table_sweep_end(struct route_table *table, __u64 now_ns)
{
	for (__u32 b = 0; b < BUCKETS; b++)
		for (struct entry *e = table->bucket[b]; e; e = e->next) {
			for (__u32 i = e->n; i-- > 0;)
				if (e->way[i].sweep != table->sweep)
					remove_way(e, i);
			consider(table, e, now_ns + ROUTE_PATIENCE_NS);
		}
}

/* ---- time ------------------------------------------------------------------------------------ */

__u64 route_table_due(const struct route_table *table)
{
	return table->due_ns;
}

static void tick_bucket(struct route_table *table, struct entry **at, __u64 now_ns)
{
	while (*at) {
		struct entry *e = *at;

		if (e->judge_ns <= now_ns && judge(table, e)) {
			*at = e->next;
			free_entry(e);
			continue;
		}
		table->due_ns = MIN(table->due_ns, e->judge_ns);
		at = &e->next;
	}
}

void route_table_tick(struct route_table *table, __u64 now_ns)
{
	if (now_ns < table->due_ns)
		return;
	table->due_ns = NEVER;
	for (__u32 b = 0; b < BUCKETS; b++)
		tick_bucket(table, &table->bucket[b], now_ns);
}
