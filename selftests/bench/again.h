/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What bench.c tells again.bpf.c: the packet, and how much of it a run spoils. */
#ifndef AGAIN_H
#define AGAIN_H

#include "fantel/base.h"

/*
 * The packet is written anew by words that start 6 bytes into it, as the addresses of IPv6 behind
 * Ethernet do: a load that spans two fresh stores stalls the processor, and a packet from a wire
 * never does that to a program.
 */
#define AGAIN_WORDS 31
struct again {
	__u32 len;   /* of the packet */
	__u32 words; /* how many to write anew, behind the first 6 bytes */
	__u32 tail;  /* the program also changes the packet's end */
	/* So that packets differ: a 32-bit word of the packet that takes the count of runs, its
	 * lowest bits by `mask`, shifted left, and one that takes the complement, so that sums do
	 * not change. */
	__u32 count_at, count_mask, count_shift; /* count_at 0 = all packets are the same */
	__u32 complement_at;			 /* 0 = none */
	__u32 every; /* the program is called in one of so many runs; 0 = in each */
	__u16 pad2;  /* so that `word` is aligned */
	__u16 first; /* the packet starts here */
	__u32 second;
	__u64 word[AGAIN_WORDS];
};
#define AGAIN_LEN 254 /* of every packet, at least */
_Static_assert(sizeof(struct again) - __builtin_offsetof(struct again, first) == AGAIN_LEN,
	       "no holes");

#endif
