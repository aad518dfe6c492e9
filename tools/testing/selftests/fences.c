// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames that are returned while a fence on their dma-buf is not signalled: nobody gets
 * them before it is.
 */
#define READERS_WITHOUT_FIXTURE
#define FRAMES 2

#include "camera_gaps.h"
#include "fence.h"
#include "readers.h"

#include <linux/dma-buf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Frames that circulate: enough for the camera and the reader, even without one of them */
#define MANY (KEEP + DEEP + 2)

/* A device begins to read the frame */
static void fence_add(struct fence *fence, int allocator, unsigned int index)
{
	int dmabuf = export_frame(allocator, index);

	ASSERT_LE(0, dmabuf);
	fence_begin(fence, dmabuf);
	close(dmabuf);
}

/* A camera in PAUSE, an allocator of FRAMES frames, which the test holds, and an event */
FIXTURE(fences) {
	struct rig rig;
	int allocator;
	int eventfd;
};

FIXTURE_SETUP(fences)
{
	struct ksalloc_enable_event event = {
		.size = sizeof(event),
		.event = KSEVENT_STREAMALLOCATOR_FREEFRAME,
	};
	int i;

	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	self->allocator = self->rig.allocator;
	self->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	ASSERT_LE(0, self->eventfd);
	event.eventfd = self->eventfd;
	ASSERT_EQ(0, call_fd(self->allocator, KSALLOC_ENABLE_EVENT, &event));
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(i, alloc_now(self->allocator));
}

FIXTURE_TEARDOWN(fences)
{
	rig_close(&self->rig);
	close(self->eventfd);
}

static int counted(int fd)
{
	uint64_t value;

	return read(fd, &value, sizeof(value)) == sizeof(value) ? (int)value : 0;
}

/* Checks that no frame is free and that nobody was notified. */
static void expect_none(int allocator, int eventfd)
{
	EXPECT_EQ(-EAGAIN, alloc_now(allocator));
	EXPECT_EQ(0, poll_fd(allocator, POLLIN, 0));
	EXPECT_EQ(0, counted(eventfd));
	EXPECT_EQ(FRAMES, allocated(allocator));
	EXPECT_EQ(0, in_device(allocator));
}

/* Checks that this frame is free or becomes free, and the event counts it once. */
static void expect_free(int allocator, int eventfd, int index)
{
	EXPECT_EQ(POLLIN, poll_fd(allocator, POLLIN, PATIENCE_MS));
	EXPECT_TRUE(EVENTUALLY(counted(eventfd) == 1));
	EXPECT_EQ(index, alloc_now(allocator));
	EXPECT_EQ(-EAGAIN, alloc_now(allocator));
	EXPECT_EQ(0, counted(eventfd));
}

static int fenced(int allocator)
{
	char text[32] = "";

	EXPECT_TRUE(fdinfo_value(allocator, "fenced", text, sizeof(text)));
	return atoi(text);
}

/*
 * H3: a frame that is freed before its fence is signalled still counts as allocated, but
 * has no holder. It is free when the fence is signalled.
 */
TEST_F(fences, frame_is_kept)
{
	char text[32] = "";
	struct fence fence;

	fence_add(&fence, self->allocator, 0);
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	expect_none(self->allocator, self->eventfd);
	EXPECT_TRUE(fdinfo_value(self->allocator, "allocated", text,
				 sizeof(text)));
	EXPECT_EQ(FRAMES, atoi(text));
	EXPECT_EQ(-EINVAL, free_frame(self->allocator, 0));
	EXPECT_EQ(-EINVAL, submit(self->rig.connection, 0));
	expect_none(self->allocator, self->eventfd);
	fence_signal(&fence);
	expect_free(self->allocator, self->eventfd, 0);
}

/*
 * H3: a frame that a device still reads cannot be submitted and stays with its owner. It
 * can be submitted when poll() of its dma-buf reports EPOLLOUT.
 */
TEST_F(fences, not_submitted)
{
	int dmabuf = export_frame(self->allocator, 0);
	struct fence fence;

	ASSERT_LE(0, dmabuf);
	fence_add(&fence, self->allocator, 0);
	EXPECT_EQ(-EBUSY, submit(self->rig.connection, 0));
	EXPECT_EQ(0, in_device(self->allocator));
	EXPECT_EQ(0, submit(self->rig.connection, 1));
	EXPECT_EQ(0, poll_fd(dmabuf, POLLOUT, 0));

	fence_signal(&fence);
	EXPECT_EQ(POLLOUT, poll_fd(dmabuf, POLLOUT, PATIENCE_MS));
	EXPECT_EQ(0, submit(self->rig.connection, 0));
	EXPECT_EQ(FRAMES, in_device(self->allocator));
	close(dmabuf);
}

/*
 * H3: a fence that is added while a frame waits keeps it too. A fence that is added to a
 * free frame does not prevent its allocation, but keeps it when it is freed the next time.
 */
TEST_F(fences, added_later)
{
	struct fence first, second;

	fence_add(&first, self->allocator, 0);
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(1, fenced(self->allocator));
	fence_add(&second, self->allocator, 0);
	fence_signal(&first);
	sleep_ms(20);
	EXPECT_EQ(1, fenced(self->allocator));
	expect_none(self->allocator, self->eventfd);
	fence_signal(&second);
	expect_free(self->allocator, self->eventfd, 0);
	EXPECT_EQ(0, fenced(self->allocator));

	ASSERT_EQ(0, free_frame(self->allocator, 0));
	fence_add(&first, self->allocator, 0);
	expect_free(self->allocator, self->eventfd, 0);
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	expect_none(self->allocator, self->eventfd);
	fence_signal(&first);
	expect_free(self->allocator, self->eventfd, 0);
}

/* H3: other frames can be used meanwhile. */
TEST_F(fences, others_are_not_kept)
{
	struct fence fence;

	fence_add(&fence, self->allocator, 0);
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	expect_free(self->allocator, self->eventfd, 1);
	fence_signal(&fence);
	expect_free(self->allocator, self->eventfd, 0);
}

/* H3: a fence that is signalled before the frame is freed has no effect. */
TEST_F(fences, signalled_before)
{
	struct fence fence;

	fence_add(&fence, self->allocator, 0);
	fence_signal(&fence);
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(1, counted(self->eventfd));
	EXPECT_EQ(0, alloc_now(self->allocator));
}

/*
 * H3, B3: the oldest waiter gets the frame when the fence is signalled, and not before. The
 * frame does not become free then.
 */
TEST_F(fences, waiter)
{
	struct ksalloc_alloc first = { .size = sizeof(first) };
	struct ksalloc_alloc second = { .size = sizeof(second) };
	struct call call[2];
	struct fence fence;

	fence_add(&fence, self->allocator, 0);
	call_start(&call[0], self->allocator, KSALLOC_ALLOC, &first);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 1));
	call_start(&call[1], self->allocator, KSALLOC_ALLOC, &second);
	ASSERT_TRUE(EVENTUALLY(waiters(self->allocator) == 2));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	sleep_ms(50);
	EXPECT_EQ(2, waiters(self->allocator));
	fence_signal(&fence);
	EXPECT_EQ(0, call_result(&call[0]));
	EXPECT_EQ(0, first.index);
	EXPECT_EQ(1, waiters(self->allocator));
	ASSERT_EQ(0, free_frame(self->allocator, 1));
	EXPECT_EQ(0, call_result(&call[1]));
	EXPECT_EQ(1, second.index);
	EXPECT_EQ(0, counted(self->eventfd));
}

/* H3: of several fences, the last one that is signalled counts. */
TEST_F(fences, several)
{
	struct fence fence[4];
	int i;

	for (i = 0; i < 4; i++)
		fence_add(&fence[i], self->allocator, 0);
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	for (i = 0; i < 4; i++) {
		sleep_ms(20);
		expect_none(self->allocator, self->eventfd);
		/* 1, 0, 3, 2 */
		fence_signal(&fence[i ^ 1]);
	}
	expect_free(self->allocator, self->eventfd, 0);
}

/* H3, B7: frames of a process that died are kept like frames that it freed. */
TEST_F(fences, owner_dies)
{
	struct agent agent;
	struct fence fence;

	ASSERT_EQ(0, free_frame(self->allocator, 0));
	agent_start(&agent);
	ASSERT_EQ(0, agent_alloc(&agent, agent_open(&agent, self->allocator)));
	EXPECT_EQ(1, counted(self->eventfd));
	fence_add(&fence, self->allocator, 0);
	agent_kill(&agent);
	sleep_ms(50);
	expect_none(self->allocator, self->eventfd);
	fence_signal(&fence);
	expect_free(self->allocator, self->eventfd, 0);
}

/* H3: frames that are returned from a device that stops are kept too. */
TEST_F(fences, device_stops)
{
	struct fence fence;

	ASSERT_EQ(0, submit(self->rig.connection, 0));
	fence_add(&fence, self->allocator, 0);
	EXPECT_EQ(1, in_device(self->allocator));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	expect_none(self->allocator, self->eventfd);
	fence_signal(&fence);
	expect_free(self->allocator, self->eventfd, 0);
}

/*
 * H3: an allocator does not wait for fences when it ends: it is freed completely, and a
 * later signal does not access it. The kernel log shows errors.
 */
TEST_F(fences, allocator_ends)
{
	int refs = module_refs("ksalloc");
	struct footprint before;
	struct fence fence[2];
	int allocator, i;

	need_heap();
	footprint_take(&before);
	allocator = create_allocator(self->rig.connection, self->rig.heap,
				     FRAMES, 0);
	ASSERT_LE(0, allocator);
	for (i = 0; i < FRAMES; i++) {
		ASSERT_EQ(i, alloc_now(allocator));
		fence_add(&fence[i], allocator, i);
	}
	/* One is freed before, the other one by this */
	ASSERT_EQ(0, free_frame(allocator, 0));
	sleep_ms(20);
	close(allocator);
	EXPECT_TRUE(EVENTUALLY(module_refs("ksalloc") == refs));
	for (i = 0; i < FRAMES; i++)
		fence_signal(&fence[i]);
	EXPECT_FOOTPRINT(&before);
}

/*
 * H3: a device still reads a dma-buf that becomes a frame of a new allocator. The frame is
 * free when the fence is signalled. The allocator can also end before that.
 */
TEST_F(fences, imported)
{
	int dmabufs[FRAMES], allocator, i;
	struct footprint before;
	struct fence fence;

	for (i = 0; i < FRAMES; i++) {
		dmabufs[i] = export_frame(self->allocator, i);
		ASSERT_LE(0, dmabufs[i]);
	}
	fence_begin(&fence, dmabufs[0]);
	footprint_take(&before);
	allocator = import_dmabufs(self->rig.connection, dmabufs, FRAMES);
	ASSERT_LE(0, allocator);
	EXPECT_EQ(1, fenced(allocator));
	EXPECT_EQ(1, allocated(allocator));
	EXPECT_EQ(1, alloc_now(allocator));
	EXPECT_EQ(-EAGAIN, alloc_now(allocator));
	EXPECT_EQ(0, poll_fd(allocator, POLLIN, 0));
	close(allocator);
	EXPECT_FOOTPRINT(&before);

	allocator = import_dmabufs(self->rig.connection, dmabufs, FRAMES);
	ASSERT_LE(0, allocator);
	EXPECT_EQ(1, alloc_now(allocator));
	fence_signal(&fence);
	EXPECT_EQ(POLLIN, poll_fd(allocator, POLLIN, PATIENCE_MS));
	EXPECT_EQ(0, alloc_now(allocator));
	EXPECT_EQ(0, fenced(allocator));
	close(allocator);
	for (i = 0; i < FRAMES; i++)
		close(dmabufs[i]);
}

/* H3, A4: nothing waits for a fence of a dma-buf whose import has failed. */
TEST_F(fences, import_fails)
{
	const int dmabuf = export_frame(self->allocator, 0);
	const int dmabufs[FRAMES] = { dmabuf, dmabuf };
	struct footprint before;
	struct fence fence;

	ASSERT_LE(0, dmabuf);
	fence_begin(&fence, dmabuf);
	footprint_take(&before);
	EXPECT_EQ(-EINVAL, import_dmabufs(self->rig.connection, dmabufs, FRAMES));
	sleep_ms(20);
	EXPECT_FOOTPRINT(&before);
	fence_signal(&fence);
	close(dmabuf);
}

/* A stream that circulates, and a reader with a frame that a device reads */
FIXTURE(circulating) {
	struct rig rig;
	int connection, allocator, reader;
	struct ksalloc_reader_frame frame;
	struct fence fence;
};

static void circulating_start(struct circulating_fixture *self, bool own)
{
	/* Before the stream: it takes long if vgem is not loaded */
	int file = fence_create(&self->fence), dmabuf;

	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	if (own)
		rig_own_allocator(&self->rig, MANY);
	else
		rig_allocator(&self->rig, MANY);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	self->reader = reader_open(self->connection, DEEP, 0, 0);
	ASSERT_LE(0, self->reader);
	ASSERT_EQ(1, take(self->reader, &self->frame));
	/* By the owner of the frame. A reader has only views, whose fences do not count */
	dmabuf = export_frame(self->allocator, self->frame.index);
	ASSERT_LE(0, dmabuf);
	fence_import(file, dmabuf, DMA_BUF_SYNC_READ);
	close(file);
	close(dmabuf);
}

FIXTURE_SETUP(circulating)
{
	circulating_start(self, false);
}

FIXTURE_TEARDOWN(circulating)
{
	close(self->reader);
	rig_close(&self->rig);
}

/* The same with memory of the camera. Such frames are returned by the call of the reader */
FIXTURE(circulating_own) {
	struct circulating_fixture base;
};

FIXTURE_SETUP(circulating_own)
{
	circulating_start(&self->base, true);
}

FIXTURE_TEARDOWN(circulating_own)
{
	circulating_teardown(&self->base);
}

/* The reader gives the frame with the fence back. The stream goes on with the other frames */
static void go_on_without_it(struct circulating_fixture *self)
{
	unsigned int gaps = gaps_of(self->connection);
	struct ksalloc_reader_frame frame = self->frame;
	int i;

	for (i = 0; i < 2 * MANY; i++) {
		ASSERT_EQ(1, turn(self->reader, &frame));
		EXPECT_NE(self->frame.index, frame.index);
		EXPECT_EQ(0, frame.lost);
	}
	expect_no_gaps(gaps_of(self->connection) - gaps, 2 * MANY);
	EXPECT_EQ(1, fenced(self->allocator));
	ASSERT_EQ(0, give(self->reader, &frame));
}

/* In PAUSE no frame is filled, so that nobody has a reason to look for a free one */
static void expect_return_by_signal(struct circulating_fixture *self)
{
	struct ksalloc_reader_frame frame = { };
	int i = 0;

	ASSERT_EQ(0, circulate(self->connection, KSSTATE_PAUSE));
	while (take_now(self->reader, &frame) == 1)
		ASSERT_EQ(0, give(self->reader, &frame));
	sleep_ms(20);
	EXPECT_EQ(1, fenced(self->allocator));
	EXPECT_GT(MANY, in_device(self->allocator));
	EXPECT_GT(MANY, get_pending(self->connection));

	fence_signal(&self->fence);
	EXPECT_TRUE(EVENTUALLY(get_pending(self->connection) == MANY));
	EXPECT_EQ(MANY, in_device(self->allocator));
	EXPECT_EQ(0, fenced(self->allocator));

	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
	do {
		ASSERT_EQ(1, take(self->reader, &frame));
		ASSERT_EQ(0, give(self->reader, &frame));
	} while (frame.index != self->frame.index && ++i < MANY);
	EXPECT_EQ(self->frame.index, frame.index);
}

/*
 * H3, K4: a frame of a stream that circulates does not go to the camera before its fence is
 * signalled. Then it goes there by itself.
 */
TEST_F(circulating, frame_is_kept)
{
	go_on_without_it(self);
	expect_return_by_signal(self);
}

/* H3, K4: the same with memory of the camera */
TEST_F(circulating_own, frame_is_kept)
{
	go_on_without_it(&self->base);
	expect_return_by_signal(&self->base);
}

/* H3, K4: a frame that a reader gives back after the stream becomes free with the signal. */
TEST_F(circulating, given_back_after_stream)
{
	int i, index;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	ASSERT_EQ(1, allocated(self->allocator));
	ASSERT_EQ(0, give(self->reader, &self->frame));
	sleep_ms(20);
	EXPECT_EQ(1, fenced(self->allocator));
	for (i = 0; i < MANY - 1; i++) {
		index = alloc_now(self->allocator);
		ASSERT_LE(0, index);
		EXPECT_NE(self->frame.index, (__u32)index);
	}
	EXPECT_EQ(-EAGAIN, alloc_now(self->allocator));
	EXPECT_EQ(0, poll_fd(self->allocator, POLLIN, 0));
	fence_signal(&self->fence);
	EXPECT_EQ(POLLIN, poll_fd(self->allocator, POLLIN, PATIENCE_MS));
	EXPECT_EQ(self->frame.index, alloc_now(self->allocator));
	EXPECT_EQ(0, fenced(self->allocator));
}
