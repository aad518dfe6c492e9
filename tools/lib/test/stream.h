/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Streams from the camera of the model in fake.c, for tests of libks.
 */
#ifndef STREAM_H
#define STREAM_H

#include <ks/ks.h>

#define V4L2_FD 77

struct ks_stream_config config_of(__u32 frames);
struct ks_stream *open_stream(__u32 frames);
void three_planes(void);

#endif /* STREAM_H */
