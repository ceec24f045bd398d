// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "policy_check.h"

#include <stdlib.h>

#include "damping.h"
#include "domain.h"
#include "text.h"

/* ---- prefixes -------------------------------------------------------------------------------- */

static void clear_host_bits(struct addr *addr, __u32 plen)
{
	for (__u32 bit = plen; bit < 128; bit++)
		addr->b[bit / 8] &= ~(0x80 >> bit % 8);
}

static void check_prefix(struct checker *c, const struct policy_prefix *prefix,
			 const struct jsonpos *at)
{
	bool v6 = at->text && strchr(at->text, ':');
	struct addr network = prefix->addr;
	char text[ADDR_TEXT];

	if (v6 && addr_is_v4(&prefix->addr)) {
		findings_error(c->findings, at,
			       "%s is an IPv4 prefix in the guise of IPv6; write it as IPv4",
			       at->text);
		return;
	}
	clear_host_bits(&network, prefix->plen);
	if (addr_equal(&network, &prefix->addr))
		return;
	findings_error(c->findings, at, "%s has bits set beyond its length; give %s/%u", at->text,
		       addr_is_unspecified(&network) ? "::" : addr_text(text, &network),
		       v6 ? prefix->plen : prefix->plen - 96);
}

/* ---- node and ports -------------------------------------------------------------------------- */

static bool mentions_ipv6(const struct jsonpos *array)
{
	for (const struct jsonpos *e = array->child; e; e = e->next) {
		if (e->text && strchr(e->text, ':'))
			return true;
	}
	return false;
}

static void check_node(struct checker *c)
{
	const struct config *config = &c->policy->config;
	const struct jsonpos *node = jsonpos_find(c->origin->top, "node");
	const struct jsonpos *loopback = jsonpos_member(node, "loopback");
	const struct jsonpos *locator = jsonpos_member(node, "locator");

	if (loopback && loopback->child && !mentions_ipv6(loopback))
		findings_error(
			c->findings, loopback,
			"no IPv6 address; give one, the source of tunnels and notifications");
	if (!locator || !config->locator_len)
		return;
	check_prefix(c, &(struct policy_prefix){ config->locator, config->locator_len }, locator);
}

static bool has_address(const struct policy_port *p)
{
	return !addr_is_unspecified(&p->local6) || !addr_is_unspecified(&p->local4) ||
	       !addr_is_unspecified(&p->remote6) || !addr_is_unspecified(&p->remote4);
}

static bool same_given(const struct addr *a, const struct addr *b)
{
	return !addr_is_unspecified(a) && addr_equal(a, b);
}

static void check_link(struct checker *c, const struct policy_port *port, const struct jsonpos *at)
{
	const struct jsonpos *link = jsonpos_find(at, "link");

	if (port->class == PORT_CUSTOMER && link != at)
		findings_warn(c->findings, link,
			      "not used; only the links of core ports are watched");
	if (same_given(&port->local6, &port->remote6) || same_given(&port->local4, &port->remote4))
		findings_error(c->findings, jsonpos_find(link, "remote"),
			       "the port's own address; give the neighbour's");
	if (!port->local_id != !port->remote_id)
		findings_error(c->findings, link,
			       "\"%s\" is missing; link identifiers are sent in pairs",
			       port->local_id ? "remote-id" : "local-id");
	else if (port->local_id && has_address(port))
		findings_warn(c->findings, jsonpos_find(link, "local-id"),
			      "not used; identifiers are sent only where no address is given");
}

/* `end` without `onset`, or not below it. */
static void check_threshold(struct checker *c, const struct jsonpos *queue, const struct threshold *t,
			    const char *onset, const char *end)
{
	const struct jsonpos *at = jsonpos_member(queue, end);

	if (!at || (jsonpos_member(queue, onset) && !t->onset)) /* refused */
		return;
	if (!t->onset)
		findings_error(c->findings, at, "ends what never begins; give \"%s\" too", onset);
	else if (t->end > t->onset)
		findings_error(c->findings, at, "%u is above \"%s\", %u; give less, or the same",
			       t->end, onset, t->onset);
}

static void check_bfd(struct checker *c, const struct policy_port *port, const struct jsonpos *at)
{
	const struct config *config = &c->policy->config;
	const struct jsonpos *bfd = jsonpos_find(at, "bfd");

	if (bfd == at)
		return;
	if (port->class == PORT_CUSTOMER)
		findings_warn(c->findings, bfd,
			      "not used; only the links of core ports are watched");
	check_threshold(c, jsonpos_member(bfd, "echo"), &port->bfd.delay, "delay-maximum", "delay-reuse");
	if (same_given(&port->bfd.peer, &port->local6) || same_given(&port->bfd.peer, &port->local4))
		findings_error(c->findings, jsonpos_find(bfd, "peer"),
			       "the port's own address; give the neighbour's");
	if (same_given(&port->bfd.peer, &config->loopback6) ||
	    same_given(&port->bfd.peer, &config->loopback4))
		findings_error(c->findings, jsonpos_find(bfd, "peer"),
			       "the node's own loopback; give the neighbour's address on the link");
}

/* Somebody else, whom we have an address to speak to from. */
static void check_receiver(struct checker *c, const struct addr *addr, const struct jsonpos *at)
{
	const struct config *config = &c->policy->config;
	char text[ADDR_TEXT];

	if (same_given(addr, &config->loopback6) || same_given(addr, &config->loopback4))
		findings_error(c->findings, at, "%s is this node itself; give the address of another",
			       addr_text(text, addr));
	if (addr_is_v4(addr) && addr_is_unspecified(&config->loopback4))
		findings_error(c->findings, at,
			       "%s needs an IPv4 source; give the node an IPv4 loopback",
			       addr_text(text, addr));
}

static void check_upstream(struct checker *c, const struct policy_port *port, const struct jsonpos *at)
{
	const struct jsonpos *upstream = jsonpos_member(at, "upstream");

	const struct policy_prefix whole = { .addr = port->upstream, .plen = 128 };

	if (!upstream || addr_is_unspecified(&port->upstream))
		return;
	check_receiver(c, &port->upstream, upstream);
	if (port->class == PORT_CUSTOMER)
		findings_warn(c->findings, upstream, "not used; only who is behind a core port is told");
	else if (!domain_has(c->policy, &whole))
		findings_warn(c->findings, upstream, "not used; no \"source\" has it, and only those are told");
}

static void check_port_addresses(struct checker *c, __u32 i)
{
	const struct policy_port *port = &c->policy->port[i];

	for (__u32 j = 0; j < i; j++) {
		const struct policy_port *other = &c->policy->port[j];

		if (same_given(&port->local6, &other->local6) ||
		    same_given(&port->local4, &other->local4))
			findings_error(c->findings, jsonpos_find(c->origin->port[i], "link/local"),
				       "port %s has the same address; give each port its own",
				       other->name);
	}
}

static void check_queue(struct checker *c, const struct policy_watch *w, const struct jsonpos *queue)
{
	if (!jsonpos_member(queue, "onset") && !jsonpos_member(queue, "onset-packets"))
		findings_error(c->findings, queue,
			       "no threshold; give \"onset\" in bytes or \"onset-packets\"");
	check_threshold(c, queue, &w->bytes, "onset", "end");
	check_threshold(c, queue, &w->packets, "onset-packets", "end-packets");
	if (w->rate_max && w->rate_min > w->rate_max)
		findings_error(c->findings, jsonpos_find(queue, "rate"),
			       "\"min\" %u is above \"max\" %u; senders can't do both", w->rate_min,
			       w->rate_max);
}

/* What no packet shows is told unasked or not at all. */
static void check_concerned(struct checker *c, const struct jsonpos *at)
{
	if (!c->policy->config.learn_every)
		findings_error(c->findings, at,
			       "nobody is told of it; give \"unasked\" in \"notification\", by which is "
			       "known who is concerned");
}

static void check_watch(struct checker *c, const struct policy_port *port, const struct jsonpos *at)
{
	const struct jsonpos *watch = jsonpos_member(at, "watch");
	const struct policy_watch *w = &port->watch;

	if (watch && port->class == PORT_CUSTOMER)
		findings_warn(c->findings, watch, "not used; only core ports are watched");
	if (w->queue)
		check_queue(c, w, jsonpos_member(watch, "queue"));
	if (w->load && w->percent.onset)
		check_threshold(c, jsonpos_member(watch, "utilization"), &w->percent, "onset", "end");
	if (w->errors.onset) {
		check_threshold(c, jsonpos_member(watch, "errors"), &w->errors, "onset", "end");
		check_concerned(c, jsonpos_member(watch, "errors"));
	}
}

/* A link that is to be told of by its location needs a name: identifiers are sent without addresses
 * only. */
static bool is_named(const struct policy_port *p)
{
	bool local6 = !addr_is_unspecified(&p->local6), remote6 = !addr_is_unspecified(&p->remote6);
	bool local4 = !addr_is_unspecified(&p->local4), remote4 = !addr_is_unspecified(&p->remote4);

	if (local6 || remote6 || local4 || remote4)
		return (local6 && remote6) || (local4 && remote4);
	return p->local_id || p->remote_id;
}

static void check_changes(struct checker *c)
{
	const struct policy *p = c->policy;
	const struct jsonpos *at = jsonpos_find(c->origin->top, "notification/load-balancing");
	bool any = p->node_load.percent.onset;

	if (!p->changes.percent)
		return;
	check_concerned(c, at);
	if (p->changes.refresh_ms < p->changes.interval_ms)
		findings_error(c->findings, at, "\"refresh\" %u comes before \"interval\", %u; give more",
			       p->changes.refresh_ms, p->changes.interval_ms);
	for (__u32 i = 0; i < p->n_ports; i++) {
		if (!port_is_measured(&p->port[i]))
			continue;
		any = true;
		if (!is_named(&p->port[i]))
			findings_warn(c->findings, c->origin->port[i],
				      "its link has no name, so nobody knows what is measured; give \"link\" "
				      "both addresses, or an id");
	}
	if (!any)
		findings_error(c->findings, at,
			       "nothing is measured; watch the \"utilization\" or the \"errors\" of a core "
			       "port, let BFD send echoes, or give \"node-load\"");
}

static void check_node_load(struct checker *c)
{
	const struct jsonpos *load = jsonpos_member(c->origin->top, "node-load");

	if (!c->policy->node_load.percent.onset)
		return;
	check_threshold(c, load, &c->policy->node_load.percent, "onset", "end");
	check_concerned(c, load);
}

static void check_ports(struct checker *c)
{
	const struct policy *p = c->policy;
	const struct jsonpos *source = jsonpos_member(c->origin->top, "source");
	bool core = false;

	for (__u32 i = 0; i < p->n_ports; i++) {
		const struct policy_port *port = &p->port[i];

		core |= port->class == PORT_CORE;
		check_link(c, port, c->origin->port[i]);
		check_bfd(c, port, c->origin->port[i]);
		check_watch(c, port, c->origin->port[i]);
		check_upstream(c, port, c->origin->port[i]);
		check_port_addresses(c, i);
	}
	if (core && !(source && source->child))
		findings_error(c->findings, source ?: c->origin->top,
			       "no \"source\" for the core ports; give the prefixes of the "
			       "domain's routers, who may send notifications and receive ours");
}

/* ---- groups, sources and classes ------------------------------------------------------------- */

/* Lists of no more entries than policy makes room for; a limit that was refused is 0. */
static void check_limits(struct checker *c)
{
	const struct policy *p = c->policy;
	const struct {
		enum policy_limit limit;
		const char *list;
		__u32 n;
	} lists[] = {
		{ LIMIT_PATHS, "path", p->n_paths },	 { LIMIT_GROUPS, "group", p->n_groups },
		{ LIMIT_CLASSES, "class", p->n_classes }, { LIMIT_SOURCES, "source", p->n_sources },
		{ LIMIT_RESOURCES, "resource", p->n_resources }, { LIMIT_LSPS, "lsp", p->n_lsps },
	};

	for (__u32 i = 0; i < ARRAY_SIZE(lists); i++)
		if (p->limit[lists[i].limit] && lists[i].n > p->limit[lists[i].limit])
			findings_error(c->findings, jsonpos_find(c->origin->top, lists[i].list),
				       "%u given; give at most %u, or raise /fantel:fantel/limits/%s",
				       lists[i].n, p->limit[lists[i].limit],
				       limit_word(lists[i].limit));
}

static void check_weights(struct checker *c, __u32 group)
{
	const struct policy_group *g = &c->policy->group[group];
	const struct jsonpos *members = jsonpos_find(c->origin->group[group], "member");

	for (__u32 m = 0; m < g->n_members; m++) {
		if (g->member[m].weight)
			return;
	}
	if (g->n_members && g->n_members == jsonpos_count(members))
		findings_error(c->findings, members,
			       "every weight is 0, so no path carries anything; give one a weight");
}

static void check_prefixes(struct checker *c)
{
	const struct policy *p = c->policy;

	for (__u32 i = 0; i < p->n_sources; i++)
		check_prefix(c, &p->source[i], c->origin->source[i]);
	for (__u32 i = 0; i < p->n_classes; i++)
		check_prefix(c, &p->class[i].prefix, jsonpos_find(c->origin->class[i], "prefix"));
}

/* ---- authentication -------------------------------------------------------------------------- */

static void check_authentication(struct checker *c)
{
	const struct policy *p = c->policy;
	const struct jsonpos *at = jsonpos_find(c->origin->top, "authentication");
	const struct jsonpos *mode = jsonpos_member(at, "mode");

	for (__u32 i = 0; i < p->n_demands; i++)
		check_prefix(c, &p->demand[i].prefix, jsonpos_find(c->origin->demand[i], "prefix"));
	if (p->key_file || jsonpos_member(at, "key-file")) /* a wrong one is reported */
		return;
	if (p->config.n_sign_keys)
		findings_error(c->findings, jsonpos_find(at, "sign-with"),
			       "no \"key-file\" to find these in; name the file of the keys");
	if (p->authentication)
		findings_error(c->findings, mode ?: at,
			       "no \"key-file\" to check against; name the file of the keys");
	for (__u32 i = 0; i < p->n_demands; i++)
		if (p->demand[i].authentication)
			findings_error(c->findings, jsonpos_find(c->origin->demand[i], "mode"),
				       "no \"key-file\" to check against; name the file of the keys");
}

/* ---- notifications --------------------------------------------------------------------------- */

static void check_types(struct checker *c, const struct jsonpos *notification)
{
	static const char *const words[KIND_COUNT] = {
#define X(NAME, type, word) [KIND_##NAME] = word,
		WIRE_KINDS(X)
#undef X
	};
	const __u8 *type = c->policy->config.type;
	const struct jsonpos *types = jsonpos_find(notification, "types");

	for (int i = 0; i < KIND_COUNT; i++) {
		for (int j = 0; j < i; j++) {
			if (type[i] != type[j] || !type[i])
				continue;
			findings_error(c->findings, jsonpos_find(types, words[i]),
				       "\"%s\" and \"%s\" are both %u; give five different types",
				       words[j], words[i], type[i]);
		}
	}
}

static void check_times(struct checker *c, const struct jsonpos *notification)
{
	const struct config *config = &c->policy->config;
	const struct jsonpos *repeat = jsonpos_find(notification, "repeat");
	const struct jsonpos *refresh = jsonpos_find(notification, "refresh");
	__u64 validity_ns = config->validity_ms * NSEC_PER_MSEC;

	if (config->n_repeats && config->repeat_ns[0])
		findings_error(c->findings, repeat,
			       "starts at %llu; the first message is sent at 0",
			       (unsigned long long)config->repeat_ns[0] / 1000);
	for (__u32 i = 1; i < config->n_repeats; i++) {
		if (config->repeat_ns[i] < config->repeat_ns[i - 1])
			findings_error(c->findings, repeat, "not in the order of time; give %s",
				       "ascending microseconds");
	}
	if (!validity_ns)
		return;
	if (config->n_repeats && config->repeat_ns[config->n_repeats - 1] >= validity_ns)
		findings_error(
			c->findings, repeat,
			"the last repetition comes when the failure counts no more; give times "
			"below the validity, %u ms",
			config->validity_ms);
	if (config->refresh_ns >= validity_ns)
		findings_error(
			c->findings, refresh,
			"not told again before it counts no more; give less than the validity, "
			"%u ms",
			config->validity_ms);
	if (!config->refresh_ns)
		findings_warn(
			c->findings, refresh,
			"a lasting failure counts no more after %u ms, for it is not told again",
			config->validity_ms);
}

static void check_damping(struct checker *c, const struct jsonpos *notification)
{
	const struct jsonpos *damping = jsonpos_find(notification, "damping");
	const struct damping_rules *rules = &c->policy->damping;

	if (!rules->half_life_ms || !rules->suppress || !rules->reuse) /* off, or refused */
		return;
	if (rules->reuse >= rules->suppress)
		findings_error(c->findings, damping,
			       "\"reuse\" %u is not below \"suppress\" %u; a link would be used again "
			       "at once",
			       rules->reuse, rules->suppress);
	else if (rules->max_suppress_ms < damping_least_ms(rules))
		findings_error(c->findings, damping,
			       "in \"max-suppress\", %u ms, nothing decays from \"suppress\" to "
			       "\"reuse\", so nothing is suppressed; give at least %u ms, or "
			       "\"half-life\" 0 if so it shall be",
			       rules->max_suppress_ms, damping_least_ms(rules));
}

/* ---- controllers ----------------------------------------------------------------------------- */

static void check_controllers(struct checker *c)
{
	for (__u32 i = 0; i < c->policy->n_controllers; i++)
		check_receiver(c, &c->policy->controller[i].addr,
			       jsonpos_find(c->origin->controller[i], "address"));
}

static void check_ingresses(struct checker *c)
{
	for (__u32 i = 0; i < c->policy->n_ingresses; i++)
		check_receiver(c, &c->policy->ingress[i],
			       jsonpos_find(c->origin->top, "notification/unasked/ingress"));
}

/* ---- what works, but hardly as meant --------------------------------------------------------- */

static void warn_of_ports(struct checker *c)
{
	const struct policy *p = c->policy;
	const struct jsonpos *first[2] = { NULL, NULL };
	const struct jsonpos *classes = jsonpos_find(c->origin->top, "class");

	for (__u32 i = 0; i < p->n_ports; i++) {
		if (!first[p->port[i].class])
			first[p->port[i].class] = c->origin->port[i];
	}
	if (!p->n_classes && first[PORT_CUSTOMER])
		findings_warn(c->findings, first[PORT_CUSTOMER],
			      "no \"class\": nothing that enters here is put into a tunnel");
	if (p->n_classes && !first[PORT_CUSTOMER])
		findings_warn(c->findings, classes,
			      "no customer port: no traffic enters for these");
	if (p->n_controllers && !p->n_groups)
		findings_warn(c->findings, jsonpos_find(c->origin->top, "controller"),
			      "no \"group\": there is nothing to tell them");
	if (p->n_endpoints && !first[PORT_CORE])
		findings_warn(c->findings, jsonpos_find(c->origin->top, "endpoint"),
			      "no core port: no tunnel comes in to be taken off");
	if (p->n_lsps && !first[PORT_CORE])
		findings_warn(c->findings, jsonpos_find(c->origin->top, "lsp"),
			      "no core port: none of them can pass here");
	if (p->n_classes && !first[PORT_CORE])
		findings_warn(c->findings, classes,
			      "no core port: no notification will be heard, no failure known");
}

static void warn_of_gaps(struct checker *c)
{
	for (__u32 i = 0; i < c->policy->n_groups; i++) {
		const struct jsonpos *gap = jsonpos_member(c->origin->group[i], "flowlet-gap");

		if (gap && c->policy->group[i].ordering != ORDERING_FLOWLET)
			findings_warn(c->findings, gap, "not used; only flowlets have gaps");
	}
}

static void warn_of_remark(struct checker *c)
{
	const struct jsonpos *notification = jsonpos_find(c->origin->top, "notification");
	const struct jsonpos *at = jsonpos_member(notification, "customer-dscp");
	const struct config *config = &c->policy->config;

	if (at && at->text && strcmp(at->text, "leave") && !config->remark)
		findings_warn(c->findings, at,
			      "not used; it is that of notifications, and customers may claim it");
}

static void warn_of_authentication(struct checker *c)
{
	const struct policy *p = c->policy;
	const struct jsonpos *at = jsonpos_find(c->origin->top, "authentication");

	for (__u32 i = 0; i < p->n_demands; i++)
		if (!domain_has(p, &p->demand[i].prefix))
			findings_warn(c->findings, c->origin->demand[i],
				      "no \"source\" is in it: nobody there is believed anyway");
	if (p->key_file && !p->config.authentication && !p->config.n_sign_keys)
		findings_warn(c->findings, jsonpos_find(at, "key-file"),
			      "not used; nothing is signed, and nobody is asked to");
}

static void warn_of_unused(struct checker *c)
{
	const struct policy *p = c->policy;
	bool *path_used = calloc(p->n_paths + 1, sizeof(bool));
	bool *group_used = calloc(p->n_groups + 1, sizeof(bool));

	if (!path_used || !group_used)
		goto out; /* only warnings are lost */
	for (__u32 i = 0; i < p->n_classes; i++)
		group_used[p->class[i].group] = true;
	for (__u32 i = 0; i < p->n_groups; i++) {
		if (!group_used[i])
			findings_warn(c->findings, c->origin->group[i],
				      "no class uses it: it carries nothing");
		for (__u32 m = 0; m < p->group[i].n_members; m++)
			path_used[p->group[i].member[m].path] = true;
	}
	for (__u32 i = 0; i < p->n_paths; i++) {
		if (!path_used[i])
			findings_warn(c->findings, c->origin->path[i],
				      "no group has it as a member: it carries nothing");
	}
out:
	free(path_used);
	free(group_used);
}

void policy_check(const struct policy *policy, const struct policy_origin *origin,
		  struct findings *findings)
{
	struct checker c = { policy, origin, findings };
	const struct jsonpos *notification = jsonpos_find(origin->top, "notification");

	check_node(&c);
	check_limits(&c);
	check_ports(&c);
	check_prefixes(&c);
	policy_check_resources(&c);
	policy_check_paths(&c);
	policy_check_endpoints(&c);
	policy_check_lsps(&c);
	check_controllers(&c);
	check_node_load(&c);
	check_changes(&c);
	check_ingresses(&c);
	check_authentication(&c);
	for (__u32 i = 0; i < policy->n_groups; i++)
		check_weights(&c, i);
	check_types(&c, notification);
	check_times(&c, notification);
	check_damping(&c, notification);
	if (findings->errors)
		return; /* what is missing may only have been refused */
	warn_of_ports(&c);
	warn_of_gaps(&c);
	policy_warn_of_resources(&c);
	warn_of_remark(&c);
	warn_of_authentication(&c);
	warn_of_unused(&c);
}
