// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * SRv6 header templates (RFC 8986 §5.1 and §5.2, RFC 8754 §2). Called by push; touches nothing but
 * its arguments.
 *
 *  0            14                      54                    62
 *  | Ethernet   | IPv6                  | SRH: fixed part     | segment list
 *  | MACs 0     | next header 43, or    | next header 4 or 41 | the last one travelled first
 *  | 0x86dd     | 4 or 41 without SRH   | segments left       |
 *
 * H.Encaps lists every segment; H.Encaps.Red leaves out the first one travelled, which is the
 * destination address anyway. Both leave the whole SRH out of a single segment's tunnel.
 */
#include "encap.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/in.h>

#define ETH_OFF_TYPE 12
#define IPV6_OFF_NEXTHDR 6
#define IPV6_OFF_HOP_LIMIT 7
#define IPV6_OFF_SRC 8
#define IPV6_OFF_DST 24
#define IPV6_LEN 40
#define IPV6_VERSION (6U << 28)

#define TUNNEL_HOP_LIMIT 64

static const __u8 inner_protocol[INNER_COUNT] = {
	[INNER_V4] = IPPROTO_IPIP,
	[INNER_V6] = IPPROTO_IPV6,
};

/* How many segments the SRH lists; 0 = there is none. */
static __u32 srh_segments(const struct policy_path *from)
{
	if (from->n_segments == 1)
		return 0;
	return from->reduced ? from->n_segments - 1 : from->n_segments;
}

/* The list of an SRH: the last `n` segments travelled, in reverse. */
static void reverse_segments(struct addr *list, __u32 n, const struct policy_path *from)
{
	for (__u32 i = 0; i < n; i++)
		list[i] = from->segment[from->n_segments - 1 - i];
}

static void put_srh(__u8 *srh, __u32 listed, __u8 protocol, const struct policy_path *from)
{
	struct addr list[MAX_SEGMENTS];

	reverse_segments(list, listed, from);
	srh[WIRE_SRH_OFF_NEXTHDR] = protocol;
	srh[WIRE_SRH_OFF_HDRLEN] = 2 * listed; /* of 8 bytes, the first not counted */
	srh[WIRE_SRH_OFF_TYPE] = WIRE_SRH_ROUTING_TYPE;
	srh[WIRE_SRH_OFF_SL] = from->n_segments - 1;
	srh[WIRE_SRH_OFF_LAST_ENTRY] = listed - 1;
	memcpy(srh + WIRE_SRH_FIXED, list, listed * sizeof(list[0]));
}

static void put_template(struct encap *encap, enum inner inner, const struct policy_path *from,
			 const struct config *config)
{
	__u8 *eth = encap->hdr, *ip = eth + ETH_HLEN;
	__u32 listed = srh_segments(from);

	store16(eth + ETH_OFF_TYPE, be16(ETH_P_IPV6));
	store32(ip, be32(IPV6_VERSION));
	ip[IPV6_OFF_NEXTHDR] = listed ? IPPROTO_ROUTING : inner_protocol[inner];
	ip[IPV6_OFF_HOP_LIMIT] = TUNNEL_HOP_LIMIT;
	addr_store(ip + IPV6_OFF_SRC, &config->loopback6);
	addr_store(ip + IPV6_OFF_DST, &from->segment[0]);
	if (listed)
		put_srh(ip + IPV6_LEN, listed, inner_protocol[inner], from);
}

int encap_path(struct path *path, const struct policy_path *from, const struct config *config)
{
	struct path built = {
		.tunnel = from->tunnel,
		.flags = from->dscp_fixed ? PATH_DSCP_FIXED : 0,
		.dscp = from->dscp,
		.dst = from->segment[0],
	};
	__u32 listed;

	if (from->tunnel != TUNNEL_SRV6 || from->n_segments < 1 || from->n_segments > MAX_SEGMENTS)
		return -EINVAL;
	listed = srh_segments(from);
	built.encap_len = ETH_HLEN + IPV6_LEN;
	if (listed)
		built.encap_len += WIRE_SRH_FIXED + listed * sizeof(struct addr);
	memcpy(built.name, from->name, sizeof(built.name));
	for (int inner = 0; inner < INNER_COUNT; inner++)
		put_template(&built.encap[inner], inner, from, config);
	built.nexthop = path->nexthop;
	*path = built;
	return 0;
}

int encap_keys(struct tunnel_key *keys, int max, const struct policy_path *from)
{
	int n = 0;

	if (from->n_segments == 1) {
		if (max < 1)
			return 0;
		keys[0] = (struct tunnel_key){ .code = CODE_IP, .n = 1 };
		keys[0].addr = from->segment[0];
		return 1;
	}
	for (__u32 left_out = 0; left_out <= 1 && n < max; left_out++) {
		struct tunnel_key *key = &keys[n++];

		*key = (struct tunnel_key){ .code = CODE_SRV6, .n = from->n_segments - left_out };
		reverse_segments(key->segment, key->n, from);
	}
	return n;
}
