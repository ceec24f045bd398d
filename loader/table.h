/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * JSON objects as a table of text: aligned columns, a title each, no lines. Numbers to the right,
 * all else to the left; "-" for null or nothing. Pure but for the output.
 */
#ifndef TABLE_H
#define TABLE_H

#include <jansson.h>
#include <stdio.h>

enum column_style {
	COLUMN_PLAIN, /* true and false as yes and no; the items of an array joined by commas */
	COLUMN_SPAN,  /* seconds, as a duration */
};

struct column {
	const char *title;
	const char *member; /* "a" or "a.b" for a member of a member */
	enum column_style style;
};

/* `columns` ends with a column without a title. Prints nothing if there are no rows. */
void table_print(const struct column *columns, const json_t *rows, FILE *out);

#endif
