// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * encap: templates byte for byte as scapy builds them (Ether / IPv6 / IPv6ExtHdrSegmentRouting,
 * Ether / IP / GRE and so on, with lengths and checksums 0), what is read back from them, and the
 * identities under which a path can be named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>

#include "encap.h"

/* ---- SRv6 ------------------------------------------------------------------------------------ */

#define ETH "00000000000000000000000086dd"
#define SRC "20010db8000f00000000000000000001"
#define SID(n) "20010db8000b000" n "0000000000000001"

static const struct srv6_row {
	const char *sentence;
	__u32 n_segments;
	bool reduced;
	const char *hdr[INNER_COUNT];
} srv6_rows[] = {
	{ "one segment needs no SRH",
	  1, false,
	  { ETH "6000000000000440" SRC SID("1"), ETH "6000000000002940" SRC SID("1") } },
	{ "one segment needs no SRH reduced either",
	  1, true,
	  { ETH "6000000000000440" SRC SID("1"), ETH "6000000000002940" SRC SID("1") } },
	{ "an SRH lists the last segment first",
	  3, false,
	  { ETH "6000000000002b40" SRC SID("1") "0406040202000000" SID("3") SID("2") SID("1"),
	    ETH "6000000000002b40" SRC SID("1") "2906040202000000" SID("3") SID("2") SID("1") } },
	{ "a reduced SRH leaves the first segment out and still counts it",
	  3, true,
	  { ETH "6000000000002b40" SRC SID("1") "0404040201000000" SID("3") SID("2"),
	    ETH "6000000000002b40" SRC SID("1") "2904040201000000" SID("3") SID("2") } },
	{ "two segments reduced leave a list of one",
	  2, true,
	  { ETH "6000000000002b40" SRC SID("1") "0402040100000000" SID("2"),
	    ETH "6000000000002b40" SRC SID("1") "2902040100000000" SID("2") } },
	{ "eight segments",
	  8, false,
	  { ETH "6000000000002b40" SRC SID("1") "0410040707000000" SID("8") SID("7") SID("6")
		    SID("5") SID("4") SID("3") SID("2") SID("1"),
	    ETH "6000000000002b40" SRC SID("1") "2910040707000000" SID("8") SID("7") SID("6")
		    SID("5") SID("4") SID("3") SID("2") SID("1") } },
	{ "eight segments reduced",
	  8, true,
	  { ETH "6000000000002b40" SRC SID("1") "040e040706000000" SID("8") SID("7") SID("6")
		    SID("5") SID("4") SID("3") SID("2"),
	    ETH "6000000000002b40" SRC SID("1") "290e040706000000" SID("8") SID("7") SID("6")
		    SID("5") SID("4") SID("3") SID("2") } },
};

static struct addr addr_of(const char *text)
{
	struct addr addr;
	__be32 v4_be;

	if (inet_pton(AF_INET, text, &v4_be) == 1)
		return addr_from_v4(v4_be);
	assert_int_equal(inet_pton(AF_INET6, text, &addr), 1);
	return addr;
}

static struct config node(void)
{
	return (struct config){ .loopback6 = addr_of("2001:db8:f::1"),
				.loopback4 = addr_of("198.51.100.1") };
}

/* Segments 2001:db8:b:1::1, 2001:db8:b:2::1 and so on. */
static struct policy_path path_of(__u32 n_segments, bool reduced)
{
	struct policy_path path = {
		.name = "p",
		.tunnel = TUNNEL_SRV6,
		.reduced = reduced,
		.n_segments = n_segments,
	};

	for (__u32 i = 0; i < n_segments && i < MAX_SEGMENTS; i++) {
		path.segment[i] = addr_of("2001:db8:b::1");
		path.segment[i].b[7] = i + 1;
	}
	return path;
}

static void to_hex(char *hex, const __u8 *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sprintf(hex + 2 * i, "%02x", data[i]);
}

/* Build it, compare the bytes, and read it back. */
static struct path built(const struct policy_path *from, const char *const *hdr)
{
	struct config config = node();
	struct path path = { .nexthop = 7 };
	struct policy_path back;
	struct addr source;

	assert_int_equal(encap_path(&path, from, &config), 0);
	assert_string_equal(path.name, "p");
	assert_int_equal(path.tunnel, from->tunnel);
	assert_int_equal(path.flags, 0);
	assert_int_equal(path.nexthop, 7);
	for (int inner = 0; inner < INNER_COUNT; inner++) {
		char hex[2 * ENCAP_MAX + 1];

		to_hex(hex, path.encap[inner].hdr, path.encap_len);
		assert_string_equal(hex, hdr[inner]);
	}
	assert_true(encap_read(&back, &source, &path));
	back.reduced |= from->reduced && from->n_segments == 1; /* either mode makes the same */
	assert_memory_equal(&back, from, sizeof(back));
	if (path.outer == OUTER_IPV6)
		assert_true(addr_equal(&source, &config.loopback6));
	else if (path.outer == OUTER_IPV4)
		assert_true(addr_equal(&source, &config.loopback4));
	else
		assert_true(addr_is_unspecified(&source));
	return path;
}

static void srv6_is_what_scapy_builds(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(srv6_rows); i++) {
		struct policy_path from = path_of(srv6_rows[i].n_segments, srv6_rows[i].reduced);
		struct path path;

		print_message("# %s\n", srv6_rows[i].sentence);
		path = built(&from, srv6_rows[i].hdr);
		assert_true(addr_equal(&path.dst, &from.segment[0]));
		assert_int_equal(path.outer, OUTER_IPV6);
		assert_int_equal(path.udp_at, 0);
	}
}

/* ---- GRE, VXLAN, IP in IP, MPLS -------------------------------------------------------------- */

#define TO4 "203.0.113.9"
#define TO6 "2001:db8:b::9"
#define IN4(proto) "0000000000000000000000000800450000000000400040" proto "0000c6336401cb007109"
#define IN6(next) ETH "600000000000" next "40" SRC "20010db8000b00000000000000000009"
#define VXLAN "000012b50000000008000000abcdef0002005e00530902005e005301"
#define LABELS "0000000000000000000000008847"

static const struct row {
	const char *sentence, *dst;
	struct policy_path path;
	const char *hdr[INNER_COUNT];
	enum outer_header outer;
	__u8 udp_at;
	__u16 sum[INNER_COUNT];
} rows[] = {
	{ "GRE over IPv4", TO4,
	  { .tunnel = TUNNEL_GRE },
	  { IN4("2f") "00000800", IN4("2f") "000086dd" },
	  OUTER_IPV4, 0, { 0x2b6f, 0x2b6f } },
	{ "GRE over IPv6", TO6,
	  { .tunnel = TUNNEL_GRE },
	  { IN6("2f") "00000800", IN6("2f") "000086dd" },
	  OUTER_IPV6, 0, { 0, 0 } },
	{ "a GRE key", TO4,
	  { .tunnel = TUNNEL_GRE, .keyed = true, .key = 0xa1b2c3d4 },
	  { IN4("2f") "20000800a1b2c3d4", IN4("2f") "200086dda1b2c3d4" },
	  OUTER_IPV4, 0, { 0x2b6f, 0x2b6f } },
	{ "a GRE key over IPv6", TO6,
	  { .tunnel = TUNNEL_GRE, .keyed = true, .key = 0xa1b2c3d4 },
	  { IN6("2f") "20000800a1b2c3d4", IN6("2f") "200086dda1b2c3d4" },
	  OUTER_IPV6, 0, { 0, 0 } },
	{ "the GRE key 0 is a key", TO4,
	  { .tunnel = TUNNEL_GRE, .keyed = true },
	  { IN4("2f") "2000080000000000", IN4("2f") "200086dd00000000" },
	  OUTER_IPV4, 0, { 0x2b6f, 0x2b6f } },
	{ "VXLAN over IPv4", TO4,
	  { .tunnel = TUNNEL_VXLAN, .vni = 0xabcdef, .port = 4789,
	    .inner_dmac = { 2, 0, 0x5e, 0, 0x53, 9 }, .inner_smac = { 2, 0, 0x5e, 0, 0x53, 1 } },
	  { IN4("11") VXLAN "0800", IN4("11") VXLAN "86dd" },
	  OUTER_IPV4, 34, { 0x2b51, 0x2b51 } },
	{ "VXLAN over IPv6", TO6,
	  { .tunnel = TUNNEL_VXLAN, .vni = 0xabcdef, .port = 4789,
	    .inner_dmac = { 2, 0, 0x5e, 0, 0x53, 9 }, .inner_smac = { 2, 0, 0x5e, 0, 0x53, 1 } },
	  { IN6("11") VXLAN "0800", IN6("11") VXLAN "86dd" },
	  OUTER_IPV6, 54, { 0, 0 } },
	{ "4in4 and 6in4: the protocol, and so the sum, is the inner packet's", TO4,
	  { .tunnel = TUNNEL_IPIP },
	  { IN4("04"), IN4("29") },
	  OUTER_IPV4, 0, { 0x2b44, 0x2b69 } },
	{ "4in6 and 6in6", TO6,
	  { .tunnel = TUNNEL_IPIP },
	  { IN6("04"), IN6("29") },
	  OUTER_IPV6, 0, { 0, 0 } },
	{ "one label, the lowest", TO6,
	  { .tunnel = TUNNEL_MPLS, .n_labels = 1, .label = { 16 } },
	  { LABELS "00010140", LABELS "00010140" },
	  OUTER_MPLS, 0, { 0, 0 } },
	{ "three labels, top first; the last one says so", TO4,
	  { .tunnel = TUNNEL_MPLS, .n_labels = 3, .label = { 1048575, 24001, 16 } },
	  { LABELS "fffff04005dc104000010140", LABELS "fffff04005dc104000010140" },
	  OUTER_MPLS, 0, { 0, 0 } },
	{ "eight labels", TO6,
	  { .tunnel = TUNNEL_MPLS, .n_labels = 8,
	    .label = { 16001, 16002, 16003, 16004, 16005, 16006, 16007, 16008 } },
	  { LABELS "03e8104003e8204003e8304003e8404003e8504003e8604003e8704003e88140",
	    LABELS "03e8104003e8204003e8304003e8404003e8504003e8604003e8704003e88140" },
	  OUTER_MPLS, 0, { 0, 0 } },
};

static struct policy_path path_in(const struct row *row)
{
	struct policy_path path = row->path;

	strcpy(path.name, "p");
	path.dst = addr_of(row->dst);
	return path;
}

static void the_others_are_what_scapy_builds(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_path from = path_in(&rows[i]);
		struct path path;

		print_message("# %s\n", rows[i].sentence);
		path = built(&from, rows[i].hdr);
		assert_true(addr_equal(&path.dst, &from.dst));
		assert_int_equal(path.outer, rows[i].outer);
		assert_int_equal(path.udp_at, rows[i].udp_at);
		for (int inner = 0; inner < INNER_COUNT; inner++)
			assert_int_equal(be16(path.sum[inner]), rows[i].sum[inner]);
	}
}

/* No header: the mark, how notifications call the tunnel, and what leads there. */
static void a_mark_is_kept_and_named(void **state)
{
	static const struct {
		struct policy_path path;
		const char *dst, *way;
		__u8 code, n;
	} marks[] = {
		{ { .mark = 1 }, TO4, TO4, CODE_IP, 1 },
		{ { .mark = 0xffffffff }, TO6, TO6, CODE_IP, 1 },
		{ { .mark = 2, .n_segments = 3 }, NULL, "2001:db8:b:1::1", CODE_SRV6, 3 },
		{ { .mark = 3, .n_segments = 8 }, NULL, "2001:db8:b:1::1", CODE_SRV6, 8 },
		{ { .mark = 4, .n_labels = 2, .label = { 16, 1048575 } }, NULL, "::", CODE_MPLS, 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(marks); i++) {
		struct policy_path from = marks[i].path, back;
		struct config config = node();
		struct tunnel_key key;
		struct path path = {};
		struct addr source, way = addr_of(marks[i].way);

		strcpy(from.name, "p");
		from.tunnel = TUNNEL_MARK;
		if (marks[i].dst)
			from.dst = addr_of(marks[i].dst);
		memcpy(from.segment, path_of(from.n_segments, false).segment, sizeof(from.segment));
		assert_int_equal(encap_path(&path, &from, &config), 0);
		assert_int_equal(path.encap_len, 0);
		assert_int_equal(path.mark.value, from.mark);
		assert_true(addr_equal(&path.dst, &way));
		assert_true(encap_keys(&key, 1, &from) == 1);
		assert_int_equal(key.code, marks[i].code);
		assert_int_equal(key.n, marks[i].n);
		assert_memory_equal(&path.mark.named, &key, sizeof(key));
		assert_true(encap_read(&back, &source, &path));
		assert_memory_equal(&back, &from, sizeof(back));
		assert_true(addr_is_unspecified(&source));
	}
}

static void a_fixed_dscp_is_kept_for_the_packet_path(void **state)
{
	struct policy_path from = path_of(2, false), back;
	struct config config = node();
	struct path path = { 0 };
	struct addr source;

	from.dscp_fixed = true;
	from.dscp = 46;
	assert_int_equal(encap_path(&path, &from, &config), 0);
	assert_int_equal(path.flags, PATH_DSCP_FIXED);
	assert_int_equal(path.dscp, 46);
	assert_true(encap_read(&back, &source, &path));
	assert_memory_equal(&back, &from, sizeof(back));
}

/* ---- what is not a tunnel -------------------------------------------------------------------- */

static void what_policy_refuses_is_refused_and_changes_nothing(void **state)
{
	static const struct policy_path bad[] = {
		{ .tunnel = TUNNEL_NONE },
		{ .tunnel = TUNNEL_COUNT },
		{ .tunnel = TUNNEL_SRV6 },
		{ .tunnel = TUNNEL_SRV6, .n_segments = MAX_SEGMENTS + 1 },
		{ .tunnel = TUNNEL_GRE },
		{ .tunnel = TUNNEL_VXLAN },
		{ .tunnel = TUNNEL_VXLAN, .dst = { .b = { 0x20 } }, .vni = 1 << 24 },
		{ .tunnel = TUNNEL_IPIP },
		{ .tunnel = TUNNEL_MPLS, .n_labels = 1, .label = { 16 } },
		{ .tunnel = TUNNEL_MPLS, .dst = { .b = { 0x20 } } },
		{ .tunnel = TUNNEL_MPLS, .dst = { .b = { 0x20 } }, .n_labels = MAX_LABELS + 1 },
		{ .tunnel = TUNNEL_MPLS, .dst = { .b = { 0x20 } }, .n_labels = 1,
		  .label = { 1 << 20 } },
		{ .tunnel = TUNNEL_MARK, .mark = 1 },
		{ .tunnel = TUNNEL_MARK, .dst = { .b = { 0x20 } } },
		{ .tunnel = TUNNEL_MARK, .mark = 1, .n_segments = 1 },
		{ .tunnel = TUNNEL_MARK, .mark = 1, .n_segments = MAX_SEGMENTS + 1 },
		{ .tunnel = TUNNEL_MARK, .mark = 1, .n_labels = MAX_LABELS + 1 },
		{ .tunnel = TUNNEL_MARK, .mark = 1, .n_labels = 1, .label = { 1 << 20 } },
		{ .tunnel = TUNNEL_MARK, .mark = 1, .dst = { .b = { 0x20 } }, .n_segments = 2 },
	};
	struct config config = node();
	struct path path, before;

	memset(&path, 0xa5, sizeof(path));
	before = path;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		print_message("# row %zu\n", i);
		assert_int_equal(encap_path(&path, &bad[i], &config), -EINVAL);
		assert_memory_equal(&path, &before, sizeof(path));
	}
}

static void without_a_loopback_there_is_no_source(void **state)
{
	static const char *const to[] = { TO4, TO6 };
	struct config none = { 0 };
	struct path path = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(to); i++) {
		struct policy_path from = { .tunnel = TUNNEL_IPIP, .dst = addr_of(to[i]) };

		assert_int_equal(encap_path(&path, &from, &none), -EINVAL);
	}
}

/* Of all rows. */
static struct policy_path any_path(size_t i)
{
	if (i < ARRAY_SIZE(rows))
		return path_in(&rows[i]);
	i -= ARRAY_SIZE(rows);
	return path_of(srv6_rows[i].n_segments, srv6_rows[i].reduced);
}

/* Whatever bit of a template is another one: it is read as what would build it, or not at all. */
static void what_is_read_would_be_built_so(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows) + ARRAY_SIZE(srv6_rows); i++) {
		struct policy_path from = any_path(i);
		struct config config = node();
		struct path path = { 0 };

		assert_int_equal(encap_path(&path, &from, &config), 0);
		for (size_t bit = 0; bit < 8 * sizeof(path); bit++) {
			struct path other = path, again;
			struct policy_path back;
			struct addr source;

			((__u8 *)&other)[bit / 8] ^= 1 << bit % 8;
			if (!encap_read(&back, &source, &other))
				continue;
			if (addr_is_v4(&source))
				config.loopback4 = source;
			else
				config.loopback6 = source;
			again = other;
			assert_int_equal(encap_path(&again, &back, &config), 0);
			assert_memory_equal(&again, &other, sizeof(again));
		}
	}
}

/* ---- names ----------------------------------------------------------------------------------- */

static void one_segment_is_named_by_its_address(void **state)
{
	struct policy_path from = path_of(1, true);
	struct tunnel_key keys[ENCAP_KEYS_MAX], expected = { .code = CODE_IP, .n = 1 };

	expected.addr = from.segment[0];
	assert_int_equal(encap_keys(keys, ENCAP_KEYS_MAX, &from), 1);
	assert_memory_equal(&keys[0], &expected, sizeof(expected));
	assert_int_equal(encap_keys(keys, 0, &from), 0);
}

static void several_segments_are_named_whole_and_reduced(void **state)
{
	for (int reduced = 0; reduced <= 1; reduced++) {
		struct policy_path from = path_of(3, reduced);
		struct tunnel_key keys[ENCAP_KEYS_MAX];
		struct tunnel_key whole = { .code = CODE_SRV6, .n = 3 };
		struct tunnel_key rest = { .code = CODE_SRV6, .n = 2 };

		rest.segment[0] = whole.segment[0] = from.segment[2];
		rest.segment[1] = whole.segment[1] = from.segment[1];
		whole.segment[2] = from.segment[0];
		memset(keys, 0xa5, sizeof(keys));
		assert_int_equal(encap_keys(keys, ENCAP_KEYS_MAX, &from), 2);
		assert_memory_equal(&keys[0], &whole, sizeof(whole));
		assert_memory_equal(&keys[1], &rest, sizeof(rest));
		assert_int_equal(encap_keys(keys, 1, &from), 1);
	}
}

static void tunnels_to_an_address_are_named_by_it(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tunnel_key keys[ENCAP_KEYS_MAX], expected = { .code = CODE_IP, .n = 1 };
		struct policy_path from = path_in(&rows[i]);

		if (from.tunnel == TUNNEL_MPLS)
			continue;
		print_message("# %s\n", rows[i].sentence);
		expected.addr = from.dst;
		memset(keys, 0xa5, sizeof(keys));
		assert_int_equal(encap_keys(keys, ENCAP_KEYS_MAX, &from), 1);
		assert_memory_equal(&keys[0], &expected, sizeof(expected));
	}
}

/* As Tunnel Info has them: TC, S and TTL zero. */
static void labels_are_named_whole_and_popped(void **state)
{
	struct policy_path from = { .tunnel = TUNNEL_MPLS, .n_labels = MAX_LABELS };
	struct tunnel_key keys[ENCAP_KEYS_MAX];

	for (__u32 i = 0; i < MAX_LABELS; i++)
		from.label[i] = 16001 + i;
	memset(keys, 0xa5, sizeof(keys));
	assert_int_equal(encap_keys(keys, ENCAP_KEYS_MAX, &from), MAX_LABELS);
	for (__u32 popped = 0; popped < MAX_LABELS; popped++) {
		struct tunnel_key expected = { .code = CODE_MPLS, .n = MAX_LABELS - popped };

		for (__u32 i = 0; i < expected.n; i++)
			expected.label_be[i] = be32((16001 + popped + i) << 12);
		assert_memory_equal(&keys[popped], &expected, sizeof(expected));
	}
	assert_int_equal(encap_keys(keys, 3, &from), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(srv6_is_what_scapy_builds),
		cmocka_unit_test(the_others_are_what_scapy_builds),
		cmocka_unit_test(a_mark_is_kept_and_named),
		cmocka_unit_test(a_fixed_dscp_is_kept_for_the_packet_path),
		cmocka_unit_test(what_policy_refuses_is_refused_and_changes_nothing),
		cmocka_unit_test(without_a_loopback_there_is_no_source),
		cmocka_unit_test(what_is_read_would_be_built_so),
		cmocka_unit_test(one_segment_is_named_by_its_address),
		cmocka_unit_test(several_segments_are_named_whole_and_reduced),
		cmocka_unit_test(tunnels_to_an_address_are_named_by_it),
		cmocka_unit_test(labels_are_named_whole_and_popped),
	};

	return cmocka_run_group_tests_name("encap", tests, NULL, NULL);
}
