// SPDX-License-Identifier: GPL-2.0-only
/*
 * The V4L2 file of the caller, and other files of the same device: they cannot interfere
 * while the connection has the buffers of the device.
 */
#include "ksalloc_test.h"
#include "remote.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trap.h"

#define FRAMES 4
#define WIDTH 320
#define HEIGHT 180
#define FRAME_SIZE (WIDTH * HEIGHT * 2)

/* In STOP. @other is another open file of the device. */
FIXTURE(video) {
	struct rig rig;
	int connection, allocator;
	int video, other;
};

FIXTURE_SETUP(video)
{
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
	self->video = self->rig.video;
	self->other = open_camera(0);
}

FIXTURE_TEARDOWN(video)
{
	if (self->other > 0)
		close(self->other);
	rig_close(&self->rig);
}

static int request_buffers(int video, unsigned int memory, unsigned int count)
{
	struct v4l2_requestbuffers request = {
		.count = count,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = memory,
	};

	return call_fd(video, VIDIOC_REQBUFS, &request);
}

static int stream(int video, bool on)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	return call_fd(video, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
}

static int buffer_call(int video, unsigned long request, int dmabuf)
{
	struct v4l2_buffer buffer = {
		.index = 0,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.m.fd = dmabuf,
	};

	return call_fd(video, request, &buffer);
}

static int create_buffers(int video)
{
	struct v4l2_create_buffers create = {
		.count = 1,
		.memory = V4L2_MEMORY_DMABUF,
	};

	if (get_format(video, &create.format))
		return -EIO;
	return call_fd(video, VIDIOC_CREATE_BUFS, &create);
}

static int export_buffer(int video)
{
	struct v4l2_exportbuffer export = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
	};

	return call_fd(video, VIDIOC_EXPBUF, &export);
}

/* All calls that need buffers of this file fail with EBUSY. */
static void expect_busy(int video, int dmabuf)
{
	static const unsigned int memories[] = {
		V4L2_MEMORY_DMABUF, V4L2_MEMORY_MMAP, V4L2_MEMORY_USERPTR,
	};
	char byte;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(memories); i++) {
		EXPECT_EQ(-EBUSY, request_buffers(video, memories[i], 0));
		EXPECT_EQ(-EBUSY, request_buffers(video, memories[i], 4));
	}
	EXPECT_EQ(-EBUSY, create_buffers(video));
	EXPECT_EQ(-EBUSY, stream(video, false));
	EXPECT_EQ(-EBUSY, stream(video, true));
	EXPECT_EQ(-EBUSY, buffer_call(video, VIDIOC_QBUF, dmabuf));
	EXPECT_EQ(-EBUSY, buffer_call(video, VIDIOC_PREPARE_BUF, dmabuf));
	EXPECT_EQ(-EBUSY, buffer_call(video, VIDIOC_DQBUF, -1));
	EXPECT_EQ(-EBUSY, export_buffer(video));
	EXPECT_EQ(-EBUSY, set_format(video, 640, 360));
	EXPECT_EQ(-1, read(video, &byte, 1));
}

/*
 * I1: from ACQUIRE on, the device is busy for the caller's file as for all others. They
 * cannot free, queue, dequeue or replace the buffers, or stop the stream. What they try has
 * no effect on the stream.
 */
TEST_F(video, busy_in_each_state)
{
	int dmabuf = export_frame(self->allocator, 0), i;
	struct ksalloc_complete frame = { 0 };
	unsigned int state;

	need_heap();
	ASSERT_LE(0, dmabuf);
	for (state = KSSTATE_ACQUIRE; state <= KSSTATE_RUN; state++) {
		ASSERT_EQ(0, set_state(self->connection, state));
		if (state == KSSTATE_PAUSE)
			ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
		expect_busy(self->video, dmabuf);
		expect_busy(self->other, dmabuf);
		EXPECT_EQ(state, get_state(self->connection));
	}
	for (i = 0; i < 2 * FRAMES; i++) {
		rig_turn(&self->rig, &frame);
		EXPECT_EQ(i % FRAMES, frame.index);
		EXPECT_EQ(FRAME_SIZE, frame.header.data_used);
	}
	expect_busy(self->video, dmabuf);
	EXPECT_EQ(FRAMES, in_device(self->allocator));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(0, request_buffers(self->video, V4L2_MEMORY_MMAP, 2));
	EXPECT_EQ(0, request_buffers(self->video, V4L2_MEMORY_MMAP, 0));
	close(dmabuf);
}

/*
 * I2, I3: whatever the caller tries in PAUSE and RUN, each frame that COMPLETE returns has
 * a picture.
 */
TEST_F(video, frames_are_filled)
{
	struct ksalloc_complete frame = { 0 };
	unsigned char *map;
	int i, dmabuf;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	request_buffers(self->video, V4L2_MEMORY_DMABUF, 0);
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	stream(self->video, false);
	request_buffers(self->video, V4L2_MEMORY_DMABUF, FRAMES);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	for (i = 0; i < 2 * FRAMES; i++) {
		stream(self->video, false);
		request_buffers(self->video, V4L2_MEMORY_DMABUF, 0);
		ASSERT_LE(0, rig_complete(&self->rig, &frame));
		dmabuf = export_frame(self->allocator, frame.index);
		ASSERT_LE(0, dmabuf);
		map = map_frame(dmabuf, FRAME_SIZE, PROT_READ | PROT_WRITE);
		EXPECT_EQ(FRAME_SIZE, frame.header.data_used);
		/* Each line begins with white and ends with black. */
		EXPECT_LT(150, map[(HEIGHT - 8) * WIDTH * 2 + 16]);
		EXPECT_GT(20, map[(HEIGHT - 7) * WIDTH * 2 - 16]);
		memset(map, 0x33, FRAME_SIZE);
		munmap(map, FRAME_SIZE);
		ASSERT_EQ(0, submit_fd(self->connection, frame.index, dmabuf));
		close(dmabuf);
	}
}

/* In STOP the format can be set through each file, and the connection captures in it. */
TEST_F(video, format_is_set_in_stop)
{
	struct ksalloc_complete frame = { 0 };
	struct ksallocator_framing framing;

	need_heap();
	ASSERT_EQ(0, set_format(self->video, 640, 360));
	ASSERT_EQ(0, get_framing(self->connection, &framing));
	EXPECT_EQ(640 * 360 * 2, framing.frame_size);
	ASSERT_EQ(0, set_format(self->other, WIDTH, HEIGHT));
	ASSERT_EQ(0, get_framing(self->connection, &framing));
	EXPECT_EQ(FRAME_SIZE, framing.frame_size);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	rig_turn(&self->rig, &frame);
	EXPECT_EQ(FRAME_SIZE, frame.header.data_used);
}

/*
 * ACQUIRE fails with EBUSY if the caller's file has buffers. They keep their content and
 * can be used.
 */
TEST_F(video, own_buffers_stay)
{
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	unsigned char *map;

	need_heap();
	ASSERT_EQ(0, request_buffers(self->video, V4L2_MEMORY_MMAP, 2));
	ASSERT_EQ(0, call_fd(self->video, VIDIOC_QUERYBUF, &buffer));
	map = mmap(NULL, buffer.length, PROT_READ | PROT_WRITE, MAP_SHARED,
		   self->video, buffer.m.offset);
	ASSERT_NE(MAP_FAILED, map);
	map[100] = 0x5a;
	EXPECT_EQ(-EBUSY, set_state(self->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(-EBUSY, set_state(self->connection, KSSTATE_RUN));
	EXPECT_EQ(KSSTATE_STOP, get_state(self->connection));

	EXPECT_EQ(0x5a, map[100]);
	EXPECT_EQ(0, call_fd(self->video, VIDIOC_QUERYBUF, &buffer));
	EXPECT_EQ(V4L2_MEMORY_MMAP, buffer.memory);
	EXPECT_EQ(0, call_fd(self->video, VIDIOC_QBUF, &buffer));
	EXPECT_EQ(0, stream(self->video, true));
	EXPECT_EQ(-EBUSY, set_state(self->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(0, call_fd(self->video, VIDIOC_DQBUF, &buffer));
	EXPECT_EQ(0, stream(self->video, false));
	munmap(map, buffer.length);
	EXPECT_EQ(0, request_buffers(self->video, V4L2_MEMORY_MMAP, 0));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_RUN));
}

/* The caller may close its file in each state. The connection captures. */
TEST_F(video, closed_in_each_state)
{
	struct ksalloc_complete frame = { 0 };
	unsigned int state;
	int video, i;

	need_heap();
	for (state = KSSTATE_STOP; state <= KSSTATE_RUN; state++) {
		video = open_camera(0);
		close(self->connection);
		self->connection = do_connect(self->rig.ksalloc, video);
		self->rig.connection = self->connection;
		ASSERT_LE(0, self->connection);
		ASSERT_EQ(0, set_allocator(self->connection, self->allocator));
		ASSERT_EQ(0, set_state(self->connection, state));
		close(video);
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
		for (i = 0; i < 6; i++)
			rig_turn(&self->rig, &frame);
		EXPECT_EQ(FRAME_SIZE, frame.header.data_used);
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
		EXPECT_EQ(0, allocated(self->allocator));
	}
}

/* The module does not change the flags of the caller's file. */
TEST_F(video, flags_stay)
{
	int before = fcntl(self->video, F_GETFL), i;

	EXPECT_EQ(0, before & O_NONBLOCK);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	for (i = 0; i < FRAMES; i++) {
		rig_turn(&self->rig, NULL);
		EXPECT_EQ(before, fcntl(self->video, F_GETFL));
	}
	close(self->connection);
	self->rig.connection = 0;
	EXPECT_EQ(before, fcntl(self->video, F_GETFL));
}

/* poll() on the caller's file does not start videobuf2's read(). */
TEST_F(video, poll_starts_no_read)
{
	unsigned int state;

	for (state = KSSTATE_ACQUIRE; state <= KSSTATE_RUN; state++) {
		ASSERT_EQ(0, set_state(self->connection, state));
		poll_fd(self->video, POLLIN, 0);
		poll_fd(self->other, POLLIN, 0);
	}
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	poll_fd(self->video, POLLIN, 0);
	EXPECT_EQ(POLLIN, poll_fd(self->connection, POLLIN, PATIENCE_MS));
	EXPECT_EQ(0, rig_complete(&self->rig, NULL));
}

/*
 * I2: COMPLETE with KSALLOC_NONBLOCK does not wait if the caller's file becomes blocking
 * right before the driver looks at its flags.
 */
TEST_F(video, blocking_at_the_wrong_moment)
{
	struct ksalloc_complete arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_NONBLOCK,
	};
	struct held_camera held;
	struct call call;

	ASSERT_EQ(0, set_control(self->video, "Percentage of Dropped Buffers",
				 100));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	camera_hold(&held, 0);
	call_start(&call, self->connection, KSALLOC_COMPLETE, &arg);
	ASSERT_TRUE(EVENTUALLY(call.tid));
	sleep_ms(50);
	ASSERT_EQ(0, fcntl(self->video, F_SETFL, 0));
	camera_let_go(&held);
	EXPECT_EQ(-EAGAIN, call_result(&call));
	ASSERT_EQ(0, set_control(self->video, "Percentage of Dropped Buffers",
				 0));
}

struct unblocker {
	int video;
	atomic_bool stop;
};

static void *clear_flag(void *data)
{
	struct unblocker *unblocker = data;

	while (!unblocker->stop)
		fcntl(unblocker->video, F_SETFL, 0);
	return NULL;
}

/* I2: it does not wait either if a thread does that all the time. */
TEST_F(video, blocking_all_the_time)
{
	struct unblocker unblocker = { .video = self->video };
	int calls = remote_is_on() ? 300 : 3000;
	pthread_t thread;
	int i;

	ASSERT_EQ(0, set_control(self->video, "Percentage of Dropped Buffers",
				 100));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	ASSERT_EQ(0, pthread_create(&thread, NULL, clear_flag, &unblocker));
	for (i = 0; i < calls; i++)
		ASSERT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK,
					    0, NULL));
	unblocker.stop = true;
	pthread_join(thread, NULL);
	ASSERT_EQ(0, set_control(self->video, "Percentage of Dropped Buffers",
				 0));
}
