// SPDX-License-Identifier: GPL-2.0-only
/* Capture cards, whose source changes or disappears. */
#include <errno.h>
#include <sys/stat.h>

#include "../say.h"
#include "camera.h"
#include "tests.h"

#define SAID(text) CHECK(strstr(camera_said, text))
#define SAID_NOT(text) CHECK(!strstr(camera_said, text))

static long size_of(const char *name)
{
	struct stat st;

	return stat(name, &st) ? -1 : (long)st.st_size;
}

/* A card with HDMI; its timings and its source are 640x480 */
static void reset_to_card(unsigned int frames)
{
	camera_reset(frames);
	camera.input_caps = V4L2_IN_CAP_DV_TIMINGS;
	camera.has_events = true;
	camera.width = 640;
	camera.height = 480;
	camera.timings = camera_480p;
	camera.sources[0] = (struct camera_source) { camera_480p, 0, 0 };
	camera.sources[1] = (struct camera_source) { camera_720p, 0, 0 };
	camera.sources[2] = (struct camera_source) { camera_480p, ENOLINK, V4L2_IN_ST_NO_SIGNAL };
	camera.sources[3] = (struct camera_source) { camera_480p, 0, 0 };
}

/* The timings of the source are set, because a card does not adopt them by itself */
void test_source_follow(void)
{
	reset_to_card(2);
	CHECK_EQ(camera_run("-n 1"), STATUS_OK);
	CHECK_EQ(camera.sets_timings, 0);
	reset_to_card(2);
	camera.source = 1;
	CHECK_EQ(camera_run("-n 1"), STATUS_OK);
	SAID("is set to the signal of its source, 1280x720p at 60 frames a second");
	SAID("1 frame of YUYV 1280x720");
	CHECK_EQ(camera.sets_timings, 1);
	reset_to_card(2);
	camera.sources[0].timings = camera_1080i;
	CHECK_EQ(camera_run("-n 1"), STATUS_OK);
	SAID("1920x1080i at 30 frames a second");
	SAID("540 instead of 1080");
	/* A rate that cannot be distinguished from 60 is not set */
	reset_to_card(2);
	camera.sources[0].timings.pixelclock = 25200000;
	CHECK_EQ(camera_run("-n 1"), STATUS_OK);
	CHECK_EQ(camera.sets_timings, 0);
	reset_to_card(2);
	camera.source = 1;
	CHECK_EQ(camera_run("-n 1 --on-change ignore"), STATUS_OK);
	CHECK_EQ(camera.sets_timings, 0);
}

void test_source_none(void)
{
	reset_to_card(2);
	camera.source = 2;
	CHECK_EQ(camera_run("-n 1"), STATUS_DEVICE);
	SAID("'HDMI 1' has no signal");
	SAID("--on-change ignore");
	CHECK_EQ(camera.starts, 0);
	reset_to_card(2);
	camera.source = 2;
	CHECK_EQ(camera_run("-n 1 --on-change ignore"), STATUS_OK);
	reset_to_card(2);
	camera.sources[0].query_errno = ENOLCK;
	CHECK_EQ(camera_run("-n 1"), STATUS_DEVICE);
	SAID("cannot lock to");
	reset_to_card(2);
	camera.sources[0].query_errno = ERANGE;
	CHECK_EQ(camera_run("-n 1"), STATUS_DEVICE);
	SAID("the device does not support");
	/* A driver that cannot query the timings */
	reset_to_card(2);
	camera.sources[0].query_errno = ENOTTY;
	CHECK_EQ(camera_run("-n 1"), STATUS_OK);
	/* Without DV timings */
	reset_to_card(2);
	camera.input_caps = 0;
	camera.source = 2;
	CHECK_EQ(camera_run("-n 1"), STATUS_DEVICE);
	SAID("has no signal");
}

void test_source_ends(void)
{
	reset_to_card(6);
	camera.frames[3].changes[0] = 1;
	CHECK_EQ(camera_run("-n 6 -o a.y4m"), STATUS_FAILED);
	SAID("its source has changed");
	SAID("Its source sends 1280x720p at 60 frames a second now");
	SAID("--on-change restart");
	SAID("3 frames of YUYV 640x480");
	CHECK_EQ(size_of("a.y4m"), 59 + 3 * (6 + 2 * 640 * 480));
	reset_to_card(6);
	camera.frames[3].changes[0] = 2;
	CHECK_EQ(camera_run("-n 6"), STATUS_FAILED);
	SAID("'HDMI 1' has no signal");
	SAID("3 frames of YUYV 640x480");
	/* The driver stops the stream */
	reset_to_card(6);
	camera.frames[3].changes[0] = 2;
	camera.frames[3].err = EIO;
	CHECK_EQ(camera_run("-n 6"), STATUS_FAILED);
	SAID("its source has changed");
	/* The source changes and changes back */
	reset_to_card(6);
	camera.frames[3].changes[0] = 3;
	CHECK_EQ(camera_run("-n 6"), STATUS_OK);
	SAID_NOT("changed");
}

void test_source_restarts(void)
{
	reset_to_card(6);
	camera.frames[3].changes[0] = 1;
	CHECK_EQ(camera_run("-n 6 -o c-%d.raw --on-change restart --report r.json"), STATUS_OK);
	SAID("restarting the capture");
	SAID("6 frames");
	SAID("0 dropped");
	CHECK_EQ(size_of("c-2.raw"), 2 * 640 * 480);
	CHECK_EQ(size_of("c-3.raw"), 2 * 1280 * 720);
	CHECK_EQ(camera.starts, 2);
	/* The new stream may count from 0 */
	reset_to_card(6);
	camera.frames[3].changes[0] = 1;
	camera.frames[3].sequence = 0;
	camera.frames[4].sequence = 1;
	camera.frames[5].sequence = 2;
	CHECK_EQ(camera_run("-n 6 --on-change restart"), STATUS_OK);
	SAID("0 dropped");
	SAID_NOT("gap");
	/* A video cannot contain another size; it continues if the size is the same */
	reset_to_card(6);
	camera.frames[3].changes[0] = 1;
	CHECK_EQ(camera_run("-n 6 -o a.y4m --on-change restart"), STATUS_FAILED);
	SAID("a.y4m cannot contain the new pictures of the source, 1280x720 after 640x480");
	CHECK_EQ(size_of("a.y4m"), 59 + 3 * (6 + 2 * 640 * 480));
	reset_to_card(6);
	camera.frames[3].changes[0] = 2;
	camera.frames[3].changes[1] = 3;
	CHECK_EQ(camera_run("-n 6 -o a.y4m --on-change restart"), STATUS_OK);
	CHECK_EQ(size_of("a.y4m"), 59 + 6 * (6 + 2 * 640 * 480));
	CHECK_EQ(camera.starts, 2);
	/* There is no signal any more */
	reset_to_card(6);
	camera.frames[3].changes[0] = 2;
	CHECK_EQ(camera_run("-n 6 --on-change restart"), STATUS_FAILED);
	SAID("has sent no frame for 5 s");
	SAID("'HDMI 1' has no signal");
	SAID("3 frames");
}

void test_source_ignored(void)
{
	reset_to_card(6);
	camera.frames[2].changes[0] = 1;
	camera.frames[3].changes[0] = 2;
	CHECK_EQ(camera_run("-n 6 --on-change ignore"), STATUS_OK);
	SAID("6 frames of YUYV 640x480");
	CHECK_EQ(camera.sets_timings, 0);
	CHECK_EQ(camera.starts, 1);
}
