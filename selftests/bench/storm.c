// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * What a storm of notifications on one core leaves of forwarding on another: `make bench`. Two threads,
 * each on a core of its own, run the programs of one node by BPF_PROG_TEST_RUN behind `again`: one steers
 * packets as fast as it can, the other receives a million notifications a second, or as many as it can. For
 * comparison the other core rests, or runs an empty program as often: what two busy cores of this
 * machine take from one another is not the storm's doing.
 *
 * After each storm a failure must act, and everything sent must be counted: else this fails. Never on a
 * time. Touches nothing but memory.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <jansson.h>

#include "again.h"
#include "bench/again.skel.h"
#include "encap.h"
#include "fantel/msg_build.h"
#include "log.h"
#include "own.h"
#include "prog/harness.h"
#include "words.h"

#define STORM_NS 1000 /* per notification: a million a second */
#define BATCH_NS (250 * NSEC_PER_MSEC) /* of the storm: the kernel needs a while from one to the next */
#define FORWARD 200000		       /* packets a batch */
#define FORWARD_BATCHES 6	       /* while the other core does the same */
#define BAR_PERCENT 10
#define ORIGINATORS 16384 /* spoofed: 10,000 and more, and more than are remembered */
#define US "2001:db8:f::1"
#define P "2001:db8:f::2"
#define SEQUENCE 0x0102030405060708ULL /* patterns to be found in the message */
#define TIMESTAMP 0x1112131415161718ULL

static int n_rounds = 9;

static void __attribute__((noreturn)) give_up(const char *name, const char *what)
{
	log_error("bench: storm: %s: %s", name, what);
	exit(1);
}

static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* ---- the node -------------------------------------------------------------------------------- */

static struct mac_key key_of(enum wire_auth algorithm)
{
	static const __u8 secret[16] = "sixteen bytes...";
	struct mac_key key = {};

	mac_key_init(&key, algorithm, secret, sizeof(secret));
	return key;
}

/* An ingress PE with two paths and the policy's default rates; traffic of bench6 is steered. */
static struct fantel_bpf *node_make(bool authentication)
{
	struct mac_key sip = key_of(AUTH_SIPHASH), hmac = key_of(AUTH_HMAC_SHA256);
	struct policy_path path = golden_path("encaps-3");
	struct config config = node_config();
	struct nexthop nh = nexthop_fresh();
	struct fantel_bpf *node;

	config.authentication = authentication;
	for (enum kind kind = 0; kind < KIND_COUNT; kind++)
		config.receive[kind] = (struct rate){ NSEC_PER_SEC / 10000, NSEC_PER_SEC };
	node = node_load(&config);
	node_path(node, 0, &path);
	node_nexthop(node, 0, &nh);
	node_group(node, 0, FATE_DROP, 1, NULL, NULL);
	node_class(node, "2001:db8::/32", 0);
	node_demand(node, "2001:db8:f::/48",
		    authentication ? AUTHENTICATION_REQUIRE : AUTHENTICATION_OFF);
	node_mac_key(node, AUTH_SIPHASH, &sip, -60, 24 * 3600);
	node_mac_key(node, AUTH_HMAC_SHA256, &hmac, -60, 24 * 3600);
	return node;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* A failure from P; of the path here, or of another's. */
static void failure(struct bytes *frame, const char *src, bool ours, enum wire_auth algorithm)
{
	struct policy_path path = golden_path(ours ? "encaps-3" : "encaps-2");
	struct msg_envelope e = { .src = addr_of(src), .dst = addr_of(US) };
	struct mac_key key = key_of(algorithm ?: AUTH_SIPHASH);
	struct msg_rules rules = msg_rules_default();
	struct tunnel_key tunnel[ENCAP_KEYS_MAX];
	struct msg_buf buf = {};
	struct writer w = msg_begin(&buf, &e);
	struct bytes l4 = {};
	__u32 len;

	encap_keys(tunnel, ENCAP_KEYS_MAX, &path);
	msg_put_tunnel(&w, &tunnel[0]);
	msg_put_event(&w, &rules, 1, SEQUENCE, 0);
	msg_put_u64(&w, &rules, TLV_TIMESTAMP, TIMESTAMP);
	if (algorithm)
		msg_put_auth(&w, &rules, algorithm, algorithm);
	len = msg_finish(&w, &rules, &e, KIND_FAILURE, CODE_SRV6);
	if (algorithm)
		msg_sign(&buf, &e, len, &key, len - WIRE_AUTH_LEN, 0);
	bytes_put(&l4, buf.b, len);
	frame_around(frame, src, US, PROTO_ICMPV6, 255, &l4);
}

static __u32 find(const struct bytes *frame, __u64 pattern)
{
	__be64 number = htobe64(pattern);
	const __u8 *at = memmem(frame->b, frame->len, &number, sizeof(number));

	if (!at)
		give_up("message", "has not what it should have");
	return at - frame->b;
}

/* ---- one side -------------------------------------------------------------------------------- */

struct side {
	struct again_bpf *again;
	struct bytes packet;
};

static void side_open(struct side *s, const struct again *how, const struct bpf_program *prog)
{
	__u32 zero = 0;
	int fd;

	if (s->packet.len < AGAIN_LEN) /* Ethernet may pad */
		s->packet.len = AGAIN_LEN;
	s->again = again_bpf__open();
	if (!s->again)
		give_up("again.bpf.o", "can't be opened");
	*(struct again *)&s->again->rodata->want = *how;
	memcpy((void *)&s->again->rodata->want.first, s->packet.b, AGAIN_LEN);
	*(__u32 *)&s->again->rodata->want.len = s->packet.len;
	*(__u32 *)&s->again->rodata->want.words = 6;
	if (again_bpf__load(s->again))
		give_up("again.bpf.o", "can't be loaded");
	fd = bpf_program__fd(prog ?: s->again->progs.empty);
	if (bpf_map_update_elem(bpf_map__fd(s->again->maps.subject), &zero, &fd, BPF_ANY))
		give_up("again.bpf.o", "can't call the program");
}

/* ns per packet. */
static double side_run(struct side *s, int runs, __u32 verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = s->packet.b, .data_size_in = s->packet.len,
		    .repeat = runs);

	s->again->bss->base = 0;
	if (bpf_prog_test_run_opts(bpf_program__fd(s->again->progs.again), &opts) ||
	    opts.retval != verdict || s->again->bss->returned)
		give_up("a packet", "did not get its verdict");
	return opts.duration;
}

/* ---- the storm ------------------------------------------------------------------------------- */

static const struct storm {
	const char *name;
	const char *src;
	bool spoofed; /* each time another address behind it */
	bool authentication;
	enum wire_auth algorithm; /* of the MAC, which is wrong; 0 = none */
} storms[] = {
	{ "from one originator", P, false, false, 0 },
	{ "from 16,384 spoofed originators", "2001:db8:f:bad::", true, false, 0 },
	{ "from 16,384 addresses outside the domain", "2001:db8:bad::", true, false, 0 },
	{ "with a wrong SipHash MAC", P, false, true, AUTH_SIPHASH },
	{ "with a wrong HMAC", P, false, true, AUTH_HMAC_SHA256 },
};

enum mode { REST, EMPTY, STORM, MODES };

struct blower {
	struct fantel_bpf *node;
	struct side side[MODES];
	_Atomic enum mode asked, doing;
	_Atomic bool over;
	double ns[MODES]; /* per run, in the latest batch */
	__u32 every;	  /* so many runs make a packet of the storm: the others only take time */
	double storm_ns;  /* all batches of the storm */
	__u64 storm_sent;
	int cpu;
};

static void blow_once(struct blower *b, enum mode mode)
{
	int runs = (int)(BATCH_NS / b->ns[mode] / b->every) * b->every;

	b->ns[mode] = side_run(&b->side[mode], runs, mode == STORM ? XDP_DROP : XDP_PASS);
	if (mode != STORM)
		return;
	b->storm_ns += runs * b->ns[STORM];
	b->storm_sent += runs / b->every;
	node_events(b->node, NULL, 0);
}

/* What is asked for, again and again. */
static void *blow(void *context)
{
	struct blower *b = context;

	stay_on(b->cpu);
	while (!b->over) {
		b->doing = b->asked;
		if (b->doing == REST)
			usleep(1000);
		else
			blow_once(b, b->doing);
	}
	return NULL;
}

static void blower_ask(struct blower *b, enum mode mode)
{
	b->asked = mode;
	while (b->doing != mode)
		usleep(1000);
	usleep(30000); /* until it runs */
}

/* The checksum for two words that are each other's complement. */
static void resum(struct bytes *frame, const char *src, __u32 one, __u32 other)
{
	struct bytes l4 = {};

	store32(frame->b + one, 0);
	store32(frame->b + other, ~0U);
	store16(frame->b + 14 + 40 + 2, 0);
	bytes_put(&l4, frame->b + 14 + 40, frame->len - 14 - 40);
	store16(frame->b + 14 + 40 + 2, be16(l4_sum(src, US, PROTO_ICMPV6, &l4)));
}

/* In how many runs is one of the storm's, for a million of these a second? */
static __u32 pace(const struct storm *storm, const struct bytes *frame, struct again how)
{
	struct fantel_bpf *node = node_make(storm->authentication);
	struct side all = { .packet = *frame }, few = { .packet = *frame };
	double ns, idle_ns;

	side_open(&all, &how, node->progs.fantel_core);
	side_run(&all, 20000, XDP_DROP);
	ns = side_run(&all, 100000, XDP_DROP);
	how.every = 1000;
	side_open(&few, &how, NULL);
	idle_ns = side_run(&few, 1000000, XDP_PASS);
	again_bpf__destroy(all.again);
	again_bpf__destroy(few.again);
	fantel_bpf__destroy(node);
	return ns >= STORM_NS ? 1 : 1 + (STORM_NS - ns) / MAX(idle_ns, 1);
}

static void blower_open(struct blower *b, const struct storm *storm, int cpu)
{
	struct again how = { .count_mask = storm->spoofed ? ORIGINATORS - 1 : ~0U };
	struct bytes frame = {};

	b->node = node_make(storm->authentication);
	b->cpu = cpu;
	failure(&frame, storm->src, false, storm->algorithm);
	how.count_at = storm->spoofed ? 14 + 8 + 12 : find(&frame, SEQUENCE) + 4;
	how.complement_at = find(&frame, TIMESTAMP) + 4;
	resum(&frame, storm->src, how.count_at, how.complement_at);
	b->side[EMPTY].packet = b->side[STORM].packet = frame;
	how.every = b->every = pace(storm, &frame, how);
	side_open(&b->side[EMPTY], &how, NULL);
	side_open(&b->side[STORM], &how, b->node->progs.fantel_core);
	b->ns[EMPTY] = b->ns[STORM] = STORM_NS / b->every;
}

/* ---- rows ------------------------------------------------------------------------------------ */

struct row {
	const char *name;
	double ns[MODES]; /* per packet forwarded; the median of the batches */
	double rate;	  /* of the storm, a second */
	__u64 sent, dropped[REASON_COUNT];
};

/* Each packet of the storm under one reason; an event that found no room is counted besides. */
static void check_sum(struct blower *b, struct row *row)
{
	__u64 sum = 0;

	for (enum reason r = REASON_NONE + 1; r < REASON_COUNT; r++) {
		row->dropped[r] = node_count(b->node, r).packets;
		sum += r == REASON_EVENT_LOST ? 0 : row->dropped[r];
	}
	row->sent = b->side[STORM].again->bss->runs / b->every;
	if (sum != row->sent)
		give_up(row->name, "not everything was counted");
}

static void check_failure_acts(struct blower *b, const struct storm *storm)
{
	struct bytes frame = {};
	static struct outcome o;

	failure(&frame, "2001:db8:f::3", true, storm->algorithm);
	node_run(b->node, b->node->progs.fantel_core, 0, &frame, &o);
	if (o.count[REASON_FAILED].packets != 1)
		give_up(storm->name, "afterwards a failure does not act");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* By turns: what else happens on the machine meanwhile then strikes all three alike. */
static void measure_forward(struct row *row, struct blower *b, struct side *forward)
{
	int n = n_rounds * FORWARD_BATCHES, at[MODES] = {};
	double *ns[MODES];

	for (int mode = 0; mode < MODES; mode++)
		if (!(ns[mode] = calloc(n, sizeof(double))))
			give_up(row->name, "no memory");
	side_run(forward, FORWARD, XDP_REDIRECT);
	for (int i = 0; i < n_rounds * MODES; i++) {
		enum mode mode = i % MODES;

		blower_ask(b, mode);
		for (int j = 0; j < FORWARD_BATCHES; j++)
			ns[mode][at[mode]++] = side_run(forward, FORWARD, XDP_REDIRECT);
	}
	for (int mode = 0; mode < MODES; mode++) {
		qsort(ns[mode], n, sizeof(double), compare);
		row->ns[mode] = ns[mode][n / 2];
		free(ns[mode]);
	}
}

static void measure(struct row *row, const struct storm *storm, int cpu, int other)
{
	static struct blower b;
	struct side forward = { .packet = *golden("bench6") };
	struct again flows = { .count_at = 14 + 40 + 8 + 4, .count_mask = 0xffff };
	pthread_t thread;

	memset(&b, 0, sizeof(b));
	row->name = storm->name;
	blower_open(&b, storm, other);
	side_open(&forward, &flows, b.node->progs.fantel_customer);
	if (pthread_create(&thread, NULL, blow, &b))
		give_up(storm->name, "no thread");
	stay_on(cpu);
	measure_forward(row, &b, &forward);
	b.over = true;
	pthread_join(thread, NULL);
	row->rate = b.storm_sent * NSEC_PER_SEC / b.storm_ns;
	check_sum(&b, row);
	check_failure_acts(&b, storm);
	for (int mode = EMPTY; mode < MODES; mode++)
		again_bpf__destroy(b.side[mode].again);
	again_bpf__destroy(forward.again);
	fantel_bpf__destroy(b.node);
}

/* How much slower, in percent of the speed. */
static double slower(const struct row *row, enum mode than)
{
	return 100 * (1 - row->ns[than] / row->ns[STORM]);
}

static void print(const struct row *row)
{
	printf("%-42s %9.0f %6.1f %6.1f %6.1f   %+5.1f %%: %s (%+.1f %%)\n    dropped:", row->name, row->rate,
	       row->ns[REST], row->ns[EMPTY], row->ns[STORM], -slower(row, EMPTY),
	       slower(row, EMPTY) <= BAR_PERCENT ? "met" : "not met", -slower(row, REST));
	for (enum reason r = 0; r < REASON_COUNT; r++)
		if (row->dropped[r])
			printf(" %s %llu", reason_word(r), (unsigned long long)row->dropped[r]);
	printf(", of %llu\n", (unsigned long long)row->sent);
}

static json_t *json_of(const struct row *row)
{
	return json_pack("{s:s, s:f, s:f, s:f, s:f, s:f, s:b}", "name", row->name, "per_second",
			 row->rate, "rest_ns", row->ns[REST], "empty_ns", row->ns[EMPTY], "storm_ns",
			 row->ns[STORM], "slower_percent", slower(row, EMPTY), "met",
			 slower(row, EMPTY) <= BAR_PERCENT);
}

int main(int argc, char **argv)
{
	int cpus = sysconf(_SC_NPROCESSORS_ONLN), c;
	json_t *rows = json_array();
	const char *file = NULL;

	while ((c = getopt(argc, argv, "r:o:")) != -1) {
		if (c == 'r') {
			n_rounds = MAX(atoi(optarg), 1);
		} else if (c == 'o') {
			file = optarg;
		} else {
			fputs("usage: storm [-r ROUNDS] [-o FILE.json]\n", stderr);
			return 2;
		}
	}
	if (cpus < 2) {
		puts("storm: needs two cores; not measured");
		return 0;
	}
	printf("%-42s %9s %6s %6s %6s   bar: %d %% slower than beside an empty program (than at rest)\n",
	       "a storm beside forwarding, ns per packet", "storm/s", "rest", "empty", "storm", BAR_PERCENT);
	for (size_t i = 0; i < ARRAY_SIZE(storms); i++) {
		struct row row = {};

		measure(&row, &storms[i], cpus - 2, cpus - 1);
		print(&row);
		json_array_append_new(rows, json_of(&row));
	}
	c = file ? json_dump_file(rows, file, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) : 0;
	json_decref(rows);
	return c ? 1 : 0;
}
