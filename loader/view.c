// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>

#include "log.h"
#include "own.h"
#include "view.h"

/* ---- the clock of next hops ------------------------------------------------------------------ */

/* Jiffies have no file to be read from: two instructions ask the helper that the packet path asks.
 */
static int jiffies_load(void)
{
	const struct bpf_insn program[] = {
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_jiffies64 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(BPF_PROG_TYPE_SOCKET_FILTER, "fantel_jiffies", "Dual BSD/GPL", program,
			     ARRAY_SIZE(program), NULL);
}

/* A program returns 32 bits; half their range is months. */
static bool is_fresh(int jiffies_fd, __u64 fresh_until)
{
	__u8 packet[14] = {};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = packet, .data_size_in = sizeof(packet));

	if (!fresh_until || jiffies_fd < 0 || bpf_prog_test_run_opts(jiffies_fd, &run))
		return false;
	return (__s32)((__u32)fresh_until - run.retval) >= 0;
}

/* ---- paths ----------------------------------------------------------------------------------- */

__u32 map_room(int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.max_entries;
}

int view_open(struct view *view, const struct options *options)
{
	int r;

	*view = (struct view){ .paths = -1,
			       .nexthops = -1,
			       .traffic = -1,
			       .health = -1,
			       .pace = -1,
			       .resource = -1,
			       .jiffies = -1 };
	r = pins_find(&view->pins, options->root, options->node);
	if (r)
		return r;
	view->paths = pins_map(&view->pins, "fantel_paths");
	if (view->paths < 0)
		return view->paths;
	view->nexthops = pins_map(&view->pins, "fantel_nexthops");
	if (view->nexthops < 0)
		return view->nexthops;
	view->traffic = pins_map(&view->pins, "fantel_traffic");
	if (view->traffic < 0)
		return view->traffic;
	view->health = pins_map(&view->pins, "fantel_health");
	if (view->health < 0)
		return view->health;
	view->pace = pins_map(&view->pins, "fantel_pace");
	if (view->pace < 0)
		return view->pace;
	view->resource = pins_map(&view->pins, "fantel_resource");
	if (view->resource < 0)
		return view->resource;
	view->n_paths = map_room(view->paths);
	view->n_resources = map_room(view->resource);
	view->jiffies = jiffies_load();
	return 0;
}

void view_close(struct view *view)
{
	own_close(&view->paths);
	own_close(&view->nexthops);
	own_close(&view->traffic);
	own_close(&view->health);
	own_close(&view->pace);
	own_close(&view->resource);
	own_close(&view->jiffies);
}

struct traffic traffic_read(int map_fd, __u32 key)
{
	int cpus = libbpf_num_possible_cpus();
	struct traffic *values OWN_MEM = NULL;
	struct traffic sum = {};

	if (cpus > 0)
		values = calloc(cpus, sizeof(*values));
	if (!values || bpf_map_lookup_elem(map_fd, &key, values))
		return sum;
	for (int i = 0; i < cpus; i++) {
		sum.packets += values[i].packets;
		sum.bytes += values[i].bytes;
	}
	return sum;
}

bool view_path(const struct view *view, __u32 index, struct path_view *path)
{
	*path = (struct path_view){ .index = index };
	if (bpf_map_lookup_elem(view->paths, &index, &path->path) ||
	    path->path.tunnel == TUNNEL_NONE)
		return false;
	bpf_map_lookup_elem(view->nexthops, &path->path.nexthop, &path->nexthop);
	bpf_map_lookup_elem(view->health, &index, &path->health);
	bpf_map_lookup_elem(view->pace, &(__u32){ PACE_OF(index) }, &path->pace);
	for (__u32 i = 0; i < path->path.n_crossed && i < MAX_CROSSED; i++)
		bpf_map_lookup_elem(view->resource, &path->path.crossed[i], &path->crossed[i]);
	path->traffic = traffic_read(view->traffic, index);
	path->fresh = is_fresh(view->jiffies, path->nexthop.fresh_until);
	return true;
}

static bool is_blocked(const struct path_view *path)
{
	for (__u32 i = 0; i < MAX_CROSSED; i++) /* those that it does not cross are zero */
		if (path->crossed[i].failures > 0)
			return true;
	return false;
}

/* Its neighbour is not known yet: the packet path asks the FIB each time, in vain until then. */
static bool is_waiting(const struct nexthop *nexthop)
{
	return !nexthop->fresh_until;
}

bool path_view_usable(const struct path_view *path)
{
	return path->path.tunnel != TUNNEL_NONE && path->health.failures <= 0 &&
	       !is_blocked(path) && !path->nexthop.down && !is_waiting(&path->nexthop);
}

bool path_view_congested(const struct path_view *path)
{
	bool congested = path->health.congestions > 0;

	for (__u32 i = 0; i < MAX_CROSSED; i++)
		congested |= path->crossed[i].congestions > 0;
	return congested;
}

__u64 path_view_changed_ns(const struct path_view *path)
{
	__u64 stopped = path->health.failures > 0 ? path->health.changed_ns : 0;
	__u64 latest = path->health.changed_ns;

	for (__u32 i = 0; i < MAX_CROSSED; i++) {
		const struct resource *r = &path->crossed[i];

		if (r->failures > 0 && (!stopped || r->changed_ns < stopped))
			stopped = r->changed_ns;
		latest = MAX(latest, r->changed_ns);
	}
	return stopped ?: latest;
}

/* ---- snapshots ------------------------------------------------------------------------------- */

void rows_free(struct rows *rows)
{
	free(rows->keys);
	free(rows->values);
}

/* A batch never splits a hash bucket; ENOSPC says that the room left is less than one bucket. */
static int rows_fill(struct rows *rows, int fd, __u32 room)
{
	char at[256]; /* the kernel's place in the map; as long as a key at most */
	void *from = NULL;

	for (;;) {
		__u32 n = room - rows->n;
		int r = bpf_map_lookup_batch(
			fd, from, at, rows->keys + (size_t)rows->n * rows->key_size,
			rows->values + (size_t)rows->n * rows->value_size, &n, NULL);

		if (r && errno != ENOENT)
			return -errno;
		rows->n += n;
		if (r)
			return 0;
		from = at;
	}
}

int rows_read(struct rows *rows, const struct pins *pins, const char *map)
{
	int fd OWN_FD = pins_map(pins, map);
	struct bpf_map_info info = {};
	__u32 len = sizeof(info), room;
	int r;

	*rows = (struct rows){};
	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return err_r(-errno, "%s: can't be examined: %s", map, strerror(errno));
	room = info.max_entries + 64;
	rows->key_size = info.key_size;
	rows->value_size = info.value_size;
	rows->keys = calloc(room, rows->key_size);
	rows->values = calloc(room, rows->value_size);
	r = rows->keys && rows->values ? rows_fill(rows, fd, room) : -ENOMEM;
	return r ? err_r(r, "%s: can't be read: %s", map, strerror(-r)) : 0;
}
