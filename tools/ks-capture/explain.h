/* SPDX-License-Identifier: GPL-2.0-only */
/* Explanations of errors of ksalloc and of a stream. */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdbool.h>

#include <ks/ks.h>

#include "device.h"
#include "memory.h"
#include "options.h"

/**
 * struct failure - an error of ks_stream_open() or ks_stream_start()
 * @starts: ks_stream_start() failed
 * @step: the step at which ks_stream_open() failed
 * @err: a negative errno
 * @memory: the memory that ks_stream_open() has tried
 */
struct failure {
	bool starts;
	enum ks_stream_step step;
	int err;
	struct ks_memory_report memory;
};

void explain_failure(const struct device *device, const struct options *options,
		     const struct failure *failure);
/* Prints why ksalloc cannot connect to the device; false if it can, or if that is unknown */
bool explain_refused(const struct device *device);
/* Prints that the device has no usable memory; false if it has some, or if that is unknown */
bool explain_memory_missing(const struct device *device);
/* No frame arrives any more, or none within the timeout */
void explain_next(const struct device *device, const struct options *options, int err);

/* The source has changed, which ends the capture */
void explain_change(const struct device *device);
/* All frames of a long time are damaged; @damage is that of the last one */
void explain_damage(const struct device *device, const struct options *options,
		    const char *damage);

#endif /* EXPLAIN_H */
