/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Handles of a share that take each frame and lose none, whatever other programs do
 */
#ifndef SELFTESTS_SHARE_STEADY_H
#define SELFTESTS_SHARE_STEADY_H

#include "share.h"

#define STEADY 3
/* Frames of the share, and how many of them a handle can have at most */
#define MANY 20
#define STEADY_DEPTH ((MANY + 3) / 4)

struct steady_frame {
	__u32 sequence, index;
	/* From when the camera filled it until the handle had it */
	unsigned long long late_ns;
};

struct steady {
	int fd;
	pthread_t thread;
	atomic_bool *stop, ended;
	atomic_uint frames;
	struct steady_frame *seen;
	/* Between two frames */
	unsigned long long longest_ns;
	int error;
};

struct steady_handles {
	atomic_bool stop;
	/* Of the camera */
	unsigned long long period_ns;
	struct steady each[STEADY];
};

/* Makes another share, with MANY frames and this rate, and starts the handles */
void steady_start(struct share_fixture *self, struct steady_handles *handles,
		  unsigned int per_second);
/*
 * Fails if a handle has lost a frame, or has got none, or one too late, or the camera had no empty
 * frame. Stops the handles
 */
void steady_end(struct steady_handles *handles);

#endif
