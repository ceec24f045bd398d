/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What a service manager is told of `fantel run` (sd_notify(3)): that it is ready, that it is alive, that it
 * ends. Nothing happens where there is none.
 */
#ifndef SERVICE_H
#define SERVICE_H

#include "fantel/base.h"

/* Attached and looking after the node, as `state` says in a few words. */
void service_ready(const char *state);

/* To be called whenever the loop comes round: tells that it does, half as late as the manager's watchdog
 * allows. Returns when to call it next at the latest, on the monotonic clock in ns; ~0: any time. */
__u64 service_alive(__u64 now_ns);

void service_stopping(void);

#endif
