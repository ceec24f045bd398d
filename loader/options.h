/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The options that commands share: --node, --pin-root, -j. --help and --usage come from argp. A
 * command lists one of the argps below as its first child, and its input starts with struct
 * options.
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

extern const struct argp options_view; /* --node NAME, --pin-root DIR, -j */
extern const struct argp options_node; /* the same without -j */
extern const struct argp options_json; /* -j alone */

/*
 * argp_parse under the name `fantel COMMAND`, with the command table's line as its text where the
 * argp has none. Ends the process: after --help with EXIT_DONE, on wrong usage with EXIT_BAD_INPUT.
 * `input`: struct options, or a struct that starts with one.
 */
void options_parse(const struct argp *argp, int argc, char **argv, void *input);

/* A parser of options of one's own calls this on ARGP_KEY_INIT: the first child gets the input. */
void options_init(struct argp_state *state);

#endif
