// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* `fantel event`: one report to a running node, by its control socket. */
#include "ask.h"
#include "commands.h"
#include "json.h"
#include "options.h"

#define PATIENCE_S 5

struct report_options {
	struct options options; /* first: what options_parse takes */
	const char *link, *kind, *cause;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct report_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(state);
		return 0;
	case 'c':
		options->cause = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (options->kind)
			argp_error(state, "one link and one event at a time; `%s' is too many", arg);
		*(options->link ? &options->kind : &options->link) = arg;
		return 0;
	case ARGP_KEY_END:
		if (!options->kind)
			argp_error(state, "a link and an event are needed, as in `eth1 failure'");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option own_options[] = {
	{ .name = "cause",
	  .key = 'c',
	  .arg = "CAUSE",
	  .doc = "why: carrier, bfd, admin-down, errors, node-down, queue or utilization; needed with "
		 "what begins" },
	{},
};
static const struct argp_child children[] = { { .argp = &options_node }, {} };
static const struct argp argp = {
	.options = own_options,
	.parser = parse,
	.args_doc = "LINK EVENT",
	.doc = "Tell a running node what it can't see itself: that the link of a core port had a "
	       "failure, failure-recovery, congestion or congestion-elimination. It acts as if it "
	       "had seen that.",
	.children = children,
};

/* Returns 0, 1 if the node refused, or a negative errno, reported. */
static int report(const struct pins *pins, const struct report_options *options)
{
	json_t *question = json_object(), *answer OWN_JSON = NULL;

	json_set(question, "link", json_text(options->link));
	json_set(question, "event", json_text(options->kind));
	if (options->cause)
		json_set(question, "cause", json_text(options->cause));
	return ask(pins, question, -1, PATIENCE_S, &answer, NULL);
}

int cmd_event(int argc, char **argv)
{
	struct report_options options = {};
	struct pins pins;
	int r;

	options_parse(&argp, argc, argv, &options);
	if (pins_find(&pins, options.options.root, options.options.node))
		return EXIT_FAILED;
	r = report(&pins, &options);
	return r < 0 ? EXIT_FAILED : r ? EXIT_BAD_INPUT : EXIT_DONE;
}
