// SPDX-License-Identifier: GPL-2.0-only
/*
 * The states of a connection: each change from each state, the effects of a state, and that
 * a failed change leaves the state as it was.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FRAMES 4
/* More buffers than vivid's capture queue has */
#define TOO_MANY_BUFFERS 65
#define STATES 4

FIXTURE(state) {
	struct rig rig;
	int connection;
};

FIXTURE_SETUP(state)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
}

FIXTURE_TEARDOWN(state)
{
	rig_close(&self->rig);
}

static int request_buffers(int video, unsigned int count)
{
	struct v4l2_requestbuffers request = {
		.count = count,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};

	return call_fd(video, VIDIOC_REQBUFS, &request);
}

/* Is the device free for other files? In STOP it is, unless the frames are its own memory */
static bool device_is_free(void)
{
	int other = open_camera(0);
	int err = request_buffers(other, 2);

	close(other);
	if (err)
		EXPECT_EQ(-EBUSY, err);
	return !err;
}

static void expect_stopped(struct state_fixture *self)
{
	EXPECT_EQ(KSSTATE_STOP, get_state(self->connection));
	EXPECT_EQ(0, get_pending(self->connection));
	EXPECT_EQ(0, in_device(self->rig.allocator));
	EXPECT_EQ(!!usual_memory(), device_is_free());
}

/* No descriptor can be made until the old limit is set again. */
static rlim_t use_up_descriptors(void)
{
	int top = dup(STDERR_FILENO);
	struct rlimit limit;
	rlim_t before;

	ASSERT_LE(0, top);
	close(top);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	before = limit.rlim_cur;
	limit.rlim_cur = top;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	return before;
}

static void restore_descriptors(rlim_t before)
{
	struct rlimit limit;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = before;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
}

/* I1: from each state, each state can be entered. */
TEST_F(state, every_change)
{
	unsigned int from, to;

	for (from = 0; from < STATES; from++) {
		for (to = 0; to < STATES; to++) {
			ASSERT_EQ(0, set_state(self->connection, from));
			ASSERT_EQ(from, get_state(self->connection));
			EXPECT_EQ(0, set_state(self->connection, to));
			EXPECT_EQ(to, get_state(self->connection));
		}
	}
}

/* I1: an invalid state is refused, in each state. */
TEST_F(state, unknown_states)
{
	static const __u32 wrong[] = { 4, 5, 0x80000000, 0xffffffff };
	unsigned int state, i;

	for (state = 0; state < STATES; state++) {
		ASSERT_EQ(0, set_state(self->connection, state));
		for (i = 0; i < ARRAY_SIZE(wrong); i++)
			EXPECT_EQ(-EINVAL, set_state(self->connection,
						     wrong[i]));
		EXPECT_EQ(state, get_state(self->connection));
	}
}

/* I1: the current state can be requested again, and nothing changes. */
TEST_F(state, same_state_again)
{
	struct ksalloc_complete frame;
	__u32 sequence;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	rig_turn(&self->rig, &frame);
	rig_turn(&self->rig, &frame);
	sequence = frame.sequence;
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(FRAMES, get_pending(self->connection));
	rig_turn(&self->rig, &frame);
	/* The device did not restart. */
	EXPECT_LT(sequence, frame.sequence);
}

/* I1: without an allocator only STOP can be entered: EINVAL. */
TEST_F(state, no_allocator)
{
	unsigned int state;

	ASSERT_EQ(0, set_allocator(self->connection, -1));
	for (state = KSSTATE_ACQUIRE; state < STATES; state++) {
		EXPECT_EQ(-EINVAL, set_state(self->connection, state));
		EXPECT_EQ(KSSTATE_STOP, get_state(self->connection));
	}
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(!!usual_memory(), device_is_free());
}

/* I2: SUBMIT in a state lower than PAUSE: ECANCELED; the client still holds the frame. */
TEST_F(state, submit_by_state)
{
	unsigned int state;
	int index;

	for (state = 0; state < STATES; state++) {
		ASSERT_EQ(0, set_state(self->connection, state));
		index = alloc_now(self->rig.allocator);
		ASSERT_LE(0, index);
		if (state < KSSTATE_PAUSE) {
			EXPECT_EQ(-ECANCELED, submit(self->connection, index));
			EXPECT_EQ(0, in_device(self->rig.allocator));
			EXPECT_EQ(0, free_frame(self->rig.allocator, index));
		} else {
			EXPECT_EQ(0, submit(self->connection, index));
			EXPECT_EQ(-EBUSY, submit(self->connection, index));
		}
	}
}

/* I2: COMPLETE in a state lower than PAUSE: ECANCELED, blocking or not. */
TEST_F(state, complete_by_state)
{
	unsigned int state;
	int expected;

	for (state = 0; state < STATES; state++) {
		ASSERT_EQ(0, set_state(self->connection, state));
		expected = state < KSSTATE_PAUSE ? -ECANCELED : -EAGAIN;
		EXPECT_EQ(expected, complete(self->connection,
					     KSALLOC_NONBLOCK, 0, NULL));
		expected = state < KSSTATE_PAUSE ? -ECANCELED : -ETIMEDOUT;
		EXPECT_EQ(expected, complete(self->connection, 0, in_ms(20),
					     NULL));
	}
}

/* I2: SUBMIT of a frame that is not allocated: EINVAL; in the device: EBUSY. */
TEST_F(state, submit_wrong_frames)
{
	static const __u32 wrong[] = {
		FRAMES, FRAMES + 1, 1024, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	unsigned int i;
	int index;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		EXPECT_EQ(-EINVAL, submit(self->connection, wrong[i]));
	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(-EINVAL, submit(self->connection, i));
	EXPECT_EQ(0, get_pending(self->connection));
	index = alloc_now(self->rig.allocator);
	ASSERT_LE(0, index);
	EXPECT_EQ(0, submit(self->connection, index));
	EXPECT_EQ(-EBUSY, submit(self->connection, index));
	EXPECT_EQ(1, get_pending(self->connection));
	EXPECT_EQ(1, in_device(self->rig.allocator));
}

/* I2: SUBMIT accepts an allocated frame, whichever open file holds it. */
TEST_F(state, submit_for_another_client)
{
	struct agent agent;
	int index, theirs;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	agent_start(&agent);
	theirs = agent_open(&agent, self->connection);
	index = alloc_now(self->rig.allocator);
	ASSERT_LE(0, index);
	EXPECT_EQ(0, agent_submit(&agent, theirs, index));
	EXPECT_EQ(index, rig_complete(&self->rig, NULL));
}

/* I1: in PAUSE frames wait in the queue and none is filled. */
TEST_F(state, pause_fills_nothing)
{
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	EXPECT_EQ(FRAMES, get_pending(self->connection));
	EXPECT_EQ(FRAMES, in_device(self->rig.allocator));
	EXPECT_EQ(-ETIMEDOUT, complete(self->connection, 0, in_ms(200), NULL));
	EXPECT_EQ(0, poll_fd(self->connection, POLLIN, 0));
	EXPECT_EQ(FRAMES, get_pending(self->connection));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_LE(0, rig_complete(&self->rig, NULL));
	EXPECT_EQ(FRAMES - 1, get_pending(self->connection));
}

/* I1: from ACQUIRE on the format of the device is fixed: S_FMT fails with EBUSY. */
TEST_F(state, format_is_fixed)
{
	static const unsigned int walk[] = {
		KSSTATE_STOP, KSSTATE_ACQUIRE, KSSTATE_PAUSE, KSSTATE_RUN,
		KSSTATE_PAUSE, KSSTATE_ACQUIRE, KSSTATE_STOP,
	};
	int other = open_camera(0);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(walk); i++) {
		int expected = walk[i] == KSSTATE_STOP && usual_memory() ?
			       0 : -EBUSY;

		ASSERT_EQ(0, set_state(self->connection, walk[i]));
		EXPECT_EQ(expected, set_format(self->rig.video, 640, 360));
		EXPECT_EQ(expected, set_format(other, 640, 360));
		EXPECT_EQ(expected, set_format(other, 320, 180));
		EXPECT_EQ(0, set_state(self->connection, walk[i]));
	}
}

/* I1: in STOP the device is free for other files, from ACQUIRE on it is not. */
TEST_F(state, device_is_free_in_stop)
{
	unsigned int state;

	for (state = 0; state < STATES; state++) {
		ASSERT_EQ(0, set_state(self->connection, state));
		EXPECT_EQ(state == KSSTATE_STOP && usual_memory(),
			  device_is_free());
	}
	for (state = STATES - 1; (int)state >= 0; state--) {
		ASSERT_EQ(0, set_state(self->connection, state));
		EXPECT_EQ(state == KSSTATE_STOP && usual_memory(),
			  device_is_free());
	}
}

/* I1: in ACQUIRE the frames are the buffers of the device, but can be allocated. */
TEST_F(state, acquire_allocates_nothing)
{
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(0, allocated(self->rig.allocator));
	EXPECT_EQ(0, in_device(self->rig.allocator));
	EXPECT_LE(0, alloc_now(self->rig.allocator));
}

/*
 * I1: the image size of the format has grown since the connection: ACQUIRE fails with
 * EINVAL.
 */
TEST_F(state, format_became_larger)
{
	int other = create_allocator(self->connection, self->rig.heap, 0, 0);
	unsigned int state;

	need_heap();
	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_format(self->rig.video, 640, 360));
	for (state = KSSTATE_ACQUIRE; state < STATES; state++) {
		EXPECT_EQ(-EINVAL, set_state(self->connection, state));
		expect_stopped(self);
	}
	EXPECT_EQ(-EINVAL, set_allocator(self->connection, other));
	ASSERT_EQ(0, set_format(self->rig.video, 320, 180));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_RUN));
}

/*
 * I1: frames are large enough after the image size has shrunk, and the stream has the new
 * size.
 */
TEST_F(state, format_became_smaller)
{
	struct ksalloc_complete frame;
	struct v4l2_format format;

	need_heap();
	ASSERT_EQ(0, get_format(self->rig.video, &format));
	format.fmt.pix.pixelformat = V4L2_PIX_FMT_GREY;
	format.fmt.pix.bytesperline = 0;
	ASSERT_EQ(0, call_fd(self->rig.video, VIDIOC_S_FMT, &format));
	ASSERT_EQ(320 * 180, format.fmt.pix.sizeimage);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	rig_turn(&self->rig, &frame);
	EXPECT_EQ(320 * 180, frame.header.data_used);
	EXPECT_EQ(320 * 180 * 2, frame.header.frame_extent);
}

/* I1: more frames than the device can have buffers: ACQUIRE fails with EOPNOTSUPP. */
TEST_F(state, too_many_buffers)
{
	need_heap();
	close(self->rig.allocator);
	rig_allocator(&self->rig, TOO_MANY_BUFFERS);
	EXPECT_EQ(-EOPNOTSUPP, set_state(self->connection, KSSTATE_ACQUIRE));
	expect_stopped(self);
	EXPECT_EQ(-EOPNOTSUPP, set_state(self->connection, KSSTATE_RUN));
	expect_stopped(self);
	expect_refusal(self->connection, KSALLOC_REFUSAL_COUNT, TOO_MANY_BUFFERS - 1, 0);
	close(self->rig.allocator);
	rig_allocator(&self->rig, TOO_MANY_BUFFERS - 1);
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
}

/* I1: the reason why STOP was not left is stated, until STOP is left. */
TEST_F(state, refusal_is_stated)
{
	__u32 size = self->rig.framing.frame_size;
	int camera = self->rig.video;

	expect_refusal(self->connection, KSALLOC_REFUSAL_NONE, 0, 0);
	ASSERT_EQ(0, set_allocator(self->connection, -1));
	EXPECT_EQ(-EINVAL, set_state(self->connection, KSSTATE_RUN));
	expect_refusal(self->connection, KSALLOC_REFUSAL_ALLOCATOR, 0, -EINVAL);
	ASSERT_EQ(0, set_allocator(self->connection, self->rig.allocator));
	expect_refusal(self->connection, KSALLOC_REFUSAL_ALLOCATOR, 0, -EINVAL);
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	expect_refusal(self->connection, KSALLOC_REFUSAL_ALLOCATOR, 0, -EINVAL);

	if (self->rig.heap >= 0) {
		ASSERT_EQ(0, set_format(camera, 640, 360));
		ASSERT_GT(640 * 360 * 2, size);
		EXPECT_EQ(-EINVAL, set_state(self->connection, KSSTATE_ACQUIRE));
		expect_refusal(self->connection, KSALLOC_REFUSAL_FRAMING, 0, -EINVAL);
		ASSERT_EQ(0, set_format(camera, 320, 180));
	}

	EXPECT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
	expect_refusal(self->connection, KSALLOC_REFUSAL_NONE, 0, 0);
}

/* I1: another program uses the device: the errno is stated. */
TEST_F(state, refusal_because_busy)
{
	struct v4l2_requestbuffers request = {
		.count = 2,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};

	need_heap();
	ASSERT_EQ(0, call_fd(self->rig.video, VIDIOC_REQBUFS, &request));
	EXPECT_EQ(-EBUSY, set_state(self->connection, KSSTATE_ACQUIRE));
	expect_refusal(self->connection, KSALLOC_REFUSAL_OTHER, 0, -EBUSY);
}

/* I1: the driver refuses to make buffers: the error is passed on, and all is undone. */
TEST_F(state, buffers_refused)
{
	unsigned int state;

	need_heap();
	for (state = KSSTATE_ACQUIRE; state < STATES; state++) {
		ASSERT_EQ(0, set_control(self->rig.video,
					 "Inject VIDIOC_REQBUFS Error", 1));
		EXPECT_EQ(-EINVAL, set_state(self->connection, state));
		expect_stopped(self);
		expect_refusal(self->connection, KSALLOC_REFUSAL_OTHER, 0, -EINVAL);
		EXPECT_EQ(0, set_state(self->connection, state));
		EXPECT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	}
}

/* I1: the driver refuses the memory of a frame: EOPNOTSUPP, and all is undone. */
TEST_F(state, memory_refused)
{
	unsigned int state;

	need_heap();
	for (state = KSSTATE_ACQUIRE; state < STATES; state++) {
		ASSERT_EQ(0, set_control(self->rig.video,
					 "Inject VIDIOC_QBUF Error", 1));
		EXPECT_EQ(-EOPNOTSUPP, set_state(self->connection, state));
		expect_stopped(self);
		expect_refusal(self->connection, KSALLOC_REFUSAL_MAP, 0, -EINVAL);
		EXPECT_EQ(0, set_state(self->connection, state));
		EXPECT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	}
}

/* I1: the device does not start: from STOP, the state is STOP again. */
TEST_F(state, start_refused_from_stop)
{
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Inject VIDIOC_STREAMON Error", 1));
	EXPECT_EQ(-EINVAL, set_state(self->connection, KSSTATE_RUN));
	expect_stopped(self);
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_RUN));
}

/* I1: the same from ACQUIRE: the state is ACQUIRE again. */
TEST_F(state, start_refused_from_acquire)
{
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Inject VIDIOC_STREAMON Error", 1));
	EXPECT_EQ(-EINVAL, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(KSSTATE_ACQUIRE, get_state(self->connection));
	EXPECT_FALSE(device_is_free());
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	rig_turn(&self->rig, NULL);
}

/* I1: the same from PAUSE: the state is PAUSE again, with all submitted frames. */
TEST_F(state, start_refused_from_pause)
{
	int i;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Inject VIDIOC_STREAMON Error", 1));
	EXPECT_EQ(-EINVAL, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(KSSTATE_PAUSE, get_state(self->connection));
	EXPECT_EQ(FRAMES, get_pending(self->connection));
	EXPECT_EQ(FRAMES, in_device(self->rig.allocator));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	for (i = 0; i < FRAMES; i++)
		EXPECT_LE(0, rig_complete(&self->rig, NULL));
}

/* I1: another file has a higher priority on the device: EBUSY. */
TEST_F(state, priority_of_others)
{
	enum v4l2_priority priority = V4L2_PRIORITY_RECORD;
	int other = open_camera(0);

	ASSERT_EQ(0, call_fd(other, VIDIOC_S_PRIORITY,
			     (void *)(uintptr_t)&priority));
	EXPECT_EQ(-EBUSY, set_state(self->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(KSSTATE_STOP, get_state(self->connection));
	close(other);
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
}

/*
 * I1, I2: no free descriptor is needed in the calling process: all states are entered, and
 * frames submitted by the kernel thread and completed, without one.
 */
TEST_F(state, no_descriptor_left)
{
	static const unsigned int walk[] = {
		KSSTATE_ACQUIRE, KSSTATE_PAUSE, KSSTATE_RUN, KSSTATE_PAUSE,
		KSSTATE_RUN, KSSTATE_STOP,
	};
	unsigned int i, j, submitted = 0, completed = 0;
	rlim_t limit = use_up_descriptors();
	int result = 0;

	for (i = 0; i < ARRAY_SIZE(walk) && !result; i++) {
		result = set_state(self->connection, walk[i]);
		if (result || walk[i] != KSSTATE_RUN)
			continue;
		for (j = 0; j < FRAMES && submitted < FRAMES; j++)
			submitted += alloc_now(self->rig.allocator) >= 0 &&
				     !submit(self->connection, j);
		completed += rig_complete(&self->rig, NULL) >= 0;
	}
	restore_descriptors(limit);
	EXPECT_EQ(0, result);
	EXPECT_EQ(FRAMES, submitted);
	EXPECT_EQ(2, completed);
	EXPECT_EQ(2, allocated(self->rig.allocator));
	expect_stopped(self);
}

/* I1: frames stay submitted from RUN to PAUSE and back, with or without a free descriptor. */
TEST_F(state, pause_no_descriptor_left)
{
	int down, up = -1, i;
	rlim_t limit;

	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 100));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	limit = use_up_descriptors();
	down = set_state(self->connection, KSSTATE_PAUSE);
	if (!down)
		up = set_state(self->connection, KSSTATE_RUN);
	restore_descriptors(limit);
	EXPECT_EQ(0, down);
	EXPECT_EQ(0, up);
	EXPECT_EQ(FRAMES, get_pending(self->connection));
	EXPECT_EQ(FRAMES, in_device(self->rig.allocator));
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 0));
	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(i, rig_complete(&self->rig, NULL));
}

/*
 * I1: from RUN to PAUSE and back no frame is lost: each is completed once, in the order of
 * submission, including those that were filled before.
 */
TEST_F(state, pause_keeps_frames)
{
	int order[FRAMES], round, i;

	for (round = 0; round < 5; round++) {
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
		for (i = 0; i < FRAMES; i++) {
			order[i] = alloc_now(self->rig.allocator);
			ASSERT_LE(0, order[i]);
			ASSERT_EQ(0, submit(self->connection, order[i]));
		}
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		/* Some filled, some not */
		if (round)
			ASSERT_EQ(POLLIN, poll_fd(self->connection, POLLIN,
						  PATIENCE_MS));
		sleep_ms(10 * round);
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
		EXPECT_EQ(FRAMES, get_pending(self->connection));
		EXPECT_EQ(FRAMES, in_device(self->rig.allocator));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		for (i = 0; i < FRAMES; i++) {
			EXPECT_EQ(order[i], rig_complete(&self->rig, NULL));
			EXPECT_EQ(0, free_frame(self->rig.allocator,
						order[i]));
		}
		EXPECT_EQ(0, allocated(self->rig.allocator));
	}
}

/* I1: frames that were filled before PAUSE can be completed in PAUSE. */
TEST_F(state, complete_in_pause)
{
	struct ksalloc_complete frame;
	int left = FRAMES;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	ASSERT_EQ(POLLIN, poll_fd(self->connection, POLLIN, PATIENCE_MS));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	EXPECT_EQ(POLLIN, poll_fd(self->connection, POLLIN, 0));
	while (complete(self->connection, KSALLOC_NONBLOCK, 0, &frame) >= 0) {
		EXPECT_EQ(320 * 180 * 2, frame.header.data_used);
		left--;
	}
	EXPECT_GT(FRAMES, left);
	EXPECT_EQ(left, get_pending(self->connection));
	EXPECT_EQ(left, in_device(self->rig.allocator));
	EXPECT_EQ(FRAMES, allocated(self->rig.allocator));
}

/* I4: below PAUSE all submitted frames become free. */
TEST_F(state, down_returns_frames)
{
	static const unsigned int from[] = { KSSTATE_PAUSE, KSSTATE_RUN };
	static const unsigned int to[] = { KSSTATE_ACQUIRE, KSSTATE_STOP };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(from); i++) {
		for (j = 0; j < ARRAY_SIZE(to); j++) {
			ASSERT_EQ(0, set_state(self->connection, from[i]));
			ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
			sleep_ms(40);
			ASSERT_EQ(0, set_state(self->connection, to[j]));
			EXPECT_EQ(0, get_pending(self->connection));
			EXPECT_EQ(0, in_device(self->rig.allocator));
			EXPECT_EQ(0, allocated(self->rig.allocator));
		}
	}
}

/* I4: they are given to waiting calls. */
TEST_F(state, down_serves_waiters)
{
	struct ksalloc_alloc arg = { .size = sizeof(arg) };
	struct call call;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	call_start(&call, self->rig.allocator, KSALLOC_ALLOC, &arg);
	ASSERT_TRUE(EVENTUALLY(waiters(self->rig.allocator) == 1));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(0, call_result(&call));
	EXPECT_EQ(1, allocated(self->rig.allocator));
}

/* I4: closing the connection frees its frames, in each state. */
TEST_F(state, close_returns_frames)
{
	unsigned int state;

	need_heap();
	for (state = KSSTATE_ACQUIRE; state < STATES; state++) {
		ASSERT_EQ(0, set_state(self->rig.connection, state));
		if (state >= KSSTATE_PAUSE)
			ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
		close(self->rig.connection);
		EXPECT_TRUE(EVENTUALLY(allocated(self->rig.allocator) == 0));
		EXPECT_EQ(!!usual_memory(), device_is_free());
		self->rig.connection = do_connect(self->rig.ksalloc,
						  self->rig.video);
		ASSERT_LE(0, self->rig.connection);
		ASSERT_EQ(0, set_allocator(self->rig.connection,
					   self->rig.allocator));
	}
}

/* I2: a frame that the client holds is not affected by STOP, and can be submitted again. */
TEST_F(state, held_frame_stays)
{
	int index;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	index = rig_complete(&self->rig, NULL);
	ASSERT_LE(0, index);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(1, allocated(self->rig.allocator));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(0, submit(self->connection, index));
	EXPECT_EQ(index, rig_complete(&self->rig, NULL));
}

/* I1: many changes up and down leak nothing. */
TEST_F_TIMEOUT(state, many_times, 60)
{
	struct footprint before;
	int i;

	footprint_take(&before);
	for (i = 0; i < 30; i++) {
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
		if (i % 3 == 0)
			rig_turn(&self->rig, NULL);
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
		ASSERT_EQ(0, allocated(self->rig.allocator));
	}
	EXPECT_FOOTPRINT(&before);
}
