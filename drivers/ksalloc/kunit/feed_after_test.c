// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_feed_after": frames that come back from readers after the stream has ended.
 */
#include "feed_rig.h"

/**
 * struct feed_after - counts frames that become free
 * @notifier: counts them
 * @feed: the feed
 * @frees: number of frames
 * @locked: number of those that became free while the lock of the feed was held
 */
struct feed_after {
	struct ks_notifier notifier;
	struct ks_feed *feed;
	u32 frees;
	u32 locked;
};

static void feed_after_notify(struct ks_notifier *notifier)
{
	struct feed_after *after = container_of(notifier, struct feed_after, notifier);

	/*
	 * Not spin_trylock(): another task can have the lock. Negative if lockdep is off. The names
	 * of the results exist only with CONFIG_LOCKDEP
	 */
	if (IS_ENABLED(CONFIG_LOCKDEP) && lockdep_is_held(&after->feed->lock) > 0)
		after->locked++;
	WRITE_ONCE(after->frees, after->frees + 1);
}

/* A reader with three frames, in STOP */
static struct file *feed_after_stream(struct feed_rig *feed, struct ksalloc_reader_frame *frames)
{
	struct file *reader = feed_reader(feed, 3, 0);
	u32 i;

	for (i = 0; i < 3; i++) {
		feed_fill(feed);
		KUNIT_ASSERT_EQ(feed->rig->test, 1, feed_take(feed, reader, &frames[i]));
	}
	ks_rig_request(feed->rig, KSSTATE_STOP);
	ks_test_expect_counts(feed->rig->test, feed->rig->alloc, 3, 0, 0);
	return reader;
}

static void feed_after_begin(struct feed_rig *feed, struct feed_after *after)
{
	*after = (struct feed_after){
		.notifier.notify = feed_after_notify,
		.feed = &feed->rig->conn->feed,
	};
	ks_notifier_add(feed->rig->alloc, &after->notifier);
}

/* All three are free, and a callback that takes long delays no reader */
static void feed_after_expect(struct feed_rig *feed, struct feed_after *after)
{
	struct kunit *test = feed->rig->test;

	/* A worker calls the notifiers */
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(READ_ONCE(after->frees) == 3));
	ks_notifier_remove(feed->rig->alloc, &after->notifier);
	synchronize_rcu();
	KUNIT_EXPECT_EQ(test, after->locked, 0);
	ks_test_expect_counts(test, feed->rig->alloc, 0, 0, 0);
}

/* Passes if a frame that is given back in STOP is free when the call returns (K4). */
static void after_given_back(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct ksalloc_reader_frame frames[3] = {};
	struct file *reader = feed_after_stream(feed, frames);
	struct feed_after after;
	u32 i;

	feed_after_begin(feed, &after);
	for (i = 0; i < 3; i++)
		feed_give(feed, reader, frames[i].index);
	ks_test_expect_counts(test, feed->rig->alloc, 0, 0, 0);
	feed_after_expect(feed, &after);
}

/* Passes if the frames of a reader that ends in STOP are free (K4). */
static void after_reader(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct ksalloc_reader_frame frames[3] = {};
	struct file *reader = feed_after_stream(feed, frames);
	struct feed_after after;

	feed_after_begin(feed, &after);
	kunit_release_action(test, feed_reader_end, reader);
	feed_after_expect(feed, &after);
}

/* Passes if the frames of readers are free when the connection uses the allocator no more (K4). */
static void after_assignment(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct ksalloc_reader_frame frames[3] = {};
	struct feed_after after;

	feed_after_stream(feed, frames);
	feed_after_begin(feed, &after);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_set_allocator(feed->rig->conn, NULL));
	feed_after_expect(feed, &after);
}

/* Passes if a frame that comes back before the next stream is in that stream (K4). */
static void after_next_stream(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct ksalloc_reader_frame frames[3] = {};
	struct file *reader = feed_after_stream(feed, frames);

	feed_give(feed, reader, frames[0].index);
	feed_circulate(feed);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES - 2));
	feed_give(feed, reader, frames[1].index);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES - 1));
}

static struct kunit_case feed_after_cases[] = {
	KUNIT_CASE(after_given_back),
	KUNIT_CASE(after_reader),
	KUNIT_CASE(after_assignment),
	KUNIT_CASE(after_next_stream),
	{}
};

static struct kunit_suite feed_after_suite = {
	.name = "ksalloc_feed_after",
	.init = ks_test_init,
	.test_cases = feed_after_cases,
};

kunit_test_suite(feed_after_suite);
