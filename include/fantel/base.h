/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What every other header stands on: the types, and the few words that differ between the BPF
 * target and the host. The only place in include/ with an #ifdef on the target.
 */
#ifndef FANTEL_BASE_H
#define FANTEL_BASE_H

#ifdef __bpf__
/* Plain names that kernels, this one or the next, use too: theirs step aside, we need none of them. */
#define bucket kernel_bucket
#define config kernel_config
#define cursor kernel_cursor
#define event kernel_event
#define flow kernel_flow
#define frame kernel_frame
#define group kernel_group
#define health kernel_health
#define key kernel_key
#define link kernel_link
#define member kernel_member
#define msg kernel_msg
#define nexthop kernel_nexthop
#define ordering kernel_ordering
#define origin kernel_origin
#define path kernel_path
#define path_flags kernel_path_flags
#define rank kernel_rank
#define resource kernel_resource
#define source kernel_source
#define traffic kernel_traffic
#define watch kernel_watch
#define writer kernel_writer
#define REASON_TYPE kernel_REASON_TYPE
#include "vmlinux.h"
#undef bucket
#undef config
#undef cursor
#undef event
#undef flow
#undef frame
#undef group
#undef health
#undef key
#undef link
#undef member
#undef msg
#undef nexthop
#undef ordering
#undef origin
#undef path
#undef path_flags
#undef rank
#undef resource
#undef source
#undef traffic
#undef watch
#undef writer
#undef REASON_TYPE
#include <bpf/bpf_helpers.h>
#define memcpy __builtin_memcpy
#define memset __builtin_memset
#else
#include <linux/bpf.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#endif

/* Inlined everywhere: helpers of a few instructions, and all that holds packet pointers. */
#define FN static inline __attribute__((always_inline))

/* A function of its own in BPF (verified once, called many times); plain static on the host. */
#ifdef __bpf__
#define SUBPROG __attribute__((noinline))
#else
#define SUBPROG static inline
#endif

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define NSEC_PER_MSEC 1000000ULL
#define NSEC_PER_SEC 1000000000ULL

#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))

/* Byte order: the wire is big-endian, every other value in this tree is in host order unless its
 * name ends in _be. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define be16(x) ((__u16)__builtin_bswap16(x))
#define be32(x) ((__u32)__builtin_bswap32(x))
#define be64(x) ((__u64)__builtin_bswap64(x))
#else
#define be16(x) ((__u16)(x))
#define be32(x) ((__u32)(x))
#define be64(x) ((__u64)(x))
#endif

/* Loads and stores at any alignment. The BPF verifier takes unaligned packet accesses as they are,
 * and clang would split a memcpy of unknown alignment into bytes. */
#ifdef __bpf__
#define load16(p) (*(const __u16 *)(p))
#define load32(p) (*(const __u32 *)(p))
#define load64(p) (*(const __u64 *)(p))
#define store16(p, v) (*(__u16 *)(p) = (v))
#define store32(p, v) (*(__u32 *)(p) = (v))
#define store64(p, v) (*(__u64 *)(p) = (v))
#else
#define FANTEL_UNALIGNED(bits)                                                                     \
	FN __u##bits load##bits(const void *p)                                                     \
	{                                                                                          \
		__u##bits v;                                                                       \
		memcpy(&v, p, sizeof(v));                                                          \
		return v;                                                                          \
	}                                                                                          \
	FN void store##bits(void *p, __u##bits v)                                                  \
	{                                                                                          \
		memcpy(p, &v, sizeof(v));                                                          \
	}
FANTEL_UNALIGNED(16)
FANTEL_UNALIGNED(32)
FANTEL_UNALIGNED(64)
#endif

/* An IPv6 address in network order; IPv4 travels as ::ffff:a.b.c.d (RFC 4291 §2.5.5.2). Held as
 * words, so that a comparison is two loads and no call. */
struct addr {
	union {
		__u8 b[16];
		__be16 w_be[8];
		__be32 l_be[4];
		__be64 q_be[2];
	};
};

FN bool addr_equal(const struct addr *a, const struct addr *b)
{
	return a->q_be[0] == b->q_be[0] && a->q_be[1] == b->q_be[1];
}

FN struct addr addr_load(const void *p)
{
	struct addr a;

	a.q_be[0] = load64(p);
	a.q_be[1] = load64((const __u8 *)p + 8);
	return a;
}

FN void addr_store(void *p, const struct addr *a)
{
	store64(p, a->q_be[0]);
	store64((__u8 *)p + 8, a->q_be[1]);
}

FN bool addr_is_v4(const struct addr *a)
{
	return a->q_be[0] == 0 && a->l_be[2] == (__be32)be32(0xffff);
}

FN bool addr_is_unspecified(const struct addr *a)
{
	return (a->q_be[0] | a->q_be[1]) == 0;
}

/* ff00::/8, or 224.0.0.0/4 mapped. */
FN bool addr_is_multicast(const struct addr *a)
{
	return a->b[0] == 0xff || (addr_is_v4(a) && (a->b[12] & 0xf0) == 0xe0);
}

/* fe80::/10. IPv4 link-local is never routed by us, so it does not matter here. */
FN bool addr_is_link_local(const struct addr *a)
{
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

/* Never leaves its link: fe80::/10, interface- and link-local multicast (RFC 4291 §2.7), 224.0.0.0/24. */
FN bool addr_is_link_scope(const struct addr *a)
{
	if (a->b[0] == 0xff)
		return (a->b[1] & 15) <= 2;
	if (addr_is_v4(a))
		return (a->l_be[3] & be32(0xffffff00)) == be32(0xe0000000);
	return addr_is_link_local(a);
}

FN struct addr addr_from_v4(__be32 v4_be)
{
	struct addr a = { .q_be = { 0, 0 } };

	a.l_be[2] = (__be32)be32(0xffff);
	a.l_be[3] = v4_be;
	return a;
}

/* An address as one number, so that bpftool prints 0x20010db8...; aligned as maps align it. */
typedef unsigned __int128 addr_num __attribute__((aligned(8)));

FN addr_num addr_number(const struct addr *a)
{
	return (addr_num)be64(a->q_be[0]) << 64 | be64(a->q_be[1]);
}

FN struct addr addr_from_number(addr_num number)
{
	struct addr a;

	a.q_be[0] = be64((__u64)(number >> 64));
	a.q_be[1] = be64((__u64)number);
	return a;
}

/* Does the address lie in prefix/plen, 0 <= plen <= 128? */
FN bool addr_in_prefix(const struct addr *a, const struct addr *prefix, __u32 plen)
{
	__u64 hi = be64(a->q_be[0] ^ prefix->q_be[0]);
	__u64 lo = be64(a->q_be[1] ^ prefix->q_be[1]);

	if (plen == 0)
		return true;
	if (plen <= 64)
		return (hi >> (64 - plen)) == 0;
	if (hi)
		return false;
	return plen >= 128 ? lo == 0 : (lo >> (128 - plen)) == 0;
}

#endif
