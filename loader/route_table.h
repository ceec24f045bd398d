/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which core port is each prefix routed to, or was it last? Pure: routes feeds it with the kernel's
 * news and writes what it decides.
 *
 * A route that goes because its port went down stays decided, one that goes while its port is up
 * does not. The kernel reports a route's end before the reason for it, so a prefix that loses its
 * last route waits a moment before it is judged.
 */
#ifndef ROUTE_TABLE_H
#define ROUTE_TABLE_H

#include "fantel/abi.h"

#define ROUTE_PATIENCE_NS (50 * NSEC_PER_MSEC)

struct route_table;

enum route_port {
	ROUTE_NOT_CORE,
	ROUTE_CORE_UP,
	ROUTE_CORE_DOWN,
};

struct route_ops {
	/* What is this interface now? */
	enum route_port (*port)(void *arg, __u32 ifindex);
	/* Take a decision; ifindex 0: the prefix has left. */
	void (*write)(void *arg, const struct prefix_key *prefix, __u32 ifindex);
	void *arg;
};

/* NULL: no memory. */
struct route_table *route_table_new(const struct route_ops *ops);
void route_table_free(struct route_table *table);

/*
 * A route is there; `replace`: and no other of the same prefix and metric. Prefixes that never had
 * a route over a core port are not kept. Returns 0 or -ENOMEM.
 */
int route_table_add(struct route_table *table, const struct prefix_key *prefix, __u32 metric,
		    __u32 ifindex, bool replace);

/* A route is gone; ifindex 0: all of that prefix and metric. */
void route_table_remove(struct route_table *table, const struct prefix_key *prefix, __u32 metric,
			__u32 ifindex, __u64 now_ns);

/* All decisions once more: they are written elsewhere from now on. */
void route_table_write(struct route_table *table);

/* An earlier loader has decided so. Follow with a sweep. Returns 0 or -ENOMEM. */
int route_table_inherit(struct route_table *table, const struct prefix_key *prefix, __u32 ifindex);

/* All routes that are there are added between begin and end: what is not is gone unreported. */
void route_table_sweep_begin(struct route_table *table);
void route_table_sweep_end(struct route_table *table, __u64 now_ns);

/* When there is something to judge; ~0 = nothing waits. */
__u64 route_table_due(const struct route_table *table);
void route_table_tick(struct route_table *table, __u64 now_ns);

#endif
