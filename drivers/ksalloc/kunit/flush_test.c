// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit suite "ksalloc_flush": flushes, and the times in headers.
 */
#include <linux/videodev2.h>

#include "fake_device.h"
#include "v4l2.h"

#define VALID KSSTREAM_HEADER_OPTIONSF_TIMEVALID
#define DATA KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY
#define TIME KSSTREAM_HEADER_OPTIONSF_TIMEDISCONTINUITY

static struct ks_rig *flush_rig(struct kunit *test, u32 frames,
				enum ksstate state)
{
	struct ks_rig *rig = ks_rig_create(test, frames);

	ks_rig_request(rig, state);
	ks_fake_forget(rig->fake);
	return rig;
}

static int flush_read(struct ks_rig *rig, struct ksalloc_complete *complete)
{
	*complete = (struct ksalloc_complete){};
	return ks_rig_read(rig, complete);
}

/* Returns the options of a frame that is filled now. The frame is free afterwards */
static u32 flush_options(struct ks_rig *rig)
{
	struct ksalloc_complete complete;

	ks_rig_submit(rig);
	KUNIT_EXPECT_TRUE(rig->test, ks_fake_fill(rig->fake));
	KUNIT_EXPECT_EQ(rig->test, 0, flush_read(rig, &complete));
	ks_allocator_free(rig->alloc, complete.index, false);
	return complete.header.options_flags;
}

/*
 * Passes if BEGIN stops the device, and END starts it in RUN but not in PAUSE, and a second
 * BEGIN or END has no effect (I5).
 */
static void flush_calls(struct kunit *test)
{
	struct ks_rig *rig = flush_rig(test, 2, KSSTATE_RUN);

	ks_rig_submit(rig);
	ks_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_BEGIN));
	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_BEGIN));
	ks_rig_expect_calls(rig, "stop");
	ks_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_END));
	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_END));
	ks_rig_expect_calls(rig, "run");

	ks_rig_request(rig, KSSTATE_PAUSE);
	ks_fake_forget(rig->fake);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_BEGIN));
	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_END));
	ks_rig_expect_calls(rig, "stop");
}

/*
 * Passes if BEGIN frees queued and filled frames, does not change the state, and ends the
 * wait of a reader (I5).
 */
static void flush_takes_all(struct kunit *test)
{
	struct ks_rig *rig = flush_rig(test, 4, KSSTATE_RUN);
	struct ksalloc_complete complete;
	struct ks_test_call *call;
	u32 order[KS_TEST_FRAMES];

	call = ks_test_call_read(test, rig->file, 0);
	KUNIT_ASSERT_TRUE(test, ks_test_pending(call));
	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_BEGIN));
	KUNIT_ASSERT_TRUE(test, ks_test_returned(call));
	KUNIT_EXPECT_EQ(test, call->ret, -ECANCELED);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_END));

	ks_rig_submit(rig);
	ks_rig_submit(rig);
	ks_rig_submit(rig);
	KUNIT_EXPECT_TRUE(test, ks_fake_fill(rig->fake));
	ks_rig_request(rig, KSSTATE_PAUSE);
	KUNIT_EXPECT_EQ(test, ks_rig_done(rig, order), 1);
	KUNIT_EXPECT_EQ(test, ks_rig_submitted(rig, order), 2);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_BEGIN));
	KUNIT_EXPECT_EQ(test, ks_rig_done(rig, order), 0);
	KUNIT_EXPECT_EQ(test, ks_rig_submitted(rig, order), 0);
	KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_PAUSE);
	ks_test_expect_counts(test, rig->alloc, 0, 0, 0);
	KUNIT_EXPECT_EQ(test, flush_read(rig, &complete), -ECANCELED);
	KUNIT_EXPECT_EQ(test, ks_connection_submit(rig->conn,
						   ks_rig_alloc(rig), -1),
			-ECANCELED);
	KUNIT_EXPECT_EQ(test, ks_test_events(rig->file), KS_TEST_ERR);
}

/*
 * Passes if a device that does not start at END is not started by a change of the state but
 * by the next END, and the flush continues until then (I5).
 */
static void flush_end_fails(struct kunit *test)
{
	struct ks_rig *rig = flush_rig(test, 2, KSSTATE_RUN);
	struct ksalloc_complete complete;

	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_BEGIN));
	ks_fake_fail(rig->fake, 1, -EIO);
	KUNIT_EXPECT_EQ(test, ks_connection_reset(rig->conn, KSRESET_END),
			-EIO);
	KUNIT_EXPECT_EQ(test, flush_read(rig, &complete), -ECANCELED);
	KUNIT_EXPECT_EQ(test, ks_rig_state(rig), KSSTATE_RUN);
	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_END));
	KUNIT_EXPECT_EQ(test, flush_options(rig), VALID | DATA | TIME);
}

/* Passes if RUN during a flush leaves the start of the device to END (I5). */
static void flush_run_meanwhile(struct kunit *test)
{
	struct ks_rig *rig = flush_rig(test, 2, KSSTATE_PAUSE);

	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_BEGIN));
	ks_fake_forget(rig->fake);
	ks_rig_request(rig, KSSTATE_RUN);
	ks_rig_expect_calls(rig, "");
	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_END));
	ks_rig_expect_calls(rig, "run");
	KUNIT_EXPECT_EQ(test, flush_options(rig), VALID | DATA | TIME);
	KUNIT_EXPECT_EQ(test, flush_options(rig), VALID);
}

/*
 * Passes if there is no flush below PAUSE, and a state below PAUSE ends a flush without a
 * mark on the next stream (I5).
 */
static void flush_states(struct kunit *test)
{
	struct ks_rig *rig = flush_rig(test, 2, KSSTATE_STOP);
	enum ksstate state;

	for (state = KSSTATE_STOP; state <= KSSTATE_ACQUIRE; state++) {
		ks_rig_request(rig, state);
		KUNIT_EXPECT_EQ(test, -ECANCELED,
				ks_connection_reset(rig->conn, KSRESET_BEGIN));
		KUNIT_EXPECT_EQ(test, -ECANCELED,
				ks_connection_reset(rig->conn, KSRESET_END));
		ks_rig_request(rig, KSSTATE_RUN);
		KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn,
							     KSRESET_BEGIN));
		ks_rig_request(rig, state);
		ks_rig_request(rig, KSSTATE_RUN);
		KUNIT_EXPECT_EQ(test, flush_options(rig), VALID);
	}
}

/* Passes if END fails with ENODEV when the device has disappeared during a flush (I5, I6). */
static void flush_gone(struct kunit *test)
{
	struct ks_rig *rig = flush_rig(test, 2, KSSTATE_RUN);

	KUNIT_EXPECT_EQ(test, 0, ks_connection_reset(rig->conn, KSRESET_BEGIN));
	ks_fake_vanish(rig->fake);
	KUNIT_EXPECT_EQ(test, -ENODEV, ks_connection_reset(rig->conn,
							   KSRESET_END));
	KUNIT_EXPECT_EQ(test, -ENODEV, ks_connection_reset(rig->conn,
							   KSRESET_BEGIN));
}

/*
 * Passes if TIMEDISCONTINUITY is on frames whose time is before that of the last frame with
 * a time, and on no frame without a time; gaps do not matter (I3).
 */
static void flush_times(struct kunit *test)
{
	static const struct {
		s64 time;
		u32 flags;
		u32 sequence;
		u32 expected;
	} cases[] = {
		{ 100, VALID, 1, VALID }, { 200, VALID, 2, VALID },
		{ 200, VALID, 3, VALID }, { 199, VALID, 4, VALID | TIME },
		{ 200, VALID, 5, VALID }, { 0, 0, 6, 0 },
		{ 300, VALID, 9, VALID | DATA },
		{ 0, VALID, 10, VALID | TIME }, { 1, VALID, 11, VALID },
		{ 5000000000000LL, VALID, 12, VALID },
		{ 4999999999999LL, VALID, 14, VALID | TIME | DATA },
	};
	struct ks_rig *rig = flush_rig(test, 1, KSSTATE_RUN);
	struct ksalloc_complete complete;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct ksalloc_completion completion = {
			.sequence = cases[i].sequence,
			.options_flags = cases[i].flags,
			.time = cases[i].time,
		};

		ks_rig_submit(rig);
		ks_fake_fill_as(rig->fake, &completion);
		KUNIT_EXPECT_EQ(test, 0, flush_read(rig, &complete));
		KUNIT_EXPECT_EQ_MSG(test, complete.header.options_flags,
				    cases[i].expected, "case %u", i);
		KUNIT_EXPECT_EQ(test, complete.header.presentation_time.time,
				cases[i].time);
		ks_allocator_free(rig->alloc, 0, false);
	}
}

/* Passes if a duration is valid only if the device reports one (I3). */
static void flush_durations(struct kunit *test)
{
	static const s64 durations[] = { 0, 1, 333333, 0, 400000 };
	struct ks_rig *rig = flush_rig(test, 1, KSSTATE_RUN);
	struct ksalloc_complete complete;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(durations); i++) {
		const struct ksalloc_completion completion = {
			.sequence = i,
			.duration = durations[i],
		};

		ks_rig_submit(rig);
		ks_fake_fill_as(rig->fake, &completion);
		KUNIT_EXPECT_EQ(test, 0, flush_read(rig, &complete));
		KUNIT_EXPECT_EQ(test, complete.header.duration, durations[i]);
		KUNIT_EXPECT_EQ(test, complete.header.options_flags,
				durations[i] ?
				KSSTREAM_HEADER_OPTIONSF_DURATIONVALID : 0);
		ks_allocator_free(rig->alloc, 0, false);
	}
}

/*
 * Passes if a key frame is marked as SPLICEPOINT, a damaged one as discontinuity, the last
 * one as end of stream, and a time is valid only on CLOCK_MONOTONIC (I3).
 */
static void flush_v4l2_flags(struct kunit *test)
{
	static const struct {
		u32 v4l2, options;
	} cases[] = {
		{ 0, 0 },
		{ V4L2_BUF_FLAG_KEYFRAME, KSSTREAM_HEADER_OPTIONSF_SPLICEPOINT },
		{ V4L2_BUF_FLAG_PFRAME | V4L2_BUF_FLAG_BFRAME, 0 },
		{ V4L2_BUF_FLAG_ERROR, DATA },
		{ V4L2_BUF_FLAG_LAST, KSSTREAM_HEADER_OPTIONSF_ENDOFSTREAM },
		{ V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC, VALID },
		{ V4L2_BUF_FLAG_TIMESTAMP_COPY, 0 },
		{ V4L2_BUF_FLAG_TIMESTAMP_UNKNOWN, 0 },
		{ V4L2_BUF_FLAG_KEYFRAME | V4L2_BUF_FLAG_TIMESTAMP_MONOTONIC |
		  V4L2_BUF_FLAG_ERROR,
		  KSSTREAM_HEADER_OPTIONSF_SPLICEPOINT | VALID | DATA },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		KUNIT_EXPECT_EQ_MSG(test, ks_v4l2_options_flags(cases[i].v4l2),
				    cases[i].options, "case %u", i);
}

/* Passes if SPLICEPOINT of a key frame reaches the reader (I3). */
static void flush_key_frame(struct kunit *test)
{
	struct ks_rig *rig = flush_rig(test, 1, KSSTATE_RUN);
	const struct ksalloc_completion completion = {
		.options_flags = ks_v4l2_options_flags(V4L2_BUF_FLAG_KEYFRAME),
	};
	struct ksalloc_complete complete;

	ks_rig_submit(rig);
	ks_fake_fill_as(rig->fake, &completion);
	KUNIT_EXPECT_EQ(test, 0, flush_read(rig, &complete));
	KUNIT_EXPECT_EQ(test, complete.header.options_flags,
			KSSTREAM_HEADER_OPTIONSF_SPLICEPOINT);
}

static struct kunit_case flush_cases[] = {
	KUNIT_CASE(flush_calls),
	KUNIT_CASE(flush_takes_all),
	KUNIT_CASE(flush_end_fails),
	KUNIT_CASE(flush_run_meanwhile),
	KUNIT_CASE(flush_states),
	KUNIT_CASE(flush_gone),
	KUNIT_CASE(flush_times),
	KUNIT_CASE(flush_durations),
	KUNIT_CASE(flush_v4l2_flags),
	KUNIT_CASE(flush_key_frame),
	{}
};

static struct kunit_suite flush_suite = {
	.name = "ksalloc_flush",
	.init = ks_test_init,
	.test_cases = flush_cases,
};

kunit_test_suite(flush_suite);
