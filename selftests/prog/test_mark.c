// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * mark: what fantel_customer tells the kernel of packets for tunnels of the kernel's own. The other
 * end of it, fantel_ingress, needs a real interface: lab/test_mark.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "encap.h"
#include "fantel/frame.h"
#include "fantel/msg.h"
#include "harness.h"
#include "own.h"

#define MARK 0xcafe0101
#define R1 "2001:db8:f::11"

static struct fantel_bpf *node;
static struct outcome got;

/* One path, by mark: named as `from` is, which may be another kind of tunnel. */
static void mark_path(struct policy_path from)
{
	from.tunnel = TUNNEL_MARK;
	from.mark = MARK;
	node_path(node, 0, &from);
}

static void arrange(void)
{
	struct policy_path from = golden_path("encaps-3");
	struct nexthop nh = nexthop_fresh();

	node_clear(node->maps.fantel_tunnels, sizeof(__u64));
	node_clear(node->maps.fantel_failed, sizeof(struct failed_key));
	mark_path(from);
	node_nexthop(node, 0, &nh);
	node_failures(node, 0, 0);
	node_group(node, 0, FATE_DROP, 1, NULL, NULL);
}

static void run(const struct bytes *in)
{
	node_run(node, node->progs.fantel_customer, 0, in, &got);
}

/* Passed, as it came, behind eight bytes that name the mark. */
static bool is_marked(const struct bytes *in, const char *sentence)
{
	struct mark_meta meta = { .magic = MARK_MAGIC, .value = MARK };
	struct bytes want = { .len = 0 };

	bytes_put(&want, &meta, sizeof(meta));
	bytes_put(&want, in->b, in->len);
	return outcome_is(&got, sentence, XDP_PASS, REASON_NONE) &&
	       bytes_are(&got.out, sentence, &want, NULL);
}

static void check_marked(const char *packet, const char *sentence)
{
	const struct bytes *in = golden(packet);

	run(in);
	assert_true(is_marked(in, sentence));
}

static void every_packet_of_the_class(void **state)
{
	static const char *const packets[] = { "roce6", "roce4", "tcp6", "udp4", "icmp6",
					       "udp4 fragment last", "srv6 inside", "roce6 4096" };

	arrange();
	for (size_t i = 0; i < ARRAY_SIZE(packets); i++)
		check_marked(packets[i], packets[i]);
}

static void traffic_is_counted_on_the_path(void **state)
{
	int cpus = libbpf_num_possible_cpus();
	OWN_MEM struct traffic *each = calloc(cpus, sizeof(*each));
	__u64 before = 0, after = 0;
	__u32 zero = 0;

	arrange();
	assert_true(node_get(node->maps.fantel_traffic, &zero, each));
	for (int cpu = 0; cpu < cpus; cpu++)
		before += each[cpu].packets;
	check_marked("roce6", "counted");
	assert_true(node_get(node->maps.fantel_traffic, &zero, each));
	for (int cpu = 0; cpu < cpus; cpu++)
		after += each[cpu].packets;
	assert_int_equal(after - before, 1);
}

static void size_is_the_kernels_affair(void **state)
{
	struct nexthop nh = nexthop_fresh();

	arrange();
	nh.mtu = 100;
	node_nexthop(node, 0, &nh);
	check_marked("roce6", "longer than the link's MTU");
}

static void the_way_is_watched(void **state)
{
	struct nexthop nh = nexthop_fresh();

	arrange();
	nh.down = 1;
	node_nexthop(node, 0, &nh);
	run(golden("roce6"));
	assert_true(outcome_is(&got, "its way is down", XDP_DROP, REASON_NO_PATH));
	nh.fresh_until = STALE;
	node_nexthop(node, 0, &nh);
	check_marked("roce6", "it was down when the loader last looked, which is long ago");
	memset(&nh, 0, sizeof(nh));
	node_nexthop(node, 0, &nh);
	check_marked("roce6", "no way could be watched");
}

/* R1 says that this tunnel failed. */
static void tell_failure(const struct tunnel_key *key)
{
	static __u64 sequence;
	struct config config = node_config();
	struct msg_rules rules = msg_rules(&config);
	struct msg_envelope from = { .src = addr_of(R1), .dst = config.loopback6 };
	struct msg_buf buf = {};
	struct writer w = msg_begin(&buf, &from);
	struct bytes l4 = { .len = 0 }, frame;
	char to[INET6_ADDRSTRLEN];

	msg_put_tunnel(&w, key);
	msg_put_event(&w, &rules, 1, ++sequence, 0);
	bytes_put(&l4, buf.b, msg_finish(&w, &rules, &from, KIND_FAILURE, key->code));
	inet_ntop(AF_INET6, &config.loopback6, to, sizeof(to));
	frame_around(&frame, R1, to, PROTO_ICMPV6, WIRE_HOP_LIMIT, &l4);
	node_run(node, node->progs.fantel_core, 0, &frame, &got);
}

static void a_failure_names_it(void **state)
{
	static const struct row {
		const char *sentence;
		struct policy_path path;
		const char *dst;
	} rows[] = {
		{ "an address", {}, "192.0.2.9" },
		{ "segments",
		  { .n_segments = 2, .segment = { { .b = { 0x20, 1 } }, { .b = { 0x20 } } } }, NULL },
		{ "labels", { .n_labels = 2, .label = { 16, 17 } }, NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy_path path = rows[i].path;
		struct tunnel_key key, other = { .code = CODE_IP, .n = 1, .addr = addr_of(R1) };

		if (rows[i].dst)
			path.dst = addr_of(rows[i].dst);
		strcpy(path.name, "p");
		arrange();
		node_clear(node->maps.fantel_tunnels, sizeof(__u64));
		mark_path(path);
		assert_int_equal(encap_keys(&key, 1, &path), 1);
		tell_failure(&other);
		assert_true(outcome_is(&got, rows[i].sentence, XDP_DROP, REASON_UNMATCHED));
		check_marked("roce6", "it is still used");
		tell_failure(&key);
		assert_true(outcome_is(&got, rows[i].sentence, XDP_DROP, REASON_FAILED));
		run(golden("roce6"));
		assert_true(outcome_is(&got, rows[i].sentence, XDP_DROP, REASON_NO_PATH));
	}
}

static void two_marks_share(void **state)
{
	struct policy_path other = golden_path("encaps-3");
	struct nexthop nh = nexthop_fresh();
	struct mark_meta meta;

	arrange();
	other.tunnel = TUNNEL_MARK;
	other.mark = 7;
	other.n_segments = 2;
	node_path(node, 1, &other);
	node_nexthop(node, 1, &nh);
	node_group(node, 0, FATE_DROP, 2, NULL, NULL);
	for (int failed = 0; failed < 2; failed++) {
		node_failures(node, 0, failed == 0);
		node_failures(node, 1, failed == 1);
		run(golden("roce6"));
		assert_true(outcome_is(&got, "one of two", XDP_PASS, REASON_NONE));
		memcpy(&meta, got.out.b, sizeof(meta));
		assert_int_equal(meta.value, failed == 0 ? 7 : MARK);
	}
	node_failures(node, 1, 0);
}

static void what_is_not_steered_is_not_marked(void **state)
{
	arrange();
	run(golden("roce6 hop limit 1"));
	assert_true(outcome_is(&got, "used up", XDP_PASS, REASON_HOP_LIMIT));
	assert_true(bytes_are(&got.out, "used up", golden("roce6 hop limit 1"), NULL));
	run(golden("roce6 elsewhere"));
	assert_true(outcome_is(&got, "of no class", XDP_PASS, REASON_NO_CLASS));
	assert_true(bytes_are(&got.out, "of no class", golden("roce6 elsewhere"), NULL));
}

/* Unmarked it would leave outside any tunnel. */
static void without_room_it_is_dropped(void **state)
{
	arrange();
	if (!node_run_room(node, node->progs.fantel_customer, 0, golden("roce6"), &got))
		skip();
	assert_true(outcome_is(&got, "no room for metadata", XDP_DROP, REASON_NO_METADATA));
}

static void tc_leaves_others_alone(void **state)
{
	struct __sk_buff skb = { .mark = 5 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = golden("roce6")->b,
		    .data_size_in = golden("roce6")->len, .ctx_in = &skb,
		    .ctx_size_in = sizeof(skb), .ctx_out = &skb, .ctx_size_out = sizeof(skb));

	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(node->progs.fantel_ingress), &opts), 0);
	assert_int_equal((int)opts.retval, -1); /* whoever comes next decides */
	assert_int_equal(skb.mark, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST("every packet of the class gets the mark, and nothing else",
		     every_packet_of_the_class),
		TEST("traffic is counted on the path", traffic_is_counted_on_the_path),
		TEST("what is too long for a link is the kernel's affair", size_is_the_kernels_affair),
		TEST("a path whose way is down is not used, if that is known", the_way_is_watched),
		TEST("a failure names it as policy does", a_failure_names_it),
		TEST("each of two has its own mark", two_marks_share),
		TEST("what is not steered is not marked", what_is_not_steered_is_not_marked),
		TEST("without room for the mark the packet is dropped", without_room_it_is_dropped),
		TEST("at tc, what has no mark of ours keeps its own", tc_leaves_others_alone),
	};
	struct config config = node_config();
	int failed;

	node = node_load(&config);
	node_class(node, "2001:db8:2::/48", 0);
	node_class(node, "203.0.113.0/24", 0);
	node_source(node, "2001:db8:f::/64");
	failed = cmocka_run_group_tests_name("mark", tests, NULL, NULL);
	fantel_bpf__destroy(node);
	return failed;
}
