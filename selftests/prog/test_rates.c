// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * How much is taken of one originator: a bucket for each kind of notification, which only what is new
 * and believed draws from; and what a storm, from one address or from ten thousand, leaves of the node.
 * The buckets of these nodes hold a few messages and fill in days, so that time does not matter.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <bpf/bpf.h>

#include "encap.h"
#include "fantel/bucket.h"
#include "fantel/msg_build.h"
#include "harness.h"

#define US6 "2001:db8:f::1"
#define P1 "2001:db8:f::2"
#define P2 "2001:db8:f::3"
#define DAYS (1ULL << 50) /* ns: 13 of them */
#define BURST 3
#define KEY 1
#define SPOOFED 10000

static struct fantel_bpf *node;
static struct outcome got;
static struct mac_key key;

/* ---- the node -------------------------------------------------------------------------------- */

static void node_make(bool authentication)
{
	struct policy_path path = golden_path("encaps-3");
	struct config config = node_config();

	config.authentication = authentication;
	for (int kind = 0; kind < KIND_COUNT; kind++)
		config.receive[kind] = (struct rate){ DAYS, BURST * DAYS };
	node = node_load(&config);
	node_path(node, 0, &path);
	node_demand(node, "2001:db8:f::/48",
		    authentication ? AUTHENTICATION_REQUIRE : AUTHENTICATION_OFF);
	mac_key_init(&key, AUTH_SIPHASH, (const __u8 *)"sixteen bytes...", 16);
	node_mac_key(node, KEY, &key, -60, 24 * 3600);
}

static int node_setup(void **state)
{
	node_make(*state != NULL);
	return 0;
}

static int node_teardown(void **state)
{
	fantel_bpf__destroy(node);
	return 0;
}

static int failures(void)
{
	struct health health;
	__u32 zero = 0;

	node_get(node->maps.fantel_health, &zero, &health);
	return health.failures;
}

/* ---- messages -------------------------------------------------------------------------------- */

enum mac_is { NO_MAC, RIGHT_MAC, WRONG_MAC };

struct saying {
	enum kind kind;
	struct addr src; /* unspecified: P1 */
	__u32 event_id;
	__u64 sequence; /* 0: no Event TLV */
	enum mac_is mac;
	bool elsewhere; /* about a tunnel that is none of ours */
	bool inform;    /* only */
};

static void saying_frame(struct bytes *frame, const struct saying *what)
{
	struct msg_envelope e = { .src = what->src, .dst = addr_of(US6) };
	struct policy_path path = golden_path(what->elsewhere ? "encaps-2" : "encaps-3");
	struct msg_rules rules = msg_rules_default();
	struct tunnel_key tunnel[ENCAP_KEYS_MAX];
	char src[INET6_ADDRSTRLEN];
	struct msg_buf buf = {};
	struct bytes l4 = {};
	struct writer w;
	__u32 len;

	if (addr_is_unspecified(&e.src))
		e.src = addr_of(P1);
	w = msg_begin(&buf, &e);
	encap_keys(tunnel, ENCAP_KEYS_MAX, &path);
	msg_put_tunnel(&w, &tunnel[0]);
	if (what->kind == KIND_LOAD)
		msg_put_word(&w, TLV_UTILIZED, 0);
	if (what->sequence)
		msg_put_event(&w, &rules, what->event_id, what->sequence, 0);
	if (what->inform)
		msg_put_byte(&w, &rules, TLV_HINT, HINT_INFORM);
	if (what->mac)
		msg_put_auth(&w, &rules, KEY, AUTH_SIPHASH);
	len = msg_finish(&w, &rules, &e, what->kind, CODE_SRV6);
	if (what->mac)
		msg_sign(&buf, &e, len, &key, len - WIRE_AUTH_LEN, 0);
	inet_ntop(AF_INET6, &e.src, src, sizeof(src));
	bytes_put(&l4, buf.b, len);
	if (what->mac == WRONG_MAC) {
		l4.b[len - 1] ^= 1;
		store16(l4.b + 2, 0);
		store16(l4.b + 2, htons(l4_sum(src, US6, IPPROTO_ICMPV6, &l4)));
	}
	frame_around(frame, src, US6, IPPROTO_ICMPV6, 255, &l4);
}

/* Why it did not act, or what it did. */
static enum reason say(struct saying what)
{
	static struct bytes frame;

	frame.len = 0;
	saying_frame(&frame, &what);
	node_run(node, node->progs.fantel_core, 0, &frame, &got);
	assert_int_equal(got.verdict, XDP_DROP);
	assert_int_equal(got.reasons, 1);
	node_events(node, NULL, 0);
	for (enum reason r = 0; r < REASON_COUNT; r++)
		if (got.count[r].packets)
			return r;
	return REASON_NONE;
}

/* A storm of what nobody believes or needs, each from an address of its own: so many are counted as
 * that. */
static void storm(struct saying what, __u32 n, enum reason reason)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .repeat = 1);
	int fd = bpf_program__fd(node->progs.fantel_core);
	__u64 before = node_count(node, reason).packets;
	static struct bytes frame;

	for (__u32 i = 1; i <= n; i++) {
		what.src = addr_of("2001:db8:f:bad::");
		what.src.l_be[3] = htonl(i);
		frame.len = 0;
		saying_frame(&frame, &what);
		opts.data_in = frame.b;
		opts.data_size_in = frame.len;
		assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
		assert_int_equal(opts.retval, XDP_DROP);
	}
	assert_int_equal(node_count(node, reason).packets - before, n);
	node_events(node, NULL, 0);
}

#define SAY(...) say((struct saying){ __VA_ARGS__ })

/* ---- one originator -------------------------------------------------------------------------- */

/* What a kind does while there is credit. */
static const enum reason acted[KIND_COUNT] = {
	[KIND_FAILURE] = REASON_FAILED,	      [KIND_RECOVERY] = REASON_NOT_KNOWN,
	[KIND_CONGESTION] = REASON_CONGESTED, [KIND_ELIMINATION] = REASON_NOT_KNOWN,
	[KIND_LOAD] = REASON_MEASURED,
};

static void each_kind_has_its_own(void **state)
{
	for (enum kind kind = KIND_COUNT; kind--;) {
		for (__u32 i = 1; i <= BURST; i++)
			assert_int_equal(SAY(kind, .event_id = 100 * kind + i, .sequence = 10 * kind + i),
					 acted[kind]);
		for (__u32 i = BURST + 1; i <= 9; i++)
			assert_int_equal(SAY(kind, .event_id = 100 * kind + i, .sequence = 10 * kind + i),
					 REASON_OVER_RATE);
	}
}

/* The failure is not behind a storm of what matters less. */
static void failures_come_through(void **state)
{
	for (__u32 i = 1; i <= 100; i++)
		SAY(KIND_CONGESTION, .event_id = i, .sequence = i);
	assert_int_equal(SAY(KIND_CONGESTION, .event_id = 101, .sequence = 101), REASON_OVER_RATE);
	assert_int_equal(SAY(KIND_FAILURE, .event_id = 200, .sequence = 200), REASON_FAILED);
	assert_int_equal(failures(), 1);
}

static void each_originator_has_its_own(void **state)
{
	for (__u32 i = 1; i <= BURST; i++)
		assert_int_equal(SAY(KIND_FAILURE, .event_id = i, .sequence = i), REASON_FAILED);
	assert_int_equal(SAY(KIND_FAILURE, .event_id = 9, .sequence = 9), REASON_OVER_RATE);
	assert_int_equal(SAY(KIND_FAILURE, addr_of(P2), .event_id = 9, .sequence = 9), REASON_FAILED);
	assert_int_equal(failures(), BURST + 1);
}

static void repetitions_are_free(void **state)
{
	assert_int_equal(SAY(KIND_FAILURE, .event_id = 1, .sequence = 100), REASON_FAILED);
	for (int i = 0; i < 100; i++)
		assert_int_equal(SAY(KIND_FAILURE, .event_id = 1, .sequence = 100), REASON_DUPLICATE);
	for (int i = 0; i < 100; i++)
		assert_int_equal(SAY(KIND_FAILURE, .event_id = 1, .sequence = 1), REASON_STALE);
	assert_int_equal(SAY(KIND_FAILURE, .event_id = 2, .sequence = 101), REASON_FAILED);
	assert_int_equal(SAY(KIND_FAILURE, .event_id = 3, .sequence = 102), REASON_FAILED);
	assert_int_equal(SAY(KIND_FAILURE, .event_id = 4, .sequence = 103), REASON_OVER_RATE);
}

/* Without a sequence number nothing shows that one is a repetition. */
static void what_has_no_sequence_costs_too(void **state)
{
	assert_int_equal(SAY(.kind = KIND_FAILURE), REASON_FAILED);
	for (int i = 1; i < BURST; i++)
		assert_int_equal(SAY(.kind = KIND_FAILURE), REASON_REFRESHED);
	assert_int_equal(SAY(.kind = KIND_FAILURE), REASON_OVER_RATE);
	assert_int_equal(SAY(.kind = KIND_RECOVERY), REASON_RECOVERED);
	assert_int_equal(failures(), 0);
}

static void reports_cost_too(void **state)
{
	struct saying report = { KIND_CONGESTION, .event_id = 1, .sequence = 1, .inform = true };

	for (int i = 0; i < BURST; i++)
		assert_int_equal(say(report), REASON_REPORTED);
	assert_int_equal(say(report), REASON_OVER_RATE);
}

static void what_says_nothing_to_us_costs_too(void **state)
{
	for (__u32 i = 1; i <= BURST; i++)
		assert_int_equal(SAY(KIND_FAILURE, .event_id = i, .sequence = i, .elsewhere = true),
				 REASON_UNMATCHED);
	assert_int_equal(SAY(KIND_FAILURE, .event_id = 9, .sequence = 9, .elsewhere = true),
			 REASON_OVER_RATE);
}

/* As when time has passed. */
static void credit_give(const char *originator, enum kind kind)
{
	struct addr src = addr_of(originator);
	struct origin origin;

	assert_true(node_get(node->maps.fantel_origins, &src, &origin));
	origin.bucket[kind].credit_ns = DAYS;
	node_put(node->maps.fantel_origins, &src, &origin);
}

static void it_is_heard_once_there_is_credit(void **state)
{
	for (__u32 i = 1; i <= BURST; i++)
		SAY(KIND_FAILURE, .event_id = i, .sequence = i);
	assert_int_equal(SAY(KIND_FAILURE, .event_id = 9, .sequence = 9), REASON_OVER_RATE);
	credit_give(P1, KIND_FAILURE);
	assert_int_equal(SAY(KIND_FAILURE, .event_id = 9, .sequence = 9), REASON_FAILED);
	assert_int_equal(SAY(KIND_FAILURE, .event_id = 9, .sequence = 9), REASON_DUPLICATE);
	assert_int_equal(failures(), BURST + 1);
}

/* What one that is dropped changes is the time of its bucket, and nothing else. */
static void what_is_dropped_leaves_no_trace(void **state)
{
	struct origin before, after;
	struct addr src = addr_of(P1);

	for (__u32 i = 1; i <= BURST; i++)
		SAY(KIND_FAILURE, .event_id = i, .sequence = i);
	node_get(node->maps.fantel_origins, &src, &before);
	assert_int_equal(SAY(KIND_FAILURE, .event_id = 9, .sequence = 9), REASON_OVER_RATE);
	node_get(node->maps.fantel_origins, &src, &after);
	assert_in_range(after.bucket[KIND_FAILURE].last_ns, before.bucket[KIND_FAILURE].last_ns,
			before.bucket[KIND_FAILURE].last_ns + DAYS);
	after.bucket[KIND_FAILURE] = before.bucket[KIND_FAILURE];
	assert_memory_equal(&after, &before, sizeof(after));
	assert_int_equal(failures(), BURST);
	assert_int_equal(node_entries(node->maps.fantel_failed, sizeof(struct failed_key)), BURST);
}

/* ---- storms ---------------------------------------------------------------------------------- */

/* Forged in the name of one who is believed. */
static void a_forger_uses_up_nothing(void **state)
{
	for (__u32 i = 1; i <= 1000; i++)
		assert_int_equal(SAY(KIND_FAILURE, .event_id = i, .sequence = 1000 + i, .mac = WRONG_MAC),
				 REASON_AUTH);
	for (__u32 i = 1; i <= 1000; i++)
		assert_int_equal(SAY(KIND_FAILURE, .event_id = i, .sequence = 1000 + i),
				 REASON_AUTH_MISSING);
	assert_int_equal(node_entries(node->maps.fantel_proven, sizeof(struct addr)), 0);
	assert_int_equal(node_entries(node->maps.fantel_origins, sizeof(struct addr)), 0);
	for (__u32 i = 1; i <= BURST; i++)
		assert_int_equal(SAY(KIND_FAILURE, .event_id = i, .sequence = i, .mac = RIGHT_MAC),
				 REASON_FAILED);
	assert_int_equal(SAY(KIND_FAILURE, .event_id = 9, .sequence = 9, .mac = RIGHT_MAC),
			 REASON_OVER_RATE);
}

/* Nor does who sends again what it has recorded. */
static void a_replay_uses_up_nothing(void **state)
{
	struct saying recorded = { KIND_FAILURE, .event_id = 1, .sequence = 1, .mac = RIGHT_MAC };

	assert_int_equal(say(recorded), REASON_FAILED);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(say(recorded), REASON_DUPLICATE);
	for (__u32 i = 2; i <= BURST; i++)
		assert_int_equal(SAY(KIND_FAILURE, .event_id = i, .sequence = i, .mac = RIGHT_MAC),
				 REASON_FAILED);
}

/* One that spoofs as many sources as there are, each with credit of its own: what is kept of them has
 * its bounds, and a failure in their midst acts. Nothing of it is lost from the counters. */
static void ten_thousand_originators(void **state)
{
	struct saying what = { KIND_FAILURE, .event_id = 7, .elsewhere = true };
	__u64 counted = 0, lost;

	for (int round = 0; round < 3; round++) {
		what.sequence = 1 + round;
		storm(what, SPOOFED, REASON_UNMATCHED);
		if (round == 0)
			assert_int_equal(SAY(KIND_FAILURE, .event_id = 1, .sequence = 1),
					 REASON_FAILED);
		if (round == 1)
			assert_int_equal(SAY(KIND_RECOVERY, .event_id = 1, .sequence = 2),
					 REASON_RECOVERED);
		assert_int_equal(failures(), round < 1);
		assert_in_range(node_entries(node->maps.fantel_origins, sizeof(struct addr)), 1000,
				MAX_ORIGINS);
	}
	for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++)
		counted += node_count(node, r).packets;
	lost = node_count(node, REASON_EVENT_LOST).packets; /* nobody reads them in a storm */
	assert_int_equal(counted - lost, 3 * SPOOFED + 2);
	assert_int_equal(node_entries(node->maps.fantel_failed, sizeof(struct failed_key)), 0);
}

/* One who is believed is not pushed out by those who are not. */
static void the_proven_are_out_of_reach(void **state)
{
	struct saying what = { KIND_FAILURE, .event_id = 7, .sequence = 7, .elsewhere = true };

	node_demand(node, "2001:db8:f:bad::/64", AUTHENTICATION_ACCEPT);
	for (__u32 i = 1; i <= BURST; i++)
		assert_int_equal(SAY(KIND_FAILURE, .event_id = i, .sequence = i, .mac = RIGHT_MAC),
				 REASON_FAILED);
	storm(what, SPOOFED, REASON_UNMATCHED);
	assert_int_equal(node_entries(node->maps.fantel_proven, sizeof(struct addr)), 1);
	assert_int_equal(SAY(KIND_FAILURE, .event_id = 1, .sequence = 1, .mac = RIGHT_MAC),
			 REASON_DUPLICATE);
	assert_int_equal(SAY(KIND_FAILURE, .event_id = 9, .sequence = 9, .mac = RIGHT_MAC),
			 REASON_OVER_RATE);
	assert_int_equal(SAY(KIND_RECOVERY, .event_id = 1, .sequence = 10, .mac = RIGHT_MAC),
			 REASON_RECOVERED);
}

/* ---- main ------------------------------------------------------------------------------------ */

#define OPEN(sentence, function) { sentence, function, node_setup, node_teardown, NULL }
#define KEYED(sentence, function) { sentence, function, node_setup, node_teardown, &key }

int main(void)
{
	const struct CMUnitTest tests[] = {
		OPEN("each kind of notification has a bucket of its own", each_kind_has_its_own),
		OPEN("a storm of congestion does not hold up a failure", failures_come_through),
		OPEN("each originator has buckets of its own", each_originator_has_its_own),
		OPEN("repetitions cost nothing", repetitions_are_free),
		OPEN("what has no sequence number costs, too", what_has_no_sequence_costs_too),
		OPEN("what is only reported costs, too", reports_cost_too),
		OPEN("what is about no path of ours costs, too", what_says_nothing_to_us_costs_too),
		OPEN("what there was no credit for is heard when there is",
		     it_is_heard_once_there_is_credit),
		OPEN("what there is no credit for leaves no trace", what_is_dropped_leaves_no_trace),
		KEYED("a storm with wrong MACs, or none, costs its victim nothing",
		      a_forger_uses_up_nothing),
		KEYED("a storm of replays costs its victim nothing", a_replay_uses_up_nothing),
		OPEN("of 10,000 spoofed originators a failure acts, within bounds",
		     ten_thousand_originators),
		KEYED("who is proven is not forgotten for 10,000 who are not",
		      the_proven_are_out_of_reach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
