// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "endpoint.h"

#define TAKES_V4 (1U << INNER_V4)
#define TAKES_V6 (1U << INNER_V6)

/* RFC 8986 §4.6-4.8 */
static const struct {
	const char *word;
	__u32 inner;
} behaviors[] = {
	{ "End.DT4", TAKES_V4 },
	{ "End.DT6", TAKES_V6 },
	{ "End.DT46", TAKES_V4 | TAKES_V6 },
};

const char *endpoint_behavior(__u32 inner)
{
	for (size_t i = 0; i < ARRAY_SIZE(behaviors); i++)
		if (behaviors[i].inner == inner)
			return behaviors[i].word;
	return "unknown";
}

__u32 endpoint_inner(const char *behavior)
{
	for (size_t i = 0; i < ARRAY_SIZE(behaviors); i++)
		if (!strcmp(behaviors[i].word, behavior))
			return behaviors[i].inner;
	return 0;
}

__u32 endpoint_rows(struct endpoint_row rows[ENDPOINT_ROWS], const struct policy_endpoint *from,
		    const struct config *config)
{
	const struct addr *loopback[] = { &config->loopback6, &config->loopback4 };
	struct endpoint_row row = {
		.key = { .id = from->id,
			 .port = from->port,
			 .tunnel = from->tunnel,
			 .keyed = from->keyed },
		.value = { .inner = from->inner },
	};
	__u32 n = 0;

	if (from->tunnel == TUNNEL_NONE)
		return 0;
	memcpy(row.value.name, from->name, sizeof(row.value.name));
	if (from->tunnel == TUNNEL_SRV6 || from->tunnel == TUNNEL_MPLS) {
		row.key.dst = from->sid;
		rows[n++] = row;
		return n;
	}
	for (size_t i = 0; i < ARRAY_SIZE(loopback); i++) {
		if (addr_is_unspecified(loopback[i]))
			continue;
		row.key.dst = *loopback[i];
		rows[n++] = row;
	}
	return n;
}

/* Is it the port of an endpoint before the i-th? */
static bool port_is_old(const struct policy_endpoint *endpoint, __u32 i)
{
	for (__u32 j = 0; j < i; j++)
		if (endpoint[j].port == endpoint[i].port)
			return true;
	return false;
}

__u32 endpoint_config(struct config *config, const struct policy_endpoint *endpoint, __u32 n)
{
	__u32 n_ports = 0;

	for (__u32 i = 0; i < n; i++) {
		if (endpoint[i].tunnel != TUNNEL_NONE)
			config->endpoints |= 1U << endpoint[i].tunnel;
		if (!endpoint[i].port || port_is_old(endpoint, i))
			continue;
		if (n_ports < MAX_VXLAN_PORTS)
			config->vxlan_port[n_ports] = endpoint[i].port;
		n_ports++;
	}
	return n_ports;
}
