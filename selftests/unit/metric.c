// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Which metrics can be true; the bits of floats are those that the C library makes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fantel/metric.h"

static __u32 f32(float value)
{
	__u32 bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

struct row {
	const char *sentence;
	bool possible;
	__u32 present; /* bits by enum tlv_index */
	float capacity, residual, available, utilized, rate_min, rate_max;
	__u32 delay_min_us, delay_max_us;
	__u8 cpu, memory;
};

#define CAPACITY .present = MSG_BIT(TLVI_CAPACITY), .capacity

static const struct row rows[] = {
	{ "nothing said", true, .present = 0 },
	{ "everything at once",
	  true,
	  CAPACITY = 12.5e9,
	  .residual = 1e9,
	  .available = 2e9,
	  .utilized = 10.5e9,
	  .rate_min = 1e6,
	  .rate_max = 1e9,
	  .delay_min_us = 10,
	  .delay_max_us = 20,
	  .cpu = 100,
	  .memory = 100 },
	{ "an idle link: all is residual", true, CAPACITY = 12.5e9, .residual = 12.5e9 },
	{ "a full link: all is utilized", true, CAPACITY = 12.5e9, .utilized = 12.5e9 },
	{ "bandwidths without a capacity", true, .available = 12.5e9, .utilized = 1 },
	{ "the largest float", true, .available = 0x1.fffffep127f },
	{ "the smallest float", true, .available = 0x1p-149f },
	{ "a link of no capacity", true, CAPACITY = 0 },
	{ "one delay: least and most are the same", true, .delay_min_us = 7, .delay_max_us = 7 },
	{ "a capacity that is not a number", false, CAPACITY = NAN },
	{ "a capacity that is infinite", false, CAPACITY = INFINITY },
	{ "a capacity that is negative", false, CAPACITY = -1 },
	{ "residual bandwidth that is not a number", false, .residual = NAN },
	{ "available bandwidth that is not a number", false, .available = NAN },
	{ "not a number, with a sign", false, .available = -NAN },
	{ "utilized bandwidth that is not a number", false, .utilized = NAN },
	{ "residual bandwidth that is infinite", false, .residual = INFINITY },
	{ "available bandwidth that is infinite", false, .available = INFINITY },
	{ "utilized bandwidth that is infinite", false, .utilized = INFINITY },
	{ "residual bandwidth that is negative", false, .residual = -1 },
	{ "available bandwidth that is negative", false, .available = -0x1p-149f },
	{ "utilized bandwidth that is negatively infinite", false, .utilized = -INFINITY },
	{ "a negative zero", false, .available = -0.0f },
	{ "more residual than the capacity", false, CAPACITY = 12.5e9, .residual = 12.6e9 },
	{ "more available than the capacity", false, CAPACITY = 12.5e9, .available = 12.6e9 },
	{ "more utilized than the capacity", false, CAPACITY = 12.5e9, .utilized = 12.6e9 },
	{ "the next float above the capacity", false, CAPACITY = 1, .available = 0x1.000002p0f },
	{ "anything available where there is no capacity", false, CAPACITY = 0, .available = 1 },
	{ "a rate that is not a number", false, .rate_min = NAN, .rate_max = 1 },
	{ "a rate without an end", false, .rate_max = INFINITY },
	{ "a rate that is negative", false, .rate_min = -1, .rate_max = 1 },
	{ "a rate whose least is above its most", false, .rate_min = 2, .rate_max = 1 },
	{ "a delay whose least is above its most", false, .delay_min_us = 2, .delay_max_us = 1 },
	{ "a processor that is busy more than always", false, .cpu = 101 },
	{ "memory that is more than full", false, .memory = 101 },
};

static void possible(void **state)
{
	const struct row *row = *state;
	struct msg m = {
		.present = row->present,
		.capacity_f32 = f32(row->capacity),
		.residual_f32 = f32(row->residual),
		.available_f32 = f32(row->available),
		.utilized_f32 = f32(row->utilized),
		.rate_min_f32 = f32(row->rate_min),
		.rate_max_f32 = f32(row->rate_max),
		.delay_min_us = row->delay_min_us,
		.delay_max_us = row->delay_max_us,
		.cpu_percent = row->cpu,
		.memory_percent = row->memory,
	};

	assert_int_equal(metrics_possible(&m), row->possible);
}

/* Against the machine's own floating point: bits from one end to the other, and their neighbours. */
static void bits_are_judged_as_floats_are(void **state)
{
	for (__u64 bits = 0; bits <= 0xffffffff; bits += 65521)
		for (__u64 near = bits; near < bits + 3; near++) {
			__u32 b = near, most_bits = near * 2654435761U;
			float value, most;

			memcpy(&value, &b, sizeof(value));
			memcpy(&most, &most_bits, sizeof(most));
			assert_int_equal(metric_bandwidth(b, METRIC_INFINITY),
					 isfinite(value) && !signbit(value));
			if (isfinite(most) && !signbit(most))
				assert_int_equal(metric_bandwidth(b, most_bits),
						 !signbit(value) && value <= most);
		}
}

/* The same against every finite float that is no less than nothing. */
static void bits_become_whole_numbers(void **state)
{
	for (__u32 bits = 0; bits < METRIC_INFINITY; bits += 4093) {
		float value;

		memcpy(&value, &bits, sizeof(value));
		assert_true(metric_bytes(bits) == (value < 0x1p63f ? (__u64)value : ~0ULL));
	}
	assert_true(metric_bytes(f32(12.5e9)) == 12499999744);
	assert_true(metric_bytes(f32(0x1.fffffep62f)) == 0x7fffff8000000000);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2] = {
		[ARRAY_SIZE(rows)] = cmocka_unit_test(bits_are_judged_as_floats_are),
		[ARRAY_SIZE(rows) + 1] = cmocka_unit_test(bits_become_whole_numbers),
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ .name = rows[i].sentence,
						.test_func = possible,
						.initial_state = (void *)&rows[i] };
	return cmocka_run_group_tests_name("metric", tests, NULL, NULL);
}
