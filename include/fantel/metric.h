/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which metrics can be true. Called by notify before anything is made of them. Pure.
 *
 * BPF has no floating point, and needs none: without its sign, a single's bits rise as its value
 * does, through every finite number up to infinity and then those that are none (IEEE 754-2019
 * §3.4).
 */
#ifndef FANTEL_METRIC_H
#define FANTEL_METRIC_H

#include "msg_types.h"

#define METRIC_INFINITY 0x7f800000U /* and all that is not a number, or has a sign, is above */

/* A bandwidth: finite and not negative, at most `most`, which is one too. Of zeros, only the one
 * without a sign. */
FN bool metric_bandwidth(__u32 bits_f32, __u32 most_f32)
{
	return bits_f32 < METRIC_INFINITY && bits_f32 <= most_f32;
}

/*
 * Can all metrics of a notification be true together? Those that it lacks are zero in *m, and then
 * are. A queue may hold more than its limit, which can be lowered while it is full.
 */
SUBPROG int metrics_possible(const struct msg *m)
{
	__u32 most = METRIC_INFINITY;

	if (!m)
		return false;
	if (msg_has(m, TLVI_CAPACITY))
		most = m->capacity_f32;
	return metric_bandwidth(m->capacity_f32, METRIC_INFINITY) &&
	       metric_bandwidth(m->residual_f32, most) &&
	       metric_bandwidth(m->available_f32, most) &&
	       metric_bandwidth(m->utilized_f32, most) &&
	       metric_bandwidth(m->rate_max_f32, METRIC_INFINITY) &&
	       metric_bandwidth(m->rate_min_f32, m->rate_max_f32) &&
	       m->delay_min_us <= m->delay_max_us && m->cpu_percent <= 100 &&
	       m->memory_percent <= 100;
}

#endif
