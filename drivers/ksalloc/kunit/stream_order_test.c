// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_stream_order": the order of the frames of a stream, also over a
 * pause, and the marks of gaps.
 */
#include "stream_rig.h"

/*
 * Passes if frames are completed in the order in which the device fills them, whatever that
 * is (I2).
 */
static void stream_out_of_order(struct kunit *test)
{
	static const u32 order[] = { 3, 0, 4, 2, 1 };
	struct ks_rig *rig = stream_rig(test, ARRAY_SIZE(order), KSSTATE_RUN);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		ks_rig_submit(rig);
	for (i = 0; i < ARRAY_SIZE(order); i++) {
		struct ksalloc_completion completion = {
			.index = order[i], .sequence = i,
		};

		ks_fake_fill_as(rig->fake, &completion);
	}
	for (i = 0; i < ARRAY_SIZE(order); i++)
		KUNIT_EXPECT_EQ(test, stream_collect(rig, order[i]), 0);
	stream_expect_no_frame(rig, -EAGAIN);
}

/*
 * Passes if DATADISCONTINUITY is on the frames whose number does not follow that of the
 * frame before, and gaps are counted. A wrap of the numbers is no gap, nor is a repeated
 * number, because two fields of one picture can have the same number (I3).
 */
static void stream_sequence_gaps(struct kunit *test)
{
	static const struct {
		u32 sequence;
		bool gap;
	} cases[] = {
		{ 5, false }, { 6, false }, { 8, true }, { 9, false },
		{ 9, false }, { 10, false }, { 10, false }, { 12, true },
		{ 11, true }, { 3, true }, { 4, false }, { U32_MAX - 1, true },
		{ U32_MAX, false }, { 0, false }, { 1, false }, { 1, false },
		{ U32_MAX, true }, { U32_MAX, false }, { 0, false },
		{ 0, false }, { U32_MAX, true }, { 1, true },
	};
	struct ks_rig *rig = stream_rig(test, 1, KSSTATE_RUN);
	u32 i, gaps = 0;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct ksalloc_completion completion = {
			.sequence = cases[i].sequence,
			.options_flags = KSSTREAM_HEADER_OPTIONSF_TIMEVALID,
		};
		u32 flags = completion.options_flags;

		if (cases[i].gap)
			flags |= MARKED;
		gaps += cases[i].gap;
		ks_rig_submit(rig);
		ks_fake_fill_as(rig->fake, &completion);
		KUNIT_EXPECT_EQ_MSG(test, stream_collect(rig, 0), flags,
				    "case %u, sequence %u", i,
				    cases[i].sequence);
		KUNIT_EXPECT_EQ(test, 0, ks_allocator_free(rig->alloc, 0, false));
	}
	KUNIT_EXPECT_EQ(test, rig->conn->done.gaps, gaps);
}

/* Fills a frame with a number; returns whether it is marked */
static bool stream_marked(struct ks_rig *rig, u32 sequence)
{
	struct ksalloc_completion completion = { .sequence = sequence };
	u32 flags;

	completion.index = ks_rig_submit(rig);
	ks_fake_fill_as(rig->fake, &completion);
	flags = stream_collect(rig, completion.index);
	KUNIT_EXPECT_EQ(rig->test, 0, ks_allocator_free(rig->alloc,
							completion.index, false));
	return flags & MARKED;
}

/*
 * Passes if the first frame after a pause is marked whatever its number, and no other
 * frame; and the first frame of a new stream is not marked (I3).
 */
static void stream_gap_of_a_pause(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 2, KSSTATE_RUN);

	KUNIT_EXPECT_FALSE(test, stream_marked(rig, 7));
	KUNIT_EXPECT_FALSE(test, stream_marked(rig, 8));
	ks_rig_request(rig, KSSTATE_PAUSE);
	ks_rig_request(rig, KSSTATE_RUN);
	KUNIT_EXPECT_TRUE(test, stream_marked(rig, 9));
	KUNIT_EXPECT_FALSE(test, stream_marked(rig, 10));
	/* A device may restart its numbers */
	ks_rig_request(rig, KSSTATE_PAUSE);
	ks_rig_request(rig, KSSTATE_RUN);
	KUNIT_EXPECT_TRUE(test, stream_marked(rig, 0));
	KUNIT_EXPECT_FALSE(test, stream_marked(rig, 1));
	ks_rig_request(rig, KSSTATE_ACQUIRE);
	ks_rig_request(rig, KSSTATE_RUN);
	KUNIT_EXPECT_FALSE(test, stream_marked(rig, 77));
	ks_rig_request(rig, KSSTATE_PAUSE);
	ks_rig_request(rig, KSSTATE_STOP);
	ks_rig_request(rig, KSSTATE_RUN);
	KUNIT_EXPECT_FALSE(test, stream_marked(rig, 3));
	KUNIT_EXPECT_EQ(test, rig->conn->done.gaps, 0);
}

/*
 * Passes if frames that were filled before a pause are not marked, and the first one that
 * is filled after it is marked (I3).
 */
static void stream_gap_behind_filled_frames(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 4, KSSTATE_RUN);
	u32 i;

	for (i = 0; i < 4; i++)
		ks_rig_submit(rig);
	ks_fake_fill(rig->fake);
	ks_fake_fill(rig->fake);
	ks_rig_request(rig, KSSTATE_PAUSE);
	ks_rig_request(rig, KSSTATE_RUN);
	ks_fake_fill(rig->fake);
	ks_fake_fill(rig->fake);
	for (i = 0; i < 4; i++)
		KUNIT_EXPECT_EQ_MSG(test, stream_collect(rig, i) & MARKED,
				    i == 2 ? MARKED : 0, "frame %u", i);
}

/* Passes if the mark of the device on a damaged frame is passed on (I3). */
static void stream_damaged_frame(struct kunit *test)
{
	static const struct ksalloc_completion damaged = {
		.options_flags = MARKED,
	};
	struct ks_rig *rig = stream_rig(test, 1, KSSTATE_RUN);

	ks_rig_submit(rig);
	ks_fake_fill_as(rig->fake, &damaged);
	KUNIT_EXPECT_EQ(test, stream_collect(rig, 0), MARKED);
	KUNIT_EXPECT_EQ(test, rig->conn->done.gaps, 0);
}

/*
 * Passes if frames that PAUSE took out of the device stay submitted, a frame that is
 * submitted then waits behind them, and on the way back to RUN all are queued once, in that
 * order, even if the device first refuses any of them (I1).
 */
static void stream_pause_keeps_the_order(struct kunit *test)
{
	static const u32 expected[] = { 1, 2, 3, 4 };
	u32 n, i;

	for (n = 0; n <= 5; n++) {
		struct ks_rig *rig = stream_rig(test, 5, KSSTATE_RUN);

		for (i = 0; i < 4; i++)
			ks_rig_submit(rig);
		ks_fake_fill(rig->fake);
		ks_rig_request(rig, KSSTATE_PAUSE);
		KUNIT_EXPECT_EQ(test, rig->fake->hw.n_queued, 0);
		ks_fake_forget(rig->fake);
		ks_rig_submit(rig);
		ks_rig_expect_calls(rig, "");
		stream_expect_order(rig, expected, 4);
		ks_test_expect_counts(test, rig->alloc, 5, 5, 0);

		if (n) {
			ks_fake_fail(rig->fake, n, -EMFILE);
			KUNIT_EXPECT_EQ(test, -EMFILE,
					ks_connection_request(rig->conn,
							      KSSTATE_RUN, false));
			KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_PAUSE);
			stream_expect_order(rig, expected, 4);
			KUNIT_EXPECT_EQ(test, rig->fake->hw.n_queued, n - 1);
			ks_test_expect_counts(test, rig->alloc, 5, 5, 0);
		}
		ks_rig_request(rig, KSSTATE_RUN);
		KUNIT_EXPECT_EQ(test, rig->fake->hw.n_queued, 4);
		KUNIT_EXPECT_MEMEQ(test, rig->fake->hw.queued, expected,
				   sizeof(expected));

		stream_collect(rig, 0);
		for (i = 1; i < 5; i++) {
			ks_fake_fill(rig->fake);
			stream_collect(rig, i);
		}
		ks_rig_end(rig);
	}
}

/*
 * Passes if a frame that is submitted after the device refused one of the waiting frames is
 * not queued before them (I1, I2).
 */
static void stream_submit_behind_a_refused_frame(struct kunit *test)
{
	static const u32 expected[] = { 0, 1, 2 };
	struct ks_rig *rig = stream_rig(test, 3, KSSTATE_RUN);

	ks_rig_submit(rig);
	ks_rig_submit(rig);
	ks_rig_request(rig, KSSTATE_PAUSE);
	ks_fake_fail(rig->fake, 2, -ENOMEM);
	KUNIT_EXPECT_EQ(test, -ENOMEM, ks_connection_request(rig->conn,
							     KSSTATE_RUN, false));
	ks_rig_submit(rig);
	stream_expect_order(rig, expected, 3);
	ks_rig_request(rig, KSSTATE_RUN);
	KUNIT_EXPECT_EQ(test, rig->fake->hw.n_queued, 3);
	KUNIT_EXPECT_MEMEQ(test, rig->fake->hw.queued, expected,
			   sizeof(expected));
}

/*
 * Passes if a frame that is filled before PAUSE can be completed in PAUSE, and is the first
 * one after it (I1).
 */
static void stream_filled_frames_survive_a_pause(struct kunit *test)
{
	struct ks_rig *rig = stream_rig(test, 4, KSSTATE_RUN);
	u32 i;

	for (i = 0; i < 4; i++)
		ks_rig_submit(rig);
	ks_fake_fill(rig->fake);
	ks_fake_fill(rig->fake);
	ks_rig_request(rig, KSSTATE_PAUSE);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), KS_TEST_IN);
	stream_collect(rig, 0);

	ks_rig_request(rig, KSSTATE_RUN);
	ks_fake_fill(rig->fake);
	stream_collect(rig, 1);
	stream_collect(rig, 2);
	ks_rig_request(rig, KSSTATE_PAUSE);
	stream_expect_no_frame(rig, -EAGAIN);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), 0);
	/*
	 * Below PAUSE, the picture of a frame that was not completed is lost, but the frame
	 * becomes free
	 */
	ks_rig_request(rig, KSSTATE_RUN);
	ks_fake_fill(rig->fake);
	ks_rig_request(rig, KSSTATE_ACQUIRE);
	stream_expect_no_frame(rig, -ECANCELED);
	ks_test_expect_counts(test, rig->alloc, 3, 0, 0);
	ks_rig_request(rig, KSSTATE_RUN);
	stream_expect_no_frame(rig, -EAGAIN);
}

static struct kunit_case stream_order_cases[] = {
	KUNIT_CASE(stream_out_of_order),
	KUNIT_CASE(stream_sequence_gaps),
	KUNIT_CASE(stream_gap_of_a_pause),
	KUNIT_CASE(stream_gap_behind_filled_frames),
	KUNIT_CASE(stream_damaged_frame),
	KUNIT_CASE(stream_pause_keeps_the_order),
	KUNIT_CASE(stream_submit_behind_a_refused_frame),
	KUNIT_CASE(stream_filled_frames_survive_a_pause),
	{}
};

static struct kunit_suite stream_order_suite = {
	.name = "ksalloc_stream_order",
	.init = ks_test_init,
	.test_cases = stream_order_cases,
};

kunit_test_suite(stream_order_suite);
