/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Every map once: what policy says of its size, and what becomes of its entries when another map takes
 * its place. A map that is not here is refused by attach.
 */
#ifndef MAP_RULES_H
#define MAP_RULES_H

#include "policy_limits.h"

/* How what is in a map goes over to the one that takes its place (resize.h). */
enum carry {
	CARRY_NOTHING,	/* it begins anew */
	CARRY_POLICY,	/* as it is: only the loader writes it, or also finds out what programs wrote */
	CARRY_PLACES,	/* the same; by its number each entry is known elsewhere */
	CARRY_LATEST,	/* programs write it: the latest counts */
	CARRY_WINDOWS,	/* the same of sequence windows, which are merged */
	CARRY_TOLD,	/* the same of what was told, which is told again */
	CARRY_LINKS,	/* the loader writes it, and programs note failures in it */
	CARRY_FLOWS,
	CARRY_TRAFFIC,
	CARRY_HEALTH,
	CARRY_RESOURCES,
	CARRY_PACE,
	CARRY_FAILURES, /* with those whose counts and timers these are */
	CARRY_TRANSIT,
	CARRY_REASONS,	/* counted by enum reason */
	CARRY_NODE,
	CARRY_SESSIONS,
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
	X(TOLD, fantel_told, TOLD, 1, 0)                                                           \
	X(LEARNED, fantel_learned, LATEST, 1, 0)                                                   \
	X(RECEIVERS, fantel_buckets, LATEST, 1, 0)                                                 \
	X(QUEUE_PAIRS, fantel_qps, LATEST, 1, 0)                                                   \
	X(ROUTES, fantel_routes, LATEST, 1, 0)

/* All others have the size that the build gives them. X(map, CARRY) */
#define FIXED_MAPS(X)                                                                              \
	X(fantel_bfd, SESSIONS)                                                                    \
	X(fantel_bfd_echo, POLICY)                                                                 \
	X(fantel_bfd_news, NOTHING)                                                                \
	X(fantel_bfd_set, POLICY)                                                                  \
	X(fantel_cache, NOTHING)                                                                   \
	X(fantel_devices, NOTHING)                                                                 \
	X(fantel_ends, POLICY)                                                                     \
	X(fantel_events, NOTHING)                                                                  \
	X(fantel_gauges, POLICY)                                                                   \
	X(fantel_keys, POLICY)                                                                     \
	X(fantel_link_news, NOTHING)                                                               \
	X(fantel_links, LINKS)                                                                     \
	X(fantel_memory, NOTHING)                                                                  \
	X(fantel_node, NODE)                                                                       \
	X(fantel_scratch, NOTHING)                                                                 \
	X(fantel_sensed, POLICY)                                                                   \
	X(fantel_skip, NOTHING)                                                                    \
	X(fantel_stats, REASONS)                                                                   \
	X(fantel_timer, NOTHING)                                                                   \
	X(fantel_transit, TRANSIT)                                                                 \
	X(fantel_untimed, NOTHING)                                                                 \
	X(fantel_watches, POLICY)

struct map_rule {
	const char *name;
	enum carry carry;
	enum policy_limit limit; /* LIMIT_COUNT: none; else: */
	__u32 rows, more;
};

enum {
#define X(NAME, map, carry, rows, more) RULE_##map,
	LIMITED_MAPS(X)
#undef X
#define X(map, carry) RULE_##map,
	FIXED_MAPS(X)
#undef X
	MAP_RULE_COUNT,
};

/* A map by its name; NULL: there is no such. */
const struct map_rule *map_rule(const char *name);

static inline bool map_is_limited(const struct map_rule *map)
{
	return map->limit != LIMIT_COUNT;
}

/* How many rows it has under its limit. */
static inline __u32 limited_rows(const struct map_rule *map, __u32 limit)
{
	return limit * map->rows + map->more;
}

#endif
