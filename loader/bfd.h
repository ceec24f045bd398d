/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The sending side of BFD sessions, in a thread of its own: packets leave in time whatever else the
 * loader does. What is received, and what follows from it, is bpf/bfd.bpf.h's; this thread is woken
 * by it, and wakes its owner when a link is concerned.
 */
#ifndef BFD_H
#define BFD_H

#include "maps.h"
#include "policy.h"

struct bfd;

/*
 * Begin the sessions that policy has, and go on with those that an earlier loader led; of others
 * nothing is left. *out = NULL where policy has none. `policy` must live as long. Returns 0 or a
 * negative errno, reported.
 */
int bfd_start(struct bfd **out, const struct maps *maps, const struct policy *policy);

/* Tell the peers that the sessions are out of service, which is no failure, and let them rest. */
void bfd_stop(struct bfd *bfd);

/* Stop, because bfd_start follows at once, with this policy: only sessions that it does not have are put
 * out of service. */
void bfd_hand_over(struct bfd *bfd, const struct policy *policy);

/* The interface of a port went away (0) or came back. */
void bfd_port(struct bfd *bfd, const struct policy_port *port, __u32 ifindex);

/* Readable when a session took a link down, or no longer does: struct bfd_session.failed. */
int bfd_fd(const struct bfd *bfd);
/* Take note of it; false if there was none. */
bool bfd_changed(struct bfd *bfd);

#endif
