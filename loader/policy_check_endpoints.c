// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Tunnels that end here: what could not work, or could not be told apart. Part of policy_check. One
 * that was not right so far is TUNNEL_NONE, and is left alone.
 */
#include <stdlib.h>

#include "endpoint.h"
#include "own.h"
#include "policy_check.h"

/* What the packet path looks up for an endpoint. */
struct end {
	struct endpoint_key key;
	__u32 endpoint;
};

static int by_end(const void *a, const void *b)
{
	const struct end *x = a, *y = b;
	int order = memcmp(&x->key, &y->key, sizeof(x->key));

	if (order)
		return order;
	return x->endpoint < y->endpoint ? -1 : x->endpoint > y->endpoint;
}

/* A tunnel has one end. An endpoint's rows differ in the loopback alone: the first tells. */
static void check_ends(struct checker *c)
{
	const struct policy *p = c->policy;
	OWN_MEM struct end *all = calloc(p->n_endpoints + 1, sizeof(*all));
	__u32 n = 0;

	for (__u32 i = 0; all && i < p->n_endpoints; i++) {
		struct endpoint_row rows[ENDPOINT_ROWS];

		if (endpoint_rows(rows, &p->endpoint[i], &p->config))
			all[n++] = (struct end){ rows[0].key, i };
	}
	if (n)
		qsort(all, n, sizeof(*all), by_end);
	for (__u32 i = 1; i < n; i++)
		if (!memcmp(&all[i].key, &all[i - 1].key, sizeof(all[i].key)))
			findings_error(
				c->findings, c->origin->endpoint[all[i].endpoint],
				"the same tunnel as that of endpoint %s; leave one of them out",
				p->endpoint[all[i - 1].endpoint].name);
}

static void check_sid(struct checker *c, const struct policy_endpoint *e, const struct jsonpos *at)
{
	const struct jsonpos *node = jsonpos_find(c->origin->top, "node");
	const struct config *config = &c->policy->config;

	if (addr_equal(&e->sid, &config->loopback6))
		findings_error(c->findings, at,
			       "%s is the node's loopback; give a segment of its locator",
			       at->text);
	else if (!jsonpos_member(node, "locator"))
		findings_error(c->findings, at,
			       "the node has no \"locator\"; give it one that %s is in", at->text);
	else if (config->locator_len &&
		 !addr_in_prefix(&e->sid, &config->locator, config->locator_len))
		findings_error(c->findings, at,
			       "%s is not in the node's locator; give a segment that is", at->text);
}

/* `n`: how many ports VXLAN has been seen on. */
static void check_port(struct checker *c, __u32 i, __u32 *n)
{
	const struct policy_endpoint *e = &c->policy->endpoint[i];
	const struct jsonpos *at = jsonpos_find(c->origin->endpoint[i], "vxlan/port");
	struct config config = {};
	__u32 ports = endpoint_config(&config, c->policy->endpoint, i + 1);

	if (e->port == c->policy->config.udp_port)
		findings_error(c->findings, at, "%u is the port of notifications; give another",
			       e->port);
	if (ports > MAX_VXLAN_PORTS && ports > *n)
		findings_error(c->findings, at, "VXLAN on more than %d ports; give fewer",
			       MAX_VXLAN_PORTS);
	*n = ports;
}

void policy_check_endpoints(struct checker *c)
{
	__u32 n_ports = 0;

	for (__u32 i = 0; i < c->policy->n_endpoints; i++) {
		const struct policy_endpoint *e = &c->policy->endpoint[i];

		if (e->tunnel == TUNNEL_SRV6)
			check_sid(c, e, jsonpos_find(c->origin->endpoint[i], "srv6/sid"));
		if (e->tunnel == TUNNEL_VXLAN)
			check_port(c, i, &n_ports);
	}
	check_ends(c);
}
