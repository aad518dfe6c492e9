// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames circulate between the device and the readers. reader.h describes the rules.
 *
 * A reader whose queue is empty fetches the frames that the device has filled, and passes them to
 * all readers. It also gives the device the frames that have come back. If no reader does this in
 * time, the thread of the feed does it, so a slow reader cannot stop the stream.
 */
#include <kunit/visibility.h>
#include <linux/cred.h>
#include <linux/lockdep.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>

#include "connection.h"
#include "reader.h"
#include "trace.h"

/* Delay before the thread works again if the device refused a frame, or the machine is suspended */
#define KS_FEED_AGAIN msecs_to_jiffies(100)

/* Whether a signal interrupted a call. Then it is no error of the device */
static bool ks_errno_is_signal(int ret)
{
	return ret == -EINTR || ret == -ERESTARTSYS;
}

static void ks_feed_fetch(struct ks_feed *feed)
{
	struct ks_connection *conn = container_of(feed, struct ks_connection, feed);
	int ret = -EAGAIN;

	/* Not mutex_lock(): ks_feed_stop_thread() waits for this with the lock held */
	if (!mutex_trylock(&conn->lock)) {
		ks_feed_kick(feed, 1);
		return;
	}
	if (conn->state == KSSTATE_RUN)
		ret = ks_feed_pump(conn, U32_MAX);
	ks_feed_refill(conn);
	mutex_unlock(&conn->lock);
	/*
	 * Readers that could not fetch sleep. With untrusted ones, even if nothing was fetched:
	 * ks_feed_notify() did not wake them for what readers got
	 */
	if (!ret && atomic_read(&feed->pending) && READ_ONCE(feed->nr_untrusted))
		ks_feed_kick(feed, 0);
	if (!ret || READ_ONCE(feed->nr_untrusted))
		wake_up_poll(&feed->wait, EPOLLIN | EPOLLRDNORM);
}

static void ks_feed_work(struct kthread_work *work)
{
	struct ks_feed *feed = container_of(work, struct ks_feed, work.work);

	if (!ks_call_unless_suspended(ks_feed_fetch, feed))
		ks_feed_kick(feed, KS_FEED_AGAIN);
}

/*
 * The device has filled a frame. Wakes readers. If the device has too few frames left to
 * fill, or a reader is not trusted, the thread of the feed fetches the filled ones. Any context.
 */
void ks_feed_notify(struct ks_connection *conn)
{
	struct ks_feed *feed = &conn->feed;
	int pending;

	if (!READ_ONCE(feed->running))
		return;
	/* A full barrier: either ks_feed_distrust() is seen, or its work sees the frame */
	pending = atomic_inc_return(&feed->pending);
	if (READ_ONCE(feed->nr_untrusted)) {
		ks_feed_kick(feed, 0);
		return;
	}
	wake_up_poll(&feed->wait, EPOLLIN | EPOLLRDNORM);
	if (pending + READ_ONCE(feed->keep) > READ_ONCE(conn->nr_submitted))
		ks_feed_kick(feed, 0);
}

static void ks_feed_revoke_frame(struct ks_feed *feed, u32 index)
{
	struct ks_reader *reader;

	list_for_each_entry(reader, &feed->readers, link) {
		if (!feed->frames[index].holds)
			return;
		ks_reader_revoke(feed, reader, index);
	}
}

/* The frame that was filled the longest ago, of those that can be revoked; or NULL */
static struct ks_feed_frame *ks_feed_revocable(const struct ks_feed *feed)
{
	struct ks_feed_frame *frame, *oldest = NULL;
	u32 i;

	for (i = 0; i < feed->allocator->nr_frames; i++) {
		frame = &feed->frames[i];
		if (frame->holds && !frame->promised &&
		    (!oldest || frame->number < oldest->number))
			oldest = frame;
	}
	return oldest;
}

/* Revokes frames until the device can have as many as it must keep, or there is none to revoke */
static void ks_feed_keep(struct ks_connection *conn)
{
	struct ks_feed *feed = &conn->feed;
	struct ks_feed_frame *frame;

	lockdep_assert_held(&feed->lock);

	while (conn->nr_submitted + feed->nr_returned + feed->nr_parked < feed->keep) {
		frame = ks_feed_revocable(feed);
		if (!frame)
			return;
		ks_feed_revoke_frame(feed, ks_feed_index(feed, frame));
	}
}

/* Passes a filled frame to the readers */
static void ks_feed_pass(struct ks_connection *conn,
			 const struct ksalloc_completion *completion,
			 bool damaged)
{
	struct ks_feed *feed = &conn->feed;
	const u32 index = completion->index;
	struct ks_feed_frame *frame = &feed->frames[index];
	struct ks_reader *reader;
	u32 holds;

	lockdep_assert_held(&conn->lock);

	spin_lock(&feed->lock);
	/* Another kernel client can have freed a frame that readers still held */
	if (frame->holds)
		ks_feed_revoke_frame(feed, index);
	if (!list_empty(&frame->link)) {
		list_del_init(&frame->link);
		ks_feed_count_returned(feed, -1);
	}
	frame->damaged = damaged;
	frame->field = completion->field;
	ks_filled_store(&frame->filled, completion, feed->allocator);
	ks_allocator_deliver(feed->allocator, index, &feed->owner);
	list_for_each_entry(reader, &feed->readers, link)
		ks_reader_offer(feed, reader, index);
	if (!frame->holds)
		ks_reader_return(feed, frame);
	/* What readers want can have changed since the last frame */
	if (feed->nr_parked)
		ks_reader_unpark_wanted(feed);
	frame->number = feed->passed++;
	ks_feed_keep(conn);
	holds = frame->holds;
	spin_unlock(&feed->lock);
	trace_ksalloc_pass(conn->id, completion, holds);
}

/* The device failed, and no frame comes. Readers get @error until it is started again */
void ks_feed_fail(struct ks_feed *feed, int error)
{
	spin_lock(&feed->lock);
	feed->error = error;
	spin_unlock(&feed->lock);
	wake_up_poll(&feed->wait, EPOLLERR);
}

/* Forgets an error of the device, which has been started again */
void ks_feed_clear_error(struct ks_connection *conn)
{
	struct ks_feed *feed = &conn->feed;

	lockdep_assert_held(&conn->lock);

	spin_lock(&feed->lock);
	feed->error = 0;
	spin_unlock(&feed->lock);
}

/*
 * Updates ks_feed.pending after a fetch. @seen: its value before the fetch. @drained: the device
 * has no further frame, or failed. Readers do not fetch while ks_feed.pending is zero, and can
 * begin to sleep then, so it must not become zero while the device has filled frames. A driver can
 * notify once for several frames, so if the result would be zero and the device is not drained,
 * ->ready() is called.
 */
static void ks_feed_update_pending(struct ks_connection *conn, int seen, u32 fetched,
				   bool drained)
{
	atomic_t *pending = &conn->feed.pending;

	if (!drained) {
		seen = min_t(int, fetched, seen);
		/* ->ready() must see the frames that were counted */
		smp_mb();
		if (atomic_read(pending) == seen && conn->device->ops->ready(conn->device))
			seen--;
	}
	/*
	 * Pairs with atomic_read_acquire(): a task that reads zero also sees the frames in the
	 * queues
	 */
	atomic_sub_return_release(seen, pending);
}

/* The device has too few frames, and there are parked ones. Without ks_feed.lock: a hint */
static bool ks_feed_needs_parked(const struct ks_connection *conn)
{
	return READ_ONCE(conn->feed.nr_parked) && conn->nr_submitted < conn->feed.keep;
}

/* Whether there may be frames for the device. Without ks_feed.lock, as it is only a hint */
static bool ks_feed_has_frames(const struct ks_connection *conn)
{
	const struct ks_feed *feed = &conn->feed;

	return READ_ONCE(feed->nr_returned) || !list_empty(&feed->allocator->free) ||
	       ks_feed_needs_parked(conn);
}

/* Takes the frame that came back first. Returns false if there is none */
static bool ks_feed_take_returned(struct ks_feed *feed, u32 *index)
{
	struct ks_feed_frame *frame;

	if (!READ_ONCE(feed->nr_returned))
		return false;
	spin_lock(&feed->lock);
	frame = list_first_entry_or_null(&feed->returned, struct ks_feed_frame, link);
	if (frame) {
		list_del_init(&frame->link);
		ks_feed_count_returned(feed, -1);
		*index = ks_feed_index(feed, frame);
	}
	spin_unlock(&feed->lock);
	return frame;
}

/* Inserts a frame that the device has refused at the head of &ks_feed.returned */
static void ks_feed_put_back(struct ks_feed *feed, u32 index)
{
	struct ks_feed_frame *frame = &feed->frames[index];

	spin_lock(&feed->lock);
	/* If a kernel client has freed it and readers hold it, the last reader returns it */
	if (!frame->holds && list_empty(&frame->link)) {
		list_add(&frame->link, &feed->returned);
		ks_feed_count_returned(feed, 1);
	}
	spin_unlock(&feed->lock);
}

/* Lets the device have the parked frame that was filled the longest ago */
static void ks_feed_unpark_oldest(struct ks_feed *feed)
{
	struct ks_feed_frame *frame, *oldest = NULL;
	u32 i;

	spin_lock(&feed->lock);
	for (i = 0; i < feed->allocator->nr_frames; i++) {
		frame = &feed->frames[i];
		if (frame->parked && (!oldest || frame->number < oldest->number))
			oldest = frame;
	}
	if (oldest)
		ks_reader_unpark(feed, oldest);
	spin_unlock(&feed->lock);
}

/* Allocates a free frame for the device. Those that a reader does not want are parked */
static bool ks_feed_alloc(struct ks_feed *feed, u32 *index)
{
	bool parked;

	do {
		if (list_empty(&feed->allocator->free) ||
		    ks_allocator_try_alloc(feed->allocator, &feed->owner, index))
			return false;
		spin_lock(&feed->lock);
		parked = ks_reader_park(feed, &feed->frames[*index]);
		spin_unlock(&feed->lock);
	} while (parked);
	return true;
}

/*
 * Takes a frame for the device: one that has come back, or a free one of the allocator, or a parked
 * one. Returns false if there is none
 */
static bool ks_feed_next(struct ks_connection *conn, u32 *index)
{
	struct ks_feed *feed = &conn->feed;

	if (ks_feed_take_returned(feed, index) || ks_feed_alloc(feed, index))
		return true;
	if (!ks_feed_needs_parked(conn))
		return false;
	ks_feed_unpark_oldest(feed);
	return ks_feed_take_returned(feed, index);
}

/* Gives a frame to the device, or to a client that waits for one. Fails as the device does */
static int ks_feed_give(struct ks_connection *conn, u32 index)
{
	struct ks_feed *feed = &conn->feed;

	/* A request waits, or a fence is not signalled, or a kernel client has freed the frame */
	if (!ks_allocator_recycle(feed->allocator, index, &feed->owner, conn)) {
		ks_allocator_free_owned(feed->allocator, index, &feed->owner);
		return 0;
	}
	return ks_connection_give(conn, index, -1);
}

/* If the device refuses a frame, it gets the frame again later */
int ks_feed_fill(struct ks_connection *conn)
{
	struct ks_feed *feed = &conn->feed;
	u32 index;
	int ret;

	while (ks_feed_next(conn, &index)) {
		ret = ks_feed_give(conn, index);
		if (!ret)
			continue;
		ks_feed_put_back(feed, index);
		if (ks_errno_is_signal(ret))
			ks_feed_kick(feed, 0);
		else
			/* Does not delay work that is queued for a frame */
			kthread_queue_delayed_work(&feed->worker, &feed->work, KS_FEED_AGAIN);
		return ret;
	}
	return 0;
}

/* Frees the frames that have come back, and the parked ones */
void ks_feed_free_returned(struct ks_feed *feed)
{
	u32 index, i;

	spin_lock(&feed->lock);
	for (i = 0; i < feed->allocator->nr_frames && feed->nr_parked; i++)
		if (feed->frames[i].parked)
			ks_reader_unpark(feed, &feed->frames[i]);
	spin_unlock(&feed->lock);
	while (ks_feed_take_returned(feed, &index)) {
		ks_allocator_free_owned(feed->allocator, index, &feed->owner);
		cond_resched();
	}
}

/* Whether the device has few frames, or a client waits for one */
static bool ks_feed_is_low(const struct ks_connection *conn)
{
	const struct ks_feed *feed = &conn->feed;

	return READ_ONCE(feed->allocator->nr_waiting) ||
	       READ_ONCE(conn->nr_submitted) <= max(feed->keep, feed->allocator->nr_frames / 2);
}

/* As ks_feed_refill(). The caller has checked that the stream runs and is not flushed */
static void ks_feed_refill_running(struct ks_connection *conn)
{
	if (!ks_feed_has_frames(conn))
		return;
	if (!conn->device->queue_in_thread || (current->flags & PF_KTHREAD))
		ks_feed_fill(conn);
	else if (ks_feed_is_low(conn))
		ks_feed_kick(&conn->feed, 0);
}

/*
 * Gives the device the frames that have come back, free frames, and parked ones if it has
 * fewer than ks_feed.keep. With ksalloc_device.queue_in_thread, only a kernel thread does
 * so: another task wakes the thread of the feed, if the device has few frames or a client
 * waits. During a flush, and if the device is stuck, the returned and the parked frames become
 * free instead.
 */
void ks_feed_refill(struct ks_connection *conn)
{
	struct ks_feed *feed = &conn->feed;

	lockdep_assert_held(&conn->lock);

	if (!feed->running)
		return;
	if (conn->flushing || conn->stuck)
		ks_feed_free_returned(feed);
	else
		ks_feed_refill_running(conn);
}

/*
 * Fetches at most @frames filled frames from the device, and passes them to the readers.
 * The connection is in RUN. Returns 0 if there was a frame; -EAGAIN if there was none. Readers get
 * an errno of the device from ks_feed_fail().
 */
int ks_feed_pump(struct ks_connection *conn, u32 frames)
{
	struct ks_feed *feed = &conn->feed;
	/* Before the device is asked, so that no counted frame is missed */
	const int pending = atomic_read_acquire(&feed->pending);
	struct ksalloc_completion completion __uninitialized;
	int ret = -EAGAIN;
	bool damaged;
	u32 fetched;

	lockdep_assert_held(&conn->lock);

	if (!feed->running || conn->flushing || conn->stuck)
		return -EAGAIN;
	ks_feed_refill_running(conn);
	frames = min(frames, feed->allocator->nr_frames);
	for (fetched = 0; fetched < frames; fetched++) {
		ret = ks_connection_dequeue(conn, &completion);
		if (ret)
			break;
		/* ks_done_mark() sets the same flag for gaps */
		damaged = completion.options_flags &
			  KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
		ks_done_mark(conn, &completion);
		ks_feed_pass(conn, &completion, damaged);
	}
	/* A signal ended this. There may be no further notification, so let the thread go on */
	if (ks_errno_is_signal(ret)) {
		ks_feed_kick(feed, 0);
		ret = 0;
	}
	ks_feed_update_pending(conn, pending, fetched, ret);
	if (ret && ret != -EAGAIN && !ks_connection_is_going(conn))
		ks_feed_fail(feed, ks_connection_failure(ret));
	if (!fetched)
		return -EAGAIN;
	ks_feed_refill_running(conn);
	return 0;
}

/* Calls the notifiers for the frames that readers have freed */
static void ks_feed_free_work(struct work_struct *work)
{
	struct ks_feed *feed = container_of(work, struct ks_feed, free_work);
	struct ks_allocator *alloc = NULL;
	u32 freed;

	spin_lock(&feed->lock);
	freed = feed->nr_freed;
	feed->nr_freed = 0;
	if (freed)
		alloc = ks_allocator_get(feed->allocator);
	spin_unlock(&feed->lock);
	if (!alloc)
		return;
	while (freed--) {
		ks_allocator_notify_free(alloc);
		cond_resched();
	}
	/* Work on this workqueue must not wait for the device */
	ks_connection_put_allocator(alloc);
}

/*
 * Gives the device the frames that a reader has given back. If another call holds
 * ks_connection.lock, the thread does it, so this does not wait for that call. If a reader is not
 * trusted, the thread does it when it fetches the next frame, or the device has few frames, or a
 * client waits for one. After the stream, the frames are free already, and a worker calls the
 * notifiers. ks_feed.lock is not held.
 */
void ks_feed_return(struct ks_connection *conn)
{
	struct ks_feed *feed = &conn->feed;
	bool may_fetch;

	if (!READ_ONCE(feed->nr_returned))
		return;
	may_fetch = ks_feed_may_fetch(feed);
	if (may_fetch && mutex_trylock(&conn->lock)) {
		ks_feed_refill(conn);
		mutex_unlock(&conn->lock);
		return;
	}
	spin_lock(&feed->lock);
	/*
	 * Pairs with smp_mb() in ks_notify_waiting(): either this sees that a request waits, or the
	 * work that the request queues sees ks_feed.nr_returned
	 */
	smp_mb__after_spinlock();
	if (feed->nr_returned &&
	    (may_fetch || READ_ONCE(conn->stuck) || ks_feed_is_low(conn)))
		ks_feed_return_later(feed);
	spin_unlock(&feed->lock);
}

void ks_feed_init(struct ks_connection *conn)
{
	struct ks_feed *feed = &conn->feed;

	spin_lock_init(&feed->lock);
	INIT_LIST_HEAD(&feed->readers);
	INIT_LIST_HEAD(&feed->returned);
	/* As for a kernel client: no program can free or submit what readers hold */
	ks_owner_init(&feed->owner, conn, true);
	init_waitqueue_head(&feed->wait);
	atomic_set(&feed->pending, 0);
	feed->user = current_euid();
	feed->grace = get_completed_synchronize_rcu();
	kthread_init_worker(&feed->worker);
	kthread_init_delayed_work(&feed->work, ks_feed_work);
	INIT_WORK(&feed->free_work, ks_feed_free_work);
}
