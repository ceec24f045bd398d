// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Called by detach and by run --detach-on-exit. In reverse of how a node comes up: ports first, so
 * that no packet meets half of it; then the neighbours that the kernel keeps resolved for its
 * paths; then the maps.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "control.h"
#include "egress.h"
#include "fib.h"
#include "heritage.h"
#include "log.h"
#include "own.h"
#include "tc.h"
#include "teardown.h"
#include "unconfirmed.h"
#include "view.h"

/* Unpinning alone would do, unless somebody else holds the link. */
static int detach_link(void *arg, const char *ifname, const char *path)
{
	int fd OWN_FD = bpf_obj_get(path);

	if (fd >= 0)
		bpf_link_detach(fd);
	log_info("port %s: detached", ifname);
	return 0;
}

static int detach_ingress(void *arg, const char *ifname, const char *path)
{
	tc_detach(TC_INGRESS, path, ifname);
	return 0;
}

static int detach_egress(void *arg, const char *name, const char *path)
{
	egress_detach(name, path);
	return 0;
}

/* What marks packets goes before what reads the marks. */
static int detach_version(void *arg, const char *dir)
{
	return pins_each_egress(dir, detach_egress, NULL) ?: pins_each_link(dir, detach_link, NULL)
		       ?: pins_each_ingress(dir, detach_ingress, NULL);
}

static void release_neighbour(struct netlink *nl, const struct addr *dst)
{
	struct fib_neighbour neighbour;
	struct fib_route route;

	if (!fib_route(nl, dst, &route) && !fib_neighbour(nl, &route, &neighbour) &&
	    neighbour.managed)
		fib_care(nl, &route, FIB_RELEASE);
}

static void release_neighbours(const struct pins *pins)
{
	struct netlink nl OWN_NETLINK = {};
	char file[PATH_MAX];
	int fd OWN_FD = -1;
	struct path path;
	__u32 room;

	pins_map_path(pins, "fantel_paths", file);
	fd = bpf_obj_get(file);
	if (fd < 0 || netlink_open(&nl, NULL))
		return;
	if (!heritage_is_ours(pins, "fantel_paths", fd)) {
		log_warn("node %s: its maps were made by another build of fantel; the kernel goes on resolving the "
			 "neighbors of its paths", pins->node);
		return;
	}
	room = map_room(fd);
	for (__u32 slot = 0; slot < room; slot++)
		if (!bpf_map_lookup_elem(fd, &slot, &path) && path.tunnel != TUNNEL_NONE &&
		    !addr_is_unspecified(&path.dst))
			release_neighbour(&nl, &path.dst);
}

int teardown(const struct pins *pins, bool purge)
{
	int r;

	if (access(pins->dir, W_OK) && errno == EROFS)
		return pins_error(-errno, pins->dir);
	r = purge ? pins_each_version(pins, detach_version, NULL) : detach_version(NULL, pins->dir);
	if (r)
		return err_r(r, "%s: can't read it: %s", pins->dir, strerror(-r));
	release_neighbours(pins);
	unconfirmed_remove(pins);
	control_remove(pins);
	return pins_remove(pins, purge);
}
