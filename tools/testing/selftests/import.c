// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocators of dma-bufs that the caller provides (KSALLOC_IMPORT): from a heap, from udmabuf,
 * from another camera.
 */
#include "fence.h"
#include "node.h"
#include "pin.h"

#include <fcntl.h>
#include <linux/dma-heap.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FRAMES 4
#define WIDTH 320
#define HEIGHT 180
#define FRAME_SIZE (WIDTH * HEIGHT * 2)
/* A line below the text of vivid, near its white and its black end */
#define WHITE ((HEIGHT - 8) * WIDTH * 2 + 16)
#define BLACK ((HEIGHT - 7) * WIDTH * 2 - 16)

FIXTURE(import) {
	struct rig rig;
	int dmabufs[FRAMES];
	struct footprint before;
};

static int from_heap(size_t size, unsigned int mode)
{
	int heap = open_heap();
	struct dma_heap_allocation_data data = {
		.len = size,
		.fd_flags = mode | O_CLOEXEC,
	};

	ASSERT_EQ(0, call_fd(heap, DMA_HEAP_IOCTL_ALLOC, &data));
	close(heap);
	return data.fd;
}

static void fill_dmabufs(struct import_fixture *self, bool heap)
{
	int i;

	for (i = 0; i < FRAMES; i++)
		self->dmabufs[i] = heap ? from_heap(FRAME_SIZE, O_RDWR) :
					  from_udmabuf(FRAME_SIZE);
}

static void close_dmabufs(struct import_fixture *self)
{
	int i;

	for (i = 0; i < FRAMES; i++)
		close(self->dmabufs[i]);
}

FIXTURE_SETUP(import)
{
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	fill_dmabufs(self, false);
	footprint_take(&self->before);
}

FIXTURE_TEARDOWN(import)
{
	rig_close(&self->rig);
	close_dmabufs(self);
}

static int import(struct import_fixture *self, const int *dmabufs, unsigned int count)
{
	return import_dmabufs(self->rig.connection, dmabufs, count);
}

/* The call fails, and keeps no descriptor or memory. */
static void expect_refused(struct import_fixture *self, int expected, const int *dmabufs,
			   unsigned int count)
{
	EXPECT_EQ(expected, import(self, dmabufs, count));
	EXPECT_FOOTPRINT(&self->before);
}

/* Captures into the allocator, and finds the pictures in mappings of @dmabufs. */
static void expect_pictures(struct import_fixture *self, int allocator, const int *dmabufs)
{
	struct rig *rig = &self->rig;
	const unsigned char *maps[FRAMES];
	unsigned int i, j;

	for (i = 0; i < FRAMES; i++) {
		maps[i] = map_frame(dmabufs[i], FRAME_SIZE, PROT_READ | PROT_WRITE);
		memset((void *)maps[i], 0, FRAME_SIZE);
	}
	rig->allocator = allocator;
	ASSERT_EQ(0, set_allocator(rig->connection, allocator));
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(rig));
	for (i = 0; i < FRAMES; i++) {
		int index = rig_complete(rig, NULL);

		ASSERT_LE(0, index);
		for (j = 0; j < FRAME_SIZE && maps[index][j] == 0; j++)
			;
		EXPECT_LT(j, FRAME_SIZE);
	}
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_STOP));
	for (i = 0; i < FRAMES; i++)
		munmap((void *)maps[i], FRAME_SIZE);
}

/* A9: frames are the dma-bufs of the caller, in the same order. */
TEST_F(import, frames_are_dmabufs)
{
	int allocator = import(self, self->dmabufs, FRAMES), i, fd;
	struct ksalloc_status status = {};

	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, get_status(allocator, &status));
	EXPECT_EQ(FRAMES, status.status.framing.frames);
	EXPECT_EQ(FRAME_SIZE, status.status.framing.frame_size);
	for (i = 0; i < FRAMES; i++) {
		fd = export_frame(allocator, i);
		EXPECT_EQ(inode_of(self->dmabufs[i]), inode_of(fd));
		close(fd);
	}
	expect_pictures(self, allocator, self->dmabufs);
	close(allocator);
}

/* A9: the same with memory of a heap */
TEST_F(import, heap)
{
	int allocator;

	need_heap();
	close_dmabufs(self);
	fill_dmabufs(self, true);
	allocator = import(self, self->dmabufs, FRAMES);
	ASSERT_LE(0, allocator);
	expect_pictures(self, allocator, self->dmabufs);
	close(allocator);
}

/* Makes @self->dmabufs buffers of a camera, which are then not in its queue any more */
static void export_buffers(struct import_fixture *self, unsigned int camera)
{
	int video = open_camera(camera), i;

	ASSERT_EQ(0, set_format(video, WIDTH, HEIGHT));
	ASSERT_EQ(FRAMES, request_buffers(video, FRAMES));
	close_dmabufs(self);
	for (i = 0; i < FRAMES; i++) {
		self->dmabufs[i] = export_buffer(video, i, O_RDWR | O_CLOEXEC);
		ASSERT_LE(0, self->dmabufs[i]);
	}
	close(video);
}

/* A9: the same with memory of a DRM device, which is freed there */
TEST_F(import, drm)
{
	int drm = open_vgem(), allocator, i;

	close_dmabufs(self);
	for (i = 0; i < FRAMES; i++)
		self->dmabufs[i] = vgem_alloc(drm, WIDTH, HEIGHT);
	close(drm);
	allocator = import(self, self->dmabufs, FRAMES);
	ASSERT_LE(0, allocator);
	expect_pictures(self, allocator, self->dmabufs);
	close(allocator);
}

/* A9: the same with the buffers of another camera */
TEST_F(import, buffers_of_another_camera)
{
	int allocator;

	export_buffers(self, 1);
	allocator = import(self, self->dmabufs, FRAMES);
	ASSERT_LE(0, allocator);
	expect_pictures(self, allocator, self->dmabufs);
	close(allocator);
}

/* A5: the allocator has its own references, so the caller can close the descriptors. */
TEST_F(import, descriptors_are_closed)
{
	int copies[FRAMES], allocator, i;

	for (i = 0; i < FRAMES; i++)
		copies[i] = dup(self->dmabufs[i]);
	allocator = import(self, copies, FRAMES);
	ASSERT_LE(0, allocator);
	for (i = 0; i < FRAMES; i++)
		close(copies[i]);
	expect_pictures(self, allocator, self->dmabufs);
	self->rig.allocator = 0;
	close(allocator);
	ASSERT_EQ(0, set_allocator(self->rig.connection, -1));
	EXPECT_FOOTPRINT(&self->before);
}

/* A9: frames do not share memory. */
TEST_F(import, same_twice)
{
	int dmabufs[FRAMES];

	memcpy(dmabufs, self->dmabufs, sizeof(dmabufs));
	dmabufs[FRAMES - 1] = dmabufs[0];
	expect_refused(self, -EINVAL, dmabufs, FRAMES);
	/* Another descriptor of the same dma-buf */
	dmabufs[FRAMES - 1] = dup(dmabufs[0]);
	footprint_take(&self->before);
	expect_refused(self, -EINVAL, dmabufs, FRAMES);
	close(dmabufs[FRAMES - 1]);
}

/* A9: there is one dma-buf for each frame, and not fewer than the device needs. */
TEST_F(import, count)
{
	struct ksalloc_create_allocator arg = import_of(self->dmabufs, FRAMES);

	expect_refused(self, -EINVAL, self->dmabufs, 0);
	expect_refused(self, -EINVAL, self->dmabufs, 1);
	expect_refused(self, -E2BIG, self->dmabufs, KSALLOC_MAX_FRAMES + 1);
	expect_refused(self, -E2BIG, self->dmabufs, ~0U);

	arg.framing.frames = FRAMES - 1;
	EXPECT_EQ(-EINVAL, call_fd(self->rig.connection, KSALLOC_CREATE_ALLOCATOR, &arg));
	arg.framing.frames = FRAMES + 1;
	EXPECT_EQ(-EINVAL, call_fd(self->rig.connection, KSALLOC_CREATE_ALLOCATOR, &arg));
	EXPECT_FOOTPRINT(&self->before);
}

/* A9: each dma-buf is at least as large as a frame. */
TEST_F(import, too_small)
{
	int dmabufs[FRAMES];
	struct ksalloc_create_allocator arg = import_of(self->dmabufs, FRAMES);

	memcpy(dmabufs, self->dmabufs, sizeof(dmabufs));
	dmabufs[FRAMES - 1] = from_udmabuf(FRAME_SIZE - getpagesize());
	footprint_take(&self->before);
	expect_refused(self, -EINVAL, dmabufs, FRAMES);
	close(dmabufs[FRAMES - 1]);

	footprint_take(&self->before);
	arg.framing.frame_size = whole_pages(FRAME_SIZE) + 1;
	EXPECT_EQ(-EINVAL, call_fd(self->rig.connection, KSALLOC_CREATE_ALLOCATOR, &arg));
	EXPECT_FOOTPRINT(&self->before);
}

/* A5: descriptors that are not open, or of something else, and bad addresses */
TEST_F(import, not_dmabufs)
{
	int dmabufs[FRAMES], page = getpagesize(), *edge;

	memcpy(dmabufs, self->dmabufs, sizeof(dmabufs));
	dmabufs[FRAMES - 1] = -1;
	expect_refused(self, -EBADF, dmabufs, FRAMES);
	dmabufs[FRAMES - 1] = self->rig.video;
	expect_refused(self, -EINVAL, dmabufs, FRAMES);
	expect_refused(self, -EFAULT, NULL, FRAMES);
	/* The last descriptor is not in readable memory */
	edge = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, edge);
	ASSERT_EQ(0, mprotect((char *)edge + page, page, PROT_NONE));
	edge += page / sizeof(*edge) - (FRAMES - 1);
	memcpy(edge, dmabufs, (FRAMES - 1) * sizeof(*edge));
	expect_refused(self, -EFAULT, edge, FRAMES);
}

/* A5: a dma-buf that the caller cannot write to */
TEST_F(import, read_only)
{
	int dmabufs[FRAMES];

	need_heap();
	memcpy(dmabufs, self->dmabufs, sizeof(dmabufs));
	dmabufs[1] = from_heap(FRAME_SIZE, O_RDONLY);
	footprint_take(&self->before);
	expect_refused(self, -EACCES, dmabufs, FRAMES);
	close(dmabufs[1]);
}

/* A4: KSALLOC_IMPORT with a heap or without SYSTEM_MEMORY, and its fields without the flag */
TEST_F(import, fields_fit_the_flag)
{
	struct ksalloc_create_allocator arg = import_of(self->dmabufs, FRAMES);
	int connection = self->rig.connection;

	arg.heap_fd = self->rig.video;
	EXPECT_EQ(-EINVAL, call_fd(connection, KSALLOC_CREATE_ALLOCATOR, &arg));
	arg = import_of(self->dmabufs, FRAMES);
	arg.framing.options_flags = 0;
	EXPECT_EQ(-EINVAL, call_fd(connection, KSALLOC_CREATE_ALLOCATOR, &arg));
	arg = import_of(NULL, 1);
	arg.flags = 0;
	EXPECT_EQ(-EINVAL, call_fd(connection, KSALLOC_CREATE_ALLOCATOR, &arg));
	arg = import_of(self->dmabufs, 0);
	arg.flags = 0;
	EXPECT_EQ(-EINVAL, call_fd(connection, KSALLOC_CREATE_ALLOCATOR, &arg));
	EXPECT_FOOTPRINT(&self->before);
}

/* A9: max_mbytes also limits imported memory: the whole dma-bufs, not only the frames. */
TEST_F(import, limit)
{
	int i;

	ASSERT_EQ(0, write_text("/sys/module/ksalloc/parameters/max_mbytes", "1"));
	EXPECT_LE(0, close(import(self, self->dmabufs, FRAMES)));
	ASSERT_EQ(0, set_format(self->rig.video, 2 * WIDTH, 2 * HEIGHT));
	expect_refused(self, -ENOMEM, self->dmabufs, FRAMES);

	ASSERT_EQ(0, set_format(self->rig.video, WIDTH, HEIGHT));
	close_dmabufs(self);
	for (i = 0; i < FRAMES; i++)
		self->dmabufs[i] = from_udmabuf(1 << 20);
	footprint_take(&self->before);
	expect_refused(self, -ENOMEM, self->dmabufs, FRAMES);
	ASSERT_EQ(0, write_text("/sys/module/ksalloc/parameters/max_mbytes", "4"));
	EXPECT_LE(0, close(import(self, self->dmabufs, FRAMES)));
	ASSERT_EQ(0, write_text("/sys/module/ksalloc/parameters/max_mbytes", "0"));
}

/*
 * A9: the same with the device's own buffers. While they are the buffers of its queue, it is busy;
 * after that, their dma-bufs are memory as any other.
 */
TEST_F(import, own_buffers)
{
	int own = create_own(self->rig.connection, FRAMES, 0), allocator, i;

	ASSERT_LE(0, own);
	close_dmabufs(self);
	for (i = 0; i < FRAMES; i++) {
		self->dmabufs[i] = export_frame(own, i);
		ASSERT_LE(0, self->dmabufs[i]);
	}
	allocator = import(self, self->dmabufs, FRAMES);
	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, set_allocator(self->rig.connection, allocator));
	EXPECT_EQ(-EBUSY, set_state(self->rig.connection, KSSTATE_ACQUIRE));
	close(own);
	expect_pictures(self, allocator, self->dmabufs);
	close(allocator);
}

/* A9, I6: the device that a dma-buf is from disappears, while another one writes into it. */
TEST_F(import, exporter_disappears)
{
	struct rig *rig = &self->rig;
	int allocator, i;

	export_buffers(self, 1);
	allocator = import(self, self->dmabufs, FRAMES);
	ASSERT_LE(0, allocator);
	ASSERT_EQ(0, set_allocator(rig->connection, allocator));
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_RUN));
	rig->allocator = allocator;
	ASSERT_EQ(FRAMES, rig_submit_all(rig));
	rig_turn(rig, NULL);
	/* Both cameras are one device for the driver core */
	vivid_unbind();
	EXPECT_TRUE(EVENTUALLY(in_device(allocator) == 0));
	for (i = 0; i < FRAMES; i++) {
		unsigned char *map = map_frame(self->dmabufs[i], FRAME_SIZE,
					       PROT_READ | PROT_WRITE);

		memset(map, i, FRAME_SIZE);
		munmap(map, FRAME_SIZE);
	}
	/* The allocator stays open */
	rig->allocator = 0;
	rig_close(rig);
	vivid_bind();
	rig_open(rig, 0, WIDTH, HEIGHT);
	expect_pictures(self, allocator, self->dmabufs);
	close(allocator);
}

/* A4, A9: if the camera has disappeared, no allocator is made, and no reference is left. */
TEST_F(import, camera_disappears)
{
	struct footprint before;

	footprint_take(&before);
	vivid_unbind();
	EXPECT_EQ(-ENODEV, import(self, self->dmabufs, FRAMES));
	EXPECT_FOOTPRINT(&before);
	vivid_bind();
	EXPECT_EQ(-ENODEV, import(self, self->dmabufs, FRAMES));
}

/* A9: who has the memory of a dma-buf cannot take it away from the device. */
TEST_F(import, memory_is_removed)
{
	int memfd = memfd_create("frames", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const __u32 bytes = whole_pages(FRAME_SIZE);
	int allocator, i;

	ASSERT_EQ(0, ftruncate(memfd, FRAMES * bytes));
	ASSERT_EQ(0, fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	close_dmabufs(self);
	for (i = 0; i < FRAMES; i++)
		self->dmabufs[i] = from_memfd(memfd, i * bytes, bytes);
	allocator = import(self, self->dmabufs, FRAMES);
	ASSERT_LE(0, allocator);
	EXPECT_EQ(-1, ftruncate(memfd, 0));
	EXPECT_EQ(0, fallocate(memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
			       FRAMES * bytes));
	close(memfd);
	expect_pictures(self, allocator, self->dmabufs);
	close(allocator);
}

/*
 * A9: the kernel can pin a frame in a mapping of its memfd, so a direct write and a send without
 * a copy have the picture. In mappings of dma-bufs of udmabuf and of a heap, it cannot.
 */
TEST_F(import, pinned)
{
	int memfd = memfd_create("frames", MFD_CLOEXEC | MFD_ALLOW_SEALING), index, i;
	const __u32 bytes = whole_pages(FRAME_SIZE);
	const unsigned char *pictures, *picture, *mapped;
	struct rig *rig = &self->rig;

	ASSERT_EQ(0, ftruncate(memfd, FRAMES * bytes));
	ASSERT_EQ(0, fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK));
	close_dmabufs(self);
	for (i = 0; i < FRAMES; i++)
		self->dmabufs[i] = from_memfd(memfd, i * bytes, bytes);
	pictures = map_frame(memfd, FRAMES * bytes, PROT_READ | PROT_WRITE);
	close(memfd);
	memset((void *)pictures, 0x33, FRAMES * bytes);

	rig->allocator = import(self, self->dmabufs, FRAMES);
	ASSERT_LE(0, rig->allocator);
	ASSERT_EQ(0, set_allocator(rig->connection, rig->allocator));
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(rig));
	for (i = 0; i < FRAMES; i++) {
		index = rig_complete(rig, NULL);
		ASSERT_LE(0, index);
		picture = pictures + index * bytes;
		mapped = map_frame(self->dmabufs[index], FRAME_SIZE, PROT_READ | PROT_WRITE);
		EXPECT_LT(150, picture[WHITE]);
		EXPECT_GT(20, picture[BLACK]);
		EXPECT_EQ(0, memcmp(picture, mapped, FRAME_SIZE));
		expect_pinned(0, picture, FRAME_SIZE);
		expect_pinned(-EFAULT, mapped, FRAME_SIZE);
		munmap((void *)mapped, FRAME_SIZE);
	}
	ASSERT_EQ(0, set_state(rig->connection, KSSTATE_STOP));
	munmap((void *)pictures, FRAMES * bytes);

	/* The heap of the test module has memory from vmalloc() */
	if (rig->heap < 0 || !access("/sys/module/ksalloc_test_heap", F_OK))
		return;
	close_dmabufs(self);
	fill_dmabufs(self, true);
	mapped = map_frame(self->dmabufs[0], FRAME_SIZE, PROT_READ | PROT_WRITE);
	expect_pinned(-EFAULT, mapped, FRAME_SIZE);
	munmap((void *)mapped, FRAME_SIZE);
}

struct change {
	int to;
	int files[2];
	atomic_bool stop;
};

/* Replaces a descriptor all the time */
static void *change_forever(void *arg)
{
	struct change *change = arg;
	unsigned int i;

	for (i = 0; !change->stop; i++) {
		dup3(change->files[i % 2], change->to, O_CLOEXEC);
		if (i % 3 == 0)
			close_range(change->to, change->to, 0);
	}
	return NULL;
}

/* A5: a descriptor that changes during the call is the old file, the new one, or neither. */
TEST_F(import, descriptor_changes)
{
	/* A high number, so that no allocator gets it while it is closed */
	struct change change = { .to = fcntl(self->dmabufs[0], F_DUPFD_CLOEXEC, 500) };
	int dmabufs[FRAMES], allocator, i;
	pthread_t thread;

	change.files[0] = self->dmabufs[0];
	change.files[1] = self->rig.video;
	memcpy(dmabufs, self->dmabufs, sizeof(dmabufs));
	dmabufs[0] = change.to;
	ASSERT_EQ(0, pthread_create(&thread, NULL, change_forever, &change));
	for (i = 0; i < 300; i++) {
		allocator = import(self, dmabufs, FRAMES);
		if (allocator >= 0)
			EXPECT_EQ(0, close(allocator));
		else
			EXPECT_TRUE(allocator == -EINVAL || allocator == -EBADF);
	}
	change.stop = true;
	pthread_join(thread, NULL);
	close(change.to);
	EXPECT_FOOTPRINT(&self->before);
}
