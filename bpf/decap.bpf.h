/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Egress PE, core port: a tunnel that ends here. Its outer headers come off, what is inside goes to
 * the kernel's stack, which routes it as if it had come in by this port.
 *
 *	which tunnel   outer headers -> struct endpoint_key, and where the packet inside is
 *	an endpoint?   fantel_ends; without an entry the packet passes as it came
 *	              from the domain, whole, a packet inside that may be routed: else dropped
 *	take it off    ECN by RFC 6040, Ethernet in front of the packet inside
 *
 * Nothing is dropped that is not addressed to an endpoint. The hop limit inside stays: the kernel
 * takes one off when it forwards (RFC 2473 §3.3), and answers where none is left.
 */
#ifndef DECAP_BPF_H
#define DECAP_BPF_H

#include "account.bpf.h"
#include "fantel/ecn.h"
#include "fantel/srh.h"
#include "fantel/tunnel.h"
#include "packet.bpf.h"
#include "scratch.bpf.h"

#define ENDS_HERE(kind) (config.endpoints & 1U << TUNNEL_##kind)

/* ---- which tunnel: s->endpoint, s->inner_at, s->inner_end, s->inner_proto -------------------- */

/*
 * These return REASON_NONE, or why it can't be taken off, which counts only where the tunnel ends
 * here: s->endpoint is filled as far as the headers go. NOT_OURS: it is no tunnel at all.
 */

/* A header that should reach to `offset`, and can't be read: the outer packet is too short for it,
 * the frame was cut off, or it goes on in another buffer, and then the kernel may know more. */
FN enum reason decap_short(struct xdp_md *ctx, const struct scratch *s, __u32 offset)
{
	if (offset > s->inner_end || !packet_holds(ctx, s->inner_end))
		return REASON_DECAP_MALFORMED;
	return REASON_NOT_ENDPOINT;
}

FN enum reason decap_ethertype(struct scratch *s, __be16 type)
{
	if (type == be16(ETHERTYPE_IPV6))
		s->inner_proto = PROTO_IPV6;
	else if (type == be16(ETHERTYPE_IPV4))
		s->inner_proto = PROTO_IPIP;
	else
		return REASON_NOT_ENDPOINT;
	return REASON_NONE;
}

/* End.DT4, End.DT6, End.DT46 (RFC 8986 §4.6-4.8): the packet behind the outer header, or behind an
 * SRH without segments left. */
FN int decap_srv6(struct xdp_md *ctx, struct scratch *s)
{
	const void *data = packet_start(ctx), *end = packet_end(ctx);
	const __u8 *at;
	struct srh srh;

	s->endpoint.tunnel = TUNNEL_SRV6;
	if (s->inner_proto == PROTO_ROUTING) {
		at = packet_at(data, end, s->inner_at, WIRE_SRH_FIXED);
		if (!at)
			return decap_short(ctx, s, s->inner_at + WIRE_SRH_FIXED);
		if (!srh_read(&srh, at, end) || srh.left)
			return REASON_NOT_ENDPOINT;
		s->inner_proto = srh.proto;
		s->inner_at += srh.len;
	}
	if (s->inner_proto != PROTO_IPIP && s->inner_proto != PROTO_IPV6)
		return NOT_OURS;
	return REASON_NONE;
}

/* What one of the readers of tunnel.h has found at s->inner_at: `reason`, and with REASON_NONE what is
 * inside, and where. */
FN enum reason decap_read(struct xdp_md *ctx, struct scratch *s, const struct tunnel_head *h, enum reason reason)
{
	s->endpoint.id = h->id;
	s->endpoint.keyed = h->keyed;
	if (reason == REASON_TOO_SHORT)
		return decap_short(ctx, s, s->inner_at + h->len);
	if (reason != REASON_NONE)
		return reason;
	s->inner_at += h->len;
	return decap_ethertype(s, h->type);
}

FN int decap_gre(struct xdp_md *ctx, struct scratch *s)
{
	const __u8 *gre = packet_at(packet_start(ctx), packet_end(ctx), s->inner_at, GRE_LEN);
	struct tunnel_head h = {};

	s->endpoint.tunnel = TUNNEL_GRE;
	if (!gre)
		return decap_short(ctx, s, s->inner_at + GRE_LEN);
	return decap_read(ctx, s, &h, gre_read(&h, gre, packet_end(ctx)));
}

FN bool decap_is_vxlan(const struct frame *f)
{
	__u16 port = frame_dport(f);

	for (int i = 0; i < MAX_VXLAN_PORTS; i++)
		if (config.vxlan_port[i] && port == config.vxlan_port[i])
			return true;
	return false;
}

FN int decap_vxlan(struct xdp_md *ctx, struct scratch *s)
{
	const __u8 *udp = packet_at(packet_start(ctx), packet_end(ctx), s->inner_at, VXLAN_HEADERS);
	struct tunnel_head h = {};
	enum reason reason;

	s->endpoint.tunnel = TUNNEL_VXLAN;
	s->endpoint.port = frame_dport(&s->outer);
	if (!udp)
		return decap_short(ctx, s, s->inner_at + VXLAN_HEADERS);
	reason = vxlan_read(&h, udp, packet_end(ctx));
	if (reason == REASON_NONE) {
		if (s->inner_at + h.udp_len > s->inner_end)
			reason = REASON_DECAP_MALFORMED;
		else
			s->inner_end = s->inner_at + h.udp_len;
	}
	return decap_read(ctx, s, &h, reason);
}

FN int decap_mpls(struct xdp_md *ctx, struct scratch *s)
{
	const __u8 *label = packet_at(packet_start(ctx), packet_end(ctx), ETH_LEN, LABEL_LEN);
	struct tunnel_head h = {};

	s->endpoint.tunnel = TUNNEL_MPLS;
	s->inner_end = bpf_xdp_get_buff_len(ctx);
	s->inner_at = ETH_LEN;
	memset(&s->outer, 0, sizeof(s->outer));
	s->outer.len = s->inner_end - ETH_LEN;
	if (!label)
		return NOT_OURS;
	return decap_read(ctx, s, &h, label_read(&h, label, packet_end(ctx)));
}

/* By destination first, then by what is behind the outer IP header. */
SUBPROG int decap_tunnel(struct xdp_md *ctx, struct scratch *s)
{
	const __u8 *eth = packet_start(ctx);

	if (!s || eth + ETH_LEN > (__u8 *)packet_end(ctx))
		return NOT_OURS;
	memset(&s->endpoint, 0, sizeof(s->endpoint));
	if (ENDS_HERE(MPLS) && load16(eth + ETH_OFF_TYPE) == be16(ETHERTYPE_MPLS))
		return decap_mpls(ctx, s);
	if (!scratch_frame(ctx, s))
		return NOT_OURS;
	s->endpoint.dst = s->outer.dst;
	s->inner_at = s->outer.l4;
	s->inner_end = ETH_LEN + s->outer.len;
	s->inner_proto = s->outer.proto;
	if (!is_loopback(&s->outer.dst))
		return ENDS_HERE(SRV6) ? decap_srv6(ctx, s) : NOT_OURS;
	if (ENDS_HERE(VXLAN) && s->outer.proto == PROTO_UDP)
		return decap_is_vxlan(&s->outer) ? decap_vxlan(ctx, s) : NOT_OURS;
	if (ENDS_HERE(GRE) && s->outer.proto == PROTO_GRE)
		return s->outer.fragment ? REASON_NOT_ENDPOINT : decap_gre(ctx, s);
	if (!ENDS_HERE(IPIP) || (s->outer.proto != PROTO_IPIP && s->outer.proto != PROTO_IPV6))
		return NOT_OURS;
	s->endpoint.tunnel = TUNNEL_IPIP;
	return s->outer.fragment ? REASON_NOT_ENDPOINT : REASON_NONE;
}

/* ---- an endpoint? ---------------------------------------------------------------------------- */

/* One with the packet's own GRE key, else one that takes any. */
FN struct endpoint *decap_endpoint(struct scratch *s)
{
	struct endpoint *e = bpf_map_lookup_elem(&fantel_ends, &s->endpoint);

	if (e || !s->endpoint.keyed)
		return e;
	s->endpoint.keyed = false;
	s->endpoint.id = 0;
	return bpf_map_lookup_elem(&fantel_ends, &s->endpoint);
}

/* Nobody has summed up the outer IPv4 header before us. */
FN bool decap_sum_is_right(struct xdp_md *ctx, const struct frame *outer)
{
	const __u8 *ip = packet_start(ctx) + ETH_LEN;
	__u32 sum = 0;

	for (__u32 i = ETH_LEN; i < ETH_LEN + IPV4_LEN_MAX; i += 4, ip += 4) {
		if (i >= outer->l4)
			break;
		if (ip + 4 > (__u8 *)packet_end(ctx))
			return false;
		sum += load16(ip) + load16(ip + 2);
	}
	return sum_fold(sum) == 0xffff;
}

/* May what claims to come out of this tunnel do so? */
FN enum reason decap_trust(struct xdp_md *ctx, const struct scratch *s)
{
	struct prefix_key source;

	if (!packet_holds(ctx, s->inner_end))
		return REASON_DECAP_MALFORMED;
	if (s->endpoint.tunnel == TUNNEL_MPLS)
		return REASON_NONE; /* it has no source: only the port can be trusted */
	if (s->outer.version == 4 && !decap_sum_is_right(ctx, &s->outer))
		return REASON_DECAP_MALFORMED;
	prefix_key_full(&source, &s->outer.src);
	return bpf_map_lookup_elem(&fantel_sources, &source) ? REASON_NONE : REASON_ENDPOINT_SOURCE;
}

/*
 * Is there a packet that may be routed? Link-local and multicast packets never crossed a router,
 * and from here on nothing shows that these did: neighbour discovery would believe them. Nor does
 * anything show that a notification came from a customer: it would enter the domain (draft §6).
 */
SUBPROG int decap_inner(struct xdp_md *ctx, struct scratch *s, const struct endpoint *e)
{
	const void *data = packet_start(ctx), *end = packet_end(ctx);
	const __u8 *ip;
	bool v6, good;
	__u32 len;

	if (!s || !e)
		return REASON_INTERNAL;
	v6 = s->inner_proto == PROTO_IPV6;
	if (!(e->inner & 1U << (v6 ? INNER_V6 : INNER_V4)))
		return REASON_NOT_ENDPOINT;
	len = v6 ? IPV6_LEN : IPV4_LEN;
	ip = packet_at(data, end, s->inner_at, len);
	if (!ip)
		return decap_short(ctx, s, s->inner_at + len);
	good = v6 ? frame_ipv6(&s->inner, ip, s->inner_at, end)
		  : frame_ipv4(&s->inner, ip, s->inner_at, end);
	if (!good || s->inner_at + s->inner.len > s->inner_end)
		return REASON_DECAP_MALFORMED;
	if (addr_is_multicast(&s->inner.dst) || addr_is_multicast(&s->inner.src) ||
	    addr_is_link_local(&s->inner.dst) || addr_is_link_local(&s->inner.src) ||
	    is_notification(&s->inner, data, end))
		return REASON_DECAP_INNER;
	return REASON_NONE;
}

/* ---- take it off ----------------------------------------------------------------------------- */

/* RFC 6040 §4.2. A label has no ECN field of its own here, and counts as Not-ECT. */
FN enum reason decap_ecn(struct xdp_md *ctx, const struct scratch *s)
{
	__u32 ecn = ecn_decap(s->inner.tclass & ECN_MASK, s->outer.tclass & ECN_MASK);
	__u8 *ip;

	if (ecn & ECN_DROP)
		return REASON_ECN_INVALID;
	if ((ecn & ECN_MASK) != (s->inner.tclass & ECN_MASK)) {
		ip = (__u8 *)packet_at(packet_start(ctx), packet_end(ctx), s->inner_at, IPV4_LEN);
		if (!ip)
			return REASON_INTERNAL;
		packet_set_ecn(ip, &s->inner, ecn & ECN_MASK);
	}
	return ecn & ECN_UNUSED ? REASON_ECN_UNUSED : REASON_DECAPPED;
}

/* Put the packet inside behind the Ethernet header: the frame was for this port, and still is. */
FN bool decap_pull(struct xdp_md *ctx, const struct scratch *s)
{
	const __u8 *from = packet_start(ctx);
	__u64 macs;
	__u32 rest;
	__u8 *to;

	if (from + ETH_LEN > (__u8 *)packet_end(ctx))
		return false;
	macs = load64(from);
	rest = load32(from + 8);
	if (bpf_xdp_adjust_head(ctx, s->inner_at - ETH_LEN))
		return false;
	to = packet_start(ctx);
	if (to + ETH_LEN > (__u8 *)packet_end(ctx))
		return false;
	store64(to, macs);
	store32(to + 8, rest);
	store16(to + ETH_OFF_TYPE,
		s->inner.version == 6 ? be16(ETHERTYPE_IPV6) : be16(ETHERTYPE_IPV4));
	return true;
}

FN enum reason decap_take(struct xdp_md *ctx, const struct scratch *s)
{
	enum reason reason = decap_ecn(ctx, s);

	if (reason == REASON_ECN_INVALID)
		return reason;
	return decap_pull(ctx, s) ? reason : REASON_INTERNAL;
}

/* A tunnel to one of our addresses, or a label: NOT_OURS, or the XDP action. */
SUBPROG int decap_packet(struct xdp_md *ctx)
{
	struct scratch *s = scratch();
	struct endpoint *e;
	int reason;

	if (!s)
		return NOT_OURS;
	reason = decap_tunnel(ctx, s);
	if (reason == NOT_OURS)
		return NOT_OURS;
	e = decap_endpoint(s);
	/* Another segment or label of ours: not a tunnel's end, and the kernel's or detect's. */
	if (!e && (s->endpoint.tunnel == TUNNEL_SRV6 || s->endpoint.tunnel == TUNNEL_MPLS))
		return NOT_OURS;
	if (!e)
		reason = REASON_NOT_ENDPOINT;
	if (reason == REASON_NONE)
		reason = decap_trust(ctx, s);
	if (reason == REASON_NONE)
		reason = decap_inner(ctx, s, e);
	if (reason == REASON_NONE)
		reason = decap_take(ctx, s);
	return verdict(reason, s->outer.len);
}

/* Is it for us? A look at the destination, for the many packets that only pass. */
FN int decap(struct xdp_md *ctx)
{
	const __u8 *eth, *ip, *end;
	struct addr dst;
	__u16 type;

	if (!config.endpoints)
		return NOT_OURS;
	CTX_PIN(ctx);
	eth = packet_start(ctx);
	end = packet_end(ctx);
	ip = eth + ETH_LEN;
	if (ip + IPV4_LEN > end)
		return NOT_OURS;
	type = load16(eth + ETH_OFF_TYPE);
	if (type == be16(ETHERTYPE_IPV6) && ip + IPV6_LEN <= end)
		dst = addr_load(ip + IPV6_OFF_DST);
	else if (type == be16(ETHERTYPE_IPV4))
		dst = addr_from_v4(load32(ip + IPV4_OFF_DST));
	else if (ENDS_HERE(MPLS) && type == be16(ETHERTYPE_MPLS))
		return decap_packet(ctx);
	else
		return NOT_OURS;
	return UNLIKELY(is_ours(&dst)) ? decap_packet(ctx) : NOT_OURS;
}

#endif
