// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages. stdout may be used for frames, so all messages go to stderr. A progress line is
 * erased before another message is printed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "say.h"

bool say_quiet;
static bool line_stands;

static void wipe_line(void)
{
	if (line_stands)
		fputs("\r\033[K", stderr);
	line_stands = false;
}

LIKE_PRINTF(2, 0)
static void say(const char *before, const char *format, va_list args)
{
	wipe_line();
	fputs(before, stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

void say_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("ks-capture: ", format, args);
	va_end(args);
}

void say_advice(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say("  ", format, args);
	va_end(args);
}

void say_note(const char *format, ...)
{
	va_list args;

	if (say_quiet)
		return;
	va_start(args, format);
	say("ks-capture: ", format, args);
	va_end(args);
}

bool say_shows_progress(void)
{
	return !say_quiet && isatty(STDERR_FILENO);
}

void say_progress(const char *format, ...)
{
	va_list args;

	wipe_line();
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fflush(stderr);
	line_stands = true;
}
