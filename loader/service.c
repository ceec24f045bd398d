// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <systemd/sd-daemon.h>

#include "fantel/abi.h"
#include "service.h"

void service_ready(const char *state)
{
	sd_notifyf(0, "READY=1\nSTATUS=%s", state);
}

__u64 service_alive(__u64 now_ns)
{
	static __u64 period_ns, due_ns;
	static int watched = -1;
	uint64_t us = 0;

	if (watched < 0) {
		watched = sd_watchdog_enabled(0, &us) > 0;
		period_ns = us * 1000 / 2;
	}
	if (!watched)
		return ~0ULL;
	if (now_ns >= due_ns) {
		sd_notify(0, "WATCHDOG=1");
		due_ns = now_ns + period_ns;
	}
	return due_ns;
}

void service_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}
