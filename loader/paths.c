// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* `fantel paths`: what each path is, where it leaves, whether it is usable, what it carried. */
#include <stdlib.h>
#include <time.h>

#include "commands.h"
#include "encap.h"
#include "json.h"
#include "log.h"
#include "rates.h"
#include "shown.h"
#include "table.h"
#include "tunnel.h"
#include "view.h"
#include "weights.h"
#include "words.h"

/* ---- the command ----------------------------------------------------------------------------- */

struct paths_options {
	struct options options; /* first: what options_parse takes */
	double watch;		/* seconds between looks; 0 = look once */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct paths_options *options = state->input;
	char *end;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(state);
		return 0;
	case 'w':
		options->watch = strtod(arg, &end);
		if (*end || end == arg || !(options->watch >= 0.01 && options->watch <= 86400))
			argp_error(state, "--watch takes seconds, 0.01 to 86400, not '%s'", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option own_options[] = {
	{ .name = "watch", .key = 'w', .arg = "SECONDS", .doc = "look again every so often" },
	{},
};
static const struct argp_child children[] = { { .argp = &options_view }, {} };
static const struct argp argp = {
	.options = own_options,
	.parser = parse,
	.children = children,
};

static json_t *nexthop_json(const struct path_view *view)
{
	const struct nexthop *nexthop = &view->nexthop;
	json_t *json;

	if (!nexthop->ifindex)
		return json_null();
	json = json_object();
	json_set(json, "interface", json_text(nexthop->ifname));
	json_set(json, "mac", json_mac(nexthop->dmac));
	json_set(json, "mtu", json_integer(nexthop->mtu));
	json_set(json, "fresh", json_boolean(view->fresh));
	json_set(json, "down", json_boolean(nexthop->down));
	json_set(json, "fq", json_boolean(nexthop->fq));
	return json;
}

/* The header template, read back as policy gave it: what it is, and null for what it is not. */
static void json_set_tunnel(json_t *json, const struct path *path)
{
	struct policy_path policy;
	struct addr source;
	bool known = encap_read(&policy, &source, path);

	json_set(json, "tunnel", json_string(known ? tunnel_word(policy.tunnel) : "unknown"));
	json_set(json, "source", known ? json_addr(&source) : json_null());
	json_set(json, "to", known ? tunnel_line(&policy) : json_null());
	for (enum tunnel_type type = TUNNEL_NONE + 1; type < TUNNEL_COUNT; type++)
		json_set(json, tunnel_word(type),
			 known && policy.tunnel == type ? tunnel_json(&policy) : json_null());
}

/* What the path crosses, or of that only what has failed. */
static json_t *crossed_json(const struct path_view *view, bool failed)
{
	json_t *names = json_array();

	for (__u32 i = 0; i < view->path.n_crossed && i < MAX_CROSSED; i++)
		if (!failed || view->crossed[i].failures > 0)
			json_array_append_new(names, json_text(view->crossed[i].name));
	return names;
}

static bool is_about(const struct failed_key *key, const struct path_view *view)
{
	if (!key->is_resource)
		return key->index == view->index;
	for (__u32 i = 0; i < view->path.n_crossed && i < MAX_CROSSED; i++)
		if (view->path.crossed[i] == key->index)
			return true;
	return false;
}

/* Of all that was told of the path and what it crosses, the greatest load; null where nothing was. */
static void json_set_load(json_t *json, const struct path_view *view, const struct rows *metrics)
{
	const struct metrics *most = NULL;

	for (__u32 i = 0; i < metrics->n; i++) {
		const struct metrics *m = row_value(metrics, i);

		if (is_about(row_key(metrics, i), view) &&
		    (!most || weights_load(&m->measured) > weights_load(&most->measured)))
			most = m;
	}
	json_set(json, "load", most ? json_integer(weights_load(&most->measured)) : json_null());
	json_set_time(json, "measured", most ? most->time_ns : 0);
}

static json_t *path_json(const struct path_view *view, const struct rows *metrics)
{
	const struct path *path = &view->path;
	bool dscp_fixed = path->flags & PATH_DSCP_FIXED;
	json_t *json = json_object();

	json_set(json, "name", json_text(path->name));
	json_set(json, "usable", json_boolean(path_view_usable(view)));
	json_set(json, "failures", json_integer(view->health.failures));
	json_set(json, "congested", json_boolean(path_view_congested(view)));
	json_set(json, "congestions", json_integer(view->health.congestions % PACE_RISE));
	json_set_time(json, "congestion-changed", view->health.congested_ns);
	json_set(json, "pace", pace_json(&view->pace));
	json_set(json, "crosses", crossed_json(view, false));
	json_set(json, "blocked-by", crossed_json(view, true));
	json_set_time(json, "changed", path_view_changed_ns(view));
	json_set(json, "next-hop", nexthop_json(view));
	json_set_tunnel(json, path);
	json_set(json, "dscp", dscp_fixed ? json_integer(path->dscp) : json_null());
	json_set_load(json, view, metrics);
	json_set(json, "packets", json_integer(view->traffic.packets));
	json_set(json, "bytes", json_integer(view->traffic.bytes));
	return json;
}

json_t *paths_json(const struct view *view)
{
	json_t *rows = json_array(), *json = json_object();
	struct rows metrics OWN_ROWS;
	struct path_view path;

	rows_read(&metrics, &view->pins, "fantel_metrics");
	for (__u32 i = 0; i < view->n_paths; i++)
		if (view_path(view, i, &path))
			json_array_append_new(rows, path_json(&path, &metrics));
	json_set(json, "node", json_string(view->pins.node));
	json_set(json, "paths", rows);
	return json;
}

static void paths_print(const json_t *json, const struct paths_options *options)
{
	static const struct column columns[] = {
		{ "PATH", "name", COLUMN_PLAIN },
		{ "USABLE", "usable", COLUMN_PLAIN },
		{ "CONGESTED", "congested", COLUMN_PLAIN },
		{ "KBIT/S", "pace.rate", COLUMN_PLAIN },
		{ "CHANGED", "changed-age", COLUMN_SPAN },
		{ "BLOCKED BY", "blocked-by", COLUMN_PLAIN },
		{ "VIA", "next-hop.interface", COLUMN_PLAIN },
		{ "MAC", "next-hop.mac", COLUMN_PLAIN },
		{ "MTU", "next-hop.mtu", COLUMN_PLAIN },
		{ "FRESH", "next-hop.fresh", COLUMN_PLAIN },
		{ "LOAD", "load", COLUMN_PLAIN },
		{ "TOLD", "measured-age", COLUMN_SPAN },
		{ "PACKETS", "packets", COLUMN_PLAIN },
		{ "BYTES", "bytes", COLUMN_PLAIN },
		{ "TUNNEL", "tunnel", COLUMN_PLAIN },
		{ "TO", "to", COLUMN_PLAIN },
		{},
	};

	if (options->options.json) {
		json_print(json, options->watch > 0, stdout);
	} else {
		table_print(columns, json_object_get(json, "paths"), stdout);
		if (options->watch > 0)
			putchar('\n');
	}
	fflush(stdout);
}

static void pause_for(double seconds)
{
	struct timespec t = { .tv_sec = seconds };

	t.tv_nsec = (seconds - t.tv_sec) * NSEC_PER_SEC;
	nanosleep(&t, NULL);
}

int cmd_paths(int argc, char **argv)
{
	struct paths_options options = {};
	struct view view OWN_VIEW;

	options_parse(&argp, argc, argv, &options);
	if (view_open(&view, &options.options))
		return EXIT_FAILED;
	for (;;) {
		json_t *json OWN_JSON = paths_json(&view);

		paths_print(json, &options);
		if (!options.watch || ferror(stdout))
			return EXIT_DONE;
		pause_for(options.watch);
	}
}
