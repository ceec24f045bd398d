// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * From text to struct policy: jsonpos gives lines, yang judges members and values, this file turns
 * them into plain data (policy_tunnel the tunnels, policy_watch what is measured) and follows references, policy_check judges the whole. Each goes on after
 * an error with what is right; whatever was found is reported at the end, and then there is no
 * policy.
 */
#include "policy.h"

#include <arpa/inet.h>
#include <errno.h>

#include "domain.h"
#include "endpoint.h"
#include "nearest.h"
#include "own.h"
#include "policy_reader.h"
#include "words.h"

#define FILE_MAX (64 << 20) /* bytes of a policy; more must be a mistake */

/* ---- values ---------------------------------------------------------------------------------- */

bool is_word(const struct lyd_node *parent, const char *name, const char *word)
{
	const char *text = yang_text(parent, name);

	return text && !strcmp(text, word);
}

/* A name: the schema bounds its length. */
static void take_name(char *to, size_t size, const struct lyd_node *parent)
{
	snprintf(to, size, "%s", yang_text(parent, "name") ?: "");
}

static bool addr_from_text(struct addr *addr, const char *text)
{
	__be32 v4_be;

	if (inet_pton(AF_INET6, text, addr) == 1)
		return true;
	if (inet_pton(AF_INET, text, &v4_be) != 1)
		return false;
	*addr = addr_from_v4(v4_be);
	return true;
}

/* Why an address is none of a host's; NULL if it can be. */
static const char *unusable(const struct addr *addr, const char *text)
{
	static const struct addr localhost = { .q_be = { 0, be64(1) } };

	if (strchr(text, ':') && addr_is_v4(addr))
		return "an IPv4 address in the guise of IPv6";
	if (addr_is_unspecified(addr) || (addr_is_v4(addr) && addr->b[12] == 0))
		return "not the address of any node";
	if (addr_equal(addr, &localhost) || (addr_is_v4(addr) && addr->b[12] == 127))
		return "every node's address for itself";
	if (addr_is_multicast(addr) || (addr_is_v4(addr) && addr->b[12] >= 240))
		return "no unicast address";
	return NULL;
}

bool take_addr(struct reader *r, struct addr *addr, const struct lyd_node *leaf)
{
	const char *text = yang_value(leaf), *why;

	if (!addr_from_text(addr, text))
		return false; /* yang.c refused it */
	why = unusable(addr, text);
	if (!why && addr_is_link_local(addr))
		why = "known on one link only";
	if (!why)
		return true;
	findings_error(r->findings, yang_at(leaf), "%s is %s; give an address that is routed", text,
		       why);
	return false;
}

/* A leaf-list that may hold one address of each family. */
static void take_pair(struct reader *r, const struct lyd_node *parent, const char *name,
		      struct addr *v6, struct addr *v4)
{
	yang_each (leaf, parent, name) {
		struct addr addr, *to;

		if (!take_addr(r, &addr, leaf))
			continue;
		to = addr_is_v4(&addr) ? v4 : v6;
		if (addr_is_unspecified(to))
			*to = addr;
		else
			findings_error(r->findings, yang_at(leaf),
				       "a second IPv%c address; give at most one of each family",
				       to == v4 ? '4' : '6');
	}
}

/* `text` has passed the schema's pattern. Host bits are kept for policy_check to find. */
static void take_prefix(struct policy_prefix *prefix, const char *text)
{
	char addr[INET6_ADDRSTRLEN] = "";
	const char *slash = strchr(text, '/');

	if (!slash || slash - text >= (int)sizeof(addr))
		return;
	memcpy(addr, text, slash - text);
	if (!addr_from_text(&prefix->addr, addr))
		return;
	prefix->plen = atoi(slash + 1) + (strchr(text, ':') ? 0 : 96);
}

/* 192.0.2.1, 192.0.2.1:192.0.2.9, 1920.0000.2001 or 1920.0000.2001.01. Returns the bytes, 0 if
 * there is none. */
__u8 take_router_id(struct reader *r, __u8 id[8], const struct lyd_node *parent, const char *name)
{
	const char *text = yang_text(parent, name);
	unsigned int b[8];

	if (!text)
		return 0;
	if (text[4] == '.' && strlen(text) >= 14) {
		int n = sscanf(text, "%2x%2x.%2x%2x.%2x%2x.%2x", b, b + 1, b + 2, b + 3, b + 4,
			       b + 5, b + 6);

		for (int i = 0; i < n; i++)
			id[i] = b[i];
		return n;
	}
	int n = sscanf(text, "%u.%u.%u.%u:%u.%u.%u.%u", b, b + 1, b + 2, b + 3, b + 4, b + 5, b + 6,
		       b + 7);

	for (int i = 0; i < n; i++) {
		if (b[i] > 255)
			findings_error(r->findings, yang_at(yang_child(parent, name)),
				       "%u is no byte; give numbers from 0 to 255", b[i]);
		id[i] = b[i];
	}
	return n;
}

/* ---- references ------------------------------------------------------------------------------ */

/* Is there an entry of that name in the file, even a wrong one, which was reported already? */
static bool is_mentioned(const struct reader *r, const char *list, const char *name)
{
	const struct jsonpos *array = jsonpos_member(r->origin->top, list);

	for (const struct jsonpos *e = array ? array->child : NULL; e; e = e->next) {
		if (e->key && e->key->text && !strcmp(e->key->text, name))
			return true;
	}
	return false;
}

static void report_reference(struct reader *r, const struct jsonpos *at, const char *list,
			     const char *name)
{
	const struct jsonpos *array = jsonpos_member(r->origin->top, list);
	struct nearest near = { .word = name };
	char known[256] = "";
	size_t len = 0, left_out = 0;

	for (const struct jsonpos *e = array ? array->child : NULL; e; e = e->next) {
		const char *text = e->key ? e->key->text : NULL;

		if (!text || r->findings->errors > FINDINGS_MAX) /* nobody will read it */
			continue;
		nearest_offer(&near, text);
		if (len + strlen(text) + 4 < sizeof(known))
			len += sprintf(known + len, "%s\"%s\"", len ? ", " : "", text);
		else
			left_out++;
	}
	if (near.best)
		findings_error(r->findings, at, "there is no %s \"%s\"; did you mean \"%s\"?", list,
			       name, near.best);
	else if (!len)
		findings_error(r->findings, at, "there is no %s \"%s\"; the file has no \"%s\"",
			       list, name, list);
	else
		findings_error(r->findings, at, "there is no %s \"%s\"; there are %s%s", list, name,
			       known, left_out ? " and more" : "");
}

/* The index of the entry `name` in an array of structs that start with their names; -1 = none. */
static int find_name(struct reader *r, const struct jsonpos *at, const char *list, const char *name,
		     const void *array, size_t size, __u32 n)
{
	for (__u32 i = 0; i < n; i++) {
		if (!strcmp((const char *)array + i * size, name))
			return i;
	}
	if (!is_mentioned(r, list, name))
		report_reference(r, at, list, name);
	return -1;
}

/* ---- the parts ------------------------------------------------------------------------------- */

static void take_node(struct reader *r, const struct lyd_node *node)
{
	struct policy *p = r->policy;
	struct config *c = &p->config;
	const struct lyd_node *locator = yang_child(node, "locator");
	struct policy_prefix prefix = { 0 };

	take_name(c->node, sizeof(c->node), node);
	take_pair(r, node, "loopback", &c->loopback6, &c->loopback4);
	c->domain = yang_number(node, "domain");
	c->as = yang_number(node, "as");
	p->router_id_len = take_router_id(r, p->router_id, node, "router-id");
	if (!locator)
		return;
	take_prefix(&prefix, yang_at(locator)->text);
	c->locator = prefix.addr;
	c->locator_len = prefix.plen;
}

/* The address of one neighbour, which is `what`. False, and *to as it was: there is none, or it can't be. */
static bool take_neighbour(struct reader *r, struct addr *to, const struct lyd_node *parent,
			   const char *name, const char *what)
{
	const struct lyd_node *leaf = yang_child(parent, name);
	const char *text = yang_text(parent, name), *why;
	struct addr addr;

	if (!leaf || !addr_from_text(&addr, text))
		return false; /* yang.c reported it */
	why = unusable(&addr, text);
	if (why) {
		findings_error(r->findings, yang_at(leaf), "%s is %s; give the neighbour's %s", text, why,
			       what);
		return false;
	}
	*to = addr;
	return true;
}

static void take_bfd(struct reader *r, struct policy_port *port, const struct lyd_node *bfd)
{
	if (!take_neighbour(r, &port->bfd.peer, bfd, "peer", "address on the link"))
		return;
	port->bfd.min_tx_us = yang_number(bfd, "desired-min-tx");
	port->bfd.min_rx_us = yang_number(bfd, "required-min-rx");
	port->bfd.mult = yang_number(bfd, "multiplier");
	if (yang_child(bfd, "echo")) {
		port->bfd.echo_us = yang_number(yang_child(bfd, "echo"), "interval");
		port->bfd.echo_mult = yang_number(yang_child(bfd, "echo"), "multiplier");
		port->bfd.delay = take_threshold(yang_child(bfd, "echo"), "delay-maximum",
						 "delay-reuse");
	}
	if (port->class == PORT_CORE)
		r->policy->config.bfd = 1;
}

static void take_port(struct reader *r, void *to, const struct lyd_node *entry)
{
	struct policy_port *port = to;
	const struct lyd_node *link = yang_child(entry, "link");

	take_name(port->name, sizeof(port->name), entry);
	port->class = is_word(entry, "class", "core") ? PORT_CORE : PORT_CUSTOMER;
	port->mode = is_word(entry, "mode", "generic") ? XDP_GENERIC : XDP_NATIVE;
	take_pair(r, link, "local", &port->local6, &port->local4);
	take_pair(r, link, "remote", &port->remote6, &port->remote4);
	port->local_id = yang_number(link, "local-id");
	port->remote_id = yang_number(link, "remote-id");
	port->remote_as = yang_number(link, "remote-as");
	port->remote_router_id_len =
		take_router_id(r, port->remote_router_id, link, "remote-router-id");
	take_neighbour(r, &port->upstream, entry, "upstream", "loopback");
	if (yang_child(entry, "bfd"))
		take_bfd(r, port, yang_child(entry, "bfd"));
	take_watch(&port->watch, yang_child(entry, "watch"));
	if (port->class == PORT_CORE && port->watch.counted)
		r->policy->config.learn_arrivals = 1;
}

static void take_source(struct reader *r, void *to, const struct lyd_node *leaf)
{
	take_prefix(to, yang_at(leaf)->text);
}

static void take_resource(struct reader *r, void *to, const struct lyd_node *entry)
{
	struct policy_resource *resource = to;

	take_name(resource->name, sizeof(resource->name), entry);
	take_location(r, resource, entry);
}

static void take_crossed(struct reader *r, struct policy_path *path, const struct lyd_node *entry)
{
	const struct policy *p = r->policy;

	yang_each (leaf, entry, "crosses") {
		int resource = find_name(r, yang_at(leaf), "resource", yang_value(leaf),
					 p->resource, sizeof(p->resource[0]), p->n_resources);

		if (resource >= 0 && path->n_crossed < MAX_CROSSED)
			path->crossed[path->n_crossed++] = resource;
	}
}

static enum authentication authentication_of(const struct lyd_node *parent)
{
	static const char *const words[] = {
#define X(NAME, word) word,
		AUTHENTICATIONS(X)
#undef X
	};
	enum authentication a = AUTHENTICATION_COUNT;

	while (--a > AUTHENTICATION_OFF && !is_word(parent, "mode", words[a]))
		;
	return a;
}

static void take_demand(struct reader *r, void *to, const struct lyd_node *entry)
{
	struct policy_demand *demand = to;

	take_prefix(&demand->prefix, yang_at(entry)->key->text);
	demand->authentication = authentication_of(entry);
}

static void take_authentication(struct reader *r, const struct lyd_node *a)
{
	struct config *c = &r->policy->config;
	const char *file = yang_text(a, "key-file");

	r->policy->authentication = authentication_of(a);
	if (file) {
		r->policy->key_file = strdup(file);
		r->no_memory |= !r->policy->key_file;
	}
	yang_each (id, a, "sign-with") {
		if (c->n_sign_keys < MAX_SIGN_KEYS)
			c->sign_key[c->n_sign_keys++] = strtoul(yang_value(id), NULL, 10);
	}
}

static void take_path(struct reader *r, void *to, const struct lyd_node *entry)
{
	struct policy_path *path = to;

	take_name(path->name, sizeof(path->name), entry);
	path->dscp_fixed = !is_word(entry, "dscp", "copy");
	if (path->dscp_fixed)
		path->dscp = yang_number(entry, "dscp");
	take_crossed(r, path, entry);
	take_tunnel(r, path, entry);
}

static void take_group(struct reader *r, void *to, const struct lyd_node *entry)
{
	const struct policy *p = r->policy;
	struct policy_group *group = to;

	take_name(group->name, sizeof(group->name), entry);
	group->on_no_path = is_word(entry, "on-no-path", "pass") ? FATE_PASS : FATE_DROP;
	group->ordering = is_word(entry, "ordering", "strict")	? ORDERING_STRICT :
			  is_word(entry, "ordering", "flowlet") ? ORDERING_FLOWLET :
								  ORDERING_ANY;
	if (group->ordering == ORDERING_FLOWLET)
		group->gap_us = yang_number(entry, "flowlet-gap");
	group->follow = !is_word(entry, "metrics", "ignore");
	if (yang_text(entry, "on-congestion"))
		group->on_congestion =
			MAX(relief_from_word(yang_text(entry, "on-congestion")), 0);
	yang_each (member, entry, "member") {
		__auto_type m = &group->member[group->n_members];
		int path = find_name(r, yang_at(member), "path", yang_text(member, "path"), p->path,
				     sizeof(p->path[0]), p->n_paths);

		if (path < 0 || group->n_members == MAX_MEMBERS)
			continue;
		m->path = path;
		m->weight = yang_number(member, "weight");
		m->tier = yang_number(member, "tier");
		group->n_members++;
	}
}

static void take_class(struct reader *r, void *to, const struct lyd_node *entry)
{
	const struct policy *p = r->policy;
	const struct lyd_node *group = yang_child(entry, "group");
	struct policy_class *class = to;
	int index;

	take_prefix(&class->prefix, yang_at(entry)->key->text);
	if (!group)
		return;
	index = find_name(r, yang_at(group), "group", yang_value(group), p->group,
			  sizeof(p->group[0]), p->n_groups);
	class->group = index < 0 ? 0 : index;
}

/* Of one group: enough to see it, too few to bury other events. */
static const struct rate no_path_events = {
	.interval_ns = NSEC_PER_SEC / 10,
	.burst_ns = NSEC_PER_SEC,
};

static void take_endpoint(struct reader *r, void *to, const struct lyd_node *entry)
{
	struct policy_endpoint *endpoint = to;

	take_name(endpoint->name, sizeof(endpoint->name), entry);
	take_end(r, endpoint, entry);
}

static void take_controller(struct reader *r, void *to, const struct lyd_node *entry)
{
	const struct lyd_node *address = yang_child(entry, "address");
	struct policy_controller *controller = to;

	if (address)
		take_addr(r, &controller->addr, address);
	controller->port = yang_number(entry, "port") ?: r->policy->config.udp_port;
}

static struct rate rate_of(const struct lyd_node *rate)
{
	__u64 per_second = yang_number(rate, "messages-per-second");
	struct rate r = { .interval_ns = per_second ? NSEC_PER_SEC / per_second : 0 };

	r.burst_ns = r.interval_ns * yang_number(rate, "burst");
	return r;
}

static void take_damping(struct damping_rules *rules, const struct lyd_node *damping)
{
	rules->half_life_ms = yang_number(damping, "half-life");
	rules->suppress = yang_number(damping, "suppress");
	rules->reuse = yang_number(damping, "reuse");
	rules->max_suppress_ms = yang_number(damping, "max-suppress");
}

static void take_unasked(struct reader *r, const struct lyd_node *unasked)
{
	struct policy *p = r->policy;

	if (!unasked)
		return;
	p->config.learn_every = yang_number(unasked, "sample");
	p->learned_age_ms = yang_number(unasked, "age");
	yang_each (leaf, unasked, "ingress") {
		if (p->n_ingresses < MAX_INGRESSES && take_addr(r, &p->ingress[p->n_ingresses], leaf))
			p->n_ingresses++;
	}
}

/* That of notifications themselves is as good as none. */
static void take_customer_dscp(struct config *c, const struct lyd_node *n)
{
	__u8 tclass = yang_number(n, "customer-dscp") << 2;

	if (is_word(n, "customer-dscp", "leave") || tclass == c->tclass)
		return;
	c->remark = true;
	c->remark_tclass = tclass;
}

static void take_notification(struct reader *r, const struct lyd_node *n)
{
	struct config *c = &r->policy->config;
	const struct lyd_node *types = yang_child(n, "types"), *rate = yang_child(n, "rate");
	const struct lyd_node *receive = yang_child(n, "receive-rate");
	__u64 refresh_ms;

	c->transport = is_word(n, "transport", "udp") ? TRANSPORT_UDP : TRANSPORT_ICMPV6;
#define X(NAME, type_default, word) c->type[KIND_##NAME] = yang_number(types, word);
	WIRE_KINDS(X)
#undef X
	c->code_lsb = is_word(n, "code-bit-order", "lsb");
	c->udp_port = yang_number(n, "udp-port");
	c->udp_sport = yang_number(n, "udp-source-port");
	c->enterprise = yang_number(n, "enterprise");
	c->tclass = yang_number(n, "dscp") << 2;
	take_customer_dscp(c, n);
	c->hop_limit_min = WIRE_HOP_LIMIT - yang_number(n, "hop-limit-radius");
	c->validity_ms = yang_number(n, "validity");
	r->policy->hold_down_ms = yang_number(n, "hold-down");
	take_damping(&r->policy->damping, yang_child(n, "damping"));
	take_unasked(r, yang_child(n, "unasked"));
	if (yang_child(n, "load-balancing"))
		take_changes(&r->policy->changes, yang_child(n, "load-balancing"));
	yang_each (repeat, n, "repeat") {
		if (c->n_repeats < MAX_REPEATS)
			c->repeat_ns[c->n_repeats++] = atoi(yang_value(repeat)) * 1000ULL;
	}
	refresh_ms = yang_child(n, "refresh") ? yang_number(n, "refresh") : c->validity_ms / 3;
	c->refresh_ns = refresh_ms * NSEC_PER_MSEC;
	c->rate[BUCKET_FAILURE] = rate_of(yang_child(rate, "failure"));
	c->rate[BUCKET_CONGESTION] = rate_of(yang_child(rate, "congestion"));
	c->rate[BUCKET_LOAD] = rate_of(yang_child(rate, "load-balancing"));
	c->rate[BUCKET_TOO_BIG] = rate_of(yang_child(rate, "too-big"));
	c->rate[BUCKET_NO_PATH] = no_path_events;
	c->rate[BUCKET_TELL] = rate_of(yang_child(rate, "no-path"));
	c->rate[BUCKET_CONTROLLER] = rate_of(yang_child(rate, "controller"));
	c->rate[BUCKET_CNP] = rate_of(yang_child(rate, "cnp"));
#define X(NAME, type_default, word) c->receive[KIND_##NAME] = rate_of(yang_child(receive, word));
	WIRE_KINDS(X)
#undef X
	c->tell_sender = is_word(n, "tell-sender", "true");
	c->cnp = is_word(n, "cnp", "true");
}

static void take_limits(struct policy *p, const struct lyd_node *limits)
{
	for (enum policy_limit l = 0; l < LIMIT_COUNT; l++)
		p->limit[l] = yang_number(limits, limit_word(l));
}

static void take_balance(struct reader *r, const struct lyd_node *b)
{
	r->policy->balance_interval_ms = yang_number(b, "interval");
	r->policy->weight_step = yang_number(b, "step");
	r->policy->metrics_validity_ms = yang_number(b, "metrics-validity");
}

/* ---- the whole ------------------------------------------------------------------------------- */

typedef void take_fn(struct reader *r, void *to, const struct lyd_node *entry);

/* An array of the entries of a list, and beside it one of where they stand. */
static void *take_list(struct reader *r, const struct lyd_node *top, const char *name, size_t size,
		       take_fn *take, const struct jsonpos ***at, __u32 *n)
{
	__u32 count = 0, i = 0;
	char *items;

	yang_each (entry, top, name)
		count++;
	if (!count)
		return NULL;
	items = calloc(count, size);
	*at = calloc(count, sizeof(**at));
	if (!items || !*at) {
		r->no_memory = true;
		free(items);
		return NULL;
	}
	yang_each (entry, top, name) {
		(*at)[i] = yang_at(entry);
		take(r, items + i * size, entry);
		i++;
	}
	*n = count;
	return items;
}

#define TAKE_LIST(r, top, name, items, n_items, take)                                      \
	((r)->policy->items = take_list(r, top, name, sizeof((r)->policy->items[0]), take, \
					&(r)->origin->items, &(r)->policy->n_items))

static void take_congestion(struct reader *r, const struct lyd_node *c)
{
	struct pacing *p = &r->policy->config.pacing;

	p->share = yang_number(c, "share") * PACE_ALL / 100;
	p->transit = is_word(c, "transit", "true");
	p->flows = is_word(c, "per", "flow");
	p->target_percent = yang_number(c, "target");
	p->lowest = yang_number(c, "lowest-rate") * 1000 / 8;
	p->window_ns = yang_number(c, "window") * NSEC_PER_MSEC;
	p->burst_ns = yang_number(c, "burst") * NSEC_PER_MSEC;
	p->horizon_ns = yang_number(c, "horizon") * NSEC_PER_MSEC;
	p->step_percent = yang_number(c, "step");
	p->step_ns = yang_number(c, "step-interval") * NSEC_PER_MSEC;
}

static void take_all(struct reader *r, const struct lyd_node *top)
{
	take_node(r, yang_child(top, "node"));
	take_notification(r, yang_child(top, "notification"));
	take_balance(r, yang_child(top, "balance"));
	take_limits(r->policy, yang_child(top, "limits"));
	take_congestion(r, yang_child(top, "congestion"));
	take_node_load(r, yang_child(top, "node-load"));
	TAKE_LIST(r, top, "port", port, n_ports, take_port);
	TAKE_LIST(r, top, "source", source, n_sources, take_source);
	take_authentication(r, yang_child(top, "authentication"));
	TAKE_LIST(r, yang_child(top, "authentication"), "source", demand, n_demands, take_demand);
	TAKE_LIST(r, top, "resource", resource, n_resources, take_resource);
	TAKE_LIST(r, top, "path", path, n_paths, take_path);	  /* refers to resources */
	TAKE_LIST(r, top, "group", group, n_groups, take_group);  /* refers to paths */
	TAKE_LIST(r, top, "class", class, n_classes, take_class); /* refers to groups */
	TAKE_LIST(r, top, "endpoint", endpoint, n_endpoints, take_endpoint);
	TAKE_LIST(r, top, "lsp", lsp, n_lsps, take_lsp);
	TAKE_LIST(r, top, "controller", controller, n_controllers, take_controller);
	r->policy->config.lsps = r->policy->n_lsps > 0;
	r->policy->config.authentication = domain_authenticates(r->policy);
	endpoint_config(&r->policy->config, r->policy->endpoint, r->policy->n_endpoints);
}

static void origin_free(struct policy_origin *origin)
{
	free(origin->port);
	free(origin->source);
	free(origin->resource);
	free(origin->demand);
	free(origin->path);
	free(origin->group);
	free(origin->class);
	free(origin->endpoint);
	free(origin->lsp);
	free(origin->controller);
}

static void own_jsonpos(struct jsonpos **json)
{
	jsonpos_free(*json);
}

static void own_yang(struct yang **yang)
{
	yang_free(*yang);
}

/* Fill *policy from parsed JSON as far as it is right, and find what is not. */
static int read_json(struct policy *policy, struct jsonpos *root, struct findings *findings)
{
	struct policy_origin origin __attribute__((cleanup(origin_free))) = { 0 };
	struct yang *yang __attribute__((cleanup(own_yang))) = yang_read(root, findings);
	struct reader r = { .findings = findings, .policy = policy, .origin = &origin };

	if (!yang)
		return -ENOMEM;
	origin.top = yang_at(yang_top(yang));
	if (!origin.top) /* no policy at all: reported */
		return 0;
	take_all(&r, yang_top(yang));
	if (r.no_memory)
		return -ENOMEM;
	policy_check(policy, &origin, findings);
	if (!findings->errors)
		yang_validate(yang, origin.top, findings);
	return 0;
}

int policy_parse(struct policy *policy, const char *name, const char *text, FILE *errors)
{
	struct findings findings = { 0 };
	struct policy read OWN_POLICY = { 0 };
	struct jsonpos_error error;
	struct jsonpos *root __attribute__((cleanup(own_jsonpos))) = jsonpos_parse(text, &error);
	int err = 0, n;

	if (root) {
		err = read_json(&read, root, &findings);
	} else if (error.line) {
		char where[32];

		snprintf(where, sizeof(where), "column %u", error.column);
		findings_error_at(&findings, error.line, where, "%s", error.what);
	} else {
		err = -ENOMEM;
	}
	n = findings_print(&findings, name, errors);
	if (err)
		fprintf(errors, "%s: no memory left to read it\n", name);
	if (err || n)
		return err ?: n;
	*policy = read;
	read = (struct policy){ 0 };
	return 0;
}

/* The whole stream as text that the caller frees; NULL with errno set. */
static char *read_stream(FILE *in)
{
	OWN_MEM char *text = NULL;
	size_t size = 0, room = 0;

	do {
		char *more;

		room = room ? 2 * room : 16384;
		more = realloc(text, room);
		if (!more)
			return NULL;
		text = more;
		if (size > FILE_MAX) {
			errno = EFBIG;
			return NULL;
		}
		size += fread(text + size, 1, room - size - 1, in);
	} while (size == room - 1);
	if (ferror(in))
		return NULL;
	text[size] = '\0';
	if (strlen(text) != size) {
		errno = EILSEQ;
		return NULL;
	}
	return take_ptr(text);
}

static char *read_or_say(FILE *in, const char *name, FILE *errors)
{
	char *text = in ? read_stream(in) : NULL;
	int err = errno;

	if (!text)
		fprintf(errors, "%s: %s; give a policy file that can be read\n", name,
			err == EILSEQ ? "holds a zero byte, so it is no text" : strerror(err));
	errno = err;
	return text;
}

char *policy_text(const char *file, FILE *errors)
{
	FILE *in OWN_FILE = fopen(file, "re");

	return read_or_say(in, file, errors);
}

char *policy_text_of(FILE *in, const char *name, FILE *errors)
{
	return read_or_say(in, name, errors);
}

int policy_read(struct policy *policy, const char *file, FILE *errors)
{
	OWN_MEM char *text = policy_text(file, errors);

	return text ? policy_parse(policy, file, text, errors) : -errno;
}

void policy_free(struct policy *policy)
{
	free(policy->port);
	free(policy->key_file);
	free(policy->node_load.file);
	free(policy->source);
	free(policy->resource);
	free(policy->demand);
	free(policy->path);
	free(policy->group);
	free(policy->class);
	free(policy->endpoint);
	free(policy->lsp);
	free(policy->controller);
	*policy = (struct policy){ 0 };
}
