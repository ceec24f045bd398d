/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * All that keeps one policy in force, from its programs to its last timer, as one thing that follows
 * another: a loader's first one takes over what an earlier loader left, the next ones take over from
 * each other, while packets flow and links fail. Owned by run, whose loop it is part of.
 */
#ifndef UPKEEP_H
#define UPKEEP_H

#include <poll.h>

#include "carrier.h"
#include "control.h"
#include "edition.h"
#include "reporter.h"

/* A node that runs: what outlives its policies. */
struct node {
	struct pins pins;
	bool verbose;
	enum format format;
	FILE *events; /* NULL: they are not printed */
	struct reporter *reporter; /* NULL: not yet */
	__u64 carrier_ns;	   /* between two looks at the carriers; 0 = the kernel is trusted */
	struct carrier *carrier;   /* NULL: nobody has to ask */
	__u64 now_ns;
};

struct upkeep;

/*
 * Put `edition`, whose programs are loaded, into force: make before break, no packet is lost.
 * `before`: what was in force, NULL at first; it is taken over, and has come to its end when 0 is
 * returned. Else a negative errno, reported, and `before` looks after the node as it did; *edition is
 * the caller's still. -EOWNERDEAD: that could not be restored; what is pinned goes on.
 */
int upkeep_start(struct upkeep **upkeep, struct node *node, struct edition **edition,
		 struct upkeep **before);

/* Have BFD sessions and carriers led by threads and timers, which what follows takes over; once. */
void upkeep_lead(struct upkeep *upkeep);

/* Nobody looks after the node from now on, and the packet path knows that; what is pinned goes on. */
void upkeep_free(struct upkeep *upkeep);

const struct edition *upkeep_edition(const struct upkeep *upkeep);
bool upkeep_is_takeover(const struct upkeep *upkeep);
__u32 upkeep_dead_nexthops(const struct upkeep *upkeep);

/* Read the file of keys again. */
void upkeep_keys(struct upkeep *upkeep);

/* Is all that outlives the loader in its place? Once the node's directories are there again: put it there, and
 * serve events from there. Returns 0 or a negative errno, reported. */
bool upkeep_is_pinned(const struct upkeep *upkeep);
int upkeep_pin_again(struct upkeep *upkeep);

/* Do what another program reports, or write to `error` why not. */
int upkeep_report(struct upkeep *upkeep, const struct report *report, char error[CONTROL_ERROR]);

/* The loop: what to wait for, until when, and what to do then; links before all else. */
#define UPKEEP_FDS 10
__u32 upkeep_fds(const struct upkeep *upkeep, struct pollfd fds[UPKEEP_FDS]);
__u64 upkeep_due(const struct upkeep *upkeep);
void upkeep_links(struct upkeep *upkeep);
void upkeep_rest(struct upkeep *upkeep, const struct pollfd fds[UPKEEP_FDS]);

#endif
