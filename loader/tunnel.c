// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "tunnel.h"

#include "json.h"
#include "own.h"
#include "text.h"

/* ---- JSON ------------------------------------------------------------------------------------ */

static void set_segments(json_t *json, const struct policy_path *path)
{
	json_t *segments = json_array();

	for (__u32 i = 0; i < path->n_segments; i++)
		json_array_append_new(segments, json_addr(&path->segment[i]));
	json_set(json, "segment", segments);
}

static void set_labels(json_t *json, const struct policy_path *path)
{
	json_t *labels = json_array();

	for (__u32 i = 0; i < path->n_labels; i++)
		json_array_append_new(labels, json_integer(path->label[i]));
	json_set(json, "label", labels);
}

static json_t *srv6_json(const struct policy_path *path)
{
	json_t *json = json_object();

	set_segments(json, path);
	json_set(json, "mode", json_string(path->reduced ? "encaps-red" : "encaps"));
	return json;
}

static json_t *mpls_json(const struct policy_path *path)
{
	json_t *json = json_object();

	set_labels(json, path);
	json_set(json, "next-hop", json_addr(&path->dst));
	return json;
}

static json_t *mark_json(const struct policy_path *path)
{
	json_t *json = json_object();

	json_set(json, "value", json_integer(path->mark));
	if (path->n_segments)
		set_segments(json, path);
	else if (path->n_labels)
		set_labels(json, path);
	else
		json_set(json, "destination", json_addr(&path->dst));
	return json;
}

/* GRE, VXLAN, IP in IP. */
static json_t *ip_json(const struct policy_path *path)
{
	json_t *json = json_object();

	json_set(json, "destination", json_addr(&path->dst));
	if (path->keyed)
		json_set(json, "key", json_integer(path->key));
	if (path->tunnel != TUNNEL_VXLAN)
		return json;
	json_set(json, "vni", json_integer(path->vni));
	json_set(json, "inner-destination-mac", json_mac(path->inner_dmac));
	json_set(json, "inner-source-mac", json_mac(path->inner_smac));
	json_set(json, "port", json_integer(path->port));
	return json;
}

json_t *tunnel_json(const struct policy_path *path)
{
	if (path->tunnel == TUNNEL_SRV6)
		return srv6_json(path);
	if (path->tunnel == TUNNEL_MARK)
		return mark_json(path);
	return path->tunnel == TUNNEL_MPLS ? mpls_json(path) : ip_json(path);
}

/* ---- a line ---------------------------------------------------------------------------------- */

static void write_segments(FILE *out, const struct policy_path *path)
{
	char text[ADDR_TEXT];

	for (__u32 i = 0; i < path->n_segments; i++)
		fprintf(out, "%s%s", i ? "," : "", addr_text(text, &path->segment[i]));
	if (path->reduced)
		fputs(" encaps-red", out);
}

static void write_labels(FILE *out, const struct policy_path *path)
{
	char text[ADDR_TEXT];

	for (__u32 i = 0; i < path->n_labels; i++)
		fprintf(out, "%s%u", i ? "," : "", path->label[i]);
	if (path->tunnel == TUNNEL_MPLS)
		fprintf(out, " via %s", addr_text(text, &path->dst));
}

static void write_addresses(FILE *out, const struct policy_path *path)
{
	char text[ADDR_TEXT], mac[MAC_TEXT];

	fputs(addr_text(text, &path->dst), out);
	if (path->keyed)
		fprintf(out, " key %u", path->key);
	if (path->tunnel == TUNNEL_VXLAN)
		fprintf(out, " port %u vni %u mac %s", path->port, path->vni,
			mac_text(mac, path->inner_dmac));
}

json_t *tunnel_line(const struct policy_path *path)
{
	char *line OWN_MEM = NULL;
	size_t size;
	FILE *out = open_memstream(&line, &size);

	if (!out)
		return json_null();
	if (path->n_segments)
		write_segments(out, path);
	else if (path->n_labels)
		write_labels(out, path);
	else
		write_addresses(out, path);
	if (path->tunnel == TUNNEL_MARK)
		fprintf(out, " mark %u", path->mark);
	fclose(out);
	return json_string(line);
}
