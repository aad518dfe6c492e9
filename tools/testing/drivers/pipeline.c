// SPDX-License-Identifier: GPL-2.0-only
/*
 * A camera behind a media controller: vimc. By default, the formats of its entities differ, and
 * the user has to set them.
 */
#include "try.h"

#include <fcntl.h>
#include <linux/media.h>
#include <linux/media-bus-format.h>
#include <linux/v4l2-subdev.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define WIDTH 64
#define HEIGHT 48

FIXTURE(vimc) {
	int media;
	char said[4096];
};

static int open_media(const char *driver)
{
	struct media_device_info info;
	char path[32];
	unsigned int i;
	int media;

	for (i = 0; i < 16; i++) {
		snprintf(path, sizeof(path), "/dev/media%u", i);
		media = open(path, O_RDWR | O_CLOEXEC);
		if (media < 0)
			continue;
		memset(&info, 0, sizeof(info));
		if (!call_fd(media, MEDIA_IOC_DEVICE_INFO, &info) &&
		    !strcmp(info.driver, driver))
			return media;
		close(media);
	}
	return -1;
}

FIXTURE_SETUP(vimc)
{
	repair_machine();
	need_module("vimc");
	self->media = open_media("vimc");
	ASSERT_LE(0, self->media);
}

FIXTURE_TEARDOWN(vimc)
{
	if (self->media > 0)
		close(self->media);
}

static void find_entity(int media, const char *name, struct media_entity_desc *entity)
{
	memset(entity, 0, sizeof(*entity));
	do {
		entity->id |= MEDIA_ENT_ID_FLAG_NEXT;
		ASSERT_EQ(0, call_fd(media, MEDIA_IOC_ENUM_ENTITIES, entity));
	} while (strcmp(entity->name, name));
}

/* Enables or disables the link between two pads */
static int set_link(int media, const char *from, unsigned int from_pad, const char *to,
		    bool enabled)
{
	struct media_entity_desc source, sink;
	struct media_link_desc link;

	find_entity(media, from, &source);
	find_entity(media, to, &sink);
	link = (struct media_link_desc){
		.source = { .entity = source.id, .index = from_pad },
		.sink = { .entity = sink.id, .index = 0 },
		.flags = enabled ? MEDIA_LNK_FL_ENABLED : 0,
	};
	return call_fd(media, MEDIA_IOC_SETUP_LINK, &link);
}

/* Sets the format of a pad of an entity */
static void set_pad(const char *name, unsigned int pad, unsigned int code)
{
	struct v4l2_subdev_format format = {
		.which = V4L2_SUBDEV_FORMAT_ACTIVE,
		.pad = pad,
		.format = {
			.width = WIDTH,
			.height = HEIGHT,
			.code = code,
			.field = V4L2_FIELD_NONE,
		},
	};
	int entity = open_node(name, O_RDWR);

	ASSERT_EQ(0, call_fd(entity, VIDIOC_SUBDEV_S_FMT, &format));
	EXPECT_EQ(WIDTH, format.format.width);
	EXPECT_EQ(HEIGHT, format.format.height);
	EXPECT_EQ(code, format.format.code);
	close(entity);
}

static int open_capture(const char *name, unsigned int pixelformat)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {
			.width = WIDTH,
			.height = HEIGHT,
			.pixelformat = pixelformat,
			.field = V4L2_FIELD_NONE,
		},
	};
	int video = open_node(name, O_RDWR);

	ASSERT_EQ(0, call_fd(video, VIDIOC_S_FMT, &format));
	EXPECT_EQ(WIDTH, format.fmt.pix.width);
	EXPECT_EQ(pixelformat, format.fmt.pix.pixelformat);
	return video;
}

/*
 * Sets the formats of all entities between Sensor A and both nodes. vimc starts a pipeline only if
 * both ends of each link have the same format, even if the link does not lead to the started node.
 */
static void set_formats(void)
{
	set_pad("Sensor A", 0, MEDIA_BUS_FMT_SBGGR8_1X8);
	set_pad("Debayer A", 0, MEDIA_BUS_FMT_SBGGR8_1X8);
	set_pad("Scaler", 0, MEDIA_BUS_FMT_RGB888_1X24);
	set_pad("Scaler", 1, MEDIA_BUS_FMT_RGB888_1X24);
	close(open_capture("Raw Capture 0", V4L2_PIX_FMT_SBGGR8));
	close(open_capture("RGB/YUV Capture", V4L2_PIX_FMT_RGB24));
}

static void try_capture(const char *name, char outcome[OUTCOME])
{
	int video = open_node(name, O_RDWR);

	try_node(video, outcome);
	close(video);
}

static int ks_capture(const char *name, const char *options, char *said, size_t size)
{
	char arguments[128];

	snprintf(arguments, sizeof(arguments), "-d %s -n 2 -o /tmp/frames.raw %s",
		 node_path(name), options);
	return run_capture(arguments, said, size);
}

/* The formats differ: EPIPE in RUN, and ks-capture prints how to set them. */
TEST_F(vimc, formats_differ)
{
	char outcome[OUTCOME];

	set_formats();
	close(open_capture("Raw Capture 0", V4L2_PIX_FMT_RGB24));
	try_capture("Raw Capture 0", outcome);
	EXPECT_STREQ("EPIPE in RUN", outcome);
	tell_row("vimc", "formats differ", outcome);
	EXPECT_EQ(3, ks_capture("Raw Capture 0", "-f RGB3", self->said, sizeof(self->said)));
	expect_said(self->said, "'Sensor A' pad 0 sends 64x48, media bus code 0x3001;");
	expect_said(self->said, "; this node has RGB3 64x48.");
	EXPECT_FALSE(strstr(self->said, "expects"));
	expect_said(self->said, "have different formats or sizes, or a link is missing");
	expect_said(self->said, "media-ctl -d /dev/media");
}

/* Two entities before the node have different formats, and ks-capture prints them. */
TEST_F(vimc, entities_differ)
{
	set_formats();
	set_pad("Debayer A", 0, MEDIA_BUS_FMT_SGBRG8_1X8);
	EXPECT_EQ(3, ks_capture("RGB/YUV Capture", "", self->said, sizeof(self->said)));
	expect_said(self->said, "'Sensor A' pad 0 sends 64x48, media bus code 0x3001;");
	expect_said(self->said, "'Debayer A' pad 0 expects 64x48, media bus code 0x3013.");
	EXPECT_FALSE(strstr(self->said, "no enabled link"));
}

/* The formats are set: frames can be captured, also with ks-capture. */
TEST_F(vimc, raw_capture)
{
	char outcome[OUTCOME];

	set_formats();
	try_capture("Raw Capture 0", outcome);
	EXPECT_STREQ(frames_in_all(), outcome);
	tell_row("vimc", "formats set, raw pictures", outcome);
	EXPECT_EQ(0, ks_capture("Raw Capture 0", "", self->said, sizeof(self->said)));
}

/* The same through a longer pipeline */
TEST_F(vimc, processed_capture)
{
	char outcome[OUTCOME];

	set_formats();
	try_capture("RGB/YUV Capture", outcome);
	EXPECT_STREQ(frames_in_all(), outcome);
	tell_row("vimc", "formats set, processed pictures", outcome);
	EXPECT_EQ(0, ks_capture("RGB/YUV Capture", "", self->said, sizeof(self->said)));
}

/* A link of the pipeline is disabled. vimc reports the same error as for different formats. */
TEST_F(vimc, link_is_missing)
{
	char outcome[OUTCOME];

	set_formats();
	ASSERT_EQ(0, set_link(self->media, "Debayer A", 1, "Scaler", false));
	try_capture("RGB/YUV Capture", outcome);
	EXPECT_STREQ("EPIPE in RUN", outcome);
	tell_row("vimc", "link missing", outcome);
	EXPECT_EQ(3, ks_capture("RGB/YUV Capture", "", self->said, sizeof(self->said)));
	expect_said(self->said, "'Scaler' has no enabled link from a camera.");
	ASSERT_EQ(0, set_link(self->media, "Debayer A", 1, "Scaler", true));
	try_capture("RGB/YUV Capture", outcome);
	EXPECT_STREQ(frames_in_all(), outcome);
}

/* A share, although the driver has no operations for inputs. The V4L2 core answers for it. */
TEST_F(vimc, share)
{
	struct ksalloc_share arg = { .size = sizeof(arg) };
	struct v4l2_input input = { };
	int ksalloc = open_ksalloc(), share, node, number = 1;
	char path[32];

	(void)self;
	set_formats();
	arg.v4l2_fd = open_node("Raw Capture 0", O_RDWR);
	share = call_fd(ksalloc, KSALLOC_SHARE, &arg);
	ASSERT_LE(0, share);
	snprintf(path, sizeof(path), "/dev/video%u", arg.node);
	node = open(path, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, node);
	EXPECT_EQ(0, call_fd(node, VIDIOC_ENUMINPUT, &input));
	EXPECT_EQ(V4L2_INPUT_TYPE_CAMERA, input.type);
	EXPECT_STREQ("Camera", (char *)input.name);
	EXPECT_EQ(0, call_fd(node, VIDIOC_G_INPUT, &number));
	EXPECT_EQ(0, number);
	close(node);
	close(share);
	close(arg.v4l2_fd);
	close(ksalloc);
}

static void expect_no_camera(int fd, const char *what)
{
	char outcome[OUTCOME];

	try_node(fd, outcome);
	EXPECT_STREQ("EINVAL in CONNECT", outcome);
	tell_row("vimc", what, outcome);
}

/* The other nodes of such a camera are refused, and ks-capture prints what they are. */
TEST_F(vimc, other_nodes)
{
	int entity = open_node("Sensor A", O_RDWR);

	expect_no_camera(entity, "sub-device");
	close(entity);
	EXPECT_EQ(3, ks_capture("Sensor A", "", self->said, sizeof(self->said)));
	expect_said(self->said, "is a part of a camera (sub-device)");
	expect_no_camera(self->media, "media device");
}

/* The last test of the suite: nothing holds a driver any more. */
TEST(drivers_unload)
{
	remove_module("vim2m");
	remove_module("vimc");
	remove_module("ksalloc_test_video");
}
