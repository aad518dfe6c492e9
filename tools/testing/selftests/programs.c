// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contract J2: clients that find, open and read a camera in different ways, as programs for
 * Windows do. See tools/testing/clients.
 */
#include "programs.h"

#define NO_TEXT 2
#define ALL_TEXT 0

FIXTURE(programs) {
	struct footprint before;
	unsigned char *expected;
	int video;
};

/*
 * Without text and movement, all pictures are equal. Their order is that of the numbers that the
 * client gets
 */
FIXTURE_SETUP(programs)
{
	repair_machine();
	self->video = open_camera(0);
	ASSERT_EQ(0, set_format(self->video, 320, 180));
	ASSERT_EQ(0, set_control(self->video, "OSD Text Mode", NO_TEXT));
	self->expected = malloc(PROGRAMS_BYTES);
	ASSERT_TRUE(self->expected);
	ASSERT_EQ(PROGRAMS_BYTES, read(self->video, self->expected, PROGRAMS_BYTES));
	/* The read makes this file the owner of the buffers */
	close(self->video);
	self->video = open_camera(0);
	footprint_take(&self->before);
}

FIXTURE_TEARDOWN(programs)
{
	EXPECT_FOOTPRINT(&self->before);
	EXPECT_EQ(0, set_control(self->video, "OSD Text Mode", ALL_TEXT));
	close(self->video);
	free(self->expected);
}

static void expect_pictures(struct programs_fixture *self, const char *name)
{
	unsigned char *pictures = programs_run(name, node_path("vivid-000-vid-cap"));
	int i, wrong = 0;

	for (i = 0; i < PROGRAMS_FRAMES; i++)
		wrong += !!memcmp(pictures + i * PROGRAMS_BYTES, self->expected, PROGRAMS_BYTES);
	EXPECT_EQ(0, wrong);
	free(pictures);
}

/* A camera with the multi-planar API. Returns the bytes of its plane, which can have an offset */
static __u32 set_planes(int video)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
		.fmt.pix_mp = {
			.width = 320,
			.height = 180,
			.pixelformat = V4L2_PIX_FMT_YUYV,
			.field = V4L2_FIELD_NONE,
			.num_planes = 1,
		},
	};
	struct v4l2_capability capability = { 0 };
	int input = 0;

	ASSERT_EQ(0, call_fd(video, VIDIOC_QUERYCAP, &capability));
	ASSERT_FALSE(capability.device_caps & V4L2_CAP_VIDEO_CAPTURE);
	ASSERT_TRUE(capability.device_caps & V4L2_CAP_VIDEO_CAPTURE_MPLANE);
	ASSERT_EQ(0, call_fd(video, VIDIOC_S_INPUT, &input));
	ASSERT_EQ(0, call_fd(video, VIDIOC_S_FMT, &format));
	return format.fmt.pix_mp.plane_fmt[0].sizeimage;
}

/* The picture of such a camera, to be freed. If it has an offset, read() cuts the picture off */
static unsigned char *read_plane(void)
{
	unsigned char *picture = malloc(PROGRAMS_BYTES);
	int video;

	need_vivid("2,1", "0,0");
	video = open_camera(0);
	ASSERT_EQ(PROGRAMS_BYTES, set_planes(video));
	ASSERT_EQ(0, set_control(video, "OSD Text Mode", NO_TEXT));
	ASSERT_EQ(PROGRAMS_BYTES, read(video, picture, PROGRAMS_BYTES));
	EXPECT_EQ(0, set_control(video, "OSD Text Mode", ALL_TEXT));
	close(video);
	return picture;
}

/* Returns the bytes of a plane */
static __u32 expect_pictures_of_planes(const char *multiplanar)
{
	unsigned char *expected = read_plane(), *pictures;
	struct footprint before;
	int video, i, wrong = 0;
	__u32 bytes;

	need_vivid(multiplanar, "0,0");
	footprint_take(&before);
	video = open_camera(0);
	bytes = set_planes(video);
	ASSERT_EQ(0, set_control(video, "OSD Text Mode", NO_TEXT));
	close(video);
	pictures = programs_run("events", node_path("vivid-000-vid-cap"));
	for (i = 0; i < PROGRAMS_FRAMES; i++)
		wrong += !!memcmp(pictures + i * PROGRAMS_BYTES, expected, PROGRAMS_BYTES);
	EXPECT_EQ(0, wrong);
	free(pictures);
	free(expected);
	video = open_camera(0);
	EXPECT_EQ(0, set_control(video, "OSD Text Mode", ALL_TEXT));
	close(video);
	EXPECT_FOOTPRINT(&before);
	return bytes;
}

/* J2: a camera with the multi-planar API, in a format with one plane of memory. */
TEST(programs_plane)
{
	EXPECT_EQ(PROGRAMS_BYTES, expect_pictures_of_planes("2,1"));
}

/* J2: the same, and the picture begins with an offset in the plane. */
TEST(programs_plane_with_offset)
{
	EXPECT_LT(PROGRAMS_BYTES, expect_pictures_of_planes("2,2"));
}

/* J2: SetupDi functions, many reads with events, and CancelIo(). */
TEST_F(programs, events)
{
	expect_pictures(self, "events");
}

/* J2: C++, a list of interfaces, an intersection of formats, CancelIoEx(). */
TEST_F(programs, card)
{
	expect_pictures(self, "card");
}

/* J2: reads in a thread that waits for each, and CancelSynchronousIo(). */
TEST_F(programs, viewer)
{
	expect_pictures(self, "viewer");
}

/* J2: C++, an allocator, sets that are supported, a completion port. */
TEST_F(programs, proxy)
{
	expect_pictures(self, "proxy");
}

/* J2: functions of ntdll.dll, GetProcAddress(), several headers in a read. */
TEST_F(programs, native)
{
	expect_pictures(self, "native");
}

/* J2: C++, nodes and controls of the filter, the second form of a format, STOP with a read. */
TEST_F(programs, tuner)
{
	expect_pictures(self, "tuner");
}
