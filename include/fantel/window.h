/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The sequence window of one originator: repetitions are recognised, and messages that overtake
 * one another on different ways are not lost (the anti-replay window of RFC 4303 §3.4.3, 64 wide).
 */
#ifndef FANTEL_WINDOW_H
#define FANTEL_WINDOW_H

#include "abi.h"

#define WINDOW_BITS 64

/* Judge `sequence` and, when it is new, remember it: REASON_NONE. Else REASON_DUPLICATE or, behind
 * the window, REASON_STALE, and nothing is changed. A zeroed window takes any sequence. */
FN enum reason window_check(struct origin *o, __u64 sequence)
{
	__u64 ahead = sequence - o->highest;
	__u64 behind = o->highest - sequence;

	if (sequence > o->highest) {
		o->seen = ahead >= WINDOW_BITS ? 1 : o->seen << ahead | 1;
		o->highest = sequence;
		return REASON_NONE;
	}
	if (behind >= WINDOW_BITS)
		return REASON_STALE;
	if (o->seen >> behind & 1)
		return REASON_DUPLICATE;
	o->seen |= 1ULL << behind;
	return REASON_NONE;
}

#endif
