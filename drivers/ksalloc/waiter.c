// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests that wait for a frame of an allocator. waiter.h describes the rules.
 */
#include <kunit/visibility.h>
#include <linux/hrtimer.h>
#include <linux/lockdep.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "trace.h"
#include "waiter.h"

static void ks_waiter_end(struct ks_allocator *alloc, struct ks_waiter *waiter)
{
	lockdep_assert_held(&alloc->lock);

	list_del_init(&waiter->link);
	list_del(&waiter->owner_link);
	WRITE_ONCE(alloc->nr_waiting, alloc->nr_waiting - 1);
}

/* Called when no frame is free. @waiter is on the stack of the current task */
void ks_waiter_begin(struct ks_allocator *alloc, struct ks_waiter *waiter,
		     struct ks_owner *owner)
{
	lockdep_assert_held(&alloc->lock);

	*waiter = (struct ks_waiter){
		.task = current,
		.owner = owner,
		.cancels = owner->cancels,
	};
	list_add_tail(&waiter->link, &alloc->waiters);
	list_add_tail(&waiter->owner_link, &owner->waiters);
	WRITE_ONCE(alloc->nr_waiting, alloc->nr_waiting + 1);
}

/*
 * Ends a pending request with a frame that is allocated to the owner of @waiter. @waiter
 * is not accessed after ks_allocator.lock is released.
 */
void ks_waiter_serve(struct ks_allocator *alloc, struct ks_waiter *waiter,
		     struct ksalloc_frame *frame)
{
	ks_waiter_end(alloc, waiter);
	WRITE_ONCE(waiter->frame, frame);
	wake_up_process(waiter->task);
}

/* Sleeps until the request is served or cancelled, a signal comes, or the deadline passes */
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

/*
 * Waits for the end of a request, after ks_waiter_begin(). @deadline_ns is on
 * CLOCK_MONOTONIC; 0 for no deadline. Returns the frame; -ERESTARTSYS; -ETIMEDOUT;
 * -ECANCELED if the request was cancelled.
 */
struct ksalloc_frame *ks_waiter_wait(struct ks_allocator *alloc,
				     struct ks_waiter *waiter, u64 deadline_ns)
{
	int ret;

	trace_ksalloc_wait(alloc, deadline_ns);
	ret = ks_waiter_sleep(waiter, deadline_ns);

	spin_lock_irq(&alloc->lock);
	if (!list_empty(&waiter->link))
		ks_waiter_end(alloc, waiter);
	spin_unlock_irq(&alloc->lock);

	return waiter->frame ?: ERR_PTR(waiter->error ?: ret);
}

static void ks_cancel(struct ks_allocator *alloc, struct ks_owner *owner,
		      bool end)
{
	struct ks_waiter *waiter;
	unsigned long flags;
	u64 cancels;

	spin_lock_irqsave(&alloc->lock, flags);
	if (end)
		WRITE_ONCE(owner->ended, true);
	cancels = ++owner->cancels;
	for (;;) {
		waiter = list_first_entry_or_null(&owner->waiters,
						  struct ks_waiter, owner_link);
		/* Do not cancel requests that began after this call */
		if (!waiter || waiter->cancels >= cancels)
			break;
		ks_waiter_end(alloc, waiter);
		WRITE_ONCE(waiter->error, -ECANCELED);
		wake_up_process(waiter->task);

		/* Enable interrupts: user space chooses the number of waiters */
		spin_unlock_irqrestore(&alloc->lock, flags);
		spin_lock_irqsave(&alloc->lock, flags);
	}
	spin_unlock_irqrestore(&alloc->lock, flags);
}

/* Cancels the waiting requests of @owner, not those that begin later (contract B4). Any context */
void ks_allocator_cancel(struct ks_allocator *alloc, struct ks_owner *owner)
{
	ks_cancel(alloc, owner, false);
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_cancel);

/* Cancels the waiting requests of @owner, and lets no later request wait. Any context */
void ks_allocator_end_owner(struct ks_allocator *alloc, struct ks_owner *owner)
{
	ks_cancel(alloc, owner, true);
}
EXPORT_SYMBOL_IF_KUNIT(ks_allocator_end_owner);
