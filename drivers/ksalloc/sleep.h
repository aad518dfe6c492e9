/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sleeps on a wait queue until a wake-up, like wait_woken(), with two differences: the deadline is
 * exact, and a wake-up removes the entry of the task, so that the task does not take the lock of
 * the queue for that. A caller does this:
 *
 *	DEFINE_WAIT_FUNC(wait, ks_wake_and_remove);
 *
 *	for (;;) {
 *		ks_wait_begin(head, &wait);
 *		if there is a frame: break
 *		error = ks_sleep_woken(&wait, deadline_ns);
 *		if there is a frame, or error: break
 *	}
 *	ks_wait_end(head, &wait);
 *
 * The second check usually succeeds, and saves the lock that ks_wait_begin() takes. It comes before
 * @error is used, so a frame is returned in spite of a signal or the deadline.
 */
#ifndef _KSALLOC_SLEEP_H
#define _KSALLOC_SLEEP_H

#include <linux/types.h>
#include <linux/wait.h>

int ks_wake_and_remove(struct wait_queue_entry *wait, unsigned int mode, int sync, void *key);
void ks_wait_begin(struct wait_queue_head *head, struct wait_queue_entry *wait);
void ks_wait_end(struct wait_queue_head *head, struct wait_queue_entry *wait);
int ks_sleep_woken(struct wait_queue_entry *wait, u64 deadline_ns);

#endif /* _KSALLOC_SLEEP_H */
