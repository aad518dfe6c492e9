/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A share of the first camera, and handles of its node
 */
#ifndef SELFTESTS_SHARE_H
#define SELFTESTS_SHARE_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ksalloc_test.h"

#define FRAMES 10
/* Frames that a handle can have */
#define DEPTH ((FRAMES + 3) / 4)
#define WIDTH 320
#define HEIGHT 180
#define FRAME_SIZE (WIDTH * HEIGHT * 2)
#define TYPE V4L2_BUF_TYPE_VIDEO_CAPTURE

FIXTURE(share) {
	int ksalloc, video, share;
	char path[32];
};

/* The calls are those of other programs, so no second process makes them. */
static inline int call(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

static inline int share_of(int ksalloc, int video, unsigned int frames, char path[32])
{
	struct ksalloc_share arg = {
		.size = sizeof(arg),
		.v4l2_fd = video,
		.frames = frames,
	};
	int fd = call(ksalloc, KSALLOC_SHARE, &arg);

	snprintf(path, 32, "/dev/video%u", arg.node);
	return fd;
}

#ifndef SHARE_WITHOUT_FIXTURE
FIXTURE_SETUP(share)
{
	self->ksalloc = open_ksalloc();
	self->video = open_camera(0);
	ASSERT_EQ(0, set_format(self->video, WIDTH, HEIGHT));
	self->share = share_of(self->ksalloc, self->video, 0, self->path);
	ASSERT_LE(0, self->share);
}

FIXTURE_TEARDOWN(share)
{
	if (self->share >= 0)
		close(self->share);
	close(self->video);
	close(self->ksalloc);
	if (!vivid_is_bound())
		vivid_bind();
}
#endif

static inline int handle_open(struct share_fixture *self)
{
	int fd = open(self->path, O_RDWR | O_CLOEXEC);

	ASSERT_LE(0, fd);
	return fd;
}

static inline int request(int fd, unsigned int count)
{
	struct v4l2_requestbuffers arg = {
		.count = count,
		.type = TYPE,
		.memory = V4L2_MEMORY_MMAP,
	};
	int ret = call(fd, VIDIOC_REQBUFS, &arg);

	return ret ?: (int)arg.count;
}

static inline struct v4l2_buffer buffer_of(unsigned int index)
{
	return (struct v4l2_buffer){
		.index = index,
		.type = TYPE,
		.memory = V4L2_MEMORY_MMAP,
	};
}

static inline int queue(int fd, unsigned int index)
{
	struct v4l2_buffer buffer = buffer_of(index);

	return call(fd, VIDIOC_QBUF, &buffer);
}

static inline int dequeue(int fd, struct v4l2_buffer *buffer)
{
	*buffer = buffer_of(0);
	return call(fd, VIDIOC_DQBUF, buffer);
}

static inline int stream(int fd, bool on)
{
	int type = TYPE;

	return call(fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
}

/* An open handle that streams, with the first buffers queued */
static inline int handle_start_with(struct share_fixture *self, int count)
{
	int fd = handle_open(self), i;

	ASSERT_EQ(FRAMES, request(fd, 4));
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, queue(fd, i));
	ASSERT_EQ(0, stream(fd, true));
	return fd;
}

/* The same, with all of them */
static inline int handle_start(struct share_fixture *self)
{
	return handle_start_with(self, FRAMES);
}

/* The next frame, which is queued again */
static inline __u32 next(int fd)
{
	struct v4l2_buffer buffer;

	ASSERT_EQ(0, dequeue(fd, &buffer));
	ASSERT_EQ(0, queue(fd, buffer.index));
	return buffer.sequence;
}

#endif
