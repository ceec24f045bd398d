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

#include "apply.h"
#include "clock.h"
#include "commands.h"
#include "control.h"
#include "lock.h"
#include "log.h"
#include "options.h"
#include "own.h"
#include "service.h"
#include "teardown.h"
#include "upkeep.h"

#define REALTIME_PRIORITY 10
#define PINS_NS NSEC_PER_SEC
#define PINS_MAX_NS (60 * NSEC_PER_SEC) /* while it can't be done, which is said each time */
#define CARRIER_NS (NSEC_PER_MSEC / 4)
#define CARRIER_MIN_NS (NSEC_PER_MSEC / 20)
#define CARRIER_MAX_NS NSEC_PER_SEC /* then netlink is as fast */

struct run_options {
	struct options options; /* first: what options_parse takes */
	const char *file;
	bool verbose, no_events, detach_on_exit, realtime;
	__u64 carrier_ns;
};

/* What is NULL is not there yet. */
struct run {
	struct node node;
	struct upkeep *upkeep;
	struct apply *apply;
	struct control *control;
	const char *name; /* --node */
	int lock, signals;
	bool fresh; /* nothing of this node was here before */
	bool back;  /* the policy is not that of the file, see apply_first */
	__u64 pins_ns, pins_wait_ns; /* when to look after the pins; 0 = they are in their place */
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

/* ---- the loop -------------------------------------------------------------------------------- */

static int on_report(void *arg, const struct report *report, char error[CONTROL_ERROR])
{
	return upkeep_report(((struct run *)arg)->upkeep, report, error);
}

static void on_order(void *arg, struct order *order)
{
	apply_order(((struct run *)arg)->apply, order);
}

static void serve(struct run *run)
{
	control_open(&run->control, &run->node.pins, on_report, on_order, run);
	apply_answer_by(run->apply, run->control);
}

static bool is_pinned(const struct run *run)
{
	char path[PATH_MAX];

	pins_node_path(&run->node.pins, path);
	return lock_is_of(run->lock, path) && upkeep_is_pinned(run->upkeep);
}

/* In their place, or in a new one that is called the same. */
static int pin_again(struct run *run)
{
	char path[PATH_MAX];
	int lock, r = pins_make(&run->node.pins);

	if (r)
		return r;
	pins_node_path(&run->node.pins, path);
	if (!lock_is_of(run->lock, path)) {
		lock = lock_take(path);
		if (lock < 0)
			return err_r(lock, "%s: can't lock it: %s", path, strerror(-lock));
		own_close(&run->lock);
		run->lock = lock;
	}
	r = upkeep_pin_again(run->upkeep);
	if (r)
		return r;
	control_close(take_ptr(run->control));
	serve(run);
	return 0;
}

/* Somebody has removed pins, or unmounted bpffs. Packets notice nothing while we hold what was pinned. */
static void look_after_pins(struct run *run)
{
	struct pins *pins = &run->node.pins;
	bool were = !run->pins_wait_ns, on_bpffs;

	if (run->node.now_ns < run->pins_ns)
		return;
	run->pins_ns = run->node.now_ns + PINS_NS;
	if (apply_is_busy(run->apply))
		return;
	if (is_pinned(run)) {
		run->pins_wait_ns = 0;
		return;
	}
	on_bpffs = pins_on_bpffs(pins);
	if (were)
		log_warn("node %s: %s: %s; while that is so, its programs end with this process", pins->node,
			 pins->dir, on_bpffs ? "pins were removed" : "no bpffs is mounted there any more");
	if (on_bpffs && !pin_again(run)) {
		run->pins_wait_ns = 0;
		log_note("node %s: pinned again; programs and maps outlive this process", pins->node);
		return;
	}
	run->pins_wait_ns = MIN(2 * MAX(run->pins_wait_ns, PINS_NS), PINS_MAX_NS);
	run->pins_ns = run->node.now_ns + (on_bpffs ? run->pins_wait_ns : PINS_NS);
}

static struct timespec time_left(const struct run *run)
{
	__u64 now = clock_now_ns(), due, left;

	due = MIN(upkeep_due(run->upkeep), MIN(apply_due(run->apply), run->pins_ns));
	due = MIN(due, service_alive(now));
	left = due > now ? due - now : 0;
	return (struct timespec){ left / NSEC_PER_SEC % 3600, left % NSEC_PER_SEC };
}

/* Returns the signal that ended it, or a negative errno. */
static int loop(struct run *run)
{
	struct pollfd fds[UPKEEP_FDS + 3];
	struct signalfd_siginfo signal = {};

	for (;;) {
		struct timespec left = time_left(run);
		__u32 n = upkeep_fds(run->upkeep, fds);
		int r;

		fds[n++] = (struct pollfd){ .fd = run->signals, .events = POLLIN };
		fds[n++] = (struct pollfd){ .fd = apply_fd(run->apply), .events = POLLIN };
		fds[n++] = (struct pollfd){ .fd = run->control ? control_fd(run->control) : -1,
					    .events = POLLIN };
		ppoll(fds, n, &left, NULL);
		run->node.now_ns = clock_now_ns();
		upkeep_links(run->upkeep);
		if (run->control)
			control_poll(run->control);
		upkeep_rest(run->upkeep, fds);
		look_after_pins(run);
		r = apply_tick(run->apply, run->node.now_ns);
		if (r)
			return r;
		if (read(run->signals, &signal, sizeof(signal)) != sizeof(signal))
			continue;
		if (signal.ssi_signo != SIGHUP)
			return signal.ssi_signo;
		upkeep_keys(run->upkeep);
	}
}

/* ---- up and down ----------------------------------------------------------------------------- */

static int take_lock(struct run *run)
{
	char path[PATH_MAX];
	int r = -ESTALE;

	pins_node_path(&run->node.pins, path);
	/* A detach may take the directory away between the two. */
	for (int tries = 0; r == -ESTALE && tries < 10; tries++) {
		r = pins_make(&run->node.pins);
		if (r)
			return r;
		r = lock_take(path);
	}
	if (r == -EBUSY)
		return err_r(r,
			     "node %s: process %d runs it already; end that one first, a take-over "
			     "loses no packet",
			     run->node.pins.node, lock_holder(path));
	if (r < 0)
		return err_r(r, "%s: can't lock it: %s", path, strerror(-r));
	run->lock = r;
	pins_map_path(&run->node.pins, "fantel_node", path);
	run->fresh = access(path, F_OK) != 0;
	return 0;
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
	const struct policy *policy = &upkeep_edition(run->upkeep)->policy;
	__u32 core = 0, down = upkeep_dead_nexthops(run->upkeep);
	char state[256];

	for (__u32 i = 0; i < policy->n_ports; i++)
		core += policy->port[i].class == PORT_CORE;
	snprintf(state, sizeof(state),
		 "node %s: %s; ports: customer %u, core %u; paths: %u, groups: %u, classes: %u",
		 run->node.pins.node, upkeep_is_takeover(run->upkeep) ? "taken over" : "running",
		 policy->n_ports - core, core, policy->n_paths, policy->n_groups, policy->n_classes);
	log_note("%s", state);
	service_ready(state);
	if (down)
		log_warn("node %s: next hops that lead nowhere now: %u; `fantel paths` shows them",
			 run->node.pins.node, down);
}

static void let_go(struct run *run)
{
	control_close(run->control);
	apply_close(run->apply);
	carrier_stop(take_ptr(run->node.carrier));
	upkeep_free(run->upkeep);
	reporter_stop(run->node.reporter); /* may take a moment; nobody looks at links meanwhile */
}

static int look_after(struct run *run, const struct run_options *options)
{
	bool pinned;
	int signal;

	if (options->realtime)
		go_realtime();
	upkeep_lead(run->upkeep);
	serve(run);
	say_ready(run);
	signal = loop(run);
	pinned = is_pinned(run);
	service_stopping();
	let_go(run);
	if (signal < 0)
		return err_r(signal, "node %s: nobody looks after it now; packets are forwarded on; "
				     "`fantel run` takes over", run->node.pins.node);
	if (options->detach_on_exit)
		return teardown(&run->node.pins, false);
	if (!pinned) {
		log_warn("node %s: %s; pins of it are gone, and what they kept ends with it; `fantel run` starts "
			 "it again", run->node.pins.node, strsignal(signal));
		return 0;
	}
	log_note("node %s: %s; programs and maps stay, packets are forwarded on; `fantel detach "
		 "--node %s` removes them",
		 run->node.pins.node, strsignal(signal), run->node.pins.node);
	return 0;
}

static int start(struct run *run, struct edition **edition)
{
	int r = take_lock(run);

	if (r)
		return r;
	r = apply_first(edition, &run->node.pins, run->name, &run->back)
		    ?: attach_load(&(*edition)->attach, &run->node.pins, &(*edition)->policy, NULL,
				   run->node.verbose)
		    ?: upkeep_start(&run->upkeep, &run->node, edition, NULL)
		    ?: apply_open(&run->apply, &run->node, &run->upkeep, run->name);
	if (!r) {
		apply_first_done(&run->node.pins, run->back);
		return 0;
	}
	let_go(run);
	if (run->fresh)
		pins_remove(&run->node.pins, false);
	else
		log_note("node %s: what ran before goes on", run->node.pins.node);
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

static void own_edition(struct edition **edition)
{
	edition_free(*edition);
}

int cmd_run(int argc, char **argv)
{
	struct run_options options = { .carrier_ns = CARRIER_NS };
	struct edition *edition __attribute__((cleanup(own_edition))) = NULL;
	struct run run = { .lock = -1, .signals = -1 };
	int r;

	options_parse(&argp, argc, argv, &options);
	log_verbose(options.verbose);
	if (edition_read(&edition, options.file, options.options.node, stderr))
		return EXIT_BAD_INPUT;
	if (pins_init(&run.node.pins, options.options.root,
		      options.options.node ?: edition->policy.config.node))
		return EXIT_BAD_INPUT;
	run.name = options.options.node;
	run.node.verbose = options.verbose;
	run.node.carrier_ns = options.carrier_ns;
	run.node.format = options.options.json ? FORMAT_JSON : FORMAT_TEXT;
	run.node.events = options.no_events ? NULL : stdout;
	run.signals = catch_signals();
	r = start(&run, &edition) ?: look_after(&run, &options);
	own_close(&run.signals);
	own_close(&run.lock);
	return r ? EXIT_FAILED : EXIT_DONE;
}
