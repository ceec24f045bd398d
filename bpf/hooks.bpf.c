// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The entry points, and with them the table of contents. One object, one skeleton.
 *
 *   customer port   steer     classify, pick a path, encapsulate, redirect
 *                   flows       which path a flow has to keep
 *                   toobig      the sender learns the tunnel's MTU
 *                   cnp         RoCEv2 that a lowered rate leaves no room for becomes a CNP to its sender
 *                   mark        for the kernel's own tunnels, the mark by which it chooses them
 *                   depart      what is ahead of a lowered rate waits in fq; what XDP can't send, tc does
 *                   slowed      single flows, at the rate that was asked for
 *   core port       bfd       a packet of the port's BFD session: the state follows at once
 *                   notify    a notification to this node: trust, parse, act
 *                   health      what failures do to paths
 *                   metrics     what is told of their load
 *                   decap     a tunnel that ends here: outer off, the kernel routes what is inside
 *                   transit   tunnels of others, at the rate that was asked for
 *                   learn     whose tunnels leave by which link
 *                   detect    a packet bound for a failed link becomes a notification
 *   its egress      watch     trouble on a link that is up: a clone becomes the notification
 *                   queue       what waits in the qdisc
 *   customer's      cnp       the QPs that senders of RoCEv2 have
 *   no port         device    a port's device that loses its carrier, without any packet
 *                   overdue   what ends by a timer of its own, and got none
 *   the loader      clock     jiffies, for the freshness of next hops
 *                   settle    failures and counts, where another map takes the place of theirs
 *   all             maps, account (counters, events), auth (MACs), packet, reply, scratch
 */
#include "maps.bpf.h"
#include "bfd.bpf.h"
#include "clock.bpf.h"
#include "cnp.bpf.h"
#include "decap.bpf.h"
#include "detect.bpf.h"
#include "device.bpf.h"
#include "learn.bpf.h"
#include "notify.bpf.h"
#include "overdue.bpf.h"
#include "settle.bpf.h"
#include "steer.bpf.h"
#include "watch.bpf.h"

SEC("xdp.frags")
int fantel_customer(struct xdp_md *ctx)
{
	return steer(ctx);
}

SEC("xdp.frags")
int fantel_core(struct xdp_md *ctx)
{
	int action = bfd(ctx);

	if (action == NOT_OURS)
		action = notify(ctx);
	if (action == NOT_OURS)
		action = decap(ctx);
	if (action == NOT_OURS)
		action = transit(ctx);
	if (action != NOT_OURS)
		return action;
	learn(ctx);
	return detect(ctx);
}

/* At the egress of customer ports; loaded only where senders of RoCEv2 are to get CNPs. */
SEC("?tc")
int fantel_qp(struct __sk_buff *skb)
{
	return qp_learn(skb);
}

/* Loaded only where a port is to be watched. */
SEC("?tc")
int fantel_watch(struct __sk_buff *skb)
{
	return watch(skb);
}

/* Linux 6.1. The arguments: the qdisc, the device's queue that it serves, the packet. */
SEC("?tp_btf/qdisc_enqueue")
int fantel_queue(__u64 *args)
{
	return queue_joined((const struct netdev_queue *)args[1]);
}

/* At the ingress of customer ports, behind fantel_customer: what that says of a packet. */
SEC("tc")
int fantel_ingress(struct __sk_buff *skb)
{
	const void *meta = (void *)(long)skb->data_meta, *end = (void *)(long)skb->data;

	mark_read(skb, meta, end);
	return depart_read(skb, meta, end);
}

char _license[] SEC("license") = "Dual BSD/GPL";
