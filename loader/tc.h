/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A program at the tc ingress or egress of an interface: tcx from Linux 6.6 on, by a link that ends
 * with its last holder; below that a filter of clsact, which stays until it is removed. What is pinned
 * says which of the two it is: the link, or the program that the filter runs. Called by attach, egress,
 * teardown and status.
 */
#ifndef TC_H
#define TC_H

#include "fantel/abi.h"

enum tc_side {
	TC_INGRESS,
	TC_EGRESS,
};

struct tc {
	enum tc_side side;
	int fd;	     /* the link, or the filter's program; -1 = nothing */
	bool filter;
	bool pinned; /* by us or an earlier loader: it is to stay */
	__u32 ifindex;
};

/*
 * Attach, or put this program in the place of ours that is there, `pin` being where that would be
 * pinned. No packet meets none of the two. Returns 0 and *tc, or a negative errno, reported.
 */
int tc_attach(struct tc *tc, enum tc_side side, const char *pin, __u32 ifindex, const char *ifname,
	      int prog_fd);

/* From now on it outlives us. Returns 0 or a negative errno, reported. */
int tc_keep(struct tc *tc, const char *pin);

/* Let go: what is not kept ends. */
void tc_release(struct tc *tc);

/* Detach what is pinned; the pin stays. */
void tc_detach(enum tc_side side, const char *pin, const char *ifname);

/* "tcx" or "clsact"; NULL: nothing is pinned there. */
const char *tc_word(const char *pin);

#endif
