/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Ingress PE, customer port: classify, pick a path, encapsulate, redirect.
 *
 * The path's outer header is data (struct encap): copied whole, then payload length, traffic class
 * and flow label are patched. No clock is read while next hops are fresh, and no path is asked twice.
 */
#ifndef STEER_BPF_H
#define STEER_BPF_H

#include "account.bpf.h"
#include "fantel/path.h"
#include "packet.bpf.h"
#include "route.bpf.h"
#include "toobig.bpf.h"

/*
 * The group of a destination: the longest prefix in fantel_classes, remembered per CPU and address.
 * A trie walk costs half of all that steer does, and RDMA has few destinations. What is remembered
 * counts only while fantel_node.classes is what it was before the walk: push adds 1 after a change.
 */
FN __u32 steer_class(const struct addr *dst)
{
	struct {
		__u32 pad; /* the address on 8 bytes: the trie reads it by words that we just wrote */
		__u32 plen;
		struct addr addr;
	} key = { .plen = 128, .addr = *dst };
	__u32 slot = hash_addr(dst, CLASS_CACHE_BITS);
	struct class_cache *cache = bpf_map_lookup_elem(&fantel_cache, &slot);
	struct node_state *node = node_state();
	struct class_value *class;
	__u32 version;

	if (!cache || !node)
		return NO_GROUP;
	version = node->classes;
	if (LIKELY(addr_equal(&cache->dst, dst) && cache->version == version))
		return cache->group;
	class = bpf_map_lookup_elem(&fantel_classes, &key.plen);
	cache->dst = *dst;
	cache->version = version;
	cache->group = class ? class->group : NO_GROUP;
	return cache->group;
}

struct choice {
	__u32 id;
	struct path *path;
	struct nexthop *nexthop;
};

/* The first usable member in the flow's own order. */
FN bool steer_pick(struct choice *c, struct rank *rank, __u64 hash)
{
	__u64 order = rank->order[hash_slot(hash)];

	for (__u32 i = 0; i < MAX_MEMBERS; i++, order >>= 4) {
		struct health *health;

		if (i >= rank->n)
			return false;
		c->id = rank->path[order & 15];
		health = bpf_map_lookup_elem(&fantel_health, &c->id);
		if (!health || health->failures > 0)
			continue;
		c->path = bpf_map_lookup_elem(&fantel_paths, &c->id);
		if (!c->path || c->path->tunnel == TUNNEL_NONE)
			continue;
		c->nexthop = bpf_map_lookup_elem(&fantel_nexthops, &c->path->nexthop);
		if (!c->nexthop || c->nexthop->down)
			continue;
		return true;
	}
	return false;
}

/* Hop limit or TTL less one (RFC 8200 §3, RFC 2473 §3.1), in the packet at `ip`. The IPv4 checksum
 * is updated for it (RFC 1624: the TTL is the high byte of its word, so the sum grows by 0x100). */
FN void steer_age(__u8 *ip, __u8 version)
{
	__u32 sum;

	if (version == 6) {
		ip[IPV6_OFF_HOP_LIMIT]--;
		return;
	}
	sum = load16(ip + IPV4_OFF_CSUM) + (__u32)be16(0x100);
	store16(ip + IPV4_OFF_CSUM, (__u16)(sum + (sum >= 0xffff)));
	ip[IPV4_OFF_TTL]--;
}

/*
 * Outer header and MACs. ECN goes outward as it is (RFC 6040 §4.1, normal mode). The inner packet
 * starts where the template ends: the old Ethernet header is overwritten.
 */
FN int steer_push(struct xdp_md *ctx, const struct frame *f, const struct choice *c, __u64 hash)
{
	const struct path *p = c->path;
	__u32 len = p->encap_len;
	__u32 tclass = f->tclass;
	__u8 *eth, *ip;

	if (len < ETH_LEN + IPV6_LEN || len > ENCAP_MAX)
		return -1;
	if (bpf_xdp_adjust_head(ctx, -(int)(len - ETH_LEN)))
		return -1;
	if (bpf_xdp_store_bytes(ctx, 0, (void *)p->encap[f->version == 6].hdr, len))
		return -1;
	eth = packet_start(ctx);
	ip = eth + ETH_LEN;
	if (ip + IPV6_LEN > (__u8 *)packet_end(ctx))
		return -1;
	mac_copy(eth, c->nexthop->dmac);
	mac_copy(eth + 6, c->nexthop->smac);
	if (p->flags & PATH_DSCP_FIXED)
		tclass = p->dscp << 2 | (tclass & ECN_MASK);
	store32(ip, be32(6U << 28 | tclass << 20 | hash_flow_label(hash)));
	store16(ip + IPV6_OFF_LEN, be16(len - ETH_LEN - IPV6_LEN + f->len));
	return 0;
}

/* The next hop from the FIB, where the loader's is out of date. */
FN bool steer_fib(struct xdp_md *ctx, struct nexthop *nh, const struct path *p)
{
	struct addr src = config.loopback6;
	struct route *r = route_lookup(ctx, &src, &p->dst);

	if (!r || !r->resolved)
		return false;
	nh->ifindex = r->ifindex;
	mac_copy(nh->dmac, r->dmac);
	mac_copy(nh->smac, r->smac);
	return true;
}

FN void steer_account(__u32 id, __u64 bytes)
{
	struct traffic *t = bpf_map_lookup_elem(&fantel_traffic, &id);

	if (t) {
		t->packets++;
		t->bytes += bytes;
	}
}

/* The group has no usable path: an event, ten a second at most, and the policy's verdict. */
FN int steer_no_path(const struct rank *rank, __u32 group, __u64 bytes)
{
	struct bucket_key key = { .kind = BUCKET_NO_PATH };
	__u64 now = bpf_ktime_get_ns();
	struct event *e;

	key.dst.l_be[3] = group;
	if (bucket_allows(&key, now)) {
		e = event_begin(EVENT_NO_PATH, now);
		if (e) {
			e->group = group;
			e->reason = rank->on_no_path == FATE_PASS ? REASON_NO_PATH_PASS : REASON_NO_PATH;
			event_end(e);
		}
	}
	return verdict(rank->on_no_path == FATE_PASS ? REASON_NO_PATH_PASS : REASON_NO_PATH, bytes);
}

FN int steer(struct xdp_md *ctx)
{
	void *data = packet_start(ctx), *end = packet_end(ctx);
	struct nexthop by_fib;
	struct choice c;
	struct rank *rank;
	struct frame f;
	__u32 group;
	__u64 hash;

	if (!frame_parse(&f, data, end) || !packet_holds(ctx, ETH_LEN + f.len))
		return verdict(REASON_NOT_IP, end - data);
	/* A notification may not enter from outside the domain (draft §6), whoever it is for. */
	if (UNLIKELY(is_notification(&f, data, end)))
		return verdict(REASON_CUSTOMER_PORT, f.len);
	if (addr_is_multicast(&f.dst) || addr_is_link_local(&f.dst) || addr_is_link_local(&f.src))
		return verdict(REASON_NO_CLASS, f.len);
	group = steer_class(&f.dst);
	rank = bpf_map_lookup_elem(&fantel_ranks, &group);
	if (!rank)
		return verdict(REASON_NO_CLASS, f.len);
	if (f.hop_limit <= 1)
		return verdict(REASON_HOP_LIMIT, f.len);
	hash = flow_hash(&f.src, &f.dst, f.ports, f.proto, f.qp, config.hash_seed);
	if (!steer_pick(&c, rank, hash))
		return steer_no_path(rank, group, f.len);
	if (f.len + c.path->encap_len - ETH_LEN > c.nexthop->mtu && c.nexthop->mtu)
		return toobig(ctx, c.nexthop->mtu - (c.path->encap_len - ETH_LEN));
	if (UNLIKELY(bpf_jiffies64() > c.nexthop->fresh_until)) {
		if (!steer_fib(ctx, &by_fib, c.path))
			return verdict(REASON_NO_NEXTHOP, f.len);
		c.nexthop = &by_fib;
	}
	steer_age(data + ETH_LEN, f.version);
	if (steer_push(ctx, &f, &c, hash))
		return verdict(REASON_NO_HEADROOM, f.len);
	steer_account(c.id, f.len);
	return bpf_redirect(c.nexthop->ifindex, 0);
}

#endif
