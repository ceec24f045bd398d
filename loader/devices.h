/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Which devices the packet path looks at, for a carrier that is lost before netlink says so
 * (bpf/device.bpf.h). Owned by run; what is seen, links reads.
 */
#ifndef DEVICES_H
#define DEVICES_H

#include <linux/bpf.h>

#include "maps.h"

struct devices;

/* fantel_device and fantel_carrier; below 0 where this kernel can't take them. */
struct device_programs {
	int find;
	int carrier;
};

/* May programs read the memory of this kernel? Not where it is locked down for confidentiality. */
bool devices_can_read(void);
/* And be attached to its functions? */
bool devices_can_attach(void);

/* Have `n` rows looked at every `period_ns`; 0: never, which also ends what an earlier loader began.
 * Returns 0 or a negative errno, reported. */
int devices_start(struct devices **devices, const struct maps *maps,
		  const struct device_programs *programs, __u32 n, __u64 period_ns);
void devices_stop(struct devices *devices);

/* The device of a row; 0 = it has none any more. Seen from devices_renew on. */
void devices_set(struct devices *devices, __u32 row, __u32 ifindex);
void devices_renew(struct devices *devices);

/* When devices_renew is due at the latest: it has to be called every few seconds. */
__u64 devices_due(const struct devices *devices);

/* Readable when a device went down or up. */
int devices_fd(const struct devices *devices);
/* Take note of it; false if none did. */
bool devices_changed(struct devices *devices);

/* All rows, as the packet path has them at this moment. */
const struct device_row *devices_rows(const struct devices *devices);

#endif
