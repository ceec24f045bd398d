/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How long the packet path may believe what the loader wrote: a few seconds, in jiffies, the packet
 * path's own clock. links and nexthops renew it every second; when nobody does any more, packets ask
 * the FIB themselves.
 */
#ifndef FRESH_H
#define FRESH_H

#include "fantel/base.h"

#define FRESH_RENEW_NS NSEC_PER_SEC

struct fresh {
	int clock_fd;
	__u32 hz;
};

/* `clock_fd` is the program fantel_clock, which stays open for as long as this is used. */
struct fresh fresh_by(int clock_fd);

/* What is written now counts until then; 0, which is over already, if the kernel won't say. */
__u64 fresh_until(const struct fresh *fresh);

#endif
