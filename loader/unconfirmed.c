// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "control.h"
#include "json.h"
#include "log.h"
#include "own.h"
#include "unconfirmed.h"

static int path_of(char path[PATH_MAX], const struct pins *pins)
{
	char socket[CONTROL_PATH];
	int r = control_path(socket, pins);

	if (!r)
		snprintf(path, PATH_MAX, "%s.unconfirmed", socket);
	return r;
}

static void new_path(char new[PATH_MAX], const char *path)
{
	snprintf(new, PATH_MAX, "%.*s.new", PATH_MAX - 8, path);
}

/* Whole or not at all, also if we are killed meanwhile. */
static int write_file(const char *path, const json_t *json)
{
	char new[PATH_MAX];
	mode_t before;
	int r;

	new_path(new, path);
	before = umask(0177);
	r = json_dump_file(json, new, JSON_INDENT(1)) ? -EIO : 0;
	umask(before);
	return r ?: rename(new, path) ? -errno : 0;
}

static int note(const struct pins *pins, const json_t *json)
{
	char path[PATH_MAX] = "";
	int r = json ? path_of(path, pins) : -ENOMEM;

	r = r ?: write_file(path, json);
	return r ? err_r(r, "%s: can't note there what to go back to: %s", path, strerror(-r)) : 0;
}

int unconfirmed_write(const struct pins *pins, const struct edition *unconfirmed, const char *file,
		      const char *text, __u64 until_ns)
{
	json_t *json OWN_JSON = json_pack("{s:s, s:s, s:s, s:s, s:I}", "unconfirmed", unconfirmed->canonical,
					  "unconfirmed-file", unconfirmed->file, "file", file, "text", text,
					  "until", (json_int_t)until_ns);

	return note(pins, json);
}

static json_t *load(const struct pins *pins)
{
	char path[PATH_MAX];

	return path_of(path, pins) ? NULL : json_load_file(path, 0, NULL);
}

int unconfirmed_set_end(const struct pins *pins, __u64 until_ns)
{
	json_t *json OWN_JSON = load(pins);

	if (!json)
		return 0;
	json_set(json, "until", json_integer(until_ns));
	return note(pins, json);
}

static char *member(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text ? strdup(text) : NULL;
}

int unconfirmed_read(struct unconfirmed *u, const struct pins *pins)
{
	json_t *json OWN_JSON = load(pins);

	*u = (struct unconfirmed){};
	u->policy = member(json, "unconfirmed");
	u->policy_file = member(json, "unconfirmed-file");
	u->file = member(json, "file");
	u->text = member(json, "text");
	u->until_ns = json_integer_value(json_object_get(json, "until"));
	if (u->policy && u->policy_file && u->file && u->text)
		return 0;
	unconfirmed_free(u);
	return -ENOENT;
}

void unconfirmed_free(struct unconfirmed *u)
{
	free(u->policy);
	free(u->policy_file);
	free(u->file);
	free(u->text);
	*u = (struct unconfirmed){};
}

void unconfirmed_remove(const struct pins *pins)
{
	char path[PATH_MAX], new[PATH_MAX];

	if (path_of(path, pins))
		return;
	unlink(path);
	new_path(new, path);
	unlink(new); /* of a loader that was killed */
}
