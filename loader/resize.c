// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * An entry of fantel_failed is also a count on its subject, which both programs share, and has a timer,
 * which stays behind: its part of settling is fantel_settle's, where an entry and its count change as
 * one. Whether the old programs left an entry is asked by deleting it there, so that its timer can't
 * change the answer any more.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fantel/abi.h"
#include "grace.h"
#include "log.h"
#include "own.h"
#include "resize.h"
#include "settle.h"

static bool is_failed(const struct resize *r)
{
	return r->map->carry == CARRY_FAILURES;
}

/* ---- entries of the old one ------------------------------------------------------------------ */

static void make_part(const struct layout *layout, const char *from, char *to, __u32 size)
{
	if (layout)
		layout_convert(layout, from, to);
	else
		memcpy(to, from, size);
}

/* Where in a value it says for when its timer is set, which stays behind; 0: it has none. */
static size_t armed_at(const struct resize *r)
{
	if (is_failed(r))
		return offsetof(struct failed, armed_ns);
	return r->map->carry == CARRY_SESSIONS ? offsetof(struct bfd_session, armed_ns) : 0;
}

static void make_row(const void *arg, const char *from, char *to)
{
	const struct resize *r = arg;
	size_t armed = armed_at(r);

	make_part(r->key, from, to, r->key_size);
	make_part(r->value, from + r->old_key_size, to + r->key_size, r->value_size);
	if (armed)
		store64(to + r->key_size + armed, 0);
}

static int read_theirs(const struct resize *r, struct sync *entries)
{
	return sync_open(entries, r->old, r->old_key_size, r->old_value_size);
}

static int make_ours(const struct resize *r, struct sync *entries)
{
	return r->key || r->value || armed_at(r) ?
		       sync_convert(entries, r->key_size, r->value_size, make_row, r) :
		       0;
}

static int read_old(const struct resize *r, struct sync *entries)
{
	return read_theirs(r, entries) ?: make_ours(r, entries);
}

/* ---- carry ----------------------------------------------------------------------------------- */

int resize_refuse(const struct resize *r, __u32 used)
{
	const char *word;

	if (!map_is_limited(r->map))
		return err_r(-ENOSPC, "%s: %u are in use, and this build has room for %u", r->map->name, used,
			     r->room);
	word = limit_word(r->map->limit);
	if (r->map->carry == CARRY_POLICY)
		return err_r(-ENOSPC,
			     "/fantel:fantel/limits/%s: %u are in use, so it can't be %u now; apply the "
			     "policy with the limit as it was, and this one then",
			     word, used, r->limit);
	if (r->map->carry == CARRY_PLACES || r->map->carry == CARRY_RESOURCES)
		return err_r(-ENOSPC,
			     "/fantel:fantel/limits/%s: place %u is in use, so it can't be %u now; apply the "
			     "policy with the limit as it was, and this one then; what stays keeps its "
			     "place until `fantel detach`",
			     word, used, r->limit);
	return err_r(-ENOSPC,
		     "/fantel:fantel/limits/%s: %u are in use, so it can't be %u now; give as many, or wait "
		     "until there are fewer",
		     word, used, r->limit);
}

/* Has each entry a place in the new map? Where policy is there twice meanwhile, half is for the old one. */
static int check_room(struct resize *r)
{
	bool twice = r->map->carry == CARRY_POLICY && map_is_limited(r->map);
	__u32 room = twice ? r->room / 2 : r->room, place;

	if (r->carried.have.n > room && !r->evicts)
		return resize_refuse(r, r->carried.have.n);
	for (__u32 i = 0; r->map->carry == CARRY_PLACES && i < r->carried.have.n; i++) {
		memcpy(&place, sync_have(&r->carried, i), sizeof(place));
		if (place >= r->room)
			return resize_refuse(r, place + 1);
	}
	return 0;
}

static int carry_entries(struct resize *r)
{
	for (__u32 i = 0; i < r->carried.have.n; i++) {
		const char *row = sync_have(&r->carried, i);

		if (bpf_map_update_elem(r->new, row, row + r->key_size, BPF_ANY))
			return -errno;
	}
	return 0;
}

int resize_carry(struct resize *r)
{
	int err;

	if (r->map->carry == CARRY_NOTHING)
		return 0;
	if (r->is_array)
		err = resize_carry_array(r);
	else
		err = read_old(r, &r->carried) ?: check_room(r) ?: carry_entries(r);
	if (err && err != -ENOSPC)
		return err_r(err, "%s: can't fill the new one: %s", r->map->name, strerror(-err));
	return err;
}

/* ---- settle ---------------------------------------------------------------------------------- */

/* What took a place in either window is taken in the new one. */
static void merge_windows(struct origin *to, const struct origin *from)
{
	to->highest = MAX(to->highest, from->highest);
	for (int i = 0; i < WINDOW; i++)
		to->taken[i] = MAX(to->taken[i], from->taken[i]);
}

static void settle_entry(struct resize *r, const char *row)
{
	const char *carried = sync_find(&r->carried, row);
	char value[r->value_size], now[r->value_size];

	memcpy(value, row + r->key_size, r->value_size);
	if (carried && !memcmp(carried + r->key_size, value, r->value_size))
		return;
	/* The new programs may have overtaken it. */
	if (r->map->carry == CARRY_TOLD)
		store32(value + offsetof(struct told, sent), 0);
	if (!bpf_map_update_elem(r->new, row, value, BPF_NOEXIST) ||
	    bpf_map_lookup_elem(r->new, row, now))
		return;
	if (r->map->carry == CARRY_WINDOWS)
		merge_windows((void *)now, (void *)value);
	else if (carried && !memcmp(carried + r->key_size, now, r->value_size))
		memcpy(now, value, r->value_size);
	else
		return; /* the new programs know better */
	bpf_map_update_elem(r->new, row, now, BPF_EXIST);
}

/* A failure that the old programs noted has been told by its name, and keeps that. */
static void settle_link(struct resize *r, const char *row)
{
	const char *carried = sync_find(&r->carried, row);
	struct link before, left, now;

	if (!carried || bpf_map_lookup_elem(r->new, row, &now))
		return;
	memcpy(&before, carried + r->key_size, sizeof(before));
	memcpy(&left, row + r->key_size, sizeof(left));
	if (before.down || !left.down)
		return;
	now.down = left.down;
	now.cause = left.cause;
	now.event_id = left.event_id;
	now.since_ns = left.since_ns;
	now.detected_ns = left.detected_ns;
	bpf_map_update_elem(r->new, row, &now, BPF_EXIST);
}

static struct settle settle_of(enum settle_act act, const char *row)
{
	struct settle settle = { .act = act };
	struct failed failed;

	memcpy(&settle.key, row, sizeof(settle.key));
	memcpy(&failed, row + sizeof(settle.key), sizeof(failed));
	memcpy(settle.name, failed.name, sizeof(settle.name));
	settle.kind = failed.kind;
	settle.cause = failed.cause;
	settle.since_ns = failed.since_ns;
	settle.until_ns = failed.until_ns;
	settle.sequence = failed.sequence;
	return settle;
}

/* From here on no timer of the old map ends an entry. */
static int take_failed(struct resize *r)
{
	int err = read_theirs(r, &r->left);

	r->ended = err ? NULL : calloc(r->left.have.n + 1, sizeof(*r->ended));
	if (!r->ended)
		return -ENOMEM;
	for (__u32 i = 0; i < r->left.have.n; i++)
		r->ended[i] = bpf_map_delete_elem(r->old, sync_have(&r->left, i));
	return make_ours(r, &r->left);
}

static int settle_failed(struct resize *r, int program)
{
	int err = 0;

	for (__u32 i = 0; !err && i < r->left.have.n; i++) {
		const char *row = sync_have(&r->left, i);
		bool was = sync_find(&r->carried, row), is = !r->ended[i];
		struct settle s = settle_of(!is ? SETTLE_GONE : was ? SETTLE_KEPT : SETTLE_ADDED, row);

		if (was || is)
			err = settle_run(program, &s);
	}
	for (__u32 i = 0; !err && i < r->carried.have.n; i++) {
		const char *row = sync_have(&r->carried, i);
		struct settle s = settle_of(SETTLE_GONE, row);

		if (!sync_find(&r->left, row))
			err = settle_run(program, &s);
	}
	return err;
}

static int settle_entries(struct resize *r)
{
	struct sync left = {};
	int err = read_old(r, &left);

	for (__u32 i = 0; !err && i < left.have.n; i++)
		(r->map->carry == CARRY_LINKS ? settle_link : settle_entry)(r, sync_have(&left, i));
	sync_free(&left);
	return err;
}

/* In this order: timers of the old maps that count; counts; entries that are counted; timers of the new
 * maps, which go by the counts. */
enum stage {
	STAGE_STOP,
	STAGE_COUNTS,
	STAGE_ENTRIES,
	STAGE_START,
	STAGES,
};

static int settle(struct resize *r, enum stage stage, int program)
{
	switch (r->map->carry) {
	case CARRY_NOTHING:
	case CARRY_POLICY:
	case CARRY_PLACES:
		return 0;
	case CARRY_PACE:
		return stage == STAGE_STOP  ? resize_stop_timers(r) :
		       stage == STAGE_START ? resize_start_timers(r, program) :
					      0;
	case CARRY_FAILURES:
		return stage == STAGE_STOP    ? take_failed(r) :
		       stage == STAGE_ENTRIES ? settle_failed(r, program) :
						0;
	case CARRY_HEALTH:
	case CARRY_RESOURCES:
	case CARRY_TRAFFIC:
	case CARRY_FLOWS:
	case CARRY_TRANSIT:
	case CARRY_REASONS:
	case CARRY_NODE:
		return stage == STAGE_COUNTS ? resize_settle_array(r, program) : 0;
	default:
		return stage == STAGE_ENTRIES ? settle_entries(r) : 0;
	}
}

int resize_settle(struct resize *r, __u32 n, int program)
{
	for (enum stage stage = 0; stage < STAGES; stage++) {
		/* Until programs and timers that ran have counted. */
		if (stage == STAGE_STOP || stage == STAGE_COUNTS)
			grace_wait();
		for (__u32 i = 0; i < n; i++) {
			int err = settle(&r[i], stage, program);

			if (err)
				return err_r(err, "%s: can't be brought up to date: %s", r[i].map->name,
					     strerror(-err));
		}
	}
	return 0;
}

void resize_free(struct resize *r)
{
	own_close(&r->old);
	r->old = -1;
	layout_free(r->key);
	layout_free(r->value);
	r->key = r->value = NULL;
	free(r->place);
	r->place = NULL;
	sync_free(&r->carried);
	sync_free(&r->left);
	free(r->ended);
	r->ended = NULL;
	free(r->rows);
	r->rows = NULL;
}
