// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * fantel_gauges are looked at in place, some times in a hold-down. What waits in a queue that no
 * packet joins any more, the kernel says (RTM_GETQDISC).
 */
#include <net/if.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "clock.h"
#include "fantel/metric.h"
#include "log.h"
#include "netlink.h"
#include "own.h"
#include "watches.h"

#define LOOKS 4 /* in a hold-down */
#define LOOK_MIN_NS (5 * NSEC_PER_MSEC)
#define LOOK_MAX_NS (250 * NSEC_PER_MSEC)

struct watched {
	const struct policy_port *port;
	__u32 ifindex; /* 0 = gone */
	struct watch watch;
};

struct watches {
	const struct maps *maps;
	struct links *links;
	watches_fn *news;
	void *arg;
	struct netlink ask, qdiscs;
	struct gauge *gauge; /* fantel_gauges */
	size_t gauge_bytes;
	__u64 every_ns, look_ns;
	__u32 n;
	struct watched watched[];
};

bool trouble_is_over(enum level level, __u64 seen_ns, __u64 hold_down_ns, __u64 now_ns)
{
	return level == LEVEL_BELOW && now_ns >= seen_ns && now_ns - seen_ns >= hold_down_ns;
}

__u64 gauge_load(const struct watch *w, const struct gauge *g, __u64 now_ns)
{
	__u64 window = now_ns > g->window_ns ? now_ns - g->window_ns : 0;

	return ewma_next(g->load, ewma_rate(g->sent, window), window, w->constant_ns);
}

/* ---- the kernel's queue ---------------------------------------------------------------------- */

struct qdisc {
	bool there; /* not where nothing ever waits: "noqueue" */
	__u32 bytes, packets, limit_bytes;
	char kind[16];
};

static int take_stats(const struct nlattr *attr, void *arg)
{
	const struct gnet_stats_queue *queue = mnl_attr_get_payload(attr);
	struct qdisc *q = arg;

	if (mnl_attr_get_type(attr) != TCA_STATS_QUEUE ||
	    mnl_attr_get_payload_len(attr) < sizeof(*queue))
		return MNL_CB_OK;
	q->bytes = queue->backlog;
	q->packets = queue->qlen;
	return MNL_CB_OK;
}

static int take_tbf(const struct nlattr *attr, void *arg)
{
	const struct tc_tbf_qopt *tbf = mnl_attr_get_payload(attr);

	if (mnl_attr_get_type(attr) == TCA_TBF_PARMS &&
	    mnl_attr_get_payload_len(attr) >= sizeof(*tbf))
		((struct qdisc *)arg)->limit_bytes = tbf->limit;
	return MNL_CB_OK;
}

/* Of qdiscs that have a limit in bytes. */
static void take_options(const struct nlattr *attr, struct qdisc *q)
{
	const struct tc_fifo_qopt *fifo = mnl_attr_get_payload(attr);

	if (!strcmp(q->kind, "tbf"))
		mnl_attr_parse_nested(attr, take_tbf, q);
	else if (!strcmp(q->kind, "bfifo") && mnl_attr_get_payload_len(attr) >= sizeof(*fifo))
		q->limit_bytes = fifo->limit;
}

static int take_qdisc_attr(const struct nlattr *attr, void *arg)
{
	struct qdisc *q = arg;

	switch (mnl_attr_get_type(attr)) {
	case TCA_KIND:
		snprintf(q->kind, sizeof(q->kind), "%s", mnl_attr_get_str(attr));
		break;
	case TCA_OPTIONS: /* behind the kind */
		take_options(attr, q);
		break;
	case TCA_STATS2:
		mnl_attr_parse_nested(attr, take_stats, q);
		break;
	}
	return MNL_CB_OK;
}

static void take_qdisc(void *arg, const struct nlmsghdr *message)
{
	struct qdisc *q = arg;

	if (message->nlmsg_type != RTM_NEWQDISC)
		return;
	mnl_attr_parse(message, sizeof(struct tcmsg), take_qdisc_attr, q);
	q->there = strcmp(q->kind, "noqueue");
}

static struct qdisc read_qdisc(struct watches *watches, __u32 ifindex)
{
	char buf[64] = {};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);
	struct qdisc q = {};
	struct tcmsg *tc;

	request->nlmsg_type = RTM_GETQDISC;
	request->nlmsg_flags = NLM_F_ECHO; /* else the answer goes to listeners alone */
	tc = mnl_nlmsg_put_extra_header(request, sizeof(*tc));
	tc->tcm_ifindex = ifindex;
	tc->tcm_parent = TC_H_ROOT;
	netlink_request(&watches->ask, request, take_qdisc, &q);
	return q;
}

/* ---- fantel_watches -------------------------------------------------------------------------- */

static void write_watch(struct watches *watches, struct watched *w)
{
	if (bpf_map_update_elem(watches->maps->watches, &w->ifindex, &w->watch, BPF_ANY))
		log_error("port %s: can't write fantel_watches (%s); its queue is not watched",
			  w->port->name, strerror(errno));
}

/* In bytes/s; 0 = the driver does not know. */
static __u64 read_speed(const struct watched *w)
{
	struct ethtool_cmd settings = { .cmd = ETHTOOL_GSET };
	struct ifreq request = { .ifr_data = (void *)&settings };
	int fd OWN_FD = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	__u32 mbit;

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", w->port->name);
	if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request))
		return 0;
	mbit = ethtool_cmd_speed(&settings);
	return mbit == (__u32)SPEED_UNKNOWN ? 0 : mbit * 125000ULL;
}

static void look_at_capacity(struct watched *w)
{
	if (!w->port->watch.load)
		return;
	w->watch.capacity = w->port->watch.capacity_kbit ? w->port->watch.capacity_kbit * 125ULL
							 : read_speed(w);
	if (!w->watch.capacity)
		log_warn("port %s: its driver does not know its speed, so its utilization is not "
			 "measured; give its capacity in the policy",
			 w->port->name);
}

static struct watched *find(const struct watches *watches, __u32 ifindex)
{
	for (__u32 i = 0; i < watches->n; i++)
		if (watches->watched[i].ifindex == ifindex)
			return (struct watched *)&watches->watched[i];
	return NULL;
}

static void look_at_queue(struct watches *watches, struct watched *w)
{
	struct qdisc q;

	if (!w->port->watch.queue)
		return;
	q = read_qdisc(watches, w->ifindex);
	w->watch.limit_bytes = q.limit_bytes;
	if (!q.there)
		log_warn("port %s: has no egress queue, so nothing ever waits there; "
			 "`tc qdisc replace dev %s root KIND` gives it one",
			 w->port->name, w->port->name);
}

/* A qdisc came or went. What we asked for ourselves is told to all who listen, too. */
static void on_qdisc(void *arg, const struct nlmsghdr *message)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	struct watches *watches = arg;
	struct watched *w;

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*tc) ||
	    (message->nlmsg_type != RTM_NEWQDISC && message->nlmsg_type != RTM_DELQDISC) ||
	    message->nlmsg_pid == mnl_socket_get_portid(watches->ask.socket))
		return;
	w = tc->tcm_ifindex > 0 && tc->tcm_parent == TC_H_ROOT ? find(watches, tc->tcm_ifindex)
							       : NULL;
	if (!w)
		return;
	look_at_queue(watches, w);
	write_watch(watches, w);
}

int watches_fd(const struct watches *watches)
{
	return netlink_fd(&watches->qdiscs);
}

/* Lost news are no loss: only the limit that is sent may be an old one. */
void watches_read(struct watches *watches)
{
	netlink_news(&watches->qdiscs, on_qdisc, watches);
}

void watches_link(struct watches *watches, enum link_change change, const struct interface *i)
{
	for (__u32 at = 0; at < watches->n; at++) {
		struct watched *w = &watches->watched[at];

		if (w->port != i->port)
			continue;
		if (change == LINK_GONE) {
			bpf_map_delete_elem(watches->maps->watches, &w->ifindex);
			w->ifindex = 0;
		} else if (change == LINK_APPEARED) {
			w->ifindex = i->ifindex;
			look_at_queue(watches, w);
			look_at_capacity(w);
			write_watch(watches, w);
		} else if (change == LINK_UP && w->ifindex) {
			look_at_capacity(w); /* what the two ends agreed on may be new */
			write_watch(watches, w);
		}
	}
}

/* ---- trouble --------------------------------------------------------------------------------- */

bool watches_trouble(const struct watches *watches, __u32 ifindex, enum trouble trouble,
		     __u32 *event_id, __u64 *since_ns)
{
	const struct watched *w = ifindex ? find(watches, ifindex) : NULL;
	const struct gauge *g;

	if (!w)
		return false;
	if (trouble == TROUBLE_REPORTED) {
		*event_id = w->watch.event_id[trouble];
		if (w->watch.reported)
			*since_ns = w->watch.reported_ns;
		return w->watch.reported;
	}
	g = &watches->gauge[w->watch.gauge];
	*event_id = w->watch.event_id[trouble];
	if (!trouble_is_on(&w->watch, g, trouble))
		return false;
	*since_ns = g->trouble[trouble].since_ns;
	return true;
}

/* Nothing is reserved here, so all of the capacity is what RFC 8571 calls residual. */
void watches_add_bandwidth(const struct watches *watches, struct measured *m, __u32 ifindex, __u64 now_ns)
{
	const struct watched *w = ifindex ? find(watches, ifindex) : NULL;

	if (!w || !w->watch.capacity)
		return;
	m->capacity = w->watch.capacity;
	m->utilized = MIN(gauge_load(&w->watch, &watches->gauge[w->watch.gauge], now_ns), m->capacity);
	m->available = m->capacity - m->utilized;
	m->residual = m->capacity;
	m->told |= MSG_BIT(TLVI_CAPACITY) | MSG_BIT(TLVI_RESIDUAL) | MSG_BIT(TLVI_AVAILABLE) |
		   MSG_BIT(TLVI_UTILIZED);
}

bool watches_queue(const struct watches *watches, __u32 ifindex, struct watched_queue *queue)
{
	const struct watched *w = ifindex ? find(watches, ifindex) : NULL;

	if (!w)
		return false;
	*queue = (struct watched_queue){
		.id = watches->gauge[w->watch.gauge].queue_id,
		.bytes = watches->gauge[w->watch.gauge].bytes,
		.limit_bytes = w->watch.limit_bytes,
		.rate_min_f32 = w->watch.rate_min_f32,
		.rate_max_f32 = w->watch.rate_max_f32,
	};
	return true;
}

static void tell(struct watches *watches, const struct watched *w, enum trouble trouble,
		 enum wire_cause cause, bool over, __u64 now_ns)
{
	struct event event = {
		.time_ns = now_ns,
		.type = EVENT_TROUBLE,
		.kind = over ? KIND_ELIMINATION : KIND_CONGESTION,
		.cause = cause,
		.index = ~0U,
		.ifindex = w->ifindex,
		.event_id = w->watch.event_id[trouble],
		.usable = over,
		.timestamp_ns = clock_wall_ns(now_ns),
	};

	snprintf(event.name, sizeof(event.name), "%s", w->port->name);
	watches->news(watches->arg, &event);
}

static void end_trouble(struct watches *watches, struct watched *w, enum trouble trouble,
			__u64 now_ns)
{
	enum wire_cause cause = trouble_cause(trouble) ?: w->watch.reported;

	/* The event first: it bears the id that is over. */
	tell(watches, w, trouble, cause, true, now_ns);
	if (trouble == TROUBLE_REPORTED)
		w->watch.reported = CAUSE_NONE;
	w->watch.event_id[trouble] = links_new_event_id(watches->links, 0);
	write_watch(watches, w);
}

enum wire_cause watches_reported(const struct watches *watches, __u32 ifindex)
{
	const struct watched *w = ifindex ? find(watches, ifindex) : NULL;

	return w ? w->watch.reported : CAUSE_NONE;
}

enum watches_answer watches_report(struct watches *watches, const struct policy_port *port,
				   enum wire_cause cause, __u64 now_ns)
{
	struct watched *w = NULL;

	for (__u32 i = 0; i < watches->n && !w; i++)
		if (watches->watched[i].port == port)
			w = &watches->watched[i];
	if (!w)
		return REPORT_UNWATCHED;
	if (!w->ifindex || (!cause && !w->watch.reported))
		return REPORT_NOTHING;
	if (!cause) {
		end_trouble(watches, w, TROUBLE_REPORTED, now_ns);
		return REPORT_DONE;
	}
	if (!w->watch.reported)
		w->watch.reported_ns = now_ns;
	if (w->watch.reported != cause)
		tell(watches, w, TROUBLE_REPORTED, cause, false, now_ns);
	w->watch.reported = cause;
	write_watch(watches, w);
	return REPORT_DONE;
}

/* How it is at this moment. */
static enum level level_now(struct watches *watches, const struct watched *w, enum trouble trouble,
			    __u64 now_ns)
{
	const struct gauge *g = &watches->gauge[w->watch.gauge];
	struct qdisc q;
	__u64 load;

	if (trouble == TROUBLE_LOAD) {
		load = gauge_load(&w->watch, g, now_ns);
		return threshold_level(&w->watch.load, ewma_permille(load, w->watch.capacity));
	}
	q = read_qdisc(watches, w->ifindex);
	return queue_level(&w->watch, q.bytes, q.packets);
}

static void judge(struct watches *watches, struct watched *w, enum trouble trouble, __u64 now_ns)
{
	const struct gauge *g = &watches->gauge[w->watch.gauge];
	__u64 hold_down_ns = w->port->watch.hold_down_ms[trouble] * NSEC_PER_MSEC;
	__u64 seen_ns = __atomic_load_n(&g->trouble[trouble].seen_ns, __ATOMIC_RELAXED);

	/* The packets first: they are asked for nothing. */
	if (!trouble_is_on(&w->watch, g, trouble) ||
	    !trouble_is_over(LEVEL_BELOW, seen_ns, hold_down_ns, now_ns))
		return;
	if (trouble_is_over(level_now(watches, w, trouble, now_ns), seen_ns, hold_down_ns, now_ns))
		end_trouble(watches, w, trouble, now_ns);
}

static void judge_port(struct watches *watches, struct watched *w, __u64 now_ns)
{
	judge(watches, w, TROUBLE_QUEUE, now_ns);
	judge(watches, w, TROUBLE_LOAD, now_ns);
}

__u64 watches_due(const struct watches *watches)
{
	return watches->n ? watches->look_ns : ~0ULL;
}

void watches_tick(struct watches *watches, __u64 now_ns)
{
	if (now_ns < watches->look_ns)
		return;
	watches->look_ns = now_ns + watches->every_ns;
	for (__u32 i = 0; i < watches->n; i++)
		if (watches->watched[i].ifindex)
			judge_port(watches, &watches->watched[i], now_ns);
}

/* ---- start ----------------------------------------------------------------------------------- */

/* As notifications have it: in bytes/s. */
static __u32 rate_f32(__u32 kbit)
{
	float bytes = kbit * 125.0f;
	__u32 bits;

	memcpy(&bits, &bytes, sizeof(bits));
	return bits;
}

/* A port with its thresholds, and what an earlier loader had of it: the gauge, and the events. */
static void add(struct watches *watches, const struct policy_port *port, bool used[MAX_GAUGES])
{
	struct watched *w = &watches->watched[watches->n++];
	struct watch old;

	w->port = port;
	w->ifindex = if_nametoindex(port->name);
	w->watch.gauge = MAX_GAUGES;
	w->watch.bytes = port->watch.bytes;
	w->watch.packets = port->watch.packets;
	w->watch.load.onset = port->watch.percent.onset * 10;
	w->watch.load.end = port->watch.percent.end * 10;
	w->watch.constant_ns = port->watch.constant_ms * NSEC_PER_MSEC;
	w->watch.rate_min_f32 = rate_f32(port->watch.rate_min);
	w->watch.rate_max_f32 = rate_f32(port->watch.rate_max);
	if (bpf_map_lookup_elem(watches->maps->watches, &w->ifindex, &old) || old.gauge >= MAX_GAUGES ||
	    used[old.gauge])
		return;
	used[old.gauge] = true;
	w->watch.gauge = old.gauge;
	memcpy(w->watch.event_id, old.event_id, sizeof(old.event_id));
	w->watch.reported = old.reported;
	w->watch.reported_ns = old.reported_ns;
	for (int t = TROUBLE_NONE + 1; t < TROUBLES_MET; t++)
		links_new_event_id(watches->links, old.event_id[t]);
}

/* New ones get a gauge that is free, and ids that no gauge has. */
static void number(struct watches *watches, bool used[MAX_GAUGES])
{
	__u32 free = 0;

	for (__u32 i = 0; i < watches->n; i++) {
		struct watched *w = &watches->watched[i];

		if (w->watch.gauge < MAX_GAUGES)
			continue;
		while (used[free]) /* there are as many as core links */
			free++;
		used[free] = true;
		w->watch.gauge = free;
		for (int t = TROUBLE_NONE + 1; t < TROUBLES_MET; t++)
			w->watch.event_id[t] = links_new_event_id(watches->links, 0);
	}
}

/* Entries of ports that are not watched any more. */
static void remove_strangers(const struct watches *watches)
{
	__u32 key, kept, *last = NULL;

	while (!bpf_map_get_next_key(watches->maps->watches, last, &key)) {
		if (find(watches, key)) {
			kept = key;
			last = &kept;
		} else if (bpf_map_delete_elem(watches->maps->watches, &key)) {
			return;
		}
	}
}

static int map_gauges(struct watches *watches)
{
	size_t page = sysconf(_SC_PAGESIZE);

	watches->gauge_bytes = DIV_ROUND_UP(MAX_GAUGES * sizeof(struct gauge), page) * page;
	watches->gauge = mmap(NULL, watches->gauge_bytes, PROT_READ, MAP_SHARED,
			      watches->maps->gauges, 0);
	if (watches->gauge != MAP_FAILED)
		return 0;
	watches->gauge = NULL;
	return err_r(-errno, "fantel_gauges: can't map it: %s", strerror(errno));
}

static int start(struct watches *watches, const struct policy *policy)
{
	bool used[MAX_GAUGES] = {};
	static const enum rtnetlink_groups groups[] = { RTNLGRP_TC, RTNLGRP_NONE };
	int r = map_gauges(watches)
			?: netlink_open(&watches->ask, NULL)
			?: netlink_open(&watches->qdiscs, groups);

	if (r)
		return r;
	watches->every_ns = LOOK_MAX_NS;
	for (__u32 i = 0; i < policy->n_ports; i++) {
		const struct policy_port *port = &policy->port[i];

		if (!port_is_watched(port))
			continue;
		add(watches, port, used);
		for (int t = TROUBLE_NONE + 1; t < TROUBLES_MET; t++)
			if (port->watch.hold_down_ms[t])
				watches->every_ns =
					MIN(watches->every_ns, port->watch.hold_down_ms[t] *
								       NSEC_PER_MSEC / LOOKS);
	}
	watches->every_ns = MAX(watches->every_ns, LOOK_MIN_NS);
	number(watches, used);
	remove_strangers(watches);
	for (__u32 i = 0; i < watches->n; i++) {
		if (!watches->watched[i].ifindex)
			continue;
		look_at_queue(watches, &watches->watched[i]);
		look_at_capacity(&watches->watched[i]);
		write_watch(watches, &watches->watched[i]);
	}
	return 0;
}

int watches_open(struct watches **out, const struct maps *maps, struct links *links,
		 const struct policy *policy, watches_fn *news, void *arg)
{
	struct watches *watches =
		calloc(1, sizeof(*watches) + policy->n_ports * sizeof(watches->watched[0]));
	int r;

	if (!watches)
		return -ENOMEM;
	watches->maps = maps;
	watches->links = links;
	watches->news = news;
	watches->arg = arg;
	r = start(watches, policy);
	if (r) {
		watches_free(watches);
		return r;
	}
	*out = watches;
	return 0;
}

void watches_free(struct watches *watches)
{
	if (!watches)
		return;
	if (watches->gauge)
		munmap(watches->gauge, watches->gauge_bytes);
	netlink_close(&watches->ask);
	netlink_close(&watches->qdiscs);
	free(watches);
}
