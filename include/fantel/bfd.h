/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * BFD, asynchronous mode over one hop (RFC 5880, RFC 5881): the control packet, and the rules of a
 * session as pure functions. bfd.bpf.h receives by them and the loader sends by them; who keeps what
 * of a session, abi.h says.
 */
#ifndef FANTEL_BFD_H
#define FANTEL_BFD_H

#include "reason.h"

#define BFD_PORT 3784
#define BFD_ECHO_PORT 3785
#define BFD_SPORT_MIN 49152 /* RFC 5881 §4 */
#define BFD_TTL 255	    /* sent, and nothing less is believed: RFC 5881 §5 */
#define BFD_SLOW_US 1000000 /* at least, until a session is up: RFC 5880 §6.8.3 */

/*
 *  0                   1                   2                   3
 * |Vers |  Diag   |Sta|P|F|C|A|D|M|  Detect Mult  |    Length     |
 * |                       My Discriminator                        |
 * |                      Your Discriminator                       |
 * |                    Desired Min TX Interval                    |  microseconds
 * |                   Required Min RX Interval                    |
 * |                 Required Min Echo RX Interval                 |
 */
#define BFD_LEN 24
#define BFD_OFF_FLAGS 1
#define BFD_OFF_MULT 2
#define BFD_OFF_LEN 3
#define BFD_OFF_MINE 4
#define BFD_OFF_YOURS 8
#define BFD_OFF_MIN_TX 12
#define BFD_OFF_MIN_RX 16
#define BFD_OFF_MIN_ECHO_RX 20

#define BFD_VERSION 1
#define BFD_VERSION_SHIFT 5
#define BFD_DIAG_MASK 0x1f
#define BFD_STATE_SHIFT 6
#define BFD_POLL 0x20
#define BFD_FINAL 0x10
#define BFD_AUTH 0x04
#define BFD_DEMAND 0x02
#define BFD_MULTIPOINT 0x01

#define BFD_STATES(X)                                                                              \
	X(ADMIN_DOWN, 0, "admin-down")                                                             \
	X(DOWN, 1, "down")                                                                         \
	X(INIT, 2, "init")                                                                         \
	X(UP, 3, "up")

#define BFD_DIAGS(X)                                                                               \
	X(NONE, 0, "none")                                                                         \
	X(EXPIRED, 1, "detection-time-expired")                                                    \
	X(ECHO, 2, "echo-failed")                                                                  \
	X(NEIGHBOUR, 3, "neighbor-down")                                                           \
	X(RESET, 4, "forwarding-reset")                                                            \
	X(PATH, 5, "path-down")                                                                    \
	X(CONCATENATED, 6, "concatenated-path-down")                                               \
	X(ADMIN, 7, "admin-down")                                                                  \
	X(REVERSE, 8, "reverse-path-down")

enum bfd_state {
#define X(NAME, value, word) BFD_##NAME = value,
	BFD_STATES(X)
#undef X
};

enum bfd_diag {
#define X(NAME, value, word) BFD_DIAG_##NAME = value,
	BFD_DIAGS(X)
#undef X
};

/* A control packet. */
struct bfd_packet {
	__u8 state, diag, flags, mult;
	__u32 mine, yours; /* discriminators */
	__u32 min_tx_us, min_rx_us, min_echo_rx_us;
};

/*
 * Read the `len` bytes of a UDP packet's payload; `b` holds BFD_LEN of them or more where len says
 * so. REASON_NONE and a filled *p, or what RFC 5880 §6.8.6 finds wrong before it looks for the
 * session; *p is then untouched.
 */
FN enum reason bfd_parse(struct bfd_packet *p, const __u8 *b, __u32 len)
{
	__u8 flags, state;

	if (len < BFD_LEN)
		return REASON_BFD_LENGTH;
	if (b[0] >> BFD_VERSION_SHIFT != BFD_VERSION)
		return REASON_BFD_VERSION;
	if (b[BFD_OFF_LEN] < BFD_LEN || b[BFD_OFF_LEN] > len)
		return REASON_BFD_LENGTH;
	flags = b[BFD_OFF_FLAGS];
	state = flags >> BFD_STATE_SHIFT;
	if (flags & BFD_AUTH)
		return REASON_BFD_AUTH;
	if (!b[BFD_OFF_MULT] || flags & BFD_MULTIPOINT)
		return REASON_BFD_FIELD;
	if (!load32(b + BFD_OFF_MINE))
		return REASON_BFD_ZERO;
	if (!load32(b + BFD_OFF_YOURS) && state != BFD_DOWN && state != BFD_ADMIN_DOWN)
		return REASON_BFD_STATE;
	p->state = state;
	p->diag = b[0] & BFD_DIAG_MASK;
	p->flags = flags;
	p->mult = b[BFD_OFF_MULT];
	p->mine = be32(load32(b + BFD_OFF_MINE));
	p->yours = be32(load32(b + BFD_OFF_YOURS));
	p->min_tx_us = be32(load32(b + BFD_OFF_MIN_TX));
	p->min_rx_us = be32(load32(b + BFD_OFF_MIN_RX));
	p->min_echo_rx_us = be32(load32(b + BFD_OFF_MIN_ECHO_RX));
	return REASON_NONE;
}

/* The same back; of `flags` the lower six. */
FN void bfd_write(__u8 b[BFD_LEN], const struct bfd_packet *p)
{
	b[0] = BFD_VERSION << BFD_VERSION_SHIFT | (p->diag & BFD_DIAG_MASK);
	b[BFD_OFF_FLAGS] = p->state << BFD_STATE_SHIFT | (p->flags & 0x3f);
	b[BFD_OFF_MULT] = p->mult;
	b[BFD_OFF_LEN] = BFD_LEN;
	store32(b + BFD_OFF_MINE, be32(p->mine));
	store32(b + BFD_OFF_YOURS, be32(p->yours));
	store32(b + BFD_OFF_MIN_TX, be32(p->min_tx_us));
	store32(b + BFD_OFF_MIN_RX, be32(p->min_rx_us));
	store32(b + BFD_OFF_MIN_ECHO_RX, be32(p->min_echo_rx_us));
}

/* ---- the rules of a session ------------------------------------------------------------------ */

/* The state after one packet: RFC 5880 §6.8.6. `now` is not AdminDown, in which nothing is heard. */
FN enum bfd_state bfd_next(enum bfd_state now, enum bfd_state heard)
{
	if (heard == BFD_ADMIN_DOWN)
		return BFD_DOWN;
	if (now == BFD_UP)
		return heard == BFD_DOWN ? BFD_DOWN : BFD_UP;
	if (now == BFD_INIT)
		return heard == BFD_DOWN ? BFD_INIT : BFD_UP;
	if (heard == BFD_DOWN)
		return BFD_INIT;
	return heard == BFD_INIT ? BFD_UP : BFD_DOWN;
}

/* How long the peer may be silent, from what it said and what it was asked for: §6.8.4. */
FN __u64 bfd_detection_ns(__u32 mult, __u32 its_min_tx_us, __u32 our_min_rx_us)
{
	return (__u64)mult * MAX(its_min_tx_us, our_min_rx_us) * 1000;
}

/*
 * The time from one packet to the next: §6.8.7. The larger of what we want and what the peer can
 * take, less up to a quarter, so that routers do not fall into step; of a single packet that the
 * detection rests on, at least a tenth. `random` is any number.
 */
FN __u64 bfd_pause_ns(__u32 our_min_tx_us, __u32 its_min_rx_us, __u32 mult, __u32 random)
{
	__u64 pause_ns = (__u64)MAX(our_min_tx_us, its_min_rx_us) * 1000;
	__u32 least = mult == 1 ? 10 : 0, most = 25; /* percent */

	return pause_ns - pause_ns * (least * 10 + random % ((most - least) * 10 + 1)) / 1000;
}

/* ---- echo ------------------------------------------------------------------------------------ */

/* What an echo packet holds is its sender's affair: our discriminator, and which one it is. */
#define BFD_ECHO_LEN 8
#define BFD_ECHO_OFF_MINE 0
#define BFD_ECHO_OFF_SEQUENCE 4
#define BFD_ECHO_TTL_BACK 254 /* at least: the neighbour is the only router on its way */

/* When each of the latest echoes left, by the low bits of its number. */
#define BFD_ECHOES 16

/*
 * When it is certain that echoes do not come back: `mult` in a row, sent after number `back`, which
 * did, are missing, and the last of them has had an interval more than one usually takes. 0: not so
 * many were sent, so nothing can be said; who sends late is not punished for it.
 */
FN __u64 bfd_echo_end(const __u64 sent_ns[BFD_ECHOES], __u32 sent, __u32 back, __u32 mult,
		      __u64 interval_ns, __u64 rtt_ns)
{
	if (sent - back < mult)
		return 0;
	return sent_ns[(back + mult) % BFD_ECHOES] + interval_ns + rtt_ns;
}

#endif
