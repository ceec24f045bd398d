// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What each program costs per packet: `make bench`. Every program runs by BPF_PROG_TEST_RUN behind
 * `again` (again.bpf.c), in batches, in turn with all the others, so that what else the machine
 * does hits all alike. Figures are net of the empty program, whose batches ran next to theirs.
 *
 * Touches nothing but memory: no interface, no pin. Fails when a program doesn't do the work that
 * its row names; never on a time.
 */
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <sched.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <jansson.h>

#include "again.h"
#include "bench/again.skel.h"
#include "bench/floor.skel.h"
#include "fantel/abi.h"
#include "log.h"
#include "own.h"

#define SUBJECTS_MAX 32
#define CLASSES 1000

static int n_batches = 200, n_runs = 20000;

struct subject {
	const char *name;
	const char *sentence;
	int prog_fd;
	int verdict; /* of every run: what shows that the work was done */
	struct again want;
	struct again_bpf *skel;
	double *gross; /* ns per run, by batch */
	double *net;
	double median, min, q1, q3;
};

static struct subject subjects[SUBJECTS_MAX];
static int n_subjects;

/* ---- packets -------------------------------------------------------------------------------- */

#define ETH_LEN 14
#define IP6_LEN 40

/* Class n is 2001:db8:n::/48. */
static struct addr class_addr(unsigned int n)
{
	struct addr a = { .b = { 0x20, 0x01, 0x0d, 0xb8, n >> 8, n, [15] = 0x20 } };

	return a;
}

static __u8 *packet(struct again *want)
{
	return (__u8 *)want + offsetof(struct again, first);
}

/* RoCEv2 in IPv6, AGAIN_LEN bytes: Ethernet, IPv6, UDP 4791, BTH, data. */
static void packet_rocev2_v6(struct again *want)
{
	__u8 *p = packet(want);
	struct addr src = { .b = { 0x20, 0x01, 0x0d, 0xb8, 0xff, 0xff, [15] = 0x10 } };
	struct addr dst = class_addr(CLASSES / 2);

	memcpy(p, "\2\0\0\0\1\1\2\0\0\0\1\2\x86\xdd", ETH_LEN);
	store32(p + ETH_LEN, be32(0x60000000 | 0x02 << 20)); /* ECT(0), as RoCE sends it */
	store16(p + ETH_LEN + 4, be16(AGAIN_LEN - ETH_LEN - IP6_LEN));
	p[ETH_LEN + 6] = 17;
	p[ETH_LEN + 7] = 64;
	addr_store(p + ETH_LEN + 8, &src);
	addr_store(p + ETH_LEN + 24, &dst);
	p += ETH_LEN + IP6_LEN;
	store16(p, be16(49152));
	store16(p + 2, be16(4791));
	store16(p + 4, be16(AGAIN_LEN - ETH_LEN - IP6_LEN));
	store16(p + 6, 0xffff);
	p += 8;
	store32(p, be32(0x0400ffff)); /* BTH: SEND only, default P_Key */
	store32(p + 4, be32(0x000017));
	want->len = AGAIN_LEN;
	want->words = 6;
}

/* ---- subjects ------------------------------------------------------------------------------- */

static struct subject *add(const char *name, const char *sentence, int verdict)
{
	struct subject *s = &subjects[n_subjects++];

	*s = (struct subject){ .name = name, .sentence = sentence, .verdict = verdict, .prog_fd = -1 };
	packet_rocev2_v6(&s->want);
	return s;
}

/* Put `again` in front of the program. prog_fd < 0: the empty program itself. */
static int subject_load(struct subject *s)
{
	__u32 zero = 0;
	int fd;

	s->gross = calloc(n_batches, sizeof(*s->gross));
	s->net = calloc(n_batches, sizeof(*s->net));
	s->skel = again_bpf__open();
	if (!s->gross || !s->net || !s->skel)
		return err_r(-ENOMEM, "bench: out of memory");
	memcpy((void *)&s->skel->rodata->want, &s->want, sizeof(s->want));
	if (again_bpf__load(s->skel))
		return err_r(-errno, "bench: %s: again.bpf.o can't be loaded", s->name);
	fd = s->prog_fd >= 0 ? s->prog_fd : bpf_program__fd(s->skel->progs.empty);
	if (bpf_map_update_elem(bpf_map__fd(s->skel->maps.subject), &zero, &fd, BPF_ANY))
		return err_r(-errno, "bench: %s: can't be tail-called: %s", s->name, strerror(errno));
	return 0;
}

static int floor_load(struct floor_bpf *floor)
{
	int fd = bpf_map__fd(floor->maps.floor_classes);

	for (unsigned int n = 0; n < CLASSES; n++) {
		struct prefix_key key = { .plen = 48 };
		struct class_value value = { .group = 0 };
		struct addr a = class_addr(n);

		a.b[15] = 0;
		memcpy(key.addr_be, &a, sizeof(a));
		if (bpf_map_update_elem(fd, &key, &value, BPF_ANY))
			return err_r(-errno, "bench: the floor's classes: %s", strerror(errno));
	}
	return bpf_program__fd(floor->progs.floor_push);
}

static int subjects_add(void)
{
	struct floor_bpf *floor = floor_bpf__open_and_load();
	struct subject *s;

	if (!floor)
		return err_r(-errno, "bench: floor.bpf.o can't be loaded");
	add("empty", "returns at once", XDP_PASS);
	s = add("floor", "parse, LPM of 1,000, fixed 3-segment header", XDP_TX);
	s->prog_fd = floor_load(floor);
	return s->prog_fd < 0 ? s->prog_fd : 0;
}

/* ---- measuring ------------------------------------------------------------------------------ */

/* Run one batch; ns per run, in whole ns as the kernel says it. A clock of our own would count the
 * kernel's waiting for RCU around each batch too. */
static int batch(struct subject *s, int runs, double *ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet(&s->want), .data_size_in = s->want.len,
		    .repeat = runs);
	int err;

	s->skel->bss->base = 0;
	err = bpf_prog_test_run_opts(bpf_program__fd(s->skel->progs.again), &opts);
	*ns = opts.duration;
	if (err)
		return err_r(err, "bench: %s: BPF_PROG_TEST_RUN: %s", s->name, strerror(-err));
	if ((int)opts.retval != s->verdict || s->skel->bss->returned)
		return err_r(-EIO, "bench: %s: verdict %u instead of %d after %llu runs", s->name,
			     opts.retval, s->verdict, (unsigned long long)s->skel->bss->runs);
	return 0;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void summarise(struct subject *s)
{
	qsort(s->net, n_batches, sizeof(*s->net), compare);
	qsort(s->gross, n_batches, sizeof(*s->gross), compare);
	s->median = s->net[n_batches / 2];
	s->min = s->net[0];
	s->q1 = s->net[n_batches / 4];
	s->q3 = s->net[n_batches * 3 / 4];
}

static int measure(void)
{
	double warm;
	int err;

	for (int i = 0; i < n_subjects; i++) {
		err = batch(&subjects[i], n_runs, &warm);
		if (err)
			return err;
	}
	for (int b = 0; b < n_batches; b++) {
		for (int i = 0; i < n_subjects; i++) {
			err = batch(&subjects[i], n_runs, &subjects[i].gross[b]);
			if (err)
				return err;
		}
		for (int i = 0; i < n_subjects; i++)
			subjects[i].net[b] = subjects[i].gross[b] - subjects[0].gross[b];
	}
	for (int i = 0; i < n_subjects; i++)
		summarise(&subjects[i]);
	return 0;
}

static void print(void)
{
	printf("%-34s %8s %8s %8s %8s\n", "ns per packet, net of empty", "median", "min", "q1", "q3");
	for (int i = 0; i < n_subjects; i++) {
		const struct subject *s = &subjects[i];

		printf("%-34s %8.1f %8.1f %8.1f %8.1f   %s\n", s->name, s->median, s->min, s->q1,
		       s->q3, s->sentence);
	}
}

int main(int argc, char **argv)
{
	cpu_set_t cpus;
	int c;

	while ((c = getopt(argc, argv, "b:n:")) != -1) {
		if (c == 'b')
			n_batches = atoi(optarg);
		else if (c == 'n')
			n_runs = atoi(optarg);
		else
			return 2;
	}
	CPU_ZERO(&cpus);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);

	if (subjects_add())
		return 1;
	for (int i = 0; i < n_subjects; i++)
		if (subject_load(&subjects[i]))
			return 1;
	if (measure())
		return 1;
	print();
	return 0;
}
