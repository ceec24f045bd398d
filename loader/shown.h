/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What status, paths and counters show, as JSON: they print it or make tables of it, and export makes
 * samples of it. Each returns a new reference.
 */
#ifndef SHOWN_H
#define SHOWN_H

#include <jansson.h>

#include "view.h"

/* "node", "loader", and an array for each section. */
json_t *status_json(const struct view *view);

/* A row for each member of each of status's groups, with the "group" that it is in. */
json_t *members_json(const json_t *groups);

/* "node" and "paths". */
json_t *paths_json(const struct view *view);

/* A row for each reason; `all`: also for those that never occurred. `stats_fd`: of fantel_stats. */
json_t *counters_json(int stats_fd, bool all);

#endif
