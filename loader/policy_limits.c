// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "policy_limits.h"

static const struct {
	const char *word;
	__u32 least, preset, most;
} limits[] = {
#define X(NAME, word, least, preset, most) { word, least, preset, most },
	LIMITS(X)
#undef X
};

const char *limit_word(enum policy_limit limit)
{
	return limits[limit].word;
}

__u32 limit_least(enum policy_limit limit)
{
	return limits[limit].least;
}

__u32 limit_preset(enum policy_limit limit)
{
	return limits[limit].preset;
}

__u32 limit_most(enum policy_limit limit)
{
	return limits[limit].most;
}
