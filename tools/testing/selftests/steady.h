/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Readers that take each frame and lose none, whatever other readers do
 */
#ifndef SELFTESTS_STEADY_H
#define SELFTESTS_STEADY_H

#include "readers.h"

#define STEADY 3
#define STEADY_DEPTH 6
/* Frames that these readers and the camera need */
#define STEADY_FRAMES (KEEP + STEADY * STEADY_DEPTH)

struct steady {
	int reader;
	pthread_t thread;
	atomic_bool *stop;
	atomic_uint frames;
	unsigned int wrong;
	/* The last two frames, for a test that fails */
	struct ksalloc_reader_frame frame, last;
};

struct steady_readers {
	atomic_bool stop;
	/* The connection, and its gaps before it has these readers */
	int connection;
	unsigned int gaps;
	struct steady each[STEADY];
};

void steady_start(struct steady_readers *readers, int connection);
/* Fails if a reader has lost a frame, or has not got any, or the camera had no empty frame. */
void steady_end(struct steady_readers *readers);

#endif
