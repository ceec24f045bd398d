// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* `fantel counters`: packets by reason, straight from fantel_stats and the table in reason.h. */
#include "commands.h"
#include "json.h"
#include "options.h"
#include "own.h"
#include "shown.h"
#include "table.h"
#include "view.h"
#include "words.h"

struct counters_options {
	struct options options; /* first: what options_parse takes */
	bool all;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct counters_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(state);
		return 0;
	case 'a':
		options->all = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option own_options[] = {
	{ .name = "all", .key = 'a', .doc = "the reasons that never occurred as well" },
	{},
};
static const struct argp_child children[] = { { .argp = &options_view }, {} };
static const struct argp argp = {
	.options = own_options,
	.parser = parse,
	.children = children,
};

json_t *counters_json(int stats_fd, bool all)
{
	static const char *const fates[] = {
		[FATE_DROP] = "drop",
		[FATE_PASS] = "pass",
		[FATE_DONE] = "done",
	};
	json_t *rows = json_array();

	for (__u32 reason = REASON_NONE + 1; reason < REASON_COUNT; reason++) {
		struct traffic t = traffic_read(stats_fd, reason);
		json_t *row;

		if (!t.packets && !all)
			continue;
		row = json_object();
		json_set(row, "reason", json_string(reason_word(reason)));
		json_set(row, "fate", json_string(fates[reason_fate(reason)]));
		json_set(row, "packets", json_integer(t.packets));
		json_set(row, "bytes", json_integer(t.bytes));
		json_set(row, "sentence", json_string(reason_sentence(reason)));
		json_array_append_new(rows, row);
	}
	return rows;
}

int cmd_counters(int argc, char **argv)
{
	static const struct column columns[] = {
		{ "REASON", "reason", COLUMN_PLAIN },	{ "FATE", "fate", COLUMN_PLAIN },
		{ "PACKETS", "packets", COLUMN_PLAIN }, { "BYTES", "bytes", COLUMN_PLAIN },
		{ "WHAT", "sentence", COLUMN_PLAIN },	{},
	};
	struct counters_options options = {};
	json_t *json OWN_JSON = NULL;
	int fd OWN_FD = -1;
	struct pins pins;

	options_parse(&argp, argc, argv, &options);
	if (pins_find(&pins, options.options.root, options.options.node))
		return EXIT_FAILED;
	fd = pins_map(&pins, "fantel_stats");
	if (fd < 0)
		return EXIT_FAILED;
	json = json_object();
	json_set(json, "node", json_string(pins.node));
	json_set(json, "counters", counters_json(fd, options.all));
	if (options.options.json)
		json_print(json, false, stdout);
	else
		table_print(columns, json_object_get(json, "counters"), stdout);
	return EXIT_DONE;
}
