// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * fantel_core as a P node: packets bound for a failed link, and the notifications that they become,
 * which scapy built as well (golden/packets.py). Routes and neighbours are real ones, in a network
 * namespace of this process.
 *
 *	ingress PE ── core0 [this node] core1 ──x── rest of the way
 *	                    core2 ── another core port
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

#include "fantel/path.h"
#include "harness.h"

static struct fantel_bpf *node;
static struct outcome got;
static __u32 core0, core1, core2;

/* ---- the node -------------------------------------------------------------------------------- */

/* Routes change; what the node remembers of them lasts a tick. */
static void next_tick(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 25 * NSEC_PER_MSEC }, NULL);
}

static void net_make(void)
{
	net_enter();
	core0 = net_port("core0", "02:00:00:00:03:01");
	core1 = net_port("core1", "02:00:00:00:04:01");
	core2 = net_port("core2", "02:00:00:00:03:01");
	net_do("ip -6 addr add 2001:db8:e0::1/64 dev core0 nodad");
	net_do("ip -6 addr add 2001:db8:e1::1/64 dev core1 nodad");
	net_do("ip -6 addr add 2001:db8:e2::1/64 dev core2 nodad");
	net_do("ip addr add 10.0.0.1/24 dev core0");
	net_do("ip addr add 10.1.0.1/24 dev core1");
	net_do("ip -6 neigh add 2001:db8:e0::2 lladdr 02:00:00:00:03:02 dev core0");
	net_do("ip -6 neigh add 2001:db8:e1::2 lladdr 02:00:00:00:04:02 dev core1");
	net_do("ip -6 neigh add 2001:db8:e2::2 lladdr 02:00:00:00:05:02 dev core2");
	net_do("ip neigh add 10.0.0.2 lladdr 02:00:00:00:03:02 dev core0");
	net_do("ip neigh add 10.1.0.2 lladdr 02:00:00:00:04:02 dev core1");
	net_do("ip -6 route add 2001:db8:f::/48 via 2001:db8:e0::2");
	net_do("ip -6 route add 2001:db8:a::/48 via 2001:db8:e1::2");
	net_do("ip -6 route add 2001:db8:a:4::/64 via 2001:db8:e2::2");
	net_do("ip route add 198.51.100.0/24 via 10.0.0.2");
	net_do("ip route add 203.0.113.0/24 via 10.1.0.2");
}

static struct config detect_config(void)
{
	struct config config = node_config();

	config.locator = addr_of("2001:db8:a:2::");
	config.locator_len = 64;
	/* By default none comes again, however slow the test. */
	config.repeat_ns[1] = 3600 * NSEC_PER_SEC;
	config.repeat_ns[2] = 7200 * NSEC_PER_SEC;
	return config;
}

static struct link link_of(const char *name, bool down)
{
	struct link link = {
		.down = down,
		.cause = down ? CAUSE_CARRIER : CAUSE_NONE,
		.event_id = golden_number("event_id"),
		.detected_ns = golden_number("detected_ns"),
	};

	snprintf(link.name, sizeof(link.name), "%s", name);
	link.location_len = golden_location(link.location);
	return link;
}

static void state_put_until(__u32 links_down, __u64 alive_until)
{
	struct node_state state = { .links_down = links_down,
				    .classes = 1,
				    .sequence = golden_number("sequence") - 1,
				    .alive_until = alive_until };
	__u32 zero = 0;

	node_put(node->maps.fantel_node, &zero, &state);
}

static void state_put(__u32 links_down)
{
	state_put_until(links_down, FRESH);
}

static void remember_route(const char *prefix, __u32 ifindex)
{
	struct policy_prefix p = prefix_of(prefix);
	struct prefix_key key = { .plen = p.plen };
	struct route_value value = { .ifindex = ifindex };

	memcpy(key.addr_be, &p.addr, sizeof(key.addr_be));
	node_put(node->maps.fantel_routes, &key, &value);
}

/* core1 has failed, and nobody has been told. */
static void forget(void)
{
	struct link up = link_of("core0", false), down = link_of("core1", true);

	node_clear(node->maps.fantel_told, sizeof(struct told_key));
	node_clear(node->maps.fantel_buckets, sizeof(struct bucket_key));
	node_clear(node->maps.fantel_routes, sizeof(struct prefix_key));
	node_put(node->maps.fantel_links, &core0, &up);
	node_put(node->maps.fantel_links, &core2, &up);
	node_put(node->maps.fantel_links, &core1, &down);
	state_put(1);
	node_events(node, NULL, 0);
}

static struct fantel_bpf *detect_load(const struct config *config)
{
	struct fantel_bpf *loaded = node_load(config);

	node_source(loaded, "2001:db8:f::/48");
	node_source(loaded, "198.51.100.0/24");
	return loaded;
}

static void run_from(__u32 ifindex, const char *in)
{
	node_run(node, node->progs.fantel_core, ifindex, golden(in), &got);
}

static void run(const char *in)
{
	run_from(core0, in);
}

static bool is(const char *sentence, __u32 verdict, enum reason reason)
{
	return outcome_is(&got, sentence, verdict, reason);
}

/* Did the packet become this notification? */
static bool becomes(const char *sentence, __u32 verdict, const char *out)
{
	return is(sentence, verdict, REASON_NOTIFIED) &&
	       bytes_are(&got.out, sentence, golden(out), NULL);
}

/* Another node, with another configuration, for as long as a test. */
static struct fantel_bpf *usual;

static void node_swap(const struct config *config)
{
	usual = node;
	node = detect_load(config);
	forget();
}

static int node_back(void **state)
{
	if (usual) {
		fantel_bpf__destroy(node);
		node = usual;
		usual = NULL;
	}
	return 0;
}

/* ---- every doomed packet, by every transport ------------------------------------------------- */

static const char *const doomed[] = {
	"at our segment",
	"at our segment, IPv4 inside",
	"in transit",
	"reduced, beyond its first segment",
	"reduced, on its first segment",
	"eight segments",
	"one segment, no SRH",
	"one segment, IPv4 inside",
	"TCP inside",
	"ICMPv6 inside",
	"a large packet",
	"a tiny packet",
};

static void check_all(const char *how)
{
	char out[96];

	for (size_t i = 0; i < ARRAY_SIZE(doomed); i++) {
		forget();
		run(doomed[i]);
		snprintf(out, sizeof(out), "%s told %s", doomed[i], how);
		assert_true(becomes(doomed[i], XDP_TX, out));
	}
}

static void told_by_icmpv6(void **state)
{
	check_all("by icmpv6");
	forget();
	run("IPv4 in IPv4");
	assert_true(becomes("IPv4 in IPv4", XDP_TX, "IPv4 in IPv4 told by udp"));
}

static void told_by_udp(void **state)
{
	struct config config = detect_config();

	config.transport = TRANSPORT_UDP;
	node_swap(&config);
	check_all("by udp");
	forget();
	run("IPv4 in IPv4");
	assert_true(becomes("IPv4 in IPv4", XDP_TX, "IPv4 in IPv4 told by udp"));
}

static void told_in_a_domain(void **state)
{
	struct config config = detect_config();

	config.domain = 5;
	config.validity_ms = 3000;
	node_swap(&config);
	check_all("in domain 5");
}

/* decap looks first at what is for this node's segments, and leaves it as it was. */
static void told_where_tunnels_end(void **state)
{
	struct config config = detect_config();

	config.endpoints = (1U << TUNNEL_COUNT) - 2;
	node_swap(&config);
	check_all("by icmpv6");
}

/* ---- rows: what is not told of, and why ------------------------------------------------------ */

struct row {
	const char *sentence;
	const char *in;
	__u32 verdict;
	enum reason reason;
};

/* Every one of them stays as it came. */
static struct row rows[] = {
	{ "bound for a live link", "bound for a live link", XDP_PASS, REASON_NONE },
	{ "for our own loopback", "for our own loopback", XDP_PASS, REASON_NONE },
	{ "our segment is the last: it ends here", "our segment is the last", XDP_PASS,
	  REASON_NONE },
	{ "an SRH with more segments left than listed", "an SRH with more left than listed",
	  XDP_PASS, REASON_NONE },
	{ "another routing type", "another routing type", XDP_PASS, REASON_NONE },
	{ "not IP", "arp", XDP_PASS, REASON_NONE },
	{ "a tunnel of more segments than can be told", "nine segments", XDP_PASS,
	  REASON_TOO_DEEP },
	{ "nine, of which the SRH lists eight", "nine segments, reduced", XDP_PASS,
	  REASON_TOO_DEEP },
	{ "never in answer to multicast", "to a multicast group", XDP_PASS, REASON_NOT_TOLD },
	{ "from outside the domain", "of another domain", XDP_PASS, REASON_NOT_TOLD },
	{ "never in answer to a notification by ICMPv6", "a notification in transit", XDP_PASS,
	  REASON_NOT_TOLD },
	{ "never in answer to a notification by UDP", "a UDP notification in transit", XDP_PASS,
	  REASON_NOT_TOLD },
	{ "never to a multicast source", "from a multicast source", XDP_PASS, REASON_NOT_TOLD },
	{ "never to nobody", "from nobody", XDP_PASS, REASON_NOT_TOLD },
};

static void check_row(void **state)
{
	const struct row *row = *state;

	forget();
	/* What the FIB refuses to route is bound for core1 all the same. */
	remember_route("2001:db8:a::/48", core1);
	remember_route("ff00::/8", core1);
	run(row->in);
	assert_true(is(row->sentence, row->verdict, row->reason));
	assert_true(bytes_are(&got.out, row->sentence, golden(row->in), NULL));
	assert_int_equal(node_entries(node->maps.fantel_told, sizeof(struct told_key)), 0);
	assert_int_equal(node_events(node, NULL, 0), 0);
}

/* ---- when ------------------------------------------------------------------------------------ */

static void nothing_down_nothing_done(void **state)
{
	forget();
	state_put(0);
	for (size_t i = 0; i < ARRAY_SIZE(doomed); i++) {
		run(doomed[i]);
		assert_true(is(doomed[i], XDP_PASS, REASON_NONE));
		assert_true(bytes_are(&got.out, doomed[i], golden(doomed[i]), NULL));
	}
	assert_int_equal(node_entries(node->maps.fantel_told, sizeof(struct told_key)), 0);
}

static struct told told_only(struct told_key *key)
{
	struct told told;

	assert_int_equal(node_entries(node->maps.fantel_told, sizeof(*key)), 1);
	bpf_map_get_next_key(bpf_map__fd(node->maps.fantel_told), NULL, key);
	assert_true(node_get(node->maps.fantel_told, key, &told));
	return told;
}

/* Let the only told entry have been told so long ago: no test waits, or is too slow. That may be
 * before the machine was up; what counts is the difference. */
static void told_before(__u64 ago_ns)
{
	struct timespec now;
	struct told_key key;
	struct told told = told_only(&key);

	clock_gettime(CLOCK_MONOTONIC, &now);
	told.first_ns = now.tv_sec * NSEC_PER_SEC + now.tv_nsec - ago_ns;
	node_put(node->maps.fantel_told, &key, &told);
}

static void what_is_kept(void **state)
{
	struct tunnel_key three = { .code = CODE_SRV6, .n = 3 };
	struct policy_path p = golden_path("encaps-3");
	struct addr ingress = addr_of("2001:db8:f::9");
	struct told_key key;
	struct told told;

	forget();
	run("at our segment");
	told = told_only(&key);
	assert_memory_equal(&key.ingress, &ingress, sizeof(ingress));
	assert_int_equal(key.ifindex, core1);
	for (int i = 0; i < 3; i++)
		three.segment[i] = p.segment[2 - i];
	assert_memory_equal(&told.tunnel, &three, sizeof(three));
	assert_int_equal(told.event_id, golden_number("event_id"));
	assert_int_equal(told.sequence, golden_number("sequence"));
	assert_int_equal(told.sent, 1);
	assert_true(told.first_ns && told.last_ns == told.first_ns);
}

static void repeated_as_traffic_allows(void **state)
{
	struct config config = detect_config();
	const __u64 s = NSEC_PER_SEC;
	struct told_key key;
	struct told told;

	/* As 0, 1 and 5 ms, but in hours' reach of a slow machine; told anew after 1,000 s. */
	config.repeat_ns[1] = 100 * s;
	config.repeat_ns[2] = 500 * s;
	config.refresh_ns = 1000 * s;
	node_swap(&config);
	run("in transit");
	assert_true(becomes("first", XDP_TX, "in transit told by icmpv6"));
	run("in transit");
	assert_true(is("just after", XDP_DROP, REASON_DOOMED));
	told_before(50 * s);
	run("in transit");
	assert_true(is("before the second", XDP_DROP, REASON_DOOMED));
	told_before(150 * s);
	run("in transit");
	assert_true(becomes("second, the same sequence", XDP_TX, "in transit told by icmpv6"));
	run("in transit");
	assert_true(is("just after the second", XDP_DROP, REASON_DOOMED));
	told_before(550 * s);
	run("in transit");
	assert_true(becomes("third, the same sequence", XDP_TX, "in transit told by icmpv6"));
	assert_int_equal(node_events(node, NULL, 0), 1); /* copies are no news */
	told = told_only(&key);
	assert_int_equal(told.sent, 3);
	assert_int_equal(told.sequence, golden_number("sequence"));
	told_before(900 * s);
	run("in transit");
	assert_true(is("three are enough", XDP_DROP, REASON_DOOMED));
	told_before(1001 * s);
	run("in transit");
	assert_true(is("still in use: anew", XDP_TX, REASON_NOTIFIED));
	told = told_only(&key);
	assert_int_equal(told.sequence, golden_number("sequence") + 1);
	assert_int_equal(told.sent, 1);
}

/* Another CPU told it after this one had read the clock. */
static void told_a_moment_later(void **state)
{
	struct config config = detect_config();

	config.repeat_ns[1] = NSEC_PER_MSEC;
	config.refresh_ns = NSEC_PER_SEC;
	node_swap(&config);
	run("in transit");
	assert_true(is("first", XDP_TX, REASON_NOTIFIED));
	told_before(-3600 * NSEC_PER_SEC);
	run("in transit");
	assert_true(is("just told", XDP_DROP, REASON_DOOMED));
}

static void at_0_1_and_5_ms(void **state)
{
	struct config config = detect_config();

	config.repeat_ns[1] = NSEC_PER_MSEC;
	config.repeat_ns[2] = 5 * NSEC_PER_MSEC;
	node_swap(&config);
	for (int i = 0; i < 3; i++) {
		run("in transit");
		assert_true(becomes("repeated", XDP_TX, "in transit told by icmpv6"));
		next_tick(); /* at least 5 ms */
	}
	run("in transit");
	assert_true(is("three are enough", XDP_DROP, REASON_DOOMED));
}

static void each_tunnel_is_told_of(void **state)
{
	struct told_key key[2];

	forget();
	run("in transit");
	assert_true(is("one", XDP_TX, REASON_NOTIFIED));
	run("at our segment");
	assert_true(is("two", XDP_TX, REASON_NOTIFIED));
	run("in transit");
	assert_true(is("one again", XDP_DROP, REASON_DOOMED));
	assert_int_equal(node_entries(node->maps.fantel_told, sizeof(key[0])), 2);
	bpf_map_get_next_key(bpf_map__fd(node->maps.fantel_told), NULL, &key[0]);
	bpf_map_get_next_key(bpf_map__fd(node->maps.fantel_told), &key[0], &key[1]);
	assert_true(key[0].tunnel_hash != key[1].tunnel_hash);
}

/* The link came back and failed again; what was told before is noted, for the loader to end. */
static void a_new_event_is_told_at_once(void **state)
{
	struct link link = link_of("core1", true);
	struct told_key key;
	struct told told;

	forget();
	run("in transit");
	assert_true(is("first", XDP_TX, REASON_NOTIFIED));
	link.event_id++;
	link.cause = CAUSE_ADMIN_DOWN;
	node_put(node->maps.fantel_links, &core1, &link);
	run("in transit");
	assert_true(is("again", XDP_TX, REASON_NOTIFIED));
	told = told_only(&key);
	assert_int_equal(told.event_id, link.event_id);
	assert_int_equal(told.before, link.event_id - 1);
	assert_int_equal(told.sequence, golden_number("sequence") + 1);
	assert_int_equal(told.sent, 1);
}

static void two_at_once_then_none(void **state)
{
	struct config config = detect_config();
	struct told_key key;

	config.rate[BUCKET_FAILURE].interval_ns = 20 * NSEC_PER_SEC;
	config.rate[BUCKET_FAILURE].burst_ns = 120 * NSEC_PER_SEC; /* two, three copies each */
	node_swap(&config);
	run("in transit");
	assert_true(is("the first of the burst", XDP_TX, REASON_NOTIFIED));
	run("at our segment");
	assert_true(is("the second", XDP_TX, REASON_NOTIFIED));
	run("eight segments");
	assert_true(is("the third", XDP_DROP, REASON_NOTIFY_LIMITED));
	run("eight segments");
	assert_true(is("still none", XDP_DROP, REASON_NOTIFY_LIMITED));
	/* Another ingress PE has a bucket of its own. */
	run("IPv4 in IPv4");
	assert_true(is("another receiver", XDP_TX, REASON_NOTIFIED));
	/* With credit again, what was refused is told. */
	node_clear(node->maps.fantel_buckets, sizeof(struct bucket_key));
	run("eight segments");
	assert_true(is("with credit", XDP_TX, REASON_NOTIFIED));
	assert_int_equal(node_entries(node->maps.fantel_told, sizeof(key)), 4);
}

static void no_room_to_remember(void **state)
{
	struct told_key key = { .ifindex = 1 };
	struct told told = {};

	forget();
	for (key.tunnel_hash = 0; key.tunnel_hash < MAX_TOLD; key.tunnel_hash++)
		node_put(node->maps.fantel_told, &key, &told);
	run("in transit");
	assert_true(is("fantel_told is full", XDP_DROP, REASON_TOLD_FULL));
	forget();
	run("in transit");
	assert_true(is("room again", XDP_TX, REASON_NOTIFIED));
}

/* Two tunnels of one hash, should it ever be: never told of as if it were the other. */
static void a_hash_is_not_taken_for_a_tunnel(void **state)
{
	struct told_key key;
	struct told told;

	forget();
	run("in transit");
	assert_true(is("told", XDP_TX, REASON_NOTIFIED));
	told = told_only(&key);
	told.tunnel.segment[0].b[15] ^= 1;
	node_put(node->maps.fantel_told, &key, &told);
	run("in transit");
	assert_true(is("its place is taken", XDP_DROP, REASON_TOLD_FULL));
}

/* ---- where to -------------------------------------------------------------------------------- */

static void by_another_port(void **state)
{
	forget();
	run_from(core2, "in transit");
	assert_true(becomes("to the ingress PE's side", XDP_REDIRECT, "in transit told by icmpv6"));
}

/* The ingress PE's route is over the failed link, or gone: back where the packet came from. */
static void back_where_it_came_from(void **state)
{
	forget();
	net_do("ip -6 route replace 2001:db8:f::/48 via 2001:db8:e1::2");
	next_tick();
	run("in transit");
	assert_true(becomes("not over the failed link", XDP_TX, "in transit told by icmpv6"));
	forget();
	net_do("ip -6 route del 2001:db8:f::/48");
	next_tick();
	run("in transit");
	assert_true(becomes("without a route", XDP_TX, "in transit told by icmpv6"));
	net_do("ip -6 route add 2001:db8:f::/48 via 2001:db8:e0::2");
	next_tick();
}

/* Two links failed, and the ingress PE's route is over the other one. */
static void not_over_another_failed_link(void **state)
{
	struct link down = link_of("core2", true);

	forget();
	state_put(2);
	node_put(node->maps.fantel_links, &core2, &down);
	net_do("ip -6 route replace 2001:db8:f::/48 via 2001:db8:e2::2");
	next_tick();
	run("in transit");
	assert_true(becomes("back where it came from", XDP_TX, "in transit told by icmpv6"));
	net_do("ip -6 route replace 2001:db8:f::/48 via 2001:db8:e0::2");
	next_tick();
}

/* With the link its route goes; where it pointed is remembered. */
static void the_route_is_gone_too(void **state)
{
	forget();
	net_do("ip -6 route del 2001:db8:a::/48");
	next_tick();
	run("in transit");
	assert_true(is("never heard of", XDP_PASS, REASON_NONE));
	remember_route("2001:db8:a::/48", core1);
	run("in transit");
	assert_true(becomes("remembered", XDP_TX, "in transit told by icmpv6"));
	forget();
	remember_route("2001:db8:a::/48", core2);
	run("in transit");
	assert_true(is("remembered over a live link", XDP_PASS, REASON_NONE));
	net_do("ip -6 route add 2001:db8:a::/48 via 2001:db8:e1::2");
	next_tick();
}

static void the_neighbour_is_gone_too(void **state)
{
	forget();
	net_do("ip -6 neigh del 2001:db8:e1::2 dev core1");
	next_tick();
	run("in transit");
	assert_true(becomes("no neighbour", XDP_TX, "in transit told by icmpv6"));
	net_do("ip -6 neigh add 2001:db8:e1::2 lladdr 02:00:00:00:04:02 dev core1");
	next_tick();
}

static void arrives_for(const char *src, const char *dst)
{
	static struct bytes frame;
	struct bytes l4 = {};

	bytes_put32(&l4, 179 << 16 | 40000);
	bytes_put32(&l4, 0);
	frame_around(&frame, src, dst, 6, 64, &l4);
	node_run(node, node->progs.fantel_core, core0, &frame, &got);
}

/* The default route was over the failed link. The FIB says as little of our own addresses as of what
 * it has no route to, and nothing of where a seg6local route leads. */
static void what_ends_here_is_not_doomed(void **state)
{
	net_do("ip -6 route add 2001:db8:55::1/128 encap seg6local action End dev core0");
	for (int alive = 0; alive <= 1; alive++) {
		forget();
		state_put_until(1, alive ? FRESH : STALE);
		remember_route("::/0", core1);
		remember_route("2001:db8:e0::1/128", 1);
		next_tick();
		arrives_for("2001:db8:f::9", "2001:db8:e0::1");
		assert_true(is("our interface's address", XDP_PASS, REASON_NONE));
		arrives_for("2001:db8:f::9", "2001:db8:55::1");
		assert_true(is("a SID of another locator", XDP_PASS, REASON_NONE));
		arrives_for("2001:db8:f::9", "ff02::5");
		assert_true(is("multicast on the link", XDP_PASS, REASON_NONE));
		arrives_for("fe80::9", "fe80::1");
		assert_true(is("a link-local address", XDP_PASS, REASON_NONE));
		arrives_for("198.51.100.9", "224.0.0.5");
		assert_true(is("IPv4 multicast on the link", XDP_PASS, REASON_NONE));
		arrives_for("2001:db8:f::9", "2001:db8:77::1");
		assert_true(is("anything else", XDP_TX, REASON_NOTIFIED));
	}
	net_do("ip -6 route del 2001:db8:55::1/128");
}

/* The kernel found another way: the packet is not doomed. */
static void rerouted_in_time(void **state)
{
	forget();
	net_do("ip -6 route replace 2001:db8:a::/48 via 2001:db8:e2::2");
	remember_route("2001:db8:a::/48", core1);
	next_tick();
	run("in transit");
	assert_true(is("another way", XDP_PASS, REASON_NONE));
	net_do("ip -6 route replace 2001:db8:a::/48 via 2001:db8:e1::2");
	next_tick();
}

/* The loader is dead. A link that it saw fail, and that answers again, is back. */
static void an_orphan_believes_a_neighbour(void **state)
{
	forget();
	state_put_until(1, STALE);
	run("in transit");
	assert_true(is("the neighbour answers", XDP_PASS, REASON_NONE));
	net_do("ip -6 neigh del 2001:db8:e1::2 dev core1");
	next_tick();
	run("in transit");
	assert_true(becomes("it does not", XDP_TX, "in transit told by icmpv6"));
	run("in transit");
	assert_true(is("but the kernel may ask it", XDP_PASS, REASON_NONE));
	net_do("ip -6 neigh add 2001:db8:e1::2 lladdr 02:00:00:00:04:02 dev core1");
	next_tick();
}

/* While it does not, only the kernel can find out that it does again. */
static void an_orphan_lets_packets_try(void **state)
{
	struct config config = detect_config();

	config.n_repeats = 1;
	config.refresh_ns = 1000 * NSEC_PER_SEC;
	node_swap(&config);
	state_put_until(1, STALE);
	net_do("ip -6 neigh del 2001:db8:e1::2 dev core1");
	next_tick();
	run("in transit");
	assert_true(becomes("told", XDP_TX, "in transit told by icmpv6"));
	run("in transit");
	assert_true(is("those behind it may try", XDP_PASS, REASON_NONE));
	told_before(1001 * NSEC_PER_SEC);
	run("in transit");
	assert_true(is("before it is told once more, one may", XDP_PASS, REASON_NONE));
	run("in transit");
	assert_true(is("then it is told", XDP_TX, REASON_NOTIFIED));
	state_put(1);
	run("in transit");
	assert_true(is("while a loader lives it knows best", XDP_DROP, REASON_DOOMED));
	net_do("ip -6 neigh add 2001:db8:e1::2 lladdr 02:00:00:00:04:02 dev core1");
	next_tick();
}

/* And a port that takes its routes with it went down unseen: told as the next event. */
static void an_orphan_misses_a_route(void **state)
{
	struct link up = link_of("core1", false);
	struct told_key key;
	struct told told;

	forget();
	up.next_event_id = up.event_id + 7;
	node_put(node->maps.fantel_links, &core1, &up);
	remember_route("2001:db8:a::/48", core1);
	state_put_until(0, STALE);
	run("in transit");
	assert_true(is("the route is there", XDP_PASS, REASON_NONE));
	net_do("ip -6 route del 2001:db8:a::/48");
	next_tick();
	state_put_until(0, FRESH);
	run("in transit");
	assert_true(is("for the loader to say", XDP_PASS, REASON_NONE));
	state_put_until(0, STALE);
	run("in transit");
	assert_true(is("gone, and nobody to say so", XDP_TX, REASON_NOTIFIED));
	told = told_only(&key);
	assert_int_equal(key.ifindex, core1);
	assert_int_equal(told.event_id, up.next_event_id);
	net_do("ip -6 route add 2001:db8:a::/48 via 2001:db8:e1::2");
	next_tick();
}

static int wire_open(const char *name)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_IPV6),
				  .sll_ifindex = net_index(name) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_IPV6));

	assert_true(fd >= 0 && !bind(fd, (struct sockaddr *)&at, sizeof(at)));
	return fd;
}

/* By which of the wires does the kernel send what comes with this flow label? -1: by none. */
static int kernels_choice(int in, const struct bytes *frame, const int out[2])
{
	__u32 first = load32(frame->b + 14);
	__u8 seen[256];

	assert_int_equal(write(in, frame->b, frame->len), frame->len);
	for (int i = 0; i < 1000; i++) {
		for (int wire = 0; wire < 2; wire++)
			while (read(out[wire], seen, sizeof(seen)) >= 54)
				if (load32(seen + 14) == first)
					return wire;
		nanosleep(&(struct timespec){ .tv_nsec = NSEC_PER_MSEC }, NULL);
	}
	return -1;
}

/* Two equal ways, and the port of one is down: its share of the flows is lost, and no other. */
static void of_equal_ways_the_kernels(void **state)
{
	const int in = wire_open("core0-far");
	const int out[2] = { wire_open("core1-far"), wire_open("core2-far") };
	int lost = 0;

	net_do("ip -6 route replace 2001:db8:a::/48 nexthop via 2001:db8:e1::2 nexthop via 2001:db8:e2::2");
	next_tick();
	for (__u32 flow = 0; flow < 32; flow++) {
		struct bytes frame = *golden("in transit");
		int wire;

		forget();
		store32(frame.b + 14, be32(6u << 28 | 2 << 20 | (flow * 7919 + 1)));
		wire = kernels_choice(in, &frame, out);
		node_run(node, node->progs.fantel_core, core0, &frame, &got);
		if (wire == 0)
			assert_true(is("by the dead port", XDP_TX, REASON_NOTIFIED));
		else
			assert_true(is("by the other one", XDP_PASS, REASON_NONE));
		assert_in_range(wire, 0, 1);
		lost += wire == 0;
	}
	assert_in_range(lost, 4, 28);
	net_do("ip -6 route replace 2001:db8:a::/48 via 2001:db8:e1::2");
	next_tick();
	close(in);
	close(out[0]);
	close(out[1]);
}

static void ipv4_needs_a_loopback(void **state)
{
	struct config config = detect_config();

	memset(&config.loopback4, 0, sizeof(config.loopback4));
	node_swap(&config);
	run("IPv4 in IPv4");
	assert_true(is("no address to speak from", XDP_PASS, REASON_NOT_TOLD));
}

/* ---- and what else --------------------------------------------------------------------------- */

static void the_first_copy_is_an_event(void **state)
{
	struct addr ingress = addr_of("2001:db8:f::9");
	struct event e[2];

	forget();
	run("in transit");
	run("in transit");
	assert_int_equal(node_events(node, e, 2), 1);
	assert_int_equal(e[0].type, EVENT_NOTIFIED);
	assert_int_equal(e[0].reason, REASON_NOTIFIED);
	assert_int_equal(e[0].kind, KIND_FAILURE);
	assert_int_equal(e[0].cause, CAUSE_CARRIER);
	assert_int_equal(e[0].ifindex, core1);
	assert_int_equal(e[0].event_id, golden_number("event_id"));
	assert_int_equal(e[0].sequence, golden_number("sequence"));
	assert_int_equal(e[0].timestamp_ns, golden_number("detected_ns"));
	assert_memory_equal(&e[0].peer, &ingress, sizeof(ingress));
	assert_string_equal(e[0].name, "core1");
	assert_int_equal(e[0].tunnel.n, 3);
}

/* What this node says, the ingress PE understands: its path fails. */
static void the_ingress_pe_acts_on_it(void **state)
{
	struct config config = node_config();
	struct policy_path three = golden_path("encaps-3");
	struct fantel_bpf *ingress;
	struct health health;
	__u32 zero = 0;
	struct bytes told;

	forget();
	run("at our segment");
	assert_true(is("told", XDP_TX, REASON_NOTIFIED));
	told = got.out;
	config.loopback6 = addr_of("2001:db8:f::9");
	ingress = node_load(&config);
	node_source(ingress, "2001:db8:f::/48");
	node_path(ingress, 0, &three);
	node_run(ingress, ingress->progs.fantel_core, 0, &told, &got);
	assert_true(is("understood", XDP_DROP, REASON_FAILED));
	node_get(ingress->maps.fantel_health, &zero, &health);
	assert_int_equal(health.failures, 1);
	fantel_bpf__destroy(ingress);
}

static void a_driver_without_room(void **state)
{
	forget();
	if (!node_run_cramped(node, node->progs.fantel_core, core0, golden("a tiny packet"), &got))
		skip();
	assert_true(is("longer than the packet", XDP_DROP, REASON_NO_HEADROOM));
	forget();
	node_run_cramped(node, node->progs.fantel_core, core0, golden("a large packet"), &got);
	assert_true(is("shorter than the packet", XDP_TX, REASON_NOTIFIED));
}

static void cut_at_every_length(void **state)
{
	static const char *const whole[] = { "at our segment", "eight segments",
					     "one segment, no SRH", "IPv4 in IPv4" };

	for (size_t i = 0; i < ARRAY_SIZE(whole); i++) {
		struct bytes cut = *golden(whole[i]);
		__u32 len = cut.len;

		for (cut.len = 14; cut.len < len; cut.len++) {
			forget();
			node_run(node, node->progs.fantel_core, core0, &cut, &got);
			assert_in_range(got.verdict, XDP_DROP, XDP_TX);
			assert_true(got.verdict == XDP_PASS || got.reasons == 1);
			if (got.verdict == XDP_PASS)
				assert_true(bytes_are(&got.out, whole[i], &cut, NULL));
		}
	}
}

static void any_bits_at_all(void **state)
{
	static const char *const seed[] = { "at our segment", "in transit", "one segment, no SRH",
					    "IPv4 in IPv4" };
	__u64 random = 1;

	for (int i = 0; i < 10000; i++) {
		struct bytes in = *golden(seed[i % ARRAY_SIZE(seed)]);

		for (int flips = i / 4 % 6 + 1; flips; flips--) {
			random = random * 6364136223846793005ULL + 1442695040888963407ULL;
			in.b[12 + (random >> 33) % 130 % (in.len - 12)] ^= random >> 56;
		}
		if (i % 64 == 0)
			forget();
		node_run(node, node->progs.fantel_core, core0, &in, &got);
		assert_in_range(got.verdict, XDP_DROP, XDP_REDIRECT);
		assert_true(got.verdict == XDP_PASS || got.reasons == 1);
	}
}

#define ALONE(sentence, function) { sentence, function, NULL, node_back, NULL }

/* ---- whose tunnels leave by which link ------------------------------------------------------- */

/* Every packet is looked at; core1 is up, or not. */
static void learn_from_all(bool down)
{
	struct link link = link_of("core1", down);
	struct config config = detect_config();

	config.learn_every = 1;
	node_swap(&config);
	node_put(node->maps.fantel_links, &core1, &link);
	state_put(down);
}

static __u32 learned_entries(void)
{
	return node_entries(node->maps.fantel_learned, sizeof(struct told_key));
}

static struct learned learned_only(struct told_key *key)
{
	struct learned learned;

	assert_int_equal(learned_entries(), 1);
	bpf_map_get_next_key(bpf_map__fd(node->maps.fantel_learned), NULL, key);
	assert_true(node_get(node->maps.fantel_learned, key, &learned));
	return learned;
}

static void tunnels_are_learned(void **state)
{
	struct addr ingress = addr_of("2001:db8:f::9");
	struct told_key key, of_told;
	struct learned first, again;
	struct told told;

	learn_from_all(false);
	run("in transit");
	assert_true(is("in transit", XDP_PASS, REASON_NONE));
	assert_true(bytes_are(&got.out, "in transit", golden("in transit"), NULL));
	first = learned_only(&key);
	assert_memory_equal(&key.ingress, &ingress, sizeof(ingress));
	assert_int_equal(key.ifindex, core1);
	run("in transit");
	again = learned_only(&key);
	assert_true(again.seen_ns > first.seen_ns);
	run("one segment, no SRH");
	run("IPv4 in IPv4");
	assert_int_equal(learned_entries(), 3);
	/* By the key and the name under which it would be told. */
	forget();
	run("in transit");
	told = told_only(&of_told);
	assert_memory_equal(&of_told, &key, sizeof(key));
	assert_memory_equal(&told.tunnel, &first.tunnel, sizeof(told.tunnel));
}

static void others_are_not_learned(void **state)
{
	learn_from_all(false);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!strcmp(rows[i].in, "bound for a live link"))
			continue;
		run(rows[i].in);
		assert_int_equal(got.verdict, XDP_PASS);
		if (learned_entries())
			fail_msg("%s", rows[i].in);
	}
}

static void learns_while_one_is_down(void **state)
{
	struct told_key key;

	learn_from_all(true);
	run("bound for a live link");
	learned_only(&key);
	assert_int_equal(key.ifindex, core2);
}

/* Beside the way out, under the key by which errors of the link would be told. */
static void arrivals_are_learned(void **state)
{
	struct link link = link_of("core1", false);
	struct config config = detect_config();
	struct told_key key;
	struct learned in;

	learn_from_all(false);
	run("in transit");
	learned_only(&key);
	node_back(state);
	config.learn_every = 1;
	config.learn_arrivals = 1;
	node_swap(&config);
	node_put(node->maps.fantel_links, &core1, &link);
	state_put(0);
	run("in transit");
	assert_int_equal(learned_entries(), 2);
	key.ifindex = core0;
	key.trouble = TROUBLE_ERRORS;
	assert_true(node_get(node->maps.fantel_learned, &key, &in));
}

static void learns_nothing_unasked(void **state)
{
	forget();
	state_put(0);
	run("in transit");
	assert_int_equal(learned_entries(), 0);
}

/* ---- MPLS ------------------------------------------------------------------------------------ */

#define LSP 16012
#define LSP_OF_TWO 16014

static void lsp_put(__u32 label, const char *next_hop, const char *const ingress[], __u32 n)
{
	struct lsp lsp = { .next_hop = addr_of(next_hop), .n = n };

	for (__u32 i = 0; i < n; i++)
		lsp.ingress[i] = addr_of(ingress[i]);
	node_put(node->maps.fantel_lsps, &label, &lsp);
}

/* LSPs that go to the far end of core1, which has failed. */
static void lsp_node(__u32 learn_every)
{
	static const char *const two[] = { "2001:db8:f::9", "198.51.100.9" };
	struct config config = detect_config();

	config.lsps = true;
	config.learn_every = learn_every;
	node_swap(&config);
	lsp_put(LSP, "2001:db8:e1::2", two, 1);
	lsp_put(LSP_OF_TWO, "2001:db8:e1::2", two, 2);
}

static const char *const labelled[] = {
	"one label",		   "two labels",     "two labels, IPv4 inside",
	"a label twice, and zero", "sixteen labels", "no IP in MPLS",
};

static void labelled_are_told(void **state)
{
	char out[96];

	lsp_node(0);
	for (size_t i = 0; i < ARRAY_SIZE(labelled); i++) {
		forget();
		run(labelled[i]);
		snprintf(out, sizeof(out), "%s told by icmpv6", labelled[i]);
		assert_true(becomes(labelled[i], XDP_TX, out));
	}
	/* What is no MPLS is as ever. */
	forget();
	run("in transit");
	assert_true(becomes("in transit", XDP_TX, "in transit told by icmpv6"));
}

static void labelled_that_are_not_told(void **state)
{
	static const struct row refused[] = {
		{ "more labels than can be told", "seventeen labels", XDP_PASS, REASON_TOO_DEEP },
		{ "a label that policy does not know", "a label that nobody knows", XDP_PASS,
		  REASON_NONE },
		{ "a stack that does not end", "a stack without end", XDP_PASS, REASON_NONE },
		{ "nothing inside", "a stack with nothing behind", XDP_PASS, REASON_NONE },
		{ "never in answer to a notification", "a notification in MPLS", XDP_PASS,
		  REASON_NOT_TOLD },
		{ "by UDP neither", "a UDP notification in MPLS", XDP_PASS, REASON_NOT_TOLD },
	};

	lsp_node(0);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		const struct row *row = &refused[i];

		forget();
		run(row->in);
		assert_true(is(row->sentence, row->verdict, row->reason));
		assert_true(bytes_are(&got.out, row->sentence, golden(row->in), NULL));
		assert_int_equal(node_entries(node->maps.fantel_told, sizeof(struct told_key)), 0);
	}
	/* Another way, or no failure. */
	lsp_put(LSP, "2001:db8:e2::2", (const char *const[]){ "2001:db8:f::9" }, 1);
	forget();
	run("two labels");
	assert_true(is("its link is up", XDP_PASS, REASON_NONE));
	lsp_put(LSP, "2001:db8:e1::2", (const char *const[]){ "2001:db8:99::9" }, 1);
	forget();
	run("two labels");
	assert_true(is("from outside the domain", XDP_PASS, REASON_NOT_TOLD));
}

static void labels_mean_nothing_unasked(void **state)
{
	static const char *const one[] = { "2001:db8:f::9" };

	forget();
	lsp_put(LSP, "2001:db8:e1::2", one, 1);
	run("two labels");
	assert_true(is("two labels", XDP_PASS, REASON_NONE));
	node_clear(node->maps.fantel_lsps, sizeof(__u32));
}

/* By chance, and so within some packets: the odds against are one in 2^63. */
static void all_that_may_send_are_told(void **state)
{
	lsp_node(0);
	forget();
	for (int i = 0; i < 64; i++)
		run("by another label");
	assert_int_equal(node_entries(node->maps.fantel_told, sizeof(struct told_key)), 2);
}

static void labelled_are_learned(void **state)
{
	struct addr ingress = addr_of("2001:db8:f::9");
	struct link up = link_of("core1", false);
	struct told_key key, of_told;
	struct learned learned;
	struct told told;

	lsp_node(1);
	node_put(node->maps.fantel_links, &core1, &up);
	state_put(0);
	run("a label that nobody knows");
	run("a notification in MPLS");
	assert_int_equal(learned_entries(), 0);
	run("two labels");
	assert_true(is("two labels", XDP_PASS, REASON_NONE));
	learned = learned_only(&key);
	assert_memory_equal(&key.ingress, &ingress, sizeof(ingress));
	assert_int_equal(key.ifindex, core1);
	forget();
	run("two labels");
	told = told_only(&of_told);
	assert_memory_equal(&of_told, &key, sizeof(key));
	assert_memory_equal(&told.tunnel, &learned.tunnel, sizeof(told.tunnel));
}

static const struct CMUnitTest other[] = {
	TEST("each kind of doomed packet becomes the ICMPv6 notification that scapy builds",
	     told_by_icmpv6),
	ALONE("each kind becomes the UDP notification that scapy builds", told_by_udp),
	ALONE("with a domain and a validity, both are told", told_in_a_domain),
	ALONE("a node where tunnels end tells of the others as any does", told_where_tunnels_end),
	TEST("while nothing is down, every packet passes untouched", nothing_down_nothing_done),
	TEST("fantel_told holds whom, of which tunnel, and what", what_is_kept),
	ALONE("repeated with one sequence, then told anew while still in use",
	      repeated_as_traffic_allows),
	ALONE("told by another CPU a moment later: not due", told_a_moment_later),
	ALONE("at 0, 1 and 5 ms", at_0_1_and_5_ms),
	TEST("each tunnel is told of", each_tunnel_is_told_of),
	TEST("a link that fails again is told of at once", a_new_event_is_told_at_once),
	ALONE("the token bucket limits by receiver", two_at_once_then_none),
	TEST("no room to remember: dropped, and counted", no_room_to_remember),
	TEST("a tunnel is known by more than its hash", a_hash_is_not_taken_for_a_tunnel),
	TEST("a packet that came by another port is told of by the ingress PE's", by_another_port),
	TEST("a notification never leaves by the failed link", back_where_it_came_from),
	TEST("nor by another failed link", not_over_another_failed_link),
	TEST("the route that the failure took away is remembered", the_route_is_gone_too),
	TEST("the neighbour that the failure took away is not needed", the_neighbour_is_gone_too),
	TEST("what ends here is not doomed, whatever route was lost", what_ends_here_is_not_doomed),
	TEST("of equal ways, that of the kernel counts", of_equal_ways_the_kernels),
	TEST("a packet that the kernel has rerouted is not doomed", rerouted_in_time),
	TEST("without a loader, a link is down while its neighbour is silent",
	     an_orphan_believes_a_neighbour),
	TEST("without a loader, packets find out whether the neighbour is back",
	     an_orphan_lets_packets_try),
	TEST("without a loader, a port that lost its routes is down", an_orphan_misses_a_route),
	ALONE("without an IPv4 loopback, IPv4 tunnels are not told of", ipv4_needs_a_loopback),
	TEST("the first copy is an event, with all that it says", the_first_copy_is_an_event),
	TEST("the ingress PE's own program acts on what this one says", the_ingress_pe_acts_on_it),
	TEST("where the driver leaves no room, what would grow is dropped and counted",
	     a_driver_without_room),
	ALONE("tunnels that leave by a core port are learned", tunnels_are_learned),
	ALONE("where errors are watched, so are those that come by one", arrivals_are_learned),
	ALONE("what would not be told of is not learned", others_are_not_learned),
	ALONE("packets for other links are learned while one is down", learns_while_one_is_down),
	TEST("where policy does not ask for it, nothing is learned", learns_nothing_unasked),
	ALONE("label stacks become the notifications that scapy builds", labelled_are_told),
	ALONE("stacks that are not told of stay as they came", labelled_that_are_not_told),
	TEST("a node that knows no LSPs leaves labels alone", labels_mean_nothing_unasked),
	ALONE("all who may have sent a label are told", all_that_may_send_are_told),
	ALONE("what leaves by its label is learned as it would be told", labelled_are_learned),
	TEST("packets cut at every length", cut_at_every_length),
	TEST("10,000 packets with bits flipped: each has a verdict and a reason", any_bits_at_all),
};

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(other)] = {};
	struct config config = detect_config();
	int failed;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tests[i].name = rows[i].sentence;
		tests[i].test_func = check_row;
		tests[i].initial_state = &rows[i];
	}
	memcpy(tests + ARRAY_SIZE(rows), other, sizeof(other));
	net_make();
	node = detect_load(&config);
	failed = _cmocka_run_group_tests("detect", tests, ARRAY_SIZE(tests), NULL, NULL);
	fantel_bpf__destroy(node);
	return failed;
}
