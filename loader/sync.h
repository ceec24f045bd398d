/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Bring a hash or LPM map from what it holds to what it should hold: first all that is new or
 * changed, later all that is gone. Used by push.
 */
#ifndef SYNC_H
#define SYNC_H

#include "fantel/base.h"

struct sync_rows {
	char *row; /* keys and values side by side */
	__u32 n, room;
	bool sorted;
};

struct sync {
	int fd;
	__u32 key_size, value_size;
	struct sync_rows have, want;
};

/* Each entry of a map, at most once also while programs delete others: where they may, in a hash, by buckets. Goes on
 * while `fn` returns 0; returns what it returned last, or a negative errno. */
typedef int sync_each_fn(void *arg, const void *key, const void *value);
int sync_each(int fd, __u32 key_size, __u32 value_size, sync_each_fn *fn, void *arg);

/* Read the map. Returns 0 or a negative errno. Release with sync_free in any case. */
int sync_open(struct sync *sync, int fd, __u32 key_size, __u32 value_size);
void sync_free(struct sync *sync);

/* From now on what was read has other keys and values, each made by `row` from the one that was there. Returns 0 or
 * -ENOMEM. */
typedef void sync_row_fn(const void *arg, const char *from, char *to);
int sync_convert(struct sync *sync, __u32 key_size, __u32 value_size, sync_row_fn *row, const void *arg);

/* What was read: the i-th of sync->have.n keys, its value behind it. */
const void *sync_have(const struct sync *sync, __u32 i);

/* The row of a key that was read; NULL if it was not. */
const void *sync_find(struct sync *sync, const void *key);

/* Add to what is wanted; each key once. Returns 0 or -ENOMEM. */
int sync_want(struct sync *sync, const void *key, const void *value);

/* Returns how many entries were changed, or a negative errno; -E2BIG and -ENOSPC: the map is full. */
int sync_write(struct sync *sync);
int sync_remove(struct sync *sync);

#endif
