/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A look at what has no timer of its own (untimed.bpf.h): failures and BFD sessions whose time is over end
 * here, rates take their next step. By a timer, and by the loader, which runs fantel_overdue when it begins
 * and once a second: then failures and sessions that came from another map without their timer, and any that
 * lost it, are given one again.
 */
#ifndef OVERDUE_BPF_H
#define OVERDUE_BPF_H

#include "bfd.bpf.h"
#include "notify.bpf.h"

#define OVERDUE_NS NSEC_PER_SEC /* a timer that should have fired so long ago does not run */
#define OVERDUE_PAUSE 50	/* after a look, so many times what it took */

struct overdue {
	__u64 now_ns;
	bool arms; /* as long as the kernel has memory */
	bool left; /* some must be looked at again */
};

FN bool overdue_has_timer(const struct overdue *o, __u64 armed_ns)
{
	return armed_ns && armed_ns + OVERDUE_NS > o->now_ns;
}

static long overdue_failure(void *map, struct failed_key *key, struct failed *failed, struct overdue *o)
{
	__u64 at_ns;

	if (!failed->until_ns || overdue_has_timer(o, failed->armed_ns))
		return 0;
	at_ns = failed_check(map, key, failed, o->now_ns);
	if (!at_ns)
		return 0;
	if (o->arms) {
		failed_arm(failed, at_ns, o->now_ns);
		o->arms = failed->armed_ns != 0;
	}
	o->left |= !o->arms;
	return 0;
}

static long overdue_session(void *map, __u32 *ifindex, struct bfd_session *b, struct overdue *o)
{
	__u64 at_ns;

	if (b->state < BFD_INIT || overdue_has_timer(o, b->armed_ns))
		return 0;
	at_ns = bfd_check(*ifindex, b, o->now_ns);
	if (!at_ns)
		return 0;
	if (o->arms) {
		bfd_arm(b, at_ns, o->now_ns);
		o->arms = b->armed_ns != 0;
	}
	o->left |= !o->arms;
	return 0;
}

/* The loader may look at the same moment: who takes the step from due_ns does it. */
static long overdue_rate(void *map, __u32 *index, struct pace *p, struct overdue *o)
{
	__u64 due_ns = p->due_ns;

	if (p->state != PACE_RISING || !due_ns)
		return 0;
	if (due_ns > o->now_ns ||
	    __sync_val_compare_and_swap(&p->due_ns, due_ns, o->now_ns + config.pacing.step_ns) != due_ns ||
	    pace_rise(*index, p, o->now_ns))
		o->left = true;
	return 0;
}

/* Is it to be looked at? */
FN bool overdue_take(struct untimed *u, enum untimed_kind kind)
{
	return __sync_lock_test_and_set(&u->marked[kind], 0);
}

FN void overdue_leave(struct untimed *u, enum untimed_kind kind, const struct overdue *o)
{
	if (!o->left)
		return;
	__sync_lock_test_and_set(&u->marked[kind], 1);
	untimed_look_in(u, MAX(UNTIMED_NS, OVERDUE_PAUSE * (bpf_ktime_get_ns() - o->now_ns)));
}

FN void overdue_look(struct untimed *u, bool arms)
{
	struct overdue failures = { .now_ns = bpf_ktime_get_ns(), .arms = arms };
	struct overdue sessions = failures, rates = failures;

	if (overdue_take(u, UNTIMED_FAILURES))
		bpf_for_each_map_elem(&fantel_failed, overdue_failure, &failures, 0);
	if (overdue_take(u, UNTIMED_SESSIONS))
		bpf_for_each_map_elem(&fantel_bfd, overdue_session, &sessions, 0);
	if (overdue_take(u, UNTIMED_RATES))
		bpf_for_each_map_elem(&fantel_pace, overdue_rate, &rates, 0);
	overdue_leave(u, UNTIMED_FAILURES, &failures);
	overdue_leave(u, UNTIMED_SESSIONS, &sessions);
	overdue_leave(u, UNTIMED_RATES, &rates);
}

static int overdue_tick(void *map, __u32 *key, struct untimed *u)
{
	__sync_lock_test_and_set(&u->waits, 0);
	overdue_look(u, false);
	return 0;
}

/* Returns 0 or a negative errno: the kernel has no memory for its timer. */
SEC("syscall")
int fantel_overdue(void *ctx)
{
	__u32 zero = 0;
	struct untimed *u = bpf_map_lookup_elem(&fantel_untimed, &zero);
	long err;

	if (!u)
		return 0;
	/* Refused when it was made before, and then needs nothing but the callback of this program. */
	bpf_timer_init(&u->timer, &fantel_untimed, CLOCK_MONOTONIC);
	err = bpf_timer_set_callback(&u->timer, overdue_tick);
	__sync_lock_test_and_set(&u->waits, 0);
	for (enum untimed_kind kind = 0; kind < UNTIMED_KINDS; kind++)
		__sync_lock_test_and_set(&u->marked[kind], 1);
	overdue_look(u, true);
	return err;
}

#endif
