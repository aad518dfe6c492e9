// SPDX-License-Identifier: GPL-2.0-only
#define SHARE_WITHOUT_FIXTURE

#include "camera_gaps.h"
#include "share_steady.h"

#include <sched.h>
#include <stdlib.h>

/* More frames than a test reads */
#define SEEN 1000000
/* An emulated processor needs some of this time for the calls of all programs */
#define LATE_NS 100000000ULL

static void *read_steadily(void *data)
{
	struct steady *steady = data;
	unsigned long long last = 0, now;
	struct v4l2_buffer buffer;

	while (!*steady->stop && !steady->error) {
		steady->error = dequeue(steady->fd, &buffer);
		if (steady->error || steady->frames == SEEN)
			break;
		now = now_ns();
		if (last && now - last > steady->longest_ns)
			steady->longest_ns = now - last;
		last = now;
		steady->seen[steady->frames++] = (struct steady_frame){
			.sequence = buffer.sequence,
			.index = buffer.index,
			.late_ns = now - (buffer.timestamp.tv_sec * 1000000000ULL +
					  buffer.timestamp.tv_usec * 1000ULL),
		};
		steady->error = queue(steady->fd, buffer.index);
	}
	steady->ended = true;
	return NULL;
}

static void steady_open(struct share_fixture *self, struct steady *steady)
{
	steady->fd = handle_open(self);
	request_and_queue(steady->fd, MANY, MANY);
	steady->seen = calloc(SEEN, sizeof(*steady->seen));
	ASSERT_TRUE(steady->seen);
}

void steady_start(struct share_fixture *self, struct steady_handles *handles,
		  unsigned int per_second)
{
	const struct sched_param urgent = { .sched_priority = 1 };
	struct steady *steady;

	close(self->share);
	ASSERT_EQ(0, set_rate(self->video, per_second));
	handles->period_ns = 1000000000ULL / per_second;
	self->share = share_of(self->ksalloc, self->video, MANY, self->path);
	ASSERT_LE(0, self->share);
	for (steady = handles->each; steady < handles->each + STEADY; steady++)
		steady_open(self, steady);
	for (steady = handles->each; steady < handles->each + STEADY; steady++) {
		steady->stop = &handles->stop;
		ASSERT_EQ(0, stream(steady->fd, true));
		ASSERT_EQ(0, pthread_create(&steady->thread, NULL, read_steadily, steady));
		/* So that it takes frames in time, however many processes run */
		ASSERT_EQ(0, pthread_setschedparam(steady->thread, SCHED_FIFO, &urgent));
	}
}

/*
 * Whether a handle can have lost the frames before this one because it was late. A full queue
 * drops its oldest frame. Then newer frames are behind this one, so it is at least one period old.
 * With a virtual clock, the load of the machine makes no handle late
 */
static bool was_late(const struct steady_frame *frame, unsigned long long period_ns)
{
	return !clock_is_virtual() && frame->late_ns >= period_ns;
}

/* Compares the frames of two handles. @later has begun after @steady. */
static void expect_same_frames(const struct steady *steady, const struct steady *later,
			       unsigned long long period_ns)
{
	const struct steady_frame *seen = steady->seen, *end = seen + steady->frames;
	const struct steady_frame *other = later->seen, *other_end = other + later->frames;

	while (seen < end && seen->sequence < other->sequence)
		seen++;
	ASSERT_TRUE(seen < end);
	while (seen < end && other < other_end) {
		if (seen->sequence < other->sequence && was_late(other, period_ns)) {
			seen++;
		} else if (seen->sequence > other->sequence && was_late(seen, period_ns)) {
			other++;
		} else {
			ASSERT_EQ(seen->sequence, other->sequence);
			ASSERT_EQ(seen->index, other->index);
			seen++;
			other++;
		}
	}
}

/* If all handles have lost the same frame, there is a gap, too */
static void expect_no_number_missing(const struct steady *steady)
{
	const struct steady_frame *seen = steady->seen;
	unsigned int gaps = 0, n;

	/* vivid can give two frames the same number if the machine is busy */
	for (n = 1; n < steady->frames; n++)
		gaps += seen[n].sequence != seen[n - 1].sequence + 1 &&
			seen[n].sequence != seen[n - 1].sequence;
	expect_no_gaps(gaps, steady->frames);
}

/* The load of the machine can delay a thread, unless the clock is virtual */
static void expect_in_time(const struct steady *steady, unsigned long long period_ns)
{
	if (clock_is_virtual())
		EXPECT_GT(period_ns + LATE_NS, steady->longest_ns);
}

void steady_end(struct steady_handles *handles)
{
	struct steady *steady;

	handles->stop = true;
	for (steady = handles->each; steady < handles->each + STEADY; steady++) {
		/* Otherwise it waits for a frame, and the camera does not fill any */
		if (!EXPECT_TRUE(EVENTUALLY(steady->ended)))
			stream(steady->fd, false);
		ASSERT_EQ(0, pthread_join(steady->thread, NULL));
		EXPECT_EQ(0, steady->error);
		ASSERT_LT(0, steady->frames);
	}
	expect_no_number_missing(&handles->each[0]);
	for (steady = handles->each; steady < handles->each + STEADY; steady++) {
		expect_same_frames(handles->each, steady, handles->period_ns);
		expect_in_time(steady, handles->period_ns);
		close(steady->fd);
	}
}
