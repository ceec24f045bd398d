// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Addresses, MACs and tunnels as text. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "text.h"

static struct addr addr_of(const char *text)
{
	struct addr addr;

	assert_int_equal(inet_pton(AF_INET6, text, &addr), 1);
	return addr;
}

static const struct row {
	const char *sentence;
	const char *in, *out;
} rows[] = {
	{ "the unspecified address is a dash", "::", "-" },
	{ "an IPv6 address in its canonical form", "2001:DB8:0:0::1", "2001:db8::1" },
	{ "a mapped IPv4 address is dotted", "::ffff:192.0.2.1", "192.0.2.1" },
	{ "loopback is no IPv4 address", "::1", "::1" },
};

static void check_row(void **state)
{
	const struct row *row = *state;
	struct addr addr = addr_of(row->in);
	char text[ADDR_TEXT];

	assert_string_equal(addr_text(text, &addr), row->out);
}

static void mac(void **state)
{
	const __u8 address[6] = { 2, 0, 0xab, 0xcd, 0, 0x10 };
	char text[MAC_TEXT];

	assert_string_equal(mac_text(text, address), "02:00:ab:cd:00:10");
}

static void segments_in_order_travelled(void **state)
{
	struct tunnel_key tunnel = { .code = CODE_SRV6, .n = 3 };
	char text[TUNNEL_TEXT];

	tunnel.segment[2] = addr_of("2001:db8::1");
	tunnel.segment[1] = addr_of("2001:db8::2");
	tunnel.segment[0] = addr_of("2001:db8::3");
	assert_string_equal(tunnel_text(text, &tunnel), "2001:db8::1,2001:db8::2,2001:db8::3");
}

static void longest_segments_fit(void **state)
{
	struct tunnel_key tunnel = { .code = CODE_SRV6, .n = MAX_SEGMENTS };
	const char *longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe";
	char text[TUNNEL_TEXT];

	for (int i = 0; i < MAX_SEGMENTS; i++)
		tunnel.segment[i] = addr_of(longest);
	assert_int_equal(strlen(tunnel_text(text, &tunnel)), MAX_SEGMENTS * (strlen(longest) + 1) - 1);
}

static void more_segments_than_there_can_be(void **state)
{
	struct tunnel_key tunnel = { .code = CODE_SRV6, .n = 255 };
	char text[TUNNEL_TEXT];

	for (int i = 0; i < MAX_SEGMENTS; i++)
		tunnel.segment[i] = addr_of("2001:db8::1");
	assert_int_equal(strlen(tunnel_text(text, &tunnel)), MAX_SEGMENTS * strlen("2001:db8::1,") - 1);
}

static void labels_top_first(void **state)
{
	struct tunnel_key tunnel = { .code = CODE_MPLS, .n = 2 };
	char text[TUNNEL_TEXT];

	tunnel.label_be[0] = be32(16001U << WIRE_LABEL_SHIFT);
	tunnel.label_be[1] = be32(1048575U << WIRE_LABEL_SHIFT | WIRE_LABEL_S);
	assert_string_equal(tunnel_text(text, &tunnel), "16001,1048575");
}

static void address_tunnel(void **state)
{
	struct tunnel_key tunnel = { .code = CODE_IP, .n = 1 };
	char text[TUNNEL_TEXT];

	tunnel.addr = addr_of("::ffff:198.51.100.1");
	assert_string_equal(tunnel_text(text, &tunnel), "198.51.100.1");
}

static void no_tunnel(void **state)
{
	struct tunnel_key tunnel = {};
	char text[TUNNEL_TEXT];

	assert_string_equal(tunnel_text(text, &tunnel), "-");
}

static void router_ids(void **state)
{
	static const struct {
		__u8 len, id[8];
		const char *text;
	} ids[] = {
		{ 4, { 192, 0, 2, 1 }, "192.0.2.1" },
		{ 8, { 192, 0, 2, 1, 255, 255, 255, 254 }, "192.0.2.1:255.255.255.254" },
		{ 6, { 0x19, 0x20, 0, 0, 0x20, 0x01 }, "1920.0000.2001" },
		{ 7, { 0x19, 0x20, 0, 0, 0x20, 0x01, 0x0a }, "1920.0000.2001.0a" },
		{ 0, {}, "-" },
	};
	char text[ROUTER_ID_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		assert_string_equal(router_id_text(text, ids[i].id, ids[i].len), ids[i].text);
}

static void links_and_nodes(void **state)
{
	const char *longest = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe";
	struct resource_key key = { .kind = RESOURCE_LINK };
	char text[RESOURCE_TEXT];
	struct addr low = addr_of("2001:db8::1"), high = addr_of("::ffff:192.0.2.1");

	key.addr[0] = addr_number(&low);
	key.addr[1] = addr_number(&high);
	assert_string_equal(resource_text(text, &key), "2001:db8::1 - 192.0.2.1");
	low = addr_of(longest);
	key.addr[0] = key.addr[1] = addr_number(&low);
	assert_int_equal(strlen(resource_text(text, &key)), 2 * strlen(longest) + 3);
	key = (struct resource_key){ .kind = RESOURCE_NODE, .as = 64500,
				     .router_id = { 192, 0, 2, 1 }, .router_id_len = 4 };
	assert_string_equal(resource_text(text, &key), "AS 64500 192.0.2.1");
	key.kind = RESOURCE_PORT;
	key.link_id = 7;
	key.as = 0;
	assert_string_equal(resource_text(text, &key), "192.0.2.1 link 7");
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 9] = {
		{ .name = "a MAC", .test_func = mac },
		{ .name = "segments stand in the order travelled",
		  .test_func = segments_in_order_travelled },
		{ .name = "eight of the longest segments fit", .test_func = longest_segments_fit },
		{ .name = "a number of segments beyond the limit is cut to it",
		  .test_func = more_segments_than_there_can_be },
		{ .name = "labels stand top first, without TC, S and TTL",
		  .test_func = labels_top_first },
		{ .name = "a tunnel that is an address", .test_func = address_tunnel },
		{ .name = "no tunnel is a dash", .test_func = no_tunnel },
		{ .name = "router-ids of OSPF and IS-IS, and their pseudonodes",
		  .test_func = router_ids },
		{ .name = "links and nodes, as notifications name them",
		  .test_func = links_and_nodes },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[9 + i] = (struct CMUnitTest){ .name = rows[i].sentence,
						    .test_func = check_row,
						    .initial_state = (void *)&rows[i] };
	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
