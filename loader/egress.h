/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The program on the egress of watched core ports (tc.h), and the tracepoint in its place on older
 * kernels. Called by attach and teardown. And what a program there can learn on this kernel.
 */
#ifndef EGRESS_H
#define EGRESS_H

#include "fantel/abi.h"
#include "pin.h"

/* How queues are read here. */
enum queue_by egress_queue_by(void);

/* The cookie of this network namespace, as the kernel's struct net has it. */
__u64 egress_netns_cookie(void);

/* Attach, or put this program in the place of ours that is there. Returns 0 or a negative errno,
 * reported. */
int egress_attach(const struct pins *pins, const char *ifname, __u32 ifindex, int prog_fd);

/* The same for the tracepoint, which has no port. */
int egress_trace(const struct pins *pins, int prog_fd);

/* Detach what `path` pins on the port, or the tracepoint, `ifname`; the pin stays. */
void egress_detach(const char *ifname, const char *path);

#endif
