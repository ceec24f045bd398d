// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Failures of a core port: when an event begins and ends; and what recover makes of who was told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "links.h"
#include "recover.h"

#define HOLD_DOWN_S 10

/* One step: at this second the port is seen with this cause (CAUSE_NONE = up). The event-id that a
 * new failure would get is 100 + the second. */
struct seen {
	__u32 at_s;
	enum wire_cause down;
	enum link_change change;
	/* afterwards: */
	__u32 event_id;
	enum wire_cause cause;
	bool failed;
};

struct links_case {
	const char *sentence;
	struct seen seen[6];
};

static const struct links_case links_cases[] = {
	{ "a port that is up has no event",
	  { { 1, CAUSE_NONE, LINK_SAME, 0, CAUSE_NONE, false } } },
	{ "a lost carrier begins an event",
	  { { 1, CAUSE_CARRIER, LINK_DOWN, 101, CAUSE_CARRIER, true } } },
	{ "the first cause is that of the event: a port without carrier that is set down",
	  { { 1, CAUSE_CARRIER, LINK_DOWN, 101, CAUSE_CARRIER, true },
	    { 2, CAUSE_ADMIN_DOWN, LINK_SAME, 101, CAUSE_CARRIER, true } } },
	{ "a port that is up again is not recovered before hold-down",
	  { { 1, CAUSE_CARRIER, LINK_DOWN, 101, CAUSE_CARRIER, true },
	    { 2, CAUSE_NONE, LINK_UP, 101, CAUSE_CARRIER, true } } },
	{ "a port that flaps stays in its event",
	  { { 1, CAUSE_CARRIER, LINK_DOWN, 101, CAUSE_CARRIER, true },
	    { 2, CAUSE_NONE, LINK_UP, 101, CAUSE_CARRIER, true },
	    { 3, CAUSE_ADMIN_DOWN, LINK_DOWN, 101, CAUSE_CARRIER, true },
	    { 4, CAUSE_NONE, LINK_UP, 101, CAUSE_CARRIER, true } } },
	{ "a failure after hold-down is a new event",
	  { { 1, CAUSE_CARRIER, LINK_DOWN, 101, CAUSE_CARRIER, true },
	    { 2, CAUSE_NONE, LINK_UP, 101, CAUSE_CARRIER, true },
	    { 13, CAUSE_ADMIN_DOWN, LINK_DOWN, 113, CAUSE_ADMIN_DOWN, true } } },
	{ "hold-down counts from the last time it came up",
	  { { 1, CAUSE_CARRIER, LINK_DOWN, 101, CAUSE_CARRIER, true },
	    { 2, CAUSE_NONE, LINK_UP, 101, CAUSE_CARRIER, true },
	    { 11, CAUSE_CARRIER, LINK_DOWN, 101, CAUSE_CARRIER, true },
	    { 12, CAUSE_NONE, LINK_UP, 101, CAUSE_CARRIER, true },
	    { 21, CAUSE_CARRIER, LINK_DOWN, 101, CAUSE_CARRIER, true } } },
};

static void follow(void **state)
{
	const struct links_case *c = *state;
	struct interface i = { .ifindex = 1 };

	for (const struct seen *s = c->seen; s < c->seen + ARRAY_SIZE(c->seen) && s->at_s; s++) {
		struct link_step step = {
			.now_ns = s->at_s * NSEC_PER_SEC,
			.wall_ns = (1000 + s->at_s) * NSEC_PER_SEC,
			.hold_down_ns = HOLD_DOWN_S * NSEC_PER_SEC,
		};

		/* What links_tick does. */
		if (i.failed && !i.link.down && step.now_ns >= i.steady_ns)
			i.failed = false;
		if (!i.failed)
			i.link.next_event_id = 100 + s->at_s;
		assert_int_equal(link_step(&i, s->down, &step), s->change);
		assert_int_equal(i.link.down, s->down != CAUSE_NONE);
		assert_int_equal(i.link.event_id, s->event_id);
		assert_int_equal(i.link.cause, s->cause);
		assert_int_equal(i.failed, s->failed);
		if (s->change != LINK_SAME)
			assert_int_equal(i.link.since_ns, step.now_ns);
	}
}

static void detection_is_when_the_event_began(void **state)
{
	struct link_step step = { .now_ns = 5, .wall_ns = 1005, .hold_down_ns = 100 };
	struct interface i = {};

	link_step(&i, CAUSE_CARRIER, &step);
	step.now_ns = 8, step.wall_ns = 1008;
	link_step(&i, CAUSE_NONE, &step);
	assert_int_equal(i.steady_ns, 108);
	step.now_ns = 9, step.wall_ns = 1009;
	link_step(&i, CAUSE_CARRIER, &step);
	assert_int_equal(i.link.detected_ns, 1005);
	assert_int_equal(i.link.since_ns, 9);
}

/* ---- who was told ---------------------------------------------------------------------------- */

struct told_case {
	const char *sentence;
	bool ours; /* the loader's to tell from the first time on: a group, and congestion without a clone */
	bool told;
	bool known, lasts;
	__u32 event, told_event;
	__u64 refresh_s, age_s;
	enum recover_verdict verdict;
};

#define LINK false
#define GROUP true
#define CONGESTION true

static const struct told_case told_cases[] = {
	{ "a failure that was told just now is left alone", LINK, true, true, true, 7, 7, 3, 1,
	  TOLD_KEEP },
	{ "it is told again before its validity runs out", LINK, true, true, true, 7, 7, 3, 3,
	  TOLD_REFRESH },
	{ "not if policy says never", LINK, true, true, true, 7, 7, 0, 1000, TOLD_KEEP },
	{ "a steady link's failures are withdrawn", LINK, true, true, false, 7, 7, 3, 1,
	  TOLD_WITHDRAW },
	{ "also those of an older event", LINK, true, true, false, 8, 7, 3, 1, TOLD_WITHDRAW },
	{ "an older event of a link that failed again is detect's to renew", LINK, true, true, true, 8,
	  7, 3, 9, TOLD_KEEP },
	{ "one that detect has yet to tell of is detect's, too", LINK, false, true, true, 7, 7, 3, 1,
	  TOLD_KEEP },
	{ "what was told of a port that is none of ours any more is withdrawn", LINK, true, false,
	  false, 0, 7, 3, 1, TOLD_WITHDRAW },
	{ "a controller is told at once of a group that is stuck", GROUP, false, true, true, 7, 7, 0,
	  0, TOLD_REFRESH },
	{ "and once it was, only before the validity runs out", GROUP, true, true, true, 7, 7, 3, 1,
	  TOLD_KEEP },
	{ "congestion that no clone could tell of is told at once", CONGESTION, false, true, true, 7, 7,
	  3, 0, TOLD_REFRESH },
	{ "but not of an event that is over, while the next is on", CONGESTION, false, true, true, 8, 7,
	  3, 9, TOLD_KEEP },
	{ "a group that has a path again is withdrawn", GROUP, true, true, false, 7, 7, 3, 1,
	  TOLD_WITHDRAW },
	{ "and so is one that was told of by an earlier policy", GROUP, true, false, false, 0, 7, 3, 1,
	  TOLD_WITHDRAW },
};

static void judge(void **state)
{
	const struct told_case *c = *state;
	struct condition condition = { .lasts = c->lasts, .event_id = c->event, .ours = c->ours };
	struct told told = { .event_id = c->told_event,
			     .sent = c->told,
			     .last_ns = 100 * NSEC_PER_SEC };

	assert_int_equal(recover_judge(&told, c->known ? &condition : NULL, c->refresh_s * NSEC_PER_SEC,
				       told.last_ns + c->age_s * NSEC_PER_SEC),
			 c->verdict);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(links_cases) + ARRAY_SIZE(told_cases) + 1] = {
		{ .name = "a flap does not change when the failure was detected",
		  .test_func = detection_is_when_the_event_began },
	};
	size_t n = 1;

	for (size_t i = 0; i < ARRAY_SIZE(links_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = links_cases[i].sentence,
						  .test_func = follow,
						  .initial_state = (void *)&links_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(told_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = told_cases[i].sentence,
						  .test_func = judge,
						  .initial_state = (void *)&told_cases[i] };
	return cmocka_run_group_tests_name("links", tests, NULL, NULL);
}
