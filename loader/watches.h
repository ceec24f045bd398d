/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What is wrong with links that are up: the only writer of fantel_watches. The packet path sees
 * trouble begin and tells of it; here it ends, when nothing was seen of it for the hold-down, the
 * packet path being blind where no packet comes.
 */
#ifndef WATCHES_H
#define WATCHES_H

#include "fantel/threshold.h"
#include "links.h"
#include "maps.h"
#include "policy.h"

struct watches;

/* Told of trouble that ended, or was reported. */
typedef void watches_fn(void *arg, const struct event *event);

/* What an earlier loader wrote of ports that are still watched is taken over, trouble that is on
 * included. maps, links and policy must live as long. Returns 0 or a negative errno, reported. */
int watches_open(struct watches **watches, const struct maps *maps, struct links *links,
		 const struct policy *policy, watches_fn *news, void *arg);
void watches_free(struct watches *watches);

/* A port's interface was removed, or came back. */
void watches_link(struct watches *watches, enum link_change change, const struct interface *i);

/* Qdiscs change. */
int watches_fd(const struct watches *watches);
void watches_read(struct watches *watches);

__u64 watches_due(const struct watches *watches);
void watches_tick(struct watches *watches, __u64 now_ns);

enum watches_answer {
	REPORT_DONE,
	REPORT_UNWATCHED, /* policy does not watch the port: nothing is on its egress */
	REPORT_NOTHING,	  /* it ends what was not reported, or the interface is gone */
};

/* Another program says that a port is congested, or with CAUSE_NONE that it is no more. */
enum watches_answer watches_report(struct watches *watches, const struct policy_port *port,
				   enum wire_cause cause, __u64 now_ns);

/* Of a port's trouble; false while it is not on, and *since_ns as it was. */
bool watches_trouble(const struct watches *watches, __u32 ifindex, enum trouble trouble,
		     __u32 *event_id, __u64 *since_ns);

/* Why another program says that a port is congested; CAUSE_NONE: none does. */
enum wire_cause watches_reported(const struct watches *watches, __u32 ifindex);

/* Adds to *m what a port can carry, what it carries now, and what is left (RFC 8571); nothing where that
 * is not measured. */
void watches_add_bandwidth(const struct watches *watches, struct measured *m, __u32 ifindex,
			   __u64 now_ns);

/* What is told of a port's trouble besides its load. */
struct watched_queue {
	__u32 id, bytes, limit_bytes;	  /* Queue TLV */
	__u32 rate_min_f32, rate_max_f32; /* Rate TLV, bytes/s; max 0 = nothing is asked */
};

/* False where the port is not watched. */
bool watches_queue(const struct watches *watches, __u32 ifindex, struct watched_queue *queue);

/* What a port sends on average, bytes/s, at this moment: packets that do not come end no window. Pure. */
__u64 gauge_load(const struct watch *watch, const struct gauge *gauge, __u64 now_ns);

/* When was trouble last seen, and is it over by now? `level` is that of this moment. Pure. */
bool trouble_is_over(enum level level, __u64 seen_ns, __u64 hold_down_ns, __u64 now_ns);

#endif
