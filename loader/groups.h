/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which groups of paths have a feasible path, and which of these only congested ones, so that
 * controllers can be told (draft-hzh-fantel-wan-tunnel-02 §4.1, §4.2). Judged from the maps, as steer
 * judges, and so also where no packet asks. Only reads. Called by recover.
 */
#ifndef GROUPS_H
#define GROUPS_H

#include "maps.h"
#include "policy.h"

/* How a group fares in one respect. */
struct group_state {
	bool settled; /* it was well once, or had time enough to get so */
	bool stuck;
	bool lasts;   /* it is stuck, or has not been otherwise for the hold-down time */
	__u64 since_ns;	   /* when `stuck` last changed */
	__u64 detected_ns; /* when it last got stuck, ns since 1970 */
};

/*
 * The step of one group, pure. A node that comes up has no path until its neighbours have answered:
 * what has had no path yet gets stuck only when the hold-down time has passed since `start_ns`.
 */
struct group_step {
	__u64 now_ns, wall_ns, start_ns, hold_down_ns;
};
void group_step(struct group_state *state, bool well, const struct group_step *step);

struct groups;

/* maps and policy must live as long; push has written the groups. Returns 0 or -ENOMEM. */
int groups_open(struct groups **groups, const struct maps *maps, const struct policy *policy,
		__u64 now_ns);
void groups_free(struct groups *groups);

/* Judge all of them. */
void groups_look(struct groups *groups, __u64 now_ns);

/* NULL: there is no such group. The name, and the tunnel that the group would take first, which is
 * what a notification about the group names. */
struct group_view {
	struct group_state failed;    /* stuck: it has no feasible path */
	struct group_state congested; /* stuck: it has, and all of them are congested */
	char name[NAME_LEN];
	struct tunnel_key tunnel;
};
const struct group_view *groups_find(const struct groups *groups, __u32 group);

#endif
