// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Tunnels that end here, as policy_tunnel.c reads those that begin here: one that is not right as a
 * whole stays TUNNEL_NONE. Called by policy.c.
 */
#include "endpoint.h"
#include "policy_reader.h"
#include "words.h"

static bool take_srv6(struct reader *r, struct policy_endpoint *e, const struct lyd_node *srv6)
{
	const struct lyd_node *sid = yang_child(srv6, "sid");

	e->inner = endpoint_inner(yang_text(srv6, "behavior") ?: "");
	return sid && take_addr(r, &e->sid, sid);
}

static bool take_gre(struct reader *r, struct policy_endpoint *e, const struct lyd_node *gre)
{
	e->keyed = yang_child(gre, "key");
	e->id = yang_number(gre, "key");
	return true;
}

static bool take_vxlan(struct reader *r, struct policy_endpoint *e, const struct lyd_node *vxlan)
{
	e->id = yang_number(vxlan, "vni");
	e->port = yang_number(vxlan, "port");
	return yang_child(vxlan, "vni");
}

static bool take_mpls(struct reader *r, struct policy_endpoint *e, const struct lyd_node *mpls)
{
	e->id = yang_number(mpls, "label");
	return yang_child(mpls, "label");
}

static bool take_ipip(struct reader *r, struct policy_endpoint *e, const struct lyd_node *ipip)
{
	return true;
}

typedef bool take_end_fn(struct reader *r, struct policy_endpoint *e,
			 const struct lyd_node *tunnel);

void take_end(struct reader *r, struct policy_endpoint *e, const struct lyd_node *entry)
{
	static take_end_fn *const take[TUNNEL_COUNT] = {
		[TUNNEL_SRV6] = take_srv6, [TUNNEL_GRE] = take_gre,   [TUNNEL_VXLAN] = take_vxlan,
		[TUNNEL_MPLS] = take_mpls, [TUNNEL_IPIP] = take_ipip,
	};

	e->inner = 1U << INNER_V4 | 1U << INNER_V6;
	for (enum tunnel_type type = TUNNEL_NONE + 1; type < TUNNEL_COUNT; type++) {
		const struct lyd_node *tunnel = yang_child(entry, tunnel_word(type));

		if (!tunnel || !take[type])
			continue;
		if (take[type](r, e, tunnel) && is_complete(tunnel))
			e->tunnel = type;
		return;
	}
}
