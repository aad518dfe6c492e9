// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stream of a connection: frames on their way through the device.
 *
 * While the state is PAUSE or RUN, each frame that is IN_DEVICE has its slot on
 * one of two lists: "submitted", in the order of submission, until the device says
 * that it is filled, then "done" until KSALLOC_COMPLETE collects it. Mostly a
 * frame goes through both lists in one call of KSALLOC_COMPLETE. It stays on the
 * second one where the state went from RUN to PAUSE, for what is filled is not
 * lost thereby, and where a caller could not be told of it (EFAULT).
 *
 * There is no thread: a frame is queued by whoever submits it, and dequeued by
 * whoever completes it. Those who wait sleep on the connection's wait queue until
 * ks_connection_notify() counts an event, and look again.
 *
 * See ksalloc_priv.h for objects and locking as a whole.
 */
#include <kunit/visibility.h>
#include <linux/atomic.h>
#include <linux/file.h>
#include <linux/hrtimer.h>
#include <linux/lockdep.h>
#include <linux/nospec.h>
#include <linux/sched.h>

#include "ksalloc_priv.h"
#include "trace.h"

/* Whether a picture is missing between the frame before and this one */
static u32 ks_connection_check_sequence(struct ks_connection *conn,
					const struct ksalloc_completion *completion)
{
	/* The two fields of an interlaced frame can have one number */
	bool gap = conn->synchronized &&
		   completion->sequence != conn->sequence &&
		   completion->sequence != conn->sequence - 1;

	lockdep_assert_held(&conn->lock);

	conn->gaps += gap;
	conn->synchronized = true;
	conn->sequence = completion->sequence + 1;

	return gap || conn->interrupted ?
	       KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY : 0;
}

/*
 * Whether this frame's time does not go on from that of the frame before. A picture
 * that is missing between them is none such: the sequence numbers tell of the time
 * that it took.
 */
static u32 ks_connection_check_time(struct ks_connection *conn,
				    const struct ksalloc_completion *completion)
{
	bool breaks = conn->interrupted ||
		      (conn->timed && completion->time < conn->time);

	lockdep_assert_held(&conn->lock);

	if (!(completion->options_flags & KSSTREAM_HEADER_OPTIONSF_TIMEVALID))
		return 0;
	conn->timed = true;
	conn->time = completion->time;

	return breaks ? KSSTREAM_HEADER_OPTIONSF_TIMEDISCONTINUITY : 0;
}

/*
 * Holds a device to the frame: its word on where the data are goes to readers that
 * index the memory with it. A V4L2 device can fill more, for the client may have put
 * larger buffers in the place of the frames.
 */
static void ks_connection_check_data(struct ks_connection *conn,
				     struct ksalloc_completion *completion)
{
	const u32 extent = ks_assigned(conn)->framing.frame_size;
	const u32 offset = min(completion->data_offset, extent);
	const u32 used = min(completion->data_used, extent - offset);

	lockdep_assert_held(&conn->lock);

	if (offset != completion->data_offset || used != completion->data_used)
		completion->options_flags |=
			KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
	completion->data_offset = offset;
	completion->data_used = used;
}

/**
 * ks_connection_dequeue() - move one frame that the device has filled to the done
 * list
 * @conn: the connection, in RUN
 *
 * The V4L2 file may be in other hands too, so what comes out of the device need
 * not be what went in: buffers that were not submitted here are passed over.
 *
 * Context: process context; sleeps. ks_connection.lock is held.
 * Return: 0; -EAGAIN where there is none; what else the device says.
 */
int ks_connection_dequeue(struct ks_connection *conn)
{
	struct ks_allocator *alloc = ks_assigned(conn);
	struct ksalloc_completion completion;
	struct ks_slot *slot;
	int ret;

	lockdep_assert_held(&conn->lock);

	if (list_empty(&conn->submitted))
		return -EAGAIN;
	do {
		ret = conn->device->ops->dequeue(conn->device, &completion);
		if (ret)
			return ret;
	} while (completion.index >= alloc->frames ||
		 list_empty(&conn->slots[completion.index].link));
	slot = &conn->slots[completion.index];

	ks_connection_check_data(conn, &completion);
	completion.options_flags |= ks_connection_check_sequence(conn,
								 &completion);
	completion.options_flags |= ks_connection_check_time(conn, &completion);
	conn->interrupted = false;

	slot->completion = completion;
	list_move_tail(&slot->link, &conn->done);
	return 0;
}

/**
 * ks_connection_queue() - put a frame into the device's queue
 * @conn: the connection, in PAUSE
 * @slot: the frame's slot
 *
 * Context: process context; sleeps. ks_connection.lock is held. The calling task
 * has descriptors.
 * Return: 0 or what the device says.
 */
int ks_connection_queue(struct ks_connection *conn, struct ks_slot *slot)
{
	u32 index = slot - conn->slots;
	int ret;

	lockdep_assert_held(&conn->lock);

	ret = conn->device->ops->queue(conn->device, index,
				     ks_assigned(conn)->frame[index].dmabuf);
	slot->queued = !ret;
	return ret;
}

/* Whether there is a stream: frames can be submitted, and waited for */
static bool ks_connection_flows(struct ks_connection *conn)
{
	lockdep_assert_held(&conn->lock);

	return conn->state >= KSSTATE_PAUSE && !conn->flushing;
}

/* Whether frames wait in front of the device's queue: see RUN to PAUSE */
static bool ks_connection_holds_frames(struct ks_connection *conn)
{
	return !list_empty(&conn->submitted) &&
	       !list_last_entry(&conn->submitted, struct ks_slot, link)->queued;
}

/**
 * ks_connection_submit() - give an allocated frame to the device
 * @conn: the connection
 * @index: a frame of its allocator
 *
 * Contract I2.
 *
 * Context: process context; sleeps. The calling task has descriptors.
 * Return: 0; the errors of KSALLOC_SUBMIT.
 */
int ks_connection_submit(struct ks_connection *conn, u32 index)
{
	struct ks_allocator *alloc;
	struct ks_slot *slot;
	bool hold;
	int ret;

	ret = ks_connection_lock(conn);
	if (ret)
		return ret;
	ret = -ECANCELED;
	if (!ks_connection_flows(conn))
		goto out;

	alloc = ks_assigned(conn);
	ret = ks_allocator_submit(alloc, index, conn->file);
	if (ret)
		goto out;
	slot = &conn->slots[array_index_nospec(index, alloc->frames)];
	slot->queued = false;
	hold = ks_connection_holds_frames(conn);

	/* On the list first: a poller must see it when the device is done */
	list_add_tail(&slot->link, &conn->submitted);
	if (!hold)
		ret = ks_connection_queue(conn, slot);
	if (ret) {
		list_del_init(&slot->link);
		ks_allocator_unsubmit(alloc, index);
		goto out;
	}
	trace_ksalloc_queue(conn->id, index);
out:
	mutex_unlock(&conn->lock);
	return ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_submit);

/* KSALLOC_SUBMIT */
long ks_submit_ioctl(struct ks_ucmd *ucmd)
{
	const struct ksalloc_submit *arg = &ucmd->arg.submit;

	if (arg->__reserved)
		return -EINVAL;
	return ks_connection_submit(ucmd->file->private_data, arg->index);
}

static void ks_fill_header(struct ksalloc_complete *arg,
			   const struct ksalloc_completion *completion,
			   u32 frame_extent)
{
	arg->index = completion->index;
	arg->sequence = completion->sequence;
	arg->header = (struct ksstream_header){
		.header_size = sizeof(arg->header),
		.presentation_time = {
			.time = completion->time,
			.numerator = 1,
			.denominator = 1,
		},
		.duration = completion->duration,
		.frame_extent = frame_extent,
		.data_used = completion->data_used,
		.data = completion->data_offset,
		.options_flags = completion->options_flags,
	};
	if (completion->duration)
		arg->header.options_flags |=
			KSSTREAM_HEADER_OPTIONSF_DURATIONVALID;
}

/* Hands the next filled frame to an owner; -EAGAIN where there is none */
static int ks_connection_collect(struct ks_connection *conn,
				 const struct ks_owner *owner,
				 struct ksalloc_complete *arg)
{
	struct ks_allocator *alloc = ks_assigned(conn);
	struct ks_slot *slot;
	int ret;

	lockdep_assert_held(&conn->lock);

	if (!ks_connection_flows(conn))
		return -ECANCELED;
	if (list_empty(&conn->done)) {
		if (conn->state != KSSTATE_RUN)
			return -EAGAIN;
		ret = ks_connection_dequeue(conn);
		if (ret)
			return ret;
	}

	slot = list_first_entry(&conn->done, struct ks_slot, link);
	list_del_init(&slot->link);
	ks_fill_header(arg, &slot->completion, alloc->framing.frame_size);
	ks_allocator_deliver(alloc, arg->index, owner);
	trace_ksalloc_complete(conn->id, &slot->completion);
	return 0;
}

/*
 * Puts a frame back that its owner could not be told of. Where the stream has
 * ended meanwhile, the frame is free; where another allocator is assigned, it has
 * been since then.
 */
static void ks_connection_uncollect(struct ks_connection *conn,
				    const struct ks_owner *owner,
				    const struct ks_collected *collected)
{
	u32 index = collected->index;

	mutex_lock(&conn->lock);
	if (conn->assigned != collected->assigned)
		goto out;
	if (conn->streams != collected->streams)
		ks_allocator_free_owned(ks_assigned(conn), index, owner);
	else if (ks_allocator_undeliver(ks_assigned(conn), index, owner))
		list_add(&conn->slots[index].link, &conn->done);
out:
	mutex_unlock(&conn->lock);
	ks_connection_wake(conn);
}

/* Waits until there is more news than there was */
static int ks_connection_sleep(struct ks_connection *conn, int events,
			       u64 deadline_ns)
{
	ktime_t left = KTIME_MAX;
	int ret;

	if (deadline_ns)
		left = ktime_sub(ns_to_ktime(min_t(u64, deadline_ns, KTIME_MAX)),
				 ktime_get());
	if (deadline_ns && left <= 0)
		return -ETIMEDOUT;

	ret = wait_event_interruptible_hrtimeout(conn->wait,
						 atomic_read(&conn->events) !=
						 events, left);
	return ret == -ETIME ? -ETIMEDOUT : ret;
}

/**
 * ks_connection_read() - collect the next filled frame
 * @conn: the connection
 * @owner: whose the frame shall be
 * @nonblock: do not wait for one
 * @arg: its deadline; written to only on success
 * @collected: what to remember in case the owner cannot be told
 *
 * Contract I2, I3.
 *
 * Context: process context; sleeps.
 * Return: 0; the errors of KSALLOC_COMPLETE.
 */
int ks_connection_read(struct ks_connection *conn, const struct ks_owner *owner,
		       bool nonblock, struct ksalloc_complete *arg,
		       struct ks_collected *collected)
{
	struct ks_reader reader = { .files = owner->files };
	int events, ret, wait;

	INIT_LIST_HEAD(&reader.link);
	do {
		/* Before the look, so that no news in between are missed */
		events = atomic_read(&conn->events);
		wait = 0;

		ret = ks_connection_lock(conn);
		if (ret)
			break;
		if (reader.cancelled)
			ret = -ECANCELED;
		else
			ret = ks_connection_collect(conn, owner, arg);
		*collected = (struct ks_collected){
			.assigned = conn->assigned,
			.streams = conn->streams,
			.index = arg->index,
		};
		if (ret == -EAGAIN && !nonblock && list_empty(&reader.link)) {
			list_add(&reader.link, &conn->readers);
			/* A flush just before this did not see the reader */
			if (owner->files == current->files &&
			    ks_closed_last(owner->file, owner->files))
				ret = -ECANCELED;
		}
		mutex_unlock(&conn->lock);

		if (ret == -EAGAIN && !nonblock)
			wait = ks_connection_sleep(conn, events,
						   arg->deadline_ns);
	} while (ret == -EAGAIN && !nonblock && !wait);

	if (!list_empty(&reader.link)) {
		mutex_lock(&conn->lock);
		list_del(&reader.link);
		mutex_unlock(&conn->lock);
	}
	return wait ?: ret;
}
EXPORT_SYMBOL_IF_KUNIT(ks_connection_read);

/* KSALLOC_COMPLETE */
long ks_complete_ioctl(struct ks_ucmd *ucmd)
{
	struct ks_connection *conn = ucmd->file->private_data;
	struct ksalloc_complete *arg = &ucmd->arg.complete;
	const struct ks_owner owner = { ucmd->file, current->files };
	bool nonblock = (arg->flags & KSALLOC_NONBLOCK) ||
			(ucmd->file->f_flags & O_NONBLOCK);
	struct ks_collected collected;
	int ret;

	ret = ks_connection_read(conn, &owner, nonblock, arg, &collected);
	if (ret)
		return ret;

	ret = ks_reply(ucmd, sizeof(*arg));
	if (ret)
		ks_connection_uncollect(conn, &owner, &collected);
	return ret;
}

