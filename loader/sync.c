// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Two sorted lists of rows, and their difference.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "own.h"
#include "sync.h"

static __u32 row_size(const struct sync *sync)
{
	return sync->key_size + sync->value_size;
}

static char *row_at(const struct sync *sync, const struct sync_rows *rows, __u32 i)
{
	return rows->row + (size_t)i * row_size(sync);
}

const void *sync_have(const struct sync *sync, __u32 i)
{
	return row_at(sync, &sync->have, i);
}

static int add_row(struct sync *sync, struct sync_rows *rows, const void *key, const void *value)
{
	char *row;

	if (rows->n == rows->room) {
		__u32 room = rows->room ? 2 * rows->room : 64;
		char *new = reallocarray(rows->row, room, row_size(sync));

		if (!new)
			return -ENOMEM;
		rows->row = new;
		rows->room = room;
	}
	row = row_at(sync, rows, rows->n++);
	memcpy(row, key, sync->key_size);
	memcpy(row + sync->key_size, value, sync->value_size);
	rows->sorted = false;
	return 0;
}

static int by_key(const void *a, const void *b, void *key_size)
{
	return memcmp(a, b, *(__u32 *)key_size);
}

static void sort(struct sync *sync, struct sync_rows *rows)
{
	if (!rows->sorted && rows->n)
		qsort_r(rows->row, rows->n, row_size(sync), by_key, &sync->key_size);
	rows->sorted = true;
}

static const char *find(struct sync *sync, struct sync_rows *rows, const void *key)
{
	__u32 low = 0, high = rows->n;

	sort(sync, rows);
	while (low < high) {
		__u32 mid = low + (high - low) / 2;
		const char *row = row_at(sync, rows, mid);
		int order = memcmp(key, row, sync->key_size);

		if (!order)
			return row;
		if (order < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

const void *sync_find(struct sync *sync, const void *key)
{
	return find(sync, &sync->have, key);
}

/* ---- reading --------------------------------------------------------------------------------- */

#define BATCH 1024

static bool is_hash(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	return !bpf_obj_get_info_by_fd(fd, &info, &len) &&
	       (info.type == BPF_MAP_TYPE_HASH || info.type == BPF_MAP_TYPE_LRU_HASH);
}

/* From a key that is deleted meanwhile there is no next one: the walk would begin anew. */
static int each_by_buckets(int fd, __u32 key_size, __u32 value_size, sync_each_fn *fn, void *arg)
{
	char *keys OWN_MEM = NULL, *values OWN_MEM = NULL;
	__u32 room = 0, n = 0, at, from;
	bool first = true, more = true;
	int r = 0;

	while (!r && more) {
		if (n == room) { /* or a bucket is longer */
			room = room ? 2 * room : BATCH;
			free(take_ptr(keys));
			free(take_ptr(values));
			keys = calloc(room, key_size);
			values = calloc(room, value_size);
			if (!keys || !values)
				return -ENOMEM;
		}
		n = room;
		if (bpf_map_lookup_batch(fd, first ? NULL : &from, &at, keys, values, &n, NULL)) {
			if (errno == ENOSPC) {
				n = room;
				continue;
			}
			if (errno != ENOENT)
				return -errno;
			more = false;
		}
		for (__u32 i = 0; !r && i < n; i++)
			r = fn(arg, keys + (size_t)i * key_size, values + (size_t)i * value_size);
		from = at;
		first = false;
		n = 0;
	}
	return r;
}

static int each_by_keys(int fd, __u32 key_size, __u32 value_size, sync_each_fn *fn, void *arg)
{
	char key[key_size], last[key_size], value[value_size];
	bool first = true;
	int r = 0;

	while (!r && !bpf_map_get_next_key(fd, first ? NULL : last, key)) {
		if (!bpf_map_lookup_elem(fd, key, value))
			r = fn(arg, key, value);
		memcpy(last, key, key_size);
		first = false;
	}
	return r;
}

int sync_each(int fd, __u32 key_size, __u32 value_size, sync_each_fn *fn, void *arg)
{
	return (is_hash(fd) ? each_by_buckets : each_by_keys)(fd, key_size, value_size, fn, arg);
}

static int add_have(void *arg, const void *key, const void *value)
{
	struct sync *sync = arg;

	return add_row(sync, &sync->have, key, value);
}

int sync_open(struct sync *sync, int fd, __u32 key_size, __u32 value_size)
{
	*sync = (struct sync){ .fd = fd, .key_size = key_size, .value_size = value_size };
	return sync_each(fd, key_size, value_size, add_have, sync);
}

int sync_convert(struct sync *sync, __u32 key_size, __u32 value_size, sync_row_fn *row, const void *arg)
{
	struct sync to = { .fd = sync->fd, .key_size = key_size, .value_size = value_size };

	to.have.row = calloc(sync->have.n + 1, row_size(&to));
	if (!to.have.row)
		return -ENOMEM;
	to.have.n = to.have.room = sync->have.n;
	for (__u32 i = 0; i < to.have.n; i++)
		row(arg, row_at(sync, &sync->have, i), row_at(&to, &to.have, i));
	sync_free(sync);
	*sync = to;
	return 0;
}

void sync_free(struct sync *sync)
{
	free(sync->have.row);
	free(sync->want.row);
	memset(sync, 0, sizeof(*sync));
}

int sync_want(struct sync *sync, const void *key, const void *value)
{
	return add_row(sync, &sync->want, key, value);
}

int sync_write(struct sync *sync)
{
	int changed = 0;

	for (__u32 i = 0; i < sync->want.n; i++) {
		const char *row = row_at(sync, &sync->want, i), *value = row + sync->key_size;
		const char *old = find(sync, &sync->have, row);

		if (old && !memcmp(old + sync->key_size, value, sync->value_size))
			continue;
		if (bpf_map_update_elem(sync->fd, row, value, BPF_ANY))
			return -errno;
		changed++;
	}
	return changed;
}

int sync_remove(struct sync *sync)
{
	int changed = 0;

	for (__u32 i = 0; i < sync->have.n; i++) {
		const char *row = row_at(sync, &sync->have, i);

		if (find(sync, &sync->want, row))
			continue;
		if (bpf_map_delete_elem(sync->fd, row) && errno != ENOENT)
			return -errno;
		changed++;
	}
	return changed;
}
