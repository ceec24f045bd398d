/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* One event as text and as JSON. Pure but for the clock and the output. */
#ifndef EVENT_H
#define EVENT_H

#include <jansson.h>
#include <stdio.h>

#include "fantel/abi.h"

enum format {
	FORMAT_TEXT, /* one line an event: time, type, then member=value ... */
	FORMAT_JSON, /* one object a line */
};

/* The members that this event has, in the order in which both formats print them. */
json_t *event_json(const struct event *event);

/* Print one event, newline included. */
void event_print(const struct event *event, enum format format, FILE *out);

/* The same for events that did not reach us: a slow reader is told how many it missed. */
void event_print_lost(__u64 lost, enum format format, FILE *out);

#endif
