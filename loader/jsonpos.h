/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * JSON (RFC 8259) that remembers the lines it stood on, so that an error found long after parsing
 * can still point at its cause. Values stay text: what a number means is the schema's business.
 * Called by policy; knows nothing of it.
 */
#ifndef JSONPOS_H
#define JSONPOS_H

#include <stddef.h>

enum jsonpos_kind {
	JSONPOS_NULL,
	JSONPOS_BOOL,
	JSONPOS_NUMBER,
	JSONPOS_STRING,
	JSONPOS_ARRAY,
	JSONPOS_OBJECT,
};

struct jsonpos {
	enum jsonpos_kind kind;
	unsigned int line;  /* from 1: of the member's name, or else of the value's start */
	unsigned int index; /* among its siblings, from 0 */
	const char *name;   /* of an object's member; else NULL */
	const char *text;   /* of a scalar: strings decoded to UTF-8, the others as written */
	struct jsonpos *parent, *child, *next;
	const struct jsonpos
		*key; /* the member that names this entry of a list: set by the reader */
};

struct jsonpos_error {
	unsigned int line, column; /* from 1 */
	char what[128];
};

/*
 * Parse a whole document. Returns the root, which owns everything below it (jsonpos_free), or
 * NULL: then *error says why, or error->line is 0 where memory ran out.
 */
struct jsonpos *jsonpos_parse(const char *text, struct jsonpos_error *error);
void jsonpos_free(struct jsonpos *root);

/* The first member of that name; NULL if there is none, or `object` is none. */
const struct jsonpos *jsonpos_member(const struct jsonpos *object, const char *name);

/* Go down by member names, "a/b/c", as far as there are such members. */
const struct jsonpos *jsonpos_find(const struct jsonpos *from, const char *path);

/* How many elements or members. */
unsigned int jsonpos_count(const struct jsonpos *at);

/* "an object", "a string" ... */
const char *jsonpos_kind_word(enum jsonpos_kind kind);

/* Write where a value stands, from below the root's only member: /port[name='r2']/link/local[2]. */
void jsonpos_path(const struct jsonpos *at, char *buf, size_t size);

#endif
