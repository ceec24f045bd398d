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

/* OSPF's router-id is an IPv4 address (4 bytes), a pseudonode has two (8): 192.0.2.1:192.0.2.9. IS-IS
 * has a system-id (6), a pseudonode a number besides (7): 1920.0000.2001.0a. "-" for no bytes. */
#define ROUTER_ID_TEXT 40
const char *router_id_text(char text[ROUTER_ID_TEXT], const __u8 id[8], __u32 len);

/* What a notification says of a link or node: its two addresses, its router-id, or what the node of
 * that router-id calls it; an AS in front. */
#define RESOURCE_TEXT (2 * ADDR_TEXT + 4)
const char *resource_text(char text[RESOURCE_TEXT], const struct resource_key *key);

/* A tunnel identity: an address, segments in the order travelled, or labels top first; "-" if none.
 * Parts are joined by ",", as in `ip -6 route ... encap seg6 segs`. */
#define TUNNEL_TEXT (MAX_SEGMENTS * ADDR_TEXT)
const char *tunnel_text(char text[TUNNEL_TEXT], const struct tunnel_key *tunnel);

#endif
