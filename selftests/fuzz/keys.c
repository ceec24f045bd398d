// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Fuzzes keys_parse. What it takes is in order and ready to be used; what it refuses leaves the keys
 * alone; and nothing of what stands in a line's last field is ever said.
 */
#include "fantel/mac.h"
#include "fuzz.h"
#include "keys.h"

static void check(const struct keys *keys)
{
	REQUIRE(keys->n && keys->n <= MAX_KEYS);
	for (__u32 i = 0; i < keys->n; i++) {
		const struct keys_entry *e = &keys->entry[i];

		REQUIRE(!i || keys->entry[i - 1].id < e->id);
		REQUIRE(keys_find(keys, e->id) == e);
		REQUIRE(e->key.from_ns < e->key.until_ns);
		REQUIRE(e->key.mac.algorithm == AUTH_SIPHASH ||
			e->key.mac.algorithm == AUTH_HMAC_SHA256);
	}
}

/* Only the words of keys.c, the name and numbers: nothing longer than a number comes from the file. */
static void check_said(const char *said)
{
	for (const char *line = said; *line; line = strchr(line, '\n') + 1) {
		REQUIRE(strchr(line, '\n'));
		REQUIRE(!strncmp(line, "f:", 2));
		REQUIRE(strcspn(line, "\n") < 128);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct keys keys = {}, before = {};
	char *text = malloc(size + 1), *said = NULL;
	size_t said_size;
	FILE *errors;
	int n;

	REQUIRE(text);
	memcpy(text, data, size);
	text[size] = '\0';
	errors = open_memstream(&said, &said_size);
	REQUIRE(errors);
	n = keys_parse(&keys, "f", text, errors);
	fclose(errors);
	REQUIRE((n == 0) == (said_size == 0));
	if (n == 0)
		check(&keys);
	else
		REQUIRE(!memcmp(&keys, &before, sizeof(keys)));
	check_said(said);
	keys_free(&keys);
	free(text);
	free(said);
	return 0;
}
