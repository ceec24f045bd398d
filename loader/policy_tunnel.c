// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The tunnels of paths, a function for each case of fantel.yang's choice `tunnel`. Called by
 * policy.c. What yang.c refused is not in the data: a tunnel that lacks any of it stays
 * TUNNEL_NONE, so that nobody draws conclusions from the rest.
 */
#include <stdlib.h>

#include "policy_reader.h"
#include "words.h"

bool is_complete(const struct lyd_node *tunnel)
{
	for (const struct jsonpos *m = yang_at(tunnel)->child; m; m = m->next) {
		unsigned int given = m->kind == JSONPOS_ARRAY ? jsonpos_count(m) : 1, n = 0;

		yang_each (node, tunnel, m->name)
			n++;
		if (n != given)
			return false;
	}
	return true;
}

/* An address of one station; false and reported if it is none. */
static bool take_mac(struct reader *r, __u8 mac[6], const struct lyd_node *leaf)
{
	static const __u8 none[6];
	const char *text = yang_value(leaf);
	unsigned int b[6] = {};

	sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x", b, b + 1, b + 2, b + 3, b + 4, b + 5);
	for (int i = 0; i < 6; i++)
		mac[i] = b[i];
	if (!(mac[0] & 1) && memcmp(mac, none, sizeof(none)))
		return true;
	findings_error(r->findings, yang_at(leaf),
		       "%s is the address of no single station; give %s", text,
		       "a unicast MAC address");
	return false;
}

/* Locally administered, and as unique as the address that it is made of. */
static void make_mac(__u8 mac[6], const struct addr *from)
{
	mac[0] = 2;
	mac[1] = 0;
	memcpy(mac + 2, from->b + 12, 4);
}

static bool take_destination(struct reader *r, struct policy_path *path,
			     const struct lyd_node *tunnel, const char *name)
{
	const struct lyd_node *leaf = yang_child(tunnel, name);

	return leaf && take_addr(r, &path->dst, leaf);
}

/* ---- one function a tunnel: true if it is right ---------------------------------------------- */

static bool take_srv6(struct reader *r, struct policy_path *path, const struct lyd_node *srv6)
{
	bool right = true;

	path->reduced = is_word(srv6, "mode", "encaps-red");
	yang_each (leaf, srv6, "segment") {
		if (path->n_segments < MAX_SEGMENTS &&
		    take_addr(r, &path->segment[path->n_segments], leaf))
			path->n_segments++;
		else
			right = false;
	}
	return right && path->n_segments;
}

static bool take_gre(struct reader *r, struct policy_path *path, const struct lyd_node *gre)
{
	path->keyed = yang_child(gre, "key");
	path->key = yang_number(gre, "key");
	return take_destination(r, path, gre, "destination");
}

static bool take_vxlan(struct reader *r, struct policy_path *path, const struct lyd_node *vxlan)
{
	const struct config *config = &r->policy->config;
	const struct lyd_node *dmac = yang_child(vxlan, "inner-destination-mac");
	const struct lyd_node *smac = yang_child(vxlan, "inner-source-mac");
	bool right = take_destination(r, path, vxlan, "destination");

	path->vni = yang_number(vxlan, "vni");
	path->port = yang_number(vxlan, "port");
	right &= dmac && take_mac(r, path->inner_dmac, dmac);
	if (smac)
		right &= take_mac(r, path->inner_smac, smac);
	else
		make_mac(path->inner_smac,
			 addr_is_v4(&path->dst) ? &config->loopback4 : &config->loopback6);
	return right && yang_child(vxlan, "vni");
}

/* False: more than there may be. */
static bool take_labels(struct policy_path *path, const struct lyd_node *tunnel)
{
	yang_each (leaf, tunnel, "label") {
		if (path->n_labels == MAX_LABELS)
			return false;
		path->label[path->n_labels++] = strtoul(yang_value(leaf), NULL, 10);
	}
	return true;
}

static bool take_mpls(struct reader *r, struct policy_path *path, const struct lyd_node *mpls)
{
	bool right = take_destination(r, path, mpls, "next-hop");

	return take_labels(path, mpls) && right && path->n_labels;
}

static bool take_ipip(struct reader *r, struct policy_path *path, const struct lyd_node *ipip)
{
	return take_destination(r, path, ipip, "destination");
}

static bool take_mark(struct reader *r, struct policy_path *path, const struct lyd_node *mark)
{
	bool destination = !yang_child(mark, "destination") ||
			   take_destination(r, path, mark, "destination");
	bool segments = !yang_child(mark, "segment") || take_srv6(r, path, mark);

	path->mark = yang_number(mark, "value");
	take_labels(path, mark);
	return path->mark && destination && segments &&
	       (path->n_labels || path->n_segments || !addr_is_unspecified(&path->dst));
}

typedef bool take_tunnel_fn(struct reader *r, struct policy_path *path,
			    const struct lyd_node *tunnel);

void take_tunnel(struct reader *r, struct policy_path *path, const struct lyd_node *entry)
{
	static take_tunnel_fn *const take[TUNNEL_COUNT] = {
		[TUNNEL_SRV6] = take_srv6, [TUNNEL_GRE] = take_gre,   [TUNNEL_VXLAN] = take_vxlan,
		[TUNNEL_MPLS] = take_mpls, [TUNNEL_IPIP] = take_ipip, [TUNNEL_MARK] = take_mark,
	};

	for (enum tunnel_type type = TUNNEL_NONE + 1; type < TUNNEL_COUNT; type++) {
		const struct lyd_node *tunnel = yang_child(entry, tunnel_word(type));

		if (!tunnel || !take[type])
			continue;
		if (take[type](r, path, tunnel) && is_complete(tunnel))
			path->tunnel = type;
		return;
	}
}
