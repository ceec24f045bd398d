/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * How much of what comes from outside a node remembers: policy says so, and maps are made as large.
 */
#ifndef POLICY_LIMITS_H
#define POLICY_LIMITS_H

#include "fantel/abi.h"

/* X(NAME, word in fantel.yang, default) */
#define LIMITS(X)                                                                                  \
	X(FAILURES, "failures", MAX_FAILED)                                                        \
	X(METRICS, "metrics", MAX_METRICS)                                                         \
	X(ORIGINATORS, "originators", MAX_ORIGINS)                                                 \
	X(TOLD, "told", MAX_TOLD)                                                                  \
	X(LEARNED, "learned", MAX_LEARNED)                                                         \
	X(QUEUE_PAIRS, "queue-pairs", MAX_QPS)                                                     \
	X(ROUTES, "routes", MAX_ROUTES)

enum policy_limit {
#define X(NAME, word, preset) LIMIT_##NAME,
	LIMITS(X)
#undef X
	LIMIT_COUNT,
};

/* The maps that they are limits of. X(NAME, map) */
#define LIMITED_MAPS(X)                                                                            \
	X(FAILURES, fantel_failed)                                                                 \
	X(METRICS, fantel_metrics)                                                                 \
	X(ORIGINATORS, fantel_origins)                                                             \
	X(ORIGINATORS, fantel_proven)                                                              \
	X(TOLD, fantel_told)                                                                       \
	X(LEARNED, fantel_learned)                                                                 \
	X(QUEUE_PAIRS, fantel_qps)                                                                 \
	X(ROUTES, fantel_routes)

const char *limit_word(enum policy_limit limit);

/* Which limit a map has, by its name; LIMIT_COUNT: none that policy sets. */
enum policy_limit limit_of_map(const char *name);

#endif
