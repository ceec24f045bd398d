/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Did you mean? The known word that is nearest to a mistyped one. Pure.
 *
 *	struct nearest n = { .word = typed };
 *	for (...)
 *		nearest_offer(&n, known[i]);
 *	if (n.best) ...
 */
#ifndef NEAREST_H
#define NEAREST_H

struct nearest {
	const char *word;
	const char *best; /* NULL: nothing is near enough to be what was meant */
	unsigned int distance;
};

/* Take `known` into account: near enough is at most a third of the word's letters wrong, or the
 * word within it. */
void nearest_offer(struct nearest *n, const char *known);

#endif
