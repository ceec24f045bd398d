/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What waits for its time may find no room in fq, which tells nobody: so fq is asked how much it dropped.
 * That is counted in fantel_stats, and said. Owned by upkeep; the only writer of its reason.
 */
#ifndef OVERFLOW_H
#define OVERFLOW_H

#include "links.h"
#include "maps.h"
#include "qdiscs.h"

struct overflow {
	const struct maps *maps;
	const struct links *links;
	struct qdiscs *qdiscs;
	__u64 due_ns;
	__u64 quiet_ns; /* until then nothing more is said */
	__u64 held[2];	/* packets that have waited, at the last looks */
};

/* qdiscs may be NULL: nothing ever waits. All must live as long. */
void overflow_begin(struct overflow *overflow, const struct maps *maps, const struct links *links,
		    struct qdiscs *qdiscs, __u64 now_ns);

/* When overflow_tick has something to do: once a second. */
__u64 overflow_due(const struct overflow *overflow);
void overflow_tick(struct overflow *overflow, __u64 now_ns);

#endif
