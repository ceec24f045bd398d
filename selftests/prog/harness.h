/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A node under test: our programs and maps, loaded but neither attached nor pinned, packets run
 * through them by BPF_PROG_TEST_RUN, and what became of them. Used by the tests in this directory
 * and by bench.
 *
 * Whatever can only fail because the test itself is wrong ends the process with a sentence; the
 * runner counts that as a failure. What the programs do wrong is returned, and asserted by tests.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include "fantel/abi.h"
#include "fantel.skel.h"
#include "policy.h"

#define FRAME_MAX 16384

struct bytes {
	__u32 len;
	__u8 b[FRAME_MAX];
};

/* ---- golden/packets.py, golden/decap.py ------------------------------------------------------ */

/* A packet by name. */
const struct bytes *golden(const char *name);

/* A path by name, as policy has it. */
struct policy_path golden_path(const char *name);

/* Location TLVs as a link has them, at most LOCATION_MAX bytes; their length. */
__u32 golden_location(__u8 *location);

/* A number of its "node" or "bench" part. */
__u64 golden_number(const char *name);

/* ---- values ---------------------------------------------------------------------------------- */

struct addr addr_of(const char *text);		  /* IPv6 or, mapped, IPv4 */
struct policy_prefix prefix_of(const char *text); /* with its length; IPv4 counted from 96 */

/* Segments in the order travelled, ended by NULL. */
struct policy_path path_of(const char *name, bool reduced, const char *const *segments);

/* ---- a node ---------------------------------------------------------------------------------- */

/* The ingress PE of golden/packets.py, every setting at its default. */
struct config node_config(void);

/* Load with this configuration; close with fantel_bpf__destroy. */
struct fantel_bpf *node_load(const struct config *config);

/* The same in two steps, for who changes a map in between: as to how many paths there is room for. */
struct fantel_bpf *node_open(const struct config *config);
void node_widen(struct fantel_bpf *node, __u32 paths);
void node_start(struct fantel_bpf *node);

void node_class(struct fantel_bpf *node, const char *prefix, __u32 group);
void node_source(struct fantel_bpf *node, const char *prefix);

/* The same, of whose notifications a MAC is asked; the node's configuration must know of it. */
void node_demand(struct fantel_bpf *node, const char *prefix, enum authentication authentication);

/* A key that counts from `from_s` seconds from now to before `until_s`. */
void node_mac_key(struct fantel_bpf *node, __u32 id, const struct mac_key *mac, int from_s, int until_s);

/* A tunnel that ends here; the node's configuration must know of its kind (endpoint_config). */
void node_endpoint(struct fantel_bpf *node, const struct policy_endpoint *endpoint);

/* Path `id`, and the names by which notifications may call it. Its next hop is `id` too. */
void node_path(struct fantel_bpf *node, __u32 id, const struct policy_path *path);

/* Let a notification that names `key` name path `id`, beside those that it names already. */
void node_tunnel(struct fantel_bpf *node, const struct tunnel_key *key, __u32 id);

/* Resource `index`, known by n names; and that path `id`, which is there, crosses n resources. */
void node_resource(struct fantel_bpf *node, __u32 index, const char *name, __u32 n,
		   const struct resource_key *keys);
void node_crosses(struct fantel_bpf *node, __u32 id, __u32 n, const __u32 *resources);

#define NEXTHOP_IFINDEX 77
#define FRESH (~0ULL)
#define STALE 1ULL
void node_nexthop(struct fantel_bpf *node, __u32 id, const struct nexthop *nexthop);
struct nexthop nexthop_fresh(void); /* the MACs of golden/packets.py, MTU 9000 */

/* Group over paths 0..n-1. weight, tier: NULL = all the same. */
void node_group(struct fantel_bpf *node, __u32 id, enum fate on_no_path, __u32 n,
		const __u16 *weight, const __u16 *tier);

/* When flows of a group that is there may leave a usable path; made anew, it is ORDERING_ANY. */
void node_ordering(struct fantel_bpf *node, __u32 id, enum ordering ordering, __u32 gap_us);

/* The same over these paths, of equal weight, in one tier. */
void node_group_of(struct fantel_bpf *node, __u32 id, enum fate on_no_path, __u32 n,
		   const __u32 *paths);
void node_failures(struct fantel_bpf *node, __u32 path, int failures);
void node_congestions(struct fantel_bpf *node, __u32 path, int congestions);

/* What the group does while it is congested; RELIEF_LOWER to begin with. */
void node_relief(struct fantel_bpf *node, __u32 group, enum relief relief);

void node_put(struct bpf_map *map, const void *key, const void *value);
/* false: there is no such entry */
bool node_get(struct bpf_map *map, const void *key, void *value);
__u32 node_entries(struct bpf_map *map, __u32 key_size);
void node_clear(struct bpf_map *map, __u32 key_size);

/* Are there some of these for whose timer the kernel had no memory, and that are looked at together? */
bool node_has_untimed(struct fantel_bpf *node, enum untimed_kind kind);

/* Since the node was loaded, all CPUs. */
struct traffic node_count(struct fantel_bpf *node, enum reason reason);

/* Take what events there are, oldest first; the first `max` are copied (NULL, 0: thrown away).
 * Returns how many there were. */
__u32 node_events(struct fantel_bpf *node, struct event *events, __u32 max);

/* ---- running --------------------------------------------------------------------------------- */

struct outcome {
	__u32 verdict; /* enum xdp_action */
	struct bytes out;
	/* By reason, of this run alone. */
	struct traffic count[REASON_COUNT];
	__u32 reasons; /* how many different ones were counted */
};

/* One packet through `prog`, as if received on ifindex (0: nowhere in particular). */
void node_run(struct fantel_bpf *node, const struct bpf_program *prog, __u32 ifindex,
	      const struct bytes *in, struct outcome *outcome);

/* One packet through a program of tc, on its way out of ifindex. The verdict is one of tc's. */
void node_run_egress(struct fantel_bpf *node, const struct bpf_program *prog, __u32 ifindex,
		     const struct bytes *in, struct outcome *outcome);

/* The same of a packet that came in by `from`. */
void node_run_forwarded(struct fantel_bpf *node, const struct bpf_program *prog, __u32 from, __u32 to,
			const struct bytes *in, struct outcome *outcome);

/* The same behind a driver that leaves little room in front of the packet: what 200 bytes of
 * metadata leave. The bytes out are not looked at. False, and says why, where the kernel has no such
 * test run: the test is then to be skipped. */
bool node_run_cramped(struct fantel_bpf *node, const struct bpf_program *prog, __u32 ifindex,
		      const struct bytes *in, struct outcome *outcome);

/* The same with room for so many bytes and the seven beyond, a multiple of four. */
bool node_run_room(struct fantel_bpf *node, const struct bpf_program *prog, __u32 room,
		   const struct bytes *in, struct outcome *outcome);

/* Does the outcome show this verdict and exactly this reason, once? REASON_NONE: none at all.
 * Says on standard error what differs. */
bool outcome_is(const struct outcome *o, const char *sentence, __u32 verdict, enum reason reason);

/* Do the bytes out equal `want` in every bit that `mask` does not hide (NULL: in all)? */
bool bytes_are(const struct bytes *out, const char *sentence, const struct bytes *want,
	       const struct bytes *mask);

const char *verdict_word(__u32 verdict);

/* A test of one function, in a table of struct CMUnitTest. */
#define TEST(sentence, function) { sentence, function, NULL, NULL, NULL }

/* ---- making packets -------------------------------------------------------------------------- */

/* Ethernet and IPv6, or IPv4 where src has dots, around an L4 packet; its checksum is untouched. */
void frame_around(struct bytes *frame, const char *src, const char *dst, __u8 proto, __u8 hop_limit,
		  const struct bytes *l4);

/* Bytes put behind those that are there. */
void bytes_put(struct bytes *to, const void *from, __u32 len);
void bytes_put16(struct bytes *to, __u16 value);
void bytes_put32(struct bytes *to, __u32 value);

/* The internet checksum of an L4 packet and its pseudo-header, ready to be stored. */
__u16 l4_sum(const char *src, const char *dst, __u8 proto, const struct bytes *l4);

/* Hexadecimal digits as bytes. */
void bytes_hex(struct bytes *to, const char *hex);

/* ---- a network namespace of the process's own ------------------------------------------------ */

/* Leave the machine's namespace for a new, empty one, forwarding on. It ends with the process. */
void net_enter(void);

/* Run a command of iproute2 or the like, made as by printf; it must succeed. */
void net_do(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A veth pair, both ends up, with this MAC: returns the ifindex of `name`. Programs can be run as
 * if received there. */
__u32 net_port(const char *name, const char *mac);
__u32 net_index(const char *name);

/* A packet socket that does not wait, of frames of this EtherType on the interface; NULL: on all. */
int net_open(const char *name, __u16 protocol);

/* The program where what leaves the interface comes by, for as long as what is returned is open; where the
 * kernel knows no such links, that is -1: then for as long as the namespace lasts, or until the next. */
int net_attach_egress(const struct bpf_program *prog, __u32 ifindex);

#endif
