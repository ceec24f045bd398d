// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Location TLVs, byte for byte (docs/wire.md §2). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "location.h"

struct location_case {
	const char *sentence;
	struct policy policy;
	struct policy_port port;
	const char *hex;
};

#define V4(w, x, y, z)                                                        \
	{                                                                     \
		.b = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, w, x, y, z } \
	}
#define V6(last)                                                                   \
	{                                                                          \
		.b = { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last } \
	}

static const struct location_case cases[] = {
	{ "nothing known is nothing sent", {}, {}, "" },
	{ "the local node: AS, then router-id",
	  { .config.as = 64500, .router_id = { 198, 51, 100, 11 }, .router_id_len = 4 },
	  {},
	  "01000010"
	  "02000004"
	  "0000fbf4"
	  "02030004"
	  "c633640b" },
	{ "a node without an AS has its router-id alone, of whatever length",
	  { .router_id = { 1, 2, 3, 4, 5, 6 }, .router_id_len = 6 },
	  {},
	  "0100000a"
	  "02030006"
	  "010203040506" },
	{ "the remote node is of our AS unless it is said otherwise",
	  { .config.as = 1 },
	  { .remote_router_id = { 9, 9, 9, 9 }, .remote_router_id_len = 4 },
	  "01000008"
	  "02000004"
	  "00000001"
	  "01010010"
	  "02000004"
	  "00000001"
	  "02030004"
	  "09090909" },
	{ "a remote AS alone names the remote node",
	  {},
	  { .remote_as = 2 },
	  "01010008"
	  "02000004"
	  "00000002" },
	{ "interface addresses in ascending order of their types",
	  {},
	  { .local6 = V6(1),
	    .remote6 = V6(2),
	    .local4 = V4(192, 0, 2, 1),
	    .remote4 = V4(192, 0, 2, 2) },
	  "01030004"
	  "c0000201"
	  "01040004"
	  "c0000202"
	  "01050010"
	  "20010db8000000000000000000000001"
	  "01060010"
	  "20010db8000000000000000000000002" },
	{ "link identifiers where there is no address",
	  {},
	  { .local_id = 5, .remote_id = 6 },
	  "01020008"
	  "00000005"
	  "00000006" },
	{ "no link identifiers beside an address",
	  {},
	  { .local_id = 5, .local6 = V6(1) },
	  "01050010"
	  "20010db8000000000000000000000001" },
};

static void location(void **state)
{
	const struct location_case *c = *state;
	char hex[2 * LOCATION_MAX + 1] = "";
	__u8 out[LOCATION_MAX];
	__u16 len = location_build(out, &c->policy, &c->port);

	for (__u16 i = 0; i < len; i++)
		sprintf(hex + 2 * i, "%02x", out[i]);
	assert_string_equal(hex, c->hex);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(cases)] = {};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		tests[i] = (struct CMUnitTest){ .name = cases[i].sentence,
						.test_func = location,
						.initial_state = (void *)&cases[i] };
	return cmocka_run_group_tests_name("location", tests, NULL, NULL);
}
