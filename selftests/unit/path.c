// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Path choice, token bucket, sequence window: the pure functions of the packet path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fantel/bucket.h"
#include "fantel/path.h"
#include "fantel/window.h"
#include "weights.h"

static struct group group_of(int n, const __u16 *weight, const __u16 *tier)
{
	struct group g = { .n_members = n };

	for (int i = 0; i < n; i++) {
		struct member *m = &g.member[i];

		snprintf(m->name, sizeof(m->name), "path-%d", i);
		m->path = 100 + i;
		m->weight = weight[i];
		m->tier = tier ? tier[i] : 0;
	}
	weights_reset(&g);
	return g;
}

static int first(const struct rank *r, int slot)
{
	return r->order[slot] & 15;
}

static void share_follows_weight(void **state)
{
	static const __u16 weight[] = { 1, 2, 4, 1 };
	struct group g = group_of(4, weight, NULL);
	int slots[4] = {};
	struct rank r;

	rank_build(&r, &g, FATE_DROP);
	assert_int_equal(r.n, 4);
	for (int s = 0; s < RANK_SLOTS; s++)
		slots[first(&r, s)]++;
	/* Binomial: four standard deviations of the share. */
	for (int i = 0; i < 4; i++) {
		int expected = RANK_SLOTS * weight[i] / 8;
		int slack = i == 2 ? 64 : 56;

		assert_in_range(slots[i], expected - slack, expected + slack);
	}
}

static void every_slot_lists_every_member_once(void **state)
{
	__u16 weight[MAX_MEMBERS], tier[MAX_MEMBERS];
	struct group g;
	struct rank r;

	for (int i = 0; i < MAX_MEMBERS; i++) {
		weight[i] = 1 + i * i;
		tier[i] = i % 3;
	}
	g = group_of(MAX_MEMBERS, weight, tier);
	rank_build(&r, &g, FATE_DROP);
	for (int s = 0; s < RANK_SLOTS; s++) {
		__u32 seen = 0;
		int last_tier = 0;

		for (int i = 0; i < MAX_MEMBERS; i++) {
			int m = r.order[s] >> (4 * i) & 15;

			assert_true(tier[m] >= last_tier);
			last_tier = tier[m];
			seen |= 1U << m;
		}
		assert_int_equal(seen, (1U << MAX_MEMBERS) - 1);
	}
}

static void a_weight_change_moves_only_its_share(void **state)
{
	__u16 weight[] = { 4, 4, 4, 4 };
	struct group g = group_of(4, weight, NULL);
	struct rank before, after;
	int moved = 0;

	rank_build(&before, &g, FATE_DROP);
	g.member[1].effective /= 2;
	rank_build(&after, &g, FATE_DROP);
	for (int s = 0; s < RANK_SLOTS; s++) {
		if (first(&before, s) == first(&after, s))
			continue;
		assert_int_equal(first(&before, s), 1);
		moved++;
	}
	/* Its share falls from 1/4 to 1/7. */
	assert_in_range(moved, RANK_SLOTS * 3 / 28 - 48, RANK_SLOTS * 3 / 28 + 48);
}

static void a_member_that_leaves_moves_only_its_slots(void **state)
{
	__u16 weight[] = { 3, 1, 2 };
	struct group g = group_of(3, weight, NULL);
	struct rank before, after;

	rank_build(&before, &g, FATE_DROP);
	g.member[0].effective = 0;
	rank_build(&after, &g, FATE_DROP);
	assert_int_equal(after.n, 2);
	for (int s = 0; s < RANK_SLOTS; s++) {
		if (first(&before, s) == 0)
			assert_int_equal(first(&after, s), before.order[s] >> 4 & 15);
		else
			assert_int_equal(first(&after, s), first(&before, s));
	}
}

static void a_lower_tier_serves_first(void **state)
{
	static const __u16 weight[] = { 1000, 1 }, tier[] = { 1, 0 };
	struct group g = group_of(2, weight, tier);
	struct rank r;

	rank_build(&r, &g, FATE_PASS);
	assert_int_equal(r.on_no_path, FATE_PASS);
	for (int s = 0; s < RANK_SLOTS; s++)
		assert_int_equal(r.order[s] & 0xff, 0x01);
}

/* The table against every bit of it. */
static void logarithms_are_right(void **state)
{
	for (__u64 u = 1ULL << 31; u < 1ULL << 32; u += 77777) {
		__s64 off = (__s64)rank_log2(u) - rank_log2_bits(u);

		assert_in_range(off + 4, 0, 8);
	}
	assert_int_equal(rank_neg_log2(~0ULL), 1);
	assert_int_equal(rank_neg_log2(1ULL << 63), 1 << 24);
	assert_int_equal(rank_neg_log2(1), 64 << 24);
}

static void one_path_comes_first_and_the_others_stay_in_order(void **state)
{
	__u16 weight[MAX_MEMBERS];
	struct group g;
	struct rank r;

	for (int i = 0; i < MAX_MEMBERS; i++)
		weight[i] = 1 + i;
	for (int n = 1; n <= MAX_MEMBERS; n++) {
		g = group_of(n, weight, NULL);
		rank_build(&r, &g, FATE_DROP);
		for (int p = 0; p < n; p++) {
			__u64 was = r.order[n], order = rank_first(&r, was, 100 + p);

			assert_int_equal(order & 15, p);
			for (int i = 0, j = 1; i < n; i++)
				if ((int)(was >> (4 * i) & 15) != p)
					assert_int_equal(order >> (4 * j++) & 15, was >> (4 * i) & 15);
		}
		assert_int_equal(rank_first(&r, r.order[n], 99), r.order[n]);
		assert_int_equal(rank_first(&r, r.order[n], 100 + n), r.order[n]);
	}
}

static void idle_is_counted_in_what_the_ordering_counts(void **state)
{
	struct group g = { .ordering = ORDERING_ANY, .gap_us = 500 };

	assert_int_equal(rank_idle(&g, 250), 0);
	g.ordering = ORDERING_STRICT;
	assert_int_equal(rank_idle(&g, 250), 30 * 250);
	g.ordering = ORDERING_FLOWLET;
	assert_int_equal(rank_idle(&g, 250), 489); /* of 1.024 us: 500.7 us */
	g.gap_us = 1;
	assert_int_equal(rank_idle(&g, 250), 1);
	g.gap_us = 10000000;
	assert_int_equal(rank_idle(&g, 250), 9765625);
}

static void the_hash_sees_the_destination_qp(void **state)
{
	struct addr a = { .b = { 0x20, 1 } }, b = { .b = { 0x20, 2 } };
	int differ = 0;

	for (__u32 qp = 0; qp < 64; qp++)
		differ += hash_slot(flow_hash(&a, &b, 0x12b7c0de, 17, qp, 7)) !=
			  hash_slot(flow_hash(&a, &b, 0x12b7c0de, 17, qp + 1, 7));
	assert_true(differ > 60);
	for (__u32 i = 0; i < 100000; i++)
		assert_in_range(hash_flow_label(hash_mix(i)), 1, 0xfffff);
}

static void flows_that_differ_in_one_field_spread_evenly(void **state)
{
	struct addr a = { .b = { 0x20, 1 } }, b = { .b = { 0x20, 2 } };
	int count[8] = {};

	for (__u32 port = 0; port < 8000; port++)
		count[hash_slot(flow_hash(&a, &b, port << 16 | 0x12b7, 17, 0, 7)) / (RANK_SLOTS / 8)]++;
	for (int i = 0; i < 8; i++)
		assert_in_range(count[i], 850, 1150);
}

static int hash_compare(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

/* SIDs of one network are alike but for a small number. */
static void segment_lists_have_hashes_of_their_own(void **state)
{
	static __u64 hash[32 * 32 * 32];

	for (int i = 0; i < 32 * 32 * 32; i++) {
		struct tunnel_key key = { .code = CODE_SRV6, .n = 3 };

		for (int j = 0; j < 3; j++)
			key.segment[j] = (struct addr){ .b = { 0x20, 1, 0xd, 0xb8, [7] = i >> 5 * j & 31 } };
		hash[i] = hash_tunnel(&key);
	}
	qsort(hash, ARRAY_SIZE(hash), sizeof(*hash), hash_compare);
	for (size_t i = 1; i < ARRAY_SIZE(hash); i++)
		assert_true(hash[i] != hash[i - 1]);
}

static void host_pairs_hardly_ever_share_a_hash(void **state)
{
	struct addr a = { .b = { 0x20, 1 } }, b = { .b = { 0x20, 2 } };
	static __u8 seen[1 << 20];
	int shared = 0;

	for (int i = 0; i < 256 * 256; i++) {
		__u32 at;

		a.b[15] = i;
		b.b[15] = i >> 8;
		at = flow_hash(&a, &b, 0xc00012b7, 17, 0, 7) >> 44;
		shared += seen[at]++ != 0;
	}
	/* Of 65,536 draws among 1,048,576 about 2,004 meet one that came before. */
	assert_in_range(shared, 1800, 2200);
}

static void a_bucket_gives_its_burst_and_then_its_rate(void **state)
{
	struct bucket b = { .credit_ns = BUCKET_FULL };
	const __u64 ms = NSEC_PER_MSEC;
	__u64 now = 1 * ms; /* the machine has just come up */
	int given = 0;

	for (int i = 0; i < 100; i++)
		given += bucket_take(&b, 10 * ms, 50 * ms, 1, now);
	assert_int_equal(given, 5);
	for (int i = 1; i <= 1000; i++)
		given += bucket_take(&b, 10 * ms, 50 * ms, 1, now + i * ms);
	assert_int_equal(given, 105);
	assert_true(bucket_take(&b, 0, 0, 1, now));
	now += 2000 * ms;
	assert_true(bucket_take(&b, 10 * ms, 50 * ms, 3, now));
	assert_false(bucket_take(&b, 10 * ms, 50 * ms, 3, now));
	assert_true(bucket_take(&b, 10 * ms, 50 * ms, 2, now));
	/* More than a burst holds costs a burst. */
	assert_true(bucket_take(&b, 10 * ms, 50 * ms, 9, now + 50 * ms));
}

/* Two CPUs ask in one order and have read the clock in the other. */
static void a_bucket_gives_nothing_for_an_earlier_time(void **state)
{
	struct bucket b = { .last_ns = 2 * NSEC_PER_SEC, .credit_ns = 0 };
	const __u64 ms = NSEC_PER_MSEC;

	assert_false(bucket_take(&b, 10 * ms, 50 * ms, 1, 2 * NSEC_PER_SEC - 1));
	assert_false(bucket_take(&b, 10 * ms, 50 * ms, 1, 2 * NSEC_PER_SEC));
	assert_true(bucket_take(&b, 10 * ms, 50 * ms, 1, 2 * NSEC_PER_SEC + 10 * ms));
	assert_false(bucket_take(&b, 10 * ms, 50 * ms, 1, 2 * NSEC_PER_SEC + 10 * ms));
}

static void a_window_takes_each_sequence_once(void **state)
{
	static const struct {
		__u64 sequence;
		enum reason reason;
	} row[] = {
		{ 1000, REASON_NONE }, { 1000, REASON_DUPLICATE }, { 999, REASON_NONE },
		{ 999, REASON_DUPLICATE }, { 1063, REASON_NONE }, { 1000, REASON_DUPLICATE },
		{ 1001, REASON_NONE }, { 999, REASON_STALE }, { 5000, REASON_NONE },
		{ 4937, REASON_NONE }, { 4936, REASON_STALE }, { 1063, REASON_STALE },
	};
	struct origin o = {};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		assert_int_equal(window_take(&o, row[i].sequence), row[i].reason);
	/* What could not act is given back, and nothing else. */
	window_give_back(&o, 4999);
	assert_int_equal(window_take(&o, 5000), REASON_DUPLICATE);
	window_give_back(&o, 5000);
	assert_int_equal(window_take(&o, 5000), REASON_NONE);
	assert_int_equal(window_take(&o, 4937), REASON_DUPLICATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(share_follows_weight),
		cmocka_unit_test(every_slot_lists_every_member_once),
		cmocka_unit_test(a_weight_change_moves_only_its_share),
		cmocka_unit_test(a_member_that_leaves_moves_only_its_slots),
		cmocka_unit_test(a_lower_tier_serves_first),
		cmocka_unit_test(logarithms_are_right),
		cmocka_unit_test(one_path_comes_first_and_the_others_stay_in_order),
		cmocka_unit_test(idle_is_counted_in_what_the_ordering_counts),
		cmocka_unit_test(the_hash_sees_the_destination_qp),
		cmocka_unit_test(flows_that_differ_in_one_field_spread_evenly),
		cmocka_unit_test(segment_lists_have_hashes_of_their_own),
		cmocka_unit_test(host_pairs_hardly_ever_share_a_hash),
		cmocka_unit_test(a_bucket_gives_its_burst_and_then_its_rate),
		cmocka_unit_test(a_bucket_gives_nothing_for_an_earlier_time),
		cmocka_unit_test(a_window_takes_each_sequence_once),
	};

	return cmocka_run_group_tests_name("path", tests, NULL, NULL);
}
