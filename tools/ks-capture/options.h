/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/types.h>

enum output_kind {
	OUTPUT_NONE,
	OUTPUT_RAW,
	OUTPUT_PNG,
	OUTPUT_Y4M,
	OUTPUT_JPEG,
};

enum action {
	ACTION_CAPTURE,
	ACTION_LIST,
	ACTION_LIST_FORMATS,
	ACTION_HELP,
	ACTION_VERSION,
};

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

/**
 * struct options - what the user asked for
 * @action: what to do
 * @device: the V4L2 node
 * @width: pixels in a row; 0 for what the device has now
 * @height: rows
 * @fourcc: pixel format; 0 for one that fits the output
 * @rate: frames a second
 * @frames: how many frames; 0 for "until interrupted"
 * @buffers: how many frames the allocator has; 0 for libks' own choice
 * @heap: where their memory comes from
 * @output: file, pattern of files or "-"; NULL for none
 * @kind: what is written there
 * @save: which frames are written
 * @report: file for the report, or NULL
 * @exact: fail where the device changes a wish
 * @quiet: no progress, notes or summary
 * @timeout_ms: how long to wait for a frame
 */
struct options {
	enum action action;
	char device[4096];
	unsigned int width;
	unsigned int height;
	__u32 fourcc;
	struct rate rate;
	unsigned long frames;
	unsigned int buffers;
	const char *heap;
	const char *output;
	enum output_kind kind;
	struct save save;
	const char *report;
	bool exact;
	bool quiet;
	int timeout_ms;
};

/* Returns an exit status, having said what is wrong where it is not STATUS_OK */
int options_parse(struct options *options, int argc, char **argv);
void options_help(void);

const char *output_kind_name(enum output_kind kind);
/* By the end of a file's name, or OUTPUT_Y4M for "-" */
enum output_kind output_kind_for(const char *output);

/* Each returns false where the text is wrong */
bool parse_size(const char *text, unsigned int *width, unsigned int *height);
bool parse_rate(const char *text, struct rate *rate);
bool parse_save(const char *text, unsigned long frames, struct save *save);
bool save_wants(const struct save *save, unsigned long number);

/* Whether a name has a number in it, such as %04d; -1 where it is malformed */
int pattern_check(const char *pattern);
/* The name of file @number; false where it is too long */
bool pattern_expand(const char *pattern, unsigned long number, char *name, size_t size);

#endif /* OPTIONS_H */
