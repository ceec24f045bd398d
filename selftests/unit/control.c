// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* control: what a line over the socket says, and what is said of a wrong one. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "control.h"

static const struct {
	const char *sentence, *line;
	struct report report;
} good[] = {
	{ "a failure has a cause", "{\"link\":\"eth1\",\"event\":\"failure\",\"cause\":\"errors\"}",
	  { "eth1", KIND_FAILURE, CAUSE_ERRORS } },
	{ "a recovery has none", "{\"event\":\"failure-recovery\",\"link\":\"eth1\"}",
	  { "eth1", KIND_RECOVERY, CAUSE_NONE } },
	{ "blanks do not matter", " { \"cause\" : \"queue\", \"link\":\"a.100\", \"event\":\"congestion\" } \r",
	  { "a.100", KIND_CONGESTION, CAUSE_QUEUE } },
	{ "the end of congestion", "{\"link\":\"fifteen-letters\",\"event\":\"congestion-elimination\"}",
	  { "fifteen-letters", KIND_ELIMINATION, CAUSE_NONE } },
};

static const struct {
	const char *sentence, *line, *said; /* how the sentence begins */
} bad[] = {
	{ "nothing", "", "not an object of JSON on one line: " },
	{ "half an object", "{\"link\":", "not an object of JSON on one line: " },
	{ "another kind of value", "[]", "not an object of JSON on one line" },
	{ "two members of one name", "{\"link\":\"a\",\"link\":\"b\"}", "not an object of JSON on one line: " },
	{ "a byte that is no text", "{\"link\":\"\xff\"}", "not an object of JSON on one line: " },
	{ "an unknown member", "{\"lnik\":\"a\"}",
	  "\"lnik\": no such member; there are \"link\", \"event\" and \"cause\"" },
	{ "a member that is no string", "{\"link\":7}", "\"link\": not a string; put it in quotes" },
	{ "no link", "{\"event\":\"failure\",\"cause\":\"errors\"}", "\"link\" is missing; " },
	{ "an empty link", "{\"link\":\"\",\"event\":\"failure\",\"cause\":\"errors\"}", "\"link\": " },
	{ "a link that no interface can be called", "{\"link\":\"sixteen-letters!\",\"event\":\"failure\"}",
	  "\"link\": \"sixteen-letters!\" can't be a port's name" },
	{ "no event", "{\"link\":\"a\"}", "\"event\" is missing; " },
	{ "an event that links don't have", "{\"link\":\"a\",\"event\":\"load-balancing\"}",
	  "\"event\": \"load-balancing\" can't be reported; give one of failure, failure-recovery, "
	  "congestion, congestion-elimination" },
	{ "a failure without a cause", "{\"link\":\"a\",\"event\":\"failure\"}",
	  "\"cause\" is missing; give one of carrier, bfd, admin-down, errors, node-down, queue, utilization" },
	{ "a recovery with one", "{\"link\":\"a\",\"event\":\"failure-recovery\",\"cause\":\"bfd\"}",
	  "\"cause\": what is over has none; leave it out" },
	{ "an unknown cause", "{\"link\":\"a\",\"event\":\"failure\",\"cause\":\"rain\"}",
	  "\"cause\": a link has none called \"rain\"; give one of carrier" },
	{ "a cause that is no link's", "{\"link\":\"a\",\"event\":\"failure\",\"cause\":\"no-feasible-path\"}",
	  "\"cause\": a link has none called \"no-feasible-path\"" },
	{ "no cause, said so", "{\"link\":\"a\",\"event\":\"failure\",\"cause\":\"none\"}",
	  "\"cause\": a link has none called \"none\"" },
};

static void good_lines(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		char error[CONTROL_ERROR] = "untouched";
		struct report report;

		print_message("# %s\n", good[i].sentence);
		assert_int_equal(control_parse(&report, good[i].line, strlen(good[i].line), error), 0);
		assert_string_equal(report.link, good[i].report.link);
		assert_int_equal(report.kind, good[i].report.kind);
		assert_int_equal(report.cause, good[i].report.cause);
		assert_string_equal(error, "untouched");
	}
}

static void bad_lines(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct report report, before;
		char error[CONTROL_ERROR];

		print_message("# %s\n", bad[i].sentence);
		memset(&report, 0xa5, sizeof(report));
		before = report;
		assert_true(control_parse(&report, bad[i].line, strlen(bad[i].line), error) < 0);
		error[strlen(bad[i].said)] = 0;
		assert_string_equal(error, bad[i].said);
		assert_memory_equal(&report, &before, sizeof(report));
	}
}

static const struct {
	const char *sentence, *line;
	struct order order;
} good_orders_rows[] = {
	{ "the policy in force", "{\"policy\":\"show\"}", { .kind = ORDER_SHOW } },
	{ "another one", "{\"policy\":\"apply\",\"file\":\"/a b\"}", { .kind = ORDER_APPLY, .file = "/a b" } },
	{ "one for a minute", "{\"confirm\":60,\"file\":\"f\",\"policy\":\"apply\"}",
	  { .kind = ORDER_APPLY, .file = "f", .confirm_s = 60 } },
	{ "that it is to stay", "{\"policy\":\"confirm\"}", { .kind = ORDER_CONFIRM } },
};

static void good_orders(void **state)
{
	char error[CONTROL_ERROR] = "";

	for (size_t i = 0; i < ARRAY_SIZE(good_orders_rows); i++) {
		const struct order *want = &good_orders_rows[i].order;
		const char *line = good_orders_rows[i].line;
		struct order order;

		print_message("%s\n", good_orders_rows[i].sentence);
		assert_int_equal(control_parse_order(&order, line, strlen(line), error), 1);
		assert_int_equal(order.kind, want->kind);
		assert_int_equal(order.confirm_s, want->confirm_s);
		assert_string_equal(order.file, want->file);
		assert_int_equal(order.fd, -1);
	}
}

static const struct {
	const char *sentence, *line, *said;
	int found;
} bad_orders_rows[] = {
	{ "a report is no order", "{\"link\":\"a\"}", "", 0 },
	{ "nor is what is no JSON", "{\"policy\":", "", 0 },
	{ "an unknown word", "{\"policy\":\"aply\"}",
	  "\"policy\": give \"show\", \"apply\" or \"confirm\"", -EINVAL },
	{ "no word at all", "{\"policy\":7}", "\"policy\": give ", -EINVAL },
	{ "a policy without a name", "{\"policy\":\"apply\"}", "\"file\" is missing; ", -EINVAL },
	{ "no time to confirm it", "{\"policy\":\"apply\",\"file\":\"f\",\"confirm\":0}",
	  "\"confirm\": give seconds from 1 to 86400", -EINVAL },
	{ "a time in words", "{\"policy\":\"apply\",\"file\":\"f\",\"confirm\":\"60\"}",
	  "\"confirm\": give ", -EINVAL },
	{ "more than there is to say", "{\"policy\":\"apply\",\"file\":\"f\",\"dry\":1}",
	  "\"policy\": \"apply\" has \"file\" and \"confirm\" beside it, and no more", -EINVAL },
	{ "more where there is nothing to say", "{\"policy\":\"show\",\"file\":\"f\"}",
	  "\"policy\": \"show\" has no other members", -EINVAL },
};

static void bad_orders(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_orders_rows); i++) {
		const char *line = bad_orders_rows[i].line, *said = bad_orders_rows[i].said;
		struct order order = { .kind = 99, .fd = 7 };
		char error[CONTROL_ERROR] = "";

		print_message("%s\n", bad_orders_rows[i].sentence);
		assert_int_equal(control_parse_order(&order, line, strlen(line), error),
				 bad_orders_rows[i].found);
		error[strlen(said)] = 0;
		assert_string_equal(error, said);
		assert_true(order.kind == 99 && order.fd == 7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "a right order is one", good_orders, NULL, NULL, NULL },
		{ "a wrong one is a sentence, and no order", bad_orders, NULL, NULL, NULL },
		{ "a right line is a report", good_lines, NULL, NULL, NULL },
		{ "a wrong one is a sentence, and no report", bad_lines, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
