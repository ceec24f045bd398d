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

/* A finite bandwidth that is not negative, in whole bytes/s; the largest number where it is larger. */
FN __u64 metric_bytes(__u32 bits_f32)
{
	__u32 exponent = bits_f32 >> 23; /* of 2, and 127 + 23 more */
	__u64 mantissa = (bits_f32 & 0x7fffff) | 0x800000;

	if (exponent >= 150 + 40)
		return ~0ULL;
	if (exponent >= 150)
		return mantissa << (exponent - 150);
	return exponent >= 127 ? mantissa >> (150 - exponent) : 0;
}

/* What is measured. */
#define METRIC_TLVS                                                                                \
	(MSG_BIT(TLVI_CAPACITY) | MSG_BIT(TLVI_DELAY) | MSG_BIT(TLVI_DELAY_RANGE) |                \
	 MSG_BIT(TLVI_LOSS) | MSG_BIT(TLVI_RESIDUAL) | MSG_BIT(TLVI_AVAILABLE) |                   \
	 MSG_BIT(TLVI_UTILIZED) | MSG_BIT(TLVI_QUEUE) | MSG_BIT(TLVI_NODE_LOAD))

FN bool measured_has(const struct measured *m, enum tlv_index index)
{
	return m->told & MSG_BIT(index);
}

/* All that a notification tells of; metrics_possible was asked before. */
FN void metrics_measured(struct measured *to, const struct msg *m)
{
	to->told = m->present & METRIC_TLVS;
	to->loss = m->loss;
	to->capacity = metric_bytes(m->capacity_f32);
	to->residual = metric_bytes(m->residual_f32);
	to->available = metric_bytes(m->available_f32);
	to->utilized = metric_bytes(m->utilized_f32);
	to->delay_us = m->delay_us;
	to->delay_min_us = m->delay_min_us;
	to->delay_max_us = m->delay_max_us;
	to->queue_depth = m->queue_depth;
	to->queue_limit = m->queue_limit;
	to->anomalous = m->anomalous;
	to->cpu_percent = m->cpu_percent;
	to->memory_percent = m->memory_percent;
	to->pad = 0;
}

#endif
