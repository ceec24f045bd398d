/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* A path's tunnel, shown: for `fantel policy show` and `fantel paths`. Pure. */
#ifndef TUNNEL_H
#define TUNNEL_H

#include <jansson.h>

#include "policy.h"

/* As policy has it, defaults filled in: what stands behind "srv6", "gre" and so on. */
json_t *tunnel_json(const struct policy_path *path);

/* In a line for people, the type left out, as a JSON string: `198.51.100.2 key 7`. */
json_t *tunnel_line(const struct policy_path *path);

#endif
