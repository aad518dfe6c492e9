// SPDX-License-Identifier: GPL-2.0-only
/*
 * Begin and end of streams that circulate. reader.h describes the rules.
 */
#include <linux/lockdep.h>
#include <linux/poll.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "connection.h"
#include "reader.h"

/**
 * struct ks_feed_free_notifier - queues the work of a feed when a frame becomes free, or a
 * request waits for one
 * @entry: on the list of the allocator
 * @feed: the feed
 * @rcu: frees this
 *
 * Each stream has its own, so that a new stream does not wait for the grace period of the last one.
 */
struct ks_feed_free_notifier {
	struct ks_notifier entry;
	struct ks_feed *feed;
	struct rcu_head rcu;
};

/* A frame became free, or a request waits for a frame. Any context */
static void ks_feed_look(struct ks_notifier *entry)
{
	ks_feed_kick(container_of(entry, struct ks_feed_free_notifier, entry)->feed, 0);
}

static int ks_feed_start_thread(struct ks_connection *conn)
{
	struct ks_feed *feed = &conn->feed;
	struct task_struct *thread;

	if (feed->thread)
		return 0;
	thread = kthread_run(kthread_worker_fn, &feed->worker, "ksalloc-feed%u",
			     conn->id);
	/* As ks_v4l2_thread_create() */
	if (IS_ERR(thread))
		return thread == ERR_PTR(-EINTR) ? -EINTR : -ENOMEM;
	feed->thread = thread;
	return 0;
}

static void ks_feed_stop_thread(struct ks_feed *feed)
{
	kthread_cancel_delayed_work_sync(&feed->work);
	if (feed->thread)
		kthread_stop(feed->thread);
	feed->thread = NULL;
}

static int ks_feed_add_notifier(struct ks_feed *feed)
{
	struct ks_feed_free_notifier *notifier = kzalloc(sizeof(*notifier), GFP_KERNEL_ACCOUNT);

	if (!notifier)
		return -ENOMEM;
	notifier->entry.notify = ks_feed_look;
	notifier->entry.waiting = ks_feed_look;
	notifier->feed = feed;
	ks_notifier_add(feed->allocator, &notifier->entry);
	feed->notifier = notifier;
	return 0;
}

/* Each free of a frame walks the list, so only feeds that run are on it */
static void ks_feed_remove_notifier(struct ks_feed *feed)
{
	struct ks_feed_free_notifier *notifier = feed->notifier;

	if (!notifier)
		return;
	ks_notifier_remove(feed->allocator, &notifier->entry);
	kfree_rcu(notifier, rcu);
	feed->grace = get_state_synchronize_rcu();
	feed->notifier = NULL;
}

/* Starts to use an allocator. The feed has none now */
static int ks_feed_attach(struct ks_connection *conn, struct ks_allocator *alloc)
{
	struct ks_feed *feed = &conn->feed;
	const u32 count = alloc->layout.count;
	struct ksalloc_plane_data *planes;
	struct ks_feed_frame *frames;
	u32 i;

	frames = kvcalloc(alloc->nr_frames, sizeof(*frames) + count * sizeof(*planes),
			  GFP_KERNEL_ACCOUNT);
	if (!frames)
		return -ENOMEM;
	planes = (struct ksalloc_plane_data *)&frames[alloc->nr_frames];
	for (i = 0; i < alloc->nr_frames; i++) {
		INIT_LIST_HEAD(&frames[i].link);
		frames[i].filled.planes = &planes[i * count];
	}

	spin_lock(&feed->lock);
	feed->allocator = ks_allocator_get(alloc);
	feed->frames = frames;
	/* That of the last allocator can be larger. ks_feed_set_up() sets it */
	WRITE_ONCE(feed->keep, min(feed->keep, alloc->nr_frames - 1));
	/* A generation is never 0 */
	feed->generation = max(feed->generation, 1);
	/* Before a reader can export a view of this generation */
	feed->view_flags = KS_VIEW_NO_BOUNCE |
			   (conn->device->written_by_cpu ? KS_VIEW_NO_SYNC : 0);
	spin_unlock(&feed->lock);
	return 0;
}

/*
 * In STOP: takes all frames back from the readers, and uses no allocator any more.
 * Returns the allocator or NULL. The caller drops its reference without the lock.
 */
struct ks_allocator *ks_feed_detach(struct ks_connection *conn)
{
	struct ks_feed *feed = &conn->feed;
	struct ks_allocator *alloc = feed->allocator;
	struct ks_feed_frame *frames;
	struct ks_reader *reader;
	u32 freed;

	lockdep_assert_held(&conn->lock);

	if (!alloc)
		return NULL;
	ks_feed_remove_notifier(feed);

	spin_lock(&feed->lock);
	list_for_each_entry(reader, &feed->readers, link)
		ks_reader_give_all(feed, reader);
	freed = feed->nr_freed;
	feed->nr_freed = 0;
	/* Frames that readers have taken belong to an earlier generation from now on */
	feed->generation++;
	feed->allocator = NULL;
	frames = feed->frames;
	feed->frames = NULL;
	spin_unlock(&feed->lock);

	for (; freed; freed--) {
		ks_allocator_notify_free(alloc);
		cond_resched();
	}
	kvfree(frames);
	return alloc;
}

static int ks_feed_set_up(struct ks_connection *conn)
{
	const struct ksalloc_device_ops *ops = conn->device->ops;
	struct ks_feed *feed = &conn->feed;
	const u32 nr_frames = conn->allocator->nr_frames;
	struct ksalloc_requirements needs;
	struct v4l2_format format = {};
	int ret;

	ret = ks_connection_needs(conn, &needs);
	if (!ret && ops->get_format)
		ret = ks_device_result(ops->get_format(conn->device, &format));
	if (!ret)
		ret = ks_feed_start_thread(conn);
	if (!ret && !feed->allocator)
		ret = ks_feed_attach(conn, conn->allocator);
	if (!ret)
		ret = ks_feed_add_notifier(feed);
	if (ret) {
		ks_feed_stop_thread(feed);
		return ret;
	}

	spin_lock(&feed->lock);
	/* The requirements include a frame for a client to read */
	WRITE_ONCE(feed->keep, min(max(needs.framing.frames, 3) - 1, nr_frames - 1));
	feed->format = format;
	WRITE_ONCE(feed->running, true);
	ks_feed_promise(feed);
	spin_unlock(&feed->lock);
	/*
	 * Pairs with wq_has_sleeper() in ks_allocator_wake(), which comes before the notifiers:
	 * either ks_feed_look() sees ks_feed.running, or ks_feed_fill() sees the free frame
	 */
	smp_mb();
	atomic_set(&feed->pending, 0);
	return 0;
}

/*
 * If the stream circulates: gives frames to a stopped device that has none. Returns the errno of
 * the device if it took no frame, and 0 if it took at least one
 */
int ks_feed_fill_first(struct ks_connection *conn)
{
	int ret;

	lockdep_assert_held(&conn->lock);

	if (!conn->feed.running)
		return 0;
	ret = ks_feed_fill(conn);
	return conn->nr_submitted ? 0 : ret;
}

/*
 * Begins a circulating stream, between ACQUIRE and PAUSE. Returns -ENOMEM, -EINTR, or an
 * errno of the device, if it does not tell its requirements or its format, or refuses the
 * first frame.
 */
int ks_feed_begin(struct ks_connection *conn)
{
	int ret;

	lockdep_assert_held(&conn->lock);

	ret = ks_feed_set_up(conn);
	if (ret)
		return ret;
	ret = ks_feed_fill_first(conn);
	if (ret)
		ks_feed_stop(conn);
	return ret;
}

/* Discards the frames that readers have not taken. The device has stopped */
void ks_feed_flush(struct ks_connection *conn)
{
	struct ks_feed *feed = &conn->feed;
	struct ks_reader *reader;

	lockdep_assert_held(&conn->lock);

	if (!feed->running)
		return;
	spin_lock(&feed->lock);
	list_for_each_entry(reader, &feed->readers, link)
		ks_reader_lose_queue(feed, reader);
	spin_unlock(&feed->lock);
	atomic_set(&feed->pending, 0);
	ks_feed_free_returned(feed);
}

/*
 * Ends a circulating stream, if there is one. The device has stopped. Readers keep the
 * frames that they have taken.
 */
void ks_feed_stop(struct ks_connection *conn)
{
	struct ks_feed *feed = &conn->feed;

	lockdep_assert_held(&conn->lock);

	if (!feed->running)
		return;
	ks_feed_flush(conn);
	spin_lock(&feed->lock);
	WRITE_ONCE(feed->running, false);
	spin_unlock(&feed->lock);
	/* Frames that came back in between */
	ks_feed_free_returned(feed);
	ks_feed_remove_notifier(feed);
	ks_feed_stop_thread(feed);
}

/* No frame will come any more. The connection is in STOP for ever */
void ks_feed_gone(struct ks_connection *conn)
{
	struct ks_feed *feed = &conn->feed;

	lockdep_assert_held(&conn->lock);

	spin_lock(&feed->lock);
	WRITE_ONCE(feed->ended, true);
	spin_unlock(&feed->lock);
	wake_up_poll(&feed->wait, EPOLLERR | EPOLLHUP);
}

/* In STOP, without locks. The device does not call ks_connection_notify() any more */
void ks_feed_end(struct ks_connection *conn)
{
	struct ks_feed *feed = &conn->feed;
	struct ks_allocator *alloc;

	mutex_lock(&conn->lock);
	ks_feed_gone(conn);
	alloc = ks_feed_detach(conn);
	mutex_unlock(&conn->lock);

	/* It is not queued any more: no reader has a frame of this generation */
	cancel_work_sync(&feed->free_work);
	/* After this grace period, no notifier queues the work any more */
	cond_synchronize_rcu(feed->grace);
	ks_feed_stop_thread(feed);
	if (alloc)
		ks_allocator_put(alloc);
}
