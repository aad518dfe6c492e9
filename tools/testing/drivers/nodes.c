// SPDX-License-Identifier: GPL-2.0-only
/*
 * All nodes of vivid. Only those for video capture can be used. KSALLOC_CONNECT refuses the others
 * and changes nothing.
 */
#include "try.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The order matters: a touch sensor, for example, also has V4L2_CAP_VIDEO_CAPTURE */
static const struct kind {
	__u32 caps;
	const char *name;
	bool is_usable;
} kinds[] = {
	{ V4L2_CAP_VIDEO_M2M | V4L2_CAP_VIDEO_M2M_MPLANE, "memory to memory", false },
	{ V4L2_CAP_TOUCH, "touch sensor", false },
	{ V4L2_CAP_META_CAPTURE, "metadata capture", false },
	{ V4L2_CAP_META_OUTPUT, "metadata output", false },
	{ V4L2_CAP_VIDEO_OUTPUT | V4L2_CAP_VIDEO_OUTPUT_MPLANE, "video output", false },
	{ V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_VIDEO_CAPTURE_MPLANE, "video capture", true },
	{ V4L2_CAP_VBI_CAPTURE | V4L2_CAP_SLICED_VBI_CAPTURE, "VBI capture", false },
	{ V4L2_CAP_VBI_OUTPUT | V4L2_CAP_SLICED_VBI_OUTPUT, "VBI output", false },
	{ V4L2_CAP_SDR_CAPTURE, "software radio", false },
	{ V4L2_CAP_MODULATOR, "radio transmitter", false },
	{ V4L2_CAP_RADIO, "radio", false },
};

static const struct kind *kind_of(__u32 caps)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++)
		if (caps & kinds[i].caps)
			return &kinds[i];
	return NULL;
}

/* Properties of a node that other programs can read; @format is of its first type of buffer */
struct view {
	struct v4l2_capability cap;
	struct v4l2_format format;
	int format_error;
};

static void look(int node, struct view *view)
{
	unsigned int type;

	memset(view, 0, sizeof(*view));
	EXPECT_EQ(0, call_fd(node, VIDIOC_QUERYCAP, &view->cap));
	for (type = V4L2_BUF_TYPE_VIDEO_CAPTURE; type <= V4L2_BUF_TYPE_META_OUTPUT; type++) {
		view->format.type = type;
		view->format_error = call_fd(node, VIDIOC_G_FMT, &view->format);
		if (!view->format_error)
			break;
	}
}

/* Tries a node of this driver; returns its kind, or NULL */
static const struct kind *try_path(const char *path, const char *driver, char outcome[OUTCOME])
{
	struct view before, after;
	const struct kind *kind = NULL;
	int node = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);

	/* A driver can refuse to open a node for writing, for example of a radio */
	if (node < 0)
		return NULL;
	if (!call_fd(node, VIDIOC_QUERYCAP, &before.cap) &&
	    !strcmp((const char *)before.cap.driver, driver))
		kind = kind_of(before.cap.device_caps);
	if (kind) {
		look(node, &before);
		try_node(node, outcome);
		look(node, &after);
		EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
		if (kind->is_usable)
			EXPECT_STREQ(frames_in_all(), outcome);
		else
			EXPECT_STREQ("EINVAL in CONNECT", outcome);
	}
	close(node);
	return kind;
}

/* Tries all nodes of a driver, and prints a row for each kind; returns the number of kinds */
static unsigned int try_driver(const char *driver)
{
	unsigned int known = 0, count = 0, bit;
	char path[300], outcome[OUTCOME];
	struct dirent *entry;
	const struct kind *kind;
	DIR *dir = opendir("/sys/class/video4linux");

	ASSERT_TRUE(dir);
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		kind = try_path(path, driver, outcome);
		bit = kind ? 1 << (kind - kinds) : 0;
		if (!kind || known & bit)
			continue;
		known |= bit;
		tell_row(driver, kind->name, outcome);
		count++;
	}
	closedir(dir);
	return count;
}

FIXTURE(nodes) {
	struct rig rig;
};

FIXTURE_SETUP(nodes)
{
	/* Set small pictures on both cameras */
	rig_open(&self->rig, 0, 320, 180);
	rig_close(&self->rig);
	rig_open(&self->rig, 1, 320, 180);
	rig_close(&self->rig);
}

FIXTURE_TEARDOWN(nodes)
{
	(void)self;
}

/* A5: of the nodes of vivid, only those for video capture can be used. */
TEST_F(nodes, vivid)
{
	(void)self;
	EXPECT_EQ(10, try_driver("vivid"));
}

FIXTURE(m2m) {
	int unused;
};

FIXTURE_SETUP(m2m)
{
	(void)self;
	repair_machine();
	need_module("vim2m");
}

FIXTURE_TEARDOWN(m2m)
{
	(void)self;
}

/* A5: a memory to memory device, which has a capture queue, is refused. */
TEST_F(m2m, vim2m)
{
	(void)self;
	EXPECT_EQ(1, try_driver("vim2m"));
}
