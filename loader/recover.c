// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Once a second or more often, and when a link is steady again, fantel_told is judged entry by
 * entry; what is due becomes a job. A job is one message and its repetitions (config.repeat_ns).
 * All jobs of a scan stand in one queue with a cursor per repetition: their first copies go out in
 * order, so the later copies fall due in the same order. Owned by run; some copies are sent at a
 * time, so that news of links never wait behind thousands of them.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "log.h"
#include "own.h"
#include "recover.h"
#include "text.h"
#include "transmit.h"

#define SCAN_MAX_NS NSEC_PER_SEC
#define SCAN_MIN_NS (10 * NSEC_PER_MSEC)
#define COPIES_AT_ONCE 64
#define ENTRIES_AT_ONCE 256

struct job {
	struct told_key key;
	struct event event;  /* kind, event_id, sequence, cause ... of what is sent */
	__u64 told_sequence; /* fantel_told's when the job was made */
	__u64 first_ns;	     /* when the first copy left */
	bool left;	     /* some copy did */
	__u32 len;
	__u8 packet[];
};

struct recover {
	const struct maps *maps;
	const struct links *links;
	const struct config *config;
	recover_fn *sent;
	void *arg;
	struct transmit out;
	__u32 copies;
	__u64 every_ns; /* between scans: several in the time of one refresh */
	__u64 scan_ns;	/* the next */
	bool scanning;	/* it is under way: `last` was judged */
	struct told_key last;
	bool warned;
	__u32 n, room;
	__u32 cursor[MAX_REPEATS]; /* by copy: the first job that still lacks it */
	struct job **job;
};

enum recover_verdict recover_judge(const struct told *told, const struct interface *link,
				   __u64 refresh_ns, __u64 now_ns)
{
	if (!link || !link->failed)
		return TOLD_WITHDRAW;
	/* An entry of an older event is detect's to renew, at the next packet. */
	if (!refresh_ns || told->event_id != link->link.event_id)
		return TOLD_KEEP;
	return now_ns - told->last_ns >= refresh_ns ? TOLD_REFRESH : TOLD_KEEP;
}

/* ---- messages -------------------------------------------------------------------------------- */

static __u32 build(struct msg_buf *buf, const struct msg_envelope *envelope, const struct event *e,
		   const struct interface *link, const struct config *config)
{
	struct msg_rules rules = msg_rules(config);
	struct writer w = msg_begin(buf, envelope);

	msg_put_tunnel(&w, &e->tunnel);
	if (link)
		msg_put_copy(&w, link->link.location, link->link.location_len, LOCATION_MAX);
	msg_put_event(&w, &rules, e->event_id, e->sequence, e->validity_ms);
	msg_put_u64(&w, &rules, TLV_TIMESTAMP, e->timestamp_ns);
	if (config->domain)
		msg_put_u32(&w, &rules, TLV_DOMAIN, config->domain);
	if (e->cause)
		msg_put_byte(&w, &rules, TLV_CAUSE, e->cause);
	return msg_finish(&w, &rules, envelope, e->kind, e->tunnel.code);
}

static struct msg_envelope envelope_to(const struct addr *ingress, const struct config *config)
{
	bool v4 = addr_is_v4(ingress);
	struct msg_envelope e = {
		.src = v4 ? config->loopback4 : config->loopback6,
		.dst = *ingress,
		.transport = v4 ? TRANSPORT_UDP : config->transport,
	};

	return e;
}

/* What will be said of this entry, with a sequence of its own. */
static struct event describe(const struct recover *recover, const struct told_key *key,
			     const struct told *told, const struct interface *link, enum kind kind)
{
	struct event e = {
		.time_ns = clock_now_ns(),
		.type = EVENT_NOTIFIED,
		.reason = REASON_NOTIFIED,
		.kind = kind,
		.cause = link ? link->link.cause : CAUSE_NONE,
		.path = ~0U,
		.ifindex = key->ifindex,
		.event_id = told->event_id,
		.sequence = maps_next_sequence(recover->maps),
		.validity_ms = kind == KIND_FAILURE ? recover->config->validity_ms : 0,
		.peer = key->ingress,
	};

	memcpy(&e.tunnel, &told->tunnel, sizeof(e.tunnel));
	if (link)
		memcpy(e.name, link->link.name, sizeof(link->link.name));
	e.timestamp_ns = !link			? clock_wall_ns(e.time_ns)
			 : kind == KIND_FAILURE ? link->link.detected_ns
						: clock_wall_ns(link->link.since_ns);
	return e;
}

/* ---- jobs ------------------------------------------------------------------------------------ */

static int add_job(struct recover *recover, const struct told_key *key, const struct event *e,
		   __u64 told_sequence, const void *packet, __u32 len)
{
	struct job *job OWN_MEM = calloc(1, sizeof(*job) + len);

	if (!job)
		return -ENOMEM;
	if (recover->n == recover->room) {
		__u32 room = recover->room ? 2 * recover->room : 64;
		void *new = reallocarray(recover->job, room, sizeof(*recover->job));

		if (!new)
			return -ENOMEM;
		recover->job = new;
		recover->room = room;
	}
	memcpy(&job->key, key, sizeof(*key));
	job->event = *e;
	job->told_sequence = told_sequence;
	job->len = len;
	memcpy(job->packet, packet, len);
	recover->job[recover->n++] = take_ptr(job);
	return 0;
}

static void make_job(struct recover *recover, const struct told_key *key, struct told *told,
		     const struct interface *link, enum kind kind)
{
	struct msg_envelope envelope = envelope_to(&key->ingress, recover->config);
	struct event e = describe(recover, key, told, link, kind);
	struct msg_buf buf = {};
	const __u8 *packet;
	__u32 len;

	len = build(&buf, &envelope, &e, link, recover->config);
	if (!len)
		return;
	packet = transmit_wrap(&buf, &envelope, len, recover->config->tclass, &len);
	if (kind == KIND_FAILURE) {
		/* As if detect had sent it: no packet needs to repeat it. */
		told->first_ns = told->last_ns = e.time_ns;
		told->sequence = e.sequence;
		told->sent = recover->config->n_repeats;
	} else {
		/* From the first copy on it counts as not told, also if we end before the last. */
		told->sent = 0;
	}
	if (bpf_map_update_elem(recover->maps->told, key, told, BPF_EXIST))
		return;
	if (add_job(recover, key, &e, told->sequence, packet, len))
		log_warn("notifications: no memory to send them; trying again");
}

/* The entry has been withdrawn, unless the link has failed again meanwhile. */
static void forget(const struct recover *recover, const struct job *job)
{
	struct told told;

	if (!bpf_map_lookup_elem(recover->maps->told, &job->key, &told) &&
	    told.event_id == job->event.event_id && told.sequence == job->told_sequence)
		bpf_map_delete_elem(recover->maps->told, &job->key);
}

static void clear_jobs(struct recover *recover)
{
	while (recover->n > 0)
		free(recover->job[--recover->n]);
	memset(recover->cursor, 0, sizeof(recover->cursor));
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
		recover->sent(recover->arg, &job->event);
	}
	if (r && !recover->warned) {
		recover->warned = true;
		log_warn("notifications: can't send to %s: %s; trying again each second",
			 addr_text(text, &job->key.ingress), strerror(-r));
	}
	if (copy + 1 == recover->copies && job->left) {
		recover->warned = false;
		if (job->event.kind == KIND_RECOVERY)
			forget(recover, job);
	}
}

/* When the next copy of this rank falls due; ~0 = there is none yet. */
static __u64 copy_due(const struct recover *recover, __u32 copy)
{
	__u32 at = recover->cursor[copy];

	if (at == recover->n || (copy && at == recover->cursor[copy - 1]))
		return ~0ULL;
	return copy ? recover->job[at]->first_ns + recover->config->repeat_ns[copy] : 0;
}

static void send_copies(struct recover *recover, __u64 now_ns)
{
	__u32 copies = recover->copies;

	for (__u32 copy = 0; copy < copies; copy++)
		for (__u32 i = 0; i < COPIES_AT_ONCE && copy_due(recover, copy) <= now_ns; i++)
			send_copy(recover, recover->job[recover->cursor[copy]++], copy, now_ns);
	if (recover->cursor[copies - 1] == recover->n)
		clear_jobs(recover);
}

/* ---- fantel_told ----------------------------------------------------------------------------- */

static void judge_entry(struct recover *recover, const struct told_key *key, __u64 now_ns)
{
	const struct interface *link = links_find(recover->links, key->ifindex);
	struct told told;

	if (bpf_map_lookup_elem(recover->maps->told, key, &told))
		return;
	if (link && !interface_is_core(link))
		link = NULL;
	switch (recover_judge(&told, link, recover->config->refresh_ns, now_ns)) {
	case TOLD_KEEP:
		break;
	case TOLD_REFRESH:
		make_job(recover, key, &told, link, KIND_FAILURE);
		break;
	case TOLD_WITHDRAW:
		make_job(recover, key, &told, link, KIND_RECOVERY);
		break;
	}
}

/* Begin, or go on behind `last`. */
static void scan(struct recover *recover, __u64 now_ns)
{
	struct told_key *last = recover->scanning ? &recover->last : NULL;

	if (!recover->scanning)
		recover->scan_ns = now_ns + recover->every_ns;
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

__u64 recover_due(const struct recover *recover)
{
	__u64 due = recover->n ? ~0ULL : recover->scan_ns;

	if (recover->scanning)
		return 0;
	for (__u32 copy = 0; copy < recover->copies; copy++)
		due = MIN(due, copy_due(recover, copy));
	return due;
}

/* A scan waits until what the last one found has been sent, and sending until the scan is over: so
 * no entry has two jobs, and none is removed under the scan. */
void recover_tick(struct recover *recover, __u64 now_ns)
{
	if (recover->scanning || (!recover->n && now_ns >= recover->scan_ns))
		scan(recover, now_ns);
	if (!recover->scanning)
		send_copies(recover, now_ns);
}

/* ---- start ----------------------------------------------------------------------------------- */

int recover_open(struct recover **out, const struct maps *maps, const struct links *links,
		 const struct config *config, recover_fn *sent, void *arg)
{
	struct recover *recover = calloc(1, sizeof(*recover));
	int r;

	if (!recover)
		return -ENOMEM;
	recover->maps = maps;
	recover->links = links;
	recover->config = config;
	recover->sent = sent;
	recover->arg = arg;
	recover->copies = MAX(1, config->n_repeats);
	recover->every_ns = SCAN_MAX_NS;
	if (config->refresh_ns)
		recover->every_ns = MIN(SCAN_MAX_NS, MAX(SCAN_MIN_NS, config->refresh_ns / 4));
	r = transmit_open(&recover->out, config->tclass);
	if (r) {
		free(recover);
		return r;
	}
	*out = recover;
	return 0;
}

void recover_free(struct recover *recover)
{
	if (!recover)
		return;
	clear_jobs(recover);
	free(recover->job);
	transmit_close(&recover->out);
	free(recover);
}
