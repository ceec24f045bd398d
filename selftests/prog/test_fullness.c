// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What finds no room in a map: the loader says so, with the limit that makes more (fullness.c). And maps in
 * which what is new takes the place of what was not seen for longest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "fullness.h"
#include "harness.h"
#include "log.h"
#include "own.h"
#include "words.h"

#define ROOM 64

static struct fantel_bpf *node;
static struct maps maps;
static struct policy policy;

static int load(void **state)
{
	struct config config = node_config();

	node = node_open(&config);
	bpf_map__set_max_entries(node->maps.fantel_origins, ROOM);
	bpf_map__set_max_entries(node->maps.fantel_learned, ROOM);
	bpf_map__set_max_entries(node->maps.fantel_buckets, ROOM);
	bpf_map__set_max_entries(node->maps.fantel_qps, ROOM);
	node_start(node);
	maps.stats = bpf_map__fd(node->maps.fantel_stats);
	for (enum policy_limit limit = 0; limit < LIMIT_COUNT; limit++)
		policy.limit[limit] = 1000 + limit;
	return 0;
}

static int unload(void **state)
{
	fantel_bpf__destroy(node);
	return 0;
}

/* As the packet path does, on some CPU. */
static void count(enum reason reason, __u64 packets)
{
	struct traffic sum[libbpf_num_possible_cpus()];
	__u32 key = reason;

	node_get(node->maps.fantel_stats, &key, sum);
	sum[ARRAY_SIZE(sum) - 1].packets += packets;
	node_put(node->maps.fantel_stats, &key, sum);
}

/* What is said at that time; the caller frees. */
static char *look(struct fullness *fullness, __u64 now_ns)
{
	char *said = NULL;
	size_t len;
	FILE *out = open_memstream(&said, &len);

	log_also(out);
	fullness_tick(fullness, now_ns);
	log_also(NULL);
	fclose(out);
	return said;
}

static const struct {
	enum reason reason;
	enum policy_limit limit;
} rows[] = {
	{ REASON_FAILED_FULL, LIMIT_FAILURES },
	{ REASON_FAILED_SHARE, LIMIT_FAILURES },
	{ REASON_METRICS_FULL, LIMIT_METRICS },
	{ REASON_ORIGINS_FULL, LIMIT_ORIGINATORS },
	{ REASON_TOLD_FULL, LIMIT_TOLD },
	{ REASON_TROUBLE_FULL, LIMIT_TOLD },
};

/* A sentence at once, one a minute, with all that came meanwhile. */
static void it_is_said(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		OWN_MEM char *first = NULL, *none = NULL, *again = NULL, *last = NULL;
		__u64 now = 1000 * NSEC_PER_SEC;
		struct fullness fullness;
		char want[128];

		count(rows[i].reason, 5); /* before we look */
		fullness_begin(&fullness, &maps, &policy, now);
		count(rows[i].reason, 3);
		first = look(&fullness, now += NSEC_PER_SEC);
		snprintf(want, sizeof(want), "%s: 3 found no room, which is for %u; a higher limits/%s in the policy makes more",
			 reason_word(rows[i].reason), policy.limit[rows[i].limit], limit_word(rows[i].limit));
		print_message("# %s\n", want);
		assert_non_null(strstr(first, want));
		count(rows[i].reason, 2);
		none = look(&fullness, now += 59 * NSEC_PER_SEC);
		assert_string_equal(none, "");
		count(rows[i].reason, 2);
		again = look(&fullness, now += NSEC_PER_SEC);
		assert_non_null(strstr(again, ": 4 found no room"));
		last = look(&fullness, now + 3600 * NSEC_PER_SEC);
		assert_string_equal(last, "");
	}
}

/* Reasons that say of themselves that there was no room are all looked at. */
static void of_each_reason(void **state)
{
	for (enum reason reason = 0; reason < REASON_COUNT; reason++) {
		const char *word = reason_word(reason), *end = strrchr(word, '-');
		bool known = false;

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			known |= rows[i].reason == reason;
		if (end && (!strcmp(end, "-full") || !strcmp(end, "-share")))
			assert_true(known);
	}
}

static void what_is_new_finds_room(void **state)
{
	struct bpf_map *forgetful[] = { node->maps.fantel_origins, node->maps.fantel_learned,
					node->maps.fantel_buckets, node->maps.fantel_qps };

	for (size_t i = 0; i < ARRAY_SIZE(forgetful); i++) {
		__u32 key_size = bpf_map__key_size(forgetful[i]);
		char key[key_size], value[bpf_map__value_size(forgetful[i])];

		memset(key, 0, sizeof(key));
		memset(value, 0, sizeof(value));
		for (__u32 n = 0; n < 4 * ROOM; n++) {
			store32(key, n);
			node_put(forgetful[i], key, value);
			assert_true(node_get(forgetful[i], key, value));
		}
		assert_in_range(node_entries(forgetful[i], key_size), 1, bpf_map__max_entries(forgetful[i]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("what finds no room is said, with the limit that makes more", it_is_said),
		TEST("whatever finds none", of_each_reason),
		TEST("where others are forgotten for it, what is new always does", what_is_new_finds_room),
	};

	return cmocka_run_group_tests_name("fullness", tests, load, unload);
}
