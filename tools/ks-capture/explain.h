/* SPDX-License-Identifier: GPL-2.0-only */
/* Explanations of errors of ksalloc and of a stream. */
#ifndef EXPLAIN_H
#define EXPLAIN_H

#include <ks/ks.h>

#include "device.h"
#include "options.h"

/* ks_stream_open() has failed */
void explain_open(const struct device *device, const struct options *options,
		  enum ks_stream_step step, int err);
/* ks_stream_start() has failed */
void explain_start(const struct device *device, const struct options *options, int err);
/* No frame arrives any more, or none within the timeout */
void explain_next(const struct device *device, const struct options *options, int err);

/* The source has changed, and the capture ends for that */
void explain_change(const struct device *device);
/* Frames come, but all of them are damaged, the last one so */
void explain_damage(const struct device *device, const struct options *options,
		    const char *damage);

#endif /* EXPLAIN_H */
