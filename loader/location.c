// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Location TLVs (RFC 7752 §3.2.1.4 and §3.2.2). Called by links; touches nothing but its arguments.
 *
 *  | 256 local node | 257 remote node | 258 link identifiers, or 259-262 addresses |
 *    each node: | 512 AS | 515 router-id |
 */
#include "location.h"

/* The longest there is: two nodes, and both pairs of addresses. */
#define NODE_MAX (WIRE_TLV_HDR + (WIRE_TLV_HDR + 4) + (WIRE_TLV_HDR + 8))
_Static_assert(2 * NODE_MAX + 2 * (WIRE_TLV_HDR + 4) + 2 * (WIRE_TLV_HDR + 16) <= LOCATION_MAX,
	       "every location fits");

static __u8 *put_tlv(__u8 *at, __u16 type, const void *value, __u16 len)
{
	store16(at, be16(type));
	store16(at + 2, be16(len));
	memcpy(at + WIRE_TLV_HDR, value, len);
	return at + WIRE_TLV_HDR + len;
}

static __u8 *put_node(__u8 *at, __u16 type, __u32 as, const __u8 *router_id, __u8 router_id_len)
{
	__u8 value[NODE_MAX], *end = value;
	__be32 as_be = be32(as);

	if (as)
		end = put_tlv(end, SUBTLV_AS, &as_be, sizeof(as_be));
	if (router_id_len)
		end = put_tlv(end, SUBTLV_ROUTER_ID, router_id, router_id_len);
	return end == value ? at : put_tlv(at, type, value, end - value);
}

/* An IPv4 address travels as its four bytes, the others whole. */
static __u8 *put_addr(__u8 *at, __u16 type, const struct addr *addr)
{
	if (addr_is_unspecified(addr))
		return at;
	return addr_is_v4(addr) ? put_tlv(at, type, &addr->b[12], 4)
				: put_tlv(at, type, addr->b, 16);
}

__u16 location_build(__u8 out[LOCATION_MAX], const struct policy *policy,
		     const struct policy_port *port)
{
	__be32 ids_be[2] = { be32(port->local_id), be32(port->remote_id) };
	__u8 *at = out, *nodes;

	at = put_node(at, TLV_LOCAL_NODE, policy->config.as, policy->router_id, policy->router_id_len);
	if (port->remote_as || port->remote_router_id_len)
		at = put_node(at, TLV_REMOTE_NODE, port->remote_as ?: policy->config.as,
			      port->remote_router_id, port->remote_router_id_len);
	nodes = at;
	at = put_addr(at, TLV_LOCAL_IPV4, &port->local4);
	at = put_addr(at, TLV_REMOTE_IPV4, &port->remote4);
	at = put_addr(at, TLV_LOCAL_IPV6, &port->local6);
	at = put_addr(at, TLV_REMOTE_IPV6, &port->remote6);
	if (at == nodes && (port->local_id || port->remote_id))
		at = put_tlv(at, TLV_LINK_IDS, ids_be, sizeof(ids_be));
	return at - out;
}
