// SPDX-License-Identifier: GPL-2.0-only
/*
 * Shares: several handles of the node of a share stream at the same time, and none of them
 * disturbs another one or the camera.
 */
#include "attacker.h"
#include "camera_gaps.h"
#include "share.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trap.h"

static void *map_buffer(int fd, unsigned int index, int protection)
{
	struct v4l2_buffer buffer = buffer_of(index);

	ASSERT_EQ(0, call(fd, VIDIOC_QUERYBUF, &buffer));
	EXPECT_EQ(FRAME_SIZE, buffer.length);
	return mmap(NULL, FRAME_SIZE, protection, MAP_SHARED, fd, buffer.m.offset);
}

/* Whether another file of the camera can get buffers: not while the share has them. */
static bool camera_is_free(struct share_fixture *self)
{
	return request_buffers(self->video, 2) == 2 && request_buffers(self->video, 0) == 0;
}

static bool share_says(struct share_fixture *self, const char *key, const char *value)
{
	char text[64];

	return fdinfo_value(self->share, key, text, sizeof(text)) &&
	       !strcmp(text, value);
}

/* The node is a capture device with the name of the camera. */
TEST_F(share, capabilities)
{
	struct v4l2_capability camera = { }, node = { };
	int fd = handle_open(self);

	ASSERT_EQ(0, call(self->video, VIDIOC_QUERYCAP, &camera));
	ASSERT_EQ(0, call(fd, VIDIOC_QUERYCAP, &node));
	EXPECT_TRUE(strstr((char *)node.card, " (shared)"));
	EXPECT_EQ(0, strncmp((char *)camera.card, (char *)node.card, 5));
	EXPECT_TRUE(node.device_caps & V4L2_CAP_VIDEO_CAPTURE);
	EXPECT_TRUE(node.device_caps & V4L2_CAP_STREAMING);
	EXPECT_FALSE(node.device_caps & V4L2_CAP_READWRITE);
	close(fd);
}

#define PROGRAM "/tools/bin/ks-capture-static"

/* Runs ks-capture. Returns its exit status, and what it prints */
static int ks_capture(const char *arguments, char *said, size_t size)
{
	char command[128];
	FILE *output;
	int status;

	snprintf(command, sizeof(command), PROGRAM " %s 2>&1", arguments);
	output = popen(command, "r");
	ASSERT_TRUE(output);
	said[fread(said, 1, size - 1, output)] = '\0';
	status = pclose(output);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* ks-capture cannot use the node of a share, and prints what the node is. */
TEST_F(share, ks_capture)
{
	char arguments[64], said[16384], node[64];

	if (access(PROGRAM, X_OK))
		SKIP("no " PROGRAM);
	snprintf(arguments, sizeof(arguments), "-d %s -n 1", self->path);
	EXPECT_EQ(3, ks_capture(arguments, said, sizeof(said)));
	snprintf(node, sizeof(node), "node of a share of %s: ", node_path("vivid-000-vid-cap"));
	EXPECT_TRUE(strstr(said, node));
	EXPECT_FALSE(strstr(said, "send pictures"));
	EXPECT_EQ(0, ks_capture("--list", said, sizeof(said)));
	EXPECT_TRUE(strstr(said, "not usable: it is the node of a share, "));
	EXPECT_FALSE(strstr(said, "send pictures"));
}

/* K12: inputs, formats and rates are those of the camera. */
TEST_F(share, passed_through)
{
	struct v4l2_frmsizeenum size = { .pixel_format = V4L2_PIX_FMT_YUYV };
	struct v4l2_fmtdesc format = { .type = TYPE };
	struct v4l2_streamparm parm = { .type = TYPE };
	struct v4l2_input input = { .index = 0 };
	int fd = handle_open(self), number = 1;

	EXPECT_EQ(0, call(fd, VIDIOC_ENUMINPUT, &input));
	EXPECT_NE('\0', input.name[0]);
	input.index = 1;
	EXPECT_EQ(-EINVAL, call(fd, VIDIOC_ENUMINPUT, &input));
	EXPECT_EQ(-EINVAL, call(fd, VIDIOC_S_INPUT, &number));
	EXPECT_EQ(0, call(fd, VIDIOC_G_INPUT, &number));
	EXPECT_EQ(0, number);
	EXPECT_EQ(0, call(fd, VIDIOC_S_INPUT, &number));
	EXPECT_EQ(0, call(fd, VIDIOC_ENUM_FMT, &format));
	EXPECT_EQ(0, call(fd, VIDIOC_ENUM_FRAMESIZES, &size));
	EXPECT_EQ(0, call(fd, VIDIOC_G_PARM, &parm));
	EXPECT_LT(0, parm.parm.capture.timeperframe.denominator);
	EXPECT_EQ(0, parm.parm.capture.readbuffers);
	/* Nothing to wait for */
	EXPECT_EQ(POLLERR, poll_fd(fd, POLLIN, 0));
	close(fd);
}

/* K11: what a buffer says about its data */
TEST_F(share, description)
{
	int fd = handle_start(self), i;
	struct v4l2_buffer buffer;
	__u64 time, last = 0;

	for (i = 0; i < FRAMES; i++) {
		ASSERT_EQ(0, dequeue(fd, &buffer));
		EXPECT_EQ(FRAME_SIZE, buffer.bytesused);
		EXPECT_EQ(FRAME_SIZE, buffer.length);
		EXPECT_EQ(V4L2_FIELD_NONE, buffer.field);
		EXPECT_EQ(V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC,
			  buffer.flags & V4L2_BUF_FLAG_TIMESTAMP_MASK);
		EXPECT_FALSE(buffer.flags & V4L2_BUF_FLAG_ERROR);
		EXPECT_FALSE(buffer.flags & V4L2_BUF_FLAG_QUEUED);
		time = buffer.timestamp.tv_sec * 1000000000ULL +
		       buffer.timestamp.tv_usec * 1000ULL;
		EXPECT_LT(last, time);
		/* That of vivid is the end of the frame, in the future */
		EXPECT_LT(time, now_ns() + 1000000000ULL);
		last = time;
		ASSERT_EQ(0, queue(fd, buffer.index));
	}
	close(fd);
}

/* K11: two handles see the same memory, and the picture in it. */
TEST_F(share, same_memory)
{
	int fd[2] = { handle_start(self), handle_start(self) }, i;
	struct v4l2_buffer buffer[2] = { };
	unsigned char *map[2];

	ASSERT_EQ(0, dequeue(fd[0], &buffer[0]));
	ASSERT_EQ(0, dequeue(fd[1], &buffer[1]));
	while (buffer[0].sequence < buffer[1].sequence) {
		ASSERT_EQ(0, queue(fd[0], buffer[0].index));
		ASSERT_EQ(0, dequeue(fd[0], &buffer[0]));
	}
	EXPECT_EQ(buffer[0].sequence, buffer[1].sequence);
	EXPECT_EQ(buffer[0].index, buffer[1].index);
	for (i = 0; i < 2; i++) {
		map[i] = map_buffer(fd[i], buffer[i].index, PROT_READ);
		ASSERT_TRUE((void *)map[i] != MAP_FAILED);
	}
	EXPECT_EQ(0, memcmp(map[0], map[1], FRAME_SIZE));
	EXPECT_LT(100, map[0][FRAME_SIZE - 2 * WIDTH * 8]);
	for (i = 0; i < 2; i++) {
		munmap(map[i], FRAME_SIZE);
		close(fd[i]);
	}
}

/*
 * K11: the buffers of one handle are not those of another one. When a program requests or releases
 * its own, no frame is missing for the other one.
 */
TEST_F(share, buffers_of_one)
{
	int fd = handle_start(self), other = handle_open(self), i;
	__u32 last = next(fd), gaps = 0;

	ASSERT_EQ(FRAMES, request_buffers(other, 2));
	EXPECT_EQ(FRAMES, request_buffers(other, 5));
	EXPECT_EQ(-EBUSY, request_buffers(fd, 0));
	EXPECT_EQ(-EBUSY, request_buffers(fd, 3));
	EXPECT_EQ(0, request_buffers(other, 0));
	EXPECT_EQ(-EINVAL, stream(other, true));
	EXPECT_EQ(-EINVAL, queue(other, 0));
	for (i = 0; i < FRAMES; i++) {
		__u32 sequence = next(fd);

		EXPECT_LE(last, sequence);
		gaps += sequence > last + 1;
		last = sequence;
		/* Now the camera has filled the next frame */
		EXPECT_EQ(POLLIN, poll_fd(fd, POLLIN, PATIENCE_MS) & POLLIN);
		EXPECT_EQ(FRAMES, request_buffers(other, 2));
		EXPECT_EQ(0, request_buffers(other, 0));
	}
	expect_no_gaps(gaps, FRAMES);
	EXPECT_EQ(0, stream(fd, false));
	EXPECT_EQ(0, request_buffers(fd, 0));
	close(fd);
	close(other);
}

/* K12: the camera runs while a handle streams, and has buffers while a handle has buffers. */
TEST_F(share, light)
{
	int fd[2], i;

	EXPECT_TRUE(camera_is_free(self));
	EXPECT_TRUE(share_says(self, "streams", "0"));
	for (i = 0; i < 2; i++)
		fd[i] = handle_start(self);
	EXPECT_TRUE(share_says(self, "streams", "2"));
	EXPECT_FALSE(camera_is_free(self));
	next(fd[1]);
	close(fd[0]);
	EXPECT_TRUE(share_says(self, "streams", "1"));
	next(fd[1]);
	EXPECT_EQ(0, stream(fd[1], false));
	EXPECT_TRUE(share_says(self, "streams", "0"));
	EXPECT_FALSE(camera_is_free(self));
	EXPECT_EQ(0, request_buffers(fd[1], 0));
	EXPECT_TRUE(EVENTUALLY(camera_is_free(self)));
	close(fd[1]);
}

/* K11: a handle streams again after it has stopped, with its buffers queued again. */
TEST_F(share, again)
{
	int fd = handle_start(self), i, round;
	struct v4l2_buffer buffer;

	for (round = 0; round < 3; round++) {
		next(fd);
		ASSERT_EQ(0, dequeue(fd, &buffer));
		ASSERT_EQ(0, stream(fd, false));
		EXPECT_EQ(-EINVAL, dequeue(fd, &buffer));
		for (i = 0; i < FRAMES; i++)
			ASSERT_EQ(0, queue(fd, i));
		ASSERT_EQ(0, stream(fd, true));
		EXPECT_EQ(0, stream(fd, true));
	}
	next(fd);
	close(fd);
}

static int try_format(int fd, unsigned long which, unsigned int width, unsigned int height,
		      struct v4l2_format *format)
{
	*format = (struct v4l2_format){ .type = TYPE };
	if (call(fd, VIDIOC_G_FMT, format))
		return -EIO;
	format->fmt.pix.width = width;
	format->fmt.pix.height = height;
	format->fmt.pix.bytesperline = 0;
	format->fmt.pix.sizeimage = 0;
	return call(fd, which, format);
}

/* K11: buffers stay queued if the camera does not start. */
TEST_F(share, start_refused)
{
	int fd = handle_open(self), i;
	struct v4l2_buffer buffer;

	request_and_queue(fd, FRAMES, FRAMES);
	ASSERT_EQ(0, set_control(self->video, "Inject VIDIOC_STREAMON Error", 1));
	EXPECT_EQ(-EINVAL, stream(fd, true));
	EXPECT_EQ(-EINVAL, queue(fd, 0));
	ASSERT_EQ(0, stream(fd, true));
	EXPECT_EQ(0, dequeue(fd, &buffer));
	/* STREAMOFF takes them back */
	ASSERT_EQ(0, stream(fd, false));
	for (i = 0; i < FRAMES; i++)
		EXPECT_EQ(0, queue(fd, i));
	close(fd);
}

/*
 * K11: after an error of the camera, calls of all handles fail, and poll() says so. A handle that
 * begins again starts it for all.
 */
TEST_F(share, camera_fails)
{
	int fd[2] = { handle_start(self), handle_start(self) }, i;
	struct v4l2_buffer buffer;

	next(fd[0]);
	next(fd[1]);
	ASSERT_EQ(0, set_control(self->video, "Inject Fatal Streaming Error", 1));
	for (i = 0; i < 2; i++) {
		do {
			errno = -dequeue(fd[i], &buffer);
		} while (!errno);
		EXPECT_EQ(EIO, errno);
		/* vivid can go on to tell of frames */
		EXPECT_TRUE(EVENTUALLY(dequeue(fd[i], &buffer) == -EIO &&
				       poll_fd(fd[i], POLLIN, 0) == POLLERR));
	}
	ASSERT_EQ(0, stream(fd[0], false));
	for (i = 0; i < FRAMES; i++)
		ASSERT_EQ(0, queue(fd[0], i));
	ASSERT_EQ(0, stream(fd[0], true));
	next(fd[0]);
	EXPECT_FALSE(poll_fd(fd[0], POLLIN, 0) & POLLERR);
	for (i = 0; i < FRAMES; i++)
		queue(fd[1], i);
	next(fd[1]);
	next(fd[0]);
	for (i = 0; i < 2; i++)
		close(fd[i]);
}

/* Asks for 1 / @rate seconds a frame. Returns what the handle gets; G_PARM says the same. */
static unsigned int negotiate_rate(int fd, unsigned int rate)
{
	struct v4l2_streamparm parm = {
		.type = TYPE,
		.parm.capture.timeperframe = { 1, rate },
	}, now = { .type = TYPE };
	const struct v4l2_fract *got = &parm.parm.capture.timeperframe;

	EXPECT_EQ(0, call(fd, VIDIOC_S_PARM, &parm));
	EXPECT_EQ(0, call(fd, VIDIOC_G_PARM, &now));
	EXPECT_EQ(got->numerator, now.parm.capture.timeperframe.numerator);
	EXPECT_EQ(got->denominator, now.parm.capture.timeperframe.denominator);
	return got->numerator ? got->denominator / got->numerator : 0;
}

/* K12: the first program sets the format and the rate. Later ones get the current ones. */
TEST_F(share, formats)
{
	int first = handle_open(self), later = handle_open(self);
	struct v4l2_format format;

	EXPECT_EQ(10, negotiate_rate(first, 10));
	ASSERT_EQ(0, try_format(first, VIDIOC_S_FMT, 640, 360, &format));
	EXPECT_EQ(640, format.fmt.pix.width);
	EXPECT_EQ(FRAMES, request_buffers(first, 2));
	EXPECT_EQ(-EBUSY, try_format(first, VIDIOC_S_FMT, 320, 180, &format));
	ASSERT_EQ(0, try_format(later, VIDIOC_S_FMT, 320, 180, &format));
	EXPECT_EQ(640, format.fmt.pix.width);
	EXPECT_EQ(360, format.fmt.pix.height);
	ASSERT_EQ(0, try_format(later, VIDIOC_TRY_FMT, 320, 180, &format));
	EXPECT_EQ(640, format.fmt.pix.width);
	EXPECT_EQ(10, negotiate_rate(later, 5));
	EXPECT_EQ(10, negotiate_rate(first, 5));
	EXPECT_EQ(0, request_buffers(first, 0));
	EXPECT_EQ(5, negotiate_rate(later, 5));
	ASSERT_EQ(0, EVENTUALLY(!try_format(later, VIDIOC_S_FMT, WIDTH, HEIGHT, &format)) - 1);
	EXPECT_EQ(WIDTH, format.fmt.pix.width);
	format.type = V4L2_BUF_TYPE_VIDEO_OUTPUT;
	EXPECT_EQ(-EINVAL, call(later, VIDIOC_G_FMT, &format));
	EXPECT_EQ(-EINVAL, call(later, VIDIOC_S_FMT, &format));
	close(first);
	close(later);
}

/* K12: controls are those of the camera. */
TEST_F(share, controls)
{
	struct v4l2_ext_control brightness = { .id = V4L2_CID_BRIGHTNESS };
	struct v4l2_ext_controls extended = { .count = 1, .controls = &brightness };
	struct v4l2_control control = { .id = V4L2_CID_BRIGHTNESS };
	int fd = handle_open(self), value;

	ASSERT_EQ(0, call(self->video, VIDIOC_G_CTRL, &control));
	value = control.value;
	control.value = value / 2;
	EXPECT_EQ(0, call(fd, VIDIOC_S_CTRL, &control));
	control.value = 0;
	EXPECT_EQ(0, call(self->video, VIDIOC_G_CTRL, &control));
	EXPECT_EQ(value / 2, control.value);
	EXPECT_EQ(0, call(fd, VIDIOC_G_EXT_CTRLS, &extended));
	EXPECT_EQ(value / 2, brightness.value);
	extended.controls->value = value / 3;
	EXPECT_EQ(0, call(fd, VIDIOC_TRY_EXT_CTRLS, &extended));
	EXPECT_EQ(0, call(self->video, VIDIOC_G_CTRL, &control));
	EXPECT_EQ(value / 2, control.value);
	EXPECT_EQ(0, call(fd, VIDIOC_S_EXT_CTRLS, &extended));
	EXPECT_EQ(0, call(self->video, VIDIOC_G_CTRL, &control));
	EXPECT_EQ(value / 3, control.value);
	extended.controls->id = V4L2_CID_PRIVATE_BASE - 1;
	EXPECT_EQ(-EINVAL, call(fd, VIDIOC_TRY_EXT_CTRLS, &extended));
	EXPECT_EQ(0, extended.error_idx);
	control.value = value;
	EXPECT_EQ(0, call(fd, VIDIOC_S_CTRL, &control));
	close(fd);
}

/* K12: a handle is told when another program changes a control. */
TEST_F(share, events)
{
	struct v4l2_event_subscription subscription = {
		.type = V4L2_EVENT_CTRL,
		.id = V4L2_CID_BRIGHTNESS,
	};
	struct v4l2_control control = { .id = V4L2_CID_BRIGHTNESS };
	struct v4l2_event event = { };
	int fd = handle_open(self);

	ASSERT_EQ(0, call(self->video, VIDIOC_G_CTRL, &control));
	ASSERT_EQ(0, call(fd, VIDIOC_SUBSCRIBE_EVENT, &subscription));
	EXPECT_EQ(0, poll_fd(fd, POLLPRI, 0));
	control.value++;
	ASSERT_EQ(0, call(self->video, VIDIOC_S_CTRL, &control));
	EXPECT_TRUE(poll_fd(fd, POLLPRI, PATIENCE_MS) & POLLPRI);
	EXPECT_EQ(0, call(fd, VIDIOC_DQEVENT, &event));
	EXPECT_EQ(control.value, event.u.ctrl.value);
	control.value--;
	EXPECT_EQ(0, call(self->video, VIDIOC_S_CTRL, &control));
	close(fd);
}

/* K11: poll(), select() and calls that do not wait */
TEST_F(share, polling)
{
	struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };
	int fd = handle_open(self), i;
	struct v4l2_buffer buffer;
	fd_set set;

	EXPECT_TRUE(poll_fd(fd, POLLIN, 0) & POLLERR);
	close(fd);
	fd = handle_start(self);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (i = 0; i < FRAMES; i++) {
		ASSERT_EQ(POLLIN, poll_fd(fd, POLLIN, PATIENCE_MS) & (POLLIN | POLLERR));
		ASSERT_EQ(0, dequeue(fd, &buffer));
		ASSERT_EQ(0, queue(fd, buffer.index));
	}
	FD_ZERO(&set);
	FD_SET(fd, &set);
	EXPECT_EQ(1, select(fd + 1, &set, NULL, NULL, &patience));
	while (!dequeue(fd, &buffer))
		queue(fd, buffer.index);
	EXPECT_EQ(-EAGAIN, dequeue(fd, &buffer));
	close(fd);
}

static void *dequeue_thread(void *data)
{
	struct v4l2_buffer buffer;

	return (void *)(long)dequeue(*(int *)data, &buffer);
}

/* K11: STREAMOFF ends a call that waits. */
TEST_F(share, ends_waiting)
{
	int fd = handle_open(self);
	pthread_t thread;
	void *result = NULL;

	ASSERT_EQ(FRAMES, request_buffers(fd, 2));
	ASSERT_EQ(0, stream(fd, true));
	ASSERT_EQ(0, pthread_create(&thread, NULL, dequeue_thread, &fd));
	sleep_ms(100);
	ASSERT_EQ(0, stream(fd, false));
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(-EINVAL, (long)result);
	close(fd);
}

/* Buffers that do not exist, or are not in the right state */
TEST_F(share, wrong_indices)
{
	struct v4l2_exportbuffer export = { .type = TYPE, .index = FRAMES };
	struct v4l2_buffer buffer = buffer_of(FRAMES);
	int fd = handle_open(self);

	EXPECT_EQ(-EINVAL, queue(fd, 0));
	EXPECT_EQ(-EINVAL, stream(fd, true));
	EXPECT_EQ(-EINVAL, dequeue(fd, &buffer));
	EXPECT_EQ(0, stream(fd, false));
	ASSERT_EQ(FRAMES, request_buffers(fd, 100));
	EXPECT_EQ(-EINVAL, queue(fd, FRAMES));
	EXPECT_EQ(-EINVAL, queue(fd, ~0u));
	EXPECT_EQ(0, queue(fd, 0));
	EXPECT_EQ(-EINVAL, queue(fd, 0));
	buffer = buffer_of(FRAMES);
	EXPECT_EQ(-EINVAL, call(fd, VIDIOC_QUERYBUF, &buffer));
	EXPECT_EQ(-EINVAL, call(fd, VIDIOC_EXPBUF, &export));
	export.index = 0;
	export.plane = 1;
	EXPECT_EQ(-EINVAL, call(fd, VIDIOC_EXPBUF, &export));
	export.plane = 0;
	export.flags = O_NONBLOCK;
	EXPECT_EQ(-EINVAL, call(fd, VIDIOC_EXPBUF, &export));
	EXPECT_TRUE(mmap(NULL, FRAME_SIZE, PROT_READ, MAP_SHARED, fd, 1 << 30) ==
		    MAP_FAILED);
	EXPECT_TRUE(mmap(NULL, FRAME_SIZE, PROT_READ, MAP_SHARED, fd,
			 sysconf(_SC_PAGESIZE)) == MAP_FAILED);
	EXPECT_TRUE(mmap(NULL, 2 * FRAME_SIZE, PROT_READ, MAP_SHARED, fd, 0) ==
		    MAP_FAILED);
	close(fd);
}

/* K2: a process dies while it streams. The others go on. */
TEST_F(share, death)
{
	int fd = handle_start(self), other, i;
	__u32 last = next(fd), sequence;
	pid_t child;

	for (i = 0; i < 10; i++) {
		child = fork();
		ASSERT_LE(0, child);
		if (!child) {
			struct v4l2_buffer buffer;

			other = handle_start(self);
			while (!dequeue(other, &buffer))
				;
			_exit(0);
		}
		sleep_ms(20 * (i % 4));
		kill(child, SIGKILL);
		ASSERT_EQ(child, waitpid(child, NULL, 0));
		sequence = next(fd);
		EXPECT_LT(last, sequence);
		last = sequence;
	}
	EXPECT_TRUE(EVENTUALLY(share_says(self, "streams", "1")));
	close(fd);
}

/* K12: the share ends while a handle streams and waits: ENODEV, and the node has gone. */
TEST_F(share, end_of_share)
{
	int fd = handle_start(self), waiting = handle_open(self), i;
	struct v4l2_buffer buffer;
	unsigned char *map;
	pthread_t thread;
	void *result = NULL;

	ASSERT_EQ(FRAMES, request_buffers(waiting, 2));
	ASSERT_EQ(0, stream(waiting, true));
	map = map_buffer(fd, 0, PROT_READ);
	ASSERT_TRUE((void *)map != MAP_FAILED);
	ASSERT_EQ(0, pthread_create(&thread, NULL, dequeue_thread, &waiting));
	for (i = 0; i < 4; i++)
		next(fd);
	close(self->share);
	self->share = -1;
	ASSERT_EQ(0, pthread_join(thread, &result));
	EXPECT_EQ(-ENODEV, (long)result);
	EXPECT_EQ(-ENODEV, dequeue(fd, &buffer));
	EXPECT_EQ(-ENODEV, stream(fd, false));
	EXPECT_TRUE(poll_fd(fd, POLLIN, 0) & POLLHUP);
	EXPECT_EQ(-1, open(self->path, O_RDWR));
	EXPECT_LE(0, map[FRAME_SIZE - 1]);
	EXPECT_TRUE(EVENTUALLY(camera_is_free(self)));
	munmap(map, FRAME_SIZE);
	close(fd);
	close(waiting);
}

/* No work item runs all the time after the share has ended. */
static void expect_no_work(void)
{
	static const char event[] = "workqueue/workqueue_execute_start";
	static char text[1 << 16];

	trace_start(event);
	sleep_ms(20);
	trace_stop(event, text, sizeof(text));
	EXPECT_FALSE(strstr(text, "ks_share_gone_work"));
}

/* K12: the camera disappears: the same. The share is still described in fdinfo. */
TEST_F(share, unplug)
{
	const char *name = strrchr(self->path, '/') + 1;
	int fd = handle_start(self);
	char device[64], text[64];
	struct v4l2_buffer buffer;

	next(fd);
	vivid_unbind();
	while (!dequeue(fd, &buffer))
		;
	EXPECT_EQ(ENODEV, errno);
	EXPECT_TRUE(poll_fd(fd, POLLIN, PATIENCE_MS) & POLLHUP);
	EXPECT_TRUE(EVENTUALLY(open(self->path, O_RDWR) == -1));
	close(fd);
	snprintf(device, sizeof(device), "/sys/class/video4linux/%s", name);
	EXPECT_TRUE(EVENTUALLY(access(device, F_OK)));
	EXPECT_TRUE(EVENTUALLY(!waiting_kernel_threads("+ksalloc")));
	expect_no_work();
	ASSERT_TRUE(fdinfo_value(self->share, "node", text, sizeof(text)));
	EXPECT_EQ(0, strcmp(text, name));
	vivid_bind();
}

static void *unbind_thread(void *unused)
{
	vivid_unbind();
	return unused;
}

/*
 * K12: the camera disappears while another call holds the lock of the driver. The work item that
 * ends the share waits for that lock in the module's own workqueue.
 */
TEST_F(share, unplug_blocks_own_workqueue)
{
	int fd = handle_open(self);
	struct held_camera held;
	pthread_t thread;

	ASSERT_EQ(FRAMES, request_buffers(fd, 4));
	camera_hold(&held, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, unbind_thread, NULL));
	ASSERT_TRUE(EVENTUALLY(!node_exists("vivid-000-vid-cap")));
	EXPECT_EQ(-ENODEV, stream(fd, true));
	EXPECT_TRUE(EVENTUALLY(waiting_kernel_threads("+ksalloc") == 1));
	camera_let_go(&held);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_TRUE(EVENTUALLY(open(self->path, O_RDWR) == -1));
	close(fd);
}

/* K5: no way to write to a frame through a mapping */
TEST_F(share, no_write)
{
	int fd = handle_start(self), mem = open("/proc/self/mem", O_RDWR), pipes[2];
	unsigned char byte = 0x5a, before;
	struct iovec local = { &byte, 1 }, remote;
	struct v4l2_buffer buffer;
	char path[64];
	void *map;

	ASSERT_EQ(0, dequeue(fd, &buffer));
	map = map_buffer(fd, buffer.index, PROT_READ | PROT_WRITE);
	ASSERT_TRUE(map != MAP_FAILED);
	before = *(unsigned char *)map;
	byte = ~before;
	EXPECT_EQ(-EACCES, make_writable(map, FRAME_SIZE));
	remote = (struct iovec){ map, 1 };
	EXPECT_GT(1, pwrite(mem, &byte, 1, (off_t)(uintptr_t)map));
	EXPECT_GT(1, process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(1, write(pipes[1], &byte, 1));
	EXPECT_EQ(-1, read(pipes[0], map, 1));
	EXPECT_EQ(EFAULT, errno);
	syscall(SYS_remap_file_pages, map, FRAME_SIZE, 0, 0, 0);
	EXPECT_EQ(-EACCES, make_writable(map, FRAME_SIZE));
	EXPECT_TRUE(mremap(map, FRAME_SIZE, 2 * FRAME_SIZE, MREMAP_MAYMOVE) ==
		    MAP_FAILED);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx", (long)map,
		 (long)map + FRAME_SIZE);
	EXPECT_GT(0, open(path, O_RDWR));
	write_by_tracer(map);
	EXPECT_EQ(before, *(unsigned char *)map);
	EXPECT_TRUE(mmap(NULL, FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) ==
		    MAP_FAILED);
	munmap(map, FRAME_SIZE);
	close(mem);
	close(pipes[0]);
	close(pipes[1]);
	close(fd);
}

/* K5: an exported buffer is a view, even if a program asks for more. */
TEST_F(share, export)
{
	int fd = handle_start(self), dmabuf = export_buffer(fd, 0, O_RDWR | O_CLOEXEC);
	void *map;

	ASSERT_LE(0, dmabuf);
	EXPECT_EQ(O_RDONLY, fcntl(dmabuf, F_GETFL) & O_ACCMODE);
	EXPECT_TRUE(mmap(NULL, FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, dmabuf, 0) ==
		    MAP_FAILED);
	map = mmap(NULL, FRAME_SIZE, PROT_READ, MAP_SHARED, dmabuf, 0);
	ASSERT_TRUE(map != MAP_FAILED);
	close(fd);
	close(self->share);
	self->share = -1;
	EXPECT_LE(0, *(unsigned char *)map);
	munmap(map, FRAME_SIZE);
	close(dmabuf);
}

/* Arguments of KSALLOC_SHARE */
TEST_F(share, arguments)
{
	int fd = handle_open(self);
	char path[32];

	EXPECT_EQ(-EBADF, share_of(self->ksalloc, -1, 0, path));
	EXPECT_EQ(-EINVAL, share_of(self->ksalloc, self->ksalloc, 0, path));
	EXPECT_EQ(-EINVAL, share_of(self->ksalloc, self->video, 33, path));
	/* The node of a share cannot be shared or connected */
	EXPECT_EQ(-EINVAL, share_of(self->ksalloc, fd, 0, path));
	EXPECT_EQ(-EINVAL, do_connect(self->ksalloc, fd));
	/* The camera has a share already */
	EXPECT_EQ(-EBUSY, share_of(self->ksalloc, self->video, 5, path));
	close(fd);
	close(self->share);
	self->share = share_of(self->ksalloc, self->video, 5, self->path);
	ASSERT_LE(0, self->share);
	fd = handle_open(self);
	EXPECT_EQ(5, request_buffers(fd, 2));
	close(fd);
}

/* Sets a format with two memory planes. */
static void set_two_planes(int video)
{
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE };
	int input = 0;

	ASSERT_EQ(0, call(video, VIDIOC_S_INPUT, &input));
	format.fmt.pix_mp.width = WIDTH;
	format.fmt.pix_mp.height = HEIGHT;
	format.fmt.pix_mp.pixelformat = V4L2_PIX_FMT_NV12M;
	ASSERT_EQ(0, call(video, VIDIOC_S_FMT, &format));
	ASSERT_EQ(2, format.fmt.pix_mp.num_planes);
}

/*
 * K11: a buffer with several planes has a mapping and a number of bytes for each of them. The
 * format is set and tried on the node.
 */
TEST(share_planes)
{
	static const unsigned int sizes[] = { WIDTH * HEIGHT, WIDTH * HEIGHT / 2 };
	int ksalloc, video, share, fd, type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE;
	struct v4l2_requestbuffers buffers = {
		.count = 4, .type = type, .memory = V4L2_MEMORY_MMAP,
	};
	struct v4l2_plane planes[2] = { };
	struct v4l2_buffer buffer = {
		.type = type, .memory = V4L2_MEMORY_MMAP, .length = 1, .m.planes = planes,
	};
	struct v4l2_format format = { .type = type };
	char path[32];
	void *map;
	int i;

	need_vivid("2,2", "0,0");
	ksalloc = open_ksalloc();
	video = open_camera(0);
	share = share_of(ksalloc, video, 0, path);
	ASSERT_LE(0, share);
	fd = open(path, O_RDWR);
	ASSERT_LE(0, fd);
	set_two_planes(fd);
	ASSERT_EQ(0, call(video, VIDIOC_G_FMT, &format));
	EXPECT_EQ(2, format.fmt.pix_mp.num_planes);
	format.fmt.pix_mp.width *= 2;
	EXPECT_EQ(0, call(fd, VIDIOC_TRY_FMT, &format));
	EXPECT_LT(WIDTH, format.fmt.pix_mp.width);
	ASSERT_EQ(0, call(fd, VIDIOC_REQBUFS, &buffers));
	/* Now it gets the current one */
	EXPECT_EQ(0, call(fd, VIDIOC_TRY_FMT, &format));
	EXPECT_EQ(WIDTH, format.fmt.pix_mp.width);
	EXPECT_EQ(-EINVAL, call(fd, VIDIOC_QUERYBUF, &buffer));
	EXPECT_EQ(-EINVAL, call(fd, VIDIOC_QBUF, &buffer));
	buffer.length = 2;
	for (buffer.index = 0; buffer.index < FRAMES; buffer.index++)
		ASSERT_EQ(0, call(fd, VIDIOC_QBUF, &buffer));
	ASSERT_EQ(0, call(fd, VIDIOC_STREAMON, &type));
	buffer.length = 1;
	EXPECT_EQ(-EINVAL, call(fd, VIDIOC_DQBUF, &buffer));
	buffer.length = 2;
	ASSERT_EQ(0, call(fd, VIDIOC_DQBUF, &buffer));
	EXPECT_EQ(2, buffer.length);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(sizes[i], planes[i].bytesused);
		map = mmap(NULL, sizes[i], PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			   planes[i].m.mem_offset);
		ASSERT_TRUE(map != MAP_FAILED);
		EXPECT_LE(0, *((unsigned char *)map + sizes[i] - 1));
		munmap(map, sizes[i]);
	}
	close(fd);
	close(share);
	close(video);
	close(ksalloc);
}
