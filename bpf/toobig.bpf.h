/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Ingress PE: a packet that the path's MTU can't carry turns into the ICMP error for its sender:
 * ICMPv6 Packet Too Big (RFC 4443 §3.2) or ICMPv4 fragmentation needed (RFC 1191), with the MTU that
 * is left for it inside the tunnel (RFC 2473 §7). IPv4 without DF is treated alike: we don't
 * fragment RDMA, and the counter says that it was lost.
 */
#ifndef TOOBIG_BPF_H
#define TOOBIG_BPF_H

#include "account.bpf.h"
#include "answer.bpf.h"
#include "packet.bpf.h"
#include "reply.bpf.h"
#include "scratch.bpf.h"

#define ICMP_LEN 8
#define ICMPV6_PACKET_TOO_BIG 2
#define ICMP_FRAG_NEEDED 4
#define IPV4_DUMMY 0xc0000008 /* 192.0.0.8, RFC 7600 §4.8: the source of a node without IPv4 */

/* How much of the packet is quoted: the error fits 1280 bytes (RFC 4443 §2.4 c), 576 in IPv4 (RFC
 * 1812 §4.3.2.3). */
#define QUOTE_MAX_V6 (1280 - IPV6_LEN - ICMP_LEN)
#define QUOTE_MAX_V4 (576 - IPV4_LEN - ICMP_LEN)

/* ICMP header of 8 bytes: type, code, checksum, and the MTU, whose place and size differ. */
FN __u32 toobig_message(struct xdp_md *ctx, struct scratch *s, const struct frame *f,
			const struct msg_envelope *from, __u32 mtu)
{
	bool v6 = f->version == 6;
	__u32 quote = MIN(f->len, v6 ? QUOTE_MAX_V6 : QUOTE_MAX_V4);
	__u64 sum;

	if (quote < IPV4_LEN || bpf_xdp_load_bytes(ctx, ETH_LEN, s->buf.b + ICMP_LEN, quote))
		return 0;
	store32(s->buf.b, v6 ? be32(ICMPV6_PACKET_TOO_BIG << 24) :
			       be32(ICMP_UNREACH << 24 | ICMP_FRAG_NEEDED << 16));
	store32(s->buf.b + 4, be32(mtu));
	sum = msg_sum(&s->buf, ICMP_LEN + quote);
	if (v6)
		sum += msg_sum_envelope(from, ICMP_LEN + quote);
	store16(s->buf.b + 2, ~sum_fold(sum));
	return ICMP_LEN + quote;
}

/* `mtu`: of the inner packet. Returns the XDP action. A global function: rarely called, and large. */
SUBPROG int toobig(struct xdp_md *ctx, __u32 mtu)
{
	struct scratch *s = scratch();
	struct msg_envelope from = {};
	struct way way = {};
	struct frame *f;
	int action;

	if (!s)
		return verdict(REASON_INTERNAL, 0);
	f = &s->outer;
	if (!scratch_frame(ctx, s))
		return verdict(REASON_INTERNAL, 0);
	if (!may_answer(ctx, f, BUCKET_TOO_BIG))
		return verdict(REASON_TOO_BIG_LIMITED, f->len);
	from.dst = f->src;
	from.src = config_addr(&config.loopback6);
	way.proto = PROTO_ICMPV6;
	if (f->version == 4) {
		way.proto = PROTO_ICMP;
		from.src = config_addr(&config.loopback4);
		if (addr_is_unspecified(&from.src))
			from.src = addr_from_v4(be32(IPV4_DUMMY));
	}
	way_back(ctx, &way);
	action = reply(ctx, s, &from, &way, toobig_message(ctx, s, f, &from, mtu));
	if (action == NOT_SENT)
		return verdict(REASON_INTERNAL, f->len);
	count(REASON_TOO_BIG, f->len);
	return action;
}

#endif
