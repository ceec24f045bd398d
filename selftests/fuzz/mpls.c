// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Fuzzes what is read of a packet's label stack: nothing outside the packet (the copy is exactly as long
 * as the input, so the sanitizer sees), labels are those of the packet up to the one with the S bit, and
 * what is refused has no such label, too many, or nothing behind them.
 */
#include "fantel/mpls.h"
#include "fuzz.h"

/* Labels up to the one with the S bit; 0: there is none that something is behind. */
static size_t depth(const __u8 *data, size_t size)
{
	for (size_t n = 1; 4 * n < size; n++)
		if (data[4 * n - 2] & 1)
			return n;
	return 0;
}

static void check(const struct tunnel_key *t, __u32 proto, const __u8 *data, size_t n)
{
	REQUIRE(t->code == CODE_MPLS && t->n == n);
	REQUIRE((proto == PROTO_IPV6) == (data[4 * n] >> 4 == 6) && (proto == PROTO_IPV6 || proto == PROTO_IPIP));
	for (size_t i = 0; i < WIRE_LABELS_MAX; i++) {
		const __u8 *label = (const __u8 *)&t->label_be[i], *entry = data + 4 * i;

		if (i < n)
			REQUIRE(label[0] == entry[0] && label[1] == entry[1] &&
				label[2] == (entry[2] & 0xf0) && !label[3]);
		else
			REQUIRE(!t->label_be[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	__u8 *data = input_copy(input, size);
	struct tunnel_key t = {};
	enum reason reason;
	__u32 proto = 0;
	size_t n;

	n = depth(data, size);
	reason = mpls_tunnel(&t, &proto, data, data + size);
	if (reason == REASON_NONE)
		check(&t, proto, data, n);
	else
		REQUIRE(!t.code && !t.n && !proto);
	REQUIRE((reason == REASON_NONE) == (n && n <= WIRE_LABELS_MAX));
	REQUIRE((reason == REASON_TOO_DEEP) == (size > 4 * WIRE_LABELS_MAX && (!n || n > WIRE_LABELS_MAX)));
	free(data);
	return 0;
}
