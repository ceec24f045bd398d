// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <errno.h>

#include "errors.h"

#define RX (1U << ERROR_RX_ERRORS | 1U << ERROR_RX_DROPPED | 1U << ERROR_RX_MISSED)
#define TX (1U << ERROR_TX_ERRORS | 1U << ERROR_TX_DROPPED)
#define MILLION 1000000ULL

struct error_counts errors_of(const struct rtnl_link_stats64 *s, __u32 counted)
{
	/* Not every driver adds the kinds of errors up. */
	__u64 kinds = s->rx_length_errors + s->rx_over_errors + s->rx_crc_errors +
		      s->rx_frame_errors + s->rx_fifo_errors;
	const __u64 counter[ERROR_COUNTER_COUNT] = {
		[ERROR_RX_ERRORS] = MAX(s->rx_errors, kinds),
		[ERROR_RX_DROPPED] = s->rx_dropped,
		[ERROR_RX_MISSED] = s->rx_missed_errors,
		[ERROR_TX_ERRORS] = s->tx_errors,
		[ERROR_TX_DROPPED] = s->tx_dropped,
	};
	struct error_counts counts = {};

	if (counted & RX)
		counts.good += s->rx_packets;
	if (counted & TX)
		counts.good += s->tx_packets;
	for (int i = 0; i < ERROR_COUNTER_COUNT; i++)
		if (counted & 1U << i)
			counts.bad += counter[i];
	return counts;
}

__u32 errors_millionths(const struct error_counts *before, const struct error_counts *now,
			__u64 *bad)
{
	*bad = 0;
	if (now->good < before->good || now->bad < before->bad || now->bad == before->bad)
		return 0;
	*bad = now->bad - before->bad;
	return *bad * MILLION / (*bad + now->good - before->good);
}

enum level errors_level(const struct threshold *t, __u32 millionths, __u64 bad, __u32 least)
{
	enum level level = threshold_level(t, millionths);

	return level == LEVEL_ABOVE && bad < least ? LEVEL_BETWEEN : level;
}

/* ---- the kernel's counters ------------------------------------------------------------------- */

static int take_stats(const struct nlattr *attr, void *arg)
{
	/* An older kernel's is shorter: what it lacks is 0. */
	if (mnl_attr_get_type(attr) == IFLA_STATS_LINK_64)
		memcpy(arg, mnl_attr_get_payload(attr),
		       MIN(mnl_attr_get_payload_len(attr), sizeof(struct rtnl_link_stats64)));
	return MNL_CB_OK;
}

static void take(void *arg, const struct nlmsghdr *message)
{
	if (message->nlmsg_type == RTM_NEWSTATS)
		mnl_attr_parse(message, sizeof(struct if_stats_msg), take_stats, arg);
}

int errors_read(struct netlink *netlink, __u32 ifindex, __u32 counted, struct error_counts *counts)
{
	char buf[64] = {};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);
	struct rtnl_link_stats64 stats = {};
	struct if_stats_msg *message;
	int r;

	request->nlmsg_type = RTM_GETSTATS;
	message = mnl_nlmsg_put_extra_header(request, sizeof(*message));
	message->ifindex = ifindex;
	message->filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
	r = netlink_request(netlink, request, take, &stats);
	if (!r)
		*counts = errors_of(&stats, counted);
	return r;
}
