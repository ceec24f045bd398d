/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Events in a thread of their own: whoever reads our standard output may stop reading, and must not
 * stop us from seeing links fail. Events of the loader itself are handed over through a pipe.
 */
#ifndef REPORTER_H
#define REPORTER_H

#include "events.h"

struct reporter;

/* Print the events of `map_fd`, and of a former ring as events_open has it, to `to` (NULL: none) and serve them
 * to other processes. Returns 0 or a negative errno, reported. */
int reporter_start(struct reporter **out, int map_fd, struct former_ring *former, const struct pins *pins,
		   enum format format, FILE *to);

/* Report an event of the loader's own; never waits. */
void reporter_emit(struct reporter *reporter, const struct event *event);

/* Readable when an event may have changed which groups have a path; the fd stays ours. The other one
 * tells whether it was, and makes it wait for the next. */
int reporter_paths(const struct reporter *reporter);
bool reporter_paths_changed(const struct reporter *reporter);

/* Report what is there, and end. */
void reporter_stop(struct reporter *reporter);

#endif
