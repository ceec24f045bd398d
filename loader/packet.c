// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* See packet.h. Called by decode. Verdicts are msg_parse's; this adds where and what. */
#include <stdarg.h>
#include <stdio.h>

#include "fantel/frame.h"
#include "packet.h"
#include "words.h"

static bool __attribute__((format(printf, 4, 5)))
found(struct finding *f, enum reason reason, __u32 at, const char *fmt, ...)
{
	va_list ap;

	f->reason = reason;
	f->at = at;
	va_start(ap, fmt);
	vsnprintf(f->detail, sizeof(f->detail), fmt, ap);
	va_end(ap);
	return false;
}

/* ---- the IP header --------------------------------------------------------------------------- */

static bool read_v6(struct packet *p, struct finding *f, const __u8 *bytes, __u32 n)
{
	__u32 word;

	if (n < IPV6_LEN)
		return found(f, REASON_NOT_IP, n, "cut in its IPv6 header, after %u of %u bytes", n,
			     IPV6_LEN);
	word = be32(load32(bytes));
	p->tclass = word >> 20;
	p->len = IPV6_LEN + be16(load16(bytes + IPV6_OFF_LEN));
	p->protocol = bytes[IPV6_OFF_NEXTHDR];
	p->hop_limit = bytes[IPV6_OFF_HOP_LIMIT];
	p->envelope.src = addr_load(bytes + IPV6_OFF_SRC);
	p->envelope.dst = addr_load(bytes + IPV6_OFF_DST);
	p->l4 = IPV6_LEN;
	return true;
}

static bool read_v4(struct packet *p, struct finding *f, const __u8 *bytes, __u32 n)
{
	if (n < IPV4_LEN)
		return found(f, REASON_NOT_IP, n, "cut in its IPv4 header, after %u of %u bytes", n,
			     IPV4_LEN);
	p->l4 = (bytes[0] & 0xf) * 4;
	p->tclass = bytes[IPV4_OFF_TOS];
	p->len = be16(load16(bytes + IPV4_OFF_LEN));
	p->protocol = bytes[IPV4_OFF_PROTO];
	p->hop_limit = bytes[IPV4_OFF_TTL];
	p->envelope.src = addr_from_v4(load32(bytes + IPV4_OFF_SRC));
	p->envelope.dst = addr_from_v4(load32(bytes + IPV4_OFF_DST));
	if (p->l4 < IPV4_LEN || p->len < p->l4)
		return found(f, REASON_NOT_IP, 0, "an IPv4 header of %u bytes in a packet of %u",
			     p->l4, p->len);
	if (be16(load16(bytes + IPV4_OFF_FRAG)) & IPV4_FRAG_MASK)
		return found(f, REASON_NOT_IP, IPV4_OFF_FRAG,
			     "a fragment; notifications are never fragmented");
	return true;
}

static bool read_l4(struct packet *p, struct finding *f, const __u8 *bytes,
		    const struct msg_rules *rules)
{
	__u32 port;

	if (p->protocol == PROTO_ICMPV6 && p->version == 6) {
		p->envelope.transport = TRANSPORT_ICMPV6;
		return true;
	}
	p->envelope.transport = TRANSPORT_UDP;
	if (p->protocol != PROTO_UDP)
		return found(f, REASON_TYPE, p->version == 6 ? IPV6_OFF_NEXTHDR : IPV4_OFF_PROTO,
			     "protocol %u carries no notifications over IPv%u; UDP (17)%s would",
			     p->protocol, p->version, p->version == 6 ? " and ICMPv6 (58)" : "");
	if (p->len - p->l4 < UDP_LEN)
		return true;
	port = be16(load16(bytes + p->l4 + UDP_OFF_DPORT));
	if (port != rules->udp_port)
		return found(f, REASON_TYPE, p->l4 + UDP_OFF_DPORT,
			     "UDP port %u; notifications go to %u (--port tells another)", port,
			     rules->udp_port);
	return true;
}

bool packet_read(struct packet *p, struct finding *f, const __u8 *bytes, __u32 n,
		 const struct msg_rules *rules)
{
	*p = (struct packet){ .version = n ? bytes[0] >> 4 : 0 };
	if (p->version != 4 && p->version != 6)
		return found(f, REASON_NOT_IP, 0, "%s; packets start with their IP header",
			     n ? "neither IPv4 nor IPv6" : "nothing there");
	if (!(p->version == 6 ? read_v6(p, f, bytes, n) : read_v4(p, f, bytes, n)))
		return false;
	if (p->len > n)
		return found(f, REASON_NOT_IP, n, "cut short: %u of %u bytes are there", n, p->len);
	return read_l4(p, f, bytes, rules);
}

/* ---- the message ----------------------------------------------------------------------------- */

static void explain_checksum(struct finding *f, const struct packet *p, const struct msg_buf *buf,
			     __u32 len)
{
	bool udp = p->envelope.transport == TRANSPORT_UDP;
	__u32 at = udp ? UDP_OFF_SUM : ICMP_OFF_SUM;
	struct msg_buf copy = *buf;
	__u16 sum = be16(load16(buf->b + at));

	store16(copy.b + at, 0);
	if (udp && !sum)
		found(f, REASON_CHECKSUM, p->l4 + at, "there is none; UDP notifications have one");
	else
		found(f, REASON_CHECKSUM, p->l4 + at, "it is 0x%04x, 0x%04x would be right", sum,
		      be16(msg_checksum(&copy, &p->envelope, len)));
}

/* The part of Tunnel Info at `at`, the first that is wrong. */
static void explain_tunnel(struct finding *f, __u32 l4, const struct msg_head *h,
			   const struct msg_buf *buf, __u32 len)
{
	const __u8 *p = buf->b + h->at;
	__u32 left = len - h->at, at = l4 + h->at, segments;

	if (h->part == CODE_IP) {
		found(f, REASON_TUNNEL, at, "an address of %u bytes; 16 would be right", left);
	} else if (h->part == CODE_MPLS) {
		found(f, REASON_TUNNEL, at, "no bottom of stack in %u bytes, at most %u entries",
		      left, WIRE_LABELS_MAX);
	} else if (left < WIRE_SRH_FIXED) {
		found(f, REASON_TUNNEL, at, "an SRH of %u bytes", left);
	} else if (p[WIRE_SRH_OFF_TYPE] != WIRE_SRH_ROUTING_TYPE) {
		found(f, REASON_TUNNEL, at + WIRE_SRH_OFF_TYPE,
		      "a routing header of type %u; an SRH has %u", p[WIRE_SRH_OFF_TYPE],
		      WIRE_SRH_ROUTING_TYPE);
	} else {
		segments = p[WIRE_SRH_OFF_LAST_ENTRY] + 1;
		if (p[WIRE_SRH_OFF_HDRLEN] < 2 * segments)
			found(f, REASON_TUNNEL, at + WIRE_SRH_OFF_LAST_ENTRY,
			      "%u segments do not fit an SRH of %u bytes", segments,
			      8 * p[WIRE_SRH_OFF_HDRLEN] + 8);
		else
			found(f, REASON_TUNNEL, at, "an SRH of %u bytes where %u are left",
			      8 * p[WIRE_SRH_OFF_HDRLEN] + 8, left);
	}
}

static void explain_length(struct finding *f, __u32 at, const char *word, __u32 type, __u32 n,
			   __u32 min, __u32 max)
{
	if (n < min || n > max)
		found(f, REASON_TLV, at, "%s (%u) of %u bytes; %u%s%.0u would be right", word, type,
		      n, min, max > min ? " to " : "", max > min ? max : 0);
	else
		found(f, REASON_TLV, at, "%s (%u) whose %u bytes are not what they should be", word,
		      type, n);
}

/* The TLV or sub-TLV where the walk stopped. */
static void explain_tlv(struct finding *f, __u32 l4, const struct msg_walk *w,
			const struct msg_buf *buf)
{
	__u32 left = w->level_end - w->next, at = l4 + w->next, type, n, index, min, max;
	const __u8 *p = buf->b + w->next;
	const char *sub = w->node ? "sub-" : "";

	if (left < WIRE_TLV_HDR) {
		found(f, REASON_TLV, at, "%u bytes are left; a %sTLV has at least %u", left, sub,
		      WIRE_TLV_HDR);
		return;
	}
	type = be16(load16(p));
	n = be16(load16(p + 2));
	if (n > left - WIRE_TLV_HDR)
		found(f, REASON_TLV, at, "%sTLV %u (%s) claims %u bytes, %u are left", sub, type,
		      w->node ? subtlv_word(type) : tlv_word(type), n, left - WIRE_TLV_HDR);
	else if (w->node && msg_subtlv_find(type, &index, &min, &max))
		explain_length(f, at, subtlv_word(type), type, n, min, max);
	else if (msg_tlv_find(type, &index, &min, &max))
		explain_length(f, at, tlv_word(type), type, n, min, max);
	else
		found(f, REASON_TLV, at,
		      "private TLV %u of %u bytes, too few for its enterprise number", type, n);
}

/* Go the way again that msg_parse went, to where it stopped. */
static void explain(struct finding *f, enum reason reason, const struct packet *p,
		    struct msg_buf *buf, __u32 len, const struct msg_rules *rules)
{
	bool udp = p->envelope.transport == TRANSPORT_UDP;
	struct msg_head head = {};
	struct msg_walk walk = {};
	const __u8 *first;

	msg_parse_head(&head, rules, &p->envelope, buf, len);
	first = buf->b + head.at;
	found(f, reason, p->l4 + head.at, "%s", "");
	switch (reason) {
	case REASON_TOO_SHORT:
		found(f, reason, p->l4, "%u bytes after the IP header; %u at least", len,
		      msg_body(p->envelope.transport));
		break;
	case REASON_TOO_LONG:
		found(f, reason, p->l4, "%u bytes with the IP header", p->len);
		break;
	case REASON_LENGTH:
		found(f, reason, p->l4 + UDP_OFF_LEN, "it is %u, the IP header leaves %u",
		      be16(load16(buf->b + UDP_OFF_LEN)), len);
		break;
	case REASON_CHECKSUM:
		explain_checksum(f, p, buf, len);
		break;
	case REASON_VERSION:
		found(f, reason, p->l4 + head.at, "version %u; %u is known", first[0] >> 4,
		      WIRE_VERSION);
		break;
	case REASON_TYPE:
		found(f, reason, p->l4 + head.at, "type %u (--types tells others)",
		      udp ? be32(load32(first)) >> WIRE_UDP_TYPE_SHIFT & 0xff : first[0]);
		break;
	case REASON_TUNNEL:
		explain_tunnel(f, p->l4, &head, buf, len);
		break;
	case REASON_TLV:
		msg_walk(&walk, buf, rules->enterprise, head.at, len);
		explain_tlv(f, p->l4, &walk, buf);
		break;
	default:
		break;
	}
}

bool packet_parse(struct msg *msg, struct finding *f, struct msg_buf *buf, const struct packet *p,
		  const __u8 *bytes, const struct msg_rules *rules)
{
	__u32 len = p->len - p->l4;
	enum reason reason;

	memset(buf, 0, sizeof(*buf));
	memcpy(buf->b, bytes + p->l4, MIN(len, WIRE_MSG_MAX));
	reason = msg_parse(msg, rules, &p->envelope, buf, len);
	if (!reason)
		return true;
	explain(f, reason, p, buf, len, rules);
	return false;
}
