// SPDX-License-Identifier: GPL-2.0-only
/*
 * Formats whose planes are in separate buffers: each frame has a dma-buf for each plane.
 */
#include "fence.h"
#include "planes.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define FRAMES 3

/* Two multi-planar cameras. The first one is connected, and has the format NM12 */
FIXTURE(planes) {
	struct rig rig;
	struct v4l2_pix_format_mplane format;
	struct footprint before;
};

FIXTURE_SETUP(planes)
{
	planes_open(&self->rig, &self->format);
	footprint_take(&self->before);
}

FIXTURE_TEARDOWN(planes)
{
	(void)self;
	planes_close();
}

static unsigned char *map_plane(int allocator, unsigned int index, unsigned int plane,
				size_t size)
{
	int dmabuf = export_plane(allocator, index, plane);
	unsigned char *map;

	ASSERT_LE(0, dmabuf);
	map = map_frame(dmabuf, size, PROT_READ | PROT_WRITE);
	close(dmabuf);
	return map;
}

/* The right part of vivid's color bars is black, the left part is white. */
static void expect_luma(const unsigned char *luma)
{
	EXPECT_LT(150, luma[(HEIGHT - 8) * WIDTH + 20]);
	EXPECT_GT(20, luma[(HEIGHT - 8) * WIDTH + 300]);
}

/* Both are grey, and the bars between them are not. */
static void expect_chroma(const unsigned char *chroma, size_t line, size_t lines)
{
	const unsigned char *last = chroma + (lines - 4) * line;
	unsigned char low = 255, high = 0;
	size_t i;

	EXPECT_LT(120, last[line / 16]);
	EXPECT_GT(136, last[line / 16]);
	for (i = 0; i < line; i++) {
		low = last[i] < low ? last[i] : low;
		high = last[i] > high ? last[i] : high;
	}
	EXPECT_GT(100, low);
	EXPECT_LT(156, high);
}

static void expect_picture(struct planes_fixture *self, const struct ksalloc_complete *frame)
{
	const struct v4l2_plane_pix_format *planes = self->format.plane_fmt;
	unsigned int i, n = self->format.num_planes;
	__u32 sum = 0;

	ASSERT_EQ(n, frame->nr_planes);
	for (i = 0; i < n; i++) {
		const struct ksalloc_plane_data *data = &frame->planes[i];
		unsigned char *map = map_plane(self->rig.allocator, frame->index, i,
					       planes[i].sizeimage);
		size_t line = planes[i].bytesperline;

		ASSERT_LE(data->data_offset + data->data_used, planes[i].sizeimage);
		if (!i)
			expect_luma(map + data->data_offset);
		else
			expect_chroma(map + data->data_offset, line, data->data_used / line);
		sum += data->data_used;
		memset(map, 0x33, planes[i].sizeimage);
		munmap(map, planes[i].sizeimage);
	}
	EXPECT_EQ(sum, frame->header.data_used);
	EXPECT_EQ(frame->planes[0].data_offset, frame->header.data);
	EXPECT_EQ(self->rig.framing.frame_size, frame->header.frame_extent);
}

/* Checks that the connection reaches RUN, and that all planes of the frames have pictures */
static void expect_stream(struct planes_fixture *self)
{
	struct ksalloc_complete frame = { 0 };
	struct rig *rig = &self->rig;
	int i;

	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(rig));
	for (i = 0; i < 2 * FRAMES; i++) {
		ASSERT_LE(0, rig_complete(rig, &frame));
		expect_picture(self, &frame);
		ASSERT_EQ(0, submit(rig->connection, frame.index));
	}
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_STOP));
	EXPECT_EQ(0, allocated(rig->allocator));
}

/* D3, B6: the planes of the device are those of its format, and the framing is their sum. */
TEST_F(planes, framing)
{
	static const __u32 formats[] = {
		V4L2_PIX_FMT_NV12M, V4L2_PIX_FMT_NV16M, V4L2_PIX_FMT_YUV420M,
		V4L2_PIX_FMT_YUV444M, V4L2_PIX_FMT_YUYV,
	};
	static const unsigned int counts[] = { 2, 2, 3, 3, 1 };
	struct v4l2_pix_format_mplane format;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		struct ksalloc_get_framing arg = { .size = sizeof(arg) };
		__u32 sum = 0;

		set_multi(self->rig.video, formats[i], &format);
		memset(&arg.planes, 0xa5, sizeof(arg.planes));
		ASSERT_EQ(0, call_fd(self->rig.connection, KSALLOC_GET_FRAMING, &arg));
		EXPECT_EQ(counts[i], format.num_planes);
		EXPECT_EQ(counts[i], arg.planes.count);
		EXPECT_EQ(0, arg.planes.__reserved);
		for (j = 0; j < KSALLOC_MAX_PLANES; j++) {
			EXPECT_EQ(j < counts[i] ? format.plane_fmt[j].sizeimage : 0,
				  arg.planes.sizes[j]);
			sum += arg.planes.sizes[j];
		}
		EXPECT_EQ(sum, arg.framing.frame_size);
	}
}

/* B6: each plane has its own dma-buf, and STATUS and fdinfo have its size. */
TEST_F(planes, dmabufs)
{
	static const unsigned int wrong[] = { 2, 7, 8, 0x80000000, ~0U };
	unsigned long long inodes[2 * FRAMES];
	struct ksalloc_status status = { 0 };
	unsigned int i, j;
	char text[64], expected[96];
	int allocator, fd;

	need_heap();
	rig_allocator(&self->rig, FRAMES);
	allocator = self->rig.allocator;
	ASSERT_EQ(0, get_status(allocator, &status));
	EXPECT_EQ(2, status.planes.count);
	EXPECT_EQ(0, status.planes.__reserved);
	EXPECT_EQ(self->rig.framing.frame_size, status.status.framing.frame_size);
	EXPECT_EQ(whole_pages(status.planes.sizes[0]) + whole_pages(status.planes.sizes[1]),
		  status.frame_bytes);
	for (i = 0; i < KSALLOC_MAX_PLANES; i++)
		EXPECT_EQ(i < 2 ? self->format.plane_fmt[i].sizeimage : 0,
			  status.planes.sizes[i]);
	for (i = 0; i < 2 * FRAMES; i++) {
		fd = export_plane(allocator, i / 2, i % 2);
		ASSERT_LE(0, fd);
		EXPECT_EQ(whole_pages(status.planes.sizes[i % 2]), lseek(fd, 0, SEEK_END));
		inodes[i] = inode_of(fd);
		close(fd);
		for (j = 0; j < i; j++)
			EXPECT_NE(inodes[j], inodes[i]);
	}
	/* The last one has a name, which leads to its frame, its plane and its creator. */
	fd = export_plane(allocator, FRAMES - 1, 1);
	dmabuf_name(expected, allocator, FRAMES - 1, 1);
	ASSERT_TRUE(fdinfo_value(fd, "name", text, sizeof(text)));
	EXPECT_STREQ(expected, text);
	close(fd);
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		EXPECT_EQ(-EINVAL, export_plane(allocator, 0, wrong[i]));
	EXPECT_EQ(-EINVAL, export_plane(allocator, FRAMES, 1));

	ASSERT_TRUE(fdinfo_value(allocator, "planes", text, sizeof(text)));
	EXPECT_STREQ("2", text);
	snprintf(expected, sizeof(expected), "%u\t%u", status.planes.sizes[0],
		 status.planes.sizes[1]);
	ASSERT_TRUE(fdinfo_value(allocator, "plane_sizes", text, sizeof(text)));
	EXPECT_STREQ(expected, text);

	close(allocator);
	ASSERT_EQ(0, set_allocator(self->rig.connection, -1));
	EXPECT_FOOTPRINT(&self->before);
}

/* I2, I3: a device fills all planes of frames from a heap, in all formats. */
TEST_F(planes, heap)
{
	static const __u32 formats[] = {
		V4L2_PIX_FMT_NV12M, V4L2_PIX_FMT_NV16M, V4L2_PIX_FMT_NV61M,
		V4L2_PIX_FMT_YUV420M, V4L2_PIX_FMT_YUV444M,
	};
	unsigned int i;

	need_heap();
	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		set_multi(self->rig.video, formats[i], &self->format);
		ASSERT_EQ(0, get_framing(self->rig.connection, &self->rig.framing));
		rig_allocator(&self->rig, FRAMES);
		expect_stream(self);
		close(self->rig.allocator);
		ASSERT_EQ(0, set_allocator(self->rig.connection, -1));
	}
	EXPECT_FOOTPRINT(&self->before);
}

/* A9: the same with the device's own memory, twice. The device is free after that. */
TEST_F(planes, own_memory)
{
	struct v4l2_requestbuffers request = {
		.count = 2,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
		.memory = V4L2_MEMORY_MMAP,
	};

	rig_own_allocator(&self->rig, FRAMES);
	expect_stream(self);
	expect_stream(self);
	EXPECT_EQ(-EBUSY, call_fd(self->rig.video, VIDIOC_REQBUFS, &request));
	close(self->rig.allocator);
	ASSERT_EQ(0, set_allocator(self->rig.connection, -1));
	EXPECT_FOOTPRINT(&self->before);
	EXPECT_EQ(0, call_fd(self->rig.video, VIDIOC_REQBUFS, &request));
}

/* A9, B6: another device imports the planes of the device's own memory. */
TEST_F(planes, own_memory_of_another)
{
	struct planes_fixture other = *self;

	rig_own_allocator(&self->rig, FRAMES);
	other.rig.video = open_camera(1);
	set_multi(other.rig.video, V4L2_PIX_FMT_NV12M, NULL);
	other.rig.connection = do_connect(self->rig.ksalloc, other.rig.video);
	ASSERT_LE(0, other.rig.connection);
	other.rig.allocator = self->rig.allocator;
	ASSERT_EQ(0, set_allocator(other.rig.connection, other.rig.allocator));
	expect_stream(&other);
}

/*
 * A4, B6: a descriptor stands for one plane, so it is neither accepted nor returned for frames
 * with several. Nothing changes, and no descriptor is leaked.
 */
TEST_F(planes, no_descriptors)
{
	struct ksalloc_alloc arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_NONBLOCK | KSALLOC_ALLOC_DMABUF,
	};
	int fds, plane, dmabuf;

	need_heap();
	rig_allocator(&self->rig, FRAMES);
	fds = count_fds();
	EXPECT_EQ(-EOPNOTSUPP, call_fd(self->rig.allocator, KSALLOC_ALLOC, &arg));
	arg.flags = KSALLOC_ALLOC_DMABUF;
	EXPECT_EQ(-EOPNOTSUPP, call_fd(self->rig.allocator, KSALLOC_ALLOC, &arg));
	EXPECT_EQ(fds, count_fds());
	EXPECT_EQ(0, allocated(self->rig.allocator));

	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, alloc_now(self->rig.allocator));
	for (plane = 0; plane < 2; plane++) {
		dmabuf = export_plane(self->rig.allocator, 0, plane);
		ASSERT_LE(0, dmabuf);
		EXPECT_EQ(-EINVAL, submit_fd(self->rig.connection, 0, dmabuf));
		close(dmabuf);
	}
	EXPECT_EQ(-EINVAL, submit_fd(self->rig.connection, 0, -2));
	EXPECT_EQ(0, in_device(self->rig.allocator));
	EXPECT_EQ(0, submit(self->rig.connection, 0));
}

static int from_heap(int heap, size_t size)
{
	struct dma_heap_allocation_data data = {
		.len = size,
		.fd_flags = O_RDWR | O_CLOEXEC,
	};

	ASSERT_EQ(0, call_fd(heap, DMA_HEAP_IOCTL_ALLOC, &data));
	return data.fd;
}

static int import(int connection, const int *dmabufs, unsigned int count)
{
	struct ksalloc_create_allocator arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_IMPORT,
		.heap_fd = -1,
		.nr_dmabufs = count,
		.framing.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.dmabufs = (uintptr_t)dmabufs,
	};

	return call_fd(connection, KSALLOC_CREATE_ALLOCATOR, &arg);
}

static void import_prepare(struct planes_fixture *self, int *dmabufs)
{
	int i;

	need_heap();
	for (i = 0; i < 2 * FRAMES; i++)
		dmabufs[i] = from_heap(self->rig.heap, self->format.plane_fmt[i % 2].sizeimage);
	footprint_take(&self->before);
}

/* A9: the planes of imported frames are the dma-bufs of the caller: frame by frame. */
TEST_F(planes, import)
{
	int dmabufs[2 * FRAMES], i, fd;
	struct ksalloc_status status = { 0 };

	import_prepare(self, dmabufs);
	self->rig.allocator = import(self->rig.connection, dmabufs, 2 * FRAMES);
	ASSERT_LE(0, self->rig.allocator);
	ASSERT_EQ(0, get_status(self->rig.allocator, &status));
	EXPECT_EQ(FRAMES, status.status.framing.frames);
	for (i = 0; i < 2 * FRAMES; i++) {
		fd = export_plane(self->rig.allocator, i / 2, i % 2);
		EXPECT_EQ(inode_of(dmabufs[i]), inode_of(fd));
		close(fd);
	}
	ASSERT_EQ(0, set_allocator(self->rig.connection, self->rig.allocator));
	expect_stream(self);
	close(self->rig.allocator);
	ASSERT_EQ(0, set_allocator(self->rig.connection, -1));
	EXPECT_FOOTPRINT(&self->before);
}

/* Maps all of a dma-buf and fills it with a byte that no picture has everywhere */
static unsigned char *map_filled(int dmabuf, size_t size)
{
	unsigned char *map = map_frame(dmabuf, size, PROT_READ | PROT_WRITE);

	memset(map, 0x5a, size);
	return map;
}

/* The device knows the size of each plane, although the dma-bufs are larger. */
static void expect_lengths(struct planes_fixture *self, unsigned int index)
{
	struct v4l2_plane planes[VIDEO_MAX_PLANES] = { 0 };
	struct v4l2_buffer buffer = {
		.index = index,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE_MPLANE,
		.length = VIDEO_MAX_PLANES,
		.m.planes = planes,
	};
	unsigned int i;

	ASSERT_EQ(0, call_fd(self->rig.video, VIDIOC_QUERYBUF, &buffer));
	ASSERT_EQ(2, buffer.length);
	for (i = 0; i < 2; i++)
		EXPECT_EQ(whole_pages(self->format.plane_fmt[i].sizeimage), planes[i].length);
}

/* A9: dma-bufs are larger than the planes. The device leaves the rest of each alone. */
TEST_F(planes, import_larger)
{
	int dmabufs[2 * FRAMES];
	unsigned char *maps[2 * FRAMES];
	size_t size[2], at;
	unsigned int i;

	need_heap();
	for (i = 0; i < 2; i++)
		size[i] = whole_pages(self->format.plane_fmt[i].sizeimage);
	for (i = 0; i < 2 * FRAMES; i++) {
		dmabufs[i] = from_heap(self->rig.heap, 3 * size[i % 2]);
		maps[i] = map_filled(dmabufs[i], 3 * size[i % 2]);
	}
	self->rig.allocator = import(self->rig.connection, dmabufs, 2 * FRAMES);
	ASSERT_LE(0, self->rig.allocator);
	ASSERT_EQ(0, set_allocator(self->rig.connection, self->rig.allocator));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	for (i = 0; i < FRAMES; i++)
		expect_lengths(self, i);
	expect_stream(self);
	for (i = 0; i < 2 * FRAMES; i++) {
		for (at = size[i % 2]; at < 3 * size[i % 2] && maps[i][at] == 0x5a; at++)
			;
		EXPECT_EQ(3 * size[i % 2], at);
		munmap(maps[i], 3 * size[i % 2]);
	}
}

#define KTHREADD 2

/* The kernel thread of a device, or one that is kept for the next device; 0 if there is none */
static pid_t device_thread(void)
{
	static const char comm[] = "ksalloc-v4l2\n";
	char name[32];
	pid_t pid = 0;
	glob_t found;
	size_t i;

	ASSERT_EQ(0, glob("/proc/[0-9]*/comm", 0, NULL, &found));
	for (i = 0; i < found.gl_pathc; i++)
		if (read_text(found.gl_pathv[i], name, sizeof(name)) > 0 &&
		    !strncmp(name, comm, strlen(comm) - 1))
			pid = atoi(found.gl_pathv[i] + strlen("/proc/"));
	globfree(&found);
	return pid;
}

/* Limits the descriptors of that thread, and of new kernel threads, which inherit the limit */
static void limit_descriptors(const struct rlimit *limit)
{
	pid_t thread = device_thread();

	ASSERT_EQ(0, prlimit(KTHREADD, RLIMIT_NOFILE, limit, NULL));
	if (thread)
		ASSERT_EQ(0, prlimit(thread, RLIMIT_NOFILE, limit, NULL));
}

/*
 * A4, I1: the kernel thread needs a descriptor for each plane while it passes a frame to the
 * device. If it does not get all, it keeps none. The memory is not the reason.
 */
TEST_F(planes, thread_without_descriptors)
{
	struct rig *rig = &self->rig;
	struct rlimit old, few;

	need_heap();
	rig_allocator(rig, FRAMES);
	ASSERT_EQ(0, prlimit(KTHREADD, RLIMIT_NOFILE, NULL, &old));
	few.rlim_max = old.rlim_max;
	for (few.rlim_cur = 0; few.rlim_cur < 2; few.rlim_cur++) {
		limit_descriptors(&few);
		EXPECT_EQ(-EMFILE, set_state(rig->connection, KSSTATE_ACQUIRE));
		expect_refusal(rig->connection, KSALLOC_REFUSAL_OTHER, 0, -EMFILE);
		EXPECT_EQ(KSSTATE_STOP, get_state(rig->connection));
	}
	limit_descriptors(&few);
	EXPECT_EQ(0, set_state(rig->connection, KSSTATE_ACQUIRE));
	expect_stream(self);
	limit_descriptors(&old);
	close(rig->allocator);
	ASSERT_EQ(0, set_allocator(rig->connection, -1));
	EXPECT_FOOTPRINT(&self->before);
}

static void expect_no_import(struct planes_fixture *self, int expected, const int *dmabufs,
			     unsigned int count)
{
	EXPECT_EQ(expected, import(self->rig.connection, dmabufs, count));
	EXPECT_FOOTPRINT(&self->before);
}

/*
 * A4, A9: each plane of each frame has its own dma-buf, which is large enough. Otherwise
 * nothing is kept.
 */
TEST_F(planes, import_refused)
{
	int dmabufs[2 * FRAMES], copy[2 * FRAMES], i;

	import_prepare(self, dmabufs);
	/* A frame without its second plane */
	expect_no_import(self, -EINVAL, dmabufs, 2 * FRAMES - 1);
	expect_no_import(self, -EINVAL, dmabufs, 1);
	/* Fewer frames than the device needs */
	expect_no_import(self, -EINVAL, dmabufs, 2);
	expect_no_import(self, -E2BIG, dmabufs, 2 * KSALLOC_MAX_FRAMES + 1);
	expect_no_import(self, -E2BIG, dmabufs, ~0U);
	/* The same dma-buf for both planes of a frame, or for planes of two frames */
	for (i = 0; i < 2 * FRAMES - 1; i++) {
		memcpy(copy, dmabufs, sizeof(copy));
		copy[2 * FRAMES - 1] = copy[i];
		expect_no_import(self, -EINVAL, copy, 2 * FRAMES);
	}
	/* The second plane is smaller than the first one. */
	memcpy(copy, dmabufs, sizeof(copy));
	copy[2] = dmabufs[3];
	copy[3] = dmabufs[2];
	expect_no_import(self, -EINVAL, copy, 2 * FRAMES);
	copy[2] = dmabufs[2];
	copy[3] = -1;
	expect_no_import(self, -EBADF, copy, 2 * FRAMES);
	copy[3] = self->rig.video;
	expect_no_import(self, -EINVAL, copy, 2 * FRAMES);
}

/* D5: frames with another number of planes cannot be assigned, even if they are large. */
TEST_F(planes, another_number)
{
	struct rig *rig = &self->rig;
	int two, one;

	need_heap();
	rig_allocator(rig, FRAMES);
	two = rig->allocator;
	set_multi(rig->video, V4L2_PIX_FMT_YUYV, NULL);
	one = create_allocator(rig->connection, rig->heap, FRAMES, 1 << 20);
	ASSERT_LE(0, one);
	/* The format has changed after the assignment. */
	EXPECT_EQ(-EINVAL, set_state(rig->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(-EINVAL, set_allocator(rig->connection, two));
	EXPECT_EQ(0, set_allocator(rig->connection, one));

	set_multi(rig->video, V4L2_PIX_FMT_NV12M, NULL);
	EXPECT_EQ(-EINVAL, set_state(rig->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(-EINVAL, set_allocator(rig->connection, one));
	EXPECT_EQ(0, set_allocator(rig->connection, two));
	EXPECT_EQ(0, set_state(rig->connection, KSSTATE_ACQUIRE));
}

/*
 * A8, D5: larger frames have planes of the same proportions. They are too small for a format
 * that needs a larger plane, although the frame is large enough.
 */
TEST_F(planes, larger)
{
	struct rig *rig = &self->rig;
	struct ksallocator_framing framing = {
		.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.frames = FRAMES,
	};
	struct v4l2_pix_format_mplane nv16;
	struct ksalloc_status status = { 0 };
	int allocator;

	need_heap();
	set_multi(rig->video, V4L2_PIX_FMT_NV16M, &nv16);
	set_multi(rig->video, V4L2_PIX_FMT_NV12M, NULL);
	framing.frame_size = rig->framing.frame_size - 1;
	EXPECT_EQ(-EINVAL, create_framed(rig->connection, rig->heap, &framing));
	framing.frame_size = nv16.plane_fmt[0].sizeimage + nv16.plane_fmt[1].sizeimage;
	allocator = create_framed(rig->connection, rig->heap, &framing);
	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, get_status(allocator, &status));
	EXPECT_EQ(framing.frame_size, status.planes.sizes[0] + status.planes.sizes[1]);
	EXPECT_LE(self->format.plane_fmt[0].sizeimage, status.planes.sizes[0]);
	EXPECT_LE(self->format.plane_fmt[1].sizeimage, status.planes.sizes[1]);
	EXPECT_GT(nv16.plane_fmt[1].sizeimage, status.planes.sizes[1]);
	EXPECT_EQ(0, set_allocator(rig->connection, allocator));
	set_multi(rig->video, V4L2_PIX_FMT_NV16M, NULL);
	EXPECT_EQ(-EINVAL, set_state(rig->connection, KSSTATE_ACQUIRE));
	EXPECT_EQ(-EINVAL, set_allocator(rig->connection, allocator));
}

/* I3: a device stores the data of one plane with an offset. */
TEST_F(planes, offset)
{
	static const __u32 formats[] = { V4L2_PIX_FMT_NV16M, V4L2_PIX_FMT_NV61M };
	struct ksalloc_complete frame = { 0 };
	unsigned int i, j, seen = 0;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		set_multi(self->rig.video, formats[i], &self->format);
		ASSERT_EQ(0, get_framing(self->rig.connection, &self->rig.framing));
		rig_own_allocator(&self->rig, FRAMES);
		ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
		ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
		ASSERT_LE(0, rig_complete(&self->rig, &frame));
		for (j = 0; j < 2; j++) {
			EXPECT_EQ(self->format.plane_fmt[j].sizeimage - PIXELS,
				  frame.planes[j].data_offset);
			EXPECT_EQ(PIXELS, frame.planes[j].data_used);
			if (frame.planes[j].data_offset)
				seen |= 1 << j;
		}
		expect_picture(self, &frame);
		EXPECT_FALSE(frame.header.options_flags &
			     KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY);
		ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
		close(self->rig.allocator);
		ASSERT_EQ(0, set_allocator(self->rig.connection, -1));
	}
	if (seen != 3)
		SKIP("vivid has no offset");
}

/* H3: a fence on any plane keeps the frame, and prevents its submission. */
TEST_F(planes, fences)
{
	struct rig *rig = &self->rig;
	struct fence fence;
	int plane, dmabuf;

	rig_allocator(rig, FRAMES);
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_PAUSE));
	for (plane = 0; plane < 2; plane++) {
		take_all(rig->allocator);
		dmabuf = export_plane(rig->allocator, 1, plane);
		ASSERT_LE(0, dmabuf);
		fence_begin(&fence, dmabuf);
		close(dmabuf);
		EXPECT_EQ(-EBUSY, submit(rig->connection, 1));
		EXPECT_EQ(0, free_frame(rig->allocator, 1));
		EXPECT_EQ(-EAGAIN, alloc_now(rig->allocator));
		fence_signal(&fence);
		EXPECT_TRUE(EVENTUALLY(alloc_now(rig->allocator) == 1));
		EXPECT_EQ(0, free_frame(rig->allocator, 0));
		EXPECT_EQ(0, free_frame(rig->allocator, 1));
		EXPECT_EQ(0, free_frame(rig->allocator, 2));
	}
}

/*
 * B6: a structure of the first version of the ABI has no fields for planes. Such calls work,
 * and write nothing behind it.
 */
TEST_F(planes, short_structures)
{
	struct ksalloc_get_framing framing = {
		.size = offsetof(struct ksalloc_get_framing, planes),
		.planes.count = 77,
	};
	struct ksalloc_status status = {
		.size = offsetof(struct ksalloc_status, planes),
		.planes.count = 77,
	};
	struct ksalloc_complete frame = {
		.size = offsetof(struct ksalloc_complete, nr_planes),
		.deadline_ns = in_ms(PATIENCE_MS),
		.nr_planes = 77,
	};
	struct rig *rig = &self->rig;

	rig_allocator(rig, FRAMES);
	EXPECT_EQ(0, call_fd(rig->connection, KSALLOC_GET_FRAMING, &framing));
	EXPECT_EQ(rig->framing.frame_size, framing.framing.frame_size);
	EXPECT_EQ(77, framing.planes.count);
	EXPECT_EQ(0, call_fd(rig->allocator, KSALLOC_STATUS, &status));
	EXPECT_EQ(77, status.planes.count);
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(rig));
	EXPECT_EQ(0, call_fd(rig->connection, KSALLOC_COMPLETE, &frame));
	EXPECT_EQ(PIXELS * 3 / 2, frame.header.data_used);
	EXPECT_EQ(77, frame.nr_planes);
	/* Only a part of the array: the first plane */
	frame.size = offsetof(struct ksalloc_complete, planes[1]);
	frame.planes[1].data_used = 77;
	EXPECT_EQ(0, call_fd(rig->connection, KSALLOC_COMPLETE, &frame));
	EXPECT_EQ(2, frame.nr_planes);
	EXPECT_EQ(PIXELS, frame.planes[0].data_used);
	EXPECT_EQ(77, frame.planes[1].data_used);
}

/* A8: the limit of memory counts the whole pages of all planes. */
TEST_F(planes, limit)
{
	__u32 bytes = whole_pages(self->format.plane_fmt[0].sizeimage) +
		      whole_pages(self->format.plane_fmt[1].sizeimage);
	struct ksallocator_framing framing = { .options_flags = usual_memory() };
	const char *limit = "/sys/module/ksalloc/parameters/max_mbytes";
	struct rig *rig = &self->rig;
	int allocator;

	footprint_take(&self->before);
	ASSERT_EQ(0, write_text(limit, "1"));
	framing.frames = (1 << 20) / bytes + 1;
	EXPECT_EQ(-ENOMEM, create_framed(rig->connection, rig->heap, &framing));
	framing.frames--;
	allocator = create_framed(rig->connection, rig->heap, &framing);
	EXPECT_LE(0, allocator);
	ASSERT_EQ(0, write_text(limit, "0"));
	close(allocator);
	EXPECT_FOOTPRINT(&self->before);
}

/* D4: the extended framing describes the whole frame. */
TEST_F(planes, extended_framing)
{
	struct {
		struct ksallocator_framing_ex framing;
		struct ks_framing_item items[2];
	} answer = { 0 };
	struct ksalloc_get_framing_ex arg = {
		.size = sizeof(arg),
		.framing = (uintptr_t)&answer,
		.framing_size = sizeof(answer),
	};
	const struct ks_framing_item *item = &answer.items[0];
	struct ksallocator_framing framing = {
		.options_flags = usual_memory(),
		.frames = FRAMES,
	};
	struct rig *rig = &self->rig;
	int allocator;

	ASSERT_EQ(0, call_fd(rig->connection, KSALLOC_GET_FRAMING_EX, &arg));
	ASSERT_LT(0, answer.framing.count_items);
	EXPECT_EQ(rig->framing.frame_size, item->physical_range.min_frame_size);
	EXPECT_LE(whole_pages(rig->framing.frame_size),
		  item->framing_range.range.min_frame_size);
	EXPECT_LT(item->framing_range.range.min_frame_size,
		  item->framing_range.range.max_frame_size);
	/* The sizes in it can be used. */
	framing.frame_size = item->framing_range.range.min_frame_size;
	allocator = create_framed(rig->connection, rig->heap, &framing);
	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, set_allocator(rig->connection, allocator));
	EXPECT_EQ(0, set_state(rig->connection, KSSTATE_ACQUIRE));
}

#define PROGRAM "/tools/bin/ks-capture-static"

static int capture(const char *format, int count, const char *file)
{
	char command[256];

	snprintf(command, sizeof(command),
		 PROGRAM " -q -d %s -s %dx%d -n %d --skip 0 -f %s -o /tmp/planes.%s",
		 node_path("vivid-000-vid-cap"), WIDTH, HEIGHT, count, format, file);
	return system(command);
}

/*
 * ks-capture writes video, raw frames and pictures of formats with several planes. Its own tests
 * compare the pictures.
 */
TEST_F(planes, ks_capture)
{
	static const char * const formats[] = { "NM12", "YM12", "NM16", "YM24" };
	static const unsigned int bytes[] = {
		PIXELS * 3 / 2, PIXELS * 3 / 2, PIXELS * 2, PIXELS * 3,
	};
	static unsigned char video[2 * PIXELS * 3 + 1024], raw[2 * PIXELS * 3 + 1024];
	const unsigned char *picture;
	unsigned int i;
	ssize_t size;
	FILE *file;

	close(self->rig.connection);
	if (access(PROGRAM, X_OK))
		SKIP("no " PROGRAM);
	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		ASSERT_EQ(0, capture(formats[i], 2, "y4m"));
		file = fopen("/tmp/planes.y4m", "r");
		ASSERT_NE(NULL, file);
		size = fread(video, 1, sizeof(video), file);
		fclose(file);
		picture = memmem(video, 256, "\nFRAME\n", 7);
		ASSERT_NE(NULL, picture);
		picture += 7;
		ASSERT_EQ(picture - video + bytes[i] + 6 + bytes[i], size);
		expect_luma(picture);
		expect_chroma(picture + PIXELS, i == 3 ? WIDTH : WIDTH / 2,
			      i < 2 ? HEIGHT / 2 : HEIGHT);

		ASSERT_EQ(0, capture(formats[i], 2, "raw"));
		file = fopen("/tmp/planes.raw", "r");
		ASSERT_NE(NULL, file);
		size = fread(raw, 1, sizeof(raw), file);
		fclose(file);
		EXPECT_EQ(2 * bytes[i], size);
		expect_luma(raw);
		expect_chroma(raw + PIXELS, i == 1 ? WIDTH / 2 : WIDTH,
			      i < 2 ? HEIGHT / 2 : HEIGHT);
		ASSERT_EQ(0, capture(formats[i], 1, "png"));
	}
}
