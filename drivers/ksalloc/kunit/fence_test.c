// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_fence": frames that come back before the fences on their
 * dma-bufs are signalled (contract H3).
 */
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>

#include "ks_test.h"

static DEFINE_SPINLOCK(fence_lock);

static const char *fence_name(struct dma_fence *fence)
{
	return "ksalloc-kunit";
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_name,
	.get_timeline_name = fence_name,
};

static void fence_put(void *fence)
{
	/* After a test that has failed it may not be signalled yet */
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

/* A reader's fence on a frame, signalled at the test's end at the latest */
static struct dma_fence *fence_add(struct kunit *test,
				   struct ks_allocator *alloc, u32 index,
				   enum dma_resv_usage usage)
{
	struct dma_resv *resv = alloc->frame[index].dmabuf->resv;
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, fence);
	dma_fence_init(fence, &fence_ops, &fence_lock,
		       dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, fence_put,
							   fence));
	dma_resv_lock(resv, NULL);
	ret = dma_resv_reserve_fences(resv, 1);
	if (!ret)
		dma_resv_add_fence(resv, fence, usage);
	dma_resv_unlock(resv);
	KUNIT_ASSERT_EQ(test, 0, ret);
	return fence;
}

static void fence_do_signal(void *fence)
{
	dma_fence_signal(fence);
}

/* In a hard interrupt, as devices do */
static void fence_signal(struct kunit *test, struct dma_fence *fence)
{
	KUNIT_ASSERT_EQ(test, 0, ks_test_in_hardirq(test, fence_do_signal, fence));
}

/* Whether all frames are free, or become so */
static bool fence_all_free(struct ks_allocator *alloc)
{
	return ks_test_wait_until(!READ_ONCE(alloc->allocated));
}

/* A frame is FENCED, whatever the work does meanwhile, and nobody's */
static void fence_expect(struct kunit *test, struct ks_allocator *alloc,
			 u32 index)
{
	struct ks_owner owner = ks_test_owner(0, 0);
	struct ks_test_frames frames;

	flush_work(&alloc->fence_work);
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.frame[index].state, KS_FRAME_FENCED);
	KUNIT_EXPECT_NULL(test, frames.frame[index].owner.files);
	KUNIT_EXPECT_EQ(test, frames.in_device, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_allocator_free(alloc, index));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_allocator_submit(alloc, index,
							   ks_test_file(1)));
	ks_allocator_free_owned(alloc, index, &owner);
	ks_allocator_reclaim(alloc, &owner);
	ks_allocator_cancel(alloc, ks_test_file(1));
	KUNIT_EXPECT_FALSE(test, ks_allocator_serves(alloc, &owner));
	KUNIT_EXPECT_FALSE(test, ks_allocator_undeliver(alloc, index, &owner));
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.frame[index].state, KS_FRAME_FENCED);
}

enum fence_way {
	FENCE_FREE,
	FENCE_FREE_OWNED,
	FENCE_RECLAIM,
	FENCE_CANCEL,
	FENCE_UNSUBMIT,
	FENCE_WAYS,
};

static void fence_give_back(struct ks_allocator *alloc, enum fence_way way)
{
	struct ks_owner owner = ks_test_owner(0, 0);

	switch (way) {
	case FENCE_FREE:
		ks_allocator_free(alloc, 0);
		break;
	case FENCE_FREE_OWNED:
		ks_allocator_free_owned(alloc, 0, &owner);
		break;
	case FENCE_CANCEL:
		ks_allocator_cancel(alloc, ks_test_file(1));
		break;
	default:
		ks_allocator_reclaim(alloc, &owner);
	}
	if (way == FENCE_UNSUBMIT)
		ks_allocator_unsubmit(alloc, 0);
}

/*
 * Passes if a frame with a fence is not given to a device, and is kept until the
 * fence is signalled, whatever way it comes back, and nobody's meanwhile (H3).
 */
static void fence_every_way(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 1);
	struct ks_owner owner = ks_test_owner(0, 0);
	struct dma_fence *fence;
	enum fence_way way;
	u32 index;

	for (way = 0; way < FENCE_WAYS; way++) {
		KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, &owner,
								&index));
		if (way == FENCE_CANCEL || way == FENCE_UNSUBMIT)
			ks_allocator_submit(alloc, 0, ks_test_file(1));
		fence = fence_add(test, alloc, 0, DMA_RESV_USAGE_READ);
		KUNIT_EXPECT_EQ(test, -EBUSY,
				ks_allocator_submit(alloc, 0, ks_test_file(2)));
		fence_give_back(alloc, way);
		fence_expect(test, alloc, 0);
		KUNIT_EXPECT_EQ(test, -EAGAIN,
				ks_allocator_try_alloc(alloc, &owner, &index));
		fence_signal(test, fence);
		KUNIT_ASSERT_TRUE(test, fence_all_free(alloc));
	}
}

static void fence_do_free(void *alloc)
{
	ks_allocator_free(alloc, 0);
}

/*
 * Passes if a hard interrupt may free a frame with fences, and the last one of
 * them, signalled in another, gives it to the thread that waits (H3, C1, B3).
 */
static void fence_in_interrupts(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner owner = ks_test_owner(0, 0);
	struct dma_fence *fence[3];
	struct ks_test_call *waiter;
	u32 i, index;

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, &owner, &index));
	fence[0] = fence_add(test, alloc, 0, DMA_RESV_USAGE_KERNEL);
	fence[1] = fence_add(test, alloc, 0, DMA_RESV_USAGE_WRITE);
	fence[2] = fence_add(test, alloc, 0, DMA_RESV_USAGE_READ);
	waiter = ks_test_call_alloc(test, file, &owner, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_wait_until(READ_ONCE(alloc->waiting)));
	KUNIT_ASSERT_EQ(test, 0, ks_test_in_hardirq(test, fence_do_free, alloc));
	for (i = 0; i < ARRAY_SIZE(fence); i++) {
		flush_work(&alloc->fence_work);
		KUNIT_ASSERT_TRUE(test, ks_test_pending(waiter));
		ks_test_expect_counts(test, alloc, 1, 0, 1);
		fence_signal(test, fence[i]);
	}
	KUNIT_ASSERT_TRUE(test, ks_test_returned(waiter));
	KUNIT_EXPECT_EQ(test, waiter->ret, 0);
	ks_test_expect_counts(test, alloc, 1, 0, 0);
}

/*
 * Passes if a fence that takes no part in implicit synchronization, as those of
 * memory management, keeps no frame (H3).
 */
static void fence_bookkeeping(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 1);
	struct ks_owner owner = ks_test_owner(0, 0);
	u32 index;

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, &owner, &index));
	fence_add(test, alloc, 0, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0));
	ks_test_expect_counts(test, alloc, 0, 0, 0);
}

/*
 * Passes if the frames of many fences come back each as its own are signalled,
 * and no reference to a fence is kept (H3).
 */
static void fence_many(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, KS_TEST_FRAMES);
	struct ks_owner owner = ks_test_owner(0, 0);
	struct ks_owner other = ks_test_owner(1, 1);
	struct dma_fence *fence[KS_TEST_FRAMES];
	u32 i, index;

	for (i = 0; i < KS_TEST_FRAMES; i++) {
		KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, &owner,
								&index));
		fence[i] = fence_add(test, alloc, i, DMA_RESV_USAGE_READ);
	}
	ks_allocator_reclaim(alloc, &owner);
	for (i = 0; i < KS_TEST_FRAMES; i++) {
		/* An order in which each comes once */
		u32 next = i * 5 % KS_TEST_FRAMES;

		fence_expect(test, alloc, next);
		fence_signal(test, fence[next]);
		KUNIT_ASSERT_TRUE(test,
				  ks_test_wait_until(!ks_allocator_try_alloc(alloc, &other,
									     &index)));
		KUNIT_EXPECT_EQ(test, index, next);
		flush_work(&alloc->fence_work);
		KUNIT_EXPECT_PTR_EQ(test, alloc->frame[next].fence, NULL);
	}
}

/* Passes if an allocator ends although fences are not signalled (H3). */
static void fence_at_the_end(struct kunit *test)
{
	int dma_bufs = ks_test_dma_bufs();
	struct ks_owner owner = ks_test_owner(0, 0);
	struct dma_fence *armed, *fresh;
	struct file *file = ks_test_allocator_file(test, 2);
	struct ks_allocator *alloc = ks_allocator_of(file);
	u32 index;

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, &owner, &index));
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, &owner, &index));
	armed = fence_add(test, alloc, 0, DMA_RESV_USAGE_READ);
	fresh = fence_add(test, alloc, 1, DMA_RESV_USAGE_READ);
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, 0));
	flush_work(&alloc->fence_work);
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, 1));
	/* The file ends here, and what the fences knew is gone before they are */
	ks_test_allocator_end(test, file);
	KUNIT_EXPECT_TRUE(test, ks_test_dma_bufs_become(dma_bufs));
	KUNIT_EXPECT_EQ(test, kref_read(&armed->refcount), 1);
	KUNIT_EXPECT_EQ(test, kref_read(&fresh->refcount), 1);
	fence_signal(test, armed);
	fence_signal(test, fresh);
}

static struct kunit_case fence_cases[] = {
	KUNIT_CASE(fence_every_way),
	KUNIT_CASE(fence_in_interrupts),
	KUNIT_CASE(fence_bookkeeping),
	KUNIT_CASE(fence_many),
	KUNIT_CASE(fence_at_the_end),
	{}
};

static struct kunit_suite fence_suite = {
	.name = "ksalloc_fence",
	.init = ks_test_init,
	.test_cases = fence_cases,
};

kunit_test_suite(fence_suite);
