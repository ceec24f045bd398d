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

/* What a subject's own events make of it. */
FN enum standing standing_of(__s32 failures, __s32 congestions)
{
	if (failures > 0)
		return STANDING_FAILED;
	return congestions > 0 ? STANDING_CONGESTED : STANDING_GOOD;
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
		struct resource *resource;
		enum standing standing;
		__u32 index;

		if (i >= path->n_crossed)
			break;
		index = path->crossed[i];
		resource = bpf_map_lookup_elem(&fantel_resource, &index);
		if (!resource)
			continue;
		standing = standing_of(resource->failures, resource->congestions);
		judged.standing = MAX(judged.standing, standing);
	}
	store64(&health->judged, load64(&judged));
	return judged.standing;
}

/* How a subject fares, by its own events and, for a path, by what it crosses. Its own function, for
 * its part of the stack. */
SUBPROG int health_standing(__u32 index, bool is_resource)
{
	enum standing standing, judged;
	struct resource *r;
	struct health *h;

	if (is_resource) {
		r = bpf_map_lookup_elem(&fantel_resource, &index);
		return r ? standing_of(r->failures, r->congestions) : STANDING_FAILED;
	}
	h = bpf_map_lookup_elem(&fantel_health, &index);
	if (!h)
		return STANDING_FAILED;
	standing = standing_of(h->failures, h->congestions);
	if (standing == STANDING_FAILED)
		return standing;
	judged = health_judge(index);
	return MAX(standing, judged);
}

/* The number of a subject's events of one kind, and when it was last first or none: NULL where there
 * is no such subject. */
FN __s32 *health_events(const struct failed_key *key, __u64 **changed_ns)
{
	__u32 index = key->index;
	struct resource *r;
	struct health *h;

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

/* An event more (+1) or less (-1) on a subject. What a resource does to paths begins a generation. A
 * function of its own: it is called from five places. */
SUBPROG int health_add(const struct failed_key *key, __s32 change, __u64 now_ns)
{
	struct node_state *node = node_state();
	__u64 *changed_ns;
	__s32 *events, before;

	if (!key || !node)
		return -1;
	events = health_events(key, &changed_ns);
	if (!events)
		return -1;
	before = __sync_fetch_and_add(events, change);
	if ((before > 0) == (before + change > 0))
		return 0;
	*changed_ns = now_ns;
	if (key->is_resource)
		__sync_fetch_and_add(&node->generation, 1);
	return 0;
}

/* Has it an event of this kind? */
FN bool health_has(const struct failed_key *key)
{
	__u64 *changed_ns;
	__s32 *events = health_events(key, &changed_ns);

	return events && *events > 0;
}

/* The name of a path or resource; NULL if there is no such. */
FN const char *health_name(const struct failed_key *key)
{
	__u32 index = key->index;
	struct resource *r;
	struct path *p;

	if (key->is_resource) {
		r = bpf_map_lookup_elem(&fantel_resource, &index);
		return r ? r->name : NULL;
	}
	p = bpf_map_lookup_elem(&fantel_paths, &index);
	return p ? p->name : NULL;
}

#endif
