// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Notifications come meanwhile: entries are tallied before and after the counts are read, and a subject
 * whose tally changed is right as it is, for whoever changed it has counted.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "own.h"
#include "recount.h"
#include "settle.h"

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

/* NULL: no memory, or the map can't be read. */
static struct tally *tally(const struct recount *r)
{
	struct tally *sum = calloc(n_subjects(r), sizeof(*sum));
	struct failed_key key, *last = NULL;

	while (sum && !bpf_map_get_next_key(r->maps->failed, last, &key)) {
		sum[subject_of(r, &key)].events[key.is_congestion]++;
		last = &key;
	}
	return sum;
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

static int correct(const struct recount *r, __u32 subject, const struct tally *right,
		   const struct tally *found)
{
	struct settle s = { .key = key_of(r, subject), .act = SETTLE_COUNTED };
	int err = 0;

	for (int congestion = 0; !err && congestion < 2; congestion++) {
		s.key.is_congestion = congestion;
		s.change = right->events[congestion] - found->events[congestion];
		if (s.change)
			err = settle_run(r->program, &s);
	}
	return err;
}

int recount(const struct maps *maps, int transit, int program)
{
	struct recount r = { maps, transit, program, maps->room[LIMIT_PATHS], maps->room[LIMIT_RESOURCES] };
	struct tally *found OWN_MEM = calloc(n_subjects(&r), sizeof(*found));
	bool *known OWN_MEM = calloc(n_subjects(&r), sizeof(*known));
	struct tally *before OWN_MEM = tally(&r), *after OWN_MEM = NULL;
	__s32 congested = 0;
	int err = 0;

	if (found && known && before) {
		congested = __atomic_load_n(&maps->node->congested, __ATOMIC_SEQ_CST);
		for (__u32 i = 0; i < n_subjects(&r); i++)
			known[i] = counted(&r, i, &found[i]);
		after = tally(&r);
	}
	if (!after)
		return err_r(-ENOMEM, "fantel_failed: no memory to count its entries");
	for (__u32 i = 0; !err && i < n_subjects(&r); i++) {
		congested -= before[i].events[1];
		if (known[i] && !memcmp(&before[i], &after[i], sizeof(before[i])))
			err = correct(&r, i, &before[i], &found[i]);
	}
	if (err)
		return err_r(err, "fantel_failed: can't count its entries: %s", strerror(-err));
	__atomic_sub_fetch(&maps->node->congested, congested, __ATOMIC_SEQ_CST);
	return 0;
}
