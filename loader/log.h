/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/*
 * What the user is told on standard error: one sentence, `fantel: WHERE: WHAT; REMEDY`.
 */
#ifndef LOG_H
#define LOG_H

#include <stdio.h>

/* Print an error; `fantel: ` and the newline are added. */
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for something that works on, worth knowing. */
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* That something worth waiting for has come: once or twice in a process's life. */
void log_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Progress, only with --verbose. */
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_verbose(int on);

/* From now on this thread's errors and warnings are also written there, a line each; NULL: no more. */
void log_also(FILE *out);

/* Print and return the error in one: `return err_r(-EINVAL, "...")`. */
#define err_r(r, ...)                                                                              \
	({                                                                                         \
		int err_r_ = (r);                                                                  \
		log_error(__VA_ARGS__);                                                            \
		err_r_;                                                                            \
	})

#endif
