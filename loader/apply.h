/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One policy after another, as operators order by `fantel policy`. What takes long, reading a policy
 * and having the kernel verify its programs, a thread does while links are looked after; the loop then
 * makes the switch. One that is to be confirmed and is not gives way to the one before it. Owned by run.
 */
#ifndef APPLY_H
#define APPLY_H

#include "control.h"
#include "upkeep.h"

struct apply;

/* `upkeep` is what is in force, and is changed; `name`, if not NULL, is the node's in place of a
 * policy's own. All must live as long. Returns 0 or a negative errno, reported. */
int apply_open(struct apply **apply, struct node *node, struct upkeep **upkeep, const char *name);
void apply_close(struct apply *apply);

/* Does somebody wait for an answer? */
bool apply_is_busy(const struct apply *apply);

/* Where answers go; before the first order. */
void apply_answer_by(struct apply *apply, struct control *control);

/* A control_order_fn. */
void apply_order(struct apply *apply, struct order *order);

/* Readable when a policy is ready to be switched to. */
int apply_fd(const struct apply *apply);
/* When apply_tick has something to do: going back, unless confirmed. */
__u64 apply_due(const struct apply *apply);

/* Returns 0, or -EOWNERDEAD: nothing looks after the node any more, see upkeep_start. */
int apply_tick(struct apply *apply, __u64 now_ns);

/* What a loader that starts takes: the policy of the file, *edition, or in its place what was in force
 * before that one, if it is one that nobody confirmed: *back. Returns 0 or a negative errno, reported.
 * When it is in force, the second. */
int apply_first(struct edition **edition, const struct pins *pins, const char *name, bool *back);
void apply_first_done(const struct pins *pins, bool back);

#endif
