// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "rates.h"

#include <bpf/bpf.h>

#include "json.h"
#include "own.h"
#include "text.h"
#include "words.h"

static json_t *rate_json(__u64 bytes)
{
	return bytes ? json_integer(bytes * 8 / 1000) : json_null();
}

json_t *pace_json(const struct pace *pace)
{
	json_t *json = json_object();
	bool off = pace->state == PACE_OFF;

	json_set(json, "state", json_string(pace_state_word(pace->state)));
	json_set(json, "rate", rate_json(off ? 0 : pace->rate));
	json_set(json, "offered", rate_json(off ? 0 : pace->offered));
	json_set(json, "waits", json_boolean(!off && pace->waits));
	return json;
}

/* PROTOCOL,SOURCE,PORT,DESTINATION,PORT, as `fantel send --flow` takes it. */
static json_t *flow_json(const struct transit *t)
{
	char src[ADDR_TEXT], dst[ADDR_TEXT];

	if (!t->flowed)
		return json_null();
	return json_sprintf("%u,%s,%u,%s,%u", t->proto, addr_text(src, &t->src),
			    be32(t->ports) >> 16, addr_text(dst, &t->dst), be32(t->ports) & 0xffff);
}

static json_t *entry_json(__u32 index, const struct transit *t, const struct pace *pace)
{
	json_t *json = json_object();

	json_set(json, "index", json_integer(index));
	json_set(json, "tunnel", json_tunnel(&t->tunnel));
	json_set(json, "flow", flow_json(t));
	json_set(json, "congestions", json_integer(t->congestions % PACE_RISE));
	json_set_time(json, "congestion-changed", t->congested_ns);
	json_set(json, "pace", pace_json(pace));
	return json;
}

json_t *transit_json(const struct view *view)
{
	int map OWN_FD = pins_map(&view->pins, "fantel_transit");
	json_t *entries = json_array();
	struct transit t;
	struct pace pace;

	for (__u32 i = 0; map >= 0 && i < MAX_TRANSIT; i++)
		if (!bpf_map_lookup_elem(map, &i, &t) && t.hash &&
		    !bpf_map_lookup_elem(view->pace, &i, &pace))
			json_array_append_new(entries, entry_json(i, &t, &pace));
	return entries;
}

const struct column transit_columns[] = {
	{ "TRANSIT", "index", COLUMN_PLAIN },
	{ "STATE", "pace.state", COLUMN_PLAIN },
	{ "KBIT/S", "pace.rate", COLUMN_PLAIN },
	{ "FOR", "congestion-changed-age", COLUMN_SPAN },
	{ "FLOW", "flow", COLUMN_PLAIN },
	{ "TUNNEL", "tunnel", COLUMN_PLAIN },
	{},
};
