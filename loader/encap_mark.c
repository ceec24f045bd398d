// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Tunnels that the kernel makes: no template, but the mark that chooses them and the name by which
 * notifications know them. What is routed, so that its way out can be watched, is the far end or the
 * first segment; labels alone lead to nobody.
 */
#include <errno.h>

#include "encap_parts.h"

int encap_mark(struct path *path, const struct policy_path *from, const struct config *config)
{
	int named = !addr_is_unspecified(&from->dst) + (from->n_segments > 0) + (from->n_labels > 0);

	if (!from->mark || named != 1 || from->n_segments == 1 ||
	    from->n_segments > MAX_SEGMENTS || from->n_labels > MAX_LABELS)
		return -EINVAL;
	for (__u32 i = 0; i < from->n_labels; i++)
		if (from->label[i] >> 20)
			return -EINVAL;
	path->dst = from->n_segments ? from->segment[0] : from->dst;
	path->mark.value = from->mark;
	return encap_keys(&path->mark.named, 1, from) == 1 ? 0 : -EINVAL;
}

void encap_read_mark(struct policy_path *to, struct addr *source, const struct path *path)
{
	const struct tunnel_key *named = &path->mark.named;

	to->mark = path->mark.value;
	if (named->code != CODE_IP)
		to->dst = (struct addr){};
	for (__u32 i = 0; named->code == CODE_SRV6 && i < named->n && i < MAX_SEGMENTS; i++)
		to->segment[to->n_segments++] = named->segment[named->n - 1 - i];
	for (__u32 i = 0; named->code == CODE_MPLS && i < named->n && i < MAX_LABELS; i++)
		to->label[to->n_labels++] = be32(named->label_be[i]) >> WIRE_LABEL_SHIFT;
}
