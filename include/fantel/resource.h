/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Links and nodes that paths cross, under the names that a notification's location TLVs have for
 * them (docs/wire.md §3). Canonical: both ends of a link say the same, and policy too. Called by
 * notify to read names and by push to write them. Pure.
 *
 *	resource_key_link(&key, &a, &b)			addresses of the two ends, in any order
 *	resource_key_node(&key, as, router_id, len)	a node
 *	resource_key_port(&key, link_id)		then: the link that it calls link_id
 */
#ifndef FANTEL_RESOURCE_H
#define FANTEL_RESOURCE_H

#include "msg_types.h"

FN void resource_key_link(struct resource_key *k, const struct addr *a, const struct addr *b)
{
	addr_num one = addr_number(a), other = addr_number(b);

	memset(k, 0, sizeof(*k));
	k->kind = RESOURCE_LINK;
	k->addr[0] = MIN(one, other);
	k->addr[1] = MAX(one, other);
}

/* Bytes of router_id behind len are zero. */
FN void resource_key_node(struct resource_key *k, __u32 as, const __u8 router_id[8], __u32 len)
{
	memset(k, 0, sizeof(*k));
	k->kind = RESOURCE_NODE;
	k->as = as;
	store64(k->router_id, load64(router_id));
	k->router_id_len = len;
}

FN void resource_key_port(struct resource_key *k, __u32 link_id)
{
	k->kind = RESOURCE_PORT;
	k->link_id = link_id;
}

/* Of a node descriptor; false where it names none. An AS that it does not tell is our own. */
FN bool resource_key_descriptor(struct resource_key *k, const struct msg_node *node, __u32 own_as)
{
	if (!(node->present & MSG_BIT(SUBTLVI_ROUTER_ID)))
		return false;
	resource_key_node(k, node->present & MSG_BIT(SUBTLVI_AS) ? node->as : own_as,
			  node->router_id, node->router_id_len);
	return true;
}

/* What a location may name, and by what. */
enum resource_name {
	/* With cause node-down, the remote node, or where it has none the local one. With a load of the
	 * node that is no link's, the local one. */
	NAME_NODE,
	NAME_IPV6, /* the link, by 261 and 262 */
	NAME_IPV4, /* by 259 and 260 */
	NAME_LOCAL_ID,	/* by the local node and what 258 calls the link there */
	NAME_REMOTE_ID, /* by the remote node and what 258 calls it there */
	NAME_COUNT,
};

/* Is it about the load of the node that tells it, and no link? */
FN bool resource_is_local_node(const struct msg *m)
{
	const __u32 link = MSG_BIT(TLVI_LINK_IDS) | MSG_BIT(TLVI_LOCAL_IPV4) |
			   MSG_BIT(TLVI_REMOTE_IPV4) | MSG_BIT(TLVI_LOCAL_IPV6) |
			   MSG_BIT(TLVI_REMOTE_IPV6);

	return m->kind != KIND_FAILURE && m->kind != KIND_RECOVERY &&
	       msg_has(m, TLVI_NODE_LOAD) && !(m->present & link);
}

/* What the notification names in this way: true and *k, or false. */
FN bool resource_key_read(struct resource_key *k, const struct msg *m, enum resource_name name,
			  __u32 own_as)
{
	struct addr a, b;

	switch (name) {
	case NAME_NODE:
		if (resource_is_local_node(m))
			return resource_key_descriptor(k, &m->local_node, own_as);
		if (m->cause != CAUSE_NODE_DOWN)
			return false;
		if (msg_has(m, TLVI_REMOTE_NODE))
			return resource_key_descriptor(k, &m->remote_node, own_as);
		return resource_key_descriptor(k, &m->local_node, own_as);
	case NAME_IPV6:
		resource_key_link(k, &m->local_ipv6, &m->remote_ipv6);
		return msg_has(m, TLVI_LOCAL_IPV6) && msg_has(m, TLVI_REMOTE_IPV6);
	case NAME_IPV4:
		a = addr_from_v4(m->local_ipv4_be);
		b = addr_from_v4(m->remote_ipv4_be);
		resource_key_link(k, &a, &b);
		return msg_has(m, TLVI_LOCAL_IPV4) && msg_has(m, TLVI_REMOTE_IPV4);
	case NAME_LOCAL_ID:
		if (!resource_key_descriptor(k, &m->local_node, own_as))
			return false;
		resource_key_port(k, m->local_link);
		return msg_has(m, TLVI_LINK_IDS);
	case NAME_REMOTE_ID:
		if (!resource_key_descriptor(k, &m->remote_node, own_as))
			return false;
		resource_key_port(k, m->remote_link);
		return msg_has(m, TLVI_LINK_IDS);
	default:
		return false;
	}
}

#endif
