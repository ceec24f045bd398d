// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* ewma.h: averages, shares, and singles without floating point. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "watches.h"

#define MS NSEC_PER_MSEC
#define MINUTE ((1ULL << 26) * 1000) /* and 7 seconds */
#define TERABIT 125000000000ULL

static const struct {
	const char *sentence;
	__u64 average, rate, window_ns, constant_ns, next;
} steps[] = {
	{ "a window as long as the constant counts half", 1000, 2000, 100 * MS, 100 * MS, 1500 },
	{ "downwards too", 2000, 1000, 100 * MS, 100 * MS, 1500 },
	{ "a short window counts little", 0, 101000, MS, 100 * MS, 1000 },
	{ "a long one is all that counts", 5000, 7, 10 * NSEC_PER_SEC, 100 * MS, 7 },
	{ "no window, no change", 5000, 0, 0, 100 * MS, 5000 },
	{ "a terabit per second does not overflow", TERABIT, 0, 60 * NSEC_PER_SEC, 60 * NSEC_PER_SEC,
	  TERABIT / 2 },
	{ "half of it does not, when nothing is sent for an hour", 61000000000, 0, 60 * MINUTE, MINUTE,
	  1000000000 },
	{ "without a constant the last window is the average", 5000, 7, MS, 0, 7 },
};

static void averages(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		print_message("# %s\n", steps[i].sentence);
		assert_int_equal(ewma_next(steps[i].average, steps[i].rate, steps[i].window_ns,
					   steps[i].constant_ns),
				 steps[i].next);
	}
}

/* However the same traffic is cut into windows, the average ends up at its rate. */
static void windows_do_not_matter(void **state)
{
	for (__u64 window = MS / 2; window <= 1000 * MS; window *= 3) {
		__u64 average = 0;

		for (__u64 t = 0; t < 100000 * MS; t += window)
			average = ewma_next(average, 1000000, window, 100 * MS);
		assert_in_range(average, 990000, 1000000);
	}
}

static void rates_and_shares(void **state)
{
	assert_int_equal(ewma_rate(1250, MS), 1250000);
	assert_int_equal(ewma_rate(1250, 999), 0); /* shorter than a microsecond */
	assert_int_equal(ewma_permille(900, 1000), 900);
	assert_int_equal(ewma_permille(2000, 1000), 2000);
	assert_int_equal(ewma_permille(2000, 0), 0);
}

/* Every size of number, and those next to powers of two. */
static void singles(void **state)
{
	for (int bit = 0; bit < 64; bit++)
		for (int off = -1; off <= 1; off++) {
			__u64 value = (1ULL << bit) + off;
			__u32 bits = f32_bits(value);
			float is;

			memcpy(&is, &bits, sizeof(is));
			/* Rounded down to 24 digits. */
			assert_true((double)is <= (double)value || value > 1ULL << 53);
			assert_true(fabs((double)is - (double)value) <= (double)value / (1 << 23));
		}
	assert_int_equal(f32_bits(0), 0);
	assert_int_equal(f32_bits(1000000), 0x49742400);
}

/* What nobody sends any more decays, though no packet ends a window. */
static void silence_counts(void **state)
{
	struct watch w = { .capacity = 1000, .constant_ns = 100 * MS };
	struct gauge g = { .load = 1000, .window_ns = NSEC_PER_SEC };

	assert_int_equal(gauge_load(&w, &g, NSEC_PER_SEC), 1000);
	assert_int_equal(gauge_load(&w, &g, NSEC_PER_SEC + 100 * MS), 500);
	assert_int_equal(gauge_load(&w, &g, 100 * NSEC_PER_SEC), 0);
	assert_int_equal(gauge_load(&w, &g, 0), 1000); /* it began after we read the clock */
	g.sent = 100;
	assert_int_equal(gauge_load(&w, &g, NSEC_PER_SEC + 100 * MS), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "the average goes by the length of the window", averages, NULL, NULL, NULL },
		{ "how traffic is cut into windows does not matter", windows_do_not_matter, NULL, NULL,
		  NULL },
		{ "rates and shares", rates_and_shares, NULL, NULL, NULL },
		{ "singles without floating point", singles, NULL, NULL, NULL },
		{ "where no packet comes the average falls", silence_counts, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("ewma", tests, NULL, NULL);
}
