// SPDX-License-Identifier: GPL-2.0-only
/*
 * The frames of an allocator: who has which, and who waits for one.
 *
 * The one rule that everything here follows: the free list holds frames only
 * while nobody waits. A frame that becomes free goes straight to the oldest
 * waiter, so no newcomer can overtake it (contract B3), and whoever finds a
 * frame on the free list may take it at once.
 *
 * A waiter is on its waiter's stack. It leaves the list under ks_allocator.lock
 * and is woken under it, and the waiter takes the lock once more before it
 * returns, so nobody touches a waiter that is gone. What reaches it last in that
 * moment counts: a frame wins over a signal or a deadline, and nothing is lost.
 *
 * See ksalloc_priv.h for objects and locking as a whole.
 */
#include <kunit/visibility.h>
#include <linux/hrtimer.h>
#include <linux/lockdep.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "ksalloc_priv.h"
#include "trace.h"

/**
 * struct ks_waiter - a pending KSALLOC_ALLOC
 * @link: on &ks_allocator.waiters until it is served or gives up
 * @task: whom to wake
 * @owner: whose the frame will be
 * @frame: the frame, once there is one
 * @error: why there will be none
 */
struct ks_waiter {
	struct list_head link;
	struct task_struct *task;
	struct ks_owner owner;
	struct ksalloc_frame *frame;
	int error;
};

static bool ks_owner_equal(const struct ks_owner *a, const struct ks_owner *b)
{
	return a->file == b->file && a->files == b->files;
}

/* A frame with a certain index, NULL where the index is out of range */
struct ksalloc_frame *ks_frame_at(struct ks_allocator *alloc, u32 index)
{
	if (index >= alloc->frames)
		return NULL;
	return &alloc->frame[array_index_nospec(index, alloc->frames)];
}

static void ks_frame_allocate(struct ks_allocator *alloc,
			      struct ksalloc_frame *frame,
			      const struct ks_owner *owner)
{
	lockdep_assert_held(&alloc->lock);

	list_del_init(&frame->link);
	frame->owner = *owner;
	frame->state = KS_FRAME_ALLOCATED;
	alloc->allocated++;
}

static void ks_waiter_end(struct ks_allocator *alloc, struct ks_waiter *waiter)
{
	lockdep_assert_held(&alloc->lock);

	list_del_init(&waiter->link);
	alloc->waiting--;
	wake_up_process(waiter->task);
}

/*
 * Makes a frame the oldest waiter's, or free: whether it became free. Who calls it
 * ends with ks_allocator_unlock()
 */
static bool ks_frame_free(struct ks_allocator *alloc,
			  struct ksalloc_frame *frame)
{
	struct ks_waiter *waiter;

	lockdep_assert_held(&alloc->lock);

	if (frame->state == KS_FRAME_IN_DEVICE)
		alloc->in_device--;
	alloc->allocated--;
	frame->state = KS_FRAME_FREE;
	list_add_tail(&frame->link, &alloc->free);
	trace_ksalloc_free(alloc, frame->index);

	waiter = list_first_entry_or_null(&alloc->waiters, struct ks_waiter,
					  link);
	if (!waiter)
		return true;

	ks_frame_allocate(alloc, frame, &waiter->owner);
	WRITE_ONCE(waiter->frame, frame);
	ks_waiter_end(alloc, waiter);
	return false;
}

/*
 * Ends a frame's use: whether it became free, as ks_frame_free(). @idle is what
 * ks_frame_idle() said before the lock was taken: who frees a frame twice can have
 * asked about a use that is over. Contract H3
 */
static bool ks_frame_return(struct ks_allocator *alloc,
			    struct ksalloc_frame *frame, bool idle)
{
	lockdep_assert_held(&alloc->lock);

	if (likely(idle))
		return ks_frame_free(alloc, frame);

	if (frame->state == KS_FRAME_IN_DEVICE)
		alloc->in_device--;
	frame->owner = (struct ks_owner){};
	frame->connection = NULL;
	frame->state = KS_FRAME_FENCED;
	alloc->fenced++;
	schedule_work(&alloc->fence_work);
	return false;
}

/*
 * Releases the lock, and where a frame became free under it, tells all who want to
 * know: pollers, events and clients (contract C3, E1)
 */
static void ks_allocator_unlock(struct ks_allocator *alloc,
				unsigned long flags, bool freed)
	__releases(&alloc->lock)
{
	LIST_HEAD(oneshots);

	if (freed && unlikely(!list_empty(&alloc->oneshots)))
		ks_oneshots_take(alloc, &oneshots);
	spin_unlock_irqrestore(&alloc->lock, flags);
	if (!freed)
		return;

	if (wq_has_sleeper(&alloc->wait))
		wake_up_poll(&alloc->wait, EPOLLIN | EPOLLRDNORM);
	if (unlikely(!list_empty(&oneshots)))
		ks_oneshots_tell(&oneshots);
	if (unlikely(!list_empty(&alloc->listeners)))
		ks_listeners_tell(alloc);
}

/* Sleeps until the waiter is served, a signal, or the deadline */
static int ks_waiter_sleep(struct ks_waiter *waiter, u64 deadline_ns)
{
	ktime_t deadline = ns_to_ktime(min_t(u64, deadline_ns, KTIME_MAX));
	int ret = 0;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (READ_ONCE(waiter->frame) || READ_ONCE(waiter->error))
			break;
		if (signal_pending(current)) {
			ret = -ERESTARTSYS;
			break;
		}
		if (!schedule_hrtimeout(deadline_ns ? &deadline : NULL,
					HRTIMER_MODE_ABS)) {
			ret = -ETIMEDOUT;
			break;
		}
	}
	__set_current_state(TASK_RUNNING);

	return ret;
}

/* The frame that has been free the longest, for an owner; NULL where none is */
static struct ksalloc_frame *ks_frame_take(struct ks_allocator *alloc,
					   const struct ks_owner *owner)
{
	struct ksalloc_frame *frame;

	lockdep_assert_held(&alloc->lock);

	frame = list_first_entry_or_null(&alloc->free, struct ksalloc_frame, link);
	if (frame)
		ks_frame_allocate(alloc, frame, owner);
	return frame;
}

/**
 * ks_allocator_try_alloc() - take a free frame
 * @alloc: the allocator
 * @owner: whose it shall be
 * @index: the frame; not written to on failure
 *
 * Contract B1.
 *
 * Context: any, hard interrupts included.
 * Return: 0, or -EAGAIN where none is free.
 */
int ks_allocator_try_alloc(struct ks_allocator *alloc,
			   const struct ks_owner *owner, u32 *index)
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

/* Whether the owner went just before its waiter could be seen */
static bool ks_owner_gone(const struct ks_owner *owner)
{
	if (!owner->file)
		return ks_client_gone(owner);
	return owner->files == current->files &&
	       ks_closed_last(owner->file, owner->files);
}

/**
 * ks_allocator_alloc() - take a free frame, or wait for one
 * @alloc: the allocator
 * @owner: whose it shall be
 * @deadline_ns: when to stop waiting, on CLOCK_MONOTONIC; 0 for never
 * @index: the frame; not written to on failure
 *
 * Contract B2 to B4.
 *
 * Context: process context; sleeps.
 * Return: 0; -ERESTARTSYS or -ETIMEDOUT; -ECANCELED where the owner's last
 * descriptor was closed, or the client destroyed.
 */
int ks_allocator_alloc(struct ks_allocator *alloc, const struct ks_owner *owner,
		       u64 deadline_ns, u32 *index)
{
	struct ks_waiter waiter = { .task = current, .owner = *owner };
	struct ksalloc_frame *frame;
	int ret = 0;

	might_sleep();

	spin_lock_irq(&alloc->lock);
	frame = ks_frame_take(alloc, owner);
	if (!frame) {
		list_add_tail(&waiter.link, &alloc->waiters);
		alloc->waiting++;
	}
	spin_unlock_irq(&alloc->lock);

	if (!frame) {
		trace_ksalloc_wait(alloc, deadline_ns);
		if (ks_owner_gone(owner))
			ret = -ECANCELED;
		else
			ret = ks_waiter_sleep(&waiter, deadline_ns);

		spin_lock_irq(&alloc->lock);
		if (!list_empty(&waiter.link)) {
			list_del(&waiter.link);
			alloc->waiting--;
		}
		spin_unlock_irq(&alloc->lock);

		frame = waiter.frame;
		if (!frame)
			return waiter.error ?: ret;
	}

	*index = frame->index;
	trace_ksalloc_alloc(alloc, *index);
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_alloc);

/**
 * ks_allocator_free() - free an allocated frame
 * @alloc: the allocator
 * @index: which frame, whoever's it is
 *
 * Contract B3, B5, H3.
 *
 * Context: any, hard interrupts included, but as ks_frame_idle() says.
 * Return: 0; -EINVAL where there is no such frame or it is free or FENCED; -EBUSY
 * where it is in a device.
 */
int ks_allocator_free(struct ks_allocator *alloc, u32 index)
{
	struct ksalloc_frame *frame = ks_frame_at(alloc, index);
	unsigned long flags;
	bool idle, freed = false;
	int ret = -EINVAL;

	if (!frame)
		return -EINVAL;

	idle = ks_frame_idle(frame);
	spin_lock_irqsave(&alloc->lock, flags);
	if (frame->state == KS_FRAME_IN_DEVICE) {
		ret = -EBUSY;
	} else if (frame->state == KS_FRAME_ALLOCATED) {
		freed = ks_frame_return(alloc, frame, idle);
		ret = 0;
	}
	ks_allocator_unlock(alloc, flags, freed);

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_free);

/**
 * ks_allocator_free_owned() - free a frame if it is still somebody's
 * @alloc: the allocator
 * @index: which frame
 * @owner: whose it was
 *
 * Context: any.
 */
void ks_allocator_free_owned(struct ks_allocator *alloc, u32 index,
			     const struct ks_owner *owner)
{
	struct ksalloc_frame *frame = &alloc->frame[index];
	bool idle = ks_frame_idle(frame);
	unsigned long flags;
	bool freed = false;

	spin_lock_irqsave(&alloc->lock, flags);
	if (frame->state == KS_FRAME_ALLOCATED &&
	    ks_owner_equal(&frame->owner, owner))
		freed = ks_frame_return(alloc, frame, idle);
	ks_allocator_unlock(alloc, flags, freed);
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_free_owned);

/**
 * ks_allocator_submit() - give an allocated frame to a device
 * @alloc: the allocator
 * @index: which frame, whoever's it is
 * @connection: the file of the connection to the device
 *
 * Contract H3.
 *
 * Context: any, but as ks_frame_idle() says.
 * Return: 0; -EINVAL where there is no such frame or it is free or FENCED; -EBUSY
 * where it is in a device, or another device still reads it.
 */
int ks_allocator_submit(struct ks_allocator *alloc, u32 index,
			const struct file *connection)
{
	struct ksalloc_frame *frame = ks_frame_at(alloc, index);
	unsigned long flags;
	int ret = -EINVAL;
	bool idle;

	if (!frame)
		return -EINVAL;

	idle = ks_frame_idle(frame);
	spin_lock_irqsave(&alloc->lock, flags);
	if (frame->state == KS_FRAME_IN_DEVICE ||
	    (frame->state == KS_FRAME_ALLOCATED && unlikely(!idle))) {
		ret = -EBUSY;
	} else if (frame->state == KS_FRAME_ALLOCATED) {
		frame->connection = connection;
		frame->state = KS_FRAME_IN_DEVICE;
		alloc->in_device++;
		ret = 0;
	}
	spin_unlock_irqrestore(&alloc->lock, flags);

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_submit);

/**
 * ks_allocator_unsubmit() - undo ks_allocator_submit()
 * @alloc: the allocator
 * @index: a frame in a device that did not accept it
 *
 * The frame is its owner's again, or free where that has gone meanwhile.
 *
 * Context: any.
 */
void ks_allocator_unsubmit(struct ks_allocator *alloc, u32 index)
{
	struct ksalloc_frame *frame = &alloc->frame[index];
	bool idle = ks_frame_idle(frame);
	unsigned long flags;
	bool freed = false;

	spin_lock_irqsave(&alloc->lock, flags);
	if (frame->owner.files) {
		frame->connection = NULL;
		frame->state = KS_FRAME_ALLOCATED;
		alloc->in_device--;
	} else {
		freed = ks_frame_return(alloc, frame, idle);
	}
	ks_allocator_unlock(alloc, flags, freed);
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_unsubmit);

/**
 * ks_allocator_deliver() - hand a frame from a device to a client
 * @alloc: the allocator
 * @index: a frame in a device
 * @owner: whose it is now
 *
 * Context: any.
 */
void ks_allocator_deliver(struct ks_allocator *alloc, u32 index,
			  const struct ks_owner *owner)
{
	struct ksalloc_frame *frame = &alloc->frame[index];
	unsigned long flags;

	spin_lock_irqsave(&alloc->lock, flags);
	frame->owner = *owner;
	frame->connection = NULL;
	frame->state = KS_FRAME_ALLOCATED;
	alloc->in_device--;
	spin_unlock_irqrestore(&alloc->lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_deliver);

/**
 * ks_allocator_undeliver() - undo ks_allocator_deliver()
 * @alloc: the allocator
 * @index: a frame
 * @owner: who was to have it
 *
 * Context: any.
 * Return: whether the frame is in the device again, or somebody freed or
 * submitted it already.
 */
bool ks_allocator_undeliver(struct ks_allocator *alloc, u32 index,
			    const struct ks_owner *owner)
{
	struct ksalloc_frame *frame = &alloc->frame[index];
	unsigned long flags;
	bool ours;

	spin_lock_irqsave(&alloc->lock, flags);
	ours = frame->state == KS_FRAME_ALLOCATED &&
	       ks_owner_equal(&frame->owner, owner);
	if (ours) {
		frame->owner = (struct ks_owner){};
		frame->connection = owner->file;
		frame->state = KS_FRAME_IN_DEVICE;
		alloc->in_device++;
	}
	spin_unlock_irqrestore(&alloc->lock, flags);

	return ours;
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_undeliver);

/**
 * ks_allocator_cancel() - free the frames in a device
 * @alloc: the allocator
 * @connection: the file of the connection to the device, which has let go of
 *	the frames, and gets none meanwhile
 *
 * Context: process context; may sleep.
 */
void ks_allocator_cancel(struct ks_allocator *alloc,
			 const struct file *connection)
{
	unsigned long flags;
	u32 i;

	might_sleep();

	/*
	 * One by one, for a user chooses how many frames there are, how many eventfds
	 * are told of each, and how many watch each of those
	 */
	for (i = 0; i < alloc->frames; i++) {
		struct ksalloc_frame *frame = &alloc->frame[i];
		bool idle = ks_frame_idle(frame), freed = false;

		spin_lock_irqsave(&alloc->lock, flags);
		if (frame->state == KS_FRAME_IN_DEVICE &&
		    frame->connection == connection)
			freed = ks_frame_return(alloc, frame, idle);
		ks_allocator_unlock(alloc, flags, freed);
		cond_resched();
	}
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_cancel);

static bool ks_waits(struct ks_allocator *alloc, const struct ks_owner *owner)
{
	struct ks_waiter *waiter;

	lockdep_assert_held(&alloc->lock);

	list_for_each_entry(waiter, &alloc->waiters, link)
		if (ks_owner_matches(&waiter->owner, owner))
			return true;
	return false;
}

/**
 * ks_allocator_fenced() - find a frame that waits for a fence
 * @alloc: the allocator
 * @index: where to begin
 *
 * Context: any.
 * Return: the first FENCED frame from there on, or NULL.
 */
struct ksalloc_frame *ks_allocator_fenced(struct ks_allocator *alloc, u32 index)
{
	struct ksalloc_frame *frame = NULL;
	unsigned long flags;

	spin_lock_irqsave(&alloc->lock, flags);
	for (; index < alloc->frames && !frame; index++)
		if (alloc->frame[index].state == KS_FRAME_FENCED)
			frame = &alloc->frame[index];
	spin_unlock_irqrestore(&alloc->lock, flags);

	return frame;
}

/**
 * ks_allocator_unfence() - free a frame whose fences are signalled
 * @alloc: the allocator
 * @frame: a FENCED frame
 *
 * Context: any.
 */
void ks_allocator_unfence(struct ks_allocator *alloc,
			  struct ksalloc_frame *frame)
{
	unsigned long flags;
	bool freed;

	spin_lock_irqsave(&alloc->lock, flags);
	alloc->fenced--;
	freed = ks_frame_free(alloc, frame);
	ks_allocator_unlock(alloc, flags, freed);
}

/**
 * ks_allocator_serves() - does an owner have or wait for frames, or have events?
 * @alloc: the allocator
 * @owner: who
 *
 * Context: any.
 * Return: whether ks_allocator_reclaim() would have anything to do.
 */
bool ks_allocator_serves(struct ks_allocator *alloc,
			 const struct ks_owner *owner)
{
	unsigned long flags;
	bool serves;
	u32 i;

	spin_lock_irqsave(&alloc->lock, flags);
	serves = ks_events_serve(alloc, owner) || ks_waits(alloc, owner);
	for (i = 0; i < alloc->frames && !serves; i++)
		serves = alloc->frame[i].state != KS_FRAME_FREE &&
			 ks_owner_matches(&alloc->frame[i].owner, owner);
	spin_unlock_irqrestore(&alloc->lock, flags);

	return serves;
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_serves);

static void ks_cancel_waiters(struct ks_allocator *alloc,
			      const struct ks_owner *owner)
{
	struct ks_waiter *waiter, *next;

	lockdep_assert_held(&alloc->lock);

	list_for_each_entry_safe(waiter, next, &alloc->waiters, link) {
		if (!ks_owner_matches(&waiter->owner, owner))
			continue;
		WRITE_ONCE(waiter->error, -ECANCELED);
		ks_waiter_end(alloc, waiter);
	}
}

/**
 * ks_allocator_cancel_waiters() - end an owner's pending requests
 * @alloc: the allocator
 * @owner: whose
 *
 * Contract B4.
 *
 * Context: any.
 */
void ks_allocator_cancel_waiters(struct ks_allocator *alloc,
				 const struct ks_owner *owner)
{
	unsigned long flags;

	spin_lock_irqsave(&alloc->lock, flags);
	ks_cancel_waiters(alloc, owner);
	spin_unlock_irqrestore(&alloc->lock, flags);
}

static void ks_frame_reclaim(struct ks_allocator *alloc,
			     struct ksalloc_frame *frame,
			     const struct ks_owner *owner)
{
	bool idle = ks_frame_idle(frame), freed = false;
	unsigned long flags;

	spin_lock_irqsave(&alloc->lock, flags);
	if (frame->state == KS_FRAME_FREE ||
	    !ks_owner_matches(&frame->owner, owner))
		goto out;
	if (frame->state == KS_FRAME_ALLOCATED)
		freed = ks_frame_return(alloc, frame, idle);
	else
		frame->owner = (struct ks_owner){};
out:
	ks_allocator_unlock(alloc, flags, freed);
}

/**
 * ks_allocator_reclaim() - take back what an owner has and waits for
 * @alloc: the allocator
 * @owner: who has gone; with no files, everybody who came through its file
 *
 * Its events end. Frames that the owner has submitted stay in the device. Contract
 * B4, B7.
 *
 * Context: process context; may sleep.
 */
void ks_allocator_reclaim(struct ks_allocator *alloc,
			  const struct ks_owner *owner)
{
	unsigned long flags;
	u32 i;

	might_sleep();

	ks_events_reclaim(alloc, owner);
	spin_lock_irqsave(&alloc->lock, flags);
	ks_cancel_waiters(alloc, owner);
	spin_unlock_irqrestore(&alloc->lock, flags);

	/* As in ks_allocator_cancel() */
	for (i = 0; i < alloc->frames; i++) {
		ks_frame_reclaim(alloc, &alloc->frame[i], owner);
		cond_resched();
	}
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_reclaim);
