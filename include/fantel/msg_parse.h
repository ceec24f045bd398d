/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Bytes to struct msg, in three steps: the head (all before the options), a walk over the options
 * that only checks and notes where values are, and one pass without failures that copies them out.
 * So a bad message changes nothing. Include msg.h.
 */
#ifndef FANTEL_MSG_PARSE_H
#define FANTEL_MSG_PARSE_H

#include "msg_types.h"

/* ---- the head -------------------------------------------------------------------------------- */

/* The fixed part, and where Tunnel Info's parts are: what msg_parse learns before the options. */
struct msg_head {
	struct addr ip;
	__u32 at; /* of the first byte that is not right; else of the options */
	__u16 srh_at;
	__u16 labels_at;
	__u8 kind;
	__u8 code;
	__u8 part; /* the part of Tunnel Info that was read last */
	__u8 n_segments;
	__u8 n_labels;
};

/* CODE's first part. */
FN bool msg_parse_ip(struct msg_head *h, struct cursor *c, const struct msg_buf *buf)
{
	const __u8 *p;

	if (h->code == CODE_IP && cursor_left(c) == 4) {
		p = cursor_take(c, buf, 4);
		if (!p)
			return false;
		h->ip = addr_from_v4(load32(p));
		return true;
	}
	p = cursor_take(c, buf, 16);
	if (!p)
		return false;
	h->ip = addr_load(p);
	return true;
}

/* Its second: only what says where the list is. */
FN bool msg_parse_srh(struct msg_head *h, struct cursor *c, const struct msg_buf *buf)
{
	struct cursor srh = *c;
	const __u8 *p = cursor_take(&srh, buf, WIRE_SRH_FIXED);
	__u32 segments;

	if (!p || p[WIRE_SRH_OFF_TYPE] != WIRE_SRH_ROUTING_TYPE)
		return false;
	segments = p[WIRE_SRH_OFF_LAST_ENTRY] + 1;
	if (p[WIRE_SRH_OFF_HDRLEN] < 2 * segments)
		return false;
	h->srh_at = c->at;
	if (!cursor_skip(c, (p[WIRE_SRH_OFF_HDRLEN] + 1) * 8))
		return false;
	h->n_segments = segments;
	return true;
}

/* Its third. */
FN bool msg_parse_labels(struct msg_head *h, struct cursor *c, const struct msg_buf *buf)
{
	struct cursor stack = *c;

	h->labels_at = c->at;
	for (__u32 i = 1; i <= WIRE_LABELS_MAX; i++) {
		const __u8 *p = cursor_take(&stack, buf, 4);

		if (!p)
			return false;
		if (be32(load32(p)) & WIRE_LABEL_S) {
			h->n_labels = i;
			*c = stack;
			return true;
		}
	}
	return false;
}

/* Tunnel Info: the parts that CODE names, in their order. */
FN bool msg_parse_tunnel(struct msg_head *h, struct cursor *c, const struct msg_buf *buf)
{
	h->part = CODE_IP;
	h->at = c->at;
	if (h->code & CODE_IP && !msg_parse_ip(h, c, buf))
		return false;
	h->part = CODE_SRV6;
	h->at = c->at;
	if (h->code & CODE_SRV6 && !msg_parse_srh(h, c, buf))
		return false;
	h->part = CODE_MPLS;
	h->at = c->at;
	if (h->code & CODE_MPLS && !msg_parse_labels(h, c, buf))
		return false;
	h->at = c->at;
	return true;
}

/* Everything before the options: length, checksum, version, TYPE, CODE, Tunnel Info. *h is zero to
 * begin with; on success h->at is where the options start. On its own, so that what the verifier
 * knows of each kind and each part does not multiply with what follows. */
SUBPROG enum reason msg_parse_head(struct msg_head *h, const struct msg_rules *r,
				   const struct msg_envelope *e, struct msg_buf *buf, __u32 len)
{
	struct cursor c = { .end = len };
	__u32 type, code, kind;
	const __u8 *p;
	bool udp;

	if (!h || !r || !e || !buf)
		return REASON_INTERNAL;
	udp = e->transport == TRANSPORT_UDP;
	if (len < msg_body(e->transport))
		return REASON_TOO_SHORT;
	if (len > (addr_is_v4(&e->src) ? WIRE_MSG_MAX : WIRE_MSG_MAX_V6))
		return REASON_TOO_LONG;
	if (udp) {
		p = cursor_take(&c, buf, UDP_LEN);
		if (!p || be16(load16(p + UDP_OFF_LEN)) != len)
			return REASON_LENGTH;
		if (load16(p + UDP_OFF_SUM) == 0)
			return REASON_CHECKSUM;
	}
	if (sum_fold(msg_sum_envelope(e, len) + msg_sum(buf, len)) != 0xffff)
		return REASON_CHECKSUM;
	h->at = c.at;
	p = cursor_take(&c, buf, WIRE_HDR_LEN);
	if (!p)
		return REASON_TOO_SHORT;
	type = p[0];
	code = p[1];
	if (udp) {
		__u32 word = be32(load32(p));

		if (word >> WIRE_UDP_VERSION_SHIFT != WIRE_VERSION)
			return REASON_VERSION;
		type = (word >> WIRE_UDP_TYPE_SHIFT) & 0xff;
		code = (word >> WIRE_UDP_CODE_SHIFT) & 0xff;
	}
	for (kind = 0; kind < KIND_COUNT; kind++)
		if (r->type[kind] == type)
			break;
	if (kind == KIND_COUNT)
		return REASON_TYPE;
	h->kind = kind;
	h->code = msg_code_swap(code, r->code_lsb);
	if (!msg_parse_tunnel(h, &c, buf))
		return REASON_TUNNEL;
	return h->code || c.at < len ? REASON_NONE : REASON_EMPTY;
}

/* ---- the walk -------------------------------------------------------------------------------- */

/*
 * The walk over the options only checks, and notes where values are; then one pass without failures
 * copies them out. So a bad message changes nothing, and the walk's state fits the stack. Sub-TLVs
 * of the node descriptors are walked by the same steps, one level further in.
 */
enum msg_node_slot {
	NODE_NONE,
	NODE_LOCAL,
	NODE_REMOTE,
	NODE_REPEATED, /* checked, but does not count */
	NODE_COUNT,
};

struct msg_walk {
	__u16 at[MSG_PLACES]; /* where values are, by enum tlv_index; 0 = absent */
	__u16 node_at[NODE_COUNT][4]; /* the same of sub-TLVs, by enum subtlv_index */
	__u32 present;
	__u32 next;  /* TLV or sub-TLV; after a failure, the one that is wrong */
	__u32 level_end; /* end of what contains it */
	__u32 end;	 /* end of the message */
	__u32 node;	 /* enum msg_node_slot: what contains it */
	__u32 pad;
};
_Static_assert(SUBTLVI_COUNT <= 4, "a place for each");

/* A TLV is not shorter than its header, so there are at most that many. They are walked by rounds
 * of some steps each: inlined in one loop, the walk would be 59,000 verified instructions. */
#define MSG_ROUND 4
#define MSG_ROUNDS (WIRE_MSG_MAX / WIRE_TLV_HDR / MSG_ROUND + 1)

/* What is known of a type: false for an unknown one. */
FN bool msg_tlv_find(__u32 type, __u32 *index, __u32 *min, __u32 *max)
{
	switch (type) {
#define X(NAME, number, lo, hi, word)                                                              \
	case number:                                                                               \
		*index = TLVI_##NAME, *min = lo, *max = hi;                                        \
		return true;
		WIRE_TLVS(X)
#undef X
	}
	return false;
}

/* The other way: the type of an index. */
FN __u32 msg_tlv_type(enum tlv_index index)
{
	switch (index) {
#define X(NAME, number, lo, hi, word)                                                              \
	case TLVI_##NAME:                                                                          \
		return number;
		WIRE_TLVS(X)
#undef X
	default:
		return 0;
	}
}

FN bool msg_subtlv_find(__u32 type, __u32 *index, __u32 *min, __u32 *max)
{
	switch (type) {
#define X(NAME, number, lo, hi, word)                                                              \
	case number:                                                                               \
		*index = SUBTLVI_##NAME, *min = lo, *max = hi;                                     \
		return true;
		WIRE_SUBTLVS(X)
#undef X
	}
	return false;
}

/* Note a sub-TLV whose value, n bytes at `at`, lies inside its TLV. False if it is malformed. */
FN bool msg_walk_subtlv(struct msg_walk *w, __u32 node, __u32 type, __u32 at, __u32 n)
{
	__u32 index, min, max;

	if (!msg_subtlv_find(type, &index, &min, &max))
		return true;
	/* Router-IDs: 4 (OSPF), 6 (IS-IS), 7 (IS-IS pseudonode), 8 (OSPF pseudonode). */
	if (n < min || n > max || n == 5)
		return false;
	if (!w->node_at[node & (NODE_COUNT - 1)][index])
		w->node_at[node & (NODE_COUNT - 1)][index] = at;
	return true;
}

/*
 * Note a TLV whose value, n bytes at `at`, lies inside the message. False if it is malformed. If it
 * is one of sub-TLVs, the walk is then inside it.
 */
FN bool msg_walk_tlv(struct msg_walk *w, __u32 enterprise, const struct msg_buf *buf, __u32 type,
		     __u32 at, __u32 n)
{
	__u32 index, min, max;
	bool repeated;

	if (type >= WIRE_PRIVATE_MIN) {
		const __u8 *p = msg_buf_at(buf, at, 8);

		if (!p || n < 4)
			return false;
		if (be32(load32(p)) != enterprise)
			return true;
		if (type == TLV_FLOW && !(p[4] == 4 && n == WIRE_FLOW_LEN_V4) &&
		    !(p[4] == 6 && n == WIRE_FLOW_LEN_V6))
			return false;
	}
	if (!msg_tlv_find(type, &index, &min, &max))
		return true;
	if (n < min || n > max)
		return false;
	repeated = w->present & MSG_BIT(index);
	if (!repeated)
		w->at[index] = at;
	w->present |= MSG_BIT(index);
	if (index == TLVI_LOCAL_NODE || index == TLVI_REMOTE_NODE) {
		w->node = repeated		       ? NODE_REPEATED :
			  index == TLVI_LOCAL_NODE ? NODE_LOCAL :
							     NODE_REMOTE;
		w->level_end = at + n;
	}
	return true;
}

enum msg_round {
	ROUND_MORE,
	ROUND_DONE,
	ROUND_BAD,
};

/* The next few TLVs and sub-TLVs. */
SUBPROG enum msg_round msg_walk_round(struct msg_walk *w, const struct msg_buf *buf,
				      __u32 enterprise)
{
	__u32 node, type, n;
	const __u8 *p;
	struct cursor c;

	if (!w || !buf)
		return ROUND_BAD;
	for (int i = 0; i < MSG_ROUND; i++) {
		c.at = CURSOR_FORGET(w->next);
		c.end = CURSOR_FORGET(w->level_end);
		node = CURSOR_FORGET(w->node);
		if (c.at == c.end && node) {
			w->node = node = NODE_NONE;
			w->level_end = c.end = w->end;
		}
		if (c.at == c.end)
			return ROUND_DONE;
		p = cursor_take(&c, buf, WIRE_TLV_HDR);
		if (!p)
			return ROUND_BAD;
		type = be16(load16(p));
		n = be16(load16(p + 2));
		if (n > cursor_left(&c))
			return ROUND_BAD;
		if (node) {
			if (!msg_walk_subtlv(w, node, type, c.at, n))
				return ROUND_BAD;
			w->next = c.at + n;
		} else {
			if (!msg_walk_tlv(w, enterprise, buf, type, c.at, n))
				return ROUND_BAD;
			w->next = w->node ? c.at : c.at + n;
		}
	}
	return ROUND_MORE;
}

/* Walk the options, [at, end). On failure w->next is the TLV that is wrong. On its own, so that the
 * verifier walks its rounds once and not for each way that leads here. */
SUBPROG enum reason msg_walk(struct msg_walk *w, const struct msg_buf *buf, __u32 enterprise,
			     __u32 at, __u32 end)
{
	enum msg_round round = ROUND_DONE;

	if (!w || !buf)
		return REASON_INTERNAL;
	w->next = at;
	w->level_end = w->end = end;
	for (__u32 i = 0; i < MSG_ROUNDS; i++) {
		round = msg_walk_round(w, buf, enterprise);
		if (round != ROUND_MORE)
			break;
	}
	return round == ROUND_DONE ? REASON_NONE : REASON_TLV;
}

/* ---- the values ------------------------------------------------------------------------------ */

/* The value that was noted; n (a constant) is at most its length. NULL if there is none. */
FN const __u8 *msg_value(const struct msg_walk *w, const struct msg_buf *buf, __u32 index, __u32 n)
{
	return w->present & MSG_BIT(index) ? msg_buf_at(buf, w->at[index], n) : NULL;
}

FN const __u8 *msg_subvalue(const __u16 *node_at, const struct msg_buf *buf, __u32 index, __u32 n)
{
	return node_at[index] ? msg_buf_at(buf, node_at[index], n) : NULL;
}

FN void msg_fill_node(struct msg_node *node, const __u16 *node_at, const struct msg_buf *buf)
{
	const __u8 *p;

	if ((p = msg_subvalue(node_at, buf, SUBTLVI_AS, 4))) {
		node->as = be32(load32(p));
		node->present |= MSG_BIT(SUBTLVI_AS);
	}
	if ((p = msg_subvalue(node_at, buf, SUBTLVI_AREA, 4))) {
		node->area = be32(load32(p));
		node->present |= MSG_BIT(SUBTLVI_AREA);
	}
	/* The byte in front of a value is its length; what is behind it stays zero. */
	if (node_at[SUBTLVI_ROUTER_ID] &&
	    (p = msg_buf_at(buf, node_at[SUBTLVI_ROUTER_ID] - 1, 9))) {
		store64(node->router_id, load64(p + 1) & be64(~0ULL << ((64 - 8 * p[0]) & 63)));
		node->router_id_len = p[0];
		node->present |= MSG_BIT(SUBTLVI_ROUTER_ID);
	}
}

FN void msg_fill_location(struct msg *m, const struct msg_walk *w, const struct msg_buf *buf)
{
	const __u8 *p;

	if (w->present & MSG_BIT(TLVI_LOCAL_NODE))
		msg_fill_node(&m->local_node, w->node_at[NODE_LOCAL], buf);
	if (w->present & MSG_BIT(TLVI_REMOTE_NODE))
		msg_fill_node(&m->remote_node, w->node_at[NODE_REMOTE], buf);
	if ((p = msg_value(w, buf, TLVI_LINK_IDS, 8))) {
		m->local_link = be32(load32(p));
		m->remote_link = be32(load32(p + 4));
	}
	if ((p = msg_value(w, buf, TLVI_LOCAL_IPV4, 4)))
		m->local_ipv4_be = load32(p);
	if ((p = msg_value(w, buf, TLVI_REMOTE_IPV4, 4)))
		m->remote_ipv4_be = load32(p);
	if ((p = msg_value(w, buf, TLVI_LOCAL_IPV6, 16)))
		m->local_ipv6 = addr_load(p);
	if ((p = msg_value(w, buf, TLVI_REMOTE_IPV6, 16)))
		m->remote_ipv6 = addr_load(p);
}

/* A(1) rsv(7) value(24). */
FN __u32 msg_metric(struct msg *m, const __u8 *p, __u32 anomalous)
{
	__u32 word = be32(load32(p));

	if (word & WIRE_METRIC_A)
		m->anomalous |= anomalous;
	return word & WIRE_METRIC_MASK;
}

FN void msg_fill_metrics(struct msg *m, const struct msg_walk *w, const struct msg_buf *buf)
{
	const __u8 *p;

	if ((p = msg_value(w, buf, TLVI_CAPACITY, 4)))
		m->capacity_f32 = be32(load32(p));
	if ((p = msg_value(w, buf, TLVI_DELAY, 4)))
		m->delay_us = msg_metric(m, p, ANOMALOUS_DELAY);
	if ((p = msg_value(w, buf, TLVI_DELAY_RANGE, 8))) {
		m->delay_min_us = msg_metric(m, p, ANOMALOUS_DELAY_RANGE);
		m->delay_max_us = msg_metric(m, p + 4, 0);
	}
	if ((p = msg_value(w, buf, TLVI_DELAY_VARIATION, 4)))
		m->delay_variation_us = msg_metric(m, p, 0);
	if ((p = msg_value(w, buf, TLVI_LOSS, 4)))
		m->loss = msg_metric(m, p, ANOMALOUS_LOSS);
	if ((p = msg_value(w, buf, TLVI_RESIDUAL, 4)))
		m->residual_f32 = be32(load32(p));
	if ((p = msg_value(w, buf, TLVI_AVAILABLE, 4)))
		m->available_f32 = be32(load32(p));
	if ((p = msg_value(w, buf, TLVI_UTILIZED, 4)))
		m->utilized_f32 = be32(load32(p));
}

/* From here on p[0..3] is the enterprise number. */
FN void msg_fill_flow(struct msg *m, const struct msg_walk *w, const struct msg_buf *buf)
{
	const __u8 *p;

	if ((p = msg_value(w, buf, TLVI_FLOW_ID, 12)))
		m->flow_id = be64(load64(p + 4));
	if (!(p = msg_value(w, buf, TLVI_FLOW, WIRE_FLOW_LEN_V6)))
		return;
	m->flow_version = p[4];
	m->flow_protocol = p[5];
	m->flow_sport = be16(load16(p + 6));
	m->flow_dport = be16(load16(p + 8));
	if (m->flow_version == 6) {
		m->flow_src = addr_load(p + 12);
		m->flow_dst = addr_load(p + 28);
	} else {
		m->flow_src = addr_from_v4(load32(p + 12));
		m->flow_dst = addr_from_v4(load32(p + 16));
	}
}

FN void msg_fill_private(struct msg *m, const struct msg_walk *w, const struct msg_buf *buf)
{
	const __u8 *p;

	if ((p = msg_value(w, buf, TLVI_EVENT, 20))) {
		m->event_id = be32(load32(p + 4));
		m->sequence = be64(load64(p + 8));
		m->validity_ms = be32(load32(p + 16));
	}
	if ((p = msg_value(w, buf, TLVI_TIMESTAMP, 12)))
		m->timestamp_ns = be64(load64(p + 4));
	if ((p = msg_value(w, buf, TLVI_QUEUE, 16))) {
		m->queue_id = be32(load32(p + 4));
		m->queue_depth = be32(load32(p + 8));
		m->queue_limit = be32(load32(p + 12));
	}
	if ((p = msg_value(w, buf, TLVI_NODE_LOAD, 8))) {
		m->cpu_percent = p[4];
		m->memory_percent = p[5];
	}
	if ((p = msg_value(w, buf, TLVI_RATE, 12))) {
		m->rate_min_f32 = be32(load32(p + 4));
		m->rate_max_f32 = be32(load32(p + 8));
	}
	if ((p = msg_value(w, buf, TLVI_OVERLAY_KEY, 12))) {
		m->overlay_kind = p[4];
		m->overlay_key = be32(load32(p + 8));
	}
	if ((p = msg_value(w, buf, TLVI_DOMAIN, 8)))
		m->domain = be32(load32(p + 4));
	if ((p = msg_value(w, buf, TLVI_HINT, 8)))
		m->hint = p[4];
	if ((p = msg_value(w, buf, TLVI_CAUSE, 8)))
		m->cause = p[4];
	if ((p = msg_value(w, buf, TLVI_PATH, 8)))
		m->path = be32(load32(p + 4));
	if ((p = msg_value(w, buf, TLVI_SCOPE, 8))) {
		m->scope_hops = p[4];
		m->scope_mode = p[5];
	}
	if ((p = msg_value(w, buf, TLVI_AUTH, 28))) {
		m->auth_key_id = be32(load32(p + 4));
		m->auth_algorithm = p[8];
		store64(m->auth_mac, load64(p + 12));
		store64(m->auth_mac + 8, load64(p + 20));
	}
}

/* What a walk that ended well has found. */
SUBPROG int msg_fill(struct msg *m, const struct msg_walk *w, const struct msg_buf *buf)
{
	if (!m || !w || !buf)
		return -1;
	m->present = w->present;
	words_copy(m->at, w->at, sizeof(m->at));
	msg_fill_location(m, w, buf);
	msg_fill_metrics(m, w, buf);
	msg_fill_flow(m, w, buf);
	msg_fill_private(m, w, buf);
	return 0;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/*
 * Parse a message of `len` bytes (the IP payload), checksum included. REASON_NONE and a filled *m,
 * or why it is to be discarded, and *m is as before. A MAC is not looked at here: msg_auth.
 */
SUBPROG enum reason msg_parse(struct msg *m, const struct msg_rules *r,
			      const struct msg_envelope *e, struct msg_buf *buf, __u32 len)
{
	struct msg_head h = {};
	struct msg_walk w = {};
	enum reason reason;

	if (!m || !r || !e || !buf)
		return REASON_INTERNAL;
	reason = msg_parse_head(&h, r, e, buf, len);
	if (reason)
		return reason;
	reason = msg_walk(&w, buf, r->enterprise, h.at, len);
	if (reason)
		return reason;

	memset(m, 0, sizeof(*m));
	m->kind = h.kind;
	m->code = h.code;
	m->ip = h.ip;
	m->n_segments = h.n_segments;
	m->n_labels = h.n_labels;
	m->srh_at = h.srh_at;
	m->labels_at = h.labels_at;
	m->options_at = h.at;
	m->len = len;
	msg_fill(m, &w, buf);
	return REASON_NONE;
}

/*
 * One part of Tunnel Info as the identity under which policies know tunnels. False for a part that
 * the message does not have, and for a segment list longer than any path's; *k is then as before.
 */
FN bool msg_tunnel_key(struct tunnel_key *k, const struct msg *m, const struct msg_buf *buf,
		       enum wire_code part)
{
	const __u8 *p;

	if (!(m->code & part))
		return false;
	if (part == CODE_IP) {
		memset(k, 0, sizeof(*k));
		k->n = 1;
		k->addr = m->ip;
	} else if (part == CODE_SRV6) {
		p = msg_buf_at(buf, m->srh_at + WIRE_SRH_FIXED, sizeof(k->segment));
		if (!p || m->n_segments > MAX_SEGMENTS)
			return false;
		memset(k, 0, sizeof(*k));
		k->n = m->n_segments;
		for (int i = 0; i < MAX_SEGMENTS; i++)
			if (i < k->n)
				k->segment[i] = addr_load(p + 16 * i);
	} else {
		p = msg_buf_at(buf, m->labels_at, sizeof(k->label_be));
		if (!p || m->n_labels > WIRE_LABELS_MAX)
			return false;
		memset(k, 0, sizeof(*k));
		k->n = m->n_labels;
		for (int i = 0; i < WIRE_LABELS_MAX; i++)
			if (i < k->n)
				k->label_be[i] = load32(p + 4 * i) & be32(WIRE_LABEL_MASK);
	}
	k->code = part;
	return true;
}

/* ---- one TLV after the other ----------------------------------------------------------------- */

/* One TLV of a message whose options were found well-formed. */
struct msg_tlv {
	__u32 type;
	__u32 at; /* of the value */
	__u32 n;  /* its length */
};

/* The TLV at the cursor, which moves behind it; false at the end. The same for sub-TLVs, with a
 * cursor over their TLV's value. */
FN bool msg_next_tlv(struct msg_tlv *tlv, struct cursor *c, const struct msg_buf *buf)
{
	struct cursor next = *c;
	const __u8 *p = cursor_take(&next, buf, WIRE_TLV_HDR);

	if (!p)
		return false;
	*tlv = (struct msg_tlv){ be16(load16(p)), next.at, be16(load16(p + 2)) };
	if (!cursor_skip(&next, tlv->n))
		return false;
	*c = next;
	return true;
}

/* All TLVs of a message that was parsed. */
FN struct cursor msg_options(const struct msg *m)
{
	return (struct cursor){ .at = m->options_at, .end = m->len };
}

/* Is it one of wire.h's, with our enterprise number where it has one? Then *index is which. */
FN bool msg_tlv_known(__u32 *index, const struct msg_tlv *tlv, const struct msg_rules *r,
		      const struct msg_buf *buf)
{
	const __u8 *p = msg_buf_at(buf, tlv->at, 4);
	__u32 min, max;

	if (tlv->type >= WIRE_PRIVATE_MIN && (!p || be32(load32(p)) != r->enterprise))
		return false;
	return msg_tlv_find(tlv->type, index, &min, &max);
}

#endif
