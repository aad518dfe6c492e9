// SPDX-License-Identifier: GPL-2.0-only
/* The rows of a USB camera in the table of drivers. */
#include "webcam.h"

#include <unistd.h>

#include "../drivers/try.h"

FIXTURE(uvc_row) {
	struct webcam cam;
};

FIXTURE_SETUP(uvc_row)
{
	webcam_plug(&self->cam, NULL);
}

FIXTURE_TEARDOWN(uvc_row)
{
	webcam_unplug(&self->cam);
}

static void try_format(struct uvc_row_fixture *self, unsigned int pixelformat, const char *name)
{
	int video = webcam_open(&self->cam);
	char outcome[OUTCOME];

	ASSERT_EQ(0, webcam_set_mode(video, pixelformat, 320, 180, 30));
	try_node(video, outcome);
	close(video);
	EXPECT_STREQ(frames_in_all(), outcome);
	tell_row("uvcvideo", name, outcome);
}

TEST_F(uvc_row, raw)
{
	try_format(self, V4L2_PIX_FMT_YUYV, "USB camera, raw");
}

TEST_F(uvc_row, compressed)
{
	try_format(self, V4L2_PIX_FMT_MJPEG, "USB camera, JPEG");
}
