// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "own.h"
#include "pressure.h"

bool pressure_parse(const char *text, __u64 *stalled_us)
{
	uint64_t total;

	if (sscanf(text, "some avg10=%*f avg60=%*f avg300=%*f total=%" SCNu64, &total) != 1)
		return false;
	*stalled_us = total;
	return true;
}

__u32 pressure_percent(struct pressure *p, __u64 stalled_us, __u64 now_ns)
{
	struct pressure before = *p;
	__u64 us = (now_ns - before.at_ns) / 1000;

	*p = (struct pressure){ .known = true, .stalled_us = stalled_us, .at_ns = now_ns };
	if (!before.known || stalled_us < before.stalled_us || !us)
		return 0;
	return MIN((stalled_us - before.stalled_us) * 100 / us, 100ULL);
}

__u32 pressure_of_load(double average, long cpus)
{
	double percent = average * 100 / MAX(cpus, 1L);

	return percent < 100 ? percent : 100;
}

__u32 pressure_cpu(struct pressure *p, const char *file, __u64 now_ns)
{
	FILE *in OWN_FILE = fopen(file, "re");
	double average = 0;
	__u64 stalled_us;
	char text[256];

	if (in && fgets(text, sizeof(text), in) && pressure_parse(text, &stalled_us))
		return pressure_percent(p, stalled_us, now_ns);
	getloadavg(&average, 1);
	return pressure_of_load(average, sysconf(_SC_NPROCESSORS_ONLN));
}

__u32 pressure_memory(void)
{
	FILE *in OWN_FILE = fopen("/proc/meminfo", "re");
	uint64_t total = 0, available = 0;
	char line[128];

	while (in && fgets(line, sizeof(line), in) && !available) {
		sscanf(line, "MemTotal: %" SCNu64, &total);
		sscanf(line, "MemAvailable: %" SCNu64, &available);
	}
	return total && available <= total ? (total - available) * 100 / total : 0;
}
