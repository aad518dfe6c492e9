// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_fence": frames that are returned before the fences on their dma-bufs
 * are signalled (contract H3).
 */
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>

#include "ks_test.h"

static DEFINE_SPINLOCK(fence_lock);

static const char *fence_name(struct dma_fence *fence)
{
	return "ksalloc-kunit";
}

static atomic_t fence_asked = ATOMIC_INIT(0);

/* Drivers of fences do not expect to be called in a hard interrupt */
static bool fence_signaled(struct dma_fence *fence)
{
	if (in_hardirq())
		atomic_inc(&fence_asked);
	return false;
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_name,
	.get_timeline_name = fence_name,
	.signaled = fence_signaled,
};

static void fence_put(void *fence)
{
	/* After a failed test the fence may not be signalled yet */
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

/*
 * Adds the fence of a reader to a dma-buf. It is signalled at the end of the test at the
 * latest
 */
static struct dma_fence *fence_add_to(struct kunit *test,
				      struct dma_buf *dmabuf,
				      enum dma_resv_usage usage)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);
	struct dma_resv *resv = dmabuf->resv;
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

/* The same for a frame */
static struct dma_fence *fence_add(struct kunit *test,
				   struct ks_allocator *alloc, u32 index,
				   enum dma_resv_usage usage)
{
	return fence_add_to(test, alloc->frames[index].planes->dmabuf, usage);
}

static void fence_do_signal(void *fence)
{
	dma_fence_signal(fence);
}

/* Signals in a hard interrupt, as drivers of devices do */
static void fence_signal(struct kunit *test, struct dma_fence *fence)
{
	KUNIT_ASSERT_EQ(test, 0, ks_test_in_hardirq(test, fence_do_signal, fence));
}

/* Waits until all frames are free; false if they do not become free */
static bool fence_all_free(struct ks_allocator *alloc)
{
	return ks_test_wait_until(!READ_ONCE(alloc->nr_allocated));
}

/* Checks that a frame is FENCED and has no owner, also while the work runs */
static void fence_expect(struct kunit *test, struct ks_allocator *alloc,
			 struct ks_owner *owner, u32 index)
{
	struct ks_test_frames frames;

	flush_work(&alloc->fence_work);
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.frame[index].state, KS_FRAME_FENCED);
	KUNIT_EXPECT_EQ(test, frames.in_device, 0);
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_allocator_free(alloc, index, false));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_allocator_free(alloc, index, true));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_allocator_submit(alloc, index, ks_test_device(1)));
	ks_allocator_free_owned(alloc, index, owner);
	ks_allocator_reclaim(alloc, owner);
	ks_allocator_reclaim_connection(alloc, ks_test_device(1));
	ks_allocator_take_back(alloc, ks_test_device(1));
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.frame[index].state, KS_FRAME_FENCED);
}

enum fence_way {
	FENCE_FREE,
	FENCE_FREE_OWNED,
	FENCE_RECLAIM,
	FENCE_RECLAIM_CONNECTION,
	FENCE_TAKE_BACK,
	FENCE_UNSUBMIT,
	FENCE_WAYS,
};

static void fence_give_back(struct ks_allocator *alloc, struct ks_owner *owner,
			    enum fence_way way)
{
	switch (way) {
	case FENCE_FREE:
		ks_allocator_free(alloc, 0, false);
		break;
	case FENCE_FREE_OWNED:
		ks_allocator_free_owned(alloc, 0, owner);
		break;
	case FENCE_RECLAIM_CONNECTION:
		ks_allocator_reclaim_connection(alloc, owner->connection);
		break;
	case FENCE_TAKE_BACK:
		ks_allocator_take_back(alloc, ks_test_device(1));
		break;
	default:
		ks_allocator_reclaim(alloc, owner);
	}
	if (way == FENCE_UNSUBMIT)
		ks_allocator_unsubmit(alloc, 0);
}

/*
 * Passes if a frame with a fence cannot be submitted, and is FENCED and without owner until
 * the fence is signalled, for each way in which it can be returned (H3).
 */
static void fence_every_way(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 1);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct dma_fence *fence;
	enum fence_way way;
	u32 index;

	owner->connection = ks_test_device(3);
	for (way = 0; way < FENCE_WAYS; way++) {
		KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner,
								&index));
		if (way == FENCE_TAKE_BACK || way == FENCE_UNSUBMIT)
			ks_allocator_submit(alloc, 0, ks_test_device(1));
		fence = fence_add(test, alloc, 0, DMA_RESV_USAGE_READ);
		KUNIT_EXPECT_EQ(test, -EBUSY,
				ks_allocator_submit(alloc, 0, ks_test_device(2)));
		fence_give_back(alloc, owner, way);
		fence_expect(test, alloc, owner, 0);
		KUNIT_EXPECT_EQ(test, -EAGAIN,
				ks_allocator_try_alloc(alloc, owner, &index));
		fence_signal(test, fence);
		KUNIT_ASSERT_TRUE(test, fence_all_free(alloc));
	}
}

static void fence_do_free(void *alloc)
{
	ks_allocator_free(alloc, 0, false);
}

/*
 * Passes if a hard interrupt may free a frame with fences, and the thread that waits gets
 * it when the last fence is signalled in another interrupt (H3, C1, B3).
 */
static void fence_in_interrupts(struct kunit *test)
{
	struct file *file = ks_test_allocator_file(test, 1);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct dma_fence *fence[3];
	struct ks_test_call *waiter;
	u32 i, index;

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner, &index));
	fence[0] = fence_add(test, alloc, 0, DMA_RESV_USAGE_KERNEL);
	fence[1] = fence_add(test, alloc, 0, DMA_RESV_USAGE_WRITE);
	fence[2] = fence_add(test, alloc, 0, DMA_RESV_USAGE_READ);
	waiter = ks_test_call_alloc(test, file, owner, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_wait_until(READ_ONCE(alloc->nr_waiting)));
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

/**
 * struct fence_in_interrupt - a frame that is freed in an interrupt
 * @alloc: its allocator
 * @ret: result of the free
 * @state: state of the frame right afterwards
 * @asked: number of calls to the driver of a fence in a hard interrupt
 */
struct fence_in_interrupt {
	struct ks_allocator *alloc;
	int ret;
	enum ks_frame_state state;
	int asked;
};

static void fence_free_and_look(void *data)
{
	struct fence_in_interrupt *call = data;

	atomic_set(&fence_asked, 0);
	call->ret = ks_allocator_free(call->alloc, 0, false);
	call->state = READ_ONCE(call->alloc->frames[0].state);
	call->asked = atomic_read(&fence_asked);
}

static void fence_one_plane(void *data)
{
	struct ks_allocator *alloc = data;

	flush_work(&alloc->fence_work);
	spin_lock_irq(&alloc->lock);
	alloc->frames[0].nr_planes = 1;
	alloc->layout.count = 1;
	alloc->nr_frames = 2;
	spin_unlock_irq(&alloc->lock);
}

/*
 * Changes an allocator of two frames with one plane into one of one frame with two planes,
 * until the end of the test.
 */
static struct ks_allocator *fence_two_planes(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 2);

	spin_lock_irq(&alloc->lock);
	list_del_init(&alloc->frames[1].link);
	alloc->nr_frames = 1;
	alloc->layout.count = 2;
	alloc->frames[0].nr_planes = 2;
	spin_unlock_irq(&alloc->lock);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   fence_one_plane,
							   alloc));
	return alloc;
}

/*
 * Passes if a fence that takes no part in implicit synchronization, such as those of memory
 * management, does not keep a frame (H3).
 */
static void fence_bookkeeping(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 1);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	u32 index;

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner, &index));
	fence_add(test, alloc, 0, DMA_RESV_USAGE_BOOKKEEP);
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	ks_test_expect_counts(test, alloc, 0, 0, 0);
}

/*
 * Passes if each of many frames becomes free when its own fences are signalled, and no
 * reference to a fence is leaked (H3).
 */
static void fence_many(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, KS_TEST_FRAMES);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ks_owner *other = ks_test_owner(test, alloc);
	struct dma_fence *fence[KS_TEST_FRAMES];
	u32 i, index;

	for (i = 0; i < KS_TEST_FRAMES; i++) {
		KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner,
								&index));
		fence[i] = fence_add(test, alloc, i, DMA_RESV_USAGE_READ);
	}
	ks_allocator_reclaim(alloc, owner);
	for (i = 0; i < KS_TEST_FRAMES; i++) {
		/* An order in which each frame comes once */
		u32 next = i * 5 % KS_TEST_FRAMES;

		fence_expect(test, alloc, owner, next);
		fence_signal(test, fence[next]);
		KUNIT_ASSERT_TRUE(test,
				  ks_test_wait_until(!ks_allocator_try_alloc(alloc, other,
									     &index)));
		KUNIT_EXPECT_EQ(test, index, next);
		flush_work(&alloc->fence_work);
		KUNIT_EXPECT_NULL(test, alloc->frames[next].fence.fence);
	}
}

/*
 * Passes if a frame that is freed in a hard interrupt becomes FENCED if it has any fence,
 * because fences are not tested in that context, and the work frees it if the fence is
 * already signalled (H3, C1).
 */
static void fence_not_asked_in_interrupt(struct kunit *test)
{
	struct ks_allocator *alloc = ks_test_allocator(test, 1);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct fence_in_interrupt call = { .alloc = alloc };
	struct dma_fence *fence;
	u32 i, index;

	fence = fence_add(test, alloc, 0, DMA_RESV_USAGE_READ);
	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner,
								&index));
		KUNIT_ASSERT_EQ(test, 0,
				ks_test_in_hardirq(test, fence_free_and_look,
						   &call));
		KUNIT_EXPECT_EQ(test, call.ret, 0);
		KUNIT_EXPECT_EQ(test, call.state, KS_FRAME_FENCED);
		KUNIT_EXPECT_EQ(test, call.asked, 0);
		if (!i)
			fence_expect(test, alloc, owner, 0);
		/* The second time the fence is already signalled */
		dma_fence_signal(fence);
		KUNIT_ASSERT_TRUE(test, fence_all_free(alloc));
	}

	/* In a thread the frame becomes free immediately */
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner, &index));
	fence_free_and_look(&call);
	KUNIT_EXPECT_EQ(test, call.state, KS_FRAME_FREE);
}

/*
 * Passes if a frame becomes free when the last fence of all its planes is signalled, in any
 * order of the fences (H3).
 */
static void fence_several_planes(struct kunit *test)
{
	/* All orders of two fences on each of two planes */
	static const u8 orders[][4] = {
		{ 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 2, 0, 3, 1 }, { 1, 3, 0, 2 },
		{ 2, 3, 0, 1 }, { 0, 2, 1, 3 },
	};
	struct ks_allocator *alloc = fence_two_planes(test);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct dma_fence *fence[4];
	u32 i, n, index;

	for (n = 0; n < ARRAY_SIZE(orders); n++) {
		KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner,
								&index));
		for (i = 0; i < ARRAY_SIZE(fence); i++)
			fence[i] = fence_add_to(test, alloc->planes[i / 2].dmabuf,
						DMA_RESV_USAGE_READ);
		KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
		for (i = 0; i < ARRAY_SIZE(fence); i++) {
			fence_expect(test, alloc, owner, 0);
			fence_signal(test, fence[orders[n][i]]);
		}
		KUNIT_ASSERT_TRUE(test, fence_all_free(alloc));
		KUNIT_EXPECT_NULL(test, alloc->frames[0].fence.fence);
	}
}

/*
 * Passes if a fence that is only on the second plane keeps a frame, and prevents its
 * submission (H3).
 */
static void fence_second_plane(struct kunit *test)
{
	struct ks_allocator *alloc = fence_two_planes(test);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct dma_fence *fence;
	u32 index;

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner, &index));
	fence = fence_add_to(test, alloc->planes[1].dmabuf, DMA_RESV_USAGE_READ);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			ks_allocator_submit(alloc, 0, ks_test_device(1)));
	KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	fence_expect(test, alloc, owner, 0);
	fence_signal(test, fence);
	KUNIT_EXPECT_TRUE(test, fence_all_free(alloc));
}

/* Passes if an allocator is freed although fences are not signalled (H3). */
static void fence_at_the_end(struct kunit *test)
{
	int dma_bufs = ks_test_dma_bufs();
	struct file *file = ks_test_allocator_file(test, 2);
	struct ks_allocator *alloc = ks_allocator_of(file);
	struct ks_owner *owner = ks_test_owner_of(file);
	struct dma_fence *armed, *fresh;
	u32 index;

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner, &index));
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(alloc, owner, &index));
	armed = fence_add(test, alloc, 0, DMA_RESV_USAGE_READ);
	fresh = fence_add(test, alloc, 1, DMA_RESV_USAGE_READ);
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, 0, false));
	flush_work(&alloc->fence_work);
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, 1, false));
	/*
	 * The file is released here, and the callbacks on the fences are removed before they are
	 * signalled
	 */
	ks_test_allocator_end(test, file);
	KUNIT_EXPECT_TRUE(test, ks_test_dma_bufs_become(dma_bufs));
	/* A dma-buf drops its fences after it has called release() of its exporter */
	KUNIT_EXPECT_TRUE(test,
			  ks_test_wait_until(kref_read(&armed->refcount) == 1 &&
					     kref_read(&fresh->refcount) == 1));
	fence_signal(test, armed);
	fence_signal(test, fresh);
}

static struct kunit_case fence_cases[] = {
	KUNIT_CASE(fence_every_way),
	KUNIT_CASE(fence_in_interrupts),
	KUNIT_CASE(fence_bookkeeping),
	KUNIT_CASE(fence_many),
	KUNIT_CASE(fence_not_asked_in_interrupt),
	KUNIT_CASE(fence_several_planes),
	KUNIT_CASE(fence_second_plane),
	KUNIT_CASE(fence_at_the_end),
	{}
};

static struct kunit_suite fence_suite = {
	.name = "ksalloc_fence",
	.init = ks_test_init,
	.test_cases = fence_cases,
};

kunit_test_suite(fence_suite);
