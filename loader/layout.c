// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A layout is compiled into moves: bytes that are the same, and numbers bit by bit where they have become
 * wider, share their bytes with others, or are those of words that have others now. Used by heritage.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layout.h"
#include "own.h"

#define COUNT_SUFFIX "_COUNT"

struct move {
	__u32 from, to;		  /* bit offsets */
	__u32 from_bits, to_bits; /* the same, and whole bytes: they are copied */
	bool is_signed;
	__u32 first, n; /* of the layout's words: those whose numbers have changed */
};

struct word {
	__u32 from, to;
};

struct layout {
	__u32 from_size, to_size;
	__u32 n, room, n_words;
	struct move *move;
	struct word *word;
};

/* ---- types ----------------------------------------------------------------------------------- */

/* Without typedefs and qualifiers. */
static struct layout_type plain(struct layout_type t)
{
	const struct btf_type *type = btf__type_by_id(t.btf, t.id);

	while (btf_is_mod(type) || btf_is_typedef(type)) {
		t.id = type->type;
		type = btf__type_by_id(t.btf, t.id);
	}
	return t;
}

static const struct btf_type *type_of(struct layout_type t)
{
	return btf__type_by_id(t.btf, t.id);
}

static const char *name_of(struct layout_type t, __u32 offset)
{
	return btf__name_by_offset(t.btf, offset);
}

static __u32 bits_of(struct layout_type t)
{
	return 8 * (__u32)btf__resolve_size(t.btf, t.id);
}

static struct layout_type element_of(struct layout_type array)
{
	return (struct layout_type){ array.btf, btf_array(type_of(array))->type };
}

/* A member of a struct or union, offsets from its beginning. */
struct part {
	struct layout_type type;
	const char *name; /* empty: its members are those of what it is in */
	__u32 offset, bits;
	bool is_field; /* shares its bytes */
};

static struct part part_of(struct layout_type composite, __u32 i)
{
	const struct btf_type *type = type_of(composite);
	const struct btf_member *m = btf_members(type) + i;
	struct part part = { .type = plain((struct layout_type){ composite.btf, m->type }),
			     .name = name_of(composite, m->name_off),
			     .offset = btf_member_bit_offset(type, i),
			     .bits = btf_member_bitfield_size(type, i) };

	part.is_field = part.bits;
	if (!part.is_field)
		part.bits = bits_of(part.type);
	return part;
}

/* The member of this name, also of a part without a name. */
static bool find_part(struct part *found, struct layout_type composite, const char *name)
{
	for (__u32 i = 0; i < btf_vlen(type_of(composite)); i++) {
		struct part part = part_of(composite, i);

		if (*part.name ? !strcmp(part.name, name) :
				 btf_is_composite(type_of(part.type)) && find_part(found, part.type, name)) {
			if (*part.name)
				*found = part;
			else
				found->offset += part.offset;
			return true;
		}
	}
	return false;
}

/* The number of this name; false: there is none. */
static bool find_number(struct layout_type t, const char *name, __s32 *number)
{
	const struct btf_enum *e = btf_enum(type_of(t));

	for (__u32 i = 0; i < btf_vlen(type_of(t)); i++)
		if (!strcmp(name_of(t, e[i].name_off), name)) {
			*number = e[i].val;
			return true;
		}
	return false;
}

/* The number of the same word: ~0 where there is no such word any more; and itself where it never was one. */
static __u32 renumber(struct layout_type from, struct layout_type to, __u32 number)
{
	const struct btf_enum *e = btf_enum(type_of(from));
	__s32 now;

	for (__u32 i = 0; i < btf_vlen(type_of(from)); i++)
		if ((__u32)e[i].val == number)
			return find_number(to, name_of(from, e[i].name_off), &now) ? (__u32)now : ~0U;
	return number;
}

static bool ends_in(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);

	return len >= end_len && !strcmp(name + len - end_len, end);
}

/* Has a word another number? How many there are is none. */
static bool is_renumbered(struct layout_type from, struct layout_type to)
{
	const struct btf_enum *e = btf_enum(type_of(from));
	__s32 number;

	for (__u32 i = 0; i < btf_vlen(type_of(from)); i++) {
		const char *name = name_of(from, e[i].name_off);

		if (!ends_in(name, COUNT_SUFFIX) && find_number(to, name, &number) && number != e[i].val)
			return true;
	}
	return false;
}

static bool same_parts(struct layout_type a, struct layout_type b)
{
	for (__u32 i = 0; i < btf_vlen(type_of(a)); i++) {
		struct part x = part_of(a, i), y = part_of(b, i);

		if (strcmp(x.name, y.name) || x.offset != y.offset || x.bits != y.bits ||
		    !layout_same(x.type, y.type))
			return false;
	}
	return true;
}

bool layout_same(struct layout_type a, struct layout_type b)
{
	const struct btf_type *x, *y;

	a = plain(a);
	b = plain(b);
	x = type_of(a);
	y = type_of(b);
	if (btf_kind(x) != btf_kind(y) || bits_of(a) != bits_of(b))
		return false;
	if (btf_is_array(x))
		return btf_array(x)->nelems == btf_array(y)->nelems &&
		       layout_same(element_of(a), element_of(b));
	if (btf_is_enum(x))
		return !is_renumbered(a, b);
	return !btf_is_composite(x) || (btf_vlen(x) == btf_vlen(y) && same_parts(a, b));
}

/* ---- moves ----------------------------------------------------------------------------------- */

/* Where in both we are, and what it is called. */
struct place {
	struct layout_type from, to;
	__u32 from_at, to_at; /* bits */
	const char *name;
};

struct plan {
	struct layout *layout;
	char *why;
};

static int refuse(const struct plan *plan, const struct place *at, const char *what)
{
	snprintf(plan->why, LAYOUT_WHY, "%s %s", at->name, what);
	return -EPROTO;
}

static bool is_copied(const struct move *m)
{
	return m->from_bits == m->to_bits && !((m->from | m->to | m->from_bits) % 8) && !m->n;
}

/* The last one goes on. */
static bool extend(struct move *last, const struct move *next)
{
	if (!is_copied(last) || !is_copied(next) || last->from + last->from_bits != next->from ||
	    last->to + last->to_bits != next->to)
		return false;
	last->from_bits = last->to_bits = last->to_bits + next->to_bits;
	return true;
}

static int add_move(struct layout *layout, struct move move)
{
	if (layout->n && extend(&layout->move[layout->n - 1], &move))
		return 0;
	if (layout->n == layout->room) {
		__u32 room = layout->room ? 2 * layout->room : 16;
		void *new = reallocarray(layout->move, room, sizeof(*layout->move));

		if (!new)
			return -ENOMEM;
		layout->move = new;
		layout->room = room;
	}
	layout->move[layout->n++] = move;
	return 0;
}

static int add_copy(const struct plan *plan, const struct place *at, __u32 bits)
{
	return add_move(plan->layout, (struct move){ .from = at->from_at,
						     .to = at->to_at,
						     .from_bits = bits,
						     .to_bits = bits });
}

static int plan_type(const struct plan *plan, struct place at);

static bool is_number(const struct btf_type *type)
{
	return btf_is_int(type) || btf_is_enum(type);
}

/* Those whose numbers have changed. */
static int add_words(struct layout *layout, struct layout_type from, struct layout_type to)
{
	const struct btf_enum *e = btf_enum(type_of(from));
	__u32 n = btf_vlen(type_of(from));
	struct word *new = reallocarray(layout->word, layout->n_words + n, sizeof(*new));

	if (!new)
		return -ENOMEM;
	layout->word = new;
	for (__u32 i = 0; i < n; i++) {
		struct word word = { e[i].val, renumber(from, to, e[i].val) };

		if (word.from != word.to)
			new[layout->n_words++] = word;
	}
	return 0;
}

/* Numbers in network order have another value in other bytes. */
static int plan_number(const struct plan *plan, const struct place *at, __u32 from_bits, __u32 to_bits)
{
	const struct btf_type *from = type_of(at->from), *to = type_of(at->to);
	struct move move = { .from = at->from_at, .to = at->to_at, .from_bits = from_bits, .to_bits = to_bits };

	if (from_bits > to_bits)
		return refuse(plan, at, "is a narrower number");
	if (from_bits != to_bits && ends_in(at->name, "_be"))
		return refuse(plan, at, "is another number in network order");
	move.is_signed = btf_is_int(from) && btf_int_encoding(from) & BTF_INT_SIGNED;
	if (btf_is_enum(from) && btf_is_enum(to)) {
		move.first = plan->layout->n_words;
		if (add_words(plan->layout, at->from, at->to))
			return -ENOMEM;
		move.n = plan->layout->n_words - move.first;
	}
	return add_move(plan->layout, move);
}

static int plan_array(const struct plan *plan, const struct place *at)
{
	const struct btf_array *from = btf_array(type_of(at->from)), *to = btf_array(type_of(at->to));
	struct layout_type from_element = plain(element_of(at->from)), to_element = plain(element_of(at->to));
	__u32 from_bits = bits_of(from_element), to_bits = bits_of(to_element);
	int r = 0;

	if (from->nelems > to->nelems)
		return refuse(plan, at, "is a shorter array");
	if (layout_same(from_element, to_element))
		return add_copy(plan, at, from->nelems * from_bits);
	for (__u32 i = 0; !r && i < from->nelems; i++)
		r = plan_type(plan, (struct place){ from_element, to_element, at->from_at + i * from_bits,
						    at->to_at + i * to_bits, at->name });
	return r;
}

/* Which of its members holds is not known: those that were there must be what they were. */
static int plan_union(const struct plan *plan, const struct place *at)
{
	__u32 bits = MIN(bits_of(at->from), bits_of(at->to));
	struct part from, to;

	for (__u32 i = 0; i < btf_vlen(type_of(at->to)); i++) {
		to = part_of(at->to, i);
		if (!*to.name)
			return refuse(plan, at, "is a union with parts that have no names");
		if (find_part(&from, at->from, to.name) &&
		    (from.offset != to.offset || from.is_field != to.is_field || from.bits != to.bits ||
		     !layout_same(from.type, to.type)))
			return refuse(plan, &(struct place){ .name = to.name }, "is another one, in a union");
	}
	return add_copy(plan, at, bits);
}

/* A union without a name: the one that holds its members there. */
static bool find_union(struct part *found, struct layout_type from, struct layout_type to)
{
	for (__u32 i = 0; i < btf_vlen(type_of(from)); i++) {
		struct part part = part_of(from, i), any;

		if (*part.name || !btf_is_union(type_of(part.type)))
			continue;
		for (__u32 k = 0; k < btf_vlen(type_of(to)); k++)
			if (find_part(&any, part.type, part_of(to, k).name)) {
				*found = part;
				return true;
			}
	}
	return false;
}

/* One member of what is made; what it is called is known where it has a name. */
static int plan_part(const struct plan *plan, const struct place *in, const struct part *to)
{
	struct place at = { .to = to->type, .from_at = in->from_at, .to_at = in->to_at + to->offset,
			    .name = *to->name ? to->name : in->name };
	struct part from;

	if (!*to->name && btf_is_struct(type_of(to->type))) {
		at.from = in->from;
		return plan_type(plan, at);
	}
	if (!(*to->name ? find_part(&from, in->from, to->name) : find_union(&from, in->from, to->type)))
		return 0;
	at.from = from.type;
	at.from_at += from.offset;
	if (to->is_field || from.is_field)
		return is_number(type_of(from.type)) && is_number(type_of(to->type)) ?
			       plan_number(plan, &at, from.bits, to->bits) :
			       refuse(plan, &at, "is of another kind");
	return plan_type(plan, at);
}

static int plan_struct(const struct plan *plan, const struct place *at)
{
	int r = 0;

	for (__u32 i = 0; !r && i < btf_vlen(type_of(at->to)); i++) {
		struct part part = part_of(at->to, i);

		r = plan_part(plan, at, &part);
	}
	return r;
}

static int plan_type(const struct plan *plan, struct place at)
{
	const struct btf_type *from, *to;

	at.from = plain(at.from);
	at.to = plain(at.to);
	from = type_of(at.from);
	to = type_of(at.to);
	if (is_number(from) && is_number(to))
		return plan_number(plan, &at, bits_of(at.from), bits_of(at.to));
	if (btf_kind(from) != btf_kind(to))
		return refuse(plan, &at, "is of another kind");
	if (btf_is_array(to))
		return plan_array(plan, &at);
	if (btf_is_struct(to))
		return plan_struct(plan, &at);
	if (btf_is_union(to))
		return plan_union(plan, &at);
	return refuse(plan, &at, "is of a kind that is not known");
}

int layout_open(struct layout **out, struct layout_type from, struct layout_type to,
		char why[LAYOUT_WHY])
{
	struct plan plan = { .layout = calloc(1, sizeof(*plan.layout)), .why = why };
	int r;

	*why = 0;
	if (!plan.layout)
		return -ENOMEM;
	plan.layout->from_size = bits_of(from) / 8;
	plan.layout->to_size = bits_of(to) / 8;
	r = plan_type(&plan, (struct place){ from, to, 0, 0, "all of it" });
	if (r)
		layout_free(plan.layout);
	else
		*out = plan.layout;
	return r;
}

void layout_free(struct layout *layout)
{
	if (!layout)
		return;
	free(layout->move);
	free(layout->word);
	free(layout);
}

__u32 layout_from_size(const struct layout *layout)
{
	return layout->from_size;
}

__u32 layout_to_size(const struct layout *layout)
{
	return layout->to_size;
}

/* ---- converting ------------------------------------------------------------------------------ */

/* The i-th bit of a number of so many, the lowest first, at a bit offset as BTF counts them. */
static __u32 place_of_bit(__u32 at, __u32 bits, __u32 i)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? at + i : at + bits - 1 - i;
}

static __u8 mask_of_bit(__u32 place)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 1 << place % 8 : 0x80 >> place % 8;
}

/* What is wider has the sign, or nothing, above. */
static void convert_number(const struct move *m, const __u8 *from, __u8 *to)
{
	bool bit = false;

	for (__u32 i = 0; i < m->to_bits; i++) {
		__u32 f = place_of_bit(m->from, m->from_bits, i), t = place_of_bit(m->to, m->to_bits, i);

		if (i < m->from_bits)
			bit = from[f / 8] & mask_of_bit(f);
		else if (!m->is_signed)
			break;
		if (bit)
			to[t / 8] |= mask_of_bit(t);
	}
}

static void convert_word(const struct layout *layout, const struct move *m, const __u8 *from, __u8 *to)
{
	const struct word *word = layout->word + m->first;
	struct move out = { .to = m->to, .from_bits = m->to_bits, .to_bits = m->to_bits };
	struct move in = { .from = m->from, .from_bits = m->from_bits, .to_bits = 32 };
	__u32 number = 0;

	convert_number(&in, from, (__u8 *)&number);
	for (__u32 i = 0; i < m->n; i++)
		if (word[i].from == number) {
			number = word[i].to;
			break;
		}
	convert_number(&out, (const __u8 *)&number, to);
}

void layout_convert(const struct layout *layout, const void *from, void *to)
{
	memset(to, 0, layout->to_size);
	for (__u32 i = 0; i < layout->n; i++) {
		const struct move *m = &layout->move[i];

		if (is_copied(m))
			memcpy((__u8 *)to + m->to / 8, (const __u8 *)from + m->from / 8, m->to_bits / 8);
		else if (m->n)
			convert_word(layout, m, from, to);
		else
			convert_number(m, from, to);
	}
}

/* ---- enums ----------------------------------------------------------------------------------- */

static struct layout_type find_enum(const struct btf *btf, const char *name)
{
	int id = btf__find_by_name_kind(btf, name, BTF_KIND_ENUM);

	return (struct layout_type){ btf, id > 0 ? id : 0 };
}

int layout_enum(__u32 **place, const struct btf *from_btf, const struct btf *to_btf, const char *name,
		const char *count)
{
	struct layout_type from = find_enum(from_btf, name), to = find_enum(to_btf, name);
	__s32 n, any;

	if (!from.id || !to.id || !find_number(from, count, &n) || n < 0 || !find_number(to, count, &any))
		return -EPROTO;
	*place = calloc(n + 1, sizeof(**place));
	if (!*place)
		return -ENOMEM;
	for (__s32 i = 0; i < n; i++)
		(*place)[i] = renumber(from, to, i);
	return n;
}
