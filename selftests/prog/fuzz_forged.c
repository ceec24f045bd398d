// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Nothing that is forged, replayed, of another domain or malformed changes what a node knows. A node that
 * asks for MACs is told of failures, congestion and metrics by those who may; then comes what attackers
 * would send, at random, in BPF_PROG_TEST_RUN. Each must be dropped, and counted once, for a reason that
 * fits; every map, but for the counters, must be what it was: those that notifications may change after
 * each few thousand, and all of them at the end.
 *
 * Environment: FUZZ_RUNS messages (default 100000), FUZZ_SEED (default 1).
 */
#include <arpa/inet.h>
#include <sys/mman.h>

#include <bpf/bpf.h>

#include "encap.h"
#include "fantel/msg_build.h"
#include "harness.h"
#include "own.h"
#include "words.h"

#define RUNS 100000
#define LOOK_EVERY 4096
#define DOMAIN 5
#define RADIUS 8
#define HOUR 3600
#define ORIGINATORS 8
#define TOLD 24 /* by each, in the beginning */
#define FIRST_SEQUENCE (1ULL << 40)
#define US6 "2001:db8:f::1"
#define US4 "198.51.100.1"

enum { SIP = 1, HMAC, EARLY, EXPIRED, UNKNOWN, KEYS }; /* key-ids */

struct fuzz {
	struct fantel_bpf *node;
	const struct traffic *stats; /* the map itself */
	struct mac_key key[KEYS];
	struct msg_rules rules;
	__u64 random;
	struct bytes told[ORIGINATORS * TOLD]; /* as they were accepted */
	__u32 n_told;
	struct bytes frame;
	bool customer; /* port */
};

static void __attribute__((noreturn)) give_up(const char *what)
{
	fprintf(stderr, "fuzz_forged: %s: %s\n", what, strerror(errno));
	exit(1);
}

static __u32 roll(struct fuzz *z, __u32 n)
{
	z->random = z->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (z->random >> 33) % n;
}

/* ---- what a node knows ----------------------------------------------------------------------- */

/* Not state: counters, a packet's own notes, and events, which are looked at by themselves. */
static bool is_state(const struct bpf_map *map)
{
	if (bpf_map__is_internal(map) || bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF)
		return false;
	return strcmp(bpf_map__name(map), "fantel_stats") &&
	       strcmp(bpf_map__name(map), "fantel_scratch");
}

/* What a notification that is believed may change. */
static bool may_change(const struct bpf_map *map)
{
	static const char *const maps[] = { "fantel_failed",  "fantel_health",	"fantel_resource",
					    "fantel_origins", "fantel_proven",	"fantel_metrics",
					    "fantel_node",    "fantel_transit", "fantel_told" };

	for (size_t i = 0; i < ARRAY_SIZE(maps); i++)
		if (!strcmp(bpf_map__name(map), maps[i]))
			return true;
	return false;
}

/* FNV-1a by words. */
static __u64 digest(__u64 h, const void *data, size_t len)
{
	const __u8 *b = data;
	__u64 word;

	for (; len; len -= MIN(len, 8), b += 8) {
		word = 0;
		memcpy(&word, b, MIN(len, 8));
		h = (h ^ word) * 0x100000001b3ULL;
	}
	return h;
}

static size_t value_room(const struct bpf_map *map)
{
	size_t size = bpf_map__value_size(map);
	enum bpf_map_type type = bpf_map__type(map);

	if (type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH)
		return (size + 7) / 8 * 8 * libbpf_num_possible_cpus();
	return size;
}

/* Of all keys and values. */
static __u64 map_digest(struct bpf_map *map)
{
	__u32 key_size = bpf_map__key_size(map), room = MIN(bpf_map__max_entries(map), 8192), n;
	size_t value_size = value_room(map);
	OWN_MEM __u8 *keys = malloc(room * key_size), *values = malloc(room * value_size);
	__u64 h = 0xcbf29ce484222325ULL, batch[32], *from = NULL;
	int err;

	if (!keys || !values)
		give_up("memory");
	do {
		n = room;
		err = bpf_map_lookup_batch(bpf_map__fd(map), from, batch, keys, values, &n, NULL);
		if (err && errno != ENOENT)
			give_up(bpf_map__name(map));
		h = digest(digest(h, keys, n * key_size), values, n * value_size);
		from = batch;
	} while (!err);
	return h;
}

#define MAPS_MAX 64
struct state {
	__u64 digest[MAPS_MAX];
};

static void state_read(const struct fuzz *z, struct state *state, bool all)
{
	struct bpf_map *map;
	int i = 0;

	bpf_object__for_each_map(map, z->node->obj) {
		if (i == MAPS_MAX)
			give_up("more maps than there were");
		if (is_state(map) && (all || may_change(map)))
			state->digest[i] = map_digest(map);
		i++;
	}
}

/* Says which map differs. */
static bool state_same(const struct fuzz *z, const struct state *was)
{
	struct state is = *was;
	struct bpf_map *map;
	int i = 0;

	state_read(z, &is, false);
	bpf_object__for_each_map(map, z->node->obj) {
		if (is.digest[i] != was->digest[i]) {
			printf("# %s has changed\n", bpf_map__name(map));
			return false;
		}
		i++;
	}
	return true;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* A message as the originator would sign it, and what an attacker makes of it. */
struct draft {
	enum kind kind;
	bool udp, udp4;
	__u32 originator;
	__u32 event_id;
	__u64 sequence;
	__u32 domain;	    /* 0: none */
	__u32 key;	    /* 0: no MAC */
	__u32 signed_for;   /* originator whose address the MAC covers */
	__u8 hop_limit;
	const char *src; /* NULL: the originator's */
};

static struct draft draft_good(struct fuzz *z)
{
	struct draft d = { .kind = roll(z, KIND_COUNT), .originator = roll(z, ORIGINATORS) };
	__u32 by = roll(z, 3);

	d.udp = by == 1;
	d.udp4 = by == 2;
	d.signed_for = d.originator;
	d.event_id = 1 + roll(z, 2 * TOLD);
	d.sequence = FIRST_SEQUENCE + TOLD + 1 + roll(z, 1 << 20);
	d.domain = DOMAIN;
	d.key = SIP + roll(z, 2);
	d.hop_limit = 255 - roll(z, RADIUS + 1);
	return d;
}

static void originator_text(char text[INET6_ADDRSTRLEN], const struct draft *d, __u32 originator)
{
	if (d->src)
		snprintf(text, INET6_ADDRSTRLEN, "%s", d->src);
	else
		snprintf(text, INET6_ADDRSTRLEN, d->udp4 ? "198.51.100.%u" : "2001:db8:f::%x",
			 originator + 2);
}

/* The L4 packet; its length. */
static __u32 draft_write(struct fuzz *z, struct msg_buf *buf, const struct draft *d)
{
	char src[INET6_ADDRSTRLEN];
	struct msg_envelope e = { .dst = addr_of(d->udp4 ? US4 : US6) };
	struct tunnel_key tunnel[ENCAP_KEYS_MAX];
	static const char *const names[] = { "encaps-3", "gre-4", "mpls-3", "encaps-2" };
	struct policy_path path = golden_path(names[roll(z, ARRAY_SIZE(names))]);
	struct writer w;
	__u32 len;

	e.transport = d->udp || d->udp4 ? TRANSPORT_UDP : TRANSPORT_ICMPV6;
	originator_text(src, d, d->signed_for);
	e.src = addr_of(src);
	w = msg_begin(buf, &e);
	encap_keys(tunnel, ENCAP_KEYS_MAX, &path);
	msg_put_tunnel(&w, &tunnel[0]);
	if (d->kind == KIND_LOAD)
		msg_put_word(&w, TLV_UTILIZED, 0);
	msg_put_event(&w, &z->rules, d->event_id, d->sequence, 0);
	if (d->domain)
		msg_put_u32(&w, &z->rules, TLV_DOMAIN, d->domain);
	msg_put_byte(&w, &z->rules, TLV_CAUSE, CAUSE_CARRIER);
	if (d->key)
		msg_put_auth(&w, &z->rules, d->key, d->key % 2 ? AUTH_SIPHASH : AUTH_HMAC_SHA256);
	len = msg_finish(&w, &z->rules, &e, d->kind, tunnel[0].code);
	if (!len || (d->key && msg_sign(buf, &e, len, &z->key[d->key], len - WIRE_AUTH_LEN, 0)))
		give_up("a message can't be written");
	return len;
}

/* Around it what carries it, lengths and checksum made right. */
static void draft_frame(struct fuzz *z, const struct draft *d, const __u8 *bytes, __u32 len)
{
	__u8 proto = d->udp || d->udp4 ? IPPROTO_UDP : IPPROTO_ICMPV6;
	__u32 sum_at = proto == IPPROTO_UDP ? 6 : 2;
	const char *dst = d->udp4 ? US4 : US6;
	char src[INET6_ADDRSTRLEN];
	static struct bytes l4;
	__u16 sum;

	originator_text(src, d, d->originator);
	l4.len = 0;
	bytes_put(&l4, bytes, len);
	if (proto == IPPROTO_UDP && len >= 8)
		store16(l4.b + 4, htons(len));
	if (len >= sum_at + 2) {
		store16(l4.b + sum_at, 0);
		sum = l4_sum(src, dst, proto, &l4);
		/* 0 says that there is none (RFC 768). */
		store16(l4.b + sum_at, htons(proto == IPPROTO_UDP && !sum ? 0xffff : sum));
	}
	z->frame.len = 0;
	frame_around(&z->frame, src, dst, proto, d->hop_limit, &l4);
}

static void draft_send(struct fuzz *z, const struct draft *d)
{
	struct msg_buf buf = {};
	__u32 len = draft_write(z, &buf, d);

	draft_frame(z, d, buf.b, len);
}

/* ---- attacks --------------------------------------------------------------------------------- */

static void no_mac(struct fuzz *z)
{
	struct draft d = draft_good(z);

	d.key = 0;
	draft_send(z, &d);
}

/* Of a key that is not, or not yet, or no more. */
static void bad_key(struct fuzz *z)
{
	struct draft d = draft_good(z);

	d.key = EARLY + roll(z, KEYS - EARLY);
	draft_send(z, &d);
}

/* Recorded from one, sent as another. */
static void other_name(struct fuzz *z)
{
	struct draft d = draft_good(z);

	d.originator = (d.signed_for + 1 + roll(z, ORIGINATORS - 1)) % ORIGINATORS;
	draft_send(z, &d);
}

/* One bit of what the MAC covers, or of the MAC. UDP's header and Rvsd are not covered. */
static void one_bit(struct fuzz *z)
{
	struct draft d = draft_good(z);
	struct msg_buf buf = {};
	__u32 len = draft_write(z, &buf, &d), from = d.udp || d.udp4 ? 12 : 4;

	buf.b[from + roll(z, len - from)] ^= 1 << roll(z, 8);
	draft_frame(z, &d, buf.b, len);
}

static void any_mac(struct fuzz *z)
{
	struct draft d = draft_good(z);
	struct msg_buf buf = {};
	__u32 len = draft_write(z, &buf, &d);

	for (__u32 i = len - WIRE_MAC_LEN; i < len; i++)
		buf.b[i] = roll(z, 256);
	draft_frame(z, &d, buf.b, len);
}

/* As it was recorded. */
static void replay(struct fuzz *z)
{
	z->frame = z->told[roll(z, z->n_told)];
}

/* The same over another way: the hop limit is another, and UDP's source port. */
static void replay_elsewhere(struct fuzz *z)
{
	__u8 *ip = z->frame.b + 14;

	replay(z);
	if (ip[0] >> 4 == 6) {
		ip[7] = 255 - roll(z, RADIUS + 1);
		return;
	}
	/* IPv4: the TTL, and the checksum with it. */
	ip[8]--;
	store16(ip + 10, htons(ntohs(load16(ip + 10)) + 0x100));
}

/* A recording of long ago. */
static void replay_late(struct fuzz *z)
{
	struct draft d = draft_good(z);

	d.sequence = FIRST_SEQUENCE - 64 - roll(z, 1 << 20);
	draft_send(z, &d);
}

static void other_domain(struct fuzz *z)
{
	struct draft d = draft_good(z);

	d.domain = roll(z, 4) ? DOMAIN + 1 + roll(z, 1 << 20) : 0;
	draft_send(z, &d);
}

static void other_source(struct fuzz *z)
{
	static const char *const six[] = { "2001:db8:1::2", "::", "fe80::2", "2001:db8:e::2" };
	struct draft d = draft_good(z);

	d.src = d.udp4 ? "192.0.2.9" : six[roll(z, ARRAY_SIZE(six))];
	draft_send(z, &d);
}

static void from_afar(struct fuzz *z)
{
	struct draft d = draft_good(z);

	d.hop_limit = 1 + roll(z, 255 - RADIUS - 1);
	draft_send(z, &d);
}

/* Right in all, but by a customer port. */
static void by_a_customer(struct fuzz *z)
{
	struct draft d = draft_good(z);

	draft_send(z, &d);
	z->customer = true;
}

static void cut_short(struct fuzz *z)
{
	struct draft d = draft_good(z);
	struct msg_buf buf = {};
	__u32 len = draft_write(z, &buf, &d);

	draft_frame(z, &d, buf.b, d.udp || d.udp4 ? 8 + roll(z, len - 8) : 1 + roll(z, len - 1));
}

static void bad_checksum(struct fuzz *z)
{
	struct draft d = draft_good(z);

	draft_send(z, &d);
	z->frame.b[z->frame.len - 1 - roll(z, WIRE_MAC_LEN)] ^= 1 << roll(z, 8);
}

/* Several bytes of the options, lengths among them, are others. */
static void garbled(struct fuzz *z)
{
	struct draft d = draft_good(z);
	struct msg_buf buf = {};
	__u32 len = draft_write(z, &buf, &d), from = d.udp || d.udp4 ? 12 : 4;

	for (int i = 0; i < 4; i++)
		buf.b[from + roll(z, len - from)] += 1 + i / 3;
	draft_frame(z, &d, buf.b, len);
}

static void noise(struct fuzz *z)
{
	struct draft d = draft_good(z);
	__u32 len = 12 + roll(z, 400);
	struct msg_buf buf = {};

	for (__u32 i = 0; i < len; i++)
		buf.b[i] = roll(z, 256);
	if (d.udp || d.udp4)
		store16(buf.b + 2, htons(WIRE_UDP_PORT));
	else
		buf.b[0] = 202 + roll(z, KIND_COUNT);
	draft_frame(z, &d, buf.b, len);
}

#define REFUSED                                                                                    \
	REASON_TOO_SHORT, REASON_TOO_LONG, REASON_LENGTH, REASON_CHECKSUM, REASON_VERSION,         \
		REASON_TYPE, REASON_TUNNEL, REASON_TLV, REASON_EMPTY, REASON_DOMAIN, REASON_AUTH,  \
		REASON_AUTH_MISSING, REASON_AUTH_KEY, REASON_AUTH_EARLY, REASON_AUTH_EXPIRED

static const struct attack {
	const char *sentence;
	void (*make)(struct fuzz *z);
	enum reason reasons[20]; /* ended by REASON_NONE */
} attacks[] = {
	{ "forged: without a MAC", no_mac, { REASON_AUTH_MISSING } },
	{ "forged: with any MAC", any_mac, { REASON_AUTH } },
	{ "forged: by a key that does not count", bad_key,
	  { REASON_AUTH_KEY, REASON_AUTH_EARLY, REASON_AUTH_EXPIRED } },
	{ "forged: in another's name", other_name, { REASON_AUTH } },
	{ "forged: one bit is another", one_bit, { REFUSED } },
	{ "replayed: as it was", replay, { REASON_DUPLICATE } },
	{ "replayed: over another way", replay_elsewhere, { REASON_DUPLICATE } },
	{ "replayed: long after", replay_late, { REASON_STALE } },
	{ "of another domain, or none", other_domain, { REASON_DOMAIN } },
	{ "from outside the domain", other_source, { REASON_SOURCE } },
	{ "from beyond the radius", from_afar, { REASON_RADIUS } },
	{ "right, but on a customer port", by_a_customer, { REASON_CUSTOMER_PORT } },
	{ "malformed: cut short", cut_short, { REFUSED } },
	{ "malformed: a wrong checksum", bad_checksum, { REASON_CHECKSUM } },
	{ "malformed: some bytes are others", garbled, { REFUSED } },
	{ "malformed: noise", noise, { REFUSED } },
};

/* ---- the node -------------------------------------------------------------------------------- */

static void fuzz_paths(struct fuzz *z)
{
	static const char *const name[] = { "encaps-3", "gre-4", "mpls-3" };
	struct nexthop nh = nexthop_fresh();

	for (__u32 i = 0; i < ARRAY_SIZE(name); i++) {
		struct policy_path path = golden_path(name[i]);

		node_path(z->node, i, &path);
		node_nexthop(z->node, i, &nh);
	}
	node_group(z->node, 0, FATE_DROP, ARRAY_SIZE(name), NULL, NULL);
	node_class(z->node, "2001:db8:2::/48", 0);
}

static void fuzz_keys(struct fuzz *z)
{
	static const struct {
		int from_s, until_s;
	} when[KEYS] = { [SIP] = { -60, 24 * HOUR },
			 [HMAC] = { -60, 24 * HOUR },
			 [EARLY] = { 24 * HOUR, 48 * HOUR },
			 [EXPIRED] = { -HOUR, -60 } };
	__u8 secret[16] = "sixteen bytes..";

	for (__u32 id = SIP; id < KEYS; id++) {
		secret[15] = id;
		mac_key_init(&z->key[id], id % 2 ? AUTH_SIPHASH : AUTH_HMAC_SHA256, secret,
			     sizeof(secret));
		if (id != UNKNOWN)
			node_mac_key(z->node, id, &z->key[id], when[id].from_s, when[id].until_s);
	}
}

static void fuzz_open(struct fuzz *z)
{
	struct config config = node_config();
	size_t page = getpagesize(), len;
	struct bpf_map *stats;

	config.domain = DOMAIN;
	config.hop_limit_min = 255 - RADIUS;
	config.authentication = 1;
	config.pacing.transit = 1;
	for (enum kind kind = 0; kind < KIND_COUNT; kind++)
		config.receive[kind] = (struct rate){ NSEC_PER_SEC / 10000, NSEC_PER_SEC };
	z->rules = msg_rules(&config);
	z->node = node_open(&config);
	stats = z->node->maps.fantel_stats;
	bpf_map__set_type(stats, BPF_MAP_TYPE_ARRAY);
	bpf_map__set_map_flags(stats, BPF_F_MMAPABLE);
	node_start(z->node);
	len = bpf_map__value_size(stats) * bpf_map__max_entries(stats);
	z->stats = mmap(NULL, (len + page - 1) / page * page, PROT_READ, MAP_SHARED, bpf_map__fd(stats), 0);
	if (z->stats == MAP_FAILED)
		give_up("fantel_stats");
	fuzz_paths(z);
	fuzz_keys(z);
	node_demand(z->node, "2001:db8:f::/48", AUTHENTICATION_REQUIRE);
	node_demand(z->node, "198.51.100.0/24", AUTHENTICATION_REQUIRE);
}

static void fuzz_run(struct fuzz *z, __u32 *verdict)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = z->frame.b, .data_size_in = z->frame.len,
		    .repeat = 1);
	const struct bpf_program *prog = z->customer ? z->node->progs.fantel_customer :
						       z->node->progs.fantel_core;

	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		give_up(bpf_program__name(prog));
	*verdict = opts.retval;
}

/* What each originator says to begin with. Nothing of it ends by itself. */
static void fuzz_tell(struct fuzz *z)
{
	__u32 verdict;

	for (__u32 i = 0; i < ORIGINATORS * TOLD; i++) {
		struct draft d = draft_good(z);

		d.originator = d.signed_for = i % ORIGINATORS;
		d.event_id = 1 + i / ORIGINATORS;
		d.sequence = FIRST_SEQUENCE + i / ORIGINATORS;
		d.hop_limit = 255;
		draft_send(z, &d);
		z->told[z->n_told++] = z->frame;
		fuzz_run(z, &verdict);
	}
	if (!z->stats[REASON_FAILED].packets || !z->stats[REASON_CONGESTED].packets ||
	    !z->stats[REASON_MEASURED].packets)
		give_up("there is nothing to change");
	node_events(z->node, NULL, 0);
}

/* ---- one message ----------------------------------------------------------------------------- */

static void say_frame(const struct fuzz *z)
{
	printf("#   ");
	for (__u32 i = 14; i < z->frame.len; i++)
		printf("%02x", z->frame.b[i]);
	putchar('\n');
}

/* Dropped, counted once, for a reason of the attack's; else, where asked to, says what was. */
static bool fuzz_one(struct fuzz *z, const struct attack *attack, __u64 count[REASON_COUNT], bool say)
{
	__u64 before[REASON_COUNT], more = 0;
	enum reason why = REASON_NONE;
	__u32 verdict;

	for (enum reason r = 0; r < REASON_COUNT; r++)
		before[r] = z->stats[r].packets;
	z->customer = false;
	attack->make(z);
	fuzz_run(z, &verdict);
	for (enum reason r = 0; r < REASON_COUNT; r++) {
		if (z->stats[r].packets == before[r])
			continue;
		more += z->stats[r].packets - before[r];
		why = r;
	}
	count[why]++;
	for (const enum reason *r = attack->reasons; *r; r++)
		if (*r == why && more == 1 && verdict == XDP_DROP)
			return true;
	if (!say)
		return false;
	printf("# %s: %s, counted %llu times, last as %s\n", attack->sentence, verdict_word(verdict),
	       (unsigned long long)more, why ? reason_word(why) : "nothing");
	say_frame(z);
	return false;
}

/* That nothing changed says something only where a change would have been seen. */
static bool fuzz_sees(struct fuzz *z, const struct state *was)
{
	struct draft d = draft_good(z);
	__u32 verdict;

	d.kind = KIND_FAILURE;
	z->customer = false;
	draft_send(z, &d);
	fuzz_run(z, &verdict);
	return !state_same(z, was);
}

static __u64 number_from(const char *name, __u64 otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 0) : otherwise;
}

int main(void)
{
	static __u64 count[ARRAY_SIZE(attacks)][REASON_COUNT], sent[ARRAY_SIZE(attacks)];
	OWN_MEM struct fuzz *z = calloc(1, sizeof(*z));
	__u64 runs = number_from("FUZZ_RUNS", RUNS), i;
	bool fits[ARRAY_SIZE(attacks)], same = true, sees;
	struct state was = {}, is = {};
	__u32 events;

	if (!z)
		give_up("memory");
	z->random = number_from("FUZZ_SEED", 1);
	fuzz_open(z);
	fuzz_tell(z);
	state_read(z, &was, true);
	memset(fits, true, sizeof(fits));
	for (i = 0; i < runs && same; i++) {
		__u32 a = roll(z, ARRAY_SIZE(attacks));

		sent[a]++;
		fits[a] &= fuzz_one(z, &attacks[a], count[a], fits[a]);
		if (i % LOOK_EVERY == LOOK_EVERY - 1)
			same = state_same(z, &was);
	}
	events = node_events(z->node, NULL, 0);
	state_read(z, &is, true);
	same = same && !memcmp(&is, &was, sizeof(is));
	for (size_t a = 0; a < ARRAY_SIZE(attacks); a++) {
		printf("%sok %zu - %s: %llu dropped\n#  ", fits[a] ? "" : "not ", a + 1,
		       attacks[a].sentence, (unsigned long long)sent[a]);
		for (enum reason r = 0; r < REASON_COUNT; r++)
			if (count[a][r])
				printf(" %s %llu", r ? reason_word(r) : "nothing",
				       (unsigned long long)count[a][r]);
		putchar('\n');
	}
	printf("%sok %zu - %llu messages: no map has changed but for the counters\n", same ? "" : "not ",
	       ARRAY_SIZE(attacks) + 1, (unsigned long long)i);
	printf("%sok %zu - nor was anything told of them\n", events ? "not " : "", ARRAY_SIZE(attacks) + 2);
	sees = fuzz_sees(z, &was);
	printf("%sok %zu - one that is right does change something\n1..%zu\n", sees ? "" : "not ",
	       ARRAY_SIZE(attacks) + 3, ARRAY_SIZE(attacks) + 3);
	fantel_bpf__destroy(z->node);
	return !same || !sees || events || memchr(fits, false, sizeof(fits));
}
