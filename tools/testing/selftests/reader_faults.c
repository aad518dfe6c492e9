// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failure injection, as in faults.c, for frames that circulate and for readers.
 */
#include "reader_operation.h"

#include <unistd.h>

/* A4: READER_OPEN that fails keeps no reader. */
OPERATION(reader_open) = {
	CALLS(READER_OPEN, reader_open, .depth = 1),
	.undo = operation_undo_descriptor,
	.points = { [SLAB] = 3, [COPY] = 1 },
};

/* A stream that circulates and has its allocator for the first time is about to begin. */
static void prepare_circulation(struct faults_fixture *self)
{
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
	ASSERT_EQ(0, set_allocator(self->rig.connection, -1));
	ASSERT_EQ(0, set_allocator(self->rig.connection, self->rig.allocator));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_ACQUIRE));
}

static void undo_circulation(struct faults_fixture *self, int result)
{
	ASSERT_EQ(0, result);
	ASSERT_EQ(FRAMES, in_device(self->rig.allocator));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
}

/* A4: after a failure to begin to circulate all frames are free, and the state is ACQUIRE. */
OPERATION(circulate) = {
	CALLS(SET_STATE, set_state, .flags = KSALLOC_CIRCULATE, .state = KSSTATE_PAUSE),
	.use = "ACQUIRE to PAUSE, circulating",
	.prepare = prepare_circulation,
	.undo = undo_circulation,
	.circulates = true,
	.points = { [SLAB] = 1, [COPY] = 1 },
};

/* A4: EXCHANGE that cannot describe a frame leaves it in the queue. */
OPERATION(exchange) = {
	EXCHANGE_TAKES(prepare_queued),
	.use = "that takes",
};

/* A4: EXCHANGE that fails gives no frame back. */
OPERATION(exchange_gives) = {
	EXCHANGE_GIVES(prepare_taken),
	.use = "that gives back",
};

static void undo_reader_export(struct faults_fixture *self, int fd)
{
	close(fd);
	end_circulation(self, 0);
}

/* A4: READER_EXPORT that fails makes no view. */
OPERATION(reader_export) = {
	CALLS(READER_EXPORT, reader_export, .generation = 1),
	.prepare = prepare_reader,
	.undo = undo_reader_export,
	.circulates = true,
	.points = { [SLAB] = 5, [COPY] = 1 },
};

/* A4: READER_INFO and READER_CANCEL fail only if their arguments cannot be copied. */
OPERATION(reader_info) = {
	CALLS(READER_INFO, reader_info),
	/* The buffer for the format has no page of its own yet */
	.also = EFAULT,
	.prepare = prepare_reader,
	.undo = end_circulation,
	.circulates = true,
	.points = { [COPY] = 3 },
};

/* A4: the second one. */
OPERATION(reader_cancel) = {
	CALLS(READER_CANCEL, reader_cancel),
	.prepare = prepare_reader,
	.undo = end_circulation,
	.circulates = true,
	.points = { [COPY] = 1 },
};

/* A4: each ioctl of readers has an operation above, on any kernel. */
TEST(every_ioctl)
{
	operation_expect_each_ioctl(true);
}
