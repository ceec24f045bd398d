// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * rtnetlink route news -> route_table -> fantel_routes. Owned by run.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "log.h"
#include "netlink.h"
#include "route_table.h"
#include "routes.h"

struct routes {
	struct netlink news, ask;
	const struct maps *maps;
	const struct links *links;
	struct neighbours *neighbours;
	struct route_table *table;
	__u64 now_ns;
	int reading; /* AF_INET6 or AF_INET while all are read; AF_UNSPEC: not */
	bool again;  /* once more when that is done */
	bool warned;
};

/*
 * The kernel's lo. The node's own addresses are in the table as routed there, as if it were a port
 * that never fails: the FIB tells the packet path of them what it tells of prefixes without a route,
 * and what ends here is not lost with a link.
 */
#define LOOPBACK_IFINDEX 1

/* ---- what the table asks and decides --------------------------------------------------------- */

static enum route_port port(void *arg, __u32 ifindex)
{
	const struct routes *routes = arg;
	const struct interface *i = links_find(routes->links, ifindex);

	if (ifindex == LOOPBACK_IFINDEX)
		return ROUTE_CORE_UP;
	if (!i || !interface_is_core(i))
		return ROUTE_NOT_CORE;
	/* A port that flaps may be down again before its routes have come back. */
	return i->failed ? ROUTE_CORE_DOWN : ROUTE_CORE_UP;
}

static void write_route(void *arg, const struct prefix_key *prefix, __u32 ifindex)
{
	struct route_value value = { .ifindex = ifindex };
	struct routes *routes = arg;

	if (!ifindex) {
		bpf_map_delete_elem(routes->maps->routes, prefix);
		return;
	}
	if (!bpf_map_update_elem(routes->maps->routes, prefix, &value, BPF_ANY) || routes->warned)
		return;
	routes->warned = true;
	log_warn("routes: fantel_routes is full (%s); where the kernel drops the routes of a failed port, "
		 "the failure of the prefixes left out is not notified; a higher limits/routes in the policy "
		 "makes room", strerror(errno));
}

/* ---- one route ------------------------------------------------------------------------------- */

struct route_news {
	struct routes *routes;
	struct prefix_key prefix;
	__u32 metric;
	__u32 ifindex;	     /* 0: several ways, or by nexthop object */
	struct addr gateway; /* unspecified: none */
	const struct nlattr *multipath;
	bool gone, replace;
};

static void set_prefix(struct route_news *news, const struct rtmsg *rtm, const struct addr *dst)
{
	news->prefix.plen = rtm->rtm_dst_len + (rtm->rtm_family == AF_INET ? 96 : 0);
	memcpy(news->prefix.addr_be, dst->l_be, sizeof(news->prefix.addr_be));
}

static void parse_route(struct route_news *news, const struct nlmsghdr *message)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	struct addr dst = rtm->rtm_family == AF_INET ? addr_from_v4(0) : (struct addr){};
	const struct nlattr *attr;

	mnl_attr_for_each(attr, message, sizeof(*rtm))
	{
		switch (mnl_attr_get_type(attr)) {
		case RTA_DST:
			netlink_addr(&dst, attr);
			break;
		case RTA_PRIORITY:
			news->metric = mnl_attr_get_u32(attr);
			break;
		case RTA_OIF:
			news->ifindex = mnl_attr_get_u32(attr);
			break;
		case RTA_GATEWAY:
		case RTA_VIA:
			netlink_gateway(&news->gateway, attr);
			break;
		case RTA_MULTIPATH:
			news->multipath = attr;
			break;
		}
	}
	if (rtm->rtm_table == RT_TABLE_LOCAL)
		news->ifindex = LOOPBACK_IFINDEX;
	set_prefix(news, rtm, &dst);
	news->gone = message->nlmsg_type == RTM_DELROUTE;
	news->replace = message->nlmsg_flags & NLM_F_REPLACE;
}

static void take_way(struct route_news *news, __u32 ifindex, const struct addr *gateway)
{
	struct routes *routes = news->routes;

	if (!news->gone && !addr_is_unspecified(gateway) && port(routes, ifindex) != ROUTE_NOT_CORE)
		neighbours_learn(routes->neighbours, ifindex, gateway);
	if (news->gone)
		route_table_remove(routes->table, &news->prefix, news->metric, ifindex,
				   routes->now_ns);
	else if (ifindex)
		route_table_add(routes->table, &news->prefix, news->metric, ifindex, news->replace);
	news->replace = false; /* its other ways come beside the first */
}

static void take_hop(struct route_news *news, const struct rtnexthop *hop)
{
	struct addr gateway = {};
	const struct nlattr *attr;

	mnl_attr_for_each_payload((void *)RTNH_DATA(hop), hop->rtnh_len - RTNH_LENGTH(0))
		netlink_gateway(&gateway, attr);
	take_way(news, hop->rtnh_ifindex, &gateway);
}

static void take_ways(struct route_news *news)
{
	const struct rtnexthop *hop;
	int left;

	if (!news->multipath) {
		take_way(news, news->ifindex, &news->gateway);
		return;
	}
	hop = mnl_attr_get_payload(news->multipath);
	left = mnl_attr_get_payload_len(news->multipath);
	for (; RTNH_OK(hop, left); left -= RTNH_ALIGN(hop->rtnh_len), hop = RTNH_NEXT(hop))
		take_hop(news, hop);
}

/* A route to others, or one of the kernel's to the node itself. */
static bool counts(const struct rtmsg *rtm)
{
	if (rtm->rtm_flags & RTM_F_CLONED)
		return false;
	return rtm->rtm_table == RT_TABLE_LOCAL ||
	       (rtm->rtm_table == RT_TABLE_MAIN && rtm->rtm_type == RTN_UNICAST);
}

static void on_route(void *arg, const struct nlmsghdr *message)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);
	struct route_news news = { .routes = arg };
	struct addr dst;

	if (message->nlmsg_type != RTM_NEWROUTE && message->nlmsg_type != RTM_DELROUTE)
		return;
	if (mnl_nlmsg_get_payload_len(message) < sizeof(*rtm) || !counts(rtm))
		return;
	parse_route(&news, message);
	memcpy(dst.l_be, news.prefix.addr_be, sizeof(dst.l_be));
	if (!addr_is_link_local(&dst) && !addr_is_multicast(&dst))
		take_ways(&news);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* There may be hundreds of thousands, and news of links must not wait behind them: they are read
 * piece by piece, IPv6 first. */
static int begin(struct routes *routes, int family)
{
	int r = netlink_dump_begin(&routes->ask, RTM_GETROUTE, family);

	routes->reading = r ? AF_UNSPEC : family;
	return r;
}

static void read_again(struct routes *routes)
{
	if (routes->reading) {
		routes->again = true;
		return;
	}
	route_table_sweep_begin(routes->table);
	if (begin(routes, AF_INET6))
		log_warn("netlink: can't list routes; what failed links took with them may be "
			 "stale");
}

static int read_piece(struct routes *routes)
{
	int r = netlink_dump_piece(&routes->ask, on_route, routes);

	if (r > 0)
		return 0;
	if (!r && routes->reading == AF_INET6)
		return begin(routes, AF_INET);
	routes->reading = AF_UNSPEC;
	if (r)
		return r;
	route_table_sweep_end(routes->table, routes->now_ns);
	if (routes->again) {
		routes->again = false;
		read_again(routes);
	}
	return 0;
}

static void inherit(struct routes *routes)
{
	struct prefix_key key, *last = NULL;
	struct route_value value;

	for (; !bpf_map_get_next_key(routes->maps->routes, last, &key); last = &key)
		if (!bpf_map_lookup_elem(routes->maps->routes, &key, &value))
			route_table_inherit(routes->table, &key, value.ifindex);
}

void routes_read(struct routes *routes, __u64 now_ns)
{
	routes->now_ns = now_ns;
	if (netlink_news(&routes->news, on_route, routes) == -ENOBUFS) {
		log_warn("netlink: news of routes were lost; reading all of them again");
		read_again(routes);
	}
}

void routes_read_dump(struct routes *routes, __u64 now_ns)
{
	int r;

	routes->now_ns = now_ns;
	r = read_piece(routes);
	if (r)
		log_warn("netlink: can't list routes: %s", strerror(-r));
}

int routes_dump_fd(const struct routes *routes)
{
	return routes->reading ? netlink_fd(&routes->ask) : -1;
}

void routes_steady(struct routes *routes, __u64 now_ns)
{
	routes->now_ns = now_ns;
	read_again(routes);
}

__u64 routes_due(const struct routes *routes)
{
	return route_table_due(routes->table);
}

void routes_tick(struct routes *routes, __u64 now_ns)
{
	route_table_tick(routes->table, now_ns);
}

int routes_fd(const struct routes *routes)
{
	return netlink_fd(&routes->news);
}

/* ---- start ----------------------------------------------------------------------------------- */

static int start(struct routes *routes)
{
	static const enum rtnetlink_groups groups[] = { RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_ROUTE,
							RTNLGRP_NONE };
	struct route_ops ops = { .port = port, .write = write_route, .arg = routes };
	int r;

	routes->table = route_table_new(&ops);
	if (!routes->table)
		return -ENOMEM;
	r = netlink_open(&routes->news, groups) ?: netlink_open(&routes->ask, NULL);
	if (r)
		return r;
	inherit(routes);
	read_again(routes);
	while (!r && routes->reading)
		r = read_piece(routes);
	return r ? err_r(r, "netlink: can't list routes: %s", strerror(-r)) : 0;
}

int routes_open(struct routes **out, const struct maps *maps, const struct links *links,
		struct neighbours *neighbours, __u64 now_ns)
{
	struct routes *routes = calloc(1, sizeof(*routes));
	int r;

	if (!routes)
		return -ENOMEM;
	routes->maps = maps;
	routes->links = links;
	routes->neighbours = neighbours;
	routes->now_ns = now_ns;
	r = start(routes);
	if (r) {
		routes_free(routes);
		return r;
	}
	*out = routes;
	return 0;
}

static __u32 map_id(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	bpf_obj_get_info_by_fd(fd, &info, &len);
	return info.id;
}

void routes_follow(struct routes *routes, const struct maps *maps, const struct links *links,
		   __u64 now_ns)
{
	bool other = map_id(routes->maps->routes) != map_id(maps->routes);

	routes->maps = maps;
	routes->links = links;
	routes->now_ns = now_ns;
	routes->warned = false;
	if (other)
		route_table_write(routes->table);
	read_again(routes);
}

void routes_free(struct routes *routes)
{
	if (!routes)
		return;
	netlink_close(&routes->news);
	netlink_close(&routes->ask);
	route_table_free(routes->table);
	free(routes);
}
