/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The notification, on both transports: bytes to struct msg and back. docs/wire.md is the text that
 * this follows; wire.h has its numbers. Parse, then handle: nobody else looks at message bytes.
 *
 * Reading, in BPF (the host does the same with memcpy):
 *
 *	struct msg_buf *buf = &scratch->buf;
 *	struct msg_rules rules = msg_rules(&config);
 *	struct msg_envelope from = { .src = ..., .dst = ..., .transport = TRANSPORT_UDP };
 *
 *	if (len > WIRE_MSG_MAX)
 *		return REASON_TOO_LONG;
 *	bpf_xdp_load_bytes(ctx, l4_offset, buf->b, len);
 *	reason = msg_parse(msg, &rules, &from, buf, len);
 *	if (reason == REASON_NONE && key)
 *		reason = msg_auth(msg, key, &from, buf);
 *	if (reason == REASON_NONE && msg_has(msg, TLVI_EVENT))
 *		... msg->event_id, msg->sequence ...
 *	if (msg->code & CODE_SRV6 && msg_tunnel_key(&key, msg, buf, CODE_SRV6))
 *		... look it up ...
 *
 * Writing, TLVs in ascending order:
 *
 *	struct writer w = msg_begin(buf, &from);
 *
 *	msg_put_tunnel(&w, &key);
 *	msg_put_copy(&w, link->location, link->location_len, LOCATION_MAX);
 *	msg_put_event(&w, &rules, event_id, sequence, validity_ms);
 *	msg_put_u32(&w, &rules, TLV_DOMAIN, config.domain);
 *	msg_put_byte(&w, &rules, TLV_CAUSE, CAUSE_CARRIER);
 *	len = msg_finish(&w, &rules, &from, KIND_FAILURE, key.code);	(0 = did not fit)
 *	... the message is buf->b[0..len), the IP header may go right in front of it ...
 *
 * A whole struct msg to bytes, on the host: msg_build.h.
 */
#ifndef FANTEL_MSG_H
#define FANTEL_MSG_H

#include "msg_types.h"
#include "msg_parse.h"
#include "msg_auth.h"
#include "msg_write.h"

#endif
