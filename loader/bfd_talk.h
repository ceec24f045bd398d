/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What one end of a BFD session says, and when: the sender's half of RFC 5880 as pure functions over
 * what bfd.bpf.h has heard. Used by bfd.c, which has the sockets and the clock.
 */
#ifndef BFD_TALK_H
#define BFD_TALK_H

#include "fantel/abi.h"
#include "fantel/bfd.h"

struct bfd_talk {
	/* of policy: */
	__u32 want_tx_us, want_rx_us, echo_us; /* 0: no echoes */
	__u8 mult;
	/* so far: */
	__u32 state;	 /* as we said it last */
	__u32 min_tx_us; /* as we say it; at least a second while the session is not up */
	__u32 pace_us;	 /* as we keep to it */
	__u32 min_rx_us; /* as the peer goes by it */
	bool poll;	 /* a Poll Sequence is on: new numbers, which the peer has not confirmed */
	__u32 finals, polls; /* of struct bfd_session: heard before that; answered */
	__u32 its_min_rx_us;
	__u64 sent_ns, next_ns;
};

/* A session that begins. */
void bfd_talk_begin(struct bfd_talk *talk, __u64 now_ns);

/* One that another loader has led until now, as `set` has it. */
void bfd_talk_go_on(struct bfd_talk *talk, const struct bfd_set *set, const struct bfd_session *b,
		    __u64 now_ns);

enum bfd_say {
	BFD_SAY_STATE = 1,  /* the periodic packet, or one before its time */
	BFD_SAY_FINAL = 2,  /* the answer to a poll, at once */
};

/* What is to be said now, a set of enum bfd_say: *talk is as if it had been. Afterwards min_tx_us,
 * min_rx_us and next_ns are those from now on. `random` is any number. */
unsigned int bfd_talk(struct bfd_talk *talk, const struct bfd_session *b, __u64 now_ns,
		      __u32 random);

/* How often to send an echo now; 0 = not at all: the session is not up, or one end wants none. */
__u64 bfd_echo_pause_ns(const struct bfd_talk *talk, const struct bfd_session *b);

/* The packet that says it. */
struct bfd_packet bfd_talk_packet(const struct bfd_talk *talk, const struct bfd_set *set,
				  const struct bfd_session *b, enum bfd_say say);

#endif
