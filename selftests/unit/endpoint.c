// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Tunnels that end here: what the packet path is told of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "endpoint.h"

static const struct config both = { .loopback6 = { .b = { 0x20, [15] = 6 } },
				    .loopback4 = { .b = { [10] = 0xff, 0xff, 192, 0, 2, 4 } } };
static const struct config six = { .loopback6 = { .b = { 0x20, [15] = 6 } } };

static void a_segment_is_one_row(void **state)
{
	struct policy_endpoint e = {
		.name = "dt46", .tunnel = TUNNEL_SRV6, .sid.b = { 0x20, [15] = 0x46 }, .inner = 3
	};
	struct endpoint_row rows[ENDPOINT_ROWS];

	assert_int_equal(endpoint_rows(rows, &e, &both), 1);
	assert_true(addr_equal(&rows[0].key.dst, &e.sid));
	assert_int_equal(rows[0].key.tunnel, TUNNEL_SRV6);
	assert_int_equal(rows[0].key.id | rows[0].key.port | rows[0].key.keyed, 0);
	assert_int_equal(rows[0].value.inner, 3);
	assert_string_equal(rows[0].value.name, "dt46");
}

static void a_label_is_one_row_without_an_address(void **state)
{
	struct policy_endpoint e = { .tunnel = TUNNEL_MPLS, .id = 100 };
	struct endpoint_row rows[ENDPOINT_ROWS];

	assert_int_equal(endpoint_rows(rows, &e, &both), 1);
	assert_true(addr_is_unspecified(&rows[0].key.dst));
	assert_int_equal(rows[0].key.id, 100);
}

static void the_others_are_a_row_for_each_loopback(void **state)
{
	struct policy_endpoint e = { .tunnel = TUNNEL_VXLAN, .id = 7, .port = 4789 };
	struct endpoint_row rows[ENDPOINT_ROWS];

	assert_int_equal(endpoint_rows(rows, &e, &both), 2);
	assert_true(addr_equal(&rows[0].key.dst, &both.loopback6));
	assert_true(addr_equal(&rows[1].key.dst, &both.loopback4));
	assert_int_equal(rows[1].key.port, 4789);
	assert_int_equal(endpoint_rows(rows, &e, &six), 1);
}

static void a_tunnel_that_is_not_right_has_none(void **state)
{
	struct policy_endpoint e = { .tunnel = TUNNEL_NONE };
	struct endpoint_row rows[ENDPOINT_ROWS];
	struct config config = {};

	assert_int_equal(endpoint_rows(rows, &e, &both), 0);
	assert_int_equal(endpoint_config(&config, &e, 1), 0);
	assert_int_equal(config.endpoints, 0);
}

static void ports_of_vxlan_are_listed_once(void **state)
{
	struct policy_endpoint e[] = { { .tunnel = TUNNEL_VXLAN, .port = 4789 },
				       { .tunnel = TUNNEL_GRE, .keyed = true },
				       { .tunnel = TUNNEL_VXLAN, .port = 4789 },
				       { .tunnel = TUNNEL_VXLAN, .port = 1 },
				       { .tunnel = TUNNEL_VXLAN, .port = 2 },
				       { .tunnel = TUNNEL_VXLAN, .port = 3 },
				       { .tunnel = TUNNEL_VXLAN, .port = 4 } };
	struct config config = {};

	assert_int_equal(endpoint_config(&config, e, 4), 2);
	assert_int_equal(config.endpoints, 1 << TUNNEL_VXLAN | 1 << TUNNEL_GRE);
	assert_int_equal(config.vxlan_port[0], 4789);
	assert_int_equal(config.vxlan_port[1], 1);
	assert_int_equal(config.vxlan_port[2], 0);
	assert_int_equal(endpoint_config(&config, e, ARRAY_SIZE(e)), 5);
	assert_int_equal(config.vxlan_port[3], 3);
}

static void behaviors_have_names(void **state)
{
	static const char *const word[] = { "End.DT4", "End.DT6", "End.DT46" };

	for (size_t i = 0; i < ARRAY_SIZE(word); i++)
		assert_string_equal(endpoint_behavior(endpoint_inner(word[i])), word[i]);
	assert_int_equal(endpoint_inner("End.DT4"), 1 << INNER_V4);
	assert_int_equal(endpoint_inner("End.DX4"), 0);
	assert_string_equal(endpoint_behavior(0), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_is_one_row),
		cmocka_unit_test(a_label_is_one_row_without_an_address),
		cmocka_unit_test(the_others_are_a_row_for_each_loopback),
		cmocka_unit_test(a_tunnel_that_is_not_right_has_none),
		cmocka_unit_test(ports_of_vxlan_are_listed_once),
		cmocka_unit_test(behaviors_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
