// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of a connection: STOP, ACQUIRE, PAUSE and RUN; flushes; disappearance of the
 * device. connection.h describes the rules.
 *
 * One step leads from a state to the next higher or lower one. Steps up can fail; then steps
 * down lead back. Steps down cannot fail.
 *
 * A device that disappears calls ks_connection_notify() in any context. A work item then brings
 * the connection to STOP, and it stays there. So its frames become free for other users of the
 * allocator, even if the process with the connection makes no more calls.
 *
 * A device that does not stop when requested may still access its frames. The frames stay
 * IN_DEVICE, and the allocator stays assigned, until the device is destroyed. Until then, all
 * calls fail with EIO.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/slab.h>

#include "connection.h"
#include "trace.h"

/* Delay before gone_work tries again to take the lock */
#define KS_GONE_AGAIN msecs_to_jiffies(10)

static void ks_connection_set_state(struct ks_connection *conn,
				    enum ksstate state)
{
	lockdep_assert_held(&conn->lock);

	trace_ksalloc_state(conn->id, conn->state, state);
	WRITE_ONCE(conn->state, state);
	ks_connection_wake(conn);
}

/*
 * Between these two, calls that must not wait do not take the lock, and return -EAGAIN. A change
 * begins before it waits for the lock, so that such a call does not wait behind it. If the call
 * waits for the lock already, it can be overtaken.
 */
static void ks_connection_begin_change(struct ks_connection *conn)
{
	atomic_inc(&conn->changing);
}

static void ks_connection_end_change(struct ks_connection *conn)
{
	atomic_dec(&conn->changing);
	ks_connection_wake(conn);
}

/* Takes the lock for a change, like ks_connection_lock() */
static int ks_connection_lock_change(struct ks_connection *conn)
{
	int ret;

	ks_connection_begin_change(conn);
	ret = ks_connection_lock(conn);
	if (ret)
		ks_connection_end_change(conn);
	return ret;
}

/* Stops the device. If that fails, sets @stuck: the device may still access its frames */
static void ks_connection_stop(struct ks_connection *conn)
{
	int ret;

	lockdep_assert_held(&conn->lock);

	if (conn->stuck)
		return;
	ret = conn->device->ops->stop(conn->device);
	if (!ret)
		return;
	WRITE_ONCE(conn->stuck, true);
	ks_feed_fail(&conn->feed, -EIO);
	/* Frees the frames that the device has not got yet */
	ks_feed_refill(conn);
	pr_warn("ksalloc: connection %u: the device does not stop (%d), its frames are kept\n",
		conn->id, ret);
}

/* Steps down. They do not fail, and the calling task may be exiting */

static void ks_step_acquire_to_stop(struct ks_connection *conn)
{
	if (!conn->stuck) {
		ks_mappings_keep(conn->allocator);
		conn->device->ops->release(conn->device);
	}
	kvfree(conn->slots);
	conn->slots = NULL;
	ks_connection_set_state(conn, KSSTATE_STOP);
}

/*
 * If the target is PAUSE, ks_connection_request() has already fetched filled frames. The other
 * frames stay on @submitted, and are not queued again before the next step to RUN, because
 * queuing can fail and a step down must not fail. The contents of a frame that was filled in
 * between are lost.
 */
static void ks_step_run_to_pause(struct ks_connection *conn)
{
	struct ks_slot *slot;

	ks_connection_stop(conn);
	list_for_each_entry(slot, &conn->submitted, link)
		slot->queued = false;
	conn->done.interrupted = true;
	ks_connection_set_state(conn, KSSTATE_PAUSE);
}

/*
 * Cancels all pending frames (contract I4, I5). They are still IN_DEVICE: the caller first
 * publishes the new state, and then calls ks_connection_take_back() to make them free.
 */
static void ks_connection_end_stream(struct ks_connection *conn,
				     bool interrupted)
{
	struct ks_slot *slot, *next;

	ks_connection_stop(conn);
	list_for_each_entry_safe(slot, next, &conn->submitted, link) {
		list_del_init(&slot->link);
		slot->queued = false;
	}
	WRITE_ONCE(conn->nr_submitted, 0);
	ks_done_end_stream(conn, interrupted);
	if (interrupted)
		ks_feed_flush(conn);
	else
		ks_feed_stop(conn);
}

static void ks_connection_take_back(struct ks_connection *conn)
{
	if (!conn->stuck)
		ks_allocator_take_back(conn->allocator, conn);
}

static void ks_step_pause_to_acquire(struct ks_connection *conn)
{
	ks_connection_end_stream(conn, false);
	WRITE_ONCE(conn->flushing, false);
	ks_connection_set_state(conn, KSSTATE_ACQUIRE);
	ks_connection_take_back(conn);
}

/* Brings a connection to a lower state, or the same. Contract I4 */
static void ks_connection_down(struct ks_connection *conn, enum ksstate target)
{
	lockdep_assert_held(&conn->lock);

	if (conn->state == KSSTATE_RUN && target < KSSTATE_RUN)
		ks_step_run_to_pause(conn);
	if (conn->state == KSSTATE_PAUSE && target < KSSTATE_PAUSE)
		ks_step_pause_to_acquire(conn);
	if (conn->state == KSSTATE_ACQUIRE && target == KSSTATE_STOP)
		ks_step_acquire_to_stop(conn);
}

/* Unlike ks_connection_request(), cannot be interrupted. The calling task may be exiting */
void ks_connection_force_stop(struct ks_connection *conn)
{
	ks_connection_begin_change(conn);
	mutex_lock(&conn->lock);
	ks_connection_down(conn, KSSTATE_STOP);
	ks_connection_end_change(conn);
	mutex_unlock(&conn->lock);
}

/* The device has a frame or an error, or has disappeared. Called in any context */
void ks_connection_notify(struct ks_connection *conn)
{
	/* While frames go to readers, usually nobody waits for the connection */
	if (wq_has_sleeper(&conn->done.wait))
		ks_connection_wake_calls(conn);
	ks_feed_notify(conn);
	if (ks_device_is_gone(conn->device))
		ks_connection_queue_gone_work(conn, 0);
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_notify);

/**
 * ksalloc_device_notify() - the device has a frame or an error, or has disappeared
 * @device: the device, between the calls of its ->watch() and ->unwatch(); without these, between
 *	its ->run() and ->stop()
 *
 * Context: any.
 */
void ksalloc_device_notify(struct ksalloc_device *device)
{
	ks_connection_notify(device->connection);
}
EXPORT_SYMBOL_GPL(ksalloc_device_notify);

/* Brings a connection whose device has disappeared to STOP. Contract I6 */
void ks_connection_gone_work(struct work_struct *work)
{
	struct ks_connection *conn =
		container_of(to_delayed_work(work), struct ks_connection,
			     gone_work);

	/*
	 * A call can hold the lock for a long time, and a device can have many connections.
	 * Work items that wait for the lock could use up all workers of the workqueue.
	 */
	if (!mutex_trylock(&conn->lock)) {
		ks_connection_queue_gone_work(conn, KS_GONE_AGAIN);
		return;
	}
	ks_connection_begin_change(conn);
	ks_connection_down(conn, KSSTATE_STOP);
	/* Pairs with smp_load_acquire() in ks_connection_is_gone() */
	smp_store_release(&conn->gone, true);
	ks_feed_gone(conn);
	ks_connection_end_change(conn);
	mutex_unlock(&conn->lock);
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_gone_work);

/* Steps up */

/* Returns @error */
static int ks_refuse(struct ks_connection *conn, enum ksalloc_refusal reason,
		     int error)
{
	ksalloc_device_refuse(conn->device, reason, 0, error);
	return error;
}

static int ks_step_stop_to_acquire(struct ks_connection *conn)
{
	struct ks_allocator *alloc = conn->allocator;
	struct ksalloc_requirements needs;
	struct ksalloc_plane_data *planes;
	struct ks_slot *slots;
	u32 i, count;
	int ret;

	ks_refuse(conn, KSALLOC_REFUSAL_NONE, 0);
	if (!alloc)
		return ks_refuse(conn, KSALLOC_REFUSAL_ALLOCATOR, -EINVAL);

	/* The format may have changed since the allocator was assigned */
	ret = ks_connection_needs(conn, &needs);
	if (ret)
		return ks_refuse(conn, KSALLOC_REFUSAL_OTHER, ret);
	if (!ks_allocator_fits(alloc, &needs))
		return ks_refuse(conn, KSALLOC_REFUSAL_FRAMING, -EINVAL);

	count = alloc->layout.count;
	slots = kvcalloc(alloc->nr_frames, sizeof(*slots) + count * sizeof(*planes),
			 GFP_KERNEL_ACCOUNT);
	if (!slots)
		return ks_refuse(conn, KSALLOC_REFUSAL_OTHER, -ENOMEM);
	planes = (struct ksalloc_plane_data *)&slots[alloc->nr_frames];
	for (i = 0; i < alloc->nr_frames; i++) {
		INIT_LIST_HEAD(&slots[i].link);
		slots[i].filled.planes = &planes[i * count];
	}

	ret = ks_device_result(conn->device->ops->acquire(conn->device, alloc));
	if (ret) {
		kvfree(slots);
		if (conn->refusal.reason == KSALLOC_REFUSAL_NONE)
			ks_refuse(conn, KSALLOC_REFUSAL_OTHER, ret);
		return ret;
	}

	conn->slots = slots;
	ks_connection_set_state(conn, KSSTATE_ACQUIRE);
	return 0;
}

static int ks_step_acquire_to_pause(struct ks_connection *conn, bool circulate)
{
	int ret = circulate ? ks_feed_begin(conn) : 0;

	if (!ret)
		ks_connection_set_state(conn, KSSTATE_PAUSE);
	return ret;
}

/* Starts the device; during a flush, the end of the flush does this */
static int ks_connection_run(struct ks_connection *conn)
{
	int ret;

	/* Without a running device, a notification is not for a frame */
	atomic_set(&conn->feed.pending, 0);
	ret = conn->flushing ? 0 : ks_device_result(conn->device->ops->run(conn->device));
	if (!ret) {
		conn->done.synchronized = false;
		ks_feed_clear_error(conn);
	}
	return ret;
}

static int ks_step_pause_to_run(struct ks_connection *conn)
{
	struct ks_slot *slot;
	int ret;

	list_for_each_entry(slot, &conn->submitted, link) {
		ret = slot->queued ? 0 : ks_connection_queue(conn, slot, -1);
		if (ret)
			return ret;
	}
	ret = ks_connection_run(conn);
	if (ret)
		return ret;
	ks_connection_set_state(conn, KSSTATE_RUN);
	return 0;
}

/* Contract I1: enters all states between, one by one; after an error, goes back to the start */
static int ks_connection_up(struct ks_connection *conn, enum ksstate target,
			    bool circulate)
{
	const enum ksstate start = conn->state;
	int ret = 0;

	lockdep_assert_held(&conn->lock);

	if (conn->state == KSSTATE_STOP && target > KSSTATE_STOP)
		ret = ks_step_stop_to_acquire(conn);
	if (!ret && conn->state == KSSTATE_ACQUIRE && target > KSSTATE_ACQUIRE)
		ret = ks_step_acquire_to_pause(conn, circulate);
	if (!ret && conn->state == KSSTATE_PAUSE && target > KSSTATE_PAUSE)
		ret = ks_step_pause_to_run(conn);

	if (ret)
		ks_connection_down(conn, start);
	return ret;
}

/* Fetches the frames that are filled, before the device stops */
static void ks_connection_fetch_all(struct ks_connection *conn)
{
	if (conn->feed.running)
		ks_feed_pump(conn, U32_MAX);
	else
		while (!ks_done_fetch(conn))
			;
}

/*
 * Brings a connection to @state. With @circulate, the frames of the stream circulate; -EBUSY if
 * those of the current stream do not. Returns the errors of KSALLOC_SET_STATE. Contract I1, I4.
 */
int ks_connection_request(struct ks_connection *conn, enum ksstate state,
			  bool circulate)
{
	int ret;

	might_sleep();

	ret = ks_connection_lock_change(conn);
	if (ret)
		/* A connection without a device is in STOP already */
		return ret == -ENODEV && state == KSSTATE_STOP ? 0 : ret;

	if (conn->state == KSSTATE_RUN && state == KSSTATE_PAUSE)
		ks_connection_fetch_all(conn);
	if (circulate && conn->state >= KSSTATE_PAUSE && !conn->feed.running)
		ret = -EBUSY;
	else if (state < conn->state)
		ks_connection_down(conn, state);
	else
		ret = ks_connection_up(conn, state, circulate);
	if (conn->stuck)
		ret = -EIO;
	ks_connection_end_change(conn);
	mutex_unlock(&conn->lock);

	return ks_connection_result(conn, ret);
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_request);

/* Contract I5: stops the device and takes its frames; the state does not change */
static void ks_connection_begin_flush(struct ks_connection *conn)
{
	lockdep_assert_held(&conn->lock);

	if (conn->flushing)
		return;
	ks_connection_end_stream(conn, true);
	WRITE_ONCE(conn->flushing, true);
	ks_connection_wake(conn);
	ks_connection_take_back(conn);
}

/* On failure, the flush goes on */
static int ks_connection_end_flush(struct ks_connection *conn)
{
	int ret;

	lockdep_assert_held(&conn->lock);

	if (!conn->flushing)
		return 0;
	WRITE_ONCE(conn->flushing, false);
	/* Fill before the start: videobuf2 starts the device with the last frame that it needs */
	ret = ks_feed_fill_first(conn);
	if (!ret && conn->state == KSSTATE_RUN)
		ret = ks_connection_run(conn);
	if (ret)
		ks_connection_begin_flush(conn);
	return ret;
}

/* Begins or ends a flush. Contract I5 */
int ks_connection_reset(struct ks_connection *conn, enum ksreset reset)
{
	int ret;

	might_sleep();

	ret = ks_connection_lock_change(conn);
	if (ret)
		return ret;
	if (conn->state < KSSTATE_PAUSE)
		ret = -ECANCELED;
	else if (reset == KSRESET_BEGIN)
		ks_connection_begin_flush(conn);
	else
		ret = ks_connection_end_flush(conn);
	if (conn->stuck)
		ret = -EIO;
	ks_connection_end_change(conn);
	mutex_unlock(&conn->lock);

	return ks_connection_result(conn, ret);
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_reset);
