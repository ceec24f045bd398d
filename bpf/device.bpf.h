/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A core port that loses its carrier, read from its device itself. Netlink tells of it, too, but may be
 * late: linkwatch can hold the news back for up to a second, and waits for the RTNL lock, which
 * whoever sets a link down keeps for a while. No packet has to come, and user space has no part in it.
 *
 * A timer looks at all ports in turn. Where the kernel lets programs be attached to its functions
 * (not all do), the one behind netif_carrier_off() looks at once. The loader names the devices, and runs
 * fantel_device once a second: it finds them, and keeps the timer going, which ends by itself when
 * there is no loader that would say when a link is up again.
 */
#ifndef DEVICE_BPF_H
#define DEVICE_BPF_H

#include <bpf/bpf_core_read.h>

#include "link.bpf.h"

#define DEVICE_HASH 256	  /* NETDEV_HASHENTRIES, include/linux/netdevice.h */
#define DEVICE_CHAIN 4096 /* devices with one hash: of a million in one namespace */

/* Nothing is lost with the record: the loader looks at all rows whenever it is woken. Forced for the
 * same reason as a BFD session's (bfd_wake). */
FN void device_wake(__u32 ifindex, enum wire_cause down)
{
	struct link_news *news = bpf_ringbuf_reserve(&fantel_link_news, sizeof(*news), 0);

	if (!news)
		return;
	news->ifindex = ifindex;
	news->down = down;
	bpf_ringbuf_submit(news, BPF_RB_FORCE_WAKEUP);
}

FN enum wire_cause device_cause(unsigned long state)
{
	if (!(state & 1UL << __LINK_STATE_START))
		return CAUSE_ADMIN_DOWN;
	return state & 1UL << __LINK_STATE_NOCARRIER ? CAUSE_CARRIER : CAUSE_NONE;
}

/*
 * One row, on any CPU: what it says is read before the device, so that of two who look the later one
 * can't take back what the other one saw. The address may be that of a device that is gone, and its
 * memory another's: then its ifindex is not the row's, or the kernel refuses to read.
 */
static long device_look(__u32 index, void *unused)
{
	struct device_row *row = bpf_map_lookup_elem(&fantel_devices, &index);
	const struct net_device *device;
	unsigned long state;
	__u32 had, down;
	int ifindex;

	if (!row)
		return 1;
	if (!row->address)
		return 0;
	had = *(volatile __u32 *)&row->down;
	device = (const void *)row->address;
	if (bpf_core_read(&ifindex, sizeof(ifindex), &device->ifindex) ||
	    ifindex != (int)row->ifindex || bpf_core_read(&state, sizeof(state), &device->state))
		return 0;
	down = device_cause(state);
	if (LIKELY(down == had) || __sync_val_compare_and_swap(&row->down, had, down) != had ||
	    !down == !had)
		return 0;
	row->changed_ns = bpf_ktime_get_ns();
	if (down) {
		row->fails++;
		link_fail(ifindex, down, row->changed_ns);
	}
	device_wake(ifindex, down);
	return 0;
}

/* ---- the timer ------------------------------------------------------------------------------- */

static int device_tick(void *map, __u32 *key, struct device_timer *t)
{
	struct node_state *node = node_state();

	if (!node || !t->period_ns || bpf_jiffies64() > node->alive_until) {
		t->runs = 0;
		return 0;
	}
	bpf_loop(t->n, device_look, NULL, 0);
	bpf_timer_start(&t->timer, t->period_ns, 0);
	return 0;
}

/* ---- the loader's part ----------------------------------------------------------------------- */

struct device_walk {
	const struct hlist_node *node;
	__u32 ifindex;
	__u64 found; /* address of the device */
};

static long device_step(__u32 step, struct device_walk *walk)
{
	const struct hlist_node *node = walk->node;
	const struct net_device *device;

	if (!node)
		return 1;
	device = (const void *)node - bpf_core_field_offset(struct net_device, index_hlist);
	if (BPF_CORE_READ(device, ifindex) == (int)walk->ifindex)
		walk->found = (__u64)device;
	walk->node = BPF_CORE_READ(node, next);
	return walk->found != 0;
}

/* Where the running task's namespace has this device; 0 = nowhere. */
FN __u64 device_find(__u32 ifindex)
{
	const struct task_struct *task = bpf_get_current_task_btf();
	const struct hlist_head *heads = BPF_CORE_READ(task, nsproxy, net_ns, dev_index_head);
	struct device_walk walk = {
		.node = BPF_CORE_READ(&heads[ifindex % DEVICE_HASH], first),
		.ifindex = ifindex,
	};

	bpf_loop(DEVICE_CHAIN, device_step, &walk, 0);
	return walk.found;
}

/* A device that is new in its row counts as up, until it is looked at. */
static long device_name(__u32 index, void *unused)
{
	struct device_row *row = bpf_map_lookup_elem(&fantel_devices, &index);
	__u64 address;

	if (!row)
		return 1;
	address = row->ifindex ? device_find(row->ifindex) : 0;
	if (address == row->address)
		return 0;
	row->address = 0;
	row->down = CAUSE_NONE;
	row->address = address;
	return 0;
}

SEC("syscall")
int fantel_device(struct device_args *args)
{
	__u32 zero = 0;
	struct device_timer *t = bpf_map_lookup_elem(&fantel_timer, &zero);

	if (!t)
		return 0;
	t->n = args->n;
	t->period_ns = args->period_ns;
	bpf_loop(args->n, device_name, NULL, 0);
	/* Refused when it was made before, and then needs nothing but the callback of this program. */
	bpf_timer_init(&t->timer, &fantel_timer, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&t->timer, device_tick);
	if (t->period_ns && !t->runs)
		t->runs = !bpf_timer_start(&t->timer, t->period_ns, 0);
	return 0;
}

/* The device of whatever namespace: it is one of ours, or none. */
SEC("?fexit/netif_carrier_off")
int fantel_carrier(void *ctx)
{
	__u32 zero = 0;
	struct device_timer *t = bpf_map_lookup_elem(&fantel_timer, &zero);

	if (t && t->runs)
		bpf_loop(t->n, device_look, NULL, 0);
	return 0;
}

#endif
