// SPDX-License-Identifier: GPL-2.0-only
/*
 * A V4L2 program that knows nothing of ksalloc. It streams from a node, and stores each picture
 * that it gets. It can be slow, or keep frames for some time.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/videodev2.h>

#define TYPE V4L2_BUF_TYPE_VIDEO_CAPTURE
#define MAX_BUFFERS 32

struct viewer {
	int video;
	FILE *output;
	const void *data[MAX_BUFFERS];
	/* The buffers that it keeps, oldest first */
	__u32 kept[MAX_BUFFERS];
	unsigned int nr_kept;
};

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "viewer: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void queue(struct viewer *viewer, __u32 index)
{
	struct v4l2_buffer buffer = {
		.index = index,
		.type = TYPE,
		.memory = V4L2_MEMORY_MMAP,
	};

	check(!ioctl(viewer->video, VIDIOC_QBUF, &buffer), "VIDIOC_QBUF");
}

static void map(struct viewer *viewer, __u32 index)
{
	struct v4l2_buffer buffer = {
		.index = index,
		.type = TYPE,
		.memory = V4L2_MEMORY_MMAP,
	};

	check(!ioctl(viewer->video, VIDIOC_QUERYBUF, &buffer), "VIDIOC_QUERYBUF");
	viewer->data[index] = mmap(NULL, buffer.length, PROT_READ, MAP_SHARED, viewer->video,
				   buffer.m.offset);
	check(viewer->data[index] != MAP_FAILED, "mmap");
}

static void start(struct viewer *viewer, __u32 buffers)
{
	struct v4l2_requestbuffers request = {
		.count = buffers,
		.type = TYPE,
		.memory = V4L2_MEMORY_MMAP,
	};
	int type = TYPE;
	__u32 i;

	check(!ioctl(viewer->video, VIDIOC_REQBUFS, &request), "VIDIOC_REQBUFS");
	for (i = 0; i < request.count && i < MAX_BUFFERS; i++) {
		map(viewer, i);
		queue(viewer, i);
	}
	check(!ioctl(viewer->video, VIDIOC_STREAMON, &type), "VIDIOC_STREAMON");
}

static void view(struct viewer *viewer, unsigned int keep, useconds_t pause)
{
	struct v4l2_buffer buffer = { .type = TYPE, .memory = V4L2_MEMORY_MMAP };

	check(!ioctl(viewer->video, VIDIOC_DQBUF, &buffer), "VIDIOC_DQBUF");
	check(buffer.index < MAX_BUFFERS, "buffer");
	check(fwrite(viewer->data[buffer.index], buffer.bytesused, 1, viewer->output) == 1,
	      "output");
	check(!fflush(viewer->output), "output");
	if (pause)
		usleep(pause);
	viewer->kept[viewer->nr_kept++] = buffer.index;
	if (viewer->nr_kept <= keep)
		return;
	queue(viewer, viewer->kept[0]);
	viewer->nr_kept--;
	memmove(viewer->kept, viewer->kept + 1, viewer->nr_kept * sizeof(viewer->kept[0]));
}

int main(int argc, char **argv)
{
	struct viewer viewer = { };
	unsigned long count, buffers, keep, pause_ms;

	if (argc != 7) {
		fputs("Usage: viewer NODE COUNT BUFFERS KEEP PAUSE_MS OUTPUT\n", stderr);
		return 2;
	}
	count = strtoul(argv[2], NULL, 10);
	buffers = strtoul(argv[3], NULL, 10);
	keep = strtoul(argv[4], NULL, 10);
	pause_ms = strtoul(argv[5], NULL, 10);
	check(buffers <= MAX_BUFFERS && keep < buffers, "BUFFERS and KEEP");
	viewer.video = open(argv[1], O_RDWR | O_CLOEXEC);
	check(viewer.video >= 0, argv[1]);
	viewer.output = fopen(argv[6], "w");
	check(viewer.output, argv[6]);
	start(&viewer, (__u32)buffers);
	while (count--)
		view(&viewer, (unsigned int)keep, (useconds_t)pause_ms * 1000);
	return 0;
}
