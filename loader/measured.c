// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "fantel/metric.h"
#include "json.h"
#include "measured.h"
#include "weights.h"

void measured_set(json_t *json, const struct measured *m, bool all)
{
	const struct {
		enum tlv_index index;
		const char *member;
		__u64 value;
	} numbers[] = {
		{ TLVI_CAPACITY, "capacity", m->capacity },
		{ TLVI_UTILIZED, "utilized", m->utilized },
		{ TLVI_AVAILABLE, "available", m->available },
		{ TLVI_RESIDUAL, "residual", m->residual },
		{ TLVI_DELAY, "delay-us", m->delay_us },
		{ TLVI_DELAY_RANGE, "delay-min-us", m->delay_min_us },
		{ TLVI_DELAY_RANGE, "delay-max-us", m->delay_max_us },
		{ TLVI_QUEUE, "queue-depth", m->queue_depth },
		{ TLVI_QUEUE, "queue-limit", m->queue_limit },
		{ TLVI_NODE_LOAD, "cpu-percent", m->cpu_percent },
		{ TLVI_NODE_LOAD, "memory-percent", m->memory_percent },
	};

	if (!m->told && !all)
		return;
	json_set(json, "load", json_integer(weights_load(m)));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (measured_has(m, numbers[i].index))
			json_set(json, numbers[i].member, json_integer(numbers[i].value));
		else if (all)
			json_set(json, numbers[i].member, json_null());
	if (measured_has(m, TLVI_LOSS))
		json_set(json, "loss-percent", json_real(m->loss * 0.000003));
	else if (all)
		json_set(json, "loss-percent", json_null());
	if (m->anomalous || all)
		json_set(json, "anomalous", json_boolean(m->anomalous));
}

/* To three decimals: a finer one moves no slot. */
json_t *weight_json(__u32 effective)
{
	return json_real((__u64)effective * 1000 / (1 << WEIGHT_SHIFT) / 1000.0);
}
