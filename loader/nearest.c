// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "nearest.h"

#include <string.h>

#define WORD_MAX 63 /* longer words are near to nothing */

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int least = a < b ? a : b;

	return c < least ? c : least;
}

/* Letters to insert, delete or replace (Levenshtein), one row of the table at a time. */
static unsigned int distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
	unsigned int row[WORD_MAX + 1];

	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		unsigned int diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			unsigned int above = row[j];

			row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_len];
}

void nearest_offer(struct nearest *n, const char *known)
{
	size_t word_len = strlen(n->word), known_len = strlen(known);
	unsigned int d, limit = (word_len + 2) / 3;

	if (word_len > WORD_MAX || known_len > WORD_MAX || word_len > known_len + limit)
		return;
	d = distance(n->word, word_len, known, known_len);
	if (d > limit && word_len > 3 && strstr(known, n->word))
		d = limit;
	if (d > limit || (n->best && d >= n->distance))
		return;
	n->best = known;
	n->distance = d;
}
