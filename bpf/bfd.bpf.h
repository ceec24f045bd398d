/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Core port: the receiving side of its BFD session (RFC 5880, RFC 5881), and the detection timer.
 *
 * A control packet of the session is consumed and its state follows at once; silence is noticed by
 * the session's own timer. Neither waits for user space: when the session fails, so does the link.
 * The loader sends, and is woken when there is something to say (loader/bfd.c).
 *
 * Echoes are quicker (RFC 5880 §6.4): the neighbour's go back from here as they came, ours come back
 * here, and the same timer notices when they do not.
 */
#ifndef BFD_BPF_H
#define BFD_BPF_H

#include "account.bpf.h"
#include "fantel/bfd.h"
#include "link.bpf.h"
#include "packet.bpf.h"
#include "scratch.bpf.h"
#include "untimed.bpf.h"

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

/* When echoes count as lost, or 0. */
FN __u64 bfd_echo_due(const struct bfd_session *b, const struct bfd_set *set)
{
	__u32 row = set->echo_row;
	struct bfd_echo *echo = bpf_map_lookup_elem(&fantel_bfd_echo, &row);

	if (!echo || b->state != BFD_UP || !b->echo_on || !set->echo_us)
		return 0;
	return bfd_echo_end(echo->sent_ns, echo->sent, b->echo_back, set->echo_mult,
			    set->echo_us * 1000ULL, b->echo_rtt_ns);
}

/* When to look again: at the end of the Detection Time, and where echoes run at their next one. */
FN __u64 bfd_look_again(const struct bfd_session *b, const struct bfd_set *set, __u64 echo_ns,
			__u64 now_ns)
{
	__u64 end = b->heard_ns + b->detection_ns;

	if (!echo_ns && b->echo_on && b->state == BFD_UP && set->echo_us)
		echo_ns = now_ns + set->echo_us * 1000ULL / 2;
	return echo_ns ? MIN(end, echo_ns) : end;
}

/* Has a Detection Time passed, RFC 5880 §6.8.4, or are echoes missing, §6.8.5, unless something was heard
 * meanwhile? Then the session is down. Returns when to look again; 0: needn't. */
FN __u64 bfd_check(__u32 ifindex, struct bfd_session *b, __u64 now_ns)
{
	struct bfd_set *set = bpf_map_lookup_elem(&fantel_bfd_set, &ifindex);
	__u32 state = b->state;
	__u64 echo_ns, end;
	bool silent;

	if (!set || set->admin_down)
		return 0;
	echo_ns = bfd_echo_due(b, set);
	end = bfd_look_again(b, set, echo_ns, now_ns);
	if (end > now_ns)
		return end;
	silent = b->heard_ns + b->detection_ns <= now_ns;
	if (silent)
		b->its_discriminator = 0; /* §6.8.1 */
	if (state < BFD_INIT ||
	    !bfd_become(b, state, BFD_DOWN, silent ? BFD_DIAG_EXPIRED : BFD_DIAG_ECHO, now_ns))
		return 0;
	b->echo_on = 0;
	if (state == BFD_UP)
		bfd_fail(ifindex, b, now_ns);
	bfd_wake(ifindex, BFD_DOWN);
	return 0;
}

FN void bfd_start(struct bfd_session *b, __u64 at_ns, __u64 now_ns)
{
	timed_start(&b->timer, &b->armed_ns, at_ns, now_ns, UNTIMED_SESSIONS);
}

/* Packets leave the timer alone: it looks for itself how long it has to run on. */
static int bfd_expire(void *map, __u32 *ifindex, struct bfd_session *b)
{
	__u64 now = bpf_ktime_get_ns(), at_ns;

	b->armed_ns = 0;
	at_ns = bfd_check(*ifindex, b, now);
	if (at_ns)
		bfd_start(b, at_ns, now);
	return 0;
}

FN void bfd_arm(struct bfd_session *b, __u64 at_ns, __u64 now_ns)
{
	/* Refused when it was made before, and then needs nothing. */
	if (!bpf_timer_init(&b->timer, &fantel_bfd, CLOCK_MONOTONIC))
		bpf_timer_set_callback(&b->timer, bfd_expire);
	bfd_start(b, at_ns, now_ns);
}

/* Only an end that came nearer needs the timer to be started again. */
FN void bfd_renew(struct bfd_session *b, __u64 end, __u64 now_ns)
{
	if (!b->armed_ns || b->armed_ns > end)
		bfd_arm(b, end, now_ns);
}

/* ---- one packet ------------------------------------------------------------------------------ */

/* What the peer says of itself. Does the loader have to know? */
FN bool bfd_note(struct bfd_session *b, const struct bfd_packet *p, __u32 min_rx_us)
{
	bool news = b->its_min_rx_us != p->min_rx_us ||
		    b->its_min_echo_rx_us != p->min_echo_rx_us ||
		    (b->its_flags ^ p->flags) & BFD_DEMAND;

	b->its_discriminator = p->mine;
	b->its_min_tx_us = p->min_tx_us;
	b->its_min_rx_us = p->min_rx_us;
	b->its_min_echo_rx_us = p->min_echo_rx_us;
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
	b->echo_on = 0;
	if (to == BFD_UP) {
		b->failed = 0;
		b->ups++;
	}
	if (from == BFD_UP && p->state == BFD_DOWN)
		bfd_fail(ifindex, b, now_ns);
	return true;
}

/* A packet that is well made, from the peer: RFC 5880 §6.8.6 from where the session is selected. */
FN enum reason bfd_take(struct xdp_md *ctx, const struct bfd_set *set, const struct bfd_packet *p)
{
	__u32 ifindex = ctx->ingress_ifindex;
	struct bfd_session *b = bpf_map_lookup_elem(&fantel_bfd, &ifindex);
	const __u8 *eth = packet_start(ctx);
	__u64 now = bpf_ktime_get_ns();
	bool news;

	if (!b || (p->yours && p->yours != set->discriminator))
		return REASON_BFD_UNKNOWN;
	if (set->admin_down)
		return REASON_BFD_ADMIN_DOWN;
	b->heard_ns = now;
	if (eth + ETH_LEN <= (const __u8 *)packet_end(ctx))
		mac_copy(b->its_mac, eth + 6);
	news = bfd_note(b, p, set->min_rx_us);
	news |= bfd_follow(b, ifindex, p, now);
	bfd_renew(b, now + b->detection_ns, now);
	if (news)
		bfd_wake(ifindex, b->state);
	return REASON_BFD;
}

/* The UDP packet around it, its payload's length in *len. Copied first: its parts are then where the
 * verifier knows them to be. */
FN enum reason bfd_udp(struct xdp_md *ctx, struct scratch *s, __u8 ttl_min, __u32 *payload)
{
	struct msg_envelope from = { .src = s->outer.src, .dst = s->outer.dst,
				     .transport = TRANSPORT_UDP };
	__u32 len = s->outer.len + ETH_LEN - s->outer.l4;

	if (s->outer.hop_limit < ttl_min)
		return REASON_BFD_TTL;
	if (len < UDP_LEN || len > WIRE_MSG_MAX || bpf_xdp_load_bytes(ctx, s->outer.l4, s->buf.b, len))
		return REASON_BFD_LENGTH;
	if (be16(load16(s->buf.b + UDP_OFF_LEN)) != len)
		return REASON_BFD_LENGTH;
	*payload = len - UDP_LEN;
	/* None is allowed over IPv4, RFC 768. */
	if ((load16(s->buf.b + UDP_OFF_SUM) || s->outer.version == 6) &&
	    sum_fold(msg_sum_envelope(&from, len) + msg_sum(&s->buf, len)) != 0xffff)
		return REASON_BFD_CHECKSUM;
	return REASON_NONE;
}

SUBPROG int bfd_control(struct xdp_md *ctx)
{
	__u32 ifindex = ctx->ingress_ifindex, len = 0;
	struct bfd_set *set = bpf_map_lookup_elem(&fantel_bfd_set, &ifindex);
	struct scratch *s = scratch();
	struct bfd_packet p = {};
	enum reason reason;

	if (!s || !set)
		return REASON_INTERNAL;
	reason = bfd_udp(ctx, s, BFD_TTL, &len);
	if (reason == REASON_NONE)
		reason = bfd_parse(&p, s->buf.b + UDP_LEN, len);
	return reason == REASON_NONE ? bfd_take(ctx, set, &p) : reason;
}

/* ---- echoes ---------------------------------------------------------------------------------- */

/* One of ours is back: the echoes up to it are accounted for. */
FN enum reason bfd_echo_back(struct bfd_session *b, const struct bfd_set *set, __u32 number)
{
	__u32 row = set->echo_row;
	struct bfd_echo *echo = bpf_map_lookup_elem(&fantel_bfd_echo, &row);
	__u64 now = bpf_ktime_get_ns(), sent_ns;

	/* Sent, kept note of, and not back before: also not in the life of an earlier loader. */
	if (!echo || echo->sent - number >= BFD_ECHOES)
		return REASON_BFD_ECHO_UNKNOWN;
	sent_ns = echo->sent_ns[number % BFD_ECHOES];
	if (b->state != BFD_UP || sent_ns > now || sent_ns < b->changed_ns)
		return REASON_BFD_ECHO_UNKNOWN;
	if (!b->echo_on) {
		b->echo_rtt_ns = now - sent_ns;
		b->echo_back = number;
		b->echo_on = 1;
	} else if ((__s32)(number - b->echo_back) > 0) {
		b->echo_rtt_ns += ((__s64)(now - sent_ns) - (__s64)b->echo_rtt_ns) >> 3;
		b->echo_back = number;
	}
	bfd_renew(b, bfd_look_again(b, set, 0, now), now);
	return REASON_BFD_ECHO;
}

SUBPROG int bfd_echo(struct xdp_md *ctx)
{
	__u32 ifindex = ctx->ingress_ifindex, len = 0;
	struct bfd_set *set = bpf_map_lookup_elem(&fantel_bfd_set, &ifindex);
	struct bfd_session *b = bpf_map_lookup_elem(&fantel_bfd, &ifindex);
	struct scratch *s = scratch();
	enum reason reason;

	if (!s || !set || !b)
		return REASON_INTERNAL;
	reason = bfd_udp(ctx, s, BFD_ECHO_TTL_BACK, &len);
	if (reason)
		return reason;
	if (len != BFD_ECHO_LEN)
		return REASON_BFD_LENGTH;
	if (be32(load32(s->buf.b + UDP_LEN + BFD_ECHO_OFF_MINE)) != set->discriminator)
		return REASON_BFD_ECHO_UNKNOWN;
	return bfd_echo_back(b, set, be32(load32(s->buf.b + UDP_LEN + BFD_ECHO_OFF_SEQUENCE)));
}

/*
 * The neighbour's goes back as a router would forward it: to where it came from, one hop less. Once,
 * for what comes back to us with 255 hops left did not come from us. False: it is shorter than any.
 */
FN bool bfd_turn(struct xdp_md *ctx, bool v4)
{
	__u8 *eth = packet_start(ctx), *ip = eth + ETH_LEN;

	if (ip + IPV4_LEN + UDP_LEN + BFD_ECHO_LEN > (__u8 *)packet_end(ctx))
		return false;
	mac_swap(eth);
	if (!v4) {
		ip[IPV6_OFF_HOP_LIMIT]--;
		return true;
	}
	ip[IPV4_OFF_TTL]--;
	/* RFC 1624, equation 3: the word of TTL and protocol is 0x0100 less. */
	store16(ip + IPV4_OFF_CSUM,
		~sum_fold((__u16)~load16(ip + IPV4_OFF_CSUM) + (__u64)be16(0xfeff)));
	return true;
}

/* An XDP action for what belongs to the port's session; NOT_OURS for the rest: the kernel may have
 * sessions of its own. */
SUBPROG int bfd_packet(struct xdp_md *ctx)
{
	__u32 ifindex = ctx->ingress_ifindex;
	struct scratch *s = scratch();
	struct bfd_set *set;
	__u16 port;

	if (!s || !scratch_frame(ctx, s) || s->outer.fragment || s->outer.proto != PROTO_UDP)
		return NOT_OURS;
	port = frame_dport(&s->outer);
	if (port != BFD_PORT && port != BFD_ECHO_PORT)
		return NOT_OURS;
	set = bpf_map_lookup_elem(&fantel_bfd_set, &ifindex);
	if (!set)
		return NOT_OURS;
	if (port == BFD_ECHO_PORT) {
		if (!set->echo_us || set->admin_down)
			return NOT_OURS;
		if (addr_equal(&s->outer.dst, &set->local))
			return verdict(bfd_echo(ctx), s->outer.len);
		if (!addr_equal(&s->outer.dst, &set->peer) || s->outer.hop_limit != BFD_TTL ||
		    !bfd_turn(ctx, s->outer.version == 4))
			return NOT_OURS;
		count(REASON_BFD_ECHOED, s->outer.len);
		return XDP_TX;
	}
	if (!addr_equal(&s->outer.dst, &set->local))
		return NOT_OURS;
	if (!addr_equal(&s->outer.src, &set->peer))
		return verdict(REASON_BFD_PEER, s->outer.len);
	return verdict(bfd_control(ctx), s->outer.len);
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
