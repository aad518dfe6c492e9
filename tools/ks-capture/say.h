/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages on stderr, and exit status. */
#ifndef SAY_H
#define SAY_H

#include <stdbool.h>
#include <stddef.h>

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#endif

/* Which argument is the format, and which the first value */
#define LIKE_PRINTF(first, second) __attribute__(( \
	__format__(__printf__, first, second)))

/**
 * enum status - exit status
 * @STATUS_OK: success
 * @STATUS_FAILED: the device or the output failed during the capture
 * @STATUS_USAGE: the command line is not valid
 * @STATUS_DEVICE: the device, the module or the heap cannot be used
 * @STATUS_FORMAT: the device does not offer what was requested
 * @STATUS_EARLY: ended before the last frame by a signal or by the reader of the output
 */
enum status {
	STATUS_OK,
	STATUS_FAILED,
	STATUS_USAGE,
	STATUS_DEVICE,
	STATUS_FORMAT,
	STATUS_EARLY,
};

/* The name of the program, for its messages */
extern const char *say_program;
/* Print only errors and advice */
extern bool say_quiet;

/*
 * Replaces control characters in a text, which ends with a zero or at @size; returns @text. Names
 * of devices and processes can contain commands for the terminal
 */
char *say_clean(void *text, size_t size);
/* All messages are clean. An error */
void say_error(const char *format, ...) LIKE_PRINTF(1, 2);
/* How to fix the error: one line, after say_error() */
void say_advice(const char *format, ...) LIKE_PRINTF(1, 2);
/* Other information */
void say_note(const char *format, ...) LIKE_PRINTF(1, 2);
/* A line that the next message overwrites, if stderr is a terminal */
void say_progress(const char *format, ...) LIKE_PRINTF(1, 2);
bool say_shows_progress(void);

#endif /* SAY_H */
