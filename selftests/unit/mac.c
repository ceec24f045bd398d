// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * mac.h against published vectors: SipHash's reference implementation (vectors_sip128), the
 * examples of FIPS 180-4, RFC 4231. What goes into a message's MAC is golden.c's subject.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fantel/mac.h"

struct row {
	const char *sentence;
	const char *secret, *data; /* hex */
	const char *digest;	   /* hex */
	enum wire_auth algorithm;  /* 0: SHA-256 without a key */
};

#define KEY_0_TO_15 "000102030405060708090a0b0c0d0e0f"
#define DATA_0_TO_62                                                                               \
	"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"                         \
	"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e"
#define X10(byte) byte byte byte byte byte byte byte byte byte byte
#define X20(byte) X10(byte) X10(byte)
#define X50(byte) X20(byte) X20(byte) X10(byte)

static struct row rows[] = {
	{ "SipHash of nothing", KEY_0_TO_15, "", "a3817f04ba25a8e66df67214c7550293", AUTH_SIPHASH },
	{ "SipHash of one byte", KEY_0_TO_15, "00", "da87c1d86b99af44347659119b22fc45",
	  AUTH_SIPHASH },
	{ "SipHash of a word less a byte", KEY_0_TO_15, "00010203040506",
	  "a1f1ebbed8dbc153c0b84aa61ff08239", AUTH_SIPHASH },
	{ "SipHash of a word", KEY_0_TO_15, "0001020304050607", "3b62a9ba6258f5610f83e264f31497b4",
	  AUTH_SIPHASH },
	{ "SipHash of a word and a byte", KEY_0_TO_15, "000102030405060708",
	  "264499060ad9baabc47f8b02bb6d71ed", AUTH_SIPHASH },
	{ "SipHash of two words less a byte", KEY_0_TO_15, "000102030405060708090a0b0c0d0e",
	  "5493e99933b0a8117e08ec0f97cfc3d9", AUTH_SIPHASH },
	{ "SipHash of two words", KEY_0_TO_15, KEY_0_TO_15, "6ee2a4ca67b054bbfd3315bf85230577",
	  AUTH_SIPHASH },
	{ "SipHash of 63 bytes", KEY_0_TO_15, DATA_0_TO_62, "5150d1772f50834a503e069a973fbd7c",
	  AUTH_SIPHASH },
	{ "SHA-256 of nothing", "", "",
	  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0 },
	{ "SHA-256 of 'abc' (FIPS 180-4, one block)", "", "616263",
	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 0 },
	{ "SHA-256 of 56 bytes (FIPS 180-4, padding takes a second block)", "",
	  "6162636462636465636465666465666765666768666768696768696a68696a6b"
	  "696a6b6c6a6b6c6d6b6c6d6e6c6d6e6f6d6e6f706e6f7071",
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", 0 },
	{ "HMAC-SHA-256, RFC 4231 case 1", X20("0b"), "4869205468657265",
	  "b0344c61d8db38535ca8afceaf0bf12b", AUTH_HMAC_SHA256 },
	{ "HMAC-SHA-256, RFC 4231 case 2", "4a656665",
	  "7768617420646f2079612077616e7420666f72206e6f7468696e673f",
	  "5bdcc146bf60754e6a042426089575c7", AUTH_HMAC_SHA256 },
	{ "HMAC-SHA-256, RFC 4231 case 3", X20("aa"), X50("dd"), "773ea91e36800e46854db8ebd09181a7",
	  AUTH_HMAC_SHA256 },
	{ "HMAC-SHA-256, RFC 4231 case 4", "0102030405060708090a0b0c0d0e0f10111213141516171819",
	  X50("cd"), "82558a389a443c0ea4cc819899f2083a", AUTH_HMAC_SHA256 },
	{ "HMAC-SHA-256, RFC 4231 case 5, cut to 128 bits as ours is", X20("0c"),
	  "546573742057697468205472756e636174696f6e", "a3b6167473100ee06e0c796c2955552b",
	  AUTH_HMAC_SHA256 },
};

static __u32 unhex(__u8 *out, const char *hex)
{
	__u32 n = 0;

	for (; *hex; hex += 2)
		assert_int_equal(sscanf(hex, "%2hhx", &out[n++]), 1);
	return n;
}

static void digest(__u8 *out, const struct row *r, struct msg_buf *buf, __u32 place, __u32 end)
{
	static const __u32 start[8] = SHA256_H0;
	struct mac_key key = {};
	struct mac mac;
	__u8 secret[64];

	if (!r->algorithm) {
		memcpy(buf->work.hash, start, sizeof(start));
		assert_int_equal(sha256_end(buf, place, end, 0), 0);
		for (int i = 0; i < 8; i++)
			store32(out + 4 * i, be32(buf->work.hash[i]));
		return;
	}
	assert_int_equal(mac_key_init(&key, r->algorithm, secret, unhex(secret, r->secret)), 0);
	assert_int_equal(mac_compute(&mac, &key, buf, place, end), 0);
	memcpy(out, &mac, sizeof(mac));
	assert_true(mac_equal(&mac, out));
	out[7] ^= 0x10;
	assert_false(mac_equal(&mac, out));
	out[7] ^= 0x10;
}

/* At every alignment, with other bytes around, which do not count. */
static void vector(void **state)
{
	const struct row *r = *state;
	__u8 want[32], got[32], data[64];
	__u32 n = unhex(data, r->data), n_want = unhex(want, r->digest);

	for (__u32 place = 0; place < 80; place++) {
		struct msg_buf buf;

		memset(&buf, 0xa5, sizeof(buf));
		memcpy((__u8 *)&buf + place, data, n);
		digest(got, r, &buf, place, place + n);
		assert_memory_equal(got, want, n_want);
		assert_memory_equal((__u8 *)&buf + place, data, n);
	}
}

static void a_stretch_outside_is_refused(void **state)
{
	static const __u32 stretches[][2] = {
		{ 2, 1 },
		{ 0, MSG_BUF_FRONT + WIRE_MSG_MAX + 1 },
		{ ~0U, 3 },
		{ 3, ~0U },
	};
	const __u8 secret[16] = {};
	struct mac_key sip, hmac;
	struct msg_buf buf = {};
	struct mac mac;

	assert_int_equal(mac_key_init(&sip, AUTH_SIPHASH, secret, 16), 0);
	assert_int_equal(mac_key_init(&hmac, AUTH_HMAC_SHA256, secret, 16), 0);
	for (size_t i = 0; i < ARRAY_SIZE(stretches); i++) {
		__u32 place = stretches[i][0], end = stretches[i][1];

		assert_int_equal(mac_compute(&mac, &sip, &buf, place, end), -1);
		assert_int_equal(mac_compute(&mac, &hmac, &buf, place, end), -1);
	}
	/* All of it fits. */
	assert_int_equal(mac_compute(&mac, &sip, &buf, 0, MSG_BUF_FRONT + WIRE_MSG_MAX), 0);
	assert_int_equal(mac_compute(&mac, &hmac, &buf, 0, MSG_BUF_FRONT + WIRE_MSG_MAX), 0);
}

static void a_bad_key_is_refused_and_changes_nothing(void **state)
{
	static const struct {
		enum wire_auth algorithm;
		__u32 len;
	} bad[] = { { AUTH_SIPHASH, 15 }, { AUTH_SIPHASH, 17 }, { AUTH_HMAC_SHA256, 65 }, { 0, 16 },
		    { 3, 16 } };
	const __u8 secret[65] = {};
	struct mac_key key, before;

	memset(&key, 0x5a, sizeof(key));
	before = key;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(mac_key_init(&key, bad[i].algorithm, secret, bad[i].len), -1);
		assert_memory_equal(&key, &before, sizeof(key));
	}
}

int main(void)
{
	struct CMUnitTest tests[ARRAY_SIZE(rows) + 2] = {
		cmocka_unit_test(a_stretch_outside_is_refused),
		cmocka_unit_test(a_bad_key_is_refused_and_changes_nothing),
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		tests[2 + i] =
			(struct CMUnitTest){ rows[i].sentence, vector, NULL, NULL, &rows[i] };
	return _cmocka_run_group_tests("mac", tests, ARRAY_SIZE(tests), NULL, NULL);
}
