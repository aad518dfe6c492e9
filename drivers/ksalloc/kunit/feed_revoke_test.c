// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_feed_revoke": frames that are revoked while they wait in the queue of a
 * reader.
 */
#include "feed_rig.h"

/* A reader without a promise, and another one that takes each frame and gives it back */
struct feed_revoke {
	struct feed_rig *feed;
	struct file *file, *other;
	struct ks_reader *reader;
	u32 filled;
};

static void feed_revoke_begin(struct kunit *test, struct feed_revoke *revoke)
{
	*revoke = (struct feed_revoke){ .feed = feed_running(test) };
	revoke->other = feed_reader(revoke->feed, 1, 0);
	revoke->file = feed_reader(revoke->feed, FEED_FRAMES, KSALLOC_READER_REVOCABLE);
	revoke->reader = revoke->file->private_data;
}

static void feed_revoke_fill(struct feed_revoke *revoke, u32 frames)
{
	while (frames--) {
		feed_fill(revoke->feed);
		feed_expect(revoke->feed, revoke->other, revoke->filled++, 0);
	}
}

/* The queue is a ring. The next frame that is queued is not the first entry of the ring */
static void feed_revoke_turn(struct feed_revoke *revoke, u32 frames)
{
	feed_revoke_fill(revoke, frames);
	for (; frames; frames--)
		feed_expect(revoke->feed, revoke->file, revoke->filled - frames, 0);
}

/* All frames are back, and the reader had taken none of those that it lost */
static void feed_revoke_end(struct feed_revoke *revoke)
{
	struct kunit *test = revoke->feed->rig->test;

	feed_expect_none(revoke->feed, revoke->file, -EAGAIN);
	KUNIT_EXPECT_EQ(test, revoke->reader->nr_revoked, 0);
	KUNIT_EXPECT_EQ(test, revoke->reader->nr_queued, 0);
	KUNIT_EXPECT_TRUE(test, feed_device_has(revoke->feed, FEED_FRAMES));
	ks_test_expect_counts(test, revoke->feed->rig->alloc, FEED_FRAMES, FEED_FRAMES, 0);
}

/*
 * Passes if the device keeps its frames, and a reader without a promise loses the oldest one in its
 * queue, and gets the others in their order (K1, K3).
 */
static void feed_revoked_first(struct kunit *test)
{
	struct feed_revoke revoke;
	u32 i;

	feed_revoke_begin(test, &revoke);
	feed_revoke_turn(&revoke, 7);
	feed_revoke_fill(&revoke, FEED_FRAMES - FEED_KEEP);
	KUNIT_EXPECT_TRUE(test, feed_device_has(revoke.feed, FEED_KEEP));
	KUNIT_EXPECT_EQ(test, revoke.reader->lost, 0);
	feed_revoke_fill(&revoke, 1);
	KUNIT_EXPECT_TRUE(test, feed_device_has(revoke.feed, FEED_KEEP));
	KUNIT_EXPECT_EQ(test, revoke.reader->nr_queued, FEED_FRAMES - FEED_KEEP);
	for (i = 8; i < revoke.filled; i++)
		feed_expect(revoke.feed, revoke.file, i, i == 8);
	feed_revoke_end(&revoke);
}

/*
 * Passes if a reader loses a frame in the middle of its queue that a kernel client frees, when the
 * device fills it again, and gets the others in their order, and that one as the last (K1, K4).
 */
static void feed_revoked_middle(struct kunit *test)
{
	struct ksalloc_reader_frame frame = {};
	struct ksalloc_completion completion;
	struct feed_revoke revoke;
	u32 i, index;

	feed_revoke_begin(test, &revoke);
	feed_revoke_turn(&revoke, FEED_FRAMES - 2);
	feed_revoke_fill(&revoke, 5);
	index = revoke.reader->queue[(revoke.reader->first + 2) % FEED_FRAMES];
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(revoke.feed->rig->alloc, index, true));
	KUNIT_ASSERT_TRUE(test, feed_device_has(revoke.feed, FEED_FRAMES - 4));
	completion = (struct ksalloc_completion){ .index = index, .sequence = revoke.filled };
	ks_fake_fill_as(revoke.feed->rig->fake, &completion);
	feed_expect(revoke.feed, revoke.other, revoke.filled, 0);
	KUNIT_EXPECT_EQ(test, revoke.reader->nr_queued, 5);
	for (i = 0; i < 5; i++)
		if (i != 2)
			feed_expect(revoke.feed, revoke.file, revoke.filled - 5 + i, !i);
	KUNIT_ASSERT_EQ(test, 1, feed_take(revoke.feed, revoke.file, &frame));
	KUNIT_EXPECT_EQ(test, frame.sequence, revoke.filled);
	KUNIT_EXPECT_EQ(test, frame.index, index);
	KUNIT_EXPECT_EQ(test, frame.lost, 0);
	feed_give(revoke.feed, revoke.file, index);
	feed_revoke_end(&revoke);
}

static struct kunit_case feed_revoke_cases[] = {
	KUNIT_CASE(feed_revoked_first),
	KUNIT_CASE(feed_revoked_middle),
	{}
};

static struct kunit_suite feed_revoke_suite = {
	.name = "ksalloc_feed_revoke",
	.init = ks_test_init,
	.test_cases = feed_revoke_cases,
};

kunit_test_suite(feed_revoke_suite);
