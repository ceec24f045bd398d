// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Arrays that get another size. What programs count in them goes on from where it was: what was counted
 * in the old one after it was carried over is added to the new one by fantel_settle, atomically.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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
	char *rows;
};

static size_t row_size(const struct resize *r)
{
	return r->map->carry == CARRY_TRAFFIC ? r->value_size * (size_t)libbpf_num_possible_cpus() :
						r->value_size;
}

static void span_free(struct span *span)
{
	free(span->keys);
	free(span->rows);
}
#define OWN_SPAN __attribute__((cleanup(span_free)))

static int span_open(struct span *span, const struct resize *r)
{
	*span = (struct span){ .size = row_size(r) };
	span->most = MAX(SPAN_BYTES / span->size, (size_t)1);
	span->keys = calloc(span->most, sizeof(*span->keys));
	span->rows = calloc(span->most, span->size);
	return span->keys && span->rows ? 0 : -ENOMEM;
}

/* The next rows of so many; none are left: n is 0. */
static int span_read(struct span *span, int fd, __u32 rows)
{
	__u32 before, at;

	span->first += span->n;
	span->n = MIN(span->most, rows - span->first);
	before = span->first - 1;
	if (!span->n || !bpf_map_lookup_batch(fd, span->first ? &before : NULL, &at, span->keys, span->rows,
					      &span->n, NULL))
		return 0;
	return errno == ENOENT ? 0 : -errno; /* the last one was among them */
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

/* Events alone: while a rate rises, its timer's part is in it, and that is not carried. */
static __s32 events_of(__s32 congestions)
{
	return congestions >= PACE_RISE / 2 ? congestions - PACE_RISE : congestions;
}

static void carry_row(const struct resize *r, char *row)
{
	struct health *health = (void *)row;
	struct pace *pace = (void *)row;

	if (r->map->carry == CARRY_HEALTH)
		health->congestions = events_of(health->congestions);
	else if (r->map->carry == CARRY_PACE && pace->state == PACE_RISING)
		pace->state = PACE_LOWERED;
}

static bool is_needed(const struct resize *r)
{
	enum carry carry = r->map->carry;

	return carry == CARRY_HEALTH || carry == CARRY_RESOURCES || carry == CARRY_TRAFFIC ||
	       carry == CARRY_PACE;
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
	int err = span_open(&span, r);

	if (!err && is_needed(r)) {
		r->rows = calloc(r->had, span.size);
		err = r->rows ? 0 : -ENOMEM;
	}
	while (!err) {
		__u32 fit;

		err = span_read(&span, r->old, r->had);
		if (err || !span.n)
			break;
		for (__u32 i = 0; i < span.n; i++)
			carry_row(r, span_row(&span, i));
		if (r->rows)
			memcpy(r->rows + span.first * span.size, span.rows, span.n * span.size);
		fit = span.first < r->room ? MIN(span.n, r->room - span.first) : 0;
		err = check_place(r, &span);
		if (!err && !is_zero(span.rows, fit * span.size))
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

static int settle_traffic(int program, __u32 index, const struct traffic *then,
			  const struct traffic *now)
{
	struct settle s = { .key.index = index, .act = SETTLE_CARRIED };

	for (int cpu = 0; cpu < libbpf_num_possible_cpus(); cpu++) {
		s.traffic.packets += now[cpu].packets - then[cpu].packets;
		s.traffic.bytes += now[cpu].bytes - then[cpu].bytes;
	}
	return s.traffic.packets ? settle_run(program, &s) : 0;
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
		return settle_traffic(program, index, then, (const void *)now);
	case CARRY_FLOWS:
		return settle_flow(r->new, index, then, (const void *)now);
	default:
		return 0;
	}
}

int resize_settle_array(struct resize *r, int program)
{
	struct span old OWN_SPAN, new OWN_SPAN;
	__u32 rows = MIN(r->had, r->room);
	int err;

	err = span_open(&old, r) | span_open(&new, r);
	while (!err) {
		err = span_read(&old, r->old, rows);
		if (!err && !r->rows)
			err = span_read(&new, r->new, rows);
		if (err || !old.n)
			break;
		for (__u32 i = 0; !err && i < old.n; i++) {
			__u32 index = old.first + i;

			err = settle_row(r, program, index,
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
	static const struct pace off;
	struct span span OWN_SPAN;
	int err = span_open(&span, r);

	while (!err) {
		err = span_read(&span, r->old, r->had);
		for (__u32 i = 0; !err && i < span.n; i++) {
			__u32 index = span.first + i;

			if (((const struct pace *)span_row(&span, i))->state == PACE_RISING &&
			    bpf_map_update_elem(r->old, &index, &off, BPF_ANY))
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
