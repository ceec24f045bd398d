/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How many of the packets of a link are bad, by the counters of its device (RTM_GETSTATS). Called by
 * senses.
 */
#ifndef ERRORS_H
#define ERRORS_H

#include <linux/if_link.h>

#include "fantel/threshold.h"
#include "netlink.h"

/* What policy can have counted. X(NAME, word) */
#define ERROR_COUNTERS(X)                                                                          \
	X(RX_ERRORS, "rx-errors")   /* CRC, frame, length and FIFO errors included */              \
	X(RX_DROPPED, "rx-dropped")                                                                \
	X(RX_MISSED, "rx-missed")                                                                  \
	X(TX_ERRORS, "tx-errors")                                                                  \
	X(TX_DROPPED, "tx-dropped")

enum error_counter {
#define X(NAME, word) ERROR_##NAME,
	ERROR_COUNTERS(X)
#undef X
	ERROR_COUNTER_COUNT,
};

/* So far, of the directions of which something is counted. */
struct error_counts {
	__u64 good, bad;
};

/* `counted`: a bit for each enum error_counter. Pure. */
struct error_counts errors_of(const struct rtnl_link_stats64 *stats, __u32 counted);

/* Of all packets since `before`, in millionths; none if there were none, or the counters began anew.
 * *bad: how many. Pure. */
__u32 errors_millionths(const struct error_counts *before, const struct error_counts *now,
			__u64 *bad);

/* The same as a level: few bad packets begin nothing, whatever share of how few they are. Pure. */
enum level errors_level(const struct threshold *t, __u32 millionths, __u64 bad, __u32 least);

/* Read them. Returns 0 or a negative errno. */
int errors_read(struct netlink *netlink, __u32 ifindex, __u32 counted, struct error_counts *counts);

#endif
