// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The entry points, and with them the table of contents. One object, one skeleton.
 *
 *   customer port   fantel_customer   steer a packet into a path of its class
 *   core port       fantel_core       take notifications; detect packets bound for a failed link
 */
#include "maps.bpf.h"
#include "steer.bpf.h"

SEC("xdp.frags")
int fantel_customer(struct xdp_md *ctx)
{
	return steer(ctx);
}

SEC("xdp.frags")
int fantel_core(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
