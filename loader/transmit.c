// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Raw sockets. Used by recover, for the notifications that no packet of the data path becomes.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"
#include "own.h"
#include "sockopt.h"
#include "transmit.h"

/* IPPROTO_RAW: the headers are ours. Nothing is ever received there. The traffic class stands in them;
 * told to the socket, rules that route by it see it, too. */
static int open_raw(int family, __u8 tclass)
{
	int fd OWN_FD = socket(family, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_RAW);
	int r = fd < 0 ? -errno : 0;

	if (!r && family == AF_INET)
		r = sockopt_set(fd, IPPROTO_IP, IP_TOS, tclass);
	else if (!r)
		r = sockopt_set(fd, IPPROTO_IPV6, IPV6_TCLASS, tclass);
	r = r ?: sockopt_urgent(fd);
	return r ?: take_fd(fd);
}

int transmit_open(struct transmit *t, __u8 tclass)
{
	t->fd6 = open_raw(AF_INET6, tclass);
	t->fd4 = open_raw(AF_INET, tclass);
	if (t->fd6 >= 0 || t->fd4 >= 0)
		return 0;
	return err_r(t->fd6, "notifications: can't open a raw socket (%s); CAP_NET_RAW is needed",
		     strerror(-t->fd6));
}

void transmit_close(struct transmit *t)
{
	if (t->fd6 >= 0)
		close(t->fd6);
	if (t->fd4 >= 0)
		close(t->fd4);
	t->fd6 = t->fd4 = -1;
}

static __u8 protocol_of(const struct msg_envelope *e)
{
	return e->transport == TRANSPORT_UDP ? IPPROTO_UDP : IPPROTO_ICMPV6;
}

static __u16 header_sum(const void *header, __u32 len)
{
	__u64 sum = 0;

	for (__u32 i = 0; i < len; i += 4)
		sum += load32((const __u8 *)header + i);
	return sum_fold(sum);
}

const __u8 *transmit_wrap(struct msg_buf *buf, const struct msg_envelope *e, __u32 len, __u8 tclass,
			  __u32 *packet_len)
{
	if (addr_is_v4(&e->dst)) {
		/* The kernel fills in the identification, and the checksum again. */
		struct iphdr ip = {
			.version = 4,
			.ihl = sizeof(ip) / 4,
			.tos = tclass,
			.tot_len = be16(sizeof(ip) + len),
			.frag_off = be16(IP_DF),
			.ttl = WIRE_HOP_LIMIT,
			.protocol = protocol_of(e),
			.saddr = e->src.l_be[3],
			.daddr = e->dst.l_be[3],
		};

		ip.check = ~header_sum(&ip, sizeof(ip));
		*packet_len = sizeof(ip) + len;
		return memcpy(buf->front + MSG_BUF_FRONT - sizeof(ip), &ip, sizeof(ip));
	}
	struct ip6_hdr ip = {
		.ip6_flow = be32(6U << 28 | (__u32)tclass << 20),
		.ip6_plen = be16(len),
		.ip6_nxt = protocol_of(e),
		.ip6_hlim = WIRE_HOP_LIMIT,
	};

	memcpy(&ip.ip6_src, &e->src, sizeof(ip.ip6_src));
	memcpy(&ip.ip6_dst, &e->dst, sizeof(ip.ip6_dst));
	*packet_len = sizeof(ip) + len;
	return memcpy(buf->front + MSG_BUF_FRONT - sizeof(ip), &ip, sizeof(ip));
}

int transmit_send(const struct transmit *t, const struct addr *dst, const void *packet, __u32 len)
{
	struct sockaddr_in to4 = { .sin_family = AF_INET, .sin_addr.s_addr = dst->l_be[3] };
	struct sockaddr_in6 to6 = { .sin6_family = AF_INET6 };
	ssize_t sent;

	memcpy(&to6.sin6_addr, dst, sizeof(to6.sin6_addr));
	if (addr_is_v4(dst))
		sent = sendto(t->fd4, packet, len, 0, (struct sockaddr *)&to4, sizeof(to4));
	else
		sent = sendto(t->fd6, packet, len, 0, (struct sockaddr *)&to6, sizeof(to6));
	return sent < 0 ? -errno : 0;
}
