// SPDX-License-Identifier: GPL-2.0-only
/*
 * v4l2loopback, which many programs use as a virtual camera. Programs send pictures to its nodes
 * and capture from them, and it has no dma-bufs. ksalloc refuses the nodes, and ks-capture prints
 * why.
 */
#include "try.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MODULE "/loopback/v4l2loopback.ko"
#define LABEL "test-loopback"
#define WIDTH 64
#define HEIGHT 36
#define SIZE (WIDTH * HEIGHT * 2)

FIXTURE(loopback) {
	/* A program that sends pictures to the node, or 0 */
	int producer;
	char said[8192];
};

FIXTURE_SETUP(loopback)
{
	(void)self;
	repair_machine();
	if (access(MODULE, F_OK))
		SKIP("v4l2loopback was not built for this kernel");
}

FIXTURE_TEARDOWN(loopback)
{
	if (self->producer > 0)
		close(self->producer);
	remove_module("v4l2loopback");
}

static void load(const char *parameters)
{
	char command[256];

	snprintf(command, sizeof(command), "insmod " MODULE " card_label=" LABEL " %s",
		 parameters);
	ASSERT_EQ(0, system("modprobe videodev"));
	ASSERT_EQ(0, system(command));
	ASSERT_TRUE(EVENTUALLY(node_exists(LABEL)));
}

static void produce(struct loopback_fixture *self)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_OUTPUT,
		.fmt.pix = {
			.width = WIDTH,
			.height = HEIGHT,
			.pixelformat = V4L2_PIX_FMT_YUYV,
			.field = V4L2_FIELD_NONE,
			.sizeimage = SIZE,
		},
	};
	static const char picture[SIZE];

	self->producer = open_node(LABEL, O_RDWR);
	ASSERT_EQ(0, call_fd(self->producer, VIDIOC_S_FMT, &format));
	ASSERT_EQ(SIZE, write(self->producer, picture, SIZE));
}

static void expect_refused(struct loopback_fixture *self, const char *what)
{
	char outcome[OUTCOME], arguments[384];
	int video;

	video = open_node(LABEL, O_RDWR);
	try_node(video, outcome);
	close(video);
	EXPECT_STREQ("EINVAL in CONNECT", outcome);
	tell_row("v4l2loopback", what, outcome);

	snprintf(arguments, sizeof(arguments), "-d %s -n 1 -o /tmp/frame.raw", node_path(LABEL));
	EXPECT_EQ(3, run_capture(arguments, self->said, sizeof(self->said)));
	expect_said(self->said, "Programs can send pictures to this node as well");
	expect_said(self->said, "use the node of that camera");
}

/* Expects the node in the list, with the reason why it is not usable. */
static void expect_not_usable(struct loopback_fixture *self)
{
	const char *at;

	EXPECT_EQ(0, run_capture("--list", self->said, sizeof(self->said)));
	at = strstr(self->said, LABEL);
	ASSERT_TRUE(at);
	at = strchr(at, '\n');
	ASSERT_TRUE(at);
	expect_said(at, "not usable: programs can send pictures to it");
}

/* No program sends pictures. */
TEST_F(loopback, idle)
{
	load("");
	expect_refused(self, "no program sends pictures");
	EXPECT_FALSE(strstr(self->said, "no signal"));
	expect_not_usable(self);
}

/* A program sends pictures. */
TEST_F(loopback, producer)
{
	load("");
	produce(self);
	expect_refused(self, "a program sends pictures");
	expect_not_usable(self);
}

/* With exclusive_caps, the node looks like a camera while a program sends pictures. */
TEST_F(loopback, looks_like_a_camera)
{
	struct v4l2_capability cap = {};
	int video;

	load("exclusive_caps=1");
	produce(self);
	video = open_node(LABEL, O_RDWR);
	ASSERT_EQ(0, call_fd(video, VIDIOC_QUERYCAP, &cap));
	EXPECT_EQ(V4L2_CAP_VIDEO_CAPTURE, cap.device_caps &
		  (V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_VIDEO_M2M));
	close(video);
	expect_refused(self, "exclusive_caps=1, a program sends pictures");
	expect_not_usable(self);
}
