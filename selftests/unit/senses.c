// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What the loader measures itself: bad packets by the counters of an interface, how busy the node is, and
 * when either is trouble.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fantel/metric.h"
#include "pressure.h"
#include "senses.h"

#define BIT(NAME) (1U << ERROR_##NAME)

/* ---- counters -------------------------------------------------------------------------------- */

static const struct counter_row {
	const char *sentence;
	struct rtnl_link_stats64 stats;
	__u32 counted;
	struct error_counts counts;
} counter_rows[] = {
	{ "errors are those of what is received", { .rx_packets = 90, .tx_packets = 7, .rx_errors = 10 },
	  BIT(RX_ERRORS), { 90, 10 } },
	{ "what is not asked for is not counted", { .rx_packets = 90, .rx_errors = 10, .rx_dropped = 5 },
	  BIT(RX_DROPPED), { 90, 5 } },
	{ "a driver that counts the kinds alone has them added up",
	  { .rx_packets = 90, .rx_crc_errors = 3, .rx_frame_errors = 4, .rx_length_errors = 1,
	    .rx_over_errors = 1, .rx_fifo_errors = 1 },
	  BIT(RX_ERRORS), { 90, 10 } },
	{ "one that counts both has them counted once",
	  { .rx_packets = 90, .rx_errors = 10, .rx_crc_errors = 10 }, BIT(RX_ERRORS), { 90, 10 } },
	{ "what is sent is measured against what is sent",
	  { .rx_packets = 90, .tx_packets = 7, .tx_errors = 1, .tx_dropped = 2 },
	  BIT(TX_ERRORS) | BIT(TX_DROPPED), { 7, 3 } },
	{ "of both directions both count", { .rx_packets = 90, .tx_packets = 7, .rx_missed_errors = 1, .tx_errors = 1 },
	  BIT(RX_MISSED) | BIT(TX_ERRORS), { 97, 2 } },
};

static void counters(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(counter_rows); i++) {
		const struct counter_row *row = &counter_rows[i];
		struct error_counts counts = errors_of(&row->stats, row->counted);

		print_message("# %s\n", row->sentence);
		assert_int_equal(counts.good, row->counts.good);
		assert_int_equal(counts.bad, row->counts.bad);
	}
}

static const struct share_row {
	const char *sentence;
	struct error_counts before, now;
	__u32 millionths;
	__u64 bad;
} share_rows[] = {
	{ "without any packet nothing is bad", { 5, 5 }, { 5, 5 }, 0, 0 },
	{ "only what is new counts", { 1000, 1000 }, { 1999, 1001 }, 1000, 1 },
	{ "bad ones are packets, too", { 0, 0 }, { 0, 7 }, 1000000, 7 },
	{ "one in a billion is none in a million", { 0, 0 }, { 999999999, 1 }, 0, 1 },
	{ "counters that began anew say nothing", { 100, 100 }, { 50, 101 }, 0, 0 },
	{ "neither of bad ones", { 100, 100 }, { 200, 50 }, 0, 0 },
	{ "a century of a terabit per second does not overflow", { 0, 0 },
	  { 1ULL << 62, 1ULL << 43 }, 1, 1ULL << 43 },
};

static void shares(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(share_rows); i++) {
		const struct share_row *row = &share_rows[i];
		__u64 bad;

		print_message("# %s\n", row->sentence);
		assert_int_equal(errors_millionths(&row->before, &row->now, &bad), row->millionths);
		assert_int_equal(bad, row->bad);
	}
}

static void few_begin_nothing(void **state)
{
	static const struct threshold t = { .onset = 1000, .end = 500 };

	assert_int_equal(errors_level(&t, 1000, 10, 10), LEVEL_ABOVE);
	assert_int_equal(errors_level(&t, 1000, 9, 10), LEVEL_BETWEEN);
	assert_int_equal(errors_level(&t, 999, 1000, 10), LEVEL_BETWEEN);
	assert_int_equal(errors_level(&t, 499, 1000, 10), LEVEL_BELOW);
}

/* ---- pressure -------------------------------------------------------------------------------- */

static void the_kernels_line(void **state)
{
	__u64 us = 7;

	assert_true(pressure_parse("some avg10=99.75 avg60=1.00 avg300=0.00 total=14431659911\n", &us));
	assert_int_equal(us, 14431659911ULL);
	assert_false(pressure_parse("full avg10=0.00 avg60=0.00 avg300=0.00 total=1\n", &us));
	assert_false(pressure_parse("some avg10=0.00\n", &us));
	assert_false(pressure_parse("", &us));
	assert_int_equal(us, 14431659911ULL);
}

static void percent_of_the_time(void **state)
{
	struct pressure p = {};

	assert_int_equal(pressure_percent(&p, 5000000, 1000), 0); /* nothing to compare with */
	assert_int_equal(pressure_percent(&p, 5250000, 1000 + NSEC_PER_SEC), 25);
	assert_int_equal(pressure_percent(&p, 5250000, 1000 + 2 * NSEC_PER_SEC), 0);
	assert_int_equal(pressure_percent(&p, 9250000, 1000 + 3 * NSEC_PER_SEC), 100); /* not 400 */
	assert_int_equal(pressure_percent(&p, 0, 1000 + 4 * NSEC_PER_SEC), 0); /* began anew */
	assert_int_equal(pressure_percent(&p, 1000000, 1000 + 4 * NSEC_PER_SEC), 0); /* no time passed */
}

static void a_load_average(void **state)
{
	assert_int_equal(pressure_of_load(1.0, 4), 25);
	assert_int_equal(pressure_of_load(9.5, 4), 100);
	assert_int_equal(pressure_of_load(0.5, 0), 50);
}

static void without_a_file(void **state)
{
	struct pressure p = {};

	assert_in_range(pressure_cpu(&p, SRCDIR "/selftests/unit/policies/no-such-file", 1), 0, 100);
	assert_false(p.known);
	assert_in_range(pressure_memory(), 1, 100);
}

/* ---- trouble --------------------------------------------------------------------------------- */

static const struct step_row {
	const char *sentence;
	struct {
		enum level level;
		enum sense_change change;
	} at[5]; /* one a second; hold-down is 2 */
	size_t n;
} step_rows[] = {
	{ "below there is nothing", { { LEVEL_BELOW, SENSE_SAME }, { LEVEL_BETWEEN, SENSE_SAME } }, 2 },
	{ "at the onset it begins, once", { { LEVEL_ABOVE, SENSE_BEGINS }, { LEVEL_ABOVE, SENSE_SAME } }, 2 },
	{ "it lasts while it is not below its end",
	  { { LEVEL_ABOVE, SENSE_BEGINS },
	    { LEVEL_BETWEEN, SENSE_SAME },
	    { LEVEL_BETWEEN, SENSE_SAME },
	    { LEVEL_BETWEEN, SENSE_SAME },
	    { LEVEL_BETWEEN, SENSE_SAME } }, 5 },
	{ "it is over when it stays there for the hold-down",
	  { { LEVEL_ABOVE, SENSE_BEGINS }, { LEVEL_BELOW, SENSE_SAME }, { LEVEL_BELOW, SENSE_ENDS } }, 3 },
	{ "and not when it comes back before",
	  { { LEVEL_ABOVE, SENSE_BEGINS },
	    { LEVEL_BELOW, SENSE_SAME },
	    { LEVEL_ABOVE, SENSE_SAME },
	    { LEVEL_BELOW, SENSE_SAME },
	    { LEVEL_BELOW, SENSE_ENDS } }, 5 },
	{ "after its end it may begin again",
	  { { LEVEL_ABOVE, SENSE_BEGINS },
	    { LEVEL_BELOW, SENSE_SAME },
	    { LEVEL_BELOW, SENSE_ENDS },
	    { LEVEL_BETWEEN, SENSE_SAME },
	    { LEVEL_ABOVE, SENSE_BEGINS } }, 5 },
};

static void steps(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(step_rows); i++) {
		struct sensed s = {};

		print_message("# %s\n", step_rows[i].sentence);
		for (size_t at = 0; at < step_rows[i].n; at++) {
			enum sense_change wanted = step_rows[i].at[at].change;
			bool on = wanted == SENSE_BEGINS || (s.on && wanted == SENSE_SAME);
			__u64 now = (10 + at) * NSEC_PER_SEC;

			assert_int_equal(sense_step(&s, step_rows[i].at[at].level, 2 * NSEC_PER_SEC, now),
					 wanted);
			assert_int_equal(s.on, on);
			if (wanted == SENSE_BEGINS)
				assert_int_equal(s.since_ns, now);
		}
	}
}

/* RFC 8570 §4.3 and §4.4: anomalous from the maximum on, until below the reuse threshold. */
static void as_told(void **state)
{
	const struct sensed_key errors = { 7, TROUBLE_ERRORS }, node = { 0, TROUBLE_NODE };
	struct sensed s = { .value = 10000, .memory_percent = 60, .on = 1 };
	struct measured m = sensed_measured(&errors, &s);

	assert_int_equal(m.told, MSG_BIT(TLVI_LOSS));
	assert_int_equal(m.loss, 333333); /* 1 % */
	assert_int_equal(m.anomalous, ANOMALOUS_LOSS);
	s.on = 0;
	assert_int_equal(sensed_measured(&errors, &s).anomalous, 0);
	s.value = 1000000;
	assert_int_equal(sensed_measured(&errors, &s).loss, 0xfffffe);
	s.value = 85;
	m = sensed_measured(&node, &s);
	assert_int_equal(m.told, MSG_BIT(TLVI_NODE_LOAD));
	assert_int_equal(m.cpu_percent, 85);
	assert_int_equal(m.memory_percent, 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "which counters are of bad packets", .test_func = counters },
		{ .name = "what share of the packets is bad", .test_func = shares },
		{ .name = "few bad packets begin nothing", .test_func = few_begin_nothing },
		{ .name = "the kernel's pressure stall information is read", .test_func = the_kernels_line },
		{ .name = "it becomes percent of the time", .test_func = percent_of_the_time },
		{ .name = "a load average becomes percent of the CPUs", .test_func = a_load_average },
		{ .name = "without the file there is the load average", .test_func = without_a_file },
		{ .name = "when trouble begins, lasts and is over", .test_func = steps },
		{ .name = "what is told of it", .test_func = as_told },
	};

	return cmocka_run_group_tests_name("senses", tests, NULL, NULL);
}
