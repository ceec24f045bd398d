/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Interfaces as the kernel reports them, and the failures of core ports: the writer of fantel_links,
 * and of fantel_node.links_down, .alive_until and .wall_ns. A core port is down when it is set down
 * here (admin-down), has no carrier, which is also how its far end being set down shows, or has a BFD
 * session that failed. What its device and the session show, the packet path writes at once
 * (bpf/link.bpf.h), and links_devices and links_bfd after it; what netlink says comes last.
 * The first to see a failure gives it its cause; the port is up when nobody sees one.
 *
 * A failure has one event-id from the moment a port goes down until it has been up for the hold-down
 * time and is ready; a port that flaps meanwhile stays in the same event. One that flaps on is
 * suppressed (damping.h): it counts as down, whatever is seen of it, until that is over.
 */
#ifndef LINKS_H
#define LINKS_H

#include "maps.h"
#include "policy.h"

struct interface {
	__u32 ifindex; /* 0 = gone: a port that waits for its interface to come back */
	char name[IFNAMSIZ];
	__u8 mac[6];
	__u32 mtu;
	bool ethernet;
	bool delayed;		       /* the kernel may be late in telling that it lost its carrier */
	enum wire_cause down;	       /* CAUSE_NONE = up, all who watch it say so; or it is suppressed */
	const struct policy_port *port; /* NULL: not named in the policy */
	/* of core ports: */
	enum wire_cause seen_down;   /* what they say; `down` but for the suppression */
	enum wire_cause kernel_down; /* what the kernel says alone */
	enum wire_cause device_down; /* what its device shows alone, before the kernel says so */
	__u32 device_fails;	     /* so many of its failures are known */
	bool bfd_down;		     /* what the BFD session says alone */
	enum wire_cause reported_down; /* what another program says alone */
	__u32 bfd_fails;	     /* so many of its failures are known */
	struct link link;   /* as fantel_links has it */
	bool failed;	    /* the failure is not over yet: down, not up for long, or not ready */
	__u64 steady_ns;    /* when it may be over, if the port stays up */
	__u32 dump;	    /* the last dump it was seen in */
};

enum link_change {
	LINK_SAME,
	LINK_CHANGED,  /* MAC, MTU or name */
	LINK_DOWN,
	LINK_UP,
	LINK_STEADY,   /* a core port's failure is over */
	LINK_SUPPRESSED, /* a core port that went down, again, counts as down for some time */
	LINK_RELEASED,	 /* no more */
	LINK_GONE,     /* the interface was removed; for ports also: LINK_DOWN before it */
	LINK_APPEARED, /* a port's interface came back */
};

struct link_ops {
	/* Something happened; the maps were written before. */
	void (*changed)(void *arg, enum link_change change, const struct interface *interface);
	/* A core port has been up for the hold-down time. May its failure be over? If not, this is
	 * asked again soon. */
	bool (*ready)(void *arg, const struct interface *interface);
	void *arg;
};

struct links;

/*
 * Read the state of all interfaces, bring the maps up to it (what an earlier loader left there is
 * taken over) and listen from now on. `before`, if not NULL, has looked after them until now, under
 * another policy: what it knows of a port goes on here. Changes are reported from links_open on.
 * `policy` must live as long; `clock_fd` is the program fantel_clock. Returns 0 or a negative errno,
 * reported.
 */
int links_open(struct links **links, const struct maps *maps, const struct policy *policy,
	       int clock_fd, const struct links *before, const struct link_ops *ops);

/* From now on nobody keeps the maps true, and the packet path knows that. */
void links_free(struct links *links);
/* The same, but for that: others have been opened. */
void links_yield(struct links *links);

int links_fd(const struct links *links);
void links_read(struct links *links, __u64 now_ns);

/* From now on the ports' devices are looked at; which row of `rows` is a port's, links_row says. */
void links_set_devices(struct links *links, const struct device_row *rows);
__u32 links_row(const struct links *links, const struct interface *interface);
/* Read what they show; after devices_changed. */
void links_devices(struct links *links, __u64 now_ns);

/* Read what BFD sessions say of their links; after bfd_changed. */
void links_bfd(struct links *links, __u64 now_ns);

/* Read which failures the packet path has written since links_open, where nothing else may tell of them: they go on
 * under the names by which they were told. */
void links_noted(struct links *links, __u64 now_ns);

/* Ask for the core ports that may be reported late; after carrier_changed. */
void links_ask(struct links *links, __u64 now_ns);
/* Their names, at most `max`; returns how many. */
__u32 links_delayed(const struct links *links, char (*name)[IFNAMSIZ], __u32 max);

/* When links_tick has something to do: within a second, because the packet path believes what we
 * wrote for few of them. */
__u64 links_due(const struct links *links);
void links_tick(struct links *links, __u64 now_ns);

/* An event-id for trouble that is no failure: of all that this node gives out none is the same.
 * `used`, if not 0, was given out before; only then nothing new is. */
__u32 links_new_event_id(struct links *links, __u32 used);

/* NULL: no such interface. */
const struct interface *links_find(const struct links *links, __u32 ifindex);

/* A port of policy, its interface there or not; NULL: there is none of that name. */
const struct interface *links_name(const struct links *links, const char *name);

/* Another program says that a core port's link is down, or with CAUSE_NONE that it is no more. */
void links_report(struct links *links, const struct interface *interface, enum wire_cause down,
		  __u64 now_ns);

bool interface_is_core(const struct interface *interface);

/*
 * The step of one core port, pure: `down` is what the interface is now. Changes *link, *failed and
 * *steady_ns, and tells what happened. A new failure takes link.next_event_id.
 */
struct link_step {
	__u64 now_ns, wall_ns, hold_down_ns;
};
enum link_change link_step(struct interface *interface, enum wire_cause down,
			   const struct link_step *step);

#endif
