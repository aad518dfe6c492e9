// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine is suspended while a USB camera streams. The host controller of USB/IP refuses to
 * suspend while a device is attached. So the kernel does not suspend the camera.
 */
#include "webcam.h"
#include "../selftests/sleep.h"

FIXTURE(uvc_suspend) {
	struct studio studio;
};

FIXTURE_SETUP(uvc_suspend)
{
	if (!can_sleep())
		SKIP("the kernel has no pm_test");
	studio_set_up(&self->studio, NULL);
	studio_run(&self->studio);
	expect_pictures(&self->studio, 2);
}

FIXTURE_TEARDOWN(uvc_suspend)
{
	studio_tear_down(&self->studio);
}

/* The processes of the camera and of the test are frozen; then the stream continues. */
TEST_F(uvc_suspend, frozen)
{
	ASSERT_EQ(0, sleep_machine(SLEEP_FREEZER, 1));
	EXPECT_EQ(KSSTATE_RUN, get_state(self->studio.rig.connection));
	expect_pictures(&self->studio, 2 * WEBCAM_FRAMES);
}

/* The machine does not suspend; the stream continues. */
TEST_F(uvc_suspend, refused)
{
	ASSERT_EQ(-EBUSY, sleep_machine(SLEEP_DEVICES, 0));
	EXPECT_EQ(KSSTATE_RUN, get_state(self->studio.rig.connection));
	expect_pictures(&self->studio, 2 * WEBCAM_FRAMES);
}
