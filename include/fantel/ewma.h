/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How much a link carries: an exponentially weighted moving average over windows of any length, and
 * what notifications say of it. Pure; watch in the packet path, and the loader where no packet comes.
 */
#ifndef FANTEL_EWMA_H
#define FANTEL_EWMA_H

#include "abi.h"

#define NSEC_PER_USEC 1000ULL

/* Bytes in a window, as bytes/s. */
FN __u64 ewma_rate(__u64 bytes, __u64 window_ns)
{
	__u64 us = window_ns / NSEC_PER_USEC;

	return us ? bytes * 1000000 / us : 0;
}

#define EWMA_LONG_BITS 26 /* of a window in us: a minute */

/*
 * The average after one more window: a window as long as the time constant counts half, and one
 * many times as long is all that counts. In microseconds, and long windows in 1,024 of them, so that
 * a terabit per second does not overflow.
 */
FN __u64 ewma_next(__u64 average, __u64 rate, __u64 window_ns, __u64 constant_ns)
{
	__u64 window = window_ns / NSEC_PER_USEC, constant = constant_ns / NSEC_PER_USEC;

	if (!constant || window >= 100 * constant)
		return rate;
	if (window >> EWMA_LONG_BITS) {
		window >>= 10;
		constant >>= 10;
	}
	if (rate >= average)
		return average + (rate - average) * window / (constant + window);
	return average - (average - rate) * window / (constant + window);
}

/* In thousandths of the capacity; one of 0 is never full. */
FN __u32 ewma_permille(__u64 rate, __u64 capacity)
{
	__u64 permille = capacity ? rate * 1000 / capacity : 0;

	return MIN(permille, 0xffffffffULL);
}

/* The bits of an IEEE 754 single, rounded down: BPF has no floating point. */
SUBPROG __u32 f32_bits(__u64 value)
{
	__u64 rest = value;
	__u32 high = 0; /* the highest bit of `value` */

	if (!value)
		return 0;
	for (__u32 step = 32; step; step /= 2)
		if (rest >> step) {
			rest >>= step;
			high += step;
		}
	value <<= 63 - high;
	return (127 + high) << 23 | (value >> 40 & 0x7fffff);
}

#endif
