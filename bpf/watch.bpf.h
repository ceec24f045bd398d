/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * P node, egress of a core port (tc): what is wrong with a link that is up, and who suffers from it.
 * A queue that reaches its onset threshold is trouble, and so is a link that carries more than its
 * threshold of its capacity; as long as it is on, every packet that meets it names an ingress PE to
 * tell (TYPE3), by its outer source; and once that one is told, the P node that the packet came from,
 * where policy names it (draft-hzh §4.2: "to ingress PE and upstream"). Told, repeated and limited as
 * failures are (detect); that it is over (TYPE4) the loader says, after the hold-down.
 *
 * The packet itself goes on, whatever happens here: a clone becomes the notification. The message is
 * built in scratch; the clone is sent to the same port, comes by here a moment later, on the same
 * CPU, and there takes the message on and leaves by the way to the ingress PE. Packets with an
 * unfinished checksum can't be rewritten, for the device would finish it in our message: of those
 * the loader tells.
 */
#ifndef WATCH_BPF_H
#define WATCH_BPF_H

#include "detect.bpf.h"
#include "fantel/threshold.h"
#include "queue.bpf.h"

#define TC_SHOT 2
#define CHECKSUM_PARTIAL 3 /* include/linux/skbuff.h */
#define PRIO_CONTROL 7	   /* TC_PRIO_CONTROL */

#define WATCH_HEADERS 256 /* of a packet, to be read in one piece */

FN const void *watch_start(struct __sk_buff *skb)
{
	return (const void *)(long)skb->data;
}

FN const void *watch_end(struct __sk_buff *skb)
{
	return (const void *)(long)skb->data_end;
}

/* ---- whom to tell ---------------------------------------------------------------------------- */

/* The packet's tunnel, as detect_tunnel finds it, and the flow inside. */
SUBPROG int watch_tunnel(struct __sk_buff *skb, struct scratch *s)
{
	const void *data = watch_start(skb), *end = watch_end(skb);
	enum reason reason;

	if (!s)
		return REASON_INTERNAL;
	if (data + WATCH_HEADERS > end) {
		bpf_skb_pull_data(skb, MIN(skb->len, WATCH_HEADERS));
		data = watch_start(skb);
		end = watch_end(skb);
	}
	if (!frame_parse(&s->outer, data, end))
		return REASON_NOT_IP;
	if (is_notification(&s->outer, data, end))
		return REASON_NOT_TOLD;
	reason = tunnel_of(s, data, end);
	if (reason == REASON_NONE)
		s->told_key.tunnel_hash = hash_tunnel(&s->told.tunnel);
	return reason;
}

SUBPROG int watch_inner(struct __sk_buff *skb, struct scratch *s)
{
	return s && tunnel_inner(s, watch_start(skb), watch_end(skb));
}

/* Not what is sent by this node itself, nor what detect would not answer either. */
FN bool watch_may_tell(const struct scratch *s)
{
	const struct addr *src = &s->outer.src;
	struct addr loopback4 = config.loopback4;

	if (addr_is_v4(src) && addr_is_unspecified(&loopback4))
		return false;
	return !addr_is_multicast(&s->outer.dst) && !addr_is_multicast(src) &&
	       !addr_is_unspecified(src) && !s->outer.fragment && !is_loopback(src);
}

/*
 * The ingress PE goes first: it can put the traffic elsewhere. Whom the packet came from can only send
 * less of it, and hears of the tunnel with the packets after that, by chance every other one: the rest
 * is for what the ingress PE is told again. Its own function, for its part of the stack.
 */
SUBPROG int watch_upstream(struct __sk_buff *skb, enum trouble trouble, __u32 event_id)
{
	struct scratch *s = scratch();
	__u32 arrived = skb->ingress_ifindex, ifindex = skb->ifindex;
	struct link *link;
	struct told *told;

	if (!s)
		return 0;
	s->upstream = false;
	link = bpf_map_lookup_elem(&fantel_links, &arrived);
	if (!link || addr_is_unspecified(&link->upstream) ||
	    addr_equal(&link->upstream, &s->outer.src))
		return 0;
	told_key(s, ifindex, trouble);
	told = bpf_map_lookup_elem(&fantel_told, &s->told_key);
	if (!told || told->event_id != event_id || !told->sent || bpf_get_prandom_u32() & 1)
		return 0;
	s->upstream = true;
	s->outer.src = link->upstream;
	return 0;
}

/* ---- the message ----------------------------------------------------------------------------- */

FN void watch_flow(struct scratch *s, struct writer *w, const struct msg_rules *rules)
{
	msg_put_flow(w, rules, s->inner.proto, frame_sport(&s->inner), frame_dport(&s->inner),
		     &s->inner.src, &s->inner.dst);
}

/* What the link can carry, what it has left, what it carries (RFC 8571): a measured average may
 * exceed what policy calls the capacity, and then says that it is full. */
FN void watch_metrics(struct writer *w, const struct watch *watch, const struct gauge *g)
{
	__u64 capacity = watch->capacity, load = MIN(g->load, capacity);

	if (!capacity)
		return;
	msg_put_word(w, TLV_CAPACITY, f32_bits(capacity));
	msg_put_word(w, TLV_AVAILABLE, f32_bits(capacity - load));
	msg_put_word(w, TLV_UTILIZED, f32_bits(load));
}

/* In scratch. Returns its length, 0 if it did not fit. */
FN __u32 watch_build(struct __sk_buff *skb, struct scratch *s, const struct msg_envelope *from,
		     const struct failure *failure, const struct watch *watch, const struct gauge *g)
{
	const struct link *link = failure->link;
	struct msg_rules rules = msg_rules(&config);
	struct writer w = msg_begin(&s->buf, from);
	const struct told *told = &s->told;

	msg_put_tunnel(&w, &told->tunnel);
	msg_put_copy(&w, link->location, link->location_len, LOCATION_MAX);
	watch_metrics(&w, watch, g);
	msg_put_event(&w, &rules, told->event_id, told->sequence, config.validity_ms);
	msg_put_u64(&w, &rules, TLV_TIMESTAMP, failure->detected_ns);
	/* Of a P node it would be this flow alone that is held back. */
	if (!s->upstream && watch_inner(skb, s))
		watch_flow(s, &w, &rules);
	msg_put_queue(&w, &rules, g->queue_id, g->bytes, watch->limit_bytes);
	if (watch->rate_max_f32)
		msg_put_u64(&w, &rules, TLV_RATE,
			    (__u64)watch->rate_min_f32 << 32 | watch->rate_max_f32);
	if (config.domain)
		msg_put_u32(&w, &rules, TLV_DOMAIN, config.domain);
	msg_put_byte(&w, &rules, TLV_CAUSE, failure->cause);
	return auth_finish(s, &w, &rules, from, KIND_CONGESTION,
			   told->tunnel.code);
}

/* Ethernet, whose addresses are filled in on the way out, and IP, right in front of the message.
 * Returns the place in scratch->buf where the packet begins. */
FN __u32 watch_headers(struct scratch *s, const struct msg_envelope *from, __u32 len)
{
	__u8 proto = from->transport == TRANSPORT_UDP ? PROTO_UDP : PROTO_ICMPV6;
	__u32 front = MSG_BUF_FRONT - ETH_LEN - IPV6_LEN;
	__u8 *eth = s->buf.front + front;

	if (addr_is_v4(&from->dst)) {
		front = MSG_BUF_FRONT - ETH_LEN - IPV4_LEN;
		eth = s->buf.front + front;
		reply_ipv4(eth + ETH_LEN, from, PROTO_UDP, len);
		store16(eth + ETH_OFF_TYPE, be16(ETHERTYPE_IPV4));
	} else {
		reply_ipv6(eth + ETH_LEN, from, proto, len);
		store16(eth + ETH_OFF_TYPE, be16(ETHERTYPE_IPV6));
	}
	memset(eth, 0, ETH_OFF_TYPE);
	return front;
}

/* The interface that leads to the ingress PE; 0 = none. On its own: what it keeps on the stack is not
 * needed where the message is signed. */
SUBPROG __u32 watch_way(struct __sk_buff *skb, const struct msg_envelope *from)
{
	struct bpf_fib_lookup fib = {};
	long rc;

	if (!from)
		return 0;
	fib.ifindex = skb->ifindex;
	fib.tot_len = IPV4_LEN; /* or the packet at hand would be asked whether it fits */
	if (addr_is_v4(&from->dst)) {
		fib.family = AF_INET;
		fib.ipv4_src = from->src.l_be[3];
		fib.ipv4_dst = from->dst.l_be[3];
	} else {
		fib.family = AF_INET6;
		memcpy(fib.ipv6_src, from->src.l_be, sizeof(fib.ipv6_src));
		memcpy(fib.ipv6_dst, from->dst.l_be, sizeof(fib.ipv6_dst));
	}
	rc = bpf_fib_lookup(skb, &fib, sizeof(fib), 0);
	return rc == BPF_FIB_LKUP_RET_SUCCESS || rc == BPF_FIB_LKUP_RET_NO_NEIGH ? fib.ifindex : 0;
}

/* ---- the clone ------------------------------------------------------------------------------- */

/* False where the loader has to tell instead. */
FN bool watch_clone(struct __sk_buff *skb, struct scratch *s, const struct msg_envelope *from,
		    __u32 len)
{
	const struct sk_buff *kernel;
	long rc;

	if (!len)
		return false;
	if (config.queue_by == QUEUE_BY_PACKET) {
		kernel = bpf_cast_to_kern_ctx(skb);
		if (BPF_CORE_READ_BITFIELD(kernel, ip_summed) == CHECKSUM_PARTIAL)
			return false;
	}
	s->clone.way = watch_way(skb, from);
	if (!s->clone.way)
		return false;
	s->clone.at = watch_headers(s, from, len);
	s->clone.len = MSG_BUF_FRONT - s->clone.at + len;
	s->clone.under_way = true;
	rc = bpf_clone_redirect(skb, skb->ifindex, 0);
	s->clone.under_way = false;
	/* Where it is not gone, something in front of us took the clone. */
	return !rc && !s->clone.len;
}

/* What comes by here is the clone; or, later, what the clone became, on its way out by a port that is
 * watched too: scratch is in use, and it is nothing to tell of. */
FN int watch_become(struct __sk_buff *skb, struct scratch *s)
{
	__u32 len = s->clone.len, at = s->clone.at, protocol = be16(ETHERTYPE_IPV6);
	const __u8 *packet;

	if (!len)
		return TC_NEXT;
	s->clone.len = 0;
	packet = msg_buf_place(&s->buf, at, ETH_LEN + IPV6_LEN + WIRE_MSG_MAX_V6);
	if (!packet || len < ETH_LEN || len > ETH_LEN + IPV6_LEN + WIRE_MSG_MAX_V6)
		return TC_SHOT;
	/* Who is upstream may be spoken to by the other IP, and neighbours are found by this. */
	if (addr_is_v4(&s->from.dst))
		protocol = be16(ETHERTYPE_IPV4);
	if (skb->protocol != protocol && bpf_skb_change_proto(skb, protocol, 0))
		return TC_SHOT;
	if (bpf_skb_change_tail(skb, len, 0) || bpf_skb_store_bytes(skb, 0, packet, len, 0))
		return TC_SHOT;
	skb->priority = PRIO_CONTROL;
	skb->mark = 0;
	return bpf_redirect_neigh(s->clone.way, NULL, 0, 0);
}

/* ---- events ---------------------------------------------------------------------------------- */

FN void watch_event(enum event_type type, const struct failure *failure, __u64 now_ns,
		    const struct scratch *s)
{
	struct event *e = event_begin(type, now_ns);

	if (!e)
		return;
	e->kind = KIND_CONGESTION;
	e->cause = failure->cause;
	e->ifindex = failure->ifindex;
	e->event_id = failure->event_id;
	e->timestamp_ns = failure->detected_ns;
	memcpy(e->name, failure->link->name, sizeof(failure->link->name));
	if (s) {
		e->reason = REASON_TROUBLE_TOLD;
		e->validity_ms = config.validity_ms;
		e->sequence = s->told.sequence;
		e->peer = s->outer.src;
		memcpy(&e->tunnel, &s->told.tunnel, sizeof(e->tunnel));
	}
	event_end(e);
}

/* ---- trouble --------------------------------------------------------------------------------- */

/* This packet meets trouble: tell of it, or say why not. */
FN enum reason watch_notify(struct __sk_buff *skb, struct scratch *s, const struct failure *failure,
			    const struct watch *w, const struct gauge *g, __u64 now_ns)
{
	struct msg_envelope *from = &s->from;
	struct told *told = NULL;
	enum reason reason;

	reason = watch_tunnel(skb, s);
	if (reason || !watch_may_tell(s))
		return REASON_NONE;
	s->doubtful = false; /* what detect left there is another packet's */
	watch_upstream(skb, failure->trouble, failure->event_id);
	reason = detect_told(s, failure, now_ns, &told);
	if (reason == REASON_NOTIFY_LIMITED)
		return REASON_TROUBLE_LIMITED;
	if (reason == REASON_TOLD_FULL)
		return REASON_TROUBLE_FULL;
	if (reason != REASON_NOTIFIED || !told)
		return REASON_NONE;
	s->told.event_id = told->event_id;
	s->told.sequence = told->sequence;
	from->src = config_addr(&config.loopback6);
	from->dst = s->outer.src;
	from->transport = config.transport;
	if (addr_is_v4(&from->dst)) {
		from->src = config_addr(&config.loopback4);
		from->transport = TRANSPORT_UDP;
	}
	if (!watch_clone(skb, s, from, watch_build(skb, s, from, failure, w, g))) {
		told->sent = 0; /* the loader looks for these */
		return REASON_TROUBLE_LATER;
	}
	if (told->sent == 1)
		watch_event(EVENT_NOTIFIED, failure, bpf_ktime_get_ns(), s);
	return REASON_TROUBLE_TOLD;
}

/* Trouble begins, or lasts, and this packet is there. The gauge takes the event's id from the watch:
 * of several CPUs that see it begin, one does. */
SUBPROG int watch_trouble(struct __sk_buff *skb, enum trouble trouble)
{
	struct node_state *node = node_state();
	__u32 ifindex = skb->ifindex, index = trouble, gauge, id, had;
	struct failure failure = { .ifindex = ifindex, .trouble = trouble };
	struct scratch *s = scratch();
	__u64 now = bpf_ktime_get_ns();
	enum reason reason;
	struct watch *w;
	struct gauge *g;

	w = bpf_map_lookup_elem(&fantel_watches, &ifindex);
	failure.link = bpf_map_lookup_elem(&fantel_links, &ifindex);
	CURSOR_PIN(index);
	if (!w || !failure.link || !node || !s || index >= TROUBLES_MET)
		return 0;
	gauge = w->gauge;
	g = bpf_map_lookup_elem(&fantel_gauges, &gauge);
	if (!g)
		return 0;
	id = w->event_id[index];
	had = g->trouble[index].event_id;
	failure.event_id = id;
	failure.cause = trouble_cause(trouble);
	g->trouble[index].seen_ns = now;
	if (trouble == TROUBLE_REPORTED) {
		/* It is on since the loader was told. */
		failure.cause = w->reported;
		g->trouble[index].since_ns = w->reported_ns;
	} else if (had != id && __sync_val_compare_and_swap(&g->trouble[index].event_id, had, id) == had) {
		g->trouble[index].since_ns = now;
		failure.detected_ns = now + node->wall_ns;
		watch_event(EVENT_TROUBLE, &failure, now, NULL);
	}
	failure.detected_ns = g->trouble[index].since_ns + node->wall_ns;
	reason = watch_notify(skb, s, &failure, w, g, now);
	if (reason)
		count(reason, s->outer.len);
	return 0;
}

/* ---- what is sent ---------------------------------------------------------------------------- */

#define WINDOW_MIN_NS (500 * NSEC_PER_USEC)

/* A packet more. The first one of each tick of jiffies ends the window, on one CPU. */
FN void watch_load(struct __sk_buff *skb, const struct watch *w, struct gauge *g)
{
	__u64 jiffies = bpf_jiffies64(), had = g->jiffies, now, window;

	__sync_fetch_and_add(&g->sent, skb->wire_len);
	if (LIKELY(had == jiffies) ||
	    __sync_val_compare_and_swap(&g->jiffies, had, jiffies) != had)
		return;
	now = bpf_ktime_get_ns();
	window = now - g->window_ns;
	if (window < WINDOW_MIN_NS)
		return;
	g->load = ewma_next(g->load, ewma_rate(__sync_lock_test_and_set(&g->sent, 0), window),
			    window, w->constant_ns);
	g->permille = ewma_permille(g->load, w->capacity);
	g->window_ns = now;
}

FN bool watch_meets(const struct watch *w, const struct gauge *g, enum trouble trouble,
		    enum level level)
{
	return UNLIKELY(level == LEVEL_ABOVE ||
			(level == LEVEL_BETWEEN && trouble_is_on(w, g, trouble)));
}

FN int watch(struct __sk_buff *skb)
{
	__u32 ifindex = skb->ifindex, gauge;
	struct scratch *s = scratch();
	struct watch *w;
	struct gauge *g;

	if (!s)
		return TC_NEXT;
	if (UNLIKELY(s->clone.under_way))
		return watch_become(skb, s);
	w = bpf_map_lookup_elem(&fantel_watches, &ifindex);
	if (!w)
		return TC_NEXT;
	gauge = w->gauge;
	g = bpf_map_lookup_elem(&fantel_gauges, &gauge);
	if (!g)
		return TC_NEXT;
	if (w->bytes.onset || w->packets.onset) {
		queue_of(skb, g);
		if (watch_meets(w, g, TROUBLE_QUEUE, queue_level(w, g->bytes, g->packets)))
			watch_trouble(skb, TROUBLE_QUEUE);
	}
	if (UNLIKELY(w->reported))
		watch_trouble(skb, TROUBLE_REPORTED);
	if (w->capacity) {
		watch_load(skb, w, g);
		if (watch_meets(w, g, TROUBLE_LOAD, threshold_level(&w->load, g->permille)))
			watch_trouble(skb, TROUBLE_LOAD);
	}
	return TC_NEXT;
}

#endif
