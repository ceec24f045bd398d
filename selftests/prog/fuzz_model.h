/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What a node has to do with a packet, said once more for the host: verdict, reason, events, and
 * what becomes of its maps. Included by fuzz_core.c alone.
 *
 * Headers and messages are read by the host's build of frame.h and msg.h, of which golden vectors
 * and libFuzzer are the judges; the order of checks, and what a notification does to which map, are
 * written down here anew, after docs/wire.md and the manual page, with plain arrays for maps.
 */
#ifndef FUZZ_MODEL_H
#define FUZZ_MODEL_H

#include <arpa/inet.h>

#include "fantel/metric.h"
#include "fantel/msg.h"
#include "fantel/pace.h"
#include "fantel/path.h"
#include "fantel/resource.h"
#include "fantel/window.h"
#include "harness.h"
#include "words.h"

#define MODEL_MARK 0xcafe0101 /* of the path of the kernel's own */
#define MODEL_LSP 16012	/* its label */
#define MODEL_PATHS 8	/* paths that there are */
#define MODEL_RESOURCES 3
#define MODEL_FAILED 32 /* entries that the maps have room for */
#define MODEL_TOLD 32
#define MODEL_METRICS 6
#define MODEL_ORIGINS 128 /* more than there are sources */
#define MODEL_ROWS 16	  /* tunnels, sources, classes */
#define MODEL_ENDS 32	  /* entries for tunnels that end here */
#define MODEL_EVENTS (TUNNEL_PATHS + 1)
#define DAY_S (24 * 3600)

/* Times are not foretold, but must lie within the packet's own run. */
enum touched {
	TOUCHED_NOT,
	TOUCHED_NEW,
	TOUCHED_AGAIN,
};

struct model_failed {
	struct failed_key key;
	struct failed value;
	enum touched touched;
	__u32 validity_ms; /* where touched */
};

struct model_origin {
	struct addr key;
	struct origin value; /* but for its buckets */
	__u32 drawn[KIND_COUNT]; /* from each of them */
};

struct model_told {
	struct told_key key;
	struct told value;
	enum touched touched;
};

/* What a path is judged to be by what it crosses is not kept: it follows from that. */
struct model_metrics {
	struct failed_key key;
	struct metrics value;
	bool touched;
	__u32 validity_ms; /* where touched */
};

struct model_health {
	struct health value;
	bool moved;	/* changed_ns is now */
	bool congested; /* so is congested_ns */
};

struct model_resource {
	struct resource value;
	bool moved, congested;
};

struct model {
	/* What the node was given. */
	struct config config;
	struct msg_rules rules;
	struct policy_prefix source[MODEL_ROWS], class[MODEL_ROWS];
	enum authentication asked[MODEL_ROWS]; /* of each source; they don't overlap */
	__u32 n_sources, n_classes;
	struct addr lsp_ingress; /* who sends MODEL_LSP */
	struct model_key {
		__u32 id;
		struct mac_key mac;
		enum reason reason; /* why it does not count; REASON_NONE: it does */
	} key[MODEL_ROWS];
	__u32 n_keys;
	struct {
		__u64 hash;
		struct tunnel_paths paths;
	} tunnel[MODEL_ROWS];
	__u32 n_tunnels;
	struct {
		struct resource_key key;
		__u32 index;
	} location[MODEL_ROWS];
	__u32 n_locations;
	struct path path[MODEL_PATHS];
	struct model_end {
		struct endpoint_key key;
		struct endpoint value;
	} end[MODEL_ENDS];
	__u32 n_ends;
	struct rank rank; /* of the one group, which is group 0 */
	char group[NAME_LEN];
	struct qp_key sender[4]; /* whose QPs are known */
	struct link link; /* what is not ours or routed by a live link would leave by */
	__u32 ifindex;	  /* of it */

	/* What it knows. */
	struct traffic count[REASON_COUNT];
	struct traffic steered[MODEL_PATHS];
	struct flow flow[RANK_SLOTS];
	struct node_state state;
	struct model_health health[MODEL_PATHS];
	struct model_resource resource[MODEL_RESOURCES];
	struct pace_ask ask[MODEL_PATHS];
	struct {
		bool measured; /* congested, it has met a packet */
		bool full;     /* so much has passed that its rate leaves no room */
		bool may_end;  /* congestion ended somewhere since */
		__u64 rate, bytes;
	} lowered[MODEL_PATHS];
	struct transit transit[MAX_TRANSIT];
	struct {
		bool congested; /* congested_ns is now */
		bool measured;	/* it has met a packet */
		struct pace_ask ask;
	} through[MAX_TRANSIT];
	struct model_failed failed[MODEL_FAILED];
	struct model_origins {
		struct model_origin row[MODEL_ORIGINS];
		__u32 n;
	} origins, proven;
	struct model_told told[MODEL_TOLD];
	struct model_metrics metrics[MODEL_METRICS];
	__u32 n_failed, n_told, n_metrics;
	struct {
		struct bfd_set set;
		struct bfd_echo echo;
		struct bfd_session session;
		/* What the packet in hand does, at times that are not foretold. */
		bool heard, changed; /* heard_ns, changed_ns is now */
		bool link_failed, link_new; /* so is the link's since_ns, and detected_ns */
		bool echoed; /* an echo was ours: the timer may have to run for the next */
		__u64 echo_ns; /* and left then; 0: it tells nothing new */
		bool first;    /* it is the first since the session is up */
		bool news;     /* the loader is woken */
	} bfd;

	/* What it does with the packet in hand. */
	bool met; /* a notification, or of a tunnel or session that is the node's */
	__u32 verdict;
	enum reason reason; /* REASON_NONE: nothing is counted */
	bool changes;	    /* something of fantel_failed, _health, _resource, _origins or _told */
	bool rewrites;	    /* the packet does not stay as it came */
	__u32 slot;	    /* whose flows' path was noted; RANK_SLOTS: none's */
	__u32 taken;	    /* the path where it is redirected */
	bool marks;	    /* the packet has the mark in front of it */
	__u32 off;	    /* where the packet begins whose outer headers come off; 0: they don't */
	__u8 ecn;	    /* of it, then */
	struct event event[MODEL_EVENTS]; /* time_ns is now */
	__u32 n_events;
};

/* A packet as it was read. */
struct reading {
	const struct bytes *in;
	bool ip;   /* frame is filled */
	bool mpls; /* a label stack whose top is MODEL_LSP; frame is filled as far as that goes */
	enum reason stacked; /* why it can't be named; REASON_NONE: labels is filled */
	struct tunnel_key labels;
	__u32 inner_at;
	bool ours; /* a notification for this node */
	struct frame frame;
	enum reason reason; /* why a notification is refused; REASON_NONE: msg is filled */
	bool proven;	    /* its MAC was asked for, and right */
	struct msg_buf buf;
	struct msg msg;
};

/* ---- packets --------------------------------------------------------------------------------- */

static bool model_in(const struct policy_prefix *list, __u32 n, const struct addr *a)
{
	for (__u32 i = 0; i < n; i++)
		if (addr_in_prefix(a, &list[i].addr, list[i].plen))
			return true;
	return false;
}

static bool model_is_loopback(const struct model *m, const struct addr *a)
{
	if (addr_is_unspecified(a))
		return false;
	return addr_equal(a, &m->config.loopback6) || addr_equal(a, &m->config.loopback4);
}

/* A loopback, or one of the node's own segments. */
static bool model_is_ours(const struct model *m, const struct addr *a)
{
	return model_is_loopback(m, a) ||
	       (m->config.locator_len &&
		addr_in_prefix(a, &m->config.locator, m->config.locator_len));
}

/* A notification by type or port, whoever it is for. */
static bool model_notifies(const struct model *m, const struct frame *f, const struct bytes *in)
{
	if (f->proto == IPPROTO_UDP)
		return in->len >= f->l4 + 8u && !f->fragment &&
		       (in->b[f->l4 + 2] << 8 | in->b[f->l4 + 3]) == m->config.udp_port;
	return f->version == 6 && f->proto == IPPROTO_ICMPV6 && in->len > f->l4 &&
	       memchr(m->config.type, in->b[f->l4], KIND_COUNT);
}

static bool model_is_notification(const struct model *m, const struct reading *r)
{
	return model_notifies(m, &r->frame, r->in);
}

/* What its source has to show. */
static enum reason model_authenticate(const struct model *m, struct reading *r,
				      const struct msg_envelope *from)
{
	enum authentication asked = AUTHENTICATION_OFF;
	const struct model_key *key = m->key;

	r->proven = false;
	for (__u32 i = 0; i < m->n_sources; i++)
		if (addr_in_prefix(&from->src, &m->source[i].addr, m->source[i].plen))
			asked = m->asked[i];
	if (asked == AUTHENTICATION_OFF)
		return REASON_NONE;
	if (!msg_has(&r->msg, TLVI_AUTH))
		return asked == AUTHENTICATION_REQUIRE ? REASON_AUTH_MISSING : REASON_NONE;
	while (key < m->key + m->n_keys && key->id != r->msg.auth_key_id)
		key++;
	if (key == m->key + m->n_keys || key->mac.algorithm != r->msg.auth_algorithm)
		return REASON_AUTH_KEY;
	if (key->reason)
		return key->reason;
	r->proven = !msg_auth(&r->msg, &key->mac, from, &r->buf);
	return r->proven ? REASON_NONE : REASON_AUTH;
}

/* docs/wire.md §3, in this order: hop limit, source, lengths, what the message says, and its MAC. */
static enum reason model_refusal(const struct model *m, struct reading *r)
{
	const struct frame *f = &r->frame;
	__u32 len = f->len + 14 - f->l4;
	struct msg_envelope from = {
		.src = f->src,
		.dst = f->dst,
		.transport = f->proto == IPPROTO_UDP ? TRANSPORT_UDP : TRANSPORT_ICMPV6,
	};
	enum reason reason;

	if (f->hop_limit < m->config.hop_limit_min)
		return REASON_RADIUS;
	if (!model_in(m->source, m->n_sources, &f->src))
		return REASON_SOURCE;
	if (len < 4)
		return REASON_TOO_SHORT;
	if (len > 1280 - 20)
		return REASON_TOO_LONG;
	if (r->in->len < f->l4 + len)
		return REASON_TOO_SHORT;
	/* What stands behind a message must not matter: here it is this, there an older message. */
	memset(&r->buf, 0xa5, sizeof(r->buf));
	memcpy(r->buf.b, r->in->b + f->l4, len);
	reason = msg_parse(&r->msg, &m->rules, &from, &r->buf, len);
	if (reason)
		return reason;
	if (m->config.domain && r->msg.domain != m->config.domain)
		return REASON_DOMAIN;
	return model_authenticate(m, r, &from);
}

/* The flow inside the tunnel, where there is IP inside. */
static bool model_inner(struct frame *inner, const struct reading *r)
{
	const __u8 *b = r->in->b, *end = b + r->in->len;
	__u32 at = r->frame.l4, proto = r->frame.proto;

	if (r->mpls) {
		at = r->inner_at;
		proto = b[at] >> 4 == 6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	} else if (r->frame.version == 6 && proto == IPPROTO_ROUTING) {
		proto = b[at];
		at += 8 * (b[at + 1] + 1);
	}
	if (proto == IPPROTO_IPV6)
		return frame_ipv6(inner, b + at, at, end);
	return proto == IPPROTO_IPIP && frame_ipv4(inner, b + at, at, end);
}

/* What is known of an MPLS packet: its sender by the label on top, if it carries no notification. */
static void model_read_mpls(const struct model *m, struct reading *r)
{
	static const char mpls[] = "\x88\x47";
	const __u8 *b = r->in->b;
	struct frame inner = {};
	__u32 at = 14, n = 0;

	r->mpls = false;
	if (r->ip || !m->config.lsps || r->in->len < 18 || memcmp(b + 12, mpls, 2) ||
	    ntohl(load32(b + 14)) >> 12 != MODEL_LSP)
		return;
	memset(&r->frame, 0, sizeof(r->frame));
	memset(&r->labels, 0, sizeof(r->labels));
	r->frame.len = r->in->len - 14;
	r->labels.code = CODE_MPLS;
	r->stacked = REASON_TOO_DEEP;
	while (n < WIRE_LABELS_MAX && r->stacked == REASON_TOO_DEEP) {
		if (at + 4 >= r->in->len)
			return;
		r->labels.label_be[n++] = htonl(ntohl(load32(b + at)) >> 12 << 12);
		if (b[at + 2] & 1)
			r->stacked = REASON_NONE;
		at += 4;
	}
	r->mpls = true;
	r->labels.n = n;
	r->inner_at = at;
	if (!r->stacked && (!model_inner(&inner, r) || !model_notifies(m, &inner, r->in)))
		r->frame.src = m->lsp_ingress;
}

static void model_read(const struct model *m, const struct bytes *in, struct reading *r)
{
	r->in = in;
	r->ip = frame_parse(&r->frame, in->b, in->b + in->len);
	model_read_mpls(m, r);
	r->ours = r->ip && !r->frame.fragment && model_is_notification(m, r) &&
		  model_is_loopback(m, &r->frame.dst);
	r->reason = r->ours ? model_refusal(m, r) : REASON_NONE;
}

static void model_verdict(struct model *m, enum reason reason, __u64 bytes)
{
	m->reason = reason;
	m->verdict = reason_fate(reason) == FATE_PASS ? XDP_PASS : XDP_DROP;
	m->count[reason].packets++;
	m->count[reason].bytes += bytes;
}

static struct event *model_event(struct model *m, enum event_type type, enum reason reason)
{
	struct event *e = &m->event[m->n_events++];

	memset(e, 0, sizeof(*e));
	e->type = type;
	e->reason = reason;
	e->index = ~0U;
	return e;
}

/* ---- fantel_failed, fantel_health and fantel_resource ---------------------------------------- */

/* True where it was the first event, or the last one. */
static bool model_count(__s32 *events, int change, bool *moved)
{
	int before = *events;

	*events += change;
	if ((before > 0) == (before + change > 0))
		return false;
	return *moved = true;
}

/* Without congestion its place is another's. */
static void model_transit_forget(struct model *m, __u32 place)
{
	if (!m->transit[place].hash || m->transit[place].congestions > 0)
		return;
	m->transit[place].hash = 0;
	m->through[place].measured = false;
	m->state.transit--;
}

/* An event more or less. What a resource does to paths begins a generation. */
static void model_health_add(struct model *m, const struct failed_key *key, int change)
{
	struct model_resource *r;
	struct model_health *h;

	m->changes = true;
	if (key->is_congestion)
		m->state.congested += change;
	for (__u32 i = 0; i < MODEL_PATHS; i++)
		m->lowered[i].may_end |= key->is_congestion && change < 0;
	if (key->is_transit) {
		model_count(&m->transit[key->index].congestions, change,
			    &m->through[key->index].congested);
		model_transit_forget(m, key->index);
	} else if (key->is_resource) {
		r = &m->resource[key->index];
		m->state.generation +=
			key->is_congestion ?
				model_count(&r->value.congestions, change, &r->congested) :
				model_count(&r->value.failures, change, &r->moved);
	} else {
		h = &m->health[key->index];
		if (key->is_congestion)
			model_count(&h->value.congestions, change, &h->congested);
		else
			model_count(&h->value.failures, change, &h->moved);
	}
}

/* What the worst of what a path crosses makes of it. */
static enum standing model_judged(const struct model *m, __u32 path)
{
	enum standing worst = STANDING_GOOD;

	for (__u32 i = 0; i < m->path[path].n_crossed; i++) {
		const struct resource *r = &m->resource[m->path[path].crossed[i]].value;

		if (r->failures > 0)
			return STANDING_FAILED;
		if (r->congestions > 0)
			worst = STANDING_CONGESTED;
	}
	return worst;
}

static enum standing model_standing(const struct model *m, const struct failed_key *key)
{
	bool failed, congested;

	if (key->is_transit) {
		failed = false;
		congested = m->transit[key->index].congestions > 0;
	} else if (key->is_resource) {
		failed = m->resource[key->index].value.failures > 0;
		congested = m->resource[key->index].value.congestions > 0;
	} else {
		enum standing judged = model_judged(m, key->index);

		failed = m->health[key->index].value.failures > 0 || judged == STANDING_FAILED;
		congested = m->health[key->index].value.congestions > 0 ||
			    judged == STANDING_CONGESTED;
	}
	return failed ? STANDING_FAILED : congested ? STANDING_CONGESTED : STANDING_GOOD;
}

static bool model_carries(const struct model *m, __u32 path)
{
	struct failed_key key = { .index = path };

	return model_standing(m, &key) != STANDING_FAILED;
}

static const char *model_name(const struct model *m, const struct failed_key *key)
{
	static const char transit[NAME_LEN] = "transit";

	if (key->is_transit)
		return transit;
	return key->is_resource ? m->resource[key->index].value.name : m->path[key->index].name;
}

static struct model_failed *model_failed(struct model *m, const struct failed_key *key)
{
	for (__u32 i = 0; i < m->n_failed; i++)
		if (!memcmp(&m->failed[i].key, key, sizeof(*key)))
			return &m->failed[i];
	return NULL;
}

static void model_failed_drop(struct model *m, struct model_failed *f)
{
	struct failed_key key = f->key;

	*f = m->failed[--m->n_failed];
	model_health_add(m, &key, -1);
}

/* Has enough been said of the subject, and not by who has proven who they are? */
static bool model_is_refused(const struct model *m, const struct failed_key *key, bool proven)
{
	__s32 most = key->is_congestion ? m->config.congestions_each : m->config.failures_each;
	__s32 events;

	if (key->is_transit)
		events = m->transit[key->index].congestions;
	else if (key->is_resource)
		events = key->is_congestion ? m->resource[key->index].value.congestions :
					      m->resource[key->index].value.failures;
	else
		events = key->is_congestion ? m->health[key->index].value.congestions :
					      m->health[key->index].value.failures;
	return !proven && events >= most;
}

static enum reason model_failed_add(struct model *m, const struct failed_key *key,
				    const struct msg *msg, bool proven)
{
	struct model_failed *f = model_failed(m, key);
	enum reason reason = f			? REASON_REFRESHED :
			     key->is_congestion ? REASON_CONGESTED :
						  REASON_FAILED;

	if (!f && model_is_refused(m, key, proven))
		return REASON_FAILED_SHARE;
	if (!f && m->n_failed == MODEL_FAILED)
		return REASON_FAILED_FULL;
	if (!f) {
		f = &m->failed[m->n_failed++];
		memset(f, 0, sizeof(*f));
		f->key = *key;
		f->value.kind = msg->kind;
		f->value.cause = msg->cause;
		memcpy(f->value.name, model_name(m, key), sizeof(f->value.name));
		model_health_add(m, key, 1);
	}
	/* A notification may name a resource twice. */
	if (f->touched != TOUCHED_NEW)
		f->touched = reason == REASON_REFRESHED ? TOUCHED_AGAIN : TOUCHED_NEW;
	f->value.sequence = msg->sequence;
	f->validity_ms = msg->validity_ms;
	m->changes = true;
	return reason;
}

static enum reason model_ended(const struct failed_key *key)
{
	return key->is_congestion ? REASON_EASED : REASON_RECOVERED;
}

/* By (originator, event-id), else what was told of the subject without an Event TLV: event 0. */
static enum reason model_failed_remove(struct model *m, const struct failed_key *key)
{
	struct failed_key unnamed = *key;
	struct model_failed *f = model_failed(m, key);

	unnamed.event_id = 0;
	if (!f)
		f = model_failed(m, &unnamed);
	if (!f)
		return REASON_NOT_KNOWN;
	model_failed_drop(m, f);
	return model_ended(key);
}

/* All that the originator said of the subject. */
static enum reason model_failed_sweep(struct model *m, const struct failed_key *key)
{
	enum reason reason = REASON_NOT_KNOWN;

	for (__u32 i = m->n_failed; i--;) {
		const struct failed_key *k = &m->failed[i].key;

		if (k->originator != key->originator || k->is_resource != key->is_resource ||
		    k->is_transit != key->is_transit || k->is_congestion != key->is_congestion || k->index != key->index)
			continue;
		model_failed_drop(m, &m->failed[i]);
		reason = model_ended(key);
	}
	return reason;
}

/* ---- fantel_metrics -------------------------------------------------------------------------- */

static struct model_metrics *model_metrics(struct model *m, const struct failed_key *key)
{
	for (__u32 i = 0; i < m->n_metrics; i++)
		if (!memcmp(&m->metrics[i].key, key, sizeof(*key)))
			return &m->metrics[i];
	return NULL;
}

/* Whole numbers; what is too large for them is the largest. */
static __u64 model_bytes(__u32 bits_f32)
{
	float value;

	memcpy(&value, &bits_f32, sizeof(value));
	return value < 0x1p63f ? (__u64)value : ~0ULL;
}

static void model_measured(struct measured *to, const struct msg *m)
{
	static const enum tlv_index metrics[] = {
		TLVI_CAPACITY, TLVI_RESIDUAL, TLVI_AVAILABLE, TLVI_UTILIZED,  TLVI_DELAY,
		TLVI_LOSS,     TLVI_QUEUE,    TLVI_NODE_LOAD, TLVI_DELAY_RANGE,
	};

	*to = (struct measured){
		.loss = m->loss,
		.capacity = model_bytes(m->capacity_f32),
		.residual = model_bytes(m->residual_f32),
		.available = model_bytes(m->available_f32),
		.utilized = model_bytes(m->utilized_f32),
		.delay_us = m->delay_us,
		.delay_min_us = m->delay_min_us,
		.delay_max_us = m->delay_max_us,
		.queue_depth = m->queue_depth,
		.queue_limit = m->queue_limit,
		.anomalous = m->anomalous,
		.cpu_percent = m->cpu_percent,
		.memory_percent = m->memory_percent,
	};
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++)
		if (msg_has(m, metrics[i]))
			to->told |= MSG_BIT(metrics[i]);
}

static enum reason model_metrics_take(struct model *m, const struct failed_key *key,
				      const struct msg *msg)
{
	struct model_metrics *known = model_metrics(m, key);

	if (!known && m->n_metrics == MODEL_METRICS)
		return REASON_METRICS_FULL;
	if (known && msg_has(msg, TLVI_EVENT) && msg->sequence < known->value.sequence)
		return REASON_STALE;
	if (!known) {
		known = &m->metrics[m->n_metrics++];
		memset(known, 0, sizeof(*known));
		known->key = *key;
		memcpy(known->value.name, model_name(m, key), sizeof(known->value.name));
	}
	known->value.sequence = msg->sequence;
	known->touched = true;
	known->validity_ms = msg->validity_ms;
	model_measured(&known->value.measured, msg);
	m->changes = true;
	return REASON_MEASURED;
}

/* ---- one notification ------------------------------------------------------------------------ */

static struct event *model_notification(struct model *m, const struct reading *r,
					const struct tunnel_key *tunnel, enum reason reason)
{
	struct event *e = model_event(m, EVENT_NOTIFICATION, reason);

	e->kind = r->msg.kind;
	e->cause = r->msg.cause;
	e->event_id = r->msg.event_id;
	e->sequence = r->msg.sequence;
	e->timestamp_ns = r->msg.timestamp_ns;
	e->validity_ms = r->msg.validity_ms;
	e->peer = r->frame.src;
	e->tunnel = *tunnel;
	if (r->msg.kind == KIND_LOAD && reason != REASON_METRIC)
		model_measured(&e->measured, &r->msg);
	return e;
}

/* The most specific part of Tunnel Info. */
static bool model_tunnel(const struct reading *r, struct tunnel_key *key)
{
	static const __u8 parts[] = { CODE_SRV6, CODE_MPLS, CODE_IP };

	memset(key, 0, sizeof(*key));
	for (size_t i = 0; i < sizeof(parts); i++)
		if (r->msg.code & parts[i])
			return msg_tunnel_key(key, &r->msg, &r->buf, parts[i]);
	return false;
}

/* All parts must match the path. An address beside segments is a destination that packets have on their
 * way; labels beside another part match none. */
static bool model_also(const struct model *m, const struct reading *r, const struct tunnel_key *key,
		       __u32 path)
{
	__u32 others = r->msg.code & ~key->code;

	if (!others)
		return true;
	if (key->code != CODE_SRV6 || others & CODE_MPLS)
		return false;
	if (addr_equal(&m->path[path].dst, &r->msg.ip))
		return true;
	for (__u32 i = 0; i < key->n; i++)
		if (addr_equal(&key->segment[i], &r->msg.ip))
			return true;
	return false;
}

static void model_subject(const struct model *m, struct event *e, const struct failed_key *key)
{
	e->is_resource = key->is_resource;
	e->is_transit = key->is_transit;
	e->index = key->index;
	e->usable = model_standing(m, key) != STANDING_FAILED;
	e->congested = model_standing(m, key) == STANDING_CONGESTED;
	memcpy(e->name, model_name(m, key), sizeof(e->name));
}

static bool model_changed(enum reason reason)
{
	return reason == REASON_FAILED || reason == REASON_CONGESTED ||
	       reason == REASON_RECOVERED || reason == REASON_EASED || reason == REASON_MEASURED;
}

static bool model_begins(const struct reading *r)
{
	return r->msg.kind == KIND_FAILURE || r->msg.kind == KIND_CONGESTION;
}

static enum reason model_act_on(struct model *m, const struct reading *r,
				const struct tunnel_key *tunnel, const struct failed_key *key)
{
	enum reason reason;
	struct event *e;

	if (r->msg.kind == KIND_LOAD)
		reason = model_metrics_take(m, key, &r->msg);
	else if (model_begins(r))
		reason = model_failed_add(m, key, &r->msg, r->proven);
	else if (msg_has(&r->msg, TLVI_EVENT))
		reason = model_failed_remove(m, key);
	else
		reason = model_failed_sweep(m, key);
	if (r->msg.kind == KIND_CONGESTION && reason != REASON_FAILED_FULL &&
	    reason != REASON_FAILED_SHARE)
		pace_asked(key->is_transit  ? &m->through[key->index].ask :
			   key->is_resource ? &m->resource[key->index].value.ask :
					      &m->ask[key->index],
			   &r->msg, m->config.pacing.target_percent, m->config.pacing.share);
	if (!model_changed(reason))
		return reason;
	e = model_notification(m, r, tunnel, reason);
	model_subject(m, e, key);
	return reason;
}

/* Of several subjects, the one that changed decides, where one did. */
static void model_sum(enum reason *sum, enum reason one)
{
	if (!model_changed(*sum))
		*sum = one;
}

/* A recovery that names an event and no tunnel: wherever that is recorded. Each subject that it leaves
 * has an event of its own. */
static enum reason model_recover_event(struct model *m, const struct reading *r,
				       const struct failed_key *named)
{
	static const struct tunnel_key none;
	enum reason reason = REASON_NOT_KNOWN;
	struct failed_key key = *named;

	for (__u32 i = 0; i < MODEL_PATHS + MODEL_RESOURCES + MAX_TRANSIT; i++) {
		struct model_failed *f;
		struct event *e;

		key.is_transit = i >= MODEL_PATHS + MODEL_RESOURCES;
		key.is_resource = i >= MODEL_PATHS && !key.is_transit;
		key.index = key.is_transit  ? i - MODEL_PATHS - MODEL_RESOURCES :
			    key.is_resource ? i - MODEL_PATHS :
					      i;
		f = model_failed(m, &key);
		if (!f)
			continue;
		reason = model_ended(&key);
		model_failed_drop(m, f);
		e = model_event(m, EVENT_PATH, reason);
		e->kind = r->msg.kind;
		e->event_id = key.event_id;
		e->peer = r->frame.src;
		model_subject(m, e, &key);
	}
	if (reason != REASON_NOT_KNOWN)
		model_notification(m, r, &none, reason);
	return reason;
}

static enum reason model_act_on_tunnel(struct model *m, const struct reading *r,
				       const struct tunnel_key *tunnel, struct failed_key key)
{
	const struct tunnel_paths *paths = NULL;
	enum reason sum = REASON_UNMATCHED;

	for (__u32 i = 0; i < m->n_tunnels; i++)
		if (!memcmp(&m->tunnel[i].paths.tunnel, tunnel, sizeof(*tunnel)))
			paths = &m->tunnel[i].paths;
	key.is_resource = false;
	for (__u32 i = 0; paths && i < paths->n; i++) {
		enum reason reason;

		key.index = paths->path[i];
		if (!model_also(m, r, tunnel, key.index))
			continue;
		reason = model_act_on(m, r, tunnel, &key);
		/* What was done for the paths before it stays done: those must stop. */
		if (reason == REASON_FAILED_FULL || reason == REASON_METRICS_FULL)
			return reason;
		model_sum(&sum, reason);
	}
	return sum;
}

static bool model_node(const struct model *m, const struct msg_node *node, struct resource_key *key)
{
	bool has_as = node->present & MSG_BIT(SUBTLVI_AS);

	if (!(node->present & MSG_BIT(SUBTLVI_ROUTER_ID)))
		return false;
	resource_key_node(key, has_as ? node->as : m->config.as, node->router_id,
			  node->router_id_len);
	return true;
}

static bool model_link_told(const struct msg *msg)
{
	return msg_has(msg, TLVI_LINK_IDS) || msg_has(msg, TLVI_LOCAL_IPV4) ||
	       msg_has(msg, TLVI_REMOTE_IPV4) || msg_has(msg, TLVI_LOCAL_IPV6) ||
	       msg_has(msg, TLVI_REMOTE_IPV6);
}

/* All names that a location holds: of a node that is down, and of a link. */
static __u32 model_names(const struct model *m, const struct msg *msg, struct resource_key key[5])
{
	const struct msg_node *down =
		msg_has(msg, TLVI_REMOTE_NODE) ? &msg->remote_node : &msg->local_node;
	struct addr here4 = addr_from_v4(msg->local_ipv4_be);
	struct addr there4 = addr_from_v4(msg->remote_ipv4_be);
	__u32 n = 0;

	if (msg->kind > KIND_RECOVERY && msg_has(msg, TLVI_NODE_LOAD) && !model_link_told(msg))
		n += model_node(m, &msg->local_node, &key[n]);
	else if (msg->cause == CAUSE_NODE_DOWN && model_node(m, down, &key[n]))
		n++;
	if (msg_has(msg, TLVI_LOCAL_IPV6) && msg_has(msg, TLVI_REMOTE_IPV6))
		resource_key_link(&key[n++], &msg->local_ipv6, &msg->remote_ipv6);
	if (msg_has(msg, TLVI_LOCAL_IPV4) && msg_has(msg, TLVI_REMOTE_IPV4))
		resource_key_link(&key[n++], &here4, &there4);
	if (msg_has(msg, TLVI_LINK_IDS) && model_node(m, &msg->local_node, &key[n]))
		resource_key_port(&key[n++], msg->local_link);
	if (msg_has(msg, TLVI_LINK_IDS) && model_node(m, &msg->remote_node, &key[n]))
		resource_key_port(&key[n++], msg->remote_link);
	return n;
}

static enum reason model_act_on_location(struct model *m, const struct reading *r,
					 const struct tunnel_key *tunnel, struct failed_key key)
{
	enum reason sum = REASON_UNMATCHED, reason;
	struct resource_key name[5];
	__u32 n = model_names(m, &r->msg, name);

	key.is_resource = true;
	for (__u32 i = 0; i < n; i++)
		for (__u32 j = 0; j < m->n_locations; j++) {
			if (memcmp(&m->location[j].key, &name[i], sizeof(name[i])))
				continue;
			key.index = m->location[j].index;
			reason = model_act_on(m, r, tunnel, &key);
			if (reason == REASON_FAILED_FULL || reason == REASON_METRICS_FULL)
				return reason;
			model_sum(&sum, reason);
		}
	return sum;
}

/* The place of a tunnel, and perhaps of one flow inside, or where it would be; -1: no room. */
static int model_place(const struct model *m, const struct tunnel_key *tunnel, __u64 hash, bool make)
{
	for (__u32 i = 0; i < 4; i++) {
		const struct transit *t = &m->transit[(hash + i) % MAX_TRANSIT];

		if (t->hash == hash && !memcmp(&t->tunnel, tunnel, sizeof(*tunnel)))
			return (hash + i) % MAX_TRANSIT;
	}
	for (__u32 i = 0; make && i < 4; i++)
		if (!m->transit[(hash + i) % MAX_TRANSIT].hash)
			return (hash + i) % MAX_TRANSIT;
	return -1;
}

static enum reason model_act_on_transit(struct model *m, const struct reading *r,
					const struct tunnel_key *tunnel, struct failed_key key)
{
	const struct msg *msg = &r->msg;
	bool flowed = msg_has(msg, TLVI_FLOW), begins = model_begins(r);
	__u32 ports = htonl((__u32)msg->flow_sport << 16 | msg->flow_dport);
	__u64 hash = hash_tunnel(tunnel) | 1;
	enum reason reason;
	int place;

	if (flowed)
		hash = flow_hash(&msg->flow_src, &msg->flow_dst, ports, msg->flow_protocol, 0, hash) |
		       1;
	place = model_place(m, tunnel, hash, begins);
	if (place < 0)
		return begins ? REASON_FAILED_FULL : REASON_NOT_KNOWN;
	if (!m->transit[place].hash) {
		struct transit *t = &m->transit[place];

		*t = (struct transit){ .hash = hash, .flowed = flowed, .tunnel = *tunnel,
				       .src = msg->flow_src, .dst = msg->flow_dst,
				       .ports = ports, .proto = msg->flow_protocol,
				       .congested_ns = t->congested_ns };
		m->state.transit++;
	}
	key.is_transit = true;
	key.index = place;
	reason = model_act_on(m, r, tunnel, &key);
	if (reason == REASON_FAILED_FULL || reason == REASON_FAILED_SHARE)
		model_transit_forget(m, place);
	return reason;
}

/* The place of a flow of ours, whatever tunnel was named for it; -1: none, and no room. */
static int model_slowed(const struct model *m, const struct addr *src, const struct addr *dst,
			__u32 ports, __u32 proto, bool make, __u64 *hash)
{
	*hash = flow_hash(src, dst, ports, proto, 0, SLOWED_SEED) | 1;
	for (__u32 i = 0; i < 4; i++) {
		const struct transit *t = &m->transit[(*hash + i) % MAX_TRANSIT];

		if (t->hash == *hash && addr_equal(&t->src, src) && addr_equal(&t->dst, dst))
			return (*hash + i) % MAX_TRANSIT;
	}
	for (__u32 i = 0; make && i < 4; i++)
		if (!m->transit[(*hash + i) % MAX_TRANSIT].hash)
			return (*hash + i) % MAX_TRANSIT;
	return -1;
}

/* Of the flow that is named, which is to send less, or has been. */
static enum reason model_act_on_flow(struct model *m, const struct reading *r,
				     const struct tunnel_key *tunnel, struct failed_key key)
{
	const struct msg *msg = &r->msg;
	__u32 ports = htonl((__u32)msg->flow_sport << 16 | msg->flow_dport);
	bool begins = model_begins(r);
	enum reason reason;
	__u64 hash;
	int place = model_slowed(m, &msg->flow_src, &msg->flow_dst, ports, msg->flow_protocol, begins,
				 &hash);

	if (place < 0)
		return begins ? REASON_FAILED_FULL : REASON_UNMATCHED;
	if (!m->transit[place].hash) {
		m->transit[place] = (struct transit){ .hash = hash, .flowed = true, .tunnel = *tunnel,
						      .src = msg->flow_src, .dst = msg->flow_dst,
						      .ports = ports, .proto = msg->flow_protocol,
						      .congested_ns = m->transit[place].congested_ns };
		m->state.transit++;
	}
	key.is_transit = true;
	key.index = place;
	reason = model_act_on(m, r, tunnel, &key);
	if (reason == REASON_FAILED_FULL)
		model_transit_forget(m, place);
	return reason;
}

/* What names neither flow nor rate, but the event: it is confirmed of all its flows, or over. */
static enum reason model_act_on_event(struct model *m, const struct reading *r,
				      const struct tunnel_key *tunnel, struct failed_key key)
{
	enum reason reason = REASON_UNMATCHED;

	key.is_transit = true;
	for (key.index = 0; key.index < MAX_TRANSIT; key.index++) {
		const struct transit *t = &m->transit[key.index];
		struct model_failed *f = model_failed(m, &key);
		struct event *e;

		if (!f || !t->flowed)
			continue;
		m->changes = true;
		if (model_begins(r)) {
			if (f->touched != TOUCHED_NEW)
				f->touched = TOUCHED_AGAIN;
			f->value.sequence = r->msg.sequence;
			f->validity_ms = r->msg.validity_ms;
			reason = REASON_REFRESHED;
			continue;
		}
		reason = REASON_EASED;
		model_failed_drop(m, f);
		e = model_event(m, EVENT_PATH, reason);
		e->kind = r->msg.kind;
		e->event_id = key.event_id;
		e->peer = r->frame.src;
		model_subject(m, e, &key);
	}
	if (reason == REASON_EASED)
		model_notification(m, r, tunnel, reason);
	return reason;
}

/* Where flows are held back and not their path: what is about one of a tunnel of ours. */
static enum reason model_act_on_flows(struct model *m, const struct reading *r,
				      const struct tunnel_key *tunnel, struct failed_key key)
{
	const struct msg *msg = &r->msg;
	bool ours = false;

	for (__u32 i = 0; i < m->n_tunnels; i++)
		ours |= !memcmp(&m->tunnel[i].paths.tunnel, tunnel, sizeof(*tunnel));
	if (!m->config.pacing.flows || !ours || !key.is_congestion)
		return REASON_UNMATCHED;
	if (model_begins(r) && msg_has(msg, TLVI_FLOW) && (msg_has(msg, TLVI_RATE) || msg->hint == 3))
		return model_act_on_flow(m, r, tunnel, key);
	if (msg_has(msg, TLVI_EVENT))
		return model_act_on_event(m, r, tunnel, key);
	if (!model_begins(r) && msg_has(msg, TLVI_FLOW))
		return model_act_on_flow(m, r, tunnel, key);
	return REASON_UNMATCHED;
}

/* By the tunnel where that is ours; else by the location, where that says something; else what passes
 * here is meant. */
static enum reason model_act_on_rest(struct model *m, const struct reading *r)
{
	struct failed_key key = { .event_id = r->msg.event_id };
	enum reason result = REASON_UNMATCHED, located;
	struct tunnel_key tunnel;
	bool named = model_tunnel(r, &tunnel);

	key.is_congestion = r->msg.kind == KIND_CONGESTION || r->msg.kind == KIND_ELIMINATION;
	for (int i = 0; i < 16; i++)
		key.originator = key.originator << 8 | r->frame.src.b[i];
	if (!r->msg.code && !model_begins(r) && r->msg.kind != KIND_LOAD && msg_has(&r->msg, TLVI_EVENT))
		result = model_recover_event(m, r, &key);
	else if (named)
		result = model_act_on_tunnel(m, r, &tunnel, key);
	if (result != REASON_UNMATCHED && result != REASON_NOT_KNOWN)
		return result;
	located = model_act_on_location(m, r, &tunnel, key);
	if (located != REASON_UNMATCHED)
		result = located;
	else if (m->config.pacing.transit && named && key.is_congestion && result == REASON_UNMATCHED)
		result = model_act_on_transit(m, r, &tunnel, key);
	if (result == REASON_UNMATCHED || (result == REASON_NOT_KNOWN && !r->msg.code))
		model_notification(m, r, &tunnel, result);
	return result;
}

/* A flow that is named, and where it is not that, the rest; an end may be both. */
static enum reason model_act(struct model *m, const struct reading *r)
{
	struct failed_key key = { .event_id = r->msg.event_id };
	enum reason result = REASON_UNMATCHED;
	struct tunnel_key tunnel;

	key.is_congestion = r->msg.kind == KIND_CONGESTION || r->msg.kind == KIND_ELIMINATION;
	for (int i = 0; i < 16; i++)
		key.originator = key.originator << 8 | r->frame.src.b[i];
	if (model_tunnel(r, &tunnel))
		result = model_act_on_flows(m, r, &tunnel, key);
	if (result == REASON_UNMATCHED || r->msg.kind == KIND_ELIMINATION)
		model_sum(&result, model_act_on_rest(m, r));
	return result;
}

/* What can't be, or is not to be acted on, is told. */
static enum reason model_sense(const struct msg *msg)
{
	struct measured measured = { .told = ~0 };

	if (msg->kind != KIND_CONGESTION && msg->kind != KIND_LOAD)
		return REASON_NONE;
	if (!metrics_possible(msg))
		return REASON_METRIC;
	if (msg->kind == KIND_CONGESTION && msg_has(msg, TLVI_RATE) && !pace_whole(msg->rate_max_f32))
		return REASON_METRIC;
	if (msg_has(msg, TLVI_HINT) && (!msg->hint || msg->hint > 4))
		return REASON_HINT;
	if (msg->kind == KIND_LOAD)
		model_measured(&measured, msg);
	return msg->hint == 4 || !measured.told ? REASON_REPORTED : REASON_NONE;
}

static struct model_origin *model_origin(struct model *m, const struct reading *r)
{
	struct model_origins *origins = r->proven ? &m->proven : &m->origins;
	struct model_origin *origin = origins->row, fresh = { .key = r->frame.src };

	while (origin < origins->row + origins->n && !addr_equal(&origin->key, &fresh.key))
		origin++;
	if (origin == origins->row + origins->n) {
		*origin = fresh;
		origins->n++;
		m->changes = true;
	}
	return origin;
}

static enum reason model_tell_of(struct model *m, const struct reading *r, enum reason reason)
{
	struct tunnel_key tunnel;

	model_tunnel(r, &tunnel);
	model_notification(m, r, &tunnel, reason);
	return reason;
}

/* Once for each sequence of an originator, and so often as there is credit for its kind, which is given
 * out once. One that could not act gives its sequence back; what it said before costs nothing. */
static enum reason model_once(struct model *m, const struct reading *r, enum reason sense)
{
	const struct rate *rate = &m->config.receive[r->msg.kind];
	bool numbered = msg_has(&r->msg, TLVI_EVENT) && !sense;
	struct model_origin *origin = NULL;
	enum reason reason;

	if (numbered || rate->interval_ns)
		origin = model_origin(m, r);
	if (numbered) {
		struct origin judged = origin->value;

		reason = window_take(&judged, r->msg.sequence);
		if (reason)
			return reason;
	}
	if (rate->interval_ns) {
		m->changes = true;
		if (origin->drawn[r->msg.kind] == rate->burst_ns / rate->interval_ns)
			return REASON_OVER_RATE;
		origin->drawn[r->msg.kind]++;
	}
	if (sense)
		return model_tell_of(m, r, sense);
	if (!numbered)
		return model_act(m, r);
	window_take(&origin->value, r->msg.sequence);
	m->changes = true;
	reason = model_act(m, r);
	if (reason == REASON_FAILED_FULL || reason == REASON_METRICS_FULL ||
	    reason == REASON_FAILED_SHARE)
		window_give_back(&origin->value, r->msg.sequence);
	return reason;
}

static void model_notify(struct model *m, const struct reading *r)
{
	model_verdict(m, r->reason ?: model_once(m, r, model_sense(&r->msg)), r->frame.len);
}

/* ---- a packet bound for the failed link ------------------------------------------------------ */

/* RFC 8754 §4.3.1: where the packet goes from here, and the tunnel it is in. REASON_NOT_IP: it is
 * none that could be named. */
static enum reason model_srh(const struct model *m, const struct reading *r, struct tunnel_key *t)
{
	const __u8 *srh = r->in->b + 54, *end = r->in->b + r->in->len;
	const struct addr *dst = &r->frame.dst;
	__u32 listed, left;

	if (srh + 8 > end || srh[2] != 4)
		return REASON_NOT_IP;
	listed = srh[4] + 1;
	left = srh[3];
	if (srh[1] < 2 * listed || left > listed)
		return REASON_NOT_IP;
	/* At its last segment, or with a next one that is not there, it is ours to deliver. */
	if (model_is_ours(m, dst) && (!left || srh + 8 + 16 * left > end))
		return REASON_NOT_IP;
	if (listed + (left == listed) > MAX_SEGMENTS)
		return REASON_TOO_DEEP;
	if (srh + 8 + 16 * listed > end)
		return REASON_NOT_IP;
	memcpy(t->segment, srh + 8, 16 * listed);
	if (left == listed)
		t->segment[listed++] = *dst;
	t->code = CODE_SRV6;
	t->n = listed;
	return REASON_NONE;
}

static enum reason model_doomed_tunnel(const struct model *m, const struct reading *r,
				       struct tunnel_key *t)
{
	const struct addr *dst = &r->frame.dst;

	if (r->mpls) {
		*t = r->labels;
		return r->stacked;
	}
	memset(t, 0, sizeof(*t));
	if (r->frame.version == 6 && r->frame.proto == IPPROTO_ROUTING)
		return model_srh(m, r, t);
	if (model_is_ours(m, dst) || addr_is_link_scope(dst))
		return REASON_NOT_IP;
	t->code = CODE_IP;
	t->n = 1;
	t->addr = *dst;
	return REASON_NONE;
}

static void model_tell_event(struct model *m, const struct model_told *told)
{
	struct event *e = model_event(m, EVENT_NOTIFIED, REASON_NOTIFIED);

	e->kind = KIND_FAILURE;
	e->cause = m->link.cause;
	e->ifindex = m->ifindex;
	e->event_id = m->link.event_id;
	e->sequence = told->value.sequence;
	e->timestamp_ns = m->link.detected_ns;
	e->validity_ms = m->config.validity_ms;
	e->peer = told->key.ingress;
	e->tunnel = told->value.tunnel;
	memcpy(e->name, m->link.name, sizeof(m->link.name));
}

/* Told once of each tunnel, for the node repeats nothing. */
static enum reason model_tell(struct model *m, const struct reading *r, const struct tunnel_key *t)
{
	struct model_told fresh = {
		.key = { .ingress = r->frame.src,
			 .tunnel_hash = hash_tunnel(t),
			 .ifindex = m->ifindex },
		.value = { .event_id = m->link.event_id, .sent = 1, .tunnel = *t },
		.touched = TOUCHED_NEW,
	};

	for (__u32 i = 0; i < m->n_told; i++)
		if (!memcmp(&m->told[i].key, &fresh.key, sizeof(fresh.key)))
			return REASON_DOOMED;
	if (!model_in(m->source, m->n_sources, &r->frame.src))
		return REASON_NOT_TOLD;
	if (m->n_told == MODEL_TOLD)
		return REASON_TOLD_FULL;
	fresh.value.sequence = ++m->state.sequence;
	m->told[m->n_told++] = fresh;
	m->changes = true;
	model_tell_event(m, &fresh);
	return REASON_NOTIFIED;
}

/* Every route leads to the failed link, where there is one. */
static void model_detect(struct model *m, const struct reading *r)
{
	const struct frame *f = &r->frame;
	enum reason reason;
	struct tunnel_key t;

	m->verdict = XDP_PASS;
	if (!m->state.links_down || !(r->ip || r->mpls))
		return;
	reason = model_doomed_tunnel(m, r, &t);
	if (reason == REASON_NOT_IP)
		return;
	if (reason == REASON_NONE && addr_is_v4(&f->src) &&
	    addr_is_unspecified(&m->config.loopback4))
		reason = REASON_NOT_TOLD;
	if (reason == REASON_NONE &&
	    (addr_is_multicast(&f->dst) || addr_is_multicast(&f->src) ||
	     addr_is_unspecified(&f->src) || f->fragment || model_is_notification(m, r)))
		reason = REASON_NOT_TOLD;
	if (reason == REASON_NONE)
		reason = model_tell(m, r, &t);
	model_verdict(m, reason, f->len);
	if (reason == REASON_NOTIFIED) {
		m->verdict = XDP_TX;
		m->rewrites = true;
	}
}

/* ---- the two programs ------------------------------------------------------------------------ */

static void model_begin(struct model *m)
{
	m->reason = REASON_NONE;
	m->changes = m->rewrites = m->marks = m->met = false;
	m->off = 0;
	m->bfd.heard = m->bfd.changed = m->bfd.link_failed = m->bfd.link_new = false;
	m->bfd.echoed = m->bfd.first = m->bfd.news = false;
	m->bfd.echo_ns = 0;
	m->slot = RANK_SLOTS;
	m->n_events = 0;
}

/* What can be marked is. */
static void model_mark(struct model *m, const struct frame *f)
{
	if (!((f->tclass & 3) % 3))
		return;
	m->count[REASON_MARKED].packets++;
	m->count[REASON_MARKED].bytes += f->len;
	m->rewrites = true;
}

/* A packet of what is held back, which the first one tells. The rate is not reached in a run: true, it is
 * to be marked, while that is being measured. */
static bool model_hold(struct model *m, int place)
{
	struct event *e;

	if (!m->through[place].measured) {
		m->through[place].measured = true;
		m->count[REASON_LOWERED].packets++;
		e = model_event(m, EVENT_PATH, REASON_LOWERED);
		e->kind = KIND_CONGESTION;
		e->is_transit = e->usable = e->congested = true;
		e->index = place;
		e->tunnel = m->transit[place].tunnel;
	}
	return !m->through[place].ask.rate;
}

/* By its tunnel, or by the flow inside. */
static void model_through(struct model *m, const struct reading *r)
{
	struct tunnel_key tunnel;
	struct frame inner = {};
	__u64 hash;
	int place;

	if (model_doomed_tunnel(m, r, &tunnel) || model_is_notification(m, r))
		return;
	hash = hash_tunnel(&tunnel) | 1;
	place = model_place(m, &tunnel, hash, false);
	if (place < 0 && model_inner(&inner, r))
		place = model_place(m, &tunnel,
				    flow_hash(&inner.src, &inner.dst, inner.ports, inner.proto, 0,
					      hash) | 1,
				    false);
	if (place >= 0 && model_hold(m, place))
		model_mark(m, &r->frame);
}

static bool model_bfd(struct model *m, const struct reading *r);   /* fuzz_bfd.h */
static bool model_decap(struct model *m, const struct reading *r); /* fuzz_decap.h */

static void model_core(struct model *m, const struct reading *r)
{
	model_begin(m);
	if (model_bfd(m, r))
		return;
	if (r->ours) {
		m->met = true;
		model_notify(m, r);
		return;
	}
	if (model_decap(m, r))
		return;
	if (m->state.transit && (r->ip || r->mpls))
		model_through(m, r);
	model_detect(m, r);
}

/* A packet without the VLAN tags and the routing header in front of it; true where there were tags. */
static bool model_uncover(const struct reading *r, struct bytes *bare)
{
	const __u8 *b = r->in->b;
	__u32 at = 12, behind;

	while (at < 20 && at + 6 <= r->in->len &&
	       (!memcmp(b + at, "\x81\x00", 2) || !memcmp(b + at, "\x88\xa8", 2)))
		at += 4;
	bare->len = 0;
	bytes_put(bare, b, MIN(r->in->len, 12));
	bytes_put(bare, b + at, r->in->len > at ? r->in->len - at : 0);
	b = bare->b + 14;
	if (bare->len < 56 || load16(b - 2) != htons(0x86dd) || b[6] != IPPROTO_ROUTING)
		return at > 12;
	behind = 54 + 8 * (b[41] + 1);
	if (behind >= bare->len)
		return at > 12;
	bare->b[14 + 6] = b[40];
	bare->len -= behind - 54;
	memmove(bare->b + 54, bare->b + behind, bare->len - 54);
	return at > 12;
}

/* A packet of a customer that claims the class of notifications: it gets another DSCP. */
static void model_remark(struct model *m, const struct frame *f)
{
	if (!m->config.remark || f->tclass >> 2 != m->config.tclass >> 2)
		return;
	m->count[REASON_REMARKED].packets++;
	m->count[REASON_REMARKED].bytes += f->len;
	m->rewrites = true;
}

static enum reason model_class(const struct model *m, const struct reading *r)
{
	const struct frame *f = &r->frame;

	if (addr_is_multicast(&f->dst) || addr_is_link_local(&f->dst) ||
	    addr_is_link_local(&f->src) || !model_in(m->class, m->n_classes, &f->dst))
		return REASON_NO_CLASS;
	return f->hop_limit <= 1 ? REASON_HOP_LIMIT : REASON_NONE;
}

static bool model_stands(const struct model *m, __u32 path, enum standing standing)
{
	struct failed_key key = { .index = path };

	return model_standing(m, &key) == standing;
}

/* Whose turn is it in the flow's slot? With an ordering, that of the path that it took last, while that
 * carries anything: nothing here is idle for long. Of the congested, only where no other does, or where
 * the ordering is strict. -1: nobody's. */
static int model_pick(struct model *m, const struct frame *f)
{
	__u64 hash = flow_hash(&f->src, &f->dst, f->ports, f->proto, f->qp, m->config.hash_seed);
	__u32 slot = hash % RANK_SLOTS, last = 0;

	if (m->rank.ordering != ORDERING_ANY) {
		m->slot = slot;
		last = m->flow[slot].path_plus_1;
		if (last && (model_stands(m, last - 1, STANDING_GOOD) ||
			     (m->rank.ordering == ORDERING_STRICT && model_carries(m, last - 1))))
			return last - 1;
	}
	for (enum standing standing = STANDING_GOOD; standing < STANDING_FAILED; standing++) {
		if (last && model_stands(m, last - 1, standing))
			return last - 1;
		for (__u32 i = 0; i < m->rank.n; i++) {
			__u32 path = m->rank.path[m->rank.order[slot] >> (4 * i) & 15];

			if (model_stands(m, path, standing))
				return path;
		}
	}
	m->slot = RANK_SLOTS;
	return -1;
}

/* The rate that is asked of a path; 0: none. */
static __u64 model_wanted(const struct model *m, __u32 path)
{
	__u64 wanted = m->health[path].value.congestions > 0 ? m->ask[path].rate : 0;

	for (__u32 i = 0; i < m->path[path].n_crossed; i++) {
		const struct resource *r = &m->resource[m->path[path].crossed[i]].value;

		if (r->congestions > 0 && r->ask.rate && (!wanted || r->ask.rate < wanted))
			wanted = r->ask.rate;
	}
	return wanted;
}

/* A packet on a congested path. Where a rate is asked for, one packet takes all of it, or none does: true
 * where there is no room for this one. Else what can be marked is. */
static bool model_lowers(struct model *m, const struct reading *r, __u32 path)
{
	struct event *e;

	if (!m->lowered[path].measured) {
		memset(&m->lowered[path], 0, sizeof(m->lowered[path]));
		m->lowered[path].measured = true;
		m->count[REASON_LOWERED].packets++;
		e = model_event(m, EVENT_PATH, REASON_LOWERED);
		e->kind = KIND_CONGESTION;
		e->usable = e->congested = true;
		e->index = path;
		memcpy(e->name, m->path[path].name, sizeof(e->name));
	}
	m->lowered[path].bytes += r->frame.len;
	m->lowered[path].rate = model_wanted(m, path);
	if (!m->lowered[path].rate)
		return false;
	if (m->lowered[path].full)
		return true;
	m->lowered[path].full = m->config.pacing.burst_ns == 1;
	return false;
}

/* Is it of a flow whose sender's QP is known? */
static bool model_flow_known(const struct model *m, const struct reading *r)
{
	const struct frame *f = &r->frame;

	if (!m->config.cnp || f->proto != IPPROTO_UDP || f->fragment || frame_dport(f) != ROCE_PORT || !f->qp)
		return false;
	for (__u32 i = 0; i < ARRAY_SIZE(m->sender); i++)
		if (addr_equal(&m->sender[i].host, &f->src) && addr_equal(&m->sender[i].peer, &f->dst) &&
		    m->sender[i].sport == frame_sport(f))
			return true;
	return false;
}

/* A packet of a flow that is held back itself: is it to be marked? */
static bool model_held(struct model *m, const struct reading *r)
{
	const struct frame *f = &r->frame;
	__u64 hash;
	int place = model_slowed(m, &f->src, &f->dst, f->ports, f->proto, false, &hash);

	return m->config.pacing.flows && place >= 0 && model_hold(m, place);
}

static void model_steer(struct model *m, const struct reading *r, __u32 path)
{
	bool congested = model_stands(m, path, STANDING_CONGESTED);
	bool lowers = congested && m->rank.on_congestion == RELIEF_LOWER;
	bool held = model_held(m, r);

	m->taken = path;
	if (m->slot < RANK_SLOTS)
		m->flow[m->slot].path_plus_1 = path + 1;
	if (lowers && model_lowers(m, r, path)) {
		model_verdict(m, model_flow_known(m, r) ? REASON_CNP : REASON_PACED, r->frame.len);
		m->rewrites |= m->reason == REASON_CNP;
		m->verdict = m->reason == REASON_CNP ? XDP_TX : XDP_DROP;
		return;
	}
	m->marks = m->path[path].tunnel == TUNNEL_MARK;
	m->verdict = m->marks ? XDP_PASS : XDP_REDIRECT;
	m->rewrites |= !m->marks;
	m->steered[path].packets++;
	m->steered[path].bytes += r->frame.len;
	held |= congested && !(lowers && m->lowered[path].rate);
	if (held)
		model_mark(m, &r->frame);
}

/* A packet that does not show, or not at first sight, what it is: REASON_CUSTOMER_PORT for a
 * notification. */
static enum reason model_hidden(struct model *m, const struct reading *r)
{
	static struct bytes bare;
	struct reading within = { .in = &bare };
	bool tagged = model_uncover(r, &bare);

	if (!frame_parse(&within.frame, bare.b, bare.b + bare.len))
		return REASON_NONE;
	if (model_is_notification(m, &within))
		return REASON_CUSTOMER_PORT;
	if (tagged)
		model_remark(m, &within.frame);
	return REASON_NONE;
}

static void model_customer(struct model *m, const struct reading *r)
{
	enum reason reason;
	int path;

	model_begin(m);
	if (!r->ip || r->in->len < 14 + r->frame.len) {
		model_verdict(m, model_hidden(m, r) ?: REASON_NOT_IP, r->in->len);
		return;
	}
	m->met = model_is_notification(m, r);
	if (m->met || model_hidden(m, r)) {
		model_verdict(m, REASON_CUSTOMER_PORT, r->frame.len);
		return;
	}
	model_remark(m, &r->frame);
	reason = model_class(m, r);
	if (!reason) {
		path = model_pick(m, &r->frame);
		if (path >= 0) {
			model_steer(m, r, path);
			return;
		}
		reason = REASON_NO_PATH;
		memcpy(model_event(m, EVENT_NO_PATH, reason)->name, m->group, NAME_LEN);
	}
	model_verdict(m, reason, r->frame.len);
}

#endif
