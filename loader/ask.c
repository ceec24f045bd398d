// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "ask.h"
#include "control.h"
#include "json.h"
#include "log.h"
#include "own.h"

#define ANSWER_BYTES (1 << 18) /* a socket's buffer holds no more */

static int connect_to(const struct pins *pins, unsigned int seconds)
{
	int fd OWN_FD = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	struct timeval patience = { .tv_sec = seconds };
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

static void take_fd_beside(int *got, struct msghdr *message)
{
	struct cmsghdr *beside = CMSG_FIRSTHDR(message);
	int fd;

	if (!beside || beside->cmsg_level != SOL_SOCKET || beside->cmsg_type != SCM_RIGHTS)
		return;
	memcpy(&fd, CMSG_DATA(beside), sizeof(fd));
	if (got && *got < 0)
		*got = fd;
	else
		close(fd);
}

/* A line, without its end; NULL if there is none. */
static char *read_line(int fd, int *got)
{
	OWN_MEM char *line = malloc(ANSWER_BYTES);
	size_t len = 0;

	while (line && len < ANSWER_BYTES) {
		struct iovec iov = { .iov_base = line + len, .iov_len = ANSWER_BYTES - len };
		char room[CMSG_SPACE(sizeof(int))];
		struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room,
					  .msg_controllen = sizeof(room) };
		ssize_t n = recvmsg(fd, &message, MSG_CMSG_CLOEXEC);
		char *end;

		if (n <= 0)
			return NULL;
		take_fd_beside(got, &message);
		end = memchr(line + len, '\n', n);
		if (end) {
			*end = 0;
			return take_ptr(line);
		}
		len += n;
	}
	return NULL;
}

int ask(const struct pins *pins, json_t *question, int fd, unsigned int seconds, json_t **answer,
	int *got)
{
	json_t *json OWN_JSON = question;
	OWN_MEM char *line = NULL, *text = json_dumps(json, JSON_COMPACT);
	int to OWN_FD = connect_to(pins, seconds);

	if (to < 0)
		return to;
	if (!text || control_send(to, text, fd))
		return err_r(-EIO, "node %s: can't be told: %s", pins->node, strerror(errno));
	line = read_line(to, got);
	*answer = line ? json_loads(line, 0, NULL) : NULL;
	if (!*answer)
		return err_r(-EIO, "node %s: gave no answer; its loader may be ending", pins->node);
	if (json_is_true(json_object_get(*answer, "ok")))
		return 0;
	log_error("node %s: %s", pins->node,
		  json_string_value(json_object_get(*answer, "error")) ?: "refused");
	return 1;
}
