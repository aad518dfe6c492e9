// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of programs on the node of a share that take locks of the camera or of the share. share.h
 * describes the rules.
 *
 * Such a call is made in a work item, with a copy of its argument. A task of low priority that
 * takes the locks itself can be preempted while it holds one. Then the stream to all programs stops
 * until that task runs again.
 */
#include <linux/completion.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "connection.h"
#include "share.h"
#include "v4l2.h"

/*
 * Number of calls of a share that can wait for the lock of the camera at the same time, on each
 * NUMA node. The frames of the stream wait for this lock, too
 */
#define KS_SHARE_ASKS 4

/**
 * struct ks_share_call - a call
 * @work: calls @fn
 * @close_work: closes the file of @handle
 * @done: @ret and @arg are valid
 * @ended: @fn has returned, or the caller was killed and does not wait. The work item frees the
 *	call if the caller does not wait; otherwise the caller frees it
 * @handle: argument of @fn
 * @mm: memory of the caller; NULL if @fn does not access it
 * @mm_taken: the work item has begun to use @mm, so the caller has to wait, or the caller was
 *	killed before that, so the work item must not use it: whoever is first
 * @fn: the function
 * @ret: what it returned
 * @arg: copy of the argument of the caller
 */
struct ks_share_call {
	struct work_struct work;
	struct work_struct close_work;
	struct completion done;
	atomic_t ended;
	struct ks_share_handle *handle;
	struct mm_struct *mm;
	atomic_t mm_taken;
	ks_share_fn *fn;
	int ret;
	u64 arg[];
};

static void ks_share_call_close_work(struct work_struct *work)
{
	struct ks_share_call *call = container_of(work, struct ks_share_call, close_work);

	/* Not fput(): in a kernel thread, it defers the release to the system workqueue */
	__fput_sync(call->handle->file);
	kvfree(call);
}

/*
 * A function that ks_share_ask_with_memory() calls with @arg can use pointers to the memory of the
 * caller after this. It has locks of the camera then, so it must not wait for a page: an access to
 * one that is not present fails with -EFAULT. Returns -EINTR if the caller was killed. With
 * ks_share_ask(), does nothing
 */
int ks_share_use_memory(void *arg)
{
	struct ks_share_call *call = container_of(arg, struct ks_share_call, arg);

	if (!call->mm)
		return 0;
	if (atomic_xchg(&call->mm_taken, true))
		return -EINTR;
	kthread_use_mm(call->mm);
	pagefault_disable();
	return 0;
}

void ks_share_unuse_memory(void *arg)
{
	struct ks_share_call *call = container_of(arg, struct ks_share_call, arg);

	if (!call->mm)
		return;
	pagefault_enable();
	kthread_unuse_mm(call->mm);
}

static void ks_share_call_work(struct work_struct *work)
{
	struct ks_share_call *call = container_of(work, struct ks_share_call, work);

	call->ret = READ_ONCE(call->handle->share->ended) ? -ENODEV :
							    call->fn(call->handle, call->arg);
	if (!atomic_xchg(&call->ended, true))
		complete(&call->done);
	else
		queue_work(call->handle->share->close_wq, &call->close_work);
}

/*
 * The caller is killed. Returns whether it has to free the call. It waits while its memory is used:
 * the end of that memory can take as long as the program wants, so it must not be in a work item
 */
static bool ks_share_call_leave(struct ks_share_call *call)
{
	if (cancel_work(&call->work))
		return true;
	if (call->mm && atomic_xchg(&call->mm_taken, true)) {
		wait_for_completion(&call->done);
		return true;
	}
	/* For the work item, which may use the file until it has closed it */
	get_file(call->handle->file);
	if (!atomic_xchg(&call->ended, true))
		return false;
	fput(call->handle->file);
	wait_for_completion(&call->done);
	return true;
}

/*
 * If the caller is killed, a call that has begun goes on without it, and keeps the file open. A
 * call that needs its memory, and has not used it yet, fails. So the end of a process does not wait
 * for its own call, except while that uses its memory.
 */
static int ks_share_call(struct workqueue_struct *wq, struct ks_share_handle *handle,
			 struct mm_struct *mm, ks_share_fn *fn, void *arg, size_t size)
{
	struct ks_share_call *call;
	int ret;

	call = kvmalloc(struct_size(call, arg, DIV_ROUND_UP(size, sizeof(*call->arg))),
			GFP_KERNEL_ACCOUNT);
	if (!call)
		return -ENOMEM;
	INIT_WORK(&call->work, ks_share_call_work);
	INIT_WORK(&call->close_work, ks_share_call_close_work);
	init_completion(&call->done);
	atomic_set(&call->ended, false);
	call->handle = handle;
	call->mm = mm;
	atomic_set(&call->mm_taken, false);
	call->fn = fn;
	memcpy(call->arg, arg, size);
	queue_work(wq, &call->work);

	/* The queues freeze after the programs */
	ret = wait_for_completion_state(&call->done, TASK_KILLABLE | TASK_FREEZABLE);
	if (ret) {
		if (ks_share_call_leave(call))
			kvfree(call);
		return ret;
	}
	memcpy(arg, call->arg, size);
	ret = call->ret;
	kvfree(call);
	return ret;
}

/*
 * Calls @fn, which can take locks of the camera. @arg has @size bytes. @fn must not use pointers in
 * it, because the caller can have been killed. Returns what @fn returns; -ENODEV if the share has
 * ended; -ENOMEM; -ERESTARTSYS if the caller is killed.
 */
int ks_share_ask(struct ks_share_handle *handle, ks_share_fn *fn, void *arg, size_t size)
{
	return ks_share_call(handle->share->ask_wq, handle, NULL, fn, arg, size);
}

/* As ks_share_ask(), but @fn can call ks_share_use_memory() */
int ks_share_ask_with_memory(struct ks_share_handle *handle, ks_share_fn *fn, void *arg,
			     size_t size)
{
	return ks_share_call(handle->share->ask_wq, handle, current->mm, fn, arg, size);
}

/* Instead of ks_share_ask(), if @fn takes ks_share.lock. One such call of a share runs at a time */
int ks_share_change(struct ks_share_handle *handle, ks_share_fn *fn, void *arg, size_t size)
{
	return ks_share_call(handle->share->change_wq, handle, NULL, fn, arg, size);
}

/**
 * struct ks_share_closing - the end of a handle
 * @work: calls ks_share_close()
 * @handle: the handle
 */
struct ks_share_closing {
	struct work_struct work;
	struct ks_share_handle *handle;
};

static void ks_share_closing_work(struct work_struct *work)
{
	ks_share_close(container_of(work, struct ks_share_closing, work)->handle);
}

/* Calls ks_share_close() in a work item, and waits. The calling task may be exiting */
void ks_share_close_and_wait(struct ks_share_handle *handle)
{
	struct ks_share_closing closing = { .handle = handle };

	INIT_WORK_ONSTACK(&closing.work, ks_share_closing_work);
	queue_work(handle->share->change_wq, &closing.work);
	flush_work(&closing.work);
	destroy_work_on_stack(&closing.work);
}

/*
 * The caller must call ks_share_calls_exit(), even after a failure. The queues freeze, so that the
 * calls of killed programs do not reach the camera during suspend. @close_wq does not, because its
 * work items wait for @change_wq. The last file of a camera is closed by &ks_share.free_work, whose
 * queue freezes, too
 */
int ks_share_calls_init(struct ks_share *share)
{
	const char *name = video_device_node_name(share->camera->vdev);

	share->ask_wq = alloc_workqueue("ksalloc-ask-%s", WQ_UNBOUND | WQ_FREEZABLE,
					KS_SHARE_ASKS, name);
	share->change_wq = alloc_ordered_workqueue("ksalloc-share-%s", WQ_FREEZABLE, name);
	share->close_wq = alloc_workqueue("ksalloc-close-%s", WQ_UNBOUND, KS_SHARE_ASKS, name);
	return share->ask_wq && share->change_wq && share->close_wq ? 0 : -ENOMEM;
}

/* There are no handles any more. Not called in a work item of these queues */
void ks_share_calls_exit(struct ks_share *share)
{
	/* No work item waits. The last ones can be about to return */
	if (share->ask_wq)
		destroy_workqueue(share->ask_wq);
	if (share->close_wq)
		destroy_workqueue(share->close_wq);
	if (share->change_wq)
		destroy_workqueue(share->change_wq);
}
