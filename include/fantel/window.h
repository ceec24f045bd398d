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

/* Judge `sequence` and, when it is new, take it: REASON_NONE. Else REASON_DUPLICATE or, behind the
 * window, REASON_STALE, and nothing is changed. A zeroed window takes any sequence. */
FN enum reason window_take(struct origin *o, __u64 sequence)
{
	__u64 *place = &o->taken[sequence & (WINDOW - 1)];
	__u64 mark = window_mark(sequence), before = *place, highest = o->highest;

	if (before > mark || (highest > sequence && highest - sequence >= WINDOW))
		return REASON_STALE;
	if (before == mark || __sync_val_compare_and_swap(place, before, mark) != before)
		return REASON_DUPLICATE;
	if (highest < sequence)
		o->highest = sequence;
	return REASON_NONE;
}

/* What took `sequence` could not act: its repetition may. */
FN void window_give_back(struct origin *o, __u64 sequence)
{
	__sync_val_compare_and_swap(&o->taken[sequence & (WINDOW - 1)], window_mark(sequence), 0);
}

#endif
