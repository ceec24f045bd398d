// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Message authentication codes in the packet path: whose notification is believed, and that what a
 * node sends in a packet's place is signed. The messages received are golden ones, MACs included
 * (golden/messages.json); those with other sequences are signed by the host's build of msg_auth.h,
 * which the same vectors judge.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include <bpf/bpf.h>

#include "../golden/messages.h"
#include "harness.h"

#define SIP 1  /* key-ids of the golden messages */
#define HMAC 2
#define OTHER 7
#define HOUR 3600

static struct fantel_bpf *node;
static struct outcome got;

/* ---- the node -------------------------------------------------------------------------------- */

static const struct vector *vector_named(const char *name)
{
	for (size_t i = 0; i < n_vectors; i++)
		if (!strcmp(vectors[i].name, name))
			return &vectors[i];
	fail_msg("messages.json has no `%s'", name);
	return NULL;
}

static struct mac_key golden_key(__u32 id)
{
	return vector_key(vector_named(id == SIP ? "SipHash authenticated, icmpv6" :
						   "HMAC-SHA-256 authenticated, icmpv6"));
}

static void keys_put(int from_s, int until_s)
{
	struct mac_key sip = golden_key(SIP), hmac = golden_key(HMAC);

	node_clear(node->maps.fantel_keys, sizeof(__u32));
	node_mac_key(node, SIP, &sip, from_s, until_s);
	node_mac_key(node, HMAC, &hmac, from_s, until_s);
}

static void ask(enum authentication authentication)
{
	node_demand(node, "2001:db8:f::/48", authentication);
	node_demand(node, "198.51.100.0/24", authentication);
}

static void forget(void)
{
	struct health well = {};
	__u32 zero = 0;

	node_clear(node->maps.fantel_failed, sizeof(struct failed_key));
	node_clear(node->maps.fantel_origins, sizeof(struct addr));
	node_clear(node->maps.fantel_proven, sizeof(struct addr));
	node_put(node->maps.fantel_health, &zero, &well);
	node_events(node, NULL, 0);
	node_clear(node->maps.fantel_sources, sizeof(struct prefix_key));
	keys_put(-HOUR, HOUR);
	ask(AUTHENTICATION_REQUIRE);
}

static void nothing_known(void)
{
	struct health h;
	__u32 zero = 0;

	node_get(node->maps.fantel_health, &zero, &h);
	assert_int_equal(h.failures, 0);
	assert_int_equal(node_entries(node->maps.fantel_failed, sizeof(struct failed_key)), 0);
	assert_int_equal(node_entries(node->maps.fantel_origins, sizeof(struct addr)), 0);
	assert_int_equal(node_entries(node->maps.fantel_proven, sizeof(struct addr)), 0);
	assert_int_equal(node_events(node, NULL, 0), 0);
}

static struct config receiver_config(void)
{
	struct config config = node_config();

	config.authentication = 1;
	return config;
}

static void node_make(const struct config *config)
{
	struct policy_path three = golden_path("encaps-3");

	node = node_load(config);
	node_path(node, 0, &three);
}

/* ---- messages -------------------------------------------------------------------------------- */

static void text_of(char text[INET6_ADDRSTRLEN], const struct addr *a)
{
	if (addr_is_v4(a))
		inet_ntop(AF_INET, a->b + 12, text, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, a, text, INET6_ADDRSTRLEN);
}

/* The L4 packet as it travels, its lengths and checksum made right. */
static void send_l4(struct bytes *l4, const struct msg_envelope *e)
{
	bool udp = e->transport == TRANSPORT_UDP;
	__u8 proto = udp ? IPPROTO_UDP : IPPROTO_ICMPV6, sum_at = udp ? 6 : 2;
	char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
	static struct bytes frame;

	text_of(src, &e->src);
	text_of(dst, &e->dst);
	if (udp && l4->len >= 6)
		store16(l4->b + 4, htons(l4->len));
	if (l4->len >= sum_at + 2u) {
		store16(l4->b + sum_at, 0);
		store16(l4->b + sum_at, htons(l4_sum(src, dst, proto, l4)));
	}
	frame_around(&frame, src, dst, proto, 255, l4);
	node_run(node, node->progs.fantel_core, 0, &frame, &got);
}

static struct bytes l4_of(const struct vector *v)
{
	struct bytes l4 = {};

	bytes_put(&l4, v->bytes, v->len);
	return l4;
}

static void say_vector(const char *name)
{
	const struct vector *v = vector_named(name);
	struct bytes l4 = l4_of(v);

	send_l4(&l4, &v->envelope);
}

/* A golden failure once more, with this sequence; key-id ~0: without AUTH. What was counted. */
static enum reason say(__u32 key_id, __u64 sequence)
{
	const struct vector *v = vector_named("SipHash authenticated, icmpv6");
	struct msg_rules rules = msg_rules_default();
	struct mac_key key = golden_key(key_id == HMAC ? HMAC : SIP);
	struct msg_buf in = {}, out = {};
	struct bytes l4 = {};
	struct msg m;
	__u32 len;

	memcpy(in.b, v->bytes, v->len);
	assert_int_equal(msg_parse(&m, &rules, &v->envelope, &in, v->len), REASON_NONE);
	m.sequence = sequence;
	m.auth_key_id = key_id;
	m.auth_algorithm = key.algorithm;
	if (key_id == ~0U)
		m.present &= ~MSG_BIT(TLVI_AUTH);
	len = msg_build(&out, &m, &in, &rules, &v->envelope, &key);
	assert_int_not_equal(len, 0);
	bytes_put(&l4, out.b, len);
	send_l4(&l4, &v->envelope);
	assert_int_equal(got.reasons, 1);
	for (enum reason r = 0; r < REASON_COUNT; r++)
		if (got.count[r].packets)
			return r;
	return REASON_NONE;
}

/* ---- rows ------------------------------------------------------------------------------------ */

enum state { ACTIVE, EARLY, EXPIRED, ABSENT, SWAPPED, WRONG };

static const struct row {
	const char *sentence;
	enum authentication asked;
	enum state state; /* of the keys */
	const char *message;
	enum reason reason;
} rows[] = {
	{ "require: SipHash over ICMPv6 acts", AUTHENTICATION_REQUIRE, ACTIVE,
	  "SipHash authenticated, icmpv6", REASON_FAILED },
	{ "require: SipHash over UDP acts", AUTHENTICATION_REQUIRE, ACTIVE,
	  "SipHash authenticated, udp6", REASON_FAILED },
	{ "require: SipHash over IPv4 acts", AUTHENTICATION_REQUIRE, ACTIVE,
	  "SipHash authenticated, udp4", REASON_FAILED },
	{ "require: HMAC over ICMPv6 acts", AUTHENTICATION_REQUIRE, ACTIVE,
	  "HMAC-SHA-256 authenticated, icmpv6", REASON_FAILED },
	{ "require: HMAC over UDP acts", AUTHENTICATION_REQUIRE, ACTIVE,
	  "HMAC-SHA-256 authenticated, udp6", REASON_FAILED },
	{ "require: HMAC over IPv4 acts", AUTHENTICATION_REQUIRE, ACTIVE,
	  "HMAC-SHA-256 authenticated, udp4", REASON_FAILED },
	{ "require: one that was altered, under a good checksum, does not", AUTHENTICATION_REQUIRE,
	  ACTIVE, "authenticated message altered under a good checksum", REASON_AUTH },
	{ "accept: nor does it there", AUTHENTICATION_ACCEPT, ACTIVE,
	  "authenticated message altered under a good checksum", REASON_AUTH },
	{ "off: there it does", AUTHENTICATION_OFF, ACTIVE,
	  "authenticated message altered under a good checksum", REASON_FAILED },
	{ "accept: a right one acts", AUTHENTICATION_ACCEPT, ACTIVE,
	  "HMAC-SHA-256 authenticated, udp6", REASON_FAILED },
	{ "another key of that id", AUTHENTICATION_REQUIRE, WRONG, "SipHash authenticated, icmpv6",
	  REASON_AUTH },
	{ "another key of that id, HMAC", AUTHENTICATION_REQUIRE, WRONG,
	  "HMAC-SHA-256 authenticated, icmpv6", REASON_AUTH },
	{ "no key of that id", AUTHENTICATION_REQUIRE, ABSENT, "SipHash authenticated, icmpv6",
	  REASON_AUTH_KEY },
	{ "accept: no key of that id", AUTHENTICATION_ACCEPT, ABSENT,
	  "SipHash authenticated, icmpv6", REASON_AUTH_KEY },
	{ "off: no key of that id", AUTHENTICATION_OFF, ABSENT, "SipHash authenticated, icmpv6",
	  REASON_FAILED },
	{ "a key of another algorithm", AUTHENTICATION_REQUIRE, SWAPPED,
	  "SipHash authenticated, icmpv6", REASON_AUTH_KEY },
	{ "a key of another algorithm, HMAC", AUTHENTICATION_REQUIRE, SWAPPED,
	  "HMAC-SHA-256 authenticated, icmpv6", REASON_AUTH_KEY },
	{ "a key that is not active yet", AUTHENTICATION_REQUIRE, EARLY,
	  "SipHash authenticated, udp4", REASON_AUTH_EARLY },
	{ "a key that is not active any more", AUTHENTICATION_REQUIRE, EXPIRED,
	  "HMAC-SHA-256 authenticated, udp4", REASON_AUTH_EXPIRED },
	{ "accept: a key that is not active any more", AUTHENTICATION_ACCEPT, EXPIRED,
	  "SipHash authenticated, udp4", REASON_AUTH_EXPIRED },
};

static void keys_arrange(enum state state)
{
	struct mac_key sip = golden_key(SIP), hmac = golden_key(HMAC);

	switch (state) {
	case ACTIVE:
		break;
	case EARLY:
		keys_put(60, HOUR);
		break;
	case EXPIRED:
		keys_put(-HOUR, -60);
		break;
	case ABSENT:
		node_clear(node->maps.fantel_keys, sizeof(__u32));
		node_mac_key(node, OTHER, &sip, -HOUR, HOUR);
		break;
	case SWAPPED:
		node_mac_key(node, SIP, &hmac, -HOUR, HOUR);
		node_mac_key(node, HMAC, &sip, -HOUR, HOUR);
		break;
	case WRONG:
		sip.sip[1] ^= 1;
		hmac.hmac.outer[7] ^= 1;
		node_mac_key(node, SIP, &sip, -HOUR, HOUR);
		node_mac_key(node, HMAC, &hmac, -HOUR, HOUR);
		break;
	}
}

static void check_row(void **state)
{
	const struct row *row = *state;

	forget();
	ask(row->asked);
	keys_arrange(row->state);
	say_vector(row->message);
	assert_true(outcome_is(&got, row->sentence, XDP_DROP, row->reason));
	if (row->reason != REASON_FAILED)
		nothing_known();
}

/* ---- what forgers do ------------------------------------------------------------------------- */

/* What the MAC does not cover, and no receiver reads: UDP's source port, and Rvsd. */
static bool is_free(const struct vector *v, __u32 bit)
{
	return v->envelope.transport == TRANSPORT_UDP && (bit < 16 || (bit >= 84 && bit < 96));
}

/* Lengths and checksum are made again by send_l4, so that flipping those changes nothing. */
static bool is_mended(const struct vector *v, __u32 bit)
{
	__u32 byte = bit / 8;

	return v->envelope.transport == TRANSPORT_UDP ? byte >= 4 && byte < 8 :
							byte >= 2 && byte < 4;
}

static void every_bit(void **state)
{
	int flipped = 0;

	for (size_t i = 0; i < n_vectors; i++) {
		const struct vector *v = &vectors[i];

		if (!v->key_len || v->reason)
			continue;
		for (__u32 bit = 0; bit < 8 * v->len; bit++) {
			struct bytes l4 = l4_of(v);

			if (is_mended(v, bit))
				continue;
			l4.b[bit / 8] ^= 0x80 >> bit % 8;
			forget();
			send_l4(&l4, &v->envelope);
			assert_int_equal(got.count[REASON_FAILED].packets, is_free(v, bit));
			if (is_free(v, bit))
				continue;
			nothing_known();
			flipped++;
		}
	}
	assert_in_range(flipped, 5000, 10000);
}

static void every_length(void **state)
{
	for (size_t i = 0; i < n_vectors; i++) {
		const struct vector *v = &vectors[i];

		if (!v->key_len || v->reason)
			continue;
		for (__u32 len = 0; len < v->len; len++) {
			struct bytes l4 = l4_of(v);

			l4.len = len;
			forget();
			send_l4(&l4, &v->envelope);
			assert_int_equal(got.count[REASON_FAILED].packets, 0);
			nothing_known();
		}
	}
}

/* Nobody speaks for another: the MAC covers the originator's address. */
static void from_another_source(void **state)
{
	struct vector v = *vector_named("SipHash authenticated, icmpv6");
	struct bytes l4 = l4_of(&v);

	v.envelope.src = addr_of("2001:db8:f::3");
	forget();
	send_l4(&l4, &v.envelope);
	assert_true(outcome_is(&got, "another source", XDP_DROP, REASON_AUTH));
	nothing_known();
}

static void a_mac_may_be_missing(void **state)
{
	forget();
	assert_int_equal(say(~0U, 1), REASON_AUTH_MISSING);
	nothing_known();
	ask(AUTHENTICATION_ACCEPT);
	assert_int_equal(say(~0U, 1), REASON_FAILED);
	ask(AUTHENTICATION_OFF);
	assert_int_equal(say(~0U, 2), REASON_REFRESHED);
}

static void by_source(void **state)
{
	forget();
	ask(AUTHENTICATION_OFF);
	node_demand(node, "2001:db8:f::2/128", AUTHENTICATION_REQUIRE);
	assert_int_equal(say(~0U, 1), REASON_AUTH_MISSING);
	assert_int_equal(say(SIP, 1), REASON_FAILED);
	node_demand(node, "2001:db8:f::2/128", AUTHENTICATION_OFF);
	ask(AUTHENTICATION_REQUIRE);
	assert_int_equal(say(~0U, 2), REASON_REFRESHED);
}

/* Who has proven who they are finds room where anybody could have taken it; who need not, has not. */
static void the_proven_are_not_bound(void **state)
{
	struct health health = { .failures = node_config().failures_each };
	__u32 zero = 0;

	forget();
	ask(AUTHENTICATION_ACCEPT);
	node_put(node->maps.fantel_health, &zero, &health);
	assert_int_equal(say(~0U, 1), REASON_FAILED_SHARE);
	assert_int_equal(say(SIP, 1), REASON_FAILED);
	node_clear(node->maps.fantel_failed, sizeof(struct failed_key));
	node_put(node->maps.fantel_health, &zero, &health);
	ask(AUTHENTICATION_OFF);
	assert_int_equal(say(SIP, 2), REASON_FAILED_SHARE);
}

/* Who has proven who they are is never forgotten for another one. */
static void no_room_for_one_more(void **state)
{
	const struct origin origin = {};
	struct addr other = { .b = { 0x20, 0x02 } };

	forget();
	for (__u32 i = 0; i < MAX_ORIGINS; i++) {
		store32(other.b + 12, i);
		node_put(node->maps.fantel_proven, &other, &origin);
	}
	assert_int_equal(say(SIP, 1), REASON_ORIGINS_FULL);
	assert_int_equal(node_entries(node->maps.fantel_failed, sizeof(struct failed_key)), 0);
	assert_int_equal(node_entries(node->maps.fantel_proven, sizeof(other)), MAX_ORIGINS);
	assert_int_equal(bpf_map_delete_elem(bpf_map__fd(node->maps.fantel_proven), &other), 0);
	assert_int_equal(say(SIP, 1), REASON_FAILED);
}

/* ---- replay ---------------------------------------------------------------------------------- */

static void a_replay_does_nothing(void **state)
{
	forget();
	assert_int_equal(say(SIP, 1000), REASON_FAILED);
	assert_int_equal(say(SIP, 1000), REASON_DUPLICATE);
	assert_int_equal(say(HMAC, 1000), REASON_DUPLICATE);
	assert_int_equal(say(SIP, 1000 - WINDOW), REASON_STALE);
	assert_int_equal(say(HMAC, 1001), REASON_REFRESHED);
}

/* A forger can't use up an originator's sequences: neither with a wrong MAC, nor, where that is let
 * in, without one. */
static void a_forger_does_not_move_the_window(void **state)
{
	struct mac_key wrong = golden_key(SIP), right = wrong;

	forget();
	assert_int_equal(say(SIP, 1000), REASON_FAILED);
	wrong.sip[0]++;
	node_mac_key(node, SIP, &wrong, -HOUR, HOUR);
	assert_int_equal(say(SIP, ~0ULL), REASON_AUTH);
	node_mac_key(node, SIP, &right, -HOUR, HOUR);
	assert_int_equal(say(SIP, 1001), REASON_REFRESHED);
	ask(AUTHENTICATION_ACCEPT);
	assert_int_equal(say(~0U, ~0ULL), REASON_REFRESHED);
	assert_int_equal(say(SIP, 1002), REASON_REFRESHED);
	assert_int_equal(say(~0U, 1003), REASON_STALE);
}

/* Both count at once; then the new one alone. */
static void a_roll_over(void **state)
{
	struct mac_key sip = golden_key(SIP);
	__u32 old = SIP;

	forget();
	assert_int_equal(say(SIP, 1), REASON_FAILED);
	assert_int_equal(say(HMAC, 2), REASON_REFRESHED);
	assert_int_equal(say(SIP, 3), REASON_REFRESHED);
	node_mac_key(node, SIP, &sip, -HOUR, 0);
	assert_int_equal(say(SIP, 4), REASON_AUTH_EXPIRED);
	assert_int_equal(say(HMAC, 4), REASON_REFRESHED);
	bpf_map_delete_elem(bpf_map__fd(node->maps.fantel_keys), &old);
	assert_int_equal(say(SIP, 5), REASON_AUTH_KEY);
	assert_int_equal(say(HMAC, 5), REASON_REFRESHED);
}

/* From the second on in which it says so. */
static void a_key_becomes_active_by_itself(void **state)
{
	struct mac_key sip = golden_key(SIP);
	enum reason reason;

	forget();
	node_mac_key(node, SIP, &sip, 2, HOUR);
	assert_int_equal(say(SIP, 1), REASON_AUTH_EARLY);
	do
		reason = say(SIP, 1);
	while (reason == REASON_AUTH_EARLY);
	assert_int_equal(reason, REASON_FAILED);
}

/* ---- what is sent ---------------------------------------------------------------------------- */

static struct bytes doomed(void)
{
	return *golden("in transit");
}

static __u32 core0;

/* A P node that signs with these; core1 is down. */
static void p_node(enum transport transport, __u8 n, const __u32 *ids)
{
	struct node_state state = { .links_down = 1, .sequence = 7, .alive_until = FRESH };
	struct link link = { .name = "core1", .down = 1, .cause = CAUSE_CARRIER, .event_id = 5 };
	struct config config = node_config();
	__u32 zero = 0, core1 = net_index("core1");

	config.locator = addr_of("2001:db8:a:2::");
	config.locator_len = 64;
	config.transport = transport;
	config.n_repeats = 1;
	config.n_sign_keys = n;
	memcpy(config.sign_key, ids, n * sizeof(*ids));
	node = node_load(&config);
	node_source(node, "2001:db8:f::/48");
	node_source(node, "198.51.100.0/24");
	node_put(node->maps.fantel_node, &zero, &state);
	node_put(node->maps.fantel_links, &core1, &link);
}

/* What the packet became: *m, and its MAC judged with *key. */
static enum reason sent(struct msg *m, const struct mac_key *key)
{
	struct msg_rules rules = msg_rules((const struct config *)&node->rodata->config);
	struct msg_envelope e = {};
	static struct msg_buf buf;
	struct frame f = {};
	__u32 len;

	assert_true(frame_parse(&f, got.out.b, got.out.b + got.out.len));
	e.src = f.src;
	e.dst = f.dst;
	e.transport = f.proto == IPPROTO_UDP ? TRANSPORT_UDP : TRANSPORT_ICMPV6;
	len = f.len + ETH_LEN - f.l4;
	memcpy(buf.b, got.out.b + f.l4, len);
	assert_int_equal(msg_parse(m, &rules, &e, &buf, len), REASON_NONE);
	return msg_auth(m, key, &e, &buf);
}

static void detect_signs(void **state)
{
	static const __u32 ids[] = { SIP, HMAC };

	for (int i = 0; i < 4; i++) {
		__u32 id = ids[i % 2];
		struct mac_key key = golden_key(id);
		struct bytes in = doomed();
		struct msg m;

		p_node(i / 2 ? TRANSPORT_UDP : TRANSPORT_ICMPV6, 1, &id);
		node_mac_key(node, id, &key, -HOUR, HOUR);
		node_run(node, node->progs.fantel_core, core0, &in, &got);
		assert_int_equal(got.count[REASON_NOTIFIED].packets, 1);
		assert_int_equal(got.count[REASON_UNSIGNED].packets, 0);
		assert_int_equal(sent(&m, &key), REASON_NONE);
		assert_int_equal(m.auth_key_id, id);
		assert_int_equal(m.event_id, 5);
		fantel_bpf__destroy(node);
	}
}

/* Of several the one that became active last; without one, unsigned, and counted. */
static void the_latest_key_signs(void **state)
{
	static const struct {
		int from[3], until[3]; /* of keys 3, 1, 9 */
		__u32 id;
	} rows[] = {
		{ { -30, -20, -10 }, { 60, 60, 60 }, 9 },
		{ { -30, -10, -20 }, { 60, 60, 60 }, 1 },
		{ { -30, -20, 10 }, { 60, 60, 60 }, 1 },
		{ { -30, -20, -10 }, { 60, 60, -1 }, 1 },
		{ { -30, -20, -10 }, { 60, -1, -1 }, 3 },
		{ { 30, -20, 10 }, { 60, -1, 60 }, 0 },
	};
	static const __u32 ids[] = { 3, 1, 9 };
	struct mac_key key = golden_key(SIP);

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bytes in = doomed();
		struct msg m;

		p_node(TRANSPORT_ICMPV6, 3, ids);
		for (int k = 0; k < 3; k++)
			node_mac_key(node, ids[k], &key, rows[i].from[k], rows[i].until[k]);
		node_run(node, node->progs.fantel_core, core0, &in, &got);
		assert_int_equal(got.count[REASON_NOTIFIED].packets, 1);
		assert_int_equal(got.count[REASON_UNSIGNED].packets, !rows[i].id);
		assert_int_equal(sent(&m, &key), rows[i].id ? REASON_NONE : REASON_AUTH);
		assert_int_equal(msg_has(&m, TLVI_AUTH), rows[i].id != 0);
		assert_int_equal(m.auth_key_id, rows[i].id);
		fantel_bpf__destroy(node);
	}
}

/* What senders without a feasible path are told. */
static void tell_signs(void **state)
{
	static const struct {
		const char *packet, *class;
	} rows[] = { { "roce6", "2001:db8:2::/48" }, { "roce4", "203.0.113.0/24" } };
	struct mac_key key = golden_key(HMAC);
	struct config config = node_config();
	struct msg m;

	config.tell_sender = 1;
	config.n_sign_keys = 1;
	config.sign_key[0] = HMAC;
	node = node_load(&config);
	node_group(node, 0, FATE_DROP, 1, NULL, NULL);
	node_failures(node, 0, 1);
	node_mac_key(node, HMAC, &key, -HOUR, HOUR);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		node_class(node, rows[i].class, 0);
		node_run(node, node->progs.fantel_customer, core0, golden(rows[i].packet), &got);
		assert_true(outcome_is(&got, rows[i].packet, XDP_TX, REASON_NO_PATH_TOLD));
		assert_int_equal(sent(&m, &key), REASON_NONE);
		assert_int_equal(m.auth_key_id, HMAC);
		assert_int_equal(m.cause, CAUSE_NO_FEASIBLE_PATH);
	}
	fantel_bpf__destroy(node);
}

static void net_make(void)
{
	net_enter();
	core0 = net_port("core0", "02:00:00:00:03:01");
	net_port("core1", "02:00:00:00:04:01");
	net_do("ip -6 addr add 2001:db8:e0::1/64 dev core0 nodad");
	net_do("ip -6 addr add 2001:db8:e1::1/64 dev core1 nodad");
	net_do("ip -6 neigh add 2001:db8:e0::2 lladdr 02:00:00:00:03:02 dev core0");
	net_do("ip -6 neigh add 2001:db8:e1::2 lladdr 02:00:00:00:04:02 dev core1");
	net_do("ip -6 route add 2001:db8:f::/48 via 2001:db8:e0::2");
	net_do("ip -6 route add 2001:db8:a::/48 via 2001:db8:e1::2");
}

static const struct CMUnitTest received[] = {
	TEST("of right messages with any one bit flipped, none acts or leaves a trace", every_bit),
	TEST("nor of those cut at any length, checksums mended", every_length),
	TEST("nobody speaks for another source", from_another_source),
	TEST("without a MAC: require refuses, accept and off take it", a_mac_may_be_missing),
	TEST("what is asked goes by the source's longest prefix", by_source),
	TEST("who has proven who they are is not bound to a path's part", the_proven_are_not_bound),
	TEST("of those so many and no more, and a repetition has another try", no_room_for_one_more),
	TEST("what was heard once does nothing a second time", a_replay_does_nothing),
	TEST("a forger does not move an originator's window", a_forger_does_not_move_the_window),
	TEST("in a roll-over two keys count at once", a_roll_over),
	TEST("a key becomes active by itself", a_key_becomes_active_by_itself),
};

static const struct CMUnitTest sending[] = {
	TEST("detect signs, by either algorithm over either transport", detect_signs),
	TEST("of several keys the one that became active last signs", the_latest_key_signs),
	TEST("what a sender is told is signed", tell_signs),
};

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(received)];
	struct config config = receiver_config();
	int failed;

	memset(tests, 0, sizeof(tests));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tests[i].name = rows[i].sentence;
		tests[i].test_func = check_row;
		tests[i].initial_state = (void *)&rows[i];
	}
	memcpy(tests + ARRAY_SIZE(rows), received, sizeof(received));
	vectors_read(SRCDIR "/selftests/golden/messages.json");
	net_make();
	node_make(&config);
	failed = _cmocka_run_group_tests("auth: received", tests, ARRAY_SIZE(tests), NULL, NULL);
	fantel_bpf__destroy(node);
	return failed + cmocka_run_group_tests_name("auth: sent", sending, NULL, NULL);
}
