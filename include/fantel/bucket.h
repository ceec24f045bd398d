/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Token bucket (RFC 4443 §2.4 f), counted in nanoseconds: a message costs rate.interval_ns of
 * credit, credit grows with time up to rate.burst_ns.
 */
#ifndef FANTEL_BUCKET_H
#define FANTEL_BUCKET_H

#include "abi.h"

#define BUCKET_FULL (1ULL << 63) /* credit_ns of a new bucket: more than any burst */

/* May `messages` of them go at `now_ns`? Takes their credit if so; more than a burst holds cost a
 * burst. Two CPUs that meet in one bucket may let one message too many pass; none gets stuck. */
FN bool bucket_take(struct bucket *b, __u64 interval_ns, __u64 burst_ns,
		    __u32 messages, __u64 now_ns)
{
	__u64 credit = b->credit_ns, last = b->last_ns;
	__u64 cost = MIN(interval_ns * messages, burst_ns);
	__u64 gone = now_ns > last ? now_ns - last : 0; /* another CPU may have read a later time */

	if (!interval_ns)
		return true;
	credit = gone >= burst_ns ? burst_ns : MIN(credit + gone, burst_ns);
	b->last_ns = MAX(now_ns, last);
	if (credit < cost) {
		b->credit_ns = credit;
		return false;
	}
	b->credit_ns = credit - cost;
	return true;
}

#endif
