/* SPDX-License-Identifier: GPL-2.0-only */
/* Results of a capture: counters, and a report in JSON. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "device.h"

/**
 * struct tally - what is counted during a capture
 * @skipped: frames that were thrown away at first
 * @passed: frames that were thrown away because there were newer ones
 * @frames: good frames that came after them
 * @damaged: frames that came damaged or incomplete, and were left out
 * @kept: frames that came so and were taken nevertheless, as the user wants it
 * @dropped: pictures of which no good frame came: lost on the way, or damaged
 * @gaps: how often the device's sequence numbers jumped
 * @fields: frames are fields, and two of them may have one number
 * @restarts: how often the capture began again
 * @started: a frame has come, so that @last is valid
 * @last: sequence number of the last frame
 * @skips: it was thrown away, so that what is lost after it does not count
 * @of_last: how many frames came with it
 * @first: it is the first number of all
 * @pairs: two fields have one number, as V4L2 wants it
 * @moves: not all frames had the same number
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
/* Count a frame that is thrown away, of which only the number matters */
void tally_skip(struct tally *tally, __u32 sequence);
/* The same for one that is older than another */
void tally_pass(struct tally *tally, __u32 sequence);
/* The device begins to count anew */
void tally_restart(struct tally *tally, bool fields);
void tally_good(struct tally *tally);
void tally_damaged(struct tally *tally);

/* Returns 0, or a negative value after printing an error */
int report_write(const char *path, const struct device *device, const char *heap,
		 const struct tally *tally, double elapsed_s);

/* Text as a JSON string, with quotation marks; truncated if it is too long */
void json_string(const char *text, char *json, size_t size);

#endif /* REPORT_H */
