// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Fuzzes frame_parse: it reads nothing outside the frame (the copy is exactly as long as the input,
 * so the sanitizer sees), and what it says of the frame is in the frame.
 */
#include "fantel/frame.h"
#include "fuzz.h"

static void check(const struct frame *f, const __u8 *data, size_t size)
{
	__u32 hdr = f->l4 - ETH_LEN;

	REQUIRE(f->version == 4 || f->version == 6);
	REQUIRE(hdr >= (f->version == 4 ? IPV4_LEN : IPV6_LEN) && hdr <= 60);
	REQUIRE(f->len >= hdr);
	REQUIRE(addr_is_v4(&f->src) || f->version == 6);
	if (f->fragment)
		REQUIRE(!f->ports && !f->qp);
	if (f->ports) {
		REQUIRE(f->proto == PROTO_UDP || f->proto == PROTO_TCP);
		REQUIRE(f->l4 + 4 <= size && load32(data + f->l4) == f->ports);
	}
	if (f->qp) {
		REQUIRE(f->proto == PROTO_UDP && frame_dport(f) == ROCE_PORT);
		REQUIRE(f->l4 + UDP_LEN + BTH_LEN <= size && be32(f->qp) <= 0xffffff);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	__u8 *data = input_copy(input, size);
	struct frame f;

	if (frame_parse(&f, data, data + size))
		check(&f, data, size);
	free(data);
	return 0;
}
