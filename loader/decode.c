// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * `fantel decode`: packets in hex, from the IP header on, field by field; of one that a receiver
 * would discard, why. What a receiver knows besides the packet (whom it trusts, what it has seen
 * before) is not judged.
 */
#include <stdlib.h>

#include "commands.h"
#include "describe.h"
#include "json.h"
#include "log.h"
#include "options.h"
#include "own.h"
#include "packet.h"
#include "text.h"
#include "wire_options.h"
#include "words.h"

struct decode_options {
	struct options options; /* first: what options_parse takes */
	struct wire_options wire;
	char **packets;
	int n_packets; /* 0: one a line on standard input */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct decode_options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(state);
		state->child_inputs[1] = &options->wire;
		return 0;
	case ARGP_KEY_ARGS:
		options->packets = state->argv + state->next;
		options->n_packets = state->argc - state->next;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{ .argp = &options_json },
	{ .argp = &options_wire },
	{},
};
static const struct argp argp = {
	.parser = parse,
	.args_doc = "[HEX...]",
	.doc = "print every field of notifications given in hex, from the IP header on, as "
	       "arguments or one a line on standard input\vExit code 2 says that one of them would "
	       "be discarded, or was no hex; the others are printed all the same.",
	.children = children,
};

/* ---- one packet to JSON ---------------------------------------------------------------------- */

static void set_header(json_t *json, const struct packet *p)
{
	bool udp = p->envelope.transport == TRANSPORT_UDP;

	if (!p->len)
		return;
	json_set(json, "source", json_addr(&p->envelope.src));
	json_set(json, "destination", json_addr(&p->envelope.dst));
	json_set(json, "ip-version", json_integer(p->version));
	json_set(json, "transport", json_string(udp ? "udp" : "icmpv6"));
	json_set(json, "bytes", json_integer(p->len));
	json_set(json, "hop-limit", json_integer(p->hop_limit));
	json_set(json, "dscp", json_integer(p->tclass >> 2));
}

static void set_discard(json_t *json, const struct finding *f)
{
	json_t *discard = json_object();

	json_set(discard, "reason", json_string(reason_word(f->reason)));
	json_set(discard, "sentence", json_string(reason_sentence(f->reason)));
	json_set(discard, "at", json_integer(f->at));
	json_set(discard, "detail", json_text(f->detail));
	json_set(json, "discard", discard);
}

/* With a key: is the MAC right? */
static bool check_mac(struct finding *f, const struct msg *m, const struct packet *p,
		      struct msg_buf *buf, const struct wire_options *wire)
{
	const char *detail = NULL;
	struct mac_key key = {};

	if (!wire_keyed(wire))
		return true;
	if (!msg_has(m, TLVI_AUTH)) {
		f->reason = REASON_AUTH_MISSING;
		detail = "there is none";
	} else if ((detail = wire_key(&key, wire, m->auth_key_id, m->auth_algorithm))) {
		f->reason = REASON_AUTH_KEY;
	} else if (msg_auth(m, &key, &p->envelope, buf)) {
		f->reason = REASON_AUTH;
		detail = "it is not what the key gives";
	}
	if (!detail)
		return true;
	f->at = msg_has(m, TLVI_AUTH) ? p->l4 + m->at[TLVI_AUTH] - WIRE_TLV_HDR : p->len;
	snprintf(f->detail, sizeof(f->detail), "%s", detail);
	return false;
}

/* Fill *json; false for a packet that would be discarded. */
static bool decode(json_t *json, const __u8 *bytes, __u32 n, const struct wire_options *wire)
{
	struct finding finding = {};
	struct packet packet;
	struct msg_buf buf;
	struct msg msg;
	bool ok = packet_read(&packet, &finding, bytes, n, &wire->rules);

	set_header(json, &packet);
	ok = ok && packet_parse(&msg, &finding, &buf, &packet, bytes, &wire->rules);
	if (ok) {
		describe_msg(json, &msg, &buf, &wire->rules);
		ok = check_mac(&finding, &msg, &packet, &buf, wire);
	}
	if (!ok)
		set_discard(json, &finding);
	return ok;
}

/* ---- and to text ----------------------------------------------------------------------------- */

static void print_text(json_t *json)
{
	json_t *discard = json_object_get(json, "discard"), *kind = json_object_get(json, "kind");
	const char *detail = json_string_value(json_object_get(discard, "detail"));

	/* Both stand in the title. */
	json_incref(discard);
	json_incref(kind);
	json_object_del(json, "discard");
	json_object_del(json, "kind");
	describe_print(kind ? json_string_value(kind) : "not a notification", json, stdout);
	if (discard)
		printf("  discarded: %s: %s; byte %" JSON_INTEGER_FORMAT "%s%s\n",
		       json_string_value(json_object_get(discard, "reason")),
		       json_string_value(json_object_get(discard, "sentence")),
		       json_integer_value(json_object_get(discard, "at")), detail ? ": " : "",
		       detail ?: "");
	putchar('\n');
	json_decref(discard);
	json_decref(kind);
}

/* One packet in hex; `name` stands for it in errors. False for a bad one. */
static bool decode_hex(const char *text, const char *name, const struct decode_options *options)
{
	json_t *json OWN_JSON = json_object();
	static __u8 bytes[65536];
	const char *bad;
	int n = hex_read(bytes, sizeof(bytes), text, &bad);
	bool ok;

	if (n < 0) {
		char error[128];

		if (n == -2)
			snprintf(error, sizeof(error), "more than %zu bytes", sizeof(bytes));
		else if (*bad)
			snprintf(error, sizeof(error), "'%.1s' at character %td is no hex digit",
				 bad, bad - text + 1);
		else
			snprintf(error, sizeof(error), "an odd number of hex digits");
		log_error("%s: %s; a packet is pairs of hex digits, from the IP header on", name,
			  error);
		json_set(json, "error", json_text(error));
		if (options->options.json)
			json_print(json, true, stdout);
		return false;
	}
	ok = decode(json, bytes, n, &options->wire);
	if (options->options.json)
		json_print(json, true, stdout);
	else
		print_text(json);
	return ok;
}

/* Blank lines and lines that start with # are passed over. Returns how many were bad. */
static int decode_lines(FILE *in, const struct decode_options *options)
{
	char *line OWN_MEM = NULL, name[32];
	size_t size = 0;
	int bad = 0;

	for (int number = 1; getline(&line, &size, in) >= 0; number++) {
		size_t blank = strspn(line, " \t\r\n");

		if (!line[blank] || line[blank] == '#')
			continue;
		snprintf(name, sizeof(name), "line %d", number);
		bad += !decode_hex(line, name, options);
		fflush(stdout);
	}
	return bad;
}

static void decode_forget(struct decode_options *options)
{
	wire_forget(&options->wire);
}

int cmd_decode(int argc, char **argv)
{
	struct decode_options options __attribute__((cleanup(decode_forget))) = {
		.wire.rules = msg_rules_default(),
	};
	char name[32];
	int bad = 0;

	options_parse(&argp, argc, argv, &options);
	if (!options.n_packets)
		bad = decode_lines(stdin, &options);
	for (int i = 0; i < options.n_packets; i++) {
		snprintf(name, sizeof(name), "packet %d", i + 1);
		bad += !decode_hex(options.packets[i], name, &options);
	}
	return bad ? EXIT_BAD_INPUT : EXIT_DONE;
}
