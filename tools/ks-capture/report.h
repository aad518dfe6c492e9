/* SPDX-License-Identifier: GPL-2.0-only */
/* What became of a capture: counted, shown, and reported as JSON. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "device.h"

/**
 * struct tally - what is counted during a capture
 * @frames: good frames that came
 * @damaged: frames that came damaged or incomplete, and were left out
 * @dropped: pictures of which no good frame came: lost on the way, or damaged
 * @gaps: how often the device's sequence numbers jumped
 * @fields: frames are fields, and two of them may have one number
 * @started: a frame has come, so that @last is valid
 * @last: sequence number of the last frame
 * @of_last: how many frames came with it
 * @first: it is the first number of all
 * @pairs: two fields have one number, as V4L2 wants it
 * @moves: not all frames had the same number
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
 * Count a frame's sequence number. Returns whether nothing is missing before it, as far
 * as the kernel module looks at numbers: it is the last one or the one after that.
 */
bool tally_sequence(struct tally *tally, __u32 sequence);
/* Whether pictures can be missed: not where all frames have one number */
bool tally_is_blind(const struct tally *tally);
void tally_good(struct tally *tally);
void tally_damaged(struct tally *tally);

/* Returns 0, or a negative value having said what is wrong */
int report_write(const char *path, const struct device *device, const char *heap,
		 const struct tally *tally, double elapsed_s);

/* Text as a JSON string, with its quotation marks; cut where it is too long */
void json_string(const char *text, char *json, size_t size);

#endif /* REPORT_H */
