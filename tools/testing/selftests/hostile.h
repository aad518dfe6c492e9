/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A camera and an allocator, and a check that both still work after a test
 */
#ifndef SELFTESTS_HOSTILE_H
#define SELFTESTS_HOSTILE_H

#include "ksalloc_test.h"

#define FRAMES 4
#define WIDTH 320
#define HEIGHT 180

/* One camera, connected, with an allocator, in STOP */
FIXTURE(hostile) {
	struct rig rig;
	int connection, allocator, video;
	int other;
};

FIXTURE_SETUP(hostile)
{
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
	self->video = self->rig.video;
}

FIXTURE_TEARDOWN(hostile)
{
	rig_close(&self->rig);
	if (!vivid_is_bound())
		vivid_bind();
}

/* All frames are free; a capture with all of them is possible. */
static inline void expect_capture(struct hostile_fixture *self)
{
	int i;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(0, in_device(self->allocator));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	for (i = 0; i < FRAMES; i++)
		EXPECT_LE(0, rig_complete(&self->rig, NULL));
	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(0, free_frame(self->allocator, i));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_STOP));
}

#endif
