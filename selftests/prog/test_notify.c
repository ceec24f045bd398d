// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * fantel_core as the ingress PE: notifications in, state out. First every golden message as a whole
 * packet; then what several of them do together. Messages are encoded here by hand, not by msg.h.
 */
#include <arpa/inet.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <jansson.h>

#include "fantel/resource.h"
#include "fantel/path.h"
#include "harness.h"
#include "words.h"

#define US6 "2001:db8:f::1"
#define US4 "198.51.100.1"
#define P1 "2001:db8:f::2" /* three that report */
#define P2 "2001:db8:f::3"
#define P3 "198.51.100.2"

enum {
	SRV6_PATH, /* encaps-3 */
	ONE_PATH,  /* one segment, 2001:db8:9::9 */
	IPV4_PATH, /* known as 192.0.2.9 */
	TWIN_PATH, /* a second path with ONE_PATH's tunnel, in some tests */
	GRE4_PATH, /* four between two pairs of addresses */
	VXLAN4_PATH,
	GRE6_PATH,
	IPIP6_PATH,
	MPLS3_PATH, /* 24001, 16, 1048575 */
	MPLS8_PATH, /* the same, and five more below */
	PATHS,
};

/* What paths cross. SRV6_PATH crosses all of it, ONE_PATH only R1_R2. */
enum {
	R1_R2, /* a link with addresses of both families */
	R3_R4, /* a link without, known by its ends */
	R5,    /* a node */
	RESOURCES,
};

#define OUR_AS 64500
#define R1_6 "2001:db8:1:1112::11"
#define R2_6 "2001:db8:1:1112::12"
#define R1_4 "192.0.2.11"
#define R2_4 "192.0.2.12"
#define R3_ID "198.51.100.13"
#define R3_LINK 5 /* what R3 calls its link to R4 */
#define R4_ID "198.51.100.14"
#define R4_LINK 6
#define R5_ID "198.51.100.15"

static struct fantel_bpf *node;
static struct outcome got;

static struct resource_key link_key(const char *a, const char *b)
{
	struct addr one = addr_of(a), other = addr_of(b);
	struct resource_key key;

	resource_key_link(&key, &one, &other);
	return key;
}

static struct resource_key node_key(const char *router_id)
{
	struct addr id = addr_of(router_id);
	__u8 bytes[8] = {};
	struct resource_key key;

	memcpy(bytes, id.b + 12, 4);
	resource_key_node(&key, OUR_AS, bytes, 4);
	return key;
}

static struct resource_key port_key(const char *router_id, __u32 link_id)
{
	struct resource_key key = node_key(router_id);

	resource_key_port(&key, link_id);
	return key;
}

static void node_resources(void)
{
	struct resource_key r1_r2[] = { link_key(R1_6, R2_6), link_key(R1_4, R2_4) };
	struct resource_key r3_r4[] = { port_key(R3_ID, R3_LINK), port_key(R4_ID, R4_LINK) };
	struct resource_key r5 = node_key(R5_ID);
	static const __u32 all[] = { R1_R2, R3_R4, R5 };

	node_resource(node, R1_R2, "r1-r2", ARRAY_SIZE(r1_r2), r1_r2);
	node_resource(node, R3_R4, "r3-r4", ARRAY_SIZE(r3_r4), r3_r4);
	node_resource(node, R5, "r5", 1, &r5);
	node_crosses(node, SRV6_PATH, RESOURCES, all);
	node_crosses(node, ONE_PATH, 1, all);
}

/* Traffic of 2001:db8:2::/48, by SRV6_PATH alone. */
static void node_traffic(void)
{
	struct nexthop nh = nexthop_fresh();

	node_nexthop(node, SRV6_PATH, &nh);
	node_group(node, 0, FATE_DROP, 1, NULL, NULL);
	node_class(node, "2001:db8:2::/48", 0);
}

static void node_paths(void)
{
	static const char *const one[] = { "2001:db8:9::9", NULL };
	struct policy_path three = golden_path("encaps-3"), single = path_of("one", false, one);
	struct tunnel_key v4 = { .code = CODE_IP, .n = 1, .addr = addr_of("192.0.2.9") };

	node_path(node, SRV6_PATH, &three);
	node_path(node, ONE_PATH, &single);
	node_tunnel(node, &v4, IPV4_PATH);
	for (__u32 i = GRE4_PATH; i <= MPLS8_PATH; i++) {
		static const char *const name[PATHS] = {
			[GRE4_PATH] = "gre-4",	   [VXLAN4_PATH] = "vxlan-4",
			[GRE6_PATH] = "gre-key-6", [IPIP6_PATH] = "ipip-6",
			[MPLS3_PATH] = "mpls-3",   [MPLS8_PATH] = "mpls-8",
		};
		struct policy_path path = golden_path(name[i]);

		node_path(node, i, &path);
	}
	node_source(node, "2001:db8:f::/48");
	node_source(node, "198.51.100.0/24");
	node_resources();
	node_traffic();
}

static void forget(void)
{
	node_clear(node->maps.fantel_failed, sizeof(struct failed_key));
	node_clear(node->maps.fantel_origins, sizeof(struct addr));
	node_clear(node->maps.fantel_metrics, sizeof(struct failed_key));
	for (__u32 i = 0; i < PATHS; i++)
		node_failures(node, i, 0);
	for (__u32 i = 0; i < RESOURCES; i++) {
		struct resource r;

		node_get(node->maps.fantel_resource, &i, &r);
		r.failures = r.congestions = 0;
		node_put(node->maps.fantel_resource, &i, &r);
	}
	node_events(node, NULL, 0);
}

static int failures(__u32 path)
{
	struct health h;

	node_get(node->maps.fantel_health, &path, &h);
	return h.failures;
}

static int congestions(__u32 path)
{
	struct health h;

	node_get(node->maps.fantel_health, &path, &h);
	return h.congestions;
}

static int resource_congestions(__u32 index)
{
	struct resource r;

	node_get(node->maps.fantel_resource, &index, &r);
	return r.congestions;
}

static int resource_failures(__u32 index)
{
	struct resource r;

	node_get(node->maps.fantel_resource, &index, &r);
	return r.failures;
}

static __u32 generation(void)
{
	struct node_state state;
	__u32 zero = 0;

	node_get(node->maps.fantel_node, &zero, &state);
	return state.generation;
}

/* Does the packet path use SRV6_PATH? */
static bool carries(void)
{
	static struct outcome o;

	node_run(node, node->progs.fantel_customer, 0, golden("roce6"), &o);
	assert_true(o.verdict == XDP_REDIRECT || o.count[REASON_NO_PATH].packets == 1);
	return o.verdict == XDP_REDIRECT;
}

static __u32 failed_entries(void)
{
	return node_entries(node->maps.fantel_failed, sizeof(struct failed_key));
}

static __u32 metrics_entries(void)
{
	return node_entries(node->maps.fantel_metrics, sizeof(struct failed_key));
}

/* The only entry. */
static struct failed failed_entry(struct failed_key *key)
{
	struct failed failed;

	assert_int_equal(failed_entries(), 1);
	bpf_map_get_next_key(bpf_map__fd(node->maps.fantel_failed), NULL, key);
	assert_true(node_get(node->maps.fantel_failed, key, &failed));
	return failed;
}

static void assert_nothing_known(void)
{
	assert_int_equal(failed_entries(), 0);
	assert_int_equal(metrics_entries(), 0);
	assert_int_equal(node_entries(node->maps.fantel_origins, sizeof(struct addr)), 0);
	for (__u32 i = 0; i < PATHS; i++)
		assert_int_equal(failures(i) + congestions(i), 0);
	for (__u32 i = 0; i < RESOURCES; i++)
		assert_int_equal(resource_failures(i) + resource_congestions(i), 0);
}

static void run(const struct bytes *frame)
{
	node_run(node, node->progs.fantel_core, 0, frame, &got);
	assert_true(bytes_are(&got.out, "no byte is changed", frame, NULL));
}

/* ---- every golden message -------------------------------------------------------------------- */

static const char *text(json_t *vector, const char *name)
{
	return json_string_value(json_object_get(vector, name));
}

static void vector_frame(struct bytes *frame, json_t *vector, const char *dst)
{
	bool udp = !strcmp(text(vector, "transport"), "udp");
	struct bytes l4;

	bytes_hex(&l4, text(vector, "l4"));
	frame_around(frame, text(vector, "src"), dst ? dst : text(vector, "dst"),
		     udp ? IPPROTO_UDP : IPPROTO_ICMPV6, 255, &l4);
}

/* No node of ours has keys yet, so that a wrong MAC is not looked at. */
static enum reason vector_reason(json_t *vector)
{
	const char *why = text(vector, "why");

	if (why && strcmp(why, "auth"))
		return reason_from_word(why);
	if (why || !strcmp(text(vector, "kind"), "failure"))
		return REASON_FAILED;
	if (!strcmp(text(vector, "kind"), "failure-recovery"))
		return REASON_NOT_KNOWN;
	if (!strcmp(text(vector, "kind"), "load-balancing"))
		return json_object_size(json_object_get(vector, "tunnel")) ? REASON_MEASURED :
									     REASON_UNMATCHED;
	if (json_object_get(json_object_get(vector, "tunnel"), "mpls"))
		return REASON_UNMATCHED;
	if (!strcmp(text(vector, "kind"), "congestion"))
		return REASON_CONGESTED;
	return REASON_NOT_KNOWN;
}

static __u32 vector_path(json_t *vector)
{
	json_t *tunnel = json_object_get(vector, "tunnel");
	const char *ip = json_string_value(json_object_get(tunnel, "ip"));

	if (!ip || json_object_get(tunnel, "srv6"))
		return SRV6_PATH;
	return strchr(ip, '.') ? IPV4_PATH : ONE_PATH;
}

static void check_vector(void **state)
{
	json_t *vector = *state;
	enum reason reason = vector_reason(vector);
	struct bytes frame;

	forget();
	vector_frame(&frame, vector, NULL);
	run(&frame);
	assert_true(outcome_is(&got, text(vector, "name"), XDP_DROP, reason));
	if (reason == REASON_FAILED) {
		assert_int_equal(failed_entries(), 1);
		assert_int_equal(failures(vector_path(vector)), 1);
	} else if (reason == REASON_CONGESTED) {
		assert_int_equal(failed_entries(), 1);
		assert_int_equal(congestions(vector_path(vector)), 1);
	} else if (strcmp(text(vector, "verdict"), "valid")) {
		assert_nothing_known();
		assert_int_equal(node_events(node, NULL, 0), 0);
	} else {
		assert_int_equal(failed_entries(), 0);
		for (__u32 i = 0; i < PATHS; i++)
			assert_int_equal(failures(i), 0);
	}
}

static json_t *vectors(void)
{
	static json_t *all;
	json_error_t error;

	if (!all)
		all = json_load_file(SRCDIR "/selftests/golden/messages.json", 0, &error);
	if (!all) {
		fprintf(stderr, "messages.json: %s\n", error.text);
		exit(1);
	}
	return all;
}

/* To somebody else, nothing in them concerns us: not even the malformed ones are touched. */
static void vectors_to_others_pass(void **state)
{
	struct bytes frame;
	json_t *vector;
	size_t i;

	forget();
	json_array_foreach(vectors(), i, vector)
	{
		vector_frame(&frame, vector,
			     strchr(text(vector, "src"), '.') ? "198.51.100.7" : "2001:db8:f::7");
		run(&frame);
		assert_true(outcome_is(&got, text(vector, "name"), XDP_PASS, REASON_NONE));
	}
	assert_nothing_known();
}

/* ---- one message, encoded by hand ------------------------------------------------------------ */

enum by { ICMPV6, UDP6, UDP4 };

/* A node descriptor: sub-TLVs for what is given. */
struct descriptor {
	__u32 as;
	const char *router_id;
};

/* What is left out has the usual value. */
struct note {
	enum kind kind;
	const char *path; /* in golden/packets.py: an SRH with its segments */
	const char *ip;	  /* an address */
	bool less_first;  /* the SRH without its first segment */
	__u32 label[WIRE_LABELS_MAX + 1]; /* a label stack, top first, ended by 0 */
	bool event;	  /* an Event TLV, of the next three */
	__u32 event_id, validity_ms;
	__u64 sequence;
	struct descriptor local, remote; /* TLVs 256, 257 */
	__u32 local_id, remote_id;	 /* 258 */
	const char *here4, *there4, *here, *there; /* 259 to 262 */
	float capacity, available, utilized; /* 0 = left out */
	__u8 cpu;
	float rate_min, rate_max;
	bool hinted;
	__u8 hint;
	__u32 domain;
	const char *src, *dst;
	__u8 hop_limit;
	enum by by;
	__u8 cause;
};

static void put_srh(struct bytes *l4, const struct note *n)
{
	struct policy_path p = golden_path(n->path);
	__u32 count = p.n_segments - n->less_first;

	bytes_put32(l4, 41 << 24 | 2 * count << 16 | 4 << 8);
	bytes_put32(l4, (count - 1) << 24);
	for (__u32 i = 0; i < count; i++)
		bytes_put(l4, &p.segment[p.n_segments - 1 - i], 16);
}

/* TC and TTL as they are on the way: no part of the identity. */
static void put_labels(struct bytes *l4, const struct note *n)
{
	for (const __u32 *label = n->label; *label; label++)
		bytes_put32(l4, *label << 12 | 5 << 9 | !label[1] << 8 | 61);
}

static void put_private(struct bytes *l4, __u16 type, __u16 len)
{
	bytes_put16(l4, type);
	bytes_put16(l4, 4 + len);
	bytes_put32(l4, 32473);
}

static void put_bits(struct bytes *l4, float value)
{
	__u32 bits;

	memcpy(&bits, &value, sizeof(bits));
	bytes_put32(l4, bits);
}

static void put_float(struct bytes *l4, __u16 type, float value)
{
	if (value == 0)
		return;
	bytes_put16(l4, type);
	bytes_put16(l4, sizeof(__u32));
	put_bits(l4, value);
}

static void put_tlv(struct bytes *l4, __u16 type, const void *value, __u16 len)
{
	bytes_put16(l4, type);
	bytes_put16(l4, len);
	bytes_put(l4, value, len);
}

static void put_descriptor(struct bytes *l4, __u16 type, const struct descriptor *d)
{
	struct bytes value = {};
	__be32 as = htonl(d->as);

	if (d->as)
		put_tlv(&value, 512, &as, 4);
	if (d->router_id) {
		struct addr id = addr_of(d->router_id);

		put_tlv(&value, 515, id.b + 12, 4);
	}
	if (value.len)
		put_tlv(l4, type, value.b, value.len);
}

static void put_addr(struct bytes *l4, __u16 type, const char *text)
{
	struct addr a;

	if (!text)
		return;
	a = addr_of(text);
	if (strchr(text, '.'))
		put_tlv(l4, type, a.b + 12, 4);
	else
		put_tlv(l4, type, a.b, 16);
}

static void put_location(struct bytes *l4, const struct note *n)
{
	__be32 ids[] = { htonl(n->local_id), htonl(n->remote_id) };

	put_descriptor(l4, 256, &n->local);
	put_descriptor(l4, 257, &n->remote);
	if (n->local_id || n->remote_id)
		put_tlv(l4, 258, ids, sizeof(ids));
	put_addr(l4, 259, n->here4);
	put_addr(l4, 260, n->there4);
	put_addr(l4, 261, n->here);
	put_addr(l4, 262, n->there);
}

static void put_options(struct bytes *l4, const struct note *n)
{
	put_location(l4, n);
	put_float(l4, 1089, n->capacity);
	put_float(l4, 1119, n->available);
	put_float(l4, 1120, n->utilized);
	if (n->event) {
		put_private(l4, 65001, 16);
		bytes_put32(l4, n->event_id);
		bytes_put32(l4, n->sequence >> 32);
		bytes_put32(l4, n->sequence);
		bytes_put32(l4, n->validity_ms);
	}
	if (n->rate_max != 0) {
		put_private(l4, 65007, 8);
		put_bits(l4, n->rate_min);
		put_bits(l4, n->rate_max);
	}
	if (n->cpu) {
		put_private(l4, 65006, 4);
		bytes_put32(l4, n->cpu << 24);
	}
	if (n->domain) {
		put_private(l4, 65009, 4);
		bytes_put32(l4, n->domain);
	}
	if (n->hinted || n->hint) {
		put_private(l4, 65010, 4);
		bytes_put32(l4, n->hint << 24);
	}
	if (n->cause) {
		put_private(l4, 65011, 4);
		bytes_put32(l4, n->cause << 24);
	}
}

static void encode(struct bytes *frame, const struct note *n)
{
	const char *src = n->src ? n->src : n->by == UDP4 ? P3 : P1;
	const char *dst = n->dst ? n->dst : n->by == UDP4 ? US4 : US6;
	__u8 code = (n->ip ? 0x80 : 0) | (n->path ? 0x40 : 0) | (n->label[0] ? 0x20 : 0);
	__u8 type = 202 + n->kind;
	__u8 proto = n->by == ICMPV6 ? IPPROTO_ICMPV6 : IPPROTO_UDP;
	struct bytes l4 = {};

	if (n->by == ICMPV6) {
		bytes_put32(&l4, type << 24 | code << 16);
	} else {
		bytes_put32(&l4, 49152u << 16 | 50202);
		bytes_put32(&l4, 0);
		bytes_put32(&l4, type << 20 | code << 12);
	}
	if (n->ip) {
		struct addr a = addr_of(n->ip);

		bytes_put(&l4, &a, 16);
	}
	if (n->path)
		put_srh(&l4, n);
	put_labels(&l4, n);
	put_options(&l4, n);
	if (n->by != ICMPV6)
		store16(l4.b + 4, htons(l4.len));
	store16(l4.b + (n->by == ICMPV6 ? 2 : 6), htons(l4_sum(src, dst, proto, &l4)));
	frame_around(frame, src, dst, proto, n->hop_limit ? n->hop_limit : 255, &l4);
}

#define SAY(...) say(&(struct note){ __VA_ARGS__ })

/* Send it to the node; what was counted. */
static enum reason say(const struct note *n)
{
	static struct bytes frame;

	encode(&frame, n);
	run(&frame);
	if (got.verdict == XDP_PASS && !got.reasons)
		return REASON_NONE;
	assert_int_equal(got.verdict, XDP_DROP);
	assert_int_equal(got.reasons, 1);
	for (int r = 0; r < REASON_COUNT; r++)
		if (got.count[r].packets == 1)
			return r;
	return REASON_INTERNAL;
}

#define SRV6 .path = "encaps-3"
#define ONE .ip = "2001:db8:9::9"
#define EVENT(id, seq) .event = true, .event_id = id, .sequence = seq
#define FAILURE .kind = KIND_FAILURE
#define RECOVERY .kind = KIND_RECOVERY
#define LOAD .kind = KIND_LOAD
#define CONGESTION .kind = KIND_CONGESTION
#define ELIMINATION .kind = KIND_ELIMINATION
#define HINT(number) .hinted = true, .hint = number

/* ---- what one message does, by state and setting --------------------------------------------- */

struct row {
	const char *sentence;
	enum reason reason;
	struct note note;
};

static struct row rows[] = {
	{ "a failure by ICMPv6", REASON_FAILED, { FAILURE, SRV6, EVENT(1, 1) } },
	{ "a failure by UDP over IPv6", REASON_FAILED, { FAILURE, SRV6, EVENT(1, 1), .by = UDP6 } },
	{ "a failure by UDP over IPv4", REASON_FAILED, { FAILURE, SRV6, EVENT(1, 1), .by = UDP4 } },
	{ "a failure without an Event TLV", REASON_FAILED, { FAILURE, SRV6 } },
	{ "a failure of the reduced segment list",
	  REASON_FAILED,
	  { FAILURE, SRV6, EVENT(1, 1), .less_first = true } },
	{ "a failure of a one-segment tunnel", REASON_FAILED, { FAILURE, ONE, EVENT(1, 1) } },
	{ "address and segment list that match one path",
	  REASON_FAILED,
	  { FAILURE, SRV6, .ip = "2001:db8:a:2::", EVENT(1, 1) } },
	{ "address and segment list that match no path together",
	  REASON_UNMATCHED,
	  { FAILURE, SRV6, .ip = "2001:db8:9::9", EVENT(1, 1) } },
	{ "segment list and labels match no path together", REASON_UNMATCHED,
	  { FAILURE, SRV6, .label = { 16009 }, EVENT(1, 1) } },
	{ "address and labels match no path together", REASON_UNMATCHED,
	  { FAILURE, ONE, .label = { 16009 }, EVENT(1, 1) } },
	{ "a failure of another tunnel",
	  REASON_UNMATCHED,
	  { FAILURE, .path = "encaps-2", EVENT(1, 1) } },
	{ "a failure of another address",
	  REASON_UNMATCHED,
	  { FAILURE, .ip = "2001:db8:9::8", EVENT(1, 1) } },
	{ "a failure that names no path", REASON_UNMATCHED, { FAILURE, EVENT(1, 1) } },
	{ "a recovery from what was not told", REASON_NOT_KNOWN, { RECOVERY, SRV6, EVENT(1, 1) } },
	{ "a recovery without Event TLV from what was not told",
	  REASON_NOT_KNOWN,
	  { RECOVERY, SRV6 } },
	{ "congestion by ICMPv6", REASON_CONGESTED, { CONGESTION, SRV6, EVENT(1, 1) } },
	{ "congestion by UDP over IPv6",
	  REASON_CONGESTED,
	  { CONGESTION, SRV6, EVENT(1, 1), .by = UDP6 } },
	{ "congestion by UDP over IPv4",
	  REASON_CONGESTED,
	  { CONGESTION, SRV6, EVENT(1, 1), .by = UDP4 } },
	{ "congestion without an Event TLV", REASON_CONGESTED, { CONGESTION, SRV6 } },
	{ "congestion of a one-segment tunnel", REASON_CONGESTED, { CONGESTION, ONE, EVENT(1, 1) } },
	{ "congestion of another tunnel",
	  REASON_UNMATCHED,
	  { CONGESTION, .path = "encaps-2", EVENT(1, 1) } },
	{ "congestion that names no path", REASON_UNMATCHED, { CONGESTION, EVENT(1, 1) } },
	{ "congestion with a rate and a hint to slow down",
	  REASON_CONGESTED,
	  { CONGESTION, SRV6, .rate_min = 1e9, .rate_max = 2e9, HINT(3) } },
	{ "congestion with a rate that is no number",
	  REASON_METRIC,
	  { CONGESTION, SRV6, EVENT(1, 1), .rate_max = NAN } },
	{ "congestion with a lowest rate above its highest",
	  REASON_METRIC,
	  { CONGESTION, SRV6, EVENT(1, 1), .rate_min = 3e9, .rate_max = 2e9 } },
	{ "congestion with a hint only to inform is reported",
	  REASON_REPORTED,
	  { CONGESTION, SRV6, EVENT(1, 1), HINT(4) } },
	{ "congestion with a hint that is none", REASON_HINT, { CONGESTION, SRV6, EVENT(1, 1), HINT(0) } },
	{ "congestion with a hint of a later version",
	  REASON_HINT,
	  { CONGESTION, SRV6, EVENT(1, 1), HINT(5) } },
	{ "a failure, whatever its hint", REASON_FAILED, { FAILURE, SRV6, EVENT(1, 1), HINT(5) } },
	{ "the end of a congestion that was not told",
	  REASON_NOT_KNOWN,
	  { ELIMINATION, SRV6, EVENT(1, 1) } },
	{ "the same without an Event TLV", REASON_NOT_KNOWN, { ELIMINATION, SRV6 } },
	{ "load balancing without a metric is reported",
	  REASON_REPORTED,
	  { LOAD, SRV6, EVENT(1, 1) } },
	{ "load balancing with metrics is taken",
	  REASON_MEASURED,
	  { LOAD, SRV6, .capacity = 12.5e9, .available = 12.5e9 } },
	{ "load balancing of a link", REASON_MEASURED, { LOAD, .here = R1_6, .there = R2_6, .cpu = 1 } },
	{ "load balancing of the node that tells it",
	  REASON_MEASURED,
	  { LOAD, .local = { OUR_AS, R5_ID }, .cpu = 90 } },
	{ "load balancing of a node that no path crosses",
	  REASON_UNMATCHED,
	  { LOAD, .local = { OUR_AS, R4_ID }, .cpu = 90 } },
	{ "load balancing of no node", REASON_UNMATCHED, { LOAD, .cpu = 90 } },
	{ "load balancing of another tunnel",
	  REASON_UNMATCHED,
	  { LOAD, .path = "encaps-2", EVENT(1, 1), .cpu = 90 } },
	{ "load balancing with metrics for our information",
	  REASON_REPORTED,
	  { LOAD, SRV6, EVENT(1, 1), .cpu = 90, .hint = HINT_INFORM } },
	{ "load balancing with the hint to rebalance",
	  REASON_MEASURED,
	  { LOAD, SRV6, EVENT(1, 1), .cpu = 90, .hint = HINT_REBALANCE } },
	{ "load balancing with more load than a CPU can have",
	  REASON_METRIC,
	  { LOAD, SRV6, EVENT(1, 1), .cpu = 101 } },
	{ "load balancing with more utilized than there is",
	  REASON_METRIC,
	  { LOAD, SRV6, EVENT(1, 1), .capacity = 1e9, .utilized = 1.1e9 } },
	{ "load balancing with more available than there is",
	  REASON_METRIC,
	  { LOAD, SRV6, .capacity = 12.5e9, .available = 12.6e9 } },
	{ "load balancing with a metric that is no number",
	  REASON_METRIC,
	  { LOAD, SRV6, .available = NAN } },
	{ "load balancing with an infinite metric",
	  REASON_METRIC,
	  { LOAD, SRV6, .available = INFINITY } },
	{ "congestion with a negative metric",
	  REASON_METRIC,
	  { .kind = KIND_CONGESTION, SRV6, EVENT(1, 1), .available = -1 } },
	{ "the end of congestion, whatever its metrics",
	  REASON_NOT_KNOWN,
	  { .kind = KIND_ELIMINATION, SRV6, EVENT(1, 1), .available = -1 } },
	{ "a failure, whatever its metrics",
	  REASON_FAILED,
	  { FAILURE, SRV6, EVENT(1, 1), .available = NAN } },
	{ "the farthest that is within the radius",
	  REASON_FAILED,
	  { FAILURE, SRV6, EVENT(1, 1), .hop_limit = 247 } },
	{ "one hop beyond the radius, ICMPv6",
	  REASON_RADIUS,
	  { FAILURE, SRV6, EVENT(1, 1), .hop_limit = 246 } },
	{ "one hop beyond the radius, UDP over IPv4",
	  REASON_RADIUS,
	  { FAILURE, SRV6, EVENT(1, 1), .hop_limit = 246, .by = UDP4 } },
	{ "a source outside the domain, IPv6",
	  REASON_SOURCE,
	  { FAILURE, SRV6, EVENT(1, 1), .src = "2001:db8:99::2" } },
	{ "a source outside the domain, IPv4",
	  REASON_SOURCE,
	  { FAILURE, SRV6, EVENT(1, 1), .src = "192.0.2.2", .by = UDP4 } },
	{ "to another node", REASON_NONE, { FAILURE, SRV6, EVENT(1, 1), .dst = "2001:db8:f::7" } },
	{ "to a multicast group", REASON_NONE, { FAILURE, SRV6, EVENT(1, 1), .dst = "ff05::1" } },
	{ "a domain where none is asked for",
	  REASON_FAILED,
	  { FAILURE, SRV6, EVENT(1, 1), .domain = 9 } },
};

static void check_row(void **state)
{
	const struct row *row = *state;
	enum reason reason;

	forget();
	reason = say(&row->note);
	if (reason != row->reason)
		fprintf(stderr, "%s: %s, and not %s\n", row->sentence, reason_word(reason),
			reason_word(row->reason));
	assert_int_equal(reason, row->reason);
	assert_int_equal(failed_entries(), reason == REASON_FAILED || reason == REASON_CONGESTED);
	assert_int_equal(failures(SRV6_PATH) + failures(ONE_PATH), reason == REASON_FAILED);
	assert_int_equal(congestions(SRV6_PATH) + congestions(ONE_PATH),
			 reason == REASON_CONGESTED);
	assert_int_equal(metrics_entries(), reason == REASON_MEASURED);
}

/* ---- how each kind of tunnel is named -------------------------------------------------------- */

struct name_row {
	const char *sentence;
	struct note note;
	__u32 failed[PATHS]; /* the paths that it names, ended by 0; never SRV6_PATH */
};

static struct name_row name_rows[] = {
	{ "the destination of GRE and VXLAN over IPv4: both paths to it",
	  { FAILURE, .ip = "198.51.100.5", EVENT(1, 1) },
	  { GRE4_PATH, VXLAN4_PATH } },
	{ "the same by UDP over IPv4",
	  { FAILURE, .ip = "198.51.100.5", EVENT(1, 1), .by = UDP4 },
	  { GRE4_PATH, VXLAN4_PATH } },
	{ "the destination of GRE with a key and of IP in IP, over IPv6",
	  { FAILURE, .ip = "2001:db8:f::5", EVENT(1, 1) },
	  { GRE6_PATH, IPIP6_PATH } },
	{ "the next hop of MPLS names no path",
	  { FAILURE, .ip = "2001:db8:e0::2", EVENT(1, 1) }, { 0 } },
	{ "a label stack as it was pushed",
	  { FAILURE, .label = { 24001, 16, 1048575 }, EVENT(1, 1) },
	  { MPLS3_PATH } },
	{ "one label popped",
	  { FAILURE, .label = { 16, 1048575 }, EVENT(1, 1) },
	  { MPLS3_PATH } },
	{ "all but the last label popped",
	  { FAILURE, .label = { 1048575 }, EVENT(1, 1), .by = UDP6 },
	  { MPLS3_PATH } },
	{ "eight labels",
	  { FAILURE,
	    .label = { 24001, 16, 1048575, 16001, 16002, 16003, 16004, 16005 },
	    EVENT(1, 1) },
	  { MPLS8_PATH } },
	{ "the last one of eight labels",
	  { FAILURE, .label = { 16005 }, EVENT(1, 1) },
	  { MPLS8_PATH } },
	{ "the first label of a stack alone",
	  { FAILURE, .label = { 24001 }, EVENT(1, 1) }, { 0 } },
	{ "the first two of three labels",
	  { FAILURE, .label = { 24001, 16 }, EVENT(1, 1) }, { 0 } },
	{ "a label more than was pushed",
	  { FAILURE, .label = { 17, 24001, 16, 1048575 }, EVENT(1, 1) }, { 0 } },
	{ "sixteen labels",
	  { FAILURE,
	    .label = { 21, 22, 23, 24, 25, 26, 27, 28, 24001, 16, 1048575, 16001, 16002, 16003,
		       16004, 16005 },
	    EVENT(1, 1) }, { 0 } },
	{ "labels and the address of their next hop match no path together",
	  { FAILURE, .ip = "2001:db8:e0::2", .label = { 24001, 16, 1048575 }, EVENT(1, 1) },
	  { 0 } },
	{ "labels and the unspecified address match no path together",
	  { FAILURE, .ip = "::", .label = { 24001, 16, 1048575 }, EVENT(1, 1) }, { 0 } },
	{ "labels and segments match no path together",
	  { FAILURE, SRV6, .label = { 24001, 16, 1048575 }, EVENT(1, 1) }, { 0 } },
};

static void check_name(void **state)
{
	const struct name_row *row = *state;
	__u32 expected[PATHS] = {}, n = 0;

	for (; row->failed[n]; n++)
		expected[row->failed[n]] = 1;
	forget();
	assert_int_equal(say(&row->note), n ? REASON_FAILED : REASON_UNMATCHED);
	for (__u32 i = 0; i < PATHS; i++)
		assert_int_equal(failures(i), expected[i]);
	assert_int_equal(failed_entries(), n);
}

/* ---- what one location does ------------------------------------------------------------------ */

#define R1_TO_R2 .here = R1_6, .there = R2_6
#define R2_TO_R1 .here = R2_6, .there = R1_6
#define R3_NODE .local = { .router_id = R3_ID }
#define R4_NODE .remote = { .router_id = R4_ID }
#define R3_TO_R4 R3_NODE, .local_id = R3_LINK, .remote_id = R4_LINK
#define NODE_DOWN .cause = CAUSE_NODE_DOWN
#define BIT(resource) (1 << (resource))

struct place {
	const char *sentence;
	enum reason reason;
	int fail; /* BIT() of each resource that fails */
	struct note note;
};

static struct place places[] = {
	{ "a link by its IPv6 addresses", REASON_FAILED, BIT(R1_R2), { FAILURE, R1_TO_R2 } },
	{ "the same link, told by its other end", REASON_FAILED, BIT(R1_R2), { FAILURE, R2_TO_R1 } },
	{ "a link by its IPv4 addresses",
	  REASON_FAILED,
	  BIT(R1_R2),
	  { FAILURE, .here4 = R1_4, .there4 = R2_4 } },
	{ "a link by both is one link",
	  REASON_FAILED,
	  BIT(R1_R2),
	  { FAILURE, R1_TO_R2, .here4 = R1_4, .there4 = R2_4 } },
	{ "a link by one of its addresses alone is none",
	  REASON_UNMATCHED,
	  0,
	  { FAILURE, .here = R1_6 } },
	{ "addresses that are of no one link",
	  REASON_UNMATCHED,
	  0,
	  { FAILURE, .here = R1_6, .there = "2001:db8:1:1112::13" } },
	{ "one end by IPv4 and the other by IPv6 is none",
	  REASON_UNMATCHED,
	  0,
	  { FAILURE, .here4 = R1_4, .there = R2_6 } },
	{ "a link by what its node calls it", REASON_FAILED, BIT(R3_R4), { FAILURE, R3_TO_R4 } },
	{ "the same link, by what its other end calls it",
	  REASON_FAILED,
	  BIT(R3_R4),
	  { FAILURE, .local = { .router_id = R4_ID }, .local_id = R4_LINK, .remote_id = R3_LINK } },
	{ "the same link, where only the remote node is known",
	  REASON_FAILED,
	  BIT(R3_R4),
	  { FAILURE, .local = { .router_id = "9.9.9.9" }, R4_NODE, .local_id = 1,
	    .remote_id = R4_LINK } },
	{ "a link by what both call it is one link",
	  REASON_FAILED,
	  BIT(R3_R4),
	  { FAILURE, R3_TO_R4, R4_NODE } },
	{ "a link by another identifier", REASON_UNMATCHED, 0, { FAILURE, R3_NODE, .local_id = 6 } },
	{ "identifiers without a node", REASON_UNMATCHED, 0, { FAILURE, .local_id = R3_LINK } },
	{ "our AS, said or not, is one",
	  REASON_FAILED,
	  BIT(R3_R4),
	  { FAILURE, .local = { OUR_AS, R3_ID }, .local_id = R3_LINK } },
	{ "another AS's node of the same name",
	  REASON_UNMATCHED,
	  0,
	  { FAILURE, .local = { OUR_AS + 1, R3_ID }, .local_id = R3_LINK } },
	{ "a node that is down: the remote one",
	  REASON_FAILED,
	  BIT(R5),
	  { FAILURE, R3_NODE, .remote = { .router_id = R5_ID }, NODE_DOWN } },
	{ "a node that is down: the reporter itself",
	  REASON_FAILED,
	  BIT(R5),
	  { FAILURE, .local = { .router_id = R5_ID }, NODE_DOWN } },
	{ "a reporter is not the node that is down",
	  REASON_UNMATCHED,
	  0,
	  { FAILURE, .local = { .router_id = R5_ID }, .remote = { .router_id = "9.9.9.9" },
	    NODE_DOWN } },
	{ "nor is it where the remote node has no name",
	  REASON_UNMATCHED,
	  0,
	  { FAILURE, .local = { .router_id = R5_ID }, .remote = { .as = OUR_AS }, NODE_DOWN } },
	{ "a node beside another cause is not down",
	  REASON_UNMATCHED,
	  0,
	  { FAILURE, R3_NODE, .remote = { .router_id = R5_ID }, .cause = CAUSE_CARRIER } },
	{ "a node that is down takes the link to it along",
	  REASON_FAILED,
	  BIT(R5) | BIT(R1_R2),
	  { FAILURE, R1_TO_R2, .remote = { .router_id = R5_ID }, NODE_DOWN } },
	{ "another's tunnel over a link that is known",
	  REASON_FAILED,
	  BIT(R1_R2),
	  { FAILURE, .path = "encaps-2", R1_TO_R2 } },
	{ "another's tunnel by UDP over IPv4",
	  REASON_FAILED,
	  BIT(R1_R2),
	  { FAILURE, .path = "encaps-2", R1_TO_R2, .by = UDP4 } },
	{ "another's tunnel over a link that is not",
	  REASON_UNMATCHED,
	  0,
	  { FAILURE, .path = "encaps-2", .here = R1_6, .there = "2001:db8::9" } },
	{ "a recovery of a link that did not fail", REASON_NOT_KNOWN, 0, { RECOVERY, R1_TO_R2 } },
	{ "a recovery with an event that nobody told of",
	  REASON_NOT_KNOWN,
	  0,
	  { RECOVERY, R1_TO_R2, EVENT(7, 1) } },
	{ "a link of another domain's router",
	  REASON_SOURCE,
	  0,
	  { FAILURE, R1_TO_R2, .src = "2001:db8:99::2" } },
};

static void check_place(void **state)
{
	const struct place *place = *state;
	__u32 before, n = 0;
	enum reason reason;

	forget();
	before = generation();
	reason = say(&place->note);
	if (reason != place->reason)
		fprintf(stderr, "%s: %s, and not %s\n", place->sentence, reason_word(reason),
			reason_word(place->reason));
	assert_int_equal(reason, place->reason);
	for (__u32 i = 0; i < RESOURCES; i++) {
		assert_int_equal(resource_failures(i), !!(place->fail & BIT(i)));
		n += !!(place->fail & BIT(i));
	}
	assert_int_equal(failed_entries(), n);
	assert_int_equal(generation() - before, n);
	assert_int_equal(failures(SRV6_PATH) + failures(ONE_PATH), 0);
	assert_int_equal(carries(), !n);
}

/* A congested link slows its paths down, and stops none. */
static void a_link_is_congested(void **state)
{
	__u32 before;

	forget();
	before = generation();
	assert_int_equal(SAY(CONGESTION, R1_TO_R2, EVENT(7, 1)), REASON_CONGESTED);
	assert_int_equal(resource_congestions(R1_R2), 1);
	assert_int_equal(resource_failures(R1_R2), 0);
	assert_int_equal(generation() - before, 1);
	assert_true(carries());
	assert_int_equal(SAY(ELIMINATION, R2_TO_R1, EVENT(7, 2)), REASON_EASED);
	assert_int_equal(resource_congestions(R1_R2), 0);
	assert_int_equal(generation() - before, 2);
	assert_int_equal(failed_entries(), 0);
}

/* ---- what several do ------------------------------------------------------------------------- */

static void congestion_and_its_end(void **state)
{
	struct failed_key key;
	struct failed failed;

	forget();
	assert_int_equal(SAY(CONGESTION, SRV6, EVENT(7, 1), .cause = CAUSE_QUEUE), REASON_CONGESTED);
	assert_int_equal(congestions(SRV6_PATH), 1);
	assert_int_equal(congestions(ONE_PATH) + failures(SRV6_PATH), 0);
	failed = failed_entry(&key);
	assert_int_equal(key.is_congestion, 1);
	assert_int_equal(key.index, SRV6_PATH);
	assert_string_equal(failed.name, "encaps-3");
	assert_int_equal(failed.kind, KIND_CONGESTION);
	assert_int_equal(failed.cause, CAUSE_QUEUE);
	assert_int_equal(SAY(CONGESTION, SRV6, EVENT(7, 2)), REASON_REFRESHED);
	assert_int_equal(congestions(SRV6_PATH), 1);
	assert_int_equal(SAY(ELIMINATION, SRV6, EVENT(7, 3)), REASON_EASED);
	assert_int_equal(congestions(SRV6_PATH), 0);
	assert_int_equal(failed_entries(), 0);
}

/* One event-id for both: neither's end is the other's. */
static void failure_and_congestion_are_two(void **state)
{
	forget();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1)), REASON_FAILED);
	assert_int_equal(SAY(CONGESTION, SRV6, EVENT(7, 2)), REASON_CONGESTED);
	assert_int_equal(failed_entries(), 2);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(7, 3)), REASON_RECOVERED);
	assert_int_equal(failures(SRV6_PATH), 0);
	assert_int_equal(congestions(SRV6_PATH), 1);
	assert_int_equal(SAY(RECOVERY, SRV6), REASON_NOT_KNOWN);
	assert_int_equal(SAY(RECOVERY, EVENT(7, 4)), REASON_NOT_KNOWN);
	assert_int_equal(congestions(SRV6_PATH), 1);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(8, 5)), REASON_FAILED);
	assert_int_equal(SAY(ELIMINATION, EVENT(7, 6)), REASON_EASED);
	assert_int_equal(congestions(SRV6_PATH), 0);
	assert_int_equal(failures(SRV6_PATH), 1);
	assert_int_equal(SAY(ELIMINATION, SRV6), REASON_NOT_KNOWN);
	assert_int_equal(failures(SRV6_PATH), 1);
}

static void an_end_without_event_ends_all(void **state)
{
	forget();
	SAY(CONGESTION, SRV6, EVENT(7, 1));
	SAY(CONGESTION, SRV6, EVENT(8, 2));
	SAY(CONGESTION, SRV6, EVENT(9, 3), .src = P2);
	SAY(FAILURE, SRV6, EVENT(7, 4));
	assert_int_equal(congestions(SRV6_PATH), 3);
	assert_int_equal(SAY(ELIMINATION, SRV6), REASON_EASED);
	assert_int_equal(congestions(SRV6_PATH), 1);
	assert_int_equal(failures(SRV6_PATH), 1);
}

static void sleep_ms(int ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L }, NULL);
}

static void congestion_expires(void **state)
{
	struct event event[2];

	forget();
	SAY(CONGESTION, SRV6, EVENT(7, 1), .validity_ms = 20);
	assert_int_equal(congestions(SRV6_PATH), 1);
	sleep_ms(100);
	assert_int_equal(congestions(SRV6_PATH), 0);
	assert_int_equal(failed_entries(), 0);
	assert_int_equal(node_events(node, event, 2), 2);
	assert_int_equal(event[0].reason, REASON_CONGESTED);
	assert_true(event[0].usable && event[0].congested);
	assert_int_equal(event[1].type, EVENT_PATH);
	assert_int_equal(event[1].reason, REASON_EXPIRED);
	assert_int_equal(event[1].kind, KIND_ELIMINATION);
	assert_true(event[1].usable && !event[1].congested);
}

static void failure_and_recovery(void **state)
{
	struct failed_key key;
	struct failed failed;

	forget();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1), .cause = CAUSE_CARRIER), REASON_FAILED);
	assert_int_equal(failures(SRV6_PATH), 1);
	assert_int_equal(failures(ONE_PATH), 0);
	failed = failed_entry(&key);
	assert_int_equal(key.is_resource, 0);
	assert_int_equal(key.index, SRV6_PATH);
	assert_int_equal(key.event_id, 7);
	assert_true(key.originator == ((addr_num)0x20010db8000f0000ULL << 64 | 2));
	assert_string_equal(failed.name, "encaps-3");
	assert_int_equal(failed.kind, KIND_FAILURE);
	assert_int_equal(failed.cause, CAUSE_CARRIER);
	assert_int_equal(failed.sequence, 1);
	assert_int_equal(failed.until_ns, 0);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(7, 2)), REASON_RECOVERED);
	assert_int_equal(failures(SRV6_PATH), 0);
	assert_int_equal(failed_entries(), 0);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(7, 3)), REASON_NOT_KNOWN);
	assert_int_equal(failures(SRV6_PATH), 0);
}

static void repetitions_act_once(void **state)
{
	for (enum by by = ICMPV6; by <= UDP4; by++) {
		forget();
		assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1), .by = by), REASON_FAILED);
		for (int i = 0; i < 2; i++)
			assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1), .by = by),
					 REASON_DUPLICATE);
		assert_int_equal(failures(SRV6_PATH), 1);
		assert_int_equal(SAY(RECOVERY, SRV6, EVENT(7, 2), .by = by), REASON_RECOVERED);
		for (int i = 0; i < 2; i++)
			assert_int_equal(SAY(RECOVERY, SRV6, EVENT(7, 2), .by = by),
					 REASON_DUPLICATE);
		/* A failure's repetition that comes last must not fail the path again. */
		assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1), .by = by), REASON_DUPLICATE);
		assert_int_equal(failures(SRV6_PATH), 0);
	}
}

static void without_a_sequence_it_refreshes(void **state)
{
	forget();
	assert_int_equal(SAY(FAILURE, SRV6), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, SRV6), REASON_REFRESHED);
	assert_int_equal(failures(SRV6_PATH), 1);
	assert_int_equal(SAY(RECOVERY, SRV6), REASON_RECOVERED);
	assert_int_equal(failures(SRV6_PATH), 0);
	assert_int_equal(SAY(RECOVERY, SRV6), REASON_NOT_KNOWN);
}

static void a_refresh_moves_the_end(void **state)
{
	struct failed first, second;
	struct failed_key key;

	forget();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1), .validity_ms = 60000), REASON_FAILED);
	first = failed_entry(&key);
	assert_int_equal(first.until_ns - first.since_ns, 60000 * NSEC_PER_MSEC);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 2), .validity_ms = 90000), REASON_REFRESHED);
	second = failed_entry(&key);
	assert_true(second.until_ns > first.until_ns + 29000 * NSEC_PER_MSEC);
	assert_int_equal(second.since_ns, first.since_ns);
	assert_int_equal(second.sequence, 2);
	assert_int_equal(failures(SRV6_PATH), 1);
}

static __u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/* Wait, for ever so long, until the path has so many failures. */
static bool failures_become(__u32 path, int n)
{
	for (int i = 0; i < 1000 && failures(path) != n; i++)
		sleep_ms(10);
	return failures(path) == n;
}

static void validity_runs_out(void **state)
{
	__u64 expired = node_count(node, REASON_EXPIRED).packets;
	struct event event[4];
	struct failed_key key;
	struct failed failed;

	forget();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1), .validity_ms = 100), REASON_FAILED);
	failed = failed_entry(&key);
	/* No packet, no system call on the maps but reading. */
	assert_true(failures_become(SRV6_PATH, 0));
	assert_true(now_ns() >= failed.until_ns);
	assert_int_equal(failed_entries(), 0);
	assert_int_equal(node_count(node, REASON_EXPIRED).packets, expired + 1);
	assert_int_equal(node_events(node, event, 4), 2);
	assert_int_equal(event[1].type, EVENT_PATH);
	assert_int_equal(event[1].reason, REASON_EXPIRED);
	assert_int_equal(event[1].index, SRV6_PATH);
	assert_int_equal(event[1].event_id, 7);
	assert_int_equal(event[1].usable, 1);
	/* It is as if it had never been: the next one acts. */
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 2)), REASON_FAILED);
}

/* More than some kernels have timers for at once. */
#define MANY 1000

static void many_validities_run_out(void **state)
{
	__u64 expired = node_count(node, REASON_EXPIRED).packets;

	forget();
	for (__u32 i = 1; i <= MANY; i++)
		assert_int_equal(SAY(FAILURE, SRV6, EVENT(i, i), .validity_ms = 1000 + i % 100), REASON_FAILED);
	assert_int_equal(failures(SRV6_PATH), MANY);
	assert_true(failures_become(SRV6_PATH, 0));
	assert_int_equal(failed_entries(), 0);
	assert_int_equal(node_count(node, REASON_EXPIRED).packets, expired + MANY);
}

static void a_refreshed_failure_outlives_its_first_end(void **state)
{
	forget();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1), .validity_ms = 50), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 2), .validity_ms = 600000), REASON_REFRESHED);
	assert_int_equal(SAY(FAILURE, ONE, EVENT(8, 3), .validity_ms = 50), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, ONE, EVENT(8, 4), .validity_ms = 0), REASON_REFRESHED);
	sleep_ms(200);
	assert_int_equal(failures(SRV6_PATH), 1);
	assert_int_equal(failures(ONE_PATH), 1);
	/* And one that had no end gets one. */
	assert_int_equal(SAY(FAILURE, ONE, EVENT(8, 5), .validity_ms = 20), REASON_REFRESHED);
	assert_true(failures_become(ONE_PATH, 0));
	assert_int_equal(failures(SRV6_PATH), 1);
}

static void a_recovered_failure_does_not_expire(void **state)
{
	__u64 expired = node_count(node, REASON_EXPIRED).packets;

	forget();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1), .validity_ms = 50), REASON_FAILED);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(7, 2)), REASON_RECOVERED);
	sleep_ms(200);
	assert_int_equal(failures(SRV6_PATH), 0);
	assert_int_equal(node_count(node, REASON_EXPIRED).packets, expired);
}

static void every_reporter_must_withdraw(void **state)
{
	forget();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1), .src = P1), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1), .src = P2), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1), .by = UDP4), REASON_FAILED);
	assert_int_equal(failures(SRV6_PATH), 3);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(7, 2), .src = P1), REASON_RECOVERED);
	assert_int_equal(failures(SRV6_PATH), 2);
	/* By the same one again it withdraws nothing. */
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(7, 3), .src = P1), REASON_NOT_KNOWN);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(7, 2), .by = UDP4), REASON_RECOVERED);
	assert_int_equal(failures(SRV6_PATH), 1);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(7, 2), .src = P2), REASON_RECOVERED);
	assert_int_equal(failures(SRV6_PATH), 0);
}

static void every_event_must_be_withdrawn(void **state)
{
	forget();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1)), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(8, 2)), REASON_FAILED);
	assert_int_equal(failures(SRV6_PATH), 2);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(9, 3)), REASON_NOT_KNOWN);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(8, 4)), REASON_RECOVERED);
	assert_int_equal(failures(SRV6_PATH), 1);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(7, 5)), REASON_RECOVERED);
	assert_int_equal(failures(SRV6_PATH), 0);
}

static void a_recovery_by_tunnel_withdraws_all_of_its_originator(void **state)
{
	forget();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1)), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(8, 2)), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, ONE, EVENT(7, 3)), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1), .src = P2), REASON_FAILED);
	assert_int_equal(SAY(RECOVERY, SRV6), REASON_RECOVERED);
	assert_int_equal(failures(SRV6_PATH), 1);
	assert_int_equal(failures(ONE_PATH), 1);
	assert_int_equal(failed_entries(), 2);
}

/* Told without an Event TLV, withdrawn with one: the tunnel is what both name. */
static void a_recovery_finds_a_failure_without_event(void **state)
{
	forget();
	assert_int_equal(SAY(FAILURE, SRV6), REASON_FAILED);
	assert_int_equal(SAY(RECOVERY, ONE, EVENT(7, 1)), REASON_NOT_KNOWN);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(7, 2), .src = P2), REASON_NOT_KNOWN);
	assert_int_equal(failures(SRV6_PATH), 1);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(7, 3)), REASON_RECOVERED);
	assert_int_equal(failures(SRV6_PATH), 0);
	assert_int_equal(failed_entries(), 0);
}

static void a_recovery_by_event_needs_no_tunnel(void **state)
{
	struct event e[4];

	forget();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1)), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, ONE, EVENT(7, 2)), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, ONE, EVENT(8, 3)), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, ONE, EVENT(7, 1), .src = P2), REASON_FAILED);
	node_events(node, NULL, 0);
	assert_int_equal(SAY(RECOVERY, EVENT(7, 4)), REASON_RECOVERED);
	assert_int_equal(failures(SRV6_PATH), 0);
	assert_int_equal(failures(ONE_PATH), 2);
	/* Each path says what became of it. */
	assert_int_equal(node_events(node, e, 4), 3);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(e[i].type, EVENT_PATH);
		assert_int_equal(e[i].reason, REASON_RECOVERED);
		assert_int_equal(e[i].event_id, 7);
		assert_int_equal(e[i].usable, e[i].index == SRV6_PATH);
	}
	assert_int_equal(e[0].index + e[1].index, SRV6_PATH + ONE_PATH);
	assert_int_equal(e[2].type, EVENT_NOTIFICATION);
	assert_int_equal(SAY(RECOVERY, EVENT(7, 5)), REASON_NOT_KNOWN);
}

/* The full and the reduced list are one path. */
static void either_name_will_do(void **state)
{
	forget();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1)), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 2), .less_first = true), REASON_REFRESHED);
	assert_int_equal(failures(SRV6_PATH), 1);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(7, 3), .less_first = true), REASON_RECOVERED);
	assert_int_equal(failures(SRV6_PATH), 0);
}

static void a_link_stops_all_that_cross_it(void **state)
{
	forget();
	assert_true(carries());
	assert_int_equal(SAY(FAILURE, R1_TO_R2, EVENT(7, 1)), REASON_FAILED);
	assert_false(carries());
	assert_int_equal(SAY(FAILURE, R1_TO_R2, EVENT(7, 1)), REASON_DUPLICATE);
	assert_int_equal(SAY(FAILURE, R1_TO_R2, EVENT(7, 2)), REASON_REFRESHED);
	assert_int_equal(resource_failures(R1_R2), 1);
	assert_int_equal(SAY(RECOVERY, R1_TO_R2, EVENT(7, 3)), REASON_RECOVERED);
	assert_true(carries());
	assert_int_equal(failed_entries(), 0);
}

static void a_path_without_resources_goes_on(void **state)
{
	static const __u32 all[] = { R1_R2, R3_R4, R5 };

	forget();
	node_crosses(node, SRV6_PATH, 0, NULL);
	assert_int_equal(SAY(FAILURE, R1_TO_R2, EVENT(7, 1)), REASON_FAILED);
	assert_true(carries());
	node_crosses(node, SRV6_PATH, 2, all + 1);
	assert_true(carries());
	node_crosses(node, SRV6_PATH, RESOURCES, all);
	assert_false(carries());
}

/* R1 and R2 both see their link fail, and each for itself that it is back. */
static void both_ends_must_withdraw(void **state)
{
	forget();
	assert_int_equal(SAY(FAILURE, R1_TO_R2, EVENT(7, 1), .src = P1), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, R2_TO_R1, EVENT(3, 1), .src = P2), REASON_FAILED);
	assert_int_equal(resource_failures(R1_R2), 2);
	assert_int_equal(SAY(RECOVERY, R1_TO_R2, EVENT(7, 2), .src = P1), REASON_RECOVERED);
	assert_false(carries());
	assert_int_equal(SAY(RECOVERY, R1_TO_R2, EVENT(7, 3), .src = P1), REASON_NOT_KNOWN);
	assert_int_equal(SAY(RECOVERY, R2_TO_R1, EVENT(3, 2), .src = P2), REASON_RECOVERED);
	assert_true(carries());
}

static void path_and_resources_must_all_be_well(void **state)
{
	forget();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(1, 1)), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, R1_TO_R2, EVENT(2, 2)), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, R3_TO_R4, EVENT(3, 3)), REASON_FAILED);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(1, 4)), REASON_RECOVERED);
	assert_false(carries());
	assert_int_equal(SAY(RECOVERY, R1_TO_R2, EVENT(2, 5)), REASON_RECOVERED);
	assert_false(carries());
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(1, 6)), REASON_FAILED);
	assert_int_equal(SAY(RECOVERY, R3_TO_R4, EVENT(3, 7)), REASON_RECOVERED);
	assert_false(carries());
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(1, 8)), REASON_RECOVERED);
	assert_true(carries());
}

/* The tunnel is ours: it is what failed, as far as its reporter knows. */
static void a_known_tunnel_counts_alone(void **state)
{
	forget();
	assert_int_equal(SAY(FAILURE, ONE, R1_TO_R2, EVENT(7, 1)), REASON_FAILED);
	assert_int_equal(failures(ONE_PATH), 1);
	assert_int_equal(resource_failures(R1_R2), 0);
	assert_true(carries());
	assert_int_equal(SAY(RECOVERY, ONE, R1_TO_R2, EVENT(7, 2)), REASON_RECOVERED);
	assert_int_equal(failures(ONE_PATH), 0);
}

static void a_link_recovers_in_every_way(void **state)
{
	static const struct {
		const char *sentence;
		struct note note;
	} ways[] = {
		{ "by event-id and location", { RECOVERY, R1_TO_R2, EVENT(7, 5) } },
		{ "by event-id alone", { RECOVERY, EVENT(7, 5) } },
		{ "by location alone", { RECOVERY, R1_TO_R2 } },
		{ "by the location of the other end", { RECOVERY, R2_TO_R1 } },
		{ "beside a tunnel that is not ours",
		  { RECOVERY, .path = "encaps-2", R1_TO_R2, EVENT(7, 5) } },
		{ "beside a tunnel that we have learned of since",
		  { RECOVERY, SRV6, R1_TO_R2, EVENT(7, 5) } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		forget();
		print_message("# %s\n", ways[i].sentence);
		assert_int_equal(SAY(FAILURE, R1_TO_R2, EVENT(7, 1)), REASON_FAILED);
		assert_false(carries());
		assert_int_equal(say(&ways[i].note), REASON_RECOVERED);
		assert_int_equal(resource_failures(R1_R2), 0);
		assert_int_equal(failed_entries(), 0);
		assert_true(carries());
	}
	forget();
	assert_int_equal(SAY(FAILURE, R1_TO_R2), REASON_FAILED);
	assert_int_equal(SAY(RECOVERY, R1_TO_R2, EVENT(7, 1)), REASON_RECOVERED);
	assert_true(carries());
}

/* All that one event did, to paths and to what they cross, ends with it. */
static void an_event_ends_everywhere(void **state)
{
	forget();
	assert_int_equal(SAY(FAILURE, ONE, EVENT(7, 1)), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, R1_TO_R2, EVENT(7, 2)), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, R3_TO_R4, EVENT(8, 3)), REASON_FAILED);
	assert_int_equal(SAY(RECOVERY, R1_TO_R2, EVENT(7, 4)), REASON_RECOVERED);
	assert_int_equal(failures(ONE_PATH), 0);
	assert_int_equal(resource_failures(R1_R2), 0);
	assert_int_equal(resource_failures(R3_R4), 1);
}

static void a_link_failure_expires(void **state)
{
	struct event event[4];

	forget();
	assert_int_equal(SAY(FAILURE, R1_TO_R2, EVENT(7, 1), .validity_ms = 1000), REASON_FAILED);
	assert_false(carries());
	for (int i = 0; i < 1000 && resource_failures(R1_R2); i++)
		sleep_ms(10);
	assert_int_equal(resource_failures(R1_R2), 0);
	assert_true(carries());
	node_events(node, event, 4);
	assert_int_equal(event[1].type, EVENT_NO_PATH);
	assert_int_equal(event[2].type, EVENT_PATH);
	assert_int_equal(event[2].reason, REASON_EXPIRED);
	assert_int_equal(event[2].is_resource, 1);
	assert_string_equal(event[2].name, "r1-r2");
	assert_int_equal(event[2].usable, 1);
}

static void what_is_known_of_a_link(void **state)
{
	struct failed_key key;
	struct failed failed;
	struct event e[4];
	struct resource r;
	__u32 index = R1_R2;

	forget();
	assert_int_equal(SAY(FAILURE, R1_TO_R2, EVENT(7, 1), .cause = CAUSE_CARRIER), REASON_FAILED);
	failed = failed_entry(&key);
	assert_int_equal(key.is_resource, 1);
	assert_int_equal(key.index, R1_R2);
	assert_string_equal(failed.name, "r1-r2");
	assert_int_equal(failed.cause, CAUSE_CARRIER);
	assert_int_equal(node_events(node, e, 4), 1);
	assert_int_equal(e[0].reason, REASON_FAILED);
	assert_int_equal(e[0].is_resource, 1);
	assert_int_equal(e[0].index, R1_R2);
	assert_string_equal(e[0].name, "r1-r2");
	assert_int_equal(e[0].usable, 0);
	assert_int_equal(e[0].tunnel.code, 0);
	node_get(node->maps.fantel_resource, &index, &r);
	assert_in_range(r.changed_ns, failed.since_ns, failed.since_ns);
	SAY(RECOVERY, EVENT(7, 2));
	assert_int_equal(node_events(node, e, 4), 2);
	assert_int_equal(e[0].type, EVENT_PATH);
	assert_int_equal(e[0].reason, REASON_RECOVERED);
	assert_int_equal(e[0].is_resource, 1);
	assert_string_equal(e[0].name, "r1-r2");
	assert_int_equal(e[0].usable, 1);
	assert_int_equal(e[1].type, EVENT_NOTIFICATION);
}

/* A path that a link still blocks is not called usable when its own failure ends. */
static void usable_means_usable(void **state)
{
	struct event e[4];

	forget();
	SAY(FAILURE, SRV6, EVENT(1, 1));
	SAY(FAILURE, R1_TO_R2, EVENT(2, 2));
	node_events(node, NULL, 0);
	SAY(RECOVERY, SRV6, EVENT(1, 3));
	assert_int_equal(node_events(node, e, 4), 1);
	assert_int_equal(e[0].is_resource, 0);
	assert_int_equal(e[0].usable, 0);
}

static void a_link_may_flap(void **state)
{
	forget();
	for (__u64 i = 1; i <= 1000; i++) {
		assert_int_equal(SAY(FAILURE, R1_TO_R2, EVENT(7, 2 * i)), REASON_FAILED);
		assert_false(carries());
		assert_int_equal(SAY(RECOVERY, R1_TO_R2, EVENT(7, 2 * i + 1)), REASON_RECOVERED);
		assert_true(carries());
		node_events(node, NULL, 0);
	}
}

static void paths_of_one_tunnel_fail_together(void **state)
{
	static const char *const one[] = { "2001:db8:9::9", NULL };
	struct policy_path twin = path_of("twin", false, one);
	struct tunnel_key key = { .code = CODE_IP, .n = 1, .addr = addr_of(one[0]) };
	struct tunnel_paths alone = { .tunnel = key, .n = 1, .path = { ONE_PATH } };
	__u64 hash = hash_tunnel(&key);

	forget();
	node_path(node, TWIN_PATH, &twin);
	assert_int_equal(SAY(FAILURE, ONE, EVENT(7, 1)), REASON_FAILED);
	assert_int_equal(failures(ONE_PATH), 1);
	assert_int_equal(failures(TWIN_PATH), 1);
	assert_int_equal(failed_entries(), 2);
	assert_int_equal(SAY(RECOVERY, ONE, EVENT(7, 2)), REASON_RECOVERED);
	assert_int_equal(failures(ONE_PATH), 0);
	assert_int_equal(failures(TWIN_PATH), 0);
	node_put(node->maps.fantel_tunnels, &hash, &alone);
}

static void old_sequences_are_stale(void **state)
{
	const __u64 epoch = 1000ULL << 32;

	forget();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(1, epoch + 100)), REASON_FAILED);
	/* Overtaken on the way, but within the window of 64: still acts, once. */
	assert_int_equal(SAY(FAILURE, ONE, EVENT(2, epoch + 99)), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, ONE, EVENT(2, epoch + 99)), REASON_DUPLICATE);
	assert_int_equal(SAY(RECOVERY, ONE, EVENT(2, epoch + 37)), REASON_RECOVERED);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(1, epoch + 36)), REASON_STALE);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(1, 1)), REASON_STALE);
	assert_int_equal(failures(SRV6_PATH), 1);
	/* The originator rebooted: a later epoch, its counter from 1. */
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(1, (2000ULL << 32) + 1)), REASON_RECOVERED);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(3, epoch + 101)), REASON_STALE);
	/* Another originator's sequences are its own. */
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(3, 5), .src = P2), REASON_FAILED);
}

/* What was refused for another reason has not used up its sequence. */
static void a_refused_one_does_not_move_the_window(void **state)
{
	forget();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(1, 50), .hop_limit = 3), REASON_RADIUS);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(1, 50)), REASON_FAILED);
}

static void only_our_domain(void **state)
{
	struct config config = node_config();
	struct fantel_bpf *any = node;

	config.domain = 5;
	node = node_load(&config);
	node_paths();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(1, 1), .domain = 6), REASON_DOMAIN);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(1, 1)), REASON_DOMAIN);
	assert_nothing_known();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(1, 1), .domain = 5), REASON_FAILED);
	fantel_bpf__destroy(node);
	node = any;
}

static void events_say_what_happened(void **state)
{
	struct addr p1 = addr_of(P1);
	struct event e[4];

	forget();
	SAY(FAILURE, SRV6, EVENT(7, 1), .validity_ms = 60000, .cause = CAUSE_ADMIN_DOWN);
	assert_int_equal(node_events(node, e, 4), 1);
	assert_int_equal(e[0].type, EVENT_NOTIFICATION);
	assert_int_equal(e[0].reason, REASON_FAILED);
	assert_int_equal(e[0].kind, KIND_FAILURE);
	assert_int_equal(e[0].cause, CAUSE_ADMIN_DOWN);
	assert_int_equal(e[0].index, SRV6_PATH);
	assert_int_equal(e[0].event_id, 7);
	assert_int_equal(e[0].usable, 0);
	assert_int_equal(e[0].sequence, 1);
	assert_int_equal(e[0].validity_ms, 60000);
	assert_memory_equal(&e[0].peer, &p1, sizeof(p1));
	assert_string_equal(e[0].name, "encaps-3");
	assert_int_equal(e[0].tunnel.code, CODE_SRV6);
	assert_int_equal(e[0].tunnel.n, 3);
	/* Nothing new, nothing said. */
	SAY(FAILURE, SRV6, EVENT(7, 1));
	SAY(FAILURE, SRV6, EVENT(7, 2));
	assert_int_equal(node_events(node, e, 4), 0);
	SAY(RECOVERY, SRV6, EVENT(7, 3));
	assert_int_equal(node_events(node, e, 4), 1);
	assert_int_equal(e[0].reason, REASON_RECOVERED);
	assert_int_equal(e[0].usable, 1);
	SAY(.kind = KIND_CONGESTION, SRV6, EVENT(7, 4), .cause = CAUSE_QUEUE);
	assert_int_equal(node_events(node, e, 4), 1);
	assert_int_equal(e[0].reason, REASON_CONGESTED);
	assert_int_equal(e[0].kind, KIND_CONGESTION);
	assert_int_equal(e[0].cause, CAUSE_QUEUE);
	assert_int_equal(e[0].usable, 1);
	assert_int_equal(e[0].congested, 1);
	SAY(.kind = KIND_LOAD, SRV6);
	assert_int_equal(node_events(node, e, 4), 1);
	assert_int_equal(e[0].reason, REASON_REPORTED);
	SAY(.kind = KIND_LOAD, SRV6, .available = NAN);
	assert_int_equal(node_events(node, e, 4), 1);
	assert_int_equal(e[0].reason, REASON_METRIC);
	assert_int_equal(e[0].kind, KIND_LOAD);
	/* What names no tunnel says none in its event, not that of the message before. */
	SAY(RECOVERY, EVENT(7, 5));
	assert_int_equal(node_events(node, e, 4), 1);
	assert_int_equal(e[0].reason, REASON_NOT_KNOWN);
	assert_int_equal(e[0].tunnel.code, 0);
}

/* ---- metrics --------------------------------------------------------------------------------- */

/* The entry of an originator's event on SRV6_PATH; false: there is none. */
static bool metrics_of(const char *originator, __u32 event_id, struct metrics *m)
{
	struct addr addr = addr_of(originator);
	struct failed_key key = { .originator = addr_number(&addr),
				  .index = SRV6_PATH,
				  .event_id = event_id };

	return node_get(node->maps.fantel_metrics, &key, m);
}

static void metrics_are_kept_by_who_said_them(void **state)
{
	struct metrics m;

	forget();
	SAY(LOAD, SRV6, EVENT(7, 5), .capacity = 1e9, .utilized = 6e8, .validity_ms = 3000);
	SAY(LOAD, SRV6, EVENT(8, 6), .capacity = 2e9, .available = 5e8);
	SAY(LOAD, SRV6, EVENT(7, 1), .cpu = 50, .src = "2001:db8:f::22");
	assert_int_equal(metrics_entries(), 3);
	assert_true(metrics_of(P1, 7, &m));
	assert_string_equal(m.name, "encaps-3");
	assert_int_equal(m.sequence, 5);
	assert_int_equal(m.until_ns, m.time_ns + 3000 * NSEC_PER_MSEC);
	assert_int_equal(m.measured.told, MSG_BIT(TLVI_CAPACITY) | MSG_BIT(TLVI_UTILIZED));
	assert_int_equal(m.measured.capacity, 1000000000);
	assert_int_equal(m.measured.utilized, 600000000);
	assert_true(metrics_of(P1, 8, &m));
	assert_int_equal(m.until_ns, 0);
	assert_int_equal(m.measured.told, MSG_BIT(TLVI_CAPACITY) | MSG_BIT(TLVI_AVAILABLE));
	assert_true(metrics_of("2001:db8:f::22", 7, &m));
	assert_int_equal(m.measured.cpu_percent, 50);
	/* A path is not stopped, whatever is measured. */
	SAY(LOAD, SRV6, EVENT(7, 7), .capacity = 1e9, .utilized = 1e9, .cpu = 100);
	assert_true(carries());
	assert_int_equal(failures(SRV6_PATH), 0);
}

static void newer_metrics_replace_older_ones(void **state)
{
	struct metrics m;

	forget();
	assert_int_equal(SAY(LOAD, SRV6, EVENT(7, 5), .capacity = 1e9, .utilized = 6e8),
			 REASON_MEASURED);
	assert_int_equal(SAY(LOAD, SRV6, EVENT(7, 9), .cpu = 30), REASON_MEASURED);
	assert_int_equal(SAY(LOAD, SRV6, EVENT(7, 9), .cpu = 31), REASON_DUPLICATE);
	/* Overtaken on its way. */
	assert_int_equal(SAY(LOAD, SRV6, EVENT(7, 8), .cpu = 32), REASON_STALE);
	assert_true(metrics_of(P1, 7, &m));
	assert_int_equal(m.measured.told, MSG_BIT(TLVI_NODE_LOAD));
	assert_int_equal(m.measured.cpu_percent, 30);
	assert_int_equal(m.measured.capacity, 0);
	/* What can't be takes no sequence and changes nothing. */
	assert_int_equal(SAY(LOAD, SRV6, EVENT(7, 10), .utilized = NAN), REASON_METRIC);
	assert_int_equal(SAY(LOAD, SRV6, EVENT(7, 10), .cpu = 33), REASON_MEASURED);
	/* Without a sequence the latest counts. */
	assert_int_equal(SAY(LOAD, SRV6, .cpu = 10), REASON_MEASURED);
	assert_int_equal(SAY(LOAD, SRV6, .cpu = 9), REASON_MEASURED);
	assert_true(metrics_of(P1, 0, &m));
	assert_int_equal(m.measured.cpu_percent, 9);
}

static void metrics_have_an_event(void **state)
{
	struct event e[4];

	forget();
	SAY(LOAD, SRV6, EVENT(7, 1), .capacity = 1e9, .utilized = 6e8);
	assert_int_equal(node_events(node, e, 4), 1);
	assert_int_equal(e[0].reason, REASON_MEASURED);
	assert_int_equal(e[0].kind, KIND_LOAD);
	assert_string_equal(e[0].name, "encaps-3");
	assert_int_equal(e[0].measured.utilized, 600000000);
	SAY(LOAD, SRV6, EVENT(7, 2), .capacity = 1e9, .utilized = -1);
	assert_int_equal(node_events(node, e, 4), 1);
	assert_int_equal(e[0].reason, REASON_METRIC);
	assert_int_equal(e[0].measured.told, 0);
}

static void a_link_has_one_entry_whatever_it_is_called(void **state)
{
	struct failed_key key;
	struct metrics m;

	forget();
	SAY(LOAD, EVENT(7, 1), .here = R1_6, .there = R2_6, .capacity = 1e9, .utilized = 6e8);
	SAY(LOAD, EVENT(7, 2), .here4 = R2_4, .there4 = R1_4, .capacity = 1e9, .utilized = 7e8);
	assert_int_equal(metrics_entries(), 1);
	bpf_map_get_next_key(bpf_map__fd(node->maps.fantel_metrics), NULL, &key);
	node_get(node->maps.fantel_metrics, &key, &m);
	assert_true(key.is_resource);
	assert_int_equal(key.index, R1_R2);
	assert_string_equal(m.name, "r1-r2");
	assert_int_equal(m.measured.utilized, 700000000);
}

static void a_full_map_leaves_the_sequence_to_a_repetition(void **state)
{
	struct failed_key key = { .index = ONE_PATH };
	static const struct metrics none;

	forget();
	for (__u32 i = 0; i < MAX_METRICS; i++) {
		key.event_id = i;
		node_put(node->maps.fantel_metrics, &key, &none);
	}
	assert_int_equal(SAY(LOAD, SRV6, EVENT(7, 1), .cpu = 30), REASON_METRICS_FULL);
	key.event_id = 3;
	bpf_map_delete_elem(bpf_map__fd(node->maps.fantel_metrics), &key);
	assert_int_equal(SAY(LOAD, SRV6, EVENT(7, 1), .cpu = 30), REASON_MEASURED);
	forget();
}

/* A node without an IPv4 loopback is not "::" for that. */
static void nobody_is_not_us(void **state)
{
	struct config config = node_config();
	struct fantel_bpf *both = node;
	struct policy_path three = golden_path("encaps-3");

	memset(&config.loopback4, 0, sizeof(config.loopback4));
	node = node_load(&config);
	node_source(node, "2001:db8:f::/48");
	node_path(node, SRV6_PATH, &three);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(1, 1), .dst = "::"), REASON_NONE);
	assert_nothing_known();
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(1, 1)), REASON_FAILED);
	fantel_bpf__destroy(node);
	node = both;
}

/* ---- several CPUs at once ------------------------------------------------------------------------ */

static struct bytes at_once[2];
static int round_no, rounds_done[2];

static void *on_one_cpu(void *arg)
{
	long cpu = (long)arg;
	int round = 0;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
	for (;;) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = at_once[cpu].b, .repeat = 1);

		while (__atomic_load_n(&round_no, __ATOMIC_ACQUIRE) == round)
			sched_yield();
		round = __atomic_load_n(&round_no, __ATOMIC_ACQUIRE);
		if (round < 0)
			return NULL;
		opts.data_size_in = at_once[cpu].len;
		bpf_prog_test_run_opts(bpf_program__fd(node->progs.fantel_core), &opts);
		__atomic_store_n(&rounds_done[cpu], round, __ATOMIC_RELEASE);
	}
}

/* Two messages, one on each CPU, as nearly at once as can be. */
static void say_at_once(const struct note *a, const struct note *b)
{
	int round = round_no + 1;

	encode(&at_once[0], a);
	encode(&at_once[1], b);
	__atomic_store_n(&round_no, round, __ATOMIC_RELEASE);
	for (int cpu = 0; cpu < 2; cpu++)
		while (__atomic_load_n(&rounds_done[cpu], __ATOMIC_ACQUIRE) != round)
			sched_yield();
}

#define ROUNDS 3000

/* A failure told twice, by two sequences; their repetitions; the recovery and its repetition. */
static void cpus_agree(void **state)
{
	__u64 before[REASON_COUNT];
	pthread_t thread[2];

	if (libbpf_num_possible_cpus() < 2) {
		printf("# this machine has one CPU\n");
		skip();
	}
	forget();
	for (int r = 0; r < REASON_COUNT; r++)
		before[r] = node_count(node, r).packets;
	for (long cpu = 0; cpu < 2; cpu++)
		assert_int_equal(pthread_create(&thread[cpu], NULL, on_one_cpu, (void *)cpu), 0);
	for (__u64 i = 1; i <= ROUNDS; i++) {
		const struct note a = { FAILURE, ONE, EVENT(7, 3 * i) };
		const struct note b = { FAILURE, ONE, EVENT(7, 3 * i + 1) };
		const struct note back = { RECOVERY, ONE, EVENT(7, 3 * i + 2) };

		say_at_once(&a, &b);
		say_at_once(&b, &a);
		say_at_once(&back, &back);
	}
	__atomic_store_n(&round_no, -1, __ATOMIC_RELEASE);
	for (int cpu = 0; cpu < 2; cpu++)
		pthread_join(thread[cpu], NULL);
	assert_int_equal(node_count(node, REASON_FAILED).packets - before[REASON_FAILED], ROUNDS);
	assert_int_equal(node_count(node, REASON_REFRESHED).packets - before[REASON_REFRESHED], ROUNDS);
	assert_int_equal(node_count(node, REASON_RECOVERED).packets - before[REASON_RECOVERED], ROUNDS);
	assert_int_equal(node_count(node, REASON_DUPLICATE).packets - before[REASON_DUPLICATE],
			 3 * ROUNDS);
	assert_int_equal(failures(ONE_PATH), 0);
	assert_int_equal(failed_entries(), 0);
}

/* A full set refuses, says so, and lets the repetition try again. */
static void a_full_set_refuses(void **state)
{
	struct failed_key key = { .index = MAX_PATHS - 1 };
	struct failed failed = {};

	forget();
	for (key.event_id = 0; key.event_id < MAX_FAILED; key.event_id++)
		node_put(node->maps.fantel_failed, &key, &failed);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1)), REASON_FAILED_FULL);
	assert_int_equal(failures(SRV6_PATH), 0);
	node_clear(node->maps.fantel_failed, sizeof(key));
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(7, 1)), REASON_FAILED);
}

static void node_congested(int entries)
{
	struct node_state state;
	__u32 zero = 0;

	node_get(node->maps.fantel_node, &zero, &state);
	state.congested = entries;
	node_put(node->maps.fantel_node, &zero, &state);
}

/* However much is congested, a failure finds room. */
static void congestion_takes_half(void **state)
{
	forget();
	node_congested(node_config().congested_most - 1);
	assert_int_equal(SAY(CONGESTION, SRV6, EVENT(1, 1)), REASON_CONGESTED);
	assert_int_equal(SAY(CONGESTION, SRV6, EVENT(2, 2)), REASON_FAILED_FULL);
	assert_int_equal(SAY(CONGESTION, SRV6, EVENT(1, 3)), REASON_REFRESHED);
	assert_int_equal(congestions(SRV6_PATH), 1);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(3, 4)), REASON_FAILED);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(3, 5)), REASON_RECOVERED);
	assert_int_equal(SAY(CONGESTION, ONE, EVENT(2, 6)), REASON_FAILED_FULL);
	assert_int_equal(SAY(ELIMINATION, SRV6, EVENT(1, 7)), REASON_EASED);
	assert_int_equal(SAY(CONGESTION, SRV6, EVENT(2, 2)), REASON_CONGESTED);
	node_congested(0);
}

/* However much is said of one path, others have room; and of failures, beside its congestion, it has too. */
static void a_subject_takes_its_part(void **state)
{
	struct health health = { .failures = node_config().failures_each - 1 };
	__u32 path = SRV6_PATH;

	forget();
	node_put(node->maps.fantel_health, &path, &health);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(1, 1)), REASON_FAILED);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(2, 2)), REASON_FAILED_SHARE);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(1, 3)), REASON_REFRESHED);
	assert_int_equal(failed_entries(), 1);
	assert_int_equal(SAY(FAILURE, ONE, EVENT(2, 4)), REASON_FAILED);
	assert_int_equal(SAY(CONGESTION, SRV6, EVENT(4, 5)), REASON_CONGESTED);
	assert_int_equal(SAY(RECOVERY, SRV6, EVENT(1, 6)), REASON_RECOVERED);
	assert_int_equal(SAY(FAILURE, SRV6, EVENT(2, 2)), REASON_FAILED);
	node_put(node->maps.fantel_health, &path, &(struct health){});
	node_congested(0);
	forget();
}

/* While a rate rises its own part of the count is none of anybody's. */
static void a_rising_rate_takes_no_part(void **state)
{
	struct health health = { .congestions = PACE_RISE + node_config().congestions_each - 1 };
	__u32 path = SRV6_PATH;

	forget();
	node_put(node->maps.fantel_health, &path, &health);
	assert_int_equal(SAY(CONGESTION, SRV6, EVENT(1, 1)), REASON_CONGESTED);
	assert_int_equal(SAY(CONGESTION, SRV6, EVENT(2, 2)), REASON_FAILED_SHARE);
	node_put(node->maps.fantel_health, &path, &(struct health){});
	node_congested(0);
	forget();
}

/* ---- what is no notification, or a broken one ------------------------------------------------ */

/* A packet to our loopback that is none of our business goes to the kernel as it came. */
static void other_packets_pass(void **state)
{
	static struct bytes frame;
	struct bytes l4 = {};

	forget();
	bytes_put32(&l4, 128 << 24);
	bytes_put32(&l4, 1);
	frame_around(&frame, P1, US6, IPPROTO_ICMPV6, 255, &l4);
	run(&frame);
	assert_true(outcome_is(&got, "ICMPv6 echo", XDP_PASS, REASON_NONE));
	l4.len = 0;
	bytes_put32(&l4, 202 << 24 | 0x80 << 16);
	bytes_put32(&l4, 1);
	frame_around(&frame, P3, US4, IPPROTO_ICMP, 255, &l4);
	run(&frame);
	assert_true(outcome_is(&got, "ICMPv4 of that type", XDP_PASS, REASON_NONE));
	frame_around(&frame, P1, US6, IPPROTO_TCP, 255, &l4);
	run(&frame);
	assert_true(outcome_is(&got, "TCP", XDP_PASS, REASON_NONE));
	l4.len = 0;
	bytes_put32(&l4, 50202u << 16 | 50203);
	bytes_put32(&l4, 8 << 16);
	frame_around(&frame, P1, US6, IPPROTO_UDP, 255, &l4);
	run(&frame);
	assert_true(outcome_is(&got, "UDP to another port", XDP_PASS, REASON_NONE));
	run(golden("arp"));
	assert_true(outcome_is(&got, "ARP", XDP_PASS, REASON_NONE));
	assert_nothing_known();
}

static void padding_is_not_parsed(void **state)
{
	static struct bytes frame;
	static const __u8 zeros[46];

	forget();
	encode(&frame, &(struct note){ FAILURE, ONE, .by = UDP4 });
	bytes_put(&frame, zeros, sizeof(zeros));
	run(&frame);
	assert_true(outcome_is(&got, "padded", XDP_DROP, REASON_FAILED));
}

/* Cut anywhere, with IP lengths that say so, and with IP lengths that lie. */
static void cut_at_every_length(void **state)
{
	static struct bytes whole, cut;

	for (enum by by = ICMPV6; by <= UDP4; by++) {
		__u32 ip = by == UDP4 ? 20 : 40;

		encode(&whole, &(struct note){ FAILURE, SRV6, EVENT(7, 1), .by = by, .cause = 1 });
		for (__u32 len = 14; len < whole.len; len++) {
			forget();
			cut = whole;
			cut.len = len;
			run(&cut);
			assert_true(got.verdict == XDP_DROP || got.verdict == XDP_PASS);
			assert_int_equal(got.count[REASON_FAILED].packets, 0);
			assert_nothing_known();
			if (len < 14 + ip)
				continue;
			if (by == UDP4)
				store16(cut.b + 16, htons(len - 14));
			else
				store16(cut.b + 18, htons(len - 54));
			run(&cut);
			assert_true(got.verdict == XDP_DROP || got.verdict == XDP_PASS);
			assert_int_equal(got.count[REASON_FAILED].packets, 0);
			assert_nothing_known();
		}
	}
}

static void longer_than_allowed(void **state)
{
	static struct bytes frame;
	struct bytes l4 = {};

	/* 1,241 bytes behind the IPv6 header: one packet of 1,281. */
	bytes_put32(&l4, 202 << 24 | 0x80 << 16);
	for (int i = 0; i < 16; i += 4)
		bytes_put32(&l4, 0x20010db8);
	while (l4.len < 1241) {
		static const __u8 zeros[8];
		__u32 n = 1241 - l4.len < 260 ? 1241 - l4.len - 4 : 252;

		bytes_put16(&l4, 40000);
		bytes_put16(&l4, n);
		for (__u32 i = 0; i < n; i++)
			bytes_put(&l4, zeros, 1);
	}
	store16(l4.b + 2, htons(l4_sum(P1, US6, IPPROTO_ICMPV6, &l4)));
	frame_around(&frame, P1, US6, IPPROTO_ICMPV6, 255, &l4);
	forget();
	run(&frame);
	assert_true(outcome_is(&got, "1,281 bytes", XDP_DROP, REASON_TOO_LONG));
	assert_nothing_known();
}

/* Change bytes of good messages at random, with the checksum made right again: either it acts, or
 * nothing has changed. */
static void mutations_change_nothing_by_halves(void **state)
{
	static struct bytes frame;
	__u64 random = 1;
	int acted = 0;

	for (int i = 0; i < 20000; i++) {
		struct bytes l4 = {};
		enum by by = i % 2 ? UDP6 : ICMPV6;
		__u8 proto = by == UDP6 ? IPPROTO_UDP : IPPROTO_ICMPV6, sum_at = by == UDP6 ? 6 : 2;
		__u32 entries;

		forget();
		/* A validity that stays long, whatever flips: nothing expires meanwhile. */
		encode(&frame,
		       &(struct note){ FAILURE, SRV6, EVENT(7, 1), .validity_ms = ~0U, .by = by });
		bytes_put(&l4, frame.b + 54, frame.len - 54);
		for (int flips = i / 2 % 6 + 1; flips; flips--) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			l4.b[(random >> 33) % l4.len] ^= 1 << (random >> 61);
		}
		store16(l4.b + sum_at, 0);
		store16(l4.b + sum_at, htons(l4_sum(P1, US6, proto, &l4)));
		frame_around(&frame, P1, US6, proto, 255, &l4);
		run(&frame);
		assert_true(got.verdict == XDP_DROP || got.verdict == XDP_PASS);
		assert_int_equal(got.reasons, got.verdict == XDP_DROP);
		entries = failed_entries();
		assert_int_equal(entries, got.count[REASON_FAILED].packets);
		assert_int_equal(failures(SRV6_PATH) + failures(ONE_PATH), entries);
		acted += entries;
	}
	/* Some of them only change what does not matter. */
	assert_in_range(acted, 1000, 19000);
}

static const struct CMUnitTest other[] = {
	TEST("metrics are kept by path, originator and event, and stop nothing",
	     metrics_are_kept_by_who_said_them),
	TEST("newer metrics replace older ones, never the other way",
	     newer_metrics_replace_older_ones),
	TEST("metrics that are taken have an event with their numbers", metrics_have_an_event),
	TEST("metrics of a link are one entry, whatever it is called",
	     a_link_has_one_entry_whatever_it_is_called),
	TEST("where there is no room for metrics, a repetition has another try",
	     a_full_map_leaves_the_sequence_to_a_repetition),
	TEST("golden messages to another node pass untouched", vectors_to_others_pass),
	TEST("a failure is recorded, a recovery withdraws it", failure_and_recovery),
	TEST("a congestion is recorded, its end withdraws it", congestion_and_its_end),
	TEST("a failure and a congestion of one event-id are two", failure_and_congestion_are_two),
	TEST("the end of congestion without an Event TLV ends all of its sender",
	     an_end_without_event_ends_all),
	TEST("a congestion ends by itself when its validity runs out", congestion_expires),
	TEST("a congested link slows its paths down, and stops none", a_link_is_congested),
	TEST("repetitions act once, whatever their order", repetitions_act_once),
	TEST("without a sequence, a failure told twice is refreshed",
	     without_a_sequence_it_refreshes),
	TEST("a refresh moves the end of validity, not the beginning", a_refresh_moves_the_end),
	TEST("validity runs out without traffic and without a loader", validity_runs_out),
	TEST("of many at once as well", many_validities_run_out),
	TEST("a refreshed failure outlives its first end",
	     a_refreshed_failure_outlives_its_first_end),
	TEST("a failure that was withdrawn does not expire", a_recovered_failure_does_not_expire),
	TEST("a path is usable when every reporter has withdrawn", every_reporter_must_withdraw),
	TEST("a path is usable when every event is withdrawn", every_event_must_be_withdrawn),
	TEST("a recovery by tunnel withdraws all that its originator said of it",
	     a_recovery_by_tunnel_withdraws_all_of_its_originator),
	TEST("a recovery with an Event TLV withdraws what was said without one",
	     a_recovery_finds_a_failure_without_event),
	TEST("a recovery by event-id alone withdraws it from every path",
	     a_recovery_by_event_needs_no_tunnel),
	TEST("a link that fails stops the paths that cross it, until it recovers",
	     a_link_stops_all_that_cross_it),
	TEST("a path that does not cross it goes on", a_path_without_resources_goes_on),
	TEST("a link that both ends reported is back when both say so", both_ends_must_withdraw),
	TEST("a path is usable when it and all that it crosses are well",
	     path_and_resources_must_all_be_well),
	TEST("beside a tunnel of ours a location does nothing", a_known_tunnel_counts_alone),
	TEST("a link recovers by event, by location and beside any tunnel",
	     a_link_recovers_in_every_way),
	TEST("an event that ends, ends on paths and links alike", an_event_ends_everywhere),
	TEST("the failure of a link expires", a_link_failure_expires),
	TEST("the failed-tunnel set and events name the link", what_is_known_of_a_link),
	TEST("a path that its link still blocks is not called usable", usable_means_usable),
	TEST("a link may come and go a thousand times", a_link_may_flap),
	TEST("full and reduced segment list name one path", either_name_will_do),
	TEST("paths of one tunnel fail and recover together", paths_of_one_tunnel_fail_together),
	TEST("a sequence behind the window is stale, a later boot is not", old_sequences_are_stale),
	TEST("what was refused has not used up its sequence",
	     a_refused_one_does_not_move_the_window),
	TEST("with a domain, only its own notifications count", only_our_domain),
	TEST("an event says what happened, and only when something did", events_say_what_happened),
	TEST("without an IPv4 loopback, nobody's address is not ours", nobody_is_not_us),
	TEST("two CPUs at once: each sequence acts once, and nothing is counted wrong", cpus_agree),
	TEST("a full failed-tunnel set refuses, and a repetition may try again",
	     a_full_set_refuses),
		TEST("congestion leaves half of the set to failures", congestion_takes_half),
		TEST("and each path its part to the others", a_subject_takes_its_part),
		TEST("of which a rate that rises takes nothing", a_rising_rate_takes_no_part),
	TEST("other packets to the loopback pass untouched", other_packets_pass),
	TEST("Ethernet's padding is not parsed", padding_is_not_parsed),
	TEST("cut at every length, nothing changes", cut_at_every_length),
	TEST("1,281 bytes are too long", longer_than_allowed),
	TEST("20,000 mutations act or change nothing", mutations_change_nothing_by_halves),
};

int main(void)
{
	size_t n = json_array_size(vectors());
	struct CMUnitTest tests[n + ARRAY_SIZE(rows) + ARRAY_SIZE(places) +
				ARRAY_SIZE(name_rows) + ARRAY_SIZE(other)];
	struct CMUnitTest *next = tests;
	struct config config = node_config();
	int failed;

	for (size_t i = 0; i < n; i++) {
		json_t *vector = json_array_get(vectors(), i);

		*next++ = (struct CMUnitTest){ .name = text(vector, "name"),
					       .test_func = check_vector,
					       .initial_state = vector };
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		*next++ = (struct CMUnitTest){ .name = rows[i].sentence,
					       .test_func = check_row,
					       .initial_state = &rows[i] };
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		*next++ = (struct CMUnitTest){ .name = places[i].sentence,
					       .test_func = check_place,
					       .initial_state = &places[i] };
	for (size_t i = 0; i < ARRAY_SIZE(name_rows); i++)
		*next++ = (struct CMUnitTest){ .name = name_rows[i].sentence,
					       .test_func = check_name,
					       .initial_state = &name_rows[i] };
	memcpy(next, other, sizeof(other));
	config.as = OUR_AS;
	node = node_load(&config);
	node_paths();
	failed = _cmocka_run_group_tests("notify", tests, ARRAY_SIZE(tests), NULL, NULL);
	fantel_bpf__destroy(node);
	return failed;
}
