// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <stdio.h>
#include <time.h>

#include "clock.h"

#define CLOSE_NS 2000

static __u64 read_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

__u64 clock_now_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

/* The tick is what the coarse clocks advance by. */
__u32 clock_hz(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || !tick.tv_nsec)
		return 100; /* the slowest there is: what is counted in jiffies then ends sooner */
	return (NSEC_PER_SEC + tick.tv_nsec / 2) / tick.tv_nsec;
}

/* Who is interrupted between a look at either clock takes that for an offset: so one look at the wall clock
 * between two at the other, and of some tries the one in which these were closest. */
static __u64 wall_offset_ns(void)
{
	__u64 best_ns = ~0ULL, offset = 0;

	for (int tries = 0; tries < 3 && best_ns > CLOSE_NS; tries++) {
		__u64 before = clock_now_ns(), wall = read_ns(CLOCK_REALTIME), apart = clock_now_ns() - before;

		if (apart >= best_ns)
			continue;
		best_ns = apart;
		offset = wall - before - apart / 2;
	}
	return offset;
}

__u64 clock_wall_ns(__u64 monotonic_ns)
{
	return wall_offset_ns() + monotonic_ns;
}

const char *clock_text(char text[CLOCK_TEXT], __u64 wall_ns)
{
	time_t seconds = wall_ns / NSEC_PER_SEC;
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(text, CLOCK_TEXT, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + n, CLOCK_TEXT - n, ".%06lluZ", wall_ns % NSEC_PER_SEC / 1000);
	return text;
}

const char *clock_span(char text[CLOCK_TEXT], __u64 ns)
{
	__u64 s = ns / NSEC_PER_SEC;

	if (ns < NSEC_PER_MSEC)
		snprintf(text, CLOCK_TEXT, "%.3gus", ns / 1e3);
	else if (ns < NSEC_PER_SEC)
		snprintf(text, CLOCK_TEXT, "%.3gms", ns / 1e6);
	else if (s < 60)
		snprintf(text, CLOCK_TEXT, "%.3gs", ns / 1e9);
	else if (s < 3600)
		snprintf(text, CLOCK_TEXT, "%llum%02llus", s / 60, s % 60);
	else if (s < 86400)
		snprintf(text, CLOCK_TEXT, "%lluh%02llum", s / 3600, s / 60 % 60);
	else
		snprintf(text, CLOCK_TEXT, "%llud%02lluh", s / 86400, s / 3600 % 24);
	return text;
}
