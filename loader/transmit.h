/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Notifications that leave from user space: a built message, an IP header in front of it, and out by
 * a raw socket. The kernel routes them; source is the loopback that the envelope names.
 */
#ifndef TRANSMIT_H
#define TRANSMIT_H

#include "fantel/msg.h"

struct transmit {
	int fd6, fd4;
};

/* What is sent goes ahead of data in the qdiscs of this machine; `tclass` (DSCP << 2) is for those of
 * others. Returns 0 or a negative errno, reported. Release with transmit_close in any case. */
int transmit_open(struct transmit *t, __u8 tclass);
void transmit_close(struct transmit *t);
#define OWN_TRANSMIT __attribute__((cleanup(transmit_close)))

/* Put an IP header in front of the message's first `len` bytes. Returns where the packet starts, in
 * buf->front, and its length. */
const __u8 *transmit_wrap(struct msg_buf *buf, const struct msg_envelope *envelope, __u32 len,
			  __u8 tclass, __u32 *packet_len);

/* Send a packet that transmit_wrap made. Returns 0 or a negative errno. */
int transmit_send(const struct transmit *t, const struct addr *dst, const void *packet, __u32 len);

#endif
