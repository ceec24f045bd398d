/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A parsed notification for people: as JSON with every field, and that JSON as text with units.
 * Pure but for the output.
 */
#ifndef DESCRIBE_H
#define DESCRIBE_H

#include <jansson.h>
#include <stdio.h>

#include "fantel/msg.h"

/* Set what the message says: kind, type, tunnel, options by TLV word, and the TLVs that do not
 * count: unknown, or repeated. */
void describe_msg(json_t *json, const struct msg *m, const struct msg_buf *buf,
		  const struct msg_rules *rules);

/* An object as text, a member a line, after a title. */
void describe_print(const char *title, const json_t *json, FILE *out);

#endif
