/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Calls on the node of a share, and the same calls on that of a camera
 */
#ifndef SELFTESTS_NODE_H
#define SELFTESTS_NODE_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ksalloc_test.h"

#define TYPE V4L2_BUF_TYPE_VIDEO_CAPTURE

/* Not call_fd(): with -2, that would let the second process of remote.c make the call. */
static inline int call(int fd, unsigned long request, void *arg)
{
	int ret = ioctl(fd, request, arg);

	return ret < 0 ? -errno : ret;
}

/* KSALLOC_SHARE: writes the path of the node. Returns the share, which the caller closes */
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

/* VIDIOC_REQBUFS: returns the number of buffers that the file has then, or the negative errno */
static inline int request_buffers(int fd, unsigned int count)
{
	struct v4l2_requestbuffers arg = {
		.count = count,
		.type = TYPE,
		.memory = V4L2_MEMORY_MMAP,
	};
	int ret = call(fd, VIDIOC_REQBUFS, &arg);

	return ret ?: (int)arg.count;
}

/* The argument of the calls for a buffer */
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

/* Asks for some buffers, gets all @frames of the share, and queues the first @count of them */
static inline void request_and_queue(int fd, int frames, int count)
{
	int i;

	ASSERT_EQ(frames, request_buffers(fd, 4));
	for (i = 0; i < count; i++)
		ASSERT_EQ(0, queue(fd, i));
}

/* VIDIOC_DQBUF: the buffer is overwritten in any case */
static inline int dequeue(int fd, struct v4l2_buffer *buffer)
{
	*buffer = buffer_of(0);
	return call(fd, VIDIOC_DQBUF, buffer);
}

/* VIDIOC_EXPBUF: returns the dma-buf of a buffer, which the caller closes, or the negative errno */
static inline int export_buffer(int fd, unsigned int index, int flags)
{
	struct v4l2_exportbuffer arg = { .type = TYPE, .index = index, .flags = flags };
	int ret = call(fd, VIDIOC_EXPBUF, &arg);

	return ret ?: arg.fd;
}

static inline int stream(int fd, bool on)
{
	int type = TYPE;

	return call(fd, on ? VIDIOC_STREAMON : VIDIOC_STREAMOFF, &type);
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
