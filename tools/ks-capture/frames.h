/* SPDX-License-Identifier: GPL-2.0-only */
/* The loop over the frames of a capture. */
#ifndef FRAMES_H
#define FRAMES_H

#include "session.h"

/* frames_run() returns this if the source has changed, and the capture must be restarted */
#define SOURCE_CHANGED (-1)

/* Captures all frames. Returns an exit status, or SOURCE_CHANGED */
int frames_run(struct session *session);

/* Number of frames that a camera with this rate needs to adjust itself */
unsigned long frames_before_photo(struct rate rate);

#endif /* FRAMES_H */
