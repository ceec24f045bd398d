// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The socket's name holds the inode of the node's pin directory: nodes of one name may live under
 * different pin roots. Used by events.c.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "feed.h"
#include "log.h"
#include "own.h"

/* What travels. */
struct feed_packet {
	__u32 abi;
	__u32 pad;
	__u64 lost; /* events that this client missed so far */
	struct event event;
};

struct client {
	int fd; /* -1 = free */
	__u64 lost;
};

struct feed {
	int epoll;
	int listener;
	struct client client[FEED_CLIENTS];
};

/* An abstract name starts with a NUL and is as long as it is said to be. */
static int feed_name(struct sockaddr_un *name, socklen_t *len, const struct pins *pins)
{
	struct stat st;
	int n;

	if (stat(pins->dir, &st))
		return -errno;
	*name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	n = snprintf(name->sun_path + 1, sizeof(name->sun_path) - 1, "fantel/%s/%lx.%lx",
		     pins->node, (unsigned long)st.st_dev, (unsigned long)st.st_ino);
	*len = offsetof(struct sockaddr_un, sun_path) + 1 + n;
	return 0;
}

/* Anybody may bind or find an abstract name. */
static bool is_trusted(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

/* ---- serving --------------------------------------------------------------------------------- */

static int watch(int epoll, int fd, __u32 events)
{
	struct epoll_event e = { .events = events, .data.fd = fd };

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

static int listen_at(const struct sockaddr_un *name, socklen_t len)
{
	int fd OWN_FD = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)name, len) || listen(fd, FEED_CLIENTS))
		return -errno;
	return take_fd(fd);
}

static void own_feed(struct feed **feed)
{
	if (*feed)
		feed_free(*feed);
}

int feed_open(struct feed **feed, const struct pins *pins)
{
	struct feed *f __attribute__((cleanup(own_feed))) = calloc(1, sizeof(*f));
	struct sockaddr_un name;
	socklen_t len;
	int r;

	if (!f)
		return -ENOMEM;
	f->epoll = f->listener = -1;
	for (int i = 0; i < FEED_CLIENTS; i++)
		f->client[i].fd = -1;
	r = feed_name(&name, &len, pins);
	if (r)
		return err_r(r, "%s: %s", pins->dir, strerror(-r));
	f->listener = listen_at(&name, len);
	if (f->listener < 0)
		return err_r(f->listener,
			     "node %s: can't serve events (%s), others will not see them; who has "
			     "bound @%s? `ss -xlp` tells",
			     pins->node, strerror(-f->listener), name.sun_path + 1);
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	r = f->epoll < 0 ? -errno : watch(f->epoll, f->listener, EPOLLIN);
	if (r)
		return err_r(r, "epoll: %s", strerror(-r));
	*feed = take_ptr(f);
	return 0;
}

int feed_fd(const struct feed *feed)
{
	return feed->epoll;
}

static void drop(struct client *client)
{
	own_close(&client->fd);
	client->fd = -1;
}

static struct client *free_client(struct feed *feed)
{
	for (int i = 0; i < FEED_CLIENTS; i++)
		if (feed->client[i].fd < 0)
			return &feed->client[i];
	return NULL;
}

static void admit(struct feed *feed)
{
	int fd OWN_FD = accept4(feed->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct client *client = free_client(feed);
	int room = 1 << 20;

	if (fd < 0 || !is_trusted(fd))
		return;
	if (!client) {
		log_warn("events: %d readers are served already; one more was turned away",
			 FEED_CLIENTS);
		return;
	}
	/* A larger buffer is welcome, not needed. */
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	if (watch(feed->epoll, fd, EPOLLRDHUP))
		return;
	*client = (struct client){ .fd = take_fd(fd) };
}

void feed_poll(struct feed *feed)
{
	struct epoll_event events[FEED_CLIENTS + 1];
	int n = epoll_wait(feed->epoll, events, ARRAY_SIZE(events), 0);

	for (int e = 0; e < n; e++) {
		if (events[e].data.fd == feed->listener) {
			admit(feed);
			continue;
		}
		for (int i = 0; i < FEED_CLIENTS; i++)
			if (feed->client[i].fd == events[e].data.fd)
				drop(&feed->client[i]);
	}
}

void feed_publish(struct feed *feed, const struct event *event)
{
	struct feed_packet packet = { .abi = FANTEL_ABI, .event = *event };

	for (int i = 0; i < FEED_CLIENTS; i++) {
		struct client *client = &feed->client[i];

		if (client->fd < 0)
			continue;
		packet.lost = client->lost;
		if (send(client->fd, &packet, sizeof(packet), MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			continue;
		if (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)
			client->lost++;
		else
			drop(client);
	}
}

void feed_free(struct feed *feed)
{
	for (int i = 0; i < FEED_CLIENTS; i++)
		own_close(&feed->client[i].fd);
	own_close(&feed->listener);
	own_close(&feed->epoll);
	free(feed);
}

/* ---- reading --------------------------------------------------------------------------------- */

int feed_connect(const struct pins *pins)
{
	int fd OWN_FD = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct sockaddr_un name;
	socklen_t len = 0;
	int r;

	if (fd < 0)
		return -errno;
	r = feed_name(&name, &len, pins);
	if (r)
		return r;
	if (connect(fd, (const struct sockaddr *)&name, len))
		return -errno;
	if (!is_trusted(fd))
		return -EPERM;
	return take_fd(fd);
}

int feed_receive(int fd, struct event *event, __u64 *lost)
{
	struct feed_packet packet;
	ssize_t n = recv(fd, &packet, sizeof(packet), MSG_TRUNC); /* a longer one is another version's */

	if (n < 0)
		return errno == ECONNRESET ? 0 : -errno;
	if (n == 0)
		return 0;
	if (n != sizeof(packet) || packet.abi != FANTEL_ABI)
		return -EPROTO;
	*event = packet.event;
	*lost = packet.lost;
	return 1;
}
