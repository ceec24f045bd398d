// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* cursor.h: what is inside is given, what is not is refused, and a refusal moves nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fantel/cursor.h"

static void a_cursor_ends_where_its_message_ends(void **state)
{
	struct msg_buf buf = {};
	struct cursor c = { .at = 2, .end = 12 };

	assert_int_equal(cursor_left(&c), 10);
	assert_ptr_equal(cursor_take(&c, &buf, 4), buf.b + 2);
	assert_null(cursor_take(&c, &buf, 7));
	assert_int_equal(c.at, 6);
	assert_ptr_equal(cursor_take(&c, &buf, 6), buf.b + 6);
	assert_null(cursor_take(&c, &buf, 1));
	assert_int_equal(cursor_left(&c), 0);
}

static void a_cursor_skips_no_further_than_the_end(void **state)
{
	struct cursor c = { .at = 2, .end = 12 };

	assert_false(cursor_skip(&c, 11));
	assert_false(cursor_skip(&c, ~0U));
	assert_int_equal(c.at, 2);
	assert_true(cursor_skip(&c, 10));
	assert_true(cursor_skip(&c, 0));
	assert_int_equal(c.at, 12);
}

/* The longest message there is, at its very end, and what lies behind it. */
static void places_outside_the_buffer_are_refused(void **state)
{
	struct msg_buf buf = {};
	struct cursor c = { .at = WIRE_MSG_MAX - 4, .end = WIRE_MSG_MAX };

	assert_ptr_equal(cursor_take(&c, &buf, 4), buf.b + WIRE_MSG_MAX - 4);
	assert_ptr_equal(msg_buf_at(&buf, WIRE_MSG_MAX, MSG_BUF_BACK), buf.back);
	assert_null(msg_buf_at(&buf, WIRE_MSG_MAX + 1, MSG_BUF_BACK));
	assert_null(msg_buf_at(&buf, 65535, 1));
	assert_ptr_equal(msg_buf_place(&buf, 0, 1), buf.front);
	assert_ptr_equal(msg_buf_place(&buf, MSG_BUF_LEN - 8, 8), buf.back + MSG_BUF_BACK - 8);
	assert_null(msg_buf_place(&buf, MSG_BUF_LEN - 7, 8));
}

static void a_full_writer_stays_full(void **state)
{
	struct msg_buf buf = {};
	struct writer w = { .buf = &buf, .at = 4, .end = 20 };

	assert_ptr_equal(writer_take(&w, 8), buf.b + 4);
	assert_null(writer_take(&w, 9));
	assert_true(w.full);
	assert_int_equal(w.at, 12);
	assert_ptr_equal(writer_take(&w, 8), buf.b + 12);
	assert_true(w.full);
}

/* A block may reach behind the end; what counts of it may not. */
static void a_block_counts_only_its_bytes(void **state)
{
	struct msg_buf buf = {};
	struct writer w = { .buf = &buf, .at = WIRE_MSG_MAX - 8, .end = WIRE_MSG_MAX };

	assert_null(writer_block(&w, 9, 128));
	assert_int_equal(w.at, WIRE_MSG_MAX - 8);
	w.full = false;
	assert_null(writer_block(&w, 8, 4));
	assert_true(w.full);
	w.full = false;
	assert_ptr_equal(writer_block(&w, 8, 128), buf.b + WIRE_MSG_MAX - 8);
	assert_int_equal(w.at, WIRE_MSG_MAX);
	assert_false(w.full);
}

static void words_are_copied_at_any_alignment(void **state)
{
	__u8 from[40], to[40];

	for (int i = 0; i < 40; i++)
		from[i] = i;
	for (int shift = 0; shift < 8; shift++) {
		memset(to, 0xa5, sizeof(to));
		words_copy(to + shift, from + 8 - shift, 24);
		assert_memory_equal(to + shift, from + 8 - shift, 24);
		assert_int_equal(to[shift + 24], 0xa5);
		words_zero(to + shift, 16);
		assert_int_equal(to[shift + 15], 0);
		assert_int_equal(to[shift + 16], from[24 - shift]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cursor_ends_where_its_message_ends),
		cmocka_unit_test(a_cursor_skips_no_further_than_the_end),
		cmocka_unit_test(places_outside_the_buffer_are_refused),
		cmocka_unit_test(a_full_writer_stays_full),
		cmocka_unit_test(a_block_counts_only_its_bytes),
		cmocka_unit_test(words_are_copied_at_any_alignment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
