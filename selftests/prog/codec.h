/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What test_codec.c and codec.bpf.c share: the state they exchange, and a message written the way
 * detect writes them, so that host and BPF can do the same and be compared.
 */
#ifndef CODEC_H
#define CODEC_H

#include "fantel/msg.h"

struct codec {
	/* in */
	struct msg_envelope envelope;
	struct msg_rules rules;
	struct mac_key key; /* algorithm 0: not authenticated */
	struct tunnel_key tunnel; /* what codec_write writes */
	__u8 location[LOCATION_MAX];
	__u32 location_len;
	/* in and out */
	struct msg_buf buf;
	/* out */
	struct msg msg;
	struct tunnel_key named[3]; /* by bit of CODE; code 0: none */
	__u32 reason;		    /* enum reason */
	__u32 len;
};

/* A message with all that detect has to say. */
FN __u32 codec_write(struct msg_buf *buf, const struct codec *c)
{
	struct writer w = msg_begin(buf, &c->envelope);
	__u32 auth_at = 0, len;

	msg_put_tunnel(&w, &c->tunnel);
	msg_put_copy(&w, c->location, c->location_len, LOCATION_MAX);
	msg_put_event(&w, &c->rules, 7, 0x6550000000000001ULL, 30000);
	msg_put_u64(&w, &c->rules, TLV_TIMESTAMP, 1700000000123456789ULL);
	msg_put_flow(&w, &c->rules, 17, 49152, 4791, &c->envelope.src, &c->envelope.dst);
	msg_put_u32(&w, &c->rules, TLV_DOMAIN, 42);
	msg_put_byte(&w, &c->rules, TLV_CAUSE, CAUSE_CARRIER);
	if (c->key.algorithm) {
		auth_at = w.at + WIRE_TLV_HDR;
		msg_put_auth(&w, &c->rules, 3, c->key.algorithm);
	}
	len = msg_finish(&w, &c->rules, &c->envelope, KIND_FAILURE, c->tunnel.code);
	if (len && auth_at && msg_sign(buf, &c->envelope, len, &c->key, auth_at, 0))
		return 0;
	return len;
}

#endif
