/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What YANG can't say about a policy. Called by policy.c; resources, paths and endpoints have files
 * of their own. */
#ifndef POLICY_CHECK_H
#define POLICY_CHECK_H

#include "findings.h"
#include "policy.h"

/* Where the parts of a policy stand in its file: one entry for one of the policy's arrays. */
struct policy_origin {
	const struct jsonpos *top;
	const struct jsonpos **port, **source, **demand, **resource, **path, **group, **class, **endpoint,
		**lsp, **controller;
};

struct checker {
	const struct policy *policy;
	const struct policy_origin *origin;
	struct findings *findings;
};

/* The parts about links and nodes, paths with their tunnels, and tunnels that end or pass here. */
void policy_check_resources(struct checker *c);
void policy_check_paths(struct checker *c);
void policy_check_endpoints(struct checker *c);
void policy_check_lsps(struct checker *c);

/* Warn of links and nodes that nothing crosses. */
void policy_warn_of_resources(struct checker *c);

/*
 * Report what contradicts itself or could not work, and warn of what works but hardly as meant. The
 * policy may lack what was reported before.
 */
void policy_check(const struct policy *policy, const struct policy_origin *origin,
		  struct findings *findings);

#endif
