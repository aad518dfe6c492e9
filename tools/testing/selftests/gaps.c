// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flags in the header of a frame for missing pictures.
 */
#include "stream.h"

/* I3: DATADISCONTINUITY on the first frame after a gap, and on no other. */
TEST_F(stream, discontinuity_by_drops)
{
	struct ksalloc_complete frame;
	int i, gaps = 0, none = 0;
	__u32 last = 0;

	ASSERT_EQ(0, set_control(self->rig.video,
				 "Percentage of Dropped Buffers", 30));
	submit_all(self);
	for (i = 0; i < 40; i++) {
		rig_turn(&self->rig, &frame);
		/* vivid may use a number twice. */
		if (i && frame.sequence != last) {
			bool gap = frame.sequence != last + 1;

			EXPECT_EQ(gap, discontinuity(&frame));
			gaps += gap;
			none += !gap;
		}
		last = frame.sequence;
	}
	/* Both kinds must have occurred, or the test shows nothing. */
	EXPECT_LT(0, gaps);
	EXPECT_LT(0, none);
}

/* I3: the same if no frame was submitted for some time. */
TEST_F(stream, discontinuity_by_starving)
{
	struct ksalloc_complete frame = { 0 };
	__u32 last;

	ASSERT_EQ(0, submit(self->connection, 0));
	ASSERT_EQ(0, rig_complete(&self->rig, &frame));
	last = frame.sequence;
	sleep_ms(300);
	ASSERT_EQ(0, submit(self->connection, 0));
	ASSERT_EQ(0, rig_complete(&self->rig, &frame));
	EXPECT_LT(last + 1, frame.sequence);
	EXPECT_TRUE(discontinuity(&frame));
}

/* I3: the first frame after a pause has it; the first after STOP does not. */
TEST_F(stream, discontinuity_by_pause)
{
	struct ksalloc_complete frame = { 0 };
	int round;

	ASSERT_EQ(0, submit(self->connection, 0));
	ASSERT_EQ(0, rig_complete(&self->rig, &frame));
	EXPECT_FALSE(discontinuity(&frame));
	for (round = 0; round < 3; round++) {
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_PAUSE));
		ASSERT_EQ(0, submit(self->connection, 0));
		ASSERT_EQ(0, submit(self->connection, 1));
		ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
		ASSERT_EQ(0, rig_complete(&self->rig, &frame));
		EXPECT_TRUE(discontinuity(&frame));
		ASSERT_EQ(1, rig_complete(&self->rig, &frame));
	}
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, submit(self->connection, 0));
	ASSERT_EQ(0, rig_complete(&self->rig, &frame));
	EXPECT_FALSE(discontinuity(&frame));
}

/* I3: a frame that the device marks as damaged has it too, with or without a gap. */
TEST_F(stream, discontinuity_by_damage)
{
	struct ksalloc_complete frame;
	int i, flagged = 0;
	__u32 last = 0;

	submit_all(self);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, set_control(self->rig.video,
					 "Inject V4L2_BUF_FLAG_ERROR", 1));
		rig_turn(&self->rig, &frame);
		if (i && frame.sequence == last + 1)
			flagged += discontinuity(&frame);
		last = frame.sequence;
	}
	EXPECT_LT(0, flagged);
}

/* I3: sequence numbers that wrap around are no gap. */
TEST_F_TIMEOUT(stream, sequence_wraps, 60)
{
	struct ksalloc_complete frame;
	bool wrapped = false;
	__u32 last = 0;
	int i;

	ASSERT_EQ(0, set_state(self->connection, KSSTATE_STOP));
	ASSERT_EQ(0, set_rate(self->rig.video, 60));
	ASSERT_EQ(0, set_control(self->rig.video, "Wrap Sequence Number", 1));
	ASSERT_EQ(0, set_state(self->connection, KSSTATE_RUN));
	ASSERT_EQ(0, set_control(self->rig.video, "Wrap Sequence Number", 0));
	submit_all(self);
	for (i = 0; i < 300 && !wrapped; i++) {
		rig_turn(&self->rig, &frame);
		wrapped = i && frame.sequence < last;
		/* vivid uses a number twice if it is late: no gap */
		if (i)
			EXPECT_EQ(frame.sequence != last + 1 &&
				  frame.sequence != last,
				  discontinuity(&frame));
		last = frame.sequence;
	}
	EXPECT_TRUE(wrapped);
}
