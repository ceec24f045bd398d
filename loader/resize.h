/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A map that gets another size is another map: made beside the old one and filled from it, it is what
 * the new programs use. Until those have replaced the old ones on every port, both maps are written.
 *
 *	carry    all entries, into the new map      while the old programs run
 *	         (programs are replaced, one port after the other)
 *	settle   what the old programs still did    when none of them runs any more
 *
 * No entry is lost, and of fantel_failed none is counted twice. Used by attach.
 */
#ifndef RESIZE_H
#define RESIZE_H

#include "policy_limits.h"
#include "sync.h"

struct resize {
	const char *name;
	enum policy_limit limit;
	int old, new;	   /* old: owned */
	__u32 key_size, value_size, room; /* of the new one */
	bool evicts;	   /* what is oldest makes room */
	struct sync carried;
};

/* Returns 0 or a negative errno, reported; -ENOSPC: more is in use than is to fit. */
int resize_carry(struct resize *resize);

/* `program`: fantel_settle. Returns 0 or a negative errno, reported. */
int resize_settle(struct resize *resize, int program);

void resize_free(struct resize *resize);

/* Have timers run for the failures of `map`, where they should and do not: a loader that was killed between
 * the two may have left some so. Returns 0 or a negative errno, reported. */
int resize_arm(int map, int program);

#endif
