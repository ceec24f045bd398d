// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * A recursive descent over the text, into two allocations whose sizes the text bounds: one value
 * for the root and one for each '[', '{' and ',', and no more decoded bytes than twice the text.
 */
#include "jsonpos.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 32

/* The root is the first of the values; in front of it stands what jsonpos_free must know. */
struct document {
	char *strings;
	struct jsonpos value[];
};

struct parser {
	const char *text; /* next byte */
	const char *line_start;
	unsigned int line;
	unsigned int depth;
	struct jsonpos *value; /* next free one */
	char *string;	       /* next free byte */
	struct jsonpos_error *error;
};

static bool parse_value(struct parser *p, struct jsonpos *v);

/* Note what is wrong at the next byte; false, so that a parser can return it. */
__attribute__((format(printf, 2, 3))) static bool fail(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	p->error->line = p->line;
	p->error->column = p->text - p->line_start + 1;
	va_start(ap, fmt);
	vsnprintf(p->error->what, sizeof(p->error->what), fmt, ap);
	va_end(ap);
	return false;
}

static bool fail_expected(struct parser *p, const char *expected)
{
	unsigned char c = *p->text;

	if (!c)
		return fail(p, "the text ends where %s is expected", expected);
	if (!isprint(c))
		return fail(p, "byte 0x%02x where %s is expected", c, expected);
	return fail(p, "'%c' where %s is expected", c, expected);
}

static void skip_blanks(struct parser *p)
{
	for (; *p->text && strchr(" \t\r\n", *p->text); p->text++) {
		if (*p->text == '\n') {
			p->line++;
			p->line_start = p->text + 1;
		}
	}
}

/* ---- scalars --------------------------------------------------------------------------------- */

static void put_utf8(struct parser *p, unsigned int c)
{
	char *s = p->string;

	if (c < 0x80) {
		*s++ = c;
	} else if (c < 0x800) {
		*s++ = 0xc0 | c >> 6;
		*s++ = 0x80 | (c & 0x3f);
	} else if (c < 0x10000) {
		*s++ = 0xe0 | c >> 12;
		*s++ = 0x80 | (c >> 6 & 0x3f);
		*s++ = 0x80 | (c & 0x3f);
	} else {
		*s++ = 0xf0 | c >> 18;
		*s++ = 0x80 | (c >> 12 & 0x3f);
		*s++ = 0x80 | (c >> 6 & 0x3f);
		*s++ = 0x80 | (c & 0x3f);
	}
	p->string = s;
}

/* Four hex digits; -1 if there are fewer. */
static int hex4(const char *s)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		if (!isxdigit((unsigned char)s[i]))
			return -1;
		v = v * 16 + (isdigit((unsigned char)s[i]) ? s[i] - '0' : (s[i] | 0x20) - 'a' + 10);
	}
	return v;
}

/* Behind "\u": one code point, which beyond the first 65536 takes two escapes (surrogates). */
static bool parse_unicode(struct parser *p)
{
	int high = hex4(p->text), low;

	if (high < 0)
		return fail(p, "\\u wants four hexadecimal digits");
	if (high == 0)
		return fail(p, "\\u0000 can't stand in a string");
	p->text += 4;
	if (high < 0xd800 || high > 0xdfff) {
		put_utf8(p, high);
		return true;
	}
	low = p->text[0] == '\\' && p->text[1] == 'u' ? hex4(p->text + 2) : -1;
	if (high > 0xdbff || low < 0xdc00 || low > 0xdfff)
		return fail(p, "half of a surrogate pair");
	p->text += 6;
	put_utf8(p, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
	return true;
}

static bool parse_escape(struct parser *p)
{
	static const char escapes[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
	const char *e;

	if (*p->text == 'u') {
		p->text++;
		return parse_unicode(p);
	}
	e = *p->text ? strchr(escapes, *p->text) : NULL;
	if (!e)
		return fail_expected(p, "one of \" \\ / b f n r t u");
	p->text++;
	*p->string++ = meanings[e - escapes];
	return true;
}

/* From the opening quote to behind the closing one. */
static bool parse_string(struct parser *p, const char **text)
{
	*text = p->string;
	for (p->text++; *p->text != '"';) {
		if ((unsigned char)*p->text < ' ')
			return fail_expected(p, "the closing quote of a string");
		if (*p->text != '\\') {
			*p->string++ = *p->text++;
			continue;
		}
		p->text++;
		if (!parse_escape(p))
			return false;
	}
	p->text++;
	*p->string++ = '\0';
	return true;
}

static bool skip_digits(struct parser *p)
{
	if (!isdigit((unsigned char)*p->text))
		return fail_expected(p, "a digit");
	while (isdigit((unsigned char)*p->text))
		p->text++;
	return true;
}

static bool skip_number(struct parser *p)
{
	if (*p->text == '-')
		p->text++;
	if (p->text[0] == '0' && isdigit((unsigned char)p->text[1]))
		return fail(p, "a number can't start with 0");
	if (!skip_digits(p))
		return false;
	if (*p->text == '.') {
		p->text++;
		if (!skip_digits(p))
			return false;
	}
	if (*p->text == 'e' || *p->text == 'E') {
		p->text++;
		if (*p->text == '+' || *p->text == '-')
			p->text++;
		return skip_digits(p);
	}
	return true;
}

/* Keep the bytes from `start` to the next one as the value's text. */
static void take_text(struct parser *p, struct jsonpos *v, const char *start)
{
	size_t len = p->text - start;

	v->text = memcpy(p->string, start, len);
	p->string[len] = '\0';
	p->string += len + 1;
}

static bool parse_number(struct parser *p, struct jsonpos *v)
{
	const char *start = p->text;

	v->kind = JSONPOS_NUMBER;
	if (!skip_number(p))
		return false;
	take_text(p, v, start);
	return true;
}

static bool parse_word(struct parser *p, struct jsonpos *v)
{
	static const struct {
		const char *word;
		enum jsonpos_kind kind;
	} words[] = {
		{ "true", JSONPOS_BOOL },
		{ "false", JSONPOS_BOOL },
		{ "null", JSONPOS_NULL },
	};
	const char *start = p->text;

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		size_t len = strlen(words[i].word);

		if (strncmp(start, words[i].word, len))
			continue;
		p->text += len;
		v->kind = words[i].kind;
		take_text(p, v, start);
		return true;
	}
	return fail_expected(p, "a value");
}

/* ---- arrays and objects ---------------------------------------------------------------------- */

/* `"name":`, up to the value. */
static bool parse_name(struct parser *p, struct jsonpos *v)
{
	if (*p->text != '"')
		return fail_expected(p, "a member's name in double quotes");
	if (!parse_string(p, &v->name))
		return false;
	skip_blanks(p);
	if (*p->text != ':')
		return fail_expected(p, "':'");
	p->text++;
	skip_blanks(p);
	return true;
}

/* From the opening bracket to behind the closing one. */
static bool parse_children(struct parser *p, struct jsonpos *v, char close)
{
	struct jsonpos **link = &v->child;
	unsigned int index = 0;

	if (++p->depth > DEPTH_MAX)
		return fail(p, "nested deeper than %d levels", DEPTH_MAX);
	p->text++;
	skip_blanks(p);
	while (*p->text != close || index) {
		struct jsonpos *child = p->value++;

		child->parent = v;
		child->index = index++;
		child->line = p->line;
		if (close == '}' && !parse_name(p, child))
			return false;
		if (!parse_value(p, child))
			return false;
		*link = child;
		link = &child->next;
		skip_blanks(p);
		if (*p->text == close)
			break;
		if (*p->text != ',')
			return fail_expected(p, close == '}' ? "',' or '}'" : "',' or ']'");
		p->text++;
		skip_blanks(p);
	}
	p->text++;
	p->depth--;
	return true;
}

static bool parse_value(struct parser *p, struct jsonpos *v)
{
	switch (*p->text) {
	case '{':
		v->kind = JSONPOS_OBJECT;
		return parse_children(p, v, '}');
	case '[':
		v->kind = JSONPOS_ARRAY;
		return parse_children(p, v, ']');
	case '"':
		v->kind = JSONPOS_STRING;
		return parse_string(p, &v->text);
	case '-':
	case '0' ... '9':
		return parse_number(p, v);
	default:
		return parse_word(p, v);
	}
}

static bool parse_document(struct parser *p)
{
	struct jsonpos *root = p->value++;

	skip_blanks(p);
	root->line = p->line;
	if (!parse_value(p, root))
		return false;
	skip_blanks(p);
	return *p->text ? fail_expected(p, "the end of the text") : true;
}

struct jsonpos *jsonpos_parse(const char *text, struct jsonpos_error *error)
{
	struct parser p = { .text = text, .line_start = text, .line = 1, .error = error };
	struct document *doc;
	size_t values = 1;

	*error = (struct jsonpos_error){ 0 };
	for (const char *c = text; *c; c++)
		values += *c == ',' || *c == '[' || *c == '{';
	doc = calloc(1, sizeof(*doc) + values * sizeof(doc->value[0]));
	if (!doc)
		return NULL;
	doc->strings = malloc(2 * strlen(text) + 1);
	p.value = doc->value;
	p.string = doc->strings;
	if (!doc->strings || !parse_document(&p)) {
		jsonpos_free(doc->value);
		return NULL;
	}
	return doc->value;
}

void jsonpos_free(struct jsonpos *root)
{
	struct document *doc;

	if (!root)
		return;
	doc = (struct document *)((char *)root - offsetof(struct document, value));
	free(doc->strings);
	free(doc);
}

/* ---- what people ask ------------------------------------------------------------------------- */

const struct jsonpos *jsonpos_member(const struct jsonpos *object, const char *name)
{
	if (!object || object->kind != JSONPOS_OBJECT)
		return NULL;
	for (const struct jsonpos *m = object->child; m; m = m->next) {
		if (!strcmp(m->name, name))
			return m;
	}
	return NULL;
}

const struct jsonpos *jsonpos_find(const struct jsonpos *from, const char *path)
{
	while (*path) {
		size_t len = strcspn(path, "/");
		const struct jsonpos *m = from->kind == JSONPOS_OBJECT ? from->child : NULL;

		while (m && (strncmp(m->name, path, len) || m->name[len]))
			m = m->next;
		if (!m)
			break;
		from = m;
		path += len + (path[len] == '/');
	}
	return from;
}

unsigned int jsonpos_count(const struct jsonpos *at)
{
	unsigned int n = 0;

	for (const struct jsonpos *child = at->child; child; child = child->next)
		n++;
	return n;
}

const char *jsonpos_kind_word(enum jsonpos_kind kind)
{
	static const char *const words[] = {
		[JSONPOS_NULL] = "null",       [JSONPOS_BOOL] = "a boolean",
		[JSONPOS_NUMBER] = "a number", [JSONPOS_STRING] = "a string",
		[JSONPOS_ARRAY] = "an array",  [JSONPOS_OBJECT] = "an object",
	};

	return words[kind];
}

static size_t put_path(const struct jsonpos *at, char *buf, size_t size)
{
	size_t len = 0;

	if (!at->parent || !at->parent->parent) {
		buf[0] = '\0';
		return 0;
	}
	len = put_path(at->parent, buf, size);
	if (at->name)
		len += snprintf(buf + len, size - len, "/%s", at->name);
	else if (at->key)
		len += snprintf(buf + len, size - len, "[%s='%s']", at->key->name, at->key->text);
	else
		len += snprintf(buf + len, size - len, "[%u]", at->index + 1);
	return len < size ? len : size - 1;
}

void jsonpos_path(const struct jsonpos *at, char *buf, size_t size)
{
	if (!put_path(at, buf, size))
		snprintf(buf, size, "/");
}
