// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Receives what roce_send sent and says what became of it: per flow received, missing, out of order
 * (RFC 4737 §3.3), duplicates, the longest gap; bad ICRCs; congestion marks; latency. With --tap it stands on the
 * egress PE instead, looks into the SRv6 packets and notes which way each came. Started by the lab
 * inside a namespace; reads one packet socket, writes its log. Prints `ready`, and at SIGTERM or
 * SIGINT a JSON summary. Packets that the socket itself lost make the measurement void: they are
 * in the summary, and the exit code is 3.
 */
#include <argp.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "roce.h"

#define BLOCK_SIZE (1U << 20)
#define BLOCKS 64
#define BLOCK_MS 50
#define PATIENCE 20 /* times BLOCK_MS that packets of the end may wait for the kernel to hand them over */
#define SNAP_TAP 384 /* enough for eight segments and the inner headers up to the stamp */
#define PATHS_MAX 64
#define SEGMENTS_MAX 8
#define IPPROTO_SRH 43

struct flow {
	__u32 received, duplicates, out_of_order;
	__u32 next; /* the sequence that is expected: one more than the highest so far */
	__u64 last_ns, gap_ns, gap_start_ns;
	__u8 *seen; /* a bit for each sequence */
	size_t seen_bits;
};

/* A way through the core, as the outer header tells it. */
struct path {
	unsigned int ifindex, n;
	struct in6_addr segment[SEGMENTS_MAX]; /* as in the SRH: the last one travelled first */
	__u64 packets;
};

static struct flow flows[ROCE_FLOWS_MAX];
static struct path paths[PATHS_MAX];
static unsigned int n_paths;
static struct {
	__u64 received, marked, bad_icrc, other, latency_sum_ns, latency_min_ns, latency_max_ns;
} total = { .latency_min_ns = ~0ULL };
static struct {
	const char *dev, *log;
	bool tap;
} set;
static FILE *log_file;
static __s64 wall_to_monotonic_ns;
static volatile sig_atomic_t stopped;

/* The flow's sequence was seen before? Remember it. */
static bool seen_before(struct flow *flow, __u32 sequence)
{
	__u8 bit = 1 << sequence % 8;
	bool before;

	if (sequence >= flow->seen_bits) {
		size_t bits = (sequence + 65536UL) * 2 & ~7UL;

		flow->seen = realloc(flow->seen, bits / 8);
		if (!flow->seen) {
			fprintf(stderr, "roce_recv: out of memory\n");
			exit(1);
		}
		memset(flow->seen + flow->seen_bits / 8, 0, (bits - flow->seen_bits) / 8);
		flow->seen_bits = bits;
	}
	before = flow->seen[sequence / 8] & bit;
	flow->seen[sequence / 8] |= bit;
	return before;
}

static void count_flow(const struct stamp *stamp, __u64 rx_ns)
{
	struct flow *flow = &flows[stamp->flow];

	if (seen_before(flow, stamp->sequence)) {
		flow->duplicates++;
		return;
	}
	if (flow->received++ && rx_ns - flow->last_ns > flow->gap_ns && rx_ns > flow->last_ns) {
		flow->gap_ns = rx_ns - flow->last_ns;
		flow->gap_start_ns = flow->last_ns;
	}
	flow->last_ns = rx_ns;
	if (stamp->sequence < flow->next)
		flow->out_of_order++;
	else
		flow->next = stamp->sequence + 1;
}

static void count_packet(const struct stamp *stamp, __u64 rx_ns, unsigned int path)
{
	__u64 latency_ns = rx_ns > stamp->tx_ns ? rx_ns - stamp->tx_ns : 0;
	struct record record = { stamp->tx_ns, rx_ns, stamp->sequence, stamp->flow, path };

	total.received++;
	total.latency_sum_ns += latency_ns;
	if (latency_ns < total.latency_min_ns)
		total.latency_min_ns = latency_ns;
	if (latency_ns > total.latency_max_ns)
		total.latency_max_ns = latency_ns;
	count_flow(stamp, rx_ns);
	if (log_file)
		fwrite(&record, sizeof(record), 1, log_file);
}

/* Index of the way that an outer IPv6 header and its SRH (NULL: none) name; known from now on. */
static unsigned int path_of(const __u8 *ip, const __u8 *srh, unsigned int ifindex)
{
	struct path path = { .ifindex = ifindex, .n = 1 };
	unsigned int i;

	if (srh) {
		path.n = srh[4] + 1 > SEGMENTS_MAX ? SEGMENTS_MAX : srh[4] + 1;
		memcpy(path.segment, srh + 8, path.n * 16);
	} else {
		memcpy(path.segment, ip + 24, 16);
	}
	for (i = 0; i < n_paths; i++)
		if (paths[i].ifindex == ifindex && paths[i].n == path.n &&
		    !memcmp(paths[i].segment, path.segment, path.n * 16))
			break;
	if (i == PATHS_MAX) {
		fprintf(stderr, "roce_recv: more than %d ways\n", PATHS_MAX);
		exit(1);
	}
	if (i == n_paths)
		paths[n_paths++] = path;
	paths[i].packets++;
	return i;
}

/* Step over the outer header. Returns the inner packet, NULL if there is none, and what it is. */
static const __u8 *unwrap(const __u8 *ip, const __u8 *end, __u8 *next, unsigned int *path,
			  unsigned int ifindex)
{
	const __u8 *srh = NULL, *inner = ip + IPV6_LEN;

	if (inner + 8 > end)
		return NULL;
	*next = ip[6];
	if (*next == IPPROTO_SRH) {
		srh = inner;
		*next = srh[0];
		inner += (srh[1] + 1) * 8;
	}
	if (inner + IPV4_LEN > end || (*next != IPPROTO_IPV6 && *next != IPPROTO_IPIP))
		return NULL;
	*path = path_of(ip, srh, ifindex);
	return inner;
}

static bool icrc_good(const __u8 *ip, unsigned int ip_len, const __u8 *end)
{
	const __u8 *from = ip + ip_len + UDP_LEN + 8, *icrc = end - ICRC_LEN;
	__u32 crc = crc32(icrc_headers(ip, ip_len), from, icrc - from);

	return crc == (icrc[0] | icrc[1] << 8 | icrc[2] << 16 | (__u32)icrc[3] << 24);
}

/* One frame from the ring: `len` bytes of it were kept. Returns false if it is not roce_send's. */
static bool handle_frame(const __u8 *frame, unsigned int len, unsigned int ifindex, __u64 rx_ns)
{
	const __u8 *ip = frame + ETH_LEN, *end = frame + len;
	unsigned int path = 0, ip_len, whole;
	const struct bth *bth;
	struct stamp stamp;
	__u8 next;

	if (len < ETH_LEN + IPV6_LEN)
		return false;
	next = ip[0] >> 4 == 6 ? IPPROTO_IPV6 : IPPROTO_IPIP;
	if (set.tap)
		ip = unwrap(ip, end, &next, &path, ifindex);
	if (!ip)
		return false;
	ip_len = next == IPPROTO_IPV6 ? IPV6_LEN : IPV4_LEN;
	whole = next == IPPROTO_IPV6 ? IPV6_LEN + (ip[4] << 8 | ip[5]) : ip[2] << 8 | ip[3];
	bth = (const struct bth *)(ip + ip_len + UDP_LEN);
	if (ip + ip_len + UDP_LEN + BTH_LEN + RETH_LEN + sizeof(stamp) > end ||
	    ip[next == IPPROTO_IPV6 ? 6 : 9] != IPPROTO_UDP)
		return false;
	memcpy(&stamp, (const __u8 *)(bth + 1) + (bth->opcode == BTH_RC_WRITE_ONLY ? RETH_LEN : 0),
	       sizeof(stamp));
	if (stamp.magic != STAMP_MAGIC || stamp.flow >= ROCE_FLOWS_MAX ||
	    get24(bth->psn) != (stamp.sequence & 0xffffff))
		return false;
	if (!set.tap && (ip + whole > end || !icrc_good(ip, ip_len, ip + whole))) {
		total.bad_icrc++;
		return true;
	}
	total.marked += ((next == IPPROTO_IPV6 ? ip[1] >> 4 : ip[1]) & 3) == 3;
	count_packet(&stamp, rx_ns, path);
	return true;
}

static void handle_block(struct tpacket_block_desc *block)
{
	__u8 *at = (__u8 *)block + block->hdr.bh1.offset_to_first_pkt;

	for (unsigned int i = 0; i < block->hdr.bh1.num_pkts; i++) {
		struct tpacket3_hdr *hdr = (struct tpacket3_hdr *)at;
		struct sockaddr_ll *from = (void *)(at + TPACKET_ALIGN(sizeof(*hdr)));
		__u64 rx_ns = hdr->tp_sec * 1000000000ULL + hdr->tp_nsec + wall_to_monotonic_ns;

		if (!handle_frame(at + hdr->tp_mac, hdr->tp_snaplen, from->sll_ifindex, rx_ns))
			total.other++;
		at += hdr->tp_next_offset;
	}
	__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

static int fail(const char *what)
{
	fprintf(stderr, "roce_recv: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int open_socket(__u8 **ring)
{
	struct sock_filter keep = { BPF_RET | BPF_K, 0, 0, set.tap ? SNAP_TAP : ROCE_FRAME_MAX };
	struct sock_fprog filter = { 1, &keep };
	struct tpacket_req3 request = {
		.tp_block_size = BLOCK_SIZE,
		.tp_block_nr = BLOCKS,
		.tp_frame_size = 2048,
		.tp_frame_nr = BLOCK_SIZE / 2048 * BLOCKS,
		.tp_retire_blk_tov = BLOCK_MS,
	};
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int one = 1, version = TPACKET_V3;
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof(filter)) ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request)))
		fail("no packet socket with a ring");
	*ring = mmap(NULL, BLOCK_SIZE * BLOCKS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
		     fd, 0);
	if (*ring == MAP_FAILED)
		fail("ring");
	if (set.dev) {
		at.sll_ifindex = if_nametoindex(set.dev);
		if (!at.sll_ifindex)
			fail(set.dev);
	}
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)))
		fail("bind");
	return fd;
}

/* Until it is told to stop and has all that came: a block belongs to the kernel while it fills, which tells
 * all the same how many packets are in it. */
static void receive(int fd, __u8 *ring)
{
	struct pollfd poll_fd = { fd, POLLIN | POLLERR, 0 };
	unsigned int at = 0, patience = PATIENCE;

	for (;;) {
		struct tpacket_block_desc *block = (void *)(ring + at * BLOCK_SIZE);
		__u32 filled = __atomic_load_n(&block->hdr.bh1.num_pkts, __ATOMIC_RELAXED);

		if (__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) &
		    TP_STATUS_USER) {
			handle_block(block);
			at = (at + 1) % BLOCKS;
		} else if (stopped && (!filled || !patience--)) {
			return;
		} else {
			poll(&poll_fd, 1, BLOCK_MS);
		}
	}
}

static void print_paths(void)
{
	char text[INET6_ADDRSTRLEN], port[IF_NAMESIZE];

	printf("\"paths\": [");
	for (unsigned int i = 0; i < n_paths; i++) {
		printf("%s{\"port\": \"%s\", \"packets\": %llu, \"segments\": [", i ? ", " : "",
		       if_indextoname(paths[i].ifindex, port) ?: "", paths[i].packets);
		for (int j = paths[i].n - 1; j >= 0; j--)
			printf("\"%s\"%s",
			       inet_ntop(AF_INET6, &paths[i].segment[j], text, sizeof(text)),
			       j ? ", " : "");
		printf("]}");
	}
	printf("], ");
}

static void print_flows(void)
{
	const char *comma = "";

	printf("\"flows\": [");
	for (unsigned int i = 0; i < ROCE_FLOWS_MAX; i++) {
		const struct flow *f = &flows[i];

		if (!f->received)
			continue;
		printf("%s{\"flow\": %u, \"received\": %u, \"missing\": %u, \"out_of_order\": %u, "
		       "\"duplicates\": %u, \"gap_ns\": %llu, \"gap_start_ns\": %llu}",
		       comma, i, f->received, f->next - f->received, f->out_of_order, f->duplicates,
		       f->gap_ns, f->gap_start_ns);
		comma = ", ";
	}
	printf("]}\n");
}

/* Returns how many packets the socket itself lost. */
static unsigned int print_summary(int fd)
{
	struct tpacket_stats_v3 stats = {};
	socklen_t len = sizeof(stats);

	if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len))
		fail("PACKET_STATISTICS");
	printf("{\"received\": %llu, \"marked\": %llu, \"bad_icrc\": %llu, \"other\": %llu, "
	       "\"capture_drops\": %u, "
	       "\"latency_ns\": {\"min\": %llu, \"mean\": %llu, \"max\": %llu}, ",
	       total.received, total.marked, total.bad_icrc, total.other, stats.tp_drops,
	       total.received ? total.latency_min_ns : 0,
	       total.received ? total.latency_sum_ns / total.received : 0, total.latency_max_ns);
	print_paths();
	print_flows();
	return stats.tp_drops;
}

static void on_signal(int number)
{
	stopped = 1;
}

static const struct argp_option options[] = {
	{ "dev", 'd', "PORT", 0, "Port to listen on (all)", 0 },
	{ "log", 'l', "FILE", 0, "Write a struct record (roce.h) for each packet", 0 },
	{ "tap", 't', NULL, 0, "Look into SRv6 and note the way", 0 },
	{}
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'd':
		set.dev = arg;
		return 0;
	case 'l':
		set.log = arg;
		return 0;
	case 't':
		set.tap = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "Receive the packets of roce_send and judge them.",
	};
	struct sigaction action = { .sa_handler = on_signal };
	unsigned int dropped;
	__u8 *ring;
	int fd;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	fd = open_socket(&ring);
	if (set.log) {
		log_file = fopen(set.log, "w");
		if (!log_file)
			fail(set.log);
	}
	wall_to_monotonic_ns = clock_ns(CLOCK_MONOTONIC) - clock_ns(CLOCK_REALTIME);
	printf("ready\n");
	fflush(stdout);
	receive(fd, ring);
	if (log_file && fclose(log_file))
		fail(set.log);
	dropped = print_summary(fd);
	return dropped ? 3 : 0;
}
