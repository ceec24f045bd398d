/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The SRH of a packet (RFC 8754 §2), read where it lies. detect takes the tunnel's name from it, decap
 * where the packet inside begins. Nothing behind `end` is read, whatever the header says of itself. Pure.
 *
 *	at  0          8                             8 + 16 * n          len
 *	    | fixed    | segments, in reverse: the   | TLVs, which are   | the packet inside
 *	    | part     | last one travelled first    | skipped           |
 */
#ifndef FANTEL_SRH_H
#define FANTEL_SRH_H

#include "abi.h"
#include "reason.h"

struct srh {
	__u32 len;  /* of the header, with its TLVs */
	__u32 n;    /* segments that it lists */
	__u32 left; /* Segments Left */
	__u8 proto; /* what is behind it */
};

/* The fixed part. False where it is cut short, or another kind of routing header. */
FN bool srh_read(struct srh *h, const __u8 *at, const void *end)
{
	if (at + WIRE_SRH_FIXED > (const __u8 *)end || at[WIRE_SRH_OFF_TYPE] != WIRE_SRH_ROUTING_TYPE)
		return false;
	h->len = 8 * (at[WIRE_SRH_OFF_HDRLEN] + 1);
	h->n = at[WIRE_SRH_OFF_LAST_ENTRY] + 1;
	h->left = at[WIRE_SRH_OFF_SL];
	h->proto = at[WIRE_SRH_OFF_NEXTHDR];
	return true;
}

/* Does it hold what it lists, and is no more left than the list and the first segment that a reduced one
 * leaves out (RFC 8754 §4.3.1.1, S10)? Whoever goes by a segment of it has to ask. */
FN bool srh_is_sound(const struct srh *h)
{
	return WIRE_SRH_FIXED + 16 * h->n <= h->len && h->left <= h->n;
}

/* The segment that a sound one sends the packet to from here. False where none is left, or the packet ends
 * before. */
FN bool srh_next(struct addr *next, const struct srh *h, const __u8 *at, const void *end)
{
	/* Linux 6.1 loses the range of left in 16 * (left - 1): "invalid access to packet". */
	const __u8 *segment = at + WIRE_SRH_FIXED - 16 + 16 * h->left;

	if (!h->left || segment + 16 > (const __u8 *)end)
		return false;
	*next = addr_load(segment);
	return true;
}

/*
 * The tunnel of a sound one, by its whole list. Of a reduced SRH whose first segment is still active that
 * segment is the destination address, and is appended where it would stand. REASON_NONE; REASON_TOO_DEEP:
 * more segments than a tunnel here can have; REASON_NOT_IP: the packet ends before.
 */
FN enum reason srh_tunnel(struct tunnel_key *t, const struct srh *h, const struct addr *dst,
			  const __u8 *at, const void *end)
{
	const __u8 *segment = at + WIRE_SRH_FIXED;
	bool reduced = h->left == h->n;

	if (h->n + reduced > MAX_SEGMENTS)
		return REASON_TOO_DEEP;
	for (__u32 i = 0; i < MAX_SEGMENTS; i++, segment += 16) {
		if (i >= h->n)
			break;
		if (segment + 16 > (const __u8 *)end)
			return REASON_NOT_IP;
		t->segment[i] = addr_load(segment);
	}
	if (reduced)
		t->segment[h->n & (MAX_SEGMENTS - 1)] = *dst;
	t->code = CODE_SRV6;
	t->n = h->n + reduced;
	return REASON_NONE;
}

#endif
