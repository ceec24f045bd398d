// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* groups: when a group counts as stuck, and when that is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "groups.h"

#define START_S 100
#define HOLD_DOWN_S 10

static const struct groups_case {
	const char *sentence;
	struct seen {
		__u64 at_s;
		bool feasible, stuck, lasts;
		__u64 detected_s; /* on a wall clock that is 1000 s ahead */
	} seen[6]; /* up to at_s 0 */
} cases[] = {
	{ "a group that loses its last path is stuck at once, also right after the start",
	  { { 101, true, false, true, 0 }, { 102, false, true, true, 1102 } } },
	{ "one that has had none yet is given the hold-down time to get one",
	  { { 101, false, false, true, 0 },
	    { 109, false, false, true, 0 },
	    { 110, false, true, true, 1110 } } },
	{ "and is not stuck if it does", { { 101, false, false, true, 0 }, { 109, true, false, true, 0 },
					   { 111, true, false, false, 0 } } },
	{ "a path that comes back ends it after the hold-down time",
	  { { 120, true, false, false, 0 },
	    { 130, false, true, true, 1130 },
	    { 140, true, false, true, 1130 },
	    { 149, true, false, true, 1130 },
	    { 150, true, false, false, 1130 } } },
	{ "one that comes and goes is one condition, and began where it began",
	  { { 120, true, false, false, 0 },
	    { 130, false, true, true, 1130 },
	    { 140, true, false, true, 1130 },
	    { 145, false, true, true, 1130 },
	    { 154, true, false, true, 1130 },
	    { 164, true, false, false, 1130 } } },
	{ "after its end it is another one",
	  { { 130, false, true, true, 1130 },
	    { 140, true, false, true, 1130 },
	    { 150, true, false, false, 1130 },
	    { 160, false, true, true, 1160 } } },
};

static void follow(void **state)
{
	const struct groups_case *c = *state;
	struct group_state group = {};

	for (const struct seen *s = c->seen; s < c->seen + ARRAY_SIZE(c->seen) && s->at_s; s++) {
		struct group_step step = {
			.now_ns = s->at_s * NSEC_PER_SEC,
			.wall_ns = (1000 + s->at_s) * NSEC_PER_SEC,
			.start_ns = START_S * NSEC_PER_SEC,
			.hold_down_ns = HOLD_DOWN_S * NSEC_PER_SEC,
		};

		group_step(&group, s->feasible, &step);
		assert_int_equal(group.stuck, s->stuck);
		assert_int_equal(group.lasts, s->lasts);
		assert_int_equal(group.detected_ns, s->detected_s * NSEC_PER_SEC);
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(cases)];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		tests[i] = (struct CMUnitTest){ .name = cases[i].sentence,
						.test_func = follow,
						.initial_state = (void *)&cases[i] };
	return cmocka_run_group_tests_name("groups", tests, NULL, NULL);
}
