// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A path's templates, and from templates the path again. One file a kind of tunnel: encap_srv6.c,
 * encap_ip.c, encap_mpls.c, encap_mark.c. Called by push and by what shows paths; touches nothing but its
 * arguments.
 */
#include "encap.h"

#include <errno.h>

#include "encap_parts.h"

static const struct {
	encap_build *build;
	encap_parse *parse;
} kind[TUNNEL_COUNT] = {
	[TUNNEL_SRV6] = { encap_srv6, encap_read_srv6 },
	[TUNNEL_GRE] = { encap_ip, encap_read_ip },
	[TUNNEL_VXLAN] = { encap_ip, encap_read_ip },
	[TUNNEL_IPIP] = { encap_ip, encap_read_ip },
	[TUNNEL_MPLS] = { encap_mpls, encap_read_mpls },
	[TUNNEL_MARK] = { encap_mark, encap_read_mark },
};

int encap_path(struct path *path, const struct policy_path *from, const struct config *config)
{
	struct path built = {
		.nexthop = path->nexthop,
		.n_crossed = path->n_crossed,
		.tunnel = from->tunnel,
		.flags = from->dscp_fixed ? PATH_DSCP_FIXED : 0,
		.dscp = from->dscp,
	};

	if (from->tunnel >= TUNNEL_COUNT || !kind[from->tunnel].build ||
	    kind[from->tunnel].build(&built, from, config))
		return -EINVAL;
	memcpy(built.name, from->name, sizeof(built.name));
	memcpy(built.crossed, path->crossed, sizeof(built.crossed));
	*path = built;
	return 0;
}

/* Read it as if it were right: then the same must come of it again. */
bool encap_read(struct policy_path *to, struct addr *source, const struct path *path)
{
	struct path again = *path;
	struct config config = {};

	*to = (struct policy_path){
		.tunnel = path->tunnel,
		.dscp_fixed = path->flags & PATH_DSCP_FIXED,
		.dscp = path->dscp,
		.dst = path->dst,
	};
	*source = (struct addr){};
	memcpy(to->name, path->name, sizeof(to->name));
	if (path->tunnel >= TUNNEL_COUNT || !kind[path->tunnel].parse)
		return false;
	kind[path->tunnel].parse(to, source, path);
	*(addr_is_v4(source) ? &config.loopback4 : &config.loopback6) = *source;
	return !encap_path(&again, to, &config) && !memcmp(&again, path, sizeof(again));
}
