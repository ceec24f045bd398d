/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * fantel_failed has another size, and so is another map: what the programs before did to the old one
 * after its entries were carried over, one entry at a time. They and the programs of now share the
 * counts of subjects, and may both have done the same; here an entry and its count are brought together.
 * Run by the loader (resize.c), never attached.
 */
#ifndef SETTLE_BPF_H
#define SETTLE_BPF_H

#include "notify.bpf.h"

/* Timers stay with the map that they were made in. */
FN void settle_arm(struct failed *failed, __u64 now_ns)
{
	__u64 until = failed->until_ns;

	if (!until || (failed->armed_ns && failed->armed_ns <= until))
		return;
	if (!bpf_timer_init(&failed->timer, &fantel_failed, CLOCK_MONOTONIC))
		bpf_timer_set_callback(&failed->timer, failed_expire);
	failed->armed_ns = until;
	bpf_timer_start(&failed->timer, until > now_ns ? until - now_ns : 0, 0);
}

/* They recorded it, and counted. If we did as well, it is counted twice; if there is no room, once too
 * often. */
FN void settle_added(const struct settle *s, const struct failed_key *key, __u64 now_ns)
{
	struct failed fresh = { .kind = s->kind, .cause = s->cause, .since_ns = s->since_ns };
	struct failed *failed;

	words_copy(fresh.name, s->name, sizeof(fresh.name));
	fresh.until_ns = s->until_ns;
	fresh.sequence = s->sequence;
	if (bpf_map_update_elem(&fantel_failed, key, &fresh, BPF_NOEXIST)) {
		if (!bpf_map_lookup_elem(&fantel_failed, key))
			count(REASON_FAILED_FULL, 0);
		health_add(key, -1, now_ns);
		return;
	}
	failed = bpf_map_lookup_elem(&fantel_failed, key);
	if (failed)
		settle_arm(failed, now_ns);
}

/* They withdrew it, and counted. If we did as well, that is once too often. */
FN void settle_gone(const struct failed_key *key, __u64 now_ns)
{
	if (bpf_map_delete_elem(&fantel_failed, key))
		health_add(key, 1, now_ns);
}

/* It is there as it was, or they renewed it. If we withdrew it, it is gone. */
FN void settle_kept(const struct settle *s, const struct failed_key *key, __u64 now_ns)
{
	struct failed *failed = bpf_map_lookup_elem(&fantel_failed, key);

	if (!failed)
		return;
	if (!s->until_ns || (failed->until_ns && s->until_ns > failed->until_ns))
		failed->until_ns = s->until_ns;
	settle_arm(failed, now_ns);
}

SEC("syscall")
int fantel_settle(struct settle *s)
{
	__u64 now = bpf_ktime_get_ns();
	struct failed_key key = s->key;

	if (s->act == SETTLE_ADDED)
		settle_added(s, &key, now);
	else if (s->act == SETTLE_GONE)
		settle_gone(&key, now);
	else
		settle_kept(s, &key, now);
	return 0;
}

#endif
