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
 */
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/lockdep.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

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

static int ks_v4l2_thread_fn(void *data)
{
	struct ks_v4l2_device *dev = data;
	struct ks_v4l2_call *call;

	allow_kernel_signal(SIGKILL);
	for (;;) {
		/* Not interruptible, because a SIGKILL for a call can arrive after its end */
		wait_event_idle(dev->thread_wait,
				READ_ONCE(dev->call) || kthread_should_stop());
		call = xchg(&dev->call, NULL);
		if (!call)
			return 0;
		ks_v4l2_do_call(call);
	}
}

static int ks_v4l2_start_thread(struct ks_v4l2_device *dev)
{
	struct task_struct *thread;

	lockdep_assert_held(&dev->thread_lock);

	if (dev->thread)
		return 0;
	thread = kthread_run(ks_v4l2_thread_fn, dev, "ksalloc-%s",
			     video_device_node_name(dev->vdev));
	/* Not -EAGAIN (limit of threads), which means "try again" to callers */
	if (IS_ERR(thread))
		return thread == ERR_PTR(-EINTR) ? -EINTR : -ENOMEM;
	dev->thread = thread;
	return 0;
}

/**
 * ks_v4l2_stop_thread() - end the thread of a device, if there is one
 * @dev: the device
 *
 * Called when the buffers of the file are freed, and before the file is closed. Only one file
 * of a device has buffers. So there is at most one thread for each queue of a driver, for any
 * number of connections. The exception is omap4iss, with a queue for each open file.
 *
 * Context: process context; sleeps.
 */
void ks_v4l2_stop_thread(struct ks_v4l2_device *dev)
{
	mutex_lock(&dev->thread_lock);
	if (dev->thread)
		kthread_stop(dev->thread);
	dev->thread = NULL;
	mutex_unlock(&dev->thread_lock);
}

/* Makes a call in the thread, and waits for its end */
static int ks_v4l2_call(struct ks_v4l2_device *dev, struct ks_v4l2_call *call)
{
	lockdep_assert_held(&dev->thread_lock);

	/* Discard a SIGKILL for an earlier call */
	flush_signals(dev->thread);

	/* The thread must see the contents of @call; it reads the pointer with xchg() */
	smp_store_release(&dev->call, call);
	wake_up(&dev->thread_wait);
	if (wait_for_completion_killable(&call->done)) {
		WRITE_ONCE(call->killed, true);
		send_sig(SIGKILL, dev->thread, 1);
		wait_for_completion(&call->done);
	}
	return call->ret;
}

/**
 * ks_v4l2_run_in_thread() - call a function in a kernel thread, and wait
 * @dev: the device
 * @fn: the function. It must close all descriptors that it opens
 * @data: its argument
 *
 * If the caller is killed, all killable waits of @fn end, too.
 * Memory that @fn allocates is not charged to the control group of the caller.
 *
 * Context: process context; sleeps.
 * Return: the result of @fn; -EINTR if the caller was killed before that; -ENOMEM.
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
