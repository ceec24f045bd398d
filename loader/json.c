// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <string.h>

#include "clock.h"
#include "json.h"
#include "own.h"
#include "text.h"

json_t *json_addr(const struct addr *addr)
{
	char text[ADDR_TEXT];

	return addr_is_unspecified(addr) ? json_null() : json_string(addr_text(text, addr));
}

json_t *json_text(const char *text)
{
	OWN_MEM char *clean = NULL;
	json_t *json;

	if (!text[0])
		return json_null();
	json = json_string(text);
	if (json)
		return json;
	clean = strdup(text);
	for (char *c = clean; c && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	return clean ? json_string(clean) : json_null();
}

json_t *json_mac(const __u8 mac[6])
{
	char text[MAC_TEXT];

	return json_string(mac_text(text, mac));
}

const json_t *json_member(const json_t *object, const char *name)
{
	const char *dot = strchr(name, '.');

	if (!dot)
		return json_object_get(object, name);
	return json_member(json_object_getn(object, name, dot - name), dot + 1);
}

json_t *json_tunnel(const struct tunnel_key *tunnel)
{
	char text[TUNNEL_TEXT], *rest = NULL;
	json_t *parts;

	if (!tunnel->code)
		return json_null();
	parts = json_array();
	tunnel_text(text, tunnel);
	for (char *part = strtok_r(text, ",", &rest); part; part = strtok_r(NULL, ",", &rest))
		json_array_append_new(parts, json_string(part));
	return parts;
}

void json_set_time(json_t *object, const char *name, __u64 monotonic_ns)
{
	double age = ((double)clock_now_ns() - (double)monotonic_ns) / NSEC_PER_SEC;
	char text[CLOCK_TEXT], age_name[64];

	snprintf(age_name, sizeof(age_name), "%s-age", name);
	if (!monotonic_ns) {
		json_set(object, name, json_null());
		json_set(object, age_name, json_null());
		return;
	}
	json_set(object, name, json_string(clock_text(text, clock_wall_ns(monotonic_ns))));
	json_set(object, age_name, json_real(age));
}

static int compare(const void *a, const void *b, void *member)
{
	const char *x = json_string_value(json_object_get(*(json_t *const *)a, member));
	const char *y = json_string_value(json_object_get(*(json_t *const *)b, member));

	return strcmp(x ?: "", y ?: "");
}

void json_sort(json_t *array, const char *member)
{
	size_t n = json_array_size(array);
	OWN_MEM json_t **items = calloc(n + 1, sizeof(*items));

	if (!items)
		return;
	for (size_t i = 0; i < n; i++)
		items[i] = json_incref(json_array_get(array, i));
	qsort_r(items, n, sizeof(*items), compare, (void *)member);
	json_array_clear(array);
	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, items[i]);
}

void json_print(const json_t *json, bool compact, FILE *out)
{
	json_dumpf(json, out, (compact ? JSON_COMPACT : JSON_INDENT(2)) | JSON_REAL_PRECISION(12));
	fputc('\n', out);
}
