/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * fantel_metrics: what notifications told of the load of paths, and of links and nodes that paths
 * cross. notify writes here; the loader makes weights of it. Nothing here stops a path.
 */
#ifndef METRICS_BPF_H
#define METRICS_BPF_H

#include "fantel/metric.h"
#include "health.bpf.h"
#include "maps.bpf.h"
#include "scratch.bpf.h"

/* An empty entry for key's subject, where nothing was known of it: REASON_NONE. */
FN enum reason metrics_add(const struct failed_key *key, struct metrics **known)
{
	static const struct metrics none;
	const char *name = health_name(key);

	if (!name)
		return REASON_UNMATCHED;
	bpf_map_update_elem(&fantel_metrics, key, &none, BPF_NOEXIST);
	*known = bpf_map_lookup_elem(&fantel_metrics, key);
	if (!*known)
		return REASON_METRICS_FULL;
	words_copy((*known)->name, name, sizeof((*known)->name));
	return REASON_NONE;
}

/* Written in place: a reader that meets a half-written entry gets numbers of two notifications, each
 * possible, and is damped. */
FN enum reason metrics_take(const struct scratch *s, const struct failed_key *key, __u64 now_ns)
{
	struct metrics *known = bpf_map_lookup_elem(&fantel_metrics, key);
	const struct msg *m = &s->msg;
	enum reason reason;

	if (!known) {
		reason = metrics_add(key, &known);
		if (reason)
			return reason;
	}
	if (known->sequence > m->sequence && msg_has(m, TLVI_EVENT))
		return REASON_STALE;
	words_copy(&known->measured, &s->measured, sizeof(known->measured));
	known->sequence = m->sequence;
	known->until_ns = m->validity_ms ? now_ns + m->validity_ms * NSEC_PER_MSEC : 0;
	known->time_ns = now_ns;
	return REASON_MEASURED;
}

#endif
