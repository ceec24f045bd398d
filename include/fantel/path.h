/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Path choice: a pure function of the flow, the members of its group and their health.
 *
 * Weighted rendezvous (highest random weight): every (slot, member) pair has a random number u, and
 * the members serve a slot in the order of -log(u) / weight. So a member's share is its weight's, a
 * member that leaves moves only its own flows, and one whose weight changes moves only the
 * difference. The logarithms are taken here, once, by the loader; the packet path follows a list.
 * Integers only: the same policy gives the same table on every machine and after every restart.
 */
#ifndef FANTEL_PATH_H
#define FANTEL_PATH_H

#include "abi.h"

_Static_assert((RANK_SLOTS & (RANK_SLOTS - 1)) == 0, "slots are taken by a mask");
_Static_assert(MAX_MEMBERS <= 16, "a member is four bits of rank.order");

/* Finalizer with full avalanche: xorshift and two multiplications. */
FN __u64 hash_mix(__u64 h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93ULL;
	h ^= h >> 32;
	return h;
}

/* What differs between addresses is in the highest bits of their words, on little-endian machines,
 * and stays there in a product modulo 2^64: it is brought down first. */
FN __u64 hash_fold(__u64 word)
{
	return word ^ word >> 32;
}

/*
 * Of a flow: addresses, L4 ports, protocol and, for RoCEv2, the destination QP, because RDMA is few
 * and fat flows between the same ports. Multilinear, so that the multiplications run side by side;
 * the odd constants are random.
 */
FN __u64 flow_hash(const struct addr *src, const struct addr *dst, __u32 ports, __u32 proto,
		   __u32 qp, __u64 seed)
{
	__u64 h = seed;

	h += hash_fold(src->q_be[0]) * 0x9e3779b97f4a7c15ULL;
	h += hash_fold(src->q_be[1]) * 0xc2b2ae3d27d4eb4fULL;
	h += hash_fold(dst->q_be[0]) * 0x165667b19e3779f9ULL;
	h += hash_fold(dst->q_be[1]) * 0xff51afd7ed558ccdULL;
	h += hash_fold((__u64)ports << 32 | qp) * 0xc4ceb9fe1a85ec53ULL;
	h += proto * 0x87c37b91114253d5ULL;
	return hash_mix(h);
}

/* How many 64-bit words of an identity may differ from zero: its head, and two for each of n. Labels
 * need less. */
FN __u32 tunnel_words(const struct tunnel_key *t)
{
	return MIN(1 + 2U * t->n, (__u32)(sizeof(*t) / 8));
}

FN bool tunnel_equal(const struct tunnel_key *a, const struct tunnel_key *b)
{
	const __u8 *p = (const __u8 *)a, *q = (const __u8 *)b;
	__u64 differ = 0;

	for (__u32 i = 0; i < sizeof(*a) / 8 && i < tunnel_words(a); i++)
		differ |= load64(p + 8 * i) ^ load64(q + 8 * i);
	return !differ;
}

/* `bits` bits of hash of an address, for direct-mapped memories. The highest bits of the product: an
 * address's last bytes are its words' highest on little-endian machines, and reach only those. */
FN __u32 hash_addr(const struct addr *a, __u32 bits)
{
	return (a->q_be[0] * 0x9e3779b97f4a7c15ULL + a->q_be[1] * 0xc2b2ae3d27d4eb4fULL) >> (64 - bits);
}

/* Of a tunnel's identity, 64 bits wide: as a key it is checked against the identity itself. The
 * factors are powers, so that no small multiple of one is another's: SIDs are small numbers. */
FN __u64 hash_tunnel(const struct tunnel_key *t)
{
	const __u8 *byte = (const __u8 *)t;
	__u64 h = 0, factor = 1;

	for (__u32 i = 0; i < sizeof(*t) / 8 && i < tunnel_words(t); i++) {
		factor *= 0x9e3779b97f4a7c15ULL;
		h += hash_fold(load64(byte + 8 * i)) * factor;
	}
	return hash_mix(h);
}

FN __u32 hash_slot(__u64 hash)
{
	return hash & (RANK_SLOTS - 1);
}

/* 20 bits of entropy for the outer flow label (RFC 6437, RFC 6438), never 0, from bits that
 * hash_slot does not use: within a path, flows still spread over equal-cost links. */
FN __u32 hash_flow_label(__u64 hash)
{
	__u32 label = (hash >> 40) & 0xfffff;

	return label ? label : 1;
}

/*
 * A slot's order with one path moved to the front, the others behind it as they were; the same order
 * if it is not listed. Its own function: rarely called.
 */
SUBPROG __u64 rank_first(const struct rank *r, __u64 order, __u32 path)
{
	if (!r)
		return order;
	for (__u32 i = 0; i < MAX_MEMBERS && i < r->n; i++) {
		__u64 before = (1ULL << 4 * i) - 1, member = order >> 4 * i & 15;

		if (r->path[member] == path)
			return (order & ~(before << 4 | 15)) | (order & before) << 4 | member;
	}
	return order;
}

#ifndef __bpf__

/* log2(m / 2^31) with 24 fractional bits, for 2^31 <= m < 2^32, bit by bit. */
static inline __u32 rank_log2_bits(__u64 m)
{
	__u32 log = 0;

	for (int i = 0; i < 24; i++) {
		m = m * m >> 31;
		log <<= 1;
		if (m >> 32) {
			log |= 1;
			m >>= 1;
		}
	}
	return log;
}

/* The same from a table of 2^10 places, and the line between two: wrong by 2^-22 at most. */
#define RANK_LOG_BITS 10
static inline __u32 rank_log2(__u32 m)
{
	static __u32 table[(1 << RANK_LOG_BITS) + 1];
	const __u32 shift = 31 - RANK_LOG_BITS;
	__u32 at = (m - (1U << 31)) >> shift, rest = m & ((1U << shift) - 1);

	if (!table[1 << RANK_LOG_BITS]) {
		for (__u64 i = 0; i < 1 << RANK_LOG_BITS; i++)
			table[i] = rank_log2_bits((1ULL << 31) + (i << shift));
		table[1 << RANK_LOG_BITS] = 1U << 24;
	}
	return table[at] + ((__u64)(table[at + 1] - table[at]) * rest >> shift);
}

/* -log2(u / 2^64) with 24 fractional bits, for u > 0. */
static inline __u64 rank_neg_log2(__u64 u)
{
	int zeros = __builtin_clzll(u);

	return ((__u64)(zeros + 1) << 24) - rank_log2(u << zeros >> 32);
}

/* A member goes by its path's name, so that indices do not matter. */
static inline __u64 rank_seed(const struct member *m)
{
	__u64 h = 0xcbf29ce484222325ULL;

	for (int i = 0; i < NAME_LEN && m->name[i]; i++)
		h = (h ^ (__u8)m->name[i]) * 0x100000001b3ULL;
	return hash_mix(h);
}

/* Its random number for a slot. */
static inline __u64 rank_draw(__u64 seed, __u32 slot)
{
	__u64 h = hash_mix(seed + slot);

	return h ? h : 1;
}

/* Does a serve before b? Lower tier first, then the smaller -log(u) / weight. */
static inline bool rank_before(const struct member *a, __u64 log_a, const struct member *b,
			       __u64 log_b)
{
	if (a->tier != b->tier)
		return a->tier < b->tier;
	return log_a * b->effective < log_b * a->effective;
}

/* For rank.idle: how long flows may pause and still keep their path; `hz` jiffies are a second. */
static inline __u32 rank_idle(const struct group *g, __u32 hz)
{
	if (g->ordering == ORDERING_STRICT)
		return STRICT_IDLE_S * hz;
	return g->ordering == ORDERING_FLOWLET ? DIV_ROUND_UP(g->gap_us * 1000ULL, FLOW_TICK_NS) : 0;
}

/*
 * Compile a group (n_members <= MAX_MEMBERS). Effective weights count; at 0 a member is drained: not listed. Every
 * bit of *r is set, idle to 0; on_no_path is FATE_DROP or FATE_PASS.
 */
static inline void rank_build(struct rank *r, const struct group *g, enum fate on_no_path)
{
	__u64 seed[MAX_MEMBERS];

	memset(r, 0, sizeof(*r));
	r->on_no_path = on_no_path;
	r->ordering = g->ordering;
	for (__u32 i = 0; i < g->n_members; i++) {
		seed[i] = rank_seed(&g->member[i]);
		r->path[i] = g->member[i].path;
		r->n += g->member[i].effective != 0;
	}
	for (__u32 slot = 0; slot < RANK_SLOTS; slot++) {
		__u64 log[MAX_MEMBERS];
		__u8 order[MAX_MEMBERS];
		__u32 n = 0;

		for (__u32 i = 0; i < g->n_members; i++) {
			const struct member *m = &g->member[i];
			__u32 at = n;

			if (!m->effective)
				continue;
			log[i] = rank_neg_log2(rank_draw(seed[i], slot));
			for (; at && rank_before(m, log[i], &g->member[order[at - 1]], log[order[at - 1]]); at--)
				order[at] = order[at - 1];
			order[at] = i;
			n++;
		}
		for (__u32 i = 0; i < n; i++)
			r->order[slot] |= (__u64)order[i] << (4 * i);
	}
}

#endif
#endif
