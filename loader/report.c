// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* `fantel event`: one report to a running node, by its control socket. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "commands.h"
#include "control.h"
#include "json.h"
#include "log.h"
#include "options.h"
#include "own.h"
#include "text.h"

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

static int connect_to(const struct pins *pins)
{
	int fd OWN_FD = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = PATIENCE_S };
	int r = control_path(name.sun_path, pins);

	if (fd < 0 || r)
		return err_r(r ?: -errno, "node %s: %s", pins->node, strerror(r ? -r : errno));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&name, sizeof(name)))
		return take_fd(fd);
	if (errno == ENOENT || errno == ECONNREFUSED)
		return err_r(-errno, "node %s: no loader looks after it; start one with `fantel run`",
			     pins->node);
	return err_r(-errno, "%s: %s", name.sun_path, strerror(errno));
}

/* Returns 0, 1 if the node refused, or a negative errno, reported. */
static int report(const struct pins *pins, const struct report_options *options)
{
	json_t *json OWN_JSON = json_object(), *answer OWN_JSON = NULL;
	int fd OWN_FD = connect_to(pins);
	char line[CONTROL_ERROR + 64];
	OWN_MEM char *text = NULL;
	ssize_t n;

	if (fd < 0)
		return fd;
	json_set(json, "link", json_text(options->link));
	json_set(json, "event", json_text(options->kind));
	if (options->cause)
		json_set(json, "cause", json_text(options->cause));
	text = json_dumps(json, JSON_COMPACT);
	if (!text || dprintf(fd, "%s\n", text) < 0)
		return err_r(-EIO, "node %s: can't be told: %s", pins->node, strerror(errno));
	n = recv(fd, line, sizeof(line), 0);
	answer = n > 0 ? json_loadb(line, n, JSON_DISABLE_EOF_CHECK, NULL) : NULL;
	if (!answer)
		return err_r(-EIO, "node %s: gave no answer; its loader may be ending", pins->node);
	if (json_is_true(json_object_get(answer, "ok")))
		return 0;
	log_error("node %s: %s", pins->node, json_string_value(json_object_get(answer, "error")));
	return 1;
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
