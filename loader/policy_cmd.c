// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* `fantel policy`: check policy files, or show one with all its defaults, which touches nothing; or have
 * a running node take one. */
#include <string.h>

#include "commands.h"
#include "control.h"
#include "json.h"
#include "options.h"
#include "own.h"
#include "policy.h"
#include "policy_apply.h"

struct policy_options {
	struct options options; /* first: what options_parse takes */
	char **words;		/* what to do, and the files */
	int n_words;
	struct apply_options apply;
};

#define WHAT_TO_DO "`check FILE...', `show [FILE]', `apply FILE' or `confirm'"

static unsigned int parse_seconds(const char *text, const struct argp_state *state)
{
	char *end;
	unsigned long s = strtoul(text, &end, 10);

	if (*end || end == text || !s || s > CONFIRM_MAX_S)
		argp_error(state, "--confirm: `%s' is not a number of seconds from 1 to %d", text,
			   CONFIRM_MAX_S);
	return s;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct policy_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(state);
		return 0;
	case 'n':
		options->apply.dry_run = true;
		return 0;
	case 'c':
		options->apply.confirm_s = parse_seconds(arg, state);
		return 0;
	case ARGP_KEY_ARGS:
		options->words = state->argv + state->next;
		options->n_words = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "what to do is missing; give " WHAT_TO_DO);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option own_options[] = {
	{ .name = "dry-run", .key = 'n', .doc = "apply: only show what would change" },
	{ .name = "confirm",
	  .key = 'c',
	  .arg = "SECONDS",
	  .doc = "apply: go back after so long unless `fantel policy confirm' comes before" },
	{},
};
static const struct argp_child children[] = { { .argp = &options_view }, {} };
static const struct argp argp = {
	.options = own_options,
	.parser = parse,
	.args_doc = "check FILE...\nshow [FILE]\napply FILE\nconfirm",
	.doc = "Check policy files against policies/fantel.yang; show one, or the one in force, with "
	       "all defaults filled in; show what another one changes, and have the running node take "
	       "it, without losing a packet.\vEach error is one line: FILE:LINE: PATH: what is wrong; "
	       "what would be right. Exit code 2 if there is any.",
	.children = children,
};

/* The lines of `text` as an array of strings. */
static json_t *lines_json(char *text)
{
	json_t *lines = json_array();
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		json_array_append_new(lines, json_text(line));
	return lines;
}

/* One object on a line of its own. */
static int check_json(const char *file)
{
	struct policy p OWN_POLICY = {};
	json_t *json OWN_JSON = json_object();
	OWN_MEM char *findings = NULL;
	size_t size;
	FILE *memory = open_memstream(&findings, &size);
	int bad;

	if (!memory)
		return -1;
	bad = policy_read(&p, file, memory);
	fclose(memory);
	json_object_set_new(json, "file", json_text(file));
	json_object_set_new(json, "ok", json_boolean(!bad));
	json_object_set_new(json, "node", json_text(p.config.node));
	json_object_set_new(json, "ports", json_integer(p.n_ports));
	json_object_set_new(json, "paths", json_integer(p.n_paths));
	json_object_set_new(json, "groups", json_integer(p.n_groups));
	json_object_set_new(json, "classes", json_integer(p.n_classes));
	json_object_set_new(json, "endpoints", json_integer(p.n_endpoints));
	json_object_set_new(json, "findings", lines_json(findings));
	json_print(json, true, stdout);
	return bad;
}

static int check_text(const char *file)
{
	struct policy p OWN_POLICY = {};
	int bad = policy_read(&p, file, stderr);

	if (!bad)
		printf("%s: ok: node %s, %u ports, %u paths, %u groups, %u classes, %u endpoints\n",
		       file, p.config.node, p.n_ports, p.n_paths, p.n_groups, p.n_classes,
		       p.n_endpoints);
	return bad;
}

static int check(char **files, int n, bool json)
{
	int code = EXIT_DONE;

	for (int i = 0; i < n; i++) {
		if (json ? check_json(files[i]) : check_text(files[i]))
			code = EXIT_BAD_INPUT;
	}
	return code;
}

static int show(const char *file, bool json)
{
	struct policy p OWN_POLICY = {};

	if (policy_read(&p, file, stderr))
		return EXIT_BAD_INPUT;
	policy_show(&p, json, stdout);
	return EXIT_DONE;
}

int cmd_policy(int argc, char **argv)
{
	struct policy_options options = {};
	bool json;

	options_parse(&argp, argc, argv, &options);
	json = options.options.json;
	if (!strcmp(options.words[0], "check") && options.n_words > 1)
		return check(options.words + 1, options.n_words - 1, json);
	if (!strcmp(options.words[0], "show") && options.n_words == 2)
		return show(options.words[1], json);
	if (!strcmp(options.words[0], "show") && options.n_words == 1)
		return policy_running(&options.options);
	if (!strcmp(options.words[0], "apply") && options.n_words == 2) {
		options.apply.file = options.words[1];
		return policy_apply(&options.options, &options.apply);
	}
	if (!strcmp(options.words[0], "confirm") && options.n_words == 1)
		return policy_confirm(&options.options);
	fprintf(stderr, "fantel policy: `%s' with %d files; give " WHAT_TO_DO "\n", options.words[0],
		options.n_words - 1);
	return EXIT_BAD_INPUT;
}
