/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The other end of control.h: one line to a running node, and its answer. */
#ifndef ASK_H
#define ASK_H

#include <jansson.h>

#include "pin.h"

/*
 * Send `question`, taken over, and beside it `fd` (-1: nothing); wait for the answer for so long.
 * Returns 0 and *answer, *got being what came beside it or -1 (NULL: not wanted); 1 where the answer is
 * not "ok", *answer set and its "error" reported; or a negative errno, reported.
 */
int ask(const struct pins *pins, json_t *question, int fd, unsigned int seconds, json_t **answer,
	int *got);

#endif
