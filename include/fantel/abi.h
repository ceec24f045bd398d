/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the BPF programs and the loader share: keys and values of every map, the frozen
 * configuration, and the events. All numbers are in host order unless their name ends in _be;
 * addresses are struct addr (network order). Times named _ns are CLOCK_MONOTONIC (bpf_ktime_get_ns)
 * unless said otherwise.
 *
 * Layouts may change from one build to the next: a loader that takes over finds members of the build
 * before by their names (loader/layout.h). So a name keeps its meaning; 0 in a member that is new means
 * what builds without it did; arrays grow at their end, and so do enums, but for those that members are
 * declared as, whose words may be renumbered; hashes, and numbers by which rows of arrays are found, are
 * made as before. What can't be said so is a new FANTEL_ABI, and with it a new pin directory, which no
 * upgrade crosses without a detach.
 */
#ifndef FANTEL_ABI_H
#define FANTEL_ABI_H

#include "base.h"
#include "bfd.h"
#include "reason.h"
#include "wire.h"

#define FANTEL_ABI 1

#define NAME_LEN 32	     /* of nodes, paths, groups, ports; NUL included */
#define MAX_SEGMENTS 8	     /* of a path, and of a tunnel that can be named */
#define MAX_LABELS 8	     /* of a path */
#define MAX_MEMBERS 16	     /* paths of a group */

/* How many entries there is room for, where policy does not say otherwise (loader/policy_limits.h). */
#define MAX_GROUPS 256
#define MAX_PATHS 4096
#define MAX_NEXTHOPS MAX_PATHS
#define MAX_CLASSES 65536
#define MAX_SOURCES 4096
#define MAX_KEYS 256
#define MAX_DEMANDS 256      /* parts of the domain that have to show something else */
#define MAX_SIGN_KEYS 4      /* that one node may sign with */
#define MAX_ENDPOINTS 1024
#define MAX_CORE_LINKS 1024
#define BFD_NEWS_BYTES (1 << 16)
#define LINK_NEWS_BYTES (1 << 14)
#define MAX_ROUTES 65536
#define MAX_TUNNELS (2 * MAX_LABELS * MAX_PATHS) /* every suffix; old and new policy at once */
#define MAX_FAILED 32768
#define MAX_ORIGINS 4096
#define MAX_METRICS 8192
#define MAX_TOLD 16384
#define MAX_LEARNED 16384
#define MAX_LSPS 4096
#define LSP_INGRESSES 8
#define MAX_BUCKETS 4096
#define MAX_GAUGES MAX_CORE_LINKS
#define MAX_RESOURCES 4096
#define MAX_TRANSIT 1024     /* tunnels and flows of others, and flows of ours, that are held back */
#define MAX_QPS 65536
#define MAX_REPEATS 3
#define MAX_VXLAN_PORTS 4
#define TUNNEL_PATHS 16	     /* paths that may share one tunnel identity */
#define MAX_CROSSED 8	     /* resources that a path crosses */
#define RESOURCE_KEYS 4	     /* names of a resource in notifications */
#define MAX_LOCATIONS (2 * RESOURCE_KEYS * MAX_RESOURCES) /* old and new policy at once */
#define EVENTS_BYTES (1 << 20)

/* ---- traffic classes, groups and paths ------------------------------------------------------ */

/* Key of fantel_classes and fantel_sources: IPv4 prefixes are 96 bits longer. */
struct prefix_key {
	__u32 plen; /* bits */
	__be32 addr_be[4]; /* as words: struct addr would align to 8 and leave a hole */
};

struct class_value {
	__u32 group;
};

#define CLASS_CACHE_BITS 12 /* 4096 entries per CPU */
#define NO_GROUP (~0U)

struct class_cache {
	struct addr dst;
	__u32 version; /* node_state.classes when it was looked up */
	__u32 group;   /* or NO_GROUP */
};

/* One member of a group, as policy gave it, and the weight that it has now. */
#define WEIGHT_SHIFT 8
struct member {
	char name[NAME_LEN]; /* of the path */
	__u32 path;
	__u32 effective; /* in 1 / (1 << WEIGHT_SHIFT) of policy's, with which it began */
	__u16 weight; /* relative share; 0 = drained, carries nothing */
	__u16 tier;   /* the lowest tier with a usable member serves */
};

/* When may a flow leave a path that is usable, because weights changed or a better path is back? */
#define ORDERINGS(X)                                                                               \
	X(ANY, "any")	      /* at once */                                                        \
	X(FLOWLET, "flowlet") /* after a gap between its packets */                                \
	X(STRICT, "strict")   /* when it was idle for long: it counts as a new flow then */

enum ordering {
#define X(NAME, word) ORDERING_##NAME,
	ORDERINGS(X)
#undef X
};

struct group {
	char name[NAME_LEN];
	enum ordering ordering;
	__u32 gap_us; /* ORDERING_FLOWLET */
	__u32 n_members;
	struct member member[MAX_MEMBERS];
};

/*
 * A group compiled for the packet path (path.h, rank_build): the flow's hash picks a slot, and the
 * slot lists the members in the order in which they serve that flow, best first, four bits each,
 * lowest bits first. A whole value is replaced at once.
 */
#define RANK_SLOTS 4096
struct rank {
	__u32 n; /* members listed in each slot: those with a weight */
	__u16 on_no_path; /* enum fate: FATE_DROP or FATE_PASS */
	__u16 on_congestion; /* enum relief: where every usable path is congested */
	__u32 ordering;	  /* enum ordering */
	__u32 idle;	  /* in the ticks of struct flow, where there is an ordering */
	__u32 path[MAX_MEMBERS];
	__u64 order[RANK_SLOTS];
};

/*
 * fantel_flows, where order is kept: the path that the flows of one slot of one group took last. They
 * move together, so nothing is compared and nothing is evicted. Time is the low half of what the
 * ordering counts: with flowlet, ns in units of FLOW_TICK_NS; with strict, jiffies, which cost
 * nothing to read.
 */
#define FLOW_TICK_SHIFT 10
#define FLOW_TICK_NS (1U << FLOW_TICK_SHIFT)
#define STRICT_IDLE_S 30
#define MAX_FLOWS (MAX_GROUPS * RANK_SLOTS)
struct flow {
	__u32 path_plus_1; /* 0 = none yet */
	__u32 last;	   /* when it was taken last */
};

/* What is done for a group whose every usable path is congested. */
#define RELIEFS(X)                                                                                 \
	X(LOWER, "lower") /* its rate is lowered, and ECN-capable packets are marked */            \
	X(MARK, "mark")	  /* only the latter */                                                    \
	X(NONE, "none")

enum relief {
#define X(NAME, word) RELIEF_##NAME,
	RELIEFS(X)
#undef X
};

/* What policy calls a tunnel. The packet path only asks whether there is one. */
#define TUNNELS(X)                                                                                 \
	X(SRV6, "srv6")                                                                            \
	X(GRE, "gre")                                                                              \
	X(VXLAN, "vxlan")                                                                          \
	X(MPLS, "mpls")                                                                            \
	X(IPIP, "ipip")                                                                            \
	X(MARK, "mark")

enum tunnel_type {
	TUNNEL_NONE,
#define X(NAME, word) TUNNEL_##NAME,
	TUNNELS(X)
#undef X
	TUNNEL_COUNT,
};

/* What stands right behind Ethernet: it decides what is patched. */
enum outer_header {
	OUTER_IPV6, /* payload length, traffic class, flow label */
	OUTER_IPV4, /* total length, TOS, checksum */
	OUTER_MPLS, /* nothing */
};

/* The canonical identity of a tunnel: one part of Tunnel Info. Unused bytes are zero. */
struct tunnel_key {
	__u8 code; /* one enum wire_code bit */
	__u8 n;	   /* segments or labels; 1 for an address */
	__u8 pad[6];
	union {
		struct addr addr;
		struct addr segment[MAX_SEGMENTS]; /* in SRH order: the last one travelled first */
		__be32 label_be[WIRE_LABELS_MAX];  /* top first; TC and TTL zero */
	};
};

/* A tunnel that the kernel makes: the mark by which its rules choose it, and what a notification calls
 * it. */
struct mark {
	__u32 value; /* of skb->mark */
	__u32 pad;
	struct tunnel_key named;
};

/* What the packet path tells the kernel of one packet: XDP metadata, right in front of it. */
struct mark_meta {
	__u32 magic; /* MARK_MAGIC */
	__u32 value;
};
#define MARK_MAGIC 0xfa57e11e

/* The same of a packet that leaves by tc: by which interface, and when; 0 = at once. Words, for a frame
 * stands on no more. */
struct depart_meta {
	__u32 magic; /* DEPART_MAGIC */
	__u32 ifindex;
	__u32 at_low, at_high;
};
#define DEPART_MAGIC 0xfa57de9a

/* The outer headers of one path, Ethernet included, ready to be copied; one for each inner family.
 *
 *  0            14
 *  | Ethernet   | IPv6 | SRH?                             SRv6
 *  |            | IPv4 or IPv6 | GRE, key?                GRE
 *  |            | IPv4 or IPv6 | UDP | VXLAN | Ethernet   VXLAN
 *  |            | label stack                             MPLS
 *  |            | IPv4 or IPv6                            IP in IP
 *  MACs from the next hop; patched per packet: what enum outer_header says, and the UDP header.
 */
#define ENCAP_MAX 192
struct encap {
	__u8 hdr[ENCAP_MAX];
};
_Static_assert(14 + 40 + 8 + 16 * MAX_SEGMENTS <= ENCAP_MAX, "the longest SRH fits");

enum inner {
	INNER_V4,
	INNER_V6,
	INNER_COUNT,
};

enum path_flags {
	PATH_DSCP_FIXED = 1, /* outer DSCP from `dscp`; else copied from the inner header */
};

struct path {
	char name[NAME_LEN];
	__u32 nexthop;	 /* index in fantel_nexthops */
	__u16 encap_len; /* bytes before the inner packet, Ethernet included; 0 = none, TUNNEL_MARK */
	__u8 tunnel;	 /* enum tunnel_type; 0 = no such path */
	__u8 flags;	 /* enum path_flags */
	__u8 dscp;	 /* 0-63, with PATH_DSCP_FIXED */
	__u8 outer;	 /* enum outer_header */
	__u8 udp_at;	 /* offset of the outer UDP header in the frame; 0 = none */
	__u8 pad;
	/* OUTER_IPV4: each template's header sum, TOS, length and checksum zero; network order */
	__u16 sum[INNER_COUNT];
	/* what is routed: the outer destination, or for MPLS the next hop; unspecified: nothing is
	 * known that could be, and nobody writes that next hop */
	struct addr dst;
	__u32 n_crossed;
	__u32 crossed[MAX_CROSSED]; /* indices in fantel_resource */
	__u32 pad3;
	union {
		struct encap encap[INNER_COUNT];
		struct mark mark; /* TUNNEL_MARK */
	};
};

/* Where a path's packets leave. Written by netlink; out of date after `fresh_until`, and then the
 * packet path asks the FIB itself. */
struct nexthop {
	__u64 fresh_until; /* bpf_jiffies64; 0: its neighbour is not known yet */
	__u32 ifindex;
	__u16 mtu;   /* of the route, Ethernet header not counted; 0 with down */
	__u8 down;   /* the link is known to be down: the path is not usable */
	__u8 fq;     /* packets can wait in its qdisc for their time; set where somebody tells it that time */
	__u8 dmac[6];
	__u8 smac[6];
	char ifname[16];
};

/* Per-CPU, by path. */
struct traffic {
	__u64 packets;
	__u64 bytes; /* inner packet, Ethernet not counted */
};

/* ---- health --------------------------------------------------------------------------------- */

/* How a path or resource fares, better before worse. */
enum standing {
	STANDING_GOOD,
	STANDING_CONGESTED, /* usable, where there is no better one */
	STANDING_FAILED,
};

/* What the resources of a path do to it, as they were at a generation of node_state: one store. */
struct judgement {
	__u32 generation;
	__u32 standing; /* that of the worst of them */
} __attribute__((aligned(8)));

/* What steer asks of a path: the worse of its own standing and of what it crosses. */
struct health {
	__s32 failures;	   /* failure events on the path itself */
	__s32 congestions; /* the same of congestion; and PACE_RISE while its rate rises again */
	struct judgement judged; /* out of date where node_state has another generation */
	__u64 changed_ns;   /* when there were first or no more failures; 0 = never */
	__u64 congested_ns; /* the same of congestions */
};

/* fantel_tunnels, by hash_tunnel (path.h): which paths a tunnel identity names. A long key costs its
 * length at every notification; the identity itself settles whether it is the one. */
struct tunnel_paths {
	struct tunnel_key tunnel;
	__u32 n;
	__u32 path[TUNNEL_PATHS];
};

enum resource_kind {
	RESOURCE_NONE,
	RESOURCE_LINK, /* by the addresses of its two ends */
	RESOURCE_PORT, /* a link, by one end: a node and its identifier there */
	RESOURCE_NODE,
};

/* How notifications name a resource: canonical (resource.h), zero where its kind has nothing. */
struct resource_key {
	enum resource_kind kind;
	__u32 as; /* RESOURCE_PORT, RESOURCE_NODE; 0 = none */
	addr_num addr[2]; /* RESOURCE_LINK, the lower one first */
	__u8 router_id[8]; /* RESOURCE_PORT, RESOURCE_NODE */
	__u32 router_id_len;
	__u32 link_id; /* RESOURCE_PORT */
};

/* What a notification of congestion asks of a path's traffic, see pace.h. */
#define PACE_ALL 65536U
struct pace_ask {
	__u64 rate;  /* bytes/s; 0 = by share */
	__u32 share; /* of what it carried when congestion began, in 1/PACE_ALL */
	__u32 pad;
};

/* fantel_pace: the rate of a path that is congested, or was just now; at PACE_OF(its index), behind
 * those of fantel_transit. */
#define PACE_OF(path) (MAX_TRANSIT + (path))

#define PACE_STATES(X)                                                                             \
	X(OFF, "off")                                                                              \
	X(MEASURING, "measuring")                                                                  \
	X(LOWERED, "lowered")                                                                      \
	X(RISING, "rising")

enum pace_state {
#define X(NAME, word) PACE_##NAME,
	PACE_STATES(X)
#undef X
};

#define PACE_RISE (1 << 24) /* in health.congestions; there are never so many events */

struct pace {
	struct bpf_timer timer; /* of the next step; user space reads zeros */
	__u32 state;	 /* enum pace_state */
	__u32 waits;	 /* what is ahead of the rate does, and is not dropped */
	__u64 rate;	 /* bytes/s now; 0 = as much as comes */
	__u64 offered;	 /* bytes/s that came before it was lowered; 0 = not yet known */
	__u64 even_ns;	 /* when all that passed has taken its time at the rate */
	__u64 since_ns;	 /* when measuring began */
	__u64 bytes;	 /* since then */
	__u64 due_ns;	 /* of the next step, where it rises without a timer: fantel_untimed; else 0 */
	struct pace_ask ask; /* of the latest notification that named the path */
};

/*
 * fantel_transit: traffic that is not ours, and that a notification to this node asks to slow down: a
 * tunnel as packets name it here, and where `flowed`, one flow inside. And single flows of ours, with the
 * tunnel that was named for them. Found by its hash, in one of a few places from there on.
 */
#define TRANSIT_PLACES 4
#define SLOWED_SEED 0x736c6f776564ULL /* of the hashes of flows of ours, whatever their tunnel */
struct transit {
	__u64 hash;	    /* 0: nothing here */
	__s32 congestions;  /* as in struct health */
	__u32 flowed;
	__u64 congested_ns;
	struct tunnel_key tunnel;
	struct addr src, dst; /* of the flow */
	__u32 ports;	      /* as on the wire */
	__u32 proto;
};

/* A link or node that paths cross. It fails for all of them at once. */
struct resource {
	char name[NAME_LEN]; /* empty: no such resource */
	__s32 failures;	     /* failure events on it; the paths that cross it fail above 0 */
	__s32 congestions;   /* the same of congestion */
	__u64 changed_ns;    /* when there were first or no more failures; 0 = never */
	__u64 congested_ns;  /* the same of congestions */
	struct pace_ask ask; /* of the latest notification of congestion that named it */
};

/* fantel_failed, the failed-tunnel set: who said of what that it failed or is congested, and until
 * when. */
struct failed_key {
	addr_num originator;
	__u32 index : 29; /* in fantel_paths; or in fantel_resource, fantel_transit as follows */
	__u32 is_transit : 1;
	__u32 is_congestion : 1;
	__u32 is_resource : 1;
	__u32 event_id;
};

struct failed {
	struct bpf_timer timer; /* of the validity; user space reads zeros */
	char name[NAME_LEN]; /* of the path or resource */
	enum kind kind;
	enum wire_cause cause;
	__u64 since_ns;
	__u64 until_ns; /* 0 = until withdrawn */
	__u64 armed_ns; /* when the timer fires; 0 = it does not run: fantel_untimed */
	__u64 sequence;
};

/* What fantel_settle is run with: an entry of the fantel_failed that was in use before, and what the
 * programs before did to it since it was carried over; or what the loader does to it, or to its subject. */
enum settle_act {
	SETTLE_KEPT,
	SETTLE_ADDED,
	SETTLE_GONE,
	SETTLE_DROPPED, /* its subject leaves the policy */
	SETTLE_COUNTED, /* what they counted on a subject of another such map */
	SETTLE_CARRIED, /* what they counted of a path's traffic */
	SETTLE_REASON,	/* the same by enum reason */
	SETTLE_PACED,	/* a row of fantel_pace that was in use */
	SETTLE_LEFT,	/* the place of a path that leaves the policy */
	SETTLE_NAMED,	/* a resource's place is another one's */
};

struct settle {
	struct failed_key key; /* from SETTLE_CARRIED on its index alone */
	__u32 act;    /* enum settle_act */
	__s32 change; /* SETTLE_COUNTED: so many events more */
	union {
		struct { /* of an entry, as in struct failed; SETTLE_NAMED: the name alone */
			char name[NAME_LEN];
			__u32 kind;
			__u32 cause;
			__u64 since_ns;
			__u64 until_ns;
			__u64 sequence;
		};
		struct traffic traffic; /* SETTLE_CARRIED, SETTLE_REASON: so much more */
	};
};

/* Metrics that a notification told, in whole numbers. What was not told is 0. */
struct measured {
	__u32 told; /* of metrics, as struct msg says what is present */
	__u32 loss; /* in units of 0.000003 % */
	__u64 capacity; /* this and the next: bytes/s */
	__u64 residual;
	__u64 available;
	__u64 utilized;
	__u32 delay_us;
	__u32 delay_min_us;
	__u32 delay_max_us;
	__u32 queue_depth; /* bytes */
	__u32 queue_limit; /* bytes */
	__u8 anomalous;	   /* enum msg_anomalous */
	__u8 cpu_percent;
	__u8 memory_percent;
	__u8 pad;
};

/* fantel_metrics, by the key of fantel_failed: what was told of a path or resource, by whom, under
 * which event-id. An older sequence never replaces a newer one. */
struct metrics {
	char name[NAME_LEN]; /* of the path or resource */
	__u64 time_ns;	     /* when it came; 0 = not complete yet */
	__u64 until_ns;	     /* 0 = the notification does not say */
	__u64 sequence;
	struct measured measured;
};

/* ---- who may speak ---------------------------------------------------------------------------- */

/* What a source must show. X(NAME, word) */
#define AUTHENTICATIONS(X)                                                                         \
	X(OFF, "off")         /* nothing: a MAC is not looked at */                                \
	X(ACCEPT, "accept")   /* a MAC that is there must be right */                              \
	X(REQUIRE, "require") /* there must be one */

enum authentication {
#define X(NAME, word) AUTHENTICATION_##NAME,
	AUTHENTICATIONS(X)
#undef X
	AUTHENTICATION_COUNT,
};

/* fantel_sources: a prefix of the domain. */
struct source {
	__u32 authentication; /* enum authentication */
};

/* A key made ready: HMAC's two key blocks are hashed once, not with every message. */
struct mac_key {
	__u8 algorithm; /* enum wire_auth; 0 = no key */
	__u8 pad[7];
	union {
		__u64 sip[2];
		struct {
			__u32 inner[8];
			__u32 outer[8];
		} hmac;
	};
};

/* fantel_keys, by key-id. It counts from the first moment to before the second, both in ns of
 * CLOCK_TAI: the only wall clock that the packet path can read, and it follows when that is set. */
struct key {
	struct mac_key mac;
	__u64 from_ns;
	__u64 until_ns;
};

/* Token bucket counted in nanoseconds of credit, see bucket.h. */
struct bucket {
	__u64 last_ns;
	__u64 credit_ns;
};

/* What is known of an originator: the sequence window (window.h), and how much it has said lately. */
#define WINDOW 64
struct origin {
	__u64 highest; /* sequence; 0 = none yet */
	__u64 taken[WINDOW]; /* the latest by its lowest bits, see window.h; 0 = none */
	struct bucket bucket[KIND_COUNT];
};

/* ---- detection ------------------------------------------------------------------------------ */

/* One value for the whole node, mmapable. */
struct node_state {
	__u32 links_down; /* core links that are down now; detect sleeps while 0 */
	__u32 classes;	  /* grows by 1, from 1 on, after each change of fantel_classes */
	__u64 sequence; /* last one given out: boot epoch in s << 32 | counter; add 1 atomically */
	__u64 alive_until; /* bpf_jiffies64; past it no loader keeps links_down true */
	__u64 wall_ns;	   /* what to add to bpf_ktime_get_ns for the wall clock, ns since 1970 */
	__u32 generation;  /* grows by 1 after each change of what paths cross; add 1 atomically */
	__u32 transit;	   /* entries of fantel_transit; add 1 atomically */
	__s32 congested;   /* entries of fantel_failed about congestion; add 1 atomically */
	__u32 pad;
};

/* How a core port failed of late: the figure of merit (loader/damping.h). */
struct damping {
	__u64 at_ns;	/* when the figure was what it says */
	__u64 reuse_ns; /* the link is suppressed until then, if it does not fail again; 0 = it is not */
	__u32 figure;
	__u32 half_life_ms; /* of the figure; 0 = it is not kept */
	__u32 flaps;	    /* how often it went down */
	__u32 suppressions; /* how often it was suppressed */
};

/*
 * fantel_devices: what the device of a core port shows of itself; a row for each port of the policy.
 * The loader writes the ifindex, the packet path the rest.
 */
struct device_row {
	__u64 address;	  /* of the kernel's struct net_device; 0 = not found */
	__u64 changed_ns; /* when it last went down or up */
	__u32 ifindex;	  /* 0 = there is none to look at */
	__u32 fails;	  /* how often it went down */
	__u32 down;	  /* enum wire_cause: why it is; 0 = it is up */
	__u32 pad;
};

/* fantel_timer: by which they are looked at. */
struct device_timer {
	struct bpf_timer timer;
	__u64 period_ns; /* 0 = it ends */
	__u32 n;	 /* rows */
	__u32 runs;
};

/* fantel_untimed: looks at what has no timer of its own. */
enum untimed_kind {
	UNTIMED_FAILURES,
	UNTIMED_SESSIONS, /* of BFD */
	UNTIMED_RATES,	  /* that rise */
	UNTIMED_KINDS,
};

struct untimed {
	struct bpf_timer timer;
	__u32 waits; /* for its timer */
	__u32 marked[UNTIMED_KINDS]; /* there are some */
};

/* What fantel_device is run with: for struct device_timer. */
struct device_args {
	__u64 period_ns;
	__u32 n;
	__u32 pad;
};

/* fantel_link_news: look at fantel_devices, now. */
struct link_news {
	__u32 ifindex;
	__u32 down; /* enum wire_cause */
};

#define LOCATION_MAX 128
/* A core port, by ifindex. */
struct link {
	char name[16];
	__u8 down;
	__u8 pad;
	__u16 location_len;
	enum wire_cause cause;
	__u32 event_id; /* of the present or latest failure */
	__u32 next_event_id; /* of one that begins now: the same while the latest is not over */
	__u64 since_ns; /* of the latest change */
	__u64 detected_ns; /* the same on the wall clock, ns since 1970, for the Timestamp TLV */
	__u8 location[LOCATION_MAX]; /* TLVs 256-262, ready to be copied */
	struct damping damping;	     /* the loader's own */
	struct addr upstream; /* the P node behind it that is told of congestion, too; or unspecified */
};

/* fantel_bfd_set: the BFD session of a core port, by ifindex; what this side of it wants. */
struct bfd_set {
	struct addr peer, local;
	__u32 discriminator; /* ours, not 0 */
	__u32 min_tx_us;     /* as we say it */
	__u32 min_rx_us;     /* as the peer goes by it */
	__u16 sport;
	__u8 mult;
	__u8 admin_down; /* there is no loader that would send: nothing that is heard counts */
	__u32 echo_us;	 /* from one echo to the next; 0 = neither sent nor sent back */
	__u16 echo_row;	 /* in fantel_bfd_echo */
	__u8 echo_mult;
	__u8 pad;
};

/* fantel_bfd_echo: when the latest echoes of a session left. */
struct bfd_echo {
	__u64 sent_ns[BFD_ECHOES];
	__u32 sent; /* the number of the last one */
	__u32 pad;
};

/* fantel_bfd: the same session; what the peer says, and what follows. Each is there with the other. */
struct bfd_session {
	struct bpf_timer timer; /* of the detection */
	__u64 armed_ns;	   /* when it fires; 0 = it does not run: fantel_untimed */
	__u64 heard_ns;	   /* last; 0 = never */
	__u64 detection_ns; /* the session is over when nothing is heard for so long */
	__u64 changed_ns;  /* when the state last did */
	__u32 state;	   /* enum bfd_state */
	__u32 diag;	   /* why: enum bfd_diag */
	__u32 failed;	   /* the link is down: the session was up, and has not been since */
	__u32 fails, ups;  /* how often */
	/* of the peer, as last heard: */
	__u32 its_discriminator; /* 0 = not known */
	__u32 its_min_tx_us, its_min_rx_us;
	__u8 its_mult, its_state, its_diag, its_flags;
	__u32 polls, finals; /* heard so far: P to be answered, F that answers ours */
	__u32 its_min_echo_rx_us; /* 0 = it sends none back */
	/* of echoes: */
	__u32 echo_back;   /* the number of the last one that came back */
	__u32 echo_on;	   /* since the session is up, one did: from then on they have to */
	__u64 echo_rtt_ns; /* how long one takes, smoothed */
	__u8 its_mac[6];
	__u8 pad[2];
};

/* fantel_bfd_news: look at this session, now. */
struct bfd_news {
	__u32 ifindex;
	__u32 state;
};

/* fantel_routes: which core port a prefix was last routed to; asked when the FIB has no route. */
struct route_value {
	__u32 ifindex;
};

/* fantel_told: which ingress PE was told of which tunnel on which link, and which controller of which
 * group; what a recovery needs. The tunnel is its hash in the key, because a long key costs its length at every packet, and itself in
 * the value, which settles whose entry it is. */
struct told_key {
	struct addr ingress; /* or controller */
	__u64 tunnel_hash; /* path.h, hash_tunnel; 0 for a controller */
	union {
		__u32 ifindex; /* the link */
		__u32 group;   /* what a controller was told of */
	};
	__u16 port;    /* UDP, of a controller; 0 for an ingress PE */
	__u16 trouble; /* enum trouble: what of the link; of a group TROUBLE_GROUP, or that it has no path */
};

struct told {
	__u64 first_ns;
	__u64 last_ns;
	__u64 sequence; /* of the latest TYPE1 or TYPE3; its repetitions carry the same */
	__u32 event_id;
	__u32 sent; /* copies of that sequence sent so far */
	__u32 before; /* an event told earlier, over and not withdrawn yet: the loader's to end; 0 = none */
	__u32 pad;
	struct tunnel_key tunnel;
};

/* fantel_learned, by told_key without port: a tunnel that leaves by a link that is up; with
 * TROUBLE_ERRORS one that comes by it. */
struct learned {
	__u64 seen_ns; /* when a packet of it was last looked at */
	struct tunnel_key tunnel;
};

/* fantel_lsps, by the label that is on top: MPLS tunnels of others that pass here. Packets do not say who
 * sent them, and the kernel's FIB can't be asked for the way of a label: policy knows both. */
struct lsp {
	struct addr next_hop;
	__u32 n; /* ingress PEs, at least one */
	__u32 pad;
	struct addr ingress[LSP_INGRESSES];
};

/* ---- what can be wrong with what is up -------------------------------------------------------- */

/* Of a link, the node, or a group. Each is an event of its own, told of and withdrawn apart.
 * X(NAME, cause, word) */
#define TROUBLES(X)                                                                                \
	X(QUEUE, CAUSE_QUEUE, "queue")                                                             \
	X(LOAD, CAUSE_UTILIZATION, "utilization")                                                  \
	X(REPORTED, CAUSE_NONE, "reported")                                                        \
	X(ERRORS, CAUSE_ERRORS, "errors")                                                          \
	X(NODE, CAUSE_UTILIZATION, "node-load")                                                    \
	X(GROUP, CAUSE_NO_FEASIBLE_PATH, "congestion")

enum trouble {
	TROUBLE_NONE, /* it is down: the failure itself */
#define X(NAME, cause, word) TROUBLE_##NAME,
	TROUBLES(X)
#undef X
	TROUBLE_COUNT,
	TROUBLES_MET = TROUBLE_REPORTED + 1, /* by packets: up to here */
};

/* Trouble begins at `onset` and may end below `end`, which is lower. No onset: never. */
struct threshold {
	__u32 onset;
	__u32 end;
};

/* fantel_watches: what policy wants to be noticed on a core port, by ifindex. */
struct watch {
	__u32 gauge; /* index in fantel_gauges */
	/* Of each trouble: while the gauge has the same one, it is on; else this is that of the next. */
	__u32 event_id[TROUBLES_MET];
	struct threshold bytes, packets; /* of the queue; one of them is enough */
	__u32 limit_bytes;		 /* of the queue; 0 = not known */
	__u32 rate_min_f32, rate_max_f32; /* asked of the senders, bytes/s; max 0 = nothing is asked */
	struct threshold load;		 /* thousandths of the capacity */
	enum wire_cause reported;	 /* by another program: why the link is congested; 0 = it is not */
	__u64 capacity;			 /* bytes/s; 0 = what is sent is not measured */
	__u64 constant_ns;		 /* of the average of what is sent */
	__u64 reported_ns;		 /* since when it is */
};

/* fantel_sensed: trouble that the loader measures, no packet showing it (loader/senses.h). */
struct sensed_key {
	__u32 ifindex; /* 0: of the node */
	__u32 trouble; /* enum trouble */
};

struct sensed {
	char name[NAME_LEN];	    /* of the port or node */
	struct threshold threshold; /* in the unit of the value */
	__u32 value;	/* in the last interval: bad packets in a million; or percent of the time */
	__u32 memory_percent; /* of the node */
	__u32 event_id;	/* of the trouble that is on, or the next */
	__u32 on;
	__u64 since_ns; /* when it began last; 0 = never */
	__u64 seen_ns;	/* when it was last not below its end */
};

/* fantel_gauges: what was measured on a core port. */
struct gauge {
	__u32 bytes, packets; /* waiting in the egress queue, when a packet last came to it */
	__u32 queue_id;	      /* the qdisc's handle */
	__u32 permille;	      /* of the capacity, that is sent on average */
	__u64 read_ns; /* where asking is dear, or the tracepoint's: when that was read */
	__u64 sent;    /* bytes, in the window that is not over */
	__u64 window_ns; /* when that began */
	__u64 jiffies;	 /* when a packet last looked whether it is over */
	__u64 load;	 /* average of what was sent until then, bytes/s */
	struct {
		__u32 event_id; /* of the latest onset */
		__u32 pad;
		__u64 since_ns; /* when that was */
		__u64 seen_ns;	/* when a packet last met it: not below the end threshold */
	} trouble[TROUBLES_MET];
};

struct bucket_key {
	struct addr dst;
	__u32 kind; /* enum bucket_kind */
	__u32 pad;  /* named, so that initializers clear it: keys are compared whole */
};

enum bucket_kind {
	BUCKET_FAILURE,
	BUCKET_TOO_BIG, /* ICMP errors to senders, RFC 4443 §2.4 (f) */
	BUCKET_NO_PATH, /* events; keyed by group */
	BUCKET_TELL,	/* notifications to senders of packets without a path */
	BUCKET_CONTROLLER, /* and to controllers; the loader's, in no map */
	BUCKET_CONGESTION,
	BUCKET_CNP, /* to senders of RoCEv2 */
	BUCKET_LOAD, /* the loader's, in the same map */
	BUCKET_COUNT,
};

struct rate {
	__u64 interval_ns; /* per message; 0 = no limit */
	__u64 burst_ns;	   /* interval_ns * messages */
};

/* ---- RoCEv2 senders -------------------------------------------------------------------------- */

/* Key of fantel_qps. `host` is the sender, and here the receiver of what `peer` sends. */
struct qp_key {
	struct addr host, peer;
	__u32 sport; /* UDP source port, of either direction; 0 = any */
	__u32 pad;
};

/* What is remembered of a QP counts so long, in jiffies of 1 to 10 ms; and so long it must have been the
 * only one before packets with other ports are taken for its own. */
#define QP_LASTS 2500
#define QP_SETTLES 1250

struct qp {
	__u32 qp; /* of the host, as the BTH has it: 24 bits, network order */
	__u32 pad;
	__u64 since;	  /* bpf_jiffies64, as all of these; another one came before */
	__u64 seen;
	__u64 several_at; /* when another one was seen beside it; 0 = never */
};

/* ---- tunnels that end here ------------------------------------------------------------------- */

/* Key of fantel_ends: what the outer headers of a tunnel to this node say. */
struct endpoint_key {
	struct addr dst; /* the SID, or a loopback; unspecified for a label */
	__u32 id;	 /* GRE key, VNI or label; 0 without */
	__u16 port;	 /* UDP destination of VXLAN; 0 without */
	__u8 tunnel;	 /* enum tunnel_type */
	__u8 keyed;	 /* GRE: `id` is its key; else the endpoint takes any key, and none */
};

struct endpoint {
	char name[NAME_LEN];
	__u32 inner; /* families that it takes: 1 << enum inner */
};

/* ---- configuration, frozen before the programs are loaded ------------------------------------ */

enum transport {
	TRANSPORT_ICMPV6,
	TRANSPORT_UDP,
};

/* How the program on a core port's egress learns what waits in the queue. */
enum queue_by {
	QUEUE_BY_PACKET,     /* from the packet's device, Linux 6.2 */
	QUEUE_BY_TRACEPOINT, /* a program on qdisc_enqueue notes it */
};

/* How traffic whose every path is congested is held back. */
struct pacing {
	__u64 lowest;	 /* bytes/s; no rate is below */
	__u64 window_ns; /* over which traffic is measured */
	__u64 burst_ns;	 /* so far ahead of its rate traffic may run */
	__u64 horizon_ns; /* the same where it can wait meanwhile; 0 = it is not to */
	__u64 step_ns;	 /* from one step of rising to the next */
	__u32 share;	 /* struct pace_ask, where a notification tells nothing */
	__u32 target_percent; /* utilization to come down to */
	__u32 step_percent;   /* of what was carried before */
	__u32 transit;	      /* traffic of others is held back, too */
	__u32 flows;	      /* a flow of ours that is named is held back, and not its path */
	__u32 pad;
};

struct config {
	char node[NAME_LEN];
	struct addr loopback6; /* unspecified = none */
	struct addr loopback4; /* IPv4 mapped; unspecified = none */
	struct addr locator;   /* of our own SIDs */
	__u32 locator_len;     /* bits; 0 = no SIDs */
	__u32 as; /* 256/512, and of nodes whose AS a notification does not tell; 0 = none */
	__u32 enterprise;
	__u32 domain;		/* 0 = no Domain TLV sent, none asked for */
	__u32 validity_ms;	/* of failures we report; 0 = until withdrawn */
	__u16 udp_port;
	__u16 udp_sport;
	__u8 type[KIND_COUNT]; /* on the wire, by enum kind */
	__u8 code_lsb;		/* CODE's bit 0 is the least significant */
	__u8 transport;		/* enum transport, towards IPv6; IPv4 is always UDP */
	__u8 tclass;		/* of notifications: DSCP << 2 */
	__u8 remark;		/* customers' packets with that DSCP get another */
	__u8 remark_tclass;	/* this one, shifted */
	__u8 hop_limit_min;	/* accepted from here on; 255 - radius */
	__u8 tell_sender;	/* of packets without a path */
	__u8 cnp;		/* to senders of RoCEv2 that congestion leaves no room for */
	__u8 bfd;		/* some core port has a session */
	__u8 lsps;		/* MPLS tunnels of others are known */
	__u8 authentication;	/* some source is asked for a MAC */
	__u8 learn_arrivals;	/* learn by which link tunnels come, too */
	__u8 n_sign_keys;	/* 0 = what we send has no MAC */
	__u32 sign_key[MAX_SIGN_KEYS]; /* key-ids */
	__u32 learn_every;	/* one packet in so many is looked at on core ports; 0 = none */
	__u64 hash_seed;
	__u32 endpoints; /* kinds of tunnels that end here, 1 << enum tunnel_type; 0 = none does */
	__u16 vxlan_port[MAX_VXLAN_PORTS]; /* where VXLAN is expected; 0 = unused */
	__u8 queue_by; /* enum queue_by */
	__u8 split_by_tc; /* XDP can't redirect a packet that lies in several buffers */
	__u32 congested_most; /* entries of fantel_failed about congestion: there is always room for failures */
	__u32 failures_each;  /* of one path or resource, by whoever says so */
	__u32 congestions_each; /* the same, and of one transit */
	__u32 n_repeats;
	__u64 netns_cookie; /* QUEUE_BY_TRACEPOINT, which sees every namespace's queues */
	__u64 repeat_ns[MAX_REPEATS]; /* offsets from the first, ascending, the first 0 */
	__u64 refresh_ns; /* a tunnel still in use is told again after this; 0 = never */
	struct rate rate[BUCKET_COUNT];
	struct rate receive[KIND_COUNT]; /* of each originator */
	struct pacing pacing;
};

/* ---- events ---------------------------------------------------------------------------------- */

enum event_type {
	EVENT_NOTIFICATION, /* one was received: `reason` says what became of it */
	EVENT_PATH,	    /* a path or resource became usable or not: `usable` */
	EVENT_NOTIFIED,	    /* detect sent one */
	EVENT_NO_PATH,	    /* a group has no usable path (rate-limited) */
	EVENT_LINK,	    /* the loader saw a core link go down or up: `usable` */
	EVENT_TROUBLE,	    /* something is wrong with a link that is up, or no more: `usable` */
	EVENT_WEIGHT,	    /* the loader begins to move a path's weight, or has moved it: `weight` */
	EVENT_DAMPING,	    /* a link that flaps is suppressed, or no more: `usable` */
};

/* The weight of a path in one of its groups. */
struct event_weight {
	char group[NAME_LEN];
	__u32 policy;
	__u32 effective; /* as in struct member */
	__u32 load;	 /* 0 to 1000 */
	__u32 moving;	 /* toward another one; else it rests */
};

struct event {
	__u64 time_ns;
	__u32 type;   /* enum event_type */
	enum reason reason;
	__u32 kind;   /* enum kind */
	__u32 cause;  /* enum wire_cause */
	__u8 is_resource, is_transit, congested, pad;
	__u32 index; /* of the path, or of the resource or transit that it is; ~0 = none */
	__u32 ifindex;
	__u32 event_id;
	__u32 usable;
	__u32 validity_ms;
	__u64 sequence;
	__u64 timestamp_ns; /* the notification's, since 1970; 0 = none */
	__u32 group;
	__u32 pad2;
	struct addr peer; /* originator of what was received, receiver of what was sent */
	char name[NAME_LEN]; /* of the path, resource, link or group */
	union {
		struct tunnel_key tunnel;
		struct event_weight weight; /* EVENT_WEIGHT */
	};
	struct measured measured;
};

/* BPF and host must agree: no implicit holes that a compiler could fill otherwise. */
_Static_assert(sizeof(struct prefix_key) == 20, "LPM key");
_Static_assert(sizeof(struct member) == 44, "member");
_Static_assert(sizeof(struct flow) == 8, "flow");
_Static_assert(sizeof(struct tunnel_key) == 136, "tunnel_key");
_Static_assert(sizeof(struct failed_key) == 24, "failed_key");
_Static_assert(sizeof(struct resource_key) == 56, "resource_key");
_Static_assert(sizeof(struct resource) == 72, "resource");
_Static_assert(sizeof(struct health) == 32, "health");
_Static_assert(sizeof(struct event) == 320, "event");
_Static_assert(sizeof(struct measured) == 64, "measured");
_Static_assert(sizeof(struct metrics) == 120, "metrics");
_Static_assert(sizeof(struct pace) == 88, "pace");
_Static_assert(sizeof(struct bucket_key) == 24, "bucket_key");
_Static_assert(sizeof(struct endpoint_key) == 24, "endpoint_key");
_Static_assert(sizeof(struct failed) == 88, "failed");
_Static_assert(sizeof(struct settle) == 96, "settle");
_Static_assert(sizeof(struct mark) == 144, "mark");
_Static_assert(sizeof(struct nexthop) == 48, "nexthop");
_Static_assert(sizeof(struct told) == 176, "told");
_Static_assert(sizeof(struct told_key) == 32, "told_key");
_Static_assert(sizeof(struct learned) == 144, "learned");
_Static_assert(sizeof(struct link) == 224, "link");
_Static_assert(sizeof(struct damping) == 32, "damping");
_Static_assert(sizeof(struct bfd_set) == 56, "bfd_set");
_Static_assert(sizeof(struct bfd_session) == 120, "bfd_session");
_Static_assert(sizeof(struct watch) == 88, "watch");
_Static_assert(sizeof(struct gauge) == 152, "gauge");
_Static_assert(sizeof(struct key) == 88, "key");

#endif
