// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * fantel_customer: when a flow moves to another path, by the ordering of its group. Four paths, told
 * apart by the outer destination; time passes by making what fantel_flows remembers older, where a
 * test does not wait for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include <bpf/bpf.h>

#include "clock.h"
#include "fantel/path.h"
#include "harness.h"

#define PATHS 4
#define FLOWS 2000
#define LONG_GAP_US 1000000000 /* no test takes that long, on an emulated machine either */

static struct fantel_bpf *node;
static struct outcome got;

static const __u16 even[PATHS] = { 1, 1, 1, 1 }, uneven[PATHS] = { 6, 1, 1, 1 };

/* ---- a node ---------------------------------------------------------------------------------- */

/* New weights, as the loader writes them: the whole table at once. */
static void weights(__u32 group, const __u16 *weight, enum ordering ordering)
{
	node_group(node, group, FATE_DROP, PATHS, weight, NULL);
	node_ordering(node, group, ordering, LONG_GAP_US);
}

static void forget_flows(void)
{
	static const struct flow none;

	for (__u32 at = 0; at < 2 * RANK_SLOTS; at++)
		node_put(node->maps.fantel_flows, &at, &none);
}

static void node_reset(enum ordering ordering)
{
	struct nexthop nh = nexthop_fresh();

	for (__u32 i = 0; i < PATHS; i++) {
		char name[NAME_LEN], sid[64];
		const char *segments[] = { sid, NULL };
		struct policy_path p;

		snprintf(name, sizeof(name), "path-%u", i);
		snprintf(sid, sizeof(sid), "2001:db8:b:%x::", i);
		p = path_of(name, false, segments);
		node_path(node, i, &p);
		node_nexthop(node, i, &nh);
		node_failures(node, i, 0);
	}
	forget_flows();
	weights(0, even, ordering);
	weights(1, even, ordering);
	node_class(node, "2001:db8:2::/48", 0);
	node_class(node, "2001:db8:3::/48", 1);
}

/* Let so many ticks pass for the flows of group 0. */
static void age_flows(__u32 ticks)
{
	struct flow flow;

	for (__u32 at = 0; at < RANK_SLOTS; at++) {
		node_get(node->maps.fantel_flows, &at, &flow);
		flow.last -= ticks;
		node_put(node->maps.fantel_flows, &at, &flow);
	}
}

static __u32 idle_ticks(__u32 group)
{
	static struct rank rank;

	node_get(node->maps.fantel_ranks, &group, &rank);
	assert_int_not_equal(rank.idle, 0);
	return rank.idle;
}

/* Which path takes RoCEv2 flow i of group 0, or of group 1? */
static int path_of_flow_to(const char *packet, int i)
{
	struct bytes in = *golden(packet);

	store16(in.b + 54 + 8 + 6, be16(i)); /* DestQP */
	node_run(node, node->progs.fantel_customer, 0, &in, &got);
	assert_int_equal(got.verdict, XDP_REDIRECT);
	return be16(load16(got.out.b + 44));
}

static int path_of_flow(int i)
{
	return path_of_flow_to("roce6", i);
}

static void paths_of_flows(__s8 *path)
{
	for (int i = 0; i < FLOWS; i++)
		path[i] = path_of_flow(i);
}

static int moved(const __s8 *before, const __s8 *after)
{
	int n = 0;

	for (int i = 0; i < FLOWS; i++)
		n += before[i] != after[i];
	return n;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static const enum ordering kept[] = { ORDERING_FLOWLET, ORDERING_STRICT };

static __s8 before[FLOWS], after[FLOWS], wanted[FLOWS];

/* Where the flows would be by the weights alone. */
static void by_weights(const __u16 *weight)
{
	node_reset(ORDERING_ANY);
	weights(0, weight, ORDERING_ANY);
	paths_of_flows(wanted);
}

/* Congestion is no failure: a flow that must keep its order keeps its path, which is slowed down. All
 * others leave, and new ones go where there is room. */
static void strict_outlasts_congestion(void **state)
{
	node_reset(ORDERING_STRICT);
	node_relief(node, 0, RELIEF_NONE);
	paths_of_flows(before);
	node_congestions(node, 2, 1);
	paths_of_flows(after);
	assert_int_equal(moved(before, after), 0);
	forget_flows();
	paths_of_flows(after);
	for (int i = 0; i < FLOWS; i++)
		assert_int_not_equal(after[i], 2);
	node_congestions(node, 2, 0);
	node_failures(node, after[0], 1);
	assert_int_not_equal(path_of_flow(0), after[0]);
	node_reset(ORDERING_FLOWLET);
	node_relief(node, 0, RELIEF_NONE);
	paths_of_flows(before);
	node_congestions(node, 2, 1);
	paths_of_flows(after);
	for (int i = 0; i < FLOWS; i++)
		assert_int_equal(before[i] == 2, before[i] != after[i]);
}

static void any_moves_at_once(void **state)
{
	by_weights(uneven);
	node_reset(ORDERING_ANY);
	paths_of_flows(before);
	weights(0, uneven, ORDERING_ANY);
	paths_of_flows(after);
	assert_memory_equal(after, wanted, sizeof(after));
	assert_in_range(moved(before, after), FLOWS / 4, FLOWS / 2);
}

static void any_remembers_nothing(void **state)
{
	static const struct flow none;
	struct flow flow;

	node_reset(ORDERING_ANY);
	paths_of_flows(before);
	for (__u32 at = 0; at < RANK_SLOTS; at++) {
		node_get(node->maps.fantel_flows, &at, &flow);
		assert_memory_equal(&flow, &none, sizeof(flow));
	}
}

static void a_flow_that_goes_on_stays(void **state)
{
	for (size_t k = 0; k < ARRAY_SIZE(kept); k++) {
		node_reset(kept[k]);
		paths_of_flows(before);
		weights(0, uneven, kept[k]);
		paths_of_flows(after);
		assert_int_equal(moved(before, after), 0);
		/* Half of long enough, and again: what counts is the last packet. */
		for (int again = 0; again < 3; again++) {
			age_flows(idle_ticks(0) / 2);
			paths_of_flows(after);
			assert_int_equal(moved(before, after), 0);
		}
	}
}

static void a_flow_that_paused_follows_the_weights(void **state)
{
	by_weights(uneven);
	for (size_t k = 0; k < ARRAY_SIZE(kept); k++) {
		node_reset(kept[k]);
		paths_of_flows(before);
		weights(0, uneven, kept[k]);
		age_flows(idle_ticks(0));
		paths_of_flows(after);
		assert_memory_equal(after, wanted, sizeof(after));
	}
}

static void a_new_flow_follows_the_weights(void **state)
{
	by_weights(uneven);
	for (size_t k = 0; k < ARRAY_SIZE(kept); k++) {
		node_reset(kept[k]);
		weights(0, uneven, kept[k]);
		paths_of_flows(after);
		assert_memory_equal(after, wanted, sizeof(after));
	}
}

/* Every ordering: a failed path is left by the next packet, and by nobody else. */
static void a_failed_path_is_left_at_once(void **state)
{
	for (enum ordering ordering = ORDERING_ANY; ordering <= ORDERING_STRICT; ordering++) {
		node_reset(ordering);
		paths_of_flows(before);
		node_failures(node, 2, 1);
		paths_of_flows(after);
		for (int i = 0; i < FLOWS; i++) {
			assert_int_not_equal(after[i], 2);
			if (before[i] != 2)
				assert_int_equal(after[i], before[i]);
		}
		/* Usable again: those that went return at once, or at their time. */
		node_failures(node, 2, 0);
		paths_of_flows(wanted);
		if (ordering == ORDERING_ANY) {
			assert_int_equal(moved(before, wanted), 0);
			continue;
		}
		assert_int_equal(moved(after, wanted), 0);
		age_flows(idle_ticks(0));
		paths_of_flows(wanted);
		assert_int_equal(moved(before, wanted), 0);
	}
}

static void a_path_whose_link_is_down_is_left_at_once(void **state)
{
	struct nexthop down = nexthop_fresh();

	down.down = 1;
	for (size_t k = 0; k < ARRAY_SIZE(kept); k++) {
		node_reset(kept[k]);
		paths_of_flows(before);
		node_nexthop(node, 1, &down);
		paths_of_flows(after);
		for (int i = 0; i < FLOWS; i++)
			assert_true(before[i] == 1 ? after[i] != 1 : after[i] == before[i]);
	}
}

/* By a new policy, or drained: the path is there and well, and not for this group. */
static void a_path_that_left_the_group_is_left_at_once(void **state)
{
	static const __u16 drained[PATHS] = { 1, 1, 1, 0 };

	for (size_t k = 0; k < ARRAY_SIZE(kept); k++) {
		node_reset(kept[k]);
		paths_of_flows(before);
		weights(0, drained, kept[k]);
		paths_of_flows(after);
		for (int i = 0; i < FLOWS; i++)
			assert_true(before[i] == 3 ? after[i] != 3 : after[i] == before[i]);
	}
}

/* The same flows in two groups, in turn: one group's weights are nothing to the other's flows. */
static void groups_do_not_share_what_they_remember(void **state)
{
	for (size_t k = 0; k < ARRAY_SIZE(kept); k++) {
		int path[2][500];

		node_reset(kept[k]);
		for (int i = 0; i < 500; i++) {
			path[0][i] = path_of_flow_to("roce6", i);
			path[1][i] = path_of_flow_to("roce6 elsewhere", i);
		}
		weights(0, uneven, kept[k]);
		for (int i = 0; i < 500; i++) {
			assert_int_equal(path_of_flow_to("roce6", i), path[0][i]);
			assert_int_equal(path_of_flow_to("roce6 elsewhere", i), path[1][i]);
		}
	}
}

/* By the clocks themselves: 500 us of ns, and two jiffies in place of 30 s of them. */
static void time_passes_by_itself(void **state)
{
	static struct rank rank;
	__u32 zero = 0;

	by_weights(uneven);
	for (size_t k = 0; k < ARRAY_SIZE(kept); k++) {
		node_reset(kept[k]);
		node_ordering(node, 0, kept[k], 500);
		paths_of_flows(before);
		weights(0, uneven, kept[k]);
		node_ordering(node, 0, kept[k], 500);
		if (kept[k] == ORDERING_STRICT) {
			node_get(node->maps.fantel_ranks, &zero, &rank);
			assert_int_equal(rank.idle, 30 * clock_hz());
			rank.idle = 2;
			node_put(node->maps.fantel_ranks, &zero, &rank);
		}
		usleep(50000);
		paths_of_flows(after);
		/* A slot's flows move together: the first of them moves it, and the others follow. */
		assert_memory_equal(after, wanted, sizeof(after));
	}
}

static int setup(void **state)
{
	struct config config = node_config();

	node = node_load(&config);
	return 0;
}

static int teardown(void **state)
{
	fantel_bpf__destroy(node);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("any: changed weights move their share of flows at once", any_moves_at_once),
		TEST("any: nothing is remembered", any_remembers_nothing),
		TEST("flowlet, strict: a flow that goes on stays, whatever the weights",
		     a_flow_that_goes_on_stays),
		TEST("flowlet, strict: a flow that paused follows the weights",
		     a_flow_that_paused_follows_the_weights),
		TEST("flowlet, strict: a new flow follows the weights", a_new_flow_follows_the_weights),
		TEST("a failed path is left at once; back, it gets its flows when their ordering lets it",
		     a_failed_path_is_left_at_once),
		TEST("flowlet, strict: a path whose link is down is left at once",
		     a_path_whose_link_is_down_is_left_at_once),
		TEST("flowlet, strict: a path that left the group is left at once",
		     a_path_that_left_the_group_is_left_at_once),
		TEST("strict: a flow stays on a congested path; flowlet: it leaves at once",
		     strict_outlasts_congestion),
		TEST("groups do not share what they remember", groups_do_not_share_what_they_remember),
		TEST("500 us let a flowlet move; jiffies pass for strict", time_passes_by_itself),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
