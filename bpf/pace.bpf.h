/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A path that is congested and has no better one beside it carries on at a lower rate; when its
 * congestion ends, the rate rises again in steps. steer asks here for each packet of such a path,
 * health tells when it is congested no more. Nothing here waits for user space.
 *
 *	off        until a packet comes that has no better path
 *	measuring  how much the path carries; at a rate only if the notification told one
 *	lowered    at the rate asked for, or at a share of what was measured
 *	rising     by a timer, step by step, until it is what was measured; then off. Meanwhile the path
 *	           counts as congested, so that the traffic it lost comes back to a path that has room.
 *
 * The same serves a P node for tunnels of others (transit.bpf.h). An id is an index in fantel_pace.
 */
#ifndef PACE_BPF_H
#define PACE_BPF_H

#include "account.bpf.h"
#include "fantel/pace.h"
#include "packet.bpf.h"
#include "scratch.bpf.h"
#include "untimed.bpf.h"

FN bool pace_is_transit(__u32 id)
{
	return id < MAX_TRANSIT;
}

/* How many events more (or less) say that it is congested: how many said so before. -1: there is no
 * such. */
FN __s32 pace_add(__u32 id, __s32 change)
{
	__u32 path = id - PACE_OF(0);
	struct transit *t;
	struct health *h;

	if (pace_is_transit(id)) {
		t = bpf_map_lookup_elem(&fantel_transit, &id);
		if (!t)
			return -1;
		return __sync_fetch_and_add(&t->congestions, change);
	}
	h = bpf_map_lookup_elem(&fantel_health, &path);
	if (!h)
		return -1;
	return __sync_fetch_and_add(&h->congestions, change);
}

/* What becomes of a rate, told to the outside. */
FN void pace_event(__u32 id, enum reason reason, bool congested, __u64 now_ns)
{
	__u32 index = pace_is_transit(id) ? id : id - PACE_OF(0);
	struct transit *t;
	struct path *path;
	struct event *e;

	count(reason, 0);
	e = event_begin(EVENT_PATH, now_ns);
	if (!e)
		return;
	e->reason = reason;
	e->kind = congested ? KIND_CONGESTION : KIND_ELIMINATION;
	e->index = index;
	e->usable = true;
	e->congested = congested;
	e->is_transit = pace_is_transit(id);
	if (e->is_transit) {
		t = bpf_map_lookup_elem(&fantel_transit, &index);
		if (t)
			words_copy(&e->tunnel, &t->tunnel, sizeof(e->tunnel));
	} else {
		path = bpf_map_lookup_elem(&fantel_paths, &index);
		if (path)
			words_copy(e->name, path->name, sizeof(e->name));
	}
	event_end(e);
}

/* ---- rising ---------------------------------------------------------------------------------- */

/* It is no longer, or again, what notifications say it is, and no more. */
FN void pace_rise_end(struct pace *p, __u32 id, enum pace_state state)
{
	if (__sync_val_compare_and_swap(&p->state, PACE_RISING, state) == PACE_RISING)
		pace_add(id, -PACE_RISE);
}

/* Its place in fantel_transit may be another's. */
FN void pace_forget(__u32 id)
{
	struct node_state *node = node_state();
	struct transit *t;

	if (!pace_is_transit(id) || !node)
		return;
	t = bpf_map_lookup_elem(&fantel_transit, &id);
	if (t && t->hash) {
		t->hash = 0;
		__sync_fetch_and_add(&node->transit, -1);
	}
}

/* Does something that the path crosses say so again? */
FN bool pace_is_judged(__u32 id)
{
	__u32 path = id - PACE_OF(0);
	struct health *h = pace_is_transit(id) ? NULL : bpf_map_lookup_elem(&fantel_health, &path);

	return h && h->judged.standing == STANDING_CONGESTED;
}

/* Returns whether there is another step. */
FN bool pace_rise(__u32 id, struct pace *p, __u64 now_ns)
{
	__u64 rate = p->rate + p->offered * config.pacing.step_percent / 100;

	if (p->state != PACE_RISING)
		return false;
	if (pace_add(id, 0) != PACE_RISE || pace_is_judged(id)) {
		pace_rise_end(p, id, PACE_LOWERED);
		return false;
	}
	/* Percentages are rounded: what is short of it by less than one has risen. Not before all that
	 * waits has left: what follows would overtake it. */
	if (rate + p->offered / 100 < p->offered ||
	    (p->waits && p->even_ns > now_ns)) {
		p->rate = rate;
		return true;
	}
	pace_rise_end(p, id, PACE_OFF);
	pace_event(id, REASON_RISEN, false, now_ns);
	pace_forget(id);
	return false;
}

/* A timer that was made. */
FN void pace_start(struct pace *p)
{
	p->due_ns = 0;
	if (bpf_timer_start(&p->timer, config.pacing.step_ns, 0)) {
		p->due_ns = bpf_ktime_get_ns() + config.pacing.step_ns;
		untimed_add(UNTIMED_RATES);
	}
}

static int pace_step(void *map, __u32 *index, struct pace *p)
{
	if (pace_rise(*index, p, bpf_ktime_get_ns()))
		pace_start(p);
	return 0;
}

/* No event says any more that it is congested: begin to raise its rate, if that was lowered. Called
 * whenever it is found so; its own function, for its part of the stack. */
SUBPROG int pace_ease(__u32 id)
{
	struct pace *p = bpf_map_lookup_elem(&fantel_pace, &id);
	bool rises;

	if (!p || pace_add(id, 0) > 0)
		return 0;
	/* Of what was never measured nobody can say when it is back. */
	__sync_val_compare_and_swap(&p->state, PACE_MEASURING, PACE_OFF);
	if (p->state == PACE_OFF)
		pace_forget(id);
	rises = __sync_val_compare_and_swap(&p->state, PACE_LOWERED, PACE_RISING) == PACE_LOWERED;
	if (!rises)
		return 0;
	pace_add(id, PACE_RISE);
	/* Refused when it was made before, and then needs nothing. */
	if (!bpf_timer_init(&p->timer, &fantel_pace, CLOCK_MONOTONIC))
		bpf_timer_set_callback(&p->timer, pace_step);
	pace_start(p);
	return 0;
}

/* ---- one packet ------------------------------------------------------------------------------ */

/* How much does the path carry? What came within the window, over its time. */
FN void pace_measure(struct pace *p, __u32 id, __u32 len, __u64 now_ns)
{
	__u64 bytes, gone;

	if (p->state == PACE_OFF) {
		p->since_ns = now_ns;
		p->bytes = p->offered = p->even_ns = 0;
		if (!__sync_val_compare_and_swap(&p->state, PACE_OFF, PACE_MEASURING))
			pace_event(id, REASON_LOWERED, true, now_ns);
	}
	if (p->state != PACE_MEASURING)
		return;
	bytes = __sync_fetch_and_add(&p->bytes, len) + len;
	gone = now_ns > p->since_ns ? now_ns - p->since_ns : 0;
	if (gone < config.pacing.window_ns)
		return;
	p->offered = bytes * NSEC_PER_SEC / gone;
	__sync_val_compare_and_swap(&p->state, PACE_MEASURING, PACE_LOWERED);
}

/* What a link or node that a path crosses asks of it; 0: nothing. Its own function: the verifier walks it
 * once, and not for each that may be crossed. */
SUBPROG __u64 pace_crossed(__u32 index, __u64 offered)
{
	struct resource *resource = bpf_map_lookup_elem(&fantel_resource, &index);

	if (!resource || resource->congestions <= 0)
		return 0;
	return pace_rate(&resource->ask, offered, config.pacing.lowest);
}

/* The lowest rate that anyone asks for: of the traffic itself, or of what its path crosses. */
FN __u64 pace_wanted(const struct pace *p, __u32 id)
{
	__u64 wanted = 0, rate;
	__u32 index = id - PACE_OF(0);
	struct path *path;

	if (pace_add(id, 0) > 0)
		wanted = pace_rate(&p->ask, p->offered, config.pacing.lowest);
	if (pace_is_transit(id))
		return wanted;
	path = bpf_map_lookup_elem(&fantel_paths, &index);
	if (!path)
		return 0;
	for (__u32 i = 0; i < MAX_CROSSED; i++) {
		if (i >= path->n_crossed)
			break;
		rate = pace_crossed(path->crossed[i], p->offered);
		if (rate && (!wanted || rate < wanted))
			wanted = rate;
	}
	return wanted;
}

/* What the rate leaves to it. A packet that can wait is told until when, in scratch: of two rates, the
 * later time counts. */
FN enum pace_verdict pace_turn(struct pace *p, __u32 len, bool waits, __u64 now_ns)
{
	__u64 most_ns = waits ? config.pacing.horizon_ns : config.pacing.burst_ns;
	struct pace_turn turn = pace_take(p, p->rate, len, now_ns, config.pacing.burst_ns, most_ns);
	struct scratch *s = waits ? scratch() : NULL;

	if (!s || turn.verdict == PACE_DROP)
		return turn.verdict;
	if (turn.at_ns > now_ns && s->leaves_ns <= now_ns)
		count(REASON_HELD, len);
	s->leaves_ns = MAX(s->leaves_ns, turn.at_ns);
	return turn.verdict;
}

/* A packet of congested traffic, that can wait or not: an enum pace_verdict. While nobody can tell the
 * rate, all pass, and all are told of the congestion. */
SUBPROG int pace_packet(__u32 id, __u32 len, bool waits)
{
	struct pace *p = bpf_map_lookup_elem(&fantel_pace, &id);
	__u64 now = bpf_ktime_get_ns();

	if (!p)
		return PACE_PASS;
	p->waits = waits;
	if (p->state != PACE_RISING) {
		pace_measure(p, id, len, now);
		p->rate = pace_wanted(p, id);
	}
	if (!p->rate)
		return PACE_MARK;
	return pace_turn(p, len, waits, now);
}

/* Tell the receiver that its packet, whose IP header is at `ip`, met congestion, if that can be told
 * (RFC 3168 §5). At an ingress PE the mark goes outward with the rest of the traffic class, from a P node
 * inward where the tunnel ends (RFC 6040); a RoCEv2 receiver tells the sender. */
FN void pace_mark(__u8 *ip, struct frame *f)
{
	enum ecn ecn = f->tclass & ECN_MASK;

	if (ecn == ECN_NOT_ECT || ecn == ECN_CE)
		return;
	packet_set_ecn(ip, f, ECN_CE);
	f->tclass |= ECN_CE;
	count(REASON_MARKED, f->len);
}

#endif
