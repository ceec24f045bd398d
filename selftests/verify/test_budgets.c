// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What the kernel's verifier has to walk through for each program, against a recorded budget: far
 * from its limit of a million, on kernels that reason less well too. A program that outgrows its
 * budget is looked at; then it shrinks, or the number here grows, in a commit that says why. Run on
 * every kernel by `make test-kernels`.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "devices.h"
#include "prog/harness.h"

/* No program may ask for more, on any kernel. */
#define LIMIT 100000

/* Kernels that the budgets were measured on; one in between has those of the older one. */
static const unsigned int kernel[] = { 601, 612, 618 };

/* With clang 14, and a quarter on top, where the limit leaves as much. */
static const struct {
	const char *program;
	__u32 budget[ARRAY_SIZE(kernel)];
} budgets[] = {
	{ "fantel_clock", { 100, 100, 100 } },
	{ "fantel_device", { 1000, 1000, 1000 } },
	{ "fantel_carrier", { 1000, 1000, 1000 } },
	{ "fantel_overdue", { 8000, 15000, 22000 } },
	{ "fantel_settle", { 4000, 4000, 4000 } },
	{ "fantel_ingress", { 100, 100, 100 } },
	{ "fantel_qp", { 1000, 1000, 1000 } },
	{ "fantel_customer", { 56000, 50000, 50000 } },
	{ "fantel_core", { 98000, 98000, 98000 } },
	{ "fantel_watch", { 95000, 57000, 57000 } },
	{ "fantel_queue", { 20000, 20000, 20000 } },
};

/* The column of the running kernel. */
static size_t series(void)
{
	unsigned int major, minor;
	struct utsname name;
	size_t i;

	assert_int_equal(uname(&name), 0);
	assert_int_equal(sscanf(name.release, "%u.%u", &major, &minor), 2);
	for (i = ARRAY_SIZE(kernel) - 1; i && kernel[i] > 100 * major + minor; i--)
		;
	return i;
}

static struct config smallest(void)
{
	struct config config = node_config();

	memset(&config.loopback4, 0, sizeof(config.loopback4));
	config.n_repeats = 1;
	return config;
}

/* Every feature on: the verifier can leave out no branch. */
static struct config largest(void)
{
	struct config config = node_config();

	config.locator = addr_of("2001:db8:a:2::");
	config.locator_len = 64;
	config.domain = 5;
	config.validity_ms = 3000;
	config.code_lsb = 1;
	config.transport = TRANSPORT_UDP;
	config.refresh_ns = NSEC_PER_SEC;
	config.tell_sender = 1;
	config.cnp = 1;
	config.authentication = 1;
	config.n_sign_keys = MAX_SIGN_KEYS;
	config.pacing.transit = 1;
	config.pacing.horizon_ns = NSEC_PER_MSEC;
	config.pacing.flows = 1;
	config.endpoints = (1U << TUNNEL_COUNT) - 2;
	config.bfd = 1;
	config.learn_every = 64;
	config.lsps = 1;
	config.learn_arrivals = 1;
	for (int i = 0; i < MAX_VXLAN_PORTS; i++)
		config.vxlan_port[i] = 4789 + i;
	for (int i = 0; i < BUCKET_COUNT; i++)
		config.rate[i] = (struct rate){ NSEC_PER_MSEC, NSEC_PER_SEC };
	for (int i = 0; i < KIND_COUNT; i++)
		config.receive[i] = (struct rate){ NSEC_PER_MSEC, NSEC_PER_SEC };
	return config;
}

/* Is every program recorded, and within its budget? */
static void within_budget(const char *configuration, const struct config *config)
{
	struct fantel_bpf *node = node_open(config);
	struct bpf_program *prog;
	int over = 0;

	bpf_program__set_autoload(node->progs.fantel_carrier, devices_can_attach());
	if (config->queue_by == QUEUE_BY_TRACEPOINT) {
		node->rodata->config.queue_by = QUEUE_BY_TRACEPOINT;
		bpf_program__set_autoload(node->progs.fantel_queue, true);
	}
	node_start(node);

	bpf_object__for_each_program(prog, node->obj) {
		struct bpf_prog_info info = {};
		__u32 len = sizeof(info), budget = 0;

		if (!bpf_program__autoload(prog))
			continue;
		assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len), 0);
		for (size_t i = 0; i < ARRAY_SIZE(budgets); i++)
			if (!strcmp(budgets[i].program, bpf_program__name(prog)))
				budget = budgets[i].budget[series()];
		printf("# %s, %s: %u verified instructions, budget %u\n", bpf_program__name(prog),
		       configuration, info.verified_insns, budget);
		assert_int_not_equal(info.verified_insns, 0);
		over += info.verified_insns > budget || info.verified_insns >= LIMIT;
	}
	fantel_bpf__destroy(node);
	assert_int_equal(over, 0);
}

static void smallest_configuration(void **state)
{
	struct config config = smallest();

	within_budget("smallest configuration", &config);
}

static void largest_configuration(void **state)
{
	struct config config = largest();

	within_budget("largest configuration", &config);
}

/* Where no packet shows its queue: Linux 6.1. */
static void by_tracepoint(void **state)
{
	struct config config = largest();

	config.queue_by = QUEUE_BY_TRACEPOINT;
	config.netns_cookie = 1;
	within_budget("queues by tracepoint", &config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("each program is within its budget, features off", smallest_configuration),
		TEST("each program is within its budget, features on", largest_configuration),
		TEST("and where queues are known by their tracepoint", by_tracepoint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
