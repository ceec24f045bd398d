/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The notification, on both transports: bytes to struct msg and back. docs/wire.md is the text that
 * this follows; wire.h has its numbers. Parse, then handle: nobody else looks at message bytes.
 *
 * Reading, in BPF (the host does the same with memcpy):
 *
 *	struct msg_buf *buf = &scratch->buf;
 *	struct msg_rules rules = msg_rules(&config);
 *	struct msg_envelope from = { .src = ..., .dst = ..., .transport = TRANSPORT_UDP };
 *
 *	if (len > WIRE_MSG_MAX)
 *		return REASON_TOO_LONG;
 *	bpf_xdp_load_bytes(ctx, l4_offset, buf->b, len);
 *	reason = msg_parse(msg, &rules, &from, buf, len);
 *	if (reason == REASON_NONE && msg_has(msg, TLVI_EVENT))
 *		... msg->event_id, msg->sequence ...
 *	if (msg->code & CODE_SRV6 && msg_tunnel_key(&key, msg, buf, CODE_SRV6))
 *		... look it up ...
 *
 * Writing, TLVs in ascending order:
 *
 *	struct writer w = msg_begin(buf, &from);
 *
 *	msg_put_tunnel(&w, &key);
 *	msg_put_copy(&w, link->location, link->location_len, LOCATION_MAX);
 *	msg_put_event(&w, &rules, event_id, sequence, validity_ms);
 *	msg_put_u32(&w, &rules, TLV_DOMAIN, config.domain);
 *	msg_put_byte(&w, &rules, TLV_CAUSE, CAUSE_CARRIER);
 *	len = msg_finish(&w, &rules, &from, KIND_FAILURE, key.code);	(0 = did not fit)
 *	... the message is buf->b[0..len), the IP header may go right in front of it ...
 */
#ifndef FANTEL_MSG_H
#define FANTEL_MSG_H

#include "abi.h"
#include "cursor.h"
#include "mac.h"

/* ---- what both directions need ---------------------------------------------------------------- */

/* The numbers that policy may change. */
struct msg_rules {
	__u32 enterprise;
	__u16 udp_port;
	__u16 udp_sport;
	__u8 type[KIND_COUNT]; /* on the wire, by enum kind */
	__u8 code_lsb;
	__u8 pad[2];
};

/* What the IP header says. IPv4 addresses are mapped, and always mean UDP. */
struct msg_envelope {
	struct addr src;
	struct addr dst;
	__u8 transport; /* enum transport */
	__u8 pad[7];
};

FN struct msg_rules msg_rules(const volatile struct config *config)
{
	struct msg_rules r = {
		.enterprise = config->enterprise,
		.udp_port = config->udp_port,
		.udp_sport = config->udp_sport,
		.code_lsb = config->code_lsb,
	};

	for (int i = 0; i < KIND_COUNT; i++)
		r.type[i] = config->type[i];
	return r;
}

/* The draft's defaults. */
FN struct msg_rules msg_rules_default(void)
{
	struct msg_rules r = {
		.enterprise = WIRE_ENTERPRISE,
		.udp_port = WIRE_UDP_PORT,
		.udp_sport = WIRE_UDP_SPORT_MIN,
#define X(NAME, number, word) .type[KIND_##NAME] = number,
		WIRE_KINDS(X)
#undef X
	};

	return r;
}

enum subtlv_index {
#define X(NAME, type, min, max, word) SUBTLVI_##NAME,
	WIRE_SUBTLVS(X)
#undef X
	SUBTLVI_COUNT,
};

/* 256 and 257. */
struct msg_node {
	__u32 as;
	__u32 area;
	__u8 router_id[8];
	__u8 router_id_len;
	__u8 present; /* bit by enum subtlv_index */
	__u8 pad[6];
};

#define MSG_BIT(index) (1U << (index))
#define MSG_PLACES 32
_Static_assert(TLVI_COUNT <= MSG_PLACES, "a bit and a place for each");

/*
 * A notification, all numbers in host order. A value counts only where its bit is in `present`; the
 * others are zero. Floats are the bits of an IEEE 754 single, in bytes/s: BPF has no other. Places
 * (_at) are offsets in the msg_buf that was parsed.
 */
struct msg {
	__u32 present;	 /* MSG_BIT(enum tlv_index) */
	__u8 kind;	 /* enum kind */
	__u8 code;	 /* enum wire_code bits, the draft's order, reserved bits cleared */
	__u8 n_segments; /* SRH: Last Entry + 1 */
	__u8 n_labels;
	__u16 len; /* of the message, header included */
	__u16 srh_at;
	__u16 labels_at;
	__u16 options_at;
	__u16 at[MSG_PLACES]; /* of each TLV's value, by enum tlv_index; 0 = absent */
	struct addr ip;	      /* CODE_IP */

	__u32 event_id;
	__u32 validity_ms;
	__u64 sequence;
	__u64 timestamp_ns; /* since 1970 */
	__u32 domain;
	__u8 cause;	/* enum wire_cause */
	__u8 hint;	/* enum wire_hint */
	__u8 scope_hops;
	__u8 scope_mode; /* enum wire_scope */

	/* Location. */
	struct msg_node local_node;
	struct msg_node remote_node;
	__u32 local_link;
	__u32 remote_link;
	__be32 local_ipv4_be;
	__be32 remote_ipv4_be;
	struct addr local_ipv6;
	struct addr remote_ipv6;

	/* Metrics. */
	__u32 capacity_f32;
	__u32 delay_us;
	__u32 delay_min_us;
	__u32 delay_max_us;
	__u32 delay_variation_us;
	__u32 loss; /* in units of 0.000003 % */
	__u32 residual_f32;
	__u32 available_f32;
	__u32 utilized_f32;
	__u32 queue_id;
	__u32 queue_depth; /* bytes */
	__u32 queue_limit; /* bytes */
	__u32 rate_min_f32;
	__u32 rate_max_f32;
	__u8 anomalous; /* enum msg_anomalous */
	__u8 cpu_percent;
	__u8 memory_percent;

	/* Flow. */
	__u8 flow_version; /* 4 or 6 */
	__u8 flow_protocol;
	__u8 overlay_kind; /* enum wire_key */
	__u16 flow_sport;
	__u16 flow_dport;
	__u8 auth_algorithm; /* enum wire_auth */
	__u8 pad;
	struct addr flow_src;
	struct addr flow_dst;
	__u64 flow_id;
	__u32 overlay_key;
	__u32 path;

	__u32 auth_key_id;
	__u32 pad2;
	__u8 auth_mac[WIRE_MAC_LEN];
};

/* A bits of the metrics that have one. */
enum msg_anomalous {
	ANOMALOUS_DELAY = 1,
	ANOMALOUS_DELAY_RANGE = 2,
	ANOMALOUS_LOSS = 4,
};

FN bool msg_has(const struct msg *m, enum tlv_index index)
{
	return m->present & MSG_BIT(index);
}

/* Bits 0-2 of CODE, from either end. */
FN __u32 msg_code_swap(__u32 code, bool lsb)
{
	if (!lsb)
		return code & CODE_ALL;
	return ((code & 0x01) << 7) | ((code & 0x02) << 5) | ((code & 0x04) << 3);
}

FN __u32 msg_code_wire(__u32 code, bool lsb)
{
	if (!lsb)
		return code & CODE_ALL;
	return ((code >> 7) & 0x01) | ((code >> 5) & 0x02) | ((code >> 3) & 0x04);
}

/* Where Tunnel Info starts. */
FN __u32 msg_body(enum transport transport)
{
	return transport == TRANSPORT_UDP ? WIRE_UDP_HDR + WIRE_HDR_LEN : WIRE_HDR_LEN;
}

/* ---- checksum --------------------------------------------------------------------------------- */

FN __u32 sum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

#define MSG_SUM_BLOCK 64
#define MSG_SUM_BLOCKS (WIRE_MSG_MAX / MSG_SUM_BLOCK + 1)

/*
 * RFC 1071 sum of the message's first `len` bytes, folded to 16 bits, in network order; len at most
 * WIRE_MSG_MAX. Zeros are put behind the message, so that all blocks are whole. Halves of 64-bit
 * words are added to 64 bits: there is no carry to look after.
 */
SUBPROG __u32 msg_sum(struct msg_buf *buf, __u32 len)
{
	__u64 low = 0, high = 0, word;
	__u32 at = 0;
	__u8 *p;

	if (!buf || len > WIRE_MSG_MAX || !(p = msg_buf_at(buf, len, MSG_SUM_BLOCK)))
		return 0;
	words_zero(p, MSG_SUM_BLOCK);
	for (__u32 i = 0; i < MSG_SUM_BLOCKS; i++) {
		if (at >= len || !(p = msg_buf_at(buf, at, MSG_SUM_BLOCK)))
			break;
		for (int j = 0; j < MSG_SUM_BLOCK; j += 8) {
			word = load64(p + j);
			low += word & 0xffffffff;
			high += word >> 32;
		}
		at += MSG_SUM_BLOCK;
	}
	return sum_fold(low + high);
}

/*
 * The sum of the pseudo-header, RFC 8200 §8.1. It serves IPv4 as well: the mapped prefix adds
 * 0xffff, which is zero in this arithmetic.
 */
FN __u64 msg_sum_envelope(const struct msg_envelope *e, __u32 len)
{
	__u32 protocol = e->transport == TRANSPORT_UDP ? WIRE_IPPROTO_UDP : WIRE_IPPROTO_ICMPV6;
	__u64 sum = (__u64)be32(len) + be32(protocol);

	for (int i = 0; i < 4; i++)
		sum += (__u64)e->src.l_be[i] + e->dst.l_be[i];
	return sum;
}

/* ---- parse ------------------------------------------------------------------------------------ */

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

/* Walk the options, [at, end). On failure w->next is the TLV that is wrong. */
FN enum reason msg_walk(struct msg_walk *w, const struct msg_rules *r, const struct msg_buf *buf,
			__u32 at, __u32 end)
{
	enum msg_round round = ROUND_DONE;

	w->next = at;
	w->level_end = w->end = end;
	for (__u32 i = 0; i < MSG_ROUNDS; i++) {
		round = msg_walk_round(w, buf, r->enterprise);
		if (round != ROUND_MORE)
			break;
	}
	return round == ROUND_DONE ? REASON_NONE : REASON_TLV;
}

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

/* The fixed part, and where Tunnel Info's parts are: what msg_parse learns before the options. */
struct msg_head {
	struct addr ip;
	__u32 at; /* of the first byte that is not right; else of the options */
	__u16 srh_at;
	__u16 labels_at;
	__u8 kind;
	__u8 code;
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

/* Everything before the options: length, checksum, version, TYPE, CODE, Tunnel Info. On success
 * h->at is where the options start. */
FN enum reason msg_parse_head(struct msg_head *h, const struct msg_rules *r,
			      const struct msg_envelope *e, struct msg_buf *buf, __u32 len)
{
	bool udp = e->transport == TRANSPORT_UDP;
	struct cursor c = { .end = len };
	__u32 type, code, kind;
	const __u8 *p;

	h->at = 0;
	if (len < msg_body(e->transport))
		return REASON_TOO_SHORT;
	if (len > (addr_is_v4(&e->src) ? WIRE_MSG_MAX : WIRE_MSG_MAX_V6))
		return REASON_TOO_LONG;
	if (udp) {
		p = cursor_take(&c, buf, WIRE_UDP_HDR);
		if (!p || be16(load16(p + WIRE_UDP_OFF_LEN)) != len)
			return REASON_LENGTH;
		if (load16(p + WIRE_UDP_OFF_SUM) == 0)
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
	h->at = c.at;
	if (h->code & CODE_IP && !msg_parse_ip(h, &c, buf))
		return REASON_TUNNEL;
	h->at = c.at;
	if (h->code & CODE_SRV6 && !msg_parse_srh(h, &c, buf))
		return REASON_TUNNEL;
	h->at = c.at;
	if (h->code & CODE_MPLS && !msg_parse_labels(h, &c, buf))
		return REASON_TUNNEL;
	h->at = c.at;
	return h->code || c.at < len ? REASON_NONE : REASON_EMPTY;
}

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
	reason = msg_walk(&w, r, buf, h.at, len);
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

/* ---- authentication --------------------------------------------------------------------------- */

/*
 * The MAC's input is the originator's address, TYPE, CODE, Tunnel Info and Options in one row, with
 * the MAC itself and a relay's hop count as zero. The first 18 bytes are put in front of Tunnel
 * Info for the time of the computation; then the buffer is as it was.
 *
 *	b:  | UDP header | first word | Tunnel Info ...        (what is there)
 *	       | address | TYPE | CODE | Tunnel Info ...       (what is hashed)
 */
#define MSG_MAC_HEAD 18

FN int msg_mac(struct mac *out, const struct mac_key *key, struct msg_buf *buf,
	       const struct msg_envelope *e, __u32 len, __u32 auth_at, __u32 scope_at)
{
	__u32 body = msg_body(e->transport), place = MSG_BUF_FRONT + body - MSG_MAC_HEAD;
	__u8 *head = msg_buf_place(buf, place, MSG_MAC_HEAD);
	__u8 *mac = msg_buf_at(buf, auth_at + WIRE_AUTH_OFF_MAC, WIRE_MAC_LEN);
	__u8 *hops = scope_at ? msg_buf_at(buf, scope_at + WIRE_SCOPE_OFF_HOPS, 1) : NULL;
	__u64 kept[2], kept_mac[2];
	__u16 kept_end;
	__u8 kept_hops = 0, *first;
	__u32 word;
	int ret;

	first = msg_buf_at(buf, body - WIRE_HDR_LEN, 4);
	if (!head || !mac || !first)
		return -1;
	word = be32(load32(first));
	word = e->transport == TRANSPORT_UDP ? word >> WIRE_UDP_CODE_SHIFT : word >> 16;

	kept[0] = load64(head);
	kept[1] = load64(head + 8);
	kept_end = load16(head + 16);
	kept_mac[0] = load64(mac);
	kept_mac[1] = load64(mac + 8);
	if (hops) {
		kept_hops = *hops;
		*hops = 0;
	}
	store64(mac, 0);
	store64(mac + 8, 0);
	addr_store(head, &e->src);
	store16(head + 16, be16(word));

	ret = mac_compute(out, key, buf, place, MSG_BUF_FRONT + len);

	store64(head, kept[0]);
	store64(head + 8, kept[1]);
	store16(head + 16, kept_end);
	store64(mac, kept_mac[0]);
	store64(mac + 8, kept_mac[1]);
	if (hops)
		*hops = kept_hops;
	return ret;
}

/* Does a parsed message carry the right MAC? REASON_NONE, or REASON_AUTH for a wrong or missing one
 * or one of another algorithm. */
SUBPROG enum reason msg_auth(const struct msg *m, const struct mac_key *key,
			     const struct msg_envelope *e, struct msg_buf *buf)
{
	struct mac mac = {};

	if (!m || !key || !e || !buf)
		return REASON_INTERNAL;
	if (!msg_has(m, TLVI_AUTH) || m->auth_algorithm != key->algorithm)
		return REASON_AUTH;
	if (msg_mac(&mac, key, buf, e, m->len, m->at[TLVI_AUTH], m->at[TLVI_SCOPE]))
		return REASON_AUTH;
	return mac_equal(&mac, m->auth_mac) ? REASON_NONE : REASON_AUTH;
}

/* ---- build ------------------------------------------------------------------------------------ */

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
			store64(p, be64((__u64)WIRE_IPPROTO_IPV6 << 56 | (__u64)(2 * n) << 48 |
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

/* FLOW_ID and TIMESTAMP. */
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
}

/* The checksum of a message whose checksum field is zero, in network order. */
FN __u16 msg_checksum(struct msg_buf *buf, const struct msg_envelope *e, __u32 len)
{
	__u32 sum = ~sum_fold(msg_sum_envelope(e, len) + msg_sum(buf, len)) & 0xffff;

	/* In UDP a sum of zero is sent as its other form, RFC 768. */
	return sum == 0 && e->transport == TRANSPORT_UDP ? 0xffff : sum;
}

/*
 * The first words and the checksum: the message is then complete. `code`: what parts of Tunnel Info
 * were put. Returns its length, or 0 when something did not fit.
 */
FN __u32 msg_finish(struct writer *w, const struct msg_rules *r, const struct msg_envelope *e,
		    enum kind kind, __u32 code)
{
	__u32 type = r->type[kind], len = w->at;
	__u8 *p = w->buf->b, *sum_at = p + 2;

	if (w->full)
		return 0;
	code = msg_code_wire(code, r->code_lsb);
	if (e->transport == TRANSPORT_UDP) {
		store32(p, be32((__u32)r->udp_sport << 16 | r->udp_port));
		store32(p + 4, be32(len << 16));
		store32(p + 8, be32(type << WIRE_UDP_TYPE_SHIFT | code << WIRE_UDP_CODE_SHIFT));
		sum_at = p + WIRE_UDP_OFF_SUM;
	} else {
		store32(p, be32(type << 24 | code << 16));
	}
	store16(sum_at, msg_checksum(w->buf, e, len));
	return len;
}

/*
 * Put the MAC into the AUTH TLV of a message that msg_finish has finished, and the checksum once
 * more. `auth_at`, `scope_at`: where the values of these TLVs start in the message; scope_at 0: it
 * has none. 0, or -1 where they can't start.
 */
FN int msg_sign(struct msg_buf *buf, const struct msg_envelope *e, __u32 len,
		const struct mac_key *key, __u32 auth_at, __u32 scope_at)
{
	__u8 *sum_at = buf->b + (e->transport == TRANSPORT_UDP ? WIRE_UDP_OFF_SUM : 2);
	__u8 *p = msg_buf_at(buf, auth_at + WIRE_AUTH_OFF_MAC, WIRE_MAC_LEN);
	struct mac mac = {};

	if (!p || msg_mac(&mac, key, buf, e, len, auth_at, scope_at))
		return -1;
	store64(p, mac.q[0]);
	store64(p + 8, mac.q[1]);
	store16(sum_at, 0);
	store16(sum_at, msg_checksum(buf, e, len));
	return 0;
}

/* ---- a whole message from a struct msg (host) -------------------------------------------------- */

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

/* TLVs without an enterprise number and with one or two 32-bit words of value. */
FN void msg_put_word(struct writer *w, enum tlv_type type, __u32 word)
{
	__u8 *p = msg_put_tlv(w, type, 4);

	if (p)
		store32(p, be32(word));
}

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

static inline void msg_put_queue(struct writer *w, const struct msg_rules *r, const struct msg *m)
{
	__u8 *p = msg_put_private(w, r, TLV_QUEUE, 12);

	if (!p)
		return;
	store32(p, be32(m->queue_id));
	store32(p + 4, be32(m->queue_depth));
	store32(p + 8, be32(m->queue_limit));
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
		return msg_put_queue(w, r, m);
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
