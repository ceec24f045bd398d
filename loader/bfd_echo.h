/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * BFD echoes on the wire: packets to our own address, given to the neighbour, who routes them back.
 * The kernel would keep them, so they are made whole. Used by bfd.c.
 */
#ifndef BFD_ECHO_H
#define BFD_ECHO_H

#include "fantel/abi.h"

/* A socket for them all, or a negative errno. */
int bfd_echo_open(void);

/* Send echo `number` of the session; one that can't be is as lost as any other. */
void bfd_echo_send(int fd, __u32 ifindex, const __u8 mac[6], const struct bfd_set *set,
		   const struct config *config, __u32 number);

/* The packet behind Ethernet, at least BFD_ECHO_MAX bytes; its length. Pure. */
#define BFD_ECHO_MAX 64
__u32 bfd_echo_build(__u8 *packet, const struct bfd_set *set, const struct config *config,
		     __u32 number);

#endif
