/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Tunnels as data: what the packet path copies in front of a packet, and the names under which a
 * notification can speak of it. Pure.
 */
#ifndef ENCAP_H
#define ENCAP_H

#include "policy.h"

/*
 * Fill *path (all but nexthop) for a policy's path: both header templates, MACs zero, payload
 * length zero, outer source `config->loopback6`, hop limit 64. Returns 0, or -EINVAL for a path
 * that policy_parse would have refused.
 */
int encap_path(struct path *path, const struct policy_path *from, const struct config *config);

/*
 * The identities under which Tunnel Info may name the path (docs/wire.md §1): the segment list, and
 * without its first segment (reduced SRH); of a single segment, the address. Fills at most `max`
 * keys and returns how many.
 */
int encap_keys(struct tunnel_key *keys, int max, const struct policy_path *from);

#endif
