// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * ETHTOOL_GLINK, which reads the carrier itself and from Linux 6.8 on also makes linkwatch deliver
 * what it holds back. The thread shares a list of names with the loader, under a lock, and an
 * eventfd.
 */
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include "carrier.h"
#include "log.h"
#include "own.h"

struct carrier {
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows, up to stop */
	pthread_cond_t wake;  /* there is something to look at, or to stop for */
	char name[CARRIER_PORTS][IFNAMSIZ];
	bool up[CARRIER_PORTS];
	__u32 n;
	bool stop;
	int socket, changed;
	struct timespec period;
};

/* An interface that can't say counts as up: netlink will know better. */
static bool is_up(int socket, const char *name)
{
	struct ethtool_value link = { .cmd = ETHTOOL_GLINK };
	struct ifreq request = { .ifr_data = (void *)&link };

	memcpy(request.ifr_name, name, IFNAMSIZ);
	return ioctl(socket, SIOCETHTOOL, &request) || link.data;
}

/* Interface i, if the list still has one there; `name` is set. */
static bool get_name(struct carrier *carrier, __u32 i, char name[IFNAMSIZ])
{
	bool there;

	pthread_mutex_lock(&carrier->lock);
	there = i < carrier->n;
	if (there)
		memcpy(name, carrier->name[i], IFNAMSIZ);
	pthread_mutex_unlock(&carrier->lock);
	return there;
}

/* True if that is news. The list may have changed while the kernel was asked. */
static bool set_up(struct carrier *carrier, __u32 i, const char *name, bool up)
{
	bool news;

	pthread_mutex_lock(&carrier->lock);
	news = i < carrier->n && !strcmp(carrier->name[i], name) && carrier->up[i] != up;
	if (news)
		carrier->up[i] = up;
	pthread_mutex_unlock(&carrier->lock);
	return news;
}

/* Sleep while there is nothing to look at; false to end. */
static bool go_on(struct carrier *carrier)
{
	bool stop;

	pthread_mutex_lock(&carrier->lock);
	while (!carrier->n && !carrier->stop)
		pthread_cond_wait(&carrier->wake, &carrier->lock);
	stop = carrier->stop;
	pthread_mutex_unlock(&carrier->lock);
	return !stop;
}

static void *look(void *arg)
{
	struct carrier *carrier = arg;
	char name[IFNAMSIZ];

	while (go_on(carrier)) {
		for (__u32 i = 0; get_name(carrier, i, name); i++)
			if (set_up(carrier, i, name, is_up(carrier->socket, name)))
				eventfd_write(carrier->changed, 1);
		nanosleep(&carrier->period, NULL);
	}
	return NULL;
}

void carrier_watch(struct carrier *carrier, const char (*name)[IFNAMSIZ], __u32 n)
{
	pthread_mutex_lock(&carrier->lock);
	carrier->n = MIN(n, CARRIER_PORTS);
	memcpy(carrier->name, name, carrier->n * sizeof(*name));
	for (__u32 i = 0; i < carrier->n; i++)
		carrier->up[i] = true;
	pthread_cond_signal(&carrier->wake);
	pthread_mutex_unlock(&carrier->lock);
}

int carrier_fd(const struct carrier *carrier)
{
	return carrier->changed;
}

bool carrier_changed(struct carrier *carrier)
{
	eventfd_t n;

	return eventfd_read(carrier->changed, &n) == 0;
}

static int start(struct carrier *carrier)
{
	sigset_t all, before;
	int r;

	carrier->socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	carrier->changed = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (carrier->socket < 0 || carrier->changed < 0)
		return -errno;
	sigfillset(&all); /* signals are for the loader */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = -pthread_create(&carrier->thread, NULL, look, carrier);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

static void release(struct carrier *carrier)
{
	own_close(&carrier->socket);
	own_close(&carrier->changed);
	pthread_cond_destroy(&carrier->wake);
	pthread_mutex_destroy(&carrier->lock);
	free(carrier);
}

int carrier_start(struct carrier **out, __u64 period_ns)
{
	struct carrier *carrier = calloc(1, sizeof(*carrier));
	int r;

	if (!carrier)
		return -ENOMEM;
	carrier->socket = carrier->changed = -1;
	carrier->period = (struct timespec){ period_ns / NSEC_PER_SEC, period_ns % NSEC_PER_SEC };
	pthread_mutex_init(&carrier->lock, NULL);
	pthread_cond_init(&carrier->wake, NULL);
	r = start(carrier);
	if (r) {
		release(carrier);
		return err_r(r, "carrier: can't look at it every few milliseconds: %s",
			     strerror(-r));
	}
	*out = carrier;
	return 0;
}

void carrier_stop(struct carrier *carrier)
{
	if (!carrier)
		return;
	pthread_mutex_lock(&carrier->lock);
	carrier->stop = true;
	pthread_cond_signal(&carrier->wake);
	pthread_mutex_unlock(&carrier->lock);
	pthread_join(carrier->thread, NULL);
	release(carrier);
}
