/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What another policy would change. Pure; called by `fantel policy apply` on two documents as `fantel
 * policy show -j` prints them.
 */
#ifndef DIFF_H
#define DIFF_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Print the lines of `from` and `to` that differ, as diff -u does, with what they are called in front;
 * nothing where there are none. Returns how many lines come or go, or -ENOMEM. */
int diff_text(const char *from, const char *from_name, const char *to, const char *to_name,
	      FILE *out);

/*
 * The same by members, in the words of YANG Patch (RFC 8072): an array of objects with "operation",
 * "create", "delete" or "replace"; "target", as RFC 8040 §3.5.3 writes it; and the values "from" and "to".
 * An entry of a list is the one that has its key; a list of plain values is one value.
 */
json_t *diff_members(const json_t *from, const json_t *to);

#endif
