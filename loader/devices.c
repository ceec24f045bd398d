// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * fantel_devices is shared with the packet path. The programs are run and attached, never pinned:
 * without a loader nobody would say that a link is up again.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "clock.h"
#include "devices.h"
#include "fresh.h"
#include "log.h"
#include "own.h"

#define WATCHED_FUNCTION "netif_carrier_off"
#define ROWS_BYTES (MAX_CORE_LINKS * sizeof(struct device_row))

struct devices {
	struct device_programs programs;
	struct ring_buffer *news;
	struct device_row *row; /* fantel_devices */
	struct device_args args;
	__u64 renew_ns;
	int link; /* of programs.carrier; -1 = there is none */
};

bool devices_can_read(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_XDP, BPF_FUNC_probe_read_kernel, NULL) > 0;
}

/* By an empty program at the function's end: some kernels have no room for it, and say so only then. */
bool devices_can_attach(void)
{
	static const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int id = libbpf_find_vmlinux_btf_id(WATCHED_FUNCTION, BPF_TRACE_FEXIT);
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_FEXIT,
		    .attach_btf_id = id);
	int program OWN_FD = -1, link OWN_FD = -1;

	if (id <= 0)
		return false;
	program = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "GPL", nothing, ARRAY_SIZE(nothing),
				&opts);
	if (program >= 0)
		link = bpf_raw_tracepoint_open(NULL, program);
	return link >= 0;
}

static int on_news(void *arg, void *data, size_t len)
{
	return 0;
}

static int run(struct devices *devices)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &devices->args,
		    .ctx_size_in = sizeof(devices->args));

	devices->renew_ns = clock_now_ns() + FRESH_RENEW_NS;
	return bpf_prog_test_run_opts(devices->programs.find, &opts);
}

static int start(struct devices *devices, const struct maps *maps)
{
	void *row = mmap(NULL, ROWS_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, maps->devices, 0);
	int r;

	if (row == MAP_FAILED)
		return -errno;
	devices->row = row;
	for (__u32 i = 0; i < MAX_CORE_LINKS; i++)
		devices->row[i].ifindex = 0;
	devices->news = ring_buffer__new(maps->link_news, on_news, NULL, NULL);
	if (!devices->news)
		return -errno;
	r = run(devices);
	if (r)
		return r;
	if (devices->args.period_ns && devices->programs.carrier >= 0)
		devices->link = bpf_raw_tracepoint_open(NULL, devices->programs.carrier);
	return 0;
}

int devices_start(struct devices **out, const struct maps *maps,
		  const struct device_programs *programs, __u32 n, __u64 period_ns)
{
	struct devices *devices = calloc(1, sizeof(*devices));
	int r;

	if (!devices)
		return -ENOMEM;
	devices->programs = *programs;
	devices->args = (struct device_args){ .period_ns = period_ns, .n = n };
	devices->link = -1;
	r = start(devices, maps);
	if (r) {
		devices_stop(devices);
		return err_r(r, "carrier: can't be read from the devices (%s); netlink will tell of it",
			     strerror(-r));
	}
	*out = devices;
	return 0;
}

void devices_stop(struct devices *devices)
{
	if (!devices)
		return;
	own_close(&devices->link);
	devices->args.period_ns = 0;
	run(devices);
	ring_buffer__free(devices->news);
	if (devices->row)
		munmap(devices->row, ROWS_BYTES);
	free(devices);
}

void devices_set(struct devices *devices, __u32 row, __u32 ifindex)
{
	if (row < devices->args.n)
		__atomic_store_n(&devices->row[row].ifindex, ifindex, __ATOMIC_RELAXED);
}

void devices_renew(struct devices *devices)
{
	run(devices);
}

__u64 devices_due(const struct devices *devices)
{
	return devices->renew_ns;
}

int devices_fd(const struct devices *devices)
{
	return ring_buffer__epoll_fd(devices->news);
}

bool devices_changed(struct devices *devices)
{
	return ring_buffer__consume(devices->news) > 0;
}

const struct device_row *devices_rows(const struct devices *devices)
{
	return devices->row;
}
