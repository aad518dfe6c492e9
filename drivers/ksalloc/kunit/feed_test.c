// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_feed": frames that circulate between a fake device and readers. The
 * device refuses frames, fails, fills frames in any order, and notifies without a frame.
 */
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>

#include "feed_rig.h"

/* Whether a task waits for the lock of the connection */
static bool feed_is_awaited(struct feed_rig *feed)
{
#ifdef CONFIG_PREEMPT_RT
	return true;
#else
	return !list_empty_careful(&feed->rig->conn->lock.wait_list);
#endif
}

/*
 * Passes if two readers that are woken for one frame return it: while one of them fetches it, the
 * other one finds its queue empty, and waits for the lock (K8).
 */
static void feed_two_wait_for_one(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *readers[2] = { feed_reader(feed, 2, 0), feed_reader(feed, 2, 0) };
	struct ks_test_call *calls[2];
	u32 i, round;

	for (round = 0; round < 3; round++) {
		for (i = 0; i < 2; i++) {
			calls[i] = feed_start(feed, readers[i], i + 1);
			KUNIT_ASSERT_TRUE(test, ks_test_pending(calls[i]));
		}
		ks_fake_close_gate(feed->rig->fake, KS_FAKE_DEQUEUE);
		feed_fill(feed);
		KUNIT_ASSERT_TRUE(test, ks_fake_wait_at_gate(feed->rig->fake));
		KUNIT_EXPECT_TRUE(test, ks_test_wait_until(feed_is_awaited(feed)));
		ks_fake_open_gate(feed->rig->fake);
		for (i = 0; i < 2; i++) {
			struct feed_call *exchange = calls[i]->data;

			feed_expect_returned(feed, calls[i], round);
			feed_give(feed, readers[i], exchange->frames[0].index);
		}
	}
}

/*
 * Passes if an error of the device is returned when the queue is empty, poll reports it, and it is
 * forgotten when the device is started again (K10).
 */
static void feed_error_of_device(struct kunit *test)
{
	/* The device is still there, so not ENODEV. A positive value is a bug of a driver */
	static const int errors[] = { -ENODEV, 1 };
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		feed_fill(feed);
		ks_fake_fail(feed->rig->fake, 1, errors[i]);
		feed_expect_none(feed, reader, -EAGAIN);
		feed_expect_none(feed, reader, -EIO);
		KUNIT_EXPECT_EQ(test, ks_test_events(reader), KS_TEST_ERR);

		ks_rig_request(feed->rig, KSSTATE_PAUSE);
		feed_expect(feed, reader, 2 * i, 0);
		ks_rig_request(feed->rig, KSSTATE_RUN);
		feed_expect_none(feed, reader, -EAGAIN);
		KUNIT_EXPECT_EQ(test, ks_test_events(reader), 0);
		feed_fill(feed);
		feed_expect(feed, reader, 2 * i + 1, 0);
	}
}

/*
 * Passes if a task that is killed while it fetches frames does not end the stream, and the frame
 * that it has left is fetched without another notification.
 */
static void feed_interrupted_call(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *first = feed_reader(feed, 2, 0), *second = feed_reader(feed, 2, 0);

	feed_fill(feed);
	ks_fake_fail(feed->rig->fake, 1, -EINTR);
	feed_expect_none(feed, first, -EAGAIN);
	KUNIT_EXPECT_EQ(test, feed->rig->fake->failed, KS_FAKE_DEQUEUE);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(READ_ONCE(feed->rig->conn->feed.passed)));
	KUNIT_EXPECT_EQ(test, ks_test_events(second), KS_TEST_IN);
	feed_expect(feed, second, 0, 0);
	feed_expect(feed, first, 0, 0);
	feed_expect_none(feed, first, -EAGAIN);
}

/* Waits until the device refuses a frame. The thread of the feed may be the one that gives it */
static bool feed_device_fails(struct feed_rig *feed)
{
	return ks_test_wait_until(READ_ONCE(feed->rig->fake->failed) == KS_FAKE_QUEUE);
}

/* Passes if a frame that the device refuses is given to it again (K4). */
static void feed_refused_frame(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);
	struct ksalloc_reader_frame frame = {};

	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, reader, &frame));
	ks_fake_fail(feed->rig->fake, 1, -ENOMEM);
	feed_give(feed, reader, frame.index);
	KUNIT_EXPECT_TRUE(test, feed_device_fails(feed));
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
	ks_test_expect_counts(test, feed->rig->alloc, FEED_FRAMES, FEED_FRAMES, 0);
}

/* A new reader takes frames. When it is closed, they come back together */
static struct file *feed_reader_with(struct feed_rig *feed, u32 frames)
{
	struct file *reader = feed_reader(feed, frames, 0);
	struct ksalloc_reader_frame frame = {};

	while (frames--) {
		feed_fill(feed);
		KUNIT_ASSERT_EQ(feed->rig->test, 1, feed_take(feed, reader, &frame));
	}
	return reader;
}

/* The device has all frames, the last ones in the order in which they came back */
static void feed_expect_order(struct feed_rig *feed, u32 frames)
{
	struct kunit *test = feed->rig->test;
	u32 order[KS_TEST_FRAMES], i;

	KUNIT_ASSERT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
	KUNIT_ASSERT_EQ(test, ks_rig_submitted(feed->rig, order), FEED_FRAMES);
	for (i = 0; i < frames; i++)
		KUNIT_EXPECT_EQ(test, order[FEED_FRAMES - frames + i], i);
	ks_test_expect_counts(test, feed->rig->alloc, FEED_FRAMES, FEED_FRAMES, 0);
}

/* Passes if many frames that come back go to the device in their order (K4). */
static void feed_many_come_back(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	const u32 frames = FEED_FRAMES - FEED_KEEP;

	kunit_release_action(test, feed_reader_end, feed_reader_with(feed, frames));
	feed_expect_order(feed, frames);
}

/* Passes if the device gets all frames in their order, although it refuses the second (K4). */
static void feed_refused_of_many(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader_with(feed, 3);

	ks_fake_fail(feed->rig->fake, 2, -ENOMEM);
	kunit_release_action(test, feed_reader_end, reader);
	feed_expect_order(feed, 3);
	KUNIT_EXPECT_EQ(test, feed->rig->fake->failed, KS_FAKE_QUEUE);
}

/* Passes if a stream begins although the device refuses one of the frames, but not the first. */
static void feed_refused_at_begin(struct kunit *test)
{
	struct feed_rig *feed = feed_rig(test);
	struct ks_connection *conn = feed->rig->conn;

	/* After the call for the requirements */
	ks_fake_fail(feed->rig->fake, 2, -ENOMEM);
	KUNIT_EXPECT_EQ(test, -ENOMEM, ks_connection_request(conn, KSSTATE_RUN, true));
	KUNIT_EXPECT_EQ(test, feed->rig->fake->failed, KS_FAKE_QUEUE);
	KUNIT_EXPECT_EQ(test, ks_rig_state(feed->rig), KSSTATE_ACQUIRE);
	ks_test_expect_counts(test, feed->rig->alloc, 0, 0, 0);
	KUNIT_EXPECT_FALSE(test, conn->feed.running);

	ks_fake_fail(feed->rig->fake, 4, -ENOMEM);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_request(conn, KSSTATE_PAUSE, true));
	KUNIT_EXPECT_EQ(test, feed->rig->fake->failed, KS_FAKE_QUEUE);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
}

/* Passes if readers get frames in the order in which the device completes them (K1). */
static void feed_out_of_order(struct kunit *test)
{
	static const u32 order[] = { 3, 0, 2 };
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 4, 0);
	struct ksalloc_reader_frame frame = {};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(order); i++) {
		const struct ksalloc_completion completion = {
			.index = order[i],
			.sequence = i,
		};

		ks_fake_fill_as(feed->rig->fake, &completion);
	}
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		KUNIT_ASSERT_EQ(test, 1, feed_take(feed, reader, &frame));
		KUNIT_EXPECT_EQ(test, frame.index, order[i]);
		KUNIT_EXPECT_EQ(test, frame.sequence, i);
	}
}

/* Passes if readers get the field of each frame, also if its memory had another one before (I3). */
static void feed_fields(struct kunit *test)
{
	static const u8 fields[] = {
		KS_VIDEO_FLAG_FIELD2, KS_VIDEO_FLAG_FIELD1, KS_VIDEO_FLAG_FRAME,
	};
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 1, 0);
	struct ksalloc_reader_frame frame = {};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		const struct ksalloc_completion completion = {
			.sequence = i,
			.field = fields[i],
		};

		ks_fake_fill_as(feed->rig->fake, &completion);
		KUNIT_ASSERT_EQ(test, 1, feed_take(feed, reader, &frame));
		KUNIT_EXPECT_EQ(test, frame.index, 0);
		KUNIT_EXPECT_EQ(test, frame.header.type_specific_flags, fields[i]);
		feed_give(feed, reader, frame.index);
	}
}

/* Passes if a frame that cannot be described stays the first one in the queue (K8). */
static void feed_fault_keeps_order(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *other = feed_reader(feed, 1, 0), *reader = feed_reader(feed, 3, 0);
	struct feed_call call = feed_call(feed, 2);
	u32 i;

	for (i = 0; i < 3; i++) {
		feed_fill(feed);
		feed_expect(feed, other, i, 0);
	}
	call.unwritable = true;
	KUNIT_EXPECT_EQ(test, -EFAULT, feed_do_exchange(reader, &call));
	for (i = 0; i < 3; i++)
		feed_expect(feed, reader, i, 0);
}

/* Passes if a notification without a frame has no lasting effect. */
static void feed_notified_for_nothing(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);
	u32 i;

	for (i = 0; i < FEED_FRAMES; i++)
		ks_connection_notify(feed->rig->conn);
	feed_expect_none(feed, reader, -EAGAIN);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(!ks_test_events(reader)));
	feed_fill(feed);
	KUNIT_EXPECT_EQ(test, ks_test_events(reader), KS_TEST_IN);
	feed_expect(feed, reader, 0, 0);
}

/* Passes if poll sees a frame that the device has filled, and nobody has fetched. */
static void feed_poll_of_device(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);
	struct ks_test_poll *poll = ks_test_poll(test, reader);

	KUNIT_EXPECT_EQ(test, ks_test_events(reader), 0);
	feed_fill(feed);
	KUNIT_EXPECT_GT(test, atomic_read(&poll->wakes), 0);
	KUNIT_EXPECT_EQ(test, ks_test_events(reader), KS_TEST_IN);
	feed_expect(feed, reader, 0, 0);
	KUNIT_EXPECT_EQ(test, ks_test_events(reader), 0);
}

/*
 * Passes if poll reports no frame while the state changes, as no call fetches one then, and a call
 * that waits for no frame does not wait for the change (K8).
 */
static void feed_poll_in_change(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);
	struct feed_call at_once = feed_call(feed, 1);
	struct ks_test_call *call;

	at_once.arg.wait_for = 0;

	feed_fill(feed);
	KUNIT_EXPECT_EQ(test, ks_test_events(reader), KS_TEST_IN);
	ks_fake_close_gate(feed->rig->fake, KS_FAKE_STOP);
	call = ks_test_call_request(test, feed->rig->file, KSSTATE_STOP);
	KUNIT_ASSERT_TRUE(test, ks_fake_wait_at_gate(feed->rig->fake));
	KUNIT_EXPECT_EQ(test, ks_test_events(reader), 0);
	feed_expect_none(feed, reader, -EAGAIN);
	KUNIT_EXPECT_EQ(test, 0, feed_do_exchange(reader, &at_once));
	ks_fake_open_gate(feed->rig->fake);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, 0);
}

static int feed_do_close(struct ks_test_call *call)
{
	__fput_sync(call->data);
	return 0;
}

/* Passes if a non-blocking call does not wait while the last close() stops the device (K2, K8). */
static void feed_nonblock_in_last_close(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);
	const struct ks_test_call close = {
		.fn = feed_do_close,
		.file = reader,
		.data = feed->rig->file,
	};
	struct ks_test_call *call;

	feed_fill(feed);
	feed->rig->file = NULL;
	ks_fake_close_gate(feed->rig->fake, KS_FAKE_STOP);
	call = ks_test_call(test, &close);
	KUNIT_ASSERT_TRUE(test, ks_fake_wait_at_gate(feed->rig->fake));
	KUNIT_EXPECT_EQ(test, ks_test_events(reader), 0);
	feed_expect_none(feed, reader, -EAGAIN);
	ks_fake_open_gate(feed->rig->fake);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	feed_expect_none(feed, reader, -ENODEV);
}

/* Passes if poll sees a frame that another reader has fetched (K8). */
static void feed_poll_of_others(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *first = feed_reader(feed, 2, 0), *second = feed_reader(feed, 2, 0);

	feed_fill(feed);
	feed_expect(feed, first, 0, 0);
	KUNIT_EXPECT_EQ(test, ks_test_events(first), 0);
	KUNIT_EXPECT_EQ(test, ks_test_events(second), KS_TEST_IN);
	feed_expect(feed, second, 0, 0);
}

/* Passes if a reader gets the frames that are filled after it was made, and no others (K1). */
static void feed_later_reader(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *first = feed_reader(feed, 2, 0), *second;

	feed_fill(feed);
	feed_expect(feed, first, 0, 0);
	second = feed_reader(feed, 2, 0);
	feed_expect_none(feed, second, -EAGAIN);
	feed_fill(feed);
	feed_expect(feed, second, 1, 0);
	feed_expect(feed, first, 1, 0);
}

/*
 * Passes if a reader of depth 1 loses the older frame, or the newer one if it has taken one (K3).
 */
static void feed_depth_one(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *other = feed_reader(feed, 4, 0), *reader = feed_reader(feed, 1, 0);
	struct ksalloc_reader_frame frame = {};
	u32 i;

	for (i = 0; i < 3; i++) {
		feed_fill(feed);
		feed_expect(feed, other, i, 0);
	}
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, reader, &frame));
	KUNIT_EXPECT_EQ(test, frame.sequence, 2);
	KUNIT_EXPECT_EQ(test, frame.lost, 2);
	feed_fill(feed);
	feed_expect(feed, other, 3, 0);
	feed_expect_none(feed, reader, -EAGAIN);
	feed_give(feed, reader, frame.index);
	feed_fill(feed);
	feed_expect(feed, reader, 4, 1);
}

/* Passes if a frame that another client frees goes to the device (K4). */
static void feed_freed_frame(struct kunit *test)
{
	struct feed_rig *feed = feed_rig(test);
	u32 index = ks_rig_alloc(feed->rig);

	feed_circulate(feed);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES - 1));
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(feed->rig->alloc, index, false));
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
}

/*
 * Passes if a kernel client can free a frame that readers hold, for a request that waits, and
 * the frame stays with that request when the readers give it back.
 */
static void feed_freed_by_kernel_client(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct ks_allocator *alloc = feed->rig->alloc;
	struct file *reader = feed_reader(feed, 2, 0);
	struct ks_owner *owner = ks_test_owner(test, alloc);
	struct ksalloc_reader_frame frame = {};
	struct ks_test_frames frames;
	struct ks_test_call *call;

	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, reader, &frame));
	call = ks_test_call_alloc(test, feed->rig->allocator, owner, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_wait_until(READ_ONCE(alloc->nr_waiting) == 1));
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, frame.index, true));
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->index, frame.index);

	feed_give(feed, reader, frame.index);
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[frame.index].owner, owner);
	KUNIT_EXPECT_EQ(test, frames.in_device, FEED_FRAMES - 1);
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, frame.index, false));
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
}

/* The same without a request: the device fills the frame, and the reader sees the revocation. */
static void feed_freed_and_filled(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *file = feed_reader(feed, 2, 0);
	const struct ks_reader *reader = file->private_data;
	struct ksalloc_completion completion = { .sequence = 1 };
	struct ksalloc_reader_frame frame = {};

	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, file, &frame));
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(feed->rig->alloc, frame.index, true));
	KUNIT_ASSERT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
	completion.index = frame.index;
	ks_fake_fill_as(feed->rig->fake, &completion);
	feed_expect_none(feed, file, -EAGAIN);
	KUNIT_EXPECT_EQ(test, reader->nr_revoked, 1);
	KUNIT_EXPECT_EQ(test, reader->nr_taken, 0);
	feed_give(feed, file, frame.index);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
	ks_test_expect_counts(test, feed->rig->alloc, FEED_FRAMES, FEED_FRAMES, 0);
}

/*
 * The same, but the device refuses the frame. Then it gets the frame when the reader gives it back,
 * and not before.
 */
static void feed_freed_and_refused(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct ks_connection *conn = feed->rig->conn;
	struct file *file = feed_reader(feed, 2, 0);
	struct ksalloc_reader_frame frame = {};

	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, file, &frame));
	ks_fake_fail(feed->rig->fake, 1, -ENOMEM);
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(feed->rig->alloc, frame.index, true));
	KUNIT_ASSERT_TRUE(test, feed_device_fails(feed));
	/* The thread of the feed has this lock while it gives frames to the device */
	mutex_lock(&conn->lock);
	KUNIT_EXPECT_EQ(test, feed_device_queued(feed), FEED_FRAMES - 1);
	KUNIT_EXPECT_EQ(test, conn->feed.nr_returned, 0);
	mutex_unlock(&conn->lock);
	feed_give(feed, file, frame.index);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
	ks_test_expect_counts(test, feed->rig->alloc, FEED_FRAMES, FEED_FRAMES, 0);
}

/* The same in STOP, where no frame circulates */
static void feed_freed_in_stop(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct ks_allocator *alloc = feed->rig->alloc;
	struct file *reader = feed_reader(feed, 2, 0);
	struct ksalloc_reader_frame frame = {};

	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, reader, &frame));
	ks_rig_request(feed->rig, KSSTATE_STOP);
	ks_test_expect_counts(test, alloc, 1, 0, 0);
	KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(alloc, frame.index, true));
	feed_give(feed, reader, frame.index);
	ks_test_expect_counts(test, alloc, 0, 0, 0);
	feed_circulate(feed);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
}

static DEFINE_SPINLOCK(feed_fence_lock);

static const char *feed_fence_name(struct dma_fence *fence)
{
	return "ksalloc-kunit";
}

static const struct dma_fence_ops feed_fence_ops = {
	.get_driver_name = feed_fence_name,
	.get_timeline_name = feed_fence_name,
};

static void feed_fence_end(void *fence)
{
	dma_fence_signal(fence);
	dma_fence_put(fence);
}

static struct dma_fence *feed_fence(struct kunit *test, struct dma_buf *dmabuf)
{
	struct dma_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);
	int ret;

	KUNIT_ASSERT_NOT_NULL(test, fence);
	dma_fence_init(fence, &feed_fence_ops, &feed_fence_lock,
		       dma_fence_context_alloc(1), 1);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, feed_fence_end,
							   fence));
	dma_resv_lock(dmabuf->resv, NULL);
	ret = dma_resv_reserve_fences(dmabuf->resv, 1);
	if (!ret)
		dma_resv_add_fence(dmabuf->resv, fence, DMA_RESV_USAGE_READ);
	dma_resv_unlock(dmabuf->resv);
	KUNIT_ASSERT_EQ(test, 0, ret);
	return fence;
}

/* Passes if a frame goes to the device when the fence on its memory is signalled (H3, K4). */
static void feed_fenced_frame(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct ks_allocator *alloc = feed->rig->alloc;
	struct file *reader = feed_reader(feed, 2, 0);
	struct ksalloc_reader_frame frame = {};
	struct ks_test_frames frames;
	struct dma_fence *fence;

	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, reader, &frame));
	fence = feed_fence(test, alloc->frames[frame.index].planes->dmabuf);
	feed_give(feed, reader, frame.index);
	ks_test_look(test, alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.in_device, FEED_FRAMES - 1);
	KUNIT_EXPECT_EQ(test, frames.fenced, 1);
	dma_fence_signal(fence);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
}

/* Passes if the device keeps its frames, and a reader without a promise loses what it took (K3). */
static void feed_revoked(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, FEED_FRAMES, KSALLOC_READER_REVOCABLE);
	struct ksalloc_reader_frame frame = {};
	u32 i, first = 0;

	for (i = 0; i < FEED_FRAMES - FEED_KEEP; i++) {
		feed_fill(feed);
		KUNIT_ASSERT_EQ(test, 1, feed_take(feed, reader, &frame));
		KUNIT_EXPECT_EQ(test, frame.revoked, 0);
		if (!i)
			first = frame.index;
	}
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_KEEP));
	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, reader, &frame));
	KUNIT_EXPECT_EQ(test, frame.revoked, 1);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_KEEP));
	/* It has to be given back, too */
	feed_give(feed, reader, first);
}

/*
 * Passes if frames of a promised reader stay, although they are older than those of another (K3).
 */
static void feed_promise_is_kept(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *files[2] = { feed_reader(feed, 3, 0) };
	const struct ks_reader *readers[2];
	struct ksalloc_reader_frame frame = {};
	u32 i;

	files[1] = feed_reader(feed, FEED_FRAMES, KSALLOC_READER_REVOCABLE);
	for (i = 0; i < 2; i++)
		readers[i] = files[i]->private_data;
	for (i = 0; i < 3; i++) {
		feed_fill(feed);
		KUNIT_ASSERT_EQ(test, 1, feed_take(feed, files[0], &frame));
	}
	/* More than there are for readers. The thread may be first to fetch a frame */
	for (i = 0; i < 2 * FEED_FRAMES; i++) {
		ks_fake_fill(feed->rig->fake);
		feed_take(feed, files[1], &frame);
	}
	KUNIT_EXPECT_GE(test, READ_ONCE(feed->rig->conn->nr_submitted), FEED_KEEP);
	KUNIT_EXPECT_EQ(test, readers[0]->nr_taken, 3);
	KUNIT_EXPECT_EQ(test, readers[0]->nr_revoked, 0);
}

static bool feed_is_promised(struct file *file)
{
	const struct ks_reader *reader = file->private_data;

	return READ_ONCE(reader->promised);
}

/* Passes if frames are promised to the oldest readers, and to the next one when one ends (K3). */
static void feed_promise_passes_on(struct kunit *test)
{
	struct feed_rig *feed = feed_rig(test);
	struct file *first = feed_reader(feed, FEED_FRAMES - FEED_KEEP - 2, 0);
	struct file *second = feed_reader(feed, 3, 0), *third = feed_reader(feed, 2, 0);
	struct ksalloc_reader_frame frame = {};

	feed_circulate(feed);
	KUNIT_EXPECT_TRUE(test, feed_is_promised(first));
	KUNIT_EXPECT_FALSE(test, feed_is_promised(second));
	KUNIT_EXPECT_TRUE(test, feed_is_promised(third));
	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, second, &frame));
	kunit_release_action(test, feed_reader_end, first);
	KUNIT_EXPECT_TRUE(test, feed_is_promised(second));
	KUNIT_EXPECT_TRUE(test, feed_is_promised(third));
	kunit_release_action(test, feed_reader_end, third);
	feed_give(feed, second, frame.index);
	KUNIT_EXPECT_TRUE(test, feed_device_has(feed, FEED_FRAMES));
}

/* Passes if waiting readers return when the device disappears (K10). */
static void feed_gone_device(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);
	struct ksalloc_reader_frame frame = {};
	struct ks_test_call *call;

	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, reader, &frame));
	call = feed_start(feed, reader, 1);
	KUNIT_ASSERT_TRUE(test, ks_test_pending(call));
	ks_fake_vanish(feed->rig->fake);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, -ENODEV);
	KUNIT_EXPECT_EQ(test, ks_test_events(reader), KS_TEST_HUP);
	KUNIT_EXPECT_TRUE(test, ks_test_wait_until(READ_ONCE(feed->rig->alloc->nr_allocated) ==
						   1));
	feed_give(feed, reader, frame.index);
	ks_test_expect_counts(test, feed->rig->alloc, 0, 0, 0);
}

/* Passes if a reader can end after the connection, and keeps no frame (K10). */
static void feed_reader_outlives(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);
	struct ksalloc_reader_frame frame = {};

	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, reader, &frame));
	ks_rig_release(feed->rig);
	ks_test_expect_counts(test, feed->rig->alloc, 0, 0, 0);
	feed_expect_none(feed, reader, -ENODEV);
	KUNIT_EXPECT_EQ(test, ks_test_events(reader), KS_TEST_HUP);
}

/* Passes if a device that does not stop keeps its frames, and readers give theirs back (K10). */
static void feed_stuck_device(struct kunit *test)
{
	struct feed_rig *feed = feed_running(test);
	struct file *reader = feed_reader(feed, 2, 0);
	struct ksalloc_reader_frame frame = {};

	feed_fill(feed);
	KUNIT_ASSERT_EQ(test, 1, feed_take(feed, reader, &frame));
	ks_fake_fail_stop(feed->rig->fake, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO, ks_connection_request(feed->rig->conn, KSSTATE_STOP,
							  false));
	feed_expect_none(feed, reader, -EIO);
	feed_give(feed, reader, frame.index);
	ks_test_expect_counts(test, feed->rig->alloc, FEED_FRAMES - 1, FEED_FRAMES - 1, 0);
}

static struct kunit_case feed_cases[] = {
	KUNIT_CASE(feed_two_wait_for_one),
	KUNIT_CASE(feed_error_of_device),
	KUNIT_CASE(feed_interrupted_call),
	KUNIT_CASE(feed_refused_frame),
	KUNIT_CASE(feed_refused_of_many),
	KUNIT_CASE(feed_many_come_back),
	KUNIT_CASE(feed_refused_at_begin),
	KUNIT_CASE(feed_out_of_order),
	KUNIT_CASE(feed_fields),
	KUNIT_CASE(feed_fault_keeps_order),
	KUNIT_CASE(feed_notified_for_nothing),
	KUNIT_CASE(feed_poll_of_device),
	KUNIT_CASE(feed_poll_in_change),
	KUNIT_CASE(feed_nonblock_in_last_close),
	KUNIT_CASE(feed_poll_of_others),
	KUNIT_CASE(feed_later_reader),
	KUNIT_CASE(feed_depth_one),
	KUNIT_CASE(feed_freed_frame),
	KUNIT_CASE(feed_freed_by_kernel_client),
	KUNIT_CASE(feed_freed_and_filled),
	KUNIT_CASE(feed_freed_and_refused),
	KUNIT_CASE(feed_freed_in_stop),
	KUNIT_CASE(feed_fenced_frame),
	KUNIT_CASE(feed_revoked),
	KUNIT_CASE(feed_promise_is_kept),
	KUNIT_CASE(feed_promise_passes_on),
	KUNIT_CASE(feed_gone_device),
	KUNIT_CASE(feed_reader_outlives),
	KUNIT_CASE(feed_stuck_device),
	{}
};

static struct kunit_suite feed_suite = {
	.name = "ksalloc_feed",
	.init = ks_test_init,
	.test_cases = feed_cases,
};

kunit_test_suite(feed_suite);
