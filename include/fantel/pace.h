/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How much a congested path may still carry: what a notification asks for, the rate that follows
 * from it, and the bucket that holds traffic to that rate. Pure; called by notify and steer.
 *
 *	pace_asked(&ask, &msg, &policy)		from a notification of congestion
 *	pace_rate(&ask, offered, lowest)	bytes/s, of a path that carried `offered`
 *	pace_take(&pace, rate, len, now, burst, most)	may this packet pass, and when?
 */
#ifndef FANTEL_PACE_H
#define FANTEL_PACE_H

#include "metric.h"

#define PACE_MOST (1ULL << 42) /* bytes/s; higher rates are this one */

/* A float32 that metric_bandwidth took for one, as a whole number, at most PACE_MOST. */
FN __u64 pace_whole(__u32 bits_f32)
{
	__u32 exponent = bits_f32 >> 23;
	__u64 mantissa = (bits_f32 & 0x7fffff) | 0x800000;

	if (exponent < 127)
		return 0;
	if (exponent >= 127 + 42)
		return PACE_MOST;
	return exponent >= 150 ? mantissa << (exponent - 150) : mantissa >> (150 - exponent);
}

/* Does the notification ask for a rate at all that one could send at? */
FN bool pace_possible(const struct msg *m)
{
	return !msg_has(m, TLVI_RATE) || pace_whole(m->rate_max_f32);
}

/*
 * What a notification asks of a path's traffic: a rate, where it tells one (65007, the highest that
 * it allows); else a share of what the path carried when congestion began,
 *
 *	share = min(1, target * capacity / utilized) * (1 - depth / limit / 2)
 *
 * from the metrics that there are (1089 and 1120, 65005). A link that is used beyond the policy's
 * target comes down to it if all who use it do this; a queue that is full halves its traffic. Where
 * metrics are missing, or see no congestion, it is the policy's share.
 */
FN void pace_asked(struct pace_ask *ask, const struct msg *m, __u32 target_percent,
		   __u32 otherwise)
{
	__u64 goal = pace_whole(m->capacity_f32) * target_percent / 100;
	__u64 used = pace_whole(m->utilized_f32), share = PACE_ALL;
	__u32 depth = MIN(m->queue_depth, m->queue_limit);

	ask->rate = msg_has(m, TLVI_RATE) ? pace_whole(m->rate_max_f32) : 0;
	if (goal && used > goal)
		share = goal * PACE_ALL / used;
	if (m->queue_limit)
		share -= share * depth / m->queue_limit / 2;
	ask->share = share && share < PACE_ALL ? share : otherwise;
	ask->pad = 0;
}

/* Of two that both hold, the lower one: `offered` decides between a rate and a share. */
FN __u64 pace_rate(const struct pace_ask *ask, __u64 offered, __u64 lowest)
{
	__u64 rate = ask->rate;

	if (!rate)
		rate = MIN(offered, PACE_MOST) * ask->share / PACE_ALL;
	return rate ? MAX(rate, lowest) : 0;
}

enum pace_verdict {
	PACE_PASS,
	PACE_MARK, /* it runs ahead of the rate: say so to who can be told (ECN) */
	PACE_DROP, /* too far ahead */
};

struct pace_turn {
	enum pace_verdict verdict;
	__u64 at_ns; /* when it would leave, of packets that leave at the rate, one after the other */
};

/*
 * One packet of `len` bytes through the bucket, which is counted in time: `even_ns` is when all that
 * has passed will have taken its time at the rate. How far that is ahead of now is what the traffic
 * has run ahead of its rate, up to most_ns; from a quarter of burst_ns on packets are marked. CPUs that
 * meet here lose no bytes: each adds its own, and has a turn of its own.
 */
FN struct pace_turn pace_take(struct pace *p, __u64 rate, __u32 len, __u64 now_ns, __u64 burst_ns,
			      __u64 most_ns)
{
	__u64 even = p->even_ns, ahead = even > now_ns ? even - now_ns : 0;
	struct pace_turn turn = { PACE_PASS, now_ns };

	if (!rate)
		return turn;
	if (ahead > most_ns) {
		turn.verdict = PACE_DROP;
		return turn;
	}
	if (!ahead)
		__sync_val_compare_and_swap(&p->even_ns, even, now_ns);
	even = __sync_fetch_and_add(&p->even_ns, len * NSEC_PER_SEC / rate);
	turn.at_ns = MAX(even, now_ns);
	if (ahead > burst_ns / 4)
		turn.verdict = PACE_MARK;
	return turn;
}

#endif
