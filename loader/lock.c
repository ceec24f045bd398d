// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
/*
 * The node's lock. flock does not tell its holder, /proc/locks does: by device and inode.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "lock.h"
#include "own.h"

bool lock_is_of(int lock, const char *dir)
{
	struct stat held, named;

	return !fstat(lock, &held) && !stat(dir, &named) && held.st_ino == named.st_ino &&
	       held.st_dev == named.st_dev;
}

int lock_take(const char *dir)
{
	int fd OWN_FD = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	if (flock(fd, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	/* A lock on a directory that a detach has just removed protects nothing. */
	if (!lock_is_of(fd, dir))
		return -ESTALE;
	return take_fd(fd);
}

pid_t lock_holder(const char *dir)
{
	FILE *locks OWN_FILE = fopen("/proc/locks", "re");
	unsigned int major, minor, pid;
	unsigned long inode;
	char line[256];
	struct stat st;

	if (!locks || stat(dir, &st))
		return 0;
	/* 1: FLOCK  ADVISORY  WRITE 4711 00:1f:12345 0 EOF */
	while (fgets(line, sizeof(line), locks))
		if (sscanf(line, "%*d: FLOCK ADVISORY WRITE %u %x:%x:%lu", &pid, &major, &minor,
			   &inode) == 4 &&
		    inode == st.st_ino && makedev(major, minor) == st.st_dev)
			return pid;
	return 0;
}
