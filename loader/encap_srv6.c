// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * SRv6 (RFC 8986 §5.1 and §5.2, RFC 8754 §2).
 *
 *  0            14                      54                    62
 *  | Ethernet   | IPv6                  | SRH: fixed part     | segment list
 *  | MACs 0     | next header 43, or    | next header 4 or 41 | the last one travelled first
 *  | 0x86dd     | 4 or 41 without SRH   | segments left       |
 *
 * H.Encaps lists every segment; H.Encaps.Red leaves out the first one travelled, which is the
 * destination address anyway. Both leave the whole SRH out of a single segment's tunnel.
 */
#include <errno.h>

#include "encap_parts.h"

/* How many segments the SRH lists; 0 = there is none. */
static __u32 srh_segments(const struct policy_path *from)
{
	if (from->n_segments == 1)
		return 0;
	return from->reduced ? from->n_segments - 1 : from->n_segments;
}

void encap_segments(struct addr *list, __u32 n, const struct policy_path *from)
{
	for (__u32 i = 0; i < n; i++)
		list[i] = from->segment[from->n_segments - 1 - i];
}

static void put_srh(__u8 *srh, __u32 listed, __u8 protocol, const struct policy_path *from)
{
	struct addr list[MAX_SEGMENTS];

	encap_segments(list, listed, from);
	srh[WIRE_SRH_OFF_NEXTHDR] = protocol;
	srh[WIRE_SRH_OFF_HDRLEN] = 2 * listed; /* of 8 bytes, the first not counted */
	srh[WIRE_SRH_OFF_TYPE] = WIRE_SRH_ROUTING_TYPE;
	srh[WIRE_SRH_OFF_SL] = from->n_segments - 1;
	srh[WIRE_SRH_OFF_LAST_ENTRY] = listed - 1;
	memcpy(srh + WIRE_SRH_FIXED, list, listed * sizeof(list[0]));
}

int encap_srv6(struct path *path, const struct policy_path *from, const struct config *config)
{
	__u32 listed;

	if (from->n_segments < 1 || from->n_segments > MAX_SEGMENTS)
		return -EINVAL;
	listed = srh_segments(from);
	path->outer = OUTER_IPV6;
	path->dst = from->segment[0];
	path->encap_len = ETH_LEN + IPV6_LEN;
	if (listed)
		path->encap_len += WIRE_SRH_FIXED + listed * sizeof(struct addr);
	for (int inner = 0; inner < INNER_COUNT; inner++) {
		__u8 protocol = encap_protocol[inner];
		__u8 *srh = encap_outer(&path->encap[inner], &config->loopback6, &path->dst,
					listed ? PROTO_ROUTING : protocol);

		if (listed)
			put_srh(srh, listed, protocol, from);
	}
	return 0;
}

/* In a reduced SRH Segments Left points one beyond the list, at the destination address. */
void encap_read_srv6(struct policy_path *to, struct addr *source, const struct path *path)
{
	const __u8 *ip = path->encap[INNER_V6].hdr + ETH_LEN, *srh = ip + IPV6_LEN;
	const __u8 *list = srh + WIRE_SRH_FIXED;
	__u32 listed = srh[WIRE_SRH_OFF_LAST_ENTRY] + 1;

	to->dst = (struct addr){};
	to->segment[0] = path->dst;
	to->n_segments = 1;
	*source = addr_load(ip + IPV6_OFF_SRC);
	if (ip[IPV6_OFF_NEXTHDR] != PROTO_ROUTING)
		return;
	to->n_segments = srh[WIRE_SRH_OFF_SL] + 1;
	to->reduced = srh[WIRE_SRH_OFF_SL] == listed;
	for (__u32 i = 0; i < listed && i < to->n_segments && to->n_segments <= MAX_SEGMENTS; i++)
		to->segment[to->n_segments - 1 - i] = addr_load(list + 16 * i);
}
