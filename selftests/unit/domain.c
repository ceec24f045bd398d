// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* domain: what policy's sources and demands become in fantel_sources. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <arpa/inet.h>

#include "domain.h"

static struct policy_prefix prefix(const char *text)
{
	struct policy_prefix p = {};
	char addr[64];
	struct in_addr v4;
	int plen;

	assert_int_equal(sscanf(text, "%63[^/]/%d", addr, &plen), 2);
	p.plen = plen;
	if (inet_pton(AF_INET, addr, &v4) == 1) {
		p.addr = addr_from_v4(v4.s_addr);
		p.plen += 96;
	} else {
		assert_int_equal(inet_pton(AF_INET6, addr, &p.addr), 1);
	}
	return p;
}

#define OFF AUTHENTICATION_OFF
#define ACCEPT AUTHENTICATION_ACCEPT
#define REQUIRE AUTHENTICATION_REQUIRE

static const struct row {
	const char *sentence;
	enum authentication others;
	const char *sources[4];
	struct {
		const char *prefix;
		enum authentication asked;
	} demands[4];
	struct {
		const char *prefix;
		enum authentication asked;
	} rows[6];
	bool asks;
} rows[] = {
	{ "by default nothing is asked", OFF, { "2001:db8::/32" }, {}, { { "2001:db8::/32", OFF } }, false },
	{ "what is asked of all", REQUIRE, { "2001:db8::/32", "192.0.2.0/24" }, {},
	  { { "2001:db8::/32", REQUIRE }, { "192.0.2.0/24", REQUIRE } }, true },
	{ "a demand for the same prefix", REQUIRE, { "2001:db8::/32" }, { { "2001:db8::/32", OFF } },
	  { { "2001:db8::/32", OFF } }, false },
	{ "a demand for a part is a row of its own", OFF, { "2001:db8::/32" },
	  { { "2001:db8:1::/48", REQUIRE } },
	  { { "2001:db8::/32", OFF }, { "2001:db8:1::/48", REQUIRE } }, true },
	{ "a demand for more than a source counts for it", OFF, { "2001:db8:1::/48" },
	  { { "2001:db8::/32", ACCEPT } }, { { "2001:db8:1::/48", ACCEPT } }, true },
	{ "the longest counts", OFF, { "2001:db8:1::/48", "2001:db8:1:1::/64" },
	  { { "2001:db8::/32", ACCEPT }, { "2001:db8:1::/56", REQUIRE }, { "2001:db8:1::/48", OFF } },
	  { { "2001:db8:1::/48", OFF }, { "2001:db8:1:1::/64", REQUIRE },
	    { "2001:db8:1::/56", REQUIRE } }, true },
	{ "a demand outside the domain lets nobody in", OFF, { "2001:db8::/32" },
	  { { "2001:db9::/32", REQUIRE } }, { { "2001:db8::/32", OFF } }, false },
	{ "::/0 is IPv4 too", OFF, { "192.0.2.0/24" }, { { "::/0", REQUIRE } },
	  { { "192.0.2.0/24", REQUIRE } }, true },
};

static void check(const struct row *row)
{
	struct policy_prefix source[4];
	struct policy_demand demand[4];
	struct policy p = { .source = source, .demand = demand, .authentication = row->others };
	__u32 n = 0;

	print_message("# %s\n", row->sentence);
	for (; row->sources[p.n_sources]; p.n_sources++)
		source[p.n_sources] = prefix(row->sources[p.n_sources]);
	for (; row->demands[p.n_demands].prefix; p.n_demands++) {
		demand[p.n_demands].prefix = prefix(row->demands[p.n_demands].prefix);
		demand[p.n_demands].authentication = row->demands[p.n_demands].asked;
	}
	for (__u32 i = 0; i < domain_rows(&p); i++) {
		struct source got;
		const struct policy_prefix *at = domain_row(&p, i, &got);
		struct policy_prefix want;

		if (!at)
			continue;
		assert_non_null(row->rows[n].prefix);
		want = prefix(row->rows[n].prefix);
		assert_memory_equal(at, &want, sizeof(want));
		assert_int_equal(got.authentication, row->rows[n].asked);
		n++;
	}
	assert_null(row->rows[n].prefix);
	assert_int_equal(domain_authenticates(&p), row->asks);
}

static void sources_become_rows(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(&rows[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "sources and demands become rows; of demands the longest prefix counts", sources_become_rows,
		  NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
