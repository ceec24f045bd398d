/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Where a node lives in bpffs: ROOT/NODE/v<ABI>/{maps,links,ingress}/NAME. ROOT is /sys/fs/bpf/fantel,
 * or --pin-root, or $FANTEL_PIN_ROOT. bpffs takes no dots in names: they are written as colons,
 * which neither nodes nor interfaces can have.
 */
#ifndef PIN_H
#define PIN_H

#include <limits.h>

#include "fantel/abi.h"

#define PIN_ROOT "/sys/fs/bpf/fantel"
#define LAYOUT_PIN "layout-" /* and the id of the BTF */

struct pins {
	char node[NAME_LEN];
	char root[PATH_MAX - 256];
	char dir[PATH_MAX - 64]; /* ROOT/NODE/v<ABI> */
};

/* Find a running or once running node. `root` NULL: the default. `node` NULL: the only one there;
 * none or several is an error that names them. Returns 0 or a negative errno, after reporting it. */
int pins_find(struct pins *pins, const char *root, const char *node);

/* The same, of whatever version. */
int pins_find_any(struct pins *pins, const char *root, const char *node);

/* Open a pinned map. Returns an fd that the caller owns, or a negative errno, after reporting. */
int pins_map(const struct pins *pins, const char *map);

/* Name a node's place, whether it is there or not. -EINVAL for a name that can't be a directory,
 * after reporting it. */
int pins_init(struct pins *pins, const char *root, const char *node);

/* Make the directories, mounting bpffs where the default root lacks it. Returns 0 or a negative
 * errno, after reporting it. */
int pins_make(const struct pins *pins);

/* Is bpffs where they are, or would be? */
bool pins_on_bpffs(const struct pins *pins);

/* Returns r, a negative errno of making, opening or removing `path`, after reporting it. */
int pins_error(int r, const char *path);

/* Remove the pins of this ABI (`all`: of every ABI) and the directories that this leaves empty.
 * What was pinned lives on while someone else holds it. Returns 0 or a negative errno, after
 * reporting it. */
int pins_remove(const struct pins *pins, bool all);

/* Is there anything of this node, of this ABI (`all`: of any)? */
bool pins_exist(const struct pins *pins, bool all);

/* Paths of pins. PATH_MAX bytes suffice. */
void pins_node_path(const struct pins *pins, char *path);
void pins_map_path(const struct pins *pins, const char *map, char *path);
void pins_layout_path(const struct pins *pins, __u32 btf_id, char *path);
void pins_torn_path(const struct pins *pins, char *path); /* there while maps are replaced by others */
void pins_link_path(const struct pins *pins, const char *ifname, char *path);
void pins_ingress_path(const struct pins *pins, const char *ifname, char *path);
void pins_egress_path(const struct pins *pins, const char *ifname, char *path);

/* The names under links/ of `dir` (a v<ABI> directory), one call each; stops at the first that does
 * not return 0, and returns that. */
int pins_each_link(const char *dir, int (*fn)(void *arg, const char *ifname, const char *path),
		   void *arg);

/* The same of ingress/ and egress/. */
int pins_each_ingress(const char *dir, int (*fn)(void *arg, const char *ifname, const char *path),
		      void *arg);
int pins_each_egress(const char *dir, int (*fn)(void *arg, const char *ifname, const char *path),
		     void *arg);

/* The names under maps/, layouts of builds among them (heritage.h). */
int pins_each_map(const struct pins *pins, int (*fn)(void *arg, const char *map, const char *path),
		  void *arg);

/* The v<ABI> directories of the node, one call each, in the same way. */
int pins_each_version(const struct pins *pins, int (*fn)(void *arg, const char *dir), void *arg);

#endif
