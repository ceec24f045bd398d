/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A map that has another size or layout is another map: what the programs before did to the old one after
 * its entries were carried over, one at a time. What they and the programs of now may both have done to an
 * entry of fantel_failed, and what only adds up, is settled here; the rest by the loader, who runs this
 * (resize.c).
 *
 * And what the loader itself does to such an entry, or to its subject (push.c): an entry and its count
 * change as one, also when the loader is killed right then. Never attached.
 */
#ifndef SETTLE_BPF_H
#define SETTLE_BPF_H

#include "notify.bpf.h"

/* They recorded it, and counted. If we did as well, it is counted twice; if there is no room, once too
 * often. */
FN void settle_added(const struct settle *s, const struct failed_key *key, __u64 now_ns)
{
	struct failed fresh = { .kind = s->kind, .cause = s->cause, .since_ns = s->since_ns };

	words_copy(fresh.name, s->name, sizeof(fresh.name));
	fresh.until_ns = s->until_ns;
	fresh.sequence = s->sequence;
	if (bpf_map_update_elem(&fantel_failed, key, &fresh, BPF_NOEXIST)) {
		if (!bpf_map_lookup_elem(&fantel_failed, key))
			count(REASON_FAILED_FULL, 0);
		health_add(key, -1, now_ns);
	}
}

/* They withdrew it, and counted. If we did as well, that is once too often. */
FN void settle_gone(const struct failed_key *key, __u64 now_ns)
{
	if (bpf_map_delete_elem(&fantel_failed, key))
		health_add(key, 1, now_ns);
}

/* It is there as it was, or they renewed it. If we withdrew it, it is gone. */
FN void settle_kept(const struct settle *s, const struct failed_key *key)
{
	struct failed *failed = bpf_map_lookup_elem(&fantel_failed, key);

	if (!failed)
		return;
	if (!s->until_ns || (failed->until_ns && s->until_ns > failed->until_ns))
		failed->until_ns = s->until_ns;
}

/* Policy does without its subject. */
FN void settle_dropped(const struct failed_key *key, __u64 now_ns)
{
	if (!bpf_map_delete_elem(&fantel_failed, key))
		health_add(key, -1, now_ns);
}

/* A packet on this CPU may come in between. */
FN void settle_traffic(struct traffic *t, const struct traffic *more)
{
	if (!t)
		return;
	__sync_fetch_and_add(&t->packets, more->packets);
	__sync_fetch_and_add(&t->bytes, more->bytes);
}

/*
 * Its timer has ended with the old map. While it ran, the subject was counted as congested: of a path
 * that was left behind, with fantel_health, of transit it is still there. What has no congestion any
 * more begins to rise anew, from the rate that it has.
 */
FN void settle_paced(__u32 id)
{
	struct pace *p = bpf_map_lookup_elem(&fantel_pace, &id);
	struct transit *t;

	if (!p || p->state == PACE_RISING)
		return;
	if (pace_is_transit(id)) {
		t = bpf_map_lookup_elem(&fantel_transit, &id);
		if (!t || !t->hash) {
			p->state = PACE_OFF;
			return;
		}
		if (pace_add(id, 0) >= PACE_RISE / 2)
			pace_add(id, -PACE_RISE);
	}
	pace_ease(id);
}

/* Whoever comes into its place has no rate that was lowered, and never failed. */
FN void settle_left(__u32 path)
{
	__u32 id = PACE_OF(path);
	struct health *h = bpf_map_lookup_elem(&fantel_health, &path);
	struct pace *p = bpf_map_lookup_elem(&fantel_pace, &id);

	if (!h || !p)
		return;
	pace_rise_end(p, id, PACE_OFF);
	p->state = PACE_OFF;
	h->changed_ns = h->congested_ns = 0;
}

/* Its counts go with the events that were told of the one before. */
FN void settle_named(__u32 index, const struct settle *s)
{
	struct resource *resource = bpf_map_lookup_elem(&fantel_resource, &index);

	if (!resource)
		return;
	words_copy(resource->name, s->name, sizeof(resource->name));
	resource->changed_ns = resource->congested_ns = 0;
}

SEC("syscall")
int fantel_settle(struct settle *s)
{
	__u64 now = bpf_ktime_get_ns();
	struct failed_key key = s->key;
	__u32 index = key.index;

	switch (s->act) {
	case SETTLE_KEPT:
		settle_kept(s, &key);
		break;
	case SETTLE_ADDED:
		settle_added(s, &key, now);
		break;
	case SETTLE_GONE:
		settle_gone(&key, now);
		break;
	case SETTLE_DROPPED:
		settle_dropped(&key, now);
		break;
	case SETTLE_COUNTED:
		health_count(&key, s->change, now);
		break;
	case SETTLE_CARRIED:
		settle_traffic(bpf_map_lookup_elem(&fantel_traffic, &index), &s->traffic);
		break;
	case SETTLE_REASON:
		settle_traffic(bpf_map_lookup_elem(&fantel_stats, &index), &s->traffic);
		break;
	case SETTLE_PACED:
		settle_paced(index);
		break;
	case SETTLE_LEFT:
		settle_left(index);
		break;
	case SETTLE_NAMED:
		settle_named(index, s);
		break;
	}
	return 0;
}

#endif
