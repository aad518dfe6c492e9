// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files of a connection: KSALLOC_CONNECTION_OPEN, when completed frames become free,
 * and when the connection is freed. open.c tests open files of an allocator.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#define FRAMES 4

/* In RUN. @allocator holds all frames; the connection has a second open file. */
FIXTURE(reopen) {
	struct rig rig;
	int first, second;
	int allocator;
};

FIXTURE_SETUP(reopen)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->allocator = self->rig.allocator;
	self->first = self->rig.connection;
	self->second = connection_open(self->first);
	ASSERT_LE(0, self->second);
	take_all(self->allocator);
	ASSERT_EQ(0, set_state(self->first, KSSTATE_RUN));
}

FIXTURE_TEARDOWN(reopen)
{
	if (vivid_is_bound())
		set_control(self->rig.video, "Percentage of Dropped Buffers",
			    0);
	if (self->second > 0)
		close(self->second);
	rig_close(&self->rig);
	repair_machine();
}

static void close_first(struct reopen_fixture *self)
{
	ASSERT_EQ(0, close(self->first));
	self->rig.connection = 0;
}

static void close_second(struct reopen_fixture *self)
{
	ASSERT_EQ(0, close(self->second));
	self->second = 0;
}

/* The next filled frame, through this open file */
static int next(int connection)
{
	return complete(connection, 0, in_ms(PATIENCE_MS), NULL);
}

static bool device_is_free(void)
{
	struct v4l2_requestbuffers request = {
		.count = 2,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	int other = open_camera(0);
	int err = call_fd(other, VIDIOC_REQBUFS, &request);

	close(other);
	return !err;
}

/* OPEN returns a new descriptor, close-on-exec, of the same connection. */
TEST_F(reopen, descriptor)
{
	char id[32] = "", same[32] = "?";
	int third;

	EXPECT_EQ(FD_CLOEXEC, fcntl(self->second, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(self->second, F_GETFL) & O_ACCMODE);
	EXPECT_TRUE(fdinfo_value(self->first, "id", id, sizeof(id)));
	EXPECT_TRUE(fdinfo_value(self->second, "id", same, sizeof(same)));
	EXPECT_STREQ(id, same);
	third = connection_open(self->second);
	ASSERT_LE(0, third);
	EXPECT_EQ(KSSTATE_RUN, get_state(third));
	close(third);
	EXPECT_EQ(KSSTATE_RUN, get_state(self->first));
}

/* I1, I5: all open files have one state and one flush. */
TEST_F(reopen, one_state)
{
	ASSERT_EQ(0, set_state(self->second, KSSTATE_PAUSE));
	EXPECT_EQ(KSSTATE_PAUSE, get_state(self->first));
	ASSERT_EQ(0, submit(self->first, 0));
	EXPECT_EQ(1, get_pending(self->second));
	ASSERT_EQ(0, reset_state(self->second, KSRESET_BEGIN));
	EXPECT_EQ(-ECANCELED, submit(self->first, 1));
	ASSERT_EQ(0, reset_state(self->first, KSRESET_END));
	EXPECT_EQ(0, submit(self->second, 1));
	EXPECT_EQ(-EBUSY, set_allocator(self->second, -1));
	ASSERT_EQ(0, set_state(self->first, KSSTATE_STOP));
	EXPECT_EQ(KSSTATE_STOP, get_state(self->second));
	EXPECT_EQ(0, set_allocator(self->second, -1));
}

/* I2: a filled frame goes to one open file, which then holds it. */
TEST_F(reopen, either_completes)
{
	int i;

	for (i = 0; i < 6; i++) {
		ASSERT_EQ(0, submit(i % 2 ? self->first : self->second,
				    i % FRAMES));
		EXPECT_EQ(i % FRAMES, next(i % 3 ? self->first : self->second));
		EXPECT_EQ(-EAGAIN, complete(self->second, KSALLOC_NONBLOCK, 0,
					    NULL));
		EXPECT_EQ(-EAGAIN, complete(self->first, KSALLOC_NONBLOCK, 0,
					    NULL));
	}
}

/*
 * B7: closing an open file frees the frames that were completed through it. Frames that
 * were completed through another file, or allocated, stay held.
 */
TEST_F(reopen, close_returns_its_frames)
{
	ASSERT_EQ(0, submit(self->first, 0));
	ASSERT_EQ(0, submit(self->first, 1));
	ASSERT_EQ(0, next(self->second));
	ASSERT_EQ(1, next(self->first));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	close_second(self);
	EXPECT_EQ(FRAMES - 1, allocated(self->allocator));
	EXPECT_EQ(0, alloc_now(self->allocator));
	EXPECT_EQ(KSSTATE_RUN, get_state(self->first));
	EXPECT_EQ(0, free_frame(self->allocator, 1));
}

/* B7: submitted frames stay in the device when their submitter closes its file. */
TEST_F(reopen, submitted_frames_stay)
{
	ASSERT_EQ(0, set_state(self->first, KSSTATE_PAUSE));
	ASSERT_EQ(0, submit(self->second, 2));
	ASSERT_EQ(0, submit(self->second, 3));
	close_second(self);
	EXPECT_EQ(2, in_device(self->allocator));
	ASSERT_EQ(0, set_state(self->first, KSSTATE_RUN));
	EXPECT_EQ(2, next(self->first));
	EXPECT_EQ(3, next(self->first));
}

/* B7: closing an open file of the allocator does not free completed frames. */
TEST_F(reopen, closed_allocator_keeps_completed_frames)
{
	int theirs = allocator_open(self->allocator);

	ASSERT_EQ(0, free_frame(self->allocator, 3));
	ASSERT_EQ(3, alloc_now(theirs));
	ASSERT_EQ(0, submit(self->second, 3));
	ASSERT_EQ(3, next(self->second));
	close(theirs);
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	EXPECT_EQ(0, submit(self->second, 3));
	EXPECT_EQ(3, next(self->second));
}

/*
 * B7: a completed frame that was freed or submitted does not belong to the file any more.
 */
TEST_F(reopen, holder_changes)
{
	ASSERT_EQ(0, submit(self->second, 0));
	ASSERT_EQ(0, submit(self->second, 1));
	ASSERT_EQ(0, next(self->second));
	ASSERT_EQ(1, next(self->second));
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	ASSERT_EQ(0, alloc_now(self->allocator));
	ASSERT_EQ(0, submit(self->first, 1));
	ASSERT_EQ(1, next(self->first));
	close_second(self);
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/* I4: the connection is freed when its last open file is closed. */
TEST_F(reopen, last_close)
{
	ASSERT_EQ(0, submit(self->first, 0));
	close_first(self);
	EXPECT_EQ(KSSTATE_RUN, get_state(self->second));
	EXPECT_EQ(0, next(self->second));
	ASSERT_EQ(0, submit(self->second, 1));
	EXPECT_FALSE(device_is_free());
	close_second(self);
	EXPECT_TRUE(EVENTUALLY(device_is_free() == !!usual_memory()));
	/* The connection held frame 0, and frame 1 was in the device. */
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == FRAMES - 2));
	EXPECT_EQ(0, in_device(self->allocator));
}

/* B7: killing a process ends its open file, but not the connection. */
TEST_F(reopen, killed_process)
{
	struct agent agent;
	int theirs;

	agent_start(&agent);
	theirs = agent_open(&agent, self->first);
	ASSERT_EQ(0, submit(self->first, 0));
	ASSERT_EQ(0, submit(self->first, 1));
	ASSERT_EQ(0, agent_complete(&agent, theirs));
	ASSERT_EQ(1, next(self->first));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	agent_kill(&agent);
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == FRAMES - 1));
	EXPECT_EQ(0, alloc_now(self->allocator));
	EXPECT_EQ(KSSTATE_RUN, get_state(self->first));
	EXPECT_EQ(0, submit(self->first, 0));
	EXPECT_EQ(0, next(self->first));
}

/* B7: so does close() in that process. */
TEST_F(reopen, closing_process)
{
	struct agent agent;
	int theirs;

	agent_start(&agent);
	theirs = agent_open(&agent, self->first);
	ASSERT_EQ(0, submit(self->first, 0));
	ASSERT_EQ(0, agent_complete(&agent, theirs));
	ASSERT_EQ(0, agent_close(&agent, theirs));
	EXPECT_EQ(FRAMES - 1, allocated(self->allocator));
}

/* B7: parent and child share an open file. Frames stay when the child dies. */
TEST_F(reopen, fork_shares)
{
	struct agent agent;

	agent_start(&agent);
	ASSERT_EQ(0, submit(self->first, 0));
	ASSERT_EQ(0, agent_complete(&agent, self->second));
	agent_kill(&agent);
	sleep_ms(20);
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	close_second(self);
	EXPECT_EQ(FRAMES - 1, allocated(self->allocator));
}

/* D5: assigning another allocator frees the completed frames of all open files. */
TEST_F(reopen, another_allocator)
{
	ASSERT_EQ(0, submit(self->first, 0));
	ASSERT_EQ(0, submit(self->first, 1));
	ASSERT_EQ(0, next(self->first));
	ASSERT_EQ(1, next(self->second));
	ASSERT_EQ(0, set_state(self->first, KSSTATE_STOP));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
	ASSERT_EQ(0, set_allocator(self->second, -1));
	EXPECT_EQ(FRAMES - 2, allocated(self->allocator));
	/* Closing the files frees no more frames. */
	ASSERT_EQ(0, alloc_now(self->allocator));
	ASSERT_EQ(1, alloc_now(self->allocator));
	close_first(self);
	close_second(self);
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/* E1, I2: poll() reports a filled frame on each open file until one has completed it. */
TEST_F(reopen, poll)
{
	EXPECT_EQ(0, poll_fd(self->first, POLLIN, 0));
	EXPECT_EQ(0, poll_fd(self->second, POLLIN, 0));
	ASSERT_EQ(0, submit(self->first, 0));
	EXPECT_EQ(POLLIN, poll_fd(self->second, POLLIN, PATIENCE_MS));
	EXPECT_EQ(POLLIN, poll_fd(self->first, POLLIN, 0));
	ASSERT_EQ(0, next(self->first));
	EXPECT_EQ(0, poll_fd(self->second, POLLIN, 0));
	ASSERT_EQ(0, set_state(self->first, KSSTATE_ACQUIRE));
	EXPECT_EQ(POLLERR, poll_fd(self->first, POLLIN, 0));
	EXPECT_EQ(POLLERR, poll_fd(self->second, POLLIN, 0));
}

/* E1: a filled frame wakes epoll on each open file. */
TEST_F(reopen, epoll)
{
	struct epoll_event events[2], event = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC), i;

	event.data.fd = self->first;
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->first, &event));
	event.data.fd = self->second;
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->second, &event));
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, epoll_wait(epoll, events, 2, 0));
		ASSERT_EQ(0, submit(self->first, i));
		EXPECT_TRUE(EVENTUALLY(epoll_wait(epoll, events, 2, 0) == 2));
		EXPECT_EQ(i, next(i % 2 ? self->first : self->second));
	}
}

/* I2: each open file has its own O_NONBLOCK. */
TEST_F(reopen, nonblock)
{
	ASSERT_EQ(0, fcntl(self->second, F_SETFL, O_NONBLOCK));
	EXPECT_EQ(-EAGAIN, complete(self->second, 0, in_ms(PATIENCE_MS), NULL));
	EXPECT_EQ(-ETIMEDOUT, complete(self->first, 0, in_ms(1), NULL));
}

/*
 * I4: close() of the last descriptor does not end a call that waits through the open file.
 * The file is released after the call, so the frame that the call gets becomes free again.
 */
TEST_F(reopen, close_does_not_end_a_wait)
{
	struct ksalloc_complete frame;
	struct call call;

	start_complete(&call, &frame, self->second);
	ASSERT_TRUE(call_waits(&call));
	close_second(self);
	EXPECT_TRUE(call_waits(&call));
	ASSERT_EQ(0, submit(self->first, 2));
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(2, frame.index);
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == FRAMES - 1));
}

/* I4: a state below PAUSE ends waiting calls through all open files. */
TEST_F(reopen, state_cancels_all)
{
	struct ksalloc_complete frames[2];
	struct call calls[2];
	int i;

	start_complete(&calls[0], &frames[0], self->first);
	start_complete(&calls[1], &frames[1], self->second);
	for (i = 0; i < 2; i++)
		ASSERT_TRUE(call_waits(&calls[i]));
	ASSERT_EQ(0, set_state(self->second, KSSTATE_ACQUIRE));
	for (i = 0; i < 2; i++)
		EXPECT_EQ(-ECANCELED, call_result(&calls[i]));
}

/* I6: each open file reports that the device is gone. */
TEST_F(reopen, gone)
{
	struct ksalloc_complete frame;
	struct call call;
	int later;

	start_complete(&call, &frame, self->second);
	ASSERT_TRUE(call_waits(&call));
	vivid_unbind();
	EXPECT_EQ(-ENODEV, call_result(&call));
	EXPECT_TRUE(poll_fd(self->first, POLLIN, PATIENCE_MS) & POLLHUP);
	EXPECT_TRUE(poll_fd(self->second, POLLIN, PATIENCE_MS) & POLLHUP);
	EXPECT_EQ(-ENODEV, complete(self->first, 0, 0, NULL));
	/* The connection can still be opened, cancelled and closed. */
	later = connection_open(self->first);
	ASSERT_LE(0, later);
	EXPECT_TRUE(poll_fd(later, POLLIN, 0) & POLLHUP);
	EXPECT_EQ(0, connection_cancel(later));
	close(later);
}

/* A1: a connection can have many open files, and nothing is left of them. */
TEST_F(reopen, many)
{
	struct footprint before;
	int fds[100];
	unsigned int i;

	footprint_take(&before);
	for (i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = connection_open(i ? fds[i - 1] : self->first);
		ASSERT_LE(0, fds[i]);
		if (i % 30 != 7)
			continue;
		ASSERT_EQ(0, submit(fds[i], i / 30));
		ASSERT_EQ(i / 30, next(fds[i]));
	}
	for (i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	EXPECT_EQ(0, allocated(self->allocator));
	EXPECT_EQ(KSSTATE_RUN, get_state(self->first));
	EXPECT_FOOTPRINT(&before);
}
