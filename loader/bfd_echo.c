// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <errno.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "bfd_echo.h"
#include "fantel/frame.h"
#include "fantel/msg_types.h"
#include "own.h"
#include "sockopt.h"

int bfd_echo_open(void)
{
	/* Protocol 0: nothing is received. The kernel makes Ethernet's header. */
	int fd OWN_FD = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r = fd < 0 ? -errno : sockopt_urgent(fd);

	return r ?: take_fd(fd);
}

/* `p` is all zero in front of the payload. Returns the length of the UDP packet. */
static __u32 put_udp(__u8 *p, const struct addr *src, const struct bfd_set *set, __u32 number)
{
	__u32 len = UDP_LEN + BFD_ECHO_LEN;
	struct msg_envelope e = { .src = *src, .dst = set->local, .transport = TRANSPORT_UDP };
	__u64 sum;

	store16(p, be16(set->sport));
	store16(p + UDP_OFF_DPORT, be16(BFD_ECHO_PORT));
	store16(p + UDP_OFF_LEN, be16(len));
	store32(p + UDP_LEN + BFD_ECHO_OFF_MINE, be32(set->discriminator));
	store32(p + UDP_LEN + BFD_ECHO_OFF_SEQUENCE, be32(number));
	sum = msg_sum_envelope(&e, len);
	for (__u32 i = 0; i < len; i += 4)
		sum += load32(p + i);
	store16(p + UDP_OFF_SUM, (__u16)~sum_fold(sum) ?: 0xffff);
	return len;
}

/* A source that is not of the link, if there is one: else a router that is no fantel would send a
 * redirect for each (RFC 5881 §4). */
static struct addr source(const struct bfd_set *set, const struct config *config)
{
	struct addr src = addr_is_v4(&set->local) ? config->loopback4 : config->loopback6;

	return addr_is_unspecified(&src) ? set->local : src;
}

__u32 bfd_echo_build(__u8 *ip, const struct bfd_set *set, const struct config *config,
		     __u32 number)
{
	struct addr src = source(set, config);
	__u64 sum = 0;
	__u32 len;

	memset(ip, 0, BFD_ECHO_MAX);
	if (!addr_is_v4(&set->local)) {
		len = put_udp(ip + IPV6_LEN, &src, set, number);
		store32(ip, be32(6U << 28 | (__u32)config->tclass << 20));
		store16(ip + IPV6_OFF_LEN, be16(len));
		ip[IPV6_OFF_NEXTHDR] = PROTO_UDP;
		ip[IPV6_OFF_HOP_LIMIT] = BFD_TTL;
		addr_store(ip + IPV6_OFF_SRC, &src);
		addr_store(ip + IPV6_OFF_DST, &set->local);
		return IPV6_LEN + len;
	}
	len = IPV4_LEN + put_udp(ip + IPV4_LEN, &src, set, number);
	store32(ip, be32(0x45U << 24 | (__u32)config->tclass << 16 | len));
	store32(ip + 4, be32(IPV4_DF));
	ip[IPV4_OFF_TTL] = BFD_TTL;
	ip[IPV4_OFF_PROTO] = PROTO_UDP;
	store32(ip + IPV4_OFF_SRC, src.l_be[3]);
	store32(ip + IPV4_OFF_DST, set->local.l_be[3]);
	for (__u32 i = 0; i < IPV4_LEN; i += 4)
		sum += load32(ip + i);
	store16(ip + IPV4_OFF_CSUM, ~sum_fold(sum));
	return len;
}

void bfd_echo_send(int fd, __u32 ifindex, const __u8 mac[6], const struct bfd_set *set,
		   const struct config *config, __u32 number)
{
	bool v4 = addr_is_v4(&set->local);
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = v4 ? be16(ETHERTYPE_IPV4) : be16(ETHERTYPE_IPV6),
		.sll_ifindex = ifindex,
		.sll_halen = 6,
	};
	__u8 packet[BFD_ECHO_MAX];
	__u32 len = bfd_echo_build(packet, set, config, number);

	memcpy(to.sll_addr, mac, 6);
	sendto(fd, packet, len, 0, (struct sockaddr *)&to, sizeof(to));
}
