/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Ingress PE: tunnels that the kernel makes (IPsec, WireGuard, segment routing policies of FRR). steer
 * has picked the path; its mark goes in front of the packet as XDP metadata, and the packet to the
 * kernel. At the port's tc ingress the metadata becomes skb->mark, before the kernel routes: its rules
 * (ip rule fwmark) choose the tunnel. Hop limit, MTU and outer headers are the kernel's.
 *
 *	XDP   | magic | value | Ethernet | packet ...
 *	tc    skb->mark = value
 */
#ifndef MARK_BPF_H
#define MARK_BPF_H

#include "account.bpf.h"
#include "packet.bpf.h"

/* In front of the packet. A packet that can't have it is dropped: without its mark it would leave by
 * whatever route there is, outside any tunnel. */
FN int mark_write(struct xdp_md *ctx, __u32 value, __u64 bytes)
{
	struct mark_meta *meta;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta)))
		return verdict(REASON_NO_METADATA, bytes);
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > packet_start(ctx))
		return verdict(REASON_INTERNAL, bytes);
	meta->magic = MARK_MAGIC;
	meta->value = value;
	return XDP_PASS;
}

FN void mark_read(struct __sk_buff *skb, const struct mark_meta *meta, const void *end)
{
	if ((const void *)(meta + 1) <= end && meta->magic == MARK_MAGIC)
		skb->mark = meta->value;
}

#endif
