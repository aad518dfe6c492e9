// SPDX-License-Identifier: GPL-2.0-only
/* Parsing of option arguments: numbers, sizes, rates, lists of frames, file names. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"
#include "say.h"

/* Digits only, because strtoul() accepts signs and spaces */
bool parse_number(const char *text, const char **end, unsigned long max,
		  unsigned long *number)
{
	unsigned long value;
	char *stop;

	if (!isdigit((unsigned char)*text))
		return false;
	errno = 0;
	value = strtoul(text, &stop, 10);
	if (errno || value > max)
		return false;
	if (end)
		*end = stop;
	else if (*stop)
		return false;
	*number = value;
	return true;
}

bool parse_size(const char *text, unsigned int *width, unsigned int *height)
{
	unsigned long w, h;

	if (!parse_number(text, &text, 65536, &w) || (*text != 'x' && *text != 'X'))
		return false;
	if (!parse_number(text + 1, NULL, 65536, &h) || !w || !h)
		return false;
	*width = w;
	*height = h;
	return true;
}

static __u32 common_divisor(__u32 a, __u32 b)
{
	return b ? common_divisor(b, a % b) : a;
}

struct rate rate_of(__u32 num, __u32 den)
{
	__u32 divisor = common_divisor(num, den);

	if (!num || !den)
		return (struct rate) {};
	return (struct rate) { num / divisor, den / divisor };
}

/* 29.97 means 30000/1001; the same applies to similar rates */
static bool parse_ntsc_rate(const char *text, struct rate *rate)
{
	static const struct {
		const char *text;
		__u32 num;
	} rates[] = {
		{ "23.976", 24000 }, { "23.98", 24000 },
		{ "29.97", 30000 }, { "59.94", 60000 }, { "119.88", 120000 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		if (strcmp(text, rates[i].text))
			continue;
		*rate = (struct rate) { rates[i].num, 1001 };
		return true;
	}
	return false;
}

bool parse_rate(const char *text, struct rate *rate)
{
	unsigned long num, den = 1, digit;

	if (parse_ntsc_rate(text, rate))
		return true;
	if (!parse_number(text, &text, 1000000, &num))
		return false;
	if (*text == '/') {
		if (!parse_number(text + 1, NULL, 1000000, &den))
			return false;
	} else if (*text == '.') {
		for (text++; isdigit((unsigned char)*text); text++) {
			if (den == 1000)
				return false;
			digit = *text - '0';
			num = num * 10 + digit;
			den *= 10;
		}
		if (*text)
			return false;
	} else if (*text) {
		return false;
	}
	if (!num || !den)
		return false;
	*rate = rate_of(num, den);
	return true;
}

static bool parse_save_item(const char *item, unsigned long frames, unsigned long *number)
{
	if (!strcmp(item, "first"))
		*number = 0;
	else if (!strcmp(item, "middle"))
		*number = frames / 2;
	else if (!strcmp(item, "last"))
		*number = frames - 1;
	else
		return parse_number(item, NULL, ULONG_MAX - 1, number);
	/* "middle" and "last" are unknown without the number of frames */
	return frames || !strcmp(item, "first");
}

bool parse_save(const char *text, unsigned long frames, struct save *save)
{
	char item[32];
	size_t len;

	save->every = 0;
	save->count = 0;
	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if (!len || len >= sizeof(item) || save->count == SAVE_MAX)
			return false;
		memcpy(item, text, len);
		item[len] = 0;
		if (!parse_save_item(item, frames, &save->numbers[save->count]))
			return false;
		if (frames && save->numbers[save->count] >= frames)
			return false;
		save->count++;
		if (!text[len])
			return true;
	}
}

bool save_wants(const struct save *save, unsigned long number)
{
	unsigned int i;

	if (save->every)
		return number % save->every == 0;
	for (i = 0; i < save->count; i++)
		if (save->numbers[i] == number)
			return true;
	return false;
}

/*
 * Scans a pattern. The text of the user is never a format for printf(): only %%, %d and
 * %0<width>d are accepted.
 */
static int pattern_walk(const char *pattern, unsigned long number, char *name, size_t size)
{
	int numbers = 0, len, width;
	size_t at = 0;

	for (; *pattern; pattern++) {
		if (at >= size)
			return -1;
		if (*pattern != '%') {
			name[at++] = *pattern;
			continue;
		}
		if (*++pattern == '%') {
			name[at++] = '%';
			continue;
		}
		width = 0;
		if (*pattern == '0' && isdigit((unsigned char)pattern[1])) {
			width = pattern[1] - '0';
			pattern += 2;
		}
		if (*pattern != 'd')
			return -1;
		len = snprintf(name + at, size - at, "%0*lu", width, number);
		at += len;
		numbers++;
	}
	if (at >= size)
		return -1;
	name[at] = 0;
	return numbers;
}

int pattern_check(const char *pattern)
{
	char name[PATH_MAX];
	int numbers = pattern_walk(pattern, 0, name, sizeof(name));

	return numbers > 1 ? -1 : numbers;
}

bool pattern_expand(const char *pattern, unsigned long number, char *name, size_t size)
{
	return pattern_walk(pattern, number, name, size) >= 0;
}
