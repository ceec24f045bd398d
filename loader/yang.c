// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * libyang stops at the first error and knows lines only while it parses. So we walk the document
 * along the compiled schema ourselves and ask libyang value by value: every error is found in one
 * run, each with its line, and what is right becomes libyang data whose nodes point back at the
 * document (priv). What a right value is, is read from the schema too: its ranges, enumerations,
 * and the error-message of its types.
 */
#include "yang.h"

#include <libyang/libyang.h>
#include <stdlib.h>
#include <string.h>

#include "nearest.h"
#include "own.h"
#include "schema.h"

#define MODULE "fantel"
#define TOP MODULE ":fantel"

struct yang {
	struct ly_ctx *ctx;
	struct lyd_node *tree;
	struct findings *findings;
};

static void read_object(struct yang *y, const struct lysc_node *schema, struct lyd_node *data,
			struct jsonpos *object);

/* Members may be qualified by the name of their module (RFC 7951 §4), and it is always ours. */
static void forget_prefixes(struct jsonpos *at)
{
	size_t len = strlen(MODULE ":");

	for (struct jsonpos *child = at->child; child; child = child->next) {
		if (child->name && !strncmp(child->name, MODULE ":", len))
			child->name += len;
		forget_prefixes(child);
	}
}

static const char *last_error(const struct yang *y)
{
	const struct ly_err_item *e = ly_err_last(y->ctx);

	return e && e->msg ? e->msg : "libyang refuses it";
}

/* ---- what would be right --------------------------------------------------------------------- */

static void write_type(FILE *out, const struct lysc_type *type);

static void write_range(FILE *out, const struct lysc_type *type)
{
	const struct lysc_range *range = ((const struct lysc_type_num *)type)->range;
	const char *most = type->basetype == LY_TYPE_UINT8    ? "255"
			   : type->basetype == LY_TYPE_UINT16 ? "65535"
							      : "4294967295";
	LY_ARRAY_COUNT_TYPE i;

	if (range && range->emsg) {
		fputs(range->emsg, out);
		return;
	}
	fputs("a whole number ", out);
	if (!range) {
		fprintf(out, "from 0 to %s", most);
		return;
	}
	LY_ARRAY_FOR (range->parts, i) {
		fprintf(out, "%sfrom %llu to %llu", i ? " or " : "",
			(unsigned long long)range->parts[i].min_u64,
			(unsigned long long)range->parts[i].max_u64);
	}
}

static void write_enum(FILE *out, const struct lysc_type_enum *type)
{
	LY_ARRAY_COUNT_TYPE i, n = LY_ARRAY_COUNT(type->enums);

	LY_ARRAY_FOR (type->enums, i) {
		const char *sep = i == 0 ? "" : i + 1 < n ? ", " : " or ";

		fprintf(out, "%s\"%s\"", sep, type->enums[i].name);
	}
}

/* The message of the last pattern that has one: a derived type knows better than its base. */
static void write_string(FILE *out, const struct lysc_type_str *type)
{
	const char *right = "a string";
	LY_ARRAY_COUNT_TYPE i;

	LY_ARRAY_FOR (type->patterns, i) {
		if (type->patterns[i]->emsg)
			right = type->patterns[i]->emsg;
	}
	fputs(right, out);
}

static void write_union(FILE *out, const struct lysc_type_union *type)
{
	LY_ARRAY_COUNT_TYPE i;

	LY_ARRAY_FOR (type->types, i) {
		fputs(i ? " or " : "", out);
		write_type(out, type->types[i]);
	}
}

static void write_type(FILE *out, const struct lysc_type *type)
{
	switch (type->basetype) {
	case LY_TYPE_UINT8:
	case LY_TYPE_UINT16:
	case LY_TYPE_UINT32:
		write_range(out, type);
		break;
	case LY_TYPE_ENUM:
		write_enum(out, (const struct lysc_type_enum *)type);
		break;
	case LY_TYPE_STRING:
		write_string(out, (const struct lysc_type_str *)type);
		break;
	case LY_TYPE_BOOL:
		fputs("true or false, without quotes", out);
		break;
	case LY_TYPE_UNION:
		write_union(out, (const struct lysc_type_union *)type);
		break;
	default:
		fputs("what fantel.yang says", out);
	}
}

static const struct lysc_type *type_of(const struct lysc_node *leaf)
{
	return leaf->nodetype == LYS_LEAF ? ((const struct lysc_node_leaf *)leaf)->type
					  : ((const struct lysc_node_leaflist *)leaf)->type;
}

/* Names of the members that `schema` must have, or of all that it may have. */
static void write_members(FILE *out, const struct lysc_node *schema, bool mandatory)
{
	const struct lysc_node *c = NULL;
	const char *sep = "";

	while ((c = lys_getnext(c, schema, NULL, 0))) {
		if (mandatory && !(c->flags & (LYS_MAND_TRUE | LYS_KEY)))
			continue;
		fprintf(out, "%s\"%s\"", sep, c->name);
		sep = ", ";
	}
}

static void write_value(FILE *out, const struct lysc_node *leaf)
{
	const struct lysc_type *type = type_of(leaf);

	if (type->basetype == LY_TYPE_LEAFREF)
		fprintf(out, "the name of a %s", leaf->name); /* as our references are called */
	else
		write_type(out, type);
}

static void write_member(FILE *out, const struct lysc_node *schema)
{
	switch (schema->nodetype) {
	case LYS_CONTAINER:
		fputs("an object with ", out);
		write_members(out, schema, schema->flags & LYS_MAND_TRUE);
		break;
	case LYS_LIST:
		fputs("an array of objects with ", out);
		write_members(out, schema, true);
		break;
	case LYS_LEAFLIST:
		fputs("an array, each element ", out);
		write_value(out, schema);
		break;
	default:
		write_value(out, schema);
	}
}

static void write_known(FILE *out, const struct lysc_node *schema)
{
	write_members(out, schema, false);
}

/* What one of the writers above has to say of `schema`; the caller frees it. */
static char *expected(void (*write)(FILE *, const struct lysc_node *),
		      const struct lysc_node *schema)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	write(out, schema);
	fclose(out);
	return text;
}

/* ---- values ---------------------------------------------------------------------------------- */

static bool is_number(const struct lysc_type *type)
{
	return type->basetype == LY_TYPE_UINT8 || type->basetype == LY_TYPE_UINT16 ||
	       type->basetype == LY_TYPE_UINT32;
}

static bool is_container(const struct jsonpos *at)
{
	return at->kind == JSONPOS_OBJECT || at->kind == JSONPOS_ARRAY;
}

static void report_value(struct yang *y, const struct lysc_node *schema, const struct jsonpos *at)
{
	const char *quote = at->kind == JSONPOS_STRING ? "\"" : "";
	OWN_MEM char *right = expected(write_value, schema);

	if (is_container(at))
		findings_error(y->findings, at, "%s is wrong here; give %s",
			       jsonpos_kind_word(at->kind), right);
	else
		findings_error(y->findings, at, "%s%.80s%s is wrong here; give %s", quote, at->text,
			       quote, right);
}

/* Is it a right value of the leaf, also in its JSON form (RFC 7951 §6)? Reports it if not. */
static bool value_ok(struct yang *y, const struct lysc_node *schema, const struct jsonpos *at)
{
	const struct lysc_type *type = NULL;
	LY_ERR err;

	if ((at->kind == JSONPOS_BOOL) != (type_of(schema)->basetype == LY_TYPE_BOOL) ||
	    is_container(at) || at->kind == JSONPOS_NULL) {
		report_value(y, schema, at);
		return false;
	}
	err = lyd_value_validate(y->ctx, schema, at->text, strlen(at->text), NULL, &type, NULL);
	if (err && err != LY_EINCOMPLETE) { /* incomplete: a reference, followed by policy.c */
		report_value(y, schema, at);
		return false;
	}
	if (!type)
		type = type_of(schema);
	if (is_number(type) && at->kind == JSONPOS_STRING) {
		findings_error(y->findings, at, "\"%s\" is a string; write it without quotes: %s",
			       at->text, at->text);
		return false;
	}
	if (!is_number(type) && at->kind == JSONPOS_NUMBER) {
		findings_error(y->findings, at, "%s is a number; write it in quotes: \"%s\"",
			       at->text, at->text);
		return false;
	}
	return true;
}

/* The new node must be the only one of its name and key or value. Takes it away if it is not. */
static bool only_one(struct yang *y, struct lyd_node *node)
{
	const struct jsonpos *at = node->priv, *first;
	struct lyd_node *match = NULL;

	if (!node->parent || lyd_find_sibling_first(lyd_child(lyd_parent(node)), node, &match) ||
	    match == node)
		return true;
	first = match->priv;
	findings_error(y->findings, at, "%s \"%s\" stands in line %u already; give it once",
		       node->schema->name, at->key ? at->key->text : at->text,
		       first ? first->line : 0);
	lyd_free_tree(node);
	return false;
}

/* `data` NULL: the parent is wrong and will not be kept, but what is in it can still be checked. */
static void read_value(struct yang *y, const struct lysc_node *schema, struct lyd_node *data,
		       struct jsonpos *at)
{
	struct lyd_node *node;

	if (!value_ok(y, schema, at) || !data)
		return;
	if (lyd_new_term(data, NULL, schema->name, at->text, 0, &node)) {
		findings_error(y->findings, at, "%s", last_error(y));
		return;
	}
	node->priv = at;
	only_one(y, node);
}

/* ---- containers and lists -------------------------------------------------------------------- */

static bool has_kind(struct yang *y, const struct lysc_node *schema, const struct jsonpos *at,
		     enum jsonpos_kind kind)
{
	OWN_MEM char *right = NULL;

	if (at->kind == kind)
		return true;
	right = expected(write_member, schema);
	findings_error(y->findings, at, "%s is wrong here; give %s", jsonpos_kind_word(at->kind),
		       right);
	return false;
}

/* The key of a list's entry (each of our lists has one), and with it the entry's node; NULL if the
 * key is wrong. */
static struct lyd_node *read_key(struct yang *y, const struct lysc_node *schema,
				 struct lyd_node *data, struct jsonpos *entry)
{
	const struct lysc_node *key = lysc_node_child(schema);
	const struct jsonpos *at = jsonpos_member(entry, key->name);
	struct lyd_node *node;

	if (!at) {
		OWN_MEM char *right = expected(write_value, key);

		findings_error(y->findings, entry, "\"%s\" is missing; give %s", key->name, right);
		return NULL;
	}
	entry->key = is_container(at) ? NULL : at;
	if (!value_ok(y, key, at) || !data)
		return NULL;
	if (lyd_new_list(data, NULL, schema->name, 0, &node, at->text)) {
		findings_error(y->findings, entry, "%s", last_error(y));
		return NULL;
	}
	node->priv = entry;
	return only_one(y, node) ? node : NULL;
}

static void read_entry(struct yang *y, const struct lysc_node *schema, struct lyd_node *data,
		       struct jsonpos *entry)
{
	if (entry->kind != JSONPOS_OBJECT) {
		findings_error(y->findings, entry, "%s is wrong here; give an object",
			       jsonpos_kind_word(entry->kind));
		return;
	}
	read_object(y, schema, read_key(y, schema, data, entry), entry);
}

static void check_length(struct yang *y, const struct lysc_node *schema,
			 const struct jsonpos *array)
{
	bool list = schema->nodetype == LYS_LIST;
	uint32_t min = list ? ((const struct lysc_node_list *)schema)->min
			    : ((const struct lysc_node_leaflist *)schema)->min;
	uint32_t max = list ? ((const struct lysc_node_list *)schema)->max
			    : ((const struct lysc_node_leaflist *)schema)->max;
	uint32_t n = jsonpos_count(array);

	if (n < min)
		findings_error(y->findings, array, "%u given; give %u or more", n, min);
	if (max && n > max)
		findings_error(y->findings, array, "%u given; give at most %u", n, max);
}

static void read_member(struct yang *y, const struct lysc_node *schema, struct lyd_node *data,
			struct jsonpos *member)
{
	bool list = schema->nodetype & (LYS_LIST | LYS_LEAFLIST);
	struct lyd_node *node = NULL;

	if (schema->nodetype == LYS_LEAF) {
		read_value(y, schema, data, member);
		return;
	}
	if (!has_kind(y, schema, member, list ? JSONPOS_ARRAY : JSONPOS_OBJECT))
		return;
	if (!list) {
		if (data && !lyd_new_inner(data, NULL, schema->name, 0, &node))
			node->priv = member;
		read_object(y, schema, node, member);
		return;
	}
	check_length(y, schema, member);
	for (struct jsonpos *e = member->child; e; e = e->next) {
		if (schema->nodetype == LYS_LIST)
			read_entry(y, schema, data, e);
		else
			read_value(y, schema, data, e);
	}
}

static void report_unknown(struct yang *y, const struct lysc_node *schema,
			   const struct jsonpos *member)
{
	struct nearest near = { .word = member->name };
	const struct lysc_node *c = NULL;
	OWN_MEM char *known = NULL;

	while ((c = lys_getnext(c, schema, NULL, 0)))
		nearest_offer(&near, c->name);
	if (near.best) {
		findings_error(y->findings, member, "no such member; did you mean \"%s\"?",
			       near.best);
		return;
	}
	known = expected(write_known, schema);
	findings_error(y->findings, member, "no such member; there are %s", known);
}

/* Of a choice one member is given, unless it may be missing. Each of our cases is one member. */
static void check_choice(struct yang *y, const struct lysc_node *choice,
			 const struct jsonpos *object)
{
	const struct jsonpos *first = NULL;
	const struct lysc_node *c = NULL;
	OWN_MEM char *known = NULL;

	while ((c = lys_getnext(c, choice, NULL, 0))) {
		const struct jsonpos *member = jsonpos_member(object, c->name);

		if (first && member)
			findings_error(y->findings, member,
				       "stands beside \"%s\"; give only one of them", first->name);
		else if (member)
			first = member;
	}
	if (first || !(choice->flags & LYS_MAND_TRUE))
		return;
	known = expected(write_known, choice);
	findings_error(y->findings, object, "no %s; give one of %s", choice->name, known);
}

static void report_missing(struct yang *y, const struct lysc_node *schema,
			   const struct jsonpos *object)
{
	OWN_MEM char *right = expected(write_member, schema);

	findings_error(y->findings, object, "\"%s\" is missing; give %s", schema->name, right);
}

static void check_missing(struct yang *y, const struct lysc_node *schema,
			  const struct jsonpos *object)
{
	const struct lysc_node *c = NULL;

	while ((c = lys_getnext(c, schema, NULL, LYS_GETNEXT_WITHCHOICE))) {
		if (c->nodetype == LYS_CHOICE)
			check_choice(y, c, object);
		else if (c->flags & LYS_MAND_TRUE && !(c->flags & LYS_KEY) &&
			 !jsonpos_member(object, c->name))
			report_missing(y, c, object);
	}
}

/* The members of a container or of a list's entry. */
static void read_object(struct yang *y, const struct lysc_node *schema, struct lyd_node *data,
			struct jsonpos *object)
{
	for (struct jsonpos *m = object->child; m; m = m->next) {
		const struct jsonpos *first = jsonpos_member(object, m->name);
		const struct lysc_node *c = NULL;

		while ((c = lys_getnext(c, schema, NULL, 0)) && strcmp(c->name, m->name))
			;
		if (!c)
			report_unknown(y, schema, m);
		else if (first != m)
			findings_error(y->findings, m, "stands in line %u already; give it once",
				       first->line);
		else if (!(c->flags & LYS_KEY)) /* read_key did the key */
			read_member(y, c, data, m);
	}
	check_missing(y, schema, object);
}

/* ---- the document ---------------------------------------------------------------------------- */

static void read_document(struct yang *y, const struct lysc_node *schema, struct jsonpos *root)
{
	struct jsonpos *top = NULL;

	if (root->kind != JSONPOS_OBJECT) {
		findings_error(y->findings, root, "%s is no policy; give {\"" TOP "\": {...}}",
			       jsonpos_kind_word(root->kind));
		return;
	}
	for (struct jsonpos *m = root->child; m; m = m->next) {
		if (strcmp(m->name, TOP) || top)
			findings_error_at(y->findings, m->line, m->name,
					  "does not belong here; give \"" TOP
					  "\" and nothing else");
		else
			top = m;
	}
	if (!top && !root->child)
		findings_error(y->findings, root,
			       "\"" TOP "\" is missing; give {\"" TOP "\": {...}}");
	if (!top || !has_kind(y, schema, top, JSONPOS_OBJECT))
		return;
	y->tree->priv = top;
	forget_prefixes(top);
	read_object(y, schema, y->tree, top);
}

/* libyang with our module and nothing from the file system. */
static const struct lys_module *load(struct yang *y)
{
	uint16_t options =
		LY_CTX_NO_YANGLIBRARY | LY_CTX_DISABLE_SEARCHDIRS | LY_CTX_DISABLE_SEARCHDIR_CWD;
	struct lys_module *module;

	if (ly_ctx_new(NULL, options, &y->ctx))
		return NULL;
	if (lys_parse_mem(y->ctx, schema_yang, LYS_IN_YANG, &module))
		return NULL;
	return module;
}

struct yang *yang_read(struct jsonpos *root, struct findings *findings)
{
	uint32_t log = ly_log_options(LY_LOSTORE_LAST);
	struct yang *y = calloc(1, sizeof(*y));
	const struct lys_module *module = y ? load(y) : NULL;

	if (!module || lyd_new_inner(NULL, module, "fantel", 0, &y->tree)) {
		yang_free(y);
		y = NULL;
	} else {
		y->findings = findings;
		read_document(y, y->tree->schema, root);
		lyd_new_implicit_all(&y->tree, y->ctx, LYD_IMPLICIT_NO_STATE, NULL);
	}
	ly_log_options(log);
	return y;
}

void yang_validate(struct yang *y, const struct jsonpos *root, struct findings *findings)
{
	uint32_t log = ly_log_options(LY_LOSTORE_LAST);

	if (lyd_validate_all(&y->tree, y->ctx, LYD_VALIDATE_PRESENT | LYD_VALIDATE_NO_STATE, NULL))
		findings_error(findings, root, "%s", last_error(y));
	ly_log_options(log);
}

void yang_free(struct yang *y)
{
	if (!y)
		return;
	lyd_free_all(y->tree);
	ly_ctx_destroy(y->ctx);
	free(y);
}

/* ---- reading it ------------------------------------------------------------------------------ */

const struct lyd_node *yang_top(const struct yang *y)
{
	return y->tree;
}

static const struct lyd_node *first_named(const struct lyd_node *node, const char *name)
{
	while (node && strcmp(LYD_NAME(node), name))
		node = node->next;
	return node;
}

const struct lyd_node *yang_child(const struct lyd_node *parent, const char *name)
{
	return parent ? first_named(lyd_child(parent), name) : NULL;
}

const struct lyd_node *yang_next(const struct lyd_node *node)
{
	return first_named(node->next, LYD_NAME(node));
}

const char *yang_value(const struct lyd_node *node)
{
	return lyd_get_value(node);
}

const char *yang_text(const struct lyd_node *parent, const char *name)
{
	const struct lyd_node *node = yang_child(parent, name);

	return node ? lyd_get_value(node) : NULL;
}

uint64_t yang_number(const struct lyd_node *parent, const char *name)
{
	const char *text = yang_text(parent, name);

	return text ? strtoull(text, NULL, 10) : 0;
}

const struct jsonpos *yang_at(const struct lyd_node *node)
{
	while (!node->priv && lyd_parent(node))
		node = lyd_parent(node);
	return node->priv;
}
