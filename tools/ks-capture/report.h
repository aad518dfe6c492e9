/* SPDX-License-Identifier: GPL-2.0-only */
/* Results of a capture: counters, and a report in JSON. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "device.h"

/**
 * struct tally - counters of a capture
 * @skipped: frames that were skipped at the start
 * @passed: frames that were skipped because newer ones were available
 * @frames: good frames after them
 * @damaged: damaged or incomplete frames, which were skipped
 * @kept: damaged frames that were used, because the user wants it
 * @dropped: pictures without a good frame: lost or damaged
 * @gaps: number of gaps in the sequence numbers of the device
 * @fields: frames are fields, and two of them can have the same number
 * @restarts: number of restarts of the capture
 * @started: a frame has arrived, so @last is valid
 * @last: sequence number of the last frame
 * @skips: the last frame was skipped, so frames lost after it are not counted
 * @of_last: number of frames with this number
 * @first: @last is the first number of all
 * @pairs: two fields have the same number, as V4L2 requires
 * @moves: not all frames have the same number
 */
struct tally {
	unsigned long skipped;
	unsigned long passed;
	unsigned long frames;
	unsigned long damaged;
	unsigned long kept;
	unsigned long dropped;
	unsigned long gaps;
	bool fields;
	unsigned long restarts;
	bool started;
	__u32 last;
	bool skips;
	unsigned int of_last;
	bool first;
	bool pairs;
	bool moves;
};

/*
 * Counts the sequence number of a frame. Returns whether no picture is missing before it,
 * by the rule of the kernel module: it is the last number or the next one.
 */
bool tally_sequence(struct tally *tally, __u32 sequence);
/* Whether missing pictures cannot be detected, because all frames have the same number */
bool tally_is_blind(const struct tally *tally);
/* Counts a skipped frame, of which only the number matters */
void tally_skip(struct tally *tally, __u32 sequence);
/* Counts a frame that is skipped because a newer one is available */
void tally_pass(struct tally *tally, __u32 sequence);
/* Called when the device was restarted, and may count from 0 again */
void tally_restart(struct tally *tally, bool fields);
void tally_good(struct tally *tally);
void tally_damaged(struct tally *tally);

/* Returns 0, or a negative value after printing an error */
int report_write(const char *path, const struct device *device, const char *heap,
		 const struct tally *tally, double elapsed_s);

/* Text as a JSON string, with quotation marks; truncated if it is too long */
void json_string(const char *text, char *json, size_t size);

#endif /* REPORT_H */
