/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * fantel_overdue, run at the beginning and once a second: what ends by a timer of its own, and has none, is
 * looked at (bpf/overdue.bpf.h). Owned by upkeep.
 */
#ifndef OVERDUE_H
#define OVERDUE_H

#include "fantel/base.h"

struct overdue {
	int program;
	int err; /* of the latest run */
	__u64 due_ns;
};

/* One look. Returns 0 or a negative errno: until the next one the packet path does not look by itself. */
int overdue_run(int program);

void overdue_begin(struct overdue *overdue, int program, __u64 now_ns);

/* When overdue_tick has something to do. */
__u64 overdue_due(const struct overdue *overdue);
void overdue_tick(struct overdue *overdue, __u64 now_ns);

#endif
