// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * encap: templates byte for byte as scapy builds them (Ether / IPv6 / IPv6ExtHdrSegmentRouting with
 * payload length 0), and the identities under which a path can be named.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>

#include "encap.h"

#define ETH "00000000000000000000000086dd"
#define SRC "20010db8000f00000000000000000001"
#define SID(n) "20010db8000b000" n "0000000000000001"

static const struct row {
	const char *sentence;
	__u32 n_segments;
	bool reduced;
	const char *hdr[INNER_COUNT];
} rows[] = {
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

	assert_int_equal(inet_pton(AF_INET6, text, &addr), 1);
	return addr;
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

static void templates_are_what_scapy_builds(void **state)
{
	struct config config = { .loopback6 = addr_of("2001:db8:f::1") };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_path from = path_of(rows[i].n_segments, rows[i].reduced);
		struct path path = { .nexthop = 7 };

		print_message("# %s\n", rows[i].sentence);
		assert_int_equal(encap_path(&path, &from, &config), 0);
		assert_string_equal(path.name, "p");
		assert_int_equal(path.tunnel, TUNNEL_SRV6);
		assert_int_equal(path.flags, 0);
		assert_int_equal(path.nexthop, 7);
		assert_true(addr_equal(&path.dst, &from.segment[0]));
		for (int inner = 0; inner < INNER_COUNT; inner++) {
			char hex[2 * ENCAP_MAX + 1];

			to_hex(hex, path.encap[inner].hdr, path.encap_len);
			assert_string_equal(hex, rows[i].hdr[inner]);
		}
	}
}

static void a_fixed_dscp_is_kept_for_the_packet_path(void **state)
{
	struct policy_path from = path_of(2, false);
	struct config config = { 0 };
	struct path path = { 0 };

	from.dscp_fixed = true;
	from.dscp = 46;
	assert_int_equal(encap_path(&path, &from, &config), 0);
	assert_int_equal(path.flags, PATH_DSCP_FIXED);
	assert_int_equal(path.dscp, 46);
}

static void what_policy_refuses_is_refused_and_changes_nothing(void **state)
{
	struct policy_path none = path_of(0, false), nine = path_of(MAX_SEGMENTS + 1, false);
	struct policy_path other = path_of(2, false);
	struct path path, before;
	struct config config = { 0 };

	other.tunnel = TUNNEL_NONE;
	memset(&path, 0xa5, sizeof(path));
	before = path;
	assert_int_equal(encap_path(&path, &none, &config), -EINVAL);
	assert_int_equal(encap_path(&path, &nine, &config), -EINVAL);
	assert_int_equal(encap_path(&path, &other, &config), -EINVAL);
	assert_memory_equal(&path, &before, sizeof(path));
}

static void one_segment_is_named_by_its_address(void **state)
{
	struct policy_path from = path_of(1, true);
	struct tunnel_key keys[2], expected = { .code = CODE_IP, .n = 1 };

	expected.addr = from.segment[0];
	assert_int_equal(encap_keys(keys, 2, &from), 1);
	assert_memory_equal(&keys[0], &expected, sizeof(expected));
	assert_int_equal(encap_keys(keys, 0, &from), 0);
}

static void several_segments_are_named_whole_and_reduced(void **state)
{
	for (int reduced = 0; reduced <= 1; reduced++) {
		struct policy_path from = path_of(3, reduced);
		struct tunnel_key keys[2];
		struct tunnel_key whole = { .code = CODE_SRV6, .n = 3 };
		struct tunnel_key rest = { .code = CODE_SRV6, .n = 2 };

		rest.segment[0] = whole.segment[0] = from.segment[2];
		rest.segment[1] = whole.segment[1] = from.segment[1];
		whole.segment[2] = from.segment[0];
		memset(keys, 0xa5, sizeof(keys));
		assert_int_equal(encap_keys(keys, 2, &from), 2);
		assert_memory_equal(&keys[0], &whole, sizeof(whole));
		assert_memory_equal(&keys[1], &rest, sizeof(rest));
		assert_int_equal(encap_keys(keys, 1, &from), 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_are_what_scapy_builds),
		cmocka_unit_test(a_fixed_dscp_is_kept_for_the_packet_path),
		cmocka_unit_test(what_policy_refuses_is_refused_and_changes_nothing),
		cmocka_unit_test(one_segment_is_named_by_its_address),
		cmocka_unit_test(several_segments_are_named_whole_and_reduced),
	};

	return cmocka_run_group_tests_name("encap", tests, NULL, NULL);
}
