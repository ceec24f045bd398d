// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "grace.h"

void grace_wait(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		usleep(20000);
}
