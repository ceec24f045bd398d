// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * XDP by bpf_link. A link that is refused gives an errno only, so the driver's own sentence is
 * asked for by one attempt over netlink, which has room for it.
 */
#include <net/if.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>

#include "hook.h"
#include "log.h"
#include "netlink.h"
#include "own.h"

const char *hook_mode(enum xdp_mode mode)
{
	return mode == XDP_GENERIC ? "generic" : "native";
}

static __u32 mode_flag(enum xdp_mode mode)
{
	return mode == XDP_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
}

/* What drivers can send was told from then on, by these words; until then nothing was asked of them. */
bool hook_redirects_split(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	int id = btf ? btf__find_by_name_kind(btf, "netdev_xdp_act", BTF_KIND_ENUM) : -1;

	btf__free(btf);
	return id > 0;
}

int hook_query(__u32 ifindex, struct hook_state *state)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, query);
	int r = bpf_xdp_query(ifindex, 0, &query);

	if (r)
		return r;
	state->prog_id = query.prog_id;
	state->mode = query.attach_mode == XDP_ATTACHED_SKB ? XDP_GENERIC : XDP_NATIVE;
	return 0;
}

int hook_link(int link_fd, __u32 *ifindex, __u32 *prog_id)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(link_fd, &info, &len))
		return -errno;
	if (info.type != BPF_LINK_TYPE_XDP)
		return -EINVAL;
	*ifindex = info.xdp.ifindex;
	*prog_id = info.prog_id;
	return 0;
}

/* ---- why it was refused ---------------------------------------------------------------------- */

/* The link that holds a hook; 0: none, it was attached without. */
static __u32 holding_link(__u32 ifindex, __u32 prog_id)
{
	__u32 id = 0, of_ifindex = 0, of_prog = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		int fd OWN_FD = bpf_link_get_fd_by_id(id);

		if (fd >= 0 && !hook_link(fd, &of_ifindex, &of_prog) && of_ifindex == ifindex &&
		    of_prog == prog_id)
			return id;
	}
	return 0;
}

static void program_name(__u32 prog_id, char name[BPF_OBJ_NAME_LEN])
{
	int fd OWN_FD = bpf_prog_get_fd_by_id(prog_id);
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	strcpy(name, "(unnamed)");
	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &len) && info.name[0])
		strcpy(name, info.name);
}

static int err_taken(int r, __u32 ifindex, const char *ifname)
{
	struct hook_state state = {};
	char name[BPF_OBJ_NAME_LEN];
	__u32 link;

	if (hook_query(ifindex, &state) || !state.prog_id)
		return err_r(r, "port %s: its XDP hook is taken (%s); free it and try again",
			     ifname, strerror(-r));
	program_name(state.prog_id, name);
	link = holding_link(ifindex, state.prog_id);
	if (!strncmp(name, "fantel_", strlen("fantel_")))
		return err_r(r,
			     "port %s: its XDP hook is taken by another node or version of fantel "
			     "(program %u %s, link %u); end its loader, and `fantel detach --purge --node NAME` "
			     "frees it", ifname, state.prog_id, name, link);
	if (link)
		return err_r(
			r,
			"port %s: its XDP hook is taken by program %u %s, %s, through link %u; "
			"stop what owns it, or `bpftool link detach id %u`",
			ifname, state.prog_id, name, hook_mode(state.mode), link, link);
	return err_r(r,
		     "port %s: its XDP hook is taken by program %u %s, %s; "
		     "`ip link set dev %s xdp off` frees it",
		     ifname, state.prog_id, name, hook_mode(state.mode), ifname);
}

static int set_xdp(struct netlink *nl, __u32 ifindex, int prog_fd, __u32 flags)
{
	char buf[256] = {};
	struct nlmsghdr *request = mnl_nlmsg_put_header(buf);
	struct ifinfomsg *info;
	struct nlattr *xdp;

	request->nlmsg_type = RTM_SETLINK;
	info = mnl_nlmsg_put_extra_header(request, sizeof(*info));
	info->ifi_index = ifindex;
	xdp = mnl_attr_nest_start(request, IFLA_XDP);
	mnl_attr_put_u32(request, IFLA_XDP_FD, prog_fd);
	mnl_attr_put_u32(request, IFLA_XDP_FLAGS, flags);
	mnl_attr_nest_end(request, xdp);
	return netlink_request(nl, request, NULL, NULL);
}

/* The driver's own words, or none. */
static void ask_driver(struct netlink *nl, int prog_fd, __u32 ifindex, enum xdp_mode mode)
{
	if (netlink_open(nl, NULL))
		return;
	if (!set_xdp(nl, ifindex, prog_fd, mode_flag(mode) | XDP_FLAGS_UPDATE_IF_NOEXIST)) {
		/* It was not to succeed; nor is it to stay. */
		set_xdp(nl, ifindex, -1, mode_flag(mode));
		nl->sentence[0] = 0;
	}
}

static int err_refused(int r, int prog_fd, __u32 ifindex, const char *ifname, enum xdp_mode mode)
{
	struct netlink nl OWN_NETLINK = {};
	const char *remedy =
		mode == XDP_NATIVE ? "; mend that, or set the port's mode to generic in the policy"
				   : "";

	if (r == -EOPNOTSUPP && mode == XDP_NATIVE)
		return err_r(r,
			     "port %s: its driver has no native XDP; set the port's mode to "
			     "generic in the policy",
			     ifname);
	ask_driver(&nl, prog_fd, ifindex, mode);
	if (nl.sentence[0])
		return err_r(r, "port %s: the driver refuses %s XDP: \"%s\" (%s)%s", ifname,
			     hook_mode(mode), nl.sentence, strerror(-r), remedy);
	return err_r(r, "port %s: %s XDP is refused: %s%s", ifname, hook_mode(mode), strerror(-r),
		     remedy);
}

int hook_attach(int prog_fd, __u32 ifindex, const char *ifname, enum xdp_mode mode)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode_flag(mode));
	int fd = bpf_link_create(prog_fd, ifindex, BPF_XDP, &opts);

	if (fd >= 0)
		return fd;
	fd = -errno;
	if (fd == -EBUSY || fd == -EEXIST)
		return err_taken(fd, ifindex, ifname);
	if (fd == -ENODEV)
		return err_r(fd, "port %s: the interface is gone; bring it back and try again",
			     ifname);
	return err_refused(fd, prog_fd, ifindex, ifname, mode);
}
