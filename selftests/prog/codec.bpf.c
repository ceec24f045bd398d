// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The codec of include/fantel as BPF, for test_codec.c: a message is read out of a packet and
 * parsed, or written. As in our programs, everything large lives in a map.
 */
#include "codec.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct codec);
	__uint(max_entries, 1);
} codec_state SEC(".maps");

static __always_inline struct codec *state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&codec_state, &zero);
}

/* The message, from its ICMPv6 or UDP header on, is behind an Ethernet and an IPv6 header. */
#define L4 54

SEC("xdp.frags")
int codec_parse(struct xdp_md *ctx)
{
	struct msg_envelope envelope;
	__u64 len = bpf_xdp_get_buff_len(ctx) - L4;
	struct codec *c = state();
	struct msg_rules rules;

	if (!c || len < WIRE_HDR_LEN || len > WIRE_MSG_MAX ||
	    bpf_xdp_load_bytes(ctx, L4, c->buf.b, len))
		return XDP_ABORTED;
	rules = c->rules;
	envelope = c->envelope;
	c->reason = msg_parse(&c->msg, &rules, &envelope, &c->buf, len);
	if (c->reason == REASON_NONE && c->key.algorithm)
		c->reason = msg_auth(&c->msg, &c->key, &envelope, &c->buf);
	return XDP_PASS;
}

/* Which tunnels the message names that was parsed before. */
SEC("xdp.frags")
int codec_name(struct xdp_md *ctx)
{
	struct codec *c = state();

	if (!c)
		return XDP_ABORTED;
	c->named[0].code = c->named[1].code = c->named[2].code = 0;
	msg_tunnel_key(&c->named[0], &c->msg, &c->buf, CODE_IP);
	msg_tunnel_key(&c->named[1], &c->msg, &c->buf, CODE_SRV6);
	msg_tunnel_key(&c->named[2], &c->msg, &c->buf, CODE_MPLS);
	return XDP_PASS;
}

SEC("xdp.frags")
int codec_build(struct xdp_md *ctx)
{
	struct codec *c = state();

	if (!c)
		return XDP_ABORTED;
	c->len = codec_write(&c->buf, c);
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
