/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * golden/messages.json as C: messages that an independent encoder built, each with its verdict.
 * Included by unit/golden.c and prog/test_codec.c, which must agree on every one of them. Errors in
 * the file end the process with a sentence.
 */
#ifndef GOLDEN_MESSAGES_H
#define GOLDEN_MESSAGES_H

#include <arpa/inet.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "fantel/msg_build.h"
#include "words.h"

struct vector {
	const char *name;
	struct msg_envelope envelope;
	__u8 bytes[WIRE_PACKET_MAX];
	__u32 len;
	enum reason reason; /* REASON_NONE for a valid one */
	int kind;	    /* enum kind; of a valid one */
	const json_t *tunnel;
	__u8 key[WIRE_HMAC_KEY_MAX];
	__u32 key_len; /* 0 = not authenticated */
};

#define VECTORS_MAX 256
static struct vector vectors[VECTORS_MAX];
static size_t n_vectors;
static json_t *vectors_json; /* names and tunnels point into it */

#define VECTOR_REQUIRE(cond, name, what)                                                           \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			fprintf(stderr, "messages.json: %s: %s\n", name, what);                    \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static inline __u32 vector_hex(__u8 *out, size_t max, const char *hex, const char *name)
{
	__u32 n = 0;

	for (; hex && *hex; hex += 2) {
		VECTOR_REQUIRE(n < max && sscanf(hex, "%2hhx", &out[n]) == 1, name, "bad hex");
		n++;
	}
	return n;
}

static inline struct addr vector_addr(const char *text, const char *name)
{
	struct in_addr v4;
	struct addr a;

	if (text && inet_pton(AF_INET, text, &v4) == 1)
		return addr_from_v4(v4.s_addr);
	VECTOR_REQUIRE(text && inet_pton(AF_INET6, text, &a) == 1, name, "bad address");
	return a;
}

static inline const char *vector_string(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

static inline void vector_read(struct vector *v, const json_t *row)
{
	const char *transport = vector_string(row, "transport"), *why = vector_string(row, "why");
	const char *kind = vector_string(row, "kind"), *verdict = vector_string(row, "verdict");

	v->name = vector_string(row, "name");
	VECTOR_REQUIRE(v->name && transport && verdict, "a row", "no name, transport or verdict");
	v->envelope.transport = strcmp(transport, "udp") ? TRANSPORT_ICMPV6 : TRANSPORT_UDP;
	v->envelope.src = vector_addr(vector_string(row, "src"), v->name);
	v->envelope.dst = vector_addr(vector_string(row, "dst"), v->name);
	v->len = vector_hex(v->bytes, sizeof(v->bytes), vector_string(row, "l4"), v->name);
	v->key_len = vector_hex(v->key, sizeof(v->key), vector_string(row, "key"), v->name);
	v->tunnel = json_object_get(row, "tunnel");
	if (!strcmp(verdict, "valid")) {
		v->kind = kind ? kind_from_word(kind) : -1;
		VECTOR_REQUIRE(v->kind >= 0, v->name, "no such kind");
	} else {
		int reason = why ? reason_from_word(why) : -1;

		VECTOR_REQUIRE(reason > 0, v->name, "no such reason");
		v->reason = reason;
	}
}

/* Fill vectors[]. */
static inline void vectors_read(const char *file)
{
	json_error_t error;
	json_t *row;
	size_t i;

	vectors_json = json_load_file(file, 0, &error);
	VECTOR_REQUIRE(vectors_json, file, error.text);
	VECTOR_REQUIRE(json_array_size(vectors_json) <= VECTORS_MAX, file, "too many rows");
	json_array_foreach(vectors_json, i, row)
		vector_read(&vectors[n_vectors++], row);
	VECTOR_REQUIRE(n_vectors, file, "no rows");
}

/* The vector's algorithm follows from its key's length. */
static inline struct mac_key vector_key(const struct vector *v)
{
	enum wire_auth algorithm = v->key_len == WIRE_SIPHASH_KEY ? AUTH_SIPHASH : AUTH_HMAC_SHA256;
	struct mac_key key = {};

	VECTOR_REQUIRE(mac_key_init(&key, algorithm, v->key, v->key_len) == 0, v->name, "bad key");
	return key;
}

#endif
