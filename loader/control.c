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
#define LINE_MAX_BYTES 8192

_Static_assert(CONTROL_PATH == sizeof(((struct sockaddr_un *)0)->sun_path), "as the kernel has it");

struct client {
	int fd;	      /* -1 = free */
	int text;     /* came beside the line that is not whole yet; -1 = none */
	__u32 serial; /* of those that had this place */
	size_t len;
	char line[LINE_MAX_BYTES];
};

struct control {
	int epoll, listener;
	control_fn *fn;
	control_order_fn *order;
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

/* ---- orders ---------------------------------------------------------------------------------- */

static int take_order(struct order *o, const json_t *json, char error[CONTROL_ERROR])
{
	static const char *const words[] = {
		[ORDER_SHOW] = "show",
		[ORDER_APPLY] = "apply",
		[ORDER_CONFIRM] = "confirm",
	};
	const char *word = json_string_value(json_object_get(json, "policy"));
	const char *file = json_string_value(json_object_get(json, "file"));
	const json_t *confirm = json_object_get(json, "confirm");
	json_int_t seconds = json_integer_value(confirm);
	size_t kind = 0;

	while (kind < ARRAY_SIZE(words) && (!word || strcmp(word, words[kind])))
		kind++;
	if (kind == ARRAY_SIZE(words))
		return refuse(error, "\"policy\": give \"show\", \"apply\" or \"confirm\"");
	o->kind = kind;
	if (json_object_size(json) > 1U + (kind == ORDER_APPLY && file) + (kind == ORDER_APPLY && confirm))
		return refuse(error, "\"policy\": \"%s\" has %s", word,
			      kind == ORDER_APPLY ? "\"file\" and \"confirm\" beside it, and no more" :
						    "no other members");
	if (file && strlen(file) < sizeof(o->file))
		strcpy(o->file, file);
	if (kind == ORDER_APPLY && !o->file[0])
		return refuse(error, "\"file\" is missing; say what the policy is called");
	if (confirm && (seconds < 1 || seconds > CONFIRM_MAX_S))
		return refuse(error, "\"confirm\": give seconds from 1 to %d", CONFIRM_MAX_S);
	o->confirm_s = seconds;
	return 1;
}

int control_parse_order(struct order *order, const char *line, size_t len,
			char error[CONTROL_ERROR])
{
	json_t *json OWN_JSON = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);
	struct order o = { .fd = -1 };
	int r;

	if (!json_is_object(json) || !json_object_get(json, "policy"))
		return 0;
	r = take_order(&o, json, error);
	if (r > 0)
		*order = o;
	return r;
}

/* ---- clients --------------------------------------------------------------------------------- */

static void drop(struct client *client)
{
	own_close(&client->fd);
	own_close(&client->text);
	client->fd = client->text = -1;
	client->len = 0;
}

int control_send(int to, const char *line, int fd)
{
	size_t len = strlen(line);
	struct iovec iov[] = { { (void *)line, len }, { "\n", 1 } };
	char room[CMSG_SPACE(sizeof(int))] = {};
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = ARRAY_SIZE(iov) };
	struct cmsghdr *beside;

	if (fd >= 0) {
		message.msg_control = room;
		message.msg_controllen = sizeof(room);
		beside = CMSG_FIRSTHDR(&message);
		beside->cmsg_level = SOL_SOCKET;
		beside->cmsg_type = SCM_RIGHTS;
		beside->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(beside), &fd, sizeof(fd));
	}
	return sendmsg(to, &message, MSG_NOSIGNAL) == (ssize_t)len + 1 ? 0 : -EIO;
}

/* Who does not take its answer gets no other. */
static void send_json(struct client *client, const json_t *json, int fd)
{
	OWN_MEM char *text = json_dumps(json, JSON_COMPACT);

	if (!text || control_send(client->fd, text, fd))
		drop(client);
}

static void refuse_line(struct client *client, const char *error)
{
	json_t *json OWN_JSON = json_object();

	json_set(json, "ok", json_false());
	json_set(json, "error", json_text(error));
	send_json(client, json, -1);
}

static __u64 name_of(const struct control *control, const struct client *client)
{
	return (__u64)client->serial << 32 | (client - control->client);
}

void control_answer(struct control *control, __u64 name, json_t *answer, int fd)
{
	struct client *client = &control->client[(__u32)name % CLIENTS];
	json_t *json OWN_JSON = answer;

	if (client->fd >= 0 && name == name_of(control, client))
		send_json(client, json, fd);
}

static void answer(struct control *control, struct client *client, const char *line, size_t len)
{
	char error[CONTROL_ERROR] = "";
	json_t *json OWN_JSON = NULL;
	struct report report;
	struct order order;
	int r = control_parse_order(&order, line, len, error);

	if (r > 0) {
		order.client = name_of(control, client);
		order.fd = take_fd(client->text);
		control->order(control->arg, &order);
		return;
	}
	r = r ?: control_parse(&report, line, len, error)
			?: control->fn(control->arg, &report, error);
	if (r) {
		refuse_line(client, error);
		return;
	}
	json = json_pack("{s:b}", "ok", 1);
	send_json(client, json, -1);
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
		char error[CONTROL_ERROR];

		refuse(error, "a line of more than %d bytes", LINE_MAX_BYTES);
		refuse_line(client, error);
		drop(client);
	}
}

/* What came beside a line; the latest of several. */
static void take_text(struct client *client, struct msghdr *message)
{
	struct cmsghdr *beside = CMSG_FIRSTHDR(message);

	if (!beside || beside->cmsg_level != SOL_SOCKET || beside->cmsg_type != SCM_RIGHTS)
		return;
	own_close(&client->text);
	memcpy(&client->text, CMSG_DATA(beside), sizeof(client->text));
}

static void hear(struct control *control, struct client *client)
{
	struct iovec iov = { .iov_base = client->line + client->len,
			     .iov_len = sizeof(client->line) - client->len };
	char room[CMSG_SPACE(sizeof(int))] = {};
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room,
				  .msg_controllen = sizeof(room) };
	ssize_t n = recvmsg(client->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		take_text(client, &message);
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
		if (!watch(control->epoll, fd)) {
			control->client[i].fd = take_fd(fd);
			control->client[i].serial++;
		}
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

void control_remove(const struct pins *pins)
{
	char path[CONTROL_PATH];

	if (!control_path(path, pins))
		unlink(path);
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

int control_open(struct control **out, const struct pins *pins, control_fn *fn,
		 control_order_fn *order, void *arg)
{
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return -ENOMEM;
	control->fn = fn;
	control->order = order;
	control->arg = arg;
	control->epoll = control->listener = -1;
	for (int i = 0; i < CLIENTS; i++)
		control->client[i].fd = control->client[i].text = -1;
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
		drop(&control->client[i]);
	if (control->path[0])
		unlink(control->path);
	own_close(&control->listener);
	own_close(&control->epoll);
	free(control);
}
