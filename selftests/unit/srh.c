// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* SRHs of packets: where they send them, whose tunnel it is, and what is behind them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fantel/frame.h"
#include "fantel/srh.h"

#define NOWHERE (-1)
#define ROOM (8 + 16 * 128)

/* The fields of an SRH, whose i-th segment is all 0x40 + i, and what becomes of it. */
static const struct row {
	const char *sentence;
	__u8 hdrlen, type, left, last;
	bool is_read, is_sound;
	int next; /* which of its segments */
	enum reason reason;
	__u32 n; /* of the tunnel */
} rows[] = {
	{ "on the way to its first segment, the last one listed", 6, 4, 2, 2, true, true, 1, REASON_NONE, 3 },
	{ "on the way to its second segment", 6, 4, 1, 2, true, true, 0, REASON_NONE, 3 },
	{ "on the way to its last segment", 6, 4, 0, 2, true, true, NOWHERE, REASON_NONE, 3 },
	{ "one segment", 2, 4, 0, 0, true, true, NOWHERE, REASON_NONE, 1 },
	{ "reduced, on the way to the segment that it leaves out", 4, 4, 2, 1, true, true, 1, REASON_NONE, 3 },
	{ "reduced, on the way to the first that it lists", 4, 4, 1, 1, true, true, 0, REASON_NONE, 2 },
	{ "as many segments as a tunnel can have", 16, 4, 7, 7, true, true, 6, REASON_NONE, 8 },
	{ "the same, of a reduced one", 14, 4, 7, 6, true, true, 6, REASON_NONE, 8 },
	{ "one more", 18, 4, 8, 8, true, true, 7, REASON_TOO_DEEP, 0 },
	{ "one more, of a reduced one", 16, 4, 8, 7, true, true, 7, REASON_TOO_DEEP, 0 },
	{ "as many as any SRH can list", 254, 4, 126, 126, true, true, 125, REASON_TOO_DEEP, 0 },
	{ "TLVs behind the segments", 9, 4, 2, 2, true, true, 1, REASON_NONE, 3 },
	{ "more left than listed and one", 6, 4, 4, 2, true, false, NOWHERE, REASON_NONE, 0 },
	{ "Last Entry beyond the header", 6, 4, 2, 3, true, false, NOWHERE, REASON_NONE, 0 },
	{ "Last Entry as large as it can be", 255, 4, 0, 255, true, false, NOWHERE, REASON_NONE, 0 },
	{ "half of the last segment is in the header", 5, 4, 2, 2, true, false, NOWHERE, REASON_NONE, 0 },
	{ "no room for any segment", 0, 4, 0, 0, true, false, NOWHERE, REASON_NONE, 0 },
	{ "another routing header", 6, 2, 2, 2, false, false, NOWHERE, REASON_NONE, 0 },
};

static const struct addr dst = { .b = { 0xdd, 0xdd } };

static struct addr segment(int i)
{
	struct addr a;

	memset(&a, 0x40 + i, sizeof(a));
	return a;
}

/* `size` bytes of it, and nothing behind: the sanitizer sees. */
static __u8 *packet(const struct row *r, size_t size)
{
	const __u8 fixed[WIRE_SRH_FIXED] = { PROTO_IPV6, r->hdrlen, r->type, r->left, r->last };
	__u8 whole[ROOM], *b = malloc(size ?: 1);

	assert_true(size <= ROOM && b);
	memcpy(whole, fixed, sizeof(fixed));
	for (size_t i = 8; i < ROOM; i++)
		whole[i] = 0x40 + (i - 8) / 16;
	memcpy(b, whole, size);
	return b;
}

/* What is asked of a sound one. */
static void check_way(const struct row *r, const struct srh *h, const __u8 *b, size_t size)
{
	struct addr next = dst, want = dst;
	bool found = srh_next(&next, h, b, b + size);

	if (r->next != NOWHERE && size >= 24 + 16 * (size_t)r->next) {
		assert_true(found);
		want = segment(r->next);
	} else {
		assert_false(found);
	}
	assert_memory_equal(&next, &want, sizeof(want));
}

static void check_tunnel(const struct row *r, const struct srh *h, const __u8 *b, size_t size)
{
	struct tunnel_key t = {}, want = {};
	enum reason reason = srh_tunnel(&t, h, &dst, b, b + size);

	if (r->reason == REASON_NONE && size < 8 + 16 * ((size_t)r->last + 1)) {
		assert_int_equal(reason, REASON_NOT_IP);
		assert_false(t.code || t.n);
		return;
	}
	assert_int_equal(reason, r->reason);
	if (reason == REASON_NONE) {
		want.code = CODE_SRV6;
		want.n = r->n;
		for (__u32 i = 0; i < r->n; i++)
			want.segment[i] = i > r->last ? dst : segment(i);
	}
	assert_memory_equal(&t, &want, sizeof(want));
}

static void check(const struct row *r, size_t size)
{
	__u8 *b = packet(r, size);
	struct srh h;

	assert_int_equal(srh_read(&h, b, b + size), r->is_read && size >= 8);
	if (r->is_read && size >= 8) {
		assert_int_equal(h.proto, PROTO_IPV6);
		assert_int_equal(h.len, 8 + 8 * r->hdrlen);
		assert_int_equal(srh_is_sound(&h), r->is_sound);
		if (r->is_sound) {
			check_way(r, &h, b, size);
			check_tunnel(r, &h, b, size);
		}
	}
	free(b);
}

static void each_row(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		print_message("# %s\n", rows[i].sentence);
		check(&rows[i], 8 + 8 * rows[i].hdrlen);
	}
}

static void each_row_cut_short(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		print_message("# %s\n", rows[i].sentence);
		for (size_t size = 0; size < 8 + 8 * (size_t)rows[i].hdrlen; size++)
			check(&rows[i], size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(each_row_cut_short),
	};

	return cmocka_run_group_tests_name("srh", tests, NULL, NULL);
}
