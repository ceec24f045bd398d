/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A packet that can't go on turns into a message of ours: detect's notification, toobig's ICMP
 * error. The message stands in scratch; here it gets its headers and takes the packet's place.
 */
#ifndef REPLY_BPF_H
#define REPLY_BPF_H

#include "packet.bpf.h"
#include "scratch.bpf.h"

#define NOT_SENT (-1) /* in place of an XDP action */

/* Back where the packet came from. */
FN void way_back(struct xdp_md *ctx, struct way *way)
{
	const __u8 *eth = packet_start(ctx);

	way->ifindex = ctx->ingress_ifindex;
	if (eth + ETH_LEN > (__u8 *)packet_end(ctx))
		return;
	mac_copy(way->dmac, eth + 6);
	mac_copy(way->smac, eth);
}

/* Make the packet exactly `len` bytes long. Cut at the tail, where further buffers are; grow at the
 * head, where every driver has room. What it held does not matter any more. */
FN bool reply_resize(struct xdp_md *ctx, __u32 len)
{
	int more = (int)len - (int)bpf_xdp_get_buff_len(ctx);

	if (more < 0)
		return !bpf_xdp_adjust_tail(ctx, more);
	return !more || !bpf_xdp_adjust_head(ctx, -more);
}

FN void reply_ipv6(__u8 *ip, const struct msg_envelope *from, __u8 proto, __u32 len)
{
	store32(ip, be32(6U << 28 | config.tclass << 20));
	store32(ip + IPV6_OFF_LEN, be32(len << 16 | proto << 8 | WIRE_HOP_LIMIT));
	addr_store(ip + IPV6_OFF_SRC, &from->src);
	addr_store(ip + IPV6_OFF_DST, &from->dst);
}

FN void reply_ipv4(__u8 *ip, const struct msg_envelope *from, __u8 proto, __u32 len)
{
	__u32 sum = 0;

	store32(ip, be32(0x45U << 24 | config.tclass << 16 | (IPV4_LEN + len)));
	store32(ip + 4, be32(IPV4_DF));
	store32(ip + IPV4_OFF_TTL, be32((__u32)WIRE_HOP_LIMIT << 24 | proto << 16));
	store32(ip + IPV4_OFF_SRC, from->src.l_be[3]);
	store32(ip + IPV4_OFF_DST, from->dst.l_be[3]);
	for (int i = 0; i < IPV4_LEN; i += 2)
		sum += load16(ip + i);
	store16(ip + IPV4_OFF_CSUM, ~sum_fold(sum));
}

/* Put the message of `len` bytes in scratch in the packet's place. Returns the XDP action that sends
 * it, NOT_SENT when it can't be: the packet is then only fit to be dropped. Its own function: it is
 * verified once, not once for every way to write a message. */
SUBPROG int reply(struct xdp_md *ctx, struct scratch *s, const struct msg_envelope *from,
		  const struct way *way, __u32 len)
{
	__u32 at = ETH_LEN + IPV6_LEN;
	bool v4;
	__u8 *p;

	if (!s || !from || !way)
		return NOT_SENT;
	v4 = addr_is_v4(&from->dst);
	if (v4)
		at = ETH_LEN + IPV4_LEN;
	if (len < WIRE_HDR_LEN || len > WIRE_MSG_MAX || !reply_resize(ctx, at + len))
		return NOT_SENT;
	p = packet_start(ctx);
	if (p + ETH_LEN + IPV6_LEN > (__u8 *)packet_end(ctx))
		return NOT_SENT;
	mac_copy(p, way->dmac);
	mac_copy(p + 6, way->smac);
	store16(p + ETH_OFF_TYPE, v4 ? be16(ETHERTYPE_IPV4) : be16(ETHERTYPE_IPV6));
	if (v4)
		reply_ipv4(p + ETH_LEN, from, way->proto, len);
	else
		reply_ipv6(p + ETH_LEN, from, way->proto, len);
	if (bpf_xdp_store_bytes(ctx, at, s->buf.b, len))
		return NOT_SENT;
	return way->ifindex == ctx->ingress_ifindex ? XDP_TX : bpf_redirect(way->ifindex, 0);
}

#endif
