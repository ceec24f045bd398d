// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "fill.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "log.h"
#include "map_rules.h"
#include "own.h"

#define ROWS_AT_ONCE 1024
#define NEARLY_PERCENT 80

/* Of the maps of a limit, those that show how much of it is used. */
static const char *const shown[] = {
	"fantel_paths", "fantel_groups", "fantel_classes", "fantel_sources", "fantel_resource",
	"fantel_lsps",	"fantel_failed", "fantel_metrics", "fantel_origins", "fantel_proven",
	"fantel_told",	"fantel_learned", "fantel_buckets", "fantel_qps",    "fantel_routes",
};

static bool is_zero(const char *value, __u32 size)
{
	while (size && !*value++)
		size--;
	return !size;
}

/* An array has all its rows; those in use are not zero. */
static __u32 count_used(const struct bpf_map_info *info, const char *values, __u32 n)
{
	__u32 used = 0;

	if (info->type != BPF_MAP_TYPE_ARRAY)
		return n;
	for (__u32 i = 0; i < n; i++)
		used += !is_zero(values + (size_t)i * info->value_size, info->value_size);
	return used;
}

/* How many entries are there; -errno: it can't be told. */
static long count(int fd, const struct bpf_map_info *info)
{
	char *keys OWN_MEM = calloc(ROWS_AT_ONCE, info->key_size);
	char *values OWN_MEM = calloc(ROWS_AT_ONCE, info->value_size);
	char at[256]; /* the kernel's place in the map; as long as a key at most */
	void *from = NULL;
	long used = 0;

	if (!keys || !values)
		return -ENOMEM;
	for (;;) {
		__u32 n = ROWS_AT_ONCE;
		int r = bpf_map_lookup_batch(fd, from, at, keys, values, &n, NULL);

		if (r && errno != ENOENT)
			return -errno;
		used += count_used(info, values, n);
		if (r)
			return used;
		from = at;
	}
}

static json_t *row_json(const struct map_rule *map, const struct bpf_map_info *info, long used)
{
	__u32 room = (info->max_entries - map->more) / map->rows;
	json_t *row = json_object();

	json_set(row, "limit", json_string(limit_word(map->limit)));
	json_set(row, "map", json_string(map->name));
	json_set(row, "used", json_integer(used));
	json_set(row, "room", json_integer(room));
	json_set(row, "evicts", json_boolean(info->type == BPF_MAP_TYPE_LRU_HASH));
	json_set(row, "nearly-full", json_boolean(used * 100ULL >= (__u64)room * NEARLY_PERCENT));
	return row;
}

json_t *fill_json(const struct pins *pins)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(shown); i++) {
		int fd OWN_FD = pins_map(pins, shown[i]);
		struct bpf_map_info info = {};
		__u32 len = sizeof(info);
		long used;

		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
			continue;
		used = count(fd, &info);
		if (used < 0)
			log_warn("%s: can't be counted: %s", shown[i], strerror(-used));
		else
			json_array_append_new(rows, row_json(map_rule(shown[i]), &info, used));
	}
	return rows;
}

json_t *fill_rows(const json_t *fill)
{
	json_t *rows = json_array(), *row;
	size_t i;

	json_array_foreach(fill, i, row) if (json_integer_value(json_object_get(row, "used")))
		json_array_append(rows, row);
	return rows;
}

const struct column fill_columns[] = {
	{ "LIMIT", "limit", COLUMN_PLAIN },	       { "USED", "used", COLUMN_PLAIN },
	{ "ROOM", "room", COLUMN_PLAIN },	       { "NEARLY FULL", "nearly-full", COLUMN_PLAIN },
	{ "OLDEST MAKES ROOM", "evicts", COLUMN_PLAIN }, {},
};
