/* SPDX-License-Identifier: GPL-2.0-only */
/* Frames, from the stream to the output. */
#ifndef FRAMES_H
#define FRAMES_H

#include "session.h"

/* What frames_run() returns where the capture has to begin again: the source has changed */
#define SOURCE_CHANGED (-1)

/* Capture until all frames are there; returns an exit status */
int frames_run(struct session *session);

/* How many frames a camera with this rate needs to adjust itself */
unsigned long frames_before_photo(struct rate rate);

#endif /* FRAMES_H */
