// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Notifications come meanwhile, and each changes an entry and a count: what stays the same is by how many the
 * count is wrong. Counts are read before and after the entries are; where the two differ, or the difference to
 * the entries is not that of the round before, there is another round.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "own.h"
#include "recount.h"
#include "settle.h"
#include "sync.h"

#define ROUNDS 1000

/* Events of a subject, by is_congestion. */
struct tally {
	__s32 events[2];
};

struct recount {
	const struct maps *maps;
	int transit, program;
	__u32 n_paths, n_resources;
};

/* Paths, then resources, then transit. */
static __u32 n_subjects(const struct recount *r)
{
	return r->n_paths + r->n_resources + MAX_TRANSIT;
}

static __u32 subject_of(const struct recount *r, const struct failed_key *key)
{
	if (key->is_transit)
		return r->n_paths + r->n_resources + MIN(key->index, MAX_TRANSIT - 1U);
	return key->is_resource ? r->n_paths + MIN(key->index, r->n_resources - 1) :
				  MIN(key->index, r->n_paths - 1);
}

static struct failed_key key_of(const struct recount *r, __u32 subject)
{
	struct failed_key key = {};

	if (subject < r->n_paths) {
		key.index = subject;
	} else if (subject < r->n_paths + r->n_resources) {
		key.is_resource = 1;
		key.index = subject - r->n_paths;
	} else {
		key.is_transit = 1;
		key.index = subject - r->n_paths - r->n_resources;
	}
	return key;
}

struct tallying {
	const struct recount *recount;
	struct tally *sum;
};

static int add_entry(void *arg, const void *key_bytes, const void *value)
{
	const struct tallying *t = arg;
	struct failed_key key;

	memcpy(&key, key_bytes, sizeof(key));
	t->sum[subject_of(t->recount, &key)].events[key.is_congestion]++;
	t->sum[n_subjects(t->recount)].events[1] += key.is_congestion;
	return 0;
}

/* Of all subjects, and behind them of the node. */
static int tally(const struct recount *r, struct tally *sum)
{
	struct tallying t = { r, sum };

	return sync_each(r->maps->failed, sizeof(struct failed_key), sizeof(struct failed), add_entry, &t);
}

/* What is counted. A rate that rises has its part in it; false: there is no such subject. */
static bool counted(const struct recount *r, __u32 subject, struct tally *found)
{
	struct failed_key key = key_of(r, subject);
	__u32 index = key.index, at = key.is_transit ? index : PACE_OF(index);
	struct resource resource;
	struct transit transit;
	struct health health;
	struct pace pace;

	if (key.is_resource) {
		if (bpf_map_lookup_elem(r->maps->resource, &index, &resource))
			return false;
		*found = (struct tally){ { resource.failures, resource.congestions } };
		return true;
	}
	if (key.is_transit) {
		if (bpf_map_lookup_elem(r->transit, &index, &transit) || !transit.hash)
			return false;
		*found = (struct tally){ { 0, transit.congestions } };
	} else {
		if (bpf_map_lookup_elem(r->maps->health, &index, &health))
			return false;
		*found = (struct tally){ { health.failures, health.congestions } };
	}
	if (!bpf_map_lookup_elem(r->maps->pace, &at, &pace) && pace.state == PACE_RISING)
		found->events[1] -= PACE_RISE;
	return true;
}

/* So many more than there are entries. */
static struct tally minus(struct tally a, const struct tally *b)
{
	return (struct tally){ { a.events[0] - b->events[0], a.events[1] - b->events[1] } };
}

static bool equal(const struct tally *a, const struct tally *b)
{
	return a->events[0] == b->events[0] && a->events[1] == b->events[1];
}

static int correct(const struct recount *r, __u32 subject, const struct tally *excess)
{
	struct settle s = { .key = key_of(r, subject), .act = SETTLE_COUNTED };
	int err = 0;

	for (int congestion = 0; !err && congestion < 2; congestion++) {
		s.key.is_congestion = congestion;
		s.change = -excess->events[congestion];
		if (s.change)
			err = settle_run(r->program, &s);
	}
	return err;
}

/* ---- rounds ---------------------------------------------------------------------------------- */

/* A subject, or behind them the node, whose congestions are one count. */
struct state {
	bool is_settled, is_known; /* known: */
	struct tally excess; /* in the round before */
};

static bool look(const struct recount *r, __u32 subject, struct tally *found)
{
	if (subject < n_subjects(r))
		return counted(r, subject, found);
	*found = (struct tally){ { 0, __atomic_load_n(&r->maps->node->congested, __ATOMIC_SEQ_CST) } };
	return true;
}

static int settle_one(const struct recount *r, __u32 subject, const struct tally *excess)
{
	if (subject < n_subjects(r))
		return correct(r, subject, excess);
	__atomic_sub_fetch(&r->maps->node->congested, excess->events[1], __ATOMIC_SEQ_CST);
	return 0;
}

/* What has counted the same before and after its entries were, and as much too many as in the round before, is
 * set right. Returns how many subjects are left for another round, or a negative errno. */
static int round_of(const struct recount *r, struct state *state)
{
	__u32 n = n_subjects(r) + 1, left = 0;
	struct tally *before OWN_MEM = calloc(n, sizeof(*before));
	struct tally *entries OWN_MEM = calloc(n, sizeof(*entries));
	int err;

	if (!before || !entries)
		return -ENOMEM;
	for (__u32 i = 0; i < n; i++)
		if (!state[i].is_settled)
			state[i].is_settled = !look(r, i, &before[i]);
	err = tally(r, entries);
	for (__u32 i = 0; !err && i < n; i++) {
		struct tally after, excess = minus(before[i], &entries[i]);

		if (state[i].is_settled)
			continue;
		if (!look(r, i, &after)) {
			state[i].is_settled = true;
			continue;
		}
		if (!equal(&before[i], &after)) {
			state[i].is_known = false;
		} else if (state[i].is_known && equal(&state[i].excess, &excess)) {
			state[i].is_settled = true;
			err = settle_one(r, i, &excess);
		} else {
			state[i].is_known = true;
			state[i].excess = excess;
		}
		left += !state[i].is_settled;
	}
	return err ?: (int)left;
}

int recount(const struct maps *maps, int transit, int program)
{
	struct recount r = { maps, transit, program, maps->room[LIMIT_PATHS], maps->room[LIMIT_RESOURCES] };
	struct state *state OWN_MEM = calloc(n_subjects(&r) + 1, sizeof(*state));
	int left = state ? 1 : -ENOMEM;

	for (int rounds = 0; left > 0 && rounds < ROUNDS; rounds++)
		left = round_of(&r, state);
	if (left < 0)
		return err_r(left, "fantel_failed: can't count its entries: %s", strerror(-left));
	if (left)
		log_warn("fantel_failed: %d paths, links or nodes fail and recover too fast to be counted anew; `fantel "
			 "paths` shows a path that is not usable without a failure", left);
	return 0;
}
