// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The only writer of fantel_paths, fantel_tunnels, fantel_groups, fantel_ranks, fantel_classes,
 * fantel_sources, fantel_ends and fantel_lsps; of fantel_health and fantel_failed it removes what belongs to
 * paths and resources that are gone. Resources are a part of its own. Called by attach.
 *
 *	plan     have (maps) + want (policy) -> slots
 *	add      what was told of those whose places are needed at once
 *	         new resources, paths, tunnels -> paths
 *	switch   new groups, classes -> groups, sources, endpoints, lsps
 *	         wait until no packet is under way that read the old classes
 *	remove   tunnels, groups, what was told of paths and resources, paths, resources
 *
 * Whoever is killed between two writes leaves nothing that the next push does not find: a failure and its
 * count go as one (fantel_settle), and a place says whose it was until nothing else of that is in it.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>

#include "assign.h"
#include "clock.h"
#include "domain.h"
#include "encap.h"
#include "endpoint.h"
#include "fantel/path.h"
#include "grace.h"
#include "keyring.h"
#include "log.h"
#include "own.h"
#include "push.h"
#include "resources.h"
#include "settle.h"
#include "sync.h"
#include "weights.h"

struct push {
	const struct maps *maps;
	const struct policy *policy;
	int settle;

	struct resources resources;

	struct path *have_path, *path; /* by slot; by policy index */
	__u32 *path_slot;
	bool *path_kept, *path_used; /* by slot: by the path that was there, by any */

	struct group *have_group, *group;
	struct rank *have_rank, *rank;
	__u32 *group_slot;
	bool *group_kept;

	struct nexthop_use *use;
	__u32 n_uses;
	struct sync tunnels, classes, sources, keys, ends, lsps;
};

static int full(const struct push *push, int r, enum policy_limit limit)
{
	if (r == -E2BIG || r == -ENOSPC)
		return err_r(r, "%s: no room for those of the old and the new policy, which is for twice %u; a "
				"higher limits/%s in the policy makes more",
			     limit_word(limit), push->maps->room[limit], limit_word(limit));
	return err_r(r, "%s: can't write the map: %s", limit_word(limit), strerror(-r));
}

static int full_fixed(int r, const char *what, int most)
{
	if (r == -E2BIG || r == -ENOSPC)
		return err_r(r, "%s: no room for more than %d; use fewer", what, most);
	return err_r(r, "%s: can't write the map: %s", what, strerror(-r));
}

static __u32 n_paths(const struct push *push)
{
	return push->maps->room[LIMIT_PATHS];
}

static __u32 n_groups(const struct push *push)
{
	return push->maps->room[LIMIT_GROUPS];
}

/* ---- plan: paths ----------------------------------------------------------------------------- */

static const char *have_path(void *arg, __u32 slot)
{
	const struct push *push = arg;

	return push->have_path[slot].tunnel != TUNNEL_NONE ? push->have_path[slot].name : NULL;
}

static const char *want_path(void *arg, __u32 i)
{
	return ((const struct push *)arg)->path[i].name;
}

/* The same tunnel. DSCP may differ: that is one word, and written in place. So may what it crosses:
 * a new generation has it judged anew. */
static bool same_path(void *arg, __u32 slot, __u32 i)
{
	const struct push *push = arg;
	const struct path *have = &push->have_path[slot], *want = &push->path[i];

	return have->tunnel == want->tunnel && have->encap_len == want->encap_len &&
	       addr_equal(&have->dst, &want->dst) &&
	       !memcmp(have->encap, want->encap, sizeof(want->encap));
}

static void set_crossed(struct push *push, __u32 i)
{
	const struct policy_path *from = &push->policy->path[i];
	struct path *path = &push->path[i];

	path->n_crossed = from->n_crossed;
	for (__u32 k = 0; k < from->n_crossed; k++)
		path->crossed[k] = push->resources.slot[from->crossed[k]];
}

static int plan_paths(struct push *push)
{
	const struct policy *policy = push->policy;
	const struct assign assign = { n_paths(push), policy->n_paths, have_path,
				       want_path, same_path,	   push };
	int r;

	for (__u32 slot = 0; slot < n_paths(push); slot++)
		if (bpf_map_lookup_elem(push->maps->paths, &slot, &push->have_path[slot]))
			return err_r(-errno, "fantel_paths: can't read it: %s", strerror(errno));
	for (__u32 i = 0; i < policy->n_paths; i++)
		if (encap_path(&push->path[i], &policy->path[i], &policy->config))
			return err_r(-EINVAL, "path %s: has no tunnel that can be built",
				     policy->path[i].name);
	for (__u32 i = 0; i < policy->n_paths; i++)
		set_crossed(push, i);
	r = assign_slots(&assign, push->path_slot, push->path_kept)
		    ?: assign_nexthops(push->have_path, n_paths(push), push->path, policy->n_paths,
				       n_paths(push));
	for (__u32 i = 0; !r && i < policy->n_paths; i++)
		push->path_used[push->path_slot[i]] = true;
	return r;
}

/* Each next hop once. */
static int plan_nexthops(struct push *push)
{
	bool *listed OWN_MEM = calloc(n_paths(push), sizeof(*listed));

	if (!listed)
		return -ENOMEM;
	for (__u32 i = 0; i < push->policy->n_paths; i++) {
		const struct path *path = &push->path[i];

		if (addr_is_unspecified(&path->dst))
			continue;
		if (!listed[path->nexthop])
			push->use[push->n_uses++] =
				(struct nexthop_use){ path->nexthop, path->dst,
						      path->outer == OUTER_MPLS };
		listed[path->nexthop] = true;
	}
	return 0;
}

/* ---- plan: tunnels --------------------------------------------------------------------------- */

struct named_tunnel {
	__u64 hash;
	struct tunnel_key key;
	__u32 path;
};

static int by_tunnel(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct named_tunnel, path));
}

/* Each of its names names a path; one that shares a name with another shares its fate too. */
static __u32 list_tunnels(const struct push *push, struct named_tunnel *list)
{
	struct tunnel_key keys[ENCAP_KEYS_MAX];
	__u32 n = 0;

	for (__u32 i = 0; i < push->policy->n_paths; i++) {
		int n_keys = encap_keys(keys, ARRAY_SIZE(keys), &push->policy->path[i]);

		while (n_keys-- > 0)
			list[n++] = (struct named_tunnel){ hash_tunnel(&keys[n_keys]), keys[n_keys],
							   push->path_slot[i] };
	}
	qsort(list, n, sizeof(*list), by_tunnel);
	return n;
}

static int plan_tunnels(struct push *push)
{
	struct named_tunnel *list OWN_MEM =
		calloc(ENCAP_KEYS_MAX * push->policy->n_paths + 1, sizeof(*list));
	__u32 n, next;
	int r;

	r = sync_open(&push->tunnels, push->maps->tunnels, sizeof(__u64),
		      sizeof(struct tunnel_paths));
	if (r || !list)
		return -ENOMEM;
	n = list_tunnels(push, list);
	for (__u32 i = 0; !r && i < n; i = next) {
		struct tunnel_paths paths = { .tunnel = list[i].key };

		if (i && list[i].hash == list[i - 1].hash)
			return err_r(-EEXIST, "policy: two tunnels have the same hash, so notifications "
					      "can't tell them apart; change a segment of one");
		for (next = i; next < n && !by_tunnel(&list[i], &list[next]); next++) {
			if (paths.n == TUNNEL_PATHS)
				return err_r(
					-E2BIG,
					"policy: more than %d paths have a name in common, so one "
					"notification can't name them all; use fewer",
					TUNNEL_PATHS);
			paths.path[paths.n++] = list[next].path;
		}
		r = sync_want(&push->tunnels, &list[i].hash, &paths);
	}
	return r;
}

/* ---- plan: groups, classes, sources -----------------------------------------------------------
 */

static const char *have_group(void *arg, __u32 slot)
{
	const struct push *push = arg;

	return push->have_group[slot].name[0] ? push->have_group[slot].name : NULL;
}

static const char *want_group(void *arg, __u32 i)
{
	return ((const struct push *)arg)->group[i].name;
}

static bool same_group(void *arg, __u32 slot, __u32 i)
{
	const struct push *push = arg;

	return !memcmp(&push->have_group[slot], &push->group[i], sizeof(*push->group)) &&
	       !memcmp(&push->have_rank[slot], &push->rank[i], sizeof(*push->rank));
}

/* A group that is there as policy has it keeps the weights that metrics gave it, and its flows their
 * paths. */
static void keep_weights(const struct push *push, struct group *group)
{
	for (__u32 slot = 0; slot < n_groups(push); slot++) {
		struct group have;

		if (strcmp(push->have_group[slot].name, group->name))
			continue;
		have = push->have_group[slot];
		for (__u32 m = 0; m < MAX_MEMBERS; m++)
			have.member[m].effective = group->member[m].effective;
		if (!memcmp(&have, group, sizeof(have)))
			*group = push->have_group[slot];
	}
}

static void compile_group(struct push *push, __u32 i)
{
	const struct policy_group *from = &push->policy->group[i];
	struct group *group = &push->group[i];

	strcpy(group->name, from->name);
	group->ordering = from->ordering;
	group->gap_us = from->gap_us;
	group->n_members = from->n_members;
	for (__u32 m = 0; m < from->n_members; m++) {
		struct member *member = &group->member[m];

		strcpy(member->name, push->policy->path[from->member[m].path].name);
		member->path = push->path_slot[from->member[m].path];
		member->weight = from->member[m].weight;
		member->tier = from->member[m].tier;
	}
	weights_reset(group);
	if (from->follow)
		keep_weights(push, group);
	rank_build(&push->rank[i], group, from->on_no_path);
	push->rank[i].idle = rank_idle(group, clock_hz());
	push->rank[i].on_congestion = from->on_congestion;
}

static int plan_groups(struct push *push)
{
	const struct assign assign = { n_groups(push), push->policy->n_groups,
				       have_group, want_group,
				       same_group, push };

	for (__u32 slot = 0; slot < n_groups(push); slot++)
		if ((bpf_map_lookup_elem(push->maps->groups, &slot, &push->have_group[slot]) &&
		     errno != ENOENT) ||
		    bpf_map_lookup_elem(push->maps->ranks, &slot, &push->have_rank[slot]))
			return err_r(-errno, "fantel_groups: can't read it: %s", strerror(errno));
	for (__u32 i = 0; i < push->policy->n_groups; i++)
		compile_group(push, i);
	return assign_slots(&assign, push->group_slot, push->group_kept);
}

static struct prefix_key key_of(const struct policy_prefix *prefix)
{
	struct prefix_key key = { .plen = prefix->plen };

	memcpy(key.addr_be, prefix->addr.l_be, sizeof(key.addr_be));
	return key;
}

static int plan_prefixes(struct push *push)
{
	const struct policy *policy = push->policy;
	int r;

	r = sync_open(&push->classes, push->maps->classes, sizeof(struct prefix_key),
		      sizeof(struct class_value));
	for (__u32 i = 0; !r && i < policy->n_classes; i++) {
		struct class_value value = { .group = push->group_slot[policy->class[i].group] };
		struct prefix_key key = key_of(&policy->class[i].prefix);

		r = sync_want(&push->classes, &key, &value);
	}
	if (!r)
		r = sync_open(&push->sources, push->maps->sources, sizeof(struct prefix_key),
			      sizeof(__u32));
	for (__u32 i = 0; !r && i < domain_rows(policy); i++) {
		struct source source;
		const struct policy_prefix *prefix = domain_row(policy, i, &source);
		struct prefix_key key;

		if (!prefix)
			continue;
		key = key_of(prefix);
		r = sync_want(&push->sources, &key, &source);
	}
	return r;
}

static int plan_endpoints(struct push *push)
{
	const struct policy *policy = push->policy;
	struct endpoint_row rows[ENDPOINT_ROWS];
	int r;

	r = sync_open(&push->ends, push->maps->ends, sizeof(struct endpoint_key),
		      sizeof(struct endpoint));
	for (__u32 i = 0; !r && i < policy->n_endpoints; i++) {
		__u32 n = endpoint_rows(rows, &policy->endpoint[i], &policy->config);

		while (!r && n--)
			r = sync_want(&push->ends, &rows[n].key, &rows[n].value);
	}
	return r;
}

static int plan_lsps(struct push *push)
{
	const struct policy *policy = push->policy;
	int r = sync_open(&push->lsps, push->maps->lsps, sizeof(__u32), sizeof(struct lsp));

	for (__u32 i = 0; !r && i < policy->n_lsps; i++)
		r = sync_want(&push->lsps, &policy->lsp[i].label, &policy->lsp[i].way);
	return r;
}

static int allocate(struct push *push)
{
	const struct policy *policy = push->policy;

	push->have_path = calloc(n_paths(push), sizeof(*push->have_path));
	push->path = calloc(policy->n_paths + 1, sizeof(*push->path));
	push->path_slot = calloc(policy->n_paths + 1, sizeof(*push->path_slot));
	push->path_kept = calloc(n_paths(push), sizeof(*push->path_kept));
	push->have_group = calloc(n_groups(push), sizeof(*push->have_group));
	push->have_rank = calloc(n_groups(push), sizeof(*push->have_rank));
	push->path_used = calloc(n_paths(push), sizeof(*push->path_used));
	push->group = calloc(policy->n_groups + 1, sizeof(*push->group));
	push->rank = calloc(policy->n_groups + 1, sizeof(*push->rank));
	push->group_slot = calloc(policy->n_groups + 1, sizeof(*push->group_slot));
	push->group_kept = calloc(n_groups(push), sizeof(*push->group_kept));
	push->use = calloc(policy->n_paths + 1, sizeof(*push->use));
	if (push->have_path && push->path && push->path_slot && push->path_kept && push->path_used &&
	    push->have_group && push->have_rank && push->group && push->rank && push->group_slot &&
	    push->group_kept && push->use)
		return 0;
	return -ENOMEM;
}

int push_plan(struct push **out, const struct maps *maps, int settle, const struct policy *policy)
{
	struct push *push = calloc(1, sizeof(*push));
	int r;

	if (!push)
		return err_r(-ENOMEM, "policy: no memory");
	push->maps = maps;
	push->policy = policy;
	push->settle = settle;
	r = allocate(push) ?: resources_plan(&push->resources, maps, settle, policy) ?:
	    plan_paths(push) ?: plan_nexthops(push) ?: plan_tunnels(push) ?: plan_groups(push) ?:
	    plan_prefixes(push) ?: plan_endpoints(push) ?: plan_lsps(push) ?: keyring_plan(&push->keys, maps, policy);
	if (r == -ENOMEM)
		log_error("policy: no memory");
	if (r) {
		push_free(push);
		return r;
	}
	*out = push;
	return 0;
}

void push_free(struct push *push)
{
	if (!push)
		return;
	free(push->have_path);
	free(push->path);
	free(push->path_slot);
	free(push->path_kept);
	free(push->path_used);
	free(push->have_group);
	free(push->have_rank);
	free(push->group);
	free(push->rank);
	free(push->group_slot);
	free(push->group_kept);
	free(push->use);
	resources_free(&push->resources);
	sync_free(&push->tunnels);
	sync_free(&push->classes);
	sync_free(&push->sources);
	sync_free(&push->keys);
	sync_free(&push->ends);
	sync_free(&push->lsps);
	free(push);
}

const struct nexthop_use *push_nexthops(const struct push *push, __u32 *n)
{
	*n = push->n_uses;
	return push->use;
}

/* ---- who leaves ------------------------------------------------------------------------------ */

static bool path_left(const struct push *push, __u32 slot)
{
	return slot < n_paths(push) && push->have_path[slot].tunnel != TUNNEL_NONE && !push->path_kept[slot];
}

/* Another path has its place at once: there is no other one. */
static bool path_reused(const struct push *push, __u32 slot)
{
	return path_left(push, slot) && push->path_used[slot];
}

/* A path or resource that leaves; with `reused`, only where another one has its place at once. */
static bool leaves(const struct push *push, const struct failed_key *key, bool reused)
{
	if (key->is_transit)
		return false;
	if (key->is_resource)
		return reused ? resources_reused(&push->resources, key->index) :
				resources_left(&push->resources, key->index);
	return reused ? path_reused(push, key->index) : path_left(push, key->index);
}

static bool any_leaves(const struct push *push, bool reused)
{
	bool any = false;

	for (__u32 slot = 0; slot < MAX(n_paths(push), push->maps->room[LIMIT_RESOURCES]); slot++)
		any |= leaves(push, &(struct failed_key){ .index = slot }, reused) ||
		       leaves(push, &(struct failed_key){ .index = slot, .is_resource = 1 }, reused);
	return any;
}

static int drop_failures(const struct push *push, bool reused)
{
	struct sync told = {};
	int r = sync_open(&told, push->maps->failed, sizeof(struct failed_key), sizeof(struct failed));

	for (__u32 i = 0; !r && i < told.have.n; i++) {
		struct settle drop = { .act = SETTLE_DROPPED };

		memcpy(&drop.key, sync_have(&told, i), sizeof(drop.key));
		if (leaves(push, &drop.key, reused))
			r = settle_run(push->settle, &drop);
	}
	sync_free(&told);
	return r;
}

static int drop_metrics(const struct push *push, bool reused)
{
	struct sync told = {};
	int r = sync_open(&told, push->maps->metrics, sizeof(struct failed_key), sizeof(struct metrics));

	for (__u32 i = 0; !r && i < told.have.n; i++) {
		struct failed_key key;

		memcpy(&key, sync_have(&told, i), sizeof(key));
		if (leaves(push, &key, reused))
			bpf_map_delete_elem(push->maps->metrics, &key);
	}
	sync_free(&told);
	return r;
}

/* What was told of them, and what came of it. */
static int forget(const struct push *push, bool reused)
{
	int r;

	if (!any_leaves(push, reused))
		return 0;
	r = drop_failures(push, reused) ?: drop_metrics(push, reused);
	for (__u32 slot = 0; !r && slot < n_paths(push); slot++) {
		struct settle left = { .act = SETTLE_LEFT, .key.index = slot };

		if (reused ? path_reused(push, slot) : path_left(push, slot))
			r = settle_run(push->settle, &left);
	}
	return r;
}

/* ---- add ------------------------------------------------------------------------------------- */

/* What paths cross has changed: they are judged anew. */
static void new_generation(const struct push *push)
{
	__atomic_add_fetch(&push->maps->node->generation, 1, __ATOMIC_SEQ_CST);
}

int push_add(struct push *push)
{
	int r = forget(push, true);

	if (r)
		return err_r(r, "policy: can't forget what was told of paths that leave: %s", strerror(-r));
	r = resources_add(&push->resources);
	for (__u32 i = 0; !r && i < push->policy->n_paths; i++) {
		const struct path *path = &push->path[i];
		__u32 slot = push->path_slot[i];

		if (!memcmp(path, &push->have_path[slot], sizeof(*path)))
			continue;
		if (bpf_map_update_elem(push->maps->paths, &slot, path, BPF_ANY))
			return full(push, -errno, LIMIT_PATHS);
	}
	new_generation(push);
	if (r)
		return r;
	r = sync_write(&push->tunnels);
	if (r < 0)
		return full(push, r, LIMIT_PATHS);
	r = sync_write(&push->keys);
	return r < 0 ? full_fixed(r, "keys", MAX_KEYS) : 0;
}

/* ---- switch ---------------------------------------------------------------------------------- */

int push_switch(struct push *push)
{
	int r;

	for (__u32 i = 0; i < push->policy->n_groups; i++) {
		__u32 slot = push->group_slot[i];

		if (push->group_kept[slot])
			continue;
		if (bpf_map_update_elem(push->maps->ranks, &slot, &push->rank[i], BPF_ANY) ||
		    bpf_map_update_elem(push->maps->groups, &slot, &push->group[i], BPF_ANY))
			return full(push, -errno, LIMIT_GROUPS);
	}
	r = sync_write(&push->sources);
	if (r < 0)
		return full(push, r, LIMIT_SOURCES);
	r = sync_write(&push->ends);
	if (r < 0)
		return full_fixed(r, "endpoints", MAX_ENDPOINTS);
	r = sync_write(&push->lsps);
	if (r < 0)
		return full(push, r, LIMIT_LSPS);
	r = sync_write(&push->classes);
	/* What packets remember of classes is void now, also after a failure half way. */
	__atomic_add_fetch(&push->maps->node->classes, 1, __ATOMIC_RELEASE);
	return r < 0 ? full(push, r, LIMIT_CLASSES) : 0;
}

/* ---- remove ---------------------------------------------------------------------------------- */

/* Its place must be as new; that it is free comes last. */
static void clear_path(const struct push *push, __u32 slot)
{
	static const struct path none;
	static const struct health well;
	struct traffic zero[libbpf_num_possible_cpus()];

	memset(zero, 0, sizeof(zero));
	bpf_map_update_elem(push->maps->traffic, &slot, zero, BPF_ANY);
	if (path_reused(push, slot))
		return;
	bpf_map_update_elem(push->maps->health, &slot, &well, BPF_ANY);
	bpf_map_update_elem(push->maps->paths, &slot, &none, BPF_ANY);
}

/* Paths and resources, and what was told of them. */
static int remove_subjects(struct push *push)
{
	int r;

	if (!any_leaves(push, false))
		return 0;
	r = forget(push, false);
	if (r)
		return r;
	grace_wait(); /* timers of what was told may count still */
	for (__u32 slot = 0; slot < n_paths(push); slot++)
		if (path_left(push, slot))
			clear_path(push, slot);
	resources_clear(&push->resources);
	return 0;
}

static int remove_groups(struct push *push)
{
	static const struct rank no_rank;
	bool *used OWN_MEM = calloc(n_groups(push), sizeof(*used));

	if (!used)
		return -ENOMEM;
	for (__u32 i = 0; i < push->policy->n_groups; i++)
		used[push->group_slot[i]] = true;
	for (__u32 slot = 0; slot < n_groups(push); slot++) {
		if (used[slot])
			continue;
		if (memcmp(&push->have_rank[slot], &no_rank, sizeof(no_rank)))
			bpf_map_update_elem(push->maps->ranks, &slot, &no_rank, BPF_ANY);
		if (have_group(push, slot))
			bpf_map_delete_elem(push->maps->groups, &slot);
	}
	return 0;
}

static int remove_nexthops(struct push *push)
{
	static const struct nexthop none;
	bool *used OWN_MEM = calloc(n_paths(push), sizeof(*used));

	if (!used)
		return -ENOMEM;
	for (__u32 i = 0; i < push->n_uses; i++)
		used[push->use[i].index] = true;
	for (__u32 slot = 0; slot < n_paths(push); slot++) {
		__u32 index = push->have_path[slot].nexthop;

		if (have_path(push, slot) && !used[index])
			bpf_map_update_elem(push->maps->nexthops, &index, &none, BPF_ANY);
	}
	return 0;
}

int push_remove(struct push *push)
{
	int r;

	r = sync_remove(&push->classes);
	__atomic_add_fetch(&push->maps->node->classes, 1, __ATOMIC_RELEASE);
	if (r >= 0)
		r = sync_remove(&push->ends);
	if (r >= 0)
		r = sync_remove(&push->lsps);
	if (r >= 0)
		r = sync_remove(&push->sources);
	if (r >= 0)
		r = sync_remove(&push->keys);
	if (r >= 0)
		r = sync_remove(&push->tunnels);
	if (r >= 0)
		r = resources_remove_names(&push->resources);
	if (r >= 0) {
		grace_wait();
		r = remove_groups(push) ?: remove_nexthops(push) ?: remove_subjects(push);
		new_generation(push);
	}
	if (r < 0)
		return err_r(r, "policy: can't remove what is not in it any more: %s",
			     strerror(-r));
	return 0;
}
