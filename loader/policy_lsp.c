// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * MPLS tunnels of others that pass here: where they go, and who sends them. Part of policy's reader and
 * of policy_check.
 */
#include "policy_reader.h"

void take_lsp(struct reader *r, void *to, const struct lyd_node *entry)
{
	const struct lyd_node *next_hop = yang_child(entry, "next-hop");
	struct policy_lsp *lsp = to;
	bool right = next_hop && take_addr(r, &lsp->way.next_hop, next_hop);
	__u32 n = 0;

	lsp->label = yang_number(entry, "label");
	yang_each (leaf, entry, "ingress") {
		if (n < LSP_INGRESSES)
			right &= take_addr(r, &lsp->way.ingress[n++], leaf);
	}
	if (right && lsp->label)
		lsp->way.n = n;
}

static bool in_domain(const struct policy *p, const struct addr *a)
{
	for (__u32 i = 0; i < p->n_sources; i++)
		if (addr_in_prefix(a, &p->source[i].addr, p->source[i].plen))
			return true;
	return false;
}

static void check_ingress(struct checker *c, const struct addr *a, const struct jsonpos *at)
{
	const struct config *config = &c->policy->config;

	if (addr_equal(a, &config->loopback6) || addr_equal(a, &config->loopback4))
		findings_error(c->findings, at, "%s is this node itself; give the ingress PE's loopback",
			       at->text);
	else if (!in_domain(c->policy, a))
		findings_error(c->findings, at, "%s is in no \"source\", and would not be told; give one that is, "
			       "or its prefix there", at->text);
	else if (addr_is_v4(a) && addr_is_unspecified(&config->loopback4))
		findings_error(c->findings, at, "%s needs an IPv4 source; give the node an IPv4 loopback",
			       at->text);
}

void policy_check_lsps(struct checker *c)
{
	for (__u32 i = 0; i < c->policy->n_lsps; i++) {
		const struct lsp *way = &c->policy->lsp[i].way;
		const struct jsonpos *ingress = jsonpos_member(c->origin->lsp[i], "ingress");
		const struct jsonpos *at = ingress ? ingress->child : NULL;

		for (__u32 k = 0; k < way->n && at; k++, at = at->next)
			check_ingress(c, &way->ingress[k], at);
	}
}
