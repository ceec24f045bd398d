// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include "bfd_talk.h"

void bfd_talk_begin(struct bfd_talk *talk, __u64 now_ns)
{
	talk->state = BFD_DOWN;
	talk->min_tx_us = talk->pace_us = MAX(BFD_SLOW_US, talk->want_tx_us);
	talk->min_rx_us = talk->want_rx_us;
	talk->next_ns = now_ns;
}

/* What was last said may differ from what policy wants now: ask. */
void bfd_talk_go_on(struct bfd_talk *talk, const struct bfd_set *set, const struct bfd_session *b,
		    __u64 now_ns)
{
	talk->state = b->state;
	talk->min_tx_us = talk->pace_us = set->min_tx_us;
	talk->min_rx_us = set->min_rx_us;
	talk->poll = b->state == BFD_UP;
	talk->finals = b->finals;
	talk->polls = b->polls;
	talk->next_ns = now_ns;
}

/*
 * RFC 5880 §6.8.3: new numbers are confirmed by a Poll Sequence while the session is up. Until then
 * we send no less often than before, and let the peer send no more often than it did.
 */
static void settle(struct bfd_talk *talk, const struct bfd_session *b)
{
	bool up = b->state == BFD_UP;
	__u32 min_tx_us = up ? talk->want_tx_us : MAX(BFD_SLOW_US, talk->want_tx_us);

	if (!up || b->finals != talk->finals)
		talk->poll = false;
	if (up && min_tx_us != talk->min_tx_us) {
		talk->poll = true;
		talk->finals = b->finals;
	}
	talk->min_tx_us = min_tx_us;
	talk->pace_us = talk->poll ? MIN(talk->pace_us, min_tx_us) : min_tx_us;
	talk->min_rx_us = talk->poll ? MAX(talk->min_rx_us, talk->want_rx_us) : talk->want_rx_us;
}

/* RFC 5880 §6.8.7: the peer wants nothing, or nothing more. */
static bool is_quiet(const struct bfd_talk *talk, const struct bfd_session *b)
{
	if (!b->heard_ns)
		return false;
	return !b->its_min_rx_us || (b->its_flags & BFD_DEMAND && b->state == BFD_UP &&
				     b->its_state == BFD_UP && !talk->poll);
}

unsigned int bfd_talk(struct bfd_talk *talk, const struct bfd_session *b, __u64 now_ns,
		      __u32 random)
{
	__u32 its_min_rx_us = b->heard_ns ? b->its_min_rx_us : 1; /* §6.8.1 */
	bool news = b->state != talk->state, poll = talk->poll;
	unsigned int say = 0;
	__u64 pause_ns;

	settle(talk, b);
	news |= talk->poll && !poll;
	pause_ns = bfd_pause_ns(talk->pace_us, its_min_rx_us, talk->mult, random);
	/* Other times than those that next_ns was made of. */
	if (its_min_rx_us != talk->its_min_rx_us || poll != talk->poll)
		talk->next_ns = MIN(talk->next_ns, talk->sent_ns + pause_ns);
	talk->its_min_rx_us = its_min_rx_us;
	talk->state = b->state;
	if (b->polls != talk->polls)
		say |= BFD_SAY_FINAL;
	talk->polls = b->polls;
	if (news || now_ns >= talk->next_ns) {
		if (!is_quiet(talk, b))
			say |= BFD_SAY_STATE;
		talk->sent_ns = now_ns;
		talk->next_ns = now_ns + pause_ns;
	}
	return say;
}

/* RFC 5880 §6.8.9. The numbers of those under way must fit in struct bfd_echo, with room to spare. */
__u64 bfd_echo_pause_ns(const struct bfd_talk *talk, const struct bfd_session *b)
{
	__u64 pause_ns = MAX(talk->echo_us, b->its_min_echo_rx_us) * 1000ULL;

	if (!talk->echo_us || !b->its_min_echo_rx_us || b->state != BFD_UP)
		return 0;
	return b->echo_on ? MAX(pause_ns, b->echo_rtt_ns / (BFD_ECHOES / 2)) : pause_ns;
}

struct bfd_packet bfd_talk_packet(const struct bfd_talk *talk, const struct bfd_set *set,
				  const struct bfd_session *b, enum bfd_say say)
{
	struct bfd_packet p = {
		.state = set->admin_down ? BFD_ADMIN_DOWN : b->state,
		.diag = set->admin_down ? BFD_DIAG_ADMIN : b->diag,
		.mult = talk->mult,
		.mine = set->discriminator,
		.yours = b->its_discriminator,
		.min_tx_us = talk->min_tx_us,
		.min_rx_us = talk->want_rx_us,
		.min_echo_rx_us = talk->echo_us,
	};

	if (say == BFD_SAY_FINAL)
		p.flags = BFD_FINAL;
	else if (talk->poll)
		p.flags = BFD_POLL;
	return p;
}
