// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * rtnetlink link news -> interfaces -> fantel_links, fantel_node. Owned by run, which is told of
 * changes after the maps were written: a link that fails is known to the packet path before
 * anything else is done about it.
 *
 * News of links have a socket of their own: a port that goes down takes its routes with it, and the
 * kernel may report thousands of those first.
 */
#include <net/if.h> /* before linux/if.h, which leaves out what this has */

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if.h>
#include <net/if_arp.h>
#include <stdlib.h>

#include "clock.h"
#include "damping.h"
#include "fresh.h"
#include "links.h"
#include "location.h"
#include "log.h"
#include "netlink.h"
#include "own.h"

#define NOT_READY_NS (50 * NSEC_PER_MSEC) /* then it is asked again */

struct links {
	struct netlink news, ask;
	const struct maps *maps;
	const struct policy *policy;
	const struct device_row *device; /* fantel_devices; NULL = nobody looks at them */
	struct fresh fresh;
	struct link_ops ops;
	__u64 now_ns;
	__u64 renew_ns; /* when alive_until is due */
	__u32 last_event_id;
	__u32 dump;
	__u32 n, room;
	struct interface **interface;
};

bool interface_is_core(const struct interface *interface)
{
	return interface->port && interface->port->class == PORT_CORE;
}

/* ---- one core port --------------------------------------------------------------------------- */

enum link_change link_step(struct interface *i, enum wire_cause down, const struct link_step *step)
{
	if (!down == !i->down) {
		i->down = down; /* the first cause stays that of the failure */
		return LINK_SAME;
	}
	i->down = down;
	i->link.down = down != CAUSE_NONE;
	i->link.since_ns = step->now_ns;
	if (!down) {
		i->steady_ns = step->now_ns + step->hold_down_ns;
		return LINK_UP;
	}
	i->steady_ns = ~0ULL;
	if (!i->failed) {
		i->failed = true;
		i->link.cause = down;
		i->link.event_id = i->link.next_event_id;
		i->link.detected_ns = step->wall_ns;
	}
	return LINK_DOWN;
}

/* ---- maps ------------------------------------------------------------------------------------ */

static void count_down(struct links *links)
{
	__u32 down = 0;

	for (__u32 i = 0; i < links->n; i++)
		down += interface_is_core(links->interface[i]) && links->interface[i]->link.down;
	__atomic_store_n(&links->maps->node->links_down, down, __ATOMIC_RELEASE);
}

/* The entry first: once links_down is not 0, packets look for it. */
static void write_link(struct links *links, const struct interface *i)
{
	if (i->ifindex && bpf_map_update_elem(links->maps->links, &i->ifindex, &i->link, BPF_ANY))
		log_error("port %s: can't write fantel_links (%s); its failures go unreported",
			  i->name, strerror(errno));
	count_down(links);
}

static void tell_the_time(const struct links *links)
{
	__atomic_store_n(&links->maps->node->wall_ns, clock_wall_ns(links->now_ns) - links->now_ns,
			 __ATOMIC_RELAXED);
}

/* links_down counts for a few seconds more. */
static void stay_alive(struct links *links)
{
	tell_the_time(links);
	__atomic_store_n(&links->maps->node->alive_until, fresh_until(&links->fresh),
			 __ATOMIC_RELEASE);
	links->renew_ns = links->now_ns + FRESH_RENEW_NS;
}

/* The same id never means two events, not even across restarts: ids follow the clock, and are above
 * every id that the maps still hold. */
__u32 links_new_event_id(struct links *links, __u32 used)
{
	__u32 now_s = clock_wall_ns(links->now_ns) / NSEC_PER_SEC;

	links->last_event_id = used ? MAX(links->last_event_id, used)
				    : MAX(now_s, links->last_event_id + 1);
	return links->last_event_id;
}

/* The name of a port's next failure, whoever sees it first. */
static void name_next(struct links *links, struct interface *i)
{
	i->link.next_event_id = links_new_event_id(links, 0);
}

/* ---- interfaces ------------------------------------------------------------------------------ */

const struct interface *links_find(const struct links *links, __u32 ifindex)
{
	for (__u32 i = 0; i < links->n; i++)
		if (links->interface[i]->ifindex == ifindex)
			return links->interface[i];
	return NULL;
}

static struct interface *add_interface(struct links *links)
{
	if (links->n == links->room) {
		__u32 room = links->room ? 2 * links->room : 64;
		void *new = reallocarray(links->interface, room, sizeof(*links->interface));

		if (!new)
			return NULL;
		links->interface = new;
		links->room = room;
	}
	links->interface[links->n] = calloc(1, sizeof(struct interface));
	return links->interface[links->n] ? links->interface[links->n++] : NULL;
}

/* A port whose interface is not there, by the name that has appeared. */
static struct interface *find_waiting(const struct links *links, const char *name)
{
	for (__u32 i = 0; i < links->n; i++)
		if (!links->interface[i]->ifindex && !strcmp(links->interface[i]->port->name, name))
			return links->interface[i];
	return NULL;
}

/* What one RTM_NEWLINK says. */
struct news {
	__u32 ifindex;
	char name[IFNAMSIZ];
	__u8 mac[6];
	__u32 mtu;
	__u32 lower; /* what it stands on; itself for hardware */
	bool ethernet;
	enum wire_cause down;
};

static int take_attr(const struct nlattr *attr, void *arg)
{
	struct news *news = arg;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		snprintf(news->name, sizeof(news->name), "%s", mnl_attr_get_str(attr));
		break;
	case IFLA_ADDRESS:
		if (mnl_attr_get_payload_len(attr) == sizeof(news->mac))
			memcpy(news->mac, mnl_attr_get_payload(attr), sizeof(news->mac));
		break;
	case IFLA_MTU:
		news->mtu = mnl_attr_get_u32(attr);
		break;
	case IFLA_LINK:
		news->lower = mnl_attr_get_u32(attr);
		break;
	}
	return MNL_CB_OK;
}

static void parse_news(struct news *news, const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	memset(news, 0, sizeof(*news));
	news->ifindex = news->lower = info->ifi_index;
	news->ethernet = info->ifi_type == ARPHRD_ETHER;
	if (!(info->ifi_flags & IFF_UP))
		news->down = CAUSE_ADMIN_DOWN;
	else if (!(info->ifi_flags & IFF_LOWER_UP) || !(info->ifi_flags & IFF_RUNNING))
		news->down = CAUSE_CARRIER;
	mnl_attr_parse(message, sizeof(*info), take_attr, news);
}

/* Name, MAC and MTU; LINK_CHANGED if any is new. */
static enum link_change copy_news(struct interface *i, const struct news *news)
{
	bool same = i->mtu == news->mtu && !memcmp(i->mac, news->mac, sizeof(i->mac)) &&
		    !strcmp(i->name, news->name);

	strcpy(i->name, news->name);
	memcpy(i->mac, news->mac, sizeof(i->mac));
	i->mtu = news->mtu;
	i->ethernet = news->ethernet;
	i->delayed = news->lower == news->ifindex;
	return same ? LINK_SAME : LINK_CHANGED;
}

static void tell(struct links *links, enum link_change change, const struct interface *i)
{
	if (change != LINK_SAME)
		links->ops.changed(links->ops.arg, change, i);
}

/* Note a failure of a core port; true if it is suppressed from now on. */
static bool damp(const struct links *links, struct interface *i, enum wire_cause seen, __u64 seen_ns)
{
	bool fails = seen && !i->seen_down;

	i->seen_down = seen;
	return fails && damping_fail(&i->link.damping, &links->policy->damping, seen_ns);
}

/* A core port, of which this is seen. The wall clock is that of the packet path, which may have been
 * first. */
static void core_step(struct links *links, struct interface *i, enum wire_cause seen, __u64 seen_ns)
{
	struct link_step step = {
		.now_ns = seen_ns,
		.wall_ns = seen_ns + links->maps->node->wall_ns,
		.hold_down_ns = links->policy->hold_down_ms * NSEC_PER_MSEC,
	};
	__u32 flaps = i->link.damping.flaps;
	bool suppressed = damp(links, i, seen, seen_ns);
	enum wire_cause down = seen ?: damping_is_on(&i->link.damping) ? i->down : CAUSE_NONE;
	enum link_change change = link_step(i, down, &step);

	if (change != LINK_SAME || i->link.damping.flaps != flaps)
		write_link(links, i);
	tell(links, change, i);
	if (suppressed)
		tell(links, LINK_SUPPRESSED, i);
}

/* Something new was seen of a port, at `seen_ns`. */
static void step(struct links *links, struct interface *i, __u64 seen_ns)
{
	enum wire_cause seen = i->kernel_down ?: i->device_down ?: i->bfd_down ? CAUSE_BFD :
									  i->reported_down;
	bool same = !seen == !i->down;

	if (interface_is_core(i)) {
		core_step(links, i, seen, seen_ns);
		return;
	}
	i->down = seen;
	if (!same)
		tell(links, seen ? LINK_DOWN : LINK_UP, i);
}

/* What the kernel says of it now. */
static void kernel_step(struct links *links, struct interface *i, enum wire_cause down)
{
	i->kernel_down = down;
	step(links, i, links->now_ns);
}

/* A port's interface came back, under a new ifindex: a new link, but the old failure if one is
 * still on; what was told of the old ifindex is recover's to withdraw. */
static void appear(struct links *links, struct interface *i, const struct news *news)
{
	i->ifindex = news->ifindex;
	i->dump = links->dump;
	i->device_down = CAUSE_NONE; /* nothing is known of it yet */
	if (links->device && interface_is_core(i))
		i->device_fails = links->device[links_row(links, i)].fails;
	i->bfd_down = false;
	i->bfd_fails = 0;
	copy_news(i, news);
	if (interface_is_core(i))
		write_link(links, i);
	tell(links, LINK_APPEARED, i);
	kernel_step(links, i, news->down);
}

static void on_newlink(struct links *links, const struct nlmsghdr *message)
{
	struct interface *i;
	struct news news;

	parse_news(&news, message);
	i = (struct interface *)links_find(links, news.ifindex);
	if (!i && (i = find_waiting(links, news.name))) {
		appear(links, i, &news);
		return;
	}
	if (!i) {
		i = add_interface(links);
		if (!i)
			return;
		i->ifindex = news.ifindex;
		i->down = news.down;
	}
	i->dump = links->dump;
	/* Down before all else. */
	kernel_step(links, i, news.down);
	tell(links, copy_news(i, &news), i);
}

/* Ports stay in the table, as down and without an ifindex, until their name appears again. */
static void remove_interface(struct links *links, __u32 at)
{
	struct interface *i = links->interface[at];
	__u32 ifindex = i->ifindex;

	kernel_step(links, i, CAUSE_ADMIN_DOWN);
	tell(links, LINK_GONE, i);
	if (i->port) {
		i->ifindex = 0;
		bpf_map_delete_elem(links->maps->links, &ifindex);
		return;
	}
	links->interface[at] = links->interface[--links->n];
	free(i);
}

const struct interface *links_name(const struct links *links, const char *name)
{
	for (__u32 i = 0; i < links->n; i++)
		if (links->interface[i]->port && !strcmp(links->interface[i]->port->name, name))
			return links->interface[i];
	return NULL;
}

void links_report(struct links *links, const struct interface *of, enum wire_cause down, __u64 now_ns)
{
	links->now_ns = now_ns;
	for (__u32 i = 0; i < links->n; i++)
		if (links->interface[i] == of) {
			links->interface[i]->reported_down = down;
			step(links, links->interface[i], now_ns);
		}
}

static void on_dellink(struct links *links, __u32 ifindex)
{
	for (__u32 at = 0; at < links->n; at++)
		if (links->interface[at]->ifindex == ifindex) {
			remove_interface(links, at);
			return;
		}
}

static void on_link(void *arg, const struct nlmsghdr *message)
{
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

	if (mnl_nlmsg_get_payload_len(message) < sizeof(*info))
		return;
	/* A bridge's own news of its ports come with a family. */
	if (info->ifi_family != AF_UNSPEC)
		return;
	if (message->nlmsg_type == RTM_NEWLINK)
		on_newlink(arg, message);
	else if (message->nlmsg_type == RTM_DELLINK)
		on_dellink(arg, info->ifi_index);
}

static int dump(struct links *links)
{
	int r;

	links->dump++;
	r = netlink_dump(&links->ask, RTM_GETLINK, AF_UNSPEC, on_link, links);
	if (r)
		return err_r(r, "netlink: can't list interfaces: %s", strerror(-r));
	for (__u32 at = links->n; at-- > 0;)
		if (links->interface[at]->ifindex && links->interface[at]->dump != links->dump)
			remove_interface(links, at);
	return 0;
}

void links_read(struct links *links, __u64 now_ns)
{
	links->now_ns = now_ns;
	if (netlink_news(&links->news, on_link, links) == -ENOBUFS) {
		log_warn("netlink: news of links were lost; reading all of them again");
		dump(links);
	}
}

int links_fd(const struct links *links)
{
	return netlink_fd(&links->news);
}

/* ---- carriers -------------------------------------------------------------------------------- */

static bool is_delayed(const struct interface *i)
{
	return interface_is_core(i) && i->ifindex && i->delayed;
}

__u32 links_delayed(const struct links *links, char (*name)[IFNAMSIZ], __u32 max)
{
	__u32 n = 0;

	for (__u32 at = 0; at < links->n && n < max; at++)
		if (is_delayed(links->interface[at]))
			memcpy(name[n++], links->interface[at]->name, IFNAMSIZ);
	return n;
}

/* The flags that are answered, unlike news, are those of this moment. */
void links_ask(struct links *links, __u64 now_ns)
{
	links->now_ns = now_ns;
	for (__u32 at = 0; at < links->n; at++) {
		char buf[64] = {};
		struct nlmsghdr *request = mnl_nlmsg_put_header(buf);
		struct ifinfomsg *info;

		if (!is_delayed(links->interface[at]))
			continue;
		request->nlmsg_type = RTM_GETLINK;
		info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
		info->ifi_index = links->interface[at]->ifindex;
		netlink_request(&links->ask, request, on_link, links);
	}
}

/* ---- devices --------------------------------------------------------------------------------- */

void links_set_devices(struct links *links, const struct device_row *rows)
{
	links->device = rows;
	for (__u32 at = 0; at < links->n; at++)
		if (interface_is_core(links->interface[at]))
			links->interface[at]->device_fails =
				rows[links_row(links, links->interface[at])].fails;
}

__u32 links_row(const struct links *links, const struct interface *i)
{
	return i->port - links->policy->port;
}

/* A failure that is over before we look was one all the same: the packet path has written it. */
static void read_device(struct links *links, struct interface *i)
{
	const struct device_row *row = &links->device[links_row(links, i)];
	__u32 fails = __atomic_load_n(&row->fails, __ATOMIC_ACQUIRE);
	enum wire_cause down = __atomic_load_n(&row->down, __ATOMIC_ACQUIRE);

	if (fails != i->device_fails || (down && !i->device_down)) {
		i->device_fails = fails;
		i->device_down = down ?: CAUSE_CARRIER;
		step(links, i, down ? row->changed_ns : links->now_ns);
	}
	if (i->device_down && !down) {
		i->device_down = CAUSE_NONE;
		step(links, i, links->now_ns);
	}
}

void links_devices(struct links *links, __u64 now_ns)
{
	links->now_ns = now_ns;
	for (__u32 at = 0; links->device && at < links->n; at++)
		if (interface_is_core(links->interface[at]) && links->interface[at]->ifindex)
			read_device(links, links->interface[at]);
}

/* ---- BFD ------------------------------------------------------------------------------------- */

/* What its session says of one port; false if it has none. */
static bool read_bfd(const struct links *links, const struct interface *i, struct bfd_session *b)
{
	return interface_is_core(i) && i->ifindex && !addr_is_unspecified(&i->port->bfd.peer) &&
	       !bpf_map_lookup_elem(links->maps->bfd, &i->ifindex, b);
}

/* A failure that is over before we look was one all the same: the packet path has written it. */
void links_bfd(struct links *links, __u64 now_ns)
{
	struct bfd_session b;

	links->now_ns = now_ns;
	for (__u32 at = 0; at < links->n; at++) {
		struct interface *i = links->interface[at];

		if (!read_bfd(links, i, &b))
			continue;
		if (b.fails != i->bfd_fails) {
			i->bfd_down = true;
			i->bfd_fails = b.fails;
			step(links, i, b.failed ? b.changed_ns : now_ns);
		}
		if (i->bfd_down && !b.failed) {
			i->bfd_down = false;
			step(links, i, now_ns);
		}
	}
}

/* ---- what programs noted ---------------------------------------------------------------------- */

void links_noted(struct links *links, __u64 now_ns)
{
	links->now_ns = now_ns;
	for (__u32 at = 0; at < links->n; at++) {
		struct interface *i = links->interface[at];
		struct bfd_session b;
		struct link noted;

		if (!interface_is_core(i) || i->link.down ||
		    bpf_map_lookup_elem(links->maps->links, &i->ifindex, &noted) || !noted.down)
			continue;
		if (read_bfd(links, i, &b)) {
			i->bfd_down = b.failed;
			i->bfd_fails = b.fails;
		}
		i->link.next_event_id = noted.event_id;
		core_step(links, i, noted.cause, noted.since_ns);
		step(links, i, now_ns);
	}
}

/* ---- time ------------------------------------------------------------------------------------ */

static bool is_waiting(const struct interface *i)
{
	return i->failed && !i->link.down && i->ifindex;
}

static __u64 port_due(const struct interface *i)
{
	if (interface_is_core(i) && damping_is_on(&i->link.damping))
		return i->link.damping.reuse_ns;
	return is_waiting(i) ? i->steady_ns : ~0ULL;
}

__u64 links_due(const struct links *links)
{
	__u64 due = links->renew_ns;

	for (__u32 i = 0; i < links->n; i++)
		due = MIN(due, port_due(links->interface[i]));
	return due;
}

/* A suppression that is over: what is seen of the port counts again. */
static void release(struct links *links, struct interface *i)
{
	if (!interface_is_core(i) || !damping_release(&i->link.damping, links->now_ns))
		return;
	write_link(links, i);
	tell(links, LINK_RELEASED, i);
	step(links, i, links->now_ns);
}

/* A port has been up for the hold-down. */
static void settle(struct links *links, struct interface *i)
{
	if (!is_waiting(i) || links->now_ns < i->steady_ns)
		return;
	if (!links->ops.ready(links->ops.arg, i)) {
		i->steady_ns = links->now_ns + NOT_READY_NS;
		return;
	}
	i->failed = false;
	name_next(links, i);
	write_link(links, i);
	tell(links, LINK_STEADY, i);
}

void links_tick(struct links *links, __u64 now_ns)
{
	links->now_ns = now_ns;
	if (now_ns >= links->renew_ns)
		stay_alive(links);
	for (__u32 at = 0; at < links->n; at++) {
		release(links, links->interface[at]);
		settle(links, links->interface[at]);
	}
}

/* ---- start ----------------------------------------------------------------------------------- */

/*
 * Take over what an earlier loader wrote of this port. A failure that was not over serves a hold-down from
 * now. One that began without a loader has been told as the next one, and is that if it lasts; recover finds
 * out what is left to withdraw of others.
 */
static void inherit(struct links *links, struct interface *i)
{
	struct bfd_session b;
	struct link old;

	if (bpf_map_lookup_elem(links->maps->links, &i->ifindex, &old) || strcmp(old.name, i->name))
		return;
	i->link.down = old.down;
	i->link.cause = old.cause;
	i->link.event_id = old.event_id;
	i->link.since_ns = old.since_ns;
	i->link.detected_ns = old.detected_ns;
	i->link.damping = old.damping;
	damping_take_over(&i->link.damping, &links->policy->damping, links->now_ns);
	i->down = i->seen_down = old.down ? old.cause : CAUSE_NONE;
	i->link.next_event_id = old.next_event_id;
	i->failed = old.event_id == old.next_event_id;
	i->steady_ns = links->now_ns + links->policy->hold_down_ms * NSEC_PER_MSEC;
	if (read_bfd(links, i, &b)) {
		i->bfd_down = b.failed;
		i->bfd_fails = b.fails;
	}
	links->last_event_id = MAX(links->last_event_id, MAX(old.event_id, old.next_event_id));
}

/* Go on with what is known of it: nothing begins anew, a hold-down least of all. */
static void go_on(struct links *links, struct interface *i, const struct interface *old)
{
	struct link link = old->link;

	memcpy(link.location, i->link.location, sizeof(link.location));
	link.location_len = i->link.location_len;
	link.upstream = i->link.upstream;
	i->link = link;
	i->mtu = old->mtu;
	memcpy(i->mac, old->mac, sizeof(i->mac));
	i->ethernet = old->ethernet;
	i->delayed = old->delayed;
	i->down = old->down;
	i->seen_down = old->seen_down;
	i->kernel_down = old->kernel_down;
	i->device_down = old->device_down;
	i->device_fails = old->device_fails;
	i->bfd_down = old->bfd_down && !addr_is_unspecified(&i->port->bfd.peer);
	i->bfd_fails = old->bfd_fails;
	i->reported_down = old->reported_down;
	i->failed = old->failed;
	i->steady_ns = old->steady_ns;
}

static int add_port(struct links *links, const struct policy_port *port, const struct links *before)
{
	const struct interface *old = before ? links_name(before, port->name) : NULL;
	struct interface *i = add_interface(links);

	if (!i)
		return -ENOMEM;
	i->port = port;
	strcpy(i->name, port->name);
	strcpy(i->link.name, port->name);
	i->ifindex = if_nametoindex(port->name);
	i->link.location_len = location_build(i->link.location, links->policy, port);
	i->link.upstream = port->upstream;
	if (!interface_is_core(i))
		return 0;
	i->link.since_ns = links->now_ns;
	if (old && interface_is_core(old) && old->ifindex == i->ifindex)
		go_on(links, i, old);
	else
		inherit(links, i);
	return 0;
}

/* Its next failure has a name already, which no failure had. */
static bool is_named(const struct interface *i)
{
	return i->link.next_event_id && i->link.next_event_id != i->link.event_id;
}

/* Entries of interfaces that are no core ports any more. */
static void remove_strangers(const struct links *links)
{
	__u32 key, kept, *last = NULL;

	while (!bpf_map_get_next_key(links->maps->links, last, &key)) {
		const struct interface *i = links_find(links, key);

		if (i && interface_is_core(i)) {
			kept = key;
			last = &kept;
		} else if (bpf_map_delete_elem(links->maps->links, &key)) {
			return;
		}
	}
}

static int start(struct links *links, const struct links *before)
{
	static const enum rtnetlink_groups groups[] = { RTNLGRP_LINK, RTNLGRP_NONE };
	__u32 i;
	int r;

	r = netlink_open(&links->news, groups) ?: netlink_open(&links->ask, NULL);
	for (i = 0; !r && i < links->policy->n_ports; i++)
		r = add_port(links, &links->policy->port[i], before);
	if (r)
		return r;
	if (before)
		links->last_event_id = MAX(links->last_event_id, before->last_event_id);
	remove_strangers(links);
	tell_the_time(links);
	for (i = 0; i < links->n; i++)
		if (!links->interface[i]->failed && !is_named(links->interface[i]))
			name_next(links, links->interface[i]);
	r = dump(links);
	/* Ports whose state did not change are not written yet. What has told of a failure without a loader, and
	 * sees that it is over, has used the next one's name. */
	for (i = 0; !r && i < links->n; i++) {
		if (!interface_is_core(links->interface[i]))
			continue;
		if (!before && !links->interface[i]->failed)
			name_next(links, links->interface[i]);
		write_link(links, links->interface[i]);
	}
	if (!r)
		stay_alive(links);
	return r;
}

int links_open(struct links **out, const struct maps *maps, const struct policy *policy,
	       int clock_fd, const struct links *before, const struct link_ops *ops)
{
	struct links *links = calloc(1, sizeof(*links));
	int r;

	if (!links)
		return -ENOMEM;
	links->maps = maps;
	links->policy = policy;
	links->fresh = fresh_by(clock_fd);
	links->ops = *ops;
	links->now_ns = clock_now_ns();
	r = start(links, before);
	if (r) {
		links_free(links);
		return r;
	}
	*out = links;
	return 0;
}

void links_free(struct links *links)
{
	if (links)
		__atomic_store_n(&links->maps->node->alive_until, 0, __ATOMIC_RELEASE);
	links_yield(links);
}

void links_yield(struct links *links)
{
	if (!links)
		return;
	netlink_close(&links->news);
	netlink_close(&links->ask);
	for (__u32 i = 0; i < links->n; i++)
		free(links->interface[i]);
	free(links->interface);
	free(links);
}
