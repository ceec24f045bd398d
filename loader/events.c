// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The ring's reader, and `fantel events`.
 *
 * A ring buffer can't have two readers at a time: they would see records twice, or torn. Whoever
 * reads it holds a lock on the directory of the node's maps. A loader that starts while `fantel
 * events` reads the ring opens its feed and waits; the other sees the feed, lets go, and reads
 * that.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>

#include "commands.h"
#include "events.h"
#include "feed.h"
#include "heritage.h"
#include "lock.h"
#include "log.h"
#include "options.h"
#include "own.h"

#define RETRY_MS 100
/* Events read in one go, so that a flood of them does not keep the caller from its other work. */
#define BATCH 1024

struct events {
	struct ring_buffer *ring; /* of the former one, too */
	struct former_ring former;
	struct feed *feed; /* NULL = not served */
	int epoll;
	int lock;  /* on the ring; -1 = not held */
	int retry; /* timer, while another process holds the lock; -1 = no need */
	char lock_dir[PATH_MAX];
	enum format format;
	FILE *out;
	events_fn *seen; /* NULL = nobody else */
	void *arg;
	__u64 wanted; /* events yet to be printed; only `fantel events --count` sets a limit */
	int batch;
};

static int watch(struct events *events, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(events->epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

static int ring_fd(const struct events *events)
{
	return ring_buffer__epoll_fd(events->ring);
}

static void ring_dir(char dir[PATH_MAX], const struct pins *pins)
{
	snprintf(dir, PATH_MAX, "%s/maps", pins->dir);
}

/* ---- reading the ring ------------------------------------------------------------------------ */

static void pass_on(struct events *events, const struct event *event)
{
	if (events->out && events->wanted) {
		event_print(event, events->format, events->out);
		events->wanted--;
	}
	if (events->feed)
		feed_publish(events->feed, event);
}

void events_emit(struct events *events, const struct event *event)
{
	pass_on(events, event);
	if (events->out)
		fflush(events->out);
}

static int take_event(struct events *events, const struct event *event)
{
	pass_on(events, event);
	if (events->seen)
		events->seen(events->arg, event);
	return !events->wanted || ++events->batch >= BATCH ? -EINTR : 0;
}

static int take_record(void *arg, void *data, size_t len)
{
	return len >= sizeof(struct event) ? take_event(arg, data) : 0;
}

static int take_former(void *arg, void *data, size_t len)
{
	struct events *events = arg;
	struct event event;

	if (len < layout_from_size(events->former.layout))
		return 0;
	layout_convert(events->former.layout, data, &event);
	return take_event(events, &event);
}

static struct ring_buffer *open_rings(struct events *e, int map_fd)
{
	struct ring_buffer *rings = e->former.fd >= 0 ?
					    ring_buffer__new(e->former.fd, take_former, e, NULL) :
					    ring_buffer__new(map_fd, take_record, e, NULL);

	if (!rings || e->former.fd < 0 || !ring_buffer__add(rings, map_fd, take_record, e))
		return rings;
	ring_buffer__free(rings);
	return NULL;
}

static void own_events(struct events **events)
{
	if (*events)
		events_free(*events);
}
#define OWN_EVENTS __attribute__((cleanup(own_events)))

void former_ring_free(struct former_ring *former)
{
	own_close(&former->fd);
	layout_free(former->layout);
	*former = (struct former_ring){ .fd = -1 };
}

int events_open(struct events **events, int map_fd, struct former_ring *former, enum format format,
		FILE *out)
{
	struct events *e OWN_EVENTS = calloc(1, sizeof(*e));
	int r;

	if (!e)
		return -ENOMEM;
	e->epoll = e->lock = e->retry = e->former.fd = -1;
	if (former) {
		e->former = *former;
		*former = (struct former_ring){ .fd = -1 };
	}
	e->format = format;
	e->out = out;
	e->wanted = ~0ULL;
	e->ring = open_rings(e, map_fd);
	if (!e->ring)
		return err_r(-errno, "fantel_events: can't be read: %s", strerror(errno));
	e->epoll = epoll_create1(EPOLL_CLOEXEC);
	r = e->epoll < 0 ? -errno : watch(e, ring_fd(e));
	if (r)
		return err_r(r, "epoll: %s", strerror(-r));
	*events = take_ptr(e);
	return 0;
}

void events_free(struct events *events)
{
	if (events->feed)
		feed_free(events->feed);
	ring_buffer__free(events->ring);
	former_ring_free(&events->former);
	own_close(&events->retry);
	own_close(&events->lock);
	own_close(&events->epoll);
	free(events);
}

void events_watch(struct events *events, events_fn *seen, void *arg)
{
	events->seen = seen;
	events->arg = arg;
}

int events_fd(const struct events *events)
{
	return events->epoll;
}

/* Another process reads the ring: look again later, and leave the ring alone until then. */
static int wait_for_ring(struct events *events)
{
	struct itimerspec t = { .it_interval.tv_nsec = RETRY_MS * NSEC_PER_MSEC,
				.it_value.tv_nsec = RETRY_MS * NSEC_PER_MSEC };

	events->retry = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (events->retry < 0 || timerfd_settime(events->retry, 0, &t, NULL))
		return -errno;
	if (epoll_ctl(events->epoll, EPOLL_CTL_DEL, ring_fd(events), NULL))
		return -errno;
	return watch(events, events->retry);
}

static int try_ring(struct events *events)
{
	__u64 ticks;

	if (read(events->retry, &ticks, sizeof(ticks)) < 0)
		return 0;
	events->lock = lock_take(events->lock_dir);
	if (events->lock < 0)
		return 0;
	own_close(&events->retry);
	events->retry = -1;
	return watch(events, ring_fd(events));
}

int events_serve(struct events *events, const struct pins *pins)
{
	int r = feed_open(&events->feed, pins);

	if (!r)
		r = watch(events, feed_fd(events->feed));
	if (r)
		return r;
	ring_dir(events->lock_dir, pins);
	events->lock = lock_take(events->lock_dir);
	if (events->lock == -EBUSY)
		return wait_for_ring(events);
	return 0;
}

int events_poll(struct events *events)
{
	int r = 0;

	if (events->feed)
		feed_poll(events->feed);
	if (events->retry >= 0)
		return try_ring(events);
	events->batch = 0;
	r = ring_buffer__consume(events->ring);
	if (events->batch && events->out)
		fflush(events->out);
	return r < 0 && r != -EINTR ? r : 0;
}

/* ---- fantel events --------------------------------------------------------------------------- */

struct events_options {
	struct options options; /* first: what options_parse takes */
	__u64 count;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct events_options *options = state->input;
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(state);
		return 0;
	case 'n':
		options->count = strtoull(arg, &end, 10);
		if (*end || end == arg || *arg == '-' || !options->count)
			argp_error(state, "--count takes a number of events, 1 or more, not '%s'",
				   arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option own_options[] = {
	{ .name = "count", .key = 'n', .arg = "NUMBER", .doc = "end after so many events" },
	{},
};
static const struct argp_child children[] = { { .argp = &options_view }, {} };
static const struct argp argp = {
	.options = own_options,
	.parser = parse,
	.children = children,
};

struct reader {
	struct pins pins;
	enum format format;
	__u64 wanted;
};

static int err_version(const struct reader *reader)
{
	return err_r(-EPROTO,
		     "node %s: its loader is another version of fantel; use that one's `fantel events`",
		     reader->pins.node);
}

/* From the loader, until it stops. */
static int read_feed(struct reader *reader, int fd)
{
	__u64 lost, told = 0;
	struct event event;
	int r = 1;

	while (reader->wanted && (r = feed_receive(fd, &event, &lost)) == 1) {
		if (lost != told)
			event_print_lost(lost - told, reader->format, stdout);
		told = lost;
		event_print(&event, reader->format, stdout);
		fflush(stdout);
		reader->wanted--;
	}
	if (r == -EPROTO)
		return err_version(reader);
	return r < 0 ? err_r(r, "node %s: events: %s", reader->pins.node, strerror(-r)) : 0;
}

/* From the ring itself, until a loader serves it. The lock is held by the caller. */
static int read_ring(struct reader *reader)
{
	struct events *events OWN_EVENTS = NULL;
	int map OWN_FD = pins_map(&reader->pins, "fantel_events");
	int r;

	if (map < 0)
		return map;
	r = events_open(&events, map, NULL, reader->format, stdout);
	if (!events)
		return r;
	events->wanted = reader->wanted;
	while (events->wanted && !r) {
		struct epoll_event ready;
		int feed OWN_FD = feed_connect(&reader->pins);

		if (feed >= 0)
			break;
		epoll_wait(events->epoll, &ready, 1, RETRY_MS);
		r = events_poll(events);
	}
	reader->wanted = events->wanted;
	return r;
}

/* Did this build make them? Another loader may have come since the last turn. */
static bool are_ours(const struct pins *pins)
{
	char path[PATH_MAX];
	int fd OWN_FD = -1;

	pins_map_path(pins, "fantel_node", path);
	fd = bpf_obj_get(path);
	return fd < 0 || heritage_is_ours(pins, "fantel_node", fd);
}

/* One turn with whoever has the events now. */
static int read_turn(struct reader *reader, bool *warned)
{
	int feed OWN_FD = feed_connect(&reader->pins);
	int lock OWN_FD = -1;
	char dir[PATH_MAX];

	if (!are_ours(&reader->pins))
		return err_version(reader);
	if (feed >= 0)
		return read_feed(reader, feed);
	ring_dir(dir, &reader->pins);
	lock = lock_take(dir);
	if (lock >= 0)
		return read_ring(reader);
	if (lock != -EBUSY)
		return err_r(lock, "%s: %s", dir, strerror(-lock));
	if (!*warned)
		log_warn("node %s: process %d reads its events and passes none on in this network "
			 "namespace; waiting for it to end",
			 reader->pins.node, lock_holder(dir));
	*warned = true;
	nanosleep(&(struct timespec){ .tv_nsec = RETRY_MS * NSEC_PER_MSEC }, NULL);
	return 0;
}

int cmd_events(int argc, char **argv)
{
	struct events_options options = {};
	struct reader reader = {};
	bool warned = false;
	int r = 0;

	options_parse(&argp, argc, argv, &options);
	if (pins_find(&reader.pins, options.options.root, options.options.node))
		return EXIT_FAILED;
	reader.format = options.options.json ? FORMAT_JSON : FORMAT_TEXT;
	reader.wanted = options.count ?: ~0ULL;
	while (reader.wanted && !r && !ferror(stdout))
		r = read_turn(&reader, &warned);
	return r ? EXIT_FAILED : EXIT_DONE;
}
