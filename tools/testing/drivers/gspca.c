// SPDX-License-Identifier: GPL-2.0-only
/* A simulated USB camera with a driver of gspca: see sq905.c. */
#include "try.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
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
 * The camera is unplugged before it streams. While it streams, that can crash the kernel with any
 * program: see Documentation/drivers.rst.
 */
TEST_F(gspca, unplug)
{
	struct rig rig = { .ksalloc = open_ksalloc(), .heap = open_heap() };
	struct ksalloc_complete frame;

	rig.video = open_gspca();
	rig.connection = do_connect(rig.ksalloc, rig.video);
	ASSERT_LE(0, rig.connection);
	rig_allocator(&rig, 4);
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_PAUSE));
	rig_submit_all(&rig);
	unplug(self);
	EXPECT_EQ(-ENODEV, rig_complete(&rig, &frame));
	EXPECT_EQ(KSSTATE_STOP, get_state(rig.connection));
	EXPECT_EQ(0, in_device(rig.allocator));
	EXPECT_EQ(POLLERR | POLLHUP, poll_fd(rig.connection, POLLIN, 0));
	rig_close(&rig);
}
