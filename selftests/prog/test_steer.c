// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * fantel_customer, packet by packet: verdict, bytes out, and the reason counted. Expected bytes are
 * scapy's (golden/packets.py).
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fantel/msg.h"
#include "harness.h"

static struct fantel_bpf *node;
static struct outcome got;

/* One path, one group, both families' traffic class. */
static void node_reset(const char *path)
{
	struct nexthop nh = nexthop_fresh();
	struct policy_path p = golden_path(path);

	node_path(node, 0, &p);
	node_nexthop(node, 0, &nh);
	node_group(node, 0, FATE_DROP, 1, NULL, NULL);
	node_failures(node, 0, 0);
	node_class(node, "2001:db8:2::/48", 0);
	node_class(node, "203.0.113.0/24", 0);
	node_clear(node->maps.fantel_buckets, sizeof(struct bucket_key));
}

static void run(const struct bytes *in)
{
	node_run(node, node->progs.fantel_customer, 0, in, &got);
}

/* ---- rows: one packet, one state, one outcome ------------------------------------------------ */

struct row {
	const char *sentence;
	const char *in;
	const char *path; /* that the group has; NULL: encaps-3 */
	void (*arrange)(void);
	__u32 verdict;
	enum reason reason;
	const char *out; /* NULL: as it came; where redirected, `OUT via PATH` */
};

static __u32 path_udp_at(void)
{
	struct path path;
	__u32 zero = 0;

	node_get(node->maps.fantel_paths, &zero, &path);
	return path.udp_at;
}

/* All but what is the flow's: the outer IPv6 header's flow label, and VXLAN's source port. */
static const struct bytes *but_entropy(const struct bytes *out)
{
	static struct bytes mask;
	__u32 udp_at = path_udp_at();

	mask.len = 64;
	memset(mask.b, 0xff, mask.len);
	if (load16(out->b + 12) == be16(0x86dd))
		store32(mask.b + 14, be32(0xfff00000));
	if (udp_at)
		store16(mask.b + udp_at, 0);
	return &mask;
}

/* Of the row at hand. */
static const char *row_path;

static void check_row(void **state)
{
	const struct row *row = *state;
	const char *path = row->path ? row->path : "encaps-3";
	char out[96];

	row_path = path;
	node_reset(path);
	if (row->arrange)
		row->arrange();
	run(golden(row->in));
	assert_true(outcome_is(&got, row->sentence, row->verdict, row->reason));
	if (row->verdict == XDP_REDIRECT) {
		snprintf(out, sizeof(out), "%s via %s", row->out ? row->out : row->in, path);
		assert_true(
			bytes_are(&got.out, row->sentence, golden(out), but_entropy(golden(out))));
	} else {
		assert_true(bytes_are(&got.out, row->sentence,
				      golden(row->out ? row->out : row->in), NULL));
	}
}

static void failed(void)
{
	node_failures(node, 0, 1);
}

static void congested(void)
{
	node_congestions(node, 0, 1);
	node_relief(node, 0, RELIEF_MARK);
}

static void congested_unmarked(void)
{
	node_congestions(node, 0, 1);
	node_relief(node, 0, RELIEF_NONE);
}

static void congested_and_failed(void)
{
	struct health health = { .failures = 1, .congestions = 1 };
	__u32 zero = 0;

	node_put(node->maps.fantel_health, &zero, &health);
}

static void failed_pass(void)
{
	node_group(node, 0, FATE_PASS, 1, NULL, NULL);
	node_failures(node, 0, 1);
}

static void link_down(void)
{
	struct nexthop nh = nexthop_fresh();

	nh.down = 1;
	node_nexthop(node, 0, &nh);
}

static void no_such_path(void)
{
	struct path none = { .tunnel = TUNNEL_NONE };
	__u32 zero = 0;

	node_put(node->maps.fantel_paths, &zero, &none);
}

static void drained(void)
{
	static const __u16 weight[] = { 0 };

	node_group(node, 0, FATE_DROP, 1, weight, NULL);
}

static void stale_without_route(void)
{
	struct nexthop nh = nexthop_fresh();

	nh.fresh_until = STALE;
	node_nexthop(node, 0, &nh);
}

/* The loader is gone, and what it said last of this link is old: the FIB knows no way. */
static void stale_and_down(void)
{
	struct nexthop nh = nexthop_fresh();

	nh.fresh_until = STALE;
	nh.down = 1;
	node_nexthop(node, 0, &nh);
}

static void dscp_fixed(void)
{
	struct policy_path p = golden_path(row_path);

	p.dscp_fixed = true;
	p.dscp = 46;
	node_path(node, 0, &p);
}

static void mtu_of(__u16 mtu)
{
	struct nexthop nh = nexthop_fresh();

	nh.mtu = mtu;
	node_nexthop(node, 0, &nh);
}

/* roce6 is 128 bytes, and 224 in encaps-3. */
static void mtu_just_enough(void)
{
	mtu_of(224);
}

static void mtu_one_less(void)
{
	mtu_of(223);
}

static void mtu_196(void)
{
	mtu_of(196);
}

static void mtu_1000(void)
{
	mtu_of(1000);
}

static void mtu_1500(void)
{
	mtu_of(1500);
}

static void mtu_unknown(void)
{
	mtu_of(0);
}

/* The last column is given only where a packet turns into another one. */
#define ROW(...) { __VA_ARGS__ }
#define STEERED_BY(path, sentence, in)                                                             \
	ROW(sentence, in, path, NULL, XDP_REDIRECT, REASON_NONE, NULL)
#define TUNNEL(path, words)                                                                        \
	STEERED_BY(path, "IPv6 RoCEv2 in " words, "roce6"),                                        \
	STEERED_BY(path, "IPv4 RoCEv2 in " words, "roce4"),                                        \
	STEERED_BY(path, "IPv6 TCP in " words, "tcp6"),                                            \
	STEERED_BY(path, "IPv4 TCP in " words, "tcp4")
#define STEERED(sentence, in) STEERED_BY(NULL, sentence, in)
#define PASSED(sentence, in, reason) ROW(sentence, in, NULL, NULL, XDP_PASS, reason, NULL)
#define ARRANGED(sentence, in, arrange, verdict, reason)                                           \
	ROW(sentence, in, NULL, arrange, verdict, reason, NULL)
#define TOO_BIG(sentence, in, arrange, out)                                                        \
	ROW(sentence, in, NULL, arrange, XDP_TX, REASON_TOO_BIG, out)
#define TOO_BIG_BY(path, sentence, in, arrange, out)                                               \
	ROW(sentence, in, path, arrange, XDP_TX, REASON_TOO_BIG, out)
/* What may differ between kinds of outer header. */
#define OUTER(path, words)                                                                         \
	STEERED_BY(path, words ": ECN 0 and DSCP, IPv6", "roce6 ecn 0"),                           \
	STEERED_BY(path, words ": ECN 1 and DSCP, IPv6", "roce6 ecn 1"),                           \
	STEERED_BY(path, words ": ECN 2 and DSCP, IPv6", "roce6 ecn 2"),                           \
	STEERED_BY(path, words ": CE and DSCP, IPv6", "roce6 ecn 3"),                              \
	STEERED_BY(path, words ": ECN 0 and DSCP, IPv4", "roce4 ecn 0"),                           \
	STEERED_BY(path, words ": ECN 1 and DSCP, IPv4", "roce4 ecn 1"),                           \
	STEERED_BY(path, words ": ECN 2 and DSCP, IPv4", "roce4 ecn 2"),                           \
	STEERED_BY(path, words ": CE and DSCP, IPv4", "roce4 ecn 3"),                              \
	ROW(words ": a fixed DSCP, IPv6", "roce6 dscp fixed", path, dscp_fixed, XDP_REDIRECT,      \
	    REASON_NONE, NULL),                                                                    \
	ROW(words ": a fixed DSCP, IPv4", "roce4 dscp fixed", path, dscp_fixed, XDP_REDIRECT,      \
	    REASON_NONE, NULL),                                                                    \
	STEERED_BY(path, words ": Ethernet's padding, IPv6", "udp6 padded"),                       \
	STEERED_BY(path, words ": Ethernet's padding, IPv4", "udp4 padded"),                       \
	STEERED_BY(path, words ": beyond one buffer, IPv6", "roce6 4096"),                         \
	STEERED_BY(path, words ": beyond one buffer, IPv4", "roce4 4096")

/* The mark stands inside and outside. */
#define CONGESTED(path, words)                                                                     \
	ROW("congested, " words ": ECT(0) becomes CE, IPv6", "roce6 ecn 2", path, congested,       \
	    XDP_REDIRECT, REASON_MARKED, "roce6 ecn 3"),                                           \
	ROW("congested, " words ": ECT(0) becomes CE, IPv4", "roce4 ecn 2", path, congested,       \
	    XDP_REDIRECT, REASON_MARKED, "roce4 ecn 3"),                                           \
	ROW("congested, " words ": ECT(1) becomes CE, IPv6", "roce6 ecn 1", path, congested,       \
	    XDP_REDIRECT, REASON_MARKED, "roce6 ecn 3"),                                           \
	ROW("congested, " words ": ECT(1) becomes CE, IPv4", "roce4 ecn 1", path, congested,       \
	    XDP_REDIRECT, REASON_MARKED, "roce4 ecn 3"),                                           \
	ROW("congested, " words ": CE stays, IPv6", "roce6 ecn 3", path, congested, XDP_REDIRECT,  \
	    REASON_NONE, NULL),                                                                    \
	ROW("congested, " words ": CE stays, IPv4", "roce4 ecn 3", path, congested, XDP_REDIRECT,  \
	    REASON_NONE, NULL),                                                                    \
	ROW("congested, " words ": Not-ECT stays, IPv6", "roce6 ecn 0", path, congested,           \
	    XDP_REDIRECT, REASON_NONE, NULL),                                                      \
	ROW("congested, " words ": Not-ECT stays, IPv4", "roce4 ecn 0", path, congested,           \
	    XDP_REDIRECT, REASON_NONE, NULL)

static struct row rows[] = {
	CONGESTED("encaps-3", "SRv6"),
	CONGESTED("gre-4", "GRE over IPv4"),
	CONGESTED("vxlan-6", "VXLAN over IPv6"),
	CONGESTED("mpls-3", "MPLS"),
	ROW("congested, beyond one buffer", "roce6 4096", NULL, congested_unmarked, XDP_REDIRECT,
	    REASON_NONE, NULL),
	ROW("congested, with marks forbidden", "roce6 ecn 2", NULL, congested_unmarked, XDP_REDIRECT,
	    REASON_NONE, NULL),
	ARRANGED("congested and failed", "roce6 ecn 2", congested_and_failed, XDP_DROP,
		 REASON_NO_PATH),
	TUNNEL("encaps-1", "H.Encaps, one segment and so no SRH"),
	TUNNEL("encaps-2", "H.Encaps, 2 segments"),
	TUNNEL("encaps-3", "H.Encaps, 3 segments"),
	TUNNEL("encaps-8", "H.Encaps, 8 segments"),
	TUNNEL("reduced-1", "H.Encaps.Red, one segment and so no SRH"),
	TUNNEL("reduced-2", "H.Encaps.Red, 2 segments"),
	TUNNEL("reduced-3", "H.Encaps.Red, 3 segments"),
	TUNNEL("reduced-8", "H.Encaps.Red, 8 segments"),
	TUNNEL("gre-4", "GRE over IPv4"),
	TUNNEL("gre-6", "GRE over IPv6"),
	TUNNEL("gre-key-4", "GRE with a key over IPv4"),
	TUNNEL("gre-key-6", "GRE with a key over IPv6"),
	TUNNEL("vxlan-4", "VXLAN over IPv4"),
	TUNNEL("vxlan-6", "VXLAN over IPv6"),
	TUNNEL("ipip-4", "IP in IPv4"),
	TUNNEL("ipip-6", "IP in IPv6"),
	TUNNEL("mpls-1", "MPLS, one label"),
	TUNNEL("mpls-3", "MPLS, 3 labels"),
	TUNNEL("mpls-8", "MPLS, 8 labels"),
	OUTER("gre-4", "GRE over IPv4"),
	OUTER("gre-key-6", "GRE over IPv6"),
	OUTER("vxlan-4", "VXLAN over IPv4"),
	OUTER("vxlan-6", "VXLAN over IPv6"),
	OUTER("ipip-4", "IP in IPv4"),
	OUTER("mpls-3", "MPLS"),
	STEERED("ICMPv6 inside: no ports", "icmp6"),
	STEERED("ICMPv4 inside: no ports", "icmp4"),
	STEERED("IPv6, ECN 0 goes outward with its DSCP", "roce6 ecn 0"),
	STEERED("IPv6, ECN 1 goes outward with its DSCP", "roce6 ecn 1"),
	STEERED("IPv6, ECN 2 goes outward with its DSCP", "roce6 ecn 2"),
	STEERED("IPv6, CE goes outward with its DSCP", "roce6 ecn 3"),
	STEERED("IPv4, ECN 0 goes outward with its DSCP", "roce4 ecn 0"),
	STEERED("IPv4, ECN 1 goes outward with its DSCP", "roce4 ecn 1"),
	STEERED("IPv4, ECN 2 goes outward with its DSCP", "roce4 ecn 2"),
	STEERED("IPv4, CE goes outward with its DSCP", "roce4 ecn 3"),
	ARRANGED("a fixed outer DSCP leaves ECN to the packet, IPv6", "roce6 dscp fixed",
		 dscp_fixed, XDP_REDIRECT, REASON_NONE),
	ARRANGED("a fixed outer DSCP leaves ECN to the packet, IPv4", "roce4 dscp fixed",
		 dscp_fixed, XDP_REDIRECT, REASON_NONE),
	STEERED("the IPv4 checksum carries: feff", "udp4 checksum feff"),
	STEERED("the IPv4 checksum carries: fefe", "udp4 checksum fefe"),
	STEERED("the IPv4 checksum carries: ff00", "udp4 checksum ff00"),
	STEERED("the IPv4 checksum carries: fffe", "udp4 checksum fffe"),
	STEERED("the IPv4 checksum carries: 0000", "udp4 checksum 0000"),
	STEERED("the IPv4 checksum carries: 0001", "udp4 checksum 0001"),
	STEERED("the IPv4 checksum carries: 00ff", "udp4 checksum 00ff"),
	STEERED("the last hop but one is travelled, IPv6", "roce6 hop limit 2"),
	STEERED("the last hop but one is travelled, IPv4", "roce4 ttl 2"),
	PASSED("hop limit 1: the kernel answers", "roce6 hop limit 1", REASON_HOP_LIMIT),
	PASSED("hop limit 0: the kernel answers", "roce6 hop limit 0", REASON_HOP_LIMIT),
	PASSED("TTL 1: the kernel answers", "roce4 ttl 1", REASON_HOP_LIMIT),
	PASSED("TTL 0: the kernel answers", "roce4 ttl 0", REASON_HOP_LIMIT),
	STEERED("IPv4's first fragment", "udp4 fragment first"),
	STEERED("IPv4's last fragment", "udp4 fragment last"),
	STEERED("IPv6's first fragment", "udp6 fragment first"),
	STEERED("IPv6's last fragment", "udp6 fragment last"),
	STEERED("IPv4 options inside", "udp4 with options"),
	STEERED("an extension header inside", "udp6 with destination options"),
	STEERED("SRv6 inside: a tunnel in the tunnel", "srv6 inside"),
	STEERED("Ethernet's padding doesn't count, IPv4", "udp4 padded"),
	STEERED("Ethernet's padding doesn't count, IPv6", "udp6 padded"),
	STEERED("RoCE at MTU 4096, beyond one buffer, IPv6", "roce6 4096"),
	STEERED("RoCE at MTU 4096, beyond one buffer, IPv4", "roce4 4096"),
	STEERED("a jumbo frame", "roce6 8900"),
	ARRANGED("as long as the MTU allows", "roce6", mtu_just_enough, XDP_REDIRECT, REASON_NONE),
	TOO_BIG("IPv6: Packet Too Big with what the tunnel leaves", "roce6 4096", mtu_1500,
		"roce6 4096 too big for 1404"),
	TOO_BIG("IPv6, a jumbo frame", "roce6 8900", mtu_1500, "roce6 8900 too big for 1404"),
	TOO_BIG("IPv4: fragmentation needed", "roce4 4096", mtu_1500,
		"roce4 4096 too big for 1404"),
	TOO_BIG("IPv4, quoted whole", "roce4", mtu_196, "roce4 too big for 100"),
	TOO_BIG("IPv4 that may be fragmented: we don't", "udp4 whole", mtu_1000,
		"udp4 whole too big for 904"),
	TOO_BIG_BY("gre-4", "GRE over IPv4 leaves 24 bytes less", "roce6 4096", mtu_1500,
		   "roce6 4096 too big for 1476"),
	TOO_BIG_BY("vxlan-6", "VXLAN over IPv6 leaves 70 bytes less", "roce4 4096", mtu_1500,
		   "roce4 4096 too big for 1430"),
	TOO_BIG_BY("mpls-3", "3 labels leave 12 bytes less", "roce6 4096", mtu_1500,
		   "roce6 4096 too big for 1488"),
	ARRANGED("no error about an ICMPv6 error", "too big error inside6", mtu_1500, XDP_DROP,
		 REASON_TOO_BIG_LIMITED),
	ARRANGED("no error about an ICMPv4 error", "too big error inside4", mtu_1500, XDP_DROP,
		 REASON_TOO_BIG_LIMITED),
	ARRANGED("no error about a fragment that isn't the first", "long fragment last4", mtu_1500,
		 XDP_DROP, REASON_TOO_BIG_LIMITED),
	ARRANGED("no error to the unspecified address, IPv6", "unspecified source6", mtu_1500,
		 XDP_DROP, REASON_TOO_BIG_LIMITED),
	ARRANGED("no error to the unspecified address, IPv4", "unspecified source4", mtu_1500,
		 XDP_DROP, REASON_TOO_BIG_LIMITED),
	ARRANGED("no error to a multicast address", "multicast source6", mtu_1500, XDP_DROP,
		 REASON_TOO_BIG_LIMITED),
	ARRANGED("no MTU known: none is imposed", "roce6 8900", mtu_unknown, XDP_REDIRECT,
		 REASON_NONE),
	PASSED("in no traffic class, IPv6", "roce6 elsewhere", REASON_NO_CLASS),
	PASSED("in no traffic class, IPv4", "roce4 elsewhere", REASON_NO_CLASS),
	PASSED("to the unspecified address", "roce6 to nobody", REASON_NO_CLASS),
	PASSED("to a link-local address", "link-local destination", REASON_NO_CLASS),
	PASSED("from a link-local address", "link-local source", REASON_NO_CLASS),
	PASSED("IPv6 multicast", "multicast6", REASON_NO_CLASS),
	PASSED("IPv4 multicast", "multicast4", REASON_NO_CLASS),
	PASSED("neighbour discovery", "neighbour solicitation", REASON_NO_CLASS),
	PASSED("ARP", "arp", REASON_NOT_IP),
	PASSED("a VLAN tag", "vlan", REASON_NOT_IP),
	PASSED("LLDP", "lldp", REASON_NOT_IP),
	PASSED("version 5 where Ethernet says IPv6", "ipv6 version 5", REASON_NOT_IP),
	PASSED("version 5 where Ethernet says IPv4", "ipv4 version 5", REASON_NOT_IP),
	PASSED("an IPv4 header of 16 bytes", "ipv4 ihl 4", REASON_NOT_IP),
	PASSED("an IPv4 header longer than its packet", "ipv4 header longer than the packet",
	       REASON_NOT_IP),
	PASSED("an IPv4 packet shorter than its header", "ipv4 length below its header",
	       REASON_NOT_IP),
	PASSED("an IPv4 packet longer than the frame", "ipv4 length beyond the frame",
	       REASON_NOT_IP),
	PASSED("an IPv6 packet longer than the frame", "ipv6 length beyond the frame",
	       REASON_NOT_IP),
	ARRANGED("the only path failed, policy: drop", "roce6", failed, XDP_DROP, REASON_NO_PATH),
	ARRANGED("the only path failed, policy: pass", "roce6", failed_pass, XDP_PASS,
		 REASON_NO_PATH_PASS),
	ARRANGED("the only link is down", "roce6", link_down, XDP_DROP, REASON_NO_PATH),
	ARRANGED("the path was removed", "roce6", no_such_path, XDP_DROP, REASON_NO_PATH),
	ARRANGED("every path is drained", "roce6", drained, XDP_DROP, REASON_NO_PATH),
	ARRANGED("a stale next hop, and no route either", "roce6", stale_without_route, XDP_DROP,
		 REASON_NO_NEXTHOP),
	ARRANGED("an old word of a link that is down, and no route", "roce6", stale_and_down,
		 XDP_DROP, REASON_NO_NEXTHOP),
	ARRANGED("a failure by ICMPv6 from outside, to us", "failure icmp6 to us", NULL, XDP_DROP,
		 REASON_CUSTOMER_PORT),
	ARRANGED("a failure by ICMPv6 from outside, to another", "failure icmp6 to another", NULL,
		 XDP_DROP, REASON_CUSTOMER_PORT),
	ARRANGED("a failure by UDP from outside, IPv6", "failure udp6 to us", NULL, XDP_DROP,
		 REASON_CUSTOMER_PORT),
	ARRANGED("a failure by UDP from outside, IPv4", "failure udp4 to us", NULL, XDP_DROP,
		 REASON_CUSTOMER_PORT),
	ARRANGED("a failure from outside, behind a VLAN tag", "failure behind a tag", NULL, XDP_DROP,
		 REASON_CUSTOMER_PORT),
	ARRANGED("a failure from outside, with a routing header", "failure with a routing header", NULL,
		 XDP_DROP, REASON_CUSTOMER_PORT),
	ARRANGED("a recovery by ICMPv6 from outside", "recovery icmp6 to us", NULL, XDP_DROP,
		 REASON_CUSTOMER_PORT),
};

/* ---- what one packet can't show -------------------------------------------------------------- */

static __u32 flow_label(void)
{
	return be32(load32(got.out.b + 14)) & 0xfffff;
}

/* The flow label that a packet gets; it must be steered. */
static __u32 label_of(const char *in)
{
	run(golden(in));
	assert_true(outcome_is(&got, in, XDP_REDIRECT, REASON_NONE));
	return flow_label();
}

static void label_is_the_flow(void **state)
{
	__u32 label;

	node_reset("encaps-3");
	label = label_of("roce6");
	assert_int_not_equal(label, 0);
	assert_int_equal(label_of("roce6"), label);
	assert_int_equal(label_of("roce6 psn 2"), label);
	assert_int_equal(label_of("roce6 qp 11"), label);
	assert_int_not_equal(label_of("roce6 qp 12"), label);
	assert_int_not_equal(label_of("roce6 qp ffffff"), label);
}

static __u16 sport(void)
{
	return be16(load16(got.out.b + path_udp_at()));
}

/* VXLAN has its entropy in the source port, of the dynamic range (RFC 7348 §5). */
static void sport_is_the_flow(void **state)
{
	static const char *const paths[] = { "vxlan-4", "vxlan-6" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		__u16 first;

		node_reset(paths[i]);
		run(golden("roce6"));
		first = sport();
		assert_in_range(first, 49152, 65535);
		run(golden("roce6 psn 2"));
		assert_int_equal(sport(), first);
		run(golden("roce6 qp 12"));
		assert_int_not_equal(sport(), first);
		assert_in_range(sport(), 49152, 65535);
	}
}

/* RFC 1071 over the outer header, byte by byte: a right one makes ffff. */
static __u32 outer_sum(void)
{
	__u32 sum = 0;

	for (int i = 0; i < 20; i++)
		sum += got.out.b[14 + i] << (i % 2 ? 0 : 8);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

/* The carries of the outer checksum: every TOS, and every length of a packet cut short. */
static void the_outer_checksum_is_right(void **state)
{
	static const char *const paths[] = { "gre-4", "vxlan-4", "ipip-4" };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		struct bytes in = *golden("udp4 whole");
		__u32 len = in.len - 14;

		node_reset(paths[i]);
		for (int tos = 0; tos < 256; tos++) {
			in.b[15] = tos;
			run(&in);
			assert_int_equal(got.verdict, XDP_REDIRECT);
			assert_int_equal(outer_sum(), 0xffff);
			assert_int_equal(got.out.b[15], tos);
		}
		for (; len >= 20; len--) {
			store16(in.b + 16, be16(len));
			run(&in);
			assert_int_equal(got.verdict, XDP_REDIRECT);
			assert_int_equal(outer_sum(), 0xffff);
		}
	}
}

static void fragments_share_a_label(void **state)
{
	__u32 label;

	node_reset("encaps-3");
	label = label_of("udp4 fragment first");
	assert_int_equal(label_of("udp4 fragment last"), label);
	assert_int_not_equal(label_of("udp4 whole"), label);
	assert_int_equal(label_of("udp6 fragment first"), label_of("udp6 fragment last"));
}

/* Cut every packet at every length: a verdict, no more bytes out than the header pushed, and a
 * packet that is not whole is never steered. */
static void cut_at_every_length(void **state)
{
	static const char *const whole[] = {
		"roce6", "roce4", "tcp6", "tcp4", "udp4 with options"
	};

	node_reset("encaps-3");
	for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
		struct bytes cut = *golden(whole[i]);
		__u32 len = cut.len;

		/* 14 is the least that BPF_PROG_TEST_RUN takes. */
		for (cut.len = 14; cut.len < len; cut.len++) {
			run(&cut);
			assert_true(outcome_is(&got, whole[i], XDP_PASS, REASON_NOT_IP));
			assert_true(bytes_are(&got.out, whole[i], &cut, NULL));
		}
	}
}

/* Any bits at all where headers are: never aborted, and every packet accounted for. */
static void any_bits_at_all(void **state)
{
	static const char *const seed[] = { "roce6", "roce4", "srv6 inside",
					    "failure icmp6 to us" };
	__u64 random = 1;

	node_reset("encaps-3");
	for (int i = 0; i < 20000; i++) {
		struct bytes in = *golden(seed[i % ARRAY_SIZE(seed)]);

		for (int flips = i / 16 % 8 + 1; flips; flips--) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			in.b[12 + (random >> 33) % 60] ^= random >> 56;
		}
		run(&in);
		assert_in_range(got.verdict, XDP_DROP, XDP_REDIRECT);
		assert_int_equal(got.reasons, got.verdict != XDP_REDIRECT);
	}
}

static void a_driver_without_room(void **state)
{
	node_reset("encaps-3");
	if (!node_run_cramped(node, node->progs.fantel_customer, 0, golden("roce6"), &got))
		skip();
	assert_true(outcome_is(&got, "no room for the header", XDP_DROP, REASON_NO_HEADROOM));
	mtu_one_less();
	node_run_cramped(node, node->progs.fantel_customer, 0, golden("roce6 4096"), &got);
	assert_true(outcome_is(&got, "an error needs none", XDP_TX, REASON_TOO_BIG));
}

static void a_new_class_acts_at_once(void **state)
{
	node_reset("encaps-3");
	run(golden("roce6 elsewhere"));
	assert_true(outcome_is(&got, "before", XDP_PASS, REASON_NO_CLASS));
	node_class(node, "2001:db8:3::/48", 0);
	run(golden("roce6 elsewhere"));
	assert_true(outcome_is(&got, "after", XDP_REDIRECT, REASON_NONE));
	/* The longest prefix counts. */
	node_group(node, 1, FATE_PASS, 0, NULL, NULL);
	node_class(node, "2001:db8:3::30/128", 1);
	run(golden("roce6 elsewhere"));
	assert_true(outcome_is(&got, "longer", XDP_PASS, REASON_NO_PATH_PASS));
	node_clear(node->maps.fantel_classes, sizeof(struct prefix_key));
}

/* The loader is gone; its last word was that the link is down, and said no MTU. The FIB knows better. */
static void the_fib_knows_the_way(void **state)
{
	static const __u8 macs[12] = { 2, 0, 0, 0, 2, 2, 2, 0, 0, 0, 2, 1 };
	__u32 customer = net_port("customer", "02:00:00:00:01:01");
	struct nexthop down = { .fresh_until = STALE, .down = 1 };

	net_port("core", "02:00:00:00:02:01");
	net_do("ip link set core mtu 1400");
	net_do("ip -6 addr add 2001:db8:e0::1/64 dev core nodad");
	net_do("ip -6 neigh add 2001:db8:e0::2 lladdr 02:00:00:00:02:02 dev core");
	net_do("ip -6 route add 2001:db8:a::/48 via 2001:db8:e0::2");
	node_reset("encaps-3");
	node_nexthop(node, 0, &down);
	node_run(node, node->progs.fantel_customer, customer, golden("roce6"), &got);
	assert_true(outcome_is(&got, "by the FIB", XDP_REDIRECT, REASON_NONE));
	assert_memory_equal(got.out.b, macs, sizeof(macs));
	node_run(node, node->progs.fantel_customer, customer, golden("roce6 4096"), &got);
	assert_true(outcome_is(&got, "too big for the FIB's link", XDP_TX, REASON_TOO_BIG));
	assert_int_equal(be32(load32(got.out.b + 54 + 4)), 1400 - 96);
}

/* The whole world is a class; what is for the node or its link still is. */
static void a_class_of_everything(void **state)
{
	static const struct {
		const char *src, *dst;
		bool steered;
	} row[] = {
		{ "2001:db8:1::10", "2001:db8:77::1", true },
		{ "192.0.2.10", "198.18.0.1", true },
		{ "2001:db8:1::10", "2001:db8:f::1", false },
		{ "192.0.2.10", "198.51.100.1", false },
		{ "192.0.2.10", "255.255.255.255", false },
		{ "192.0.2.10", "0.0.0.0", false },
		{ "2001:db8:1::10", "::", false },
		{ "2001:db8:1::10", "ff05::1", false },
		{ "192.0.2.10", "239.1.2.3", false },
		{ "2001:db8:1::10", "fe80::1", false },
		{ "fe80::10", "2001:db8:77::1", false },
	};
	struct bytes in, l4 = {};

	bytes_put32(&l4, 40000 << 16 | 179);
	bytes_put32(&l4, 0);
	node_reset("encaps-3");
	node_class(node, "::/0", 0);
	for (int again = 0; again < 2; again++)
		for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
			frame_around(&in, row[i].src, row[i].dst, 6, 64, &l4);
			run(&in);
			if (row[i].steered)
				assert_true(outcome_is(&got, row[i].dst, XDP_REDIRECT, REASON_NONE));
			else
				assert_true(outcome_is(&got, row[i].dst, XDP_PASS, REASON_NO_CLASS));
		}
	node_clear(node->maps.fantel_classes, sizeof(struct prefix_key));
}

static void one_byte_decides(void **state)
{
	node_reset("encaps-3");
	mtu_one_less();
	run(golden("roce6"));
	assert_true(outcome_is(&got, "one byte too many", XDP_TX, REASON_TOO_BIG));
	mtu_just_enough();
	run(golden("roce6"));
	assert_true(outcome_is(&got, "just enough", XDP_REDIRECT, REASON_NONE));
}

/* Where XDP can't redirect what lies in several buffers tc does: told the way in front of the packet,
 * which else is as ever. */
static void several_buffers_leave_by_tc(void **state)
{
	static const char *const split[] = { "roce6 4096", "roce4 4096", "roce6 8900" };
	struct config config = node_config();
	struct fantel_bpf *usual = node;
	static struct bytes whole;
	struct depart_meta meta;

	for (size_t i = 0; i < ARRAY_SIZE(split); i++) {
		node = usual;
		node_reset("encaps-3");
		run(golden(split[i]));
		assert_true(outcome_is(&got, split[i], XDP_REDIRECT, REASON_NONE));
		whole = got.out;
		config.split_by_tc = true;
		node = node_load(&config);
		node_reset("encaps-3");
		run(golden(split[i]));
		assert_true(outcome_is(&got, split[i], XDP_PASS, REASON_NONE));
		assert_int_equal(got.out.len, sizeof(meta) + whole.len);
		memcpy(&meta, got.out.b, sizeof(meta));
		assert_int_equal(meta.magic, DEPART_MAGIC);
		assert_int_equal(meta.ifindex, NEXTHOP_IFINDEX);
		assert_int_equal(meta.at_low | meta.at_high, 0);
		assert_memory_equal(got.out.b + sizeof(meta), whole.b, whole.len);
		run(golden("roce6"));
		assert_true(outcome_is(&got, "in one buffer", XDP_REDIRECT, REASON_NONE));
		fantel_bpf__destroy(node);
	}
	node = usual;
}

/* Three a second at most, by sender. */
static void too_big_is_limited(void **state)
{
	struct config config = node_config();
	struct fantel_bpf *usual = node;
	struct bytes in;

	config.rate[BUCKET_TOO_BIG].interval_ns = NSEC_PER_SEC / 3;
	config.rate[BUCKET_TOO_BIG].burst_ns = NSEC_PER_SEC;
	node = node_load(&config);
	node_reset("encaps-3");
	mtu_1500();
	in = *golden("roce6 4096");
	for (int i = 0; i < 3; i++) {
		run(&in);
		assert_true(outcome_is(&got, "in the burst", XDP_TX, REASON_TOO_BIG));
	}
	run(&in);
	assert_true(outcome_is(&got, "beyond it", XDP_DROP, REASON_TOO_BIG_LIMITED));
	in.b[14 + 8 + 15]++;
	run(&in);
	assert_true(outcome_is(&got, "another sender", XDP_TX, REASON_TOO_BIG));
	fantel_bpf__destroy(node);
	node = usual;
}

/* ---- told that there is no path ---------------------------------------------------------------- */

/* The outcome as a notification from this node to the sender of `in`: parsed, or the test fails. */
static struct msg told_to_sender(const struct bytes *in, const struct config *config)
{
	static struct msg_buf buf;
	struct msg_rules rules = msg_rules(config);
	struct msg_envelope from = {};
	struct frame was = {}, f = {};
	struct msg m = {};

	assert_true(frame_parse(&was, in->b, in->b + in->len));
	assert_true(frame_parse(&f, got.out.b, got.out.b + got.out.len));
	assert_true(addr_equal(&f.dst, &was.src));
	assert_true(addr_equal(&f.src, was.version == 6 ? &config->loopback6 : &config->loopback4));
	assert_int_equal(f.hop_limit, WIRE_HOP_LIMIT);
	assert_int_equal(f.len + 14, got.out.len);
	assert_memory_equal(got.out.b, in->b + 6, 6);
	assert_memory_equal(got.out.b + 6, in->b, 6);
	from.src = f.src;
	from.dst = f.dst;
	from.transport = f.proto == PROTO_UDP ? TRANSPORT_UDP : TRANSPORT_ICMPV6;
	assert_int_equal(from.transport, was.version == 6 ? TRANSPORT_ICMPV6 : TRANSPORT_UDP);
	memcpy(buf.b, got.out.b + f.l4, got.out.len - f.l4);
	assert_int_equal(msg_parse(&m, &rules, &from, &buf, got.out.len - f.l4), REASON_NONE);
	assert_int_equal(m.code, 0);
	assert_int_equal(m.cause, CAUSE_NO_FEASIBLE_PATH);
	assert_int_equal(m.event_id, 1);
	assert_true(msg_has(&m, TLVI_FLOW));
	assert_int_equal(m.flow_protocol, was.proto);
	assert_int_equal(m.flow_sport, frame_sport(&was));
	assert_int_equal(m.flow_dport, frame_dport(&was));
	assert_true(addr_equal(&m.flow_src, &was.src) && addr_equal(&m.flow_dst, &was.dst));
	return m;
}

static void the_sender_learns_of_no_path(void **state)
{
	struct config config = node_config();
	struct fantel_bpf *usual = node;
	__u64 sequence;

	config.tell_sender = 1;
	config.rate[BUCKET_TELL].interval_ns = 1000 * NSEC_PER_SEC;
	config.rate[BUCKET_TELL].burst_ns = 2000 * NSEC_PER_SEC;
	node = node_load(&config);
	node_reset("encaps-3");
	node_failures(node, 0, 1);
	run(golden("roce6"));
	assert_true(outcome_is(&got, "an IPv6 sender", XDP_TX, REASON_NO_PATH_TOLD));
	sequence = told_to_sender(golden("roce6"), &config).sequence;
	assert_int_equal(told_to_sender(golden("roce6"), &config).kind, KIND_FAILURE);
	run(golden("roce6"));
	assert_true(outcome_is(&got, "once more", XDP_TX, REASON_NO_PATH_TOLD));
	assert_true(told_to_sender(golden("roce6"), &config).sequence > sequence);
	run(golden("roce6"));
	assert_true(outcome_is(&got, "its bucket is empty", XDP_DROP, REASON_NO_PATH));
	run(golden("roce4"));
	assert_true(outcome_is(&got, "an IPv4 sender", XDP_TX, REASON_NO_PATH_TOLD));
	told_to_sender(golden("roce4"), &config);
	node_group(node, 0, FATE_PASS, 1, NULL, NULL);
	node_clear(node->maps.fantel_buckets, sizeof(struct bucket_key));
	run(golden("roce6"));
	assert_true(outcome_is(&got, "the kernel has it", XDP_PASS, REASON_NO_PATH_PASS));
	fantel_bpf__destroy(node);
	node = usual;
}

/* At a byte a second the first packet takes all the room that the congested path has. */
static void the_sender_learns_of_no_room(void **state)
{
	struct pace lowered = { .ask = { .rate = 1 } };
	struct config config = node_config();
	struct fantel_bpf *usual = node;
	__u32 path = PACE_OF(0);

	config.tell_sender = 1;
	config.pacing = (struct pacing){ .lowest = 1, .window_ns = 1ULL << 62, .burst_ns = 1 };
	config.rate[BUCKET_TELL].interval_ns = 1000 * NSEC_PER_SEC;
	config.rate[BUCKET_TELL].burst_ns = 1000 * NSEC_PER_SEC;
	node = node_load(&config);
	node_reset("encaps-3");
	node_congestions(node, 0, 1);
	node_put(node->maps.fantel_pace, &path, &lowered);
	run(golden("roce6"));
	assert_int_equal(got.verdict, XDP_REDIRECT);
	run(golden("roce6"));
	assert_true(outcome_is(&got, "an IPv6 sender", XDP_TX, REASON_PACED_TOLD));
	assert_int_equal(told_to_sender(golden("roce6"), &config).kind, KIND_CONGESTION);
	run(golden("roce6"));
	assert_true(outcome_is(&got, "its bucket is empty", XDP_DROP, REASON_PACED));
	run(golden("roce4"));
	assert_true(outcome_is(&got, "an IPv4 sender", XDP_TX, REASON_PACED_TOLD));
	assert_int_equal(told_to_sender(golden("roce4"), &config).kind, KIND_CONGESTION);
	fantel_bpf__destroy(node);
	node = usual;
}

/* Every packet is counted; the group is told of by name, and not with every packet. */
static void no_path_events_are_limited(void **state)
{
	struct config config = node_config();
	struct fantel_bpf *usual = node;
	struct event e[4];

	config.rate[BUCKET_NO_PATH].interval_ns = 1000 * NSEC_PER_SEC;
	config.rate[BUCKET_NO_PATH].burst_ns = 2000 * NSEC_PER_SEC;
	node = node_load(&config);
	node_reset("encaps-3");
	node_failures(node, 0, 1);
	for (int i = 0; i < 10; i++) {
		run(golden("roce6"));
		assert_true(outcome_is(&got, "no path", XDP_DROP, REASON_NO_PATH));
	}
	assert_int_equal(node_events(node, e, ARRAY_SIZE(e)), 2);
	assert_int_equal(e[0].type, EVENT_NO_PATH);
	assert_int_equal(e[0].reason, REASON_NO_PATH);
	assert_string_equal(e[0].name, "group-0");
	fantel_bpf__destroy(node);
	node = usual;
}

/* A node without an IPv4 address speaks as 192.0.0.8, RFC 7600 §4.8. */
static void too_big_without_a_loopback(void **state)
{
	struct config config = node_config();
	struct fantel_bpf *usual = node;

	memset(&config.loopback4, 0, sizeof(config.loopback4));
	node = node_load(&config);
	node_reset("encaps-3");
	mtu_196();
	run(golden("roce4"));
	assert_true(outcome_is(&got, "told", XDP_TX, REASON_TOO_BIG));
	assert_true(
		bytes_are(&got.out, "by", golden("roce4 too big for 100 without loopback"), NULL));
	fantel_bpf__destroy(node);
	node = usual;
}

static void traffic_is_counted_by_path(void **state)
{
	int cpus = libbpf_num_possible_cpus();
	struct traffic before[cpus], after[cpus];
	__u64 packets = 0, bytes = 0;
	__u32 zero = 0;

	node_reset("encaps-3");
	node_get(node->maps.fantel_traffic, &zero, before);
	run(golden("roce6"));
	run(golden("roce4"));
	node_get(node->maps.fantel_traffic, &zero, after);
	for (int i = 0; i < cpus; i++) {
		packets += after[i].packets - before[i].packets;
		bytes += after[i].bytes - before[i].bytes;
	}
	assert_int_equal(packets, 2);
	assert_int_equal(bytes, 128 + 108); /* inner packets, Ethernet not counted */
}

/* ---- choosing among paths -------------------------------------------------------------------- */

#define FLOWS 10000

/* Paths 0..n-1 of one segment each, told apart by the outer destination. */
static void many_paths(__u32 n, const __u16 *weight, const __u16 *tier)
{
	struct nexthop nh = nexthop_fresh();

	node_reset("encaps-3");
	for (__u32 i = 0; i < n; i++) {
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
	node_group(node, 0, FATE_DROP, n, weight, tier);
}

/* RoCEv2 flow i of many: another DestQP and another source port. */
static const struct bytes *flow(int i)
{
	static struct bytes in;

	if (!in.len)
		in = *golden("roce6");
	store16(in.b + 54, be16(49152 + i % 97));
	store16(in.b + 54 + 8 + 6, be16(i));
	return &in;
}

/* Which path takes the flow? -1: none. */
static int path_of_flow(int i)
{
	run(flow(i));
	if (got.verdict != XDP_REDIRECT)
		return -1;
	assert_int_equal(load32(got.out.b + 38), be32(0x20010db8));
	return be16(load16(got.out.b + 44));
}

static void paths_of_flows(__s8 *path)
{
	for (int i = 0; i < FLOWS; i++)
		path[i] = path_of_flow(i);
}

static void share_follows_weight(void **state)
{
	static const struct {
		__u32 n;
		__u16 weight[MAX_MEMBERS];
	} group[] = {
		{ 2, { 1, 1 } },
		{ 4, { 1, 1, 1, 1 } },
		{ 4, { 10, 20, 30, 40 } },
		{ 3, { 1000, 2000, 65535 } },
		{ 16, { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 } },
	};

	for (size_t g = 0; g < ARRAY_SIZE(group); g++) {
		int flows[MAX_MEMBERS] = {}, sum = 0;

		many_paths(group[g].n, group[g].weight, NULL);
		for (__u32 i = 0; i < group[g].n; i++)
			sum += group[g].weight[i];
		for (int i = 0; i < FLOWS; i++) {
			int path = path_of_flow(i);

			assert_in_range(path, 0, group[g].n - 1);
			flows[path]++;
		}
		for (__u32 i = 0; i < group[g].n; i++) {
			double p = (double)group[g].weight[i] / sum;
			/* Both the slots and the flows are drawn: four standard deviations. */
			double slack =
				4 * sqrt(FLOWS * p * (1 - p) * (1 + (double)FLOWS / RANK_SLOTS));

			assert_in_range(flows[i], fmax(0, FLOWS * p - slack), FLOWS * p + slack);
		}
	}
}

/* A path that fails moves its own flows and no other; back up, they return. */
static void failure_moves_only_its_own(void **state)
{
	static const __u16 weight[] = { 1, 2, 3, 4 };
	static __s8 before[FLOWS], during[FLOWS], after[FLOWS];

	many_paths(4, weight, NULL);
	paths_of_flows(before);
	for (int failing = 0; failing < 4; failing++) {
		int moved_to[4] = {};

		node_failures(node, failing, 1);
		paths_of_flows(during);
		for (int i = 0; i < FLOWS; i++) {
			if (before[i] != failing)
				assert_int_equal(during[i], before[i]);
			else
				assert_int_not_equal(during[i], failing);
			moved_to[during[i]] += before[i] == failing;
		}
		/* Its flows spread over all the others. */
		for (int i = 0; i < 4; i++)
			assert_int_equal(moved_to[i] > 0, i != failing);
		node_failures(node, failing, 0);
		paths_of_flows(after);
		assert_memory_equal(after, before, sizeof(before));
	}
}

static void several_failures(void **state)
{
	many_paths(4, NULL, NULL);
	node_failures(node, 0, 1);
	node_failures(node, 1, 2);
	node_failures(node, 3, 1);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(path_of_flow(i), 2);
	node_failures(node, 2, 1);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(path_of_flow(i), -1);
	/* Two reported it, one withdrew. */
	node_failures(node, 1, 1);
	assert_int_equal(path_of_flow(0), -1);
	node_failures(node, 1, 0);
	assert_int_equal(path_of_flow(0), 1);
}

/* The flows of a congested path go where they would if it failed, while there is one that is not. */
static void congestion_moves_only_its_own(void **state)
{
	static const __u16 weight[] = { 1, 2, 3, 4 };
	static __s8 before[FLOWS], during[FLOWS], failed[FLOWS];

	many_paths(4, weight, NULL);
	paths_of_flows(before);
	node_failures(node, 2, 1);
	paths_of_flows(failed);
	node_congestions(node, 2, 1);
	paths_of_flows(during);
	assert_memory_equal(during, failed, sizeof(failed));
	node_congestions(node, 2, 0);
	paths_of_flows(during);
	assert_memory_equal(during, before, sizeof(before));
}

/* Where all are congested, each flow stays where it was; failed ones still carry nothing. */
static void all_congested_still_carry(void **state)
{
	static __s8 before[FLOWS], during[FLOWS];

	many_paths(4, NULL, NULL);
	node_failures(node, 1, 1);
	paths_of_flows(before);
	node_congestions(node, 0, 1);
	node_congestions(node, 2, 2);
	node_congestions(node, 3, 1);
	paths_of_flows(during);
	assert_memory_equal(during, before, sizeof(before));
	node_failures(node, 1, 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(path_of_flow(i), 1);
}

/* The backup stands in for a congested tier, and not for one with a member that is not. */
static void congested_tier_gives_way(void **state)
{
	static const __u16 tier[] = { 0, 0, 1, 2 };

	many_paths(4, NULL, tier);
	node_congestions(node, 0, 1);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(path_of_flow(i), 1);
	node_congestions(node, 1, 1);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(path_of_flow(i), 2);
	node_congestions(node, 2, 1);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(path_of_flow(i), 3);
	node_failures(node, 3, 1);
	for (int i = 0; i < 1000; i++)
		assert_in_range(path_of_flow(i), 0, 1);
}

static void link_down_moves_only_its_own(void **state)
{
	static __s8 before[FLOWS], during[FLOWS];
	struct nexthop nh = nexthop_fresh();

	many_paths(4, NULL, NULL);
	paths_of_flows(before);
	nh.down = 1;
	node_nexthop(node, 2, &nh);
	paths_of_flows(during);
	for (int i = 0; i < FLOWS; i++)
		if (before[i] != 2)
			assert_int_equal(during[i], before[i]);
		else
			assert_int_not_equal(during[i], 2);
}

static void lowest_tier_serves(void **state)
{
	static const __u16 tier[] = { 1, 0, 1, 2 };
	int seen[4] = {};

	many_paths(4, NULL, tier);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(path_of_flow(i), 1);
	node_failures(node, 1, 1);
	for (int i = 0; i < 1000; i++)
		seen[path_of_flow(i)]++;
	assert_int_equal(seen[1] + seen[3], 0);
	assert_in_range(seen[0], 400, 600);
	node_failures(node, 0, 1);
	node_failures(node, 2, 1);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(path_of_flow(i), 3);
	node_failures(node, 1, 0);
	assert_int_equal(path_of_flow(0), 1);
}

static void weight_zero_carries_nothing(void **state)
{
	static const __u16 weight[] = { 1, 0, 1 };

	many_paths(3, weight, NULL);
	for (int i = 0; i < 1000; i++)
		assert_int_not_equal(path_of_flow(i), 1);
	node_failures(node, 0, 1);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(path_of_flow(i), 2);
}

/* Within a flow nothing changes while nothing fails: 1,000 PSNs, one path, one label. */
static void a_flow_stays(void **state)
{
	struct bytes in = *golden("roce6");
	int path = -1;
	__u32 label = 0;

	many_paths(16, NULL, NULL);
	for (int psn = 0; psn < 1000; psn++) {
		store16(in.b + 54 + 8 + 10, be16(psn));
		run(&in);
		assert_int_equal(got.verdict, XDP_REDIRECT);
		if (path < 0) {
			path = be16(load16(got.out.b + 44));
			label = flow_label();
		}
		assert_int_equal(be16(load16(got.out.b + 44)), path);
		assert_int_equal(flow_label(), label);
	}
}

static const struct CMUnitTest other[] = {
	TEST("the flow label is the flow's: DestQP counts, the PSN doesn't", label_is_the_flow),
	TEST("VXLAN's source port is the flow's", sport_is_the_flow),
	TEST("the outer IPv4 checksum is right for every TOS and length",
	     the_outer_checksum_is_right),
	TEST("fragments go by their addresses alone", fragments_share_a_label),
	TEST("a packet cut at every length is passed on", cut_at_every_length),
	TEST("20,000 packets with bits flipped: each has a verdict and a reason", any_bits_at_all),
	TEST("where the driver leaves no room, packets are dropped and counted",
	     a_driver_without_room),
	TEST("a changed class acts on the next packet, the longest prefix first",
	     a_new_class_acts_at_once),
	TEST("without a loader the FIB gives next hop and MTU", the_fib_knows_the_way),
	TEST("a class of everything leaves out what is for the node or its link", a_class_of_everything),
	TEST("one byte decides whether a packet is too big", one_byte_decides),
	TEST("events of a group without a path are limited, and name it", no_path_events_are_limited),
	TEST("a sender learns that its packet has no path", the_sender_learns_of_no_path),
	TEST("and that its path is congested, and has no room", the_sender_learns_of_no_room),
	TEST("Packet Too Big is limited by sender", too_big_is_limited),
	TEST("what lies in several buffers leaves by tc, where XDP can't send it", several_buffers_leave_by_tc),
	TEST("without an IPv4 loopback, ICMPv4 errors come from 192.0.0.8",
	     too_big_without_a_loopback),
	TEST("packets and bytes are counted by path", traffic_is_counted_by_path),
	TEST("10,000 flows share paths by weight", share_follows_weight),
	TEST("a failed path moves its own flows only, and recovery brings them back",
	     failure_moves_only_its_own),
	TEST("several paths fail, down to the last", several_failures),
	TEST("a congested path moves its own flows only, to where they would go if it failed",
	     congestion_moves_only_its_own),
	TEST("where every usable path is congested, flows stay", all_congested_still_carry),
	TEST("a tier gives way when all of it is congested, and not before",
	     congested_tier_gives_way),
	TEST("a link that is down moves its own flows only", link_down_moves_only_its_own),
	TEST("the lowest tier with a usable path serves", lowest_tier_serves),
	TEST("weight 0 carries nothing", weight_zero_carries_nothing),
	TEST("a flow stays on its path, with its label", a_flow_stays),
};

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(other)] = {};
	struct config config = node_config();
	int failed;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tests[i].name = rows[i].sentence;
		tests[i].test_func = check_row;
		tests[i].initial_state = &rows[i];
	}
	memcpy(tests + ARRAY_SIZE(rows), other, sizeof(other));
	config.remark = 0; /* test_boundary.c */
	net_enter();
	node = node_load(&config);
	failed = _cmocka_run_group_tests("steer", tests, ARRAY_SIZE(tests), NULL, NULL);
	fantel_bpf__destroy(node);
	return failed;
}
