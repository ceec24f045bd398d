/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The links and nodes of a policy -> fantel_resource, and their names -> fantel_location. A part of
 * push, in its steps: what did not change keeps its place, and with it its failures; what goes by
 * other names than before is another one.
 */
#ifndef RESOURCES_H
#define RESOURCES_H

#include "maps.h"
#include "policy.h"
#include "sync.h"

struct resources {
	const struct maps *maps;
	const struct policy *policy;
	struct resource *have; /* by slot */
	__u32 *n_names;	       /* that lead to what is there, by slot */
	__u32 *slot;	       /* by policy index */
	bool *kept, *used;     /* by slot: by what was there, by anything */
	int settle;	       /* fantel_settle */
	struct sync location;
};

/* Read the maps and give each resource of the policy its slot. Returns 0 or a negative errno, all
 * but -ENOMEM reported. Release with resources_free in any case. */
int resources_plan(struct resources *resources, const struct maps *maps, int settle,
		   const struct policy *policy);
void resources_free(struct resources *resources);

/* New ones and their names. Returns 0 or a negative errno, reported. */
int resources_add(struct resources *resources);

/* Names that are gone, and once no packet can meet them, what is behind them: two steps. The first
 * returns 0 or more, or a negative errno. */
int resources_remove_names(struct resources *resources);
void resources_clear(struct resources *resources);

/* Is what was in this slot gone from the policy, and has another one its place at once? Then what was told of it
 * has to be gone before resources_add. */
bool resources_left(const struct resources *resources, __u32 slot);
bool resources_reused(const struct resources *resources, __u32 slot);

#endif
