/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Core port: recognise a notification to this node, check whom it comes from, parse it, and act.
 *
 * A failure is an entry of fantel_failed and a count in fantel_health; a recovery, or the entry's
 * own timer, takes both back. Nobody loops over paths: Tunnel Info names them, at most TUNNEL_PATHS
 * of them. What is discarded leaves every map as it was; what finds no room in fantel_failed gives
 * its sequence back, so that a repetition has another try.
 */
#ifndef NOTIFY_BPF_H
#define NOTIFY_BPF_H

#include "account.bpf.h"
#include "fantel/metric.h"
#include "fantel/msg.h"
#include "fantel/window.h"
#include "packet.bpf.h"
#include "scratch.bpf.h"

FN addr_num addr_number(const struct addr *a)
{
	return (addr_num)be64(a->q_be[0]) << 64 | be64(a->q_be[1]);
}

/* ---- one path ------------------------------------------------------------------------------- */

/* A failure more (+1) or less (-1) on a path: is it usable now? */
FN bool health_add(__u32 id, __s32 change, __u64 now_ns)
{
	struct health *h = bpf_map_lookup_elem(&fantel_health, &id);
	__s32 before;

	if (!h)
		return false;
	before = __sync_fetch_and_add(&h->failures, change);
	if ((before > 0) != (before + change > 0))
		h->changed_ns = now_ns;
	return before + change <= 0;
}

FN void event_path(struct event *e, __u32 id)
{
	struct path *p = bpf_map_lookup_elem(&fantel_paths, &id);

	e->path = id;
	if (p)
		memcpy(e->name, p->name, sizeof(e->name));
}

/* A failure has left a path, and no notification names it: tell. */
FN void failed_event(const struct failed_key *k, enum reason reason, bool usable, __u64 now_ns)
{
	struct event *e = event_begin(EVENT_PATH, now_ns);

	if (!e)
		return;
	e->reason = reason;
	e->event_id = k->event_id;
	e->usable = usable;
	e->peer.q_be[0] = be64((__u64)(k->originator >> 64));
	e->peer.q_be[1] = be64((__u64)k->originator);
	event_path(e, k->path);
	event_end(e);
}

/* The timer fired: the entry's validity ran out, unless it was renewed since. */
static int failed_expire(void *map, struct failed_key *key, struct failed *failed)
{
	__u64 now = bpf_ktime_get_ns();
	struct failed_key k = *key;

	failed->armed_ns = 0;
	if (!failed->until_ns)
		return 0;
	if (failed->until_ns > now) {
		failed->armed_ns = failed->until_ns;
		bpf_timer_start(&failed->timer, failed->until_ns - now, 0);
		return 0;
	}
	if (bpf_map_delete_elem(map, key))
		return 0;
	count(REASON_EXPIRED, 0);
	failed_event(&k, REASON_EXPIRED, health_add(k.path, -1, now), now);
	return 0;
}

/* Set or renew an entry's end; validity_ms 0 = until withdrawn. A timer costs as much as all the
 * rest: it is made only for who needs one, and one that fires too early looks again by itself. */
FN void failed_renew(struct failed *failed, __u32 validity_ms, __u64 now_ns)
{
	__u64 until = now_ns + validity_ms * NSEC_PER_MSEC;

	if (!validity_ms) {
		failed->until_ns = 0;
		return;
	}
	failed->until_ns = until;
	if (failed->armed_ns && failed->armed_ns <= until)
		return;
	/* Refused when it was made before, and then needs nothing. */
	if (!bpf_timer_init(&failed->timer, &fantel_failed, CLOCK_MONOTONIC))
		bpf_timer_set_callback(&failed->timer, failed_expire);
	failed->armed_ns = until;
	bpf_timer_start(&failed->timer, validity_ms * NSEC_PER_MSEC, 0);
}

/* `key` says which path, who and which event. */
FN enum reason failed_add(const struct failed_key *key, const struct msg *m, __u64 now_ns,
			  bool *usable)
{
	struct failed fresh = { .kind = m->kind, .cause = m->cause, .since_ns = now_ns };
	struct failed *failed = bpf_map_lookup_elem(&fantel_failed, key);
	__u32 id = key->path;
	struct path *p;

	*usable = false;
	if (failed) {
		failed->sequence = m->sequence;
		failed_renew(failed, m->validity_ms, now_ns);
		return REASON_REFRESHED;
	}
	p = bpf_map_lookup_elem(&fantel_paths, &id);
	if (!p)
		return REASON_UNMATCHED;
	memcpy(fresh.path, p->name, sizeof(fresh.path));
	fresh.sequence = m->sequence;
	/* Refused because it is full, or because another CPU was first. */
	if (bpf_map_update_elem(&fantel_failed, key, &fresh, BPF_NOEXIST))
		return bpf_map_lookup_elem(&fantel_failed, key) ? REASON_REFRESHED :
								  REASON_FAILED_FULL;
	health_add(id, 1, now_ns);
	failed = bpf_map_lookup_elem(&fantel_failed, key);
	if (!failed)
		return REASON_FAILED;
	failed_renew(failed, m->validity_ms, now_ns);
	return REASON_FAILED;
}

/* By (originator, event-id), else by (originator, tunnel): a failure without an Event TLV is recorded
 * as event 0. */
FN enum reason failed_remove(const struct failed_key *key, __u64 now_ns, bool *usable)
{
	struct failed_key unnamed = *key;

	unnamed.event_id = 0;
	if (bpf_map_delete_elem(&fantel_failed, key) &&
	    bpf_map_delete_elem(&fantel_failed, &unnamed))
		return REASON_NOT_KNOWN;
	*usable = health_add(key->path, -1, now_ns);
	return REASON_RECOVERED;
}

/* ---- one notification ------------------------------------------------------------------------ */

/* Tell the outside what became of a notification, and of one path where it names one. */
FN void notify_event(const struct scratch *s, enum reason reason, __u32 id, bool usable, __u64 now_ns)
{
	struct event *e = event_begin(EVENT_NOTIFICATION, now_ns);
	const struct msg *m = &s->msg;

	if (!e)
		return;
	e->reason = reason;
	e->kind = m->kind;
	e->cause = m->cause;
	e->event_id = m->event_id;
	e->sequence = m->sequence;
	e->timestamp_ns = m->timestamp_ns;
	e->validity_ms = m->validity_ms;
	e->usable = usable;
	e->peer = s->outer.src;
	memcpy(&e->tunnel, &s->told.tunnel, sizeof(e->tunnel));
	if (id != ~0U)
		event_path(e, id);
	event_end(e);
}

/* The canonical identity that Tunnel Info names first: the most specific part. */
FN bool notify_key(struct scratch *s)
{
	__u8 code = s->msg.code;

	memset(&s->told.tunnel, 0, sizeof(s->told.tunnel));
	if (code & CODE_SRV6)
		return msg_tunnel_key(&s->told.tunnel, &s->msg, &s->buf, CODE_SRV6);
	if (code & CODE_MPLS)
		return msg_tunnel_key(&s->told.tunnel, &s->msg, &s->buf, CODE_MPLS);
	return code && msg_tunnel_key(&s->told.tunnel, &s->msg, &s->buf, CODE_IP);
}

/* Several parts must all match one path: an address beside a segment list is a destination that the
 * outer header has on the way, so one of the segments. Labels beside others match nothing we make. */
FN bool notify_also(const struct scratch *s, __u32 id)
{
	__u8 others = s->msg.code & ~s->told.tunnel.code;
	struct path *p;

	if (!others)
		return true;
	if (others & CODE_MPLS || s->told.tunnel.code != CODE_SRV6)
		return false;
	p = bpf_map_lookup_elem(&fantel_paths, &id);
	if (p && addr_equal(&p->dst, &s->msg.ip))
		return true;
	for (__u32 i = 0; i < MAX_SEGMENTS; i++)
		if (i < s->told.tunnel.n && addr_equal(&s->told.tunnel.segment[i], &s->msg.ip))
			return true;
	return false;
}

/*
 * A recovery that does not name its event withdraws all that its originator said of the path; one
 * that names no path, the event wherever it was recorded. Paths that have no failure cost nothing:
 * fantel_failed is large, and walking through it takes 0.2 ms even when it is empty.
 */
struct sweep {
	struct failed_key key;
	bool usable;
	__u32 removed;
	__u64 now_ns;
};

static long sweep_event(void *map, struct failed_key *key, struct failed *failed, struct sweep *w)
{
	struct failed_key k = *key;

	if (k.originator != w->key.originator || k.path != w->key.path)
		return 0;
	if (!bpf_map_delete_elem(map, &k)) {
		w->usable = health_add(k.path, -1, w->now_ns);
		w->removed++;
	}
	return 0;
}

static long sweep_path(void *map, __u32 *path, struct health *health, struct sweep *w)
{
	struct failed_key k = w->key;

	k.path = *path;
	if (health->failures > 0 && !bpf_map_delete_elem(&fantel_failed, &k)) {
		failed_event(&k, REASON_RECOVERED, health_add(k.path, -1, w->now_ns), w->now_ns);
		w->removed++;
	}
	return 0;
}

/* Any event of key's originator and path. */
FN enum reason failed_sweep_events(const struct failed_key *key, __u64 now_ns, bool *usable)
{
	struct sweep w = { .key = *key, .now_ns = now_ns };
	struct health *health = bpf_map_lookup_elem(&fantel_health, &w.key.path);

	if (!health || health->failures <= 0)
		return REASON_NOT_KNOWN;
	bpf_for_each_map_elem(&fantel_failed, sweep_event, &w, 0);
	*usable = w.usable;
	return w.removed ? REASON_RECOVERED : REASON_NOT_KNOWN;
}

/* Any path of key's originator and event. Each has an event of its own. */
FN enum reason failed_sweep_paths(const struct failed_key *key, __u64 now_ns)
{
	struct sweep w = { .key = *key, .now_ns = now_ns };

	bpf_for_each_map_elem(&fantel_health, sweep_path, &w, 0);
	return w.removed ? REASON_RECOVERED : REASON_NOT_KNOWN;
}

/* Act on one path. */
SUBPROG int notify_path(struct scratch *s, const struct failed_key *given, __u64 now_ns)
{
	struct failed_key key;
	enum reason reason;
	bool usable = false;

	if (!s || !given)
		return REASON_INTERNAL;
	key = *given; /* as scratch() says */
	if (s->msg.kind == KIND_FAILURE)
		reason = failed_add(&key, &s->msg, now_ns, &usable);
	else if (msg_has(&s->msg, TLVI_EVENT))
		reason = failed_remove(&key, now_ns, &usable);
	else
		reason = failed_sweep_events(&key, now_ns, &usable);
	if (reason == REASON_FAILED || reason == REASON_RECOVERED)
		notify_event(s, reason, key.path, usable, now_ns);
	return reason;
}

/* Act on every path that the notification names. The reason is that of the path that changed, where
 * one did. */
SUBPROG int notify_act(__u64 now_ns)
{
	struct scratch *s = scratch();
	enum reason result = REASON_UNMATCHED;
	struct tunnel_paths *paths;
	struct failed_key key = {};
	bool named;

	if (!s)
		return REASON_INTERNAL;
	named = notify_key(s);
	key.event_id = s->msg.event_id;
	key.originator = addr_number(&s->outer.src);
	if (!s->msg.code && s->msg.kind == KIND_RECOVERY && msg_has(&s->msg, TLVI_EVENT)) {
		result = failed_sweep_paths(&key, now_ns);
		notify_event(s, result, ~0U, false, now_ns);
		return result;
	}
	paths = named ? bpf_map_lookup_elem(&fantel_tunnels, &s->told.tunnel) : NULL;
	for (__u32 i = 0; paths && i < TUNNEL_PATHS && i < paths->n; i++) {
		enum reason reason;

		key.path = paths->path[i];
		if (!notify_also(s, key.path))
			continue;
		reason = notify_path(s, &key, now_ns);
		if (reason == REASON_FAILED_FULL)
			return reason;
		if (result != REASON_FAILED && result != REASON_RECOVERED)
			result = reason;
	}
	if (result == REASON_UNMATCHED)
		notify_event(s, result, ~0U, false, now_ns);
	return result;
}

/* Whom it comes from, and that it is whole: s->msg is then filled. */
SUBPROG int notify_read(struct xdp_md *ctx, struct scratch *s)
{
	struct msg_rules rules = msg_rules(&config);
	struct msg_envelope from = {};
	struct prefix_key key;
	enum reason reason;
	__u32 len;

	if (!s)
		return REASON_INTERNAL;
	from.src = s->outer.src;
	from.dst = s->outer.dst;
	len = s->outer.len + ETH_LEN - s->outer.l4;
	if (s->outer.hop_limit < config.hop_limit_min)
		return REASON_RADIUS;
	prefix_key_full(&key, &s->outer.src);
	if (!bpf_map_lookup_elem(&fantel_sources, &key))
		return REASON_SOURCE;
	if (len < WIRE_HDR_LEN)
		return REASON_TOO_SHORT;
	if (len > WIRE_MSG_MAX)
		return REASON_TOO_LONG;
	if (bpf_xdp_load_bytes(ctx, s->outer.l4, s->buf.b, len))
		return REASON_TOO_SHORT;
	from.transport = s->outer.proto == PROTO_UDP ? TRANSPORT_UDP : TRANSPORT_ICMPV6;
	reason = msg_parse(&s->msg, &rules, &from, &s->buf, len);
	if (reason)
		return reason;
	if (config.domain && s->msg.domain != config.domain)
		return REASON_DOMAIN;
	return REASON_NONE;
}

/* The sequence window of the originator; what carries no sequence is always new. A notification that
 * could not act gives its sequence back, so that a repetition has another try. */
FN enum reason notify_once(struct scratch *s, __u64 now_ns)
{
	static const struct origin never;
	struct origin *origin;
	enum reason reason;

	if (!msg_has(&s->msg, TLVI_EVENT))
		return notify_act(now_ns);
	origin = bpf_map_lookup_elem(&fantel_origins, &s->outer.src);
	if (!origin) {
		bpf_map_update_elem(&fantel_origins, &s->outer.src, &never, BPF_NOEXIST);
		origin = bpf_map_lookup_elem(&fantel_origins, &s->outer.src);
		if (!origin)
			return REASON_ORIGINS_FULL;
	}
	reason = window_take(origin, s->msg.sequence);
	if (reason)
		return reason;
	reason = notify_act(now_ns);
	if (reason == REASON_FAILED_FULL)
		window_give_back(origin, s->msg.sequence);
	return reason;
}

/* Nothing acts on the others: they are told to the outside. What can't be true is told as such; the
 * end of a congestion is its end, whatever is measured then. */
SUBPROG int notify_report(struct scratch *s, __u64 now_ns)
{
	enum reason reason = REASON_REPORTED;

	if (!s)
		return REASON_INTERNAL;
	if (s->msg.kind != KIND_ELIMINATION && !metrics_possible(&s->msg))
		reason = REASON_METRIC;
	notify_key(s);
	notify_event(s, reason, ~0U, false, now_ns);
	return reason;
}

/* An XDP action for a notification to this node, which is consumed; NOT_OURS for any other packet,
 * which is left as it is. */
SUBPROG int notify_packet(struct xdp_md *ctx)
{
	const void *data = packet_start(ctx), *end = packet_end(ctx);
	struct scratch *s = scratch();
	enum reason reason;

	if (!s || !scratch_frame(ctx, s) || s->outer.fragment)
		return NOT_OURS;
	if (!is_notification(&s->outer, data, end) || !is_loopback(&s->outer.dst))
		return NOT_OURS;
	reason = notify_read(ctx, s);
	if (reason == REASON_NONE) {
		__u64 now = bpf_ktime_get_ns();

		if (s->msg.kind == KIND_FAILURE || s->msg.kind == KIND_RECOVERY)
			reason = notify_once(s, now);
		else
			reason = notify_report(s, now);
	}
	return verdict(reason, s->outer.len);
}

/* Could this be a notification? A look at two fields, for the many packets that can't. */
FN int notify(struct xdp_md *ctx)
{
	const __u8 *eth = packet_start(ctx), *ip = eth + ETH_LEN;
	__u16 type;
	__u8 proto;

	if (ip + IPV4_LEN > (__u8 *)packet_end(ctx))
		return NOT_OURS;
	type = load16(eth + ETH_OFF_TYPE);
	proto = type == be16(ETHERTYPE_IPV6) ? ip[IPV6_OFF_NEXTHDR] : ip[IPV4_OFF_PROTO];
	if (LIKELY(proto != PROTO_ICMPV6 && proto != PROTO_UDP))
		return NOT_OURS;
	return notify_packet(ctx);
}

#endif
