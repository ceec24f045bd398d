// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Routes and neighbours -> fantel_nexthops. Owned by run. News only mark what they concern; the
 * answer is always asked of the kernel, so that lost or reordered news do no harm.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/neighbour.h>

#include "fib.h"
#include "fresh.h"
#include "log.h"
#include "nexthops.h"
#include "own.h"

enum hop_state {
	HOP_READY,   /* written complete */
	HOP_WAITING, /* for its neighbour; the FIB will know as soon as we do */
	HOP_DOWN,
};

struct hop {
	__u32 index;
	struct addr dst;
	bool labels;		/* for dst itself, and nobody on the way to it */
	struct fib_route route; /* ifindex 0: none */
	struct nexthop value;	/* as written */
	enum hop_state state;
	bool ask; /* something changed */
};

struct nexthops {
	struct netlink news, ask;
	const struct maps *maps;
	const struct links *links;
	const struct qdiscs *qdiscs; /* NULL: nothing is to wait */
	struct fresh fresh;
	bool managed; /* the kernel takes care of neighbours */
	bool asking;  /* some hop has `ask` */
	__u64 renew_ns;
	__u32 n;
	struct hop hop[];
};

/* ---- one next hop ---------------------------------------------------------------------------- */

static void write_hop(struct nexthops *nexthops, struct hop *hop, const struct nexthop *value)
{
	hop->value = *value;
	if (bpf_map_update_elem(nexthops->maps->nexthops, &hop->index, value, BPF_ANY))
		log_error("next hop %u: can't write fantel_nexthops: %s", hop->index,
			  strerror(errno));
}

static void write_down(struct nexthops *nexthops, struct hop *hop, __u64 fresh)
{
	struct nexthop value = { .fresh_until = fresh, .ifindex = hop->route.ifindex, .down = 1 };

	memcpy(value.ifname, hop->value.ifname, sizeof(value.ifname));
	hop->state = HOP_DOWN;
	write_hop(nexthops, hop, &value);
}

/* Route and interface of a hop; false if it can't leave. */
static bool find_way(struct nexthops *nexthops, struct hop *hop, const struct interface **out)
{
	struct fib_route route = {};

	if (fib_route(&nexthops->ask, &hop->dst, &route) ||
	    (hop->labels && !addr_equal(&route.neighbour, &hop->dst))) {
		hop->route.ifindex = 0;
		return false;
	}
	hop->route = route;
	*out = links_find(nexthops->links, route.ifindex);
	return *out && (*out)->ethernet && !(*out)->down;
}

/* The neighbour of a hop, kept known by the kernel. */
static struct fib_neighbour find_neighbour(struct nexthops *nexthops, const struct hop *hop)
{
	struct fib_neighbour n = {};

	if (fib_neighbour(&nexthops->ask, &hop->route, &n))
		return n;
	/* A static entry would lose that quality. */
	if (n.state != NEIGHBOUR_STATIC && !n.managed && nexthops->managed &&
	    fib_care(&nexthops->ask, &hop->route, FIB_MANAGE)) {
		nexthops->managed = false;
		log_warn("neighbours: the kernel does not keep them resolved (%s); a path that was "
			 "idle may lose its first packets",
			 nexthops->ask.sentence);
	}
	return n;
}

static void resolve(struct nexthops *nexthops, struct hop *hop, __u64 fresh)
{
	const struct interface *interface;
	struct fib_neighbour neighbour;
	struct nexthop value = {};

	hop->ask = false;
	if (!find_way(nexthops, hop, &interface)) {
		write_down(nexthops, hop, fresh);
		return;
	}
	strcpy(value.ifname, interface->name);
	value.ifindex = interface->ifindex;
	value.mtu =
		MIN(0xffff, hop->route.mtu ? MIN(hop->route.mtu, interface->mtu) : interface->mtu);
	value.fq = nexthops->qdiscs && qdiscs_hold(nexthops->qdiscs, interface->ifindex);
	memcpy(value.smac, interface->mac, sizeof(value.smac));
	neighbour = find_neighbour(nexthops, hop);
	memcpy(value.dmac, neighbour.mac, sizeof(value.dmac));
	switch (neighbour.state) {
	case NEIGHBOUR_KNOWN:
	case NEIGHBOUR_STATIC:
		hop->state = HOP_READY;
		value.fresh_until = fresh;
		break;
	case NEIGHBOUR_FAILED: /* carrier or not, nobody answers there */
		hop->state = HOP_DOWN;
		value.fresh_until = fresh;
		value.down = 1;
		value.mtu = 0;
		break;
	case NEIGHBOUR_UNKNOWN:
		hop->state = HOP_WAITING;
		break;
	}
	write_hop(nexthops, hop, &value);
}

/* ---- news ------------------------------------------------------------------------------------ */

static void ask_again(struct nexthops *nexthops, struct hop *hop)
{
	hop->ask = true;
	nexthops->asking = true;
}

/* An address attribute of a message, found without a callback. */
static bool find_addr(const struct nlmsghdr *message, size_t header, int type, struct addr *addr)
{
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, header) if (mnl_attr_get_type(attr) ==
						     type) return netlink_addr(addr, attr);
	return false;
}

static void on_route_news(struct nexthops *nexthops, const struct nlmsghdr *message)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	bool v4 = rtm->rtm_family == AF_INET;
	struct addr dst = v4 ? addr_from_v4(0) : (struct addr){};
	__u32 plen = rtm->rtm_dst_len + (v4 ? 96 : 0);

	if (rtm->rtm_table == RT_TABLE_LOCAL)
		return;
	find_addr(message, sizeof(*rtm), RTA_DST, &dst);
	for (__u32 i = 0; i < nexthops->n; i++)
		if (addr_is_v4(&nexthops->hop[i].dst) == v4 &&
		    addr_in_prefix(&nexthops->hop[i].dst, &dst, plen))
			ask_again(nexthops, &nexthops->hop[i]);
}

static void on_neighbour_news(struct nexthops *nexthops, const struct nlmsghdr *message)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(message);
	struct addr dst;

	if (!find_addr(message, sizeof(*ndm), NDA_DST, &dst))
		return;
	for (__u32 i = 0; i < nexthops->n; i++) {
		struct hop *hop = &nexthops->hop[i];

		if (hop->route.ifindex == (__u32)ndm->ndm_ifindex &&
		    addr_equal(&hop->route.neighbour, &dst))
			ask_again(nexthops, hop);
	}
}

static void on_news(void *arg, const struct nlmsghdr *message)
{
	size_t len = mnl_nlmsg_get_payload_len(message);

	switch (message->nlmsg_type) {
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (len >= sizeof(struct rtmsg))
			on_route_news(arg, message);
		break;
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		if (len >= sizeof(struct ndmsg))
			on_neighbour_news(arg, message);
		break;
	}
}

void nexthops_read(struct nexthops *nexthops)
{
	if (netlink_news(&nexthops->news, on_news, nexthops) != -ENOBUFS)
		return;
	log_warn("netlink: news of routes or neighbours were lost; asking for all next hops again");
	for (__u32 i = 0; i < nexthops->n; i++)
		ask_again(nexthops, &nexthops->hop[i]);
}

void nexthops_link(struct nexthops *nexthops, const struct interface *interface)
{
	__u64 fresh = fresh_until(&nexthops->fresh);

	for (__u32 i = 0; i < nexthops->n; i++) {
		struct hop *hop = &nexthops->hop[i];

		if (hop->route.ifindex != interface->ifindex)
			continue;
		if (interface->down && hop->state != HOP_DOWN)
			write_down(nexthops, hop, fresh);
		ask_again(nexthops, hop);
	}
}

void nexthops_qdiscs(struct nexthops *nexthops, const struct qdiscs *qdiscs)
{
	nexthops->qdiscs = qdiscs;
	for (__u32 i = 0; i < nexthops->n; i++)
		ask_again(nexthops, &nexthops->hop[i]);
}

/* ---- time ------------------------------------------------------------------------------------ */

__u64 nexthops_due(const struct nexthops *nexthops)
{
	return nexthops->asking ? 0 : nexthops->renew_ns;
}

static void renew(struct nexthops *nexthops, struct hop *hop, __u64 fresh)
{
	struct nexthop value = hop->value;

	/* What does not work is asked for again, should a piece of news have been missed. */
	if (hop->ask || hop->state != HOP_READY) {
		resolve(nexthops, hop, fresh);
		return;
	}
	value.fresh_until = fresh;
	write_hop(nexthops, hop, &value);
}

void nexthops_tick(struct nexthops *nexthops, __u64 now_ns)
{
	__u64 fresh = fresh_until(&nexthops->fresh);
	bool all = now_ns >= nexthops->renew_ns;

	nexthops->asking = false;
	for (__u32 i = 0; i < nexthops->n; i++) {
		struct hop *hop = &nexthops->hop[i];

		if (all)
			renew(nexthops, hop, fresh);
		else if (hop->ask)
			resolve(nexthops, hop, fresh);
	}
	if (all)
		nexthops->renew_ns = now_ns + FRESH_RENEW_NS;
}

__u32 nexthops_down(const struct nexthops *nexthops)
{
	__u32 n = 0;

	for (__u32 i = 0; i < nexthops->n; i++)
		n += nexthops->hop[i].state == HOP_DOWN;
	return n;
}

int nexthops_fd(const struct nexthops *nexthops)
{
	return netlink_fd(&nexthops->news);
}

/* ---- start ----------------------------------------------------------------------------------- */

int nexthops_open(struct nexthops **out, const struct maps *maps, const struct links *links,
		  const struct qdiscs *qdiscs, int clock_fd, const struct nexthop_use *uses,
		  __u32 n_uses)
{
	static const enum rtnetlink_groups groups[] = { RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_ROUTE,
							RTNLGRP_NEIGH, RTNLGRP_NONE };
	struct nexthops *nexthops;
	int r;

	nexthops = calloc(1, sizeof(*nexthops) + n_uses * sizeof(nexthops->hop[0]));
	if (!nexthops)
		return -ENOMEM;
	nexthops->maps = maps;
	nexthops->links = links;
	nexthops->qdiscs = qdiscs;
	nexthops->fresh = fresh_by(clock_fd);
	nexthops->managed = true;
	nexthops->n = n_uses;
	for (__u32 i = 0; i < n_uses; i++) {
		nexthops->hop[i].index = uses[i].index;
		nexthops->hop[i].dst = uses[i].dst;
		nexthops->hop[i].labels = uses[i].labels;
		nexthops->hop[i].ask = true;
	}
	r = netlink_open(&nexthops->news, groups) ?: netlink_open(&nexthops->ask, NULL);
	if (r) {
		nexthops_free(nexthops);
		return r;
	}
	nexthops_tick(nexthops, 0);
	*out = nexthops;
	return 0;
}

void nexthops_free(struct nexthops *nexthops)
{
	if (!nexthops)
		return;
	netlink_close(&nexthops->news);
	netlink_close(&nexthops->ask);
	free(nexthops);
}
