// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fences on the memory of frames (contract H3).
 *
 * A client may free a frame while another device still reads it. Then the driver of that
 * device, or the client with DMA_BUF_IOCTL_IMPORT_SYNC_FILE, has added a fence to the
 * dma-buf of the frame. The frame is returned when its fences are signalled.
 *
 * Only fences up to DMA_RESV_USAGE_READ are considered: those that a writer with implicit
 * synchronization waits for. DMA_RESV_USAGE_BOOKKEEP is for memory management. Some of
 * those fences (preemption fences) are signalled only because somebody waits for them, and
 * are replaced immediately, so the frame would never be returned.
 */
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/preempt.h>

#include "allocator.h"

/*
 * Not called under the lock of a fence, and therefore not in the callback of a fence:
 * several fences can share a lock. In a hard interrupt each fence counts as not
 * signalled: the test would call the drivers of the fences, which do not expect it in
 * that context. Takes time for each fence.
 */
bool ks_fences_signaled(struct dma_resv *resv)
{
	/* The usual case: the dma-buf never had a fence */
	if (!rcu_access_pointer(resv->fences))
		return true;
	return !in_hardirq() &&
	       dma_resv_test_signaled(resv, DMA_RESV_USAGE_READ);
}

/* Called under the lock of the fence: see allocator.h */
static void ks_fence_signalled(struct dma_fence *fence,
			       struct dma_fence_cb *callback)
{
	struct ks_fence_wait *wait = container_of(callback,
						  struct ks_fence_wait,
						  callback);

	schedule_work(wait->work);
}

/* Returns a fence that is not signalled, with a reference; or NULL */
static struct dma_fence *ks_fence_get(struct dma_resv *resv)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, resv, DMA_RESV_USAGE_READ);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		dma_fence_get(fence);
		break;
	}
	dma_resv_iter_end(&cursor);

	return fence;
}

/*
 * Ends a wait, if there is one. Waits until the callback has returned, if it is running.
 * Calls for the same @wait must not run concurrently.
 */
void ks_fence_wait_end(struct ks_fence_wait *wait)
{
	if (!wait->fence)
		return;
	dma_fence_remove_callback(wait->fence, &wait->callback);
	dma_fence_put(wait->fence);
	wait->fence = NULL;
}

/*
 * Queues @work when the next fence is signalled. @work has to test all fences again.
 * @wait may already wait for an earlier fence. Returns whether there is a fence to wait
 * for. Calls for the same @wait must not run concurrently.
 */
bool ks_fence_wait_begin(struct ks_fence_wait *wait, struct dma_resv *resv,
			 struct work_struct *work)
{
	if (wait->fence && !dma_fence_is_signaled(wait->fence))
		return true;
	ks_fence_wait_end(wait);

	wait->work = work;
	for (;;) {
		wait->fence = ks_fence_get(resv);
		if (!wait->fence)
			return false;
		if (!dma_fence_add_callback(wait->fence, &wait->callback,
					    ks_fence_signalled))
			return true;
		/* The fence was signalled meanwhile */
		dma_fence_put(wait->fence);
		wait->fence = NULL;
	}
}
