/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How busy the node is: the share of time in which something waited for a CPU (pressure stall
 * information), or where the kernel does not tell that, the load average; and how much of its memory
 * is in use. Called by senses.
 */
#ifndef PRESSURE_H
#define PRESSURE_H

#include "fantel/base.h"

#define PRESSURE_FILE "/proc/pressure/cpu"

struct pressure {
	bool known;
	__u64 stalled_us, at_ns; /* as of the last look */
};

/* The total of the line `some`, in us; false if there is none. Pure. */
bool pressure_parse(const char *text, __u64 *stalled_us);

/* Percent of the time since the last look; 0 at the first. Pure. */
__u32 pressure_percent(struct pressure *pressure, __u64 stalled_us, __u64 now_ns);

/* A load average in percent of what so many CPUs can do, at most 100. Pure. */
__u32 pressure_of_load(double average, long cpus);

/* How busy the CPUs are, by `file` or, where that can't be read, by the load average. */
__u32 pressure_cpu(struct pressure *pressure, const char *file, __u64 now_ns);

/* Percent of the memory that is in use, caches not counted; 0 if the kernel does not say. */
__u32 pressure_memory(void);

#endif
