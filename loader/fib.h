/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Questions to the kernel's routing and neighbour tables, one at a time. nexthops asks; detach lets
 * go of neighbours.
 */
#ifndef FIB_H
#define FIB_H

#include "netlink.h"

struct fib_route {
	__u32 ifindex;
	__u32 mtu;	       /* of the route; 0 = that of the interface */
	struct addr neighbour; /* the gateway, or the destination itself where it is on the link */
};

/* Where does a packet to `dst` leave? 0, -ENETUNREACH if nowhere (or here), or another negative
 * errno. */
int fib_route(struct netlink *nl, const struct addr *dst, struct fib_route *route);

enum fib_neighbour_state {
	NEIGHBOUR_UNKNOWN, /* not asked for yet, or being asked */
	NEIGHBOUR_KNOWN,
	NEIGHBOUR_STATIC, /* the same, and the kernel does not ask by itself */
	NEIGHBOUR_FAILED, /* asked, and silent */
};

struct fib_neighbour {
	enum fib_neighbour_state state;
	bool managed; /* FIB_MANAGE was asked for */
	__u8 mac[6];
};

int fib_neighbour(struct netlink *nl, const struct fib_route *route,
		  struct fib_neighbour *neighbour);

enum fib_care {
	FIB_MANAGE,  /* the kernel keeps it resolved from now on (NTF_EXT_MANAGED, Linux 5.16) */
	FIB_RELEASE, /* no more */
	FIB_USE,     /* as if a packet were to be sent there now; managed entries would cease to be */
};

/* Ask for the neighbour of a route. 0 or a negative errno. */
int fib_care(struct netlink *nl, const struct fib_route *route, enum fib_care care);

/* Forget it, and the packets that wait for its answer. */
int fib_forget(struct netlink *nl, const struct fib_route *route);

/* Make of a NUD_ state what we need to know. */
enum fib_neighbour_state fib_neighbour_state(__u16 nud);

#endif
