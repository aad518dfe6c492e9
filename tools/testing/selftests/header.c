// SPDX-License-Identifier: GPL-2.0-only
/*
 * The times in the header of a frame: duration, presentation time, and discontinuities. The
 * suite stream tests the rest of the header.
 */
#include "ksalloc_test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FRAMES 4
#define PER_SECOND 10000000ULL	/* units of 100 ns */

/* In STOP, with an allocator */
FIXTURE(header) {
	struct rig rig;
	int connection;
};

FIXTURE_SETUP(header)
{
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
}

FIXTURE_TEARDOWN(header)
{
	set_control(self->rig.video, "Percentage of Dropped Buffers", 0);
	set_control(self->rig.video, "Timestamp Source", 0);
	set_control(self->rig.video, "Wrap Timestamp", 0);
	rig_close(&self->rig);
}

static bool has_flag(const struct ksalloc_complete *frame, __u32 flag)
{
	return frame->header.options_flags & flag;
}

/* The frame interval of the driver, rounded to 100 ns */
static unsigned long long interval(struct header_fixture *self)
{
	struct v4l2_streamparm parm = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };
	const struct v4l2_fract *fract = &parm.parm.capture.timeperframe;

	ASSERT_EQ(0, call_fd(self->rig.video, VIDIOC_G_PARM, &parm));
	return (fract->numerator * PER_SECOND + fract->denominator / 2) /
	       fract->denominator;
}

/* I3: the duration is the driver's frame interval, for different intervals. */
TEST_F(header, duration)
{
	static const unsigned int rates[] = { 25, 30, 60, 15 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rates); i++) {
		struct ksalloc_complete frame = { 0 };

		ASSERT_EQ(0, set_rate(self->rig.video, rates[i]));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
		ASSERT_LE(0, rig_complete(&self->rig, &frame));
		EXPECT_TRUE(has_flag(&frame,
				     KSSTREAM_HEADER_OPTIONSF_DURATIONVALID));
		EXPECT_EQ((PER_SECOND + rates[i] / 2) / rates[i],
			  frame.header.duration);
		EXPECT_EQ(interval(self), frame.header.duration);
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
		ASSERT_EQ(0, free_frame(self->rig.allocator, frame.index));
	}
}

/* I3: it is read on the way to RUN: an interval that is set in PAUSE counts. */
TEST_F(header, duration_asked_before_run)
{
	struct ksalloc_complete frame = { 0 };

	ASSERT_EQ(0, set_rate(self->rig.video, 25));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
	ASSERT_EQ(0, set_rate(self->rig.video, 30));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	ASSERT_LE(0, rig_complete(&self->rig, &frame));
	EXPECT_EQ(interval(self), frame.header.duration);
	EXPECT_EQ(333333, frame.header.duration);
}

/*
 * I3: the presentation time is that of the driver, also near the maximum of V4L2 (a control
 * of vivid sets it to 16 s before 2^63 ns, or before 2^31 s).
 */
TEST_F(header, late_times)
{
	static const unsigned long long starts[] = {
		((1ULL << 63) - 16000000000ULL) / 100,
		((1ULL << 31) - 16) * PER_SECOND,
	};
	unsigned int i, j;

	ASSERT_EQ(0, set_control(self->rig.video, "Timestamp Source", 1));
	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		struct ksalloc_complete frame = { 0 };

		ASSERT_EQ(0, set_control(self->rig.video, "Wrap Timestamp",
					 i + 1));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
		/* In the first round, vivid may report the last time of a buffer. */
		for (j = 0; j < 2 * FRAMES; j++)
			rig_turn(&self->rig, &frame);
		EXPECT_TRUE(has_flag(&frame,
				     KSSTREAM_HEADER_OPTIONSF_TIMEVALID));
		EXPECT_LE((long long)starts[i],
			  frame.header.presentation_time.time);
		EXPECT_GT((long long)(starts[i] + PATIENCE_MS * 10000ULL),
			  frame.header.presentation_time.time);
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	}
}

/* I3: with timestamps of the start or the end of frames, they are about an interval apart. */
TEST_F(header, times_go_with_durations)
{
	enum { COUNT = 20 };
	struct ksalloc_complete frame = { 0 };
	__s64 first = 0, last = 0;
	__u32 sequence = 0;
	int i;

	ASSERT_EQ(0, set_control(self->rig.video, "Timestamp Source", 1));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	for (i = 0; i < COUNT; i++) {
		rig_turn(&self->rig, &frame);
		if (i == FRAMES) {
			first = frame.header.presentation_time.time;
			sequence = frame.sequence;
		}
		last = frame.header.presentation_time.time;
	}
	/* Within a factor of two, because the machine may be slow */
	sequence = frame.sequence - sequence;
	ASSERT_LT(0, sequence);
	EXPECT_LT(frame.header.duration / 2, (last - first) / sequence);
	EXPECT_GT(frame.header.duration * 2, (last - first) / sequence);
}

/*
 * I3: TIMEDISCONTINUITY is on the first frame after a pause, and on no other frame whose
 * time is later than that of the last one, with or without gaps.
 */
TEST_F(header, time_discontinuity)
{
	struct ksalloc_complete frame = { 0 };
	int i, gaps = 0;
	__s64 last = 0;

	ASSERT_EQ(0, set_control(self->rig.video, "Timestamp Source", 1));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 30));
	ASSERT_EQ(FRAMES, rig_submit_all(&self->rig));
	for (i = 0; i < 40; i++) {
		bool paused = i == 20, expected;

		if (paused) {
			/* Frames that are already filled are completed first. */
			ASSERT_EQ(0, set_state(self->connection,
					       KSSTATE_PAUSE));
			while (complete(self->connection, KSALLOC_NONBLOCK, 0,
					&frame) >= 0) {
				last = frame.header.presentation_time.time;
				ASSERT_EQ(0, submit(self->connection,
						    frame.index));
			}
			ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		}
		rig_turn(&self->rig, &frame);
		expected = paused ||
			   frame.header.presentation_time.time < last;
		EXPECT_EQ(expected,
			  has_flag(&frame,
				   KSSTREAM_HEADER_OPTIONSF_TIMEDISCONTINUITY));
		gaps += has_flag(&frame,
				 KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY);
		last = frame.header.presentation_time.time;
	}
	/* Both kinds must have occurred, or the test shows nothing. */
	EXPECT_LT(1, gaps);
}
