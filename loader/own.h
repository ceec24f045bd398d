/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Owners are visible: a variable that must be released says so where it is declared. */
#ifndef OWN_H
#define OWN_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void own_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void own_free(void *p)
{
	free(*(void **)p);
}

static inline void own_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
}

#define OWN_FD __attribute__((cleanup(own_close)))
#define OWN_MEM __attribute__((cleanup(own_free)))
#define OWN_FILE __attribute__((cleanup(own_fclose)))

/* Hand a value on: the variable no longer owns it. */
#define take_fd(fd)                                                                                \
	({                                                                                         \
		int took_ = (fd);                                                                  \
		(fd) = -1;                                                                         \
		took_;                                                                             \
	})
#define take_ptr(p)                                                                                \
	({                                                                                         \
		__auto_type took_ = (p);                                                           \
		(p) = NULL;                                                                        \
		took_;                                                                             \
	})

#endif
