/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What waits in the egress queue of a device, in bytes and packets, as its root qdisc counts it. Most
 * qdiscs hold a count for all that is below them. Two kinds don't: mq, whose queues are read one by
 * one, and lockless ones (pfifo_fast), which count on each CPU. Asking those is dear, so it is done
 * 10,000 times a second at most.
 *
 * Linux 6.2 shows the packet's device to a tc program; on 6.1 a program on the tracepoint of a packet
 * that was put into a queue leaves the count in the gauge. A packet that finds the queue empty may pass
 * it by, and no tracepoint says so: what was left there does not count for long.
 */
#ifndef QUEUE_BPF_H
#define QUEUE_BPF_H

#include <bpf/bpf_core_read.h>

#include "scratch.bpf.h"

/* include/net/sch_generic.h */
#define TCQ_F_MQROOT 0x8
#define TCQ_F_CPUSTATS 0x20

#define QUEUE_CPUS 256
#define QUEUE_QUEUES 128
#define QUEUE_ASK_NS 100000
#define QUEUE_KNOWN_NS (100 * NSEC_PER_MSEC)

extern void *bpf_cast_to_kern_ctx(void *ctx) __ksym __weak;

struct queue {
	__u32 bytes, packets;
};

/* A pointer as a number, which the verifier lets us calculate with and hand on: it becomes one on its
 * way through memory. */
FN __u64 queue_number(struct scratch *s, const void *pointer)
{
	volatile __u64 *address = &s->address;

	*address = (__u64)pointer;
	return *address;
}

/* Of the kernel's own array maps: the per-CPU values of the first entry. */
struct bpf_array___queue {
	void *pptrs[1];
} __attribute__((preserve_access_index));

/*
 * The kernel's pointers to per-CPU data are offsets from each CPU's base. A map of ours shows that
 * base: the address of its value there, less the offset that the map itself holds. `at` is such an
 * offset; returns an address, 0 where there is no such CPU.
 */
FN __u64 queue_on_cpu(struct scratch *s, __u64 at, __u32 cpu)
{
	const struct bpf_array___queue *map =
		(const void *)queue_number(s, &fantel_scratch);
	__u32 zero = 0;
	const void *there = bpf_map_lookup_percpu_elem(&fantel_scratch, &zero, cpu);
	void *offset;

	if (!there || bpf_core_read(&offset, sizeof(offset), &map->pptrs[0]))
		return 0;
	return at + queue_number(s, there) - (__u64)offset;
}

/* One qdisc, by its address, into *sum. A single CPU's count may be below zero: what it put in,
 * another one took out. */
SUBPROG int queue_add(__u64 address, struct queue *sum)
{
	const struct Qdisc *q = (const void *)address;
	struct gnet_stats_queue stats;
	struct scratch *s = scratch();
	__u64 each, one;

	if (!sum || !s)
		return 0;
	sum->packets += BPF_CORE_READ(q, q.qlen);
	if (!(BPF_CORE_READ(q, flags) & TCQ_F_CPUSTATS)) {
		sum->bytes += BPF_CORE_READ(q, qstats.backlog);
		return 0;
	}
	each = (__u64)BPF_CORE_READ(q, cpu_qstats);
	for (__u32 cpu = 0; cpu < QUEUE_CPUS; cpu++) {
		one = queue_on_cpu(s, each, cpu);
		if (!one || bpf_probe_read_kernel(&stats, sizeof(stats), (const void *)one))
			break;
		sum->bytes += stats.backlog;
		sum->packets += stats.qlen;
	}
	return 0;
}

/* All queues of a device that has several. */
SUBPROG int queue_add_all(__u64 address, struct queue *sum)
{
	const struct net_device *dev = (const void *)address;
	__u32 n = BPF_CORE_READ(dev, real_num_tx_queues);
	__u64 txq = (__u64)BPF_CORE_READ(dev, _tx);

	for (__u32 i = 0; i < QUEUE_QUEUES && i < n; i++) {
		queue_add((__u64)BPF_CORE_READ((const struct netdev_queue *)txq, qdisc), sum);
		txq += bpf_core_type_size(struct netdev_queue);
	}
	return 0;
}

/* Note in the gauge what waits in the queue of `dev`. */
FN void queue_read(const struct net_device *dev, struct gauge *g)
{
	const struct Qdisc *root = dev->qdisc;
	struct scratch *s = scratch();
	__u32 flags = root->flags;
	struct queue sum = {};
	__u32 packets;
	__u64 now;

	g->queue_id = root->handle;
	if (LIKELY(!(flags & (TCQ_F_MQROOT | TCQ_F_CPUSTATS)))) {
		g->bytes = root->qstats.backlog;
		packets = root->q.qlen;
		/* Else: "same insn cannot be used with different pointers", with sum.packets below. */
		CURSOR_PIN(packets);
		g->packets = packets;
		if (config.queue_by == QUEUE_BY_TRACEPOINT)
			g->read_ns = bpf_ktime_get_ns();
		return;
	}
	now = bpf_ktime_get_ns();
	if (!s || now - g->read_ns < QUEUE_ASK_NS)
		return;
	g->read_ns = now;
	if (flags & TCQ_F_MQROOT)
		queue_add_all(queue_number(s, dev), &sum);
	else
		queue_add(queue_number(s, root), &sum);
	g->bytes = sum.bytes;
	g->packets = sum.packets;
}

/* The queue that this packet is about to join; what was left by the tracepoint is there already. */
FN void queue_of(struct __sk_buff *skb, struct gauge *g)
{
	const struct sk_buff *kernel;

	if (config.queue_by == QUEUE_BY_TRACEPOINT) {
		if (bpf_ktime_get_ns() - g->read_ns > QUEUE_KNOWN_NS)
			g->bytes = g->packets = 0;
		return;
	}
	kernel = bpf_cast_to_kern_ctx(skb);
	queue_read(kernel->dev, g);
}

/* A packet was put into a queue, of whatever device and namespace. */
FN int queue_joined(const struct netdev_queue *txq)
{
	const struct net_device *dev = txq->dev;
	__u32 ifindex = dev->ifindex, gauge;
	struct watch *w;
	struct gauge *g;

	if (dev->nd_net.net->net_cookie != config.netns_cookie)
		return 0;
	w = bpf_map_lookup_elem(&fantel_watches, &ifindex);
	if (!w)
		return 0;
	gauge = w->gauge;
	g = bpf_map_lookup_elem(&fantel_gauges, &gauge);
	if (g)
		queue_read(dev, g);
	return 0;
}

#endif
