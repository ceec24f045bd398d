/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A JSON document held against the module policies/fantel.yang. Called by policy; yang.c is the
 * only file that knows libyang, and libyang the only one that judges values.
 */
#ifndef YANG_H
#define YANG_H

#include <stdint.h>

#include "findings.h"
#include "jsonpos.h"

struct yang;
struct lyd_node; /* a container, an entry of a list, or a value */

/*
 * Build the data that the document describes, as far as it is right, defaults filled in; report all
 * that is not. `root` must live as long as the data. NULL: no memory.
 */
struct yang *yang_read(struct jsonpos *root, struct findings *findings);
void yang_free(struct yang *yang);

/* libyang's own verdict on a document without errors so far, in case we were too lenient. */
void yang_validate(struct yang *yang, const struct jsonpos *root, struct findings *findings);

/* The container "fantel"; it is always there. */
const struct lyd_node *yang_top(const struct yang *yang);

/* The first child of that name, and the next one of the same name; NULL if there is none. */
const struct lyd_node *yang_child(const struct lyd_node *parent, const char *name);
const struct lyd_node *yang_next(const struct lyd_node *node);

#define yang_each(node, parent, name) \
	for (const struct lyd_node *node = yang_child(parent, name); node; node = yang_next(node))

/* A value as canonical text; of a child, NULL or 0 if it is not there. */
const char *yang_value(const struct lyd_node *node);
const char *yang_text(const struct lyd_node *parent, const char *name);
uint64_t yang_number(const struct lyd_node *parent, const char *name);

/* Where it stands in the document; of a default, where its parent does. */
const struct jsonpos *yang_at(const struct lyd_node *node);

#endif
