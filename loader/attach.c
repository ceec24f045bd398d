// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Called by run. Touches the node's pins, the XDP hooks of the policy's ports, the tc ingress of those
 * whose packets are marked or wait for their time, the egress of those that are watched, and nothing else.
 *
 *	           first start                       take-over
 *	load       maps are made                     pinned maps are used again
 *	new ports  attached                          attached; a changed mode: old off, new on
 *		   what reads marks before what writes them
 *	(run pushes the policy)
 *	keep       maps and links are pinned         links get the new program, new ones are pinned
 *	           egress is attached                the same
 *	drop       -                                 links of ports that left are removed
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "attach.h"
#include "egress.h"
#include "fantel.skel.h"
#include "fantel/path.h"
#include "hook.h"
#include "log.h"
#include "own.h"
#include "recount.h"
#include "reuse.h"
#include "rights.h"
#include "tc.h"

/* One port of the policy. */
struct port {
	const struct policy_port *policy;
	__u32 ifindex;	    /* 0 = there is no such interface now */
	bool may_wait;	    /* for it to come back */
	int link_fd;	    /* ours; -1 = none */
	bool inherited;	    /* by an earlier loader: pinned already */
	enum xdp_mode mode; /* of what was inherited */
	struct tc tc;	    /* fantel_ingress, where there is something for it to read */
};

struct attach {
	const struct pins *pins;
	const struct policy *policy;
	struct fantel_bpf *skel;
	struct maps maps;
	struct reuse reuse;
	bool resized; /* the new ones are pinned in the place of the old ones */
	bool departs; /* packets leave by tc, too: at their time, or as XDP can't send them */
	bool kept;
	struct port *port;
};

/* ---- libbpf's words -------------------------------------------------------------------------- */

#define TAIL_BYTES 4096
#define TAIL_LINES 15

/* The end of what libbpf said: with a program that was refused, the verifier's last lines. */
static char tail[TAIL_BYTES];

static int keep_tail(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char *text OWN_MEM = NULL;
	size_t len, keep;

	if (level == LIBBPF_DEBUG || vasprintf(&text, fmt, ap) < 0)
		return 0;
	len = strlen(text);
	if (len >= sizeof(tail)) {
		memcpy(tail, text + len - (sizeof(tail) - 1), sizeof(tail));
		return 0;
	}
	keep = MIN(strlen(tail), sizeof(tail) - 1 - len);
	memmove(tail, tail + strlen(tail) - keep, keep);
	memcpy(tail + keep, text, len + 1);
	return 0;
}

static void print_tail(void)
{
	char *at = tail + strlen(tail);
	int lines = 0;

	while (at > tail && lines <= TAIL_LINES)
		lines += *--at == '\n';
	fprintf(stderr, "%s", at == tail ? at : at + 1);
}

/* ---- load ------------------------------------------------------------------------------------ */

/* Flows must keep their paths when the loader starts again: nothing random. */
static __u64 hash_seed(const struct config *config)
{
	const struct addr *a =
		addr_is_unspecified(&config->loopback6) ? &config->loopback4 : &config->loopback6;

	return hash_mix(hash_mix(a->q_be[0]) + a->q_be[1]);
}

/* Failures and congestion have half of the room each, and of either half each subject an equal part. */
static void share_room(typeof(((struct fantel_bpf__rodata *)0)->config) *config,
		       const struct policy *policy)
{
	__u32 half = policy->limit[LIMIT_FAILURES] / 2, subjects = policy->n_paths + policy->n_resources;
	__u32 transit = policy->config.pacing.transit ? MAX_TRANSIT : 0;

	config->congested_most = half;
	config->failures_each = MAX(half / MAX(subjects, 1U), 1U);
	config->congestions_each = MAX(half / MAX(subjects + transit, 1U), 1U);
}

static bool any_watched(const struct policy *policy)
{
	bool any = false;

	for (__u32 i = 0; i < policy->n_ports; i++)
		any |= port_is_watched(&policy->port[i]);
	return any;
}

static void configure(struct attach *attach)
{
	typeof(attach->skel->rodata->config) *config = &attach->skel->rodata->config;

	*config = attach->policy->config;
	config->hash_seed = hash_seed(&attach->policy->config);
	share_room(config, attach->policy);
	config->split_by_tc = !hook_redirects_split();
	attach->departs = config->split_by_tc;
	bpf_program__set_autoload(attach->skel->progs.fantel_device, devices_can_read());
	bpf_program__set_autoload(attach->skel->progs.fantel_carrier,
				  devices_can_read() && devices_can_attach());
	bpf_program__set_autoload(attach->skel->progs.fantel_qp, config->cnp);
	if (!any_watched(attach->policy))
		return;
	config->queue_by = egress_queue_by();
	config->netns_cookie = egress_netns_cookie();
	bpf_program__set_autoload(attach->skel->progs.fantel_watch, true);
	bpf_program__set_autoload(attach->skel->progs.fantel_queue,
				  config->queue_by == QUEUE_BY_TRACEPOINT);
}

/* Why programs don't load: rights, the kernel, or the verifier. */
static int err_load(int r, bool verbose)
{
	if (r == -EPERM && rights_check())
		return r;
	if (kernel_check())
		return r;
	if (r == -ENOMEM || r == -E2BIG)
		return err_r(r, "no memory for the maps (%s); smaller /fantel:fantel/limits in the policy "
				"need less", strerror(-r));
	if (verbose)
		print_tail();
	return err_r(r, "the kernel refuses the programs: %s%s", strerror(-r),
		     verbose ? "" : "; -v shows the verifier's last lines");
}

static int map_node_state(struct attach *attach)
{
	size_t page = sysconf(_SC_PAGESIZE);
	struct node_state *node;

	node = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED,
		    bpf_map__fd(attach->skel->maps.fantel_node), 0);
	if (node == MAP_FAILED)
		return err_r(-errno, "fantel_node: can't map it: %s", strerror(errno));
	/* Sequences rise over restarts: they start with the time at which the node began. */
	if (!node->sequence)
		node->sequence = (__u64)time(NULL) << 32;
	attach->maps.node = node;
	return 0;
}

/*
 * Our one kernel function is weak: Linux 6.1 lacks it, and does without. But libbpf 1.1 then looks for it in
 * kernel modules, and takes it for an error that it may not. It looks into them once at most: here,
 * where its error does not matter.
 */
static void forgo_modules(struct attach *attach)
{
	if (!rights_for_modules() && egress_queue_by() == QUEUE_BY_TRACEPOINT)
		bpf_program__set_attach_target(attach->skel->progs.fantel_core, 0,
					       "bpf_cast_to_kern_ctx");
}

static int load(struct attach *attach, bool verbose)
{
	int r;

	attach->skel = fantel_bpf__open();
	if (!attach->skel)
		return err_load(-errno, verbose);
	configure(attach);
	forgo_modules(attach);
	r = reuse_maps(&attach->reuse, attach->pins, attach->skel->obj, attach->policy->limit);
	if (r)
		return r;
	r = fantel_bpf__load(attach->skel);
	if (r)
		return err_load(r, verbose);
#define X(name) attach->maps.name = bpf_map__fd(attach->skel->maps.fantel_##name);
	MAPS(X)
#undef X
	memcpy(attach->maps.room, attach->policy->limit, sizeof(attach->maps.room));
	reuse_loaded(&attach->reuse);
	return map_node_state(attach);
}

/* ---- ports ----------------------------------------------------------------------------------- */

static int program_of(const struct attach *attach, const struct policy_port *port)
{
	return bpf_program__fd(port->class == PORT_CUSTOMER ? attach->skel->progs.fantel_customer
							    : attach->skel->progs.fantel_core);
}

/*
 * Is this port's pinned link on its interface? A link whose interface is gone, or has come back
 * under another index, or in another namespace, is a stranger: it is replaced.
 */
static void inherit(struct attach *attach, struct port *port)
{
	struct hook_state state = {};
	char path[PATH_MAX];
	int fd OWN_FD = -1;
	__u32 ifindex = 0, prog_id = 0;

	pins_link_path(attach->pins, port->policy->name, path);
	fd = bpf_obj_get(path);
	if (fd < 0 || hook_link(fd, &ifindex, &prog_id) || ifindex != port->ifindex ||
	    hook_query(ifindex, &state) || state.prog_id != prog_id)
		return;
	port->link_fd = take_fd(fd);
	port->inherited = true;
	port->mode = state.mode;
}

static void let_go(struct port *port)
{
	own_close(&port->link_fd);
	tc_release(&port->tc);
	port->link_fd = port->tc.fd = -1;
	port->inherited = false;
}

static void name_ports(struct attach *attach, const struct policy *before)
{
	for (__u32 i = 0; i < attach->policy->n_ports; i++) {
		struct port *port = &attach->port[i];

		port->policy = &attach->policy->port[i];
		port->link_fd = port->tc.fd = -1;
		for (__u32 k = 0; before && k < before->n_ports; k++)
			port->may_wait |= !strcmp(before->port[k].name, port->policy->name);
	}
}

/* What is there now. */
static int find_ports(struct attach *attach)
{
	int r = 0;

	for (__u32 i = 0; i < attach->policy->n_ports; i++) {
		struct port *port = &attach->port[i];

		let_go(port);
		port->ifindex = if_nametoindex(port->policy->name);
		if (!port->ifindex && port->may_wait)
			continue;
		if (!port->ifindex)
			r = err_r(-ENODEV,
				  "port %s: there is no such interface in this network namespace; "
				  "make it, or take it out of the policy",
				  port->policy->name);
		else
			inherit(attach, port);
	}
	return r;
}

int attach_load(struct attach **out, const struct pins *pins, const struct policy *policy,
		const struct policy *before, bool verbose)
{
	struct attach *attach;
	int r;

	r = rights_check();
	if (r)
		return r;
	attach = calloc(1, sizeof(*attach));
	if (!attach)
		return -ENOMEM;
	attach->pins = pins;
	attach->policy = policy;
	attach->port = calloc(policy->n_ports + 1, sizeof(*attach->port));
	attach->reuse.former.fd = -1; /* attach_free may come first */
	libbpf_set_print(keep_tail);
	if (attach->port)
		name_ports(attach, before);
	r = attach->port ? find_ports(attach) ?: load(attach, verbose) : -ENOMEM;
	if (r) {
		attach_free(attach);
		return r;
	}
	*out = attach;
	return 0;
}

void attach_free(struct attach *attach)
{
	if (!attach)
		return;
	for (__u32 i = 0; attach->port && i < attach->policy->n_ports; i++)
		if (attach->port[i].policy)
			let_go(&attach->port[i]);
	reuse_free(&attach->reuse);
	if (attach->maps.node)
		munmap(attach->maps.node, sysconf(_SC_PAGESIZE));
	fantel_bpf__destroy(attach->skel);
	free(attach->port);
	free(attach);
}

const struct maps *attach_maps(const struct attach *attach)
{
	return &attach->maps;
}

int attach_clock(const struct attach *attach)
{
	return bpf_program__fd(attach->skel->progs.fantel_clock);
}

int attach_settle(const struct attach *attach)
{
	return bpf_program__fd(attach->skel->progs.fantel_settle);
}

int attach_overdue(const struct attach *attach)
{
	return bpf_program__fd(attach->skel->progs.fantel_overdue);
}

struct device_programs attach_devices(const struct attach *attach)
{
	return (struct device_programs){
		.find = bpf_program__fd(attach->skel->progs.fantel_device),
		.carrier = bpf_program__fd(attach->skel->progs.fantel_carrier),
	};
}

struct former_ring *attach_former_events(struct attach *attach)
{
	return &attach->reuse.former;
}

bool attach_is_takeover(const struct attach *attach)
{
	return attach->reuse.n;
}

/* ---- attach ---------------------------------------------------------------------------------- */

static int pin_link(const struct attach *attach, const struct port *port)
{
	char path[PATH_MAX];

	pins_link_path(attach->pins, port->policy->name, path);
	unlink(path); /* a stranger's */
	if (bpf_obj_pin(port->link_fd, path))
		return err_r(-errno, "%s: can't pin the link: %s", path, strerror(errno));
	return 0;
}

/*
 * Native and generic can't be on an interface together, so the port is without a program for a
 * moment. If the new mode is refused, the old one comes back with the new program.
 */
static int change_mode(struct attach *attach, struct port *port)
{
	int program = program_of(attach, port->policy), fd;
	char path[PATH_MAX];

	log_warn("port %s: changes from %s to %s XDP; packets pass it untouched meanwhile",
		 port->policy->name, hook_mode(port->mode), hook_mode(port->policy->mode));
	pins_link_path(attach->pins, port->policy->name, path);
	unlink(path);
	bpf_link_detach(port->link_fd);
	own_close(&port->link_fd);
	port->link_fd = -1;
	port->inherited = false;
	fd = hook_attach(program, port->ifindex, port->policy->name, port->policy->mode);
	if (fd >= 0) {
		port->link_fd = fd;
		return pin_link(attach, port);
	}
	port->link_fd = hook_attach(program, port->ifindex, port->policy->name, port->mode);
	if (port->link_fd >= 0 && !pin_link(attach, port))
		log_warn("port %s: goes on in %s mode", port->policy->name, hook_mode(port->mode));
	return fd;
}

/* Is there anything for the kernel to read in front of what comes in here? */
static bool is_read(const struct attach *attach, const struct policy_port *port)
{
	bool marks = attach->departs;

	for (__u32 i = 0; i < attach->policy->n_paths; i++)
		marks |= attach->policy->path[i].tunnel == TUNNEL_MARK;
	return marks && port->class == PORT_CUSTOMER;
}

static int attach_reader(struct attach *attach, struct port *port)
{
	char path[PATH_MAX];

	if (!is_read(attach, port->policy))
		return 0;
	pins_ingress_path(attach->pins, port->policy->name, path);
	return tc_attach(&port->tc, TC_INGRESS, path, port->ifindex, port->policy->name,
			 bpf_program__fd(attach->skel->progs.fantel_ingress));
}

static int attach_port(struct attach *attach, struct port *port)
{
	int fd = attach_reader(attach, port);

	if (fd < 0)
		return fd;
	if (port->inherited)
		return port->mode == port->policy->mode ? 0 : change_mode(attach, port);
	fd = hook_attach(program_of(attach, port->policy), port->ifindex, port->policy->name,
			 port->policy->mode);
	if (fd < 0)
		return fd;
	port->link_fd = fd;
	return 0;
}

int attach_new_ports(struct attach *attach)
{
	int r = find_ports(attach);

	/* Ports that change their mode last: what can fail without a trace comes first. */
	for (int inherited = 0; !r && inherited <= 1; inherited++)
		for (__u32 i = 0; !r && i < attach->policy->n_ports; i++)
			if (attach->port[i].ifindex && attach->port[i].inherited == inherited)
				r = attach_port(attach, &attach->port[i]);
	return r;
}

/* ---- keep ------------------------------------------------------------------------------------ */

/* No one who opens the pin finds none. */
static int replace_pin(const struct resize *resize, const char *path, const char *next)
{
	if (bpf_obj_pin(resize->new, next) || rename(next, path))
		return err_r(-errno, "%s: can't pin the map: %s", path, strerror(errno));
	return 0;
}

static int pin_map(const struct attach *attach, const struct bpf_map *map)
{
	char path[PATH_MAX], new[NAME_MAX + 1], next[PATH_MAX];

	snprintf(new, sizeof(new), "%s-next", bpf_map__name(map));
	pins_map_path(attach->pins, new, next);
	pins_map_path(attach->pins, bpf_map__name(map), path);
	unlink(next); /* of a loader that was killed while it replaced this one */
	for (__u32 i = 0; i < attach->reuse.n_resizes; i++)
		if (attach->reuse.resize[i].new == bpf_map__fd(map))
			return replace_pin(&attach->reuse.resize[i], path, next);
	if (bpf_obj_pin(bpf_map__fd(map), path) && errno != EEXIST)
		return err_r(-errno, "%s: can't pin the map: %s", path, strerror(errno));
	/* Whoever can open this one can read keys. Others may have been opened to somebody on purpose. */
	if (map == attach->skel->maps.fantel_keys && chmod(path, 0600))
		return err_r(-errno, "%s: can't keep it from others: %s", path, strerror(errno));
	return 0;
}

static int pin_maps(const struct attach *attach)
{
	struct bpf_map *map;
	int r = heritage_pin(attach->pins, attach->skel->obj);

	bpf_object__for_each_map(map, attach->skel->obj) if (!r && !bpf_map__is_internal(map)) r =
		pin_map(attach, map);
	return r;
}

static int keep_reader(struct attach *attach, struct port *port)
{
	char path[PATH_MAX];

	if (port->tc.fd < 0)
		return 0;
	pins_ingress_path(attach->pins, port->policy->name, path);
	return tc_keep(&port->tc, path);
}

static int keep_port(struct attach *attach, struct port *port)
{
	int r = port->ifindex ? keep_reader(attach, port) : 0;

	if (r || !port->ifindex)
		return r;
	if (!port->inherited)
		return pin_link(attach, port);
	if (bpf_link_update(port->link_fd, program_of(attach, port->policy), NULL))
		return err_r(-errno, "port %s: can't replace the program: %s", port->policy->name,
			     strerror(errno));
	return 0;
}

/* What belongs on a port's egress; NULL: nothing. */
static const struct bpf_program *egress_program(const struct attach *attach,
						const struct policy_port *port)
{
	if (port_is_watched(port))
		return attach->skel->progs.fantel_watch;
	return port->class == PORT_CUSTOMER && attach->policy->config.cnp
		       ? attach->skel->progs.fantel_qp
		       : NULL;
}

static int watch_port(const struct attach *attach, const struct port *port)
{
	const struct bpf_program *program = egress_program(attach, port->policy);

	if (!program || !port->ifindex)
		return 0;
	return egress_attach(attach->pins, port->policy->name, port->ifindex,
			     bpf_program__fd(program));
}

int attach_carry(struct attach *attach)
{
	int r = 0;

	for (__u32 i = 0; !r && i < attach->reuse.n_resizes; i++)
		r = resize_carry(&attach->reuse.resize[i]);
	return r;
}

bool attach_must_resize(const struct attach *attach)
{
	return attach->reuse.n_resizes;
}

bool attach_has_resized(const struct attach *attach)
{
	return attach->resized;
}

/* From here on others see it if we are killed, until it is settled. */
static int tear(const struct attach *attach)
{
	char path[PATH_MAX];

	pins_torn_path(attach->pins, path);
	return mkdir(path, 0700) && errno != EEXIST ? err_r(-errno, "%s: %s", path, strerror(errno)) : 0;
}

static int mend(const struct attach *attach, int program)
{
	char path[PATH_MAX];
	int r = 0;

	if (attach->reuse.torn)
		log_warn("a loader was ended while it replaced maps; counting failures anew");
	if (attach->reuse.torn || attach->reuse.is_foreign) {
		r = recount(&attach->maps, bpf_map__fd(attach->skel->maps.fantel_transit), program);
	}
	pins_torn_path(attach->pins, path);
	return r || !rmdir(path) || errno == ENOENT ? r : err_r(-errno, "%s: %s", path, strerror(errno));
}

/* When no port has an old program any more. */
static int settle(struct attach *attach)
{
	struct reuse *reuse = &attach->reuse;
	int program = attach_settle(attach), r = 0;

	if (!reuse->n)
		return 0;
	if (reuse->n_resizes)
		r = resize_settle(reuse->resize, reuse->n_resizes, program);
	for (__u32 i = 0; i < reuse->n_resizes; i++) {
		if (!reuse->is_foreign)
			log_info("%s: has room for %u now", reuse->resize[i].map->name,
				 reuse->resize[i].room);
		resize_free(&reuse->resize[i]);
	}
	reuse->n_resizes = 0;
	r = r ?: mend(attach, program);
	if (!r && reuse->is_foreign)
		log_note("node %s: its maps were made by another build of fantel; all that was in them is "
			 "carried over", attach->pins->node);
	return r ?: heritage_clean(attach->pins, attach->skel->obj);
}

int attach_keep(struct attach *attach)
{
	int r, trace = bpf_program__fd(attach->skel->progs.fantel_queue);

	attach->kept = true;
	attach->resized = attach->reuse.n_resizes;
	r = (attach->resized ? tear(attach) : 0) ?: pin_maps(attach);
	for (__u32 i = 0; !r && i < attach->policy->n_ports; i++)
		r = keep_port(attach, &attach->port[i]);
	if (!r && trace >= 0)
		r = egress_trace(attach->pins, trace);
	for (__u32 i = 0; !r && i < attach->policy->n_ports; i++)
		r = watch_port(attach, &attach->port[i]);
	return r ?: settle(attach);
}

/* ---- drop ------------------------------------------------------------------------------------ */

static int drop_link(void *arg, const char *ifname, const char *path)
{
	const struct attach *attach = arg;
	int fd OWN_FD = -1;

	for (__u32 i = 0; i < attach->policy->n_ports; i++)
		if (!strcmp(attach->policy->port[i].name, ifname))
			return 0;
	fd = bpf_obj_get(path);
	if (fd >= 0)
		bpf_link_detach(fd);
	if (unlink(path))
		return err_r(-errno, "%s: can't remove it: %s", path, strerror(errno));
	log_warn("port %s: is not in the policy any more; its program was removed", ifname);
	return 0;
}

/* A port that has no program there any more, or the tracepoint when no port is watched. */
static int drop_egress(void *arg, const char *name, const char *path)
{
	const struct attach *attach = arg;
	bool is_port = strlen(name) < IFNAMSIZ;

	if (!is_port && any_watched(attach->policy))
		return 0;
	for (__u32 i = 0; is_port && i < attach->policy->n_ports; i++)
		if (egress_program(attach, &attach->policy->port[i]) &&
		    !strcmp(attach->policy->port[i].name, name))
			return 0;
	egress_detach(name, path);
	if (unlink(path))
		return err_r(-errno, "%s: can't remove it: %s", path, strerror(errno));
	return 0;
}

static int drop_reader(void *arg, const char *ifname, const char *path)
{
	const struct attach *attach = arg;

	for (__u32 i = 0; i < attach->policy->n_ports; i++)
		if (!strcmp(attach->policy->port[i].name, ifname) &&
		    is_read(attach, &attach->policy->port[i]))
			return 0;
	tc_detach(TC_INGRESS, path, ifname);
	if (unlink(path))
		return err_r(-errno, "%s: can't remove it: %s", path, strerror(errno));
	return 0;
}

int attach_drop_ports(struct attach *attach)
{
	return pins_each_link(attach->pins->dir, drop_link, attach)
		       ?: pins_each_ingress(attach->pins->dir, drop_reader, attach)
		       ?: pins_each_egress(attach->pins->dir, drop_egress, attach);
}

/* ---- while running --------------------------------------------------------------------------- */

int attach_departures(struct attach *attach)
{
	int r = 0;

	if (attach->departs)
		return 0;
	attach->departs = true;
	for (__u32 i = 0; !r && i < attach->policy->n_ports; i++) {
		struct port *port = &attach->port[i];

		if (!port->ifindex || port->tc.fd >= 0)
			continue;
		r = attach_reader(attach, port);
		if (!r && attach->kept)
			r = keep_reader(attach, port);
	}
	attach->departs = !r;
	return r;
}

/* Are its pins where they belong? */
static bool is_port_pinned(const struct attach *attach, const struct port *port)
{
	char link[PATH_MAX], mark[PATH_MAX], egress[PATH_MAX];
	bool is_watched = port->ifindex && egress_program(attach, port->policy);

	pins_link_path(attach->pins, port->policy->name, link);
	pins_ingress_path(attach->pins, port->policy->name, mark);
	pins_egress_path(attach->pins, port->policy->name, egress);
	return (port->link_fd < 0 || !access(link, F_OK)) && (port->tc.fd < 0 || !access(mark, F_OK)) &&
	       (!is_watched || !access(egress, F_OK));
}

bool attach_is_pinned(const struct attach *attach)
{
	struct bpf_map *map;
	char path[PATH_MAX];
	bool all = true;

	bpf_object__for_each_map(map, attach->skel->obj)
	{
		pins_map_path(attach->pins, bpf_map__name(map), path);
		all = all && (bpf_map__is_internal(map) || !access(path, F_OK));
	}
	for (__u32 i = 0; all && i < attach->policy->n_ports; i++)
		all = is_port_pinned(attach, &attach->port[i]);
	return all;
}

static int pin_port_again(struct attach *attach, struct port *port)
{
	char path[PATH_MAX];
	int r = 0;

	if (is_port_pinned(attach, port))
		return 0;
	pins_ingress_path(attach->pins, port->policy->name, path);
	port->tc.pinned = !access(path, F_OK);
	if (port->link_fd >= 0)
		r = pin_link(attach, port);
	return r ?: keep_reader(attach, port) ?: watch_port(attach, port);
}

int attach_pin_again(struct attach *attach)
{
	int r = pin_maps(attach), trace = bpf_program__fd(attach->skel->progs.fantel_queue);

	if (!r && trace >= 0)
		r = egress_trace(attach->pins, trace);
	for (__u32 i = 0; !r && i < attach->policy->n_ports; i++)
		r = pin_port_again(attach, &attach->port[i]);
	return r;
}

int attach_port_again(struct attach *attach, const struct policy_port *policy, __u32 ifindex)
{
	struct port *port = &attach->port[policy - attach->policy->port];

	let_go(port);
	port->ifindex = ifindex;
	return attach_port(attach, port) ?: keep_reader(attach, port) ?: pin_link(attach, port)
		       ?: watch_port(attach, port);
}
