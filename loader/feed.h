/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Events from one process to others: a ring buffer has one reader, so that reader passes on what it
 * reads, one event a packet, over an abstract SOCK_SEQPACKET socket: nothing lies on a disk, and
 * nothing is left by a process that was killed. The name is known in one network namespace, which
 * is the node's own. Both sides talk only to root or to the user that they run as. A client that
 * does not keep up loses events, is told how many, and holds nobody up.
 */
#ifndef FEED_H
#define FEED_H

#include "fantel/abi.h"
#include "pin.h"

#define FEED_CLIENTS 32

/* ---- the side that serves -------------------------------------------------------------------- */

struct feed;

/* Serve the events of the node at `pins`. Returns 0 and *feed (release with feed_free), or a
 * negative errno, reported. */
int feed_open(struct feed **feed, const struct pins *pins);

/* Becomes readable when feed_poll has something to do. */
int feed_fd(const struct feed *feed);

/* Take new clients, drop those that left. */
void feed_poll(struct feed *feed);

/* Send an event to every client that can take it now. */
void feed_publish(struct feed *feed, const struct event *event);

void feed_free(struct feed *feed);

/* ---- the side that reads --------------------------------------------------------------------- */

/* Returns an fd, or a negative errno where nobody serves. Says nothing. */
int feed_connect(const struct pins *pins);

/* Wait for the next event. *lost: how many were not sent to us so far. Returns 1, 0 at the end, or
 * a negative errno; -EPROTO: the other side is another version. */
int feed_receive(int fd, struct event *event, __u64 *lost);

#endif
