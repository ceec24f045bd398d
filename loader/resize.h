/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A map that gets another size is another map: made beside the old one and filled from it, it is what
 * the new programs use. Until those have replaced the old ones on every port, both maps are written.
 * So it is with every map, where the one before was made by another build whose entries look different:
 * programs of two builds share none, and what is read of the old one is made ours first.
 *
 *	carry    all entries, into the new map      while the old programs run
 *	         (programs are replaced, one port after the other)
 *	settle   what the old programs still did    when none of them runs any more
 *
 * No entry is lost, none is counted twice. A timer calls the program that it was started by, which
 * counts in that program's maps: where counts go to another map, so do the entries with the timers.
 * Used by attach.
 */
#ifndef RESIZE_H
#define RESIZE_H

#include "layout.h"
#include "map_rules.h"
#include "sync.h"

struct resize {
	const struct map_rule *map;
	__u32 limit;	   /* the new one */
	int old, new;	   /* old: owned */
	__u32 key_size, value_size;
	__u32 old_key_size, old_value_size;
	struct layout *key, *value; /* from the old one's; NULL: they are the same. Owned */
	__u32 *place;	   /* of an old row's number, ours or ~0; NULL: the same. Owned */
	__u32 had, room;   /* rows of the old map, of the new one */
	bool is_array;
	bool evicts;	   /* what is oldest makes room */
	struct sync carried; /* or, of an array, rows side by side: */
	char *rows;
	struct sync left; /* of failures, when no old program ran any more */
	bool *ended;	  /* of those: had its timer ended it when it was to be taken? */
};

/* Returns 0 or a negative errno, reported; -ENOSPC: more is in use than is to fit. */
int resize_carry(struct resize *resize);

/* All of them. `program`: fantel_settle. Returns 0 or a negative errno, reported. */
int resize_settle(struct resize *resize, __u32 n, int program);

void resize_free(struct resize *resize);

/* ---- parts (resize_array.c): an array's rows, -errno not reported ------------------------------ */

int resize_carry_array(struct resize *resize);
int resize_settle_array(struct resize *resize, int program);
int resize_stop_timers(struct resize *resize);
int resize_start_timers(struct resize *resize, int program);
int resize_refuse(const struct resize *resize, __u32 used);

#endif
