/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * A notification from command line options: one option for each part of Tunnel Info and for each
 * TLV, named as decode prints it. Pure.
 */
#ifndef COMPOSE_H
#define COMPOSE_H

#include <argp.h>

#include "fantel/msg_build.h"

struct compose {
	struct msg msg;
	struct msg_buf parts; /* Tunnel Info's, where *msg says */
	struct writer writer; /* of parts */
};

void compose_init(struct compose *compose);

/* Options whose input is a struct compose. */
const struct argp *compose_argp(void);

#endif
