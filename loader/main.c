// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The one binary: the first word names a command of commands.h, which gets the rest.
 */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "fantel/abi.h"
#include "log.h"
#include "nearest.h"

#define VERSION "0.1"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
#define X(name, word, help) { name, cmd_##word, help },
	COMMANDS(X)
#undef X
};

static int print_help(void)
{
	puts("Usage: fantel COMMAND [OPTION...]\n"
	     "Fast failure notification for tunnels over a WAN, in XDP.\n");
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].help);
	puts("\n`fantel COMMAND --help` tells more, fantel(8) all; `fantel --version` prints the "
	     "version.");
	return EXIT_DONE;
}

static int print_version(void)
{
	printf("fantel %s (ABI %d)\n", VERSION, FANTEL_ABI);
	return EXIT_DONE;
}

static int unknown(const char *word)
{
	struct nearest near = { .word = word };

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		nearest_offer(&near, commands[i].name);
	if (near.best)
		log_error("%s: no such command; did you mean `fantel %s`?", word, near.best);
	else
		log_error("%s: no such command; `fantel --help` lists them", word);
	return EXIT_BAD_INPUT;
}

static bool is(const char *word, const char *name, const char *option, const char *letter)
{
	return !strcmp(word, name) || !strcmp(word, option) || !strcmp(word, letter);
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		log_error("a command is missing; `fantel --help` lists them");
		return EXIT_BAD_INPUT;
	}
	if (is(argv[1], "help", "--help", "-h"))
		return print_help();
	if (is(argv[1], "version", "--version", "-V"))
		return print_version();
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return unknown(argv[1]);
}
