// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* keys: what a key file becomes, what is said of a wrong one, and whose file is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fantel/mac.h"
#include "keys.h"
#include "own.h"

#define K16 "000102030405060708090a0b0c0d0e0f"
#define K32 K16 K16
#define K64 K32 K32

/* keys_parse of a copy, with what it says in *said, which the caller frees. */
static int parse(struct keys *keys, const char *text, char **said)
{
	char *copy OWN_MEM = strdup(text);
	size_t size;
	FILE *errors = open_memstream(said, &size);
	int n = keys_parse(keys, "k", copy, errors);

	fclose(errors);
	return n;
}

static const struct bad_row {
	const char *sentence, *text, *said;
} bad_rows[] = {
	{ "nothing", "", "k:1: there is no key; give lines of key-id, algorithm, from, until, key\n" },
	{ "comments only", "# 1 siphash-2-4-128 - - " K16 "\n\n",
	  "k:3: there is no key; give lines of key-id, algorithm, from, until, key\n" },
	{ "a field too few", "1 siphash-2-4-128 - " K16,
	  "k:1: 4 fields; give five: key-id, algorithm, from, until, key\n" },
	{ "a field too many", "1 siphash-2-4-128 - - " K16 " " K16,
	  "k:1: 6 fields; give five: key-id, algorithm, from, until, key\n" },
	{ "no key-id", "one siphash-2-4-128 - - " K16,
	  "k:1: the first field is no key-id; give a number from 0 to 4294967295\n" },
	{ "a negative one", "-1 siphash-2-4-128 - - " K16,
	  "k:1: the first field is no key-id; give a number from 0 to 4294967295\n" },
	{ "one beyond 32 bits", "4294967296 siphash-2-4-128 - - " K16,
	  "k:1: the first field is no key-id; give a number from 0 to 4294967295\n" },
	{ "another algorithm", "1 md5 - - " K16,
	  "k:1: the algorithm is neither siphash-2-4-128 nor hmac-sha-256-128\n" },
	{ "SipHash with a longer key", "1 siphash-2-4-128 - - " K32,
	  "k:1: the key does not fit siphash-2-4-128; give 16 bytes in hex\n" },
	{ "HMAC with too short a key", "1 hmac-sha-256-128 - - 00010203",
	  "k:1: the key does not fit hmac-sha-256-128; give 16 to 64 bytes in hex\n" },
	{ "HMAC with too long a key", "1 hmac-sha-256-128 - - " K64 "00",
	  "k:1: the key does not fit hmac-sha-256-128; give 16 to 64 bytes in hex\n" },
	{ "half a byte", "1 siphash-2-4-128 - - " K16 "0",
	  "k:1: the key is not pairs of hex digits\n" },
	{ "no hex: the key is not quoted", "1 siphash-2-4-128 - - topsecret",
	  "k:1: the key is not pairs of hex digits\n" },
	{ "no time", "1 siphash-2-4-128 now - " K16,
	  "k:1: `from' is no time in UTC; give one such as 2026-07-01T00:00:00Z, or -\n" },
	{ "a day that there is not", "1 siphash-2-4-128 - 2026-02-29T00:00:00Z " K16,
	  "k:1: `until' is no time in UTC; give one such as 2026-07-01T00:00:00Z, or -\n" },
	{ "a local time", "1 siphash-2-4-128 - 2026-02-28T00:00:00+01:00 " K16,
	  "k:1: `until' is no time in UTC; give one such as 2026-07-01T00:00:00Z, or -\n" },
	{ "before 1970", "1 siphash-2-4-128 1969-12-31T23:59:59Z - " K16,
	  "k:1: `from' is no time in UTC; give one such as 2026-07-01T00:00:00Z, or -\n" },
	{ "an end before the beginning",
	  "1 siphash-2-4-128 2026-02-28T00:00:01Z 2026-02-28T00:00:01Z " K16,
	  "k:1: key 1 is never active: `until' is not after `from'\n" },
	{ "a key-id twice", "1 siphash-2-4-128 - - " K16 "\n1 hmac-sha-256-128 - - " K16,
	  "k:2: a second key 1; give each its own key-id\n" },
	{ "all that is wrong at once", "x y z - q\n2 siphash-2-4-128 - - 00",
	  "k:1: the first field is no key-id; give a number from 0 to 4294967295\n"
	  "k:1: the algorithm is neither siphash-2-4-128 nor hmac-sha-256-128\n"
	  "k:1: `from' is no time in UTC; give one such as 2026-07-01T00:00:00Z, or -\n"
	  "k:2: the key does not fit siphash-2-4-128; give 16 bytes in hex\n" },
};

static void wrong_files_are_refused_and_nothing_is_touched(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++) {
		struct keys keys, before;
		OWN_MEM char *said = NULL;

		print_message("# %s\n", bad_rows[i].sentence);
		memset(&keys, 0xa5, sizeof(keys));
		before = keys;
		assert_true(parse(&keys, bad_rows[i].text, &said) > 0);
		assert_string_equal(said, bad_rows[i].said);
		assert_memory_equal(&keys, &before, sizeof(keys));
	}
}

static void a_file_becomes_keys(void **state)
{
	static const __u8 secret[16] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
	struct keys keys OWN_KEYS = {};
	OWN_MEM char *said = NULL;
	struct mac_key sip, hmac;
	const struct keys_entry *k;

	assert_int_equal(parse(&keys,
			       "# the keys of summer\r\n"
			       "\t4294967295  hmac-sha-256-128 2026-07-01T00:00:00Z -\t" K16 " # old\n"
			       "0 siphash-2-4-128 - 2028-02-29T23:59:59Z " K16 "\r\n"
			       "7 hmac-sha-256-128 1970-01-01T00:00:00Z 2262-01-01T00:00:00Z " K64,
			       &said),
			 0);
	assert_string_equal(said, "");
	assert_int_equal(keys.n, 3);
	assert_int_equal(mac_key_init(&sip, AUTH_SIPHASH, secret, 16), 0);
	assert_int_equal(mac_key_init(&hmac, AUTH_HMAC_SHA256, secret, 16), 0);
	k = keys_find(&keys, 0);
	assert_ptr_equal(k, &keys.entry[0]);
	assert_memory_equal(&k->key.mac, &sip, sizeof(sip));
	assert_int_equal(k->key.from_ns, 0);
	assert_int_equal(k->key.until_ns, 1835481599 * NSEC_PER_SEC);
	k = keys_find(&keys, 4294967295);
	assert_memory_equal(&k->key.mac, &hmac, sizeof(hmac));
	assert_int_equal(k->key.from_ns, 1782864000 * NSEC_PER_SEC);
	assert_true(k->key.until_ns == ~0ULL);
	assert_non_null(keys_find(&keys, 7));
	assert_null(keys_find(&keys, 1));
}

static void as_many_as_the_map_holds(void **state)
{
	for (int more = 0; more <= 1; more++) {
		struct keys keys OWN_KEYS = {};
		OWN_MEM char *said = NULL, *text = NULL;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		for (int i = 0; i < MAX_KEYS + more; i++)
			fprintf(out, "%d siphash-2-4-128 - - " K16 "\n", i);
		fclose(out);
		assert_int_equal(parse(&keys, text, &said), more);
		assert_string_equal(
			said, more ? "k:257: more than 256 keys; take out what has expired\n" : "");
		assert_int_equal(keys.n, more ? 0 : MAX_KEYS);
	}
}

static void unlimited_stays_unlimited_on_tai(void **state)
{
	struct keys_entry entry = { .key = { .from_ns = 0, .until_ns = ~0ULL } };
	struct key key = keys_on_tai(&entry, 37);

	assert_int_equal(key.from_ns, 0);
	assert_true(key.until_ns == ~0ULL);
	entry.key.from_ns = entry.key.until_ns = 5;
	key = keys_on_tai(&entry, 37);
	assert_int_equal(key.from_ns, 37 * NSEC_PER_SEC + 5);
	assert_int_equal(key.until_ns, 37 * NSEC_PER_SEC + 5);
}

/* ---- whose file ------------------------------------------------------------------------------ */

static void only_a_file_that_others_cant_read(void **state)
{
	static const struct {
		mode_t mode;
		bool right;
	} rows[] = { { 0600, true },  { 0400, true },  { 0644, false }, { 0640, false },
		     { 0602, false }, { 0700, false }, { 04600, false } };
	char file[] = "/tmp/fantel-keys-XXXXXX";
	int fd OWN_FD = mkstemp(file);

	assert_true(fd >= 0);
	assert_true(dprintf(fd, "1 siphash-2-4-128 - - " K16 "\n") > 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct keys keys OWN_KEYS = {};
		OWN_MEM char *said = NULL;
		char want[128] = "";
		size_t size;
		FILE *errors = open_memstream(&said, &size);

		assert_int_equal(fchmod(fd, rows[i].mode), 0);
		assert_int_equal(keys_read(&keys, file, errors), rows[i].right ? 0 : -EPERM);
		fclose(errors);
		if (!rows[i].right)
			snprintf(want, sizeof(want), "%s: has mode %04o, and holds secrets; `chmod 600`\n",
				 file, rows[i].mode);
		assert_string_equal(said, want);
		assert_int_equal(keys.n, rows[i].right);
	}
	unlink(file);
}

static void not_what_belongs_to_somebody_else(void **state)
{
	char file[] = "/tmp/fantel-keys-XXXXXX";
	int fd OWN_FD = mkstemp(file);
	struct keys keys OWN_KEYS = {};
	OWN_MEM char *said = NULL;
	char want[128];
	size_t size;
	FILE *errors = open_memstream(&said, &size);

	assert_true(fd >= 0);
	if (fchown(fd, 4711, -1)) {
		fclose(errors);
		unlink(file);
		print_message("# needs root\n");
		skip();
	}
	assert_int_equal(keys_read(&keys, file, errors), -EPERM);
	fclose(errors);
	snprintf(want, sizeof(want),
		 "%s: belongs to user 4711, who could forge with it; `chown root`\n", file);
	assert_string_equal(said, want);
	unlink(file);
}

static void what_is_no_file_of_keys(void **state)
{
	struct keys keys OWN_KEYS = {};
	OWN_MEM char *said = NULL;
	size_t size;
	FILE *errors = open_memstream(&said, &size);

	assert_int_equal(keys_read(&keys, "/nowhere/keys", errors), -ENOENT);
	assert_int_equal(keys_read(&keys, "/dev/zero", errors), -EINVAL);
	assert_int_equal(keys_read(&keys, "/", errors), -EINVAL);
	fclose(errors);
	assert_string_equal(
		said, "/nowhere/keys: No such file or directory; give a file of keys that can be read\n"
		      "/dev/zero: is no file; give a file of keys\n"
		      "/: is no file; give a file of keys\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "wrong files are refused, without a word of what is secret, and nothing is touched",
		  wrong_files_are_refused_and_nothing_is_touched, NULL, NULL, NULL },
		{ "a file becomes keys, ascending by id", a_file_becomes_keys, NULL, NULL, NULL },
		{ "there may be as many as the map holds, and no more", as_many_as_the_map_holds, NULL,
		  NULL, NULL },
		{ "what is unlimited stays so on the packet path's clock",
		  unlimited_stays_unlimited_on_tai, NULL, NULL, NULL },
		{ "only a file that others can't read is believed", only_a_file_that_others_cant_read,
		  NULL, NULL, NULL },
		{ "and none that belongs to somebody else", not_what_belongs_to_somebody_else, NULL,
		  NULL, NULL },
		{ "what is no file of keys is refused with a sentence", what_is_no_file_of_keys, NULL,
		  NULL, NULL },
	};

	return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
