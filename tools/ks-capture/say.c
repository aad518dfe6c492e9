// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages. stdout may be used for frames, so all messages go to stderr. A progress line is
 * erased before another message is printed.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "say.h"

const char *say_program = "ks-capture";
bool say_quiet;
static bool line_stands;

static void wipe_line(void)
{
	if (line_stands)
		fputs("\r\033[K", stderr);
	line_stands = false;
}

/* Control characters of ASCII, and those that have two bytes in UTF-8 */
static size_t control_bytes(const unsigned char *text, size_t size)
{
	if (*text < ' ' || *text == 0x7f)
		return 1;
	return size > 1 && *text == 0xc2 && text[1] >= 0x80 && text[1] < 0xa0 ? 2 : 0;
}

char *say_clean(void *text, size_t size)
{
	unsigned char *at = text;
	size_t i, control;

	for (i = 0; i < size && at[i]; i += control ? control : 1) {
		control = control_bytes(at + i, size - i);
		memset(at + i, '?', control);
	}
	return text;
}

/* Advice has no @program */
LIKE_PRINTF(2, 0)
static void say(const char *program, const char *format, va_list args)
{
	char *text;

	wipe_line();
	if (vasprintf(&text, format, args) < 0)
		return;
	fprintf(stderr, "%s%s%s\n", program ? program : "", program ? ": " : "  ",
		say_clean(text, strlen(text)));
	free(text);
}

void say_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(say_program, format, args);
	va_end(args);
}

void say_advice(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(NULL, format, args);
	va_end(args);
}

void say_note(const char *format, ...)
{
	va_list args;

	if (say_quiet)
		return;
	va_start(args, format);
	say(say_program, format, args);
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
