// SPDX-License-Identifier: GPL-2.0-only
/* An ordinary user captures from a USB camera, with no right but the group of the udev rule. */
#include "webcam.h"
#include "../selftests/box.h"

#include <unistd.h>

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

/* In a container that has only the camera and /dev/ksalloc. */
TEST_F(uvc_user, captures)
{
	box_expect_video(self->webcam.node, BOX_CONTAINER, 640, 360);
}

/* In a user namespace that the user made, and as its root. */
TEST_F(uvc_user, captures_in_namespaces)
{
	if (access("/proc/self/ns/user", F_OK))
		SKIP("no user namespaces");
	box_expect_video(self->webcam.node, BOX_NAMESPACES, 640, 360);
}

/* Beside udmabuf and heaps that the user may not open. */
TEST_F(uvc_user, captures_on_machine)
{
	box_expect_video(self->webcam.node, BOX_MACHINE, 640, 360);
}
