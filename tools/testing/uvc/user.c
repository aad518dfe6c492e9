// SPDX-License-Identifier: GPL-2.0-only
/* An ordinary user captures from a USB camera, in a container that has only its node. */
#include "webcam.h"
#include "../selftests/box.h"

#define WIDTH 640
#define HEIGHT 360
/* The header of a frame in a Y4M file, and a frame of YUYV as 4:2:2 */
#define FRAME (6 + WIDTH * HEIGHT * 2)

FIXTURE(uvc_user) {
	struct webcam webcam;
};

FIXTURE_SETUP(uvc_user)
{
	repair_machine();
	webcam_plug(&self->webcam, NULL);
}

FIXTURE_TEARDOWN(uvc_user)
{
	webcam_unplug(&self->webcam);
	webcam_settle(&self->webcam);
}

/* The user needs no right but those on the camera and on /dev/ksalloc. */
TEST_F(uvc_user, captures)
{
	char *const arguments[] = {
		"ks-capture", "-d", BOX_CAMERA, "-f", "YUYV", "-s", "640x360", "-n", "10",
		"-o", "x.y4m", NULL,
	};

	EXPECT_EQ(0, box_capture(self->webcam.node, arguments));
	EXPECT_LT(10 * FRAME, box_size("x.y4m"));
	EXPECT_GT(10 * FRAME + 128, box_size("x.y4m"));
}
