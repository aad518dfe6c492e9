/* SPDX-License-Identifier: GPL-2.0-only */
/* Results of a capture: counters, and a report in JSON. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "device.h"

/**
 * struct tally - counters of a capture
 * @frames: good frames
 * @damaged: damaged or incomplete frames, which were skipped
 * @dropped: pictures without a good frame: lost or damaged
 * @gaps: number of gaps in the sequence numbers of the device
 * @fields: frames are fields, and two of them can have the same number
 * @started: a frame has arrived, so @last is valid
 * @last: sequence number of the last frame
 * @of_last: number of frames with this number
 * @first: @last is the first number of all
 * @pairs: two fields have the same number, as V4L2 requires
 * @moves: not all frames have the same number
 */
struct tally {
	unsigned long frames;
	unsigned long damaged;
	unsigned long dropped;
	unsigned long gaps;
	bool fields;
	bool started;
	__u32 last;
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
void tally_good(struct tally *tally);
void tally_damaged(struct tally *tally);

/* Returns 0, or a negative value after printing an error */
int report_write(const char *path, const struct device *device, const char *heap,
		 const struct tally *tally, double elapsed_s);

/* Text as a JSON string, with quotation marks; truncated if it is too long */
void json_string(const char *text, char *json, size_t size);

#endif /* REPORT_H */
