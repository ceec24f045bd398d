/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * rtnetlink as far as we need it: requests with their answers and the kernel's own sentence on
 * failure, and streams of news. links, routes, nexthops and hook stand on this.
 */
#ifndef NETLINK_H
#define NETLINK_H

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <stdbool.h>

#include "fantel/base.h"

struct netlink {
	struct mnl_socket *socket;
	__u32 seq;
	char sentence[256]; /* what the kernel said of the last request that failed; may be empty */
};

/* Take one message; what it makes of it is its own affair. */
typedef void netlink_fn(void *arg, const struct nlmsghdr *message);

/* Open a socket that hears the given groups, 0 ends them. Returns 0 or a negative errno, after
 * reporting it. */
int netlink_open(struct netlink *nl, const enum rtnetlink_groups *groups);
void netlink_close(struct netlink *nl);
#define OWN_NETLINK __attribute__((cleanup(netlink_close)))

int netlink_fd(const struct netlink *nl);

/* Send a request that is no dump and take what is answered. Returns 0, or the kernel's negative
 * errno. */
int netlink_request(struct netlink *nl, struct nlmsghdr *request, netlink_fn *fn, void *arg);

/* Dump a kind of object: RTM_GETLINK, RTM_GETROUTE or RTM_GETQDISC. */
int netlink_dump(struct netlink *nl, int type, int family, netlink_fn *fn, void *arg);

/* The same in pieces, for dumps that may be long: begin, then take one piece whenever the socket is
 * readable. 1: more will come; 0: that was the end; or a negative errno. */
int netlink_dump_begin(struct netlink *nl, int type, int family);
int netlink_dump_piece(struct netlink *nl, netlink_fn *fn, void *arg);

/* Take the news there are, without waiting, but not so many that others wait long: the socket stays
 * readable then. -ENOBUFS: some were lost, the state must be dumped again. */
int netlink_news(struct netlink *nl, netlink_fn *fn, void *arg);

/* An address attribute, 4 or 16 bytes, IPv4 mapped; false for another length. */
bool netlink_addr(struct addr *addr, const struct nlattr *attr);
/* The gateway that RTA_GATEWAY or RTA_VIA names; false for any other attribute. */
bool netlink_gateway(struct addr *addr, const struct nlattr *attr);
/* Put an address as its own family has it. */
void netlink_put_addr(struct nlmsghdr *request, int type, const struct addr *addr);

#endif
