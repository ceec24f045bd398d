// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A round an interval: read all metrics, forget those that have expired, then go through the groups.
 * Nothing is written while no weight has to change.
 */
#include <bpf/bpf.h>
#include <errno.h>

#include "balance.h"
#include "clock.h"
#include "fantel/path.h"
#include "log.h"
#include "own.h"
#include "sync.h"
#include "weights.h"

/* What was told of one path or resource. */
struct told_load {
	bool known;
	__u32 load;
};

struct balanced {
	__u32 slot;
	bool moving;
	struct group group; /* as fantel_groups has it */
};

struct balance {
	const struct maps *maps;
	const struct policy *policy;
	balance_fn *tell;
	void *arg;
	__u64 due_ns;
	__u32 next; /* group of this round; n_groups: the round is over */
	struct told_load *path, *resource; /* as many as there is room for */
	struct rank rank;
	struct balanced group[];
};

/* ---- metrics --------------------------------------------------------------------------------- */

static __u64 metrics_until(const struct metrics *m, __u32 validity_ms)
{
	return m->until_ns ?: m->time_ns + validity_ms * NSEC_PER_MSEC;
}

/* Unless it was renewed since it was read. */
static void forget(const struct balance *balance, const struct failed_key *key, __u64 time_ns)
{
	struct metrics m;

	if (!bpf_map_lookup_elem(balance->maps->metrics, key, &m) && m.time_ns == time_ns)
		bpf_map_delete_elem(balance->maps->metrics, key);
}

static void take(struct balance *balance, const struct failed_key *key, const struct metrics *m,
		 __u64 now_ns)
{
	__u32 most = balance->maps->room[key->is_resource ? LIMIT_RESOURCES : LIMIT_PATHS];
	struct told_load *told = key->is_resource ? balance->resource : balance->path;

	if (!m->time_ns || key->index >= most)
		return;
	if (now_ns >= metrics_until(m, balance->policy->metrics_validity_ms)) {
		forget(balance, key, m->time_ns);
		return;
	}
	told += key->index;
	told->load = MAX(told->known ? told->load : 0, weights_load(&m->measured));
	told->known = true;
}

static void read_metrics(struct balance *balance, __u64 now_ns)
{
	struct sync rows = {};
	int r;

	memset(balance->path, 0, balance->maps->room[LIMIT_PATHS] * sizeof(*balance->path));
	memset(balance->resource, 0,
	       balance->maps->room[LIMIT_RESOURCES] * sizeof(*balance->resource));
	r = sync_open(&rows, balance->maps->metrics, sizeof(struct failed_key),
		      sizeof(struct metrics));
	for (__u32 i = 0; !r && i < rows.have.n; i++) {
		struct failed_key key;
		struct metrics m;

		memcpy(&key, sync_have(&rows, i), sizeof(key));
		memcpy(&m, (const char *)sync_have(&rows, i) + sizeof(key), sizeof(m));
		take(balance, &key, &m, now_ns);
	}
	sync_free(&rows);
}

/* Of a path: what was told of it, and of all that it crosses. */
static struct told_load load_of(const struct balance *balance, __u32 id)
{
	struct told_load sum = balance->path[id];
	struct path path;

	if (bpf_map_lookup_elem(balance->maps->paths, &id, &path))
		return sum;
	for (__u32 i = 0; i < path.n_crossed && i < MAX_CROSSED; i++) {
		const struct told_load *told = &balance->resource[path.crossed[i]];

		if (told->known)
			sum = (struct told_load){ true, MAX(sum.known ? sum.load : 0, told->load) };
	}
	return sum;
}

/* ---- groups ---------------------------------------------------------------------------------- */

/* At the beginning and the end of a change. */
static void tell_weights(const struct balance *balance, const struct balanced *b,
			 const __u32 load[MAX_MEMBERS], __u64 now_ns)
{
	for (__u32 i = 0; i < b->group.n_members; i++) {
		const struct member *m = &b->group.member[i];
		struct event e = {
			.time_ns = now_ns,
			.type = EVENT_WEIGHT,
			.index = m->path,
			.group = b->slot,
			.weight = { .effective = m->effective, .policy = m->weight, .load = load[i],
				    .moving = b->moving },
		};

		memcpy(e.name, m->name, sizeof(e.name));
		memcpy(e.weight.group, b->group.name, sizeof(e.weight.group));
		balance->tell(balance->arg, &e);
	}
}

/* First the table, which packets follow, then what people see. */
static void write_group(struct balance *balance, struct balanced *b, const struct policy_group *from)
{
	rank_build(&balance->rank, &b->group, from->on_no_path);
	balance->rank.idle = rank_idle(&b->group, clock_hz());
	balance->rank.on_congestion = from->on_congestion;
	if (bpf_map_update_elem(balance->maps->ranks, &b->slot, &balance->rank, BPF_ANY) ||
	    bpf_map_update_elem(balance->maps->groups, &b->slot, &b->group, BPF_ANY))
		log_error("group %s: can't write its weights: %s", b->group.name, strerror(errno));
}

/* Returns whether its table was made anew. */
static bool balance_group(struct balance *balance, __u32 i, __u64 now_ns)
{
	const struct weights_rules rules = { WEIGHTS_GAIN, WEIGHTS_PART, balance->policy->weight_step,
					     WEIGHTS_START, WEIGHTS_REST };
	const struct policy_group *from = &balance->policy->group[i];
	struct balanced *b = &balance->group[i];
	__u32 load[MAX_MEMBERS];
	bool known = false, moving = b->moving, changed;

	for (__u32 m = 0; m < b->group.n_members; m++) {
		struct told_load told = {};

		if (from->follow)
			told = load_of(balance, b->group.member[m].path);
		load[m] = told.known ? told.load : LOAD_UNKNOWN;
		known |= told.known;
	}
	changed = weights_step(&b->group, load, known, &rules, &b->moving);
	if (changed)
		write_group(balance, b, from);
	if (moving != b->moving)
		tell_weights(balance, b, load, now_ns);
	return changed;
}

__u64 balance_due(const struct balance *balance)
{
	return balance->next < balance->policy->n_groups ? 0 : balance->due_ns;
}

void balance_tick(struct balance *balance, __u64 now_ns)
{
	__u64 interval = balance->policy->balance_interval_ms * NSEC_PER_MSEC;

	if (balance->next == balance->policy->n_groups) {
		if (now_ns < balance->due_ns)
			return;
		balance->due_ns += ((now_ns - balance->due_ns) / interval + 1) * interval;
		balance->next = 0;
		read_metrics(balance, now_ns);
	}
	while (balance->next < balance->policy->n_groups)
		if (balance_group(balance, balance->next++, now_ns))
			return;
}

/* ---- start ----------------------------------------------------------------------------------- */

/* Nodes differ in when their rounds begin, by their names. */
static __u64 first_round(const struct policy *policy, __u64 now_ns)
{
	__u64 interval = policy->balance_interval_ms * NSEC_PER_MSEC, h = 0xcbf29ce484222325ULL;

	for (const char *c = policy->config.node; *c; c++)
		h = (h ^ (__u8)*c) * 0x100000001b3ULL;
	return now_ns - now_ns % interval + interval + hash_mix(h) % interval;
}

static int find_groups(struct balance *balance)
{
	for (__u32 slot = 0; slot < balance->maps->room[LIMIT_GROUPS]; slot++) {
		struct group group;

		if (bpf_map_lookup_elem(balance->maps->groups, &slot, &group))
			continue;
		for (__u32 i = 0; i < balance->policy->n_groups; i++)
			if (!strcmp(group.name, balance->policy->group[i].name))
				balance->group[i] = (struct balanced){ .slot = slot, .group = group };
	}
	for (__u32 i = 0; i < balance->policy->n_groups; i++)
		if (!balance->group[i].group.n_members)
			return err_r(-ENOENT, "group %s: is not in fantel_groups",
				     balance->policy->group[i].name);
	return 0;
}

int balance_open(struct balance **out, const struct maps *maps, const struct policy *policy,
		 balance_fn *tell, void *arg)
{
	struct balance *balance =
		calloc(1, sizeof(*balance) + policy->n_groups * sizeof(balance->group[0]));
	int r;

	if (!balance)
		return -ENOMEM;
	balance->maps = maps;
	balance->policy = policy;
	balance->tell = tell;
	balance->arg = arg;
	balance->next = policy->n_groups;
	balance->due_ns = first_round(policy, clock_now_ns());
	balance->path = calloc(maps->room[LIMIT_PATHS], sizeof(*balance->path));
	balance->resource = calloc(maps->room[LIMIT_RESOURCES], sizeof(*balance->resource));
	r = balance->path && balance->resource ? find_groups(balance) : -ENOMEM;
	if (r) {
		balance_free(balance);
		return r;
	}
	*out = balance;
	return 0;
}

void balance_free(struct balance *balance)
{
	if (!balance)
		return;
	free(balance->path);
	free(balance->resource);
	free(balance);
}
