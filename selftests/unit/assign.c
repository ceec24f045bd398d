// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Slots of paths and groups, next hops by destination: what stays where it is when policy changes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "assign.h"

#define SLOTS 4

/* Names are letters; a capital is the same name with other contents. 0 ends, '-' is a free slot. */
struct slots_case {
	const char *sentence;
	const char *have, *want;
	const char *slots; /* of each wanted one */
	const char *kept;  /* of each slot: k or - */
};

struct names {
	const char *have, *want;
	char have_name[SLOTS][2], want_name[SLOTS][2];
};

static void lower(char name[2], char c)
{
	name[0] = c | 0x20;
	name[1] = 0;
}

static const char *have(void *arg, __u32 slot)
{
	struct names *n = arg;

	if (n->have[slot] == '-')
		return NULL;
	lower(n->have_name[slot], n->have[slot]);
	return n->have_name[slot];
}

static const char *want(void *arg, __u32 i)
{
	struct names *n = arg;

	lower(n->want_name[i], n->want[i]);
	return n->want_name[i];
}

static bool same(void *arg, __u32 slot, __u32 i)
{
	struct names *n = arg;

	return n->have[slot] == n->want[i];
}

static const struct slots_case slots_cases[] = {
	{ "an empty map fills from the front", "----", "abc", "012", "----" },
	{ "what is the same stays, in whatever order it is named", "abc-", "cab", "201", "kkk-" },
	{ "what is new takes a free slot", "ab--", "abc", "012", "kk--" },
	{ "what changed moves to a free slot, its old one is not kept", "ab--", "Ab", "21",
	  "-k--" },
	{ "what left frees its slot, but not for the newcomer while there is another", "ab--", "bc",
	  "12", "-k--" },
	{ "in a full map the newcomer takes the place of what left", "abcd", "abce", "0123",
	  "kkk-" },
	{ "in a full map what changed is written in place", "abcd", "abCd", "0123", "kk-k" },
	{ "of two with one name, as a loader that was killed may leave them, the same one stays", "aA--", "A",
	  "1", "-k--" },
	{ "whichever it is", "aA--", "a", "0", "k---" },
	{ "an empty policy keeps nothing", "abcd", "", "", "----" },
};

static void slots(void **state)
{
	const struct slots_case *c = *state;
	struct names names = { .have = c->have, .want = c->want };
	const struct assign assign = { SLOTS, strlen(c->want), have, want, same, &names };
	__u32 slot[SLOTS] = {};
	bool kept[SLOTS];

	assert_int_equal(assign_slots(&assign, slot, kept), 0);
	for (__u32 i = 0; i < assign.n_want; i++)
		assert_int_equal(slot[i], c->slots[i] - '0');
	for (int s = 0; s < SLOTS; s++)
		assert_int_equal(kept[s], c->kept[s] == 'k');
}

/* ---- next hops ------------------------------------------------------------------------------- */

static struct path path_to(__u8 dst, __u32 nexthop)
{
	struct path p = { .tunnel = TUNNEL_SRV6, .nexthop = nexthop };

	p.dst.b[15] = dst;
	return p;
}

static void paths_with_one_destination_share_a_next_hop(void **state)
{
	struct path want[] = { path_to(1, 0), path_to(2, 0), path_to(1, 0) };

	assert_int_equal(assign_nexthops(NULL, 0, want, 3, MAX_NEXTHOPS), 0);
	assert_int_equal(want[0].nexthop, want[2].nexthop);
	assert_int_not_equal(want[0].nexthop, want[1].nexthop);
}

/* A neighbour that labels are for, and the end of a tunnel: what leads to it may differ. */
static void labels_have_next_hops_of_their_own(void **state)
{
	struct path want[] = { path_to(1, 0), path_to(1, 0), path_to(1, 0) };

	want[1].outer = want[2].outer = OUTER_MPLS;
	assert_int_equal(assign_nexthops(NULL, 0, want, 3, MAX_NEXTHOPS), 0);
	assert_int_not_equal(want[0].nexthop, want[1].nexthop);
	assert_int_equal(want[1].nexthop, want[2].nexthop);
}

static void a_destination_keeps_its_next_hop(void **state)
{
	const struct path old[] = { path_to(1, 7), path_to(2, 3) };
	struct path want[] = { path_to(3, 0), path_to(2, 0), path_to(1, 0) };

	assert_int_equal(assign_nexthops(old, 2, want, 3, MAX_NEXTHOPS), 0);
	assert_int_equal(want[1].nexthop, 3);
	assert_int_equal(want[2].nexthop, 7);
	assert_int_equal(want[0].nexthop, 0);
}

static void the_old_next_hop_is_not_used_again_at_once(void **state)
{
	const struct path old[] = { path_to(1, 0) };
	struct path want[] = { path_to(2, 0) };

	assert_int_equal(assign_nexthops(old, 1, want, 1, MAX_NEXTHOPS), 0);
	assert_int_not_equal(want[0].nexthop, 0);
}

static void no_path_has_no_next_hop(void **state)
{
	const struct path old[] = { { .tunnel = TUNNEL_NONE, .nexthop = 0 } };
	struct path want[] = { path_to(2, 9) };

	assert_int_equal(assign_nexthops(old, 1, want, 1, MAX_NEXTHOPS), 0);
	assert_int_equal(want[0].nexthop, 0);
}

static void as_many_new_destinations_as_there_is_room(void **state)
{
	struct path *old = calloc(MAX_PATHS, sizeof(*old));
	struct path *want = calloc(MAX_PATHS, sizeof(*want));
	bool *seen = calloc(MAX_NEXTHOPS, sizeof(*seen));

	assert_true(old && want && seen);
	for (__u32 i = 0; i < MAX_PATHS; i++) {
		old[i] = path_to(1, i);
		store32(old[i].dst.b, i);
		want[i] = path_to(2, 0);
		store32(want[i].dst.b, i);
	}
	assert_int_equal(assign_nexthops(old, MAX_PATHS, want, MAX_PATHS, MAX_NEXTHOPS), 0);
	for (__u32 i = 0; i < MAX_PATHS; i++) {
		assert_in_range(want[i].nexthop, 0, MAX_NEXTHOPS - 1);
		assert_false(seen[want[i].nexthop]);
		seen[want[i].nexthop] = true;
	}
	free(old);
	free(want);
	free(seen);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(slots_cases) + 6] = {
		{ .name = "paths with one destination share a next hop",
		  .test_func = paths_with_one_destination_share_a_next_hop },
		{ .name = "labels have next hops of their own",
		  .test_func = labels_have_next_hops_of_their_own },
		{ .name = "a destination keeps its next hop",
		  .test_func = a_destination_keeps_its_next_hop },
		{ .name = "the next hop of a path that left is not used again at once",
		  .test_func = the_old_next_hop_is_not_used_again_at_once },
		{ .name = "a slot without a path has no next hop to keep",
		  .test_func = no_path_has_no_next_hop },
		{ .name = "all destinations may change at once",
		  .test_func = as_many_new_destinations_as_there_is_room },
	};

	for (size_t i = 0; i < ARRAY_SIZE(slots_cases); i++)
		tests[6 + i] = (struct CMUnitTest){
			.name = slots_cases[i].sentence,
			.test_func = slots,
			.initial_state = (void *)&slots_cases[i],
		};
	return cmocka_run_group_tests_name("assign", tests, NULL, NULL);
}
