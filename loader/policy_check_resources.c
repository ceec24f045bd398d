// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Links and nodes that nobody could tell apart, or that no path crosses. Part of policy_check. One
 * that was not right so far has no names, and is left alone.
 */
#include <stdlib.h>

#include "own.h"
#include "policy_check.h"
#include "text.h"

/* One name of a resource. */
struct named {
	struct resource_key key;
	__u32 resource;
};

static int by_key(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = memcmp(&x->key, &y->key, sizeof(x->key));

	if (order)
		return order;
	return x->resource < y->resource ? -1 : x->resource > y->resource;
}

void policy_check_resources(struct checker *c)
{
	const struct policy *p = c->policy;
	OWN_MEM struct named *all = calloc(RESOURCE_KEYS * p->n_resources + 1, sizeof(*all));
	char text[RESOURCE_TEXT];
	__u32 n = 0;

	for (__u32 i = 0; all && i < p->n_resources; i++)
		for (__u32 k = 0; k < p->resource[i].n_keys; k++)
			all[n++] = (struct named){ p->resource[i].key[k], i };
	if (n)
		qsort(all, n, sizeof(*all), by_key);
	for (__u32 i = 1; i < n; i++)
		if (!memcmp(&all[i].key, &all[i - 1].key, sizeof(all[i].key)))
			findings_error(c->findings, c->origin->resource[all[i].resource],
				       "%s is resource %s already; let paths cross that one",
				       resource_text(text, &all[i].key),
				       p->resource[all[i - 1].resource].name);
}

void policy_warn_of_resources(struct checker *c)
{
	const struct policy *p = c->policy;
	OWN_MEM bool *crossed = calloc(p->n_resources + 1, sizeof(*crossed));

	for (__u32 i = 0; crossed && i < p->n_paths; i++)
		for (__u32 k = 0; k < p->path[i].n_crossed; k++)
			crossed[p->path[i].crossed[k]] = true;
	for (__u32 i = 0; crossed && i < p->n_resources; i++)
		if (!crossed[i])
			findings_warn(c->findings, c->origin->resource[i],
				      "no path crosses it: its failure stops nothing");
}
