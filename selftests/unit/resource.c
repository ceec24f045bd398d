// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Names of links and nodes: one form for each, and what a location holds of them. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fantel/resource.h"

#define OUR_AS 64500
#define A "2001:db8:1::1"
#define B "2001:db8:1::2"

static struct addr addr_of(const char *text)
{
	struct addr addr;
	__be32 v4_be;

	if (inet_pton(AF_INET, text, &v4_be) == 1)
		return addr_from_v4(v4_be);
	assert_int_equal(inet_pton(AF_INET6, text, &addr), 1);
	return addr;
}

static struct resource_key link_key(const char *a, const char *b)
{
	struct addr one = addr_of(a), other = addr_of(b);
	struct resource_key key;

	memset(&key, 0xa5, sizeof(key));
	resource_key_link(&key, &one, &other);
	return key;
}

/* ---- both ends say the same ------------------------------------------------------------------ */

static const struct pair {
	const char *sentence, *low, *high;
} pairs[] = {
	{ "neighbours on one link", A, B },
	{ "addresses that differ in their first byte", "1fff::ffff", "2000::" },
	{ "addresses that differ in their first half's last byte", "2001:db8:0:1::", "2001:db8:0:2::" },
	{ "bytes count from the first, whatever the machine", "2001:db8::100:0:0:ff", "2001:db8::ff00:0:0:1" },
	{ "the first half counts before the second", "2001:db8:1::ffff", "2001:db8:2::1" },
	{ "IPv4", "192.0.2.1", "192.0.2.2" },
	{ "IPv4, in its first byte", "10.0.0.9", "172.16.0.1" },
};

static void either_end(void **state)
{
	const struct pair *pair = *state;
	struct resource_key one = link_key(pair->low, pair->high);
	struct resource_key other = link_key(pair->high, pair->low);
	struct addr low = addr_of(pair->low), high = addr_of(pair->high);

	assert_memory_equal(&one, &other, sizeof(one));
	assert_int_equal(one.kind, RESOURCE_LINK);
	assert_int_equal(one.as, 0);
	assert_true(one.addr[0] == addr_number(&low));
	assert_true(one.addr[1] == addr_number(&high));
}

static void different_links_differ(void **state)
{
	static const char *const ends[] = { A, B, "2001:db8:1::3", "192.0.2.1", "192.0.2.2" };
	struct resource_key keys[10];
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		for (size_t j = 0; j < i; j++)
			keys[n++] = link_key(ends[i], ends[j]);
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			assert_memory_not_equal(&keys[i], &keys[j], sizeof(keys[i]));
}

/* ---- what a location holds ------------------------------------------------------------------- */

struct row {
	const char *sentence;
	enum resource_name name;
	const char *here, *there; /* of either family */
	struct msg_node local, remote;
	__u32 local_id, remote_id;
	enum wire_cause cause;
	bool node_load; /* of a load-balancing notification */
	/* what is read; kind RESOURCE_NONE: nothing */
	enum resource_kind kind;
	__u32 as, id;
	__u8 router_id[8], router_id_len;
};

#define HAS_AS MSG_BIT(SUBTLVI_AS)
#define HAS_ID MSG_BIT(SUBTLVI_ROUTER_ID)
#define OSPF(n) .router_id = { 192, 0, 2, n }, .router_id_len = 4
#define ISIS .router_id = { 0x19, 0x20, 0, 0, 0x20, 1, 0xa }, .router_id_len = 7
#define NODE(n) { .present = HAS_ID, OSPF(n) }

static const struct row rows[] = {
	{ "IPv6 addresses are a link", NAME_IPV6, .here = A, .there = B, .kind = RESOURCE_LINK },
	{ "IPv4 addresses are a link",
	  NAME_IPV4,
	  .here = "192.0.2.1",
	  .there = "192.0.2.2",
	  .kind = RESOURCE_LINK },
	{ "one IPv6 address is none", NAME_IPV6, .here = A },
	{ "the other one is none either", NAME_IPV6, .there = B },
	{ "one IPv4 address is none", NAME_IPV4, .there = "192.0.2.2" },
	{ "no address is none", NAME_IPV6, .local = NODE(1) },
	{ "the local node's identifier is a link",
	  NAME_LOCAL_ID,
	  .local = NODE(1),
	  .remote = NODE(2),
	  .local_id = 5,
	  .remote_id = 6,
	  .kind = RESOURCE_PORT,
	  .as = OUR_AS,
	  .id = 5,
	  OSPF(1) },
	{ "and so is the remote node's",
	  NAME_REMOTE_ID,
	  .local = NODE(1),
	  .remote = NODE(2),
	  .local_id = 5,
	  .remote_id = 6,
	  .kind = RESOURCE_PORT,
	  .as = OUR_AS,
	  .id = 6,
	  OSPF(2) },
	{ "identifiers without a local node", NAME_LOCAL_ID, .remote = NODE(2), .local_id = 5 },
	{ "identifiers without a remote node", NAME_REMOTE_ID, .local = NODE(1), .local_id = 5 },
	{ "identifiers of a node without a name",
	  NAME_LOCAL_ID,
	  .local = { .present = HAS_AS, .as = 9 },
	  .local_id = 5 },
	{ "nodes without identifiers", NAME_LOCAL_ID, .local = NODE(1), .remote = NODE(2) },
	{ "an AS that is told counts",
	  NAME_LOCAL_ID,
	  .local = { .present = HAS_AS | HAS_ID, .as = 9, OSPF(1) },
	  .local_id = 5,
	  .kind = RESOURCE_PORT,
	  .as = 9,
	  .id = 5,
	  OSPF(1) },
	{ "a node that is down is the remote one",
	  NAME_NODE,
	  .local = NODE(1),
	  .remote = NODE(2),
	  .cause = CAUSE_NODE_DOWN,
	  .kind = RESOURCE_NODE,
	  .as = OUR_AS,
	  OSPF(2) },
	{ "or the local one, where there is no other",
	  NAME_NODE,
	  .local = NODE(1),
	  .cause = CAUSE_NODE_DOWN,
	  .kind = RESOURCE_NODE,
	  .as = OUR_AS,
	  OSPF(1) },
	{ "not where the other has no name",
	  NAME_NODE,
	  .local = NODE(1),
	  .remote = { .present = HAS_AS, .as = 9 },
	  .cause = CAUSE_NODE_DOWN },
	{ "a pseudonode of IS-IS, whole",
	  NAME_NODE,
	  .remote = { .present = HAS_ID, ISIS },
	  .cause = CAUSE_NODE_DOWN,
	  .kind = RESOURCE_NODE,
	  .as = OUR_AS,
	  ISIS },
	{ "no cause, no node", NAME_NODE, .local = NODE(1), .remote = NODE(2) },
	{ "another cause, no node",
	  NAME_NODE,
	  .local = NODE(1),
	  .remote = NODE(2),
	  .cause = CAUSE_CARRIER },
	{ "the load of a node is that of the local one",
	  NAME_NODE,
	  .local = NODE(1),
	  .remote = NODE(2),
	  .node_load = true,
	  .kind = RESOURCE_NODE,
	  .as = OUR_AS,
	  OSPF(1) },
	{ "beside an address it is the link's",
	  NAME_NODE,
	  .here = A,
	  .local = NODE(1),
	  .node_load = true },
	{ "beside an identifier it is the link's",
	  NAME_NODE,
	  .local = NODE(1),
	  .local_id = 5,
	  .node_load = true },
	{ "there are no more names", NAME_COUNT, .here = A, .there = B },
};

static void set_address(struct msg *m, const char *text, bool local)
{
	struct addr addr;

	if (!text)
		return;
	addr = addr_of(text);
	if (addr_is_v4(&addr)) {
		*(local ? &m->local_ipv4_be : &m->remote_ipv4_be) = addr.l_be[3];
		m->present |= MSG_BIT(local ? TLVI_LOCAL_IPV4 : TLVI_REMOTE_IPV4);
	} else {
		*(local ? &m->local_ipv6 : &m->remote_ipv6) = addr;
		m->present |= MSG_BIT(local ? TLVI_LOCAL_IPV6 : TLVI_REMOTE_IPV6);
	}
}

static void location(void **state)
{
	const struct row *row = *state;
	struct msg m = { .local_node = row->local,
			 .remote_node = row->remote,
			 .local_link = row->local_id,
			 .remote_link = row->remote_id,
			 .cause = row->cause };
	struct resource_key wanted = { .kind = row->kind, .as = row->as }, key;

	if (row->node_load)
		m.present |= MSG_BIT(TLVI_NODE_LOAD);
	if (row->local.present)
		m.present |= MSG_BIT(TLVI_LOCAL_NODE);
	if (row->remote.present)
		m.present |= MSG_BIT(TLVI_REMOTE_NODE);
	if (row->local_id || row->remote_id)
		m.present |= MSG_BIT(TLVI_LINK_IDS);
	set_address(&m, row->here, true);
	set_address(&m, row->there, false);
	for (enum kind kind = KIND_CONGESTION; row->node_load && kind < KIND_LOAD; kind++) {
		m.kind = kind;
		assert_int_equal(resource_key_read(&key, &m, row->name, OUR_AS),
				 row->kind != RESOURCE_NONE);
	}
	if (row->node_load)
		m.kind = KIND_LOAD;
	memset(&key, 0xa5, sizeof(key));
	assert_int_equal(resource_key_read(&key, &m, row->name, OUR_AS), row->kind != RESOURCE_NONE);
	if (row->kind == RESOURCE_NONE)
		return;
	if (row->kind == RESOURCE_LINK) {
		wanted = link_key(row->here, row->there);
	} else {
		memcpy(wanted.router_id, row->router_id, sizeof(wanted.router_id));
		wanted.router_id_len = row->router_id_len;
		wanted.link_id = row->id;
	}
	assert_memory_equal(&key, &wanted, sizeof(key));
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(pairs) + ARRAY_SIZE(rows) + 1] = {
		cmocka_unit_test(different_links_differ),
	}, *next = tests + 1;

	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		*next++ = (struct CMUnitTest){ .name = pairs[i].sentence,
					       .test_func = either_end,
					       .initial_state = (void *)&pairs[i] };
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		*next++ = (struct CMUnitTest){ .name = rows[i].sentence,
					       .test_func = location,
					       .initial_state = (void *)&rows[i] };
	return cmocka_run_group_tests_name("resource", tests, NULL, NULL);
}
