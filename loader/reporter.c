// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The thread owns struct events; the rest of the loader only ever writes to the pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

#include "log.h"
#include "own.h"
#include "reporter.h"

#define LAST_WORDS_S 1
/* The kernel wakes a reader only for a record that it finds next in line. One that for whatever
 * reason woke nobody would keep all that come after it from doing so. */
#define LOOK_AGAIN_MS 100

struct reporter {
	struct events *events;
	pthread_t thread;
	int to, from; /* the pipe's ends: the loader writes, the thread reads */
	int paths;    /* eventfd: the thread writes, the loader reads */
	int ring;     /* ours, for others may close theirs */
	bool lost;
};
_Static_assert(sizeof(struct event) <= PIPE_BUF, "an event is written whole or not at all");

/* False when the loader has closed its end. */
static bool take_own(struct reporter *reporter)
{
	struct event event;
	ssize_t n;

	while ((n = read(reporter->from, &event, sizeof(event))) == sizeof(event))
		events_emit(reporter->events, &event);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* In the thread, at each event of the packet path. */
static void on_event(void *arg, const struct event *event)
{
	const struct reporter *reporter = arg;

	if (event->type == EVENT_NO_PATH || event->type == EVENT_PATH ||
	    (event->type == EVENT_NOTIFICATION &&
	     (event->reason == REASON_FAILED || event->reason == REASON_RECOVERED ||
	      event->reason == REASON_CONGESTED || event->reason == REASON_EASED)))
		eventfd_write(reporter->paths, 1);
}

static void *report(void *arg)
{
	struct reporter *reporter = arg;
	struct pollfd fds[] = { { .fd = events_fd(reporter->events), .events = POLLIN },
				{ .fd = reporter->from, .events = POLLIN } };
	bool more = true;

	while (more) {
		if (poll(fds, ARRAY_SIZE(fds), LOOK_AGAIN_MS) < 0 && errno != EINTR)
			break;
		more = take_own(reporter);
		events_poll(reporter->events);
	}
	return NULL;
}

/* Signals are for the loader, not for this thread. */
static int start_thread(struct reporter *reporter)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&reporter->thread, NULL, report, reporter);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r ? err_r(-r, "events: can't start a thread: %s", strerror(r)) : 0;
}

static int own_ring(struct reporter *reporter, int map_fd)
{
	reporter->ring = fcntl(map_fd, F_DUPFD_CLOEXEC, 0);
	return reporter->ring < 0 ? err_r(-errno, "fantel_events: %s", strerror(errno)) : 0;
}

int reporter_start(struct reporter **out, int map_fd, struct former_ring *former, const struct pins *pins,
		   enum format format, FILE *to)
{
	struct reporter *reporter = calloc(1, sizeof(*reporter));
	int ends[2] = { -1, -1 };
	int r;

	if (!reporter)
		return -ENOMEM;
	reporter->ring = -1;
	reporter->paths = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (reporter->paths < 0)
		r = err_r(-errno, "events: can't make an eventfd: %s", strerror(errno));
	else
		r = own_ring(reporter, map_fd)
			    ?: events_open(&reporter->events, reporter->ring, former, format, to);
	if (!r) {
		events_watch(reporter->events, on_event, reporter);
		events_serve(reporter->events, pins);
	}
	if (!r && pipe2(ends, O_CLOEXEC | O_NONBLOCK))
		r = err_r(-errno, "events: can't make a pipe: %s", strerror(errno));
	reporter->from = ends[0];
	reporter->to = ends[1];
	r = r ?: start_thread(reporter);
	if (r) {
		if (reporter->events)
			events_free(reporter->events);
		own_close(&reporter->ring);
		own_close(&reporter->paths);
		own_close(&reporter->from);
		own_close(&reporter->to);
		free(reporter);
		return r;
	}
	*out = reporter;
	return 0;
}

void reporter_emit(struct reporter *reporter, const struct event *event)
{
	if (write(reporter->to, event, sizeof(*event)) == sizeof(*event)) {
		reporter->lost = false;
		return;
	}
	if (!reporter->lost)
		log_warn("events: nobody takes them fast enough; some are lost");
	reporter->lost = true;
}

int reporter_paths(const struct reporter *reporter)
{
	return reporter->paths;
}

bool reporter_paths_changed(const struct reporter *reporter)
{
	eventfd_t times;

	return !eventfd_read(reporter->paths, &times);
}

void reporter_stop(struct reporter *reporter)
{
	struct timespec until;

	if (!reporter)
		return;
	close(reporter->to);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LAST_WORDS_S;
	/* Stuck on an output that nobody reads: it ends with the process. */
	if (pthread_clockjoin_np(reporter->thread, NULL, CLOCK_MONOTONIC, &until))
		return;
	events_free(reporter->events);
	close(reporter->ring);
	close(reporter->from);
	close(reporter->paths);
	free(reporter);
}
