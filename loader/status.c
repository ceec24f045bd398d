// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * `fantel status`: the node at a glance. Each section is one map, or the node's XDP links, as an
 * array of JSON objects and a table of them.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdlib.h>

#include "clock.h"
#include "commands.h"
#include "damping.h"
#include "endpoint.h"
#include "fantel/bfd.h"
#include "fill.h"
#include "json.h"
#include "lock.h"
#include "measured.h"
#include "own.h"
#include "rates.h"
#include "shown.h"
#include "tc.h"
#include "table.h"
#include "text.h"
#include "unconfirmed.h"
#include "view.h"
#include "watches.h"
#include "words.h"

/* ---- ports ----------------------------------------------------------------------------------- */

static const char *mode_word(__u8 attach_mode)
{
	switch (attach_mode) {
	case XDP_ATTACHED_DRV:
		return "native";
	case XDP_ATTACHED_SKB:
		return "generic";
	case XDP_ATTACHED_HW:
		return "hardware";
	case XDP_ATTACHED_MULTI:
		return "several";
	default:
		return "none";
	}
}

static void program_name(char name[BPF_OBJ_NAME_LEN], __u32 id)
{
	int fd OWN_FD = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
		snprintf(name, BPF_OBJ_NAME_LEN, "%s", info.name);
}

/* fantel_core and fantel_customer: the class of port is the program's own name. */
static json_t *class_json(const char *program)
{
	const char *class = strchr(program, '_');

	return class ? json_text(class + 1) : json_null();
}

/* How the program is attached that reads marks; null where there is none. */
static json_t *marks_json(const struct pins *pins, const char *ifname)
{
	char path[PATH_MAX];
	const char *word;

	pins_ingress_path(pins, ifname, path);
	word = tc_word(path);
	return word ? json_string(word) : json_null();
}

struct ports {
	const struct pins *pins;
	json_t *json;
};

/* A link whose interface is gone stays pinned, with ifindex 0. */
static int port_json(void *arg, const char *ifname, const char *pin)
{
	const struct ports *ports = arg;

	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	char program[BPF_OBJ_NAME_LEN] = "";
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int fd OWN_FD = bpf_obj_get(pin);
	json_t *port = json_object();

	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len))
		program_name(program, info.prog_id);
	if (info.xdp.ifindex)
		bpf_xdp_query(info.xdp.ifindex, 0, &query);
	json_set(port, "name", json_string(ifname));
	json_set(port, "ifindex", json_integer(info.xdp.ifindex));
	json_set(port, "class", class_json(program));
	json_set(port, "program", json_text(program));
	json_set(port, "program-id", json_integer(info.prog_id));
	json_set(port, "mode", json_string(mode_word(query.attach_mode)));
	json_set(port, "marks", marks_json(ports->pins, ifname));
	json_array_append_new(ports->json, port);
	return 0;
}

static json_t *ports_json(const struct pins *pins)
{
	struct ports ports = { pins, json_array() };

	pins_each_link(pins->dir, port_json, &ports);
	json_sort(ports.json, "name");
	return ports.json;
}

static const struct column port_columns[] = {
	{ "PORT", "name", COLUMN_PLAIN },
	{ "IFINDEX", "ifindex", COLUMN_PLAIN },
	{ "CLASS", "class", COLUMN_PLAIN },
	{ "PROGRAM", "program", COLUMN_PLAIN },
	{ "ID", "program-id", COLUMN_PLAIN },
	{ "MODE", "mode", COLUMN_PLAIN },
	{ "MARKS", "marks", COLUMN_PLAIN },
	{},
};

/* ---- links ----------------------------------------------------------------------------------- */

/* What is watched, and what was measured; NULL: nothing. */
struct watched {
	const struct watch *watch;
	const struct gauge *gauge;
};

static struct watched find_watched(const struct rows *watches, const struct rows *gauges, __u32 ifindex)
{
	for (__u32 i = 0; i < watches->n; i++) {
		const struct watch *w = row_value(watches, i);

		if (*(const __u32 *)row_key(watches, i) == ifindex && w->gauge < gauges->n)
			return (struct watched){ w, row_value(gauges, w->gauge) };
	}
	return (struct watched){};
}

static void set_trouble(json_t *of, const struct watched *w, enum trouble trouble)
{
	bool on = trouble_is_on(w->watch, w->gauge, trouble);

	json_set(of, "congested", json_boolean(on));
	json_set(of, "event-id", on ? json_integer(w->watch->event_id[trouble]) : json_null());
	json_set_time(of, "since", on ? w->gauge->trouble[trouble].since_ns : 0);
}

static json_t *load_json(const struct watched *w)
{
	json_t *load;
	__u64 now;

	if (!w->watch || !w->watch->capacity)
		return json_null();
	load = json_object();
	now = gauge_load(w->watch, w->gauge, clock_now_ns());
	json_set(load, "bytes-per-second", json_integer(now));
	json_set(load, "capacity", json_integer(w->watch->capacity));
	json_set(load, "percent", json_integer(ewma_permille(now, w->watch->capacity) / 10));
	set_trouble(load, w, TROUBLE_LOAD);
	return load;
}

static json_t *queue_json(const struct watched *w)
{
	json_t *queue;

	if (!w->watch || !(w->watch->bytes.onset || w->watch->packets.onset))
		return json_null();
	queue = json_object();
	json_set(queue, "bytes", json_integer(w->gauge->bytes));
	json_set(queue, "packets", json_integer(w->gauge->packets));
	json_set(queue, "limit", w->watch->limit_bytes ? json_integer(w->watch->limit_bytes) : json_null());
	set_trouble(queue, w, TROUBLE_QUEUE);
	return queue;
}

static void set_damping(json_t *link, const struct damping *d)
{
	json_set(link, "flaps", json_integer(d->flaps));
	json_set(link, "figure-of-merit", json_integer(damping_figure(d, clock_now_ns())));
	json_set(link, "suppressed", json_boolean(damping_is_on(d)));
	json_set_time(link, "suppressed-until", d->reuse_ns);
	json_set(link, "suppressions", json_integer(d->suppressions));
}

static json_t *links_json(const struct pins *pins)
{
	struct rows rows OWN_ROWS, watches OWN_ROWS, gauges OWN_ROWS;
	json_t *links = json_array();

	if (rows_read(&watches, pins, "fantel_watches") | rows_read(&gauges, pins, "fantel_gauges") |
	    rows_read(&rows, pins, "fantel_links"))
		return links;
	for (__u32 i = 0; i < rows.n; i++) {
		const __u32 *ifindex = row_key(&rows, i);
		struct watched watched = find_watched(&watches, &gauges, *ifindex);
		const struct link *l = row_value(&rows, i);
		json_t *link = json_object();

		json_set(link, "name", json_text(l->name));
		json_set(link, "ifindex", json_integer(*ifindex));
		json_set(link, "up", json_boolean(!l->down));
		json_set(link, "cause", json_string(cause_word(l->cause)));
		json_set(link, "event-id", json_integer(l->event_id));
		json_set_time(link, "since", l->since_ns);
		set_damping(link, &l->damping);
		json_set(link, "queue", queue_json(&watched));
		json_set(link, "utilization", load_json(&watched));
		json_array_append_new(links, link);
	}
	json_sort(links, "name");
	return links;
}

static const struct column link_columns[] = {
	{ "LINK", "name", COLUMN_PLAIN },      { "UP", "up", COLUMN_PLAIN },
	{ "FOR", "since-age", COLUMN_SPAN },   { "CAUSE", "cause", COLUMN_PLAIN },
	{ "EVENT", "event-id", COLUMN_PLAIN }, { "FLAPS", "flaps", COLUMN_PLAIN },
	{ "MERIT", "figure-of-merit", COLUMN_PLAIN },
	{ "SUPPRESSED", "suppressed", COLUMN_PLAIN },
	{ "ENDS", "suppressed-until-age", COLUMN_SPAN },
	{},
};

/* ---- what the loader measures ---------------------------------------------------------------- */

static json_t *sensed_json(const struct pins *pins)
{
	json_t *all = json_array();
	struct rows rows OWN_ROWS;

	if (rows_read(&rows, pins, "fantel_sensed"))
		return all;
	for (__u32 i = 0; i < rows.n; i++) {
		const struct sensed_key *key = row_key(&rows, i);
		const struct sensed *s = row_value(&rows, i);
		bool errors = key->trouble == TROUBLE_ERRORS;
		json_t *row = json_object();

		json_set(row, "trouble", json_string(trouble_word(key->trouble)));
		json_set(row, "of", json_text(s->name));
		json_set(row, "bad-per-million", errors ? json_integer(s->value) : json_null());
		json_set(row, "cpu-percent", errors ? json_null() : json_integer(s->value));
		json_set(row, "memory-percent", errors ? json_null() : json_integer(s->memory_percent));
		json_set(row, "onset", json_integer(s->threshold.onset));
		json_set(row, "end", json_integer(s->threshold.end));
		json_set(row, "on", json_boolean(s->on));
		json_set(row, "event-id", s->on ? json_integer(s->event_id) : json_null());
		json_set_time(row, "since", s->on ? s->since_ns : 0);
		json_array_append_new(all, row);
	}
	json_sort(all, "of");
	return all;
}

static const struct column sensed_columns[] = {
	{ "MEASURED", "trouble", COLUMN_PLAIN },
	{ "OF", "of", COLUMN_PLAIN },
	{ "BAD/MILLION", "bad-per-million", COLUMN_PLAIN },
	{ "CPU %", "cpu-percent", COLUMN_PLAIN },
	{ "MEMORY %", "memory-percent", COLUMN_PLAIN },
	{ "TROUBLE", "on", COLUMN_PLAIN },
	{ "FOR", "since-age", COLUMN_SPAN },
	{ "EVENT", "event-id", COLUMN_PLAIN },
	{},
};

/* The name of a link, by its number: the interface may be gone from the kernel. */
static json_t *link_name(const json_t *links, __u32 ifindex)
{
	json_t *link;
	size_t i;

	json_array_foreach(links, i,
			   link) if (json_integer_value(json_object_get(link, "ifindex")) ==
				     ifindex) return json_incref(json_object_get(link, "name"));
	return json_null();
}

/* ---- BFD ------------------------------------------------------------------------------------- */

/* The other half of the row: which session it is. */
static const struct bfd_set *find_set(const struct rows *sets, __u32 ifindex)
{
	for (__u32 i = 0; i < sets->n; i++)
		if (*(const __u32 *)row_key(sets, i) == ifindex)
			return row_value(sets, i);
	return NULL;
}

static void set_us(json_t *object, const char *member, __u64 ns)
{
	json_set(object, member, ns ? json_integer(ns / 1000) : json_null());
}

static json_t *session_json(const struct bfd_session *b, const struct bfd_set *set, json_t *link)
{
	json_t *session = json_object();
	bool heard = b->heard_ns;

	json_set(session, "link", link);
	json_set(session, "peer", json_addr(&set->peer));
	json_set(session, "local", json_addr(&set->local));
	json_set(session, "state",
		 json_string(bfd_state_word(set->admin_down ? BFD_ADMIN_DOWN : b->state)));
	json_set(session, "diagnostic", json_string(bfd_diag_word(b->diag)));
	json_set_time(session, "since", b->changed_ns);
	json_set(session, "link-failed", json_boolean(b->failed));
	json_set(session, "remote-state",
		 heard ? json_string(bfd_state_word(b->its_state)) : json_null());
	json_set(session, "remote-diagnostic",
		 heard ? json_string(bfd_diag_word(b->its_diag)) : json_null());
	json_set(session, "remote-multiplier", heard ? json_integer(b->its_mult) : json_null());
	json_set(session, "discriminator", json_integer(set->discriminator));
	json_set(session, "remote-discriminator",
		 b->its_discriminator ? json_integer(b->its_discriminator) : json_null());
	set_us(session, "transmit-interval",
	       1000ULL * MAX(set->min_tx_us, heard ? b->its_min_rx_us : 0));
	set_us(session, "detection-time", b->detection_ns);
	json_set(session, "echo", json_boolean(b->echo_on));
	set_us(session, "echo-interval", set->echo_us * 1000ULL);
	set_us(session, "echo-round-trip", b->echo_on ? b->echo_rtt_ns : 0);
	json_set_time(session, "heard", b->heard_ns);
	json_set(session, "times-up", json_integer(b->ups));
	json_set(session, "times-failed", json_integer(b->fails));
	return session;
}

static json_t *bfd_json(const struct pins *pins, const json_t *links)
{
	struct rows rows OWN_ROWS, sets OWN_ROWS;
	json_t *sessions = json_array();
	int r = rows_read(&sets, pins, "fantel_bfd_set");

	if (rows_read(&rows, pins, "fantel_bfd") || r)
		return sessions;
	for (__u32 i = 0; i < rows.n; i++) {
		__u32 ifindex = *(const __u32 *)row_key(&rows, i);
		const struct bfd_set *set = find_set(&sets, ifindex);

		if (set)
			json_array_append_new(sessions, session_json(row_value(&rows, i), set,
								     link_name(links, ifindex)));
	}
	json_sort(sessions, "link");
	return sessions;
}

static const struct column bfd_columns[] = {
	{ "BFD", "link", COLUMN_PLAIN },
	{ "PEER", "peer", COLUMN_PLAIN },
	{ "STATE", "state", COLUMN_PLAIN },
	{ "FOR", "since-age", COLUMN_SPAN },
	{ "DIAGNOSTIC", "diagnostic", COLUMN_PLAIN },
	{ "REMOTE", "remote-state", COLUMN_PLAIN },
	{ "REMOTE DIAGNOSTIC", "remote-diagnostic", COLUMN_PLAIN },
	{ "TX US", "transmit-interval", COLUMN_PLAIN },
	{ "DETECTION US", "detection-time", COLUMN_PLAIN },
	{ "ECHO", "echo", COLUMN_PLAIN },
	{ "ROUND TRIP US", "echo-round-trip", COLUMN_PLAIN },
	{ "UP", "times-up", COLUMN_PLAIN },
	{ "FAILED", "times-failed", COLUMN_PLAIN },
	{},
};

/* A row for each link of which `what` is watched. */
static json_t *watched_flat(const json_t *links, const char *what)
{
	json_t *rows = json_array(), *link;
	size_t i;

	json_array_foreach(links, i, link)
	{
		json_t *row = json_deep_copy(json_object_get(link, what));

		json_object_set(row, "name", json_object_get(link, "name"));
		if (json_is_object(row))
			json_array_append(rows, row);
		json_decref(row);
	}
	return rows;
}

static const struct column queue_columns[] = {
	{ "QUEUE OF", "name", COLUMN_PLAIN },	     { "BYTES", "bytes", COLUMN_PLAIN },
	{ "PACKETS", "packets", COLUMN_PLAIN },	     { "LIMIT", "limit", COLUMN_PLAIN },
	{ "CONGESTED", "congested", COLUMN_PLAIN },  { "FOR", "since-age", COLUMN_SPAN },
	{ "EVENT", "event-id", COLUMN_PLAIN },	     {},
};

static const struct column load_columns[] = {
	{ "UTILIZATION OF", "name", COLUMN_PLAIN },
	{ "BYTES/S", "bytes-per-second", COLUMN_PLAIN },
	{ "CAPACITY", "capacity", COLUMN_PLAIN },
	{ "PERCENT", "percent", COLUMN_PLAIN },
	{ "CONGESTED", "congested", COLUMN_PLAIN },
	{ "FOR", "since-age", COLUMN_SPAN },
	{ "EVENT", "event-id", COLUMN_PLAIN },
	{},
};

/* ---- groups ---------------------------------------------------------------------------------- */

static json_t *member_json(const struct member *m, enum standing standing, bool serving)
{
	json_t *member = json_object();

	json_set(member, "path", json_text(m->name));
	json_set(member, "weight", json_integer(m->weight));
	json_set(member, "effective-weight", weight_json(m->effective));
	json_set(member, "tier", json_integer(m->tier));
	json_set(member, "usable", json_boolean(standing != STANDING_FAILED));
	json_set(member, "congested", json_boolean(standing == STANDING_CONGESTED));
	json_set(member, "serving", json_boolean(serving));
	return member;
}

/* As steer sees it. */
static enum standing member_standing(const struct view *view, const struct member *m)
{
	struct path_view path;

	view_path(view, m->path, &path);
	if (!path_view_usable(&path))
		return STANDING_FAILED;
	return path_view_congested(&path) ? STANDING_CONGESTED : STANDING_GOOD;
}

/* Of a group's usable members, those of the lowest tier serve: of the congested ones only where there
 * is no other. */
static json_t *group_members(const struct view *view, const struct group *group)
{
	__u32 n = MIN(group->n_members, MAX_MEMBERS), tier = ~0U;
	enum standing standing[MAX_MEMBERS], best = STANDING_FAILED;
	json_t *members = json_array();

	for (__u32 i = 0; i < n; i++) {
		standing[i] = member_standing(view, &group->member[i]);
		if (group->member[i].weight)
			best = MIN(best, standing[i]);
	}
	for (__u32 i = 0; i < n; i++)
		if (group->member[i].weight && standing[i] == best)
			tier = MIN(tier, group->member[i].tier);
	for (__u32 i = 0; i < n; i++) {
		const struct member *m = &group->member[i];
		bool serving = m->weight && m->tier == tier && standing[i] == best &&
			       best != STANDING_FAILED;

		json_array_append_new(members, member_json(m, standing[i], serving));
	}
	return members;
}

static json_t *groups_json(const struct view *view)
{
	struct rows rows OWN_ROWS;
	json_t *groups = json_array();

	if (rows_read(&rows, &view->pins, "fantel_groups"))
		return groups;
	for (__u32 i = 0; i < rows.n; i++) {
		const struct group *g = row_value(&rows, i);
		json_t *group = json_object();

		json_set(group, "name", json_text(g->name));
		json_set(group, "ordering", json_string(ordering_word(g->ordering)));
		json_set(group, "flowlet-gap-us",
			 g->ordering == ORDERING_FLOWLET ? json_integer(g->gap_us) : json_null());
		json_set(group, "members", group_members(view, g));
		json_array_append_new(groups, group);
	}
	json_sort(groups, "name");
	return groups;
}

static const struct column member_columns[] = {
	{ "GROUP", "group", COLUMN_PLAIN },
	{ "ORDERING", "ordering", COLUMN_PLAIN },
	{ "PATH", "path", COLUMN_PLAIN },
	{ "WEIGHT", "weight", COLUMN_PLAIN },
	{ "NOW", "effective-weight", COLUMN_PLAIN },
	{ "TIER", "tier", COLUMN_PLAIN },
	{ "USABLE", "usable", COLUMN_PLAIN },
	{ "CONGESTED", "congested", COLUMN_PLAIN },
	{ "SERVING", "serving", COLUMN_PLAIN },
	{},
};

json_t *members_json(const json_t *groups)
{
	json_t *rows = json_array(), *group, *member;
	size_t g, m;

	json_array_foreach(groups, g, group)
		json_array_foreach(json_object_get(group, "members"), m, member)
	{
		json_t *row = json_copy(member);

		json_object_set(row, "group", json_object_get(group, "name"));
		json_object_set(row, "ordering", json_object_get(group, "ordering"));
		json_array_append_new(rows, row);
	}
	return rows;
}

/* ---- resources ------------------------------------------------------------------------------- */

/* How many paths cross each, by slot; an array that the caller frees. */
static __u32 *crossing_counts(const struct view *view)
{
	__u32 *counts = calloc(view->n_resources, sizeof(*counts));
	struct path path;

	for (__u32 i = 0; counts && i < view->n_paths; i++) {
		if (bpf_map_lookup_elem(view->paths, &i, &path) || path.tunnel == TUNNEL_NONE)
			continue;
		for (__u32 k = 0; k < path.n_crossed && k < MAX_CROSSED; k++)
			if (path.crossed[k] < view->n_resources)
				counts[path.crossed[k]]++;
	}
	return counts;
}

/* An entry of fantel_location. */
struct named {
	struct resource_key key;
	__u32 resource;
};

static int by_key(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct resource_key));
}

/* All names, in an order of their own; an array that the caller frees. */
static struct named *read_names(const struct view *view, __u32 *n)
{
	struct rows rows OWN_ROWS;
	struct named *named;

	*n = 0;
	if (rows_read(&rows, &view->pins, "fantel_location"))
		return NULL;
	named = calloc(rows.n + 1, sizeof(*named));
	for (; named && *n < rows.n; ++*n) {
		memcpy(&named[*n].key, row_key(&rows, *n), sizeof(named[*n].key));
		named[*n].resource = *(const __u32 *)row_value(&rows, *n);
	}
	if (*n)
		qsort(named, *n, sizeof(*named), by_key);
	return named;
}

static json_t *names_json(const struct named *named, __u32 n, __u32 resource)
{
	json_t *names = json_array();
	char text[RESOURCE_TEXT];

	for (__u32 i = 0; i < n; i++) {
		if (named[i].resource != resource)
			continue;
		resource_text(text, &named[i].key);
		json_array_append_new(names, json_string(text));
	}
	return names;
}

static json_t *resource_json(const struct resource *r, __u32 paths, json_t *names)
{
	json_t *resource = json_object();

	json_set(resource, "name", json_text(r->name));
	json_set(resource, "usable", json_boolean(r->failures <= 0));
	json_set(resource, "failures", json_integer(r->failures));
	json_set(resource, "congested", json_boolean(r->congestions > 0));
	json_set(resource, "congestions", json_integer(r->congestions));
	json_set_time(resource, "changed", r->changed_ns);
	json_set(resource, "paths", json_integer(paths));
	json_set(resource, "named", names);
	return resource;
}

static json_t *resources_json(const struct view *view)
{
	__u32 n;
	OWN_MEM __u32 *counts = crossing_counts(view);
	OWN_MEM struct named *named = read_names(view, &n);
	json_t *resources = json_array();
	struct resource r;

	for (__u32 i = 0; counts && named && i < view->n_resources; i++) {
		if (bpf_map_lookup_elem(view->resource, &i, &r) || !r.name[0])
			continue;
		json_array_append_new(resources,
				      resource_json(&r, counts[i], names_json(named, n, i)));
	}
	json_sort(resources, "name");
	return resources;
}

static const struct column resource_columns[] = {
	{ "RESOURCE", "name", COLUMN_PLAIN },
	{ "USABLE", "usable", COLUMN_PLAIN },
	{ "CONGESTED", "congested", COLUMN_PLAIN },
	{ "FOR", "changed-age", COLUMN_SPAN },
	{ "PATHS", "paths", COLUMN_PLAIN },
	{ "NAMED", "named", COLUMN_PLAIN },
	{},
};

/* ---- the failed-tunnel set ------------------------------------------------------------------- */

static json_t *failed_json(const struct pins *pins)
{
	struct rows rows OWN_ROWS;
	json_t *set = json_array();

	if (rows_read(&rows, pins, "fantel_failed"))
		return set;
	for (__u32 i = 0; i < rows.n; i++) {
		const struct failed_key *key = row_key(&rows, i);
		const struct failed *f = row_value(&rows, i);
		struct addr originator = addr_from_number(key->originator);
		json_t *failed = json_object();

		json_set(failed, "path",
			 key->is_resource || key->is_transit ? json_null() : json_text(f->name));
		json_set(failed, "transit",
			 key->is_transit ? json_integer(key->index) : json_null());
		json_set(failed, "resource", key->is_resource ? json_text(f->name) : json_null());
		json_set(failed, "originator", json_addr(&originator));
		json_set(failed, "kind", json_string(kind_word(f->kind)));
		json_set(failed, "cause", json_string(cause_word(f->cause)));
		json_set(failed, "event-id", json_integer(key->event_id));
		json_set(failed, "sequence", json_integer(f->sequence));
		json_set_time(failed, "since", f->since_ns);
		json_set_time(failed, "until", f->until_ns);
		json_array_append_new(set, failed);
	}
	json_sort(set, "path");
	return set;
}

static const struct column failed_columns[] = {
	{ "FAILED", "name", COLUMN_PLAIN },	 { "SAID BY", "originator", COLUMN_PLAIN },
	{ "KIND", "kind", COLUMN_PLAIN },	 { "CAUSE", "cause", COLUMN_PLAIN },
	{ "EVENT", "event-id", COLUMN_PLAIN },	 { "FOR", "since-age", COLUMN_SPAN },
	{ "EXPIRES", "until-age", COLUMN_SPAN }, {},
};

/* Path or resource: a column for both. */
static json_t *failed_rows(const json_t *failed)
{
	json_t *rows = json_array(), *entry;
	size_t i;

	json_array_foreach(failed, i, entry)
	{
		json_t *row = json_copy(entry), *path = json_object_get(entry, "path");

		json_object_set(row, "name",
				json_is_null(path) ? json_object_get(entry, "resource") : path);
		json_array_append_new(rows, row);
	}
	return rows;
}

/* ---- metrics --------------------------------------------------------------------------------- */

static json_t *metrics_json(const struct pins *pins)
{
	struct rows rows OWN_ROWS;
	json_t *set = json_array();

	if (rows_read(&rows, pins, "fantel_metrics"))
		return set;
	for (__u32 i = 0; i < rows.n; i++) {
		const struct failed_key *key = row_key(&rows, i);
		const struct metrics *m = row_value(&rows, i);
		struct addr originator = addr_from_number(key->originator);
		json_t *metrics = json_object();

		json_set(metrics, "path", key->is_resource ? json_null() : json_text(m->name));
		json_set(metrics, "resource", key->is_resource ? json_text(m->name) : json_null());
		json_set(metrics, "name", json_text(m->name));
		json_set(metrics, "originator", json_addr(&originator));
		json_set(metrics, "event-id", json_integer(key->event_id));
		json_set(metrics, "sequence", json_integer(m->sequence));
		json_set_time(metrics, "since", m->time_ns);
		json_set_time(metrics, "until", m->until_ns);
		measured_set(metrics, &m->measured, true);
		json_array_append_new(set, metrics);
	}
	json_sort(set, "name");
	return set;
}

static const struct column metrics_columns[] = {
	{ "METRICS", "name", COLUMN_PLAIN },	   { "SAID BY", "originator", COLUMN_PLAIN },
	{ "EVENT", "event-id", COLUMN_PLAIN },	   { "AGE", "since-age", COLUMN_SPAN },
	{ "EXPIRES", "until-age", COLUMN_SPAN },   { "LOAD", "load", COLUMN_PLAIN },
	{ "CAPACITY", "capacity", COLUMN_PLAIN },  { "UTILIZED", "utilized", COLUMN_PLAIN },
	{ "AVAILABLE", "available", COLUMN_PLAIN }, { "QUEUE", "queue-depth", COLUMN_PLAIN },
	{ "CPU", "cpu-percent", COLUMN_PLAIN },	   {},
};

/* ---- what was learned of links --------------------------------------------------------------- */

/* The row of an ingress PE and a link, new if it is their first tunnel. */
static json_t *learned_row(json_t *rows, const struct told_key *key, const json_t *links)
{
	json_t *row, *ingress = json_addr(&key->ingress), *link = link_name(links, key->ifindex);
	size_t i;

	json_array_foreach(rows, i, row)
	{
		if (json_equal(json_object_get(row, "ingress"), ingress) &&
		    json_equal(json_object_get(row, "link"), link)) {
			json_decref(ingress);
			json_decref(link);
			return row;
		}
	}
	row = json_object();
	json_set(row, "link", link);
	json_set(row, "ingress", ingress);
	json_set(row, "tunnels", json_integer(0));
	json_set(row, "arriving", json_integer(0));
	json_array_append_new(rows, row);
	return row;
}

static json_t *learned_json(const struct pins *pins, const json_t *links)
{
	struct rows rows OWN_ROWS;
	json_t *learned = json_array();

	if (rows_read(&rows, pins, "fantel_learned"))
		return learned;
	for (__u32 i = 0; i < rows.n; i++) {
		const struct told_key *key = row_key(&rows, i);
		json_t *row = learned_row(learned, key, links);
		json_t *tunnels = json_object_get(row, key->trouble ? "arriving" : "tunnels");

		json_integer_set(tunnels, json_integer_value(tunnels) + 1);
	}
	json_sort(learned, "link");
	return learned;
}

static const struct column learned_columns[] = {
	{ "LEARNED ON", "link", COLUMN_PLAIN },
	{ "INGRESS", "ingress", COLUMN_PLAIN },
	{ "TUNNELS", "tunnels", COLUMN_PLAIN },
	{ "ARRIVING", "arriving", COLUMN_PLAIN },
	{},
};

/* ---- endpoints ------------------------------------------------------------------------------- */

static json_t *ends_json(const struct pins *pins)
{
	struct rows rows OWN_ROWS;
	json_t *ends = json_array();

	if (rows_read(&rows, pins, "fantel_ends"))
		return ends;
	for (__u32 i = 0; i < rows.n; i++) {
		const struct endpoint_key *key = row_key(&rows, i);
		const struct endpoint *e = row_value(&rows, i);
		bool srv6 = key->tunnel == TUNNEL_SRV6, vxlan = key->tunnel == TUNNEL_VXLAN;
		json_t *end = json_object();

		json_set(end, "name", json_text(e->name));
		json_set(end, "tunnel", json_string(tunnel_word(key->tunnel)));
		json_set(end, "address", json_addr(&key->dst));
		json_set(end, "behavior",
			 srv6 ? json_string(endpoint_behavior(e->inner)) : json_null());
		json_set(end, "key", key->keyed ? json_integer(key->id) : json_null());
		json_set(end, "vni", vxlan ? json_integer(key->id) : json_null());
		json_set(end, "port", vxlan ? json_integer(key->port) : json_null());
		json_set(end, "label",
			 key->tunnel == TUNNEL_MPLS ? json_integer(key->id) : json_null());
		json_array_append_new(ends, end);
	}
	json_sort(ends, "name");
	return ends;
}

static const struct column end_columns[] = {
	{ "ENDPOINT", "name", COLUMN_PLAIN },
	{ "TUNNEL", "tunnel", COLUMN_PLAIN },
	{ "ADDRESS", "address", COLUMN_PLAIN },
	{ "BEHAVIOR", "behavior", COLUMN_PLAIN },
	{ "KEY", "key", COLUMN_PLAIN },
	{ "VNI", "vni", COLUMN_PLAIN },
	{ "PORT", "port", COLUMN_PLAIN },
	{ "LABEL", "label", COLUMN_PLAIN },
	{},
};

/* ---- who spoke, who was told ----------------------------------------------------------------- */

/* Those of one map: who has proven who it is, or who has not. */
static void origins_add(json_t *origins, const struct pins *pins, const char *map, bool proven)
{
	struct rows rows OWN_ROWS;

	if (rows_read(&rows, pins, map))
		return;
	for (__u32 i = 0; i < rows.n; i++) {
		const struct origin *o = row_value(&rows, i);
		json_t *origin = json_object();

		json_set(origin, "originator", json_addr(row_key(&rows, i)));
		json_set(origin, "sequence", json_integer(o->highest));
		json_set(origin, "proven", json_boolean(proven));
		json_array_append_new(origins, origin);
	}
}

static json_t *origins_json(const struct pins *pins)
{
	json_t *origins = json_array();

	origins_add(origins, pins, "fantel_origins", false);
	origins_add(origins, pins, "fantel_proven", true);
	json_sort(origins, "originator");
	return origins;
}

static const struct column origin_columns[] = {
	{ "ORIGINATOR", "originator", COLUMN_PLAIN },
	{ "SEQUENCE", "sequence", COLUMN_PLAIN },
	{ "PROVEN", "proven", COLUMN_PLAIN },
	{},
};

/* The name of a group, by its number. */
static json_t *group_name(const struct pins *pins, __u32 number)
{
	int groups OWN_FD = pins_map(pins, "fantel_groups");
	struct group group;

	if (groups < 0 || bpf_map_lookup_elem(groups, &number, &group))
		return json_null();
	return json_text(group.name);
}

/* What is the same of whoever was told. */
static void set_told(json_t *told, const struct told *t)
{
	json_set(told, "tunnel", json_tunnel(&t->tunnel));
	json_set(told, "event-id", json_integer(t->event_id));
	json_set(told, "sequence", json_integer(t->sequence));
	json_set(told, "sent", json_integer(t->sent));
	json_set_time(told, "first", t->first_ns);
	json_set_time(told, "last", t->last_ns);
}

/* fantel_told holds two kinds: ingress PEs that were told of links, controllers of groups. */
static void told_json(json_t *status, const struct pins *pins, const json_t *links)
{
	json_t *ingress = json_array(), *controllers = json_array();
	struct rows rows OWN_ROWS;

	json_set(status, "told", ingress);
	json_set(status, "controllers", controllers);
	if (rows_read(&rows, pins, "fantel_told"))
		return;
	for (__u32 i = 0; i < rows.n; i++) {
		const struct told_key *key = row_key(&rows, i);
		json_t *told = json_object();

		if (key->port) {
			json_set(told, "address", json_addr(&key->ingress));
			json_set(told, "port", json_integer(key->port));
			json_set(told, "group", group_name(pins, key->group));
			json_set(told, "kind", json_string(kind_word(key->trouble ? KIND_CONGESTION
										 : KIND_FAILURE)));
		} else {
			json_set(told, "ingress", json_addr(&key->ingress));
			json_set(told, "link", link_name(links, key->ifindex));
			json_set(told, "trouble",
				 key->trouble ? json_string(trouble_word(key->trouble)) : json_null());
		}
		set_told(told, row_value(&rows, i));
		json_array_append_new(key->port ? controllers : ingress, told);
	}
	json_sort(ingress, "ingress");
	json_sort(controllers, "address");
}

static const struct column told_columns[] = {
	{ "TOLD", "ingress", COLUMN_PLAIN },
	{ "LINK", "link", COLUMN_PLAIN },
	{ "TROUBLE", "trouble", COLUMN_PLAIN },
	{ "EVENT", "event-id", COLUMN_PLAIN },
	{ "SENT", "sent", COLUMN_PLAIN },
	{ "LAST AGO", "last-age", COLUMN_SPAN },
	{ "TUNNEL", "tunnel", COLUMN_PLAIN },
	{},
};

static const struct column controller_columns[] = {
	{ "CONTROLLER TOLD", "address", COLUMN_PLAIN },
	{ "PORT", "port", COLUMN_PLAIN },
	{ "GROUP", "group", COLUMN_PLAIN },
	{ "KIND", "kind", COLUMN_PLAIN },
	{ "EVENT", "event-id", COLUMN_PLAIN },
	{ "SENT", "sent", COLUMN_PLAIN },
	{ "LAST AGO", "last-age", COLUMN_SPAN },
	{},
};

/* ---- the command ----------------------------------------------------------------------------- */

static json_t *loader_json(const struct pins *pins)
{
	json_t *loader = json_object();
	char node[PATH_MAX];
	pid_t pid;

	pins_node_path(pins, node);
	pid = lock_holder(node);
	json_set(loader, "running", json_boolean(pid));
	json_set(loader, "pid", pid ? json_integer(pid) : json_null());
	return loader;
}

/* A policy in force that waits to be confirmed; null: none does. */
static json_t *unconfirmed_json(const struct pins *pins)
{
	struct unconfirmed u;
	json_t *json = NULL;

	if (unconfirmed_read(&u, pins))
		return json_null();
	if (u.until_ns) {
		json = json_object();
		json_set(json, "policy", json_text(u.policy_file));
		json_set(json, "before", json_text(u.file));
		json_set_time(json, "until", u.until_ns);
	}
	unconfirmed_free(&u);
	return json ?: json_null();
}

json_t *status_json(const struct view *view)
{
	const struct pins *pins = &view->pins;
	json_t *links = links_json(pins), *status = json_object();

	json_set(status, "node", json_string(pins->node));
	json_set(status, "abi", json_integer(FANTEL_ABI));
	json_set(status, "loader", loader_json(pins));
	json_set(status, "unconfirmed", unconfirmed_json(pins));
	json_set(status, "ports", ports_json(pins));
	json_set(status, "links", links);
	json_set(status, "bfd", bfd_json(pins, links));
	json_set(status, "measured", sensed_json(pins));
	json_set(status, "groups", groups_json(view));
	json_set(status, "resources", resources_json(view));
	json_set(status, "endpoints", ends_json(pins));
	json_set(status, "failed", failed_json(pins));
	json_set(status, "metrics", metrics_json(&view->pins));
	json_set(status, "transit", transit_json(view));
	json_set(status, "origins", origins_json(pins));
	json_set(status, "learned", learned_json(pins, links));
	told_json(status, pins, links);
	json_set(status, "limits", fill_json(pins));
	return status;
}

static void section(const struct column *columns, const json_t *rows)
{
	if (json_array_size(rows)) {
		putchar('\n');
		table_print(columns, rows, stdout);
	}
}

static void unconfirmed_print(const json_t *json, bool running)
{
	double age = json_real_value(json_object_get(json, "until-age"));
	char left[CLOCK_TEXT];

	if (!json_is_object(json))
		return;
	printf("the policy of %s waits to be confirmed; ", json_string_value(json_object_get(json, "policy")));
	if (running)
		printf("in %s it", clock_span(left, age < 0 ? -age * NSEC_PER_SEC : 0));
	else
		printf("when a loader starts with it, it");
	printf(" gives way to that of %s\n", json_string_value(json_object_get(json, "before")));
}

static void status_print(const json_t *json)
{
	const json_t *loader = json_object_get(json, "loader");
	json_t *members OWN_JSON = members_json(json_object_get(json, "groups"));
	json_t *queues OWN_JSON = watched_flat(json_object_get(json, "links"), "queue");
	json_t *loads OWN_JSON = watched_flat(json_object_get(json, "links"), "utilization");
	json_t *fill OWN_JSON = fill_rows(json_object_get(json, "limits"));
	json_t *failed OWN_JSON = failed_rows(json_object_get(json, "failed"));
	bool running = json_is_true(json_object_get(loader, "running"));

	printf("node %s, ", json_string_value(json_object_get(json, "node")));
	if (running)
		printf("loader running (pid %lld)\n",
		       (long long)json_integer_value(json_object_get(loader, "pid")));
	else
		puts("loader not running: next hops and links are as they were when it ended");
	unconfirmed_print(json_object_get(json, "unconfirmed"), running);
	section(port_columns, json_object_get(json, "ports"));
	section(link_columns, json_object_get(json, "links"));
	section(bfd_columns, json_object_get(json, "bfd"));
	section(queue_columns, queues);
	section(load_columns, loads);
	section(sensed_columns, json_object_get(json, "measured"));
	section(member_columns, members);
	section(end_columns, json_object_get(json, "endpoints"));
	section(resource_columns, json_object_get(json, "resources"));
	section(failed_columns, failed);
	section(metrics_columns, json_object_get(json, "metrics"));
	section(transit_columns, json_object_get(json, "transit"));
	section(origin_columns, json_object_get(json, "origins"));
	section(learned_columns, json_object_get(json, "learned"));
	section(told_columns, json_object_get(json, "told"));
	section(controller_columns, json_object_get(json, "controllers"));
	section(fill_columns, fill);
}

static const struct argp_child children[] = { { .argp = &options_view }, {} };
static const struct argp argp = { .children = children };

int cmd_status(int argc, char **argv)
{
	struct options options = {};
	json_t *json OWN_JSON = NULL;
	struct view view OWN_VIEW;

	options_parse(&argp, argc, argv, &options);
	if (view_open(&view, &options))
		return EXIT_FAILED;
	json = status_json(&view);
	if (options.json)
		json_print(json, false, stdout);
	else
		status_print(json);
	return EXIT_DONE;
}
