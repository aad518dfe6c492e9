// SPDX-License-Identifier: GPL-2.0-only
/* io_uring completes pictures of a USB camera. */
#define URING_WITHOUT_FIXTURE
#include "../selftests/uring.h"
#include "webcam.h"

/* Each COMPLETE gets the next picture, and waits for it as a command of io_uring. */
TEST(uvc_uring)
{
	struct ksalloc_complete frame = { .size = sizeof(frame) };
	struct studio studio = {};
	struct watch watch = {};
	struct io_uring ring;
	int i;

	studio_set_up(&studio, NULL);
	ASSERT_EQ(0, io_uring_queue_init(ENTRIES, &ring, 0));
	studio_run(&studio);
	for (i = 0; i < 3 * WEBCAM_FRAMES; i++) {
		ASSERT_EQ(0, run(&ring, studio.rig.connection, KSALLOC_COMPLETE, &frame));
		watch_look(&studio, &watch, &frame);
		ASSERT_EQ(0, submit(studio.rig.connection, frame.index));
	}
	io_uring_queue_exit(&ring);
	studio_tear_down(&studio);
}
