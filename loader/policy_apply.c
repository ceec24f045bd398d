// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* What is shown is computed here, of the policy that the node says is in force; it decides itself. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>

#include "ask.h"
#include "commands.h"
#include "diff.h"
#include "edition.h"
#include "json.h"
#include "log.h"
#include "own.h"
#include "policy_apply.h"

#define PATIENCE_S 10
#define APPLY_PATIENCE_S 600 /* the kernel verifies programs, perhaps on a slow machine */

static void own_edition(struct edition **edition)
{
	edition_free(*edition);
}
#define OWN_EDITION __attribute__((cleanup(own_edition)))

/* ---- what runs ------------------------------------------------------------------------------- */

struct running {
	struct pins pins;
	char *canonical;
	json_t *answer; /* to the order "show" */
};

static void own_running(struct running *running)
{
	free(running->canonical);
	json_decref(running->answer);
}
#define OWN_RUNNING __attribute__((cleanup(own_running)))

static int ask_running(struct running *running)
{
	FILE *in OWN_FILE = NULL;
	int fd OWN_FD = -1;
	int r = ask(&running->pins, json_pack("{s:s}", "policy", "show"), -1, PATIENCE_S,
		    &running->answer, &fd);

	if (r)
		return r;
	in = fd < 0 ? NULL : fdopen(fd, "r");
	if (!in)
		return err_r(-EIO, "node %s: did not send its policy", running->pins.node);
	fd = -1;
	running->canonical = policy_text_of(in, running->pins.node, stderr);
	return running->canonical ? 0 : -EIO;
}

/* The node that is named; else the one of the policy, if it runs here; else the only one that does. */
static int find_node(struct pins *pins, const struct options *options, const char *named)
{
	if (!options->node && !pins_init(pins, options->root, named) && pins_exist(pins, false))
		return 0;
	return pins_find(pins, options->root, options->node);
}

/* ---- applying -------------------------------------------------------------------------------- */

/* Lines that the node said, on standard error. */
static void print_said(const json_t *said)
{
	const json_t *line;
	size_t i;

	json_array_foreach(said, i, line) fprintf(stderr, "%s\n", json_string_value(line));
}

/* Text shows the difference before anything is done, JSON is one object at the end. */
static int show_diff(json_t *out, const struct running *running, const struct edition *new, bool json)
{
	json_t *from OWN_JSON = json_loads(running->canonical, 0, NULL);
	json_t *to OWN_JSON = json_loads(new->canonical, 0, NULL);
	char name[PATH_MAX + 16];
	int r = 0;

	json_set(out, "node", json_text(running->pins.node));
	json_set(out, "changes", diff_members(from, to));
	snprintf(name, sizeof(name), "%s (in force)",
		 json_string_value(json_object_get(running->answer, "file")) ?: running->pins.node);
	if (!json)
		r = diff_text(running->canonical, name, new->canonical, new->file, stdout);
	fflush(stdout);
	return r < 0 ? err_r(r, "no memory to compare policies") : 0;
}

static int send_policy(const struct running *running, const struct edition *new,
		       const struct apply_options *apply, json_t **answer)
{
	int fd OWN_FD = memfd_create("policy", MFD_CLOEXEC);
	OWN_MEM char *path = realpath(new->file, NULL);
	json_t *question;

	if (fd < 0 || dprintf(fd, "%s", new->text) < 0 || lseek(fd, 0, SEEK_SET))
		return err_r(-errno, "%s: can't be handed over: %s", new->file, strerror(errno));
	question = json_pack("{s:s, s:s}", "policy", "apply", "file", path ?: new->file);
	if (apply->confirm_s)
		json_set(question, "confirm", json_integer(apply->confirm_s));
	return ask(&running->pins, question, fd, APPLY_PATIENCE_S, answer, NULL);
}

static void print_done(const struct running *running, const json_t *answer)
{
	const json_t *confirm = json_object_get(answer, "confirm");

	printf("node %s: %s", running->pins.node,
	       json_is_true(json_object_get(answer, "changed")) ? "applied" :
								  "that is what is in force");
	if (json_is_integer(confirm))
		printf("; it gives way in %" JSON_INTEGER_FORMAT " s unless `fantel policy confirm'",
		       json_integer_value(confirm));
	putchar('\n');
}

static int carry_out(json_t *out, const struct running *running, const struct edition *new,
		     const struct apply_options *apply, bool json)
{
	json_t *answer OWN_JSON = NULL;
	int r = send_policy(running, new, apply, &answer);

	json_set(out, "applied", json_boolean(!r));
	if (answer) {
		json_object_set(out, "confirm", json_object_get(answer, "confirm"));
		json_object_set(out, "said", json_object_get(answer, "said"));
		print_said(json_object_get(answer, "said"));
	}
	if (!r && !json)
		print_done(running, answer);
	if (r && answer && json_is_true(json_object_get(answer, "wrong")))
		return EXIT_BAD_INPUT;
	return r ? EXIT_FAILED : EXIT_DONE;
}

int policy_apply(const struct options *options, const struct apply_options *apply)
{
	struct edition *new OWN_EDITION = NULL, *named OWN_EDITION = NULL;
	struct running running OWN_RUNNING = {};
	json_t *out OWN_JSON = json_object();
	int code = EXIT_DONE;

	if (edition_read(&new, apply->file, NULL, stderr))
		return EXIT_BAD_INPUT;
	if (find_node(&running.pins, options, new->policy.config.node) || ask_running(&running))
		return EXIT_FAILED;
	/* Started with --node: it takes the policy of any name. */
	if (json_is_true(json_object_get(running.answer, "named")) &&
	    edition_parse(&named, new->file, new->text, running.pins.node, stderr))
		return EXIT_BAD_INPUT;
	if (show_diff(out, &running, named ?: new, options->json))
		return EXIT_FAILED;
	if (!apply->dry_run)
		code = carry_out(out, &running, new, apply, options->json);
	if (options->json)
		json_print(out, false, stdout);
	return code;
}

int policy_confirm(const struct options *options)
{
	json_t *answer OWN_JSON = NULL;
	struct pins pins;

	if (pins_find(&pins, options->root, options->node) ||
	    ask(&pins, json_pack("{s:s}", "policy", "confirm"), -1, PATIENCE_S, &answer, NULL))
		return EXIT_FAILED;
	return EXIT_DONE;
}

int policy_running(const struct options *options)
{
	struct running running OWN_RUNNING = {};
	struct policy policy OWN_POLICY = {};

	if (pins_find(&running.pins, options->root, options->node) || ask_running(&running))
		return EXIT_FAILED;
	if (policy_parse(&policy, running.pins.node, running.canonical, stderr))
		return EXIT_FAILED;
	policy_show(&policy, options->json, stdout);
	return EXIT_DONE;
}
