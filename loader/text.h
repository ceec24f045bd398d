/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Addresses and tunnels as people write them. Pure. */
#ifndef TEXT_H
#define TEXT_H

#include "fantel/abi.h"

/* An IPv6 address, or dotted if it is an IPv4 mapped one; "-" if unspecified. */
#define ADDR_TEXT 48
const char *addr_text(char text[ADDR_TEXT], const struct addr *addr);

/* 02:00:00:00:00:01 */
#define MAC_TEXT 20
const char *mac_text(char text[MAC_TEXT], const __u8 mac[6]);

/* A tunnel identity: an address, segments in the order travelled, or labels top first; "-" if none.
 * Parts are joined by ",", as in `ip -6 route ... encap seg6 segs`. */
#define TUNNEL_TEXT (MAX_SEGMENTS * ADDR_TEXT)
const char *tunnel_text(char text[TUNNEL_TEXT], const struct tunnel_key *tunnel);

#endif
