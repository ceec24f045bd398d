/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where packets can wait for their time: interfaces whose egress qdisc is fq, or mq with fq below each
 * of its queues. Owned by upkeep. Only reads.
 */
#ifndef QDISCS_H
#define QDISCS_H

#include <stdbool.h>

#include "fantel/base.h"

struct qdiscs;

/* Returns 0 or a negative errno, reported. */
int qdiscs_open(struct qdiscs **qdiscs);
void qdiscs_free(struct qdiscs *qdiscs);

int qdiscs_fd(const struct qdiscs *qdiscs);

/* Take news. True: it may be another answer now. */
bool qdiscs_read(struct qdiscs *qdiscs);

/* Look again with the next qdiscs_read: of the qdisc that an interface gets when it comes up the kernel
 * tells nobody. */
void qdiscs_again(struct qdiscs *qdiscs);

/* Can packets wait there? */
bool qdiscs_hold(const struct qdiscs *qdiscs, __u32 ifindex);

/* Is there any such interface? */
bool qdiscs_any(const struct qdiscs *qdiscs);

/* How many packets were dropped where packets can wait, since this was last asked; *ifindex: an interface
 * that dropped some. What was dropped before an interface was first seen does not count. */
__u64 qdiscs_dropped(struct qdiscs *qdiscs, __u32 *ifindex);

#endif
