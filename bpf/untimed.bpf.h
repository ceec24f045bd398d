/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What ends by a timer of its own and has none: the kernel makes a timer when it is first asked for, and
 * may have no memory right then, the less as a packet can't wait for it. One timer, which the loader had
 * made beforehand, then looks at all that have none (overdue.bpf.h), until none is left.
 */
#ifndef UNTIMED_BPF_H
#define UNTIMED_BPF_H

#include "maps.bpf.h"

#define UNTIMED_NS (2 * NSEC_PER_MSEC) /* from one look to the next, at the least */
#define ENOENT 2		       /* vmlinux.h has no macros */

/* Look in `wait_ns`, unless that is to come already. */
FN void untimed_look_in(struct untimed *u, __u64 wait_ns)
{
	if (!__sync_lock_test_and_set(&u->waits, 1) && bpf_timer_start(&u->timer, wait_ns, 0))
		__sync_lock_test_and_set(&u->waits, 0);
}

/* One more of these has no timer, and says so already: who looks takes the mark off first, so that either sees
 * the other. */
FN void untimed_add(enum untimed_kind kind)
{
	__u32 zero = 0;
	struct untimed *u = bpf_map_lookup_elem(&fantel_untimed, &zero);

	if (!u || kind >= UNTIMED_KINDS)
		return;
	__sync_lock_test_and_set(&u->marked[kind], 1);
	untimed_look_in(u, UNTIMED_NS);
}

/* The same as a function of its own, for its part of the stack. */
SUBPROG int untimed_mark(enum untimed_kind kind)
{
	untimed_add(kind);
	return 0;
}

/* Start a timer that was made, and note when it fires. */
FN void timed_start(struct bpf_timer *timer, __u64 *armed_ns, __u64 at_ns, __u64 now_ns, enum untimed_kind kind)
{
	*armed_ns = at_ns;
	if (bpf_timer_start(timer, at_ns - now_ns, 0)) {
		*armed_ns = 0;
		untimed_mark(kind);
	}
}

#endif
