/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* The subcommands of `fantel policy` that talk to a running node. Each returns the exit code. */
#ifndef POLICY_APPLY_H
#define POLICY_APPLY_H

#include <stdbool.h>

#include "options.h"

struct apply_options {
	const char *file;
	bool dry_run;
	unsigned int confirm_s; /* 0 = it is to stay */
};

/* Print what the policy of the file changes, and have the node take it. */
int policy_apply(const struct options *options, const struct apply_options *apply);

/* What was applied last is to stay. */
int policy_confirm(const struct options *options);

/* Print the policy that is in force. */
int policy_running(const struct options *options);

#endif
