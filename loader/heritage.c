// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "heritage.h"
#include "fantel.skel.h"
#include "log.h"
#include "own.h"

#define MAP_PREFIX "fantel_"

/* ---- the BTF of a build ---------------------------------------------------------------------- */

static struct btf *read_layout(const struct pins *pins, __u32 btf_id)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info), zero = 0;
	void *bytes OWN_MEM = NULL;
	char path[PATH_MAX];
	int fd OWN_FD = -1;

	pins_layout_path(pins, btf_id, path);
	fd = bpf_obj_get(path);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) || info.key_size != sizeof(zero))
		return NULL;
	bytes = malloc(info.value_size);
	if (!bytes || bpf_map_lookup_elem(fd, &zero, bytes))
		return NULL;
	return btf__new(bytes, info.value_size);
}

static const struct btf *btf_of(struct heritage *h, __u32 btf_id)
{
	if (btf_id && h->btf_id != btf_id) {
		btf__free(h->btf);
		h->btf_id = btf_id;
		h->btf = read_layout(h->pins, btf_id);
		if (!h->btf)
			h->btf = btf__load_from_kernel_by_id(btf_id);
	}
	return btf_id ? h->btf : NULL;
}

void heritage_close(struct heritage *heritage)
{
	btf__free(heritage->btf);
	heritage->btf = NULL;
	heritage->btf_id = 0;
}

/* ---- maps ------------------------------------------------------------------------------------ */

static const struct btf *our_btf(const struct heritage *h)
{
	return bpf_object__btf(h->object);
}

/* What stands in the definition of a map as `part`: "key" or "value". No id: nothing does. */
static struct layout_type part_of(const struct btf *btf, const char *map, const char *part)
{
	int maps = btf__find_by_name_kind(btf, ".maps", BTF_KIND_DATASEC);
	const struct btf_type *all = btf__type_by_id(btf, maps > 0 ? maps : 0), *type;
	const struct btf_var_secinfo *var = btf_var_secinfos(all);

	for (__u32 i = 0; maps > 0 && i < btf_vlen(all); i++) {
		type = btf__type_by_id(btf, var[i].type);
		if (strcmp(btf__name_by_offset(btf, type->name_off), map))
			continue;
		type = btf__type_by_id(btf, type->type);
		for (__u32 k = 0; k < btf_vlen(type); k++)
			if (!strcmp(btf__name_by_offset(btf, btf_members(type)[k].name_off), part))
				return (struct layout_type){
					btf, btf__type_by_id(btf, btf_members(type)[k].type)->type };
	}
	return (struct layout_type){ btf, 0 };
}

static bool same_part(const struct btf *a, const struct btf *b, const char *map, const char *part)
{
	struct layout_type x = part_of(a, map, part), y = part_of(b, map, part);

	return x.id && y.id && layout_same(x, y);
}

static bool is_ring(const struct bpf_map *map)
{
	return bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF;
}

static int find_reasons(__u32 **place, const struct btf *from, const struct btf *to)
{
	return layout_enum(place, from, to, "reason", "REASON_COUNT");
}

/* Of what is counted by them. */
static bool same_reasons(const struct btf *a, const struct btf *b)
{
	__u32 *place OWN_MEM = NULL;
	int n = find_reasons(&place, a, b), same = 0;

	while (same < n && place[same] == (__u32)same)
		same++;
	return n > 0 && same == n;
}

static struct layout_type find_struct(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_STRUCT);

	return (struct layout_type){ btf, id > 0 ? id : 0 };
}

static bool same_events(const struct btf *a, const struct btf *b)
{
	struct layout_type x = find_struct(a, "event"), y = find_struct(b, "event");

	return x.id && y.id && layout_same(x, y);
}

/* A ring does not tell what is in it: the map of the node stands for that of events. */
static bool same_entries(const struct btf *a, const struct btf *b, const char *map)
{
	return same_part(a, b, map, "key") && same_part(a, b, map, "value") &&
	       (strcmp(map, "fantel_stats") || same_reasons(a, b)) &&
	       (strcmp(map, "fantel_node") || same_events(a, b));
}

bool heritage_differs(struct heritage *h, const struct bpf_map *map, const struct bpf_map_info *info)
{
	const struct btf *btf;

	if (info->type != bpf_map__type(map) || info->key_size != bpf_map__key_size(map) ||
	    info->value_size != bpf_map__value_size(map) || info->map_flags != bpf_map__map_flags(map))
		return true;
	btf = is_ring(map) ? NULL : btf_of(h, info->btf_id);
	return btf && !same_entries(btf, our_btf(h), bpf_map__name(map));
}

static int err_unknown(const struct heritage *h, const char *map)
{
	return err_r(-EPROTO,
		     "%s: was made by another build of fantel, and how can't be read; run this one with "
		     "CAP_SYS_ADMIN for once, or `fantel detach --purge --node %s` and run it again",
		     map, h->pins->node);
}

static int err_lost(const struct heritage *h, const char *map, const char *why)
{
	return err_r(-EPROTO,
		     "%s: was made by another build of fantel, and can't be carried over: %s; `fantel detach "
		     "--purge --node %s`, then run again",
		     map, why, h->pins->node);
}

static bool is_array(__u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

/* Rows are found by other keys, or are there once for each CPU. */
static bool is_other_kind(__u32 a, __u32 b)
{
	return a != b && (is_array(a) || is_array(b));
}

/* NULL: it is the same. */
static int open_layout(const struct heritage *h, struct layout **layout, struct layout_type from,
		       struct layout_type to, const char *map)
{
	char why[LAYOUT_WHY];
	int r;

	*layout = NULL;
	if (!from.id || !to.id)
		return err_lost(h, map, "its BTF does not say what is in it");
	if (layout_same(from, to))
		return 0;
	r = layout_open(layout, from, to, why);
	return r == -EPROTO ? err_lost(h, map, why) : r;
}

int heritage_layouts(struct heritage *h, const struct bpf_map *map, const struct bpf_map_info *info,
		     struct layout **key, struct layout **value)
{
	const struct btf *btf = btf_of(h, info->btf_id);
	const char *name = bpf_map__name(map);

	*key = *value = NULL;
	if (!btf)
		return err_unknown(h, name);
	if (is_other_kind(info->type, bpf_map__type(map)))
		return err_lost(h, name, "it is a map of another kind");
	return open_layout(h, key, part_of(btf, name, "key"), part_of(our_btf(h), name, "key"), name)
		       ?: open_layout(h, value, part_of(btf, name, "value"),
				      part_of(our_btf(h), name, "value"), name);
}

bool heritage_events_differ(struct heritage *h, const struct bpf_map_info *info)
{
	const struct btf *btf = btf_of(h, info->btf_id);

	return btf && !same_events(btf, our_btf(h));
}

int heritage_events(struct heritage *h, const struct bpf_map_info *info, struct layout **event)
{
	const struct btf *btf = btf_of(h, info->btf_id);
	struct layout_type from;

	*event = NULL;
	if (!btf)
		return err_unknown(h, "fantel_events");
	from = find_struct(btf, "event");
	if (from.id)
		return open_layout(h, event, from, find_struct(our_btf(h), "event"), "fantel_events");
	log_warn("fantel_events: was made by a build of fantel that does not say what is in it; events that nobody has "
		 "read are lost");
	return 0;
}

int heritage_reasons(struct heritage *h, const struct bpf_map_info *info, __u32 **place)
{
	const struct btf *btf = btf_of(h, info->btf_id);
	int n;

	if (!btf)
		return err_unknown(h, "fantel_stats");
	n = find_reasons(place, btf, our_btf(h));
	return n == -EPROTO ? err_lost(h, "fantel_stats", "its BTF has no enum reason") : n;
}

/* ---- our own --------------------------------------------------------------------------------- */

static int pin_btf(const struct pins *pins, __u32 btf_id, const void *bytes, __u32 size)
{
	__u32 zero = 0;
	char path[PATH_MAX];
	int fd OWN_FD = -1;

	pins_layout_path(pins, btf_id, path);
	if (!access(path, F_OK))
		return 0;
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "fantel_layout", sizeof(zero), size, 1, NULL);
	if (fd < 0 || bpf_map_update_elem(fd, &zero, bytes, BPF_ANY) || bpf_obj_pin(fd, path))
		return err_r(-errno, "%s: can't be made: %s", path, strerror(errno));
	return 0;
}

int heritage_pin(const struct pins *pins, const struct bpf_object *object)
{
	const struct bpf_map *map;
	const void *bytes;
	__u32 size;
	int r = 0;

	bytes = btf__raw_data(bpf_object__btf(object), &size);
	if (!bytes)
		return err_r(-ENOMEM, "the programs' BTF can't be read");
	bpf_object__for_each_map(map, object)
	{
		struct bpf_map_info info = {};
		__u32 len = sizeof(info);

		if (!r && !bpf_map__is_internal(map) &&
		    !bpf_obj_get_info_by_fd(bpf_map__fd(map), &info, &len) && info.btf_id)
			r = pin_btf(pins, info.btf_id, bytes, size);
	}
	return r;
}

struct users {
	const char *layout; /* its pin's name */
	bool found;
};

static int is_user(void *arg, const char *map, const char *path)
{
	struct users *users = arg;
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);
	char name[sizeof(LAYOUT_PIN) + 10];
	int fd OWN_FD = bpf_obj_get(path);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		return 0;
	snprintf(name, sizeof(name), LAYOUT_PIN "%u", info.btf_id);
	users->found |= !strcmp(name, users->layout);
	return users->found;
}

static int remove_pin(const char *path)
{
	return unlink(path) ? err_r(-errno, "%s: can't remove it: %s", path, strerror(errno)) : 0;
}

static int clean_map(void *object, const char *map, const char *path)
{
	bool is_one = !strncmp(map, MAP_PREFIX, strlen(MAP_PREFIX));

	return is_one && !bpf_object__find_map_by_name(object, map) ? remove_pin(path) : 0;
}

static int clean_layout(void *pins, const char *map, const char *path)
{
	struct users users = { .layout = map };
	bool is_one = !strncmp(map, LAYOUT_PIN, strlen(LAYOUT_PIN));

	return is_one && !pins_each_map(pins, is_user, &users) ? remove_pin(path) : 0;
}

int heritage_clean(const struct pins *pins, const struct bpf_object *object)
{
	return pins_each_map(pins, clean_map, (void *)object) ?: pins_each_map(pins, clean_layout, (void *)pins);
}

/* ---- commands -------------------------------------------------------------------------------- */

bool heritage_is_ours(const struct pins *pins, const char *name, int fd)
{
	static struct fantel_bpf *own; /* these as long as the command takes */
	static struct heritage h;
	struct bpf_map_info info = {};
	const struct bpf_map *map;
	__u32 len = sizeof(info);

	own = own ?: fantel_bpf__open();
	if (!own || bpf_obj_get_info_by_fd(fd, &info, &len))
		return false;
	h.pins = pins;
	h.object = own->obj;
	map = bpf_object__find_map_by_name(own->obj, name);
	return map && !heritage_differs(&h, map, &info);
}
