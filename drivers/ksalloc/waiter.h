/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests that wait for a frame. Only pool.c begins and serves them.
 *
 * A &struct ks_waiter is on the stack of the task that waits. A call that serves or cancels
 * the request takes it off the lists and wakes the task, both under ks_allocator.lock. The
 * task takes the lock once more before it returns, so the waiter is not used after that. If
 * a frame is assigned after a signal or a timeout but before the task has taken the lock,
 * the task gets the frame.
 */
#ifndef _KSALLOC_WAITER_H
#define _KSALLOC_WAITER_H

#include "allocator.h"

/**
 * struct ks_waiter - a pending request
 * @link: on &ks_allocator.waiters; empty when the request was served or cancelled
 * @owner_link: on &ks_owner.waiters at the same time as @link
 * @task: the task that waits
 * @owner: the owner that gets the frame
 * @cancels: &ks_owner.cancels when the request began
 * @frame: the assigned frame; NULL until then
 * @error: the errno if the request was cancelled
 */
struct ks_waiter {
	struct list_head link;
	struct list_head owner_link;
	struct task_struct *task;
	struct ks_owner *owner;
	u64 cancels;
	struct ksalloc_frame *frame;
	int error;
};

/**
 * ks_first_waiter() - find the oldest pending request
 * @alloc: the allocator
 *
 * Context: any, with ks_allocator.lock.
 * Return: the request; NULL if no request waits.
 */
static inline struct ks_waiter *ks_first_waiter(struct ks_allocator *alloc)
{
	return list_first_entry_or_null(&alloc->waiters, struct ks_waiter, link);
}

void ks_waiter_begin(struct ks_allocator *alloc, struct ks_waiter *waiter,
		     struct ks_owner *owner);
void ks_waiter_serve(struct ks_allocator *alloc, struct ks_waiter *waiter,
		     struct ksalloc_frame *frame);
struct ksalloc_frame *ks_waiter_wait(struct ks_allocator *alloc,
				     struct ks_waiter *waiter, u64 deadline_ns);

#endif /* _KSALLOC_WAITER_H */
