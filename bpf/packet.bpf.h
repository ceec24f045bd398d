/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What XDP programs do to a packet as a whole: pull its bounds, make room, send it out.
 */
#ifndef PACKET_BPF_H
#define PACKET_BPF_H

#include "fantel/frame.h"
#include "maps.bpf.h"

#define AF_INET 2
#define AF_INET6 10

FN void *packet_start(struct xdp_md *ctx)
{
	return (void *)(long)ctx->data;
}

FN void *packet_end(struct xdp_md *ctx)
{
	return (void *)(long)ctx->data_end;
}

/* Does the frame hold `len` bytes? Counts buffers beyond the first, which cost a helper to ask. */
FN bool packet_holds(struct xdp_md *ctx, __u32 len)
{
	if (LIKELY(packet_start(ctx) + len <= packet_end(ctx)))
		return true;
	return bpf_xdp_get_buff_len(ctx) >= len;
}

/* Six bytes of MAC, in words of two: struct bpf_fib_lookup on the stack is no better aligned. */
FN void mac_copy(__u8 *to, const __u8 *from)
{
	store16(to, load16(from));
	store16(to + 2, load16(from + 2));
	store16(to + 4, load16(from + 4));
}

FN void mac_swap(__u8 *eth)
{
	__u16 dst[3] = { load16(eth), load16(eth + 2), load16(eth + 4) };

	mac_copy(eth, eth + 6);
	store16(eth + 6, dst[0]);
	store16(eth + 8, dst[1]);
	store16(eth + 10, dst[2]);
}

/* Prepare a lookup of `dst` as if routed from `src`; *fib is wholly set. */
FN void fib_prepare(struct bpf_fib_lookup *fib, __u32 ifindex, const struct addr *src,
		    const struct addr *dst)
{
	memset(fib, 0, sizeof(*fib));
	fib->ifindex = ifindex;
	if (addr_is_v4(dst)) {
		fib->family = AF_INET;
		fib->ipv4_src = src->l_be[3];
		fib->ipv4_dst = dst->l_be[3];
		return;
	}
	fib->family = AF_INET6;
	memcpy(fib->ipv6_src, src->l_be, sizeof(fib->ipv6_src));
	memcpy(fib->ipv6_dst, dst->l_be, sizeof(fib->ipv6_dst));
}

#endif
