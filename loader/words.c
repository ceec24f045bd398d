// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* The tables behind words.h. Nothing here is typed twice: every row comes from an X-macro. */
#include <errno.h>

#include "fantel/bfd.h"
#include "words.h"

struct word {
	unsigned int value;
	const char *word;
};

#define X(NAME, type, text) { KIND_##NAME, text },
static const struct word kinds[] = { WIRE_KINDS(X) };
#undef X
#define X(NAME, value, text) { value, text },
static const struct word causes[] = { { CAUSE_NONE, "none" }, WIRE_CAUSES(X) };
static const struct word hints[] = { WIRE_HINTS(X) };
static const struct word scopes[] = { WIRE_SCOPES(X) };
static const struct word auths[] = { WIRE_AUTHS(X) };
static const struct word keys[] = { WIRE_KEYS(X) };
static const struct word bfd_states[] = { BFD_STATES(X) };
static const struct word bfd_diags[] = { BFD_DIAGS(X) };
#undef X
#define X(NAME, type, min, max, text) { type, text },
static const struct word tlvs[] = { WIRE_TLVS(X) };
static const struct word subtlvs[] = { WIRE_SUBTLVS(X) };
#undef X
#define X(NAME, text) { TUNNEL_##NAME, text },
static const struct word tunnels[] = { TUNNELS(X) };
#undef X
#define X(NAME, cause, text) { TROUBLE_##NAME, text },
static const struct word troubles[] = { TROUBLES(X) };
#undef X
#define X(NAME, text) { ORDERING_##NAME, text },
static const struct word orderings[] = { ORDERINGS(X) };
#undef X
#define X(NAME, text) { RELIEF_##NAME, text },
static const struct word reliefs[] = { RELIEFS(X) };
#undef X
#define X(NAME, text) { PACE_##NAME, text },
static const struct word pace_states[] = { PACE_STATES(X) };
#undef X
#define X(NAME, text, fate, sentence) { REASON_##NAME, text },
static const struct word reasons[] = { { REASON_NONE, "none" }, REASONS(X) };
#undef X

static const struct {
	enum fate fate;
	const char *sentence;
} reason_table[REASON_COUNT] = {
	[REASON_NONE] = { FATE_DONE, "all is well" },
#define X(NAME, text, fate, sentence) [REASON_##NAME] = { FATE_##fate, sentence },
	REASONS(X)
#undef X
};

static const char *to_word(const struct word *table, size_t n, unsigned int value)
{
	for (size_t i = 0; i < n; i++)
		if (table[i].value == value)
			return table[i].word;
	return "unknown";
}

static int from_word(const struct word *table, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(table[i].word, word))
			return table[i].value;
	return -EINVAL;
}

#define TO_WORD(noun)                                                                              \
	const char *noun##_word(unsigned int value)                                                \
	{                                                                                          \
		return to_word(noun##s, ARRAY_SIZE(noun##s), value);                               \
	}
#define FROM_WORD(noun)                                                                            \
	int noun##_from_word(const char *word)                                                     \
	{                                                                                          \
		return from_word(noun##s, ARRAY_SIZE(noun##s), word);                              \
	}

TO_WORD(kind)
TO_WORD(cause)
TO_WORD(hint)
TO_WORD(scope)
TO_WORD(auth)
TO_WORD(key)
TO_WORD(tlv)
TO_WORD(subtlv)
TO_WORD(tunnel)
TO_WORD(trouble)
TO_WORD(ordering)
TO_WORD(reason)
TO_WORD(bfd_state)
TO_WORD(bfd_diag)
TO_WORD(relief)
TO_WORD(pace_state)

FROM_WORD(kind)
FROM_WORD(cause)
FROM_WORD(hint)
FROM_WORD(scope)
FROM_WORD(auth)
FROM_WORD(key)
FROM_WORD(reason)
FROM_WORD(relief)

const char *reason_sentence(unsigned int reason)
{
	return reason < REASON_COUNT ? reason_table[reason].sentence : "unknown";
}

enum fate reason_fate(unsigned int reason)
{
	return reason < REASON_COUNT ? reason_table[reason].fate : FATE_DROP;
}
