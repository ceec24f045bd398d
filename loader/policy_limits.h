/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How much a node has room for: policy says so, and maps are made as large.
 */
#ifndef POLICY_LIMITS_H
#define POLICY_LIMITS_H

#include "fantel/abi.h"

/* X(NAME, word in fantel.yang, least, default, most): first what policy itself names, then what comes
 * from outside. */
#define LIMITS(X)                                                                                  \
	X(PATHS, "paths", 8, MAX_PATHS, 131072)                                                   \
	X(GROUPS, "groups", 8, MAX_GROUPS, 4096)                                                  \
	X(CLASSES, "classes", 8, MAX_CLASSES, 4194304)                                            \
	X(SOURCES, "sources", 8, MAX_SOURCES, 65536)                                              \
	X(RESOURCES, "resources", 8, MAX_RESOURCES, 65536)                                        \
	X(LSPS, "lsps", 8, MAX_LSPS, 65536)                                                       \
	X(FAILURES, "failures", 64, MAX_FAILED, 4194304)                                           \
	X(METRICS, "metrics", 64, MAX_METRICS, 4194304)                                            \
	X(ORIGINATORS, "originators", 64, MAX_ORIGINS, 4194304)                                    \
	X(TOLD, "told", 64, MAX_TOLD, 4194304)                                                     \
	X(LEARNED, "learned", 64, MAX_LEARNED, 4194304)                                            \
	X(RECEIVERS, "receivers", 64, MAX_BUCKETS, 4194304)                                        \
	X(QUEUE_PAIRS, "queue-pairs", 64, MAX_QPS, 4194304)                                        \
	X(ROUTES, "routes", 64, MAX_ROUTES, 4194304)

enum policy_limit {
#define X(NAME, word, least, preset, most) LIMIT_##NAME,
	LIMITS(X)
#undef X
	LIMIT_COUNT,
};

/* How what is in a map goes over to one of another size (resize.h). */
enum carry {
	CARRY_POLICY,	/* as it is: only the loader writes it */
	CARRY_PLACES,	/* the same; by its number each entry is known elsewhere */
	CARRY_LATEST,	/* programs write it: the latest counts */
	CARRY_WINDOWS,	/* the same of sequence windows, which are merged */
	CARRY_FLOWS,
	CARRY_TRAFFIC,
	CARRY_HEALTH,
	CARRY_RESOURCES,
	CARRY_PACE,
	CARRY_FAILURES, /* with those whose counts and timers these are */
};

/* The maps that they are limits of: for each that there is room for, so many rows; and so many more.
 * What policy names is there twice while one policy follows another. X(NAME, map, CARRY, rows, more) */
#define LIMITED_MAPS(X)                                                                            \
	X(PATHS, fantel_paths, PLACES, 1, 0)                                                       \
	X(PATHS, fantel_nexthops, PLACES, 1, 0)                                                    \
	X(PATHS, fantel_tunnels, POLICY, 2 * MAX_LABELS, 0)                                        \
	X(PATHS, fantel_traffic, TRAFFIC, 1, 0)                                                    \
	X(PATHS, fantel_health, HEALTH, 1, 0)                                                      \
	X(PATHS, fantel_pace, PACE, 1, PACE_OF(0))                                                 \
	X(GROUPS, fantel_groups, PLACES, 1, 0)                                                     \
	X(GROUPS, fantel_ranks, POLICY, 1, 0)                                                      \
	X(GROUPS, fantel_flows, FLOWS, RANK_SLOTS, 0)                                              \
	X(CLASSES, fantel_classes, POLICY, 2, 0)                                                   \
	X(SOURCES, fantel_sources, POLICY, 2, 2 * MAX_DEMANDS)                                     \
	X(RESOURCES, fantel_resource, RESOURCES, 1, 0)                                             \
	X(RESOURCES, fantel_location, POLICY, 2 * RESOURCE_KEYS, 0)                                \
	X(LSPS, fantel_lsps, POLICY, 2, 0)                                                         \
	X(FAILURES, fantel_failed, FAILURES, 1, 0)                                                 \
	X(METRICS, fantel_metrics, LATEST, 1, 0)                                                   \
	X(ORIGINATORS, fantel_origins, WINDOWS, 1, 0)                                              \
	X(ORIGINATORS, fantel_proven, WINDOWS, 1, 0)                                               \
	X(TOLD, fantel_told, LATEST, 1, 0)                                                         \
	X(LEARNED, fantel_learned, LATEST, 1, 0)                                                   \
	X(RECEIVERS, fantel_buckets, LATEST, 1, 0)                                                 \
	X(QUEUE_PAIRS, fantel_qps, LATEST, 1, 0)                                                   \
	X(ROUTES, fantel_routes, LATEST, 1, 0)

struct limited_map {
	const char *name;
	enum policy_limit limit;
	enum carry carry;
	__u32 rows, more;
};

enum {
#define X(NAME, map, carry, rows, more) LIMITED_##map,
	LIMITED_MAPS(X)
#undef X
	LIMITED_MAP_COUNT,
};

const char *limit_word(enum policy_limit limit);
__u32 limit_least(enum policy_limit limit);
__u32 limit_preset(enum policy_limit limit);
__u32 limit_most(enum policy_limit limit);

/* A map by its name; NULL: policy does not limit it. */
const struct limited_map *limited_map(const char *name);

/* How many rows it has under a limit. */
static inline __u32 limited_rows(const struct limited_map *map, __u32 limit)
{
	return limit * map->rows + map->more;
}

#endif
