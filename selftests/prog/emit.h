/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* What test_reporter.c asks of emit.bpf.c. */
#ifndef EMIT_H
#define EMIT_H

#include "fantel/abi.h"

struct emit {
	__u64 event_id;
	__u64 flags; /* of bpf_ringbuf_submit */
};

#endif
