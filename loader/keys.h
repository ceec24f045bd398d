/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Keys of message authentication codes, from a file of their own: a line each, `#' begins a comment.
 *
 *	key-id  algorithm         from                  until                 key
 *	1       siphash-2-4-128   -                     2026-07-08T00:00:00Z  <32 hex digits>
 *	2       hmac-sha-256-128  2026-07-01T00:00:00Z  -                     <32 to 128 hex digits>
 *
 * What is a secret is neither printed nor quoted, in errors either, and wiped when it is released.
 */
#ifndef KEYS_H
#define KEYS_H

#include <stdio.h>

#include "fantel/abi.h"

struct keys_entry {
	__u32 id;
	struct key key; /* from_ns, until_ns: since 1970, UTC; 0 and ~0 = unlimited */
};

struct keys {
	__u32 n;
	struct keys_entry *entry; /* ascending by id */
};

/*
 * Read and check `file`, which must be root's or our own and nobody else's to read. On success fills
 * *keys (release with keys_free) and returns 0. On failure *keys is untouched, every error found is
 * written to `errors` as `file:line: what is wrong; what would be right`, and their number is returned,
 * or a negative errno where the file can't be read or must not be trusted.
 */
int keys_read(struct keys *keys, const char *file, FILE *errors);

/* The same from memory; `name` stands for the file in messages. `text` is changed. */
int keys_parse(struct keys *keys, const char *name, char *text, FILE *errors);

void keys_free(struct keys *keys);
#define OWN_KEYS __attribute__((cleanup(keys_free)))

/* NULL where there is none. */
const struct keys_entry *keys_find(const struct keys *keys, __u32 id);

/* A key as fantel_keys has it: its times on CLOCK_TAI, which is `tai_s` seconds ahead of UTC. */
struct key keys_on_tai(const struct keys_entry *entry, int tai_s);

/* The same with what this kernel knows of leap seconds. */
int keys_tai_offset(void);

#endif
