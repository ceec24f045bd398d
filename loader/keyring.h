/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * fantel_keys: filled from the policy's key file by push and, on SIGHUP, by run; and what the loader
 * itself signs with, by the rules of bpf/auth.bpf.h.
 */
#ifndef KEYRING_H
#define KEYRING_H

#include "fantel/msg.h"
#include "maps.h"
#include "policy.h"
#include "sync.h"

/* What fantel_keys should hold: the keys of the policy's file, or none. Reports what is wrong with the
 * file; nothing is written yet. Returns 0 or a negative errno. */
int keyring_plan(struct sync *sync, const struct maps *maps, const struct policy *policy);

/* Read the file again: new keys first, then those go that are not in it any more. With an error in the
 * file all is as before. Reports either. */
void keyring_again(const struct maps *maps, const struct policy *policy);

/* The key to sign with now: false where policy names none, or none of them is active. */
bool keyring_choose(__u32 *id, struct mac_key *key, const struct maps *maps,
		    const struct config *config);

#endif
