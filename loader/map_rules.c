// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <string.h>

#include "map_rules.h"

static const struct map_rule maps[] = {
#define X(NAME, map, carry, rows, more) { #map, CARRY_##carry, LIMIT_##NAME, rows, more },
	LIMITED_MAPS(X)
#undef X
#define X(map, carry) { #map, CARRY_##carry, LIMIT_COUNT, 0, 0 },
	FIXED_MAPS(X)
#undef X
};

const struct map_rule *map_rule(const char *name)
{
	for (__u32 i = 0; i < ARRAY_SIZE(maps); i++)
		if (!strcmp(maps[i].name, name))
			return &maps[i];
	return NULL;
}
