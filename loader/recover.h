/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What was told must be kept up and withdrawn, traffic or not: recoveries (TYPE2) to every ingress
 * PE that was told of a failure once its link is steady again, and failures (TYPE1) once more before
 * their validity runs out while it is not. The same of congestion (TYPE3, TYPE4). Works on fantel_told,
 * which detect and watch fill; for controllers (of groups without a feasible path, and of those that have
 * only congested ones) we do. And of a link that fails we tell those whose tunnels were learned to leave by it, and of whom no
 * packet may be there; and of trouble that no packet shows (senses.h), those who suffer from it.
 */
#ifndef RECOVER_H
#define RECOVER_H

#include "groups.h"
#include "links.h"
#include "maps.h"
#include "senses.h"
#include "watches.h"

enum recover_verdict {
	TOLD_KEEP,     /* nothing to do yet */
	TOLD_REFRESH,  /* the failure lasts; say so again */
	TOLD_WITHDRAW, /* it is over, or its link is none of ours any more */
};

/* What a notification is about: a link, the node, or a group. */
struct condition {
	bool lasts;
	bool ours; /* where no packet tells of it, we do, from the first time on */
	enum wire_cause cause;
	__u32 event_id;
	__u64 detected_ns; /* when it began, ns since 1970 */
	__u64 since_ns;	   /* when it last changed */
	char name[NAME_LEN];
	__u16 location_len;
	__u8 location[LOCATION_MAX];
	struct measured measured; /* what its notification tells */
	bool queued;		  /* and this, too */
	struct watched_queue queue;
};

/* What is due for one entry, pure. `condition` NULL: the link or the group is none of ours any more.
 * refresh_ns 0: never refresh. */
enum recover_verdict recover_judge(const struct told *told, const struct condition *condition,
				   __u64 refresh_ns, __u64 now_ns);

struct recover;

/* Told of each notification that left. */
typedef void recover_fn(void *arg, const struct event *event);

/* links, watches, senses, maps and policy must live as long. Returns 0 or a negative errno,
 * reported. */
int recover_open(struct recover **recover, const struct maps *maps, const struct links *links,
		 const struct watches *watches, const struct senses *senses,
		 const struct policy *policy, recover_fn *sent, void *arg);
void recover_free(struct recover *recover);

/* A core port went down: where policy says so, tell every ingress PE of whom a tunnel was learned to
 * leave by it, and those that policy names, of the link; then of each tunnel, those seen last first,
 * while the rate allows. Who was told of this failure before, by the packet path or by us, is not told
 * again. */
void recover_failed(struct recover *recover, const struct interface *interface, __u64 now_ns);

/* The same of trouble that senses sees: of a link's errors those whose tunnels come by it, of the
 * node's load all, of the node alone. To be called while it lasts: there may be others by then. */
void recover_trouble(struct recover *recover, const struct sensed_key *about, __u64 now_ns);

/* What is measured of a link or of the node, to all who use it, once (TYPE5). */
void recover_measured(struct recover *recover, const struct sensed_key *about,
		      const struct measured *measured, __u64 now_ns);

/* A link is steady: look at fantel_told now, not at the next second. */
void recover_hurry(struct recover *recover);

/* A path may have become usable or not, congested or not: look at the groups soon. Cheap where there are no controllers,
 * and may be called as often as paths change. */
void recover_groups(struct recover *recover);

__u64 recover_due(const struct recover *recover);
void recover_tick(struct recover *recover, __u64 now_ns);

#endif
