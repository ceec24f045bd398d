/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * When trouble begins and when it may end: pure functions of what was measured. Called by watch in
 * the packet path, and by the loader, which ends what has been below its end for long enough.
 */
#ifndef FANTEL_THRESHOLD_H
#define FANTEL_THRESHOLD_H

#include "ewma.h"

FN enum wire_cause trouble_cause(enum trouble trouble)
{
	switch (trouble) {
#define X(NAME, cause, word)                                                                       \
	case TROUBLE_##NAME:                                                                       \
		return cause;
		TROUBLES(X)
#undef X
	default:
		return CAUSE_NONE;
	}
}

/* Ascending: of several thresholds the highest level counts. */
enum level {
	LEVEL_BELOW,   /* trouble may end */
	LEVEL_BETWEEN, /* trouble that is on lasts, but none begins */
	LEVEL_ABOVE,   /* trouble begins */
};

FN enum level threshold_level(const struct threshold *t, __u32 value)
{
	if (!t->onset)
		return LEVEL_BELOW;
	if (value >= t->onset)
		return LEVEL_ABOVE;
	return value >= t->end ? LEVEL_BETWEEN : LEVEL_BELOW;
}

/* Of a queue: its bytes or its packets are enough. */
FN enum level queue_level(const struct watch *w, __u32 bytes, __u32 packets)
{
	enum level by_bytes = threshold_level(&w->bytes, bytes);
	enum level by_packets = threshold_level(&w->packets, packets);

	return MAX(by_bytes, by_packets);
}

/* Is it on? What begins gets the id that the watch holds ready; what ended left the gauge with an
 * id that the watch has no more. */
FN bool trouble_is_on(const struct watch *w, const struct gauge *g, enum trouble trouble)
{
	return g->trouble[trouble].event_id == w->event_id[trouble];
}

#endif
