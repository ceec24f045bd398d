/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where a node lives in bpffs: ROOT/NODE/v<ABI>/{maps,links}/NAME. ROOT is /sys/fs/bpf/fantel,
 * or --pin-root, or $FANTEL_PIN_ROOT.
 */
#ifndef PIN_H
#define PIN_H

#include <limits.h>

#include "fantel/abi.h"

#define PIN_ROOT "/sys/fs/bpf/fantel"

struct pins {
	char node[NAME_LEN];
	char dir[PATH_MAX - 64]; /* ROOT/NODE/v<ABI> */
};

/* Find a running or once running node. `root` NULL: the default. `node` NULL: the only one there;
 * none or several is an error that names them. Returns 0 or a negative errno, after reporting it. */
int pins_find(struct pins *pins, const char *root, const char *node);

/* Open a pinned map. Returns an fd that the caller owns, or a negative errno, after reporting. */
int pins_map(const struct pins *pins, const char *map);

#endif
