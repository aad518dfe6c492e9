/* SPDX-License-Identifier: GPL-2.0-only */
/* Explanations of errors of ksalloc and of a stream. */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <stdbool.h>

#include <ks/ks.h>

#include "device.h"
#include "options.h"

/**
 * struct failure - how a stream could not be had
 * @starts: ks_stream_start() failed, and not ks_stream_open()
 * @step: where ks_stream_open() failed
 * @err: with what
 */
struct failure {
	bool starts;
	enum ks_stream_step step;
	int err;
};

void explain_failure(const struct device *device, const struct options *options,
		     const struct failure *failure);
/* No frame comes any more, or within the time that the user gives */
void explain_next(const struct device *device, const struct options *options, int err);

/* The source has changed, and the capture ends for that */
void explain_change(const struct device *device);
/* Frames come, but all of them are damaged, the last one so */
void explain_damage(const struct device *device, const struct options *options,
		    const char *damage);

#endif /* EXPLAIN_H */
