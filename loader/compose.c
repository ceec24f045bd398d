// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* See compose.h. Called by send. */
#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "compose.h"
#include "wire_options.h"
#include "words.h"

#define ANOMALOUS_WORD "anomalous"

void compose_init(struct compose *c)
{
	memset(c, 0, sizeof(*c));
	c->writer.buf = &c->parts;
	c->writer.end = WIRE_MSG_MAX;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* What a reader of one option gets. */
struct arg {
	struct compose *c;
	struct msg *m;
	enum tlv_index index;
	const char *option; /* as typed, for errors */
	char *text;
	struct argp_state *state;
};

static __u32 number(const struct arg *a, const char *text)
{
	return arg_number(a->state, a->option, text, 0, 0xffffffff);
}

static __u32 f32(const struct arg *a, const char *text)
{
	float value = arg_real(a->state, a->option, text);
	__u32 bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static __u32 metric(const struct arg *a, const char *text)
{
	return arg_number(a->state, a->option, text, 0, WIRE_METRIC_MASK);
}

static struct addr address(const struct arg *a, const char *text, bool v4)
{
	struct addr addr = arg_addr(a->state, a->option, text);

	if (addr_is_v4(&addr) != v4)
		argp_error(a->state, "%s: '%s' is not an IPv%d address", a->option, text,
			   v4 ? 4 : 6);
	return addr;
}

/* "12,anomalous": cut the word off and note the bit. */
static int split_anomalous(const struct arg *a, char *item[ARG_ITEMS], int n,
			   enum msg_anomalous bit)
{
	int got = arg_split(a->state, a->option, a->text, item, n, n + 1);

	if (got == n)
		return n;
	if (strcmp(item[n], ANOMALOUS_WORD))
		argp_error(a->state, "%s: '%s' is not '" ANOMALOUS_WORD "'", a->option, item[n]);
	a->m->anomalous |= bit;
	return n;
}

/* ---- location -------------------------------------------------------------------------------- */

/* 10.0.0.1, 10.0.0.1:10.0.0.2, 0000.0000.0001, 0000.0000.0001.01: see docs/wire.md. */
static void read_router_id(const struct arg *a, struct msg_node *node, const char *text)
{
	char copy[64], *second = NULL, dots[64];
	const char *bad;
	int n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	second = strchr(copy, ':');
	if (second)
		*second++ = '\0';
	if (inet_pton(AF_INET, copy, node->router_id) == 1) {
		n = 4;
		if (second)
			n = inet_pton(AF_INET, second, node->router_id + 4) == 1 ? 8 : 0;
	} else {
		for (const char *p = text; *p && n < (int)sizeof(dots) - 1; p++)
			if (*p != '.')
				dots[n++] = *p;
		dots[n] = '\0';
		n = hex_read(node->router_id, sizeof(node->router_id), dots, &bad);
		if (n != 6 && n != 7)
			n = 0;
	}
	if (!n)
		argp_error(a->state,
			   "%s: '%s' is no router-id; 10.0.0.1 and 0000.0000.0001 would be ones",
			   a->option, text);
	node->router_id_len = n;
	node->present |= MSG_BIT(SUBTLVI_ROUTER_ID);
}

static void read_node(const struct arg *a)
{
	struct msg_node *node = a->index == TLVI_LOCAL_NODE ? &a->m->local_node :
							      &a->m->remote_node;
	char *item[ARG_ITEMS];
	int n = arg_split(a->state, a->option, a->text, item, 1, SUBTLVI_COUNT);

	for (int i = 0; i < n; i++) {
		char *value = strchr(item[i], '=');

		if (value)
			*value++ = '\0';
		if (value && !strcmp(item[i], subtlv_word(SUBTLV_AS))) {
			node->as = number(a, value);
			node->present |= MSG_BIT(SUBTLVI_AS);
		} else if (value && !strcmp(item[i], subtlv_word(SUBTLV_AREA))) {
			struct addr area = address(a, value, true);

			node->area = be32(area.l_be[3]);
			node->present |= MSG_BIT(SUBTLVI_AREA);
		} else if (value && !strcmp(item[i], subtlv_word(SUBTLV_ROUTER_ID))) {
			read_router_id(a, node, value);
		} else {
			argp_error(a->state, "%s: '%s' is none of as=N, area=A.B.C.D, router-id=ID",
				   a->option, item[i]);
		}
	}
}

static void read_link_ids(const struct arg *a)
{
	char *item[ARG_ITEMS];

	arg_split(a->state, a->option, a->text, item, 2, 2);
	a->m->local_link = number(a, item[0]);
	a->m->remote_link = number(a, item[1]);
}

static void read_address(const struct arg *a)
{
	bool v4 = a->index == TLVI_LOCAL_IPV4 || a->index == TLVI_REMOTE_IPV4;
	struct addr addr = address(a, a->text, v4);

	if (a->index == TLVI_LOCAL_IPV4)
		a->m->local_ipv4_be = addr.l_be[3];
	else if (a->index == TLVI_REMOTE_IPV4)
		a->m->remote_ipv4_be = addr.l_be[3];
	else if (a->index == TLVI_LOCAL_IPV6)
		a->m->local_ipv6 = addr;
	else
		a->m->remote_ipv6 = addr;
}

/* ---- metrics --------------------------------------------------------------------------------- */

static void read_bandwidth(const struct arg *a)
{
	__u32 bits = f32(a, a->text);

	if (a->index == TLVI_CAPACITY)
		a->m->capacity_f32 = bits;
	else if (a->index == TLVI_RESIDUAL)
		a->m->residual_f32 = bits;
	else if (a->index == TLVI_AVAILABLE)
		a->m->available_f32 = bits;
	else
		a->m->utilized_f32 = bits;
}

static void read_delay(const struct arg *a)
{
	char *item[ARG_ITEMS];

	split_anomalous(a, item, 1, ANOMALOUS_DELAY);
	a->m->delay_us = metric(a, item[0]);
}

static void read_delay_range(const struct arg *a)
{
	char *item[ARG_ITEMS];

	split_anomalous(a, item, 2, ANOMALOUS_DELAY_RANGE);
	a->m->delay_min_us = metric(a, item[0]);
	a->m->delay_max_us = metric(a, item[1]);
}

static void read_delay_variation(const struct arg *a)
{
	a->m->delay_variation_us = metric(a, a->text);
}

static void read_loss(const struct arg *a)
{
	char *item[ARG_ITEMS];
	double units;

	split_anomalous(a, item, 1, ANOMALOUS_LOSS);
	units = rint(arg_real(a->state, a->option, item[0]) / WIRE_LOSS_PERCENT);
	if (units > WIRE_METRIC_MASK)
		argp_error(a->state, "%s: %s percent; at most %.2f can be said", a->option, item[0],
			   WIRE_METRIC_MASK * WIRE_LOSS_PERCENT);
	a->m->loss = units;
}

/* ---- private --------------------------------------------------------------------------------- */

static void read_timestamp(const struct arg *a)
{
	a->m->timestamp_ns = arg_number(a->state, a->option, a->text, 0, ~0ULL);
}

static void read_flow_id(const struct arg *a)
{
	a->m->flow_id = arg_number(a->state, a->option, a->text, 0, ~0ULL);
}

static void read_flow(const struct arg *a)
{
	struct msg *m = a->m;
	char *item[ARG_ITEMS];

	arg_split(a->state, a->option, a->text, item, 5, 5);
	m->flow_protocol = arg_number(a->state, a->option, item[0], 0, 255);
	m->flow_src = arg_addr(a->state, a->option, item[1]);
	m->flow_sport = arg_number(a->state, a->option, item[2], 0, 65535);
	m->flow_version = addr_is_v4(&m->flow_src) ? 4 : 6;
	m->flow_dst = address(a, item[3], m->flow_version == 4);
	m->flow_dport = arg_number(a->state, a->option, item[4], 0, 65535);
}

static void read_queue(const struct arg *a)
{
	char *item[ARG_ITEMS];

	arg_split(a->state, a->option, a->text, item, 3, 3);
	a->m->queue_id = number(a, item[0]);
	a->m->queue_depth = number(a, item[1]);
	a->m->queue_limit = number(a, item[2]);
}

static void read_node_load(const struct arg *a)
{
	char *item[ARG_ITEMS];

	arg_split(a->state, a->option, a->text, item, 2, 2);
	a->m->cpu_percent = arg_number(a->state, a->option, item[0], 0, 100);
	a->m->memory_percent = arg_number(a->state, a->option, item[1], 0, 100);
}

static void read_rate(const struct arg *a)
{
	char *item[ARG_ITEMS];

	arg_split(a->state, a->option, a->text, item, 2, 2);
	a->m->rate_min_f32 = f32(a, item[0]);
	a->m->rate_max_f32 = f32(a, item[1]);
}

static void read_overlay_key(const struct arg *a)
{
	char *item[ARG_ITEMS];

	arg_split(a->state, a->option, a->text, item, 2, 2);
	a->m->overlay_kind = arg_word(a->state, a->option, item[0], key_from_word, key_word,
				      KEY_SLICE);
	a->m->overlay_key = number(a, item[1]);
}

static void read_domain(const struct arg *a)
{
	a->m->domain = number(a, a->text);
}

static void read_hint(const struct arg *a)
{
	a->m->hint = arg_word(a->state, a->option, a->text, hint_from_word, hint_word, HINT_INFORM);
}

static void read_cause(const struct arg *a)
{
	a->m->cause = arg_word(a->state, a->option, a->text, cause_from_word, cause_word,
			       CAUSE_NO_FEASIBLE_PATH);
}

static void read_path(const struct arg *a)
{
	a->m->path = number(a, a->text);
}

static void read_scope(const struct arg *a)
{
	char *item[ARG_ITEMS];

	arg_split(a->state, a->option, a->text, item, 2, 2);
	a->m->scope_mode = arg_word(a->state, a->option, item[0], scope_from_word, scope_word,
				    SCOPE_FLOOD);
	a->m->scope_hops = arg_number(a->state, a->option, item[1], 0, 255);
}

static const struct {
	void (*read)(const struct arg *arg);
	const char *arg, *doc;
} tlvs[TLVI_COUNT] = {
	[TLVI_LOCAL_NODE] = { read_node, "as=N,area=A,router-id=ID",
			      "who reports; any of the three" },
	[TLVI_REMOTE_NODE] = { read_node, "as=N,area=A,router-id=ID", "the other end of the link" },
	[TLVI_LINK_IDS] = { read_link_ids, "LOCAL,REMOTE", "the link's identifiers" },
	[TLVI_LOCAL_IPV4] = { read_address, "ADDR", "the link's address here" },
	[TLVI_REMOTE_IPV4] = { read_address, "ADDR", "the link's address at the other end" },
	[TLVI_LOCAL_IPV6] = { read_address, "ADDR", "the link's address here" },
	[TLVI_REMOTE_IPV6] = { read_address, "ADDR", "the link's address at the other end" },
	[TLVI_CAPACITY] = { read_bandwidth, "BYTES/S", "with k, M, G, T: 12.5G is 100 Gbit/s" },
	[TLVI_DELAY] = { read_delay, "US[,anomalous]", "one way" },
	[TLVI_DELAY_RANGE] = { read_delay_range, "MIN,MAX[,anomalous]", "in us" },
	[TLVI_DELAY_VARIATION] = { read_delay_variation, "US", NULL },
	[TLVI_LOSS] = { read_loss, "PERCENT[,anomalous]", NULL },
	[TLVI_RESIDUAL] = { read_bandwidth, "BYTES/S", NULL },
	[TLVI_AVAILABLE] = { read_bandwidth, "BYTES/S", NULL },
	[TLVI_UTILIZED] = { read_bandwidth, "BYTES/S", NULL },
	[TLVI_TIMESTAMP] = { read_timestamp, "NS", "when it was seen, ns since 1970 (now)" },
	[TLVI_FLOW_ID] = { read_flow_id, "N", NULL },
	[TLVI_FLOW] = { read_flow, "PROTO,SRC,SPORT,DST,DPORT", "the affected flow" },
	[TLVI_QUEUE] = { read_queue, "ID,DEPTH,LIMIT", "in bytes" },
	[TLVI_NODE_LOAD] = { read_node_load, "CPU,MEMORY", "in percent" },
	[TLVI_RATE] = { read_rate, "MIN,MAX", "asked of the sender, in bytes/s" },
	[TLVI_OVERLAY_KEY] = { read_overlay_key, "KIND,KEY",
			       "gre-key, vni, spi, roce-destqp or slice, and its number" },
	[TLVI_DOMAIN] = { read_domain, "ID", NULL },
	[TLVI_HINT] = { read_hint, "ACTION", "switch, rebalance, slow-down or inform-only" },
	[TLVI_CAUSE] = { read_cause, "CAUSE", "carrier, bfd, admin-down, errors, node-down, queue, "
					      "utilization or no-feasible-path" },
	[TLVI_PATH] = { read_path, "ID", NULL },
	[TLVI_SCOPE] = { read_scope, "MODE,HOPS",
			 "unicast, multicast, hop-by-hop or flood, and how many hops are left" },
};

/* ---- Tunnel Info ----------------------------------------------------------------------------- */

static void read_ip(const struct arg *a)
{
	a->m->ip = arg_addr(a->state, a->option, a->text);
	a->m->code |= CODE_IP;
}

/* Segments come in the order travelled; an SRH has the last one first. */
static void read_srv6(const struct arg *a)
{
	struct tunnel_key k = { .code = CODE_SRV6 };
	char *item[ARG_ITEMS];
	int n = arg_split(a->state, a->option, a->text, item, 1, MAX_SEGMENTS);

	for (int i = 0; i < n; i++)
		k.segment[n - 1 - i] = address(a, item[i], false);
	k.n = a->m->n_segments = n;
	a->m->srh_at = a->c->writer.at;
	a->m->code |= CODE_SRV6;
	msg_put_tunnel(&a->c->writer, &k);
}

static void read_mpls(const struct arg *a)
{
	struct tunnel_key k = { .code = CODE_MPLS };
	char *item[ARG_ITEMS];
	int n = arg_split(a->state, a->option, a->text, item, 1, WIRE_LABELS_MAX);

	for (int i = 0; i < n; i++)
		k.label_be[i] = be32(arg_number(a->state, a->option, item[i], 0, 0xfffff)
				     << WIRE_LABEL_SHIFT);
	k.n = a->m->n_labels = n;
	a->m->labels_at = a->c->writer.at;
	a->m->code |= CODE_MPLS;
	msg_put_tunnel(&a->c->writer, &k);
}

static const struct {
	const char *name, *arg, *doc;
	void (*read)(const struct arg *arg);
} parts[] = {
	{ "ip", "ADDR", "a tunnel by its destination address", read_ip },
	{ "srv6", "A,B,C", "by its segments, in the order travelled", read_srv6 },
	{ "mpls", "L1,L2", "by its labels, top first", read_mpls },
};

/* ---- the argp -------------------------------------------------------------------------------- */

enum {
	OPT_PART = 0x200,
	OPT_TLV = 0x240,
};

static error_t parse(int key, char *text, struct argp_state *state)
{
	struct compose *c = state->input;
	struct arg a = { .c = c, .m = c ? &c->msg : NULL, .text = text, .state = state };
	char option[64];

	a.option = option;
	if (key >= OPT_PART && key < OPT_PART + (int)ARRAY_SIZE(parts)) {
		snprintf(option, sizeof(option), "--%s", parts[key - OPT_PART].name);
		parts[key - OPT_PART].read(&a);
		return 0;
	}
	if (!c || key < OPT_TLV || key >= OPT_TLV + TLVI_COUNT)
		return ARGP_ERR_UNKNOWN;
	a.index = key - OPT_TLV;
	snprintf(option, sizeof(option), "--%s", tlv_word(msg_tlv_type(a.index)));
	tlvs[a.index].read(&a);
	c->msg.present |= MSG_BIT(a.index);
	return 0;
}

const struct argp *compose_argp(void)
{
	static struct argp_option options[ARRAY_SIZE(parts) + TLVI_COUNT + 3];
	static const struct argp argp = { .options = options, .parser = parse };
	struct argp_option *o = options;

	*o++ = (struct argp_option){ .doc = "Which tunnel; several must all match", .group = 2 };
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		*o++ = (struct argp_option){ .name = parts[i].name, .key = OPT_PART + i,
					     .arg = parts[i].arg, .doc = parts[i].doc };
	*o++ = (struct argp_option){ .doc = "What else there is to say", .group = 4 };
	for (int i = 0; i < TLVI_COUNT; i++)
		if (tlvs[i].read)
			*o++ = (struct argp_option){ .name = tlv_word(msg_tlv_type(i)),
						     .key = OPT_TLV + i, .arg = tlvs[i].arg,
						     .doc = tlvs[i].doc };
	*o = (struct argp_option){};
	return &argp;
}
