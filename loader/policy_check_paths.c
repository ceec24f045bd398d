// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Tunnels that could not work, or that nobody could tell apart. Part of policy_check. A tunnel that
 * was not right so far is TUNNEL_NONE, and is left alone.
 */
#include <stdlib.h>

#include "encap.h"
#include "own.h"
#include "policy_check.h"

/* By type: where what names the tunnel stands, and what would be another one. */
static const struct {
	const char *where, *other;
} words[TUNNEL_COUNT] = {
	[TUNNEL_SRV6] = { "srv6/segment", "other segments" },
	[TUNNEL_GRE] = { "gre/destination", "another destination or key" },
	[TUNNEL_VXLAN] = { "vxlan/destination", "another destination or VNI" },
	[TUNNEL_MPLS] = { "mpls/label", "other labels or another next hop" },
	[TUNNEL_IPIP] = { "ipip/destination", "another destination" },
	[TUNNEL_MARK] = { "mark", "other segments" },
};

static const struct jsonpos *named_at(struct checker *c, __u32 path)
{
	const struct policy_path *p = &c->policy->path[path];
	const char *where = words[p->tunnel].where;

	if (p->tunnel == TUNNEL_MARK)
		where = p->n_segments ? "mark/segment" : p->n_labels ? "mark/label" : "mark/destination";
	return jsonpos_find(c->origin->path[path], where);
}

/* ---- names ----------------------------------------------------------------------------------- */

/* One name under which notifications may speak of a path. */
struct identity {
	struct tunnel_key key;
	__u32 path;
	bool whole; /* all of it; else what is left of it on the way */
};

static int by_identity(const void *a, const void *b)
{
	const struct identity *x = a, *y = b;
	int order = memcmp(&x->key, &y->key, sizeof(x->key));

	if (order)
		return order;
	return x->path < y->path ? -1 : x->path > y->path;
}

/* The same packets: then one of them is enough. SRv6's two modes are two forms of one tunnel. */
static bool same_tunnel(const struct checker *c, const struct identity *a, const struct identity *b)
{
	const struct policy_path *x = &c->policy->path[a->path], *y = &c->policy->path[b->path];
	struct path one = {}, other = {};

	if (!a->whole || !b->whole)
		return false;
	if (a->key.code == CODE_SRV6)
		return true;
	return !encap_path(&one, x, &c->policy->config) &&
	       !encap_path(&other, y, &c->policy->config) && addr_equal(&one.dst, &other.dst) &&
	       !memcmp(one.encap, other.encap, sizeof(one.encap));
}

static void report_crowd(struct checker *c, const struct identity *identity)
{
	const char *why = "have this destination, and a notification names them all; give another "
			  "destination";

	if (identity->key.code == CODE_SRV6)
		why = "differ in their first segment only, and a notification may leave that out; "
		      "give other segments";
	else if (identity->key.code == CODE_MPLS)
		why = "end with the same labels, and a notification may name no others; give other "
		      "labels";
	findings_error(c->findings, named_at(c, identity->path), "more than %d paths %s",
		       TUNNEL_PATHS, why);
}

/* identity[0..n) are the same key. Beyond the most that may be, each is wrong anyway. */
static void check_shared(struct checker *c, const struct identity *identity, __u32 n)
{
	for (__u32 i = 0; i < n; i++) {
		__u32 j = 0, earlier = MIN(i, TUNNEL_PATHS);

		while (j < earlier && !same_tunnel(c, &identity[j], &identity[i]))
			j++;
		if (j < earlier)
			findings_error(c->findings, named_at(c, identity[i].path),
				       "the tunnel of path %s; give %s, or share that path",
				       c->policy->path[identity[j].path].name,
				       words[c->policy->path[identity[i].path].tunnel].other);
		else if (i == TUNNEL_PATHS)
			report_crowd(c, &identity[i]);
	}
}

static void check_identities(struct checker *c)
{
	const struct policy *p = c->policy;
	struct identity *all OWN_MEM = calloc(ENCAP_KEYS_MAX * p->n_paths + 1, sizeof(*all));
	__u32 n = 0;

	for (__u32 i = 0; all && i < p->n_paths; i++) {
		struct tunnel_key keys[ENCAP_KEYS_MAX];
		int n_keys = 0;

		if (p->path[i].tunnel != TUNNEL_NONE)
			n_keys = encap_keys(keys, ENCAP_KEYS_MAX, &p->path[i]);
		for (int k = 0; k < n_keys; k++)
			all[n++] = (struct identity){ keys[k], i, k == 0 };
	}
	if (n)
		qsort(all, n, sizeof(*all), by_identity);
	for (__u32 i = 0, same; i < n; i += same) {
		for (same = 1; i + same < n; same++) {
			if (memcmp(&all[i].key, &all[i + same].key, sizeof(all[i].key)))
				break;
		}
		check_shared(c, &all[i], same);
	}
}

/* ---- where they lead ------------------------------------------------------------------------- */

static bool is_this_node(const struct checker *c, const struct addr *addr)
{
	const struct config *config = &c->policy->config;

	if (addr_equal(addr, &config->loopback6) || addr_equal(addr, &config->loopback4) ||
	    (config->locator_len && addr_in_prefix(addr, &config->locator, config->locator_len)))
		return true;
	for (__u32 i = 0; i < c->policy->n_ports; i++) {
		const struct policy_port *port = &c->policy->port[i];

		if (addr_equal(addr, &port->local6) || addr_equal(addr, &port->local4))
			return true;
	}
	return false;
}

static void check_segments(struct checker *c, const struct policy_path *p, const struct jsonpos *at)
{
	at = at->child;
	for (__u32 i = 0; i < p->n_segments; i++, at = at->next) {
		if (is_this_node(c, &p->segment[i]))
			findings_error(c->findings, at,
				       "%s is this node itself; give segments of other nodes",
				       at->text);
	}
}

static void check_next_hop(struct checker *c, const struct policy_path *p, const struct jsonpos *at)
{
	const struct jsonpos *next_hop = jsonpos_find(at, "mpls/next-hop");

	if (is_this_node(c, &p->dst))
		findings_error(c->findings, next_hop,
			       "%s is this node itself; give the address of a neighbour",
			       next_hop->text);
	if (p->dscp_fixed)
		findings_warn(c->findings, jsonpos_find(at, "dscp"),
			      "not used; a label stack has no DSCP");
}

static void check_far_end(struct checker *c, const struct policy_path *p, const struct jsonpos *at)
{
	if (is_this_node(c, &p->dst))
		findings_error(c->findings, at,
			       "%s is this node itself; give the address of the egress PE",
			       at->text);
}

static void check_destination(struct checker *c, const struct policy_path *p,
			      const struct jsonpos *at)
{
	check_far_end(c, p, at);
	if (addr_is_v4(&p->dst) && addr_is_unspecified(&c->policy->config.loopback4))
		findings_error(c->findings, at,
			       "%s needs an IPv4 source; give the node an IPv4 loopback", at->text);
}

/* The kernel tells its tunnels apart by their marks. */
static void check_mark(struct checker *c, __u32 path)
{
	const struct policy_path *p = &c->policy->path[path];
	const struct jsonpos *at = c->origin->path[path];

	for (__u32 i = 0; i < path; i++) {
		if (c->policy->path[i].tunnel == TUNNEL_MARK && c->policy->path[i].mark == p->mark)
			findings_error(c->findings, jsonpos_find(at, "mark/value"),
				       "the mark of path %s; give another one, or share that path",
				       c->policy->path[i].name);
	}
	if (p->n_segments)
		check_segments(c, p, named_at(c, path));
	else if (!p->n_labels)
		check_far_end(c, p, named_at(c, path));
	if (p->dscp_fixed)
		findings_warn(c->findings, jsonpos_find(at, "dscp"),
			      "not used; the kernel makes the outer header");
}

/* What comes to the port of notifications is taken for one. */
static void check_port(struct checker *c, const struct policy_path *p, const struct jsonpos *at)
{
	if (p->port == c->policy->config.udp_port)
		findings_error(c->findings, jsonpos_find(at, "vxlan/port"),
			       "%u is the port of notifications; give another one", p->port);
}

void policy_check_paths(struct checker *c)
{
	for (__u32 i = 0; i < c->policy->n_paths; i++) {
		const struct policy_path *p = &c->policy->path[i];

		if (p->tunnel == TUNNEL_SRV6)
			check_segments(c, p, named_at(c, i));
		else if (p->tunnel == TUNNEL_MPLS)
			check_next_hop(c, p, c->origin->path[i]);
		else if (p->tunnel == TUNNEL_MARK)
			check_mark(c, i);
		else if (p->tunnel != TUNNEL_NONE)
			check_destination(c, p, named_at(c, i));
		if (p->tunnel == TUNNEL_VXLAN)
			check_port(c, p, c->origin->path[i]);
	}
	check_identities(c);
}
