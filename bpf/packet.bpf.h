/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What XDP programs do to a packet as a whole: pull its bounds, make room, send it out.
 */
#ifndef PACKET_BPF_H
#define PACKET_BPF_H

#include "fantel/ecn.h"
#include "fantel/frame.h"
#include "fantel/msg_types.h"
#include "maps.bpf.h"

#define AF_INET 2
#define AF_INET6 10

/* In place of an XDP action or a reason: the packet is for someone else, and as it came. */
#define NOT_OURS (-1)

/* From a tc program, TCX_NEXT and TC_ACT_UNSPEC: whoever comes next decides. */
#define TC_NEXT (-1)

/* Read ctx anew: else the compiler may make one load out of several by computing addresses in it,
 * and the verifier says "dereference of modified ctx ptr". */
#define CTX_PIN(ctx) asm volatile("" : "+r"(ctx))

FN void *packet_start(struct xdp_md *ctx)
{
	return (void *)(long)ctx->data;
}

FN void *packet_end(struct xdp_md *ctx)
{
	return (void *)(long)ctx->data_end;
}

/* Does the frame hold `len` bytes? Counts buffers beyond the first, which cost a helper to ask. */
FN bool packet_holds(struct xdp_md *ctx, __u32 len)
{
	if (LIKELY(packet_start(ctx) + len <= packet_end(ctx)))
		return true;
	return bpf_xdp_get_buff_len(ctx) >= len;
}

/* n bytes, a constant, at a run-time offset from `data`; NULL where the linear part ends before. */
FN const __u8 *packet_at(const void *data, const void *end, __u32 offset, __u32 n)
{
	const __u8 *p;

	/* Beyond 0xffff the verifier knows nothing: "invalid access to packet, off=0 size=1". */
	if (offset > 0x3fff)
		return NULL;
	p = data + offset;
	return p + n > (const __u8 *)end ? NULL : p;
}

/* Six bytes of MAC, in words of two: struct bpf_fib_lookup on the stack is no better aligned. */
FN void mac_copy(__u8 *to, const __u8 *from)
{
	store16(to, load16(from));
	store16(to + 2, load16(from + 2));
	store16(to + 4, load16(from + 4));
}

FN void mac_swap(__u8 *eth)
{
	__u16 dst[3] = { load16(eth), load16(eth + 2), load16(eth + 4) };

	mac_copy(eth, eth + 6);
	store16(eth + 6, dst[0]);
	store16(eth + 8, dst[1]);
	store16(eth + 10, dst[2]);
}

/* The traffic class of the packet at `ip`, and the IPv4 checksum for it (RFC 1624, equation 3). */
FN void packet_set_tclass(__u8 *ip, const struct frame *f, __u32 tclass)
{
	__u16 old = load16(ip), new;
	__u32 sum;

	if (f->version == 6) {
		ip[0] = 6 << 4 | tclass >> 4;
		ip[1] = tclass << 4 | (ip[1] & 15);
		return;
	}
	ip[IPV4_OFF_TOS] = tclass;
	new = load16(ip);
	sum = (__u16)~load16(ip + IPV4_OFF_CSUM) + (__u16)~old + new;
	store16(ip + IPV4_OFF_CSUM, ~sum_fold(sum));
}

FN void packet_set_ecn(__u8 *ip, const struct frame *f, __u32 ecn)
{
	packet_set_tclass(ip, f, (f->tclass & ~ECN_MASK) | ecn);
}

FN void prefix_key_full(struct prefix_key *key, const struct addr *a)
{
	key->plen = 128;
	key->addr_be[0] = a->l_be[0];
	key->addr_be[1] = a->l_be[1];
	key->addr_be[2] = a->l_be[2];
	key->addr_be[3] = a->l_be[3];
}

/* A loopback that the node does not have is unspecified. */
FN bool is_loopback(const struct addr *a)
{
	struct addr loopback6 = config_addr(&config.loopback6);
	struct addr loopback4 = config_addr(&config.loopback4);

	if (addr_is_unspecified(a))
		return false;
	return addr_equal(a, &loopback6) || addr_equal(a, &loopback4);
}

/* Ours: a loopback, or a SID. */
FN bool is_ours(const struct addr *a)
{
	struct addr locator = config_addr(&config.locator);

	if (config.locator_len && addr_in_prefix(a, &locator, config.locator_len))
		return true;
	return is_loopback(a);
}

/* A FANTEL notification by type or port, whoever it is for. */
FN bool is_notification(const struct frame *f, const void *data, const void *end)
{
	const __u8 *l4;

	if (f->proto == PROTO_UDP)
		return frame_dport(f) == config.udp_port;
	if (f->proto != PROTO_ICMPV6 || f->version != 6)
		return false;
	l4 = packet_at(data, end, f->l4, 1);
	if (!l4)
		return false;
	for (int i = 0; i < KIND_COUNT; i++)
		if (*l4 == config.type[i])
			return true;
	return false;
}

#endif
