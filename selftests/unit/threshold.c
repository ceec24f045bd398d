// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * threshold.h and what the loader makes of it: when trouble begins, lasts and is over.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "watches.h"

static const struct level_row {
	const char *sentence;
	struct threshold bytes, packets;
	__u32 in_bytes, in_packets;
	enum level level;
} level_rows[] = {
	{ "an empty queue is below", { 1000, 500 }, {}, 0, 0, LEVEL_BELOW },
	{ "one byte less than the onset is no onset", { 1000, 500 }, {}, 999, 0, LEVEL_BETWEEN },
	{ "the onset itself is", { 1000, 500 }, {}, 1000, 0, LEVEL_ABOVE },
	{ "the end itself is not below", { 1000, 500 }, {}, 500, 0, LEVEL_BETWEEN },
	{ "one byte less is", { 1000, 500 }, {}, 499, 0, LEVEL_BELOW },
	{ "the same number may be onset and end", { 1000, 1000 }, {}, 999, 0, LEVEL_BELOW },
	{ "bytes do not count where only packets have a threshold", {}, { 10, 5 }, ~0U, 4,
	  LEVEL_BELOW },
	{ "packets do", {}, { 10, 5 }, 0, 10, LEVEL_ABOVE },
	{ "of two thresholds one is enough to begin", { 1000, 500 }, { 10, 5 }, 100, 10, LEVEL_ABOVE },
	{ "and one to last", { 1000, 500 }, { 10, 5 }, 600, 1, LEVEL_BETWEEN },
	{ "no threshold, no trouble", {}, {}, ~0U, ~0U, LEVEL_BELOW },
};

static void levels(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_rows); i++) {
		const struct level_row *row = &level_rows[i];
		struct watch w = { .bytes = row->bytes, .packets = row->packets };

		print_message("# %s\n", row->sentence);
		assert_int_equal(queue_level(&w, row->in_bytes, row->in_packets), row->level);
	}
}

static const struct over_row {
	const char *sentence;
	enum level level;
	__u64 seen, hold_down, now;
	bool over;
} over_rows[] = {
	{ "the hold-down has to pass", LEVEL_BELOW, 100, 50, 149, false },
	{ "and then it is over", LEVEL_BELOW, 100, 50, 150, true },
	{ "not while something waits still, though no packet comes to see it", LEVEL_BETWEEN, 100, 50,
	  1000, false },
	{ "a packet that saw it after the clock was read keeps it on", LEVEL_BELOW, 200, 50, 150,
	  false },
};

static void ends(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(over_rows); i++) {
		const struct over_row *row = &over_rows[i];

		print_message("# %s\n", row->sentence);
		assert_int_equal(trouble_is_over(row->level, row->seen, row->hold_down, row->now),
				 row->over);
	}
}

/* The gauge takes the event's id from the watch; that it is on is that they are the same. */
static void trouble_is_one_id(void **state)
{
	struct watch w = { .event_id[TROUBLE_QUEUE] = 7 };
	struct gauge g = {};

	assert_false(trouble_is_on(&w, &g, TROUBLE_QUEUE));
	g.trouble[TROUBLE_QUEUE].event_id = 7;
	assert_true(trouble_is_on(&w, &g, TROUBLE_QUEUE));
	w.event_id[TROUBLE_QUEUE] = 8;
	assert_false(trouble_is_on(&w, &g, TROUBLE_QUEUE));
}

static void causes(void **state)
{
	assert_int_equal(trouble_cause(TROUBLE_QUEUE), CAUSE_QUEUE);
	assert_int_equal(trouble_cause(TROUBLE_NONE), CAUSE_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a queue is judged by bytes, packets or both", levels, NULL, NULL, NULL },
		{ "trouble is over after the hold-down", ends, NULL, NULL, NULL },
		{ "trouble is on while watch and gauge have the same event", trouble_is_one_id, NULL,
		  NULL, NULL },
		{ "each trouble has its cause", causes, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("threshold", tests, NULL, NULL);
}
