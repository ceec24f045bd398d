// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* pace.h: what a notification asks for, the rate that follows, and the bucket. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "fantel/pace.h"

static __u32 bits(float value)
{
	__u32 b;

	memcpy(&b, &value, sizeof(b));
	return b;
}

static void whole_numbers(void **state)
{
	static const struct {
		float value;
		__u64 whole;
	} row[] = {
		{ 0, 0 },	    { 0.999f, 0 },	      { 1, 1 },
		{ 1.5f, 1 },	    { 16777215, 16777215 },   { 16777216, 16777216 },
		{ 125e6f, 125000000 }, { 12.5e9f, 12499999744 }, { 4e12f, 3999999983616 },
		{ 5e12f, PACE_MOST }, { 3e38f, PACE_MOST },     { 1e-40f, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_int_equal(pace_whole(bits(row[i].value)),
				 MIN(row[i].whole, PACE_MOST));
}

/* What is 0 is left out. */
struct row {
	const char *sentence;
	float rate, capacity, utilized;
	__u32 depth, limit;
	__u64 want_rate;
	double want_share;
};

static const struct row rows[] = {
	{ "nothing said: the policy's share", .want_share = 0.5 },
	{ "a rate is taken as it is", .rate = 125e6, .want_rate = 125000000, .want_share = 0.5 },
	{ "a full link comes down to the target", 0, 1e9, 1e9, .want_share = 0.9 },
	{ "a link below the target is not why", 0, 1e9, 0.8e9, .want_share = 0.5 },
	{ "utilization without a capacity says nothing", 0, 0, 1e9, .want_share = 0.5 },
	{ "a capacity without utilization says nothing", 0, 1e9, 0, .want_share = 0.5 },
	{ "a full queue halves", .depth = 1000, .limit = 1000, .want_share = 0.5 },
	{ "a queue a tenth full takes a twentieth", .depth = 100, .limit = 1000, .want_share = 0.95 },
	{ "a queue beyond its limit is full", .depth = 5000, .limit = 1000, .want_share = 0.5 },
	{ "an empty queue is not why", .limit = 1000, .want_share = 0.5 },
	{ "both: the product", 0, 1e9, 1e9, 500, 1000, .want_share = 0.9 * 0.75 },
	{ "the fastest links", 0, 4e12, 4.3e12, .want_share = 0.9 * 4 / 4.3 },
	{ "the longest queues", .depth = 0x7fffffff, .limit = 0xffffffff, .want_share = 0.75 },
};

static void what_is_asked(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct msg m = { .capacity_f32 = bits(r->capacity),
				 .utilized_f32 = bits(r->utilized),
				 .rate_max_f32 = bits(r->rate),
				 .queue_depth = r->depth,
				 .queue_limit = r->limit };
		struct pace_ask ask;

		m.present = r->rate ? MSG_BIT(TLVI_RATE) : 0;
		pace_asked(&ask, &m, 90, PACE_ALL / 2);
		if (fabs(ask.share - r->want_share * PACE_ALL) > 3 || ask.rate != r->want_rate)
			fprintf(stderr, "%s: %llu, %u\n", r->sentence, (unsigned long long)ask.rate,
				ask.share);
		assert_int_equal(ask.rate, r->want_rate);
		assert_true(fabs(ask.share - r->want_share * PACE_ALL) <= 3);
	}
}

static void a_rate_of_nothing_is_none(void **state)
{
	struct msg m = { .rate_max_f32 = bits(0.5f) };

	assert_true(pace_possible(&m)); /* it asks for none */
	m.present = MSG_BIT(TLVI_RATE);
	assert_false(pace_possible(&m));
	m.rate_max_f32 = bits(1);
	assert_true(pace_possible(&m));
}

static void rates(void **state)
{
	struct pace_ask told = { .rate = 1000000, .share = PACE_ALL / 2 };
	struct pace_ask share = { .share = PACE_ALL / 4 };

	assert_int_equal(pace_rate(&told, 0, 1000), 1000000);
	assert_int_equal(pace_rate(&told, 50, 1000), 1000000);
	assert_int_equal(pace_rate(&told, 50, 2000000), 2000000);
	assert_int_equal(pace_rate(&share, 4000000, 1000), 1000000);
	assert_int_equal(pace_rate(&share, 4000, 1500), 1500);
	assert_int_equal(pace_rate(&share, 0, 1500), 0); /* not known yet */
	assert_int_equal(pace_rate(&share, ~0ULL, 1500), PACE_MOST / 4);
}

#define MSEC NSEC_PER_MSEC
#define START (1000 * MSEC)

/* 1,000 bytes of what may run 20 ms ahead. */
static enum pace_verdict take(struct pace *p, __u64 rate, __u64 now_ns)
{
	return pace_take(p, rate, 1000, now_ns, 20 * MSEC, 20 * MSEC).verdict;
}

/* 1,000-byte packets at twice the rate of 1 MB/s, in the time given: how many passed? */
static __u32 run(struct pace *p, __u64 from_ns, __u64 for_ns, __u32 *marked)
{
	__u32 passed = 0;

	for (__u64 t = from_ns; t < from_ns + for_ns; t += MSEC / 2) {
		enum pace_verdict verdict = take(p, 1000000, t);

		passed += verdict != PACE_DROP;
		*marked += verdict == PACE_MARK;
	}
	return passed;
}

static void the_bucket_holds_the_rate(void **state)
{
	struct pace p = {};
	__u32 marked = 0;

	/* A ms of traffic at the rate comes in each half: 5 ms ahead after 5, 20 after 20. */
	assert_int_equal(run(&p, START, 5 * MSEC, &marked), 10);
	assert_int_equal(marked, 0);
	assert_int_equal(run(&p, START + 5 * MSEC, 15 * MSEC, &marked), 30);
	assert_int_equal(marked, 29);
	assert_in_range(run(&p, START + 20 * MSEC, 1000 * MSEC, &marked), 1000, 1001);
	/* After a pause it begins anew, without credit for the pause. */
	marked = 0;
	assert_int_equal(run(&p, START + 9000 * MSEC, 5 * MSEC, &marked), 10);
	assert_int_equal(marked, 0);
}

static void traffic_below_the_rate_is_left_alone(void **state)
{
	struct pace p = {};

	for (__u64 t = START; t < START + 1000 * MSEC; t += 2 * MSEC)
		assert_int_equal(take(&p, 1000000, t), PACE_PASS);
}

static void a_clock_that_lags_takes_nothing_back(void **state)
{
	struct pace p = {};

	assert_int_equal(take(&p, 1000000, START), PACE_PASS);
	assert_int_equal(p.even_ns, START + MSEC);
	assert_int_equal(take(&p, 1000000, START - 5000), PACE_PASS);
	assert_int_equal(p.even_ns, START + 2 * MSEC);
	assert_int_equal(take(&p, 0, START), PACE_PASS);
	assert_int_equal(p.even_ns, START + 2 * MSEC);
}

/* At twice the rate, for as long as half of it may wait: each leaves a ms after the one before. */
static void turns_are_evenly_spaced(void **state)
{
	struct pace p = {};
	__u32 n = 0, marked = 0, dropped = 0;
	struct pace_turn turn;

	for (__u64 t = START; t < START + 100 * MSEC; t += MSEC / 2, n++) {
		turn = pace_take(&p, 1000000, 1000, t, 20 * MSEC, 100 * MSEC);
		assert_int_not_equal(turn.verdict, PACE_DROP);
		assert_int_equal(turn.at_ns, START + n * MSEC);
		marked += turn.verdict == PACE_MARK;
	}
	assert_int_equal(marked, 189); /* from 5 ms on */
	for (__u64 t = START + 100 * MSEC; t < START + 200 * MSEC; t += MSEC / 2)
		dropped += pace_take(&p, 1000000, 1000, t, 20 * MSEC, 100 * MSEC).verdict == PACE_DROP;
	assert_int_equal(dropped, 100);
	/* After a pause the turn is at once. */
	turn = pace_take(&p, 1000000, 1000, START + 9000 * MSEC, 20 * MSEC, 100 * MSEC);
	assert_int_equal(turn.at_ns, START + 9000 * MSEC);
	assert_int_equal(turn.verdict, PACE_PASS);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		{ "floats become whole numbers, up to the most", whole_numbers, NULL, NULL, NULL },
		{ "what a notification asks for", what_is_asked, NULL, NULL, NULL },
		{ "a rate below a byte a second is none", a_rate_of_nothing_is_none, NULL, NULL, NULL },
		{ "the rate that follows", rates, NULL, NULL, NULL },
		{ "the bucket holds traffic to the rate", the_bucket_holds_the_rate, NULL, NULL, NULL },
		{ "traffic below the rate is left alone", traffic_below_the_rate_is_left_alone, NULL,
		  NULL, NULL },
		{ "a clock that lags takes nothing back", a_clock_that_lags_takes_nothing_back, NULL,
		  NULL, NULL },
		{ "turns are evenly spaced", turns_are_evenly_spaced, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
