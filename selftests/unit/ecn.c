// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* ECN where a tunnel ends, against figure 4 of RFC 6040 written down once more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fantel/ecn.h"

static const enum ecn columns[] = { ECN_NOT_ECT, ECN_ECT0, ECN_ECT1, ECN_CE };

/* Rows as the RFC has them; columns in its order too. */
static const struct {
	enum ecn inner;
	__u32 becomes[4];
} rows[] = {
	{ ECN_NOT_ECT,
	  { ECN_NOT_ECT, ECN_NOT_ECT | ECN_UNUSED, ECN_NOT_ECT | ECN_UNUSED, ECN_DROP } },
	{ ECN_ECT0, { ECN_ECT0, ECN_ECT0, ECN_ECT1, ECN_CE } },
	{ ECN_ECT1, { ECN_ECT1, ECN_ECT1 | ECN_UNUSED, ECN_ECT1, ECN_CE } },
	{ ECN_CE, { ECN_CE, ECN_CE, ECN_CE | ECN_UNUSED, ECN_CE } },
};

static void all_sixteen(void **state)
{
	for (size_t r = 0; r < ARRAY_SIZE(rows); r++)
		for (size_t c = 0; c < ARRAY_SIZE(columns); c++)
			assert_int_equal(ecn_decap(rows[r].inner, columns[c]), rows[r].becomes[c]);
}

static void no_mark_is_cleared(void **state)
{
	for (size_t r = 0; r < ARRAY_SIZE(rows); r++)
		for (size_t c = 0; c < ARRAY_SIZE(columns); c++) {
			__u32 becomes = ecn_decap(rows[r].inner, columns[c]);

			if (rows[r].inner == ECN_CE || columns[c] == ECN_CE)
				assert_true(becomes & ECN_DROP || (becomes & 3) == ECN_CE);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_sixteen),
		cmocka_unit_test(no_mark_is_cleared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
