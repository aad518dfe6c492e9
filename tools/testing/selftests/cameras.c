// SPDX-License-Identifier: GPL-2.0-only
/*
 * Several devices and allocators at the same time.
 */
#include "ksalloc_test.h"

#include <unistd.h>

/* Two cameras, with a connection each */
FIXTURE(cameras) {
	struct rig rig[2];
};

FIXTURE_SETUP(cameras)
{
	int i;

	for (i = 0; i < 2; i++)
		rig_open(&self->rig[i], i, 320, 180);
}

FIXTURE_TEARDOWN(cameras)
{
	int i;

	for (i = 0; i < 2; i++)
		rig_close(&self->rig[i]);
}

static void share_allocator(struct cameras_fixture *self, unsigned int frames)
{
	rig_allocator(&self->rig[0], frames);
	self->rig[1].allocator = dup(self->rig[0].allocator);
	ASSERT_EQ(0, set_allocator(self->rig[1].connection,
				   self->rig[1].allocator));
}

/* G1: two connections use one allocator. Each gets its own frames back. */
TEST_F(cameras, shared_allocator)
{
	struct ksalloc_complete frame;
	int i, j;

	share_allocator(self, 6);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, set_state(self->rig[i].connection, KSSTATE_RUN));
	for (i = 0; i < 6; i++) {
		ASSERT_EQ(i, alloc_now(self->rig[0].allocator));
		ASSERT_EQ(0, submit(self->rig[i % 2].connection, i));
	}
	for (i = 0; i < 10; i++) {
		for (j = 0; j < 2; j++) {
			rig_turn(&self->rig[j], &frame);
			EXPECT_EQ(j, frame.index % 2);
			EXPECT_EQ(320 * 180 * 2, frame.header.data_used);
		}
	}
	EXPECT_EQ(6, in_device(self->rig[0].allocator));
	ASSERT_EQ(0, set_state(self->rig[0].connection, KSSTATE_STOP));
	EXPECT_EQ(3, in_device(self->rig[0].allocator));
	EXPECT_EQ(3, allocated(self->rig[0].allocator));
	rig_turn(&self->rig[1], NULL);
}

/* G1: a frame in one device cannot be submitted to the other: EBUSY. */
TEST_F(cameras, frame_in_the_other_device)
{
	share_allocator(self, 4);
	ASSERT_EQ(0, set_state(self->rig[0].connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, set_state(self->rig[1].connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, alloc_now(self->rig[0].allocator));
	ASSERT_EQ(0, submit(self->rig[0].connection, 0));
	EXPECT_EQ(-EBUSY, submit(self->rig[1].connection, 0));
	EXPECT_EQ(0, get_pending(self->rig[1].connection));
	EXPECT_EQ(1, get_pending(self->rig[0].connection));
	ASSERT_EQ(0, set_state(self->rig[1].connection, KSSTATE_STOP));
	EXPECT_EQ(1, in_device(self->rig[0].allocator));
	EXPECT_EQ(-EBUSY, free_frame(self->rig[1].allocator, 0));
}

/* G1: a frame that one device filled can be submitted to the other directly. */
TEST_F(cameras, frame_goes_through_both)
{
	int i;

	share_allocator(self, 4);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, set_state(self->rig[i].connection, KSSTATE_RUN));
	ASSERT_EQ(0, alloc_now(self->rig[0].allocator));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, submit(self->rig[i % 2].connection, 0));
		ASSERT_EQ(0, rig_complete(&self->rig[i % 2], NULL));
	}
	EXPECT_EQ(1, allocated(self->rig[0].allocator));
}

/* G1: the number of frames limits both connections together. */
TEST_F(cameras, shared_bound)
{
	share_allocator(self, 3);
	ASSERT_EQ(0, set_state(self->rig[0].connection, KSSTATE_PAUSE));
	ASSERT_EQ(3, rig_submit_all(&self->rig[0]));
	EXPECT_EQ(-EAGAIN, alloc_now(self->rig[1].allocator));
	ASSERT_EQ(0, set_state(self->rig[0].connection, KSSTATE_ACQUIRE));
	EXPECT_LE(0, alloc_now(self->rig[1].allocator));
}

/*
 * G2: with an allocator each, a camera that holds all its frames does not affect the other.
 */
TEST_F(cameras, separate_allocators)
{
	int i;

	for (i = 0; i < 2; i++) {
		rig_allocator(&self->rig[i], 3);
		ASSERT_EQ(0, set_state(self->rig[i].connection, KSSTATE_RUN));
	}
	ASSERT_EQ(3, rig_submit_all(&self->rig[0]));
	for (i = 0; i < 3; i++)
		ASSERT_LE(0, rig_complete(&self->rig[0], NULL));
	EXPECT_EQ(-EAGAIN, alloc_now(self->rig[0].allocator));
	ASSERT_EQ(3, rig_submit_all(&self->rig[1]));
	for (i = 0; i < 6; i++)
		rig_turn(&self->rig[1], NULL);
	EXPECT_EQ(3, allocated(self->rig[0].allocator));
}

/* G1: stopping or closing one connection does not affect the other's frames. */
TEST_F(cameras, close_one)
{
	int i;

	share_allocator(self, 6);
	for (i = 0; i < 2; i++)
		ASSERT_EQ(0, set_state(self->rig[i].connection, KSSTATE_RUN));
	for (i = 0; i < 6; i++) {
		ASSERT_EQ(i, alloc_now(self->rig[0].allocator));
		ASSERT_EQ(0, submit(self->rig[i % 2].connection, i));
	}
	close(self->rig[0].connection);
	self->rig[0].connection = 0;
	EXPECT_TRUE(EVENTUALLY(allocated(self->rig[1].allocator) == 3));
	for (i = 0; i < 6; i++)
		rig_turn(&self->rig[1], NULL);
}
