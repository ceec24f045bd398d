// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A policy back as the JSON it could be read from, defaults filled in, and the same as tables.
 * Called by `fantel policy show`.
 */
#include "endpoint.h"
#include "errors.h"
#include "json.h"
#include "own.h"
#include "policy.h"
#include "table.h"
#include "text.h"
#include "tunnel.h"
#include "words.h"

/* ---- JSON ------------------------------------------------------------------------------------ */

/* What is not given is left out: fantel.yang knows no null. */
static void set_addr(json_t *array, const struct addr *addr)
{
	if (!addr_is_unspecified(addr))
		json_array_append_new(array, json_addr(addr));
}

static void set_pair(json_t *object, const char *name, const struct addr *v6, const struct addr *v4)
{
	json_t *array = json_array();

	set_addr(array, v6);
	set_addr(array, v4);
	if (json_array_size(array))
		json_object_set(object, name, array);
	json_decref(array);
}

static void set_number(json_t *object, const char *name, __u64 number)
{
	json_object_set_new(object, name, json_integer(number));
}

/* A number that is not given as 0. */
static void set_given(json_t *object, const char *name, __u64 number)
{
	if (number)
		set_number(object, name, number);
}

static void set_word(json_t *object, const char *name, const char *word)
{
	json_object_set_new(object, name, json_string(word));
}

static json_t *prefix_json(const struct addr *addr, __u32 plen)
{
	bool v4 = plen >= 96 && addr_is_v4(addr);
	char text[ADDR_TEXT];

	return json_sprintf("%s/%u", addr_is_unspecified(addr) ? "::" : addr_text(text, addr),
			    v4 ? plen - 96 : plen);
}

static void set_router_id(json_t *object, const char *name, const __u8 *id, __u8 len)
{
	char text[ROUTER_ID_TEXT];

	if (len)
		set_word(object, name, router_id_text(text, id, len));
}

static json_t *node_json(const struct policy *p)
{
	const struct config *c = &p->config;
	json_t *node = json_object();

	set_word(node, "name", c->node);
	set_pair(node, "loopback", &c->loopback6, &c->loopback4);
	set_number(node, "domain", c->domain);
	if (c->locator_len)
		json_object_set_new(node, "locator", prefix_json(&c->locator, c->locator_len));
	set_given(node, "as", c->as);
	set_router_id(node, "router-id", p->router_id, p->router_id_len);
	return node;
}

static json_t *bfd_json(const struct policy_port *p)
{
	json_t *bfd = json_object();

	json_set(bfd, "peer", json_addr(&p->bfd.peer));
	set_number(bfd, "desired-min-tx", p->bfd.min_tx_us);
	set_number(bfd, "required-min-rx", p->bfd.min_rx_us);
	set_number(bfd, "multiplier", p->bfd.mult);
	if (p->bfd.echo_us) {
		json_t *echo = json_object();

		set_number(echo, "interval", p->bfd.echo_us);
		set_number(echo, "multiplier", p->bfd.echo_mult);
		set_given(echo, "delay-maximum", p->bfd.delay.onset);
		set_given(echo, "delay-reuse", p->bfd.delay.end);
		json_set(bfd, "echo", echo);
	}
	return bfd;
}

static json_t *queue_json(const struct policy_watch *w)
{
	json_t *queue = json_object(), *rate = json_object();

	set_given(queue, "onset", w->bytes.onset);
	if (w->bytes.onset)
		set_number(queue, "end", w->bytes.end);
	set_given(queue, "onset-packets", w->packets.onset);
	if (w->packets.onset)
		set_number(queue, "end-packets", w->packets.end);
	set_number(queue, "hold-down", w->hold_down_ms[TROUBLE_QUEUE]);
	if (w->rate_max) {
		set_number(rate, "min", w->rate_min);
		set_number(rate, "max", w->rate_max);
		json_object_set(queue, "rate", rate);
	}
	json_decref(rate);
	return queue;
}

static json_t *utilization_json(const struct policy_watch *w)
{
	json_t *utilization = json_object();

	set_given(utilization, "capacity", w->capacity_kbit);
	set_number(utilization, "onset", w->percent.onset);
	set_number(utilization, "end", w->percent.end);
	set_number(utilization, "time-constant", w->constant_ms);
	set_number(utilization, "hold-down", w->hold_down_ms[TROUBLE_LOAD]);
	return utilization;
}

static json_t *errors_json(const struct policy_watch *w)
{
	static const char *const words[] = {
#define X(NAME, word) word,
		ERROR_COUNTERS(X)
#undef X
	};
	json_t *errors = json_object(), *count = json_array();

	for (int i = 0; i < ERROR_COUNTER_COUNT; i++)
		if (w->counted & 1U << i)
			json_array_append_new(count, json_string(words[i]));
	json_set(errors, "count", count);
	set_number(errors, "onset", w->errors.onset);
	set_number(errors, "end", w->errors.end);
	set_number(errors, "least", w->errors_least);
	set_number(errors, "interval", w->errors_interval_ms);
	set_number(errors, "hold-down", w->hold_down_ms[TROUBLE_ERRORS]);
	return errors;
}

static json_t *watch_json(const struct policy_watch *w)
{
	json_t *watch = json_object();

	if (w->queue)
		json_set(watch, "queue", queue_json(w));
	if (w->load)
		json_set(watch, "utilization", utilization_json(w));
	if (w->counted)
		json_set(watch, "errors", errors_json(w));
	return watch;
}

static json_t *port_json(const struct policy_port *p)
{
	json_t *port = json_object(), *link = json_object();

	set_word(port, "name", p->name);
	set_word(port, "class", p->class == PORT_CORE ? "core" : "customer");
	set_word(port, "mode", p->mode == XDP_GENERIC ? "generic" : "native");
	set_pair(link, "local", &p->local6, &p->local4);
	set_pair(link, "remote", &p->remote6, &p->remote4);
	set_given(link, "local-id", p->local_id);
	set_given(link, "remote-id", p->remote_id);
	set_given(link, "remote-as", p->remote_as);
	set_router_id(link, "remote-router-id", p->remote_router_id, p->remote_router_id_len);
	if (json_object_size(link))
		json_object_set(port, "link", link);
	json_decref(link);
	if (!addr_is_unspecified(&p->upstream))
		json_set(port, "upstream", json_addr(&p->upstream));
	if (!addr_is_unspecified(&p->bfd.peer))
		json_set(port, "bfd", bfd_json(p));
	if (p->watch.queue || p->watch.load || p->watch.counted)
		json_set(port, "watch", watch_json(&p->watch));
	return port;
}

static json_t *source_json(const struct policy_prefix *p)
{
	return prefix_json(&p->addr, p->plen);
}

static json_t *named_node_json(const struct resource_key *key)
{
	json_t *node = json_object();

	set_router_id(node, "router-id", key->router_id, key->router_id_len);
	set_given(node, "as", key->as);
	set_given(node, "link-id", key->link_id);
	return node;
}

static json_t *link_json(const struct policy_resource *r)
{
	json_t *link = json_object(), *addresses = json_array(), *ends = json_array();

	for (__u32 i = 0; i < r->n_keys; i++) {
		if (r->key[i].kind == RESOURCE_PORT) {
			json_array_append_new(ends, named_node_json(&r->key[i]));
			continue;
		}
		for (int side = 0; side < 2; side++) {
			struct addr addr = addr_from_number(r->key[i].addr[side]);

			set_addr(addresses, &addr);
		}
	}
	if (json_array_size(addresses))
		json_object_set(link, "address", addresses);
	if (json_array_size(ends))
		json_object_set(link, "end", ends);
	json_decref(addresses);
	json_decref(ends);
	return link;
}

static json_t *resource_json(const struct policy_resource *r)
{
	json_t *resource = json_object();

	set_word(resource, "name", r->name);
	if (r->key[0].kind == RESOURCE_NODE)
		json_object_set_new(resource, "node", named_node_json(&r->key[0]));
	else
		json_object_set_new(resource, "link", link_json(r));
	return resource;
}

static json_t *path_json(const struct policy_path *p, const struct policy *policy)
{
	json_t *path = json_object(), *crosses = json_array();

	set_word(path, "name", p->name);
	for (__u32 i = 0; i < p->n_crossed; i++)
		json_array_append_new(crosses, json_string(policy->resource[p->crossed[i]].name));
	if (json_array_size(crosses))
		json_object_set(path, "crosses", crosses);
	json_decref(crosses);
	json_set(path, tunnel_word(p->tunnel), tunnel_json(p));
	if (p->dscp_fixed)
		set_number(path, "dscp", p->dscp);
	else
		set_word(path, "dscp", "copy");
	return path;
}

static json_t *group_json(const struct policy_group *g, const struct policy *p)
{
	json_t *group = json_object(), *members = json_array();

	set_word(group, "name", g->name);
	set_word(group, "on-no-path", g->on_no_path == FATE_PASS ? "pass" : "drop");
	set_word(group, "ordering", ordering_word(g->ordering));
	set_given(group, "flowlet-gap", g->gap_us);
	set_word(group, "metrics", g->follow ? "follow" : "ignore");
	set_word(group, "on-congestion", relief_word(g->on_congestion));
	for (__u32 i = 0; i < g->n_members; i++) {
		json_t *member = json_object();

		set_word(member, "path", p->path[g->member[i].path].name);
		set_number(member, "weight", g->member[i].weight);
		set_number(member, "tier", g->member[i].tier);
		json_array_append_new(members, member);
	}
	json_object_set_new(group, "member", members);
	return group;
}

static json_t *class_json(const struct policy_class *c, const struct policy *p)
{
	json_t *class = json_object();

	json_object_set_new(class, "prefix", prefix_json(&c->prefix.addr, c->prefix.plen));
	set_word(class, "group", p->group[c->group].name);
	return class;
}

static json_t *endpoint_json(const struct policy_endpoint *e)
{
	json_t *endpoint = json_object(), *tunnel = json_object();

	set_word(endpoint, "name", e->name);
	switch (e->tunnel) {
	case TUNNEL_SRV6:
		json_object_set_new(tunnel, "sid", json_addr(&e->sid));
		set_word(tunnel, "behavior", endpoint_behavior(e->inner));
		break;
	case TUNNEL_GRE:
		if (e->keyed)
			set_number(tunnel, "key", e->id);
		break;
	case TUNNEL_VXLAN:
		set_number(tunnel, "vni", e->id);
		set_number(tunnel, "port", e->port);
		break;
	case TUNNEL_MPLS:
		set_number(tunnel, "label", e->id);
		break;
	default:
		break;
	}
	json_object_set_new(endpoint, tunnel_word(e->tunnel), tunnel);
	return endpoint;
}

static json_t *lsp_json(const struct policy_lsp *lsp)
{
	json_t *json = json_object(), *list = json_array();

	set_number(json, "label", lsp->label);
	json_object_set_new(json, "next-hop", json_addr(&lsp->way.next_hop));
	for (__u32 i = 0; i < lsp->way.n; i++)
		json_array_append_new(list, json_addr(&lsp->way.ingress[i]));
	json_object_set_new(json, "ingress", list);
	return json;
}

static json_t *controller_json(const struct policy_controller *c)
{
	json_t *controller = json_object();

	json_object_set_new(controller, "address", json_addr(&c->addr));
	set_number(controller, "port", c->port);
	return controller;
}

static const char *authentication_word(enum authentication a)
{
	static const char *const words[AUTHENTICATION_COUNT] = {
#define X(NAME, word) [AUTHENTICATION_##NAME] = word,
		AUTHENTICATIONS(X)
#undef X
	};

	return words[a];
}

/* Not what the key file holds. */
static json_t *authentication_json(const struct policy *p)
{
	json_t *a = json_object(), *list = json_array();

	if (p->key_file)
		json_set(a, "key-file", json_text(p->key_file));
	for (__u32 i = 0; i < p->config.n_sign_keys; i++)
		json_array_append_new(list, json_integer(p->config.sign_key[i]));
	json_set(a, "sign-with", list);
	set_word(a, "mode", authentication_word(p->authentication));
	json_set(a, "source", list = json_array());
	for (__u32 i = 0; i < p->n_demands; i++) {
		const struct policy_demand *d = &p->demand[i];
		json_t *source = json_object();

		json_set(source, "prefix", prefix_json(&d->prefix.addr, d->prefix.plen));
		set_word(source, "mode", authentication_word(d->authentication));
		json_array_append_new(list, source);
	}
	return a;
}

static json_t *rate_json(const struct rate *r)
{
	json_t *rate = json_object();

	set_number(rate, "messages-per-second", r->interval_ns ? NSEC_PER_SEC / r->interval_ns : 0);
	if (r->interval_ns)
		set_number(rate, "burst", r->burst_ns / r->interval_ns);
	return rate;
}

static json_t *receive_json(const struct config *c)
{
	json_t *receive = json_object();

#define X(NAME, type_default, word)                                                                \
	json_object_set_new(receive, word, rate_json(&c->receive[KIND_##NAME]));
	WIRE_KINDS(X)
#undef X
	return receive;
}

static json_t *types_json(const struct config *c)
{
	json_t *types = json_object();

#define X(NAME, type_default, word) set_number(types, word, c->type[KIND_##NAME]);
	WIRE_KINDS(X)
#undef X
	return types;
}

static json_t *damping_json(const struct damping_rules *rules)
{
	json_t *damping = json_object();

	set_number(damping, "half-life", rules->half_life_ms);
	set_number(damping, "suppress", rules->suppress);
	set_number(damping, "reuse", rules->reuse);
	set_number(damping, "max-suppress", rules->max_suppress_ms);
	return damping;
}

static json_t *changes_json(const struct policy_changes *rules)
{
	json_t *changes = json_object();

	set_number(changes, "change", rules->percent);
	set_number(changes, "interval", rules->interval_ms);
	set_number(changes, "refresh", rules->refresh_ms);
	return changes;
}

static json_t *unasked_json(const struct policy *p)
{
	json_t *unasked = json_object(), *ingress = json_array();

	set_number(unasked, "sample", p->config.learn_every);
	set_number(unasked, "age", p->learned_age_ms);
	for (__u32 i = 0; i < p->n_ingresses; i++)
		json_array_append_new(ingress, json_addr(&p->ingress[i]));
	if (p->n_ingresses)
		json_object_set(unasked, "ingress", ingress);
	json_decref(ingress);
	return unasked;
}

static json_t *congestion_json(const struct pacing *p)
{
	json_t *congestion = json_object();

	json_object_set_new(congestion, "transit", json_boolean(p->transit));
	set_word(congestion, "per", p->flows ? "flow" : "path");
	set_number(congestion, "share", DIV_ROUND_UP(p->share * 100, PACE_ALL));
	set_number(congestion, "target", p->target_percent);
	set_number(congestion, "lowest-rate", p->lowest * 8 / 1000);
	set_number(congestion, "window", p->window_ns / NSEC_PER_MSEC);
	set_number(congestion, "burst", p->burst_ns / NSEC_PER_MSEC);
	set_number(congestion, "horizon", p->horizon_ns / NSEC_PER_MSEC);
	set_number(congestion, "step", p->step_percent);
	set_number(congestion, "step-interval", p->step_ns / NSEC_PER_MSEC);
	return congestion;
}

static json_t *notification_json(const struct policy *p)
{
	const struct config *c = &p->config;
	json_t *n = json_object(), *repeat = json_array(), *rate = json_object();

	set_word(n, "transport", c->transport == TRANSPORT_UDP ? "udp" : "icmpv6");
	json_object_set_new(n, "types", types_json(c));
	set_word(n, "code-bit-order", c->code_lsb ? "lsb" : "msb");
	set_number(n, "udp-port", c->udp_port);
	set_number(n, "udp-source-port", c->udp_sport);
	set_number(n, "enterprise", c->enterprise);
	set_number(n, "dscp", c->tclass >> 2);
	if (c->remark)
		set_number(n, "customer-dscp", c->remark_tclass >> 2);
	else
		set_word(n, "customer-dscp", "leave");
	set_number(n, "hop-limit-radius", WIRE_HOP_LIMIT - c->hop_limit_min);
	set_number(n, "validity", c->validity_ms);
	set_number(n, "hold-down", p->hold_down_ms);
	json_object_set_new(n, "damping", damping_json(&p->damping));
	if (c->learn_every)
		json_object_set_new(n, "unasked", unasked_json(p));
	if (p->changes.percent)
		json_object_set_new(n, "load-balancing", changes_json(&p->changes));
	for (__u32 i = 0; i < c->n_repeats; i++)
		json_array_append_new(repeat, json_integer(c->repeat_ns[i] / 1000));
	json_object_set_new(n, "repeat", repeat);
	json_object_set_new(n, "tell-sender", json_boolean(c->tell_sender));
	json_object_set_new(n, "cnp", json_boolean(c->cnp));
	set_number(n, "refresh", c->refresh_ns / NSEC_PER_MSEC);
	json_object_set_new(rate, "failure", rate_json(&c->rate[BUCKET_FAILURE]));
	json_object_set_new(rate, "congestion", rate_json(&c->rate[BUCKET_CONGESTION]));
	json_object_set_new(rate, "no-path", rate_json(&c->rate[BUCKET_TELL]));
	json_object_set_new(rate, "controller", rate_json(&c->rate[BUCKET_CONTROLLER]));
	json_object_set_new(rate, "cnp", rate_json(&c->rate[BUCKET_CNP]));
	json_object_set_new(rate, "load-balancing", rate_json(&c->rate[BUCKET_LOAD]));
	json_object_set_new(rate, "too-big", rate_json(&c->rate[BUCKET_TOO_BIG]));
	json_object_set_new(n, "rate", rate);
	json_object_set_new(n, "receive-rate", receive_json(c));
	return n;
}

static json_t *limits_json(const struct policy *p)
{
	json_t *limits = json_object();

	for (enum policy_limit l = 0; l < LIMIT_COUNT; l++)
		set_number(limits, limit_word(l), p->limit[l]);
	return limits;
}

static json_t *node_load_json(const struct policy_node_load *l)
{
	json_t *load = json_object();

	set_number(load, "onset", l->percent.onset);
	set_number(load, "end", l->percent.end);
	set_number(load, "interval", l->interval_ms);
	set_number(load, "hold-down", l->hold_down_ms);
	if (l->file)
		set_word(load, "pressure-file", l->file);
	return load;
}

static json_t *balance_json(const struct policy *p)
{
	json_t *balance = json_object();

	set_number(balance, "interval", p->balance_interval_ms);
	set_number(balance, "step", p->weight_step);
	set_number(balance, "metrics-validity", p->metrics_validity_ms);
	return balance;
}

static json_t *policy_json(const struct policy *p)
{
	json_t *top = json_object(), *list;

	json_object_set_new(top, "node", node_json(p));
	json_object_set_new(top, "port", list = json_array());
	for (__u32 i = 0; i < p->n_ports; i++)
		json_array_append_new(list, port_json(&p->port[i]));
	if (p->node_load.percent.onset)
		json_object_set_new(top, "node-load", node_load_json(&p->node_load));
	json_object_set_new(top, "source", list = json_array());
	for (__u32 i = 0; i < p->n_sources; i++)
		json_array_append_new(list, source_json(&p->source[i]));
	json_object_set_new(top, "resource", list = json_array());
	for (__u32 i = 0; i < p->n_resources; i++)
		json_array_append_new(list, resource_json(&p->resource[i]));
	json_object_set_new(top, "path", list = json_array());
	for (__u32 i = 0; i < p->n_paths; i++)
		json_array_append_new(list, path_json(&p->path[i], p));
	json_object_set_new(top, "group", list = json_array());
	for (__u32 i = 0; i < p->n_groups; i++)
		json_array_append_new(list, group_json(&p->group[i], p));
	json_object_set_new(top, "class", list = json_array());
	for (__u32 i = 0; i < p->n_classes; i++)
		json_array_append_new(list, class_json(&p->class[i], p));
	json_object_set_new(top, "endpoint", list = json_array());
	for (__u32 i = 0; i < p->n_endpoints; i++)
		json_array_append_new(list, endpoint_json(&p->endpoint[i]));
	json_object_set_new(top, "lsp", list = json_array());
	for (__u32 i = 0; i < p->n_lsps; i++)
		json_array_append_new(list, lsp_json(&p->lsp[i]));
	json_object_set_new(top, "controller", list = json_array());
	for (__u32 i = 0; i < p->n_controllers; i++)
		json_array_append_new(list, controller_json(&p->controller[i]));
	json_object_set_new(top, "balance", balance_json(p));
	json_object_set_new(top, "limits", limits_json(p));
	json_object_set_new(top, "authentication", authentication_json(p));
	json_object_set_new(top, "congestion", congestion_json(&p->config.pacing));
	json_object_set_new(top, "notification", notification_json(p));
	return top;
}

/* ---- text ------------------------------------------------------------------------------------ */

/* A row for each value that is not an object, under the names that lead to it. Numbers become text,
 * so that all values begin in one column. */
static void flatten(json_t *rows, const char *above, json_t *object)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		char full[128];

		snprintf(full, sizeof(full), "%s%s%s", above, *above ? " " : "", name);
		if (json_is_object(value)) {
			flatten(rows, full, value);
			continue;
		}
		value = json_is_integer(value)
				? json_sprintf("%" JSON_INTEGER_FORMAT, json_integer_value(value))
				: json_incref(value);
		json_array_append_new(rows, json_pack("{s:s, s:o}", "name", full, "value", value));
	}
}

static void print_members(const char *title, json_t *object, FILE *out)
{
	const struct column columns[] = {
		{ title, "name", COLUMN_PLAIN },
		{ "", "value", COLUMN_PLAIN },
		{},
	};
	json_t *rows OWN_JSON = json_array();

	flatten(rows, "", object);
	table_print(columns, rows, out);
}

/* A row for each value of an array. */
static json_t *value_rows(json_t *array)
{
	json_t *rows = json_array(), *value;
	size_t i;

	json_array_foreach(array, i, value)
		json_array_append_new(rows, json_pack("{s:O}", "value", value));
	return rows;
}

/* A row for each port of which `what` is watched. */
static json_t *watch_rows(const json_t *ports, const char *what)
{
	json_t *rows = json_array(), *port;
	size_t i;

	json_array_foreach(ports, i, port)
	{
		const json_t *of = json_object_get(json_object_get(port, "watch"), what);
		json_t *row = of ? json_deep_copy(of) : NULL;

		if (!row)
			continue;
		json_object_set(row, "name", json_object_get(port, "name"));
		json_array_append_new(rows, row);
	}
	return rows;
}

/* One row for a member, with what it has in common with the others. */
static json_t *member_rows(const json_t *groups)
{
	json_t *rows = json_array(), *group, *member;
	size_t i, j;

	json_array_foreach(groups, i, group)
	{
		json_array_foreach(json_object_get(group, "member"), j, member)
		{
			json_t *row = json_copy(member);

			json_object_update(row, group);
			json_array_append_new(rows, row);
		}
	}
	return rows;
}

static json_t *crossing_paths(const struct policy *p, __u32 resource)
{
	json_t *paths = json_array();

	for (__u32 i = 0; i < p->n_paths; i++)
		for (__u32 k = 0; k < p->path[i].n_crossed; k++)
			if (p->path[i].crossed[k] == resource)
				json_array_append_new(paths, json_string(p->path[i].name));
	return paths;
}

/* A row for each link or node: which paths it stops, and how notifications name it. */
static json_t *resource_rows(const struct policy *p)
{
	json_t *rows = json_array();
	char text[RESOURCE_TEXT];

	for (__u32 i = 0; i < p->n_resources; i++) {
		const struct policy_resource *r = &p->resource[i];
		json_t *row = json_object(), *names = json_array();

		set_word(row, "name", r->name);
		for (__u32 k = 0; k < r->n_keys; k++)
			json_array_append_new(names, json_string(resource_text(text, &r->key[k])));
		json_set(row, "paths", crossing_paths(p, i));
		json_set(row, "names", names);
		json_array_append_new(rows, row);
	}
	return rows;
}

/* A row for each path, its tunnel in a line. */
static json_t *path_rows(const struct policy *p, json_t *paths)
{
	json_t *rows = json_array(), *path;
	size_t i;

	json_array_foreach(paths, i, path)
	{
		json_t *row = json_copy(path);

		set_word(row, "tunnel", tunnel_word(p->path[i].tunnel));
		json_set(row, "to", tunnel_line(&p->path[i]));
		json_array_append_new(rows, row);
	}
	return rows;
}

/* Each endpoint's kind, and what its own members are called there. */
static json_t *endpoint_rows_json(const json_t *endpoints)
{
	json_t *rows = json_array(), *endpoint, *tunnel;
	const char *kind;
	size_t i;

	json_array_foreach(endpoints, i, endpoint)
	{
		json_t *row = json_object();

		json_object_foreach(endpoint, kind, tunnel)
		{
			if (json_is_string(tunnel)) {
				json_object_set(row, kind, tunnel);
				continue;
			}
			json_object_update(row, tunnel);
			set_word(row, "tunnel", kind);
		}
		json_array_append_new(rows, row);
	}
	return rows;
}

static void print_table(const struct column *columns, const json_t *rows, FILE *out)
{
	if (json_array_size(rows))
		fputc('\n', out);
	table_print(columns, rows, out);
}

static void print_text(const struct policy *p, json_t *top, FILE *out)
{
	static const struct column ports[] = {
		{ "PORT", "name", COLUMN_PLAIN },
		{ "CLASS", "class", COLUMN_PLAIN },
		{ "MODE", "mode", COLUMN_PLAIN },
		{ "LOCAL", "link.local", COLUMN_PLAIN },
		{ "REMOTE", "link.remote", COLUMN_PLAIN },
		{ "LOCAL-ID", "link.local-id", COLUMN_PLAIN },
		{ "REMOTE-ID", "link.remote-id", COLUMN_PLAIN },
		{ "REMOTE-AS", "link.remote-as", COLUMN_PLAIN },
		{ "REMOTE-ROUTER-ID", "link.remote-router-id", COLUMN_PLAIN },
		{ "BFD-PEER", "bfd.peer", COLUMN_PLAIN },
		{ "MIN-TX", "bfd.desired-min-tx", COLUMN_PLAIN },
		{ "MIN-RX", "bfd.required-min-rx", COLUMN_PLAIN },
		{ "MULT", "bfd.multiplier", COLUMN_PLAIN },
		{ "ECHO", "bfd.echo.interval", COLUMN_PLAIN },
		{ "MULT", "bfd.echo.multiplier", COLUMN_PLAIN },
		{ "DELAY-MAX", "bfd.echo.delay-maximum", COLUMN_PLAIN },
		{ "DELAY-REUSE", "bfd.echo.delay-reuse", COLUMN_PLAIN },
		{},
	};
	static const struct column queues[] = {
		{ "QUEUE OF", "name", COLUMN_PLAIN },
		{ "ONSET", "onset", COLUMN_PLAIN },
		{ "END", "end", COLUMN_PLAIN },
		{ "ONSET-PACKETS", "onset-packets", COLUMN_PLAIN },
		{ "END-PACKETS", "end-packets", COLUMN_PLAIN },
		{ "HOLD-DOWN", "hold-down", COLUMN_PLAIN },
		{ "MIN", "rate.min", COLUMN_PLAIN },
		{ "MAX", "rate.max", COLUMN_PLAIN },
		{},
	};
	static const struct column loads[] = {
		{ "UTILIZATION OF", "name", COLUMN_PLAIN },
		{ "CAPACITY", "capacity", COLUMN_PLAIN },
		{ "ONSET", "onset", COLUMN_PLAIN },
		{ "END", "end", COLUMN_PLAIN },
		{ "TIME-CONSTANT", "time-constant", COLUMN_PLAIN },
		{ "HOLD-DOWN", "hold-down", COLUMN_PLAIN },
		{},
	};
	static const struct column errors[] = {
		{ "ERRORS OF", "name", COLUMN_PLAIN },
		{ "COUNTED", "count", COLUMN_PLAIN },
		{ "ONSET", "onset", COLUMN_PLAIN },
		{ "END", "end", COLUMN_PLAIN },
		{ "LEAST", "least", COLUMN_PLAIN },
		{ "INTERVAL", "interval", COLUMN_PLAIN },
		{ "HOLD-DOWN", "hold-down", COLUMN_PLAIN },
		{},
	};
	static const struct column paths[] = {
		{ "PATH", "name", COLUMN_PLAIN },
		{ "TUNNEL", "tunnel", COLUMN_PLAIN },
		{ "DSCP", "dscp", COLUMN_PLAIN },
		{ "TO", "to", COLUMN_PLAIN },
		{},
	};
	static const struct column resources[] = {
		{ "RESOURCE", "name", COLUMN_PLAIN },
		{ "CROSSED-BY", "paths", COLUMN_PLAIN },
		{ "NAMED", "names", COLUMN_PLAIN },
		{},
	};
	static const struct column members[] = {
		{ "GROUP", "name", COLUMN_PLAIN },  { "ON-NO-PATH", "on-no-path", COLUMN_PLAIN },
		{ "ON-CONGESTION", "on-congestion", COLUMN_PLAIN },
		{ "ORDERING", "ordering", COLUMN_PLAIN }, { "GAP-US", "flowlet-gap", COLUMN_PLAIN },
		{ "METRICS", "metrics", COLUMN_PLAIN },
		{ "TIER", "tier", COLUMN_PLAIN },   { "WEIGHT", "weight", COLUMN_PLAIN },
		{ "MEMBER", "path", COLUMN_PLAIN }, {},
	};
	static const struct column classes[] = {
		{ "CLASS", "prefix", COLUMN_PLAIN },
		{ "GROUP", "group", COLUMN_PLAIN },
		{},
	};
	static const struct column endpoints[] = {
		{ "ENDPOINT", "name", COLUMN_PLAIN },
		{ "TUNNEL", "tunnel", COLUMN_PLAIN },
		{ "SID", "sid", COLUMN_PLAIN },
		{ "BEHAVIOR", "behavior", COLUMN_PLAIN },
		{ "KEY", "key", COLUMN_PLAIN },
		{ "VNI", "vni", COLUMN_PLAIN },
		{ "PORT", "port", COLUMN_PLAIN },
		{ "LABEL", "label", COLUMN_PLAIN },
		{},
	};
	static const struct column lsps[] = {
		{ "LABEL", "label", COLUMN_PLAIN },
		{ "NEXT HOP", "next-hop", COLUMN_PLAIN },
		{ "INGRESS", "ingress", COLUMN_PLAIN },
		{},
	};
	static const struct column controllers[] = {
		{ "CONTROLLER", "address", COLUMN_PLAIN },
		{ "PORT", "port", COLUMN_PLAIN },
		{},
	};
	static const struct column demands[] = {
		{ "SOURCE", "prefix", COLUMN_PLAIN },
		{ "AUTHENTICATION", "mode", COLUMN_PLAIN },
		{},
	};
	static const struct column sources[] = { { "SOURCE", "value", COLUMN_PLAIN }, {} };
	json_t *queue OWN_JSON = watch_rows(json_object_get(top, "port"), "queue");
	json_t *load OWN_JSON = watch_rows(json_object_get(top, "port"), "utilization");
	json_t *error_rows OWN_JSON = watch_rows(json_object_get(top, "port"), "errors");
	json_t *source_rows OWN_JSON = value_rows(json_object_get(top, "source"));
	json_t *resource OWN_JSON = resource_rows(p);
	json_t *path OWN_JSON = path_rows(p, json_object_get(top, "path"));
	json_t *rows OWN_JSON = member_rows(json_object_get(top, "group"));
	json_t *authentication OWN_JSON = json_copy(json_object_get(top, "authentication"));
	json_t *demand OWN_JSON = json_incref(json_object_get(authentication, "source"));
	json_t *ends OWN_JSON = endpoint_rows_json(json_object_get(top, "endpoint"));

	json_object_del(authentication, "source"); /* a table of its own */
	print_members("NODE", json_object_get(top, "node"), out);
	print_table(ports, json_object_get(top, "port"), out);
	print_table(queues, queue, out);
	print_table(loads, load, out);
	print_table(errors, error_rows, out);
	print_table(sources, source_rows, out);
	print_table(resources, resource, out);
	print_table(paths, path, out);
	print_table(members, rows, out);
	print_table(classes, json_object_get(top, "class"), out);
	print_table(endpoints, ends, out);
	print_table(lsps, json_object_get(top, "lsp"), out);
	print_table(controllers, json_object_get(top, "controller"), out);
	if (p->node_load.percent.onset) {
		fputc('\n', out);
		print_members("NODE-LOAD", json_object_get(top, "node-load"), out);
	}
	fputc('\n', out);
	print_members("BALANCE", json_object_get(top, "balance"), out);
	fputc('\n', out);
	print_members("LIMITS", json_object_get(top, "limits"), out);
	fputc('\n', out);
	print_members("AUTHENTICATION", authentication, out);
	print_table(demands, demand, out);
	fputc('\n', out);
	print_members("CONGESTION", json_object_get(top, "congestion"), out);
	fputc('\n', out);
	print_members("NOTIFICATION", json_object_get(top, "notification"), out);
}

void policy_show(const struct policy *policy, bool json, FILE *out)
{
	json_t *top = policy_json(policy);
	json_t *document OWN_JSON = json_pack("{s:o}", "fantel:fantel", top);

	if (json)
		json_print(document, false, out);
	else
		print_text(policy, top, out);
}
