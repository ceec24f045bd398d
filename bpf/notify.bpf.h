/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Core port: recognise a notification to this node, check whom it comes from, parse it, and act.
 *
 * A failure or congestion is an entry of fantel_failed and a count on its subject: a path, or a link
 * or node that paths cross; the notification of its end, or the entry's own timer, takes both back.
 * No one loops over paths: Tunnel Info names them, at most TUNNEL_PATHS of them, and a location names
 * a few resources. What is discarded leaves every map as it was; what finds no room in fantel_failed
 * gives its sequence back, so that a repetition has another try.
 */
#ifndef NOTIFY_BPF_H
#define NOTIFY_BPF_H

#include "account.bpf.h"
#include "auth.bpf.h"
#include "fantel/metric.h"
#include "fantel/msg.h"
#include "fantel/path.h"
#include "fantel/resource.h"
#include "fantel/window.h"
#include "health.bpf.h"
#include "metrics.bpf.h"
#include "packet.bpf.h"
#include "scratch.bpf.h"
#include "slowed.bpf.h"

/* ---- one subject ---------------------------------------------------------------------------- */

FN void event_subject(struct event *e, const struct failed_key *key)
{
	const char *name = health_name(key);
	enum standing standing = health_standing(key->index, key->is_resource, key->is_transit);

	e->is_resource = key->is_resource;
	e->is_transit = key->is_transit;
	e->index = key->index;
	e->usable = standing != STANDING_FAILED;
	e->congested = standing == STANDING_CONGESTED;
	if (name)
		words_copy(e->name, name, sizeof(e->name));
}

/* An event has left its subject, and no notification names it: tell. Its own function: it is called
 * from four places. */
SUBPROG int failed_event(const struct failed_key *given, enum reason reason, __u64 now_ns)
{
	struct event *e = event_begin(EVENT_PATH, now_ns);
	struct failed_key key, *k = &key;

	if (!e)
		return 0;
	if (!given) {
		bpf_ringbuf_discard(e, 0);
		return 0;
	}
	key = *given; /* as scratch() says */
	e->reason = reason;
	e->kind = k->is_congestion ? KIND_ELIMINATION : KIND_RECOVERY;
	e->event_id = k->event_id;
	e->peer = addr_from_number(k->originator);
	event_subject(e, k);
	event_end(e);
	return 0;
}

/* Where the entry's validity ran out, unless it was renewed since, the entry goes. Returns when to look
 * again; 0: needn't. */
FN __u64 failed_check(void *map, const struct failed_key *key, const struct failed *failed, __u64 now_ns)
{
	__u64 until_ns = failed->until_ns;
	struct failed_key k = *key;
	long err;

	if (!until_ns || until_ns > now_ns)
		return until_ns;
	err = bpf_map_delete_elem(map, &k);
	/* Already gone; or its bucket is locked, for longer than the kernel waits. */
	if (err)
		return err == -ENOENT ? 0 : now_ns + UNTIMED_NS;
	count(REASON_EXPIRED, 0);
	health_add(&k, -1, now_ns);
	failed_event(&k, REASON_EXPIRED, now_ns);
	return 0;
}

FN void failed_start(struct failed *failed, __u64 at_ns, __u64 now_ns)
{
	timed_start(&failed->timer, &failed->armed_ns, at_ns, now_ns, UNTIMED_FAILURES);
}

static int failed_expire(void *map, struct failed_key *key, struct failed *failed)
{
	__u64 now = bpf_ktime_get_ns(), at_ns;

	failed->armed_ns = 0;
	at_ns = failed_check(map, key, failed, now);
	if (at_ns)
		failed_start(failed, at_ns, now);
	return 0;
}

FN void failed_arm(struct failed *failed, __u64 at_ns, __u64 now_ns)
{
	/* Refused when it was made before, and then needs nothing. */
	if (!bpf_timer_init(&failed->timer, &fantel_failed, CLOCK_MONOTONIC))
		bpf_timer_set_callback(&failed->timer, failed_expire);
	failed_start(failed, at_ns, now_ns);
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
	failed_arm(failed, until, now_ns);
}

/*
 * Is there no room for a new one? Congestion must not take that of failures, nor what is said of one
 * subject that of the others: each has its own part, whoever speaks. Who has proven who they are may take
 * more.
 */
FN enum reason failed_refuse(const struct failed_key *key, bool proven)
{
	struct node_state *node = node_state();
	__u64 *changed_ns;
	__u32 most = key->is_congestion ? config.congestions_each : config.failures_each;
	__s32 *events, n;

	if (!node || (key->is_congestion && node->congested >= (__s32)config.congested_most))
		return REASON_FAILED_FULL;
	if (config.authentication && proven)
		return REASON_NONE;
	events = health_events(key, &changed_ns);
	if (!events)
		return REASON_NONE;
	n = *events;
	if (n >= PACE_RISE / 2)
		n -= PACE_RISE;
	return n < (__s32)most ? REASON_NONE : REASON_FAILED_SHARE;
}

/* `key` says of what, who and which event. */
FN enum reason failed_add(const struct failed_key *key, const struct msg *m, bool proven, __u64 now_ns)
{
	enum reason refused;
	struct failed fresh = { .kind = m->kind, .cause = m->cause, .since_ns = now_ns };
	struct failed *failed = bpf_map_lookup_elem(&fantel_failed, key);
	const char *name;

	if (failed) {
		failed->sequence = m->sequence;
		failed_renew(failed, m->validity_ms, now_ns);
		return REASON_REFRESHED;
	}
	name = health_name(key);
	if (!name)
		return REASON_UNMATCHED;
	refused = failed_refuse(key, proven);
	if (refused)
		return refused;
	words_copy(fresh.name, name, sizeof(fresh.name));
	fresh.sequence = m->sequence;
	/* Refused because it is full, or because another CPU was first. */
	if (bpf_map_update_elem(&fantel_failed, key, &fresh, BPF_NOEXIST))
		return bpf_map_lookup_elem(&fantel_failed, key) ? REASON_REFRESHED :
								  REASON_FAILED_FULL;
	health_add(key, 1, now_ns);
	if (m->validity_ms && (failed = bpf_map_lookup_elem(&fantel_failed, key)))
		failed_renew(failed, m->validity_ms, now_ns);
	return key->is_congestion ? REASON_CONGESTED : REASON_FAILED;
}

/* What withdrawing one of these is called. */
FN enum reason failed_end(const struct failed_key *key)
{
	return key->is_congestion ? REASON_EASED : REASON_RECOVERED;
}

/* By (originator, event-id), else by (originator, subject): what came without an Event TLV is
 * recorded as event 0. *key becomes what was withdrawn. */
FN enum reason failed_remove(struct failed_key *key, __u64 now_ns)
{
	if (bpf_map_delete_elem(&fantel_failed, key)) {
		key->event_id = 0;
		if (bpf_map_delete_elem(&fantel_failed, key))
			return REASON_NOT_KNOWN;
	}
	health_add(key, -1, now_ns);
	return failed_end(key);
}

/* ---- one notification ------------------------------------------------------------------------ */

/* Tell the outside what became of a notification, and of one subject (NULL = of none). */
SUBPROG int notify_event(const struct scratch *s, enum reason reason, const struct failed_key *key,
			 __u64 now_ns)
{
	struct event *e = s ? event_begin(EVENT_NOTIFICATION, now_ns) : NULL;
	const struct msg *m = &s->msg;

	if (!e)
		return 0;
	e->reason = reason;
	e->kind = m->kind;
	e->cause = m->cause;
	e->event_id = m->event_id;
	e->sequence = m->sequence;
	e->timestamp_ns = m->timestamp_ns;
	e->validity_ms = m->validity_ms;
	e->peer = s->outer.src;
	memcpy(&e->tunnel, &s->told.tunnel, sizeof(e->tunnel));
	if (m->kind == KIND_LOAD && reason != REASON_METRIC)
		words_copy(&e->measured, &s->measured, sizeof(e->measured));
	if (key)
		event_subject(e, key);
	event_end(e);
	return 0;
}

/* The canonical identity that Tunnel Info names first: the most specific part. Its own function: it is
 * called from three places. */
SUBPROG int notify_key(void)
{
	struct scratch *s = scratch();
	__u8 code;

	if (!s)
		return false;
	code = s->msg.code;
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
 * An end that does not name its event withdraws all of its kind that its originator said of the
 * subject; one that names no subject, the event wherever it was recorded. What has none costs nothing:
 * fantel_failed is large, and walking through it takes 0.2 ms even when it is empty.
 */
struct sweep {
	struct failed_key key;
	bool found;
	__u64 now_ns;
};

static long sweep_event(void *map, struct failed_key *key, struct failed *failed, struct sweep *w)
{
	struct failed_key k = *key;

	if (k.originator != w->key.originator || k.is_resource != w->key.is_resource ||
	    k.is_transit != w->key.is_transit || k.is_congestion != w->key.is_congestion || k.index != w->key.index)
		return 0;
	if (!bpf_map_delete_elem(map, &k)) {
		health_add(&k, -1, w->now_ns);
		w->found = true;
	}
	return 0;
}

/* The event, of one subject: withdrawn, where there is one. */
FN void sweep_subject(struct sweep *w, const struct failed_key *subject)
{
	struct failed_key k = *subject;

	if (bpf_map_delete_elem(&fantel_failed, &k))
		return;
	health_add(&k, -1, w->now_ns);
	failed_event(&k, failed_end(&k), w->now_ns);
	w->found = true;
}

static long sweep_path(void *map, __u32 *index, struct health *health, struct sweep *w)
{
	struct failed_key k = w->key;

	k.index = *index;
	if ((k.is_congestion ? health->congestions : health->failures) > 0)
		sweep_subject(w, &k);
	return 0;
}

static long sweep_resource(void *map, __u32 *index, struct resource *resource, struct sweep *w)
{
	struct failed_key k = w->key;

	k.is_resource = true;
	k.index = *index;
	if ((k.is_congestion ? resource->congestions : resource->failures) > 0)
		sweep_subject(w, &k);
	return 0;
}

static long sweep_transit(void *map, __u32 *index, struct transit *transit, struct sweep *w)
{
	struct failed_key k = w->key;

	k.is_transit = true;
	k.index = *index;
	if (k.is_congestion && transit->congestions > 0)
		sweep_subject(w, &k);
	return 0;
}

/* Any event of key's originator and subject. */
FN enum reason failed_sweep_events(const struct failed_key *key, __u64 now_ns)
{
	struct sweep w = { .key = *key, .now_ns = now_ns };

	if (!health_has(key))
		return REASON_NOT_KNOWN;
	bpf_for_each_map_elem(&fantel_failed, sweep_event, &w, 0);
	return w.found ? failed_end(key) : REASON_NOT_KNOWN;
}

/* Any subject of key's originator and event. Each has an event of its own. Its own function, for its
 * part of the stack. */
SUBPROG int failed_sweep_subjects(const struct failed_key *key, __u64 now_ns)
{
	struct sweep w = { .now_ns = now_ns };

	if (!key)
		return REASON_INTERNAL;
	w.key = *key;
	bpf_for_each_map_elem(&fantel_health, sweep_path, &w, 0);
	bpf_for_each_map_elem(&fantel_resource, sweep_resource, &w, 0);
	if (config.pacing.transit || config.pacing.flows)
		bpf_for_each_map_elem(&fantel_transit, sweep_transit, &w, 0);
	return w.found ? failed_end(key) : REASON_NOT_KNOWN;
}

/* Does it begin what another kind ends? */
FN bool notify_is_onset(__u8 kind)
{
	return kind == KIND_FAILURE || kind == KIND_CONGESTION;
}

FN bool notify_is_end(__u8 kind)
{
	return kind == KIND_RECOVERY || kind == KIND_ELIMINATION;
}

/* Of what became of a subject: news to all. */
FN bool notify_changed(enum reason reason)
{
	return reason == REASON_FAILED || reason == REASON_CONGESTED || reason == REASON_RECOVERED ||
	       reason == REASON_EASED || reason == REASON_MEASURED;
}

/* There was no room for it. */
FN bool notify_full(enum reason reason)
{
	return reason == REASON_FAILED_FULL || reason == REASON_METRICS_FULL;
}

/* None was there for any of its subjects: it may be said again. */
FN bool notify_refused(enum reason reason)
{
	return notify_full(reason) || reason == REASON_FAILED_SHARE;
}

/* What a notification of congestion asks of its subject's traffic: the latest counts. */
FN void notify_ask(const struct msg *m, const struct failed_key *key)
{
	__u32 index = key->index, target = config.pacing.target_percent, share = config.pacing.share;
	struct resource *r;
	struct pace *p;

	if (!key->is_transit)
		index = PACE_OF(key->index);
	if (key->is_resource) {
		index = key->index;
		r = bpf_map_lookup_elem(&fantel_resource, &index);
		if (r)
			pace_asked(&r->ask, m, target, share);
		return;
	}
	p = bpf_map_lookup_elem(&fantel_pace, &index);
	if (p)
		pace_asked(&p->ask, m, target, share);
}

/* Act on one subject. */
SUBPROG int notify_subject(struct scratch *s, const struct failed_key *given, __u64 now_ns)
{
	struct failed_key key;
	enum reason reason;

	if (!s || !given)
		return REASON_INTERNAL;
	key = *given; /* as scratch() says */
	if (s->msg.kind == KIND_LOAD)
		reason = metrics_take(s, &key, now_ns);
	else if (notify_is_onset(s->msg.kind))
		reason = failed_add(&key, &s->msg, s->proven, now_ns);
	else if (msg_has(&s->msg, TLVI_EVENT))
		reason = failed_remove(&key, now_ns);
	else
		reason = failed_sweep_events(&key, now_ns);
	if (key.is_congestion && (reason == REASON_CONGESTED || reason == REASON_REFRESHED))
		notify_ask(&s->msg, &key);
	if (notify_changed(reason))
		notify_event(s, reason, &key, now_ns);
	return reason;
}

/* Of several subjects, the one that changed decides, where one did. */
FN enum reason notify_sum(enum reason sum, enum reason one)
{
	return notify_changed(sum) ? sum : one;
}

/* Act on every path that Tunnel Info names. */
FN enum reason notify_tunnel(struct scratch *s, struct failed_key *key, __u64 now_ns)
{
	__u64 hash = hash_tunnel(&s->told.tunnel);
	struct tunnel_paths *paths = bpf_map_lookup_elem(&fantel_tunnels, &hash);
	enum reason sum = REASON_UNMATCHED;

	if (!paths || !tunnel_equal(&paths->tunnel, &s->told.tunnel))
		return REASON_UNMATCHED;
	key->is_resource = false;
	for (__u32 i = 0; i < TUNNEL_PATHS && i < paths->n; i++) {
		enum reason reason;

		key->index = paths->path[i];
		if (!notify_also(s, key->index))
			continue;
		reason = notify_subject(s, key, now_ns);
		if (notify_full(reason))
			return reason;
		sum = notify_sum(sum, reason);
	}
	return sum;
}

/* Act on every link and node that the location names, and with it on all paths that cross them. */
FN enum reason notify_location(struct scratch *s, struct failed_key *key, __u64 now_ns)
{
	enum reason sum = REASON_UNMATCHED;

	key->is_resource = true;
	for (enum resource_name name = 0; name < NAME_COUNT; name++) {
		enum reason reason;
		__u32 *index;

		if (!resource_key_read(&s->resource, &s->msg, name, config.as))
			continue;
		index = bpf_map_lookup_elem(&fantel_location, &s->resource);
		if (!index)
			continue;
		key->index = *index;
		reason = notify_subject(s, key, now_ns);
		if (notify_full(reason))
			return reason;
		sum = notify_sum(sum, reason);
	}
	return sum;
}

/* Act on an entry of fantel_transit; slot -1: there is none, nor room for it. */
FN enum reason notify_held(struct scratch *s, struct failed_key *key, int slot, __u64 now_ns)
{
	enum reason reason;

	if (slot < 0)
		return notify_is_onset(s->msg.kind) ? REASON_FAILED_FULL : REASON_NOT_KNOWN;
	key->is_resource = false;
	key->is_transit = true;
	key->index = slot;
	reason = notify_subject(s, key, now_ns);
	if (notify_refused(reason))
		pace_ease(slot); /* it may be new, and then has no event */
	return reason;
}

/* A tunnel of another's is congested, or is so no more: hold back what passes here. */
FN enum reason notify_transit(struct scratch *s, struct failed_key *key, __u64 now_ns)
{
	return notify_held(s, key, transit_find(notify_is_onset(s->msg.kind)), now_ns);
}

/* ---- flows of ours --------------------------------------------------------------------------- */

/* Does it ask one flow to send less? */
FN bool notify_slows(const struct msg *m)
{
	return msg_has(m, TLVI_FLOW) && (msg_has(m, TLVI_RATE) || m->hint == HINT_SLOW);
}

/* A flow of the event that is named: a notification that names neither flow nor rate confirms what was
 * said of it, or ends it. */
static long sweep_flow(void *map, __u32 *index, struct transit *t, struct sweep *w)
{
	struct scratch *s = scratch();
	struct failed_key k = w->key;
	struct failed *failed;

	if (!s || !t->flowed)
		return 0;
	k.is_transit = true;
	k.index = *index;
	if (s->msg.kind != KIND_CONGESTION) {
		sweep_subject(w, &k);
		return 0;
	}
	failed = bpf_map_lookup_elem(&fantel_failed, &k);
	if (failed) {
		failed->sequence = s->msg.sequence;
		failed_renew(failed, s->msg.validity_ms, w->now_ns);
		w->found = true;
	}
	return 0;
}

/* Of the flows of the event that is named; REASON_UNMATCHED: there are none. Its own
 * function, for its part of the stack. */
SUBPROG int failed_sweep_flows(const struct failed_key *key, __u64 now_ns)
{
	struct sweep w = { .now_ns = now_ns };
	struct node_state *node = node_state();
	struct scratch *s = scratch();

	if (!key || !node || !s)
		return REASON_INTERNAL;
	w.key = *key;
	if (node->transit)
		bpf_for_each_map_elem(&fantel_transit, sweep_flow, &w, 0);
	if (!w.found)
		return REASON_UNMATCHED;
	return s->msg.kind == KIND_CONGESTION ? REASON_REFRESHED : REASON_EASED;
}

/* Is the tunnel ours that the notification in scratch names? Of a flow alone nobody could tell whether it
 * comes by here. Its own function: it is verified once. */
SUBPROG int notify_is_ours(void)
{
	struct scratch *s = scratch();
	struct tunnel_paths *paths;
	__u64 hash;

	if (!s)
		return false;
	hash = hash_tunnel(&s->told.tunnel);
	paths = bpf_map_lookup_elem(&fantel_tunnels, &hash);
	return paths && tunnel_equal(&paths->tunnel, &s->told.tunnel);
}

/* Where policy has flows held back: REASON_UNMATCHED for what is about a whole path. Apart from
 * notify_act, for the verifier would walk that again for each of these ends. */
SUBPROG int notify_flow(__u64 now_ns)
{
	struct scratch *s = scratch();
	struct failed_key key = { .is_congestion = true };
	bool begins, slows;
	enum reason reason;
	int slot;

	if (!s)
		return REASON_INTERNAL;
	begins = s->msg.kind == KIND_CONGESTION;
	slows = begins && notify_slows(&s->msg);
	if ((!begins && s->msg.kind != KIND_ELIMINATION) || !notify_key() || !notify_is_ours())
		return REASON_UNMATCHED;
	key.event_id = s->msg.event_id;
	key.originator = addr_number(&s->outer.src);
	if (!slows && msg_has(&s->msg, TLVI_EVENT)) {
		reason = failed_sweep_flows(&key, now_ns);
		if (reason == REASON_EASED)
			notify_event(s, reason, NULL, now_ns);
		return reason;
	}
	slot = slows || !begins ? slowed_find(begins) : -1;
	if (slot < 0 && !slows)
		return REASON_UNMATCHED;
	return notify_held(s, &key, slot, now_ns);
}

/*
 * Act on what the notification names. A tunnel that is ours is the most exact of it, and what counts;
 * the location stands in where no tunnel is named, or none of ours. An end also looks there for
 * what it did not find elsewhere: policy may have learned of the tunnel since. What is congested and of
 * neither passes through.
 */
SUBPROG int notify_act(__u64 now_ns)
{
	struct scratch *s = scratch();
	enum reason reason = REASON_UNMATCHED;
	struct failed_key key = {};
	bool named;

	if (!s)
		return REASON_INTERNAL;
	named = notify_key();
	key.event_id = s->msg.event_id;
	key.originator = addr_number(&s->outer.src);
	key.is_congestion = s->msg.kind == KIND_CONGESTION || s->msg.kind == KIND_ELIMINATION;
	if (!s->msg.code && notify_is_end(s->msg.kind) && msg_has(&s->msg, TLVI_EVENT)) {
		reason = failed_sweep_subjects(&key, now_ns);
		if (reason != REASON_NOT_KNOWN) {
			notify_event(s, reason, NULL, now_ns);
			return reason;
		}
	} else if (named) {
		reason = notify_tunnel(s, &key, now_ns);
	}
	if (reason == REASON_UNMATCHED || reason == REASON_NOT_KNOWN) {
		enum reason found = notify_location(s, &key, now_ns);

		if (found != REASON_UNMATCHED)
			reason = found;
		else if (config.pacing.transit && named && key.is_congestion &&
			 reason == REASON_UNMATCHED)
			reason = notify_transit(s, &key, now_ns);
	}
	if (reason == REASON_UNMATCHED || (reason == REASON_NOT_KNOWN && !s->msg.code))
		notify_event(s, reason, NULL, now_ns);
	return reason;
}

/* A flow that is named, then the rest: an end may be that of a path, too. */
FN enum reason notify_all(const struct scratch *s, __u64 now_ns)
{
	enum reason reason = REASON_UNMATCHED;

	if (config.pacing.flows)
		reason = notify_flow(now_ns);
	if (reason != REASON_UNMATCHED && s->msg.kind != KIND_ELIMINATION)
		return reason;
	return notify_sum(reason, notify_act(now_ns));
}

/* Whom it comes from, and that it is whole: s->msg is then filled. */
SUBPROG int notify_read(struct xdp_md *ctx, struct scratch *s)
{
	struct msg_rules rules = msg_rules(&config);
	struct msg_envelope from = {};
	struct prefix_key key;
	struct source *source;
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
	source = bpf_map_lookup_elem(&fantel_sources, &key);
	if (!source)
		return REASON_SOURCE;
	s->authentication = source->authentication;
	s->proven = false;
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

/* What is known of the originator; of a new one, nothing. */
FN struct origin *notify_origin(const struct scratch *s)
{
	static const struct origin never = {
		.bucket = { [0 ... KIND_COUNT - 1] = { .credit_ns = BUCKET_FULL } },
	};
	struct origin *origin;

	if (config.authentication && s->proven) {
		origin = bpf_map_lookup_elem(&fantel_proven, &s->outer.src);
		if (origin)
			return origin;
		bpf_map_update_elem(&fantel_proven, &s->outer.src, &never, BPF_NOEXIST);
		return bpf_map_lookup_elem(&fantel_proven, &s->outer.src);
	}
	origin = bpf_map_lookup_elem(&fantel_origins, &s->outer.src);
	if (origin)
		return origin;
	bpf_map_update_elem(&fantel_origins, &s->outer.src, &never, BPF_NOEXIST);
	return bpf_map_lookup_elem(&fantel_origins, &s->outer.src);
}

/* Nothing acts on it: it is told to the outside. */
SUBPROG int notify_report(struct scratch *s, enum reason reason, __u64 now_ns)
{
	if (!s)
		return REASON_INTERNAL;
	notify_key();
	notify_event(s, reason, NULL, now_ns);
	return reason;
}

/*
 * Act, once for each sequence of the originator, and not more often than the policy takes of this kind
 * from it; `sense`: why nothing may act on it, which is told. What it said before costs it no credit: a
 * replay must not use up what a failure needs. A notification that could not act gives its sequence
 * back, so that a repetition has another try, as has one for which there was no credit.
 */
FN enum reason notify_once(struct scratch *s, enum reason sense, __u64 now_ns)
{
	bool numbered = msg_has(&s->msg, TLVI_EVENT) && !sense;
	enum reason reason = REASON_NONE;
	struct origin *origin = NULL;
	__u32 kind = s->msg.kind;

	if (kind >= KIND_COUNT)
		return REASON_INTERNAL;
	if (numbered || config.receive[kind].interval_ns) {
		origin = notify_origin(s);
		if (!origin)
			return REASON_ORIGINS_FULL;
		if (numbered)
			reason = window_judge(origin, s->msg.sequence);
		if (reason)
			return reason;
		/* Once more: spilled, Linux 6.1 has forgotten its bound. */
		CURSOR_PIN(kind);
		if (kind >= KIND_COUNT)
			return REASON_INTERNAL;
		if (!bucket_take(&origin->bucket[kind], config.receive[kind].interval_ns,
				 config.receive[kind].burst_ns, 1, now_ns))
			return REASON_OVER_RATE;
	}
	if (sense)
		return notify_report(s, sense, now_ns);
	if (!numbered)
		return notify_all(s, now_ns);
	reason = window_take(origin, s->msg.sequence);
	if (reason)
		return reason;
	reason = notify_all(s, now_ns);
	if (notify_refused(reason))
		window_give_back(origin, s->msg.sequence);
	return reason;
}

/* Why nothing may act on what a notification says; REASON_NONE: something may. Metrics matter only
 * where one acts by them: a failure, and any end, is one whatever is measured then. */
FN enum reason notify_sense(struct scratch *s)
{
	const struct msg *m = &s->msg;

	if (m->kind != KIND_CONGESTION && m->kind != KIND_LOAD)
		return REASON_NONE;
	if (!metrics_possible(m) || (m->kind == KIND_CONGESTION && !pace_possible(m)))
		return REASON_METRIC;
	if (m->kind == KIND_LOAD)
		metrics_measured(&s->measured, m);
	if (msg_has(m, TLVI_HINT) && (m->hint < HINT_SWITCH || m->hint > HINT_INFORM))
		return REASON_HINT;
	if (m->hint == HINT_INFORM || (m->kind == KIND_LOAD && !s->measured.told))
		return REASON_REPORTED;
	return REASON_NONE;
}

/* An XDP action for a notification to this node, which is consumed; NOT_OURS for any other packet,
 * which is left as it is. */
SUBPROG int notify_packet(struct xdp_md *ctx)
{
	const void *data = packet_start(ctx), *end = packet_end(ctx);
	struct scratch *s = scratch();
	enum reason reason;
	__u64 now = 0;

	if (!s || !scratch_frame(ctx, s) || s->outer.fragment)
		return NOT_OURS;
	if (!is_notification(&s->outer, data, end) || !is_loopback(&s->outer.dst))
		return NOT_OURS;
	reason = notify_read(ctx, s);
	if (reason == REASON_NONE)
		now = bpf_ktime_get_ns();
	if (reason == REASON_NONE && config.authentication && s->authentication)
		reason = auth_check(s, now);
	if (reason == REASON_NONE)
		reason = notify_once(s, notify_sense(s), now);
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
