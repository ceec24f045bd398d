// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Lines are matched as patience diff does: those that are there once on either side and in the same
 * order are anchors, and what is between two anchors is matched by itself. In JSON names are such
 * lines and brackets are not, so entries stay whole.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "fantel/base.h"
#include "json.h"
#include "own.h"

#define CONTEXT 3

/* ---- lines ----------------------------------------------------------------------------------- */

struct line {
	const char *text;
	__u32 len;
	__u32 id;    /* equal lines have the same one */
	__u32 match; /* in the other text; NONE */
};
#define NONE (~0U)

struct side {
	struct line *line;
	__u32 n;
};

struct seen {
	__u32 n[2];  /* on either side, in the range looked at */
	__u32 at[2]; /* where last */
};

struct diff {
	struct side side[2];
	struct seen *seen; /* by id */
	__u32 *order;	   /* room for anchors */
};

static int split(struct side *side, const char *text)
{
	__u32 n = 0;

	for (const char *c = text; *c; c++)
		n += *c == '\n';
	side->line = calloc(n + 1, sizeof(*side->line));
	if (!side->line)
		return -ENOMEM;
	for (const char *end; (end = strchr(text, '\n')); text = end + 1)
		side->line[side->n++] = (struct line){ text, end - text, 0, NONE };
	return 0;
}

static int by_text(const void *a, const void *b)
{
	const struct line *x = *(struct line *const *)a, *y = *(struct line *const *)b;

	return x->len != y->len ? (x->len < y->len ? -1 : 1) : memcmp(x->text, y->text, x->len);
}

/* Returns how many different ones there are, or -ENOMEM. */
static int number(struct diff *d)
{
	__u32 n = d->side[0].n + d->side[1].n;
	struct line **all OWN_MEM = calloc(n + 1, sizeof(*all));
	__u32 id = 0;

	if (!all)
		return -ENOMEM;
	for (__u32 i = 0; i < n; i++)
		all[i] = i < d->side[0].n ? &d->side[0].line[i] : &d->side[1].line[i - d->side[0].n];
	qsort(all, n, sizeof(*all), by_text);
	for (__u32 i = 0; i < n; i++) {
		id += i && by_text(&all[i - 1], &all[i]);
		all[i]->id = id;
	}
	return id + 1;
}

/* A range of either side: from `low` to before `high`. */
struct range {
	__u32 low[2], high[2];
};

static bool equal(const struct diff *d, __u32 a, __u32 b)
{
	return d->side[0].line[a].id == d->side[1].line[b].id;
}

static void match(struct diff *d, __u32 a, __u32 b)
{
	d->side[0].line[a].match = b;
	d->side[1].line[b].match = a;
}

/* What both begin and end with. */
static void match_ends(struct diff *d, struct range *r)
{
	while (r->low[0] < r->high[0] && r->low[1] < r->high[1] && equal(d, r->low[0], r->low[1]))
		match(d, r->low[0]++, r->low[1]++);
	while (r->low[0] < r->high[0] && r->low[1] < r->high[1] &&
	       equal(d, r->high[0] - 1, r->high[1] - 1))
		match(d, --r->high[0], --r->high[1]);
}

/* Lines that are there once on either side, as they follow each other on the first: into d->order. */
static __u32 find_unique(struct diff *d, const struct range *r)
{
	__u32 n = 0;

	for (int s = 0; s < 2; s++)
		for (__u32 i = r->low[s]; i < r->high[s]; i++)
			d->seen[d->side[s].line[i].id] = (struct seen){};
	for (int s = 0; s < 2; s++)
		for (__u32 i = r->low[s]; i < r->high[s]; i++) {
			struct seen *seen = &d->seen[d->side[s].line[i].id];

			seen->n[s]++;
			seen->at[s] = i;
		}
	for (__u32 i = r->low[0]; i < r->high[0]; i++) {
		const struct seen *seen = &d->seen[d->side[0].line[i].id];

		if (seen->n[0] == 1 && seen->n[1] == 1)
			d->order[n++] = i;
	}
	return n;
}

/* The most of them that follow each other on the second side, too: matched. False: there are none. */
static bool match_anchors(struct diff *d, const __u32 *unique, __u32 n)
{
	__u32 *end OWN_MEM = calloc(n, sizeof(*end)); /* by length: of a row, its last, least one */
	__u32 *before OWN_MEM = calloc(n, sizeof(*before));
	__u32 longest = 0, at;

	if (!end || !before)
		return false; /* a longer diff is a right one, too */
#define SECOND(i) d->seen[d->side[0].line[unique[i]].id].at[1]
	for (__u32 i = 0; i < n; i++) {
		__u32 low = 0, high = longest;

		while (low < high) {
			__u32 mid = (low + high) / 2;

			if (SECOND(end[mid]) < SECOND(i))
				low = mid + 1;
			else
				high = mid;
		}
		before[i] = low ? end[low - 1] : NONE;
		end[low] = i;
		longest = MAX(longest, low + 1);
	}
	for (at = end[longest - 1]; at != NONE; at = before[at])
		match(d, unique[at], SECOND(at));
#undef SECOND
	return true;
}

#define SMALL 400 /* lines: of so many every pair may be looked at */

/* Nothing is unique: the longest common row of lines, by every pair. */
static void match_small(struct diff *d, const struct range *r)
{
	__u32 n = r->high[0] - r->low[0], m = r->high[1] - r->low[1], i = 0, k = 0;
	__u32 *best OWN_MEM = NULL;

	if (n > SMALL || m > SMALL)
		return;
	best = calloc((n + 1) * (m + 1), sizeof(*best));
#define BEST(i, k) best[(i) * (m + 1) + (k)]
	for (i = n; best && i-- > 0;)
		for (k = m; k-- > 0;)
			BEST(i, k) = equal(d, r->low[0] + i, r->low[1] + k) ?
					     BEST(i + 1, k + 1) + 1 :
					     MAX(BEST(i + 1, k), BEST(i, k + 1));
	for (i = k = 0; best && i < n && k < m;) {
		if (equal(d, r->low[0] + i, r->low[1] + k))
			match(d, r->low[0] + i++, r->low[1] + k++);
		else if (BEST(i + 1, k) >= BEST(i, k + 1))
			i++;
		else
			k++;
	}
#undef BEST
}

static void match_range(struct diff *d, struct range r)
{
	struct range part;
	__u32 n;

	match_ends(d, &r);
	if (r.low[0] == r.high[0] || r.low[1] == r.high[1])
		return;
	n = find_unique(d, &r);
	if (!n || !match_anchors(d, d->order, n)) {
		match_small(d, &r);
		return;
	}
	/* Between one match and the next; ranges get smaller, for each anchor leaves. */
	part = (struct range){ { r.low[0], r.low[1] }, {} };
	for (__u32 i = r.low[0]; i <= r.high[0]; i++) {
		__u32 b = i < r.high[0] ? d->side[0].line[i].match : r.high[1];

		if (b == NONE || (i < r.high[0] && i < part.low[0]))
			continue;
		part.high[0] = i;
		part.high[1] = b;
		match_range(d, part);
		part.low[0] = i + 1;
		part.low[1] = b + 1;
	}
}

/* ---- hunks ----------------------------------------------------------------------------------- */

static int print_lines(const struct diff *d, int side, __u32 *at, __u32 end, char mark, FILE *out)
{
	int n = 0;

	for (; *at < end; (*at)++, n++)
		fprintf(out, "%c%.*s\n", mark, (int)d->side[side].line[*at].len,
			d->side[side].line[*at].text);
	return n;
}

/* The end of the common row that begins at a; *b goes along. */
static __u32 skip_common(const struct diff *d, __u32 a, __u32 *b)
{
	while (a < d->side[0].n && d->side[0].line[a].match == *b) {
		a++;
		(*b)++;
	}
	return a;
}

/* The end of what differs from a, b on. */
static void skip_changed(const struct diff *d, __u32 *a, __u32 *b)
{
	while (*a < d->side[0].n && d->side[0].line[*a].match == NONE)
		(*a)++;
	while (*b < d->side[1].n && d->side[1].line[*b].match == NONE)
		(*b)++;
}

/* From a, b, which differ: as long as less than twice the context is common in between. */
static struct range find_hunk(const struct diff *d, __u32 a, __u32 b)
{
	struct range r = { { a, b }, {} };

	for (;;) {
		__u32 next_a, next_b;

		skip_changed(d, &a, &b);
		r.high[0] = a;
		r.high[1] = b;
		next_b = b;
		next_a = skip_common(d, a, &next_b);
		if (next_a - a > 2 * CONTEXT || (next_a == d->side[0].n && next_b == d->side[1].n))
			return r;
		a = next_a;
		b = next_b;
	}
}

static void print_place(char mark, __u32 low, __u32 n, FILE *out)
{
	fprintf(out, n == 1 ? " %c%u" : " %c%u,%u", mark, n ? low + 1 : low, n);
}

/* Returns how many lines come or go. */
static int print_hunk(const struct diff *d, const struct range *r, FILE *out)
{
	__u32 lead = MIN(CONTEXT, MIN(r->low[0], r->low[1]));
	__u32 rest = MIN(d->side[0].n - r->high[0], d->side[1].n - r->high[1]);
	__u32 trail = MIN(CONTEXT, rest), a = r->low[0] - lead, b = r->low[1] - lead;
	int changed = 0;

	fputs("@@", out);
	print_place('-', a, r->high[0] + trail - a, out);
	print_place('+', b, r->high[1] + trail - b, out);
	fputs(" @@\n", out);
	while (a < r->high[0] + trail || b < r->high[1] + trail) {
		__u32 end_a = a, end_b = b;

		skip_changed(d, &end_a, &end_b);
		changed += print_lines(d, 0, &a, end_a, '-', out);
		changed += print_lines(d, 1, &b, end_b, '+', out);
		skip_common(d, a, &end_b);
		end_a = MIN(a + (end_b - b), r->high[0] + trail);
		b += print_lines(d, 0, &a, end_a, ' ', out);
	}
	return changed;
}

static int print(const struct diff *d, const char *from_name, const char *to_name, FILE *out)
{
	__u32 a = 0, b = 0;
	int changed = 0;

	for (;;) {
		struct range r;

		a = skip_common(d, a, &b);
		if (a == d->side[0].n && b == d->side[1].n)
			return changed;
		if (!changed)
			fprintf(out, "--- %s\n+++ %s\n", from_name, to_name);
		r = find_hunk(d, a, b);
		changed += print_hunk(d, &r, out);
		a = r.high[0];
		b = r.high[1];
	}
}

static void own_diff(struct diff *d)
{
	free(d->side[0].line);
	free(d->side[1].line);
	free(d->seen);
	free(d->order);
}

int diff_text(const char *from, const char *from_name, const char *to, const char *to_name,
	      FILE *out)
{
	struct diff d __attribute__((cleanup(own_diff))) = {};
	int ids;

	if (split(&d.side[0], from) || split(&d.side[1], to))
		return -ENOMEM;
	ids = number(&d);
	if (ids < 0)
		return ids;
	d.seen = calloc(ids, sizeof(*d.seen));
	d.order = calloc(d.side[0].n + 1, sizeof(*d.order));
	if (!d.seen || !d.order)
		return -ENOMEM;
	match_range(&d, (struct range){ {}, { d.side[0].n, d.side[1].n } });
	return print(&d, from_name, to_name, out);
}

/* ---- members --------------------------------------------------------------------------------- */

/* The keys of fantel.yang's lists; an entry's is the first that it has. The ends of a link have none of
 * these: which one is first matters. */
static const char *const keys[] = { "name", "prefix", "path", "address" };

static const char *key_of(const json_t *entry)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (json_is_string(json_object_get(entry, keys[i])))
			return keys[i];
	return NULL;
}

static bool is_list(const json_t *value)
{
	return json_is_array(value) && key_of(json_array_get(value, 0));
}

/* The entries of a list, by their keys. */
static json_t *index_list(const json_t *list)
{
	json_t *index = json_object(), *entry;
	size_t i;

	json_array_foreach(list, i, entry)
		json_object_set(index, json_string_value(json_object_get(entry, key_of(entry))), entry);
	return index;
}

static json_t *find_entry(const json_t *index, const json_t *like)
{
	return json_object_get(index, json_string_value(json_object_get(like, key_of(like))));
}

static json_t *new_change(const char *operation, const char *target, json_t *from, json_t *to)
{
	json_t *change = json_object();

	json_set(change, "operation", json_string(operation));
	json_set(change, "target", json_string(target));
	if (from)
		json_object_set(change, "from", from);
	if (to)
		json_object_set(change, "to", to);
	return change;
}

/* A key, its reserved characters in hex. */
static void append_key(char **target, const char *key)
{
	OWN_MEM char *before = *target;
	size_t size;
	FILE *out = open_memstream(target, &size);

	if (!out)
		return;
	fputs(before, out);
	for (; *key; key++)
		fprintf(out, strchr("/:,%?#[]@!$&'()*+;=\" ", *key) ? "%%%02X" : "%c", (__u8)*key);
	fclose(out);
}

static char *join(const char *target, const char *name, const json_t *entry)
{
	const char *key = entry ? key_of(entry) : NULL;
	char *joined = NULL;

	if (asprintf(&joined, "%s/%s%s", target, name, key ? "=" : "") < 0)
		return NULL;
	if (key)
		append_key(&joined, json_string_value(json_object_get(entry, key)));
	return joined;
}

static void compare(json_t *changes, const char *target, json_t *from, json_t *to);

static void compare_lists(json_t *changes, const char *target, const char *name, json_t *from,
			  json_t *to)
{
	json_t *had OWN_JSON = index_list(from), *has OWN_JSON = index_list(to);
	json_t *entry, *other;
	size_t i;

	json_array_foreach(from, i, entry)
	{
		OWN_MEM char *at = join(target, name, entry);

		other = find_entry(has, entry);
		if (other)
			compare(changes, at, entry, other);
		else
			json_array_append_new(changes, new_change("delete", at, entry, NULL));
	}
	json_array_foreach(to, i, entry)
	{
		OWN_MEM char *at = join(target, name, entry);

		if (!find_entry(had, entry))
			json_array_append_new(changes, new_change("create", at, NULL, entry));
	}
}

/* Of one member; either value may be missing. */
static void compare_member(json_t *changes, const char *target, const char *name, json_t *from,
			   json_t *to)
{
	OWN_MEM char *at = join(target, name, NULL);

	if (is_list(from ?: to) && is_list(to ?: from))
		compare_lists(changes, target, name, from, to);
	else if (json_is_object(from) && json_is_object(to))
		compare(changes, at, from, to);
	else if (!from)
		json_array_append_new(changes, new_change("create", at, NULL, to));
	else if (!to)
		json_array_append_new(changes, new_change("delete", at, from, NULL));
	else if (!json_equal(from, to))
		json_array_append_new(changes, new_change("replace", at, from, to));
}

static void compare(json_t *changes, const char *target, json_t *from, json_t *to)
{
	const char *name;
	json_t *value;

	json_object_foreach(from, name, value)
		compare_member(changes, target, name, value, json_object_get(to, name));
	json_object_foreach(to, name, value) if (!json_object_get(from, name))
		compare_member(changes, target, name, NULL, value);
}

json_t *diff_members(const json_t *from, const json_t *to)
{
	json_t *changes = json_array();

	compare(changes, "", (json_t *)from, (json_t *)to);
	return changes;
}
