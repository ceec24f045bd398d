// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <string.h>

#include "policy_limits.h"

const char *limit_word(enum policy_limit limit)
{
	static const char *const words[] = {
#define X(NAME, word, preset) word,
		LIMITS(X)
#undef X
	};

	return words[limit];
}

enum policy_limit limit_of_map(const char *name)
{
	static const struct {
		const char *map;
		enum policy_limit limit;
	} maps[] = {
#define X(NAME, map) { #map, LIMIT_##NAME },
		LIMITED_MAPS(X)
#undef X
	};

	for (__u32 i = 0; i < ARRAY_SIZE(maps); i++)
		if (!strcmp(maps[i].map, name))
			return maps[i].limit;
	return LIMIT_COUNT;
}
