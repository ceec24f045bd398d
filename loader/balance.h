/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * fantel_metrics -> effective weights in fantel_groups, and the tables of fantel_ranks made of them
 * (docs/balance.md). Owned by run; after push it is the only writer of both. Once each interval, at a
 * time of the node's own, so that ingress PEs which hear the same news do not act as one.
 */
#ifndef BALANCE_H
#define BALANCE_H

#include "maps.h"
#include "policy.h"

struct balance;

/* Told of each weight that begins to move, or rests again. */
typedef void balance_fn(void *arg, const struct event *event);

/* maps and policy must live as long. Returns 0 or a negative errno, reported. */
int balance_open(struct balance **balance, const struct maps *maps, const struct policy *policy,
		 balance_fn *tell, void *arg);
void balance_free(struct balance *balance);

__u64 balance_due(const struct balance *balance);

/* At most one table is made at a time, so that nothing else waits for long; what is left is due at
 * once. */
void balance_tick(struct balance *balance, __u64 now_ns);

#endif
