// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Links and nodes that paths cross, from policy's words to the names that notifications have for
 * them. One that is not right as a whole has no name. Called by policy.c.
 */
#include "fantel/resource.h"
#include "policy_reader.h"

/* A node's name; false if it is none. */
static bool take_named_node(struct reader *r, struct resource_key *key, const struct lyd_node *node)
{
	__u8 id[8] = {}, len = take_router_id(r, id, node, "router-id");
	__u32 as = yang_child(node, "as") ? yang_number(node, "as") : r->policy->config.as;

	resource_key_node(key, as, id, len);
	return len;
}

static bool take_node(struct reader *r, struct policy_resource *resource,
		      const struct lyd_node *node)
{
	return take_named_node(r, &resource->key[resource->n_keys++], node);
}

/* Of each family there are two addresses, or none. */
static bool take_addresses(struct reader *r, struct policy_resource *resource,
			   const struct lyd_node *link)
{
	struct addr v6[2] = {}, v4[2] = {};
	int n6 = 0, n4 = 0;

	yang_each (leaf, link, "address") {
		struct addr addr;
		int *n;

		if (!take_addr(r, &addr, leaf))
			return false;
		n = addr_is_v4(&addr) ? &n4 : &n6;
		if (*n < 2)
			(addr_is_v4(&addr) ? v4 : v6)[*n] = addr;
		++*n;
	}
	if (n6 % 2 || n4 % 2 || n6 > 2 || n4 > 2) {
		findings_error(
			r->findings, jsonpos_member(yang_at(link), "address"),
			"%d IPv6 and %d IPv4 addresses; give two of a family, one of each end", n6,
			n4);
		return false;
	}
	if (n6)
		resource_key_link(&resource->key[resource->n_keys++], &v6[0], &v6[1]);
	if (n4)
		resource_key_link(&resource->key[resource->n_keys++], &v4[0], &v4[1]);
	return true;
}

static bool take_ends(struct reader *r, struct policy_resource *resource,
		      const struct lyd_node *link)
{
	const struct lyd_node *first = yang_child(link, "end");

	if (first && !yang_next(first)) {
		findings_error(r->findings, jsonpos_member(yang_at(link), "end"),
			       "one end alone; give both");
		return false;
	}
	yang_each (end, link, "end") {
		struct resource_key *key = &resource->key[resource->n_keys];

		if (resource->n_keys == RESOURCE_KEYS || !take_named_node(r, key, end) ||
		    !yang_child(end, "link-id") || !is_complete(end))
			return false;
		resource_key_port(key, yang_number(end, "link-id"));
		resource->n_keys++;
	}
	return true;
}

static bool take_link(struct reader *r, struct policy_resource *resource,
		      const struct lyd_node *link)
{
	if (!yang_child(link, "address") && !yang_child(link, "end")) {
		findings_error(
			r->findings, yang_at(link),
			"nothing to know it by; give the addresses of both ends, or what the "
			"nodes there call it");
		return false;
	}
	return take_addresses(r, resource, link) && take_ends(r, resource, link);
}

void take_location(struct reader *r, struct policy_resource *resource, const struct lyd_node *entry)
{
	const struct lyd_node *link = yang_child(entry, "link"), *node = yang_child(entry, "node");
	bool right = false;

	if (link && is_complete(link))
		right = take_link(r, resource, link);
	else if (node && is_complete(node))
		right = take_node(r, resource, node);
	if (!right)
		resource->n_keys = 0;
}
