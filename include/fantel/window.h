/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The sequence window of one originator: repetitions are recognised, and messages that overtake
 * one another on different ways are not lost (as by RFC 4303 §3.4.3, 64 wide). CPUs meet here, so
 * the window is places, one for each sequence modulo its width: who puts a sequence there acts.
 */
#ifndef FANTEL_WINDOW_H
#define FANTEL_WINDOW_H

#include "abi.h"

_Static_assert((WINDOW & (WINDOW - 1)) == 0, "places are taken by a mask");

/* What a place holds: above the place's own number, which says nothing, and never 0, as if empty. */
FN __u64 window_mark(__u64 sequence)
{
	return sequence | (WINDOW - 1);
}

/* Judge `sequence`: REASON_NONE when it is new. Else REASON_DUPLICATE or, behind the window,
 * REASON_STALE. A zeroed window takes any sequence. */
FN enum reason window_judge(const struct origin *o, __u64 sequence)
{
	__u64 mark = window_mark(sequence), before = o->taken[sequence & (WINDOW - 1)];
	__u64 highest = o->highest;

	if (before > mark || (highest > sequence && highest - sequence >= WINDOW))
		return REASON_STALE;
	return before == mark ? REASON_DUPLICATE : REASON_NONE;
}

/* The same, and when it is new, take it. Otherwise nothing is changed. */
FN enum reason window_take(struct origin *o, __u64 sequence)
{
	__u64 *place = &o->taken[sequence & (WINDOW - 1)];
	__u64 mark = window_mark(sequence), before = *place;
	enum reason reason = window_judge(o, sequence);

	if (reason)
		return reason;
	if (__sync_val_compare_and_swap(place, before, mark) != before)
		return REASON_DUPLICATE;
	if (o->highest < sequence)
		o->highest = sequence;
	return REASON_NONE;
}

/* What took `sequence` could not act: its repetition may. */
FN void window_give_back(struct origin *o, __u64 sequence)
{
	__sync_val_compare_and_swap(&o->taken[sequence & (WINDOW - 1)], window_mark(sequence), 0);
}

#endif
