// SPDX-License-Identifier: GPL-2.0-only
/*
 * KSALLOC_SET_ALLOCATOR: which allocators a connection accepts, and when.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

FIXTURE(connect) {
	struct rig rig;
};

FIXTURE_SETUP(connect)
{
	rig_open(&self->rig, 0, 320, 180);
}

FIXTURE_TEARDOWN(connect)
{
	rig_close(&self->rig);
}

/* A5, D5: -1 means no allocator; other numbers that are not open: EBADF. */
TEST_F(connect, assign_not_open)
{
	int path, closed;
	char link[64];

	rig_allocator(&self->rig, 0);
	closed = dup(self->rig.allocator);
	close(closed);
	EXPECT_EQ(-EBADF, set_allocator(self->rig.connection, closed));
	EXPECT_EQ(-EBADF, set_allocator(self->rig.connection, -2));
	EXPECT_EQ(-EBADF, set_allocator(self->rig.connection, INT_MIN));
	EXPECT_EQ(-EBADF, set_allocator(self->rig.connection, INT_MAX));
	EXPECT_EQ(0, set_allocator(self->rig.connection, -1));
	EXPECT_EQ(0, set_allocator(self->rig.connection, -1));

	snprintf(link, sizeof(link), "/proc/self/fd/%d", self->rig.allocator);
	path = open(link, O_PATH | O_CLOEXEC);
	ASSERT_LE(0, path);
	EXPECT_EQ(-EBADF, set_allocator(self->rig.connection, path));
}

/* A5, D5: files that are not allocators, such as a connection: EINVAL. */
TEST_F(connect, assign_wrong_kind)
{
	const int fds[] = {
		self->rig.connection, self->rig.ksalloc, self->rig.video,
		open("/dev/null", O_RDWR), eventfd(0, 0),
		memfd_create("selftest", 0), open("/dev/dma_heap/system",
						  O_RDWR),
	};
	unsigned int i;
	int dmabuf;

	rig_allocator(&self->rig, 0);
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		/* The heap is -1 on some kernels, and set_allocator() accepts -1 */
		if (fds[i] >= 0)
			EXPECT_EQ(-EINVAL,
				  set_allocator(self->rig.connection, fds[i]));
	dmabuf = export_frame(self->rig.allocator, 0);
	ASSERT_LE(0, dmabuf);
	EXPECT_EQ(-EINVAL, set_allocator(self->rig.connection, dmabuf));
	/* The earlier allocator is still assigned. */
	EXPECT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
}

/* D5: an allocator whose frames are too small for the device: EINVAL. */
TEST_F(connect, assign_too_small)
{
	struct rig large;

	rig_open(&large, 1, 640, 360);
	rig_allocator(&self->rig, 0);
	EXPECT_EQ(-EINVAL, set_allocator(large.connection,
					 self->rig.allocator));
	rig_close(&large);
}

/* D5, H6: an allocator from another connection that is large enough is accepted. */
TEST_F(connect, assign_from_another_connection)
{
	struct rig large;
	int i;

	rig_open(&large, 1, 640, 360);
	self->rig.allocator = create_allocator(large.connection, large.heap, 4,
					       0);
	ASSERT_LE(0, self->rig.allocator);
	rig_close(&large);
	ASSERT_EQ(0, set_allocator(self->rig.connection, self->rig.allocator));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(4, rig_submit_all(&self->rig));
	for (i = 0; i < 6; i++)
		rig_turn(&self->rig, NULL);
}

/* D5: an allocator can be assigned only in STOP: EBUSY. */
TEST_F(connect, assign_while_busy)
{
	static const unsigned int states[] = {
		KSSTATE_ACQUIRE, KSSTATE_PAUSE, KSSTATE_RUN, KSSTATE_PAUSE,
		KSSTATE_ACQUIRE,
	};
	unsigned int i;
	int other;

	need_heap();
	rig_allocator(&self->rig, 0);
	other = create_allocator(self->rig.connection, self->rig.heap, 0, 0);
	ASSERT_LE(0, other);
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		ASSERT_EQ(0, set_state(self->rig.connection, states[i]));
		EXPECT_EQ(-EBUSY, set_allocator(self->rig.connection, other));
		EXPECT_EQ(-EBUSY, set_allocator(self->rig.connection, -1));
		EXPECT_EQ(-EBUSY, set_allocator(self->rig.connection,
						self->rig.allocator));
	}
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	EXPECT_EQ(0, set_allocator(self->rig.connection, other));
}

/* D5: assigning none, or closing the connection, drops the reference. */
TEST_F(connect, assign_drops_reference)
{
	int before = count_dmabufs();

	rig_allocator(&self->rig, 3);
	EXPECT_EQ(before + 3, count_dmabufs());
	close(self->rig.allocator);
	EXPECT_EQ(before + 3, count_dmabufs());
	ASSERT_EQ(0, set_allocator(self->rig.connection, -1));
	EXPECT_TRUE(EVENTUALLY(count_dmabufs() == before));

	rig_allocator(&self->rig, 3);
	close(self->rig.allocator);
	self->rig.allocator = 0;
	EXPECT_EQ(before + 3, count_dmabufs());
	close(self->rig.connection);
	self->rig.connection = 0;
	EXPECT_TRUE(EVENTUALLY(count_dmabufs() == before));
}

/* D5: a new allocator replaces the old one, and its reference is dropped. */
TEST_F(connect, assign_replaces)
{
	int before = count_dmabufs();

	need_heap();
	rig_allocator(&self->rig, 3);
	close(self->rig.allocator);
	rig_allocator(&self->rig, 5);
	EXPECT_TRUE(EVENTUALLY(count_dmabufs() == before + 5));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	EXPECT_EQ(5, rig_submit_all(&self->rig));
}

/*
 * D5: when another allocator is assigned, frames that were returned by COMPLETE become
 * free.
 */
TEST_F(connect, assign_returns_completed_frames)
{
	int first, i;

	need_heap();
	rig_allocator(&self->rig, 4);
	first = self->rig.allocator;
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(4, rig_submit_all(&self->rig));
	for (i = 0; i < 2; i++)
		ASSERT_LE(0, rig_complete(&self->rig, NULL));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	EXPECT_EQ(2, allocated(first));
	rig_allocator(&self->rig, 4);
	EXPECT_EQ(0, allocated(first));
	EXPECT_EQ(0, allocated(self->rig.allocator));
}
