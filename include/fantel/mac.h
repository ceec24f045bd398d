/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Message authentication codes over a stretch of a struct msg_buf: SipHash-2-4 with 128 bits of
 * output (Aumasson and Bernstein), and HMAC-SHA-256 (RFC 2104, FIPS 180-4) cut to its first 128
 * bits. No kernel offers either to an XDP program, so they are written out here, for BPF and host
 * alike. msg.h decides what goes into the code; docs/wire.md §2.
 */
#ifndef FANTEL_MAC_H
#define FANTEL_MAC_H

#include "abi.h"
#include "cursor.h"

struct mac {
	__u64 q[2]; /* bytes in the order in which they travel */
};

FN bool mac_equal(const struct mac *a, const void *wire)
{
	/* No early exit: time must not tell how much of a forgery was right. */
	return ((a->q[0] ^ load64(wire)) | (a->q[1] ^ load64((const __u8 *)wire + 8))) == 0;
}

/* ---- SipHash --------------------------------------------------------------------------------- */

#define MAC_ROTL64(x, n) (((x) << (n)) | ((x) >> (64 - (n))))

FN void sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v2 += s->v3;
	s->v1 = MAC_ROTL64(s->v1, 13) ^ s->v0;
	s->v3 = MAC_ROTL64(s->v3, 16) ^ s->v2;
	s->v0 = MAC_ROTL64(s->v0, 32) + s->v3;
	s->v2 += s->v1;
	s->v1 = MAC_ROTL64(s->v1, 17) ^ s->v2;
	s->v3 = MAC_ROTL64(s->v3, 21) ^ s->v0;
	s->v2 = MAC_ROTL64(s->v2, 32);
}

FN void sip_word(struct sip *s, __u64 word)
{
	s->v3 ^= word;
	sip_round(s);
	sip_round(s);
	s->v0 ^= word;
}

/* SipHash reads little-endian words; be64 of the swapped value serves both hosts. */
FN __u64 sip_load(const void *p)
{
	return __builtin_bswap64(be64(load64(p)));
}

#define SIP_BLOCK 64
#define SIP_BLOCKS ((MSG_BUF_FRONT + WIRE_MSG_MAX) / SIP_BLOCK)

/* Eight words at `place`. On its own: the verifier walks a loop's body as often as it may run, and this
 * is what it runs for. 0, or -1 outside the buffer. */
SUBPROG int sip_block(struct msg_buf *buf, __u32 place)
{
	const __u8 *p;
	struct sip s;

	if (!buf)
		return -1;
	p = msg_buf_place(buf, place, SIP_BLOCK);
	if (!p)
		return -1;
	s = buf->work.sip;
	for (int i = 0; i < SIP_BLOCK; i += 8)
		sip_word(&s, sip_load(p + i));
	buf->work.sip = s;
	return 0;
}

/* What is left behind the blocks, from `place` to before `end`: up to seven words and a half, which
 * closes with the stretch's length, `len`. On its own, so that the verifier does not walk it once for
 * each length that a message may have. */
SUBPROG int sip_end(struct mac *out, struct msg_buf *buf, __u32 place, __u32 end, __u32 len)
{
	__u32 left = end - place;
	__u64 last = 0;
	const __u8 *p;
	struct sip s;

	if (!out || !buf || left >= SIP_BLOCK)
		return -1;
	s = buf->work.sip;
	for (int i = 0; i < SIP_BLOCK / 8; i++) {
		p = msg_buf_place(buf, place, 8);
		if (!p)
			return -1;
		last = sip_load(p);
		if (left < 8)
			break;
		sip_word(&s, last);
		place += 8;
		left -= 8;
	}
	/* Of the last word only what is before `end`: up to seven bytes, its low ones. */
	last = left ? last << ((64 - 8 * left) & 63) >> ((64 - 8 * left) & 63) : 0;
	sip_word(&s, (__u64)len << 56 | last);
	s.v2 ^= 0xee;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	out->q[0] = __builtin_bswap64(be64(s.v0 ^ s.v1 ^ s.v2 ^ s.v3));
	s.v1 ^= 0xdd;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	out->q[1] = __builtin_bswap64(be64(s.v0 ^ s.v1 ^ s.v2 ^ s.v3));
	return 0;
}

/* The code of the bytes from `place` to before `end`, places in *buf. 0, or -1 for a stretch that
 * is not inside the buffer. */
SUBPROG int mac_siphash(struct mac *out, const struct mac_key *key, struct msg_buf *buf, __u32 place,
			__u32 end)
{
	__u32 len = end - place;
	struct sip *s;

	if (!out || !key || !buf)
		return -1;
	if (end > MSG_BUF_FRONT + WIRE_MSG_MAX || place > end)
		return -1;
	s = &buf->work.sip;
	s->v0 = key->sip[0] ^ 0x736f6d6570736575ULL;
	s->v1 = key->sip[1] ^ 0x646f72616e646f6dULL ^ 0xee;
	s->v2 = key->sip[0] ^ 0x6c7967656e657261ULL;
	s->v3 = key->sip[1] ^ 0x7465646279746573ULL;
	for (__u32 i = 0; i < SIP_BLOCKS && end - place >= SIP_BLOCK; i++) {
		if (sip_block(buf, place))
			return -1;
		place += SIP_BLOCK;
	}
	return sip_end(out, buf, place, end, len);
}

/* ---- SHA-256 --------------------------------------------------------------------------------- */

#define MAC_ROTR32(x, n) (((x) >> (n)) | ((x) << (32 - (n))))

#define SHA256_H0                                                                                  \
	{ 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,                                          \
	  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 }

/* Word i of the message schedule, kept in a ring of 16: loaded first, then computed in place. */
#define SHA256_LOAD(i) (w[i] = be32(load32(p + 4 * (i))))
#define SHA256_MIX(i)                                                                              \
	(w[i] += (MAC_ROTR32(w[((i) + 1) & 15], 7) ^ MAC_ROTR32(w[((i) + 1) & 15], 18) ^           \
		  w[((i) + 1) & 15] >> 3) +                                                        \
		 w[((i) + 9) & 15] +                                                               \
		 (MAC_ROTR32(w[((i) + 14) & 15], 17) ^ MAC_ROTR32(w[((i) + 14) & 15], 19) ^        \
		  w[((i) + 14) & 15] >> 10))

/* Each variable is read once. Pinned, or clang computes words rounds ahead and spills more of them than
 * BPF's stack can hold. */
#define SHA256_ROUND(a, b, c, d, e, f, g, h, k, i, WORD)                                           \
	do {                                                                                       \
		__u32 x = (e), y = (g), t = (h) + (k);                                             \
		t += WORD(i);                                                                      \
		t += (MAC_ROTR32(x, 6) ^ MAC_ROTR32(x, 11) ^ MAC_ROTR32(x, 25)) +                  \
		     (y ^ (x & ((f) ^ y)));                                                        \
		CURSOR_PIN(t);                                                                     \
		(d) += t;                                                                          \
		x = (a), y = (b);                                                                  \
		t += (MAC_ROTR32(x, 2) ^ MAC_ROTR32(x, 13) ^ MAC_ROTR32(x, 22)) +                  \
		     ((x & y) | ((c) & (x | y)));                                                  \
		CURSOR_PIN(t);                                                                     \
		(h) = t;                                                                           \
	} while (0)

/* Eight rounds, after which every variable is back in its own place. Every other one is in memory by
 * our own doing: eight are more than BPF has registers for, and clang would give each a place on the
 * stack besides. */
#define SHA256_8(WORD, i, k0, k1, k2, k3, k4, k5, k6, k7)                                          \
	do {                                                                                       \
		SHA256_ROUND(a, m[0], c, m[1], e, m[2], g, m[3], k0, (i) + 0, WORD);               \
		SHA256_ROUND(m[3], a, m[0], c, m[1], e, m[2], g, k1, (i) + 1, WORD);               \
		SHA256_ROUND(g, m[3], a, m[0], c, m[1], e, m[2], k2, (i) + 2, WORD);               \
		SHA256_ROUND(m[2], g, m[3], a, m[0], c, m[1], e, k3, (i) + 3, WORD);               \
		SHA256_ROUND(e, m[2], g, m[3], a, m[0], c, m[1], k4, (i) + 4, WORD);               \
		SHA256_ROUND(m[1], e, m[2], g, m[3], a, m[0], c, k5, (i) + 5, WORD);               \
		SHA256_ROUND(c, m[1], e, m[2], g, m[3], a, m[0], k6, (i) + 6, WORD);               \
		SHA256_ROUND(m[0], c, m[1], e, m[2], g, m[3], a, k7, (i) + 7, WORD);               \
	} while (0)

/*
 * One block of 64 bytes at `place` into buf->work.hash. The rounds are written out, for in a loop every
 * index into the schedule would be a variable one. 0, or -1 outside the buffer.
 */
SUBPROG int sha256_block(struct msg_buf *buf, __u32 place)
{
	__u32 a, c, e, g, *s, *w;
	volatile __u32 *m;
	const __u8 *p;

	if (!buf)
		return -1;
	s = buf->work.hash;
	w = buf->work.w;
	m = buf->work.m;
	p = msg_buf_place(buf, place, 64);
	if (!p)
		return -1;
	a = s[0], m[0] = s[1], c = s[2], m[1] = s[3];
	e = s[4], m[2] = s[5], g = s[6], m[3] = s[7];
	SHA256_8(SHA256_LOAD, 0, 0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b,
		 0x59f111f1, 0x923f82a4, 0xab1c5ed5);
	SHA256_8(SHA256_LOAD, 8, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74,
		 0x80deb1fe, 0x9bdc06a7, 0xc19bf174);
	SHA256_8(SHA256_MIX, 0, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
		 0x4a7484aa, 0x5cb0a9dc, 0x76f988da);
	SHA256_8(SHA256_MIX, 8, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3,
		 0xd5a79147, 0x06ca6351, 0x14292967);
	SHA256_8(SHA256_MIX, 0, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354,
		 0x766a0abb, 0x81c2c92e, 0x92722c85);
	SHA256_8(SHA256_MIX, 8, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
		 0xd6990624, 0xf40e3585, 0x106aa070);
	SHA256_8(SHA256_MIX, 0, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3,
		 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3);
	SHA256_8(SHA256_MIX, 8, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa,
		 0xa4506ceb, 0xbef9a3f7, 0xc67178f2);
	s[0] += a, s[1] += m[0], s[2] += c, s[3] += m[1];
	s[4] += e, s[5] += m[2], s[6] += g, s[7] += m[3];
	return 0;
}

#define SHA256_BLOCKS (MSG_BUF_LEN / 64 + 1)

/*
 * Hash the bytes from `place` to before `end` into buf->work.hash, where `before` bytes (a multiple of
 * 64) went in already, and finish. Writes the padding behind `end`. 0, or -1 outside the buffer.
 */
FN int sha256_end(struct msg_buf *buf, __u32 place, __u32 end, __u32 before)
{
	__u32 len = end - place;
	__u32 stop = place + (len + 9 + 63) / 64 * 64;
	__u8 *p;

	/* 0x80, zeros, and the length in bits in the last eight bytes of the last block. */
	if (end > MSG_BUF_FRONT + WIRE_MSG_MAX || place > end)
		return -1;
	p = msg_buf_place(buf, end, 72);
	if (!p)
		return -1;
	store64(p, be64(0x8000000000000000ULL));
	for (int i = 1; i < 9; i++)
		store64(p + 8 * i, 0);
	p = msg_buf_place(buf, stop - 8, 8);
	if (!p)
		return -1;
	store64(p, be64((__u64)(before + len) * 8));
	for (__u32 i = 0; i < SHA256_BLOCKS; i++) {
		if (place >= stop)
			return 0;
		if (sha256_block(buf, place))
			return -1;
		place += 64;
	}
	return -1;
}

/* The code of the bytes from `place` to before `end`; writes behind `end`. 0, or -1 for a stretch
 * that is not inside the buffer. */
SUBPROG int mac_hmac_sha256(struct mac *out, const struct mac_key *key, struct msg_buf *buf,
			    __u32 place, __u32 end)
{
	__u32 *h;
	__u8 *p;

	if (!out || !key || !buf)
		return -1;
	h = buf->work.hash;
	for (int i = 0; i < 8; i++)
		h[i] = key->hmac.inner[i];
	if (sha256_end(buf, place, end, 64))
		return -1;
	/* The inner digest is the outer hash's message. It goes where the padding was. */
	p = msg_buf_place(buf, end, 64);
	if (!p)
		return -1;
	for (int i = 0; i < 8; i++) {
		store32(p + 4 * i, be32(h[i]));
		h[i] = key->hmac.outer[i];
	}
	store64(p + 32, be64(0x8000000000000000ULL));
	store64(p + 40, 0);
	store64(p + 48, 0);
	store64(p + 56, be64((64 + 32) * 8));
	if (sha256_block(buf, end))
		return -1;
	out->q[0] = be64((__u64)h[0] << 32 | h[1]);
	out->q[1] = be64((__u64)h[2] << 32 | h[3]);
	return 0;
}

/* ---- both ------------------------------------------------------------------------------------ */

/* The code of a stretch under the key's algorithm. 0 or -1, as above. */
FN int mac_compute(struct mac *out, const struct mac_key *key, struct msg_buf *buf, __u32 place,
		   __u32 end)
{
	if (key->algorithm == AUTH_SIPHASH)
		return mac_siphash(out, key, buf, place, end);
	if (key->algorithm == AUTH_HMAC_SHA256)
		return mac_hmac_sha256(out, key, buf, place, end);
	return -1;
}

/*
 * Make a key ready. `len` bytes of secret: 16 for SipHash, at most 64 for HMAC. Fills *key and
 * returns 0, or -1 for a length or an algorithm that is not ours. Not for the packet path.
 */
static inline int mac_key_init(struct mac_key *key, enum wire_auth algorithm, const __u8 *secret,
			       __u32 len)
{
	static const __u32 start[8] = SHA256_H0;
	struct mac_key k = { .algorithm = algorithm };
	struct msg_buf block;

	if (algorithm == AUTH_SIPHASH && len == WIRE_SIPHASH_KEY) {
		k.sip[0] = sip_load(secret);
		k.sip[1] = sip_load(secret + 8);
	} else if (algorithm == AUTH_HMAC_SHA256 && len <= WIRE_HMAC_KEY_MAX) {
		for (__u32 i = 0; i < 64; i++) {
			block.b[i] = (i < len ? secret[i] : 0) ^ 0x36;
			block.b[64 + i] = (i < len ? secret[i] : 0) ^ 0x5c;
		}
		memcpy(block.work.hash, start, sizeof(start));
		sha256_block(&block, MSG_BUF_FRONT);
		memcpy(k.hmac.inner, block.work.hash, sizeof(start));
		memcpy(block.work.hash, start, sizeof(start));
		sha256_block(&block, MSG_BUF_FRONT + 64);
		memcpy(k.hmac.outer, block.work.hash, sizeof(start));
	} else {
		return -1;
	}
	*key = k;
	return 0;
}

#endif
