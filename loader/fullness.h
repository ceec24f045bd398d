/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The packet path counts what finds no room in its maps; here it is also said, with the limit of policy
 * that would make room. Owned by upkeep.
 */
#ifndef FULLNESS_H
#define FULLNESS_H

#include "maps.h"
#include "policy.h"

struct fullness {
	const struct maps *maps;
	const struct policy *policy;
	__u64 due_ns;
	__u64 counted[REASON_COUNT]; /* of the reasons that are looked at */
	__u64 quiet_ns[REASON_COUNT]; /* until then nothing more is said of it */
};

/* What was counted before is not said again. maps and policy must live as long. */
void fullness_begin(struct fullness *fullness, const struct maps *maps, const struct policy *policy,
		    __u64 now_ns);

/* When fullness_tick has something to do: once a second. */
__u64 fullness_due(const struct fullness *fullness);
void fullness_tick(struct fullness *fullness, __u64 now_ns);

#endif
