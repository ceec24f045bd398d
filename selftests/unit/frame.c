// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* frame_parse: what it takes from a packet, row by row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fantel/frame.h"

#define ETH "020000000001020000000002"
#define V6_ADDRS "20010db800c100000000000000000010" "20010db800c200000000000000000020"
#define V4_ADDRS "cb00710a" "cb007182"
#define UDP_ROCE "c00012b700200000"
#define BTH "0400ffff" "00012345" "00000001"

static const struct row {
	const char *sentence;
	const char *hex;
	bool parsed;
	struct frame f; /* addresses are compared apart */
} rows[] = {
	{ "IPv6 RoCEv2 gives ports and DestQP",
	  ETH "86dd" "6ab00000" "0014" "1140" V6_ADDRS UDP_ROCE BTH, true,
	  { .version = 6, .len = 60, .l4 = 54, .proto = 17, .tclass = 0xab, .hop_limit = 64,
	    .ports = 0xc00012b7, .qp = 0x012345 } },
	{ "IPv4 RoCEv2 gives ports and DestQP",
	  ETH "0800" "45020028" "00004000" "4011" "0000" V4_ADDRS UDP_ROCE BTH, true,
	  { .version = 4, .len = 40, .l4 = 34, .proto = 17, .tclass = 2, .hop_limit = 64,
	    .ports = 0xc00012b7, .qp = 0x012345 } },
	{ "IPv4 options move the L4 header",
	  ETH "0800" "4600002c" "00004000" "4011" "0000" V4_ADDRS "01010101" UDP_ROCE BTH, true,
	  { .version = 4, .len = 44, .l4 = 38, .proto = 17, .hop_limit = 64, .ports = 0xc00012b7,
	    .qp = 0x012345 } },
	{ "another UDP port has no DestQP",
	  ETH "86dd" "60000000" "0014" "1140" V6_ADDRS "c00012b800200000" BTH, true,
	  { .version = 6, .len = 60, .l4 = 54, .proto = 17, .hop_limit = 64, .ports = 0xc00012b8 } },
	{ "the reserved byte beside the DestQP does not count",
	  ETH "86dd" "60000000" "0014" "1140" V6_ADDRS UDP_ROCE "0400ffff" "ff012345" "00000001", true,
	  { .version = 6, .len = 60, .l4 = 54, .proto = 17, .hop_limit = 64, .ports = 0xc00012b7,
	    .qp = 0x012345 } },
	{ "TCP gives ports",
	  ETH "86dd" "60000000" "0014" "0640" V6_ADDRS "c00012b7" "0000000000000000" "0000000000000000",
	  true,
	  { .version = 6, .len = 60, .l4 = 54, .proto = 6, .hop_limit = 64, .ports = 0xc00012b7 } },
	{ "a first IPv4 fragment has no ports: the others have none either",
	  ETH "0800" "45000028" "00002000" "4011" "0000" V4_ADDRS UDP_ROCE BTH, true,
	  { .version = 4, .len = 40, .l4 = 34, .proto = 17, .hop_limit = 64, .fragment = true } },
	{ "a later IPv4 fragment has no ports",
	  ETH "0800" "45000028" "00000010" "4011" "0000" V4_ADDRS UDP_ROCE BTH, true,
	  { .version = 4, .len = 40, .l4 = 34, .proto = 17, .hop_limit = 64, .fragment = true } },
	{ "an IPv6 fragment header is a fragment",
	  ETH "86dd" "60000000" "0008" "2c40" V6_ADDRS "1100000100000001", true,
	  { .version = 6, .len = 48, .l4 = 54, .proto = 44, .hop_limit = 64, .fragment = true } },
	{ "a UDP header cut short leaves the ports out",
	  ETH "86dd" "60000000" "0004" "1140" V6_ADDRS "c00012b7", true,
	  { .version = 6, .len = 44, .l4 = 54, .proto = 17, .hop_limit = 64 } },
	{ "ARP is not IP", ETH "0806" "0001080006040001" "020000000001" "c0000201" "000000000000c0000202",
	  false, {} },
	{ "an IPv6 header cut short", ETH "86dd" "60000000" "0000" "3b40" "20010db800c1000000000000", false,
	  {} },
	{ "version 5 under the IPv6 ethertype", ETH "86dd" "50000000" "0000" "3b40" V6_ADDRS, false, {} },
	{ "an IPv4 header length below five words",
	  ETH "0800" "44000014" "00000000" "4011" "0000" V4_ADDRS, false, {} },
	{ "an IPv4 total length below its header",
	  ETH "0800" "45000013" "00000000" "4011" "0000" V4_ADDRS, false, {} },
	{ "a frame of a MAC header only", ETH "86dd", false, {} },
};

static size_t unhex(__u8 *out, const char *hex)
{
	size_t n = 0;

	for (; hex[0] && hex[1]; hex += 2)
		assert_int_equal(sscanf(hex, "%2hhx", &out[n++]), 1);
	return n;
}

static void each_row(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		__u8 data[256];
		size_t n = unhex(data, r->hex);
		struct frame f = {};

		print_message("# %s\n", r->sentence);
		assert_int_equal(frame_parse(&f, data, data + n), r->parsed);
		if (!r->parsed)
			continue;
		assert_int_equal(f.version, r->f.version);
		assert_int_equal(f.len, r->f.len);
		assert_int_equal(f.l4, r->f.l4);
		assert_int_equal(f.proto, r->f.proto);
		assert_int_equal(f.tclass, r->f.tclass);
		assert_int_equal(f.hop_limit, r->f.hop_limit);
		assert_int_equal(f.fragment, r->f.fragment);
		assert_int_equal(be32(f.ports), r->f.ports);
		assert_int_equal(be32(f.qp), r->f.qp);
		assert_int_equal(addr_is_v4(&f.src), r->f.version == 4);
		assert_int_equal(f.dst.b[15], r->f.version == 4 ? 0x82 : 0x20);
	}
}

/* No length may make it read beyond the end; valgrind and the fuzzer look closer. */
static void every_truncation_has_a_verdict(void **state)
{
	__u8 data[256], copy[256];
	size_t n = unhex(data, rows[0].hex);
	struct frame f = {};

	for (size_t len = 0; len <= n; len++) {
		memset(copy, 0xa5, sizeof(copy));
		memcpy(copy, data, len);
		assert_int_equal(frame_parse(&f, copy, copy + len), len >= 54);
		if (len >= 54)
			assert_int_equal(f.qp != 0, len == n);
	}
}

static void prefixes_match_by_their_bits(void **state)
{
	struct addr a = { .b = { 0x20, 0x01, 0x0d, 0xb8, 0, 0xa, 0, 1, 0x80 } }, p = a;

	for (__u32 plen = 0; plen <= 128; plen++) {
		assert_true(addr_in_prefix(&a, &p, plen));
		if (plen == 128)
			break;
		p = a;
		p.b[plen / 8] ^= 0x80 >> plen % 8;
		assert_true(addr_in_prefix(&a, &p, plen));
		assert_false(addr_in_prefix(&a, &p, plen + 1));
		p = a;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(every_truncation_has_a_verdict),
		cmocka_unit_test(prefixes_match_by_their_bits),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
