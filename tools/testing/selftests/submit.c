// SPDX-License-Identifier: GPL-2.0-only
/*
 * KSALLOC_SUBMIT: with a descriptor of the frame's dma-buf, by the kernel thread, and with
 * a descriptor that is replaced during the call.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe.h"
#include "trap.h"

#define FRAMES 4
#define WIDTH 320
#define HEIGHT 180
#define FRAME_SIZE (WIDTH * HEIGHT * 2)
/* Two pixels in lines below the text of vivid, in its white and its black bar */
#define WHITE ((HEIGHT - 8) * WIDTH * 2 + 16)
#define BLACK ((HEIGHT - 7) * WIDTH * 2 - 16)
/* The content of a frame that was not filled */
#define MARK 0x33

/* In RUN. All frames are held, mapped and marked; each has a descriptor. */
FIXTURE(submit) {
	struct rig rig;
	int connection, allocator;
	int dmabuf[FRAMES];
	unsigned char *map[FRAMES];
};

static void mark(const struct submit_fixture *self, int index)
{
	memset(self->map[index], MARK, FRAME_SIZE);
}

static void take_frames(struct submit_fixture *self)
{
	int i;

	for (i = 0; i < FRAMES; i++) {
		ASSERT_EQ(i, alloc_now(self->allocator));
		self->dmabuf[i] = export_frame(self->allocator, i);
		ASSERT_LE(0, self->dmabuf[i]);
		self->map[i] = map_frame(self->dmabuf[i], FRAME_SIZE,
					 PROT_READ | PROT_WRITE);
		mark(self, i);
	}
}

FIXTURE_SETUP(submit)
{
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
	take_frames(self);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
}

FIXTURE_TEARDOWN(submit)
{
	rig_close(&self->rig);
}

static bool is_marked(const unsigned char *frame)
{
	return frame[WHITE] == MARK && frame[BLACK] == MARK;
}

static bool is_picture(const unsigned char *frame)
{
	return frame[WHITE] > 150 && frame[BLACK] < 20;
}

/* The frame is completed with a picture. No other frame was written. */
static void expect_picture(struct submit_fixture *self, int index)
{
	struct ksalloc_complete frame = { 0 };
	int i;

	ASSERT_EQ(index, rig_complete(&self->rig, &frame));
	EXPECT_EQ(FRAME_SIZE, frame.header.data_used);
	for (i = 0; i < FRAMES; i++) {
		if (i == index)
			EXPECT_TRUE(is_picture(self->map[i]));
		else
			EXPECT_TRUE(is_marked(self->map[i]));
	}
	mark(self, index);
}

/* SUBMIT fails. The frame is still held and not in the device. */
static void expect_refused(struct submit_fixture *self, int expected, int index,
			   int dmabuf)
{
	EXPECT_EQ(expected, submit_fd(self->connection, index, dmabuf));
	EXPECT_EQ(0, get_pending(self->connection));
	EXPECT_EQ(0, in_device(self->allocator));
	EXPECT_EQ(FRAMES, allocated(self->allocator));
}

/* I2: with a descriptor of the frame's dma-buf, the device fills that frame. */
TEST_F(submit, by_descriptor)
{
	int round, i;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < FRAMES; i++) {
			ASSERT_EQ(0, submit_fd(self->connection, i,
					       self->dmabuf[i]));
			expect_picture(self, i);
		}
	}
}

/* I2: each descriptor of the dma-buf is accepted, and may be closed after the call. */
TEST_F(submit, by_other_descriptors)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_ALLOC_DMABUF,
	};
	int other;

	other = dup(self->dmabuf[1]);
	ASSERT_EQ(0, submit_fd(self->connection, 1, other));
	close(other);
	expect_picture(self, 1);
	other = export_frame(self->allocator, 2);
	ASSERT_EQ(0, submit_fd(self->connection, 2, other));
	close(other);
	expect_picture(self, 2);
	ASSERT_EQ(0, free_frame(self->allocator, 3));
	ASSERT_EQ(0, call_fd(self->allocator, KSALLOC_ALLOC, &arg));
	ASSERT_EQ(3, arg.index);
	ASSERT_EQ(0, submit_fd(self->connection, 3, arg.dmabuf_fd));
	close(arg.dmabuf_fd);
	expect_picture(self, 3);
}

/* I2: with -1 the kernel thread queues the frame, and the device fills it. */
TEST_F(submit, by_thread)
{
	int round, i;

	for (round = 0; round < 2; round++) {
		for (i = 0; i < FRAMES; i++) {
			ASSERT_EQ(0, submit(self->connection, i));
			expect_picture(self, i);
		}
	}
}

/* I2: both ways mixed. Frames are completed in the order of submission. */
TEST_F(submit, by_both)
{
	struct ksalloc_complete frame = { 0 };
	int i;

	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(0, submit_fd(self->connection, i,
				       i % 2 ? self->dmabuf[i] : -1));
	for (i = 0; i < 5 * FRAMES; i++) {
		ASSERT_EQ(i % FRAMES, rig_complete(&self->rig, &frame));
		EXPECT_EQ(FRAME_SIZE, frame.header.data_used);
		EXPECT_TRUE(is_picture(self->map[frame.index]));
		mark(self, frame.index);
		ASSERT_EQ(0, submit_fd(self->connection, frame.index,
				       i % 3 ? self->dmabuf[frame.index] : -1));
	}
}

/* I2: both ways in PAUSE after RUN, when frames are not queued at once. */
TEST_F(submit, in_pause)
{
	int i;

	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 100));
	ASSERT_EQ(0, submit_fd(self->connection, 0, self->dmabuf[0]));
	ASSERT_EQ(0, submit(self->connection, 1));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, submit_fd(self->connection, 2, self->dmabuf[2]));
	ASSERT_EQ(0, submit(self->connection, 3));
	/* The descriptor is not needed after the call. */
	close(self->dmabuf[2]);
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 0));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	for (i = 0; i < FRAMES; i++) {
		EXPECT_EQ(i, rig_complete(&self->rig, NULL));
		EXPECT_TRUE(is_picture(self->map[i]));
	}
}

/* A5, I2: the dma-buf of another frame or of another allocator is EINVAL. */
TEST_F(submit, wrong_dmabuf)
{
	int other = create_allocator(self->connection, self->rig.heap, FRAMES,
				     0);
	int dmabuf = export_frame(other, 0);

	need_heap();
	ASSERT_LE(0, dmabuf);
	expect_refused(self, -EINVAL, 0, self->dmabuf[1]);
	expect_refused(self, -EINVAL, 1, self->dmabuf[0]);
	expect_refused(self, -EINVAL, 0, dmabuf);
	ASSERT_EQ(0, submit_fd(self->connection, 0, self->dmabuf[0]));
	expect_picture(self, 0);
	close(dmabuf);
	close(other);
}

/* A5: a descriptor that is not open, or O_PATH, is EBADF. */
TEST_F(submit, not_open)
{
	int closed = dup(self->dmabuf[0]), path;
	unsigned int i;
	char link[64];

	close(closed);
	{
		const int fds[] = { closed, -2, -3, AT_FDCWD, INT_MIN, INT_MAX };

		for (i = 0; i < ARRAY_SIZE(fds); i++)
			expect_refused(self, -EBADF, 0, fds[i]);
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", self->dmabuf[0]);
	path = open(link, O_PATH | O_CLOEXEC);
	if (path >= 0)
		expect_refused(self, -EBADF, 0, path);
	ASSERT_EQ(0, submit_fd(self->connection, 0, self->dmabuf[0]));
	expect_picture(self, 0);
}

/* A5: a descriptor of another kind of file is EINVAL. */
TEST_F(submit, no_dmabuf)
{
	int pipes[2] = { -1, -1 };
	unsigned int i;

	need_heap();
	ASSERT_EQ(0, pipe2(pipes, O_CLOEXEC));
	{
		const int fds[] = {
			self->rig.ksalloc, self->connection, self->allocator,
			self->rig.video, self->rig.heap, pipes[0],
			open("/dev/null", O_RDWR), memfd_create("selftest", 0),
			eventfd(0, 0), epoll_create1(0), STDIN_FILENO,
		};

		for (i = 0; i < ARRAY_SIZE(fds); i++)
			expect_refused(self, -EINVAL, 0, fds[i]);
	}
	ASSERT_EQ(0, submit_fd(self->connection, 0, self->dmabuf[0]));
	expect_picture(self, 0);
}

/* I2: the frame is checked as well as the descriptor. */
TEST_F(submit, wrong_frames)
{
	static const __u32 wrong[] = {
		FRAMES, 1024, 0x7fffffff, 0x80000000, 0xffffffff,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		expect_refused(self, -EINVAL, wrong[i], self->dmabuf[0]);
	ASSERT_EQ(0, free_frame(self->allocator, 0));
	EXPECT_EQ(-EINVAL, submit_fd(self->connection, 0, self->dmabuf[0]));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, submit_fd(self->connection, 1, self->dmabuf[1]));
	EXPECT_EQ(-EBUSY, submit_fd(self->connection, 1, self->dmabuf[1]));
	EXPECT_EQ(-EBUSY, submit(self->connection, 1));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(-ECANCELED, submit_fd(self->connection, 2, self->dmabuf[2]));
	EXPECT_EQ(-ECANCELED, submit(self->connection, 2));
}

/*
 * Submits and completes a frame. ACQUIRE has prepared the buffer, so the driver does not
 * look at the descriptor in the first QBUF.
 */
static void turn_once(struct submit_fixture *self, int index)
{
	ASSERT_EQ(0, submit_fd(self->connection, index, self->dmabuf[index]));
	expect_picture(self, index);
}

/* I2: if the driver refuses the frame, it is still held. */
TEST_F(submit, driver_refuses)
{
	int i;

	turn_once(self, 0);
	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, set_control(self->rig.video,
					 "Inject VIDIOC_QBUF Error", 1));
		expect_refused(self, -EINVAL, 0, i ? -1 : self->dmabuf[0]);
		ASSERT_EQ(0, submit_fd(self->connection, 0,
				       i ? -1 : self->dmabuf[0]));
		expect_picture(self, 0);
	}
}

/* I2, A9: frames of the device's own memory: with the right descriptor and with -1. */
TEST_F(submit, device_memory)
{
	int i;

	need_heap();
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	ASSERT_EQ(0, set_allocator(self->connection, -1));
	close(self->allocator);
	rig_own_allocator(&self->rig, FRAMES);
	self->allocator = self->rig.allocator;
	take_frames(self);
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	expect_refused(self, -EINVAL, 0, self->dmabuf[1]);
	expect_refused(self, -EINVAL, 0, self->rig.heap);
	expect_refused(self, -EBADF, 0, INT_MAX);
	for (i = 0; i < FRAMES; i++) {
		ASSERT_EQ(0, submit_fd(self->connection, i, self->dmabuf[i]));
		expect_picture(self, i);
		ASSERT_EQ(0, submit(self->connection, i));
		expect_picture(self, i);
	}
}

/*
 * Completes a frame whose descriptor was replaced during SUBMIT. Either it has a picture,
 * or it has no data and DATADISCONTINUITY. Returns whether it has a picture.
 */
static bool expect_honest(struct submit_fixture *self, int index)
{
	struct ksalloc_complete frame = { 0 };

	ASSERT_EQ(index, rig_complete(&self->rig, &frame));
	if (frame.header.data_used) {
		EXPECT_EQ(FRAME_SIZE, frame.header.data_used);
		EXPECT_TRUE(is_picture(self->map[index]));
		return true;
	}
	EXPECT_TRUE(is_marked(self->map[index]));
	EXPECT_TRUE(frame.header.options_flags &
		    KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY);
	return false;
}

/*
 * I2, I3: the descriptor is replaced after SUBMIT has checked it and before the driver
 * looks at it. The frame is not reported as filled.
 */
TEST_F(submit, replaced_before_the_driver_looks)
{
	struct ksalloc_submit arg = { .size = sizeof(arg) };
	int number = dup(self->dmabuf[0]), result;
	struct held_camera held;
	struct call call;

	need_heap();
	turn_once(self, 0);
	arg.dmabuf_fd = number;
	camera_hold(&held, 0);
	call_start(&call, self->connection, KSALLOC_SUBMIT, &arg);
	ASSERT_TRUE(call_waits(&call));
	ASSERT_EQ(number, dup2(self->dmabuf[1], number));
	camera_let_go(&held);
	result = call_result(&call);
	close(number);
	if (result) {
		EXPECT_EQ(-EINVAL, result);
		EXPECT_TRUE(is_marked(self->map[1]));
	} else {
		EXPECT_FALSE(expect_honest(self, 0));
	}
	/* Both frames can be used afterwards. */
	mark(self, 0);
	mark(self, 1);
	ASSERT_EQ(0, submit_fd(self->connection, 0, self->dmabuf[0]));
	expect_picture(self, 0);
	ASSERT_EQ(0, submit_fd(self->connection, 1, self->dmabuf[1]));
	expect_picture(self, 1);
}

/*
 * I2: the same with a descriptor that is closed, or becomes another file. SUBMIT fails.
 */
TEST_F(submit, closed_before_the_driver_looks)
{
	int i, number, null = open("/dev/null", O_RDWR);

	need_heap();
	turn_once(self, 0);
	for (i = 0; i < 2; i++) {
		struct ksalloc_submit arg = { .size = sizeof(arg) };
		struct held_camera held;
		struct call call;
		int result;

		number = dup(self->dmabuf[0]);
		arg.dmabuf_fd = number;
		camera_hold(&held, 0);
		call_start(&call, self->connection, KSALLOC_SUBMIT, &arg);
		ASSERT_TRUE(call_waits(&call));
		if (i)
			ASSERT_EQ(number, dup2(null, number));
		else
			close(number);
		camera_let_go(&held);
		result = call_result(&call);
		EXPECT_GT(0, result);
		EXPECT_EQ(0, in_device(self->allocator));
		EXPECT_EQ(FRAMES, allocated(self->allocator));
		if (i)
			close(number);
		ASSERT_EQ(0, submit_fd(self->connection, 0, self->dmabuf[0]));
		expect_picture(self, 0);
	}
	close(null);
}

/* A thread that replaces a descriptor all the time */
struct swapper {
	int number;
	int fds[2];
	atomic_bool stop;
};

static void *swap_always(void *data)
{
	struct swapper *swapper = data;
	unsigned int i;

	for (i = 0; !swapper->stop; i++)
		dup2(swapper->fds[i % 2], swapper->number);
	return NULL;
}

/*
 * I2, I3: a thread replaces the descriptor all the time. SUBMIT fails, or the frame has a
 * picture, or it has no data. It is never reported as filled if it was not.
 */
TEST_F_TIMEOUT(submit, replaced_all_the_time, 60)
{
	struct swapper swapper = {
		.number = dup(self->dmabuf[0]),
		.fds = { self->dmabuf[0], self->dmabuf[1] },
	};
	int round, filled = 0, empty = 0, refused = 0, result;
	pthread_t thread;

	ASSERT_EQ(0, pthread_create(&thread, NULL, swap_always, &swapper));
	for (round = 0; round < 300 && filled + empty < 30; round++) {
		mark(self, 0);
		result = submit_fd(self->connection, 0, swapper.number);
		if (result) {
			ASSERT_EQ(-EINVAL, result);
			refused++;
			/* With one processor, the descriptor changes only now */
			sched_yield();
			continue;
		}
		if (expect_honest(self, 0))
			filled++;
		else
			empty++;
	}
	swapper.stop = true;
	pthread_join(thread, NULL);
	close(swapper.number);
	harness_note("%d filled, %d empty, %d refused", filled, empty, refused);
	EXPECT_LT(0, filled);
	EXPECT_LT(0, refused);
	mark(self, 0);
	mark(self, 1);
	ASSERT_EQ(0, submit_fd(self->connection, 0, self->dmabuf[0]));
	expect_picture(self, 0);
}

/* Drivers that write with the CPU call vmap functions, others call attachment functions */
/* In STOP. Counts how often dma-bufs are mapped for a device */
FIXTURE(maps) {
	struct rig rig;
};

FIXTURE_SETUP(maps)
{
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	rig_allocator(&self->rig, FRAMES);
	if (!probe_maps_begin())
		SKIP("the kernel does not count calls");
}

FIXTURE_TEARDOWN(maps)
{
	probe_maps_end();
	rig_close(&self->rig);
}

/* I1: each frame is mapped in ACQUIRE, and none while the camera runs. */
TEST_F(maps, once)
{
	struct ksalloc_complete frame = { 0 };
	int dmabuf[FRAMES];
	int before, i, run;

	/* Own memory of the device is mapped when it is created */
	need_heap();
	before = probe_maps_count();
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	EXPECT_LE(before + FRAMES, probe_maps_count());
	for (i = 0; i < FRAMES; i++) {
		ASSERT_EQ(i, alloc_now(self->rig.allocator));
		dmabuf[i] = export_frame(self->rig.allocator, i);
		ASSERT_LE(0, dmabuf[i]);
	}

	before = probe_maps_count();
	for (run = 0; run < 2; run++) {
		ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
		for (i = 0; i < 3 * FRAMES; i++) {
			ASSERT_EQ(0, submit_fd(self->rig.connection, i % FRAMES,
					       (i + run) % 2 ? -1 : dmabuf[i % FRAMES]));
			ASSERT_EQ(i % FRAMES, rig_complete(&self->rig, &frame));
		}
		ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	}
	EXPECT_EQ(before, probe_maps_count());
}
