// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Times as text, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "clock.h"

#define SECOND NSEC_PER_SEC

static const struct span {
	const char *sentence;
	__u64 ns;
	const char *text;
} spans[] = {
	{ "nothing", 0, "0us" },
	{ "less than a microsecond", 120, "0.12us" },
	{ "microseconds to three digits", 250700, "251us" },
	{ "the last microsecond", 999000, "999us" },
	{ "milliseconds", 1500000, "1.5ms" },
	{ "seconds", 2 * SECOND + SECOND / 4, "2.25s" },
	{ "a minute", 60 * SECOND, "1m00s" },
	{ "just below an hour", 3599 * SECOND, "59m59s" },
	{ "hours and minutes", 3 * 3600 * SECOND + 12 * 60 * SECOND, "3h12m" },
	{ "days and hours", 86400 * SECOND * 40 + 3600 * SECOND, "40d01h" },
};

static void check_span(void **state)
{
	const struct span *row = *state;
	char text[CLOCK_TEXT];

	assert_string_equal(clock_span(text, row->ns), row->text);
}

static const struct wall {
	const char *sentence;
	__u64 ns;
	const char *text;
} walls[] = {
	{ "the epoch", 0, "1970-01-01T00:00:00.000000Z" },
	{ "a leap day, microseconds cut, not rounded", 1709210096123456999ULL,
	  "2024-02-29T12:34:56.123456Z" },
	{ "after 2038", 4102444799999999000ULL, "2099-12-31T23:59:59.999999Z" },
};

static void check_wall(void **state)
{
	const struct wall *row = *state;
	char text[CLOCK_TEXT];

	assert_string_equal(clock_text(text, row->ns), row->text);
}

/* The two clocks are read one after the other: what lies between them is all that may differ. */
static void wall_follows_monotonic(void **state)
{
	__u64 now = clock_now_ns();
	__s64 apart = clock_wall_ns(now + SECOND) - clock_wall_ns(now);

	assert_true(apart > 0);
	assert_true(clock_wall_ns(now) > 1600000000ULL * SECOND);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(spans) + ARRAY_SIZE(walls) + 1] = {};
	struct CMUnitTest *t = tests;

	for (size_t i = 0; i < ARRAY_SIZE(spans); i++)
		*t++ = (struct CMUnitTest){ .name = spans[i].sentence,
					    .test_func = check_span,
					    .initial_state = (void *)&spans[i] };
	for (size_t i = 0; i < ARRAY_SIZE(walls); i++)
		*t++ = (struct CMUnitTest){ .name = walls[i].sentence,
					    .test_func = check_wall,
					    .initial_state = (void *)&walls[i] };
	*t = (struct CMUnitTest){ .name = "a later monotonic time is later on the wall clock",
				  .test_func = wall_follows_monotonic };
	return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
