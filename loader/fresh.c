// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * User space can't read jiffies; fantel_clock, which is run and never attached, can.
 */
#include <bpf/bpf.h>
#include <time.h>

#include "fresh.h"

#define SECONDS 3 /* two renewals may fail */

/* The tick is what the coarse clocks advance by. */
static __u32 tick_rate(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || !tick.tv_nsec)
		return 100; /* the slowest there is: what is written then counts for less long */
	return (NSEC_PER_SEC + tick.tv_nsec / 2) / tick.tv_nsec;
}

struct fresh fresh_by(int clock_fd)
{
	return (struct fresh){ .clock_fd = clock_fd, .hz = tick_rate() };
}

__u64 fresh_until(const struct fresh *fresh)
{
	__u64 jiffies = 0;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &jiffies, .ctx_size_in = sizeof(jiffies));

	if (bpf_prog_test_run_opts(fresh->clock_fd, &opts) || !jiffies)
		return 0;
	return jiffies + SECONDS * fresh->hz;
}
