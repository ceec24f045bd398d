/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Who is of the domain, and what MAC is asked of whom: policy's sources and demands as the rows of
 * fantel_sources. Pure.
 */
#ifndef DOMAIN_H
#define DOMAIN_H

#include "policy.h"

/* Rows to be, and each of them; NULL for one that adds nothing. */
__u32 domain_rows(const struct policy *policy);
const struct policy_prefix *domain_row(const struct policy *policy, __u32 i, struct source *source);

/* Is `demand` for any address of the domain? */
bool domain_has(const struct policy *policy, const struct policy_prefix *demand);

/* Is a MAC asked of anyone? */
bool domain_authenticates(const struct policy *policy);

#endif
