// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The headers of tunnels that end here: which tunnel, and where the packet inside begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fantel/tunnel.h"
#include "wire_options.h"

#define ROOM 64

typedef enum reason reader(struct tunnel_head *h, const __u8 *at, const void *end);

/* Bytes in hex, and what is read of them; `type` in host byte order. */
static const struct row {
	const char *sentence;
	reader *read;
	const char *bytes;
	enum reason reason;
	__u32 id, len, udp_len, type;
	bool keyed;
} rows[] = {
	{ "GRE, IPv6 inside", gre_read, "000086dd", REASON_NONE, .len = 4, .type = 0x86dd },
	{ "GRE, IPv4 inside", gre_read, "00000800", REASON_NONE, .len = 4, .type = 0x0800 },
	{ "GRE with a key", gre_read, "200086dd 00000007", REASON_NONE, .len = 8, .type = 0x86dd, .id = 7,
	  .keyed = true },
	{ "GRE with key 0", gre_read, "20000800 00000000", REASON_NONE, .len = 8, .type = 0x0800, .keyed = true },
	{ "GRE with a checksum", gre_read, "80000800 abcd0000", REASON_NONE, .len = 8, .type = 0x0800 },
	{ "GRE with a sequence number", gre_read, "10000800 00000009", REASON_NONE, .len = 8, .type = 0x0800 },
	{ "GRE with all of them", gre_read, "b0000800 abcd0000 89abcdef 00000009", REASON_NONE, .len = 16,
	  .type = 0x0800, .id = 0x89abcdef, .keyed = true },
	{ "GRE with what may be set and says nothing", gre_read, "03f8ffff", REASON_NONE, .len = 4, .type = 0xffff },
	{ "GRE of version 1", gre_read, "30010800", REASON_NOT_ENDPOINT, .len = 4 },
	{ "GRE with routing", gre_read, "40000800", REASON_DECAP_MALFORMED, .len = 4 },
	{ "GRE with a strict source route", gre_read, "08000800", REASON_DECAP_MALFORMED, .len = 4 },
	{ "GRE with recursion control", gre_read, "04000800", REASON_DECAP_MALFORMED, .len = 4 },
	{ "VXLAN, IPv6 inside", vxlan_read,
	  "c00012b5 00410000 08000000 00000500 020000000001 020000000002 86dd", REASON_NONE, .len = 30,
	  .type = 0x86dd, .id = 5, .udp_len = 0x41 },
	{ "VXLAN, all bits of the VNI, and others that are ignored", vxlan_read,
	  "c00012b5 ffff1234 ff123456 ffffffff 020000000001 020000000002 0800", REASON_NONE, .len = 30,
	  .type = 0x0800, .id = 0xffffff, .udp_len = 0xffff },
	{ "VXLAN without a VNI", vxlan_read,
	  "c00012b5 00410000 f7000000 00000500 020000000001 020000000002 86dd", REASON_NOT_ENDPOINT, .len = 30,
	  .type = 0x86dd, .id = 5, .udp_len = 0x41 },
	{ "one label, IPv6 inside", label_read, "00064140 60", REASON_NONE, .len = 4, .type = 0x86dd, .id = 100 },
	{ "the last label there is, IPv4 inside", label_read, "ffffff02 45", REASON_NONE, .len = 4, .type = 0x0800,
	  .id = 0xfffff },
	{ "what is neither counts as IPv4", label_read, "00064140 00", REASON_NONE, .len = 4, .type = 0x0800,
	  .id = 100 },
	{ "another label behind", label_read, "00064040 00065140 45", REASON_NOT_ENDPOINT, .len = 4, .id = 100 },
	{ "TTL 1", label_read, "00064101 45", REASON_HOP_LIMIT, .len = 4, .id = 100 },
	{ "TTL 0", label_read, "00064100 45", REASON_HOP_LIMIT, .len = 4, .id = 100 },
};

static size_t bytes_of(const struct row *r, __u8 whole[ROOM])
{
	const char *bad;
	int size = hex_read(whole, ROOM, r->bytes, &bad);

	assert_true(size > 0);
	return size;
}

/* `size` bytes of it, and nothing behind: the sanitizer sees. */
static enum reason read(struct tunnel_head *h, const struct row *r, size_t size)
{
	__u8 whole[ROOM], *b = malloc(size ?: 1);
	enum reason reason;

	assert_true(b && bytes_of(r, whole) >= size);
	memcpy(b, whole, size);
	*h = (struct tunnel_head){};
	reason = r->read(h, b, b + size);
	free(b);
	return reason;
}

static size_t whole_size(const struct row *r)
{
	__u8 whole[ROOM];

	return bytes_of(r, whole);
}

static void each_row(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct tunnel_head h;

		print_message("# %s\n", r->sentence);
		assert_int_equal(read(&h, r, whole_size(r)), r->reason);
		assert_int_equal(h.id, r->id);
		assert_int_equal(h.len, r->len);
		assert_int_equal(h.udp_len, r->udp_len);
		assert_int_equal(be16(h.type), r->type);
		assert_int_equal(h.keyed, r->keyed);
	}
}

/* However much is missing, it is said how much is needed: with that the reader comes further. */
static void each_row_cut_short(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct tunnel_head h;
		size_t size = 0;

		print_message("# %s\n", r->sentence);
		while (read(&h, r, size) == REASON_TOO_SHORT) {
			assert_in_range(h.len, size + 1, whole_size(r));
			size = h.len;
			if (size == whole_size(r))
				break;
			for (size_t less = 0; less < size; less++)
				assert_int_equal(read(&h, r, less), REASON_TOO_SHORT);
		}
		assert_int_equal(read(&h, r, size), r->reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(each_row_cut_short),
	};

	return cmocka_run_group_tests_name("tunnel", tests, NULL, NULL);
}
