// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * status, paths, counters and events over maps that this test pins and fills itself, in a mount
 * namespace of its own: /sys/fs/bpf is private, and ends with the process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "clock.h"
#include "commands.h"
#include "encap.h"
#include "events.h"
#include "feed.h"
#include "fantel/metric.h"
#include "fantel/resource.h"
#include "harness.h"
#include "json.h"
#include "lock.h"
#include "own.h"
#include "pin.h"
#include "weights.h"
#include "words.h"

static struct fantel_bpf *node;
static struct pins pins;

/* ---- a command and what it printed ----------------------------------------------------------- */

typedef int command(int argc, char **argv);

static char printed[1 << 20];

/* Run a command as main would, its standard output in `printed`. Arguments end with NULL. */
static int run(command *cmd, ...)
{
	int out OWN_FD = memfd_create("stdout", MFD_CLOEXEC), kept OWN_FD = dup(1);
	char *argv[16] = {};
	int argc = 0, r;
	va_list ap;
	ssize_t n;

	va_start(ap, cmd);
	while ((argv[argc] = va_arg(ap, char *)))
		argc++;
	va_end(ap);
	fflush(stdout);
	dup2(out, 1);
	r = cmd(argc, argv);
	fflush(stdout);
	dup2(kept, 1);
	n = pread(out, printed, sizeof(printed) - 1, 0);
	printed[n < 0 ? 0 : n] = 0;
	return r;
}

/* Copy a line with its blanks squeezed; returns where the next one starts, NULL after the last. */
static const char *squeeze(char *line, size_t room, const char *from)
{
	size_t n = 0;

	for (; *from && *from != '\n'; from++)
		if ((*from != ' ' || from[1] != ' ') && n < room - 1)
			line[n++] = *from;
	line[n] = 0;
	return *from ? from + 1 : NULL;
}

/* The line that starts with these words; "" if there is none. */
static const char *line_of(const char *words)
{
	static char line[1024];
	const char *at = printed;
	size_t len = strlen(words);

	while (at) {
		at = squeeze(line, sizeof(line), at);
		if (!strncmp(line, words, len) && line[len] == ' ')
			return line;
	}
	return "";
}

/* Is it this row? A `*` there is any word: times are nobody's to foretell. */
static void assert_row(const char *word, const char *want)
{
	const char *line = line_of(word), *at = line;

	for (; *want && *at; want++) {
		if (*want == '*')
			at += strcspn(at, " ");
		else if (*at++ != *want)
			break;
	}
	if (*want || *at)
		fail_msg("'%s' is not '%s' from there on, in: %s", at, want, line);
}

/* `printed` as JSON; fails the test if it isn't. */
static json_t *parsed(void)
{
	json_error_t error;
	json_t *json = json_loads(printed, 0, &error);

	if (!json)
		fail_msg("line %d: %s in: %s", error.line, error.text, printed);
	return json;
}

/* The object of an array that has this string for a member. */
static const json_t *find(const json_t *array, const char *member, const char *value)
{
	const json_t *item;
	size_t i;

	json_array_foreach(array, i, item)
	{
		const char *has = json_string_value(json_object_get(item, member));

		if (has && !strcmp(has, value))
			return item;
	}
	fail_msg("nothing has %s = %s", member, value);
	return NULL;
}

#define assert_member(object, member, json)                                                        \
	do {                                                                                       \
		json_t *want_ OWN_JSON = (json);                                                   \
		char *got_ OWN_MEM = json_dumps(json_object_get(object, member), JSON_ENCODE_ANY); \
		char *text_ OWN_MEM = json_dumps(want_, JSON_ENCODE_ANY);                          \
		assert_non_null(got_);                                                             \
		assert_string_equal(got_, text_);                                                  \
	} while (0)

/* ---- a node, pinned -------------------------------------------------------------------------- */

static void must(int r, const char *what)
{
	if (r) {
		perror(what);
		exit(1);
	}
}

static void private_mounts(void)
{
	must(unshare(CLONE_NEWNS), "unshare");
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "mount");
	must(mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL), "/sys/fs/bpf");
}

static void pin_node(void)
{
	char path[PATH_MAX], dir[PATH_MAX];

	unsetenv("FANTEL_PIN_ROOT");
	must(pins_init(&pins, NULL, "pe.1"), "pins_init");
	must(pins_make(&pins), "pins_make");
	pins_map_path(&pins, "", path);
	snprintf(dir, sizeof(dir), "%.*s", (int)strlen(path) - 1, path);
	must(bpf_object__pin_maps(node->obj, dir), "pin maps");
}

static void add_traffic(struct bpf_map *map, __u32 key, __u64 packets, __u64 bytes)
{
	int cpus = libbpf_num_possible_cpus();
	struct traffic *each OWN_MEM = calloc(cpus, sizeof(*each));

	/* All on the last CPU, one more packet of 1 byte on the first: a sum that one CPU lacks. */
	each[cpus - 1] = (struct traffic){ packets, bytes };
	each[0].packets++;
	each[0].bytes++;
	node_put(map, &key, each);
}

static const char *const WEST[] = { "2001:db8:a::1", "2001:db8:a::2", "2001:db8:a::e", NULL };
static const char *const SOUTH[] = { "2001:db8:a::5", "2001:db8:a::e", NULL };
static const char *const DIRECT[] = { "2001:db8:a::e", NULL };

static void fill_paths(void)
{
	struct policy_path path[] = { path_of("west", false, WEST), path_of("south", true, SOUTH),
				      path_of("direct", false, DIRECT),	golden_path("gre-key-4"),
				      golden_path("vxlan-6"),		golden_path("mpls-3"),
				      golden_path("ipip-4") };
	struct path damaged;
	__u32 last = ARRAY_SIZE(path);
	struct nexthop nh = nexthop_fresh();

	path[1].dscp_fixed = true;
	path[1].dscp = 46;
	nh.mtu = 4200;
	nh.fresh_until = STALE;
	for (__u32 i = 0; i < ARRAY_SIZE(path); i++) {
		node_path(node, i, &path[i]);
		node_nexthop(node, i, &nh);
		nh.down = i == 1; /* so the third one's link is down */
	}
	node_get(node->maps.fantel_paths, &(__u32){ 0 }, &damaged);
	strcpy(damaged.name, "damaged");
	damaged.encap[INNER_V4].hdr[0] = 1;
	node_put(node->maps.fantel_paths, &last, &damaged);
	add_traffic(node->maps.fantel_traffic, 0, 41, 40999);
}

static void fill_group(void)
{
	struct group group = {
		.name = "to-dc2", .ordering = ORDERING_FLOWLET, .gap_us = 500, .n_members = 3
	};
	__u32 key = 5;

	for (__u32 i = 0; i < 3; i++) {
		struct member *m = &group.member[i];

		snprintf(m->name, sizeof(m->name), "%s",
			 i == 0	  ? "west"
			 : i == 1 ? "south"
				  : "direct");
		m->path = i;
		m->weight = 10 * (i + 1);
		m->tier = i != 0;
	}
	weights_reset(&group);
	group.member[1].effective = 20 * 256 + 128;
	node_put(node->maps.fantel_groups, &key, &group);
}

/* Of path "south", and of what it crosses. */
static void fill_metrics(void)
{
	struct addr r1 = addr_of("2001:db8:f::11");
	struct failed_key key = { .originator = addr_number(&r1), .index = 1, .event_id = 9 };
	struct metrics m = { .name = "south", .sequence = 5 };

	m.time_ns = clock_now_ns() - 3 * NSEC_PER_SEC;
	m.until_ns = m.time_ns + 600 * NSEC_PER_SEC;
	m.measured = (struct measured){ .told = MSG_BIT(TLVI_CAPACITY) | MSG_BIT(TLVI_UTILIZED) |
						MSG_BIT(TLVI_LOSS),
					.capacity = 12500000000,
					.utilized = 7500000000,
					.loss = 1000 };
	node_put(node->maps.fantel_metrics, &key, &m);
}

static void fill_failed(void)
{
	struct addr r1 = addr_of("2001:db8:f::11");
	struct failed_key key = { .event_id = 77 };
	struct failed failed = { .name = "west", .kind = KIND_FAILURE, .cause = CAUSE_CARRIER };
	__u64 now = clock_now_ns();
	struct health health = { .failures = 1, .changed_ns = now - NSEC_PER_SEC };
	struct origin origin = { .highest = 1234567890123456789ULL };
	struct pace pace = { .state = PACE_RISING, .waits = 1, .rate = 125000, .offered = 250000 };
	__u32 west = 0, direct = PACE_OF(2);

	node_put(node->maps.fantel_pace, &direct, &pace);
	for (int i = 0; i < 16; i++)
		key.originator = key.originator << 8 | r1.b[i];
	failed.since_ns = now - NSEC_PER_SEC;
	failed.until_ns = now + 600 * NSEC_PER_SEC;
	failed.sequence = 99;
	node_put(node->maps.fantel_failed, &key, &failed);
	node_put(node->maps.fantel_health, &west, &health);
	node_put(node->maps.fantel_origins, &r1, &origin);
	r1.b[15]++;
	origin.highest--;
	node_put(node->maps.fantel_proven, &r1, &origin);
}

/* A link that failed while it was congested, under paths gre-key-4 and mpls-3, and a node that is back. */
static void fill_resources(void)
{
	static const __u32 both[] = { 1, 0 };
	struct addr a = addr_of("2001:db8:1::1"), b = addr_of("2001:db8:1::2"),
		    c = addr_of("192.0.2.1"), d = addr_of("192.0.2.2");
	struct resource_key link[2], router;
	struct failed_key key = { .is_resource = true, .event_id = 78 };
	struct failed failed = { .name = "ring", .kind = KIND_FAILURE, .cause = CAUSE_BFD };
	__u64 now = clock_now_ns();
	struct resource r;
	__u32 index;

	resource_key_link(&link[0], &a, &b);
	resource_key_link(&link[1], &c, &d);
	resource_key_node(&router, 64500, (__u8[8]){ 192, 0, 2, 9 }, 4);
	node_resource(node, 0, "ring", 2, link);
	node_resource(node, 1, "pe-e", 1, &router);
	node_crosses(node, 1, 1, both);
	node_crosses(node, 3, 2, both);
	node_crosses(node, 5, 2, both);
	for (index = 0; index < 2; index++) {
		node_get(node->maps.fantel_resource, &index, &r);
		r.failures = r.congestions = !index;
		r.changed_ns = now - (index ? 5 : 2) * NSEC_PER_SEC;
		node_put(node->maps.fantel_resource, &index, &r);
	}
	failed.since_ns = now - 2 * NSEC_PER_SEC;
	node_put(node->maps.fantel_failed, &key, &failed);
}

static void fill_links(void)
{
	struct link down = { .name = "core1", .down = 1, .cause = CAUSE_ADMIN_DOWN, .event_id = 5 };
	struct link up = { .name = "core2" };
	struct policy_path west = path_of("west", false, WEST);
	struct told_key key = { .ingress = addr_of("2001:db8:f::10"), .ifindex = 7 };
	struct told told = { .event_id = 5, .sequence = 3, .sent = 2 };
	struct learned learned = { .seen_ns = 1 };
	struct watch watch = { .gauge = 1, .event_id = { [TROUBLE_QUEUE] = 6, [TROUBLE_LOAD] = 7 },
			       .bytes = { 60000, 30000 }, .limit_bytes = 90000, .capacity = 1000,
			       .constant_ns = 3600 * NSEC_PER_SEC };
	struct gauge gauge = { .bytes = 70000,
			       .packets = 50,
			       .load = 895,
			       .window_ns = ~0ULL, /* it never ends */
			       .trouble[TROUBLE_QUEUE].event_id = 6 };
	__u32 id;

	down.damping = (struct damping){ .at_ns = clock_now_ns(),
					 .reuse_ns = ~0ULL >> 1,
					 .figure = 2500,
					 .half_life_ms = 1000,
					 .flaps = 3,
					 .suppressions = 1 };
	down.since_ns = told.first_ns = told.last_ns = clock_now_ns() - NSEC_PER_SEC;
	id = 7;
	node_put(node->maps.fantel_links, &id, &down);
	id = 8;
	node_put(node->maps.fantel_links, &id, &up);
	assert_true(encap_keys(&told.tunnel, 1, &west) == 1);
	node_put(node->maps.fantel_told, &key, &told);
	key.ifindex = id;
	key.trouble = TROUBLE_QUEUE;
	told.event_id = 6;
	node_put(node->maps.fantel_told, &key, &told);
	gauge.trouble[TROUBLE_QUEUE].since_ns = told.first_ns;
	node_put(node->maps.fantel_watches, &id, &watch);
	node_put(node->maps.fantel_gauges, &watch.gauge, &gauge);
	for (__u64 i = 0; i < 2; i++) {
		key = (struct told_key){ .ingress = addr_of("2001:db8:f::20"), .tunnel_hash = i, .ifindex = id };
		node_put(node->maps.fantel_learned, &key, &learned);
	}
	key = (struct told_key){ .ingress = addr_of("2001:db8:c::7"), .group = 5, .port = 50209,
				  .trouble = TROUBLE_GROUP };
	told.event_id = 6;
	node_put(node->maps.fantel_told, &key, &told);
}

/* ---- counters -------------------------------------------------------------------------------- */

static void counters_hide_zeros(void **state)
{
	assert_int_equal(run(cmd_counters, "counters", NULL), EXIT_DONE);
	assert_row("REASON", "REASON FATE PACKETS BYTES WHAT");
	assert_row("no-class", "no-class pass 8 700 in no traffic class; the kernel routes it");
	assert_row("checksum", "checksum drop 2 2 wrong ICMPv6 or UDP checksum");
	assert_string_equal(line_of("duplicate"), "");
}

static void counters_show_all(void **state)
{
	assert_int_equal(run(cmd_counters, "counters", "--all", NULL), EXIT_DONE);
	for (__u32 r = 1; r < REASON_COUNT; r++)
		assert_string_not_equal(line_of(reason_word(r)), "");
}

static void counters_json(void **state)
{
	json_t *json OWN_JSON = NULL;
	const json_t *row;

	assert_int_equal(run(cmd_counters, "counters", "-j", NULL), EXIT_DONE);
	json = parsed();
	assert_member(json, "node", json_string("pe.1"));
	assert_int_equal(json_array_size(json_object_get(json, "counters")), 2);
	row = find(json_object_get(json, "counters"), "reason", "no-class");
	assert_member(row, "fate", json_string("pass"));
	assert_member(row, "packets", json_integer(8));
	assert_member(row, "bytes", json_integer(700));
}

/* ---- paths ----------------------------------------------------------------------------------- */

static void paths_text(void **state)
{
	assert_int_equal(run(cmd_paths, "paths", NULL), EXIT_DONE);
	assert_row("PATH",
		   "PATH USABLE CONGESTED KBIT/S CHANGED BLOCKED BY VIA MAC MTU FRESH LOAD TOLD PACKETS BYTES TUNNEL TO");
	assert_row("west", "west no no - * - core0 02:00:00:00:02:02 4200 no - - 42 41000 srv6 "
			   "2001:db8:a::1,2001:db8:a::2,2001:db8:a::e");
	assert_row("south", "south yes no - * - core0 02:00:00:00:02:02 4200 no 600 * 0 0 srv6 "
			    "2001:db8:a::5,2001:db8:a::e encaps-red");
	assert_row("direct", "direct no no 1000 - - core0 02:00:00:00:02:02 4200 no - - 0 0 srv6 "
			     "2001:db8:a::e");
}

static void paths_of_every_tunnel(void **state)
{
	json_t *json OWN_JSON = NULL;
	const json_t *paths, *path;

	assert_int_equal(run(cmd_paths, "paths", NULL), EXIT_DONE);
	assert_row("gre-key-4", "gre-key-4 no yes - * ring * * * no - - 0 0 gre 198.51.100.5 key 2712847316");
	assert_row("vxlan-6", "vxlan-6 * no - - - * * * no - - 0 0 vxlan 2001:db8:f::5 port 4789 "
			      "vni 11259375 mac 02:00:5e:00:53:05");
	assert_row("mpls-3", "mpls-3 no yes - * ring * * * no - - 0 0 mpls 24001,16,1048575 "
			     "via 2001:db8:e0::2");
	assert_row("ipip-4", "ipip-4 * no - - - * * * no - - 0 0 ipip 198.51.100.5");
	assert_row("damaged", "damaged * no - - - * * * no - - 0 0 unknown -");
	assert_int_equal(run(cmd_paths, "paths", "-j", NULL), EXIT_DONE);
	json = parsed();
	paths = json_object_get(json, "paths");
	path = find(paths, "name", "vxlan-6");
	assert_member(path, "tunnel", json_string("vxlan"));
	assert_member(path, "source", json_string("2001:db8:f::1"));
	assert_member(path, "vxlan",
		      json_pack("{s:s, s:i, s:s, s:s, s:i}", "destination", "2001:db8:f::5", "vni",
				0xabcdef, "inner-destination-mac", "02:00:5e:00:53:05",
				"inner-source-mac", "02:00:5e:00:53:01", "port", 4789));
	path = find(paths, "name", "mpls-3");
	assert_member(path, "source", json_null());
	assert_member(path, "mpls",
		      json_pack("{s:[i,i,i], s:s}", "label", 24001, 16, 1048575, "next-hop",
				"2001:db8:e0::2"));
	assert_member(find(paths, "name", "damaged"), "source", json_null());
}

static void paths_json(void **state)
{
	json_t *json OWN_JSON = NULL;
	const json_t *paths, *south, *west, *ring;

	assert_int_equal(run(cmd_paths, "paths", "--json", "--node", "pe.1", NULL), EXIT_DONE);
	json = parsed();
	paths = json_object_get(json, "paths");
	assert_int_equal(json_array_size(paths), 8);
	west = find(paths, "name", "west");
	assert_member(west, "usable", json_false());
	assert_member(west, "failures", json_integer(1));
	assert_member(west, "dscp", json_null());
	assert_member(west, "source", json_string("2001:db8:f::1"));
	assert_true(json_real_value(json_object_get(west, "changed-age")) >= 1);
	assert_true(json_is_string(json_object_get(west, "changed")));
	south = find(paths, "name", "south");
	assert_member(south, "tunnel", json_string("srv6"));
	assert_member(south, "srv6", json_pack("{s:[s,s], s:s}", "segment", "2001:db8:a::5",
					       "2001:db8:a::e", "mode", "encaps-red"));
	assert_member(south, "gre", json_null());
	assert_member(south, "dscp", json_integer(46));
	assert_member(json_object_get(south, "next-hop"), "mac", json_string("02:00:00:00:02:02"));
	assert_member(json_object_get(south, "next-hop"), "down", json_false());
	assert_member(json_object_get(south, "next-hop"), "fq", json_false());
	assert_member(south, "crosses", json_pack("[s]", "pe-e"));
	assert_member(south, "blocked-by", json_array());
	assert_true(json_real_value(json_object_get(south, "changed-age")) >= 5);
	assert_member(find(paths, "name", "direct"), "changed", json_null());
	assert_member(find(paths, "name", "direct"), "pace",
		      json_pack("{s:s, s:i, s:i, s:b}", "state", "rising", "rate", 1000, "offered",
				2000, "waits", 1));
	assert_member(west, "pace",
		      json_pack("{s:s, s:n, s:n, s:b}", "state", "off", "rate", "offered", "waits", 0));
	assert_member(west, "congestions", json_integer(0));
	assert_member(west, "congestion-changed", json_null());
	ring = find(paths, "name", "gre-key-4");
	assert_member(ring, "usable", json_false());
	assert_member(ring, "failures", json_integer(0));
	assert_member(ring, "crosses", json_pack("[s,s]", "pe-e", "ring"));
	assert_member(ring, "blocked-by", json_pack("[s]", "ring"));
	assert_in_range(json_real_value(json_object_get(ring, "changed-age")), 2, 4);
}

static __u64 jiffies(void)
{
	__u64 now = 0; /* a syscall program's context is written back */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &now, .ctx_size_in = sizeof(now));

	if (bpf_prog_test_run_opts(bpf_program__fd(node->progs.fantel_clock), &opts))
		return 0;
	return now;
}

static void next_hops_age(void **state)
{
	struct nexthop nh = nexthop_fresh();
	json_t *json OWN_JSON = NULL;
	const json_t *paths;

	nh.fresh_until = jiffies() + 100000;
	node_nexthop(node, 0, &nh);
	nh.fresh_until = jiffies() - 1;
	node_nexthop(node, 1, &nh);
	run(cmd_paths, "paths", "-j", NULL);
	json = parsed();
	paths = json_object_get(json, "paths");
	assert_member(find(paths, "name", "south"), "usable", json_true());
	assert_member(json_object_get(find(paths, "name", "west"), "next-hop"), "fresh",
		      json_true());
	assert_member(json_object_get(find(paths, "name", "south"), "next-hop"), "fresh",
		      json_false());
}

static void a_next_hop_is_awaited(void **state)
{
	struct nexthop nh = nexthop_fresh();
	json_t *json OWN_JSON = NULL;

	nh.fresh_until = 0;
	node_nexthop(node, 1, &nh);
	run(cmd_paths, "paths", "-j", NULL);
	nh.fresh_until = STALE;
	node_nexthop(node, 1, &nh);
	json = parsed();
	assert_member(find(json_object_get(json, "paths"), "name", "south"), "usable",
		      json_false());
}

/* ---- status ---------------------------------------------------------------------------------- */

static void status_text(void **state)
{
	assert_int_equal(run(cmd_status, "status", NULL), EXIT_DONE);
	assert_row("node", "node pe.1, loader not running: next hops and links are as they were "
			   "when it ended");
	assert_row("core1", "core1 no * admin-down 5 3 * yes in *");
	assert_row("core2 yes", "core2 yes - none 0 0 0 no -");
	assert_row("core2 70000", "core2 70000 50 90000 yes 1* 6");
	assert_row("UTILIZATION OF", "UTILIZATION OF BYTES/S CAPACITY PERCENT CONGESTED FOR EVENT");
	assert_row("core2 895", "core2 895 1000 89 no - -");
	assert_row("to-dc2 flowlet west", "to-dc2 flowlet west 10 10 0 no no no");
	assert_row("to-dc2 flowlet south", "to-dc2 flowlet south 20 20.5 1 yes no yes");
	assert_row("to-dc2 flowlet direct", "to-dc2 flowlet direct 30 30 1 no no no");
	assert_row("south 2001:db8:f::11",
		   "south 2001:db8:f::11 9 3* in 9m* 600 12500000000 7500000000 - - -");
	assert_row("west 2001:db8:f::11", "west 2001:db8:f::11 failure carrier 77 * in *");
	assert_row("RESOURCE", "RESOURCE USABLE CONGESTED FOR PATHS NAMED");
	assert_row("ring", "ring no yes * 2 2001:db8:1::1 - 2001:db8:1::2,192.0.2.1 - 192.0.2.2");
	assert_row("pe-e", "pe-e yes no * 3 AS 64500 192.0.2.9");
	assert_row("ring -", "ring - failure bfd 78 * -");
	assert_row("2001:db8:f::11", "2001:db8:f::11 1234567890123456789 no");
	assert_row("2001:db8:f::12", "2001:db8:f::12 1234567890123456788 yes");
	assert_row("2001:db8:f::10 core1",
		   "2001:db8:f::10 core1 - 5 2 * 2001:db8:a::1,2001:db8:a::2,2001:db8:a::e");
	assert_row("2001:db8:f::10 core2",
		   "2001:db8:f::10 core2 queue 6 2 * 2001:db8:a::1,2001:db8:a::2,2001:db8:a::e");
	assert_row("core2 2001:db8:f::20", "core2 2001:db8:f::20 2 0");
	assert_row("2001:db8:c::7", "2001:db8:c::7 50209 to-dc2 congestion 6 2 *");
}

static void status_json(void **state)
{
	json_t *json OWN_JSON = NULL;
	const json_t *failed, *group, *metrics, *ring, *told;

	assert_int_equal(run(cmd_status, "status", "-j", NULL), EXIT_DONE);
	json = parsed();
	assert_member(json, "abi", json_integer(FANTEL_ABI));
	assert_member(json_object_get(json, "loader"), "running", json_false());
	assert_member(json_object_get(json, "loader"), "pid", json_null());
	group = find(json_object_get(json, "groups"), "name", "to-dc2");
	assert_member(group, "ordering", json_string("flowlet"));
	assert_member(group, "flowlet-gap-us", json_integer(500));
	metrics = find(json_object_get(json, "metrics"), "path", "south");
	assert_member(metrics, "originator", json_string("2001:db8:f::11"));
	assert_member(metrics, "load", json_integer(600));
	assert_member(metrics, "utilized", json_integer(7500000000));
	assert_member(metrics, "available", json_null());
	assert_member(metrics, "resource", json_null());
	assert_member(metrics, "anomalous", json_false());
	failed = find(json_object_get(json, "failed"), "path", "west");
	assert_member(failed, "originator", json_string("2001:db8:f::11"));
	assert_member(failed, "kind", json_string("failure"));
	assert_member(failed, "cause", json_string("carrier"));
	assert_member(failed, "event-id", json_integer(77));
	assert_true(json_real_value(json_object_get(failed, "until-age")) < -590);
	told = find(json_object_get(json, "told"), "link", "core1");
	assert_member(told, "ingress", json_string("2001:db8:f::10"));
	assert_member(told, "trouble", json_null());
	assert_member(failed, "resource", json_null());
	failed = find(json_object_get(json, "failed"), "resource", "ring");
	assert_member(failed, "path", json_null());
	assert_member(failed, "cause", json_string("bfd"));
	ring = find(json_object_get(json, "resources"), "name", "ring");
	assert_member(ring, "usable", json_false());
	assert_member(ring, "failures", json_integer(1));
	assert_member(ring, "paths", json_integer(2));
	assert_member(ring, "named", json_pack("[s,s]", "2001:db8:1::1 - 2001:db8:1::2",
					       "192.0.2.1 - 192.0.2.2"));
	assert_int_equal(json_array_size(json_object_get(told, "tunnel")), 3);
	assert_int_equal(json_array_size(json_object_get(json, "told")), 2);
	told = find(json_object_get(json, "controllers"), "address", "2001:db8:c::7");
	assert_member(told, "group", json_string("to-dc2"));
	assert_member(told, "port", json_integer(50209));
	assert_member(told, "kind", json_string("congestion"));
}

static void status_names_the_loader(void **state)
{
	char dir[PATH_MAX];
	int lock OWN_FD = -1;
	json_t *json OWN_JSON = NULL;

	pins_node_path(&pins, dir);
	lock = lock_take(dir);
	assert_true(lock >= 0);
	run(cmd_status, "status", "-j", NULL);
	json = parsed();
	assert_member(json_object_get(json, "loader"), "pid", json_integer(getpid()));
}

static void unknown_node(void **state)
{
	assert_int_equal(run(cmd_status, "status", "--node", "pe2", NULL), EXIT_FAILED);
	assert_string_equal(printed, "");
	assert_int_equal(run(cmd_paths, "paths", "--pin-root", "/sys/fs/bpf/elsewhere", NULL),
			 EXIT_FAILED);
}

/* ---- events ---------------------------------------------------------------------------------- */

/* Let the packet path make an event: a group without a usable path. */
static void make_event(void)
{
	struct outcome got;

	node_clear(node->maps.fantel_buckets, sizeof(struct bucket_key));
	node_run(node, node->progs.fantel_customer, 0, golden("roce6"), &got);
	assert_int_equal(got.count[REASON_NO_PATH].packets, 1);
}

static void events_from_the_ring(void **state)
{
	json_t *json OWN_JSON = NULL;

	make_event();
	assert_int_equal(run(cmd_events, "events", "-j", "--count", "1", NULL), EXIT_DONE);
	json = parsed();
	assert_member(json, "event", json_string("no-path"));
	assert_member(json, "reason", json_string("no-path"));
	assert_true(json_is_string(json_object_get(json, "time")));
	assert_true(json_is_integer(json_object_get(json, "monotonic-ns")));
}

/* A process that does with events what run does, until killed; ready when this returns. */
static pid_t serve(void)
{
	int ready[2];
	struct events *events;
	char c;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid) {
		close(ready[1]);
		assert_int_equal(read(ready[0], &c, 1), 1);
		close(ready[0]);
		return pid;
	}
	if (events_open(&events, pins_map(&pins, "fantel_events"), NULL, FORMAT_TEXT, NULL) ||
	    events_serve(events, &pins))
		_exit(1);
	if (write(ready[1], "r", 1) != 1)
		_exit(1);
	for (;;) {
		struct pollfd fd = { .fd = events_fd(events), .events = POLLIN };

		poll(&fd, 1, -1);
		if (events_poll(events))
			_exit(1);
	}
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Wait until the server has taken `fd` in: only then are events sent to it. */
static int connect_to_feed(void)
{
	int fd = feed_connect(&pins);

	assert_true(fd >= 0);
	usleep(100000);
	return fd;
}

static void every_reader_of_the_feed_gets_every_event(void **state)
{
	pid_t server = serve();
	int a OWN_FD = connect_to_feed(), b OWN_FD = connect_to_feed();
	struct event one, other;
	__u64 lost;

	for (int i = 0; i < 3; i++) {
		make_event();
		assert_int_equal(feed_receive(a, &one, &lost), 1);
		assert_int_equal(lost, 0);
		assert_int_equal(feed_receive(b, &other, &lost), 1);
		assert_int_equal(lost, 0);
		assert_int_equal(one.type, EVENT_NO_PATH);
		assert_memory_equal(&one, &other, sizeof(one));
	}
	end(server);
	assert_int_equal(feed_receive(a, &one, &lost), 0);
}

/* The name of the feed is no secret: who may read is decided by who asks. */
static void another_user_gets_nothing(void **state)
{
	static const char *const dirs[] = { "/sys/fs/bpf", "/sys/fs/bpf/fantel",
					    "/sys/fs/bpf/fantel/pe:1",
					    "/sys/fs/bpf/fantel/pe:1/v1" };
	pid_t server = serve(), reader;
	int status;

	for (size_t i = 0; i < ARRAY_SIZE(dirs); i++)
		assert_int_equal(chmod(dirs[i], 0755), 0);
	reader = fork();
	if (!reader) {
		struct event event;
		__u64 lost;
		int fd;

		alarm(10); /* were it let in, it would wait for events */
		if (setuid(65534))
			_exit(2);
		fd = feed_connect(&pins);
		_exit(fd < 0 ? 3 : feed_receive(fd, &event, &lost) != 0);
	}
	waitpid(reader, &status, 0);
	end(server);
	assert_int_equal(status, 0);
}

static void slow_reader_is_told_what_it_missed(void **state)
{
	pid_t server = serve();
	int fd OWN_FD = connect_to_feed();
	__u64 lost = 0, received = 0, sent = 0;
	struct event event;

	/* The server's buffer is a megabyte: more than that, and none of it read. */
	for (; sent < 6000; sent++) {
		make_event();
		if (sent % 1000 == 999)
			usleep(200000);
	}
	usleep(200000);
	while (lost == 0 && received < sent) {
		assert_int_equal(feed_receive(fd, &event, &lost), 1);
		received++;
		if (received == sent / 10) /* there is room again: the next one tells */
			make_event();
	}
	assert_true(lost > 0);
	assert_true(lost < sent);
	end(server);
}

/* `fantel events` reads the ring; a loader starts; both go on, and no event is lost. */
static void ring_reader_gives_way(void **state)
{
	int out OWN_FD = memfd_create("events", 0);
	pid_t reader = fork(), server;
	char *argv[] = { "events", "-n", "2", NULL };
	int status;

	if (!reader) {
		dup2(out, 1);
		exit(cmd_events(3, argv));
	}
	make_event();
	usleep(300000);
	server = serve();
	usleep(500000);
	make_event();
	waitpid(reader, &status, 0);
	end(server);
	assert_int_equal(status, 0);
	printed[pread(out, printed, sizeof(printed) - 1, 0)] = 0;
	assert_non_null(strstr(printed, "no-path"));
	assert_non_null(strstr(strchr(printed, '\n') + 1, "no-path"));
}

#define VIEW(sentence, function)                     \
	{                                            \
		sentence, function, NULL, NULL, NULL \
	}

static const struct CMUnitTest tests[] = {
	VIEW("counters hide reasons that never occurred, and add CPUs up", counters_hide_zeros),
	VIEW("counters --all has a row for every reason", counters_show_all),
	VIEW("counters in JSON", counters_json),
	VIEW("paths show usability, next hop, traffic and segments", paths_text),
	VIEW("paths show every kind of tunnel as policy has it", paths_of_every_tunnel),
	VIEW("paths in JSON: reduced SRH, fixed DSCP, times", paths_json),
	VIEW("a next hop is fresh until its jiffy", next_hops_age),
	VIEW("a path waits for its neighbour", a_next_hop_is_awaited),
	VIEW("status shows links, groups, failed tunnels, who spoke and who was told", status_text),
	VIEW("status in JSON", status_json),
	VIEW("status names the process of a running loader", status_names_the_loader),
	VIEW("an unknown node or pin root fails and prints nothing", unknown_node),
	VIEW("events come from the ring where no loader runs", events_from_the_ring),
	VIEW("every reader of the feed gets every event",
	     every_reader_of_the_feed_gets_every_event),
	VIEW("another user gets no events", another_user_gets_nothing),
	VIEW("a slow reader is told how many it missed", slow_reader_is_told_what_it_missed),
	VIEW("a reader of the ring gives way to a loader", ring_reader_gives_way),
};

int main(void)
{
	struct config config = node_config();
	int failed;

	golden("roce6"); /* before the mounts change */
	private_mounts();
	node = node_load(&config);
	pin_node();
	fill_paths();
	fill_group();
	fill_failed();
	fill_metrics();
	fill_resources();
	fill_links();
	node_class(node, "2001:db8:2::/48", 9); /* a group that has no path */
	add_traffic(node->maps.fantel_stats, REASON_NO_CLASS, 7, 699);
	add_traffic(node->maps.fantel_stats, REASON_CHECKSUM, 1, 1);
	failed = cmocka_run_group_tests_name("views", tests, NULL, NULL);
	fantel_bpf__destroy(node);
	return failed;
}
