// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* learned.h: what the loader reads of fantel_learned when a link fails, from a real map. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <bpf/libbpf.h>
#include <errno.h>

#include "harness.h"
#include "learned.h"

#define LINKS 3
#define INGRESSES 7
#define ENTRIES (2 * 3 * 7 * 100) /* several batches */
#define FAILED 2

static struct fantel_bpf *node;

/* Tunnel i leaves by link i % LINKS + 1, is ingress PE i % INGRESSES's, and was last seen at 1000 + i. */
static int fill(void **state)
{
	struct config config = node_config();

	node = node_load(&config);
	for (__u32 i = 0; i < ENTRIES; i++) {
		struct told_key key = { .tunnel_hash = 1000003ULL * i, .ifindex = i % LINKS + 1 };
		struct learned learned = { .seen_ns = 1000 + i, .tunnel = { .code = CODE_IP, .n = 1 } };

		key.ingress.b[15] = i % INGRESSES;
		node_put(node->maps.fantel_learned, &key, &learned);
	}
	return 0;
}

static int destroy(void **state)
{
	fantel_bpf__destroy(node);
	return 0;
}

static void take(struct learned_tunnels *t, __u32 ifindex, __u64 since_ns)
{
	const struct sensed_key about = { .ifindex = ifindex };

	assert_int_equal(learned_read(t, bpf_map__fd(node->maps.fantel_learned), &about, since_ns), 0);
}

static void all_of_one_link(void **state)
{
	struct learned_tunnels t OWN_LEARNED;

	take(&t, FAILED, 0);
	assert_int_equal(t.n, ENTRIES / LINKS);
	for (__u32 k = 0; k < t.n; k++) {
		assert_int_equal(t.tunnel[k].key.ifindex, FAILED);
		assert_int_equal((t.tunnel[k].learned.seen_ns - 1000) % LINKS, FAILED - 1);
		assert_int_equal(t.tunnel[k].learned.tunnel.code, CODE_IP);
	}
}

static void none_that_is_too_old(void **state)
{
	struct learned_tunnels t OWN_LEARNED;

	take(&t, FAILED, 1000 + ENTRIES - LINKS);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.tunnel[0].learned.seen_ns, 1000 + ENTRIES - 2);
}

static void nothing_of_a_link_without_any(void **state)
{
	struct learned_tunnels t OWN_LEARNED;

	take(&t, LINKS + 1, 0);
	assert_int_equal(t.n, 0);
	learned_by_age(&t);
	learned_by_ingress(&t);
}

static void last_seen_first(void **state)
{
	struct learned_tunnels t OWN_LEARNED;

	take(&t, FAILED, 0);
	learned_by_age(&t);
	for (__u32 k = 1; k < t.n; k++)
		assert_true(t.tunnel[k - 1].learned.seen_ns > t.tunnel[k].learned.seen_ns);
}

static void of_one_ingress_together(void **state)
{
	struct learned_tunnels t OWN_LEARNED;
	__u32 begins = 0;

	take(&t, FAILED, 0);
	learned_by_ingress(&t);
	for (__u32 k = 0; k < t.n; k++)
		begins += !k || !addr_equal(&t.tunnel[k].key.ingress, &t.tunnel[k - 1].key.ingress);
	assert_int_equal(begins, INGRESSES);
}

static void what_comes_is_not_what_leaves(void **state)
{
	const struct sensed_key about = { .ifindex = FAILED, .trouble = TROUBLE_ERRORS };
	const struct sensed_key both = { .ifindex = FAILED, .trouble = TROUBLE_LOAD };
	struct told_key key = { .ifindex = FAILED, .trouble = TROUBLE_ERRORS };
	struct learned learned = { .seen_ns = 1, .tunnel = { .code = CODE_IP, .n = 1 } };
	struct learned_tunnels t OWN_LEARNED;

	node_put(node->maps.fantel_learned, &key, &learned);
	take(&t, FAILED, 0);
	assert_int_equal(t.n, ENTRIES / LINKS);
	learned_free(&t);
	assert_int_equal(learned_read(&t, bpf_map__fd(node->maps.fantel_learned), &about, 0), 0);
	assert_int_equal(t.n, 1);
	assert_int_equal(t.tunnel[0].key.trouble, TROUBLE_ERRORS);
	learned_free(&t);
	assert_int_equal(learned_read(&t, bpf_map__fd(node->maps.fantel_learned), &both, 0), 0);
	assert_int_equal(t.n, ENTRIES / LINKS + 1);
}

static void of_all_links(void **state)
{
	struct learned_tunnels t OWN_LEARNED;

	take(&t, 0, 0);
	assert_int_equal(t.n, ENTRIES);
}

static void a_map_that_is_none(void **state)
{
	const struct sensed_key about = { .ifindex = FAILED };
	struct learned_tunnels t OWN_LEARNED;

	assert_int_equal(learned_read(&t, -1, &about, 0), -EBADF);
	assert_int_equal(t.n, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST("all of one link are read, in however many batches", all_of_one_link),
		TEST("none that was not seen for too long", none_that_is_too_old),
		TEST("nothing of a link that nobody uses", nothing_of_a_link_without_any),
		TEST("those seen last come first", last_seen_first),
		TEST("those of one ingress PE come together", of_one_ingress_together),
		TEST("what comes by a link is not what leaves by it", what_comes_is_not_what_leaves),
		TEST("what leaves by any link is read together", of_all_links),
		TEST("a map that can't be read is an error", a_map_that_is_none),
	};

	return cmocka_run_group_tests_name("learned", tests, fill, destroy);
}
