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
#include "tc.h"

/* Newer than the headers that we build with. */
#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

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

/* ---- attaching ------------------------------------------------------------------------------- */

int egress_attach(const struct pins *pins, const char *ifname, __u32 ifindex, int prog_fd)
{
	char path[PATH_MAX];
	struct tc tc;
	int r;

	pins_egress_path(pins, ifname, path);
	r = tc_attach(&tc, TC_EGRESS, path, ifindex, ifname, prog_fd);
	if (r)
		return r;
	r = tc_keep(&tc, path);
	tc_release(&tc);
	return r;
}

int egress_trace(const struct pins *pins, int prog_fd)
{
	int fd OWN_FD = bpf_raw_tracepoint_open(NULL, prog_fd);
	char path[PATH_MAX];

	if (fd < 0)
		return err_r(-errno, "the tracepoint qdisc_enqueue: %s; queues can't be watched",
			     strerror(errno));
	pins_egress_path(pins, TRACE_PIN, path);
	unlink(path); /* a stranger's */
	if (bpf_obj_pin(fd, path))
		return err_r(-errno, "%s: can't pin it: %s", path, strerror(errno));
	return 0;
}

/* The tracepoint's link ends with its pin. */
void egress_detach(const char *ifname, const char *path)
{
	if (strcmp(ifname, TRACE_PIN))
		tc_detach(TC_EGRESS, path, ifname);
}
