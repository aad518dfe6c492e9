/* SPDX-License-Identifier: GPL-2.0-only */
/* A capture under way. */
#ifndef SESSION_H
#define SESSION_H

#include <stdbool.h>
#include <time.h>

#include <ks/ks.h>

#include "device.h"
#include "options.h"
#include "output.h"
#include "report.h"
#include "times.h"

/**
 * struct session - a capture under way
 * @options: what the user wants
 * @device: where frames come from
 * @heap: what memory they have
 * @stream: what brings them
 * @output: where they go
 * @tally: what is counted
 * @times: when they were taken
 * @got: when the last one was got, in 100 ns
 * @skip: number of frames that remain to be skipped
 * @started: when the device began to run, in seconds
 * @first: when the first frame came
 * @ended: when the last frame was done with
 * @good: when the last frame came that was not damaged
 * @shown: when the progress line was last shown
 * @shows_progress: there is somebody to see it
 * @wake_fd: is readable when a signal has come
 */
struct session {
	const struct options *options;
	struct device device;
	const char *heap;
	struct ks_stream *stream;
	struct output output;
	struct tally tally;
	struct times times;
	__s64 got;
	unsigned long skip;
	double started;
	double first;
	double ended;
	double good;
	double shown;
	bool shows_progress;
	int wake_fd;
};

/* Seconds on the clock that frames' times are of, CLOCK_MONOTONIC */
static inline double session_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

#endif /* SESSION_H */
