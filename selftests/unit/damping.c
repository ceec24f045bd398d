// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* damping.h: when a link that flaps is suppressed, and for how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "damping.h"

#define START (5 * NSEC_PER_SEC)

static const struct damping_rules rules = { 1000, 2000, 1000, 4000 };
static const struct damping_rules off = { 0, 2000, 1000, 4000 };

/* At this time the link has failed so often, `every_ms` apart, the last time just now; then: */
static const struct row {
	const char *sentence;
	const struct damping_rules *rules;
	__u32 failures, every_ms;
	__u32 figure;
	__u32 suppressed_ms; /* 0 = it is not */
	__u32 begun;	     /* how often suppression began */
} rows[] = {
	{ "a failure counts a thousand", &rules, 1, 0, 1000, 0, 0 },
	{ "two at once suppress, until half of it is forgotten", &rules, 2, 0, 2000, 1000, 1 },
	{ "two that are a moment apart do not", &rules, 2, 100, 1933, 0, 0 },
	{ "three do, for as long as it takes to decay", &rules, 3, 100, 2803, 1486, 1 },
	{ "one in each half-life never does", &rules, 50, 1000, 1999, 0, 0 },
	{ "suppression that is on does not begin again", &rules, 10, 10, 9691, 3276, 1 },
	{ "100 a second for a minute count no more than the ceiling", &rules, 6000, 10, 16000, 4000, 1 },
	{ "without a half-life nothing is suppressed", &off, 6000, 10, 0, 0, 0 },
};

static void fails(void **state)
{
	const struct row *row = *state;
	struct damping d = {};
	__u64 now_ns = START;
	__u32 begun = 0;

	for (__u32 i = 0; i < row->failures; i++) {
		now_ns += i ? row->every_ms * NSEC_PER_MSEC : 0;
		begun += damping_fail(&d, row->rules, now_ns);
	}
	assert_int_equal(damping_figure(&d, now_ns), row->figure);
	assert_int_equal(d.flaps, row->failures);
	assert_int_equal(begun, row->begun);
	assert_int_equal(d.suppressions, row->begun);
	assert_int_equal(damping_is_on(&d), row->suppressed_ms != 0);
	if (row->suppressed_ms)
		assert_int_equal((d.reuse_ns - now_ns) / NSEC_PER_MSEC, row->suppressed_ms);
}

static void a_half_life_halves_the_figure(void **state)
{
	struct damping d = {};

	damping_fail(&d, &rules, START);
	assert_int_equal(damping_figure(&d, START + NSEC_PER_SEC), 500);
	assert_int_equal(damping_figure(&d, START + 2 * NSEC_PER_SEC), 250);
	assert_int_equal(damping_figure(&d, START + 3600 * NSEC_PER_SEC), 0);
	assert_int_equal(damping_figure(&d, START - 1), 1000);
}

static void suppression_ends_at_the_reuse_threshold(void **state)
{
	struct damping d = {};
	__u64 reuse_ns;

	damping_fail(&d, &rules, START);
	assert_true(damping_fail(&d, &rules, START));
	reuse_ns = d.reuse_ns;
	assert_false(damping_release(&d, reuse_ns - 1));
	assert_true(damping_is_on(&d));
	assert_true(damping_release(&d, reuse_ns));
	assert_false(damping_is_on(&d));
	assert_false(damping_release(&d, reuse_ns + 1));
	assert_int_equal(damping_figure(&d, reuse_ns), 1000);
	/* Half of the past counts still: one failure is enough. */
	assert_true(damping_fail(&d, &rules, reuse_ns));
	assert_int_equal(d.suppressions, 2);
}

static void a_failure_while_it_is_on_prolongs_it(void **state)
{
	struct damping d = {};
	__u64 reuse_ns;

	damping_fail(&d, &rules, START);
	damping_fail(&d, &rules, START);
	reuse_ns = d.reuse_ns;
	assert_false(damping_fail(&d, &rules, reuse_ns - 1));
	assert_true(d.reuse_ns > reuse_ns);
}

static void what_an_earlier_loader_left_goes_on_by_new_rules(void **state)
{
	struct damping_rules slower = rules, harder = rules;
	struct damping d = {}, old;

	for (int i = 0; i < 8; i++)
		damping_fail(&d, &rules, START);
	old = d;
	damping_take_over(&d, &rules, START + NSEC_PER_SEC);
	assert_int_equal(d.figure, 4000);
	assert_int_equal(d.reuse_ns, old.reuse_ns);
	slower.half_life_ms = 2000;
	d = old;
	damping_take_over(&d, &slower, START);
	assert_int_equal(d.figure, 4000); /* the ceiling of the new rules */
	assert_int_equal(d.reuse_ns, START + 4 * NSEC_PER_SEC);
	harder.reuse = 500;
	d = old;
	damping_take_over(&d, &harder, START);
	assert_int_equal(d.reuse_ns, START + 4 * NSEC_PER_SEC);
	d = old;
	damping_take_over(&d, &off, START);
	assert_false(damping_is_on(&d));
	assert_int_equal(damping_figure(&d, START), 0);
	assert_int_equal(d.flaps, 8);
}

static void the_least_time_from_suppress_to_reuse(void **state)
{
	assert_int_equal(damping_least_ms(&rules), 1000);
	assert_int_equal(damping_least_ms(&(struct damping_rules){ 1000, 3000, 1000, 0 }), 1585);
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(a_half_life_halves_the_figure),
		cmocka_unit_test(suppression_ends_at_the_reuse_threshold),
		cmocka_unit_test(a_failure_while_it_is_on_prolongs_it),
		cmocka_unit_test(what_an_earlier_loader_left_goes_on_by_new_rules),
		cmocka_unit_test(the_least_time_from_suppress_to_reuse),
	};
	struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(others)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[n++] = (struct CMUnitTest){ .name = rows[i].sentence,
						  .test_func = fails,
						  .initial_state = (void *)&rows[i] };
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		tests[n++] = others[i];
	return cmocka_run_group_tests_name("damping", tests, NULL, NULL);
}
