/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Lowered rates, as `fantel paths` and `fantel status` show them. In kbit/s, as policy has them. */
#ifndef RATES_H
#define RATES_H

#include "table.h"
#include "view.h"

/* {state, rate, offered}; a rate that is not lowered is null. */
json_t *pace_json(const struct pace *pace);

/* What a P node holds back: an array of objects, and the columns of its table. */
json_t *transit_json(const struct view *view);
extern const struct column transit_columns[];

#endif
