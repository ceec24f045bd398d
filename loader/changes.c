// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>

#include "changes.h"
#include "fantel/metric.h"
#include "own.h"

/* Below these a difference is noise, whatever share of what was told it is. */
#define DELAY_NOISE_US 10
#define LOSS_NOISE 3333 /* 0.01 % */

struct told_metrics {
	struct sensed_key about;
	const struct policy_port *port; /* NULL: the node */
	__u64 told_ns;			/* 0 = not yet, or it went away */
	struct measured told;
	bool slow; /* its delay is anomalous */
};

struct changes {
	const struct maps *maps;
	const struct links *links;
	const struct watches *watches;
	const struct senses *senses;
	const struct policy_changes *rules;
	changes_fn *tell;
	void *arg;
	__u64 look_ns;
	__u32 n;
	struct told_metrics metrics[];
};

/* ---- what counts as a change ----------------------------------------------------------------- */

static bool differs(__u64 a, __u64 b, __u64 by)
{
	return (a > b ? a - b : b - a) >= MAX(by, 1ULL);
}

bool changes_much(const struct measured *told, const struct measured *now, __u32 percent)
{
	__u64 bandwidth = now->capacity * percent / 100;
	__u64 delay = MAX(told->delay_us * percent / 100, (__u32)DELAY_NOISE_US);
	__u64 loss = MAX((__u64)told->loss * percent / 100, (__u64)LOSS_NOISE);

	return told->told != now->told || told->anomalous != now->anomalous ||
	       told->capacity != now->capacity ||
	       differs(told->utilized, now->utilized, bandwidth) ||
	       differs(told->available, now->available, bandwidth) ||
	       differs(told->delay_us, now->delay_us, delay) ||
	       differs(told->loss, now->loss, loss) ||
	       differs(told->cpu_percent, now->cpu_percent, percent) ||
	       differs(told->memory_percent, now->memory_percent, percent);
}

bool changes_now(const struct policy_changes *rules, __u64 told_ns, bool much, __u64 now_ns)
{
	__u64 age_ns = now_ns - told_ns;

	return !told_ns || age_ns >= rules->refresh_ms * NSEC_PER_MSEC ||
	       (much && age_ns >= rules->interval_ms * NSEC_PER_MSEC);
}

bool changes_anomalous(bool was, const struct threshold *delay, __u32 delay_us)
{
	enum level level = threshold_level(delay, delay_us);

	return level == LEVEL_ABOVE || (was && level == LEVEL_BETWEEN);
}

/* ---- measuring ------------------------------------------------------------------------------- */

static void add_loss(const struct changes *changes, struct measured *m, __u32 ifindex)
{
	const struct sensed_key key = { .ifindex = ifindex, .trouble = TROUBLE_ERRORS };
	const struct sensed *sensed = senses_find(changes->senses, &key);
	struct measured loss;

	if (!sensed)
		return;
	loss = sensed_measured(&key, sensed);
	m->told |= loss.told;
	m->loss = loss.loss;
	m->anomalous |= loss.anomalous;
}

/* One way is half of the way there and back, as far as an echo can tell. */
static void add_delay(const struct changes *changes, struct told_metrics *t, struct measured *m)
{
	struct bfd_session b;

	if (bpf_map_lookup_elem(changes->maps->bfd, &t->about.ifindex, &b) || b.state != BFD_UP ||
	    !b.echo_on || !b.echo_rtt_ns)
		return;
	m->told |= MSG_BIT(TLVI_DELAY);
	m->delay_us = MIN(b.echo_rtt_ns / 2 / NSEC_PER_USEC, (__u64)WIRE_METRIC_MASK);
	t->slow = changes_anomalous(t->slow, &t->port->bfd.delay, m->delay_us);
	m->anomalous |= t->slow ? ANOMALOUS_DELAY : 0;
}

static struct measured measure(const struct changes *changes, struct told_metrics *t, __u64 now_ns)
{
	struct measured m = {};
	const struct sensed *sensed;

	if (t->port) {
		watches_add_bandwidth(changes->watches, &m, t->about.ifindex, now_ns);
		add_loss(changes, &m, t->about.ifindex);
		add_delay(changes, t, &m);
		return m;
	}
	sensed = senses_find(changes->senses, &t->about);
	return sensed ? sensed_measured(&t->about, sensed) : m;
}

/* ---- telling --------------------------------------------------------------------------------- */

/* Of a link that is down its failure says enough. */
static bool is_there(const struct changes *changes, struct told_metrics *t)
{
	const struct interface *i = t->port ? links_name(changes->links, t->port->name) : NULL;

	t->about.ifindex = i ? i->ifindex : 0;
	return !t->port || (i && i->ifindex && !i->link.down);
}

static void look(struct changes *changes, struct told_metrics *t, __u64 now_ns)
{
	struct measured now;

	if (!is_there(changes, t)) {
		t->told_ns = 0;
		return;
	}
	now = measure(changes, t, now_ns);
	if (!now.told ||
	    !changes_now(changes->rules, t->told_ns,
			 changes_much(&t->told, &now, changes->rules->percent), now_ns))
		return;
	t->told_ns = now_ns;
	t->told = now;
	changes->tell(changes->arg, &t->about, &now);
}

__u64 changes_due(const struct changes *changes)
{
	return changes ? changes->look_ns : ~0ULL;
}

/* Several looks in an interval, so that what comes after a quiet one is told soon. */
void changes_tick(struct changes *changes, __u64 now_ns)
{
	if (!changes || now_ns < changes->look_ns)
		return;
	changes->look_ns = now_ns + changes->rules->interval_ms * NSEC_PER_MSEC / 4;
	for (__u32 i = 0; i < changes->n; i++)
		look(changes, &changes->metrics[i], now_ns);
}

/* ---- start ----------------------------------------------------------------------------------- */

int changes_open(struct changes **out, const struct maps *maps, const struct links *links,
		 const struct watches *watches, const struct senses *senses,
		 const struct policy *policy, changes_fn *tell, void *arg)
{
	struct changes *changes;

	if (!policy->changes.percent)
		return 0;
	changes = calloc(1, sizeof(*changes) + (policy->n_ports + 1) * sizeof(changes->metrics[0]));
	if (!changes)
		return -ENOMEM;
	changes->maps = maps;
	changes->links = links;
	changes->watches = watches;
	changes->senses = senses;
	changes->rules = &policy->changes;
	changes->tell = tell;
	changes->arg = arg;
	for (__u32 i = 0; i < policy->n_ports; i++)
		if (port_is_measured(&policy->port[i]))
			changes->metrics[changes->n++] = (struct told_metrics){
				.about.trouble = TROUBLE_LOAD,
				.port = &policy->port[i],
			};
	if (policy->node_load.percent.onset)
		changes->metrics[changes->n++].about.trouble = TROUBLE_NODE;
	*out = changes;
	return 0;
}

void changes_free(struct changes *changes)
{
	free(changes);
}
