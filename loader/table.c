// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <string.h>

#include "clock.h"
#include "json.h"
#include "table.h"

#define COLUMNS_MAX 32
#define CELL_MAX 512
#define GAP 2

static void span_text(char *text, double seconds)
{
	char span[CLOCK_TEXT];

	clock_span(span, (seconds < 0 ? -seconds : seconds) * 1e9);
	snprintf(text, CELL_MAX, "%s%s", seconds < 0 ? "in " : "", span);
}

static void cell_text(char *text, const json_t *value, enum column_style style);

static void list_text(char *text, const json_t *list)
{
	char item[CELL_MAX];
	size_t len = 0, i;
	json_t *value;

	strcpy(text, json_array_size(list) ? "" : "-");
	json_array_foreach(list, i, value)
	{
		cell_text(item, value, COLUMN_PLAIN);
		len += snprintf(text + len, CELL_MAX - len, "%s%s", i ? "," : "", item);
		if (len >= CELL_MAX)
			return;
	}
}

static void cell_text(char *text, const json_t *value, enum column_style style)
{
	if (style == COLUMN_SPAN && json_is_number(value))
		span_text(text, json_number_value(value));
	else if (json_is_integer(value))
		snprintf(text, CELL_MAX, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_real(value))
		snprintf(text, CELL_MAX, "%g", json_real_value(value));
	else if (json_is_boolean(value))
		strcpy(text, json_is_true(value) ? "yes" : "no");
	else if (json_is_array(value))
		list_text(text, value);
	else
		snprintf(text, CELL_MAX, "%s",
			 json_is_string(value) ? json_string_value(value) : "-");
}

/* Numbers stand to the right, and their title with them. */
static bool is_right(const struct column *column, const json_t *rows)
{
	size_t i;
	json_t *row;

	json_array_foreach(rows, i, row) if (json_is_number(json_member(
						     row, column->member))) return column->style ==
		COLUMN_PLAIN;
	return false;
}

/* No spaces after the last column: they would only wrap. */
static void put(const char *text, int width, bool right, bool last, FILE *out)
{
	if (right)
		fprintf(out, "%*s", width, text);
	else
		fprintf(out, "%-*s", last ? 0 : width, text);
	fprintf(out, "%*s", last ? 0 : GAP, "");
}

void table_print(const struct column *columns, const json_t *rows, FILE *out)
{
	int width[COLUMNS_MAX], n = 0;
	bool right[COLUMNS_MAX];
	char text[CELL_MAX];
	json_t *row;
	size_t i;

	if (!json_array_size(rows))
		return;
	for (; columns[n].title; n++) {
		width[n] = strlen(columns[n].title);
		right[n] = is_right(&columns[n], rows);
		json_array_foreach(rows, i, row)
		{
			cell_text(text, json_member(row, columns[n].member), columns[n].style);
			if ((int)strlen(text) > width[n])
				width[n] = strlen(text);
		}
	}
	for (int c = 0; c < n; c++)
		put(columns[c].title, width[c], right[c], c == n - 1, out);
	fputc('\n', out);
	json_array_foreach(rows, i, row)
	{
		for (int c = 0; c < n; c++) {
			cell_text(text, json_member(row, columns[c].member), columns[c].style);
			put(text, width[c], right[c], c == n - 1, out);
		}
		fputc('\n', out);
	}
}
