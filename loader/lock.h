/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * One loader per node: an flock on the node's own directory in bpffs. It ends with its process,
 * however that ends, and leaves no file behind.
 */
#ifndef LOCK_H
#define LOCK_H

#include <stdbool.h>
#include <sys/types.h>

/* Take the lock of a directory that exists. Returns an fd that holds it, -EBUSY if another process
 * does, -ESTALE if the directory was removed meanwhile, or another negative errno. Says nothing. */
int lock_take(const char *dir);

/* Is `lock` that of the directory which now has this name? */
bool lock_is_of(int lock, const char *dir);

/* Who holds it? 0: nobody, or nobody that we can see. */
pid_t lock_holder(const char *dir);

#endif
