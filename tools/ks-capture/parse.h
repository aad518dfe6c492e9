/* SPDX-License-Identifier: GPL-2.0-only */
/* Words of the command line. */
#ifndef PARSE_H
#define PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/* Frames a second, as a fraction; @num is 0 where it is not known */
struct rate {
	__u32 num;
	__u32 den;
};

/* In lowest terms; all zero where one of the numbers is */
struct rate rate_of(__u32 num, __u32 den);

#define SAVE_MAX 64

/**
 * struct save - which frames are written out; the others are only counted
 * @every: every how many-th frame; 0 where @numbers says it
 * @count: how many numbers there are
 * @numbers: numbers of frames, the first one being 0
 */
struct save {
	unsigned long every;
	unsigned int count;
	unsigned long numbers[SAVE_MAX];
};

/* Each returns false where the text is wrong */

/* Digits only, up to @max; with @end, something else may follow */
bool parse_number(const char *text, const char **end, unsigned long max, unsigned long *number);
bool parse_size(const char *text, unsigned int *width, unsigned int *height);
bool parse_rate(const char *text, struct rate *rate);
bool parse_save(const char *text, unsigned long frames, struct save *save);
bool save_wants(const struct save *save, unsigned long number);

/* Whether a name has a number in it, such as %04d; -1 where it is malformed */
int pattern_check(const char *pattern);
/* The name of file @number; false where it is too long */
bool pattern_expand(const char *pattern, unsigned long number, char *name, size_t size);

#endif /* PARSE_H */
