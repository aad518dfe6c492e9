// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_feed_flush": a flush of frames that circulate.
 */
#include "feed_rig.h"

/* Passes if a flush drops what waits in queues and in the device, and the stream goes on. */
static void flush_drops_queues(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *first = feed_reader(feed, 2, 0), *second = feed_reader(feed, 2, 0);
	struct ks_connection *conn = feed->rig->conn;

	feed_fill(feed);
	feed_expect(feed, first, 0, 0);
	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 0, ks_connection_reset(conn, KSRESET_BEGIN));
	ks_test_expect_counts(test, feed->rig->alloc, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, ks_test_events(second), 0);
	feed_expect_none(feed, second, -EAGAIN);
	feed_expect_none(feed, first, -EAGAIN);
	KUNIT_ASSERT_EQ(test, 0, ks_connection_reset(conn, KSRESET_END));
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
	feed_fill(feed);
	feed_expect(feed, second, 2, 1);
	feed_expect(feed, first, 2, 0);
}

/*
 * Passes if each reader loses what is in its queue at a stop, and sees that in its next frame (K1).
 */
static void stop_counts_lost(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *all = feed_reader(feed, 4, 0);
	struct file *newest = feed_reader(feed, 4, KSALLOC_READER_NEWEST);
	struct ksalloc_reader_frame frame = {};

	feed_fill(feed);
	feed_fill(feed);
	feed_fill(feed);
	/* This fetches all three for both readers */
	feed_expect(feed, newest, 2, 0);
	feed_expect(feed, all, 0, 0);
	ks_rig_request(feed->rig, KSSTATE_STOP);
	feed_circulate(feed);
	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, all, &frame));
	KUNIT_EXPECT_EQ(test, frame.lost, 2);
	KUNIT_EXPECT_TRUE(test, frame.header.options_flags &
				KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY);
	feed_give(feed, all, frame.index);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, newest, &frame));
	KUNIT_EXPECT_EQ(test, frame.lost, 0);
	KUNIT_EXPECT_TRUE(test, frame.header.options_flags &
				KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY);
	feed_give(feed, newest, frame.index);
	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, all, &frame));
	KUNIT_EXPECT_EQ(test, frame.lost, 0);
	KUNIT_EXPECT_FALSE(test, frame.header.options_flags &
				 KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY);
}

/*
 * Passes if a frame becomes free when a reader gives it back during a flush, or is closed during a
 * flush while it has the frame: a client can wait for it, and the device does not take it (K4).
 */
static void flush_frees_returned(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *first = feed_reader(feed, 1, 0), *second;
	struct ks_connection *conn = feed->rig->conn;
	struct ks_allocator *alloc = feed->rig->alloc;
	struct ksalloc_reader_frame frames[2] = {};

	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, first, &frames[0]));
	second = feed_reader(feed, 1, 0);
	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, second, &frames[1]));
	KUNIT_ASSERT_EQ(test, 0, ks_connection_reset(conn, KSRESET_BEGIN));
	KUNIT_EXPECT_EQ(test, alloc->nr_allocated, 2);
	feed_give(feed, first, frames[0].index);
	/* If the thread of the feed has the lock, it frees the frame */
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(READ_ONCE(alloc->nr_allocated) == 1));
	kunit_release_action(test, feed_reader_end, second);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(!READ_ONCE(alloc->nr_allocated)));
	KUNIT_ASSERT_EQ(test, 0, ks_connection_reset(conn, KSRESET_END));
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
}

/*
 * Passes if the flush goes on when the device refuses frames at its end, or does not start with
 * them, and can be ended later. videobuf2 starts a device that needs some frames only when it gets
 * the last one of these (K4, I5).
 */
static void flush_end_fails(struct kunit *test)
{
	/* The first frame, and the start */
	const u32 calls[] = { 1, FEED_FRAMES + 1 };
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);
	struct ks_connection *conn = feed->rig->conn;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		KUNIT_ASSERT_EQ(test, 0, ks_connection_reset(conn, KSRESET_BEGIN));
		ks_fake_fail(feed->rig->fake, calls[i], -ENOSPC);
		KUNIT_EXPECT_EQ(test, -ENOSPC, ks_connection_reset(conn, KSRESET_END));
		KUNIT_EXPECT_EQ(test, feed->rig->fake->failed, i ? KS_FAKE_RUN : KS_FAKE_QUEUE);
		ks_test_expect_counts(test, feed->rig->alloc, 0, 0, 0);
		KUNIT_EXPECT_FALSE(test, feed->rig->fake->hw.running);
		KUNIT_EXPECT_TRUE(test, feed_device_has(feed, 0));
		feed_expect_none(feed, reader, -EAGAIN);

		KUNIT_ASSERT_EQ(test, 0, ks_connection_reset(conn, KSRESET_END));
		KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
		feed_fill(feed);
		feed_expect(feed, reader, i, 0);
	}
}

/*
 * Passes if a frame whose description cannot be written is lost if the stream was stopped
 * meanwhile, and the device has it again in the next stream (K1, K4).
 */
static void untake_after_stop(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *file = feed_reader(feed, 2, 0);
	struct file *newest = feed_reader(feed, 1, KSALLOC_READER_NEWEST);
	struct ks_reader *reader = file->private_data;
	struct ks_feed *state = &feed->rig->conn->feed;
	struct ksalloc_reader_frame frame = {};
	u32 flushes;

	feed_fill(feed);
	feed_fill(feed);
	/* This fetches both for both readers */
	feed_expect(feed, newest, 1, 0);
	spin_lock(&state->lock);
	flushes = reader->flushes;
	KUNIT_EXPECT_EQ(test, 0, ks_reader_take(state, reader, &frame));
	spin_unlock(&state->lock);
	ks_rig_request(feed->rig, KSSTATE_STOP);
	spin_lock(&state->lock);
	ks_reader_untake(state, reader, &frame, flushes);
	spin_unlock(&state->lock);
	feed_expect_none(feed, file, -EAGAIN);
	ks_test_expect_counts(test, feed->rig->alloc, 0, 0, 0);

	feed_circulate(feed);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, file, &frame));
	KUNIT_EXPECT_EQ(test, frame.lost, 2);
}

static struct kunit_case feed_flush_cases[] = {
	KUNIT_CASE(flush_drops_queues),
	KUNIT_CASE(stop_counts_lost),
	KUNIT_CASE(untake_after_stop),
	KUNIT_CASE(flush_frees_returned),
	KUNIT_CASE(flush_end_fails),
	{}
};

static struct kunit_suite feed_flush_suite = {
	.name = "ksalloc_feed_flush",
	.init = ks_test_init,
	.test_cases = feed_flush_cases,
};

kunit_test_suite(feed_flush_suite);
