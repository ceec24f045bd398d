// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Fuzzes the control socket's lines: a report that is taken names a link and an event that there are; an
 * order that is taken, a policy's file and a time; of one that is refused the sentence is short and a
 * line, and the result is left alone.
 */
#include "control.h"
#include "fuzz.h"

static void check_report(const struct report *r)
{
	REQUIRE(r->link[0] && memchr(r->link, 0, sizeof(r->link)));
	REQUIRE(r->kind == KIND_FAILURE || r->kind == KIND_RECOVERY || r->kind == KIND_CONGESTION ||
		r->kind == KIND_ELIMINATION);
	REQUIRE((r->cause == CAUSE_NONE) ==
		(r->kind == KIND_RECOVERY || r->kind == KIND_ELIMINATION));
	REQUIRE(r->cause != CAUSE_NO_FEASIBLE_PATH);
}

static void check_order(const struct order *o)
{
	REQUIRE(o->kind == ORDER_SHOW || o->kind == ORDER_APPLY || o->kind == ORDER_CONFIRM);
	REQUIRE(memchr(o->file, 0, sizeof(o->file)));
	REQUIRE(!o->file[0] == (o->kind != ORDER_APPLY));
	REQUIRE(o->confirm_s <= CONFIRM_MAX_S);
	REQUIRE(o->fd == -1);
}

static void check_sentence(const char error[CONTROL_ERROR])
{
	REQUIRE(error[0] && memchr(error, 0, CONTROL_ERROR));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1), error[CONTROL_ERROR];
	struct report report, report_before;
	struct order order, order_before;
	int r;

	REQUIRE(line);
	memcpy(line, data, size);
	memset(&report_before, 0xa5, sizeof(report));
	memset(&order_before, 0xa5, sizeof(order));
	report = report_before;
	order = order_before;
	memset(error, 0, sizeof(error));
	if (control_parse(&report, line, size, error)) {
		check_sentence(error);
		REQUIRE(!memcmp(&report, &report_before, sizeof(report)));
	} else {
		check_report(&report);
	}
	memset(error, 0, sizeof(error));
	r = control_parse_order(&order, line, size, error);
	if (r < 0)
		check_sentence(error);
	if (r > 0)
		check_order(&order);
	else
		REQUIRE(!memcmp(&order, &order_before, sizeof(order)));
	free(line);
	return 0;
}
