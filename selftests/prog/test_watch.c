// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * fantel_watch on the egress of a P node's core port: a queue that is really filled (TBF), packets that
 * meet it, and the notifications that their clones become, caught where they come out. Routes and
 * neighbours are real ones, in a network namespace of this process.
 *
 *	ingress PE ── core0 [this node] core1 (the queue) ── rest of the way
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "egress.h"
#include "fantel/msg.h"
#include "fantel/path.h"
#include "harness.h"

#define EVENT_ID 4711
#define NEXT_EVENT_ID 4712
#define ONSET 1500 /* what fill() puts there is more */
#define TC_NEXT (~0U)

static struct fantel_bpf *node;
static struct outcome got;
static __u32 core0, core1;
static int wire; /* what comes out of core0 */

/* ---- the node -------------------------------------------------------------------------------- */

static void net_make(void)
{
	net_enter();
	core0 = net_port("core0", "02:00:00:00:03:01");
	core1 = net_port("core1", "02:00:00:00:04:01");
	net_do("ip -6 addr add 2001:db8:e0::1/64 dev core0 nodad");
	net_do("ip -6 addr add 2001:db8:e1::1/64 dev core1 nodad");
	net_do("ip addr add 10.0.0.1/24 dev core0");
	net_do("ip -6 neigh add 2001:db8:e0::2 lladdr 02:00:00:00:03:02 dev core0");
	net_do("ip -6 neigh add 2001:db8:e1::2 lladdr 02:00:00:00:04:02 dev core1");
	net_do("ip neigh add 10.0.0.2 lladdr 02:00:00:00:03:02 dev core0");
	net_do("ip -6 route add 2001:db8:f::/48 via 2001:db8:e0::2");
	net_do("ip -6 route add 2001:db8:a::/48 via 2001:db8:e1::2");
	net_do("ip route add 198.51.100.0/24 via 10.0.0.2");
}

static struct config watch_config(void)
{
	struct config config = node_config();

	config.locator = addr_of("2001:db8:a:2::");
	config.locator_len = 64;
	config.validity_ms = 3000;
	config.repeat_ns[1] = 3600 * NSEC_PER_SEC;
	config.repeat_ns[2] = 7200 * NSEC_PER_SEC;
	return config;
}

static struct watch watch_of(void)
{
	struct watch watch = {
		.gauge = 3,
		.event_id = { [TROUBLE_QUEUE] = EVENT_ID, [TROUBLE_LOAD] = NEXT_EVENT_ID },
		.bytes = { ONSET, ONSET / 2 },
		.limit_bytes = 100000,
		.rate_min_f32 = 0,
		.rate_max_f32 = 0x49742400, /* 1e6 */
	};

	return watch;
}

static void watch_put(const struct watch *watch)
{
	node_put(node->maps.fantel_watches, &core1, watch);
}

/* Nobody has been told, and nothing is on. */
static void forget(void)
{
	struct watch watch = watch_of();
	struct link link = { .name = "core1" };
	struct gauge none = {};
	__u8 frame[2048];

	link.location_len = golden_location(link.location);
	node_put(node->maps.fantel_links, &core1, &link);
	node_put(node->maps.fantel_gauges, &watch.gauge, &none);
	watch_put(&watch);
	node_clear(node->maps.fantel_told, sizeof(struct told_key));
	node_clear(node->maps.fantel_buckets, sizeof(struct bucket_key));
	node_events(node, NULL, 0);
	while (read(wire, frame, sizeof(frame)) > 0)
		;
}

/* A queue that drains a byte in 8 ms, with some 3,000 in it: what the test does takes no time beside. */
static void fill_watched(void)
{
	int out = net_open("core1", ETH_P_IPV6);
	__u8 frame[ETH_FRAME_LEN] = { 2, 0, 0, 0, 4, 2, 2, 0, 0, 0, 4, 1, 0x88, 0xb5 };

	net_do("tc qdisc replace dev core1 root tbf rate 1kbit burst 1600 limit 100000");
	for (int i = 0; i < 3; i++)
		assert_int_equal(write(out, frame, sizeof(frame)), sizeof(frame));
	close(out);
}

static void fill(void)
{
	node_clear(node->maps.fantel_watches, sizeof(__u32));
	fill_watched();
}

/* `cookie`: of the namespace whose queues the tracepoint's program notes. */
static struct fantel_bpf *watch_load(const struct config *config, enum queue_by queue_by, __u64 cookie)
{
	struct fantel_bpf *loaded = node_open(config);

	loaded->rodata->config.queue_by = queue_by;
	loaded->rodata->config.netns_cookie = cookie;
	bpf_program__set_autoload(loaded->progs.fantel_queue, queue_by == QUEUE_BY_TRACEPOINT);
	node_start(loaded);
	if (queue_by == QUEUE_BY_TRACEPOINT) {
		loaded->links.fantel_queue = bpf_program__attach(loaded->progs.fantel_queue);
		assert_non_null(loaded->links.fantel_queue);
	}
	node_source(loaded, "2001:db8:f::/48");
	node_source(loaded, "198.51.100.0/24");
	return loaded;
}

/* A packet more in the port's queue: where no packet shows its device, that is when it is read. It is
 * nobody's to tell of. */
static void join(const char *port)
{
	__u8 frame[ETH_ZLEN] = { 2, 0, 0, 0, 4, 2, 2, 0, 0, 0, 4, 1, 0x88, 0xb5 };
	int out = net_open(port, ETH_P_IPV6);

	assert_int_equal(write(out, frame, sizeof(frame)), sizeof(frame));
	close(out);
}

static void run(const char *in)
{
	if (node->rodata->config.queue_by == QUEUE_BY_TRACEPOINT)
		join("core1");
	node_run_egress(node, node->progs.fantel_watch, core1, golden(in), &got);
}

/* The packet went on as it was; was this counted? */
static bool passes(const char *in, enum reason reason)
{
	run(in);
	return outcome_is(&got, in, TC_NEXT, reason) && bytes_are(&got.out, in, golden(in), NULL);
}

static struct told told_only(struct told_key *key)
{
	struct told told;

	assert_int_equal(node_entries(node->maps.fantel_told, sizeof(*key)), 1);
	bpf_map_get_next_key(bpf_map__fd(node->maps.fantel_told), NULL, key);
	assert_true(node_get(node->maps.fantel_told, key, &told));
	return told;
}

static void told_before(__u64 ago_ns)
{
	struct timespec now;
	struct told_key key;
	struct told told = told_only(&key);

	clock_gettime(CLOCK_MONOTONIC, &now);
	told.first_ns = now.tv_sec * NSEC_PER_SEC + now.tv_nsec - ago_ns;
	node_put(node->maps.fantel_told, &key, &told);
}

static struct gauge gauge_now(void)
{
	__u32 slot = watch_of().gauge;
	struct gauge g;

	assert_true(node_get(node->maps.fantel_gauges, &slot, &g));
	return g;
}

/* ---- what comes out of core0 ----------------------------------------------------------------- */

static struct msg_buf buf;

/* The next notification there, parsed; false if none comes. */
static bool catch(struct msg *m, struct msg_envelope *e)
{
	struct config config = watch_config();
	struct msg_rules rules = msg_rules(&config);
	__u8 frame[2048];
	struct frame f;
	ssize_t n;

	for (int tries = 0; tries < 200; tries++) {
		n = read(wire, frame, sizeof(frame));
		if (n < 0) {
			nanosleep(&(struct timespec){ .tv_nsec = NSEC_PER_MSEC }, NULL);
			continue;
		}
		if (!frame_parse(&f, frame, frame + n) ||
		    (f.proto == PROTO_UDP ? frame_dport(&f) != config.udp_port
					  : f.proto != PROTO_ICMPV6 || frame[f.l4] != 204))
			continue;
		*e = (struct msg_envelope){ .src = f.src, .dst = f.dst,
					    .transport = f.proto == PROTO_UDP ? TRANSPORT_UDP
									      : TRANSPORT_ICMPV6 };
		assert_memory_equal(frame, "\x02\0\0\0\x03\x02\x02\0\0\0\x03\x01", 12);
		memcpy(buf.b, frame + f.l4, n - f.l4);
		assert_int_equal(msg_parse(m, &rules, e, &buf, n - f.l4), REASON_NONE);
		return true;
	}
	return false;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static void unwatched(void **state)
{
	forget();
	node_clear(node->maps.fantel_watches, sizeof(__u32));
	assert_true(passes("in transit", REASON_NONE));
	assert_int_equal(node_entries(node->maps.fantel_told, sizeof(struct told_key)), 0);
}

static void below_the_onset(void **state)
{
	struct watch watch = watch_of();

	fill();
	forget();
	watch.bytes = (struct threshold){ 90000, 1 };
	watch_put(&watch);
	assert_true(passes("in transit", REASON_NONE));
	assert_in_range(gauge_now().bytes, ONSET, 5000);
	assert_in_range(gauge_now().packets, 2, 4);
	assert_int_equal(gauge_now().trouble[TROUBLE_QUEUE].event_id, 0);
	assert_int_equal(node_events(node, NULL, 0), 0);
}

static const char *const affected[] = {
	"in transit",
	"reduced, beyond its first segment",
	"eight segments",
	"one segment, no SRH",
	"one segment, IPv4 inside",
	"TCP inside",
	"a tiny packet",
	"IPv4 in IPv4",
};

static void a_clone_tells(void **state)
{
	struct msg_envelope e;
	struct told_key key;
	struct event events[4];
	struct msg m;

	fill();
	for (size_t i = 0; i < ARRAY_SIZE(affected); i++) {
		struct told told;

		forget();
		assert_true(passes(affected[i], REASON_TROUBLE_TOLD));
		assert_true(catch(&m, &e));
		told = told_only(&key);
		print_message("# %s\n", affected[i]);
		assert_memory_equal(&e.dst, &key.ingress, sizeof(e.dst));
		assert_int_equal(addr_is_v4(&e.dst), !strcmp(affected[i], "IPv4 in IPv4"));
		assert_int_equal(key.ifindex, core1);
		assert_int_equal(key.trouble, TROUBLE_QUEUE);
		assert_int_equal(told.sent, 1);
		assert_int_equal(m.kind, KIND_CONGESTION);
		assert_int_equal(m.cause, CAUSE_QUEUE);
		assert_int_equal(m.event_id, EVENT_ID);
		assert_int_equal(m.sequence, told.sequence);
		assert_int_equal(m.validity_ms, 3000);
		assert_int_equal(m.code, told.tunnel.code);
		if (m.code == CODE_SRV6)
			assert_memory_equal(buf.b + m.srh_at + 8, told.tunnel.segment, 16 * told.tunnel.n);
		else
			assert_memory_equal(&m.ip, &told.tunnel.addr, sizeof(m.ip));
		assert_int_equal(m.queue_depth, gauge_now().bytes);
		assert_int_equal(m.queue_id, gauge_now().queue_id);
		assert_int_equal(m.queue_limit, 100000);
		assert_int_equal(m.rate_max_f32, 0x49742400);
		assert_true(m.timestamp_ns && msg_has(&m, TLVI_LOCAL_IPV6) && msg_has(&m, TLVI_FLOW));
		assert_int_equal(node_events(node, events, 4), 2);
		assert_int_equal(events[0].type, EVENT_TROUBLE);
		assert_int_equal(events[1].type, EVENT_NOTIFIED);
		assert_string_equal(events[0].name, "core1");
		assert_false(events[0].usable);
		assert_int_equal(events[1].event_id, EVENT_ID);
	}
}

static void told_once_and_repeated(void **state)
{
	struct msg_envelope e;
	struct told_key key;
	struct msg m;
	__u64 first;

	fill();
	forget();
	assert_true(passes("in transit", REASON_TROUBLE_TOLD));
	first = told_only(&key).sequence;
	assert_true(passes("in transit", REASON_NONE));
	told_before(3700 * NSEC_PER_SEC);
	assert_true(passes("in transit", REASON_TROUBLE_TOLD));
	assert_int_equal(told_only(&key).sequence, first);
	assert_int_equal(told_only(&key).sent, 2);
	for (int copy = 0; copy < 2; copy++) {
		assert_true(catch(&m, &e));
		assert_int_equal(m.sequence, first);
	}
	/* One event began, and one telling of it. */
	assert_int_equal(node_events(node, NULL, 0), 2);
}

/* The loader ends trouble by taking another id. */
static void ends_and_begins_anew(void **state)
{
	struct watch watch = watch_of();
	struct told_key key;
	struct gauge g;

	fill();
	forget();
	assert_true(passes("in transit", REASON_TROUBLE_TOLD));
	/* Between the thresholds: what is on lasts, what is not does not begin. */
	watch.bytes = (struct threshold){ 90000, 100 };
	watch_put(&watch);
	g = gauge_now();
	assert_true(passes("one segment, no SRH", REASON_TROUBLE_TOLD));
	assert_true(gauge_now().trouble[TROUBLE_QUEUE].seen_ns > g.trouble[TROUBLE_QUEUE].seen_ns);
	assert_int_equal(gauge_now().trouble[TROUBLE_QUEUE].since_ns,
			 g.trouble[TROUBLE_QUEUE].since_ns);
	watch.event_id[TROUBLE_QUEUE] = NEXT_EVENT_ID;
	watch_put(&watch);
	node_clear(node->maps.fantel_told, sizeof(struct told_key));
	assert_true(passes("in transit", REASON_NONE));
	watch.bytes = watch_of().bytes;
	watch_put(&watch);
	assert_true(passes("in transit", REASON_TROUBLE_TOLD));
	assert_int_equal(told_only(&key).event_id, NEXT_EVENT_ID);
}

static void packets_count_too(void **state)
{
	struct watch watch = watch_of();

	fill();
	forget();
	watch.bytes = (struct threshold){};
	watch.packets = (struct threshold){ 50, 1 };
	watch_put(&watch);
	assert_true(passes("in transit", REASON_NONE));
	watch.packets = (struct threshold){ 2, 1 };
	watch_put(&watch);
	assert_true(passes("in transit", REASON_TROUBLE_TOLD));
}

/* More than a tick, so that a window is over. */
static void sleep_ms(int ms)
{
	nanosleep(&(struct timespec){ .tv_nsec = ms * NSEC_PER_MSEC }, NULL);
}

/* What was sent in some windows, against a capacity that it is sure to exceed, or never to. */
static void what_is_sent_counts(void **state)
{
	struct watch watch = watch_of();
	struct msg_envelope e;
	struct told_key key;
	struct msg m;
	float capacity, available, utilized;

	forget();
	watch.bytes = (struct threshold){};
	watch.load = (struct threshold){ 800, 700 };
	watch.constant_ns = NSEC_PER_MSEC;
	watch.capacity = 1000000000000ULL;
	watch_put(&watch);
	for (int i = 0; i < 5; i++) {
		assert_true(passes("in transit", REASON_NONE));
		sleep_ms(12);
	}
	assert_true(gauge_now().load > 0);
	assert_int_equal(gauge_now().permille, 0);
	watch.capacity = 1;
	watch_put(&watch);
	assert_true(passes("in transit", REASON_TROUBLE_TOLD));
	assert_true(catch(&m, &e));
	assert_int_equal(told_only(&key).event_id, NEXT_EVENT_ID);
	assert_int_equal(key.trouble, TROUBLE_LOAD);
	assert_int_equal(m.cause, CAUSE_UTILIZATION);
	memcpy(&capacity, &m.capacity_f32, sizeof(capacity));
	memcpy(&available, &m.available_f32, sizeof(available));
	memcpy(&utilized, &m.utilized_f32, sizeof(utilized));
	assert_true(capacity == 1 && available == 0 && utilized == 1);
}

/* Packets enough that it would be told by now, being every other one's. */
#define CHANCES 64

static int run_from(__u32 from, const char *in)
{
	int told = 0;

	for (int i = 0; i < CHANCES; i++) {
		if (node->rodata->config.queue_by == QUEUE_BY_TRACEPOINT)
			join("core1");
		node_run_forwarded(node, node->progs.fantel_watch, from, core1, golden(in), &got);
		told += got.count[REASON_TROUBLE_TOLD].packets;
	}
	return told;
}

static void upstream_put(const char *upstream)
{
	struct link link = { .name = "core0" };

	if (upstream)
		link.upstream = addr_of(upstream);
	node_put(node->maps.fantel_links, &core0, &link);
}

static void upstream_is_told(void **state)
{
	struct addr upstream = addr_of("2001:db8:f::33"), ingress = addr_of("2001:db8:f::9");
	struct msg first, second;
	struct msg_envelope e;

	fill();
	forget();
	upstream_put("2001:db8:f::33");
	assert_int_equal(run_from(core0, "in transit"), 2);
	assert_true(catch(&first, &e));
	assert_memory_equal(&e.dst, &ingress, sizeof(ingress));
	assert_true(msg_has(&first, TLVI_FLOW));
	assert_true(catch(&second, &e));
	assert_memory_equal(&e.dst, &upstream, sizeof(upstream));
	assert_false(msg_has(&second, TLVI_FLOW));
	assert_int_equal(second.kind, KIND_CONGESTION);
	assert_int_equal(second.event_id, first.event_id);
	assert_int_not_equal(second.sequence, first.sequence);
	assert_int_equal(second.code, first.code);
	assert_int_equal(second.rate_max_f32, first.rate_max_f32);
	assert_int_equal(second.queue_limit, 100000);
	assert_int_equal(node_entries(node->maps.fantel_told, sizeof(struct told_key)), 2);
	/* Of another port, without one, or where that is the ingress PE itself. */
	for (int i = 0; i < 3; i++) {
		forget();
		upstream_put(i == 2 ? "2001:db8:f::9" : i == 1 ? NULL : "2001:db8:f::33");
		assert_int_equal(run_from(i ? core0 : core1, "in transit"), 1);
		assert_true(catch(&first, &e));
		assert_memory_equal(&e.dst, &ingress, sizeof(ingress));
	}
	upstream_put(NULL);
}

static void upstream_by_the_other_ip(void **state)
{
	static const char *const rows[][2] = { { "IPv4 in IPv4", "2001:db8:f::33" },
					       { "in transit", "198.51.100.33" } };
	struct msg_envelope e;
	struct msg m;

	fill();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct addr upstream = addr_of(rows[i][1]);

		forget();
		upstream_put(rows[i][1]);
		assert_int_equal(run_from(core0, rows[i][0]), 2);
		print_message("# %s, to %s\n", rows[i][0], rows[i][1]);
		assert_true(catch(&m, &e));
		assert_memory_not_equal(&e.dst, &upstream, sizeof(upstream));
		assert_true(catch(&m, &e));
		assert_memory_equal(&e.dst, &upstream, sizeof(upstream));
	}
	upstream_put(NULL);
}

static const char *const nobodys[] = {
	"of another domain",	 "a notification in transit", "a UDP notification in transit",
	"from a multicast source", "from nobody",
};

static void whom_not_to_tell(void **state)
{
	fill();
	for (size_t i = 0; i < ARRAY_SIZE(nobodys); i++) {
		forget();
		assert_true(passes(nobodys[i], REASON_NONE));
		assert_int_equal(node_entries(node->maps.fantel_told, sizeof(struct told_key)), 0);
		/* The link is in trouble all the same. */
		assert_int_equal(node_events(node, NULL, 0), 1);
	}
}

static void limited(void **state)
{
	struct config config = watch_config();
	struct fantel_bpf *usual = node;
	struct told_key key;

	config.rate[BUCKET_CONGESTION] = (struct rate){ 3600 * NSEC_PER_SEC, 3 * 3600 * NSEC_PER_SEC };
	node = watch_load(&config, egress_queue_by(), egress_netns_cookie());
	fill();
	forget();
	/* Not attached: no clone becomes anything. What one cost was taken. */
	assert_true(passes("in transit", REASON_TROUBLE_LATER));
	assert_int_equal(told_only(&key).sent, 0);
	assert_true(passes("one segment, no SRH", REASON_TROUBLE_LIMITED));
	fantel_bpf__destroy(node);
	node = usual;
}

static void no_room_to_remember(void **state)
{
	struct told_key key = { .ifindex = core0 };
	const struct told told = {};
	struct msg_envelope e;
	struct msg m;

	fill();
	forget();
	for (key.tunnel_hash = 0; key.tunnel_hash < MAX_TOLD; key.tunnel_hash++)
		node_put(node->maps.fantel_told, &key, &told);
	assert_true(passes("in transit", REASON_TROUBLE_FULL));
	node_clear(node->maps.fantel_told, sizeof(key));
	assert_true(passes("in transit", REASON_TROUBLE_TOLD));
	assert_true(catch(&m, &e));
}

static void no_way_back(void **state)
{
	struct told_key key;

	fill();
	forget();
	net_do("ip -6 route del 2001:db8:f::/48");
	assert_true(passes("in transit", REASON_TROUBLE_LATER));
	assert_int_equal(told_only(&key).sent, 0);
	net_do("ip -6 route add 2001:db8:f::/48 via 2001:db8:e0::2");
	assert_true(passes("in transit", REASON_TROUBLE_TOLD));
}

/* Several queues are added up: one of mq's is filled. */
static void of_several_queues(void **state)
{
	struct watch watch = watch_of();
	__u32 core2;
	int out;
	__u8 frame[ETH_FRAME_LEN] = { 2, 0, 0, 0, 5, 2, 2, 0, 0, 0, 5, 1, 0x88, 0xb5 };

	net_do("ip link add core2 numtxqueues 2 type veth peer name core2-far");
	net_do("ip link set core2 up");
	net_do("ip link set core2-far up");
	core2 = net_index("core2");
	net_do("tc qdisc replace dev core2 root handle 1: mq");
	net_do("tc qdisc replace dev core2 parent 1:1 tbf rate 1kbit burst 1600 limit 100000");
	net_do("tc qdisc replace dev core2 parent 1:2 tbf rate 1kbit burst 1600 limit 100000");
	forget();
	watch.bytes = (struct threshold){ 90000, 1 };
	node_put(node->maps.fantel_watches, &core2, &watch);
	out = net_open("core2", ETH_P_IPV6);
	for (int i = 0; i < 6; i++) {
		assert_int_equal(write(out, frame, sizeof(frame)), sizeof(frame));
		sleep_ms(1);
	}
	close(out);
	node_run_egress(node, node->progs.fantel_watch, core2, golden("in transit"), &got);
	assert_in_range(gauge_now().bytes, 4 * ETH_FRAME_LEN - 100, 6 * ETH_FRAME_LEN);
	assert_in_range(gauge_now().packets, 4, 6);
	/* Lockless ones count on each CPU; these are empty, and packets pass them by. */
	net_do("tc qdisc replace dev core2 parent 1:1 pfifo_fast");
	net_do("tc qdisc replace dev core2 parent 1:2 pfifo_fast");
	join("core2");
	sleep_ms(110);
	node_run_egress(node, node->progs.fantel_watch, core2, golden("in transit"), &got);
	assert_int_equal(gauge_now().bytes, 0);
	assert_int_equal(gauge_now().packets, 0);
}

/* As on Linux 6.1: a program on the tracepoint notes what it sees, of this namespace's ports alone. */
/* It counts for a tenth of a second; so long may a busy machine keep us. */
static void just_read(void)
{
	__u32 slot = watch_of().gauge;
	struct gauge g = gauge_now();
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	g.read_ns = now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
	node_put(node->maps.fantel_gauges, &slot, &g);
}

static void by_tracepoint(void **state)
{
	struct config config = watch_config();
	struct fantel_bpf *usual = node;

	for (int ours = 0; ours <= 1; ours++) {
		node = watch_load(&config, QUEUE_BY_TRACEPOINT, ours ? egress_netns_cookie() : 1);
		net_do("tc qdisc del dev core1 root");
		forget();
		fill_watched();
		assert_in_range(gauge_now().bytes, ours ? ONSET : 0, ours ? 5000 : 0);
		just_read();
		assert_true(passes("in transit", ours ? REASON_TROUBLE_LATER : REASON_NONE));
		fantel_bpf__destroy(node);
	}
	node = usual;
}

/* Where packets pass an empty queue by, nothing says that it is empty. */
static void forgotten(void **state)
{
	struct config config = watch_config();
	struct fantel_bpf *usual = node;
	__u32 slot = watch_of().gauge;
	struct gauge g;

	node = watch_load(&config, QUEUE_BY_TRACEPOINT, egress_netns_cookie());
	net_do("tc qdisc del dev core1 root");
	fill();
	forget();
	join("core1");
	g = gauge_now();
	assert_in_range(g.bytes, ONSET, 5000);
	g.read_ns -= NSEC_PER_SEC;
	node_put(node->maps.fantel_gauges, &slot, &g);
	node_run_egress(node, node->progs.fantel_watch, core1, golden("in transit"), &got);
	assert_true(outcome_is(&got, "in transit", TC_NEXT, REASON_NONE));
	assert_int_equal(gauge_now().bytes, 0);
	assert_int_equal(gauge_now().packets, 0);
	fantel_bpf__destroy(node);
	node = usual;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("a port that is not watched costs nothing but the question", unwatched),
		TEST("a queue below its onset is measured, and no trouble", below_the_onset),
		TEST("at the onset a clone of the packet becomes the notification", a_clone_tells),
		TEST("it is told once, and repeated with its sequence", told_once_and_repeated),
		TEST("trouble lasts to its end threshold, and the next is another event",
		     ends_and_begins_anew),
		TEST("a threshold in packets counts as well", packets_count_too),
		TEST("what is sent is measured against the capacity", what_is_sent_counts),
		TEST("who sent it here is told, too, once the ingress PE is", upstream_is_told),
		TEST("and by the IP that it is known by, whatever the tunnel's", upstream_by_the_other_ip),
		TEST("some are never told", whom_not_to_tell),
		TEST("the bucket limits what is told", limited),
		TEST("where nobody can remember it, it passes, and is not told", no_room_to_remember),
		TEST("what no clone can tell is left to the loader", no_way_back),
		TEST("the queues of a device with several are added up", of_several_queues),
		TEST("where a packet does not show its device, the tracepoint does", by_tracepoint),
		TEST("and what it showed does not count for long", forgotten),
	};
	struct config config = watch_config();

	net_make();
	node = watch_load(&config, egress_queue_by(), egress_netns_cookie());
	/* Where the clone comes by; the packet itself is run through it by hand. */
	net_attach_egress(node->progs.fantel_watch, core1);
	wire = net_open("core0-far", ETH_P_ALL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
