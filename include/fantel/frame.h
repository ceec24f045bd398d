/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One packet's headers, L2 to L4, parsed once into a struct: logic never sees a packet byte. Reads
 * the packet where it lies; the pointers must cover its linear part.
 *
 * Also what the tree knows of Ethernet, IPv4, IPv6, UDP, BTH and tunnels: as offsets, because a
 * header struct would invite unaligned access on the host and bitfields.
 */
#ifndef FANTEL_FRAME_H
#define FANTEL_FRAME_H

#include "abi.h"

#define ETH_LEN 14
#define ETH_OFF_TYPE 12
#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86dd
#define ETHERTYPE_MPLS 0x8847
#define ETHERTYPE_VLAN 0x8100
#define ETHERTYPE_QINQ 0x88a8

#define IPV4_LEN 20
#define IPV4_LEN_MAX 60
#define IPV4_OFF_TOS 1
#define IPV4_OFF_LEN 2
#define IPV4_OFF_FRAG 6
#define IPV4_OFF_TTL 8
#define IPV4_OFF_PROTO 9
#define IPV4_OFF_CSUM 10
#define IPV4_OFF_SRC 12
#define IPV4_OFF_DST 16
#define IPV4_FRAG_MASK 0x3fff /* MF and offset */
#define IPV4_FRAG_OFFSET 0x1fff
#define IPV4_DF 0x4000

#define IPV6_LEN 40
#define IPV6_OFF_LEN 4
#define IPV6_OFF_NEXTHDR 6
#define IPV6_OFF_HOP_LIMIT 7
#define IPV6_OFF_SRC 8
#define IPV6_OFF_DST 24

#define PROTO_ICMP 1
#define PROTO_IPIP 4
#define PROTO_TCP 6
#define PROTO_UDP 17
#define PROTO_IPV6 41
#define PROTO_ROUTING 43
#define PROTO_FRAGMENT 44
#define PROTO_GRE 47
#define PROTO_ICMPV6 58

#define UDP_LEN 8
#define UDP_OFF_DPORT 2
#define UDP_OFF_LEN 4
#define UDP_OFF_SUM 6
#define ICMP_OFF_SUM 2
#define ROCE_PORT 4791
#define BTH_LEN 12
#define BTH_OFF_QP 4 /* reserved(8) DestQP(24) */

/* GRE (RFC 2784), with a key where the K bit is set (RFC 2890). */
#define GRE_LEN 4
#define GRE_OFF_PROTO 2
#define GRE_OFF_KEY 4
#define GRE_KEY_LEN 4
#define GRE_C 0x8000	   /* checksum */
#define GRE_K 0x2000
#define GRE_S 0x1000	   /* sequence number */
#define GRE_REFUSED 0x4c00 /* bits that RFC 2784 §2.2 tells receivers to refuse */
#define GRE_VERSION 0x0007
#define GRE_FIELD_LEN GRE_KEY_LEN /* of each of the three */

/* RFC 7348 §5; the VNI is the upper 24 bits of its word. */
#define VXLAN_LEN 8
#define VXLAN_OFF_VNI 4
#define VXLAN_VNI_SHIFT 8
#define VXLAN_I 0x08

#define VLAN_LEN 4 /* a tag: its own fields(2) EtherType of what follows(2) */
#define VLAN_OFF_TYPE 2

#define LABEL_LEN 4 /* a label stack entry; its fields: wire.h */
#define LABEL_TTL_MASK 0xff

/* ECN, the low two bits of the traffic class (RFC 3168). */
#define ECN_MASK 3

struct frame {
	struct addr src, dst;
	__u32 len;	/* of the IP packet, as its header says; the frame holds that much */
	__u16 l4;	/* offset of the L4 header from the frame's start */
	__u8 version;	/* 4 or 6 */
	__u8 proto;	/* of the header at l4: the last one that was walked */
	__u8 tclass;	/* DSCP and ECN */
	__u8 hop_limit; /* or TTL */
	bool fragment;	/* no L4 header can be relied on: not even in the first one */
	__be32 flowinfo_be; /* IPv6: traffic class and flow label; 0 in IPv4 */
	__u32 ports;	/* source and destination as on the wire; 0 without */
	__u32 qp;	/* RoCEv2 DestQP, network order, top byte masked; 0 without */
};

FN __u16 frame_sport(const struct frame *f)
{
	return be32(f->ports) >> 16;
}

FN __u16 frame_dport(const struct frame *f)
{
	return be32(f->ports);
}

/* Ports of TCP and UDP, and the DestQP behind them. What is not there stays 0. */
FN void frame_l4(struct frame *f, const __u8 *l4, const void *end)
{
	if (f->proto != PROTO_UDP && f->proto != PROTO_TCP)
		return;
	if (l4 + UDP_LEN > (const __u8 *)end)
		return;
	f->ports = load32(l4);
	if (f->proto != PROTO_UDP || load16(l4 + UDP_OFF_DPORT) != be16(ROCE_PORT))
		return;
	if (l4 + UDP_LEN + BTH_LEN > (const __u8 *)end)
		return;
	f->qp = load32(l4 + UDP_LEN + BTH_OFF_QP) & be32(0xffffff);
}

/*
 * Parse an IPv6 packet at `ip`, `at` bytes into the frame. An IPv6 fragment header is recognised;
 * other extension headers stay `proto`.
 */
FN bool frame_ipv6(struct frame *f, const __u8 *ip, __u32 at, const void *end)
{
	__u32 first;

	if (ip + IPV6_LEN > (const __u8 *)end)
		return false;
	first = be32(load32(ip));
	if (first >> 28 != 6)
		return false;
	f->version = 6;
	f->tclass = first >> 20;
	f->flowinfo_be = be32(first & 0x0fffffff);
	f->len = IPV6_LEN + be16(load16(ip + IPV6_OFF_LEN));
	f->proto = ip[IPV6_OFF_NEXTHDR];
	f->hop_limit = ip[IPV6_OFF_HOP_LIMIT];
	f->src = addr_load(ip + IPV6_OFF_SRC);
	f->dst = addr_load(ip + IPV6_OFF_DST);
	f->fragment = f->proto == PROTO_FRAGMENT;
	f->ports = f->qp = 0;
	f->l4 = at + IPV6_LEN;
	frame_l4(f, ip + IPV6_LEN, end);
	return true;
}

/* Parse an IPv4 packet at `ip`, `at` bytes into the frame. */
FN bool frame_ipv4(struct frame *f, const __u8 *ip, __u32 at, const void *end)
{
	__u32 hdr;

	if (ip + IPV4_LEN > (const __u8 *)end)
		return false;
	hdr = (ip[0] & 15) * 4;
	if (ip[0] >> 4 != 4 || hdr < IPV4_LEN)
		return false;
	f->version = 4;
	f->tclass = ip[IPV4_OFF_TOS];
	f->flowinfo_be = 0;
	f->len = be16(load16(ip + IPV4_OFF_LEN));
	f->proto = ip[IPV4_OFF_PROTO];
	f->hop_limit = ip[IPV4_OFF_TTL];
	f->src = addr_from_v4(load32(ip + IPV4_OFF_SRC));
	f->dst = addr_from_v4(load32(ip + IPV4_OFF_DST));
	f->fragment = load16(ip + IPV4_OFF_FRAG) & be16(IPV4_FRAG_MASK);
	f->ports = f->qp = 0;
	f->l4 = at + hdr;
	if (f->len < hdr)
		return false;
	if (!f->fragment)
		frame_l4(f, ip + hdr, end);
	return true;
}

/* Parse the frame in data..end. Returns false for what is not IP or can't be; *f is then unusable.
 * Whether the frame holds f->len bytes is for the caller, who alone knows of further buffers. */
FN bool frame_parse(struct frame *f, const void *data, const void *end)
{
	const __u8 *eth = data;
	__u16 type;

	if (eth + ETH_LEN + IPV4_LEN > (const __u8 *)end)
		return false;
	type = load16(eth + ETH_OFF_TYPE);
	if (LIKELY(type == be16(ETHERTYPE_IPV6)))
		return frame_ipv6(f, eth + ETH_LEN, ETH_LEN, end);
	if (type == be16(ETHERTYPE_IPV4))
		return frame_ipv4(f, eth + ETH_LEN, ETH_LEN, end);
	return false;
}

#endif
