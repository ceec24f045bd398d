/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What is too large for the 512 bytes of stack: one block per CPU, valid for one packet. A packet
 * runs through one of notify, decap, learn, detect, toobig and watch at a time, so they share it.
 */
#ifndef SCRATCH_BPF_H
#define SCRATCH_BPF_H

#include "fantel/frame.h"
#include "fantel/msg.h"
#include "maps.bpf.h"

/* How a message leaves. */
struct way {
	__u32 ifindex;
	__u8 proto; /* in the IP header */
	__u8 pad;
	__u8 dmac[6], smac[6];
};

struct scratch {
	struct msg_buf buf; /* a message: being read, or being built */
	struct msg msg;	    /* notify: what was read */
	__u32 authentication; /* notify: what its source must show */
	bool proven;	      /* notify: its MAC was right */
	__u64 tai_jiffies, tai_ahead_ns; /* auth: when it was asked, and what CLOCK_TAI is ahead */
	struct told told;   /* the tunnel that a packet or notification is about; detect: a new entry */
	struct told_key told_key; /* detect, learn */
	struct learned learned;	  /* learn: a new entry */
	struct resource_key resource; /* notify: what its location names */
	struct measured measured; /* notify: its metrics */
	struct frame outer, inner;
	struct msg_envelope from; /* tell, watch, cnp: of the message */
	struct way way;		  /* detect, tell, cnp: how the message leaves */
	struct addr next; /* detect: where the outer header sends the packet from here */
	__u32 inner_at;	  /* detect, decap: offset of the packet inside the tunnel */
	__u32 inner_end;  /* decap: offset where the tunnel's payload ends */
	__u32 inner_proto;
	bool doubtful; /* detect: the failure is; on the stack the verifier would walk both cases */
	struct endpoint_key endpoint; /* decap: where the tunnel ends */
	struct {
		bool under_way;
		__u32 len; /* of the packet that it becomes; 0: it did */
		__u32 at;  /* its place in buf */
		__u32 way; /* interface */
	} clone;		      /* watch */
	bool upstream;		      /* watch: told is who is behind the port of arrival */
	__u64 address;		      /* queue: a pointer becomes a number here */
	struct {
		__u32 id;
		struct nexthop nexthop;
	} found; /* steer: a path that is not the flow's first */
	__u64 leaves_ns; /* pace: when the packet is to leave; 0 = at once */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct scratch);
	__uint(max_entries, 1);
} fantel_scratch SEC(".maps");

/* A global function that looks something up calls this rather than take a pointer: Linux 6.1 wants a
 * map's key on the stack or in a map, not in memory that the function was given ("R2 type=mem
 * expected=fp, pkt, pkt_meta, map_key, map_value"). */
FN struct scratch *scratch(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&fantel_scratch, &zero);
}

/* Parse the packet's headers into s->outer. Its own function: what follows is then verified once,
 * not once for every way through the parser. */
SUBPROG int scratch_frame(struct xdp_md *ctx, struct scratch *s)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;

	return s && frame_parse(&s->outer, data, end);
}

#endif
