/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which packets a sender may be answered about: what toobig, tell and cnp have in common.
 */
#ifndef ANSWER_BPF_H
#define ANSWER_BPF_H

#include "account.bpf.h"
#include "packet.bpf.h"

#define ICMPV6_INFORMATIONAL 128 /* below: errors */
#define ICMP_UNREACH 3
#define ICMP_QUENCH 4
#define ICMP_REDIRECT 5
#define ICMP_TIME_EXCEEDED 11
#define ICMP_PARAMETER 12

/* ICMP types that report an error; the others inform. */
FN bool is_icmp_error(const struct frame *f, __u8 type)
{
	if (f->version == 6)
		return type < ICMPV6_INFORMATIONAL;
	return type == ICMP_UNREACH || type == ICMP_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER;
}

/*
 * RFC 4443 §2.4 (e), RFC 1122 §3.2.2: no answer to an error, to a fragment that is not the
 * first, or to a source that is no single host. Source by source the rate is limited, (f).
 */
FN bool may_answer(struct xdp_md *ctx, const struct frame *f, enum bucket_kind kind)
{
	struct bucket_key key = { .dst = f->src, .kind = kind };
	const void *data = packet_start(ctx), *end = packet_end(ctx);
	const __u8 *ip = packet_at(data, end, ETH_LEN, IPV4_LEN), *icmp;

	if (!ip || addr_is_unspecified(&f->src) || addr_is_multicast(&f->src))
		return false;
	if (f->version == 4 && !f->src.l_be[3])
		return false;
	if (f->version == 4 && load16(ip + IPV4_OFF_FRAG) & be16(IPV4_FRAG_OFFSET))
		return false;
	if (f->proto == (f->version == 6 ? PROTO_ICMPV6 : PROTO_ICMP)) {
		icmp = packet_at(data, end, f->l4, 1);
		if (!icmp || is_icmp_error(f, *icmp))
			return false;
	}
	return bucket_allows(&key, 1, bpf_ktime_get_ns());
}

#endif
