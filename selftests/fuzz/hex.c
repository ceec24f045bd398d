// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Fuzzes hex_read, by which packets for `fantel decode' and keys come in: it writes nothing behind the
 * room that it is given (which ends where the heap's does, so the sanitizer sees), what it takes is what
 * stands there, and of what it refuses it says where.
 *
 * Inputs: a byte for the room, then the text.
 */
#include "fuzz.h"
#include "wire_options.h"

static void check(const __u8 *out, int n, const char *text, const char *bad)
{
	static const char digits[] = "0123456789abcdef";
	const char *digit;
	int i = 0;

	REQUIRE(!*bad);
	for (; *text; text++) {
		if (strchr(": \t\n\v\f\r", *text))
			continue;
		digit = strchr(digits, *text | 0x20);
		REQUIRE(digit && i / 2 < n && (out[i / 2] >> (i % 2 ? 0 : 4) & 15) == digit - digits);
		i++;
	}
	REQUIRE(i == 2 * n);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	int room = size ? input[0] : 0, n;
	const char *bad = NULL;
	__u8 *out;
	char *text;

	if (!size)
		return 0;
	out = malloc(room);
	text = strndup((const char *)input + 1, size - 1);
	REQUIRE(text && (out || !room));
	n = hex_read(out, room, text, &bad);
	REQUIRE(n >= -2 && n <= room && bad >= text && bad <= text + strlen(text));
	if (n >= 0)
		check(out, n, text, bad);
	free(text);
	free(out);
	return 0;
}
