// SPDX-License-Identifier: GPL-2.0-only
/* The list of cameras. */
#include <errno.h>

#include "../say.h"
#include "camera.h"
#include "tests.h"

#define SAID(text) CHECK(strstr(camera_said, text))
#define SAID_NOT(text) CHECK(!strstr(camera_said, text))

/* Each listed camera can be used, or the list has the reason why not */
void test_list(void)
{
	camera_reset(1);
	CHECK(camera_list());
	SAID("Fake camera (driver fake, at test)");
	SAID_NOT("not usable");
	camera.connect_errno = EINVAL;
	CHECK(camera_list());
	SAID("not usable: programs can send pictures to it as well");
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
	/* Nodes that do not capture are not listed */
	camera.caps = V4L2_CAP_VIDEO_M2M | V4L2_CAP_STREAMING;
	CHECK(!camera_list());
	CHECK_STR(camera_said, "");
	camera.caps = V4L2_CAP_VIDEO_CAPTURE | V4L2_CAP_TOUCH | V4L2_CAP_STREAMING;
	CHECK(!camera_list());
	CHECK_EQ(camera_run(""), STATUS_DEVICE);
	SAID("does not capture video");
}
