// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <arpa/inet.h>
#include <stdio.h>

#include "text.h"

const char *addr_text(char text[ADDR_TEXT], const struct addr *addr)
{
	if (addr_is_unspecified(addr))
		return strcpy(text, "-");
	if (addr_is_v4(addr))
		return inet_ntop(AF_INET, addr->b + 12, text, ADDR_TEXT);
	return inet_ntop(AF_INET6, addr->b, text, ADDR_TEXT);
}

const char *mac_text(char text[MAC_TEXT], const __u8 mac[6])
{
	snprintf(text, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		 mac[4], mac[5]);
	return text;
}

const char *router_id_text(char text[ROUTER_ID_TEXT], const __u8 id[8], __u32 len)
{
	char other[INET_ADDRSTRLEN];

	strcpy(text, "-");
	if (len == 4 || len == 8)
		inet_ntop(AF_INET, id, text, ROUTER_ID_TEXT);
	if (len == 8)
		strcat(strcat(text, ":"), inet_ntop(AF_INET, id + 4, other, sizeof(other)));
	if (len == 6 || len == 7)
		snprintf(text, ROUTER_ID_TEXT, "%02x%02x.%02x%02x.%02x%02x", id[0], id[1], id[2],
			 id[3], id[4], id[5]);
	if (len == 7)
		snprintf(text + strlen(text), ROUTER_ID_TEXT - strlen(text), ".%02x", id[6]);
	return text;
}

const char *resource_text(char text[RESOURCE_TEXT], const struct resource_key *key)
{
	char a[ADDR_TEXT], b[ADDR_TEXT], id[ROUTER_ID_TEXT];
	struct addr low, high;
	int len = 0;

	if (key->kind == RESOURCE_LINK) {
		low = addr_from_number(key->addr[0]);
		high = addr_from_number(key->addr[1]);
		snprintf(text, RESOURCE_TEXT, "%s - %s", addr_text(a, &low), addr_text(b, &high));
		return text;
	}
	if (key->as)
		len = snprintf(text, RESOURCE_TEXT, "AS %u ", key->as);
	len += snprintf(text + len, RESOURCE_TEXT - len, "%s",
			router_id_text(id, key->router_id, key->router_id_len));
	if (key->kind == RESOURCE_PORT)
		snprintf(text + len, RESOURCE_TEXT - len, " link %u", key->link_id);
	return text;
}

/* One part of a tunnel, counted in the order of travel. */
static void part_text(char text[ADDR_TEXT], const struct tunnel_key *tunnel, unsigned int n,
		      unsigned int i)
{
	if (tunnel->code == CODE_IP)
		addr_text(text, &tunnel->addr);
	else if (tunnel->code == CODE_SRV6)
		addr_text(text, &tunnel->segment[n - 1 - i]);
	else
		snprintf(text, ADDR_TEXT, "%u", be32(tunnel->label_be[i]) >> WIRE_LABEL_SHIFT);
}

const char *tunnel_text(char text[TUNNEL_TEXT], const struct tunnel_key *tunnel)
{
	unsigned int n = 0;
	size_t len = 0;

	if (tunnel->code == CODE_IP)
		n = 1;
	else if (tunnel->code == CODE_SRV6)
		n = MIN(tunnel->n, MAX_SEGMENTS);
	else if (tunnel->code == CODE_MPLS)
		n = MIN(tunnel->n, WIRE_LABELS_MAX);
	strcpy(text, "-");
	for (unsigned int i = 0; i < n; i++) {
		char part[ADDR_TEXT];

		part_text(part, tunnel, n, i);
		len += snprintf(text + len, TUNNEL_TEXT - len, "%s%s", i ? "," : "", part);
	}
	return text;
}
