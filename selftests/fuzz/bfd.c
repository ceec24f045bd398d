// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Fuzzes bfd_parse: it reads nothing outside the packet (the copy is exactly as long as the input, so
 * the sanitizer sees), what it takes keeps to RFC 5880 §6.8.6 and is written again as it was, and
 * what it refuses leaves the result alone.
 */
#include "fantel/bfd.h"
#include "fuzz.h"

static void check(const struct bfd_packet *p, const __u8 *data, size_t size)
{
	__u8 b[BFD_LEN];

	REQUIRE(size >= BFD_LEN && data[0] >> 5 == 1);
	REQUIRE(data[3] >= BFD_LEN && data[3] <= size);
	REQUIRE(p->mult && p->mine && p->state <= BFD_UP);
	REQUIRE(p->yours || p->state < BFD_INIT);
	REQUIRE(!(p->flags & (BFD_AUTH | BFD_MULTIPOINT)));
	bfd_write(b, p);
	b[BFD_OFF_LEN] = data[BFD_OFF_LEN];
	REQUIRE(!memcmp(b, data, BFD_LEN));
	for (int now = BFD_DOWN; now <= BFD_UP; now++)
		REQUIRE(bfd_next(now, p->state) >= BFD_DOWN && bfd_next(now, p->state) <= BFD_UP);
	REQUIRE(bfd_detection_ns(p->mult, p->min_tx_us, 1000) >= 1000000);
	REQUIRE(bfd_pause_ns(1000, p->min_rx_us, p->mult, p->yours) >= 750000);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	__u8 *data = input_copy(input, size);
	struct bfd_packet p, before;
	enum reason reason;

	memset(&p, 0xa5, sizeof(p));
	before = p;
	reason = bfd_parse(&p, data, size);
	if (reason == REASON_NONE)
		check(&p, data, size);
	else
		REQUIRE(!memcmp(&p, &before, sizeof(p)));
	free(data);
	return 0;
}
