/* SPDX-License-Identifier: GPL-2.0-only */
/* The command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

#include <linux/types.h>

#include "kind.h"
#include "parse.h"

enum action {
	ACTION_CAPTURE,
	ACTION_LIST,
	ACTION_LIST_FORMATS,
	ACTION_HELP,
	ACTION_VERSION,
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

#endif /* OPTIONS_H */
