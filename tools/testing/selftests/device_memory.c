// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocators of a device's own memory: the MMAP buffers of the driver as frames, which
 * devices and processes can use them, how long they exist, and attempts to change them.
 * own_memory.c tests their creation.
 */
#include "ksalloc_test.h"
#include "pin.h"
#include "probe.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define FRAMES 4
#define WIDTH 320
#define HEIGHT 180
#define PITCH (WIDTH * 2)
#define FRAME_SIZE (PITCH * HEIGHT)
/* More buffers than any queue of vivid has */
#define TOO_MANY 512
/* A line below the text of vivid, near its white and its black end */
#define WHITE ((HEIGHT - 8) * PITCH + 16)
#define BLACK ((HEIGHT - 7) * PITCH - 16)

/* In STOP, with an allocator of device memory assigned */
FIXTURE(memory) {
	struct rig rig;
	int connection, allocator;
};

FIXTURE_SETUP(memory)
{
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	self->connection = self->rig.connection;
	rig_own_allocator(&self->rig, FRAMES);
	self->allocator = self->rig.allocator;
}

FIXTURE_TEARDOWN(memory)
{
	rig_close(&self->rig);
	repair_machine();
}

static unsigned char *map_of(int allocator, unsigned int index)
{
	int dmabuf = export_frame(allocator, index);
	unsigned char *map;

	ASSERT_LE(0, dmabuf);
	map = map_frame(dmabuf, FRAME_SIZE, PROT_READ | PROT_WRITE);
	close(dmabuf);
	return map;
}

/* vivid's colour bars */
static void expect_picture(const unsigned char *frame)
{
	EXPECT_LT(150, frame[WHITE]);
	EXPECT_GT(20, frame[BLACK]);
}

/* Checks that the connection reaches RUN, and the frames have pictures */
static void expect_stream(struct rig *rig)
{
	struct ksalloc_complete frame = { 0 };
	unsigned char *map;
	int i;

	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_RUN));
	ASSERT_LT(0, rig_submit_all(rig));
	for (i = 0; i < 2 * FRAMES; i++) {
		ASSERT_LE(0, rig_complete(rig, &frame));
		EXPECT_EQ(FRAME_SIZE, frame.header.data_used);
		map = map_of(rig->allocator, frame.index);
		expect_picture(map);
		memset(map, 0x33, FRAME_SIZE);
		munmap(map, FRAME_SIZE);
		ASSERT_EQ(0, submit(rig->connection, frame.index));
	}
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(rig->allocator));
}

static int reqbufs(int video, enum v4l2_memory memory, unsigned int count)
{
	struct v4l2_requestbuffers req = {
		.count = count,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = memory,
	};
	int err = call_fd(video, VIDIOC_REQBUFS, &req);

	return err ? err : (int)req.count;
}

/* A9, B6: device memory can be streamed repeatedly, with the same dma-bufs. */
TEST_F(memory, stream)
{
	unsigned long long inodes[FRAMES] = { 0 };
	int round, i, dmabuf;

	for (round = 0; round < 3; round++) {
		expect_stream(&self->rig);
		for (i = 0; i < FRAMES; i++) {
			dmabuf = export_frame(self->allocator, i);
			ASSERT_LE(0, dmabuf);
			if (!round)
				inodes[i] = inode_of(dmabuf);
			EXPECT_EQ(inodes[i], inode_of(dmabuf));
			close(dmabuf);
		}
	}
}

/*
 * I3: the description of a frame is that of its buffer. VIDIOC_QUERYBUF is allowed for each file of
 * the camera.
 */
TEST_F(memory, described)
{
	struct ksalloc_complete frame = { 0 };
	struct v4l2_buffer buffer;
	int i;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	for (i = 0; i < 2 * FRAMES; i++) {
		ASSERT_LE(0, rig_complete(&self->rig, &frame));
		buffer = (struct v4l2_buffer){
			.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
			.index = frame.index,
		};
		ASSERT_EQ(0, call_fd(self->rig.video, VIDIOC_QUERYBUF, &buffer));
		EXPECT_FALSE(buffer.flags & (V4L2_BUF_FLAG_QUEUED | V4L2_BUF_FLAG_DONE));
		EXPECT_EQ(buffer.sequence, frame.sequence);
		EXPECT_EQ(buffer.bytesused, frame.header.data_used);
		EXPECT_EQ(buffer.timestamp.tv_sec * 10000000LL + buffer.timestamp.tv_usec * 10,
			  frame.header.presentation_time.time);
		EXPECT_TRUE(frame.header.options_flags & KSSTREAM_HEADER_OPTIONSF_TIMEVALID);
		ASSERT_EQ(0, submit(self->connection, frame.index));
		ASSERT_EQ(0, call_fd(self->rig.video, VIDIOC_QUERYBUF, &buffer));
		EXPECT_TRUE(buffer.flags & (V4L2_BUF_FLAG_QUEUED | V4L2_BUF_FLAG_DONE));
	}
}

#define QBUF "videobuf2_v4l2:vb2_qbuf"

/* The frames are queued without struct v4l2_buffer. A program of V4L2 queues with it. */
TEST_F(memory, direct)
{
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};
	int other = open_camera(1);

	if (!probe_begin(QBUF))
		SKIP("no kprobes");
	expect_stream(&self->rig);
	EXPECT_EQ(0, probe_count(QBUF));
	ASSERT_EQ(2, reqbufs(other, V4L2_MEMORY_MMAP, 2));
	ASSERT_EQ(0, call_fd(other, VIDIOC_QBUF, &buffer));
	EXPECT_EQ(1, probe_count(QBUF));
	probe_end(QBUF);
	ASSERT_EQ(0, reqbufs(other, V4L2_MEMORY_MMAP, 0));
	close(other);
}

static bool is_marked(const struct ksalloc_complete *frame)
{
	return frame->header.options_flags & KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
}

/* I3: a frame that the device marks as damaged has DATADISCONTINUITY, and the next ones do not. */
TEST_F(memory, damaged)
{
	struct ksalloc_complete frame;
	int i, damaged = 0, whole = 0;
	__u32 last = 0;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	for (i = 0; i < 40; i++) {
		if (i % 8 == 4)
			ASSERT_EQ(0, set_control(self->rig.video,
						 "Inject V4L2_BUF_FLAG_ERROR", 1));
		rig_turn(&self->rig, &frame);
		if (i && frame.sequence == last + 1) {
			damaged += is_marked(&frame);
			whole += !is_marked(&frame);
		}
		last = frame.sequence;
	}
	EXPECT_LT(0, damaged);
	EXPECT_GE(5, damaged);
	EXPECT_LT(0, whole);
}

/* An error of the driver is passed on. After STOP the device can be used again. */
TEST_F(memory, device_error)
{
	/* No buffer is filled */
	ASSERT_EQ(0, set_control(self->rig.video, "Percentage of Dropped Buffers", 100));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	ASSERT_EQ(0, set_control(self->rig.video, "Inject Fatal Streaming Error", 1));
	EXPECT_EQ(-EIO, rig_complete(&self->rig, NULL));
	EXPECT_EQ(-EIO, complete(self->connection, KSALLOC_NONBLOCK, 0, NULL));
	EXPECT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	ASSERT_EQ(0, set_control(self->rig.video, "Percentage of Dropped Buffers", 0));
	expect_stream(&self->rig);
}

/* A9, D1: the status, and zero fields that select the values of the device. */
TEST_F(memory, status)
{
	struct ksalloc_status status = { 0 };

	ASSERT_EQ(0, get_status(self->allocator, &status));
	EXPECT_EQ(0, status.status.framing.options_flags);
	EXPECT_EQ(FRAMES, status.status.framing.frames);
	EXPECT_EQ(FRAME_SIZE, status.status.framing.frame_size);
	EXPECT_EQ(whole_pages(FRAME_SIZE), status.frame_bytes);
	close(self->allocator);
	ASSERT_EQ(0, set_allocator(self->connection, -1));
	self->rig.allocator = create_own(self->connection, 0, 0);
	ASSERT_LE(0, self->rig.allocator);
	ASSERT_EQ(0, get_status(self->rig.allocator, &status));
	EXPECT_EQ(self->rig.framing.frames, status.status.framing.frames);
}

/* A9: frames do not share memory, and the device fills only the submitted frame. */
TEST_F(memory, frames_differ)
{
	unsigned char *map[FRAMES];
	int i;

	for (i = 0; i < FRAMES; i++) {
		map[i] = map_of(self->allocator, i);
		memset(map[i], 0x33, FRAME_SIZE);
	}
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(i, alloc_now(self->allocator));
	ASSERT_EQ(0, submit(self->connection, 2));
	ASSERT_EQ(2, rig_complete(&self->rig, NULL));
	for (i = 0; i < FRAMES; i++) {
		EXPECT_EQ(i != 2, map[i][WHITE] == 0x33);
		munmap(map[i], FRAME_SIZE);
	}
}

/* A9, I5: a flush also returns the device's own buffers. */
TEST_F(memory, flush)
{
	struct ksalloc_reset_state reset = {
		.size = sizeof(reset),
		.reset = KSRESET_BEGIN,
	};

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	ASSERT_EQ(0, call_fd(self->connection, KSALLOC_RESET_STATE, &reset));
	EXPECT_EQ(0, allocated(self->allocator));
	reset.reset = KSRESET_END;
	ASSERT_EQ(0, call_fd(self->connection, KSALLOC_RESET_STATE, &reset));
	expect_stream(&self->rig);
}

/* A9: while the allocator exists, the device is busy for all other files. */
TEST_F(memory, device_is_busy)
{
	struct v4l2_format format;
	int video = open_camera(0), connection, heap_allocator;

	need_heap();
	EXPECT_EQ(-EBUSY, reqbufs(video, V4L2_MEMORY_MMAP, 2));
	ASSERT_EQ(0, get_format(video, &format));
	format.fmt.pix.width = 640;
	format.fmt.pix.height = 360;
	EXPECT_EQ(-EBUSY, call_fd(video, VIDIOC_S_FMT, &format));
	EXPECT_EQ(-EBUSY, call_fd(self->rig.video, VIDIOC_S_FMT, &format));

	/* Another connection to the same device, and another allocator on this one */
	connection = do_connect(self->rig.ksalloc, video);
	ASSERT_LE(0, connection);
	EXPECT_EQ(-EBUSY, create_own(connection, 0, 0));
	EXPECT_EQ(-EBUSY, create_own(self->connection, 0, 0));
	heap_allocator = create_allocator(connection, self->rig.heap, FRAMES,
					  0);
	ASSERT_LE(0, heap_allocator);
	ASSERT_EQ(0, set_allocator(connection, heap_allocator));
	EXPECT_EQ(-EBUSY, set_state(connection, KSSTATE_ACQUIRE));
	ASSERT_EQ(0, set_allocator(self->connection, heap_allocator));
	EXPECT_EQ(-EBUSY, set_state(self->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(KSSTATE_STOP, get_state(self->connection));

	/* When it ends, the device is free. */
	close(self->allocator);
	self->rig.allocator = heap_allocator;
	EXPECT_TRUE(EVENTUALLY(!set_state(self->connection,
					  KSSTATE_ACQUIRE)));
	expect_stream(&self->rig);
	close(connection);
	close(video);
}

/*
 * A9, B7: the allocator outlives the connection and the V4L2 file of the caller. The device
 * stays busy for another of its connections, and other devices can import the frames.
 */
TEST_F(memory, outlives_connection)
{
	unsigned char *map = map_of(self->allocator, 0);
	struct rig other;
	int video;

	close(self->connection);
	close(self->rig.video);
	self->rig.connection = 0;
	self->rig.video = 0;
	ASSERT_EQ(0, alloc_now(self->allocator));
	memset(map, 0x55, FRAME_SIZE);
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	munmap(map, FRAME_SIZE);

	video = open_camera(0);
	EXPECT_EQ(-EBUSY, reqbufs(video, V4L2_MEMORY_MMAP, 2));
	self->rig.connection = do_connect(self->rig.ksalloc, video);
	ASSERT_LE(0, self->rig.connection);
	ASSERT_EQ(0, set_allocator(self->rig.connection, self->allocator));
	EXPECT_EQ(-EBUSY, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(KSSTATE_STOP, get_state(self->rig.connection));
	ASSERT_EQ(0, set_allocator(self->rig.connection, -1));

	rig_open(&other, 1, WIDTH, HEIGHT);
	other.allocator = dup(self->allocator);
	ASSERT_EQ(0, set_allocator(other.connection, other.allocator));
	expect_stream(&other);
	rig_close(&other);

	close(self->allocator);
	self->rig.allocator = 0;
	EXPECT_TRUE(EVENTUALLY(reqbufs(video, V4L2_MEMORY_MMAP, 2) == 2));
	close(video);
}

/* A9: another open file of the connection can stream with it too. */
TEST_F(memory, connection_opened_again)
{
	struct rig other = self->rig;

	other.connection = connection_open(self->connection);
	ASSERT_LE(0, other.connection);
	close(self->connection);
	self->rig.connection = 0;
	expect_stream(&other);
	close(other.connection);
}

/* A9: fdinfo of the allocator has the name of the device that it keeps busy. */
TEST_F(memory, fdinfo)
{
	char device[64] = "";

	EXPECT_TRUE(fdinfo_value(self->allocator, "device", device,
				 sizeof(device)));
	EXPECT_STREQ(strrchr(node_path("vivid-000-vid-cap"), '/') + 1, device);
	close(self->connection);
	self->rig.connection = 0;
	EXPECT_TRUE(fdinfo_value(self->allocator, "device", device,
				 sizeof(device)));
}

/* A9: memory that is mapped outlives the allocator. */
TEST_F(memory, mapping_outlives_allocator)
{
	unsigned char *map = map_of(self->allocator, 0);

	memset(map, 0x77, FRAME_SIZE);
	ASSERT_EQ(0, set_allocator(self->connection, -1));
	close(self->allocator);
	self->rig.allocator = create_own(self->connection, FRAMES, 0);
	ASSERT_TRUE(EVENTUALLY(self->rig.allocator >= 0 ||
			       (self->rig.allocator =
				create_own(self->connection, FRAMES, 0)) >= 0));
	ASSERT_EQ(0, set_allocator(self->connection, self->rig.allocator));
	expect_stream(&self->rig);
	EXPECT_EQ(0x77, map[0]);
	EXPECT_EQ(0x77, map[FRAME_SIZE - 1]);
	munmap(map, FRAME_SIZE);
}

/* G1, A9: another device imports these frames and fills them. */
TEST_F(memory, other_device_imports)
{
	struct rig other;

	rig_open(&other, 1, WIDTH, HEIGHT);
	other.allocator = dup(self->allocator);
	ASSERT_EQ(0, set_allocator(other.connection, other.allocator));
	expect_stream(&other);

	/* Both at the same time */
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, set_state(other.connection, KSSTATE_RUN));
	ASSERT_EQ(0, alloc_now(self->allocator));
	ASSERT_EQ(0, submit(self->connection, 0));
	EXPECT_EQ(-EBUSY, submit(other.connection, 0));
	ASSERT_EQ(0, rig_complete(&self->rig, NULL));
	ASSERT_EQ(0, submit(other.connection, 0));
	EXPECT_EQ(0, rig_complete(&other, NULL));
	rig_close(&other);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(self->allocator));
	expect_stream(&self->rig);
}

/* A9: a V4L2 program without ksalloc can use the dma-bufs with another device. */
TEST_F(memory, plain_v4l2_imports)
{
	int video = open_camera(1), type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
	};
	unsigned char *map = map_of(self->allocator, 0);

	ASSERT_EQ(0, set_format(video, WIDTH, HEIGHT));
	ASSERT_EQ(2, reqbufs(video, V4L2_MEMORY_DMABUF, 2));
	memset(map, 0x33, FRAME_SIZE);
	buffer.m.fd = export_frame(self->allocator, 0);
	ASSERT_EQ(0, call_fd(video, VIDIOC_QBUF, &buffer));
	ASSERT_EQ(0, call_fd(video, VIDIOC_STREAMON, &type));
	ASSERT_EQ(0, call_fd(video, VIDIOC_DQBUF, &buffer));
	expect_picture(map);
	close(video);
	munmap(map, FRAME_SIZE);
}

/*
 * A9, B1: a second process that got the descriptors over a socket allocates, submits,
 * completes and frees. The test sees the pictures.
 */
TEST_F(memory, other_process)
{
	struct ksalloc_alloc alloc = {
		.size = sizeof(alloc),
		.flags = KSALLOC_ALLOC_DMABUF,
	};
	struct ksalloc_submit give = { .size = sizeof(give) };
	int allocator, connection;
	struct agent agent;
	unsigned char *map;

	agent_start(&agent);
	allocator = agent_open(&agent, self->allocator);
	connection = agent_open(&agent, self->connection);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, agent_call(&agent, allocator, KSALLOC_ALLOC, &alloc,
				sizeof(alloc)));
	EXPECT_LE(0, alloc.dmabuf_fd);
	map = map_of(self->allocator, alloc.index);
	memset(map, 0x33, FRAME_SIZE);
	give.index = alloc.index;
	give.dmabuf_fd = alloc.dmabuf_fd;
	ASSERT_EQ(0, agent_call(&agent, connection, KSALLOC_SUBMIT, &give,
				sizeof(give)));
	EXPECT_EQ(alloc.index, agent_complete(&agent, connection));
	expect_picture(map);
	EXPECT_EQ(0, agent_free(&agent, allocator, alloc.index));
	munmap(map, FRAME_SIZE);
	agent_exit(&agent);
}

/*
 * I6, A9: the device disappears in RUN: the frames become free, mappings stay valid, and
 * all files can be closed. When the device is back, everything works.
 */
TEST_F(memory, unbind)
{
	unsigned char *map = map_of(self->allocator, 1);
	struct ksalloc_complete frame = { 0 };

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	ASSERT_LE(0, rig_complete(&self->rig, &frame));
	vivid_unbind();
	EXPECT_TRUE(EVENTUALLY(in_device(self->allocator) == 0));
	EXPECT_EQ(1, allocated(self->allocator));
	EXPECT_EQ(0, free_frame(self->allocator, frame.index));
	memset(map, 0x66, FRAME_SIZE);
	EXPECT_EQ(-ENODEV, set_state(self->connection, KSSTATE_ACQUIRE));
	ASSERT_LE(0, alloc_now(self->allocator));
	close(self->connection);
	close(self->allocator);
	close(self->rig.video);
	EXPECT_EQ(0x66, map[0]);
	munmap(map, FRAME_SIZE);
	self->rig.connection = 0;
	self->rig.allocator = 0;
	self->rig.video = 0;
	vivid_bind();
	rig_close(&self->rig);
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	rig_own_allocator(&self->rig, FRAMES);
	expect_stream(&self->rig);
}

/* A9: the allocator outlives the device, and other devices can still use it. */
TEST_F(memory, unbind_and_import)
{
	struct rig other;

	vivid_unbind();
	vivid_bind();
	close(self->connection);
	close(self->rig.video);
	self->rig.connection = 0;
	self->rig.video = 0;
	rig_open(&other, 0, WIDTH, HEIGHT);
	other.allocator = dup(self->allocator);
	ASSERT_EQ(0, set_allocator(other.connection, other.allocator));
	expect_stream(&other);
	rig_close(&other);
}

/*
 * A9: the buffers belong to the connection's V4L2 file: other files of the device, such as
 * that of the caller, can neither free nor replace them, in any state.
 */
TEST_F(memory, not_freed_by_others)
{
	int other = open_camera(0), state, i;
	const int videos[] = { self->rig.video, other };
	unsigned char *map = map_of(self->allocator, 0);
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	memset(map, 0x44, FRAME_SIZE);
	for (state = KSSTATE_STOP; state <= KSSTATE_PAUSE; state++) {
		ASSERT_EQ(0, set_state(self->connection, state));
		for (i = 0; i < 2; i++) {
			EXPECT_EQ(-EBUSY, reqbufs(videos[i], V4L2_MEMORY_MMAP,
						  0));
			EXPECT_EQ(-EBUSY, reqbufs(videos[i], V4L2_MEMORY_MMAP,
						  FRAMES));
			EXPECT_EQ(-EBUSY, reqbufs(videos[i],
						  V4L2_MEMORY_DMABUF, FRAMES));
			EXPECT_EQ(-EBUSY, call_fd(videos[i], VIDIOC_STREAMOFF,
						  &type));
		}
	}
	EXPECT_EQ(0x44, map[0]);
	EXPECT_EQ(0x44, map[FRAME_SIZE - 1]);
	munmap(map, FRAME_SIZE);
	close(other);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	expect_stream(&self->rig);
}

/*
 * A9, I2: calls of other processes during a capture do not make an unfilled frame count as
 * filled.
 */
TEST_F(memory, not_freed_in_run)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE, i;
	struct ksalloc_complete frame = { 0 };
	unsigned char *map;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	for (i = 0; i < 2 * FRAMES; i++) {
		call_fd(self->rig.video, VIDIOC_STREAMOFF, &type);
		reqbufs(self->rig.video, V4L2_MEMORY_MMAP, 0);
		reqbufs(self->rig.video, V4L2_MEMORY_MMAP, FRAMES);
		ASSERT_LE(0, rig_complete(&self->rig, &frame));
		EXPECT_EQ(FRAME_SIZE, frame.header.data_used);
		map = map_of(self->allocator, frame.index);
		expect_picture(map);
		memset(map, 0x33, FRAME_SIZE);
		munmap(map, FRAME_SIZE);
		ASSERT_EQ(0, submit(self->connection, frame.index));
	}
}

struct meddler {
	int video;
	atomic_bool stop;
	atomic_int times;
};

static void *meddle(void *data)
{
	struct meddler *meddler = data;

	while (!meddler->stop) {
		meddler->times += reqbufs(meddler->video, V4L2_MEMORY_MMAP,
					  FRAMES) == FRAMES;
		reqbufs(meddler->video, V4L2_MEMORY_MMAP, 0);
		/* Other threads sometimes have them. */
		sleep_ms(1);
	}
	return NULL;
}

/*
 * A9: while another thread makes and frees buffers of the device all the time, an allocator
 * is created or not. If it is, it can be streamed.
 */
TEST_F_TIMEOUT(memory, buffers_come_and_go, 60)
{
	struct meddler meddler = { .video = self->rig.video };
	int round, allocator, index, streams = 0;
	pthread_t thread;

	ASSERT_EQ(0, set_allocator(self->connection, -1));
	close(self->allocator);
	self->rig.allocator = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, meddle, &meddler));
	for (round = 0; round < 200 && (streams < 20 || !meddler.times);
	     round++) {
		allocator = create_own(self->connection, FRAMES, 0);
		if (allocator < 0) {
			ASSERT_EQ(-EBUSY, allocator);
			/* On one processor, let the other thread run. */
			sleep_ms(1);
			continue;
		}
		ASSERT_EQ(0, set_allocator(self->connection, allocator));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		index = alloc_now(allocator);
		ASSERT_LE(0, index);
		ASSERT_EQ(0, submit(self->connection, index));
		EXPECT_EQ(index, rig_complete(&self->rig, NULL));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
		ASSERT_EQ(0, set_allocator(self->connection, -1));
		close(allocator);
		streams++;
	}
	meddler.stop = true;
	pthread_join(thread, NULL);
	harness_note("%d streams; the device was had %d times", streams,
		     meddler.times);
	EXPECT_LT(0, streams);
	EXPECT_TRUE(EVENTUALLY((self->rig.allocator =
				create_own(self->connection, FRAMES, 0)) >=
			       0));
	ASSERT_EQ(0, set_allocator(self->connection, self->rig.allocator));
	expect_stream(&self->rig);
}

/* Camera 0 is multi-planar, camera 1 needs contiguous memory. */
FIXTURE(memory_devices) {
	int ksalloc;
};

FIXTURE_SETUP(memory_devices)
{
	need_vivid("2,1", "0,1");
	self->ksalloc = open_ksalloc();
}

FIXTURE_TEARDOWN(memory_devices)
{
	/* Files that the test opened would keep the device. */
	(void)self;
	close_range(3, ~0U, 0);
}

static void set_mplane(int video, unsigned int pixelformat)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
		.fmt.pix_mp = {
			.width = WIDTH,
			.height = HEIGHT,
			.pixelformat = pixelformat,
			.field = V4L2_FIELD_NONE,
		},
	};
	int input = 0;

	ASSERT_EQ(0, call_fd(video, VIDIOC_S_INPUT, &input));
	ASSERT_EQ(0, call_fd(video, VIDIOC_S_FMT, &format));
}

/* An allocator of the memory of a camera, which is assigned to it */
static void own_rig(struct memory_devices_fixture *self, unsigned int camera, struct rig *rig)
{
	*rig = (struct rig) { .ksalloc = self->ksalloc, .video = open_camera(camera) };
	if (camera)
		ASSERT_EQ(0, set_format(rig->video, WIDTH, HEIGHT));
	else
		set_mplane(rig->video, V4L2_PIX_FMT_YUYV);
	rig->connection = do_connect(rig->ksalloc, rig->video);
	ASSERT_LE(0, rig->connection);
	rig_own_allocator(rig, FRAMES);
}

/*
 * A9: a multi-planar device exports its memory. A device that needs contiguous memory, which
 * the system heap does not have, streams with its own.
 */
TEST_F(memory_devices, stream)
{
	struct rig rig;
	int i;

	for (i = 0; i < 2; i++) {
		own_rig(self, i, &rig);
		expect_stream(&rig);
	}
}

/* A9: whether the kernel can pin a mapped frame depends on the driver. */
TEST_F(memory_devices, pinned)
{
	unsigned char *map;
	struct rig rig;
	int i;

	for (i = 0; i < 2; i++) {
		own_rig(self, i, &rig);
		map = map_of(rig.allocator, 0);
		memset(map, 0x33, FRAME_SIZE);
		/* vmalloc() or contiguous memory */
		expect_pinned(i ? -EFAULT : 0, map, FRAME_SIZE);
		munmap(map, FRAME_SIZE);
	}
}
