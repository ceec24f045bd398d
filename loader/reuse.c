// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "own.h"
#include "reuse.h"

static const struct bpf_map *other(const struct reuse *reuse, const char *name)
{
	return bpf_object__find_map_by_name(reuse->heritage.object, name);
}

/* What an earlier loader pinned as this map. Returns an fd, or -1: there is none, or it is nothing that can be
 * used; reuse_map says so. */
static int open_pinned(const struct reuse *reuse, const struct bpf_map *map, struct bpf_map_info *info)
{
	__u32 len = sizeof(*info);
	char path[PATH_MAX];
	int fd OWN_FD = -1;

	pins_map_path(reuse->heritage.pins, bpf_map__name(map), path);
	fd = bpf_obj_get(path);
	memset(info, 0, sizeof(*info));
	return fd < 0 || bpf_obj_get_info_by_fd(fd, info, &len) ? -1 : take_fd(fd);
}

/* Was it made by a build whose maps look different, or have another size that policy does not give? */
static bool looks_foreign(struct reuse *reuse, const struct bpf_map *map)
{
	const struct map_rule *rule = map_rule(bpf_map__name(map));
	struct bpf_map_info info;
	int fd OWN_FD = open_pinned(reuse, map, &info);

	if (fd < 0)
		return false;
	return heritage_differs(&reuse->heritage, map, &info) ||
	       (!map_is_limited(rule) && info.max_entries != bpf_map__max_entries(map));
}

/* A ring does not tell what is in it: the BTF of a map beside it does. */
static int find_former_events(struct reuse *reuse)
{
	struct bpf_map_info info, ring;
	int fd OWN_FD = open_pinned(reuse, other(reuse, "fantel_node"), &info);
	int r;

	if (fd < 0 || !heritage_events_differ(&reuse->heritage, &info))
		return 0;
	reuse->is_foreign = reuse->has_new_events = true;
	r = heritage_events(&reuse->heritage, &info, &reuse->former.layout);
	if (!r && reuse->former.layout)
		reuse->former.fd = open_pinned(reuse, other(reuse, "fantel_events"), &ring);
	return r;
}

/* Is the pinned map of this name of another size? */
static bool is_resized(const struct reuse *reuse, const struct bpf_map *map)
{
	struct bpf_map_info info;
	int fd OWN_FD = open_pinned(reuse, map, &info);

	return fd >= 0 && info.max_entries != bpf_map__max_entries(map);
}

/* Is another map to take its place? Failures go with the counts that their timers change. */
static bool must_resize(const struct reuse *reuse, const struct bpf_map *map,
			const struct bpf_map_info *info)
{
	const struct map_rule *rule = map_rule(bpf_map__name(map));

	return reuse->is_foreign || info->max_entries != bpf_map__max_entries(map) ||
	       (rule->carry == CARRY_FAILURES &&
		(reuse->torn || is_resized(reuse, other(reuse, "fantel_health")) ||
		 is_resized(reuse, other(reuse, "fantel_resource"))));
}

/* How entries of another build become ours. */
static int read_layouts(struct reuse *reuse, struct resize *resize, const struct bpf_map *map,
			const struct bpf_map_info *info)
{
	int n;

	if (!reuse->is_foreign || resize->map->carry == CARRY_NOTHING)
		return 0;
	if (resize->map->carry == CARRY_REASONS) {
		n = heritage_reasons(&reuse->heritage, info, &resize->place);
		if (n < 0)
			return n;
		resize->had = MIN(resize->had, (__u32)n);
	}
	return heritage_layouts(&reuse->heritage, map, info, &resize->key, &resize->value);
}

/* What is pinned is to be replaced. `old` is owned from here on. */
static int begin_resize(struct reuse *reuse, const struct bpf_map *map, int old,
			const struct bpf_map_info *info)
{
	const struct map_rule *rule = map_rule(bpf_map__name(map));
	enum bpf_map_type type = bpf_map__type(map);
	struct resize *resize = &reuse->resize[reuse->n_resizes++];

	*resize = (struct resize){
		.map = rule,
		.limit = map_is_limited(rule) ? reuse->limit[rule->limit] : 0,
		.old = old,
		.new = -1,
		.key_size = bpf_map__key_size(map),
		.value_size = bpf_map__value_size(map),
		.old_key_size = info->key_size,
		.old_value_size = info->value_size,
		.had = info->max_entries,
		.room = bpf_map__max_entries(map),
		.is_array = type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY,
		.evicts = type == BPF_MAP_TYPE_LRU_HASH,
	};
	reuse->n++;
	return read_layouts(reuse, resize, map, info);
}

/* A ring whose events are as ours is one for all. */
static bool goes_on(const struct reuse *reuse, const struct bpf_map *map, const struct bpf_map_info *info)
{
	return !strcmp(bpf_map__name(map), "fantel_events") && !reuse->has_new_events &&
	       info->max_entries == bpf_map__max_entries(map);
}

/* Use what an earlier loader pinned; 0 also where there is nothing. */
static int reuse_map(struct reuse *reuse, struct bpf_map *map)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	char path[PATH_MAX];
	int fd OWN_FD = -1;
	int r;

	pins_map_path(reuse->heritage.pins, bpf_map__name(map), path);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return errno == ENOENT ? 0 : pins_error(-errno, path);
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return err_r(-errno, "%s: not a map (%s); `fantel detach --purge` clears it", path,
			     strerror(errno));
	if (must_resize(reuse, map, &info) && !goes_on(reuse, map, &info))
		return begin_resize(reuse, map, take_fd(fd), &info);
	r = bpf_map__reuse_fd(map, fd);
	if (r)
		return err_r(r, "%s: can't use it again: %s", path, strerror(-r));
	reuse->n++;
	return 0;
}

static int size_map(const struct reuse *reuse, struct bpf_map *map)
{
	const struct map_rule *rule = map_rule(bpf_map__name(map));

	if (!rule)
		return err_r(-ENOENT, "%s: map_rules.h does not know it", bpf_map__name(map));
	if (!map_is_limited(rule))
		return 0;
	return bpf_map__set_max_entries(map, limited_rows(rule, reuse->limit[rule->limit]));
}

static bool is_torn(const struct pins *pins)
{
	char path[PATH_MAX];

	pins_torn_path(pins, path);
	return !access(path, F_OK);
}

int reuse_maps(struct reuse *reuse, const struct pins *pins, const struct bpf_object *object, const __u32 *limit)
{
	struct bpf_map *map;
	int r = 0;

	*reuse = (struct reuse){
		.heritage = { .pins = pins, .object = object },
		.limit = limit,
		.torn = is_torn(pins),
		.former.fd = -1,
	};
	bpf_object__for_each_map(map, object) if (!r && !bpf_map__is_internal(map)) r = size_map(reuse, map);
	bpf_object__for_each_map(map, object) if (!r && !bpf_map__is_internal(map))
		reuse->is_foreign |= looks_foreign(reuse, map);
	r = r ?: find_former_events(reuse);
	bpf_object__for_each_map(map, object) if (!r && !bpf_map__is_internal(map)) r = reuse_map(reuse, map);
	return r;
}

void reuse_loaded(struct reuse *reuse)
{
	for (__u32 i = 0; i < reuse->n_resizes; i++)
		reuse->resize[i].new = bpf_map__fd(other(reuse, reuse->resize[i].map->name));
}

void reuse_free(struct reuse *reuse)
{
	for (__u32 i = 0; i < reuse->n_resizes; i++)
		resize_free(&reuse->resize[i]);
	reuse->n_resizes = 0;
	former_ring_free(&reuse->former);
	heritage_close(&reuse->heritage);
}
