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
#include <linux/workqueue.h>

#include "v4l2.h"

/* Not the system's: an operation can wait long for a driver */
static struct workqueue_struct *ks_v4l2_wq;

struct ks_v4l2_call {
	struct work_struct work;
	int (*fn)(void *data);
	void *data;
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

static void ks_v4l2_call_work(struct work_struct *work)
{
	struct ks_v4l2_call *call = container_of(work, struct ks_v4l2_call,
						 work);

	call->ret = call->fn(call->data);
}

/**
 * ks_v4l2_run_in_thread() - call a function in a kernel thread, and wait
 * @fn: the function. It must close the descriptors that it opens
 * @data: its argument
 *
 * Context: process context; sleeps. @fn must not take a lock that the caller holds.
 * Return: what @fn returns.
 */
int ks_v4l2_run_in_thread(int (*fn)(void *data), void *data)
{
	struct ks_v4l2_call call = { .fn = fn, .data = data };

	INIT_WORK_ONSTACK(&call.work, ks_v4l2_call_work);
	queue_work(ks_v4l2_wq, &call.work);
	flush_work(&call.work);
	destroy_work_on_stack(&call.work);
	return call.ret;
}
