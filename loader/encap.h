/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Tunnels as data: what the packet path copies in front of a packet, and the names under which a
 * notification can speak of it. Pure.
 */
#ifndef ENCAP_H
#define ENCAP_H

#include "policy.h"

/*
 * Fill *path for a policy's path, all but its next hop and what it crosses, which stay: both header
 * templates, MACs and lengths zero, outer source the node's loopback of the tunnel's family, hop
 * limit 64. Returns 0, or -EINVAL for a path that policy_parse would have refused.
 */
int encap_path(struct path *path, const struct policy_path *from, const struct config *config);

/*
 * The way back: what policy said, and the outer source, which is unspecified for MPLS. False where
 * it is no path that encap_path makes; *to is then unusable.
 */
bool encap_read(struct policy_path *to, struct addr *source, const struct path *path);

/*
 * The identities under which Tunnel Info may name the path (docs/wire.md §1), the whole one first:
 *
 *	SRv6			the segment list, and without its first segment (reduced SRH); of a
 *				single segment, its address
 *	GRE, VXLAN, IP in IP	the outer destination
 *	MPLS			the label stack, and each that is left as labels are popped
 *	mark			whichever of these policy says
 *
 * Fills at most `max` keys and returns how many.
 */
#define ENCAP_KEYS_MAX MAX_LABELS
int encap_keys(struct tunnel_key *keys, int max, const struct policy_path *from);

#endif
