/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Events, from the ring buffer to the reader: a line of text or a JSON object each. `fantel run`
 * reads the ring and serves what it reads to any number of `fantel events`; those read the ring
 * themselves only where no loader runs. One process at a time reads the ring.
 */
#ifndef EVENTS_H
#define EVENTS_H

#include <stdio.h>

#include "event.h"
#include "fantel/abi.h"
#include "layout.h"
#include "pin.h"

struct events;

/* The ring of a build before, and how its events become ours. */
struct former_ring {
	int fd; /* -1: there is none */
	struct layout *layout;
};

void former_ring_free(struct former_ring *former);

/*
 * Read fantel_events (`map_fd`, which the caller keeps open), after what is left in a former ring, if any,
 * and print what comes to `out`; NULL prints nothing. Of `former` we take what is in it, unless it is NULL.
 * Returns 0 and *events (release with events_free), or a negative errno, reported.
 */
int events_open(struct events **events, int map_fd, struct former_ring *former, enum format format,
		FILE *out);

/*
 * Serve the events of the node at `pins` to other processes from now on (feed.h). Waits for another
 * reader of the ring to give way; nothing is lost meanwhile. Returns 0 or a negative errno,
 * reported: events are then read and printed all the same.
 */
int events_serve(struct events *events, const struct pins *pins);

/* Let `seen` see each event of the ring as it is read. */
typedef void events_fn(void *arg, const struct event *event);
void events_watch(struct events *events, events_fn *seen, void *arg);

/* Becomes readable when events_poll has something to do. The fd stays ours. */
int events_fd(const struct events *events);

/* Print and serve all that is there, without waiting. Returns 0 or a negative errno. */
int events_poll(struct events *events);

/* An event of the loader's own: print and serve it like those of the ring. */
void events_emit(struct events *events, const struct event *event);

void events_free(struct events *events);

#endif
