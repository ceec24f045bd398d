/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * JSON out, by jansson. Every view is built as JSON first; table.h prints the same as text. Member
 * names are those of policies/fantel.yang where there is one, in kebab-case; what does not apply is
 * null, never left out, except in events.
 */
#ifndef JSON_H
#define JSON_H

#include <jansson.h>
#include <stdio.h>

#include "fantel/abi.h"

static inline void own_json(json_t **json)
{
	json_decref(*json);
}
#define OWN_JSON __attribute__((cleanup(own_json)))

/* Set a member; the object takes the value over. */
static inline void json_set(json_t *object, const char *name, json_t *value)
{
	json_object_set_new(object, name, value);
}

json_t *json_addr(const struct addr *addr); /* null if unspecified */
json_t *json_text(const char *text);	    /* null if empty; bytes that are not UTF-8 become '?' */
json_t *json_mac(const __u8 mac[6]);

/* Segments in the order travelled, one address, or labels, as an array of strings; null if none. */
json_t *json_tunnel(const struct tunnel_key *tunnel);

/*
 * Set NAME to a monotonic time in RFC 3339, and NAME-age to the seconds since then (negative for
 * what is to come); both null for 0 ns.
 */
void json_set_time(json_t *object, const char *name, __u64 monotonic_ns);

/* A member of an object, or with "a.b" a member of a member; NULL where there is none. Borrowed. */
const json_t *json_member(const json_t *object, const char *name);

/* Objects in the order of a member that is text: hash maps have none of their own. */
void json_sort(json_t *array, const char *member);

/* Print a document and a newline; `compact`: on one line. */
void json_print(const json_t *json, bool compact, FILE *out);

#endif
