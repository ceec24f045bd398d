// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A group fares as the best of its members with a weight does: one is usable when the failed-tunnel
 * set has no entry for it nor for what it crosses, and its next hop is up. This is what steer finds for
 * every flow of the group.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "encap.h"
#include "groups.h"
#include "own.h"

struct groups {
	const struct maps *maps;
	const struct policy *policy;
	__u64 start_ns;
	struct group_view view[]; /* as many as there is room for; without a name: no such group */
};

void group_step(struct group_state *state, bool well, const struct group_step *step)
{
	if (well || step->now_ns - step->start_ns >= step->hold_down_ns)
		state->settled = true;
	if (state->settled && state->stuck != !well) {
		state->stuck = !well;
		state->since_ns = step->now_ns;
		if (state->stuck && (!state->lasts || !state->detected_ns))
			state->detected_ns = step->wall_ns;
	}
	/* Before the first change `since_ns` is 0: what an earlier loader told is not over at once. */
	state->lasts = state->stuck ||
		       step->now_ns - MAX(state->since_ns, step->start_ns) < step->hold_down_ns;
}

/* What a path crosses makes of it. */
static enum standing crossed_standing(const struct maps *maps, const struct path *path)
{
	enum standing worst = STANDING_GOOD;

	for (__u32 i = 0; i < path->n_crossed && i < MAX_CROSSED; i++) {
		struct resource resource;

		if (bpf_map_lookup_elem(maps->resource, &path->crossed[i], &resource))
			continue;
		if (resource.failures > 0)
			return STANDING_FAILED;
		if (resource.congestions > 0)
			worst = STANDING_CONGESTED;
	}
	return worst;
}

static enum standing path_standing(const struct maps *maps, __u32 path)
{
	enum standing crossed;
	struct nexthop nexthop;
	struct health health;
	struct path p;

	if (bpf_map_lookup_elem(maps->paths, &path, &p) || p.tunnel == TUNNEL_NONE ||
	    bpf_map_lookup_elem(maps->health, &path, &health) || health.failures > 0 ||
	    bpf_map_lookup_elem(maps->nexthops, &p.nexthop, &nexthop) || nexthop.down)
		return STANDING_FAILED;
	crossed = crossed_standing(maps, &p);
	return health.congestions > 0 ? MAX(crossed, STANDING_CONGESTED) : crossed;
}

static enum standing group_standing(const struct maps *maps, const struct group *group)
{
	enum standing best = STANDING_FAILED;

	for (__u32 i = 0; i < group->n_members && i < MAX_MEMBERS; i++)
		if (group->member[i].weight)
			best = MIN(best, path_standing(maps, group->member[i].path));
	return best;
}

static void look(struct groups *groups, __u32 slot, const struct group_step *step)
{
	struct group_view *view = &groups->view[slot];
	enum standing standing;
	struct group group;

	if (!view->name[0] || bpf_map_lookup_elem(groups->maps->groups, &slot, &group))
		return;
	standing = group_standing(groups->maps, &group);
	group_step(&view->failed, standing != STANDING_FAILED, step);
	group_step(&view->congested, standing != STANDING_CONGESTED, step);
}

void groups_look(struct groups *groups, __u64 now_ns)
{
	struct group_step step = {
		.now_ns = now_ns,
		.wall_ns = clock_wall_ns(now_ns),
		.start_ns = groups->start_ns,
		.hold_down_ns = groups->policy->hold_down_ms * NSEC_PER_MSEC,
	};

	for (__u32 slot = 0; slot < groups->maps->room[LIMIT_GROUPS]; slot++)
		look(groups, slot, &step);
}

const struct group_view *groups_find(const struct groups *groups, __u32 group)
{
	return group < groups->maps->room[LIMIT_GROUPS] && groups->view[group].name[0] ? &groups->view[group] : NULL;
}

/* The tunnel of the first member of the lowest tier. */
static void name_tunnel(struct tunnel_key *tunnel, const struct policy *policy,
			const struct policy_group *group)
{
	__u32 first = ~0U;

	for (__u32 i = 0; i < group->n_members; i++)
		if (group->member[i].weight &&
		    (first == ~0U || group->member[i].tier < group->member[first].tier))
			first = i;
	if (first != ~0U)
		encap_keys(tunnel, 1, &policy->path[group->member[first].path]);
}

int groups_open(struct groups **out, const struct maps *maps, const struct policy *policy,
		__u64 now_ns)
{
	struct groups *groups =
		calloc(1, sizeof(*groups) + maps->room[LIMIT_GROUPS] * sizeof(groups->view[0]));

	if (!groups)
		return -ENOMEM;
	groups->maps = maps;
	groups->policy = policy;
	groups->start_ns = now_ns;
	for (__u32 slot = 0; slot < maps->room[LIMIT_GROUPS]; slot++) {
		struct group group;

		if (bpf_map_lookup_elem(maps->groups, &slot, &group))
			continue;
		memcpy(groups->view[slot].name, group.name, sizeof(group.name));
		for (__u32 i = 0; i < policy->n_groups; i++)
			if (!strcmp(policy->group[i].name, group.name))
				name_tunnel(&groups->view[slot].tunnel, policy, &policy->group[i]);
	}
	*out = groups;
	return 0;
}

void groups_free(struct groups *groups)
{
	free(groups);
}
