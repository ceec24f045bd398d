/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef TOOBIG_BPF_H
#define TOOBIG_BPF_H
#include "account.bpf.h"
#include "packet.bpf.h"
FN int toobig(struct xdp_md *ctx, const struct frame *f, __u32 mtu)
{
	return verdict(REASON_TOO_BIG, f->len);
}
#endif
