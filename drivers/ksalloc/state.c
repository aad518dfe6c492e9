// SPDX-License-Identifier: GPL-2.0-only
/*
 * A connection's state: STOP, ACQUIRE, PAUSE and RUN, flushes, and the device's end.
 *
 * A state is entered from the one beside it, by one step: those up can fail, and
 * then the steps down lead back; those down cannot. What happens to frames while
 * the state is PAUSE or RUN is in reader.c.
 *
 * A device that disappears is noticed by its last words, in any context, upon
 * which a work item takes the connection down to STOP for good: its frames are
 * free for others even if its owner never comes back.
 *
 * See ksalloc_priv.h for objects and locking as a whole.
 */
#include <kunit/visibility.h>
#include <linux/lockdep.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "ksalloc_priv.h"
#include "trace.h"

static void ks_connection_set_state(struct ks_connection *conn,
				    enum ksstate state)
{
	lockdep_assert_held(&conn->lock);

	trace_ksalloc_state(conn->id, conn->state, state);
	WRITE_ONCE(conn->state, state);
	ks_connection_wake(conn);
}

/* Steps down. They do not fail, and the calling task may be exiting */

static void ks_step_acquire_to_stop(struct ks_connection *conn)
{
	conn->device->ops->unacquire(conn->device);
	kvfree(conn->slots);
	conn->slots = NULL;
	ks_connection_set_state(conn, KSSTATE_STOP);
}

/*
 * The device stops and forgets what it has. What was filled until then is kept
 * for the readers by ks_connection_request(), if there still is a use for it; the
 * rest stays submitted, to be queued again on the way to RUN: that can fail, and
 * the way down cannot. What was filled in between is among the rest, and lost.
 */
static void ks_step_run_to_pause(struct ks_connection *conn)
{
	struct ks_slot *slot;

	conn->device->ops->cancel(conn->device);
	list_for_each_entry(slot, &conn->submitted, link)
		slot->queued = false;
	conn->interrupted = true;
	ks_connection_set_state(conn, KSSTATE_PAUSE);
}

/*
 * What is pending is cancelled (contract I4, I5). What was in the device is not free
 * yet, for the caller has still to say that the stream has ended.
 */
static void ks_connection_end_stream(struct ks_connection *conn)
{
	struct ks_allocator *alloc = ks_assigned(conn);
	struct ks_reader *reader;
	u32 i;

	conn->device->ops->cancel(conn->device);
	for (i = 0; i < alloc->frames; i++)
		list_del_init(&conn->slots[i].link);
	conn->streams++;
	/* Even those that wake up when the next stream runs already */
	list_for_each_entry(reader, &conn->readers, link)
		reader->cancelled = true;
}

static void ks_step_pause_to_acquire(struct ks_connection *conn)
{
	ks_connection_end_stream(conn);
	conn->interrupted = false;
	conn->timed = false;
	WRITE_ONCE(conn->flushing, false);
	ks_connection_set_state(conn, KSSTATE_ACQUIRE);
	ks_allocator_cancel(ks_assigned(conn), conn->file);
}

/**
 * ks_connection_down() - bring a connection to a lower state, or the same
 * @conn: the connection, with its lock held
 * @target: the state
 *
 * Contract I4.
 *
 * Context: process context; sleeps. The calling task may be exiting.
 */
void ks_connection_down(struct ks_connection *conn, enum ksstate target)
{
	lockdep_assert_held(&conn->lock);

	if (conn->state == KSSTATE_RUN && target < KSSTATE_RUN)
		ks_step_run_to_pause(conn);
	if (conn->state == KSSTATE_PAUSE && target < KSSTATE_PAUSE)
		ks_step_pause_to_acquire(conn);
	if (conn->state == KSSTATE_ACQUIRE && target == KSSTATE_STOP)
		ks_step_acquire_to_stop(conn);
}

/* Contract I6: the device is gone, and so is all that it had */
static void ks_connection_gone(struct ks_connection *conn)
{
	lockdep_assert_held(&conn->lock);

	if (conn->gone)
		return;
	WRITE_ONCE(conn->gone, true);
	ks_connection_down(conn, KSSTATE_STOP);
	ks_connection_wake(conn);
}

/**
 * ks_connection_gone_work() - what the device's last words lead to
 * @work: &ks_connection.gone_work
 *
 * Contract I6.
 *
 * Context: process context; sleeps.
 */
void ks_connection_gone_work(struct work_struct *work)
{
	struct ks_connection *conn =
		container_of(work, struct ks_connection, gone_work);

	mutex_lock(&conn->lock);
	ks_connection_gone(conn);
	mutex_unlock(&conn->lock);
}

/**
 * ks_connection_check() - look whether the device is there
 * @conn: the connection, with its lock held
 *
 * The first to find that it is not takes the connection down. Contract I6.
 *
 * Context: process context; sleeps.
 * Return: 0; -ENODEV.
 */
int ks_connection_check(struct ks_connection *conn)
{
	lockdep_assert_held(&conn->lock);

	if (!conn->gone && conn->device->ops->gone(conn->device))
		ks_connection_gone(conn);
	return conn->gone ? -ENODEV : 0;
}

/**
 * ks_connection_lock() - take ks_connection.lock if the device is there
 * @conn: the connection
 *
 * Context: process context; sleeps.
 * Return: 0 with the lock held; -ENODEV or -ERESTARTSYS.
 */
int ks_connection_lock(struct ks_connection *conn)
{
	int ret;

	if (mutex_lock_interruptible(&conn->lock))
		return -ERESTARTSYS;
	ret = ks_connection_check(conn);
	if (ret)
		mutex_unlock(&conn->lock);
	return ret;
}

/* Steps up */

static int ks_step_stop_to_acquire(struct ks_connection *conn)
{
	struct ks_allocator *alloc = ks_assigned(conn);
	struct ksallocator_framing framing;
	struct ks_slot *slots;
	int ret;
	u32 i;

	if (!alloc)
		return -EINVAL;

	/* The format may have changed since the allocator was assigned */
	ret = conn->device->ops->get_framing(conn->device, &framing);
	if (ret)
		return ret;
	if (!ks_framing_fits(&alloc->framing, &framing))
		return -EINVAL;

	slots = kvcalloc(alloc->frames, sizeof(*slots), GFP_KERNEL_ACCOUNT);
	if (!slots)
		return -ENOMEM;
	for (i = 0; i < alloc->frames; i++)
		INIT_LIST_HEAD(&slots[i].link);

	ret = conn->device->ops->acquire(conn->device, conn->allocator);
	if (ret) {
		kvfree(slots);
		return ret;
	}

	conn->slots = slots;
	ks_connection_set_state(conn, KSSTATE_ACQUIRE);
	return 0;
}

/* Lets the device run, unless that is left to the end of a flush */
static int ks_connection_run(struct ks_connection *conn)
{
	int ret = conn->flushing ? 0 : conn->device->ops->run(conn->device);

	if (!ret)
		conn->synchronized = false;
	return ret;
}

static int ks_step_pause_to_run(struct ks_connection *conn)
{
	struct ks_slot *slot;
	int ret;

	list_for_each_entry(slot, &conn->submitted, link) {
		ret = slot->queued ? 0 : ks_connection_queue(conn, slot);
		if (ret)
			return ret;
	}
	ret = ks_connection_run(conn);
	if (ret)
		return ret;
	ks_connection_set_state(conn, KSSTATE_RUN);
	return 0;
}

/* Contract I1: walks through the states between; a failure walks back */
static int ks_connection_up(struct ks_connection *conn, enum ksstate target)
{
	const enum ksstate start = conn->state;
	int ret = 0;

	lockdep_assert_held(&conn->lock);

	if (conn->state == KSSTATE_STOP && target > KSSTATE_STOP)
		ret = ks_step_stop_to_acquire(conn);
	if (!ret && conn->state == KSSTATE_ACQUIRE && target > KSSTATE_ACQUIRE)
		ks_connection_set_state(conn, KSSTATE_PAUSE);
	if (!ret && conn->state == KSSTATE_PAUSE && target > KSSTATE_PAUSE)
		ret = ks_step_pause_to_run(conn);

	if (ret)
		ks_connection_down(conn, start);
	return ret;
}

/**
 * ks_connection_request() - bring a connection to a state
 * @conn: the connection
 * @state: the state
 *
 * Contract I1, I4.
 *
 * Context: process context; sleeps. The calling task has descriptors.
 * Return: 0; the errors of KSALLOC_SET_STATE.
 */
int ks_connection_request(struct ks_connection *conn, enum ksstate state)
{
	int ret;

	might_sleep();

	ret = ks_connection_lock(conn);
	if (ret)
		/* A connection without a device is in STOP already */
		return ret == -ENODEV && state == KSSTATE_STOP ? 0 : ret;

	if (conn->state == KSSTATE_RUN && state == KSSTATE_PAUSE)
		while (!ks_connection_dequeue(conn))
			;
	if (state < conn->state)
		ks_connection_down(conn, state);
	else
		ret = ks_connection_up(conn, state);
	mutex_unlock(&conn->lock);

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_request);

/* Contract I5: the device stops, and has no frames; the state is the same */
static void ks_connection_begin_flush(struct ks_connection *conn)
{
	lockdep_assert_held(&conn->lock);

	if (conn->flushing)
		return;
	ks_connection_end_stream(conn);
	conn->interrupted = true;
	WRITE_ONCE(conn->flushing, true);
	ks_connection_wake(conn);
	ks_allocator_cancel(ks_assigned(conn), conn->file);
}

/* On failure the flush goes on */
static int ks_connection_end_flush(struct ks_connection *conn)
{
	int ret = 0;

	lockdep_assert_held(&conn->lock);

	if (!conn->flushing)
		return 0;
	WRITE_ONCE(conn->flushing, false);
	if (conn->state == KSSTATE_RUN)
		ret = ks_connection_run(conn);
	if (ret)
		WRITE_ONCE(conn->flushing, true);
	ks_connection_wake(conn);
	return ret;
}

/**
 * ks_connection_reset() - begin or end a flush
 * @conn: the connection
 * @reset: which of both
 *
 * Contract I5.
 *
 * Context: process context; sleeps.
 * Return: 0; the errors of KSALLOC_RESET_STATE.
 */
int ks_connection_reset(struct ks_connection *conn, enum ksreset reset)
{
	int ret;

	might_sleep();

	ret = ks_connection_lock(conn);
	if (ret)
		return ret;
	if (conn->state < KSSTATE_PAUSE)
		ret = -ECANCELED;
	else if (reset == KSRESET_BEGIN)
		ks_connection_begin_flush(conn);
	else
		ret = ks_connection_end_flush(conn);
	mutex_unlock(&conn->lock);

	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_reset);
