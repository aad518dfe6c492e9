// SPDX-License-Identifier: GPL-2.0-only
/*
 * Failure injection, as in faults.c, for frames that circulate and for readers.
 */
#include "operation.h"

#include <unistd.h>

FIXTURE_SETUP(faults)
{
	if (!inject_is_possible())
		SKIP("the kernel injects no failures");
	rig_open(&self->rig, 0, 320, 180);
	rig_allocator(&self->rig, FRAMES);
	self->index = -1;
	self->dmabuf = -1;
}

FIXTURE_TEARDOWN(faults)
{
	if (inject_is_possible())
		inject_tear_down();
	if (self->reader > 0)
		close(self->reader);
	rig_close(&self->rig);
}

static void undo_descriptor(struct faults_fixture *self, int fd)
{
	(void)self;
	close(fd);
}

/* A4: READER_OPEN that fails keeps no reader. */
OPERATION(reader_open) = {
	CALLS(READER_OPEN, reader_open, .depth = 1),
	.undo = undo_descriptor,
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

/* In PAUSE, frames circulate, and there is a reader without views */
static void prepare_reader(struct faults_fixture *self)
{
	struct ksalloc_reader_open reader = { .size = sizeof(reader), .depth = 1 };
	struct ksalloc_set_state state = {
		.size = sizeof(state),
		.flags = KSALLOC_CIRCULATE,
		.state = KSSTATE_PAUSE,
	};

	if (self->reader > 0)
		close(self->reader);
	self->reader = call_fd(self->rig.connection, KSALLOC_READER_OPEN, &reader);
	ASSERT_LE(0, self->reader);
	ASSERT_EQ(0, call_fd(self->rig.connection, KSALLOC_SET_STATE, &state));
}

static struct ksalloc_reader_info reader_info(struct faults_fixture *self)
{
	struct ksalloc_reader_info info = { .size = sizeof(info) };

	EXPECT_EQ(0, call_fd(self->reader, KSALLOC_READER_INFO, &info));
	return info;
}

/* A frame waits in its queue, and no other one comes. A call that failed left it there */
static void prepare_queued(struct faults_fixture *self)
{
	if (self->reader > 0) {
		ASSERT_EQ(1, reader_info(self).queued);
		return;
	}
	prepare_reader(self);
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_RUN));
	ASSERT_EQ(POLLIN, poll_fd(self->reader, POLLIN, PATIENCE_MS));
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_PAUSE));
	ASSERT_EQ(1, reader_info(self).queued);
}

static int exchange(struct faults_fixture *self, int give, bool take)
{
	struct ksalloc_reader_frame frame = { };
	__u32 index = give;
	struct ksalloc_exchange arg = {
		.size = sizeof(arg),
		.give = (uintptr_t)&index,
		.nr_give = give >= 0,
		.take = (uintptr_t)&frame,
		.nr_take = take,
		.wait_for = take,
		.take_size = sizeof(frame),
		.generation = 1,
	};
	int result;

	result = call_fd(self->reader, KSALLOC_EXCHANGE, &arg);
	if (result == 1)
		self->index = frame.index;
	return result;
}

static int take_frame(struct faults_fixture *self)
{
	return exchange(self, -1, true);
}

static void end_circulation(struct faults_fixture *self, int result)
{
	ASSERT_LE(0, result);
	close(self->reader);
	self->reader = -1;
	ASSERT_EQ(0, set_state(self->rig.connection, KSSTATE_STOP));
}

/* A4: EXCHANGE that cannot describe a frame leaves it in the queue. */
OPERATION(exchange) = {
	.ioctl = &ioctls[IOCTL_EXCHANGE],
	.use = "that takes",
	.prepare = prepare_queued,
	.run = take_frame,
	.undo = end_circulation,
	.circulates = true,
	.points = { [COPY] = 2 },
};

static void prepare_taken(struct faults_fixture *self)
{
	if (self->reader > 0) {
		ASSERT_EQ(1, reader_info(self).taken);
		return;
	}
	prepare_queued(self);
	ASSERT_EQ(1, take_frame(self));
}

static int give_frame(struct faults_fixture *self)
{
	return exchange(self, self->index, false);
}

/* A4: EXCHANGE that fails gives no frame back. */
OPERATION(exchange_gives) = {
	.ioctl = &ioctls[IOCTL_EXCHANGE],
	.use = "that gives back",
	.prepare = prepare_taken,
	.run = give_frame,
	.undo = end_circulation,
	.circulates = true,
	.points = { [COPY] = 1 },
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
	const struct ioctl_entry *ioctl;

	for_each_ioctl(ioctl)
		if ((ioctl->file == FILE_READER || ioctl->returns == FILE_READER) &&
		    !EXPECT_TRUE(operation_exists(ioctl)))
			harness_note("%s has no operation", ioctl->name);
}
