/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Every map, once: who writes it, who reads it, how long it lives. All are pinned by name under
 * the node's pin directory and outlive the loader. Layouts: fantel/abi.h.
 */
#ifndef MAPS_BPF_H
#define MAPS_BPF_H

#include "fantel/abi.h"

#define CLOCK_MONOTONIC 1 /* of timers; vmlinux.h has no macros */

/* Frozen before load; the verifier drops the branches it rules out. volatile: the compiler must
 * not take the zeros it sees here for the truth. */
const volatile struct config config = {};

/* A copy of an address in config. By words: of a struct copied whole, clang 14 forgets that it is
 * volatile once the copy is handed to another function. */
FN struct addr config_addr(const volatile struct addr *a)
{
	struct addr copy = { .q_be = { a->q_be[0], a->q_be[1] } };

	return copy;
}

#define MAP(NAME, KIND, KEY, VALUE, MAX, FLAGS)                                                    \
	struct {                                                                                   \
		__uint(type, KIND);                                                                \
		__type(key, KEY);                                                                  \
		__type(value, VALUE);                                                              \
		__uint(max_entries, MAX);                                                          \
		__uint(map_flags, FLAGS);                                                          \
	} NAME SEC(".maps")

/* Destination prefix -> group. push -> steer. */
MAP(fantel_classes, BPF_MAP_TYPE_LPM_TRIE, struct prefix_key, struct class_value, MAX_CLASSES,
    BPF_F_NO_PREALLOC);

/* What steer remembers of fantel_classes; by a hash of the destination. steer only. */
MAP(fantel_cache, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct class_cache, 1 << CLASS_CACHE_BITS,
    0);

/* Group as policy gave it: weights and tiers, for people, and so without rows for groups that are
 * not. push -> status. */
MAP(fantel_groups, BPF_MAP_TYPE_HASH, __u32, struct group, MAX_GROUPS, BPF_F_NO_PREALLOC);

/* Group compiled for the packet path. push -> steer. */
MAP(fantel_ranks, BPF_MAP_TYPE_ARRAY, __u32, struct rank, MAX_GROUPS, 0);

/* Group and slot -> the path that its flows took last, where order is kept. steer only. */
MAP(fantel_flows, BPF_MAP_TYPE_ARRAY, __u32, struct flow, MAX_FLOWS, 0);

/* Path -> header templates. push -> steer, notify, status. */
MAP(fantel_paths, BPF_MAP_TYPE_ARRAY, __u32, struct path, MAX_PATHS, 0);

/* Where paths leave. netlink -> steer, status. */
MAP(fantel_nexthops, BPF_MAP_TYPE_ARRAY, __u32, struct nexthop, MAX_NEXTHOPS, 0);

/* Packets and bytes by path. steer -> status. */
MAP(fantel_traffic, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct traffic, MAX_PATHS, 0);

/* Path -> usable or not. notify, and steer where a resource changed -> steer, status. */
MAP(fantel_health, BPF_MAP_TYPE_ARRAY, __u32, struct health, MAX_PATHS, 0);

/* How notifications name a resource -> its index. push -> notify. */
MAP(fantel_location, BPF_MAP_TYPE_HASH, struct resource_key, __u32, MAX_LOCATIONS,
    BPF_F_NO_PREALLOC);

/* What paths cross. push makes and clears; notify counts failures -> steer, status. */
MAP(fantel_resource, BPF_MAP_TYPE_ARRAY, __u32, struct resource, MAX_RESOURCES, 0);

/* Transit, then paths -> the rate while congested, and after. notify, steer, transit, a timer ->
 * status. */
MAP(fantel_pace, BPF_MAP_TYPE_ARRAY, __u32, struct pace, PACE_OF(MAX_PATHS), 0);

/* Traffic of others that is held back. notify, a timer -> transit, status. */
MAP(fantel_transit, BPF_MAP_TYPE_ARRAY, __u32, struct transit, MAX_TRANSIT, 0);

/* The failed-tunnel set. notify -> status; entries leave by recovery or by their own timer.
 * Preallocated: memory for a new failure must be there at once. */
MAP(fantel_failed, BPF_MAP_TYPE_HASH, struct failed_key, struct failed, MAX_FAILED, 0);

/* What was told of the load of paths and resources. notify -> the loader, which turns it into weights
 * and removes what has expired; status. */
MAP(fantel_metrics, BPF_MAP_TYPE_HASH, struct failed_key, struct metrics, MAX_METRICS, 0);

/* Tunnel identity -> paths. push -> notify. */
MAP(fantel_tunnels, BPF_MAP_TYPE_HASH, __u64, struct tunnel_paths, MAX_TUNNELS, BPF_F_NO_PREALLOC);

/* Addresses of the domain: who may speak, who may be told, whose tunnels end here. push -> notify,
 * detect, decap. */
MAP(fantel_sources, BPF_MAP_TYPE_LPM_TRIE, struct prefix_key, struct source, MAX_SOURCES,
    BPF_F_NO_PREALLOC);

/* Key-id -> key. keyring -> auth, the loader. */
MAP(fantel_keys, BPF_MAP_TYPE_HASH, __u32, struct key, MAX_KEYS, BPF_F_NO_PREALLOC);

/* Tunnels that end here. push -> decap, status. */
MAP(fantel_ends, BPF_MAP_TYPE_HASH, struct endpoint_key, struct endpoint, MAX_ENDPOINTS,
    BPF_F_NO_PREALLOC);

/* Originator -> sequence window and token buckets. notify only. */
MAP(fantel_origins, BPF_MAP_TYPE_LRU_HASH, struct addr, struct origin, MAX_ORIGINS, 0);

/* The same of originators who have proven who they are, out of reach of those who have not: they can
 * neither move such a window nor push it out. notify only. */
MAP(fantel_proven, BPF_MAP_TYPE_HASH, struct addr, struct origin, MAX_ORIGINS, BPF_F_NO_PREALLOC);

/* Core ports by ifindex. links -> detect; that one failed is also written by the packet path, at once
 * (link.bpf.h), which the loader then makes its own. */
MAP(fantel_links, BPF_MAP_TYPE_HASH, __u32, struct link, MAX_CORE_LINKS, BPF_F_NO_PREALLOC);

/* The devices of ports, as they show themselves. device, and of the ifindex the loader -> the loader. */
MAP(fantel_devices, BPF_MAP_TYPE_ARRAY, __u32, struct device_row, MAX_CORE_LINKS, BPF_F_MMAPABLE);

/* By which they are looked at. device only. */
MAP(fantel_timer, BPF_MAP_TYPE_ARRAY, __u32, struct device_timer, 1, 0);

/* Failures, BFD sessions and rates without a timer of their own. notify, bfd, pace, overdue. */
MAP(fantel_untimed, BPF_MAP_TYPE_ARRAY, __u32, struct untimed, 1, 0);

/* BFD sessions of core ports. loader -> bfd. */
MAP(fantel_bfd_set, BPF_MAP_TYPE_HASH, __u32, struct bfd_set, MAX_CORE_LINKS, BPF_F_NO_PREALLOC);

/* The same ones, made and removed by the loader. bfd -> the loader, status. */
MAP(fantel_bfd, BPF_MAP_TYPE_HASH, __u32, struct bfd_session, MAX_CORE_LINKS, BPF_F_NO_PREALLOC);

/* Their echoes. loader -> bfd. */
MAP(fantel_bfd_echo, BPF_MAP_TYPE_ARRAY, __u32, struct bfd_echo, MAX_CORE_LINKS, BPF_F_MMAPABLE);

/* Which core port a prefix was last routed to. netlink -> detect. */
MAP(fantel_routes, BPF_MAP_TYPE_LPM_TRIE, struct prefix_key, struct route_value, MAX_ROUTES,
    BPF_F_NO_PREALLOC);

/* What is to be noticed on a core port that is up. The loader -> watch. */
MAP(fantel_watches, BPF_MAP_TYPE_HASH, __u32, struct watch, MAX_CORE_LINKS, BPF_F_NO_PREALLOC);

/* What the loader measures itself. The loader -> status. */
MAP(fantel_sensed, BPF_MAP_TYPE_HASH, struct sensed_key, struct sensed, MAX_CORE_LINKS + 1,
    BPF_F_NO_PREALLOC);

/* What was. watch -> the loader, status. */
MAP(fantel_gauges, BPF_MAP_TYPE_ARRAY, __u32, struct gauge, MAX_GAUGES, BPF_F_MMAPABLE);

/* Who was told of what. detect, watch, and for controllers the loader -> the loader, which sends
 * recoveries and then removes. */
MAP(fantel_told, BPF_MAP_TYPE_HASH, struct told_key, struct told, MAX_TOLD, 0);

/* Which tunnels leave by which link, and where asked for, come by it. learn -> the loader, which tells of them when the link is in trouble; what
 * was not seen for longest makes room. */
MAP(fantel_learned, BPF_MAP_TYPE_LRU_HASH, struct told_key, struct learned, MAX_LEARNED, 0);

/* The QPs of customers' hosts. cnp only. */
MAP(fantel_qps, BPF_MAP_TYPE_LRU_HASH, struct qp_key, struct qp, MAX_QPS, 0);

/* Top label -> where MPLS tunnels of others go, and who sends them. push -> detect, learn. */
MAP(fantel_lsps, BPF_MAP_TYPE_HASH, __u32, struct lsp, MAX_LSPS, BPF_F_NO_PREALLOC);

/* Token buckets of what we send in answer to packets. detect, steer, watch, and the loader
 * of what it tells unasked. */
MAP(fantel_buckets, BPF_MAP_TYPE_LRU_HASH, struct bucket_key, struct bucket, MAX_BUCKETS, 0);

/* links_down, alive_until, wall_ns: links -> detect, bfd, watch. classes: push -> steer. sequence: detect,
 * watch and the loader, atomically. generation: notify and push, atomically -> steer.
 * congested: notify and push, atomically. */
MAP(fantel_node, BPF_MAP_TYPE_ARRAY, __u32, struct node_state, 1, BPF_F_MMAPABLE);

/* Reason -> packets, bytes. account, and overflow what fq dropped -> status. */
MAP(fantel_stats, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct traffic, REASON_COUNT, 0);

/* struct event. account -> events. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENTS_BYTES);
} fantel_events SEC(".maps");

/* A ring's definition does not say what is in it. This does, in the BTF: for builds to come
 * (loader/heritage.h). */
const struct event *const fantel_event = NULL;

/* struct bfd_news. bfd -> the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, BFD_NEWS_BYTES);
} fantel_bfd_news SEC(".maps");

/* struct link_news. device -> the loader. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LINK_NEWS_BYTES);
} fantel_link_news SEC(".maps");

FN struct node_state *node_state(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&fantel_node, &zero);
}

#endif
