/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What is measured of core links and of the node, told to the ingress PEs when it changes much (TYPE5):
 * bandwidth where the utilization of a link is watched, loss where its errors are, delay where BFD
 * echoes run, and the node's load. Owned by run; keeps nothing: the next loader tells all of it anew,
 * under the same event-ids.
 */
#ifndef CHANGES_H
#define CHANGES_H

#include "links.h"
#include "senses.h"
#include "watches.h"

struct changes;

/* To be told to all whom it concerns; `about` with TROUBLE_LOAD is all of a link, not only that. */
typedef void changes_fn(void *arg, const struct sensed_key *about, const struct measured *measured);

/* *out = NULL where policy does not want it. All must live as long. Returns 0 or a negative errno. */
int changes_open(struct changes **out, const struct maps *maps, const struct links *links,
		 const struct watches *watches, const struct senses *senses,
		 const struct policy *policy, changes_fn *tell, void *arg);
void changes_free(struct changes *changes);

__u64 changes_due(const struct changes *changes);
void changes_tick(struct changes *changes, __u64 now_ns);

/* Is there so much of a difference, in percent of the capacity of a bandwidth, of what was told of
 * delay and loss, and in percent of the node's time and memory? Anomalous or not always is one. Pure. */
bool changes_much(const struct measured *told, const struct measured *now, __u32 percent);

/* Is it to be told now? told_ns 0: it never was. Pure. */
bool changes_now(const struct policy_changes *rules, __u64 told_ns, bool much, __u64 now_ns);

/* Whether a delay is anomalous: from its maximum on, until it is below where it is reused (RFC 8570
 * §4.1). Pure. */
bool changes_anomalous(bool was, const struct threshold *delay, __u32 delay_us);

#endif
