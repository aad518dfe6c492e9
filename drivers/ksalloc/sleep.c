// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleeps on a wait queue. sleep.h describes the rules.
 */
#include <kunit/visibility.h>
#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>

#include "sleep.h"

/*
 * Like wait_woken(), whose timeout is in jiffies and so not exact enough. @deadline_ns is
 * on CLOCK_MONOTONIC; 0 for none. Returns 0 after a wake-up, -ERESTARTSYS, or -ETIMEDOUT.
 */
int ks_sleep_woken(struct wait_queue_entry *wait, u64 deadline_ns)
{
	ktime_t deadline = ns_to_ktime(min_t(u64, deadline_ns, KTIME_MAX));
	int ret = 0;

	/* Pairs with the barrier in woken_wake_function() */
	set_current_state(TASK_INTERRUPTIBLE);
	if (signal_pending(current))
		ret = -ERESTARTSYS;
	else if (READ_ONCE(wait->flags) & WQ_FLAG_WOKEN)
		/* Others may wake this task all the time */
		ret = deadline_ns && ktime_get_ns() >= deadline_ns ? -ETIMEDOUT : 0;
	else if (!deadline_ns)
		schedule();
	else if (!schedule_hrtimeout(&deadline, HRTIMER_MODE_ABS))
		ret = -ETIMEDOUT;
	__set_current_state(TASK_RUNNING);

	/* Before the next check for a frame, so that later wake-ups are not lost */
	smp_store_mb(wait->flags, wait->flags & ~WQ_FLAG_WOKEN);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_sleep_woken);

/*
 * Wakes a task, and removes its entry, so that the task does not take the lock of the wait queue
 * for that. list_del_init_careful() is the last access: the entry is on the stack of the task,
 * which can return then
 */
int ks_wake_and_remove(struct wait_queue_entry *wait, unsigned int mode, int sync, void *key)
{
	int ret = woken_wake_function(wait, mode, sync, key);

	list_del_init_careful(&wait->entry);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_wake_and_remove);

/*
 * Adds the entry of the calling task to a wait queue, unless it is there. Later wake-ups end
 * ks_sleep_woken(). So this comes before the check for a frame
 */
void ks_wait_begin(struct wait_queue_head *head, struct wait_queue_entry *wait)
{
	spin_lock_irq(&head->lock);
	if (list_empty(&wait->entry))
		__add_wait_queue(head, wait);
	spin_unlock_irq(&head->lock);
	/* For ks_done.wait: pairs with wq_has_sleeper() in ks_connection_notify() */
	smp_mb();
}
EXPORT_SYMBOL_IF_KUNIT(ks_wait_begin);

/* As finish_wait(): without the lock if a wake-up has removed the entry */
void ks_wait_end(struct wait_queue_head *head, struct wait_queue_entry *wait)
{
	if (!list_empty_careful(&wait->entry))
		remove_wait_queue(head, wait);
}
EXPORT_SYMBOL_IF_KUNIT(ks_wait_end);
