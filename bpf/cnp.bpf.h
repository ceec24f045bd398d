/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Ingress PE: a RoCEv2 packet that congestion leaves no room for becomes the Congestion Notification
 * Packet that its receiver would have sent (annex A17 §A17.9.3), so that the sender's own rate control
 * answers: a CNP to the sender's QP, from the receiver's address, with BECN.
 *
 * No packet of the sender names its QP. Packets of the other direction do: at the tc egress of customer
 * ports each RoCEv2 packet tells the DestQP that its receiver has for its sender. With several QPs
 * between two hosts the UDP source port tells which belongs to which, where both ends make it of both
 * QPs, as Linux does; where they don't, only a QP that has long been the only one of two hosts is known.
 */
#ifndef CNP_BPF_H
#define CNP_BPF_H

#include "account.bpf.h"
#include "answer.bpf.h"
#include "fantel/icrc.h"
#include "packet.bpf.h"
#include "reply.bpf.h"
#include "scratch.bpf.h"

#define BTH_CNP 0x81
#define BTH_OFF_PKEY 2
#define BTH_BECN 0x40
#define CNP_RESERVED 16
#define QP_HEADERS 128 /* of a packet, to be read in one piece */
#define CNP_LEN (UDP_LEN + BTH_LEN + CNP_RESERVED + ICRC_LEN)

/* ---- whose QP ------------------------------------------------------------------------------- */

/* One sighting; with `sport` 0 of any QP of the two hosts. */
FN void qp_note(struct qp_key *key, __u32 qp, __u64 now)
{
	struct qp *known = bpf_map_lookup_elem(&fantel_qps, key);
	struct qp fresh = { .qp = qp, .since = now, .seen = now };

	if (!known) {
		bpf_map_update_elem(&fantel_qps, key, &fresh, BPF_ANY);
		return;
	}
	/* Several at a time can't be told apart; one after the other they can. */
	if (now - known->seen > QP_LASTS || known->qp != qp)
		known->since = now;
	if (known->qp != qp) {
		if (now - known->seen <= QP_LASTS)
			known->several_at = now;
		known->qp = qp;
	}
	known->seen = now;
}

FN bool qp_is_learned(const struct frame *f)
{
	return f->proto == PROTO_UDP && !f->fragment && frame_dport(f) == ROCE_PORT && f->qp;
}

FN int qp_learn(struct __sk_buff *skb)
{
	const void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct qp_key key = {};
	struct frame f;
	__u64 now;

	/* Drivers may leave headers outside the linear part. */
	if (data + QP_HEADERS > end && (__u32)(end - data) < skb->len) {
		bpf_skb_pull_data(skb, MIN(skb->len, QP_HEADERS));
		data = (const void *)(long)skb->data;
		end = (const void *)(long)skb->data_end;
	}
	if (!frame_parse(&f, data, end) || !qp_is_learned(&f))
		return TC_NEXT;
	now = bpf_jiffies64();
	key.host = f.dst;
	key.peer = f.src;
	qp_note(&key, f.qp, now);
	key.sport = frame_sport(&f);
	qp_note(&key, f.qp, now);
	return TC_NEXT;
}

/* The sender's QP, network order; 0: unknown, or one of several. That of other ports only where it has
 * been the only one for a while: the others' answers may be under way. */
FN __u32 qp_find(const struct frame *f)
{
	struct qp_key key = { .host = f->src, .peer = f->dst, .sport = frame_sport(f) };
	__u64 now = bpf_jiffies64();
	struct qp *known = bpf_map_lookup_elem(&fantel_qps, &key);

	if (!known) {
		key.sport = 0;
		known = bpf_map_lookup_elem(&fantel_qps, &key);
		if (!known || now - known->since < QP_SETTLES)
			return 0;
	}
	if (now - known->seen > QP_LASTS)
		return 0;
	return known->several_at && now - known->several_at <= QP_LASTS ? 0 : known->qp;
}

/* ---- the packet ----------------------------------------------------------------------------- */

/* The whole of it stands in scratch, IP header included, because the ICRC covers that. Returns what
 * is behind the IP header. */
FN __u32 cnp_build(struct scratch *s, const struct msg_envelope *from, __be16 pkey_be, __u32 qp)
{
	bool v4 = addr_is_v4(&from->dst);
	__u8 *udp = s->buf.b, *bth = udp + UDP_LEN;
	__u8 *ip = v4 ? udp - IPV4_LEN : udp - IPV6_LEN;

	memset(s->buf.b, 0, CNP_LEN);
	store32(udp, be32((__u32)frame_sport(&s->outer) << 16 | ROCE_PORT));
	store16(udp + UDP_OFF_LEN, be16(CNP_LEN));
	bth[0] = BTH_CNP;
	store16(bth + BTH_OFF_PKEY, pkey_be);
	store32(bth + BTH_OFF_QP, qp | be32((__u32)BTH_BECN << 24));
	if (v4)
		reply_ipv4(ip, from, PROTO_UDP, CNP_LEN);
	else
		reply_ipv6(ip, from, PROTO_UDP, CNP_LEN);
	if (v4)
		store32(udp + CNP_LEN - ICRC_LEN, icrc(ip, IPV4_LEN + CNP_LEN - ICRC_LEN, true));
	else
		store32(udp + CNP_LEN - ICRC_LEN, icrc(ip, IPV6_LEN + CNP_LEN - ICRC_LEN, false));
	/* IPv4 goes without, as RoCEv2 may. */
	if (!v4)
		store16(udp + UDP_OFF_SUM, msg_checksum(&s->buf, from, CNP_LEN));
	return CNP_LEN;
}

/*
 * An XDP action, or NOT_OURS, and the packet as it came, where no CNP can be made of it. A packet that
 * is to be dropped anyway; s->outer is its headers. A global function: rarely called, and large.
 */
SUBPROG int cnp(struct xdp_md *ctx)
{
	struct scratch *s = scratch();
	__be16 pkey_be;
	__u32 qp;
	int action;

	if (!s || !qp_is_learned(&s->outer))
		return NOT_OURS;
	if (bpf_xdp_load_bytes(ctx, s->outer.l4 + UDP_LEN + BTH_OFF_PKEY, &pkey_be, sizeof(pkey_be)))
		return NOT_OURS;
	qp = qp_find(&s->outer);
	if (!qp || !may_answer(ctx, &s->outer, BUCKET_CNP))
		return NOT_OURS;
	s->from.src = s->outer.dst;
	s->from.dst = s->outer.src;
	s->from.transport = TRANSPORT_UDP;
	s->way.proto = PROTO_UDP;
	way_back(ctx, &s->way);
	action = reply(ctx, s, &s->from, &s->way, cnp_build(s, &s->from, pkey_be, qp));
	if (action == NOT_SENT)
		return verdict(REASON_INTERNAL, s->outer.len);
	count(REASON_CNP, s->outer.len);
	return action;
}

#endif
