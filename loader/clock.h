/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Times for people: from CLOCK_MONOTONIC, in which maps and events count, to the wall clock.
 */
#ifndef CLOCK_H
#define CLOCK_H

#include "fantel/base.h"

__u64 clock_now_ns(void); /* CLOCK_MONOTONIC: the clock of bpf_ktime_get_ns */

__u32 clock_hz(void); /* jiffies in a second */

/* A monotonic time on the wall clock, ns since 1970. Exact for now; a step of the wall clock moves
 * the past with it. */
__u64 clock_wall_ns(__u64 monotonic_ns);

/* RFC 3339, UTC, microseconds: 2026-01-31T23:59:59.000001Z. */
#define CLOCK_TEXT 40
const char *clock_text(char text[CLOCK_TEXT], __u64 wall_ns);

/* A duration in two units at most, sub-minute ones to three digits: 250us, 1.5s, 3h12m. */
const char *clock_span(char text[CLOCK_TEXT], __u64 ns);

#endif
