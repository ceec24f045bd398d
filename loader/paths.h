/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What a path's header template says, read back; for `fantel paths` and its tests. Pure. */
#ifndef PATHS_H
#define PATHS_H

#include "fantel/abi.h"

struct outer {
	struct addr source;
	struct tunnel_key tunnel; /* the segments, as Tunnel Info would name them */
	bool reduced;		  /* the SRH leaves the first segment out (RFC 8986 §5.2) */
};

/* Read the template for IPv6 inside. False where it is not one that encap_path makes. */
bool outer_read(struct outer *outer, const struct path *path);

#endif
