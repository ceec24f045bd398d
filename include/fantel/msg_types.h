/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What reading and writing notifications have in common: the numbers that policy may change, what
 * the IP header says, a notification's meaning, and the checksum. Include msg.h.
 */
#ifndef FANTEL_MSG_TYPES_H
#define FANTEL_MSG_TYPES_H

#include "abi.h"
#include "cursor.h"
#include "frame.h"

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
	return transport == TRANSPORT_UDP ? UDP_LEN + WIRE_HDR_LEN : WIRE_HDR_LEN;
}

/* ---- checksum -------------------------------------------------------------------------------- */

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
 * WIRE_MSG_MAX. Zeros are put behind the message, so that all blocks are whole. 32-bit words are
 * added to 64 bits: there is no carry to look after, and what was just written by words of that
 * alignment is read without waiting for it to reach the cache.
 */
SUBPROG __u32 msg_sum(struct msg_buf *buf, __u32 len)
{
	__u64 low = 0, high = 0;
	__u32 at = 0;
	__u8 *p;

	if (!buf || len > WIRE_MSG_MAX || !(p = msg_buf_at(buf, len, MSG_SUM_BLOCK)))
		return 0;
	words_zero(p, MSG_SUM_BLOCK);
	for (__u32 i = 0; i < MSG_SUM_BLOCKS; i++) {
		if (at >= len || !(p = msg_buf_at(buf, at, MSG_SUM_BLOCK)))
			break;
		for (int j = 0; j < MSG_SUM_BLOCK; j += 8) {
			low += load32(p + j);
			high += load32(p + j + 4);
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
	__u32 protocol = e->transport == TRANSPORT_UDP ? PROTO_UDP : PROTO_ICMPV6;
	__u64 sum = (__u64)be32(len) + be32(protocol);

	for (int i = 0; i < 4; i++)
		sum += (__u64)e->src.l_be[i] + e->dst.l_be[i];
	return sum;
}

/* The checksum of a message whose checksum field is zero, in network order. */
FN __u16 msg_checksum(struct msg_buf *buf, const struct msg_envelope *e, __u32 len)
{
	__u32 sum = ~sum_fold(msg_sum_envelope(e, len) + msg_sum(buf, len)) & 0xffff;

	/* In UDP a sum of zero is sent as its other form, RFC 768. */
	return sum == 0 && e->transport == TRANSPORT_UDP ? 0xffff : sum;
}

#endif
