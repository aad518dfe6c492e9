// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device disappears: its driver is unbound, in each state and with waiting calls, or by
 * the control "Disconnect" of vivid.
 */
#include "ksalloc_test.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES 4

FIXTURE(gone) {
	struct rig rig;
	int connection, allocator;
};

FIXTURE_SETUP(gone)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
}

FIXTURE_TEARDOWN(gone)
{
	rig_close(&self->rig);
	if (!vivid_is_bound())
		vivid_bind();
}

/* Everything that calls report about a connection whose device has disappeared */
static void expect_gone(struct gone_fixture *self)
{
	struct ksallocator_framing framing;
	struct footprint before;
	unsigned int state;
	int index;

	EXPECT_EQ(0, in_device(self->allocator));
	index = alloc_now(self->allocator);
	ASSERT_LE(0, index);
	footprint_take(&before);
	EXPECT_EQ(-ENODEV, get_framing(self->connection, &framing));
	EXPECT_EQ(-ENODEV, create_allocator(self->connection, self->rig.heap,
					    FRAMES, 320 * 180 * 2));
	EXPECT_EQ(-ENODEV, set_allocator(self->connection, self->allocator));
	EXPECT_EQ(-ENODEV, submit(self->connection, index));
	EXPECT_EQ(-ENODEV, complete(self->connection, 0, 0, NULL));
	EXPECT_EQ(-ENODEV, complete(self->connection, KSALLOC_NONBLOCK, 0,
				    NULL));
	for (state = KSSTATE_ACQUIRE; state <= KSSTATE_RUN; state++)
		EXPECT_EQ(-ENODEV, set_state(self->connection, state));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(KSSTATE_STOP, get_state(self->connection));
	EXPECT_EQ(0, get_pending(self->connection));
	EXPECT_TRUE(poll_fd(self->connection, POLLIN, 0) & POLLHUP);
	EXPECT_FOOTPRINT(&before);
	EXPECT_EQ(0, free_frame(self->allocator, index));
}

/* The device is back, and a new connection captures. */
static void expect_capture_after_bind(struct gone_fixture *self)
{
	struct rig again;
	int i;

	vivid_bind();
	rig_open(&again, 0, 320, 180);
	/* The earlier allocator can be used. */
	ASSERT_EQ(0, set_allocator(again.connection, self->allocator));
	again.allocator = dup(self->allocator);
	ASSERT_EQ(0, set_state(again.connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&again));
	for (i = 0; i < 6; i++)
		rig_turn(&again, NULL);
	/* The old connection stays without a device. */
	EXPECT_EQ(-ENODEV, set_state(self->connection, KSSTATE_ACQUIRE));
	rig_close(&again);
}

static void *poll_forever(void *data)
{
	const int *fd = data;

	return (void *)(long)poll_fd(*fd, POLLIN, -1);
}

/*
 * I6: unbind during a stream, with blocked readers, a poller and a call that waits for a
 * free frame: ENODEV, EPOLLHUP, and all frames become free.
 */
TEST_F(gone, while_streaming)
{
	struct ksalloc_complete frames[2], arg = { .size = sizeof(arg) };
	struct ksalloc_alloc alloc = { .size = sizeof(alloc) };
	struct call readers[2], waiter;
	struct agent agent;
	pthread_t poller;
	void *events;
	int i;

	/* No call is served meanwhile. */
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 100));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	agent_start(&agent);
	agent_begin_complete(&agent, agent_open(&agent, self->connection));
	for (i = 0; i < 2; i++) {
		frames[i] = arg;
		call_start(&readers[i], self->connection, KSALLOC_COMPLETE,
			   &frames[i]);
		ASSERT_TRUE(call_waits(&readers[i]));
	}
	ASSERT_TRUE(agent_waits(&agent));
	call_start(&waiter, self->allocator, KSALLOC_ALLOC, &alloc);
	ASSERT_TRUE(call_waits(&waiter));
	ASSERT_EQ(0, pthread_create(&poller, NULL, poll_forever,
				    &self->connection));
	sleep_ms(20);

	vivid_unbind();
	for (i = 0; i < 2; i++)
		EXPECT_EQ(-ENODEV, call_result(&readers[i]));
	EXPECT_EQ(-ENODEV, agent_end(&agent, NULL, 0));
	EXPECT_EQ(0, call_result(&waiter));
	pthread_join(poller, &events);
	EXPECT_TRUE((long)events & POLLHUP);
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 1));
	EXPECT_EQ(0, free_frame(self->allocator, alloc.index));
	expect_gone(self);
	expect_capture_after_bind(self);
}

/* I6: the same while frames are filled and read all the time. */
TEST_F(gone, while_reading)
{
	int index;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	rig_turn(&self->rig, NULL);
	vivid_unbind();
	while ((index = complete(self->connection, 0, in_ms(PATIENCE_MS),
				 NULL)) >= 0)
		submit(self->connection, index);
	EXPECT_EQ(-ENODEV, index);
	/* The test still holds its frame; those that were in the device are free. */
	EXPECT_TRUE(EVENTUALLY(in_device(self->allocator) == 0));
	while (allocated(self->allocator))
		for (index = 0; index < FRAMES; index++)
			free_frame(self->allocator, index);
	expect_gone(self);
	expect_capture_after_bind(self);
}

/* I6: unbind in each state: pollers are woken, and frames become free without a call. */
TEST_F_TIMEOUT(gone, in_each_state, 60)
{
	unsigned int state;

	for (state = KSSTATE_STOP; state <= KSSTATE_RUN; state++) {
		pthread_t poller;
		void *events;

		if (state > KSSTATE_STOP) {
			self->rig.allocator = 0;
			rig_close(&self->rig);
			rig_open(&self->rig, 0, 320, 180);
			self->connection = self->rig.connection;
			self->rig.allocator = self->allocator;
			ASSERT_EQ(0, set_allocator(self->connection,
						   self->allocator));
		}
		ASSERT_EQ(0, set_control(self->rig.video,
					 "Percentage of Dropped Buffers", 100));
		ASSERT_EQ(0, set_state(self->connection, state));
		if (state >= KSSTATE_PAUSE) {
			ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
			ASSERT_EQ(0, pthread_create(&poller, NULL,
						    poll_forever,
						    &self->connection));
			sleep_ms(20);
		}
		vivid_unbind();
		EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 0));
		EXPECT_TRUE(EVENTUALLY(poll_fd(self->connection, POLLIN, 0) &
				       POLLHUP));
		if (state >= KSSTATE_PAUSE) {
			pthread_join(poller, &events);
			EXPECT_NE(0, (long)events);
		}
		expect_gone(self);
		vivid_bind();
	}
}

/* I6: epoll reports EPOLLHUP even if it is not requested. */
TEST_F(gone, epoll)
{
	struct epoll_event event = { .events = 0 };
	int epoll = epoll_create1(0);

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_LE(0, epoll);
	ASSERT_EQ(0, epoll_ctl(epoll, EPOLL_CTL_ADD, self->connection,
			       &event));
	vivid_unbind();
	EXPECT_EQ(1, epoll_wait(epoll, &event, 1, PATIENCE_MS));
	EXPECT_TRUE(event.events & EPOLLHUP);
}

/* I6: a frame that the client holds stays allocated, with its content. */
TEST_F(gone, held_frame)
{
	int index, dmabuf;
	unsigned char *map;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	index = rig_complete(&self->rig, NULL);
	ASSERT_LE(0, index);
	dmabuf = export_frame(self->allocator, index);
	ASSERT_LE(0, dmabuf);
	map = map_frame(dmabuf, 4096, PROT_READ | PROT_WRITE);
	map[0] = 0x77;
	vivid_unbind();
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 1));
	EXPECT_EQ(0x77, map[0]);
	EXPECT_EQ(0, free_frame(self->allocator, index));
	EXPECT_EQ(0, allocated(self->allocator));
}

/* I6: a V4L2 file whose device has disappeared cannot be connected: ENODEV. */
TEST_F(gone, connect)
{
	struct footprint before;
	int video = open_camera(1);

	footprint_take(&before);
	vivid_unbind();
	EXPECT_EQ(-ENODEV, do_connect(self->rig.ksalloc, video));
	EXPECT_EQ(before.fds, count_fds());
}

/* I6: the same if the caller has closed its V4L2 file before. */
TEST_F(gone, caller_closed_video)
{
	struct ksalloc_complete frame = { .size = sizeof(frame) };
	struct call call;

	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 100));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	close(self->rig.video);
	self->rig.video = 0;
	call_start(&call, self->connection, KSALLOC_COMPLETE, &frame);
	ASSERT_TRUE(call_waits(&call));
	vivid_unbind();
	EXPECT_EQ(-ENODEV, call_result(&call));
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 0));
	expect_gone(self);
}

/* I6: all files can be closed, nothing is leaked, and the module is not in use any more. */
TEST(close_when_gone)
{
	struct footprint before;
	struct rig rig;

	repair_machine();
	footprint_take(&before);
	rig_open(&rig, 0, 320, 180);
	rig_allocator(&rig, FRAMES);
	ASSERT_EQ(0, set_state(rig.connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&rig));
	vivid_unbind();
	rig_close(&rig);
	EXPECT_FOOTPRINT(&before);
	vivid_bind();
}

/* I6: the connection is closed first, and the device disappears right after that. */
TEST(close_before_gone)
{
	struct footprint before;
	struct rig rig;
	int round;

	repair_machine();
	footprint_take(&before);
	for (round = 0; round < 3; round++) {
		rig_open(&rig, 0, 320, 180);
		rig_allocator(&rig, FRAMES);
		ASSERT_EQ(0, set_state(rig.connection, KSSTATE_RUN));
		ASSERT_EQ(FRAMES, rig_submit_all(&rig));
		close(rig.connection);
		rig.connection = 0;
		vivid_unbind();
		rig_close(&rig);
		vivid_bind();
	}
	EXPECT_FOOTPRINT(&before);
}

/* I6: the connection of the other camera continues to capture. */
TEST_F(gone, allocator_survives)
{
	int index, i;

	vivid_unbind();
	for (i = 0; i < 10; i++) {
		index = alloc_now(self->allocator);
		ASSERT_LE(0, index);
		ASSERT_EQ(0, free_frame(self->allocator, index));
	}
	expect_capture_after_bind(self);
}

/*
 * I6: vivid's control "Disconnect" removes the device while it streams: the readers get
 * ENODEV and the frames become free.
 */
TEST_F(gone, disconnect)
{
	struct ksalloc_complete frame = { .size = sizeof(frame) };
	struct call call;

	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 100));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	call_start(&call, self->connection, KSALLOC_COMPLETE, &frame);
	ASSERT_TRUE(call_waits(&call));
	ASSERT_EQ(0, set_control(self->rig.video, "Disconnect", 1));
	EXPECT_EQ(-ENODEV, call_result(&call));
	EXPECT_TRUE(EVENTUALLY(allocated(self->allocator) == 0));
	expect_gone(self);
}
