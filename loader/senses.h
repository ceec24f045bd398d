/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Trouble that no packet shows: a link whose packets arrive broken, or not at all, and a node that is
 * too busy. Measured here once an interval, begun, and ended; kept in fantel_sensed, of which this is
 * the only writer, so that the next loader goes on with what is on. Owned by run.
 */
#ifndef SENSES_H
#define SENSES_H

#include "errors.h"
#include "links.h"
#include "maps.h"
#include "policy.h"

struct senses;

struct sense_ops {
	/* It began, or is over. */
	void (*news)(void *arg, const struct event *event);
	/* It is on: those who are to be told, and were not yet, may have become more. */
	void (*lasts)(void *arg, const struct sensed_key *key);
	void *arg;
};

/* maps, links and policy must live as long. Returns 0 or a negative errno, reported. */
int senses_open(struct senses **senses, const struct maps *maps, struct links *links,
		const struct policy *policy, const struct sense_ops *ops);
void senses_free(struct senses *senses);

/* A port's interface was removed, or came back. */
void senses_link(struct senses *senses, enum link_change change, const struct interface *i);

__u64 senses_due(const struct senses *senses);
void senses_tick(struct senses *senses, __u64 now_ns);

/* What was measured last, and whether it is trouble; NULL: it is not measured. */
const struct sensed *senses_find(const struct senses *senses, const struct sensed_key *key);

/* As notifications tell it. Anomalous (RFC 8570 §4.3) is a loss from where it becomes trouble until that
 * is over. Pure. */
struct measured sensed_measured(const struct sensed_key *key, const struct sensed *sensed);

enum sense_change {
	SENSE_SAME,
	SENSE_BEGINS,
	SENSE_ENDS,
};

/* One measurement more. Pure. */
enum sense_change sense_step(struct sensed *sensed, enum level level, __u64 hold_down_ns,
			     __u64 now_ns);

#endif
