// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"
#include "pin.h"

enum {
	OPT_NODE = 0x100,
	OPT_ROOT,
};

/* After the command's own options, which are of group 0, and before --help, of group -1. */
#define GROUP -2

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case OPT_NODE:
		options->node = arg;
		return 0;
	case OPT_ROOT:
		options->root = arg;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

#define OPTION(NAME, KEY, ARG, DOC)                                              \
	{                                                                        \
		.name = NAME, .key = KEY, .arg = ARG, .doc = DOC, .group = GROUP \
	}
#define NODE OPTION("node", OPT_NODE, "NAME", "which node (default: the only one here)")
#define ROOT                                \
	OPTION("pin-root", OPT_ROOT, "DIR", \
	       "where nodes are pinned (default: $FANTEL_PIN_ROOT, else " PIN_ROOT ")")
#define JSON OPTION("json", 'j', NULL, "JSON instead of text")

static const struct argp_option view[] = { NODE, ROOT, JSON, {} };
static const struct argp_option node[] = { NODE, ROOT, {} };
static const struct argp_option json[] = { JSON, {} };

const struct argp options_view = { .options = view, .parser = parse };
const struct argp options_node = { .options = node, .parser = parse };
const struct argp options_json = { .options = json, .parser = parse };

void options_init(struct argp_state *state)
{
	state->child_inputs[0] = state->input;
}

static const char *help_of(const char *command)
{
	static const char *const help[][2] = {
#define X(name, word, text) { name, text },
		COMMANDS(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_SIZE(help); i++)
		if (!strcmp(help[i][0], command))
			return help[i][1];
	return NULL;
}

void options_parse(const struct argp *argp, int argc, char **argv, void *input)
{
	struct argp with_help = *argp;
	char *command = argv[0];
	char name[64];

	if (!with_help.doc)
		with_help.doc = help_of(command);
	snprintf(name, sizeof(name), "fantel %s", command);
	argv[0] = name;
	argp_err_exit_status = EXIT_BAD_INPUT;
	if (argp_parse(&with_help, argc, argv, 0, NULL, input))
		exit(EXIT_BAD_INPUT);
	argv[0] = command;
}
