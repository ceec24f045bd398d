/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which of the maps that an earlier loader pinned the programs to come use again, and of which others take
 * the place: one whose size policy changes; all of them, where another build made them and any looks
 * different, for programs of two builds share none. Used by attach.
 */
#ifndef REUSE_H
#define REUSE_H

#include "events.h"
#include "heritage.h"
#include "resize.h"

struct reuse {
	struct heritage heritage;
	const __u32 *limit;  /* of the policy, by enum policy_limit */
	bool torn;	     /* a loader before was killed while it replaced maps */
	bool is_foreign;     /* another build made what is pinned, and it looks different */
	bool has_new_events; /* those do, too */
	struct former_ring former; /* in which they are */
	__u32 n;	     /* maps that were there */
	__u32 n_resizes;     /* of these, others take the place of */
	struct resize resize[MAP_RULE_COUNT];
};

/*
 * Size the maps of an object that is open, and decide for each that is pinned. Once it is loaded, reuse_loaded
 * finds the new ones. Returns 0 or a negative errno, reported. Release with reuse_free in any case.
 */
int reuse_maps(struct reuse *reuse, const struct pins *pins, const struct bpf_object *object, const __u32 *limit);
void reuse_loaded(struct reuse *reuse);
void reuse_free(struct reuse *reuse);

#endif
