// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The names under which a notification can speak of a path; what they are: encap.h. */
#include "encap_parts.h"

static struct tunnel_key address_key(const struct addr *addr)
{
	struct tunnel_key key = { .code = CODE_IP, .n = 1 };

	key.addr = *addr;
	return key;
}

/* Without the first `left_out` segments travelled. */
static struct tunnel_key segment_key(const struct policy_path *from, __u32 left_out)
{
	struct tunnel_key key = { .code = CODE_SRV6, .n = from->n_segments - left_out };

	encap_segments(key.segment, key.n, from);
	return key;
}

/* Without the first `popped` labels; TC, S and TTL are no part of it. */
static struct tunnel_key label_key(const struct policy_path *from, __u32 popped)
{
	struct tunnel_key key = { .code = CODE_MPLS, .n = from->n_labels - popped };

	for (__u32 i = 0; i < key.n; i++)
		key.label_be[i] = be32(from->label[popped + i] << WIRE_LABEL_SHIFT);
	return key;
}

int encap_keys(struct tunnel_key *keys, int max, const struct policy_path *from)
{
	bool single = from->n_segments == 1;
	int n = 1;

	if (from->n_labels)
		n = from->n_labels;
	else if (from->n_segments > 1)
		n = 2;
	n = MIN(n, max);
	for (int i = 0; i < n; i++) {
		if (from->n_labels)
			keys[i] = label_key(from, i);
		else if (from->n_segments > 1)
			keys[i] = segment_key(from, i);
		else
			keys[i] = address_key(single ? &from->segment[0] : &from->dst);
	}
	return n;
}
