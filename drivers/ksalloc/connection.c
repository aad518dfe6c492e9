// SPDX-License-Identifier: GPL-2.0-only
/*
 * The connection object: lock, notification, assigned allocator. connection.h states
 * the rules.
 */
#include <kunit/visibility.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "connection.h"
#include "framing.h"
#include "ioctl.h"

/* For works that can wait long for a driver */
static struct workqueue_struct *ks_connection_wq;

/**
 * ks_connection_init() - prepare for connections
 *
 * Context: process context; sleeps.
 * Return: 0 or -ENOMEM.
 */
int ks_connection_init(void)
{
	ks_connection_wq = alloc_workqueue("ksalloc", WQ_UNBOUND, 0);

	return ks_connection_wq ? 0 : -ENOMEM;
}

/**
 * ks_connection_exit() - undo ks_connection_init()
 *
 * Context: process context; sleeps. There is no connection.
 */
void ks_connection_exit(void)
{
	destroy_workqueue(ks_connection_wq);
}

/**
 * ks_connection_create() - make a connection in STOP
 * @device: its device
 * @gone_work: takes the connection down when the device has disappeared
 *
 * Context: process context; may sleep.
 * Return: the connection, with one reference; NULL without memory.
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
	init_waitqueue_head(&conn->reader.wait);
	INIT_LIST_HEAD(&conn->reader.done);
	INIT_DELAYED_WORK(&conn->gone_work, gone_work);
	kref_init(&conn->refs);
	conn->id = ks_new_id();
	conn->device = device;
	device->connection = conn;
	return conn;
}

/**
 * ks_connection_destroy() - end a connection
 * @conn: a connection in STOP, whose device is destroyed
 * @own: the device's own memory; only compared
 *
 * A device that did not stop has let go of its frames by now, unless they are its own
 * memory, which is there until the allocator ends.
 *
 * Context: process context; sleeps.
 */
void ks_connection_destroy(struct ks_connection *conn,
			   const struct ksalloc_memory_ops *own)
{
	struct ks_allocator *alloc = conn->allocator;

	if (alloc && alloc->memory_ops == own)
		ks_allocator_abandon(alloc, conn);
	else if (alloc)
		ks_allocator_take_back(alloc, conn);
	if (alloc)
		ks_allocator_put(alloc);
	mutex_destroy(&conn->lock);
	kfree(conn);
}

/**
 * ks_connection_wake() - make waiting calls and pollers look again
 * @conn: the connection
 *
 * Context: any.
 */
void ks_connection_wake(struct ks_connection *conn)
{
	wake_up_poll(&conn->reader.wait,
		     EPOLLIN | EPOLLRDNORM | EPOLLERR | EPOLLHUP);
}

/**
 * ks_connection_gone() - have the connection taken down
 * @conn: the connection
 * @delay: when, in jiffies
 *
 * Context: any.
 */
void ks_connection_gone(struct ks_connection *conn, unsigned long delay)
{
	queue_delayed_work(ks_connection_wq, &conn->gone_work, delay);
}

/**
 * ks_connection_notify() - the device has a filled frame or an error, or is gone
 * @conn: the connection
 *
 * Context: any.
 */
void ks_connection_notify(struct ks_connection *conn)
{
	ks_connection_wake(conn);
	if (conn->device->ops->gone(conn->device))
		ks_connection_gone(conn, 0);
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_notify);

/**
 * ksalloc_device_notify() - the device has a filled frame or an error, or is gone
 * @device: the device, between the calls of its ->watch() and ->unwatch()
 *
 * Context: any.
 */
void ksalloc_device_notify(struct ksalloc_device *device)
{
	ks_connection_notify(device->connection);
}
EXPORT_SYMBOL_GPL(ksalloc_device_notify);

/**
 * ks_connection_is_gone() - was the connection taken down?
 * @conn: the connection
 *
 * Context: any.
 * Return: whether it was. If so, its state is STOP, and @stuck is final.
 */
bool ks_connection_is_gone(struct ks_connection *conn)
{
	/* Pairs with ks_connection_gone_work() */
	return smp_load_acquire(&conn->gone);
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_is_gone);

/**
 * ks_connection_check() - look whether the device is there
 * @conn: the connection
 *
 * If it has disappeared, the connection is in STOP when this returns. Contract I6.
 *
 * Context: process context; sleeps. ks_connection.lock is not held.
 * Return: 0; -ENODEV; -EIO if the device did not stop either; -EINTR if the task is
 * killed meanwhile.
 */
int ks_connection_check(struct ks_connection *conn)
{
	if (likely(!ks_connection_is_gone(conn))) {
		if (likely(!conn->device->ops->gone(conn->device)))
			return 0;
		ks_connection_gone(conn, 0);
		if (wait_event_killable(conn->reader.wait,
					ks_connection_is_gone(conn)))
			return -EINTR;
	}
	return READ_ONCE(conn->stuck) ? -EIO : -ENODEV;
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_check);

/**
 * ks_connection_lock() - take ks_connection.lock if the device is of use
 * @conn: the connection
 *
 * Context: process context; sleeps.
 * Return: 0 with the lock held; without it, -ERESTARTSYS, -ENODEV as
 * ks_connection_check(), or -EIO if the device did not stop when it should.
 */
int ks_connection_lock(struct ks_connection *conn)
{
	int ret;

	ret = ks_connection_check(conn);
	if (ret)
		return ret;
	if (mutex_lock_interruptible(&conn->lock))
		return -ERESTARTSYS;
	if (likely(!conn->gone && !conn->stuck))
		return 0;
	ret = conn->stuck ? -EIO : -ENODEV;
	mutex_unlock(&conn->lock);
	return ret;
}

/**
 * ks_connection_is_going() - is the connection being taken down?
 * @conn: the connection
 *
 * Context: any.
 * Return: whether the device has disappeared, and the connection is not taken down yet.
 */
bool ks_connection_is_going(struct ks_connection *conn)
{
	if (ks_connection_is_gone(conn) ||
	    !conn->device->ops->gone(conn->device))
		return false;
	ks_connection_gone(conn, 0);
	return true;
}

/**
 * ks_connection_lock_nonblock() - the same for a call that must not wait
 * @conn: the connection
 *
 * Context: process context; sleeps, but not for a change of the state.
 * Return: as ks_connection_lock(), and -EAGAIN while the state is being changed or the
 * connection is taken down.
 */
int ks_connection_lock_nonblock(struct ks_connection *conn)
{
	if (READ_ONCE(conn->changing) || ks_connection_is_going(conn))
		return -EAGAIN;
	return ks_connection_lock(conn);
}

/**
 * ks_connection_result() - what a call returns after an operation of the device
 * @conn: the connection
 * @ret: what the operation returned
 * @nonblock: the call must not wait
 *
 * An operation that is under way when the device disappears may return any errno.
 *
 * Context: process context; sleeps. ks_connection.lock is not held.
 * Return: @ret; for any errno if the device has disappeared, as ks_connection_check(), or
 * -EAGAIN instead of waiting.
 */
int ks_connection_result(struct ks_connection *conn, int ret, bool nonblock)
{
	if (ret >= 0)
		return ret;
	if (nonblock && ks_connection_is_going(conn))
		return -EAGAIN;
	return ks_connection_check(conn) ?: ret;
}

/**
 * ks_connection_is_streaming() - can frames be submitted and waited for?
 * @conn: the connection
 *
 * Context: any; ks_connection.lock is held.
 * Return: whether they can.
 */
bool ks_connection_is_streaming(struct ks_connection *conn)
{
	lockdep_assert_held(&conn->lock);

	return conn->state >= KSSTATE_PAUSE && !conn->flushing;
}

/**
 * ks_connection_get_allocator() - the assigned allocator
 * @conn: the connection
 *
 * Context: process context.
 * Return: the allocator, with a reference; NULL if none is assigned.
 */
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

/**
 * ks_connection_put_allocator() - drop a reference where nothing may wait
 * @alloc: the allocator
 *
 * Context: process context.
 */
void ks_connection_put_allocator(struct ks_allocator *alloc)
{
	ks_allocator_put_on(alloc, ks_connection_wq);
}

/**
 * ks_connection_allocator_id() - the number of the assigned allocator
 * @conn: the connection
 *
 * Context: process context.
 * Return: the number; -1 if none is assigned.
 */
int ks_connection_allocator_id(struct ks_connection *conn)
{
	int id;

	spin_lock(&conn->allocator_lock);
	id = conn->allocator ? (int)conn->allocator->id : -1;
	spin_unlock(&conn->allocator_lock);

	return id;
}

/* Whether an allocator can be assigned: 0 or an errno. Contract D5, F3 */
static int ks_connection_check_allocator(struct ks_connection *conn,
					 const struct ks_allocator *alloc)
{
	struct ksallocator_framing framing;
	int ret;

	if (alloc->kernel_only)
		return -EOPNOTSUPP;
	ret = conn->device->ops->get_framing(conn->device, &framing);
	if (ret)
		return ret;
	return ks_framing_fits(&alloc->framing, &framing) ? 0 : -EINVAL;
}

/*
 * Assigns an allocator, with the lock held. The caller drops the reference to @old, if
 * that is not NULL, without the lock: it can be the last.
 */
static int ks_connection_assign(struct ks_connection *conn,
				struct ks_allocator *alloc,
				struct ks_allocator **old)
{
	int ret;

	lockdep_assert_held(&conn->lock);

	*old = NULL;
	if (conn->state != KSSTATE_STOP)
		return -EBUSY;
	ret = alloc ? ks_connection_check_allocator(conn, alloc) : 0;
	if (ret || alloc == conn->allocator)
		return ret;

	/* Before the pointer changes: see ks_connection_file_release() */
	*old = conn->allocator;
	if (*old)
		ks_allocator_reclaim_connection(*old, conn);
	if (alloc)
		ks_allocator_get(alloc);
	spin_lock(&conn->allocator_lock);
	WRITE_ONCE(conn->allocator, alloc);
	spin_unlock(&conn->allocator_lock);
	return 0;
}

/**
 * ks_connection_set_allocator() - assign an allocator
 * @conn: the connection
 * @alloc: the allocator, of which the connection gets a reference; NULL for none
 *
 * Contract D5.
 *
 * Context: process context; sleeps.
 * Return: 0; the errors of KSALLOC_SET_ALLOCATOR.
 */
int ks_connection_set_allocator(struct ks_connection *conn,
				struct ks_allocator *alloc)
{
	struct ks_allocator *old;
	int ret;

	ret = ks_connection_lock(conn);
	/* No device is needed to let go of frames, unless it still has them */
	if (ret == -ENODEV && !alloc) {
		if (mutex_lock_interruptible(&conn->lock))
			return -ERESTARTSYS;
		ret = conn->stuck ? -EIO : 0;
		if (ret)
			mutex_unlock(&conn->lock);
	}
	if (ret)
		return ret;
	ret = ks_connection_assign(conn, alloc, &old);
	mutex_unlock(&conn->lock);
	if (old)
		ks_allocator_put(old);

	return ks_connection_result(conn, ret, false);
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_set_allocator);
