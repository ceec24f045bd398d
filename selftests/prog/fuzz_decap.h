/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Tunnels that end at a node, said once more for the host: whose outer headers come off, why others
 * stay or are dropped, and what is left. Packets that may be such tunnels, changed where it matters to
 * them. Included by fuzz_core.c alone, behind fuzz_model.h and fuzz_packets.h.
 *
 * Written after the RFCs that the functions name and the manual page; what ends here is a plain array.
 */
#ifndef FUZZ_DECAP_H
#define FUZZ_DECAP_H

#include "fuzz_model.h"
#include "fuzz_packets.h"

#define NO_TUNNEL (-1)

/* What the outer headers say. */
struct ending {
	struct endpoint_key key;
	__u32 at, end; /* of what is inside */
	__u8 proto;    /* IPPROTO_IPIP or IPPROTO_IPV6 */
	__u8 tclass;   /* outside */
	__u32 len;     /* that is counted */
};

/* The test's frames are in one piece: a header that is not in there is not anywhere. */
static const __u8 *ending_bytes(const struct reading *r, __u32 at, __u32 n)
{
	return at + n <= r->in->len ? r->in->b + at : NULL;
}

static __u32 get16(const __u8 *b)
{
	return b[0] << 8 | b[1];
}

static __u32 get32(const __u8 *b)
{
	return get16(b) << 16 | get16(b + 2);
}

static int ending_of_type(struct ending *e, __u32 ethertype)
{
	e->proto = ethertype == 0x86dd ? IPPROTO_IPV6 : IPPROTO_IPIP;
	return ethertype == 0x86dd || ethertype == 0x0800 ? REASON_NONE : REASON_NOT_ENDPOINT;
}

/* RFC 8986 §4.6-4.8: behind an SRH, if there is one, that leads no further. */
static int ending_srv6(const struct reading *r, struct ending *e)
{
	const __u8 *srh = ending_bytes(r, e->at, 8);

	e->key.tunnel = TUNNEL_SRV6;
	if (e->proto == IPPROTO_ROUTING) {
		if (!srh)
			return REASON_DECAP_MALFORMED;
		if (srh[2] != 4 || srh[3])
			return REASON_NOT_ENDPOINT;
		e->proto = srh[0];
		e->at += 8 + 8 * srh[1];
	}
	return e->proto == IPPROTO_IPIP || e->proto == IPPROTO_IPV6 ? REASON_NONE : NO_TUNNEL;
}

/* RFC 2784 §2.1-2.3, RFC 2890 §2: checksum, key, sequence number, each four bytes, in this order. */
static int ending_gre(const struct reading *r, struct ending *e)
{
	const __u8 *gre = ending_bytes(r, e->at, 4), *key;

	e->key.tunnel = TUNNEL_GRE;
	if (!gre)
		return REASON_DECAP_MALFORMED;
	if (gre[1] & 7)
		return REASON_NOT_ENDPOINT;
	if (gre[0] & 0x4c)
		return REASON_DECAP_MALFORMED;
	e->at += gre[0] & 0x80 ? 8 : 4;
	if (gre[0] & 0x20) {
		key = ending_bytes(r, e->at, 4);
		if (!key)
			return REASON_DECAP_MALFORMED;
		e->key.keyed = true;
		e->key.id = get32(key);
		e->at += 4;
	}
	e->at += gre[0] & 0x10 ? 4 : 0;
	return ending_of_type(e, get16(gre + 2));
}

/* RFC 7348 §5: UDP, eight bytes of which the first says that there is a VNI, Ethernet. */
static int ending_vxlan(const struct reading *r, struct ending *e)
{
	const __u8 *udp = ending_bytes(r, e->at, 30);

	e->key.tunnel = TUNNEL_VXLAN;
	e->key.port = frame_dport(&r->frame);
	if (!udp)
		return REASON_DECAP_MALFORMED;
	e->key.id = get32(udp + 12) >> 8;
	if (!(udp[8] & 8))
		return REASON_NOT_ENDPOINT;
	if (e->at + get16(udp + 4) > e->end)
		return REASON_DECAP_MALFORMED;
	e->end = e->at + get16(udp + 4);
	e->at += 30;
	return ending_of_type(e, get16(udp + 28));
}

/* RFC 3032 §2.1: label, S bit, TTL. Nothing says what is inside but its own first bits. */
static int ending_mpls(const struct reading *r, struct ending *e)
{
	const __u8 *entry = ending_bytes(r, 14, 20), *ip;

	if (!entry)
		return NO_TUNNEL;
	e->key.tunnel = TUNNEL_MPLS;
	e->key.id = get32(entry) >> 12;
	e->at = 18;
	e->end = r->in->len;
	e->len = e->end - 14;
	if (!(entry[2] & 1))
		return REASON_NOT_ENDPOINT;
	if (entry[3] < 2)
		return REASON_HOP_LIMIT;
	ip = entry + 4;
	e->proto = *ip >> 4 == 6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	return REASON_NONE;
}

static bool ending_kind(const struct model *m, enum tunnel_type tunnel)
{
	return m->config.endpoints >> tunnel & 1;
}

static bool ending_port(const struct model *m, const struct frame *f)
{
	for (int i = 0; i < MAX_VXLAN_PORTS; i++)
		if (m->config.vxlan_port[i] && m->config.vxlan_port[i] == frame_dport(f))
			return true;
	return false;
}

/* REASON_NONE, why it can't come off if an endpoint is found all the same, or NO_TUNNEL. */
static int ending_read(const struct model *m, const struct reading *r, struct ending *e)
{
	const struct frame *f = &r->frame;

	if (ending_kind(m, TUNNEL_MPLS) && r->in->len >= 14 && get16(r->in->b + 12) == 0x8847)
		return ending_mpls(r, e);
	if (!r->ip || !model_is_ours(m, &f->dst))
		return NO_TUNNEL;
	e->key.dst = f->dst;
	e->at = f->l4;
	e->end = 14 + f->len;
	e->len = f->len;
	e->proto = f->proto;
	e->tclass = f->tclass;
	if (!model_is_loopback(m, &f->dst))
		return ending_kind(m, TUNNEL_SRV6) ? ending_srv6(r, e) : NO_TUNNEL;
	if (f->proto == IPPROTO_UDP)
		return ending_kind(m, TUNNEL_VXLAN) && ending_port(m, f) ? ending_vxlan(r, e) :
									    NO_TUNNEL;
	if (f->proto == IPPROTO_GRE && ending_kind(m, TUNNEL_GRE))
		return f->fragment ? REASON_NOT_ENDPOINT : ending_gre(r, e);
	if ((f->proto != IPPROTO_IPIP && f->proto != IPPROTO_IPV6) || !ending_kind(m, TUNNEL_IPIP))
		return NO_TUNNEL;
	e->key.tunnel = TUNNEL_IPIP;
	return f->fragment ? REASON_NOT_ENDPOINT : REASON_NONE;
}

/* With its own GRE key, else without. */
static const struct endpoint *ending_endpoint(const struct model *m, const struct ending *e)
{
	const struct endpoint *any = NULL;
	struct endpoint_key keyless = e->key;

	keyless.keyed = false;
	keyless.id = e->key.keyed ? 0 : e->key.id;
	for (__u32 i = 0; i < m->n_ends; i++) {
		if (!memcmp(&m->end[i].key, &e->key, sizeof(e->key)))
			return &m->end[i].value;
		if (!memcmp(&m->end[i].key, &keyless, sizeof(keyless)))
			any = &m->end[i].value;
	}
	return any;
}

/* Whole, and from the domain; a label says nothing of where it comes from. */
static enum reason ending_trust(const struct model *m, const struct reading *r, const struct ending *e)
{
	if (e->end > r->in->len)
		return REASON_DECAP_MALFORMED;
	if (e->key.tunnel == TUNNEL_MPLS)
		return REASON_NONE;
	if (r->frame.version == 4 && (r->frame.l4 > r->in->len ||
				      sum_end(sum_add(0, r->in->b + 14, r->frame.l4 - 14))))
		return REASON_DECAP_MALFORMED;
	return model_in(m->source, m->n_sources, &r->frame.src) ? REASON_NONE : REASON_ENDPOINT_SOURCE;
}

/* The packet inside, of a family that the endpoint takes, no longer than its tunnel, and one that a
 * router may have sent on. */
static enum reason ending_inner(const struct model *m, const struct reading *r, const struct ending *e,
				const struct endpoint *end, struct frame *inner)
{
	bool v6 = e->proto == IPPROTO_IPV6;
	const __u8 *b = r->in->b, *ip = ending_bytes(r, e->at, v6 ? 40 : 20);

	if (!(end->inner & 1U << (v6 ? INNER_V6 : INNER_V4)))
		return REASON_NOT_ENDPOINT;
	if (!ip)
		return REASON_DECAP_MALFORMED;
	if (!(v6 ? frame_ipv6(inner, ip, e->at, b + r->in->len) :
		   frame_ipv4(inner, ip, e->at, b + r->in->len)) ||
	    e->at + inner->len > e->end)
		return REASON_DECAP_MALFORMED;
	if (addr_is_multicast(&inner->src) || addr_is_link_local(&inner->src) ||
	    addr_is_multicast(&inner->dst) || addr_is_link_local(&inner->dst))
		return REASON_DECAP_INNER;
	return model_notifies(m, inner, r->in) ? REASON_DECAP_INNER : REASON_NONE;
}

/* RFC 6040, figure 4. Rows: inside; columns: outside; each Not-ECT, ECT(1), ECT(0), CE. */
static enum reason ending_ecn(struct model *m, __u8 inside, __u8 outside)
{
	static const __u8 becomes[4][4] = {
		{ 0, 0, 0, 0 },
		{ 1, 1, 1, 3 },
		{ 2, 1, 2, 3 },
		{ 3, 3, 3, 3 },
	};

	if (!inside && outside == 3)
		return REASON_ECN_INVALID;
	m->ecn = becomes[inside][outside];
	if ((!inside && outside) || (inside == 1 && outside == 2) || (inside == 3 && outside == 1))
		return REASON_ECN_UNUSED;
	return REASON_DECAPPED;
}

static bool model_decap(struct model *m, const struct reading *r)
{
	struct ending e = {};
	const struct endpoint *end;
	struct frame inner = {};
	int reason;

	if (!m->config.endpoints)
		return false;
	reason = ending_read(m, r, &e);
	if (reason == NO_TUNNEL)
		return false;
	end = ending_endpoint(m, &e);
	if (!end && (e.key.tunnel == TUNNEL_SRV6 || e.key.tunnel == TUNNEL_MPLS))
		return false;
	m->met = true;
	if (!end)
		reason = REASON_NOT_ENDPOINT;
	if (!reason)
		reason = ending_trust(m, r, &e);
	if (!reason)
		reason = ending_inner(m, r, &e, end, &inner);
	if (!reason)
		reason = ending_ecn(m, inner.tclass & 3, e.tclass & 3);
	model_verdict(m, reason, e.len);
	if (reason == REASON_DECAPPED || reason == REASON_ECN_UNUSED) {
		m->rewrites = true;
		m->off = e.at;
	}
	return true;
}

/* ---- what is left ---------------------------------------------------------------------------- */

/* The Ethernet header, of the right type; the packet that was inside and all behind it, changed in its
 * ECN field alone. A wrong IPv4 checksum stays as wrong as it was (RFC 1624). */
static bool decapped_right(const struct model *m, const struct bytes *in, const struct bytes *out)
{
	const __u8 *was = in->b + m->off, *is = out->b + 14;
	static struct bytes want;
	__u32 header;

	want.len = 0;
	bytes_put(&want, in->b, 12);
	bytes_put16(&want, *was >> 4 == 6 ? 0x86dd : 0x0800);
	bytes_put(&want, was, in->len - m->off);
	if (*was >> 4 == 6) {
		want.b[15] = (want.b[15] & 0xcf) | m->ecn << 4;
	} else {
		header = (*was & 15) * 4;
		want.b[15] = (want.b[15] & 0xfc) | m->ecn;
		if (out->len != want.len ||
		    sum_end(sum_add(0, was, header)) != sum_end(sum_add(0, is, header)))
			return false;
		memcpy(want.b + 24, is + 10, 2);
	}
	return out->len == want.len && !memcmp(out->b, want.b, want.len);
}

/* ---- packets --------------------------------------------------------------------------------- */

/* Of a golden tunnel: outer ECN field, and lengths, of which most would otherwise be right. */
static void tunnel_change(struct dice *d, struct bytes *frame)
{
	bool v4 = get16(frame->b + 12) == 0x0800, v6 = get16(frame->b + 12) == 0x86dd;
	__u8 *ip = frame->b + 14, ecn = dice_roll(d, 4), *len = ip + (v4 ? 2 : 4);
	__u32 header;

	if (frame->len < 54)
		return;
	if (v6)
		ip[1] = (ip[1] & 0xcf) | ecn << 4;
	if (v4)
		ip[1] = (ip[1] & 0xfc) | ecn;
	if ((v4 || v6) && dice_one_in(d, 8))
		store16(len, htons(get16(len) + dice_roll(d, 65) - 32));
	header = (*ip & 15) * 4;
	if (!v4 || dice_one_in(d, 16) || header < 20 || 14 + header > frame->len)
		return;
	store16(ip + 10, 0);
	store16(ip + 10, htons(sum_end(sum_add(0, ip, header))));
}

static void source_tunnel(struct bytes *frame, struct dice *d, const struct seeds *s)
{
	const struct draft *m = &s->frame[dice_roll(d, s->n_frames)];

	frame->len = m->len;
	memcpy(frame->b, m->b, m->len);
	frame_change(d, frame, 2);
	tunnel_change(d, frame);
}

#endif
