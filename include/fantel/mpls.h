/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The label stack of a packet (RFC 3032 §2.1), read where it lies: the tunnel that detect reports.
 * Nothing behind `end` is read. Pure.
 */
#ifndef FANTEL_MPLS_H
#define FANTEL_MPLS_H

#include "frame.h"
#include "reason.h"

/*
 * The tunnel of a packet whose stack begins at `at`, and with *proto what is behind the stack: nothing
 * says that but the first bits there (RFC 4928). REASON_NONE; REASON_TOO_DEEP: more labels than a tunnel
 * here can have; REASON_NOT_IP: the packet ends before.
 */
FN enum reason mpls_tunnel(struct tunnel_key *t, __u32 *proto, const __u8 *at, const void *end)
{
	__u32 entry;

	for (int i = 0; i < WIRE_LABELS_MAX; i++) {
		/* One byte more: of the packet inside. */
		if (at + LABEL_LEN + 1 > (const __u8 *)end)
			return REASON_NOT_IP;
		entry = be32(load32(at));
		t->label_be[i] = be32(entry & WIRE_LABEL_MASK);
		at += LABEL_LEN;
		if (!(entry & WIRE_LABEL_S))
			continue;
		t->code = CODE_MPLS;
		t->n = i + 1;
		*proto = *at >> 4 == 6 ? PROTO_IPV6 : PROTO_IPIP;
		return REASON_NONE;
	}
	return REASON_TOO_DEEP;
}

#endif
