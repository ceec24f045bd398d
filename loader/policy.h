/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A node's policy, read from a JSON file that policies/fantel.yang models. Parsing has no effects:
 * the result is plain data, complete and consistent, or there is none and every error that can be
 * found in one run has been reported.
 */
#ifndef POLICY_H
#define POLICY_H

#include <net/if.h>
#include <stdio.h>

#include "damping.h"
#include "policy_limits.h"

enum port_class {
	PORT_CUSTOMER,
	PORT_CORE,
};

enum xdp_mode {
	XDP_NATIVE,
	XDP_GENERIC,
};

/* What is noticed on a core port that is up. */
struct policy_watch {
	bool queue;
	struct threshold bytes, packets; /* onset 0: not by these */
	__u32 rate_min, rate_max; /* kbit/s asked of senders; max 0: nothing is asked */
	bool load;
	struct threshold percent; /* of the capacity */
	__u32 capacity_kbit;	  /* per second; 0 = the interface's speed */
	__u32 constant_ms;
	__u32 counted; /* a bit for each enum error_counter; 0: errors are not watched */
	struct threshold errors; /* bad packets in a million */
	__u32 errors_least, errors_interval_ms;
	__u32 hold_down_ms[TROUBLE_COUNT];
};

/* How busy the node itself may be. */
struct policy_node_load {
	struct threshold percent; /* onset 0: it is not measured */
	__u32 interval_ms, hold_down_ms;
	char *file; /* pressure stall information; NULL: the kernel's of all */
};

struct policy_port {
	char name[IFNAMSIZ];
	enum port_class class;
	enum xdp_mode mode;
	/* Location TLVs of a core port; unspecified or 0 = not given, then not sent. */
	struct addr local6, remote6; /* 261, 262 */
	struct addr local4, remote4; /* 259, 260, IPv4 mapped */
	__u32 local_id, remote_id;   /* 258, only where no address is given */
	__u32 remote_as;	     /* 257/512; 0 = that of the node */
	__u8 remote_router_id[8];    /* 257/515 */
	__u8 remote_router_id_len;   /* 0, 4, 6, 7 or 8 */
	struct addr upstream; /* told of congestion of what comes by a core port; unspecified = nobody */
	/* BFD session of a core port. */
	struct {
		struct addr peer; /* unspecified = no session */
		__u32 min_tx_us, min_rx_us;
		__u8 mult;
		__u8 echo_mult;
		__u32 echo_us; /* 0 = no echoes */
		struct threshold delay; /* us, from where on it is anomalous; onset 0: never */
	} bfd;
	struct policy_watch watch;
};

static inline bool port_is_watched(const struct policy_port *port)
{
	return port->class == PORT_CORE && (port->watch.queue || port->watch.load);
}

/* Is there anything that could be told of its link, while it is up? */
static inline bool port_is_measured(const struct policy_port *port)
{
	return port->class == PORT_CORE &&
	       (port->watch.load || port->watch.counted || port->bfd.echo_us);
}

/* When what is measured is told. */
struct policy_changes {
	__u32 percent; /* from so much of a change on; 0 = never */
	__u32 interval_ms, refresh_ms;
};

struct policy_prefix {
	struct addr addr; /* host bits zero */
	__u32 plen;	  /* bits, IPv4 counted from 96 */
};

/* A link or node that paths cross, by the names that notifications have for it. */
struct policy_resource {
	char name[NAME_LEN];
	__u32 n_keys; /* 0: not right */
	struct resource_key key[RESOURCE_KEYS];
};

/* Sources of which another MAC is asked than of the others. */
struct policy_demand {
	struct policy_prefix prefix;
	enum authentication authentication;
};

/* What the path's tunnel does not have is 0. */
struct policy_path {
	char name[NAME_LEN];
	enum tunnel_type tunnel;
	bool dscp_fixed;
	__u8 dscp;
	__u32 n_crossed;
	__u32 crossed[MAX_CROSSED]; /* indices in policy.resource */
	struct addr dst; /* GRE, VXLAN, IP in IP, mark: the outer destination; MPLS: the next hop */
	/* SRv6 */
	bool reduced; /* H.Encaps.Red, RFC 8986 §5.2 */
	__u32 n_segments;
	struct addr segment[MAX_SEGMENTS]; /* in the order travelled */
	/* GRE */
	bool keyed;
	__u32 key;
	/* VXLAN */
	__u32 vni;
	__u16 port;	    /* UDP destination */
	__u8 inner_dmac[6]; /* the router behind the tunnel */
	__u8 inner_smac[6];
	/* mark: beside the destination, segments or labels of the kernel's tunnel */
	__u32 mark;
	/* MPLS */
	__u32 n_labels;
	__u32 label[MAX_LABELS]; /* top first */
};

struct policy_group {
	char name[NAME_LEN];
	enum fate on_no_path; /* FATE_DROP or FATE_PASS */
	enum ordering ordering;
	__u32 gap_us; /* of ORDERING_FLOWLET; else 0 */
	bool follow;  /* metrics change its weights */
	enum relief on_congestion;
	__u32 n_members;
	struct {
		__u32 path; /* index in policy.path */
		__u16 weight;
		__u16 tier;
	} member[MAX_MEMBERS];
};

struct policy_class {
	struct policy_prefix prefix;
	__u32 group; /* index in policy.group */
};

/* A tunnel that ends here. */
struct policy_endpoint {
	char name[NAME_LEN];
	enum tunnel_type tunnel;
	struct addr sid; /* SRv6 */
	__u32 inner;	 /* families that it takes: 1 << enum inner */
	bool keyed;	 /* GRE: with the key `id` */
	__u32 id;	 /* GRE key, VNI or label */
	__u16 port;	 /* VXLAN: UDP destination */
};

/* MPLS tunnels of others that pass here. */
struct policy_lsp {
	__u32 label; /* on top */
	struct lsp way; /* n 0: not right */
};

#define MAX_INGRESSES 64

/* Who is told when a group has no feasible path. */
struct policy_controller {
	struct addr addr;
	__u16 port; /* UDP */
};

struct policy {
	struct config config; /* complete but for hash_seed */
	__u8 router_id[8];    /* 256/515 */
	__u8 router_id_len;
	__u32 balance_interval_ms; /* between changes of weights */
	__u32 weight_step;	   /* percent, in one change */
	__u32 metrics_validity_ms; /* of metrics whose notification states none */
	__u32 hold_down_ms; /* a link must be up this long before a recovery is sent */
	struct damping_rules damping;
	struct policy_node_load node_load;
	struct policy_changes changes;
	__u32 learned_age_ms; /* with config.learn_every: what was not seen for so long counts no more */

	__u32 limit[LIMIT_COUNT];

	char *key_file; /* NULL = none */
	enum authentication authentication; /* asked of sources that have no demand of their own */

	__u32 n_ports, n_sources, n_demands, n_resources, n_paths, n_groups, n_classes, n_endpoints,
		n_lsps, n_controllers, n_ingresses;
	struct policy_port *port;
	struct policy_prefix *source; /* the domain: may speak, be told, send tunnels to us */
	struct policy_demand *demand;
	struct policy_resource *resource;
	struct policy_path *path;
	struct policy_group *group;
	struct policy_class *class;
	struct policy_endpoint *endpoint;
	struct policy_lsp *lsp;
	struct policy_controller *controller;
	struct addr ingress[MAX_INGRESSES]; /* told unasked, also while nothing of theirs was learned */
};

/*
 * Read and check `file`. On success fills *policy (release with policy_free) and returns 0. On
 * failure *policy is untouched, every error found is written to `errors`, a line each, as
 * `file:line: path: what is wrong, and what would be right`, and their number is returned, or a
 * negative errno where the file can't be read.
 */
int policy_read(struct policy *policy, const char *file, FILE *errors);

/* The same from memory; `name` stands for the file in messages. */
int policy_parse(struct policy *policy, const char *name, const char *text, FILE *errors);

/* The file's text, which the caller frees, unchecked; NULL with errno set, reported to `errors`. The
 * second reads what is open already, and calls it `name`. */
char *policy_text(const char *file, FILE *errors);
char *policy_text_of(FILE *in, const char *name, FILE *errors);

void policy_free(struct policy *policy);

#define OWN_POLICY __attribute__((cleanup(policy_free)))

/* Write the whole policy, defaults filled in, as text or (json) as the JSON it could be read from.
 */
void policy_show(const struct policy *policy, bool json, FILE *out);

#endif
