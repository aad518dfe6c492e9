// SPDX-License-Identifier: GPL-2.0-only
/* The list of cameras. */
#include <errno.h>

#include <linux/media.h>
#include <linux/v4l2-subdev.h>

#include "../say.h"
#include "camera.h"
#include "tests.h"

#define SAID(text) CHECK(strstr(camera_said, text))
#define SAID_NOT(text) CHECK(!strstr(camera_said, text))

/* A group that has no name on any machine */
#define GROUP 1987654321
#define GROUP_NAME "1987654321"
/* The number of all groups that a user namespace does not have */
#define NO_GROUP 65534

/* Each listed camera can be used, or the list has the reason why not */
void test_list(void)
{
	camera_reset(1);
	CHECK(camera_list());
	SAID("Fake camera (driver fake, at test)");
	SAID_NOT("not usable");
	SAID("heap system: can be used");
	SAID("/dev/udmabuf: cannot be opened: No such file");
	SAID("its own memory: its driver cannot export it");
	camera.lends = true;
	camera.needs_contiguous = true;
	CHECK(camera_list());
	SAID("heap system: its driver refuses it, because it is not contiguous");
	SAID("its own memory: can be used");
	camera.lends = false;
	camera.needs_contiguous = false;
	camera.assign_errno = EBUSY;
	CHECK(camera_list());
	SAID("memory: not known: another program captures from it");
	camera.assign_errno = 0;
	camera.connect_errno = EINVAL;
	CHECK(camera_list());
	SAID("not usable: programs can send pictures to it as well");
	SAID_NOT("share");
	camera.share_of = "video1";
	CHECK(camera_list());
	SAID("not usable: it is the node of a share, for V4L2 programs such as ffmpeg");
	SAID_NOT("send pictures");
	CHECK_EQ(camera_list_formats(), STATUS_OK);
	SAID("not usable with ksalloc: it is the node of a share");
	camera.share_of = NULL;
	camera.connect_errno = EOPNOTSUPP;
	CHECK(camera_list());
	SAID("not usable: it does not support streaming");
	camera.connect_errno = 0;
	camera.needs.requirements_flags = KSALLOCATOR_REQUIREMENTF_MUST_ALLOCATE;
	CHECK(camera_list());
	SAID("not usable: it can neither import nor export memory");
	camera.lends = true;
	CHECK(camera_list());
	SAID_NOT("not usable");
	/* A driver that cannot import memory, although the framing states that it can */
	camera.needs.requirements_flags = KSALLOCATOR_REQUIREMENTF_SYSTEM_MEMORY;
	camera.cannot_import = true;
	CHECK(camera_list());
	SAID_NOT("not usable");
	camera.lends = false;
	CHECK(camera_list());
	SAID("not usable: it can neither import nor export memory");
	/* Nodes that do not capture are not listed */
	camera.caps = V4L2_CAP_VIDEO_M2M | V4L2_CAP_STREAMING;
	CHECK(!camera_list());
	CHECK_STR(camera_said, "");
	camera.caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_TOUCH | V4L2_CAP_STREAMING;
	CHECK(!camera_list());
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("does not capture video: it is a touch sensor");
}

/* Without /dev/ksalloc, all cameras are listed, and the reason is given once */
void test_list_without_module(void)
{
	camera_reset(1);
	camera.nodes = 2;
	CHECK_EQ(camera_list_all(), STATUS_OK);
	CHECK_EQ(camera_said_count("Fake camera"), 2);
	SAID_NOT("/dev/ksalloc");
	camera.ks_errno = ENOENT;
	CHECK_EQ(camera_list_all(), STATUS_OK);
	CHECK_EQ(camera_said_count("Fake camera"), 2);
	CHECK_EQ(camera_said_count("which cameras can be used is not known: "), 1);
	SAID("cannot open /dev/ksalloc: No such file or directory\n");
	SAID("  The kernel module ksalloc is not loaded: sudo modprobe ksalloc\n");
	SAID_NOT("udev");
	camera.paths[0].path = "/sys/module/ksalloc";
	CHECK_EQ(camera_list_all(), STATUS_OK);
	SAID("  The module is loaded, but its node is missing: is udev running?\n");
	camera.ks_errno = EACCES;
	camera.group = GROUP;
	CHECK_EQ(camera_list_all(), STATUS_OK);
	CHECK_EQ(camera_said_count("Fake camera"), 2);
	CHECK_EQ(camera_said_count("which cameras can be used is not known: "), 1);
	SAID("cannot open /dev/ksalloc: Permission denied\n");
	SAID("  /dev/ksalloc is for the group '" GROUP_NAME "'. To join it: sudo usermod -aG");
	/* Anything else leads to the kernel log */
	camera.ks_errno = EIO;
	CHECK_EQ(camera_list_all(), STATUS_OK);
	SAID("kernel log");
	/* There is nothing to be known */
	camera.nodes = 0;
	CHECK_EQ(camera_list_all(), STATUS_DEVICE);
	SAID("there is no camera\n");
	SAID_NOT("/dev/ksalloc");
}

/* For cameras that this user may not open, there is the same advice as in a capture, but once */
void test_list_denied(void)
{
	static const char advice[] =
		"  /dev/video0 is for the group '" GROUP_NAME "'. To join it: sudo usermod -aG "
		GROUP_NAME " $USER\n  and log in again; or use sudo.\n";
	static const int errors[] = { EACCES, EPERM };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		camera_reset(1);
		camera.nodes = 2;
		camera.group = GROUP;
		camera.open_errno = errors[i];
		CHECK_EQ(camera_run(""), STATUS_DEVICE);
		SAID(advice);
		CHECK_EQ(camera_list_all(), STATUS_OK);
		SAID("/dev/video0   cannot be opened: ");
		SAID("/dev/video1   cannot be opened: ");
		SAID(advice);
		CHECK_EQ(camera_said_count("usermod"), 1);
	}
	/* A container that lost the groups of its user */
	camera.group = NO_GROUP;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("/dev/video0 is for a group that this container does not have. If you\n");
	SAID_NOT("usermod");
	/* Permission is not the reason */
	camera.open_errno = EBUSY;
	CHECK_EQ(camera_list_all(), STATUS_OK);
	SAID("/dev/video1   cannot be opened: ");
	SAID_NOT("usermod");
}

/* The name of a camera contains commands for the terminal: the device chooses it */
void test_names(void)
{
	static const char ugly[] = "Bad\033]0;\n\177 \303\251 \302\233 ";

	camera_reset(1);
	camera.card = ugly;
	CHECK(camera_list());
	SAID("Bad?]0;?? \303\251 ??  (driver fake");
	CHECK_EQ(camera_list_formats(), STATUS_OK);
	SAID("Bad?]0;?? \303\251 ?? , driver");
	camera.caps = V4L2_CAP_RADIO;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("Bad?]0;?? \303\251 ?? ) does not capture");
	/* Half of a character at the end is not changed */
	camera.card = "\302";
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("(\302) does not capture");
}

/* The formats of a camera that cannot be used are listed with the reason */
void test_list_formats(void)
{
	camera_reset(1);
	CHECK_EQ(camera_list_formats(), STATUS_OK);
	SAID("YUYV");
	SAID_NOT("not usable");
	camera.connect_errno = EINVAL;
	CHECK_EQ(camera_list_formats(), STATUS_OK);
	SAID("YUYV");
	SAID("not usable with ksalloc: programs can send pictures to it as well");
}

/* Each kind of node that does not capture is named */
void test_other_nodes(void)
{
	static const struct {
		__u32 caps;
		const char *purpose;
	} nodes[] = {
		{ V4L2_CAP_VIDEO_M2M, "memory to memory" },
		{ V4L2_CAP_VIDEO_M2M_MPLANE, "memory to memory" },
		{ V4L2_CAP_VIDEO_OUTPUT, "output" },
		{ V4L2_CAP_VIDEO_OUTPUT_MPLANE, "output" },
		{ V4L2_CAP_VBI_CAPTURE | V4L2_CAP_SLICED_VBI_CAPTURE, "VBI" },
		{ V4L2_CAP_SLICED_VBI_OUTPUT, "VBI" },
		{ V4L2_CAP_RADIO | V4L2_CAP_TUNER, "radio" },
		{ V4L2_CAP_MODULATOR, "radio" },
		{ V4L2_CAP_SDR_CAPTURE, "radio" },
		{ V4L2_CAP_META_CAPTURE, "metadata" },
		{ V4L2_CAP_META_OUTPUT, "metadata" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(nodes); i++) {
		camera_reset(1);
		camera.caps = nodes[i].caps;
		CHECK_EQ(camera_run(""), STATUS_DEVICE);
		SAID("does not capture video: it ");
		SAID(nodes[i].purpose);
		SAID("ks-capture --list");
		CHECK(!camera_list());
	}
	camera_reset(1);
	camera.caps = V4L2_CAP_STREAMING;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("does not capture video\n");
	camera_reset(1);
	camera.only = MEDIA_IOC_DEVICE_INFO;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("media device");
	SAID("ks-capture --list");
	camera.only = VIDIOC_SUBDEV_QUERYCAP;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("sub-device");
	SAID("ks-capture --list");
	camera.only = ~0UL;
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("is not a V4L2 device");
}
