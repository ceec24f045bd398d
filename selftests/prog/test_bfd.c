// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The receiving side of a BFD session, as fantel_core has it: which packets count, what state follows,
 * when silence is noticed, and what becomes of the link. The packets are written out byte by byte;
 * what real routers send is in the lab.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <time.h>

#include <bpf/libbpf.h>

#include "clock.h"
#include "fantel/bfd.h"
#include "fantel/frame.h"
#include "harness.h"

#define OURS "2001:db8:1::1"
#define PEER "2001:db8:1::2"
#define OURS4 "192.0.2.1"
#define PEER4 "192.0.2.2"
#define MINE 0x11223344
#define ITS 0x55667788
#define EVENT_NEXT 70
#define WALL (1763630000ULL * NSEC_PER_SEC)
#define PATIENCE_MS 2000

/* ---- packets --------------------------------------------------------------------------------- */

struct says {
	enum bfd_state state;
	__u8 flags;
	__u32 yours;
	__u32 min_tx_us, min_rx_us; /* 0: 1 s */
	__u8 mult;		    /* 0: 3 */
	/* around it: */
	const char *src, *dst; /* NULL: those of the session */
	__u8 ttl;	       /* 0: 255 */
	bool v4;
};

static void put_packet(struct bytes *l4, const struct says *says)
{
	static const __u8 udp[UDP_LEN] = { 0xc0, 0x00, 0x0e, 0xc8, 0, UDP_LEN + BFD_LEN, 0, 0 };

	l4->len = 0;
	bytes_put(l4, udp, sizeof(udp));
	bytes_put16(l4, 0x2000 | says->state << 6 | says->flags);
	bytes_put16(l4, (says->mult ?: 3) << 8 | 24);
	bytes_put32(l4, ITS);
	bytes_put32(l4, says->yours);
	bytes_put32(l4, says->min_tx_us ?: 1000000);
	bytes_put32(l4, says->min_rx_us ?: 1000000);
	bytes_put32(l4, 0);
}

static const char *source(const struct says *says)
{
	return says->src ?: says->v4 ? PEER4 : PEER;
}

static const char *destination(const struct says *says)
{
	return says->dst ?: says->v4 ? OURS4 : OURS;
}

/* Checksum and IP header around an L4 packet that a test may have changed. */
static void wrap(struct bytes *frame, struct bytes *l4, const struct says *says)
{
	__u16 sum;

	store16(l4->b + UDP_OFF_SUM, 0);
	sum = l4_sum(source(says), destination(says), PROTO_UDP, l4);
	store16(l4->b + UDP_OFF_SUM, be16(sum));
	frame_around(frame, source(says), destination(says), PROTO_UDP, says->ttl ?: 255, l4);
}

/* ---- a node with a session ------------------------------------------------------------------- */

static __u32 port, other_port;

static struct bfd_session session(const struct fantel_bpf *node)
{
	struct bfd_session b = {};

	assert_true(node_get(node->maps.fantel_bfd, &port, &b));
	return b;
}

static struct link link_of(const struct fantel_bpf *node)
{
	struct link l = {};

	assert_true(node_get(node->maps.fantel_links, &port, &l));
	return l;
}

static __u32 links_down(const struct fantel_bpf *node)
{
	struct node_state state;
	__u32 zero = 0;

	node_get(node->maps.fantel_node, &zero, &state);
	return state.links_down;
}

static struct fantel_bpf *node_with(bool v4, enum bfd_state state)
{
	struct bfd_session b = { .state = state, .heard_ns = 1 };
	struct bfd_set set = { .peer = addr_of(v4 ? PEER4 : PEER), .local = addr_of(v4 ? OURS4 : OURS),
			       .discriminator = MINE, .min_tx_us = 1000000, .min_rx_us = 50000,
			       .mult = 3 };
	struct link link = { .name = "r2", .next_event_id = EVENT_NEXT };
	struct config config = node_config();
	struct node_state node_state;
	struct fantel_bpf *node;
	__u32 zero = 0;

	config.bfd = 1;
	node = node_load(&config);
	node_get(node->maps.fantel_node, &zero, &node_state);
	node_state.wall_ns = WALL;
	node_put(node->maps.fantel_node, &zero, &node_state);
	node_put(node->maps.fantel_links, &port, &link);
	node_put(node->maps.fantel_bfd_set, &port, &set);
	node_put(node->maps.fantel_bfd, &port, &b);
	return node;
}

static void hear(struct fantel_bpf *node, const struct says *says, struct outcome *outcome)
{
	struct bytes l4, frame;

	put_packet(&l4, says);
	wrap(&frame, &l4, says);
	node_run(node, node->progs.fantel_core, port, &frame, outcome);
}

/* One that counts. */
static void heard(struct fantel_bpf *node, struct says says)
{
	struct outcome o;

	hear(node, &says, &o);
	assert_true(outcome_is(&o, "a packet of the session", XDP_DROP, REASON_BFD));
}

static int add_one(void *count, void *data, size_t len)
{
	assert_int_equal(((struct bfd_news *)data)->ifindex, port);
	++*(int *)count;
	return 0;
}

/* How often the loader was woken since the last time; `news` belongs to the node. */
static int wakes(const struct fantel_bpf *node)
{
	int n = 0, fd = bpf_map__fd(node->maps.fantel_bfd_news);
	struct ring_buffer *ring = ring_buffer__new(fd, add_one, &n, NULL);

	assert_non_null(ring);
	ring_buffer__consume(ring);
	ring_buffer__free(ring);
	return n;
}

/* Wait until the session is in this state; the time at which it got there. */
static __u64 wait_for(const struct fantel_bpf *node, enum bfd_state state)
{
	const struct timespec ms = { .tv_nsec = NSEC_PER_MSEC };

	for (int i = 0; i < PATIENCE_MS; i++) {
		struct bfd_session b = session(node);

		if (b.state == state)
			return b.changed_ns;
		nanosleep(&ms, NULL);
	}
	fail_msg("not %d after %d ms", state, PATIENCE_MS);
	return 0;
}

/* ---- what counts ----------------------------------------------------------------------------- */


static const struct packet_case {
	const char *sentence;
	struct says says;
	__u8 at, value; /* one byte of the UDP packet that differs */
	__u32 more;	/* bytes behind it, UDP length included */
	enum reason reason;
	__u32 verdict;
} packet_cases[] = {
	{ "over IPv6", { .state = BFD_UP, .yours = MINE }, .reason = REASON_BFD, .verdict = XDP_DROP },
	{ "over IPv4", { .state = BFD_UP, .yours = MINE, .v4 = true }, .reason = REASON_BFD,
	  .verdict = XDP_DROP },
	{ "with more behind it", { .state = BFD_UP, .yours = MINE }, .more = 8, .reason = REASON_BFD,
	  .verdict = XDP_DROP },
	{ "hop limit 254", { .state = BFD_UP, .yours = MINE, .ttl = 254 }, .reason = REASON_BFD_TTL,
	  .verdict = XDP_DROP },
	{ "TTL 254", { .state = BFD_UP, .yours = MINE, .ttl = 254, .v4 = true }, .reason = REASON_BFD_TTL,
	  .verdict = XDP_DROP },
	{ "TTL 1", { .state = BFD_UP, .yours = MINE, .ttl = 1, .v4 = true }, .reason = REASON_BFD_TTL,
	  .verdict = XDP_DROP },
	{ "from someone else", { .state = BFD_UP, .yours = MINE, .src = "2001:db8:1::3" },
	  .reason = REASON_BFD_PEER, .verdict = XDP_PASS },
	{ "to someone else", { .state = BFD_UP, .yours = MINE, .dst = "2001:db8:1::9" },
	  .reason = REASON_NONE, .verdict = XDP_PASS },
	{ "version 0", { .state = BFD_UP, .yours = MINE }, UDP_LEN, 0x00, .reason = REASON_BFD_VERSION,
	  .verdict = XDP_DROP },
	{ "a length below the fixed part", { .state = BFD_UP, .yours = MINE }, UDP_LEN + BFD_OFF_LEN, 20,
	  .reason = REASON_BFD_LENGTH, .verdict = XDP_DROP },
	{ "a length beyond the packet", { .state = BFD_UP, .yours = MINE }, UDP_LEN + BFD_OFF_LEN, 25,
	  .reason = REASON_BFD_LENGTH, .verdict = XDP_DROP },
	{ "a UDP length below IP's", { .state = BFD_UP, .yours = MINE }, UDP_OFF_LEN + 1,
	  UDP_LEN + BFD_LEN - 1, .reason = REASON_BFD_LENGTH, .verdict = XDP_DROP },
	{ "authentication", { .state = BFD_UP, .flags = BFD_AUTH, .yours = MINE }, .reason = REASON_BFD_AUTH,
	  .verdict = XDP_DROP },
	{ "multipoint", { .state = BFD_UP, .flags = BFD_MULTIPOINT, .yours = MINE }, .reason = REASON_BFD_FIELD,
	  .verdict = XDP_DROP },
	{ "multiplier 0", { .state = BFD_UP, .yours = MINE }, UDP_LEN + BFD_OFF_MULT, 0,
	  .reason = REASON_BFD_FIELD, .verdict = XDP_DROP },
	{ "another session's discriminator", { .state = BFD_UP, .yours = MINE + 1 },
	  .reason = REASON_BFD_UNKNOWN, .verdict = XDP_DROP },
	{ "up without our discriminator", { .state = BFD_UP }, .reason = REASON_BFD_STATE,
	  .verdict = XDP_DROP },
	{ "init without our discriminator", { .state = BFD_INIT }, .reason = REASON_BFD_STATE,
	  .verdict = XDP_DROP },
};

/* Whatever does not count changes nothing. */
static void count_packet(void **state)
{
	const struct packet_case *c = *state;
	struct fantel_bpf *node = node_with(c->says.v4, BFD_UP);
	struct bfd_session before = session(node), after;
	struct bytes l4, frame;
	struct outcome o;

	put_packet(&l4, &c->says);
	if (c->at)
		l4.b[c->at] = c->value;
	for (__u32 i = 0; i < c->more; i += 4)
		bytes_put32(&l4, 0xdeadbeef);
	l4.b[UDP_OFF_LEN + 1] += c->more;
	wrap(&frame, &l4, &c->says);
	node_run(node, node->progs.fantel_core, port, &frame, &o);
	assert_true(outcome_is(&o, c->sentence, c->verdict, c->reason));
	after = session(node);
	assert_int_equal(memcmp(&before, &after, sizeof(before)) != 0, c->reason == REASON_BFD);
	assert_int_equal(after.state, BFD_UP);
	assert_int_equal(links_down(node), 0);
	fantel_bpf__destroy(node);
}

static void damaged(void **state)
{
	struct says says = { .state = BFD_DOWN };

	for (int v4 = 0; v4 <= 1; v4++) {
		struct fantel_bpf *node = node_with(v4, BFD_UP);
		struct bytes l4, frame;
		struct outcome o;

		says.v4 = v4;
		put_packet(&l4, &says);
		wrap(&frame, &l4, &says);
		frame.b[frame.len - 1] ^= 1;
		node_run(node, node->progs.fantel_core, port, &frame, &o);
		assert_true(outcome_is(&o, "a bit that fell over", XDP_DROP, REASON_BFD_CHECKSUM));
		/* No checksum at all: allowed in IPv4 only. */
		frame.b[frame.len - 1] ^= 1;
		store16(frame.b + frame.len - BFD_LEN - 2, 0);
		node_run(node, node->progs.fantel_core, port, &frame, &o);
		assert_true(outcome_is(&o, "without a checksum", XDP_DROP,
				       v4 ? REASON_BFD : REASON_BFD_CHECKSUM));
		assert_int_equal(session(node).state, v4 ? BFD_DOWN : BFD_UP);
		fantel_bpf__destroy(node);
	}
}

static void zero(void **state)
{
	struct fantel_bpf *node = node_with(false, BFD_UP);
	struct says says = { .state = BFD_UP, .yours = MINE };
	struct bytes l4, frame;
	struct outcome o;

	put_packet(&l4, &says);
	memset(l4.b + UDP_LEN + BFD_OFF_MINE, 0, 4);
	wrap(&frame, &l4, &says);
	node_run(node, node->progs.fantel_core, port, &frame, &o);
	assert_true(outcome_is(&o, "from discriminator 0", XDP_DROP, REASON_BFD_ZERO));
	fantel_bpf__destroy(node);
}

/* The kernel, or a daemon on this node, may have sessions of its own. */
static void others(void **state)
{
	struct fantel_bpf *node = node_with(false, BFD_UP);
	struct says says = { .state = BFD_DOWN };
	struct bytes l4, frame;
	struct outcome o;

	put_packet(&l4, &says);
	wrap(&frame, &l4, &says);
	node_run(node, node->progs.fantel_core, other_port, &frame, &o);
	assert_true(outcome_is(&o, "on a port without a session", XDP_PASS, REASON_NONE));
	l4.b[UDP_OFF_DPORT + 1]++;
	wrap(&frame, &l4, &says);
	node_run(node, node->progs.fantel_core, port, &frame, &o);
	assert_true(outcome_is(&o, "to another UDP port", XDP_PASS, REASON_NONE));
	assert_int_equal(session(node).state, BFD_UP);
	fantel_bpf__destroy(node);
}

static void at_rest(void **state)
{
	struct fantel_bpf *node = node_with(false, BFD_UP);
	struct says says = { .state = BFD_DOWN };
	struct bfd_set set;
	struct outcome o;

	node_get(node->maps.fantel_bfd_set, &port, &set);
	set.admin_down = 1;
	node_put(node->maps.fantel_bfd_set, &port, &set);
	hear(node, &says, &o);
	assert_true(outcome_is(&o, "of a session at rest", XDP_DROP, REASON_BFD_ADMIN_DOWN));
	assert_int_equal(session(node).state, BFD_UP);
	assert_int_equal(links_down(node), 0);
	fantel_bpf__destroy(node);
}

/* ---- what follows ---------------------------------------------------------------------------- */

static void comes_up(void **state)
{
	struct fantel_bpf *node = node_with(false, BFD_DOWN);
	struct bfd_session b;

	heard(node, (struct says){ .state = BFD_DOWN, .min_tx_us = 70000, .min_rx_us = 80000, .mult = 5 });
	b = session(node);
	assert_int_equal(b.state, BFD_INIT);
	assert_int_equal(b.its_discriminator, ITS);
	assert_int_equal(b.its_min_tx_us, 70000);
	assert_int_equal(b.its_min_rx_us, 80000);
	assert_int_equal(b.detection_ns, 5 * 70 * NSEC_PER_MSEC);
	assert_int_equal(wakes(node), 1);
	heard(node, (struct says){ .state = BFD_INIT, .yours = MINE, .min_rx_us = 80000 });
	assert_int_equal(session(node).state, BFD_UP);
	assert_int_equal(session(node).ups, 1);
	assert_int_equal(wakes(node), 1);
	heard(node, (struct says){ .state = BFD_UP, .yours = MINE, .min_rx_us = 80000 });
	assert_int_equal(session(node).state, BFD_UP);
	assert_int_equal(wakes(node), 0); /* nothing new: the loader sleeps */
	assert_int_equal(links_down(node), 0);
	fantel_bpf__destroy(node);
}

static void the_loader_is_woken(void **state)
{
	struct fantel_bpf *node = node_with(false, BFD_UP);
	struct says says = { .state = BFD_UP, .yours = MINE };

	heard(node, says);
	wakes(node);
	heard(node, says);
	assert_int_equal(wakes(node), 0);
	says.flags = BFD_POLL;
	heard(node, says);
	assert_int_equal(wakes(node), 1);
	assert_int_equal(session(node).polls, 1);
	says.flags = BFD_FINAL;
	heard(node, says);
	assert_int_equal(wakes(node), 1);
	assert_int_equal(session(node).finals, 1);
	says.flags = 0;
	says.min_rx_us = 20000;
	heard(node, says);
	assert_int_equal(wakes(node), 1);
	fantel_bpf__destroy(node);
}

static void the_peer_is_down(void **state)
{
	struct fantel_bpf *node = node_with(false, BFD_UP);
	struct bfd_session b;
	struct link l;

	heard(node, (struct says){ .state = BFD_DOWN, .yours = MINE });
	b = session(node);
	assert_int_equal(b.state, BFD_DOWN);
	assert_int_equal(b.diag, BFD_DIAG_NEIGHBOUR);
	assert_int_equal(b.failed, 1);
	assert_int_equal(b.fails, 1);
	l = link_of(node);
	assert_int_equal(l.down, 1);
	assert_int_equal(l.cause, CAUSE_BFD);
	assert_int_equal(l.event_id, EVENT_NEXT);
	assert_int_equal(l.since_ns, b.changed_ns);
	assert_int_equal(l.detected_ns, b.changed_ns + WALL);
	assert_int_equal(links_down(node), 1);
	assert_int_equal(wakes(node), 1);
	/* Up again: that is for the loader to tell, when all others agree. */
	heard(node, (struct says){ .state = BFD_DOWN, .yours = MINE });
	heard(node, (struct says){ .state = BFD_UP, .yours = MINE });
	assert_int_equal(session(node).state, BFD_UP);
	assert_int_equal(session(node).failed, 0);
	assert_int_equal(link_of(node).down, 1);
	assert_int_equal(wakes(node), 2);
	fantel_bpf__destroy(node);
}

static void out_of_service(void **state)
{
	struct fantel_bpf *node = node_with(false, BFD_UP);

	heard(node, (struct says){ .state = BFD_ADMIN_DOWN, .yours = MINE });
	assert_int_equal(session(node).state, BFD_DOWN);
	assert_int_equal(session(node).diag, BFD_DIAG_NEIGHBOUR);
	assert_int_equal(session(node).failed, 0);
	assert_int_equal(links_down(node), 0);
	fantel_bpf__destroy(node);
}

/* After a failure, too, it means that nothing is to be concluded any more. */
static void out_of_service_after_a_failure(void **state)
{
	struct fantel_bpf *node = node_with(false, BFD_UP);

	heard(node, (struct says){ .state = BFD_DOWN, .yours = MINE });
	wakes(node);
	heard(node, (struct says){ .state = BFD_ADMIN_DOWN, .yours = MINE });
	assert_int_equal(session(node).failed, 0);
	assert_int_equal(wakes(node), 1);
	fantel_bpf__destroy(node);
}

/* ---- silence --------------------------------------------------------------------------------- */

static void silence(void **state)
{
	struct fantel_bpf *node = node_with(false, BFD_INIT);
	struct says says = { .state = BFD_UP, .yours = MINE, .min_tx_us = 70000 };
	__u64 heard_ns, late_ns;
	struct link l;

	heard(node, says);
	heard_ns = session(node).heard_ns;
	assert_int_equal(session(node).detection_ns, 210 * NSEC_PER_MSEC);
	wakes(node);
	late_ns = wait_for(node, BFD_DOWN) - heard_ns - 210 * NSEC_PER_MSEC;
	print_message("# noticed %llu us after the detection time\n",
		      (unsigned long long)late_ns / 1000);
	assert_true((__s64)late_ns >= 0);
	assert_int_equal(session(node).diag, BFD_DIAG_EXPIRED);
	assert_int_equal(session(node).its_discriminator, 0);
	assert_int_equal(session(node).failed, 1);
	l = link_of(node);
	assert_int_equal(l.down, 1);
	assert_int_equal(l.cause, CAUSE_BFD);
	assert_int_equal(links_down(node), 1);
	assert_int_equal(wakes(node), 1);
	fantel_bpf__destroy(node);
}

/* A timer that was started for a longer time must not wait for its end. */
static void a_shorter_time(void **state)
{
	struct fantel_bpf *node = node_with(false, BFD_UP);
	__u64 heard_ns;

	heard(node, (struct says){ .state = BFD_UP, .yours = MINE, .min_tx_us = 10000000, .mult = 200 });
	heard(node, (struct says){ .state = BFD_UP, .yours = MINE, .min_tx_us = 1000, .mult = 1 });
	heard_ns = session(node).heard_ns;
	assert_int_equal(session(node).detection_ns, 50 * NSEC_PER_MSEC); /* what we ask for */
	assert_true(wait_for(node, BFD_DOWN) >= heard_ns + 50 * NSEC_PER_MSEC);
	fantel_bpf__destroy(node);
}

/* Nor may one that was started early end a session that goes on. */
static void kept_alive(void **state)
{
	struct fantel_bpf *node = node_with(false, BFD_UP);
	const struct timespec half = { .tv_nsec = 50 * NSEC_PER_MSEC };
	__u64 gap_ns = 0, last_ns = 0;

	for (int i = 0; i < 8; i++) {
		heard(node, (struct says){ .state = BFD_UP, .yours = MINE, .min_tx_us = 50000, .mult = 6 });
		gap_ns = MAX(gap_ns, last_ns ? session(node).heard_ns - last_ns : 0);
		last_ns = session(node).heard_ns;
		nanosleep(&half, NULL);
	}
	if (gap_ns >= 300 * NSEC_PER_MSEC) {
		print_message("# the machine was busy: %llu ms between two packets\n",
			      (unsigned long long)(gap_ns / NSEC_PER_MSEC));
		fantel_bpf__destroy(node);
		skip();
	}
	assert_int_equal(session(node).fails, 0);
	wait_for(node, BFD_DOWN);
	fantel_bpf__destroy(node);
}

/* A session that was never up takes no link down. */
static void silence_in_init(void **state)
{
	struct fantel_bpf *node = node_with(false, BFD_DOWN);

	heard(node, (struct says){ .state = BFD_DOWN, .min_tx_us = 1000, .mult = 1 });
	wait_for(node, BFD_DOWN);
	assert_int_equal(session(node).diag, BFD_DIAG_EXPIRED);
	assert_int_equal(session(node).failed, 0);
	assert_int_equal(links_down(node), 0);
	fantel_bpf__destroy(node);
}

/* ---- beside other detectors ------------------------------------------------------------------ */

static void the_first_wins(void **state)
{
	struct fantel_bpf *node = node_with(false, BFD_UP);
	struct link before = { .name = "r2", .down = 1, .cause = CAUSE_CARRIER, .event_id = 60,
			       .next_event_id = 60, .since_ns = 7, .detected_ns = 8 }, after;

	node_put(node->maps.fantel_links, &port, &before);
	heard(node, (struct says){ .state = BFD_DOWN, .yours = MINE });
	after = link_of(node);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(session(node).failed, 1);
	fantel_bpf__destroy(node);
}

/* The link is up again, but its last failure is not over yet: it is the same one. */
static void the_same_failure_goes_on(void **state)
{
	struct fantel_bpf *node = node_with(false, BFD_UP);
	struct link before = { .name = "r2", .cause = CAUSE_CARRIER, .event_id = 60,
			       .next_event_id = 60, .since_ns = 7, .detected_ns = 8 }, after;

	node_put(node->maps.fantel_links, &port, &before);
	heard(node, (struct says){ .state = BFD_DOWN, .yours = MINE });
	after = link_of(node);
	assert_int_equal(after.down, 1);
	assert_int_equal(after.event_id, 60);
	assert_int_equal(after.cause, CAUSE_CARRIER);
	assert_int_equal(after.detected_ns, 8);
	assert_true(after.since_ns > 7);
	fantel_bpf__destroy(node);
}

/* ---- echoes ---------------------------------------------------------------------------------- */

#define ECHO_US 2000
#define ECHO_MULT 3
#define ECHO_ROW 7

static void put_echo(struct bytes *l4, __u32 mine, __u32 number)
{
	static const __u8 udp[UDP_LEN] = { 0xc0, 0, 0x0e, 0xc9, 0, UDP_LEN + BFD_ECHO_LEN, 0, 0 };

	l4->len = 0;
	bytes_put(l4, udp, sizeof(udp));
	bytes_put32(l4, mine);
	bytes_put32(l4, number);
}

/* With the latest echoes sent as many microseconds ago as listed, first number 1. */
static struct fantel_bpf *node_echoing(bool v4, __u32 n, const __u32 *ago_us)
{
	struct fantel_bpf *node = node_with(v4, BFD_UP);
	__u64 now = clock_now_ns();
	struct bfd_echo echo = { .sent = n };
	struct bfd_set set;
	__u32 row = ECHO_ROW;

	for (__u32 i = 0; i < n; i++)
		echo.sent_ns[i + 1] = now - ago_us[i] * 1000ULL;
	node_put(node->maps.fantel_bfd_echo, &row, &echo);
	node_get(node->maps.fantel_bfd_set, &port, &set);
	set.echo_us = ECHO_US;
	set.echo_mult = ECHO_MULT;
	set.echo_row = ECHO_ROW;
	node_put(node->maps.fantel_bfd_set, &port, &set);
	return node;
}

static void echo_arrives(struct fantel_bpf *node, const struct says *says, __u32 mine, __u32 number,
			 struct outcome *o)
{
	struct bytes l4, frame;

	put_echo(&l4, mine, number);
	wrap(&frame, &l4, says);
	node_run(node, node->progs.fantel_core, port, &frame, o);
}

/* From the neighbour to itself by us: MACs exchanged, a hop less, else as it was. */
static void sent_back(void **state)
{
	for (int v4 = 0; v4 <= 1; v4++) {
		const struct says says = { .v4 = v4, .src = v4 ? "198.51.100.9" : "2001:db8:f::9",
					   .dst = v4 ? PEER4 : PEER };
		struct fantel_bpf *node = node_echoing(v4, 0, NULL);
		struct says once_more = says;
		struct bytes l4, in, want;
		struct outcome o;

		put_echo(&l4, ITS, 5);
		wrap(&in, &l4, &says);
		once_more.ttl = 254;
		wrap(&want, &l4, &once_more);
		memcpy(want.b, in.b + 6, 6);
		memcpy(want.b + 6, in.b, 6);
		node_run(node, node->progs.fantel_core, port, &in, &o);
		assert_true(outcome_is(&o, "an echo of the neighbour", XDP_TX, REASON_BFD_ECHOED));
		assert_true(bytes_are(&o.out, "and what leaves", &want, NULL));
		node_run(node, node->progs.fantel_core, port, &want, &o);
		assert_true(outcome_is(&o, "the same once more", XDP_PASS, REASON_NONE));
		fantel_bpf__destroy(node);
	}
}

static void comes_back(void **state)
{
	static const __u32 ago_us[] = { 3000, 1000 };

	for (int v4 = 0; v4 <= 1; v4++) {
		struct fantel_bpf *node = node_echoing(v4, 2, ago_us);
		const struct says ours = { .v4 = v4, .src = v4 ? OURS4 : OURS, .ttl = 254 };
		struct bfd_session b;
		struct outcome o;

		echo_arrives(node, &ours, MINE, 2, &o);
		assert_true(outcome_is(&o, "an echo of ours", XDP_DROP, REASON_BFD_ECHO));
		b = session(node);
		assert_int_equal(b.echo_on, 1);
		assert_int_equal(b.echo_back, 2);
		assert_true(b.echo_rtt_ns >= 1000000);
		echo_arrives(node, &ours, MINE, 1, &o); /* overtaken */
		assert_int_equal(session(node).echo_back, 2);
		fantel_bpf__destroy(node);
	}
}

static void not_ours(void **state)
{
	static const __u32 ago_us[] = { 3000, 1000 };
	static const struct {
		const char *sentence;
		__u32 mine, number;
		__u8 ttl;
		enum reason reason;
	} rows[] = {
		{ "of another session", MINE + 1, 2, 254, REASON_BFD_ECHO_UNKNOWN },
		{ "that was not sent yet", MINE, 3, 254, REASON_BFD_ECHO_UNKNOWN },
		{ "of long ago", MINE, 2 - BFD_ECHOES, 254, REASON_BFD_ECHO_UNKNOWN },
		{ "from two routers away", MINE, 2, 253, REASON_BFD_TTL },
	};
	struct fantel_bpf *node = node_echoing(false, 2, ago_us);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct says ours = { .src = OURS, .ttl = rows[i].ttl };
		struct outcome o;

		echo_arrives(node, &ours, rows[i].mine, rows[i].number, &o);
		assert_true(outcome_is(&o, rows[i].sentence, XDP_DROP, rows[i].reason));
	}
	assert_int_equal(session(node).echo_on, 0);
	fantel_bpf__destroy(node);
}

/* Who has no echoes neither takes nor returns any. */
static void without_echoes(void **state)
{
	const struct says its = { .src = PEER, .dst = PEER }, ours = { .src = OURS, .ttl = 254 };
	struct fantel_bpf *node = node_with(false, BFD_UP);
	struct outcome o;

	echo_arrives(node, &its, ITS, 1, &o);
	assert_true(outcome_is(&o, "the neighbour's", XDP_PASS, REASON_NONE));
	echo_arrives(node, &ours, MINE, 1, &o);
	assert_true(outcome_is(&o, "ours", XDP_PASS, REASON_NONE));
	fantel_bpf__destroy(node);
}

/* What the loader does: note that `n` more left just now. */
static void send_more(struct fantel_bpf *node, __u32 n)
{
	struct bfd_echo echo;
	__u32 row = ECHO_ROW;

	node_get(node->maps.fantel_bfd_echo, &row, &echo);
	while (n--)
		echo.sent_ns[++echo.sent % BFD_ECHOES] = clock_now_ns();
	node_put(node->maps.fantel_bfd_echo, &row, &echo);
}

static void missing_echoes(void **state)
{
	static const __u32 ago_us[] = { 100 };
	const struct timespec time = { .tv_nsec = 100 * NSEC_PER_MSEC };
	const struct says ours = { .src = OURS, .ttl = 254 };
	struct fantel_bpf *node = node_echoing(false, 1, ago_us);
	__u64 last_ns, took_ns;
	struct outcome o;

	heard(node, (struct says){ .state = BFD_UP, .yours = MINE, .min_tx_us = 10000000 });
	echo_arrives(node, &ours, MINE, 1, &o);
	assert_int_equal(session(node).echo_on, 1);
	wakes(node);
	/* A sender that is late, or lost two: nothing can be said. */
	send_more(node, ECHO_MULT - 1);
	nanosleep(&time, NULL);
	assert_int_equal(session(node).state, BFD_UP);
	send_more(node, 1);
	last_ns = clock_now_ns();
	took_ns = wait_for(node, BFD_DOWN) - last_ns;
	print_message("# noticed %llu us after the last of %d, of which one interval is due\n",
		      (unsigned long long)took_ns / 1000, ECHO_MULT);
	assert_int_equal(session(node).diag, BFD_DIAG_ECHO);
	assert_int_equal(session(node).failed, 1);
	assert_int_equal(link_of(node).cause, CAUSE_BFD);
	assert_int_equal(links_down(node), 1);
	assert_int_equal(wakes(node), 1);
	fantel_bpf__destroy(node);
}

/* A neighbour that says it returns echoes, and never did. */
static void never_came(void **state)
{
	const struct timespec time = { .tv_nsec = 100 * NSEC_PER_MSEC };
	struct fantel_bpf *node = node_echoing(false, 0, NULL);

	heard(node, (struct says){ .state = BFD_UP, .yours = MINE, .min_tx_us = 10000000 });
	send_more(node, 9);
	nanosleep(&time, NULL);
	assert_int_equal(session(node).state, BFD_UP);
	fantel_bpf__destroy(node);
}

int main(void)
{
	static const struct CMUnitTest rest[] = {
		TEST("a packet that was damaged on its way", damaged),
		TEST("from discriminator 0", zero),
		TEST("what is not the session's is the kernel's", others),
		TEST("a session at rest hears nothing", at_rest),
		TEST("down, init, up, as the peer does", comes_up),
		TEST("the loader is woken by what it has to answer", the_loader_is_woken),
		TEST("the peer is down: so is the link, at once", the_peer_is_down),
		TEST("the peer is out of service: nothing follows for the link", out_of_service),
		TEST("nor does anything that followed last", out_of_service_after_a_failure),
		TEST("silence takes the link down, without user space", silence),
		TEST("a detection time that got shorter counts from now on", a_shorter_time),
		TEST("who is heard in time stays up", kept_alive),
		TEST("silence of a peer that was never up concerns no link", silence_in_init),
		TEST("an echo of the neighbour goes back, once", sent_back),
		TEST("an echo of ours comes back", comes_back),
		TEST("what is no echo of ours, or of no use, changes nothing", not_ours),
		TEST("without echoes in policy they are the kernel's", without_echoes),
		TEST("echoes that are missing in a row take the link down", missing_echoes),
		TEST("echoes that never came back say nothing", never_came),
		TEST("a link that is down already has its failure", the_first_wins),
		TEST("a failure that is not over goes on", the_same_failure_goes_on),
	};
	struct CMUnitTest tests[ARRAY_SIZE(packet_cases) + ARRAY_SIZE(rest)];
	size_t n = 0;

	net_enter();
	port = net_port("r2", "02:00:00:00:00:02");
	other_port = net_port("r3", "02:00:00:00:00:03");
	for (size_t i = 0; i < ARRAY_SIZE(packet_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = packet_cases[i].sentence,
						  .test_func = count_packet,
						  .initial_state = (void *)&packet_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(rest); i++)
		tests[n++] = rest[i];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
