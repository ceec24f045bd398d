/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Carrier loss without the kernel's patience. Netlink tells of it through linkwatch, which after one
 * event of any interface may hold back the next for up to a second (net/core/link_watch.c; not so
 * for stacked interfaces and those with a peer). Where the packet path may not read it from the devices
 * (devices.h), the carrier of such ports is looked at every few milliseconds, in a thread of its own,
 * because the question takes the RTNL lock, and whoever holds that may hold it for long.
 */
#ifndef CARRIER_H
#define CARRIER_H

#include <net/if.h>

#include "fantel/base.h"

struct carrier;

/* Look every `period_ns`. Returns 0 or a negative errno, reported. */
int carrier_start(struct carrier **carrier, __u64 period_ns);
void carrier_stop(struct carrier *carrier);

/* Which interfaces to look at from now on. */
#define CARRIER_PORTS 1024
void carrier_watch(struct carrier *carrier, const char (*name)[IFNAMSIZ], __u32 n);

/* Readable after a change; what changed must be asked of netlink. */
int carrier_fd(const struct carrier *carrier);
/* Take note of it; false if there was none. */
bool carrier_changed(struct carrier *carrier);

#endif
