// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "findings.h"

#include <stdarg.h>
#include <stdlib.h>

#include "own.h"

struct finding {
	unsigned int line;
	size_t order; /* of discovery: keeps the sort stable */
	bool error;
	char *where;
	char *sentence; /* NULL: there was no memory for it */
};

static void add(struct findings *f, struct finding finding, const char *fmt, va_list ap)
{
	size_t *count = finding.error ? &f->errors : &f->warnings;
	struct finding *list;

	if ((*count)++ >= FINDINGS_MAX)
		goto full;
	list = realloc(f->list, (f->n + 1) * sizeof(*list));
	if (!list)
		goto full;
	f->list = list;
	finding.order = f->n;
	if (vasprintf(&finding.sentence, fmt, ap) < 0)
		finding.sentence = NULL;
	f->list[f->n++] = finding;
	return;
full:
	free(finding.where);
}

static struct finding found_at(const struct jsonpos *at, bool error)
{
	struct finding f = { .line = at->line, .error = error };
	char path[512];

	jsonpos_path(at, path, sizeof(path));
	if (asprintf(&f.where, "%s", path) < 0)
		f.where = NULL;
	return f;
}

void findings_error(struct findings *findings, const struct jsonpos *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(findings, found_at(at, true), fmt, ap);
	va_end(ap);
}

void findings_warn(struct findings *findings, const struct jsonpos *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(findings, found_at(at, false), fmt, ap);
	va_end(ap);
}

void findings_error_at(struct findings *findings, unsigned int line, const char *where,
		       const char *fmt, ...)
{
	struct finding f = { .line = line, .error = true };
	va_list ap;

	if (asprintf(&f.where, "%s", where) < 0)
		f.where = NULL;
	va_start(ap, fmt);
	add(findings, f, fmt, ap);
	va_end(ap);
}

static int by_line(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* Text from the file may hold anything. */
static void print_harmless(const char *text, FILE *out)
{
	for (; *text; text++)
		fputc(*text >= ' ' && *text <= '~' ? *text : '?', out);
}

static void print_one(const struct finding *f, const char *file, FILE *out)
{
	fprintf(out, "%s:%u: ", file, f->line);
	print_harmless(f->where ? f->where : "?", out);
	fputs(f->error ? ": " : ": warning: ", out);
	print_harmless(f->sentence ? f->sentence : "no memory left to say what is wrong", out);
	fputc('\n', out);
}

int findings_print(struct findings *findings, const char *file, FILE *out)
{
	size_t errors = findings->errors, all = errors + findings->warnings;

	if (findings->n)
		qsort(findings->list, findings->n, sizeof(*findings->list), by_line);
	for (size_t i = 0; i < findings->n; i++) {
		struct finding *f = &findings->list[i];

		print_one(f, file, out);
		free(f->where);
		free(f->sentence);
	}
	if (findings->n < all)
		fprintf(out, "%s: and %zu more of the same kinds\n", file, all - findings->n);
	free(findings->list);
	*findings = (struct findings){ 0 };
	return (int)errors;
}
