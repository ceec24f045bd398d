/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * Why a thing was refused, where the errno alone does not tell: a right that is missing, a kernel
 * that is too old. Used by attach, before it starts and after it failed.
 */
#ifndef RIGHTS_H
#define RIGHTS_H

#include <stdbool.h>

/* Has this process the capabilities that `fantel run` needs? Returns 0, or -EPERM after naming
 * those that are missing. */
int rights_check(void);

/* May it read the types of kernel modules? */
bool rights_for_modules(void);

/* Does the kernel have what our programs use? Returns 0, or -ENOTSUP after naming what it lacks. */
int kernel_check(void);

#endif
