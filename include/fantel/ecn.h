/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Congestion marks where a tunnel ends (RFC 6040 §4.2): what the ECN field of the packet inside
 * becomes. Pure; called by decap.
 */
#ifndef FANTEL_ECN_H
#define FANTEL_ECN_H

#include "base.h"

/* The low two bits of the traffic class (RFC 3168 §5). */
enum ecn {
	ECN_NOT_ECT,
	ECN_ECT1,
	ECN_ECT0,
	ECN_CE,
};

/* Beside an enum ecn in what ecn_decap returns. */
#define ECN_DROP 4   /* congestion was met, and the packet has no way to say so */
#define ECN_UNUSED 8 /* a combination that no tunnel makes: something on the way did */

/*
 * Figure 4 of the RFC:
 *
 *	inside    outside: Not-ECT    ECT(0)       ECT(1)       CE
 *	Not-ECT            Not-ECT    Not-ECT (!)  Not-ECT (!)  dropped
 *	ECT(0)             ECT(0)     ECT(0)       ECT(1)       CE
 *	ECT(1)             ECT(1)     ECT(1) (!)   ECT(1)       CE
 *	CE                 CE         CE           CE (!)       CE           (!) ECN_UNUSED
 */
FN __u32 ecn_decap(enum ecn inner, enum ecn outer)
{
	if (outer == inner || outer == ECN_NOT_ECT)
		return inner;
	if (inner == ECN_NOT_ECT)
		return outer == ECN_CE ? ECN_DROP : ECN_NOT_ECT | ECN_UNUSED;
	if (outer == ECN_CE)
		return ECN_CE;
	if (outer == ECN_ECT0)
		return inner == ECN_ECT1 ? ECN_ECT1 | ECN_UNUSED : inner;
	return inner == ECN_CE ? ECN_CE | ECN_UNUSED : ECN_ECT1;
}

#endif
