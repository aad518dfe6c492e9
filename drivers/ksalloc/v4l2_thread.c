// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel thread that calls V4L2 operations.
 *
 * V4L2 takes and gives dma-bufs by descriptor. A descriptor in the table of the calling
 * process would be visible to its threads: they could take the memory of all frames, or
 * put another dma-buf in its place, and closing it would drop the process's POSIX locks.
 * Kernel threads have a table that no process shares. So where the caller does not name
 * a descriptor of its own, the operation is called in a kernel thread.
 *
 * A device that has buffers has a thread of its own, not a work item: other processes can
 * hold the lock of a device for as long as they like, and must not block the frames of
 * other devices.
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

static void ks_v4l2_do_call(struct ks_v4l2_device *dev,
			    struct ks_v4l2_call *call)
{
	/* A SIGKILL that came before allow_kernel_signal() is lost */
	call->ret = READ_ONCE(call->killed) ? -EINTR : ks_v4l2_lock(dev);
	if (!call->ret) {
		call->ret = call->fn(call->data);
		ks_v4l2_unlock(dev);
	}
	complete(&call->done);
}

static int ks_v4l2_thread_fn(void *data)
{
	struct ks_v4l2_device *dev = data;
	struct ks_v4l2_call *call;

	allow_kernel_signal(SIGKILL);
	for (;;) {
		/* Not interruptible: a SIGKILL can come when its call has ended */
		wait_event_idle(dev->thread_wait,
				READ_ONCE(dev->call) || kthread_should_stop());
		call = xchg(&dev->call, NULL);
		if (!call)
			return 0;
		ks_v4l2_do_call(dev, call);
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
	/* -EAGAIN, where no more threads are allowed, would mean "try again" */
	if (IS_ERR(thread))
		return thread == ERR_PTR(-EINTR) ? -EINTR : -ENOMEM;
	dev->thread = thread;
	return 0;
}

/**
 * ks_v4l2_stop_thread() - end the thread of a device, if there is one
 * @dev: the device
 *
 * Called where the buffers of our file are freed, as well as at its end. So there is at
 * most one thread for each queue of a driver, however many connections a process makes.
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

/* Has the thread do a call, and waits for its end */
static int ks_v4l2_call(struct ks_v4l2_device *dev, struct ks_v4l2_call *call)
{
	lockdep_assert_held(&dev->thread_lock);

	/* Of a caller before */
	flush_signals(dev->thread);

	/* With what it points to */
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
 * @fn: the function, called with the lock of ks_v4l2_lock(). It must close the
 *	descriptors that it opens
 * @data: its argument
 *
 * If the caller is killed, so is the wait for that lock, and any killable wait of @fn.
 * Memory that @fn allocates is not charged to the caller's control group.
 *
 * Context: process context; sleeps.
 * Return: what @fn returns; -EINTR if the caller was killed before; -ENOMEM.
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
