/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Options that send and decode share: the numbers of the wire that policy may change, and a key.
 * Also what both need to read from a command line: numbers, addresses, hex.
 */
#ifndef WIRE_OPTIONS_H
#define WIRE_OPTIONS_H

#include <argp.h>

#include "fantel/msg.h"
#include "keys.h"

struct wire_options {
	struct msg_rules rules; /* msg_rules_default() to begin with */
	__u8 secret[WIRE_HMAC_KEY_MAX];
	__u32 secret_len; /* 0 = no key given */
	struct keys keys; /* or a file of several */
};

/* A child whose input is a struct wire_options. */
extern const struct argp options_wire;

/* Was a key given, or a file of keys? */
bool wire_keyed(const struct wire_options *options);

/* Wipe the keys, and release them. */
void wire_forget(struct wire_options *options);

/* The key as a MAC of `algorithm` takes it. NULL, or why there is none. */
const char *wire_key(struct mac_key *key, const struct wire_options *options, __u32 key_id,
		     enum wire_auth algorithm);

/* Readers of one argument. Each ends the process with a sentence when the text is not what it has
 * to be; `option` is named in it. */
__u64 arg_number(struct argp_state *state, const char *option, const char *text, __u64 min,
		 __u64 max);
double arg_real(struct argp_state *state, const char *option, const char *text);
struct addr arg_addr(struct argp_state *state, const char *option, const char *text);
int arg_word(struct argp_state *state, const char *option, const char *text,
	     int (*from_word)(const char *), const char *(*to_word)(unsigned int), int last);

/* Cut "a,b,c" at its commas, in place. Returns the number of items; fewer than min or more than max
 * is an error. */
#define ARG_ITEMS 16
int arg_split(struct argp_state *state, const char *option, char *text, char *item[ARG_ITEMS],
	      int min, int max);

/* Hex digits, in pairs or not, with blanks and colons between: bytes. Returns how many, or -1 with
 * *bad where it is not hex or one digit too many (then the end), or -2 for more than max. */
int hex_read(__u8 *out, int max, const char *text, const char **bad);

#endif
