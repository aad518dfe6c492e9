// SPDX-License-Identifier: GPL-2.0-only
/*
 * A USB camera that works correctly: pictures, states, formats, and use by several files.
 * There are two drivers: that of 6.12 has its own ioctl operations and no vdev->queue, that
 * of 6.17 and later uses those of videobuf2.
 */
#include "webcam.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

FIXTURE(uvc_stream) {
	struct studio studio;
};

FIXTURE_SETUP(uvc_stream)
{
	studio_set_up(&self->studio, NULL);
}

FIXTURE_TEARDOWN(uvc_stream)
{
	studio_tear_down(&self->studio);
}

static const struct mode {
	unsigned int pixelformat, width, height, rate;
} modes[] = {
	{ V4L2_PIX_FMT_YUYV, 320, 180, 30 },
	{ V4L2_PIX_FMT_YUYV, 640, 360, 15 },
	{ V4L2_PIX_FMT_YUYV, 1280, 720, 10 },
	{ V4L2_PIX_FMT_MJPEG, 320, 180, 15 },
	{ V4L2_PIX_FMT_MJPEG, 640, 360, 30 },
	{ V4L2_PIX_FMT_MJPEG, 1280, 720, 30 },
};

static void try_mode(struct studio *studio, const struct mode *mode, bool own_memory)
{
	struct watch watch = { .waiting = WAIT_DEADLINE, .rate = mode->rate };

	studio_connect_in(studio, mode->pixelformat, mode->width, mode->height,
			  mode->rate);
	studio_allocate(studio, own_memory ? -1 : studio->rig.heap);
	studio_start(studio);
	watch_pictures(studio, &watch, 6);
	EXPECT_GE(studio->rig.framing.frame_size, watch.largest);
	if (mode->pixelformat == V4L2_PIX_FMT_YUYV)
		EXPECT_EQ(studio->rig.framing.frame_size, watch.smallest);
	else
		EXPECT_LT(watch.smallest, watch.largest);
	studio_disconnect(studio);
}

/* Each mode, in memory of a heap */
TEST_F(uvc_stream, modes)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++)
		try_mode(&self->studio, &modes[i], false);
}

/* The camera's own memory */
TEST_F(uvc_stream, own_memory)
{
	try_mode(&self->studio, &modes[1], true);
	try_mode(&self->studio, &modes[4], true);
}

/* A9: imported memory of udmabuf */
TEST_F(uvc_stream, imported_memory)
{
	struct studio *studio = &self->studio;
	struct watch watch = { .waiting = WAIT_DEADLINE };

	studio_connect(studio, 640, 360, 15);
	studio_import(studio);
	studio_start(studio);
	watch_pictures(studio, &watch, 6);
}

/* Frames that the kernel thread queues (-1), and frames with a descriptor of the caller. */
TEST_F(uvc_stream, both_ways_to_submit)
{
	struct studio *studio = &self->studio;
	struct watch watch = { .waiting = WAIT_DEADLINE };
	struct ksalloc_complete frame;
	int i, index;

	studio_run(studio);
	for (i = 0; i < 12; i++) {
		index = watch_next(studio, &watch, &frame);
		ASSERT_LE(0, index);
		ASSERT_EQ(0, submit_fd(studio->rig.connection, index,
				       i & 1 ? studio->dmabuf[index] : -1));
	}
}

/* Each way to wait */
TEST_F(uvc_stream, waiting)
{
	static const enum waiting ways[] = {
		WAIT_BLOCKING, WAIT_DEADLINE, WAIT_SELECT, WAIT_POLL, WAIT_EPOLL, WAIT_NONBLOCK,
	};
	unsigned int i;

	studio_run(&self->studio);
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		struct watch watch = { .waiting = ways[i] };

		watch_pictures(&self->studio, &watch, 4);
	}
}

/* Completes all frames that the camera had filled before it was frozen */
static void take_what_was_sent(struct studio *studio, struct watch *watch)
{
	int index[WEBCAM_FRAMES], count = 0;
	struct ksalloc_complete frame;

	while (in_device(studio->rig.allocator) &&
	       watch->counter < webcam_pictures(&studio->cam)) {
		index[count] = watch_next(studio, watch, &frame);
		if (index[count] < 0)
			break;
		count++;
	}
	while (count)
		ASSERT_EQ(0, submit(studio->rig.connection, index[--count]));
}

/* A deadline that passes, and a wait that is cancelled, while there is no picture */
TEST_F(uvc_stream, no_picture)
{
	struct rig *rig = &self->studio.rig;
	struct watch watch = { .waiting = WAIT_DEADLINE };
	struct ksalloc_complete arg;
	struct call call;

	studio_run(&self->studio);
	watch_pictures(&self->studio, &watch, 2);
	webcam_tell(&self->studio.cam, "freeze 1");
	take_what_was_sent(&self->studio, &watch);
	EXPECT_EQ(-ETIMEDOUT, complete(rig->connection, 0, in_ms(20), &arg));
	EXPECT_EQ(-EAGAIN, complete(rig->connection, KSALLOC_NONBLOCK, 0, &arg));
	EXPECT_EQ(0, poll_fd(rig->connection, POLLIN, 0));

	arg = (struct ksalloc_complete){ .size = sizeof(arg) };
	call_start(&call, rig->connection, KSALLOC_COMPLETE, &arg);
	EXPECT_TRUE(call_waits(&call));
	EXPECT_EQ(0, connection_cancel(rig->connection));
	EXPECT_EQ(-ECANCELED, call_result(&call));

	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_STOP));
	webcam_tell(&self->studio.cam, "freeze 0");
	take_all(rig->allocator);
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_PAUSE));
}

/* Fifty times to RUN and back, from each state */
TEST_F(uvc_stream, cycles)
{
	struct rig *rig = &self->studio.rig;
	int i;

	studio_connect(&self->studio, 320, 180, 30);
	studio_allocate(&self->studio, rig->heap);
	for (i = 0; i < 50; i++) {
		studio_start(&self->studio);
		if (i % 10 == 0)
			expect_pictures(&self->studio, 2);
		ASSERT_EQ(0, set_state(rig->connection, i % 3));
	}
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_STOP));
	EXPECT_EQ(0, in_device(rig->allocator));
	EXPECT_EQ(0, allocated(rig->allocator));
}

/*
 * Frames that were filled before a pause can be completed in PAUSE, and after it there is a
 * gap.
 */
TEST_F(uvc_stream, pause)
{
	struct rig *rig = &self->studio.rig;
	struct watch watch = { .waiting = WAIT_DEADLINE };

	studio_run(&self->studio);
	watch_pictures(&self->studio, &watch, 2);
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_PAUSE));
	while (poll_fd(rig->connection, POLLIN, 0))
		watch_pictures(&self->studio, &watch, 1);
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_RUN));
	/* The sequence numbers restart */
	watch.counter = 0;
	watch_pictures(&self->studio, &watch, 2 * WEBCAM_FRAMES);
	EXPECT_LT(0, watch.marked);
}

/* A flush frees the frames, and the stream continues after it. */
TEST_F(uvc_stream, flush)
{
	struct rig *rig = &self->studio.rig;

	studio_run(&self->studio);
	expect_pictures(&self->studio, 2);
	ASSERT_EQ(0, reset_state(rig->connection, KSRESET_BEGIN));
	EXPECT_EQ(0, in_device(rig->allocator));
	ASSERT_EQ(0, reset_state(rig->connection, KSRESET_END));
	EXPECT_LT(0, rig_submit_all(rig));
	expect_pictures(&self->studio, 4);
}

static int set_small(int video)
{
	return webcam_set_mode(video, V4L2_PIX_FMT_YUYV, 320, 180, 30);
}

static int request_buffers(int video, unsigned int count)
{
	struct v4l2_requestbuffers arg = {
		.count = count,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_MMAP,
	};

	return call_fd(video, VIDIOC_REQBUFS, &arg);
}

static int stream_on(int video)
{
	int type = V4L2_BUF_TYPE_VIDEO_CAPTURE;

	return call_fd(video, VIDIOC_STREAMON, &type);
}

/* From ACQUIRE on the camera is busy for all other files, including the caller's own. */
TEST_F(uvc_stream, others_find_it_busy)
{
	struct rig *rig = &self->studio.rig;
	int other, state;

	need_heap();
	studio_connect(&self->studio, 320, 180, 30);
	studio_allocate(&self->studio, rig->heap);
	other = webcam_open(&self->studio.cam);
	for (state = KSSTATE_ACQUIRE; state <= KSSTATE_RUN; state++) {
		ASSERT_EQ(0, set_state(rig->connection, state));
		EXPECT_EQ(-EBUSY, set_small(rig->video));
		EXPECT_EQ(-EBUSY, request_buffers(rig->video, 2));
		EXPECT_GT(0, stream_on(rig->video));
		EXPECT_EQ(-EBUSY, set_small(other));
		EXPECT_EQ(-EBUSY, request_buffers(other, 2));
		EXPECT_GT(0, stream_on(other));
	}
	rig_submit_all(rig);
	expect_pictures(&self->studio, 2);

	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_STOP));
	EXPECT_EQ(0, request_buffers(other, 2));
	EXPECT_EQ(-EBUSY, set_state(rig->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(0, request_buffers(other, 0));
	EXPECT_EQ(0, set_state(rig->connection, KSSTATE_ACQUIRE));
	close(other);
}

/* The same with two connections */
TEST_F(uvc_stream, second_connection)
{
	struct rig *rig = &self->studio.rig;
	int other;

	need_heap();
	studio_run(&self->studio);
	other = do_connect(rig->ksalloc, rig->video);
	ASSERT_LE(0, other);
	ASSERT_EQ(0, set_allocator(other, rig->allocator));
	EXPECT_EQ(-EBUSY, set_state(other, KSSTATE_ACQUIRE));
	expect_pictures(&self->studio, 2);
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_STOP));
	EXPECT_EQ(0, set_state(other, KSSTATE_RUN));
	EXPECT_EQ(-EBUSY, set_state(rig->connection, KSSTATE_ACQUIRE));
	close(other);
	EXPECT_EQ(0, set_state(rig->connection, KSSTATE_ACQUIRE));
}

/*
 * In STOP the caller can set the format through its own file, several times. The driver of
 * 6.12 reserves the camera for that file, and the connection releases the reservation.
 */
TEST_F(uvc_stream, format_by_caller)
{
	struct rig *rig = &self->studio.rig;
	struct ksallocator_framing framing;

	need_heap();
	studio_connect(&self->studio, 640, 360, 30);
	studio_allocate(&self->studio, rig->heap);
	studio_start(&self->studio);
	expect_pictures(&self->studio, 2);
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_STOP));

	ASSERT_EQ(0, set_small(rig->video));
	ASSERT_EQ(0, get_framing(rig->connection, &framing));
	EXPECT_EQ(320 * 180 * 2, framing.frame_size);
	studio_start(&self->studio);
	expect_pictures(&self->studio, 2);
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_STOP));

	/* The earlier frames are too small now */
	ASSERT_EQ(0, webcam_set_mode(rig->video, V4L2_PIX_FMT_YUYV, 1280, 720, 10));
	EXPECT_EQ(-EINVAL, set_state(rig->connection, KSSTATE_ACQUIRE));
}

/*
 * The same at the node of a share: a program that only sets the format or the rate, and closes
 * the node, does not keep the camera from others.
 */
TEST_F(uvc_stream, format_by_program_of_share)
{
	struct ksalloc_share arg = { .size = sizeof(arg) };
	struct v4l2_streamparm parm = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	int ksalloc = open_ksalloc(), other = webcam_open(&self->studio.cam), share, node, i;
	char path[32];

	arg.v4l2_fd = webcam_open(&self->studio.cam);
	share = call_fd(ksalloc, KSALLOC_SHARE, &arg);
	ASSERT_LE(0, share);
	snprintf(path, sizeof(path), "/dev/video%u", arg.node);
	for (i = 0; i < 2; i++) {
		node = open(path, O_RDWR);
		ASSERT_LE(0, node);
		if (i) {
			ASSERT_EQ(0, call_fd(node, VIDIOC_G_PARM, &parm));
			ASSERT_EQ(0, call_fd(node, VIDIOC_S_PARM, &parm));
		} else {
			ASSERT_EQ(0, set_small(node));
		}
		close(node);
		EXPECT_EQ(0, webcam_set_mode(other, V4L2_PIX_FMT_YUYV, 640, 360, 30));
		EXPECT_EQ(0, request_buffers(other, 2));
		EXPECT_EQ(0, request_buffers(other, 0));
	}
	close(other);
	close(share);
	close(arg.v4l2_fd);
	close(ksalloc);
}

/* Connects with a file that has these flags; they stay the same, also after the connection. */
static void expect_flags(struct studio *studio, int flags)
{
	struct rig *rig = &studio->rig;
	int before;

	rig->allocator = -1;
	rig->ksalloc = open_ksalloc();
	rig->heap = open_heap();
	rig->video = webcam_open(&studio->cam);
	ASSERT_EQ(0, fcntl(rig->video, F_SETFL, flags));
	before = fcntl(rig->video, F_GETFL);
	EXPECT_EQ(flags, before & O_NONBLOCK);
	ASSERT_EQ(0, set_small(rig->video));
	rig->connection = do_connect(rig->ksalloc, rig->video);
	ASSERT_LE(0, rig->connection);
	studio_allocate(studio, rig->heap);
	studio_start(studio);
	expect_pictures(studio, 2);
	EXPECT_EQ(before, fcntl(rig->video, F_GETFL));
	close(rig->connection);
	rig->connection = 0;
	EXPECT_EQ(before, fcntl(rig->video, F_GETFL));
	studio_disconnect(studio);
}

/* A connection does not wait in the driver, but O_NONBLOCK of the caller's file does not change. */
TEST_F(uvc_stream, flags_of_caller)
{
	expect_flags(&self->studio, 0);
	expect_flags(&self->studio, O_NONBLOCK);
}

/* If the caller's own file has buffers, they are not released. */
TEST_F(uvc_stream, buffers_of_caller)
{
	struct rig *rig = &self->studio.rig;

	need_heap();
	studio_connect(&self->studio, 320, 180, 30);
	studio_allocate(&self->studio, rig->heap);
	ASSERT_EQ(0, request_buffers(rig->video, 2));
	EXPECT_EQ(-EBUSY, set_state(rig->connection, KSSTATE_ACQUIRE));
	ASSERT_EQ(0, request_buffers(rig->video, 0));
	studio_start(&self->studio);
	expect_pictures(&self->studio, 2);
}

/*
 * A program streams with its file, connects, and closes the file. The stream must end then. The
 * driver of 6.12 reserves the camera for a file with buffers, so a connection would have to
 * keep the file open: CONNECT fails with such a driver.
 */
TEST_F(uvc_stream, caller_streams_and_closes)
{
	struct rig *rig = &self->studio.rig;
	int other = webcam_open(&self->studio.cam), expected;

	rig->ksalloc = open_ksalloc();
	rig->video = webcam_open(&self->studio.cam);
	ASSERT_EQ(0, set_small(rig->video));
	expected = set_small(other);
	ASSERT_EQ(0, request_buffers(rig->video, 2));
	ASSERT_EQ(0, stream_on(rig->video));
	rig->connection = do_connect(rig->ksalloc, rig->video);
	if (expected)
		EXPECT_EQ(expected, rig->connection);
	else
		EXPECT_LE(0, rig->connection);
	close(rig->video);
	rig->video = 0;
	EXPECT_EQ(0, set_small(other));
	EXPECT_EQ(0, request_buffers(other, 2));
	EXPECT_EQ(0, request_buffers(other, 0));
	close(other);

	studio_disconnect(&self->studio);
	studio_run(&self->studio);
	expect_pictures(&self->studio, 2);
}

/*
 * The number of pictures that are lost while this number is captured. Each frame is held for half
 * of the time of a picture.
 */
static unsigned int lost_among(struct studio *studio, unsigned int count, unsigned int rate)
{
	struct watch watch = { .waiting = WAIT_DEADLINE };
	struct ksalloc_complete frame;
	unsigned int i, first = 0;
	int index;

	for (i = 0; i < count; i++) {
		index = watch_next(studio, &watch, &frame);
		ASSERT_LE(0, index);
		if (!i)
			first = watch.counter;
		sleep_ms(1000 / rate / 2);
		ASSERT_EQ(0, submit(studio->rig.connection, index));
	}
	return watch.counter - first - (count - 1);
}

/*
 * The required number of frames is sufficient: one is filled while another one is read, and no
 * picture is lost. On a busy machine this test can be late itself, so it tries several times. With
 * one frame, pictures are lost each time.
 */
TEST_F(uvc_stream, framing)
{
	struct studio *studio = &self->studio;
	const unsigned int rate = 15;
	unsigned int tries = 3, lost;

	studio_connect(studio, 640, 360, rate);
	EXPECT_LE(2, studio->rig.framing.frames);
	EXPECT_EQ(640 * 360 * 2, studio->rig.framing.frame_size);
	studio_allocate_frames(studio, studio->rig.heap, 0);
	EXPECT_EQ(studio->rig.framing.frames, studio->frames);
	studio_start(studio);
	do {
		lost = lost_among(studio, 60, rate);
		if (lost)
			harness_note("%u of 60 pictures lost", lost);
	} while (lost && --tries);
	EXPECT_EQ(0, lost);
}

/* A process is killed while it streams, and nothing is leaked. */
TEST_F(uvc_stream, killed)
{
	struct studio *studio = &self->studio;
	pid_t child;
	int i, status;

	for (i = 0; i < 4; i++) {
		child = fork();
		ASSERT_LE(0, child);
		if (!child) {
			studio_connect(studio, 320, 180, 30);
			studio_allocate(studio, i & 1 ? -1 : studio->rig.heap);
			studio_start(studio);
			expect_pictures(studio, 2);
			raise(SIGKILL);
		}
		ASSERT_EQ(child, waitpid(child, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
	}
	studio_run(studio);
	expect_pictures(studio, 4);
}

/* Two cameras use frames of one allocator, alternately. */
TEST_F(uvc_stream, two_cameras)
{
	struct studio *studio = &self->studio;
	struct webcam second = {};
	struct ksalloc_complete frame;
	int i, index, connection, video;

	studio_run(studio);
	webcam_plug(&second, NULL);
	video = webcam_open(&second);
	ASSERT_EQ(0, set_small(video));
	connection = do_connect(studio->rig.ksalloc, video);
	ASSERT_LE(0, connection);
	ASSERT_EQ(0, set_allocator(connection, studio->rig.allocator));
	ASSERT_EQ(0, set_state(connection, KSSTATE_RUN));
	for (i = 0; i < 8; i++) {
		int from = i & 1 ? connection : studio->rig.connection;
		int to = i & 1 ? studio->rig.connection : connection;

		index = complete(from, 0, in_ms(PATIENCE_MS), &frame);
		ASSERT_LE(0, index);
		ASSERT_EQ(0, submit(to, index));
	}
	close(connection);
	close(video);
	webcam_unplug(&second);
}

/* A camera with a bulk endpoint */
TEST(uvc_bulk)
{
	struct studio studio = {};

	studio_set_up(&studio, "-b");
	try_mode(&studio, &modes[1], false);
	try_mode(&studio, &modes[4], false);
	studio_tear_down(&studio);
}
