// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Fuzzes policy_parse. What it takes is consistent, makes valid tunnels, and reads back the same
 * when shown; what it refuses leaves the policy alone, and what is said of it can be printed on a
 * terminal.
 *
 * The schema is parsed once and not for each input: that is libyang's work, which takes a hundred
 * times as long as ours and which no input changes.
 */
#include <libyang/libyang.h>

static struct ly_ctx *kept_ctx;
static struct lys_module *kept_module;

static LY_ERR keep_ctx(const char *dir, uint16_t options, struct ly_ctx **ctx)
{
	LY_ERR err = kept_ctx ? LY_SUCCESS : ly_ctx_new(dir, options, &kept_ctx);

	*ctx = kept_ctx;
	return err;
}

static LY_ERR keep_module(struct ly_ctx *ctx, const char *text, LYS_INFORMAT format,
			  struct lys_module **module)
{
	LY_ERR err = kept_module ? LY_SUCCESS : lys_parse_mem(ctx, text, format, &kept_module);

	*module = kept_module;
	return err;
}

#define ly_ctx_new keep_ctx
#define ly_ctx_destroy(ctx) ((void)(ctx))
#define lys_parse_mem keep_module
#include "../../loader/yang.c"

#include "encap.h"
#include "endpoint.h"
#include "fuzz.h"
#include "policy.h"

static int parse(struct policy *policy, const char *text, char **said)
{
	size_t size;
	FILE *errors = open_memstream(said, &size);
	int n;

	REQUIRE(errors);
	n = policy_parse(policy, "f", text, errors);
	fclose(errors);
	return n;
}

static void check_name(const char *name, size_t size)
{
	REQUIRE(name[0] && strnlen(name, size) < size);
}

static void check_path(const struct policy_path *from, const struct config *config)
{
	struct tunnel_key keys[ENCAP_KEYS_MAX];
	struct policy_path back;
	struct path path = { 0 };
	struct addr source;

	check_name(from->name, sizeof(from->name));
	REQUIRE(from->tunnel > TUNNEL_NONE && from->tunnel < TUNNEL_COUNT && from->dscp < 64);
	for (__u32 i = 0; i < from->n_segments; i++)
		REQUIRE(!addr_is_v4(&from->segment[i]) && !addr_is_multicast(&from->segment[i]) &&
			!addr_is_unspecified(&from->segment[i]));
	REQUIRE(encap_path(&path, from, config) == 0);
	REQUIRE(path.encap_len <= ENCAP_MAX);
	REQUIRE(encap_keys(keys, ENCAP_KEYS_MAX, from) >= 1);
	REQUIRE(encap_read(&back, &source, &path));
	back.reduced |= from->reduced && from->n_segments == 1;
	back.n_crossed = from->n_crossed; /* is not in the header */
	memcpy(back.crossed, from->crossed, sizeof(back.crossed));
	REQUIRE(!memcmp(&back, from, sizeof(back)));
}

static void check_resource(const struct policy_resource *resource)
{
	check_name(resource->name, sizeof(resource->name));
	REQUIRE(resource->n_keys >= 1 && resource->n_keys <= RESOURCE_KEYS);
	for (__u32 i = 0; i < resource->n_keys; i++) {
		const struct resource_key *key = &resource->key[i];

		REQUIRE(key->kind != RESOURCE_NONE);
		REQUIRE(key->kind == RESOURCE_LINK || key->router_id_len);
		REQUIRE(key->kind != RESOURCE_LINK || key->addr[0] < key->addr[1]);
	}
}

static void check_group(const struct policy_group *group, const struct policy *p)
{
	__u32 weight = 0;

	check_name(group->name, sizeof(group->name));
	REQUIRE(group->n_members >= 1 && group->n_members <= MAX_MEMBERS);
	for (__u32 i = 0; i < group->n_members; i++) {
		REQUIRE(group->member[i].path < p->n_paths);
		weight += group->member[i].weight;
	}
	REQUIRE(weight);
}

static void check_endpoint(const struct policy_endpoint *e, const struct config *config)
{
	struct endpoint_row rows[ENDPOINT_ROWS];

	check_name(e->name, sizeof(e->name));
	REQUIRE(e->inner && config->endpoints & 1U << e->tunnel);
	REQUIRE(!e->port == (e->tunnel != TUNNEL_VXLAN));
	REQUIRE(e->tunnel != TUNNEL_SRV6 ||
		addr_in_prefix(&e->sid, &config->locator, config->locator_len));
	REQUIRE(endpoint_rows(rows, e, config) >= 1);
}

static void check_prefix(const struct policy_prefix *prefix)
{
	struct addr addr = prefix->addr;

	REQUIRE(prefix->plen <= 128);
	for (__u32 bit = prefix->plen; bit < 128; bit++)
		REQUIRE(!(addr.b[bit / 8] & 0x80 >> bit % 8));
}

static void check_config(const struct config *c)
{
	check_name(c->node, sizeof(c->node));
	REQUIRE(!strchr(c->node, '.') && !strchr(c->node, '/'));
	REQUIRE(!addr_is_unspecified(&c->loopback6) && !addr_is_v4(&c->loopback6));
	REQUIRE(addr_is_unspecified(&c->loopback4) || addr_is_v4(&c->loopback4));
	for (int i = 0; i < KIND_COUNT; i++) {
		REQUIRE(c->type[i] >= 162 && c->type[i] != 200 && c->type[i] != 201);
		for (int j = 0; j < i; j++)
			REQUIRE(c->type[i] != c->type[j]);
	}
	REQUIRE(c->n_repeats >= 1 && c->n_repeats <= MAX_REPEATS && c->repeat_ns[0] == 0);
	REQUIRE(c->udp_port && c->udp_sport >= WIRE_UDP_SPORT_MIN);
}

static void check_policy(const struct policy *p)
{
	check_config(&p->config);
	REQUIRE(p->n_ports);
	for (__u32 i = 0; i < p->n_ports; i++)
		check_name(p->port[i].name, sizeof(p->port[i].name));
	for (__u32 i = 0; i < p->n_sources; i++)
		check_prefix(&p->source[i]);
	for (__u32 i = 0; i < p->n_resources; i++)
		check_resource(&p->resource[i]);
	for (__u32 i = 0; i < p->n_paths; i++) {
		check_path(&p->path[i], &p->config);
		REQUIRE(p->path[i].n_crossed <= MAX_CROSSED);
		for (__u32 k = 0; k < p->path[i].n_crossed; k++)
			REQUIRE(p->path[i].crossed[k] < p->n_resources);
	}
	for (__u32 i = 0; i < p->n_groups; i++)
		check_group(&p->group[i], p);
	for (__u32 i = 0; i < p->n_classes; i++) {
		check_prefix(&p->class[i].prefix);
		REQUIRE(p->class[i].group < p->n_groups);
	}
	for (__u32 i = 0; i < p->n_controllers; i++)
		REQUIRE(p->controller[i].port && !addr_is_unspecified(&p->controller[i].addr) &&
			!addr_is_multicast(&p->controller[i].addr));
	REQUIRE(!p->config.endpoints == !p->n_endpoints);
	for (__u32 i = 0; i < p->n_endpoints; i++)
		check_endpoint(&p->endpoint[i], &p->config);
}

static char *show(const struct policy *p, bool json)
{
	char *shown = NULL;
	size_t size;
	FILE *out = open_memstream(&shown, &size);

	REQUIRE(out);
	policy_show(p, json, out);
	fclose(out);
	return shown;
}

static void check_read_back(const struct policy *p)
{
	struct policy again OWN_POLICY = { 0 };
	OWN_MEM char *text = show(p, false);
	OWN_MEM char *shown = show(p, true);
	OWN_MEM char *said = NULL;

	REQUIRE(strlen(text) > 0);
	REQUIRE(parse(&again, shown, &said) == 0);
	REQUIRE(!memcmp(&p->config, &again.config, sizeof(p->config)));
	REQUIRE(p->n_ports == again.n_ports && p->n_sources == again.n_sources);
	REQUIRE(p->n_resources == again.n_resources);
	REQUIRE(p->n_paths == again.n_paths && p->n_groups == again.n_groups);
	REQUIRE(p->n_classes == again.n_classes && p->n_endpoints == again.n_endpoints);
	REQUIRE(p->n_controllers == again.n_controllers);
	REQUIRE(p->n_demands == again.n_demands && p->authentication == again.authentication);
	REQUIRE(!p->key_file == !again.key_file);
}

static void check_said(const char *said)
{
	REQUIRE(said[0]);
	for (; *said; said++)
		REQUIRE(*said == '\n' || (*said >= ' ' && *said <= '~'));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	OWN_MEM char *text = strndup((const char *)input, size);
	OWN_MEM char *said = NULL;
	struct policy p = { 0 }, untouched = { 0 };
	int n = parse(&p, text, &said);

	REQUIRE(n >= 0);
	if (n) {
		check_said(said);
		REQUIRE(!memcmp(&p, &untouched, sizeof(p)));
		return 0;
	}
	check_policy(&p);
	check_read_back(&p);
	policy_free(&p);
	return 0;
}
