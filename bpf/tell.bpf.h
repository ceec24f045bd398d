/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Ingress PE: a packet that no path can carry becomes the notification to its sender (draft-hzh
 * §4.1: "If no feasible path is available, ingress PE should send a corresponding notification to
 * the sender and controller"): ICMPv6 to an IPv6 sender, UDP to an IPv4 one; a failure where no path is
 * usable, congestion where the usable ones have no room. It names the flow and the cause, and no
 * tunnel: tunnels are none of the sender's business. The controllers are told by the loader, from the
 * event.
 */
#ifndef TELL_BPF_H
#define TELL_BPF_H

#include "account.bpf.h"
#include "answer.bpf.h"
#include "auth.bpf.h"
#include "reply.bpf.h"
#include "scratch.bpf.h"

FN __u32 tell_message(struct scratch *s, const struct msg_envelope *from, __u32 group,
		      bool congested)
{
	struct msg_rules rules = msg_rules(&config);
	struct writer w = msg_begin(&s->buf, from);
	struct node_state *node = node_state();
	const struct frame *f = &s->outer;

	if (!node)
		return 0;
	/* The condition is the group's: its number from 1 on names it among this node's. */
	msg_put_event(&w, &rules, group + 1, __sync_fetch_and_add(&node->sequence, 1) + 1,
		      config.validity_ms);
	msg_put_flow(&w, &rules, f->proto, frame_sport(f), frame_dport(f), &f->src, &f->dst);
	if (config.domain)
		msg_put_u32(&w, &rules, TLV_DOMAIN, config.domain);
	msg_put_byte(&w, &rules, TLV_CAUSE, CAUSE_NO_FEASIBLE_PATH);
	/* A kind that is not a constant would be an index without bounds: "invalid unbounded
	 * variable-offset read from stack". */
	if (congested)
		return auth_finish(s, &w, &rules, from, KIND_CONGESTION, 0);
	return auth_finish(s, &w, &rules, from, KIND_FAILURE, 0);
}

/* Of congestion, else of a failure. Returns the XDP action. A global function: rarely called, and large. */
SUBPROG int tell(struct xdp_md *ctx, __u32 group, bool congested)
{
	enum reason untold = congested ? REASON_PACED : REASON_NO_PATH;
	struct scratch *s = scratch();
	struct msg_envelope *from;
	struct way *way;
	int action;

	if (!s || !scratch_frame(ctx, s))
		return verdict(REASON_INTERNAL, 0);
	from = &s->from;
	way = &s->way;
	from->dst = s->outer.src;
	from->src = config_addr(&config.loopback6);
	from->transport = TRANSPORT_ICMPV6;
	way->proto = PROTO_ICMPV6;
	if (s->outer.version == 4) {
		from->src = config_addr(&config.loopback4);
		from->transport = TRANSPORT_UDP;
		way->proto = PROTO_UDP;
	}
	if (addr_is_unspecified(&from->src) || !may_answer(ctx, &s->outer, BUCKET_TELL))
		return verdict(untold, s->outer.len);
	way_back(ctx, way);
	action = reply(ctx, s, from, way, tell_message(s, from, group, congested));
	if (action == NOT_SENT)
		return verdict(untold, s->outer.len);
	count(congested ? REASON_PACED_TOLD : REASON_NO_PATH_TOLD, s->outer.len);
	return action;
}

#endif
