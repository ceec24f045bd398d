/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where a failure is, as notifications say it: the TLVs 256-262 of one core port, from policy. Pure.
 */
#ifndef LOCATION_H
#define LOCATION_H

#include "policy.h"

/*
 * Write the location TLVs of `port` to `out` in ascending order, LOCATION_MAX bytes at most, and
 * return their length. docs/wire.md §2: node descriptors where AS or router-id is known; interface
 * addresses where given, else link identifiers.
 */
__u16 location_build(__u8 out[LOCATION_MAX], const struct policy *policy,
		     const struct policy_port *port);

#endif
