// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Requests and news over rtnetlink, by libmnl.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <time.h>

#include "log.h"
#include "netlink.h"

#define RECEIVE_BYTES (1 << 15) /* of one read: dumps then come in large messages */
#define NEWS_BYTES (32 << 20)	/* queued in the kernel: a port may take 30,000 routes with it */
#define NEWS_AT_ONCE 64

int netlink_open(struct netlink *nl, const enum rtnetlink_groups *groups)
{
	int on = 1, bytes = NEWS_BYTES, r;

	memset(nl, 0, sizeof(*nl));
	nl->seq = time(NULL);
	nl->socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID)) {
		r = -errno;
		netlink_close(nl);
		return err_r(r, "netlink: can't open a socket: %s", strerror(-r));
	}
	mnl_socket_setsockopt(nl->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->socket, NETLINK_CAP_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(nl->socket, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	for (; groups && *groups; groups++) {
		int group = *groups;

		if (!mnl_socket_setsockopt(nl->socket, NETLINK_ADD_MEMBERSHIP, &group,
					   sizeof(group)))
			continue;
		r = -errno;
		netlink_close(nl);
		return err_r(r, "netlink: can't hear group %d: %s", group, strerror(-r));
	}
	if (groups && setsockopt(netlink_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		setsockopt(netlink_fd(nl), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	return 0;
}

void netlink_close(struct netlink *nl)
{
	if (nl->socket)
		mnl_socket_close(nl->socket);
	nl->socket = NULL;
}

int netlink_fd(const struct netlink *nl)
{
	return mnl_socket_get_fd(nl->socket);
}

/* ---- answers --------------------------------------------------------------------------------- */

static int take_sentence(const struct nlattr *attr, void *arg)
{
	struct netlink *nl = arg;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
	    !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
		snprintf(nl->sentence, sizeof(nl->sentence), "%s", mnl_attr_get_str(attr));
	return MNL_CB_OK;
}

/* NLMSG_ERROR, which is also the acknowledgement. NETLINK_CAP_ACK keeps our own request out of it,
 * so that attributes follow at once. */
static int take_error(struct netlink *nl, const struct nlmsghdr *message)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

	if (message->nlmsg_len < mnl_nlmsg_size(sizeof(*error)))
		return -EBADMSG;
	if (message->nlmsg_flags & NLM_F_ACK_TLVS)
		mnl_attr_parse(message, sizeof(*error), take_sentence, nl);
	return error->error;
}

/* One datagram of the answer to `seq`. 1: more will come; 0: that was the end; or an error. */
static int take_answer(struct netlink *nl, char *buf, int len, netlink_fn *fn, void *arg)
{
	struct nlmsghdr *m = (struct nlmsghdr *)buf;

	for (; mnl_nlmsg_ok(m, len); m = mnl_nlmsg_next(m, &len)) {
		if (m->nlmsg_seq != nl->seq)
			continue;
		if (m->nlmsg_type == NLMSG_ERROR)
			return take_error(nl, m);
		if (m->nlmsg_type == NLMSG_DONE)
			return 0;
		if (fn && m->nlmsg_type >= NLMSG_MIN_TYPE)
			fn(arg, m);
	}
	return 1;
}

static int send_request(struct netlink *nl, struct nlmsghdr *request)
{
	nl->sentence[0] = 0;
	request->nlmsg_flags |= NLM_F_REQUEST;
	request->nlmsg_seq = ++nl->seq;
	return mnl_socket_sendto(nl->socket, request, request->nlmsg_len) < 0 ? -errno : 0;
}

int netlink_dump_piece(struct netlink *nl, netlink_fn *fn, void *arg)
{
	char buf[RECEIVE_BYTES];
	ssize_t len;

	len = mnl_socket_recvfrom(nl->socket, buf, sizeof(buf));
	if (len >= 0)
		return take_answer(nl, buf, len, fn, arg);
	return errno == EINTR ? 1 : -errno;
}

int netlink_request(struct netlink *nl, struct nlmsghdr *request, netlink_fn *fn, void *arg)
{
	int r;

	request->nlmsg_flags |= NLM_F_ACK;
	r = send_request(nl, request);
	if (r)
		return r;
	do
		r = netlink_dump_piece(nl, fn, arg);
	while (r > 0);
	return r;
}

/* Strict checking wants the exact header of each kind. */
static size_t header_of(int type)
{
	switch (type) {
	case RTM_GETROUTE:
		return sizeof(struct rtmsg);
	case RTM_GETQDISC:
		return sizeof(struct tcmsg);
	default:
		return sizeof(struct ifinfomsg);
	}
}

int netlink_dump_begin(struct netlink *nl, int type, int family)
{
	char buf[NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct tcmsg))] = {};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);

	request->nlmsg_type = type;
	request->nlmsg_flags = NLM_F_DUMP;
	/* The family is the first byte of all. */
	*(__u8 *)mnl_nlmsg_put_extra_header(request, header_of(type)) = family;
	return send_request(nl, request);
}

int netlink_dump(struct netlink *nl, int type, int family, netlink_fn *fn, void *arg)
{
	int r;

	r = netlink_dump_begin(nl, type, family);
	if (r)
		return r;
	do
		r = netlink_dump_piece(nl, fn, arg);
	while (r > 0);
	return r;
}

int netlink_news(struct netlink *nl, netlink_fn *fn, void *arg)
{
	char buf[RECEIVE_BYTES];
	struct nlmsghdr *m;
	ssize_t len;
	int left;

	for (int i = 0; i < NEWS_AT_ONCE; i++) {
		len = recv(netlink_fd(nl), buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC);
		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0)
			return errno == EAGAIN ? 0 : -errno;
		if ((size_t)len > sizeof(buf))
			return -ENOBUFS;
		left = len;
		for (m = (struct nlmsghdr *)buf; mnl_nlmsg_ok(m, left);
		     m = mnl_nlmsg_next(m, &left))
			fn(arg, m);
	}
	return 0;
}

/* ---- addresses ------------------------------------------------------------------------------- */

bool netlink_addr(struct addr *addr, const struct nlattr *attr)
{
	if (!attr)
		return false;
	switch (mnl_attr_get_payload_len(attr)) {
	case 4:
		*addr = addr_from_v4(load32(mnl_attr_get_payload(attr)));
		return true;
	case 16:
		*addr = addr_load(mnl_attr_get_payload(attr));
		return true;
	default:
		return false;
	}
}

bool netlink_gateway(struct addr *addr, const struct nlattr *attr)
{
	const struct rtvia *via = mnl_attr_get_payload(attr);

	if (mnl_attr_get_type(attr) == RTA_GATEWAY)
		return netlink_addr(addr, attr);
	/* An IPv6 gateway of an IPv4 route, RFC 8950. */
	if (mnl_attr_get_type(attr) != RTA_VIA ||
	    mnl_attr_get_payload_len(attr) != sizeof(*via) + 16 || via->rtvia_family != AF_INET6)
		return false;
	*addr = addr_load(via->rtvia_addr);
	return true;
}

void netlink_put_addr(struct nlmsghdr *request, int type, const struct addr *addr)
{
	if (addr_is_v4(addr))
		mnl_attr_put(request, type, 4, &addr->b[12]);
	else
		mnl_attr_put(request, type, 16, addr->b);
}
