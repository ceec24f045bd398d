// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The members are named once, in event_json; the text line is printed from them. Called by events.c
 * for `fantel run` and `fantel events`.
 */
#include <string.h>

#include "clock.h"
#include "event.h"
#include "fantel/metric.h"
#include "json.h"
#include "measured.h"
#include "text.h"
#include "words.h"

static const char *type_word(__u32 type)
{
	static const char *const words[] = {
		[EVENT_NOTIFICATION] = "notification",
		[EVENT_PATH] = "path",
		[EVENT_NOTIFIED] = "notified",
		[EVENT_NO_PATH] = "no-path",
		[EVENT_LINK] = "link",
		[EVENT_TROUBLE] = "trouble",
		[EVENT_WEIGHT] = "weight",
		[EVENT_DAMPING] = "damping",
	};

	return type < ARRAY_SIZE(words) ? words[type] : "unknown";
}

/* What the name is the name of. */
static const char *name_member(const struct event *e)
{
	if (e->type == EVENT_LINK || e->type == EVENT_DAMPING)
		return "link";
	if (e->type == EVENT_NOTIFIED && e->cause == CAUSE_NO_FEASIBLE_PATH)
		return "group";
	if (e->type == EVENT_NOTIFIED || e->type == EVENT_TROUBLE)
		return measured_has(&e->measured, TLVI_NODE_LOAD) ? "node" : "link";
	if (e->type == EVENT_NO_PATH)
		return "group";
	return e->is_resource ? "resource" : e->is_transit ? "transit" : "path";
}

static void add_number(json_t *json, const char *member, __u64 value)
{
	if (value)
		json_set(json, member, json_integer(value));
}

static void add_wall(json_t *json, const char *member, __u64 wall_ns)
{
	char text[CLOCK_TEXT];

	if (wall_ns)
		json_set(json, member, json_string(clock_text(text, wall_ns)));
}

/* What the event is about: a path, a resource, a link or a group, and how it fares now. */
static void add_subject(json_t *json, const struct event *e)
{
	if (e->name[0])
		json_set(json, name_member(e), json_text(e->name));
	else if (e->type == EVENT_NO_PATH)
		json_set(json, "group", json_integer(e->group));
	else if (e->index != ~0U)
		json_set(json, name_member(e), json_integer(e->index));
	if (e->type == EVENT_LINK)
		json_set(json, "up", json_boolean(e->usable));
	else if (e->type == EVENT_TROUBLE)
		json_set(json, "over", json_boolean(e->usable));
	else if (e->type == EVENT_DAMPING)
		json_set(json, "suppressed", json_boolean(!e->usable));
	else if (e->index != ~0U && e->type != EVENT_WEIGHT && e->kind != KIND_LOAD)
		json_set(json, "usable", json_boolean(e->usable));
	if (e->index != ~0U && (e->kind == KIND_CONGESTION || e->kind == KIND_ELIMINATION))
		json_set(json, "congested", json_boolean(e->congested));
}

/* A weight that begins to move, or rests again. */
static void add_weight(json_t *json, const struct event_weight *w)
{
	json_set(json, "group", json_text(w->group));
	json_set(json, "load", json_integer(w->load));
	json_set(json, "weight", json_integer(w->policy));
	json_set(json, "effective", weight_json(w->effective));
	json_set(json, "moving", json_boolean(w->moving));
}

/* What a notification said: one received, or one sent. */
static void add_message(json_t *json, const struct event *e)
{
	if (!addr_is_unspecified(&e->peer))
		json_set(json, e->type == EVENT_NOTIFIED ? "to" : "from", json_addr(&e->peer));
	if (e->cause)
		json_set(json, "cause", json_string(cause_word(e->cause)));
	add_number(json, "event-id", e->event_id);
	add_number(json, "sequence", e->sequence);
	add_wall(json, "detected", e->timestamp_ns);
	add_number(json, "validity-ms", e->validity_ms);
	if (e->type != EVENT_WEIGHT && e->tunnel.code)
		json_set(json, "tunnel", json_tunnel(&e->tunnel));
}

json_t *event_json(const struct event *e)
{
	json_t *json = json_object();

	add_wall(json, "time", clock_wall_ns(e->time_ns));
	json_set(json, "event", json_string(type_word(e->type)));
	if (e->type == EVENT_NOTIFICATION || e->type == EVENT_NOTIFIED)
		json_set(json, "kind", json_string(kind_word(e->kind)));
	if (e->reason)
		json_set(json, "reason", json_string(reason_word(e->reason)));
	add_subject(json, e);
	add_message(json, e);
	if (e->type == EVENT_WEIGHT)
		add_weight(json, &e->weight);
	else
		measured_set(json, &e->measured, false);
	add_number(json, "monotonic-ns", e->time_ns);
	return json;
}

/* ---- text ------------------------------------------------------------------------------------ */

static void print_value(const json_t *value, FILE *out)
{
	const json_t *item;
	size_t i;

	if (json_is_integer(value))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		fprintf(out, "%g", json_real_value(value));
	else if (json_is_boolean(value))
		fputs(json_is_true(value) ? "yes" : "no", out);
	else if (json_is_string(value))
		fputs(json_string_value(value), out);
	json_array_foreach(value, i, item)
	{
		fputs(i ? "," : "", out);
		print_value(item, out);
	}
}

static void print_text(json_t *json, FILE *out)
{
	const char *member;
	json_t *value;

	print_value(json_object_get(json, "time"), out);
	fprintf(out, " %-12s", json_string_value(json_object_get(json, "event")));
	json_object_foreach(json, member, value)
	{
		if (!strcmp(member, "time") || !strcmp(member, "event") ||
		    !strcmp(member, "monotonic-ns"))
			continue;
		fprintf(out, " %s=", member);
		print_value(value, out);
	}
	fputc('\n', out);
}

static void print(json_t *json, enum format format, FILE *out)
{
	if (format == FORMAT_JSON)
		json_print(json, true, out);
	else
		print_text(json, out);
}

void event_print(const struct event *event, enum format format, FILE *out)
{
	json_t *json OWN_JSON = event_json(event);

	print(json, format, out);
}

void event_print_lost(__u64 lost, enum format format, FILE *out)
{
	json_t *json OWN_JSON = json_object();

	add_wall(json, "time", clock_wall_ns(clock_now_ns()));
	json_set(json, "event", json_string("lost"));
	add_number(json, "events", lost);
	print(json, format, out);
}
