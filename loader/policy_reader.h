/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What the parts of policy's reader share: policy.c, policy_tunnel.c for the tunnels of paths,
 * policy_endpoint.c for those that end here, policy_lsp.c for those that pass in MPLS, policy_resource.c
 * for links and nodes on the way, policy_watch.c for what is measured. */
#ifndef POLICY_READER_H
#define POLICY_READER_H

#include "policy.h"
#include "policy_check.h"
#include "yang.h"

struct reader {
	struct findings *findings;
	struct policy *policy;
	struct policy_origin *origin;
	bool no_memory;
};

/* Does the leaf `name` hold this word? */
bool is_word(const struct lyd_node *parent, const char *name, const char *word);

/* The address that a leaf holds; reports one that can't be used, and is then false. */
bool take_addr(struct reader *r, struct addr *addr, const struct lyd_node *leaf);

/* The router-id that a leaf holds, and how many bytes it has: 0 if there is none. */
__u8 take_router_id(struct reader *r, __u8 id[8], const struct lyd_node *parent, const char *name);

/* The names of the resource `entry`: none unless all of it is right. */
void take_location(struct reader *r, struct policy_resource *resource,
		   const struct lyd_node *entry);

/* The tunnel of the path `entry`: TUNNEL_NONE unless all of it is right. The node and its addresses
 * have been read. */
void take_tunnel(struct reader *r, struct policy_path *path, const struct lyd_node *entry);

/* The same of an endpoint. */
void take_end(struct reader *r, struct policy_endpoint *endpoint, const struct lyd_node *entry);

/* Label switched paths that pass here: right as a whole, or n is 0. */
void take_lsp(struct reader *r, void *to, const struct lyd_node *entry);

/* What is to be noticed on a port, and of the node; and when what is measured is told. */
void take_watch(struct policy_watch *watch, const struct lyd_node *from);
void take_changes(struct policy_changes *changes, const struct lyd_node *from);
/* `end` is half of the onset where it is not given. */
struct threshold take_threshold(const struct lyd_node *from, const char *onset, const char *end);
void take_node_load(struct reader *r, const struct lyd_node *from);

/* Became everything that the text says of the tunnel data? */
bool is_complete(const struct lyd_node *tunnel);

#endif
