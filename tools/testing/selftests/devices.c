// SPDX-License-Identifier: GPL-2.0-only
/*
 * Other kinds of cameras than in the other suites: one with the multi-planar API, and one
 * that needs contiguous memory. The suite loads vivid with these parameters, and as before
 * at its end.
 */
#include "ksalloc_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES 4
#define WIDTH 320
#define HEIGHT 180
#define FRAME_SIZE (WIDTH * HEIGHT * 2)

/* Camera 0 is multi-planar, camera 1 needs contiguous memory. */
FIXTURE(devices) {
	int ksalloc, heap;
};

FIXTURE_SETUP(devices)
{
	need_vivid("2,1", "0,1");
	self->ksalloc = open_ksalloc();
	self->heap = open_heap();
}

FIXTURE_TEARDOWN(devices)
{
	/* Files that the test opened would keep the device. */
	(void)self;
	close_range(3, ~0U, 0);
}

static int set_format_mplane(int video, unsigned int pixelformat,
			     struct v4l2_format *format)
{
	int input = 0;

	memset(format, 0, sizeof(*format));
	format->type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
	format->fmt.pix_mp.width = 320;
	format->fmt.pix_mp.height = 180;
	format->fmt.pix_mp.pixelformat = pixelformat;
	format->fmt.pix_mp.field = V4L2_FIELD_NONE;
	ASSERT_EQ(0, call_fd(video, VIDIOC_S_INPUT, &input));
	return call_fd(video, VIDIOC_S_FMT, format);
}

/* A multi-planar device with a format of one plane works like any other. */
TEST_F(devices, multi_planar)
{
	struct ksallocator_framing framing;
	struct rig rig = { .ksalloc = self->ksalloc, .heap = self->heap };
	struct ksalloc_complete frame;
	struct v4l2_format format;
	unsigned char *map;
	int i, dmabuf;

	rig.video = open_camera(0);
	ASSERT_EQ(0, set_format_mplane(rig.video, V4L2_PIX_FMT_YUYV, &format));
	ASSERT_EQ(1, format.fmt.pix_mp.num_planes);
	rig.connection = do_connect(rig.ksalloc, rig.video);
	ASSERT_LE(0, rig.connection);
	ASSERT_EQ(0, get_framing(rig.connection, &framing));
	EXPECT_EQ(format.fmt.pix_mp.plane_fmt[0].sizeimage, framing.frame_size);

	rig_allocator(&rig, FRAMES);
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&rig));
	for (i = 0; i < 2 * FRAMES; i++) {
		rig_turn(&rig, &frame);
		EXPECT_EQ(i % FRAMES, frame.index);
		EXPECT_EQ(320 * 180 * 2, frame.header.data_used);
		EXPECT_EQ(0, frame.header.data);
	}
	dmabuf = export_frame(rig.allocator, frame.index);
	ASSERT_LE(0, dmabuf);
	map = map_frame(dmabuf, framing.frame_size, PROT_READ);
	/* White is on the left, black on the right. */
	EXPECT_LT(150, map[172 * 640 + 40]);
	EXPECT_GT(20, map[172 * 640 + 600]);
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(rig.allocator));
}

/*
 * I1: a device that cannot use the heap's scattered memory fails in ACQUIRE: EOPNOTSUPP.
 * The connection is in STOP then, and the device is free.
 */
TEST_F(devices, contiguous_memory)
{
	struct v4l2_requestbuffers request = {
		.count = 2,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
	};
	struct rig rig = { .ksalloc = self->ksalloc, .heap = self->heap };
	int other;

	need_heap();
	rig.video = open_camera(1);
	ASSERT_EQ(0, set_format(rig.video, 1920, 1080));
	rig.connection = do_connect(rig.ksalloc, rig.video);
	ASSERT_LE(0, rig.connection);
	rig_allocator(&rig, 2);
	EXPECT_EQ(-EOPNOTSUPP, set_state(rig.connection, KSSTATE_ACQUIRE));
	expect_refusal(rig.connection, KSALLOC_REFUSAL_MAP, 0, -EFAULT);
	EXPECT_EQ(-EOPNOTSUPP, set_state(rig.connection, KSSTATE_RUN));
	EXPECT_EQ(KSSTATE_STOP, get_state(rig.connection));
	EXPECT_EQ(0, allocated(rig.allocator));
	other = open_camera(1);
	EXPECT_EQ(0, call_fd(other, VIDIOC_REQBUFS, &request));
}

/*
 * Cameras with the multi-planar API. vivid has a data offset only if all of them have this
 * API.
 */
FIXTURE(offset) {
	struct rig rig;
};

FIXTURE_SETUP(offset)
{
	need_vivid("2,2", "0,0");
	self->rig.ksalloc = open_ksalloc();
	self->rig.heap = open_heap();
	self->rig.video = open_camera(0);
}

FIXTURE_TEARDOWN(offset)
{
	rig_close(&self->rig);
}

static int set_multiplanar_format(int video, __u32 *size)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
		.fmt.pix_mp = {
			.width = WIDTH,
			.height = HEIGHT,
			.pixelformat = V4L2_PIX_FMT_YUYV,
			.field = V4L2_FIELD_NONE,
			.num_planes = 1,
		},
	};
	int input = 0;
	int err = call_fd(video, VIDIOC_S_INPUT, &input);

	if (!err)
		err = call_fd(video, VIDIOC_S_FMT, &format);
	*size = format.fmt.pix_mp.plane_fmt[0].sizeimage;
	return err;
}

/*
 * A device stores its data with an offset: the header has this offset and the number of
 * bytes, and the first and last bytes of the picture are there.
 */
TEST_F(offset, data)
{
	struct ksalloc_complete frame = { 0 };
	const struct ksstream_header *header = &frame.header;
	unsigned char *map;
	__u32 size = 0;
	int dmabuf;

	ASSERT_EQ(0, set_multiplanar_format(self->rig.video, &size));
	if (size == FRAME_SIZE)
		SKIP("vivid has no offset");
	self->rig.connection = do_connect(self->rig.ksalloc, self->rig.video);
	ASSERT_LE(0, self->rig.connection);
	rig_allocator(&self->rig, FRAMES);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(0, alloc_now(self->rig.allocator));
	dmabuf = export_frame(self->rig.allocator, 0);
	ASSERT_LE(0, dmabuf);
	map = map_frame(dmabuf, size, PROT_READ | PROT_WRITE);
	memset(map, 0x33, size);
	ASSERT_EQ(0, submit(self->rig.connection, 0));
	ASSERT_EQ(0, rig_complete(&self->rig, &frame));

	EXPECT_EQ(size, header->frame_extent);
	EXPECT_EQ(FRAME_SIZE, header->data_used);
	ASSERT_EQ(size - FRAME_SIZE, header->data);
	/* It was not truncated to the size of the frame. */
	EXPECT_FALSE(header->options_flags &
		     KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY);
	/* The last line begins with white and ends with black. */
	map += header->data + FRAME_SIZE - WIDTH * 2;
	EXPECT_LT(150, map[0]);
	EXPECT_LT(150, map[2]);
	EXPECT_GT(20, map[WIDTH * 2 - 4]);
	EXPECT_GT(20, map[WIDTH * 2 - 2]);
}
