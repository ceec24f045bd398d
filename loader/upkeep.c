// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What one policy needs while it is in force. The order of a start is that of push.h: new beside old,
 * then the switch, then away with the old. Until the switch packets are treated as before.
 */
#include <errno.h>
#include <string.h>

#include "balance.h"
#include "bfd.h"
#include "changes.h"
#include "clock.h"
#include "devices.h"
#include "fullness.h"
#include "keyring.h"
#include "links.h"
#include "log.h"
#include "neighbours.h"
#include "nexthops.h"
#include "overdue.h"
#include "overflow.h"
#include "own.h"
#include "push.h"
#include "qdiscs.h"
#include "recover.h"
#include "routes.h"
#include "senses.h"
#include "upkeep.h"
#include "watches.h"

/* Where the devices can't be read, and each look takes the RTNL lock. */
#define CARRIER_ASK_NS (5 * NSEC_PER_MSEC)

/* What is NULL is not there yet. */
struct upkeep {
	struct node *node;
	struct edition *edition;
	struct push *push;
	struct links *links;
	struct qdiscs *qdiscs; /* NULL also where nothing is to wait in one */
	struct nexthops *nexthops;
	struct neighbours *neighbours;
	struct routes *routes;
	struct watches *watches;
	struct senses *senses;
	struct changes *changes;
	struct recover *recover;
	struct balance *balance;
	struct devices *devices;
	struct fullness fullness;
	struct overflow overflow;
	struct overdue overdue;
	struct bfd *bfd;
};

static const struct policy *policy_of(const struct upkeep *u)
{
	return &u->edition->policy;
}

static const struct maps *maps_of(const struct upkeep *u)
{
	return attach_maps(u->edition->attach);
}

/* ---- what happens to links ------------------------------------------------------------------- */

static void emit_link(const struct upkeep *u, const struct interface *i, enum event_type type,
		      bool usable)
{
	struct event event = {
		.time_ns = MAX(u->node->now_ns, i->link.since_ns),
		.type = type,
		.cause = i->link.cause,
		.index = ~0U,
		.ifindex = i->ifindex,
		.event_id = i->link.event_id,
		.usable = usable,
	};

	if (type == EVENT_LINK)
		event.timestamp_ns = clock_wall_ns(i->link.since_ns);
	memcpy(event.name, i->link.name, sizeof(i->link.name));
	if (u->node->reporter)
		reporter_emit(u->node->reporter, &event);
}

/* Ports may have come, gone, or been renamed. */
static void watch_carriers(const struct upkeep *u)
{
	char name[CARRIER_PORTS][IFNAMSIZ];

	if (u->node->carrier && u->links)
		carrier_watch(u->node->carrier, (const void *)name,
			      links_delayed(u->links, name, CARRIER_PORTS));
}

/* A core port's interface came or went (0). */
static void watch_device(const struct upkeep *u, const struct interface *i, __u32 ifindex)
{
	if (!u->devices || !interface_is_core(i))
		return;
	devices_set(u->devices, links_row(u->links, i), ifindex);
	devices_renew(u->devices);
}

/* A port has lost its interface (ifindex 0), or has one again. */
static void change_interface(struct upkeep *u, enum link_change change, const struct interface *i,
			     __u32 ifindex)
{
	watch_device(u, i, ifindex);
	if (u->bfd)
		bfd_port(u->bfd, i->port, ifindex);
	if (u->watches)
		watches_link(u->watches, change, i);
	if (u->senses)
		senses_link(u->senses, change, i);
	watch_carriers(u);
}

static void on_link(void *arg, enum link_change change, const struct interface *i)
{
	struct upkeep *u = arg;

	switch (change) {
	case LINK_DOWN:
	case LINK_UP:
	case LINK_CHANGED:
		if (u->qdiscs)
			qdiscs_again(u->qdiscs);
		if (u->nexthops)
			nexthops_link(u->nexthops, i);
		if (!interface_is_core(i))
			break;
		if (change == LINK_DOWN && u->recover)
			recover_failed(u->recover, i, u->node->now_ns);
		if (u->watches)
			watches_link(u->watches, change, i);
		if (change == LINK_CHANGED)
			watch_carriers(u);
		else
			emit_link(u, i, EVENT_LINK, !i->link.down);
		if (change == LINK_DOWN && u->neighbours)
			neighbours_down(u->neighbours, i);
		if (change == LINK_UP && u->neighbours)
			neighbours_up(u->neighbours, i, u->node->now_ns);
		if (u->recover)
			recover_groups(u->recover);
		break;
	case LINK_STEADY:
		if (u->routes)
			routes_steady(u->routes, u->node->now_ns);
		if (u->recover)
			recover_hurry(u->recover);
		break;
	case LINK_SUPPRESSED:
		emit_link(u, i, EVENT_DAMPING, false);
		break;
	case LINK_RELEASED:
		emit_link(u, i, EVENT_DAMPING, true);
		break;
	case LINK_GONE:
		if (i->port)
			log_warn("port %s: its interface was removed; waiting for it to come back",
				 i->port->name);
		if (u->neighbours)
			neighbours_forget(u->neighbours, i->ifindex);
		change_interface(u, change, i, 0);
		break;
	case LINK_APPEARED:
		log_warn("port %s: its interface is back", i->port->name);
		attach_port_again(u->edition->attach, i->port, i->ifindex);
		change_interface(u, change, i, i->ifindex);
		break;
	case LINK_SAME:
		break;
	}
}

/* Where can packets wait for their time? Who reads it comes before who writes it. */
static const struct qdiscs *qdiscs_that_hold(struct upkeep *u)
{
	if (!u->qdiscs || !qdiscs_any(u->qdiscs))
		return NULL;
	if (!attach_departures(u->edition->attach))
		return u->qdiscs;
	log_warn("lowered rates are kept by dropping packets, though there is fq");
	return NULL;
}

/* Not while we come up: links_tick asks, and is called in the loop. */
static bool is_ready(void *arg, const struct interface *i)
{
	struct upkeep *u = arg;

	return neighbours_answer(u->neighbours, i, u->node->now_ns);
}

/* Trouble with a link is over, or reported: who was told, or is to be told, may be due. */
static void on_trouble(void *arg, const struct event *event)
{
	struct upkeep *u = arg;

	reporter_emit(u->node->reporter, event);
	if (u->recover)
		recover_hurry(u->recover);
}

/* Trouble that we measured is on. */
static void on_sensed(void *arg, const struct sensed_key *key)
{
	struct upkeep *u = arg;

	recover_trouble(u->recover, key, u->node->now_ns);
}

static void on_measured(void *arg, const struct sensed_key *about, const struct measured *measured)
{
	struct upkeep *u = arg;

	recover_measured(u->recover, about, measured, u->node->now_ns);
}

static void on_sent(void *arg, const struct event *event)
{
	reporter_emit(((struct upkeep *)arg)->node->reporter, event);
}

/* ---- what other programs report -------------------------------------------------------------- */

static int refuse_name(const struct upkeep *u, const char *name, char error[CONTROL_ERROR])
{
	int len = snprintf(error, CONTROL_ERROR, "no core port is called \"%s\"; there are", name);
	bool first = true;

	for (__u32 i = 0; i < policy_of(u)->n_ports && len < CONTROL_ERROR; i++) {
		const struct policy_port *port = &policy_of(u)->port[i];

		if (port->class != PORT_CORE)
			continue;
		len += snprintf(error + len, CONTROL_ERROR - len, "%s %s", first ? "" : ",", port->name);
		first = false;
	}
	return -ENOENT;
}

static int report_failure(struct upkeep *u, const struct interface *i, const struct report *report,
			  char error[CONTROL_ERROR])
{
	if (report->kind == KIND_RECOVERY && !i->reported_down) {
		snprintf(error, CONTROL_ERROR, "no failure of %s was reported; %s", report->link,
			 i->down ? "that it is down was seen, and so will be that it is up" : "it is up");
		return -ENOENT;
	}
	links_report(u->links, i, report->cause, u->node->now_ns);
	return 0;
}

static int report_congestion(struct upkeep *u, const struct interface *i, const struct report *report,
			     char error[CONTROL_ERROR])
{
	switch (watches_report(u->watches, i->port, report->cause, u->node->now_ns)) {
	case REPORT_DONE:
		return 0;
	case REPORT_UNWATCHED:
		snprintf(error, CONTROL_ERROR,
			 "%s is not watched, so nobody knows whom to tell; give it a \"watch\" in the "
			 "policy", report->link);
		return -ENOENT;
	case REPORT_NOTHING:
		break;
	}
	snprintf(error, CONTROL_ERROR, "no congestion of %s was reported", report->link);
	return -ENOENT;
}

int upkeep_report(struct upkeep *u, const struct report *report, char error[CONTROL_ERROR])
{
	const struct interface *i = links_name(u->links, report->link);

	if (!i || !interface_is_core(i))
		return refuse_name(u, report->link, error);
	if (report->kind == KIND_FAILURE || report->kind == KIND_RECOVERY)
		return report_failure(u, i, report, error);
	return report_congestion(u, i, report, error);
}

/* ---- the loop -------------------------------------------------------------------------------- */

enum {
	FD_LINKS,
	FD_NEXTHOPS,
	FD_ROUTES,
	FD_WATCHES,
	FD_DEVICES,
	FD_CARRIER,
	FD_PATHS,
	FD_BFD,
	FD_QDISCS,
	FD_DUMP, /* all routes, while they are read again */
	FD_COUNT,
};
_Static_assert(FD_COUNT == UPKEEP_FDS, "a place for each");

__u32 upkeep_fds(const struct upkeep *u, struct pollfd fds[UPKEEP_FDS])
{
	const int fd[FD_COUNT] = {
		[FD_LINKS] = links_fd(u->links),
		[FD_NEXTHOPS] = nexthops_fd(u->nexthops),
		[FD_ROUTES] = routes_fd(u->routes),
		[FD_WATCHES] = watches_fd(u->watches),
		[FD_DEVICES] = u->devices ? devices_fd(u->devices) : -1,
		[FD_CARRIER] = u->node->carrier ? carrier_fd(u->node->carrier) : -1,
		[FD_PATHS] = reporter_paths(u->node->reporter),
		[FD_BFD] = u->bfd ? bfd_fd(u->bfd) : -1,
		[FD_QDISCS] = u->qdiscs ? qdiscs_fd(u->qdiscs) : -1,
		[FD_DUMP] = routes_dump_fd(u->routes),
	};

	for (int i = 0; i < FD_COUNT; i++)
		fds[i] = (struct pollfd){ .fd = fd[i], .events = POLLIN };
	return FD_COUNT;
}

__u64 upkeep_due(const struct upkeep *u)
{
	__u64 due = MIN(links_due(u->links), nexthops_due(u->nexthops));

	due = MIN(due, MIN(neighbours_due(u->neighbours), routes_due(u->routes)));
	due = MIN(due, MIN(recover_due(u->recover), watches_due(u->watches)));
	if (u->devices)
		due = MIN(due, devices_due(u->devices));
	due = MIN(due, MIN(fullness_due(&u->fullness), overflow_due(&u->overflow)));
	due = MIN(due, overdue_due(&u->overdue));
	due = MIN(due, MIN(senses_due(u->senses), changes_due(u->changes)));
	return MIN(due, balance_due(u->balance));
}

void upkeep_links(struct upkeep *u)
{
	__u64 now_ns = u->node->now_ns;

	if (u->devices && devices_changed(u->devices))
		links_devices(u->links, now_ns);
	if (u->bfd && bfd_changed(u->bfd))
		links_bfd(u->links, now_ns);
	links_read(u->links, now_ns);
	if (u->node->carrier && carrier_changed(u->node->carrier))
		links_ask(u->links, now_ns);
}

void upkeep_rest(struct upkeep *u, const struct pollfd fds[UPKEEP_FDS])
{
	__u64 now_ns = u->node->now_ns;

	nexthops_read(u->nexthops);
	if (u->qdiscs && qdiscs_read(u->qdiscs))
		nexthops_qdiscs(u->nexthops, qdiscs_that_hold(u));
	if (nexthops_due(u->nexthops) <= now_ns)
		nexthops_tick(u->nexthops, now_ns);
	routes_read(u->routes, now_ns);
	if (fds[FD_DUMP].revents)
		routes_read_dump(u->routes, now_ns);
	links_tick(u->links, now_ns);
	if (u->devices && devices_due(u->devices) <= now_ns)
		devices_renew(u->devices);
	routes_tick(u->routes, now_ns);
	neighbours_tick(u->neighbours);
	if (reporter_paths_changed(u->node->reporter))
		recover_groups(u->recover);
	watches_read(u->watches);
	watches_tick(u->watches, now_ns);
	senses_tick(u->senses, now_ns);
	changes_tick(u->changes, now_ns);
	recover_tick(u->recover, now_ns);
	balance_tick(u->balance, now_ns);
	fullness_tick(&u->fullness, now_ns);
	overflow_tick(&u->overflow, now_ns);
	overdue_tick(&u->overdue, now_ns);
}

void upkeep_keys(struct upkeep *u)
{
	keyring_again(maps_of(u), policy_of(u));
}

/* ---- pins ------------------------------------------------------------------------------------ */

static int open_reporter(struct upkeep *u)
{
	struct node *node = u->node;

	if (node->reporter)
		return 0;
	return reporter_start(&node->reporter, maps_of(u)->events,
			      attach_former_events(u->edition->attach), &node->pins, node->format,
			      node->events);
}

bool upkeep_is_pinned(const struct upkeep *u)
{
	return attach_is_pinned(u->edition->attach);
}

/* Readers of events find the reporter by the node's directory, which is another one. */
int upkeep_pin_again(struct upkeep *u)
{
	int r = attach_pin_again(u->edition->attach);

	if (r)
		return r;
	reporter_stop(take_ptr(u->node->reporter));
	return open_reporter(u);
}

/* ---- start and end --------------------------------------------------------------------------- */

/* Where some group's rate may be lowered, and what is ahead of it is to wait. */
static int open_qdiscs(struct upkeep *u)
{
	const struct policy *policy = policy_of(u);
	bool lowers = false;

	for (__u32 i = 0; i < policy->n_groups; i++)
		lowers |= policy->group[i].on_congestion == RELIEF_LOWER;
	return lowers && policy->config.pacing.horizon_ns ? qdiscs_open(&u->qdiscs) : 0;
}

/* Routes go from one to the next: reading them anew could take long. */
static int open_routes(struct upkeep *u, struct upkeep *before)
{
	if (!before)
		return neighbours_open(&u->neighbours)
			       ?: routes_open(&u->routes, maps_of(u), u->links, u->neighbours,
					      u->node->now_ns);
	u->neighbours = take_ptr(before->neighbours);
	u->routes = take_ptr(before->routes);
	neighbours_follow(u->neighbours, u->links);
	routes_follow(u->routes, maps_of(u), u->links, u->node->now_ns);
	return 0;
}

static int plan(struct upkeep *u)
{
	return push_plan(&u->push, maps_of(u), attach_settle(u->edition->attach), policy_of(u));
}

/* Links, next hops and routes, and the policy between them: see push.h for the order. Events from
 * the start on: what changed while nobody looked is news, too. */
static int bring_up(struct upkeep *u, struct upkeep *before)
{
	struct link_ops ops = { .changed = on_link, .ready = is_ready, .arg = u };
	struct sense_ops sense_ops = { .news = on_trouble, .lasts = on_sensed, .arg = u };
	int clock = attach_clock(u->edition->attach), r;
	const struct nexthop_use *uses;
	__u32 n_uses;

	u->node->now_ns = clock_now_ns(); /* what came before may have taken long */
	r = push_add(u->push) ?: open_reporter(u) ?: open_qdiscs(u)
		    ?: links_open(&u->links, maps_of(u), policy_of(u), clock,
				  before ? before->links : NULL, &ops);
	if (r)
		return r;
	uses = push_nexthops(u->push, &n_uses);
	return nexthops_open(&u->nexthops, maps_of(u), u->links, qdiscs_that_hold(u), clock, uses,
			     n_uses)
		       ?: open_routes(u, before)
		       ?: watches_open(&u->watches, maps_of(u), u->links, policy_of(u), on_trouble, u)
		       ?: senses_open(&u->senses, maps_of(u), u->links, policy_of(u), &sense_ops)
		       ?: changes_open(&u->changes, maps_of(u), u->links, u->watches, u->senses,
				       policy_of(u), on_measured, u);
}

/* Where maps have another size, the old programs don't see what was added, and must not be led there. */
static int switch_over(struct upkeep *u)
{
	struct attach *attach = u->edition->attach;

	if (attach_must_resize(attach))
		return attach_keep(attach) ?: push_switch(u->push);
	return push_switch(u->push) ?: attach_keep(attach);
}

/* Links may have failed while nobody could tell of it; who was told already is not told again. */
static void tell_failed(struct upkeep *u)
{
	for (__u32 p = 0; p < policy_of(u)->n_ports; p++) {
		const struct interface *i = links_name(u->links, policy_of(u)->port[p].name);

		if (i && interface_is_core(i) && i->link.down)
			recover_failed(u->recover, i, u->node->now_ns);
	}
}

/* From here on things are pinned. */
static int keep(struct upkeep *u)
{
	struct attach *attach = u->edition->attach;
	int r;

	r = switch_over(u);
	if (!r)
		links_noted(u->links, clock_now_ns());
	r = r ?: push_remove(u->push) ?: attach_drop_ports(attach)
		    ?: recover_open(&u->recover, maps_of(u), u->links, u->watches, u->senses,
				    policy_of(u), on_sent, u)
		    ?: balance_open(&u->balance, maps_of(u), policy_of(u), on_sent, u);
	push_free(take_ptr(u->push));
	u->node->now_ns = clock_now_ns();
	if (!r)
		tell_failed(u);
	fullness_begin(&u->fullness, maps_of(u), policy_of(u), u->node->now_ns);
	overflow_begin(&u->overflow, maps_of(u), u->links, u->qdiscs, u->node->now_ns);
	overdue_begin(&u->overdue, attach_overdue(u->edition->attach), u->node->now_ns);
	return r;
}

/* The timer that the one before began goes on with the programs of this one. */
static int read_devices(struct upkeep *u, struct upkeep *before)
{
	struct device_programs programs = attach_devices(u->edition->attach);
	const struct policy *policy = policy_of(u);
	int r;

	if (before)
		devices_stop(take_ptr(before->devices));
	if (programs.find < 0)
		return -EOPNOTSUPP;
	r = devices_start(&u->devices, maps_of(u), &programs, policy->n_ports, u->node->carrier_ns);
	if (r)
		return r;
	for (__u32 i = 0; i < policy->n_ports; i++) {
		const struct interface *port = links_name(u->links, policy->port[i].name);

		if (port && interface_is_core(port))
			devices_set(u->devices, i, port->ifindex);
	}
	devices_renew(u->devices);
	links_set_devices(u->links, devices_rows(u->devices));
	return 0;
}

/* Without all this links are still seen to fail, only later. */
static void lead(struct upkeep *u, struct upkeep *before)
{
	struct node *node = u->node;

	if (read_devices(u, before) && node->carrier_ns && !node->carrier)
		carrier_start(&node->carrier, MAX(node->carrier_ns, CARRIER_ASK_NS));
	watch_carriers(u);
	if (before)
		bfd_hand_over(take_ptr(before->bfd), policy_of(u));
	bfd_start(&u->bfd, maps_of(u), policy_of(u));
}

void upkeep_lead(struct upkeep *u)
{
	lead(u, NULL);
}

/* The parts, but for the edition. `last`: nobody follows. */
static void end(struct upkeep *u, bool last)
{
	bfd_stop(u->bfd);
	devices_stop(u->devices);
	balance_free(u->balance);
	recover_free(u->recover);
	changes_free(u->changes);
	senses_free(u->senses);
	watches_free(u->watches);
	routes_free(u->routes);
	neighbours_free(u->neighbours);
	nexthops_free(u->nexthops);
	qdiscs_free(u->qdiscs);
	if (last)
		links_free(u->links);
	else
		links_yield(u->links);
	push_free(u->push);
	free(u);
}

static struct upkeep *new_upkeep(struct node *node, struct edition *edition)
{
	struct upkeep *u = calloc(1, sizeof(*u));

	if (!u) {
		log_error("policy: no memory");
		return NULL;
	}
	u->node = node;
	u->edition = edition;
	return u;
}

static void own_attach(struct attach **attach)
{
	attach_free(*attach);
}
#define OWN_ATTACH __attribute__((cleanup(own_attach)))

/* What was begun is undone by doing again all that was in force before. */
static int restore(struct upkeep *broken, struct upkeep **before)
{
	struct edition *edition = (*before)->edition;
	struct attach *stale OWN_ATTACH = NULL; /* *before ends with it */
	struct upkeep *u;

	if (attach_has_resized(broken->edition->attach)) {
		stale = take_ptr(edition->attach);
		if (attach_load(&edition->attach, &broken->node->pins, &edition->policy,
				&edition->policy, broken->node->verbose)) {
			edition->attach = take_ptr(stale);
			return -EOWNERDEAD;
		}
	}
	u = new_upkeep(broken->node, edition);
	/* What has gone over to the broken one comes back from it. */
	if (!u || attach_carry(edition->attach) || plan(u) ||
	    attach_new_ports(u->edition->attach) || bring_up(u, broken->routes ? broken : *before) || keep(u))
		return err_r(-EOWNERDEAD, "policy: the one before can't be restored either");
	lead(u, *before);
	end(*before, false);
	*before = u;
	return 0;
}

int upkeep_start(struct upkeep **out, struct node *node, struct edition **edition,
		 struct upkeep **before)
{
	struct upkeep *old = before ? *before : NULL;
	struct upkeep *u = new_upkeep(node, *edition);
	int r;

	if (!u)
		return -ENOMEM;
	r = attach_carry((*edition)->attach) ?: plan(u)
		    ?: attach_new_ports((*edition)->attach);
	if (r) {
		end(u, false);
		return r;
	}
	r = bring_up(u, old) ?: keep(u);
	if (r) {
		if (old && restore(u, before))
			r = -EOWNERDEAD;
		end(u, !old);
		return r;
	}
	if (old) {
		struct edition *ended = old->edition;

		lead(u, old);
		end(old, false);
		edition_free(ended);
		*before = NULL;
	}
	*edition = NULL;
	*out = u;
	return 0;
}

void upkeep_free(struct upkeep *u)
{
	struct edition *edition = u ? u->edition : NULL;

	if (u)
		end(u, true);
	edition_free(edition);
}

const struct edition *upkeep_edition(const struct upkeep *u)
{
	return u->edition;
}

bool upkeep_is_takeover(const struct upkeep *u)
{
	return attach_is_takeover(u->edition->attach);
}

__u32 upkeep_dead_nexthops(const struct upkeep *u)
{
	return nexthops_down(u->nexthops);
}
