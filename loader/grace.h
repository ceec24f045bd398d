/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
#ifndef GRACE_H
#define GRACE_H

/* Until every packet is through that may have met what was there before: XDP programs run inside an RCU
 * read section, and this is synchronize_rcu for user space. */
void grace_wait(void);

#endif
