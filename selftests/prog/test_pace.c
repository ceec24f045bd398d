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

static void node_begin_by(struct pacing pacing, const char *name)
{
	struct config config = node_config();
	struct policy_path path = golden_path(name), other = golden_path("encaps-2");
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

static void node_begin(struct pacing pacing)
{
	node_begin_by(pacing, "encaps-3");
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

/* Each of the places where it could be is another's. */
static void no_room_for_one_more_tunnel(void **state)
{
	struct transit other = { .hash = 3 }, none = {};
	int marked;

	p_node_begin(slow);
	for (__u32 i = 0; i < MAX_TRANSIT; i++)
		node_put(node->maps.fantel_transit, &i, &other);
	assert_int_equal(told("congestion of transit, 10 bytes/s"), REASON_FAILED_FULL);
	assert_int_equal(entries(), 0);
	assert_int_equal(node_entries(node->maps.fantel_failed, sizeof(struct failed_key)), 0);
	assert_int_equal(through(50, "in transit", &marked), 50);
	for (__u32 i = 0; i < MAX_TRANSIT; i++)
		node_put(node->maps.fantel_transit, &i, &none);
	assert_int_equal(told("congestion of transit, 10 bytes/s"), REASON_CONGESTED);
	assert_in_range(through(50, "in transit", &marked), 1, 10);
}

/* Nobody reads them: what they tell of is done all the same. */
static void no_room_for_one_more_event(void **state)
{
	const __u32 most = bpf_map__max_entries(node->maps.fantel_events) / sizeof(struct event) + 1;
	__u32 lost = 0;

	p_node_begin(slow);
	for (__u32 i = 0; i < 2 * most && !lost; i++) {
		told(i % 2 ? "end of congestion of transit" : "congestion of transit");
		assert_int_equal(got.count[i % 2 ? REASON_EASED : REASON_CONGESTED].packets, 1);
		lost = got.count[REASON_EVENT_LOST].packets;
	}
	assert_int_not_equal(lost, 0);
	assert_in_range(node_events(node, NULL, 0), 1, most);
	told("congestion of transit, 10 bytes/s, one flow");
	assert_int_equal(got.count[REASON_CONGESTED].packets, 1);
	assert_int_equal(got.count[REASON_EVENT_LOST].packets, 0);
	assert_in_range(node_events(node, NULL, 0), 1, 2);
}

static void others_are_left_alone_where_policy_says_so(void **state)
{
	node_begin(slow);
	assert_int_equal(told("congestion of transit, 10 bytes/s"), REASON_UNMATCHED);
	assert_int_equal(told("end of congestion of transit"), REASON_UNMATCHED);
}

/* The same, and what is ahead may wait for 200 s where there is fq. */
static void waiting_begin_by(const char *path, bool fq, bool flows)
{
	struct nexthop nh = nexthop_fresh();
	struct pacing pacing = slow;

	pacing.horizon_ns = 200 * NSEC_PER_SEC;
	pacing.flows = flows;
	node_begin_by(pacing, path);
	nh.fq = fq;
	node_nexthop(node, PATH, &nh);
}

static void waiting_begin(const char *path, bool fq)
{
	waiting_begin_by(path, fq, false);
}

/* What the kernel is told of a packet that waits, which is otherwise as the one that left at once. */
static __u64 leaves_ns(const struct bytes *at_once)
{
	struct depart_meta meta;

	assert_int_equal(got.verdict, XDP_PASS);
	assert_int_equal(got.out.len, sizeof(meta) + at_once->len);
	memcpy(&meta, got.out.b, sizeof(meta));
	assert_memory_equal(got.out.b + sizeof(meta), at_once->b, at_once->len);
	assert_int_equal(meta.magic, DEPART_MAGIC);
	assert_int_equal(meta.ifindex, NEXTHOP_IFINDEX);
	return (__u64)meta.at_high << 32 | meta.at_low;
}

/* 11.4 s each, at 10 bytes/s: 18 and what the last one brings fill 200 s. */
static void what_is_ahead_waits(void **state)
{
	__u64 each = golden_len("roce6 ecn 0") * NSEC_PER_SEC / 10, last = 0, now;
	static struct bytes at_once;
	int marked = 0, waited = 0;

	waiting_begin("encaps-3", true);
	assert_int_equal(sent("roce6 ecn 0", &marked), XDP_REDIRECT); /* nothing is congested yet */
	at_once = got.out;
	assert_int_equal(told("congestion of encaps-3, 10 bytes/s"), REASON_CONGESTED);
	now = now_ns();
	while (sent("roce6 ecn 0", &marked) != XDP_DROP) {
		__u64 at = leaves_ns(&at_once);

		assert_true(waited ? at == last + each : at >= now);
		assert_int_equal(got.count[REASON_HELD].packets, waited > 0);
		last = at;
		waited++;
	}
	assert_int_equal(got.count[REASON_PACED].packets, 1);
	assert_int_equal(waited, 200 * 10 / golden_len("roce6 ecn 0") + 1);
	assert_int_equal(pace().waits, 1);
	assert_int_equal(marked, 0);
}

static void what_waits_is_marked(void **state)
{
	int marked = 0, passed = 0;

	waiting_begin("encaps-3", true);
	told("congestion of encaps-3, 10 bytes/s");
	while (sent("roce6 ecn 2", &marked) == XDP_PASS)
		passed++;
	assert_int_equal(passed - marked, 25 * 10 / golden_len("roce6 ecn 2") + 1); /* a quarter of the burst */
}

/* Without fq, or with labels outside, it is dropped beyond the burst. */
static void elsewhere_nothing_waits(void **state)
{
	int marked;

	waiting_begin("encaps-3", false);
	told("congestion of encaps-3, 10 bytes/s");
	assert_int_equal(pass(50, "roce6 ecn 0", &marked), 100 * 10 / golden_len("roce6 ecn 0") + 1);
	assert_int_equal(pace().waits, 0);
	waiting_begin("mpls-3", true);
	node_congestions(node, PATH, 1);
	for (int i = 0; i < 50; i++)
		assert_int_not_equal(sent("roce6 ecn 0", &marked), XDP_PASS);
}

/* A next hop that the loader did not renew is asked of the FIB, which knows nothing of qdiscs. */
static void without_a_loader_nothing_waits(void **state)
{
	struct nexthop nh = nexthop_fresh();
	__u32 customer;
	int marked = 0;

	waiting_begin("encaps-3", true);
	told("congestion of encaps-3, 10 bytes/s");
	assert_int_equal(sent("roce6 ecn 0", &marked), XDP_PASS);
	nh.fq = true;
	nh.fresh_until = STALE;
	node_nexthop(node, PATH, &nh);
	customer = net_port("customer", "02:00:00:00:01:01");
	net_port("core", "02:00:00:00:02:01");
	net_do("ip -6 addr add 2001:db8:e0::1/64 dev core nodad");
	net_do("ip -6 neigh add 2001:db8:e0::2 lladdr 02:00:00:00:02:02 dev core");
	net_do("ip -6 route add 2001:db8:a::/48 via 2001:db8:e0::2");
	node_run(node, node->progs.fantel_customer, customer, golden("roce6 ecn 0"), &got);
	assert_int_equal(got.verdict, XDP_REDIRECT);
	assert_int_equal(pace().waits, 0);
}

/* What is too far ahead is dropped all the same. */
static void without_metadata_nothing_waits(void **state)
{
	waiting_begin("encaps-3", true);
	told("congestion of encaps-3, 10 bytes/s");
	/* For the outer header, and not for the time. */
	if (!node_run_room(node, node->progs.fantel_customer, 96, golden("roce6 ecn 0"), &got))
		skip();
	assert_int_equal(got.verdict, XDP_REDIRECT);
	assert_int_equal(got.count[REASON_UNTIMED].packets, 1);
}

/* Its rate has risen when nothing waits any more, though it is as high as before by then. */
static void nobody_overtakes_what_waits(void **state)
{
	struct pacing pacing = slow;
	struct nexthop nh = nexthop_fresh();
	__u32 path = PACE_OF(PATH);
	int marked = 0;
	struct pace p;

	pacing.horizon_ns = NSEC_PER_SEC;
	pacing.window_ns = 0;
	pacing.step_percent = 100;
	node_begin(pacing);
	nh.fq = true;
	node_nexthop(node, PATH, &nh);
	told("congestion of encaps-3");
	sent("roce6 ecn 0", &marked);
	sent("roce6 ecn 0", &marked);
	assert_int_equal(pace().state, PACE_LOWERED);
	p = pace();
	p.offered = 1000;
	p.even_ns = now_ns() + NSEC_PER_SEC / 2;
	node_put(node->maps.fantel_pace, &path, &p);
	told("end of congestion of encaps-3");
	while (now_ns() < p.even_ns - 50 * NSEC_PER_MSEC) {
		assert_int_equal(pace().state, PACE_RISING);
		sleep_ms(20);
	}
	for (int tries = 0; tries < 1000 && pace().state != PACE_OFF; tries++)
		sleep_ms(1);
	assert_int_equal(pace().state, PACE_OFF);
	assert_true(now_ns() >= p.even_ns);
}

/* ---- single flows of ours -------------------------------------------------------------------- */

static void flows_begin(void)
{
	struct pacing pacing = slow;

	pacing.flows = 1;
	node_begin(pacing);
}

/* Its path is not congested, and other flows of it are as fast as ever. */
static void only_that_flow_is_slowed(void **state)
{
	int marked;

	flows_begin();
	assert_int_equal(told("congestion of one flow, 10 bytes/s"), REASON_CONGESTED);
	assert_int_equal(health().congestions, 0);
	assert_int_equal(entries(), 1);
	assert_int_equal(pass(50, "roce6 ecn 2", &marked), 100 * 10 / golden_len("roce6 ecn 2") + 1);
	assert_in_range(marked, 5, 7);
	assert_int_equal(pass(50, "roce4", &marked), 50);
	assert_int_equal(pass(50, "tcp6", &marked), 50);
	assert_int_equal(pass(5, "roce6", &marked), 0);
	assert_int_equal(told("end of congestion of one flow"), REASON_EASED);
	assert_int_equal(entries(), 0);
	assert_int_equal(pass(50, "roce6", &marked), 50);
	assert_int_equal(told("end of congestion of one flow"), REASON_NOT_KNOWN);
}

/* Wherever it goes. */
static void a_slowed_flow_may_move(void **state)
{
	int marked;

	flows_begin();
	node_group(node, 0, FATE_DROP, 2, NULL, NULL);
	told("congestion of one flow, 10 bytes/s");
	for (__u32 path = PATH; path <= OTHER; path++) {
		node_failures(node, path, 1);
		pass(20, "roce6", &marked);
		assert_int_equal(pass(5, "roce6", &marked), 0);
		assert_int_equal(pass(20, "tcp6", &marked), 20);
		node_failures(node, path, 0);
	}
}

static void a_hint_slows_by_a_share(void **state)
{
	struct pacing pacing = slow;
	int marked;

	pacing.flows = 1;
	pacing.window_ns = 20 * NSEC_PER_MSEC;
	node_begin(pacing);
	assert_int_equal(told("congestion of one flow, by its hint"), REASON_CONGESTED);
	assert_int_equal(entries(), 1);
	assert_int_equal(health().congestions, 0);
	assert_int_equal(pass(20, "roce6", &marked), 20); /* being measured */
}

/* What asks for nothing of the flow is about the path. */
static void without_a_rate_it_is_the_path(void **state)
{
	flows_begin();
	assert_int_equal(told("congestion that names one flow"), REASON_CONGESTED);
	assert_int_equal(entries(), 0);
	assert_int_equal(health().congestions, 1);
	assert_int_equal(told("end of congestion of one flow"), REASON_EASED);
	assert_int_equal(health().congestions, 0);
}

/* A loader that repeats an event, or withdraws it, names no flow. */
static void an_event_stands_for_its_flows(void **state)
{
	int marked;

	flows_begin();
	assert_int_equal(told("congestion of one flow, an event"), REASON_CONGESTED);
	assert_int_equal(told("the same event, and no flow"), REASON_REFRESHED);
	assert_int_equal(health().congestions, 0);
	assert_int_equal(entries(), 1);
	assert_in_range(pass(50, "roce6", &marked), 1, 10);
	assert_int_equal(told("end of that event"), REASON_EASED);
	assert_int_equal(entries(), 0);
	assert_int_equal(pass(50, "roce6", &marked), 50);
}

/* By default the path is meant, whatever flow is named. */
static void policy_may_mean_the_path(void **state)
{
	node_begin(slow);
	assert_int_equal(told("congestion of one flow, 10 bytes/s"), REASON_CONGESTED);
	assert_int_equal(entries(), 0);
	assert_int_equal(health().congestions, 1);
}

/* Whichever leaves less to a packet. What the flow's rate drops has taken no room of the path's. */
static void the_lower_of_flow_and_path(void **state)
{
	const int of_the_flow = 100 * 10 / golden_len("roce6 ecn 2") + 1;
	int marked, others;

	flows_begin();
	told("congestion of one flow, 10 bytes/s");
	told("congestion of encaps-3, 100 bytes/s");
	assert_int_equal(pass(50, "roce6 ecn 2", &marked), of_the_flow);
	assert_in_range(marked, 5, 7);
	others = pass(200, "roce4", &marked);
	assert_true(others > (100 * 100 - of_the_flow * (int)golden_len("roce6 ecn 2")) / (int)golden_len("roce4"));
	assert_in_range(others, 1, 199);

	flows_begin();
	told("congestion of one flow, 10 bytes/s");
	told("congestion of encaps-3, 10 bytes/s");
	pass(50, "roce4", &marked);
	assert_int_equal(pass(5, "roce6", &marked), 0);
}

/* Its group may do less about its path, or nothing. */
static void a_slowed_flow_is_slowed_whatever_its_group_does(void **state)
{
	static const enum relief reliefs[] = { RELIEF_NONE, RELIEF_MARK };
	int marked;

	for (size_t i = 0; i < ARRAY_SIZE(reliefs); i++) {
		flows_begin();
		node_relief(node, 0, reliefs[i]);
		told("congestion of one flow, 10 bytes/s");
		told("congestion of encaps-3, 10 bytes/s");
		assert_int_equal(pass(50, "roce6 ecn 2", &marked), 100 * 10 / golden_len("roce6 ecn 2") + 1);
		if (reliefs[i] == RELIEF_NONE)
			assert_in_range(marked, 5, 7);
		else
			assert_int_equal(marked, 100 * 10 / golden_len("roce6 ecn 2") + 1);
		assert_int_equal(pass(50, "roce4", &marked), 50);
	}
}

static void a_slowed_flow_waits_where_there_is_fq(void **state)
{
	int marked = 0, waited = 0;

	waiting_begin_by("encaps-3", true, true);
	told("congestion of one flow, 10 bytes/s");
	while (sent("roce6 ecn 0", &marked) == XDP_PASS)
		waited++;
	assert_int_equal(waited, 200 * 10 / golden_len("roce6 ecn 0") + 1);
	assert_int_equal(sent("tcp6", &marked), XDP_REDIRECT);
}

/* Until the later of its two times. */
static void of_two_rates_it_waits_for_the_lower(void **state)
{
	static const char *const paths_rate[] = { "congestion of encaps-3, 100 bytes/s",
						  "congestion of encaps-3, 10 bytes/s" };
	__u64 each = golden_len("roce6 ecn 0") * NSEC_PER_SEC / 10, last, now;
	static struct bytes at_once;
	int marked = 0;

	for (size_t i = 0; i < ARRAY_SIZE(paths_rate); i++) {
		waiting_begin_by("encaps-3", true, true);
		sent("roce6 ecn 0", &marked);
		at_once = got.out;
		told("congestion of one flow, 10 bytes/s");
		told(paths_rate[i]);
		now = now_ns();
		sent("roce6 ecn 0", &marked);
		last = leaves_ns(&at_once);
		assert_true(last >= now);
		assert_int_equal(got.count[REASON_HELD].packets, 0);
		for (int more = 0; more < 5; more++) {
			__u64 at;

			sent("roce6 ecn 0", &marked);
			at = leaves_ns(&at_once);
			assert_in_range(at - last, each - NSEC_PER_SEC, each + NSEC_PER_SEC);
			assert_int_equal(got.count[REASON_HELD].packets, 1);
			last = at;
		}
	}
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
		TEST("what finds no place is counted, and a repetition has another try", no_room_for_one_more_tunnel),
		TEST("nor does an event hold anything up that finds none", no_room_for_one_more_event),
		TEST("tunnels of others are left alone where policy says so",
		     others_are_left_alone_where_policy_says_so),
		TEST("where there is fq, what is ahead of the rate waits for its turn",
		     what_is_ahead_waits),
		TEST("and is marked as if it did not", what_waits_is_marked),
		TEST("without fq, or behind labels, nothing waits", elsewhere_nothing_waits),
		TEST("nor where no loader looks after the way out", without_a_loader_nothing_waits),
		TEST("nor where the driver has no room for metadata", without_metadata_nothing_waits),
		TEST("the rate has risen when nothing waits any more", nobody_overtakes_what_waits),
		TEST("where policy has it so, the flow that is named is slowed down, and no other",
		     only_that_flow_is_slowed),
		TEST("by whatever path it goes", a_slowed_flow_may_move),
		TEST("also by a hint, without a rate", a_hint_slows_by_a_share),
		TEST("what asks nothing of the flow is about the path", without_a_rate_it_is_the_path),
		TEST("an event stands for its flows", an_event_stands_for_its_flows),
		TEST("by default a path is what is slowed down", policy_may_mean_the_path),
		TEST("on a congested path the lower of both rates counts", the_lower_of_flow_and_path),
		TEST("and the flow's, whatever its group does about the path",
		     a_slowed_flow_is_slowed_whatever_its_group_does),
		TEST("a slowed flow waits where there is fq", a_slowed_flow_waits_where_there_is_fq),
		TEST("of two rates, for the later time", of_two_rates_it_waits_for_the_lower),
	};
	int failed;

	net_enter();
	failed = cmocka_run_group_tests_name("pace", tests, NULL, NULL);
	fantel_bpf__destroy(node);
	return failed;
}
