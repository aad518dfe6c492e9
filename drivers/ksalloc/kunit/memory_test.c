// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_memory": creation and end of allocators, with a provider of memory
 * that fails.
 *
 * The dma-bufs are made and counted by the suite, so it detects every leak.
 */
#include <linux/completion.h>
#include <linux/dma-buf.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <uapi/linux/dma-buf.h>

#include "connection.h"
#include "ks_test.h"

#define MEMORY_FRAMES 16

static struct ksallocator_framing memory_framing(u32 frames)
{
	return (struct ksallocator_framing){
		.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
		.pool_type = KSALLOC_POOL_PAGED,
		.frames = frames,
		.frame_size = PAGE_SIZE + 1,
		.file_alignment = 63,
	};
}

static const struct ks_test_memory memory_fine = {
	.fail_at = KS_TEST_NEVER,
	.signal_at = KS_TEST_NEVER,
	.same_at = KS_TEST_NEVER,
};

static struct ks_allocator *memory_create(u32 frames,
					  struct ks_test_memory *memory)
{
	struct ksallocator_framing framing = memory_framing(frames);
	const struct ksalloc_planes layout = {
		.count = 1,
		.sizes[0] = framing.frame_size,
	};

	return ks_allocator_create(&framing, &layout, 2 * PAGE_SIZE,
				   &ks_test_memory_ops, memory, true);
}

/*
 * Passes if, for a provider that fails at the n-th of 1 to 16 frames, for every n, no
 * further frame is requested, its errno is passed on, and the memory of all earlier frames
 * is freed (A4).
 */
static void memory_fails_at_each_frame(struct kunit *test)
{
	static const int errors[] = { -ENOMEM, -EINVAL, -EINTR, -ENFILE };
	int ground = ks_test_dma_bufs();
	u32 frames, n;

	for (frames = 1; frames <= MEMORY_FRAMES; frames++) {
		for (n = 0; n < frames; n++) {
			struct ks_test_memory memory = memory_fine;
			struct ks_allocator *alloc;

			memory.fail_at = n;
			memory.error = errors[n % ARRAY_SIZE(errors)];
			alloc = memory_create(frames, &memory);
			KUNIT_ASSERT_TRUE(test, IS_ERR(alloc));
			KUNIT_EXPECT_EQ(test, PTR_ERR(alloc), memory.error);
			KUNIT_EXPECT_EQ(test, memory.calls, n + 1);
			ks_test_dma_bufs_become(ground);
			KUNIT_ASSERT_EQ_MSG(test, ks_test_dma_bufs(), ground,
					    "frame %u of %u", n, frames);
		}
	}
}

/*
 * Passes if 1 to 16 frames take one call each, with the requested number of bytes, and
 * their memory is freed when the allocator is freed (A1, B7).
 */
static void memory_of_every_count(struct kunit *test)
{
	int ground = ks_test_dma_bufs();
	u32 frames, i;

	for (frames = 1; frames <= MEMORY_FRAMES; frames++) {
		struct ks_test_memory memory = memory_fine;
		struct ks_test_frames now;
		struct ks_allocator *alloc;

		alloc = memory_create(frames, &memory);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, alloc);
		KUNIT_EXPECT_EQ(test, memory.calls, frames);
		KUNIT_EXPECT_EQ(test, memory.bytes, 2 * PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, ks_test_dma_bufs(), ground + frames);

		KUNIT_EXPECT_EQ(test, alloc->nr_frames, frames);
		KUNIT_EXPECT_EQ(test, alloc->layout.count, 1);
		KUNIT_EXPECT_EQ(test, alloc->frame_bytes, 2 * PAGE_SIZE);
		KUNIT_EXPECT_EQ(test, alloc->framing.file_alignment, 63);
		ks_test_look(test, alloc, &now);
		KUNIT_EXPECT_EQ(test, now.free, frames);
		for (i = 0; i < frames; i++)
			KUNIT_EXPECT_EQ(test, now.order[i], i);

		ks_allocator_put(alloc);
		KUNIT_ASSERT_TRUE(test, ks_test_dma_bufs_become(ground));
	}
}

/* Passes if the maximum number of frames can be created and freed (A8). */
static void memory_of_the_most_frames(struct kunit *test)
{
	struct ks_test_memory memory = memory_fine;
	int ground = ks_test_dma_bufs();
	struct ks_allocator *alloc;
	struct ks_owner *owner;
	struct file *file;
	u32 i, index = 0;

	alloc = memory_create(KSALLOC_MAX_FRAMES, &memory);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, alloc);
	KUNIT_EXPECT_EQ(test, memory.calls, KSALLOC_MAX_FRAMES);
	file = ks_allocator_open(alloc);
	ks_allocator_put(alloc);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	owner = ks_test_owner_of(file);
	for (i = 0; i < KSALLOC_MAX_FRAMES; i++) {
		KUNIT_EXPECT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner,
								&index));
		KUNIT_EXPECT_EQ(test, index, i);
	}
	KUNIT_EXPECT_EQ(test, -EAGAIN, ks_allocator_try_alloc(alloc, owner,
							      &index));
	__fput_sync(file);
	KUNIT_EXPECT_TRUE(test, ks_test_dma_bufs_become(ground));
}

/* Passes if a frame always has the same dma-buf, and no other frame has it (B6). */
static void memory_stays_with_its_frame(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 4);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct dma_buf *dmabufs[4];
	u32 i, j, index = 0;

	for (i = 0; i < 4; i++) {
		dmabufs[i] = alloc->frames[i].planes->dmabuf;
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_PTR_NE(test, dmabufs[i], dmabufs[j]);
	}
	for (i = 0; i < 3; i++) {
		KUNIT_EXPECT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner,
								&index));
		KUNIT_EXPECT_EQ(test, 0, ks_allocator_submit(alloc, index,
							     ks_test_device(1)));
	}
	ks_allocator_deliver(alloc, 0, owner);
	ks_allocator_take_back(alloc, ks_test_device(1));
	ks_allocator_reclaim(alloc, owner);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_PTR_EQ(test, alloc->frames[i].planes->dmabuf, dmabufs[i]);
}

/*
 * Passes if memory that is in use elsewhere outlives its allocator, and no other memory
 * does (B7).
 */
static void memory_in_use_elsewhere(struct kunit *test)
{
	struct ks_test_memory memory = memory_fine;
	int ground = ks_test_dma_bufs();
	struct dma_buf *dmabuf;
	struct ks_allocator *alloc;

	alloc = memory_create(3, &memory);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, alloc);
	dmabuf = alloc->frames[1].planes->dmabuf;
	get_dma_buf(dmabuf);
	ks_allocator_put(alloc);
	KUNIT_EXPECT_TRUE(test, ks_test_dma_bufs_become(ground + 1));
	KUNIT_EXPECT_EQ(test, dmabuf->size, 2 * PAGE_SIZE);
	dma_buf_put(dmabuf);
	KUNIT_EXPECT_TRUE(test, ks_test_dma_bufs_become(ground));
}

/**
 * struct memory_killed - a thread that is killed while it creates an allocator
 * @memory: its provider
 * @frames: number of frames that it requests
 * @alloc: the result
 * @done: the attempt has ended
 */
struct memory_killed {
	struct ks_test_memory memory;
	u32 frames;
	struct ks_allocator *alloc;
	struct completion done;
};

static int memory_killed_thread(void *data)
{
	struct memory_killed *killed = data;

	allow_signal(SIGKILL);
	allow_signal(SIGUSR1);
	killed->alloc = memory_create(killed->frames, &killed->memory);
	flush_signals(current);
	kthread_complete_and_exit(&killed->done, 0);
}

/* A thread creates an allocator, and gets a signal at the n-th frame */
static void memory_create_with_signal(struct kunit *test,
				      struct memory_killed *killed, u32 n,
				      int signal)
{
	struct task_struct *task;

	killed->memory = memory_fine;
	killed->memory.signal_at = n;
	killed->memory.signal = signal;
	init_completion(&killed->done);
	task = kthread_run(memory_killed_thread, killed, "ks-killed");
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, task);
	wait_for_completion(&killed->done);
}

/*
 * Passes if a process that is killed at the n-th of 1 to 16 frames, for every n, allocates
 * no further frame, gets EINTR, and leaks nothing (A4).
 */
static void memory_killed_at_each_frame(struct kunit *test)
{
	int ground = ks_test_dma_bufs();
	struct memory_killed *killed;
	u32 n;

	killed = kunit_kzalloc(test, sizeof(*killed), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, killed);
	for (killed->frames = 1; killed->frames <= MEMORY_FRAMES; killed->frames++) {
		for (n = 0; n < killed->frames; n++) {
			memory_create_with_signal(test, killed, n, SIGKILL);
			KUNIT_ASSERT_TRUE(test, IS_ERR(killed->alloc));
			KUNIT_EXPECT_EQ(test, PTR_ERR(killed->alloc), -EINTR);
			KUNIT_EXPECT_EQ(test, killed->memory.calls, n + 1);
			KUNIT_ASSERT_TRUE(test, ks_test_dma_bufs_become(ground));
		}
	}
}

/* Passes if a signal that does not kill does not end the creation (A1). */
static void memory_other_signals(struct kunit *test)
{
	struct memory_killed *killed;

	killed = kunit_kzalloc(test, sizeof(*killed), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, killed);
	killed->frames = 3;
	memory_create_with_signal(test, killed, 1, SIGUSR1);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, killed->alloc);
	KUNIT_EXPECT_EQ(test, killed->memory.calls, 3);
	ks_allocator_put(killed->alloc);
}

/*
 * Passes if a provider that returns the same memory for two frames, the first and the n-th,
 * for every n, is refused with EINVAL, and nothing is leaked (B6).
 */
static void memory_shared_by_two_frames(struct kunit *test)
{
	int ground = ks_test_dma_bufs();
	u32 n;

	for (n = 1; n < MEMORY_FRAMES; n++) {
		struct ks_test_memory memory = memory_fine;
		struct ks_allocator *alloc;

		memory.same_at = n;
		alloc = memory_create(MEMORY_FRAMES, &memory);
		KUNIT_ASSERT_TRUE(test, IS_ERR(alloc));
		KUNIT_EXPECT_EQ(test, PTR_ERR(alloc), -EINVAL);
		KUNIT_ASSERT_TRUE(test, ks_test_dma_bufs_become(ground));
	}
}

/*
 * Passes if an allocator exists as long as any of its open files, each of which is its own
 * owner, and ends with the last (B7).
 */
static void memory_of_several_files(struct kunit *test)
{
	struct ks_test_memory memory = memory_fine;
	int ground = ks_test_dma_bufs();
	struct ks_allocator *alloc;
	struct file *files[3];
	u32 i, index;

	alloc = memory_create(3, &memory);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, alloc);
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		files[i] = ks_allocator_open(alloc);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, files[i]);
		KUNIT_EXPECT_PTR_EQ(test, ks_allocator_of(files[i]), alloc);
		KUNIT_EXPECT_EQ(test, kref_read(&alloc->refs), i + 2);
		KUNIT_EXPECT_EQ(test, 0,
				ks_allocator_try_alloc(alloc,
						       ks_test_owner_of(files[i]),
						       &index));
	}
	for (i = 0; i < ARRAY_SIZE(files); i++) {
		__fput_sync(files[i]);
		ks_test_expect_counts(test, alloc, 2 - i, 0, 0);
	}
	KUNIT_EXPECT_EQ(test, kref_read(&alloc->refs), 1);
	KUNIT_EXPECT_EQ(test, ks_test_dma_bufs(), ground + 3);
	ks_allocator_put(alloc);
	KUNIT_EXPECT_TRUE(test, ks_test_dma_bufs_become(ground));
}

/* Passes if ks_allocator_of() accepts only files of allocators (A5). */
static void memory_other_files(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);

	KUNIT_EXPECT_NOT_NULL(test, ks_allocator_of(file));
	KUNIT_EXPECT_NULL(test,
			  ks_allocator_of(ks_allocator_of(file)->frames[0].planes->dmabuf->file));
}

/*
 * Bytes of the module's memory for a frame whose allocator is assigned to one connection, with all
 * that it can have: it circulates, and ksalloc has named each dma-buf
 */
static size_t memory_of_frame(u32 planes)
{
	return sizeof(struct ksalloc_frame) + sizeof(struct ks_slot) +
	       sizeof(struct ks_feed_frame) +
	       planes * (sizeof(struct ks_plane) + DMA_BUF_NAME_LEN +
			 2 * sizeof(struct ksalloc_plane_data));
}

/*
 * Passes if a frame of up to three planes costs at most 512 bytes of the module's memory, and each
 * further connection 256; also with lockdep and other debug options.
 */
static void memory_per_frame(struct kunit *test)
{
	KUNIT_EXPECT_LE(test, memory_of_frame(3), 512);
	KUNIT_EXPECT_LE(test, sizeof(struct ks_slot) + sizeof(struct ks_feed_frame) +
			2 * KSALLOC_MAX_PLANES * sizeof(struct ksalloc_plane_data), 256);
}

/*
 * Passes if the name of a dma-buf is not longer than the kernel permits. If there is not enough
 * room, it has a part of the program's name, or neither that nor the process ID.
 */
static void memory_names(struct kunit *test)
{
	static const struct {
		u32 id, planes, plane;
		const char *comm;
		pid_t pid;
		const char *name;
	} names[] = {
		{ 7, 1, 2, "ks-capture", 123, "ksalloc 7/2 ks-capture:123" },
		{ 7, 2, 5, "ks-capture", 123, "ksalloc 7/2.1 ks-capture:123" },
		{ 7, 1, 2, "", 123, "ksalloc 7/2 :123" },
		{ 12345, 1, 15, "gst-launch-1.0", 1234, "ksalloc 12345/15 gst-launc:1234" },
		{ U32_MAX, 1, 15, "gst-launch-1.0", 4194304, "ksalloc 4294967295/15 g:4194304" },
		{ U32_MAX, 8, 127, "gst", 4194304, "ksalloc 4294967295/15.7" },
		{ U32_MAX, 8, 8191, "gst", 1, "ksalloc 4294967295/1023.7 gst:1" },
	};
	struct ks_allocator *alloc = kunit_kzalloc(test, sizeof(*alloc), GFP_KERNEL);
	char name[DMA_BUF_NAME_LEN];
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, alloc);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		alloc->id = names[i].id;
		alloc->layout.count = names[i].planes;
		ks_plane_name(name, alloc, names[i].plane, names[i].comm, names[i].pid);
		KUNIT_EXPECT_STREQ(test, name, names[i].name);
	}
}

static struct kunit_case memory_cases[] = {
	KUNIT_CASE(memory_per_frame),
	KUNIT_CASE(memory_names),
	KUNIT_CASE_SLOW(memory_fails_at_each_frame),
	KUNIT_CASE(memory_of_every_count),
	KUNIT_CASE_SLOW(memory_of_the_most_frames),
	KUNIT_CASE(memory_stays_with_its_frame),
	KUNIT_CASE(memory_in_use_elsewhere),
	KUNIT_CASE_SLOW(memory_killed_at_each_frame),
	KUNIT_CASE(memory_other_signals),
	KUNIT_CASE(memory_shared_by_two_frames),
	KUNIT_CASE(memory_of_several_files),
	KUNIT_CASE(memory_other_files),
	{}
};

static struct kunit_suite memory_suite = {
	.name = "ksalloc_memory",
	.init = ks_test_init,
	.test_cases = memory_cases,
};

kunit_test_suite(memory_suite);
