// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Tunnels between two addresses: GRE (RFC 2784, RFC 2890), VXLAN (RFC 7348) and IP in IP (RFC 2003,
 * RFC 2473), each over IPv4 and over IPv6.
 *
 *  0            14             34 or 54
 *  | Ethernet   | IPv4 or IPv6 | flags, protocol | key?                             GRE
 *  | MACs 0     |              | UDP: sum 0      | I flag, VNI | Ethernet           VXLAN
 *  |            |              |                                                    IP in IP
 *
 * GRE has neither sequence numbers nor a checksum. Outer IPv4 packets are never fragmented (RFC
 * 7348 §4.3, RFC 2003 §5.1): what is too big is told to the sender, and DF makes an identification
 * of 0 right (RFC 6864).
 */
#include <errno.h>

#include "encap_parts.h"

const __u8 encap_protocol[INNER_COUNT] = {
	[INNER_V4] = PROTO_IPIP,
	[INNER_V6] = PROTO_IPV6,
};

static const __u16 inner_ethertype[INNER_COUNT] = {
	[INNER_V4] = ETHERTYPE_IPV4,
	[INNER_V6] = ETHERTYPE_IPV6,
};

/* ---- the outer IP header --------------------------------------------------------------------- */

static void put_ipv4(__u8 *ip, const struct addr *src, const struct addr *dst, __u8 protocol)
{
	store16(ip, be16(0x4500));
	store16(ip + IPV4_OFF_FRAG, be16(IPV4_DF));
	ip[IPV4_OFF_TTL] = TUNNEL_HOP_LIMIT;
	ip[IPV4_OFF_PROTO] = protocol;
	store32(ip + IPV4_OFF_SRC, src->l_be[3]);
	store32(ip + IPV4_OFF_DST, dst->l_be[3]);
}

static void put_ipv6(__u8 *ip, const struct addr *src, const struct addr *dst, __u8 protocol)
{
	store32(ip, be32(6U << 28));
	ip[IPV6_OFF_NEXTHDR] = protocol;
	ip[IPV6_OFF_HOP_LIMIT] = TUNNEL_HOP_LIMIT;
	addr_store(ip + IPV6_OFF_SRC, src);
	addr_store(ip + IPV6_OFF_DST, dst);
}

__u8 *encap_outer(struct encap *encap, const struct addr *src, const struct addr *dst,
		  __u8 protocol)
{
	__u8 *eth = encap->hdr, *ip = eth + ETH_LEN;

	if (addr_is_v4(dst)) {
		store16(eth + ETH_OFF_TYPE, be16(ETHERTYPE_IPV4));
		put_ipv4(ip, src, dst, protocol);
		return ip + IPV4_LEN;
	}
	store16(eth + ETH_OFF_TYPE, be16(ETHERTYPE_IPV6));
	put_ipv6(ip, src, dst, protocol);
	return ip + IPV6_LEN;
}

/* RFC 1071; the packet path adds what it patches. */
static __u16 ipv4_sum(const __u8 *ip)
{
	__u32 sum = 0;

	for (int i = 0; i < IPV4_LEN; i += 2)
		sum += load16(ip + i);
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 0xffff) + (sum >> 16);
}

/* ---- what stands behind it ------------------------------------------------------------------- */

/* Each returns its length. */
static __u32 put_nothing(__u8 *at, enum inner inner, const struct policy_path *from)
{
	return 0;
}

static __u32 put_gre(__u8 *gre, enum inner inner, const struct policy_path *from)
{
	store16(gre, be16(from->keyed ? GRE_K : 0));
	store16(gre + GRE_OFF_PROTO, be16(inner_ethertype[inner]));
	if (!from->keyed)
		return GRE_LEN;
	store32(gre + GRE_OFF_KEY, be32(from->key));
	return GRE_LEN + GRE_KEY_LEN;
}

static __u32 put_vxlan(__u8 *udp, enum inner inner, const struct policy_path *from)
{
	__u8 *vxlan = udp + UDP_LEN, *eth = vxlan + VXLAN_LEN;

	store16(udp + UDP_OFF_DPORT, be16(from->port));
	vxlan[0] = VXLAN_I;
	store32(vxlan + VXLAN_OFF_VNI, be32(from->vni << VXLAN_VNI_SHIFT));
	memcpy(eth, from->inner_dmac, 6);
	memcpy(eth + 6, from->inner_smac, 6);
	store16(eth + ETH_OFF_TYPE, be16(inner_ethertype[inner]));
	return UDP_LEN + VXLAN_LEN + ETH_LEN;
}

static const struct {
	__u8 protocol; /* 0 = that of the inner packet */
	__u32 (*put)(__u8 *at, enum inner inner, const struct policy_path *from);
} body[TUNNEL_COUNT] = {
	[TUNNEL_GRE] = { PROTO_GRE, put_gre },
	[TUNNEL_VXLAN] = { PROTO_UDP, put_vxlan },
	[TUNNEL_IPIP] = { 0, put_nothing },
};

int encap_ip(struct path *path, const struct policy_path *from, const struct config *config)
{
	bool v4 = addr_is_v4(&from->dst);
	const struct addr *src = v4 ? &config->loopback4 : &config->loopback6;

	if (addr_is_unspecified(&from->dst) || addr_is_unspecified(src) || from->vni >> 24)
		return -EINVAL;
	path->outer = v4 ? OUTER_IPV4 : OUTER_IPV6;
	path->dst = from->dst;
	for (int inner = 0; inner < INNER_COUNT; inner++) {
		__u8 *hdr = path->encap[inner].hdr;
		__u8 *at = encap_outer(&path->encap[inner], src, &from->dst,
				       body[from->tunnel].protocol ?: encap_protocol[inner]);

		path->encap_len = at - hdr + body[from->tunnel].put(at, inner, from);
		path->udp_at = from->tunnel == TUNNEL_VXLAN ? at - hdr : 0;
		path->sum[inner] = v4 ? ipv4_sum(hdr + ETH_LEN) : 0;
	}
	return 0;
}

/* ---- and back -------------------------------------------------------------------------------- */

static void read_gre(struct policy_path *to, const __u8 *gre)
{
	to->keyed = load16(gre) & be16(GRE_K);
	to->key = to->keyed ? be32(load32(gre + GRE_OFF_KEY)) : 0;
}

static void read_vxlan(struct policy_path *to, const __u8 *udp)
{
	const __u8 *vxlan = udp + UDP_LEN, *eth = vxlan + VXLAN_LEN;

	to->port = be16(load16(udp + UDP_OFF_DPORT));
	to->vni = be32(load32(vxlan + VXLAN_OFF_VNI)) >> VXLAN_VNI_SHIFT;
	memcpy(to->inner_dmac, eth, 6);
	memcpy(to->inner_smac, eth + 6, 6);
}

void encap_read_ip(struct policy_path *to, struct addr *source, const struct path *path)
{
	const __u8 *ip = path->encap[INNER_V6].hdr + ETH_LEN;
	const __u8 *at = ip + (path->outer == OUTER_IPV4 ? IPV4_LEN : IPV6_LEN);

	if (path->outer == OUTER_IPV4)
		*source = addr_from_v4(load32(ip + IPV4_OFF_SRC));
	else
		*source = addr_load(ip + IPV6_OFF_SRC);
	if (path->tunnel == TUNNEL_GRE)
		read_gre(to, at);
	else if (path->tunnel == TUNNEL_VXLAN)
		read_vxlan(to, at);
}
