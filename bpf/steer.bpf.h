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
#include "cnp.bpf.h"
#include "depart.bpf.h"
#include "fantel/path.h"
#include "flows.bpf.h"
#include "health.bpf.h"
#include "mark.bpf.h"
#include "packet.bpf.h"
#include "route.bpf.h"
#include "slowed.bpf.h"
#include "tell.bpf.h"
#include "toobig.bpf.h"

/* What is never steered, also where the class is ::/0: what is for the node itself or its link, and
 * what no router forwards. */
FN bool steer_stays(const struct addr *dst)
{
	return addr_is_multicast(dst) || addr_is_link_local(dst) || addr_is_unspecified(dst) ||
	       is_loopback(dst) || (addr_is_v4(dst) && (!dst->l_be[3] || !~dst->l_be[3]));
}

/*
 * The group of a destination: the longest prefix in fantel_classes, remembered per CPU and address.
 * A trie walk costs half of all that steer does, and RDMA has few destinations. What is remembered
 * counts only while fantel_node.classes is what it was before the walk: push adds 1 after a change.
 */
FN __u32 steer_class(const struct node_state *node, const struct addr *dst)
{
	struct {
		__u32 pad; /* the address on 8 bytes: the trie reads it by words that we just wrote */
		__u32 plen;
		struct addr addr;
	} key = { .plen = 128, .addr = *dst };
	__u32 slot = hash_addr(dst, CLASS_CACHE_BITS);
	struct class_cache *cache = bpf_map_lookup_elem(&fantel_cache, &slot);
	struct class_value *class;
	__u32 version;

	if (!cache)
		return NO_GROUP;
	version = node->classes;
	if (LIKELY(addr_equal(&cache->dst, dst) && cache->version == version))
		return cache->group;
	class = steer_stays(dst) ? NULL : bpf_map_lookup_elem(&fantel_classes, &key.plen);
	cache->dst = *dst;
	cache->version = version;
	cache->group = class ? class->group : NO_GROUP;
	return cache->group;
}

struct choice {
	__u32 id;
	struct path *path;
	const struct nexthop *nexthop;
};

/* Its own function: of all packets, the first one after a change needs it. */
SUBPROG int steer_judge(__u32 id)
{
	return health_judged(id);
}

/* Neither failed nor congested, nor what it crosses; that was judged before, unless something
 * changed. */
FN bool steer_good(const struct node_state *node, const struct health *health, __u32 id)
{
	if (health->failures > 0 || health->congestions > 0)
		return false;
	if (LIKELY(health->judged.generation == node->generation))
		return health->judged.standing == STANDING_GOOD;
	return steer_judge(id) == STANDING_GOOD;
}

/*
 * The first member in the flow's own order, as nearly every packet takes it: it is good, and the
 * loader says where it leaves. False: steer_search has to look at all of them.
 */
FN bool steer_first(struct choice *c, const struct node_state *node, const struct rank *rank,
		    __u32 group, __u64 hash)
{
	struct keeping keeping;
	__u64 order = flow_order(&keeping, rank, group, hash_slot(hash));
	struct health *health;

	if (!rank->n)
		return false;
	c->id = rank->path[order & 15];
	health = bpf_map_lookup_elem(&fantel_health, &c->id);
	if (!health || !steer_good(node, health, c->id))
		return false;
	c->path = bpf_map_lookup_elem(&fantel_paths, &c->id);
	if (!c->path || c->path->tunnel == TUNNEL_NONE)
		return false;
	c->nexthop = bpf_map_lookup_elem(&fantel_nexthops, &c->path->nexthop);
	if (!c->nexthop || c->nexthop->down || bpf_jiffies64() > c->nexthop->fresh_until)
		return false;
	flow_took(&keeping, c->id);
	return true;
}

/* A next hop by the FIB. Returns 0, -1 where it has none. A tunnel of the kernel's own finds its way
 * itself, but a neighbour that is not known yet would keep its packets waiting, and lose most. */
FN int steer_fib(struct xdp_md *ctx, struct nexthop *by_fib, const struct path *p)
{
	struct addr src = config_addr(&config.loopback6);
	struct addr src4 = config_addr(&config.loopback4);
	struct route *r;

	memset(by_fib, 0, sizeof(*by_fib));
	if (addr_is_v4(&p->dst))
		src = src4;
	r = route_lookup(ctx, &src, &p->dst, 0, 0);
	if (r && !r->ifindex && p->tunnel == TUNNEL_MARK)
		return 0;
	if (!r || !r->resolved)
		return -1;
	/* To anyone else than that neighbour the labels would mean something else. */
	if (p->outer == OUTER_MPLS && !r->neighbour)
		return -1;
	by_fib->ifindex = r->ifindex;
	by_fib->mtu = r->mtu;
	mac_copy(by_fib->dmac, r->dmac);
	mac_copy(by_fib->smac, r->smac);
	return 0;
}

/*
 * Where the path's packets leave: REASON_NONE, and scratch->found. As the loader says, and where it
 * has not said so lately, as the FIB does: forwarding stays right when the loader is not running.
 */
SUBPROG int steer_nexthop(struct xdp_md *ctx, __u32 id)
{
	struct path *path = bpf_map_lookup_elem(&fantel_paths, &id);
	struct scratch *s = scratch();
	struct nexthop *nexthop;

	if (!path || !s)
		return REASON_INTERNAL;
	if (path->tunnel == TUNNEL_NONE)
		return REASON_NO_PATH;
	nexthop = bpf_map_lookup_elem(&fantel_nexthops, &path->nexthop);
	if (!nexthop)
		return REASON_NO_NEXTHOP;
	s->found.id = id;
	if (bpf_jiffies64() > nexthop->fresh_until)
		return steer_fib(ctx, &s->found.nexthop, path) ? REASON_NO_NEXTHOP : REASON_NONE;
	s->found.nexthop = *nexthop;
	return nexthop->down ? REASON_NO_PATH : REASON_NONE;
}

FN bool steer_wanted(const struct node_state *node, __u32 id, bool congested)
{
	struct health *health;

	if (congested)
		return health_standing(id, false, false) == STANDING_CONGESTED;
	health = bpf_map_lookup_elem(&fantel_health, &id);
	return health && steer_good(node, health, id);
}

/*
 * The first member in the flow's own order that is good or, if that is asked for, congested:
 * REASON_NONE, and scratch->found; else why the last one was not. So the flows of a congested path go
 * where they would if it failed, and no others move; but for those that only a failure may move:
 * REASON_CONGESTED.
 *
 * Its own function, and so are those for a member: the verifier walks each once, and not a member's
 * many ends again for each way through those before it.
 */
SUBPROG int steer_search(struct xdp_md *ctx, __u32 group, __u64 hash, bool congested)
{
	const struct node_state *node = node_state();
	struct rank *rank = bpf_map_lookup_elem(&fantel_ranks, &group);
	int reason = REASON_NO_PATH;
	struct keeping keeping;
	__u64 order;

	if (!rank || !node)
		return REASON_INTERNAL;
	order = flow_order(&keeping, rank, group, hash_slot(hash));
	if (!congested && keeping.strictly &&
	    health_standing(rank->path[order & 15], false, false) == STANDING_CONGESTED)
		return REASON_CONGESTED;
	for (__u32 i = 0; i < MAX_MEMBERS && i < rank->n; i++, order >>= 4) {
		__u32 id = rank->path[order & 15];

		if (!steer_wanted(node, id, congested))
			continue;
		reason = steer_nexthop(ctx, id);
		if (reason == REASON_NONE) {
			flow_took(&keeping, id);
			break;
		}
	}
	return reason;
}

/* What steer_search has found. */
FN bool steer_found(struct choice *c)
{
	struct scratch *s = scratch();

	if (!s)
		return false;
	c->id = s->found.id;
	c->path = bpf_map_lookup_elem(&fantel_paths, &c->id);
	c->nexthop = &s->found.nexthop;
	return c->path;
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

FN void steer_ipv6(__u8 *ip, __u32 payload, __u32 tclass, __u64 hash)
{
	store32(ip, be32(6U << 28 | tclass << 20 | hash_flow_label(hash)));
	store16(ip + IPV6_OFF_LEN, be16(payload));
}

/* `sum`: of the template's header, TOS and length left out. Of three 16-bit words one fold leaves a
 * carry of 1 at most. */
FN void steer_ipv4(__u8 *ip, __u32 len, __u32 tos, __u32 sum)
{
	__u32 first = be32(tos << 16 | len);

	sum += (first & 0xffff) + (first >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	store32(ip, first | be32(0x45U << 24));
	store16(ip + IPV4_OFF_CSUM, ~(sum + (sum >> 16)));
}

/*
 * Outer header and MACs. ECN goes outward as it is (RFC 6040 §4.1, normal mode). The inner packet
 * starts where the template ends: the old Ethernet header is overwritten.
 */
FN int steer_push(struct xdp_md *ctx, const struct frame *f, const struct choice *c, __u64 hash)
{
	const struct path *p = c->path;
	__u32 len = p->encap_len, outer_len;
	__u32 tclass = f->tclass;
	__u8 *eth, *ip, *udp;

	if (len < ETH_LEN + 4 || len > ENCAP_MAX)
		return -1;
	if (bpf_xdp_adjust_head(ctx, -(int)(len - ETH_LEN)))
		return -1;
	if (bpf_xdp_store_bytes(ctx, 0, (void *)p->encap[f->version == 6].hdr, len))
		return -1;
	outer_len = len - ETH_LEN + f->len;
	eth = packet_start(ctx);
	ip = eth + ETH_LEN;
	if (ip + IPV4_LEN > (__u8 *)packet_end(ctx))
		return -1;
	mac_copy(eth, c->nexthop->dmac);
	mac_copy(eth + 6, c->nexthop->smac);
	if (p->flags & PATH_DSCP_FIXED)
		tclass = p->dscp << 2 | (tclass & ECN_MASK);
	if (LIKELY(p->outer == OUTER_IPV6))
		steer_ipv6(ip, outer_len - IPV6_LEN, tclass, hash);
	else if (p->outer == OUTER_IPV4)
		steer_ipv4(ip, outer_len, tclass, p->sum[f->version == 6]);
	if (!p->udp_at)
		return 0;
	/* Source port as entropy, from the dynamic range (RFC 7348 §5); no checksum (RFC 6935). */
	udp = (__u8 *)packet_at(eth, packet_end(ctx), p->udp_at, UDP_LEN);
	if (!udp)
		return -1;
	store16(udp, be16(0xc000) | (__u16)hash_flow_label(hash));
	store16(udp + UDP_OFF_LEN, be16(outer_len + ETH_LEN - p->udp_at));
	return 0;
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
FN int steer_no_path(struct xdp_md *ctx, const struct rank *rank, __u32 group, __u64 bytes)
{
	enum reason reason = rank->on_no_path == FATE_PASS ? REASON_NO_PATH_PASS : REASON_NO_PATH;
	struct group *named = bpf_map_lookup_elem(&fantel_groups, &group);
	struct bucket_key key = { .kind = BUCKET_NO_PATH };
	__u64 now = bpf_ktime_get_ns();
	struct event *e;

	key.dst.l_be[3] = group;
	if (bucket_allows(&key, 1, now)) {
		e = event_begin(EVENT_NO_PATH, now);
		if (e) {
			e->group = group;
			e->reason = reason;
			if (named)
				memcpy(e->name, named->name, sizeof(e->name));
			event_end(e);
		}
	}
	if (reason == REASON_NO_PATH && config.tell_sender)
		return tell(ctx, group, false);
	return verdict(reason, bytes);
}

/* The kernel's own tunnel: the mark, and the packet as it came. Its own function: what precedes has
 * many ways. */
SUBPROG int steer_mark(struct xdp_md *ctx, __u32 id, __u32 bytes)
{
	struct path *path = bpf_map_lookup_elem(&fantel_paths, &id);

	if (!path)
		return verdict(REASON_INTERNAL, bytes);
	steer_account(id, bytes);
	return mark_write(ctx, path->mark.value, bytes);
}

/* Encapsulate, and send; leaves_ns 0: at once. The frame is whole, its IP header at `ip`, the hop limit
 * above 1. */
FN int steer_send(struct xdp_md *ctx, __u8 *ip, const struct frame *f, const struct choice *c,
		  __u64 hash, __u64 leaves_ns)
{
	if (f->len + c->path->encap_len - ETH_LEN > c->nexthop->mtu && c->nexthop->mtu &&
	    c->path->tunnel != TUNNEL_MARK)
		return toobig(ctx, c->nexthop->mtu - (c->path->encap_len - ETH_LEN));
	/* Not before that: there the verifier would walk five times as far. */
	if (UNLIKELY(c->path->tunnel == TUNNEL_MARK))
		return steer_mark(ctx, c->id, f->len);
	steer_age(ip, f->version);
	if (steer_push(ctx, f, c, hash))
		return verdict(REASON_NO_HEADROOM, f->len);
	steer_account(c->id, f->len);
	if (leaves_ns || depart_must(ctx))
		return depart_write(ctx, c->nexthop->ifindex, leaves_ns, f->len);
	return bpf_redirect(c->nexthop->ifindex, 0);
}

/* Can what is ahead of its rate wait on its way out? The kernel sets a time for IP alone; what its own
 * tunnels do with one is theirs to say. */
FN bool steer_can_wait(const struct choice *c)
{
	return config.pacing.horizon_ns && c->nexthop->fq && c->path->outer != OUTER_MPLS &&
	       c->path->tunnel != TUNNEL_MARK;
}

/* What the lowered rates leave to the packet in scratch, which no good path carries: that of its flow,
 * where it has one of its own, and that of its path. What the former drops takes no room of the latter. */
FN enum pace_verdict steer_relief(struct xdp_md *ctx, const struct rank *rank, const struct choice *c,
				  __u32 len)
{
	const struct node_state *node = config.pacing.flows ? node_state() : NULL;
	enum pace_verdict flow = PACE_PASS, path = PACE_PASS;
	bool waits = steer_can_wait(c);

	if (node && node->transit)
		flow = slowed_packet(ctx, waits);
	if (flow == PACE_DROP)
		return PACE_DROP;
	if (rank->on_congestion == RELIEF_LOWER)
		path = pace_packet(PACE_OF(c->id), len, waits);
	else if (rank->on_congestion == RELIEF_MARK)
		path = PACE_MARK;
	return MAX(flow, path);
}

#define NO_ROOM (-2) /* in place of an XDP action */

/* A packet that no good path carries: an XDP action; NOT_OURS where no congested one does either, NO_ROOM
 * where a lowered rate does not let it. Its own function: of all packets, few need it. */
SUBPROG int steer_congested(struct xdp_md *ctx, __u32 group, __u64 hash)
{
	struct rank *rank = bpf_map_lookup_elem(&fantel_ranks, &group);
	struct scratch *s = scratch();
	enum pace_verdict pace;
	struct choice c;
	__u8 *ip;

	if (!s || !rank || !scratch_frame(ctx, s))
		return NOT_OURS;
	if (steer_search(ctx, group, hash, true) || !steer_found(&c))
		return NOT_OURS;
	ip = packet_start(ctx) + ETH_LEN;
	if (ip + IPV4_LEN > (__u8 *)packet_end(ctx))
		return NOT_OURS;
	s->leaves_ns = 0;
	pace = steer_relief(ctx, rank, &c, s->outer.len);
	if (pace == PACE_DROP)
		return NO_ROOM;
	if (pace == PACE_MARK)
		pace_mark(ip, &s->outer);
	return steer_send(ctx, ip, &s->outer, &c, hash, s->leaves_ns);
}

/* Lost to congestion: its sender learns of it, where that is wanted and can be. */
FN int steer_paced(struct xdp_md *ctx, __u32 group, __u64 bytes)
{
	int action = config.cnp ? cnp(ctx) : NOT_OURS;

	if (action != NOT_OURS)
		return action;
	return config.tell_sender ? tell(ctx, group, true) : verdict(REASON_PACED, bytes);
}

/* Some flows are held back, and its own may be one of them. */
FN int steer_slowed(struct xdp_md *ctx, __u8 *ip, struct frame *f, const struct choice *c, __u32 group,
		    __u64 hash)
{
	struct scratch *s = scratch();
	enum pace_verdict pace;

	if (!s)
		return verdict(REASON_INTERNAL, f->len);
	s->leaves_ns = 0;
	pace = slowed_packet(ctx, steer_can_wait(c));
	if (pace == PACE_DROP)
		return steer_paced(ctx, group, f->len);
	if (pace == PACE_MARK)
		pace_mark(ip, f);
	return steer_send(ctx, ip, f, c, hash, s->leaves_ns);
}

/* No member is good: a congested one, or none, for `reason`. */
FN int steer_none(struct xdp_md *ctx, const struct rank *rank, __u32 group, __u64 hash,
		  enum reason reason, __u64 bytes)
{
	int action = steer_congested(ctx, group, hash);

	if (action == NO_ROOM)
		return steer_paced(ctx, group, bytes);
	if (action != NOT_OURS)
		return action;
	if (reason == REASON_NO_PATH)
		return steer_no_path(ctx, rank, group, bytes);
	return verdict(reason, bytes);
}

/* ---- the boundary of the domain (draft §6) ---------------------------------------------------- */

/* Only what the domain itself says is in the class of notifications, the packet at `ip` is not. */
FN void steer_remark(__u8 *ip, struct frame *f)
{
	__u32 tclass = config.remark_tclass | (f->tclass & ECN_MASK);

	if (!config.remark || (f->tclass & ~ECN_MASK) != config.tclass)
		return;
	packet_set_tclass(ip, f, tclass);
	f->tclass = tclass;
	count(REASON_REMARKED, f->len);
}

FN bool is_vlan(__be16 type)
{
	return type == be16(ETHERTYPE_VLAN) || type == be16(ETHERTYPE_QINQ);
}

/*
 * The same rules for a packet that frame_parse does not see to its end, and that may come out of this
 * node or another as one that it does: behind VLAN tags, which the kernel takes off, or with a routing
 * header, which the last segment but one may take off (RFC 8986 §4.16.1). REASON_CUSTOMER_PORT for a
 * notification; else REASON_NONE, and it was remarked where it must be.
 */
SUBPROG int steer_hidden(struct xdp_md *ctx)
{
	const void *data = packet_start(ctx), *end = packet_end(ctx);
	struct scratch *s = scratch();
	__u32 at = ETH_LEN;
	const __u8 *p, *ip = NULL;
	__u16 type;
	bool good;

	p = packet_at(data, end, ETH_OFF_TYPE, 2);
	if (!s || !p)
		return REASON_NONE;
	type = load16(p);
	for (int i = 0; i < 2 && is_vlan(type); i++) {
		p = packet_at(data, end, at, VLAN_LEN);
		if (!p)
			return REASON_NONE;
		type = load16(p + VLAN_OFF_TYPE);
		at += VLAN_LEN;
	}
	p = packet_at(data, end, at, IPV4_LEN);
	if (!p)
		return REASON_NONE;
	if (type == be16(ETHERTYPE_IPV6))
		good = frame_ipv6(&s->outer, p, at, end);
	else
		good = type == be16(ETHERTYPE_IPV4) && frame_ipv4(&s->outer, p, at, end);
	if (!good)
		return REASON_NONE;
	if (at > ETH_LEN)
		ip = p;
	p = s->outer.proto == PROTO_ROUTING ? packet_at(data, end, s->outer.l4, 2) : NULL;
	if (p) {
		s->outer.proto = p[0];
		s->outer.l4 += 8 * (p[1] + 1);
		p = packet_at(data, end, s->outer.l4, UDP_LEN);
		if (p)
			frame_l4(&s->outer, p, end);
	}
	if (is_notification(&s->outer, data, end))
		return REASON_CUSTOMER_PORT;
	if (ip)
		steer_remark((__u8 *)ip, &s->outer);
	return REASON_NONE;
}

FN int steer(struct xdp_md *ctx)
{
	void *data = packet_start(ctx), *end = packet_end(ctx);
	const struct node_state *node = node_state();
	enum reason reason;
	struct choice c;
	struct rank *rank;
	struct frame f;
	__u32 group;
	__u64 hash;

	if (!frame_parse(&f, data, end) || !packet_holds(ctx, ETH_LEN + f.len))
		return verdict(steer_hidden(ctx) ?: REASON_NOT_IP, end - data);
	/* A notification may not enter from outside the domain (draft §6), whoever it is for. */
	if (UNLIKELY(is_notification(&f, data, end) ||
		     (f.proto == PROTO_ROUTING && steer_hidden(ctx))))
		return verdict(REASON_CUSTOMER_PORT, f.len);
	steer_remark(data + ETH_LEN, &f);
	if (addr_is_link_local(&f.src))
		return verdict(REASON_NO_CLASS, f.len);
	if (!node)
		return verdict(REASON_INTERNAL, f.len);
	group = steer_class(node, &f.dst);
	rank = bpf_map_lookup_elem(&fantel_ranks, &group);
	if (!rank)
		return verdict(REASON_NO_CLASS, f.len);
	if (f.hop_limit <= 1)
		return verdict(REASON_HOP_LIMIT, f.len);
	hash = flow_hash(&f.src, &f.dst, f.ports, f.proto, f.qp, config.hash_seed);
	if (UNLIKELY(!steer_first(&c, node, rank, group, hash))) {
		reason = steer_search(ctx, group, hash, false);
		if (reason)
			return steer_none(ctx, rank, group, hash, reason, f.len);
		if (!steer_found(&c))
			return verdict(REASON_INTERNAL, f.len);
	}
	if (config.pacing.flows && UNLIKELY(node->transit))
		return steer_slowed(ctx, data + ETH_LEN, &f, &c, group, hash);
	return steer_send(ctx, data + ETH_LEN, &f, &c, hash, 0);
}

#endif
