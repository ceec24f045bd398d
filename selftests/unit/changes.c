// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What of that which is measured is told, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "changes.h"
#include "fantel/metric.h"

#define PERCENT 10
#define BANDWIDTH(used) .told = MSG_BIT(TLVI_CAPACITY), .capacity = 1000, .utilized = (used), \
			.available = 1000 - (used)
#define DELAY(us) .told = MSG_BIT(TLVI_DELAY), .delay_us = (us)
#define LOSS(units) .told = MSG_BIT(TLVI_LOSS), .loss = (units)
#define NODE(cpu, memory) .told = MSG_BIT(TLVI_NODE_LOAD), .cpu_percent = (cpu), .memory_percent = (memory)

static const struct much_row {
	const char *sentence;
	struct measured told, now;
	bool much;
} much_rows[] = {
	{ "nothing changed", { BANDWIDTH(500) }, { BANDWIDTH(500) }, false },
	{ "a bandwidth, by less than its part of the capacity", { BANDWIDTH(500) }, { BANDWIDTH(599) }, false },
	{ "by as much", { BANDWIDTH(500) }, { BANDWIDTH(600) }, true },
	{ "in the other direction", { BANDWIDTH(500) }, { BANDWIDTH(400) }, true },
	{ "the capacity itself", { BANDWIDTH(0) }, { .told = MSG_BIT(TLVI_CAPACITY), .capacity = 1001, .available = 1000 }, true },
	{ "a delay, by less than a tenth", { DELAY(1000) }, { DELAY(1099) }, false },
	{ "by a tenth", { DELAY(1000) }, { DELAY(900) }, true },
	{ "a tenth of a short one is noise", { DELAY(20) }, { DELAY(29) }, false },
	{ "more than that is not", { DELAY(20) }, { DELAY(30) }, true },
	{ "a loss, by less than a hundredth of a percent", { LOSS(0) }, { LOSS(3332) }, false },
	{ "by more", { LOSS(0) }, { LOSS(3333) }, true },
	{ "a great one, by less than a tenth", { LOSS(1000000) }, { LOSS(1099999) }, false },
	{ "by a tenth", { LOSS(1000000) }, { LOSS(1100000) }, true },
	{ "the CPUs", { NODE(20, 50) }, { NODE(29, 50) }, false },
	{ "by as much", { NODE(20, 50) }, { NODE(30, 50) }, true },
	{ "the memory", { NODE(20, 50) }, { NODE(20, 40) }, true },
	{ "it became anomalous", { LOSS(5) }, { LOSS(5), .anomalous = ANOMALOUS_LOSS }, true },
	{ "it is no more", { DELAY(5), .anomalous = ANOMALOUS_DELAY }, { DELAY(5) }, true },
	{ "something is measured that was not", { DELAY(5) }, { .told = MSG_BIT(TLVI_DELAY) | MSG_BIT(TLVI_LOSS), .delay_us = 5 }, true },
};

static void much(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(much_rows); i++) {
		print_message("# %s\n", much_rows[i].sentence);
		assert_int_equal(changes_much(&much_rows[i].told, &much_rows[i].now, PERCENT), much_rows[i].much);
	}
}

static const struct now_row {
	const char *sentence;
	__u64 age_ms;
	bool much, now;
} now_rows[] = {
	{ "a change soon after the last has to wait", 999, true, false },
	{ "and is told after the interval", 1000, true, true },
	{ "without one nothing is", 1000, false, false },
	{ "but for the refresh", 20000, false, true },
	{ "which is not before its time", 19999, false, false },
};

static void now(void **state)
{
	static const struct policy_changes rules = { PERCENT, 1000, 20000 };

	for (size_t i = 0; i < ARRAY_SIZE(now_rows); i++) {
		print_message("# %s\n", now_rows[i].sentence);
		assert_int_equal(changes_now(&rules, 5, now_rows[i].much, 5 + now_rows[i].age_ms * NSEC_PER_MSEC),
				 now_rows[i].now);
	}
	assert_true(changes_now(&rules, 0, false, 1)); /* it never was */
}

/* RFC 8570 §4.1: set at the maximum, cleared below the reuse threshold, and in between as it was. */
static void anomalous(void **state)
{
	static const struct threshold delay = { .onset = 100, .end = 60 }, none = {};

	assert_false(changes_anomalous(false, &delay, 99));
	assert_true(changes_anomalous(false, &delay, 100));
	assert_true(changes_anomalous(true, &delay, 60));
	assert_false(changes_anomalous(true, &delay, 59));
	assert_false(changes_anomalous(true, &none, 1000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "how much is a change", .test_func = much },
		{ .name = "when it is told", .test_func = now },
		{ .name = "when a delay is anomalous", .test_func = anomalous },
	};

	return cmocka_run_group_tests_name("changes", tests, NULL, NULL);
}
