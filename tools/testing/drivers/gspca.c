// SPDX-License-Identifier: GPL-2.0-only
/* A simulated USB camera with a driver of gspca: see sq905.c. */
#include "try.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define CAMERA "/tools/drivers/sq905"
/* gspca has one name for all of its nodes */
#define NODE "gspca main driver"
#define WIDTH 160
#define HEIGHT 120

FIXTURE(gspca) {
	pid_t camera;
	char said[4096];
};

static void unplug(struct gspca_fixture *self)
{
	if (self->camera <= 0)
		return;
	kill(self->camera, SIGKILL);
	waitpid(self->camera, NULL, 0);
	self->camera = 0;
}

FIXTURE_SETUP(gspca)
{
	repair_machine();
	need_module("vhci-hcd");
	need_module("gspca_sq905");
	self->camera = fork();
	ASSERT_LE(0, self->camera);
	if (!self->camera) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(CAMERA, CAMERA, NULL);
		_exit(1);
	}
	ASSERT_TRUE(EVENTUALLY(node_exists(NODE)));
}

FIXTURE_TEARDOWN(gspca)
{
	unplug(self);
	EXPECT_TRUE(EVENTUALLY(!node_exists(NODE)));
	remove_module("gspca_sq905");
}

static int open_gspca(void)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {
			.width = WIDTH,
			.height = HEIGHT,
			.pixelformat = V4L2_PIX_FMT_SBGGR8,
		},
	};
	int video = open_node(NODE, O_RDWR);

	ASSERT_EQ(0, call_fd(video, VIDIOC_S_FMT, &format));
	EXPECT_EQ(WIDTH, format.fmt.pix.width);
	return video;
}

/* Frames can be captured, also with ks-capture. */
TEST_F(gspca, frames)
{
	char outcome[OUTCOME], arguments[384];
	int video = open_gspca();

	try_node(video, outcome);
	close(video);
	EXPECT_STREQ(frames_in_all(), outcome);
	tell_row("gspca_sq905", "USB camera", outcome);
	snprintf(arguments, sizeof(arguments), "-d %s -n 3 -o /tmp/frames.raw", node_path(NODE));
	EXPECT_EQ(0, run_capture(arguments, self->said, sizeof(self->said)));
}

/*
 * Since some version after 6.12, the driver itself stops the stream when the camera is unplugged.
 * It unlocks the device while it waits for its work. Then STREAMOFF of ksalloc waits for the same
 * work, and both free it.
 */
static void skip_if_driver_crashes(void)
{
	struct utsname name;

	ASSERT_EQ(0, uname(&name));
	if (atoi(name.release) > 6)
		SKIP("gspca_sq905 stops the stream twice and crashes");
}

/* The camera is unplugged while it streams. */
TEST_F(gspca, unplug)
{
	struct rig rig = { .ksalloc = open_ksalloc(), .heap = open_heap() };
	struct ksalloc_complete frame;
	int index;

	skip_if_driver_crashes();
	rig.video = open_gspca();
	rig.connection = do_connect(rig.ksalloc, rig.video);
	ASSERT_LE(0, rig.connection);
	rig_allocator(&rig, 4);
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_PAUSE));
	rig_submit_all(&rig);
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_RUN));
	rig_turn(&rig, NULL);
	unplug(self);
	do {
		index = rig_complete(&rig, &frame);
	} while (index >= 0 && !free_frame(rig.allocator, index));
	EXPECT_EQ(-ENODEV, index);
	EXPECT_EQ(KSSTATE_STOP, get_state(rig.connection));
	EXPECT_EQ(0, in_device(rig.allocator));
	EXPECT_EQ(POLLERR | POLLHUP, poll_fd(rig.connection, POLLIN, 0));
	rig_close(&rig);
}
