/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The figure of merit of a link that fails again and again (RFC 2439, for links instead of routes):
 * each failure adds to it, time halves it. From policy's suppress threshold on the link is suppressed,
 * until the figure has decayed to the reuse threshold. Pure; links keeps struct damping beside what it
 * writes of a port, and status shows it.
 */
#ifndef DAMPING_H
#define DAMPING_H

#include "fantel/abi.h"

#define DAMPING_FAILURE 1000 /* what one failure adds; the thresholds are in the same unit */

struct damping_rules {
	__u32 half_life_ms; /* 0: nothing is ever suppressed, failures are only counted */
	__u32 suppress, reuse;
	__u32 max_suppress_ms; /* after the last failure; bounds the figure */
};

/* The figure at `now_ns`. */
__u32 damping_figure(const struct damping *damping, __u64 now_ns);

/* A failure. True if the link is suppressed from now on, and was not before. */
bool damping_fail(struct damping *damping, const struct damping_rules *rules, __u64 now_ns);

bool damping_is_on(const struct damping *damping);

/* True if the suppression ends now. */
bool damping_release(struct damping *damping, __u64 now_ns);

/* What an earlier loader left goes on by other rules. */
void damping_take_over(struct damping *damping, const struct damping_rules *rules, __u64 now_ns);

/* The shortest max_suppress_ms with which the figure can get to the suppress threshold. */
__u32 damping_least_ms(const struct damping_rules *rules);

#endif
