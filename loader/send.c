// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * `fantel send`: one notification from the command line, out by a raw socket, or in hex as decode
 * takes it. Needs no running node.
 */
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>

#include "clock.h"
#include "commands.h"
#include "compose.h"
#include "json.h"
#include "log.h"
#include "options.h"
#include "own.h"
#include "text.h"
#include "transmit.h"
#include "wire_options.h"
#include "words.h"

#define REPEATS_MAX ARG_ITEMS

struct send_options {
	struct options options; /* first: what options_parse takes */
	struct wire_options wire;
	struct compose compose;
	struct msg_envelope envelope;
	bool transport_given;
	bool no_event;
	bool sequence_given;
	bool dry_run;
	bool key_id_given;
	__u8 dscp;
	enum wire_auth algorithm; /* 0: by the key's length */
	int n_repeats;
	__u32 repeat_ms[REPEATS_MAX]; /* ascending, from the first */
};

enum {
	OPT_FROM = 0x100,
	OPT_TO,
	OPT_TRANSPORT,
	OPT_TYPE,
	OPT_EVENT_ID,
	OPT_SEQUENCE,
	OPT_VALIDITY,
	OPT_NO_EVENT,
	OPT_DSCP,
	OPT_SOURCE_PORT,
	OPT_REPEAT,
	OPT_KEY_ID,
	OPT_ALGORITHM,
};

static const struct argp_option own_options[] = {
	{ .name = "to", .key = OPT_TO, .arg = "ADDR", .doc = "the receiver's loopback (needed)" },
	{ .name = "from", .key = OPT_FROM, .arg = "ADDR",
	  .doc = "our loopback (what the kernel would take)" },
	{ .name = "type", .key = OPT_TYPE, .arg = "KIND",
	  .doc = "failure (the default), failure-recovery, congestion, congestion-elimination or "
		 "load-balancing" },
	{ .name = "transport", .key = OPT_TRANSPORT, .arg = "NAME",
	  .doc = "icmpv6 (the default) or udp; to IPv4 it is udp" },
	{ .name = "event-id", .key = OPT_EVENT_ID, .arg = "N",
	  .doc = "the condition's name, the same in its onset and recovery (1)" },
	{ .name = "sequence", .key = OPT_SEQUENCE, .arg = "N",
	  .doc = "higher than all before (from the time)" },
	{ .name = "validity", .key = OPT_VALIDITY, .arg = "MS",
	  .doc = "it counts that long; 0: until withdrawn (0)" },
	{ .name = "no-event", .key = OPT_NO_EVENT, .doc = "no event TLV and no timestamp" },
	{ .name = "repeat", .key = OPT_REPEAT, .arg = "MS,MS...",
	  .doc = "send it at these times after the start (0)" },
	{ .name = "dscp", .key = OPT_DSCP, .arg = "N", .doc = "0 to 63 (48: CS6)" },
	{ .name = "udp-source-port", .key = OPT_SOURCE_PORT, .arg = "PORT", .doc = "(49152)" },
	{ .name = "dry-run", .key = 'n', .doc = "print the packet in hex, send nothing" },
	{ .name = "key-id", .key = OPT_KEY_ID, .arg = "N",
	  .doc = "which key it is, with --key, --key-file or --keys (0)", .group = 9 },
	{ .name = "algorithm", .key = OPT_ALGORITHM, .arg = "NAME",
	  .doc = "siphash-2-4-128 (for a key of 16 bytes) or hmac-sha-256-128", .group = 9 },
	{},
};

static void read_repeats(struct send_options *options, char *text, struct argp_state *state)
{
	char *item[ARG_ITEMS];

	options->n_repeats = arg_split(state, "--repeat", text, item, 1, REPEATS_MAX);
	for (int i = 0; i < options->n_repeats; i++) {
		options->repeat_ms[i] = arg_number(state, "--repeat", item[i], 0, 3600000);
		if (i && options->repeat_ms[i] < options->repeat_ms[i - 1])
			argp_error(state, "--repeat: %s after %s; times have to rise", item[i],
				   item[i - 1]);
	}
}

static void finish(struct send_options *options, struct argp_state *state)
{
	struct msg_envelope *e = &options->envelope;

	if (addr_is_unspecified(&e->dst))
		argp_error(state, "--to ADDR is missing: who is to be told");
	if (addr_is_v4(&e->dst) && options->transport_given && e->transport == TRANSPORT_ICMPV6)
		argp_error(state, "--transport: IPv4 receivers are told by udp");
	if (addr_is_v4(&e->dst))
		e->transport = TRANSPORT_UDP;
	if (!addr_is_unspecified(&e->src) && addr_is_v4(&e->src) != addr_is_v4(&e->dst))
		argp_error(state, "--from and --to are of different IP versions");
	if ((options->key_id_given || options->algorithm) && !wire_keyed(&options->wire))
		argp_error(state, "--key-id and --algorithm need --key, --key-file or --keys");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct send_options *options = state->input;
	struct msg *m = &options->compose.msg;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(state);
		state->child_inputs[1] = &options->compose;
		state->child_inputs[2] = &options->wire;
		return 0;
	case OPT_FROM:
		options->envelope.src = arg_addr(state, "--from", arg);
		return 0;
	case OPT_TO:
		options->envelope.dst = arg_addr(state, "--to", arg);
		return 0;
	case OPT_TRANSPORT:
		if (strcmp(arg, "icmpv6") && strcmp(arg, "udp"))
			argp_error(state, "--transport: '%s' is neither icmpv6 nor udp", arg);
		options->envelope.transport = arg[0] == 'u' ? TRANSPORT_UDP : TRANSPORT_ICMPV6;
		options->transport_given = true;
		return 0;
	case OPT_TYPE:
		m->kind = arg_word(state, "--type", arg, kind_from_word, kind_word, KIND_COUNT - 1);
		return 0;
	case OPT_EVENT_ID:
		m->event_id = arg_number(state, "--event-id", arg, 0, 0xffffffff);
		return 0;
	case OPT_SEQUENCE:
		m->sequence = arg_number(state, "--sequence", arg, 0, ~0ULL);
		options->sequence_given = true;
		return 0;
	case OPT_VALIDITY:
		m->validity_ms = arg_number(state, "--validity", arg, 0, 0xffffffff);
		return 0;
	case OPT_NO_EVENT:
		options->no_event = true;
		return 0;
	case OPT_DSCP:
		options->dscp = arg_number(state, "--dscp", arg, 0, 63);
		return 0;
	case OPT_SOURCE_PORT:
		options->wire.rules.udp_sport =
			arg_number(state, "--udp-source-port", arg, WIRE_UDP_SPORT_MIN, 65535);
		return 0;
	case OPT_REPEAT:
		read_repeats(options, arg, state);
		return 0;
	case OPT_KEY_ID:
		m->auth_key_id = arg_number(state, "--key-id", arg, 0, 0xffffffff);
		options->key_id_given = true;
		return 0;
	case OPT_ALGORITHM:
		options->algorithm = arg_word(state, "--algorithm", arg, auth_from_word, auth_word,
					      AUTH_HMAC_SHA256);
		return 0;
	case 'n':
		options->dry_run = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s': send takes options only", arg);
		return 0;
	case ARGP_KEY_END:
		finish(options, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* ---- the packet ------------------------------------------------------------------------------ */

/* The address that the kernel would put into a packet to dst. */
static int source_towards(struct addr *src, const struct addr *dst)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = be16(WIRE_UDP_PORT) };
	int fd OWN_FD = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(a);
	char text[ADDR_TEXT];

	memcpy(&a.sin6_addr, dst, sizeof(a.sin6_addr));
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) ||
	    getsockname(fd, (struct sockaddr *)&a, &len))
		return err_r(-errno, "%s: no source address towards it (%s); --from gives one",
			     addr_text(text, dst), strerror(errno));
	memcpy(src, &a.sin6_addr, sizeof(*src));
	return 0;
}

/* Seconds and microseconds: higher with every call, and as an originator would count. */
static __u64 sequence_now(__u64 now_ns)
{
	return now_ns / NSEC_PER_SEC << 32 | now_ns % NSEC_PER_SEC / 1000;
}

static void fill_event(struct send_options *options, __u64 now_ns)
{
	struct msg *m = &options->compose.msg;

	if (!options->sequence_given)
		m->sequence = sequence_now(now_ns);
	m->present |= MSG_BIT(TLVI_EVENT);
	if (!msg_has(m, TLVI_TIMESTAMP))
		m->timestamp_ns = now_ns;
	m->present |= MSG_BIT(TLVI_TIMESTAMP);
}

/* As given, as the file of keys says, or by the key's length. */
static enum wire_auth algorithm_of(const struct send_options *options)
{
	const struct wire_options *wire = &options->wire;
	const struct keys_entry *entry = keys_find(&wire->keys, options->compose.msg.auth_key_id);

	if (options->algorithm)
		return options->algorithm;
	if (entry && !wire->secret_len)
		return entry->key.mac.algorithm;
	return wire->secret_len == WIRE_SIPHASH_KEY ? AUTH_SIPHASH : AUTH_HMAC_SHA256;
}

/* The message into *buf. Returns its length, or a negative exit code. */
static int build(struct msg_buf *buf, struct send_options *options)
{
	struct wire_options *wire = &options->wire;
	struct msg *m = &options->compose.msg;
	struct mac_key key = {};
	const char *why;
	__u32 len;

	if (!options->no_event)
		fill_event(options, clock_wall_ns(clock_now_ns()));
	if (wire_keyed(wire)) {
		m->auth_algorithm = algorithm_of(options);
		m->present |= MSG_BIT(TLVI_AUTH);
		why = wire_key(&key, wire, m->auth_key_id, m->auth_algorithm);
		if (why)
			return err_r(-EXIT_BAD_INPUT, "key %u: %s", m->auth_key_id, why);
	}
	if (!m->code && !m->present)
		return err_r(-EXIT_BAD_INPUT,
			     "the message says nothing; name a tunnel or add a TLV");
	len = msg_build(buf, m, &options->compose.parts, &wire->rules, &options->envelope,
			wire_keyed(wire) ? &key : NULL);
	if (!len)
		return err_r(-EXIT_BAD_INPUT, "longer than %u bytes; leave something out",
			     WIRE_PACKET_MAX);
	return len;
}

static void print_hex(FILE *out, const __u8 *bytes, __u32 n)
{
	for (__u32 i = 0; i < n; i++)
		fprintf(out, "%02x", bytes[i]);
}

static void report_json(const struct send_options *options, const __u8 *packet, __u32 n, int sent)
{
	const struct msg *m = &options->compose.msg;
	char *hex OWN_MEM = NULL;
	json_t *json OWN_JSON = json_object();
	size_t size;
	FILE *out = open_memstream(&hex, &size);

	if (!out)
		return;
	print_hex(out, packet, n);
	fclose(out);
	json_set(json, "kind", json_string(kind_word(m->kind)));
	json_set(json, "source", json_addr(&options->envelope.src));
	json_set(json, "destination", json_addr(&options->envelope.dst));
	json_set(json, "event-id", msg_has(m, TLVI_EVENT) ? json_integer(m->event_id) :
							     json_null());
	json_set(json, "sequence", msg_has(m, TLVI_EVENT) ? json_integer(m->sequence) :
							     json_null());
	json_set(json, "sent", json_integer(sent));
	json_set(json, "packet", json_string(hex));
	json_print(json, true, stdout);
}

static void report(const struct send_options *options, const __u8 *packet, __u32 n, int sent)
{
	const struct msg *m = &options->compose.msg;
	char to[ADDR_TEXT];

	if (options->options.json) {
		report_json(options, packet, n, sent);
	} else if (options->dry_run) {
		print_hex(stdout, packet, n);
		putchar('\n');
	} else {
		printf("%s: %u bytes to %s", kind_word(m->kind), n,
		       addr_text(to, &options->envelope.dst));
		if (msg_has(m, TLVI_EVENT))
			printf(", event %u, sequence %llu", m->event_id,
			       (unsigned long long)m->sequence);
		printf(sent == 1 ? "\n" : ", %d times\n", sent);
	}
}

static void sleep_until(__u64 monotonic_ns)
{
	struct timespec t = { .tv_sec = monotonic_ns / NSEC_PER_SEC,
			      .tv_nsec = monotonic_ns % NSEC_PER_SEC };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

/* All repetitions. Returns how many left, or a negative errno, reported. */
static int transmit_all(const struct send_options *options, const __u8 *packet, __u32 n)
{
	struct transmit out OWN_TRANSMIT = { -1, -1 };
	const struct addr *dst = &options->envelope.dst;
	__u64 start = clock_now_ns();
	char text[ADDR_TEXT];
	int r = transmit_open(&out, options->dscp << 2);

	for (int i = 0; i < options->n_repeats && !r; i++) {
		sleep_until(start + options->repeat_ms[i] * NSEC_PER_MSEC);
		r = transmit_send(&out, dst, packet, n);
		if (r)
			log_error("%s: can't send to it (%s)", addr_text(text, dst), strerror(-r));
	}
	return r ?: options->n_repeats;
}

static void send_forget(struct send_options *options)
{
	wire_forget(&options->wire);
}

int cmd_send(int argc, char **argv)
{
	struct argp_child children[] = {
		{ .argp = &options_json },
		{ .argp = compose_argp() },
		{ .argp = &options_wire },
		{},
	};
	const struct argp argp = {
		.options = own_options,
		.parser = parse,
		.doc = "send one notification, or print it in hex\vSent from a raw socket, hop "
		       "limit 255: CAP_NET_RAW is needed. A real originator's events are better "
		       "not named again: its receivers would take these for its own.",
		.children = children,
	};
	struct send_options options __attribute__((cleanup(send_forget))) = {
		.wire.rules = msg_rules_default(),
		.dscp = WIRE_DSCP,
		.n_repeats = 1,
	};
	struct msg_buf buf = {};
	const __u8 *packet;
	int len, sent = 0;
	__u32 n;

	compose_init(&options.compose);
	options.compose.msg.event_id = 1;
	options_parse(&argp, argc, argv, &options);
	if (addr_is_unspecified(&options.envelope.src) &&
	    source_towards(&options.envelope.src, &options.envelope.dst))
		return EXIT_FAILED;
	len = build(&buf, &options);
	if (len < 0)
		return -len;
	packet = transmit_wrap(&buf, &options.envelope, len, options.dscp << 2, &n);
	if (!options.dry_run)
		sent = transmit_all(&options, packet, n);
	if (sent < 0)
		return EXIT_FAILED;
	report(&options, packet, n, sent);
	return EXIT_DONE;
}
