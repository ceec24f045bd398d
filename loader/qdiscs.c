// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * News only say that something changed; the kernel's list is then read as a whole.
 */
#include <errno.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <stdlib.h>

#include "log.h"
#include "netlink.h"
#include "own.h"
#include "qdiscs.h"

/* The egress qdisc of an interface. */
struct root {
	__u32 ifindex, handle;
	bool fq, mq;
	__u32 below, others; /* of mq: how many, and how many of them are not fq */
	__u32 drops, counted; /* packets; so many of them were told of, or were there at first */
};

struct qdiscs {
	struct netlink news, ask;
	bool again;
	__u32 n, room;
	struct root *root;
};

/* ---- the kernel's list ----------------------------------------------------------------------- */

static int take_kind(const struct nlattr *attr, void *arg)
{
	if (mnl_attr_get_type(attr) == TCA_KIND && !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
		*(const char **)arg = mnl_attr_get_str(attr);
	return MNL_CB_OK;
}

/* The kind of a qdisc that a message is about; NULL: it is about none. */
static const char *kind_of(const struct nlmsghdr *message)
{
	const char *kind = NULL;

	if ((message->nlmsg_type == RTM_NEWQDISC || message->nlmsg_type == RTM_DELQDISC) &&
	    mnl_nlmsg_get_payload_len(message) >= sizeof(struct tcmsg))
		mnl_attr_parse(message, sizeof(struct tcmsg), take_kind, &kind);
	return kind;
}

static int take_queue(const struct nlattr *attr, void *drops)
{
	const struct gnet_stats_queue *queue = mnl_attr_get_payload(attr);

	if (mnl_attr_get_type(attr) == TCA_STATS_QUEUE && mnl_attr_get_payload_len(attr) >= sizeof(*queue))
		*(__u32 *)drops = queue->drops;
	return MNL_CB_OK;
}

static int take_stats(const struct nlattr *attr, void *drops)
{
	if (mnl_attr_get_type(attr) == TCA_STATS2)
		mnl_attr_parse_nested(attr, take_queue, drops);
	return MNL_CB_OK;
}

/* How many packets a qdisc has dropped; of mq, all those below it together. */
static __u32 drops_of(const struct nlmsghdr *message)
{
	__u32 drops = 0;

	mnl_attr_parse(message, sizeof(struct tcmsg), take_stats, &drops);
	return drops;
}

static struct root *find(const struct qdiscs *qdiscs, __u32 ifindex)
{
	for (__u32 i = 0; i < qdiscs->n; i++)
		if (qdiscs->root[i].ifindex == ifindex)
			return &qdiscs->root[i];
	return NULL;
}

static void add_root(struct qdiscs *qdiscs, const struct root *root)
{
	if (qdiscs->n == qdiscs->room) {
		__u32 room = qdiscs->room ? 2 * qdiscs->room : 16;
		void *new = reallocarray(qdiscs->root, room, sizeof(*qdiscs->root));

		if (!new)
			return; /* where nothing is known of, nothing waits */
		qdiscs->root = new;
		qdiscs->room = room;
	}
	qdiscs->root[qdiscs->n++] = *root;
}

/* A root comes before what is below it. */
static void take_qdisc(void *arg, const struct nlmsghdr *message)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	const char *kind = kind_of(message);
	struct qdiscs *qdiscs = arg;
	struct root *above;

	if (!kind)
		return;
	if (tc->tcm_parent == TC_H_ROOT) {
		add_root(qdiscs, &(struct root){ .ifindex = tc->tcm_ifindex,
						 .handle = tc->tcm_handle,
						 .fq = !strcmp(kind, "fq"),
						 .mq = !strcmp(kind, "mq"),
						 .drops = drops_of(message),
						 .counted = drops_of(message) });
		return;
	}
	above = find(qdiscs, tc->tcm_ifindex);
	if (!above || !above->mq || TC_H_MAJ(tc->tcm_parent) != TC_H_MAJ(above->handle))
		return;
	above->below++;
	above->others += strcmp(kind, "fq") != 0;
}

static int look(struct qdiscs *qdiscs)
{
	struct root *before OWN_MEM = qdiscs->root, *root;
	__u32 n = qdiscs->n;
	int r;

	qdiscs->root = NULL;
	qdiscs->n = qdiscs->room = 0;
	qdiscs->again = false;
	r = netlink_dump(&qdiscs->ask, RTM_GETQDISC, AF_UNSPEC, take_qdisc, qdiscs);
	for (__u32 i = 0; i < n; i++) {
		root = find(qdiscs, before[i].ifindex);
		if (root && root->handle == before[i].handle)
			root->counted = before[i].counted;
	}
	return r;
}

/* ---- news ------------------------------------------------------------------------------------ */

/* Whoever asks for one qdisc has all who listen told of it: what is known already is no news. */
static void on_news(void *arg, const struct nlmsghdr *message)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	const char *kind = kind_of(message);
	struct qdiscs *qdiscs = arg;
	const struct root *known;

	if (!kind)
		return;
	known = find(qdiscs, tc->tcm_ifindex);
	qdiscs->again |= message->nlmsg_type == RTM_DELQDISC || tc->tcm_parent != TC_H_ROOT || !known ||
			 known->handle != tc->tcm_handle || known->fq != !strcmp(kind, "fq");
}

bool qdiscs_read(struct qdiscs *qdiscs)
{
	if (netlink_news(&qdiscs->news, on_news, qdiscs) == -ENOBUFS)
		qdiscs->again = true;
	if (!qdiscs->again)
		return false;
	look(qdiscs);
	return true;
}

void qdiscs_again(struct qdiscs *qdiscs)
{
	qdiscs->again = true;
}

int qdiscs_fd(const struct qdiscs *qdiscs)
{
	return netlink_fd(&qdiscs->news);
}

/* ---- answers --------------------------------------------------------------------------------- */

static bool holds(const struct root *root)
{
	return root->fq || (root->mq && root->below && !root->others);
}

bool qdiscs_hold(const struct qdiscs *qdiscs, __u32 ifindex)
{
	const struct root *root = find(qdiscs, ifindex);

	return root && holds(root);
}

bool qdiscs_any(const struct qdiscs *qdiscs)
{
	bool any = false;

	for (__u32 i = 0; i < qdiscs->n; i++)
		any |= holds(&qdiscs->root[i]);
	return any;
}

/* ---- what they drop -------------------------------------------------------------------------- */

/* Of those that are known; whether there are others is for the news to say. */
static void take_drops(void *arg, const struct nlmsghdr *message)
{
	const struct tcmsg *tc = mnl_nlmsg_get_payload(message);
	struct root *root;

	if (!kind_of(message) || tc->tcm_parent != TC_H_ROOT)
		return;
	root = find(arg, tc->tcm_ifindex);
	if (root && root->handle == tc->tcm_handle)
		root->drops = drops_of(message);
}

/* Below mq one may have gone, and what it dropped with it: what is left is taken as told. */
__u64 qdiscs_dropped(struct qdiscs *qdiscs, __u32 *ifindex)
{
	__u64 dropped = 0;

	if (!qdiscs_any(qdiscs))
		return 0;
	netlink_dump(&qdiscs->ask, RTM_GETQDISC, AF_UNSPEC, take_drops, qdiscs);
	for (__u32 i = 0; i < qdiscs->n; i++) {
		struct root *root = &qdiscs->root[i];

		if (holds(root) && root->drops > root->counted) {
			dropped += root->drops - root->counted;
			*ifindex = root->ifindex;
		}
		root->counted = root->drops;
	}
	return dropped;
}

/* ---- start ----------------------------------------------------------------------------------- */

int qdiscs_open(struct qdiscs **out)
{
	static const enum rtnetlink_groups groups[] = { RTNLGRP_TC, RTNLGRP_NONE };
	struct qdiscs *qdiscs = calloc(1, sizeof(*qdiscs));
	int r;

	if (!qdiscs)
		return -ENOMEM;
	r = netlink_open(&qdiscs->news, groups) ?: netlink_open(&qdiscs->ask, NULL);
	if (!r && (r = look(qdiscs)))
		log_error("netlink: can't read qdiscs: %s", strerror(-r));
	if (r) {
		qdiscs_free(qdiscs);
		return r;
	}
	*out = qdiscs;
	return 0;
}

void qdiscs_free(struct qdiscs *qdiscs)
{
	if (!qdiscs)
		return;
	netlink_close(&qdiscs->news);
	netlink_close(&qdiscs->ask);
	free(qdiscs->root);
	free(qdiscs);
}
