// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <bpf/bpf.h>

#include "settle.h"

int settle_run(int program, struct settle *settle)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = settle, .ctx_size_in = sizeof(*settle));

	return bpf_prog_test_run_opts(program, &opts);
}
