// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * fantel_core as an egress PE: tunnels that end here, and what comes out of them, which scapy built
 * as well (golden/decap.py).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "endpoint.h"
#include "harness.h"

static struct fantel_bpf *node;
static struct outcome got;

/* ---- the node -------------------------------------------------------------------------------- */

#define FAMILIES (1U << INNER_V4 | 1U << INNER_V6)

static const struct policy_endpoint any_gre = {
	.name = "any", .tunnel = TUNNEL_GRE, .inner = FAMILIES
};

/* One of each kind, and what tells several of a kind apart. */
static __u32 endpoints_fill(struct policy_endpoint *e)
{
	struct policy_endpoint all[] = {
		{ .name = "dt4", .tunnel = TUNNEL_SRV6, .sid = addr_of("2001:db8:a:2::d4"),
		  .inner = 1U << INNER_V4 },
		{ .name = "dt6", .tunnel = TUNNEL_SRV6, .sid = addr_of("2001:db8:a:2::d6"),
		  .inner = 1U << INNER_V6 },
		{ .name = "dt46", .tunnel = TUNNEL_SRV6, .sid = addr_of("2001:db8:a:2::d46"),
		  .inner = FAMILIES },
		{ .name = "gre", .tunnel = TUNNEL_GRE, .inner = FAMILIES, .keyed = true, .id = 7 },
		{ .name = "vxlan", .tunnel = TUNNEL_VXLAN, .inner = FAMILIES, .id = 5,
		  .port = 4789 },
		{ .name = "vxlan2", .tunnel = TUNNEL_VXLAN, .inner = FAMILIES, .id = 6,
		  .port = 8472 },
		{ .name = "mpls", .tunnel = TUNNEL_MPLS, .inner = FAMILIES, .id = 100 },
		{ .name = "null4", .tunnel = TUNNEL_MPLS, .inner = FAMILIES, .id = 0 },
		{ .name = "null6", .tunnel = TUNNEL_MPLS, .inner = FAMILIES, .id = 2 },
		{ .name = "ipip", .tunnel = TUNNEL_IPIP, .inner = FAMILIES },
	};

	memcpy(e, all, sizeof(all));
	return ARRAY_SIZE(all);
}
#define ENDPOINTS 10

static struct config egress_config(void)
{
	struct policy_endpoint endpoint[ENDPOINTS];
	struct config config = node_config();

	config.locator = addr_of("2001:db8:a:2::");
	config.locator_len = 64;
	endpoint_config(&config, endpoint, endpoints_fill(endpoint));
	return config;
}

static struct fantel_bpf *egress_load(const struct config *config)
{
	struct fantel_bpf *loaded = node_load(config);
	struct policy_endpoint endpoint[ENDPOINTS];
	__u32 n = endpoints_fill(endpoint);

	while (n--)
		node_endpoint(loaded, &endpoint[n]);
	node_source(loaded, "2001:db8:f::/48");
	node_source(loaded, "198.51.100.0/24");
	return loaded;
}

static void reset(void)
{
	struct policy_endpoint endpoint[ENDPOINTS];
	__u32 n = endpoints_fill(endpoint);

	node_clear(node->maps.fantel_ends, sizeof(struct endpoint_key));
	while (n--)
		node_endpoint(node, &endpoint[n]);
}

static void with_any_gre(void)
{
	node_endpoint(node, &any_gre);
}

static void run(const struct bytes *in)
{
	node_run(node, node->progs.fantel_core, 0, in, &got);
}

/* Another node, with another configuration, for as long as a test. */
static struct fantel_bpf *usual;

static void node_swap(const struct config *config)
{
	usual = node;
	node = egress_load(config);
}

static int node_back(void **state)
{
	if (usual) {
		fantel_bpf__destroy(node);
		node = usual;
		usual = NULL;
	}
	return 0;
}

static bool is_taken_off(enum reason reason)
{
	return reason == REASON_DECAPPED || reason == REASON_ECN_UNUSED;
}

/* Is this what becomes of the packet? */
static bool becomes(const char *in, __u32 verdict, enum reason reason)
{
	char out[128];

	run(golden(in));
	snprintf(out, sizeof(out), "%s%s", in, is_taken_off(reason) ? " taken off" : "");
	return outcome_is(&got, in, verdict, reason) &&
	       bytes_are(&got.out, in, golden(out), NULL);
}

/* ---- every kind, every family ---------------------------------------------------------------- */

static const char *const kinds[] = {
	"srv6 IPv6", "srv6 IPv4", "srv6 SRH IPv6", "srv6 SRH IPv4", "mpls IPv6", "mpls IPv4",
	"gre 6in6", "gre 4in6", "gre 6in4", "gre 4in4", "vxlan 6in6", "vxlan 4in6",
	"vxlan 6in4", "vxlan 4in4", "ipip 6in6", "ipip 4in6", "ipip 6in4", "ipip 4in4",
};

static void check_kinds(void **state)
{
	const char *suffix = *state;
	char in[64];

	reset();
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		snprintf(in, sizeof(in), "%s%s", kinds[i], suffix);
		assert_true(becomes(in, XDP_PASS, REASON_DECAPPED));
	}
}

/* ---- rows: one packet, one state, one outcome ------------------------------------------------ */

struct row {
	const char *sentence;
	const char *in;
	enum reason reason; /* says the verdict too */
	void (*arrange)(void);
};

static __u32 verdict_of(enum reason reason)
{
	static const enum fate fates[REASON_COUNT] = {
		[REASON_NONE] = FATE_PASS,
#define X(NAME, word, fate, sentence) [REASON_##NAME] = FATE_##fate,
		REASONS(X)
#undef X
	};

	return fates[reason] == FATE_PASS ? XDP_PASS : XDP_DROP;
}

static void check_row(void **state)
{
	const struct row *row = *state;

	reset();
	if (row->arrange)
		row->arrange();
	assert_true(becomes(row->in, verdict_of(row->reason), row->reason));
}

#define TAKEN REASON_DECAPPED
#define KERNEL REASON_NOT_ENDPOINT
#define WRONG REASON_DECAP_MALFORMED

/* What follows `because` may arrange the node. */
#define ANY_GRE .arrange = with_any_gre
#define ONE(what, packet, because, ...)                                                            \
	{ .sentence = what, .in = packet, .reason = because, ##__VA_ARGS__ }

/* A row for each family, inside and outside. */
#define BOTH(what, packet, ...)                                                                    \
	ONE(what ", IPv6", packet " IPv6", __VA_ARGS__),                                           \
		ONE(what ", IPv4", packet " IPv4", __VA_ARGS__)
#define ALL(what, packet, ...)                                                                     \
	ONE(what ", 6in6", packet " 6in6", __VA_ARGS__),                                           \
		ONE(what ", 4in6", packet " 4in6", __VA_ARGS__),                                   \
		ONE(what ", 6in4", packet " 6in4", __VA_ARGS__),                                   \
		ONE(what ", 4in4", packet " 4in4", __VA_ARGS__)

static struct row rows[] = {
	BOTH("SRv6: a reduced SRH", "srv6 reduced", TAKEN),
	BOTH("SRv6: an SRH of eight segments", "srv6 SRH of eight", TAKEN),
	BOTH("SRv6: an SRH with a TLV", "srv6 SRH with a TLV", TAKEN),
	ONE("SRv6: End.DT4 takes IPv4", "srv6 End.DT4 IPv4", TAKEN),
	ONE("SRv6: End.DT4 leaves IPv6 to the kernel", "srv6 End.DT4 IPv6", KERNEL),
	ONE("SRv6: End.DT6 takes IPv6", "srv6 End.DT6 IPv6", TAKEN),
	ONE("SRv6: End.DT6 leaves IPv4 to the kernel", "srv6 End.DT6 IPv4", KERNEL),
	BOTH("MPLS: explicit null", "mpls explicit null", TAKEN),
	ALL("GRE: without a key, at an endpoint without one", "gre any", TAKEN, ANY_GRE),
	ALL("GRE: a key at an endpoint without one", "gre key 9", TAKEN, ANY_GRE),
	ALL("GRE: a checksum", "gre checksum", TAKEN),
	ALL("GRE: a sequence number", "gre sequence", TAKEN),
	ALL("GRE: all fields", "gre all fields", TAKEN),
	ALL("GRE: a checksum, no key", "gre checksum without key", TAKEN, ANY_GRE),
	ONE("GRE: outer options, IPv6", "gre 6in4 with options", TAKEN),
	ONE("GRE: outer options, IPv4", "gre 4in4 with options", TAKEN),
	ALL("VXLAN: another port", "vxlan port 8472", TAKEN),
	ALL("VXLAN: a UDP checksum", "vxlan with a UDP checksum", TAKEN),
	ALL("VXLAN: reserved flags are ignored", "vxlan with other flags", TAKEN),
	ALL("IP in IP: Ethernet's padding does not matter", "ipip padded", TAKEN),
	ONE("IP in IP: outer options to the brim, IPv6", "ipip 6in4 with options", TAKEN),
	ONE("IP in IP: outer options to the brim, IPv4", "ipip 4in4 with options", TAKEN),

	ONE("inside: hop limit 1 is the kernel's to answer", "hop limit 1 inside", TAKEN),
	ONE("inside: TTL 0 is the kernel's to drop", "TTL 0 inside", TAKEN),
	ONE("inside: IPv4 options", "options inside", TAKEN),
	ONE("inside: a fragment", "a fragment inside", TAKEN),
	ONE("inside: an extension header", "an extension header inside", TAKEN),
	ONE("inside: a wrong IPv4 checksum stays wrong", "a wrong IPv4 checksum inside", TAKEN),
	ONE("inside: a tunnel to somewhere else", "a tunnel inside", TAKEN),
	ONE("inside: bytes behind the packet", "bytes behind the packet inside", TAKEN),

	ALL("GRE from outside the domain", "gre strange", REASON_ENDPOINT_SOURCE),
	ALL("VXLAN from outside the domain", "vxlan strange", REASON_ENDPOINT_SOURCE),
	ALL("IP in IP from outside the domain", "ipip strange", REASON_ENDPOINT_SOURCE),
	BOTH("SRv6 from outside the domain", "srv6 strange", REASON_ENDPOINT_SOURCE),

	ONE("a segment of ours that ends no tunnel", "another segment of ours", REASON_NONE),
	ONE("the same, without an SRH", "another segment of ours, no SRH", REASON_NONE),
	ONE("a segment of another node", "a segment of another node", REASON_NONE),
	ONE("segments left", "segments left", KERNEL),
	ONE("a routing header that is no SRH", "another routing header", KERNEL),
	ONE("a ping to the segment", "a ping to the segment", REASON_NONE),
	ONE("a ping to the segment, by SRH", "a ping to the segment by SRH", REASON_NONE),
	ONE("options behind the SRH", "options behind the SRH", REASON_NONE),
	ONE("a fragment to the segment", "a fragment to the segment", REASON_NONE),
	ONE("GRE: another key", "gre another key", KERNEL),
	ONE("GRE: no key where one is asked for", "gre no key", KERNEL),
	ONE("GRE: version 1 is another protocol", "gre version 1", KERNEL, ANY_GRE),
	ONE("GRE: Ethernet inside", "gre Ethernet inside", KERNEL),
	ONE("GRE: to another node", "gre to another node", REASON_NONE),
	ONE("GRE: a fragment", "gre fragment", KERNEL),
	ONE("GRE: an IPv6 fragment", "gre IPv6 fragment", REASON_NONE),
	ONE("VXLAN: another VNI", "vxlan another VNI", KERNEL),
	ONE("VXLAN: the VNI of another port", "vxlan the VNI of another port", KERNEL),
	ONE("VXLAN: a port that is not VXLAN's", "vxlan another port", REASON_NONE),
	ONE("VXLAN: no VNI", "vxlan without VNI", KERNEL),
	ONE("VXLAN: ARP inside", "vxlan ARP inside", KERNEL),
	ONE("VXLAN: a VLAN inside", "vxlan VLAN inside", KERNEL),
	ONE("VXLAN: to another node", "vxlan to another node", REASON_NONE),
	ONE("VXLAN: the first fragment", "vxlan fragment 0", REASON_NONE),
	ONE("VXLAN: the last fragment", "vxlan fragment 1", REASON_NONE),
	ONE("MPLS: another label", "mpls another label", REASON_NONE),
	ONE("MPLS: our label on top of another", "mpls two labels", KERNEL),
	ONE("MPLS: our label below another", "mpls the second label", REASON_NONE),
	ONE("MPLS: TTL 0", "mpls TTL 0", REASON_HOP_LIMIT),
	ONE("MPLS: TTL 1", "mpls TTL 1", REASON_HOP_LIMIT),
	ONE("IP in IP: to another node", "ipip to another node", REASON_NONE),
	ONE("IP in IP: the first fragment", "ipip fragment 0", KERNEL),
	ONE("IP in IP: the last fragment", "ipip fragment 1", KERNEL),
	ONE("TCP to this node", "tcp to us", REASON_NONE),
	ONE("UDP to this node", "udp to us", REASON_NONE),
	ONE("ARP", "an ARP request", REASON_NONE),

	ONE("an SRH longer than the packet", "SRH longer than the packet", WRONG),
	ONE("GRE: a flag that RFC 1701 knew: routing", "gre flag 4000", WRONG, ANY_GRE),
	ONE("GRE: a flag that RFC 1701 knew: strict", "gre flag 0800", WRONG, ANY_GRE),
	ONE("GRE: a flag that RFC 1701 knew: recursion", "gre flag 0400", WRONG, ANY_GRE),
	ONE("a wrong outer IPv4 checksum", "a wrong outer checksum", WRONG),
	ONE("the same, with options", "a wrong outer checksum with options", WRONG),
	ONE("an outer length beyond the frame", "outer length beyond the frame", WRONG),
	ONE("an outer length too short", "outer length within the packet inside", WRONG),
	ONE("VXLAN: a UDP length too long", "vxlan UDP length beyond the packet", WRONG),
	ONE("VXLAN: a UDP length that takes in padding", "vxlan UDP length into the padding", WRONG),
	ONE("VXLAN: a UDP length too short", "vxlan UDP length within the packet inside", WRONG),
	ONE("VXLAN: a UDP length of 0", "vxlan UDP length of nothing", WRONG),
	ONE("IPv4 that is called IPv6", "IPv4 by IPv6's protocol", WRONG),
	ONE("IPv6 that is called IPv4", "IPv6 by IPv4's protocol", WRONG),
	ONE("GRE: IPv4 that is called IPv6", "gre IPv4 as IPv6", WRONG),
	ONE("VXLAN: IPv6 that is called IPv4", "vxlan IPv6 as IPv4", WRONG),
	ONE("MPLS: IP version 5", "mpls version 5", WRONG),
	ONE("inside: an IPv6 length too long", "IPv6 length beyond the tunnel", WRONG),
	ONE("inside: an IPv4 length too long", "IPv4 length beyond the tunnel", WRONG),
	ONE("inside: an IPv4 length below its header", "IPv4 length below its header", WRONG),
	ONE("inside: an IPv4 header too short", "IPv4 header of 16 bytes", WRONG),
	ONE("inside: an IPv4 header too long", "IPv4 header longer than its packet", WRONG),
	ONE("nothing inside", "nothing inside", WRONG),
	ONE("inside: IPv6 multicast", "inside: IPv6 to a multicast group", REASON_DECAP_INNER),
	ONE("inside: all nodes", "inside: IPv6 to all nodes", REASON_DECAP_INNER),
	ONE("inside: to link-local", "inside: IPv6 link-local destination", REASON_DECAP_INNER),
	ONE("inside: from link-local", "inside: IPv6 link-local source", REASON_DECAP_INNER),
	ONE("inside: from multicast", "inside: IPv6 multicast source", REASON_DECAP_INNER),
	ONE("inside: IPv4 multicast", "inside: IPv4 to a multicast group", REASON_DECAP_INNER),
	ONE("inside: neighbour discovery", "inside: a neighbour solicitation", REASON_DECAP_INNER),
	ONE("inside: a notification by ICMPv6", "inside: a notification by ICMPv6", REASON_DECAP_INNER),
	ONE("inside: a notification by UDP", "inside: a notification by UDP", REASON_DECAP_INNER),

	ONE("ECN: a label has none", "ecn by label IPv6", TAKEN),
	ONE("ECN: a mark outside GRE goes inside", "ecn by GRE", TAKEN),
	ONE("ECN: a mark outside VXLAN goes inside", "ecn by VXLAN", TAKEN),
	ONE("ECN: a mark outside SRv6 goes inside", "ecn by SRv6", TAKEN),
};

/* ---- ECN: RFC 6040, figure 4 ----------------------------------------------------------------- */

static const char *const versions[] = { "6in6", "4in6", "6in4", "4in4" };

/* What is counted, by the bits inside and outside: 0 Not-ECT, 1 ECT(1), 2 ECT(0), 3 CE. */
static const enum reason ecn_reason[4][4] = {
	{ TAKEN, REASON_ECN_UNUSED, REASON_ECN_UNUSED, REASON_ECN_INVALID },
	{ TAKEN, TAKEN, REASON_ECN_UNUSED, TAKEN },
	{ TAKEN, TAKEN, TAKEN, TAKEN },
	{ TAKEN, REASON_ECN_UNUSED, TAKEN, TAKEN },
};

static void ecn_table(void **state)
{
	const char *version = *state;
	char in[64];

	reset();
	for (int inner = 0; inner < 4; inner++)
		for (int outer = 0; outer < 4; outer++) {
			enum reason reason = ecn_reason[inner][outer];

			snprintf(in, sizeof(in), "ecn %d in %d, %s", inner, outer, version);
			assert_true(becomes(in, verdict_of(reason), reason));
		}
}

static void ecn_checksums(void **state)
{
	static const char *const change[] = { "1 in 3", "2 in 1", "2 in 3" };
	static const char *const sum[] = { "0000", "0001", "0002", "0003", "fffd", "fffe" };
	char in[64];

	reset();
	for (size_t i = 0; i < ARRAY_SIZE(change); i++)
		for (size_t j = 0; j < ARRAY_SIZE(sum); j++) {
			snprintf(in, sizeof(in), "ecn %s, checksum %s", change[i], sum[j]);
			assert_true(becomes(in, XDP_PASS, TAKEN));
		}
}

/* ---- cut off --------------------------------------------------------------------------------- */

/* From which length on is it known to be a tunnel, and one that ends here? */
static const struct {
	const char *in;
	__u32 tunnel, ours;
} cut[] = {
	{ "srv6 IPv6", 54, 54 },	{ "srv6 SRH IPv6", 54, 54 },
	{ "srv6 SRH IPv4", 54, 54 },	{ "mpls IPv6", 34, 34 },
	{ "mpls IPv4", 34, 34 },	{ "gre all fields 6in6", 54, 66 },
	{ "gre all fields 4in4", 34, 46 }, { "vxlan 6in6", 62, 84 },
	{ "vxlan 4in4", 42, 64 },	{ "ipip 6in6", 54, 54 },
	{ "ipip 4in6", 54, 54 },	{ "ipip 6in4", 34, 34 },
	{ "ipip 4in4", 34, 34 },	{ "ipip 4in4 with options", 34, 34 },
};

static void cut_off(void **state)
{
	static struct bytes in;
	char sentence[80];

	reset();
	for (size_t i = 0; i < ARRAY_SIZE(cut); i++) {
		__u32 whole = golden(cut[i].in)->len;

		in = *golden(cut[i].in);
		for (in.len = 14; in.len < whole; in.len++) {
			enum reason reason = in.len < cut[i].tunnel ? REASON_NONE :
					     in.len < cut[i].ours   ? KERNEL :
								      WRONG;

			snprintf(sentence, sizeof(sentence), "%s, cut off at %u", cut[i].in,
				 in.len);
			run(&in);
			assert_true(outcome_is(&got, sentence, verdict_of(reason), reason));
			assert_true(bytes_are(&got.out, sentence, &in, NULL));
		}
	}
}

/* ---- where it is not done -------------------------------------------------------------------- */

static void no_endpoints(void **state)
{
	struct config config = egress_config();

	config.endpoints = 0;
	node_swap(&config);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		assert_true(becomes(kinds[i], XDP_PASS, REASON_NONE));
}

static void one_kind_only(void **state)
{
	struct config config = egress_config();

	config.endpoints = 1U << TUNNEL_GRE;
	node_swap(&config);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		assert_true(becomes(kinds[i], XDP_PASS,
				    strncmp(kinds[i], "gre", 3) ? REASON_NONE : TAKEN));
}

static void without_ipv4(void **state)
{
	struct config config = egress_config();

	memset(&config.loopback4, 0, sizeof(config.loopback4));
	node_swap(&config);
	assert_true(becomes("ipip 4in6", XDP_PASS, TAKEN));
	assert_true(becomes("ipip 4in4", XDP_PASS, REASON_NONE));
	assert_true(becomes("gre 6in4", XDP_PASS, REASON_NONE));
}

static void customer_port(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const struct bytes *in = golden(kinds[i]);

		node_run(node, node->progs.fantel_customer, 0, in, &got);
		assert_true(outcome_is(&got, kinds[i], XDP_PASS,
				       strncmp(kinds[i], "mpls", 4) ? REASON_NO_CLASS :
								      REASON_NOT_IP));
		assert_true(bytes_are(&got.out, kinds[i], in, NULL));
	}
}

/* What arrived is counted, without its Ethernet header. */
static void bytes_counted(void **state)
{
	reset();
	run(golden("srv6 SRH IPv6"));
	assert_int_equal(got.count[TAKEN].bytes, golden("srv6 SRH IPv6")->len - 14);
	run(golden("mpls IPv4"));
	assert_int_equal(got.count[TAKEN].bytes, golden("mpls IPv4")->len - 14);
}

/* ---- there and back -------------------------------------------------------------------------- */

static const char *const trips[] = {
	"roce6", "roce4", "tcp6", "tcp4", "roce6 4096", "roce4 4096", "roce6 8900",
	"udp4 with options", "udp6 fragment first", "udp4 fragment last", "udp4 padded",
	"roce6 ecn 0", "roce6 ecn 1", "roce4 ecn 2", "roce4 ecn 3",
};

/* The ingress PE of the packets' tunnels, with one path. */
static struct fantel_bpf *ingress_load(const struct policy_path *path)
{
	struct config config = node_config();
	struct nexthop nh = nexthop_fresh();
	struct fantel_bpf *ingress;

	config.loopback6 = addr_of("2001:db8:f::9");
	config.loopback4 = addr_of("198.51.100.9");
	ingress = node_load(&config);
	nh.mtu = 10000;
	node_path(ingress, 0, path);
	node_nexthop(ingress, 0, &nh);
	node_group(ingress, 0, FATE_DROP, 1, NULL, NULL);
	node_class(ingress, "2001:db8:2::/48", 0);
	node_class(ingress, "203.0.113.0/24", 0);
	return ingress;
}

/* What the nodes of an SRv6 path do to a packet: none of its segments is left, the last one is the
 * destination. */
static void travel(struct bytes *frame)
{
	__u8 *ip = frame->b + 14, *srh = ip + 40;

	if (ip[6] != 43)
		return;
	srh[3] = 0;
	memcpy(ip + 24, srh + 8, 16);
}

/* What the ingress PE puts into the tunnel comes out of it as it was, one hop older: as it stands
 * behind the 40 bytes that packets.py put before it for a single segment, padding kept. */
static void trip(struct fantel_bpf *ingress, const char *name)
{
	static struct bytes sent, want;
	const struct bytes *single;
	char via[64];

	node_run(ingress, ingress->progs.fantel_customer, 0, golden(name), &got);
	assert_true(outcome_is(&got, name, XDP_REDIRECT, REASON_NONE));
	sent = got.out;
	travel(&sent);
	run(&sent);
	assert_true(outcome_is(&got, name, XDP_PASS, TAKEN));
	snprintf(via, sizeof(via), "%s via encaps-3", name);
	single = golden(via);
	want.len = 0;
	bytes_put(&want, sent.b, 12);
	bytes_put(&want, golden(name)->b + 12, 2);
	bytes_put(&want, single->b + 14 + 40 + 8 + 48, single->len - 14 - 40 - 8 - 48);
	assert_true(bytes_are(&got.out, name, &want, NULL));
}

/* A path that ends at one of the node's endpoints, by whatever kind; `to`: the outer destination. */
static struct policy_path way_of(enum tunnel_type tunnel, const char *to)
{
	return (struct policy_path){
		.name = "way", .tunnel = tunnel, .dst = addr_of(to), .keyed = true, .key = 7,
		.vni = 5, .port = 4789, .inner_dmac = { 2 }, .inner_smac = { 2, [5] = 1 },
		.n_labels = 1, .label = { 100 },
	};
}

static void there_and_back_by(const struct policy_path *path)
{
	struct fantel_bpf *ingress = ingress_load(path);

	for (size_t i = 0; i < ARRAY_SIZE(trips); i++)
		trip(ingress, trips[i]);
	fantel_bpf__destroy(ingress);
}

static void there_and_back_by_srv6(void **state)
{
	static const struct {
		bool reduced;
		const char *segments[MAX_SEGMENTS + 1];
	} ways[] = {
		{ false, { "2001:db8:a:2::d46" } },
		{ false, { "2001:db8:a:1::", "2001:db8:a:3::", "2001:db8:a:2::d46" } },
		{ true, { "2001:db8:a:1::", "2001:db8:a:2::d46" } },
	};

	reset();
	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		struct policy_path path = path_of("way", ways[i].reduced, ways[i].segments);

		there_and_back_by(&path);
	}
}

static void there_and_back_by_others(void **state)
{
	static const enum tunnel_type kind[] = { TUNNEL_GRE, TUNNEL_VXLAN, TUNNEL_IPIP };
	static const char *const to[] = { "2001:db8:f::1", "198.51.100.1" };
	struct policy_path path = way_of(TUNNEL_MPLS, "2001:db8:e1::2");

	reset();
	there_and_back_by(&path);
	for (size_t i = 0; i < ARRAY_SIZE(kind); i++)
		for (size_t j = 0; j < ARRAY_SIZE(to); j++) {
			path = way_of(kind[i], to[j]);
			there_and_back_by(&path);
		}
}

/* ---- all together ---------------------------------------------------------------------------- */

static const char *const suffixes[] = { "", " tcp", " tiny", " 4096", " 8800" };

static const struct CMUnitTest others[] = {
	TEST("an ECN change keeps the IPv4 checksum right, at its edges", ecn_checksums),
	TEST("a packet cut off anywhere is never taken off", cut_off),
	{ "a node without endpoints takes nothing off", no_endpoints, NULL, node_back, NULL },
	{ "a node of one kind leaves the others alone", one_kind_only, NULL, node_back, NULL },
	{ "a node without an IPv4 loopback", without_ipv4, NULL, node_back, NULL },
	TEST("nothing is taken off on a customer port", customer_port),
	TEST("what arrived is counted in bytes", bytes_counted),
	TEST("what goes in by SRv6 comes out as it was, one hop older", there_and_back_by_srv6),
	TEST("so does what goes in by GRE, VXLAN, MPLS and IP in IP", there_and_back_by_others),
};

static struct CMUnitTest tests[ARRAY_SIZE(suffixes) + ARRAY_SIZE(versions) + ARRAY_SIZE(rows) +
			       ARRAY_SIZE(others)];
static size_t n_tests;

static void add(const char *sentence, CMUnitTestFunction test, const void *state)
{
	tests[n_tests++] = (struct CMUnitTest){ strdup(sentence), test, NULL, NULL, (void *)state };
}

int main(void)
{
	struct config config = egress_config();
	char sentence[80];
	int failed;

	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		snprintf(sentence, sizeof(sentence), "every kind and family%s%s",
			 *suffixes[i] ? ":" : "", suffixes[i]);
		add(sentence, check_kinds, suffixes[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		snprintf(sentence, sizeof(sentence), "ECN by RFC 6040, all 16 cases, %s",
			 versions[i]);
		add(sentence, ecn_table, versions[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		add(rows[i].sentence, check_row, &rows[i]);
	memcpy(tests + n_tests, others, sizeof(others));
	node = egress_load(&config);
	failed = _cmocka_run_group_tests("decap", tests, ARRAY_SIZE(tests), NULL, NULL);
	fantel_bpf__destroy(node);
	return failed;
}
