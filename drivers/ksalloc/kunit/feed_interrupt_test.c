// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_feed_interrupt": frames that kernel clients free in hard interrupts while
 * they circulate, and interrupts that tell of several frames.
 */
#include "feed_rig.h"

/**
 * struct feed_free - frees a frame as a kernel client does
 * @alloc: the allocator
 * @index: the frame
 * @ret: the result
 */
struct feed_free {
	struct ks_allocator *alloc;
	u32 index;
	int ret;
};

static void feed_do_free(void *data)
{
	struct feed_free *call = data;

	call->ret = ks_allocator_free(call->alloc, call->index, true);
}

static void feed_free_in_hardirq(struct feed_rig *feed, u32 index)
{
	struct feed_free call = { .alloc = feed->rig->alloc, .index = index, .ret = -EAGAIN };
	struct kunit *test = feed->rig->test;

	KUNIT_ASSERT_EQ(test, 0, ks_test_in_hardirq(test, feed_do_free, &call));
	KUNIT_EXPECT_EQ(test, 0, call.ret);
}

/* Passes if the device gets frames that are freed in hard interrupts (K4). */
static void interrupt_frees(struct kunit *test)
{
	struct feed_rig *feed = feed_rig(test);
	u32 indices[3], i;

	for (i = 0; i < ARRAY_SIZE(indices); i++)
		indices[i] = ks_rig_alloc(feed->rig);
	feed_circulate(feed);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES - 3));
	for (i = 0; i < ARRAY_SIZE(indices); i++) {
		feed_free_in_hardirq(feed, indices[i]);
		KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES - 2 + i));
	}
	ks_test_expect_counts(test, feed->rig->alloc, FEED_FRAMES, FEED_FRAMES, 0);
}

/* Passes if the device gets a frame that a reader holds, and the reader can give it back (K4). */
static void interrupt_frees_held(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);
	struct ksalloc_reader_frame frame = {};

	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, reader, &frame));
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES - 1));
	feed_free_in_hardirq(feed, frame.index);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
	feed_give(feed, reader, frame.index);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
	ks_test_expect_counts(test, feed->rig->alloc, FEED_FRAMES, FEED_FRAMES, 0);
}

static int interrupt_pending;

static void interrupt_look(struct ks_fake *fake)
{
	interrupt_pending = atomic_read(&fake->device.connection->feed.pending);
}

/*
 * Passes if a reader that looks during a fetch does not begin to sleep, although the device has
 * notified once for the frame that is fetched and the next one (K2).
 */
static void interrupt_for_two_frames(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);
	atomic_t *pending = &feed->rig->conn->feed.pending;

	feed_fill(feed);
	feed_fill(feed);
	atomic_set(pending, 1);
	interrupt_pending = -1;
	feed->rig->fake->on_ready = interrupt_look;
	feed_expect(feed, reader, 0, 0);
	feed->rig->fake->on_ready = NULL;
	KUNIT_EXPECT_EQ(test, interrupt_pending, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(pending), 1);
	feed_expect(feed, reader, 1, 0);
	KUNIT_EXPECT_EQ(test, atomic_read(pending), 0);
}

static struct kunit_case feed_interrupt_cases[] = {
	KUNIT_CASE(interrupt_frees),
	KUNIT_CASE(interrupt_frees_held),
	KUNIT_CASE(interrupt_for_two_frames),
	{}
};

static struct kunit_suite feed_interrupt_suite = {
	.name = "ksalloc_feed_interrupt",
	.init = ks_test_init,
	.test_cases = feed_interrupt_cases,
};

kunit_test_suite(feed_interrupt_suite);
