// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * An entry of fantel_failed is also a count on its subject, which both programs share, and has a timer,
 * which stays behind: its part of settling is fantel_settle's, where an entry and its count change as
 * one. Whether the old programs left an entry is asked by deleting it there, so that its timer can't
 * change the answer any more.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "fantel/abi.h"
#include "log.h"
#include "own.h"
#include "resize.h"

static bool is_failed(const struct resize *r)
{
	return r->limit == LIMIT_FAILURES;
}

/* ---- carry ----------------------------------------------------------------------------------- */

/* Its timer is not carried. */
static void disarm(const struct resize *r, void *value)
{
	struct failed failed;

	if (!is_failed(r))
		return;
	memcpy(&failed, value, sizeof(failed));
	failed.armed_ns = 0;
	memcpy(value, &failed, sizeof(failed));
}

int resize_carry(struct resize *r)
{
	int err = sync_open(&r->carried, r->old, r->key_size, r->value_size);
	char value[r->value_size];

	if (err)
		return err_r(err, "%s: can't read it: %s", r->name, strerror(-err));
	if (r->carried.have.n > r->room && !r->evicts)
		return err_r(-ENOSPC,
			     "/fantel:fantel/limits/%s: %u are in use, so it can't be %u now; give as "
			     "many, or wait until there are fewer",
			     limit_word(r->limit), r->carried.have.n, r->room);
	for (__u32 i = 0; i < r->carried.have.n; i++) {
		const char *row = sync_have(&r->carried, i);

		memcpy(value, row + r->key_size, r->value_size);
		disarm(r, value);
		if (bpf_map_update_elem(r->new, row, value, BPF_ANY))
			return err_r(-errno, "%s: can't fill the new one: %s", r->name, strerror(errno));
	}
	return 0;
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
	const char *value = row + r->key_size, *carried = sync_find(&r->carried, row);
	char now[r->value_size];

	if (carried && !memcmp(carried + r->key_size, value, r->value_size))
		return;
	if (!bpf_map_update_elem(r->new, row, value, BPF_NOEXIST) ||
	    bpf_map_lookup_elem(r->new, row, now))
		return;
	if (r->limit == LIMIT_ORIGINATORS)
		merge_windows((void *)now, (const void *)value);
	else if (carried && !memcmp(carried + r->key_size, now, r->value_size))
		memcpy(now, value, r->value_size);
	else
		return; /* the new programs know better */
	bpf_map_update_elem(r->new, row, now, BPF_EXIST);
}

static int run(int program, struct settle *settle)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = settle, .ctx_size_in = sizeof(*settle));

	return bpf_prog_test_run_opts(program, &opts);
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

static int settle_failed(struct resize *r, struct sync *left, int program)
{
	int err = 0;

	for (__u32 i = 0; !err && i < left->have.n; i++) {
		const char *row = sync_have(left, i);
		bool was = sync_find(&r->carried, row), is = !bpf_map_delete_elem(r->old, row);
		struct settle s = settle_of(!is ? SETTLE_GONE : was ? SETTLE_KEPT : SETTLE_ADDED, row);

		if (was || is)
			err = run(program, &s);
	}
	for (__u32 i = 0; !err && i < r->carried.have.n; i++) {
		const char *row = sync_have(&r->carried, i);
		struct settle s = settle_of(SETTLE_GONE, row);

		if (!sync_find(left, row))
			err = run(program, &s);
	}
	return err;
}

int resize_settle(struct resize *r, int program)
{
	struct sync left = {};
	int err = sync_open(&left, r->old, r->key_size, r->value_size);

	if (!err && is_failed(r))
		err = settle_failed(r, &left, program);
	for (__u32 i = 0; !err && !is_failed(r) && i < left.have.n; i++)
		settle_entry(r, sync_have(&left, i));
	sync_free(&left);
	return err ? err_r(err, "%s: can't be brought up to date: %s", r->name, strerror(-err)) : 0;
}

void resize_free(struct resize *r)
{
	own_close(&r->old);
	r->old = -1;
	sync_free(&r->carried);
}

int resize_arm(int map, int program)
{
	struct sync failed = {};
	int err = sync_open(&failed, map, sizeof(struct failed_key), sizeof(struct failed));

	for (__u32 i = 0; !err && i < failed.have.n; i++) {
		const char *row = sync_have(&failed, i);
		struct settle s = settle_of(SETTLE_KEPT, row);
		struct failed value;

		memcpy(&value, row + sizeof(struct failed_key), sizeof(value));
		if (value.until_ns && !value.armed_ns)
			err = run(program, &s);
	}
	sync_free(&failed);
	return err ? err_r(err, "fantel_failed: can't time it: %s", strerror(-err)) : 0;
}
