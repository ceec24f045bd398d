// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Which core port a prefix was last routed to, as routes and ports come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "route_table.h"

/*
 * A story is a row of steps of two characters, about one prefix:
 *
 *	+1  a route over port 1        -1  it goes          R1  it replaces those of its metric
 *	*1  a backup over port 1       /1  it goes            (backups have a higher metric)
 *	d1  port 1 goes down           u1  comes up
 *	t.  patience passes            <.  a sweep begins   >.  ends
 *	i1  inherited: port 1
 *	=1  the map says port 1, =0 nothing
 *
 * Ports 1 to 4 are core ports, 9 is none.
 */
struct story {
	const char *sentence;
	const char *steps;
};

static const struct story stories[] = {
	{ "a route over a core port is in the map", "=0 +1 =1" },
	{ "a route over another port is not", "+9 =0" },
	{ "a route that is withdrawn leaves the map, once patience has passed", "+1 -1 =1 t. =0" },
	{ "a route that goes because its port went down stays", "+1 d1 -1 t. =1" },
	{ "also if the kernel tells of the route first", "+1 -1 d1 t. =1" },
	{ "it stays until another takes its place", "+1 d1 -1 t. +2 =2" },
	{ "a replacement counts at once, not after patience", "+1 R2 =2" },
	{ "a replacement that leaves the core leaves the map", "+1 R9 =0" },
	{ "a route that comes back in time was never away", "+1 -1 +1 t. =1" },
	{ "of two metrics the lower one counts", "+1 *2 =1 *2 =1" },
	{ "whichever came first", "*2 +1 =1" },
	{ "the backup serves when the first goes", "+1 *2 -1 =2 t. =2" },
	{ "and is what counts when its own port fails, too", "+1 *2 d1 -1 =2 d2 /2 t. =2" },
	{ "two ways of one metric: the present one goes on", "+1 +2 =1 +1 =1" },
	{ "two ways of one metric: one goes, the other takes over", "+1 +2 -1 =2" },
	{ "the last of several ways leaves with its port", "+1 +2 d1 -1 d2 -2 t. =2" },
	{ "a sweep forgets what went unreported", "+1 <. >. t. =0" },
	{ "but not of a port that is down", "+1 d1 <. >. t. =1" },
	{ "and forgets it when the port is up again", "+1 d1 -1 t. =1 u1 <. >. t. =0" },
	{ "a sweep keeps what it saw", "+1 <. +1 >. t. =1" },
	{ "what was inherited leaves if its port is up and no route is there", "i1 <. >. t. =0" },
	{ "what was inherited stays if its port is down", "d1 i1 <. >. t. =1" },
	{ "what was inherited yields to a route", "d1 i1 <. +2 >. =2" },
	{ "a withdrawal of what nobody knows does no harm", "-1 t. =0 /2 =0" },
	{ "a prefix that left can come again", "+1 -1 t. =0 +1 =1" },
};

#define PORTS 10
struct world {
	bool down[PORTS];
	__u32 map;
};

static enum route_port port(void *arg, __u32 ifindex)
{
	const struct world *world = arg;

	if (ifindex == 9)
		return ROUTE_NOT_CORE;
	return world->down[ifindex] ? ROUTE_CORE_DOWN : ROUTE_CORE_UP;
}

static void write_route(void *arg, const struct prefix_key *prefix, __u32 ifindex)
{
	struct world *world = arg;

	assert_int_equal(prefix->plen, 64);
	world->map = ifindex;
}

static void tell(void **state)
{
	const struct prefix_key prefix = { .plen = 64, .addr_be = { be32(0x20010db8) } };
	const struct story *story = *state;
	struct world world = {};
	struct route_ops ops = { port, write_route, &world };
	struct route_table *table = route_table_new(&ops);
	__u64 now = 1000 * NSEC_PER_SEC;

	assert_non_null(table);
	for (const char *at = story->steps; *at; at += at[2] ? 3 : 2) {
		__u32 n = at[1] - '0';

		now += NSEC_PER_MSEC;
		switch (at[0]) {
		case '+':
			assert_int_equal(route_table_add(table, &prefix, 10, n, false), 0);
			break;
		case '-':
			route_table_remove(table, &prefix, 10, n, now);
			break;
		case '*':
			assert_int_equal(route_table_add(table, &prefix, 20, n, false), 0);
			break;
		case '/':
			route_table_remove(table, &prefix, 20, n, now);
			break;
		case 'R':
			assert_int_equal(route_table_add(table, &prefix, 10, n, true), 0);
			break;
		case 'd':
		case 'u':
			world.down[n] = at[0] == 'd';
			break;
		case 'i':
			world.map = n;
			assert_int_equal(route_table_inherit(table, &prefix, n), 0);
			break;
		case 't':
			now += ROUTE_PATIENCE_NS;
			break;
		case '<':
			route_table_sweep_begin(table);
			break;
		case '>':
			route_table_sweep_end(table, now);
			break;
		case '=':
			assert_int_equal(world.map, n);
			break;
		default:
			fail();
		}
		if (route_table_due(table) <= now)
			route_table_tick(table, now);
	}
	route_table_free(table);
}

static __u32 map[20000]; /* by the prefix's second word */

static void write_many(void *arg, const struct prefix_key *prefix, __u32 ifindex)
{
	map[be32(prefix->addr_be[1])] = ifindex;
}

static void thousands_of_prefixes_do_not_mix(void **state)
{
	struct world world = {};
	struct route_ops ops = { port, write_many, &world };
	struct route_table *table;

	table = route_table_new(&ops);
	assert_non_null(table);
	for (__u32 i = 0; i < ARRAY_SIZE(map); i++) {
		struct prefix_key prefix = { .plen = 64, .addr_be = { 0, be32(i) } };

		assert_int_equal(route_table_add(table, &prefix, 0, 1 + i % 4, false), 0);
	}
	world.down[1] = true;
	for (__u32 i = 0; i < ARRAY_SIZE(map); i++) {
		struct prefix_key prefix = { .plen = 64, .addr_be = { 0, be32(i) } };

		route_table_remove(table, &prefix, 0, 1 + i % 4, 0);
	}
	route_table_tick(table, ROUTE_PATIENCE_NS);
	for (__u32 i = 0; i < ARRAY_SIZE(map); i++)
		assert_int_equal(map[i], i % 4 ? 0 : 1);
	assert_true(route_table_due(table) == ~0ULL);
	route_table_free(table);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(stories) + 1] = {
		{ .name = "twenty thousand prefixes at once do not mix",
		  .test_func = thousands_of_prefixes_do_not_mix },
	};

	for (size_t i = 0; i < ARRAY_SIZE(stories); i++)
		tests[1 + i] = (struct CMUnitTest){ .name = stories[i].sentence,
						    .test_func = tell,
						    .initial_state = (void *)&stories[i] };
	return cmocka_run_group_tests_name("routes", tests, NULL, NULL);
}
