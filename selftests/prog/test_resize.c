// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * resize: entries go to a map of another size while the programs before still write the old one. The
 * old programs are played here: what they do to an entry, they do to its subject's count as well.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <bpf/bpf.h>

#include "clock.h"
#include "harness.h"
#include "resize.h"

#define PATH 5
#define OLD_ROOM 100

static struct fantel_bpf *node;
static struct resize failed;

static int load(void **state)
{
	struct config config = node_config();

	node = node_open(&config);
	node_start(node);
	return 0;
}

static int unload(void **state)
{
	fantel_bpf__destroy(node);
	return 0;
}

/* A map like this one, of another size. */
static struct resize resize_of(const struct bpf_map *map, enum policy_limit limit)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = bpf_map__map_flags(map),
		    .btf_fd = bpf_object__btf_fd(node->obj),
		    .btf_key_type_id = bpf_map__btf_key_type_id(map),
		    .btf_value_type_id = bpf_map__btf_value_type_id(map));
	struct resize r = {
		.name = bpf_map__name(map),
		.limit = limit,
		.new = bpf_map__fd(map),
		.key_size = bpf_map__key_size(map),
		.value_size = bpf_map__value_size(map),
		.room = bpf_map__max_entries(map),
	};

	r.old = bpf_map_create(bpf_map__type(map), "old", r.key_size, r.value_size, OLD_ROOM, &opts);
	assert_true(r.old >= 0);
	return r;
}

static __s32 *counted(void)
{
	static struct health health;

	node_get(node->maps.fantel_health, &(__u32){ PATH }, &health);
	return &health.failures;
}

static void set_counted(__s32 failures)
{
	struct health health = { .failures = failures };

	node_put(node->maps.fantel_health, &(__u32){ PATH }, &health);
}

/* One of the programs records a failure, or withdraws one. */
static void record(int map, __u32 event, __u64 until_ns)
{
	struct failed_key key = { .index = PATH, .event_id = event };
	struct failed value = { .name = "a-path", .kind = KIND_FAILURE, .until_ns = until_ns };

	if (!bpf_map_update_elem(map, &key, &value, BPF_NOEXIST))
		set_counted(*counted() + 1);
}

static void withdraw(int map, __u32 event)
{
	struct failed_key key = { .index = PATH, .event_id = event };

	if (!bpf_map_delete_elem(map, &key))
		set_counted(*counted() - 1);
}

static bool is_there(int map, __u32 event, struct failed *value)
{
	struct failed_key key = { .index = PATH, .event_id = event };
	struct failed any;

	return !bpf_map_lookup_elem(map, &key, value ?: &any);
}

/* What is done while both maps are in use: + records, - withdraws, . neither. */
static const struct {
	const char *sentence;
	bool before;
	char old, new;
	bool after;
} rows[] = {
	{ "what was there stays", true, '.', '.', true },
	{ "what the old programs withdraw is gone", true, '-', '.', false },
	{ "what the new ones withdraw is gone", true, '.', '-', false },
	{ "what both withdraw is gone once", true, '-', '-', false },
	{ "what was not there does not come", false, '.', '.', false },
	{ "what the old programs record is there", false, '+', '.', true },
	{ "what the new ones record is there", false, '.', '+', true },
	{ "what both record is there once", false, '+', '+', true },
};

static void act(int map, char what, __u32 event)
{
	if (what == '+')
		record(map, event, 0);
	else if (what == '-')
		withdraw(map, event);
}

static void begin(void)
{
	node_clear(node->maps.fantel_failed, sizeof(struct failed_key));
	set_counted(0);
	failed = resize_of(node->maps.fantel_failed, LIMIT_FAILURES);
}

static void settle(void)
{
	assert_int_equal(resize_settle(&failed, bpf_program__fd(node->progs.fantel_settle)), 0);
	resize_free(&failed);
}

static void failures_and_their_counts(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		begin();
		record(failed.old, 99, 0); /* another one */
		if (rows[i].before)
			record(failed.old, 1, 0);
		assert_int_equal(resize_carry(&failed), 0);
		act(failed.old, rows[i].old, 1);
		act(failed.new, rows[i].new, 1);
		settle();
		print_message("%s\n", rows[i].sentence);
		assert_int_equal(is_there(failed.new, 1, NULL), rows[i].after);
		assert_int_equal(*counted(), 1 + rows[i].after);
		assert_true(is_there(failed.new, 99, NULL));
	}
}

static void validities_run_out(void **state)
{
	__u64 soon = clock_now_ns() + 300 * NSEC_PER_MSEC, late = clock_now_ns() + 3600 * NSEC_PER_SEC;
	struct failed value;

	begin();
	record(failed.old, 1, soon);
	record(failed.old, 2, late);
	record(failed.old, 3, 0);
	assert_int_equal(resize_carry(&failed), 0);
	record(failed.old, 4, soon);
	settle();
	while (is_there(failed.new, 1, NULL) || is_there(failed.new, 4, NULL))
		usleep(10000);
	assert_true(clock_now_ns() >= soon);
	assert_true(is_there(failed.new, 2, &value) && value.until_ns == late && value.armed_ns);
	assert_true(is_there(failed.new, 3, &value) && !value.until_ns && !value.armed_ns);
	assert_int_equal(*counted(), 2);
	assert_int_equal(node_count(node, REASON_EXPIRED).packets, 2);
}

static void timers_that_a_killed_loader_left_out(void **state)
{
	begin();
	record(failed.new, 1, clock_now_ns());
	assert_int_equal(resize_arm(failed.new, bpf_program__fd(node->progs.fantel_settle)), 0);
	while (is_there(failed.new, 1, NULL))
		usleep(10000);
	assert_int_equal(*counted(), 0);
	resize_free(&failed);
}

static void more_than_fits(void **state)
{
	begin();
	failed.room = 2;
	for (__u32 event = 1; event <= 3; event++)
		record(failed.old, event, 0);
	assert_int_equal(resize_carry(&failed), -ENOSPC);
	assert_int_equal(*counted(), 3);
	assert_false(is_there(failed.new, 1, NULL));
	assert_true(is_there(failed.old, 1, NULL));
	resize_free(&failed);
}

/* Of an originator both remember what they took. */
static void windows_are_merged(void **state)
{
	struct addr from = { .b = { 0x20, 1 } }, other = { .b = { 0x20, 2 } };
	struct origin carried = { .highest = 100, .taken = { 64 } }, old = carried, new = carried, found;
	struct resize r = resize_of(node->maps.fantel_origins, LIMIT_ORIGINATORS);

	assert_int_equal(bpf_map_update_elem(r.old, &from, &carried, BPF_ANY), 0);
	assert_int_equal(resize_carry(&r), 0);
	old.taken[1] = 65;
	new.taken[2] = new.highest = 130;
	assert_int_equal(bpf_map_update_elem(r.old, &from, &old, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(r.old, &other, &old, BPF_ANY), 0);
	node_put(node->maps.fantel_origins, &from, &new);
	assert_int_equal(resize_settle(&r, -1), 0);
	node_get(node->maps.fantel_origins, &from, &found);
	assert_int_equal(found.highest, 130);
	assert_int_equal(found.taken[0], 64);
	assert_int_equal(found.taken[1], 65);
	assert_int_equal(found.taken[2], 130);
	node_get(node->maps.fantel_origins, &other, &found);
	assert_memory_equal(&found, &old, sizeof(old));
	resize_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "failures and their counts, whoever changed them", failures_and_their_counts, NULL, NULL,
		  NULL },
		{ "validities run out in the new map", validities_run_out, NULL, NULL, NULL },
		{ "timers that a killed loader left out are started",
		  timers_that_a_killed_loader_left_out, NULL, NULL, NULL },
		{ "more than fits is refused, and nothing is touched", more_than_fits, NULL, NULL, NULL },
		{ "sequence windows are merged", windows_are_merged, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("resize", tests, load, unload);
}
