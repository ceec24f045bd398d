/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The packet path's cheap clock, for the loader: it writes how long a next hop counts as fresh in
 * jiffies, and user space cannot read them. Run by BPF_PROG_TEST_RUN, never attached.
 */
#ifndef CLOCK_BPF_H
#define CLOCK_BPF_H

#include "maps.bpf.h"

SEC("syscall")
int fantel_clock(__u64 *jiffies)
{
	*jiffies = bpf_jiffies64();
	return 0;
}

#endif
