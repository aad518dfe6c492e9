/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A camera whose frames circulate, and readers
 */
#ifndef SELFTESTS_READERS_H
#define SELFTESTS_READERS_H

#include "ksalloc_test.h"

#ifndef FRAMES
#define FRAMES 8
#endif
#define WIDTH 320
#define HEIGHT 180
#define PITCH (WIDTH * 2)
#define FRAME_SIZE (WIDTH * HEIGHT * 2)
/* Frames that the camera keeps: what it needs to have queued */
#define KEEP 2
/* Depth of a reader that loses nothing, even if its process sleeps for some frames */
#define DEEP 4

static inline int circulate(int connection, unsigned int state)
{
	struct ksalloc_set_state arg = {
		.size = sizeof(arg),
		.flags = KSALLOC_CIRCULATE,
		.state = state,
	};

	return call_fd(connection, KSALLOC_SET_STATE, &arg);
}

static inline int reader_open(int connection, unsigned int depth, unsigned int every,
			      unsigned int flags)
{
	struct ksalloc_reader_open arg = {
		.size = sizeof(arg),
		.flags = flags,
		.depth = depth,
		.every = every,
	};

	return call_fd(connection, KSALLOC_READER_OPEN, &arg);
}

static inline struct ksalloc_exchange exchange_of(struct ksalloc_reader_frame *frames,
						  unsigned int take)
{
	return (struct ksalloc_exchange){
		.size = sizeof(struct ksalloc_exchange),
		.take = (uintptr_t)frames,
		.nr_take = take,
		.take_size = sizeof(*frames),
		.wait_for = take,
		.deadline_ns = in_ms(PATIENCE_MS),
	};
}

/* Takes frames and waits for all of them; the number */
static inline int take_some(int reader, struct ksalloc_reader_frame *frames,
			    unsigned int count)
{
	struct ksalloc_exchange arg = exchange_of(frames, count);

	return call_fd(reader, KSALLOC_EXCHANGE, &arg);
}

static inline int take(int reader, struct ksalloc_reader_frame *frame)
{
	return take_some(reader, frame, 1);
}

/* Takes a frame if there is one; the number */
static inline int take_now(int reader, struct ksalloc_reader_frame *frame)
{
	struct ksalloc_exchange arg = exchange_of(frame, 1);

	arg.wait_for = 0;
	return call_fd(reader, KSALLOC_EXCHANGE, &arg);
}

static inline int give_index(int reader, __u32 index, __u64 generation)
{
	struct ksalloc_exchange arg = {
		.size = sizeof(arg),
		.give = (uintptr_t)&index,
		.nr_give = 1,
		.generation = generation,
	};

	return call_fd(reader, KSALLOC_EXCHANGE, &arg);
}

static inline int give(int reader, const struct ksalloc_reader_frame *frame)
{
	return give_index(reader, frame->index, frame->generation);
}

/* Gives a frame back and takes the next one */
static inline int turn(int reader, struct ksalloc_reader_frame *frame)
{
	struct ksalloc_exchange arg = exchange_of(frame, 1);
	__u32 index = frame->index;

	arg.give = (uintptr_t)&index;
	arg.nr_give = 1;
	arg.generation = frame->generation;
	return call_fd(reader, KSALLOC_EXCHANGE, &arg);
}

static inline int reader_export(int reader, unsigned int index, __u64 generation)
{
	struct ksalloc_reader_export arg = {
		.size = sizeof(arg),
		.index = index,
		.generation = generation,
	};

	return call_fd(reader, KSALLOC_READER_EXPORT, &arg);
}

/*
 * Opens a reader that takes a frame, and exports that. Returns the reader. The caller closes it and
 * the view, a dma-buf that can only be read
 */
static inline int reader_with_view(int connection, unsigned int depth,
				   struct ksalloc_reader_frame *frame, int *view)
{
	int reader = reader_open(connection, depth, 0, 0);

	ASSERT_LE(0, reader);
	ASSERT_EQ(1, take(reader, frame));
	*view = reader_export(reader, frame->index, frame->generation);
	ASSERT_LE(0, *view);
	return reader;
}

static inline struct ksalloc_reader_info reader_info(int reader)
{
	struct ksalloc_reader_info info = { .size = sizeof(info) };

	EXPECT_EQ(0, call_fd(reader, KSALLOC_READER_INFO, &info));
	return info;
}

static inline bool marked(const struct ksalloc_reader_frame *frame)
{
	return frame->header.options_flags &
		KSSTREAM_HEADER_OPTIONSF_DATADISCONTINUITY;
}

/*
 * Whether a frame is the next one. If the machine is busy, vivid skips numbers, and the frame after
 * that is marked. Or it gives two frames the same number.
 */
static inline bool follows(const struct ksalloc_reader_frame *frame,
			   const struct ksalloc_reader_frame *last)
{
	return frame->sequence == last->sequence + 1 ||
	       (frame->sequence > last->sequence && marked(frame)) ||
	       (frame->sequence == last->sequence && frame->index != last->index);
}

#ifndef READERS_WITHOUT_FIXTURE
FIXTURE(readers) {
	struct rig rig;
	int connection, allocator;
};

/* Running, with readers to be made */
FIXTURE_SETUP(readers)
{
	rig_open(&self->rig, 0, WIDTH, HEIGHT);
	rig_allocator(&self->rig, FRAMES);
	self->connection = self->rig.connection;
	self->allocator = self->rig.allocator;
	ASSERT_EQ(0, circulate(self->connection, KSSTATE_RUN));
}

FIXTURE_TEARDOWN(readers)
{
	rig_close(&self->rig);
}
#endif

#endif
