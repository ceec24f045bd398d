// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* icrc: against zlib over a packet whose fields were masked by hand, as the lab's hosts compute it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <stdlib.h>
#include <zlib.h>

#include "fantel/icrc.h"

static void check_value_of_crc32(void **state)
{
	static const char text[] = "123456789";
	__u32 crc = ~0U;

	for (const char *c = text; *c; c++)
		crc = icrc_byte(crc, *c);
	assert_int_equal(~crc, 0xcbf43926);
	crc = ~0U;
	for (int i = 0; i < 8; i++)
		crc = icrc_byte(crc, 0xff);
	assert_int_equal(crc, ICRC_LRH);
}

/* Bytes that are masked whole; the first of an IPv6 header is masked by half. */
static const __u8 masked4[] = { 1, 8, 10, 11, 20 + 6, 20 + 7, 20 + 8 + 4 };
static const __u8 masked6[] = { 1, 2, 3, 7, 40 + 6, 40 + 7, 40 + 8 + 4 };

static void any_packet(void **state)
{
	__u8 lrh[8], packet[256];

	memset(lrh, 0xff, sizeof(lrh));
	srand(1);
	for (int i = 0; i < 20000; i++) {
		bool v4 = i & 1;
		__u32 len = (v4 ? 20 : 40) + 8 + 12 + rand() % 150, want;

		for (__u32 at = 0; at < len; at++)
			packet[at] = rand();
		want = icrc(packet, len, v4);
		for (size_t m = 0; m < ARRAY_SIZE(masked4); m++)
			packet[v4 ? masked4[m] : masked6[m]] = 0xff;
		packet[0] |= v4 ? 0 : 0x0f;
		assert_int_equal(want, crc32(crc32(0, lrh, sizeof(lrh)), packet, len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ .name = "it is CRC-32", .test_func = check_value_of_crc32 },
		{ .name = "routers may change what they do change", .test_func = any_packet },
	};

	return cmocka_run_group_tests_name("icrc", tests, NULL, NULL);
}
