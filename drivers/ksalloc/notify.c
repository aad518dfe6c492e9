// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notifiers: eventfds of user space and kernel clients that are notified when a frame
 * becomes free.
 *
 * A frame becomes free when it is put on the free list and no request waits. A frame that
 * is given directly to a waiter does not become free. Notifiers are called once for each
 * frame that becomes free.
 *
 * Frames are freed in any context, so notifiers are called without a lock, inside an RCU
 * read-side section. To free a notifier, remove it and wait for a grace period. The call
 * that makes a frame free takes the notifiers off the once list under ks_allocator.lock, so
 * each of them is called exactly once. For frames that readers free after the stream, a work item
 * does this soon after: see ks_allocator_free_quietly().
 */
#include <kunit/visibility.h>
#include <linux/rculist.h>

#include "allocator.h"

void ks_notify_init(struct ks_notify_list *list)
{
	INIT_LIST_HEAD(&list->always);
	INIT_LIST_HEAD(&list->once);
}

/*
 * Takes all notifiers off the once list; @taken is an initialized list. The caller holds
 * ks_allocator.lock, and rcu_read_lock() until ks_notify_call_once() has returned.
 */
void ks_notify_take_once(struct ks_notify_list *list, struct list_head *taken)
{
	struct ks_notifier *notifier;

	/* At most KSALLOC_MAX_EVENTS */
	list_for_each_entry(notifier, &list->once, link)
		notifier->taken = true;
	list_splice_init(&list->once, taken);
}

/* The caller holds rcu_read_lock(), and no spinlock */
void ks_notify_call_once(struct list_head *taken)
{
	struct ks_notifier *notifier;

	list_for_each_entry(notifier, taken, link)
		notifier->notify(notifier);
}

/* The caller holds rcu_read_lock(), and no spinlock */
void ks_notify_call(struct ks_notify_list *list)
{
	struct ks_notifier *notifier;

	list_for_each_entry_rcu(notifier, &list->always, link)
		notifier->notify(notifier);
}

/* Tells notifiers that a request has begun to wait. The caller holds no spinlock */
void ks_notify_waiting(struct ks_notify_list *list)
{
	struct ks_notifier *notifier;

	/* Pairs with smp_mb__after_spinlock() in ks_feed_return() */
	smp_mb();
	rcu_read_lock();
	list_for_each_entry_rcu(notifier, &list->always, link)
		if (notifier->waiting)
			notifier->waiting(notifier);
	rcu_read_unlock();
}

void ks_notifier_add(struct ks_allocator *alloc, struct ks_notifier *notifier)
{
	unsigned long flags;

	spin_lock_irqsave(&alloc->lock, flags);
	list_add_tail_rcu(&notifier->link, &alloc->notifiers.always);
	spin_unlock_irqrestore(&alloc->lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(ks_notifier_add);

void ks_notifier_add_once(struct ks_allocator *alloc,
			  struct ks_notifier *notifier)
{
	unsigned long flags;

	spin_lock_irqsave(&alloc->lock, flags);
	list_add_tail(&notifier->link, &alloc->notifiers.once);
	spin_unlock_irqrestore(&alloc->lock, flags);
}
EXPORT_SYMBOL_IF_KUNIT(ks_notifier_add_once);

/*
 * Removes a notifier that was added. Returns false if ks_notifier_add_once() added it, and a
 * frame has become free since. It may be called until a grace period has passed. Any context.
 */
bool ks_notifier_remove(struct ks_allocator *alloc,
			struct ks_notifier *notifier)
{
	unsigned long flags;
	bool listed;

	spin_lock_irqsave(&alloc->lock, flags);
	listed = !notifier->taken;
	if (listed)
		list_del_rcu(&notifier->link);
	spin_unlock_irqrestore(&alloc->lock, flags);

	return listed;
}
EXPORT_SYMBOL_IF_KUNIT(ks_notifier_remove);
