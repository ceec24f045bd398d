// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "log.h"
#include "overdue.h"

#define LOOK_NS NSEC_PER_SEC

int overdue_run(int program)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(program, &opts) ? -errno : (int)opts.retval;
}

static void look(struct overdue *overdue, __u64 now_ns)
{
	int err = overdue_run(overdue->program);

	if (err && !overdue->err)
		log_warn("fantel_untimed: no timer (%s); failures and BFD sessions for which the kernel has none "
			 "either end up to a second late", strerror(-err));
	overdue->err = err;
	overdue->due_ns = now_ns + LOOK_NS;
}

void overdue_begin(struct overdue *overdue, int program, __u64 now_ns)
{
	*overdue = (struct overdue){ .program = program };
	look(overdue, now_ns);
}

__u64 overdue_due(const struct overdue *overdue)
{
	return overdue->due_ns;
}

void overdue_tick(struct overdue *overdue, __u64 now_ns)
{
	if (now_ns >= overdue->due_ns)
		look(overdue, now_ns);
}
