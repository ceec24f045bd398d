// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* `fantel detach`: the end of a node. Refuses while a loader looks after it. */
#include <errno.h>
#include <string.h>

#include "commands.h"
#include "lock.h"
#include "log.h"
#include "options.h"
#include "own.h"
#include "teardown.h"

struct detach_options {
	struct options options; /* first: what options_parse takes */
	bool purge;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct detach_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(state);
		return 0;
	case 'p':
		options->purge = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option own_options[] = {
	{ .name = "purge",
	  .key = 'p',
	  .doc = "also what other versions of fantel keep for the node" },
	{}
};
static const struct argp_child children[] = { { .argp = &options_node }, {} };
static const struct argp argp = {
	.options = own_options,
	.parser = parse,
	.doc = "Take a node's programs off its ports and remove its maps: packets are then "
	       "forwarded by "
	       "the kernel alone.\vRefused while `fantel run` looks after the node; end that "
	       "first. "
	       "With --purge and --node, nothing to remove is no error.",
	.children = children,
};

/* Which node? One that is there, or with --purge the one that is named. */
static int find(struct pins *pins, const struct detach_options *options)
{
	if (options->purge && options->options.node)
		return pins_init(pins, options->options.root, options->options.node);
	if (options->purge)
		return pins_find_any(pins, options->options.root, NULL);
	return pins_find(pins, options->options.root, options->options.node);
}

static int detach(const struct pins *pins, bool purge)
{
	char dir[PATH_MAX];
	int lock OWN_FD = -1;

	pins_node_path(pins, dir);
	lock = lock_take(dir);
	if (lock == -EBUSY)
		return err_r(lock,
			     "node %s: process %d runs it; end that first, or start it with "
			     "--detach-on-exit",
			     pins->node, lock_holder(dir));
	if (lock < 0 && lock != -ESTALE)
		return err_r(lock, "%s: can't lock it: %s", dir, strerror(-lock));
	return teardown(pins, purge);
}

int cmd_detach(int argc, char **argv)
{
	struct detach_options options = {};
	struct pins pins;

	options_parse(&argp, argc, argv, &options);
	if (find(&pins, &options))
		return EXIT_FAILED;
	return detach(&pins, options.purge) ? EXIT_FAILED : EXIT_DONE;
}
