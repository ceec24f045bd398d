/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A node's BFD session, said once more for the host: what a packet of it, or an echo, does to the
 * session, to its link, and what the loader is woken for. Such packets, changed at random. Included by
 * fuzz_core.c alone, behind fuzz_model.h and fuzz_packets.h.
 *
 * Written after RFC 5880 and RFC 5881. Times that are agreed on outlast any run: what a timer does is
 * no packet's doing, and has tests of its own.
 */
#ifndef FUZZ_BFD_H
#define FUZZ_BFD_H

#include "fuzz_model.h"
#include "fuzz_packets.h"

#define BFD_LASTING_US 4000000000U
#define BFD_MINE 0x11223344
#define BFD_ITS 0x55667788
#define BFD_WALL_NS 1763630000000000000ULL /* what is added to the clock for that of the day */

/* ---- one packet ------------------------------------------------------------------------------ */

/* RFC 5881 §4-5: what is around it. The UDP payload's place in *at, and its length in *len. */
static enum reason model_bfd_udp(const struct reading *r, __u8 hops, __u32 *at, __u32 *len)
{
	const struct frame *f = &r->frame;
	const __u8 *udp = r->in->b + f->l4;
	__u32 n = 14 + f->len - f->l4, from = f->version == 4 ? 12 : 0, sum;

	if (f->hop_limit < hops)
		return REASON_BFD_TTL;
	if (n < 8 || n > WIRE_MSG_MAX || f->l4 + n > r->in->len || (udp[4] << 8 | udp[5]) != (int)n)
		return REASON_BFD_LENGTH;
	sum = sum_add(n + IPPROTO_UDP, f->src.b + from, 16 - from);
	sum = sum_add(sum, f->dst.b + from, 16 - from);
	if ((f->version == 6 || udp[6] || udp[7]) && sum_end(sum_add(sum, udp, n)))
		return REASON_BFD_CHECKSUM;
	*at = f->l4 + 8;
	*len = n - 8;
	return REASON_NONE;
}

/* RFC 5880 §6.8.6, as far as it needs no session, and §4.1 for what is where. */
static enum reason model_bfd_check(const __u8 *b, __u32 len)
{
	if (len < 24)
		return REASON_BFD_LENGTH;
	if (b[0] >> 5 != 1)
		return REASON_BFD_VERSION;
	if (b[3] < 24 || b[3] > len)
		return REASON_BFD_LENGTH;
	if (b[1] & 4)
		return REASON_BFD_AUTH;
	if (!b[2] || b[1] & 1)
		return REASON_BFD_FIELD;
	if (!ntohl(load32(b + 4)))
		return REASON_BFD_ZERO;
	if (!load32(b + 8) && b[1] >> 6 > 1)
		return REASON_BFD_STATE;
	return REASON_NONE;
}

/* What the link is to be from now on. It goes on under the name of a failure that is not over. */
static void model_bfd_fail(struct model *m)
{
	m->bfd.session.failed = 1;
	m->bfd.session.fails++;
	if (m->link.down)
		return;
	m->bfd.link_failed = true;
	m->bfd.link_new = m->link.event_id != m->link.next_event_id;
	m->link.down = 1;
	m->state.links_down++;
	if (m->bfd.link_new) {
		m->link.event_id = m->link.next_event_id;
		m->link.cause = CAUSE_BFD;
	}
}

/* The session's state after it: §6.8.6. Does the loader have to know? */
static bool model_bfd_follow(struct model *m, __u32 heard)
{
	static const __u8 next[4][4] = { /* heard: AdminDown, Down, Init, Up */
		[1] = { 1, 2, 3, 1 },
		[2] = { 1, 2, 3, 3 },
		[3] = { 1, 1, 3, 3 },
	};
	struct bfd_session *b = &m->bfd.session;
	__u32 from = b->state, to = next[from][heard], failed = b->failed;

	/* RFC 5882 §3.2 */
	if (!heard)
		b->failed = 0;
	if (to == from)
		return failed != b->failed;
	b->state = to;
	b->echo_on = 0;
	m->bfd.changed = true;
	if (to == 3) {
		b->diag = 0;
		b->failed = 0;
		b->ups++;
	}
	if (from == 3)
		b->diag = 3; /* Neighbor Signaled Session Down */
	if (from == 3 && heard)
		model_bfd_fail(m);
	return true;
}

static enum reason model_bfd_control(struct model *m, const struct reading *r)
{
	struct bfd_session *b = &m->bfd.session;
	const __u8 *p;
	enum reason reason;
	__u32 at, len, tx, rx, echo;
	bool news;

	reason = model_bfd_udp(r, 255, &at, &len);
	if (reason)
		return reason;
	p = r->in->b + at;
	reason = model_bfd_check(p, len);
	if (reason)
		return reason;
	if (load32(p + 8) && ntohl(load32(p + 8)) != m->bfd.set.discriminator)
		return REASON_BFD_UNKNOWN;
	if (m->bfd.set.admin_down)
		return REASON_BFD_ADMIN_DOWN;
	m->bfd.heard = true;
	tx = ntohl(load32(p + 12));
	rx = ntohl(load32(p + 16));
	echo = ntohl(load32(p + 20));
	news = b->its_min_rx_us != rx || b->its_min_echo_rx_us != echo || ((b->its_flags ^ p[1]) & 2) ||
	       p[1] & 0x30;
	memcpy(b->its_mac, r->in->b + 6, 6);
	b->its_discriminator = ntohl(load32(p + 4));
	b->its_min_tx_us = tx;
	b->its_min_rx_us = rx;
	b->its_min_echo_rx_us = echo;
	b->its_mult = p[2];
	b->its_state = p[1] >> 6;
	b->its_diag = p[0] & 31;
	b->its_flags = p[1];
	b->polls += p[1] >> 5 & 1;
	b->finals += p[1] >> 4 & 1;
	b->detection_ns = 1000ULL * p[2] * MAX(tx, m->bfd.set.min_rx_us);
	news |= model_bfd_follow(m, b->its_state);
	m->bfd.news = news;
	return REASON_BFD;
}

/* One of ours, back by way of the neighbour alone, for the first time, while the session is up. */
static enum reason model_bfd_echo(struct model *m, const struct reading *r)
{
	struct bfd_session *b = &m->bfd.session;
	enum reason reason;
	__u32 at, len, number;
	__u64 sent_ns;

	reason = model_bfd_udp(r, 254, &at, &len);
	if (reason)
		return reason;
	if (len != 8)
		return REASON_BFD_LENGTH;
	number = ntohl(load32(r->in->b + at + 4));
	if (ntohl(load32(r->in->b + at)) != m->bfd.set.discriminator ||
	    m->bfd.echo.sent - number >= BFD_ECHOES || b->state != BFD_UP)
		return REASON_BFD_ECHO_UNKNOWN;
	sent_ns = m->bfd.echo.sent_ns[number % BFD_ECHOES];
	if (sent_ns < b->changed_ns)
		return REASON_BFD_ECHO_UNKNOWN;
	m->bfd.echoed = true;
	if (b->echo_on && (__s32)(number - b->echo_back) <= 0)
		return REASON_BFD_ECHO;
	m->bfd.echo_ns = sent_ns;
	m->bfd.first = !b->echo_on;
	b->echo_on = 1;
	b->echo_back = number;
	return REASON_BFD_ECHO;
}

static bool model_bfd(struct model *m, const struct reading *r)
{
	const struct frame *f = &r->frame;
	enum reason reason;

	if (!m->config.bfd || !r->ip || f->fragment || f->proto != IPPROTO_UDP)
		return false;
	if (frame_dport(f) == BFD_ECHO_PORT) {
		if (m->bfd.set.admin_down)
			return false;
		if (addr_equal(&f->dst, &m->bfd.set.local)) {
			reason = model_bfd_echo(m, r);
		} else if (addr_equal(&f->dst, &m->bfd.set.peer) && f->hop_limit == 255 &&
			   r->in->len >= 14 + 20 + 8 + 8) {
			reason = REASON_BFD_ECHOED;
		} else {
			return false;
		}
	} else if (frame_dport(f) == BFD_PORT && addr_equal(&f->dst, &m->bfd.set.local)) {
		reason = addr_equal(&f->src, &m->bfd.set.peer) ? model_bfd_control(m, r) :
								 REASON_BFD_PEER;
	} else {
		return false;
	}
	model_verdict(m, reason, f->len);
	m->met = true;
	m->rewrites = reason == REASON_BFD_ECHOED;
	if (m->rewrites)
		m->verdict = XDP_TX;
	return true;
}

/* ---- what became of it ----------------------------------------------------------------------- */

/* A time of this run; `lo` and `hi` are when it began and ended. */
static bool within(__u64 ns, __u64 lo, __u64 hi)
{
	return ns >= lo && ns <= hi;
}

/* How long an echo takes: the first as it was, then an eighth of the difference each time. */
static bool bfd_rtt_agrees(const struct model *m, __u64 got_ns, __u64 lo, __u64 hi)
{
	__s64 had = m->bfd.session.echo_rtt_ns;

	lo -= m->bfd.echo_ns;
	hi -= m->bfd.echo_ns;
	if (m->bfd.first)
		return within(got_ns, lo, hi);
	return within(got_ns, had + (((__s64)lo - had) >> 3), had + (((__s64)hi - had) >> 3));
}

/* The timer is started where it would fire later than it has to, and else left alone. */
static bool bfd_timer_agrees(const struct model *m, const struct bfd_session *got, __u64 lo, __u64 hi)
{
	__u64 end = got->heard_ns + got->detection_ns, armed = m->bfd.session.armed_ns;
	__u64 echo = m->bfd.set.echo_us * 1000ULL / 2;

	if (!m->bfd.heard && !m->bfd.echoed)
		return got->armed_ns == armed;
	if (m->bfd.echoed && end > hi + echo)
		return armed && armed <= hi + echo ? got->armed_ns == armed || within(got->armed_ns, lo + echo, armed) :
						     within(got->armed_ns, lo + echo, hi + echo);
	return got->armed_ns == (armed && armed <= end ? armed : end);
}

/* What the model could not know is taken over. */
static bool bfd_session_agrees(struct model *m, struct fantel_bpf *node, const struct bfd_session *got, __u64 lo,
			       __u64 hi)
{
	struct bfd_session *want = &m->bfd.session;

	if (m->bfd.heard && !within(got->heard_ns, lo, hi))
		return false;
	if (m->bfd.changed && got->changed_ns != got->heard_ns)
		return false;
	if (m->bfd.echo_ns && !bfd_rtt_agrees(m, got->echo_rtt_ns, lo, hi))
		return false;
	if (!bfd_timer_agrees(m, got, lo, hi) && (got->armed_ns || !node_has_untimed(node, UNTIMED_SESSIONS)))
		return false;
	if (m->bfd.heard)
		want->heard_ns = got->heard_ns;
	if (m->bfd.changed)
		want->changed_ns = got->changed_ns;
	if (m->bfd.echo_ns)
		want->echo_rtt_ns = got->echo_rtt_ns;
	want->armed_ns = got->armed_ns;
	return !memcmp(want, got, sizeof(*want));
}

static bool bfd_link_agrees(struct model *m, const struct link *got, __u64 lo, __u64 hi)
{
	if (m->bfd.link_failed && !within(got->since_ns, lo, hi))
		return false;
	if (m->bfd.link_failed)
		m->link.since_ns = got->since_ns;
	if (m->bfd.link_failed && m->bfd.link_new)
		m->link.detected_ns = got->since_ns + m->state.wall_ns;
	return !memcmp(&m->link, got, sizeof(*got));
}

/* The neighbour's echo goes back where it came from, a hop further. */
static bool bfd_echoed_right(const struct bytes *in, const struct bytes *out)
{
	static struct bytes want;
	__u8 *ip = want.b + 14;
	__u32 header;

	memcpy(&want, in, sizeof(in->len) + in->len);
	memcpy(want.b, in->b + 6, 6);
	memcpy(want.b + 6, in->b, 6);
	if (ip[0] >> 4 == 6) {
		ip[7]--;
	} else {
		header = (*ip & 15) * 4;
		ip[8]--;
		/* As right, or as wrong, as before. */
		if (out->len != in->len ||
		    sum_end(sum_add(0, in->b + 14, header)) != sum_end(sum_add(0, out->b + 14, header)))
			return false;
		memcpy(ip + 10, out->b + 24, 2);
	}
	return out->len == in->len && !memcmp(out->b, want.b, want.len);
}

/* ---- packets --------------------------------------------------------------------------------- */

static void bfd_put_control(struct dice *d, struct draft *m)
{
	static const __u32 mine_be[] = { BFD_MINE, BFD_MINE, BFD_MINE, BFD_MINE, 0, BFD_MINE + 1 };
	static const __u8 flags[] = { 0, 0, 0, 0, 0x20, 0x10, 2, 4, 1, 8 };
	__u8 *b = m->b + 8;

	b[0] = 0x20 | (dice_one_in(d, 4) ? dice_roll(d, 32) : 0);
	b[1] = (dice_one_in(d, 3) ? dice_roll(d, 4) : BFD_UP) << 6 | flags[dice_roll(d, ARRAY_SIZE(flags))];
	b[2] = dice_one_in(d, 16) ? dice_roll(d, 256) : 3;
	b[3] = 24;
	store32(b + 4, htonl(dice_one_in(d, 32) ? 0 : BFD_ITS));
	store32(b + 8, htonl(mine_be[dice_roll(d, ARRAY_SIZE(mine_be))]));
	for (__u32 at = 12; at < 24; at += 4)
		store32(b + at, htonl(dice_one_in(d, 8) ? dice_next(d) : 1000000));
	m->len = 8 + 24;
}

static void bfd_put_echo(struct dice *d, struct draft *m, const struct seeds *s)
{
	store32(m->b + 8, htonl(dice_one_in(d, 16) ? BFD_ITS : BFD_MINE));
	store32(m->b + 12, htonl(s->bfd_sent + 1 - dice_roll(d, dice_one_in(d, 2) ? 4 : 20)));
	m->len = 8 + 8;
	if (dice_one_in(d, 4)) {
		m->src = m->dst;
		m->dst = s->bfd.peer;
	} else {
		m->src = m->dst;
		m->hop_limit = 254 + dice_roll(d, 2);
	}
}

static void bfd_around(struct dice *d, struct draft *m)
{
	bool v4 = addr_is_v4(&m->dst);

	if (dice_one_in(d, 24))
		m->src = v4 ? ADDR_ROLL(d, domain4) : ADDR_ROLL(d, domain6);
	if (dice_one_in(d, 48))
		m->dst.b[15] ^= 1 << dice_roll(d, 8);
	if (dice_one_in(d, 16))
		m->hop_limit = dice_one_in(d, 2) ? 251 + dice_roll(d, 4) : dice_next(d);
}

static void source_bfd(struct bytes *frame, struct dice *d, const struct seeds *s)
{
	static change_fn *const bfd_changes[] = { change_bit, change_bit, change_byte, change_word,
						  change_cut, change_grow, change_erase };
	struct draft m = { .src = s->bfd.peer, .dst = s->bfd.local, .proto = IPPROTO_UDP, .hop_limit = 255 };
	bool echo = dice_one_in(d, 3);

	store16(m.b, htons(49152 + dice_roll(d, 16384)));
	store16(m.b + 2, htons(echo ? BFD_ECHO_PORT : BFD_PORT));
	if (echo)
		bfd_put_echo(d, &m, s);
	else
		bfd_put_control(d, &m);
	for (__u32 n = dice_one_in(d, 3) ? 1 + dice_roll(d, 3) : 0; n; n--)
		bfd_changes[dice_roll(d, ARRAY_SIZE(bfd_changes))](d, &m, s);
	bfd_around(d, &m);
	frame_from_draft(frame, d, &m);
	/* None, which only IPv4 allows. */
	if (dice_one_in(d, 16) && m.len >= 8)
		store16(frame->b + frame->len - m.len + 6, 0);
	frame_change(d, frame, 16);
}

#endif
