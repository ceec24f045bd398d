// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <net/if.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "clock.h"
#include "fantel/metric.h"
#include "log.h"
#include "own.h"
#include "pressure.h"
#include "senses.h"
#include "watches.h"

/* One that is measured: of a port, or of the node. */
struct sense {
	const struct policy_port *port; /* NULL: of the node */
	__u64 interval_ns, hold_down_ns, due_ns;
	struct sensed_key key; /* ifindex 0, of a port: it has no interface now */
	struct sensed sensed;  /* as fantel_sensed has it */
	union {
		struct {
			bool known;
			struct error_counts counts;
		} before;
		struct pressure pressure;
	};
};

struct senses {
	const struct maps *maps;
	struct links *links;
	const struct policy *policy;
	struct sense_ops ops;
	struct netlink ask;
	__u32 n;
	struct sense sense[];
};

static bool is_there(const struct sense *s)
{
	return !s->port || s->key.ifindex;
}

static void write_sensed(const struct senses *senses, const struct sense *s)
{
	if (bpf_map_update_elem(senses->maps->sensed, &s->key, &s->sensed, BPF_ANY))
		log_error("%s: can't write fantel_sensed (%s); its trouble goes unreported",
			  s->sensed.name, strerror(errno));
}

/* ---- measuring ------------------------------------------------------------------------------- */

static enum level measure_errors(struct senses *senses, struct sense *s)
{
	const struct policy_watch *w = &s->port->watch;
	struct error_counts now;
	__u64 bad;

	s->sensed.value = 0;
	if (errors_read(&senses->ask, s->key.ifindex, w->counted, &now))
		return LEVEL_BELOW;
	if (!s->before.known)
		s->before.counts = now;
	s->sensed.value = errors_millionths(&s->before.counts, &now, &bad);
	s->before.counts = now;
	s->before.known = true;
	return errors_level(&s->sensed.threshold, s->sensed.value, bad, w->errors_least);
}

static enum level measure_node(const struct senses *senses, struct sense *s, __u64 now_ns)
{
	const struct policy_node_load *load = &senses->policy->node_load;

	s->sensed.value = pressure_cpu(&s->pressure, load->file ?: PRESSURE_FILE, now_ns);
	s->sensed.memory_percent = pressure_memory();
	return threshold_level(&s->sensed.threshold, s->sensed.value);
}

/* ---- trouble --------------------------------------------------------------------------------- */

enum sense_change sense_step(struct sensed *s, enum level level, __u64 hold_down_ns, __u64 now_ns)
{
	if (level == LEVEL_ABOVE || (s->on && level == LEVEL_BETWEEN))
		s->seen_ns = now_ns;
	if (!s->on && level == LEVEL_ABOVE) {
		s->on = 1;
		s->since_ns = now_ns;
		return SENSE_BEGINS;
	}
	if (!s->on || !trouble_is_over(level, s->seen_ns, hold_down_ns, now_ns))
		return SENSE_SAME;
	s->on = 0;
	return SENSE_ENDS;
}

#define LOSS_MAX (WIRE_METRIC_MASK - 1) /* "or more" */

/* From millionths to 0.000003 %. */
static __u32 loss_units(__u32 millionths)
{
	__u64 units = millionths * 100ULL / 3;

	return MIN(units, LOSS_MAX);
}

struct measured sensed_measured(const struct sensed_key *key, const struct sensed *s)
{
	if (key->trouble == TROUBLE_ERRORS)
		return (struct measured){
			.told = MSG_BIT(TLVI_LOSS),
			.loss = loss_units(s->value),
			.anomalous = s->on ? ANOMALOUS_LOSS : 0,
		};
	return (struct measured){
		.told = MSG_BIT(TLVI_NODE_LOAD),
		.cpu_percent = s->value,
		.memory_percent = s->memory_percent,
	};
}

static void tell(const struct senses *senses, const struct sense *s, __u64 now_ns)
{
	struct event event = {
		.time_ns = now_ns,
		.type = EVENT_TROUBLE,
		.kind = s->sensed.on ? KIND_CONGESTION : KIND_ELIMINATION,
		.cause = trouble_cause(s->key.trouble),
		.index = ~0U,
		.ifindex = s->key.ifindex,
		.event_id = s->sensed.event_id,
		.usable = !s->sensed.on,
		.timestamp_ns = clock_wall_ns(now_ns),
		.measured = sensed_measured(&s->key, &s->sensed),
	};

	memcpy(event.name, s->sensed.name, sizeof(s->sensed.name));
	senses->ops.news(senses->ops.arg, &event);
}

static void look(struct senses *senses, struct sense *s, __u64 now_ns)
{
	enum level level = s->port ? measure_errors(senses, s) : measure_node(senses, s, now_ns);
	enum sense_change change = sense_step(&s->sensed, level, s->hold_down_ns, now_ns);

	if (change != SENSE_SAME)
		tell(senses, s, now_ns); /* of the id that begins, or is over */
	if (change == SENSE_ENDS)
		s->sensed.event_id = links_new_event_id(senses->links, 0);
	write_sensed(senses, s);
	if (s->sensed.on)
		senses->ops.lasts(senses->ops.arg, &s->key);
}

const struct sensed *senses_find(const struct senses *senses, const struct sensed_key *key)
{
	for (__u32 i = 0; i < senses->n; i++)
		if (!memcmp(&senses->sense[i].key, key, sizeof(*key)) && is_there(&senses->sense[i]))
			return &senses->sense[i].sensed;
	return NULL;
}

__u64 senses_due(const struct senses *senses)
{
	__u64 due = ~0ULL;

	for (__u32 i = 0; i < senses->n; i++)
		due = MIN(due, senses->sense[i].due_ns);
	return due;
}

void senses_tick(struct senses *senses, __u64 now_ns)
{
	for (__u32 i = 0; i < senses->n; i++) {
		struct sense *s = &senses->sense[i];

		if (now_ns < s->due_ns)
			continue;
		s->due_ns = now_ns + s->interval_ns;
		if (is_there(s))
			look(senses, s, now_ns);
	}
}

/* ---- ports that come and go ------------------------------------------------------------------ */

static void take_interface(struct senses *senses, struct sense *s, __u32 ifindex)
{
	s->key.ifindex = ifindex;
	s->before.known = false;
	write_sensed(senses, s);
}

/* Trouble that is on goes with the interface: what was told of it is withdrawn. */
static void lose_interface(struct senses *senses, struct sense *s)
{
	if (s->sensed.on) {
		s->sensed.on = 0;
		tell(senses, s, clock_now_ns());
		s->sensed.event_id = links_new_event_id(senses->links, 0);
	}
	bpf_map_delete_elem(senses->maps->sensed, &s->key);
	s->key.ifindex = 0;
}

void senses_link(struct senses *senses, enum link_change change, const struct interface *i)
{
	for (__u32 at = 0; at < senses->n; at++) {
		struct sense *s = &senses->sense[at];

		if (!s->port || s->port != i->port)
			continue;
		if (change == LINK_GONE && s->key.ifindex)
			lose_interface(senses, s);
		else if (change == LINK_APPEARED)
			take_interface(senses, s, i->ifindex);
	}
}

/* ---- start ----------------------------------------------------------------------------------- */

/* What an earlier loader sensed is gone on with. */
static void inherit(struct senses *senses, struct sense *s)
{
	struct sensed old;

	if (!is_there(s) || bpf_map_lookup_elem(senses->maps->sensed, &s->key, &old) ||
	    strcmp(old.name, s->sensed.name))
		return;
	s->sensed.on = old.on;
	s->sensed.seen_ns = clock_now_ns(); /* what is on serves a hold-down from now */
	s->sensed.since_ns = old.since_ns;
	s->sensed.event_id = old.event_id;
	links_new_event_id(senses->links, old.event_id);
}

static struct sense *add(struct senses *senses, enum trouble trouble, const char *name,
			 const struct threshold *threshold, __u32 interval_ms, __u32 hold_down_ms)
{
	struct sense *s = &senses->sense[senses->n++];

	s->key.trouble = trouble;
	s->sensed.threshold = *threshold;
	s->interval_ns = interval_ms * NSEC_PER_MSEC;
	s->hold_down_ns = hold_down_ms * NSEC_PER_MSEC;
	snprintf(s->sensed.name, sizeof(s->sensed.name), "%s", name);
	return s;
}

static void add_all(struct senses *senses)
{
	const struct policy_node_load *load = &senses->policy->node_load;

	for (__u32 i = 0; i < senses->policy->n_ports; i++) {
		const struct policy_port *port = &senses->policy->port[i];
		const struct policy_watch *w = &port->watch;
		struct sense *s;

		if (port->class != PORT_CORE || !w->counted)
			continue;
		s = add(senses, TROUBLE_ERRORS, port->name, &w->errors, w->errors_interval_ms,
			w->hold_down_ms[TROUBLE_ERRORS]);
		s->port = port;
		s->key.ifindex = if_nametoindex(port->name);
	}
	if (load->percent.onset)
		add(senses, TROUBLE_NODE, senses->policy->config.node, &load->percent,
		    load->interval_ms, load->hold_down_ms);
}

/* Of what is not measured any more. */
static void remove_strangers(const struct senses *senses)
{
	struct sensed_key key, kept, *last = NULL;

	while (!bpf_map_get_next_key(senses->maps->sensed, last, &key)) {
		if (senses_find(senses, &key)) {
			kept = key;
			last = &kept;
		} else if (bpf_map_delete_elem(senses->maps->sensed, &key)) {
			return;
		}
	}
}

static int start(struct senses *senses)
{
	int r = netlink_open(&senses->ask, NULL);

	if (r)
		return r;
	add_all(senses);
	for (__u32 i = 0; i < senses->n; i++)
		inherit(senses, &senses->sense[i]);
	remove_strangers(senses);
	for (__u32 i = 0; i < senses->n; i++) {
		struct sense *s = &senses->sense[i];

		if (!s->sensed.event_id)
			s->sensed.event_id = links_new_event_id(senses->links, 0);
		if (is_there(s))
			write_sensed(senses, s);
	}
	return 0;
}

int senses_open(struct senses **out, const struct maps *maps, struct links *links,
		const struct policy *policy, const struct sense_ops *ops)
{
	struct senses *senses =
		calloc(1, sizeof(*senses) + (policy->n_ports + 1) * sizeof(senses->sense[0]));
	int r;

	if (!senses)
		return -ENOMEM;
	senses->maps = maps;
	senses->links = links;
	senses->policy = policy;
	senses->ops = *ops;
	r = start(senses);
	if (r) {
		senses_free(senses);
		return r;
	}
	*out = senses;
	return 0;
}

void senses_free(struct senses *senses)
{
	if (!senses)
		return;
	netlink_close(&senses->ask);
	free(senses);
}
