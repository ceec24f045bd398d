/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * P node, core port: a packet bound for a failed link is lost anyway, so it becomes the
 * notification to its ingress PE.
 *
 * While no core link is down these are two loads. Else: where would the packet go (next segment, FIB)?
 * Is that link down? Whose tunnel is it? Is that ingress PE due to be told? Then the message is
 * built in scratch and takes the packet's place.
 */
#ifndef DETECT_BPF_H
#define DETECT_BPF_H

#include "account.bpf.h"
#include "auth.bpf.h"
#include "fantel/mpls.h"
#include "fantel/path.h"
#include "fantel/srh.h"
#include "packet.bpf.h"
#include "reply.bpf.h"
#include "route.bpf.h"
#include "scratch.bpf.h"

/* Of an SRv6 packet: the segment it goes to from here (RFC 8754 §4.3.1, S16), and its whole segment list.
 * `at` points to the SRH in the packet. */
FN enum reason detect_srh(struct scratch *s, const __u8 *at, const void *end)
{
	struct srh srh;

	if (!srh_read(&srh, at, end) || !srh_is_sound(&srh))
		return REASON_NOT_IP;
	s->inner_at = ETH_LEN + IPV6_LEN + srh.len;
	s->inner_proto = srh.proto;
	s->next = s->outer.dst;
	if (is_ours(&s->outer.dst) && !srh_next(&s->next, &srh, at, end))
		return REASON_NOT_IP;
	return srh_tunnel(&s->told.tunnel, &srh, &s->outer.dst, at, end);
}

/* The tunnel of a packet whose outer headers are in s->outer, and its next segment. REASON_NONE when
 * *s is filled; else the packet is ours, or no tunnel that could be named. */
FN enum reason tunnel_of(struct scratch *s, const void *data, const void *end)
{
	memset(&s->told, 0, sizeof(s->told));
	if (s->outer.version == 6 && s->outer.proto == PROTO_ROUTING)
		return detect_srh(s, data + ETH_LEN + IPV6_LEN, end);
	if (is_ours(&s->outer.dst) || addr_is_link_scope(&s->outer.dst))
		return REASON_NOT_IP;
	s->inner_at = s->outer.l4;
	s->inner_proto = s->outer.proto;
	s->next = s->outer.dst;
	s->told.tunnel.code = CODE_IP;
	s->told.tunnel.n = 1;
	s->told.tunnel.addr = s->outer.dst;
	return REASON_NONE;
}

/* The flow inside: what the 5-tuple TLV names. Left out where the tunnel carries no IP. */
FN bool tunnel_inner(struct scratch *s, const void *data, const void *end)
{
	const __u8 *ip = packet_at(data, end, s->inner_at, IPV4_LEN);

	if (!ip)
		return false;
	if (s->inner_proto == PROTO_IPV6)
		return frame_ipv6(&s->inner, ip, s->inner_at, end);
	return s->inner_proto == PROTO_IPIP && frame_ipv4(&s->inner, ip, s->inner_at, end);
}

SUBPROG int detect_inner(struct xdp_md *ctx, struct scratch *s)
{
	return s && tunnel_inner(s, packet_start(ctx), packet_end(ctx));
}

/*
 * An MPLS tunnel of others: policy knows by the top label where it goes and who may have sent it. Of
 * several, one by chance: each is told by some packet. Nobody sent a notification, that must not be
 * answered.
 */
SUBPROG int detect_mpls(struct xdp_md *ctx)
{
	const void *data = packet_start(ctx), *end = packet_end(ctx);
	const __u8 *top = packet_at(data, end, ETH_LEN, LABEL_LEN);
	struct scratch *s = scratch();
	enum reason reason;
	struct lsp *lsp;
	__u32 label;

	if (!s || !top)
		return REASON_NOT_IP;
	label = be32(load32(top)) >> WIRE_LABEL_SHIFT;
	lsp = bpf_map_lookup_elem(&fantel_lsps, &label);
	if (!lsp || !lsp->n)
		return REASON_NOT_IP;
	memset(&s->outer, 0, sizeof(s->outer));
	s->outer.len = bpf_xdp_get_buff_len(ctx) - ETH_LEN;
	s->next = lsp->next_hop;
	memset(&s->told, 0, sizeof(s->told));
	reason = mpls_tunnel(&s->told.tunnel, &s->inner_proto, top, end);
	if (reason != REASON_NONE)
		return reason;
	s->inner_at = ETH_LEN + LABEL_LEN * s->told.tunnel.n;
	if (!detect_inner(ctx, s) ||
	    !is_notification(&s->inner, packet_start(ctx), packet_end(ctx)))
		s->outer.src = lsp->ingress[bpf_get_prandom_u32() % lsp->n & (LSP_INGRESSES - 1)];
	return REASON_NONE;
}

FN bool is_mpls(struct xdp_md *ctx)
{
	const __u8 *eth = packet_start(ctx);

	return eth + ETH_LEN <= (__u8 *)packet_end(ctx) &&
	       load16(eth + ETH_OFF_TYPE) == be16(ETHERTYPE_MPLS);
}

/* Whose tunnel is it, and where does it go from here? */
SUBPROG int detect_tunnel(struct xdp_md *ctx, struct scratch *s)
{
	const void *data = packet_start(ctx), *end = packet_end(ctx);

	if (config.lsps && is_mpls(ctx))
		return detect_mpls(ctx);
	if (!s || !scratch_frame(ctx, s))
		return REASON_NOT_IP;
	return tunnel_of(s, data, end);
}

/* A failed link, as one packet meets it. */
struct failure {
	const struct link *link;
	__u32 ifindex;
	enum trouble trouble; /* TROUBLE_NONE: it failed */
	__u32 event_id;
	enum wire_cause cause;
	__u64 detected_ns; /* since 1970; 0 = not known */
};

/*
 * Would the packet leave by a link that failed? By the port that the FIB names, or, where the FIB has
 * no route any more, by the port that had it last (fantel_routes; our own addresses are in there as
 * routed to lo, which is no port).
 *
 * Whether that port is down is what the loader says. Without a loader (`alive` false) it is what the
 * FIB shows: a link that answers is back, and one that lost its routes went down unseen. One that has
 * its route but no neighbour is doubtful: the kernel asks for a neighbour only when a packet needs it,
 * so packets that nobody must be told of go there.
 */
FN bool detect_failure(struct xdp_md *ctx, struct scratch *s, bool alive, struct failure *failure)
{
	struct route *r = route_lookup(ctx, &s->outer.src, &s->next, s->outer.flowinfo_be,
				       s->outer.proto);
	struct route_value *before;
	struct prefix_key key;
	struct link *link;

	if (!r || (!alive && r->resolved))
		return false;
	failure->ifindex = r->ifindex;
	if (!r->ifindex && !r->none)
		return false;
	if (!r->ifindex) {
		prefix_key_full(&key, &s->next);
		before = bpf_map_lookup_elem(&fantel_routes, &key);
		if (!before)
			return false;
		failure->ifindex = before->ifindex;
	}
	link = bpf_map_lookup_elem(&fantel_links, &failure->ifindex);
	if (!link || (!link->down && (alive || r->ifindex)))
		return false;
	failure->link = link;
	s->doubtful = !alive && r->ifindex;
	failure->event_id = link->event_id;
	failure->cause = link->cause;
	failure->detected_ns = link->detected_ns;
	if (!link->down) {
		failure->event_id = link->next_event_id;
		failure->cause = CAUSE_ADMIN_DOWN;
		failure->detected_ns = 0;
	}
	return true;
}

/* Is this a packet to answer? Not a notification, nor multicast, nor from no one in particular (RFC
 * 4443 §2.4 e). Then its tunnel has its hash, too: here the verifier walks that once. */
SUBPROG int detect_may_tell(struct xdp_md *ctx, struct scratch *s)
{
	if (!s)
		return false;
	if (addr_is_multicast(&s->outer.dst) || addr_is_multicast(&s->outer.src) ||
	    addr_is_unspecified(&s->outer.src) || s->outer.fragment)
		return false;
	if (is_notification(&s->outer, packet_start(ctx), packet_end(ctx)))
		return false;
	s->told_key.tunnel_hash = hash_tunnel(&s->told.tunnel);
	return true;
}

enum due {
	DUE_NOT,    /* it was told just now */
	DUE_REPEAT, /* the same once more */
	DUE_NEW,    /* with a new sequence */
	DUE_AGAIN,  /* the same, of a failure that lasts */
};

/*
 * Told at once, again at repeat_ns[1], repeat_ns[2] with the same sequence (the ingress PE acts
 * once) and, for as long as it still sends there, anew after refresh_ns.
 */
FN enum due detect_due(const struct told *told, __u32 event_id, __u64 now_ns)
{
	/* Another CPU may have told it a moment after we read the clock. */
	__s64 since = now_ns - told->first_ns;
	__u64 age = since > 0 ? since : 0;
	__u32 sent = told->sent;

	if (told->event_id != event_id || !sent)
		return DUE_NEW;
	if (sent < MAX_REPEATS && sent < config.n_repeats && age >= config.repeat_ns[sent])
		return DUE_REPEAT;
	return config.refresh_ns && age >= config.refresh_ns ? DUE_AGAIN : DUE_NOT;
}

/* Of the tunnel in scratch, which has its hash there, and its ingress PE, on this link. */
FN void told_key(struct scratch *s, __u32 ifindex, enum trouble trouble)
{
	s->told_key.ingress = s->outer.src;
	s->told_key.ifindex = ifindex;
	s->told_key.port = 0;
	s->told_key.trouble = trouble;
}

/* A new entry, for an ingress PE of the domain. Whether it is there then, the caller sees: another CPU
 * may have been first. */
FN enum reason detect_told_add(struct scratch *s, const struct failure *failure, __u64 now_ns)
{
	struct prefix_key source;

	prefix_key_full(&source, &s->outer.src);
	if (!bpf_map_lookup_elem(&fantel_sources, &source))
		return REASON_NOT_TOLD;
	s->told.first_ns = now_ns;
	s->told.event_id = failure->event_id;
	bpf_map_update_elem(&fantel_told, &s->told_key, &s->told, BPF_NOEXIST);
	return REASON_NONE;
}

/* What was told under another name is still to be ended. Without a branch: the verifier would walk all
 * that follows twice. */
FN void told_rename(struct told *told, __u32 event_id)
{
	__u32 differs = told->event_id ^ event_id;
	__u32 other = -((differs | -differs) >> 31);

	told->before = (told->event_id & other) | (told->before & ~other);
	told->event_id = event_id;
}

/* Find or begin the entry of this ingress PE, tunnel and link, and say what is due. A doubtful failure
 * is told again only by the packet after the one that would be due: that one goes to the kernel. */
FN enum reason detect_told(struct scratch *s, const struct failure *failure, __u64 now_ns,
			   struct told **out)
{
	struct bucket_key bucket = { .dst = s->outer.src,
				     .kind = failure->trouble ? BUCKET_CONGESTION : BUCKET_FAILURE };
	struct node_state *node = node_state();
	enum reason reason;
	struct told *told;
	enum due due;

	if (!node)
		return REASON_INTERNAL;
	told_key(s, failure->ifindex, failure->trouble);
	told = bpf_map_lookup_elem(&fantel_told, &s->told_key);
	if (!told) {
		reason = detect_told_add(s, failure, now_ns);
		if (reason)
			return reason;
		told = bpf_map_lookup_elem(&fantel_told, &s->told_key);
	}
	/* No room; or removed just now, or the place of another tunnel of the same hash. */
	if (!told || !tunnel_equal(&told->tunnel, &s->told.tunnel))
		return REASON_TOLD_FULL;
	due = detect_due(told, failure->event_id, now_ns);
	if (due == DUE_AGAIN && s->doubtful) {
		told->sent = 0; /* the next packet tells */
		due = DUE_NOT;
	}
	if (due == DUE_NOT)
		return REASON_DOOMED;
	if (due != DUE_REPEAT) {
		/* At once: then it is due on no other CPU. */
		told_rename(told, failure->event_id);
		told->first_ns = now_ns;
		told->sent = 1;
		/* With its repetitions, which then need not ask. */
		if (!bucket_allows(&bucket, config.n_repeats, now_ns)) {
			told->sent = 0;
			return REASON_NOTIFY_LIMITED;
		}
		told->sequence = __sync_fetch_and_add(&node->sequence, 1) + 1;
	} else {
		told->sent++;
	}
	told->last_ns = now_ns;
	*out = told;
	return REASON_NOTIFIED;
}

/* The message, in scratch. Returns its length, 0 if it did not fit. */
FN __u32 detect_build(struct xdp_md *ctx, struct scratch *s, const struct msg_envelope *from,
		      const struct failure *failure, const struct told *told)
{
	const struct link *link = failure->link;
	struct msg_rules rules = msg_rules(&config);
	struct writer w = msg_begin(&s->buf, from);

	msg_put_tunnel(&w, &s->told.tunnel);
	msg_put_copy(&w, link->location, link->location_len, LOCATION_MAX);
	msg_put_event(&w, &rules, told->event_id, told->sequence, config.validity_ms);
	if (failure->detected_ns)
		msg_put_u64(&w, &rules, TLV_TIMESTAMP, failure->detected_ns);
	if (detect_inner(ctx, s))
		msg_put_flow(&w, &rules, s->inner.proto, frame_sport(&s->inner),
			     frame_dport(&s->inner), &s->inner.src, &s->inner.dst);
	if (config.domain)
		msg_put_u32(&w, &rules, TLV_DOMAIN, config.domain);
	msg_put_byte(&w, &rules, TLV_CAUSE, failure->cause);
	return auth_finish(s, &w, &rules, from, KIND_FAILURE, s->told.tunnel.code);
}

/* Is this a core port that is known to be down? Where the failed one is the only one, none is asked. */
FN bool detect_is_down(__u32 ifindex, const struct failure *failure)
{
	struct node_state *node = node_state();
	struct link *link;

	if (ifindex == failure->ifindex)
		return true;
	if (node && node->links_down == 1 && failure->link->down)
		return false;
	link = bpf_map_lookup_elem(&fantel_links, &ifindex);
	return link && link->down;
}

/*
 * By the FIB, unless it points to a failed link, this one or another; then back where the packet came
 * from, which is alive and nearer to the ingress PE than we are.
 */
FN void detect_way(struct xdp_md *ctx, const struct msg_envelope *from,
		   const struct failure *failure, struct way *way)
{
	struct route *r = route_lookup(ctx, &from->src, &from->dst, 0, 0);

	way->proto = from->transport == TRANSPORT_UDP ? PROTO_UDP : PROTO_ICMPV6;
	if (!r || !r->resolved ||
	    (r->ifindex != ctx->ingress_ifindex && detect_is_down(r->ifindex, failure))) {
		way_back(ctx, way);
		return;
	}
	way->ifindex = r->ifindex;
	mac_copy(way->dmac, r->dmac);
	mac_copy(way->smac, r->smac);
}

FN void detect_event(const struct scratch *s, const struct failure *failure, const struct told *told,
		     __u64 now_ns)
{
	struct event *e = event_begin(EVENT_NOTIFIED, now_ns);

	if (!e)
		return;
	e->reason = REASON_NOTIFIED;
	e->kind = KIND_FAILURE;
	e->cause = failure->cause;
	e->ifindex = failure->ifindex;
	e->event_id = told->event_id;
	e->sequence = told->sequence;
	e->timestamp_ns = failure->detected_ns;
	e->validity_ms = config.validity_ms;
	e->peer = s->outer.src;
	memcpy(e->name, failure->link->name, sizeof(failure->link->name));
	memcpy(&e->tunnel, &s->told.tunnel, sizeof(e->tunnel));
	event_end(e);
}

/* A packet bound for a failed link: notify, or say why not. */
FN enum reason detect_notify(struct xdp_md *ctx, struct scratch *s, const struct failure *failure,
			     int *action)
{
	struct msg_envelope from = { .src = config_addr(&config.loopback6), .dst = s->outer.src,
				     .transport = config.transport };
	__u64 now = bpf_ktime_get_ns();
	struct told *told = NULL;
	enum reason reason;

	if (addr_is_v4(&s->outer.src)) {
		from.src = config_addr(&config.loopback4);
		from.transport = TRANSPORT_UDP;
		if (addr_is_unspecified(&from.src))
			return REASON_NOT_TOLD;
	}
	if (!detect_may_tell(ctx, s))
		return REASON_NOT_TOLD;
	reason = detect_told(s, failure, now, &told);
	if (reason != REASON_NOTIFIED || !told)
		return reason;
	if (told->sent == 1)
		detect_event(s, failure, told, now);
	detect_way(ctx, &from, failure, &s->way);
	*action = reply(ctx, s, &from, &s->way, detect_build(ctx, s, &from, failure, told));
	return *action == NOT_SENT ? REASON_NO_HEADROOM : REASON_NOTIFIED;
}

SUBPROG int detect_packet(struct xdp_md *ctx, bool alive)
{
	struct scratch *s = scratch();
	struct failure failure = {};
	int action = XDP_DROP;
	enum reason reason;

	if (!s)
		return XDP_PASS;
	reason = detect_tunnel(ctx, s);
	if (reason == REASON_NOT_IP || !detect_failure(ctx, s, alive, &failure))
		return XDP_PASS;
	if (reason == REASON_NONE)
		reason = detect_notify(ctx, s, &failure, &action);
	if (reason == REASON_DOOMED && s->doubtful)
		return XDP_PASS;
	if (reason != REASON_NOTIFIED)
		return verdict(reason, s->outer.len);
	count(reason, s->outer.len);
	return action;
}

/* Nothing to do while a loader looks after the links and none is down. */
FN int detect(struct xdp_md *ctx)
{
	struct node_state *node = node_state();
	bool alive;

	if (!node)
		return XDP_PASS;
	alive = bpf_jiffies64() <= node->alive_until;
	if (LIKELY(alive && !node->links_down))
		return XDP_PASS;
	return detect_packet(ctx, alive);
}

#endif
