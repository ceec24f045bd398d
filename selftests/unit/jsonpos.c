// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* jsonpos: what it takes, where it says it stood, and why it refuses the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "jsonpos.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct bad_row {
	const char *sentence, *text;
	unsigned int line, column;
	const char *what;
} bad_rows[] = {
	{ "nothing", "", 1, 1, "the text ends where a value is expected" },
	{ "blanks only", " \t\r\n ", 2, 2, "the text ends where a value is expected" },
	{ "a second value", "{}\n {}", 2, 2, "'{' where the end of the text is expected" },
	{ "a comma before ]", "[1,\n]", 2, 1, "']' where a value is expected" },
	{ "a comma before }", "{\"a\":1,}", 1, 8,
	  "'}' where a member's name in double quotes is expected" },
	{ "no comma", "{\"a\": 1\n\"b\": 2}", 2, 1, "'\"' where ',' or '}' is expected" },
	{ "the wrong bracket", "[1}", 1, 3, "'}' where ',' or ']' is expected" },
	{ "no colon", "{\"a\" 1}", 1, 6, "'1' where ':' is expected" },
	{ "an open array", "[1", 1, 3, "the text ends where ',' or ']' is expected" },
	{ "an open string", "\"abc", 1, 5,
	  "the text ends where the closing quote of a string is expected" },
	{ "a line break in a string", "\"a\nb\"", 1, 3,
	  "byte 0x0a where the closing quote of a string is expected" },
	{ "an unknown escape", "\"\\x\"", 1, 3,
	  "'x' where one of \" \\ / b f n r t u is expected" },
	{ "an escape at the end", "\"\\", 1, 3,
	  "the text ends where one of \" \\ / b f n r t u is expected" },
	{ "a short \\u", "\"\\u12g4\"", 1, 4, "\\u wants four hexadecimal digits" },
	{ "a zero byte", "\"\\u0000\"", 1, 4, "\\u0000 can't stand in a string" },
	{ "half a pair", "\"\\ud83d\"", 1, 8, "half of a surrogate pair" },
	{ "the other half", "\"\\ude00\"", 1, 8, "half of a surrogate pair" },
	{ "a leading zero", "[01]", 1, 2, "a number can't start with 0" },
	{ "a sign alone", "-", 1, 2, "the text ends where a digit is expected" },
	{ "no digit behind the point", "1.", 1, 3, "the text ends where a digit is expected" },
	{ "no digit in the exponent", "1e+", 1, 4, "the text ends where a digit is expected" },
	{ "a word that is no value", "{\"a\": yes}", 1, 7, "'y' where a value is expected" },
	{ "a word cut short", "tru", 1, 1, "'t' where a value is expected" },
	{ "single quotes", "{'a': 1}", 1, 2,
	  "''' where a member's name in double quotes is expected" },
	{ "a comment", "// no\n{}", 1, 1, "'/' where a value is expected" },
	{ "a byte order mark", "\xef\xbb\xbf{}", 1, 1, "byte 0xef where a value is expected" },
	{ "too many levels", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 1, 33,
	  "nested deeper than 32 levels" },
};

static void bad_text_is_refused_with_its_place(void **state)
{
	for (size_t i = 0; i < COUNT(bad_rows); i++) {
		const struct bad_row *r = &bad_rows[i];
		struct jsonpos_error error;

		print_message("# %s\n", r->sentence);
		assert_null(jsonpos_parse(r->text, &error));
		assert_string_equal(error.what, r->what);
		assert_int_equal(error.line, r->line);
		assert_int_equal(error.column, r->column);
	}
}

static const struct scalar_row {
	const char *text;
	enum jsonpos_kind kind;
	const char *value;
} scalar_rows[] = {
	{ "null", JSONPOS_NULL, "null" },
	{ "true", JSONPOS_BOOL, "true" },
	{ " false\n", JSONPOS_BOOL, "false" },
	{ "0", JSONPOS_NUMBER, "0" },
	{ "-0.5e+10", JSONPOS_NUMBER, "-0.5e+10" },
	{ "18446744073709551616", JSONPOS_NUMBER, "18446744073709551616" },
	{ "\"\"", JSONPOS_STRING, "" },
	{ "\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", JSONPOS_STRING, "a\"\\/\b\f\n\r\tz" },
	{ "\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", JSONPOS_STRING,
	  "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
};

static void scalars_keep_their_text(void **state)
{
	for (size_t i = 0; i < COUNT(scalar_rows); i++) {
		struct jsonpos_error error;
		struct jsonpos *root = jsonpos_parse(scalar_rows[i].text, &error);

		print_message("# %s\n", scalar_rows[i].text);
		assert_non_null(root);
		assert_int_equal(root->kind, scalar_rows[i].kind);
		assert_string_equal(root->text, scalar_rows[i].value);
		assert_null(root->child);
		jsonpos_free(root);
	}
}

static const char document[] = "{\n"
			       "  \"m:top\": {\n"
			       "    \"list\": [\n"
			       "      { \"name\": \"a\", \"v\": [1, 2] },\n"
			       "      {\n"
			       "        \"v\":\n"
			       "          [ ]\n"
			       "      }\n"
			       "    ],\n"
			       "    \"empty\": {}\n"
			       "  }\n"
			       "}\n";

static void each_value_knows_its_line_and_its_path(void **state)
{
	struct jsonpos_error error;
	struct jsonpos *root = jsonpos_parse(document, &error), *first;
	const struct jsonpos *top = jsonpos_member(root, "m:top");
	const struct jsonpos *list = jsonpos_member(top, "list"), *v;
	char path[64];

	assert_int_equal(root->line, 1);
	assert_int_equal(top->line, 2);
	assert_int_equal(jsonpos_count(list), 2);
	assert_int_equal(list->child->line, 4);
	assert_int_equal(list->child->next->line, 5);
	assert_int_equal(list->child->next->index, 1);
	assert_int_equal(jsonpos_member(list->child->next, "v")->line, 6);
	assert_int_equal(jsonpos_find(top, "empty")->line, 10);

	first = list->child;
	v = jsonpos_member(first, "v");
	jsonpos_path(v->child->next, path, sizeof(path));
	assert_string_equal(path, "/list[1]/v[2]");
	first->key = first->child;
	jsonpos_path(v->child->next, path, sizeof(path));
	assert_string_equal(path, "/list[name='a']/v[2]");
	jsonpos_path(v->child->next, path, 10);
	assert_string_equal(path, "/list[nam");
	jsonpos_path(top, path, sizeof(path));
	assert_string_equal(path, "/");
	jsonpos_free(root);
}

static void a_search_ends_where_there_is_nothing_more(void **state)
{
	struct jsonpos_error error;
	struct jsonpos *root = jsonpos_parse(document, &error);
	const struct jsonpos *top = jsonpos_find(root, "m:top");

	assert_string_equal(top->name, "m:top");
	assert_ptr_equal(jsonpos_find(top, "list/0/1"), jsonpos_member(top, "list"));
	assert_ptr_equal(jsonpos_find(top, "lis"), top);
	assert_ptr_equal(jsonpos_find(top, "lists"), top);
	assert_null(jsonpos_member(top, "lis"));
	assert_null(jsonpos_member(jsonpos_member(top, "list"), "0"));
	assert_null(jsonpos_member(NULL, "list"));
	jsonpos_free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_text_is_refused_with_its_place),
		cmocka_unit_test(scalars_keep_their_text),
		cmocka_unit_test(each_value_knows_its_line_and_its_path),
		cmocka_unit_test(a_search_ends_where_there_is_nothing_more),
	};

	return cmocka_run_group_tests_name("jsonpos", tests, NULL, NULL);
}
