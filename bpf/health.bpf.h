/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What failures and congestion do to paths, and to the links and nodes that paths cross. notify
 * counts them here, steer asks.
 *
 * A link may carry a hundred thousand paths: nobody walks through them. Its failure is a count in
 * fantel_resource and a new generation in fantel_node; a path that was judged in an earlier
 * generation is judged anew, from its own short list, by the next packet that meets it.
 */
#ifndef HEALTH_BPF_H
#define HEALTH_BPF_H

#include "maps.bpf.h"
#include "pace.bpf.h"

/* What a subject's own events make of it. */
FN enum standing standing_of(__s32 failures, __s32 congestions)
{
	if (failures > 0)
		return STANDING_FAILED;
	return congestions > 0 ? STANDING_CONGESTED : STANDING_GOOD;
}

/* What a link or node makes of the paths that cross it. Its own function: the verifier walks it once,
 * and not for each that a path may cross. */
SUBPROG int health_crossed(__u32 index)
{
	struct resource *resource = bpf_map_lookup_elem(&fantel_resource, &index);

	return resource ? standing_of(resource->failures, resource->congestions) : STANDING_GOOD;
}

/*
 * Judge a path by what it crosses, and note the judgement. The generation is taken first, and
 * atomically, so that a change that comes meanwhile makes the judgement old; both are stored as
 * one, so that no other CPU's older judgement ever stands with a newer generation.
 */
FN enum standing health_judge(__u32 id)
{
	struct health *health = bpf_map_lookup_elem(&fantel_health, &id);
	struct path *path = bpf_map_lookup_elem(&fantel_paths, &id);
	struct node_state *node = node_state();
	struct judgement judged = {};

	if (!health || !path || !node)
		return STANDING_FAILED;
	judged.generation = __sync_fetch_and_add(&node->generation, 0);
	for (__u32 i = 0; i < MAX_CROSSED; i++) {
		enum standing standing;

		if (i >= path->n_crossed)
			break;
		standing = health_crossed(path->crossed[i]);
		judged.standing = MAX(judged.standing, standing);
	}
	store64(&health->judged, load64(&judged));
	return judged.standing;
}

/* Judge a path; one that nothing congests any more may send faster. */
FN enum standing health_judged(__u32 id)
{
	enum standing standing = health_judge(id);

	if (standing == STANDING_GOOD)
		pace_ease(PACE_OF(id));
	return standing;
}

/* How a subject fares, by its own events and, for a path, by what it crosses. Its own function, for
 * its part of the stack. */
SUBPROG int health_standing(__u32 index, bool is_resource, bool is_transit)
{
	enum standing standing, judged;
	struct resource *r;
	struct transit *t;
	struct health *h;

	if (is_transit) {
		t = bpf_map_lookup_elem(&fantel_transit, &index);
		return t ? standing_of(0, t->congestions) : STANDING_FAILED;
	}
	if (is_resource) {
		r = bpf_map_lookup_elem(&fantel_resource, &index);
		return r ? standing_of(r->failures, r->congestions) : STANDING_FAILED;
	}
	h = bpf_map_lookup_elem(&fantel_health, &index);
	if (!h)
		return STANDING_FAILED;
	if (h->failures > 0)
		return STANDING_FAILED;
	judged = health_judged(index);
	standing = standing_of(h->failures, h->congestions);
	return MAX(standing, judged);
}

/* The number of a subject's events of one kind, and when it was last first or none: NULL where there
 * is no such subject. */
FN __s32 *health_events(const struct failed_key *key, __u64 **changed_ns)
{
	__u32 index = key->index;
	struct resource *r;
	struct transit *t;
	struct health *h;

	if (key->is_transit) {
		t = bpf_map_lookup_elem(&fantel_transit, &index);
		if (!t)
			return NULL;
		*changed_ns = &t->congested_ns;
		return &t->congestions;
	}
	if (key->is_resource) {
		r = bpf_map_lookup_elem(&fantel_resource, &index);
		if (!r)
			return NULL;
		*changed_ns = key->is_congestion ? &r->congested_ns : &r->changed_ns;
		return key->is_congestion ? &r->congestions : &r->failures;
	}
	h = bpf_map_lookup_elem(&fantel_health, &index);
	if (!h)
		return NULL;
	*changed_ns = key->is_congestion ? &h->congested_ns : &h->changed_ns;
	return key->is_congestion ? &h->congestions : &h->failures;
}

/* So many events more, or less, on a subject. What a resource does to paths begins a generation. */
FN int health_count(const struct failed_key *key, __s32 change, __u64 now_ns)
{
	struct node_state *node = node_state();
	__u64 *changed_ns;
	__s32 *events, before;

	events = health_events(key, &changed_ns);
	if (!events || !node)
		return -1;
	before = __sync_fetch_and_add(events, change);
	if ((before > 0) == (before + change > 0))
		return 0;
	*changed_ns = now_ns;
	if (key->is_resource)
		__sync_fetch_and_add(&node->generation, 1);
	else if (key->is_transit && change < 0)
		pace_ease(key->index);
	else if (key->is_congestion && change < 0)
		health_judged(key->index);
	return 0;
}

/* An event more (+1) or less (-1) on a subject. A function of its own: it is called from five places. */
SUBPROG int health_add(const struct failed_key *key, __s32 change, __u64 now_ns)
{
	struct node_state *node = node_state();

	if (!key || !node)
		return -1;
	if (key->is_congestion)
		__sync_fetch_and_add(&node->congested, change);
	return health_count(key, change, now_ns);
}

/* Has it an event of this kind? */
FN bool health_has(const struct failed_key *key)
{
	__u64 *changed_ns;
	__s32 *events = health_events(key, &changed_ns);

	return events && *events > 0;
}

/* The name of a path or resource; NULL if there is no such. Of transit the notification says all that
 * is known. */
FN const char *health_name(const struct failed_key *key)
{
	static const char transit[NAME_LEN] = "transit";
	__u32 index = key->index;
	struct resource *r;
	struct path *p;

	if (key->is_resource) {
		r = bpf_map_lookup_elem(&fantel_resource, &index);
		return r ? r->name : NULL;
	}
	if (key->is_transit)
		return transit;
	p = bpf_map_lookup_elem(&fantel_paths, &index);
	return p ? p->name : NULL;
}

#endif
