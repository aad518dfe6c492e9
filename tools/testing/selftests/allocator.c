// SPDX-License-Identifier: GPL-2.0-only
/*
 * Creation of allocators. frames.c tests their frames.
 */
#include "ksalloc_test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAGE ((unsigned int)getpagesize())
#define FRAMES 4
#define MAX_MBYTES "/sys/module/ksalloc/parameters/max_mbytes"

/* A camera without an allocator, for tests of the creation */
FIXTURE(create) {
	struct rig rig;
	struct footprint before;
	struct ksallocator_framing framing;	/* a valid framing */
};

FIXTURE_SETUP(create)
{
	rig_open(&self->rig, 0, 320, 180);
	self->framing = (struct ksallocator_framing){
		.options_flags = usual_memory(),
		.frames = FRAMES,
		.frame_size = self->rig.framing.frame_size,
	};
	footprint_take(&self->before);
}

FIXTURE_TEARDOWN(create)
{
	rig_close(&self->rig);
}

static int create(struct create_fixture *self)
{
	return create_framed(self->rig.connection, self->rig.heap,
			     &self->framing);
}

/* A4: a failed creation leaks nothing. */
static void expect_not_created(struct create_fixture *self, int expected)
{
	EXPECT_EQ(expected, create(self));
	EXPECT_FOOTPRINT(&self->before);
}

/* The creation succeeds; returns the framing from STATUS. */
static void expect_created(struct create_fixture *self,
			   struct ksalloc_status *status)
{
	struct ksalloc_status unused;
	int fd = create(self);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, get_status(fd, status ? status : &unused));
	close(fd);
	EXPECT_FOOTPRINT(&self->before);
}

/* A1, F1: CREATE_ALLOCATOR returns a new descriptor, close-on-exec. */
TEST_F(create, descriptor)
{
	int fd = create(self);

	ASSERT_LE(0, fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
	EXPECT_EQ(O_RDWR, fcntl(fd, F_GETFL) & O_ACCMODE);
	EXPECT_EQ(self->before.fds + 1, count_fds());
	EXPECT_EQ(self->before.dmabufs + FRAMES, count_dmabufs());
	EXPECT_EQ(KSSTATE_STOP, get_state(self->rig.connection));
	/* It is not assigned to the connection. */
	EXPECT_EQ(-EINVAL, set_state(self->rig.connection, KSSTATE_ACQUIRE));
}

/* B7: the last close frees all memory. */
TEST_F(create, close_frees_all)
{
	int fd = create(self), other;

	ASSERT_LE(0, fd);
	other = dup(fd);
	close(fd);
	EXPECT_EQ(self->before.dmabufs + FRAMES, count_dmabufs());
	close(other);
	EXPECT_FOOTPRINT(&self->before);
}

/* D1: STATUS returns the requested framing, and no frame is allocated. */
TEST_F(create, status)
{
	struct ksalloc_status status;

	self->framing.options_flags |= KSALLOCATOR_OPTIONF_COMPATIBLE;
	self->framing.pool_type = KSALLOC_POOL_PAGED;
	self->framing.frames = 5;
	self->framing.frame_size += 1;
	self->framing.file_alignment = 0x3f;
	expect_created(self, &status);
	EXPECT_EQ(0, memcmp(&self->framing, &status.status.framing,
			    sizeof(self->framing)));
	EXPECT_EQ(0, status.status.allocated_frames);
	EXPECT_EQ(0, status.status.reserved);
	EXPECT_EQ(whole_pages(self->framing.frame_size),
		  status.frame_bytes);
	EXPECT_EQ(0, status.in_device);
	EXPECT_EQ(0, status.waiters);
}

/* A8: zero frames select the device's number, and STATUS returns it. */
TEST_F(create, zero_frames)
{
	struct ksalloc_status status;

	self->framing.frames = 0;
	expect_created(self, &status);
	EXPECT_EQ(self->rig.framing.frames, status.status.framing.frames);
}

/* A8: a zero frame size selects the device's size, and STATUS returns it. */
TEST_F(create, zero_frame_size)
{
	struct ksalloc_status status;

	self->framing.frame_size = 0;
	expect_created(self, &status);
	EXPECT_EQ(self->rig.framing.frame_size,
		  status.status.framing.frame_size);
}

/* A8: both zero: the device has requirements for both, and they are used. */
TEST_F(create, both_zero)
{
	struct ksalloc_status status;

	self->framing.frames = 0;
	self->framing.frame_size = 0;
	expect_created(self, &status);
	EXPECT_EQ(self->rig.framing.frames, status.status.framing.frames);
	EXPECT_EQ(self->rig.framing.frame_size,
		  status.status.framing.frame_size);
}

/* A8: fewer frames than the device needs: EINVAL; exactly as many: accepted. */
TEST_F(create, frames_below_device)
{
	ASSERT_LT(1, self->rig.framing.frames);
	self->framing.frames = self->rig.framing.frames - 1;
	expect_not_created(self, -EINVAL);
	self->framing.frames = 1;
	expect_not_created(self, -EINVAL);
	self->framing.frames = self->rig.framing.frames;
	expect_created(self, NULL);
}

/* A8: frames smaller than the device needs: EINVAL; exactly as large: accepted. */
TEST_F(create, frame_size_below_device)
{
	self->framing.frame_size = self->rig.framing.frame_size - 1;
	expect_not_created(self, -EINVAL);
	self->framing.frame_size = 1;
	expect_not_created(self, -EINVAL);
	self->framing.frame_size = self->rig.framing.frame_size;
	expect_created(self, NULL);
}

/* A8: more than KSALLOC_MAX_FRAMES frames: E2BIG; exactly as many: accepted. */
TEST_F_TIMEOUT(create, too_many_frames, 60)
{
	static const __u32 counts[] = {
		KSALLOC_MAX_FRAMES + 1, 0x10000, 0x7fffffff, 0x80000000,
		0xffffffff,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		self->framing.frames = counts[i];
		expect_not_created(self, -E2BIG);
	}
	/* The drivers of the cameras cannot allocate as many buffers */
	if (self->rig.heap < 0)
		return;
	self->framing.frames = KSALLOC_MAX_FRAMES;
	expect_created(self, NULL);
}

/*
 * A8: more memory than an allocator may have: ENOMEM before any is allocated, also if the
 * product or the rounding overflows 32 bits.
 */
TEST_F(create, too_much_memory)
{
	static const struct {
		__u32 frames, frame_size;
	} sizes[] = {
		{ 2, 0xffffffff },
		{ 2, 0xfffff001 },
		{ 2, 0x80000000 },
		{ 1024, 0xffffffff },
		/* 2^32 exactly, and slightly more */
		{ 1024, 0x400000 },
		{ 1024, 0x400001 },
		{ 64, 0x4000000 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		self->framing.frames = sizes[i].frames;
		self->framing.frame_size = sizes[i].frame_size;
		expect_not_created(self, -ENOMEM);
	}
}

/* A8: the limit is the parameter max_mbytes, in whole pages, to the byte. */
TEST_F(create, memory_limit)
{
	char before[32];

	need_heap();
	ASSERT_LT(0, read_text(MAX_MBYTES, before, sizeof(before)));
	ASSERT_EQ(0, write_text(MAX_MBYTES, "8"));
	self->framing.frames = 4;
	self->framing.frame_size = 2 << 20;
	expect_created(self, NULL);
	self->framing.frame_size = (2 << 20) - (PAGE - 1);
	expect_created(self, NULL);
	self->framing.frame_size = (2 << 20) + 1;
	expect_not_created(self, -ENOMEM);
	self->framing.frames = 5;
	self->framing.frame_size = 2 << 20;
	expect_not_created(self, -ENOMEM);
	ASSERT_EQ(0, write_text(MAX_MBYTES, before));
}

/*
 * A8: by default, the limit is half of the memory of the machine. The file is no heap. So the
 * attempt with less fails after that check, and allocates no memory.
 */
TEST_F(create, default_limit)
{
	__u64 half = (__u64)sysconf(_SC_PHYS_PAGES) / 2 * PAGE;
	char text[32];

	ASSERT_LT(0, read_text(MAX_MBYTES, text, sizeof(text)));
	ASSERT_STREQ("0\n", text);
	self->framing.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY;
	self->framing.frame_size = half / FRAMES / PAGE * PAGE;
	EXPECT_EQ(-EINVAL, create_framed(self->rig.connection, self->rig.video, &self->framing));
	self->framing.frame_size += PAGE;
	EXPECT_EQ(-ENOMEM, create_framed(self->rig.connection, self->rig.video, &self->framing));
	EXPECT_FOOTPRINT(&self->before);
}

/* A6: every mask up to the page size minus one is accepted. */
TEST_F(create, alignment_masks)
{
	__u32 mask;

	for (mask = 0; mask < PAGE; mask = mask * 2 + 1) {
		self->framing.file_alignment = mask;
		expect_created(self, NULL);
	}
}

/* A6: values that are not masks, or are above the page size minus one: EINVAL. */
TEST_F(create, bad_alignment)
{
	const __u32 masks[] = {
		2, 4, 5, 6, 8, 16, 0xff0, PAGE - 2, PAGE, PAGE + 1,
		2 * PAGE - 1, 16 * PAGE - 1, 0x7fffffff, 0x80000000,
		0xfffffffe, 0xffffffff,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(masks); i++) {
		self->framing.file_alignment = masks[i];
		expect_not_created(self, -EINVAL);
	}
}

/* A10: both pool types are accepted. */
TEST_F(create, pool_types)
{
	self->framing.pool_type = KSALLOC_POOL_NONPAGED;
	expect_created(self, NULL);
	self->framing.pool_type = KSALLOC_POOL_PAGED;
	expect_created(self, NULL);
}

/* A10: an unknown pool type: EINVAL. */
TEST_F(create, unknown_pool_type)
{
	self->framing.pool_type = 2;
	expect_not_created(self, -EINVAL);
	self->framing.pool_type = 0x80000000;
	expect_not_created(self, -EINVAL);
	self->framing.pool_type = 0xffffffff;
	expect_not_created(self, -EINVAL);
}

/* A7: COMPATIBLE is accepted. */
TEST_F(create, compatible)
{
	self->framing.options_flags |= KSALLOCATOR_OPTIONF_COMPATIBLE;
	expect_created(self, NULL);
}

/* A7: any other bit in the options: EINVAL. */
TEST_F(create, unknown_options)
{
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		if (KSALLOCATOR_OPTIONF_VALID & 1U << bit)
			continue;
		self->framing.options_flags =
			usual_memory() | 1U << bit;
		expect_not_created(self, -EINVAL);
	}
}

/* A7: a reserved field of the framing that is not zero: EINVAL. */
TEST_F(create, framing_reserved)
{
	self->framing.reserved = 1;
	expect_not_created(self, -EINVAL);
	self->framing.reserved = 0x80000000;
	expect_not_created(self, -EINVAL);
}

/*
 * A9: without SYSTEM_MEMORY the device's own memory is used. If there is a heap too:
 * EINVAL.
 */
TEST_F(create, device_memory)
{
	int heap = self->rig.heap;

	need_heap();
	self->framing.options_flags = 0;
	expect_not_created(self, -EINVAL);
	self->rig.heap = -1;
	expect_created(self, NULL);
	self->framing.options_flags = KSALLOCATOR_OPTIONF_COMPATIBLE;
	expect_created(self, NULL);
	self->rig.heap = -2;
	expect_not_created(self, -EINVAL);
	self->rig.heap = heap;
}

/* F1: the heap may be open in any mode, and may be closed after the call. */
TEST_F(create, heap_modes)
{
	static const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	unsigned int i;
	int fd, index;

	need_heap();
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		close(self->rig.heap);
		self->rig.heap = open("/dev/dma_heap/system",
				      modes[i] | O_CLOEXEC);
		ASSERT_LE(0, self->rig.heap);
		expect_created(self, NULL);
	}
	fd = create(self);
	ASSERT_LE(0, fd);
	close(self->rig.heap);
	self->rig.heap = 0;
	index = alloc_now(fd);
	EXPECT_LE(0, index);
	EXPECT_EQ(0, free_frame(fd, index));
}

/* A5: a heap that is not open, or is O_PATH: EBADF. */
TEST_F(create, heap_not_open)
{
	int closed = open_heap(), path, heap = self->rig.heap;
	unsigned int i;

	need_heap();
	close(closed);
	path = open("/dev/dma_heap/system", O_PATH | O_CLOEXEC);
	ASSERT_LE(0, path);
	footprint_take(&self->before);
	{
		const int fds[] = { -1, -2, INT_MIN, INT_MAX, 1000, closed };

		for (i = 0; i < ARRAY_SIZE(fds); i++) {
			if (fds[i] == path)
				continue;
			self->rig.heap = fds[i];
			expect_not_created(self, -EBADF);
		}
	}
	self->rig.heap = path;
	expect_not_created(self, -EBADF);
	self->rig.heap = heap;
}

/* A5: another file in place of a heap, such as a camera: EINVAL. */
TEST_F(create, heap_wrong_kind)
{
	static const char * const paths[] = {
		"/dev/null", "/dev/zero", "/dev/random", "/dev/udmabuf",
		"/dev/media0", "/dev/cec0", "/dev/fb0", "/dev/tty0",
		"/dev/console", "/dev/rtc0", "/dev/kmsg", "/dev/hpet",
		"/dev/loop-control", "/dev/dri/card0", "/dev/ksalloc",
		"/dev/mem", "/dev/cpu_dma_latency", "/dev/vga_arbiter",
	};
	int heap = self->rig.heap, pipes[2] = { -1, -1 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		int fd = open(paths[i], O_RDWR | O_CLOEXEC | O_NOCTTY);

		if (fd < 0)
			fd = open(paths[i], O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			continue;
		footprint_take(&self->before);
		self->rig.heap = fd;
		if (!EXPECT_EQ(-EINVAL, create(self)))
			harness_note("(of %s)", paths[i]);
		EXPECT_FOOTPRINT(&self->before);
	}
	ASSERT_EQ(0, pipe(pipes));
	{
		const int fds[] = {
			self->rig.video, self->rig.connection,
			self->rig.ksalloc, pipes[0], pipes[1],
			open("/tmp", O_RDONLY | O_DIRECTORY),
			memfd_create("selftest", 0), eventfd(0, 0),
			epoll_create1(0), socket(AF_UNIX, SOCK_STREAM, 0),
			open_node("vivid-000-vid-out", O_RDWR),
			open_node("vivid-000-rad-rx", O_RDWR),
		};

		footprint_take(&self->before);
		for (i = 0; i < ARRAY_SIZE(fds); i++) {
			ASSERT_LE(0, fds[i]);
			self->rig.heap = fds[i];
			expect_not_created(self, -EINVAL);
		}
	}
	self->rig.heap = heap;
}

/* A5: an allocator or one of its frames in place of a heap: EINVAL. */
TEST_F(create, heap_own_files)
{
	int heap = self->rig.heap, allocator = create(self), dmabuf;

	ASSERT_LE(0, allocator);
	dmabuf = export_frame(allocator, 0);
	ASSERT_LE(0, dmabuf);
	footprint_take(&self->before);
	self->rig.heap = allocator;
	expect_not_created(self, -EINVAL);
	self->rig.heap = dmabuf;
	expect_not_created(self, -EINVAL);
	self->rig.heap = heap;
}

/* A4: without a free descriptor: EMFILE, and nothing is leaked. */
TEST_F(create, no_descriptor_left)
{
	struct rlimit limit;
	int top = dup(self->rig.video), fd;
	rlim_t before;

	footprint_take(&self->before);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	before = limit.rlim_cur;
	limit.rlim_cur = top + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	fd = create(self);
	limit.rlim_cur = before;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
	EXPECT_EQ(-EMFILE, fd);
	EXPECT_FOOTPRINT(&self->before);
}

static int count_mappings(void)
{
	static char text[65536];
	int count = 0;
	char *at;

	ASSERT_LT(0, read_text("/proc/self/maps", text, sizeof(text)));
	for (at = text; (at = strchr(at, '\n')); at++)
		count++;
	return count;
}

/* A4: the caller's address space is the same after success and failure. */
TEST_F(create, address_space)
{
	int before = count_mappings(), fd;

	need_heap();
	fd = create(self);
	ASSERT_LE(0, fd);
	EXPECT_EQ(before, count_mappings());
	close(fd);
	self->framing.frames = 1;
	expect_not_created(self, -EINVAL);
	self->framing.frames = FRAMES;
	close(self->rig.heap);
	self->rig.heap = open("/dev/null", O_RDWR);
	expect_not_created(self, -EINVAL);
	EXPECT_EQ(before, count_mappings());
}

/* A4: without free address space: ENOMEM, and nothing is leaked. */
TEST_F(create, no_address_space)
{
	struct rlimit limit = { 0 }, none;
	int fd;

	need_heap();
	ASSERT_EQ(0, getrlimit(RLIMIT_AS, &limit));
	none = limit;
	none.rlim_cur = 0;
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &none));
	fd = create(self);
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &limit));
	EXPECT_EQ(-ENOMEM, fd);
	EXPECT_FOOTPRINT(&self->before);
}

/* The connection may be closed, because the allocator does not depend on it. */
TEST_F(create, outlives_connection)
{
	int fd = create(self), index;

	ASSERT_LE(0, fd);
	close(self->rig.connection);
	close(self->rig.video);
	close(self->rig.ksalloc);
	self->rig.connection = 0;
	self->rig.video = 0;
	self->rig.ksalloc = 0;
	index = alloc_now(fd);
	EXPECT_LE(0, index);
	EXPECT_EQ(0, free_frame(fd, index));
}

/* G2: each of several allocators has its own frames and its own limit. */
TEST_F(create, side_by_side)
{
	int first = create(self), second, i;

	need_heap();
	self->framing.frames = 2;
	second = create(self);
	ASSERT_LE(0, first);
	ASSERT_LE(0, second);
	for (i = 0; i < FRAMES; i++)
		EXPECT_LE(0, alloc_now(first));
	EXPECT_EQ(-EAGAIN, alloc_now(first));
	EXPECT_EQ(0, allocated(second));
	for (i = 0; i < 2; i++)
		EXPECT_LE(0, alloc_now(second));
	EXPECT_EQ(-EAGAIN, alloc_now(second));
	EXPECT_EQ(0, free_frame(second, 0));
	EXPECT_EQ(-EAGAIN, alloc_now(first));
}
