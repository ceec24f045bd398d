// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * push: a loader is killed while it puts another policy in the place of one, after each of its calls of
 * bpf() in turn. The next loader, with either policy, leaves everything as if that had not been. And one
 * that finds no room says so, and can go back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <bpf/bpf.h>
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fantel/resource.h"
#include "grace.h"
#include "harness.h"
#include "log.h"
#include "maps.h"
#include "own.h"
#include "push.h"
#include "settle.h"

#define ROOM 8 /* places that are looked at */
#define PATHS 3
#define LINKS 2
#define GROUPS 2
#define SOURCES 16
#define UNTRACED 77 /* exit code */
#define HOUR_NS (3600 * NSEC_PER_SEC)

static struct fantel_bpf *node;
static struct maps maps;
static struct policy before, after;

/* In place of the loader's: no packet and no timer is under way here. */
void grace_wait(void)
{
}

/* ---- two policies ---------------------------------------------------------------------------- */

static void add_path(struct policy *p, const char *name, const char *last, __u32 crossed)
{
	const char *segments[] = { "2001:db8:a:3::1", last, NULL };
	struct policy_path *path = &p->path[p->n_paths++];

	*path = path_of(name, false, segments);
	path->n_crossed = 1;
	path->crossed[0] = crossed;
}

static void add_resource(struct policy *p, const char *name, __u8 router)
{
	struct policy_resource *resource = &p->resource[p->n_resources++];

	snprintf(resource->name, sizeof(resource->name), "%s", name);
	resource->n_keys = 1;
	resource_key_node(&resource->key[0], 64500, (const __u8[8]){ router }, 4);
}

/* Over these paths, and a class that goes by it. */
static void add_group(struct policy *p, const char *name, const char *prefix, __u32 first, __u32 n)
{
	struct policy_group *group = &p->group[p->n_groups];

	*group = (struct policy_group){ .on_no_path = FATE_DROP, .n_members = n };
	snprintf(group->name, sizeof(group->name), "%s", name);
	for (__u32 i = 0; i < n; i++) {
		group->member[i].path = first + i;
		group->member[i].weight = 1;
		group->member[i].tier = 1;
	}
	p->class[p->n_classes].prefix = prefix_of(prefix);
	p->class[p->n_classes++].group = p->n_groups++;
}

/* One path stays, one has another tunnel, one leaves; a node stays, a link gives way to another. */
static void make_policies(void)
{
	for (int i = 0; i < 2; i++) {
		struct policy *p = i ? &after : &before;

		p->config = node_config();
		p->resource = calloc(LINKS, sizeof(*p->resource));
		p->path = calloc(PATHS, sizeof(*p->path));
		p->group = calloc(GROUPS, sizeof(*p->group));
		p->class = calloc(GROUPS, sizeof(*p->class));
	}
	add_resource(&before, "link", 1);
	add_resource(&before, "node", 2);
	add_path(&before, "stays", "2001:db8:a:4::1", 1);
	add_path(&before, "changes", "2001:db8:a:5::1", 0);
	add_path(&before, "leaves", "2001:db8:a:6::1", 0);
	add_group(&before, "first", "2001:db8:1::/48", 0, 2);
	add_group(&before, "second", "2001:db8:2::/48", 2, 1);

	add_resource(&after, "node", 2);
	add_resource(&after, "other", 3);
	add_path(&after, "stays", "2001:db8:a:4::1", 0);
	add_path(&after, "changes", "2001:db8:a:7::1", 1);
	add_path(&after, "comes", "2001:db8:a:8::1", 1);
	add_group(&after, "first", "2001:db8:1::/48", 0, 3);
	add_group(&after, "third", "2001:db8:3::/48", 2, 1);
}

/* ---- a node ---------------------------------------------------------------------------------- */

static int load(void **state)
{
	struct config config = node_config();

	config.pacing.step_ns = HOUR_NS; /* no timer counts while we look */
	node = node_open(&config);
	bpf_map__set_max_entries(node->maps.fantel_sources, SOURCES);
	node_start(node);
#define X(name) maps.name = bpf_map__fd(node->maps.fantel_##name);
	MAPS(X)
#undef X
	for (int limit = 0; limit < LIMIT_COUNT; limit++)
		maps.room[limit] = ROOM;
	maps.node = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED,
			 bpf_map__fd(node->maps.fantel_node), 0);
	assert_ptr_not_equal(maps.node, MAP_FAILED);
	make_policies();
	return 0;
}

static int unload(void **state)
{
	munmap(maps.node, sysconf(_SC_PAGESIZE));
	for (int i = 0; i < 2; i++) {
		struct policy *p = i ? &after : &before;

		free(p->resource);
		free(p->path);
		free(p->group);
		free(p->class);
	}
	fantel_bpf__destroy(node);
	return 0;
}

static int settle_program(void)
{
	return bpf_program__fd(node->progs.fantel_settle);
}

static int finish(struct push *push)
{
	return push_add(push) ?: push_switch(push) ?: push_remove(push);
}

static void push_whole(const struct policy *policy)
{
	struct push *push;

	assert_int_equal(push_plan(&push, &maps, settle_program(), policy), 0);
	assert_int_equal(finish(push), 0);
	push_free(push);
}

static void clear(void)
{
	struct traffic none[libbpf_num_possible_cpus()];

	memset(none, 0, sizeof(none));
	for (__u32 i = 0; i < ROOM; i++) {
		node_put(node->maps.fantel_paths, &i, &(struct path){});
		node_put(node->maps.fantel_health, &i, &(struct health){});
		node_put(node->maps.fantel_pace, &(__u32){ PACE_OF(i) }, &(struct pace){});
		node_put(node->maps.fantel_traffic, &i, none);
		node_put(node->maps.fantel_resource, &i, &(struct resource){});
		node_put(node->maps.fantel_ranks, &i, &(struct rank){});
		bpf_map_delete_elem(maps.groups, &i);
	}
	node_clear(node->maps.fantel_failed, sizeof(struct failed_key));
	node_clear(node->maps.fantel_metrics, sizeof(struct failed_key));
	node_clear(node->maps.fantel_tunnels, sizeof(__u64));
	node_clear(node->maps.fantel_location, sizeof(struct resource_key));
	node_clear(node->maps.fantel_classes, sizeof(struct prefix_key));
	maps.node->congested = 0;
}

/* ---- what was told --------------------------------------------------------------------------- */

/* As notify does, by what fantel_settle has in common with it: an entry, and its count. */
static void tell(__u32 index, bool is_resource, bool is_congestion, __u32 event)
{
	struct failed_key key = { .index = index, .event_id = event };
	struct failed value = { .name = "a-subject", .kind = is_congestion ? KIND_CONGESTION : KIND_FAILURE };
	struct settle count = { .act = SETTLE_COUNTED, .change = 1 };

	key.is_resource = is_resource;
	key.is_congestion = is_congestion;
	count.key = key;
	node_put(node->maps.fantel_failed, &key, &value);
	assert_int_equal(settle_run(settle_program(), &count), 0);
	maps.node->congested += is_congestion;
}

/* Of each path and resource two failures and a congestion; rates that are lowered, and rise. */
static void tell_all(void)
{
	struct health rising = { .congestions = PACE_RISE };
	struct traffic some[libbpf_num_possible_cpus()];

	memset(some, 1, sizeof(some));
	for (__u32 i = 0; i < ROOM; i++) {
		struct resource resource;
		struct path path;

		node_get(node->maps.fantel_resource, &i, &resource);
		for (__u32 event = 1; event <= 3 && resource.name[0]; event++)
			tell(i, true, event == 3, event);
		node_get(node->maps.fantel_paths, &i, &path);
		if (path.tunnel == TUNNEL_NONE)
			continue;
		node_put(node->maps.fantel_traffic, &i, some);
		node_put(node->maps.fantel_metrics, &(struct failed_key){ .index = i }, &(struct metrics){ .name = "a" });
		if (!strcmp(path.name, "leaves"))
			node_put(node->maps.fantel_health, &i, &rising);
		node_put(node->maps.fantel_pace, &(__u32){ PACE_OF(i) },
			 &(struct pace){ .state = strcmp(path.name, "leaves") ? PACE_LOWERED : PACE_RISING });
		for (__u32 event = 1; event <= 3; event++)
			tell(i, false, event == 3, event);
	}
}

/* ---- what must be ---------------------------------------------------------------------------- */

static void tally(__u32 index, bool is_resource, __s32 *failures, __s32 *congestions)
{
	struct failed_key key, *last = NULL;

	*failures = *congestions = 0;
	while (!bpf_map_get_next_key(maps.failed, last, &key)) {
		if (key.index == index && key.is_resource == is_resource)
			++*(key.is_congestion ? congestions : failures);
		last = &key;
	}
}

/* Entries, of any path. */
static __u32 told_of_paths(void)
{
	__s32 failures, congestions;
	__u32 n = 0;

	for (__u32 slot = 0; slot < ROOM; slot++) {
		tally(slot, false, &failures, &congestions);
		n += failures + congestions;
	}
	return n;
}

static const struct policy_path *path_called(const struct policy *policy, const char *name)
{
	for (__u32 i = 0; i < policy->n_paths; i++)
		if (!strcmp(policy->path[i].name, name))
			return &policy->path[i];
	return NULL;
}

static bool is_free(__u32 slot)
{
	struct path path;

	node_get(node->maps.fantel_paths, &slot, &path);
	return path.tunnel == TUNNEL_NONE;
}

/* Counts are those of what is on record, and a place that is free is as new. */
static void check_path(const struct policy *policy, __u32 slot)
{
	struct traffic carried[libbpf_num_possible_cpus()];
	__s32 failures, congestions;
	struct health health;
	struct path path;
	struct pace pace;

	node_get(node->maps.fantel_paths, &slot, &path);
	node_get(node->maps.fantel_health, &slot, &health);
	node_get(node->maps.fantel_pace, &(__u32){ PACE_OF(slot) }, &pace);
	node_get(node->maps.fantel_traffic, &slot, carried);
	tally(slot, false, &failures, &congestions);
	assert_int_equal(health.failures, failures);
	assert_int_equal(health.congestions, congestions + (pace.state == PACE_RISING ? PACE_RISE : 0));
	if (is_free(slot)) {
		assert_int_equal(failures + congestions + pace.state, 0);
		assert_int_equal(carried[0].packets, 0);
	} else {
		assert_non_null(path_called(policy, path.name));
		if (!strcmp(path.name, "stays"))
			assert_int_equal(failures, 2);
		if (policy == &after && strcmp(path.name, "stays"))
			assert_int_equal(failures + congestions + pace.state, 0);
	}
}

static void check_resource(const struct policy *policy, __u32 slot)
{
	__s32 failures, congestions;
	struct resource resource;

	node_get(node->maps.fantel_resource, &slot, &resource);
	tally(slot, true, &failures, &congestions);
	assert_int_equal(resource.failures, failures);
	assert_int_equal(resource.congestions, congestions);
	if (!strcmp(resource.name, "node"))
		assert_int_equal(failures, 2);
	if (!resource.name[0] || !strcmp(resource.name, "other"))
		assert_int_equal(failures + congestions, 0);
}

static void check_group(__u32 slot, __u32 *n)
{
	static const struct rank none;
	struct group group;
	struct rank rank;

	if (node_get(node->maps.fantel_groups, &slot, &group)) {
		++*n;
		return;
	}
	node_get(node->maps.fantel_ranks, &slot, &rank);
	assert_memory_equal(&rank, &none, sizeof(none));
}

static void check(const struct policy *policy)
{
	__u32 paths = 0, resources = 0, groups = 0;
	__s32 failures, congestions, congested = 0;

	for (__u32 slot = 0; slot < ROOM; slot++) {
		struct resource resource;

		check_path(policy, slot);
		check_resource(policy, slot);
		check_group(slot, &groups);
		paths += !is_free(slot);
		node_get(node->maps.fantel_resource, &slot, &resource);
		resources += resource.name[0] != 0;
		for (int is_resource = 0; is_resource < 2; is_resource++) {
			tally(slot, is_resource, &failures, &congestions);
			congested += congestions;
		}
	}
	assert_int_equal(paths, policy->n_paths);
	assert_int_equal(resources, policy->n_resources);
	assert_int_equal(groups, policy->n_groups);
	assert_int_equal(maps.node->congested, congested);
	assert_int_equal(node_entries(node->maps.fantel_location, sizeof(struct resource_key)), policy->n_resources);
	assert_int_equal(node_entries(node->maps.fantel_classes, sizeof(struct prefix_key)), policy->n_classes);
}

/* ---- kills ----------------------------------------------------------------------------------- */

/* Let the loader go on until so many calls of bpf() are done. True: it came to its end. */
static bool follow(pid_t loader, int calls)
{
	struct __ptrace_syscall_info info;
	bool in_bpf = false;
	int status;

	assert_int_equal(waitpid(loader, &status, 0), loader);
	if (WIFEXITED(status) && WEXITSTATUS(status) == UNTRACED) {
		print_message("# this machine lets nobody be traced (ptrace)\n");
		skip();
	}
	assert_true(WIFSTOPPED(status));
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, loader, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	while (calls) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, loader, NULL, NULL), 0);
		assert_int_equal(waitpid(loader, &status, 0), loader);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return true;
		}
		assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80));
		assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, loader, sizeof(info), &info) > 0);
		calls -= in_bpf && info.op == PTRACE_SYSCALL_INFO_EXIT;
		in_bpf = info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == __NR_bpf;
	}
	kill(loader, SIGKILL);
	waitpid(loader, &status, 0);
	return false;
}

static bool push_killed(const struct policy *policy, int calls)
{
	struct push *push;
	pid_t loader;

	assert_int_equal(push_plan(&push, &maps, settle_program(), policy), 0);
	loader = fork();
	if (!loader) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(UNTRACED);
		raise(SIGSTOP);
		_exit(finish(push) ? 1 : 0);
	}
	assert_true(loader > 0);
	push_free(push);
	return follow(loader, calls);
}

/* Each: where the machine is slow, one in so many (SLOW, an emulated one: most of its time goes into ptrace). */
static void kill_after_each_call(const struct policy *next)
{
	const char *slow = getenv("SLOW");
	int step = slow ? atoi(slow) : 1, kills = 0;
	bool ended = false;
	__u32 told;
	int calls;

	assert_true(step > 0);
	for (calls = 1; !ended; calls += step) {
		clear();
		push_whole(&before);
		tell_all();
		ended = push_killed(&after, calls);
		kills += !ended;
		told = told_of_paths();
		push_whole(next);
		check(next);
		if (next == &before)
			assert_int_equal(told_of_paths(), told);
	}
	print_message("# killed %d times, after 1 to %d calls\n", kills, calls - 2 * step);
	assert_true(kills > 20 / step);
}

/* ---- no room --------------------------------------------------------------------------------- */

/* Somebody else's rows: a map that is full when the loader comes to it. */
static void fill_sources(bool full)
{
	struct prefix_key key = { .plen = 64, .addr_be = { 0xff } };

	for (__u32 i = 0; i < SOURCES; i++) {
		key.addr_be[1] = i;
		if (full)
			node_put(node->maps.fantel_sources, &key, &(struct source){});
		else
			bpf_map_delete_elem(maps.sources, &key);
	}
}

/* What the loader then does: everything as it was before (upkeep.c). */
static void no_room_for_a_row(void **state)
{
	struct policy_prefix source = prefix_of("2001:db8:f::/48");
	OWN_MEM char *said = NULL;
	struct push *push;
	size_t len;
	FILE *out;

	clear();
	push_whole(&before);
	tell_all();
	after.source = &source;
	after.n_sources = 1;
	assert_int_equal(push_plan(&push, &maps, settle_program(), &after), 0);
	fill_sources(true);
	out = open_memstream(&said, &len);
	log_also(out);
	assert_true(finish(push) < 0);
	log_also(NULL);
	fclose(out);
	push_free(push);
	assert_non_null(strstr(said, "sources: no room for those of the old and the new policy, which is for twice"));
	assert_non_null(strstr(said, "a higher limits/sources in the policy makes more"));
	push_whole(&before);
	check(&before);
	fill_sources(false);
	push_whole(&after);
	check(&after);
	assert_int_equal(node_entries(node->maps.fantel_sources, sizeof(struct prefix_key)), 1);
	after.n_sources = 0;
}

/* One notification can't name them all. */
static void too_many_of_a_name(void **state)
{
	const char *const segments[] = { "2001:db8:a:3::1", "2001:db8:a:4::1", NULL };
	struct policy_path paths[TUNNEL_PATHS + 1];
	struct policy policy = { .config = node_config(), .path = paths };
	OWN_MEM char *said = NULL;
	struct push *push;
	size_t len;
	FILE *out;

	maps.room[LIMIT_PATHS] = 2 * TUNNEL_PATHS;
	clear();
	for (__u32 i = 0; i <= TUNNEL_PATHS; i++) {
		paths[i] = path_of("path", false, segments);
		paths[i].name[4] = 'a' + i;
	}
	policy.n_paths = TUNNEL_PATHS;
	push_whole(&policy);
	policy.n_paths++;
	out = open_memstream(&said, &len);
	log_also(out);
	assert_int_equal(push_plan(&push, &maps, settle_program(), &policy), -E2BIG);
	log_also(NULL);
	fclose(out);
	assert_non_null(strstr(said, "more than 16 paths have a name in common"));
	policy.n_paths = 0;
	push_whole(&policy);
}

static void the_new_policy(void **state)
{
	kill_after_each_call(&after);
}

static void the_old_policy(void **state)
{
	kill_after_each_call(&before);
}

static int no_room(void **state)
{
	maps.room[LIMIT_PATHS] = PATHS;
	maps.room[LIMIT_RESOURCES] = LINKS;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		{ "the next loader goes on with the new policy", the_new_policy, NULL, NULL, NULL },
		{ "it goes back to the old one", the_old_policy, NULL, NULL, NULL },
		{ "on with the new one, where places are another's at once", the_new_policy, no_room, NULL, NULL },
		{ "back to the old one, where places were another's at once", the_old_policy, no_room, NULL, NULL },
		{ "a row without room is told of, and all can be as it was; with room the policy is taken",
		  no_room_for_a_row, NULL, NULL, NULL },
		{ "more paths of one name than a notification can name are refused", too_many_of_a_name, NULL, NULL,
		  NULL },
	};

	return cmocka_run_group_tests_name("push", tests, load, unload);
}
