// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * overdue: what should end by a timer of its own and has none. Entries are put here as another map, or a kernel
 * without memory, leaves them; that a burst of notifications ends too is test_notify's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "clock.h"
#include "harness.h"
#include "overdue.h"

#define PATH 5
#define PORT 7
#define SECOND ((__s64)NSEC_PER_SEC)
#define MS ((__s64)NSEC_PER_MSEC)

static struct fantel_bpf *node;

static void look(void)
{
	assert_int_equal(overdue_run(bpf_program__fd(node->progs.fantel_overdue)), 0);
}

/* Until then, unless it says sooner that it does not. */
static bool stays(bool (*holds)(void), __u64 until_ns)
{
	while (clock_now_ns() < until_ns)
		if (!holds() && clock_now_ns() < until_ns)
			return false;
	return true;
}

static bool becomes_not(bool (*holds)(void))
{
	for (int i = 0; i < 1000 && holds(); i++)
		usleep(10000);
	return !holds();
}

/* ---- failures -------------------------------------------------------------------------------- */

static const struct failed_key key = { .index = PATH, .event_id = 1 };

static bool is_recorded(void)
{
	struct failed failed;

	return node_get(node->maps.fantel_failed, &key, &failed);
}

static __s32 counted(void)
{
	struct health health;

	node_get(node->maps.fantel_health, &(__u32){ PATH }, &health);
	return health.failures;
}

/* Both from now; 0 = none. */
static void record(__s64 until_ns, __s64 armed_ns)
{
	__u64 now = clock_now_ns();
	struct failed failed = { .name = "a-path", .kind = KIND_FAILURE, .since_ns = now,
				 .until_ns = until_ns ? now + until_ns : 0,
				 .armed_ns = armed_ns ? now + armed_ns : 0 };
	struct health health = { .failures = 1 };

	node_put(node->maps.fantel_failed, &key, &failed);
	node_put(node->maps.fantel_health, &(__u32){ PATH }, &health);
	node_events(node, NULL, 0);
}

static const struct {
	const char *sentence;
	__s64 until_ns, armed_ns;
	bool ends;
} failures[] = {
	{ "its time is over, and it has no timer: it ends", -MS, 0, true },
	{ "its timer should have fired long ago: it ends", -2 * SECOND, -2 * SECOND, true },
	{ "a timer that has just fired may be at it", -MS, -MS, false },
	{ "a timer that is to look later ends it", -MS, SECOND, false },
	{ "its time is not over", 60 * SECOND, 0, false },
	{ "it has no end", 0, 0, false },
};

static void a_failure(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
		__u64 expired = node_count(node, REASON_EXPIRED).packets;
		struct event event;

		print_message("%s\n", failures[i].sentence);
		record(failures[i].until_ns, failures[i].armed_ns);
		look();
		assert_int_equal(is_recorded(), !failures[i].ends);
		assert_int_equal(counted(), !failures[i].ends);
		assert_int_equal(node_count(node, REASON_EXPIRED).packets, expired + failures[i].ends);
		assert_int_equal(node_events(node, &event, 1), failures[i].ends);
		if (failures[i].ends) {
			assert_int_equal(event.reason, REASON_EXPIRED);
			assert_int_equal(event.index, PATH);
			assert_int_equal(event.event_id, key.event_id);
			assert_int_equal(event.usable, 1);
		}
		node_clear(node->maps.fantel_failed, sizeof(key));
	}
}

/* By its timer, or where the kernel has none by that of all. */
static void a_failure_gets_a_timer(void **state)
{
	struct failed failed;

	record(300 * MS, 0);
	assert_true(node_get(node->maps.fantel_failed, &key, &failed));
	look();
	assert_true(stays(is_recorded, failed.until_ns));
	assert_true(becomes_not(is_recorded));
	assert_true(clock_now_ns() >= failed.until_ns);
	assert_int_equal(counted(), 0);
}

/* ---- BFD sessions ---------------------------------------------------------------------------- */

static struct bfd_session session(void)
{
	struct bfd_session b;

	assert_true(node_get(node->maps.fantel_bfd, &(__u32){ PORT }, &b));
	return b;
}

static bool is_up(void)
{
	return session().state == BFD_UP;
}

static void hear(enum bfd_state is, __s64 heard_ns, __s64 armed_ns)
{
	__u64 now = clock_now_ns();
	struct bfd_session b = { .state = is, .detection_ns = 300 * MS, .its_discriminator = 9,
				 .heard_ns = now + heard_ns, .armed_ns = armed_ns ? now + armed_ns : 0 };
	struct bfd_set set = { .discriminator = 1 };

	node_put(node->maps.fantel_bfd_set, &(__u32){ PORT }, &set);
	node_put(node->maps.fantel_bfd, &(__u32){ PORT }, &b);
}

static const struct {
	const char *sentence;
	enum bfd_state state;
	__s64 heard_ns, armed_ns;
	enum bfd_state becomes;
	bool fails;
} sessions[] = {
	{ "silent, without a timer: down", BFD_UP, -SECOND, 0, BFD_DOWN, true },
	{ "silent, and its timer is long past: down", BFD_UP, -3 * SECOND, -2 * SECOND, BFD_DOWN, true },
	{ "silent before it was up: its link was not", BFD_INIT, -SECOND, 0, BFD_DOWN, false },
	{ "silent, with a timer", BFD_UP, -SECOND, SECOND, BFD_UP, false },
	{ "heard of", BFD_UP, 60 * SECOND, 0, BFD_UP, false },
	{ "down already", BFD_DOWN, -SECOND, 0, BFD_DOWN, false },
};

static void a_session(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(sessions); i++) {
		print_message("%s\n", sessions[i].sentence);
		hear(sessions[i].state, sessions[i].heard_ns, sessions[i].armed_ns);
		look();
		assert_int_equal(session().state, sessions[i].becomes);
		assert_int_equal(session().failed, sessions[i].fails);
		assert_int_equal(session().its_discriminator,
				 sessions[i].becomes == sessions[i].state ? 9 : 0);
	}
}

static void a_session_gets_a_timer(void **state)
{
	hear(BFD_UP, 0, 0);
	look();
	assert_true(stays(is_up, session().heard_ns + 300 * MS));
	assert_true(becomes_not(is_up));
	assert_true(clock_now_ns() >= session().heard_ns + 300 * MS);
	assert_int_equal(session().failed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a failure without a timer", a_failure),
		TEST("one whose time comes ends then, not before", a_failure_gets_a_timer),
		TEST("a BFD session without a timer", a_session),
		TEST("one that falls silent is down then, not before", a_session_gets_a_timer),
	};
	struct config config = node_config();
	int failed;

	node = node_load(&config);
	failed = cmocka_run_group_tests_name("overdue", tests, NULL, NULL);
	fantel_bpf__destroy(node);
	return failed;
}
