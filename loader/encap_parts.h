/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the parts of encap know of each other: a builder for each kind of tunnel, and its inverse.
 * Nobody else's business.
 */
#ifndef ENCAP_PARTS_H
#define ENCAP_PARTS_H

#include "encap.h"
#include "fantel/frame.h"

#define TUNNEL_HOP_LIMIT 64

/*
 * Fill encap_len, outer, udp_at, sum, dst and the templates or mark of *path, which are 0 so far. Returns 0
 * or -EINVAL.
 */
typedef int encap_build(struct path *path, const struct policy_path *from,
			const struct config *config);
encap_build encap_srv6, encap_ip, encap_mpls, encap_mark;

/*
 * Fill the tunnel of *to and the outer source, which are 0 so far, from what such a template may
 * hold; it need not be one.
 */
typedef void encap_parse(struct policy_path *to, struct addr *source, const struct path *path);
encap_parse encap_read_srv6, encap_read_ip, encap_read_mpls, encap_read_mark;

/* How the headers say what they carry. */
extern const __u8 encap_protocol[INNER_COUNT];

/* Ethernet and the outer IP header, which is as long as its family says; returns what follows it.
 */
__u8 *encap_outer(struct encap *encap, const struct addr *src, const struct addr *dst,
		  __u8 protocol);

/* The list of an SRH: the last `n` segments travelled, in reverse. */
void encap_segments(struct addr *list, __u32 n, const struct policy_path *from);

#endif
