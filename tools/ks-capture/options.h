/* SPDX-License-Identifier: GPL-2.0-only */
/* Command line options. */
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
 * enum on_change - what to do if the source of a device changes or disappears
 * @CHANGE_ENDS: end the capture
 * @CHANGE_RESTARTS: restart it with the new signal
 * @CHANGE_IGNORE: nothing; the device is not set to its source at the start either
 */
enum on_change {
	CHANGE_ENDS,
	CHANGE_RESTARTS,
	CHANGE_IGNORE,
};

/* Not a valid number of frames */
#define SKIP_FOR_PHOTO (~0UL)

/**
 * struct options - the options of the user
 * @action: what to do
 * @device: the V4L2 node
 * @width: pixels per row; 0 for the current width of the device
 * @height: rows
 * @fourcc: pixel format; 0 to choose one that fits the output
 * @rate: frames per second
 * @frames: number of frames; 0 for "until interrupted"
 * @skip: number of frames to skip before them; SKIP_FOR_PHOTO for as many as a camera
 *	needs to adjust itself
 * @buffers: number of frames of the allocator; 0 for the default of libks
 * @heap: their memory, as in struct ks_stream_config; NULL for the first that works
 * @output: file, pattern of file names or "-"; NULL for none
 * @kind: kind of output
 * @save: frames to be written
 * @report: file for the report, or NULL
 * @times: file for the frames' times, or NULL
 * @newest: skip frames that waited while another one was written
 * @on_change: what to do when the source changes
 * @exact: fail if the device changes a requested value
 * @keeps_damaged: damaged frames are written and counted like others
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
	unsigned long skip;
	unsigned int buffers;
	const char *heap;
	const char *output;
	enum output_kind kind;
	struct save save;
	const char *report;
	const char *times;
	bool newest;
	enum on_change on_change;
	bool exact;
	bool keeps_damaged;
	bool quiet;
	int timeout_ms;
};

/* Returns an exit status; prints an error if it is not STATUS_OK */
int options_parse(struct options *options, int argc, char **argv);
void options_help(void);

#endif /* OPTIONS_H */
