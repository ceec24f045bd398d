/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A policy as it was given: its text, what that means, and the programs made for it. Used by run and
 * apply.
 */
#ifndef EDITION_H
#define EDITION_H

#include "attach.h"
#include "policy.h"

struct edition {
	char *file;	 /* what messages call it */
	char *text;	 /* as it was written */
	char *canonical; /* as `fantel policy show -j` has it: two that mean the same are the same */
	struct policy policy;
	struct attach *attach; /* NULL: not loaded */
};

/*
 * Read `text`, of `file`, both copied; `node`, if not NULL, replaces the policy's own name. Returns 0,
 * the number of errors that were written to `errors`, or a negative errno, reported there.
 */
int edition_parse(struct edition **edition, const char *file, const char *text, const char *node,
		  FILE *errors);
void edition_free(struct edition *edition);

/* The same from the file. */
int edition_read(struct edition **edition, const char *file, const char *node, FILE *errors);

#endif
