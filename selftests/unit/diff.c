// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* diff: what two policies differ in, by lines and by members. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "diff.h"
#include "json.h"
#include "own.h"

/* One letter a line, in `from` and `to`; what is expected is without its two lines of names. */
static const struct {
	const char *sentence, *from, *to, *expected;
	int changed;
} lines[] = {
	{ "nothing differs from itself", "abc", "abc", "", 0 },
	{ "nothing differs from nothing", "", "", "", 0 },
	{ "all is new", "", "ab", "@@ -0,0 +1,2 @@\n+a\n+b\n", 2 },
	{ "all is gone", "ab", "", "@@ -1,2 +0,0 @@\n-a\n-b\n", 2 },
	{ "one line, and three around it", "abcdefghi", "abcdXfghi",
	  "@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+X\n f\n g\n h\n", 2 },
	{ "at either end", "abcde", "Xbcdef", "@@ -1,5 +1,6 @@\n-a\n+X\n b\n c\n d\n e\n+f\n", 3 },
	{ "six lines in between are one hunk", "a123456b", "X123456Y",
	  "@@ -1,8 +1,8 @@\n-a\n+X\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+Y\n", 4 },
	{ "seven are two", "a1234567b", "X1234567Y",
	  "@@ -1,4 +1,4 @@\n-a\n+X\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-b\n+Y\n", 4 },
	{ "an entry that goes, goes whole", "{a}{b}{c}", "{a}{c}",
	  "@@ -2,8 +2,5 @@\n a\n }\n {\n-b\n-}\n-{\n c\n }\n", 3 },
	{ "what moves goes and comes", "abc", "cab", "@@ -1,3 +1,3 @@\n+c\n a\n b\n-c\n", 2 },
	{ "only what is there often", "{}{}{}", "{}{}", "@@ -2,5 +2,3 @@\n }\n {\n }\n-{\n-}\n", 2 },
};

static void by_line(char *text, const char *letters)
{
	for (; *letters; letters++)
		text += sprintf(text, "%c\n", *letters);
	*text = 0;
}

static void lines_that_differ(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		char from[64], to[64], *found OWN_MEM = NULL;
		const char *rest;
		size_t len;
		FILE *out = open_memstream(&found, &len);

		by_line(from, lines[i].from);
		by_line(to, lines[i].to);
		print_message("%s\n", lines[i].sentence);
		assert_int_equal(diff_text(from, "one", to, "other", out), lines[i].changed);
		fclose(out);
		rest = found;
		if (lines[i].changed) {
			assert_memory_equal(rest, "--- one\n+++ other\n", 18);
			rest += 18;
		}
		assert_string_equal(rest, lines[i].expected);
	}
}

/* Apply a diff to `from`: what it gives must be `to`. */
static void patch(char *result, const char *from, const char *diff)
{
	unsigned int at = 1, low, n = 1;
	const char *end;

	for (; (end = strchr(diff, '\n')); diff = end + 1) {
		if (!strncmp(diff, "--- ", 4) || !strncmp(diff, "+++ ", 4))
			continue;
		if (diff[0] == '@') {
			n = 1;
			assert_true(sscanf(diff, "@@ -%u,%u", &low, &n) >= 1);
			low += n == 0; /* before the line behind it */
			for (; at < low; at++, from += 2)
				result += sprintf(result, "%.2s", from);
			continue;
		}
		if (diff[0] != '+') {
			assert_memory_equal(diff + 1, from, 2);
			from += 2;
			at++;
		}
		if (diff[0] != '-')
			result += sprintf(result, "%.2s", diff + 1);
	}
	strcpy(result, from);
}

static void a_diff_makes_one_of_the_other(void **state)
{
	char letters[41], from[128], to[128], result[256];

	srand(4711);
	for (int round = 0; round < 20000; round++) {
		char *found OWN_MEM = NULL;
		size_t len;
		FILE *out = open_memstream(&found, &len);
		unsigned int kinds = 1 + rand() % 26;

		for (int s = 0; s < 2; s++) {
			int n = rand() % 40;

			for (int i = 0; i < n; i++)
				letters[i] = 'a' + rand() % kinds;
			letters[n] = 0;
			by_line(s ? to : from, letters);
		}
		assert_true(diff_text(from, "one", to, "other", out) >= 0);
		fclose(out);
		patch(result, from, found);
		assert_string_equal(result, to);
	}
}

static const struct {
	const char *sentence, *from, *to, *expected;
} members[] = {
	{ "nothing", "{'a':{'b':1}}", "{'a':{'b':1}}", "[]" },
	{ "a value", "{'a':{'b':1}}", "{'a':{'b':2}}",
	  "[{'operation':'replace','target':'/a/b','from':1,'to':2}]" },
	{ "a value that comes, and one that goes", "{'a':1}", "{'b':true}",
	  "[{'operation':'delete','target':'/a','from':1},{'operation':'create','target':'/b','to':true}]" },
	{ "entries are known by their keys, not their places",
	  "{'path':[{'name':'x','dscp':1},{'name':'y'}]}", "{'path':[{'name':'y'},{'name':'x','dscp':2}]}",
	  "[{'operation':'replace','target':'/path=x/dscp','from':1,'to':2}]" },
	{ "entries that come and go", "{'class':[{'prefix':'2001:db8::/32'}]}", "{'class':[{'prefix':'::/0'}]}",
	  "[{'operation':'delete','target':'/class=2001%3Adb8%3A%3A%2F32','from':{'prefix':'2001:db8::/32'}},"
	  "{'operation':'create','target':'/class=%3A%3A%2F0','to':{'prefix':'::/0'}}]" },
	{ "the last entry, and its list", "{'member':[{'path':'a'}]}", "{}",
	  "[{'operation':'delete','target':'/member=a','from':{'path':'a'}}]" },
	{ "a list of values is one value", "{'segment':['a','b']}", "{'segment':['b','a']}",
	  "[{'operation':'replace','target':'/segment','from':['a','b'],'to':['b','a']}]" },
	{ "so is a list whose order counts", "{'end':[{'router-id':'1'},{'router-id':'2'}]}",
	  "{'end':[{'router-id':'2'},{'router-id':'1'}]}",
	  "[{'operation':'replace','target':'/end','from':[{'router-id':'1'},{'router-id':'2'}],"
	  "'to':[{'router-id':'2'},{'router-id':'1'}]}]" },
	{ "another kind of value", "{'dscp':'copy'}", "{'dscp':7}",
	  "[{'operation':'replace','target':'/dscp','from':'copy','to':7}]" },
	{ "another choice", "{'p':{'gre':{}}}", "{'p':{'ipip':{}}}",
	  "[{'operation':'delete','target':'/p/gre','from':{}},{'operation':'create','target':'/p/ipip','to':{}}]" },
};

static json_t *read_json(const char *text)
{
	char quoted[512], *c = quoted;
	json_t *json;

	for (; *text; text++)
		*c++ = *text == '\'' ? '"' : *text;
	*c = 0;
	json = json_loads(quoted, 0, NULL);
	assert_non_null(json);
	return json;
}

static void members_that_differ(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_t *from OWN_JSON = read_json(members[i].from), *to OWN_JSON = read_json(members[i].to);
		json_t *expected OWN_JSON = read_json(members[i].expected);
		json_t *found OWN_JSON = diff_members(from, to);

		print_message("%s\n", members[i].sentence);
		assert_true(json_equal(found, expected));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "lines that differ", lines_that_differ, NULL, NULL, NULL },
		{ "what a diff says makes one text of the other", a_diff_makes_one_of_the_other, NULL, NULL,
		  NULL },
		{ "members that differ", members_that_differ, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("diff", tests, NULL, NULL);
}
