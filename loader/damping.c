// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* See damping.h. Called by links, policy_check and status. */
#include <math.h>

#include "damping.h"

#define FIGURE_MAX 1e9

/* How long the figure takes from `from` down to `to`. */
static double decay_ms(double from, double to, __u32 half_life_ms)
{
	return from > to ? half_life_ms * log2(from / to) : 0;
}

/* What decays to the reuse threshold in just the longest time that a link may be suppressed. */
static double ceiling(const struct damping_rules *rules)
{
	return MIN(FIGURE_MAX,
		   rules->reuse * exp2((double)rules->max_suppress_ms / rules->half_life_ms));
}

static void set_reuse(struct damping *d, const struct damping_rules *rules)
{
	d->reuse_ns = d->at_ns + decay_ms(d->figure, rules->reuse, rules->half_life_ms) * NSEC_PER_MSEC;
}

__u32 damping_figure(const struct damping *d, __u64 now_ns)
{
	double age_ms = now_ns > d->at_ns ? (now_ns - d->at_ns) / (double)NSEC_PER_MSEC : 0;

	return d->half_life_ms ? d->figure * exp2(-age_ms / d->half_life_ms) : 0;
}

bool damping_is_on(const struct damping *d)
{
	return d->reuse_ns;
}

bool damping_fail(struct damping *d, const struct damping_rules *rules, __u64 now_ns)
{
	bool was_on = damping_is_on(d);

	d->flaps++;
	if (!rules->half_life_ms)
		return false;
	d->figure = MIN(ceiling(rules), damping_figure(d, now_ns) + DAMPING_FAILURE);
	d->half_life_ms = rules->half_life_ms;
	d->at_ns = now_ns;
	if (!was_on && d->figure < rules->suppress)
		return false;
	set_reuse(d, rules);
	d->suppressions += !was_on;
	return !was_on;
}

bool damping_release(struct damping *d, __u64 now_ns)
{
	if (!damping_is_on(d) || now_ns < d->reuse_ns)
		return false;
	d->reuse_ns = 0;
	return true;
}

void damping_take_over(struct damping *d, const struct damping_rules *rules, __u64 now_ns)
{
	d->figure = rules->half_life_ms ? MIN(ceiling(rules), damping_figure(d, now_ns)) : 0;
	d->half_life_ms = rules->half_life_ms;
	d->at_ns = now_ns;
	if (damping_is_on(d) && rules->half_life_ms)
		set_reuse(d, rules);
	else
		d->reuse_ns = 0;
}

__u32 damping_least_ms(const struct damping_rules *rules)
{
	return ceil(decay_ms(rules->suppress, rules->reuse, rules->half_life_ms));
}
