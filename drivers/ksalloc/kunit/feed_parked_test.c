// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_feed_parked": frames that a reader does not want are kept from the device,
 * unless it has too few.
 */
#include <linux/bitmap.h>
#include <linux/slab.h>

#include "feed_rig.h"

/* A stream that circulates to a reader that wants these frames */
static struct feed_rig *feed_wanting(struct kunit *test, unsigned long wanted, u32 depth,
				     struct file **file)
{
	struct feed_rig *feed = feed_rig(test);
	unsigned long *bitmap = kunit_kzalloc(test, BITS_TO_LONGS(VIDEO_MAX_FRAME) * sizeof(long),
					      GFP_KERNEL);
	struct ks_reader *reader;

	KUNIT_ASSERT_NOT_NULL(test, bitmap);
	*bitmap = wanted;
	*file = feed_reader(feed, depth, KSALLOC_READER_REVOCABLE);
	reader = (*file)->private_data;
	reader->wanted = bitmap;
	feed_circulate(feed);
	return feed;
}

static void feed_take_four(struct feed_rig *feed, struct file *file)
{
	struct kunit *test = feed->rig->test;
	struct ksalloc_reader_frame frame = {};
	u32 i;

	for (i = 0; i < 4; i++) {
		feed_fill(feed);
		KUNIT_ASSERT_EQ(test, 1, feed_take(feed, file, &frame));
		KUNIT_EXPECT_EQ(test, frame.lost, 0);
	}
}

/*
 * Passes if the device gets a frame that a reader does not want only if it has too few others, and
 * a reader loses no frame if it wants few of them (K11).
 */
static void feed_unwanted_is_parked(struct kunit *test)
{
	struct file *file;
	struct feed_rig *feed = feed_wanting(test, 0x27, 4, &file);
	struct ks_connection *conn = feed->rig->conn;
	struct ks_reader *reader = file->private_data;
	u32 i;

	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, 4));
	for (i = 0; i < 2 * FEED_FRAMES; i++) {
		feed_fill(feed);
		feed_expect(feed, file, i, 0);
	}
	feed_take_four(feed, file);
	/* Two of the others. It does not get the first one that is filled */
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_KEEP));
	feed_fill(feed);
	feed_expect_none(feed, file, -EAGAIN);
	KUNIT_EXPECT_EQ(test, reader->lost, 1);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_KEEP));
	KUNIT_EXPECT_EQ(test, reader->nr_revoked, 0);

	spin_lock(&conn->feed.lock);
	bitmap_fill((unsigned long *)reader->wanted, FEED_FRAMES);
	spin_unlock(&conn->feed.lock);
	feed_fill(feed);
	feed_expect_none(feed, file, -EAGAIN);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES - 4));
}

/* Passes if parked frames are free after the stream (K11). */
static void feed_parked_is_freed(struct kunit *test)
{
	struct file *file;
	struct feed_rig *feed = feed_wanting(test, 0xf, 4, &file);

	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, 4));
	ks_rig_request(feed->rig, KSSTATE_STOP);
	ks_test_expect_counts(test, feed->rig->alloc, 0, 0, 0);
}

/* Passes if nothing is parked for a reader that gives no frame back (K2). */
static void feed_nothing_parked_for_stopped(struct kunit *test)
{
	struct file *file;
	struct feed_rig *feed = feed_wanting(test, 0xf, 6, &file);
	u32 i;

	/* All that it can have, although its depth is greater */
	feed_take_four(feed, file);
	for (i = 0; i < 6; i++) {
		KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_KEEP));
		feed_fill(feed);
		feed_expect_none(feed, file, -EAGAIN);
	}
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES - 4));
}

/* Passes if nothing is parked for a reader that wants too few frames, or none (K2). */
static void feed_nothing_parked_for_few(struct kunit *test)
{
	struct file *file;
	struct feed_rig *feed = feed_wanting(test, 7, 4, &file);

	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
}

static struct kunit_case feed_parked_cases[] = {
	KUNIT_CASE(feed_unwanted_is_parked),
	KUNIT_CASE(feed_parked_is_freed),
	KUNIT_CASE(feed_nothing_parked_for_stopped),
	KUNIT_CASE(feed_nothing_parked_for_few),
	{}
};

static struct kunit_suite feed_parked_suite = {
	.name = "ksalloc_feed_parked",
	.init = ks_test_init,
	.test_cases = feed_parked_cases,
};

kunit_test_suite(feed_parked_suite);
