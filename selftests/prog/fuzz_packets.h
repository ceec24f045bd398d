/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Packets that nobody would send, made of those that somebody does: golden messages and golden
 * packets, changed at random. Lengths and checksums are mended in most cases, so that the change
 * reaches what lies behind them. Included by fuzz_core.c alone.
 *
 * No code of ours makes or sums these packets: what is under test has no part in its own test. But MACs
 * are put by the host's build of msg_auth.h, of which golden vectors are the judges.
 */
#ifndef FUZZ_PACKETS_H
#define FUZZ_PACKETS_H

#include "../golden/messages.h"
#include "harness.h"

/* ---- chance ---------------------------------------------------------------------------------- */

/* splitmix64: a run is repeated by its seed. */
struct dice {
	__u64 state;
};

static __u64 dice_next(struct dice *d)
{
	__u64 z = d->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static __u32 dice_roll(struct dice *d, __u32 sides)
{
	return (dice_next(d) >> 32) * sides >> 32;
}

static bool dice_one_in(struct dice *d, __u32 n)
{
	return !dice_roll(d, n);
}

/* A number that such fields often have, or any. */
static __u16 dice_number(struct dice *d)
{
	static const __u16 often[] = { 0, 1, 4, 8, 16, 0x7f, 0x80, 0xff, 0x100, 0x8000, 0xffff };

	return dice_one_in(d, 4) ? dice_next(d) : often[dice_roll(d, ARRAY_SIZE(often))];
}

/* Parsing text is slow: once. */
static const struct addr *addrs_of(struct addr *to, const char *const *text, __u32 n)
{
	for (__u32 i = 0; !to[n].b[0] && i < n; i++)
		to[i] = addr_of(text[i]);
	to[n].b[0] = 1;
	return to;
}

#define ADDR_ROLL(d, table)                                                                        \
	({                                                                                         \
		static struct addr parsed_[ARRAY_SIZE(table) + 1];                                 \
		addrs_of(parsed_, table, ARRAY_SIZE(table))[dice_roll(d, ARRAY_SIZE(table))];      \
	})

/* ---- a message before it is a packet --------------------------------------------------------- */

#define DRAFT_MAX 2048

struct draft {
	struct addr src, dst;
	__u8 proto, hop_limit;
	__u32 len;
	__u8 b[DRAFT_MAX]; /* from the ICMPv6 or UDP header on */
};

#define FRAMES_MAX 128
#define SIGNERS_MAX 4

/* What packets are made of, in the numbers of one node. */
struct seeds {
	struct config config;
	struct draft message[VECTORS_MAX];
	__u32 n_messages;
	struct draft frame[FRAMES_MAX]; /* whole frames, as they are: only `b` and `len` count */
	__u32 n_frames;
	__u64 sequence; /* about where the sequences of this moment are */
	struct mac_key key[SIGNERS_MAX]; /* key-ids from 1 on */
	__u32 n_keys;			 /* 0 = nothing is signed */
	struct bfd_set bfd;		 /* of the session, where there is one */
	__u32 bfd_sent;			 /* the number of its last echo */
};

static __u32 draft_body(const struct draft *m)
{
	return m->proto == IPPROTO_UDP ? 12 : 4;
}

/* TYPE and CODE lie across bytes in UDP. */
static void draft_retype(struct draft *m, __u8 type, __u8 code)
{
	if (m->len < draft_body(m))
		return;
	if (m->proto == IPPROTO_UDP) {
		store32(m->b + 8, htonl((__u32)type << 20 | code << 12));
		return;
	}
	m->b[0] = type;
	m->b[1] = code;
}

static __u8 draft_type(const struct draft *m)
{
	return m->proto == IPPROTO_UDP ? ntohl(load32(m->b + 8)) >> 20 : m->b[0];
}

static __u8 draft_code(const struct draft *m)
{
	return m->proto == IPPROTO_UDP ? ntohl(load32(m->b + 8)) >> 12 : m->b[1];
}

/* Put n bytes at `at`, before what is there. */
static void draft_insert(struct draft *m, __u32 at, const void *from, __u32 n)
{
	if (at > m->len || m->len + n > sizeof(m->b))
		return;
	memmove(m->b + at + n, m->b + at, m->len - at);
	memcpy(m->b + at, from, n);
	m->len += n;
}

static void draft_erase(struct draft *m, __u32 at, __u32 n)
{
	if (at > m->len)
		return;
	n = MIN(n, m->len - at);
	memmove(m->b + at, m->b + at + n, m->len - at - n);
	m->len -= n;
}

/* Where the options of a sound message start; of another one, anywhere. */
static __u32 draft_options(const struct draft *m, bool code_lsb)
{
	__u32 at = draft_body(m);
	__u8 code;

	if (m->len < at)
		return m->len;
	code = draft_code(m);
	if (code & (code_lsb ? 1 : 0x80))
		at += 16;
	if (code & (code_lsb ? 2 : 0x40) && at + 8 <= m->len)
		at += (m->b[at + 1] + 1) * 8;
	if (code & (code_lsb ? 4 : 0x20))
		while (at + 4 <= m->len && !(m->b[at + 2] & 1))
			at += 4;
	if (code & (code_lsb ? 4 : 0x20))
		at += 4;
	return MIN(at, m->len);
}

/* The place of a TLV chosen at random: where one starts, or the end. */
static __u32 draft_tlv(struct dice *d, const struct draft *m, bool code_lsb)
{
	__u32 at = draft_options(m, code_lsb), hops = dice_roll(d, 6);

	while (hops-- && at + 4 <= m->len)
		at += 4 + ntohs(load16(m->b + at + 2));
	return MIN(at, m->len);
}

/* ---- seeds ----------------------------------------------------------------------------------- */

/* A golden message has the default numbers; bring it to those of the node. */
static void seed_adapt(struct draft *m, const struct config *config)
{
	static const __u8 enterprise[] = { 0, 0, 0x7e, 0xd9 };
	__u8 type = draft_type(m), code = draft_code(m), swapped = 0;

	if (m->len < draft_body(m))
		return;
	if (type >= 202 && type <= 206)
		type = config->type[type - 202];
	for (int bit = 0; bit < 8; bit++)
		swapped |= (code >> bit & 1) << (7 - bit);
	/* Not a TYPE that no message has: that of another version. */
	if (m->proto != IPPROTO_UDP || m->b[8] >> 4 == 0)
		draft_retype(m, type, config->code_lsb ? swapped : code);
	if (m->proto == IPPROTO_UDP)
		store16(m->b + 2, htons(config->udp_port));
	for (__u32 at = draft_body(m); at + 4 <= m->len; at++)
		if (!memcmp(m->b + at, enterprise, 4))
			store32(m->b + at, htonl(config->enterprise));
}

static void source_add_frame(struct seeds *s, const char *name)
{
	const struct bytes *frame = golden(name);
	struct draft *m = &s->frame[s->n_frames++];

	m->len = MIN(frame->len, sizeof(m->b));
	memcpy(m->b, frame->b, m->len);
}

/* The golden messages, and golden packets of these names, for a node so configured. */
static void source_fill(struct seeds *s, const struct config *config, const char *const *frames)
{
	s->config = *config;
	if (!n_vectors)
		vectors_read(SRCDIR "/selftests/golden/messages.json");
	for (size_t i = 0; i < n_vectors; i++) {
		const struct vector *v = &vectors[i];
		struct draft *m = &s->message[s->n_messages++];

		m->src = v->envelope.src;
		m->dst = v->envelope.dst;
		m->proto = v->envelope.transport == TRANSPORT_UDP ? IPPROTO_UDP : IPPROTO_ICMPV6;
		m->hop_limit = 255;
		m->len = v->len;
		memcpy(m->b, v->bytes, v->len);
		seed_adapt(m, config);
	}
	for (; *frames && s->n_frames < FRAMES_MAX; frames++)
		source_add_frame(s, *frames);
}

/* ---- changes of a message -------------------------------------------------------------------- */

typedef void change_fn(struct dice *d, struct draft *m, const struct seeds *s);

static void change_bit(struct dice *d, struct draft *m, const struct seeds *s)
{
	if (m->len)
		m->b[dice_roll(d, m->len)] ^= 1 << dice_roll(d, 8);
}

static void change_byte(struct dice *d, struct draft *m, const struct seeds *s)
{
	if (m->len)
		m->b[dice_roll(d, m->len)] = dice_number(d);
}

static void change_word(struct dice *d, struct draft *m, const struct seeds *s)
{
	if (m->len >= 2)
		store16(m->b + dice_roll(d, m->len - 1), htons(dice_number(d)));
}

static void change_cut(struct dice *d, struct draft *m, const struct seeds *s)
{
	__u32 n = dice_one_in(d, 2) ? dice_roll(d, m->len + 1) : dice_roll(d, 8);

	m->len -= MIN(m->len, n);
}

/* By a little, by much, or to about the longest that may be, over either IP. */
static void change_grow(struct dice *d, struct draft *m, const struct seeds *s)
{
	__u32 end = m->len + 1 + dice_roll(d, 24);
	bool zeros = dice_one_in(d, 2);

	if (dice_one_in(d, 16))
		end = dice_roll(d, 1400);
	else if (dice_one_in(d, 16))
		end = (dice_one_in(d, 2) ? 1240 : 1260) + dice_roll(d, 5) - 2;
	for (end = MIN(end, (__u32)sizeof(m->b)); m->len < end;)
		m->b[m->len++] = zeros ? 0 : dice_next(d);
}

static void change_erase(struct dice *d, struct draft *m, const struct seeds *s)
{
	draft_erase(m, dice_roll(d, m->len + 1), 1 + dice_roll(d, 20));
}

static void change_repeat(struct dice *d, struct draft *m, const struct seeds *s)
{
	__u32 at = dice_roll(d, m->len + 1), n = 1 + dice_roll(d, 64);
	__u8 part[64];

	n = MIN(n, m->len - at);
	memcpy(part, m->b + at, n);
	draft_insert(m, dice_roll(d, m->len + 1), part, n);
}

/* A TLV that there is, with a length that may be right, anywhere between the others. */
static void change_tlv(struct dice *d, struct draft *m, const struct seeds *s)
{
	static const struct {
		__u16 type, min, max;
	} table[] = {
#define X(NAME, type, min, max, word) { type, min, max },
		WIRE_TLVS(X) WIRE_SUBTLVS(X)
#undef X
	};
	__u32 i = dice_roll(d, ARRAY_SIZE(table)), n = table[i].min;
	__u8 tlv[4 + 64] = {};

	n += dice_one_in(d, 2) ? dice_roll(d, 28) : 0;
	n = MIN(n, table[i].max);
	store16(tlv, htons(table[i].type));
	store16(tlv + 2, htons(dice_one_in(d, 16) ? n + dice_roll(d, 5) - 2 : n));
	for (__u32 at = 4; at < 4 + n; at++)
		tlv[at] = dice_one_in(d, 2) ? 0 : dice_next(d);
	if (table[i].type >= 65000 && !dice_one_in(d, 8))
		store32(tlv + 4, htonl(s->config.enterprise));
	if (table[i].type == 65004)
		tlv[8] = n == 20 ? 4 : 6;
	draft_insert(m, draft_tlv(d, m, s->config.code_lsb), tlv, 4 + n);
}

static void change_tlv_len(struct dice *d, struct draft *m, const struct seeds *s)
{
	__u32 at = draft_tlv(d, m, s->config.code_lsb), n;

	if (at + 4 > m->len)
		return;
	n = ntohs(load16(m->b + at + 2)) + dice_roll(d, 9) - 4;
	store16(m->b + at + 2, htons(dice_one_in(d, 2) ? dice_number(d) : n));
}

static void change_tlv_drop(struct dice *d, struct draft *m, const struct seeds *s)
{
	__u32 at = draft_tlv(d, m, s->config.code_lsb);

	if (at + 4 <= m->len)
		draft_erase(m, at, 4 + ntohs(load16(m->b + at + 2)));
}

/* Another message's options behind ours. */
static void change_splice(struct dice *d, struct draft *m, const struct seeds *s)
{
	const struct draft *other = &s->message[dice_roll(d, s->n_messages)];
	__u32 at = draft_options(other, s->config.code_lsb);

	draft_insert(m, draft_tlv(d, m, s->config.code_lsb), other->b + at, other->len - at);
}

static void change_type(struct dice *d, struct draft *m, const struct seeds *s)
{
	/* All but the last of them act. */
	__u32 kind = dice_one_in(d, 4) ? dice_roll(d, KIND_COUNT) : dice_roll(d, KIND_LOAD);

	if (m->len >= draft_body(m))
		draft_retype(m, s->config.type[kind], draft_code(m));
}

static void change_code(struct dice *d, struct draft *m, const struct seeds *s)
{
	if (m->len >= draft_body(m))
		draft_retype(m, draft_type(m), draft_code(m) ^ 1 << dice_roll(d, 8));
}

/* One part of Tunnel Info more: an address that a path has, or labels that one has. */
static void change_part(struct dice *d, struct draft *m, const struct seeds *s)
{
	static const char *const named[] = { "2001:db8:9::9", "2001:db8:a:2::", "192.0.2.9",
					     "2001:db8:a:1::", "2001:db8:9::8" };
	__u8 labels[8], ip = s->config.code_lsb ? 1 : 0x80, mpls = s->config.code_lsb ? 4 : 0x20;
	struct addr address;

	if (m->len < draft_body(m))
		return;
	store32(labels, htonl(16009 << 12));
	store32(labels + 4, htonl(24001 << 12 | 0x100));
	if (!(draft_code(m) & mpls) && dice_one_in(d, 2)) {
		draft_insert(m, draft_options(m, s->config.code_lsb), labels, sizeof(labels));
		draft_retype(m, draft_type(m), draft_code(m) | mpls);
	} else if (!(draft_code(m) & ip)) {
		address = ADDR_ROLL(d, named);
		draft_insert(m, draft_body(m), &address, sizeof(address));
		draft_retype(m, draft_type(m), draft_code(m) | ip);
	}
}

/* An Event TLV in front, which thus counts: of few events, with a sequence of these days, so that
 * messages have to do with each other. */
static void change_event(struct dice *d, struct draft *m, const struct seeds *s)
{
	__u64 sequence = s->sequence + dice_roll(d, 60) - 50;
	__u8 tlv[24];

	store16(tlv, htons(65001));
	store16(tlv + 2, htons(20));
	store32(tlv + 4, htonl(s->config.enterprise));
	store32(tlv + 8, htonl(dice_roll(d, 8)));
	store32(tlv + 12, htonl(sequence >> 32));
	store32(tlv + 16, htonl(sequence));
	store32(tlv + 20, dice_one_in(d, 2) ? 0 : dice_next(d));
	draft_insert(m, draft_options(m, s->config.code_lsb), tlv, sizeof(tlv));
}

/* What there is to fail beside tunnels. */
#define LINK_A6 "2001:db8:12::1"
#define LINK_B6 "2001:db8:12::2"
#define LINK_A4 "192.0.2.65"
#define LINK_B4 "192.0.2.66"
#define ROUTER_A { 10, 0, 0, 1 }
#define ROUTER_B { 10, 0, 0, 2 }
#define PORT_A 5
#define PORT_B 6
#define OTHER_AS 64511

struct tlvs {
	__u32 len;
	__u8 b[160];
};

static void tlvs_put(struct tlvs *t, __u16 type, const void *value, __u16 n)
{
	store16(t->b + t->len, htons(type));
	store16(t->b + t->len + 2, htons(n));
	memcpy(t->b + t->len + 4, value, n);
	t->len += 4 + n;
}

static void tlvs_put_node(struct dice *d, struct tlvs *t, __u16 type)
{
	static const __u8 routers[][4] = { ROUTER_A, ROUTER_B, { 10, 0, 0, 3 } };
	__u32 as_be = htonl(dice_one_in(d, 2) ? 64500 : OTHER_AS);
	struct tlvs node = {};

	if (dice_one_in(d, 3))
		tlvs_put(&node, 512, &as_be, 4);
	if (!dice_one_in(d, 8))
		tlvs_put(&node, 515, routers[dice_roll(d, dice_one_in(d, 8) ? 3 : 2)], 4);
	if (node.len)
		tlvs_put(t, type, node.b, node.len);
}

/* A location in front, which thus counts: of few links and nodes, half of the time of no tunnel. */
static void change_location(struct dice *d, struct draft *m, const struct seeds *s)
{
	static const char *const ends6[] = { LINK_A6, LINK_B6 }, *const ends4[] = { LINK_A4, LINK_B4 };
	__u32 at = draft_options(m, s->config.code_lsb), a = dice_roll(d, 2), b = !a;
	__u32 ids_be[2] = { htonl(PORT_A + a), htonl(PORT_A + b) };
	__u8 cause[8] = { [4] = CAUSE_NODE_DOWN };
	struct tlvs t = {};
	struct addr one;

	if (m->len < draft_body(m))
		return;
	b = dice_one_in(d, 16) ? a : b;
	if (dice_one_in(d, 2))
		tlvs_put_node(d, &t, 256);
	if (dice_one_in(d, 2))
		tlvs_put_node(d, &t, 257);
	if (dice_one_in(d, 4))
		tlvs_put(&t, 258, ids_be, sizeof(ids_be));
	if (dice_one_in(d, 4)) {
		one = addr_of(ends4[a]);
		tlvs_put(&t, 259, one.b + 12, 4);
		one = addr_of(ends4[b]);
		tlvs_put(&t, 260, one.b + 12, 4);
	}
	if (dice_one_in(d, 4)) {
		one = addr_of(ends6[a]);
		tlvs_put(&t, 261, &one, 16);
		one = addr_of(ends6[b]);
		tlvs_put(&t, 262, &one, 16);
	}
	store32(cause, htonl(s->config.enterprise));
	if (dice_one_in(d, 3))
		tlvs_put(&t, 65011, cause, sizeof(cause));
	draft_insert(m, at, t.b, t.len);
	if (dice_one_in(d, 2)) {
		draft_erase(m, draft_body(m), at - draft_body(m));
		draft_retype(m, draft_type(m), 0);
	}
}

static void change_domain(struct dice *d, struct draft *m, const struct seeds *s)
{
	__u8 tlv[12];

	store16(tlv, htons(65009));
	store16(tlv + 2, htons(8));
	store32(tlv + 4, htonl(s->config.enterprise));
	store32(tlv + 8, htonl(s->config.domain));
	draft_insert(m, draft_options(m, s->config.code_lsb), tlv, sizeof(tlv));
}

static change_fn *const changes[] = {
	change_bit,  change_bit,     change_bit,      change_byte,   change_byte, change_word,
	change_cut,  change_grow,    change_erase,    change_repeat, change_tlv,  change_tlv,
	change_tlv,  change_tlv_len, change_tlv_drop, change_splice, change_type, change_type,
	change_code, change_part,    change_event,    change_event,  change_domain,
	change_location,
};

/* ---- changes of what is around it ------------------------------------------------------------ */

static const char *const domain6[] = {
	"2001:db8:f::2", "2001:db8:f::3", "2001:db8:f::9", "2001:db8:f::f", "2001:db8:f::1",
};
static const char *const domain4[] = { "198.51.100.2", "198.51.100.9", "198.51.100.15" };
static const char *const strangers6[] = {
	"2001:db8:f::10", "2001:db8:99::2", "::", "::1", "ff02::1", "fe80::1",
};
static const char *const strangers4[] = {
	"198.51.100.16", "192.0.2.2", "0.0.0.0", "224.0.0.1", "127.0.0.1",
};
static const char *const others6[] = {
	"2001:db8:f::7", "2001:db8:2::20", "2001:db8:a:2::", "2001:db8:a:9::100", "ff05::1", "::",
	"fe80::7",
};
static const char *const others4[] = {
	"198.51.100.7", "203.0.113.20", "0.0.0.0", "224.0.0.5", "255.255.255.255",
};

static void around_change(struct dice *d, struct draft *m)
{
	bool v4 = addr_is_v4(&m->dst);

	if (dice_one_in(d, 2))
		m->src = v4 ? ADDR_ROLL(d, domain4) : ADDR_ROLL(d, domain6);
	if (dice_one_in(d, 32))
		m->src = v4 ? ADDR_ROLL(d, strangers4) : ADDR_ROLL(d, strangers6);
	if (dice_one_in(d, 32))
		m->dst = v4 ? ADDR_ROLL(d, others4) : ADDR_ROLL(d, others6);
	if (dice_one_in(d, 24))
		m->src.b[v4 ? 12 + dice_roll(d, 4) : dice_roll(d, 16)] ^= 1 << dice_roll(d, 8);
	if (dice_one_in(d, 48))
		m->dst.b[v4 ? 12 + dice_roll(d, 4) : dice_roll(d, 16)] ^= 1 << dice_roll(d, 8);
	if (dice_one_in(d, 16))
		m->hop_limit = dice_one_in(d, 2) ? 245 + dice_roll(d, 6) : dice_next(d);
}

/* RFC 1071. */
static __u32 sum_add(__u32 sum, const __u8 *b, __u32 n)
{
	for (; n >= 2; n -= 2, b += 2)
		sum += b[0] << 8 | b[1];
	return n ? sum + (b[0] << 8) : sum;
}

static __u16 sum_end(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

/* Where the checksum is, counted from the L4 header; and whether it is there. */
static bool sum_place(__u8 proto, __u32 len, __u32 *at)
{
	*at = proto == IPPROTO_UDP ? 6 : 2;
	return (proto == IPPROTO_UDP || proto == IPPROTO_ICMPV6) && len >= *at + 2;
}

/* Mend the checksum of `len` bytes at l4, which travel so. */
static void l4_mend(__u8 *l4, __u32 len, const struct addr *src, const struct addr *dst, __u8 proto)
{
	bool v4 = addr_is_v4(src) && addr_is_v4(dst);
	__u32 sum = len + proto, at;
	__u16 mended;

	if (!sum_place(proto, len, &at))
		return;
	store16(l4 + at, 0);
	sum = sum_add(sum, v4 ? src->b + 12 : src->b, v4 ? 4 : 16);
	sum = sum_add(sum, v4 ? dst->b + 12 : dst->b, v4 ? 4 : 16);
	mended = sum_end(sum_add(sum, l4, len));
	store16(l4 + at, htons(mended || proto != IPPROTO_UDP ? mended : 0xffff));
}

static void frame_put_ip(struct bytes *frame, struct dice *d, const struct draft *m, __u32 len)
{
	static const __u8 macs[12] = { 2, 0, 0, 0, 3, 1, 2, 0, 0, 0, 3, 2 };
	__u32 options = dice_one_in(d, 16) ? dice_roll(d, 11) : 0;
	__u16 fragment = dice_one_in(d, 64) ? dice_number(d) : 0x4000;

	frame->len = 0;
	bytes_put(frame, macs, sizeof(macs));
	if (!addr_is_v4(&m->dst)) {
		bytes_put16(frame, 0x86dd);
		bytes_put32(frame, 0x6c000000);
		bytes_put32(frame, len << 16 | m->proto << 8 | m->hop_limit);
		bytes_put(frame, &m->src, 16);
		bytes_put(frame, &m->dst, 16);
		return;
	}
	bytes_put16(frame, 0x0800);
	bytes_put32(frame, 0x40c00000 | (5 + options) << 24 | (20 + 4 * options + len));
	bytes_put32(frame, fragment);
	bytes_put32(frame, (__u32)m->hop_limit << 24 | m->proto << 16);
	bytes_put(frame, m->src.b + 12, 4);
	bytes_put(frame, m->dst.b + 12, 4);
	while (options--)
		bytes_put32(frame, 0x01010101);
	store16(frame->b + 24, htons(sum_end(sum_add(0, frame->b + 14, frame->len - 14))));
}

/* The frame as a whole: padding, and what line errors do; one in `often` gets some. XDP never sees
 * less than an Ethernet header. */
static void frame_change(struct dice *d, struct bytes *frame, __u32 often)
{
	__u32 flips = dice_one_in(d, often) ? 1 + dice_roll(d, 3) : 0;

	if (dice_one_in(d, 8))
		for (__u32 n = dice_roll(d, 47); n; n--)
			frame->b[frame->len++] = dice_next(d);
	if (dice_one_in(d, 32))
		frame->len = 14 + dice_roll(d, frame->len - 13);
	while (flips--)
		frame->b[12 + dice_roll(d, MIN(frame->len, 120U) - 12)] ^= 1 << dice_roll(d, 8);
}

static void frame_from_draft(struct bytes *frame, struct dice *d, struct draft *m)
{
	__u32 len = dice_one_in(d, 32) ? m->len + dice_roll(d, 9) - 4 : m->len;

	if (m->proto == IPPROTO_UDP && m->len >= 6 && !dice_one_in(d, 16))
		store16(m->b + 4, htons(m->len));
	if (!dice_one_in(d, 16))
		l4_mend(m->b, m->len, &m->src, &m->dst, m->proto);
	if (dice_one_in(d, 64))
		m->proto = dice_next(d);
	frame_put_ip(frame, d, m, len & 0xffff);
	bytes_put(frame, m->b, m->len);
}

/* ---- signatures ------------------------------------------------------------------------------ */

/* Parse the draft as its receiver would, mended; false for one that is malformed. */
static bool draft_parse(struct draft *m, const struct seeds *s, struct msg *msg,
			struct msg_buf *buf, struct msg_envelope *e)
{
	struct msg_rules rules = msg_rules(&s->config);

	if (m->len > WIRE_MSG_MAX)
		return false;
	if (m->proto == IPPROTO_UDP && m->len >= 6)
		store16(m->b + 4, htons(m->len));
	l4_mend(m->b, m->len, &m->src, &m->dst, m->proto);
	memcpy(buf->b, m->b, m->len);
	*e = (struct msg_envelope){ .src = m->src, .dst = m->dst };
	e->transport = m->proto == IPPROTO_UDP ? TRANSPORT_UDP : TRANSPORT_ICMPV6;
	return msg_parse(msg, &rules, e, buf, m->len) == REASON_NONE;
}

/* An AUTH TLV at the end, if there is none, and in it the right MAC; sometimes another key-id. */
static void draft_sign(struct dice *d, struct draft *m, const struct seeds *s)
{
	__u32 id = 1 + dice_roll(d, s->n_keys);
	const struct mac_key *key = &s->key[id - 1];
	struct msg_envelope e;
	struct msg_buf buf;
	struct mac mac;
	struct msg msg;
	__u8 tlv[32] = {};

	if (!draft_parse(m, s, &msg, &buf, &e))
		return;
	if (!msg_has(&msg, TLVI_AUTH)) {
		store32(tlv, htonl(65535U << 16 | 28));
		store32(tlv + 4, htonl(s->config.enterprise));
		draft_insert(m, m->len, tlv, sizeof(tlv));
		if (!draft_parse(m, s, &msg, &buf, &e))
			return;
	}
	store32(buf.b + msg.at[TLVI_AUTH] + 4, htonl(dice_one_in(d, 16) ? dice_roll(d, 8) : id));
	buf.b[msg.at[TLVI_AUTH] + 8] = dice_one_in(d, 16) ? dice_roll(d, 4) : key->algorithm;
	if (msg_mac(&mac, key, &buf, &e, m->len, msg.at[TLVI_AUTH], msg.at[TLVI_SCOPE]))
		return;
	memcpy(m->b, buf.b, m->len);
	memcpy(m->b + msg.at[TLVI_AUTH] + 12, &mac, sizeof(mac));
}

/* ---- the next one ---------------------------------------------------------------------------- */

/* A packet of at most FRAME_MAX bytes, 14 at least. One in `frames` starts from a whole frame, the
 * others from a message. */
static void source_next(struct bytes *frame, struct dice *d, const struct seeds *s, __u32 frames)
{
	__u32 n = dice_one_in(d, 16) ? 0 : dice_one_in(d, 3) ? 1 + dice_roll(d, 6) : 1;
	struct draft m;

	if (dice_one_in(d, frames)) {
		m = s->frame[dice_roll(d, s->n_frames)];
		frame->len = m.len;
		memcpy(frame->b, m.b, m.len);
		frame_change(d, frame, 2);
		return;
	}
	m = s->message[dice_roll(d, s->n_messages)];
	if (s->config.domain && !dice_one_in(d, 16))
		change_domain(d, &m, s);
	while (n--)
		changes[dice_roll(d, ARRAY_SIZE(changes))](d, &m, s);
	around_change(d, &m);
	if (s->n_keys && !dice_one_in(d, 4)) {
		draft_sign(d, &m, s);
		if (dice_one_in(d, 4))
			change_bit(d, &m, s);
	}
	frame_from_draft(frame, d, &m);
	frame_change(d, frame, 16);
}

#endif
