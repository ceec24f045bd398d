// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What each program costs per packet: `make bench`. Every program runs by BPF_PROG_TEST_RUN behind
 * `again` (again.bpf.c), in batches, in turn with all the others, so that what else the machine
 * does hits all alike. Figures are net of an empty program in the same place, in the same turn.
 *
 * Touches nothing but memory and a network namespace of its own. Fails when a program does not do
 * the work that its row names; never on a time.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <jansson.h>

#include "again.h"
#include "bench/again.skel.h"
#include "bench/floor.skel.h"
#include "encap.h"
#include "endpoint.h"
#include "fantel/msg_build.h"
#include "fantel/resource.h"
#include "log.h"
#include "own.h"
#include "prog/harness.h"

#define SUBJECTS_MAX 64
#define CLASSES 1000
#define DESTINATIONS_MASK 511 /* of the 1,000, where destinations vary */

/* The project's own bars: times the floor, times SRv6, and ns. */
#define STEER_BAR 1.35
#define TUNNEL_BAR 1.0
#define ORDER_BAR 60 /* more than without */
#define NOTIFY_BAR 300
#define METRICS_BAR 400
#define SIPHASH_BAR 450
#define HMAC_BAR 2500
#define CONGESTION_BAR 400
#define DETECT_BAR 250
#define QUIET_BAR 10
#define LEARN_BAR 15 /* more than without */
#define LEARN_EVERY 64
#define DECAP_BAR 150

static int n_batches = 100, n_runs = 20000;

struct subject {
	const char *name;
	const struct bpf_program *prog;	  /* NULL: the empty program */
	struct fantel_bpf *node;	  /* whose it is; NULL = none of ours */
	int verdict;			  /* of every run */
	enum reason reason;		  /* counted by every run */
	int runs;			  /* per batch; 0 = as all */
	void (*before)(struct subject *); /* each batch */
	const struct subject *empty;	  /* what it is net of */
	const struct subject *bar_of;	  /* the bar is so many times that one's median */
	const char *bar_word;		  /* what that one is; NULL = the floor */
	double bar;			  /* ns, or the factor; 0 = none */
	double bar_more;		  /* ns on top of it */

	struct bytes packet;
	struct again want;
	struct again_bpf *again;
	double *gross; /* ns per run, by batch */
	double median, min, q1, q3;
};

static struct subject subjects[SUBJECTS_MAX];
static int n_subjects;

/* ---- subjects -------------------------------------------------------------------------------- */

/* A packet, and how many of its words the program spoils. */
static struct subject *add_packet(const char *name, const struct bytes *packet, int words)
{
	struct subject *s = &subjects[n_subjects++];

	*s = (struct subject){ .name = name, .verdict = XDP_PASS, .packet = *packet };
	if (s->packet.len < AGAIN_LEN) /* Ethernet may pad */
		s->packet.len = AGAIN_LEN;
	memcpy(&s->want.first, s->packet.b, AGAIN_LEN);
	s->want.len = s->packet.len;
	s->want.words = words;
	return s;
}

/* Are these two put back in the same way, so that one can be subtracted from the other? */
static bool same_again(const struct again *a, const struct again *b)
{
	return a->words == b->words && a->tail == b->tail && !a->count_at == !b->count_at &&
	       !a->complement_at == !b->complement_at;
}

/* The same by the packet's name. */
static struct subject *add(const char *name, const char *packet, int words)
{
	return add_packet(name, golden(packet), words);
}

/* The empty program that is put back as *s is: one of those there, or a new one. */
static struct subject *empty_for(const struct subject *s)
{
	struct subject *e;

	for (e = subjects; e < subjects + n_subjects; e++)
		if (e->empty == e && same_again(&e->want, &s->want))
			return e;
	if (n_subjects == SUBJECTS_MAX) {
		log_error("bench: too many rows");
		exit(1);
	}
	e = &subjects[n_subjects++];
	*e = (struct subject){ .name = "empty",
			       .verdict = XDP_PASS,
			       .empty = e,
			       .packet = s->packet,
			       .want = s->want };
	return e;
}

static void empties_add(void)
{
	int n = n_subjects;

	for (int i = 0; i < n; i++)
		subjects[i].empty = empty_for(&subjects[i]);
}

/* Put `again` in front of the program. */
static int subject_load(struct subject *s)
{
	__u32 zero = 0;
	int fd;

	s->gross = calloc(n_batches, sizeof(*s->gross));
	s->again = again_bpf__open();
	if (!s->gross || !s->again)
		return err_r(-ENOMEM, "bench: out of memory");
	memcpy((void *)&s->again->rodata->want, &s->want, sizeof(s->want));
	if (again_bpf__load(s->again))
		return err_r(-errno, "bench: %s: again.bpf.o can't be loaded", s->name);
	fd = bpf_program__fd(s->prog ? s->prog : s->again->progs.empty);
	if (bpf_map_update_elem(bpf_map__fd(s->again->maps.subject), &zero, &fd, BPF_ANY))
		return err_r(-errno, "bench: %s: can't be tail-called: %s", s->name,
			     strerror(errno));
	return 0;
}

/* ---- what the programs know ------------------------------------------------------------------ */

static const char *class_text(unsigned int n)
{
	static char text[64];

	snprintf(text, sizeof(text), "2001:db8:%x::/48", n);
	return text;
}

static struct floor_bpf *floor_node(void)
{
	struct floor_bpf *floor = floor_bpf__open_and_load();

	if (!floor) {
		log_error("bench: floor.bpf.o can't be loaded: %s", strerror(errno));
		exit(1);
	}
	for (unsigned int n = 0; n < CLASSES; n++) {
		struct policy_prefix p = prefix_of(class_text(n));
		struct prefix_key key = { .plen = p.plen };
		struct class_value value = { .group = 0 };

		memcpy(key.addr_be, &p.addr, sizeof(key.addr_be));
		node_put(floor->maps.floor_classes, &key, &value);
	}
	return floor;
}

/* 1,000 classes of IPv6 and one of IPv4, all to one group of n paths with that path's header. */
static struct fantel_bpf *tunnel_node(const char *path_name, __u32 members)
{
	struct config config = node_config();
	struct fantel_bpf *node = node_load(&config);
	struct policy_path path = golden_path(path_name);
	struct nexthop nh = nexthop_fresh();

	for (unsigned int n = 0; n < CLASSES; n++)
		node_class(node, class_text(n), 0);
	node_class(node, "203.0.113.0/24", 0);
	for (__u32 i = 0; i < members; i++) {
		node_path(node, i, &path);
		node_nexthop(node, i, &nh);
	}
	node_group(node, 0, FATE_DROP, members, NULL, NULL);
	return node;
}

static struct fantel_bpf *steer_node(__u32 members)
{
	return tunnel_node("encaps-3", members);
}

/* The path that bench6's flow takes, by the counters. */
static __u32 path_in_use(struct fantel_bpf *node)
{
	static struct outcome o;
	int cpus = libbpf_num_possible_cpus();
	struct traffic t[cpus];

	node_run(node, node->progs.fantel_customer, 0, golden("bench6"), &o);
	for (__u32 path = 0; path < MAX_MEMBERS; path++) {
		node_get(node->maps.fantel_traffic, &path, t);
		for (int cpu = 0; cpu < cpus; cpu++)
			if (t[cpu].packets)
				return path;
	}
	log_error("bench: steer doesn't steer");
	exit(1);
}

/* Rates and shares that are looked at, and never reached. */
static struct config receiver_config(void)
{
	struct config config = node_config();

	for (enum kind kind = 0; kind < KIND_COUNT; kind++)
		config.receive[kind] = (struct rate){ 1, NSEC_PER_SEC };
	config.failures_each = config.congestions_each = INT32_MAX;
	return config;
}

static struct fantel_bpf *notify_node(void)
{
	struct config config = receiver_config();
	struct fantel_bpf *node = node_load(&config);
	struct policy_path path = golden_path("encaps-3");

	node_path(node, 0, &path);
	node_source(node, "2001:db8:f::/48");
	return node;
}

#define LINK "core-link"

/* Resource `index`: a link by these addresses, `index` of them crossed by nobody told of. */
static void link_make(struct fantel_bpf *node, __u32 index)
{
	struct addr a = addr_of("2001:db8:12::1"), b = addr_of("2001:db8:12::2"); /* packets.py's */
	struct resource_key key;

	b.b[14] = index;
	resource_key_link(&key, &a, &b);
	node_resource(node, index, LINK, 1, &key);
}

/* So many paths with encaps-3's header, which all cross the same resources. */
static struct fantel_bpf *crossing_node(__u32 paths, __u32 resources)
{
	struct config config = receiver_config();
	struct fantel_bpf *node = node_open(&config);
	struct policy_path from = golden_path("encaps-3");
	struct nexthop nh = nexthop_fresh();
	__u32 crossed[MAX_CROSSED], zero = 0;
	struct path path;

	node_widen(node, MAX(paths, MAX_PATHS));
	node_start(node);
	node_path(node, 0, &from);
	node_nexthop(node, 0, &nh);
	node_source(node, "2001:db8:f::/48");
	for (__u32 i = 0; i < resources; i++) {
		link_make(node, i);
		crossed[i] = i;
	}
	node_crosses(node, 0, resources, crossed);
	node_get(node->maps.fantel_paths, &zero, &path);
	for (__u32 i = 1; i < paths; i++)
		node_put(node->maps.fantel_paths, &i, &path);
	return node;
}

/* Of the paths of a node whose link has failed, none carries anything: asked of sixteen. */
static void assert_blocked(struct fantel_bpf *node, __u32 paths)
{
	static struct outcome o;
	__u32 some[MAX_MEMBERS], n = MIN(paths, MAX_MEMBERS);

	for (__u32 i = 0; i < n; i++)
		some[i] = (__u64)i * (paths - 1) / MAX(n - 1, 1);
	node_group_of(node, 0, FATE_DROP, n, some);
	node_class(node, class_text(500), 0);
	node_run(node, node->progs.fantel_customer, 0, golden("bench6"), &o);
	if (o.verdict == XDP_REDIRECT) {
		node_run(node, node->progs.fantel_core, 0, golden("bench failure of a link"), &o);
		node_run(node, node->progs.fantel_customer, 0, golden("bench6"), &o);
		if (o.count[REASON_NO_PATH].packets == 1)
			return;
	}
	log_error("bench: the failure of a link did not stop its %u paths", paths);
	exit(1);
}

/* 256 classes, each with a group and a path of its own, which crosses all that a path may. */
static struct fantel_bpf *judged_node(void)
{
	struct fantel_bpf *node = crossing_node(MAX_GROUPS, MAX_CROSSED);

	for (__u32 i = 0; i < MAX_GROUPS; i++) {
		node_group_of(node, i, FATE_DROP, 1, &i);
		node_class(node, class_text(i), i);
	}
	return node;
}

/* A P node whose port to the rest of the way is down. Every packet is told of. */
static struct config detect_config(enum transport transport, bool repeat)
{
	struct config config = node_config();

	config.transport = transport;
	config.locator = addr_of("2001:db8:a:2::");
	config.locator_len = 64;
	config.n_repeats = repeat ? 3 : 1;
	memset(config.repeat_ns, 0, sizeof(config.repeat_ns));
	config.refresh_ns = 1;
	return config;
}

static struct fantel_bpf *detect_load(const struct config *config, bool down)
{
	struct node_state state = { .links_down = down, .sequence = 1, .alive_until = ~0ULL };
	struct link link = { .name = "core1", .down = down, .cause = CAUSE_CARRIER, .event_id = 1 };
	__u32 zero = 0, core1 = net_index("core1");
	struct fantel_bpf *node;

	link.location_len = golden_location(link.location);
	node = node_load(config);
	node_source(node, "2001:db8:f::/48");
	node_put(node->maps.fantel_node, &zero, &state);
	node_put(node->maps.fantel_links, &core1, &link);
	return node;
}

static struct fantel_bpf *detect_node(enum transport transport, bool down, bool repeat)
{
	struct config config = detect_config(transport, repeat);

	return detect_load(&config, down);
}

/* One that learns whose tunnels leave by which link. */
static struct fantel_bpf *learn_node(void)
{
	struct config config = detect_config(TRANSPORT_ICMPV6, false);

	config.learn_every = LEARN_EVERY;
	return detect_load(&config, false);
}

/* An egress PE where a tunnel of each of the two kinds ends. */
static struct fantel_bpf *decap_node(void)
{
	struct policy_endpoint endpoint[] = {
		{ .name = "dt46", .tunnel = TUNNEL_SRV6, .sid = addr_of("2001:db8:a:2::d46") },
		{ .name = "vxlan", .tunnel = TUNNEL_VXLAN, .id = 5, .port = 4789 },
	};
	struct config config = node_config();
	struct fantel_bpf *node;

	config.locator = addr_of("2001:db8:a:2::");
	config.locator_len = 64;
	endpoint_config(&config, endpoint, ARRAY_SIZE(endpoint));
	node = node_load(&config);
	node_source(node, "2001:db8:f::/48");
	for (size_t i = 0; i < ARRAY_SIZE(endpoint); i++) {
		endpoint[i].inner = 1U << INNER_V4 | 1U << INNER_V6;
		node_endpoint(node, &endpoint[i]);
	}
	return node;
}

/* Routes as a P node has them: the ingress PE by core0, the rest of the way by core1. */
static void routes_make(void)
{
	net_enter();
	net_port("core0", "02:00:00:00:02:01");
	net_port("core1", "02:00:00:00:04:01");
	net_do("ip -6 addr add 2001:db8:e0::1/64 dev core0 nodad");
	net_do("ip -6 addr add 2001:db8:e1::1/64 dev core1 nodad");
	net_do("ip -6 neigh add 2001:db8:e0::2 lladdr 02:00:00:00:02:02 dev core0");
	net_do("ip -6 neigh add 2001:db8:e1::2 lladdr 02:00:00:00:04:02 dev core1");
	net_do("ip -6 route add 2001:db8:f::/48 via 2001:db8:e0::2");
	net_do("ip -6 route add 2001:db8:a::/48 via 2001:db8:e1::2");
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void drain_one(struct fantel_bpf *node)
{
	node_events(node, NULL, 0);
}

static void drain(struct subject *s)
{
	drain_one(s->node);
}

static void forget(struct subject *s)
{
	struct node_state state;
	__u32 zero = 0;

	node_get(s->node->maps.fantel_node, &zero, &state);
	state.congested = 0;
	node_put(s->node->maps.fantel_node, &zero, &state);
	node_clear(s->node->maps.fantel_failed, sizeof(struct failed_key));
	drain_one(s->node);
}

/* So many events fit the ring: batches whose every run emits one are no longer. */
#define EVENTS_RUNS 2500

static struct subject *add_customer(const char *name, const char *packet, struct fantel_bpf *node)
{
	struct subject *s = add(name, packet, 6);

	s->node = node;
	s->prog = node->progs.fantel_customer;
	s->verdict = XDP_REDIRECT;
	return s;
}

static void vary_flows(struct subject *s)
{
	s->want.count_at = 14 + 40 + 8 + 4; /* DestQP */
	s->want.count_mask = 0xffff;
}

static void vary_destinations(struct subject *s)
{
	s->want.count_at = 14 + 24 + 4; /* n of 2001:db8:n:: */
	s->want.count_mask = DESTINATIONS_MASK;
	s->want.count_shift = 16;
}

/* As SRv6, and no dearer. */
static void add_tunnels(const struct subject *srv6)
{
	static const struct {
		const char *name, *path;
	} row[] = {
		{ "steer: GRE over IPv4", "gre-4" },
		{ "steer: GRE with a key over IPv6", "gre-key-6" },
		{ "steer: VXLAN over IPv4", "vxlan-4" },
		{ "steer: VXLAN over IPv6", "vxlan-6" },
		{ "steer: MPLS, 3 labels", "mpls-3" },
		{ "steer: IP in IPv4", "ipip-4" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct subject *s = add_customer(row[i].name, "bench6", tunnel_node(row[i].path, 4));

		s->bar_of = srv6;
		s->bar_word = "SRv6";
		s->bar = TUNNEL_BAR;
	}
}

/* A known flow of a group that keeps order. */
static void add_orderings(const struct subject *any)
{
	static const struct {
		const char *name;
		enum ordering ordering;
	} row[] = {
		{ "steer: the same, ordering flowlet", ORDERING_FLOWLET },
		{ "steer: the same, ordering strict", ORDERING_STRICT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct fantel_bpf *node = steer_node(4);
		struct subject *s = add_customer(row[i].name, "bench6", node);

		node_ordering(node, 0, row[i].ordering, 500);
		s->bar_of = any;
		s->bar_word = "any";
		s->bar = 1;
		s->bar_more = ORDER_BAR;
	}
}

/* A batch that does not count: a short one would else be all about cold caches. */
static void warm(struct subject *s)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = s->packet.b, .data_size_in = s->packet.len,
		    .repeat = s->runs);

	s->again->bss->base = 0;
	bpf_prog_test_run_opts(bpf_program__fd(s->again->progs.again), &opts);
}

/* Something changed: whatever was judged is out of date. */
static void change_generation(struct subject *s)
{
	struct node_state state;
	__u32 zero = 0;

	warm(s);
	node_get(s->node->maps.fantel_node, &zero, &state);
	state.generation++;
	node_put(s->node->maps.fantel_node, &zero, &state);
}

/* Each packet of a batch meets a path that none did before. */
static void add_judged(void)
{
	struct fantel_bpf *node = judged_node();
	struct subject *s;

	for (int again = 0; again <= 1; again++) {
		s = add_customer(again ? "steer, each path judged anew, by 8 resources" :
					 "steer, 256 paths",
				 "bench6", node);
		vary_destinations(s);
		s->want.count_mask = MAX_GROUPS - 1;
		s->runs = MAX_GROUPS;
		s->before = again ? change_generation : warm;
	}
}

static void add_floor_and_steer(void)
{
	struct floor_bpf *floor = floor_node();
	struct fantel_bpf *of4 = steer_node(4), *of16 = steer_node(16), *failed = steer_node(4);
	struct fantel_bpf *stale = steer_node(4);
	struct nexthop nh = nexthop_fresh();
	struct subject *base, *s;

	base = add("floor: LPM of 1,000, fixed 3-segment header", "bench6", 6);
	base->prog = floor->progs.floor_push;
	base->verdict = XDP_TX;
	s = add_customer("steer: SRv6, IPv6 RoCEv2, 3 segments, group of 4", "bench6", of4);
	s->bar_of = base;
	s->bar = STEER_BAR;
	add_orderings(s);
	add_tunnels(s);
	vary_flows(add_customer("steer, 65,536 flows", "bench6", of4));
	base = add("floor, 512 destinations", "bench6", 6);
	base->prog = floor->progs.floor_push;
	base->verdict = XDP_TX;
	vary_destinations(base);
	s = add_customer("steer, 512 destinations", "bench6", of4);
	vary_destinations(s);
	s->bar_of = base;
	s->bar = STEER_BAR;
	add_customer("steer: IPv4 RoCEv2", "bench4", of4);
	add_customer("steer, group of 16", "bench6", of16);
	node_failures(failed, path_in_use(failed), 1);
	add_customer("steer, the flow's first path failed", "bench6", failed);
	nh.fresh_until = STALE;
	for (__u32 i = 0; i < 4; i++)
		node_nexthop(stale, i, &nh);
	add_customer("steer, next hop from the FIB", "bench6", stale);
}

static struct subject *add_core(const char *name, const char *packet, struct fantel_bpf *node,
				int verdict, enum reason reason)
{
	struct subject *s = add(name, packet, 6);

	s->node = node;
	s->prog = node->progs.fantel_core;
	s->verdict = verdict;
	s->reason = reason;
	return s;
}

/* From its second batch on. */
static void assert_learned(struct subject *s)
{
	if (s->gross[0] && !node_entries(s->node->maps.fantel_learned, sizeof(struct told_key))) {
		log_error("bench: %s: learns nothing", s->name);
		exit(1);
	}
}

/* Beside the same without learning. */
static void add_learning(const struct subject *quiet)
{
	struct subject *s = add_core("core port, nothing down: SRv6 passes, learning", "bench transit",
				     learn_node(), XDP_PASS, REASON_NONE);

	s->before = assert_learned;
	s->bar_of = quiet;
	s->bar_word = "not learning";
	s->bar = 1;
	s->bar_more = LEARN_BAR;
}

static void add_notify(void)
{
	__u32 event_at = golden_number("event_at"), timestamp_at = golden_number("timestamp_at");
	struct subject *s;

	s = add_core("notify: a new failure, event emitted", "bench failure", notify_node(),
		     XDP_DROP, REASON_FAILED);
	s->want.count_at = event_at + 8; /* sequence, low word */
	s->want.count_mask = ~0U;
	s->want.complement_at = event_at; /* event-id */
	s->before = forget;
	s->runs = EVENTS_RUNS;
	s->bar = NOTIFY_BAR;
	s = add_core("notify: a known failure, new sequence", "bench failure", notify_node(),
		     XDP_DROP, REASON_REFRESHED);
	s->want.count_at = event_at + 8;
	s->want.count_mask = ~0U;
	s->want.complement_at = timestamp_at + 4;
	s->bar = NOTIFY_BAR;
	s = add_core("notify: the same, validity of a minute renewed", "bench failure for a minute",
		     notify_node(), XDP_DROP, REASON_REFRESHED);
	s->want.count_at = event_at + 8;
	s->want.count_mask = ~0U;
	s->want.complement_at = timestamp_at + 4;
	s->bar = NOTIFY_BAR;
	s = add_core("notify: a failure without Event TLV", "bench failure without event",
		     notify_node(), XDP_DROP, REASON_REFRESHED);
	s->bar = NOTIFY_BAR;
	s = add_core("notify: metrics of a path, event emitted", "bench metrics", notify_node(),
		     XDP_DROP, REASON_MEASURED);
	s->want.count_at = golden_number("metrics_event_at") + 8;
	s->want.count_mask = ~0U;
	s->want.complement_at = golden_number("metrics_timestamp_at") + 4;
	s->before = drain;
	s->runs = EVENTS_RUNS;
	s->bar = METRICS_BAR;
	s = add_core("notify: a new congestion, event emitted", "bench congestion", notify_node(),
		     XDP_DROP, REASON_CONGESTED);
	s->want.count_at = event_at + 8;
	s->want.count_mask = ~0U;
	s->want.complement_at = event_at;
	s->before = forget;
	s->runs = EVENTS_RUNS;
	s->bar = CONGESTION_BAR;
	s = add_core("notify: a repetition", "bench failure", notify_node(), XDP_DROP,
		     REASON_DUPLICATE);
	s->bar = NOTIFY_BAR;
	s = add_core("core port, nothing down: SRv6 passes", "bench transit", notify_node(),
		     XDP_PASS, REASON_NONE);
	s->bar = QUIET_BAR;
	add_learning(s);
	add_core("core port, nothing down: UDP passes", "bench plain udp", notify_node(), XDP_PASS,
		 REASON_NONE);
}

/* However many paths cross the link, its failure is one notification. */
static void add_link_failures(void)
{
	static const struct {
		const char *name;
		__u32 paths;
	} row[] = {
		{ "notify: a link of 10 paths fails, event emitted", 10 },
		{ "notify: a link of 1,000 paths", 1000 },
		{ "notify: a link of 100,000 paths", 100000 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct fantel_bpf *node = crossing_node(row[i].paths, 1);
		struct subject *s;

		assert_blocked(node, row[i].paths);
		s = add_core(row[i].name, "bench failure of a link", node, XDP_DROP, REASON_FAILED);
		s->want.count_at = golden_number("link_event_at") + 8;
		s->want.count_mask = ~0U;
		s->want.complement_at = golden_number("link_event_at");
		s->before = forget;
		s->runs = EVENTS_RUNS;
	}
}

/* A failure of 128 bytes without an Event TLV: it acts every time. */
static struct bytes signed_failure(const struct mac_key *key)
{
	struct msg_envelope e = { .src = addr_of("2001:db8:f::2"), .dst = node_config().loopback6 };
	struct policy_path path = golden_path("encaps-3");
	struct msg_rules rules = msg_rules_default();
	struct bytes l4 = {}, frame = {};
	struct tunnel_key tunnel[ENCAP_KEYS_MAX];
	struct msg_buf buf = {};
	struct writer w = msg_begin(&buf, &e);
	__u32 len;

	encap_keys(tunnel, ENCAP_KEYS_MAX, &path);
	msg_put_tunnel(&w, &tunnel[0]);
	msg_put_word(&w, TLV_CAPACITY, 0);
	msg_put_u64(&w, &rules, TLV_TIMESTAMP, NSEC_PER_SEC);
	msg_put_byte(&w, &rules, TLV_CAUSE, CAUSE_CARRIER);
	msg_put_auth(&w, &rules, key->algorithm, key->algorithm);
	len = msg_finish(&w, &rules, &e, KIND_FAILURE, CODE_SRV6);
	if (len != 128 || msg_sign(&buf, &e, len, key, len - WIRE_AUTH_LEN, 0)) {
		log_error("bench: no message of 128 bytes, but %u", len);
		exit(1);
	}
	bytes_put(&l4, buf.b, len);
	frame_around(&frame, "2001:db8:f::2", "2001:db8:f::1", PROTO_ICMPV6, 255, &l4);
	return frame;
}

static void add_authentication(void)
{
	static const struct {
		const char *name;
		enum wire_auth algorithm;
		int bar;
	} row[] = {
		{ "notify: a known failure of 128 bytes, SipHash", AUTH_SIPHASH, SIPHASH_BAR },
		{ "notify: the same, HMAC-SHA-256", AUTH_HMAC_SHA256, HMAC_BAR },
	};
	static const __u8 secret[16] = "sixteen bytes...";
	struct config config = receiver_config();

	config.authentication = 1;
	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		struct policy_path path = golden_path("encaps-3");
		struct fantel_bpf *node = node_load(&config);
		struct mac_key key = {};
		struct subject *s;
		struct bytes frame;

		mac_key_init(&key, row[i].algorithm, secret, sizeof(secret));
		node_path(node, 0, &path);
		node_demand(node, "2001:db8:f::/48", AUTHENTICATION_REQUIRE);
		node_mac_key(node, row[i].algorithm, &key, -60, 24 * 3600);
		frame = signed_failure(&key);
		s = add_packet(row[i].name, &frame, 6);
		s->node = node;
		s->prog = node->progs.fantel_core;
		s->verdict = XDP_DROP;
		s->reason = REASON_REFRESHED;
		s->bar = row[i].bar;
	}
}

static void add_detect(void)
{
	static const struct {
		const char *name;
		enum transport transport;
		bool repeat;
	} row[] = {
		{ "detect: doomed, by ICMPv6", TRANSPORT_ICMPV6, true },
		{ "detect: doomed, by UDP", TRANSPORT_UDP, true },
		{ "detect: the same, every one new, event emitted", TRANSPORT_ICMPV6, false },
	};
	struct subject *s;

	for (size_t i = 0; i < ARRAY_SIZE(row); i++) {
		s = add_core(row[i].name, "bench doomed",
			     detect_node(row[i].transport, true, row[i].repeat), XDP_REDIRECT,
			     REASON_NOTIFIED);
		s->want.tail = 1;
		s->want.words = AGAIN_WORDS;
		s->before = drain;
		s->runs = EVENTS_RUNS;
		s->bar = DETECT_BAR;
	}
	s = add_core("detect: down, but bound elsewhere", "bench4",
		     detect_node(TRANSPORT_UDP, true, true), XDP_PASS, REASON_NONE);
}

static void add_decap(void)
{
	struct fantel_bpf *node = decap_node();
	struct subject *s;

	s = add_core("decap: SRv6, 3 segments", "bench srv6", node, XDP_PASS, REASON_DECAPPED);
	s->want.words = 13; /* up to the packet inside */
	s->bar = DECAP_BAR;
	s = add_core("decap: VXLAN", "bench vxlan", node, XDP_PASS, REASON_DECAPPED);
	s->want.words = 10;
	s->bar = DECAP_BAR;
	s = add_core("core port of an egress PE: SRv6 passes", "bench srv6 on its way", node,
		     XDP_PASS, REASON_NONE);
	s->bar = QUIET_BAR;
}

/* ---- measuring ------------------------------------------------------------------------------- */

static __u64 counted(const struct subject *s)
{
	return s->node && s->reason ? node_count(s->node, s->reason).packets : 0;
}

/* Run one batch; ns per run, in whole ns as the kernel says it. A clock of our own would count the
 * kernel's waiting for RCU around each batch too. */
static int batch(struct subject *s, bool warm_up, double *ns)
{
	int runs = s->runs ? s->runs : n_runs;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = s->packet.b, .data_size_in = s->packet.len,
		    .repeat = runs);
	__u64 before;
	int err;

	if (s->before)
		s->before(s);
	s->again->bss->base = 0;
	before = counted(s);
	err = bpf_prog_test_run_opts(bpf_program__fd(s->again->progs.again), &opts);
	*ns = opts.duration;
	if (err)
		return err_r(err, "bench: %s: BPF_PROG_TEST_RUN: %s", s->name, strerror(-err));
	if ((int)opts.retval != s->verdict || s->again->bss->returned)
		return err_r(-EIO, "bench: %s: %s, and not %s", s->name, verdict_word(opts.retval),
			     verdict_word(s->verdict));
	before = counted(s) - before;
	if (s->reason && !warm_up && before != (__u64)runs)
		return err_r(-EIO, "bench: %s: counted %llu times in %d runs", s->name,
			     (unsigned long long)before, runs);
	return 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Sorts the batches. Net is of the empty program's median: its own outliers are not the others'. */
static void summarise(struct subject *s)
{
	double nothing;

	qsort(s->gross, n_batches, sizeof(*s->gross), compare);
	nothing = s->empty->gross[n_batches / 2];
	s->median = s->gross[n_batches / 2] - nothing;
	s->min = s->gross[0] - nothing;
	s->q1 = s->gross[n_batches / 4] - nothing;
	s->q3 = s->gross[n_batches * 3 / 4] - nothing;
}

static int measure(void)
{
	int err;

	/* Batch -1 warms up, and lets programs see what they will see again. */
	for (int b = -1; b < n_batches; b++)
		for (int i = 0; i < n_subjects; i++) {
			err = batch(&subjects[i], b < 0, &subjects[i].gross[b < 0 ? 0 : b]);
			if (err)
				return err;
		}
	for (int i = 0; i < n_subjects; i++)
		if (subjects[i].empty == &subjects[i])
			summarise(&subjects[i]);
	for (int i = 0; i < n_subjects; i++)
		if (subjects[i].empty != &subjects[i])
			summarise(&subjects[i]);
	return 0;
}

/* ---- saying it ------------------------------------------------------------------------------- */

static double bar_ns(const struct subject *s)
{
	return (s->bar_of ? s->bar * s->bar_of->median : s->bar) + s->bar_more;
}

static void print(void)
{
	printf("%-50s %7s %7s %7s %7s   %s\n", "ns per packet, net of an empty program", "median",
	       "min", "q1", "q3", "bar");
	for (int i = 0; i < n_subjects; i++) {
		const struct subject *s = &subjects[i];

		if (s->empty == s)
			continue;
		printf("%-50s %7.0f %7.0f %7.0f %7.0f", s->name, s->median, s->min, s->q1, s->q3);
		if (s->bar)
			printf("   %.0f: %s", bar_ns(s),
			       s->median <= bar_ns(s) ? "met" : "not met");
		if (s->bar_more)
			printf(" (%+.0f of +%.0f ns to %s)", s->median - s->bar_of->median,
			       s->bar_more, s->bar_word);
		else if (s->bar_of)
			printf(" (%.2f of %.2f times %s)", s->median / s->bar_of->median, s->bar,
			       s->bar_word ? s->bar_word : "the floor");
		putchar('\n');
	}
	printf("\n%d batches of %d packets each, in turn. Empty programs, not subtracted:",
	       n_batches, n_runs);
	for (int i = 0; i < n_subjects; i++)
		if (subjects[i].empty == &subjects[i])
			printf(" %.0f", subjects[i].gross[n_batches / 2]);
	printf(" ns.\n");
}

static int save(const char *file)
{
	json_t *rows = json_array();
	int err;

	for (int i = 0; i < n_subjects; i++) {
		const struct subject *s = &subjects[i];
		json_t *row;

		if (s->empty == s)
			continue;
		row = json_pack("{s:s, s:f, s:f, s:f, s:f}", "name", s->name, "median_ns",
				s->median, "min_ns", s->min, "q1_ns", s->q1, "q3_ns", s->q3);
		if (s->bar) {
			json_object_set_new(row, "bar_ns", json_real(bar_ns(s)));
			json_object_set_new(row, "met", json_boolean(s->median <= bar_ns(s)));
		}
		json_array_append_new(rows, row);
	}
	err = json_dump_file(rows, file, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
	json_decref(rows);
	return err ? err_r(-EIO, "bench: %s: can't be written", file) : 0;
}

int main(int argc, char **argv)
{
	const char *file = NULL;
	cpu_set_t cpus;
	int c;

	while ((c = getopt(argc, argv, "b:n:o:")) != -1) {
		if (c == 'b') {
			n_batches = atoi(optarg);
		} else if (c == 'n') {
			n_runs = atoi(optarg);
		} else if (c == 'o') {
			file = optarg;
		} else {
			fputs("usage: bench [-b BATCHES] [-n PACKETS] [-o FILE.json]\n", stderr);
			return 2;
		}
	}
	CPU_ZERO(&cpus);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);

	routes_make();
	add_floor_and_steer();
	add_judged();
	add_notify();
	add_link_failures();
	add_authentication();
	add_detect();
	add_decap();
	empties_add();
	for (int i = 0; i < n_subjects; i++)
		if (subject_load(&subjects[i]))
			return 1;
	if (measure())
		return 1;
	print();
	return file && save(file) ? 1 : 0;
}
