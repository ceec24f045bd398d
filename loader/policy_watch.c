// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What is to be noticed of links that are up, and of the node. Called by policy.c.
 */
#include "errors.h"
#include "policy_reader.h"

struct threshold take_threshold(const struct lyd_node *queue, const char *onset, const char *end)
{
	struct threshold t = { .onset = yang_number(queue, onset) };

	t.end = yang_child(queue, end) ? yang_number(queue, end) : DIV_ROUND_UP(t.onset, 2);
	return t;
}

static void take_queue(struct policy_watch *watch, const struct lyd_node *queue)
{
	const struct lyd_node *rate = yang_child(queue, "rate");

	watch->queue = true;
	watch->bytes = take_threshold(queue, "onset", "end");
	watch->packets = take_threshold(queue, "onset-packets", "end-packets");
	watch->hold_down_ms[TROUBLE_QUEUE] = yang_number(queue, "hold-down");
	watch->rate_min = yang_number(rate, "min");
	watch->rate_max = yang_number(rate, "max");
}

static void take_utilization(struct policy_watch *watch, const struct lyd_node *from)
{
	watch->load = true;
	watch->percent.onset = yang_number(from, "onset");
	watch->percent.end = yang_child(from, "end") ? yang_number(from, "end")
						      : DIV_ROUND_UP(watch->percent.onset * 9, 10);
	watch->capacity_kbit = yang_number(from, "capacity");
	watch->constant_ms = yang_number(from, "time-constant");
	watch->hold_down_ms[TROUBLE_LOAD] = yang_number(from, "hold-down");
}

static void take_errors(struct policy_watch *watch, const struct lyd_node *errors)
{
	static const char *const words[] = {
#define X(NAME, word) word,
		ERROR_COUNTERS(X)
#undef X
	};

	yang_each (leaf, errors, "count") {
		for (int i = 0; i < ERROR_COUNTER_COUNT; i++)
			if (!strcmp(yang_value(leaf), words[i]))
				watch->counted |= 1U << i;
	}
	watch->errors = take_threshold(errors, "onset", "end");
	watch->errors_least = yang_number(errors, "least");
	watch->errors_interval_ms = yang_number(errors, "interval");
	watch->hold_down_ms[TROUBLE_ERRORS] = yang_number(errors, "hold-down");
}

void take_watch(struct policy_watch *watch, const struct lyd_node *from)
{
	const struct lyd_node *queue = yang_child(from, "queue");
	const struct lyd_node *utilization = yang_child(from, "utilization");

	const struct lyd_node *errors = yang_child(from, "errors");

	if (errors)
		take_errors(watch, errors);
	if (queue)
		take_queue(watch, queue);
	if (utilization)
		take_utilization(watch, utilization);
}

void take_changes(struct policy_changes *changes, const struct lyd_node *from)
{
	changes->percent = yang_number(from, "change");
	changes->interval_ms = yang_number(from, "interval");
	changes->refresh_ms = yang_number(from, "refresh");
}

void take_node_load(struct reader *r, const struct lyd_node *from)
{
	struct policy_node_load *load = &r->policy->node_load;
	const char *file = yang_text(from, "pressure-file");

	if (!from)
		return;
	load->percent = take_threshold(from, "onset", "end");
	load->interval_ms = yang_number(from, "interval");
	load->hold_down_ms = yang_number(from, "hold-down");
	if (file) {
		load->file = strdup(file);
		r->no_memory |= !load->file;
	}
}
