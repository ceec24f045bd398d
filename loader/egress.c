// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <sys/socket.h>

#include "egress.h"
#include "log.h"
#include "own.h"

/* Newer than the libbpf that we build with. */
#define ATTACH_TCX_EGRESS ((enum bpf_attach_type)47)
#define LINK_TYPE_TCX 11
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

/* Ours among a clsact's filters. */
#define FILTER_HANDLE 1
#define FILTER_PRIORITY 50202

/* Too long for a port: no pin of one is called so. */
#define TRACE_PIN "qdisc_enqueue_tracepoint"
_Static_assert(sizeof(TRACE_PIN) > IFNAMSIZ, "no interface has that name");

/* ---- what this kernel can -------------------------------------------------------------------- */

enum queue_by egress_queue_by(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, "bpf_cast_to_kern_ctx", BTF_KIND_FUNC) : -1;

	btf__free(btf);
	return id > 0 ? QUEUE_BY_PACKET : QUEUE_BY_TRACEPOINT;
}

__u64 egress_netns_cookie(void)
{
	int fd OWN_FD = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(__u64);
	__u64 cookie = 0;

	if (fd >= 0)
		getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &len);
	return cookie;
}

/* ---- tcx ------------------------------------------------------------------------------------- */

static int pin(int fd, const char *path)
{
	unlink(path); /* a stranger's */
	if (bpf_obj_pin(fd, path))
		return err_r(-errno, "%s: can't pin it: %s", path, strerror(errno));
	return 0;
}

/* The first word of bpf_link_info's part about tcx, which libbpf 1.1 does not know. */
static __u32 link_ifindex(const struct bpf_link_info *info)
{
	return info->xdp.ifindex;
}

/* The link that an earlier loader pinned, if it is still on this interface; else -1. */
static int inherited_link(const char *path, __u32 ifindex)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	int fd OWN_FD = bpf_obj_get(path);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len) ||
	    info.type != LINK_TYPE_TCX || link_ifindex(&info) != ifindex)
		return -1;
	return take_fd(fd);
}

static int tcx_attach(const char *path, const char *ifname, __u32 ifindex, int prog_fd)
{
	int fd OWN_FD = inherited_link(path, ifindex);

	if (fd >= 0) {
		if (!bpf_link_update(fd, prog_fd, NULL))
			return 0;
		return err_r(-errno, "port %s: can't replace the program on its egress: %s", ifname,
			     strerror(errno));
	}
	fd = bpf_link_create(prog_fd, ifindex, ATTACH_TCX_EGRESS, NULL);
	return fd < 0 ? -errno : pin(fd, path);
}

/* ---- clsact ---------------------------------------------------------------------------------- */

static int clsact_attach(const char *path, const char *ifname, __u32 ifindex, int prog_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY,
		    .prog_fd = prog_fd, .flags = BPF_TC_F_REPLACE);
	int r = bpf_tc_hook_create(&hook);

	if (!r || r == -EEXIST)
		r = bpf_tc_attach(&hook, &opts);
	if (r)
		return err_r(r, "port %s: can't attach to its egress: %s; its queue can't be watched",
			     ifname, strerror(-r));
	return pin(prog_fd, path);
}

static void clsact_detach(const char *ifname)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = if_nametoindex(ifname),
		    .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .handle = FILTER_HANDLE, .priority = FILTER_PRIORITY);

	if (hook.ifindex)
		bpf_tc_detach(&hook, &opts);
}

/* ---- either ---------------------------------------------------------------------------------- */

int egress_attach(const struct pins *pins, const char *ifname, __u32 ifindex, int prog_fd)
{
	char path[PATH_MAX];
	int r;

	pins_egress_path(pins, ifname, path);
	r = tcx_attach(path, ifname, ifindex, prog_fd);
	/* An attach type that the kernel does not know. */
	return r == -EINVAL ? clsact_attach(path, ifname, ifindex, prog_fd) : r;
}

int egress_trace(const struct pins *pins, int prog_fd)
{
	int fd OWN_FD = bpf_raw_tracepoint_open(NULL, prog_fd);
	char path[PATH_MAX];

	if (fd < 0)
		return err_r(-errno, "the tracepoint qdisc_enqueue: %s; queues can't be watched",
			     strerror(errno));
	pins_egress_path(pins, TRACE_PIN, path);
	return pin(fd, path);
}

void egress_detach(const char *ifname, const char *path)
{
	int fd OWN_FD = bpf_obj_get(path);

	/* A program is no link: then it is clsact's. */
	if (fd >= 0 && bpf_link_detach(fd) && errno == EINVAL)
		clsact_detach(ifname);
}
