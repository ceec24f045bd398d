// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Sends RoCEv2 packets at a steady rate over many queue pairs, each with its own source port,
 * DestQP and rising PSN, with valid checksums and ICRC and the time of sending in the payload.
 * Started by the lab inside a namespace; writes to one packet socket. Prints `ready` when it may be
 * interrupted, and at the end a JSON summary. Its log says when each packet was sent.
 */
#include <argp.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "roce.h"

#define BATCH_MAX 8
#define TTL 64
/* Further behind than this, the schedule starts anew instead of bursting. */
#define STALL_NS 2000000

struct settings {
	const char *dev, *log;
	struct in6_addr src, dst; /* IPv4 in the last four bytes */
	bool v4;
	__u8 dmac[6], smac[6];
	unsigned int flows, payload, batch, rate, qp, sport, tos, print;
	unsigned int count; /* packets; from rate and seconds unless given */
	double seconds;
	bool write, spin;
};

/* A queue pair: its packet, finished but for PSN, stamp, ICRC and UDP checksum. */
struct flow {
	__u8 frame[ROCE_FRAME_MAX];
	unsigned int len, ip_len;
	__u32 sequence;
	__u32 icrc; /* over the headers */
	__u32 sum;  /* of the UDP checksum, without what varies */
	struct bth *bth;
	struct stamp *stamp;
};

static struct settings set = {
	.flows = 32,
	.payload = 256,
	.batch = 2,
	.rate = 50000,
	.qp = 0x100,
	.sport = 49152,
	.tos = 26 << 2 | 2, /* DSCP 26, ECT(0) */
	.seconds = 1,
};
static volatile sig_atomic_t stopped;
static FILE *log_file;

static __u32 sum16(const void *p, unsigned int len, __u32 sum)
{
	const __u8 *b = p;

	for (; len > 1; b += 2, len -= 2)
		sum += b[0] << 8 | b[1];
	return len ? sum + (b[0] << 8) : sum;
}

static __u16 fold(__u32 sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static unsigned int reth_len(void)
{
	return set.write ? RETH_LEN : 0;
}

/* Lengths are multiples of four, so that the BTH's pad count is 0. */
static unsigned int udp_len(void)
{
	return UDP_LEN + BTH_LEN + reth_len() + set.payload + ICRC_LEN;
}

static void build_ip(__u8 *ip)
{
	if (set.v4) {
		const __be16 len = htons(IPV4_LEN + udp_len());
		__u16 sum;

		memcpy(ip, (__u8[]){ 0x45, set.tos, 0, 0, 0, 0, 0x40, 0, TTL, IPPROTO_UDP }, 10);
		memcpy(ip + 2, &len, 2);
		memcpy(ip + 12, &set.src.s6_addr32[3], 4);
		memcpy(ip + 16, &set.dst.s6_addr32[3], 4);
		sum = htons(fold(sum16(ip, IPV4_LEN, 0)));
		memcpy(ip + 10, &sum, 2);
	} else {
		const __be32 first = htonl(6U << 28 | set.tos << 20);
		const __be16 len = htons(udp_len());

		memcpy(ip, &first, 4);
		memcpy(ip + 4, &len, 2);
		ip[6] = IPPROTO_UDP;
		ip[7] = TTL;
		memcpy(ip + 8, &set.src, 16);
		memcpy(ip + 24, &set.dst, 16);
	}
}

static void build_flow(struct flow *flow, unsigned int index)
{
	const __be16 ethertype = htons(set.v4 ? ETH_P_IP : ETH_P_IPV6);
	__u8 *ip = flow->frame + ETH_LEN, *udp, *payload;
	__be16 ports[3] = { htons(set.sport + index), htons(ROCE_PORT), htons(udp_len()) };

	flow->ip_len = set.v4 ? IPV4_LEN : IPV6_LEN;
	flow->len = ETH_LEN + flow->ip_len + udp_len();
	memcpy(flow->frame, set.dmac, 6);
	memcpy(flow->frame + 6, set.smac, 6);
	memcpy(flow->frame + 12, &ethertype, 2);
	build_ip(ip);
	udp = ip + flow->ip_len;
	memcpy(udp, ports, sizeof(ports));
	flow->bth = (struct bth *)(udp + UDP_LEN);
	flow->bth->opcode = set.write ? BTH_RC_WRITE_ONLY : BTH_RC_SEND_ONLY;
	flow->bth->pkey_be = htons(0xffff);
	put24(flow->bth->qp, set.qp + index);
	payload = udp + UDP_LEN + BTH_LEN + reth_len();
	if (set.write) /* virtual address and key are the flow's; the length is the payload's */
		memcpy(payload - 4, &(__be32){ htonl(set.payload) }, 4);
	for (unsigned int i = sizeof(struct stamp); i < set.payload; i++)
		payload[i] = i;
	flow->stamp = (struct stamp *)payload;
	flow->stamp->magic = STAMP_MAGIC;
	flow->stamp->flow = index;
	flow->icrc = icrc_headers(ip, flow->ip_len);
	/* pseudo-header: addresses, length, protocol; then the datagram, with what varies zero */
	flow->sum = sum16(ip + (set.v4 ? 12 : 8), set.v4 ? 8 : 32, udp_len() + IPPROTO_UDP);
	flow->sum = sum16(udp, udp_len(), flow->sum);
}

/* PSN, sequence, time, ICRC, and over all of them the UDP checksum. Over IPv4 that stays 0, as RoCE
 * adapters send it; over IPv6 it may not (RFC 8200 §8.1). */
static void finish_packet(struct flow *flow, __u64 now_ns)
{
	__u8 *udp = flow->frame + ETH_LEN + flow->ip_len;
	__u8 *icrc = udp + udp_len() - ICRC_LEN;
	__u32 crc, sum;
	__be16 check;

	put24(flow->bth->psn, flow->sequence & 0xffffff);
	flow->stamp->sequence = flow->sequence++;
	flow->stamp->tx_ns = now_ns;
	crc = crc32(flow->icrc, &flow->bth->ack, icrc - &flow->bth->ack);
	for (int i = 0; i < ICRC_LEN; i++)
		icrc[i] = crc >> 8 * i;
	if (set.v4)
		return;
	sum = sum16(&flow->bth->ack, 4, flow->sum);
	sum = sum16(&flow->stamp->sequence, sizeof(struct stamp) - 8, sum);
	check = htons(fold(sum16(icrc, ICRC_LEN, sum)));
	if (!check)
		check = 0xffff;
	memcpy(udp + 6, &check, 2);
}

static void wait_until(__u64 at_ns)
{
	struct timespec at = { at_ns / 1000000000, at_ns % 1000000000 };

	if (set.spin)
		while (clock_ns(CLOCK_MONOTONIC) < at_ns && !stopped)
			;
	else
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

struct result {
	__u64 sent, refused, start_ns, end_ns, stalls, longest_ns;
};

/* One batch, round robin over the flows. */
static void send_batch(int fd, struct flow *flows, unsigned int *turn, unsigned int n,
		       struct result *result)
{
	struct mmsghdr messages[BATCH_MAX] = {};
	struct sending sendings[BATCH_MAX];
	struct iovec parts[BATCH_MAX];
	__u64 done_ns;
	int done;

	for (unsigned int i = 0; i < n; i++) {
		struct flow *flow = &flows[(*turn)++ % set.flows];

		sendings[i].tx_ns = clock_ns(CLOCK_MONOTONIC);
		finish_packet(flow, sendings[i].tx_ns);
		parts[i] = (struct iovec){ flow->frame, flow->len };
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	done = sendmmsg(fd, messages, n, 0);
	done_ns = clock_ns(CLOCK_MONOTONIC);
	done = done < 0 ? 0 : done;
	for (unsigned int i = 0; i < n; i++)
		sendings[i].done_ns = done_ns;
	if (log_file)
		fwrite(sendings, sizeof(sendings[0]), n, log_file);
	result->sent += done;
	result->refused += n - done;
}

/* On schedule: packet i at start + i/rate. */
static void send_all(int fd, struct flow *flows, struct result *result)
{
	const double interval_ns = 1e9 / set.rate;
	unsigned int batch = set.batch < set.flows ? set.batch : set.flows, turn = 0;
	__u64 now_ns = clock_ns(CLOCK_MONOTONIC), due_ns, base_ns = now_ns, base = 0, done = 0;

	result->start_ns = now_ns;
	while (done < set.count && !stopped) {
		unsigned int n = batch < set.count - done ? batch : set.count - done;

		due_ns = base_ns + (done - base) * interval_ns;
		if (now_ns < due_ns)
			wait_until(due_ns);
		now_ns = clock_ns(CLOCK_MONOTONIC);
		if (now_ns > due_ns + STALL_NS) {
			result->stalls++;
			if (now_ns - due_ns > result->longest_ns)
				result->longest_ns = now_ns - due_ns;
			base_ns = now_ns;
			base = done;
		}
		send_batch(fd, flows, &turn, n, result);
		done += n;
		now_ns = clock_ns(CLOCK_MONOTONIC);
	}
	result->end_ns = now_ns;
}

static void print_summary(const struct flow *flows, const struct result *r)
{
	printf("{\"sent\": %llu, \"refused\": %llu, \"start_ns\": %llu, \"end_ns\": %llu, "
	       "\"stalls\": %llu, \"longest_stall_ns\": %llu, \"flows\": [",
	       r->sent, r->refused, r->start_ns, r->end_ns, r->stalls, r->longest_ns);
	for (unsigned int i = 0; i < set.flows; i++)
		printf("%s%u", i ? ", " : "", flows[i].sequence);
	printf("]}\n");
}

static void print_frame(const struct flow *flow)
{
	for (unsigned int i = 0; i < flow->len; i++)
		printf("%02x", flow->frame[i]);
	putchar('\n');
}

/* A socket that sends from the port, and the port's MAC address. */
static int open_socket(__u8 *mac)
{
	struct sockaddr_ll from = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(set.v4 ? ETH_P_IP : ETH_P_IPV6),
		.sll_ifindex = if_nametoindex(set.dev),
	};
	struct ifreq request = {};
	int fd = socket(AF_PACKET, SOCK_RAW, 0);

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", set.dev);
	if (fd < 0 || !from.sll_ifindex || bind(fd, (struct sockaddr *)&from, sizeof(from)) ||
	    ioctl(fd, SIOCGIFHWADDR, &request)) {
		fprintf(stderr, "roce_send: %s: no packet socket: %s\n", set.dev, strerror(errno));
		exit(1);
	}
	memcpy(mac, request.ifr_hwaddr.sa_data, 6);
	return fd;
}

static void on_signal(int number)
{
	stopped = 1;
}

enum { OPT_TOS = 256, OPT_QP, OPT_SPORT, OPT_BATCH, OPT_SPIN, OPT_PRINT };

static const struct argp_option options[] = {
	{ "dev", 'd', "PORT", 0, "Port to send from", 0 },
	{ "src", 's', "ADDRESS", 0, "IPv6 or IPv4", 0 },
	{ "dst", 't', "ADDRESS", 0, "Of the same family", 0 },
	{ "gw-mac", 'g', "MAC", 0, "The gateway's", 0 },
	{ "flows", 'f', "N", 0, "Queue pairs (32)", 0 },
	{ "rate", 'r', "N", 0, "Packets a second, all flows together (50000)", 0 },
	{ "payload", 'p', "BYTES", 0, "Multiple of 4, at least 24 (256)", 0 },
	{ "seconds", 'S', "N", 0, "How long (1)", 0 },
	{ "count", 'c', "N", 0, "Packets, instead of --seconds", 0 },
	{ "write", 'w', NULL, 0, "RDMA WRITE only packets instead of SEND only", 0 },
	{ "tos", OPT_TOS, "BYTE", 0, "Traffic class (DSCP 26, ECT(0))", 0 },
	{ "qp", OPT_QP, "N", 0, "First DestQP (0x100)", 0 },
	{ "sport", OPT_SPORT, "N", 0, "First source port (49152)", 0 },
	{ "batch", OPT_BATCH, "N", 0, "Packets a wake-up, 1 to 8 (2)", 0 },
	{ "log", 'l', "FILE", 0, "Write a struct sending (roce.h) for each packet", 0 },
	{ "spin", OPT_SPIN, NULL, 0, "Wait busily: smoother, and one CPU is gone", 0 },
	{ "print", OPT_PRINT, "N", 0, "Print N frames in hex instead of sending", 0 },
	{}
};

static void parse_mac(__u8 *mac, const char *text, struct argp_state *state)
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3, mac + 4,
		   mac + 5) != 6)
		argp_error(state, "%s: not a MAC address", text);
}

static void parse_address(struct in6_addr *addr, const char *text, struct argp_state *state)
{
	set.v4 = !strchr(text, ':');
	if (inet_pton(set.v4 ? AF_INET : AF_INET6, text,
		      set.v4 ? (void *)&addr->s6_addr32[3] : addr) != 1)
		argp_error(state, "%s: not an IP address", text);
}

/* The options that are numbers: where they go and what is allowed. */
static const struct number {
	int key;
	unsigned int *to, min, max;
} numbers[] = {
	{ 'f', &set.flows, 1, ROCE_FLOWS_MAX },
	{ 'r', &set.rate, 1, 10000000 },
	{ 'p', &set.payload, sizeof(struct stamp), 8192 },
	{ 'c', &set.count, 1, ~0U },
	{ OPT_TOS, &set.tos, 0, 255 },
	{ OPT_QP, &set.qp, 1, 0xffffff - ROCE_FLOWS_MAX },
	{ OPT_SPORT, &set.sport, 1, 65535 - ROCE_FLOWS_MAX },
	{ OPT_BATCH, &set.batch, 1, BATCH_MAX },
	{ OPT_PRINT, &set.print, 1, ~0U },
};

static error_t parse_number(int key, const char *text, struct argp_state *state)
{
	for (unsigned int i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const struct number *number = &numbers[i];
		unsigned long value;
		char *end;

		if (number->key != key)
			continue;
		value = strtoul(text, &end, 0);
		if (*end || end == text || value < number->min || value > number->max)
			argp_error(state, "%s: not a number from %u to %u", text, number->min,
				   number->max);
		*number->to = value;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'd':
		set.dev = arg;
		return 0;
	case 's':
		parse_address(&set.src, arg, state);
		return 0;
	case 't':
		parse_address(&set.dst, arg, state);
		return 0;
	case 'g':
		parse_mac(set.dmac, arg, state);
		return 0;
	case 'l':
		set.log = arg;
		return 0;
	case 'S':
		set.seconds = strtod(arg, NULL);
		return 0;
	case 'w':
		set.write = true;
		return 0;
	case OPT_SPIN:
		set.spin = true;
		return 0;
	case ARGP_KEY_END:
		if (!set.dev && !set.print)
			argp_error(state, "--dev is missing");
		return 0;
	}
	return parse_number(key, arg, state);
}

static void log_failed(void)
{
	fprintf(stderr, "roce_send: %s: %s\n", set.log, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "Send RoCEv2 packets at a steady rate.",
	};
	struct result result = {};
	struct flow *flows;
	int fd = -1;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	set.payload &= ~3U;
	if (set.dev)
		fd = open_socket(set.smac);
	if (!set.count)
		set.count = set.seconds * set.rate;
	flows = calloc(set.flows, sizeof(*flows));
	if (!flows)
		return 1;
	for (unsigned int i = 0; i < set.flows; i++)
		build_flow(&flows[i], i);
	for (unsigned int i = 0; i < set.print; i++) {
		finish_packet(&flows[i % set.flows], clock_ns(CLOCK_MONOTONIC));
		print_frame(&flows[i % set.flows]);
	}
	if (!set.print) {
		signal(SIGINT, on_signal);
		signal(SIGTERM, on_signal);
		prctl(PR_SET_TIMERSLACK, 1);
		log_file = set.log ? fopen(set.log, "w") : NULL;
		if (set.log && !log_file)
			log_failed();
		puts("ready");
		fflush(stdout);
		send_all(fd, flows, &result);
		if (log_file && fclose(log_file))
			log_failed();
		print_summary(flows, &result);
	}
	free(flows);
	return 0;
}
