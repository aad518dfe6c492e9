// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_feed_untrusted": while a reader is not trusted, only the thread of the feed
 * takes the lock of the connection for readers.
 */
#include <linux/cred.h>
#include <linux/sched.h>

#include "feed_rig.h"

/* Fills a frame, and waits until the thread has passed it to the reader */
static void feed_fill_by_thread(struct feed_rig *feed, struct file *file)
{
	const struct ks_reader *reader = file->private_data;
	struct kunit *test = feed->rig->test;

	feed_fill(feed);
	KUNIT_ASSERT_TRUE(test, ks_test_wait_until(READ_ONCE(reader->nr_queued)));
	KUNIT_EXPECT_PTR_EQ(test, feed->rig->fake->dequeued_by, feed->rig->conn->feed.thread);
}

/* Fills a frame that the reader fetches itself. Earlier work of the thread has ended before */
static void feed_expect_fetched(struct feed_rig *feed, struct file *reader, u32 sequence)
{
	kthread_flush_worker(&feed->rig->conn->feed.worker);
	feed_fill(feed);
	feed_expect(feed, reader, sequence, 0);
	KUNIT_EXPECT_PTR_EQ(feed->rig->test, feed->rig->fake->dequeued_by, current);
}

static bool feed_is_untrusted(struct file *file)
{
	const struct ks_reader *reader = file->private_data;

	return READ_ONCE(reader->untrusted);
}

/* Passes if only the thread fetches frames, as long as an untrusted reader exists (K2). */
static void untrusted_thread_fetches(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *trusted = feed_reader(feed, 2, 0), *untrusted;

	feed_expect_fetched(feed, trusted, 0);
	untrusted = feed_reader(feed, 2, KSALLOC_READER_UNTRUSTED);
	feed_fill_by_thread(feed, trusted);
	feed_expect(feed, trusted, 1, 0);
	feed_expect(feed, untrusted, 1, 0);
	kunit_release_action(test, feed_reader_end, untrusted);
	feed_expect_fetched(feed, trusted, 2);
}

/* Passes if the thread also fetches a frame that was filled for a trusted reader (K2). */
static void untrusted_begins_after_frame(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *trusted = feed_reader(feed, 2, 0);
	const struct ks_reader *reader = trusted->private_data;

	feed_fill(feed);
	feed_reader(feed, 2, KSALLOC_READER_UNTRUSTED);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(READ_ONCE(reader->nr_queued)));
	KUNIT_EXPECT_PTR_EQ(test, feed->rig->fake->dequeued_by, feed->rig->conn->feed.thread);
}

/* Passes if calls and poll() that find no frame need no lock of the connection (K2). */
static void untrusted_needs_no_lock(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *trusted = feed_reader(feed, 4, 0);
	struct file *untrusted = feed_reader(feed, 4, KSALLOC_READER_UNTRUSTED);
	struct ks_connection *conn = feed->rig->conn;
	struct ksalloc_reader_frame frame = {};

	feed_fill_by_thread(feed, untrusted);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, untrusted, &frame));
	feed_expect(feed, trusted, 0, 0);
	mutex_lock(&conn->lock);
	feed_fill(feed);
	KUNIT_EXPECT_EQ(test, ks_test_events(untrusted), 0);
	KUNIT_EXPECT_EQ(test, ks_test_events(trusted), 0);
	feed_expect_none(feed, untrusted, -EAGAIN);
	feed_expect_none(feed, trusted, -EAGAIN);
	feed_give(feed, untrusted, frame.index);
	mutex_unlock(&conn->lock);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(ks_test_events(untrusted) == KS_TEST_IN));
	KUNIT_EXPECT_EQ(test, ks_test_events(trusted), KS_TEST_IN);
}

/* Passes if the thread wakes readers that wait for a frame (K2). */
static void untrusted_thread_wakes(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *trusted = feed_reader(feed, 2, 0);
	struct file *untrusted = feed_reader(feed, 2, KSALLOC_READER_UNTRUSTED);
	struct ks_test_call *calls[] = {
		feed_start(feed, trusted, 1),
		feed_start(feed, untrusted, 2),
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		KUNIT_ASSERT_TRUE(test, ks_test_pending(calls[i]));
	feed_fill(feed);
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		feed_expect_returned(feed, calls[i], 0);
}

/* Passes if a reader that waits fetches the next frame itself, when the others are trusted (K2). */
static void untrusted_ends_before_frame(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *trusted = feed_reader(feed, 2, 0);
	struct file *untrusted = feed_reader(feed, 2, KSALLOC_READER_UNTRUSTED);
	struct ks_connection *conn = feed->rig->conn;
	struct ks_test_call *call = feed_start(feed, trusted, 1);

	KUNIT_ASSERT_TRUE(test, ks_test_pending(call));
	/* The thread has been told, and the reader was not woken */
	mutex_lock(&conn->lock);
	feed_fill(feed);
	kunit_release_action(test, feed_reader_end, untrusted);
	mutex_unlock(&conn->lock);
	feed_expect_returned(feed, call, 0);
}

/* Passes if the thread gives frames to the device, when it has few (K2). */
static void untrusted_thread_gives(struct kunit *test)
{
	const u32 few = FEED_FRAMES / 2;
	struct feed_rig *feed = feed_running(test);
	struct file *untrusted = feed_reader(feed, few, KSALLOC_READER_UNTRUSTED);
	struct ksalloc_reader_frame frame = {};
	u32 indices[FEED_FRAMES / 2], i;

	for (i = 0; i < few; i++) {
		feed_fill_by_thread(feed, untrusted);
		KUNIT_ASSERT_EQ(test, 1, feed_take(feed, untrusted, &frame));
		indices[i] = frame.index;
	}
	for (i = 0; i < few; i++)
		feed_give(feed, untrusted, indices[i]);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(READ_ONCE(feed->rig->conn->nr_submitted) >
						   few));
	KUNIT_EXPECT_PTR_EQ(test, feed->rig->fake->queued_by, feed->rig->conn->feed.thread);
}

/* Passes if frames that are given back during a flush become free (K4). */
static void untrusted_gives_in_flush(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *untrusted = feed_reader(feed, 2, KSALLOC_READER_UNTRUSTED);
	struct ks_allocator *alloc = feed->rig->alloc;
	struct ksalloc_reader_frame frame = {};

	feed_fill_by_thread(feed, untrusted);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, untrusted, &frame));
	KUNIT_ASSERT_EQ(test, 0, ks_connection_reset(feed->rig->conn, KSRESET_BEGIN));
	feed_give(feed, untrusted, frame.index);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(!READ_ONCE(alloc->nr_allocated)));
	KUNIT_ASSERT_EQ(test, 0, ks_connection_reset(feed->rig->conn, KSRESET_END));
}

/*
 * Passes if the thread does not access the device while the machine is suspended, and fetches the
 * frame afterwards (K2).
 */
static void untrusted_while_suspended(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *file = feed_reader(feed, 2, KSALLOC_READER_UNTRUSTED);
	const struct ks_reader *reader = file->private_data;

	KUNIT_ASSERT_EQ(test, 0, ks_suspend_begin(KS_SUSPEND_HIBERNATION, KS_TEST_PATIENCE));
	/* As a suspend while a program has /dev/snapshot open */
	KUNIT_ASSERT_EQ(test, 0, ks_suspend_begin(KS_SUSPEND_SUSPEND, KS_TEST_PATIENCE));
	ks_suspend_end(KS_SUSPEND_SUSPEND);
	feed_fill(feed);
	kthread_flush_worker(&feed->rig->conn->feed.worker);
	KUNIT_EXPECT_EQ(test, READ_ONCE(reader->nr_queued), 0);
	KUNIT_EXPECT_PTR_EQ(test, feed->rig->fake->dequeued_by, NULL);
	ks_suspend_end(KS_SUSPEND_HIBERNATION);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(READ_ONCE(reader->nr_queued)));
	feed_expect(feed, file, 0, 0);
}

/*
 * Passes if ks_suspend_begin() fails with -EBUSY while the thread is in the device, the thread then
 * still fetches the frame, and a later ks_suspend_begin() succeeds (K2).
 */
static void untrusted_delays_suspend(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *file = feed_reader(feed, 2, KSALLOC_READER_UNTRUSTED);
	const struct ks_reader *reader = file->private_data;

	ks_fake_close_gate(feed->rig->fake, KS_FAKE_DEQUEUE);
	feed_fill(feed);
	KUNIT_ASSERT_TRUE(test, ks_fake_wait_at_gate(feed->rig->fake));
	KUNIT_EXPECT_EQ(test, -EBUSY, ks_suspend_begin(KS_SUSPEND_SUSPEND, 1));
	ks_fake_open_gate(feed->rig->fake);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(READ_ONCE(reader->nr_queued)));
	feed_expect(feed, file, 0, 0);
	feed_fill_by_thread(feed, file);
	feed_expect(feed, file, 1, 0);
	kthread_flush_worker(&feed->rig->conn->feed.worker);
	KUNIT_EXPECT_EQ(test, 0, ks_suspend_begin(KS_SUSPEND_SUSPEND, KS_TEST_PATIENCE));
	ks_suspend_end(KS_SUSPEND_SUSPEND);
}

/* Passes if a call with a low priority makes the reader untrusted (K2). */
static void untrusted_by_priority(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);

	feed_expect_fetched(feed, reader, 0);
	KUNIT_EXPECT_FALSE(test, feed_is_untrusted(reader));
	set_user_nice(current, 1);
	feed_expect_none(feed, reader, -EAGAIN);
	set_user_nice(current, 0);
	KUNIT_EXPECT_TRUE(test, feed_is_untrusted(reader));
	feed_fill_by_thread(feed, reader);
	feed_expect(feed, reader, 1, 0);
}

/*
 * Passes if a task that is not trusted fetches no frame while another call makes the reader
 * untrusted, or removes it (K2): the reader and the number are changed one after the other.
 */
static void untrusted_not_counted(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *file = feed_reader(feed, 2, 0);
	struct ks_reader *reader = file->private_data;

	feed_fill(feed);
	WRITE_ONCE(reader->untrusted, true);
	set_user_nice(current, 1);
	feed_expect_none(feed, file, -EAGAIN);
	set_user_nice(current, 0);
	KUNIT_EXPECT_NULL(test, feed->rig->fake->dequeued_by);
	WRITE_ONCE(reader->untrusted, false);
	feed_expect(feed, file, 0, 0);
	KUNIT_EXPECT_PTR_EQ(test, feed->rig->fake->dequeued_by, current);
}

/*
 * Passes if the thread fetches the frame if the priority of a task is lowered while it waits (K2).
 */
static void untrusted_while_waiting(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);
	struct ks_test_call *call = feed_start(feed, reader, 1);

	KUNIT_ASSERT_TRUE(test, ks_test_pending(call));
	set_user_nice(call->task, 1);
	feed_fill(feed);
	feed_expect_returned(feed, call, 0);
	KUNIT_EXPECT_TRUE(test, feed_is_untrusted(reader));
	KUNIT_EXPECT_PTR_EQ(test, feed->rig->fake->dequeued_by, feed->rig->conn->feed.thread);
}

/* Passes if a call of another user makes the reader untrusted (K2). */
static void untrusted_by_user(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);
	struct cred *other = prepare_creds();
	const struct cred *own;

	KUNIT_ASSERT_NOT_NULL(test, other);
	other->euid = KUIDT_INIT(1000);
	own = override_creds(other);
	feed_expect_none(feed, reader, -EAGAIN);
	revert_creds(own);
	put_cred(other);
	KUNIT_EXPECT_TRUE(test, feed_is_untrusted(reader));
	feed_fill_by_thread(feed, reader);
	feed_expect(feed, reader, 0, 0);
}

/* Passes if a connection has at most KSALLOC_MAX_READERS readers (K2). */
static void untrusted_limit(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *first = feed_reader(feed, 1, KSALLOC_READER_REVOCABLE);
	u32 i;

	for (i = 1; i < KSALLOC_MAX_READERS; i++)
		feed_reader(feed, 1, KSALLOC_READER_REVOCABLE);
	KUNIT_EXPECT_EQ(test, -EBUSY,
			PTR_ERR(ks_reader_open(feed->rig->conn, 1, 1,
					       KSALLOC_READER_REVOCABLE)));
	kunit_release_action(test, feed_reader_end, first);
	feed_reader(feed, 1, KSALLOC_READER_REVOCABLE);
}

static struct kunit_case feed_untrusted_cases[] = {
	KUNIT_CASE(untrusted_thread_fetches),
	KUNIT_CASE(untrusted_begins_after_frame),
	KUNIT_CASE(untrusted_needs_no_lock),
	KUNIT_CASE(untrusted_thread_wakes),
	KUNIT_CASE(untrusted_ends_before_frame),
	KUNIT_CASE(untrusted_thread_gives),
	KUNIT_CASE(untrusted_gives_in_flush),
	KUNIT_CASE(untrusted_while_suspended),
	KUNIT_CASE(untrusted_delays_suspend),
	KUNIT_CASE(untrusted_by_priority),
	KUNIT_CASE(untrusted_not_counted),
	KUNIT_CASE(untrusted_while_waiting),
	KUNIT_CASE(untrusted_by_user),
	KUNIT_CASE(untrusted_limit),
	{}
};

static struct kunit_suite feed_untrusted_suite = {
	.name = "ksalloc_feed_untrusted",
	.init = ks_test_init,
	.test_cases = feed_untrusted_cases,
};

kunit_test_suite(feed_untrusted_suite);
