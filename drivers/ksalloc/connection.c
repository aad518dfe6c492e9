// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connection object: its lock, its end, and its errors. connection.h describes the rules.
 */
#include <kunit/visibility.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "connection.h"
#include "planes.h"
#include "ioctl.h"
#include "trace.h"

/* For work items that can wait for a driver for a long time */
static struct workqueue_struct *ks_connection_wq;

int ks_connection_init(void)
{
	ks_connection_wq = alloc_workqueue("ksalloc", WQ_UNBOUND, 0);

	return ks_connection_wq ? 0 : -ENOMEM;
}

/* There are no connections any more */
void ks_connection_exit(void)
{
	destroy_workqueue(ks_connection_wq);
}

/*
 * Returns a connection in STOP with one reference; NULL if there is no memory, and the caller keeps
 * @device. The caller then calls ks_feed_init()
 */
struct ks_connection *ks_connection_create(struct ksalloc_device *device,
					   work_func_t gone_work)
{
	struct ks_connection *conn;

	conn = kzalloc(sizeof(*conn), GFP_KERNEL_ACCOUNT);
	if (!conn)
		return NULL;
	mutex_init(&conn->lock);
	spin_lock_init(&conn->allocator_lock);
	INIT_LIST_HEAD(&conn->submitted);
	init_waitqueue_head(&conn->done.wait);
	INIT_LIST_HEAD(&conn->done.frames);
	INIT_DELAYED_WORK(&conn->gone_work, gone_work);
	kref_init(&conn->refs);
	kref_init(&conn->memory);
	conn->id = ks_new_id();
	conn->device = device;
	device->connection = conn;
	return conn;
}

static void ks_connection_free(struct kref *memory)
{
	struct ks_connection *conn = container_of(memory, struct ks_connection,
						  memory);

	mutex_destroy(&conn->lock);
	kfree(conn);
}

void ks_connection_put_memory(struct ks_connection *conn)
{
	kref_put(&conn->memory, ks_connection_free);
}

/*
 * Ends the assignment of an allocator, and drops its reference. The end of the last
 * assignment drops the mappings that are kept. ks_connection.lock is not held.
 */
void ks_connection_release_allocator(struct ks_allocator *alloc)
{
	if (atomic_dec_and_test(&alloc->assigned))
		ks_mappings_drop(alloc);
	ks_allocator_put(alloc);
}

/*
 * Frees a connection in STOP; its readers keep the structure. The destroyed device does
 * not access frames any more, even if it did not stop before. An exception are frames of
 * its own memory (@own, only compared): it may access these until the allocator is freed,
 * so they stay in use until then.
 */
void ks_connection_destroy(struct ks_connection *conn,
			   const struct ksalloc_memory_ops *own)
{
	struct ks_allocator *alloc = conn->allocator;

	/* The mmap() of a node that has just gone can still ask for it */
	spin_lock(&conn->allocator_lock);
	conn->allocator = NULL;
	spin_unlock(&conn->allocator_lock);
	if (alloc && alloc->memory_ops == own)
		ks_allocator_abandon(alloc, conn);
	else if (alloc)
		ks_allocator_take_back(alloc, conn);
	if (alloc)
		ks_connection_release_allocator(alloc);
	ks_connection_put_memory(conn);
}

/* Wakes calls and pollers of the connection, but not those of readers. Any context */
void ks_connection_wake_calls(struct ks_connection *conn)
{
	wake_up_poll(&conn->done.wait,
		     EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLHUP);
}

/* Wakes all waiting calls and pollers. Any context */
void ks_connection_wake(struct ks_connection *conn)
{
	ks_connection_wake_calls(conn);
	wake_up_poll(&conn->feed.wait,
		     EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLHUP);
}

void ks_connection_queue_gone_work(struct ks_connection *conn, unsigned long delay)
{
	queue_delayed_work(ks_connection_wq, &conn->gone_work, delay);
}

/* For work that can wait for a driver for a long time */
void ks_connection_queue_work(struct work_struct *work)
{
	queue_work(ks_connection_wq, work);
}

/**
 * ksalloc_device_refuse() - state why a device cannot use the frames of an allocator
 * @device: the device
 * @refusal: the reason
 * @frame: the frame, or the number of frames that the device can have; else 0
 * @error: the errno of the driver, or 0
 *
 * For the ->acquire() of the device, before it fails. KSALLOC_GET_STATE returns the values.
 *
 * Context: process context; does not sleep. ks_connection.lock is held.
 */
void ksalloc_device_refuse(struct ksalloc_device *device,
			   enum ksalloc_refusal refusal, u32 frame, int error)
{
	struct ks_connection *conn = device->connection;

	lockdep_assert_held(&conn->lock);

	spin_lock(&conn->allocator_lock);
	conn->refusal = (struct ks_refusal){ refusal, frame, error };
	spin_unlock(&conn->allocator_lock);
	if (refusal != KSALLOC_REFUSAL_NONE)
		trace_ksalloc_refusal(conn->id, refusal, frame, error);
}
EXPORT_SYMBOL_GPL(ksalloc_device_refuse);

struct ks_refusal ks_connection_get_refusal(struct ks_connection *conn)
{
	struct ks_refusal refusal;

	spin_lock(&conn->allocator_lock);
	refusal = conn->refusal;
	spin_unlock(&conn->allocator_lock);
	return refusal;
}

/*
 * Whether the connection is in STOP because the device has disappeared. If so, the state
 * and @stuck do not change any more. Any context.
 */
bool ks_connection_is_gone(struct ks_connection *conn)
{
	/* Pairs with smp_store_release() in ks_connection_gone_work() */
	return smp_load_acquire(&conn->gone);
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_is_gone);

/*
 * If the device has disappeared, waits until the connection is in STOP, and returns
 * -ENODEV; -EIO if it also did not stop; -EINTR if the task is killed meanwhile.
 * ks_connection.lock is not held. Contract I6.
 */
int ks_connection_check(struct ks_connection *conn)
{
	if (likely(!ks_connection_is_gone(conn))) {
		if (likely(!ks_device_is_gone(conn->device)))
			return 0;
		ks_connection_queue_gone_work(conn, 0);
		if (wait_event_killable(conn->done.wait,
					ks_connection_is_gone(conn)))
			return -EINTR;
	}
	return READ_ONCE(conn->stuck) ? -EIO : -ENODEV;
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_check);

/*
 * Whether the device has disappeared, and the connection is not in STOP yet. If so, this
 * also queues the work that brings the connection to STOP. Any context.
 */
bool ks_connection_is_going(struct ks_connection *conn)
{
	if (ks_connection_is_gone(conn) || !ks_device_is_gone(conn->device))
		return false;
	ks_connection_queue_gone_work(conn, 0);
	return true;
}

/* Takes the lock if the device can be used; does not check whether it has just disappeared */
static int ks_connection_lock_unchecked(struct ks_connection *conn, bool again)
{
	int ret;

	if (again ? !mutex_trylock(&conn->lock) :
		    mutex_lock_interruptible(&conn->lock))
		return -ERESTARTSYS;
	if (likely(!conn->gone && !conn->stuck))
		return 0;
	ret = conn->stuck ? -EIO : -ENODEV;
	mutex_unlock(&conn->lock);
	return ret;
}

/*
 * Takes ks_connection.lock if the device can be used. Otherwise returns -ERESTARTSYS, the
 * errors of ks_connection_check(), or -EIO if the device did not stop when requested.
 */
int ks_connection_lock(struct ks_connection *conn)
{
	return ks_connection_check(conn) ?:
	       ks_connection_lock_unchecked(conn, false);
}

/*
 * ks_connection_lock() for calls that check for a frame. Does not wait until the
 * connection is in STOP: returns -EAGAIN while ks_connection_is_going() or, with
 * @nonblock, a change of the state is in progress. Waiting calls are woken when these end.
 * With @again, returns -ERESTARTSYS instead of waiting for the lock.
 */
int ks_connection_lock_complete(struct ks_connection *conn, bool nonblock,
				bool again)
{
	/* The change to STOP may not be over yet */
	if (unlikely(ks_connection_is_gone(conn)))
		return ks_connection_check(conn);
	if ((nonblock && atomic_read(&conn->changing)) ||
	    ks_connection_is_going(conn))
		return -EAGAIN;
	return ks_connection_lock_unchecked(conn, again);
}

/*
 * The errno for the caller, if an operation of a device that is still there failed with
 * @ret. A driver can fail with -ENODEV before it unregisters its node. Callers must not
 * get that errno then, because it means that the frames of the device are free.
 */
int ks_connection_failure(int ret)
{
	return ret == -ENODEV ? -EIO : ret;
}

/*
 * The result of a call after an operation of the device. If the device disappears during
 * an operation, the operation can return any errno. So this checks the device after an
 * error. ks_connection.lock is not held.
 */
int ks_connection_result(struct ks_connection *conn, int ret)
{
	if (ret >= 0)
		return ret;
	return ks_connection_check(conn) ?: ks_connection_failure(ret);
}

/*
 * ks_connection_result() for calls that check for a frame. Does not sleep: returns
 * -EAGAIN while ks_connection_is_going().
 */
int ks_connection_result_complete(struct ks_connection *conn, int ret)
{
	if (ret >= 0)
		return ret;
	if (ks_connection_is_going(conn))
		return -EAGAIN;
	return ks_connection_is_gone(conn) ? ks_connection_check(conn) :
					     ks_connection_failure(ret);
}

/* Whether frames can be submitted and completed */
bool ks_connection_is_streaming(struct ks_connection *conn)
{
	lockdep_assert_held(&conn->lock);

	return conn->state >= KSSTATE_PAUSE && !conn->flushing;
}

/* Returns the assigned allocator with a reference; NULL if there is none */
struct ks_allocator *ks_connection_get_allocator(struct ks_connection *conn)
{
	struct ks_allocator *alloc;

	spin_lock(&conn->allocator_lock);
	alloc = conn->allocator;
	if (alloc)
		ks_allocator_get(alloc);
	spin_unlock(&conn->allocator_lock);

	return alloc;
}

/*
 * Returns the dma-buf of a plane of the assigned allocator, with a reference; NULL if there is
 * none. @index and @plane can come from user space. Takes no reference to the allocator: if the
 * scheduler took the processor from a task with one, the device could not free its buffers
 */
struct dma_buf *ks_connection_get_dmabuf(struct ks_connection *conn, u32 index, u32 plane)
{
	struct ksalloc_frame *frame = NULL;
	struct dma_buf *dmabuf = NULL;

	spin_lock(&conn->allocator_lock);
	if (conn->allocator)
		frame = ks_frame_at(conn->allocator, index);
	if (frame)
		dmabuf = ks_frame_dmabuf(frame, plane);
	if (dmabuf)
		get_dma_buf(dmabuf);
	spin_unlock(&conn->allocator_lock);

	return dmabuf;
}

/* Drops a reference in a context that must not wait */
void ks_connection_put_allocator(struct ks_allocator *alloc)
{
	ks_allocator_put_on(alloc, ks_connection_wq);
}

/* Returns -1 if no allocator is assigned */
int ks_connection_allocator_id(struct ks_connection *conn)
{
	int id;

	spin_lock(&conn->allocator_lock);
	id = conn->allocator ? (int)conn->allocator->id : -1;
	spin_unlock(&conn->allocator_lock);

	return id;
}

/* -EINVAL if the planes of the device are wrong. ks_connection.lock can be held */
int ks_connection_needs(struct ks_connection *conn,
			struct ksalloc_requirements *needs)
{
	return ks_device_result(conn->device->ops->get_framing(conn->device, needs)) ?:
	       ks_planes_of_device(needs);
}
