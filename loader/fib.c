// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * One route, one neighbour. All over a socket that the caller keeps for requests.
 */
#include <errno.h>
#include <linux/neighbour.h>
#include <sys/socket.h>

#include "fib.h"

#define REQUEST_BYTES 256

static __u8 family_of(const struct addr *addr)
{
	return addr_is_v4(addr) ? AF_INET : AF_INET6;
}

/* ---- routes ---------------------------------------------------------------------------------- */

struct route_answer {
	struct fib_route route;
	bool gateway;
};

static int take_metric(const struct nlattr *attr, void *arg)
{
	struct route_answer *a = arg;

	if (mnl_attr_get_type(attr) == RTAX_MTU)
		a->route.mtu = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

static int take_route_attr(const struct nlattr *attr, void *arg)
{
	struct route_answer *a = arg;

	switch (mnl_attr_get_type(attr)) {
	case RTA_OIF:
		a->route.ifindex = mnl_attr_get_u32(attr);
		break;
	case RTA_GATEWAY:
	case RTA_VIA:
		a->gateway |= netlink_gateway(&a->route.neighbour, attr);
		break;
	case RTA_METRICS:
		mnl_attr_parse_nested(attr, take_metric, a);
		break;
	}
	return MNL_CB_OK;
}

static void on_route(void *arg, const struct nlmsghdr *message)
{
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_type == RTM_NEWROUTE && rtm->rtm_type == RTN_UNICAST)
		mnl_attr_parse(message, sizeof(*rtm), take_route_attr, arg);
}

int fib_route(struct netlink *nl, const struct addr *dst, struct fib_route *route)
{
	char buf[REQUEST_BYTES] = {};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);
	struct route_answer a = {};
	struct rtmsg *rtm;
	int r;

	request->nlmsg_type = RTM_GETROUTE;
	rtm = mnl_nlmsg_put_extra_header(request, sizeof(*rtm));
	rtm->rtm_family = family_of(dst);
	rtm->rtm_dst_len = addr_is_v4(dst) ? 32 : 128;
	netlink_put_addr(request, RTA_DST, dst);
	r = netlink_request(nl, request, on_route, &a);
	if (r)
		return r;
	if (!a.route.ifindex)
		return -ENETUNREACH;
	if (!a.gateway)
		a.route.neighbour = *dst;
	*route = a.route;
	return 0;
}

/* ---- neighbours ------------------------------------------------------------------------------ */

enum fib_neighbour_state fib_neighbour_state(__u16 nud)
{
	if (nud & (NUD_PERMANENT | NUD_NOARP))
		return NEIGHBOUR_STATIC;
	if (nud & (NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE))
		return NEIGHBOUR_KNOWN;
	return nud & NUD_FAILED ? NEIGHBOUR_FAILED : NEIGHBOUR_UNKNOWN;
}

static int take_neighbour_attr(const struct nlattr *attr, void *arg)
{
	struct fib_neighbour *n = arg;

	switch (mnl_attr_get_type(attr)) {
	case NDA_LLADDR:
		if (mnl_attr_get_payload_len(attr) == sizeof(n->mac))
			memcpy(n->mac, mnl_attr_get_payload(attr), sizeof(n->mac));
		break;
	case NDA_FLAGS_EXT:
		n->managed = mnl_attr_get_u32(attr) & NTF_EXT_MANAGED;
		break;
	}
	return MNL_CB_OK;
}

static void on_neighbour(void *arg, const struct nlmsghdr *message)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(message);
	struct fib_neighbour *n = arg;

	if (message->nlmsg_type != RTM_NEWNEIGH)
		return;
	n->state = fib_neighbour_state(ndm->ndm_state);
	mnl_attr_parse(message, sizeof(*ndm), take_neighbour_attr, n);
}

static struct nlmsghdr *neighbour_request(char *buf, int type, const struct fib_route *route)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);
	struct ndmsg *ndm;

	request->nlmsg_type = type;
	ndm = mnl_nlmsg_put_extra_header(request, sizeof(*ndm));
	ndm->ndm_family = family_of(&route->neighbour);
	ndm->ndm_ifindex = route->ifindex;
	netlink_put_addr(request, NDA_DST, &route->neighbour);
	return request;
}

int fib_neighbour(struct netlink *nl, const struct fib_route *route,
		  struct fib_neighbour *neighbour)
{
	char buf[REQUEST_BYTES] = {};
	struct fib_neighbour n = {};
	int r;

	r = netlink_request(nl, neighbour_request(buf, RTM_GETNEIGH, route), on_neighbour, &n);
	if (r && r != -ENOENT)
		return r;
	*neighbour = n;
	return 0;
}

int fib_forget(struct netlink *nl, const struct fib_route *route)
{
	char buf[REQUEST_BYTES] = {};

	return netlink_request(nl, neighbour_request(buf, RTM_DELNEIGH, route), NULL, NULL);
}

int fib_care(struct netlink *nl, const struct fib_route *route, enum fib_care care)
{
	char buf[REQUEST_BYTES] = {};
	struct nlmsghdr *request = neighbour_request(buf, RTM_NEWNEIGH, route);
	struct ndmsg *ndm = mnl_nlmsg_get_payload(request);

	/* With either flag the kernel keeps the state that an entry already has. */
	if (care != FIB_RELEASE)
		request->nlmsg_flags = NLM_F_CREATE;
	if (care == FIB_MANAGE)
		mnl_attr_put_u32(request, NDA_FLAGS_EXT, NTF_EXT_MANAGED);
	else
		ndm->ndm_flags = NTF_USE;
	return netlink_request(nl, request, NULL, NULL);
}
