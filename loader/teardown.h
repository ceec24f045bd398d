/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The end of a node: programs off its ports, pins and files away. */
#ifndef TEARDOWN_H
#define TEARDOWN_H

#include "pin.h"

/*
 * Remove what this version (`purge`: any version) of fantel keeps for the node. The caller holds
 * the node's lock, or knows that it has none. Nothing there is no error. Returns 0 or a negative
 * errno, reported.
 */
int teardown(const struct pins *pins, bool purge);

#endif
