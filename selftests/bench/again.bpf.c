// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * BPF_PROG_TEST_RUN repeats a program on the packet as the last run left it: a second header would
 * land on top of the first, a fourth find no headroom. `again` puts the packet back as it was and
 * tail-calls the program under test, so that every run does the whole work. `empty` is called in
 * the same way and does nothing: subtract it, and the program alone is left.
 *
 * One instance (skeleton) of this object per program under test; bench.c fills .rodata.
 */
#include "again.h"

const volatile struct again want = {};

volatile __u64 base; /* where the packet began at first; bench.c zeroes it before each batch */
volatile __u64 now;  /* where it begins: a pointer becomes a number only by way of memory */
volatile __u64 runs;
volatile __u64 returned; /* tail calls that failed: must stay 0 */

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} subject SEC(".maps");

/* Every early return is XDP_ABORTED: bench.c refuses a batch that ends so. */
SEC("xdp.frags")
int again(struct xdp_md *ctx)
{
	__u8 *p = (void *)(long)ctx->data, *end;
	__u32 i;

	runs++;
	if (want.every && runs % want.every)
		return XDP_PASS;
	now = (__u64)p;
	if (!base)
		base = now;
	if (bpf_xdp_adjust_head(ctx, (int)(base - now)))
		return XDP_ABORTED;
	if (want.tail) {
		i = bpf_xdp_get_buff_len(ctx);
		if (bpf_xdp_adjust_tail(ctx, (int)(want.len - i)))
			return XDP_ABORTED;
	}

	p = (void *)(long)ctx->data;
	end = (void *)(long)ctx->data_end;
	if (p + AGAIN_LEN > end)
		return XDP_ABORTED;
	store16(p, want.first);
	store32(p + 2, want.second);
#pragma unroll
	for (i = 0; i < AGAIN_WORDS; i++) {
		if (i >= want.words)
			break;
		store64(p + 6 + 8 * i, want.word[i]);
	}
	i = (__u32)(want.every ? runs / want.every : runs);
	i = (i & want.count_mask) << want.count_shift;
	if (want.count_at && want.count_at <= AGAIN_LEN - 4)
		store32(p + want.count_at, be32(i));
	if (want.complement_at && want.complement_at <= AGAIN_LEN - 4)
		store32(p + want.complement_at, ~be32(i));

	bpf_tail_call_static(ctx, &subject, 0);
	returned++;
	return XDP_ABORTED;
}

SEC("xdp.frags")
int empty(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
