// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The boundary of the domain (draft-hzh-fantel-wan-tunnel-02 §6), a row for each of its rules: which
 * notifications a core port takes, that a customer port takes none and lets none pass, and that no
 * packet of a customer keeps the DSCP of notifications. One good failure, changed in one way by each
 * row; encoded here by hand.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "harness.h"

#define US6 "2001:db8:f::1"
#define US4 "198.51.100.1"
#define P6 "2001:db8:f::2" /* of the domain */
#define P4 "198.51.100.2"
#define DOMAIN 5
#define RADIUS 8
#define REMARKED_AS 10

static struct fantel_bpf *node;
static struct outcome got;

static struct fantel_bpf *node_make(bool remark)
{
	static const char *const one[] = { "2001:db8:9::9", NULL };
	struct policy_path path = path_of("one", false, one);
	struct nexthop nh = nexthop_fresh();
	struct config config = node_config();
	struct fantel_bpf *made;

	config.domain = DOMAIN;
	config.hop_limit_min = WIRE_HOP_LIMIT - RADIUS;
	config.remark = remark;
	config.remark_tclass = REMARKED_AS << 2;
	made = node_load(&config);
	node_path(made, 0, &path);
	node_nexthop(made, 0, &nh);
	node_group(made, 0, FATE_DROP, 1, NULL, NULL);
	node_class(made, "2001:db8:2::/48", 0);
	node_class(made, "203.0.113.0/24", 0);
	node_source(made, "2001:db8:f::/48");
	node_source(made, "198.51.100.0/24");
	return made;
}

/* ---- notifications --------------------------------------------------------------------------- */

/* What differs from a good failure; what is left out is right. */
struct change {
	bool udp, udp4;
	const char *src, *dst;
	__u8 hop_limit;
	__u8 type;   /* ICMPv6 */
	__u16 dport; /* UDP */
	__u32 domain;
	bool no_domain;
	int tags;     /* of VLANs in front */
	bool routed;  /* by a routing header */
	bool cut_off; /* its last bytes are not there */
};

static void message(struct bytes *l4, const struct change *c)
{
	struct addr named = addr_of("2001:db8:9::9");

	if (c->udp || c->udp4) {
		bytes_put16(l4, 49152);
		bytes_put16(l4, c->dport ?: WIRE_UDP_PORT);
		bytes_put16(l4, c->no_domain ? 28 : 40);
		bytes_put16(l4, 0);
		bytes_put32(l4, 202 << 20 | CODE_IP << 12);
	} else {
		bytes_put(l4, (__u8[]){ c->type ?: 202, CODE_IP, 0, 0 }, 4);
	}
	bytes_put(l4, &named, sizeof(named));
	if (c->no_domain)
		return;
	bytes_put16(l4, TLV_DOMAIN);
	bytes_put16(l4, 8);
	bytes_put32(l4, WIRE_ENTERPRISE);
	bytes_put32(l4, c->domain ?: DOMAIN);
}

static void bytes_insert(struct bytes *to, __u32 at, const void *from, __u32 len)
{
	memmove(to->b + at + len, to->b + at, to->len - at);
	memcpy(to->b + at, from, len);
	to->len += len;
}

/* With one segment left: the router that it is bound for may take the whole header off. */
static void route(struct bytes *frame)
{
	__u8 srh[24] = { frame->b[14 + 6], 2, 4, 1 };

	bytes_insert(frame, 14 + 40, srh, sizeof(srh));
	frame->b[14 + 6] = IPPROTO_ROUTING;
	store16(frame->b + 14 + 4, htons(ntohs(load16(frame->b + 14 + 4)) + sizeof(srh)));
}

static struct bytes notification(const struct change *c)
{
	static const __u8 tag[4] = { 0x81, 0, 0, 7 };
	const char *src = c->src ?: c->udp4 ? P4 : P6, *dst = c->dst ?: c->udp4 ? US4 : US6;
	__u8 proto = c->udp || c->udp4 ? IPPROTO_UDP : IPPROTO_ICMPV6;
	struct bytes frame = {}, l4 = {};

	message(&l4, c);
	store16(l4.b + (proto == IPPROTO_UDP ? 6 : 2), htons(l4_sum(src, dst, proto, &l4)));
	frame_around(&frame, src, dst, proto, c->hop_limit ?: 255, &l4);
	if (!c->udp4)
		store16(frame.b + 14, htons(6 << 12)); /* no DSCP: that is another question */
	if (c->routed)
		route(&frame);
	for (int i = 0; i < c->tags; i++)
		bytes_insert(&frame, 12, tag, sizeof(tag));
	if (c->cut_off)
		frame.len -= 10;
	return frame;
}

static struct row {
	const char *sentence;
	bool customer; /* the port */
	struct change change;
	__u32 verdict;
	enum reason reason; /* REASON_NONE: it is none of ours */
} rows[] = {
#define CORE(sentence, reason, ...) { sentence, false, { __VA_ARGS__ }, XDP_DROP, reason }
#define ELSEWHERE(sentence, ...) { sentence, false, { __VA_ARGS__ }, XDP_PASS, REASON_NONE }
#define CUSTOMER(sentence, ...) { sentence, true, { __VA_ARGS__ }, XDP_DROP, REASON_CUSTOMER_PORT }
#define HARMLESS(sentence, verdict, reason, ...) { sentence, true, { __VA_ARGS__ }, verdict, reason }
	CORE("core port: a failure from the domain, to us, acts", REASON_FAILED, .udp = false),
	CORE("core port: by UDP over IPv6", REASON_FAILED, .udp = true),
	CORE("core port: by UDP over IPv4", REASON_FAILED, .udp4 = true),
	ELSEWHERE("core port: to another node, it goes on", .dst = "2001:db8:f::7"),
	ELSEWHERE("core port: to another node, by UDP over IPv4", .udp4 = true,
		  .dst = "198.51.100.7"),
	ELSEWHERE("core port: to a group", .dst = "ff05::1"),
	ELSEWHERE("core port: to an address of ours that is no loopback", .dst = "fe80::1"),
	CORE("core port: from a source that policy does not have", REASON_SOURCE,
	     .src = "2001:db8:1::2"),
	CORE("core port: from a customer's address, IPv4", REASON_SOURCE, .udp4 = true,
	     .src = "192.0.2.1"),
	CORE("core port: from the unspecified address", REASON_SOURCE, .src = "::"),
	CORE("core port: from as far as the radius", REASON_FAILED,
	     .hop_limit = WIRE_HOP_LIMIT - RADIUS),
	CORE("core port: from one hop beyond the radius", REASON_RADIUS,
	     .hop_limit = WIRE_HOP_LIMIT - RADIUS - 1),
	CORE("core port: from one hop beyond the radius, IPv4", REASON_RADIUS, .udp4 = true,
	     .hop_limit = WIRE_HOP_LIMIT - RADIUS - 1),
	CORE("core port: of another domain", REASON_DOMAIN, .domain = 6),
	CORE("core port: of no domain", REASON_DOMAIN, .no_domain = true),
	CORE("core port: of another domain, by UDP", REASON_DOMAIN, .udp = true, .domain = 6),
	CORE("core port: the radius is judged before the source", REASON_RADIUS,
	     .src = "2001:db8:1::2", .hop_limit = 64),
	CORE("core port: the source is judged before the domain", REASON_SOURCE,
	     .src = "2001:db8:1::2", .domain = 6),
	CUSTOMER("customer port: a failure to us", .udp = false),
	CUSTOMER("customer port: by UDP over IPv6", .udp = true),
	CUSTOMER("customer port: by UDP over IPv4", .udp4 = true),
	CUSTOMER("customer port: a recovery", .type = 203),
	CUSTOMER("customer port: load balancing", .type = 206),
	CUSTOMER("customer port: passing through, in a class", .dst = "2001:db8:2::2"),
	CUSTOMER("customer port: passing through, in no class", .dst = "2001:db8:77::2"),
	CUSTOMER("customer port: passing through by UDP over IPv4", .udp4 = true,
		 .dst = "203.0.113.9"),
	CUSTOMER("customer port: to a group", .dst = "ff05::1"),
	CUSTOMER("customer port: from the domain or not", .src = "2001:db8:1::2"),
	CUSTOMER("customer port: of another domain", .domain = 6),
	CUSTOMER("customer port: that goes no further", .hop_limit = 1),
	CUSTOMER("customer port: behind a VLAN tag", .tags = 1),
	CUSTOMER("customer port: behind two, by UDP", .tags = 2, .udp = true),
	CUSTOMER("customer port: behind one, by UDP over IPv4", .tags = 1, .udp4 = true),
	CUSTOMER("customer port: with a routing header", .routed = true),
	CUSTOMER("customer port: with a routing header, by UDP", .routed = true, .udp = true),
	CUSTOMER("customer port: with a routing header behind a tag", .routed = true, .tags = 1),
	CUSTOMER("customer port: cut off", .cut_off = true),
	HARMLESS("customer port: another ICMPv6 type is steered", XDP_REDIRECT, REASON_NONE,
		 .type = 207, .dst = "2001:db8:2::2"),
	HARMLESS("customer port: another UDP port is steered", XDP_REDIRECT, REASON_NONE,
		 .udp = true, .dport = 50203, .dst = "2001:db8:2::2"),
	HARMLESS("customer port: another type behind a tag is the kernel's", XDP_PASS,
		 REASON_NOT_IP, .type = 207, .tags = 1),
	HARMLESS("customer port: another port with a routing header is steered", XDP_REDIRECT,
		 REASON_NONE, .udp = true, .dport = 50203, .routed = true, .dst = "2001:db8:2::2"),
};

static int failures(void)
{
	struct health health;
	__u32 zero = 0;

	node_get(node->maps.fantel_health, &zero, &health);
	return health.failures;
}

/* One that counts acts, and of any other nothing is left. */
static void check_row(void **state)
{
	const struct row *row = *state;
	struct bytes frame = notification(&row->change);
	bool acts = row->reason == REASON_FAILED;

	node_run(node, row->customer ? node->progs.fantel_customer : node->progs.fantel_core, 0, &frame,
		 &got);
	assert_true(outcome_is(&got, row->sentence, row->verdict, row->reason));
	assert_int_equal(failures(), acts);
	assert_int_equal(node_entries(node->maps.fantel_failed, sizeof(struct failed_key)), acts);
	if (row->verdict == XDP_PASS)
		assert_true(bytes_are(&got.out, row->sentence, &frame, NULL));
	node_clear(node->maps.fantel_failed, sizeof(struct failed_key));
	node_clear(node->maps.fantel_origins, sizeof(struct addr));
	node_failures(node, 0, 0);
	node_events(node, NULL, 0);
}

/* ---- the class of notifications -------------------------------------------------------------- */

/* The IPv4 header's checksum, from nothing. */
static void ipv4_sum(__u8 *ip)
{
	__u32 sum = 0;

	store16(ip + 10, 0);
	for (int i = 0; i < (ip[0] & 15) * 4; i += 2)
		sum += load16(ip + i);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	store16(ip + 10, ~sum);
}

/* The packet of that name with another traffic class, behind so many VLAN tags. */
static struct bytes classed(const char *name, __u8 tclass, int tags)
{
	static const __u8 tag[4] = { 0x81, 0, 0, 7 };
	struct bytes frame = *golden(name);
	__u8 *ip = frame.b + 14;

	if (ip[0] >> 4 == 6) {
		store32(ip, (load32(ip) & ~htonl(0xff << 20)) | htonl(tclass << 20));
	} else {
		ip[1] = tclass;
		ipv4_sum(ip);
	}
	for (int i = 0; i < tags; i++)
		bytes_insert(&frame, 12, tag, sizeof(tag));
	return frame;
}

static const struct claim {
	const char *sentence, *packet;
	int tags;
	__u32 verdict;
	enum reason reason; /* beside that it was remarked; REASON_NONE: nothing */
} claims[] = {
	{ "steered, IPv6", "roce6", 0, XDP_REDIRECT, REASON_NONE },
	{ "steered, IPv4", "roce4", 0, XDP_REDIRECT, REASON_NONE },
	{ "steered, a fragment", "udp4 fragment last", 0, XDP_REDIRECT, REASON_NONE },
	{ "steered, IPv4 with options", "udp4 with options", 0, XDP_REDIRECT, REASON_NONE },
	{ "steered, with a routing header", "srv6 inside", 0, XDP_REDIRECT, REASON_NONE },
	{ "the kernel's, IPv6", "roce6 elsewhere", 0, XDP_PASS, REASON_NO_CLASS },
	{ "the kernel's, IPv4", "roce4 elsewhere", 0, XDP_PASS, REASON_NO_CLASS },
	{ "the kernel's, a hop limit used up", "roce6 hop limit 1", 0, XDP_PASS, REASON_HOP_LIMIT },
	{ "the kernel's, behind a VLAN tag", "roce6", 1, XDP_PASS, REASON_NOT_IP },
	{ "the kernel's, behind two VLAN tags, IPv4", "roce4", 2, XDP_PASS, REASON_NOT_IP },
};

static void customer(const struct bytes *frame)
{
	node_run(node, node->progs.fantel_customer, 0, frame, &got);
}

/* What has the DSCP of notifications leaves as if it had come with the other one. */
static void check_claim(void **state)
{
	const struct claim *claim = *state;
	static struct bytes want;

	for (__u8 ecn = 0; ecn < 4; ecn++) {
		struct bytes frame = classed(claim->packet, REMARKED_AS << 2 | ecn, claim->tags);

		customer(&frame);
		assert_int_equal(got.verdict, claim->verdict);
		assert_int_equal(got.count[REASON_REMARKED].packets, 0);
		want = got.out;
		frame = classed(claim->packet, WIRE_DSCP << 2 | ecn, claim->tags);
		customer(&frame);
		assert_int_equal(got.verdict, claim->verdict);
		assert_int_equal(got.count[REASON_REMARKED].packets, 1);
		assert_int_equal(got.reasons, claim->reason ? 2 : 1);
		assert_int_equal(got.count[claim->reason].packets, claim->reason != REASON_NONE);
		assert_true(bytes_are(&got.out, claim->sentence, &want, NULL));
	}
}

/* All 64, each with its own ECN field. */
static void only_that_class(void **state)
{
	for (int tclass = 0; tclass < 256; tclass++) {
		struct bytes frame = classed("roce6 elsewhere", tclass, 0);

		customer(&frame);
		assert_int_equal(got.count[REASON_REMARKED].packets, tclass >> 2 == WIRE_DSCP);
		if (tclass >> 2 != WIRE_DSCP)
			assert_true(bytes_are(&got.out, "another class stays", &frame, NULL));
	}
}

static void none_of_the_core(void **state)
{
	struct bytes frame = classed("roce6", WIRE_DSCP << 2 | 1, 0);

	node_run(node, node->progs.fantel_core, 0, &frame, &got);
	assert_true(outcome_is(&got, "on its way", XDP_PASS, REASON_NONE));
	assert_true(bytes_are(&got.out, "on its way", &frame, NULL));
}

static void left_where_policy_says_so(void **state)
{
	struct fantel_bpf *marking = node;

	node = node_make(false);
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
		const struct claim *claim = &claims[i];
		struct bytes frame = classed(claim->packet, WIRE_DSCP << 2 | 2, claim->tags);

		customer(&frame);
		assert_true(outcome_is(&got, claim->sentence, claim->verdict, claim->reason));
		if (claim->verdict == XDP_PASS)
			assert_true(bytes_are(&got.out, claim->sentence, &frame, NULL));
		else
			assert_int_equal(be32(load32(got.out.b + 14)) >> 20 & 0xff, WIRE_DSCP << 2 | 2);
	}
	fantel_bpf__destroy(node);
	node = marking;
}

/* ---- main ------------------------------------------------------------------------------------ */

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(claims)];
	const struct CMUnitTest others[] = {
		TEST("no other DSCP is touched", only_that_class),
		TEST("what is on its way through the core keeps its DSCP", none_of_the_core),
		TEST("where policy says so, customers keep it, too", left_where_policy_says_so),
	};
	size_t n = 0;

	node = node_make(true);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++, n++)
		tests[n] = (struct CMUnitTest){ rows[i].sentence, check_row, NULL, NULL, &rows[i] };
	for (size_t i = 0; i < ARRAY_SIZE(claims); i++, n++)
		tests[n] = (struct CMUnitTest){ claims[i].sentence, check_claim, NULL, NULL,
						(void *)&claims[i] };
	return _cmocka_run_group_tests("rows", tests, n, NULL, NULL) +
	       cmocka_run_group_tests(others, NULL, NULL);
}
