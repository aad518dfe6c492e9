// SPDX-License-Identifier: GPL-2.0-only
#define READERS_WITHOUT_FIXTURE

#include "camera_gaps.h"
#include "steady.h"

#include <sched.h>
#include <unistd.h>

static void *read_steadily(void *data)
{
	struct steady *steady = data;
	struct ksalloc_reader_frame *frame = &steady->frame;

	if (take(steady->reader, frame) != 1)
		steady->wrong++;
	while (!*steady->stop && !steady->wrong) {
		steady->last = *frame;
		steady->wrong += turn(steady->reader, frame) != 1 ||
				 !follows(frame, &steady->last) || frame->lost || frame->revoked;
		steady->frames++;
	}
	give(steady->reader, frame);
	return NULL;
}

void steady_start(struct steady_readers *readers, int connection)
{
	const struct sched_param urgent = { .sched_priority = 1 };
	struct steady *steady;

	readers->connection = connection;
	readers->gaps = gaps_of(connection);
	for (steady = readers->each; steady < readers->each + STEADY; steady++) {
		steady->stop = &readers->stop;
		steady->reader = reader_open(connection, STEADY_DEPTH, 0, 0);
		ASSERT_LE(0, steady->reader);
		ASSERT_EQ(0, pthread_create(&steady->thread, NULL, read_steadily,
					    steady));
		/* So that it has frames in time, however many processes run */
		ASSERT_EQ(0, pthread_setschedparam(steady->thread, SCHED_FIFO,
						   &urgent));
	}
}

void steady_end(struct steady_readers *readers)
{
	unsigned int gaps = gaps_of(readers->connection) - readers->gaps;
	struct steady *steady;

	expect_no_gaps(gaps, readers->each[0].frames);
	readers->stop = true;
	for (steady = readers->each; steady < readers->each + STEADY; steady++) {
		pthread_join(steady->thread, NULL);
		if (steady->wrong)
			harness_note("frame %u after %u, %u lost, %u revoked, flags %#x",
				     steady->frame.sequence, steady->last.sequence,
				     steady->frame.lost, steady->frame.revoked,
				     steady->frame.header.options_flags);
		EXPECT_EQ(0, steady->wrong);
		EXPECT_LT(0, steady->frames);
		EXPECT_EQ(1, reader_info(steady->reader).promised);
		EXPECT_EQ(0, reader_info(steady->reader).lost);
		close(steady->reader);
	}
}
