// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Events as lines of text and of JSON. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "clock.h"
#include "event.h"
#include "json.h"
#include "fantel/metric.h"
#include "own.h"

static struct addr addr_of(const char *text)
{
	struct addr addr;

	assert_int_equal(inet_pton(AF_INET6, text, &addr), 1);
	return addr;
}

/* Printed, the time cut off: it starts every text line. */
static char *line_of(const struct event *event, enum format format)
{
	char *out = NULL, *line;
	size_t size;
	FILE *memory = open_memstream(&out, &size);

	event_print(event, format, memory);
	fclose(memory);
	if (format == FORMAT_JSON)
		return out;
	assert_int_equal(strchr(out, ' ') - out, strlen("2026-01-01T00:00:00.000000Z"));
	line = strdup(strchr(out, ' ') + 1);
	free(out);
	return line;
}

static struct event notification(void)
{
	struct event e = { .type = EVENT_NOTIFICATION,
			   .reason = REASON_FAILED,
			   .kind = KIND_FAILURE,
			   .cause = CAUSE_CARRIER,
			   .index = 3,
			   .event_id = 77,
			   .sequence = 1ULL << 40,
			   .timestamp_ns = 1709210096123456000ULL,
			   .validity_ms = 30000,
			   .peer = addr_of("2001:db8:f::11"),
			   .name = "west",
			   .tunnel = { .code = CODE_SRV6, .n = 2 } };

	e.time_ns = clock_now_ns();
	e.tunnel.segment[1] = addr_of("2001:db8::1");
	e.tunnel.segment[0] = addr_of("2001:db8::2");
	return e;
}

static void text_of_a_notification(void **state)
{
	struct event e = notification();
	char *line OWN_MEM = line_of(&e, FORMAT_TEXT);

	assert_string_equal(line, "notification kind=failure reason=failed path=west usable=no "
				  "from=2001:db8:f::11 cause=carrier event-id=77 "
				  "sequence=1099511627776 detected=2024-02-29T12:34:56.123456Z "
				  "validity-ms=30000 tunnel=2001:db8::1,2001:db8::2\n");
}

static void json_of_a_notification(void **state)
{
	struct event e = notification();
	char *line OWN_MEM = line_of(&e, FORMAT_JSON);
	json_t *json OWN_JSON = json_loads(line, 0, NULL);

	assert_non_null(json);
	assert_int_equal(strcspn(line, "\n"), strlen(line) - 1);
	assert_string_equal(json_string_value(json_object_get(json, "event")), "notification");
	assert_int_equal(json_integer_value(json_object_get(json, "sequence")), 1LL << 40);
	assert_int_equal(json_integer_value(json_object_get(json, "monotonic-ns")), e.time_ns);
	assert_true(json_is_false(json_object_get(json, "usable")));
	assert_int_equal(json_array_size(json_object_get(json, "tunnel")), 2);
}

static const struct row {
	const char *sentence;
	struct event event;
	const char *text;
} rows[] = {
	{ "a path that is usable again, by expiry",
	  { .type = EVENT_PATH, .reason = REASON_EXPIRED, .index = 1, .usable = 1, .name = "south" },
	  "path         reason=expired path=south usable=yes\n" },
	{ "a path whose name is not known goes by its number",
	  { .type = EVENT_PATH, .index = 0 }, "path         path=0 usable=no\n" },
	{ "a resource that is usable again",
	  { .type = EVENT_NOTIFICATION,
	    .kind = KIND_RECOVERY,
	    .reason = REASON_RECOVERED,
	    .is_resource = 1,
	    .usable = 1,
	    .name = "r1-r2" },
	  "notification kind=failure-recovery reason=recovered resource=r1-r2 usable=yes\n" },
	{ "a resource whose name is not known goes by its number",
	  { .type = EVENT_PATH, .is_resource = 1, .index = 7 },
	  "path         resource=7 usable=no\n" },
	{ "metrics of a path say what was told of it",
	  { .type = EVENT_NOTIFICATION,
	    .kind = KIND_LOAD,
	    .reason = REASON_MEASURED,
	    .index = 1,
	    .name = "west",
	    .measured = { .told = MSG_BIT(TLVI_UTILIZED) | MSG_BIT(TLVI_CAPACITY) |
				  MSG_BIT(TLVI_LOSS),
			  .capacity = 1000, .utilized = 250, .loss = 1000 } },
	  "notification kind=load-balancing reason=measured path=west load=250 capacity=1000 "
	  "utilized=250 loss-percent=0.003\n" },
	{ "a weight that begins to move",
	  { .type = EVENT_WEIGHT,
	    .index = 1,
	    .name = "west",
	    .weight = { "dc2", .policy = 4, .effective = 4 * 256 - 128, .load = 700, .moving = 1 } },
	  "weight       path=west group=dc2 load=700 weight=4 effective=3.5 moving=yes\n" },
	{ "a link that went down",
	  { .type = EVENT_LINK, .index = ~0U, .cause = CAUSE_ADMIN_DOWN, .event_id = 5, .name = "r2" },
	  "link         link=r2 up=no cause=admin-down event-id=5\n" },
	{ "a link that came up",
	  { .type = EVENT_LINK, .index = ~0U, .usable = 1, .name = "r2" },
	  "link         link=r2 up=yes\n" },
	{ "a link that flaps",
	  { .type = EVENT_DAMPING, .index = ~0U, .cause = CAUSE_CARRIER, .event_id = 5, .name = "r2" },
	  "damping      link=r2 suppressed=yes cause=carrier event-id=5\n" },
	{ "a group without a usable path, by number",
	  { .type = EVENT_NO_PATH, .index = ~0U, .reason = REASON_NO_PATH, .group = 4 },
	  "no-path      reason=no-path group=4\n" },
	{ "a group without a usable path, by name",
	  { .type = EVENT_NO_PATH, .index = ~0U, .reason = REASON_NO_PATH_PASS, .name = "dc2" },
	  "no-path      reason=no-path-passed group=dc2\n" },
	{ "a notification that was sent names the link",
	  { .type = EVENT_NOTIFIED, .index = ~0U, .kind = KIND_RECOVERY, .name = "r2", .sequence = 9 },
	  "notified     kind=failure-recovery link=r2 sequence=9\n" },
	{ "trouble of a node names it, and how busy it is",
	  { .type = EVENT_TROUBLE, .index = ~0U, .cause = CAUSE_UTILIZATION, .name = "r1", .event_id = 5,
	    .measured = { .told = MSG_BIT(TLVI_NODE_LOAD), .cpu_percent = 85, .memory_percent = 40 } },
	  "trouble      node=r1 over=no cause=utilization event-id=5 load=850 cpu-percent=85 "
	  "memory-percent=40\n" },
	{ "a controller that was told is told of a group",
	  { .type = EVENT_NOTIFIED, .index = ~0U, .kind = KIND_FAILURE, .name = "dc2", .event_id = 5,
	    .cause = CAUSE_NO_FEASIBLE_PATH },
	  "notified     kind=failure group=dc2 cause=no-feasible-path event-id=5\n" },
	{ "a type from a newer version is said to be unknown",
	  { .type = 99, .index = ~0U }, "unknown     \n" },
};

static void check_row(void **state)
{
	const struct row *row = *state;
	char *line OWN_MEM = line_of(&row->event, FORMAT_TEXT);

	assert_string_equal(line, row->text);
}

/* The name is from the policy, but a line stays a line whatever is in it. */
static void bytes_that_are_no_text(void **state)
{
	struct event e = { .type = EVENT_PATH, .index = 1, .name = "w\xff\xfest" };
	char *line OWN_MEM = line_of(&e, FORMAT_TEXT);

	assert_string_equal(line, "path         path=w??st usable=no\n");
}

static void lost_events(void **state)
{
	char *out OWN_MEM = NULL;
	size_t size;
	FILE *memory = open_memstream(&out, &size);

	event_print_lost(12, FORMAT_TEXT, memory);
	fclose(memory);
	assert_non_null(strstr(out, " lost         events=12\n"));
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 4] = {
		{ .name = "a notification, every member", .test_func = text_of_a_notification },
		{ .name = "a notification as JSON on one line",
		  .test_func = json_of_a_notification },
		{ .name = "bytes that are no text become question marks",
		  .test_func = bytes_that_are_no_text },
		{ .name = "events lost to a slow reader are told", .test_func = lost_events },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[4 + i] = (struct CMUnitTest){ .name = rows[i].sentence,
						    .test_func = check_row,
						    .initial_state = (void *)&rows[i] };
	return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
