// SPDX-License-Identifier: GPL-2.0-only
/*
 * The readers of a feed: which ones there are, and whether they are trusted to fetch frames.
 * reader.h describes the rules.
 */
#include <linux/lockdep.h>
#include <linux/poll.h>

#include "connection.h"
#include "reader.h"

/* Only the thread fetches frames from now on, until the reader is removed */
void ks_feed_distrust(struct ks_feed *feed, struct ks_reader *reader)
{
	lockdep_assert_held(&feed->lock);

	if (reader->untrusted)
		return;
	WRITE_ONCE(reader->untrusted, true);
	WRITE_ONCE(feed->nr_untrusted, feed->nr_untrusted + 1);
	/* Frames that the device filled before. For later ones, ks_feed_notify() does it */
	ks_feed_kick(feed, 0);
}

/*
 * Adds a reader. Returns -EBUSY if there are too many. While a stream circulates, also if the
 * reader gets no promise, unless it is revocable, or of a share.
 */
int ks_feed_add_reader(struct ks_feed *feed, struct ks_reader *reader)
{
	int ret = -EBUSY;

	spin_lock(&feed->lock);
	if (feed->nr_readers == KSALLOC_MAX_READERS)
		goto out;
	list_add_tail(&reader->link, &feed->readers);
	ks_feed_promise(feed);
	if (feed->running && !reader->promised && !reader->wanted &&
	    !(reader->flags & KSALLOC_READER_REVOCABLE)) {
		list_del_init(&reader->link);
		goto out;
	}
	feed->nr_readers++;
	if (reader->flags & KSALLOC_READER_UNTRUSTED)
		ks_feed_distrust(feed, reader);
	/* The device gets the frames that other readers have just lost to their new limits */
	ks_feed_return_later(feed);
	ret = 0;
out:
	spin_unlock(&feed->lock);
	return ret;
}

/*
 * Removes a reader, and takes all frames back from it. Does not wait for the device: the thread
 * gives these frames to it, or a worker frees them.
 */
void ks_feed_remove_reader(struct ks_feed *feed, struct ks_reader *reader)
{
	spin_lock(&feed->lock);
	list_del(&reader->link);
	feed->nr_readers--;
	ks_reader_give_all(feed, reader);
	ks_feed_promise(feed);
	ks_feed_return_later(feed);
	if (reader->untrusted)
		WRITE_ONCE(feed->nr_untrusted, feed->nr_untrusted - 1);
	spin_unlock(&feed->lock);
	/* ks_feed_notify() has not woken those that may fetch frames from now on */
	if (reader->untrusted)
		wake_up_poll(&feed->wait, EPOLLIN | EPOLLRDNORM);
}
