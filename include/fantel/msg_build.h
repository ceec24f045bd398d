/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A whole notification from a struct msg: every TLV there is, unknown ones kept. For the host,
 * where time does not matter: send, tests and fuzzers.
 */
#ifndef FANTEL_MSG_BUILD_H
#define FANTEL_MSG_BUILD_H

#include "msg.h"

/* With two 32-bit words of value. */
FN void msg_put_words(struct writer *w, enum tlv_type type, __u32 first, __u32 second)
{
	__u8 *p = msg_put_tlv(w, type, 8);

	if (p)
		store64(p, be64((__u64)first << 32 | second));
}

FN void msg_put_addr(struct writer *w, enum tlv_type type, const struct addr *a)
{
	__u8 *p = msg_put_tlv(w, type, 16);

	if (p)
		addr_store(p, a);
}

static inline void msg_put_subtlv(struct writer *w, enum subtlv_type type, const void *value,
				  __u32 n)
{
	__u8 *p = writer_take(w, WIRE_TLV_HDR + n);

	if (!p)
		return;
	store32(p, be32((__u32)type << 16 | n));
	memcpy(p + WIRE_TLV_HDR, value, n);
}

/* LOCAL_NODE and REMOTE_NODE, of what is present in *node. */
static inline void msg_put_node(struct writer *w, enum tlv_type type, const struct msg_node *node)
{
	__be32 as_be = be32(node->as), area_be = be32(node->area);
	__u32 at = w->at;
	__u8 *p = writer_take(w, WIRE_TLV_HDR);

	if (node->present & MSG_BIT(SUBTLVI_AS))
		msg_put_subtlv(w, SUBTLV_AS, &as_be, 4);
	if (node->present & MSG_BIT(SUBTLVI_AREA))
		msg_put_subtlv(w, SUBTLV_AREA, &area_be, 4);
	if (node->present & MSG_BIT(SUBTLVI_ROUTER_ID))
		msg_put_subtlv(w, SUBTLV_ROUTER_ID, node->router_id, node->router_id_len);
	if (p)
		store32(p, be32((__u32)type << 16 | (w->at - at - WIRE_TLV_HDR)));
}

static inline __u32 msg_anomalous(const struct msg *m, enum msg_anomalous bit)
{
	return m->anomalous & bit ? WIRE_METRIC_A : 0;
}

static inline void msg_put_location(struct writer *w, const struct msg *m, enum tlv_index index)
{
	switch (index) {
	case TLVI_LOCAL_NODE:
		return msg_put_node(w, TLV_LOCAL_NODE, &m->local_node);
	case TLVI_REMOTE_NODE:
		return msg_put_node(w, TLV_REMOTE_NODE, &m->remote_node);
	case TLVI_LINK_IDS:
		return msg_put_words(w, TLV_LINK_IDS, m->local_link, m->remote_link);
	case TLVI_LOCAL_IPV4:
		return msg_put_word(w, TLV_LOCAL_IPV4, be32(m->local_ipv4_be));
	case TLVI_REMOTE_IPV4:
		return msg_put_word(w, TLV_REMOTE_IPV4, be32(m->remote_ipv4_be));
	case TLVI_LOCAL_IPV6:
		return msg_put_addr(w, TLV_LOCAL_IPV6, &m->local_ipv6);
	default:
		return msg_put_addr(w, TLV_REMOTE_IPV6, &m->remote_ipv6);
	}
}

static inline void msg_put_metric(struct writer *w, const struct msg *m, enum tlv_index index)
{
	switch (index) {
	case TLVI_CAPACITY:
		return msg_put_word(w, TLV_CAPACITY, m->capacity_f32);
	case TLVI_DELAY:
		return msg_put_word(w, TLV_DELAY,
				    m->delay_us | msg_anomalous(m, ANOMALOUS_DELAY));
	case TLVI_DELAY_RANGE:
		return msg_put_words(w, TLV_DELAY_RANGE,
				     m->delay_min_us | msg_anomalous(m, ANOMALOUS_DELAY_RANGE),
				     m->delay_max_us);
	case TLVI_DELAY_VARIATION:
		return msg_put_word(w, TLV_DELAY_VARIATION, m->delay_variation_us);
	case TLVI_LOSS:
		return msg_put_word(w, TLV_LOSS, m->loss | msg_anomalous(m, ANOMALOUS_LOSS));
	case TLVI_RESIDUAL:
		return msg_put_word(w, TLV_RESIDUAL, m->residual_f32);
	case TLVI_AVAILABLE:
		return msg_put_word(w, TLV_AVAILABLE, m->available_f32);
	default:
		return msg_put_word(w, TLV_UTILIZED, m->utilized_f32);
	}
}

static inline void msg_put_ours(struct writer *w, const struct msg_rules *r, const struct msg *m,
				enum tlv_index index)
{
	switch (index) {
	case TLVI_EVENT:
		return msg_put_event(w, r, m->event_id, m->sequence, m->validity_ms);
	case TLVI_TIMESTAMP:
		return msg_put_u64(w, r, TLV_TIMESTAMP, m->timestamp_ns);
	case TLVI_FLOW_ID:
		return msg_put_u64(w, r, TLV_FLOW_ID, m->flow_id);
	case TLVI_FLOW:
		return msg_put_flow_as(w, r, m->flow_version, m->flow_protocol, m->flow_sport,
				       m->flow_dport, &m->flow_src, &m->flow_dst);
	case TLVI_QUEUE:
		return msg_put_queue(w, r, m->queue_id, m->queue_depth, m->queue_limit);
	case TLVI_NODE_LOAD:
		return msg_put_u32(w, r, TLV_NODE_LOAD,
				   (__u32)m->cpu_percent << 24 | m->memory_percent << 16);
	case TLVI_RATE:
		return msg_put_u64(w, r, TLV_RATE,
				   (__u64)m->rate_min_f32 << 32 | m->rate_max_f32);
	case TLVI_OVERLAY_KEY:
		return msg_put_u64(w, r, TLV_OVERLAY_KEY,
				   (__u64)m->overlay_kind << 56 | m->overlay_key);
	case TLVI_DOMAIN:
		return msg_put_u32(w, r, TLV_DOMAIN, m->domain);
	case TLVI_HINT:
		return msg_put_byte(w, r, TLV_HINT, m->hint);
	case TLVI_CAUSE:
		return msg_put_byte(w, r, TLV_CAUSE, m->cause);
	case TLVI_PATH:
		return msg_put_u32(w, r, TLV_PATH, m->path);
	case TLVI_SCOPE:
		return msg_put_u32(w, r, TLV_SCOPE,
				   (__u32)m->scope_hops << 24 | m->scope_mode << 16);
	default:
		msg_put_auth(w, r, m->auth_key_id, m->auth_algorithm);
		if (!w->full)
			memcpy(w->buf->b + w->at - WIRE_MAC_LEN, m->auth_mac, WIRE_MAC_LEN);
	}
}

/* One known TLV from *m. */
static inline void msg_put(struct writer *w, const struct msg_rules *r, const struct msg *m,
			   enum tlv_index index)
{
	if (index < TLVI_CAPACITY)
		msg_put_location(w, m, index);
	else if (index < TLVI_EVENT)
		msg_put_metric(w, m, index);
	else
		msg_put_ours(w, r, m, index);
}

/* Tunnel Info from *m: the address, and the other parts from where *from has them. An SRH goes
 * without its TLVs. */
static inline void msg_put_parts(struct writer *w, const struct msg *m, const struct msg_buf *from)
{
	__u32 n = 16 * m->n_segments;
	__u8 *p;

	if (m->code & CODE_IP && (p = writer_take(w, 16)))
		addr_store(p, &m->ip);
	if (m->code & CODE_SRV6 && (p = writer_take(w, WIRE_SRH_FIXED + n))) {
		memcpy(p, from->b + m->srh_at, WIRE_SRH_FIXED + n);
		p[WIRE_SRH_OFF_HDRLEN] = n / 8;
	}
	if (m->code & CODE_MPLS && (p = writer_take(w, 4 * m->n_labels)))
		memcpy(p, from->b + m->labels_at, 4 * m->n_labels);
}

/* The lowest type from `type` on that the message has, known or not; above the largest: none. */
static inline __u32 msg_lowest(__u32 type, const struct msg *m, const struct msg_buf *from)
{
	struct cursor c = msg_options(m);
	__u32 lowest = WIRE_PRIVATE_MAX + 1;
	struct msg_tlv tlv;

#define X(NAME, number, min, max, word)                                                            \
	if (number >= type && number < lowest && msg_has(m, TLVI_##NAME))                          \
		lowest = number;
	WIRE_TLVS(X)
#undef X
	while (msg_next_tlv(&tlv, &c, from))
		if (tlv.type >= type && tlv.type < lowest)
			lowest = tlv.type;
	return lowest;
}

/* All TLVs: those that *m has, and those of *from that are unknown to us, ascending by type. */
static inline void msg_put_options(struct writer *w, const struct msg_rules *r, const struct msg *m,
				   const struct msg_buf *from)
{
	__u32 type = 0, index, min, max;
	struct msg_tlv tlv;

	while ((type = msg_lowest(type, m, from)) <= WIRE_PRIVATE_MAX) {
		struct cursor c = msg_options(m);

		if (msg_tlv_find(type, &index, &min, &max) && msg_has(m, index))
			msg_put(w, r, m, index);
		while (msg_next_tlv(&tlv, &c, from)) {
			__u8 *p;

			if (tlv.type != type || msg_tlv_known(&index, &tlv, r, from))
				continue;
			p = writer_take(w, WIRE_TLV_HDR + tlv.n);
			if (p)
				memcpy(p, from->b + tlv.at - WIRE_TLV_HDR, WIRE_TLV_HDR + tlv.n);
		}
		type++;
	}
}

/*
 * The message that says what *m says, in its canonical form: reserved bits zero, TLVs ascending by
 * type, single ones once. Tunnel Info and unknown TLVs come from *from, the buffer that *m was
 * parsed from (or, where m->len is 0, that only Tunnel Info was put into). With a key, an AUTH TLV
 * that is present gets a MAC. Returns the length, or 0 when it does not fit. *out is not *from.
 */
static inline __u32 msg_build(struct msg_buf *out, const struct msg *m, const struct msg_buf *from,
			      const struct msg_rules *r, const struct msg_envelope *e,
			      const struct mac_key *key)
{
	struct writer w = msg_begin(out, e);
	struct msg signed_;
	__u32 len;

	msg_put_parts(&w, m, from);
	msg_put_options(&w, r, m, from);
	len = msg_finish(&w, r, e, m->kind, m->code);
	if (!len || !key || !msg_has(m, TLVI_AUTH))
		return len;
	if (msg_parse(&signed_, r, e, out, len))
		return 0;
	if (msg_sign(out, e, len, key, signed_.at[TLVI_AUTH], signed_.at[TLVI_SCOPE]))
		return 0;
	return len;
}

#endif
