// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The codec gives the same in BPF as on the host: the verdict and the whole struct msg of every
 * golden message and of each of its mutations by a byte, the tunnels it names, and what it writes.
 * That the host is right is unit/golden.c's subject.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "../golden/messages.h"
#include "codec.h"
#include "prog/codec.skel.h"

#define L4 54

static struct codec_bpf *skel;
static struct codec *state; /* codec_state's value, mapped */

static int load(void **unused)
{
	__u32 size = (sizeof(*state) + 4095) / 4096 * 4096;

	skel = codec_bpf__open_and_load();
	if (!skel)
		return -1;
	state = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
		     bpf_map__fd(skel->maps.codec_state), 0);
	return state == MAP_FAILED ? -1 : 0;
}

static int unload(void **unused)
{
	codec_bpf__destroy(skel);
	return 0;
}

static void run(const struct bpf_program *prog, const __u8 *bytes, __u32 len)
{
	__u8 packet[L4 + WIRE_PACKET_MAX] = {};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = L4 + len);

	memcpy(packet + L4, bytes, len);
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(prog), &opts), 0);
	assert_int_equal(opts.retval, 2 /* XDP_PASS */);
}

/* The same on the host, from the same start. */
static enum reason host(struct msg *m, struct msg_buf *buf, const struct vector *v,
			const struct msg_rules *rules, const __u8 *bytes)
{
	enum reason reason;
	struct mac_key key;

	memset(buf, 0xa5, sizeof(*buf));
	memcpy(buf->b, bytes, v->len);
	reason = msg_parse(m, rules, &v->envelope, buf, v->len);
	if (reason || !v->key_len)
		return reason;
	key = vector_key(v);
	return msg_auth(m, &key, &v->envelope, buf);
}

static enum reason both(const struct vector *v, const struct msg_rules *rules, const __u8 *bytes)
{
	struct msg_buf buf;
	enum reason reason;
	struct msg m;

	memset(&m, 0x5a, sizeof(m));
	memset(state, 0, sizeof(*state));
	memset(&state->msg, 0x5a, sizeof(state->msg));
	state->envelope = v->envelope;
	state->rules = *rules;
	if (v->key_len)
		state->key = vector_key(v);
	reason = host(&m, &buf, v, rules, bytes);
	run(skel->progs.codec_parse, bytes, v->len);
	assert_string_equal(reason_word(state->reason), reason_word(reason));
	assert_memory_equal(&state->msg, &m, sizeof(m));
	assert_memory_equal(state->buf.b, bytes, v->len);
	return reason;
}

static void assert_names_alike(const struct vector *v)
{
	static const enum wire_code part[] = { CODE_IP, CODE_SRV6, CODE_MPLS };

	run(skel->progs.codec_name, v->bytes, v->len);
	for (int i = 0; i < 3; i++) {
		struct tunnel_key k = {};

		if (msg_tunnel_key(&k, &state->msg, &state->buf, part[i]))
			assert_memory_equal(&state->named[i], &k, sizeof(k));
		else
			assert_int_equal(state->named[i].code, 0);
	}
}

static void vector(void **test)
{
	struct msg_rules rules = msg_rules_default();
	const struct vector *v = *test;

	assert_string_equal(reason_word(both(v, &rules, v->bytes)), reason_word(v->reason));
	if (v->reason)
		return;
	assert_names_alike(v);
	rules.code_lsb = true;
	both(v, &rules, v->bytes);
	rules.enterprise = 1;
	both(v, &rules, v->bytes);
}

static void mend(__u8 *bytes, const struct vector *v)
{
	__u32 sum_at = v->envelope.transport == TRANSPORT_UDP ? UDP_OFF_SUM : 2;
	struct msg_buf buf;

	store16(bytes + sum_at, 0);
	memcpy(buf.b, bytes, v->len);
	store16(bytes + sum_at, msg_checksum(&buf, &v->envelope, v->len));
}

/* Lengths, types and counts that lie: each byte by itself, the checksum made right again. */
static void mutations(void **unused)
{
	static const __u8 flips[] = { 0x01, 0x04, 0x80, 0xff };
	struct msg_rules rules = msg_rules_default();
	__u32 seen[REASON_COUNT] = {};

	for (size_t i = 0; i < n_vectors; i++) {
		const struct vector *v = &vectors[i];
		__u8 bytes[WIRE_PACKET_MAX];

		for (__u32 at = 0; at < v->len * ARRAY_SIZE(flips); at++) {
			memcpy(bytes, v->bytes, v->len);
			bytes[at / ARRAY_SIZE(flips)] ^= flips[at % ARRAY_SIZE(flips)];
			mend(bytes, v);
			seen[both(v, &rules, bytes)]++;
		}
	}
	/* They went everywhere that a mended checksum lets them. */
	for (enum reason r = REASON_NONE; r < REASON_COUNT; r++)
		if (r == REASON_NONE || r == REASON_LENGTH || r == REASON_VERSION ||
		    r == REASON_TYPE || r == REASON_TUNNEL || r == REASON_TLV || r == REASON_AUTH)
			assert_int_not_equal(seen[r], 0);
}

/* A message as long as can be, of the shortest TLVs there are, over IPv4. */
static void the_longest_message(void **unused)
{
	struct msg_rules rules = msg_rules_default();
	static struct vector v;

	v.envelope.transport = TRANSPORT_UDP;
	v.envelope.src = vector_addr("198.51.100.2", "src");
	v.envelope.dst = vector_addr("198.51.100.1", "dst");
	v.len = WIRE_MSG_MAX;
	memset(v.bytes, 0, sizeof(v.bytes));
	store16(v.bytes + UDP_OFF_LEN, be16(v.len));
	store32(v.bytes + UDP_LEN, be32(202U << WIRE_UDP_TYPE_SHIFT));
	mend(v.bytes, &v);
	assert_int_equal(both(&v, &rules, v.bytes), REASON_NONE);
	v.bytes[WIRE_MSG_MAX - 1] = 1;
	mend(v.bytes, &v);
	assert_int_equal(both(&v, &rules, v.bytes), REASON_TLV);
}

/* Every tunnel that a vector names, written by both, with and without a MAC. */
static void writes_alike(void **unused)
{
	static const enum wire_code part[] = { CODE_IP, CODE_SRV6, CODE_MPLS };
	/* A node with its AS, link identifiers, an unknown TLV without a value. */
	static const __u8 location[] = { 1, 0, 0, 8, 2, 0, 0, 4, 0, 0, 0xfd, 0xe9,
					 1, 2, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2,
					 0x9c, 0x40, 0, 0 };
	struct msg_rules rules = msg_rules_default();
	__u32 written = 0;

	for (size_t i = 0; i < 3 * n_vectors; i++) {
		const struct vector *v = &vectors[i / 3];
		struct msg_buf buf, theirs;
		struct msg m, back;
		struct codec c = { .envelope = v->envelope, .rules = rules,
				   .location_len = sizeof(location) };
		__u32 len;

		if (v->reason || host(&m, &buf, v, &rules, v->bytes) ||
		    !msg_tunnel_key(&c.tunnel, &m, &buf, part[i % 3]))
			continue;
		if (v->key_len)
			c.key = vector_key(v);
		memcpy(c.location, location, sizeof(location));
		len = codec_write(&buf, &c);
		assert_int_not_equal(len, 0);
		*state = c;
		run(skel->progs.codec_build, v->bytes, v->len);
		assert_int_equal(state->len, len);
		assert_memory_equal(state->buf.b, buf.b, len);
		theirs = state->buf;
		assert_int_equal(msg_parse(&back, &rules, &v->envelope, &theirs, len), REASON_NONE);
		assert_int_equal(back.code, part[i % 3]);
		assert_int_equal(back.domain, 42);
		if (v->key_len)
			assert_int_equal(msg_auth(&back, &c.key, &v->envelope, &theirs),
					 REASON_NONE);
		written++;
	}
	assert_true(written > 30);
}

int main(void)
{
	static struct CMUnitTest tests[VECTORS_MAX + 3] = {
		{ "each byte of each message changed: the same verdict", mutations, NULL, NULL,
		  NULL },
		{ "a message of 1260 bytes and 312 TLVs", the_longest_message, NULL, NULL, NULL },
		{ "what is written is the same, MAC included", writes_alike, NULL, NULL, NULL },
	};

	vectors_read(SRCDIR "/selftests/golden/messages.json");
	for (size_t i = 0; i < n_vectors; i++)
		tests[3 + i] =
			(struct CMUnitTest){ vectors[i].name, vector, NULL, NULL, &vectors[i] };
	return _cmocka_run_group_tests("codec", tests, 3 + n_vectors, load, unload);
}
