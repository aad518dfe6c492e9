// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frames of an allocator: which owner holds which frame, and frames that wait for their
 * fences. allocator.h describes the rules.
 */
#include <kunit/visibility.h>
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

/**
 * ks_allocator_try_alloc() - allocate a free frame
 * @alloc: the allocator
 * @owner: the owner that gets it
 * @index: the index of the frame; not written on failure
 *
 * Contract B1.
 *
 * Context: any.
 * Return: 0, or -EAGAIN if none is free.
 */
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

/**
 * ks_allocator_alloc() - allocate a frame, and wait if no frame is free
 * @alloc: the allocator
 * @owner: the owner that gets it
 * @deadline_ns: when to stop waiting, on CLOCK_MONOTONIC; 0 for no deadline
 * @index: the index of the frame; not written on failure
 *
 * Contract B2 to B4.
 *
 * Context: process context; sleeps.
 * Return: 0; -ERESTARTSYS; -ETIMEDOUT; -ECANCELED after ks_allocator_cancel(). After
 * ks_allocator_end_owner(), -ECANCELED if no frame is free.
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

/**
 * ks_allocator_free() - free an allocated frame
 * @alloc: the allocator
 * @index: the index of the frame; any owner may hold it
 * @kernel: the caller is a kernel client. Only kernel clients can free frames that a kernel
 *	client holds
 *
 * Contract B3, B5, H3.
 *
 * Context: any, but see ks_fences_signaled().
 * Return: 0; -EINVAL if there is no such frame or it is free or FENCED; -EBUSY if it is
 * in a device, or a kernel client holds it.
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

/**
 * ks_allocator_free_owned() - free a frame if an owner still holds it
 * @alloc: the allocator
 * @index: the index of the frame
 * @owner: the owner
 *
 * Context: any, but see ks_fences_signaled().
 */
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

/**
 * ks_allocator_submit() - give an allocated frame to a device
 * @alloc: the allocator
 * @index: the index of the frame; any owner except a kernel client may hold it
 * @connection: the connection to the device
 *
 * Contract H3.
 *
 * Context: any, but see ks_fences_signaled().
 * Return: 0; -EINVAL if there is no such frame or it is free or FENCED; -EBUSY if it is
 * in a device, a kernel client holds it, or a fence on it is not signalled.
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

/**
 * ks_allocator_unsubmit() - undo ks_allocator_submit()
 * @alloc: the allocator
 * @index: the index of a frame that the device did not accept
 *
 * The frame is allocated to its owner again. If that owner was closed meanwhile, the frame
 * becomes free.
 *
 * Context: any, but see ks_fences_signaled().
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

/**
 * ks_allocator_recycle() - give a frame to a device again, without making it free
 * @alloc: the allocator
 * @index: the index of a frame that @owner may hold
 * @owner: the owner, which can be a kernel client
 * @connection: the connection to the device
 *
 * Context: process context; does not sleep.
 * Return: whether the frame is IN_DEVICE now. It is not if @owner does not hold it, a request
 * waits for a frame, or a fence on it is not signalled.
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

/**
 * ks_allocator_deliver() - allocate a frame in a device to an owner
 * @alloc: the allocator
 * @index: the index of a frame in a device
 * @owner: the owner that gets it
 *
 * Context: process context; does not sleep.
 */
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

/**
 * ks_allocator_take_back() - take all frames back from a device
 * @alloc: the allocator
 * @connection: the connection to the device. The device does not access the frames any more
 *	and gets no other frames during this call
 *
 * Context: process context; may sleep.
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

/**
 * ks_allocator_abandon() - keep frames IN_DEVICE until the allocator is freed
 * @alloc: the allocator
 * @connection: the connection to the device, which may access the frames until the
 *	allocator is freed
 *
 * The frames belong to no connection after this.
 *
 * Context: process context; may sleep.
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
 * Takes a frame back if @owner holds it or, for an @owner of NULL, if any open file of
 * @connection holds it
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

/**
 * ks_allocator_reclaim() - take back the frames of an owner
 * @alloc: the allocator
 * @owner: the owner, which gets no frames during this call
 *
 * Frames that it has submitted stay in the device. No frame refers to the owner after this.
 * Contract B7.
 *
 * Context: process context; may sleep.
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

/**
 * ks_allocator_reclaim_connection() - take back the frames of all open files of a
 * connection
 * @alloc: the allocator
 * @connection: the connection, whose open files get no frames during this call
 *
 * Context: process context; may sleep.
 */
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
 * Frees the FENCED frames whose fences are signalled. The frames on the local list are accessed
 * only by this work, which does not run concurrently with itself, so no lock is needed
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

/**
 * ks_pool_init() - initialize the frame lists of an allocator
 * @alloc: a zeroed allocator
 *
 * Context: any.
 */
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

/**
 * ks_pool_begin() - make the frames of a new allocator free
 * @alloc: the allocator. All frames have memory, and nothing has failed
 *
 * Imported memory can have fences already. Such a frame is FENCED first. Contract H3.
 *
 * Context: process context; may sleep.
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

/**
 * ks_pool_end() - stop waiting for fences
 * @alloc: an allocator without references. Its frames may still be FENCED
 *
 * The memory of a FENCED frame can still be read, because each reader has a reference to
 * the dma-buf.
 *
 * Context: process context; sleeps.
 */
void ks_pool_end(struct ks_allocator *alloc)
{
	u32 i;

	/* After this, callbacks cannot queue the work, and no callback is added */
	disable_work_sync(&alloc->fence_work);
	for (i = 0; i < alloc->nr_frames; i++)
		ks_fence_wait_end(&alloc->frames[i].fence);
}
