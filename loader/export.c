// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * `fantel export`: what status, paths and counters show, in Prometheus' text format (version 0.0.4).
 * Each family of samples is a row of a table that says where in their JSON it stands.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "json.h"
#include "log.h"
#include "options.h"
#include "own.h"
#include "shown.h"
#include "view.h"

#define LABELS 3

struct label {
	const char *name, *member; /* of the row */
};

/* A counter where its name says so, else a gauge. */
struct family {
	const char *name;
	const char *rows;  /* an array of objects, or one object */
	const char *value; /* of a row: a number or a boolean, no sample where it is null; NULL = count rows */
	const char *is;	   /* the value is a word: is it this one? */
	const char *help;
	struct label label[LABELS];
};

static const struct family families[] = {
	{ "loader_running", "loader", "running", NULL, "1: `fantel run' looks after the node.", { {} } },

	{ "packets_total", "counters", "packets", NULL,
	  "Packets by what became of them; fantel(8), REASONS.",
	  { { "reason", "reason" }, { "fate", "fate" } } },
	{ "bytes_total", "counters", "bytes", NULL, "Their bytes.",
	  { { "reason", "reason" }, { "fate", "fate" } } },

	{ "link_up", "links", "up", NULL, "1: the link of this core port works.", { { "link", "name" } } },
	{ "link_flaps_total", "links", "flaps", NULL, "How often it went down.", { { "link", "name" } } },
	{ "link_suppressed", "links", "suppressed", NULL, "1: it flaps, and is kept out of use.",
	  { { "link", "name" } } },
	{ "link_queue_bytes", "links", "queue.bytes", NULL, "What waits to leave by it.",
	  { { "link", "name" } } },
	{ "link_queue_packets", "links", "queue.packets", NULL, "How many packets that is.",
	  { { "link", "name" } } },
	{ "link_queue_congested", "links", "queue.congested", NULL, "1: it is too much.",
	  { { "link", "name" } } },
	{ "link_bytes_per_second", "links", "utilization.bytes-per-second", NULL,
	  "What leaves by it, averaged.", { { "link", "name" } } },
	{ "link_capacity_bytes_per_second", "links", "utilization.capacity", NULL,
	  "What could, by policy.", { { "link", "name" } } },
	{ "link_load_congested", "links", "utilization.congested", NULL, "1: it is too much of that.",
	  { { "link", "name" } } },

	{ "bfd_up", "bfd", "state", "up", "1: the BFD session of the link is up.",
	  { { "link", "link" }, { "peer", "peer" } } },
	{ "bfd_failures_total", "bfd", "times-failed", NULL, "How often it failed.",
	  { { "link", "link" }, { "peer", "peer" } } },

	{ "trouble", "measured", "on", NULL, "1: what the loader measures is over its threshold.",
	  { { "trouble", "trouble" }, { "of", "of" } } },

	{ "path_usable", "paths", "usable", NULL, "1: the path may carry traffic.", { { "path", "name" } } },
	{ "path_failures", "paths", "failures", NULL,
	  "Failures told of the path itself, not of what it crosses.", { { "path", "name" } } },
	{ "path_congested", "paths", "congested", NULL, "1: used only where no other path is usable.",
	  { { "path", "name" } } },
	{ "path_load", "paths", "load", NULL, "How busy it is by what was told, 0 to 1000.",
	  { { "path", "name" } } },
	{ "path_packets_total", "paths", "packets", NULL, "Packets sent by the path.",
	  { { "path", "name" } } },
	{ "path_bytes_total", "paths", "bytes", NULL, "Their bytes, without the tunnel's headers.",
	  { { "path", "name" } } },
	{ "path_weight", "members", "effective-weight", NULL, "The path's weight in the group, as it is now.",
	  { { "group", "group" }, { "path", "path" } } },
	{ "path_serving", "members", "serving", NULL, "1: the path carries traffic of the group.",
	  { { "group", "group" }, { "path", "path" } } },
	{ "resource_usable", "resources", "usable", NULL, "1: paths that cross it may be used.",
	  { { "resource", "name" } } },

	{ "limit_used", "limits", "used", NULL, "Entries in use of what policy limits.",
	  { { "limit", "limit" }, { "map", "map" } } },
	{ "limit_room", "limits", "room", NULL, "How many there may be.",
	  { { "limit", "limit" }, { "map", "map" } } },

	{ "failed_entries", "failed", NULL, NULL, "Entries of the failed-tunnel set.",
	  { { "kind", "kind" }, { "originator", "originator" } } },
	{ "told_entries", "told", NULL, NULL, "Tunnels whose ingress PE was told of the link.",
	  { { "link", "link" }, { "ingress", "ingress" } } },
	{ "learned_tunnels", "learned", "tunnels", NULL, "Tunnels known to leave by the link.",
	  { { "link", "link" }, { "ingress", "ingress" } } },
};

/* ---- samples --------------------------------------------------------------------------------- */

/* name="value", the value escaped as the format wants it. */
static void label_put(FILE *out, const char *name, const char *value)
{
	fprintf(out, "%s=\"", name);
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '"' || *value == '\\')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
	fputc('"', out);
}

/* A text that the caller frees; NULL where memory is short. */
static char *labels_text(const struct family *family, const char *node, const json_t *row)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	label_put(out, "node", node);
	for (int i = 0; i < LABELS && family->label[i].name; i++) {
		const char *value = json_string_value(json_member(row, family->label[i].member));

		fputc(',', out);
		label_put(out, family->label[i].name, value ?: "");
	}
	fclose(out);
	return text;
}

static double value_of(const struct family *family, const json_t *value)
{
	if (!family->value)
		return 1;
	if (family->is)
		return !strcmp(json_string_value(value) ?: "", family->is);
	return json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
}

/* What has the same labels is added up: no sample may be there twice. */
static void row_add(json_t *samples, const struct family *family, const char *node, const json_t *row)
{
	const json_t *value = family->value ? json_member(row, family->value) : row;
	char *labels OWN_MEM = NULL;

	if (!value || json_is_null(value))
		return;
	labels = labels_text(family, node, row);
	if (labels)
		json_set(samples, labels,
			 json_real(value_of(family, value) +
				   json_number_value(json_object_get(samples, labels))));
}

static void family_put(FILE *out, const struct family *family, const json_t *all)
{
	const char *node = json_string_value(json_object_get(all, "node"));
	json_t *rows = json_object_get(all, family->rows), *row, *sample;
	json_t *samples OWN_JSON = json_object();
	const char *labels;
	size_t i;

	if (json_is_object(rows))
		row_add(samples, family, node, rows);
	json_array_foreach(rows, i, row)
		row_add(samples, family, node, row);
	if (!json_object_size(samples))
		return;
	fprintf(out, "# HELP fantel_%s %s\n# TYPE fantel_%s %s\n", family->name, family->help,
		family->name, strstr(family->name, "_total") ? "counter" : "gauge");
	json_object_foreach(samples, labels, sample)
		fprintf(out, "fantel_%s{%s} %.15g\n", family->name, labels, json_real_value(sample));
}

/* Everything that a family may be made of. */
static json_t *read_all(const struct view *view)
{
	json_t *all = status_json(view), *paths = paths_json(view);
	int stats OWN_FD = pins_map(&view->pins, "fantel_stats");

	json_object_update_missing(all, paths);
	json_decref(paths);
	json_set(all, "members", members_json(json_object_get(all, "groups")));
	if (stats >= 0)
		json_set(all, "counters", counters_json(stats, true));
	return all;
}

static int export(FILE *out, const struct view *view)
{
	json_t *all OWN_JSON = read_all(view);

	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		family_put(out, &families[i], all);
	return fflush(out) || ferror(out) ? -EIO : 0;
}

/* ---- the command ----------------------------------------------------------------------------- */

struct export_options {
	struct options options; /* first: what options_parse takes */
	const char *file;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct export_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(state);
		return 0;
	case 'o':
		options->file = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option own_options[] = {
	{ .name = "output",
	  .key = 'o',
	  .arg = "FILE",
	  .doc = "into a file, whole or not at all, for node_exporter's textfile collector" },
	{},
};
static const struct argp_child children[] = { { .argp = &options_node }, {} };
static const struct argp argp = {
	.options = own_options,
	.parser = parse,
	.children = children,
};

/* Under another name first, which the collector, who wants *.prom, does not read. */
static int export_file(const char *file, const struct view *view)
{
	char *draft OWN_MEM = NULL;
	FILE *out;
	int r;

	if (asprintf(&draft, "%s.%d", file, getpid()) < 0)
		return -ENOMEM;
	out = fopen(draft, "we");
	if (!out)
		return err_r(-errno, "%s: can't be made: %s", draft, strerror(errno));
	r = export(out, view);
	if (fclose(out) || r)
		r = err_r(-EIO, "%s: can't be written: %s", draft, strerror(errno));
	else if (rename(draft, file))
		r = err_r(-errno, "%s: can't be replaced: %s", file, strerror(errno));
	if (r)
		unlink(draft);
	return r;
}

int cmd_export(int argc, char **argv)
{
	struct export_options options = {};
	struct view view OWN_VIEW;
	int r;

	options_parse(&argp, argc, argv, &options);
	if (view_open(&view, &options.options))
		return EXIT_FAILED;
	r = options.file ? export_file(options.file, &view) : export(stdout, &view);
	return r ? EXIT_FAILED : EXIT_DONE;
}
