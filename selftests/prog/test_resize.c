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
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>

#include "clock.h"
#include "harness.h"
#include "overdue.h"
#include "recount.h"
#include "resize.h"
#include "settle.h"

#define PATH 5
#define OLD_ROOM 100
#define MANY 500 /* more than some kernels have timers for */

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

/* A map like this one, of another size, is replaced by it. */
static struct resize resize_from(const struct bpf_map *map, __u32 had)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = bpf_map__map_flags(map),
		    .btf_fd = bpf_object__btf_fd(node->obj),
		    .btf_key_type_id = bpf_map__btf_key_type_id(map),
		    .btf_value_type_id = bpf_map__btf_value_type_id(map));
	enum bpf_map_type type = bpf_map__type(map);
	struct resize r = {
		.map = map_rule(bpf_map__name(map)),
		.new = bpf_map__fd(map),
		.key_size = bpf_map__key_size(map),
		.value_size = bpf_map__value_size(map),
		.old_key_size = bpf_map__key_size(map),
		.old_value_size = bpf_map__value_size(map),
		.had = had,
		.room = bpf_map__max_entries(map),
		.limit = bpf_map__max_entries(map),
		.is_array = type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY,
	};

	r.old = bpf_map_create(type, "old", r.key_size, r.value_size, had, &opts);
	assert_true(r.old >= 0);
	return r;
}

static struct resize resize_of(const struct bpf_map *map)
{
	return resize_from(map, OLD_ROOM);
}

static int settle_program(void)
{
	return bpf_program__fd(node->progs.fantel_settle);
}

/* As a loader does then. */
static void look(void)
{
	assert_int_equal(overdue_run(bpf_program__fd(node->progs.fantel_overdue)), 0);
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
	failed = resize_of(node->maps.fantel_failed);
}

static void settle(void)
{
	assert_int_equal(resize_settle(&failed, 1, settle_program()), 0);
	resize_free(&failed);
	look();
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
	struct resize r = resize_of(node->maps.fantel_origins);

	assert_int_equal(bpf_map_update_elem(r.old, &from, &carried, BPF_ANY), 0);
	assert_int_equal(resize_carry(&r), 0);
	old.taken[1] = 65;
	new.taken[2] = new.highest = 130;
	assert_int_equal(bpf_map_update_elem(r.old, &from, &old, BPF_ANY), 0);
	assert_int_equal(bpf_map_update_elem(r.old, &other, &old, BPF_ANY), 0);
	node_put(node->maps.fantel_origins, &from, &new);
	assert_int_equal(resize_settle(&r, 1, -1), 0);
	node_get(node->maps.fantel_origins, &from, &found);
	assert_int_equal(found.highest, 130);
	assert_int_equal(found.taken[0], 64);
	assert_int_equal(found.taken[1], 65);
	assert_int_equal(found.taken[2], 130);
	node_get(node->maps.fantel_origins, &other, &found);
	assert_memory_equal(&found, &old, sizeof(old));
	resize_free(&r);
}

static void hash_put(const struct resize *r, const void *key, const void *value)
{
	assert_int_equal(bpf_map_update_elem(r->old, key, value, BPF_ANY), 0);
}

/* Receivers may have heard the new programs first: what the old ones told meanwhile is to be told again. */
static void what_was_told_meanwhile(void **state)
{
	static const struct {
		struct told carried, old, new, after; /* event 0: no entry */
	} rows[] = {
		{ { .event_id = 1, .sent = 2 }, { .event_id = 1, .sent = 2 }, { .event_id = 1, .sent = 2 },
		  { .event_id = 1, .sent = 2 } },
		{ {}, { .event_id = 1, .sent = 1 }, {}, { .event_id = 1 } },
		{ { .event_id = 1, .sent = 2 }, { .event_id = 2, .sent = 1 }, { .event_id = 1, .sent = 2 },
		  { .event_id = 2 } },
		{ { .event_id = 1, .sent = 2 }, { .event_id = 2, .sent = 1 }, { .event_id = 3, .sent = 1 },
		  { .event_id = 3, .sent = 1 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct resize r = resize_of(node->maps.fantel_told);
		struct told_key key = { .tunnel_hash = 7 };
		struct told after;

		node_clear(node->maps.fantel_told, sizeof(key));
		if (rows[i].carried.event_id)
			hash_put(&r, &key, &rows[i].carried);
		assert_int_equal(resize_carry(&r), 0);
		hash_put(&r, &key, &rows[i].old);
		if (rows[i].new.event_id)
			node_put(node->maps.fantel_told, &key, &rows[i].new);
		assert_int_equal(resize_settle(&r, 1, -1), 0);
		node_get(node->maps.fantel_told, &key, &after);
		assert_memory_equal(&after, &rows[i].after, sizeof(after));
		resize_free(&r);
	}
}

/* Told by the name that the old programs gave it, whatever the new ones or the loader have noted since. */
static void failures_of_links_keep_their_names(void **state)
{
	enum { GONE, UP, FAILED, OTHER };
	static const struct link is[] = {
		[UP] = { .name = "up", .event_id = 1, .next_event_id = 2, .since_ns = 10 },
		[FAILED] = { .name = "up", .event_id = 2, .next_event_id = 2, .cause = CAUSE_BFD, .down = 1,
			     .since_ns = 20, .detected_ns = 21 },
		[OTHER] = { .name = "up", .event_id = 3, .next_event_id = 3, .cause = CAUSE_CARRIER, .down = 1,
			    .since_ns = 30, .detected_ns = 31 },
	};
	static const struct {
		int carried, old, new, after;
	} rows[] = {
		{ UP, UP, UP, UP },		{ UP, UP, OTHER, OTHER },
		{ UP, FAILED, UP, FAILED },	{ UP, FAILED, OTHER, FAILED },
		{ FAILED, FAILED, UP, UP },	{ FAILED, FAILED, OTHER, OTHER },
		{ UP, FAILED, GONE, GONE },	{ GONE, FAILED, GONE, GONE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct resize r = resize_of(node->maps.fantel_links);
		struct link after = {}, wanted = is[rows[i].after];
		__u32 ifindex = 5;
		int map = bpf_map__fd(node->maps.fantel_links);

		node_clear(node->maps.fantel_links, sizeof(ifindex));
		if (rows[i].carried)
			hash_put(&r, &ifindex, &is[rows[i].carried]);
		assert_int_equal(resize_carry(&r), 0);
		hash_put(&r, &ifindex, &is[rows[i].old]);
		if (rows[i].new)
			node_put(node->maps.fantel_links, &ifindex, &is[rows[i].new]);
		else
			bpf_map_delete_elem(map, &ifindex);
		assert_int_equal(resize_settle(&r, 1, -1), 0);
		bpf_map_lookup_elem(map, &ifindex, &after);
		if (rows[i].new) /* what the next one is called is the loader's */
			wanted.next_event_id = is[rows[i].new].next_event_id;
		assert_memory_equal(&after, &wanted, sizeof(after));
		resize_free(&r);
	}
}

/* Nothing is heard of it any more, by whichever programs: its own timer has stayed behind. */
static void silence_of_a_session(void **state)
{
	struct resize r = resize_of(node->maps.fantel_bfd);
	struct bfd_session b = { .state = BFD_UP, .detection_ns = 200 * NSEC_PER_MSEC };
	struct bfd_set set = { .discriminator = 1 };
	__u32 quiet = 5, heard = 6;
	__u64 start = clock_now_ns();

	b.heard_ns = b.armed_ns = start;
	node_put(node->maps.fantel_bfd_set, &quiet, &set);
	node_put(node->maps.fantel_bfd_set, &heard, &set);
	hash_put(&r, &quiet, &b);
	hash_put(&r, &heard, &b);
	assert_int_equal(resize_carry(&r), 0);
	b.heard_ns += 10 * NSEC_PER_MSEC;
	hash_put(&r, &quiet, &b);
	b.heard_ns += 3600 * NSEC_PER_SEC;
	node_put(node->maps.fantel_bfd, &heard, &b);
	assert_int_equal(resize_settle(&r, 1, -1), 0);
	node_get(node->maps.fantel_bfd, &quiet, &b);
	assert_int_equal(b.heard_ns, start + 10 * NSEC_PER_MSEC);
	assert_int_equal(b.state, BFD_UP);
	look();
	do {
		usleep(10000);
		node_get(node->maps.fantel_bfd, &quiet, &b);
	} while (b.state == BFD_UP);
	assert_true(clock_now_ns() >= start + 210 * NSEC_PER_MSEC);
	assert_int_equal(b.failed, 1);
	node_get(node->maps.fantel_bfd, &heard, &b);
	assert_int_equal(b.state, BFD_UP);
	resize_free(&r);
}

/* ---- arrays ---------------------------------------------------------------------------------- */

static void old_put(const struct resize *r, __u32 index, const void *value)
{
	assert_int_equal(bpf_map_update_elem(r->old, &index, value, BPF_ANY), 0);
}

/* Failures count on in another fantel_health, to where the entries of another fantel_failed have gone. */
static const struct {
	const char *sentence;
	char old, new;
	__s32 after;
} count_rows[] = {
	{ "what was counted is there", '.', '.', 1 },
	{ "what the old programs count is added", '+', '.', 2 },
	{ "what the new ones count is, too", '.', '+', 2 },
	{ "what both record is counted once", '+', '+', 2 },
	{ "what the old ones withdraw is taken off", '-', '.', 0 },
	{ "what the new ones withdraw is, too", '.', '-', 0 },
	{ "what both withdraw is taken off once", '-', '-', 0 },
};

static void count_there(int map, char what)
{
	struct health health;
	__u32 path = PATH;

	assert_int_equal(bpf_map_lookup_elem(map, &path, &health), 0);
	health.failures += what == '+' ? 1 : what == '-' ? -1 : 0;
	assert_int_equal(bpf_map_update_elem(map, &path, &health, BPF_ANY), 0);
}

/* What programs do to their own maps: the second event is new, the first one ends. */
static void act_there(int failures, int counts, char what)
{
	struct failed_key key = { .index = PATH, .event_id = what == '+' ? 2 : 1 };
	struct failed value = { .name = "a-path", .kind = KIND_FAILURE };

	if (what == '+')
		assert_int_equal(bpf_map_update_elem(failures, &key, &value, BPF_NOEXIST), 0);
	else if (what == '-')
		assert_int_equal(bpf_map_delete_elem(failures, &key), 0);
	count_there(counts, what);
}

static void counts_in_another_map(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(count_rows); i++) {
		struct resize r[2];

		begin();
		resize_free(&failed);
		r[0] = resize_of(node->maps.fantel_failed);
		r[1] = resize_from(node->maps.fantel_health, PATH + 1);
		act_there(r[0].old, r[1].old, '+');
		assert_int_equal(bpf_map_delete_elem(r[0].old, &(struct failed_key){ .index = PATH, .event_id = 2 }), 0);
		record(r[0].old, 1, 0);
		set_counted(0);
		assert_int_equal(resize_carry(&r[0]) | resize_carry(&r[1]), 0);
		act_there(r[0].old, r[1].old, count_rows[i].old);
		act_there(r[0].new, r[1].new, count_rows[i].new);
		assert_int_equal(resize_settle(r, 2, settle_program()), 0);
		print_message("%s\n", count_rows[i].sentence);
		assert_int_equal(*counted(), count_rows[i].after);
		assert_int_equal(is_there(r[0].new, 1, NULL) + is_there(r[0].new, 2, NULL),
				 count_rows[i].after);
		resize_free(&r[0]);
		resize_free(&r[1]);
	}
}

static void what_paths_cross(void **state)
{
	struct resource resource = { .name = "a-link", .failures = 3, .congestions = 1 };
	struct resize r = resize_of(node->maps.fantel_resource);
	__u32 index = 7;

	old_put(&r, index, &resource);
	assert_int_equal(resize_carry(&r), 0);
	resource.failures = 1;
	resource.congestions = 2;
	old_put(&r, index, &resource);
	assert_int_equal(resize_settle(&r, 1, settle_program()), 0);
	node_get(node->maps.fantel_resource, &index, &resource);
	assert_string_equal(resource.name, "a-link");
	assert_int_equal(resource.failures, 1);
	assert_int_equal(resource.congestions, 2);
	resize_free(&r);
}

static void traffic_is_counted_on(void **state)
{
	int cpus = libbpf_num_possible_cpus();
	struct traffic old[cpus], new[cpus];
	struct resize r = resize_of(node->maps.fantel_traffic);
	__u64 packets = 0, bytes = 0;

	for (int cpu = 0; cpu < cpus; cpu++)
		old[cpu] = (struct traffic){ 10 + cpu, 1000 };
	old_put(&r, PATH, old);
	assert_int_equal(resize_carry(&r), 0);
	old[cpus - 1].packets += 5;
	old[cpus - 1].bytes += 500;
	old_put(&r, PATH, old);
	node_get(node->maps.fantel_traffic, &(__u32){ PATH }, new);
	new[0].packets += 2;
	new[0].bytes += 200;
	node_put(node->maps.fantel_traffic, &(__u32){ PATH }, new);
	assert_int_equal(resize_settle(&r, 1, settle_program()), 0);
	node_get(node->maps.fantel_traffic, &(__u32){ PATH }, new);
	for (int cpu = 0; cpu < cpus; cpu++) {
		packets += new[cpu].packets - (10 + cpu);
		bytes += new[cpu].bytes - 1000;
	}
	assert_int_equal(packets, 5 + 2);
	assert_int_equal(bytes, 500 + 200);
	resize_free(&r);
}

/* By the words of another build, of which one is gone. */
static void reasons_are_counted_on(void **state)
{
	static const __u32 places[] = { 0, 3, ~0U, 1 };
	static const __u64 after[] = { 110, 113, 0, 111 };
	int cpus = libbpf_num_possible_cpus();
	struct traffic counted[cpus];
	struct resize r = resize_from(node->maps.fantel_stats, ARRAY_SIZE(places));
	__u64 before = node_count(node, 2).packets;

	r.place = malloc(sizeof(places));
	memcpy(r.place, places, sizeof(places));
	memset(counted, 0, sizeof(counted));
	for (__u32 reason = 0; reason < ARRAY_SIZE(places); reason++) {
		counted[0].packets = 100 + reason;
		old_put(&r, reason, counted);
	}
	assert_int_equal(resize_carry(&r), 0);
	for (__u32 reason = 0; reason < ARRAY_SIZE(places); reason++) {
		counted[0].packets = 110 + reason;
		old_put(&r, reason, counted);
	}
	assert_int_equal(resize_settle(&r, 1, settle_program()), 0);
	for (__u32 reason = 0; reason < ARRAY_SIZE(after); reason++)
		assert_int_equal(node_count(node, reason).packets, after[reason] ?: before);
	resize_free(&r);
}

/* Sequences and generations of both programs are never the same; what both count adds up. */
static void the_node_counts_on(void **state)
{
	struct node_state old = { .sequence = 7ULL << 32, .generation = 9, .congested = 2, .transit = 1 }, new;
	struct resize r = resize_from(node->maps.fantel_node, 1);
	__u32 zero = 0;

	old_put(&r, 0, &old);
	assert_int_equal(resize_carry(&r), 0);
	old.sequence += 1000;
	old.generation += 1000;
	old.congested += 3;
	old.transit -= 1;
	old_put(&r, 0, &old);
	node_get(node->maps.fantel_node, &zero, &new);
	assert_true(new.sequence > old.sequence && new.generation > old.generation);
	new.congested -= 1;
	node_put(node->maps.fantel_node, &zero, &new);
	assert_int_equal(resize_settle(&r, 1, -1), 0);
	node_get(node->maps.fantel_node, &zero, &new);
	assert_int_equal(new.congested, 2 + 3 - 1);
	assert_int_equal(new.transit, 0);
	node_put(node->maps.fantel_node, &zero, &(struct node_state){});
	resize_free(&r);
}

/* A place belongs to whom its hash says; there is a timer's part in what is counted. */
static void transit_has_its_places(void **state)
{
	static const struct {
		struct transit carried, old, new, after;
	} rows[] = {
		{ { .hash = 1, .congestions = PACE_RISE + 2 }, { .hash = 1, .congestions = PACE_RISE + 2 },
		  { .hash = 1, .congestions = 2 }, { .hash = 1, .congestions = 2 } },
		{ { .hash = 1, .congestions = 2 }, { .hash = 1, .congestions = PACE_RISE + 3 },
		  { .hash = 1, .congestions = 2 }, { .hash = 1, .congestions = 3 } },
		{ { .hash = 1, .congestions = 2 }, {}, { .hash = 1, .congestions = 2 }, {} },
		{ {}, { .hash = 4, .congestions = 1 }, {}, { .hash = 4, .congestions = 1 } },
		{ {}, { .hash = 4, .congestions = 1 }, { .hash = 5, .congestions = 1 },
		  { .hash = 5, .congestions = 1 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct resize r = resize_from(node->maps.fantel_transit, MAX_TRANSIT);
		struct transit after;
		__u32 at = 9;

		old_put(&r, at, &rows[i].carried);
		node_put(node->maps.fantel_transit, &at, &(struct transit){});
		assert_int_equal(resize_carry(&r), 0);
		old_put(&r, at, &rows[i].old);
		node_put(node->maps.fantel_transit, &at, &rows[i].new);
		assert_int_equal(resize_settle(&r, 1, settle_program()), 0);
		node_get(node->maps.fantel_transit, &at, &after);
		assert_memory_equal(&after, &rows[i].after, sizeof(after));
		resize_free(&r);
	}
}

/* The later choice of a path counts, whoever made it. */
static void flows_stay_on_their_paths(void **state)
{
	static const struct {
		struct flow carried, old, new, after;
	} rows[] = {
		{ { 3, 100 }, { 3, 100 }, { 3, 100 }, { 3, 100 } },
		{ { 3, 100 }, { 4, 200 }, { 3, 100 }, { 4, 200 } },
		{ { 3, 100 }, { 4, 200 }, { 5, 300 }, { 5, 300 } },
		{ { 3, ~0U }, { 4, 5 }, { 3, ~0U }, { 4, 5 } }, /* the clock has wrapped */
		{ {}, { 4, 200 }, {}, { 4, 200 } },
		{ {}, {}, { 5, 300 }, { 5, 300 } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct resize r = resize_of(node->maps.fantel_flows);
		struct flow after;
		__u32 at = 42;

		old_put(&r, at, &rows[i].carried);
		node_put(node->maps.fantel_flows, &at, &(struct flow){});
		assert_int_equal(resize_carry(&r), 0);
		old_put(&r, at, &rows[i].old);
		node_put(node->maps.fantel_flows, &at, &rows[i].new);
		assert_int_equal(resize_settle(&r, 1, settle_program()), 0);
		node_get(node->maps.fantel_flows, &at, &after);
		assert_memory_equal(&after, &rows[i].after, sizeof(after));
		resize_free(&r);
	}
}

/* A rate that rises goes on rising in the new map, by a timer of its own, to its end. */
static void rates_rise_to_their_end(void **state)
{
	struct pace rising = { .state = PACE_RISING, .rate = 900, .offered = 1000 }, pace;
	struct health health = { .congestions = PACE_RISE };
	struct resize r[2] = { resize_of(node->maps.fantel_pace), resize_of(node->maps.fantel_health) };
	__u32 path = PATH, at = PACE_OF(PATH);

	resize_free(&r[0]);
	r[0] = resize_from(node->maps.fantel_pace, PACE_OF(OLD_ROOM));
	old_put(&r[0], at, &rising);
	old_put(&r[1], path, &health);
	assert_int_equal(resize_carry(&r[0]) | resize_carry(&r[1]), 0);
	node_get(node->maps.fantel_health, &path, &health);
	assert_int_equal(health.congestions, 0);
	assert_int_equal(resize_settle(r, 2, settle_program()), 0);
	node_get(node->maps.fantel_pace, &at, &pace);
	assert_in_range(pace.rate, 900, 1000);
	do {
		usleep(10000);
		node_get(node->maps.fantel_pace, &at, &pace);
	} while (pace.state != PACE_OFF);
	node_get(node->maps.fantel_health, &path, &health);
	assert_int_equal(health.congestions, 0);
	resize_free(&r[0]);
	resize_free(&r[1]);
}

/* All of them, also those for which the kernel has no timer. */
static void many_rates_rise(void **state)
{
	const struct pace lowered = { .state = PACE_LOWERED, .rate = 600, .offered = 1000 };
	__u64 risen = node_count(node, REASON_RISEN).packets, left;
	struct health none = {}, health;
	struct pace pace;

	for (__u32 path = 0; path < MANY; path++) {
		__u32 at = PACE_OF(path);
		struct settle s = { .key.index = at, .act = SETTLE_PACED };

		node_put(node->maps.fantel_health, &path, &none);
		node_put(node->maps.fantel_pace, &at, &lowered);
		assert_int_equal(settle_run(settle_program(), &s), 0);
		node_get(node->maps.fantel_pace, &at, &pace);
		assert_int_equal(pace.state, PACE_RISING);
	}
	do {
		usleep(10000);
		left = 0;
		for (__u32 path = 0; path < MANY; path++) {
			node_get(node->maps.fantel_pace, &(__u32){ PACE_OF(path) }, &pace);
			left += pace.state != PACE_OFF;
			assert_in_range(pace.rate, lowered.rate, lowered.offered);
		}
	} while (left);
	assert_int_equal(node_count(node, REASON_RISEN).packets, risen + MANY);
	for (__u32 path = 0; path < MANY; path++) {
		node_get(node->maps.fantel_health, &path, &health);
		assert_int_equal(health.congestions, 0);
	}
}

/* Transit keeps its count, in which the old timer's part still is. */
static void rates_of_transit_rise_to_their_end(void **state)
{
	struct pace rising = { .state = PACE_RISING, .rate = 900, .offered = 1000 }, pace;
	struct transit transit = { .hash = 1, .congestions = PACE_RISE };
	struct resize r = resize_from(node->maps.fantel_pace, PACE_OF(OLD_ROOM));
	__u32 at = 3;

	node_put(node->maps.fantel_transit, &at, &transit);
	old_put(&r, at, &rising);
	assert_int_equal(resize_carry(&r), 0);
	assert_int_equal(resize_settle(&r, 1, settle_program()), 0);
	do {
		usleep(10000);
		node_get(node->maps.fantel_pace, &at, &pace);
	} while (pace.state != PACE_OFF);
	node_get(node->maps.fantel_transit, &at, &transit);
	assert_int_equal(transit.congestions, 0);
	assert_int_equal(transit.hash, 0);
	resize_free(&r);
}

/* A loader was killed in between: counts are other programs' than entries. */
static void counts_are_mended(void **state)
{
	struct health health = { .failures = 5, .congestions = PACE_RISE + 3 };
	struct resource resource = { .name = "a-link", .failures = -1 };
	struct failed_key key = { .is_resource = 1, .index = 2, .event_id = 1 };
	struct failed value = { .name = "a-link", .kind = KIND_FAILURE };
	struct node_state shared = { .congested = 3 };
	struct maps maps = { 0 };
	__u32 path = PATH, at = PACE_OF(PATH), link = 2;

	begin();
	resize_free(&failed);
	record(bpf_map__fd(node->maps.fantel_failed), 1, 0);
	record(bpf_map__fd(node->maps.fantel_failed), 2, 0);
	node_put(node->maps.fantel_failed, &key, &value);
	node_put(node->maps.fantel_health, &path, &health);
	node_put(node->maps.fantel_resource, &link, &resource);
	node_put(node->maps.fantel_pace, &at, &(struct pace){});
	maps.failed = bpf_map__fd(node->maps.fantel_failed);
	maps.health = bpf_map__fd(node->maps.fantel_health);
	maps.resource = bpf_map__fd(node->maps.fantel_resource);
	maps.pace = bpf_map__fd(node->maps.fantel_pace);
	maps.room[LIMIT_PATHS] = MAX_PATHS;
	maps.room[LIMIT_RESOURCES] = MAX_RESOURCES;
	maps.node = &shared;
	assert_int_equal(recount(&maps, bpf_map__fd(node->maps.fantel_transit), settle_program()), 0);
	node_get(node->maps.fantel_health, &path, &health);
	node_get(node->maps.fantel_resource, &link, &resource);
	assert_int_equal(health.failures, 2);
	assert_int_equal(health.congestions, 0);
	assert_int_equal(resource.failures, 1);
	assert_int_equal(shared.congested, 0);
}

/* Failures of PATH come and go, entry and count, until it is told to end. */
static void *come_and_go(void *arg)
{
	struct settle count = { .act = SETTLE_COUNTED, .key.index = PATH };
	struct failed value = { .name = "a-path", .kind = KIND_FAILURE };
	const volatile bool *end = arg;
	__u32 event = 1000;

	for (; !*end; event++) {
		struct failed_key key = { .index = PATH, .event_id = event };

		bpf_map_update_elem(bpf_map__fd(node->maps.fantel_failed), &key, &value, BPF_NOEXIST);
		count.change = 1;
		settle_run(settle_program(), &count);
		usleep(2000);
		bpf_map_delete_elem(bpf_map__fd(node->maps.fantel_failed), &key);
		count.change = -1;
		settle_run(settle_program(), &count);
	}
	return NULL;
}

static void counts_are_mended_meanwhile(void **state)
{
	struct node_state shared = {};
	struct maps maps = {
		.failed = bpf_map__fd(node->maps.fantel_failed),
		.health = bpf_map__fd(node->maps.fantel_health),
		.resource = bpf_map__fd(node->maps.fantel_resource),
		.pace = bpf_map__fd(node->maps.fantel_pace),
		.node = &shared,
	};
	volatile bool end = false;
	pthread_t thread;

	maps.room[LIMIT_PATHS] = MAX_PATHS;
	maps.room[LIMIT_RESOURCES] = MAX_RESOURCES;
	node_clear(node->maps.fantel_failed, sizeof(struct failed_key));
	record(maps.failed, 1, 0);
	set_counted(17);
	assert_int_equal(pthread_create(&thread, NULL, come_and_go, (void *)&end), 0);
	assert_int_equal(recount(&maps, bpf_map__fd(node->maps.fantel_transit), settle_program()), 0);
	end = true;
	pthread_join(thread, NULL);
	assert_int_equal(*counted(), 1);
}

static void places_that_are_in_use(void **state)
{
	struct path path = { .name = "a-path", .tunnel = TUNNEL_GRE };
	struct resize r = resize_of(node->maps.fantel_paths);

	r.room = r.limit = 50;
	old_put(&r, 49, &path);
	assert_int_equal(resize_carry(&r), 0);
	old_put(&r, 50, &path);
	assert_int_equal(resize_carry(&r), -ENOSPC);
	resize_free(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "failures and their counts, whoever changed them", failures_and_their_counts, NULL, NULL,
		  NULL },
		{ "validities run out in the new map", validities_run_out, NULL, NULL, NULL },
		{ "more than fits is refused, and nothing is touched", more_than_fits, NULL, NULL, NULL },
		{ "sequence windows are merged", windows_are_merged, NULL, NULL, NULL },
		TEST("what was told meanwhile is to be told again", what_was_told_meanwhile),
		TEST("failures of links keep their names", failures_of_links_keep_their_names),
		TEST("the silence of a BFD session is noticed", silence_of_a_session),
		{ "failures count on in another map", counts_in_another_map, NULL, NULL, NULL },
		{ "what is counted on links and nodes, too", what_paths_cross, NULL, NULL, NULL },
		{ "no packet is counted twice or not at all", traffic_is_counted_on, NULL, NULL, NULL },
		TEST("reasons are counted on by their words", reasons_are_counted_on),
		TEST("numbers that the node gives out go on", the_node_counts_on),
		TEST("transit has its places", transit_has_its_places),
		{ "flows stay on their paths", flows_stay_on_their_paths, NULL, NULL, NULL },
		{ "rates that rise do so to their end", rates_rise_to_their_end, NULL, NULL, NULL },
		{ "as many as there are", many_rates_rise, NULL, NULL, NULL },
		{ "and those of transit", rates_of_transit_rise_to_their_end, NULL, NULL, NULL },
		{ "what a killed loader left is counted anew", counts_are_mended, NULL, NULL, NULL },
		TEST("also while failures come and go", counts_are_mended_meanwhile),
		{ "a place that is in use is not taken away", places_that_are_in_use, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("resize", tests, load, unload);
}
