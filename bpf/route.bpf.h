/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where the kernel would send a packet. An IPv6 FIB lookup is the dearest helper there is, and the
 * answer for the next packet of the same flow is the same: it is remembered per CPU until the
 * next tick of jiffies (1-10 ms), which is how late a change of routes may be noticed here.
 *
 * Of several equal ways the kernel takes one by addresses, flow label and next header (RFC 6438); all
 * of them are asked with, or the answer is another flow's.
 */
#ifndef ROUTE_BPF_H
#define ROUTE_BPF_H

#include "fantel/path.h"
#include "packet.bpf.h"

struct route {
	struct addr src, dst;
	__be32 flowinfo_be;
	__u32 proto;
	__u64 jiffies; /* when the FIB was asked */
	__u32 ingress; /* interface it was asked for */
	__u32 ifindex; /* way out; 0 = the FIB has none */
	bool resolved; /* the MACs are known */
	bool none;     /* the FIB has no route, or the address is our own: it says the same of both */
	bool neighbour; /* once resolved: dst is one, and no gateway leads to it */
	__u8 dmac[6], smac[6];
	__u16 mtu; /* once resolved */
};

#define ROUTE_MEMORY_BITS 8

/* detect and steer only. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct route);
	__uint(max_entries, 1 << ROUTE_MEMORY_BITS);
} fantel_memory SEC(".maps");

SUBPROG int route_ask(struct xdp_md *ctx, struct route *r)
{
	struct bpf_fib_lookup fib = {};
	long rc;

	if (!r)
		return -1;
	fib.ifindex = ctx->ingress_ifindex;
	fib.l4_protocol = r->proto;
	if (addr_is_v4(&r->dst)) {
		fib.family = AF_INET;
		fib.ipv4_src = r->src.l_be[3];
		fib.ipv4_dst = r->dst.l_be[3];
	} else {
		fib.family = AF_INET6;
		fib.flowinfo = r->flowinfo_be;
		memcpy(fib.ipv6_src, r->src.l_be, sizeof(fib.ipv6_src));
		memcpy(fib.ipv6_dst, r->dst.l_be, sizeof(fib.ipv6_dst));
	}
	rc = bpf_fib_lookup(ctx, &fib, sizeof(fib), 0);
	/* The destination is now the gateway, where there is one, in its family. */
	if (addr_is_v4(&r->dst))
		r->neighbour = fib.family == AF_INET && fib.ipv4_dst == r->dst.l_be[3];
	else
		r->neighbour = !((fib.ipv6_dst[0] ^ r->dst.l_be[0]) | (fib.ipv6_dst[1] ^ r->dst.l_be[1]) |
				 (fib.ipv6_dst[2] ^ r->dst.l_be[2]) | (fib.ipv6_dst[3] ^ r->dst.l_be[3]));
	r->resolved = rc == BPF_FIB_LKUP_RET_SUCCESS;
	r->none = rc != BPF_FIB_LKUP_RET_UNSUPP_LWT && rc != BPF_FIB_LKUP_RET_FWD_DISABLED;
	r->ifindex = r->resolved || rc == BPF_FIB_LKUP_RET_NO_NEIGH ? fib.ifindex : 0;
	mac_copy(r->dmac, fib.dmac);
	mac_copy(r->smac, fib.smac);
	r->mtu = fib.mtu_result;
	return 0;
}

/* The way of a flow that came in by ctx's interface. Never NULL in practice; valid until the next
 * call. */
FN struct route *route_lookup(struct xdp_md *ctx, const struct addr *src, const struct addr *dst,
			      __be32 flowinfo_be, __u32 proto)
{
	__u32 slot = hash_addr(dst, ROUTE_MEMORY_BITS) ^
		     (be32(flowinfo_be) & ((1 << ROUTE_MEMORY_BITS) - 1));
	struct route *r = bpf_map_lookup_elem(&fantel_memory, &slot);
	__u64 now = bpf_jiffies64();

	if (!r)
		return NULL;
	if (r->jiffies == now && r->ingress == ctx->ingress_ifindex && addr_equal(&r->dst, dst) &&
	    addr_equal(&r->src, src) && r->flowinfo_be == flowinfo_be && r->proto == proto)
		return r;
	r->src = *src;
	r->dst = *dst;
	r->flowinfo_be = flowinfo_be;
	r->proto = proto;
	r->ingress = ctx->ingress_ifindex;
	r->jiffies = now;
	route_ask(ctx, r);
	return r;
}

#endif
