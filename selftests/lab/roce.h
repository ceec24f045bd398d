/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * The lab's RoCEv2 packets: what roce_send writes and roce_recv reads. InfiniBand Architecture
 * Specification volume 1, annex A17.
 *
 *  | Ethernet | IPv4 or IPv6 | UDP, to 4791 | BTH 12 | RETH 16 (WRITE only) | payload | ICRC 4 |
 *
 * The payload starts with a struct stamp: which flow (QP), which packet of it, and when it was
 * sent.
 */
#ifndef ROCE_H
#define ROCE_H

#include <arpa/inet.h>
#include <linux/types.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#define ROCE_PORT 4791
#define ROCE_FLOWS_MAX 4096
#define ROCE_FRAME_MAX 9216

#define ETH_LEN 14
#define IPV4_LEN 20
#define IPV6_LEN 40
#define UDP_LEN 8
#define BTH_LEN 12
#define RETH_LEN 16
#define ICRC_LEN 4

/* Reliable Connection, a message of one packet. */
enum bth_opcode {
	BTH_RC_SEND_ONLY = 0x04,
	BTH_RC_WRITE_ONLY = 0x0a,
};

/* Base Transport Header: FECN, BECN and six reserved bits in `ecn`; ack request in `ack`. */
struct bth {
	__u8 opcode;
	__u8 flags; /* solicited event, migration, pad count << 4, version */
	__be16 pkey_be;
	__u8 ecn;
	__u8 qp[3];
	__u8 ack;
	__u8 psn[3];
} __attribute__((packed));
_Static_assert(sizeof(struct bth) == BTH_LEN, "BTH");

#define STAMP_MAGIC 0x46414e54 /* "FANT" */

/* In host order: sender and receiver are one machine and one clock. */
struct stamp {
	__u32 magic;
	__u32 flow;	/* from 0 */
	__u32 sequence; /* within the flow, from 0; its low 24 bits are the PSN */
	__u32 pad;
	__u64 tx_ns; /* CLOCK_MONOTONIC */
} __attribute__((packed));

/* One packet in the sender's log, which has them all, in turn over the flows. */
struct sending {
	__u64 tx_ns;   /* its time stamp */
	__u64 done_ns; /* the kernel had it; both CLOCK_MONOTONIC */
};

/* One packet in the receiver's log. */
struct record {
	__u64 tx_ns;
	__u64 rx_ns; /* both CLOCK_MONOTONIC */
	__u32 sequence;
	__u16 flow;
	__u16 path; /* index in the summary's "paths"; 0 where nothing is known of paths */
};
_Static_assert(sizeof(struct record) == 24, "the log's readers unpack QQIHH");

static inline __u64 clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static inline void put24(__u8 *p, __u32 v)
{
	p[0] = v >> 16;
	p[1] = v >> 8;
	p[2] = v;
}

static inline __u32 get24(const __u8 *p)
{
	return p[0] << 16 | p[1] << 8 | p[2];
}

/*
 * The part of the ICRC that covers the headers: CRC-32 over eight bytes of ones, the IP and UDP
 * headers and the first eight bytes of the BTH, with ones in every field that a router may change.
 * `ip_len` bytes of IP header at `ip`, UDP and BTH behind it. Continue with crc32() from the BTH's
 * ninth byte to the end of the payload; the result travels lowest byte first.
 */
static inline __u32 icrc_headers(const __u8 *ip, unsigned int ip_len)
{
	__u8 masked[8 + IPV6_LEN + UDP_LEN + 8];
	__u8 *udp = masked + 8 + ip_len;

	memset(masked, 0xff, 8);
	memcpy(masked + 8, ip, ip_len + UDP_LEN + 8);
	if (ip_len == IPV4_LEN) {
		masked[8 + 1] = 0xff;		  /* DSCP and ECN */
		masked[8 + 8] = 0xff;		  /* TTL */
		memset(masked + 8 + 10, 0xff, 2); /* checksum */
	} else {
		masked[8] |= 0x0f; /* traffic class and flow label */
		memset(masked + 8 + 1, 0xff, 3);
		masked[8 + 7] = 0xff; /* hop limit */
	}
	memset(udp + 6, 0xff, 2); /* checksum */
	udp[UDP_LEN + 4] = 0xff;  /* FECN, BECN */
	return crc32(0, masked, 8 + ip_len + UDP_LEN + 8);
}

#endif
