// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* See wire_options.h. Pure but for --key-file. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "own.h"
#include "wire_options.h"
#include "words.h"

/* ---- arguments ------------------------------------------------------------------------------- */

__u64 arg_number(struct argp_state *state, const char *option, const char *text, __u64 min,
		 __u64 max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (!isdigit((unsigned char)*text) || *end || errno || value < min || value > max)
		argp_error(state, "%s: '%s' is not a number from %llu to %llu", option, text,
			   (unsigned long long)min, (unsigned long long)max);
	return value;
}

/* With k, M, G, T for powers of 1000. */
double arg_real(struct argp_state *state, const char *option, const char *text)
{
	static const char suffixes[] = "kMGT";
	const char *suffix;
	char *end;
	double value = strtod(text, &end);

	if (end != text && *end && (suffix = strchr(suffixes, *end))) {
		for (const char *s = suffixes; s <= suffix; s++)
			value *= 1000;
		end++;
	}
	if (end == text || *end || !(value >= 0 && value <= 3.4e38))
		argp_error(state, "%s: '%s' is not a number; 12.5G would be one", option, text);
	return value;
}

struct addr arg_addr(struct argp_state *state, const char *option, const char *text)
{
	struct in_addr v4;
	struct addr a = {};

	if (inet_pton(AF_INET, text, &v4) == 1)
		return addr_from_v4(v4.s_addr);
	if (inet_pton(AF_INET6, text, a.b) != 1)
		argp_error(state, "%s: '%s' is not an IPv6 or IPv4 address", option, text);
	return a;
}

/* A word of a table whose values go up to `last`, for the list in the error. */
int arg_word(struct argp_state *state, const char *option, const char *text,
	     int (*from_word)(const char *), const char *(*to_word)(unsigned int), int last)
{
	int value = from_word(text), n = 0;
	char known[512] = "";

	if (value >= 0)
		return value;
	for (int i = 0; i <= last; i++)
		if (from_word(to_word(i)) >= 0)
			n += snprintf(known + n, sizeof(known) - n, "%s%s", n ? ", " : "",
				      to_word(i));
	argp_error(state, "%s: '%s' is none of %s", option, text, known);
	return -EINVAL;
}

int arg_split(struct argp_state *state, const char *option, char *text, char *item[ARG_ITEMS],
	      int min, int max)
{
	int n = 0;

	for (char *next = text; next; n++) {
		char *part = strsep(&next, ",");

		if (n < max)
			item[n] = part;
	}
	if (n < min || n > max) {
		argp_error(state, "%s: %d values, %d to %d would be right", option, n, min, max);
		exit(EXIT_BAD_INPUT); /* as it has, which its prototype does not say */
	}
	return n;
}

int hex_read(__u8 *out, int max, const char *text, const char **bad)
{
	int digits = 0;

	for (*bad = text; **bad; (*bad)++) {
		unsigned char c = **bad;
		int value = isdigit(c) ? c - '0' : tolower(c) - 'a' + 10;

		if (isspace(c) || c == ':')
			continue;
		if (!isxdigit(c))
			return -1;
		if (digits / 2 == max)
			return -2;
		out[digits / 2] = digits % 2 ? out[digits / 2] | value : value << 4;
		digits++;
	}
	return digits % 2 ? -1 : digits / 2;
}

/* ---- options --------------------------------------------------------------------------------- */

enum {
	OPT_PORT = 0x180,
	OPT_TYPES,
	OPT_ENTERPRISE,
	OPT_BIT_ORDER,
	OPT_KEY,
	OPT_KEY_FILE,
	OPT_KEYS,
};

static const struct argp_option wire[] = {
	{ .doc = "What policy may have changed", .group = 8 },
	{ .name = "port", .key = OPT_PORT, .arg = "PORT", .doc = "UDP destination port (50202)" },
	{ .name = "types", .key = OPT_TYPES, .arg = "T1,T2,T3,T4,T5",
	  .doc = "the five types (202,203,204,205,206)" },
	{ .name = "enterprise", .key = OPT_ENTERPRISE, .arg = "NUMBER",
	  .doc = "enterprise number of private TLVs (32473)" },
	{ .name = "code-bit-order", .key = OPT_BIT_ORDER, .arg = "ORDER",
	  .doc = "where bit 0 of CODE is: msb (the default) or lsb" },
	{ .name = "key", .key = OPT_KEY, .arg = "HEX",
	  .doc = "key of the message authentication code, 16 to 64 bytes" },
	{ .name = "key-file", .key = OPT_KEY_FILE, .arg = "FILE",
	  .doc = "a file with the same: arguments are seen by all users" },
	{ .name = "keys", .key = OPT_KEYS, .arg = "FILE",
	  .doc = "a file of keys as policy names one; the key-id says which" },
	{},
};

static void read_types(struct wire_options *options, char *text, struct argp_state *state)
{
	char *item[ARG_ITEMS];

	arg_split(state, "--types", text, item, KIND_COUNT, KIND_COUNT);
	for (int i = 0; i < KIND_COUNT; i++) {
		options->rules.type[i] = arg_number(state, "--types", item[i], 0, 255);
		for (int j = 0; j < i; j++)
			if (options->rules.type[j] == options->rules.type[i])
				argp_error(state, "--types: %s twice; all five have to differ",
					   item[i]);
	}
}

static void read_key(struct wire_options *options, const char *option, const char *text,
		     struct argp_state *state)
{
	const char *bad;
	int n = hex_read(options->secret, sizeof(options->secret), text, &bad);

	if (n < WIRE_HMAC_KEY_MIN)
		argp_error(state, "%s: a key is %d to %d bytes in hex", option, WIRE_HMAC_KEY_MIN,
			   WIRE_HMAC_KEY_MAX);
	options->secret_len = n;
}

static void read_key_file(struct wire_options *options, const char *name, struct argp_state *state)
{
	FILE *file OWN_FILE = fopen(name, "re");
	char text[4 * WIRE_HMAC_KEY_MAX] = "";
	size_t n;

	if (!file)
		argp_failure(state, EXIT_BAD_INPUT, errno, "--key-file: %s", name);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	read_key(options, "--key-file", text, state);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct wire_options *options = state->input;

	switch (key) {
	case OPT_PORT:
		options->rules.udp_port = arg_number(state, "--port", arg, 1, 65535);
		return 0;
	case OPT_TYPES:
		read_types(options, arg, state);
		return 0;
	case OPT_ENTERPRISE:
		options->rules.enterprise = arg_number(state, "--enterprise", arg, 0, 0xffffffff);
		return 0;
	case OPT_BIT_ORDER:
		if (strcmp(arg, "lsb") && strcmp(arg, "msb"))
			argp_error(state, "--code-bit-order: '%s' is neither msb nor lsb", arg);
		options->rules.code_lsb = arg[0] == 'l';
		return 0;
	case OPT_KEY:
		read_key(options, "--key", arg, state);
		return 0;
	case OPT_KEY_FILE:
		read_key_file(options, arg, state);
		return 0;
	case OPT_KEYS:
		keys_free(&options->keys);
		if (keys_read(&options->keys, arg, stderr))
			exit(EXIT_BAD_INPUT);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp options_wire = { .options = wire, .parser = parse };

bool wire_keyed(const struct wire_options *options)
{
	return options->secret_len || options->keys.n;
}

void wire_forget(struct wire_options *options)
{
	explicit_bzero(options->secret, sizeof(options->secret));
	options->secret_len = 0;
	keys_free(&options->keys);
}

const char *wire_key(struct mac_key *key, const struct wire_options *options, __u32 key_id,
		     enum wire_auth algorithm)
{
	const struct keys_entry *entry = keys_find(&options->keys, key_id);

	if (options->secret_len)
		return mac_key_init(key, algorithm, options->secret, options->secret_len) ?
			       "the key's length does not fit its algorithm" :
			       NULL;
	if (!entry)
		return "the file of keys has none with its key-id";
	if (entry->key.mac.algorithm != algorithm)
		return "its key is one of another algorithm";
	*key = entry->key.mac;
	return NULL;
}
