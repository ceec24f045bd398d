/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Core port: the receiving side of its BFD session (RFC 5880, RFC 5881), and the detection timer.
 *
 * A control packet of the session is consumed and its state follows at once; silence is noticed by
 * the session's own timer. Neither waits for user space: when the session fails, so does the link.
 * The loader sends, and is woken when there is something to say (loader/bfd.c).
 */
#ifndef BFD_BPF_H
#define BFD_BPF_H

#include "account.bpf.h"
#include "fantel/bfd.h"
#include "link.bpf.h"
#include "packet.bpf.h"
#include "scratch.bpf.h"

/* One that is lost is made good by the loader's look at the session whenever it sends. Forced: the
 * ring's reader is woken only by a record that it would find next, and the loader may have slept
 * over one. */
FN void bfd_wake(__u32 ifindex, __u32 state)
{
	struct bfd_news *news = bpf_ringbuf_reserve(&fantel_bfd_news, sizeof(*news), 0);

	if (!news)
		return;
	news->ifindex = ifindex;
	news->state = state;
	bpf_ringbuf_submit(news, BPF_RB_FORCE_WAKEUP);
}

/* From one state to another, unless packet or timer on another CPU was first. */
FN bool bfd_become(struct bfd_session *b, __u32 from, __u32 to, enum bfd_diag diag, __u64 now_ns)
{
	if (__sync_val_compare_and_swap(&b->state, from, to) != from)
		return false;
	b->diag = diag;
	b->changed_ns = now_ns;
	return true;
}

/* The session was up, and says that its link is not. */
FN void bfd_fail(__u32 ifindex, struct bfd_session *b, __u64 now_ns)
{
	b->failed = 1;
	b->fails++;
	link_fail(ifindex, CAUSE_BFD, now_ns);
}

/* ---- the timer ------------------------------------------------------------------------------- */

/* It fired: a Detection Time has passed, RFC 5880 §6.8.4, unless something was heard since it was
 * started. Packets leave it alone; it looks for itself how long it has to run on. */
static int bfd_expire(void *map, __u32 *ifindex, struct bfd_session *b)
{
	__u64 now = bpf_ktime_get_ns(), end = b->heard_ns + b->detection_ns;
	__u32 key = *ifindex, state = b->state;
	struct bfd_set *set = bpf_map_lookup_elem(&fantel_bfd_set, &key);

	b->armed_ns = 0;
	if (!set || set->admin_down)
		return 0;
	if (end > now) {
		b->armed_ns = end;
		bpf_timer_start(&b->timer, end - now, 0);
		return 0;
	}
	b->its_discriminator = 0; /* §6.8.1 */
	if (state < BFD_INIT || !bfd_become(b, state, BFD_DOWN, BFD_DIAG_EXPIRED, now))
		return 0;
	if (state == BFD_UP)
		bfd_fail(key, b, now);
	bfd_wake(key, BFD_DOWN);
	return 0;
}

/* Only a Detection Time that has become shorter needs the timer to be started again. */
FN void bfd_arm(struct bfd_session *b, __u64 now_ns)
{
	__u64 end = now_ns + b->detection_ns;

	if (b->armed_ns && b->armed_ns <= end)
		return;
	/* Refused when it was made before, and then needs nothing. */
	if (!bpf_timer_init(&b->timer, &fantel_bfd, CLOCK_MONOTONIC))
		bpf_timer_set_callback(&b->timer, bfd_expire);
	b->armed_ns = end;
	bpf_timer_start(&b->timer, b->detection_ns, 0);
}

/* ---- one packet ------------------------------------------------------------------------------ */

/* What the peer says of itself. Does the loader have to know? */
FN bool bfd_note(struct bfd_session *b, const struct bfd_packet *p, __u32 min_rx_us)
{
	bool news = b->its_min_rx_us != p->min_rx_us ||
		    (b->its_flags ^ p->flags) & BFD_DEMAND;

	b->its_discriminator = p->mine;
	b->its_min_tx_us = p->min_tx_us;
	b->its_min_rx_us = p->min_rx_us;
	b->its_mult = p->mult;
	b->its_state = p->state;
	b->its_diag = p->diag;
	b->its_flags = p->flags;
	b->detection_ns = bfd_detection_ns(p->mult, p->min_tx_us, min_rx_us);
	if (p->flags & BFD_POLL)
		b->polls++;
	if (p->flags & BFD_FINAL)
		b->finals++;
	return news || p->flags & (BFD_POLL | BFD_FINAL);
}

/*
 * The session's state after this packet. What of it concerns the link: up, it is well; down because
 * the peer says so, it has failed; and of a session that the peer has put out of service nothing
 * follows (RFC 5882 §3.2).
 */
FN bool bfd_follow(struct bfd_session *b, __u32 ifindex, const struct bfd_packet *p, __u64 now_ns)
{
	__u32 from = b->state, to = bfd_next(from, p->state);
	enum bfd_diag diag = from == BFD_UP && to == BFD_DOWN ? BFD_DIAG_NEIGHBOUR : b->diag;
	bool was_failed = b->failed;

	if (p->state == BFD_ADMIN_DOWN)
		b->failed = 0;
	if (to == from)
		return was_failed != b->failed;
	if (to == BFD_UP)
		diag = BFD_DIAG_NONE;
	if (!bfd_become(b, from, to, diag, now_ns))
		return true;
	if (to == BFD_UP) {
		b->failed = 0;
		b->ups++;
	}
	if (from == BFD_UP && p->state == BFD_DOWN)
		bfd_fail(ifindex, b, now_ns);
	return true;
}

/* A packet that is well made, from the peer: RFC 5880 §6.8.6 from where the session is selected. */
FN enum reason bfd_take(__u32 ifindex, const struct bfd_set *set, const struct bfd_packet *p)
{
	struct bfd_session *b = bpf_map_lookup_elem(&fantel_bfd, &ifindex);
	__u64 now = bpf_ktime_get_ns();
	bool news;

	if (!b || (p->yours && p->yours != set->discriminator))
		return REASON_BFD_UNKNOWN;
	if (set->admin_down)
		return REASON_BFD_ADMIN_DOWN;
	b->heard_ns = now;
	news = bfd_note(b, p, set->min_rx_us);
	news |= bfd_follow(b, ifindex, p, now);
	bfd_arm(b, now);
	if (news)
		bfd_wake(ifindex, b->state);
	return REASON_BFD;
}

/* The UDP packet around it. Copied first: its parts are then where the verifier knows them to be. */
FN enum reason bfd_read(struct xdp_md *ctx, struct scratch *s, struct bfd_packet *p)
{
	struct msg_envelope from = { .src = s->outer.src, .dst = s->outer.dst,
				     .transport = TRANSPORT_UDP };
	__u32 len = s->outer.len + ETH_LEN - s->outer.l4;

	if (s->outer.hop_limit != BFD_TTL)
		return REASON_BFD_TTL;
	if (len < UDP_LEN || len > WIRE_MSG_MAX || bpf_xdp_load_bytes(ctx, s->outer.l4, s->buf.b, len))
		return REASON_BFD_LENGTH;
	if (be16(load16(s->buf.b + UDP_OFF_LEN)) != len)
		return REASON_BFD_LENGTH;
	/* None is allowed over IPv4, RFC 768. */
	if ((load16(s->buf.b + UDP_OFF_SUM) || s->outer.version == 6) &&
	    sum_fold(msg_sum_envelope(&from, len) + msg_sum(&s->buf, len)) != 0xffff)
		return REASON_BFD_CHECKSUM;
	return bfd_parse(p, s->buf.b + UDP_LEN, len - UDP_LEN);
}

/* An XDP action for what belongs to the port's session; NOT_OURS for the rest: the kernel may have
 * sessions of its own. */
SUBPROG int bfd_packet(struct xdp_md *ctx)
{
	__u32 ifindex = ctx->ingress_ifindex;
	struct scratch *s = scratch();
	struct bfd_packet p = {};
	enum reason reason;
	struct bfd_set *set;

	if (!s || !scratch_frame(ctx, s) || s->outer.fragment || s->outer.proto != PROTO_UDP ||
	    frame_dport(&s->outer) != BFD_PORT)
		return NOT_OURS;
	set = bpf_map_lookup_elem(&fantel_bfd_set, &ifindex);
	if (!set || !addr_equal(&s->outer.dst, &set->local))
		return NOT_OURS;
	if (!addr_equal(&s->outer.src, &set->peer))
		return verdict(REASON_BFD_PEER, s->outer.len);
	reason = bfd_read(ctx, s, &p);
	if (reason == REASON_NONE)
		reason = bfd_take(ifindex, set, &p);
	return verdict(reason, s->outer.len);
}

/* Could this be BFD? A look at two fields, where any port has a session. */
FN int bfd(struct xdp_md *ctx)
{
	const __u8 *eth, *ip;
	__u16 type;
	__u8 proto;

	if (!config.bfd)
		return NOT_OURS;
	CTX_PIN(ctx);
	eth = packet_start(ctx);
	ip = eth + ETH_LEN;
	if (ip + IPV4_LEN > (const __u8 *)packet_end(ctx))
		return NOT_OURS;
	type = load16(eth + ETH_OFF_TYPE);
	proto = type == be16(ETHERTYPE_IPV6) ? ip[IPV6_OFF_NEXTHDR] : ip[IPV4_OFF_PROTO];
	return LIKELY(proto != PROTO_UDP) ? NOT_OURS : bfd_packet(ctx);
}

#endif
