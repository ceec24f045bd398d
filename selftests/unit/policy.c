// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * policy: what a file becomes, and what is said of a wrong one. policies/NAME.json is read and all
 * that is said of it stands in policies/NAME.out, to the letter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "errors.h"
#include "own.h"
#include "policy.h"

static const struct file_row {
	const char *sentence, *name;
} bad_rows[] = {
	{ "a comma too many is a syntax error with its place", "syntax" },
	{ "an array is no policy", "array" },
	{ "an empty object is no policy", "empty" },
	{ "an empty policy needs a node and a port", "bare" },
	{ "another module's data does not belong here", "other-module" },
	{ "what is missing is named, with what it should be", "missing" },
	{ "an unknown member is answered with the nearest known one", "unknown" },
	{ "a wrong value is answered with the right ones", "values" },
	{ "a value in the wrong form of JSON is answered with the right form", "forms" },
	{ "what may stand once does not stand twice, however it is written", "twice" },
	{ "a reference to nothing is answered with what there is", "references" },
	{ "a reference into a list that is not there", "no-lists" },
	{ "addresses that no router can have", "addresses" },
	{ "prefixes with host bits, and IPv4 in the guise of IPv6", "prefixes" },
	{ "a locator that covers everything", "locator" },
	{ "thresholds that can't be", "watch" },
	{ "links that contradict themselves or each other", "links" },
	{ "neighbours upstream that can't be told", "upstream" },
	{ "BFD peers that can't be one, and times that can't be kept", "bfd" },
	{ "tunnels that can't be told apart, or lead to this node", "tunnels" },
	{ "more paths than one reduced identity can name", "shared-tunnels" },
	{ "outer headers that can't be made, or lead to this node", "outer" },
	{ "outer headers that are the same, and more that share a name than can", "same-outer" },
	{ "marks that are none, the same, or of nothing that has a name", "marks" },
	{ "endpoints that can't be told apart, or reached", "endpoints" },
	{ "endpoints without a locator to be in", "endpoints-nowhere" },
	{ "MPLS of nobody, of this node, of strangers, or to where nothing leads", "lsps" },
	{ "controllers that are nobody, this node, or out of reach", "controllers" },
	{ "links and nodes that can't be told, or told apart", "resources" },
	{ "authentication with wrong values", "authentication" },
	{ "authentication without a file of keys", "keyless" },
	{ "groups that carry nothing", "groups" },
	{ "assigned message types, and times that defeat each other", "notification" },
	{ "message types that are the same, defaults included", "types" },
};

static const struct file_row warned_rows[] = {
	{ "what is not used is worth a warning", "warnings" },
	{ "a customer port alone is worth a warning", "customer-only" },
	{ "endpoints behind customer ports alone are worth a warning", "endpoints-alone" },
	{ "MPLS that can't pass for want of a core port is worth a warning", "lsps-alone" },
	{ "controllers without a group to be told of are worth a warning", "controllers-idle" },
	{ "keys that nothing uses, and demands on nobody, are worth a warning", "authentication-idle" },
	{ "a policy that uses everything is not", "everything" },
};

/* ---- reading --------------------------------------------------------------------------------- */

static char *read_text(const char *dir, const char *name, const char *suffix)
{
	char path[512], *text = calloc(1, 65536);
	FILE *in OWN_FILE = NULL;

	snprintf(path, sizeof(path), SRCDIR "/%s/%s%s", dir, name, suffix);
	in = fopen(path, "r");
	if (!in)
		fail_msg("%s: %s", path, strerror(errno));
	assert_in_range(fread(text, 1, 65536, in), 0, 65535);
	return text;
}

/* policy_parse, with what it says in *said, which the caller frees. */
static int parse(struct policy *policy, const char *name, const char *text, char **said)
{
	size_t size;
	FILE *errors = open_memstream(said, &size);
	int n = policy_parse(policy, name, text, errors);

	fclose(errors);
	return n;
}

static int count_errors(const char *said)
{
	int n = 0;

	for (const char *end; (end = strchr(said, '\n')); said = end + 1) {
		const char *warning = strstr(said, ": warning: ");

		n += !warning || warning > end;
	}
	return n;
}

static void check_file(const struct file_row *row, struct policy *policy, bool bad)
{
	OWN_MEM char *text = read_text("selftests/unit/policies", row->name, ".json");
	OWN_MEM char *expected = read_text("selftests/unit/policies", row->name, ".out");
	OWN_MEM char *said = NULL;
	char name[64];
	int n;

	print_message("# %s\n", row->sentence);
	snprintf(name, sizeof(name), "%s.json", row->name);
	n = parse(policy, name, text, &said);
	assert_string_equal(said, expected);
	assert_int_equal(n, count_errors(expected));
	assert_int_equal(n > 0, bad);
}

static void all_errors_are_found_and_nothing_is_touched(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(bad_rows); i++) {
		struct policy p, before;

		memset(&p, 0xa5, sizeof(p));
		before = p;
		check_file(&bad_rows[i], &p, true);
		assert_memory_equal(&p, &before, sizeof(p));
	}
}

static void warnings_do_not_stop_a_policy(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(warned_rows); i++) {
		struct policy p OWN_POLICY = { 0 };

		check_file(&warned_rows[i], &p, false);
		assert_true(p.n_ports > 0);
	}
}

static void a_file_that_cant_be_read_is_an_error(void **state)
{
	struct policy p OWN_POLICY = { 0 };
	OWN_MEM char *said = NULL;
	size_t size;
	FILE *errors = open_memstream(&said, &size);

	assert_int_equal(policy_read(&p, "/nowhere/r1.json", errors), -ENOENT);
	assert_int_equal(policy_read(&p, "/dev/null", errors), 1);
	assert_int_equal(policy_read(&p, "/proc/self/environ", errors), -EILSEQ);
	assert_int_equal(policy_read(&p, "/dev/zero", errors), -EFBIG);
	assert_true(policy_read(&p, "/", errors) < 0);
	fclose(errors);
	assert_string_equal(
		said,
		"/nowhere/r1.json: No such file or directory; give a policy file that can be read\n"
		"/dev/null:1: column 1: the text ends where a value is expected\n"
		"/proc/self/environ: holds a zero byte, so it is no text; give a policy file that "
		"can be read\n"
		"/dev/zero: File too large; give a policy file that can be read\n"
		"/: Is a directory; give a policy file that can be read\n");
}

/* ---- limits ---------------------------------------------------------------------------------- */

#define NODE "\"node\":{\"name\":\"r1\",\"loopback\":[\"2001:db8:f::1\"]}"
#define PORT "\"port\":[{\"name\":\"eth0\",\"class\":\"core\"}]"
#define SOURCE "\"source\":[\"2001:db8:f::/64\"]"

/* The schema's limits and those of the maps are one: an array of one too many is refused so. */
static const struct limit_row {
	const char *name;
	int max;
	const char *before, *element, *after; /* element: 1$ is its number, 2$ and 3$ its bytes */
	const char *limit; /* with which policy makes more room */
} limit_rows[] = {
	{ "ports", MAX_CORE_LINKS, NODE "," SOURCE ",\"port\":[",
	  "{\"name\":\"e%1$d\",\"class\":\"core\"}", "]", NULL },
	{ "source prefixes", MAX_SOURCES, NODE "," PORT ",\"source\":[", "\"2001:db8:%1$x::/48\"",
	  "]", "sources" },
	{ "paths", MAX_PATHS, NODE "," PORT "," SOURCE ",\"path\":[",
	  "{\"name\":\"p%1$d\",\"srv6\":{\"segment\":[\"2001:db8:b:%1$x::1\"]}}", "]", "paths" },
	{ "groups", MAX_GROUPS,
	  NODE
	  "," PORT "," SOURCE
	  ",\"path\":[{\"name\":\"p\",\"srv6\":{\"segment\":[\"2001:db8:b::1\"]}}],\"group\":[",
	  "{\"name\":\"g%1$d\",\"member\":[{\"path\":\"p\"}]}", "]", "groups" },
	{ "segments", MAX_SEGMENTS,
	  NODE "," PORT "," SOURCE ",\"path\":[{\"name\":\"p\",\"srv6\":{\"segment\":[",
	  "\"2001:db8:b:%1$x::1\"", "]}}]", NULL },
	{ "labels", MAX_LABELS,
	  NODE "," PORT "," SOURCE
	       ",\"path\":[{\"name\":\"p\",\"mpls\":{\"next-hop\":\"2001:db8::1\",\"label\":[",
	  "16%1$03d", "]}}]", NULL },
	{ "resources", MAX_RESOURCES, NODE "," PORT "," SOURCE ",\"resource\":[",
	  "{\"name\":\"r%1$d\",\"node\":{\"router-id\":\"10.0.%2$d.%3$d\"}}", "]", "resources" },
	{ "classes", MAX_CLASSES,
	  NODE "," PORT "," SOURCE
	       ",\"path\":[{\"name\":\"p\",\"srv6\":{\"segment\":[\"2001:db8:b::1\"]}}],"
	       "\"group\":[{\"name\":\"g\",\"member\":[{\"path\":\"p\"}]}],\"class\":[",
	  "{\"prefix\":\"2001:db8:%2$x:%3$x::/64\",\"group\":\"g\"}", "]", "classes" },
	{ "endpoints", MAX_ENDPOINTS / 4,
	  NODE "," PORT "," SOURCE ",\"endpoint\":[",
	  "{\"name\":\"e%1$d\",\"vxlan\":{\"vni\":%1$d}}", "]", NULL },
	{ "controllers", 8, NODE "," PORT "," SOURCE ",\"controller\":[",
	  "{\"address\":\"2001:db8::%1$x00\"}", "]", NULL },
	{ "keys to sign with", MAX_SIGN_KEYS,
	  NODE "," PORT "," SOURCE ",\"authentication\":{\"key-file\":\"/k\",\"sign-with\":[", "%1$d",
	  "]}", NULL },
	{ "repetitions", MAX_REPEATS, NODE "," PORT "," SOURCE ",\"notification\":{\"repeat\":[",
	  "%1$d", "]}", NULL },
};

static char *limit_text(const struct limit_row *row, int n)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	fprintf(out, "{\"fantel:fantel\":{%s", row->before);
	for (int i = 0; i < n; i++) {
		fputs(i ? "," : "", out);
		fprintf(out, row->element, i, i / 256, i % 256);
	}
	fprintf(out, "%s}}", row->after);
	fclose(out);
	return text;
}

static void limits_are_those_of_the_maps(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(limit_rows); i++) {
		const struct limit_row *row = &limit_rows[i];
		OWN_MEM char *fits = limit_text(row, row->max);
		OWN_MEM char *exceeds = limit_text(row, row->max + 1);
		OWN_MEM char *said = NULL;
		OWN_MEM char *said_too = NULL;
		struct policy p OWN_POLICY = { 0 };
		char expected[128];

		print_message("# %d %s\n", row->max, row->name);
		assert_int_equal(parse(&p, "f", fits, &said), 0);
		policy_free(&p);
		assert_int_equal(parse(&p, "f", exceeds, &said_too), 1);
		snprintf(expected, sizeof(expected), "%d given; give at most %d%s%s\n", row->max + 1,
			 row->max, row->limit ? ", or raise /fantel:fantel/limits/" : "",
			 row->limit ?: "");
		assert_non_null(strstr(said_too, expected));
	}
}

/* The module and the table of limits say the same. */
static void limits_have_bounds_and_defaults(void **state)
{
	for (enum policy_limit l = 0; l < LIMIT_COUNT; l++) {
		const __u32 least = limit_least(l), most = limit_most(l);
		const struct {
			__u32 given;
			int errors;
		} rows[] = { { least, 0 }, { most, 0 }, { least - 1, 1 }, { most + 1, 1 }, { 0, 0 } };

		print_message("# %s\n", limit_word(l));
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			struct policy p OWN_POLICY = { 0 };
			OWN_MEM char *text = NULL, *said = NULL;
			__u32 given = rows[i].given;

			/* Without one: the default. */
			if (asprintf(&text, "{\"fantel:fantel\":{" NODE "," PORT "," SOURCE
					    ",\"limits\":{\"%s\":%u}}}",
				     limit_word(given ? l : (l + 1) % LIMIT_COUNT),
				     given ?: limit_most((l + 1) % LIMIT_COUNT)) < 0)
				fail();
			assert_int_equal(parse(&p, "f", text, &said), rows[i].errors);
			if (!rows[i].errors)
				assert_int_equal(p.limit[l], given ?: limit_preset(l));
		}
	}
}

static void errors_beyond_the_thousandth_are_only_counted(void **state)
{
	struct limit_row bad = { "", 0, NODE "," PORT ",\"source\":[", "\"x%1$d\"", "]", NULL };
	OWN_MEM char *text = limit_text(&bad, 1234);
	OWN_MEM char *said = NULL;
	struct policy p OWN_POLICY = { 0 };

	assert_int_equal(parse(&p, "f", text, &said), 1234);
	assert_int_equal(count_errors(said), 1001);
	assert_non_null(strstr(said, "\nf: and 234 more of the same kinds\n"));
}

static void a_group_has_as_many_members_as_fit(void **state)
{
	for (int n = MAX_MEMBERS; n <= MAX_MEMBERS + 1; n++) {
		OWN_MEM char *text = NULL;
		OWN_MEM char *said = NULL;
		struct policy p OWN_POLICY = { 0 };
		size_t size;
		FILE *out = open_memstream(&text, &size);

		fprintf(out, "{\"fantel:fantel\":{" NODE "," PORT "," SOURCE ",\"path\":[");
		for (int i = 0; i < n; i++)
			fprintf(out,
				"%s{\"name\":\"p%d\",\"srv6\":{\"segment\":[\"2001:db8:b:%x::1\"]}"
				"}",
				i ? "," : "", i, i);
		fprintf(out, "],\"group\":[{\"name\":\"g\",\"member\":[");
		for (int i = 0; i < n; i++)
			fprintf(out, "%s{\"path\":\"p%d\"}", i ? "," : "", i);
		fprintf(out, "]}]}}");
		fclose(out);
		assert_int_equal(parse(&p, "f", text, &said), n > MAX_MEMBERS);
		if (n == MAX_MEMBERS)
			assert_int_equal(p.group[0].n_members, MAX_MEMBERS);
	}
}

/* ---- what a file becomes --------------------------------------------------------------------- */

static struct addr addr_of(const char *text)
{
	struct addr addr;
	__be32 v4_be;

	if (inet_pton(AF_INET6, text, &addr) == 1)
		return addr;
	assert_int_equal(inet_pton(AF_INET, text, &v4_be), 1);
	return addr_from_v4(v4_be);
}

#define assert_addr(value, text)                                              \
	do {                                                                  \
		struct addr expected_ = addr_of(text);                        \
		assert_memory_equal(&(value), &expected_, sizeof(expected_)); \
	} while (0)

static void load(struct policy *p, const char *dir, const char *name)
{
	OWN_MEM char *text = read_text(dir, name, ".json");
	OWN_MEM char *said = NULL;

	assert_int_equal(parse(p, name, text, &said), 0);
	assert_string_equal(said, "");
}

static void the_node_is_read(void **state)
{
	static const __u8 router_id[8] = { 0x19, 0x20, 0x00, 0x00, 0x20, 0x01 };
	struct policy p OWN_POLICY = { 0 };

	load(&p, "selftests/unit/policies", "everything");
	assert_string_equal(p.config.node, "pe_1-a");
	assert_addr(p.config.loopback6, "2001:db8:f::1");
	assert_addr(p.config.loopback4, "192.0.2.1");
	assert_addr(p.config.locator, "2001:db8:a:1::");
	assert_int_equal(p.config.locator_len, 64);
	assert_int_equal(p.config.domain, 0xffffffff);
	assert_int_equal(p.config.hash_seed, 0);
	assert_int_equal(p.config.as, 4200000000);
	assert_int_equal(p.router_id_len, 6);
	assert_memory_equal(p.router_id, router_id, sizeof(router_id));
}

static void ports_and_links_are_read(void **state)
{
	static const __u8 ospf_pseudonode[8] = { 192, 0, 2, 1, 192, 0, 2, 9 };
	static const __u8 isis_pseudonode[8] = { 0x19, 0x20, 0, 0, 0x20, 0x01, 0x0a };
	static const __u8 ospf[8] = { 192, 0, 2, 1 };
	struct policy p OWN_POLICY = { 0 };

	load(&p, "selftests/unit/policies", "everything");
	assert_int_equal(p.n_ports, 4);
	assert_string_equal(p.port[0].name, "eth0.100");
	assert_int_equal(p.port[0].class, PORT_CUSTOMER);
	assert_int_equal(p.port[0].mode, XDP_GENERIC);
	assert_true(addr_is_unspecified(&p.port[0].local6));
	assert_int_equal(p.port[1].class, PORT_CORE);
	assert_int_equal(p.port[1].mode, XDP_NATIVE);
	assert_addr(p.port[1].local6, "2001:db8:1::1");
	assert_addr(p.port[1].local4, "192.0.2.5");
	assert_addr(p.port[1].remote6, "2001:db8:1::2");
	assert_addr(p.port[1].remote4, "192.0.2.6");
	assert_int_equal(p.port[1].remote_as, 64501);
	assert_addr(p.port[1].upstream, "198.51.100.7");
	assert_int_equal(p.port[1].remote_router_id_len, 8);
	assert_memory_equal(p.port[1].remote_router_id, ospf_pseudonode, 8);
	assert_addr(p.port[1].bfd.peer, "192.0.2.6");
	assert_int_equal(p.port[1].bfd.min_tx_us, 1000);
	assert_int_equal(p.port[1].bfd.min_rx_us, 60000000);
	assert_int_equal(p.port[1].bfd.mult, 255);
	assert_int_equal(p.config.bfd, 1);
	assert_addr(p.port[2].bfd.peer, "fe80::2");
	assert_int_equal(p.port[2].bfd.min_tx_us, 50000);
	assert_int_equal(p.port[2].bfd.min_rx_us, 50000);
	assert_int_equal(p.port[2].bfd.mult, 3);
	assert_int_equal(p.port[1].bfd.echo_us, 500);
	assert_int_equal(p.port[1].bfd.echo_mult, 8);
	assert_int_equal(p.port[2].bfd.echo_us, 2000);
	assert_int_equal(p.port[2].bfd.echo_mult, 3);
	assert_true(addr_is_unspecified(&p.port[3].bfd.peer));
	assert_true(p.port[1].watch.queue);
	assert_int_equal(p.port[1].watch.bytes.onset, 200001);
	assert_int_equal(p.port[1].watch.bytes.end, 100001);
	assert_int_equal(p.port[1].watch.packets.onset, 4000000000);
	assert_int_equal(p.port[1].watch.packets.end, 10);
	assert_int_equal(p.port[1].watch.hold_down_ms[TROUBLE_QUEUE], 1);
	assert_true(p.port[1].watch.load);
	assert_int_equal(p.port[1].watch.capacity_kbit, 4294967295);
	assert_int_equal(p.port[1].watch.percent.onset, 99);
	assert_int_equal(p.port[1].watch.percent.end, 90);
	assert_int_equal(p.port[1].watch.constant_ms, 10);
	assert_int_equal(p.port[1].watch.hold_down_ms[TROUBLE_LOAD], 3);
	assert_int_equal(p.port[1].watch.rate_min, 1000);
	assert_int_equal(p.port[1].watch.rate_max, 4294967295);
	assert_int_equal(p.port[1].watch.counted, 1 << ERROR_RX_ERRORS | 1 << ERROR_TX_DROPPED);
	assert_int_equal(p.port[1].watch.errors.onset, 1000000);
	assert_int_equal(p.port[1].watch.errors.end, 1);
	assert_int_equal(p.port[1].watch.errors_least, 1);
	assert_int_equal(p.port[1].watch.errors_interval_ms, 100);
	assert_int_equal(p.port[1].watch.hold_down_ms[TROUBLE_ERRORS], 86400000);
	assert_true(p.config.learn_arrivals);
	assert_int_equal(p.node_load.percent.onset, 90);
	assert_int_equal(p.node_load.percent.end, 45);
	assert_int_equal(p.node_load.interval_ms, 500);
	assert_int_equal(p.node_load.hold_down_ms, 5000);
	assert_string_equal(p.node_load.file, "/sys/fs/cgroup/system.slice/cpu.pressure");
	assert_int_equal(p.port[1].bfd.delay.onset, 16777215);
	assert_int_equal(p.port[1].bfd.delay.end, 1);
	assert_int_equal(p.port[2].bfd.delay.onset, 0);
	assert_int_equal(p.changes.percent, 100);
	assert_int_equal(p.changes.interval_ms, 100);
	assert_int_equal(p.changes.refresh_ms, 3600000);
	assert_int_equal(p.n_ingresses, 2);
	assert_addr(p.ingress[0], "192.0.2.9");
	assert_addr(p.ingress[1], "2001:db8:f::9");
	assert_false(p.port[2].watch.queue);
	assert_int_equal(p.port[2].watch.counted, 0);
	assert_int_equal(p.port[2].local_id, 7);
	assert_int_equal(p.port[2].remote_id, 0xffffffff);
	assert_int_equal(p.port[2].remote_router_id_len, 7);
	assert_memory_equal(p.port[2].remote_router_id, isis_pseudonode, 8);
	assert_int_equal(p.port[3].remote_router_id_len, 4);
	assert_memory_equal(p.port[3].remote_router_id, ospf, 8);
}

static void authentication_is_read(void **state)
{
	struct policy p OWN_POLICY = { 0 };

	load(&p, "selftests/unit/policies", "everything");
	assert_string_equal(p.key_file, "/etc/fantel/keys");
	assert_int_equal(p.config.n_sign_keys, 2);
	assert_int_equal(p.config.sign_key[0], 0xffffffff);
	assert_int_equal(p.config.sign_key[1], 0);
	assert_int_equal(p.authentication, AUTHENTICATION_REQUIRE);
	assert_true(p.config.authentication);
	assert_int_equal(p.n_demands, 2);
	assert_int_equal(p.demand[0].authentication, AUTHENTICATION_OFF);
	assert_int_equal(p.demand[0].prefix.plen, 128);
	assert_addr(p.demand[0].prefix.addr, "2001:db8:f::7");
	assert_int_equal(p.demand[1].authentication, AUTHENTICATION_ACCEPT);
	assert_int_equal(p.demand[1].prefix.plen, 120);
}

static void paths_are_read(void **state)
{
	struct policy p OWN_POLICY = { 0 };

	load(&p, "selftests/unit/policies", "everything");
	assert_int_equal(p.n_paths, 14);
	assert_string_equal(p.path[0].name, "one");
	assert_int_equal(p.path[0].tunnel, TUNNEL_SRV6);
	assert_int_equal(p.path[0].n_segments, 1);
	assert_false(p.path[0].reduced);
	assert_false(p.path[0].dscp_fixed);
	assert_true(p.path[1].reduced);
	assert_true(p.path[1].dscp_fixed);
	assert_int_equal(p.path[1].dscp, 0);
	assert_addr(p.path[1].segment[0], "2001:db8:a:3::1");
	assert_addr(p.path[1].segment[1], "2001:db8:a:2::d6");
	assert_int_equal(p.path[2].n_segments, 8);
	assert_addr(p.path[2].segment[7], "2001:db8:a:2::d6");
	assert_false(p.path[2].reduced);
	assert_false(p.path[2].dscp_fixed);
}

static void tunnels_are_read(void **state)
{
	static const __u8 far[6] = { 2, 0, 0x5e, 0, 0x53, 9 }, own[6] = { 2, 0, 0x5e, 0, 0x53, 1 };
	static const __u8 made[6] = { 2, 0, 192, 0, 2, 1 }; /* of the loopback 192.0.2.1 */
	struct policy p OWN_POLICY = { 0 };

	load(&p, "selftests/unit/policies", "everything");
	assert_int_equal(p.path[3].tunnel, TUNNEL_GRE);
	assert_addr(p.path[3].dst, "192.0.2.9");
	assert_false(p.path[3].keyed);
	assert_addr(p.path[4].dst, "2001:db8::9");
	assert_true(p.path[4].keyed);
	assert_int_equal(p.path[4].key, 0xffffffff);
	assert_int_equal(p.path[4].dscp, 63);
	assert_int_equal(p.path[5].tunnel, TUNNEL_VXLAN);
	assert_int_equal(p.path[5].vni, 0xffffff);
	assert_int_equal(p.path[5].port, 4789);
	assert_memory_equal(p.path[5].inner_dmac, far, 6);
	assert_memory_equal(p.path[5].inner_smac, made, 6);
	assert_int_equal(p.path[6].vni, 0);
	assert_int_equal(p.path[6].port, 8472);
	assert_memory_equal(p.path[6].inner_smac, own, 6);
	assert_int_equal(p.path[7].tunnel, TUNNEL_MPLS);
	assert_int_equal(p.path[7].n_labels, 3);
	assert_int_equal(p.path[7].label[0], 16);
	assert_int_equal(p.path[7].label[2], 1048575);
	assert_addr(p.path[7].dst, "2001:db8:1::2");
	assert_addr(p.path[8].dst, "192.0.2.6");
	assert_int_equal(p.path[9].tunnel, TUNNEL_IPIP);
	assert_addr(p.path[9].dst, "192.0.2.9");
	assert_addr(p.path[10].dst, "2001:db8::9");
	assert_int_equal(p.path[11].tunnel, TUNNEL_MARK);
	assert_int_equal(p.path[11].mark, 1);
	assert_addr(p.path[11].dst, "192.0.2.10");
	assert_int_equal(p.path[12].mark, 0xffffffff);
	assert_int_equal(p.path[12].n_segments, 2);
	assert_addr(p.path[12].segment[1], "2001:db8:a:2::d6");
	assert_true(addr_is_unspecified(&p.path[12].dst));
	assert_int_equal(p.path[13].n_labels, 2);
	assert_int_equal(p.path[13].label[1], 18);
}

static void assert_end(const struct resource_key *key, int side, const char *text)
{
	struct addr addr = addr_from_number(key->addr[side]);

	assert_addr(addr, text);
}

static void what_paths_cross_is_read(void **state)
{
	static const __u8 isis[8] = { 0x19, 0x20, 0, 0, 0x20, 0x01, 0x0a };
	static const __u8 ospf[8] = { 192, 0, 2, 1, 192, 0, 2, 9 };
	const struct policy_resource *r;
	struct policy p OWN_POLICY = { 0 };

	load(&p, "selftests/unit/policies", "everything");
	assert_int_equal(p.n_resources, 4);
	r = &p.resource[0];
	assert_string_equal(r->name, "link.6");
	assert_int_equal(r->n_keys, 1);
	assert_int_equal(r->key[0].kind, RESOURCE_LINK);
	assert_end(&r->key[0], 0, "2001:db8:1::1");
	assert_end(&r->key[0], 1, "2001:db8:1::2");
	r = &p.resource[1];
	assert_int_equal(r->n_keys, RESOURCE_KEYS);
	assert_end(&r->key[0], 0, "2001:db8:2::1");
	assert_end(&r->key[0], 1, "2001:db8:2::2");
	assert_end(&r->key[1], 0, "192.0.2.5");
	assert_end(&r->key[1], 1, "192.0.2.6");
	assert_int_equal(r->key[2].kind, RESOURCE_PORT);
	assert_int_equal(r->key[2].as, 4200000000); /* the node's own */
	assert_int_equal(r->key[2].router_id_len, 7);
	assert_memory_equal(r->key[2].router_id, isis, 8);
	assert_int_equal(r->key[2].link_id, 4294967295);
	assert_int_equal(r->key[3].as, 64501);
	assert_memory_equal(r->key[3].router_id, ospf, 8);
	r = &p.resource[2];
	assert_int_equal(r->n_keys, 1);
	assert_int_equal(r->key[0].kind, RESOURCE_NODE);
	assert_int_equal(r->key[0].as, 4294967295);
	assert_int_equal(r->key[0].link_id, 0);
	assert_int_equal(p.path[0].n_crossed, 0);
	assert_int_equal(p.path[1].n_crossed, 3);
	assert_int_equal(p.path[1].crossed[0], 3);
	assert_int_equal(p.path[1].crossed[1], 1);
	assert_int_equal(p.path[1].crossed[2], 0);
}

static void groups_follow_their_references(void **state)
{
	const struct policy_group *g;
	struct policy p OWN_POLICY = { 0 };

	load(&p, "selftests/unit/policies", "everything");
	assert_int_equal(p.n_groups, 2);
	g = &p.group[0];
	assert_string_equal(g->name, "g.1");
	assert_int_equal(g->on_no_path, FATE_PASS);
	assert_int_equal(g->ordering, ORDERING_FLOWLET);
	assert_int_equal(g->gap_us, 10000000);
	assert_int_equal(g->n_members, 3);
	assert_int_equal(g->member[0].path, 2);
	assert_int_equal(g->member[0].weight, 65535);
	assert_int_equal(g->member[1].path, 1);
	assert_int_equal(g->member[1].weight, 0);
	assert_int_equal(g->member[2].path, 0);
	assert_int_equal(g->member[2].weight, 1);
	assert_int_equal(g->member[2].tier, 65535);
	assert_int_equal(p.group[1].on_no_path, FATE_DROP);
	assert_int_equal(p.group[1].ordering, ORDERING_STRICT);
	assert_int_equal(p.group[1].gap_us, 0);
	assert_true(p.group[0].follow);
	assert_false(p.group[1].follow);
	assert_int_equal(g->on_congestion, RELIEF_MARK);
	assert_int_equal(p.group[1].on_congestion, RELIEF_LOWER);
}

static void labels_have_senders_and_a_next_hop(void **state)
{
	struct policy p OWN_POLICY = { 0 };

	load(&p, "selftests/unit/policies", "everything");
	assert_int_equal(p.config.lsps, 1);
	assert_int_equal(p.n_lsps, 2);
	assert_int_equal(p.lsp[0].label, 16);
	assert_int_equal(p.lsp[0].way.n, 2);
	assert_int_equal(p.lsp[0].way.next_hop.b[15], 2);
	assert_int_equal(p.lsp[0].way.ingress[0].b[15], 7);
	assert_int_equal(p.lsp[0].way.ingress[1].b[15], 200);
	assert_int_equal(p.lsp[1].label, 1048575);
	assert_int_equal(p.lsp[1].way.n, 1);
}

static void congestion_is_in_bytes_and_nanoseconds(void **state)
{
	struct policy p OWN_POLICY = { 0 };
	const struct pacing *pacing = &p.config.pacing;

	load(&p, "selftests/unit/policies", "everything");
	assert_int_equal(pacing->share, PACE_ALL * 33 / 100);
	assert_int_equal(pacing->transit, 0);
	assert_int_equal(pacing->flows, 1);
	assert_int_equal(pacing->target_percent, 100);
	assert_int_equal(pacing->lowest, 4294967295ULL * 125);
	assert_int_equal(pacing->window_ns, NSEC_PER_MSEC);
	assert_int_equal(pacing->burst_ns, 10 * NSEC_PER_SEC);
	assert_int_equal(pacing->horizon_ns, 0);
	assert_int_equal(pacing->step_percent, 1);
	assert_int_equal(pacing->step_ns, 60 * NSEC_PER_SEC);
}

/* The order of a list that the schema orders is libyang's business, so entries are looked up. */
static void prefixes_count_ipv4_from_96(void **state)
{
	static const struct {
		const char *addr;
		__u32 plen, group;
	} rows[] = {
		{ "::", 0, 1 },
		{ "203.0.113.128", 96 + 25, 0 },
		{ "2001:db8:c2::", 48, 0 },
	};
	struct policy p OWN_POLICY = { 0 };

	load(&p, "selftests/unit/policies", "everything");
	assert_int_equal(p.n_sources, 5);
	assert_int_equal(p.n_classes, ARRAY_SIZE(rows));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct addr addr = addr_of(rows[i].addr);
		__u32 c = 0;

		while (c < p.n_classes && !addr_equal(&p.class[c].prefix.addr, &addr))
			c++;
		assert_in_range(c, 0, p.n_classes - 1);
		assert_int_equal(p.class[c].prefix.plen, rows[i].plen);
		assert_int_equal(p.class[c].group, rows[i].group);
	}
}

static void endpoints_are_read(void **state)
{
	static const __u8 tunnels[] = { TUNNEL_SRV6,  TUNNEL_SRV6,  TUNNEL_GRE,
					TUNNEL_GRE,   TUNNEL_VXLAN, TUNNEL_VXLAN,
					TUNNEL_MPLS,  TUNNEL_MPLS,  TUNNEL_IPIP };
	static const __u32 ids[] = { 0, 0, 0, 0, 16777215, 0, 0, 1048575, 0 };
	struct policy p OWN_POLICY = { 0 };

	load(&p, "selftests/unit/policies", "everything");
	assert_int_equal(p.n_endpoints, ARRAY_SIZE(tunnels));
	for (__u32 i = 0; i < p.n_endpoints; i++) {
		assert_int_equal(p.endpoint[i].tunnel, tunnels[i]);
		assert_int_equal(p.endpoint[i].id, ids[i]);
		assert_int_equal(p.endpoint[i].keyed, i == 3);
		assert_int_equal(p.endpoint[i].inner,
				 i == 1 ? 1 << INNER_V4 : 1 << INNER_V4 | 1 << INNER_V6);
	}
	assert_string_equal(p.endpoint[0].name, "dt46");
	assert_addr(p.endpoint[1].sid, "2001:db8:a:1::4");
	assert_int_equal(p.endpoint[4].port, 4789);
	assert_int_equal(p.endpoint[5].port, 8472);
	assert_int_equal(p.config.endpoints, (1 << TUNNEL_MARK) - 2);
	assert_int_equal(p.config.vxlan_port[0], 4789);
	assert_int_equal(p.config.vxlan_port[1], 8472);
	assert_int_equal(p.config.vxlan_port[2], 0);
}

static void controllers_are_read(void **state)
{
	struct policy p OWN_POLICY = { 0 };

	load(&p, "selftests/unit/policies", "everything");
	assert_int_equal(p.n_controllers, 2);
	assert_addr(p.controller[0].addr, "2001:db8:c::7");
	assert_int_equal(p.controller[0].port, 1); /* that of notifications */
	assert_addr(p.controller[1].addr, "192.0.2.77");
	assert_int_equal(p.controller[1].port, 65535);
	assert_int_equal(p.config.rate[BUCKET_CONTROLLER].interval_ns, 100 * NSEC_PER_MSEC);
	assert_int_equal(p.config.rate[BUCKET_CONTROLLER].burst_ns, 200 * NSEC_PER_MSEC);
}

static void notification_settings_are_read(void **state)
{
	static const __u8 types[KIND_COUNT] = { 254, 162, 199, 202, 203 };
	struct policy p OWN_POLICY = { 0 };

	load(&p, "selftests/unit/policies", "everything");
	assert_int_equal(p.config.transport, TRANSPORT_UDP);
	assert_memory_equal(p.config.type, types, sizeof(types));
	assert_int_equal(p.config.code_lsb, 1);
	assert_int_equal(p.config.udp_port, 1);
	assert_int_equal(p.config.udp_sport, 65535);
	assert_int_equal(p.config.enterprise, 0);
	assert_int_equal(p.config.tclass, 63 << 2);
	assert_int_equal(p.config.remark, 1);
	assert_int_equal(p.config.remark_tclass, 62 << 2);
	assert_int_equal(p.config.hop_limit_min, 252);
	assert_int_equal(p.config.validity_ms, 10000);
	assert_int_equal(p.hold_down_ms, 0);
	assert_int_equal(p.balance_interval_ms, 250);
	assert_int_equal(p.weight_step, 50);
	assert_int_equal(p.metrics_validity_ms, 86400000);
	assert_int_equal(p.damping.half_life_ms, 7);
	assert_int_equal(p.damping.suppress, 9);
	assert_int_equal(p.damping.reuse, 2);
	assert_int_equal(p.damping.max_suppress_ms, 100);
	assert_int_equal(p.config.learn_every, 3);
	assert_int_equal(p.learned_age_ms, 5);
	assert_int_equal(p.config.n_repeats, 2);
	assert_int_equal(p.config.repeat_ns[0], 0);
	assert_int_equal(p.config.repeat_ns[1], 250000);
	assert_int_equal(p.config.refresh_ns, 9999 * NSEC_PER_MSEC);
	assert_int_equal(p.config.rate[BUCKET_FAILURE].interval_ns, 142857142);
	assert_int_equal(p.config.rate[BUCKET_FAILURE].burst_ns, 142857142);
	assert_int_equal(p.config.rate[BUCKET_TOO_BIG].interval_ns, 0);
	assert_int_equal(p.config.receive[KIND_FAILURE].interval_ns, 1000);
	assert_int_equal(p.config.receive[KIND_FAILURE].burst_ns, 10 * NSEC_PER_MSEC);
	assert_int_equal(p.config.receive[KIND_RECOVERY].interval_ns, 250 * NSEC_PER_MSEC);
	assert_int_equal(p.config.receive[KIND_RECOVERY].burst_ns, 2500 * NSEC_PER_SEC);
	assert_int_equal(p.config.receive[KIND_ELIMINATION].burst_ns, 100000);
	assert_int_equal(p.config.receive[KIND_LOAD].interval_ns, 0);
	assert_int_equal(p.config.cnp, 1);
	assert_int_equal(p.config.rate[BUCKET_CNP].interval_ns, 250 * NSEC_PER_MSEC);
}

static void what_is_left_out_has_its_default(void **state)
{
	static const __u8 types[KIND_COUNT] = {
#define X(NAME, type, word) type,
		WIRE_KINDS(X)
#undef X
	};
	static const __u32 per_second[KIND_COUNT] = { 10000, 10000, 2000, 10000, 1000 };
	struct policy p OWN_POLICY = { 0 };

	load(&p, "policies", "r1");
	assert_int_equal(p.config.transport, TRANSPORT_ICMPV6);
	assert_memory_equal(p.config.type, types, sizeof(types));
	assert_int_equal(p.config.code_lsb, 0);
	assert_int_equal(p.config.udp_port, WIRE_UDP_PORT);
	assert_in_range(p.config.udp_sport, WIRE_UDP_SPORT_MIN, 65535);
	assert_int_equal(p.config.enterprise, WIRE_ENTERPRISE);
	assert_int_equal(p.config.tclass, WIRE_DSCP << 2);
	assert_int_equal(p.config.remark, 1);
	assert_int_equal(p.config.remark_tclass, 0);
	assert_int_equal(p.config.hop_limit_min, 0);
	assert_int_equal(p.config.validity_ms, 5000);
	assert_int_equal(p.config.refresh_ns, 1666 * NSEC_PER_MSEC);
	assert_int_equal(p.hold_down_ms, 1000);
	assert_int_equal(p.balance_interval_ms, 1000);
	assert_int_equal(p.weight_step, 12);
	assert_int_equal(p.metrics_validity_ms, 60000);
	assert_int_equal(p.damping.half_life_ms, 5000);
	assert_int_equal(p.damping.suppress, 2000);
	assert_int_equal(p.damping.reuse, 1000);
	assert_int_equal(p.damping.max_suppress_ms, 20000);
	assert_int_equal(p.config.learn_every, 0);
	assert_int_equal(p.config.n_repeats, 3);
	assert_int_equal(p.config.repeat_ns[0], 0);
	assert_int_equal(p.config.repeat_ns[1], NSEC_PER_MSEC);
	assert_int_equal(p.config.repeat_ns[2], 5 * NSEC_PER_MSEC);
	assert_int_equal(p.config.rate[BUCKET_FAILURE].interval_ns, NSEC_PER_SEC / 3000);
	assert_int_equal(p.config.rate[BUCKET_FAILURE].burst_ns, 300 * (NSEC_PER_SEC / 3000));
	for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
		assert_int_equal(p.config.receive[kind].interval_ns, NSEC_PER_SEC / per_second[kind]);
		assert_int_equal(p.config.receive[kind].burst_ns, NSEC_PER_SEC);
	}
	assert_int_equal(p.config.rate[BUCKET_TELL].interval_ns, 100 * NSEC_PER_MSEC);
	assert_int_equal(p.config.rate[BUCKET_TELL].burst_ns, NSEC_PER_SEC);
	assert_int_equal(p.config.tell_sender, 1);
	assert_int_equal(p.config.pacing.share, PACE_ALL / 2);
	assert_int_equal(p.config.pacing.transit, 1);
	assert_int_equal(p.config.pacing.flows, 0);
	assert_int_equal(p.config.pacing.target_percent, 90);
	assert_int_equal(p.config.pacing.lowest, 125000);
	assert_int_equal(p.config.pacing.window_ns, 10 * NSEC_PER_MSEC);
	assert_int_equal(p.config.pacing.burst_ns, 20 * NSEC_PER_MSEC);
	assert_int_equal(p.config.pacing.horizon_ns, 50 * NSEC_PER_MSEC);
	assert_int_equal(p.config.pacing.step_percent, 10);
	assert_int_equal(p.config.pacing.step_ns, 100 * NSEC_PER_MSEC);
	assert_int_equal(p.config.cnp, 0);
	assert_int_equal(p.config.rate[BUCKET_TOO_BIG].interval_ns, 10 * NSEC_PER_MSEC);
	assert_int_equal(p.config.rate[BUCKET_TOO_BIG].burst_ns, 100 * NSEC_PER_MSEC);
	assert_int_equal(p.config.rate[BUCKET_NO_PATH].interval_ns, 100 * NSEC_PER_MSEC);
	assert_int_equal(p.config.rate[BUCKET_NO_PATH].burst_ns, NSEC_PER_SEC);
	assert_true(addr_is_unspecified(&p.config.loopback4));
	assert_int_equal(p.n_paths + p.n_groups + p.n_classes, 0);
	assert_null(p.path);
}

static void figure_1_is_without_findings(void **state)
{
	static const char *const names[] = {
		"ingress-pe", "r1", "r2", "r3", "r4", "r5", "egress-pe"
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct policy p OWN_POLICY = { 0 };

		print_message("# %s\n", names[i]);
		load(&p, "policies", names[i]);
		assert_string_equal(p.config.node, names[i]);
	}
}

/* ---- and back -------------------------------------------------------------------------------- */

static char *show(const struct policy *p, bool json)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	policy_show(p, json, out);
	fclose(out);
	return text;
}

static void what_is_shown_reads_as_the_same(void **state)
{
	static const char *const files[][2] = {
		{ "selftests/unit/policies", "everything" },
		{ "policies", "ingress-pe" },
		{ "policies", "egress-pe" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct policy p OWN_POLICY = { 0 }, q OWN_POLICY = { 0 };
		OWN_MEM char *said = NULL;
		OWN_MEM char *json = NULL;

		load(&p, files[i][0], files[i][1]);
		json = show(&p, true);
		assert_int_equal(parse(&q, "shown", json, &said), 0);
		assert_memory_equal(&p.config, &q.config, sizeof(p.config));
		assert_int_equal(p.hold_down_ms, q.hold_down_ms);
		assert_int_equal(p.balance_interval_ms, q.balance_interval_ms);
		assert_int_equal(p.weight_step, q.weight_step);
		assert_int_equal(p.metrics_validity_ms, q.metrics_validity_ms);
		assert_memory_equal(&p.damping, &q.damping, sizeof(p.damping));
		assert_int_equal(p.learned_age_ms, q.learned_age_ms);
		assert_memory_equal(p.router_id, q.router_id, sizeof(p.router_id));
#define assert_same(array, n)                                                            \
	do {                                                                             \
		assert_int_equal(p.n, q.n);                                              \
		if (p.n)                                                                 \
			assert_memory_equal(p.array, q.array, p.n * sizeof(p.array[0])); \
	} while (0)
		assert_same(port, n_ports);
		assert_same(source, n_sources);
		assert_same(resource, n_resources);
		assert_same(demand, n_demands);
		assert_int_equal(p.authentication, q.authentication);
		assert_string_equal(p.key_file ?: "", q.key_file ?: "");
		assert_same(path, n_paths);
		assert_same(group, n_groups);
		assert_same(class, n_classes);
		assert_same(controller, n_controllers);
	}
}

static void as_text_every_part_has_its_table(void **state)
{
	static const char *const lines[] = {
		"name       pe_1-a\n",
		"loopback   2001:db8:f::1,192.0.2.1\n",
		"\nSOURCE\n",
		"\n198.51.100.7/32\n",
		"\ntwo     srv6       0  2001:db8:a:3::1,2001:db8:a:2::d6 encaps-red\n",
		"\nlink.6     two,gre4    2001:db8:1::1 - 2001:db8:1::2\n",
		"\nnode.ospf  gre4        AS 4294967295 192.0.2.1\n",
		"\ngre4    gre     copy  192.0.2.9\n",
		"\ngre6    gre       63  2001:db8::9 key 4294967295\n",
		"\nvxlan6  vxlan   copy  2001:db8::9 port 8472 vni 0 mac 02:00:5e:00:53:09\n",
		"\nmpls    mpls    copy  16,24001,1048575 via 2001:db8:1::2\n",
		"\nipip6   ipip    copy  2001:db8::9\n",
		"g.1    pass        mark           flowlet   10000000  follow   65535       1  one\n",
		"lowest-rate    4294967295\n",
		"203.0.113.128/25  g.1\n",
		"192.0.2.77     65535\n",
		"\neth1      200001  100001     4000000000           10          1  1000  4294967295\n",
		"\neth1            4294967295     99   90             10          3\n",
		"refresh                                                  9999\n",
	};
	struct policy p OWN_POLICY = { 0 };
	OWN_MEM char *text = NULL;

	load(&p, "selftests/unit/policies", "everything");
	text = show(&p, false);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		if (!strstr(text, lines[i]))
			fail_msg("no line \"%s\" in:\n%s", lines[i], text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_errors_are_found_and_nothing_is_touched),
		cmocka_unit_test(warnings_do_not_stop_a_policy),
		cmocka_unit_test(a_file_that_cant_be_read_is_an_error),
		cmocka_unit_test(limits_are_those_of_the_maps),
		cmocka_unit_test(limits_have_bounds_and_defaults),
		cmocka_unit_test(errors_beyond_the_thousandth_are_only_counted),
		cmocka_unit_test(a_group_has_as_many_members_as_fit),
		cmocka_unit_test(the_node_is_read),
		cmocka_unit_test(ports_and_links_are_read),
		cmocka_unit_test(authentication_is_read),
		cmocka_unit_test(paths_are_read),
		cmocka_unit_test(tunnels_are_read),
		cmocka_unit_test(what_paths_cross_is_read),
		cmocka_unit_test(groups_follow_their_references),
		cmocka_unit_test(labels_have_senders_and_a_next_hop),
		cmocka_unit_test(congestion_is_in_bytes_and_nanoseconds),
		cmocka_unit_test(prefixes_count_ipv4_from_96),
		cmocka_unit_test(endpoints_are_read),
		cmocka_unit_test(controllers_are_read),
		cmocka_unit_test(notification_settings_are_read),
		cmocka_unit_test(what_is_left_out_has_its_default),
		cmocka_unit_test(figure_1_is_without_findings),
		cmocka_unit_test(what_is_shown_reads_as_the_same),
		cmocka_unit_test(as_text_every_part_has_its_table),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
