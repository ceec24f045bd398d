// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Writes events as our programs do, one for each run, for test_reporter.c: with the kernel's own
 * judgement of who must be woken, or waking nobody.
 */
#include "emit.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENTS_BYTES);
} emit_events SEC(".maps");

SEC("syscall")
int emit(struct emit *what)
{
	struct event *e = bpf_ringbuf_reserve(&emit_events, sizeof(*e), 0);

	if (!e)
		return 1;
	memset(e, 0, sizeof(*e));
	e->type = EVENT_LINK;
	e->event_id = what->event_id;
	bpf_ringbuf_submit(e, what->flags);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
