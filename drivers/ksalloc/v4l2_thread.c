// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel thread that calls V4L2 operations.
 *
 * V4L2 takes and gives dma-bufs by descriptor. A descriptor in the table of the calling
 * process would be visible to its threads: they could take the memory of all frames, or
 * put another dma-buf in its place, and closing it would drop the process's POSIX locks.
 * Kernel threads have a table of their own, which no process shares. So where the caller
 * does not name a descriptor of its own, the operation is called in a kernel thread.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "v4l2.h"

/* Not the system's: an operation can wait long for a driver */
static struct workqueue_struct *ks_v4l2_wq;

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
 * struct ks_v4l2_call - a call in a kernel thread
 * @work: the thread's part
 * @refs: of the caller and of the thread
 * @dev: the device, with a reference
 * @fn: the function
 * @data: its argument, which the caller has
 * @state: &enum ks_v4l2_call_state. The thread calls @fn, or the caller gives up,
 *	whichever changes it first
 * @done: @ret is valid
 * @ret: what @fn returned
 */
struct ks_v4l2_call {
	struct work_struct work;
	struct kref refs;
	struct ks_v4l2_device *dev;
	int (*fn)(void *data);
	void *data;
	atomic_t state;
	struct completion done;
	int ret;
};

/**
 * ks_v4l2_init() - prepare for devices
 *
 * Context: process context; sleeps.
 * Return: 0 or -ENOMEM.
 */
int ks_v4l2_init(void)
{
	ks_v4l2_wq = alloc_workqueue("ksalloc-v4l2", WQ_UNBOUND, 0);

	return ks_v4l2_wq ? 0 : -ENOMEM;
}

/**
 * ks_v4l2_exit() - undo ks_v4l2_init()
 *
 * Context: process context; sleeps. There is no device.
 */
void ks_v4l2_exit(void)
{
	destroy_workqueue(ks_v4l2_wq);
}

static void ks_v4l2_call_free(struct kref *refs)
{
	struct ks_v4l2_call *call = container_of(refs, struct ks_v4l2_call,
						 refs);

	ks_v4l2_put(call->dev);
	kfree(call);
}

static bool ks_v4l2_call_begin(struct ks_v4l2_call *call,
			       enum ks_v4l2_call_state state)
{
	return atomic_cmpxchg(&call->state, KS_V4L2_CALL_WAITS, state) ==
	       KS_V4L2_CALL_WAITS;
}

static void ks_v4l2_call_work(struct work_struct *work)
{
	struct ks_v4l2_call *call = container_of(work, struct ks_v4l2_call,
						 work);
	struct mutex *lock = ks_v4l2_mutex(call->dev);

	mutex_lock(lock);
	if (ks_v4l2_call_begin(call, KS_V4L2_CALL_RUNS))
		call->ret = call->fn(call->data);
	mutex_unlock(lock);
	complete(&call->done);
	kref_put(&call->refs, ks_v4l2_call_free);
}

/* Waits for the end. A killed caller gives up if the thread still waits for the lock */
static int ks_v4l2_call_wait(struct ks_v4l2_call *call)
{
	if (wait_for_completion_killable(&call->done)) {
		if (ks_v4l2_call_begin(call, KS_V4L2_CALL_CANCELLED))
			return -EINTR;
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
 * Others can hold that lock for long, so a killed caller stops to wait for it.
 *
 * Context: process context; sleeps.
 * Return: what @fn returns; -EINTR if it was not called; -ENOMEM.
 */
int ks_v4l2_run_in_thread(struct ks_v4l2_device *dev, int (*fn)(void *data),
			  void *data)
{
	struct ks_v4l2_call *call;
	int ret;

	call = kzalloc(sizeof(*call), GFP_KERNEL);
	if (!call)
		return -ENOMEM;
	INIT_WORK(&call->work, ks_v4l2_call_work);
	kref_init(&call->refs);
	kref_get(&call->refs);
	init_completion(&call->done);
	call->dev = ks_v4l2_get(dev);
	call->fn = fn;
	call->data = data;

	queue_work(ks_v4l2_wq, &call->work);
	ret = ks_v4l2_call_wait(call);
	kref_put(&call->refs, ks_v4l2_call_free);
	return ret;
}
