// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* See describe.h. Called by decode. */
#include <inttypes.h>
#include <stdlib.h>

#include "clock.h"
#include "describe.h"
#include "json.h"
#include "text.h"
#include "words.h"

/* ---- values to JSON -------------------------------------------------------------------------- */

/* JSON numbers of other programs end at 2^63 or before: beyond, the digits as a string. */
static json_t *json_u64(__u64 value)
{
	char text[24];

	if (value <= INT64_MAX)
		return json_integer(value);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return json_string(text);
}

/* Not a number and infinity have no form in JSON: null. */
static json_t *json_f32(__u32 bits)
{
	json_t *json;
	float value;

	memcpy(&value, &bits, sizeof(value));
	json = json_real(value);
	return json ? json : json_null();
}

static json_t *json_hex(const __u8 *bytes, __u32 n)
{
	char text[2 * WIRE_MSG_MAX + 1] = "";

	for (__u32 i = 0; i < n; i++)
		sprintf(text + 2 * i, "%02x", bytes[i]);
	return json_string(text);
}

/* A word where the table has one, else the number. */
static json_t *json_word(const char *word, __u32 value)
{
	return strcmp(word, "unknown") ? json_string(word) : json_integer(value);
}

static json_t *json_ipv4(__be32 v4_be)
{
	struct addr a = addr_from_v4(v4_be);

	return json_addr(&a);
}

static json_t *one(const char *name, json_t *value)
{
	json_t *json = json_object();

	json_set(json, name, value);
	return json;
}

static json_t *json_node(const struct msg_node *node)
{
	json_t *json = json_object();
	char id[ROUTER_ID_TEXT];

	if (node->present & MSG_BIT(SUBTLVI_AS))
		json_set(json, subtlv_word(SUBTLV_AS), json_integer(node->as));
	if (node->present & MSG_BIT(SUBTLVI_AREA))
		json_set(json, subtlv_word(SUBTLV_AREA), json_ipv4(be32(node->area)));
	if (node->present & MSG_BIT(SUBTLVI_ROUTER_ID))
		json_set(json, subtlv_word(SUBTLV_ROUTER_ID),
			 json_string(router_id_text(id, node->router_id, node->router_id_len)));
	return json;
}

/* ---- TLVs to JSON ---------------------------------------------------------------------------- */

static json_t *location_json(const struct msg *m, enum tlv_index index)
{
	json_t *json;

	switch (index) {
	case TLVI_LOCAL_NODE:
		return json_node(&m->local_node);
	case TLVI_REMOTE_NODE:
		return json_node(&m->remote_node);
	case TLVI_LINK_IDS:
		json = one("local", json_integer(m->local_link));
		json_set(json, "remote", json_integer(m->remote_link));
		return json;
	case TLVI_LOCAL_IPV4:
		return json_ipv4(m->local_ipv4_be);
	case TLVI_REMOTE_IPV4:
		return json_ipv4(m->remote_ipv4_be);
	case TLVI_LOCAL_IPV6:
		return json_addr(&m->local_ipv6);
	default:
		return json_addr(&m->remote_ipv6);
	}
}

static json_t *with_a_bit(json_t *json, const struct msg *m, enum msg_anomalous bit)
{
	json_set(json, "anomalous", json_boolean(m->anomalous & bit));
	return json;
}

static json_t *metric_json(const struct msg *m, enum tlv_index index)
{
	json_t *json;

	switch (index) {
	case TLVI_CAPACITY:
		return one("bytes-per-second", json_f32(m->capacity_f32));
	case TLVI_DELAY:
		return with_a_bit(one("us", json_integer(m->delay_us)), m, ANOMALOUS_DELAY);
	case TLVI_DELAY_RANGE:
		json = one("min-us", json_integer(m->delay_min_us));
		json_set(json, "max-us", json_integer(m->delay_max_us));
		return with_a_bit(json, m, ANOMALOUS_DELAY_RANGE);
	case TLVI_DELAY_VARIATION:
		return one("us", json_integer(m->delay_variation_us));
	case TLVI_LOSS:
		json = one("percent", json_real(m->loss * WIRE_LOSS_PERCENT));
		return with_a_bit(json, m, ANOMALOUS_LOSS);
	case TLVI_RESIDUAL:
		return one("bytes-per-second", json_f32(m->residual_f32));
	case TLVI_AVAILABLE:
		return one("bytes-per-second", json_f32(m->available_f32));
	default:
		return one("bytes-per-second", json_f32(m->utilized_f32));
	}
}

static json_t *flow_json(const struct msg *m)
{
	json_t *json = one("protocol", json_integer(m->flow_protocol));

	json_set(json, "source", json_addr(&m->flow_src));
	json_set(json, "source-port", json_integer(m->flow_sport));
	json_set(json, "destination", json_addr(&m->flow_dst));
	json_set(json, "destination-port", json_integer(m->flow_dport));
	return json;
}

static json_t *event_json(const struct msg *m)
{
	json_t *json = one("id", json_integer(m->event_id));

	json_set(json, "sequence", json_u64(m->sequence));
	json_set(json, "validity-ms", json_integer(m->validity_ms));
	return json;
}

static json_t *queue_json(const struct msg *m)
{
	json_t *json = one("id", json_integer(m->queue_id));

	json_set(json, "depth-bytes", json_integer(m->queue_depth));
	json_set(json, "limit-bytes", json_integer(m->queue_limit));
	return json;
}

static json_t *timestamp_json(const struct msg *m)
{
	char text[CLOCK_TEXT];
	json_t *json = one("ns", json_u64(m->timestamp_ns));

	json_set(json, "time", json_string(clock_text(text, m->timestamp_ns)));
	return json;
}

static json_t *auth_json(const struct msg *m)
{
	json_t *json = one("key-id", json_integer(m->auth_key_id));

	json_set(json, "algorithm", json_word(auth_word(m->auth_algorithm), m->auth_algorithm));
	json_set(json, "mac", json_hex(m->auth_mac, WIRE_MAC_LEN));
	return json;
}

static json_t *pair(const char *first, json_t *a, const char *second, json_t *b)
{
	json_t *json = one(first, a);

	json_set(json, second, b);
	return json;
}

static json_t *ours_json(const struct msg *m, enum tlv_index index)
{
	switch (index) {
	case TLVI_EVENT:
		return event_json(m);
	case TLVI_TIMESTAMP:
		return timestamp_json(m);
	case TLVI_FLOW_ID:
		return json_u64(m->flow_id);
	case TLVI_FLOW:
		return flow_json(m);
	case TLVI_QUEUE:
		return queue_json(m);
	case TLVI_NODE_LOAD:
		return pair("cpu-percent", json_integer(m->cpu_percent),
			    "memory-percent", json_integer(m->memory_percent));
	case TLVI_RATE:
		return pair("min-bytes-per-second", json_f32(m->rate_min_f32),
			    "max-bytes-per-second", json_f32(m->rate_max_f32));
	case TLVI_OVERLAY_KEY:
		return pair("kind", json_word(key_word(m->overlay_kind), m->overlay_kind),
			    "key", json_integer(m->overlay_key));
	case TLVI_DOMAIN:
		return json_integer(m->domain);
	case TLVI_HINT:
		return json_word(hint_word(m->hint), m->hint);
	case TLVI_CAUSE:
		return json_word(cause_word(m->cause), m->cause);
	case TLVI_PATH:
		return json_integer(m->path);
	case TLVI_SCOPE:
		return pair("mode", json_word(scope_word(m->scope_mode), m->scope_mode),
			    "hops-left", json_integer(m->scope_hops));
	default:
		return auth_json(m);
	}
}

static json_t *tlv_json(const struct msg *m, enum tlv_index index)
{
	if (index < TLVI_CAPACITY)
		return location_json(m, index);
	return index < TLVI_EVENT ? metric_json(m, index) : ours_json(m, index);
}

static void set_options(json_t *json, const struct msg *m, const struct msg_buf *buf,
			const struct msg_rules *rules)
{
	json_t *options = json_object(), *others = json_array();
	struct cursor c = msg_options(m);
	struct msg_tlv tlv;
	__u32 index;

	while (msg_next_tlv(&tlv, &c, buf)) {
		bool known = msg_tlv_known(&index, &tlv, rules, buf);
		json_t *other;

		if (known && m->at[index] == tlv.at) {
			json_set(options, tlv_word(tlv.type), tlv_json(m, index));
			continue;
		}
		other = one("type", json_integer(tlv.type));
		json_set(other, "why", json_string(known ? "repeated" : "unknown"));
		json_set(other, "value", json_hex(buf->b + tlv.at, tlv.n));
		json_array_append_new(others, other);
	}
	json_set(json, "options", options);
	if (json_array_size(others))
		json_set(json, "ignored", others);
	else
		json_decref(others);
}

/* ---- Tunnel Info to JSON --------------------------------------------------------------------- */

/* In the order travelled: an SRH lists the last segment first. */
static json_t *srv6_json(const struct msg *m, const struct msg_buf *buf)
{
	json_t *json = json_array();

	for (int i = m->n_segments - 1; i >= 0; i--) {
		struct addr a = addr_load(buf->b + m->srh_at + WIRE_SRH_FIXED + 16 * i);

		json_array_append_new(json, json_addr(&a));
	}
	return json;
}

static json_t *mpls_json(const struct msg *m, const struct msg_buf *buf)
{
	json_t *json = json_array(), *entry;

	for (int i = 0; i < m->n_labels; i++) {
		__u32 word = be32(load32(buf->b + m->labels_at + 4 * i));

		entry = one("label", json_integer(word >> WIRE_LABEL_SHIFT));
		json_set(entry, "tc", json_integer(word >> WIRE_LABEL_TC_SHIFT & 7));
		json_set(entry, "ttl", json_integer(word & 0xff));
		json_array_append_new(json, entry);
	}
	return json;
}

static json_t *tunnel_json(const struct msg *m, const struct msg_buf *buf)
{
	json_t *json = json_object();

	if (m->code & CODE_IP)
		json_set(json, "ip", json_addr(&m->ip));
	if (m->code & CODE_SRV6) {
		json_set(json, "srv6", srv6_json(m, buf));
		json_set(json, "segments-left",
			 json_integer(buf->b[m->srh_at + WIRE_SRH_OFF_SL]));
	}
	if (m->code & CODE_MPLS)
		json_set(json, "mpls", mpls_json(m, buf));
	return json;
}

void describe_msg(json_t *json, const struct msg *m, const struct msg_buf *buf,
		  const struct msg_rules *rules)
{
	json_set(json, "kind", json_string(kind_word(m->kind)));
	json_set(json, "type", json_integer(rules->type[m->kind]));
	json_set(json, "tunnel", tunnel_json(m, buf));
	set_options(json, m, buf, rules);
}

/* ---- JSON to text ---------------------------------------------------------------------------- */

enum unit {
	UNIT_NONE,
	UNIT_RATE,
	UNIT_US,
	UNIT_VALIDITY,
	UNIT_BYTES,
	UNIT_PERCENT,
};

/* Members whose numbers read better with a unit; `label` takes the member's place. */
static const struct {
	const char *member;
	const char *label;
	enum unit unit;
} units[] = {
	{ "bytes-per-second", "", UNIT_RATE },
	{ "min-bytes-per-second", "min ", UNIT_RATE },
	{ "max-bytes-per-second", "max ", UNIT_RATE },
	{ "us", "", UNIT_US },
	{ "min-us", "min ", UNIT_US },
	{ "max-us", "max ", UNIT_US },
	{ "validity-ms", "validity ", UNIT_VALIDITY },
	{ "depth-bytes", "depth ", UNIT_BYTES },
	{ "limit-bytes", "limit ", UNIT_BYTES },
	{ "percent", "", UNIT_PERCENT },
	{ "cpu-percent", "cpu ", UNIT_PERCENT },
	{ "memory-percent", "memory ", UNIT_PERCENT },
};

/* 1.25e10 -> "12.5 G". */
static void print_scaled(double value, FILE *out)
{
	static const char *const prefix[] = { "", "k", "M", "G", "T", "P" };
	size_t i = 0;

	for (; value >= 1000 && i < ARRAY_SIZE(prefix) - 1; i++)
		value /= 1000;
	fprintf(out, "%.4g %s", value, prefix[i]);
}

static void print_with_unit(double value, enum unit unit, FILE *out)
{
	char text[CLOCK_TEXT];

	switch (unit) {
	case UNIT_RATE:
		print_scaled(value, out);
		fputs("B/s (", out);
		print_scaled(8 * value, out);
		fputs("bit/s)", out);
		return;
	case UNIT_US:
		fputs(clock_span(text, value * 1000), out);
		return;
	case UNIT_VALIDITY:
		fputs(value ? clock_span(text, value * NSEC_PER_MSEC) : "until withdrawn", out);
		return;
	case UNIT_BYTES:
		fprintf(out, "%.0f bytes", value);
		return;
	case UNIT_PERCENT:
		fprintf(out, "%g %%", value);
		return;
	case UNIT_NONE:
		return;
	}
}

static void print_value(const json_t *value, FILE *out);

static void print_scalar(const json_t *value, FILE *out)
{
	if (json_is_string(value))
		fputs(json_string_value(value), out);
	else if (json_is_integer(value))
		fprintf(out, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		fprintf(out, "%g", json_real_value(value));
	else
		fputs(json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "-", out);
}

/* "id 7, depth 900 bytes, anomalous"; a false member is left out. */
static void print_members(const json_t *object, FILE *out)
{
	const char *member, *sep = "";
	json_t *value;

	json_object_foreach((json_t *)object, member, value) {
		const char *label = NULL;
		enum unit unit = UNIT_NONE;

		if (json_is_false(value))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(units); i++)
			if (!strcmp(units[i].member, member))
				label = units[i].label, unit = units[i].unit;
		fputs(sep, out);
		sep = ", ";
		if (label)
			fputs(label, out);
		else
			fprintf(out, "%s%s", member, json_is_true(value) ? "" : " ");
		if (unit != UNIT_NONE && json_is_number(value))
			print_with_unit(json_number_value(value), unit, out);
		else if (!json_is_true(value))
			print_value(value, out);
	}
}

static void print_value(const json_t *value, FILE *out)
{
	json_t *item;
	size_t i;

	if (json_is_array(value)) {
		json_array_foreach(value, i, item) {
			fputs(i ? json_is_object(item) ? "; " : ", " : "", out);
			print_value(item, out);
		}
	} else if (json_is_object(value)) {
		print_members(value, out);
	} else {
		print_scalar(value, out);
	}
}

static void print_line(const char *member, const json_t *value, FILE *out)
{
	fprintf(out, "  %-22s ", member);
	print_value(value, out);
	fputc('\n', out);
}

void describe_print(const char *title, const json_t *json, FILE *out)
{
	const char *member, *name;
	json_t *value, *inner;

	fprintf(out, "%s\n", title);
	json_object_foreach((json_t *)json, member, value) {
		if (strcmp(member, "options") && strcmp(member, "tunnel")) {
			print_line(member, value, out);
			continue;
		}
		json_object_foreach(value, name, inner)
			print_line(name, inner, out);
	}
}
