// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* Label stacks of packets: which tunnel, and what is inside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fantel/mpls.h"

#define NOTHING 0xff

/* n labels 100, 101, ... with TC 5 and TTL 64, the last one with the S bit if it is to end; then a byte. */
static const struct row {
	const char *sentence;
	__u32 n;
	bool ends;
	__u8 inside; /* NOTHING: the packet ends with the labels */
	enum reason reason;
	__u32 proto;
} rows[] = {
	{ "one label, IPv4 inside", 1, true, 0x45, REASON_NONE, PROTO_IPIP },
	{ "one label, IPv6 inside", 1, true, 0x60, REASON_NONE, PROTO_IPV6 },
	{ "what is neither counts as IPv4", 1, true, 0x00, REASON_NONE, PROTO_IPIP },
	{ "three labels", 3, true, 0x60, REASON_NONE, PROTO_IPV6 },
	{ "as many as a tunnel can have", WIRE_LABELS_MAX, true, 0x60, REASON_NONE, PROTO_IPV6 },
	{ "one more", WIRE_LABELS_MAX + 1, true, 0x60, REASON_TOO_DEEP, 0 },
	{ "the last one is not in the packet", 2, false, NOTHING, REASON_NOT_IP, 0 },
	{ "nothing inside", 1, true, NOTHING, REASON_NOT_IP, 0 },
};

static size_t build(__u8 *b, const struct row *r)
{
	for (__u32 i = 0; i < r->n; i++)
		store32(b + 4 * i, be32((100 + i) << 12 | 5 << 9 | (r->ends && i + 1 == r->n) << 8 | 64));
	b[4 * r->n] = r->inside;
	return 4 * r->n + (r->inside != NOTHING);
}

/* `size` bytes of it, and nothing behind: the sanitizer sees. */
static enum reason read(struct tunnel_key *t, __u32 *proto, const struct row *r, size_t size)
{
	__u8 whole[4 * WIRE_LABELS_MAX + 8], *b = malloc(size ?: 1);
	enum reason reason;

	assert_true(build(whole, r) >= size && b);
	memcpy(b, whole, size);
	reason = mpls_tunnel(t, proto, b, b + size);
	free(b);
	return reason;
}

static void each_row(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct tunnel_key t = {}, want = { .code = CODE_MPLS, .n = r->n };
		__u8 whole[4 * WIRE_LABELS_MAX + 8];
		__u32 proto = 0;

		print_message("# %s\n", r->sentence);
		assert_int_equal(read(&t, &proto, r, build(whole, r)), r->reason);
		assert_int_equal(proto, r->proto);
		if (r->reason != REASON_NONE) {
			assert_false(t.code || t.n);
			continue;
		}
		for (__u32 k = 0; k < r->n; k++)
			want.label_be[k] = be32((100 + k) << 12);
		assert_memory_equal(&t, &want, sizeof(want));
	}
}

static void each_row_cut_short(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		__u8 whole[4 * WIRE_LABELS_MAX + 8];

		print_message("# %s\n", r->sentence);
		for (size_t size = 0; size < build(whole, r); size++) {
			bool deep = size > 4 * WIRE_LABELS_MAX;
			struct tunnel_key t = {};
			__u32 proto = 0;

			assert_int_equal(read(&t, &proto, r, size), deep ? REASON_TOO_DEEP : REASON_NOT_IP);
			assert_false(t.code || t.n || proto);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(each_row_cut_short),
	};

	return cmocka_run_group_tests_name("mpls", tests, NULL, NULL);
}
