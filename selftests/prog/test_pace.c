// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A congested path without a better one, from the notification to the last step back: notifications
 * go through fantel_core, packets through fantel_customer, and time is the machine's own. Rates are
 * chosen so that it does not matter how fast that is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include "fantel/resource.h"
#include "harness.h"
#include "words.h"

#define PATH 0
#define OTHER 1
#define LINK 0

static struct fantel_bpf *node;
static struct outcome got;

static void node_begin(struct pacing pacing)
{
	struct config config = node_config();
	struct policy_path path = golden_path("encaps-3"), other = golden_path("encaps-2");
	struct addr a = addr_of("2001:db8:12::1"), b = addr_of("2001:db8:12::2");
	struct nexthop nh = nexthop_fresh();
	struct resource_key link;
	__u32 crossed = LINK;

	if (node)
		fantel_bpf__destroy(node);
	config.pacing = pacing;
	node = node_load(&config);
	node_path(node, PATH, &path);
	node_path(node, OTHER, &other);
	node_nexthop(node, PATH, &nh);
	node_nexthop(node, OTHER, &nh);
	node_group(node, 0, FATE_DROP, 1, NULL, NULL);
	node_class(node, "2001:db8:2::/48", 0);
	node_class(node, "203.0.113.0/24", 0);
	node_source(node, "2001:db8:f::/48");
	resource_key_link(&link, &a, &b);
	node_resource(node, LINK, "r1-r2", 1, &link);
	node_crosses(node, PATH, 1, &crossed);
}

/* All told rates are below a packet in minutes: what is measured and what passes depends on no clock. */
static const struct pacing slow = {
	.lowest = 1,
	.window_ns = 3600 * NSEC_PER_SEC,
	.burst_ns = 100 * NSEC_PER_SEC,
	.step_ns = 20 * NSEC_PER_MSEC,
	.share = PACE_ALL / 2,
	.target_percent = 90,
	.step_percent = 25,
};

static __u64 golden_len(const char *packet)
{
	return golden(packet)->len - 14;
}

static enum reason told(const char *message)
{
	node_run(node, node->progs.fantel_core, 0, golden(message), &got);
	for (int r = 0; r < REASON_COUNT; r++)
		if (got.count[r].packets)
			return r;
	return REASON_NONE;
}

/* Its verdict; *marked grows if it was. */
static __u32 sent(const char *packet, int *marked)
{
	node_run(node, node->progs.fantel_customer, 0, golden(packet), &got);
	*marked += got.count[REASON_MARKED].packets;
	return got.verdict;
}

/* How many of n pass? The others are dropped as paced. */
static int pass(int n, const char *packet, int *marked)
{
	int passed = 0;

	*marked = 0;
	for (int i = 0; i < n; i++) {
		passed += sent(packet, marked) == XDP_REDIRECT;
		assert_int_equal(got.verdict == XDP_DROP, got.count[REASON_PACED].packets);
	}
	return passed;
}

static struct pace pace(void)
{
	__u32 path = PACE_OF(PATH);
	struct pace p;

	node_get(node->maps.fantel_pace, &path, &p);
	return p;
}

static struct health health(void)
{
	__u32 path = PATH;
	struct health h;

	node_get(node->maps.fantel_health, &path, &h);
	return h;
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static void sleep_ms(int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

/* The packet has 114 bytes: 11.4 s at 10 bytes/s. Ten fill the 100 s but for what the last one brings. */
static void a_told_rate_holds(void **state)
{
	static const char *const about[] = { "congestion of encaps-3, 10 bytes/s",
					     "congestion of link, 10 bytes/s" };
	int marked;

	for (int i = 0; i < 2; i++) {
		node_begin(slow);
		assert_int_equal(pass(50, "roce6 ecn 2", &marked), 50);
		assert_int_equal(pace().state, PACE_OFF);
		assert_int_equal(told(about[i]), REASON_CONGESTED);
		assert_int_equal(pass(50, "roce6 ecn 2", &marked), 100 * 10 / golden_len("roce6 ecn 2") + 1);
		assert_int_equal(pace().rate, 10);
		assert_in_range(marked, 5, 7); /* from 25 s on */
		assert_int_equal(pass(50, "roce6 ecn 0", &marked), 0);
	}
}

/* The latest notification counts, and nothing is lower than the policy's lowest. */
static void a_told_rate_changes(void **state)
{
	struct pacing floor = slow;
	int marked;

	node_begin(slow);
	told("congestion of encaps-3, 10 bytes/s");
	pass(1, "roce6", &marked);
	assert_int_equal(pace().rate, 10);
	assert_int_equal(told("congestion of encaps-3, 100 bytes/s"), REASON_REFRESHED);
	pass(1, "roce6", &marked);
	assert_int_equal(pace().rate, 100);
	told("congestion of link, 10 bytes/s");
	pass(1, "roce6", &marked);
	assert_int_equal(pace().rate, 10);
	floor.lowest = 40;
	node_begin(floor);
	told("congestion of encaps-3, 10 bytes/s");
	pass(1, "roce6", &marked);
	assert_int_equal(pace().rate, 40);
}

/* While there is another path, none is slowed down and nothing is marked. */
static void an_alternative_is_better(void **state)
{
	int marked;

	node_begin(slow);
	node_group(node, 0, FATE_DROP, 2, NULL, NULL);
	told("congestion of encaps-3, 10 bytes/s");
	assert_int_equal(pass(100, "roce6 ecn 2", &marked), 100);
	assert_int_equal(marked, 0);
	assert_int_equal(pace().state, PACE_OFF);
	node_failures(node, OTHER, 1);
	assert_in_range(pass(100, "roce6 ecn 2", &marked), 1, 20);
}

static void a_group_may_only_mark(void **state)
{
	int marked;

	node_begin(slow);
	node_relief(node, 0, RELIEF_MARK);
	told("congestion of encaps-3, 10 bytes/s");
	assert_int_equal(pass(50, "roce6 ecn 2", &marked), 50);
	assert_int_equal(marked, 50);
	node_relief(node, 0, RELIEF_NONE);
	assert_int_equal(pass(50, "roce6 ecn 2", &marked), 50);
	assert_int_equal(marked, 0);
	assert_int_equal(pace().state, PACE_OFF);
}

/* What it carried is measured, and halved. */
static struct pacing measured(void)
{
	struct pacing p = slow;

	p.window_ns = 50 * NSEC_PER_MSEC;
	p.burst_ns = NSEC_PER_SEC;
	return p;
}

static void lower_by_measure(void)
{
	int marked, passed = pass(200, "roce6 ecn 2", &marked);

	/* A machine too busy to send them within the window has measured some of them. */
	if (pace().state == PACE_MEASURING) {
		assert_int_equal(passed, 200);
		assert_int_equal(marked, 200);
	}
	sleep_ms(60);
	pass(1, "roce6 ecn 2", &marked);
}

static void a_share_of_what_was_carried(void **state)
{
	__u64 most = 201 * golden_len("roce6 ecn 2") * NSEC_PER_SEC / (50 * NSEC_PER_MSEC);
	struct event event[4];
	struct pace p;

	node_begin(measured());
	told("congestion of encaps-3");
	node_events(node, NULL, 0);
	lower_by_measure();
	p = pace();
	assert_int_equal(p.state, PACE_LOWERED);
	assert_in_range(p.offered, 1, most);
	assert_int_equal(p.rate, p.offered / 2);
	assert_int_equal(node_events(node, event, 4), 1);
	assert_int_equal(event[0].type, EVENT_PATH);
	assert_int_equal(event[0].reason, REASON_LOWERED);
	assert_int_equal(event[0].index, PATH);
	assert_string_equal(event[0].name, "encaps-3");
	assert_true(event[0].usable && event[0].congested);
}

/* The event of a rate that is back. It comes last, and a moment after the state says so. */
static struct event risen(void)
{
	struct event event[8];

	for (int tries = 0; tries < 1000; tries++) {
		__u32 n = node_events(node, event, 8);

		if (n && n <= 8 && event[n - 1].reason == REASON_RISEN)
			return event[n - 1];
		sleep_ms(1);
	}
	fail();
	return event[0];
}

/* Steps of 25 % from half: 75 %, then all, which ends it. */
static void the_rate_rises_in_steps(void **state)
{
	static const char *const about[] = { "encaps-3", "link" };
	char name[64];
	int marked;

	for (int i = 0; i < 2; i++) {
		struct pace lowered, p;
		bool half_way = false;
		__u64 before, looked;

		node_begin(measured());
		snprintf(name, sizeof(name), "congestion of %s", about[i]);
		assert_int_equal(told(name), REASON_CONGESTED);
		lower_by_measure();
		lowered = pace();
		node_events(node, NULL, 0);
		before = now_ns();
		snprintf(name, sizeof(name), "end of congestion of %s", about[i]);
		assert_int_equal(told(name), REASON_EASED);
		pass(1, "roce6 ecn 2", &marked);
		for (int tries = 0; tries < 1000 && (p = pace()).state != PACE_OFF; tries++) {
			assert_int_equal(p.state, PACE_RISING);
			assert_true(p.rate == lowered.rate ||
				    p.rate == lowered.rate + lowered.offered / 4);
			half_way |= p.rate > lowered.rate;
			sleep_ms(1);
			/* A machine too busy to look once a step has not seen what was there. */
			looked = now_ns();
			half_way |= looked - before > measured().step_ns / 2;
			before = looked;
		}
		assert_int_equal(p.state, PACE_OFF);
		looked = now_ns();
		assert_true(half_way || looked - before > measured().step_ns / 2);
		assert_false(risen().congested);
		assert_int_equal(health().congestions, 0);
		assert_int_equal(pass(300, "roce6 ecn 2", &marked), 300);
		assert_int_equal(marked, 0);
	}
}

/* It is lowered again at the next step, by the same measure. */
static void congestion_returns_while_it_rises(void **state)
{
	struct pacing pacing = measured();
	struct pace lowered, p;

	pacing.step_ns = 300 * NSEC_PER_MSEC; /* not so soon that it has risen before */
	node_begin(pacing);
	told("congestion of encaps-3");
	lower_by_measure();
	lowered = pace();
	told("end of congestion of encaps-3");
	assert_int_equal(told("congestion of encaps-3"), REASON_CONGESTED);
	for (int tries = 0; tries < 1000 && (p = pace()).state == PACE_RISING; tries++)
		sleep_ms(1);
	assert_int_equal(p.state, PACE_LOWERED);
	for (int tries = 0; tries < 1000 && health().congestions != 1; tries++)
		sleep_ms(1);
	assert_int_equal(health().congestions, 1);
	assert_int_equal(p.offered, lowered.offered);
	told("end of congestion of encaps-3");
	for (int tries = 0; tries < 1000 && pace().state != PACE_OFF; tries++)
		sleep_ms(1);
	assert_int_equal(pace().state, PACE_OFF);
}

/* Of what was never measured, nobody can say when it is back. */
static void unmeasured_ends_at_once(void **state)
{
	int marked;

	node_begin(slow);
	told("congestion of encaps-3, 10 bytes/s");
	assert_in_range(pass(100, "roce6", &marked), 1, 20);
	assert_int_equal(told("end of congestion of encaps-3"), REASON_EASED);
	assert_int_equal(pace().state, PACE_OFF);
	assert_int_equal(pass(100, "roce6", &marked), 100);
}

/* ---- a P node -------------------------------------------------------------------------------- */

static void p_node_begin(struct pacing pacing)
{
	struct node_state state = { .alive_until = ~0ULL };
	struct config config = node_config();
	__u32 zero = 0;

	if (node)
		fantel_bpf__destroy(node);
	pacing.transit = 1;
	config.pacing = pacing;
	node = node_load(&config);
	node_put(node->maps.fantel_node, &zero, &state);
	node_source(node, "2001:db8:f::/48");
}

static __u32 entries(void)
{
	struct node_state state;
	__u32 zero = 0;

	node_get(node->maps.fantel_node, &zero, &state);
	return state.transit;
}

/* How many of n pass through? */
static int through(int n, const char *packet, int *marked)
{
	int passed = 0;

	*marked = 0;
	for (int i = 0; i < n; i++) {
		node_run(node, node->progs.fantel_core, 0, golden(packet), &got);
		passed += got.verdict == XDP_PASS;
		*marked += got.count[REASON_MARKED].packets;
		assert_int_equal(got.verdict == XDP_DROP, got.count[REASON_PACED].packets);
	}
	return passed;
}

static void exactly_that_tunnel(void **state)
{
	int marked;

	p_node_begin(slow);
	assert_int_equal(told("congestion of transit, 10 bytes/s"), REASON_CONGESTED);
	assert_int_equal(entries(), 1);
	assert_in_range(through(50, "in transit", &marked), 1, 10);
	assert_in_range(marked, 1, 9);
	assert_int_equal(through(50, "TCP inside", &marked), 0);
	assert_int_equal(through(50, "eight segments", &marked), 50);
	assert_int_equal(through(50, "at our segment", &marked), 50);
	assert_int_equal(marked, 0);
	assert_int_equal(told("end of congestion of transit"), REASON_EASED);
	assert_int_equal(entries(), 0);
	assert_int_equal(through(50, "in transit", &marked), 50);
	assert_int_equal(marked, 0);
	assert_int_equal(told("end of congestion of transit"), REASON_NOT_KNOWN);
}

static void exactly_that_flow(void **state)
{
	int marked;

	p_node_begin(slow);
	assert_int_equal(told("congestion of transit, 10 bytes/s, one flow"), REASON_CONGESTED);
	assert_in_range(through(50, "in transit", &marked), 1, 10);
	assert_int_equal(through(50, "TCP inside", &marked), 50);
	assert_int_equal(marked, 0);
	assert_int_equal(told("end of congestion of transit"), REASON_NOT_KNOWN);
	assert_int_equal(told("end of congestion of transit, one flow"), REASON_EASED);
	assert_int_equal(entries(), 0);
}

static void the_outer_header_is_marked(void **state)
{
	int marked;

	p_node_begin(slow);
	told("congestion of transit");
	through(1, "in transit", &marked);
	assert_int_equal(marked, 1);
	assert_true(bytes_are(&got.out, "CE outside", golden("in transit, marked"), NULL));
	through(1, "in transit, marked", &marked);
	assert_int_equal(marked, 0);
	assert_true(bytes_are(&got.out, "CE stays", golden("in transit, marked"), NULL));
}

static void transit_rises_in_steps(void **state)
{
	struct event event;
	struct pace p = {};
	int marked;
	__u32 i = 0;

	p_node_begin(measured());
	told("congestion of transit");
	through(200, "in transit", &marked);
	sleep_ms(60);
	through(1, "in transit", &marked);
	for (; i < MAX_TRANSIT && p.state == PACE_OFF; i++)
		node_get(node->maps.fantel_pace, &i, &p);
	i--;
	assert_int_equal(p.state, PACE_LOWERED);
	assert_int_equal(p.rate, p.offered / 2);
	node_events(node, NULL, 0);
	told("end of congestion of transit");
	for (int tries = 0; tries < 1000 && p.state != PACE_OFF; tries++) {
		node_get(node->maps.fantel_pace, &i, &p);
		sleep_ms(1);
	}
	assert_int_equal(p.state, PACE_OFF);
	event = risen();
	assert_true(event.is_transit);
	assert_int_equal(event.tunnel.n, 3);
	for (int tries = 0; tries < 1000 && entries(); tries++)
		sleep_ms(1);
	assert_int_equal(entries(), 0);
	assert_int_equal(through(300, "in transit", &marked), 300);
}

static void transit_events_end_everywhere(void **state)
{
	int marked;

	p_node_begin(slow);
	assert_int_equal(told("congestion of transit, 10 bytes/s"), REASON_CONGESTED);
	assert_int_equal(told("congestion of transit, an event"), REASON_CONGESTED);
	assert_int_equal(entries(), 1);
	assert_int_equal(told("end of congestion of transit"), REASON_EASED); /* both */
	assert_int_equal(entries(), 0);
	assert_int_equal(through(50, "in transit", &marked), 50);
}

static void others_are_left_alone_where_policy_says_so(void **state)
{
	node_begin(slow);
	assert_int_equal(told("congestion of transit, 10 bytes/s"), REASON_UNMATCHED);
	assert_int_equal(told("end of congestion of transit"), REASON_UNMATCHED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("a rate that is told of a path, or of what it crosses, holds", a_told_rate_holds),
		TEST("the latest rate and the lowest one count, but for the policy's lowest",
		     a_told_rate_changes),
		TEST("while there is a better path, nothing is slowed down", an_alternative_is_better),
		TEST("a group may only mark, or do nothing", a_group_may_only_mark),
		TEST("without a rate it is a share of what the path carried",
		     a_share_of_what_was_carried),
		TEST("after the end of congestion the rate rises in steps", the_rate_rises_in_steps),
		TEST("congestion that returns while the rate rises lowers it again",
		     congestion_returns_while_it_rises),
		TEST("what was never measured is free at once", unmeasured_ends_at_once),
		TEST("a P node holds back exactly the tunnel that is named", exactly_that_tunnel),
		TEST("and exactly the flow, where one is", exactly_that_flow),
		TEST("its marks are outside, where the tunnel's end finds them",
		     the_outer_header_is_marked),
		TEST("its rates rise in steps, too, and then it is as before", transit_rises_in_steps),
		TEST("of several congestions of one tunnel, an end without event ends all",
		     transit_events_end_everywhere),
		TEST("tunnels of others are left alone where policy says so",
		     others_are_left_alone_where_policy_says_so),
	};
	int failed;

	net_enter();
	failed = cmocka_run_group_tests_name("pace", tests, NULL, NULL);
	fantel_bpf__destroy(node);
	return failed;
}
