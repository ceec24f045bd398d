/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * struct policy -> maps, make before break, while packets flow: new paths and tunnels are put beside
 * the old ones, groups and classes are switched over to them, and only when no packet can meet the
 * old ones any more are those removed. Paths, groups and what paths cross keep their places where
 * they did not change, and with them their health and their counters; a path whose tunnel changed
 * starts without failures.
 */
#ifndef PUSH_H
#define PUSH_H

#include "maps.h"
#include "nexthops.h"
#include "policy.h"

struct push;

/* Read the maps and decide what goes where. Changes nothing. `settle`: fantel_settle. Returns 0 or a
 * negative errno, reported. */
int push_plan(struct push **push, const struct maps *maps, int settle, const struct policy *policy);
void push_free(struct push *push);

/* The next hops that the plan uses. They should be written between push_add and push_switch. */
const struct nexthop_use *push_nexthops(const struct push *push, __u32 *n);

/* In this order. Each returns 0 or a negative errno, reported; after a failure of push_add packets
 * are treated as before. */
int push_add(struct push *push);    /* resources, paths, tunnels */
int push_switch(struct push *push); /* groups, classes, sources */
int push_remove(struct push *push); /* what is not in the policy any more */

#endif
