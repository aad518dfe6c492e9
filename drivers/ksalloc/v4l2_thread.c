// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel thread that calls V4L2 operations.
 *
 * V4L2 operations take and return dma-bufs as descriptors. A temporary descriptor in the table
 * of the calling process would be visible to its threads. They could get the memory of all
 * frames with it, or replace it by another dma-buf. And closing it would drop the POSIX locks
 * of the process. Kernel threads have a table that no process shares. So if the caller does
 * not pass a descriptor of its own, the operation is called in a kernel thread.
 *
 * Each device with buffers has its own thread. This is not a work item, because a process can
 * hold the lock of a device for any time, and that must not block the frames of other devices.
 *
 * To create a thread takes as many instructions as to map a large frame. So a thread that its
 * device does not need any more is kept for the next device, unless one is kept already.
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/lockdep.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "v4l2.h"

/**
 * struct ks_v4l2_call - a call in a kernel thread, on the stack of the caller
 * @fn: the function
 * @data: its argument
 * @killed: the caller was killed
 * @done: @ret is valid, and the thread does not access the call any more
 * @ret: what @fn returned
 */
struct ks_v4l2_call {
	int (*fn)(void *data);
	void *data;
	bool killed;
	struct completion done;
	int ret;
};

static void ks_v4l2_do_call(struct ks_v4l2_call *call)
{
	/* Check this, too: a SIGKILL that was sent before allow_kernel_signal() is lost */
	call->ret = READ_ONCE(call->killed) ? -EINTR : call->fn(call->data);
	complete(&call->done);
}

/**
 * struct ks_v4l2_thread - a thread that makes the calls of one device at a time
 * @task: the thread
 * @call: the next call, or NULL
 */
struct ks_v4l2_thread {
	struct task_struct *task;
	struct ks_v4l2_call *call;
};

/* The spare thread, which no device has; or NULL. Changed only with xchg() and cmpxchg() */
static struct ks_v4l2_thread *ks_v4l2_spare;

static int ks_v4l2_thread_fn(void *data)
{
	struct ks_v4l2_thread *thread = data;
	struct ks_v4l2_call *call;

	allow_kernel_signal(SIGKILL);
	for (;;) {
		/*
		 * Not interruptible, because a SIGKILL for a call can arrive after its end. Not
		 * wait_event_idle(), which calls might_sleep(): the end of a call has just woken
		 * the caller. Without full preemption, the caller would preempt the thread there,
		 * and the thread would be scheduled once more, only to sleep.
		 */
		set_current_state(TASK_IDLE);
		call = xchg(&thread->call, NULL);
		if (!call && !kthread_should_stop()) {
			schedule();
			continue;
		}
		__set_current_state(TASK_RUNNING);
		if (!call)
			return 0;
		ks_v4l2_do_call(call);
	}
}

static struct ks_v4l2_thread *ks_v4l2_thread_create(void)
{
	struct ks_v4l2_thread *thread;
	struct task_struct *task;

	thread = kzalloc(sizeof(*thread), GFP_KERNEL);
	if (!thread)
		return ERR_PTR(-ENOMEM);
	task = kthread_run(ks_v4l2_thread_fn, thread, "ksalloc-v4l2");
	if (IS_ERR(task)) {
		kfree(thread);
		/* Not -EAGAIN (limit of threads), which means "try again" to callers */
		return ERR_PTR(task == ERR_PTR(-EINTR) ? -EINTR : -ENOMEM);
	}
	thread->task = task;
	return thread;
}

static void ks_v4l2_thread_end(struct ks_v4l2_thread *thread)
{
	if (!thread)
		return;
	kthread_stop(thread->task);
	kfree(thread);
}

static int ks_v4l2_start_thread(struct ks_v4l2_device *dev)
{
	struct ks_v4l2_thread *thread;

	lockdep_assert_held(&dev->thread_lock);

	if (dev->thread)
		return 0;
	thread = xchg(&ks_v4l2_spare, NULL) ?: ks_v4l2_thread_create();
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	dev->thread = thread;
	return 0;
}

/*
 * Keeps the thread for the next device, or ends it. Called when the buffers of the file
 * are freed, and before the file is closed. Only one file of a device has buffers. So
 * there is at most one thread for each queue of a driver, for any number of connections.
 * The exception is omap4iss, with a queue for each open file.
 */
void ks_v4l2_put_thread(struct ks_v4l2_device *dev)
{
	struct ks_v4l2_thread *thread;

	mutex_lock(&dev->thread_lock);
	thread = dev->thread;
	dev->thread = NULL;
	mutex_unlock(&dev->thread_lock);
	if (thread && cmpxchg(&ks_v4l2_spare, NULL, thread))
		ks_v4l2_thread_end(thread);
}

/* Ends the spare thread. Called when there are no devices */
void ks_v4l2_exit(void)
{
	ks_v4l2_thread_end(ks_v4l2_spare);
}

static int ks_v4l2_call(struct ks_v4l2_device *dev, struct ks_v4l2_call *call)
{
	struct ks_v4l2_thread *thread = dev->thread;

	lockdep_assert_held(&dev->thread_lock);

	/* Discard a SIGKILL for an earlier call */
	flush_signals(thread->task);

	/* The thread must see the contents of @call; it reads the pointer with xchg() */
	smp_store_release(&thread->call, call);
	wake_up_process(thread->task);
	if (wait_for_completion_killable(&call->done)) {
		WRITE_ONCE(call->killed, true);
		send_sig(SIGKILL, thread->task, 1);
		wait_for_completion(&call->done);
	}
	return call->ret;
}

/*
 * Calls @fn in a kernel thread, and waits. @fn must close all descriptors that it opens.
 * If the caller is killed, all killable waits of @fn end, too; -EINTR if it was killed
 * before @fn began. Memory that @fn allocates is not charged to the control group of the
 * caller.
 */
int ks_v4l2_run_in_thread(struct ks_v4l2_device *dev, int (*fn)(void *data),
			  void *data)
{
	struct ks_v4l2_call call = {
		.fn = fn,
		.data = data,
		.done = COMPLETION_INITIALIZER_ONSTACK(call.done),
	};
	int ret;

	ret = mutex_lock_killable(&dev->thread_lock);
	if (ret)
		return ret;
	ret = ks_v4l2_start_thread(dev) ?: ks_v4l2_call(dev, &call);
	mutex_unlock(&dev->thread_lock);

	return ret;
}
