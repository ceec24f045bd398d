// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Fuzzes what is read of the header of a tunnel that ends here, GRE, VXLAN or a label: nothing outside the
 * packet (the copy is exactly as long as the input, so the sanitizer sees), what is found is in the packet,
 * where the RFC has it, and who is told that it is too short is told how much is needed.
 *
 * Inputs: a byte, by which one of the three is chosen, then the header.
 */
#include "fantel/tunnel.h"
#include "fuzz.h"

static __u32 word(const __u8 *b)
{
	return (__u32)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3];
}

static __u32 half(const __u8 *b)
{
	return b[0] << 8 | b[1];
}

/* Octets by their numbers, as RFC 2890 §2 draws them. */
static void check_gre(const __u8 *b, size_t size)
{
	struct tunnel_head h = {};
	enum reason reason = gre_read(&h, b, b + size);
	size_t key, len;

	if (size < 4) {
		REQUIRE(reason == REASON_TOO_SHORT && h.len == 4);
		return;
	}
	REQUIRE((reason == REASON_NOT_ENDPOINT) == !!(b[1] & 7));
	if (reason == REASON_NOT_ENDPOINT)
		return;
	REQUIRE((reason == REASON_DECAP_MALFORMED) == !!(b[0] & 0x4c));
	if (reason == REASON_DECAP_MALFORMED)
		return;
	key = b[0] & 0x80 ? 8 : 4;
	len = key + (b[0] & 0x20 ? 4 : 0) + (b[0] & 0x10 ? 4 : 0);
	REQUIRE((reason == REASON_TOO_SHORT) == (b[0] & 0x20 && size < key + 4));
	if (reason == REASON_TOO_SHORT) {
		REQUIRE(h.len == key + 4 && !h.keyed && !h.id);
		return;
	}
	REQUIRE(reason == REASON_NONE && h.len == len && be16(h.type) == half(b + 2));
	REQUIRE(h.keyed == !!(b[0] & 0x20) && h.id == (h.keyed ? word(b + key) : 0));
}

static void check_vxlan(const __u8 *b, size_t size)
{
	struct tunnel_head h = {};
	enum reason reason = vxlan_read(&h, b, b + size);

	REQUIRE(h.len == 30 && !h.keyed);
	REQUIRE((reason == REASON_TOO_SHORT) == (size < 30));
	if (size < 30)
		return;
	REQUIRE((reason == REASON_NONE) == !!(b[8] & 8));
	REQUIRE(reason == REASON_NONE || reason == REASON_NOT_ENDPOINT);
	REQUIRE(h.id == word(b + 12) >> 8 && h.udp_len == half(b + 4) && be16(h.type) == half(b + 28));
}

static void check_label(const __u8 *b, size_t size)
{
	struct tunnel_head h = {};
	enum reason reason = label_read(&h, b, b + size);

	REQUIRE(!h.keyed && !h.udp_len);
	if (size < 4) {
		REQUIRE(reason == REASON_TOO_SHORT && h.len == 4 && !h.id);
		return;
	}
	REQUIRE(h.id == word(b) >> 12);
	REQUIRE((reason == REASON_NOT_ENDPOINT) == !(b[2] & 1));
	REQUIRE((reason == REASON_HOP_LIMIT) == (b[2] & 1 && b[3] < 2));
	REQUIRE((reason == REASON_TOO_SHORT) == (b[2] & 1 && b[3] >= 2 && size == 4));
	if (reason == REASON_TOO_SHORT)
		REQUIRE(h.len == 5);
	if (reason == REASON_NONE)
		REQUIRE(h.len == 4 && be16(h.type) == (b[4] >> 4 == 6 ? 0x86dd : 0x0800));
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	static void (*const check[])(const __u8 *b, size_t size) = { check_gre, check_vxlan, check_label };
	__u8 *data;

	if (!size--)
		return 0;
	data = input_copy(input + 1, size);
	check[input[0] % ARRAY_SIZE(check)](data, size);
	free(data);
	return 0;
}
