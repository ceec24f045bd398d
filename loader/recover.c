// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Once a second or more often, when a link is steady again, and when a group may have lost its last
 * path, fantel_told is judged entry by entry; what is due becomes a job. A job is one message and its repetitions (config.repeat_ns).
 * All jobs of a scan stand in one queue with a cursor per repetition: their first copies go out in
 * order, so the later copies fall due in the same order. News of links that fail have a queue of their
 * own, which goes first. Owned by run; some copies are sent at a time, so that news of links never wait
 * behind thousands of them.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "fantel/bucket.h"
#include "fantel/metric.h"
#include "keyring.h"
#include "learned.h"
#include "location.h"
#include "log.h"
#include "own.h"
#include "recover.h"
#include "text.h"
#include "transmit.h"

#define SCAN_MAX_NS NSEC_PER_SEC
#define SCAN_MIN_NS (10 * NSEC_PER_MSEC)
#define COPIES_AT_ONCE 64
#define ENTRIES_AT_ONCE 256
#define FULL_QUIET_NS (60 * NSEC_PER_SEC) /* after one sentence */

struct job {
	struct told_key key;
	struct event event;  /* kind, event_id, sequence, cause ... of what is sent */
	__u64 told_sequence; /* fantel_told's when the job was made: it may have been renewed since */
	__u64 first_ns;	     /* when the first copy left */
	bool left;	     /* some copy did */
	__u32 len;
	__u8 packet[];
};

/* Jobs in the order of their first copies. */
struct queue {
	__u32 n, room;
	__u32 cursor[MAX_REPEATS]; /* by copy: the first job that still lacks it */
	struct job **job;
};

/* What a controller may hear, of failures or of congestion. */
struct limit {
	struct bucket bucket;
	bool news; /* that it has not heard yet, for want of credit */
};

struct recover {
	const struct maps *maps;
	const struct links *links;
	const struct watches *watches;
	const struct senses *senses;
	const struct policy *policy;
	const struct config *config; /* the policy's */
	struct groups *groups;	     /* NULL where there are no controllers */
	struct limit (*limit)[2];    /* by controller; of congestion the second */
	struct policy_port nowhere;  /* a location that is the node */
	recover_fn *sent;
	void *arg;
	struct transmit out;
	__u32 copies;
	__u64 every_ns; /* between scans: several in the time of one refresh */
	__u64 scan_ns;	/* the next */
	__u64 scanned_ns; /* when the last began */
	bool scanning;	/* it is under way: `last` was judged */
	struct told_key last;
	bool warned, warned_unsigned;
	__u64 full_ns; /* until then nothing more is said of a full fantel_told */
	struct queue urgent, queue;
};

enum recover_verdict recover_judge(const struct told *told, const struct condition *condition,
				   __u64 refresh_ns, __u64 now_ns)
{
	if (!condition || !condition->lasts)
		return TOLD_WITHDRAW;
	/* An entry of an older event is the packet path's to renew, at the next packet. */
	if (told->event_id != condition->event_id)
		return TOLD_KEEP;
	if (condition->ours && !told->sent)
		return TOLD_REFRESH;
	if (!refresh_ns)
		return TOLD_KEEP;
	return now_ns - told->last_ns >= refresh_ns ? TOLD_REFRESH : TOLD_KEEP;
}

/* ---- conditions ------------------------------------------------------------------------------ */

static bool link_condition(const struct recover *recover, __u32 ifindex, struct condition *c)
{
	const struct interface *i = links_find(recover->links, ifindex);

	if (!i || !interface_is_core(i))
		return false;
	*c = (struct condition){
		.lasts = i->failed,
		.ours = recover->config->learn_every,
		.cause = i->link.cause,
		.event_id = i->link.event_id,
		.detected_ns = i->link.detected_ns,
		.since_ns = i->link.since_ns,
		.location_len = i->link.location_len,
	};
	memcpy(c->name, i->link.name, sizeof(i->link.name));
	memcpy(c->location, i->link.location, sizeof(c->location));
	return true;
}

/* Of a link that is up. Packets tell of it, but those that can't leave it to us. */
static bool trouble_condition(const struct recover *recover, const struct told_key *key,
			      struct condition *c)
{
	if (!link_condition(recover, key->ifindex, c))
		return false;
	c->ours = true;
	c->since_ns = clock_now_ns();
	c->cause = trouble_cause(key->trouble) ?: watches_reported(recover->watches, key->ifindex);
	c->lasts = watches_trouble(recover->watches, key->ifindex, key->trouble, &c->event_id,
				   &c->since_ns);
	c->detected_ns = clock_wall_ns(c->since_ns);
	if (!c->lasts)
		return true;
	watches_add_bandwidth(recover->watches, &c->measured, key->ifindex, clock_now_ns());
	c->queued = watches_queue(recover->watches, key->ifindex, &c->queue);
	return true;
}

/* Measured by us, of a link or of the node. */
static bool sensed_condition(const struct recover *recover, const struct told_key *key,
			     struct condition *c)
{
	const struct sensed_key about = { .ifindex = key->ifindex, .trouble = key->trouble };
	const struct sensed *sensed = senses_find(recover->senses, &about);

	if (!sensed)
		return false;
	*c = (struct condition){ .event_id = sensed->event_id };
	if (key->ifindex && !link_condition(recover, key->ifindex, c))
		return false;
	if (!key->ifindex)
		c->location_len = location_build(c->location, recover->policy, &recover->nowhere);
	memcpy(c->name, sensed->name, sizeof(c->name));
	c->measured = sensed_measured(&about, sensed);
	c->ours = true;
	c->lasts = sensed->on;
	c->cause = trouble_cause(key->trouble);
	c->event_id = sensed->event_id;
	c->since_ns = sensed->on ? sensed->since_ns : clock_now_ns();
	c->detected_ns = clock_wall_ns(c->since_ns);
	return true;
}

/* Index in policy; ~0 = it is not in the policy any more. */
static __u32 find_controller(const struct recover *recover, const struct told_key *key)
{
	for (__u32 i = 0; i < recover->policy->n_controllers; i++) {
		const struct policy_controller *c = &recover->policy->controller[i];

		if (addr_equal(&c->addr, &key->ingress) && c->port == key->port)
			return i;
	}
	return ~0U;
}

/* The same event-id as in what steer tells senders (tell.bpf.h). */
static __u32 group_event(__u32 group)
{
	return group + 1;
}

static bool group_condition(const struct recover *recover, const struct told_key *key,
			    struct condition *c)
{
	const struct group_state *state;
	const struct group_view *group;

	if (!recover->groups || find_controller(recover, key) == ~0U)
		return false;
	group = groups_find(recover->groups, key->group);
	if (!group)
		return false;
	state = key->trouble ? &group->congested : &group->failed;
	*c = (struct condition){
		.lasts = state->lasts,
		.ours = true,
		.cause = CAUSE_NO_FEASIBLE_PATH,
		.event_id = group_event(key->group),
		.detected_ns = state->detected_ns,
		.since_ns = state->since_ns,
	};
	memcpy(c->name, group->name, sizeof(c->name));
	c->location_len = location_build(c->location, recover->policy, &recover->nowhere);
	return true;
}

static bool find_condition(const struct recover *recover, const struct told_key *key,
			   struct condition *c)
{
	if (key->port)
		return group_condition(recover, key, c);
	if (key->trouble == TROUBLE_ERRORS || key->trouble == TROUBLE_NODE)
		return sensed_condition(recover, key, c);
	return key->trouble ? trouble_condition(recover, key, c)
			    : link_condition(recover, key->ifindex, c);
}

/* ---- messages -------------------------------------------------------------------------------- */

/* msg_finish, with a MAC where policy says so. */
static __u32 finish(struct recover *recover, struct writer *w, const struct msg_envelope *envelope,
		    const struct msg_rules *rules, const struct event *e)
{
	struct mac_key key;
	__u32 id, len;
	bool sign = keyring_choose(&id, &key, recover->maps, recover->config);

	if (sign)
		msg_put_auth(w, rules, id, key.algorithm);
	else if (recover->config->n_sign_keys && !recover->warned_unsigned)
		log_warn("no key that policy signs with is active: notifications leave without "
			 "authentication code");
	recover->warned_unsigned = !sign;
	len = msg_finish(w, rules, envelope, e->kind, e->tunnel.code);
	return len && sign && msg_sign(w->buf, envelope, len, &key, len - WIRE_AUTH_LEN, 0) ? 0 :
											      len;
}

/* What is measured of a link (RFC 8571), as far as anything is. */
static void put_metrics(struct writer *w, const struct measured *m)
{
	const struct {
		enum tlv_index index;
		enum tlv_type type;
		__u64 value;
	} bandwidth[] = {
		{ TLVI_RESIDUAL, TLV_RESIDUAL, m->residual },
		{ TLVI_AVAILABLE, TLV_AVAILABLE, m->available },
		{ TLVI_UTILIZED, TLV_UTILIZED, m->utilized },
	};

	if (measured_has(m, TLVI_CAPACITY))
		msg_put_word(w, TLV_CAPACITY, f32_bits(m->capacity));
	if (measured_has(m, TLVI_DELAY))
		msg_put_word(w, TLV_DELAY,
			     m->delay_us | (m->anomalous & ANOMALOUS_DELAY ? WIRE_METRIC_A : 0));
	if (measured_has(m, TLVI_LOSS))
		msg_put_word(w, TLV_LOSS,
			     m->loss | (m->anomalous & ANOMALOUS_LOSS ? WIRE_METRIC_A : 0));
	for (size_t i = 0; i < ARRAY_SIZE(bandwidth); i++)
		if (measured_has(m, bandwidth[i].index))
			msg_put_word(w, bandwidth[i].type, f32_bits(bandwidth[i].value));
}

static void put_queue(struct writer *w, const struct msg_rules *rules, const struct watched_queue *q)
{
	msg_put_queue(w, rules, q->id, q->bytes, q->limit_bytes);
	if (q->rate_max_f32)
		msg_put_u64(w, rules, TLV_RATE, (__u64)q->rate_min_f32 << 32 | q->rate_max_f32);
}

static __u32 build(struct msg_buf *buf, const struct msg_envelope *envelope,
		   const struct msg_rules *rules, const struct event *e, const struct condition *c,
		   struct recover *recover)
{
	const struct config *config = recover->config;
	struct writer w = msg_begin(buf, envelope);

	msg_put_tunnel(&w, &e->tunnel);
	if (c)
		msg_put_copy(&w, c->location, c->location_len, LOCATION_MAX);
	put_metrics(&w, &e->measured);
	msg_put_event(&w, rules, e->event_id, e->sequence, e->validity_ms);
	msg_put_u64(&w, rules, TLV_TIMESTAMP, e->timestamp_ns);
	if (c && c->queued)
		put_queue(&w, rules, &c->queue);
	if (measured_has(&e->measured, TLVI_NODE_LOAD))
		msg_put_u32(&w, rules, TLV_NODE_LOAD,
			    (__u32)e->measured.cpu_percent << 24 | e->measured.memory_percent << 16);
	if (config->domain)
		msg_put_u32(&w, rules, TLV_DOMAIN, config->domain);
	if (e->cause)
		msg_put_byte(&w, rules, TLV_CAUSE, e->cause);
	return finish(recover, &w, envelope, rules, e);
}

/* Controllers get UDP, at their own port. */
static struct msg_envelope envelope_to(const struct told_key *key, const struct config *config,
				       struct msg_rules *rules)
{
	bool v4 = addr_is_v4(&key->ingress);
	struct msg_envelope e = {
		.src = v4 ? config->loopback4 : config->loopback6,
		.dst = key->ingress,
		.transport = v4 || key->port ? TRANSPORT_UDP : config->transport,
	};

	*rules = msg_rules(config);
	if (key->port)
		rules->udp_port = key->port;
	return e;
}

/* The message that says `e`. Returns its length, 0 if it did not fit. */
static __u32 compose(struct recover *recover, const struct told_key *key, const struct event *e,
		     const struct condition *c, struct msg_buf *buf, const __u8 **packet)
{
	struct msg_rules rules;
	struct msg_envelope envelope = envelope_to(key, recover->config, &rules);
	__u32 len = build(buf, &envelope, &rules, e, c, recover);

	if (len)
		*packet = transmit_wrap(buf, &envelope, len, recover->config->tclass, &len);
	return len;
}

static bool is_onset(enum kind kind)
{
	return kind == KIND_FAILURE || kind == KIND_CONGESTION;
}

/* What will be said of this entry, with a sequence of its own. */
static struct event describe(const struct recover *recover, const struct told_key *key,
			     const struct told *told, const struct condition *c, enum kind kind)
{
	struct event e = {
		.time_ns = clock_now_ns(),
		.type = EVENT_NOTIFIED,
		.reason = key->trouble ? REASON_TROUBLE_TOLD : REASON_NOTIFIED,
		.kind = kind,
		.cause = c ? c->cause : CAUSE_NONE,
		.index = ~0U,
		.ifindex = key->port ? 0 : key->ifindex,
		.group = key->port ? key->group : 0,
		.event_id = told->event_id,
		.sequence = maps_next_sequence(recover->maps),
		.validity_ms = is_onset(kind) ? recover->config->validity_ms : 0,
		.peer = key->ingress,
	};

	memcpy(&e.tunnel, &told->tunnel, sizeof(e.tunnel));
	if (c)
		memcpy(e.name, c->name, sizeof(e.name));
	if (c)
		e.measured = c->measured;
	e.timestamp_ns = !c		  ? clock_wall_ns(e.time_ns)
			 : is_onset(kind) ? c->detected_ns
					  : clock_wall_ns(c->since_ns);
	return e;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static int add_job(struct queue *queue, const struct told_key *key, const struct event *e,
		   __u64 told_sequence, const void *packet, __u32 len)
{
	struct job *job OWN_MEM = calloc(1, sizeof(*job) + len);

	if (!job)
		return -ENOMEM;
	if (queue->n == queue->room) {
		__u32 room = queue->room ? 2 * queue->room : 64;
		void *new = reallocarray(queue->job, room, sizeof(*queue->job));

		if (!new)
			return -ENOMEM;
		queue->job = new;
		queue->room = room;
	}
	memcpy(&job->key, key, sizeof(*key));
	job->event = *e;
	job->told_sequence = told_sequence;
	job->len = len;
	memcpy(job->packet, packet, len);
	queue->job[queue->n++] = take_ptr(job);
	return 0;
}

/* A controller that hears too much hears the rest later, when the entry is judged again. What it
 * heard before does not take the credit of what is news. */
static bool may_tell(struct recover *recover, const struct told_key *key, bool news, __u64 now_ns)
{
	const struct rate *rate = &recover->config->rate[BUCKET_CONTROLLER];
	__u32 controller = key->port ? find_controller(recover, key) : ~0U;
	struct limit *limit;
	bool may;

	if (controller == ~0U)
		return true;
	limit = &recover->limit[controller][key->trouble != TROUBLE_NONE];
	if (!news && limit->news)
		return false;
	may = bucket_take(&limit->bucket, rate->interval_ns, rate->burst_ns, recover->copies,
			  now_ns);
	if (news)
		limit->news = !may;
	return may;
}

static void queue_job(struct recover *recover, struct queue *queue, const struct told_key *key,
		      const struct event *e, __u64 told_sequence, const void *packet, __u32 len)
{
	if (add_job(queue, key, e, told_sequence, packet, len))
		log_warn("notifications: no memory to send them; trying again");
}

static void make_job(struct recover *recover, struct queue *queue, const struct told_key *key,
		     struct told *told, const struct condition *c, enum kind kind)
{
	struct event e = describe(recover, key, told, c, kind);
	struct msg_buf buf = {};
	const __u8 *packet;
	__u32 len = compose(recover, key, &e, c, &buf, &packet);

	if (!len)
		return;
	if (!is_onset(kind)) {
		/* From now on it counts as not told, also if we end before the last copy. */
		told->sent = 0;
		if (bpf_map_update_elem(recover->maps->told, key, told, BPF_EXIST))
			return;
	}
	queue_job(recover, queue, key, &e, told->sequence, packet, len);
}

/* The entry has been withdrawn, unless the link has failed again meanwhile; then its event before. */
static void forget(const struct recover *recover, const struct job *job)
{
	struct told told;

	if (bpf_map_lookup_elem(recover->maps->told, &job->key, &told))
		return;
	if (told.before == job->event.event_id) {
		told.before = 0;
		bpf_map_update_elem(recover->maps->told, &job->key, &told, BPF_EXIST);
	} else if (!told.before && told.event_id == job->event.event_id &&
		   told.sequence == job->told_sequence) {
		bpf_map_delete_elem(recover->maps->told, &job->key);
	}
}

/* Now it counts as told, as if the packet path had done it, unless that has: no packet needs to repeat it.
 * What can't leave is found untold by the next scan. */
static void mark_told(const struct recover *recover, const struct job *job, __u64 now_ns)
{
	struct told told;

	if (bpf_map_lookup_elem(recover->maps->told, &job->key, &told) ||
	    told.event_id != job->event.event_id || told.sequence != job->told_sequence)
		return;
	told.first_ns = told.last_ns = now_ns;
	told.sequence = job->event.sequence;
	told.sent = recover->copies;
	bpf_map_update_elem(recover->maps->told, &job->key, &told, BPF_EXIST);
}

static void clear_jobs(struct queue *queue)
{
	while (queue->n > 0)
		free(queue->job[--queue->n]);
	memset(queue->cursor, 0, sizeof(queue->cursor));
}

/* ---- copies ---------------------------------------------------------------------------------- */

static void send_copy(struct recover *recover, struct job *job, __u32 copy, __u64 now_ns)
{
	char text[ADDR_TEXT];
	int r;

	if (copy == 0)
		job->first_ns = now_ns;
	r = transmit_send(&recover->out, &job->key.ingress, job->packet, job->len);
	if (!r && !job->left) {
		job->left = true;
		if (is_onset(job->event.kind))
			mark_told(recover, job, now_ns);
		recover->sent(recover->arg, &job->event);
	}
	if (r && !recover->warned) {
		recover->warned = true;
		log_warn("notifications: can't send to %s: %s; trying again each second",
			 addr_text(text, &job->key.ingress), strerror(-r));
	}
	if (copy + 1 == recover->copies && job->left) {
		recover->warned = false;
		if (!is_onset(job->event.kind))
			forget(recover, job);
	}
}

/* When the next copy of this rank falls due; ~0 = there is none yet. */
static __u64 copy_due(const struct recover *recover, const struct queue *queue, __u32 copy)
{
	__u32 at = queue->cursor[copy];

	if (at == queue->n || (copy && at == queue->cursor[copy - 1]))
		return ~0ULL;
	return copy ? queue->job[at]->first_ns + recover->config->repeat_ns[copy] : 0;
}

static __u64 queue_due(const struct recover *recover, const struct queue *queue)
{
	__u64 due = ~0ULL;

	for (__u32 copy = 0; copy < recover->copies; copy++)
		due = MIN(due, copy_due(recover, queue, copy));
	return due;
}

static void send_copies(struct recover *recover, struct queue *queue, __u64 now_ns)
{
	__u32 copies = recover->copies;

	for (__u32 copy = 0; copy < copies; copy++)
		for (__u32 i = 0; i < COPIES_AT_ONCE && copy_due(recover, queue, copy) <= now_ns; i++)
			send_copy(recover, queue->job[queue->cursor[copy]++], copy, now_ns);
	if (queue->cursor[copies - 1] == queue->n)
		clear_jobs(queue);
}

/* ---- trouble that begins --------------------------------------------------------------------- */

/* The ingress PE's bucket, which the packet path takes from, too. */
static bool has_credit(const struct recover *recover, const struct addr *ingress,
		       enum bucket_kind kind, __u32 copies, __u64 now_ns)
{
	const struct rate *rate = &recover->config->rate[kind];
	struct bucket_key key = { .dst = *ingress, .kind = kind };
	struct bucket bucket = {};

	bpf_map_lookup_elem(recover->maps->buckets, &key, &bucket);
	if (!bucket_take(&bucket, rate->interval_ns, rate->burst_ns, copies, now_ns))
		return false;
	bpf_map_update_elem(recover->maps->buckets, &key, &bucket, BPF_ANY);
	return true;
}

/* Whom we can't remember to have told could not be told of its end. */
static void say_full(struct recover *recover, const char *what, const char *name, __u64 now_ns)
{
	if (now_ns < recover->full_ns)
		return;
	recover->full_ns = now_ns + FULL_QUIET_NS;
	log_warn("%s%s: fantel_told is full, so not all whom it concerns are told; a higher limits/told in the "
		 "policy makes room",
		 what, name);
}

/* What begins, unless it was told; `tunnel` empty: by its location alone. */
static void tell_onset(struct recover *recover, const struct told_key *key,
		       const struct tunnel_key *tunnel, const struct condition *c, __u64 now_ns)
{
	struct told old = {}, told = { .event_id = c->event_id };

	if (!bpf_map_lookup_elem(recover->maps->told, key, &old)) {
		told.before = old.event_id == c->event_id ? old.before : old.event_id;
		if (memcmp(&old.tunnel, tunnel, sizeof(*tunnel)) ||
		    (old.event_id == c->event_id && old.sent))
			return;
	}
	if (!has_credit(recover, &key->ingress, key->trouble ? BUCKET_CONGESTION : BUCKET_FAILURE,
			recover->copies, now_ns))
		return;
	memcpy(&told.tunnel, tunnel, sizeof(*tunnel));
	if (bpf_map_update_elem(recover->maps->told, key, &told, BPF_ANY))
		say_full(recover, "", c->name, now_ns);
	else
		make_job(recover, &recover->urgent, key, &told, c,
			 key->trouble ? KIND_CONGESTION : KIND_FAILURE);
}

/* By its location. */
static void tell_ingress(struct recover *recover, const struct addr *ingress,
			 const struct sensed_key *about, const struct condition *c, __u64 now_ns)
{
	static const struct tunnel_key none;
	struct told_key key = {
		.ingress = *ingress,
		.ifindex = about->ifindex,
		.trouble = about->trouble,
	};

	if (c->location_len)
		tell_onset(recover, &key, &none, c, now_ns);
}

/* All whom it concerns; TROUBLE_NODE names no tunnels. */
static void tell_concerned(struct recover *recover, const struct sensed_key *about,
			   const struct condition *c, __u64 now_ns)
{
	__u64 age_ns = recover->policy->learned_age_ms * NSEC_PER_MSEC;
	struct learned_tunnels t OWN_LEARNED;
	int r;

	r = learned_read(&t, recover->maps->learned, about, now_ns - MIN(age_ns, now_ns));
	if (r)
		log_warn("%s is in trouble; can't read whose tunnels use it: %s", c->name, strerror(-r));
	for (__u32 i = 0; i < recover->policy->n_ingresses; i++)
		tell_ingress(recover, &recover->policy->ingress[i], about, c, now_ns);
	learned_by_ingress(&t);
	for (__u32 k = 0; k < t.n; k++)
		if (!k || !addr_equal(&t.tunnel[k].key.ingress, &t.tunnel[k - 1].key.ingress))
			tell_ingress(recover, &t.tunnel[k].key.ingress, about, c, now_ns);
	send_copies(recover, &recover->urgent, clock_now_ns());
	if (about->trouble == TROUBLE_NODE)
		return;
	learned_by_age(&t);
	for (__u32 k = 0; k < t.n; k++)
		tell_onset(recover, &t.tunnel[k].key, &t.tunnel[k].learned.tunnel, c, now_ns);
	send_copies(recover, &recover->urgent, clock_now_ns());
}

void recover_failed(struct recover *recover, const struct interface *i, __u64 now_ns)
{
	const struct sensed_key about = { .ifindex = i->ifindex };
	struct condition c;

	if (recover->config->learn_every && link_condition(recover, i->ifindex, &c))
		tell_concerned(recover, &about, &c, now_ns);
}

void recover_trouble(struct recover *recover, const struct sensed_key *about, __u64 now_ns)
{
	const struct told_key key = { .ifindex = about->ifindex, .trouble = about->trouble };
	struct condition c;

	if (find_condition(recover, &key, &c) && c.lasts)
		tell_concerned(recover, about, &c, now_ns);
}

/* ---- what is measured ------------------------------------------------------------------------ */

#define NODE_EVENT (~0U) /* of the node's load; a link's metrics have its ifindex */
#define REFRESHES 3	 /* so many may be lost */

/* Once: what is lost, the next one makes good. */
static void send_measured(struct recover *recover, const struct addr *ingress, struct event *e,
			  const struct condition *c)
{
	const struct told_key key = { .ingress = *ingress };
	struct msg_buf buf = {};
	const __u8 *packet;
	__u32 len;

	if (!has_credit(recover, ingress, BUCKET_LOAD, 1, e->time_ns))
		return;
	e->sequence = maps_next_sequence(recover->maps);
	e->peer = *ingress;
	len = compose(recover, &key, e, c, &buf, &packet);
	if (len && !transmit_send(&recover->out, ingress, packet, len))
		recover->sent(recover->arg, e);
}

static bool in_policy(const struct policy *policy, const struct addr *ingress)
{
	bool found = false;

	for (__u32 i = 0; i < policy->n_ingresses; i++)
		found |= addr_equal(&policy->ingress[i], ingress);
	return found;
}

void recover_measured(struct recover *recover, const struct sensed_key *about,
		      const struct measured *measured, __u64 now_ns)
{
	__u64 age_ns = recover->policy->learned_age_ms * NSEC_PER_MSEC;
	const struct told_key key = { .ifindex = about->ifindex, .trouble = about->trouble };
	struct learned_tunnels t OWN_LEARNED;
	struct condition c;
	struct event e = {
		.time_ns = now_ns,
		.type = EVENT_NOTIFIED,
		.kind = KIND_LOAD,
		.index = ~0U,
		.ifindex = about->ifindex,
		.event_id = about->ifindex ?: NODE_EVENT,
		.validity_ms = REFRESHES * recover->policy->changes.refresh_ms,
		.timestamp_ns = clock_wall_ns(now_ns),
		.measured = *measured,
	};

	learned_read(&t, recover->maps->learned, about, now_ns - MIN(age_ns, now_ns));
	if (!find_condition(recover, &key, &c) || !c.location_len)
		return;
	memcpy(e.name, c.name, sizeof(e.name));
	for (__u32 i = 0; i < recover->policy->n_ingresses; i++)
		send_measured(recover, &recover->policy->ingress[i], &e, &c);
	learned_by_ingress(&t);
	for (__u32 k = 0; k < t.n; k++) {
		const struct addr *ingress = &t.tunnel[k].key.ingress;

		if ((!k || !addr_equal(ingress, &t.tunnel[k - 1].key.ingress)) &&
		    !in_policy(recover->policy, ingress))
			send_measured(recover, ingress, &e, &c);
	}
}

/* ---- fantel_told ----------------------------------------------------------------------------- */

static enum kind kind_of(const struct told_key *key, enum recover_verdict verdict)
{
	if (verdict == TOLD_REFRESH)
		return key->trouble ? KIND_CONGESTION : KIND_FAILURE;
	return key->trouble ? KIND_ELIMINATION : KIND_RECOVERY;
}

/* End what was told before the event of this entry began. */
static void withdraw_before(struct recover *recover, const struct told_key *key, struct told told,
			    const struct condition *c)
{
	struct msg_buf buf = {};
	const __u8 *packet;
	struct event e;
	__u32 len;

	told.event_id = told.before;
	e = describe(recover, key, &told, c, kind_of(key, TOLD_WITHDRAW));
	len = compose(recover, key, &e, c, &buf, &packet);
	if (len)
		queue_job(recover, &recover->queue, key, &e, told.sequence, packet, len);
}

/* A failure that was not told, for want of credit or of a route, waits for credit still; congestion of
 * which no clone could tell has had its own. */
static bool may_say(struct recover *recover, const struct told_key *key, const struct told *told,
		    enum recover_verdict verdict, __u64 now_ns)
{
	bool untold = verdict == TOLD_REFRESH && !told->sent;

	if (key->port || key->trouble || !untold)
		return may_tell(recover, key, !told->sent || verdict == TOLD_WITHDRAW, now_ns);
	return has_credit(recover, &key->ingress, BUCKET_FAILURE, recover->copies, now_ns);
}

static void judge_entry(struct recover *recover, const struct told_key *key, __u64 now_ns)
{
	struct condition condition, *c = &condition;
	enum recover_verdict verdict;
	struct told told;

	if (bpf_map_lookup_elem(recover->maps->told, key, &told))
		return;
	if (!find_condition(recover, key, c))
		c = NULL;
	verdict = recover_judge(&told, c, recover->config->refresh_ns, now_ns);
	/* Not before what is on now was told: in between all would seem well. */
	if (told.before && (told.sent || verdict == TOLD_WITHDRAW))
		withdraw_before(recover, key, told, c);
	if (verdict != TOLD_KEEP && may_say(recover, key, &told, verdict, now_ns))
		make_job(recover, &recover->queue, key, &told, c, kind_of(key, verdict));
}

/* A group that is stuck: an entry for each controller that has none yet, not told so far. */
static void add_entries(struct recover *recover, __u32 group, const struct group_view *view,
			enum trouble trouble, __u64 now_ns)
{
	struct told told = { .first_ns = now_ns, .event_id = group_event(group) };

	memcpy(&told.tunnel, &view->tunnel, sizeof(told.tunnel));
	for (__u32 i = 0; i < recover->policy->n_controllers; i++) {
		struct told_key key = {
			.ingress = recover->policy->controller[i].addr,
			.group = group,
			.port = recover->policy->controller[i].port,
			.trouble = trouble,
		};

		if (bpf_map_update_elem(recover->maps->told, &key, &told, BPF_NOEXIST) && errno != EEXIST)
			say_full(recover, "group ", view->name, now_ns);
	}
}

static void look_at_groups(struct recover *recover, __u64 now_ns)
{
	groups_look(recover->groups, now_ns);
	for (__u32 group = 0; group < recover->maps->room[LIMIT_GROUPS]; group++) {
		const struct group_view *view = groups_find(recover->groups, group);

		if (view && view->failed.stuck)
			add_entries(recover, group, view, TROUBLE_NONE, now_ns);
		if (view && view->congested.stuck)
			add_entries(recover, group, view, TROUBLE_GROUP, now_ns);
	}
}

/* Begin, or go on behind `last`. */
static void scan(struct recover *recover, __u64 now_ns)
{
	struct told_key *last = recover->scanning ? &recover->last : NULL;

	if (!recover->scanning) {
		recover->scan_ns = now_ns + recover->every_ns;
		recover->scanned_ns = now_ns;
		if (recover->groups)
			look_at_groups(recover, now_ns);
	}
	recover->scanning = true;
	for (int i = 0; i < ENTRIES_AT_ONCE; i++, last = &recover->last) {
		if (bpf_map_get_next_key(recover->maps->told, last, &recover->last)) {
			recover->scanning = false;
			return;
		}
		judge_entry(recover, &recover->last, now_ns);
	}
}

void recover_hurry(struct recover *recover)
{
	recover->scan_ns = 0;
}

void recover_groups(struct recover *recover)
{
	if (recover->groups)
		recover->scan_ns =
			MIN(recover->scan_ns, recover->scanned_ns + SCAN_MIN_NS);
}

__u64 recover_due(const struct recover *recover)
{
	__u64 due = recover->queue.n || recover->urgent.n ? ~0ULL : recover->scan_ns;

	if (recover->scanning)
		return 0;
	due = MIN(due, queue_due(recover, &recover->urgent));
	return MIN(due, queue_due(recover, &recover->queue));
}

/* A scan waits until what the last one found has been sent, and sending until the scan is over: so
 * no entry has two jobs, and none is removed under the scan. */
void recover_tick(struct recover *recover, __u64 now_ns)
{
	send_copies(recover, &recover->urgent, now_ns);
	if (recover->scanning ||
	    (!recover->queue.n && !recover->urgent.n && now_ns >= recover->scan_ns))
		scan(recover, now_ns);
	if (!recover->scanning)
		send_copies(recover, &recover->queue, now_ns);
}

/* ---- start ----------------------------------------------------------------------------------- */

static int open_groups(struct recover *recover)
{
	__u32 n = recover->policy->n_controllers;

	if (!n)
		return 0;
	recover->limit = calloc(n, sizeof(*recover->limit));
	if (!recover->limit)
		return -ENOMEM;
	return groups_open(&recover->groups, recover->maps, recover->policy, clock_now_ns());
}

int recover_open(struct recover **out, const struct maps *maps, const struct links *links,
		 const struct watches *watches, const struct senses *senses,
		 const struct policy *policy, recover_fn *sent, void *arg)
{
	const struct config *config = &policy->config;
	struct recover *recover = calloc(1, sizeof(*recover));
	int r;

	if (!recover)
		return -ENOMEM;
	recover->maps = maps;
	recover->links = links;
	recover->watches = watches;
	recover->senses = senses;
	recover->policy = policy;
	recover->config = config;
	recover->sent = sent;
	recover->arg = arg;
	recover->copies = MAX(1, config->n_repeats);
	recover->every_ns = SCAN_MAX_NS;
	if (config->refresh_ns)
		recover->every_ns = MIN(SCAN_MAX_NS, MAX(SCAN_MIN_NS, config->refresh_ns / 4));
	recover->out.fd6 = recover->out.fd4 = -1;
	r = open_groups(recover) ?: transmit_open(&recover->out, config->tclass);
	if (r) {
		recover_free(recover);
		return r;
	}
	*out = recover;
	return 0;
}

void recover_free(struct recover *recover)
{
	if (!recover)
		return;
	clear_jobs(&recover->urgent);
	clear_jobs(&recover->queue);
	free(recover->urgent.job);
	free(recover->queue.job);
	free(recover->limit);
	groups_free(recover->groups);
	transmit_close(&recover->out);
	free(recover);
}
