// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * User space can't read jiffies; fantel_clock, which is run and never attached, can.
 */
#include <bpf/bpf.h>

#include "clock.h"
#include "fresh.h"

#define SECONDS 3 /* two renewals may fail */

struct fresh fresh_by(int clock_fd)
{
	return (struct fresh){ .clock_fd = clock_fd, .hz = clock_hz() };
}

__u64 fresh_until(const struct fresh *fresh)
{
	__u64 jiffies = 0;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &jiffies, .ctx_size_in = sizeof(jiffies));

	if (bpf_prog_test_run_opts(fresh->clock_fd, &opts) || !jiffies)
		return 0;
	return jiffies + SECONDS * fresh->hz;
}
