/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * fantel_routes: the core port that each prefix was last routed to. When a port fails the kernel
 * forgets its routes, and with them where a packet would have gone; detect asks here then. The only
 * writer of the map.
 */
#ifndef ROUTES_H
#define ROUTES_H

#include "links.h"
#include "maps.h"
#include "neighbours.h"

struct routes;

/* Read the main tables of IPv4 and IPv6 and follow them; the gateways of core ports are taught to
 * `neighbours`. What is passed must live as long. Returns 0 or a negative errno, reported. */
int routes_open(struct routes **routes, const struct maps *maps, const struct links *links,
		struct neighbours *neighbours, __u64 now_ns);
void routes_free(struct routes *routes);

/* Others look after the links from now on, and other ports may be core ports: all routes are judged
 * anew, soon. */
void routes_follow(struct routes *routes, const struct maps *maps, const struct links *links,
		   __u64 now_ns);

int routes_fd(const struct routes *routes);
void routes_read(struct routes *routes, __u64 now_ns);

/* While all routes are read again: readable when routes_read_dump has something to do; else -1. */
int routes_dump_fd(const struct routes *routes);
void routes_read_dump(struct routes *routes, __u64 now_ns);

/* A port is steady again. Of IPv4 the kernel does not report which routes a port took with it:
 * everything is read again, and what did not come back is forgotten. */
void routes_steady(struct routes *routes, __u64 now_ns);

__u64 routes_due(const struct routes *routes);
void routes_tick(struct routes *routes, __u64 now_ns);

#endif
