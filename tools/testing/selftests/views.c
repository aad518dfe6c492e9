// SPDX-License-Identifier: GPL-2.0-only
/*
 * Views: a reader can see frames, and has no way to write to them or to delay others.
 */
#include "attacker.h"
#include "fence.h"
#include "planes.h"
#include "readers.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* A reader with a frame that it has taken, and the frame's view */
FIXTURE(views) {
	struct readers_fixture base;
	struct ksalloc_reader_frame frame;
	int reader, view;
	const unsigned char *map;
};

FIXTURE_SETUP(views)
{
	readers_setup(&self->base);
	self->reader = reader_with_view(self->base.connection, 2, &self->frame, &self->view);
	self->map = map_frame(self->view, FRAME_SIZE, PROT_READ);
}

FIXTURE_TEARDOWN(views)
{
	munmap((void *)self->map, FRAME_SIZE);
	close(self->view);
	close(self->reader);
	readers_teardown(&self->base);
}

/* The memory of the frame, as its owner sees it */
static unsigned char *own_mapping(struct views_fixture *self)
{
	int dmabuf = export_frame(self->base.allocator, self->frame.index);
	void *map;

	ASSERT_LE(0, dmabuf);
	map = map_frame(dmabuf, FRAME_SIZE, PROT_READ | PROT_WRITE);
	close(dmabuf);
	return map;
}

/* A view is the memory of the frame, and the same one each time for a reader. */
TEST_F(views, same_memory)
{
	unsigned char *own = own_mapping(self);
	int other = reader_open(self->base.connection, 1, 0, 0), again, foreign;

	memset(own, 0x5a, FRAME_SIZE);
	EXPECT_EQ(0x5a, self->map[0]);
	memset(own, 0xa5, FRAME_SIZE);
	EXPECT_EQ(0xa5, self->map[FRAME_SIZE - 1]);
	again = reader_export(self->reader, self->frame.index, self->frame.generation);
	EXPECT_EQ(inode_of(self->view), inode_of(again));
	foreign = reader_export(other, self->frame.index, self->frame.generation);
	EXPECT_NE(inode_of(self->view), inode_of(foreign));
	munmap(own, FRAME_SIZE);
	close(again);
	close(foreign);
	close(other);
}

/* K10: the memory outlives the reader, the connection and the allocator. */
TEST_F(views, outlives_all)
{
	struct readers_fixture *base = &self->base;

	close(self->reader);
	self->reader = -1;
	close(base->rig.connection);
	base->rig.connection = -1;
	close(base->rig.allocator);
	base->rig.allocator = -1;
	EXPECT_LE(0, self->map[FRAME_SIZE - 1]);
}

/* K5: mmap() and mprotect() */
TEST_F(views, no_writable_mapping)
{
	void *map;

	EXPECT_TRUE(mmap(NULL, FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			 self->view, 0) == MAP_FAILED);
	EXPECT_EQ(EACCES, errno);
	EXPECT_TRUE(mmap(NULL, FRAME_SIZE, PROT_WRITE, MAP_SHARED, self->view, 0) ==
		    MAP_FAILED);
	EXPECT_TRUE(mmap(NULL, FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE,
			 self->view, 0) == MAP_FAILED);
	EXPECT_EQ(-EACCES, make_writable(self->map, FRAME_SIZE));
	map = mmap(NULL, FRAME_SIZE, PROT_READ, MAP_PRIVATE, self->view, 0);
	if (map != MAP_FAILED) {
		EXPECT_EQ(-EACCES, make_writable(map, FRAME_SIZE));
		munmap(map, FRAME_SIZE);
	}
}

/*
 * K5: the same for a private mapping of the camera's own memory. Heaps refuse private mappings
 * themselves.
 */
TEST_F(views, no_private_copy)
{
	struct ksalloc_reader_frame frame = { };
	const int connection = self->base.connection;
	int own, reader, view;
	void *map;

	/* As in readers.returned_at_once */
	need_heap();
	ASSERT_EQ(0, set_state(connection, KSSTATE_STOP));
	own = create_own(connection, FRAMES, 0);
	ASSERT_LE(0, own);
	ASSERT_EQ(0, set_allocator(connection, own));
	ASSERT_EQ(0, circulate(connection, KSSTATE_RUN));
	reader = reader_with_view(connection, 1, &frame, &view);

	EXPECT_TRUE(mmap(NULL, FRAME_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, view, 0) ==
		    MAP_FAILED);
	EXPECT_EQ(EACCES, errno);
	map = mmap(NULL, FRAME_SIZE, PROT_READ, MAP_PRIVATE, view, 0);
	ASSERT_TRUE(map != MAP_FAILED);
	EXPECT_EQ(-EACCES, make_writable(map, FRAME_SIZE));
	munmap(map, FRAME_SIZE);
	close(view);
	close(reader);
	close(own);
}

/* K5: remap_file_pages() makes a mapping of the file that is in the first one. */
TEST_F(views, no_remapping)
{
	syscall(SYS_remap_file_pages, self->map, FRAME_SIZE, 0, 0, 0);
	EXPECT_EQ(-EACCES, make_writable(self->map, FRAME_SIZE));
}

static void *moved(void *map)
{
	return mremap(map, FRAME_SIZE, FRAME_SIZE + sysconf(_SC_PAGESIZE),
		      MREMAP_MAYMOVE);
}

/* K5: mremap() neither grows a mapping nor makes it writable. */
TEST_F(views, no_larger_mapping)
{
	EXPECT_TRUE(moved((void *)self->map) == MAP_FAILED);
	EXPECT_EQ(-EACCES, make_writable(self->map, FRAME_SIZE));
	EXPECT_TRUE(mmap(NULL, 2 * FRAME_SIZE, PROT_READ, MAP_SHARED, self->view, 0) ==
		    MAP_FAILED);
}

/*
 * K6: of an imported dma-buf that is larger than a frame, the rest does not belong to the frame,
 * and cannot be mapped.
 */
TEST(view_of_larger_dmabuf)
{
	const long bytes = (FRAME_SIZE + getpagesize() - 1) / getpagesize() * getpagesize();
	struct ksalloc_reader_frame frame = { };
	int dmabufs[FRAMES], reader, view, i;
	struct rig rig;

	rig_open(&rig, 0, WIDTH, HEIGHT);
	for (i = 0; i < FRAMES; i++)
		dmabufs[i] = from_udmabuf(2 * bytes);
	rig.allocator = import_dmabufs(rig.connection, dmabufs, FRAMES);
	ASSERT_LE(0, rig.allocator);
	ASSERT_EQ(0, set_allocator(rig.connection, rig.allocator));
	ASSERT_EQ(0, circulate(rig.connection, KSSTATE_RUN));
	reader = reader_with_view(rig.connection, 2, &frame, &view);
	EXPECT_EQ(bytes, lseek(view, 0, SEEK_END));
	EXPECT_TRUE(mmap(NULL, 2 * bytes, PROT_READ, MAP_SHARED, view, 0) == MAP_FAILED);
	EXPECT_EQ(EINVAL, errno);
	EXPECT_TRUE(mmap(NULL, bytes, PROT_READ, MAP_SHARED, view, bytes) == MAP_FAILED);
	close(view);
	close(reader);
	for (i = 0; i < FRAMES; i++)
		close(dmabufs[i]);
	rig_close(&rig);
}

/* K5: the file cannot be opened again for writing. */
TEST_F(views, no_second_file)
{
	char path[64];
	int fd;

	EXPECT_EQ(O_RDONLY, fcntl(self->view, F_GETFL) & O_ACCMODE);
	fcntl(self->view, F_SETFL, O_RDWR);
	EXPECT_EQ(O_RDONLY, fcntl(self->view, F_GETFL) & O_ACCMODE);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->view);
	fd = open(path, O_RDWR);
	EXPECT_GT(0, fd);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
		 (long)self->map, (long)self->map + FRAME_SIZE);
	fd = open(path, O_RDWR);
	EXPECT_GT(0, fd);
}

/* K5: other ways to write to the memory of a process */
TEST_F(views, no_forced_write)
{
	const unsigned char before = self->map[0];
	unsigned char byte = ~before;
	struct iovec local = { &byte, 1 }, remote = { (void *)self->map, 1 };
	int mem = open("/proc/self/mem", O_RDWR);

	ASSERT_LE(0, mem);
	EXPECT_GT(1, pwrite(mem, &byte, 1, (off_t)(uintptr_t)self->map));
	EXPECT_GT(1, process_vm_writev(getpid(), &local, 1, &remote, 1, 0));
	EXPECT_GT(1, pread(self->view, (void *)self->map, 1, 0));
	write_by_tracer((unsigned char *)self->map);
	EXPECT_EQ(before, self->map[0]);
	close(mem);
}

/* K5: the camera cannot be made to capture into a view, by its import of dma-bufs. */
TEST_F(views, no_capture)
{
	struct v4l2_requestbuffers request = {
		.count = 2,
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
	};
	struct v4l2_buffer buffer = {
		.type = V4L2_BUF_TYPE_VIDEO_CAPTURE,
		.memory = V4L2_MEMORY_DMABUF,
		.m.fd = self->view,
	};
	int video = open_camera(1);

	ASSERT_LE(0, video);
	ASSERT_EQ(0, set_format(video, WIDTH, HEIGHT));
	ASSERT_EQ(0, ioctl(video, VIDIOC_REQBUFS, &request));
	EXPECT_EQ(-1, ioctl(video, VIDIOC_QBUF, &buffer));
	EXPECT_EQ(-1, ioctl(video, VIDIOC_PREPARE_BUF, &buffer));
	close(video);
}

/* K5: nor can an allocator be made of it. */
TEST_F(views, no_import)
{
	int video = open_camera(1), connection, views[3], i;

	ASSERT_LE(0, video);
	ASSERT_EQ(0, set_format(video, WIDTH, HEIGHT));
	connection = do_connect(self->base.rig.ksalloc, video);
	ASSERT_LE(0, connection);
	for (i = 0; i < 3; i++)
		views[i] = reader_export(self->reader, i, self->frame.generation);
	EXPECT_EQ(-EACCES, import_dmabufs(connection, views, 3));
	for (i = 0; i < 3; i++)
		close(views[i]);
	close(connection);
	close(video);
}

static int sync_view(int view, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags };

	return ioctl(view, DMA_BUF_IOCTL_SYNC, &sync) ? -errno : 0;
}

/*
 * K2: a fence that a reader adds to its view, as a device that reads or writes, does not keep the
 * frame from the camera.
 */
TEST_F(views, no_fence)
{
	static const __u32 uses[] = { DMA_BUF_SYNC_READ, DMA_BUF_SYNC_WRITE };
	struct ksalloc_reader_frame frame = self->frame;
	struct fence fence;
	int file = fence_create(&fence), i;
	unsigned int use;

	for (use = 0; use < ARRAY_SIZE(uses); use++) {
		fence_import(file, self->view, uses[use]);
		for (i = 0; i < 4 * FRAMES; i++) {
			ASSERT_EQ(1, turn(self->reader, &frame));
			if (frame.index == self->frame.index)
				break;
		}
		EXPECT_EQ(self->frame.index, frame.index);
	}
	/* The fence of vgem was not signalled by itself meanwhile */
	EXPECT_EQ(0, poll_fd(self->view, POLLIN | POLLOUT, 0));
	fence_signal(&fence);
	EXPECT_EQ(POLLIN | POLLOUT, poll_fd(self->view, POLLIN | POLLOUT, PATIENCE_MS));
	close(file);
}

/* K5: access by the processor is announced for reading only. */
TEST_F(views, sync)
{
	EXPECT_EQ(0, sync_view(self->view, DMA_BUF_SYNC_START | DMA_BUF_SYNC_READ));
	EXPECT_EQ(0, sync_view(self->view, DMA_BUF_SYNC_END | DMA_BUF_SYNC_READ));
	EXPECT_EQ(-EACCES, sync_view(self->view, DMA_BUF_SYNC_START | DMA_BUF_SYNC_WRITE));
	EXPECT_EQ(-EACCES, sync_view(self->view, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW));
	EXPECT_EQ(-EACCES, sync_view(self->view, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW));
}

/* The same with a multi-planar camera, whose frames have two planes */
FIXTURE(plane_views) {
	struct rig rig;
	struct v4l2_pix_format_mplane format;
	struct ksalloc_reader_frame frame;
	int reader;
};

FIXTURE_SETUP(plane_views)
{
	struct rig *rig = &self->rig;

	planes_open(rig, &self->format);
	rig_allocator(rig, FRAMES);
	ASSERT_EQ(0, circulate(rig->connection, KSSTATE_RUN));
	self->reader = reader_open(rig->connection, 2, 0, 0);
	ASSERT_LE(0, self->reader);
	ASSERT_EQ(1, take(self->reader, &self->frame));
}

FIXTURE_TEARDOWN(plane_views)
{
	(void)self;
	planes_close();
}

static int export_view(const struct plane_views_fixture *self, unsigned int plane)
{
	struct ksalloc_reader_export arg = {
		.size = sizeof(arg),
		.index = self->frame.index,
		.plane = plane,
		.generation = self->frame.generation,
	};

	return call_fd(self->reader, KSALLOC_READER_EXPORT, &arg);
}

/* Both are all bytes of one plane */
static void expect_same_memory(int view, int own, size_t size)
{
	unsigned char *theirs = map_frame(view, size, PROT_READ);
	unsigned char *ours = map_frame(own, size, PROT_READ | PROT_WRITE);

	EXPECT_EQ(0, memcmp(theirs, ours, size));
	memset(ours, 0x5a, size);
	EXPECT_EQ(0, memcmp(theirs, ours, size));
	munmap(ours, size);
	munmap(theirs, size);
}

/* A view of a plane is the memory of that plane, and of no other. */
TEST_F(plane_views, same_memory)
{
	unsigned long long inodes[2];
	unsigned int i;
	int view, own;
	size_t size;

	ASSERT_EQ(2, self->format.num_planes);
	for (i = 0; i < 2; i++) {
		view = export_view(self, i);
		ASSERT_LE(0, view);
		own = export_plane(self->rig.allocator, self->frame.index, i);
		ASSERT_LE(0, own);
		size = whole_pages(self->format.plane_fmt[i].sizeimage);
		EXPECT_EQ(size, lseek(view, 0, SEEK_END));
		expect_same_memory(view, own, size);
		inodes[i] = inode_of(view);
		EXPECT_NE(inode_of(own), inodes[i]);
		close(own);
		own = export_view(self, i);
		EXPECT_EQ(inodes[i], inode_of(own));
		close(own);
		close(view);
	}
	EXPECT_NE(inodes[0], inodes[1]);
	EXPECT_EQ(-EINVAL, export_view(self, 2));
}
