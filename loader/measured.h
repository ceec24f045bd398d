/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Metrics and weights as JSON members, for events, status and paths: the same names everywhere.
 */
#ifndef MEASURED_H
#define MEASURED_H

#include <jansson.h>

#include "fantel/abi.h"

/* Set what was told, and the load that it makes (0 to 1000); `all`: what was not is null, else left
 * out. Bandwidths in bytes/s. */
void measured_set(json_t *json, const struct measured *measured, bool all);

/* An effective weight in the unit of policy's. */
json_t *weight_json(__u32 effective);

#endif
