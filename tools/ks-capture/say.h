/* SPDX-License-Identifier: GPL-2.0-only */
/* What the program says, all of it on stderr, and how it ends. */
#ifndef SAY_H
#define SAY_H

#include <stdbool.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

/* Which argument is as the first one of printf(), and which as the second */
#define LIKE_PRINTF(first, second) __attribute__(( \
	__format__(__printf__, first, second)))

/**
 * enum status - exit status
 * @STATUS_OK: all that was asked for was done
 * @STATUS_FAILED: something failed on the way: the device, the output
 * @STATUS_USAGE: the command line is wrong
 * @STATUS_DEVICE: the device, the module or the heap cannot be used
 * @STATUS_FORMAT: the device does not offer what was asked for
 * @STATUS_EARLY: a signal, or the reader of the output, ended it before the last
 *	frame
 */
enum status {
	STATUS_OK,
	STATUS_FAILED,
	STATUS_USAGE,
	STATUS_DEVICE,
	STATUS_FORMAT,
	STATUS_EARLY,
};

/* Leave out what is neither an error nor advice */
extern bool say_quiet;

/* What was wrong */
void say_error(const char *format, ...) LIKE_PRINTF(1, 2);
/* What to do about it: one line, after say_error() */
void say_advice(const char *format, ...) LIKE_PRINTF(1, 2);
/* What is good to know */
void say_note(const char *format, ...) LIKE_PRINTF(1, 2);
/* A line that the next one overwrites, where stderr is a terminal */
void say_progress(const char *format, ...) LIKE_PRINTF(1, 2);
bool say_shows_progress(void);

#endif /* SAY_H */
