// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flushes: KSALLOC_RESET_STATE, and its effects on frames, readers and states.
 */
#include "ksalloc_test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FRAMES 4

/* In RUN, with all frames free */
FIXTURE(flush) {
	struct rig rig;
	int connection, allocator;
};

FIXTURE_SETUP(flush)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
}

FIXTURE_TEARDOWN(flush)
{
	if (vivid_is_bound())
		set_control(self->rig.video, "Percentage of Dropped Buffers",
			    0);
	rig_close(&self->rig);
	repair_machine();
}

static void drop_everything(struct flush_fixture *self)
{
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 100));
}

static bool has_flag(const struct ksalloc_complete *frame, __u32 flag)
{
	return frame->header.options_flags & flag;
}

/* Completes a frame, and checks the flags in its header */
static void expect_picture(struct flush_fixture *self, bool discontinuity)
{
	struct ksalloc_complete frame = { 0 };
	int index = alloc_now(self->allocator);

	ASSERT_LE(0, index);
	ASSERT_EQ(0, submit(self->connection, index));
	ASSERT_EQ(index, rig_complete(&self->rig, &frame));
	EXPECT_EQ(discontinuity,
		  has_flag(&frame, KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY));
	EXPECT_EQ(discontinuity,
		  has_flag(&frame, KSSTREAM_HEADER_OPTIONSF_TIMEDISCONTINUITY));
	ASSERT_EQ(0, free_frame(self->allocator, index));
}

/* I5: BEGIN frees all submitted frames; the state does not change, in RUN and PAUSE. */
TEST_F(flush, begin_returns_frames)
{
	static const unsigned int states[] = { KSSTATE_RUN, KSSTATE_PAUSE };
	unsigned int i;

	drop_everything(self);
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		ASSERT_EQ(0, set_state(self->connection, states[i]));
		ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
		EXPECT_EQ(FRAMES, in_device(self->allocator));
		ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
		EXPECT_EQ(states[i], get_state(self->connection));
		EXPECT_EQ(0, get_pending(self->connection));
		EXPECT_EQ(0, in_device(self->allocator));
		EXPECT_EQ(0, allocated(self->allocator));
		ASSERT_EQ(0, reset_state(self->connection, KSRESET_END));
		EXPECT_EQ(states[i], get_state(self->connection));
	}
}

/* I5: frames that are filled and not completed become free as well. */
TEST_F(flush, begin_discards_filled_frames)
{
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	ASSERT_EQ(POLLIN, poll_fd(self->connection, POLLIN, PATIENCE_MS));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	EXPECT_EQ(POLLIN, poll_fd(self->connection, POLLIN, 0));
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
	EXPECT_EQ(0, allocated(self->allocator));
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_END));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0,
				    NULL));
	EXPECT_EQ(0, poll_fd(self->connection, POLLIN, 0));
}

/* I5: the frames are given to waiting calls. */
TEST_F(flush, begin_serves_waiting_allocs)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg) };
	struct call call;

	drop_everything(self);
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	call_start(&call, self->allocator, KSALLOC_ALLOC, &arg);
	ASSERT_TRUE(call_waits(&call));
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(1, allocated(self->allocator));
}

/*
 * I5: waiting readers in all processes end with ECANCELED, even if the flush is over before
 * they run.
 */
TEST_F(flush, begin_cancels_readers)
{
	struct ksalloc_complete frames[2];
	struct call calls[2];
	struct agent agent;
	int round, i, theirs;

	agent_start(&agent);
	theirs = agent_open(&agent, self->connection);
	for (round = 0; round < 10; round++) {
		for (i = 0; i < 2; i++)
			start_complete(&calls[i], &frames[i],
				       self->connection);
		agent_begin_complete(&agent, theirs);
		for (i = 0; i < 2; i++)
			ASSERT_TRUE(call_waits(&calls[i]));
		ASSERT_TRUE(agent_waits(&agent));
		ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
		if (round % 2)
			ASSERT_EQ(0, reset_state(self->connection,
						 KSRESET_END));
		for (i = 0; i < 2; i++)
			EXPECT_EQ(-ECANCELED, call_result(&calls[i]));
		EXPECT_EQ(-ECANCELED, agent_end(&agent, NULL, 0));
		ASSERT_EQ(0, reset_state(self->connection, KSRESET_END));
	}
	expect_picture(self, true);
}

/* I5: during the flush no frame can be submitted, and none is completed. */
TEST_F(flush, refuses_meanwhile)
{
	int index;

	ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
	index = alloc_now(self->allocator);
	ASSERT_LE(0, index);
	EXPECT_EQ(-ECANCELED, submit(self->connection, index));
	EXPECT_EQ(1, allocated(self->allocator));
	EXPECT_EQ(0, in_device(self->allocator));
	EXPECT_EQ(-ECANCELED, complete(self->connection, 0, 0, NULL));
	EXPECT_EQ(-ECANCELED, complete(self->connection, KSALLOC_NONBLOCK, 0,
				       NULL));
	EXPECT_EQ(POLLERR, poll_fd(self->connection, POLLIN, 0));
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_END));
	EXPECT_EQ(0, poll_fd(self->connection, POLLIN, 0));
	EXPECT_EQ(0, submit(self->connection, index));
	EXPECT_EQ(index, rig_complete(&self->rig, NULL));
}

struct reset_later {
	int connection;
};

static void *begin_later(void *data)
{
	const struct reset_later *later = data;

	sleep_ms(50);
	reset_state(later->connection, KSRESET_BEGIN);
	return NULL;
}

/* I5: pollers are notified. */
TEST_F(flush, begin_wakes_pollers)
{
	struct reset_later later = { self->connection };
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, begin_later, &later));
	EXPECT_EQ(POLLERR, poll_fd(self->connection, POLLIN, PATIENCE_MS));
	pthread_join(thread, NULL);
}

/*
 * I5, I3: after END the device continues, immediately in RUN, and in PAUSE when the state
 * becomes RUN. The first frame has a discontinuity, and the next has none.
 */
TEST_F(flush, end_resumes)
{
	int round;

	expect_picture(self, false);
	for (round = 0; round < 3; round++) {
		if (round == 2)
			ASSERT_EQ(0, set_state(self->connection,
					       KSSTATE_PAUSE));
		ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
		ASSERT_EQ(0, reset_state(self->connection, KSRESET_END));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		expect_picture(self, true);
	}
}

/* I5: a second BEGIN or END has no effect; END alone has no effect. */
TEST_F(flush, twice)
{
	drop_everything(self);
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	EXPECT_EQ(0, reset_state(self->connection, KSRESET_END));
	EXPECT_EQ(FRAMES, in_device(self->allocator));
	EXPECT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
	EXPECT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
	EXPECT_EQ(-ECANCELED, complete(self->connection, 0, 0, NULL));
	EXPECT_EQ(0, reset_state(self->connection, KSRESET_END));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0,
				    NULL));
	EXPECT_EQ(0, reset_state(self->connection, KSRESET_END));
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 0));
	expect_picture(self, true);
}

/* I5: below PAUSE a flush fails with ECANCELED. */
TEST_F(flush, state_too_low)
{
	unsigned int state;

	for (state = KSSTATE_STOP; state < KSSTATE_PAUSE; state++) {
		ASSERT_EQ(0, set_state(self->connection, state));
		EXPECT_EQ(-ECANCELED, reset_state(self->connection,
						  KSRESET_BEGIN));
		EXPECT_EQ(-ECANCELED, reset_state(self->connection,
						  KSRESET_END));
	}
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	expect_picture(self, false);
}

/* I5: the state can change between PAUSE and RUN during a flush. */
TEST_F(flush, state_changes_meanwhile)
{
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	EXPECT_EQ(-ECANCELED, complete(self->connection, 0, 0, NULL));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(-ECANCELED, complete(self->connection, 0, 0, NULL));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_END));
	EXPECT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK, 0,
				    NULL));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	expect_picture(self, true);

	/* To RUN during the flush, and then END */
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_END));
	expect_picture(self, true);
}

/* I5: a state lower than PAUSE ends the flush and its effects. */
TEST_F(flush, lower_state_ends_it)
{
	unsigned int state;

	for (state = KSSTATE_STOP; state < KSSTATE_PAUSE; state++) {
		ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
		ASSERT_EQ(0, set_state(self->connection, state));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		expect_picture(self, false);
	}
}

/* I5: frames that were completed before still belong to their reader. */
TEST_F(flush, completed_frames_stay)
{
	int index;

	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	index = rig_complete(&self->rig, NULL);
	ASSERT_LE(0, index);
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
	EXPECT_EQ(1, allocated(self->allocator));
	EXPECT_EQ(0, free_frame(self->allocator, index));
}

/* I5: invalid values are refused. */
TEST_F(flush, bad_values)
{
	EXPECT_EQ(-EINVAL, reset_state(self->connection, KSRESET_END + 1));
	EXPECT_EQ(-EINVAL, reset_state(self->connection, -1));
	EXPECT_EQ(-ENOTTY, reset_state(self->allocator, KSRESET_BEGIN));
	EXPECT_EQ(-ENOTTY, reset_state(self->rig.ksalloc, KSRESET_BEGIN));
	expect_picture(self, false);
}

/* I5: another process that got the connection over a socket can flush. */
TEST_F(flush, other_process)
{
	struct ksalloc_reset_state arg = {
		.size = sizeof(arg),
		.reset = KSRESET_BEGIN,
	};
	struct agent agent;
	int fd;

	agent_start(&agent);
	fd = agent_open(&agent, self->connection);
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	ASSERT_EQ(0, agent_call(&agent, fd, KSALLOC_RESET_STATE, &arg,
				sizeof(arg)));
	EXPECT_EQ(0, allocated(self->allocator));
	/* The flush belongs to the connection, and not to the process that began it. */
	agent_kill(&agent);
	EXPECT_EQ(-ECANCELED, complete(self->connection, 0, 0, NULL));
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_END));
	expect_picture(self, true);
}

/*
 * I5: if the device does not start again, its error is returned and the flush continues
 * until the next END.
 */
TEST_F(flush, end_fails)
{
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Inject VIDIOC_STREAMON Error", 1));
	EXPECT_EQ(-EINVAL, reset_state(self->connection, KSRESET_END));
	EXPECT_EQ(KSSTATE_RUN, get_state(self->connection));
	EXPECT_EQ(-ECANCELED, complete(self->connection, 0, 0, NULL));
	EXPECT_EQ(POLLERR, poll_fd(self->connection, POLLIN, 0));
	EXPECT_EQ(0, reset_state(self->connection, KSRESET_END));
	expect_picture(self, true);
}

/* I6: the device disappears during a flush: ENODEV, and all files can be closed. */
TEST_F(flush, device_gone)
{
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
	vivid_unbind();
	EXPECT_EQ(-ENODEV, reset_state(self->connection, KSRESET_END));
	EXPECT_EQ(-ENODEV, reset_state(self->connection, KSRESET_BEGIN));
	EXPECT_EQ(POLLERR | POLLHUP, poll_fd(self->connection, POLLIN, 0));
	EXPECT_EQ(KSSTATE_STOP, get_state(self->connection));
	EXPECT_EQ(0, allocated(self->allocator));
}

static void *flush_often(void *data)
{
	const struct reset_later *later = data;
	int round;

	for (round = 0; round < 50; round++) {
		reset_state(later->connection, KSRESET_BEGIN);
		reset_state(later->connection, KSRESET_END);
		sleep_ms(2);
	}
	return NULL;
}

/* I5: flushes during a capture lose no frame. */
TEST_F(flush, many)
{
	struct reset_later later = { self->connection };
	int index, cancelled = 0, filled = 0, i;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, flush_often, &later));
	for (i = 0; i < 2000 && cancelled < 30; i++) {
		index = alloc_frame(self->allocator, 0, in_ms(PATIENCE_MS));
		ASSERT_LE(0, index);
		if (submit(self->connection, index)) {
			ASSERT_EQ(0, free_frame(self->allocator, index));
			cancelled++;
			continue;
		}
		index = complete(self->connection, 0, in_ms(PATIENCE_MS),
				 NULL);
		cancelled += index == -ECANCELED;
		filled += index >= 0;
		if (index >= 0)
			ASSERT_EQ(0, free_frame(self->allocator, index));
		else
			ASSERT_EQ(-ECANCELED, index);
	}
	pthread_join(thread, NULL);
	EXPECT_LT(0, cancelled);
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_BEGIN));
	EXPECT_EQ(0, allocated(self->allocator));
	ASSERT_EQ(0, reset_state(self->connection, KSRESET_END));
	expect_picture(self, true);
}
