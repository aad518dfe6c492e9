// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams from the camera of the model: see stream.h.
 */
#include "fake.h"
#include "stream.h"
#include "tap.h"

struct ks_stream_config config_of(__u32 frames)
{
	return (struct ks_stream_config) {
		.size = sizeof(struct ks_stream_config),
		.v4l2_fd = V4L2_FD,
		.frames = frames,
	};
}

struct ks_stream *open_stream(__u32 frames)
{
	struct ks_stream_config config = config_of(frames);
	struct ks_stream *stream = NULL;

	CHECK_EQ(ks_stream_open(&config, &stream, NULL), 0);
	return stream;
}

/* A camera whose frames have three planes; each has 8192 bytes in whole pages */
void three_planes(void)
{
	fake_reset();
	fake.planes = (struct ksalloc_planes) { .count = 3, .sizes = { 8000, 4500, 4500 } };
	fake.needs.frame_size = 17000;
	fake.data[0] = (struct ksalloc_plane_data) { .data_used = 8000 };
	fake.data[1] = (struct ksalloc_plane_data) { .data_offset = 100, .data_used = 4400 };
	fake.data[2] = (struct ksalloc_plane_data) { .data_used = 9000 };
}
