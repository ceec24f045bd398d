// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * Fuzzes what `fantel decode' does with a packet: of one that is no notification it says why, and
 * where in the packet; of one that is, every field, as JSON and as text. It reads nothing outside the
 * packet (the copy is exactly as long as the input, so the sanitizer sees).
 *
 * Inputs: a byte that says whether the message's checksum is made right, then the packet from its IP
 * header on. They grow out of the golden messages.
 */
#include "../golden/messages.h"
#include "describe.h"
#include "fantel/frame.h"
#include "fuzz.h"
#include "packet.h"

/* The checksum that the message in the packet should have. */
static void mend(__u8 *bytes, const struct packet *p)
{
	bool udp = p->envelope.transport == TRANSPORT_UDP;
	__u32 len = p->len - p->l4, at = udp ? UDP_OFF_SUM : ICMP_OFF_SUM;
	struct msg_buf buf = {};

	if (len < at + 2 || len > WIRE_MSG_MAX)
		return;
	store16(bytes + p->l4 + at, 0);
	memcpy(buf.b, bytes + p->l4, len);
	store16(bytes + p->l4 + at, msg_checksum(&buf, &p->envelope, len));
}

static void check_described(const struct msg *m, const struct msg_buf *buf,
			    const struct msg_rules *rules)
{
	json_t *json = json_object();
	char *text = NULL, *line;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	REQUIRE(json && out);
	describe_msg(json, m, buf, rules);
	describe_print("packet", json, out);
	fclose(out);
	line = json_dumps(json, JSON_COMPACT);
	REQUIRE(line && size);
	free(line);
	free(text);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size)
{
	struct msg_rules rules = msg_rules_default();
	struct finding finding = {};
	size_t n = size ? size - 1 : 0;
	__u8 *bytes = malloc(n ?: 1);
	struct packet packet;
	struct msg_buf buf;
	struct msg msg;
	bool ok;

	REQUIRE(bytes);
	memcpy(bytes, input + !!size, n);
	ok = packet_read(&packet, &finding, bytes, n, &rules);
	if (ok) {
		if (input[0] & 1)
			mend(bytes, &packet);
		ok = packet_parse(&msg, &finding, &buf, &packet, bytes, &rules);
	}
	if (ok)
		check_described(&msg, &buf, &rules);
	else
		REQUIRE(finding.reason && finding.reason < REASON_COUNT && finding.at <= n &&
			memchr(finding.detail, 0, sizeof(finding.detail)));
	free(bytes);
	return 0;
}

/* ---- inputs ---------------------------------------------------------------------------------- */

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);

static __u32 put_header(__u8 *ip, const struct msg_envelope *e, __u32 len)
{
	__u8 protocol = e->transport == TRANSPORT_UDP ? PROTO_UDP : PROTO_ICMPV6;

	if (addr_is_v4(&e->src)) {
		memset(ip, 0, IPV4_LEN);
		store32(ip, be32(0x45U << 24 | (IPV4_LEN + len)));
		ip[IPV4_OFF_TTL] = 255;
		ip[IPV4_OFF_PROTO] = protocol;
		store32(ip + IPV4_OFF_SRC, e->src.l_be[3]);
		store32(ip + IPV4_OFF_DST, e->dst.l_be[3]);
		return IPV4_LEN;
	}
	memset(ip, 0, IPV6_LEN);
	store32(ip, be32(6U << 28));
	store16(ip + IPV6_OFF_LEN, be16(len));
	ip[IPV6_OFF_NEXTHDR] = protocol;
	ip[IPV6_OFF_HOP_LIMIT] = 255;
	addr_store(ip + IPV6_OFF_SRC, &e->src);
	addr_store(ip + IPV6_OFF_DST, &e->dst);
	return IPV6_LEN;
}

/* Now and then a golden message begins anew: the corpus, without binaries in the tree. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	const struct vector *v;
	__u32 header;

	if (size > 1 && seed % 16)
		return LLVMFuzzerMutate(data, size, max);
	if (!n_vectors)
		vectors_read(SRCDIR "/selftests/golden/messages.json");
	v = &vectors[seed / 16 % n_vectors];
	if (max < 1 + IPV6_LEN + v->len)
		return LLVMFuzzerMutate(data, size, max);
	data[0] = 1;
	header = put_header(data + 1, &v->envelope, v->len);
	memcpy(data + 1 + header, v->bytes, v->len);
	return 1 + header + v->len;
}
