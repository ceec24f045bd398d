/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The options that every command which looks at a node has: --node, --pin-root, -j. --help and
 * --usage come from argp. A command lists &options_node among its argp children, and its own input
 * starts with struct options.
 */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <argp.h>
#include <stdbool.h>

struct options {
	const char *node; /* NULL: the only one there */
	const char *root; /* NULL: the default */
	bool json;
};

/* --node NAME, --pin-root DIR. */
extern const struct argp options_node;
/* -j, --json. */
extern const struct argp options_json;

/*
 * argp_parse with the house's exit codes: prints help under the name `fantel COMMAND`, and ends the
 * process with EXIT_BAD_INPUT on wrong usage. The input (struct options or one that starts with it)
 * is handed to the children. Returns 0 or a positive errno.
 */
int options_parse(const struct argp *argp, int argc, char **argv, void *input);

/* For a parser of options of one's own: hand the input on to the children. */
void options_children(const struct argp_state *state);

#endif
