// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Tables of text from JSON, whole. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fantel/base.h"
#include "json.h"
#include "own.h"
#include "table.h"

static const struct row {
	const char *sentence;
	const char *json;
	const char *text;
} rows[] = {
	{ "no rows, not even titles", "[]", "" },
	{ "text to the left, numbers to the right, no blanks at the end",
	  "[{'name':'a','n':1,'last':'x'},{'name':'longer','n':1000,'last':'xyz'}]",
	  "NAME       N  FOR  LAST\n"
	  "a          1  -    x\n"
	  "longer  1000  -    xyz\n" },
	{ "null and what is not there are dashes", "[{'name':null},{}]",
	  "NAME  N  FOR  LAST\n"
	  "-     -  -    -\n"
	  "-     -  -    -\n" },
	{ "truth is yes and no, an array its items, an empty one a dash",
	  "[{'name':true,'n':false,'last':['a','b',3]},{'name':'x','last':[]}]",
	  "NAME  N   FOR  LAST\n"
	  "yes   no  -    a,b,3\n"
	  "x     -   -    -\n" },
	{ "seconds are a duration, to come or gone by",
	  "[{'name':'a','n':0,'for':1.5},{'name':'b','n':-1,'for':-90}]",
	  "NAME   N  FOR       LAST\n"
	  "a      0  1.5s      -\n"
	  "b     -1  in 1m30s  -\n" },
};

static const struct column columns[] = {
	{ "NAME", "name", COLUMN_PLAIN },
	{ "N", "n", COLUMN_PLAIN },
	{ "FOR", "for", COLUMN_SPAN },
	{ "LAST", "last", COLUMN_PLAIN },
	{},
};

/* Print as a table; single quotes stand for double ones. */
static char *table_of(const struct column *with, const char *quoted)
{
	OWN_MEM char *text = strdup(quoted);
	json_t *json OWN_JSON = NULL;
	char *out = NULL;
	size_t size;
	FILE *memory = open_memstream(&out, &size);

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	json = json_loads(text, 0, NULL);
	assert_non_null(json);
	table_print(with, json, memory);
	fclose(memory);
	return out;
}

static void check_row(void **state)
{
	const struct row *row = *state;
	OWN_MEM char *text = table_of(columns, row->json);

	assert_string_equal(text, row->text);
}

static void member_of_a_member(void **state)
{
	static const struct column deep[] = { { "MAC", "next-hop.mac", COLUMN_PLAIN }, {} };
	OWN_MEM char *text = table_of(deep, "[{'next-hop':{'mac':'m'}},{'next-hop':null}]");

	assert_string_equal(text, "MAC\nm\n-\n");
}

/* An array whose text would not fit is cut, never written past. */
static void very_long_list(void **state)
{
	json_t *list = json_array(), *json OWN_JSON = json_array();
	char *text OWN_MEM = NULL;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	for (int i = 0; i < 200; i++)
		json_array_append_new(list, json_string("2001:db8::1"));
	json_array_append_new(json, json_pack("{s:o}", "name", list));
	table_print(columns, json, memory);
	fclose(memory);
	assert_true(size > 500 && size < 3000);
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2] = {
		{ .name = "a member of a member", .test_func = member_of_a_member },
		{ .name = "a very long list is cut", .test_func = very_long_list },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[2 + i] = (struct CMUnitTest){ .name = rows[i].sentence,
						    .test_func = check_row,
						    .initial_state = (void *)&rows[i] };
	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
