// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Arrays that others take the place of. What programs count in them goes on from where it was: what was counted
 * in the old one after it was carried over is added to the new one by fantel_settle, atomically.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "own.h"
#include "resize.h"
#include "settle.h"

/* ---- some rows at once ----------------------------------------------------------------------- */

#define SPAN_BYTES (1 << 20)

/* Rows of one map, from `first` on. */
struct span {
	__u32 first, n, most;
	size_t size; /* of a row, all CPUs' where each has its own */
	__u32 *keys;
	char *rows;   /* as ours */
	char *theirs; /* as they are in the map, where that is something else */
};

/* How many values a row has. */
static __u32 n_values(const struct resize *r)
{
	return r->map->carry == CARRY_TRAFFIC || r->map->carry == CARRY_REASONS ?
		       libbpf_num_possible_cpus() :
		       1;
}

/* Each CPU's begins at a multiple of 8 bytes. */
static size_t value_step(const struct resize *r, __u32 value_size)
{
	return n_values(r) > 1 ? DIV_ROUND_UP(value_size, 8) * 8 : value_size;
}

static void span_free(struct span *span)
{
	free(span->keys);
	free(span->rows);
	free(span->theirs);
}
#define OWN_SPAN __attribute__((cleanup(span_free)))

static int span_open(struct span *span, const struct resize *r)
{
	*span = (struct span){ .size = n_values(r) * value_step(r, r->value_size) };
	span->most = MAX(SPAN_BYTES / span->size, (size_t)1);
	span->keys = calloc(span->most, sizeof(*span->keys));
	span->rows = calloc(span->most, span->size);
	return span->keys && span->rows ? 0 : -ENOMEM;
}

/* Of the old map. */
static int span_open_old(struct span *span, const struct resize *r)
{
	int err = span_open(span, r);

	if (err || !r->value)
		return err;
	span->theirs = calloc(span->most, n_values(r) * value_step(r, r->old_value_size));
	return span->theirs ? 0 : -ENOMEM;
}

/* The next rows of so many; none are left: n is 0. */
static int span_read(struct span *span, int fd, __u32 rows)
{
	__u32 before, at;

	span->first += span->n;
	span->n = MIN(span->most, rows - span->first);
	before = span->first - 1;
	if (!span->n || !bpf_map_lookup_batch(fd, span->first ? &before : NULL, &at, span->keys,
					      span->theirs ?: span->rows, &span->n, NULL))
		return 0;
	return errno == ENOENT ? 0 : -errno; /* the last one was among them */
}

static int span_read_old(struct span *span, const struct resize *r, __u32 rows)
{
	size_t from = value_step(r, r->old_value_size), to = value_step(r, r->value_size);
	int err = span_read(span, r->old, rows);

	for (__u32 i = 0; !err && span->theirs && i < span->n * n_values(r); i++)
		layout_convert(r->value, span->theirs + i * from, span->rows + i * to);
	return err;
}

static int span_write(const struct span *span, int fd, __u32 n)
{
	return n && bpf_map_update_batch(fd, span->keys, span->rows, &n, NULL) ? -errno : 0;
}

static char *span_row(const struct span *span, __u32 i)
{
	return span->rows + i * span->size;
}

static bool is_zero(const char *row, size_t size)
{
	while (size && !*row++)
		size--;
	return !size;
}

/* ---- carry ----------------------------------------------------------------------------------- */

/* Numbers that both programs give out: the new ones begin so much later, and meet none of the old ones. Of
 * sequences the latest ones of the old programs may be taken for too old, if these overtake them: hence
 * CARRY_TOLD. */
#define NUMBERS_APART (1U << 16)

/* Events alone: while a rate rises, its timer's part is in it, and that is not carried. */
static __s32 events_of(__s32 congestions)
{
	return congestions >= PACE_RISE / 2 ? congestions - PACE_RISE : congestions;
}

static void carry_row(const struct resize *r, char *row)
{
	struct health *health = (void *)row;
	struct pace *pace = (void *)row;
	struct transit *transit = (void *)row;
	struct node_state *node = (void *)row;

	if (r->map->carry == CARRY_HEALTH) {
		health->congestions = events_of(health->congestions);
	} else if (r->map->carry == CARRY_PACE && pace->state == PACE_RISING) {
		pace->state = PACE_LOWERED;
	} else if (r->map->carry == CARRY_TRANSIT) {
		transit->congestions = events_of(transit->congestions);
	} else if (r->map->carry == CARRY_NODE) {
		node->sequence += NUMBERS_APART;
		node->generation += NUMBERS_APART;
	}
}

static bool is_needed(const struct resize *r)
{
	enum carry carry = r->map->carry;

	return carry == CARRY_HEALTH || carry == CARRY_RESOURCES || carry == CARRY_TRAFFIC ||
	       carry == CARRY_PACE || carry == CARRY_TRANSIT || carry == CARRY_REASONS ||
	       carry == CARRY_NODE;
}

/* Where a row of the old map is in the new one; ~0: nowhere. */
static __u32 place_of(const struct resize *r, __u32 row)
{
	__u32 place = r->place ? r->place[row] : row;

	return place < r->room ? place : ~0U;
}

static int write_placed(const struct resize *r, const struct span *span)
{
	for (__u32 i = 0; i < span->n; i++) {
		__u32 place = place_of(r, span->first + i);

		if (place != ~0U && bpf_map_update_elem(r->new, &place, span_row(span, i), BPF_ANY))
			return -errno;
	}
	return 0;
}

/* Rows that have no place in the new map: are they in use? */
static int check_place(const struct resize *r, const struct span *span)
{
	bool checked = r->map->carry == CARRY_PLACES || r->map->carry == CARRY_RESOURCES;

	for (__u32 i = span->n; checked && i-- > 0 && span->first + i >= r->room;)
		if (!is_zero(span_row(span, i), span->size))
			return resize_refuse(r, span->first + i + 1);
	return 0;
}

int resize_carry_array(struct resize *r)
{
	struct span span OWN_SPAN;
	int err = span_open_old(&span, r);

	if (!err && is_needed(r)) {
		r->rows = calloc(r->had, span.size);
		err = r->rows ? 0 : -ENOMEM;
	}
	while (!err) {
		__u32 fit;

		err = span_read_old(&span, r, r->had);
		if (err || !span.n)
			break;
		for (__u32 i = 0; i < span.n; i++)
			carry_row(r, span_row(&span, i));
		if (r->rows)
			memcpy(r->rows + span.first * span.size, span.rows, span.n * span.size);
		fit = span.first < r->room ? MIN(span.n, r->room - span.first) : 0;
		err = check_place(r, &span);
		if (!err && r->place)
			err = write_placed(r, &span);
		else if (!err && !is_zero(span.rows, fit * span.size))
			err = span_write(&span, r->new, fit);
	}
	return err;
}

/* ---- settle ---------------------------------------------------------------------------------- */

static int count(int program, __u32 index, bool is_resource, bool is_congestion, __s32 change)
{
	struct settle s = { .act = SETTLE_COUNTED, .change = change };

	if (!change)
		return 0;
	s.key.index = index;
	s.key.is_resource = is_resource;
	s.key.is_congestion = is_congestion;
	return settle_run(program, &s);
}

static int settle_health(int program, __u32 index, const struct health *then, const struct health *now)
{
	return count(program, index, false, false, now->failures - then->failures)
		       ?: count(program, index, false, true,
				events_of(now->congestions) - then->congestions);
}

static int settle_resource(int program, __u32 index, const struct resource *then,
			   const struct resource *now)
{
	return count(program, index, true, false, now->failures - then->failures)
		       ?: count(program, index, true, true, now->congestions - then->congestions);
}

static int settle_traffic(int program, enum settle_act act, __u32 index, const struct traffic *then,
			  const struct traffic *now)
{
	struct settle s = { .key.index = index, .act = act };

	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++) {
		s.traffic.packets += now[cpu].packets - then[cpu].packets;
		s.traffic.bytes += now[cpu].bytes - then[cpu].bytes;
	}
	return s.traffic.packets ? settle_run(program, &s) : 0;
}

/* As the old programs left it, unless the new ones had to do with the place meanwhile: then what is counted
 * there is counted anew when all is settled (recount.h). */
static int settle_transit(int new, __u32 index, const struct transit *then, const struct transit *now)
{
	struct transit there, left = *now;

	left.congestions = events_of(now->congestions);
	if (!memcmp(then, &left, sizeof(left)) || bpf_map_lookup_elem(new, &index, &there) ||
	    memcmp(then, &there, sizeof(there)))
		return 0;
	return bpf_map_update_elem(new, &index, &left, BPF_ANY) ? -errno : 0;
}

/* Counts of what is in maps whose entries come with them. */
static int settle_node(int new, const struct node_state *then, const struct node_state *now)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct node_state *node = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, new, 0);

	if (node == MAP_FAILED)
		return -errno;
	__atomic_add_fetch(&node->transit, now->transit - then->transit, __ATOMIC_SEQ_CST);
	__atomic_add_fetch(&node->congested, now->congested - then->congested, __ATOMIC_SEQ_CST);
	munmap(node, page);
	return 0;
}

/* The later choice of a flow's path counts. */
static int settle_flow(int new, __u32 index, const struct flow *there, const struct flow *old)
{
	if (!old->path_plus_1 || (there->path_plus_1 && (__s32)(old->last - there->last) <= 0))
		return 0;
	return bpf_map_update_elem(new, &index, old, BPF_ANY) ? -errno : 0;
}

/* `then`: as it was carried over; of flows, as the new map has it. */
static int settle_row(const struct resize *r, int program, __u32 index, const void *then,
		      const char *now, size_t size)
{
	if (!memcmp(then, now, size))
		return 0;
	switch (r->map->carry) {
	case CARRY_HEALTH:
		return settle_health(program, index, then, (const void *)now);
	case CARRY_RESOURCES:
		return settle_resource(program, index, then, (const void *)now);
	case CARRY_TRAFFIC:
		return settle_traffic(program, SETTLE_CARRIED, index, then, (const void *)now);
	case CARRY_REASONS:
		return settle_traffic(program, SETTLE_REASON, index, then, (const void *)now);
	case CARRY_TRANSIT:
		return settle_transit(r->new, index, then, (const void *)now);
	case CARRY_NODE:
		return settle_node(r->new, then, (const void *)now);
	case CARRY_FLOWS:
		return settle_flow(r->new, index, then, (const void *)now);
	default:
		return 0;
	}
}

int resize_settle_array(struct resize *r, int program)
{
	struct span old OWN_SPAN, new OWN_SPAN;
	__u32 rows = r->place ? r->had : MIN(r->had, r->room);
	int err;

	err = span_open_old(&old, r) | span_open(&new, r);
	while (!err) {
		err = span_read_old(&old, r, rows);
		if (!err && !r->rows)
			err = span_read(&new, r->new, rows);
		if (err || !old.n)
			break;
		for (__u32 i = 0; !err && i < old.n; i++) {
			__u32 index = old.first + i, place = place_of(r, index);

			if (place != ~0U)
				err = settle_row(r, program, place,
						 r->rows ? r->rows + index * old.size : span_row(&new, i),
						 span_row(&old, i), old.size);
		}
	}
	return err;
}

/* ---- rates that rise by a timer -------------------------------------------------------------- */

/* A row that is written has no timer any more, nor has what is under way of it an effect. */
int resize_stop_timers(struct resize *r)
{
	char off[r->old_value_size];
	struct span span OWN_SPAN;
	int err = span_open_old(&span, r);

	memset(off, 0, sizeof(off));
	while (!err) {
		err = span_read_old(&span, r, r->had);
		for (__u32 i = 0; !err && i < span.n; i++) {
			__u32 index = span.first + i;

			if (((const struct pace *)span_row(&span, i))->state == PACE_RISING &&
			    bpf_map_update_elem(r->old, &index, off, BPF_ANY))
				err = -errno;
		}
		if (!span.n)
			break;
	}
	return err;
}

int resize_start_timers(struct resize *r, int program)
{
	const struct pace *then = (const void *)r->rows;
	int err = 0;

	for (__u32 i = 0; !err && i < MIN(r->had, r->room); i++) {
		struct settle s = { .key.index = i, .act = SETTLE_PACED };

		if (then[i].state != PACE_OFF)
			err = settle_run(program, &s);
	}
	return err;
}
