// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whom to tell that a frame became free: eventfds of user space, and kernel clients.
 *
 * A frame becomes free when it is put on the free list. A frame that goes straight to
 * a waiter does not. Each frame that becomes free is told once.
 *
 * Frames are freed in any context, so notifiers are called without a lock, inside an
 * RCU read-side section. To free a notifier, remove it and wait for a grace period.
 * Notifiers on the once list are taken off under ks_allocator.lock by whoever makes a
 * frame free, so each is called exactly once.
 */
#include <linux/rculist.h>

#include "allocator.h"

/**
 * ks_notify_init() - begin with nobody to tell
 * @list: the list
 *
 * Context: any.
 */
void ks_notify_init(struct ks_notify_list *list)
{
	INIT_LIST_HEAD(&list->always);
	INIT_LIST_HEAD(&list->once);
}

/**
 * ks_notify_take_once() - take those who are told of the next free frame only
 * @list: the list
 * @taken: an initialized list for them
 *
 * Context: any; ks_allocator.lock and rcu_read_lock() are held, the latter until
 * ks_notify_call_once() has returned.
 */
void ks_notify_take_once(struct ks_notify_list *list, struct list_head *taken)
{
	struct ks_notifier *notifier;

	/* At most KSALLOC_MAX_EVENTS */
	list_for_each_entry(notifier, &list->once, link)
		notifier->taken = true;
	list_splice_init(&list->once, taken);
}

/**
 * ks_notify_call_once() - tell those who were taken
 * @taken: the list
 *
 * Context: any, inside rcu_read_lock(), no spinlock is held.
 */
void ks_notify_call_once(struct list_head *taken)
{
	struct ks_notifier *notifier;

	list_for_each_entry(notifier, taken, link)
		notifier->notify(notifier);
}

/**
 * ks_notify_call() - tell all others
 * @list: the list
 *
 * Context: any, inside rcu_read_lock(), no spinlock is held.
 */
void ks_notify_call(struct ks_notify_list *list)
{
	struct ks_notifier *notifier;

	list_for_each_entry_rcu(notifier, &list->always, link)
		notifier->notify(notifier);
}
