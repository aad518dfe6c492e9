/* SPDX-License-Identifier: GPL-2.0-only */
/* Parsing of option arguments. */
#ifndef PARSE_H
#define PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

/* Frames per second, as a fraction; @num is 0 if it is unknown */
struct rate {
	__u32 num;
	__u32 den;
};

/* In lowest terms; all zero if a number is zero */
struct rate rate_of(__u32 num, __u32 den);

#define SAVE_MAX 64

/**
 * struct save - frames to be written; the others are only counted
 * @every: interval of written frames; 0 if @numbers is used
 * @count: length of @numbers
 * @numbers: numbers of frames, the first one being 0
 */
struct save {
	unsigned long every;
	unsigned int count;
	unsigned long numbers[SAVE_MAX];
};

/* Each returns false if the text is not valid */

/* Digits only, up to @max. With @end, other text may follow */
bool parse_number(const char *text, const char **end, unsigned long max, unsigned long *number);
bool parse_size(const char *text, unsigned int *width, unsigned int *height);
bool parse_rate(const char *text, struct rate *rate);
bool parse_save(const char *text, unsigned long frames, struct save *save);
bool save_wants(const struct save *save, unsigned long number);

/* Whether a name contains a number such as %04d; -1 if it is malformed */
int pattern_check(const char *pattern);
/* The name of file @number; false if it is too long */
bool pattern_expand(const char *pattern, unsigned long number, char *name, size_t size);

#endif /* PARSE_H */
