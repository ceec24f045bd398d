// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Fuzzes the programs as the kernel runs them: golden messages and packets, changed at random
 * (fuzz_packets.h), go through fantel_core, some through fantel_customer, and of a node whose egress
 * is watched through fantel_watch (fuzz_watch.h); after each one the node must have done what the model
 * says (fuzz_model.h): verdict, bytes, counters, events, and maps.
 *
 * After each packet all of fantel_failed, fantel_health, fantel_resource, fantel_origins, fantel_proven,
 * fantel_told, fantel_metrics, fantel_flows, fantel_node and fantel_stats is compared, of a node with
 * BFD its session and the link, and of a watched one fantel_gauges and fantel_buckets, so that no discarded
 * packet can leave a trace that a later one covers. To make that cheap these maps are smaller than the
 * loader makes them, or can be read without a system call; the programs are the loader's.
 *
 * Environment: FUZZ_RUNS packets for the node (default 350000): notifications, those of tunnels that
 * end there, of its BFD session, and those that meet trouble; FUZZ_SEED (default 1). Packets that are
 * none any more, or are for another node, do not count. The first difference ends the run: it is printed
 * with the packet in hex, from the IP header on, as `fantel decode` takes it.
 */
#include <sched.h>
#include <sys/mman.h>
#include <time.h>

#include <bpf/bpf.h>

#include "endpoint.h"
#include "fantel/bucket.h"
#include "fuzz_bfd.h"
#include "fuzz_decap.h"
#include "fuzz_model.h"
#include "fuzz_packets.h"
#include "fuzz_stir.h"
#include "fuzz_watch.h"
#include "own.h"

#define RUNS 350000
#define LASTING_MS (24 * 3600 * 1000U) /* a validity that outlasts any run */
#define HEALTH_ROWS MAX_PATHS
#define FAILURES_EACH 5 /* of the few entries that there is room for */
#define CONGESTIONS_EACH 4
#define GOLDEN_SEQUENCE 0x6550000000000000 /* where those of golden messages begin */
#define DOMAIN 5
#define FILLING_NS (1ULL << 50) /* for one message: 13 days */
#define IFINDEX 5 /* of the failed link, where there is one */
#define RECEIVED_ON 1 /* ifindex of all packets: lo */

enum property {
	VERDICT,
	COUNTED,
	STATE,
	EVENTS,
	BYTES,
	OTHERS,
	REACHED,
	PROPERTIES,
};

static const char *const sentence[PROPERTIES] = {
	[VERDICT] = "each gets the verdict that the host's build gives it",
	[COUNTED] = "each is counted once, under its reason, with its bytes",
	[STATE] = "what is discarded changes nothing; what is accepted, only what it says",
	[EVENTS] = "events say what happened, and nothing else",
	[BYTES] = "no byte changes of what goes on as it came; what is sent is right",
	[OTHERS] = "no map changes that is not the program's to write",
	[REACHED] = "no reason is left out",
};

/* ---- maps, read without a system call, or at once -------------------------------------------- */

/* All of a hash map, and all of it as it was before. */
struct rows {
	struct bpf_map *map;
	__u32 max, key_size, value_size;
	struct side {
		__u32 n;
		__u8 *keys, *values;
	} now, before;
};

static void __attribute__((noreturn)) give_up(const char *what)
{
	fprintf(stderr, "fuzz_core: %s: %s\n", what, strerror(errno));
	exit(1);
}

static __u64 now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

static void *take_memory(size_t n)
{
	void *p = calloc(1, n);

	if (!p)
		give_up("memory");
	return p;
}

static void rows_init(struct rows *r, struct bpf_map *map)
{
	r->map = map;
	r->max = bpf_map__max_entries(map);
	r->key_size = bpf_map__key_size(map);
	r->value_size = bpf_map__value_size(map);
	for (struct side *s = &r->now; s; s = s == &r->now ? &r->before : NULL) {
		s->keys = take_memory(r->max * r->key_size);
		s->values = take_memory(r->max * r->value_size);
	}
}

static void rows_free(struct rows *r)
{
	for (struct side *s = &r->now; s; s = s == &r->now ? &r->before : NULL) {
		free(s->keys);
		free(s->values);
	}
}

static void rows_read(struct rows *r)
{
	struct side was = r->now;
	__u32 batch;

	r->now = r->before;
	r->before = was;
	r->now.n = r->max;
	if (bpf_map_lookup_batch(bpf_map__fd(r->map), NULL, &batch, r->now.keys, r->now.values,
				 &r->now.n, NULL) &&
	    errno != ENOENT)
		give_up(bpf_map__name(r->map));
}

static bool rows_same(const struct rows *r)
{
	return r->now.n == r->before.n &&
	       !memcmp(r->now.keys, r->before.keys, r->now.n * r->key_size) &&
	       !memcmp(r->now.values, r->before.values, r->now.n * r->value_size);
}

static void *map_view(struct bpf_map *map)
{
	size_t page = getpagesize();
	size_t len = (size_t)bpf_map__value_size(map) * bpf_map__max_entries(map);
	void *view = mmap(NULL, (len + page - 1) / page * page, PROT_READ | PROT_WRITE, MAP_SHARED,
			  bpf_map__fd(map), 0);

	if (view == MAP_FAILED)
		give_up(bpf_map__name(map));
	return view;
}

/* FNV-1a of all keys and values. */
static __u64 map_digest(struct bpf_map *map)
{
	__u32 key_size = bpf_map__key_size(map), value_size = bpf_map__value_size(map);
	__u8 keys[2][256] = {}, *last = NULL, *key = keys[0];
	OWN_MEM __u8 *value = take_memory(value_size);
	__u64 h = 0xcbf29ce484222325ULL;

	for (int i = 0; !bpf_map_get_next_key(bpf_map__fd(map), last, key); i++) {
		if (bpf_map_lookup_elem(bpf_map__fd(map), key, value))
			give_up(bpf_map__name(map));
		for (__u32 at = 0; at < key_size; at++)
			h = (h ^ key[at]) * 0x100000001b3ULL;
		for (__u32 at = 0; at < value_size; at++)
			h = (h ^ value[at]) * 0x100000001b3ULL;
		last = key;
		key = keys[~i & 1];
	}
	return h;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

enum {
	SRV6_PATH, /* encaps-3 */
	ONE_PATH,  /* one segment */
	MARK_PATH, /* the kernel's own, known by an address */
	TWIN_PATH, /* as ONE_PATH */
	MPLS_PATH, /* known by labels */
};

#define EVERY_PATH (MARK_PATH + 1) /* of the group */

/* What they cross; the names are those of fuzz_packets.h. */
enum {
	LINK, /* known by addresses */
	PORT, /* a link, known by its ends */
	NODE,
};

struct variant {
	const char *name;
	void (*configure)(struct config *config);
	bool failed_link;
	bool session; /* BFD on the link, which works */
	bool ends;    /* tunnels end here */
	bool watched; /* what leaves is */
	enum queue_by queue_by; /* where watched, and where this kernel leaves a choice */
	enum ordering ordering; /* of the group */
	bool wary; /* asks for MACs */
	__u32 share;  /* of the notifications, in percent */
	__u32 frames; /* one in so many that fantel_core gets starts from a whole frame */
	__u32 customers; /* one packet in so many goes through fantel_customer */
	__u32 paths;	 /* of the group */
	const char *const *frame;
	const enum reason *reasons;
};

static void usual(struct config *config)
{
}

/* One packet takes all of any rate, for as long as a run may last, and what was carried is never known. */
static void lowering(struct config *config)
{
	config->cnp = 1;
	config->pacing.lowest = config->pacing.burst_ns = 1;
	config->pacing.window_ns = 1ULL << 62;
	config->rate[BUCKET_CNP] = (struct rate){};
}

/* Every number another one. */
static void unusual(struct config *config)
{
	static const __u8 types[KIND_COUNT] = { 214, 212, 213, 211, 210 };

	memset(&config->loopback4, 0, sizeof(config->loopback4));
	memcpy(config->type, types, sizeof(types));
	config->domain = DOMAIN;
	config->code_lsb = 1;
	config->as = 64500;
	config->enterprise = 4711;
	config->udp_port = 50302;
	config->hop_limit_min = 255;
	config->remark_tclass = 8 << 2;
	for (enum kind kind = 0; kind < KIND_COUNT; kind++)
		config->receive[kind] = (struct rate){ FILLING_NS, 12 * FILLING_NS };
}

static void p_node(struct config *config)
{
	config->locator = addr_of("2001:db8:a:2::");
	config->locator_len = 64;
	config->n_repeats = 1;
	config->lsps = 1;
	config->pacing.transit = 1;
	config->pacing.window_ns = config->pacing.burst_ns = 1ULL << 62; /* no rate is ever reached */
}

/* Flows are held back, and not their paths. */
static void by_flow(struct config *config)
{
	config->pacing.flows = config->pacing.lowest = 1;
	config->pacing.window_ns = config->pacing.burst_ns = 1ULL << 62; /* as above */
}

static void wary(struct config *config)
{
	config->authentication = 1;
}

static void with_session(struct config *config)
{
	config->locator = addr_of("2001:db8:a:2::");
	config->locator_len = 64;
	config->n_repeats = 1;
	config->bfd = 1;
}

#define FAMILIES (1U << INNER_V4 | 1U << INNER_V6)

/* One of each kind, and what tells several of a kind apart. */
static __u32 endpoints_fill(struct policy_endpoint endpoint[MODEL_ENDS])
{
	const struct policy_endpoint all[] = {
		{ .name = "dt4", .tunnel = TUNNEL_SRV6, .sid = addr_of("2001:db8:a:2::d4"),
		  .inner = 1U << INNER_V4 },
		{ .name = "dt6", .tunnel = TUNNEL_SRV6, .sid = addr_of("2001:db8:a:2::d6"),
		  .inner = 1U << INNER_V6 },
		{ .name = "dt46", .tunnel = TUNNEL_SRV6, .sid = addr_of("2001:db8:a:2::d46"),
		  .inner = FAMILIES },
		{ .name = "gre", .tunnel = TUNNEL_GRE, .inner = FAMILIES, .keyed = true, .id = 7 },
		{ .name = "any", .tunnel = TUNNEL_GRE, .inner = 1U << INNER_V6 },
		{ .name = "vxlan", .tunnel = TUNNEL_VXLAN, .inner = FAMILIES, .id = 5, .port = 4789 },
		{ .name = "vxlan2", .tunnel = TUNNEL_VXLAN, .inner = FAMILIES, .id = 6, .port = 8472 },
		{ .name = "vxlan0", .tunnel = TUNNEL_VXLAN, .inner = 1U << INNER_V4, .port = 4789 },
		{ .name = "mpls", .tunnel = TUNNEL_MPLS, .inner = FAMILIES, .id = 100 },
		{ .name = "null6", .tunnel = TUNNEL_MPLS, .inner = 1U << INNER_V6, .id = 2 },
		{ .name = "ipip", .tunnel = TUNNEL_IPIP, .inner = FAMILIES },
	};

	memcpy(endpoint, all, sizeof(all));
	return ARRAY_SIZE(all);
}

static void egress(struct config *config)
{
	struct policy_endpoint endpoint[MODEL_ENDS];

	config->locator = addr_of("2001:db8:a:2::");
	config->locator_len = 64;
	endpoint_config(config, endpoint, endpoints_fill(endpoint));
}

/* Over both IPs, by ICMPv6; told and repeated as fast as packets come. */
static void watched(struct config *config)
{
	config->locator = addr_of("2001:db8:a:2::");
	config->locator_len = 64;
	config->validity_ms = 3000;
	config->repeat_ns[1] = 100000;
	config->repeat_ns[2] = 400000;
	config->refresh_ns = 2 * NSEC_PER_MSEC;
	config->rate[BUCKET_CONGESTION] = (struct rate){ 50000, 1500000 };
}

/* By UDP, signed, in a domain; more than a burst holds. */
static void watched_signing(struct config *config)
{
	unusual(config);
	config->locator = addr_of("2001:db8:a:2::");
	config->locator_len = 64;
	config->transport = TRANSPORT_UDP;
	config->n_sign_keys = 2;
	config->sign_key[0] = 1;
	config->sign_key[1] = 2;
	config->n_repeats = 2;
	config->rate[BUCKET_CONGESTION] = (struct rate){ 100000, 150000 };
}

#define ALWAYS                                                                                     \
	REASON_NOT_IP, REASON_NO_CLASS, REASON_HOP_LIMIT, REASON_NO_PATH, REASON_CUSTOMER_PORT,    \
		REASON_REMARKED,                                                                   \
		REASON_FAILED, REASON_RECOVERED, REASON_REFRESHED, REASON_MEASURED,                \
		REASON_CONGESTED, REASON_EASED, REASON_HINT,                                       \
		REASON_REPORTED, REASON_METRIC, REASON_METRICS_FULL,                               \
		REASON_DUPLICATE, REASON_UNMATCHED, REASON_NOT_KNOWN, REASON_TOO_SHORT,            \
		REASON_TOO_LONG, REASON_LENGTH, REASON_CHECKSUM, REASON_VERSION, REASON_TYPE,      \
		REASON_TUNNEL, REASON_TLV, REASON_EMPTY, REASON_SOURCE, REASON_RADIUS,             \
		REASON_STALE, REASON_FAILED_FULL, REASON_FAILED_SHARE

/* None is longer than a draft. */
static const char *const frames[] = {
	"roce6", "roce4", "tcp6", "udp6", "udp4", "icmp6", "icmp4", "udp4 fragment first",
	"udp4 fragment last", "udp6 fragment first", "udp4 with options",
	"udp6 with destination options", "srv6 inside", "roce6 via encaps-3", "roce4 via encaps-8",
	"roce6 via reduced-3", "roce6 hop limit 1", "arp", "vlan", "ipv4 length below its header",
	"ipv6 length beyond the frame", "at our segment", "at our segment, IPv4 inside",
	"in transit", "reduced, on its first segment", "eight segments", "one segment, no SRH",
	"one segment, IPv4 inside", "TCP inside", "ICMPv6 inside", "a tiny packet", "IPv4 in IPv4",
	"nine segments", "nine segments, reduced", "to a multicast group", "of another domain",
	"a notification in transit", "a UDP notification in transit", "from nobody",
	"from a multicast source", "one label", "two labels, IPv4 inside", "sixteen labels",
	"seventeen labels", "no IP in MPLS", "a notification in MPLS", "a label that nobody knows",
	"our segment is the last", "an SRH with more left than listed", "another routing type",
	"failure icmp6 to us", "failure udp6 to us", "failure udp4 to us",
	"failure behind a tag", "failure with a routing header", NULL,
};

/* Each kind by each family, what its own fields may say, and what is not to come out. */
static const char *const tunnels[] = {
	"srv6 IPv6", "srv6 IPv4", "srv6 SRH IPv6", "srv6 SRH IPv4", "srv6 reduced IPv6", "srv6 SRH of eight IPv4",
	"srv6 SRH with a TLV IPv6", "srv6 End.DT4 IPv4", "srv6 End.DT4 IPv6", "srv6 End.DT6 IPv6",
	"srv6 End.DT6 IPv4", "srv6 strange IPv6", "mpls IPv6", "mpls IPv4", "mpls explicit null IPv6",
	"mpls another label", "mpls two labels", "mpls the second label", "mpls TTL 1", "mpls version 5",
	"gre 6in6", "gre 4in6", "gre 6in4", "gre 4in4", "gre any 6in6", "gre any 4in4", "gre key 9 6in4",
	"gre checksum 6in6", "gre sequence 4in6", "gre all fields 6in4", "gre checksum without key 4in4",
	"gre 6in4 with options", "gre strange 6in6", "gre another key", "gre no key", "gre version 1",
	"gre Ethernet inside", "gre fragment", "gre flag 4000", "gre IPv4 as IPv6", "vxlan 6in6", "vxlan 4in6",
	"vxlan 6in4", "vxlan 4in4", "vxlan port 8472 6in6", "vxlan with a UDP checksum 4in4",
	"vxlan with other flags 6in6", "vxlan strange 4in4", "vxlan the VNI of another port", "vxlan another port",
	"vxlan without VNI", "vxlan ARP inside", "vxlan fragment 0", "vxlan UDP length into the padding",
	"vxlan UDP length of nothing", "ipip 6in6", "ipip 4in6", "ipip 6in4", "ipip 4in4", "ipip padded 4in6",
	"ipip 4in4 with options", "ipip strange 4in4", "ipip fragment 0", "IPv4 by IPv6's protocol",
	"hop limit 1 inside", "options inside", "a fragment inside", "an extension header inside",
	"a wrong IPv4 checksum inside", "bytes behind the packet inside", "a tunnel inside",
	"another segment of ours", "segments left", "another routing header", "a ping to the segment by SRH",
	"options behind the SRH", "SRH longer than the packet", "IPv6 length beyond the tunnel",
	"IPv4 length below its header", "nothing inside", "inside: IPv6 to a multicast group",
	"inside: IPv6 link-local source", "inside: IPv4 to a multicast group", "inside: a neighbour solicitation",
	"inside: a notification by ICMPv6", "inside: a notification by UDP", "ecn by GRE", "ecn by SRv6",
	"ecn 0 in 0, 6in6", "ecn 1 in 0, 6in6", "ecn 3 in 0, 6in6", "ecn 0 in 0, 4in4", "ecn 1 in 0, 4in4",
	"ecn 3 in 0, 4in4", "tcp to us", "udp to us", "an ARP request", NULL,
};

/* RDMA on a path that is congested again and again. */
static const char *const congested[] = {
	"roce6", "roce4", "roce6", "roce4", "roce6 ecn 2", "roce6 ecn 1", "tcp6",
	"congestion of encaps-3", "congestion of encaps-3, 10 bytes/s", "end of congestion of encaps-3",
	"congestion of link", "congestion of link, 10 bytes/s", "end of congestion of link", NULL,
};

/* The same of one flow. */
static const char *const slowed[] = {
	"roce6", "roce6 ecn 2", "roce6 ecn 1", "roce4", "tcp6", "congestion of one flow, 10 bytes/s",
	"congestion of one flow, by its hint", "congestion that names one flow",
	"end of congestion of one flow", "congestion of one flow, an event", "the same event, and no flow",
	"end of that event", "congestion of encaps-3", "end of congestion of encaps-3", NULL,
};

/* What passes a P node, some of it often. */
static const char *const passing[] = {
	"in transit", "in transit", "reduced, beyond its first segment", "reduced, on its first segment",
	"eight segments", "one segment, no SRH", "one segment, IPv4 inside", "TCP inside", "ICMPv6 inside",
	"a tiny packet", "IPv4 in IPv4", "IPv4 in IPv4", "IPv4 in IPv4", "at our segment",
	"at our segment, IPv4 inside", "nine segments", "nine segments, reduced", "to a multicast group",
	"of another domain", "a notification in transit", "a UDP notification in transit", "from nobody",
	"from a multicast source", "our segment is the last", "an SRH with more left than listed",
	"another routing type", "roce6 via gre-4", "roce6 via gre-key-6", "roce4 via vxlan-6",
	"udp4 fragment first via encaps-3", "udp4 fragment last", "udp6 fragment first", "one label",
	"link-local destination", "multicast4", "neighbour solicitation", "for our own loopback", NULL,
};

static const struct variant variants[] = {
	{ .name = "ingress PE", .configure = usual, .share = 30, .frames = 24, .customers = 12,
	  .paths = EVERY_PATH, .frame = frames, .reasons = (enum reason[]){ ALWAYS, REASON_NONE } },
	{ .name = "ingress PE of a domain", .configure = unusual, .ordering = ORDERING_STRICT, .share = 15,
	  .frames = 24, .customers = 12, .paths = EVERY_PATH, .frame = frames,
	  .reasons = (enum reason[]){ ALWAYS, REASON_DOMAIN, REASON_OVER_RATE, REASON_NONE } },
	{ .name = "ingress PE that asks for MACs", .configure = wary, .wary = true, .share = 20, .frames = 24,
	  .customers = 12, .paths = EVERY_PATH, .frame = frames,
	  .reasons = (enum reason[]){ ALWAYS, REASON_AUTH, REASON_AUTH_MISSING, REASON_AUTH_KEY,
				      REASON_AUTH_EARLY, REASON_AUTH_EXPIRED, REASON_NONE } },
	{ .name = "ingress PE with one path", .configure = lowering, .share = 5, .frames = 2, .customers = 2,
	  .paths = 1, .frame = congested,
	  .reasons = (enum reason[]){ REASON_CONGESTED, REASON_EASED, REASON_LOWERED, REASON_MARKED,
				      REASON_PACED, REASON_CNP, REASON_NONE } },
	{ .name = "ingress PE that slows flows down", .configure = by_flow, .share = 5, .frames = 2, .customers = 2,
	  .paths = 1, .frame = slowed,
	  .reasons = (enum reason[]){ REASON_CONGESTED, REASON_EASED, REASON_LOWERED, REASON_MARKED,
				      REASON_REFRESHED, REASON_NONE } },
	{ .name = "P node with a failed link", .configure = p_node, .failed_link = true,
	  .ordering = ORDERING_FLOWLET, .share = 15, .frames = 2, .customers = 12, .paths = EVERY_PATH,
	  .frame = frames,
	  .reasons = (enum reason[]){ ALWAYS, REASON_NOTIFIED, REASON_DOOMED, REASON_NOT_TOLD,
				      REASON_TOLD_FULL, REASON_TOO_DEEP, REASON_NONE } },
	{ .name = "P node with a BFD session", .configure = with_session, .session = true, .share = 5,
	  .frames = 3, .customers = 64, .paths = EVERY_PATH, .frame = frames,
	  .reasons = (enum reason[]){ REASON_BFD, REASON_BFD_TTL, REASON_BFD_LENGTH, REASON_BFD_VERSION,
				      REASON_BFD_FIELD, REASON_BFD_ZERO, REASON_BFD_STATE, REASON_BFD_AUTH,
				      REASON_BFD_CHECKSUM, REASON_BFD_PEER, REASON_BFD_UNKNOWN,
				      REASON_BFD_ADMIN_DOWN, REASON_BFD_ECHO, REASON_BFD_ECHO_UNKNOWN,
				      REASON_BFD_ECHOED, REASON_NOTIFIED, REASON_DOOMED, REASON_NONE } },
	{ .name = "egress PE", .configure = egress, .ends = true, .share = 10, .frames = 24, .customers = 64,
	  .paths = EVERY_PATH, .frame = tunnels,
	  .reasons = (enum reason[]){ REASON_DECAPPED, REASON_NOT_ENDPOINT, REASON_DECAP_MALFORMED,
				      REASON_ENDPOINT_SOURCE, REASON_DECAP_INNER, REASON_ECN_INVALID,
				      REASON_ECN_UNUSED, REASON_HOP_LIMIT, REASON_NONE } },
	{ .name = "P node whose egress is watched", .configure = watched, .watched = true, .share = 7,
	  .frames = 24, .customers = 64, .paths = EVERY_PATH, .frame = passing,
	  .reasons = (enum reason[]){ REASON_TROUBLE_TOLD, REASON_TROUBLE_LIMITED, REASON_TROUBLE_FULL,
				      REASON_TROUBLE_LATER, REASON_NONE } },
	{ .name = "P node that signs what it says of queues", .configure = watched_signing, .watched = true,
	  .queue_by = QUEUE_BY_TRACEPOINT, .share = 7, .frames = 24, .customers = 64, .paths = EVERY_PATH,
	  .frame = passing,
	  .reasons = (enum reason[]){ REASON_TROUBLE_TOLD, REASON_TROUBLE_LIMITED, REASON_TROUBLE_LATER,
				      REASON_UNSIGNED, REASON_NONE } },
};

struct fuzz {
	const struct variant *variant;
	struct fantel_bpf *node;
	struct model model;
	struct seeds source;
	struct dice dice;
	struct rows failed, origins, proven, told, metrics, buckets;
	const struct traffic *stats; /* these five are the maps themselves */
	struct health *health;
	struct resource *resource;
	struct node_state *state;
	const struct flow *flow;
	struct transit *transit;
	struct ring_buffer *ring;
	struct watching watching;
	__u64 others; /* digest of the maps that are not the program's */

	__u64 met; /* so many of the packets were for the node */

	/* The packet in hand. */
	__u64 number, started_ns, ended_ns;
	const struct bpf_program *prog;
	struct bytes in, out;
	__u32 verdict;
	struct reading reading;
	struct event event[MODEL_EVENTS];
	__u32 n_events; /* may be more than there is room for */
	struct bfd_news news;
	__u32 n_news;

	bool few;	      /* too few to meet every reason */
	enum property broken; /* PROPERTIES: none */
};

/* ---- setting up ------------------------------------------------------------------------------ */

static void class_add(struct fuzz *z, const char *prefix)
{
	node_class(z->node, prefix, 0);
	z->model.class[z->model.n_classes++] = prefix_of(prefix);
}

static void demand_add(struct fuzz *z, const char *prefix, enum authentication asked)
{
	node_demand(z->node, prefix, asked);
	z->model.asked[z->model.n_sources] = asked;
	z->model.source[z->model.n_sources++] = prefix_of(prefix);
}

static void source_add(struct fuzz *z, const char *prefix)
{
	demand_add(z, prefix, AUTHENTICATION_OFF);
}

/* Of both algorithms one that counts; one that does not yet, one that does no more. */
static void keys_add(struct fuzz *z)
{
	static const struct {
		enum wire_auth algorithm;
		int from_s, until_s;
		enum reason reason;
	} row[] = {
		{ AUTH_SIPHASH, -60, DAY_S, REASON_NONE },
		{ AUTH_HMAC_SHA256, -60, DAY_S, REASON_NONE },
		{ AUTH_SIPHASH, DAY_S, 2 * DAY_S, REASON_AUTH_EARLY },
		{ AUTH_HMAC_SHA256, -60, -30, REASON_AUTH_EXPIRED },
	};
	static const __u8 secret[16] = "sixteen bytes...";

	for (__u32 i = 0; i < ARRAY_SIZE(row); i++) {
		struct model_key *key = &z->model.key[z->model.n_keys++];

		key->id = i + 1;
		key->reason = row[i].reason;
		mac_key_init(&key->mac, row[i].algorithm, secret, sizeof(secret));
		node_mac_key(z->node, key->id, &key->mac, row[i].from_s, row[i].until_s);
		z->source.key[z->source.n_keys++] = key->mac;
	}
}

static void paths_add(struct fuzz *z)
{
	static const char *const one[] = { "2001:db8:9::9", NULL };
	struct tunnel_key labels = { .code = CODE_MPLS,
				     .n = 2,
				     .label_be = { htonl(16009 << 12), htonl(24001 << 12) } };
	struct policy_path three = golden_path("encaps-3"), single = path_of("one", false, one);
	struct policy_path mark = { .name = "mark",
				    .tunnel = TUNNEL_MARK,
				    .mark = MODEL_MARK,
				    .dst = addr_of("192.0.2.9") };
	struct nexthop nh = nexthop_fresh();
	struct group group;
	__u32 zero = 0;

	node_path(z->node, SRV6_PATH, &three);
	node_path(z->node, ONE_PATH, &single);
	node_path(z->node, TWIN_PATH, &single);
	node_path(z->node, MARK_PATH, &mark);
	node_tunnel(z->node, &labels, MPLS_PATH);
	for (__u32 i = SRV6_PATH; i <= MARK_PATH; i++)
		node_nexthop(z->node, i, &nh);
	node_group(z->node, 0, FATE_DROP, z->variant->paths, NULL, NULL);
	node_get(z->node->maps.fantel_ranks, &zero, &z->model.rank);
	z->model.rank.ordering = z->variant->ordering;
	z->model.rank.idle = ~0U;
	z->model.rank.on_congestion =
		z->model.config.cnp || z->model.config.pacing.flows ? RELIEF_LOWER : RELIEF_MARK;
	node_put(z->node->maps.fantel_ranks, &zero, &z->model.rank);
	node_get(z->node->maps.fantel_groups, &zero, &group);
	memcpy(z->model.group, group.name, sizeof(group.name));
}

static void resource_add(struct fuzz *z, __u32 index, const char *name,
			 const struct resource_key keys[2])
{
	struct model *m = &z->model;

	node_resource(z->node, index, name, 2, keys);
	for (int i = 0; i < 2; i++) {
		m->location[m->n_locations].key = keys[i];
		m->location[m->n_locations++].index = index;
	}
	node_get(z->node->maps.fantel_resource, &index, &m->resource[index].value);
}

/* Of each path that has members, something that it shares with the other and something it has alone. */
static void resources_add(struct fuzz *z)
{
	struct addr a6 = addr_of(LINK_A6), b6 = addr_of(LINK_B6);
	struct addr a4 = addr_of(LINK_A4), b4 = addr_of(LINK_B4);
	__u8 a[8] = ROUTER_A, b[8] = ROUTER_B;
	__u32 as = z->model.config.as;
	struct resource_key keys[2];

	resource_key_link(&keys[0], &a6, &b6);
	resource_key_link(&keys[1], &a4, &b4);
	resource_add(z, LINK, "link", keys);
	resource_key_node(&keys[0], as, a, 4);
	resource_key_port(&keys[0], PORT_A);
	resource_key_node(&keys[1], as, b, 4);
	resource_key_port(&keys[1], PORT_B);
	resource_add(z, PORT, "port", keys);
	resource_key_node(&keys[0], as, b, 4);
	resource_key_node(&keys[1], OTHER_AS, a, 4);
	resource_add(z, NODE, "node", keys);
	node_crosses(z->node, SRV6_PATH, 2, (__u32[]){ LINK, PORT });
	node_crosses(z->node, ONE_PATH, 2, (__u32[]){ NODE, LINK });
}

/* Whatever is not ours would leave by this link. */
static void link_add(struct fuzz *z, __u32 ifindex, const struct link *link)
{
	static const struct prefix_key anywhere;
	struct route_value route = { .ifindex = ifindex };

	z->model.ifindex = ifindex;
	z->model.link = *link;
	z->model.link.location_len = golden_location(z->model.link.location);
	node_put(z->node->maps.fantel_links, &ifindex, &z->model.link);
	node_put(z->node->maps.fantel_routes, &anywhere, &route);
}

/* And it is down. */
static void link_fail(struct fuzz *z)
{
	static const struct link down = { .name = "core1",
					  .down = 1,
					  .cause = CAUSE_CARRIER,
					  .event_id = 77,
					  .detected_ns = 1763630000123456789 };
	__u32 label = MODEL_LSP;
	struct lsp lsp = { .next_hop = addr_of("2001:db8:e1::2"), .n = 1 };

	z->model.lsp_ingress = lsp.ingress[0] = addr_of("2001:db8:f::9");
	node_put(z->node->maps.fantel_lsps, &label, &lsp);
	link_add(z, IFINDEX, &down);
	z->state->links_down = 1;
}

/* A link that is up, or has its latest failure not over yet; a session of it, of either IP and in any state,
 * with three echoes on their way. The loader does so. */
static void session_begin(struct fuzz *z)
{
	bool v4 = dice_one_in(&z->dice, 2);
	struct link up = { .name = "core1", .cause = CAUSE_CARRIER, .event_id = 77, .next_event_id = 78,
			   .detected_ns = 1763630000123456789 };
	struct model *m = &z->model;
	__u32 ifindex = RECEIVED_ON, row = 0;

	up.next_event_id -= dice_one_in(&z->dice, 4);
	m->bfd.set = (struct bfd_set){ .peer = addr_of(v4 ? "192.0.2.2" : "2001:db8:1::2"),
				       .local = addr_of(v4 ? "192.0.2.1" : "2001:db8:1::1"),
				       .discriminator = BFD_MINE,
				       .min_tx_us = 1000000,
				       .min_rx_us = BFD_LASTING_US,
				       .mult = 3,
				       .admin_down = dice_one_in(&z->dice, 16),
				       .echo_us = BFD_LASTING_US,
				       .echo_mult = 3 };
	m->bfd.session = (struct bfd_session){ .state = BFD_DOWN + dice_roll(&z->dice, 3),
					       .heard_ns = now_ns(),
					       .detection_ns = BFD_LASTING_US * 3000ULL };
	m->bfd.session.changed_ns = m->bfd.session.heard_ns;
	m->bfd.echo.sent = dice_one_in(&z->dice, 2) ? 0 : dice_next(&z->dice);
	for (__u32 i = 0; i < 3; i++)
		m->bfd.echo.sent_ns[(m->bfd.echo.sent - i) % BFD_ECHOES] = now_ns();
	z->source.bfd = m->bfd.set;
	z->source.bfd_sent = m->bfd.echo.sent;
	link_add(z, ifindex, &up);
	z->state->links_down = m->state.links_down = 0;
	z->state->wall_ns = m->state.wall_ns = BFD_WALL_NS;
	node_put(z->node->maps.fantel_bfd_set, &ifindex, &m->bfd.set);
	node_put(z->node->maps.fantel_bfd_echo, &row, &m->bfd.echo);
	node_put(z->node->maps.fantel_bfd, &ifindex, &m->bfd.session);
}

/* One echo more leaves. */
static void session_echo(struct fuzz *z)
{
	struct bfd_echo *echo = &z->model.bfd.echo;
	__u32 row = 0;

	echo->sent_ns[++echo->sent % BFD_ECHOES] = now_ns();
	z->source.bfd_sent = echo->sent;
	node_put(z->node->maps.fantel_bfd_echo, &row, echo);
}

static void ends_add(struct fuzz *z)
{
	struct bpf_map *map = z->node->maps.fantel_ends;
	struct policy_endpoint endpoint[MODEL_ENDS];
	struct model *m = &z->model;
	struct endpoint_key *last = NULL;

	for (__u32 n = endpoints_fill(endpoint); n; n--)
		node_endpoint(z->node, &endpoint[n - 1]);
	for (; !bpf_map_get_next_key(bpf_map__fd(map), last, &m->end[m->n_ends].key);
	     last = &m->end[m->n_ends++].key)
		if (m->n_ends == MODEL_ENDS - 1 ||
		    !node_get(map, &m->end[m->n_ends].key, &m->end[m->n_ends].value))
			give_up("fantel_ends");
}

/* What names a path is what the node was given, by whatever rule. */
static void model_copy_tunnels(struct fuzz *z)
{
	struct bpf_map *map = z->node->maps.fantel_tunnels;
	struct model *m = &z->model;
	__u64 *last = NULL;

	for (; !bpf_map_get_next_key(bpf_map__fd(map), last, &m->tunnel[m->n_tunnels].hash);
	     last = &m->tunnel[m->n_tunnels++].hash)
		if (m->n_tunnels == MODEL_ROWS - 1 ||
		    !node_get(map, &m->tunnel[m->n_tunnels].hash, &m->tunnel[m->n_tunnels].paths))
			give_up("fantel_tunnels");
	for (__u32 i = 0; i < MODEL_PATHS; i++)
		node_get(z->node->maps.fantel_paths, &i, &m->path[i]);
}

/* The maps that are read after each packet. */
static void maps_arrange(struct fantel_bpf *node)
{
	bpf_map__set_max_entries(node->maps.fantel_failed, MODEL_FAILED);
	bpf_map__set_max_entries(node->maps.fantel_told, MODEL_TOLD);
	bpf_map__set_max_entries(node->maps.fantel_origins, MODEL_ORIGINS);
	bpf_map__set_max_entries(node->maps.fantel_metrics, MODEL_METRICS);
	bpf_map__set_max_entries(node->maps.fantel_proven, MODEL_ORIGINS);
	bpf_map__set_map_flags(node->maps.fantel_health, BPF_F_MMAPABLE);
	bpf_map__set_max_entries(node->maps.fantel_flows, RANK_SLOTS);
	bpf_map__set_map_flags(node->maps.fantel_flows, BPF_F_MMAPABLE);
	bpf_map__set_max_entries(node->maps.fantel_resource, MODEL_RESOURCES);
	bpf_map__set_map_flags(node->maps.fantel_resource, BPF_F_MMAPABLE);
	bpf_map__set_type(node->maps.fantel_stats, BPF_MAP_TYPE_ARRAY);
	bpf_map__set_map_flags(node->maps.fantel_stats, BPF_F_MMAPABLE);
	bpf_map__set_map_flags(node->maps.fantel_transit, BPF_F_MMAPABLE);
	bpf_map__set_max_entries(node->maps.fantel_gauges, WATCH_GAUGES);
	bpf_map__set_max_entries(node->maps.fantel_buckets, WATCH_BUCKETS);
}

static int event_take(void *context, void *data, size_t size)
{
	struct fuzz *z = context;

	if (size == sizeof(struct event) && z->n_events < MODEL_EVENTS)
		memcpy(&z->event[z->n_events], data, size);
	z->n_events++;
	return 0;
}

static int news_take(void *context, void *data, size_t size)
{
	struct fuzz *z = context;

	if (size == sizeof(z->news))
		memcpy(&z->news, data, size);
	z->n_news++;
	return 0;
}

/* The link of a session is compared for itself, and so are those that are watched; there keys change. */
static __u64 others_digest(const struct fuzz *z)
{
	struct bpf_map *const others[] = {
		z->node->maps.fantel_classes, z->node->maps.fantel_groups,
		z->node->maps.fantel_ranks,   z->node->maps.fantel_paths,
		z->node->maps.fantel_tunnels, z->node->maps.fantel_nexthops,
		z->node->maps.fantel_sources, z->node->maps.fantel_routes,
		z->node->maps.fantel_ends,    z->node->maps.fantel_location,
		z->node->maps.fantel_lsps,
	};
	__u64 digest = 0;

	if (!z->variant->session && !z->variant->watched)
		digest = map_digest(z->node->maps.fantel_links);
	if (!z->variant->watched)
		digest = digest * 31 + map_digest(z->node->maps.fantel_keys);
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		digest = digest * 31 + map_digest(others[i]);
	return digest;
}

static void fuzz_open(struct fuzz *z, const struct variant *variant, __u64 seed)
{
	struct config config = node_config();

	variant->configure(&config);
	config.failures_each = FAILURES_EACH;
	config.congestions_each = CONGESTIONS_EACH;
	z->variant = variant;
	z->broken = PROPERTIES;
	z->dice.state = seed;
	z->model.config = config;
	z->model.rules = msg_rules(&config);
	z->node = node_open(&config);
	if (variant->queue_by == QUEUE_BY_TRACEPOINT)
		z->node->rodata->config.queue_by = QUEUE_BY_TRACEPOINT;
	z->model.config.queue_by = z->node->rodata->config.queue_by;
	maps_arrange(z->node);
	node_start(z->node);
	z->stats = map_view(z->node->maps.fantel_stats);
	z->health = map_view(z->node->maps.fantel_health);
	z->resource = map_view(z->node->maps.fantel_resource);
	z->state = map_view(z->node->maps.fantel_node);
	z->flow = map_view(z->node->maps.fantel_flows);
	z->transit = map_view(z->node->maps.fantel_transit);
	rows_init(&z->failed, z->node->maps.fantel_failed);
	rows_init(&z->origins, z->node->maps.fantel_origins);
	rows_init(&z->proven, z->node->maps.fantel_proven);
	rows_init(&z->told, z->node->maps.fantel_told);
	rows_init(&z->metrics, z->node->maps.fantel_metrics);
	rows_init(&z->buckets, z->node->maps.fantel_buckets);
	z->ring = ring_buffer__new(bpf_map__fd(z->node->maps.fantel_events), event_take, z, NULL);
	if (!z->ring ||
	    ring_buffer__add(z->ring, bpf_map__fd(z->node->maps.fantel_bfd_news), news_take, z))
		give_up("fantel_events");
	paths_add(z);
	resources_add(z);
	if (variant->wary) {
		demand_add(z, "2001:db8:f::/126", AUTHENTICATION_REQUIRE);
		demand_add(z, "2001:db8:f::8/125", AUTHENTICATION_ACCEPT);
		demand_add(z, "198.51.100.0/28", AUTHENTICATION_REQUIRE);
		keys_add(z);
	} else {
		source_add(z, "2001:db8:f::/124");
		source_add(z, "198.51.100.0/28");
	}
	if (variant->failed_link) {
		/* Of the domain by mistake: they must not be told all the same. */
		source_add(z, "::/128");
		source_add(z, "ff0e::/124");
		source_add(z, "224.0.0.0/28");
	}
	class_add(z, "2001:db8:2::/48");
	class_add(z, "203.0.113.0/24");
	if (variant->failed_link)
		link_fail(z);
	if (variant->session)
		session_begin(z);
	if (variant->ends)
		ends_add(z);
	if (variant->watched) {
		z->state->wall_ns = WATCH_WALL_NS;
		watch_begin(&z->watching, &z->model, z->node,
			    map_view(z->node->maps.fantel_gauges));
	}
	model_copy_tunnels(z);
	z->model.state = *z->state;
	source_fill(&z->source, &config, variant->frame);
	z->others = others_digest(z);
}

static void fuzz_close(struct fuzz *z)
{
	ring_buffer__free(z->ring);
	rows_free(&z->failed);
	rows_free(&z->origins);
	rows_free(&z->proven);
	rows_free(&z->told);
	rows_free(&z->metrics);
	rows_free(&z->buckets);
	if (z->variant->watched)
		watch_end(&z->watching);
	fantel_bpf__destroy(z->node);
}

/* Begin anew: full sets and sequences far ahead would leave little to do. */
static void forget(struct fuzz *z)
{
	static const struct pace off;

	node_clear(z->node->maps.fantel_failed, sizeof(struct failed_key));
	node_clear(z->node->maps.fantel_origins, sizeof(struct addr));
	node_clear(z->node->maps.fantel_proven, sizeof(struct addr));
	node_clear(z->node->maps.fantel_told, sizeof(struct told_key));
	node_clear(z->node->maps.fantel_metrics, sizeof(struct failed_key));
	memset(z->health, 0, MODEL_PATHS * sizeof(*z->health));
	memset(z->model.health, 0, sizeof(z->model.health));
	for (__u32 i = 0; i < MODEL_RESOURCES; i++) {
		z->resource[i].failures = z->resource[i].changed_ns = 0;
		z->resource[i].congestions = z->resource[i].congested_ns = 0;
		z->model.resource[i].value = z->resource[i];
	}
	for (__u32 i = 0; i < MAX_TRANSIT; i++)
		if (z->model.transit[i].hash)
			node_put(z->node->maps.fantel_pace, &i, &off);
	for (__u32 i = 0; i < MODEL_PATHS; i++)
		node_put(z->node->maps.fantel_pace, &(__u32){ PACE_OF(i) }, &off);
	memset(z->model.ask, 0, sizeof(z->model.ask));
	memset(z->model.lowered, 0, sizeof(z->model.lowered));
	memset(z->transit, 0, sizeof(z->model.transit));
	memset(z->model.transit, 0, sizeof(z->model.transit));
	memset(z->model.through, 0, sizeof(z->model.through));
	z->state->transit = z->model.state.transit = 0;
	z->state->congested = z->model.state.congested = 0;
	z->model.n_failed = z->model.origins.n = z->model.proven.n = 0;
	z->model.n_told = z->model.n_metrics = 0;
	z->source.sequence = GOLDEN_SEQUENCE;
	if (z->variant->session)
		session_begin(z);
	if (z->variant->watched)
		watch_forget(&z->watching);
	rows_read(&z->failed);
	rows_read(&z->origins);
	rows_read(&z->proven);
	rows_read(&z->told);
	rows_read(&z->metrics);
}

/* ---- what differs ---------------------------------------------------------------------------- */

static void print_counts(FILE *to, const char *what, const struct traffic *count)
{
	fprintf(to, "#   %s", what);
	for (int r = 0; r < REASON_COUNT; r++)
		if (count[r].packets)
			fprintf(to, " %s %llu", reason_word(r),
				(unsigned long long)count[r].packets);
	fputc('\n', to);
}

/* The first thing that is not as it should be: say all that is needed to repeat it. */
static bool broken(struct fuzz *z, enum property property, const char *what)
{
	if (z->broken != PROPERTIES)
		return false;
	z->broken = property;
	fprintf(stderr, "# %s, packet %llu: %s\n#   %s; model: %s, %s; node: %s\n",
		z->variant->name, (unsigned long long)z->number, what, bpf_program__name(z->prog),
		verdict_word(z->model.verdict), reason_word(z->model.reason),
		verdict_word(z->verdict));
	print_counts(stderr, "model:", z->model.count);
	print_counts(stderr, "node: ", z->stats);
	fputs("#   ", stderr);
	for (__u32 i = 14; i < z->in.len; i++)
		fprintf(stderr, "%02x", z->in.b[i]);
	fputc('\n', stderr);
	return false;
}

static bool in_run(const struct fuzz *z, __u64 time_ns)
{
	return time_ns >= z->started_ns && time_ns <= z->ended_ns;
}

/* ---- state ----------------------------------------------------------------------------------- */

/* One entry of fantel_failed; what the model could not know is taken over. */
static bool failed_agrees(const struct fuzz *z, struct model_failed *want, const struct failed *got)
{
	__u64 validity_ns = want->validity_ms * NSEC_PER_MSEC, until = got->until_ns;

	if (want->touched == TOUCHED_NEW) {
		if (!in_run(z, got->since_ns) ||
		    (validity_ns && until != got->since_ns + validity_ns))
			return false;
		want->value.since_ns = got->since_ns;
	}
	if (want->touched != TOUCHED_NOT) {
		if (validity_ns ? !in_run(z, until - validity_ns) : until)
			return false;
		/* A timer that fires early looks again; one that would be late is set anew. */
		if (validity_ns && (!want->value.armed_ns || want->value.armed_ns > until))
			want->value.armed_ns = !got->armed_ns && node_has_untimed(z->node, UNTIMED_FAILURES) ? 0 : until;
		want->value.until_ns = until;
		want->touched = TOUCHED_NOT;
	}
	want->value.timer = got->timer;
	return !memcmp(&want->value, got, sizeof(*got));
}

static bool failed_agree(struct fuzz *z)
{
	const struct failed_key *key = (void *)z->failed.now.keys;
	const struct failed *got = (void *)z->failed.now.values;

	if (z->failed.now.n != z->model.n_failed)
		return false;
	for (__u32 i = 0; i < z->failed.now.n; i++) {
		struct model_failed *want = model_failed(&z->model, &key[i]);

		if (!want || !failed_agrees(z, want, &got[i]))
			return false;
	}
	return true;
}

/* Of a bucket that fills in days: so much was drawn, and next to nothing has come back. */
static bool bucket_agrees(const struct fuzz *z, enum kind kind, __u32 drawn, const struct bucket *got)
{
	const struct rate *rate = &z->model.config.receive[kind];
	__u64 left = rate->burst_ns - drawn * rate->interval_ns;

	if (!drawn)
		return !got->last_ns && got->credit_ns == BUCKET_FULL;
	return got->last_ns <= z->ended_ns && got->credit_ns >= left &&
	       got->credit_ns < left + DAY_S * NSEC_PER_SEC;
}

static bool origin_agrees(const struct fuzz *z, const struct model_origin *want,
			  const struct origin *got)
{
	struct origin rest = *got;

	for (enum kind kind = 0; kind < KIND_COUNT; kind++)
		if (!bucket_agrees(z, kind, want->drawn[kind], &got->bucket[kind]))
			return false;
	memcpy(rest.bucket, want->value.bucket, sizeof(rest.bucket));
	return !memcmp(&want->value, &rest, sizeof(rest));
}

static bool origins_agree(const struct fuzz *z, const struct rows *rows,
			  const struct model_origins *want)
{
	const struct addr *key = (void *)rows->now.keys;
	const struct origin *got = (void *)rows->now.values;

	if (rows->now.n != want->n)
		return false;
	for (__u32 i = 0; i < want->n; i++) {
		__u32 j = 0;

		while (j < want->n && !addr_equal(&want->row[j].key, &key[i]))
			j++;
		if (j == want->n || !origin_agrees(z, &want->row[j], &got[i]))
			return false;
	}
	return true;
}

static bool told_agrees(const struct fuzz *z, struct model_told *want, const struct told *got)
{
	if (want->touched == TOUCHED_NEW) {
		if (!in_run(z, got->first_ns) || got->last_ns != got->first_ns)
			return false;
		want->value.first_ns = want->value.last_ns = got->first_ns;
		want->touched = TOUCHED_NOT;
	}
	return !memcmp(&want->value, got, sizeof(*got));
}

static bool told_agree(struct fuzz *z)
{
	const struct told_key *key = (void *)z->told.now.keys;
	const struct told *got = (void *)z->told.now.values;
	struct model *m = &z->model;

	if (z->told.now.n != m->n_told)
		return false;
	for (__u32 i = 0; i < m->n_told; i++) {
		__u32 j = 0;

		while (j < m->n_told && memcmp(&m->told[j].key, &key[i], sizeof(key[i])))
			j++;
		if (j == m->n_told || !told_agrees(z, &m->told[j], &got[i]))
			return false;
	}
	return true;
}

/* A judgement of this generation is right, and none is of one to come. An older one says nothing; who
 * made it is checked all the same: steer, or a notification that acted. */
static bool judgement_agrees(const struct fuzz *z, __u32 path, struct judgement *want)
{
	const struct judgement *got = &z->health[path].judged;
	bool made = memcmp(want, got, sizeof(*got));

	if (made && !z->model.changes && z->prog != z->node->progs.fantel_customer)
		return false;
	*want = *got;
	if (got->generation == z->model.state.generation)
		return got->standing == model_judged(&z->model, path);
	return (__s32)(z->model.state.generation - got->generation) > 0;
}

/* A time that is not foretold, of a change that is. */
static bool change_agrees(const struct fuzz *z, bool *changed, __u64 *want_ns, __u64 got_ns)
{
	if (*changed && !in_run(z, got_ns))
		return false;
	if (*changed)
		*want_ns = got_ns;
	*changed = false;
	return true;
}

/* Of a path that there is not, all is zero. */
static bool health_agrees(struct fuzz *z)
{
	static const struct health untouched[HEALTH_ROWS - MODEL_PATHS];

	for (__u32 i = 0; i < MODEL_PATHS; i++) {
		struct model_health *h = &z->model.health[i];
		const struct health *got = &z->health[i];

		if (!change_agrees(z, &h->moved, &h->value.changed_ns, got->changed_ns) ||
		    !change_agrees(z, &h->congested, &h->value.congested_ns, got->congested_ns) ||
		    !judgement_agrees(z, i, &h->value.judged) ||
		    memcmp(&h->value, got, sizeof(*got)))
			return false;
	}
	return !memcmp(z->health + MODEL_PATHS, untouched, sizeof(untouched));
}

/* The clock that a flow is noted by is the ordering's own: any time will do for the slot at hand. */
static bool flows_agree(struct fuzz *z)
{
	struct model *m = &z->model;

	if (m->slot < RANK_SLOTS)
		m->flow[m->slot].last = z->flow[m->slot].last;
	return !memcmp(z->flow, m->flow, sizeof(m->flow));
}

static bool resources_agree(struct fuzz *z)
{
	for (__u32 i = 0; i < MODEL_RESOURCES; i++) {
		struct model_resource *r = &z->model.resource[i];
		const struct resource *got = &z->resource[i];

		if (!change_agrees(z, &r->moved, &r->value.changed_ns, got->changed_ns) ||
		    !change_agrees(z, &r->congested, &r->value.congested_ns, got->congested_ns) ||
		    memcmp(&r->value, got, sizeof(*got)))
			return false;
	}
	return true;
}

static bool metrics_agrees(const struct fuzz *z, struct model_metrics *want, const struct metrics *got)
{
	__u64 validity_ns = want->validity_ms * NSEC_PER_MSEC;

	if (want->touched) {
		want->value.time_ns = got->time_ns;
		want->value.until_ns = validity_ns ? got->time_ns + validity_ns : 0;
		want->touched = false;
		if (!in_run(z, got->time_ns))
			return false;
	}
	return !memcmp(&want->value, got, sizeof(*got));
}

static bool metrics_agree(struct fuzz *z)
{
	const struct failed_key *key = (void *)z->metrics.now.keys;
	const struct metrics *got = (void *)z->metrics.now.values;

	if (z->metrics.now.n != z->model.n_metrics)
		return false;
	for (__u32 i = 0; i < z->metrics.now.n; i++) {
		struct model_metrics *want = model_metrics(&z->model, &key[i]);

		if (!want || !metrics_agrees(z, want, &got[i]))
			return false;
	}
	return true;
}

static bool transit_agrees(struct fuzz *z)
{
	for (__u32 i = 0; i < MAX_TRANSIT; i++)
		if (!change_agrees(z, &z->model.through[i].congested,
				   &z->model.transit[i].congested_ns, z->transit[i].congested_ns))
			return false;
	return !memcmp(z->transit, z->model.transit, sizeof(z->model.transit));
}

static bool pace_agrees(const struct fuzz *z)
{
	for (__u32 i = 0; i < MODEL_PATHS; i++) {
		struct pace want = { .ask = z->model.ask[i],
				     .rate = z->model.lowered[i].rate,
				     .bytes = z->model.lowered[i].bytes }, got;

		node_get(z->node->maps.fantel_pace, &(__u32){ PACE_OF(i) }, &got);
		want.since_ns = got.since_ns;
		want.even_ns = got.even_ns;
		want.state = got.state;
		if (memcmp(&want, &got, sizeof(got)) ||
		    (got.state != PACE_OFF) > z->model.lowered[i].measured ||
		    (got.state == PACE_OFF && z->model.lowered[i].measured &&
		     !z->model.lowered[i].may_end))
			return false;
	}
	return true;
}

/* What the loader is woken for with it. */
static bool session_agrees(struct fuzz *z)
{
	struct model *m = &z->model;
	struct bfd_session got;
	__u32 ifindex = RECEIVED_ON;
	struct link link;

	if (z->n_news != m->bfd.news ||
	    (z->n_news && (z->news.ifindex != ifindex || z->news.state != m->bfd.session.state)))
		return false;
	return node_get(z->node->maps.fantel_bfd, &ifindex, &got) &&
	       bfd_session_agrees(m, z->node, &got, z->started_ns, z->ended_ns) &&
	       node_get(z->node->maps.fantel_links, &ifindex, &link) &&
	       bfd_link_agrees(m, &link, z->started_ns, z->ended_ns);
}

static bool watched_agrees(struct fuzz *z)
{
	rows_read(&z->buckets);
	if (z->watching.wrong)
		return broken(z, STATE, z->watching.wrong);
	if (!watch_gauges_agree(&z->watching))
		return broken(z, STATE, "fantel_gauges differs");
	if (!watch_buckets_agree(&z->watching, (void *)z->buckets.now.keys, (void *)z->buckets.now.values,
				 z->buckets.now.n))
		return broken(z, STATE, "fantel_buckets differs");
	return true;
}

static bool check_state(struct fuzz *z)
{
	rows_read(&z->failed);
	rows_read(&z->origins);
	rows_read(&z->proven);
	rows_read(&z->told);
	rows_read(&z->metrics);
	if (memcmp(z->state, &z->model.state, sizeof(*z->state)))
		return broken(z, STATE, "fantel_node differs");
	if (z->variant->watched && !watched_agrees(z))
		return false;
	if (z->variant->session && !session_agrees(z))
		return broken(z, STATE, "session, link, or the loader's news of them differ");
	if (!health_agrees(z))
		return broken(z, STATE, "fantel_health differs");
	if (!flows_agree(z))
		return broken(z, STATE, "fantel_flows differs");
	if (!resources_agree(z))
		return broken(z, STATE, "fantel_resource differs");
	if (!transit_agrees(z))
		return broken(z, STATE, "fantel_transit differs");
	if (!z->model.changes) {
		if (!rows_same(&z->failed) || !rows_same(&z->origins) || !rows_same(&z->proven) ||
		    !rows_same(&z->told) || !rows_same(&z->metrics))
			return broken(z, STATE, "it left a trace and should not");
		return true;
	}
	if (!failed_agree(z))
		return broken(z, STATE, "fantel_failed differs");
	if (!pace_agrees(z))
		return broken(z, STATE, "fantel_pace differs");
	if (!origins_agree(z, &z->origins, &z->model.origins))
		return broken(z, STATE, "fantel_origins differs");
	if (!metrics_agree(z))
		return broken(z, STATE, "fantel_metrics differs");
	if (!origins_agree(z, &z->proven, &z->model.proven))
		return broken(z, STATE, "fantel_proven differs");
	return told_agree(z) || broken(z, STATE, "fantel_told differs");
}

/* ---- events, bytes --------------------------------------------------------------------------- */

static bool check_events(struct fuzz *z)
{
	if (z->n_events != z->model.n_events)
		return broken(z, EVENTS, "another number of events");
	for (__u32 i = 0; i < z->n_events; i++) {
		struct event *want = &z->model.event[i];
		const struct event *got = &z->event[i];

		if (!in_run(z, got->time_ns))
			return broken(z, EVENTS, "an event of another time");
		if (!want->time_ns)
			want->time_ns = got->time_ns;
		if (memcmp(want, got, sizeof(*got)))
			return broken(z, EVENTS, "an event says something else");
	}
	return true;
}

/* Is the notification that a doomed packet became one that its ingress PE understands? */
static bool notification_right(struct fuzz *z)
{
	static const struct addr remote = { .b = { 0x20, 1, 0xd, 0xb8, 0, 0x12, [15] = 2 } };
	const struct event *told = &z->model.event[z->model.n_events - 1];
	static struct reading r;
	struct model *m = &z->model;
	struct tunnel_key key;
	struct frame inner = {};
	bool flow = model_inner(&inner, &z->reading);

	model_read(m, &z->out, &r);
	/* It is for another node, so it was not read as ours. */
	if (!r.ip || !model_is_notification(m, &r) || r.frame.len + 14 != z->out.len ||
	    !addr_equal(&r.frame.dst, &z->reading.frame.src) || r.frame.hop_limit != 255 ||
	    memcmp(z->out.b, z->in.b + 6, 6) || memcmp(z->out.b + 6, z->in.b, 6))
		return false;
	if (!model_is_loopback(m, &r.frame.src) || model_refusal(m, &r))
		return false;
	return r.msg.kind == KIND_FAILURE && model_tunnel(&r, &key) &&
	       !memcmp(&key, &told->tunnel, sizeof(key)) && r.msg.event_id == told->event_id &&
	       r.msg.sequence == told->sequence && r.msg.cause == told->cause &&
	       r.msg.timestamp_ns == told->timestamp_ns &&
	       addr_equal(&r.msg.remote_ipv6, &remote) && msg_has(&r.msg, TLVI_FLOW) == flow &&
	       (!flow ||
		(addr_equal(&r.msg.flow_src, &inner.src) &&
		 addr_equal(&r.msg.flow_dst, &inner.dst) && r.msg.flow_protocol == inner.proto));
}

/* Back where the packet came from; and scapy's CNP, where the packet is still the golden one in what that
 * depends on: port and partition. */
static bool cnp_right(const struct fuzz *z)
{
	const struct frame *f = &z->reading.frame;
	const struct bytes *want = golden(f->version == 6 ? "roce6 as CNP" : "roce4 as CNP");
	const struct bytes *made_of = golden(f->version == 6 ? "roce6" : "roce4");
	const __u8 *l4 = z->in.b + f->l4;

	if (z->out.len != want->len || memcmp(z->out.b, z->in.b + 6, 6) ||
	    memcmp(z->out.b + 6, z->in.b, 6))
		return false;
	return memcmp(l4, made_of->b + want->len - 40, 2) || memcmp(l4 + 10, made_of->b + want->len - 30, 2) ||
	       !memcmp(z->out.b + 12, want->b + 12, want->len - 12);
}

static bool check_bytes(struct fuzz *z)
{
	__u32 more = z->model.path[z->model.taken].encap_len - 14;
	static const struct mark_meta meta = { .magic = MARK_MAGIC, .value = MODEL_MARK };
	__u32 front = z->model.marks ? sizeof(meta) : 0;

	if (!z->model.rewrites && (z->out.len != z->in.len + front ||
				   memcmp(z->out.b + front, z->in.b, z->in.len)))
		return broken(z, BYTES, "the packet was changed");
	if (memcmp(z->out.b, &meta, front))
		return broken(z, BYTES, "not the mark of its path");
	if (z->model.verdict == XDP_REDIRECT && z->out.len != z->in.len + more)
		return broken(z, BYTES, "an outer header of another length");
	if (z->model.reason == REASON_NOTIFIED && !notification_right(z))
		return broken(z, BYTES, "not the right notification");
	if (z->model.reason == REASON_CNP && !cnp_right(z))
		return broken(z, BYTES, "not the CNP to its sender");
	if (z->model.off && !decapped_right(&z->model, &z->in, &z->out))
		return broken(z, BYTES, "not the packet that was inside");
	if (z->model.reason == REASON_BFD_ECHOED && !bfd_echoed_right(&z->in, &z->out))
		return broken(z, BYTES, "not the neighbour's echo");
	if (z->prog == z->node->progs.fantel_watch && !watch_kept(&z->watching))
		return broken(z, BYTES, "what the kernel knows of the packet was changed");
	if (z->variant->watched && !watch_sent_right(&z->watching, &z->in, &z->reading))
		return broken(z, BYTES, "not what is to come out");
	return true;
}

/* ---- one packet ------------------------------------------------------------------------------ */

/* A failure must not end while the run lasts: its end would be no packet's doing. Neither must a rate have
 * room for a second packet. */
static void read_lasting(struct fuzz *z)
{
	static const __u8 one[] = { 0, 0, 0, 0, 0x3f, 0x80, 0, 0 }; /* from 0 to 1 byte/s */
	struct reading *r = &z->reading;
	const struct frame *f = &r->frame;

	model_read(&z->model, &z->in, r);
	if (!r->ours || r->reason)
		return;
	if (msg_has(&r->msg, TLVI_RATE) && pace_whole(r->msg.rate_max_f32) > 1)
		memcpy(z->in.b + f->l4 + r->msg.at[TLVI_RATE] + 4, one, sizeof(one));
	else if (!r->msg.validity_ms || r->msg.validity_ms >= LASTING_MS)
		return;
	if (r->msg.validity_ms && r->msg.validity_ms < LASTING_MS)
		z->in.b[f->l4 + r->msg.at[TLVI_EVENT] + 16] |= 0x80;
	l4_mend(z->in.b + f->l4, r->msg.len, &f->src, &f->dst, f->proto);
	model_read(&z->model, &z->in, r);
}

static void fuzz_run(struct fuzz *z)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = z->in.b, .data_size_in = z->in.len,
		    .data_out = z->out.b, .data_size_out = sizeof(z->out.b), .repeat = 1);

	if (z->prog == z->node->progs.fantel_watch)
		watch_leaves(&z->watching, &z->dice, &opts, z->in.len);
	z->started_ns = now_ns();
	if (bpf_prog_test_run_opts(bpf_program__fd(z->prog), &opts))
		give_up(bpf_program__name(z->prog));
	z->ended_ns = now_ns();
	if (z->prog == z->node->progs.fantel_watch)
		watch_left(&z->watching, z->started_ns, z->ended_ns);
	z->verdict = opts.retval;
	z->out.len = opts.data_size_out;
	z->n_events = z->n_news = 0;
	ring_buffer__consume(z->ring);
}

/* What the senders of golden packets receive, two QPs of each: they are known, and none is the only one. */
static void senders_receive(struct fuzz *z)
{
	static const char *const back[] = { "roce6 back", "roce6 back of another QP", "roce4 back",
					    "roce4 back of another QP" };

	for (__u32 i = 0; i < ARRAY_SIZE(back); i++) {
		const struct bytes *in = golden(back[i]);
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->b, .data_size_in = in->len, .repeat = 1);
		struct frame f;

		if (!frame_parse(&f, in->b, in->b + in->len) ||
		    bpf_prog_test_run_opts(bpf_program__fd(z->node->progs.fantel_qp), &opts))
			give_up(back[i]);
		z->model.sender[i] = (struct qp_key){ .host = f.dst, .peer = f.src,
						      .sport = frame_sport(&f) };
	}
}

/* User space can't tell when a rate that is no longer needed was given up, for that is when a packet next
 * asks; only whether it may have been. */
static void rates_end(struct fuzz *z)
{
	for (__u32 i = 0; i < MODEL_PATHS; i++) {
		struct pace got;

		if (!z->model.lowered[i].measured || !z->model.lowered[i].may_end)
			continue;
		node_get(z->node->maps.fantel_pace, &(__u32){ PACE_OF(i) }, &got);
		z->model.lowered[i].measured = got.state == PACE_MEASURING;
	}
}

/* A packet, and the program that is to see it. */
static void fuzz_pick(struct fuzz *z)
{
	bool customer = dice_one_in(&z->dice, z->variant->customers);
	bool egress = z->variant->watched && !customer && !dice_one_in(&z->dice, 12);

	z->prog = customer ? z->node->progs.fantel_customer :
		  egress   ? z->node->progs.fantel_watch :
			     z->node->progs.fantel_core;
	if (z->variant->session && !customer && !dice_one_in(&z->dice, 3))
		source_bfd(&z->in, &z->dice, &z->source);
	else if (z->variant->ends && !customer && !dice_one_in(&z->dice, 4))
		source_tunnel(&z->in, &z->dice, &z->source);
	else if (egress)
		source_watched(&z->in, &z->dice, &z->source);
	else
		source_next(&z->in, &z->dice, &z->source, customer ? 2 : z->variant->frames);
}

/* One packet more; false at the first difference. */
static bool fuzz_one(struct fuzz *z)
{
	z->source.sequence++;
	if (z->variant->session && dice_one_in(&z->dice, 8))
		session_echo(z);
	if (z->variant->watched) {
		watch_stir(&z->watching, &z->dice);
		rows_read(&z->told);
	}
	fuzz_pick(z);
	read_lasting(z);
	rates_end(z);
	if (z->prog == z->node->progs.fantel_watch) {
		fuzz_run(z);
		model_watch(&z->watching, &z->reading, z->stats, z->n_events);
	} else if (z->prog == z->node->progs.fantel_core) {
		model_core(&z->model, &z->reading);
		fuzz_run(z);
	} else {
		if (z->model.config.cnp)
			senders_receive(z);
		model_customer(&z->model, &z->reading);
		fuzz_run(z);
	}
	z->met += z->model.met;
	if (z->verdict != z->model.verdict)
		return broken(z, VERDICT, "another verdict");
	if (memcmp(z->stats, z->model.count, sizeof(z->model.count)))
		return broken(z, COUNTED, "counted otherwise");
	return check_state(z) && check_events(z) && check_bytes(z);
}

/* ---- a node's share -------------------------------------------------------------------------- */

/* Per-CPU, as the loader has it. */
static struct traffic steered(const struct fuzz *z, __u32 path)
{
	int cpus = libbpf_num_possible_cpus();
	OWN_MEM struct traffic *each = take_memory(cpus * sizeof(*each));
	struct traffic sum = {};

	node_get(z->node->maps.fantel_traffic, &path, each);
	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.packets += each[cpu].packets;
		sum.bytes += each[cpu].bytes;
	}
	return sum;
}

static void check_end(struct fuzz *z)
{
	for (__u32 path = 0; path < MODEL_PATHS; path++) {
		struct traffic sum = steered(z, path);

		if (memcmp(&sum, &z->model.steered[path], sizeof(sum)))
			broken(z, COUNTED, "fantel_traffic differs");
	}
	if (z->variant->watched && !watch_left_alone(&z->watching))
		broken(z, OTHERS, "a watched port was changed");
	if (z->variant->watched && !z->few && (!z->watching.heads || !z->watching.tails))
		broken(z, REACHED, "chance always decided one way");
	if (others_digest(z) != z->others)
		broken(z, OTHERS, "a map of the loader's was changed");
	for (const enum reason *r = z->variant->reasons; !z->few && *r; r++)
		if (!z->stats[*r].packets) {
			fprintf(stderr, "# no packet was counted as %s\n", reason_word(*r));
			broken(z, REACHED, "a reason was left out");
		}
}

static const char *skip_reason(const struct fuzz *z, enum property p)
{
	if (z->broken != PROPERTIES)
		return p == z->broken ? "" : " # SKIP a failure ended the run before";
	return p == REACHED && z->few ? " # SKIP too few packets" : "";
}

/* TAP: a line each, and what was counted. */
static void report(const struct fuzz *z, int *line)
{
	__u64 counted = 0, steered = 0;

	for (enum property p = 0; p < PROPERTIES; p++)
		printf("%sok %d - %s, %llu packets for it among %llu: %s%s\n",
		       p == z->broken ? "not " : "", ++*line, z->variant->name,
		       (unsigned long long)z->met, (unsigned long long)z->number, sentence[p],
		       skip_reason(z, p));
	print_counts(stdout, "counted:", z->stats);
	for (int r = 0; r < REASON_COUNT; r++)
		counted += z->stats[r].packets;
	for (__u32 path = 0; path < MODEL_PATHS; path++)
		steered += z->model.steered[path].packets;
	printf("#   together %llu, steered %llu, passed uncounted %llu\n",
	       (unsigned long long)counted, (unsigned long long)steered,
	       (unsigned long long)(z->number - counted - steered));
	fflush(stdout);
}

static bool fuzz(const struct variant *variant, __u64 packets, __u64 seed, int *line)
{
	OWN_MEM struct fuzz *z = take_memory(sizeof(*z));
	__u64 anew = 1;
	bool good;

	fuzz_open(z, variant, seed);
	z->few = packets < RUNS / 100 * variant->share;
	do {
		if (!--anew) {
			forget(z);
			anew = dice_one_in(&z->dice, 16) ? 2048 : 8 + dice_roll(&z->dice, 160);
		}
		z->number++;
	} while (fuzz_one(z) && z->met < packets);
	if (z->broken == PROPERTIES)
		check_end(z);
	report(z, line);
	good = z->broken == PROPERTIES;
	fuzz_close(z);
	return good;
}

static __u64 number_from(const char *name, __u64 otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

/* Maps keep lists of free entries by CPU; ours are small. */
static void stay_on_this_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sched_getcpu(), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		give_up("sched_setaffinity");
}

int main(void)
{
	__u64 runs = number_from("FUZZ_RUNS", RUNS), seed = number_from("FUZZ_SEED", 1);
	bool good = true;
	int line = 0;

	stay_on_this_cpu();
	net_enter();
	printf("# seed %llu\n", (unsigned long long)seed);
	for (size_t i = 0; good && i < ARRAY_SIZE(variants); i++)
		good = fuzz(&variants[i], runs * variants[i].share / 100, seed + i, &line);
	printf("1..%d\n", line);
	return !good;
}
