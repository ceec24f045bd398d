/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The Invariant CRC of RoCEv2 (InfiniBand Architecture Specification volume 1, annex A17 §A17.3.3):
 * CRC-32 as Ethernet has it, over what no router may change. Pure.
 *
 *	| 8 bytes of ones, for the LRH | IP header | UDP | BTH | payload |, ones in
 *	IPv4: TOS, TTL, checksum; IPv6: traffic class, flow label, hop limit; UDP: checksum;
 *	BTH: FECN, BECN and the six reserved bits beside them
 */
#ifndef FANTEL_ICRC_H
#define FANTEL_ICRC_H

#include "frame.h"

#define ICRC_LEN 4
#define ICRC_LRH 0xdebb20e3 /* the register behind eight bytes of ones */
#define BTH_OFF_ECN 4	    /* FECN(1) BECN(1) reserved(6), before DestQP */

/* One byte, four bits at a time: the polynomial 0x04c11db7, reflected. */
FN __u32 icrc_byte(__u32 crc, __u8 byte)
{
	static const __u32 quarter[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};

	crc ^= byte;
	crc = quarter[crc & 15] ^ crc >> 4;
	return quarter[crc & 15] ^ crc >> 4;
}

/* The bits of byte `at` of an IP header that count as ones. */
FN __u8 icrc_mask(__u32 at, bool v4)
{
	if (v4)
		return at == IPV4_OFF_TOS || at == IPV4_OFF_TTL || at == IPV4_OFF_CSUM ||
			       at == IPV4_OFF_CSUM + 1 ?
			       0xff :
			       0;
	if (at == 0)
		return 0x0f;
	return at < 4 || at == IPV6_OFF_HOP_LIMIT ? 0xff : 0;
}

/*
 * Of the packet at `ip`, without options or extension headers, whose first `len` bytes precede the
 * ICRC. It travels lowest byte first: store32 of it on a little-endian machine.
 */
FN __u32 icrc(const __u8 *ip, __u32 len, bool v4)
{
	__u32 crc = ICRC_LRH, udp = v4 ? IPV4_LEN : IPV6_LEN;

	for (__u32 i = 0; i < len; i++) {
		__u8 mask = i < udp ? icrc_mask(i, v4) : 0;

		if (i - udp == UDP_OFF_SUM || i - udp == UDP_OFF_SUM + 1 ||
		    i - udp == UDP_LEN + BTH_OFF_ECN)
			mask = 0xff;
		crc = icrc_byte(crc, ip[i] | mask);
	}
	return ~crc;
}

#endif
