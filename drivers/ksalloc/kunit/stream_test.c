// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_stream": frames that pass through a connection and are filled by a
 * fake device.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "stream_rig.h"

/*
 * Passes if a frame can be submitted in PAUSE and RUN, and in a lower state stays with its
 * owner, with ECANCELED (I1, I2).
 */
static void stream_submit_in_each_state(struct kunit *test)
{
	enum ksstate state;

	for (state = KSSTATE_STOP; state <= KSSTATE_RUN; state++) {
		struct ks_rig *rig = stream_rig(test, 2, state);
		bool accepts = state >= KSSTATE_PAUSE;
		u32 index = ks_rig_alloc(rig);

		KUNIT_EXPECT_EQ(test, accepts ? 0 : -ECANCELED,
				ks_connection_submit(rig->conn, index, -1));
		ks_test_expect_counts(test, rig->alloc, 1, accepts, 0);
		ks_rig_expect_calls(rig, accepts ? "queue:0" : "");
		ks_rig_end(rig);
	}
}

/* Passes if submitting an invalid frame fails and nothing changes (B5). */
static void stream_submit_errors(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 3, KSSTATE_PAUSE);
	static const u32 expected[] = { 0 };
	struct ks_test_frames before;

	ks_rig_submit(rig);
	ks_fake_forget(rig->fake);
	ks_test_look(test, rig->alloc, &before);
	KUNIT_EXPECT_EQ(test, -EBUSY, ks_connection_submit(rig->conn, 0, -1));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_connection_submit(rig->conn, 1, -1));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_connection_submit(rig->conn, 3, -1));
	KUNIT_EXPECT_EQ(test, -EINVAL, ks_connection_submit(rig->conn, U32_MAX, -1));
	ks_test_expect_frames(test, rig->alloc, &before);
	stream_expect_order(rig, expected, 1);
	ks_rig_expect_calls(rig, "");
}

/*
 * Passes if a frame that the device refuses belongs to its owner again, the others keep
 * their order, and the same frame can be submitted later (A4, I2).
 */
static void stream_submit_refused(struct kunit *test)
{
	static const int errors[] = { -EIO, -ENOMEM, -ERESTARTSYS, -EMFILE };
	static const u32 without[] = { 0, 1 }, with[] = { 0, 1, 2 };
	struct ks_rig *rig = stream_rig(test, 4, KSSTATE_RUN);
	struct ks_test_frames before;
	u32 i, index;

	ks_rig_submit(rig);
	ks_rig_submit(rig);
	index = ks_rig_alloc(rig);
	ks_test_look(test, rig->alloc, &before);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		ks_fake_fail(rig->fake, 1, errors[i]);
		KUNIT_EXPECT_EQ(test, errors[i],
				ks_connection_submit(rig->conn, index, -1));
		ks_test_expect_frames(test, rig->alloc, &before);
		stream_expect_order(rig, without, 2);
	}
	KUNIT_EXPECT_EQ(test, 0, ks_connection_submit(rig->conn, index, -1));
	stream_expect_order(rig, with, 3);
}

/* A descriptor of the dma-buf of a frame */
static struct ks_test_fd *stream_fd(struct ks_rig *rig, u32 index)
{
	return ks_test_fd(rig->test,
			  ksalloc_allocator_dmabuf(rig->alloc, index, 0)->file);
}

/*
 * Passes if a descriptor of the dma-buf of the frame is passed on to the device, any other
 * descriptor is an error that changes nothing, and a frame that waits behind others is
 * queued later without it (I2, B5).
 */
static void stream_submit_descriptor(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 3, KSSTATE_RUN);
	struct ks_test_fd *right = stream_fd(rig, 1);
	struct ks_test_fd *wrong = stream_fd(rig, 2);
	struct ks_test_fd *other = ks_test_fd(test, rig->allocator);
	struct ks_test_frames before;

	KUNIT_ASSERT_EQ(test, ks_rig_submit(rig), 0);
	KUNIT_EXPECT_EQ(test, rig->fake->dmabuf_fd, -1);
	KUNIT_ASSERT_EQ(test, ks_rig_alloc(rig), 1);
	ks_test_look(test, rig->alloc, &before);
	ks_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_submit(rig->conn, 1, wrong->fd));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_submit(rig->conn, 1, other->fd));
	ks_test_fd_close(other);
	KUNIT_EXPECT_EQ(test, -EBADF, ks_connection_submit(rig->conn, 1, -2));
	KUNIT_EXPECT_EQ(test, -EBADF, ks_connection_submit(rig->conn, 1, INT_MIN));
	KUNIT_EXPECT_EQ(test, -EINVAL,
			ks_connection_submit(rig->conn, 3, right->fd));
	KUNIT_EXPECT_EQ(test, -EBUSY, ks_connection_submit(rig->conn, 0, -1));
	ks_rig_expect_calls(rig, "");
	ks_test_expect_frames(test, rig->alloc, &before);

	KUNIT_EXPECT_EQ(test, 0,
			ks_connection_submit(rig->conn, 1, right->fd));
	KUNIT_EXPECT_EQ(test, rig->fake->dmabuf_fd, right->fd);
	ks_rig_expect_calls(rig, "queue:1");

	ks_rig_request(rig, KSSTATE_PAUSE);
	KUNIT_ASSERT_EQ(test, ks_rig_alloc(rig), 2);
	KUNIT_EXPECT_EQ(test, 0,
			ks_connection_submit(rig->conn, 2, wrong->fd));
	ks_test_fd_close(wrong);
	ks_rig_request(rig, KSSTATE_RUN);
	KUNIT_EXPECT_EQ(test, rig->fake->hw.n_queued, 3);
	KUNIT_EXPECT_EQ(test, rig->fake->dmabuf_fd, -1);
}

static void stream_vanish(struct ks_fake *fake, enum ks_fake_op op, void *data)
{
	const enum ks_fake_op *last = data;

	if (op == *last)
		WRITE_ONCE(fake->gone, true);
}

/*
 * Passes if a submit during which the device disappears and returns another error fails with
 * ENODEV when the frames are free, and leaves its frame with the owner. A read that must not
 * wait fails with EAGAIN until then (I6).
 */
static void stream_gone_in_a_call(struct kunit *test)
{
	static enum ks_fake_op last[] = { KS_FAKE_QUEUE, KS_FAKE_DEQUEUE };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(last); i++) {
		struct ks_rig *rig = stream_rig(test, 2, KSSTATE_RUN);
		struct ksalloc_complete complete;

		ks_rig_submit(rig);
		ks_rig_alloc(rig);
		rig->fake->on_call_data = &last[i];
		rig->fake->on_call = stream_vanish;
		ks_fake_fail(rig->fake, 1, -EINVAL);
		if (last[i] == KS_FAKE_QUEUE)
			KUNIT_EXPECT_EQ(test, -ENODEV,
					ks_connection_submit(rig->conn, 1, -1));
		else
			KUNIT_EXPECT_EQ(test, -EAGAIN,
					ks_rig_read(rig, &complete));
		KUNIT_EXPECT_EQ(test, rig->fake->failed, last[i]);
		KUNIT_EXPECT_EQ(test, -ENODEV, ks_connection_check(rig->conn));
		KUNIT_EXPECT_EQ(test, -ENODEV, ks_rig_read(rig, &complete));
		ks_test_expect_counts(test, rig->alloc, 1, 0, 0);
		ks_rig_end(rig);
	}
}

static void stream_owner_leaves(struct ks_fake *fake, enum ks_fake_op op,
				void *data)
{
	const struct ks_rig *rig = data;

	if (op == KS_FAKE_QUEUE)
		ks_allocator_reclaim(rig->alloc, rig->owner);
}

/*
 * Passes if a frame that the device refuses, and whose owner is closed at that moment, becomes
 * free; and one that the device accepts stays there (B7).
 */
static void stream_submit_as_the_owner_leaves(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 2, KSSTATE_RUN);
	u32 refused = ks_rig_alloc(rig), taken;

	rig->fake->on_call_data = rig;
	rig->fake->on_call = stream_owner_leaves;
	ks_fake_fail(rig->fake, 1, -EIO);
	KUNIT_EXPECT_EQ(test, -EIO, ks_connection_submit(rig->conn, refused, -1));
	ks_test_expect_counts(test, rig->alloc, 0, 0, 0);

	taken = ks_rig_alloc(rig);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_submit(rig->conn, taken, -1));
	ks_test_expect_counts(test, rig->alloc, 1, 1, 0);
	ks_rig_request(rig, KSSTATE_STOP);
	ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
}

/*
 * Passes if a non-blocking call without a filled frame returns ECANCELED below PAUSE and
 * EAGAIN in PAUSE and RUN, and writes nothing (I2).
 */
static void stream_complete_in_each_state(struct kunit *test)
{
	enum ksstate state;

	for (state = KSSTATE_STOP; state <= KSSTATE_RUN; state++) {
		struct ks_rig *rig = stream_rig(test, 2, state);
		bool streams = state >= KSSTATE_PAUSE;

		stream_expect_no_frame(rig, streams ? -EAGAIN : -ECANCELED);
		if (streams) {
			ks_rig_submit(rig);
			stream_expect_no_frame(rig, -EAGAIN);
		}
		ks_rig_end(rig);
	}
}

/* Passes if a blocking call does not wait below PAUSE: ECANCELED (I4). */
static void stream_complete_does_not_wait_for_nothing(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, 2);
	enum ksstate state;

	for (state = KSSTATE_STOP; state < KSSTATE_PAUSE; state++) {
		struct ks_test_call *call;

		ks_rig_request(rig, state);
		call = ks_test_call_read(test, rig->file, 0);
		KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
		KUNIT_EXPECT_EQ(test, call->ret, -ECANCELED);
	}
}

/* Passes if the header has the values from the device, in the form of KS (I3). */
static void stream_header(struct kunit *test)
{
	static const struct ksalloc_completion completion = {
		.index = 0,
		.sequence = 77,
		.planes[0] = { .data_offset = 56, .data_used = 1234 },
		.options_flags = KSSTREAM_HEADER_OPTIONSF_SPLICEPOINT |
				 KSSTREAM_HEADER_OPTIONSF_TIMEVALID,
		.field = KS_VIDEO_FLAG_FIELD2,
		.time = 0x123456789abcdefLL,
	};
	struct ks_rig *rig = stream_rig(test, 1, KSSTATE_RUN);
	struct ksalloc_complete complete = {};
	const struct ksstream_header *header = &complete.header;

	ks_rig_submit(rig);
	ks_fake_fill_as(rig->fake, &completion);
	KUNIT_ASSERT_EQ(test, 0, ks_rig_read(rig, &complete));
	KUNIT_EXPECT_EQ(test, complete.index, 0);
	KUNIT_EXPECT_EQ(test, complete.sequence, 77);
	KUNIT_EXPECT_EQ(test, header->header_size, sizeof(*header));
	KUNIT_EXPECT_EQ(test, header->type_specific_flags, KS_VIDEO_FLAG_FIELD2);
	KUNIT_EXPECT_EQ(test, header->presentation_time.time, completion.time);
	KUNIT_EXPECT_EQ(test, header->presentation_time.numerator, 1);
	KUNIT_EXPECT_EQ(test, header->presentation_time.denominator, 1);
	KUNIT_EXPECT_EQ(test, header->duration, 0);
	KUNIT_EXPECT_EQ(test, header->frame_extent, PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, header->data_used, 1234);
	KUNIT_EXPECT_EQ(test, header->data, 56);
	KUNIT_EXPECT_EQ(test, header->options_flags, completion.options_flags);
	KUNIT_EXPECT_EQ(test, header->reserved, 0);
}

/*
 * Passes if data that exceed the frame are truncated, and the frame is marked; and data
 * that just fit are passed on (I3).
 */
static void stream_data_within_the_frame(struct kunit *test)
{
	static const struct {
		u32 said_offset, said_used, offset, used;
		bool cut;
	} words[] = {
		{ 0, PAGE_SIZE, 0, PAGE_SIZE, false },
		{ 96, PAGE_SIZE - 96, 96, PAGE_SIZE - 96, false },
		{ PAGE_SIZE, 0, PAGE_SIZE, 0, false },
		{ 0, PAGE_SIZE + 1, 0, PAGE_SIZE, true },
		{ 96, PAGE_SIZE - 95, 96, PAGE_SIZE - 96, true },
		{ 0, U32_MAX, 0, PAGE_SIZE, true },
		{ 96, U32_MAX, 96, PAGE_SIZE - 96, true },
		{ PAGE_SIZE, 1, PAGE_SIZE, 0, true },
		{ PAGE_SIZE + 1, 0, PAGE_SIZE, 0, true },
		{ U32_MAX, U32_MAX, PAGE_SIZE, 0, true },
	};
	struct ks_rig *rig = stream_rig(test, 1, KSSTATE_RUN);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		const struct ksalloc_completion completion = {
			.sequence = i,
			.planes[0] = { words[i].said_offset, words[i].said_used },
		};
		struct ksalloc_complete complete = {};

		ks_rig_submit(rig);
		ks_fake_fill_as(rig->fake, &completion);
		KUNIT_ASSERT_EQ(test, 0, ks_rig_read(rig, &complete));
		KUNIT_EXPECT_EQ(test, complete.header.data, words[i].offset);
		KUNIT_EXPECT_EQ(test, complete.header.data_used, words[i].used);
		KUNIT_EXPECT_EQ(test, complete.header.options_flags,
				words[i].cut ? MARKED : 0);
		KUNIT_ASSERT_EQ(test, 0, ks_allocator_free(rig->alloc, 0, false));
	}
}

/* Passes if a completed frame belongs to the reader (I2, B7). */
static void stream_collected_frame_is_the_readers(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 2, KSSTATE_RUN);
	struct ks_owner *submitter = ks_test_owner_of(rig->allocator);
	struct ks_test_frames frames;
	u32 index;

	KUNIT_ASSERT_EQ(test, 0, ks_allocator_try_alloc(rig->alloc, submitter,
							&index));
	KUNIT_ASSERT_EQ(test, 0, ks_connection_submit(rig->conn, index, -1));
	ks_fake_fill(rig->fake);
	stream_collect(rig, index);

	ks_test_look(test, rig->alloc, &frames);
	KUNIT_EXPECT_EQ(test, frames.frame[index].state, KS_FRAME_ALLOCATED);
	KUNIT_EXPECT_PTR_EQ(test, frames.frame[index].owner, rig->owner);
	/* Submitted again, it is a frame like any other */
	KUNIT_EXPECT_EQ(test, 0, ks_connection_submit(rig->conn, index, -1));
	ks_fake_fill(rig->fake);
	stream_collect(rig, index);
}

/*
 * Passes if buffers that the device returns but nobody submitted (a frame that was not
 * submitted, or an index beyond the frames) are skipped, and the next submitted frame is
 * completed (I2).
 */
static void stream_foreign_buffers(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 3, KSSTATE_RUN);
	struct ksalloc_completion foreign[] = {
		{ .index = 2, .sequence = 0 },
		{ .index = 3, .sequence = 1 },
		{ .index = U32_MAX, .sequence = 2 },
	};
	u32 i;

	KUNIT_EXPECT_EQ(test, ks_rig_submit(rig), 0);
	KUNIT_EXPECT_EQ(test, ks_rig_submit(rig), 1);
	ks_test_expect_counts(test, rig->alloc, 2, 2, 0);
	for (i = 0; i < ARRAY_SIZE(foreign); i++)
		ks_fake_fill_as(rig->fake, &foreign[i]);
	rig->fake->sequence = 3;
	ks_fake_fill(rig->fake);

	ks_fake_forget(rig->fake);
	stream_collect(rig, 0);
	KUNIT_EXPECT_EQ(test, rig->fake->n_calls, 4);
	ks_test_expect_counts(test, rig->alloc, 2, 1, 0);
	for (i = 0; i < ARRAY_SIZE(foreign); i++)
		ks_fake_fill_as(rig->fake, &foreign[i]);
	stream_expect_no_frame(rig, -EAGAIN);
	ks_test_expect_counts(test, rig->alloc, 2, 1, 0);
	/* Also on the way to PAUSE */
	for (i = 0; i < ARRAY_SIZE(foreign); i++)
		ks_fake_fill_as(rig->fake, &foreign[i]);
	ks_rig_request(rig, KSSTATE_PAUSE);
	stream_expect_no_frame(rig, -EAGAIN);
}

/* Passes if the same buffer, returned twice, is completed once (I2). */
static void stream_buffer_twice(struct kunit *test)
{
	struct ksalloc_completion completion = { .index = 0 };
	struct ks_rig *rig = stream_rig(test, 2, KSSTATE_RUN);

	ks_rig_submit(rig);
	ks_rig_submit(rig);
	ks_fake_fill_as(rig->fake, &completion);
	completion.sequence++;
	ks_fake_fill_as(rig->fake, &completion);
	stream_collect(rig, 0);
	stream_expect_no_frame(rig, -EAGAIN);
	ks_test_expect_counts(test, rig->alloc, 2, 1, 0);
}

/*
 * Passes if an error of the device instead of a frame is passed on, and changes nothing
 * (I2).
 */
static void stream_device_errors(struct kunit *test)
{
	static const int errors[] = { -EIO, -EPIPE, -ENOMEM, -ERESTARTSYS };
	struct ks_rig *rig = stream_rig(test, 2, KSSTATE_RUN);
	static const u32 expected[] = { 0, 1 };
	struct ks_test_call *call;
	u32 i;

	ks_rig_submit(rig);
	ks_rig_submit(rig);
	ks_fake_fill(rig->fake);
	for (i = 0; i < ARRAY_SIZE(errors); i++) {
		ks_fake_fail(rig->fake, 1, errors[i]);
		stream_expect_no_frame(rig, errors[i]);
		stream_expect_order(rig, expected, 2);
	}
	ks_fake_fail(rig->fake, 1, -EIO);
	call = ks_test_call_read(test, rig->file, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, -EIO);
	ks_test_expect_counts(test, rig->alloc, 2, 2, 0);
	stream_collect(rig, 0);
}

#define STORM_CHANGES 150

/**
 * struct stream_storm - all calls at the same time
 * @rig: the connection
 * @submitter: an open file of the allocator
 * @timer: fills frames in hard interrupts
 * @seed: seed of all random numbers
 * @stop: all shall end
 * @collected: number of completed frames
 * @changes: number of changes of the state
 * @wrong: how often a call returned an unexpected errno, or a frame came out of order
 */
struct stream_storm {
	struct ks_rig *rig;
	struct ks_owner *submitter;
	struct hrtimer timer;
	u64 seed;
	bool stop;
	atomic_t collected;
	atomic_t changes;
	atomic_t wrong;
};

static enum hrtimer_restart stream_storm_fill(struct hrtimer *timer)
{
	struct stream_storm *storm = container_of(timer, struct stream_storm,
						  timer);

	ks_fake_fill(storm->rig->fake);
	hrtimer_forward_now(timer, ns_to_ktime(200 * NSEC_PER_USEC));
	return HRTIMER_RESTART;
}

static void stream_storm_timer_setup(struct hrtimer *timer)
{
#ifdef KS_TEST_HRTIMER_SETUP
	hrtimer_setup(timer, stream_storm_fill, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL_HARD);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	timer->function = stream_storm_fill;
#endif
}

static void stream_storm_timer_end(void *data)
{
	struct stream_storm *storm = data;

	hrtimer_cancel(&storm->timer);
}

/* Allocates and submits */
static void stream_storm_submit(struct stream_storm *storm)
{
	struct ks_rig *rig = storm->rig;
	u32 index;
	int ret;

	ret = ks_allocator_alloc(rig->alloc, storm->submitter,
				 ktime_get_ns() + 10 * NSEC_PER_MSEC, &index);
	if (ret) {
		if (ret != -ETIMEDOUT)
			atomic_inc(&storm->wrong);
		return;
	}
	ret = ks_connection_submit(rig->conn, index, -1);
	if (!ret)
		return;
	if (ret != -ECANCELED || ks_allocator_free(rig->alloc, index, false))
		atomic_inc(&storm->wrong);
}

/* Completes, checks that a later frame has a higher number, and frees */
static void stream_storm_collect(struct stream_storm *storm, s64 *last)
{
	struct ks_rig *rig = storm->rig;
	const struct ksalloc_complete *answer;
	struct ks_test_read read = {};
	int ret;

	ret = ks_test_read(rig->file, false, ktime_get_ns() + 10 * NSEC_PER_MSEC,
			   &read);
	if (ret) {
		if (ret != -ETIMEDOUT && ret != -ECANCELED)
			atomic_inc(&storm->wrong);
		cond_resched();
		return;
	}
	atomic_inc(&storm->collected);
	answer = &read.answer;
	if (answer->sequence <= *last ||
	    answer->header.data_used != ks_fake_bytes(answer->sequence))
		atomic_inc(&storm->wrong);
	*last = answer->sequence;
	if (ks_allocator_free(rig->alloc, answer->index, false))
		atomic_inc(&storm->wrong);
}

/* A thread: number 0 completes, 1 and 2 change the state, the others submit */
static void stream_storm_thread(struct ks_test_crew *crew, unsigned int number)
{
	struct stream_storm *storm = crew->data;
	struct rnd_state rnd;
	s64 last = -1;

	prandom_seed_state(&rnd, storm->seed + number);
	while (!READ_ONCE(storm->stop) && !signal_pending(current)) {
		if (number == 0) {
			stream_storm_collect(storm, &last);
		} else if (number > 2) {
			stream_storm_submit(storm);
		} else {
			if (ks_connection_request(storm->rig->conn,
						  prandom_u32_state(&rnd) % 4, false))
				atomic_inc(&storm->wrong);
			atomic_inc(&storm->changes);
			/* Mostly long enough for some frames */
			schedule_timeout_interruptible(prandom_u32_state(&rnd) % 4);
		}
		cond_resched();
	}
}

/*
 * Passes if threads submit, complete and change the state at random while a timer fills
 * frames in hard interrupts: each call returns an expected result, frames come in order,
 * the device is never misused, and in the end every frame is free (I1 to I4, C4).
 */
static void stream_storm(struct kunit *test)
{
	struct ks_rig *rig = ks_rig_create(test, 6);
	struct stream_storm *storm;
	struct ks_test_crew *crew;
	struct rnd_state rnd;

	storm = kzalloc(sizeof(*storm), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, storm);
	storm->rig = rig;
	storm->submitter = ks_test_owner_of(rig->allocator);
	storm->seed = ks_test_seed(test, &rnd);
	stream_storm_timer_setup(&storm->timer);
	crew = ks_test_crew(test, 5, stream_storm_thread, storm, rig->file);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test,
							   stream_storm_timer_end,
							   storm));
	hrtimer_start(&storm->timer, ns_to_ktime(200 * NSEC_PER_USEC), HRTIMER_MODE_REL_HARD);

	KUNIT_EXPECT_TRUE(test,
			  ks_test_wait_for(3 * KS_TEST_PATIENCE,
					   atomic_read(&storm->changes) >=
					   STORM_CHANGES &&
					   atomic_read(&storm->collected) >=
					   STORM_CHANGES));
	WRITE_ONCE(storm->stop, true);
	KUNIT_ASSERT_TRUE(test, wait_for_completion_timeout(&crew->done,
							    KS_TEST_PATIENCE));
	hrtimer_cancel(&storm->timer);
	kunit_info(test, "%d changes of state, %d frames collected\n",
		   atomic_read(&storm->changes), atomic_read(&storm->collected));
	KUNIT_EXPECT_EQ(test, atomic_read(&storm->wrong), 0);
	ks_rig_request(rig, KSSTATE_STOP);
	ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
}

static struct kunit_case stream_cases[] = {
	KUNIT_CASE(stream_submit_in_each_state),
	KUNIT_CASE(stream_submit_errors),
	KUNIT_CASE(stream_submit_refused),
	KUNIT_CASE(stream_submit_descriptor),
	KUNIT_CASE(stream_gone_in_a_call),
	KUNIT_CASE(stream_submit_as_the_owner_leaves),
	KUNIT_CASE(stream_complete_in_each_state),
	KUNIT_CASE(stream_complete_does_not_wait_for_nothing),
	KUNIT_CASE(stream_header),
	KUNIT_CASE(stream_data_within_the_frame),
	KUNIT_CASE(stream_collected_frame_is_the_readers),
	KUNIT_CASE(stream_foreign_buffers),
	KUNIT_CASE(stream_buffer_twice),
	KUNIT_CASE(stream_device_errors),
	KUNIT_CASE_SLOW(stream_storm),
	{}
};

static struct kunit_suite stream_suite = {
	.name = "ksalloc_stream",
	.init = ks_test_init,
	.test_cases = stream_cases,
};

kunit_test_suite(stream_suite);
