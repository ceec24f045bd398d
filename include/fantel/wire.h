/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * THE wire format: every number that travels in a FANTEL notification, and none elsewhere in the
 * tree. No code. draft-hzh-fantel-wan-tunnel-02 §5; link, node and metric TLVs are those of BGP-LS
 * (RFC 7752, RFC 8571). docs/wire.md says how each point that the draft leaves open is closed.
 *
 *  ICMPv6                                          UDP, over IPv6 or IPv4
 *   0               1               2               0               1               2
 *  +---------------+---------------+-----------+   +-------+---------------+---------------+-------+
 *  |     TYPE      |     CODE      | Checksum  |   |Version|     TYPE      |     CODE      | Rvsd  |
 *  +---------------+---------------+-----------+   +-------+---------------+---------------+-------+
 *  |  Tunnel Info: IP? SRH? label stack?       |   |  the same                                     |
 *  |  Options: TLV ...                         |   |                                               |
 */
#ifndef FANTEL_WIRE_H
#define FANTEL_WIRE_H

#include "base.h"

/* What a notification says: the draft's TYPE1..TYPE5 in their order. The numbers on the wire are
 * configurable (unregistered so far); these are their defaults. X(NAME, default type, word) */
#define WIRE_KINDS(X)                                                                              \
	X(FAILURE, 202, "failure")                                                                 \
	X(RECOVERY, 203, "failure-recovery")                                                       \
	X(CONGESTION, 204, "congestion")                                                           \
	X(ELIMINATION, 205, "congestion-elimination")                                              \
	X(LOAD, 206, "load-balancing")

enum kind {
#define X(NAME, type, word) KIND_##NAME,
	WIRE_KINDS(X)
#undef X
	KIND_COUNT,
};

#define WIRE_UDP_PORT 50202	   /* destination, default */
#define WIRE_UDP_SPORT_MIN 49152   /* source: fixed per originator, in this range */
#define WIRE_HOP_LIMIT 255
#define WIRE_DSCP 48		   /* CS6, default */
#define WIRE_VERSION 0		   /* of the UDP message */
#define WIRE_ENTERPRISE 32473	   /* default enterprise number of private TLVs */

/* The UDP message's first word, big-endian: Version<<28 | TYPE<<20 | CODE<<12 | Rvsd. */
#define WIRE_UDP_VERSION_SHIFT 28
#define WIRE_UDP_TYPE_SHIFT 20
#define WIRE_UDP_CODE_SHIFT 12

#define WIRE_HDR_LEN 4		   /* both transports: what precedes Tunnel Info */
#define WIRE_PACKET_MAX 1280	   /* IP header included; never fragmented */
#define WIRE_MSG_MAX (WIRE_PACKET_MAX - 20)    /* ICMPv6 or UDP header on, over IPv4 */
#define WIRE_MSG_MAX_V6 (WIRE_PACKET_MAX - 40) /* the same over IPv6 */

/* CODE: which parts Tunnel Info has, in this order. Bit 0 of the draft is the most significant. */
enum wire_code {
	CODE_IP = 0x80,	  /* 16 bytes of destination address */
	CODE_SRV6 = 0x40, /* a Segment Routing Header, RFC 8754 §2 */
	CODE_MPLS = 0x20, /* a label stack, RFC 3032 §2.1, to the entry with S = 1 */
	CODE_ALL = CODE_IP | CODE_SRV6 | CODE_MPLS,
};

#define WIRE_SRH_ROUTING_TYPE 4
#define WIRE_SRH_FIXED 8	   /* bytes before the segment list */
#define WIRE_SRH_OFF_NEXTHDR 0
#define WIRE_SRH_OFF_HDRLEN 1
#define WIRE_SRH_OFF_TYPE 2
#define WIRE_SRH_OFF_SL 3
#define WIRE_SRH_OFF_LAST_ENTRY 4
#define WIRE_LABELS_MAX 16
#define WIRE_LABEL_SHIFT 12
#define WIRE_LABEL_MASK 0xfffff000U
#define WIRE_LABEL_TC_SHIFT 9
#define WIRE_LABEL_S 0x100

#define WIRE_TLV_HDR 4		   /* Type(2) Length(2); Length counts the value only */
#define WIRE_PRIVATE_MIN 65000	   /* values from here on start with an enterprise number */
#define WIRE_PRIVATE_MAX 65535

/*
 * Options. X(NAME, type, min, max, word): the value's length in bytes. A length outside makes the
 * message malformed. Of private TLVs the lengths include the 4-byte enterprise number; they count
 * only where that number is ours.
 */
#define WIRE_TLVS(X)                                                                               \
	X(LOCAL_NODE, 256, 0, 1236, "local-node")                                                  \
	X(REMOTE_NODE, 257, 0, 1236, "remote-node")                                                \
	X(LINK_IDS, 258, 8, 8, "link-identifiers")                                                 \
	X(LOCAL_IPV4, 259, 4, 4, "ipv4-interface")                                                 \
	X(REMOTE_IPV4, 260, 4, 4, "ipv4-neighbor")                                                 \
	X(LOCAL_IPV6, 261, 16, 16, "ipv6-interface")                                               \
	X(REMOTE_IPV6, 262, 16, 16, "ipv6-neighbor")                                               \
	X(CAPACITY, 1089, 4, 4, "link-capacity")                                                   \
	X(DELAY, 1114, 4, 4, "delay")                                                              \
	X(DELAY_RANGE, 1115, 8, 8, "delay-range")                                                  \
	X(DELAY_VARIATION, 1116, 4, 4, "delay-variation")                                          \
	X(LOSS, 1117, 4, 4, "loss")                                                                \
	X(RESIDUAL, 1118, 4, 4, "residual-bandwidth")                                              \
	X(AVAILABLE, 1119, 4, 4, "available-bandwidth")                                            \
	X(UTILIZED, 1120, 4, 4, "utilized-bandwidth")                                              \
	X(EVENT, 65001, 20, 20, "event")                                                           \
	X(TIMESTAMP, 65002, 12, 12, "timestamp")                                                   \
	X(FLOW_ID, 65003, 12, 12, "flow-id")                                                       \
	X(FLOW, 65004, 20, 44, "flow")                                                             \
	X(QUEUE, 65005, 16, 16, "queue")                                                           \
	X(NODE_LOAD, 65006, 8, 8, "node-load")                                                     \
	X(RATE, 65007, 12, 12, "rate")                                                             \
	X(OVERLAY_KEY, 65008, 12, 12, "overlay-key")                                               \
	X(DOMAIN, 65009, 8, 8, "domain")                                                           \
	X(HINT, 65010, 8, 8, "action-hint")                                                        \
	X(CAUSE, 65011, 8, 8, "cause")                                                             \
	X(PATH, 65012, 8, 8, "path")                                                               \
	X(SCOPE, 65013, 8, 8, "scope")                                                             \
	X(AUTH, 65535, 28, 28, "auth")

enum tlv_type {
#define X(NAME, type, min, max, word) TLV_##NAME = type,
	WIRE_TLVS(X)
#undef X
};

/* The same, counted from 0: one bit each in struct msg's `present`. */
enum tlv_index {
#define X(NAME, type, min, max, word) TLVI_##NAME,
	WIRE_TLVS(X)
#undef X
	TLVI_COUNT,
};

/* Sub-TLVs of the node descriptors 256 and 257, RFC 7752 §3.2.1.4. X(NAME, type, min, max, word) */
#define WIRE_SUBTLVS(X)                                                                            \
	X(AS, 512, 4, 4, "as")                                                                     \
	X(AREA, 514, 4, 4, "area")                                                                 \
	X(ROUTER_ID, 515, 4, 8, "router-id")

enum subtlv_type {
#define X(NAME, type, min, max, word) SUBTLV_##NAME = type,
	WIRE_SUBTLVS(X)
#undef X
};

/* Metrics with an Anomalous bit: A(1) rsv(7) value(24). */
#define WIRE_METRIC_A 0x80000000U
#define WIRE_METRIC_MASK 0x00ffffffU
#define WIRE_LOSS_PERCENT 0.000003 /* a unit of 1117 */

/* 65004: AF is the IP version. */
#define WIRE_FLOW_LEN_V4 20 /* with the enterprise number */
#define WIRE_FLOW_LEN_V6 44

/* 65008 */
#define WIRE_KEYS(X)                                                                               \
	X(GRE, 1, "gre-key")                                                                       \
	X(VNI, 2, "vni")                                                                           \
	X(SPI, 3, "spi")                                                                           \
	X(QP, 4, "roce-destqp")                                                                    \
	X(SLICE, 5, "slice")

/* 65010 */
#define WIRE_HINTS(X)                                                                              \
	X(SWITCH, 1, "switch")                                                                     \
	X(REBALANCE, 2, "rebalance")                                                               \
	X(SLOW, 3, "slow-down")                                                                    \
	X(INFORM, 4, "inform-only")

/* 65011. CAUSE_NONE never travels: it stands for a message without the TLV. */
#define WIRE_CAUSES(X)                                                                             \
	X(CARRIER, 1, "carrier")                                                                   \
	X(BFD, 2, "bfd")                                                                           \
	X(ADMIN_DOWN, 3, "admin-down")                                                             \
	X(ERRORS, 4, "errors")                                                                     \
	X(NODE_DOWN, 5, "node-down")                                                               \
	X(QUEUE, 6, "queue")                                                                       \
	X(UTILIZATION, 7, "utilization")                                                           \
	X(NO_FEASIBLE_PATH, 8, "no-feasible-path")

/* 65013 */
#define WIRE_SCOPES(X)                                                                             \
	X(UNICAST, 1, "unicast")                                                                   \
	X(MULTICAST, 2, "multicast")                                                               \
	X(HOP_BY_HOP, 3, "hop-by-hop")                                                             \
	X(FLOOD, 4, "flood")

/* 65535 */
#define WIRE_AUTHS(X)                                                                              \
	X(SIPHASH, 1, "siphash-2-4-128")                                                           \
	X(HMAC_SHA256, 2, "hmac-sha-256-128")

enum wire_key {
#define X(NAME, value, word) KEY_##NAME = value,
	WIRE_KEYS(X)
#undef X
};
enum wire_hint {
#define X(NAME, value, word) HINT_##NAME = value,
	WIRE_HINTS(X)
#undef X
};
enum wire_cause {
	CAUSE_NONE,
#define X(NAME, value, word) CAUSE_##NAME = value,
	WIRE_CAUSES(X)
#undef X
};
enum wire_scope {
#define X(NAME, value, word) SCOPE_##NAME = value,
	WIRE_SCOPES(X)
#undef X
};
enum wire_auth {
#define X(NAME, value, word) AUTH_##NAME = value,
	WIRE_AUTHS(X)
#undef X
};

#define WIRE_MAC_LEN 16
#define WIRE_AUTH_OFF_MAC 12  /* in AUTH's value, behind enterprise number, key id, algorithm */
#define WIRE_AUTH_LEN (WIRE_AUTH_OFF_MAC + WIRE_MAC_LEN)
#define WIRE_SCOPE_OFF_HOPS 4 /* in SCOPE's value: what relays change */
#define WIRE_SIPHASH_KEY 16
#define WIRE_HMAC_KEY_MIN 16
#define WIRE_HMAC_KEY_MAX 64

#endif
