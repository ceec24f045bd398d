/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What fuzz targets have in common: a condition that must hold, and an input with nothing behind it. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* A copy of the input that is exactly as long, so that the sanitizer sees what is read outside it. To be
 * freed. */
static inline uint8_t *input_copy(const uint8_t *input, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	REQUIRE(copy);
	memcpy(copy, input, size);
	return copy;
}

#endif
