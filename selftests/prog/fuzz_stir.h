/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What is around a P node's egress: its ports, and by chance what the loader, other traffic and
 * time do to the maps that fantel_watch reads. Packets that pass. Included by fuzz_core.c alone,
 * behind fuzz_watch.h.
 *
 *	core0   the program, no queue; the way to most ingress PEs
 *	core1   the program, and a queue that stands; the way to some
 *	core2   no program that would meet the clone: it passes as it came
 *	core3   not watched; the way to one whose neighbour does not answer
 */
#ifndef FUZZ_STIR_H
#define FUZZ_STIR_H

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <net/if.h>

#include <bpf/btf.h>

#include "clock.h"
#include "fuzz_watch.h"
#include "own.h"

#define FIRST_GAUGE 2			   /* core0's */
#define STIR_FULL 50000			   /* bytes: the queue begins anew */
#define STIR_STANDS_NS (60 * NSEC_PER_SEC) /* and after this, before it would let a packet go */

/* ---- ports ----------------------------------------------------------------------------------- */

static const char *const core[CORES] = { "core0", "core1", "core2", "core3" };

/* That nothing be sent by itself it joins no group, and has no address. */
static void watch_port_make(const char *name, int i)
{
	net_do("ip link add %s address 02:0:0:0:e%d:1 type veth peer name %s-far", name, i, name);
	for (const char *end = ""; end; end = *end ? NULL : "-far") {
		net_do("ip link set %s%s multicast off addrgenmode none", name, end);
		net_do("echo 1 >/proc/sys/net/ipv6/conf/%s%s/forwarding", name, end);
		net_do("ip link set %s%s up", name, end);
	}
}

static void watch_net_make(void)
{
	net_do("echo 0 >/proc/sys/net/ipv6/conf/default/forwarding");
	for (int i = 0; i < CORES; i++)
		watch_port_make(core[i], i);
	for (int i = CORE0; i <= CORE1; i++) {
		net_do("ip -6 neigh add 2001:db8:e%d::2 lladdr 02:0:0:0:e%d:2 dev core%d", i, i, i);
		net_do("ip neigh add 10.0.%d.2 lladdr 02:0:0:0:e%d:2 dev core%d", i, i, i);
	}
	net_do("ip -6 route add 2001:db8:f::/124 via 2001:db8:e0::2 dev core0 onlink");
	net_do("ip -6 route add 2001:db8:f::3 via 2001:db8:e1::2 dev core1 onlink");
	net_do("ip -6 route add 2001:db8:f::f via 2001:db8:e3::2 dev core3 onlink");
	net_do("ip -6 route add unreachable 2001:db8:f::9");
	net_do("ip route add 198.51.100.0/28 via 10.0.0.2 dev core0 onlink");
	net_do("ip route add 198.51.100.9 via 10.0.1.2 dev core1 onlink");
	net_do("ip route add unreachable 198.51.100.15");
}

/* What leaves by any port, with the mark and priority that it has, where the kernel says so. */
static int watch_wire(void)
{
	struct sock_filter outgoing[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, ~0U),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog filter = { ARRAY_SIZE(outgoing), outgoing };
	int fd = net_open(NULL, ETH_P_ALL), one = 1;

	setsockopt(fd, SOL_SOCKET, 75 /* SO_RCVMARK, Linux 5.19 */, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, 82 /* SO_RCVPRIORITY, Linux 6.14 */, &one, sizeof(one));
	if (!setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)))
		return fd;
	fprintf(stderr, "fuzz_core: a packet socket takes no filter: %s\n", strerror(errno));
	exit(1);
}

/* ---- the loader, and time -------------------------------------------------------------------- */

static void watch_put(struct watching *w, struct watch_port *p)
{
	struct bpf_map *watches = w->node->maps.fantel_watches, *links = w->node->maps.fantel_links;

	if (p->watched)
		node_put(watches, &p->ifindex, &p->watch);
	else
		bpf_map_delete_elem(bpf_map__fd(watches), &p->ifindex);
	if (p->linked)
		node_put(links, &p->ifindex, &p->link);
	else
		bpf_map_delete_elem(bpf_map__fd(links), &p->ifindex);
}

/* Around what there is, where it makes a difference. */
static struct threshold roll_threshold(struct dice *d, __u32 value)
{
	struct threshold t = { .onset = value + dice_roll(d, 3) - 1 };

	if (dice_one_in(d, 3))
		t.onset = dice_one_in(d, 2) ? 0 : dice_roll(d, 2 * value + 2);
	t.end = dice_one_in(d, 2) ? value + dice_roll(d, 3) - 1 : dice_roll(d, value + 1);
	t.end = MIN(t.end, t.onset);
	return t;
}

static __u64 roll_size(struct dice *d)
{
	return dice_next(d) >> 24 >> dice_roll(d, 40);
}

/* Other thresholds, another capacity; in a while nothing is watched. */
static void stir_watch(struct watching *w, struct dice *d)
{
	static const __u64 constants[] = { 0, NSEC_PER_MSEC, 100 * NSEC_PER_MSEC,
					   60 * NSEC_PER_SEC };
	struct watch_port *p = &w->port[dice_roll(d, CORE3)];
	const struct gauge *g = &w->gauge[p->watch.gauge % WATCH_GAUGES];
	bool shown = w->m->config.queue_by == QUEUE_BY_PACKET;
	float rate = roll_size(d);

	p->watched = !dice_one_in(d, 12);
	p->linked = !dice_one_in(d, 24);
	p->watch.gauge = p - w->port + (dice_one_in(d, 24) ? WATCH_GAUGES : FIRST_GAUGE);
	p->watch.bytes = roll_threshold(d, shown ? p->bytes : g->bytes);
	p->watch.packets = roll_threshold(d, shown ? p->packets : g->packets);
	p->watch.load = roll_threshold(d, g->permille);
	p->watch.limit_bytes = dice_next(d);
	memcpy(&p->watch.rate_max_f32, &rate, sizeof(rate));
	p->watch.rate_min_f32 = dice_one_in(d, 2) ? 0 : p->watch.rate_max_f32;
	p->watch.reported = dice_one_in(d, 2) ? CAUSE_NONE : 1 + dice_roll(d, 8);
	p->watch.reported_ns = w->end_ns - roll_size(d);
	p->watch.capacity = dice_one_in(d, 3) ? 0 : roll_size(d);
	p->watch.constant_ns = constants[dice_roll(d, ARRAY_SIZE(constants))];
	watch_put(w, p);
}

/* Who is behind a port; an IPv4 address where there is one of ours to speak to it from. */
static void stir_upstream(struct watching *w, struct dice *d)
{
	static const char *const behind6[] = { "2001:db8:f::2", "2001:db8:f::3",  "2001:db8:f::9",
					       "2001:db8:f::6", "2001:db8:99::2", "::",
					       "::",		"::",		  "::" };
	struct watch_port *p = &w->port[dice_roll(d, CORES)];

	p->link.upstream = ADDR_ROLL(d, behind6);
	if (!addr_is_unspecified(&w->m->config.loopback4) && dice_one_in(d, 4))
		p->link.upstream = ADDR_ROLL(d, domain4);
	watch_put(w, p);
}

/* Trouble is over: the next is another event. */
static void stir_event(struct watching *w, struct dice *d)
{
	struct watch_port *p = &w->port[dice_roll(d, CORE3)];
	enum trouble trouble = TROUBLE_QUEUE + dice_roll(d, 3);

	p->watch.event_id[trouble]++;
	watch_put(w, p);
}

/* Somebody was told long ago, or a moment from now by another CPU; not at all, for the bucket; of
 * another tunnel with this hash. Or the loader withdrew it. */
static void stir_told(struct watching *w, struct dice *d)
{
	struct model *m = w->m;
	struct model_told *told = &m->told[dice_roll(d, m->n_told + !m->n_told)];
	const __u64 ages[] = { m->config.repeat_ns[1], m->config.repeat_ns[2],
			       m->config.refresh_ns };
	__u64 age = ages[dice_roll(d, ARRAY_SIZE(ages))];

	if (!m->n_told)
		return;
	told->value.first_ns = w->end_ns - age + dice_roll(d, 200000) - 100000;
	if (dice_one_in(d, 8))
		told->value.first_ns = w->end_ns + NSEC_PER_SEC;
	if (dice_one_in(d, 8))
		told->value.sent = dice_roll(d, 5);
	if (dice_one_in(d, 16))
		told->value.tunnel.addr.b[dice_roll(d, 16)] ^= 1 << dice_roll(d, 8);
	if (dice_one_in(d, m->n_told > MODEL_TOLD / 2 ? 2 : 16)) {
		bpf_map_delete_elem(bpf_map__fd(w->node->maps.fantel_told), &told->key);
		*told = m->told[--m->n_told];
		return;
	}
	node_put(w->node->maps.fantel_told, &told->key, &told->value);
}

static void stir_bucket(struct watching *w, struct dice *d)
{
	struct watch_bucket *b = &w->bucket[dice_roll(d, w->n_buckets + !w->n_buckets)];
	struct bucket_key key = { .dst = b->dst, .kind = BUCKET_CONGESTION };

	if (!w->n_buckets)
		return;
	b->value.credit_ns = dice_next(d) % (w->m->config.rate[BUCKET_CONGESTION].burst_ns + 1);
	b->value.last_ns = w->end_ns - (dice_one_in(d, 2) ? roll_size(d) : 0);
	if (dice_one_in(d, 8))
		b->value.last_ns = w->end_ns + NSEC_PER_SEC;
	node_put(w->node->maps.fantel_buckets, &key, &b->value);
}

/* Other traffic; and what waits, where the tracepoint says so. */
static void stir_gauge(struct watching *w, struct dice *d)
{
	struct gauge *g = &w->gauge[FIRST_GAUGE + dice_roll(d, CORE3)];

	g->sent = roll_size(d) >> 14;
	g->load = roll_size(d) >> 3;
	g->permille = dice_roll(d, 1500);
	g->window_ns = w->end_ns - roll_size(d) * (dice_one_in(d, 4) ? 8 : 1);
	if (dice_one_in(d, 2))
		g->jiffies = 0;
	if (w->m->config.queue_by == QUEUE_BY_PACKET)
		return;
	g->bytes = dice_one_in(d, 2) ? dice_roll(d, 100000) : dice_next(d);
	g->packets = dice_one_in(d, 2) ? dice_roll(d, 100) : dice_next(d);
	g->queue_id = dice_next(d);
	g->read_ns = w->end_ns - (dice_one_in(d, 8) ? 2 * WATCH_LOST_NS : 0);
}

/* Which keys count. */
static void stir_keys(struct watching *w, struct dice *d)
{
	const struct config *c = &w->m->config;
	__u32 i = dice_roll(d, c->n_sign_keys + !c->n_sign_keys);
	int from_s = dice_one_in(d, 2) ? DAY_S : -60 - (int)dice_roll(d, 4);

	if (!c->n_sign_keys)
		return;
	node_mac_key(w->node, c->sign_key[i], &w->key[i].mac, from_s,
		     dice_one_in(d, 8) ? -30 : 2 * DAY_S);
	node_get(w->node->maps.fantel_keys, &c->sign_key[i], &w->key[i]);
}

/* A packet more in core1's queue; nobody watches meanwhile. */
static void watch_join(struct watching *w, __u32 len)
{
	static const __u8 frame[ETH_FRAME_LEN] = { [0] = 2, [6] = 2, [12] = 0x88, 0xb5 };
	struct watch_port *p = &w->port[CORE1];
	bool watched = p->watched;
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = p->ifindex };

	p->watched = false;
	watch_put(w, p);
	if (sendto(w->wire, frame, len, 0, (struct sockaddr *)&to, sizeof(to)) != len)
		w->wrong = "core1 takes no packet";
	p->watched = watched;
	watch_put(w, p);
	p->bytes += len;
	p->packets++;
}

/* The first packet passes; the second waits for three minutes, and all others behind it. */
static void watch_fill(struct watching *w)
{
	struct watch_port *p = &w->port[CORE1];

	p->queue_id = (p->queue_id + 0x10000) % 0x7fff0000 ?: 0x10000;
	net_do("tc qdisc replace dev core1 root handle %x: tbf rate 64bit burst 1600 limit 100000",
	       p->queue_id >> 16);
	w->filled_ns = clock_now_ns();
	watch_join(w, ETH_FRAME_LEN);
	p->bytes = p->packets = 0;
	watch_join(w, ETH_FRAME_LEN);
}

static void stir_queue(struct watching *w, struct dice *d)
{
	if (w->m->config.queue_by == QUEUE_BY_PACKET && dice_one_in(d, 4))
		watch_join(w, ETH_ZLEN + dice_roll(d, ETH_FRAME_LEN - ETH_ZLEN));
}

/* Kept from one packet to the next on purpose; and no clone is on its way. */
static bool scratch_keeps(const char *name)
{
	return !strcmp(name, "tai_jiffies") || !strcmp(name, "tai_ahead_ns") ||
	       !strcmp(name, "clone");
}

/* Of each CPU, what is left of the packet before must not matter. */
static void stir_scratch(struct watching *w, struct dice *d)
{
	const struct btf *btf = bpf_object__btf(w->node->obj);
	__u32 size = bpf_map__value_size(w->node->maps.fantel_scratch), zero = 0;
	int id = btf__find_by_name_kind(btf, "scratch", BTF_KIND_STRUCT);
	const struct btf_type *t = btf__type_by_id(btf, id);
	__u32 cpus = libbpf_num_possible_cpus();
	OWN_MEM __u8 *was = malloc(cpus * size), *is = malloc(cpus * size);

	if (!t || !was || !is || !node_get(w->node->maps.fantel_scratch, &zero, was)) {
		w->wrong = "scratch can't be read";
		return;
	}
	for (__u32 i = 0; i < cpus * size; i++)
		is[i] = dice_next(d);
	for (const struct btf_member *m = btf_members(t); m < btf_members(t) + btf_vlen(t); m++)
		for (__u32 at = m->offset / 8;
		     at < cpus * size && scratch_keeps(btf__name_by_offset(btf, m->name_off));
		     at += size)
			memcpy(is + at, was + at, btf__resolve_size(btf, m->type));
	node_put(w->node->maps.fantel_scratch, &zero, is);
}

static void watch_stir(struct watching *w, struct dice *d)
{
	static void (*const stirs[])(struct watching *w, struct dice *d) = {
		stir_watch, stir_watch, stir_watch,   stir_event, stir_told,
		stir_told,  stir_told,	stir_bucket,  stir_gauge, stir_gauge,
		stir_keys,  stir_queue, stir_scratch, stir_upstream,
	};

	w->wrong = NULL;
	w->n_sent = 0;
	if (w->m->config.queue_by == QUEUE_BY_PACKET &&
	    (w->port[CORE1].bytes > STIR_FULL || clock_now_ns() - w->filled_ns > STIR_STANDS_NS))
		watch_fill(w);
	for (__u32 n = dice_roll(d, 3); n; n--)
		stirs[dice_roll(d, ARRAY_SIZE(stirs))](w, d);
	memcpy(w->got, w->gauge, sizeof(w->gauge));
}

/* ---- a run ----------------------------------------------------------------------------------- */

static __u64 watch_jiffies(const struct watching *w)
{
	__u64 jiffies = 0;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &jiffies, .ctx_size_in = sizeof(jiffies));

	bpf_prog_test_run_opts(bpf_program__fd(w->node->progs.fantel_clock), &opts);
	return jiffies;
}

/* From which port by which, with what on it. */
static void watch_leaves(struct watching *w, struct dice *d, struct bpf_test_run_opts *opts,
			 __u32 len)
{
	static const __u8 ports[] = { CORE0, CORE0, CORE1, CORE1, CORE1, CORE1, CORE2, CORE3 };

	w->at = ports[dice_roll(d, ARRAY_SIZE(ports))];
	w->len = len + (dice_one_in(d, 2) ? dice_roll(d, 3000) : 0);
	w->before = (struct __sk_buff){ .ifindex = w->port[w->at].ifindex,
					.ingress_ifindex = w->port[dice_roll(d, CORES)].ifindex,
					.wire_len = w->len,
					.mark = dice_next(d),
					.priority = dice_next(d) };
	memset(&w->after, 0, sizeof(w->after));
	opts->ctx_in = &w->before;
	opts->ctx_size_in = sizeof(w->before);
	opts->ctx_out = &w->after;
	opts->ctx_size_out = sizeof(w->after);
}

static void watch_left(struct watching *w, __u64 start_ns, __u64 end_ns)
{
	w->start_ns = start_ns;
	w->end_ns = end_ns;
	w->start_jiffies = w->end_jiffies;
	w->end_jiffies = watch_jiffies(w);
}

/* ---- beginning and end ----------------------------------------------------------------------- */

static void watch_port_begin(struct watching *w, int i)
{
	struct watch_port *p = &w->port[i];

	p->ifindex = net_index(core[i]);
	snprintf(p->link.name, sizeof(p->link.name), "%s", core[i]);
	if (i != CORE2)
		p->link.location_len = golden_location(p->link.location);
	p->watch.gauge = FIRST_GAUGE + i;
	for (enum trouble t = TROUBLE_QUEUE; t < TROUBLES_MET; t++)
		p->watch.event_id[t] = 100 * (i + 1) + 1000 * t;
	watch_put(w, p);
	if (i < CORE2)
		w->attached[i] = net_attach_egress(w->node->progs.fantel_watch, p->ifindex);
}

/* One of either algorithm. */
static void watch_key_begin(struct watching *w, __u32 i)
{
	static const __u8 secret[16] = "sixteen bytes...";
	const __u32 *id = &w->m->config.sign_key[i];
	struct mac_key *mac = &w->key[i].mac;

	mac_key_init(mac, i ? AUTH_HMAC_SHA256 : AUTH_SIPHASH, secret, sizeof(secret));
	node_mac_key(w->node, *id, mac, -60, DAY_S);
	node_get(w->node->maps.fantel_keys, id, &w->key[i]);
}

static void watch_begin(struct watching *w, struct model *m, struct fantel_bpf *node,
			struct gauge *gauges)
{
	w->m = m;
	w->node = node;
	w->got = gauges;
	if (!if_nametoindex(core[0]))
		watch_net_make();
	w->wire = watch_wire();
	w->end_ns = clock_now_ns();
	for (int i = 0; i < CORES; i++)
		watch_port_begin(w, i);
	for (__u32 i = 0; i < m->config.n_sign_keys; i++)
		watch_key_begin(w, i);
}

static void watch_end(struct watching *w)
{
	for (int i = 0; i < CORE2; i++)
		if (w->attached[i] >= 0)
			close(w->attached[i]);
	if (w->m->config.queue_by == QUEUE_BY_PACKET)
		net_do("tc qdisc del dev core1 root");
	close(w->wire);
}

static void watch_forget(struct watching *w)
{
	node_clear(w->node->maps.fantel_buckets, sizeof(struct bucket_key));
	w->n_buckets = 0;
}

/* ---- packets --------------------------------------------------------------------------------- */

/* From one of the domain, as a rule; of those that can be run, see above. */
static void source_passing(struct bytes *frame, struct dice *d, const struct seeds *s)
{
	const struct draft *m = &s->frame[dice_roll(d, s->n_frames)];
	__u8 *ip = frame->b + 14;
	struct addr src;
	bool v4;

	frame->len = m->len;
	memcpy(frame->b, m->b, m->len);
	v4 = get16(frame->b + 12) == 0x0800;
	src = v4 ? ADDR_ROLL(d, domain4) : ADDR_ROLL(d, domain6);
	if (dice_one_in(d, 16))
		src = v4 ? ADDR_ROLL(d, strangers4) : ADDR_ROLL(d, strangers6);
	if (get16(frame->b + 12) == 0x86dd && dice_one_in(d, 2))
		memcpy(ip + 8, &src, 16);
	if (v4 && dice_one_in(d, 2))
		memcpy(ip + 12, src.b + 12, 4);
	frame_change(d, frame, 6);
}

static void source_watched(struct bytes *frame, struct dice *d, const struct seeds *s)
{
	if (dice_one_in(d, 12))
		source_next(frame, d, s, 4);
	else
		source_passing(frame, d, s);
	while (frame->len < 54)
		frame->b[frame->len++] = dice_next(d);
}

#endif
