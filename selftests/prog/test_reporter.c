// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * From the ring to the reader of our standard output: every event, once, and soon, whether or not
 * the kernel woke us for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/stat.h>

#include "emit.h"
#include "own.h"
#include "prog/emit.skel.h"
#include "reporter.h"

#define PATIENCE_MS 20000 /* for what should come at once */
#define FLOOD 20000	  /* events of each thread; far more than the ring holds */

/* A reporter of a ring of its own, and the other end of its output. */
struct bench {
	struct emit_bpf *skel;
	struct reporter *reporter;
	struct pins pins;
	FILE *out;
	int in;
	char text[1 << 16];
	size_t len;
};

static int up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));
	char maps[PATH_MAX + 8];
	int ends[2];

	b->skel = emit_bpf__open_and_load();
	strcpy(b->pins.node, "reporter");
	strcpy(b->pins.dir, "/tmp/fantel-reporter-XXXXXX");
	if (!b->skel || pipe(ends) || !mkdtemp(b->pins.dir))
		return -1;
	snprintf(maps, sizeof(maps), "%s/maps", b->pins.dir); /* what is locked */
	b->in = ends[0];
	b->out = fdopen(ends[1], "w");
	*state = b;
	return mkdir(maps, 0700) ||
	       reporter_start(&b->reporter, bpf_map__fd(b->skel->maps.emit_events), NULL, &b->pins,
			      FORMAT_TEXT, b->out);
}

static int down(void **state)
{
	struct bench *b = *state;
	char maps[PATH_MAX + 8];

	reporter_stop(b->reporter);
	emit_bpf__destroy(b->skel);
	snprintf(maps, sizeof(maps), "%s/maps", b->pins.dir);
	rmdir(maps);
	rmdir(b->pins.dir);
	fclose(b->out);
	close(b->in);
	free(b);
	return 0;
}

/* False when the ring has no room. */
static bool emit(const struct bench *b, __u32 event_id, __u64 flags)
{
	struct emit what = { .event_id = event_id, .flags = flags };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &what, .ctx_size_in = sizeof(what));

	return !bpf_prog_test_run_opts(bpf_program__fd(b->skel->progs.emit), &opts) && !opts.retval;
}

/* The event-id of the next line; 0 if none comes. */
static __u32 next_id(struct bench *b)
{
	struct pollfd fd = { .fd = b->in, .events = POLLIN };
	char *end, *id;
	__u32 n = 0;
	ssize_t got;

	while (!(end = memchr(b->text, '\n', b->len))) {
		if (poll(&fd, 1, PATIENCE_MS) <= 0)
			return 0;
		got = read(b->in, b->text + b->len, sizeof(b->text) - 1 - b->len);
		if (got <= 0)
			return 0;
		b->len += got;
	}
	*end = 0;
	id = strstr(b->text, "event-id=");
	if (id)
		n = strtoul(id + strlen("event-id="), NULL, 10);
	b->len -= end + 1 - b->text;
	memmove(b->text, end + 1, b->len);
	return n;
}

static void an_event_that_wakes_nobody_is_reported(void **state)
{
	struct bench *b = *state;

	for (__u32 id = 1; id <= 3; id++) {
		assert_true(emit(b, id, BPF_RB_NO_WAKEUP));
		assert_int_equal(next_id(b), id);
	}
}

static void nor_does_it_hold_up_those_behind_it(void **state)
{
	struct bench *b = *state;

	assert_true(emit(b, 1, BPF_RB_NO_WAKEUP));
	assert_true(emit(b, 2, 0)); /* not next in line: the kernel wakes nobody, either */
	assert_int_equal(next_id(b), 1);
	assert_int_equal(next_id(b), 2);
}

static void events_of_the_loader_come_between(void **state)
{
	struct event own = { .type = EVENT_LINK, .event_id = 2 };
	struct bench *b = *state;

	assert_true(emit(b, 1, 0));
	assert_int_equal(next_id(b), 1);
	reporter_emit(b->reporter, &own);
	assert_int_equal(next_id(b), 2);
}

static void what_is_there_at_the_end_is_reported(void **state)
{
	struct bench *b = *state;

	for (__u32 id = 1; id <= 100; id++)
		assert_true(emit(b, id, BPF_RB_NO_WAKEUP));
	reporter_stop(take_ptr(b->reporter));
	for (__u32 id = 1; id <= 100; id++)
		assert_int_equal(next_id(b), id);
}

struct flood {
	pthread_t thread;
	const struct bench *bench;
	__u32 first;
};

static void *flood(void *arg)
{
	struct flood *s = arg;

	for (__u32 i = 0; i < FLOOD;)
		if (emit(s->bench, s->first + i, 0))
			i++;
		else
			sched_yield();
	return NULL;
}

/* Two at once: records are finished in another order than they were begun. */
static void a_flood_from_two_sides_is_reported_whole_and_in_order(void **state)
{
	struct flood source[2] = { { .bench = *state, .first = 1 },
				    { .bench = *state, .first = 1 + FLOOD } };
	__u32 next[2] = { source[0].first, source[1].first };

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&source[i].thread, NULL, flood, &source[i]), 0);
	for (__u32 n = 0; n < 2 * FLOOD; n++) {
		__u32 id = next_id(*state);
		int from = id >= source[1].first;

		assert_int_equal(id, next[from]);
		next[from]++;
	}
	for (int i = 0; i < 2; i++)
		pthread_join(source[i].thread, NULL);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, up, down)
	const struct CMUnitTest tests[] = {
		TEST(an_event_that_wakes_nobody_is_reported),
		TEST(nor_does_it_hold_up_those_behind_it),
		TEST(events_of_the_loader_come_between),
		TEST(what_is_there_at_the_end_is_reported),
		TEST(a_flood_from_two_sides_is_reported_whole_and_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
