// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * cnp: the QP of a sender is learned from what it receives, and a packet of its own that a lowered rate
 * leaves no room for becomes the CNP to it, byte for byte what scapy makes (golden/packets.py).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "harness.h"

static struct fantel_bpf *node;
static struct outcome got;

/* The only path is congested, and at ten bytes a second the first packet fills it for a long time. */
static void node_begin(bool cnp)
{
	struct config config = node_config();
	struct policy_path path = golden_path("encaps-3");
	struct nexthop nh = nexthop_fresh();

	if (node)
		fantel_bpf__destroy(node);
	config.cnp = cnp;
	config.rate[BUCKET_CNP] = (struct rate){ 600 * NSEC_PER_SEC, 2 * 600 * NSEC_PER_SEC };
	config.pacing = (struct pacing){ .lowest = 1, .window_ns = 1ULL << 62, .burst_ns = 1 };
	node = node_load(&config);
	node_path(node, 0, &path);
	node_nexthop(node, 0, &nh);
	node_group(node, 0, FATE_DROP, 1, NULL, NULL);
	node_class(node, "2001:db8:2::/48", 0);
	node_class(node, "203.0.113.0/24", 0);
	node_source(node, "2001:db8:f::/48");
	node_run(node, node->progs.fantel_core, 0, golden("congestion of encaps-3, 10 bytes/s"), &got);
	assert_int_equal(got.count[REASON_CONGESTED].packets, 1);
	node_run(node, node->progs.fantel_customer, 0, golden("roce6"), &got);
	assert_int_equal(got.verdict, XDP_REDIRECT);
}

static void learn(const char *packet)
{
	node_run_egress(node, node->progs.fantel_qp, 0, golden(packet), &got);
	assert_int_equal((int)got.verdict, -1); /* it goes on */
	assert_true(bytes_are(&got.out, packet, golden(packet), NULL));
}

/* Without a QP there is nothing to say. */
static void assert_silent(const char *packet)
{
	node_run(node, node->progs.fantel_customer, 0, golden(packet), &got);
	assert_true(outcome_is(&got, packet, XDP_DROP, REASON_PACED));
}

static void assert_told(const char *packet, const char *as)
{
	node_run(node, node->progs.fantel_customer, 0, golden(packet), &got);
	assert_true(outcome_is(&got, packet, XDP_TX, REASON_CNP));
	assert_true(bytes_are(&got.out, packet, golden(as), NULL));
}

static void each_family(void **state)
{
	node_begin(true);
	learn("roce6 back");
	learn("roce4 back");
	assert_told("roce6", "roce6 as CNP");
	assert_told("roce4", "roce4 as CNP");
}

static void unknown(void **state)
{
	node_begin(true);
	assert_silent("roce6");
	learn("roce4 back");
	assert_silent("roce6");
	learn("udp6");
	learn("tcp6");
	assert_silent("udp6");
	assert_silent("tcp6");
	assert_silent("udp6 fragment first");
}

static struct qp_key of_hosts(void)
{
	return (struct qp_key){ .host = addr_load(golden("roce6")->b + 22),
				.peer = addr_load(golden("roce6")->b + 38) };
}

/* So many jiffies go by. */
static void age(__u64 jiffies)
{
	struct qp_key key = of_hosts();
	struct qp qp;

	assert_true(node_get(node->maps.fantel_qps, &key, &qp));
	qp.since -= jiffies;
	qp.seen -= jiffies;
	node_put(node->maps.fantel_qps, &key, &qp);
}

static void by_hosts(void **state)
{
	node_begin(true);
	learn("roce6 back by another port");
	assert_silent("roce6");
	age(QP_SETTLES);
	assert_told("roce6", "roce6 as CNP");
}

static void several(void **state)
{
	node_begin(true);
	learn("roce6 back of another QP");
	learn("roce6 back by another port");
	age(QP_SETTLES);
	assert_silent("roce6");
	learn("roce6 back");
	assert_told("roce6", "roce6 as CNP");
}

static void limited(void **state)
{
	node_begin(true);
	learn("roce6 back");
	assert_told("roce6", "roce6 as CNP");
	assert_told("roce6", "roce6 as CNP");
	assert_silent("roce6");
}

static void old(void **state)
{
	struct qp_key key = of_hosts();
	struct qp qp;

	node_begin(true);
	learn("roce6 back by another port");
	age(QP_LASTS + 1);
	assert_silent("roce6");
	/* The same one again begins anew. */
	learn("roce6 back by another port");
	assert_silent("roce6");
	/* Another one since: the first is gone, not beside it. */
	age(QP_LASTS + 1);
	learn("roce6 back of another QP");
	assert_true(node_get(node->maps.fantel_qps, &key, &qp));
	assert_int_equal(qp.several_at, 0);
}

static void off(void **state)
{
	node_begin(false);
	learn("roce6 back");
	assert_silent("roce6");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("of either family: the CNP that scapy makes, ICRC and all", each_family),
		TEST("where the sender's QP is not known, and of what is not RoCEv2, nothing", unknown),
		TEST("a QP that has long been the only one of two hosts is known whatever its port", by_hosts),
		TEST("of several, that of the same port, or none", several),
		TEST("no more of them than policy lets be", limited),
		TEST("what was seen long ago counts no more", old),
		TEST("where policy does not want them there are none", off),
	};
	int failed = cmocka_run_group_tests_name("cnp", tests, NULL, NULL);

	fantel_bpf__destroy(node);
	return failed;
}
