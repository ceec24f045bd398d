// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Owned by run, whose loop it never holds up: sockets do not block, clients are few, and a line is
 * short. A node of another pin root has the root's inode in its socket's name.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "control.h"
#include "json.h"
#include "log.h"
#include "own.h"
#include "words.h"

#define CONTROL_DIR "/run/fantel"
#define CLIENTS 16
#define LINE_MAX_BYTES 1024

_Static_assert(CONTROL_PATH == sizeof(((struct sockaddr_un *)0)->sun_path), "as the kernel has it");

struct client {
	int fd; /* -1 = free */
	size_t len;
	char line[LINE_MAX_BYTES];
};

struct control {
	int epoll, listener;
	control_fn *fn;
	void *arg;
	char path[CONTROL_PATH];
	struct client client[CLIENTS];
};

/* ---- one line -------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static int refuse(char error[CONTROL_ERROR], const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(error, CONTROL_ERROR, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

/* The words of a table that are taken, for a sentence. */
static const char *list_words(char *list, size_t room, const char *(*word)(unsigned int), __u32 first,
			      __u32 end)
{
	size_t len = 0;

	for (__u32 i = first; i < end && len < room; i++)
		len += snprintf(list + len, room - len, "%s%s", i > first ? ", " : "", word(i));
	return list;
}

static bool is_onset(enum kind kind)
{
	return kind == KIND_FAILURE || kind == KIND_CONGESTION;
}

static int take_kind(struct report *r, const char *word, char error[CONTROL_ERROR])
{
	int kind = kind_from_word(word);
	char list[256];

	if (kind < 0 || kind > KIND_ELIMINATION)
		return refuse(error, "\"event\": \"%s\" can't be reported; give one of %s", word,
			      list_words(list, sizeof(list), kind_word, KIND_FAILURE,
					 KIND_ELIMINATION + 1));
	r->kind = kind;
	return 0;
}

static int take_cause(struct report *r, const char *word, char error[CONTROL_ERROR])
{
	int cause = word ? cause_from_word(word) : CAUSE_NONE;
	char list[256];

	list_words(list, sizeof(list), cause_word, CAUSE_CARRIER, CAUSE_NO_FEASIBLE_PATH);
	if (!is_onset(r->kind) && word)
		return refuse(error, "\"cause\": what is over has none; leave it out");
	if (is_onset(r->kind) && !word)
		return refuse(error, "\"cause\" is missing; give one of %s", list);
	if (word && (cause <= CAUSE_NONE || cause >= CAUSE_NO_FEASIBLE_PATH))
		return refuse(error, "\"cause\": a link has none called \"%s\"; give one of %s", word,
			      list);
	r->cause = cause;
	return 0;
}

static int take_members(struct report *r, const json_t *json, char error[CONTROL_ERROR])
{
	const char *link = json_string_value(json_object_get(json, "link"));
	const char *event = json_string_value(json_object_get(json, "event"));
	const char *cause = json_string_value(json_object_get(json, "cause"));
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)json, name, value)
	{
		if (strcmp(name, "link") && strcmp(name, "event") && strcmp(name, "cause"))
			return refuse(error, "\"%.60s\": no such member; there are \"link\", \"event\" "
					     "and \"cause\"", name);
		if (!json_is_string(value))
			return refuse(error, "\"%s\": not a string; put it in quotes", name);
	}
	if (!link || !*link || strlen(link) >= sizeof(r->link))
		return refuse(error, link ? "\"link\": \"%.60s\" can't be a port's name" :
					    "\"link\" is missing; give a core port's name", link);
	if (!event)
		return refuse(error, "\"event\" is missing; say what happened to the link");
	strcpy(r->link, link);
	if (strlen(event) > 60 || (cause && strlen(cause) > 60))
		return refuse(error, "a word that is too long to be one");
	return take_kind(r, event, error) ?: take_cause(r, cause, error);
}

int control_parse(struct report *report, const char *line, size_t len, char error[CONTROL_ERROR])
{
	struct report r = {};
	json_error_t why;
	json_t *json OWN_JSON = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);

	if (!json_is_object(json))
		return refuse(error, "not an object of JSON on one line%s%.100s", json ? "" : ": ",
			      json ? "" : why.text);
	if (take_members(&r, json, error))
		return -EINVAL;
	*report = r;
	return 0;
}

/* ---- clients --------------------------------------------------------------------------------- */

static void drop(struct client *client)
{
	own_close(&client->fd);
	client->fd = -1;
	client->len = 0;
}

static void answer(struct control *control, struct client *client, const char *line, size_t len)
{
	char error[CONTROL_ERROR] = "";
	json_t *json OWN_JSON = json_object();
	struct report report;
	char *text;
	int r;

	r = control_parse(&report, line, len, error) ?: control->fn(control->arg, &report, error);
	json_set(json, "ok", json_boolean(!r));
	if (r)
		json_set(json, "error", json_text(error));
	text = json_dumps(json, JSON_COMPACT);
	/* Who does not take its answer gets no other. */
	if (!text || dprintf(client->fd, "%s\n", text) < 0)
		drop(client);
	free(text);
}

/* Whole lines are answered, the rest waits for its end. */
static void take_lines(struct control *control, struct client *client)
{
	char *end;

	while (client->fd >= 0 && (end = memchr(client->line, '\n', client->len))) {
		size_t len = end - client->line;

		answer(control, client, client->line, len);
		if (client->fd < 0)
			return;
		client->len -= len + 1;
		memmove(client->line, end + 1, client->len);
	}
	if (client->len == sizeof(client->line)) {
		dprintf(client->fd, "{\"ok\":false,\"error\":\"a line of more than %d bytes\"}\n",
			LINE_MAX_BYTES);
		drop(client);
	}
}

static void hear(struct control *control, struct client *client)
{
	ssize_t n = recv(client->fd, client->line + client->len, sizeof(client->line) - client->len,
			 MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(client);
		return;
	}
	client->len += n;
	take_lines(control, client);
}

static int watch(int epoll, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

static void admit(struct control *control)
{
	int fd OWN_FD = accept4(control->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0)
		return;
	for (int i = 0; i < CLIENTS; i++) {
		if (control->client[i].fd >= 0)
			continue;
		if (!watch(control->epoll, fd))
			control->client[i].fd = take_fd(fd);
		return;
	}
	log_warn("control: %d programs are connected already; one more was turned away", CLIENTS);
}

void control_poll(struct control *control)
{
	struct epoll_event events[CLIENTS + 1];
	int n = epoll_wait(control->epoll, events, ARRAY_SIZE(events), 0);

	for (int e = 0; e < n; e++) {
		if (events[e].data.fd == control->listener) {
			admit(control);
			continue;
		}
		for (int i = 0; i < CLIENTS; i++)
			if (control->client[i].fd == events[e].data.fd) {
				hear(control, &control->client[i]);
				break;
			}
	}
}

int control_fd(const struct control *control)
{
	return control->epoll;
}

/* ---- the socket ------------------------------------------------------------------------------ */

int control_path(char path[CONTROL_PATH], const struct pins *pins)
{
	struct stat st;
	int n;

	if (!strcmp(pins->root, PIN_ROOT))
		n = snprintf(path, CONTROL_PATH, CONTROL_DIR "/%s", pins->node);
	else if (stat(pins->root, &st))
		return -errno;
	else
		n = snprintf(path, CONTROL_PATH, CONTROL_DIR "/%s@%lx.%lx", pins->node,
			     (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	return n < CONTROL_PATH ? 0 : -ENAMETOOLONG;
}

/* The node is locked, so a socket that is there is a dead loader's. */
static int listen_at(const char *path)
{
	int fd OWN_FD = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	mode_t before;
	int r;

	memcpy(name.sun_path, path, strlen(path));
	if (fd < 0 || (mkdir(CONTROL_DIR, 0700) && errno != EEXIST))
		return -errno;
	unlink(path);
	before = umask(0177);
	r = bind(fd, (struct sockaddr *)&name, sizeof(name)) ? -errno : 0;
	umask(before);
	if (r || listen(fd, CLIENTS))
		return r ?: -errno;
	return take_fd(fd);
}

int control_open(struct control **out, const struct pins *pins, control_fn *fn, void *arg)
{
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return -ENOMEM;
	control->fn = fn;
	control->arg = arg;
	control->epoll = control->listener = -1;
	for (int i = 0; i < CLIENTS; i++)
		control->client[i].fd = -1;
	r = control_path(control->path, pins);
	if (!r) {
		control->listener = listen_at(control->path);
		control->epoll = epoll_create1(EPOLL_CLOEXEC);
		r = control->listener < 0 ? control->listener
		    : control->epoll < 0  ? -errno
					  : watch(control->epoll, control->listener);
	}
	if (r) {
		err_r(r, "%s: can't listen there (%s); other programs can't report events",
		      control->path[0] ? control->path : CONTROL_DIR, strerror(-r));
		if (control->listener < 0)
			control->path[0] = 0; /* not ours to remove */
		control_close(control);
		return r;
	}
	*out = control;
	return 0;
}

void control_close(struct control *control)
{
	if (!control)
		return;
	for (int i = 0; i < CLIENTS; i++)
		own_close(&control->client[i].fd);
	if (control->path[0])
		unlink(control->path);
	own_close(&control->listener);
	own_close(&control->epoll);
	free(control);
}
