// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cameras, which are those of vivid, and the memory of frames.
 */
#include "bench.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The name of the thread, truncated to the length that the kernel stores */
#define PRODUCER "vivid-000-vid-cap"
/* The kernel threads that queue frames without a descriptor, and those that fetch frames */
#define KSALLOC_THREADS "ksalloc-"

unsigned int picture_width = WIDTH;
unsigned int picture_height = HEIGHT;

void set_picture(unsigned int width, unsigned int height)
{
	picture_width = width;
	picture_height = height;
}

/*
 * Without text in the picture, each one takes the same number of instructions, so that the
 * small cost of wake-ups can be measured.
 */
static void no_text(int camera)
{
	struct v4l2_queryctrl query = { .id = V4L2_CTRL_FLAG_NEXT_CTRL };
	struct v4l2_control control = { .value = 2 };

	while (!ioctl(camera, VIDIOC_QUERYCTRL, &query)) {
		if (!strcmp((char *)query.name, "OSD Text Mode")) {
			control.id = query.id;
			must(ioctl(camera, VIDIOC_S_CTRL, &control), "VIDIOC_S_CTRL");
			return;
		}
		query.id |= V4L2_CTRL_FLAG_NEXT_CTRL;
	}
	die("vivid has no control to switch its text off");
}

int open_camera(unsigned int number)
{
	struct v4l2_format format = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.fmt.pix = {
			.width = picture_width,
			.height = picture_height,
			.pixelformat = V4L2_PIX_FMT_NV12,
			.field = V4L2_FIELD_NONE,
		},
	};
	int camera, input = 0;
	char path[32];

	snprintf(path, sizeof(path), "/dev/video%u", number);
	camera = must(open(path, O_RDWR | O_CLOEXEC), path);
	must(ioctl(camera, VIDIOC_S_INPUT, &input), "VIDIOC_S_INPUT");
	must(ioctl(camera, VIDIOC_S_FMT, &format), "VIDIOC_S_FMT");
	if (format.fmt.pix.sizeimage != PICTURE_BYTES)
		die("the camera's pictures have %u bytes instead of %u",
		    format.fmt.pix.sizeimage, PICTURE_BYTES);
	no_text(camera);
	return camera;
}

void set_rate(int camera, unsigned int rate)
{
	struct v4l2_streamparm parameters = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.parm.capture.timeperframe = { 1, rate },
	};

	must(ioctl(camera, VIDIOC_S_PARM, &parameters), "VIDIOC_S_PARM");
}

int open_heap(void)
{
	return must(open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC),
		    "/dev/dma_heap/system");
}

int heap_alloc(int heap, size_t bytes)
{
	struct dma_heap_allocation_data data = {
		.len = bytes,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	must(ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data), "DMA_HEAP_IOCTL_ALLOC");
	return data.fd;
}

int open_connection(int camera)
{
	struct ksalloc_connect connect = {
		.size = sizeof(connect),
		.v4l2_fd = camera,
	};
	int device, connection;

	device = must(open("/dev/ksalloc", O_RDWR | O_CLOEXEC), "/dev/ksalloc");
	connection = must(ioctl(device, KSALLOC_CONNECT, &connect), "KSALLOC_CONNECT");
	close(device);
	return connection;
}

int create_allocator(int connection, int heap, unsigned int frames, unsigned int frame_size)
{
	struct ksalloc_create_allocator create = {
		.size = sizeof(create),
		.heap_fd = heap,
		.framing = {
			.options_flags = heap < 0 ? 0 : KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
			.frames = frames,
			.frame_size = frame_size,
		},
	};

	return must(ioctl(connection, KSALLOC_CREATE_ALLOCATOR, &create),
		    "KSALLOC_CREATE_ALLOCATOR");
}

static void read_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "r");

	if (!file || !fgets(line, size, file))
		*line = '\0';
	if (file)
		fclose(file);
	line[strcspn(line, "\n")] = '\0';
}

/* Calls a function for each kernel thread whose name begins with this text */
static void visit_threads(const char *begin, void (*found)(int pid, void *data), void *data)
{
	DIR *proc = opendir("/proc");
	char path[300], name[64];
	struct dirent *entry;

	if (!proc)
		die("/proc cannot be read");
	while ((entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		read_line(path, name, sizeof(name));
		if (!strncmp(name, begin, strlen(begin)))
			found(atoi(entry->d_name), data);
	}
	closedir(proc);
}

static void set_pid(int pid, void *data)
{
	*(int *)data = pid;
}

int producer_pid(void)
{
	int pid = 0;

	visit_threads(PRODUCER, set_pid, &pid);
	if (!pid)
		die("vivid's thread is not there");
	return pid;
}

__u64 runtime_of(int pid)
{
	char path[64], line[128];

	snprintf(path, sizeof(path), "/proc/%d/schedstat", pid);
	read_line(path, line, sizeof(line));
	return strtoull(line, NULL, 10);
}

static void add_runtime(int pid, void *data)
{
	*(__u64 *)data += runtime_of(pid);
}

__u64 runtime_of_ksalloc(void)
{
	__u64 sum = 0;

	visit_threads(KSALLOC_THREADS, add_runtime, &sum);
	return sum;
}
