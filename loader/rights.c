// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Capabilities by libcap, features of the kernel by libbpf's probes. Nothing stays behind.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "fantel/base.h"
#include "log.h"
#include "rights.h"

#define KERNEL_FLOOR "6.1"

/* ---- rights ---------------------------------------------------------------------------------- */

static bool have_cap(cap_value_t cap)
{
	cap_flag_value_t set = CAP_CLEAR;
	cap_t caps = cap_get_proc();

	if (!caps)
		return true; /* then the kernel will say it */
	cap_get_flag(caps, cap, CAP_EFFECTIVE, &set);
	cap_free(caps);
	return set == CAP_SET;
}

int rights_check(void)
{
	static const struct {
		cap_value_t cap;
		const char *name;
		bool of_admin; /* CAP_SYS_ADMIN includes it */
	} needed[] = {
		{ CAP_BPF, "CAP_BPF", true },
		{ CAP_PERFMON, "CAP_PERFMON", true },
		{ CAP_NET_ADMIN, "CAP_NET_ADMIN", false },
		{ CAP_NET_RAW, "CAP_NET_RAW", false },
	};
	char missing[80] = "";

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++) {
		size_t len = strlen(missing);

		if (have_cap(needed[i].cap) || (needed[i].of_admin && have_cap(CAP_SYS_ADMIN)))
			continue;
		snprintf(missing + len, sizeof(missing) - len, "%s%s", len ? ", " : "",
			 needed[i].name);
	}
	if (!missing[0])
		return 0;
	return err_r(-EPERM,
		     "run: the right is missing to load and attach programs (%s); run as "
		     "root, or grant it",
		     missing);
}

bool rights_for_modules(void)
{
	return have_cap(CAP_SYS_ADMIN);
}

/* ---- the kernel ------------------------------------------------------------------------------ */

static bool have_btf(int number)
{
	return access("/sys/kernel/btf/vmlinux", R_OK) == 0;
}

static bool have_program(int type)
{
	return libbpf_probe_bpf_prog_type(type, NULL) != 0;
}

static bool have_map(int type)
{
	return libbpf_probe_bpf_map_type(type, NULL) != 0;
}

static bool have_helper(int helper)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, helper, NULL) != 0;
}

int kernel_check(void)
{
	static const struct {
		const char *what;
		const char *since;
		bool (*have)(int number);
		int number;
	} needed[] = {
		{ "BTF (CONFIG_DEBUG_INFO_BTF)", "5.2", have_btf, 0 },
		{ "XDP programs", "4.8", have_program, BPF_PROG_TYPE_XDP },
		{ "syscall programs", "5.14", have_program, BPF_PROG_TYPE_SYSCALL },
		{ "LPM tries", "4.11", have_map, BPF_MAP_TYPE_LPM_TRIE },
		{ "ring buffers", "5.8", have_map, BPF_MAP_TYPE_RINGBUF },
		{ "the helper bpf_fib_lookup in XDP", "4.18", have_helper, BPF_FUNC_fib_lookup },
		{ "the helper bpf_jiffies64 in XDP", "5.5", have_helper, BPF_FUNC_jiffies64 },
		{ "timers in XDP", "5.15", have_helper, BPF_FUNC_timer_init },
		{ "XDP with several buffers", "5.18", have_helper, BPF_FUNC_xdp_load_bytes },
	};
	struct utsname uts = {};

	uname(&uts);
	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (!needed[i].have(needed[i].number))
			return err_r(-ENOTSUP,
				     "kernel: Linux %s lacks %s, which came with %s; use "
				     "Linux " KERNEL_FLOOR " or newer",
				     uts.release, needed[i].what, needed[i].since);
	return 0;
}
