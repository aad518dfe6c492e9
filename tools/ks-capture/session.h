/* SPDX-License-Identifier: GPL-2.0-only */
/* The state of a capture. */
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
 * struct session - the state of a capture
 * @options: the options of the user
 * @device: the V4L2 device
 * @memory: name of the memory of the frames, as in struct ks_memory_attempt
 * @stream: the stream of libks
 * @output: the output files
 * @tally: counters
 * @times: file with the times of frames
 * @got: time at which the last frame was received, in 100 ns
 * @skip: number of frames that remain to be skipped
 * @started: time at which the device was started, in seconds
 * @first: time of the first frame that was not skipped
 * @ended: time at which the last frame was queued again
 * @good: time of the last good frame
 * @shown: time at which the progress line was last shown
 * @shows_progress: the progress line is shown
 * @wake_fd: readable after a signal
 */
struct session {
	const struct options *options;
	struct device device;
	char memory[LIBKS_MEMORY_NAME];
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

/* Seconds on CLOCK_MONOTONIC, which the times of frames also use */
static inline double session_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

#endif /* SESSION_H */
