/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A packet from its IP header on, judged as a receiver would: what the header says, whether it
 * holds a notification, and if not, why not and where. Pure.
 */
#ifndef PACKET_H
#define PACKET_H

#include "fantel/msg.h"

struct packet {
	struct msg_envelope envelope;
	__u32 l4;  /* offset of the ICMPv6 or UDP header */
	__u32 len; /* of the packet, as its header says */
	__u8 version;
	__u8 tclass;
	__u8 hop_limit;
	__u8 protocol;
};

/* What is wrong with a packet. */
struct finding {
	enum reason reason; /* REASON_NONE: nothing */
	__u32 at;	    /* offset in the packet of the first byte that is wrong */
	char detail[160];   /* what stands there, and what would be right */
};

/* Read the IP header of a packet of n bytes (more than its length: Ethernet's padding). False, and
 * *finding, for one that can't hold a notification; *packet is then as far as it was read. */
bool packet_read(struct packet *packet, struct finding *finding, const __u8 *bytes, __u32 n,
		 const struct msg_rules *rules);

/* Parse the notification in it into *msg, its message copied to *buf. False and *finding if a
 * receiver would discard it. */
bool packet_parse(struct msg *msg, struct finding *finding, struct msg_buf *buf,
		  const struct packet *packet, const __u8 *bytes, const struct msg_rules *rules);

#endif
