// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <errno.h>
#include <string.h>

#include "edition.h"
#include "own.h"

static char *show(const struct policy *policy)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	policy_show(policy, true, out);
	fclose(out);
	return text;
}

static int fill(struct edition *edition, const char *file, const char *text, const char *node,
		FILE *errors)
{
	int r = policy_parse(&edition->policy, file, text, errors);

	if (r)
		return r;
	if (node)
		snprintf(edition->policy.config.node, NAME_LEN, "%s", node);
	edition->file = strdup(file);
	edition->text = strdup(text);
	edition->canonical = show(&edition->policy);
	if (edition->file && edition->text && edition->canonical)
		return 0;
	fprintf(errors, "%s: no memory left to keep it\n", file);
	return -ENOMEM;
}

int edition_parse(struct edition **out, const char *file, const char *text, const char *node,
		  FILE *errors)
{
	struct edition *edition = calloc(1, sizeof(*edition));
	int r;

	if (!edition)
		return -ENOMEM;
	r = fill(edition, file, text, node, errors);
	if (r) {
		edition_free(edition);
		return r;
	}
	*out = edition;
	return 0;
}

int edition_read(struct edition **edition, const char *file, const char *node, FILE *errors)
{
	OWN_MEM char *text = policy_text(file, errors);

	return text ? edition_parse(edition, file, text, node, errors) : -errno;
}

void edition_free(struct edition *edition)
{
	if (!edition)
		return;
	attach_free(edition->attach);
	policy_free(&edition->policy);
	free(edition->file);
	free(edition->text);
	free(edition->canonical);
	free(edition);
}
