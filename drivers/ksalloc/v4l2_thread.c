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
 * Each open device has a thread of its own, not a work item: other processes can hold the
 * lock of a device for as long as they like, and must not block the threads of others.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/kthread.h>
#include <linux/lockdep.h>
#include <linux/sched/signal.h>
#include <linux/wait.h>

#include "v4l2.h"

/**
 * enum ks_v4l2_call_state - whether a call has begun
 * @KS_V4L2_CALL_WAITS: the thread waits for the lock of the device
 * @KS_V4L2_CALL_RUNS: the thread calls the function
 * @KS_V4L2_CALL_CANCELLED: the caller has given up
 */
enum ks_v4l2_call_state {
	KS_V4L2_CALL_WAITS,
	KS_V4L2_CALL_RUNS,
	KS_V4L2_CALL_CANCELLED,
};

/**
 * struct ks_v4l2_call - a call in a kernel thread, on the stack of the caller
 * @fn: the function
 * @data: its argument
 * @state: &enum ks_v4l2_call_state. The thread calls @fn, or the caller gives up,
 *	whichever changes it first
 * @done: @ret is valid, and the thread does not access the call any more
 * @ret: what @fn returned
 */
struct ks_v4l2_call {
	int (*fn)(void *data);
	void *data;
	atomic_t state;
	struct completion done;
	int ret;
};

static bool ks_v4l2_call_begin(struct ks_v4l2_call *call,
			       enum ks_v4l2_call_state state)
{
	return atomic_cmpxchg(&call->state, KS_V4L2_CALL_WAITS, state) ==
	       KS_V4L2_CALL_WAITS;
}

static void ks_v4l2_do_call(struct ks_v4l2_device *dev,
			    struct ks_v4l2_call *call)
{
	call->ret = -EINTR;
	/* A SIGKILL before allow_kernel_signal() is lost; a later one ends the wait */
	if (atomic_read(&call->state) == KS_V4L2_CALL_WAITS &&
	    !ks_v4l2_lock(dev)) {
		if (ks_v4l2_call_begin(call, KS_V4L2_CALL_RUNS))
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
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	dev->thread = thread;
	return 0;
}

/**
 * ks_v4l2_stop_thread() - end the thread of a device
 * @dev: the device, which has no other user any more
 *
 * Context: process context; sleeps.
 */
void ks_v4l2_stop_thread(struct ks_v4l2_device *dev)
{
	if (dev->thread)
		kthread_stop(dev->thread);
}

/* Has the thread do a call, and waits for its end */
static int ks_v4l2_call(struct ks_v4l2_device *dev, struct ks_v4l2_call *call)
{
	lockdep_assert_held(&dev->thread_lock);

	/* Of a caller before */
	flush_signals(dev->thread);

	WRITE_ONCE(dev->call, call);
	wake_up(&dev->thread_wait);
	if (wait_for_completion_killable(&call->done)) {
		if (ks_v4l2_call_begin(call, KS_V4L2_CALL_CANCELLED))
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
 * A killed caller gives up the wait for that lock. Memory that @fn allocates is not
 * charged to the caller's control group.
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
		.state = ATOMIC_INIT(KS_V4L2_CALL_WAITS),
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
