// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The rules of docs/wire.md that golden/messages.json leaves untried, row by row: what is well
 * formed, which value counts, and what building makes of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fantel/msg_build.h"
#include "words.h"

#define ENT "00007ed9" /* 32473 */
#define IP "20010db8000900000000000000000009"
#define IP_V4 "00000000000000000000ffffc0000209"
#define SEG1 "20010db8000a00010000000000000000"
#define SEG2 "20010db8000a00020000000000000000"
#define LABEL "03e89000"
#define X4(a) a a a a
#define X15(a) X4(a) X4(a) X4(a) a a a

/* By words, for gcc 12.2 takes the second half of `.b = { 0x20, [15] = 2 }` for zero where the
 * constant reaches a function by pointer and is read there as a word. */
static const struct msg_envelope v6 = {
	.src = { .q_be = { be64(0x20010db8000f0000ULL), be64(2) } },
	.dst = { .q_be = { be64(0x20010db8000f0000ULL), be64(1) } },
	.transport = TRANSPORT_ICMPV6,
};

static const struct msg_envelope v4 = {
	.src = { .l_be = { 0, 0, be32(0xffff), be32(0xc6336402) } },
	.dst = { .l_be = { 0, 0, be32(0xffff), be32(0xc6336401) } },
	.transport = TRANSPORT_UDP,
};

static __u32 unhex(__u8 *out, const char *hex)
{
	__u32 n = 0;

	for (; *hex; hex += 2)
		assert_int_equal(sscanf(hex, "%2hhx", &out[n++]), 1);
	return n;
}

/* The checksum that belongs to a message, into it. */
static void mend(struct msg_buf *buf, const struct msg_envelope *e, __u32 len)
{
	__u32 sum_at = e->transport == TRANSPORT_UDP ? UDP_OFF_SUM : 2;

	store16(buf->b + sum_at, 0);
	store16(buf->b + sum_at, msg_checksum(buf, e, len));
}

/* An ICMPv6 message of TYPE1: CODE, and what follows the header. */
static __u32 compose(struct msg_buf *buf, __u8 code, const char *body)
{
	__u32 len = WIRE_HDR_LEN + unhex(buf->b + WIRE_HDR_LEN, body);

	buf->b[0] = 202;
	buf->b[1] = code;
	mend(buf, &v6, len);
	return len;
}

static enum reason parse(struct msg *m, struct msg_buf *buf, __u8 code, const char *body)
{
	struct msg_rules rules = msg_rules_default();

	return msg_parse(m, &rules, &v6, buf, compose(buf, code, body));
}

/* ---- well formed or not ---------------------------------------------------------------------- */

static struct row {
	const char *sentence;
	__u8 code;
	const char *body;
	enum reason reason;
} rows[] = {
	{ "CODE 0 is legal with a TLV", 0, "fdf10008" ENT "00000001", REASON_NONE },
	{ "a header alone", 0, "", REASON_EMPTY },
	{ "reserved CODE bits alone name nothing", 0x1f, "", REASON_EMPTY },
	{ "four bare bytes are an IPv4 address", 0x80, "c0000209", REASON_NONE },
	{ "four bare bytes under reserved CODE bits as well", 0x9f, "c0000209", REASON_NONE },
	{ "five bytes are no address", 0x80, "c000020900", REASON_TUNNEL },
	{ "four bytes and a TLV are no address", 0x80, "c0000209" "9c400000", REASON_TUNNEL },
	{ "four bytes before an SRH are no address", 0xc0, "c0000209", REASON_TUNNEL },
	{ "no address at all", 0x80, "", REASON_TUNNEL },

	{ "an SRH of one segment", 0x40, "2902040000000000" SEG1, REASON_NONE },
	{ "an SRH with a TLV of its own behind the list", 0x40,
	  "2903040000000000" SEG1 "0504000000000000", REASON_NONE },
	{ "an SRH one segment longer than it says", 0x40, "2902040001000000" SEG1, REASON_TUNNEL },
	{ "an SRH of length 0", 0x40, "2900040000000000", REASON_TUNNEL },
	{ "an SRH cut in its fixed part", 0x40, "29020400000000", REASON_TUNNEL },
	{ "an SRH cut in its last segment", 0x40, "2902040000000000" "20010db8000a0001",
	  REASON_TUNNEL },
	{ "Segments Left beyond the list is ignored", 0x40, "290204ff00000000" SEG1, REASON_NONE },
	{ "Last Entry 255", 0x40, "29ff0400ff000000" SEG1, REASON_TUNNEL },

	{ "a stack of one label", 0x20, "03e89100", REASON_NONE },
	{ "a stack of 16 labels", 0x20, X15(LABEL) "03e89100", REASON_NONE },
	{ "a stack of 17 labels", 0x20, X15(LABEL) LABEL "03e89100", REASON_TUNNEL },
	{ "a stack that the message ends before its bottom", 0x20, LABEL LABEL, REASON_TUNNEL },
	{ "a stack cut in its last entry", 0x20, LABEL "03e891", REASON_TUNNEL },
	{ "all three parts", 0xe0, IP "2902040000000000" SEG1 "03e89100", REASON_NONE },
	{ "all three parts, the last missing", 0xe0, IP "2902040000000000" SEG1, REASON_TUNNEL },

	{ "an unknown TLV without a value", 0x80, IP "9c400000", REASON_NONE },
	{ "a tail of one byte", 0x80, IP "00", REASON_TLV },
	{ "a tail of two bytes", 0x80, IP "0000", REASON_TLV },
	{ "a tail of three bytes", 0x80, IP "9c4000", REASON_TLV },
	{ "a value one byte longer than the message", 0x80, IP "9c400004" "000000", REASON_TLV },
	{ "a known TLV longer than it is defined", 0x80, IP "045a0005" "0000000000", REASON_TLV },
	{ "a known TLV shorter than it is defined", 0x80, IP "01050004" "20010db8", REASON_TLV },
	{ "a private TLV too short for its enterprise number", 0x80, IP "fe000003" "00007e",
	  REASON_TLV },
	{ "a private TLV of the enterprise number alone", 0x80, IP "fe000004" ENT, REASON_NONE },
	{ "a known private TLV that ends with the enterprise number", 0x80, IP "fdf10004" ENT,
	  REASON_TLV },
	{ "the same of another enterprise is unknown", 0x80, IP "fdf10004" "00000001",
	  REASON_NONE },
	{ "a wrong repetition is wrong all the same", 0x80,
	  IP "045a0004" "00000001" "045a0002" "0000", REASON_TLV },

	{ "an IPv4 flow", 0x80, IP "fdec0014" ENT "0411c00012b70000" "c0000201" "c0000202",
	  REASON_NONE },
	{ "an IPv6 flow", 0x80, IP "fdec002c" ENT "0611c00012b70000" SEG1 SEG2, REASON_NONE },
	{ "an IPv4 flow with the length of an IPv6 one", 0x80,
	  IP "fdec002c" ENT "0411c00012b70000" SEG1 SEG2, REASON_TLV },
	{ "an IPv6 flow with the length of an IPv4 one", 0x80,
	  IP "fdec0014" ENT "0611c00012b70000" "c0000201" "c0000202", REASON_TLV },
	{ "a flow of IP version 5", 0x80,
	  IP "fdec0014" ENT "0511c00012b70000" "c0000201" "c0000202", REASON_TLV },
	{ "another enterprise's flow may have any form", 0x80, IP "fdec0005" "00000001" "05",
	  REASON_NONE },

	{ "an empty node descriptor", 0x80, IP "01000000", REASON_NONE },
	{ "an empty node descriptor before another TLV", 0x80, IP "01000000" "045a0004" "00000001",
	  REASON_NONE },
	{ "an unknown sub-TLV", 0x80, IP "01000006" "02010002" "abcd", REASON_NONE },
	{ "a node descriptor with a tail of three bytes", 0x80, IP "0100000b" "02000004" "0000fde9"
	  "000000", REASON_TLV },
	{ "a sub-TLV that fits the message but not its TLV", 0x80,
	  IP "01000008" "02000008" "0000fde9" "9c400000", REASON_TLV },
	{ "an AS number of two bytes", 0x80, IP "01000006" "02000002" "fde9", REASON_TLV },
	{ "a router-id of four bytes", 0x80, IP "01000008" "02030004" "0a000001", REASON_NONE },
	{ "a router-id of three bytes", 0x80, IP "01000007" "02030003" "0a0000", REASON_TLV },
	{ "a router-id of five bytes", 0x80, IP "01000009" "02030005" "0a00000100", REASON_TLV },
	{ "a router-id of six bytes", 0x80, IP "0100000a" "02030006" "0a0000010203", REASON_NONE },
	{ "a router-id of seven bytes", 0x80, IP "0100000b" "02030007" "0a000001020304",
	  REASON_NONE },
	{ "a router-id of eight bytes", 0x80, IP "0100000c" "02030008" "0a00000102030405",
	  REASON_NONE },
	{ "a router-id of nine bytes", 0x80, IP "0100000d" "02030009" "0a0000010203040506",
	  REASON_TLV },
	{ "a second node descriptor is checked like the first", 0x80,
	  IP "01000008" "02000004" "0000fde9" "01000006" "02000002" "fde9", REASON_TLV },
};

static void verdict(void **state)
{
	const struct row *r = *state;
	struct msg m, before;
	struct msg_buf buf;

	memset(&m, 0x5a, sizeof(m));
	before = m;
	assert_string_equal(reason_word(parse(&m, &buf, r->code, r->body)), reason_word(r->reason));
	if (r->reason)
		assert_memory_equal(&m, &before, sizeof(m));
}

/* ---- lengths and first words ----------------------------------------------------------------- */

/* A message of `len` bytes, all of whose options are one TLV. */
static enum reason parse_of_length(const struct msg_envelope *e, __u32 len)
{
	struct msg_rules rules = msg_rules_default();
	__u32 body = msg_body(e->transport);
	struct msg_buf buf = {};
	struct msg m;

	buf.b[0] = 202;
	if (e->transport == TRANSPORT_UDP) {
		store32(buf.b + UDP_OFF_LEN, be32(len << 16));
		store32(buf.b + UDP_LEN, be32(202 << WIRE_UDP_TYPE_SHIFT));
	}
	if (len >= body + WIRE_TLV_HDR)
		store32(buf.b + body, be32(0x9c400000 | (len - body - WIRE_TLV_HDR)));
	if (len <= WIRE_MSG_MAX)
		mend(&buf, e, len);
	return msg_parse(&m, &rules, e, &buf, len);
}

static void lengths_have_limits(void **state)
{
	struct msg_envelope udp6 = v6;

	udp6.transport = TRANSPORT_UDP;
	for (__u32 len = 0; len < 4; len++)
		assert_int_equal(parse_of_length(&v6, len), REASON_TOO_SHORT);
	for (__u32 len = 0; len < 12; len++)
		assert_int_equal(parse_of_length(&v4, len), REASON_TOO_SHORT);
	assert_int_equal(parse_of_length(&v6, 8), REASON_NONE);
	assert_int_equal(parse_of_length(&v4, 16), REASON_NONE);
	assert_int_equal(parse_of_length(&v6, 1240), REASON_NONE);
	assert_int_equal(parse_of_length(&v6, 1241), REASON_TOO_LONG);
	assert_int_equal(parse_of_length(&udp6, 1240), REASON_NONE);
	assert_int_equal(parse_of_length(&udp6, 1241), REASON_TOO_LONG);
	assert_int_equal(parse_of_length(&v4, 1260), REASON_NONE);
	assert_int_equal(parse_of_length(&v4, 1261), REASON_TOO_LONG);
	assert_int_equal(parse_of_length(&v4, ~0U), REASON_TOO_LONG);
}

/* A UDP message with one field changed and the checksum made right again. */
static enum reason parse_udp(__u32 udp_len, __u32 word, bool with_sum)
{
	struct msg_rules rules = msg_rules_default();
	__u32 len = 28;
	struct msg_buf buf = {};
	struct msg m;

	store32(buf.b + UDP_OFF_LEN, be32(udp_len << 16));
	store32(buf.b + UDP_LEN, be32(word));
	buf.b[27] = 1;
	mend(&buf, &v4, len);
	if (!with_sum)
		store16(buf.b + UDP_OFF_SUM, 0);
	return msg_parse(&m, &rules, &v4, &buf, len);
}

static void udp_fields_are_checked_in_order(void **state)
{
	__u32 good = 202U << 20 | 0x80 << 12;

	assert_int_equal(parse_udp(28, good, true), REASON_NONE);
	assert_int_equal(parse_udp(28, good | 0xfff, true), REASON_NONE);
	assert_int_equal(parse_udp(27, good, true), REASON_LENGTH);
	assert_int_equal(parse_udp(29, good, true), REASON_LENGTH);
	assert_int_equal(parse_udp(28, good, false), REASON_CHECKSUM);
	assert_int_equal(parse_udp(28, good | 1U << 28, true), REASON_VERSION);
	assert_int_equal(parse_udp(28, good | 15U << 28, true), REASON_VERSION);
	assert_int_equal(parse_udp(28, 201U << 20 | 0x80 << 12, true), REASON_TYPE);
	assert_int_equal(parse_udp(28, 207U << 20 | 0x80 << 12, true), REASON_TYPE);
}

/* The pseudo-header is part of the sum: another source, destination or transport breaks it. */
static void the_checksum_covers_the_addresses(void **state)
{
	struct msg_rules rules = msg_rules_default();
	struct msg_envelope e;
	struct msg_buf buf;
	struct msg m;
	__u32 len = compose(&buf, 0x80, IP);

	for (int i = 0; i < 32; i++) {
		e = v6;
		(i < 16 ? e.src.b : e.dst.b)[i % 16] ^= 0x40;
		assert_int_equal(msg_parse(&m, &rules, &e, &buf, len), REASON_CHECKSUM);
	}
	for (__u32 i = 0; i < len; i++) {
		compose(&buf, 0x80, IP);
		buf.b[i] ^= 0x40;
		assert_int_equal(msg_parse(&m, &rules, &v6, &buf, len), REASON_CHECKSUM);
	}
}

/* A UDP sum that comes out as zero is sent as ffff, and that is right to a receiver. */
static void a_zero_udp_sum_is_sent_as_its_other_form(void **state)
{
	struct msg_rules rules = msg_rules_default();
	struct tunnel_key k = { .code = CODE_IP, .n = 1 };
	int found = 0;

	for (__u32 i = 0; i < 0x10000; i++) {
		struct msg_buf buf = {};
		struct writer w = msg_begin(&buf, &v4);
		struct msg m;

		k.addr.w_be[7] = be16(i);
		msg_put_tunnel(&w, &k);
		assert_int_equal(msg_finish(&w, &rules, &v4, KIND_FAILURE, CODE_IP), 28);
		assert_int_not_equal(load16(buf.b + UDP_OFF_SUM), 0);
		if (load16(buf.b + UDP_OFF_SUM) != 0xffff)
			continue;
		assert_int_equal(msg_parse(&m, &rules, &v4, &buf, 28), REASON_NONE);
		found++;
	}
	assert_true(found);
}

static void types_and_code_follow_policy(void **state)
{
	struct msg_rules rules = msg_rules_default();
	struct msg_buf buf;
	struct msg m;
	__u32 len;

	for (int kind = 0; kind < KIND_COUNT; kind++)
		rules.type[kind] = 240 - kind;
	rules.code_lsb = true;
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		len = compose(&buf, 0x05, IP LABEL "03e89100");
		buf.b[0] = 240 - kind;
		mend(&buf, &v6, len);
		assert_int_equal(msg_parse(&m, &rules, &v6, &buf, len), REASON_NONE);
		assert_int_equal(m.kind, kind);
		assert_int_equal(m.code, CODE_IP | CODE_MPLS);
	}
	assert_int_equal(msg_parse(&m, &rules, &v6, &buf, compose(&buf, 0x05, IP)), REASON_TYPE);
	for (__u32 code = 0; code < 256; code++) {
		assert_int_equal(msg_code_swap(msg_code_wire(code, true), true), code & CODE_ALL);
		assert_int_equal(msg_code_swap(msg_code_wire(code, false), false), code & CODE_ALL);
	}
}

/* Whatever a message is made of: draft §5.1. */
static void reserved_code_bits_are_sent_as_zero(void **state)
{
	struct msg_rules rules = msg_rules_default();
	struct msg_buf buf, built;
	struct msg m;

	assert_int_equal(parse(&m, &buf, 0x9f, IP), REASON_NONE);
	m.code = 0x9f;
	assert_int_not_equal(msg_build(&built, &m, &buf, &rules, &v6, NULL), 0);
	assert_int_equal(built.b[1], 0x80);
	rules.code_lsb = true;
	assert_int_not_equal(msg_build(&built, &m, &buf, &rules, &v6, NULL), 0);
	assert_int_equal(built.b[1], 0x01);
}

/* ---- which value counts ---------------------------------------------------------------------- */

static void the_first_of_a_repeated_tlv_counts(void **state)
{
	struct msg_buf buf;
	struct msg m;

	assert_int_equal(parse(&m, &buf, 0x80,
			       IP "045a0004" "00000001" "045a0004" "00000002"
			       "fdf10008" "00000001" "00000007" "fdf10008" ENT "00000008"
			       "fdf10008" ENT "00000009"), REASON_NONE);
	assert_int_equal(m.delay_us, 1);
	assert_int_equal(m.domain, 8);
}

/* Also where the first lacks what the second has. */
static void the_first_of_a_repeated_node_counts(void **state)
{
	struct msg_buf buf;
	struct msg m;

	assert_int_equal(parse(&m, &buf, 0x80,
			       IP "01000008" "02030004" "0a000001"
			       "01000010" "02000004" "0000fde9" "02030004" "0a000002"
			       "01010010" "02000004" "0000fdea" "02000004" "0000fdeb"),
			 REASON_NONE);
	assert_int_equal(m.local_node.present, MSG_BIT(SUBTLVI_ROUTER_ID));
	assert_int_equal(m.local_node.router_id_len, 4);
	assert_memory_equal(m.local_node.router_id, "\x0a\0\0\1\0\0\0\0", 8);
	assert_int_equal(m.remote_node.present, MSG_BIT(SUBTLVI_AS));
	assert_int_equal(m.remote_node.as, 0xfdea);
}

static void what_is_absent_is_zero(void **state)
{
	struct msg_buf buf;
	struct msg m;

	memset(&m, 0x5a, sizeof(m));
	assert_int_equal(parse(&m, &buf, 0, "9c400000"), REASON_NONE);
	assert_int_equal(m.present, 0);
	assert_int_equal(m.options_at, 4);
	assert_int_equal(m.len, 8);
	m.kind = m.options_at = m.len = 0;
	for (size_t i = 0; i < sizeof(m); i++)
		assert_int_equal(((const __u8 *)&m)[i], 0);
}

/* Every value there is, a different one for each, on the way out and back. No other place makes holes zero. */
static const struct msg everything = {
	.present = MSG_BIT(TLVI_COUNT) - 1, .kind = KIND_CONGESTION, .code = CODE_IP,
	.ip = { .b = { 0x20, 1, [15] = 9 } }, .event_id = 1, .validity_ms = 2,
	.sequence = 0x0300000004ULL, .timestamp_ns = 0x0500000006ULL, .domain = 7,
	.cause = CAUSE_QUEUE, .hint = HINT_SLOW, .scope_hops = 8, .scope_mode = SCOPE_FLOOD,
	.local_node = { .as = 9, .area = 10, .router_id = { 11, 12, 13, 14, 15, 16 },
			.router_id_len = 6, .present = 7 },
	.remote_node = { .as = 17, .area = 18, .router_id_len = 8, .present = 7,
			 .router_id = { 19, 20, 21, 22, 23, 24, 25, 26 } },
	.local_link = 27, .remote_link = 28, .local_ipv4_be = 29, .remote_ipv4_be = 30,
	.local_ipv6 = { .b = { 31 } }, .remote_ipv6 = { .b = { 32 } },
	.capacity_f32 = 33, .delay_us = 34, .delay_min_us = 35, .delay_max_us = 36,
	.delay_variation_us = 37, .loss = 38, .residual_f32 = 39, .available_f32 = 40,
	.utilized_f32 = 41, .queue_id = 42, .queue_depth = 43, .queue_limit = 44,
	.rate_min_f32 = 45, .rate_max_f32 = 46,
	.anomalous = ANOMALOUS_DELAY | ANOMALOUS_DELAY_RANGE | ANOMALOUS_LOSS,
	.cpu_percent = 47, .memory_percent = 48, .flow_version = 6, .flow_protocol = 49,
	.overlay_kind = KEY_SPI, .flow_sport = 50, .flow_dport = 51,
	.auth_algorithm = AUTH_SIPHASH, .flow_src = { .b = { 52 } },
	.flow_dst = { .b = { 53 } }, .flow_id = 0x3600000037ULL, .overlay_key = 56,
	.path = 57, .auth_key_id = 58, .auth_mac = { 59, 60 },
};

static void every_value_survives(void **state)
{
	struct msg_rules rules = msg_rules_default();
	struct msg_buf none = {}, buf;
	__u32 len = msg_build(&buf, &everything, &none, &rules, &v6, NULL), last = 0;
	struct msg back;
	struct msg_tlv tlv;
	struct cursor c;

	assert_int_not_equal(len, 0);
	assert_int_equal(msg_parse(&back, &rules, &v6, &buf, len), REASON_NONE);
	c = msg_options(&back);
	while (msg_next_tlv(&tlv, &c, &buf)) {
		assert_true(tlv.type > last);
		last = tlv.type;
	}
	assert_int_equal(last, TLV_AUTH);
	memset(back.at, 0, sizeof(back.at));
	back.len = back.options_at = 0;
	assert_memory_equal(&back, &everything, sizeof(back));
}

/* An A bit belongs to one TLV alone. */
static void anomalous_bits_are_told_apart(void **state)
{
	static const struct {
		const char *options;
		__u8 anomalous;
	} cases[] = {
		{ "045a0004" "80000001", ANOMALOUS_DELAY },
		{ "045b0008" "80000001" "00000002", ANOMALOUS_DELAY_RANGE },
		{ "045b0008" "00000001" "80000002", 0 },
		{ "045c0004" "80000001", 0 },
		{ "045d0004" "80000001", ANOMALOUS_LOSS },
		{ "045a0004" "7f000001", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct msg_buf buf;
		struct msg m;

		assert_int_equal(parse(&m, &buf, 0, cases[i].options), REASON_NONE);
		assert_int_equal(m.anomalous, cases[i].anomalous);
		assert_true(m.delay_us <= 1 && m.delay_min_us <= 1 && m.delay_max_us <= 2 &&
			    m.delay_variation_us <= 1 && m.loss <= 1);
	}
}

/* ---- building -------------------------------------------------------------------------------- */

/* What goes in in disorder and twice comes out in order and once; unknown TLVs keep their bytes. */
static void building_sorts_and_keeps_the_unknown(void **state)
{
	struct msg_rules rules = msg_rules_default();
	struct msg_buf buf, built, want;
	struct msg m;
	__u32 len;

	assert_int_equal(parse(&m, &buf, 0x80,
			       "00000000000000000000ffffc0000209"
			       "fdf10008" ENT "00000007" "fdf10008" "00000001" "00000009"
			       "9c400003" "616263" "045a0004" "7f000001" "045a0004" "00000002"
			       "00090000" "9c400001" "64"), REASON_NONE);
	len = msg_build(&built, &m, &buf, &rules, &v6, NULL);
	assert_int_equal(len, compose(&want, 0x80, IP_V4 "00090000" "045a0004" "00000001"
				      "9c400003" "616263" "9c400001" "64"
				      "fdf10008" ENT "00000007" "fdf10008" "00000001" "00000009"));
	assert_memory_equal(built.b, want.b, len);
}

static void an_srh_is_built_without_its_tlvs(void **state)
{
	struct msg_rules rules = msg_rules_default();
	struct msg_buf buf, built, want;
	struct msg m;
	__u32 len;

	assert_int_equal(parse(&m, &buf, 0x40,
			       "0403040100ab00cd" SEG1 "0504000000000000" "9c400000"),
			 REASON_NONE);
	len = msg_build(&built, &m, &buf, &rules, &v6, NULL);
	assert_int_equal(len, compose(&want, 0x40, "0402040100ab00cd" SEG1 "9c400000"));
	assert_memory_equal(built.b, want.b, len);
}

static void what_does_not_fit_is_not_built(void **state)
{
	struct msg_rules rules = msg_rules_default();
	struct tunnel_key k = { .code = CODE_IP, .n = 1 };
	struct msg_buf buf;
	struct writer w = msg_begin(&buf, &v6);
	__u8 tlvs[64] = { 0x9c, 0x40, 0, 60 };

	msg_put_tunnel(&w, &k);
	for (int i = 0; i < 19; i++)
		msg_put_copy(&w, tlvs, 64, 64);
	assert_int_equal(msg_finish(&w, &rules, &v6, KIND_FAILURE, CODE_IP), 4 + 16 + 19 * 64);
	msg_put_copy(&w, tlvs, 64, 64);
	assert_int_equal(msg_finish(&w, &rules, &v6, KIND_FAILURE, CODE_IP), 0);
}

/* ---- tunnels --------------------------------------------------------------------------------- */

static void a_tunnel_written_is_the_tunnel_read(void **state)
{
	struct msg_rules rules = msg_rules_default();

	for (__u32 n = 1; n <= WIRE_LABELS_MAX; n++) {
		struct tunnel_key keys[] = { { .code = CODE_IP, .n = 1 },
					     { .code = CODE_SRV6, .n = MIN(n, MAX_SEGMENTS) },
					     { .code = CODE_MPLS, .n = n } };

		for (__u32 i = 0; i < n; i++) {
			keys[0].addr.b[15 - i % 16] = i + 1;
			if (i < MAX_SEGMENTS)
				keys[1].segment[i].b[i] = i + 1;
			keys[2].label_be[i] = be32((i + 16) << WIRE_LABEL_SHIFT);
		}
		for (int i = 0; i < 3; i++) {
			struct msg_buf buf;
			struct writer w = msg_begin(&buf, &v6);
			struct tunnel_key back;
			struct msg m;
			__u32 len;

			msg_put_tunnel(&w, &keys[i]);
			len = msg_finish(&w, &rules, &v6, KIND_FAILURE, keys[i].code);
			assert_int_equal(msg_parse(&m, &rules, &v6, &buf, len), REASON_NONE);
			assert_true(msg_tunnel_key(&back, &m, &buf, keys[i].code));
			assert_memory_equal(&back, &keys[i], sizeof(back));
		}
	}
}

static void a_longer_list_than_any_path_has_no_identity(void **state)
{
	struct tunnel_key k, before;
	struct msg_buf buf;
	struct msg m;

	memset(&k, 0x5a, sizeof(k));
	before = k;
	assert_int_equal(parse(&m, &buf, 0x40, "2912040008000000" X4(SEG1) X4(SEG2) SEG1),
			 REASON_NONE);
	assert_int_equal(m.n_segments, 9);
	assert_false(msg_tunnel_key(&k, &m, &buf, CODE_SRV6));
	assert_false(msg_tunnel_key(&k, &m, &buf, CODE_IP));
	assert_false(msg_tunnel_key(&k, &m, &buf, CODE_MPLS));
	assert_memory_equal(&k, &before, sizeof(k));
}

/* TC, S and TTL are no part of it; nor are an SRH's fields around the list. */
static void identity_is_the_list_alone(void **state)
{
	struct tunnel_key a, b;
	struct msg_buf buf;
	struct msg m;

	assert_int_equal(parse(&m, &buf, 0x20, "03e89e3e" "05dc11ff"), REASON_NONE);
	assert_true(msg_tunnel_key(&a, &m, &buf, CODE_MPLS));
	assert_int_equal(parse(&m, &buf, 0x20, "03e89040" "05dc1100"), REASON_NONE);
	assert_true(msg_tunnel_key(&b, &m, &buf, CODE_MPLS));
	assert_memory_equal(&a, &b, sizeof(a));
	assert_int_equal(a.label_be[1], be32(24001 << WIRE_LABEL_SHIFT));

	assert_int_equal(parse(&m, &buf, 0x40, "2904040101000000" SEG2 SEG1), REASON_NONE);
	assert_true(msg_tunnel_key(&a, &m, &buf, CODE_SRV6));
	assert_int_equal(parse(&m, &buf, 0x40, "0405040001ff1234" SEG2 SEG1 "0504000000000000"),
			 REASON_NONE);
	assert_true(msg_tunnel_key(&b, &m, &buf, CODE_SRV6));
	assert_memory_equal(&a, &b, sizeof(a));
}

/* ---- authentication -------------------------------------------------------------------------- */

static void a_mac_ignores_relays_hops_and_nothing_else(void **state)
{
	const __u8 secret[16] = { 1 };
	struct msg_rules rules = msg_rules_default();
	struct msg_buf none = {}, buf;
	struct mac_key key = {};
	struct msg back;
	__u32 len;

	assert_int_equal(mac_key_init(&key, AUTH_SIPHASH, secret, 16), 0);
	len = msg_build(&buf, &everything, &none, &rules, &v6, &key);
	assert_int_equal(msg_parse(&back, &rules, &v6, &buf, len), REASON_NONE);
	assert_int_equal(msg_auth(&back, &key, &v6, &buf), REASON_NONE);
	for (__u32 i = 0; i < len; i++) {
		bool hops = i == (__u32)back.at[TLVI_SCOPE] + WIRE_SCOPE_OFF_HOPS;
		struct msg_buf altered = buf;
		struct msg m2;

		altered.b[i] ^= 0x01;
		mend(&altered, &v6, len);
		/* Some changes leave no well-formed message; the checksum is no part of the MAC. */
		if (i == 2 || i == 3 || msg_parse(&m2, &rules, &v6, &altered, len))
			continue;
		assert_int_equal(msg_auth(&m2, &key, &v6, &altered),
				 hops ? REASON_NONE : REASON_AUTH);
	}
}

static void a_mac_holds_for_one_originator(void **state)
{
	const __u8 secret[32] = { 1 };
	struct msg_rules rules = msg_rules_default();
	struct msg m = everything, back;
	struct msg_envelope other = v6;
	struct msg_buf none = {}, buf;
	struct mac_key key = {};
	__u32 len;

	m.auth_algorithm = AUTH_HMAC_SHA256;
	assert_int_equal(mac_key_init(&key, AUTH_HMAC_SHA256, secret, 32), 0);
	len = msg_build(&buf, &m, &none, &rules, &v6, &key);
	assert_int_equal(msg_parse(&back, &rules, &v6, &buf, len), REASON_NONE);
	assert_int_equal(msg_auth(&back, &key, &v6, &buf), REASON_NONE);
	other.src.b[15] ^= 1;
	assert_int_equal(msg_auth(&back, &key, &other, &buf), REASON_AUTH);
	key.algorithm = AUTH_SIPHASH;
	assert_int_equal(msg_auth(&back, &key, &v6, &buf), REASON_AUTH);
}

static void a_missing_mac_is_refused(void **state)
{
	struct mac_key key = { .algorithm = AUTH_SIPHASH };
	struct msg_buf buf;
	struct msg m;

	assert_int_equal(parse(&m, &buf, 0x80, IP), REASON_NONE);
	assert_int_equal(msg_auth(&m, &key, &v6, &buf), REASON_AUTH);
}

int main(void)
{
	const struct CMUnitTest single[] = {
		cmocka_unit_test(lengths_have_limits),
		cmocka_unit_test(udp_fields_are_checked_in_order),
		cmocka_unit_test(the_checksum_covers_the_addresses),
		cmocka_unit_test(a_zero_udp_sum_is_sent_as_its_other_form),
		cmocka_unit_test(types_and_code_follow_policy),
		cmocka_unit_test(reserved_code_bits_are_sent_as_zero),
		cmocka_unit_test(the_first_of_a_repeated_tlv_counts),
		cmocka_unit_test(the_first_of_a_repeated_node_counts),
		cmocka_unit_test(what_is_absent_is_zero),
		cmocka_unit_test(every_value_survives),
		cmocka_unit_test(anomalous_bits_are_told_apart),
		cmocka_unit_test(building_sorts_and_keeps_the_unknown),
		cmocka_unit_test(an_srh_is_built_without_its_tlvs),
		cmocka_unit_test(what_does_not_fit_is_not_built),
		cmocka_unit_test(a_tunnel_written_is_the_tunnel_read),
		cmocka_unit_test(a_longer_list_than_any_path_has_no_identity),
		cmocka_unit_test(identity_is_the_list_alone),
		cmocka_unit_test(a_mac_ignores_relays_hops_and_nothing_else),
		cmocka_unit_test(a_mac_holds_for_one_originator),
		cmocka_unit_test(a_missing_mac_is_refused),
	};
	struct CMUnitTest tests[ARRAY_SIZE(single) + ARRAY_SIZE(rows)];

	memcpy(tests, single, sizeof(single));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[ARRAY_SIZE(single) + i] =
			(struct CMUnitTest){ rows[i].sentence, verdict, NULL, NULL, &rows[i] };
	return _cmocka_run_group_tests("msg", tests, ARRAY_SIZE(tests), NULL, NULL);
}
