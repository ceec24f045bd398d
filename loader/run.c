// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * `fantel run`: bring a node up, or take over one that runs, and look after it until a signal
 * comes. One loop; links come first in it, because packets are being lost while a dead link looks
 * alive.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>

#include "attach.h"
#include "balance.h"
#include "bfd.h"
#include "carrier.h"
#include "clock.h"
#include "commands.h"
#include "control.h"
#include "devices.h"
#include "keyring.h"
#include "links.h"
#include "lock.h"
#include "log.h"
#include "neighbours.h"
#include "nexthops.h"
#include "options.h"
#include "own.h"
#include "pin.h"
#include "policy.h"
#include "push.h"
#include "recover.h"
#include "reporter.h"
#include "routes.h"
#include "teardown.h"
#include "watches.h"

#define REALTIME_PRIORITY 10
#define CARRIER_NS (NSEC_PER_MSEC / 4)
#define CARRIER_MIN_NS (NSEC_PER_MSEC / 20)
#define CARRIER_MAX_NS NSEC_PER_SEC /* then netlink is as fast */
/* Where the devices can't be read, and each look takes the RTNL lock. */
#define CARRIER_ASK_NS (5 * NSEC_PER_MSEC)

struct run_options {
	struct options options; /* first: what options_parse takes */
	const char *file;
	bool verbose, no_events, detach_on_exit, realtime;
	__u64 carrier_ns;
};

/* A node that runs. What is NULL is not there yet. */
struct run {
	struct pins pins;
	const struct policy *policy;
	struct attach *attach;
	struct push *push;
	struct links *links;
	struct nexthops *nexthops;
	struct neighbours *neighbours;
	struct routes *routes;
	struct watches *watches;
	struct recover *recover;
	struct balance *balance;
	struct devices *devices;
	struct carrier *carrier;
	struct bfd *bfd;
	struct reporter *reporter;
	struct control *control;
	int lock, signals;
	bool fresh; /* nothing of this node was here before */
	__u64 now_ns;
};

/* ---- options --------------------------------------------------------------------------------- */

enum {
	OPT_NO_EVENTS = 0x200,
	OPT_DETACH,
	OPT_REALTIME,
	OPT_CARRIER,
};

static const struct argp_option own_options[] = {
	{ .name = "verbose", .key = 'v', .doc = "tell on standard error what is being done" },
	{ .name = "no-events",
	  .key = OPT_NO_EVENTS,
	  .doc = "print no events; `fantel events` still does" },
	{ .name = "detach-on-exit",
	  .key = OPT_DETACH,
	  .doc = "on SIGINT or SIGTERM leave nothing behind, as `fantel detach` does" },
	{ .name = "realtime",
	  .key = OPT_REALTIME,
	  .doc = "see links fail ahead of other processes (SCHED_FIFO, memory locked)" },
	{ .name = "carrier-poll",
	  .key = OPT_CARRIER,
	  .arg = "MS",
	  .doc = "look every MS milliseconds at the carrier of core ports, of whose loss netlink may tell "
		 "late (default: 0.25; 0 = trust netlink)" },
	{}
};

static __u64 parse_period(const char *text, const struct argp_state *state)
{
	char *end;
	double ns = strtod(text, &end) * NSEC_PER_MSEC;

	if (*end || end == text || !(ns == 0 || (ns >= CARRIER_MIN_NS && ns <= CARRIER_MAX_NS)))
		argp_error(state,
			   "--carrier-poll: `%s' is neither 0 nor a number of milliseconds from %g to %g",
			   text, 1.0 * CARRIER_MIN_NS / NSEC_PER_MSEC,
			   1.0 * CARRIER_MAX_NS / NSEC_PER_MSEC);
	return ns;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(state);
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case OPT_NO_EVENTS:
		options->no_events = true;
		return 0;
	case OPT_DETACH:
		options->detach_on_exit = true;
		return 0;
	case OPT_REALTIME:
		options->realtime = true;
		return 0;
	case OPT_CARRIER:
		options->carrier_ns = parse_period(arg, state);
		return 0;
	case ARGP_KEY_ARG:
		if (options->file)
			argp_error(state, "one policy at a time; `%s' is too many", arg);
		options->file = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "the policy's file is missing");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { .argp = &options_view }, {} };
static const struct argp argp = {
	.options = own_options,
	.parser = parse,
	.args_doc = "POLICY",
	.doc = "Attach to the policy's ports, keep next hops and links fresh, print events.\v"
	       "Programs and maps stay when this process ends, however it ends: forwarding and "
	       "reaction go on. Run again to take over, with the same policy or another one; no "
	       "packet is lost. --node gives the node another name than its policy does.",
	.children = children,
};

/* ---- what happens to links ------------------------------------------------------------------- */

static void emit_link(const struct run *run, const struct interface *i, enum event_type type,
		      bool usable)
{
	struct event event = {
		.time_ns = run->now_ns,
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
	if (run->reporter)
		reporter_emit(run->reporter, &event);
}

/* Ports may have come, gone, or been renamed. */
static void watch_carriers(const struct run *run)
{
	char name[CARRIER_PORTS][IFNAMSIZ];

	if (run->carrier)
		carrier_watch(run->carrier, (const void *)name,
			      links_delayed(run->links, name, CARRIER_PORTS));
}

/* A core port's interface came or went (0). */
static void watch_device(const struct run *run, const struct interface *i, __u32 ifindex)
{
	if (!run->devices || !interface_is_core(i))
		return;
	devices_set(run->devices, links_row(run->links, i), ifindex);
	devices_renew(run->devices);
}

static void on_link(void *arg, enum link_change change, const struct interface *i)
{
	struct run *run = arg;

	switch (change) {
	case LINK_DOWN:
	case LINK_UP:
	case LINK_CHANGED:
		if (run->nexthops)
			nexthops_link(run->nexthops, i);
		if (!interface_is_core(i))
			break;
		if (change == LINK_DOWN && run->recover)
			recover_failed(run->recover, i, run->now_ns);
		if (run->watches)
			watches_link(run->watches, change, i);
		if (change == LINK_CHANGED)
			watch_carriers(run);
		else
			emit_link(run, i, EVENT_LINK, !i->link.down);
		if (change == LINK_DOWN && run->neighbours)
			neighbours_down(run->neighbours, i);
		if (change == LINK_UP && run->neighbours)
			neighbours_up(run->neighbours, i, run->now_ns);
		if (run->recover)
			recover_groups(run->recover);
		break;
	case LINK_STEADY:
		if (run->routes)
			routes_steady(run->routes, run->now_ns);
		if (run->recover)
			recover_hurry(run->recover);
		break;
	case LINK_SUPPRESSED:
		emit_link(run, i, EVENT_DAMPING, false);
		break;
	case LINK_RELEASED:
		emit_link(run, i, EVENT_DAMPING, true);
		break;
	case LINK_GONE:
		if (i->port)
			log_warn("port %s: its interface was removed; waiting for it to come back",
				 i->port->name);
		if (run->neighbours)
			neighbours_forget(run->neighbours, i->ifindex);
		watch_device(run, i, 0);
		if (run->bfd)
			bfd_port(run->bfd, i->port, 0);
		if (run->watches)
			watches_link(run->watches, change, i);
		watch_carriers(run);
		break;
	case LINK_APPEARED:
		log_warn("port %s: its interface is back", i->port->name);
		if (run->attach)
			attach_port_again(run->attach, i->port, i->ifindex);
		watch_device(run, i, i->ifindex);
		if (run->bfd)
			bfd_port(run->bfd, i->port, i->ifindex);
		if (run->watches)
			watches_link(run->watches, change, i);
		watch_carriers(run);
		break;
	case LINK_SAME:
		break;
	}
}

/* Not while we come up: links_tick asks, and is called in the loop. */
static bool is_ready(void *arg, const struct interface *i)
{
	struct run *run = arg;

	return neighbours_answer(run->neighbours, i, run->now_ns);
}

/* Trouble with a link is over, or reported: who was told, or is to be told, may be due. */
static void on_trouble(void *arg, const struct event *event)
{
	struct run *run = arg;

	reporter_emit(run->reporter, event);
	if (run->recover)
		recover_hurry(run->recover);
}

static void on_sent(void *arg, const struct event *event)
{
	reporter_emit(((struct run *)arg)->reporter, event);
}

/* ---- what other programs report -------------------------------------------------------------- */

static int refuse_name(const struct run *run, const char *name, char error[CONTROL_ERROR])
{
	int len = snprintf(error, CONTROL_ERROR, "no core port is called \"%s\"; there are", name);
	bool first = true;

	for (__u32 i = 0; i < run->policy->n_ports && len < CONTROL_ERROR; i++) {
		const struct policy_port *port = &run->policy->port[i];

		if (port->class != PORT_CORE)
			continue;
		len += snprintf(error + len, CONTROL_ERROR - len, "%s %s", first ? "" : ",", port->name);
		first = false;
	}
	return -ENOENT;
}

static int report_failure(struct run *run, const struct interface *i, const struct report *report,
			  char error[CONTROL_ERROR])
{
	if (report->kind == KIND_RECOVERY && !i->reported_down) {
		snprintf(error, CONTROL_ERROR, "no failure of %s was reported; %s", report->link,
			 i->down ? "that it is down was seen, and so will be that it is up" : "it is up");
		return -ENOENT;
	}
	links_report(run->links, i, report->cause, run->now_ns);
	return 0;
}

static int report_congestion(struct run *run, const struct interface *i, const struct report *report,
			     char error[CONTROL_ERROR])
{
	switch (watches_report(run->watches, i->port, report->cause, run->now_ns)) {
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

static int on_report(void *arg, const struct report *report, char error[CONTROL_ERROR])
{
	struct run *run = arg;
	const struct interface *i = links_name(run->links, report->link);

	if (!i || !interface_is_core(i))
		return refuse_name(run, report->link, error);
	if (report->kind == KIND_FAILURE || report->kind == KIND_RECOVERY)
		return report_failure(run, i, report, error);
	return report_congestion(run, i, report, error);
}

/* ---- the loop -------------------------------------------------------------------------------- */

static struct timespec time_left(const struct run *run)
{
	__u64 now = clock_now_ns(), due, left;

	due = MIN(links_due(run->links), nexthops_due(run->nexthops));
	due = MIN(due, MIN(neighbours_due(run->neighbours), routes_due(run->routes)));
	due = MIN(due, MIN(recover_due(run->recover), watches_due(run->watches)));
	due = MIN(due, balance_due(run->balance));
	if (run->devices)
		due = MIN(due, devices_due(run->devices));
	left = due > now ? due - now : 0;
	return (struct timespec){ left / NSEC_PER_SEC % 3600, left % NSEC_PER_SEC };
}

/* Returns the signal that ended it. */
static int loop(struct run *run)
{
	struct pollfd fds[] = {
		{ .fd = links_fd(run->links), .events = POLLIN },
		{ .fd = nexthops_fd(run->nexthops), .events = POLLIN },
		{ .fd = routes_fd(run->routes), .events = POLLIN },
		{ .fd = watches_fd(run->watches), .events = POLLIN },
		{ .fd = run->signals, .events = POLLIN },
		{ .fd = run->devices ? devices_fd(run->devices) : -1, .events = POLLIN },
		{ .fd = run->carrier ? carrier_fd(run->carrier) : -1, .events = POLLIN },
		{ .fd = reporter_paths(run->reporter), .events = POLLIN },
		{ .fd = run->bfd ? bfd_fd(run->bfd) : -1, .events = POLLIN },
		{ .fd = run->control ? control_fd(run->control) : -1, .events = POLLIN },
		{ .events = POLLIN }, /* all routes, while they are read again */
	};
	struct pollfd *dump = &fds[ARRAY_SIZE(fds) - 1];
	struct signalfd_siginfo signal = {};

	for (;;) {
		struct timespec left = time_left(run);

		dump->fd = routes_dump_fd(run->routes);
		dump->revents = 0;
		ppoll(fds, ARRAY_SIZE(fds), &left, NULL);
		run->now_ns = clock_now_ns();
		if (run->devices && devices_changed(run->devices))
			links_devices(run->links, run->now_ns);
		if (run->bfd && bfd_changed(run->bfd))
			links_bfd(run->links, run->now_ns);
		links_read(run->links, run->now_ns);
		if (run->carrier && carrier_changed(run->carrier))
			links_ask(run->links, run->now_ns);
		if (run->control)
			control_poll(run->control);
		nexthops_read(run->nexthops);
		if (nexthops_due(run->nexthops) <= run->now_ns)
			nexthops_tick(run->nexthops, run->now_ns);
		routes_read(run->routes, run->now_ns);
		if (dump->revents)
			routes_read_dump(run->routes, run->now_ns);
		links_tick(run->links, run->now_ns);
		if (run->devices && devices_due(run->devices) <= run->now_ns)
			devices_renew(run->devices);
		routes_tick(run->routes, run->now_ns);
		neighbours_tick(run->neighbours);
		if (reporter_paths_changed(run->reporter))
			recover_groups(run->recover);
		watches_read(run->watches);
		watches_tick(run->watches, run->now_ns);
		recover_tick(run->recover, run->now_ns);
		balance_tick(run->balance, run->now_ns);
		if (read(run->signals, &signal, sizeof(signal)) != sizeof(signal))
			continue;
		if (signal.ssi_signo != SIGHUP)
			return signal.ssi_signo;
		keyring_again(attach_maps(run->attach), run->policy);
	}
}

/* ---- up and down ----------------------------------------------------------------------------- */

static int take_lock(struct run *run)
{
	char path[PATH_MAX];
	int r = -ESTALE;

	pins_node_path(&run->pins, path);
	/* A detach may take the directory away between the two. */
	for (int tries = 0; r == -ESTALE && tries < 10; tries++) {
		r = pins_make(&run->pins);
		if (r)
			return r;
		r = lock_take(path);
	}
	if (r == -EBUSY)
		return err_r(r,
			     "node %s: process %d runs it already; end that one first, a take-over "
			     "loses no packet",
			     run->pins.node, lock_holder(path));
	if (r < 0)
		return err_r(r, "%s: can't lock it: %s", path, strerror(-r));
	run->lock = r;
	pins_map_path(&run->pins, "fantel_node", path);
	run->fresh = access(path, F_OK) != 0;
	return 0;
}

/* Links, next hops and routes, and the policy between them: see push.h for the order. Events from
 * the start on: what changed while nobody looked is news, too. */
static int bring_up(struct run *run, const struct run_options *options)
{
	const struct maps *maps = attach_maps(run->attach);
	struct link_ops ops = { .changed = on_link, .ready = is_ready, .arg = run };
	const struct nexthop_use *uses;
	__u32 n_uses;
	int r;

	r = push_plan(&run->push, maps, run->policy) ?: attach_new_ports(run->attach)
		    ?: push_add(run->push)
		    ?: reporter_start(&run->reporter, maps->events, &run->pins,
				      options->options.json ? FORMAT_JSON : FORMAT_TEXT,
				      options->no_events ? NULL : stdout)
		    ?: links_open(&run->links, maps, run->policy, attach_clock(run->attach),
				   &ops);
	if (r)
		return r;
	uses = push_nexthops(run->push, &n_uses);
	return nexthops_open(&run->nexthops, maps, run->links, attach_clock(run->attach), uses,
			     n_uses)
		       ?: neighbours_open(&run->neighbours)
		       ?: routes_open(&run->routes, maps, run->links, run->neighbours, run->now_ns)
		       ?: watches_open(&run->watches, maps, run->links, run->policy, on_trouble, run)
		       ?: push_switch(run->push);
}

/* From here on things are pinned. */
static int keep(struct run *run)
{
	int r;

	r = attach_keep(run->attach) ?: push_remove(run->push) ?: attach_drop_ports(run->attach)
		    ?: recover_open(&run->recover, attach_maps(run->attach), run->links,
				    run->watches, run->policy, on_sent, run)
		    ?: balance_open(&run->balance, attach_maps(run->attach), run->policy, on_sent,
				    run);
	push_free(take_ptr(run->push));
	return r;
}

/* Without it links are still seen to fail, only later. */
static void start_carrier(struct run *run, __u64 period_ns)
{
	struct device_programs programs = attach_devices(run->attach);

	if (programs.find >= 0 &&
	    !devices_start(&run->devices, attach_maps(run->attach), &programs, run->policy->n_ports,
			   period_ns)) {
		for (__u32 i = 0; i < run->policy->n_ports; i++) {
			const struct interface *port =
				links_name(run->links, run->policy->port[i].name);

			if (port && interface_is_core(port))
				devices_set(run->devices, i, port->ifindex);
		}
		devices_renew(run->devices);
		links_set_devices(run->links, devices_rows(run->devices));
	} else if (period_ns &&
		   !carrier_start(&run->carrier, MAX(period_ns, CARRIER_ASK_NS))) {
		watch_carriers(run);
	}
}

static void go_realtime(void)
{
	struct sched_param param = { .sched_priority = REALTIME_PRIORITY };

	if (sched_setscheduler(0, SCHED_FIFO, &param))
		log_warn("--realtime: not permitted (%s); CAP_SYS_NICE is needed", strerror(errno));
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		log_warn("--realtime: can't lock memory: %s", strerror(errno));
}

static void say_ready(const struct run *run)
{
	__u32 core = 0, down = nexthops_down(run->nexthops);

	for (__u32 i = 0; i < run->policy->n_ports; i++)
		core += run->policy->port[i].class == PORT_CORE;
	log_note("node %s: %s; ports: customer %u, core %u; paths: %u, groups: %u, classes: %u",
		 run->pins.node, attach_is_takeover(run->attach) ? "taken over" : "running",
		 run->policy->n_ports - core, core, run->policy->n_paths, run->policy->n_groups,
		 run->policy->n_classes);
	if (down)
		log_warn("node %s: next hops that lead nowhere now: %u; `fantel paths` shows them",
			 run->pins.node, down);
}

static void let_go(struct run *run)
{
	control_close(run->control);
	bfd_stop(run->bfd);
	carrier_stop(run->carrier);
	devices_stop(run->devices);
	balance_free(run->balance);
	recover_free(run->recover);
	watches_free(run->watches);
	routes_free(run->routes);
	neighbours_free(run->neighbours);
	nexthops_free(run->nexthops);
	links_free(run->links);
	reporter_stop(run->reporter); /* may take a moment; nobody looks at links meanwhile */
	push_free(run->push);
	attach_free(run->attach);
}

static int look_after(struct run *run, const struct run_options *options)
{
	int signal;

	if (options->realtime)
		go_realtime();
	start_carrier(run, options->carrier_ns);
	control_open(&run->control, &run->pins, on_report, run);
	bfd_start(&run->bfd, attach_maps(run->attach), run->policy);
	say_ready(run);
	signal = loop(run);
	let_go(run);
	if (options->detach_on_exit)
		return teardown(&run->pins, false);
	log_note("node %s: %s; programs and maps stay, packets are forwarded on; `fantel detach "
		 "--node %s` removes them",
		 run->pins.node, strsignal(signal), run->pins.node);
	return 0;
}

static int run(struct run *run, const struct run_options *options)
{
	int r;

	r = take_lock(run);
	if (r)
		return r;
	r = attach_load(&run->attach, &run->pins, run->policy, options->verbose)
		    ?: bring_up(run, options) ?: keep(run);
	if (!r)
		return look_after(run, options);
	let_go(run);
	if (run->fresh)
		pins_remove(&run->pins, false);
	else
		log_note("node %s: what ran before goes on", run->pins.node);
	return r;
}

/* Signals are read in the loop; one that comes earlier waits there. */
static int catch_signals(void)
{
	sigset_t set;

	signal(SIGPIPE, SIG_IGN); /* a reader of events that leaves is not our end */
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int cmd_run(int argc, char **argv)
{
	struct run_options options = { .carrier_ns = CARRIER_NS };
	struct policy policy OWN_POLICY = {};
	struct run node = { .policy = &policy, .lock = -1, .signals = -1 };
	int r;

	options_parse(&argp, argc, argv, &options);
	log_verbose(options.verbose);
	if (policy_read(&policy, options.file, stderr))
		return EXIT_BAD_INPUT;
	if (options.options.node)
		snprintf(policy.config.node, sizeof(policy.config.node), "%s",
			 options.options.node);
	if (pins_init(&node.pins, options.options.root, options.options.node ?: policy.config.node))
		return EXIT_BAD_INPUT;
	node.now_ns = clock_now_ns();
	node.signals = catch_signals();
	r = run(&node, &options);
	own_close(&node.signals);
	own_close(&node.lock);
	return r ? EXIT_FAILED : EXIT_DONE;
}
