/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Tunnels that end at this node, from policy's words to what the packet path looks up. Pure. Called
 * by policy, push and status.
 */
#ifndef ENDPOINT_H
#define ENDPOINT_H

#include "policy.h"

/* An entry of fantel_ends. */
struct endpoint_row {
	struct endpoint_key key;
	struct endpoint value;
};

/* A segment or label is one entry; any other endpoint one for each loopback of the node. Returns
 * how many were filled: none for a tunnel that is not right. */
#define ENDPOINT_ROWS 2
__u32 endpoint_rows(struct endpoint_row rows[ENDPOINT_ROWS], const struct policy_endpoint *from,
		    const struct config *config);

/* Tell *config which kinds of tunnels end here. Returns how many different ports VXLAN is expected
 * on; those beyond MAX_VXLAN_PORTS are left out. */
__u32 endpoint_config(struct config *config, const struct policy_endpoint *endpoint, __u32 n);

/* RFC 8986's name for a segment that takes these families, and back (0: there is none such). */
const char *endpoint_behavior(__u32 inner);
__u32 endpoint_inner(const char *behavior);

#endif
