/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Options of the sockets that packets leave by: notifications' (transmit), BFD's and its echoes'.
 */
#ifndef SOCKOPT_H
#define SOCKOPT_H

#include <errno.h>
#include <linux/pkt_sched.h>
#include <sys/socket.h>

/* Returns 0 or a negative errno. */
static inline int sockopt_set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

/* Ahead of data in a qdisc that goes by skb->priority. After IP_TOS, which sets that, too. */
static inline int sockopt_urgent(int fd)
{
	return sockopt_set(fd, SOL_SOCKET, SO_PRIORITY, TC_PRIO_CONTROL);
}

#endif
