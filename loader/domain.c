// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "domain.h"

/* ::/0 is IPv4 too. */
static bool covers(const struct policy_prefix *wide, const struct policy_prefix *narrow)
{
	return wide->plen <= narrow->plen && addr_in_prefix(&narrow->addr, &wide->addr, wide->plen);
}

static bool of_domain(const struct policy *policy, const struct policy_prefix *prefix)
{
	for (__u32 i = 0; i < policy->n_sources; i++)
		if (covers(&policy->source[i], prefix))
			return true;
	return false;
}

/* The longest demand that covers it counts. */
static enum authentication asked_of(const struct policy *policy, const struct policy_prefix *prefix)
{
	const struct policy_demand *longest = NULL;

	for (__u32 i = 0; i < policy->n_demands; i++) {
		const struct policy_demand *d = &policy->demand[i];

		if (covers(&d->prefix, prefix) && (!longest || d->prefix.plen > longest->prefix.plen))
			longest = d;
	}
	return longest ? longest->authentication : policy->authentication;
}

static bool is_source(const struct policy *policy, const struct policy_prefix *prefix)
{
	for (__u32 i = 0; i < policy->n_sources; i++)
		if (policy->source[i].plen == prefix->plen &&
		    addr_equal(&policy->source[i].addr, &prefix->addr))
			return true;
	return false;
}

__u32 domain_rows(const struct policy *policy)
{
	return policy->n_sources + policy->n_demands;
}

/* The sources, and the demands for parts of them. */
const struct policy_prefix *domain_row(const struct policy *policy, __u32 i, struct source *source)
{
	const struct policy_prefix *prefix;

	if (i < policy->n_sources) {
		prefix = &policy->source[i];
	} else {
		prefix = &policy->demand[i - policy->n_sources].prefix;
		if (is_source(policy, prefix) || !of_domain(policy, prefix))
			return NULL;
	}
	source->authentication = asked_of(policy, prefix);
	return prefix;
}

bool domain_has(const struct policy *policy, const struct policy_prefix *demand)
{
	for (__u32 i = 0; i < policy->n_sources; i++)
		if (covers(demand, &policy->source[i]))
			return true;
	return of_domain(policy, demand);
}

bool domain_authenticates(const struct policy *policy)
{
	struct source source = {};

	for (__u32 i = 0; i < domain_rows(policy) && !source.authentication; i++)
		domain_row(policy, i, &source);
	return source.authentication;
}
