/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Notifications written piece by piece, as detect does it: msg_begin, msg_put_... in ascending
 * order of types, msg_finish. Include msg.h.
 */
#ifndef FANTEL_MSG_WRITE_H
#define FANTEL_MSG_WRITE_H

#include "msg_types.h"

/* Start a message in *buf. */
FN struct writer msg_begin(struct msg_buf *buf, const struct msg_envelope *e)
{
	struct writer w = {
		.buf = buf,
		.at = msg_body(e->transport),
		.end = addr_is_v4(&e->src) ? WIRE_MSG_MAX : WIRE_MSG_MAX_V6,
	};

	return w;
}

/* A tunnel's identity as Tunnel Info. */
FN void msg_put_tunnel(struct writer *w, const struct tunnel_key *k)
{
	__u32 n = k->n;
	__u8 *p;

	if (k->code == CODE_IP) {
		p = writer_take(w, 16);
		if (p)
			addr_store(p, &k->addr);
	} else if (k->code == CODE_SRV6) {
		/* Next Header IPv6, Hdr Ext Len, Routing Type, Segments Left 0; Last Entry. */
		p = writer_take(w, WIRE_SRH_FIXED);
		if (p)
			store64(p, be64((__u64)PROTO_IPV6 << 56 | (__u64)(2 * n) << 48 |
					(__u64)WIRE_SRH_ROUTING_TYPE << 40 |
					(__u64)(n - 1) << 24));
		p = writer_block(w, 16 * n, sizeof(k->segment));
		if (p)
			words_copy(p, k->segment, sizeof(k->segment));
	} else if (k->code == CODE_MPLS) {
		p = writer_block(w, 4 * n, sizeof(k->label_be));
		if (p)
			words_copy(p, k->label_be, sizeof(k->label_be));
		if (p && n && (p = msg_buf_at(w->buf, w->at - 4, 4)))
			p[2] |= WIRE_LABEL_S >> 8;
	}
}

/* TLVs that stand ready, n bytes of `room` (a constant) readable ones. */
FN void msg_put_copy(struct writer *w, const void *tlvs, __u32 n, __u32 room)
{
	__u8 *p = writer_block(w, n, room);

	if (p)
		words_copy(p, tlvs, room);
}

/* Header of a TLV whose value has n bytes, n a constant; where the value goes. */
FN __u8 *msg_put_tlv(struct writer *w, enum tlv_type type, __u32 n)
{
	__u8 *p = writer_take(w, WIRE_TLV_HDR + n);

	if (!p)
		return NULL;
	store32(p, be32((__u32)type << 16 | n));
	return p + WIRE_TLV_HDR;
}

/* A TLV without an enterprise number, of one word: link metrics. */
FN void msg_put_word(struct writer *w, enum tlv_type type, __u32 word)
{
	__u8 *p = msg_put_tlv(w, type, 4);

	if (p)
		store32(p, be32(word));
}

/* The same for a private TLV: n and what is returned do not include the enterprise number. */
FN __u8 *msg_put_private(struct writer *w, const struct msg_rules *r, enum tlv_type type, __u32 n)
{
	__u8 *p = writer_take(w, WIRE_TLV_HDR + 4 + n);

	if (!p)
		return NULL;
	store64(p, be64((__u64)((__u32)type << 16 | (4 + n)) << 32 | r->enterprise));
	return p + WIRE_TLV_HDR + 4;
}

FN void msg_put_event(struct writer *w, const struct msg_rules *r, __u32 event_id, __u64 sequence,
		      __u32 validity_ms)
{
	__u8 *p = msg_put_private(w, r, TLV_EVENT, 16);

	if (!p)
		return;
	store32(p, be32(event_id));
	store64(p + 4, be64(sequence));
	store32(p + 12, be32(validity_ms));
}

/* FLOW_ID, TIMESTAMP and RATE. */
FN void msg_put_u64(struct writer *w, const struct msg_rules *r, enum tlv_type type, __u64 value)
{
	__u8 *p = msg_put_private(w, r, type, 8);

	if (p)
		store64(p, be64(value));
}

/* DOMAIN and PATH. */
FN void msg_put_u32(struct writer *w, const struct msg_rules *r, enum tlv_type type, __u32 value)
{
	__u8 *p = msg_put_private(w, r, type, 4);

	if (p)
		store32(p, be32(value));
}

/* CAUSE and HINT: one byte and three reserved ones. */
FN void msg_put_byte(struct writer *w, const struct msg_rules *r, enum tlv_type type, __u8 value)
{
	msg_put_u32(w, r, type, (__u32)value << 24);
}

FN void msg_put_queue(struct writer *w, const struct msg_rules *r, __u32 id, __u32 depth, __u32 limit)
{
	__u8 *p = msg_put_private(w, r, TLV_QUEUE, 12);

	if (!p)
		return;
	store32(p, be32(id));
	store32(p + 4, be32(depth));
	store32(p + 8, be32(limit));
}

/* AUTH without its MAC, which msg_sign puts. Has to come last. */
FN void msg_put_auth(struct writer *w, const struct msg_rules *r, __u32 key_id,
		     enum wire_auth algorithm)
{
	__u8 *p = msg_put_private(w, r, TLV_AUTH, 8 + WIRE_MAC_LEN);

	if (!p)
		return;
	store32(p, be32(key_id));
	store32(p + 4, be32((__u32)algorithm << 24));
	words_zero(p + 8, WIRE_MAC_LEN);
}

/* A flow whose addresses are written as those of IP version 4 (then they are mapped) or 6. */
FN void msg_put_flow_as(struct writer *w, const struct msg_rules *r, __u32 version, __u32 protocol,
			__u32 sport, __u32 dport, const struct addr *src, const struct addr *dst)
{
	__u8 *p = version == 4 ? msg_put_private(w, r, TLV_FLOW, WIRE_FLOW_LEN_V4 - 4) :
				 msg_put_private(w, r, TLV_FLOW, WIRE_FLOW_LEN_V6 - 4);

	if (!p)
		return;
	store32(p, be32(version << 24 | protocol << 16 | sport));
	store32(p + 4, be32(dport << 16));
	if (version == 4) {
		store32(p + 8, src->l_be[3]);
		store32(p + 12, dst->l_be[3]);
	} else {
		addr_store(p + 8, src);
		addr_store(p + 24, dst);
	}
}

/* The affected flow; both addresses are of one family. */
FN void msg_put_flow(struct writer *w, const struct msg_rules *r, __u8 protocol, __u16 sport,
		     __u16 dport, const struct addr *src, const struct addr *dst)
{
	msg_put_flow_as(w, r, addr_is_v4(src) ? 4 : 6, protocol, sport, dport, src, dst);
	writer_forget(w);
}

/*
 * The first words and the checksum: the message is then complete. `code`: what parts of Tunnel Info
 * were put. Returns its length, or 0 when something did not fit.
 */
FN __u32 msg_finish(struct writer *w, const struct msg_rules *r, const struct msg_envelope *e,
		    enum kind kind, __u32 code)
{
	__u32 type = r->type[kind], len = w->at;
	__u8 *p = w->buf->b, *sum_at = p + ICMP_OFF_SUM;

	if (w->full)
		return 0;
	code = msg_code_wire(code, r->code_lsb);
	if (e->transport == TRANSPORT_UDP) {
		store32(p, be32((__u32)r->udp_sport << 16 | r->udp_port));
		store32(p + 4, be32(len << 16));
		store32(p + 8, be32(type << WIRE_UDP_TYPE_SHIFT | code << WIRE_UDP_CODE_SHIFT));
		sum_at = p + UDP_OFF_SUM;
	} else {
		store32(p, be32(type << 24 | code << 16));
	}
	store16(sum_at, msg_checksum(w->buf, e, len));
	return len;
}

#endif
