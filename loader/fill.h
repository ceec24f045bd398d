/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* How full a node is, limit by limit. Called by status; only reads. */
#ifndef FILL_H
#define FILL_H

#include <jansson.h>

#include "pin.h"
#include "table.h"

/* An array of objects: limit, map, used, room, evicts (what is oldest makes room), nearly-full. */
json_t *fill_json(const struct pins *pins);

/* The rows of it that people want to see: where something is used. */
json_t *fill_rows(const json_t *fill);
extern const struct column fill_columns[];

#endif
