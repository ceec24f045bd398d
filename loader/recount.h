/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The counts of paths, links, nodes and transit come from the entries of fantel_failed. A loader that is
 * killed while maps are replaced by others leaves them as different programs wrote them; here the counts
 * are made right again, by fantel_settle, while packets flow. Used by attach.
 */
#ifndef RECOUNT_H
#define RECOUNT_H

#include "maps.h"

/* `transit`: fantel_transit. Returns 0 or a negative errno, reported. */
int recount(const struct maps *maps, int transit, int program);

#endif
