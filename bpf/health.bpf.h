/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What failures do to paths, and to the links and nodes that paths cross. notify counts them here,
 * steer asks.
 *
 * A link may carry a hundred thousand paths: nobody walks through them. Its failure is a count in
 * fantel_resource and a new generation in fantel_node; a path that was judged in an earlier
 * generation is judged anew, from its own short list, by the next packet that meets it.
 */
#ifndef HEALTH_BPF_H
#define HEALTH_BPF_H

#include "maps.bpf.h"

/*
 * Judge a path by what it crosses, and note the judgement: is it blocked? The generation is taken
 * first, and atomically, so that a change that comes meanwhile makes the judgement old; both are
 * stored as one, so that no other CPU's older judgement ever stands with a newer generation.
 */
FN bool health_judge(__u32 id)
{
	struct health *health = bpf_map_lookup_elem(&fantel_health, &id);
	struct path *path = bpf_map_lookup_elem(&fantel_paths, &id);
	struct node_state *node = node_state();
	struct judgement judged = {};

	if (!health || !path || !node)
		return true;
	judged.generation = __sync_fetch_and_add(&node->generation, 0);
	for (__u32 i = 0; i < MAX_CROSSED; i++) {
		struct resource *resource;
		__u32 index;

		if (i >= path->n_crossed)
			break;
		index = path->crossed[i];
		resource = bpf_map_lookup_elem(&fantel_resource, &index);
		if (resource && resource->failures > 0)
			judged.blocked = true;
	}
	store64(&health->judged, load64(&judged));
	return judged.blocked;
}

/* A failure more (+1) or less (-1) on a path: is it usable now? */
FN bool health_add_path(__u32 id, __s32 change, __u64 now_ns)
{
	struct health *h = bpf_map_lookup_elem(&fantel_health, &id);
	__s32 before;

	if (!h)
		return false;
	before = __sync_fetch_and_add(&h->failures, change);
	if ((before > 0) != (before + change > 0))
		h->changed_ns = now_ns;
	return before + change <= 0 && !health_judge(id);
}

/* The same on a resource, and with it on all paths that cross it. */
FN bool health_add_resource(__u32 index, __s32 change, __u64 now_ns)
{
	struct resource *r = bpf_map_lookup_elem(&fantel_resource, &index);
	struct node_state *node = node_state();
	__s32 before;

	if (!r || !node)
		return false;
	before = __sync_fetch_and_add(&r->failures, change);
	if ((before > 0) != (before + change > 0)) {
		r->changed_ns = now_ns;
		__sync_fetch_and_add(&node->generation, 1);
	}
	return before + change <= 0;
}

/* A function of its own: it is called from five places. */
SUBPROG int health_add(const struct failed_key *key, __s32 change, __u64 now_ns)
{
	if (!key)
		return false;
	if (key->is_resource)
		return health_add_resource(key->index, change, now_ns);
	return health_add_path(key->index, change, now_ns);
}

/* Has it failed by an event of its own? */
FN bool health_failed(const struct failed_key *key)
{
	__u32 index = key->index;
	struct resource *r;
	struct health *h;

	if (key->is_resource) {
		r = bpf_map_lookup_elem(&fantel_resource, &index);
		return r && r->failures > 0;
	}
	h = bpf_map_lookup_elem(&fantel_health, &index);
	return h && h->failures > 0;
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
