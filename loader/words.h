/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Numbers to words and back, straight from the tables in wire.h, reason.h and abi.h: what the user reads
 * and types. Called by everything that prints or takes input. A number without a word is "unknown",
 * never NULL.
 */
#ifndef WORDS_H
#define WORDS_H

#include "fantel/abi.h"

const char *kind_word(unsigned int kind);	/* enum kind */
const char *cause_word(unsigned int cause);	/* enum wire_cause; "none" for CAUSE_NONE */
const char *hint_word(unsigned int hint);	/* enum wire_hint */
const char *scope_word(unsigned int scope);	/* enum wire_scope */
const char *auth_word(unsigned int algorithm);	/* enum wire_auth */
const char *key_word(unsigned int key);		/* enum wire_key */
const char *tlv_word(unsigned int type);	/* the number on the wire */
const char *subtlv_word(unsigned int type);	/* the number on the wire */

const char *tunnel_word(unsigned int type);	/* enum tunnel_type */
const char *bfd_state_word(unsigned int state); /* enum bfd_state */
const char *bfd_diag_word(unsigned int diag);	/* enum bfd_diag */
const char *trouble_word(unsigned int trouble); /* enum trouble */
const char *ordering_word(unsigned int value);	/* enum ordering */

/* "none" for REASON_NONE. */
const char *reason_word(unsigned int reason);
const char *relief_word(unsigned int relief);
const char *pace_state_word(unsigned int state);
const char *reason_sentence(unsigned int reason);
/* What becomes of a packet that was counted so. */
enum fate reason_fate(unsigned int reason);

/* The way back: the value, or -EINVAL for a word that is in no table. */
int kind_from_word(const char *word);
int cause_from_word(const char *word);
int hint_from_word(const char *word);
int scope_from_word(const char *word);
int auth_from_word(const char *word);
int key_from_word(const char *word);
int reason_from_word(const char *word);
int relief_from_word(const char *word);

#endif
