// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Fuzzes what is read of a packet's SRH: nothing outside the packet (the copy is exactly as long as the
 * input, so the sanitizer sees), and what comes of it is in the packet, where RFC 8754 §2 has it. All
 * that is refused is refused for a reason that is in the packet, too.
 *
 * Inputs: a byte, then the SRH; where the byte is odd with all that a reduced one has left at first.
 */
#include "fantel/srh.h"
#include "fuzz.h"

static const struct addr dst = { .b = { 0xdd, 0xdd } };

static void check_next(const struct srh *h, const __u8 *data, size_t size)
{
	size_t end = 8 + 16 * (size_t)data[3];
	struct addr next = dst;

	if (!srh_next(&next, h, data, data + size)) {
		REQUIRE(!data[3] || end > size);
		REQUIRE(addr_equal(&next, &dst));
		return;
	}
	REQUIRE(data[3] && end <= size && !memcmp(&next, data + end - 16, 16));
}

static void check_tunnel(const struct srh *h, const __u8 *data, size_t size)
{
	size_t listed = data[4] + 1, n = listed + (data[3] == listed);
	struct tunnel_key t = {}, none = {};
	enum reason reason = srh_tunnel(&t, h, &dst, data, data + size);

	REQUIRE((reason == REASON_TOO_DEEP) == (n > MAX_SEGMENTS));
	if (reason == REASON_TOO_DEEP) {
		REQUIRE(!memcmp(&t, &none, sizeof(t)));
		return;
	}
	REQUIRE((reason == REASON_NOT_IP) == (8 + 16 * listed > size));
	if (reason == REASON_NOT_IP) {
		REQUIRE(!t.code && !t.n);
		return;
	}
	REQUIRE(reason == REASON_NONE && t.code == CODE_SRV6 && t.n == n);
	REQUIRE(!memcmp(t.segment, data + 8, 16 * listed));
	REQUIRE(n == listed || addr_equal(&t.segment[listed], &dst));
	REQUIRE(!memcmp(&t.segment[n], none.segment, 16 * (MAX_SEGMENTS - n)));
}

static void check(const __u8 *data, size_t size)
{
	struct srh h;
	bool sound;

	if (!srh_read(&h, data, data + size)) {
		REQUIRE(size < 8 || data[2] != 4);
		return;
	}
	REQUIRE(size >= 8 && data[2] == 4);
	REQUIRE(h.proto == data[0] && h.len == 8U + 8 * data[1]);
	sound = data[1] / 2 >= data[4] + 1 && data[3] <= data[4] + 1;
	REQUIRE(srh_is_sound(&h) == sound);
	if (!sound)
		return;
	check_next(&h, data, size);
	check_tunnel(&h, data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	__u8 *data;

	if (!size--)
		return 0;
	data = input_copy(input + 1, size);
	if (input[0] & 1 && size > 4)
		data[3] = data[4] + 1;
	check(data, size);
	free(data);
	return 0;
}
