// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Every message of golden/messages.json through the codec: verdict, reason, kind, tunnel and MAC,
 * and that what is built from it says the same and is built the same way again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "../golden/messages.h"

/* What is left when offsets into a buffer, which building moves, are taken out. */
static struct msg meaning(const struct msg *m)
{
	struct msg plain = *m;

	plain.len = plain.srh_at = plain.labels_at = plain.options_at = 0;
	memset(plain.at, 0, sizeof(plain.at));
	return plain;
}

static enum reason judge(struct msg *m, struct msg_buf *buf, const struct vector *v)
{
	struct msg_rules rules = msg_rules_default();
	enum reason reason;
	struct mac_key key;

	memset(buf, 0xa5, sizeof(*buf));
	memcpy(buf->b, v->bytes, v->len);
	reason = msg_parse(m, &rules, &v->envelope, buf, v->len);
	if (reason || !v->key_len)
		return reason;
	key = vector_key(v);
	return msg_auth(m, &key, &v->envelope, buf);
}

/* Segments are listed in the order travelled; labels as numbers or [label, TC, TTL], top first. */
static void assert_tunnel(const struct vector *v, const struct msg *m, const struct msg_buf *buf)
{
	const json_t *ip = json_object_get(v->tunnel, "ip");
	const json_t *srv6 = json_object_get(v->tunnel, "srv6");
	const json_t *mpls = json_object_get(v->tunnel, "mpls");
	struct tunnel_key k;

	assert_int_equal(msg_tunnel_key(&k, m, buf, CODE_IP), ip != NULL);
	if (ip) {
		struct addr a = vector_addr(json_string_value(ip), v->name);

		assert_true(addr_equal(&k.addr, &a));
	}
	assert_int_equal(msg_tunnel_key(&k, m, buf, CODE_SRV6), srv6 != NULL);
	for (size_t i = 0, n = json_array_size(srv6); i < n; i++) {
		struct addr a = vector_addr(json_string_value(json_array_get(srv6, i)), v->name);

		assert_int_equal(k.n, n);
		assert_true(addr_equal(&k.segment[n - 1 - i], &a));
	}
	assert_int_equal(msg_tunnel_key(&k, m, buf, CODE_MPLS), mpls != NULL);
	for (size_t i = 0, n = json_array_size(mpls); i < n; i++) {
		const json_t *label = json_array_get(mpls, i);

		if (json_is_array(label))
			label = json_array_get(label, 0);
		assert_int_equal(k.n, n);
		assert_int_equal(be32(k.label_be[i]) >> WIRE_LABEL_SHIFT,
				 json_integer_value(label));
	}
}

/* build(parse(x)) says what x says; building from that changes no byte. */
static void assert_stable(const struct vector *v, const struct msg *m, const struct msg_buf *buf)
{
	struct msg_rules rules = msg_rules_default();
	struct msg_buf built, again;
	struct msg m2, a, b;
	__u32 len = msg_build(&built, m, buf, &rules, &v->envelope, NULL), len2;

	assert_int_not_equal(len, 0);
	assert_int_equal(msg_parse(&m2, &rules, &v->envelope, &built, len), REASON_NONE);
	a = meaning(m);
	b = meaning(&m2);
	assert_memory_equal(&a, &b, sizeof(a));
	len2 = msg_build(&again, &m2, &built, &rules, &v->envelope, NULL);
	assert_int_equal(len2, len);
	assert_memory_equal(built.b, again.b, len);
}

/* A MAC made here is the one that the other encoder made. */
static void assert_signed_alike(const struct vector *v, const struct msg *m,
				const struct msg_buf *buf)
{
	struct msg_rules rules = msg_rules_default();
	struct mac_key key = vector_key(v);
	struct msg blank = *m;
	struct msg_buf built;

	memset(blank.auth_mac, 0, sizeof(blank.auth_mac));
	assert_int_equal(msg_build(&built, &blank, buf, &rules, &v->envelope, &key), v->len);
	assert_memory_equal(built.b, v->bytes, v->len);
}

static void vector(void **state)
{
	const struct vector *v = *state;
	struct msg m, before;
	struct msg_buf buf;

	memset(&m, 0x5a, sizeof(m));
	before = m;
	assert_string_equal(reason_word(judge(&m, &buf, v)), reason_word(v->reason));
	if (v->reason) {
		if (v->reason != REASON_AUTH)
			assert_memory_equal(&m, &before, sizeof(m));
		return;
	}
	assert_memory_equal(buf.b, v->bytes, v->len);
	assert_string_equal(kind_word(m.kind), kind_word(v->kind));
	assert_tunnel(v, &m, &buf);
	assert_stable(v, &m, &buf);
	if (v->key_len)
		assert_signed_alike(v, &m, &buf);
}

int main(void)
{
	struct CMUnitTest tests[VECTORS_MAX] = {};

	vectors_read(SRCDIR "/selftests/golden/messages.json");
	for (size_t i = 0; i < n_vectors; i++) {
		tests[i].name = vectors[i].name;
		tests[i].test_func = vector;
		tests[i].initial_state = &vectors[i];
	}
	return _cmocka_run_group_tests("golden messages", tests, n_vectors, NULL, NULL);
}
