// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The writer of fantel_location and of fantel_resource but for what notify counts there: a slot is
 * written only while no name leads to it.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "assign.h"
#include "log.h"
#include "resources.h"
#include "settle.h"

static __u32 n_slots(const struct resources *r)
{
	return r->maps->room[LIMIT_RESOURCES];
}

static const char *have_name(void *arg, __u32 slot)
{
	const struct resources *r = arg;

	return r->have[slot].name[0] ? r->have[slot].name : NULL;
}

static const char *want_name(void *arg, __u32 i)
{
	return ((const struct resources *)arg)->policy->resource[i].name;
}

/* It goes by the same names. */
static bool same(void *arg, __u32 slot, __u32 i)
{
	const struct resources *r = arg;
	const struct policy_resource *want = &r->policy->resource[i];
	__u32 there;

	for (__u32 k = 0; k < want->n_keys; k++)
		if (bpf_map_lookup_elem(r->maps->location, &want->key[k], &there) || there != slot)
			return false;
	return r->n_names[slot] == want->n_keys;
}

static int read_maps(struct resources *r)
{
	int err = sync_open(&r->location, r->maps->location, sizeof(struct resource_key),
			    sizeof(__u32));

	for (__u32 i = 0; !err && i < r->location.have.n; i++) {
		const char *key = sync_have(&r->location, i);
		__u32 slot = load32(key + sizeof(struct resource_key));

		if (slot < n_slots(r))
			r->n_names[slot]++;
	}
	for (__u32 slot = 0; !err && slot < n_slots(r); slot++)
		if (bpf_map_lookup_elem(r->maps->resource, &slot, &r->have[slot]))
			err = err_r(-errno, "fantel_resource: can't read it: %s", strerror(errno));
	return err;
}

static int plan_names(struct resources *r)
{
	int err = 0;

	for (__u32 i = 0; !err && i < r->policy->n_resources; i++) {
		const struct policy_resource *want = &r->policy->resource[i];

		for (__u32 k = 0; !err && k < want->n_keys; k++)
			err = sync_want(&r->location, &want->key[k], &r->slot[i]);
	}
	return err;
}

int resources_plan(struct resources *r, const struct maps *maps, int settle, const struct policy *policy)
{
	const struct assign assign = { maps->room[LIMIT_RESOURCES], policy->n_resources,
				       have_name,     want_name,
				       same,	      r };

	int err;

	*r = (struct resources){ .maps = maps, .policy = policy, .settle = settle };
	r->have = calloc(n_slots(r), sizeof(*r->have));
	r->n_names = calloc(n_slots(r), sizeof(*r->n_names));
	r->slot = calloc(policy->n_resources + 1, sizeof(*r->slot));
	r->kept = calloc(n_slots(r), sizeof(*r->kept));
	r->used = calloc(n_slots(r), sizeof(*r->used));
	if (!r->have || !r->n_names || !r->slot || !r->kept || !r->used)
		return -ENOMEM;
	err = read_maps(r) ?: assign_slots(&assign, r->slot, r->kept) ?: plan_names(r);
	for (__u32 i = 0; !err && i < policy->n_resources; i++)
		r->used[r->slot[i]] = true;
	return err;
}

void resources_free(struct resources *r)
{
	free(r->have);
	free(r->n_names);
	free(r->slot);
	free(r->kept);
	free(r->used);
	sync_free(&r->location);
}

/* In the place of another one names still lead to its counts, which notify may change right now. */
static int add(const struct resources *r, __u32 slot, const char *name)
{
	struct settle named = { .act = SETTLE_NAMED, .key.index = slot };
	struct resource new = {};

	if (resources_left(r, slot)) {
		strcpy(named.name, name);
		return settle_run(r->settle, &named);
	}
	strcpy(new.name, name);
	return bpf_map_update_elem(r->maps->resource, &slot, &new, BPF_ANY) ? -errno : 0;
}

int resources_add(struct resources *r)
{
	int err = 0;

	for (__u32 i = 0; !err && i < r->policy->n_resources; i++)
		if (!r->kept[r->slot[i]])
			err = add(r, r->slot[i], r->policy->resource[i].name);
	if (err)
		return err_r(err, "fantel_resource: can't write it: %s", strerror(-err));
	err = sync_write(&r->location);
	return err < 0 ? err_r(err, "fantel_location: can't write it: %s", strerror(-err)) : 0;
}

int resources_remove_names(struct resources *r)
{
	return sync_remove(&r->location);
}

bool resources_left(const struct resources *r, __u32 slot)
{
	return slot < n_slots(r) && r->have[slot].name[0] && !r->kept[slot];
}

bool resources_reused(const struct resources *r, __u32 slot)
{
	return resources_left(r, slot) && r->used[slot];
}

void resources_clear(struct resources *r)
{
	static const struct resource none;

	for (__u32 slot = 0; slot < n_slots(r); slot++)
		if (resources_left(r, slot) && !r->used[slot])
			bpf_map_update_elem(r->maps->resource, &slot, &none, BPF_ANY);
}
