/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One interface's XDP hook: what is on it, how to get on it by a bpf_link, and why that was refused.
 */
#ifndef HOOK_H
#define HOOK_H

#include "policy.h"

struct hook_state {
	__u32 prog_id; /* 0 = nothing is attached */
	enum xdp_mode mode;
};

/* Returns 0 or a negative errno. */
int hook_query(__u32 ifindex, struct hook_state *state);

/* Attach in exactly this mode. Returns the link's fd, which the caller owns, or a negative errno
 * after one sentence with cause and remedy. */
int hook_attach(int prog_fd, __u32 ifindex, const char *ifname, enum xdp_mode mode);

/* What a link is attached to; ifindex 0: its interface is gone. 0 or a negative errno. */
int hook_link(int link_fd, __u32 *ifindex, __u32 *prog_id);

/* Can XDP of this kernel redirect a packet that lies in several buffers? Linux before 6.3 drops it. */
bool hook_redirects_split(void);

const char *hook_mode(enum xdp_mode mode);

#endif
