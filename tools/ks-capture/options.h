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
 * enum on_change - what to do when the source of a device changes or goes
 * @CHANGE_ENDS: the capture ends
 * @CHANGE_RESTARTS: it begins again with what the source sends then
 * @CHANGE_IGNORE: nothing; nor does the device follow its source at first
 */
enum on_change {
	CHANGE_ENDS,
	CHANGE_RESTARTS,
	CHANGE_IGNORE,
};

/* Memory of the frames, where nothing is asked for; and the device's own */
#define HEAP_USUAL "system"
#define HEAP_DEVICE "device"

/* Not a number of frames that can be asked for */
#define SKIP_FOR_PHOTO (~0UL)

/**
 * struct options - the options of the user
 * @action: what to do
 * @device: the V4L2 node
 * @width: pixels per row; 0 for the current width of the device
 * @height: rows
 * @fourcc: pixel format; 0 for one that fits the output
 * @rate: frames a second
 * @frames: how many frames; 0 for "until interrupted"
 * @skip: how many frames go before them; SKIP_FOR_PHOTO for as many as a camera needs
 *	to adjust itself
 * @buffers: how many frames the allocator has; 0 for libks' own choice
 * @heap: where their memory comes from, or HEAP_DEVICE; NULL for HEAP_USUAL, or the device's
 *	own where that does not do
 * @output: file, pattern of files or "-"; NULL for none
 * @kind: what is written there
 * @save: which frames are written
 * @report: file for the report, or NULL
 * @times: file for the frames' times, or NULL
 * @newest: frames that wait while another one is written are too old
 * @on_change: what to do when the source changes
 * @exact: fail where the device changes a wish
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
