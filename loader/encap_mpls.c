// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * MPLS label stacks over Ethernet (RFC 3032).
 *
 *  0            14
 *  | Ethernet   | label(20) TC(3) S(1) TTL(8) | ...
 *  | MACs 0     | the top one first           | S = 1: the last
 *  | 0x8847     |                             |
 *
 * No header says what is inside: the bottom label does, to the router that pops it, so one stack
 * serves both families.
 */
#include <errno.h>

#include "encap_parts.h"

int encap_mpls(struct path *path, const struct policy_path *from, const struct config *config)
{
	if (from->n_labels < 1 || from->n_labels > MAX_LABELS || addr_is_unspecified(&from->dst))
		return -EINVAL;
	for (__u32 i = 0; i < from->n_labels; i++)
		if (from->label[i] >> 20)
			return -EINVAL;
	path->outer = OUTER_MPLS;
	path->dst = from->dst;
	path->encap_len = ETH_LEN + from->n_labels * LABEL_LEN;
	for (int inner = 0; inner < INNER_COUNT; inner++) {
		__u8 *eth = path->encap[inner].hdr;

		store16(eth + ETH_OFF_TYPE, be16(ETHERTYPE_MPLS));
		for (__u32 i = 0; i < from->n_labels; i++)
			store32(eth + ETH_LEN + i * LABEL_LEN,
				be32(from->label[i] << WIRE_LABEL_SHIFT | TUNNEL_HOP_LIMIT |
				     (i == from->n_labels - 1 ? WIRE_LABEL_S : 0)));
	}
	return 0;
}

void encap_read_mpls(struct policy_path *to, struct addr *source, const struct path *path)
{
	const __u8 *eth = path->encap[INNER_V6].hdr;

	for (__u32 at = ETH_LEN; at < path->encap_len && to->n_labels < MAX_LABELS; at += LABEL_LEN)
		to->label[to->n_labels++] = be32(load32(eth + at)) >> WIRE_LABEL_SHIFT;
}
