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

const char *limit_word(enum policy_limit limit);
__u32 limit_least(enum policy_limit limit);
__u32 limit_preset(enum policy_limit limit);
__u32 limit_most(enum policy_limit limit);

#endif
