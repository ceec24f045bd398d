/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A node seen through its pinned maps: what status, paths and counters share. Only reads. The
 * packet path writes meanwhile, so a view is true line by line, not as a whole.
 */
#ifndef VIEW_H
#define VIEW_H

#include <jansson.h>

#include "fantel/abi.h"
#include "options.h"
#include "pin.h"

struct view {
	struct pins pins;
	int paths, nexthops, traffic, health, pace, resource; /* map fds */
	__u32 n_paths, n_resources; /* that there is room for */
	int jiffies; /* a program that returns the clock of nexthop.fresh_until; -1 = none */
};

/* A path with all that is known of it. */
struct path_view {
	__u32 index;
	struct path path;
	struct nexthop nexthop;
	struct health health;
	struct pace pace;
	struct resource crossed[MAX_CROSSED]; /* as they are now; path.n_crossed of them */
	struct traffic traffic; /* of all CPUs */
	bool fresh;		/* steer takes the next hop as it stands, without asking the FIB */
};

/* How many entries a map has room for; 0 if it can't be told. */
__u32 map_room(int fd);

/* Find the node and open the maps of its paths. Returns 0, or a negative errno after reporting it.
 * Release with view_close in any case. */
int view_open(struct view *view, const struct options *options);
void view_close(struct view *view);
#define OWN_VIEW __attribute__((cleanup(view_close)))

/* Read one path. False if there is no such path. */
bool view_path(const struct view *view, __u32 index, struct path_view *path);

/* Would steer choose it? By what it crosses as it is now: health's judgement may be old. */
bool path_view_usable(const struct path_view *path);

/* Is it, or something that it crosses, congested? Steer then takes it only where no other is usable. */
bool path_view_congested(const struct path_view *path);

/* Since when it is as it is, as far as failures go; 0 = always. Of several that stop it, by the one
 * that came first. */
__u64 path_view_changed_ns(const struct path_view *path);

/*
 * A snapshot of a hash or array map: `n` keys and their values. Entries that come and go meanwhile
 * may be missing, none is there twice. Returns 0, or a negative errno after reporting it; release
 * with rows_free in any case.
 */
struct rows {
	char *keys, *values;
	__u32 n, key_size, value_size;
};
int rows_read(struct rows *rows, const struct pins *pins, const char *map);
void rows_free(struct rows *rows);
#define OWN_ROWS __attribute__((cleanup(rows_free)))

static inline const void *row_key(const struct rows *rows, __u32 i)
{
	return rows->keys + (size_t)i * rows->key_size;
}

static inline const void *row_value(const struct rows *rows, __u32 i)
{
	return rows->values + (size_t)i * rows->value_size;
}

/* An entry of a per-CPU map of struct traffic, all CPUs added up; zero if it can't be read. */
struct traffic traffic_read(int map_fd, __u32 key);

#endif
