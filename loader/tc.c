// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <unistd.h>

#include "log.h"
#include "own.h"
#include "tc.h"

/* Newer than the libbpf and the headers that we build with. */
#define LINK_TYPE_TCX 11

/* Our filter among those of a clsact: at ingress the first, for one that ends the classification would
 * leave packets without their mark; at egress among the last, where packets are as they leave. */
static const struct {
	const char *word;
	enum bpf_attach_type tcx;
	enum bpf_tc_attach_point clsact;
	__u32 handle, priority;
} sides[] = {
	[TC_INGRESS] = { "ingress", 46, BPF_TC_INGRESS, 1, 1 },
	[TC_EGRESS] = { "egress", 47, BPF_TC_EGRESS, 1, 50202 },
};

/* ---- tcx ------------------------------------------------------------------------------------- */

/* Is it a link of tcx, and of which interface? What bpf_link_info says of tcx begins with that, as
 * what it says of XDP does, which libbpf 1.1 knows. */
static bool link_of(int fd, __u32 *ifindex)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len) || info.type != LINK_TYPE_TCX)
		return false;
	*ifindex = info.xdp.ifindex;
	return true;
}

/* The link that an earlier loader pinned, if it is still on this interface; else -1. */
static int inherited(const char *pin, __u32 ifindex)
{
	int fd OWN_FD = bpf_obj_get(pin);
	__u32 of;

	return fd >= 0 && link_of(fd, &of) && of == ifindex ? take_fd(fd) : -1;
}

static int link_attach(struct tc *tc, const char *pin, const char *ifname, int prog_fd)
{
	tc->fd = inherited(pin, tc->ifindex);
	tc->pinned = tc->fd >= 0;
	if (tc->pinned) {
		if (!bpf_link_update(tc->fd, prog_fd, NULL))
			return 0;
		return err_r(-errno, "port %s: can't replace the program on its tc %s: %s",
			     ifname, sides[tc->side].word, strerror(errno));
	}
	tc->fd = bpf_link_create(prog_fd, tc->ifindex, sides[tc->side].tcx, NULL);
	if (tc->fd >= 0 || errno == EINVAL) /* EINVAL: a kernel that knows no tcx */
		return tc->fd < 0 ? -EOPNOTSUPP : 0;
	return err_r(-errno, "port %s: can't attach to its tc %s: %s", ifname,
		     sides[tc->side].word, strerror(errno));
}

/* ---- clsact ---------------------------------------------------------------------------------- */

static int filter_attach(struct tc *tc, const char *pin, const char *ifname, int prog_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = tc->ifindex,
		    .attach_point = sides[tc->side].clsact);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = sides[tc->side].handle,
		    .priority = sides[tc->side].priority, .prog_fd = prog_fd,
		    .flags = BPF_TC_F_REPLACE);
	int r = bpf_tc_hook_create(&hook);

	if (!r || r == -EEXIST)
		r = bpf_tc_attach(&hook, &opts);
	if (r)
		return err_r(r,
			     "port %s: can't attach to its tc %s: %s; free priority %u of its "
			     "clsact for fantel",
			     ifname, sides[tc->side].word, strerror(-r), sides[tc->side].priority);
	tc->filter = true;
	tc->pinned = access(pin, F_OK) == 0;
	tc->fd = dup(prog_fd);
	return tc->fd < 0 ? -errno : 0;
}

/* An empty clsact stays: we do not know whose it is. */
static void filter_detach(enum tc_side side, __u32 ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = sides[side].clsact);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = sides[side].handle,
		    .priority = sides[side].priority);

	bpf_tc_detach(&hook, &opts);
}

/* ---- either ---------------------------------------------------------------------------------- */

int tc_attach(struct tc *tc, enum tc_side side, const char *pin, __u32 ifindex, const char *ifname,
	      int prog_fd)
{
	int r;

	*tc = (struct tc){ .side = side, .fd = -1, .ifindex = ifindex };
	r = link_attach(tc, pin, ifname, prog_fd);
	return r == -EOPNOTSUPP ? filter_attach(tc, pin, ifname, prog_fd) : r;
}

int tc_keep(struct tc *tc, const char *pin)
{
	/* A filter's program is another one each time. */
	if (tc->pinned && !tc->filter)
		return 0;
	unlink(pin);
	if (bpf_obj_pin(tc->fd, pin))
		return err_r(-errno, "%s: can't pin it: %s", pin, strerror(errno));
	tc->pinned = true;
	return 0;
}

void tc_release(struct tc *tc)
{
	if (tc->fd >= 0 && tc->filter && !tc->pinned)
		filter_detach(tc->side, tc->ifindex);
	own_close(&tc->fd);
	tc->fd = -1;
}

void tc_detach(enum tc_side side, const char *pin, const char *ifname)
{
	int fd OWN_FD = bpf_obj_get(pin);
	__u32 ifindex = if_nametoindex(ifname), of;

	if (fd >= 0 && link_of(fd, &of))
		bpf_link_detach(fd);
	else if (fd >= 0 && ifindex)
		filter_detach(side, ifindex);
}

const char *tc_word(const char *pin)
{
	int fd OWN_FD = bpf_obj_get(pin);
	__u32 of;

	if (fd < 0)
		return NULL;
	return link_of(fd, &of) ? "tcx" : "clsact";
}
