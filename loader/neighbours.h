/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Who is behind a core port: the gateways of the routes that leave by it, those it had before it
 * failed included; where it had none, the far end that the policy names. A link that is up again
 * has not recovered before one of them answers: what is sent over it until then is lost.
 *
 * Owned by run; routes teaches it gateways.
 */
#ifndef NEIGHBOURS_H
#define NEIGHBOURS_H

#include "links.h"

struct neighbours;

/* Returns 0 or a negative errno, reported. */
int neighbours_open(struct neighbours **neighbours);
void neighbours_free(struct neighbours *neighbours);

/* Others look after the links from now on, and other ports may be core ports. */
void neighbours_follow(struct neighbours *neighbours, const struct links *links);

/* A route leaves by this interface to this gateway. */
void neighbours_learn(struct neighbours *neighbours, __u32 ifindex, const struct addr *gateway);

/* The interface was removed; its index may soon be another's. */
void neighbours_forget(struct neighbours *neighbours, __u32 ifindex);

/*
 * The port went down. Packets that came before we knew wait in the kernel for a neighbour who can't
 * answer; should the link be back before it gives up, they would arrive late and among others.
 * Soon, for this takes a moment and other links may be failing, they are dropped: see
 * neighbours_tick.
 */
void neighbours_down(struct neighbours *neighbours, const struct interface *port);

/* The port has just come up: let the kernel look for whom it does not know. */
void neighbours_up(struct neighbours *neighbours, const struct interface *port, __u64 now_ns);

/* Does one answer, or is there none to wait for? While not, the kernel is asked again each second,
 * and after some the user is told. */
bool neighbours_answer(struct neighbours *neighbours, const struct interface *port, __u64 now_ns);

/* When neighbours_tick has something to do: at once, or never. */
__u64 neighbours_due(const struct neighbours *neighbours);
void neighbours_tick(struct neighbours *neighbours);

#endif
