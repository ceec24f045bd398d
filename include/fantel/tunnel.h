/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The header of a tunnel that ends here, read where it lies: GRE, VXLAN, one MPLS label. decap takes from
 * it which tunnel, and where the packet inside begins; an SRH has a file of its own (srh.h). Nothing behind
 * `end` is read. Pure.
 */
#ifndef FANTEL_TUNNEL_H
#define FANTEL_TUNNEL_H

#include "frame.h"
#include "reason.h"

#define VXLAN_HEADERS (UDP_LEN + VXLAN_LEN + ETH_LEN)

struct tunnel_head {
	__u32 id;      /* GRE key, VNI or label */
	__u32 len;     /* of all in front of the packet inside */
	__u16 udp_len; /* VXLAN: what UDP says of its own length */
	__be16 type;   /* EtherType of the packet inside */
	bool keyed;    /* GRE: there is a key */
};

/*
 * Each returns REASON_NONE; REASON_TOO_SHORT: the packet ends before h->len bytes, which are needed to go on;
 * or what it says it returns. *h, zero before, is filled as far as the header could be read.
 */

/*
 * RFC 2784 and RFC 2890. A checksum and a sequence number are skipped: what is inside has its own
 * checksums, and is not put back in order. REASON_NOT_ENDPOINT: of another version (RFC 2637);
 * REASON_DECAP_MALFORMED: has bits that a receiver has to refuse (RFC 2784 §2.2).
 */
FN enum reason gre_read(struct tunnel_head *h, const __u8 *at, const void *end)
{
	const __u8 *next = at + GRE_LEN;
	__u16 flags;

	h->len = GRE_LEN;
	if (next > (const __u8 *)end)
		return REASON_TOO_SHORT;
	flags = be16(load16(at));
	if (flags & GRE_VERSION)
		return REASON_NOT_ENDPOINT;
	if (flags & GRE_REFUSED)
		return REASON_DECAP_MALFORMED;
	if (flags & GRE_C) {
		h->len += GRE_FIELD_LEN;
		next += GRE_FIELD_LEN;
	}
	if (flags & GRE_K) {
		h->len += GRE_FIELD_LEN;
		if (next + GRE_FIELD_LEN > (const __u8 *)end)
			return REASON_TOO_SHORT;
		h->id = be32(load32(next));
		h->keyed = true;
	}
	if (flags & GRE_S)
		h->len += GRE_FIELD_LEN;
	h->type = load16(at + GRE_OFF_PROTO);
	return REASON_NONE;
}

/*
 * RFC 7348 §5, with the UDP header in front and the Ethernet header behind. The UDP checksum may be left
 * unread (§4.1, RFC 6935). Whom the inner frame is for does not matter: behind this tunnel there is only
 * us. REASON_NOT_ENDPOINT: it says that it has no VNI.
 */
FN enum reason vxlan_read(struct tunnel_head *h, const __u8 *udp, const void *end)
{
	const __u8 *vxlan = udp + UDP_LEN;

	h->len = VXLAN_HEADERS;
	if (udp + VXLAN_HEADERS > (const __u8 *)end)
		return REASON_TOO_SHORT;
	h->id = be32(load32(vxlan + VXLAN_OFF_VNI)) >> VXLAN_VNI_SHIFT;
	h->udp_len = be16(load16(udp + UDP_OFF_LEN));
	h->type = load16(vxlan + VXLAN_LEN + ETH_OFF_TYPE);
	return vxlan[0] & VXLAN_I ? REASON_NONE : REASON_NOT_ENDPOINT;
}

/*
 * RFC 3032: one label, the last of its stack. What is inside, nothing says but its first bits (RFC 4928).
 * REASON_NOT_ENDPOINT: there are more labels; REASON_HOP_LIMIT: its TTL is used up.
 */
FN enum reason label_read(struct tunnel_head *h, const __u8 *at, const void *end)
{
	__u32 entry;

	h->len = LABEL_LEN;
	if (at + LABEL_LEN > (const __u8 *)end)
		return REASON_TOO_SHORT;
	entry = be32(load32(at));
	h->id = entry >> WIRE_LABEL_SHIFT;
	if (!(entry & WIRE_LABEL_S))
		return REASON_NOT_ENDPOINT;
	if ((entry & LABEL_TTL_MASK) <= 1)
		return REASON_HOP_LIMIT;
	if (at + LABEL_LEN + 1 > (const __u8 *)end) {
		h->len++;
		return REASON_TOO_SHORT;
	}
	h->type = be16(at[LABEL_LEN] >> 4 == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4);
	return REASON_NONE;
}

#endif
