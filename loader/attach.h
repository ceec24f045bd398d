/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The programs' way into the kernel: open, size, configure, load, pin, attach. A first start that
 * fails leaves nothing behind: until attach_keep nothing is pinned, so all ends with the process. A
 * take-over that fails leaves the old programs at work: until attach_keep they are not touched.
 */
#ifndef ATTACH_H
#define ATTACH_H

#include "devices.h"
#include "events.h"
#include "maps.h"
#include "pin.h"
#include "policy.h"

struct attach;

/*
 * Load the programs with the policy's configuration; pinned maps of this node are used again.
 * pins and policy must live as long. `before`, if not NULL, is a policy in force: a port that it has,
 * too, may be without an interface now, and is waited for. Returns 0 or a negative errno, reported;
 * `verbose`: with the verifier's last lines.
 */
int attach_load(struct attach **attach, const struct pins *pins, const struct policy *policy,
		const struct policy *before, bool verbose);
/* Let go. What is pinned goes on; what is not ends. */
void attach_free(struct attach *attach);

const struct maps *attach_maps(const struct attach *attach);
int attach_clock(const struct attach *attach); /* fantel_clock, for links and nexthops */
int attach_settle(const struct attach *attach); /* fantel_settle, for push */
int attach_overdue(const struct attach *attach); /* fantel_overdue */
struct device_programs attach_devices(const struct attach *attach);
bool attach_is_takeover(const struct attach *attach);
/* The ring of another build in whose place ours is; what is in it may be taken. */
struct former_ring *attach_former_events(struct attach *attach);

/* In this order; each returns 0 or a negative errno, reported. The second, which changes nothing that packets
 * meet, before the maps are read or written. */
int attach_new_ports(struct attach *attach); /* ports that have no program of ours now */
int attach_carry(struct attach *attach);     /* fill maps that take the place of others */
int attach_keep(struct attach *attach);	     /* pin; replace the old programs, no packet lost */
int attach_drop_ports(struct attach *attach); /* ports that are not in the policy any more */

/* Will attach_keep have other maps take the place of those that are there? Then what is written from there
 * on is for the new programs alone. */
bool attach_must_resize(const struct attach *attach);

/* From now on customer ports have what reads departure times. To be called after attach_new_ports, and before
 * a next hop says that packets can wait. Returns 0 or a negative errno, reported: then none may say so. */
int attach_departures(struct attach *attach);

/* Has it pinned other maps in the place of those that were there? */
bool attach_has_resized(const struct attach *attach);

/* Is all of it where a loader that follows looks for it? Somebody may have removed pins, or unmounted bpffs:
 * what we hold goes on, and can be pinned again. Returns 0 or a negative errno, reported. */
bool attach_is_pinned(const struct attach *attach);
int attach_pin_again(struct attach *attach);

/* A port's interface has come back: attach there again. */
int attach_port_again(struct attach *attach, const struct policy_port *port, __u32 ifindex);

#endif
