/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The note that a policy was applied and is not confirmed: what it is, and what was in force before.
 * It lies beside the control socket, in memory, and outlives the loader: one that starts again, by hand
 * or by a supervisor, does not take a policy that nobody confirmed. It stays, after going back too,
 * until that policy is confirmed or another one is taken.
 */
#ifndef UNCONFIRMED_H
#define UNCONFIRMED_H

#include "edition.h"
#include "pin.h"

struct unconfirmed {
	char *policy, *policy_file; /* canonical: what is not confirmed, and where it came from */
	char *file, *text;	    /* what to go back to */
	__u64 until_ns;		    /* CLOCK_MONOTONIC: when; 0 = the node went back */
};

/* Returns 0 or a negative errno, reported. */
int unconfirmed_write(const struct pins *pins, const struct edition *unconfirmed, const char *file,
		      const char *text, __u64 until_ns);

/* Another end for what is noted already; without a note, nothing. Returns 0 or a negative errno, reported. */
int unconfirmed_set_end(const struct pins *pins, __u64 until_ns);

/* Returns 0 and *u (release with unconfirmed_free), or -ENOENT: there is none. */
int unconfirmed_read(struct unconfirmed *u, const struct pins *pins);
void unconfirmed_free(struct unconfirmed *u);

void unconfirmed_remove(const struct pins *pins);

#endif
