// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frames of an allocator: which owner holds which frame, and frames that wait for their
 * fences. allocator.h describes the rules.
 */
#include <kunit/visibility.h>
#include <linux/dma-resv.h>
#include <linux/lockdep.h>
#include <linux/poll.h>

#include "allocator.h"
#include "trace.h"
#include "waiter.h"

/*
 * Whether all fences of a frame are signalled. Must be called before ks_allocator.lock is
 * taken, because the test can signal fences, and that calls the callbacks on them.
 */
static bool ks_frame_is_idle(const struct ksalloc_frame *frame)
{
	u32 i;

	for (i = 0; i < frame->nr_planes; i++) {
		struct dma_buf *dmabuf = frame->planes[i].dmabuf;

		if (dmabuf && !ks_fences_signaled(dmabuf->resv))
			return false;
	}
	return true;
}

/* Whether a fence was ever added to a frame */
static bool ks_frame_had_fences(const struct ksalloc_frame *frame)
{
	u32 i;

	for (i = 0; i < frame->nr_planes; i++) {
		struct dma_buf *dmabuf = frame->planes[i].dmabuf;

		if (dmabuf && rcu_access_pointer(dmabuf->resv->fences))
			return true;
	}
	return false;
}

static void ks_frame_allocate(struct ks_allocator *alloc,
			      struct ksalloc_frame *frame,
			      struct ks_owner *owner)
{
	lockdep_assert_held(&alloc->lock);

	list_del_init(&frame->link);
	frame->owner = owner;
	frame->holds = 1;
	frame->state = KS_FRAME_ALLOCATED;
	alloc->nr_allocated++;
}

/* Gives a frame to the oldest waiter, or makes it free. Returns whether it became free */
static bool ks_frame_free(struct ks_allocator *alloc,
			  struct ksalloc_frame *frame)
{
	struct ks_waiter *waiter = ks_first_waiter(alloc);

	lockdep_assert_held(&alloc->lock);

	/* A frame that is given to a waiter is FREE in between, as counts and traces show */
	alloc->nr_allocated--;
	frame->state = KS_FRAME_FREE;
	list_add_tail(&frame->link, &alloc->free);
	trace_ksalloc_free(alloc, frame->index);
	if (!waiter)
		return true;

	ks_frame_allocate(alloc, frame, waiter->owner);
	ks_waiter_serve(alloc, waiter, frame);
	return false;
}

/* Lets a frame that nobody holds wait for its fences */
static void ks_frame_fence(struct ks_allocator *alloc,
			   struct ksalloc_frame *frame)
{
	lockdep_assert_held(&alloc->lock);

	frame->state = KS_FRAME_FENCED;
	list_add_tail(&frame->link, &alloc->fenced);
	alloc->nr_fenced++;
	schedule_work(&alloc->fence_work);
}

/*
 * Ends one hold of a frame. @idle is the result of ks_frame_is_idle() before the lock was
 * taken. Returns whether the frame became free. The caller passes that to
 * ks_allocator_unlock().
 */
static bool ks_frame_put(struct ks_allocator *alloc,
			 struct ksalloc_frame *frame, bool idle)
{
	lockdep_assert_held(&alloc->lock);

	if (--frame->holds)
		return false;
	if (frame->state == KS_FRAME_IN_DEVICE)
		alloc->nr_in_device--;
	frame->owner = NULL;
	frame->connection = NULL;
	if (likely(idle))
		return ks_frame_free(alloc, frame);
	ks_frame_fence(alloc, frame);
	return false;
}

static void ks_allocator_wake(struct ks_allocator *alloc)
{
	if (wq_has_sleeper(&alloc->wait))
		wake_up_poll(&alloc->wait, EPOLLIN | EPOLLRDNORM);
}

static bool ks_allocator_has_notifier(const struct ks_allocator *alloc)
{
	lockdep_assert_held(&alloc->lock);

	return !list_empty(&alloc->notifiers.always) ||
	       !list_empty(&alloc->notifiers.once);
}

static void ks_allocator_unlock_and_notify(struct ks_allocator *alloc,
					   unsigned long flags)
	__releases(&alloc->lock)
{
	LIST_HEAD(once);

	/* Begins before the unlock, so that @once is not freed until it was called */
	rcu_read_lock();
	ks_notify_take_once(&alloc->notifiers, &once);
	spin_unlock_irqrestore(&alloc->lock, flags);

	ks_allocator_wake(alloc);
	ks_notify_call_once(&once);
	ks_notify_call(&alloc->notifiers);
	rcu_read_unlock();
}

/* Releases the lock. If a frame became free, wakes pollers and calls notifiers (C3, E1) */
static void ks_allocator_unlock(struct ks_allocator *alloc,
				unsigned long flags, bool freed)
	__releases(&alloc->lock)
{
	if (!freed) {
		spin_unlock_irqrestore(&alloc->lock, flags);
	} else if (ks_allocator_has_notifier(alloc)) {
		ks_allocator_unlock_and_notify(alloc, flags);
	} else {
		spin_unlock_irqrestore(&alloc->lock, flags);
		ks_allocator_wake(alloc);
	}
}

/* Allocates the frame that has been free the longest; NULL if no frame is free */
static struct ksalloc_frame *ks_frame_take(struct ks_allocator *alloc,
					   struct ks_owner *owner)
{
	struct ksalloc_frame *frame;

	lockdep_assert_held(&alloc->lock);

	frame = list_first_entry_or_null(&alloc->free, struct ksalloc_frame, link);
	if (frame)
		ks_frame_allocate(alloc, frame, owner);
	return frame;
}

/* Allocates a free frame; -EAGAIN if none is free (contract B1). Any context */
int ks_allocator_try_alloc(struct ks_allocator *alloc, struct ks_owner *owner,
			   u32 *index)
{
	struct ksalloc_frame *frame;
	unsigned long flags;

	spin_lock_irqsave(&alloc->lock, flags);
	frame = ks_frame_take(alloc, owner);
	spin_unlock_irqrestore(&alloc->lock, flags);
	if (!frame)
		return -EAGAIN;

	*index = frame->index;
	trace_ksalloc_alloc(alloc, *index);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_try_alloc);

/*
 * Allocates a frame, and waits if no frame is free (contract B2 to B4). @deadline_ns is
 * on CLOCK_MONOTONIC; 0 for no deadline. Returns -ERESTARTSYS; -ETIMEDOUT; -ECANCELED if
 * ks_allocator_cancel() is called during the wait, or, if no frame is free, after
 * ks_allocator_end_owner().
 */
int ks_allocator_alloc(struct ks_allocator *alloc, struct ks_owner *owner,
		       u64 deadline_ns, u32 *index)
{
	struct ks_waiter waiter __uninitialized;
	struct ksalloc_frame *frame;

	spin_lock_irq(&alloc->lock);
	frame = ks_frame_take(alloc, owner);
	if (!frame && owner->ended)
		frame = ERR_PTR(-ECANCELED);
	else if (!frame)
		ks_waiter_begin(alloc, &waiter, owner);
	spin_unlock_irq(&alloc->lock);

	if (!frame) {
		ks_notify_waiting(&alloc->notifiers);
		frame = ks_waiter_wait(alloc, &waiter, deadline_ns);
	}
	if (IS_ERR(frame))
		return PTR_ERR(frame);

	*index = frame->index;
	trace_ksalloc_alloc(alloc, *index);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_alloc);

/*
 * Frees an allocated frame. Any owner may hold it, but only kernel clients (@kernel) can
 * free frames of kernel clients and of feeds (contract B3, B5, H3). Returns -EINVAL if there
 * is no such frame or it is free or FENCED; -EBUSY if it is in a device, or an owner with
 * ks_owner.kernel holds it. Any context, but see ks_fences_signaled().
 */
int ks_allocator_free(struct ks_allocator *alloc, u32 index, bool kernel)
{
	struct ksalloc_frame *frame = ks_frame_at(alloc, index);
	bool idle, freed = false;
	unsigned long flags;
	int ret = -EINVAL;

	if (!frame)
		return -EINVAL;

	idle = ks_frame_is_idle(frame);
	spin_lock_irqsave(&alloc->lock, flags);
	if (frame->state == KS_FRAME_IN_DEVICE) {
		ret = -EBUSY;
	} else if (frame->state == KS_FRAME_ALLOCATED) {
		ret = frame->owner->kernel && !kernel ? -EBUSY : 0;
		if (!ret)
			freed = ks_frame_put(alloc, frame, idle);
	}
	ks_allocator_unlock(alloc, flags, freed);

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_free);

/* Frees a frame if @owner still holds it. Any context, but see ks_fences_signaled() */
void ks_allocator_free_owned(struct ks_allocator *alloc, u32 index,
			     const struct ks_owner *owner)
{
	struct ksalloc_frame *frame = &alloc->frames[index];
	bool idle = ks_frame_is_idle(frame);
	unsigned long flags;
	bool freed = false;

	spin_lock_irqsave(&alloc->lock, flags);
	if (frame->state == KS_FRAME_ALLOCATED && frame->owner == owner)
		freed = ks_frame_put(alloc, frame, idle);
	ks_allocator_unlock(alloc, flags, freed);
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_free_owned);

/*
 * Like ks_allocator_free_owned(), but if this returns true, the frame became free, and the caller
 * has to call ks_allocator_notify_free(). It may hold a spinlock now, but not then. If the frame
 * has had fences, alloc->fence_work tests them, because that can call functions of others
 */
bool ks_allocator_free_quietly(struct ks_allocator *alloc, u32 index,
			       const struct ks_owner *owner)
{
	struct ksalloc_frame *frame = &alloc->frames[index];
	bool idle = !ks_frame_had_fences(frame);
	bool freed = false;

	lockdep_assert_irqs_enabled();

	spin_lock_irq(&alloc->lock);
	if (frame->state == KS_FRAME_ALLOCATED && frame->owner == owner)
		freed = ks_frame_put(alloc, frame, idle);
	spin_unlock_irq(&alloc->lock);
	return freed;
}

void ks_allocator_notify_free(struct ks_allocator *alloc)
{
	unsigned long flags;

	spin_lock_irqsave(&alloc->lock, flags);
	ks_allocator_unlock(alloc, flags, true);
}

/*
 * Makes an allocated frame IN_DEVICE (contract H3). The caller then gives it to the device.
 * Returns -EINVAL if there is no such frame or it is free or FENCED; -EBUSY if it is in a
 * device, an owner with ks_owner.kernel holds it, or a fence on it is not signalled. Any
 * context, but see ks_fences_signaled().
 */
int ks_allocator_submit(struct ks_allocator *alloc, u32 index,
			const struct ks_connection *connection)
{
	struct ksalloc_frame *frame = ks_frame_at(alloc, index);
	unsigned long flags;
	int ret = -EINVAL;
	bool idle;

	if (!frame)
		return -EINVAL;

	idle = ks_frame_is_idle(frame);
	spin_lock_irqsave(&alloc->lock, flags);
	if (frame->state == KS_FRAME_IN_DEVICE ||
	    (frame->state == KS_FRAME_ALLOCATED &&
	     (unlikely(!idle) || frame->owner->kernel))) {
		ret = -EBUSY;
	} else if (frame->state == KS_FRAME_ALLOCATED) {
		frame->connection = connection;
		frame->state = KS_FRAME_IN_DEVICE;
		alloc->nr_in_device++;
		ret = 0;
	}
	spin_unlock_irqrestore(&alloc->lock, flags);

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_submit);

/*
 * Undoes ks_allocator_submit(), because the device refused the frame. If its owner was
 * closed meanwhile, the frame is freed. Any context, but see ks_fences_signaled().
 */
void ks_allocator_unsubmit(struct ks_allocator *alloc, u32 index)
{
	struct ksalloc_frame *frame = &alloc->frames[index];
	bool idle = ks_frame_is_idle(frame);
	unsigned long flags;
	bool freed = false;

	spin_lock_irqsave(&alloc->lock, flags);
	if (frame->owner) {
		frame->connection = NULL;
		frame->state = KS_FRAME_ALLOCATED;
		alloc->nr_in_device--;
	} else {
		freed = ks_frame_put(alloc, frame, idle);
	}
	ks_allocator_unlock(alloc, flags, freed);
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_unsubmit);

/*
 * Makes a frame of a feed IN_DEVICE again, without making it free. Returns false, and changes
 * nothing, if @owner does not hold it, a request waits for a frame, or a fence on it is not
 * signalled.
 */
bool ks_allocator_recycle(struct ks_allocator *alloc, u32 index,
			  const struct ks_owner *owner,
			  const struct ks_connection *connection)
{
	struct ksalloc_frame *frame = &alloc->frames[index];
	bool idle = ks_frame_is_idle(frame), given;

	lockdep_assert_irqs_enabled();

	spin_lock_irq(&alloc->lock);
	given = idle && list_empty(&alloc->waiters) &&
		frame->state == KS_FRAME_ALLOCATED && frame->owner == owner;
	if (given) {
		frame->connection = connection;
		frame->state = KS_FRAME_IN_DEVICE;
		alloc->nr_in_device++;
	}
	spin_unlock_irq(&alloc->lock);

	return given;
}

/* Allocates a frame that is in a device to @owner */
void ks_allocator_deliver(struct ks_allocator *alloc, u32 index,
			  struct ks_owner *owner)
{
	struct ksalloc_frame *frame = &alloc->frames[index];

	lockdep_assert_irqs_enabled();

	spin_lock_irq(&alloc->lock);
	frame->owner = owner;
	frame->connection = NULL;
	frame->state = KS_FRAME_ALLOCATED;
	alloc->nr_in_device--;
	spin_unlock_irq(&alloc->lock);
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_deliver);

/*
 * Takes all frames back from a device, which does not access them any more and gets no
 * other frames during this call.
 */
void ks_allocator_take_back(struct ks_allocator *alloc,
			    const struct ks_connection *connection)
{
	unsigned long flags;
	u32 i;

	might_sleep();

	/* The lock is dropped after each frame, because returning a frame takes time */
	for (i = 0; i < alloc->nr_frames; i++) {
		struct ksalloc_frame *frame = &alloc->frames[i];
		bool idle = ks_frame_is_idle(frame), freed = false;

		spin_lock_irqsave(&alloc->lock, flags);
		if (frame->state == KS_FRAME_IN_DEVICE &&
		    frame->connection == connection)
			freed = ks_frame_put(alloc, frame, idle);
		ks_allocator_unlock(alloc, flags, freed);
		cond_resched();
	}
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_take_back);

/*
 * Keeps the frames of a device IN_DEVICE. It may access them until the allocator is
 * freed. They belong to no connection after this.
 */
void ks_allocator_abandon(struct ks_allocator *alloc,
			  const struct ks_connection *connection)
{
	u32 i;

	might_sleep();

	for (i = 0; i < alloc->nr_frames; i++) {
		struct ksalloc_frame *frame = &alloc->frames[i];

		spin_lock_irq(&alloc->lock);
		if (frame->state == KS_FRAME_IN_DEVICE &&
		    frame->connection == connection) {
			/* Frames that circulate have the owner of the connection, which is freed */
			frame->owner = NULL;
			frame->connection = NULL;
			alloc->nr_in_device--;
		}
		spin_unlock_irq(&alloc->lock);
		cond_resched();
	}
}

/*
 * Takes a frame back if @owner holds it. If @owner has submitted it, only clears the owner. An
 * @owner of NULL stands for all owners of @connection: its open files and its feed
 */
static void ks_frame_reclaim(struct ks_allocator *alloc,
			     struct ksalloc_frame *frame,
			     const struct ks_owner *owner,
			     const struct ks_connection *connection)
{
	bool idle = ks_frame_is_idle(frame), freed = false;
	unsigned long flags;

	spin_lock_irqsave(&alloc->lock, flags);
	if (!frame->owner ||
	    (owner ? frame->owner != owner :
		     frame->owner->connection != connection))
		goto out;
	if (frame->state == KS_FRAME_ALLOCATED)
		freed = ks_frame_put(alloc, frame, idle);
	else
		frame->owner = NULL;
out:
	ks_allocator_unlock(alloc, flags, freed);
}

/*
 * Takes back the frames of an owner, which gets none during this call (contract B7).
 * Frames that it has submitted stay in the device. No frame refers to the owner after
 * this.
 */
void ks_allocator_reclaim(struct ks_allocator *alloc,
			  const struct ks_owner *owner)
{
	u32 i;

	might_sleep();

	for (i = 0; i < alloc->nr_frames; i++) {
		ks_frame_reclaim(alloc, &alloc->frames[i], owner, NULL);
		cond_resched();
	}
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_reclaim);

/* As ks_allocator_reclaim(), for all open files of a connection and its feed */
void ks_allocator_reclaim_connection(struct ks_allocator *alloc,
				     const struct ks_connection *connection)
{
	u32 i;

	might_sleep();

	for (i = 0; i < alloc->nr_frames; i++) {
		ks_frame_reclaim(alloc, &alloc->frames[i], NULL, connection);
		cond_resched();
	}
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_reclaim_connection);

/*
 * Whether a frame has fences that are not signalled. If it has, the work is queued again
 * when one is signalled
 */
static bool ks_frame_wait_fences(struct ks_allocator *alloc,
				 struct ksalloc_frame *frame)
{
	u32 i;

	for (i = 0; i < frame->nr_planes; i++) {
		struct dma_buf *dmabuf = frame->planes[i].dmabuf;

		if (dmabuf && ks_fence_wait_begin(&frame->fence, dmabuf->resv,
						  &alloc->fence_work))
			return true;
	}
	return false;
}

static void ks_frame_unfence(struct ks_allocator *alloc,
			     struct ksalloc_frame *frame)
{
	unsigned long flags;
	bool freed;

	spin_lock_irqsave(&alloc->lock, flags);
	list_del_init(&frame->link);
	alloc->nr_fenced--;
	freed = ks_frame_free(alloc, frame);
	ks_allocator_unlock(alloc, flags, freed);
}

/*
 * Frees the FENCED frames whose fences are signalled. Only this work, which does not run
 * concurrently with itself, uses the links and fences of the frames on the local list, so it walks
 * the list without the lock
 */
static void ks_fence_work(struct work_struct *work)
{
	struct ks_allocator *alloc = container_of(work, struct ks_allocator,
						  fence_work);
	struct ksalloc_frame *frame, *next;
	LIST_HEAD(fenced);

	spin_lock_irq(&alloc->lock);
	list_splice_init(&alloc->fenced, &fenced);
	spin_unlock_irq(&alloc->lock);

	list_for_each_entry_safe(frame, next, &fenced, link) {
		if (!ks_frame_wait_fences(alloc, frame))
			ks_frame_unfence(alloc, frame);
		cond_resched();
	}

	spin_lock_irq(&alloc->lock);
	list_splice(&fenced, &alloc->fenced);
	spin_unlock_irq(&alloc->lock);
}

/* @alloc is a zeroed allocator */
void ks_pool_init(struct ks_allocator *alloc)
{
	spin_lock_init(&alloc->lock);
	INIT_LIST_HEAD(&alloc->free);
	INIT_LIST_HEAD(&alloc->fenced);
	INIT_LIST_HEAD(&alloc->waiters);
	ks_notify_init(&alloc->notifiers);
	init_waitqueue_head(&alloc->wait);
	INIT_WORK(&alloc->fence_work, ks_fence_work);
}

/*
 * Makes the frames of a new allocator free. This is the last step of its creation: from here on,
 * only ks_pool_end() ends @fence_work. Imported memory can have fences already. Such a frame is
 * FENCED first (contract H3).
 */
void ks_pool_begin(struct ks_allocator *alloc)
{
	u32 i;

	might_sleep();

	for (i = 0; i < alloc->nr_frames; i++) {
		struct ksalloc_frame *frame = &alloc->frames[i];
		bool idle = ks_frame_is_idle(frame);

		spin_lock_irq(&alloc->lock);
		if (likely(idle)) {
			list_add_tail(&frame->link, &alloc->free);
		} else {
			alloc->nr_allocated++;
			ks_frame_fence(alloc, frame);
		}
		spin_unlock_irq(&alloc->lock);
		cond_resched();
	}
}

/*
 * Stops waiting for fences. The allocator has no references. Devices and programs that still
 * read FENCED frames have references to the dma-bufs.
 */
void ks_pool_end(struct ks_allocator *alloc)
{
	u32 i;

	/* After this, callbacks cannot queue the work, and no callback is added */
	disable_work_sync(&alloc->fence_work);
	for (i = 0; i < alloc->nr_frames; i++)
		ks_fence_wait_end(&alloc->frames[i].fence);
}
