// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A few gateways for each port, and the state of the kernel's neighbour entries, asked for when it
 * matters.
 */
#include <errno.h>
#include <stdlib.h>

#include "fib.h"
#include "log.h"
#include "neighbours.h"
#include "own.h"

#define GATEWAYS 8 /* a port's latest; one that answers is enough */
#define ASK_NS NSEC_PER_SEC
#define PATIENCE_NS (5 * NSEC_PER_SEC)

struct behind {
	__u32 ifindex;
	const struct policy_port *port;
	__u32 learned; /* so many gateways; the latest are kept */
	struct addr gateway[GATEWAYS];
	__u64 ask_ns;	 /* when to ask again */
	__u64 silent_ns; /* since when an answer is waited for; 0 = not yet */
	bool warned;
	bool drop; /* what waits for them */
};

struct neighbours {
	struct netlink ask;
	__u32 n, room;
	struct behind *behind;
};

/* ---- who there is ---------------------------------------------------------------------------- */

static struct behind *find(struct neighbours *neighbours, __u32 ifindex)
{
	for (__u32 i = 0; i < neighbours->n; i++)
		if (neighbours->behind[i].ifindex == ifindex)
			return &neighbours->behind[i];
	return NULL;
}

static struct behind *find_or_add(struct neighbours *neighbours, __u32 ifindex)
{
	struct behind *behind = find(neighbours, ifindex);

	if (behind)
		return behind;
	if (neighbours->n == neighbours->room) {
		__u32 room = neighbours->room ? 2 * neighbours->room : 16;
		void *new = reallocarray(neighbours->behind, room, sizeof(*neighbours->behind));

		if (!new)
			return NULL;
		neighbours->behind = new;
		neighbours->room = room;
	}
	behind = &neighbours->behind[neighbours->n++];
	*behind = (struct behind){ .ifindex = ifindex };
	return behind;
}

void neighbours_learn(struct neighbours *neighbours, __u32 ifindex, const struct addr *gateway)
{
	struct behind *behind = find_or_add(neighbours, ifindex);

	if (!behind)
		return;
	for (__u32 i = 0; i < MIN(behind->learned, GATEWAYS); i++)
		if (addr_equal(&behind->gateway[i], gateway))
			return;
	behind->gateway[behind->learned++ % GATEWAYS] = *gateway;
}

void neighbours_forget(struct neighbours *neighbours, __u32 ifindex)
{
	struct behind *behind = find(neighbours, ifindex);

	if (behind)
		*behind = neighbours->behind[--neighbours->n];
}

void neighbours_follow(struct neighbours *neighbours, const struct links *links)
{
	for (__u32 i = 0; i < neighbours->n; i++) {
		const struct interface *port = links_find(links, neighbours->behind[i].ifindex);

		neighbours->behind[i].port = port ? port->port : NULL;
	}
}

static __u32 list(const struct behind *behind, struct addr found[GATEWAYS])
{
	__u32 n = MIN(behind->learned, GATEWAYS);

	memcpy(found, behind->gateway, n * sizeof(*found));
	if (n || !behind->port)
		return n;
	if (!addr_is_unspecified(&behind->port->remote6))
		found[n++] = behind->port->remote6;
	if (!addr_is_unspecified(&behind->port->remote4))
		found[n++] = behind->port->remote4;
	return n;
}

/* ---- what is done to those that are not known -------------------------------------------------
 */

enum {
	ASK = 1,
	DROP = 2, /* the entry and what waits there; before ASK, so that the kernel asks at once */
};

/* Returns whether it is known. What is managed is nexthops' to care for. */
static bool look(struct neighbours *neighbours, const struct fib_route *way, int act)
{
	struct fib_neighbour n = {};

	if (fib_neighbour(&neighbours->ask, way, &n))
		return false;
	if (n.state == NEIGHBOUR_KNOWN || n.state == NEIGHBOUR_STATIC)
		return true;
	if (n.managed)
		return false;
	if (act & DROP)
		fib_forget(&neighbours->ask, way);
	if (act & ASK)
		fib_care(&neighbours->ask, way, FIB_USE);
	return false;
}

/* Returns whether any is known, or there is none to know. */
static bool look_at_all(struct neighbours *neighbours, const struct behind *behind, int act)
{
	struct addr found[GATEWAYS];
	__u32 n = list(behind, found);
	bool known = n == 0;

	for (__u32 i = 0; i < n; i++) {
		struct fib_route way = { .ifindex = behind->ifindex, .neighbour = found[i] };

		known |= look(neighbours, &way, act);
	}
	return known;
}

/* ---- down and up ----------------------------------------------------------------------------- */

static struct behind *behind_port(struct neighbours *neighbours, const struct interface *port)
{
	struct behind *behind = find_or_add(neighbours, port->ifindex);

	if (behind)
		behind->port = port->port;
	return behind;
}

void neighbours_down(struct neighbours *neighbours, const struct interface *port)
{
	struct behind *behind = behind_port(neighbours, port);

	if (behind)
		behind->drop = true;
}

__u64 neighbours_due(const struct neighbours *neighbours)
{
	for (__u32 i = 0; i < neighbours->n; i++)
		if (neighbours->behind[i].drop)
			return 0;
	return ~0ULL;
}

void neighbours_tick(struct neighbours *neighbours)
{
	for (__u32 i = 0; i < neighbours->n; i++) {
		struct behind *behind = &neighbours->behind[i];

		if (!behind->drop)
			continue;
		behind->drop = false;
		look_at_all(neighbours, behind, DROP);
		return; /* one at a time: links come first */
	}
}

void neighbours_up(struct neighbours *neighbours, const struct interface *port, __u64 now_ns)
{
	struct behind *behind = behind_port(neighbours, port);

	if (!behind)
		return;
	behind->ask_ns = now_ns + ASK_NS;
	behind->silent_ns = 0;
	behind->warned = behind->drop = false;
	look_at_all(neighbours, behind, DROP | ASK);
}

bool neighbours_answer(struct neighbours *neighbours, const struct interface *port, __u64 now_ns)
{
	struct behind *behind = behind_port(neighbours, port);
	bool ask = behind && now_ns >= behind->ask_ns;

	if (!behind || look_at_all(neighbours, behind, ask ? ASK : 0))
		return true;
	if (ask)
		behind->ask_ns = now_ns + ASK_NS;
	if (!behind->silent_ns)
		behind->silent_ns = now_ns;
	if (!behind->warned && now_ns - behind->silent_ns >= PATIENCE_NS) {
		behind->warned = true;
		log_warn("port %s: up again, but no neighbour answers there; its recovery is told "
			 "when one does",
			 port->name);
	}
	return false;
}

/* ---- start ----------------------------------------------------------------------------------- */

int neighbours_open(struct neighbours **out)
{
	struct neighbours *neighbours = calloc(1, sizeof(*neighbours));
	int r;

	if (!neighbours)
		return -ENOMEM;
	r = netlink_open(&neighbours->ask, NULL);
	if (r) {
		free(neighbours);
		return r;
	}
	*out = neighbours;
	return 0;
}

void neighbours_free(struct neighbours *neighbours)
{
	if (!neighbours)
		return;
	netlink_close(&neighbours->ask);
	free(neighbours->behind);
	free(neighbours);
}
