/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What is wrong with a file: found in any order, told in that of its lines. Called by the parts of
 * policy; writes only to the stream it is given.
 */
#ifndef FINDINGS_H
#define FINDINGS_H

#include <stdbool.h>
#include <stdio.h>

#include "jsonpos.h"

struct finding;

struct findings {
	struct finding *list;
	size_t n; /* kept: of each sort FINDINGS_MAX, what exceeds it is only counted */
	size_t errors, warnings; /* all of them */
};

#define FINDINGS_MAX 1000

/* The sentence: what is wrong; what would be right. */
void findings_error(struct findings *findings, const struct jsonpos *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same of something that works, but hardly as meant. */
void findings_warn(struct findings *findings, const struct jsonpos *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* An error at a place that has no value: `where` stands for the path. */
void findings_error_at(struct findings *findings, unsigned int line, const char *where,
		       const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Write `file:line: path: sentence`, a line each, by line number, and forget them. Bytes that a
 * terminal might obey are shown as '?'. Returns the number of errors. */
int findings_print(struct findings *findings, const char *file, FILE *out);

#endif
