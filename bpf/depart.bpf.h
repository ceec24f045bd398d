/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Ingress PE: what is ahead of its path's rate waits for its time, where the way out has a qdisc that lets
 * it: fq. XDP redirects past qdiscs, and so such a packet, encapsulated already, goes to the kernel with
 * its departure time and its way in front of it, as XDP metadata. At the port's tc ingress these become
 * skb->tstamp and a redirect to that way, before the kernel would look at the packet; fq lets it go
 * when its time has come.
 *
 * By the same way, but at once, go packets that lie in several buffers, as RDMA's with an MTU of 4096 do,
 * where the kernel drops what XDP redirects of these: before Linux 6.3.
 *
 *	XDP   | magic | interface | time | Ethernet | outer header | packet ...
 *	tc    skb->tstamp = time, out by that interface
 */
#ifndef DEPART_BPF_H
#define DEPART_BPF_H

#include "account.bpf.h"
#include "packet.bpf.h"

/* Does XDP have to leave the packet to tc? */
FN bool depart_must(struct xdp_md *ctx)
{
	return config.split_by_tc &&
	       bpf_xdp_get_buff_len(ctx) > (__u64)(packet_end(ctx) - packet_start(ctx));
}

/* The frame is as it is to leave. Where it can't have metadata it leaves at once, if XDP can send it: what
 * is ahead of the rate by too much is dropped all the same. */
FN int depart_write(struct xdp_md *ctx, __u32 ifindex, __u64 at_ns, __u64 bytes)
{
	struct depart_meta *meta;

	if (bpf_xdp_adjust_meta(ctx, -(int)sizeof(*meta))) {
		if (depart_must(ctx))
			return verdict(REASON_NO_METADATA, bytes);
		count(REASON_UNTIMED, bytes);
		return bpf_redirect(ifindex, 0);
	}
	meta = (void *)(long)ctx->data_meta;
	if ((void *)(meta + 1) > packet_start(ctx))
		return verdict(REASON_INTERNAL, bytes);
	meta->magic = DEPART_MAGIC;
	meta->ifindex = ifindex;
	meta->at_low = at_ns;
	meta->at_high = at_ns >> 32;
	return XDP_PASS;
}

FN int depart_read(struct __sk_buff *skb, const struct depart_meta *meta, const void *end)
{
	__u64 at_ns;
	__u32 ifindex;

	if ((const void *)(meta + 1) > end || meta->magic != DEPART_MAGIC)
		return TC_NEXT;
	at_ns = (__u64)meta->at_high << 32 | meta->at_low;
	ifindex = meta->ifindex;
	if (at_ns && bpf_skb_set_tstamp(skb, at_ns, BPF_SKB_TSTAMP_DELIVERY_MONO))
		count(REASON_UNTIMED, skb->len);
	return bpf_redirect(ifindex, 0);
}

#endif
