// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/* A node under test; see harness.h. */
#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdarg.h>
#include <linux/if_packet.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <jansson.h>

#include "clock.h"
#include "egress.h"
#include "encap.h"
#include "endpoint.h"
#include "fantel/path.h"
#include "overdue.h"
#include "own.h"
#include "weights.h"
#include "words.h"

/* The test can't go on, and not for the programs' fault. */
static void __attribute__((noreturn, format(printf, 1, 2))) give_up(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("harness: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

/* ---- golden/packets.py ----------------------------------------------------------------------- */

static json_t *golden_read(const char *file)
{
	json_error_t error;
	json_t *root = json_load_file(file, 0, &error);

	if (!root)
		give_up("%s:%d: %s; make builds it", error.source, error.line, error.text);
	return root;
}

static json_t *golden_load(void)
{
	static json_t *root;

	if (!root)
		root = golden_read(SRCDIR "/build/golden/packets.json");
	return root;
}

/* The packets of decap.py, read only by who asks for one. */
static json_t *golden_decap(void)
{
	static json_t *root;

	if (!root)
		root = golden_read(SRCDIR "/build/golden/decap.json");
	return root;
}

static int hex_digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

static void unhex(__u8 *to, const char *hex, __u32 len)
{
	for (__u32 i = 0; i < len; i++)
		to[i] = hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]);
}

const struct bytes *golden(const char *name)
{
	static struct bytes ring[4]; /* a row names at most three */
	static unsigned int next;
	struct bytes *to = &ring[next++ % ARRAY_SIZE(ring)];
	const char *hex =
		json_string_value(json_object_get(json_object_get(golden_load(), "packets"), name));

	if (!hex)
		hex = json_string_value(json_object_get(golden_decap(), name));
	if (!hex)
		give_up("no script in golden/ makes a packet named '%s'", name);
	to->len = strlen(hex) / 2;
	if (to->len > sizeof(to->b))
		give_up("packet '%s' is too long", name);
	unhex(to->b, hex, to->len);
	return to;
}

static enum tunnel_type tunnel_type(const char *word)
{
	for (enum tunnel_type type = TUNNEL_NONE + 1; type < TUNNEL_COUNT; type++)
		if (!strcmp(tunnel_word(type), word))
			return type;
	give_up("golden/packets.py has a tunnel '%s'", word);
}

static void mac_of(__u8 mac[6], const char *text)
{
	if (text && sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3,
			   mac + 4, mac + 5) != 6)
		give_up("'%s' is no MAC address", text);
}

static const char *path_text(json_t *path, const char *member)
{
	return json_string_value(json_object_get(path, member));
}

/* All but SRv6. */
static struct policy_path tunnel_of(json_t *path)
{
	struct policy_path p = {
		.tunnel = tunnel_type(path_text(path, "tunnel")),
		.dst = addr_of(path_text(path, "destination")),
		.keyed = json_object_get(path, "key"),
		.key = json_integer_value(json_object_get(path, "key")),
		.vni = json_integer_value(json_object_get(path, "vni")),
		.port = json_integer_value(json_object_get(path, "port")),
	};
	json_t *label;
	size_t i;

	snprintf(p.name, sizeof(p.name), "%s", path_text(path, "name"));
	mac_of(p.inner_dmac, path_text(path, "inner-destination-mac"));
	mac_of(p.inner_smac, path_text(path, "inner-source-mac"));
	json_array_foreach(json_object_get(path, "labels"), i, label)
		p.label[p.n_labels++] = json_integer_value(label);
	return p;
}

struct policy_path golden_path(const char *name)
{
	const char *segments[MAX_SEGMENTS + 1] = {};
	json_t *path, *segment;
	size_t i, j;

	json_array_foreach(json_object_get(golden_load(), "paths"), i, path) {
		if (strcmp(path_text(path, "name"), name))
			continue;
		if (!json_object_get(path, "segments"))
			return tunnel_of(path);
		json_array_foreach(json_object_get(path, "segments"), j, segment)
			segments[j] = json_string_value(segment);
		return path_of(name, json_is_true(json_object_get(path, "reduced")), segments);
	}
	give_up("golden/packets.py has no path named '%s'", name);
}

__u32 golden_location(__u8 *location)
{
	const char *hex = json_string_value(
		json_object_get(json_object_get(golden_load(), "node"), "location"));
	__u32 len = strlen(hex) / 2;

	if (len > LOCATION_MAX)
		give_up("the location is too long");
	unhex(location, hex, len);
	return len;
}

__u64 golden_number(const char *name)
{
	json_t *n = json_object_get(json_object_get(golden_load(), "node"), name);

	if (!n)
		n = json_object_get(json_object_get(golden_load(), "bench"), name);
	if (!json_is_integer(n))
		give_up("golden/packets.py has no number named '%s'", name);
	return json_integer_value(n);
}

/* ---- values ---------------------------------------------------------------------------------- */

struct addr addr_of(const char *text)
{
	struct addr a;
	__be32 v4;

	if (inet_pton(AF_INET, text, &v4) == 1)
		return addr_from_v4(v4);
	if (inet_pton(AF_INET6, text, &a) != 1)
		give_up("'%s' is no address", text);
	return a;
}

struct policy_prefix prefix_of(const char *text)
{
	char *slash, copy[64];
	struct policy_prefix p;

	snprintf(copy, sizeof(copy), "%s", text);
	slash = strchr(copy, '/');
	if (!slash)
		give_up("'%s' is no prefix", text);
	*slash = 0;
	p.addr = addr_of(copy);
	p.plen = atoi(slash + 1) + (addr_is_v4(&p.addr) ? 96 : 0);
	return p;
}

struct policy_path path_of(const char *name, bool reduced, const char *const *segments)
{
	struct policy_path p = { .tunnel = TUNNEL_SRV6, .reduced = reduced };

	snprintf(p.name, sizeof(p.name), "%s", name);
	for (; segments[p.n_segments]; p.n_segments++)
		p.segment[p.n_segments] = addr_of(segments[p.n_segments]);
	return p;
}

/* ---- a node ---------------------------------------------------------------------------------- */

struct config node_config(void)
{
	json_t *node = json_object_get(golden_load(), "node");
	struct config c = {
		.node = "test",
		.loopback6 = addr_of(json_string_value(json_object_get(node, "loopback6"))),
		.loopback4 = addr_of(json_string_value(json_object_get(node, "loopback4"))),
		.enterprise = WIRE_ENTERPRISE,
		.validity_ms = 0,
		.udp_port = WIRE_UDP_PORT,
		.udp_sport = WIRE_UDP_SPORT_MIN,
		.tclass = WIRE_DSCP << 2,
		.remark = 1,
		.hop_limit_min = WIRE_HOP_LIMIT - 8,
		.hash_seed = 0x0123456789abcdefULL,
		.congested_most = MAX_FAILED / 2,
		.failures_each = 1024,
		.congestions_each = 1000,
		.n_repeats = 3,
		.repeat_ns = { 0, NSEC_PER_MSEC, 5 * NSEC_PER_MSEC },
		.pacing = {
			.lowest = 125000,
			.window_ns = 10 * NSEC_PER_MSEC,
			.burst_ns = 20 * NSEC_PER_MSEC,
			.step_ns = 100 * NSEC_PER_MSEC,
			.share = PACE_ALL / 2,
			.target_percent = 90,
			.step_percent = 10,
		},
	};

#define X(NAME, number, word) c.type[KIND_##NAME] = number;
	WIRE_KINDS(X)
#undef X
	return c;
}

struct fantel_bpf *node_open(const struct config *config)
{
	struct fantel_bpf *node;

	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	node = fantel_bpf__open();
	if (!node)
		give_up("the programs can't be opened: %s", strerror(errno));
	memcpy((void *)&node->rodata->config, config, sizeof(*config));
	node->rodata->config.queue_by = egress_queue_by();
	bpf_program__set_autoload(node->progs.fantel_watch, true);
	bpf_program__set_autoload(node->progs.fantel_qp, true);
	return node;
}

void node_widen(struct fantel_bpf *node, __u32 paths)
{
	bpf_map__set_max_entries(node->maps.fantel_paths, paths);
	bpf_map__set_max_entries(node->maps.fantel_nexthops, paths);
	bpf_map__set_max_entries(node->maps.fantel_traffic, paths);
	bpf_map__set_max_entries(node->maps.fantel_health, paths);
	bpf_map__set_max_entries(node->maps.fantel_pace, PACE_OF(paths));
}

void node_start(struct fantel_bpf *node)
{
	struct node_state state = { .classes = 1, .sequence = 1000ULL << 32, .alive_until = ~0ULL };
	__u32 zero = 0;

	if (fantel_bpf__load(node))
		give_up("the programs can't be loaded: %s", strerror(errno));
	node_put(node->maps.fantel_node, &zero, &state);
	for (int tries = 1; overdue_run(bpf_program__fd(node->progs.fantel_overdue)); tries++) {
		if (tries == 1000)
			give_up("the kernel has no timer for fantel_untimed");
		usleep(10000);
	}
}

struct fantel_bpf *node_load(const struct config *config)
{
	struct fantel_bpf *node = node_open(config);

	node_start(node);
	return node;
}

bool node_has_untimed(struct fantel_bpf *node, enum untimed_kind kind)
{
	__u32 zero = 0;
	struct untimed u;

	/* While they are looked at they are not marked. */
	for (int i = 0; i < 100; i++) {
		if (node_get(node->maps.fantel_untimed, &zero, &u) && u.marked[kind])
			return true;
		usleep(1000);
	}
	return false;
}

void node_put(struct bpf_map *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY))
		give_up("%s: %s", bpf_map__name(map), strerror(errno));
}

bool node_get(struct bpf_map *map, const void *key, void *value)
{
	return !bpf_map_lookup_elem(bpf_map__fd(map), key, value);
}

__u32 node_entries(struct bpf_map *map, __u32 key_size)
{
	__u8 key[256];
	__u32 n = 0;
	void *last = NULL;

	if (key_size != bpf_map__key_size(map) || key_size > sizeof(key))
		give_up("%s: keys are of %u bytes", bpf_map__name(map), bpf_map__key_size(map));
	for (; !bpf_map_get_next_key(bpf_map__fd(map), last, key); last = key)
		n++;
	return n;
}

void node_clear(struct bpf_map *map, __u32 key_size)
{
	__u8 key[256], next[256];
	int fd = bpf_map__fd(map);
	bool more;

	if (key_size != bpf_map__key_size(map) || key_size > sizeof(key))
		give_up("%s: keys are of %u bytes", bpf_map__name(map), bpf_map__key_size(map));
	for (more = !bpf_map_get_next_key(fd, NULL, key); more; memcpy(key, next, key_size)) {
		more = !bpf_map_get_next_key(fd, key, next);
		bpf_map_delete_elem(fd, key);
	}
}

static struct prefix_key prefix_key_of(const char *text)
{
	struct policy_prefix p = prefix_of(text);
	struct prefix_key key = { .plen = p.plen };

	memcpy(key.addr_be, &p.addr, sizeof(key.addr_be));
	return key;
}

void node_class(struct fantel_bpf *node, const char *prefix, __u32 group)
{
	struct prefix_key key = prefix_key_of(prefix);
	struct class_value value = { .group = group };
	struct node_state state;
	__u32 zero = 0;

	node_put(node->maps.fantel_classes, &key, &value);
	node_get(node->maps.fantel_node, &zero, &state);
	state.classes++;
	node_put(node->maps.fantel_node, &zero, &state);
}

void node_source(struct fantel_bpf *node, const char *prefix)
{
	node_demand(node, prefix, AUTHENTICATION_OFF);
}

void node_demand(struct fantel_bpf *node, const char *prefix, enum authentication authentication)
{
	struct source source = { .authentication = authentication };
	struct prefix_key key = prefix_key_of(prefix);

	node_put(node->maps.fantel_sources, &key, &source);
}

void node_mac_key(struct fantel_bpf *node, __u32 id, const struct mac_key *mac, int from_s, int until_s)
{
	struct key key = { .mac = *mac };
	struct timespec now;

	clock_gettime(CLOCK_TAI, &now);
	key.from_ns = (now.tv_sec + from_s) * NSEC_PER_SEC;
	key.until_ns = (now.tv_sec + until_s) * NSEC_PER_SEC;
	node_put(node->maps.fantel_keys, &id, &key);
}

void node_tunnel(struct fantel_bpf *node, const struct tunnel_key *key, __u32 id)
{
	struct tunnel_paths paths = { .tunnel = *key };
	__u64 hash = hash_tunnel(key);

	node_get(node->maps.fantel_tunnels, &hash, &paths);
	for (__u32 i = 0; i < paths.n; i++)
		if (paths.path[i] == id)
			return;
	if (paths.n == TUNNEL_PATHS)
		give_up("too many paths share a tunnel");
	paths.path[paths.n++] = id;
	node_put(node->maps.fantel_tunnels, &hash, &paths);
}

void node_endpoint(struct fantel_bpf *node, const struct policy_endpoint *from)
{
	struct endpoint_row rows[ENDPOINT_ROWS];
	__u32 n = endpoint_rows(rows, from, (const struct config *)&node->rodata->config);

	while (n--)
		node_put(node->maps.fantel_ends, &rows[n].key, &rows[n].value);
}

void node_path(struct fantel_bpf *node, __u32 id, const struct policy_path *from)
{
	struct path path = { .nexthop = id };
	struct tunnel_key key[ENCAP_KEYS_MAX];
	int n;

	if (encap_path(&path, from, (const struct config *)&node->rodata->config))
		give_up("path %s has no template", from->name);
	node_put(node->maps.fantel_paths, &id, &path);
	n = encap_keys(key, ARRAY_SIZE(key), from);
	for (int i = 0; i < n; i++)
		node_tunnel(node, &key[i], id);
}

/* What push adds to it after each change. */
static void node_generation(struct fantel_bpf *node)
{
	struct node_state state;
	__u32 zero = 0;

	node_get(node->maps.fantel_node, &zero, &state);
	state.generation++;
	node_put(node->maps.fantel_node, &zero, &state);
}

void node_resource(struct fantel_bpf *node, __u32 index, const char *name, __u32 n,
		   const struct resource_key *keys)
{
	struct resource resource = {};

	snprintf(resource.name, sizeof(resource.name), "%s", name);
	for (__u32 i = 0; i < n; i++)
		node_put(node->maps.fantel_location, &keys[i], &index);
	node_put(node->maps.fantel_resource, &index, &resource);
	node_generation(node);
}

void node_crosses(struct fantel_bpf *node, __u32 id, __u32 n, const __u32 *resources)
{
	struct path path;

	if (n > MAX_CROSSED || !node_get(node->maps.fantel_paths, &id, &path))
		give_up("path %u can't cross %u resources", id, n);
	path.n_crossed = n;
	memcpy(path.crossed, resources, n * sizeof(*resources));
	node_put(node->maps.fantel_paths, &id, &path);
	node_generation(node);
}

struct nexthop nexthop_fresh(void)
{
	struct nexthop nh = {
		.fresh_until = FRESH,
		.ifindex = NEXTHOP_IFINDEX,
		.mtu = 9000,
		.dmac = { 2, 0, 0, 0, 2, 2 },
		.smac = { 2, 0, 0, 0, 2, 1 },
		.ifname = "core0",
	};

	return nh;
}

void node_nexthop(struct fantel_bpf *node, __u32 id, const struct nexthop *nexthop)
{
	node_put(node->maps.fantel_nexthops, &id, nexthop);
}

static void group_put(struct fantel_bpf *node, __u32 id, enum fate on_no_path,
		      struct group *group)
{
	OWN_MEM struct rank *rank = calloc(1, sizeof(*rank));

	if (!rank)
		give_up("out of memory");
	weights_reset(group);
	snprintf(group->name, sizeof(group->name), "group-%u", id);
	rank_build(rank, group, on_no_path);
	node_put(node->maps.fantel_groups, &id, group);
	node_put(node->maps.fantel_ranks, &id, rank);
}

void node_group_of(struct fantel_bpf *node, __u32 id, enum fate on_no_path, __u32 n,
		   const __u32 *paths)
{
	struct group group = { .n_members = n };

	for (__u32 i = 0; i < n; i++) {
		snprintf(group.member[i].name, NAME_LEN, "path-%u", paths[i]);
		group.member[i].path = paths[i];
		group.member[i].weight = 1;
	}
	group_put(node, id, on_no_path, &group);
}

void node_group(struct fantel_bpf *node, __u32 id, enum fate on_no_path, __u32 n,
		const __u16 *weight, const __u16 *tier)
{
	struct group group = { .n_members = n };

	for (__u32 i = 0; i < n; i++) {
		struct member *m = &group.member[i];

		snprintf(m->name, sizeof(m->name), "path-%u", i);
		m->path = i;
		m->weight = weight ? weight[i] : 1;
		m->tier = tier ? tier[i] : 0;
	}
	group_put(node, id, on_no_path, &group);
}

void node_ordering(struct fantel_bpf *node, __u32 id, enum ordering ordering, __u32 gap_us)
{
	OWN_MEM struct rank *rank = calloc(1, sizeof(*rank));
	struct group group;

	if (!rank || !node_get(node->maps.fantel_groups, &id, &group) ||
	    !node_get(node->maps.fantel_ranks, &id, rank))
		give_up("group %u: has no ordering", id);
	group.ordering = rank->ordering = ordering;
	group.gap_us = gap_us;
	rank->idle = rank_idle(&group, clock_hz());
	node_put(node->maps.fantel_groups, &id, &group);
	node_put(node->maps.fantel_ranks, &id, rank);
}

void node_failures(struct fantel_bpf *node, __u32 path, int failures)
{
	struct health health = { .failures = failures };

	node_put(node->maps.fantel_health, &path, &health);
}

void node_congestions(struct fantel_bpf *node, __u32 path, int congestions)
{
	struct health health = { .congestions = congestions };

	node_put(node->maps.fantel_health, &path, &health);
}

void node_relief(struct fantel_bpf *node, __u32 group, enum relief relief)
{
	OWN_MEM struct rank *rank = calloc(1, sizeof(*rank));

	if (!rank || !node_get(node->maps.fantel_ranks, &group, rank))
		give_up("group %u can't be read", group);
	rank->on_congestion = relief;
	node_put(node->maps.fantel_ranks, &group, rank);
}

struct traffic node_count(struct fantel_bpf *node, enum reason reason)
{
	int cpus = libbpf_num_possible_cpus();
	OWN_MEM struct traffic *each = calloc(cpus, sizeof(*each));
	struct traffic sum = {};
	__u32 key = reason;

	if (!each || !node_get(node->maps.fantel_stats, &key, each))
		give_up("fantel_stats: %s", strerror(errno));
	for (int cpu = 0; cpu < cpus; cpu++) {
		sum.packets += each[cpu].packets;
		sum.bytes += each[cpu].bytes;
	}
	return sum;
}

struct taken {
	struct event *events;
	__u32 max, n;
};

static int event_take(void *context, void *data, size_t size)
{
	struct taken *taken = context;

	if (size != sizeof(struct event))
		give_up("an event of %zu bytes", size);
	if (taken->n < taken->max)
		taken->events[taken->n] = *(struct event *)data;
	taken->n++;
	return 0;
}

__u32 node_events(struct fantel_bpf *node, struct event *events, __u32 max)
{
	struct taken taken = { .events = events, .max = max };
	struct ring_buffer *ring =
		ring_buffer__new(bpf_map__fd(node->maps.fantel_events), event_take, &taken, NULL);

	if (!ring || ring_buffer__consume(ring) < 0)
		give_up("fantel_events: %s", strerror(errno));
	ring_buffer__free(ring);
	return taken.n;
}

/* ---- running --------------------------------------------------------------------------------- */

/* All reasons at once: this is asked twice for every packet. */
static void stats_read(struct fantel_bpf *node, struct traffic sum[REASON_COUNT])
{
	int cpus = libbpf_num_possible_cpus();
	OWN_MEM struct traffic *each = calloc(REASON_COUNT * cpus, sizeof(*each));
	__u32 key[REASON_COUNT], at, n = REASON_COUNT;
	int err;

	if (!each)
		give_up("out of memory");
	err = bpf_map_lookup_batch(bpf_map__fd(node->maps.fantel_stats), NULL, &at, key, each, &n,
				   NULL);
	if ((err && errno != ENOENT) || n != REASON_COUNT)
		give_up("fantel_stats: %s", strerror(errno));
	memset(sum, 0, REASON_COUNT * sizeof(*sum));
	for (int r = 0; r < REASON_COUNT; r++)
		for (int cpu = 0; cpu < cpus; cpu++) {
			sum[key[r]].packets += each[r * cpus + cpu].packets;
			sum[key[r]].bytes += each[r * cpus + cpu].bytes;
		}
}

/* 0, or the kernel's own error: then nothing has run. */
static int try(struct fantel_bpf *node, const struct bpf_program *prog, void *ctx, __u32 ctx_size,
	       const __u8 *in, __u32 len, struct outcome *o)
{
	struct traffic before[REASON_COUNT];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in, .data_size_in = len,
		    .data_out = o->out.b, .data_size_out = sizeof(o->out.b), .repeat = 1);

	if (ctx) {
		opts.ctx_in = ctx;
		opts.ctx_size_in = ctx_size;
	}
	stats_read(node, before);
	if (bpf_prog_test_run_opts(bpf_program__fd(prog), &opts))
		return -errno;
	o->verdict = opts.retval;
	o->out.len = opts.data_size_out;
	stats_read(node, o->count);
	o->reasons = 0;
	for (int r = 0; r < REASON_COUNT; r++) {
		o->count[r].packets -= before[r].packets;
		o->count[r].bytes -= before[r].bytes;
		o->reasons += o->count[r].packets != 0;
	}
	return 0;
}

static void run(struct fantel_bpf *node, const struct bpf_program *prog, void *ctx, __u32 ctx_size,
		const __u8 *in, __u32 len, struct outcome *o)
{
	int err = try(node, prog, ctx, ctx_size, in, len, o);

	if (err)
		give_up("%s can't be run on %u bytes: %s", bpf_program__name(prog), len,
			strerror(-err));
}

void node_run(struct fantel_bpf *node, const struct bpf_program *prog, __u32 ifindex,
	      const struct bytes *in, struct outcome *o)
{
	struct xdp_md ctx = { .data_end = in->len, .ingress_ifindex = ifindex };

	run(node, prog, ifindex ? &ctx : NULL, sizeof(ctx), in->b, in->len, o);
}

void node_run_egress(struct fantel_bpf *node, const struct bpf_program *prog, __u32 ifindex,
		     const struct bytes *in, struct outcome *o)
{
	node_run_forwarded(node, prog, 0, ifindex, in, o);
}

void node_run_forwarded(struct fantel_bpf *node, const struct bpf_program *prog, __u32 from, __u32 to,
			const struct bytes *in, struct outcome *o)
{
	struct __sk_buff ctx = { .ingress_ifindex = from, .ifindex = to };

	run(node, prog, &ctx, sizeof(ctx), in->b, in->len, o);
}

/* With `metadata` bytes of it in front of the packet. 0 or the kernel's own error. */
static int try_behind(struct fantel_bpf *node, const struct bpf_program *prog, __u32 ifindex,
		      __u32 metadata, const struct bytes *in, struct outcome *o)
{
	struct xdp_md ctx = { .data = metadata,
			      .data_end = metadata + in->len,
			      .ingress_ifindex = ifindex };
	static __u8 both[XDP_PACKET_HEADROOM + FRAME_MAX];

	memcpy(both + metadata, in->b, in->len);
	return try(node, prog, &ctx, sizeof(ctx), both, metadata + in->len, o);
}

#define METADATA_OLD 32 /* all that older kernels have room for, 6.1 among them */

/* Is it the metadata that the kernel does not take? Then the same run with less of it goes. */
static bool run_behind(struct fantel_bpf *node, const struct bpf_program *prog, __u32 ifindex,
		       __u32 metadata, const struct bytes *in, struct outcome *o)
{
	int err = try_behind(node, prog, ifindex, metadata, in, o);

	if (!err)
		return true;
	if (try_behind(node, prog, ifindex, METADATA_OLD, in, o))
		give_up("%s can't be run on %u bytes: %s", bpf_program__name(prog), in->len,
			strerror(-err));
	printf("# this kernel runs no test with more than %d bytes of metadata\n", METADATA_OLD);
	return false;
}

bool node_run_cramped(struct fantel_bpf *node, const struct bpf_program *prog, __u32 ifindex,
		      const struct bytes *in, struct outcome *o)
{
	return run_behind(node, prog, ifindex, 200, in, o);
}

bool node_run_room(struct fantel_bpf *node, const struct bpf_program *prog, __u32 room,
		   const struct bytes *in, struct outcome *o)
{
	return run_behind(node, prog, 0, 212 - room, in, o);
}

const char *verdict_word(__u32 verdict)
{
	static const char *const word[] = { "ABORTED", "DROP", "PASS", "TX", "REDIRECT" };

	return verdict < ARRAY_SIZE(word) ? word[verdict] : "?";
}

bool outcome_is(const struct outcome *o, const char *sentence, __u32 verdict, enum reason reason)
{
	bool good = o->verdict == verdict && o->reasons == (reason != REASON_NONE) &&
		    (reason == REASON_NONE || o->count[reason].packets == 1);

	if (good)
		return true;
	fprintf(stderr, "%s: %s, and not %s; expected reason: %s, counted:", sentence,
		verdict_word(o->verdict), verdict_word(verdict), reason_word(reason));
	for (int r = 0; r < REASON_COUNT; r++)
		if (o->count[r].packets)
			fprintf(stderr, " %s %llu", reason_word(r),
				(unsigned long long)o->count[r].packets);
	fputc('\n', stderr);
	return false;
}

static void bytes_dump(const char *name, const struct bytes *b)
{
	fprintf(stderr, "  %s (%u bytes)", name, b->len);
	for (__u32 i = 0; i < b->len && i < 320; i++)
		fprintf(stderr, "%s%02x", i % 32 ? i % 4 ? "" : " " : "\n    ", b->b[i]);
	fputc('\n', stderr);
}

bool bytes_are(const struct bytes *out, const char *sentence, const struct bytes *want,
	       const struct bytes *mask)
{
	__u32 i;

	for (i = 0; i < out->len && i < want->len; i++)
		if ((out->b[i] ^ want->b[i]) & (mask && i < mask->len ? mask->b[i] : 0xff))
			break;
	if (i == out->len && i == want->len)
		return true;
	fprintf(stderr, "%s: byte %u differs\n", sentence, i);
	bytes_dump("expected", want);
	bytes_dump("got", out);
	return false;
}

/* ---- making packets -------------------------------------------------------------------------- */

void bytes_put(struct bytes *to, const void *from, __u32 len)
{
	if (to->len + len > sizeof(to->b))
		give_up("a packet of more than %zu bytes", sizeof(to->b));
	memcpy(to->b + to->len, from, len);
	to->len += len;
}

void bytes_put16(struct bytes *to, __u16 value)
{
	__u16 be = htons(value);

	bytes_put(to, &be, sizeof(be));
}

void bytes_put32(struct bytes *to, __u32 value)
{
	__u32 be = htonl(value);

	bytes_put(to, &be, sizeof(be));
}

void bytes_hex(struct bytes *to, const char *hex)
{
	to->len = strlen(hex) / 2;
	if (to->len > sizeof(to->b))
		give_up("a packet of more than %zu bytes", sizeof(to->b));
	unhex(to->b, hex, to->len);
}

/* RFC 1071, byte by byte: on purpose nothing like the code under test. */
static __u32 sum_of(__u32 sum, const __u8 *b, __u32 len)
{
	for (__u32 i = 0; i < len; i++)
		sum += i % 2 ? b[i] : b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

__u16 l4_sum(const char *src, const char *dst, __u8 proto, const struct bytes *l4)
{
	bool v4 = strchr(src, '.');
	struct addr a = addr_of(src), b = addr_of(dst);
	__u32 sum = proto + l4->len;

	sum = sum_of(sum, v4 ? a.b + 12 : a.b, v4 ? 4 : 16);
	sum = sum_of(sum, v4 ? b.b + 12 : b.b, v4 ? 4 : 16);
	return ~sum_of(sum, l4->b, l4->len);
}

void frame_around(struct bytes *frame, const char *src, const char *dst, __u8 proto, __u8 hop_limit,
		  const struct bytes *l4)
{
	static const __u8 macs[12] = { 2, 0, 0, 0, 3, 1, 2, 0, 0, 0, 3, 2 };
	struct addr a = addr_of(src), b = addr_of(dst);

	frame->len = 0;
	bytes_put(frame, macs, sizeof(macs));
	if (strchr(src, '.')) {
		bytes_put16(frame, 0x0800);
		bytes_put32(frame, 0x45c00000 | (20 + l4->len));
		bytes_put32(frame, 0x4000);
		bytes_put32(frame, hop_limit << 24 | proto << 16);
		bytes_put(frame, a.b + 12, 4);
		bytes_put(frame, b.b + 12, 4);
		store16(frame->b + 24, htons(~sum_of(0, frame->b + 14, 20)));
	} else {
		bytes_put16(frame, 0x86dd);
		bytes_put32(frame, 0x6c000000);
		bytes_put32(frame, l4->len << 16 | proto << 8 | hop_limit);
		bytes_put(frame, &a, 16);
		bytes_put(frame, &b, 16);
	}
	bytes_put(frame, l4->b, l4->len);
}

/* ---- a network namespace of the process's own ------------------------------------------------ */

static void setting(const char *path, const char *value)
{
	OWN_FILE FILE *f = fopen(path, "w");

	if (!f || fputs(value, f) < 0)
		give_up("%s: %s", path, strerror(errno));
}

void net_enter(void)
{
	if (unshare(CLONE_NEWNET))
		give_up("no network namespace: %s", strerror(errno));
	net_do("ip link set lo up");
	setting("/proc/sys/net/ipv6/conf/all/forwarding", "1");
	setting("/proc/sys/net/ipv6/conf/default/forwarding", "1");
	setting("/proc/sys/net/ipv6/conf/default/accept_dad", "0");
	setting("/proc/sys/net/ipv4/ip_forward", "1");
}

void net_do(const char *fmt, ...)
{
	char command[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	if (system(command))
		give_up("failed: %s", command);
}

/* A receive queue can be named in a test run only while an XDP program is attached to it. */
static void port_enable(__u32 ifindex)
{
	static const struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	OWN_FD int fd =
		bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", pass, ARRAY_SIZE(pass), NULL);

	if (fd < 0 || bpf_xdp_attach(ifindex, fd, 0, NULL))
		give_up("interface %u takes no XDP program: %s", ifindex, strerror(errno));
}

__u32 net_port(const char *name, const char *mac)
{
	__u32 ifindex;

	net_do("ip link add %s address %s type veth peer name %s-far", name, mac, name);
	net_do("ip link set %s up", name);
	net_do("ip link set %s-far up", name);
	ifindex = net_index(name);
	port_enable(ifindex);
	return ifindex;
}

__u32 net_index(const char *name)
{
	__u32 ifindex = if_nametoindex(name);

	if (!ifindex)
		give_up("there is no interface %s", name);
	return ifindex;
}

int net_open(const char *name, __u16 protocol)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(protocol),
				  .sll_ifindex = name ? net_index(name) : 0 };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(protocol));

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)))
		give_up("no packet socket on %s: %s", name ? name : "all interfaces", strerror(errno));
	return fd;
}

int net_attach_egress(const struct bpf_program *prog, __u32 ifindex)
{
	int fd = bpf_link_create(bpf_program__fd(prog), ifindex, (enum bpf_attach_type)47 /* tcx egress */, NULL);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = ifindex, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(prog), .handle = 1, .priority = 1,
		    .flags = BPF_TC_F_REPLACE);
	int r;

	if (fd >= 0)
		return fd;
	r = bpf_tc_hook_create(&hook);
	if ((r && r != -EEXIST) || bpf_tc_attach(&hook, &opts))
		give_up("interface %u takes no program at its egress: %s", ifindex, strerror(errno));
	return -1;
}
