// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <stdlib.h>

#include "fantel/metric.h"
#include "weights.h"

/* ---- load ------------------------------------------------------------------------------------ */

#define LOSS_FULL 333333  /* 1 %: for RDMA no path at all */
#define MEMORY_FREE 90	  /* percent that a router may use without being busier for it */

/* part of whole as a load; whole 0 is full. */
static __u32 fraction(__u64 part, __u64 whole)
{
	if (part >= whole)
		return LOAD_FULL;
	while (whole >= 1ULL << 32) {
		part >>= 1;
		whole >>= 1;
	}
	return part * LOAD_FULL / whole;
}

static __u32 bandwidth_load(const struct measured *m)
{
	__u32 load = 0;

	if (!measured_has(m, TLVI_CAPACITY)) {
		if (!measured_has(m, TLVI_UTILIZED) || !measured_has(m, TLVI_AVAILABLE))
			return 0;
		return fraction(m->utilized / 2, m->utilized / 2 + m->available / 2);
	}
	if (measured_has(m, TLVI_UTILIZED))
		load = fraction(m->utilized, m->capacity);
	if (measured_has(m, TLVI_AVAILABLE))
		load = MAX(load, LOAD_FULL - fraction(m->available, m->capacity));
	if (measured_has(m, TLVI_RESIDUAL))
		load = MAX(load, LOAD_FULL - fraction(m->residual, m->capacity));
	return load;
}

/* Queueing only: a longer way is not a busier one. */
static __u32 delay_load(const struct measured *m)
{
	if (!measured_has(m, TLVI_DELAY) || !measured_has(m, TLVI_DELAY_RANGE) ||
	    m->delay_us <= m->delay_min_us || m->delay_max_us <= m->delay_min_us)
		return 0;
	return fraction(m->delay_us - m->delay_min_us, m->delay_max_us - m->delay_min_us);
}

static __u32 node_load(const struct measured *m)
{
	__u32 memory = 0;

	if (m->memory_percent > MEMORY_FREE)
		memory = fraction(m->memory_percent - MEMORY_FREE, 100 - MEMORY_FREE);
	return MAX(memory, fraction(m->cpu_percent, 100));
}

__u32 weights_load(const struct measured *m)
{
	__u32 load = MAX(bandwidth_load(m), delay_load(m));

	if (m->anomalous)
		return LOAD_FULL;
	if (measured_has(m, TLVI_LOSS))
		load = MAX(load, fraction(m->loss, LOSS_FULL));
	if (measured_has(m, TLVI_QUEUE) && m->queue_limit)
		load = MAX(load, fraction(m->queue_depth, m->queue_limit));
	if (measured_has(m, TLVI_NODE_LOAD))
		load = MAX(load, node_load(m));
	return load;
}

/* ---- weights --------------------------------------------------------------------------------- */

/* weight * 2^(thousandths/1000), for thousandths from -4000 on; the fraction's power by a parabola,
 * which is never off by more than 0.4 %. */
static __u64 times_power(__u64 weight, __s32 thousandths)
{
	__u32 up = thousandths + 16000, fraction = up % 1000;
	__u64 power = 1000000 + fraction * (656 + 344 * fraction / 1000);

	return (weight * power / 1000000 << up / 1000) >> 16;
}

/* The mean load of a tier, by what its members carry. */
static __u32 mean_load(const struct group *g, const __u32 *load, __u16 tier)
{
	__u64 sum = 0, weights = 0;

	for (__u32 i = 0; i < g->n_members; i++) {
		if (g->member[i].tier != tier)
			continue;
		sum += (__u64)g->member[i].effective * load[i];
		weights += g->member[i].effective;
	}
	return weights ? sum / weights : LOAD_UNKNOWN;
}

static __u32 target(const struct group *g, __u32 i, const __u32 *load,
		    const struct weights_rules *rules)
{
	const struct member *m = &g->member[i];
	__u64 rest = (__u64)m->weight << WEIGHT_SHIFT;
	__s32 lack = (__s32)mean_load(g, load, m->tier) - (__s32)load[i];
	__u64 to = times_power(rest, MAX(-4000, MIN(4000, lack * (__s32)rules->gain)));

	return MAX(1, MAX(rest / WEIGHTS_RANGE, MIN(rest * WEIGHTS_RANGE, to)));
}

static __u32 percent_off(__u32 from, __u32 to)
{
	return (__u64)(MAX(from, to) - MIN(from, to)) * 100 / from;
}

/* A part of the way, at least 1, at most `step` percent. */
static __u32 step_toward(__u32 from, __u32 to, const struct weights_rules *rules)
{
	__u32 way = MAX(from, to) - MIN(from, to);
	__u32 most = MAX(1, (__u64)from * rules->step / 100);
	__u32 by = MIN(DIV_ROUND_UP(way, rules->part), most);

	return to > from ? from + by : from - by;
}

bool weights_step(struct group *g, const __u32 load[MAX_MEMBERS], bool known,
		  const struct weights_rules *rules, bool *moving)
{
	__u32 to[MAX_MEMBERS], off = 0;
	bool changed = false;

	for (__u32 i = 0; i < g->n_members; i++) {
		to[i] = target(g, i, load, rules);
		if (g->member[i].effective)
			off = MAX(off, percent_off(g->member[i].effective, to[i]));
	}
	*moving = *moving ? off > rules->rest : off > rules->start;
	for (__u32 i = 0; i < g->n_members; i++) {
		__u32 was = g->member[i].effective, *now = &g->member[i].effective;

		if (!was)
			continue;
		if (*moving || (!known && off > rules->rest))
			*now = step_toward(was, to[i], rules);
		else if (!known)
			*now = to[i];
		changed |= *now != was;
	}
	return changed;
}

void weights_reset(struct group *g)
{
	for (__u32 i = 0; i < g->n_members; i++)
		g->member[i].effective = (__u32)g->member[i].weight << WEIGHT_SHIFT;
}
