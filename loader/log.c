// SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause)
#include <stdarg.h>
#include <stdio.h>

#include "log.h"

static int verbose;
static _Thread_local FILE *also;

void log_also(FILE *out)
{
	also = out;
}

void log_verbose(int on)
{
	verbose = on;
}

static void say(const char *level, const char *fmt, va_list ap)
{
	fprintf(stderr, "fantel: %s", level);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
}

/* Somebody asked for what goes on, and it is not done in silence there either. */
static void say_also(const char *level, const char *fmt, va_list ap)
{
	if (!also)
		return;
	fputs(level, also);
	vfprintf(also, fmt, ap);
	fputc('\n', also);
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	va_start(ap, fmt);
	say_also("", fmt, ap);
	va_end(ap);
}

void log_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("warning: ", fmt, ap);
	va_end(ap);
	va_start(ap, fmt);
	say_also("warning: ", fmt, ap);
	va_end(ap);
}

void log_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	if (!verbose)
		return;
	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
}
