/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the packet path learned of a link: which tunnels, from which ingress PEs, left by it of late
 * (fantel_learned). Read by recover when the link fails.
 */
#ifndef LEARNED_H
#define LEARNED_H

#include "fantel/abi.h"

struct learned_tunnel {
	struct told_key key; /* as in fantel_told */
	struct learned learned;
};

struct learned_tunnels {
	__u32 n;
	struct learned_tunnel *tunnel;
};

/* What was seen on a link at `since_ns` or later, in no order; release with learned_free in any
 * case. A tunnel may stand there twice. `about`: of which link, 0 = of all; and with TROUBLE_NONE what
 * leaves by it, with TROUBLE_ERRORS what comes by it, else both. Returns 0 or a negative errno. */
int learned_read(struct learned_tunnels *tunnels, int map, const struct sensed_key *about,
		 __u64 since_ns);
void learned_free(struct learned_tunnels *tunnels);
#define OWN_LEARNED __attribute__((cleanup(learned_free)))

/* Those of each ingress PE together. */
void learned_by_ingress(struct learned_tunnels *tunnels);
/* Those seen last first. */
void learned_by_age(struct learned_tunnels *tunnels);

#endif
