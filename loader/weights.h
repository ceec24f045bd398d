/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * From metrics to weights: what docs/balance.md says, in whole numbers. Called by balance; pure, so
 * that tests run many ingress PEs against one network.
 *
 *	load	of a path, from what is measured: 0 (idle) to LOAD_FULL
 *	target	policy's weight, doubled for each 1/gain by which the load is below the group's mean
 *	step	from the present weight toward the target: a part of the way, and at most so much
 */
#ifndef WEIGHTS_H
#define WEIGHTS_H

#include "fantel/abi.h"

#define LOAD_FULL 1000
#define LOAD_UNKNOWN (LOAD_FULL / 2) /* of a path that nobody told of */

/* How busy is what was measured? The greatest of all that its metrics say. */
__u32 weights_load(const struct measured *m);

/* Damping. The gain times the part must stay well below 1, or news that are a step old make weights
 * swing (docs/balance.md). */
struct weights_rules {
	__u32 gain; /* doublings of a weight for a load that is LOAD_FULL below the mean */
	__u32 part; /* one step goes 1/part of the way */
	__u32 step; /* and changes a weight by so many percent at most */
	__u32 start, rest; /* percent off the target: how far moves, how near rests */
};

#define WEIGHTS_GAIN 6
#define WEIGHTS_PART 8
#define WEIGHTS_START 10
#define WEIGHTS_REST 3
#define WEIGHTS_RANGE 16 /* a weight stays within policy's times this, and through this */

/*
 * One step of a group's effective weights, by the load of each member; known: somebody told of one of
 * them, else the weights go all the way back to policy's. *moving is kept between steps. Returns
 * whether a weight changed. No weight becomes 0, and a drained member stays drained.
 */
bool weights_step(struct group *g, const __u32 load[MAX_MEMBERS], bool known,
		  const struct weights_rules *rules, bool *moving);

/* Policy's weights, undisturbed. */
void weights_reset(struct group *g);

#endif
