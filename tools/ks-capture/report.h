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
 * @started: a frame has come, so that @last is valid
 * @last: sequence number of the last frame
 */
struct tally {
	unsigned long frames;
	unsigned long damaged;
	unsigned long dropped;
	unsigned long gaps;
	bool started;
	__u32 last;
};

/* Count a frame's sequence number; returns whether it follows on the last one */
bool tally_sequence(struct tally *tally, __u32 sequence);
void tally_good(struct tally *tally);
void tally_damaged(struct tally *tally);

/* Returns 0, or a negative value having said what is wrong */
int report_write(const char *path, const struct device *device, const char *heap,
		 const struct tally *tally, double elapsed_s);

/* Text as a JSON string, with its quotation marks; cut where it is too long */
void json_string(const char *text, char *json, size_t size);

#endif /* REPORT_H */
