// SPDX-License-Identifier: GPL-2.0-only
/*
 * The V4L2 file that a connection was made from, and others of the same device: what
 * their owners can do to the device before, and cannot do while the connection has its
 * buffers.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trap.h"

#define FRAMES 4
#define WIDTH 320
#define HEIGHT 180
#define FRAME_SIZE (WIDTH * HEIGHT * 2)

/* In STOP; @other is open as well, and has nothing to do with the connection. */
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

/* The device is busy for it. What is done to buffers needs them to be its own. */
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
 * I1: from ACQUIRE on the device is busy for the file that the connection was made from
 * as for any other: nobody can free, fill, stop, take or replace the connection's
 * buffers. What the caller tried leaves no trace in the stream.
 */
TEST_F(video, busy_in_each_state)
{
	int dmabuf = export_frame(self->allocator, 0), i;
	struct ksalloc_complete frame = { 0 };
	unsigned int state;

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
 * I2, I3: nothing is said to be filled that is not: after all that the caller tries in
 * PAUSE and RUN, each frame that COMPLETE returns has a picture in it.
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
		/* White begins and black ends each line. */
		EXPECT_LT(150, map[(HEIGHT - 8) * WIDTH * 2 + 16]);
		EXPECT_GT(20, map[(HEIGHT - 7) * WIDTH * 2 - 16]);
		memset(map, 0x33, FRAME_SIZE);
		munmap(map, FRAME_SIZE);
		ASSERT_EQ(0, submit_fd(self->connection, frame.index, dmabuf));
		close(dmabuf);
	}
}

/*
 * The format is the device's: set through the caller's file or any other in STOP, it is
 * what the connection captures in.
 */
TEST_F(video, format_is_set_in_stop)
{
	struct ksalloc_complete frame = { 0 };
	struct ksallocator_framing framing;

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
 * ACQUIRE does not throw away buffers that the caller has on his file: EBUSY, and they
 * hold what they held and can be used.
 */
TEST_F(video, own_buffers_stay)
{
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	unsigned char *map;

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

/* The caller may close his file in any state: the connection captures all the same. */
TEST_F(video, closed_in_each_state)
{
	struct ksalloc_complete frame = { 0 };
	unsigned int state;
	int video, i;

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

/* The connection's file is non-blocking, and the caller's stays what it is. */
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

/* A poll of the caller's file does not start videobuf2's read(), in whatever state. */
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
 * I2: COMPLETE that must not wait does not, though somebody makes the caller's file a
 * blocking one at the moment when the driver is about to look. What is submitted is not
 * filled meanwhile.
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

/* I2: nor does it wait where somebody does that all the time. */
TEST_F(video, blocking_all_the_time)
{
	struct unblocker unblocker = { .video = self->video };
	pthread_t thread;
	int i;

	ASSERT_EQ(0, set_control(self->video, "Percentage of Dropped Buffers",
				 100));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	ASSERT_EQ(0, pthread_create(&thread, NULL, clear_flag, &unblocker));
	for (i = 0; i < 3000; i++)
		ASSERT_EQ(-EAGAIN, complete(self->connection, KSALLOC_NONBLOCK,
					    0, NULL));
	unblocker.stop = true;
	pthread_join(thread, NULL);
	ASSERT_EQ(0, set_control(self->video, "Percentage of Dropped Buffers",
				 0));
}
