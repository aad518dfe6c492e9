// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_import": allocators of dma-bufs that a kernel client provides. In these
 * tests they are the dma-bufs of another allocator.
 */
#include <linux/dma-buf.h>

#include "fake_device.h"
#include "import.h"

#define IMPORT_FRAMES 4

static const struct ksallocator_framing import_framing = {
	.options_flags = KSALLOCATOR_OPTIONF_SYSTEM_MEMORY,
};

/* Gets the dma-bufs of the rig's allocator, without references */
static void import_take(struct ks_rig *rig, struct dma_buf **dmabufs)
{
	u32 i;

	for (i = 0; i < IMPORT_FRAMES; i++)
		dmabufs[i] = ksalloc_allocator_dmabuf(rig->alloc, i, 0);
}

static void import_expect(struct ks_rig *rig, long expected,
			  const struct ksallocator_framing *framing,
			  struct dma_buf *const *dmabufs, u32 count)
{
	struct file *file = ksalloc_import_allocator(rig->file, framing, dmabufs, count);

	KUNIT_EXPECT_EQ(rig->test, PTR_ERR(file), expected);
	if (!IS_ERR(file))
		fput(file);
}

/*
 * Passes if the frames are the dma-bufs of the caller in their order, and the allocator has
 * its own reference to each (A9, B7).
 */
static void import_frames(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, IMPORT_FRAMES);
	struct dma_buf *dmabufs[IMPORT_FRAMES];
	struct ks_allocator *alloc;
	struct file *file;
	long refs;
	u32 i;

	import_take(rig, dmabufs);
	refs = file_count(dmabufs[0]->file);
	file = ksalloc_import_allocator(rig->file, &import_framing, dmabufs, IMPORT_FRAMES);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, file);
	alloc = ks_allocator_of(file);
	KUNIT_ASSERT_NOT_NULL(test, alloc);
	KUNIT_EXPECT_EQ(test, alloc->nr_frames, IMPORT_FRAMES);
	for (i = 0; i < IMPORT_FRAMES; i++) {
		KUNIT_EXPECT_PTR_EQ(test, ksalloc_allocator_dmabuf(alloc, i, 0), dmabufs[i]);
		KUNIT_EXPECT_EQ(test, file_count(dmabufs[i]->file), refs + 1);
	}
	/* A kernel thread releases files with a delay */
	fput(file);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(file_count(dmabufs[0]->file) == refs));
}

/* Passes if wrong numbers, sizes and files are refused, and no reference is kept (A4, A9). */
static void import_refused(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, IMPORT_FRAMES);
	struct ksallocator_framing framing = import_framing;
	struct dma_buf *dmabufs[IMPORT_FRAMES];
	size_t size;
	long refs;
	u32 i;

	import_take(rig, dmabufs);
	refs = file_count(dmabufs[0]->file);
	import_expect(rig, -EINVAL, &framing, dmabufs, 0);
	import_expect(rig, -E2BIG, &framing, dmabufs, KSALLOC_MAX_FRAMES + 1);
	framing.frames = IMPORT_FRAMES - 1;
	import_expect(rig, -EINVAL, &framing, dmabufs, IMPORT_FRAMES);
	framing.frames = 0;
	framing.frame_size = dmabufs[0]->size + 1;
	import_expect(rig, -EINVAL, &framing, dmabufs, IMPORT_FRAMES);
	/* Too much memory; the sum of the sizes is zero, if it overflows */
	size = dmabufs[0]->size;
	for (i = 0; i < IMPORT_FRAMES; i++)
		dmabufs[i]->size = SIZE_MAX / IMPORT_FRAMES + 1;
	import_expect(rig, -ENOMEM, &import_framing, dmabufs, IMPORT_FRAMES);
	for (i = 0; i < IMPORT_FRAMES; i++)
		dmabufs[i]->size = size;
	framing = import_framing;
	framing.options_flags = 0;
	import_expect(rig, -EINVAL, &framing, dmabufs, IMPORT_FRAMES);
	dmabufs[IMPORT_FRAMES - 1] = dmabufs[0];
	import_expect(rig, -EINVAL, &import_framing, dmabufs, IMPORT_FRAMES);
	KUNIT_EXPECT_EQ(test, file_count(dmabufs[0]->file), refs);
	/* Not a connection */
	KUNIT_EXPECT_EQ(test, PTR_ERR(ksalloc_import_allocator(dmabufs[0]->file, &import_framing,
							       dmabufs, IMPORT_FRAMES)), -EINVAL);
}

/* Passes if the errno of a device that cannot say what it needs is returned (A4, A9). */
static void import_device_fails(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, IMPORT_FRAMES);
	struct dma_buf *dmabufs[IMPORT_FRAMES];
	long refs;

	import_take(rig, dmabufs);
	refs = file_count(dmabufs[0]->file);
	ks_fake_fail(rig->fake, 1, -ENOSPC);
	import_expect(rig, -ENOSPC, &import_framing, dmabufs, IMPORT_FRAMES);
	KUNIT_EXPECT_EQ(test, rig->fake->failed, KS_FAKE_GET_FRAMING);
	ks_fake_vanish(rig->fake);
	import_expect(rig, -ENODEV, &import_framing, dmabufs, IMPORT_FRAMES);
	KUNIT_EXPECT_EQ(test, file_count(dmabufs[0]->file), refs);
}

static struct kunit_case import_cases[] = {
	KUNIT_CASE(import_frames),
	KUNIT_CASE(import_refused),
	KUNIT_CASE(import_device_fails),
	{}
};

static struct kunit_suite import_suite = {
	.name = "ksalloc_import",
	.init = ks_test_init,
	.test_cases = import_cases,
};

kunit_test_suite(import_suite);
