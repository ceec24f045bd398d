// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "log.h"
#include "overflow.h"
#include "view.h"

#define LOOK_NS NSEC_PER_SEC /* no less than anything may wait */
#define QUIET_NS (60 * NSEC_PER_SEC)

static __u64 held(const struct overflow *overflow)
{
	return traffic_read(overflow->maps->stats, REASON_HELD).packets;
}

void overflow_begin(struct overflow *overflow, const struct maps *maps, const struct links *links,
		    struct qdiscs *qdiscs, __u64 now_ns)
{
	*overflow = (struct overflow){ .maps = maps,
				       .links = links,
				       .qdiscs = qdiscs,
				       .due_ns = qdiscs ? now_ns + LOOK_NS : ~0ULL };
	overflow->held[0] = overflow->held[1] = held(overflow);
}

__u64 overflow_due(const struct overflow *overflow)
{
	return overflow->due_ns;
}

/* How many bytes they had, fq does not say. */
static void count(const struct overflow *overflow, __u64 packets)
{
	struct traffic traffic[libbpf_num_possible_cpus()];
	__u32 key = REASON_FQ_DROPPED;

	if (bpf_map_lookup_elem(overflow->maps->stats, &key, traffic))
		return;
	traffic[0].packets += packets;
	bpf_map_update_elem(overflow->maps->stats, &key, traffic, BPF_ANY);
}

static void say(struct overflow *overflow, __u64 packets, __u32 ifindex, __u64 now_ns)
{
	const struct interface *interface = links_find(overflow->links, ifindex);

	if (now_ns < overflow->quiet_ns)
		return;
	overflow->quiet_ns = now_ns + QUIET_NS;
	log_warn("port %s: its fq dropped packets (%llu now) while some waited there; give it a higher limit "
		 "and flow_limit, see CONGESTION in fantel(8)",
		 interface ? interface->name : "?", packets);
}

/* All of fq's drops are counted, others' too, but only while packets of ours wait: these are counted as
 * held before fq gets them. */
void overflow_tick(struct overflow *overflow, __u64 now_ns)
{
	__u64 dropped, waited;
	__u32 ifindex = 0;
	bool ours;

	if (now_ns < overflow->due_ns)
		return;
	overflow->due_ns = now_ns + LOOK_NS;
	dropped = qdiscs_dropped(overflow->qdiscs, &ifindex);
	waited = held(overflow);
	ours = waited != overflow->held[1];
	overflow->held[1] = overflow->held[0];
	overflow->held[0] = waited;
	if (!dropped || !ours)
		return;
	count(overflow, dropped);
	say(overflow, dropped, ifindex, now_ns);
}
