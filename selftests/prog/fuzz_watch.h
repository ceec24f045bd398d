/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A P node's egress, said once more for the host: what fantel_watch makes of a packet, of the gauge
 * and of who was told, and every byte of the notifications that clones become. Included by
 * fuzz_core.c alone, behind fuzz_model.h and fuzz_packets.h.
 *
 * Times are not foretold, but once the packet's moments are known from the gauge, all that follows
 * from them is: how old what was told is, what a bucket holds, the average of what was sent. So the
 * model is asked after the run. Where chance decides who is told, one of its ways must explain what
 * became of the packet.
 *
 * Not compared, for lack of a way to bring it about by a test run:
 *  - the sums over several queues or CPUs (mq, pfifo_fast), and what the tracepoint notes:
 *    test_watch.c. Where the packet shows its device, the queue is a real one; else the gauge is
 *    filled by chance.
 *  - packets with an unfinished checksum, or with less than their headers in one piece: none can be
 *    made, and none that is shorter than its IP header.
 *  - what fantel_ingress does with metadata (mark, depart): a test run of a tc program takes none.
 *    lab/test_mark, lab/test_depart.
 */
#ifndef FUZZ_WATCH_H
#define FUZZ_WATCH_H

#include <sys/socket.h>

#include <linux/if_packet.h>

#include "fuzz_model.h"
#include "fuzz_packets.h"

#define WATCH_GAUGES 8			     /* that there are */
#define WATCH_BUCKETS 128		     /* more than there are ingress PEs */
#define WATCH_SENT 3			     /* by one packet: one of each trouble */
#define WATCH_WALL_NS 1763630000000000000ULL /* what is added to the clock for that of the day */
#define WATCH_LOST_NS (100 * NSEC_PER_MSEC)  /* how long what the tracepoint noted counts */
#define WATCH_TICK_NS (500 * 1000ULL)	     /* no window is shorter */
#define WATCH_CONTROL 7			     /* TC_PRIO_CONTROL */
#define WATCH_NEXT (~0U)		     /* TCX_NEXT */

enum {
	CORE0,
	CORE1,
	CORE2,
	CORE3,
	CORES,
};

struct watch_port {
	__u32 ifindex;
	bool watched, linked; /* is in fantel_watches, fantel_links */
	struct watch watch;
	struct link link;
	__u32 bytes, packets, queue_id; /* what waits there, where packets show it */
};

/* What is to come out, or stays in core1's queue. */
struct watch_sent {
	bool clone;    /* the packet as it came */
	bool upstream; /* to whom the packet came from */
	int port;      /* where */
	struct told_key key;
	struct told told;
	struct gauge gauge; /* as it is told of */
	enum wire_cause cause;
	__u64 detected_ns;
	__u32 key_id; /* signed with; 0: not */
};

struct watching {
	struct model *m;
	struct fantel_bpf *node;
	int wire;	     /* what leaves by any port */
	int attached[CORE2]; /* see net_attach_egress */

	struct watch_port port[CORES];
	struct gauge gauge[WATCH_GAUGES];
	struct gauge *got; /* the map itself */
	struct watch_bucket {
		struct addr dst;
		struct bucket value;
	} bucket[WATCH_BUCKETS];
	__u32 n_buckets;
	__u64 filled_ns; /* when core1's queue began */
	struct key key[MAX_SIGN_KEYS];

	/* The packet in hand. */
	int at;	   /* the port */
	__u32 len; /* on the wire */
	struct __sk_buff before, after;
	__u64 start_ns, end_ns, start_jiffies, end_jiffies;
	const char *wrong; /* what can't be, of the times that were seen */
	__u64 now_ns;	   /* the latest moment of it that is known */
	struct watch_sent sent[WATCH_SENT];
	__u32 n_sent;
	__u32 flips, coins; /* so often chance decided; and how, from the lowest bit on */
	struct bytes out;   /* what came out */

	__u64 heads, tails; /* packets that only one side of the coin explains */
};

/* ---- trouble --------------------------------------------------------------------------------- */

/* A moment that the node noted: of this run, and not before the one before. */
static void watch_moment(struct watching *w, __u64 ns)
{
	if (ns < w->now_ns || ns > w->end_ns)
		w->wrong = "a moment that is not this packet's";
	w->now_ns = ns;
}

enum model_level { MAY_END, LASTS, BEGINS };

static enum model_level model_level(const struct threshold *t, __u64 value)
{
	if (t->onset && value >= t->onset)
		return BEGINS;
	return t->onset && value >= t->end ? LASTS : MAY_END;
}

static bool model_meets(const struct watch_port *p, const struct gauge *g, enum trouble trouble,
			enum model_level level)
{
	bool on = g->trouble[trouble].event_id == p->watch.event_id[trouble];

	return level == BEGINS || (level == LASTS && on);
}

/* A bucket that is new is full. What more than a burst would cost, costs a burst. */
static bool model_draw(struct watching *w, const struct addr *dst)
{
	const struct rate *rate = &w->m->config.rate[BUCKET_CONGESTION];
	__u64 cost = MIN(w->m->config.n_repeats * rate->interval_ns, rate->burst_ns), more;
	struct watch_bucket *b = w->bucket;

	while (b < w->bucket + w->n_buckets && !addr_equal(&b->dst, dst))
		b++;
	if (b == w->bucket + w->n_buckets) {
		*b = (struct watch_bucket){ *dst, { .credit_ns = BUCKET_FULL } };
		w->n_buckets++;
	}
	if (!rate->interval_ns)
		return true;
	more = w->now_ns > b->value.last_ns ? w->now_ns - b->value.last_ns : 0;
	if (more < rate->burst_ns && b->value.credit_ns < rate->burst_ns - more)
		b->value.credit_ns += more;
	else
		b->value.credit_ns = rate->burst_ns;
	b->value.last_ns = MAX(b->value.last_ns, w->now_ns);
	if (b->value.credit_ns < cost)
		return false;
	b->value.credit_ns -= cost;
	return true;
}

/* The key that counts and did so last; of those that began together, the first. */
static __u32 model_signs(const struct watching *w)
{
	const struct config *c = &w->m->config;
	struct timespec tai;
	__u64 now;
	int best = -1;

	clock_gettime(CLOCK_TAI, &tai);
	now = tai.tv_sec * NSEC_PER_SEC + tai.tv_nsec;
	for (int i = 0; i < c->n_sign_keys; i++)
		if (w->key[i].from_ns <= now && now < w->key[i].until_ns &&
		    (best < 0 || w->key[i].from_ns > w->key[best].from_ns))
			best = i;
	return best < 0 ? 0 : c->sign_key[best];
}

/* By which port an ingress PE is reached; -1: by none. */
static int model_way(const struct addr *to)
{
	static const struct {
		const char *text;
		int port;
	} rows[] = {
		{ "2001:db8:f::3/128", CORE1 }, { "2001:db8:f::9/128", -1 },
		{ "2001:db8:f::f/128", CORE3 }, { "2001:db8:f::/124", CORE0 },
		{ "198.51.100.9/32", CORE1 },	{ "198.51.100.15/32", -1 },
		{ "198.51.100.0/28", CORE0 },
	};
	static struct policy_prefix prefix[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!prefix[i].plen)
			prefix[i] = prefix_of(rows[i].text);
		if (addr_in_prefix(to, &prefix[i].addr, prefix[i].plen))
			return rows[i].port;
	}
	return -1;
}

enum model_due { TELL_NOT, TELL_REPEAT, TELL_NEW };

static enum model_due model_due(const struct watching *w, const struct told *told, __u32 event_id)
{
	const struct config *c = &w->m->config;
	__s64 age = w->now_ns - told->first_ns;

	if (!told->sent || told->event_id != event_id)
		return TELL_NEW;
	if (age < 0)
		age = 0;
	if (told->sent < c->n_repeats && told->sent < MAX_REPEATS &&
	    (__u64)age >= c->repeat_ns[told->sent])
		return TELL_REPEAT;
	return c->refresh_ns && (__u64)age >= c->refresh_ns ? TELL_NEW : TELL_NOT;
}

static struct model_told *model_told(struct model *m, const struct told_key *key)
{
	for (__u32 i = 0; i < m->n_told; i++)
		if (!memcmp(&m->told[i].key, key, sizeof(*key)))
			return &m->told[i];
	return NULL;
}

/* What an ingress PE of the domain is to be told of its tunnel, noted; REASON_NONE: nothing. */
static enum reason model_watch_told(struct watching *w, const struct told_key *key,
				    const struct tunnel_key *tunnel, __u32 event_id,
				    struct told **to)
{
	struct model *m = w->m;
	struct model_told *told = model_told(m, key);
	enum model_due due;

	if (!told) {
		if (!model_in(m->source, m->n_sources, &key->ingress))
			return REASON_NONE;
		if (m->n_told == MODEL_TOLD)
			return REASON_TROUBLE_FULL;
		told = &m->told[m->n_told++];
		*told = (struct model_told){ .key = *key, .value.tunnel = *tunnel };
	}
	if (memcmp(&told->value.tunnel, tunnel, sizeof(*tunnel)))
		return REASON_TROUBLE_FULL;
	due = model_due(w, &told->value, event_id);
	if (due == TELL_NOT)
		return REASON_NONE;
	m->changes = true;
	if (due == TELL_REPEAT) {
		told->value.sent++;
	} else {
		if (told->value.event_id != event_id)
			told->value.before = told->value.event_id;
		told->value.event_id = event_id;
		told->value.first_ns = w->now_ns;
		told->value.sent = 0;
		if (!model_draw(w, &key->ingress))
			return REASON_TROUBLE_LIMITED;
		told->value.sent = 1;
		told->value.sequence = ++m->state.sequence;
	}
	told->value.last_ns = w->now_ns;
	*to = &told->value;
	return REASON_TROUBLE_TOLD;
}

static struct event *model_watch_event(struct watching *w, enum event_type type, enum reason reason,
				       const struct watch_port *p, __u32 event_id,
				       const struct watch_sent *sent)
{
	struct event *e = model_event(w->m, type, reason);

	e->kind = KIND_CONGESTION;
	e->cause = sent->cause;
	e->ifindex = p->ifindex;
	e->event_id = event_id;
	e->timestamp_ns = sent->detected_ns;
	memcpy(e->name, p->link.name, sizeof(p->link.name));
	return e;
}

/* The clone leaves; where none does, the loader has to tell. */
static enum reason model_watch_send(struct watching *w, const struct watch_port *p,
				    struct watch_sent *sent, struct told *told)
{
	int way = model_way(&sent->key.ingress);
	struct event *e;

	sent->key_id = model_signs(w);
	if (w->m->config.n_sign_keys && !sent->key_id)
		w->m->count[REASON_UNSIGNED].packets++;
	sent->told = *told;
	sent->clone = w->at == CORE2;
	sent->port = way < 0 ? way : sent->clone ? CORE2 : way;
	if (sent->port >= 0)
		w->sent[w->n_sent++] = *sent;
	if (way < 0 || sent->clone) {
		told->sent = 0;
		return REASON_TROUBLE_LATER;
	}
	if (told->sent == 1) {
		e = model_watch_event(w, EVENT_NOTIFIED, REASON_TROUBLE_TOLD, p, told->event_id,
				      sent);
		e->validity_ms = w->m->config.validity_ms;
		e->sequence = told->sequence;
		e->peer = sent->key.ingress;
		e->tunnel = told->tunnel;
	}
	return REASON_TROUBLE_TOLD;
}

/* The port by which the packet came, where the P node behind it is to be told; else NULL. */
static const struct watch_port *model_from(const struct watching *w)
{
	for (int i = 0; i < CORES; i++) {
		const struct watch_port *p = &w->port[i];

		if (p->ifindex == w->before.ingress_ifindex && p->linked &&
		    !addr_is_unspecified(&p->link.upstream))
			return p;
	}
	return NULL;
}

/* Once the ingress PE is told, it may be the turn of the P node that the packet came from. */
static bool model_upstream(struct watching *w, struct told_key *key, __u32 event_id)
{
	const struct model_told *told = model_told(w->m, key);
	const struct watch_port *from = model_from(w);

	if (!from || addr_equal(&from->link.upstream, &key->ingress))
		return false;
	if (!told || told->value.event_id != event_id || !told->value.sent ||
	    !(w->coins >> w->flips++ & 1))
		return false;
	key->ingress = from->link.upstream;
	return true;
}

/* Whom does the packet name? Nobody who must not be answered. */
static bool model_watch_asks(const struct watching *w, const struct reading *r,
			     struct tunnel_key *tunnel)
{
	const struct frame *f = &r->frame;
	const struct model *m = w->m;

	if (!r->ip || model_is_notification(m, r) || model_doomed_tunnel(m, r, tunnel))
		return false;
	if (addr_is_v4(&f->src) && addr_is_unspecified(&m->config.loopback4))
		return false;
	return !f->fragment && !addr_is_multicast(&f->dst) && !addr_is_multicast(&f->src) &&
	       !addr_is_unspecified(&f->src) && !model_is_loopback(m, &f->src);
}

static void model_trouble(struct watching *w, const struct reading *r, enum trouble trouble)
{
	struct watch_port *p = &w->port[w->at];
	struct gauge *g = &w->gauge[p->watch.gauge];
	__u32 id = p->watch.event_id[trouble];
	const enum wire_cause cause[] = { [TROUBLE_QUEUE] = CAUSE_QUEUE,
					  [TROUBLE_LOAD] = CAUSE_UTILIZATION,
					  [TROUBLE_REPORTED] = p->watch.reported };
	struct watch_sent sent = {
		.key = { .ingress = r->frame.src, .ifindex = p->ifindex, .trouble = trouble },
		.cause = cause[trouble],
	};
	struct tunnel_key tunnel;
	struct told *told;
	enum reason reason;

	if (!p->linked)
		return;
	w->m->met = true;
	watch_moment(w, w->got[p->watch.gauge].trouble[trouble].seen_ns);
	g->trouble[trouble].seen_ns = w->now_ns;
	if (trouble == TROUBLE_REPORTED) {
		g->trouble[trouble].since_ns = p->watch.reported_ns;
	} else if (g->trouble[trouble].event_id != id) {
		g->trouble[trouble].event_id = id;
		g->trouble[trouble].since_ns = w->now_ns;
		sent.detected_ns = w->now_ns + w->m->state.wall_ns;
		model_watch_event(w, EVENT_TROUBLE, REASON_NONE, p, id, &sent)->time_ns = w->now_ns;
	}
	sent.detected_ns = g->trouble[trouble].since_ns + w->m->state.wall_ns;
	sent.gauge = *g;
	if (!model_watch_asks(w, r, &tunnel))
		return;
	sent.key.tunnel_hash = hash_tunnel(&tunnel);
	sent.upstream = model_upstream(w, &sent.key, id);
	reason = model_watch_told(w, &sent.key, &tunnel, id, &told);
	if (reason == REASON_TROUBLE_TOLD)
		reason = model_watch_send(w, p, &sent, told);
	if (!reason)
		return;
	w->m->reason = reason;
	w->m->count[reason].packets++;
	w->m->count[reason].bytes += r->frame.len;
}

/* ---- what waits, and what is sent ------------------------------------------------------------ */

static void model_queue(struct watching *w, struct gauge *g, const struct gauge *got)
{
	struct watch_port *p = &w->port[w->at];
	bool lost;

	if (w->m->config.queue_by == QUEUE_BY_PACKET) {
		g->queue_id = p->queue_id;
		g->bytes = p->bytes;
		g->packets = p->packets;
		return;
	}
	/* If that was just when it is lost, either is right. */
	lost = w->end_ns - g->read_ns > WATCH_LOST_NS;
	if (lost && w->start_ns - g->read_ns <= WATCH_LOST_NS)
		lost = !got->bytes && !got->packets;
	if (lost)
		g->bytes = g->packets = 0;
}

/* A window as long as the constant counts half, one of a hundred is all that counts. Truncated as
 * the difference is; over minutes, to a thousandth of it. */
static bool model_average(__u64 had, __u64 rate, __u64 window_ns, __u64 constant_ns, __u64 got)
{
	__u64 window = window_ns / 1000, constant = constant_ns / 1000;
	__int128 change = (__int128)rate - had, off;

	if (constant && window < 100 * constant)
		change = change * window / (constant + window);
	off = (__int128)got - had - change;
	if (window < 1 << 26)
		return !off;
	change = (change < 0 ? -change : change) / 1000 + 1;
	return off >= -change && off <= change;
}

static void model_load(struct watching *w, struct gauge *g, const struct gauge *got,
		       const struct watch *watch)
{
	__u64 had = g->window_ns, rate;
	unsigned __int128 permille;

	g->sent += w->len;
	if (got->jiffies == g->jiffies) {
		if (g->jiffies < w->start_jiffies || g->jiffies > w->end_jiffies)
			w->wrong = "a tick was missed";
		return;
	}
	if (got->jiffies < w->start_jiffies || got->jiffies > w->end_jiffies)
		w->wrong = "a tick that was none";
	g->jiffies = got->jiffies;
	if (got->window_ns == had) {
		if (w->now_ns - had >= WATCH_TICK_NS)
			w->wrong = "a window did not end";
		return;
	}
	watch_moment(w, got->window_ns);
	if (w->now_ns - had < WATCH_TICK_NS) {
		w->wrong = "a window was too short";
		return;
	}
	rate = g->sent * 1000000 / ((w->now_ns - had) / 1000);
	if (!model_average(g->load, rate, w->now_ns - had, watch->constant_ns, got->load))
		w->wrong = "another average";
	permille = (unsigned __int128)got->load * 1000 / watch->capacity;
	g->load = got->load;
	g->permille = MIN(permille, 0xffffffffU);
	g->window_ns = w->now_ns;
	g->sent = 0;
}

/* The run is over: its moments are known. */
static void model_watch_by(struct watching *w, const struct reading *r)
{
	struct watch_port *p = &w->port[w->at];
	const struct watch *watch = &p->watch;
	struct gauge *g = &w->gauge[watch->gauge % WATCH_GAUGES];
	const struct gauge *got = &w->got[watch->gauge % WATCH_GAUGES];
	enum model_level by_bytes, by_packets;

	model_begin(w->m);
	w->m->verdict = WATCH_NEXT;
	w->now_ns = w->start_ns;
	w->flips = w->n_sent = 0;
	if (!p->watched || watch->gauge >= WATCH_GAUGES)
		return;
	if (watch->bytes.onset || watch->packets.onset) {
		model_queue(w, g, got);
		by_bytes = model_level(&watch->bytes, g->bytes);
		by_packets = model_level(&watch->packets, g->packets);
		if (model_meets(p, g, TROUBLE_QUEUE, MAX(by_bytes, by_packets)))
			model_trouble(w, r, TROUBLE_QUEUE);
	}
	if (watch->reported)
		model_trouble(w, r, TROUBLE_REPORTED);
	if (!watch->capacity)
		return;
	model_load(w, g, got, watch);
	if (model_meets(p, g, TROUBLE_LOAD, model_level(&watch->load, g->permille)))
		model_trouble(w, r, TROUBLE_LOAD);
}

/* Is this what the node did, as far as chance can make a difference? */
static bool model_explains(const struct watching *w, const struct traffic *stats, __u32 n_events)
{
	const struct model *m = w->m;
	struct told got;

	if (memcmp(stats, m->count, sizeof(m->count)) || n_events != m->n_events)
		return false;
	for (__u32 i = 0; i < m->n_told; i++)
		if (!node_get(w->node->maps.fantel_told, &m->told[i].key, &got) ||
		    memcmp(&got, &m->told[i].value, sizeof(got)))
			return false;
	return true;
}

/* The first way of chance that explains it; where none does, any. */
static void model_watch(struct watching *w, const struct reading *r, const struct traffic *stats,
			__u32 n_events)
{
	static struct model m;
	static struct watching before;
	__u32 ways = 0, first = 0;

	w->coins = 0;
	if (model_from(w)) {
		m = *w->m;
		before = *w;
	}
	model_watch_by(w, r);
	if (!w->flips)
		return;
	for (__u32 coins = 0, n = 1 << w->flips; coins < n; coins++) {
		*w->m = m;
		*w = before;
		w->coins = coins;
		model_watch_by(w, r);
		n = MAX(n, 1U << w->flips);
		if (model_explains(w, stats, n_events) && !ways++)
			first = coins;
	}
	w->heads += ways == 1 && first;
	w->tails += ways == 1 && !first;
	before.heads = w->heads;
	before.tails = w->tails;
	*w->m = m;
	*w = before;
	w->coins = first;
	model_watch_by(w, r);
}

/* ---- what comes out -------------------------------------------------------------------------- */

/* The next frame that leaves by one of the ports, and by which. False: there is none. */
static bool watch_catch(struct watching *w, int *port, __u32 *mark, __u32 *priority)
{
	struct sockaddr_ll from;
	union {
		struct cmsghdr align;
		char b[256];
	} control;
	struct iovec into = { w->out.b, sizeof(w->out.b) };
	struct msghdr msg = { .msg_name = &from,
			      .msg_namelen = sizeof(from),
			      .msg_iov = &into,
			      .msg_iovlen = 1,
			      .msg_control = &control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(w->wire, &msg, 0);

	if (n < 0)
		return false;
	w->out.len = n;
	for (*port = 0; *port < CORES && w->port[*port].ifindex != (__u32)from.sll_ifindex; ++*port)
		;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_MARK)
			memcpy(mark, CMSG_DATA(c), sizeof(*mark));
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_PRIORITY)
			memcpy(priority, CMSG_DATA(c), sizeof(*priority));
	}
	return true;
}

/* The bits of a single, rounded down. */
static __u32 model_single(__u64 value)
{
	float f = value;
	__u32 bits;

	memcpy(&bits, &f, sizeof(bits));
	return value && (unsigned __int128)f > value ? bits - 1 : bits;
}

/* Of the port: where it is, and what it carries. */
static void model_says_port(struct msg *m, const struct watch_port *p, const struct gauge *g)
{
	__u64 capacity = p->watch.capacity, load = MIN(g->load, capacity);

	m->present |= MSG_BIT(TLVI_QUEUE);
	m->queue_id = g->queue_id;
	m->queue_depth = g->bytes;
	m->queue_limit = p->watch.limit_bytes;
	if (p->link.location_len) {
		m->present |= MSG_BIT(TLVI_LOCAL_IPV6) | MSG_BIT(TLVI_REMOTE_IPV6);
		m->local_ipv6 = addr_of(LINK_A6);
		m->remote_ipv6 = addr_of(LINK_B6);
	}
	if (capacity) {
		m->present |= MSG_BIT(TLVI_CAPACITY) | MSG_BIT(TLVI_AVAILABLE) |
			      MSG_BIT(TLVI_UTILIZED);
		m->capacity_f32 = model_single(capacity);
		m->available_f32 = model_single(capacity - load);
		m->utilized_f32 = model_single(load);
	}
	if (p->watch.rate_max_f32) {
		m->present |= MSG_BIT(TLVI_RATE);
		m->rate_min_f32 = p->watch.rate_min_f32;
		m->rate_max_f32 = p->watch.rate_max_f32;
	}
}

/* Of the packet that met it: its tunnel, and to its ingress PE the flow inside. */
static void model_says_packet(struct msg *m, const struct reading *r, const struct watch_sent *sent)
{
	const struct tunnel_key *tunnel = &sent->told.tunnel;
	struct frame inner = {};

	m->code = tunnel->code;
	if (tunnel->code == CODE_SRV6)
		m->n_segments = tunnel->n;
	else
		m->ip = tunnel->addr;
	if (sent->upstream || !model_inner(&inner, r))
		return;
	m->present |= MSG_BIT(TLVI_FLOW);
	m->flow_version = inner.version;
	m->flow_protocol = inner.proto;
	m->flow_sport = frame_sport(&inner);
	m->flow_dport = frame_dport(&inner);
	m->flow_src = inner.src;
	m->flow_dst = inner.dst;
}

/* All that it is to say. */
static struct msg model_says(const struct watching *w, const struct watch_sent *sent,
			     const struct reading *r)
{
	const struct config *c = &w->m->config;
	struct msg m;

	memset(&m, 0, sizeof(m));
	m.kind = KIND_CONGESTION;
	m.present = MSG_BIT(TLVI_EVENT) | MSG_BIT(TLVI_TIMESTAMP) | MSG_BIT(TLVI_CAUSE);
	m.event_id = sent->told.event_id;
	m.sequence = sent->told.sequence;
	m.validity_ms = c->validity_ms;
	m.timestamp_ns = sent->detected_ns;
	m.cause = sent->cause;
	model_says_port(&m, &w->port[w->at], &sent->gauge);
	model_says_packet(&m, r, sent);
	if (c->domain) {
		m.present |= MSG_BIT(TLVI_DOMAIN);
		m.domain = c->domain;
	}
	if (sent->key_id) {
		m.present |= MSG_BIT(TLVI_AUTH);
		m.auth_key_id = sent->key_id;
		m.auth_algorithm = w->key[sent->key_id - 1].mac.algorithm;
	}
	return m;
}

/* But for places, and the MAC, which is checked for itself. */
static bool model_said(struct msg want, const struct msg *got)
{
	want.len = got->len;
	want.srh_at = got->srh_at;
	want.options_at = got->options_at;
	memcpy(want.at, got->at, sizeof(want.at));
	memcpy(want.auth_mac, got->auth_mac, sizeof(want.auth_mac));
	return !memcmp(&want, got, sizeof(want));
}

/* Of the frame that says so: options are as long as docs/wire.md has them. */
static __u32 model_says_len(const struct watching *w, const struct watch_sent *sent,
			     const struct msg *m)
{
	bool v4 = addr_is_v4(&sent->key.ingress);
	__u32 len = 14 + (v4 ? 20 : 40) + (v4 || w->m->config.transport == TRANSPORT_UDP ? 12 : 4);

	len += m->code == CODE_SRV6 ? 8 + 16 * m->n_segments : 16;
	len += w->port[w->at].link.location_len;
#define X(NAME, type, min, max, word)                \
	if (type >= 1089 && msg_has(m, TLVI_##NAME)) \
		len += 4 + (type == 65004 && m->flow_version == 6 ? max : min);
	WIRE_TLVS(X)
#undef X
	return len;
}

/* As the neighbour takes it: its own MAC, our class, all 255 hops, nothing behind it. */
static bool watch_framed(const struct watching *w, const struct watch_sent *sent,
			 const struct reading *r)
{
	const __u8 core = 0xe0 + sent->port, macs[12] = { 2, 0, 0, 0, core, 2, 2, 0, 0, 0, core, 1 };
	const struct config *c = &w->m->config;
	const struct frame *f = &r->frame;
	const __u8 *ip = w->out.b + 14;
	bool v4 = addr_is_v4(&sent->key.ingress);

	if (memcmp(w->out.b, macs, sizeof(macs)) || w->out.len != 14 + f->len)
		return false;
	if (!addr_equal(&f->dst, &sent->key.ingress) ||
	    !addr_equal(&f->src, v4 ? &c->loopback4 : &c->loopback6) || f->tclass != c->tclass ||
	    f->hop_limit != 255 ||
	    f->proto != (v4 || c->transport == TRANSPORT_UDP ? IPPROTO_UDP : IPPROTO_ICMPV6))
		return false;
	return v4 ? *ip == 0x45 && get16(ip + 6) == 0x4000 && !sum_end(sum_add(0, ip, 20))
		  : !(ntohl(load32(ip)) & 0xfffff);
}

static bool watch_notified(struct watching *w, const struct watch_sent *sent,
			   const struct reading *in)
{
	const struct tunnel_key *t = &sent->told.tunnel;
	const __u8 srh[8] = { IPPROTO_IPV6, 2 * t->n, 4, 0, t->n - 1 };
	struct msg want = model_says(w, sent, in);
	struct msg_envelope from;
	static struct reading r;
	struct tunnel_key named;

	model_read(w->m, &w->out, &r);
	if (!r.ip || !watch_framed(w, sent, &r) || model_refusal(w->m, &r))
		return false;
	if (!model_said(want, &r.msg) || w->out.len != model_says_len(w, sent, &want) ||
	    !model_tunnel(&r, &named) || memcmp(&named, t, sizeof(*t)) ||
	    (t->code == CODE_SRV6 && memcmp(r.buf.b + r.msg.srh_at, srh, sizeof(srh))))
		return false;
	from = (struct msg_envelope){ .src = r.frame.src, .dst = r.frame.dst };
	from.transport = r.frame.proto == IPPROTO_UDP ? TRANSPORT_UDP : TRANSPORT_ICMPV6;
	return !sent->key_id || !msg_auth(&r.msg, &w->key[sent->key_id - 1].mac, &from, &r.buf);
}

/* Does it come out, or wait in the queue? The neighbour of core3 is not there. */
static bool watch_shows(struct watching *w, const struct watch_sent *sent, const struct reading *r)
{
	struct watch_port *p = &w->port[CORE1];
	struct msg says;

	if (sent->clone || sent->port == CORE0)
		return true;
	if (sent->port != CORE1 || w->m->config.queue_by != QUEUE_BY_PACKET)
		return sent->port == CORE1;
	says = model_says(w, sent, r);
	p->bytes += model_says_len(w, sent, &says);
	p->packets++;
	return false;
}

static bool watch_passed(const struct watching *w, const struct bytes *in)
{
	return w->out.len == in->len && !memcmp(w->out.b, in->b, in->len);
}

/* All that is to, and nothing else. Mark and priority are right where the kernel does not say. */
static bool watch_sent_right(struct watching *w, const struct bytes *in, const struct reading *r)
{
	__u32 mark = 0, priority = WATCH_CONTROL;
	int port;

	for (__u32 i = 0; i < w->n_sent; i++) {
		const struct watch_sent *sent = &w->sent[i];

		if (!watch_shows(w, sent, r))
			continue;
		if (!watch_catch(w, &port, &mark, &priority) || port != sent->port)
			return false;
		if (sent->clone ? !watch_passed(w, in) :
				  mark || priority != WATCH_CONTROL || !watch_notified(w, sent, r))
			return false;
	}
	return !watch_catch(w, &port, &mark, &priority);
}

/* ---- what is to be everywhere else ----------------------------------------------------------- */

static bool watch_gauges_agree(const struct watching *w)
{
	return !memcmp(w->got, w->gauge, sizeof(w->gauge));
}

/* Of this kind; those of others are not the program's. */
static bool watch_buckets_agree(const struct watching *w, const struct bucket_key *key,
				const struct bucket *got, __u32 n)
{
	__u32 found = 0;

	for (__u32 i = 0; i < n; i++) {
		__u32 j = 0;

		if (key[i].kind != BUCKET_CONGESTION)
			continue;
		while (j < w->n_buckets && !addr_equal(&w->bucket[j].dst, &key[i].dst))
			j++;
		if (j == w->n_buckets || memcmp(&w->bucket[j].value, &got[i], sizeof(*got)))
			return false;
		found++;
	}
	return found == w->n_buckets;
}

/* What the loader wrote is as it wrote it. */
static bool watch_left_alone(const struct watching *w)
{
	for (int i = 0; i < CORES; i++) {
		const struct watch_port *p = &w->port[i];
		struct watch watch;
		struct link link;

		if (node_get(w->node->maps.fantel_watches, &p->ifindex, &watch) != p->watched ||
		    (p->watched && memcmp(&watch, &p->watch, sizeof(watch))) ||
		    node_get(w->node->maps.fantel_links, &p->ifindex, &link) != p->linked ||
		    (p->linked && memcmp(&link, &p->link, sizeof(link))))
			return false;
	}
	return true;
}

/* The packet keeps what the kernel knows of it. */
static bool watch_kept(const struct watching *w)
{
	static const __u32 none[ARRAY_SIZE(w->after.cb)];

	return w->after.mark == w->before.mark && w->after.priority == w->before.priority &&
	       !w->after.tstamp && !memcmp(w->after.cb, none, sizeof(none));
}

#endif
