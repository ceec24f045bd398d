// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The floor: the least that any ingress PE must do, and what steer is measured against. Parses
 * Ethernet, IPv6 and UDP, looks the destination up, pushes one fixed header, sends. No choice of
 * path, no hop limit, no ECN, no MTU, no counter. bench.c fills the trie and runs it.
 */
#include "fantel/abi.h"

#define ETH_LEN 14
#define IP6_LEN 40
#define UDP_LEN 8
#define SRH_LEN (8 + 3 * 16)
#define PUSH_LEN (IP6_LEN + SRH_LEN)
#define PROTO_UDP 17
#define ETHERTYPE_IP6 0x86dd

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__type(key, struct prefix_key);
	__type(value, struct class_value);
	__uint(max_entries, MAX_CLASSES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
} floor_classes SEC(".maps");

#define SID(n) 0xfc, 0, 0, 0, 0, n, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10

/* Ethernet, IPv6 with payload length 0, SRH. Constant, so that clang stores immediates. */
static const __u8 header[ETH_LEN + PUSH_LEN] __attribute__((aligned(8))) = {
	2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd,		  /* Ethernet */
	0x60, 0, 0, 1, 0, 0, 43, 64,					  /* IPv6, routing header */
	0xfc, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, SID(1),	  /* from, to */
	41, 6, 4, 2, 2, 0, 0, 0, SID(3), SID(2), SID(1),		  /* SRH: IPv6 next */
};
_Static_assert(sizeof(header) % 8 == 6, "copied as words, then 4 and 2 bytes");

SEC("xdp.frags")
int floor_push(struct xdp_md *ctx)
{
	/* The address on 8 bytes: the trie reads it by words, straight after we wrote it. */
	struct {
		__u32 pad;
		__u32 plen;
		__u64 addr[2];
	} key = { .plen = 128 };
	const __u8 *p = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u32 payload, i;
	__u8 *out;

	if (p + ETH_LEN + IP6_LEN + UDP_LEN > end)
		return XDP_PASS;
	if (load16(p + 12) != be16(ETHERTYPE_IP6) || p[ETH_LEN + 6] != PROTO_UDP)
		return XDP_PASS;
	key.addr[0] = load64(p + ETH_LEN + 24);
	key.addr[1] = load64(p + ETH_LEN + 32);
	payload = be16(load16(p + ETH_LEN + 4));
	if (!bpf_map_lookup_elem(&floor_classes, &key.plen))
		return XDP_PASS;

	if (bpf_xdp_adjust_head(ctx, -PUSH_LEN))
		return XDP_DROP;
	out = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (out + sizeof(header) > end)
		return XDP_DROP;
#pragma unroll
	for (i = 0; i + 8 <= sizeof(header); i += 8)
		store64(out + i, load64(header + i));
	store32(out + i, load32(header + i));
	store16(out + i + 4, load16(header + i + 4));
	store16(out + ETH_LEN + 4, be16(payload + IP6_LEN + SRH_LEN));
	return XDP_TX;
}

char _license[] SEC("license") = "Dual BSD/GPL";
