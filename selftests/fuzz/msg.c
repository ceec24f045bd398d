// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Fuzzes the codec. The first byte of an input chooses transport, addresses and settings; the rest
 * is the message. Checksums are mended by default, for few would be right by chance.
 *
 * Whatever comes: what is behind a message has no influence on it; a refusal changes nothing; what
 * is accepted can be built, says the same again, and is then built the same way; a MAC that was put
 * holds, and computing it leaves the buffer as it was.
 */
#include "../golden/messages.h"
#include "fuzz.h"

enum choice {
	CHOICE_UDP = 1,
	CHOICE_IPV4 = 2,
	CHOICE_CODE_LSB = 4,
	CHOICE_AS_IT_IS = 8, /* lengths and checksums are not mended */
	CHOICE_HMAC = 16,
};

static struct msg_envelope envelope_of(__u8 choice)
{
	struct msg_envelope e = { .transport = choice & (CHOICE_UDP | CHOICE_IPV4) ?
						       TRANSPORT_UDP :
						       TRANSPORT_ICMPV6 };

	e.src = vector_addr(choice & CHOICE_IPV4 ? "198.51.100.2" : "2001:db8:f::2", "src");
	e.dst = vector_addr(choice & CHOICE_IPV4 ? "198.51.100.1" : "2001:db8:f::1", "dst");
	return e;
}

static void mend(struct msg_buf *buf, const struct msg_envelope *e, __u32 len)
{
	bool udp = e->transport == TRANSPORT_UDP;
	__u32 sum_at = udp ? UDP_OFF_SUM : 2;

	if (len < msg_body(e->transport))
		return;
	if (udp)
		store16(buf->b + UDP_OFF_LEN, be16(len));
	store16(buf->b + sum_at, 0);
	store16(buf->b + sum_at, msg_checksum(buf, e, len));
}

/* What is left when offsets into a buffer are taken out. */
static struct msg meaning(const struct msg *m)
{
	struct msg plain = *m;

	plain.len = plain.srh_at = plain.labels_at = plain.options_at = 0;
	memset(plain.at, 0, sizeof(plain.at));
	return plain;
}

static void require_sane(const struct msg *m, const struct msg_buf *buf, __u32 len)
{
	struct cursor c = msg_options(m);
	struct msg_tlv tlv;
	struct tunnel_key k;

	REQUIRE(m->kind < KIND_COUNT && m->len == len && m->options_at <= len);
	REQUIRE(m->code || m->options_at < len);
	while (msg_next_tlv(&tlv, &c, buf))
		REQUIRE(tlv.at + tlv.n <= len);
	REQUIRE(cursor_left(&c) == 0);
	for (int i = 0; i < TLVI_COUNT; i++)
		REQUIRE(msg_has(m, i) == (m->at[i] != 0) && m->at[i] <= len);
	REQUIRE(msg_tunnel_key(&k, m, buf, CODE_IP) == !!(m->code & CODE_IP));
	REQUIRE(msg_tunnel_key(&k, m, buf, CODE_SRV6) ==
		(m->code & CODE_SRV6 && m->n_segments <= MAX_SEGMENTS));
	REQUIRE(msg_tunnel_key(&k, m, buf, CODE_MPLS) == !!(m->code & CODE_MPLS));
}

static void require_stable(const struct msg *m, const struct msg_buf *buf,
			   const struct msg_rules *r, const struct msg_envelope *e)
{
	struct msg_buf built, again;
	struct msg m2, a, b;
	__u32 len = msg_build(&built, m, buf, r, e, NULL);

	/* Only a bare IPv4 address grows. */
	REQUIRE(len && len <= (__u32)m->len + 12);
	REQUIRE(msg_parse(&m2, r, e, &built, len) == REASON_NONE);
	a = meaning(m);
	b = meaning(&m2);
	REQUIRE(!memcmp(&a, &b, sizeof(a)));
	REQUIRE(msg_build(&again, &m2, &built, r, e, NULL) == len);
	REQUIRE(!memcmp(built.b, again.b, len));
}

static void require_signed(const struct msg *m, struct msg_buf *buf, const struct msg_rules *r,
			   const struct msg_envelope *e, __u8 choice)
{
	static const __u8 secret[16] = "a fuzzer's key.";
	enum wire_auth algorithm = choice & CHOICE_HMAC ? AUTH_HMAC_SHA256 : AUTH_SIPHASH;
	struct msg_buf before = *buf, built;
	struct msg m2, to_sign = *m;
	struct mac_key key = {};
	__u32 len;

	REQUIRE(mac_key_init(&key, algorithm, secret, sizeof(secret)) == 0);
	REQUIRE(msg_auth(m, &key, e, buf) == REASON_AUTH);
	REQUIRE(!memcmp(before.front, buf->front, sizeof(before.front)));
	REQUIRE(!memcmp(before.b, buf->b, m->len));
	if (!msg_has(m, TLVI_AUTH))
		return;
	to_sign.auth_algorithm = algorithm;
	len = msg_build(&built, &to_sign, buf, r, e, &key);
	REQUIRE(len && msg_parse(&m2, r, e, &built, len) == REASON_NONE);
	REQUIRE(msg_auth(&m2, &key, e, &built) == REASON_NONE);
	built.b[m2.at[TLVI_AUTH]] ^= 1;
	REQUIRE(msg_auth(&m2, &key, e, &built) == REASON_AUTH);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct msg_rules rules = msg_rules_default();
	struct msg m, m2, before;
	struct msg_buf buf, buf2;
	struct msg_envelope e;
	enum reason reason;
	__u32 len, kept;

	if (!size)
		return 0;
	e = envelope_of(input[0]);
	rules.code_lsb = !!(input[0] & CHOICE_CODE_LSB);
	len = size - 1;
	kept = MIN(len, WIRE_MSG_MAX);
	memset(&buf, 0xa5, sizeof(buf));
	memcpy(buf.b, input + 1, kept);
	if (!(input[0] & CHOICE_AS_IT_IS) && len == kept)
		mend(&buf, &e, len);
	memset(&buf2, 0x5a, sizeof(buf2));
	memcpy(buf2.b, buf.b, kept);

	memset(&before, 0x3c, sizeof(before));
	m = m2 = before;
	reason = msg_parse(&m, &rules, &e, &buf, len);
	REQUIRE(msg_parse(&m2, &rules, &e, &buf2, len) == reason);
	REQUIRE(!memcmp(&m, &m2, sizeof(m)));
	REQUIRE(!memcmp(buf.b, buf2.b, kept));
	if (reason) {
		REQUIRE(reason < REASON_COUNT && reason_fate(reason) == FATE_DROP);
		REQUIRE(!memcmp(&m, &before, sizeof(m)));
		return 0;
	}
	require_sane(&m, &buf, len);
	require_stable(&m, &buf, &rules, &e);
	require_signed(&m, &buf, &rules, &e, input[0]);
	return 0;
}

/* ---- inputs ---------------------------------------------------------------------------------- */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static __u32 rolled; /* xorshift: a run is repeatable by its seed */

static __u32 roll(__u32 sides)
{
	rolled ^= rolled << 13;
	rolled ^= rolled >> 17;
	rolled ^= rolled << 5;
	return rolled % sides;
}

/* One of the golden messages: the corpus, without binaries in the tree. */
static size_t start_again(uint8_t *data, size_t max)
{
	const struct vector *v;

	if (!n_vectors)
		vectors_read(SRCDIR "/selftests/golden/messages.json");
	v = &vectors[roll(n_vectors)];
	if (max < v->len + 1)
		return 0;
	data[0] = (v->envelope.transport == TRANSPORT_UDP ? CHOICE_UDP : 0) |
		  (addr_is_v4(&v->envelope.src) ? CHOICE_IPV4 : 0);
	memcpy(data + 1, v->bytes, v->len);
	return v->len + 1;
}

/* A TLV of the table at the end, with a length that may be right. */
static size_t add_tlv(uint8_t *data, size_t size, size_t max)
{
	static const struct {
		__u16 type, min, max;
	} table[] = {
#define X(NAME, type, min, max, word) { type, min, max },
		WIRE_TLVS(X) WIRE_SUBTLVS(X)
#undef X
	};
	__u32 i = roll(ARRAY_SIZE(table)), n = table[i].min;

	if (n < table[i].max && roll(2))
		n = MIN(table[i].max, n + roll(48));
	if (!size || size + WIRE_TLV_HDR + n > max)
		return 0;
	store32(data + size, be32((__u32)table[i].type << 16 | n));
	memset(data + size + 4, roll(256), n);
	if (table[i].type >= WIRE_PRIVATE_MIN && roll(8))
		store32(data + size + 4, be32(WIRE_ENTERPRISE));
	if (table[i].type == TLV_FLOW)
		data[size + 8] = n == WIRE_FLOW_LEN_V4 ? 4 : 6;
	return size + WIRE_TLV_HDR + n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	size_t n = 0;
	__u32 way;

	rolled = seed | 1;
	way = roll(16);
	if (way == 0 || size < 2)
		n = start_again(data, max);
	else if (way < 5)
		n = add_tlv(data, size, max);
	return n ? n : LLVMFuzzerMutate(data, size, max);
}
