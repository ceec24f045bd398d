/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What was told must be kept up and withdrawn, traffic or not: recoveries (TYPE2) to every ingress
 * PE that was told of a failure once its link is steady again, and failures (TYPE1) once more before
 * their validity runs out while it is not. Works on fantel_told, which detect fills.
 */
#ifndef RECOVER_H
#define RECOVER_H

#include "links.h"
#include "maps.h"

enum recover_verdict {
	TOLD_KEEP,     /* nothing to do yet */
	TOLD_REFRESH,  /* the failure lasts; say so again */
	TOLD_WITHDRAW, /* it is over, or its link is none of ours any more */
};

/* What is due for one entry, pure. `link` NULL: no core port has that ifindex. refresh_ns 0: never
 * refresh. */
enum recover_verdict recover_judge(const struct told *told, const struct interface *link,
				   __u64 refresh_ns, __u64 now_ns);

struct recover;

/* Told of each notification that left. */
typedef void recover_fn(void *arg, const struct event *event);

/* links, maps and config must live as long. Returns 0 or a negative errno, reported. */
int recover_open(struct recover **recover, const struct maps *maps, const struct links *links,
		 const struct config *config, recover_fn *sent, void *arg);
void recover_free(struct recover *recover);

/* A link is steady: look at fantel_told now, not at the next second. */
void recover_hurry(struct recover *recover);

__u64 recover_due(const struct recover *recover);
void recover_tick(struct recover *recover, __u64 now_ns);

#endif
