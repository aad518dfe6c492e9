// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames that are given back while a device still reads them: fences (contract H3).
 *
 * Who hands a frame to another device need not wait for that device before giving
 * the frame back. The device's driver leaves a fence on the frame's dma-buf, or the
 * client does with DMA_BUF_IOCTL_IMPORT_SYNC_FILE, and the frame is nobody's until
 * the last of them is signalled.
 *
 * That is rare, so nothing is clever here: one work item for each allocator looks
 * at all frames that are FENCED, and has a callback on one fence of each. The
 * callback runs under the fence's lock, where one may neither drop the fence's last
 * reference, nor look at another fence, which can have the same lock, nor call those
 * who want to know of free frames; so all it does is to start the work again.
 *
 * The fences that count are those that somebody who wants to write, and takes part
 * in implicit synchronization, waits for: DMA_RESV_USAGE_READ and below. Those of
 * DMA_RESV_USAGE_BOOKKEEP are for memory management. Some of them (preemption
 * fences) are signalled only because somebody waits, and at once replaced by others:
 * a frame would never come back, and the device that has it mapped never get on.
 *
 * See ksalloc_priv.h for objects and locking as a whole.
 */
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/sched.h>

#include "ksalloc_priv.h"

/**
 * ks_frame_idle() - are all devices done with a frame?
 * @frame: the frame
 *
 * Takes no lock of ours, and is to be called before ks_allocator.lock is taken: it
 * can signal a fence, and call whoever waits for that.
 *
 * Context: any, hard interrupts included; takes as long as there are fences. Not
 * under any fence's lock, and so not in a fence's callback: several can share one.
 * Return: whether no fence is left; true where the memory never leaves the kernel.
 */
bool ks_frame_idle(const struct ksalloc_frame *frame)
{
	return !frame->dmabuf ||
	       dma_resv_test_signaled(frame->dmabuf->resv,
				      DMA_RESV_USAGE_READ);
}

static void ks_fence_signalled(struct dma_fence *fence,
			       struct dma_fence_cb *callback)
{
	struct ksalloc_frame *frame = container_of(callback,
						   struct ksalloc_frame,
						   fence_callback);
	struct ks_allocator *alloc = container_of(frame - frame->index,
						  struct ks_allocator,
						  frame[0]);

	schedule_work(&alloc->fence_work);
}

/* A fence on a frame that is not signalled yet, with a reference; or NULL */
static struct dma_fence *ks_fence_get(const struct ksalloc_frame *frame)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;

	dma_resv_iter_begin(&cursor, frame->dmabuf->resv, DMA_RESV_USAGE_READ);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		dma_fence_get(fence);
		break;
	}
	dma_resv_iter_end(&cursor);

	return fence;
}

/* Waits until the callback is over, if it is under way */
static void ks_fence_drop(struct ksalloc_frame *frame)
{
	if (!frame->fence)
		return;
	dma_fence_remove_callback(frame->fence, &frame->fence_callback);
	dma_fence_put(frame->fence);
	frame->fence = NULL;
}

/* Whether there is a fence left, and if so, the work will run when it is signalled */
static bool ks_fence_await(struct ksalloc_frame *frame)
{
	if (frame->fence && !dma_fence_is_signaled(frame->fence))
		return true;
	ks_fence_drop(frame);

	for (;;) {
		frame->fence = ks_fence_get(frame);
		if (!frame->fence)
			return false;
		if (!dma_fence_add_callback(frame->fence,
					    &frame->fence_callback,
					    ks_fence_signalled))
			return true;
		/* Signalled meanwhile */
		dma_fence_put(frame->fence);
	}
}

/* Never runs twice at a time, so the frames' fences need no lock */
static void ks_fence_work(struct work_struct *work)
{
	struct ks_allocator *alloc = container_of(work, struct ks_allocator,
						  fence_work);
	struct ksalloc_frame *frame;

	for (frame = ks_allocator_fenced(alloc, 0); frame;
	     frame = ks_allocator_fenced(alloc, frame->index + 1)) {
		if (!ks_fence_await(frame))
			ks_allocator_unfence(alloc, frame);
		cond_resched();
	}
}

/**
 * ks_fences_begin() - be ready for frames with fences
 * @alloc: an allocator that is being made
 *
 * Context: any.
 */
void ks_fences_begin(struct ks_allocator *alloc)
{
	INIT_WORK(&alloc->fence_work, ks_fence_work);
}

/**
 * ks_fences_end() - wait for no fence any more
 * @alloc: an allocator that nobody has; its frames may be FENCED still
 *
 * The memory is no longer the allocator's then; who reads it has it by himself.
 *
 * Context: process context; sleeps.
 */
void ks_fences_end(struct ks_allocator *alloc)
{
	u32 i;

	/* From here on a callback cannot start it, so none is added either */
	disable_work_sync(&alloc->fence_work);
	for (i = 0; i < alloc->frames; i++)
		ks_fence_drop(&alloc->frame[i]);
}
