// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * From metrics to weights: the load of a path, one step, and many ingress PEs that share links and
 * hear of their own traffic late. Shares are those of the tables that packets follow (rank_build).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fantel/metric.h"
#include "fantel/path.h"
#include "weights.h"

#define BIT(tlv) MSG_BIT(TLVI_##tlv)

static const struct weights_rules damped = { WEIGHTS_GAIN, WEIGHTS_PART, 12, WEIGHTS_START,
					     WEIGHTS_REST };
/* All the way at once. */
static const struct weights_rules undamped = { WEIGHTS_GAIN, 1, 1000000, 0, 0 };

/* ---- load ------------------------------------------------------------------------------------ */

static const struct load_row {
	const char *sentence;
	struct measured m;
	__u32 load;
} load_rows[] = {
	{ "nothing", {}, 0 },
	{ "utilized of capacity",
	  { BIT(CAPACITY) | BIT(UTILIZED), .capacity = 12500000000, .utilized = 7500000000 }, 600 },
	{ "not available of capacity",
	  { BIT(CAPACITY) | BIT(AVAILABLE), .capacity = 1000, .available = 250 }, 750 },
	{ "not residual of capacity",
	  { BIT(CAPACITY) | BIT(RESIDUAL), .capacity = 1000, .residual = 900 }, 100 },
	{ "the greatest of the three",
	  { BIT(CAPACITY) | BIT(RESIDUAL) | BIT(AVAILABLE) | BIT(UTILIZED), .capacity = 1000,
	    .residual = 800, .available = 300, .utilized = 500 }, 700 },
	{ "utilized and available, without the capacity",
	  { BIT(UTILIZED) | BIT(AVAILABLE), .utilized = 300, .available = 100 }, 750 },
	{ "utilized alone says nothing", { BIT(UTILIZED), .utilized = 300 }, 0 },
	{ "a link without capacity is full",
	  { BIT(CAPACITY) | BIT(UTILIZED), .capacity = 0, .utilized = 0 }, LOAD_FULL },
	{ "the largest numbers there are",
	  { BIT(UTILIZED) | BIT(AVAILABLE), .utilized = ~0ULL, .available = ~0ULL }, 499 },
	{ "a queue", { BIT(QUEUE), .queue_depth = 30, .queue_limit = 40 }, 750 },
	{ "a queue beyond its limit", { BIT(QUEUE), .queue_depth = 50, .queue_limit = 40 }, LOAD_FULL },
	{ "a queue without limit says nothing", { BIT(QUEUE), .queue_depth = 50 }, 0 },
	{ "a tenth of a percent lost", { BIT(LOSS), .loss = 33333 }, 99 },
	{ "two percent lost", { BIT(LOSS), .loss = 666666 }, LOAD_FULL },
	{ "a long way is not a busy one", { BIT(DELAY), .delay_us = 900000 }, 0 },
	{ "queueing delay",
	  { BIT(DELAY) | BIT(DELAY_RANGE), .delay_us = 12000, .delay_min_us = 10000,
	    .delay_max_us = 20000 }, 200 },
	{ "anomalous by its own node's word",
	  { BIT(DELAY), .delay_us = 1, .anomalous = ANOMALOUS_DELAY }, LOAD_FULL },
	{ "a CPU", { BIT(NODE_LOAD), .cpu_percent = 35, .memory_percent = 90 }, 350 },
	{ "memory that runs out", { BIT(NODE_LOAD), .cpu_percent = 10, .memory_percent = 98 }, 800 },
};

static void check_load(void **state)
{
	const struct load_row *row = *state;

	assert_int_equal(weights_load(&row->m), row->load);
}

/* ---- one group ------------------------------------------------------------------------------- */

static struct group group_of(__u32 n, const __u16 *weight, const __u16 *tier)
{
	struct group g = { .n_members = n };

	for (__u32 i = 0; i < n; i++) {
		snprintf(g.member[i].name, NAME_LEN, "path-%u", i);
		g.member[i].path = i;
		g.member[i].weight = weight[i];
		g.member[i].tier = tier ? tier[i] : 0;
	}
	weights_reset(&g);
	return g;
}

/* Until it rests; returns in how many steps. */
static int settle(struct group *g, const __u32 *load, bool known, const struct weights_rules *rules)
{
	bool moving = false;
	int steps = 0;

	while (weights_step(g, load, known, rules, &moving) && steps < 1000)
		steps++;
	assert_in_range(steps, 0, 999);
	return steps;
}

static void equal_loads_leave_policy_alone(void **state)
{
	static const __u16 weight[] = { 1, 3, 65535, 0 };
	static const __u32 load[MAX_MEMBERS] = { 700, 700, 700, 700 };
	struct group g = group_of(4, weight, NULL), was = g;

	assert_int_equal(settle(&g, load, true, &damped), 0);
	assert_memory_equal(&g, &was, sizeof(g));
}

static void the_busier_path_gets_less(void **state)
{
	static const __u16 weight[] = { 1, 1, 0 };
	static const __u32 load[MAX_MEMBERS] = { 900, 300, 0 };
	struct group g = group_of(3, weight, NULL);
	struct weights_rules exact = damped;

	exact.start = exact.rest = 0;
	settle(&g, load, true, &exact);
	assert_true(g.member[0].effective < 256 && g.member[1].effective > 256);
	/* 600 thousandths apart: the ratio of the factors is 2^(6 * 0.6), whatever the mean. */
	assert_float_equal(log2((double)g.member[1].effective / g.member[0].effective), 3.6, 0.1);
	assert_int_equal(g.member[2].effective, 0);
}

static void no_weight_ends(void **state)
{
	static const __u16 weight[] = { 1, 1, 1 };
	static const __u32 load[MAX_MEMBERS] = { LOAD_FULL, 0, 0 };
	struct group g = group_of(3, weight, NULL);

	settle(&g, load, true, &damped);
	assert_in_range(g.member[0].effective, 256 / WEIGHTS_RANGE, 255);
	assert_in_range(g.member[1].effective, 257, 256 * WEIGHTS_RANGE);
}

static void a_tier_is_compared_with_itself(void **state)
{
	static const __u16 weight[] = { 2, 2, 5, 5 }, tier[] = { 0, 0, 1, 1 };
	static const __u32 load[MAX_MEMBERS] = { 900, 900, 100, 100 };
	struct group g = group_of(4, weight, tier), was = g;

	assert_int_equal(settle(&g, load, true, &damped), 0);
	assert_memory_equal(&g, &was, sizeof(g));
}

static void a_small_difference_moves_nothing(void **state)
{
	static const __u16 weight[] = { 1, 1 };
	static const __u32 load[MAX_MEMBERS] = { 515, 500 }, more[MAX_MEMBERS] = { 560, 500 };
	struct group g = group_of(2, weight, NULL), was = g;

	assert_int_equal(settle(&g, load, true, &damped), 0);
	assert_memory_equal(&g, &was, sizeof(g));
	assert_true(settle(&g, more, true, &damped) > 0);
}

static void no_step_is_larger_than_allowed(void **state)
{
	static const __u16 weight[] = { 1000, 1, 7 };
	static const __u32 load[MAX_MEMBERS] = { 1000, 0, 300 };
	struct group g = group_of(3, weight, NULL), was = g;
	bool moving = false;

	while (weights_step(&g, load, true, &damped, &moving)) {
		for (int i = 0; i < 3; i++) {
			double ratio = (double)g.member[i].effective / was.member[i].effective;

			assert_true(ratio >= 0.8799 && ratio <= 1.1201);
		}
		was = g;
	}
}

static void without_metrics_policy_returns(void **state)
{
	static const __u16 weight[] = { 4, 1, 3 };
	static const __u32 load[MAX_MEMBERS] = { 950, 100, 500 };
	static const __u32 none[MAX_MEMBERS] = { LOAD_UNKNOWN, LOAD_UNKNOWN, LOAD_UNKNOWN };
	struct group g = group_of(3, weight, NULL), policy = g;

	assert_true(settle(&g, load, true, &damped) > 5);
	assert_true(settle(&g, none, false, &damped) > 5);
	assert_memory_equal(&g, &policy, sizeof(g));
}

/* ---- flows moved ------------------------------------------------------------------------------ */

static int first(const struct rank *r, int slot)
{
	return r->order[slot] & 15;
}

static void shares(const struct rank *r, __u32 n, double *share)
{
	for (__u32 i = 0; i < n; i++)
		share[i] = 0;
	for (int slot = 0; slot < RANK_SLOTS; slot++)
		share[first(r, slot)] += 1.0 / RANK_SLOTS;
}

/* Over a whole change, step by step: flows that moved against the change of shares. */
static void only_their_share_of_flows_moves(void **state)
{
	static const __u16 weight[] = { 4, 4, 1, 1 };
	static const __u32 load[MAX_MEMBERS] = { 900, 400, 500, 500 };
	static struct rank before, after;
	struct group g = group_of(4, weight, NULL);
	double was[4], is[4], all_moved = 0, all_changed = 0;
	bool moving = false;
	int step = 0;

	rank_build(&before, &g, FATE_DROP);
	for (; weights_step(&g, load, true, &damped, &moving); step++) {
		double moved = 0, changed = 0;

		rank_build(&after, &g, FATE_DROP);
		shares(&before, 4, was);
		shares(&after, 4, is);
		for (int slot = 0; slot < RANK_SLOTS; slot++)
			moved += (first(&before, slot) != first(&after, slot)) / (double)RANK_SLOTS;
		for (int i = 0; i < 4; i++)
			changed += fabs(is[i] - was[i]) / 2;
		/* No fewer could have moved; some more do when several weights change at once. */
		assert_true(moved >= changed - 1e-9 && moved <= 1.25 * changed + 0.002);
		all_moved += moved;
		all_changed += changed;
		before = after;
	}
	print_message("# in %d steps shares changed by %.1f %% and %.1f %% of flows moved\n", step,
		      100 * all_changed, 100 * all_moved);
	assert_true(all_changed > 0.1);
}

/* ---- many ingress PEs, one network ------------------------------------------------------------- */

#define PES_MAX 8
#define LINKS_MAX 3
#define SECOND 10 /* ticks of 100 ms */

/* A network: links that all PEs share, a path of each PE over each link. */
struct scene {
	const char *sentence;
	__u32 links, pes;
	double capacity[LINKS_MAX], others[LINKS_MAX]; /* traffic that nobody steers */
	double demand;				       /* of all PEs together */
	__u16 weight[LINKS_MAX];
	__u32 late; /* seconds until the news of a second is told, measured and heard */
	bool in_phase;
};

static const struct scene scenes[] = {
	{ "one PE, links of 100 and 40", 2, 1, { 100, 40 }, {}, 90, { 1, 1 }, 1, true },
	{ "two PEs that act as one", 2, 2, { 100, 40 }, {}, 90, { 1, 1 }, 1, true },
	{ "two PEs, each at its time", 2, 2, { 100, 40 }, {}, 90, { 1, 1 }, 1, false },
	{ "eight PEs that act as one", 2, 8, { 100, 100 }, { 0, 60 }, 120, { 1, 1 }, 1, true },
	{ "eight PEs, nearly full, news two seconds late", 2, 8, { 100, 100 }, { 10, 0 }, 175,
	  { 1, 1 }, 2, true },
	{ "three links, news two seconds late", 3, 4, { 100, 40, 20 }, { 0, 0, 10 }, 100,
	  { 2, 1, 1 }, 2, false },
};

struct trace {
	double swing; /* of a link's share of the demand, in the last third */
	double spread; /* between the busiest and the idlest link at the end */
	double spread_at_first;
};

/* Utilization of each link, by what all PEs' tables say. */
static void carry(const struct scene *scene, const struct group *pe, double *utilized, double *of)
{
	static struct rank rank;
	double share[LINKS_MAX];

	for (__u32 l = 0; l < scene->links; l++) {
		utilized[l] = scene->others[l];
		of[l] = 0;
	}
	for (__u32 k = 0; k < scene->pes; k++) {
		rank_build(&rank, &pe[k], FATE_DROP);
		shares(&rank, scene->links, share);
		for (__u32 l = 0; l < scene->links; l++) {
			utilized[l] += share[l] * scene->demand / scene->pes;
			of[l] += share[l] / scene->pes;
		}
	}
	for (__u32 l = 0; l < scene->links; l++)
		utilized[l] = fmin(utilized[l] / scene->capacity[l], 1);
}

static double spread(const struct scene *scene, const double *utilized)
{
	double low = 1, high = 0;

	for (__u32 l = 0; l < scene->links; l++) {
		low = fmin(low, utilized[l]);
		high = fmax(high, utilized[l]);
	}
	return high - low;
}

/* What is told at second t is the mean of the second before, `late` seconds ago. */
static struct trace simulate(const struct scene *scene, const struct weights_rules *rules)
{
	enum { SECONDS = 60 };
	static double history[SECONDS * SECOND][LINKS_MAX];
	double utilized[LINKS_MAX], of[LINKS_MAX], least = 1, most = 0;
	struct group pe[PES_MAX];
	bool moving[PES_MAX] = {};
	struct trace trace = {};

	for (__u32 k = 0; k < scene->pes; k++) {
		pe[k] = group_of(scene->links, scene->weight, NULL);
		for (__u32 l = 0; l < scene->links; l++)
			snprintf(pe[k].member[l].name, NAME_LEN, "pe%u-%u", k, l);
	}
	carry(scene, pe, utilized, of);
	for (int t = 0; t < SECONDS * SECOND; t++) {
		bool changed = false;

		for (__u32 k = 0; k < scene->pes; k++) {
			int phase = scene->in_phase ? 0 : k * SECOND / scene->pes;
			int told = t - t % SECOND - (int)scene->late * SECOND;
			__u32 load[MAX_MEMBERS] = {};

			if (t % SECOND != phase || told < 0)
				continue;
			for (__u32 l = 0; l < scene->links; l++) {
				struct measured m = { .told = BIT(CAPACITY) | BIT(UTILIZED),
						      .capacity = 1000000 };

				for (int i = 0; i < SECOND; i++)
					m.utilized += history[told + i][l] * m.capacity / SECOND;
				load[l] = weights_load(&m);
			}
			changed |= weights_step(&pe[k], load, true, rules, &moving[k]);
		}
		if (changed)
			carry(scene, pe, utilized, of);
		for (__u32 l = 0; l < scene->links; l++)
			history[t][l] = utilized[l];
		if (t == 0)
			trace.spread_at_first = spread(scene, utilized);
		if (t >= SECONDS * SECOND * 2 / 3) {
			least = fmin(least, of[0]);
			most = fmax(most, of[0]);
		}
	}
	trace.swing = most - least;
	trace.spread = spread(scene, utilized);
	return trace;
}

static void check_scene(void **state)
{
	const struct scene *scene = *state;
	struct trace with = simulate(scene, &damped), without = simulate(scene, &undamped);

	print_message("# utilization apart: at first %.0f %%, at the end %.0f %%; swing of the first "
		      "link's share: damped %.1f %%, undamped %.1f %%\n",
		      100 * with.spread_at_first, 100 * with.spread, 100 * with.swing,
		      100 * without.swing);
	/* It settles, much nearer than it began, and would not without damping. */
	assert_true(with.swing < 0.03);
	assert_true(with.spread < 0.6 * with.spread_at_first);
	assert_true(without.swing > 0.3);
}

int main(void)
{
	static const struct CMUnitTest one[] = {
		{ .name = "equal loads leave policy's weights alone",
		  .test_func = equal_loads_leave_policy_alone },
		{ .name = "the busier path gets less, by 2^(gain * difference)",
		  .test_func = the_busier_path_gets_less },
		{ .name = "no weight ends at 0", .test_func = no_weight_ends },
		{ .name = "a tier is compared with itself", .test_func = a_tier_is_compared_with_itself },
		{ .name = "a small difference moves nothing",
		  .test_func = a_small_difference_moves_nothing },
		{ .name = "no step is larger than allowed", .test_func = no_step_is_larger_than_allowed },
		{ .name = "without metrics policy's weights return, exactly",
		  .test_func = without_metrics_policy_returns },
		{ .name = "changed weights move only their share of flows",
		  .test_func = only_their_share_of_flows_moves },
	};
	struct CMUnitTest tests[ARRAY_SIZE(one) + ARRAY_SIZE(load_rows) + ARRAY_SIZE(scenes)] = {};
	struct CMUnitTest *t = tests;

	for (size_t i = 0; i < ARRAY_SIZE(load_rows); i++)
		*t++ = (struct CMUnitTest){ .name = load_rows[i].sentence,
					    .test_func = check_load,
					    .initial_state = (void *)&load_rows[i] };
	for (size_t i = 0; i < ARRAY_SIZE(one); i++)
		*t++ = one[i];
	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++)
		*t++ = (struct CMUnitTest){ .name = scenes[i].sentence,
					    .test_func = check_scene,
					    .initial_state = (void *)&scenes[i] };
	return cmocka_run_group_tests_name("weights", tests, NULL, NULL);
}
