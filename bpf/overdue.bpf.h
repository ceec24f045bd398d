/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A look at failures and BFD sessions that have no timer of their own (untimed.bpf.h): those whose time is
 * over end here. By a timer, and by the loader, which runs fantel_overdue when it begins and once a second:
 * then those that came from another map without theirs, and any that lost it, are given one again.
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

FN void overdue_look(struct untimed *u, bool arms)
{
	struct overdue failures = { .now_ns = bpf_ktime_get_ns(), .arms = arms };
	struct overdue sessions = failures;

	if (__sync_lock_test_and_set(&u->failures, 0))
		bpf_for_each_map_elem(&fantel_failed, overdue_failure, &failures, 0);
	if (__sync_lock_test_and_set(&u->sessions, 0))
		bpf_for_each_map_elem(&fantel_bfd, overdue_session, &sessions, 0);
	if (failures.left)
		__sync_lock_test_and_set(&u->failures, 1);
	if (sessions.left)
		__sync_lock_test_and_set(&u->sessions, 1);
	if (failures.left || sessions.left)
		untimed_look_in(u, MAX(UNTIMED_NS, OVERDUE_PAUSE * (bpf_ktime_get_ns() - failures.now_ns)));
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
	__sync_lock_test_and_set(&u->failures, 1);
	__sync_lock_test_and_set(&u->sessions, 1);
	overdue_look(u, true);
	return err;
}

#endif
