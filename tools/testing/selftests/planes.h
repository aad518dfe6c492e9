/* SPDX-License-Identifier: GPL-2.0-only */
/* Helpers for tests of formats with several memory planes. */
#ifndef SELFTESTS_PLANES_H
#define SELFTESTS_PLANES_H

#include <fcntl.h>
#include <linux/dma-heap.h>
#include <unistd.h>

#include "ksalloc_test.h"

#define WIDTH 320
#define HEIGHT 180
#define PIXELS (WIDTH * HEIGHT)

static inline void set_multi(int video, __u32 pixelformat, struct v4l2_pix_format_mplane *result)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
		.fmt.pix_mp = {
			.width = WIDTH,
			.height = HEIGHT,
			.pixelformat = pixelformat,
			.field = V4L2_FIELD_NONE,
		},
	};
	int input = 0;

	ASSERT_EQ(0, call_fd(video, VIDIOC_S_INPUT, &input));
	ASSERT_EQ(0, call_fd(video, VIDIOC_S_FMT, &format));
	ASSERT_EQ(pixelformat, format.fmt.pix_mp.pixelformat);
	if (result)
		*result = format.fmt.pix_mp;
}

/* Makes all cameras multi-planar, and connects the first one with the format NM12 */
static inline void planes_open(struct rig *rig, struct v4l2_pix_format_mplane *format)
{
	need_vivid("2,2", "0,0");
	rig->allocator = -1;
	rig->ksalloc = open_ksalloc();
	rig->heap = open_heap();
	rig->video = open_camera(0);
	set_multi(rig->video, V4L2_PIX_FMT_NV12M, format);
	rig->connection = do_connect(rig->ksalloc, rig->video);
	ASSERT_LE(0, rig->connection);
	ASSERT_EQ(0, get_framing(rig->connection, &rig->framing));
}

static inline void planes_close(void)
{
	/* Files that the test opened would keep the device. */
	close_range(3, ~0U, 0);
}

static inline int export_plane(int allocator, unsigned int index, unsigned int plane)
{
	struct ksalloc_export arg = {
		.size = sizeof(arg),
		.index = index,
		.plane = plane,
	};

	return call_fd(allocator, KSALLOC_EXPORT, &arg);
}

#endif
