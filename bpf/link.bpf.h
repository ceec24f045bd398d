/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A core port fails, and the packet path is who knows first: what its detectors call.
 */
#ifndef LINK_BPF_H
#define LINK_BPF_H

#include "maps.bpf.h"

/*
 * From here on detect sees the port as down. A failure that is on already, whoever saw it, stays as
 * it is; one that is not over yet goes on under its name. The loader, which the caller wakes, writes
 * the entry anew and counts links_down again, so that it does not matter if it was just writing.
 */
FN void link_fail(__u32 ifindex, enum wire_cause cause, __u64 now_ns)
{
	struct link *link = bpf_map_lookup_elem(&fantel_links, &ifindex);
	struct node_state *node = node_state();

	if (!link || !node || link->down)
		return;
	if (link->event_id != link->next_event_id) {
		link->event_id = link->next_event_id;
		link->cause = cause;
		link->detected_ns = now_ns + node->wall_ns;
	}
	link->since_ns = now_ns;
	link->down = 1;
	__sync_fetch_and_add(&node->links_down, 1);
}

#endif
