// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* layout.h: what another build has in a map, found again by the names of its members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include <bpf/btf.h>
#include <errno.h>

#include "fantel/abi.h"
#include "fantel.skel.h"
#include "layout.h"

/* ---- types, made here ------------------------------------------------------------------------ */

enum { NONE, U8, U16, U32, U64, S16, S64, KINDS, KINDS_MORE, KINDS_OTHER, WORDS, MORE_WORDS, PAIR, PAIR_TURNED, EITHER,
       EITHER_MORE, EITHER_OTHER, INNER, TYPES };

/* A member of the struct that a test is about; no name: its members are those of the struct. */
struct member_row {
	const char *name;
	int type;
	__u32 bit, bits; /* bits: it is a bit field */
};

#define MEMBERS 6
struct side {
	__u32 size;
	struct member_row member[MEMBERS];
};

static void add_enum(struct btf *btf, __u32 first)
{
	assert_true(btf__add_enum(btf, "kinds", 4) > 0);
	assert_int_equal(btf__add_enum_value(btf, "KIND_A", first), 0);
	assert_int_equal(btf__add_enum_value(btf, "KIND_B", first + 1), 0);
}

static void add_two(struct btf *btf, bool is_union, const char *a, int type_a, __u32 bit_a, const char *b, int type_b,
		    __u32 bit_b, __u32 size)
{
	int id = is_union ? btf__add_union(btf, NULL, size) : btf__add_struct(btf, NULL, size);

	assert_true(id > 0);
	assert_int_equal(btf__add_field(btf, a, type_a, bit_a, 0), 0);
	assert_int_equal(btf__add_field(btf, b, type_b, bit_b, 0), 0);
}

/* In the order of the enum above. */
static struct btf *types(void)
{
	struct btf *btf = btf__new_empty();

	btf__add_int(btf, "u8", 1, 0);
	btf__add_int(btf, "u16", 2, 0);
	btf__add_int(btf, "u32", 4, 0);
	btf__add_int(btf, "u64", 8, 0);
	btf__add_int(btf, "s16", 2, BTF_INT_SIGNED);
	btf__add_int(btf, "s64", 8, BTF_INT_SIGNED);
	add_enum(btf, 1);
	add_enum(btf, 1);
	btf__add_enum_value(btf, "KIND_C", 3);
	btf__add_enum_value(btf, "KIND_COUNT", 4);
	add_enum(btf, 2);
	btf__add_array(btf, U32, U32, 2);
	btf__add_array(btf, U32, U32, 3);
	add_two(btf, false, "x", U16, 0, "y", U16, 16, 4);
	add_two(btf, false, "y", U16, 0, "x", U16, 16, 4);
	add_two(btf, true, "word", U32, 0, "pair", PAIR, 0, 4);
	add_two(btf, true, "word", U32, 0, "more", U64, 0, 8);
	add_two(btf, true, "word", U32, 0, "pair", PAIR_TURNED, 0, 4);
	add_two(btf, false, "x", U16, 0, "inside", U16, 16, 4);
	assert_int_equal(btf__type_cnt(btf), TYPES);
	return btf;
}

/* The struct of one side, and a typedef of it. */
static struct layout_type add_side(struct btf *btf, const struct side *side)
{
	int id = btf__add_struct(btf, "s", side->size);

	for (const struct member_row *m = side->member; m < side->member + MEMBERS && m->type; m++)
		assert_int_equal(btf__add_field(btf, m->name, m->type, m->bit, m->bits), 0);
	return (struct layout_type){ btf, btf__add_typedef(btf, "t", id) };
}

/* ---- one row each ---------------------------------------------------------------------------- */

#define BYTES 24
static const struct row {
	const char *sentence;
	struct side from, to;
	const char *in, *out; /* so many bytes as the sides have */
	const char *why;
} rows[] = {
	{ "members are found again where they are now",
	  { 8, { { "a", U32, 0, 0 }, { "b", U16, 32, 0 }, { "c", U16, 48, 0 } } },
	  { 8, { { "c", U16, 0, 0 }, { "b", U16, 16, 0 }, { "a", U32, 32, 0 } } },
	  "\1\2\3\4\5\6\7\10", "\7\10\5\6\1\2\3\4", NULL },
	{ "what was not there is 0, what is not there any more is left out",
	  { 8, { { "a", U32, 0, 0 }, { "gone", U32, 32, 0 } } },
	  { 8, { { "new", U32, 0, 0 }, { "a", U32, 32, 0 } } },
	  "\1\2\3\4\5\6\7\10", "\0\0\0\0\1\2\3\4", NULL },
	{ "a number may become wider",
	  { 4, { { "a", U16, 0, 0 }, { "b", S16, 16, 0 } } },
	  { 16, { { "a", U64, 0, 0 }, { "b", S64, 64, 0 } } },
	  "\xfe\xff\xfe\xff", "\xfe\xff\0\0\0\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff", NULL },
	{ "but not narrower", { 4, { { "a", U32, 0, 0 } } }, { 2, { { "a", U16, 0, 0 } } }, "", "",
	  "a is a narrower number" },
	{ "nor wider in network order", { 2, { { "a_be", U16, 0, 0 } } }, { 4, { { "a_be", U32, 0, 0 } } }, "", "",
	  "a_be is another number in network order" },
	{ "bit fields are numbers, too",
	  { 4, { { "a", U32, 0, 29 }, { "b", U32, 29, 1 }, { "c", U32, 30, 1 } } },
	  { 8, { { "c", U32, 0, 1 }, { "new", U32, 1, 1 }, { "b", U32, 2, 2 }, { "a", U32, 32, 0 } } },
	  "\1\2\3\x44", "\1\0\0\0\1\2\3\4", NULL },
	{ "an array may become longer", { 8, { { "a", WORDS, 0, 0 } } }, { 12, { { "a", MORE_WORDS, 0, 0 } } },
	  "\1\2\3\4\5\6\7\10", "\1\2\3\4\5\6\7\10\0\0\0\0", NULL },
	{ "but not shorter", { 12, { { "a", MORE_WORDS, 0, 0 } } }, { 8, { { "a", WORDS, 0, 0 } } }, "", "",
	  "a is a shorter array" },
	{ "a struct inside is made of members", { 4, { { "a", PAIR, 0, 0 } } }, { 4, { { "a", PAIR_TURNED, 0, 0 } } },
	  "\1\2\3\4", "\3\4\1\2", NULL },
	{ "one without a name lends its own", { 4, { { "inside", U16, 0, 0 }, { "x", U16, 16, 0 } } },
	  { 8, { { "new", U32, 0, 0 }, { NULL, INNER, 32, 0 } } },
	  "\1\2\3\4", "\0\0\0\0\3\4\1\2", NULL },
	{ "also where it was", { 4, { { NULL, INNER, 0, 0 } } }, { 2, { { "inside", U16, 0, 0 } } },
	  "\1\2\3\4", "\3\4", NULL },
	{ "a union goes over whole", { 8, { { "a", EITHER, 32, 0 } } }, { 4, { { "a", EITHER, 0, 0 } } },
	  "\1\2\3\4\5\6\7\10", "\5\6\7\10", NULL },
	{ "with a member more or less it does", { 4, { { "a", EITHER, 0, 0 } } }, { 8, { { "a", EITHER_MORE, 0, 0 } } },
	  "\1\2\3\4", "\1\2\3\4\0\0\0\0", NULL },
	{ "without a name it is found by its members", { 8, { { "a", U32, 0, 0 }, { NULL, EITHER, 32, 0 } } },
	  { 12, { { NULL, EITHER_MORE, 0, 0 }, { "a", U32, 64, 0 } } },
	  "\1\2\3\4\5\6\7\10", "\5\6\7\10\0\0\0\0\1\2\3\4", NULL },
	{ "one with a member that has changed can't", { 4, { { "a", EITHER, 0, 0 } } },
	  { 4, { { "a", EITHER_OTHER, 0, 0 } } }, "", "", "pair is another one, in a union" },
	{ "an enum may get more words", { 4, { { "a", KINDS, 0, 0 } } }, { 8, { { "a", KINDS_MORE, 32, 0 } } },
	  "\2\0\0\0", "\0\0\0\0\2\0\0\0", NULL },
	{ "and other numbers for the same", { 5, { { "a", KINDS, 0, 0 }, { "b", U8, 32, 0 } } },
	  { 8, { { "b", U16, 0, 0 }, { "a", KINDS_OTHER, 32, 0 } } },
	  "\2\0\0\0\7", "\7\0\0\0\3\0\0\0", NULL },
	{ "a number that is none of its words stays", { 4, { { "a", KINDS, 0, 0 } } }, { 4, { { "a", KINDS_OTHER, 0, 0 } } },
	  "\77\0\0\0", "\77\0\0\0", NULL },
	{ "a word that is gone is none", { 4, { { "a", KINDS_MORE, 0, 0 } } }, { 4, { { "a", KINDS_OTHER, 0, 0 } } },
	  "\3\0\0\0", "\377\377\377\377", NULL },
	{ "a number is no struct", { 4, { { "a", U32, 0, 0 } } }, { 4, { { "a", PAIR, 0, 0 } } }, "", "",
	  "a is of another kind" },
};

static void converts(void **state)
{
	const struct row *row = *state;
	struct btf *from_btf = types(), *to_btf = types();
	struct layout_type from = add_side(from_btf, &row->from), to = add_side(to_btf, &row->to);
	__u8 in[BYTES] = {}, out[BYTES];
	struct layout *layout = NULL;
	char why[LAYOUT_WHY];

	assert_false(layout_same(from, to));
	assert_int_equal(layout_open(&layout, from, to, why), row->why ? -EPROTO : 0);
	assert_string_equal(why, row->why ?: "");
	if (layout) {
		assert_int_equal(layout_from_size(layout), row->from.size);
		assert_int_equal(layout_to_size(layout), row->to.size);
		memcpy(in, row->in, row->from.size);
		memset(out, 0xaa, sizeof(out));
		layout_convert(layout, in, out);
		assert_memory_equal(out, row->out, row->to.size);
		for (size_t i = row->to.size; i < sizeof(out); i++)
			assert_int_equal(out[i], 0xaa);
	}
	layout_free(layout);
	btf__free(from_btf);
	btf__free(to_btf);
}

/* ---- the rest -------------------------------------------------------------------------------- */

/* The first two: what an enum has more is no member. */
static void what_is_the_same(void **state)
{
	static const struct side sides[] = {
		{ 8, { { "a", U32, 0, 0 }, { "b", KINDS, 32, 0 } } },
		{ 8, { { "a", U32, 0, 0 }, { "b", KINDS_MORE, 32, 0 } } },
		{ 8, { { "a", U32, 0, 0 }, { "b", KINDS_OTHER, 32, 0 } } },
		{ 8, { { "a", U32, 0, 0 }, { "c", KINDS, 32, 0 } } },
		{ 8, { { "a", U32, 32, 0 }, { "b", KINDS, 0, 0 } } },
		{ 8, { { "a", U32, 0, 0 } } },
		{ 16, { { "a", U32, 0, 0 }, { "b", KINDS, 32, 0 } } },
	};
	struct btf *a = types(), *b = types();
	struct layout_type first = add_side(a, &sides[0]);

	for (size_t i = 0; i < ARRAY_SIZE(sides); i++)
		assert_int_equal(layout_same(first, add_side(b, &sides[i])), i < 2);
	btf__free(a);
	btf__free(b);
}

static struct btf *enum_of(const char *const *words)
{
	struct btf *btf = btf__new_empty();

	btf__add_enum(btf, "reason", 4);
	for (__u32 i = 0; words[i]; i++)
		btf__add_enum_value(btf, words[i], i);
	return btf;
}

static void numbers_of_an_enum(void **state)
{
	static const char *const before[] = { "NONE", "A", "B", "C", "COUNT", NULL };
	static const char *const now[] = { "NONE", "NEW", "C", "A", "COUNT", NULL };
	static const __u32 places[] = { 0, 3, ~0U, 2 };
	struct btf *from = enum_of(before), *to = enum_of(now);
	__u32 *place = NULL;

	assert_int_equal(layout_enum(&place, from, to, "other", "COUNT"), -EPROTO);
	assert_int_equal(layout_enum(&place, from, to, "reason", "OTHER"), -EPROTO);
	assert_null(place);
	assert_int_equal(layout_enum(&place, from, to, "reason", "COUNT"), ARRAY_SIZE(places));
	assert_memory_equal(place, places, sizeof(places));
	free(place);
	btf__free(from);
	btf__free(to);
}

/* A map that could not even become itself could never be carried over. */
static void all_that_maps_hold(void **state)
{
	struct fantel_bpf *skel = fantel_bpf__open();
	const struct btf *btf = bpf_object__btf(skel->obj);
	struct bpf_map *map;
	int n = 0;

	bpf_object__for_each_map(map, skel->obj)
	{
		struct layout_type type = { btf, bpf_map__btf_value_type_id(map) };
		struct layout *layout = NULL;
		char why[LAYOUT_WHY];

		if (bpf_map__is_internal(map) || !type.id)
			continue;
		assert_true(layout_same(type, type));
		assert_int_equal(layout_open(&layout, type, type, why), 0);
		assert_int_equal(layout_to_size(layout), bpf_map__value_size(map));
		layout_free(layout);
		n++;
	}
	assert_true(n > 30);
	fantel_bpf__destroy(skel);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 3] = {
		[ARRAY_SIZE(rows)] = cmocka_unit_test(what_is_the_same),
		cmocka_unit_test(numbers_of_an_enum),
		cmocka_unit_test(all_that_maps_hold),
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[i] = (struct CMUnitTest){ rows[i].sentence, converts, NULL, NULL, (void *)&rows[i] };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
