/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * fantel_settle, run once: where an entry of fantel_failed and the count of its subject change as one, whatever
 * becomes of this process meanwhile. Used by push, resources, resize and recount.
 */
#ifndef SETTLE_H
#define SETTLE_H

#include "fantel/abi.h"

/* Returns 0 or a negative errno. */
int settle_run(int program, struct settle *settle);

#endif
