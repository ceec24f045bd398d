// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "fullness.h"
#include "log.h"
#include "words.h"

#define LOOK_NS NSEC_PER_SEC
#define QUIET_NS (60 * NSEC_PER_SEC) /* after one sentence of a reason */

static const struct {
	enum reason reason;
	enum policy_limit limit;
} reasons[] = {
	{ REASON_FAILED_FULL, LIMIT_FAILURES },
	{ REASON_FAILED_SHARE, LIMIT_FAILURES },
	{ REASON_METRICS_FULL, LIMIT_METRICS },
	{ REASON_ORIGINS_FULL, LIMIT_ORIGINATORS },
	{ REASON_TOLD_FULL, LIMIT_TOLD },
	{ REASON_TROUBLE_FULL, LIMIT_TOLD },
};

static __u64 count_of(const struct fullness *fullness, enum reason reason)
{
	struct traffic traffic[libbpf_num_possible_cpus()];
	__u32 key = reason;
	__u64 packets = 0;

	if (bpf_map_lookup_elem(fullness->maps->stats, &key, traffic))
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(traffic); i++)
		packets += traffic[i].packets;
	return packets;
}

void fullness_begin(struct fullness *fullness, const struct maps *maps, const struct policy *policy,
		    __u64 now_ns)
{
	*fullness = (struct fullness){ .maps = maps, .policy = policy, .due_ns = now_ns + LOOK_NS };
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		fullness->counted[reasons[i].reason] = count_of(fullness, reasons[i].reason);
}

__u64 fullness_due(const struct fullness *fullness)
{
	return fullness->due_ns;
}

static void look(struct fullness *fullness, enum reason reason, enum policy_limit limit, __u64 now_ns)
{
	__u64 counted = count_of(fullness, reason);

	if (counted == fullness->counted[reason] || now_ns < fullness->quiet_ns[reason])
		return;
	log_warn("%s: %llu found no room, which is for %u; a higher limits/%s in the policy makes more",
		 reason_word(reason), counted - fullness->counted[reason],
		 fullness->policy->limit[limit], limit_word(limit));
	fullness->counted[reason] = counted;
	fullness->quiet_ns[reason] = now_ns + QUIET_NS;
}

void fullness_tick(struct fullness *fullness, __u64 now_ns)
{
	if (now_ns < fullness->due_ns)
		return;
	fullness->due_ns = now_ns + LOOK_NS;
	for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
		look(fullness, reasons[i].reason, reasons[i].limit, now_ns);
}
