/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * All bounds checks on messages; those on packets are in frame.h and bpf/packet.bpf.h. Two tools:
 *
 *   cursor  a message that was copied into a struct msg_buf, by index: what varies in length
 *   writer  a message being built in a struct msg_buf, by index
 *
 * Each hands out memory that the caller may then use without another check, or NULL, and then it
 * has not moved.
 */
#ifndef FANTEL_CURSOR_H
#define FANTEL_CURSOR_H

#include "base.h"
#include "wire.h"

/*
 * clang may compute an index once, check one copy in one register and use another one; what the
 * verifier learned from the check is then lost: "R2 unbounded memory access, make sure to bounds
 * check any such access". An index that went through here exists once.
 */
#define CURSOR_PIN(x) asm volatile("" : "+r"(x))

/*
 * What was stored in memory that the verifier does not follow, read back: it forgets what it knew
 * of the number, and the paths that lead here become one. Without, it walks each to its end:
 * "BPF program is too large. Processed 1000001 insn".
 */
#define CURSOR_FORGET(x) (*(volatile __typeof__(x) *)&(x))

/* ---- struct msg_buf: a message outside its packet -------------------------------------------- */

/*
 * From the ICMPv6 or UDP header on, at `b`. In front there is room for the Ethernet and IP header,
 * so that a whole packet can be built in one piece, and for the part of a MAC's input that does not
 * stand next to Tunnel Info; behind it for whole-block copies and for SHA-256's padding. What the
 * two rooms contain never matters. A type of its own, because a global BPF function learns the size
 * of what it is given from the type.
 */
#define MSG_BUF_FRONT 64
#define MSG_BUF_BACK 132
#define MSG_BUF_LEN (MSG_BUF_FRONT + WIRE_MSG_MAX + MSG_BUF_BACK)

struct sip {
	__u64 v0, v1, v2, v3;
};

/* What the computation of a MAC keeps: BPF's 512 bytes of stack are for all functions that are under
 * way, and a MAC comes at the end of a long row of them. */
struct msg_work {
	__u64 kept[4];
	struct sip sip;
	__u32 hash[8]; /* SHA-256: H */
	__u32 w[16];   /* the message schedule */
	__u32 m[4];    /* and of its eight variables four */
};

struct msg_buf {
	__u8 front[MSG_BUF_FRONT];
	__u8 b[WIRE_MSG_MAX];
	__u8 back[MSG_BUF_BACK];
	struct msg_work work;
} __attribute__((aligned(8)));

/* n bytes (a constant) at `place`, counted from the start of `front`; NULL beyond the buffer. */
FN __u8 *msg_buf_place(const struct msg_buf *buf, __u32 place, __u32 n)
{
	CURSOR_PIN(place);
	/* Else: "R1 unbounded memory access, make sure to bounds check any such access". */
	if (place > MSG_BUF_LEN - n)
		return NULL;
	return (__u8 *)buf + place;
}

/* The same counted from the start of `b`, where messages start. */
FN __u8 *msg_buf_at(const struct msg_buf *buf, __u32 at, __u32 n)
{
	return msg_buf_place(buf, MSG_BUF_FRONT + at, n);
}

/* n bytes, a constant and a multiple of 8, at any alignment: of memcpy and memset on bytes clang
 * makes single-byte stores. */
FN void words_copy(void *dst, const void *src, __u32 n)
{
	for (__u32 i = 0; i < n; i += 8)
		store64((__u8 *)dst + i, load64((const __u8 *)src + i));
}

FN void words_zero(void *dst, __u32 n)
{
	for (__u32 i = 0; i < n; i += 8)
		store64((__u8 *)dst + i, 0);
}

/* ---- cursor: reading a message --------------------------------------------------------------- */

struct cursor {
	__u32 at;  /* index in msg_buf.b */
	__u32 end; /* one past the last byte that may be taken; at <= end <= WIRE_MSG_MAX */
};

FN __u32 cursor_left(const struct cursor *c)
{
	return c->end - c->at;
}

/* The next n bytes, n a constant; NULL if fewer are left. */
FN const __u8 *cursor_take(struct cursor *c, const struct msg_buf *buf, __u32 n)
{
	const __u8 *p = NULL;

	if (n <= c->end - c->at && (p = msg_buf_at(buf, c->at, n)))
		c->at += n;
	return p;
}

/* Move on by n bytes. */
FN bool cursor_skip(struct cursor *c, __u32 n)
{
	if (n > c->end - c->at)
		return false;
	c->at += n;
	return true;
}

/* ---- writer: building a message -------------------------------------------------------------- */

/* Once something did not fit, `full` stays set: a row of writes needs one check, at its end. */
struct writer {
	struct msg_buf *buf;
	__u32 at;
	__u32 end; /* <= WIRE_MSG_MAX */
	bool full;
};

/*
 * Room for n bytes, to be filled by the caller. `block` (a constant, n <= block <= MSG_BUF_BACK) is
 * how much may be stored there: a copy of a fixed number of words is cheaper than one of n bytes,
 * and what it leaves behind n is overwritten or never read.
 */
FN __u8 *writer_block(struct writer *w, __u32 n, __u32 block)
{
	__u8 *p = NULL;

	if (n <= w->end - w->at && n <= block && (p = msg_buf_at(w->buf, w->at, block)))
		w->at += n;
	else
		w->full = true;
	return p;
}

/* What comes next is then verified once, not for every length of what came before (CURSOR_FORGET). */
FN void writer_forget(struct writer *w)
{
	store32(w->buf->front, w->at);
	w->at = CURSOR_FORGET(*(__u32 *)w->buf->front);
}

/* Room for n bytes, n a constant. */
FN __u8 *writer_take(struct writer *w, __u32 n)
{
	return writer_block(w, n, n);
}

#endif
