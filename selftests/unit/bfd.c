// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * BFD: the packet, the rules of a session, and what the sender says when. Wanted bytes and states are
 * RFC 5880's, written out here; two ends that follow these rules are run against each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "bfd_echo.h"
#include "bfd_talk.h"
#include "fantel/frame.h"
#include "fantel/msg_types.h"

#define MS NSEC_PER_MSEC
#define S NSEC_PER_SEC

/* ---- packets --------------------------------------------------------------------------------- */

/* Version 1, diagnostic 3, Up, Poll, multiplier 3; 0x01020304 to 0x0a0b0c0d; 50 ms, 60 ms, 0. */
static const __u8 good[BFD_LEN] = { 0x23, 0xe0, 3, 24, 1, 2, 3,	   4,	 10, 11, 12,   13,
				    0,	  0,	0xc3, 0x50, 0, 0, 0xea, 0x60, 0,  0,  0,    0 };

static const struct parse_case {
	const char *sentence;
	__u8 at, value;	  /* one byte that differs */
	__u8 at2, value2; /* and, where not 0, another */
	__u32 len;
	enum reason reason;
} parse_cases[] = {
	{ "a packet is read", 0, 0x23, 0, 0, BFD_LEN, REASON_NONE },
	{ "one that UDP makes longer, too", 0, 0x23, 0, 0, BFD_LEN + 9, REASON_NONE },
	{ "one byte less is too short", 0, 0x23, 0, 0, BFD_LEN - 1, REASON_BFD_LENGTH },
	{ "nothing is too short", 0, 0x23, 0, 0, 0, REASON_BFD_LENGTH },
	{ "version 0 is another one", 0, 0x03, 0, 0, BFD_LEN, REASON_BFD_VERSION },
	{ "version 2 is another one", 0, 0x43, 0, 0, BFD_LEN, REASON_BFD_VERSION },
	{ "its own length is below the fixed part", BFD_OFF_LEN, 23, 0, 0, BFD_LEN,
	  REASON_BFD_LENGTH },
	{ "its own length is beyond what UDP holds", BFD_OFF_LEN, 25, 0, 0, BFD_LEN,
	  REASON_BFD_LENGTH },
	{ "authentication is not agreed on", BFD_OFF_FLAGS, 0xe4, BFD_OFF_LEN, 26, BFD_LEN + 2,
	  REASON_BFD_AUTH },
	{ "the authentication bit without a section", BFD_OFF_FLAGS, 0xe4, 0, 0, BFD_LEN,
	  REASON_BFD_AUTH },
	{ "a multiplier of 0", BFD_OFF_MULT, 0, 0, 0, BFD_LEN, REASON_BFD_FIELD },
	{ "the multipoint bit", BFD_OFF_FLAGS, 0xe1, 0, 0, BFD_LEN, REASON_BFD_FIELD },
	{ "unknown diagnostics are none of ours to judge", 0, 0x3f, 0, 0, BFD_LEN, REASON_NONE },
};

static void parse_one(void **state)
{
	const struct parse_case *c = *state;
	struct bfd_packet p, untouched;
	__u8 b[BFD_LEN + 9] = {};

	memcpy(b, good, sizeof(good));
	b[c->at] = c->value;
	if (c->at2)
		b[c->at2] = c->value2;
	memset(&p, 0x5a, sizeof(p));
	untouched = p;
	assert_int_equal(bfd_parse(&p, b, c->len), c->reason);
	if (c->reason) {
		assert_memory_equal(&p, &untouched, sizeof(p));
		return;
	}
	assert_int_equal(p.state, BFD_UP);
	assert_int_equal(p.mult, 3);
	assert_int_equal(p.flags & BFD_POLL, BFD_POLL);
	assert_int_equal(p.mine, 0x01020304);
	assert_int_equal(p.yours, 0x0a0b0c0d);
	assert_int_equal(p.min_tx_us, 50000);
	assert_int_equal(p.min_rx_us, 60000);
	assert_int_equal(p.min_echo_rx_us, 0);
}

static void discriminators(void **state)
{
	static const enum reason without_yours[] = { REASON_NONE, REASON_NONE, REASON_BFD_STATE,
						     REASON_BFD_STATE };
	__u8 b[BFD_LEN];
	struct bfd_packet p;

	memcpy(b, good, sizeof(b));
	memset(b + BFD_OFF_MINE, 0, 4);
	assert_int_equal(bfd_parse(&p, b, sizeof(b)), REASON_BFD_ZERO);
	memcpy(b, good, sizeof(b));
	memset(b + BFD_OFF_YOURS, 0, 4);
	for (int s = BFD_ADMIN_DOWN; s <= BFD_UP; s++) {
		b[BFD_OFF_FLAGS] = s << 6;
		assert_int_equal(bfd_parse(&p, b, sizeof(b)), without_yours[s]);
	}
}

static void written_as_read(void **state)
{
	struct bfd_packet p;
	__u8 b[BFD_LEN];

	assert_int_equal(bfd_parse(&p, good, sizeof(good)), REASON_NONE);
	bfd_write(b, &p);
	assert_memory_equal(b, good, sizeof(good));
}

/* ---- states ---------------------------------------------------------------------------------- */

/* RFC 5880 §6.8.6, from what is heard in what state. */
static void next_states(void **state)
{
	static const __u8 next[][4] = {
		/* heard:       AdminDown  Down      Init      Up */
		[BFD_DOWN] = { BFD_DOWN, BFD_INIT, BFD_UP, BFD_DOWN },
		[BFD_INIT] = { BFD_DOWN, BFD_INIT, BFD_UP, BFD_UP },
		[BFD_UP] = { BFD_DOWN, BFD_DOWN, BFD_UP, BFD_UP },
	};

	for (int now = BFD_DOWN; now <= BFD_UP; now++)
		for (int heard = BFD_ADMIN_DOWN; heard <= BFD_UP; heard++)
			assert_int_equal(bfd_next(now, heard), next[now][heard]);
}

/* From any pair of states, whoever speaks first, two ends come up and stay there. */
static void two_ends(void **state)
{
	for (int pair = 0; pair < 9 * 2; pair++) {
		enum bfd_state end[2] = { BFD_DOWN + pair / 2 % 3, BFD_DOWN + pair / 6 };

		for (int turn = pair % 2; turn < 12; turn++)
			end[turn % 2] = bfd_next(end[turn % 2], end[!(turn % 2)]);
		assert_int_equal(end[0], BFD_UP);
		assert_int_equal(end[1], BFD_UP);
	}
}

static void times(void **state)
{
	assert_int_equal(bfd_detection_ns(3, 50000, 10000), 150 * MS);
	assert_int_equal(bfd_detection_ns(3, 10000, 50000), 150 * MS);
	assert_int_equal(bfd_detection_ns(255, ~0U, 1), 255ULL * ~0U * 1000);
	for (__u32 random = 0; random < 5000; random++) {
		assert_in_range(bfd_pause_ns(50000, 20000, 3, random), 37500000, 50 * MS);
		assert_in_range(bfd_pause_ns(20000, 50000, 1, random), 37500000, 45 * MS);
	}
	assert_int_equal(bfd_pause_ns(50000, 0, 3, 0), 50 * MS);
	assert_int_equal(bfd_pause_ns(50000, 0, 3, 250), 37500000);
}

/* ---- what is said ---------------------------------------------------------------------------- */

static struct bfd_talk fresh(void)
{
	struct bfd_talk t = { .want_tx_us = 50000, .want_rx_us = 40000, .mult = 3 };

	bfd_talk_begin(&t, 10 * S);
	return t;
}

static const struct bfd_session silent = { .state = BFD_DOWN };
static const struct bfd_session is_up = {
	.state = BFD_UP, .heard_ns = 1, .its_discriminator = 7, .its_min_rx_us = 30000,
	.its_state = BFD_UP,
};

static void slow_until_up(void **state)
{
	struct bfd_talk t = fresh();
	struct bfd_set set = { .discriminator = 5 };
	struct bfd_packet p;

	assert_int_equal(bfd_talk(&t, &silent, 10 * S, 0), BFD_SAY_STATE);
	assert_int_equal(t.next_ns, 11 * S);
	assert_int_equal(bfd_talk(&t, &silent, 10 * S + 999 * MS, 0), 0);
	assert_int_equal(bfd_talk(&t, &silent, 11 * S, 250), BFD_SAY_STATE);
	assert_int_equal(t.next_ns, 11 * S + 750 * MS);
	p = bfd_talk_packet(&t, &set, &silent, BFD_SAY_STATE);
	assert_int_equal(p.min_tx_us, 1000000);
	assert_int_equal(p.min_rx_us, 40000);
	assert_int_equal(p.mine, 5);
	assert_int_equal(p.yours, 0);
	assert_int_equal(p.flags, 0);
}

static void a_change_is_said_at_once(void **state)
{
	struct bfd_session b = silent;
	struct bfd_talk t = fresh();

	bfd_talk(&t, &b, 10 * S, 0);
	b.state = BFD_INIT;
	assert_int_equal(bfd_talk(&t, &b, 10 * S + 1, 0), BFD_SAY_STATE);
	assert_int_equal(t.next_ns, 11 * S + 1);
	b.state = BFD_DOWN;
	assert_int_equal(bfd_talk(&t, &b, 10 * S + 2, 0), BFD_SAY_STATE);
}

/* Up: fast from now on, and the peer is asked until it has confirmed. */
static void up_is_polled(void **state)
{
	struct bfd_session b = is_up;
	struct bfd_talk t = fresh();
	struct bfd_set set = {};

	bfd_talk(&t, &silent, 10 * S, 0);
	assert_int_equal(bfd_talk(&t, &b, 10 * S + 1, 0), BFD_SAY_STATE);
	assert_int_equal(bfd_talk_packet(&t, &set, &b, BFD_SAY_STATE).flags, BFD_POLL);
	assert_int_equal(bfd_talk_packet(&t, &set, &b, BFD_SAY_STATE).min_tx_us, 50000);
	assert_int_equal(t.next_ns, 10 * S + 1 + 50 * MS);
	assert_int_equal(bfd_talk(&t, &b, t.next_ns, 0), BFD_SAY_STATE);
	assert_int_equal(bfd_talk_packet(&t, &set, &b, BFD_SAY_STATE).flags, BFD_POLL);
	b.finals++;
	assert_int_equal(bfd_talk(&t, &b, t.sent_ns + 1, 0), 0);
	assert_int_equal(bfd_talk(&t, &b, t.next_ns, 0), BFD_SAY_STATE);
	assert_int_equal(bfd_talk_packet(&t, &set, &b, BFD_SAY_STATE).flags, 0);
}

static void a_poll_is_answered_at_once(void **state)
{
	struct bfd_session b = is_up;
	struct bfd_talk t = fresh();
	struct bfd_packet p;
	struct bfd_set set = {};
	__u64 next_ns;

	bfd_talk(&t, &b, 10 * S, 0);
	next_ns = t.next_ns;
	b.polls++;
	assert_int_equal(bfd_talk(&t, &b, 10 * S + 1, 0), BFD_SAY_FINAL);
	p = bfd_talk_packet(&t, &set, &b, BFD_SAY_FINAL);
	assert_int_equal(p.flags, BFD_FINAL); /* never both bits, §6.5 */
	assert_int_equal(t.next_ns, next_ns);
	assert_int_equal(bfd_talk(&t, &b, 10 * S + 2, 0), 0);
	b.polls++;
	assert_int_equal(bfd_talk(&t, &b, t.next_ns, 0), BFD_SAY_FINAL | BFD_SAY_STATE);
}

static void the_peer_sets_the_pace(void **state)
{
	struct bfd_session b = is_up;
	struct bfd_talk t = fresh();

	b.its_min_rx_us = 200000;
	bfd_talk(&t, &b, 10 * S, 0);
	assert_int_equal(t.next_ns, 10 * S + 200 * MS);
	b.its_min_rx_us = 60000; /* it takes more now: not after 200 ms only */
	bfd_talk(&t, &b, 10 * S + 1, 0);
	assert_int_equal(t.next_ns, 10 * S + 60 * MS);
	b.its_min_rx_us = 0; /* it wants none */
	assert_int_equal(bfd_talk(&t, &b, 11 * S, 0), 0);
	b.polls++;
	assert_int_equal(bfd_talk(&t, &b, 11 * S + 1, 0), BFD_SAY_FINAL);
}

static void demand_is_granted(void **state)
{
	struct bfd_session b = is_up;
	struct bfd_talk t = fresh();

	b.its_flags = BFD_DEMAND;
	assert_int_equal(bfd_talk(&t, &b, 10 * S, 0), BFD_SAY_STATE); /* a poll is on */
	b.finals++;
	assert_int_equal(bfd_talk(&t, &b, 11 * S, 0), 0);
	b.its_state = BFD_DOWN;
	assert_int_equal(bfd_talk(&t, &b, 12 * S, 0), BFD_SAY_STATE);
}

/* §6.8.3: until the peer has confirmed, no slower than before, and it may be no faster. */
static void new_numbers_wait_for_the_peer(void **state)
{
	struct bfd_set set = { .min_tx_us = 50000, .min_rx_us = 100000 };
	struct bfd_talk t = { .want_tx_us = 300000, .want_rx_us = 10000, .mult = 3 };
	struct bfd_session b = is_up;

	bfd_talk_go_on(&t, &set, &b, 10 * S);
	assert_int_equal(bfd_talk(&t, &b, 10 * S, 0), BFD_SAY_STATE);
	assert_true(t.poll);
	assert_int_equal(t.next_ns, 10 * S + 50 * MS);
	assert_int_equal(t.min_rx_us, 100000);
	assert_int_equal(bfd_talk_packet(&t, &set, &b, BFD_SAY_STATE).min_tx_us, 300000);
	assert_int_equal(bfd_talk_packet(&t, &set, &b, BFD_SAY_STATE).min_rx_us, 10000);
	b.finals++;
	bfd_talk(&t, &b, t.next_ns, 0);
	assert_false(t.poll);
	assert_int_equal(t.min_rx_us, 10000);
	assert_int_equal(t.next_ns, 10 * S + 350 * MS);
}

static void down_again_is_slow_again(void **state)
{
	struct bfd_session b = is_up;
	struct bfd_talk t = fresh();

	bfd_talk(&t, &b, 10 * S, 0);
	b.state = BFD_DOWN;
	assert_int_equal(bfd_talk(&t, &b, 10 * S + 1, 0), BFD_SAY_STATE);
	assert_false(t.poll);
	assert_int_equal(t.min_tx_us, 1000000);
	assert_int_equal(t.next_ns, 11 * S + 1);
}

static void out_of_service(void **state)
{
	struct bfd_set set = { .admin_down = 1 };
	struct bfd_talk t = fresh();
	struct bfd_packet p = bfd_talk_packet(&t, &set, &is_up, BFD_SAY_STATE);

	assert_int_equal(p.state, BFD_ADMIN_DOWN);
	assert_int_equal(p.diag, BFD_DIAG_ADMIN);
}

/* ---- echoes ---------------------------------------------------------------------------------- */

static void echoes_in_a_row(void **state)
{
	const __u64 sent_ns[BFD_ECHOES] = { [14] = 100, [15] = 102, [0] = 104, [1] = 106 };

	assert_int_equal(bfd_echo_end(sent_ns, 14, 14, 3, 2, 5), 0);
	assert_int_equal(bfd_echo_end(sent_ns, 16, 14, 3, 2, 5), 0);
	assert_int_equal(bfd_echo_end(sent_ns, 17, 14, 3, 2, 5), 113);
	assert_int_equal(bfd_echo_end(sent_ns, 17, 15, 1, 2, 5), 111);
	/* Numbers begin anew after the last one. */
	assert_int_equal(bfd_echo_end(sent_ns, 1, ~0U - 1, 3, 2, 5), 113);
}

static void when_echoes_are_sent(void **state)
{
	struct bfd_session b = is_up;
	struct bfd_talk t = fresh();

	assert_int_equal(bfd_echo_pause_ns(&t, &b), 0);
	t.echo_us = 2000;
	assert_int_equal(bfd_echo_pause_ns(&t, &b), 0); /* it sends none back */
	b.its_min_echo_rx_us = 5000;
	assert_int_equal(bfd_echo_pause_ns(&t, &b), 5 * MS);
	b.its_min_echo_rx_us = 1000;
	assert_int_equal(bfd_echo_pause_ns(&t, &b), 2 * MS);
	b.echo_on = 1;
	b.echo_rtt_ns = 80 * MS; /* no more than half of what can be kept note of is under way */
	assert_int_equal(bfd_echo_pause_ns(&t, &b), 10 * MS);
	b.state = BFD_DOWN;
	assert_int_equal(bfd_echo_pause_ns(&t, &b), 0);
}

/* Written out by hand, but for the sums, which must come out even. */
static void an_echo(void **state)
{
	static const __u8 v4[] = { 0x45, 0xc0, 0, 36, 0,    0,	  0x40, 0, 255,	 17,  0, 0,
				   198,	 51,   100, 1, 192, 0, 2,    1, 0xc0, 0x01, 0x0e, 0xc9,
				   0,	 16,   0, 0, 1, 2, 3, 4, 0, 0, 1, 0 };
	struct config config = { .tclass = 0xc0, .loopback4 = addr_from_v4(be32(0xc6336401)) };
	struct bfd_set set = { .discriminator = 0x01020304, .sport = 0xc001,
			       .local = addr_from_v4(be32(0xc0000201)) };
	__u8 packet[BFD_ECHO_MAX];
	__u64 header = 0, udp = be32(17) + (__u64)be32(16);

	assert_int_equal(bfd_echo_build(packet, &set, &config, 256), sizeof(v4));
	for (size_t i = 0; i < sizeof(v4); i += 4)
		*(i < IPV4_LEN ? &header : &udp) += load32(packet + i);
	assert_int_equal(sum_fold(header), 0xffff);
	assert_int_equal(sum_fold(udp + load32(packet + 12) + load32(packet + 16)), 0xffff);
	store16(packet + IPV4_OFF_CSUM, 0);
	store16(packet + IPV4_LEN + UDP_OFF_SUM, 0);
	assert_memory_equal(packet, v4, sizeof(v4));
	/* Of a node without an IPv4 loopback, from the port itself. */
	memset(&config.loopback4, 0, sizeof(config.loopback4));
	bfd_echo_build(packet, &set, &config, 1);
	assert_memory_equal(packet + IPV4_OFF_SRC, packet + IPV4_OFF_DST, 4);
}

#define UNIT(sentence, function) { .name = sentence, .test_func = function }

int main(void)
{
	static const struct CMUnitTest others[] = {
		UNIT("who gives no discriminator is nobody; who has not heard ours can't be up",
		     discriminators),
		UNIT("what was read is written as it was", written_as_read),
		UNIT("the state follows from the last one and what is heard", next_states),
		UNIT("two ends come up from any states", two_ends),
		UNIT("detection times and pauses", times),
		UNIT("a session that is not up is spoken of once a second", slow_until_up),
		UNIT("a change of state is said at once", a_change_is_said_at_once),
		UNIT("when it is up the numbers change, with a poll", up_is_polled),
		UNIT("a poll is answered at once, and out of turn", a_poll_is_answered_at_once),
		UNIT("the peer sets the pace, down to none", the_peer_sets_the_pace),
		UNIT("a peer in demand mode is left in peace", demand_is_granted),
		UNIT("new numbers hold when the peer has confirmed them",
		     new_numbers_wait_for_the_peer),
		UNIT("a session that is down is slow again", down_again_is_slow_again),
		UNIT("echoes are lost when several in a row are", echoes_in_a_row),
		UNIT("echoes are sent when both ends want them, as often as both can",
		     when_echoes_are_sent),
		UNIT("an echo is a packet to ourselves", an_echo),
		UNIT("the last words are that it is out of service", out_of_service),
	};
	struct CMUnitTest tests[ARRAY_SIZE(parse_cases) + ARRAY_SIZE(others)];
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(parse_cases); i++)
		tests[n++] = (struct CMUnitTest){ .name = parse_cases[i].sentence,
						  .test_func = parse_one,
						  .initial_state = (void *)&parse_cases[i] };
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		tests[n++] = others[i];
	return cmocka_run_group_tests_name("bfd", tests, NULL, NULL);
}
